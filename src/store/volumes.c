/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volumes: named volumes. They are the user's data: never in the ledger, removed only when that is
 * asked for. Called by the supervisor and by `down -v`.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

/* 1 a folder, 0 nothing, -1 with errno. */
static int look(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISDIR(st.st_mode))
		return 1;
	errno = ENOTDIR;
	return -1;
}

/* 1 when it was made now. Whatever the umask is, a service's user must be able to enter. */
static int ensure(int dirfd, const char *name, bool create)
{
	int there = look(dirfd, name);

	if (there)
		return there < 0 ? -1 : 0;
	if (!create) {
		errno = ENOENT;
		return -1;
	}
	if (mkdirat(dirfd, name, 0755) < 0)
		return errno == EEXIST ? look(dirfd, name) - 1 : -1;
	return fchmodat(dirfd, name, 0755, 0) < 0 ? -1 : 1;
}

int store_volume(struct store *s, const char *name, bool create, char **ret_path, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int rc;

	if (store_name_check("volume", name, err) < 0)
		return -1;
	rc = ensure(s->volumes, name, create);
	if (rc >= 0) {
		fd = openat(s->volumes, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		rc = fd < 0 ? -1 : ensure(fd, "_data", create);
	}
	if (rc < 0)
		return err_sys(err, errno, "volume '%s'", name);
	*ret_path = xasprintf("%s/volumes/%s/_data", s->dir, name);
	return rc;
}

int store_volume_remove(struct store *s, const char *name, struct err *err)
{
	if (store_name_check("volume", name, err) < 0)
		return -1;
	if (path_remove_tree(s->volumes, name) < 0)
		return err_sys(err, errno, "volume '%s': remove", name);
	return 0;
}
