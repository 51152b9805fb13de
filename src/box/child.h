/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child: what runs between clone and exec. A stage walks a table of steps and reports the first one
 * that fails. Steps allocate nothing, lock nothing, look up no names and end only by _exit. Adding
 * one is adding a row.
 */
#ifndef BOX_CHILD_H
#define BOX_CHILD_H

#include <sys/ioctl.h>

#include "box/dev.h"
#include "box/ids.h"
#include "box/launch.h"
#include "mstack/base.h"
#include "mstack/base_level.h"

enum child_msg_type {
	CHILD_PID = 1, /* stage one: stage two has this pid */
	CHILD_READY,   /* stage two, before exec; or a slot's child, with its descriptors */
	CHILD_FAIL,    /* err */
	CHILD_GO,      /* from the supervisor */
	CHILD_TERM,    /* stage two: the terminal that it made, from its other side */
	CHILD_END,     /* an escort to its client: pid is a status as of wait(2) */
	CHILD_SIGNAL,  /* a client to its escort: pid is a number of a signal */
	CHILD_LEAVE,   /* a client to its escort: it goes, the command stays */
};

/* The one message type, both ways. */
struct child_msg {
	uint32_t type;
	int32_t pid;
	struct err err;
};

/* What the child of a slot hands over, in this order; the last one only when the slot has a user namespace of its own. */
enum { SLOT_NETNS, SLOT_MNTNS, SLOT_RTNL, SLOT_UDP, SLOT_TCP, SLOT_NFT, SLOT_USERNS, SLOT_FDS };

/* Set up by the supervisor, then the child's own copy. Descriptors that are not there are -1. */
struct child {
	const struct child_tables *tables;
	const struct box_slot_spec *slot; /* a slot's child */
	struct launch *launch;
	const struct launch_command *command;
	int sock;	/* to the supervisor */
	int supervisor; /* its pidfd; -1: its end of the socket tells its end */
	int proc;	/* the host's /proc */
	int netns, mntns;
	int userns; /* -1: the host's */
	int helper; /* socket to who writes settings for stage two */
	int helper_pidfd;
	int volumes; /* mount namespace of volumes with file systems of their own */
	bool in_volumes;
	const struct box_volume *wanted; /* mounted.c */
	int *wanted_tree;
	size_t n_wanted;
	struct fill *fill; /* fill.c */
	int join;	   /* pidfd of the container that an exec goes into */
	uint64_t shared;   /* CLONE_NEW...: namespaces that are not made anew */
	int joins
		[BOX_NAMESPACES]; /* pidfds of those that others made; the rest are the supervisor's */
	/* One level below the host, what cannot be made anew there: its /proc and /sys, and the usual nodes of /dev, null first. */
	int system_tree[2], dev_tree[DEV_NODES];
	int shm, groups; /* stage one: shared memory and control groups of others, as mounts */
	struct ids_map ids;
	struct level level; /* of who cloned it */
	const char *maps
		[2]; /* one level below the host: uid_map and gid_map of a slot's user namespace */
	int64_t pids_max; /* of a slot's child: what its user namespace shall count in place of a controller; 0: nothing */
	bool want_term; /* a new terminal in place of the three below; in a start /dev/console too */
	struct winsize size;
	int term;	  /* it, once it is made */
	int in;		  /* -1: /dev/null */
	int out, err_out; /* -1 as well */
	int init;	  /* the program to execute first; -1: none */
	int root;	  /* the container's root, once it is mounted */
	bool wait_go;
	struct err err;
};

struct child_step {
	const char *name;
	int (*run)(struct child *c); /* 0, or -1 with c->err set */
};

/* Ended by a row without a name. A test may put its own in place of these. */
struct child_tables {
	const struct child_step *slot;
	const struct child_step *stage_one, *stage_two;
	const struct child_step *exec_one, *exec_two;
};

extern const struct child_tables child_tables;

/* One without any descriptors. */
struct child child_blank(void);
_Noreturn void child_run(struct child *c, const struct child_step *steps);

/* ---- steps, by file -------------------------------------------------------------------------- */

/* userns.c */
int child_make_userns(struct child *c);
int child_take_ids(struct child *c);
int child_join_userns(struct child *c);
/* Shows the detached mount with the container's ids; `path` is its source, for the error. Nothing to do with the host's ids. */
int child_map_ids(struct child *c, int mount, const char *path, bool recursive);

/* slot_child.c */
extern const struct child_step child_slot_steps[];

/* root.c */
int child_open_sources(struct child *c);
/* A layer of an image as a detached mount with the container's ids. */
int child_open_layer(struct child *c, const char *path);
/* A detached mount onto a folder of this name in the slot's own root, which is made. */
int child_attach_named(struct child *c, int tree, const char *name);
int child_enter_slot(struct child *c);
/*
 * As mount(2). One level below the host its marks are attributes of users (`userxattr`), because trusted ones are for root of the host.
 */
int child_mount_overlay(struct child *c, const char *target, unsigned long flags,
			const char *options);
int child_mount_layers(struct child *c);
int child_cover(struct child *c);
int child_mount_volumes(struct child *c);
int child_make_system_folders(struct child *c);
int child_make_cwd(struct child *c);
int child_protect_root(struct child *c);

/* parts.c */
int child_open_parts(struct child *c);
int child_mount_parts(struct child *c);
int child_protect_parts(struct child *c);

/* source.c */
int child_mount_images(struct child *c);

/* dev.c */
int child_open_devices(struct child *c);
int child_make_devices(struct child *c);
int child_mount_terminals(struct child *c);
/* Makes it there, owned by ids of the container's; one level below the host a file to show it on. -1 with errno. */
int child_make_node(struct child *c, int dirfd, const char *name, const struct launch_node *n);

/* system.c */
int child_open_root(struct child *c);
int child_mount_system(struct child *c);
int child_mask(struct child *c);
int child_pivot(struct child *c);

/* share.c */
uint64_t share_flag(unsigned ns); /* CLONE_NEW... of BOX_PID, ... */
int child_open_shared(struct child *c);
int child_join_shared(struct child *c);
int child_forget_host(struct child *c);

/* console.c */
int child_make_term(struct child *c);
int child_bind_console(struct child *c);

/* sysctl.c */
int child_begin_helper(struct child *c);
int child_end_helper(struct child *c);
int child_set_sysctls(struct child *c);

/* process.c */
int child_die_with_supervisor(struct child *c);
int child_die_or_stay(struct child *c);
int child_close_others(struct child *c);
int child_set_oom_score(struct child *c);
int child_set_hostname(struct child *c);
int child_new_session(struct child *c);
int child_set_stdio(struct child *c);
int child_raise_limits(struct child *c);
int child_set_limits(struct child *c);
int child_enter_cwd(struct child *c);
int child_bound_caps(struct child *c);
int child_set_ids(struct child *c);
int child_set_caps(struct child *c);
int child_no_new_privs(struct child *c);
int child_default_signals(struct child *c);
int child_load_filter(struct child *c);
int child_load_filter_early(struct child *c);
int child_enter_profile(struct child *c);

#endif
