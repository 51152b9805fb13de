/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostsfile: see net_hosts.h. Called by sup when a stack begins, and by the ledger at its end, also in the guard. The file is the
 * user's: it is read and written under a lock that all of us take, never followed through a link that leads nowhere, and
 * never left half written.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "net/hostsfile.h"

/* Lists of advertisers have some megabytes. */
#define FILE_MAX (64 << 20)
#define MARK	 "# mstack:"
/* The file had no newline at its end before this line came. */
#define MARK_NEWLINE " (and a newline)"
#define LABEL	     "security.selinux"

enum { TRIES = 100 };

static const struct timespec pause_10ms = { .tv_nsec = 10000000 };

/* ---- text ------------------------------------------------------------------------------------ */

/* Is this line (without its newline) of the project? */
static bool is_ours(const char *line, size_t len, const char *project, bool *ret_newline)
{
	const char *hash = memrchr(line, '#', len), *end = line + len;
	size_t mark = strlen(MARK), name = strlen(project), more = strlen(MARK_NEWLINE);

	if (!hash || (size_t)(end - hash) < mark + name || memcmp(hash, MARK, mark) != 0 ||
	    memcmp(hash + mark, project, name) != 0)
		return false;
	hash += mark + name;
	*ret_newline = (size_t)(end - hash) == more && !memcmp(hash, MARK_NEWLINE, more);
	return hash == end || *ret_newline;
}

static void add_line(struct buf *b, const struct net_hosts_line *l, const char *project,
		     bool newline)
{
	if (newline)
		buf_putc(b, '\n');
	buf_puts(b, ip_text(&l->ip).text);
	for (size_t i = 0; i < l->n_names; i++)
		buf_printf(b, "%c%s", i ? ' ' : '\t', l->names[i]);
	buf_printf(b, "\t" MARK "%s%s\n", project, newline ? MARK_NEWLINE : "");
}

bool hostsfile_edit(const char *text, size_t len, const char *project,
		    const struct net_hosts_line *lines, size_t n, struct buf *ret)
{
	bool had = false, newline = false;

	for (size_t at = 0; at < len;) {
		const char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t whole = end ? (size_t)(end - line) + 1 : len - at;
		bool extra = false;

		if (is_ours(line, end ? whole - 1 : whole, project, &extra)) {
			had = true;
			newline |= extra;
		} else {
			buf_add(ret, line, whole);
			newline = false; /* somebody goes on behind it */
		}
		at += whole;
	}
	if (newline && ret->len && ret->data[ret->len - 1] == '\n')
		ret->data[--ret->len] = '\0';
	newline = ret->len && ret->data[ret->len - 1] != '\n';
	for (size_t i = 0; i < n; i++)
		add_line(ret, &lines[i], project, newline && i == 0);
	return had;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Opened and locked, and still what its name means. -1 with errno. */
static int open_locked(const char *path)
{
	for (int i = 0; i < TRIES; i++) {
		_cleanup_fd_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		struct stat st, now;

		if (fd < 0 || fstat(fd, &st) < 0)
			return -1;
		if (!S_ISREG(st.st_mode)) {
			errno = EINVAL;
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK)
				return -1;
			nanosleep(&pause_10ms, NULL);
			continue;
		}
		if (!stat(path, &now) && now.st_ino == st.st_ino && now.st_dev == st.st_dev)
			return take_fd(&fd);
	}
	errno = EBUSY;
	return -1;
}

/* A new file that is as the old one but for its text. */
static int write_beside(int old, const char *temp, const struct buf *text)
{
	_cleanup_fd_ int fd =
		open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	char label[256];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(old, &st) < 0)
		return -1;
	n = fgetxattr(old, LABEL, label, sizeof(label));
	/* A kernel without labels says so, and then nobody misses one. */
	if (n > 0 && fsetxattr(fd, LABEL, label, (size_t)n, 0) < 0 && errno != EOPNOTSUPP)
		return -1;
	/* It replaces a file of the user's: after a power cut there must be the one or the other. */
	return fd_write_all(fd, text->data, text->len) < 0 ||
			       fchown(fd, st.st_uid, st.st_gid) < 0 ||
			       fchmod(fd, st.st_mode & 07777) < 0 || fsync(fd) < 0
		       ? -1
		       : 0;
}

static int replace(int old, const char *path, const struct buf *text)
{
	char whole[PATH_MAX], temp[PATH_MAX + 32];
	int saved;

	/* Where it is a link, what it leads to is replaced. */
	if (!realpath(path, whole))
		return -1;
	snprintf(temp, sizeof(temp), "%s.mstack-%d", whole, (int)getpid());
	unlink(temp);
	if (!write_beside(old, temp, text) && !rename(temp, whole))
		return 0;
	saved = errno;
	unlink(temp);
	errno = saved;
	return -1;
}

/* What is the same at the beginning stays untouched. */
static int write_in_place(int fd, const struct buf *had, const struct buf *text)
{
	size_t same = 0;

	while (same < had->len && same < text->len && had->data[same] == text->data[same])
		same++;
	if (lseek(fd, (off_t)same, SEEK_SET) < 0 ||
	    fd_write_all(fd, text->data + same, text->len - same) < 0 ||
	    ftruncate(fd, (off_t)text->len) < 0 || fsync(fd) < 0)
		return -1;
	return 0;
}

static int store(int fd, const char *path, const struct buf *had, const struct buf *text)
{
	if (had->len == text->len && (!text->len || !memcmp(had->data, text->data, text->len)))
		return 0;
	if (!replace(fd, path, text))
		return 0;
	/* Something is mounted on it, or its folder cannot be written to. */
	return errno == EBUSY || errno == EROFS ? write_in_place(fd, had, text) : -1;
}

static int edit(const char *path, const char *project, const struct net_hosts_line *lines, size_t n,
		struct err *err)
{
	_cleanup_fd_ int fd = open_locked(path);
	struct buf had = { 0 }, text = { 0 };
	int rc = -1;

	if (fd >= 0 && !file_read(AT_FDCWD, path, FILE_MAX, &had)) {
		hostsfile_edit(buf_str(&had), had.len, project, lines, n, &text);
		rc = store(fd, path, &had, &text);
	}
	if (rc < 0)
		err_sys(err, errno, "names in '%s'", path);
	buf_fini(&had);
	buf_fini(&text);
	return rc;
}

int net_hosts_write(struct ledger *l, const char *path, const char *project,
		    const struct net_hosts_line *lines, size_t n, struct err *err)
{
	_cleanup_free_ char *key = xasprintf("%s %s", path, project);
	const struct ledger_item *item = l ? ledger_find(l, hostsfile_kind.name, key) : NULL;
	uint32_t id = item ? item->id : 0;

	if (l && !id && n)
		id = ledger_intend(l, hostsfile_kind.name, 0, key, err);
	if ((l && !id && n) || edit(path, project, lines, n, err) < 0)
		return -1;
	if (!id)
		return 0;
	return n ? ledger_done(l, id, 0, 0, err) : ledger_gone(l, id, err);
}

/* ---- the ledger ------------------------------------------------------------------------------ */

/* 1 it has lines there, 0 none, -1 with errno. */
static int has_lines(const char *path, const char *project)
{
	struct buf text = { 0 }, rest = { 0 };
	int rc = file_read(AT_FDCWD, path, FILE_MAX, &text);

	if (!rc)
		rc = hostsfile_edit(buf_str(&text), text.len, project, NULL, 0, &rest);
	buf_fini(&text);
	buf_fini(&rest);
	return rc;
}

/* The path, to be freed; *ret_project is a part of the key. */
static char *split(const struct ledger_item *item, const char **ret_project)
{
	const char *space = strrchr(item->key, ' ');

	*ret_project = space ? space + 1 : "";
	return xasprintf("%.*s", (int)(space ? space - item->key : 0), item->key);
}

static int hosts_same(const struct ledger_item *item)
{
	const char *project;
	_cleanup_free_ char *path = split(item, &project);
	int rc = has_lines(path, project);

	if (rc < 0)
		return errno == ENOENT || errno == ENOTDIR ? -1 : 1;
	return rc ? 1 : -1;
}

static int hosts_destroy(const struct ledger_item *item, struct err *err)
{
	const char *project;
	_cleanup_free_ char *path = split(item, &project);

	return edit(path, project, NULL, 0, err);
}

const struct ledger_kind hostsfile_kind = {
	.name = "hosts",
	.same = hosts_same,
	.destroy = hosts_destroy,
	.flags = LEDGER_HOST_WIDE | LEDGER_SURVIVES_BOOT,
};

int net_hosts_find(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *key = xasprintf(NET_HOSTS_FILE " %s", project);

	/* Who cannot read it has not written it either. */
	if (has_lines(NET_HOSTS_FILE, project) <= 0)
		return 0;
	return l && !ledger_intend(l, hostsfile_kind.name, 0, key, err) ? -1 : 1;
}
