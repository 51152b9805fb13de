/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path: opening, making and removing things below a folder whose content somebody else chose.
 * Called by whoever touches images, volumes and run-time folders. No function here may be led out
 * of the folder it was given by a link, a `..`, or a mount.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mstack/base.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* Descriptors that a removal holds at most, whatever the depth of the tree. */
#define REMOVE_DEPTH 32
/* openat2 gives EAGAIN when something was renamed while it resolved a `..`. */
#define RACE_RETRIES 64

int path_current(char ret[PATH_MAX], struct err *err)
{
	if (getcwd(ret, PATH_MAX))
		return 0;
	if (errno != ENOENT)
		return err_sys(err, errno, "current folder");
	err_set(err, "current folder: it was removed: `cd` to one that is there; "
		     "what needs no stack file is also told by -p NAME (see 'mstack ls')");
	err->sys = ENOENT;
	return -1;
}

static int openat2_retry(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = resolve,
	};
	long fd = -1;

	for (int i = 0; i < RACE_RETRIES; i++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return (int)fd;
}

int path_open_in(int dirfd, const char *path, int flags, mode_t mode)
{
	return openat2_retry(dirfd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* ---- resolving ------------------------------------------------------------------------------- */

#define LINKS_MAX 40

struct walk {
	int root;
	char *done, rest[PATH_MAX]; /* without links; not looked at yet */
	size_t len;		    /* of done */
	unsigned links;
};

static void step_up(struct walk *w)
{
	while (w->len && w->done[--w->len] != '/')
		;
	w->done[w->len] = '\0';
}

/* What the link that was just stepped on says comes before the rest. */
static int follow(struct walk *w, const char *target, size_t n, const char *behind)
{
	size_t more = strlen(behind);

	if (++w->links > LINKS_MAX || n + 1 + more >= sizeof(w->rest)) {
		errno = w->links > LINKS_MAX ? ELOOP : ENAMETOOLONG;
		return -1;
	}
	step_up(w);
	if (*target == '/')
		w->done[w->len = 0] = '\0';
	memmove(w->rest + n + 1, behind, more + 1);
	memcpy(w->rest, target, n);
	w->rest[n] = '/';
	return 0;
}

/* One name, which `behind` follows. 1: it was a link, and the rest begins anew. */
static int step_on(struct walk *w, const char *name, size_t n, const char *behind)
{
	_cleanup_fd_ int fd = -1;
	char target[PATH_MAX];
	ssize_t len;

	if (w->len + 1 + n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	w->done[w->len++] = '/';
	memcpy(w->done + w->len, name, n);
	w->done[w->len += n] = '\0';
	fd = path_open_in(w->root, w->done, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	len = readlinkat(fd, "", target, sizeof(target));
	if (len <= 0)
		return 0;
	return follow(w, target, (size_t)len, behind) < 0 ? -1 : 1;
}

int path_resolve_in(int dirfd, const char *path, char ret[PATH_MAX])
{
	struct walk w = { .root = dirfd, .done = ret };
	const char *at = w.rest;

	if (strlen(path) >= sizeof(w.rest)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(w.rest, path);
	*ret = '\0';
	for (at += strspn(at, "/"); *at; at += strspn(at, "/")) {
		size_t n = strcspn(at, "/");
		int rc = 0;

		if (n == 2 && !memcmp(at, "..", 2))
			step_up(&w);
		else if (n != 1 || *at != '.')
			rc = step_on(&w, at, n, at + n);
		if (rc < 0)
			return -1;
		at = rc ? w.rest : at + n;
	}
	if (!w.len)
		strcpy(ret, "/");
	return 0;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* With AT_FDCWD the path is the caller's own and means what it says; else dirfd is its root. */
static int open_folder(int dirfd, const char *path)
{
	if (dirfd == AT_FDCWD)
		return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return path_open_in(dirfd, path, O_PATH | O_DIRECTORY, 0);
}

/* `mode` whatever the umask is, by a descriptor so that a swapped-in link is not followed. */
static int make_folder(int parent, const char *name, mode_t mode)
{
	_cleanup_fd_ int fd = -1;

	if (mkdirat(parent, name, mode) < 0)
		return errno == EEXIST ? 0 : -1;
	fd = openat(parent, name, DIR_FLAGS);
	return fd < 0 ? -1 : fchmod(fd, mode);
}

/* One folder whose parent is there already. `path` is cut for a moment only. */
static int ensure_folder(int dirfd, char *path, mode_t mode)
{
	_cleanup_fd_ int there = open_folder(dirfd, path), parent = -1;
	char *slash = strrchr(path, '/');

	if (there >= 0 || errno != ENOENT)
		return there < 0 ? -1 : 0;
	if (slash)
		*slash = '\0';
	parent = open_folder(dirfd, !slash ? "." : slash == path ? "/" : path);
	if (slash)
		*slash = '/';
	return parent < 0 ? -1 : make_folder(parent, slash ? slash + 1 : path, mode);
}

bool path_is_within(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || !path[len]);
}

int path_mkdirs(int dirfd, const char *path, mode_t mode)
{
	_cleanup_fd_ int there = open_folder(dirfd, path);
	char prefix[PATH_MAX], *end = prefix;
	size_t len = strlen(path);

	if (there >= 0)
		return 0;
	if (errno != ENOENT || !len)
		return -1;
	if (len >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(prefix, path, len + 1);
	for (bool last = false; !last;) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		last = !*end;
		*end = '\0';
		if (ensure_folder(dirfd, prefix, mode) < 0)
			return -1;
		if (!last)
			*end = '/';
	}
	/* A dangling link is neither a folder nor does it let one be made. */
	cleanup_fd(&there);
	there = open_folder(dirfd, path);
	return there < 0 ? -1 : 0;
}

/* ---- removing -------------------------------------------------------------------------------- */

/* A removal under way: branches deeper than REMOVE_DEPTH are moved up into `top`. */
struct removal {
	int top;
	unsigned hoisted;
};

static int remove_entry(struct removal *r, int parent, const char *name, unsigned depth);

static int remove_content(struct removal *r, int fd, unsigned depth)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	if (!dir) {
		cleanup_fd(&own);
		return -1;
	}
	while ((errno = 0, e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    remove_entry(r, fd, e->d_name, depth + 1) < 0)
			return -1;
	return errno ? -1 : 0;
}

/* Too deep for recursion: the branch becomes an entry of `top`, which is read until empty. */
static int hoist(struct removal *r, int parent, const char *name)
{
	char to[32];

	do
		snprintf(to, sizeof(to), ".removing-%u", r->hoisted++);
	while (renameat2(parent, name, r->top, to, RENAME_NOREPLACE) < 0 && errno == EEXIST);
	return faccessat(r->top, to, F_OK, AT_SYMLINK_NOFOLLOW);
}

static int remove_entry(struct removal *r, int parent, const char *name, unsigned depth)
{
	_cleanup_fd_ int fd = -1;

	/* Most entries are no folders, and unlink tells which ones are (EISDIR). */
	if (!unlinkat(parent, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	if (!unlinkat(parent, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -1;
	if (depth >= REMOVE_DEPTH)
		return hoist(r, parent, name);
	fd = openat2_retry(parent, name, DIR_FLAGS, 0, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
	if (fd < 0) {
		errno = errno == EXDEV ? EBUSY : errno;
		return -1;
	}
	if (remove_content(r, fd, depth) < 0)
		return -1;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

int path_remove_tree(int dirfd, const char *name)
{
	struct removal r = { .top = -1 };
	_cleanup_fd_ int top = -1;
	struct statx st;

	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) {
		errno = EBUSY;
		return -1;
	}
	if (!S_ISDIR(st.stx_mode))
		return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -1 : 0;
	top = r.top = openat(dirfd, name, DIR_FLAGS);
	if (top < 0)
		return errno == ENOENT ? 0 : -1;
	for (unsigned before = 0;; before = r.hoisted) {
		if (lseek(top, 0, SEEK_SET) < 0 || remove_content(&r, top, 0) < 0)
			return -1;
		if (!unlinkat(dirfd, name, AT_REMOVEDIR) || errno == ENOENT)
			return 0;
		/* Not empty: there is more to do only if this pass moved a branch up. */
		if ((errno != ENOTEMPTY && errno != EEXIST) || r.hoisted == before)
			return -1;
	}
}

/* ---- folders of the command line contract ---------------------------------------------------- */

static const char *from_env(const char *name, const char *fallback)
{
	const char *s = getenv(name);

	return s && *s ? s : fallback;
}

const char *path_run_dir(void)
{
	return from_env("MSTACK_RUN_DIR", "/run/mstack");
}

const char *path_data_dir(void)
{
	return from_env("MSTACK_DATA_DIR", "/var/lib/mstack");
}

char *path_self(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *noted = getenv(PATH_SELF_VARIABLE);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	/* Nobody but a copy believes the variable: everybody else knows better. */
	if (strncmp(path, "/memfd:", 7))
		return xstrdup(path);
	return noted && *noted == '/' ? xstrdup(noted) : NULL;
}
