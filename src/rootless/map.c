/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map: see map.h. Called by threshold.c. More ids than the own one are given by two programs that are root's (newuidmap(1)), and look
 * for themselves whether the ranges are the user's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/base_program.h"
#include "rootless/map.h"

enum { SAID_MAX = 300, WORDS_MAX = 2 + 3 * (SUBIDS_MAX + 1) + 1 };

/* PROGRAM PID 0 OWN 1 1 FIRST COUNT 1+COUNT FIRST COUNT ... */
struct words {
	char *v[WORDS_MAX];
	size_t n;
};

static void words_fini(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
}

static void add(struct words *w, uint32_t number)
{
	w->v[w->n++] = xasprintf("%u", number);
}

static void make_words(struct words *w, const char *program, pid_t pid, uint32_t own,
		       const struct subids *ranges)
{
	uint32_t inside = 1;

	w->v[w->n++] = xstrdup(program);
	add(w, (uint32_t)pid);
	add(w, 0);
	add(w, own);
	add(w, 1);
	for (size_t i = 0; i < ranges->n; i++) {
		add(w, inside);
		add(w, ranges->v[i].first);
		add(w, ranges->v[i].count);
		inside += ranges->v[i].count;
	}
}

/* By PATH, as a shell would: on some systems they lie where no standard says. 0, else an errno. */
static int spawn(char *const *words, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	int rc;

	posix_spawn_file_actions_init(&files);
	if (posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0) ||
	    posix_spawn_file_actions_adddup2(&files, out, 1) ||
	    posix_spawn_file_actions_adddup2(&files, out, 2))
		rc = ENOMEM;
	else
		rc = program_spawn(words[0], &files, words, environ, ret_pid);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* The first line of what it said. */
static void hear(int fd, char *ret, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, ret + len, size - 1 - len)) != 0)
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			break;
	ret[len] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

static int refused(const char *program, const char *said, struct err *err)
{
	const char *why = "";

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		why = " (this process may gain no rights, NoNewPrivileges, and so the program has none)";
	return err_set(err, "ids of the user: %s%s%s%s", program, *said ? " says: " : " failed",
		       said, why);
}

static int run(const struct words *w, struct err *err)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	char said[SAID_MAX] = "";
	int pair[2], status = 0, rc;
	pid_t pid = 0;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "ids of the user: pipe");
	ours = pair[0];
	theirs = pair[1];
	rc = spawn(w->v, theirs, &pid);
	if (rc)
		return err_sys(err, rc, "ids of the user: execute %s", w->v[0]);
	cleanup_fd(&theirs);
	hear(ours, said, sizeof(said));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status ? refused(w->v[0], said, err) : 0;
}

static int map(const char *program, pid_t pid, uint32_t own, const struct subids *ranges,
	       struct err *err)
{
	_cleanup_(words_fini) struct words w = { 0 };

	make_words(&w, program, pid, own, ranges);
	return run(&w, err);
}

int map_ranges(pid_t pid, const struct subids_both *who, struct err *err)
{
	return map("newuidmap", pid, who->uid, &who->uids, err) < 0 ||
			       map("newgidmap", pid, who->gid, &who->gids, err) < 0
		       ? -1
		       : 0;
}

int map_single(uid_t uid, gid_t gid, struct err *err)
{
	_cleanup_free_ char *uids = xasprintf("0 %u 1", uid), *gids = xasprintf("0 %u 1", gid);

	if (file_put(AT_FDCWD, "/proc/self/uid_map", uids) < 0)
		return err_sys(err, errno, "ids of the user: write /proc/self/uid_map");
	/* Whoever could leave groups could reach files that shut one of them out (user_namespaces(7)). */
	if (file_put(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 ||
	    file_put(AT_FDCWD, "/proc/self/gid_map", gids) < 0)
		return err_sys(err, errno, "ids of the user: write /proc/self/gid_map");
	return 0;
}
