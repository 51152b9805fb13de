/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spot: see spot.h. Called by cp. A name is found here and used later by others, relative to the folder's descriptor: what a
 * container puts in its place meanwhile is still a name in that folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/spot.h"

#define LINKS_MAX 40

static int open_folder(int root, const char *path)
{
	if (root == AT_FDCWD)
		return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return path_open_in(root, path, O_PATH | O_DIRECTORY, 0);
}

/* Takes slashes and `/.` off the end; notes what they mean. */
static void trim(char *path, struct cli_spot *s)
{
	size_t n = strlen(path);

	for (;;) {
		if (n > 1 && path[n - 1] == '/') {
			s->slash = true;
			path[--n] = '\0';
		} else if (n > 2 && path[n - 1] == '.' && path[n - 2] == '/') {
			s->content = true;
			path[--n] = '\0';
		} else {
			return;
		}
	}
}

/* A path without a name of its own at the end: the folder that it is. */
static bool is_nameless(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return !*name || !strcmp(name, ".") || !strcmp(name, "..");
}

static int find_nameless(int root, const char *path, struct cli_spot *s, struct err *err)
{
	s->folder = open_folder(root, path);
	if (s->folder < 0)
		return err_sys(err, errno, "'%s'", path);
	s->name = xstrdup(".");
	s->there = s->content = true;
	s->mode = S_IFDIR;
	return 0;
}

/* Opens the folder above the last name of `path`. */
static int find_folder(int root, const char *path, struct cli_spot *s, struct err *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *above = !slash	     ? xstrdup(".")
				     : slash == path ? xstrdup("/")
						     : xasprintf("%.*s", (int)(slash - path), path);
	struct stat st;

	cleanup_fd(&s->folder);
	s->folder = open_folder(root, above);
	if (s->folder < 0)
		return err_sys(err, errno, "'%s'", above);
	free(s->name);
	s->name = xstrdup(slash ? slash + 1 : path);
	s->there = !fstatat(s->folder, s->name, &st, AT_SYMLINK_NOFOLLOW);
	if (!s->there && errno != ENOENT)
		return err_sys(err, errno, "'%s'", path);
	s->mode = s->there ? st.st_mode : 0;
	return 0;
}

/* What the link at the spot says, as a path like the one that led to it. NULL with errno. */
static char *next_path(const struct cli_spot *s, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(s->folder, s->name, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');

	if (n < 0)
		return NULL;
	target[n] = '\0';
	if (*target == '/' || !slash)
		return xstrdup(target);
	return xasprintf("%.*s/%s", (int)(slash - path), path, target);
}

int cli_spot_find(int root, const char *path, bool follow, struct cli_spot *ret, struct err *err)
{
	_cleanup_(cli_spot_fini) struct cli_spot s = { .folder = -1 };
	_cleanup_free_ char *at = xstrdup(path);

	if (!*path || strlen(path) >= PATH_MAX)
		return err_kind(err, ERR_USAGE, "'%.100s' is no path", path);
	for (int links = 0;; links++) {
		char *next;

		trim(at, &s);
		if (is_nameless(at)) {
			if (find_nameless(root, at, &s, err) < 0)
				return -1;
			break;
		}
		if (find_folder(root, at, &s, err) < 0)
			return -1;
		if (!S_ISLNK(s.mode) || !(follow || s.slash || s.content))
			break;
		if (links == LINKS_MAX)
			return err_sys(err, ELOOP, "'%s'", path);
		next = next_path(&s, at);
		if (!next)
			return err_sys(err, errno, "'%s'", path);
		free(at);
		at = next;
	}
	*ret = s;
	s = (struct cli_spot){ .folder = -1 };
	return 0;
}

int cli_spot_open(const struct cli_spot *s)
{
	return openat(s->folder, s->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void cli_spot_fini(struct cli_spot *s)
{
	cleanup_fd(&s->folder);
	free(s->name);
	s->name = NULL;
}

/* ---- from one to the other ------------------------------------------------------------------- */

static int refuse(const struct cli_spot *from, const struct cli_spot *to, const char *from_path,
		  const char *to_path, struct err *err)
{
	bool folder = S_ISDIR(from->mode);

	if (!from->there)
		return err_sys(err, ENOENT, "'%s'", from_path);
	if (!folder && (from->slash || from->content))
		return err_set(err, "'%s': is no folder", from_path);
	if (folder && to->there && !S_ISDIR(to->mode))
		return err_set(err, "'%s' is a folder, and '%s' is there and is none", from_path,
			       to_path);
	if (!folder && to->there && !S_ISDIR(to->mode) && (to->slash || to->content))
		return err_set(err, "'%s': is no folder", to_path);
	if (!folder && !to->there && (to->slash || to->content))
		return err_set(err, "'%s': there is no such folder to put a file into", to_path);
	return 0;
}

int cli_spot_join(const struct cli_spot *from, const struct cli_spot *to, const char *from_path,
		  const char *to_path, int *ret_own, const char **ret_as, struct err *err)
{
	if (refuse(from, to, from_path, to_path, err) < 0)
		return -1;
	*ret_own = -1;
	if (!S_ISDIR(to->mode)) {
		*ret_as = to->name;
		return 0;
	}
	*ret_own = cli_spot_open(to);
	if (*ret_own < 0)
		return err_sys(err, errno, "'%s'", to_path);
	*ret_as = from->content ? "." : from->name;
	return 0;
}
