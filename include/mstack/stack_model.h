/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack_model: what a stack is once it has been read: plain structs, checked, all in one arena and read-only. A part of the door
 * of stack: include mstack/stack.h. Sizes are bytes, times nanoseconds, unless a comment says otherwise.
 */
#ifndef MSTACK_STACK_MODEL_H
#define MSTACK_STACK_MODEL_H

#include "mstack/base.h"
#include "mstack/stack_network.h"

struct stack_strs { const struct stack_str *v; size_t n; bool given; };	/* given: also when empty */
struct stack_kv { const char *key, *value; struct stack_pos pos; };	/* value NULL: key without value */
struct stack_kvs { const struct stack_kv *v; size_t n; };

enum stack_condition { STACK_STARTED, STACK_HEALTHY, STACK_COMPLETED };

struct stack_depend {
	const struct stack_service *service;	/* NULL: absent, and not required */
	enum stack_condition condition;
	bool required, restart;
	struct stack_pos pos;
};

struct stack_vids { uint16_t first, last; };
/* Of a port of the network's bridge. pvid: of frames without a tag; 0: the bridge's own, 1. trunk: these pass with their tags. */
struct stack_vlan { bool given; uint16_t pvid; const struct stack_vids *trunk; size_t n_trunk; struct stack_pos pos; };

struct stack_attach {				/* a service on a network: by priority, then in declaration order */
	const struct stack_network *network;
	struct ip ipv4, ipv6;			/* none: plan gives one out */
	const struct ip_net *link_locals;	/* further addresses */
	size_t n_link_locals;
	struct stack_strs aliases;
	const char *interface_name;		/* NULL: eth0, eth1, ... */
	uint8_t mac[6];				/* all 0: plan chooses it */
	struct stack_kvs sysctls;		/* "net.ipv4.conf.IFNAME.forwarding", where IFNAME is to be replaced */
	int64_t gw_priority, priority;		/* higher: rather this one */
	const struct impair_ways *impair;	/* NULL: none */
	struct stack_vlan vlan;
	struct stack_pos pos, ipv4_pos, ipv6_pos, impair_pos;
};

struct stack_port {				/* one per port after expansion of ranges of equal length */
	struct ip host_ip;			/* none: any, of each family; 0.0.0.0, `::`: any of that one */
	uint16_t published;			/* 0: any free one */
	uint16_t n_published;			/* so many from there on: one for each container of the service */
	uint16_t target;
	uint8_t protocol;			/* IPPROTO_TCP, IPPROTO_UDP */
	const struct ip_net *allow;		/* `x-allow`: who may reach it; none: all */
	size_t n_allow;
	struct stack_pos pos;
};

/* What a service is told of names: an entry of `extra_hosts`; ip none: the host, by its address on the first network. */
struct stack_host { const char *name; struct ip ip; struct stack_pos pos; };
/* `links`: a further name of the other service, for this one alone. */
struct stack_link { const struct stack_service *service; const char *alias; struct stack_pos pos; };

enum stack_mount_type { STACK_BIND, STACK_VOLUME, STACK_TMPFS, STACK_IMAGE };
/* `rslave` and `slave` are the same here, as are the other two: all mounts below the source are treated as it is. */
enum stack_propagation { STACK_PRIVATE, STACK_SLAVE, STACK_SHARED };

struct stack_mount {
	enum stack_mount_type type;
	/* BIND: absolute path; VOLUME: key of the volume, NULL anonymous; IMAGE: as `image` of a service */
	const char *source;
	const struct stack_volume *volume;	/* VOLUME with a name */
	const char *target;			/* absolute, cleaned */
	bool read_only, create_host_path, nocopy;
	enum stack_propagation propagation;	/* BIND */
	const char *subpath;			/* VOLUME, IMAGE: only what is below it; by its text not out of it. NULL: all */
	int64_t tmpfs_size;			/* bytes; 0: no limit given */
	uint32_t tmpfs_mode;			/* 0: not given (1777) */
	bool by_tmpfs;				/* TMPFS: by the key `tmpfs`, not by an entry of `volumes` */
	struct stack_pos pos;
};

/* `volumes_from`: all that the other service finds in its file system through `volumes`, and what its image asks for. */
struct stack_share { const struct stack_service *service; bool read_only; struct stack_pos pos; };

/* A secret or config of a service. data: only with for_run, as it was when the stack was loaded. target: absolute */
struct stack_asset { const char *source, *target, *data; size_t len; uid_t uid; gid_t gid; uint32_t mode; struct stack_pos pos; };

enum stack_restart { STACK_NO, STACK_ALWAYS, STACK_ON_FAILURE, STACK_UNLESS_STOPPED };

enum stack_unhealthy { STACK_UNHEALTHY_NONE, STACK_UNHEALTHY_RESTART, STACK_UNHEALTHY_STOP, STACK_UNHEALTHY_KILL };

enum stack_pull {
	STACK_PULL_UNSET,			/* as MISSING, but the command `pull` asks for a newer one */
	STACK_PULL_MISSING, STACK_PULL_ALWAYS, STACK_PULL_NEVER, STACK_PULL_BUILD, STACK_PULL_REFRESH,
};

struct stack_health {
	bool given, disable;
	struct stack_strs test;			/* starts with CMD, CMD-SHELL or NONE */
	/* 0: not given; then the image's hold, then 30s 30s 0 5s and 3 */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	unsigned retries;
	const struct stack_probe *probe;	/* instead of a test; NULL: none */
	struct stack_pos pos;
};

/*
 * Whose a namespace of a container is. SHAREABLE: its own, which others may join (ipc). BARE: its own, without /dev/shm (ipc), or
 * with nothing but a loopback (net).
 */
enum stack_whose { STACK_OWN, STACK_SHAREABLE, STACK_BARE, STACK_OF_HOST, STACK_OF_SERVICE };
struct stack_namespace { enum stack_whose share; const struct stack_service *of; struct stack_pos pos; };

enum stack_upper { STACK_UPPER_USUAL, STACK_UPPER_DISK, STACK_UPPER_TMPFS };	/* where its layer lies */

enum stack_blkio_kind { STACK_READ_BPS, STACK_READ_IOPS, STACK_WRITE_BPS, STACK_WRITE_IOPS, STACK_DEVICE_WEIGHT };
/* value: bytes or operations in a second, or a weight of 10 to 1000. path: of a disk of the host */
struct stack_blkio { enum stack_blkio_kind kind; const char *path; int64_t value; struct stack_pos pos; };
enum { STACK_DEV_READ = 1, STACK_DEV_WRITE = 2, STACK_DEV_MKNOD = 4 };
/* Absolute paths; access: STACK_DEV_*, of which `permissions` are the letters. */
struct stack_device { const char *source, *target, *permissions; unsigned access; struct stack_pos pos; };
/* type: 'c', 'b' or 'a'; a number of -1 is every one; text: as in the file */
struct stack_device_rule { const char *text; char type; int64_t major, minor; unsigned access; struct stack_pos pos; };
struct stack_ulimit { const char *name; int resource; int64_t soft, hard; struct stack_pos pos; };	/* -1: unlimited */

/* A number with its place; given tells 0 from "not in the file". */
struct stack_num { int64_t value; bool given; struct stack_pos pos; };

struct stack_logging;

struct stack_service {
	const char *name;
	struct stack_pos pos;
	unsigned scale;				/* how many containers; 0: none */
	struct stack_str image;			/* never NULL: `build:` alone gives PROJECT-SERVICE, see build */
	bool image_given;			/* false: by `build:` alone; there is nothing to pull */
	enum stack_pull pull;			/* `pull_policy` */
	int64_t pull_after_ns;			/* of STACK_PULL_REFRESH: how old it may be; 0: asked for each time */
	struct stack_str build_context;		/* absolute; text NULL without `build:` */
	struct stack_str build_dockerfile;	/* text NULL: Dockerfile */
	struct stack_strs command, entrypoint;	/* given and empty: cleared */
	struct stack_kvs environment;		/* env_file folded in, variables resolved; value NULL: unset in the container */
	struct stack_kvs labels, sysctls;
	struct stack_str working_dir, user, hostname, domainname, container_name, stop_signal;
	const struct stack_attach *networks;	/* at least `default`, unless network_mode says otherwise */
	const struct stack_port *ports;
	const struct stack_host *hosts;
	const struct stack_link *links;
	const struct ip *dns;			/* servers to ask instead of the host's */
	size_t n_hosts, n_links, n_dns;
	struct stack_strs dns_search, dns_opt;	/* instead of the host's as well; "." alone: no domains */
	const struct stack_mount *mounts;	/* `volumes` and `tmpfs` */
	const struct stack_share *shares;
	const struct stack_asset *assets;	/* `secrets` and `configs` */
	const struct stack_depend *depends;
	size_t n_networks, n_ports, n_mounts, n_shares, n_assets, n_depends;
	struct stack_health health;
	enum stack_restart restart;
	unsigned restart_max;			/* on-failure:N; 0: no limit */
	const struct stack_retry *retry;	/* NULL: without `deploy.restart_policy` */
	enum stack_unhealthy on_unhealthy;
	const struct stack_logging *logging;	/* NULL: not given */
	const struct stack_hook *pre_start, *post_start, *pre_stop, *exec;	/* the last: `x-exec`, commands and nothing else */
	size_t n_pre_start, n_post_start, n_pre_stop, n_exec;
	struct stack_num mem_limit, mem_reservation, shm_size, memswap_limit;	/* bytes; the last with memory, -1: no limit */
	struct stack_num cpus, cpu_shares;	/* thousandths of a CPU; 1024 is everybody's share */
	struct stack_str cpuset;		/* "0-3,5" */
	struct stack_num pids_limit;		/* -1: no limit */
	struct stack_num oom_score_adj, blkio_weight;	/* -1000 to 1000; 10 to 1000 */
	const struct stack_blkio *blkio;
	struct stack_strs cap_add, cap_drop, group_add;	/* upper case, no CAP_, may hold ALL; names of the image, numbers */
	bool read_only, init, tty, stdin_open;
	bool new_privileges, no_attach;	/* no-new-privileges=false; `up` does not show its log */
	bool userns_host;			/* `userns_mode: host`, or `privileged`; what else implies it: plan_host_ids */
	bool privileged, unmasked, i386;	/* systempaths=unconfined; arch=i386 */
	struct stack_namespace pid, ipc, uts, cgroup, net;	/* net: `network_mode`; no networks unless it is its own */
	bool writable_root;			/* `x-rootfs`: it writes into the folder that is its image */
	enum stack_upper upper;
	struct stack_pos rootfs_pos, upper_pos;
	/* seccomp: "unconfined" or the absolute path of a profile, NULL the default filter; apparmor: profile, NULL none */
	struct stack_str seccomp, apparmor;
	int stop_signal_nr;			/* 0: not given */
	struct stack_num stop_grace_ns;		/* default 10 s filled in */
	const struct stack_ulimit *ulimits;
	const struct stack_device *devices;
	const struct stack_device_rule *device_rules;
	size_t n_ulimits, n_blkio, n_devices, n_device_rules;
};

struct stack_volume {
	const char *key, *name;			/* name: as a network's */
	struct stack_pos pos;
	bool external;
	/* `driver_opts` of the local driver; device NULL: a plain folder. bind: the device is an absolute path of the host */
	const char *type, *device, *options;
	bool bind;
};

struct stack_file { const char *path; const char *text; size_t len; };	/* "-" for standard input, "" for a struct stack_text; text lives with the diags */

struct stack {
	const char *name;			/* of the project */
	const char *dir;			/* project folder, absolute */
	const struct stack_file *files;
	const struct stack_service *services;	/* in file order */
	const struct stack_network *networks;
	const struct stack_volume *volumes;
	const struct stack_wire *wires;		/* `x-links`: mstack/stack_wire.h */
	size_t n_files, n_services, n_networks, n_volumes, n_wires;
	bool isolated;				/* `x-isolated`: its networks are in a network namespace of their own */
	bool keep;				/* `x-on-supervisor-death: keep` */
	bool hosts;				/* `x-hosts`: its names stand in the hosts file of the host */
	struct stack_pos hosts_pos;
	struct stack_impl *impl;		/* the arena and the normal form, for stack_config and stack_free */
};

#endif
