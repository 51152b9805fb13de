/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fill: a volume that is used for the first time gets what the image has in its place. A child does it: in a mount namespace
 * that holds the image (its layers merged, read-only), the volume, and nothing of the host, without the rights that it does
 * not need, following no link.
 *
 *	.mstack-filling/tree	the copy, while it is being made
 *	.mstack-filling/links	files with several names, see copytree.c
 *	.mstack-filled		the copy, when it is whole and on disk; its entries are then moved into the volume
 *	.mstack-lock		of who does it
 *
 * They stand beside the volume's folder, or in it where what is beside is not ours. Whoever comes after a crash removes the first
 * and finishes with the last, so a volume never counts as filled with half of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/copytree.h"
#include "box/mounting.h"
#include "box/task.h"

#define DIR_FLAGS  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILLING	   ".mstack-filling"
#define FILLED	   ".mstack-filled"
#define LOCK	   ".mstack-lock"
#define DATA	   "_data"
#define LAYERS_MAX 500
/* Who fills a folder that is not ours may take long, but who only has it could hold its lock for ever. */
#define LOCK_TRIES  200
#define LOCK_TRY_US 50000

/* What the child needs, made by its parent. */
struct fill {
	const struct box_fill *what;
	char *options;	     /* of the overlay */
	int *trees;	     /* of the layers */
	int volume;	     /* the folder, as a detached mount */
	int home, data;	     /* where the copy is made; the volume */
	int image;	     /* the image's root */
	int from;	     /* what is copied; -1: nothing */
	char path[PATH_MAX]; /* of it, in the image */
};

/* ---- what there is --------------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
	return !strcmp(name, FILLING) || !strcmp(name, FILLED);
}

/* 1 nothing is in it, 0 something is, -1 with errno. */
static int is_empty(int folder)
{
	int own = openat(folder, ".", DIR_FLAGS);
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	const struct dirent *e;

	if (!dir) {
		cleanup_fd(&own);
		return -1;
	}
	while ((errno = 0, e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && !is_ours(e->d_name))
			return 0;
	return errno ? -1 : 1;
}

static bool is_there(int folder, const char *name)
{
	return !faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* ---- the child's own little world ------------------------------------------------------------ */

static int open_layers(struct child *c)
{
	const struct box_fill *f = c->fill->what;

	for (size_t i = 0; i < f->n_lower; i++) {
		c->fill->trees[i] = child_open_layer(c, f->lower[i]);
		if (c->fill->trees[i] < 0)
			return -1;
	}
	return 0;
}

/* Last of what looks at the host. Whoever joins the volumes' mounts goes on in a copy, which is its own to change. */
static int open_volume(struct child *c)
{
	const struct box_fill *f = c->fill->what;
	_cleanup_fd_ int fd = -1;
	char name[VOLUME_PATH_SIZE];

	snprintf(name, sizeof(name), "/" VOLUMES "/%s", f->volume);
	if (!f->folder && (setns(c->volumes, CLONE_NEWNS) < 0 || unshare(CLONE_NEWNS) < 0))
		return err_sys(&c->err, errno, "join the mounts of the volumes");
	fd = mounting_copy(AT_FDCWD, f->folder ? f->folder : name, false);
	if (fd < 0 || mounting_propagate(fd, MS_PRIVATE, false) < 0)
		return err_sys(&c->err, errno, "'%s'", f->folder ? f->folder : name);
	c->fill->volume = take_fd(&fd);
	return 0;
}

static int attach(struct child *c)
{
	const struct box_fill *f = c->fill->what;
	char name[32];

	for (size_t i = 0; i < f->n_lower; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		if (child_attach_named(c, c->fill->trees[i], name) < 0)
			return -1;
		cleanup_fd(&c->fill->trees[i]);
		c->fill->trees[i] = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (c->fill->trees[i] < 0)
			return err_sys(&c->err, errno, "open '%s'", name);
	}
	return child_attach_named(c, c->fill->volume, "volume");
}

static int leave_host(struct child *c)
{
	static const char *const options[] = { "size", "1m", "mode", "0755", NULL };
	_cleanup_fd_ int root = mounting_new(
		"tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	struct fill *f = c->fill;

	if (root < 0 || mounting_become_root(root) < 0)
		return err_sys(&c->err, errno, "make its mount namespace");
	umask(0);
	if (attach(c) < 0)
		return -1;
	f->home = open("volume", DIR_FLAGS);
	f->data = f->home < 0 ? -1 : openat(f->home, f->what->own ? DATA : ".", DIR_FLAGS);
	return f->data < 0 ? err_sys(&c->err, errno, "open it") : 0;
}

/* An empty folder below all layers, because an overlay wants two. */
static int mount_image(struct child *c)
{
	if (!c->fill->what->n_lower)
		return 0;
	if (mkdir("image", 0755) < 0 || mkdir("empty", 0755) < 0)
		return err_sys(&c->err, errno, "make folders");
	if (child_mount_overlay(c, "image", MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC,
				c->fill->options) < 0)
		return err_sys(&c->err, errno, "overlay of %zu layers", c->fill->what->n_lower);
	c->fill->image = open("image", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return c->fill->image < 0 ? err_sys(&c->err, errno, "open") : 0;
}

/*
 * As a container would find it, links included, which lead nowhere but into the image. What is no folder, or is not there, has
 * nothing for a volume. Where it really is, the kernel tells: layers are looked into by that.
 */
static int find_source(struct child *c)
{
	static const char root[] = "/image/";
	struct fill *f = c->fill;
	char link[32], path[PATH_MAX];
	ssize_t n;

	f->from = f->what->n_lower ? path_open_in(f->image, f->what->target,
						  O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0)
				   : -1;
	if (f->from >= 0) {
		snprintf(link, sizeof(link), "self/fd/%d", f->from);
		n = readlinkat(c->proc, link, path, sizeof(path) - 1);
		path[n < 0 ? 0 : n] = '\0';
		/* The root itself is no place for a volume; the start says so. */
		if (strncmp(path, root, strlen(root)))
			cleanup_fd(&f->from);
		else
			memcpy(f->path, path + strlen(root), strlen(path + strlen(root)) + 1);
	} else if (f->what->n_lower && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
		return err_sys(&c->err, errno, "'%s' of the image", f->what->target);
	}
	/* The one thing that still led to the host. */
	cleanup_fd(&c->proc);
	return 0;
}

/* What copying takes: any owner, mode and attribute, and to read what others may not. */
static int drop_rights(struct child *c)
{
	static const int kept[] = { CAP_CHOWN,	CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
				    CAP_FOWNER, CAP_FSETID,	  CAP_SETFCAP };
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		data[kept[i] / 32].permitted |= 1u << (kept[i] % 32);
	for (size_t i = 0; i < ARRAY_LEN(data); i++)
		data[i].effective = data[i].permitted;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &head, data) < 0)
		return err_sys(&c->err, errno, "set capabilities");
	return 0;
}

/* ---- copying --------------------------------------------------------------------------------- */

/* Somebody else may have put something there in the meantime: his stays. How many were moved; -1 with errno. */
static int move_some(int from, int to)
{
	int own = openat(from, ".", DIR_FLAGS);
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	const struct dirent *e;
	int moved = 0;

	if (!dir) {
		cleanup_fd(&own);
		return -1;
	}
	while ((errno = 0, e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!renameat2(from, e->d_name, to, e->d_name, RENAME_NOREPLACE))
			moved++;
		else if (errno != EEXIST)
			return -1;
	}
	return errno ? -1 : moved;
}

/* Until a whole reading finds none: a folder that changes while it is read need not show all. */
static int move_all(int from, int to)
{
	int moved;

	do
		moved = move_some(from, to);
	while (moved > 0);
	return moved;
}

/* Begun anew from wherever it was left. */
static int finish(struct child *c)
{
	const struct fill *f = c->fill;
	_cleanup_fd_ int filled = openat(f->home, FILLED, DIR_FLAGS);

	if (filled < 0)
		return err_sys(&c->err, errno, "open '" FILLED "'");
	if (move_all(filled, f->data) < 0 || copytree_attributes(filled, f->data) < 0 ||
	    path_remove_tree(f->home, FILLED) < 0)
		return err_sys(&c->err, errno, "move what was copied into it");
	return 0;
}

static int make_copy(struct child *c)
{
	struct fill *f = c->fill;
	_cleanup_fd_ int filling = -1, tree = -1, links = -1;
	struct copytree *t;
	int rc;

	if (mkdirat(f->home, FILLING, 0700) < 0 ||
	    (filling = openat(f->home, FILLING, DIR_FLAGS)) < 0 ||
	    mkdirat(filling, "tree", 0700) < 0 || mkdirat(filling, "links", 0700) < 0 ||
	    (tree = openat(filling, "tree", DIR_FLAGS)) < 0 ||
	    (links = openat(filling, "links", DIR_FLAGS)) < 0)
		return err_sys(&c->err, errno, "make '" FILLING "'");
	t = xcalloc(1, sizeof(*t));
	t->layers = f->trees;
	t->n_layers = f->what->n_lower;
	t->links = links;
	memcpy(t->path, f->path, sizeof(t->path));
	rc = copytree(t, f->from, tree, &c->err);
	free(t);
	if (rc < 0)
		return -1;
	/* Else a power cut could leave the name on disk, and half of the content. */
	if (syncfs(f->home) < 0 || renameat(filling, "tree", f->home, FILLED) < 0 ||
	    path_remove_tree(f->home, FILLING) < 0)
		return err_sys(&c->err, errno, "finish '" FILLING "'");
	return 0;
}

static int copy_and_finish(struct child *c)
{
	struct fill *f = c->fill;
	int empty = is_empty(f->data);

	if (empty <= 0 || f->from < 0)
		return empty < 0 ? err_sys(&c->err, errno, "read it") : 0;
	if (make_copy(c) < 0) {
		path_remove_tree(f->home, FILLING);
		return -1;
	}
	return finish(c) < 0 ? -1 : 1;
}

/* Whoever had it before has removed it: then there is another one by now. */
static int lock_file(int home)
{
	struct stat st;

	for (;;) {
		int fd = openat(home, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
			return -1;
		if (st.st_nlink)
			return 0; /* ours until we end */
		close(fd);
	}
}

/*
 * Any container that has the volume can lock its folder, and would keep us from our work. So it is a file beside it that is locked; where all there is can
 * be seen by containers, nobody is waited for without end.
 */
static int lock(const struct fill *f)
{
	int rc;

	if (f->what->own)
		return lock_file(f->home);
	for (int i = 0; (rc = flock(f->data, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK; i++) {
		if (i >= LOCK_TRIES)
			return -1;
		usleep(LOCK_TRY_US);
	}
	return rc;
}

static void unlock(const struct fill *f)
{
	if (f->what->own)
		unlinkat(f->home, LOCK, 0);
}

/* Two stacks may come to one volume at the same time: the second one finds it filled. */
static int fill(struct child *c)
{
	const struct fill *f = c->fill;
	int rc = 0;

	if (lock(f) < 0)
		return errno == EWOULDBLOCK
			       ? err_set(&c->err, "its folder is locked (flock) by another stack "
						  "that fills it, or by a container that has it: "
						  "try again, or stop that container")
			       : err_sys(&c->err, errno, "lock it");
	if (path_remove_tree(f->home, FILLING) < 0)
		return err_sys(&c->err, errno, "remove '" FILLING "'");
	if (is_there(f->home, FILLED))
		rc = finish(c);
	if (rc >= 0)
		rc = copy_and_finish(c);
	unlock(f);
	return rc < 0 ? -1 : task_answer(c, rc, -1);
}

static const struct child_step steps[] = {
	{ "death signal", child_die_with_supervisor },
	{ "close descriptors", child_close_others },
	{ "open the image", open_layers },
	{ "open the volume", open_volume },
	{ "leave the host", leave_host },
	{ "mount the image", mount_image },
	{ "find what is copied", find_source },
	{ "drop rights", drop_rights },
	{ "copy from the image", fill },
	{ NULL, NULL },
};

/* ---- the parent ------------------------------------------------------------------------------ */

/* 1: a child is worth its while; 0 not; -1 with errno. What has a file system of its own cannot be seen from here. */
static int is_needed(const struct box_fill *f)
{
	_cleanup_fd_ int home = -1, data = -1;
	int empty;

	if (!f->folder)
		return f->n_lower > 0;
	home = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	data = home < 0 ? -1 : openat(home, f->own ? DATA : ".", DIR_FLAGS);
	if (data < 0)
		return errno == ENOTDIR && !f->own ? 0 : -1;
	if (is_there(home, FILLING) || is_there(home, FILLED))
		return 1;
	empty = f->n_lower ? is_empty(data) : 0;
	return empty;
}

static int set_options(struct fill *f, struct err *err)
{
	_cleanup_(buf_fini) struct buf options = { 0 };

	if (f->what->n_lower > LAYERS_MAX)
		return err_set(err, "more than %d layers", LAYERS_MAX);
	buf_puts(&options, "lowerdir=");
	for (size_t i = 0; i < f->what->n_lower; i++)
		buf_printf(&options, "%zu:", i);
	buf_puts(&options, "empty");
	if (options.len >= LAUNCH_OPTIONS_MAX)
		return err_set(err, "mount options longer than %d bytes", LAUNCH_OPTIONS_MAX);
	f->options = buf_take(&options);
	return 0;
}

static int run(const struct box_fill *what, struct err *err)
{
	_cleanup_fd_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct fill f = {
		.what = what, .volume = -1, .home = -1, .data = -1, .image = -1, .from = -1
	};
	struct child c = child_blank();
	int rc;

	if (proc < 0)
		return err_sys(err, errno, "open '/proc'");
	if (set_options(&f, err) < 0)
		return -1;
	f.trees = xcalloc(what->n_lower + 1, sizeof(*f.trees));
	c.proc = proc;
	c.level = level_get();
	c.volumes = what->folder ? -1 : what->volumes;
	c.fill = &f;
	rc = task_run(&c, CLONE_NEWNS, steps, NULL, err);
	free(f.trees);
	free(f.options);
	return rc;
}

int box_fill(const struct box_fill *f, struct err *err)
{
	int rc = is_needed(f);

	if (rc > 0)
		rc = run(f, err);
	else if (rc < 0)
		err_sys(err, errno, "open '%s'", f->folder);
	return rc < 0 ? err_wrap(err, "volume '%s'", f->volume) : rc;
}
