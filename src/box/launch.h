/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch: everything that a start needs, checked, copied and resolved before the clone, so that the
 * child only reads it. Made by start.c, kept by the slot while the container runs (exec needs its
 * user, environment and limits).
 */
#ifndef BOX_LAUNCH_H
#define BOX_LAUNCH_H

#include <linux/filter.h>

#include "mstack/box.h"

/* What pids_max of 0 means. */
#define BOX_PIDS_DEFAULT 2048

/* Names in the slot's own little root, see slot_child.c. */
#define SLOT_ROOT   "root"     /* where a container's root is mounted */
#define SLOT_UPPER  "up"       /* the upper layer's file system */
#define SLOT_EMPTY  "empty"    /* a folder to cover others with */
#define SLOT_FILE   "file%zu"  /* a file of ours for the container, by its number */
#define SLOT_IMAGE  "image%zu" /* an image that is mounted, by the number of the mount */
#define SLOT_NULL   "null"     /* a null device to cover files with */
#define SLOT_NODE   "node%zu"  /* a device for a place outside of /dev, by its number */
#define SLOT_GROUPS "groups"   /* the host's control groups, where a container shows them */

/* What mount(2) takes is a page; the child adds a word, see child_mount_overlay. */
#define LAUNCH_OPTIONS_MAX 4080

/* One mount of the spec. The child opens `tree` before it leaves the host's mounts. */
struct launch_mount {
	enum box_mount_type type;
	const char *source, *target;
	const char *subpath;
	enum box_propagation propagation;
	const char *const *lower; /* IMAGE */
	int *lower_tree;
	size_t n_lower;
	const char *overlay_options;
	const char *text; /* FILE */
	size_t text_len;
	uid_t uid;
	gid_t gid;
	mode_t file_mode;
	bool read_only;
	char size[32], mode[16]; /* TMPFS: options; an empty size is the kernel's default */
	unsigned line;
	int tree;
};

/* A node like one of the host's, which the child makes. */
struct launch_node {
	const char *source, *target;
	mode_t mode; /* its type as well */
	dev_t number;
	uid_t uid;
	gid_t gid; /* as on the host; the child makes them ids of the container's */
	unsigned access, line;
	int tree; /* the host's own, where the child cannot make one */
};

struct launch_sysctl {
	const char *key;  /* as the user wrote it */
	const char *path; /* below /proc/sys */
	const char *value;
	unsigned line;
};

/* Of the host's own root, one level below it: see parts.c. Those above come first. */
struct launch_part {
	enum { PART_EMPTY, PART_TREE, PART_FILE, PART_LINK, PART_GONE } kind;
	const char *path;	  /* absolute */
	const char *above, *name; /* the folder that it is in, below the root, and its name there */
	const char *link;	  /* LINK: where it leads */
	mode_t mode;
	int tree; /* TREE, FILE: that of the host, then what is shown of it */
};

/* What is executed: argv[0] searched in PATH beforehand. */
struct launch_command {
	const char *const *argv;
	const char *const *candidates; /* at least one, NULL-terminated */
	const char *searched;	       /* PATH, or NULL when argv[0] is a path */
};

#define VOLUMES		 "volumes" /* the folder of all box_volumes, in their mount namespace */
#define VOLUME_NAME_SIZE 256	   /* of one, with its NUL */
#define VOLUME_PATH_SIZE (VOLUME_NAME_SIZE + 16)

struct launch {
	struct arena *arena;

	const char *const *lower;
	int *lower_tree;
	size_t n_lower;
	struct launch_part *parts; /* in place of layers */
	size_t n_parts;
	const char *upper_base; /* the folder that holds upper and work; NULL: the slot's tmpfs */
	int upper_tree;
	const char *upper_path;	      /* of the upper layer in the slot's root */
	const char *overlay_options;  /* relative to the slot's root */
	const char *volatile_mark[2]; /* file and folder in the slot's root; NULL: none */
	const char *const *covers;    /* NULL-terminated */
	bool read_only;
	bool writable_root; /* no overlay */
	struct launch_mount *mounts;
	size_t n_mounts;
	char shm_size[32]; /* empty: no shared memory */
	bool shares_pids;  /* it is not PID 1 */
	bool keep;	   /* no death signal */
	struct launch_node *nodes;
	size_t n_nodes;
	const struct box_device_rule *device_rules;
	size_t n_device_rules;
	bool privileged, unmasked; /* as in the spec */

	/* What a command of `exec` has too: a new field goes into memo.c as well. */
	struct launch_command command;
	const char *
		*init_argv; /* NULL: no init; the child fills in [1], the path that is executed */
	const char *const *envp;
	const char *path_env;
	const char *cwd;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
	const char *hostname, *domainname;
	const struct launch_sysctl *sysctls;
	size_t n_sysctls;
	const struct box_rlimit *rlimits; /* defaults first, then the spec's */
	size_t n_rlimits;
	char oom_score_adj[16];
	uint64_t caps;
	int last_cap; /* of this kernel */
	bool new_privileges;
	const char *apparmor;		 /* what goes into attr/exec; NULL: nothing */
	const struct sock_fprog *filter; /* NULL: none */
};

/* Refuses what cannot be: too many layers, sysctls that are not a container's own. */
struct launch *launch_new(const struct box_spec *spec, const struct sock_fprog *filter,
			  struct err *err);
void launch_free(struct launch *l);
/* device.c: the nodes of the spec, as the host has them now. */
int launch_nodes(struct launch *l, const struct box_spec *spec, struct err *err);
/* parts.c: the host's own root, as it is now. */
int launch_parts(struct launch *l, struct err *err);
/* Limits of processes in place of those of controllers that are not there (BOX_WANT_*), see cgroup_stands_in. */
/* How many processes then; 0: no limit, or not by these. */
int64_t launch_stand_in_pids(const struct box_limits *limits, unsigned controllers);
void launch_stand_in(struct launch *l, const struct box_limits *limits, unsigned controllers);
/* Where argv[0] may be, by the PATH of this launch. */
int launch_command(const struct launch *l, struct arena *a, const char *const *argv,
		   struct launch_command *ret, struct err *err);

/* What a further command has otherwise than the container; NULL: the same. Borrowed. */
struct launch_other {
	const char *const *envp;
	const char *cwd;
	const struct box_user *user;
	bool privileged;
};
void launch_differ(struct launch *l, const struct launch_other *other);

/* PATH of this environment, or the usual one. */
const char *launch_path(const char *const *envp);
/* The last capability that this kernel knows. */
int launch_last_cap(void);

#endif
