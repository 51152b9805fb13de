/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lease: counted switches of the host. Called by net.c and kinds.c. A device of the host
 * forwards while at least one stack needs it. The book of a switch of a device is a small file that
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

#define BOOK_MAX     65536
#define LOCK_WAIT_MS 2000

struct book {
	int index; /* of the device; another one of the same name is another device */
	char was;  /* '0', '1', ... */
	char all;  /* what the host's was at that time */
	struct VEC(char *) owners;
};

static void book_fini(struct book *b)
{
	for (size_t i = 0; i < b->owners.n; i++)
		free(b->owners.v[i]);
	vec_fini(&b->owners);
}

/* ---- the books ------------------------------------------------------------------------------- */

/*
 * Locked folder of the books, which goes when the last book does; so what was locked may
 * be gone by then. Who only reads does not make it: ENOENT in errno.
 */
static int open_folder(bool make, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/leases", path_run_dir());
	uint64_t until = time_mono_ms() + LOCK_WAIT_MS;

	for (;;) {
		struct timespec pause = { .tv_nsec = 2000000 };
		_cleanup_fd_ int fd = -1;
		struct stat st;

		if (make && path_mkdirs(AT_FDCWD, path, 0700))
			return err_sys(err, errno, "leases: make '%s'", path);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && (!make || errno != ENOENT)) {
			int saved = errno;

			err_sys(err, errno, "leases: open '%s'", path);
			errno = saved;
			return -1;
		}
		if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &st) && st.st_nlink)
			return take_fd(&fd);
		if (time_mono_ms() > until)
			return err_set(err, "leases: '%s' is locked by another mstack for too long",
				       path);
		nanosleep(&pause, NULL);
	}
}

/* We have the lock, so what is still called new was left by somebody who died while writing it. */
static void remove_unfinished(int folder)
{
	_cleanup_closedir_ DIR *dir = fdopendir(fcntl(folder, F_DUPFD_CLOEXEC, 0));
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		const char *dot = strrchr(e->d_name, '.');

		if (dot && !strcmp(dot, ".new"))
			unlinkat(folder, e->d_name, 0);
	}
}

static void close_folder(int *folder)
{
	if (*folder < 0)
		return;
	_cleanup_free_ char *path = xasprintf("%s/leases", path_run_dir());

	/* Fails as long as a book is in it. */
	if (rmdir(path) && errno == ENOTEMPTY) {
		remove_unfinished(*folder);
		rmdir(path);
	}
	cleanup_fd(folder);
}

static void book_name(const struct lease_device *dev, char ret[64])
{
	snprintf(ret, 64, "%s-%s", host_switch_name(dev->what), dev->ifname);
}

/* The other way round; -1: it is none. */
static int parse_name(const char *name, struct lease_device *ret)
{
	for (unsigned i = 0; i < HOST_SWITCHES; i++) {
		const char *word = host_switch_name((enum host_switch)i);
		size_t len = strlen(word);

		if (strncmp(name, word, len) != 0 || name[len] != '-' || !name[len + 1] ||
		    strlen(name + len + 1) >= sizeof(ret->ifname))
			continue;
		*ret = (struct lease_device){ .what = (enum host_switch)i };
		strcpy(ret->ifname, name + len + 1);
		return 0;
	}
	return -1;
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
			ret->was = *value >= '0' && *value <= '2' ? *value : '0';
		else if (!strcmp(line, "all"))
			ret->all = *value == '1' ? '1' : '0';
		else if (!strcmp(line, "owner"))
			vec_push(&ret->owners, xstrdup(value));
	}
	return current;
}

/* 0 read, 1 none (or of another boot), -1 with errno. */
static int book_read(int folder, const struct lease_device *dev, struct book *ret)
{
	struct buf text = { 0 };
	char name[64];
	int rc;

	book_name(dev, name);
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
static int book_write(int folder, const struct lease_device *dev, const struct book *book,
		      struct err *err)
{
	struct buf text = { 0 };
	char name[64], boot[48];
	int rc;

	book_name(dev, name);
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

void lease_wanted_fini(struct lease_wanted *w)
{
	vec_fini(&w->switches);
	vec_fini(&w->uplinks);
}

/* One that is reached from elsewhere. */
static bool has_address(int index, int family, const struct addr_info *addrs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct ip *ip = &addrs[i].net.ip;

		if (addrs[i].index == index && ip->family == family &&
		    (family == AF_INET || ip->bytes[0] != 0xfe || (ip->bytes[1] & 0xc0) != 0x80))
			return true;
	}
	return false;
}

/* Somebody else has made a router of this host since: the device is to forward without us as well. */
static bool is_wanted_by_others(const struct lease_device *dev, const struct book *book)
{
	return dev->what == HOST_FORWARDING && book->all == '0' &&
	       host_switch_read(HOST_FORWARDING, HOST_ALL) == '1';
}

/* It is off, or on only because a stack of this boot asked for it. */
static bool is_candidate(int folder, const struct lease_device *dev)
{
	_cleanup_(book_fini) struct book book = { 0 };
	int now = host_switch_read(dev->what, dev->ifname);

	if (now != host_switch_on(dev->what))
		return now == host_switch_off(dev->what);
	return !book_read(folder, dev, &book) && book.index == dev->index &&
	       book.was == host_switch_off(dev->what) && !is_wanted_by_others(dev, &book);
}

/* The devices of a family that could need it. */
static int list_devices(int rtnl, int family, struct lease_devices *ret, struct err *err)
{
	_cleanup_free_ struct link_info *links = NULL;
	_cleanup_free_ struct addr_info *addrs = NULL;
	size_t n_links, n_addrs;

	if (link_list(rtnl, &links, &n_links, err) || addr_list(rtnl, &addrs, &n_addrs, err))
		return -1;
	for (size_t i = 0; i < n_links; i++) {
		struct lease_device dev = { .index = links[i].index };

		if (!strcmp(links[i].name, "lo") ||
		    (links[i].group & LINK_GROUPS_MASK) == LINK_GROUPS ||
		    !has_address(links[i].index, family, addrs, n_addrs))
			continue;
		memcpy(dev.ifname, links[i].name, sizeof(dev.ifname));
		vec_push(ret, dev);
	}
	return 0;
}

static void want(int folder, const struct lease_device *dev, enum host_switch what,
		 struct lease_devices *ret)
{
	struct lease_device d = *dev;

	d.what = what;
	if (is_candidate(folder, &d))
		vec_push(ret, d);
}

/* The switch of the whole host comes last: who listens to routers must be known before. */
static void want_host(int folder, const struct lease_devices *devices, struct lease_wanted *ret)
{
	const struct lease_device all = { .what = HOST_FORWARDING6, .ifname = HOST_ALL };

	if (!is_candidate(folder, &all))
		return;
	for (size_t i = 0; i < devices->n; i++) {
		want(folder, &devices->v[i], HOST_ACCEPT_RA, &ret->switches);
		vec_push(&ret->uplinks, devices->v[i]);
	}
	vec_push(&ret->switches, all);
}

static void want_each(int folder, const struct lease_devices *devices, enum host_switch what,
		      struct lease_wanted *ret)
{
	for (size_t i = 0; i < devices->n; i++)
		want(folder, &devices->v[i], what, &ret->switches);
	for (size_t i = 0; i < ret->switches.n; i++)
		vec_push(&ret->uplinks, ret->switches.v[i]);
}

int lease_needed(const struct lease_device *dev, struct err *err)
{
	_cleanup_(close_folder) int folder = open_folder(true, err);

	return folder < 0 ? -1 : is_candidate(folder, dev);
}

int lease_candidates(int rtnl, int family, struct lease_wanted *ret, struct err *err)
{
	_cleanup_(lease_devices_fini) struct lease_devices devices = { 0 };
	_cleanup_(close_folder) int folder = -1;

	if (list_devices(rtnl, family, &devices, err))
		return -1;
	/* Without the folder there is no book. */
	folder = open_folder(false, err);
	if (folder < 0 && errno != ENOENT)
		return -1;
	if (family == AF_INET)
		want_each(folder, &devices, HOST_FORWARDING, ret);
	else if (host_switch_read(HOST_FORCE_FORWARDING, HOST_ALL) < 0)
		want_host(folder, &devices, ret);
	else if (host_switch_read(HOST_FORWARDING6, HOST_ALL) == '0')
		want_each(folder, &devices, HOST_FORCE_FORWARDING, ret);
	return 0;
}

/* ---- taking and dropping --------------------------------------------------------------------- */

static bool is_on(enum host_switch what, const char *ifname)
{
	return host_switch_read(what, ifname) == host_switch_on(what);
}

static int enter(int folder, const struct lease_device *dev, const char *project, struct err *err)
{
	_cleanup_(book_fini) struct book book = { 0 };
	int now = host_switch_read(dev->what, dev->ifname);

	if (now < 0)
		return errno == ENOENT ? 0
				       : err_sys(err, errno, "%s of '%s'",
						 host_switch_name(dev->what), dev->ifname);
	if (book_read(folder, dev, &book) < 0)
		return err_sys(err, errno, "leases: read the book of '%s'", dev->ifname);
	if (!book.owners.n || book.index != dev->index) {
		book_fini(&book);
		book = (struct book){ .index = dev->index,
				      .was = (char)now,
				      .all = is_on(dev->what, HOST_ALL) ? '1' : '0' };
	}
	if (find_owner(&book, project) == book.owners.n)
		vec_push(&book.owners, xstrdup(project));
	if (book_write(folder, dev, &book, err))
		return -1;
	return host_switch_write(dev->what, dev->ifname, host_switch_on(dev->what), err);
}

char *lease_key(const struct lease_device *dev, const char *project)
{
	return xasprintf("%s:%s:%s", host_switch_name(dev->what), dev->ifname, project);
}

int lease_take(struct ledger *l, const struct lease_device *dev, const char *project,
	       struct err *err)
{
	_cleanup_free_ char *key = lease_key(dev, project);
	_cleanup_(close_folder) int folder = -1;
	uint32_t item = ledger_intend(l, "lease", 0, key, err);

	if (!item)
		return -1;
	folder = open_folder(true, err);
	if (folder < 0 || enter(folder, dev, project, err))
		return -1;
	return ledger_done(l, item, (uint64_t)dev->index, 0, err);
}

/* "SWITCH:DEVICE:PROJECT"; no name of a device holds a colon. */
static int parse_key(const char *key, struct lease_device *ret, const char **ret_project)
{
	size_t word = strcspn(key, ":"), len = key[word] ? strcspn(key + word + 1, ":") : 0;
	char name[64];

	if (!len || word + len >= sizeof(name) - 1 || !key[word + 1 + len] ||
	    memchr(key + word + 1, '/', len))
		return -1;
	snprintf(name, sizeof(name), "%.*s-%.*s", (int)word, key, (int)len, key + word + 1);
	*ret_project = key + word + 1 + len + 1;
	return parse_name(name, ret);
}

int lease_held(const char *key)
{
	_cleanup_(book_fini) struct book book = { 0 };
	_cleanup_(close_folder) int folder = -1;
	struct lease_device dev;
	const char *project;

	if (parse_key(key, &dev, &project))
		return 0;
	folder = open_folder(false, NULL);
	/* Who cannot look lets lease_drop say why. */
	if (folder < 0)
		return errno != ENOENT;
	return !book_read(folder, &dev, &book) && find_owner(&book, project) < book.owners.n;
}

int lease_find(const char *project, struct lease_devices *ret, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/leases", path_run_dir());
	_cleanup_closedir_ DIR *dir = opendir(path);
	const struct dirent *e;

	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, errno, "leases: open '%s'", path);
	while ((e = readdir(dir))) {
		_cleanup_(book_fini) struct book book = { 0 };
		struct lease_device dev;

		if (parse_name(e->d_name, &dev) || book_read(dirfd(dir), &dev, &book) ||
		    find_owner(&book, project) == book.owners.n)
			continue;
		dev.index = book.index;
		vec_push(ret, dev);
	}
	return 0;
}

void lease_owners(void (*found)(void *arg, const char *project), void *arg)
{
	_cleanup_free_ char *path = xasprintf("%s/leases", path_run_dir());
	_cleanup_closedir_ DIR *dir = opendir(path);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		_cleanup_(book_fini) struct book book = { 0 };
		struct lease_device dev;

		if (parse_name(e->d_name, &dev) || book_read(dirfd(dir), &dev, &book))
			continue;
		for (size_t i = 0; i < book.owners.n; i++)
			found(arg, book.owners.v[i]);
	}
}

/* Is it for us to turn the switch back? 1 yes, 0 no: it is off, another device's, or wanted by others; -1 cannot be told. */
static int is_to_restore(const struct lease_device *dev, const struct book *book, struct err *err)
{
	int index = host_switch_index(dev->what, dev->ifname), now;

	if (!index && strcmp(dev->ifname, HOST_ALL) != 0 && errno != ENODEV && errno != ENXIO)
		return err_sys(err, errno, "leases: look for '%s'", dev->ifname);
	if (index != book->index)
		return 0;
	now = host_switch_read(dev->what, dev->ifname);
	if (now < 0 && errno != ENOENT)
		return err_sys(err, errno, "leases: read %s of '%s'", host_switch_name(dev->what),
			       dev->ifname);
	return now == host_switch_on(dev->what) && !is_wanted_by_others(dev, book);
}

int lease_drop(const char *key, struct err *err)
{
	_cleanup_(book_fini) struct book book = { 0 };
	_cleanup_(close_folder) int folder = -1;
	struct lease_device dev;
	const char *project;
	size_t owner;
	int restore;

	if (parse_key(key, &dev, &project))
		return err_set(err, "lease '%s': not a lease", key);
	folder = open_folder(false, err);
	if (folder < 0)
		return errno == ENOENT ? 1 : -1;
	if (book_read(folder, &dev, &book))
		return 1;
	owner = find_owner(&book, project);
	if (!book.owners.v || owner == book.owners.n)
		return 1;
	free(book.owners.v[owner]);
	book.owners.v[owner] = book.owners.v[--book.owners.n];
	/* Restored before the book goes. */
	restore = book.owners.n ? 0 : is_to_restore(&dev, &book, err);
	if (restore < 0 || (restore && host_switch_write(dev.what, dev.ifname, book.was, err)))
		return -1;
	return book_write(folder, &dev, &book, err);
}
