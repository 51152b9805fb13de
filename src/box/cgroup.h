/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup: the stack's sub-tree in cgroup v2, and one group per slot. Called by runtime.c, slot.c
 * and kinds.c. Nothing here waits: a group that still holds processes is EBUSY, and its owner asks
 * again.
 */
#ifndef BOX_CGROUP_H
#define BOX_CGROUP_H

#include "mstack/box.h"

#define CGROUP_KIND	"cgroup"
#define CGROUP_TOP_KIND "cgroup-top"
/* Below the stack's group, see apart.c. No slot is called like this: their names do not begin with a dot, and who lists groups passes over it. */
#define CGROUP_APART ".keeper"

/* How an ordinary user gets a group to build in. */
#define CGROUP_GRANT "`systemd-run --user --scope -p Delegate=yes mstack ...` gives it one"
/* And how a group of his gets a controller that the manager was not given. */
#define CGROUP_USER_GRANT \
	"`sudo systemctl edit user@.service` gives it, by Delegate=cpu cpuset io memory pids"

struct cgroup_tree {
	char *path; /* of the stack's group, absolute; its parent is the one above all stacks. NULL: an ordinary user, who has none */
	unsigned have; /* BOX_WANT_*: controllers that its children can use */
	bool delegated; /* below our own group, which systemd gave us, or one above it that is the user's */
	bool nested; /* one level below the host: where there is no controller, limits of processes stand in, see cgroup_stands_in */
	uint32_t item;
};

/* BOX_WANT_* that limits of processes stand in for here: memory of each process, the number of a container's (userns.c). */
unsigned cgroup_stands_in(const struct cgroup_tree *t);

int cgroup_tree_open(struct cgroup_tree *t, const char *project, struct ledger *ledger,
		     struct err *err);
void cgroup_tree_fini(struct cgroup_tree *t);
/* Hands these controllers down to the slots' groups, as far as they are there: see `have`. */
void cgroup_tree_add(struct cgroup_tree *t, unsigned controllers);

struct cgroup {
	char *path; /* NULL, with fd -1 and item 0: there is no group, see cgroup_tree */
	int fd;
	uint32_t item;
	struct arena *arena; /* of the limits */
	struct box_limits limits;
	bool killed; /* cgroup_kill_all was used: see cgroup_renew */
	int devices; /* the device program that is attached to it; -1 none, see devfilter.h */
};

/* Makes the group (ledger first) and writes its limits. On error nothing is left. */
int cgroup_open(struct cgroup *c, struct cgroup_tree *t, struct ledger *ledger,
		const struct box_slot_spec *spec, struct err *err);
/* One that is there, with its descriptors in place. */
void cgroup_resume(struct cgroup *c, const char *path, uint32_t item,
		   const struct box_limits *limits);
void cgroup_fini(struct cgroup *c);
/* A copy, for the next time that it is made. */
void cgroup_keep_limits(struct cgroup *c, const struct box_limits *l);
/* cgroup_limits.c: writes its limits; errors say where in the stack file. */
int cgroup_limit(struct cgroup *c, struct cgroup_tree *t, struct err *err);
/* Is a controller missing that these ask for? Nothing is touched. -1 with the words of cgroup_limit. */
int cgroup_limits_check(const struct cgroup_tree *t, const struct box_limits *l, struct err *err);
/*
 * Makes an empty group that was killed anew, with the same limits. Seen on Linux 6.18: cgroup.kill
 * counts up in the group, and a later clone into it compares that with the count of the cloner's
 * group, and kills the child.
 */
int cgroup_renew(struct cgroup *c, struct cgroup_tree *t, struct ledger *ledger, struct err *err);
/* Ends all processes in it and below. 0 or -1 with errno. */
int cgroup_kill(int fd);
int cgroup_kill_all(struct cgroup *c);
/* Is there a process in it or below? A group that is gone has none. */
bool cgroup_populated(int fd);
/* How many processes are in it itself, counted up to `max`. */
unsigned cgroup_count(int fd, unsigned max);
/* The number behind `key` in a file of "key number" lines, or 0. */
uint64_t cgroup_number(int fd, const char *file, const char *key);
uint64_t cgroup_oom_kills(int fd);
/* Removes it and all below; 0 gone, 1 was not there, -1 with errno (EBUSY: processes). */
int cgroup_remove(const char *path);

/*
 * Where the group above all stacks is, or would be; *ret_own (may be NULL): our own group, when it was delegated to us and the
 * stacks are therefore below it, else NULL. Strings of the caller's. 1: an ordinary user, who may build nowhere; *ret is NULL.
 */
int cgroup_find_top(char **ret, char **ret_own, struct err *err);
/* May an ordinary user begin processes in this group, from where we are? All that is above both of them has to be his (cgroups(7)). */
bool cgroup_is_reached(const char *path);
/* Where cgroup2 is mounted, as a string of the caller's. */
int cgroup_find_mount(char **ret, struct err *err);
/* Which of BOX_WANT_* the file `name` ("cgroup.controllers") of that group lists. */
unsigned cgroup_controllers(const char *path, const char *name);
/* "memory" for BOX_WANT_MEMORY; and why it is not on v2, with the cure. */
const char *cgroup_controller_name(unsigned one);
enum cgroup_place { CGROUP_OF_HOST, CGROUP_DELEGATED, CGROUP_OF_USER, CGROUP_NOWHERE };
enum cgroup_place cgroup_place_of(const struct cgroup_tree *t, unsigned one);
void cgroup_why_missing(unsigned one, enum cgroup_place place, char *ret, size_t size);

#endif
