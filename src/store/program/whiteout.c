/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * whiteout: see whiteout.h. A whiteout becomes a character device 0/0, which the kernel lets anybody make (since 5.8: it
 * opens nothing). An opaque folder is an attribute `trusted.overlay.opaque`, which this process has no right to set; it
 * writes the path down, and who started it sets the attribute afterwards. Not `user.overlay.opaque`: overlayfs reads that
 * instead only with an option for the whole mount. Called by unpack.c.
 *
 * In one layer names may come in any order, and a whiteout means what is below the layer, never what is in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "store/program/whiteout.h"

#define PREFIX	   ".wh."
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define OPAQUE	   ".wh..wh..opq"

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && !st->st_rdev;
}

/* 1 there, 0 not, -1 error. */
static int look(const char *path, struct stat *st, struct err *err)
{
	if (!fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW))
		return 1;
	return errno == ENOENT ? 0 : err_sys(err, errno, "'%.300s'", path);
}

static int mark_opaque(struct whiteouts *w, const char *path, struct err *err)
{
	const char *name = *path ? path : ".";
	size_t len = strlen(name) + 1;

	/* The file cannot grow: it is sealed. */
	if (pwrite(w->marks, name, len, (off_t)w->used) != (ssize_t)len)
		return err_set(err, "'%.300s': too many opaque folders in one layer", path);
	w->used += len;
	return 0;
}

static int make_folder(const char *path, struct err *err)
{
	return mkdirat(AT_FDCWD, path, 0755) < 0 ? err_sys(err, errno, "make '%.300s'", path) : 0;
}

/* A folder takes the place of a whiteout: it hides all that is below the layer, and so did the whiteout. */
static int replace_by_folder(struct whiteouts *w, const char *path, struct err *err)
{
	if (unlinkat(AT_FDCWD, path, 0) < 0)
		return err_sys(err, errno, "'%.300s'", path);
	return make_folder(path, err) < 0 ? -1 : mark_opaque(w, path, err);
}

static int ensure_folder(struct whiteouts *w, const char *path, const char *whole, struct err *err)
{
	struct stat st;
	int there = look(path, &st, err);

	if (there < 0)
		return -1;
	if (!there)
		return make_folder(path, err);
	if (S_ISDIR(st.st_mode))
		return 0;
	if (is_whiteout(&st))
		return replace_by_folder(w, path, err);
	if (S_ISLNK(st.st_mode))
		return err_set(err, "'%.200s': leads through the symlink '%.200s'", whole, path);
	return err_set(err, "'%.200s': is below '%.200s', which is no folder", whole, path);
}

static int ensure_above(struct whiteouts *w, const char *path, struct err *err)
{
	const char *end = strrchr(path, '/');
	size_t len = end ? (size_t)(end - path) : 0;
	char above[PATH_MAX];

	/* Entries of one folder mostly come together. */
	if (!len || (!w->any && !strncmp(w->above, path, len) && !w->above[len]))
		return 0;
	snprintf(above, sizeof(above), "%s", path);
	for (char *slash = strchr(above, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (ensure_folder(w, above, path, err) < 0)
			return -1;
		*slash = '/';
	}
	snprintf(w->above, sizeof(w->above), "%.*s", (int)len, path);
	return 0;
}

int whiteout_make_way(struct whiteouts *w, const char *path, bool folder, struct err *err)
{
	struct stat st;
	int there;

	if (!*path)
		return 0;
	if (ensure_above(w, path, err) < 0)
		return -1;
	if (!w->any)
		return 0;
	there = look(path, &st, err);
	if (there <= 0 || !is_whiteout(&st))
		return there < 0 ? -1 : 0;
	if (folder)
		return replace_by_folder(w, path, err);
	return unlinkat(AT_FDCWD, path, 0) < 0 ? err_sys(err, errno, "'%.300s'", path) : 0;
}

static int put_whiteout(struct whiteouts *w, const char *path, struct err *err)
{
	struct stat st;
	int there;

	if (ensure_above(w, path, err) < 0)
		return -1;
	there = look(path, &st, err);
	if (there)
		return there > 0 && S_ISDIR(st.st_mode) ? mark_opaque(w, path, err)
		       : there > 0			? 0
							: -1;
	if (mknodat(AT_FDCWD, path, S_IFCHR, makedev(0, 0)) < 0)
		return err_sys(err, errno, "make the whiteout '%.300s'", path);
	return 0;
}

static int put_opaque(struct whiteouts *w, const char *folder, struct err *err)
{
	if (*folder &&
	    (ensure_above(w, folder, err) < 0 || ensure_folder(w, folder, folder, err) < 0))
		return -1;
	return mark_opaque(w, folder, err);
}

int whiteout_take(struct whiteouts *w, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t above = (size_t)(name - path);
	char hidden[PATH_MAX];

	if (strncmp(name, PREFIX, PREFIX_LEN))
		return 0;
	w->any = true;
	snprintf(hidden, sizeof(hidden), "%.*s", (int)above, path);
	if (!strcmp(name, OPAQUE)) {
		hidden[above ? above - 1 : 0] = '\0';
		return put_opaque(w, hidden, err) < 0 ? -1 : 1;
	}
	name += PREFIX_LEN;
	/* Notes of aufs about itself. */
	if (!strncmp(name, PREFIX, PREFIX_LEN))
		return 1;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return err_set(err, "'%.300s': a whiteout of no name", path);
	snprintf(hidden + above, sizeof(hidden) - above, "%s", name);
	return put_whiteout(w, hidden, err) < 0 ? -1 : 1;
}
