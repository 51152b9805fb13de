/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copytree: see copytree.h. Called by fill.c, in a process of its own. Every name is used once, relative to the descriptor of
 * its folder, and links are never followed; what a file is is asked of the descriptor that is read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "box/copytree.h"
#include "box/sys.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* Each folder on the way costs two descriptors. */
#define DEPTH_MAX 200
/* Below that nothing is won by looking for a file that can be shared. */
#define LARGE	  (UINT64_C(1) << 16)
#define BLOCK	  (256u << 10)
#define XATTR_MAX 65536

/* ---- attributes ------------------------------------------------------------------------------ */

/* Those of overlay and of security modules are the host's own business. */
static bool is_wanted(const char *name)
{
	return !strncmp(name, "user.", 5) || !strcmp(name, "security.capability") ||
	       !strncmp(name, "system.posix_acl_", 17);
}

static int copy_xattrs(int from, int to)
{
	_cleanup_free_ char *names = NULL, *value = NULL;
	ssize_t n = flistxattr(from, NULL, 0), len;

	if (n <= 0)
		return n < 0 && errno != EOPNOTSUPP ? -1 : 0;
	names = xcalloc(1, XATTR_MAX);
	value = xcalloc(1, XATTR_MAX);
	n = flistxattr(from, names, XATTR_MAX);
	if (n < 0)
		return -1;
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		if (!is_wanted(name))
			continue;
		len = fgetxattr(from, name, value, XATTR_MAX);
		if (len < 0 && errno == ENODATA)
			continue;
		/* The file system of the volume may have none. */
		if (len < 0 ||
		    (fsetxattr(to, name, value, (size_t)len, 0) < 0 && errno != EOPNOTSUPP))
			return -1;
	}
	return 0;
}

/*
 * An ordinary user may have fewer ids than the image has owners (EINVAL). What belongs to one who does not exist is root's then, as in layers; the copy is
 * already. *ret_squashed: it is.
 */
static int set_owner(int at, const char *name, const struct stat *st, bool *ret_squashed)
{
	const int how = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;

	*ret_squashed = false;
	if (!fchownat(at, name, st->st_uid, st->st_gid, how))
		return 0;
	if (errno != EINVAL)
		return -1;
	*ret_squashed = true;
	if (fchownat(at, name, st->st_uid, (gid_t)-1, how) < 0 && errno != EINVAL)
		return -1;
	return fchownat(at, name, (uid_t)-1, st->st_gid, how) < 0 && errno != EINVAL ? -1 : 0;
}

/* The mode comes behind the owner and the capabilities behind both: a change of the owner takes from them. */
static int set_attributes(int from, int to, const struct stat *st)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };
	bool squashed;

	/* Nobody becomes root by what was somebody else's. */
	if (set_owner(to, "", st, &squashed) < 0 ||
	    fchmod(to, st->st_mode & (squashed ? 01777 : 07777)) < 0 || copy_xattrs(from, to) < 0)
		return -1;
	return futimens(to, times);
}

int copytree_attributes(int from, int to)
{
	struct stat st;

	return fstat(from, &st) < 0 ? -1 : set_attributes(from, to, &st);
}

/* ---- contents -------------------------------------------------------------------------------- */

static int copy_bytes(int from, int to, off_t at, off_t end)
{
	_cleanup_free_ char *block = xcalloc(1, BLOCK);

	while (at < end) {
		size_t want = end - at < (off_t)BLOCK ? (size_t)(end - at) : BLOCK;
		ssize_t n = pread(from, block, want, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		for (ssize_t done = 0, k; done < n; done += k) {
			k = pwrite(to, block + done, (size_t)(n - done), at + done);
			if (k < 0)
				return -1;
		}
		at += n;
	}
	return 0;
}

/* In the kernel where it can; not every pair of file systems takes part in that. */
static int copy_range(int from, int to, off_t at, off_t end)
{
	while (at < end) {
		off_t in = at, out = at;
		ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(end - at), 0);

		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
			      errno == ENOSYS || errno == EBADF))
			return copy_bytes(from, to, at, end);
		if (n <= 0)
			return n < 0 ? -1 : copy_bytes(from, to, at, end);
		at += n;
	}
	return 0;
}

/* Data after data; what lies between are holes. A file system that knows none has one piece of data. */
static int copy_content(int from, int to, off_t size)
{
	off_t at = 0, end;

	if (!size || !ioctl(to, FICLONE, from))
		return 0;
	while (at < size) {
		at = lseek(from, at, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			break;
		end = at < 0 ? size : lseek(from, at, SEEK_HOLE);
		if (at < 0)
			at = 0;
		if (end < 0 || end > size)
			end = size;
		if (copy_range(from, to, at, end) < 0)
			return -1;
		at = end;
	}
	return ftruncate(to, size);
}

/*
 * The file of the layer that the merged tree shows at this path, which is that of the topmost layer that has one. Overlay itself
 * lets nobody share its blocks. -1: it is not found, or not the same.
 */
static int open_in_layer(const struct copytree *t, const struct stat *want)
{
	for (size_t i = 0; i < t->n_layers; i++) {
		int fd = sys_open_plain(t->layers[i], t->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		struct stat st;

		if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
		    st.st_size == want->st_size && st.st_mtim.tv_sec == want->st_mtim.tv_sec &&
		    st.st_mtim.tv_nsec == want->st_mtim.tv_nsec)
			return fd;
		cleanup_fd(&fd);
		return -1;
	}
	return -1;
}

/* ---- entries --------------------------------------------------------------------------------- */

/* A file with several names: the first one that is met goes into the folder of links too, and the others are taken from there. */
static int link_known(const struct copytree *t, const struct stat *st, int to, const char *name)
{
	char id[64];

	snprintf(id, sizeof(id), "%llx-%llx", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino);
	if (!linkat(t->links, id, to, name, 0))
		return 1;
	return errno == ENOENT ? 0 : -1;
}

static int remember_link(const struct copytree *t, const struct stat *st, int to, const char *name)
{
	char id[64];

	snprintf(id, sizeof(id), "%llx-%llx", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino);
	return linkat(to, name, t->links, id, 0);
}

static int copy_file(struct copytree *t, int from, int to, const char *name)
{
	_cleanup_fd_ int in = openat(from, name,
				     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
			 shared = -1, out = -1;
	struct stat st;
	int rc;

	if (in < 0 || fstat(in, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = ESTALE;
		return -1;
	}
	rc = st.st_nlink > 1 ? link_known(t, &st, to, name) : 0;
	if (rc)
		return rc < 0 ? -1 : 0;
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return -1;
	if ((uint64_t)st.st_size >= LARGE)
		shared = open_in_layer(t, &st);
	if (copy_content(shared < 0 ? in : shared, out, st.st_size) < 0 ||
	    set_attributes(in, out, &st) < 0)
		return -1;
	return st.st_nlink > 1 ? remember_link(t, &st, to, name) : 0;
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
	const struct timespec times[] = { st->st_atim, st->st_mtim };
	char text[PATH_MAX];
	bool squashed;
	ssize_t n = readlinkat(from, name, text, sizeof(text) - 1);

	if (n < 0)
		return -1;
	text[n] = '\0';
	if (symlinkat(text, to, name) < 0 || set_owner(to, name, st, &squashed) < 0)
		return -1;
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_fifo(int to, const char *name, const struct stat *st)
{
	bool squashed;

	if (mknodat(to, name, S_IFIFO | (st->st_mode & 07777), 0) < 0)
		return -1;
	return set_owner(to, name, st, &squashed);
}

static int copy_folder(struct copytree *t, int from, int to);

static int copy_below(struct copytree *t, int from, int to, const char *name)
{
	_cleanup_fd_ int in = openat(from, name, DIR_FLAGS), out = -1;
	int rc;

	if (in < 0 || mkdirat(to, name, 0700) < 0)
		return -1;
	out = openat(to, name, DIR_FLAGS);
	if (out < 0)
		return -1;
	if (t->depth == DEPTH_MAX) {
		t->too_deep = true;
		return -1;
	}
	t->depth++;
	rc = copy_folder(t, in, out);
	t->depth--;
	return rc < 0 ? -1 : copytree_attributes(in, out);
}

static int copy_entry(struct copytree *t, int from, int to, const char *name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_below(t, from, to, name);
	case S_IFREG:
		return copy_file(t, from, to, name);
	case S_IFLNK:
		return copy_link(from, to, name, &st);
	case S_IFIFO:
		return copy_fifo(to, name, &st);
	default:
		t->left_out++;
		return 0;
	}
}

/* The path is for messages and layers only. One that is too long to be written down has neither. */
static size_t go_down(struct copytree *t, const char *name)
{
	size_t before = strlen(t->path);

	if (before + strlen(name) + 2 <= sizeof(t->path))
		snprintf(t->path + before, sizeof(t->path) - before, "%s%s", before ? "/" : "",
			 name);
	return before;
}

static int copy_folder(struct copytree *t, int from, int to)
{
	int own = openat(from, ".", DIR_FLAGS);
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	const struct dirent *e;

	if (!dir) {
		cleanup_fd(&own);
		return -1;
	}
	while ((errno = 0, e = readdir(dir))) {
		size_t before;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		before = go_down(t, e->d_name);
		if (copy_entry(t, from, to, e->d_name) < 0)
			return -1;
		t->path[before] = '\0';
	}
	return errno ? -1 : 0;
}

int copytree(struct copytree *t, int from, int to, struct err *err)
{
	if (!copy_folder(t, from, to) && !copytree_attributes(from, to))
		return 0;
	if (t->too_deep)
		return err_set(err, "more than %d folders in one another: '/%.150s'", DEPTH_MAX,
			       t->path);
	return err_sys(err, errno, "'/%.150s'", t->path);
}
