/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store: the data folder itself. Called by the supervisor and by the commands that look at images
 * and volumes. Only opens and names folders; what is in them is the business of the other files
 * of this room.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "mstack/base_level.h"
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

/* The folder itself, or the first one above it that can be seen: what is made later is in there, and on the same file system. */
static char *nearest(const char *path, struct stat *ret)
{
	char *there = xstrdup(path), *end;

	/* The root keeps its slash. */
	while (stat(there, ret) < 0 && (end = strrchr(there, '/')) && there[1])
		end[end == there] = '\0';
	return there;
}

bool store_is_usable(const char *data_dir, char *why, size_t size)
{
	struct stat st = { .st_uid = geteuid() };
	_cleanup_free_ char *there = nearest(data_dir, &st);

	*why = '\0';
	if (S_ISDIR(st.st_mode) && !access(there, R_OK | W_OK | X_OK))
		return true;
	if (!S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	if (errno == EACCES && st.st_uid != geteuid())
		snprintf(why, size, "'%s' is somebody else's", there);
	else
		snprintf(why, size, "'%s': %s", there, strerror(errno));
	return false;
}

static void refuse(const char *dir, int reason, struct err *err)
{
	char why[240];
	bool user = geteuid() || level_get().nested;

	if (reason != EACCES && reason != EPERM && reason != EROFS)
		err_sys(err, reason, "store: data folder '%s'", dir);
	else if (user && reason != EROFS && !store_is_usable(dir, why, sizeof(why)))
		err_sys(err, reason,
			"store: data folder '%s' (%s: set XDG_DATA_HOME to a folder of your own)",
			dir, why);
	else
		err_sys(err, reason,
			"store: data folder '%s' (set MSTACK_DATA_DIR to a folder that you may write)",
			dir);
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
	refuse(s->dir, errno, err);
	store_close(s);
	return NULL;
}

bool store_keeps_marks(const char *data_dir)
{
	struct stat st;
	_cleanup_free_ char *path = nearest(data_dir, &st);
	char value;

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
