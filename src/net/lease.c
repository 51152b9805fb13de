/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lease: counted switches of the host. Called by net.c and kinds.c. A device of the host
 * forwards while at least one stack needs it. The book of a device is a small file that
 * all stacks share, under the run folder: what it was, and who holds it; the last one out
 * restores, unless somebody has switched on the whole host meanwhile. It is written before
 * the switch is turned, and removed after it was turned back, so that dying in between
 * costs nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/lease.h"
#include "net/link.h"

#define KEY_PREFIX   "forwarding:"
#define BOOK_PREFIX  "forwarding-"
#define ALL	     "all" /* the switch of the host, which sets those of all devices */
#define BOOK_MAX     65536
#define LOCK_WAIT_MS 2000

struct book {
	int index; /* of the device; another one of the same name is another device */
	char was;  /* '0' or '1' */
	char all;  /* what the host's was at that time */
	struct VEC(char *) owners;
};

static void book_fini(struct book *b)
{
	for (size_t i = 0; i < b->owners.n; i++)
		free(b->owners.v[i]);
	vec_fini(&b->owners);
}

/* ---- the switch ------------------------------------------------------------------------------ */

/*
 * By /proc and not by rtnetlink: only here the kernel also switches off receive offload
 * (LRO), which must not be on where packets are forwarded.
 */
static void switch_path(const char *ifname, char *ret, size_t size)
{
	snprintf(ret, size, "/proc/sys/net/ipv4/conf/%s/forwarding", ifname);
}

/* '0' or '1'; -1 with errno, ENOENT when the device is gone. */
static int switch_read(const char *ifname)
{
	struct buf text = { 0 };
	char path[96];
	int rc;

	switch_path(ifname, path, sizeof(path));
	rc = file_read(AT_FDCWD, path, 16, &text);
	rc = rc < 0 ? -1 : buf_str(&text)[0] == '0' ? '0' : '1';
	buf_fini(&text);
	return rc;
}

static int switch_write(const char *ifname, char value, struct err *err)
{
	char path[96], text[] = { value, '\0' };

	switch_path(ifname, path, sizeof(path));
	if (file_put(AT_FDCWD, path, text) && errno != ENOENT)
		return err_sys(err, errno, "forwarding of '%s': write %s", ifname, path);
	return 0;
}

/* ---- the books ------------------------------------------------------------------------------- */

/*
 * Locked folder of the books, which goes when the last book does; so what was locked may
 * be gone by then.
 */
static int open_folder(struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/leases", path_run_dir());
	uint64_t until = time_mono_ms() + LOCK_WAIT_MS;

	for (;;) {
		struct timespec pause = { .tv_nsec = 2000000 };
		_cleanup_fd_ int fd = -1;
		struct stat st;

		if (path_mkdirs(AT_FDCWD, path, 0700))
			return err_sys(err, errno, "leases: make '%s'", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT)
			return err_sys(err, errno, "leases: open '%s'", path);
		if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &st) && st.st_nlink)
			return take_fd(&fd);
		if (time_mono_ms() > until)
			return err_set(err, "leases: '%s' is locked by another mstack for too long",
				       path);
		nanosleep(&pause, NULL);
	}
}

static void close_folder(int *folder)
{
	if (*folder < 0)
		return;
	/* Fails as long as a book is in it. */
	_cleanup_free_ char *path = xasprintf("%s/leases", path_run_dir());

	rmdir(path);
	cleanup_fd(folder);
}

static void book_name(const char *ifname, char ret[64])
{
	snprintf(ret, 64, BOOK_PREFIX "%s", ifname);
}

static void boot_id(char ret[48])
{
	struct buf text = { 0 };

	ret[0] = '\0';
	if (!file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text))
		snprintf(ret, 48, "%.36s", buf_str(&text));
	buf_fini(&text);
}

/*
 * One line each; what cannot be read is as good as no book. Returns whether it is one of
 * this boot.
 */
static bool parse_book(char *text, struct book *ret)
{
	char boot[48], *save = NULL;
	bool current = false;

	boot_id(boot);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "boot"))
			current = !strcmp(value, boot);
		else if (!strcmp(line, "index"))
			ret->index = (int)strtol(value, NULL, 10);
		else if (!strcmp(line, "was"))
			ret->was = *value == '1' ? '1' : '0';
		else if (!strcmp(line, "all"))
			ret->all = *value == '1' ? '1' : '0';
		else if (!strcmp(line, "owner"))
			vec_push(&ret->owners, xstrdup(value));
	}
	return current;
}

/* 0 read, 1 none (or of another boot), -1 with errno. */
static int book_read(int folder, const char *ifname, struct book *ret)
{
	struct buf text = { 0 };
	char name[64];
	int rc;

	book_name(ifname, name);
	rc = file_read(folder, name, BOOK_MAX, &text);
	if (rc)
		return errno == ENOENT ? 1 : -1;
	if (!parse_book(text.data ? text.data : (char[1]){ "" }, ret)) {
		book_fini(ret);
		rc = 1;
	}
	buf_fini(&text);
	return rc;
}

/* Without an owner left the book goes. */
static int book_write(int folder, const char *ifname, const struct book *book, struct err *err)
{
	struct buf text = { 0 };
	char name[64], boot[48];
	int rc;

	book_name(ifname, name);
	boot_id(boot);
	buf_printf(&text, "boot %s\nindex %d\nwas %c\nall %c\n", boot, book->index, book->was,
		   book->all);
	for (size_t i = 0; i < book->owners.n; i++)
		buf_printf(&text, "owner %s\n", book->owners.v[i]);
	if (book->owners.n)
		rc = file_replace(folder, name, text.data, text.len, 0600);
	else
		rc = unlinkat(folder, name, 0) && errno != ENOENT ? -1 : 0;
	buf_fini(&text);
	return rc ? err_sys(err, errno, "leases: write '%s'", name) : 0;
}

static size_t find_owner(const struct book *book, const char *project)
{
	size_t i = 0;

	while (i < book->owners.n && strcmp(book->owners.v[i], project))
		i++;
	return i;
}

/* ---- who needs one --------------------------------------------------------------------------- */

void lease_devices_fini(struct lease_devices *d)
{
	vec_fini(d);
}

static bool has_address(int index, const struct addr_info *addrs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (addrs[i].index == index && addrs[i].net.ip.family == AF_INET)
			return true;
	return false;
}

/* Somebody else has made a router of this host since: the device is to forward without us as well. */
static bool is_wanted_by_others(const struct book *book)
{
	return book->all == '0' && switch_read(ALL) == '1';
}

/* Forwarding is off, or on only because a stack of this boot asked for it. */
static bool is_candidate(int folder, const struct link_info *l)
{
	_cleanup_(book_fini) struct book book = { 0 };
	int now = switch_read(l->name);

	if (now != '1')
		return now == '0';
	return !book_read(folder, l->name, &book) && book.index == l->index && book.was == '0' &&
	       !is_wanted_by_others(&book);
}

int lease_candidates(int rtnl, struct lease_devices *ret, struct err *err)
{
	_cleanup_free_ struct link_info *links = NULL;
	_cleanup_free_ struct addr_info *addrs = NULL;
	_cleanup_(close_folder) int folder = -1;
	size_t n_links, n_addrs;

	if (link_list(rtnl, &links, &n_links, err) || addr_list(rtnl, &addrs, &n_addrs, err))
		return -1;
	folder = open_folder(err);
	if (folder < 0)
		return -1;
	for (size_t i = 0; i < n_links; i++) {
		struct lease_device dev = { .index = links[i].index };

		if (!strcmp(links[i].name, "lo") || !strncmp(links[i].name, "mstk", 4) ||
		    !has_address(links[i].index, addrs, n_addrs) ||
		    !is_candidate(folder, &links[i]))
			continue;
		memcpy(dev.ifname, links[i].name, sizeof(dev.ifname));
		vec_push(ret, dev);
	}
	return 0;
}

/* ---- taking and dropping --------------------------------------------------------------------- */

static int enter(int folder, const struct lease_device *dev, const char *project, struct err *err)
{
	_cleanup_(book_fini) struct book book = { 0 };
	int now = switch_read(dev->ifname);

	if (now < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "forwarding of '%s'", dev->ifname);
	if (book_read(folder, dev->ifname, &book) < 0)
		return err_sys(err, errno, "leases: read the book of '%s'", dev->ifname);
	if (!book.owners.n || book.index != dev->index) {
		book_fini(&book);
		book = (struct book){ .index = dev->index,
				      .was = (char)now,
				      .all = switch_read(ALL) == '1' ? '1' : '0' };
	}
	if (find_owner(&book, project) == book.owners.n)
		vec_push(&book.owners, xstrdup(project));
	if (book_write(folder, dev->ifname, &book, err))
		return -1;
	return switch_write(dev->ifname, '1', err);
}

char *lease_key(const char *ifname, const char *project)
{
	return xasprintf(KEY_PREFIX "%s:%s", ifname, project);
}

int lease_take(struct ledger *l, const struct lease_device *dev, const char *project,
	       struct err *err)
{
	_cleanup_free_ char *key = lease_key(dev->ifname, project);
	_cleanup_(close_folder) int folder = -1;
	uint32_t item = ledger_intend(l, "lease", 0, key, err);

	if (!item)
		return -1;
	folder = open_folder(err);
	if (folder < 0 || enter(folder, dev, project, err))
		return -1;
	return ledger_done(l, item, (uint64_t)dev->index, 0, err);
}

/* "forwarding:DEVICE:PROJECT"; no name of a device holds a colon. */
static int parse_key(const char *key, char ret_ifname[IFNAMSIZ], const char **ret_project)
{
	size_t prefix = strlen(KEY_PREFIX), len;
	const char *colon;

	if (strncmp(key, KEY_PREFIX, prefix) || !(colon = strchr(key + prefix, ':')))
		return -1;
	len = (size_t)(colon - key) - prefix;
	if (!len || len >= IFNAMSIZ || memchr(key + prefix, '/', len))
		return -1;
	memcpy(ret_ifname, key + prefix, len);
	ret_ifname[len] = '\0';
	*ret_project = colon + 1;
	return 0;
}

int lease_held(const char *key)
{
	_cleanup_(book_fini) struct book book = { 0 };
	_cleanup_(close_folder) int folder = -1;
	char ifname[IFNAMSIZ];
	const char *project;

	if (parse_key(key, ifname, &project))
		return 0;
	folder = open_folder(NULL);
	/* Who cannot look lets lease_drop say why. */
	if (folder < 0)
		return 1;
	return !book_read(folder, ifname, &book) && find_owner(&book, project) < book.owners.n;
}

int lease_find(const char *project, struct lease_devices *ret, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/leases", path_run_dir());
	_cleanup_closedir_ DIR *dir = opendir(path);
	const size_t prefix = strlen(BOOK_PREFIX);
	const struct dirent *e;

	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, errno, "leases: open '%s'", path);
	while ((e = readdir(dir))) {
		_cleanup_(book_fini) struct book book = { 0 };
		struct lease_device dev = { 0 };

		if (strncmp(e->d_name, BOOK_PREFIX, prefix) ||
		    strlen(e->d_name + prefix) >= sizeof(dev.ifname) ||
		    book_read(dirfd(dir), e->d_name + prefix, &book) ||
		    find_owner(&book, project) == book.owners.n)
			continue;
		strcpy(dev.ifname, e->d_name + prefix);
		dev.index = book.index;
		vec_push(ret, dev);
	}
	return 0;
}

int lease_drop(const char *key, struct err *err)
{
	_cleanup_(book_fini) struct book book = { 0 };
	_cleanup_(close_folder) int folder = -1;
	char ifname[IFNAMSIZ];
	const char *project;
	size_t owner;

	if (parse_key(key, ifname, &project))
		return err_set(err, "lease '%s': not a lease", key);
	folder = open_folder(err);
	if (folder < 0)
		return -1;
	if (book_read(folder, ifname, &book))
		return 1;
	owner = find_owner(&book, project);
	if (!book.owners.v || owner == book.owners.n)
		return 1;
	free(book.owners.v[owner]);
	book.owners.v[owner] = book.owners.v[--book.owners.n];
	/* Restored before the book goes. */
	if (!book.owners.n && (int)if_nametoindex(ifname) == book.index &&
	    !is_wanted_by_others(&book) && switch_write(ifname, book.was, err))
		return -1;
	return book_write(folder, ifname, &book, err);
}
