/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinds: what the ledger can remove without the help of another room: folders, files, sockets and
 * symbolic links. All are keyed by an absolute path and known by device and inode. Called by
 * undo.c through the tables below. Folders, files and sockets are touched beneath the run and
 * data folders only, and no link on the way there is followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mstack/ledger.h"

/* The part of `path` below `root`, without leading slashes; NULL when it is not below it. */
static const char *below(const char *path, const char *root)
{
	size_t n = strlen(root);

	while (n && root[n - 1] == '/')
		n--;
	if (!n || strncmp(path, root, n) || path[n] != '/')
		return NULL;
	path += n + strspn(path + n, "/");
	return *path ? path : NULL;
}

/*
 * Opens the folder that holds what lies at `rest` below `root`; *ret_name is its last part. -1
 * with errno.
 */
static int open_holder(const char *root, const char *rest, const char **ret_name)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	_cleanup_fd_ int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *folder = xstrdup(rest);
	char *slash = strrchr(folder, '/');

	*ret_name = slash ? rest + (slash - folder) + 1 : rest;
	if (!**ret_name || !strcmp(*ret_name, ".") || !strcmp(*ret_name, "..")) {
		errno = EINVAL;
		return -1;
	}
	if (fd < 0 || !slash)
		return take_fd(&fd);
	*slash = '\0';
	return (int)syscall(SYS_openat2, fd, folder, &how, sizeof(how));
}

static int open_beneath(const struct ledger_item *item, const char **ret_name)
{
	const char *root = path_run_dir(), *rest = below(item->key, root);

	if (!rest) {
		root = path_data_dir();
		rest = below(item->key, root);
	}
	if (!rest) {
		errno = EPERM;
		return -1;
	}
	return open_holder(root, rest, ret_name);
}

/*
 * Before it is confirmed, what has the right name and type beneath our own folders can only be
 * ours.
 */
static int same_node(const struct ledger_item *item, const struct stat *st, mode_t type)
{
	if ((st->st_mode & S_IFMT) != type)
		return 0;
	return (!item->ident[0] || item->ident[0] == st->st_dev) &&
	       (!item->ident[1] || item->ident[1] == st->st_ino);
}

static int same_beneath(const struct ledger_item *item, mode_t type)
{
	const char *name;
	_cleanup_fd_ int holder = open_beneath(item, &name);
	struct stat st;

	/* What cannot be looked at is left for destroy to complain about. */
	if (holder < 0)
		return errno == ENOENT || errno == ENOTDIR ? -1 : errno == ELOOP ? 0 : 1;
	if (fstatat(holder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -1 : 1;
	return same_node(item, &st, type);
}

static int destroy_beneath(const struct ledger_item *item, struct err *err)
{
	const char *name;
	_cleanup_fd_ int holder = open_beneath(item, &name);

	if (holder < 0 && errno == EPERM)
		return err_set(err, "remove '%s': neither beneath '%s' nor '%s'", item->key,
			       path_run_dir(), path_data_dir());
	if (holder < 0)
		return errno == ENOENT ? 1 : err_sys(err, errno, "remove '%s'", item->key);
	return path_remove_tree(holder, name) < 0 ? err_sys(err, errno, "remove '%s'", item->key)
						  : 0;
}

static int same_folder(const struct ledger_item *item)
{
	return same_beneath(item, S_IFDIR);
}

static int same_file(const struct ledger_item *item)
{
	return same_beneath(item, S_IFREG);
}

static int same_socket(const struct ledger_item *item)
{
	return same_beneath(item, S_IFSOCK);
}

/*
 * Links lie elsewhere too (/run/netns). One that is not confirmed is ours if it leads to where
 * ours lead: into our folders, or to a namespace or descriptor in /proc.
 */
static int same_link(const struct ledger_item *item)
{
	char target[4096];
	struct stat st;
	ssize_t n;

	if (lstat(item->key, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -1 : 1;
	if (!S_ISLNK(st.st_mode) || item->ident[1])
		return same_node(item, &st, S_IFLNK);
	n = readlink(item->key, target, sizeof(target) - 1);
	if (n < 0)
		return errno == ENOENT ? -1 : 0;
	target[n] = '\0';
	return below(target, path_run_dir()) || below(target, path_data_dir()) ||
	       below(target, "/proc");
}

static int destroy_link(const struct ledger_item *item, struct err *err)
{
	if (!unlink(item->key))
		return 0;
	return errno == ENOENT ? 1 : err_sys(err, errno, "remove '%s'", item->key);
}

static const struct ledger_kind folder = {
	.name = "folder",
	.same = same_folder,
	.destroy = destroy_beneath,
	.flags = LEDGER_SURVIVES_BOOT,
};
static const struct ledger_kind file = {
	.name = "file",
	.same = same_file,
	.destroy = destroy_beneath,
	.flags = LEDGER_SURVIVES_BOOT,
};
static const struct ledger_kind unix_socket = {
	.name = "socket",
	.same = same_socket,
	.destroy = destroy_beneath,
	.flags = LEDGER_SURVIVES_BOOT,
};
static const struct ledger_kind symbolic_link = {
	.name = "link",
	.same = same_link,
	.destroy = destroy_link,
	.flags = LEDGER_SURVIVES_BOOT,
};

const struct ledger_kind *const ledger_kinds[] = { &folder, &file, &unix_socket, &symbolic_link,
						   NULL };
