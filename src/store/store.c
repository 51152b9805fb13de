/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store: the data folder itself. Called by the supervisor and by the commands that look at images
 * and volumes. Only opens and names folders; what is in them is the business of the other files
 * of this room.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store/store.h"

/* As long as a folder's name may be after a suffix of ours. */
#define NAME_MAX_LEN 200

int store_name_check(const char *what, const char *name, struct err *err)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(name);

	if (!len || len > NAME_MAX_LEN || strspn(name, good) != len || strchr("_.-", name[0]))
		return err_sys(err, EINVAL, "store: %s name '%.64s'", what, name);
	return 0;
}

static int open_folder(const struct store *s, const char *name)
{
	if (path_mkdirs(s->fd, name, 0700) < 0)
		return -1;
	return openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_all(struct store *s)
{
	if (path_mkdirs(AT_FDCWD, s->dir, 0700) < 0)
		return -1;
	s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return -1;
	s->images = open_folder(s, "images");
	if (s->images < 0)
		return -1;
	s->layers = open_folder(s, "layers");
	if (s->layers < 0)
		return -1;
	s->catalog = open_folder(s, "catalog");
	if (s->catalog < 0 || path_mkdirs(s->catalog, "names", 0700) < 0 ||
	    path_mkdirs(s->catalog, "records", 0700) < 0)
		return -1;
	s->volumes = open_folder(s, "volumes");
	return s->volumes < 0 || path_mkdirs(s->fd, "projects", 0700) < 0 ? -1 : 0;
}

struct store *store_open(const char *data_dir, struct err *err)
{
	struct store *s;

	if (data_dir[0] != '/') {
		err_set(err, "store: data folder '%s': must be an absolute path", data_dir);
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->fd = s->images = s->layers = s->catalog = s->volumes = -1;
	s->dir = xstrdup(data_dir);
	for (size_t n = strlen(s->dir); n > 1 && s->dir[n - 1] == '/'; n--)
		s->dir[n - 1] = '\0';
	if (!open_all(s))
		return s;
	if (errno == EACCES || errno == EPERM || errno == EROFS)
		err_sys(err, errno,
			"store: data folder '%s' (run as root, or set MSTACK_DATA_DIR "
			"to a folder that you may write)",
			s->dir);
	else
		err_sys(err, errno, "store: data folder '%s'", s->dir);
	store_close(s);
	return NULL;
}

bool store_keeps_marks(const char *data_dir)
{
	_cleanup_free_ char *path = xstrdup(data_dir);
	char value, *end;

	/* What is made later is on the file system of what it is made in. */
	while (access(path, F_OK) < 0 && errno == ENOENT && (end = strrchr(path, '/')) > path)
		*end = '\0';
	return getxattr(path, store_opaque(), &value, sizeof(value)) >= 0 || errno != EOPNOTSUPP;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	cleanup_fd(&s->fd);
	cleanup_fd(&s->images);
	cleanup_fd(&s->layers);
	cleanup_fd(&s->catalog);
	for (size_t i = 0; i < s->held.n; i++)
		close(s->held.v[i]);
	vec_fini(&s->held);
	cleanup_fd(&s->volumes);
	free(s->dir);
	free(s);
}

char *store_log_dir(const struct store *s, const char *project, const char *slot)
{
	return xasprintf("%s/projects/%s/logs/%s", s->dir, project, slot);
}
