/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box_spec: what box is told about a container, as plain values that plan fills in. A part of the door of box: include
 * mstack/box.h. Everything is borrowed for the call only; sizes are bytes, places are lines of the stack file.
 */
#ifndef MSTACK_BOX_SPEC_H
#define MSTACK_BOX_SPEC_H

#include <sys/resource.h>

#include "mstack/base.h"

/* So many ids of users, and of groups, has a container that is not given the host's. */
#define BOX_IDS 65536U

/* Controllers. The last two are switched on when they are wanted: they cost all groups something. */
enum { BOX_WANT_MEMORY = 1, BOX_WANT_CPU = 2, BOX_WANT_PIDS = 4, BOX_WANT_IO = 8, BOX_WANT_CPUSET = 16,
       BOX_CONTROLLERS = 5 };

enum box_io_kind { BOX_READ_BPS, BOX_READ_IOPS, BOX_WRITE_BPS, BOX_WRITE_IOPS, BOX_IO_WEIGHT };
/* value: bytes or operations in a second, 0 no limit; a weight of 10 to 1000. path: block device of the host, a whole disk */
struct box_io { enum box_io_kind kind; const char *path; uint64_t value; unsigned line; };

struct box_limits {
	int64_t memory_max;		/* bytes; 0 none */
	int64_t memory_low;		/* bytes that others do not take from it; 0 none */
	int64_t swap_max;		/* bytes of swap; -1 no limit */
	bool swap_wanted;		/* else swap_max is left out where the kernel counts no swap */
	int64_t cpu_milli;		/* thousandths of a CPU; 0 none */
	unsigned cpu_weight;		/* 1 to 10000; 0: the kernel's 100 */
	unsigned io_weight;		/* 10 to 1000; 0: the kernel's own */
	const char *cpus;		/* "0-3,5"; NULL: all */
	int64_t pids_max;		/* 0: default 2048; -1 none */
	const struct box_io *io; size_t n_io;
	unsigned wanted;		/* BOX_WANT_*: asked for in the file; a missing controller is then an error, else left out */
	unsigned lines[BOX_CONTROLLERS];	/* in the stack file, by the number of the bit, for errors */
};

/*
 * The namespaces that a container need not have for itself; the network is the slot's, see there. HOST: the supervisor's. JOIN: those of the process that runs in the
 * slot `of`, of the same runtime; a start fails when none runs there. A namespace of processes ends with its PID 1, and so then
 * does everybody who joined it. Who is not its PID 1 leaves it by itself: what it left behind is killed after it.
 * Shared ipc comes with the shared memory in /dev/shm.
 */
enum { BOX_PID, BOX_IPC, BOX_UTS, BOX_CGROUP, BOX_NAMESPACES };
enum box_share { BOX_OWN, BOX_HOST, BOX_JOIN };
struct box_slot;
struct box_namespace { enum box_share share; struct box_slot *of; };

struct box_slot_spec {
	uint64_t token;
	const char *name;		/* "web-1": messages, cgroup and folder name */
	struct box_limits limits;
	bool tmp_upper;			/* upper layer on a tmpfs that lives as long as the slot */
	bool host_ids;			/* the host's user namespace: root inside is root of the host; pid and ipc of HOST need it */
	struct box_slot *ids_of;	/* ready, and not with host_ids: its user namespace, which joining its pid, ipc and net needs */
	/*
	 * Its network, which lives as long as the slot, whatever becomes of its processes. HOST: needs host_ids; nothing of it is
	 * touched. JOIN: that of net_of, a slot that is ready.
	 */
	enum box_share net;
	struct box_slot *net_of;
	int64_t tmp_upper_size;		/* bytes; 0: half of the memory limit or 1 GiB */
	int64_t files_size;		/* bytes, in whole pages, that FILE mounts of a start need above some KiB */
};

enum box_mount_type { BOX_BIND, BOX_TMPFS, BOX_FILE, BOX_IMAGE, BOX_MOUNTED };
/* Do mounts that come or go below the source on the host appear in the container, and those of the container on the host? */
enum box_propagation { BOX_PRIVATE, BOX_SLAVE, BOX_SHARED };

struct box_mount {
	enum box_mount_type type;
	const char *source;		/* BIND: absolute host path, file or folder; MOUNTED: name of a box_volume */
	const char *subpath;		/* BIND, IMAGE, MOUNTED: only what is there, never outside of it; NULL: all */
	enum box_propagation propagation;	/* BIND */
	const char *const *lower; size_t n_lower;	/* IMAGE: its layers, topmost first; it is never written to */
	const char *text; size_t text_len;	/* FILE: its content, written anew at each start into memory of the slot's own */
	uid_t uid; gid_t gid;		/* FILE: its owner, as the container sees it */
	const char *target;		/* absolute, inside the root */
	bool read_only;
	int64_t size;			/* TMPFS: bytes, 0 default of 50 % memory */
	uint32_t mode;			/* TMPFS: 0 is 01777; FILE: 0 is 0644, S_IFREG tells a mode of 0 from that */
	unsigned line;
};

/* What may be done with a device; the kernel's own bits (BPF_DEVCG_ACC_*). */
enum { BOX_DEV_MKNOD = 1, BOX_DEV_READ = 2, BOX_DEV_WRITE = 4, BOX_DEV_ALL = 7 };
/* A device of the host, or all below a folder: nodes like it, owner and mode too. Absolute paths, `target` inside. */
struct box_device { const char *source, *target; unsigned access, line; };
/* type: 'c', 'b' or 'a' (both); a number of -1: every one */
struct box_device_rule { char type; int64_t major, minor; unsigned access; };
/* A volume with a file system of its own, as mount(8) has the words. */
struct box_volume { const char *name, *type, *device, *options; unsigned line; };	/* options: may be NULL */

struct box_sysctl { const char *key, *value; unsigned line; };	/* "net.core.somaxconn" */
struct box_rlimit { int resource; rlim_t soft, hard; unsigned line; };

struct box_spec {
	/* root */
	const char *const *lower; size_t n_lower;	/* topmost first */
	const char *upper, *work;	/* NULL both: the slot's tmpfs */
	bool host_root;			/* lower is the host's `/`: cover /root, /home and `covers` with empty folders */
	const char *const *covers;	/* further absolute paths to cover, NULL-terminated or NULL */
	bool read_only;
	bool writable_root;		/* the one lower folder is the root itself; no upper layer */
	const struct box_mount *mounts; size_t n_mounts;	/* in order of targets' depth; parents before children */
	/*
	 * Devices beside the usual ones. With any of these, and with the host's ids, a device program on the cgroup lets through what
	 * is usual and asked for; rules also make device nodes of BIND mounts usable.
	 */
	const struct box_device *devices; size_t n_devices;
	const struct box_device_rule *device_rules; size_t n_device_rules;
	/* All devices of the host, no device program, nodes work everywhere, /sys and cgroups are writable; only with host_ids. */
	bool privileged;
	bool unmasked;			/* nothing in /proc and /sys is masked, and /proc is writable */
	int64_t shm_size;		/* 0: 64 MiB; of /dev/shm, where ipc is its own */
	bool no_shm;			/* there is no /dev/shm */
	struct box_namespace ns[BOX_NAMESPACES];
	/* process */
	const char *const *argv;	/* NULL-terminated, at least one */
	const char *const *envp;	/* NULL-terminated; PATH of it is searched for argv[0] */
	const char *cwd;		/* absolute; made when missing; NULL: / */
	uid_t uid; gid_t gid;
	const gid_t *groups; size_t n_groups;
	const char *hostname, *domainname;	/* NULL: the host's */
	const struct box_sysctl *sysctls; size_t n_sysctls;
	const struct box_rlimit *rlimits; size_t n_rlimits;	/* above the defaults of the security notes */
	int oom_score_adj;		/* -1000 to 1000 */
	bool keep;			/* it goes on when we die; commands in it do not */
	bool init;			/* a small program of ours is PID 1: passes signals on, reaps, ends as the command does */
	uint64_t caps;			/* bit set of the bounding set; box_caps_default() */
	bool new_privileges;		/* set-user-id programs and file capabilities count (no_new_privs is not set) */
	bool unfiltered;		/* no system call filter at all */
	bool i386;			/* the default filter lets programs of 32 bits run */
	const char *seccomp;		/* else: text of a profile in Docker's JSON format; NULL: the default filter */
	const char *apparmor;		/* profile to enter, which must be loaded; NULL: none is entered */
	int volumes;			/* of box_volumes_mount; asked for by MOUNTED mounts only */
	bool tty;			/* 0, 1 and 2 are a terminal of the container's own, /dev/console is it too; see box_console */
	unsigned short rows, cols;	/* of it; 0: unknown */
	int stdin_fd;			/* else becomes 0; -1: /dev/null */
	int stdout_fd, stderr_fd;	/* else become 1 and 2 */
};

struct box_user { uid_t uid; gid_t gid; const gid_t *groups; size_t n_groups; };

struct box_exec_spec {
	uint64_t token;
	const char *const *argv;
	const char *const *envp;	/* NULL: the container's */
	const char *cwd;		/* absolute, inside; must be there; NULL: the container's */
	const struct box_user *user;	/* NULL: the container's */
	bool privileged;		/* all capabilities of its user namespace, no filter, set-user-ID files work */
};

#endif
