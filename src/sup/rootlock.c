/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks on the folders that services have as images: who writes into one (`x-rootfs`) is the only one on this host, those
 * who only look at it may be many. They are held as long as the supervisor lives, and are of no file of ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include "sup/state.h"

#define LOCKS_MAX (4U << 20)

static int refuse(const struct sup *s, const struct stack_service *service, const char *folder,
		  struct err *err)
{
	if (service->writable_root)
		err_set(err,
			"x-rootfs: '%s' is the image of a container of another stack: who writes into it "
			"must be the only one",
			folder);
	else
		err_set(err,
			"image '%s': a container of another stack writes into this folder: make a copy",
			folder);
	return sup_cannot_create(
		s->opts, service,
		service->writable_root ? service->rootfs_pos.line : service->image.pos.line, err);
}

/* A file system without locks is no reason to refuse it. */
static int lock_one(struct sup *s, const struct stack_service *service,
		    const struct store_image *img, struct err *err)
{
	int how = service->writable_root ? LOCK_EX : LOCK_SH;
	int fd = open(img->layers[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "image '%s'", img->layers[0]);
	if (flock(fd, how | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		close(fd);
		return refuse(s, service, img->layers[0], err);
	}
	vec_push(&s->root_locks, fd);
	return 0;
}

/* By us, for a service of an earlier plan. */
static bool is_locked(const struct sup *s, const struct sup_model *m, const char *folder)
{
	for (const struct sup_model *before = s->model; before; before = before->older)
		for (size_t i = 0; before != m && i < before->stack->n_services; i++)
			if (before->prepared.images[i].folder &&
			    !strcmp(before->prepared.images[i].layers[0], folder))
				return true;
	return false;
}

int sup_lock_roots(struct sup *s, const struct sup_model *m, struct err *err)
{
	const struct stack *stack = m->stack;

	for (size_t i = 0; i < stack->n_services; i++) {
		const struct store_image *img = &m->prepared.images[i];

		if (img->folder && !img->host_root && !is_locked(s, m, img->layers[0]) &&
		    lock_one(s, &stack->services[i], img, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the project ----------------------------------------------------------------------------- */

static int open_project(const char *project)
{
	_cleanup_free_ char *path = xasprintf("%s/projects/%s", path_data_dir(), project);

	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Who only looks whether it is taken has it alone for less than a moment. */
static void take_shared(int fd)
{
	while (flock(fd, LOCK_SH) < 0 && errno == EINTR)
		;
}

/*
 * systemd removes a user's run-time folder with the last session, whatever runs on. Root's stacks are then found by their cgroups; an ordinary
 * user's may have none, and the next `up` would take the layers of living containers for leftovers.
 */
int sup_lock_project(struct sup *s, struct err *err)
{
	const char *project = s->opts->stack->name;
	_cleanup_free_ char *path = xasprintf("%s/projects/%s", path_data_dir(), project);
	int fd;

	if (!rootless_is_user() || (s->opts->client && s->opts->client->unheard))
		return 0;
	if (path_mkdirs(AT_FDCWD, path, 0700) < 0)
		return err_sys(err, errno, "data folder '%s'", path);
	fd = open_project(project);
	if (fd < 0)
		return err_sys(err, errno, "data folder '%s'", path);
	take_shared(fd);
	vec_push(&s->root_locks, fd);
	return 0;
}

/*
 * The kernel tells who has taken a lock, not who has it now. So whoever goes on with the stack takes it anew before the old one is let go: the guard
 * that keeps it, and who takes it up from there.
 */
int sup_relock_project(const char *project)
{
	int fd = rootless_is_user() ? open_project(project) : -1;

	if (fd >= 0)
		take_shared(fd);
	return fd;
}

static bool same_file(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

void sup_locks_adopted(struct sup *s)
{
	int fd = sup_relock_project(s->opts->stack->name);

	for (size_t i = 0; fd >= 0 && i < s->root_locks.n; i++)
		if (same_file(fd, s->root_locks.v[i])) {
			close(s->root_locks.v[i]);
			s->root_locks.v[i] = take_fd(&fd);
		}
	cleanup_fd(&fd);
}

bool sup_project_is_locked(const char *project)
{
	_cleanup_fd_ int fd = open_project(project);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* 1: NUMBER: FLOCK ADVISORY READ PID MAJOR:MINOR:INODE START END (proc_locks(5)); 0: another kind, or one who only waits. */
static pid_t locker_in(const char *line, ino_t inode)
{
	unsigned long long found;
	int pid;

	return sscanf(line, "%*d: FLOCK %*s %*s %d %*[^:]:%*[^:]:%llu", &pid, &found) == 2 &&
			       found == inode && pid > 1
		       ? pid
		       : 0;
}

/* A number may be another's by now, whom nobody shall be told to kill. */
static bool is_called(pid_t pid, const char *name)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/comm", (int)pid);
	_cleanup_(buf_fini) struct buf text = { 0 };

	return file_read(AT_FDCWD, path, 64, &text) == 0 &&
	       !strncmp(buf_str(&text), name, strlen(name)) && buf_str(&text)[strlen(name)] == '\n';
}

pid_t sup_project_locker(const char *project, const char *name)
{
	_cleanup_fd_ int fd = open_project(project);
	_cleanup_(buf_fini) struct buf table = { 0 };
	struct stat st;
	char *rest, *line;

	if (fd < 0 || fstat(fd, &st) < 0 ||
	    file_read(AT_FDCWD, "/proc/locks", LOCKS_MAX, &table) < 0)
		return 0;
	for (rest = table.data; (line = strsep(&rest, "\n"));) {
		pid_t pid = locker_in(line, st.st_ino);

		if (pid && is_called(pid, name))
			return pid;
	}
	return 0;
}

void sup_unlock_roots(struct sup *s)
{
	for (size_t i = 0; i < s->root_locks.n; i++)
		close(s->root_locks.v[i]);
	vec_fini(&s->root_locks);
}
