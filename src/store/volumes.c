/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volumes: named and anonymous volumes. They are the user's data: never in the ledger, removed only when that is asked for.
 *
 *	NAME/_data	what containers see
 *	NAME/about	JSON: the stack and service that it was made for, when, whether it is anonymous
 *
 * Who uses a volume holds a shared lock (flock) on NAME until he closes the store, so nobody needs to be asked whether it may go.
 * Called by the supervisor, by `down -v` and by `mstack volume`.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define DATA	  "_data"
#define ABOUT	  "about"
#define ABOUT_MAX 65536
#define GONE	  ".gone-%s"
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Without the kernel's words, which would say less. */
static int refuse(struct err *err, int why, const char *fmt, ...) MSTACK_PRINTF(3, 4);
static int refuse(struct err *err, int why, const char *fmt, ...)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	err_set(err, "%s", buf_str(&text));
	err->sys = why;
	return -1;
}

/* ---- making ---------------------------------------------------------------------------------- */

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

static int write_about(int folder, const struct store_volume_origin *o)
{
	char created[TIME_STAMP_SIZE];
	json_t *about;
	char *text;
	int rc;

	time_stamp(time_wall_ns(), created);
	about = json_pack("{s:s*, s:s*, s:b, s:s}", "project", o->project, "service", o->service,
			  "anonymous", o->anonymous, "created", created);
	text = json_dumps(about, JSON_COMPACT);
	rc = text ? file_replace(folder, ABOUT, text, strlen(text), 0600) : -1;
	free(text);
	json_decref(about);
	return rc;
}

/*
 * Locked, and not just removed by somebody else: then -1 with ESTALE. What is written down comes before the data, so that a
 * volume without it is one that nobody knows the origin of, never one that is half made.
 */
static int open_locked(const struct store *s, const char *name,
		       const struct store_volume_origin *origin, int *ret_fd)
{
	_cleanup_fd_ int fd = -1;
	int made = ensure(s->volumes, name, origin);
	struct stat st;

	if (made < 0)
		return -1;
	fd = openat(s->volumes, name, DIR_FLAGS);
	while (fd >= 0 && flock(fd, LOCK_SH) < 0)
		if (errno != EINTR)
			return -1;
	if (fd < 0 || fstat(fd, &st) < 0 || !st.st_nlink) {
		errno = fd < 0 && errno != ENOENT ? errno : ESTALE;
		return -1;
	}
	if (made && write_about(fd, origin) < 0)
		return -1;
	made = ensure(fd, DATA, origin);
	if (made >= 0)
		*ret_fd = take_fd(&fd);
	return made;
}

int store_volume(struct store *s, const char *name, const struct store_volume_origin *origin,
		 char **ret_path, struct err *err)
{
	int fd = -1, rc;

	if (store_name_check("volume", name, err) < 0)
		return -1;
	do
		rc = open_locked(s, name, origin, &fd);
	while (rc < 0 && errno == ESTALE);
	if (rc < 0 && errno == ENOENT && !origin)
		return refuse(err, ENOENT,
			      "volume '%s': not there; make it with `mstack volume create %s`",
			      name, name);
	if (rc < 0)
		return err_sys(err, errno, "volume '%s'", name);
	vec_push(&s->held, fd);
	*ret_path = xasprintf("%s/volumes/%s", s->dir, name);
	return rc;
}

/* ---- removing -------------------------------------------------------------------------------- */

/* What a removal that was killed has left. */
static void sweep(const struct store *s)
{
	int fd = openat(s->volumes, ".", DIR_FLAGS);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir)
		cleanup_fd(&fd);
	while (dir && (e = readdir(dir)))
		if (!strncmp(e->d_name, ".gone-", 6))
			(void)path_remove_tree(s->volumes, e->d_name);
}

int store_volume_remove(struct store *s, const char *name, struct err *err)
{
	_cleanup_free_ char *gone = xasprintf(GONE, name);
	_cleanup_fd_ int fd = -1;

	if (store_name_check("volume", name, err) < 0)
		return -1;
	sweep(s);
	fd = openat(s->volumes, name, DIR_FLAGS);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return refuse(err, EBUSY, "volume '%s': a running stack uses it", name);
	/* A link that somebody put there goes, not what it leads to. */
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return err_sys(err, errno, "volume '%s': open", name);
	if ((renameat(s->volumes, name, s->volumes, gone) < 0 && errno != ENOENT) ||
	    path_remove_tree(s->volumes, gone) < 0)
		return err_sys(err, errno, "volume '%s': remove", name);
	return 0;
}

static bool is_same(int fd, const struct stat *st)
{
	struct stat own;

	return fstat(fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

void store_volume_let_go(struct store *s, const char *name)
{
	struct stat st;

	if (store_name_check("volume", name, &(struct err){ 0 }) < 0 ||
	    fstatat(s->volumes, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	for (size_t i = 0; i < s->held.n; i++) {
		if (!is_same(s->held.v[i], &st))
			continue;
		/* Of all who have inherited it, too. */
		(void)flock(s->held.v[i], LOCK_UN);
		close(s->held.v[i]);
		s->held.v[i--] = s->held.v[--s->held.n];
	}
}

int store_volume_discard(struct store *s, const char *name, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/volumes/%s", s->dir, name);
	_cleanup_fd_ int fd = -1;

	if (store_name_check("volume", name, err) < 0)
		return -1;
	fd = openat(s->volumes, name, DIR_FLAGS);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return refuse(err, EBUSY, "volume '%s': a running stack uses it", name);
	if (fd >= 0 && store_put_aside(path) == 0)
		return 0;
	cleanup_fd(&fd);
	return store_volume_remove(s, name, err);
}

/* ---- listing --------------------------------------------------------------------------------- */

static char *text_of(const json_t *about, const char *key)
{
	const char *text = json_string_value(json_object_get(about, key));

	return xstrdup(text ? text : "");
}

static void describe(const struct store *s, int fd, const char *name,
		     struct store_volume_listed *ret)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	json_t *about = NULL;

	if (!file_read(fd, ABOUT, ABOUT_MAX, &text))
		about = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
	*ret = (struct store_volume_listed){
		.name = xstrdup(name),
		.path = xasprintf("%s/volumes/%s/" DATA, s->dir, name),
		.project = text_of(about, "project"),
		.service = text_of(about, "service"),
		.created = text_of(about, "created"),
		.anonymous = json_is_true(json_object_get(about, "anonymous")),
		.in_use = flock(fd, LOCK_EX | LOCK_NB) < 0,
	};
	json_decref(about);
}

static int by_name(const void *a, const void *b)
{
	const struct store_volume_listed *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int store_volume_list(const struct store *s, struct store_volume_listing *ret, struct err *err)
{
	int own = openat(s->volumes, ".", DIR_FLAGS);
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct VEC(struct store_volume_listed) all = { 0 };
	const struct dirent *e;

	if (!dir) {
		cleanup_fd(&own);
		return err_sys(err, errno, "store: '%s/volumes'", s->dir);
	}
	while ((e = readdir(dir))) {
		struct store_volume_listed one;
		_cleanup_fd_ int fd = -1;

		if (*e->d_name == '.')
			continue;
		fd = openat(s->volumes, e->d_name, DIR_FLAGS);
		if (fd < 0)
			continue;
		describe(s, fd, e->d_name, &one);
		vec_push(&all, one);
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_name);
	*ret = (struct store_volume_listing){ all.v, all.n };
	return 0;
}

void store_volume_listing_fini(struct store_volume_listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].path);
		free(l->v[i].project);
		free(l->v[i].service);
		free(l->v[i].created);
	}
	free(l->v);
	*l = (struct store_volume_listing){ 0 };
}
