/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apart: a process of ours that must outlive the supervisor's session or unit, in a leaf below the stack's group. Called by sup for the guard
 * of a stack with `x-on-supervisor-death: keep`. The leaf is in no ledger: it goes with the stack's group, as all that is below it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/runtime.h"

#define CHILDREN_MAX 65536

static int put_pid(const char *group, pid_t pid)
{
	_cleanup_free_ char *file = xasprintf("%s/cgroup.procs", group);
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return file_put(AT_FDCWD, file, text);
}

/* Who is begun from now on is there already. Who has ended meanwhile need not go. */
static int put_children(const char *group, pid_t pid)
{
	_cleanup_free_ char *file = xasprintf("/proc/%d/task/%d/children", (int)pid, (int)pid);
	_cleanup_(buf_fini) struct buf pids = { 0 };
	char *rest, *word;

	if (file_read(AT_FDCWD, file, CHILDREN_MAX, &pids) < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -1;
	for (rest = pids.data; (word = strsep(&rest, " \n"));)
		if (*word && put_pid(group, (pid_t)strtol(word, NULL, 10)) < 0 && errno != ESRCH)
			return -1;
	return 0;
}

/*
 * One that has processes of others ends with its last one, a service with its first; but an ordinary user's manager is a service that does not end
 * before all of the user's.
 */
static bool outlives(const char *unit)
{
	const char *dot = strrchr(unit, '.');

	return dot && (!strcmp(dot, ".scope") || !strncmp(unit, "user@", 5));
}

/* The group above all stacks belongs to it. */
static bool stack_outlives(const char *stack)
{
	_cleanup_free_ char *unit = xstrdup(stack);

	for (int i = 0; i < 2; i++)
		*strrchr(unit, '/') = '\0';
	return outlives(strrchr(unit, '/') + 1);
}

/*
 * The service that a manager has started us in, and ends with all that is in it; NULL: none. Where nobody makes scopes of sessions, who logs in is in a
 * service too, mostly one that ends its first process only. What is started there has no id of an invocation (systemd.exec(5)).
 */
static char *own_service(void)
{
	_cleanup_free_ char *group = getenv("INVOCATION_ID") ? box_group() : NULL;
	char *slash;

	for (; group && (slash = strrchr(group, '/')); *slash = '\0') {
		const char *dot = strrchr(slash, '.');

		if (dot && (!strcmp(dot, ".service") || !strcmp(dot, ".scope")))
			return outlives(slash + 1) ? NULL : xstrdup(slash + 1);
	}
	return NULL;
}

/* A user who may make no groups stays where he is. */
static int check_own_service(struct err *err)
{
	_cleanup_free_ char *service = own_service();

	return service ? err_set(err,
				 "'%s' ends all in it with its first process, and no cgroup here is the user's: "
				 "make it a unit of the user's own (systemctl --user), or write 'stop'",
				 service)
		       : 0;
}

int box_apart_check(const struct box_runtime *rt, struct err *err)
{
	if (!rt->tree.path)
		return check_own_service(err);
	/* What systemd delegated it empties with the unit, wherever in it somebody is. */
	if (rt->tree.delegated && !stack_outlives(rt->tree.path))
		return err_set(
			err,
			"the stack's cgroups are below a unit with Delegate=, and end with it: %s, or write 'stop'",
			rt->tree.nested
				? "make it a unit of the user's own without that (systemctl --user)"
				: "leave Delegate= out of the unit");
	return 0;
}

int box_apart(const struct box_runtime *rt, pid_t pid, struct err *err)
{
	_cleanup_free_ char *leaf = NULL;

	if (box_apart_check(rt, err) < 0)
		return -1;
	if (!rt->tree.path)
		return 0;
	leaf = xasprintf("%s/" CGROUP_APART, rt->tree.path);
	if ((mkdir(leaf, 0755) < 0 && errno != EEXIST) || put_pid(leaf, pid) < 0 ||
	    put_children(leaf, pid) < 0)
		return err_sys(err, errno, "cgroup '%s'", leaf);
	return 0;
}

char *box_group(void)
{
	_cleanup_free_ char *mount = NULL;
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *own;

	if (cgroup_find_mount(&mount, &(struct err){ 0 }) < 0 ||
	    file_read(AT_FDCWD, "/proc/self/cgroup", 65536, &text) < 0)
		return NULL;
	own = strstr(buf_str(&text), "0::/");
	return own ? xasprintf("%s%.*s", mount, (int)strcspn(own + 3, "\n"), own + 3) : NULL;
}

/* A unit that has ended took its group along. */
void box_come_back(const char *group, pid_t pid)
{
	_cleanup_free_ char *mount = NULL;

	if (group && put_pid(group, pid) == 0)
		return;
	if (cgroup_find_mount(&mount, &(struct err){ 0 }) == 0)
		(void)put_pid(mount, pid);
}
