/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan: from the model and the host's facts to ordered specs. What will be done, as a value that can be printed and tested.
 *
 * The one place where compose words become kernel words: services become slots with a net_port_spec for each attachment, a
 * box_slot_spec and a box_spec; networks become bridges; published ports become net_publish_specs. Names and addresses are a
 * pure function of stack and facts, so a second run finds the same ones. No input, no output, no clock.
 */
#ifndef MSTACK_PLAN_H
#define MSTACK_PLAN_H

#include "mstack/base.h"
#include "mstack/box.h"
#include "mstack/net_names.h"
#include "mstack/stack.h"
#include "mstack/store.h"

/* An image beside those of services, by the text of the stack file. */
struct plan_image {
	const char *name;
	const struct store_image *image;
};

/* The host's facts, all borrowed for the life of the plan. */
struct plan_host {
	const struct net_facts *net;
	const struct impair_facts *impair; /* NULL: not looked at, because nothing is impaired */
	const struct store_image *images;  /* one per service, in the order of the stack */
	const struct store_user *users;	   /* one per service */
	const struct plan_image *mounted;  /* what mounts of the type `image` and `pre_start` name */
	size_t n_mounted;
	const char *const *
		profiles; /* of seccomp, in Docker's JSON format; one per service, NULL: none. May be NULL */
	const char *run_dir;	 /* of the project: /run/mstack/PROJECT */
	const char *data_dir;	 /* of all: /var/lib/mstack */
	const char *resolv_conf; /* text for containers on networks */
	const char *own_hosts,
		*own_resolv_conf; /* /etc/hosts and /etc/resolv.conf of the host, for those in its network or in none */
	const char *
		held_back; /* this service gets its networks, but no slot yet (see plan_beside); or NULL */
	const char *hostname; /* of the host, for services with `uts: host` or in its network */
	uint32_t ids;	      /* 0 to ids - 1 are all that a container can have; 0: BOX_IDS */
	bool user;	      /* it is an ordinary user's, who cannot give away what is the host's */
	bool isolated;	      /* networks of the stack are in a network namespace of their own */
	/*
	 * What runs of this stack, to be planned anew; NULL: nothing. What nobody asks for otherwise stays as it is there; its slots may have
	 * places without any (name NULL). Its bridges and wires keep their numbers, new ones come behind them.
	 */
	const struct plan *running;
	const struct ip *taken;
	size_t n_taken; /* addresses of one-offs beside it */
};

struct plan_file {
	const char *name, *text;
}; /* /etc/NAME of the container */

/* When a container is asked whether it is well; all filled in, retries at least 1. */
struct plan_health {
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	unsigned retries;
};

/* A command in the running container, before others depend on it or before it is stopped. */
struct plan_hook {
	const char *const *argv, *const *envp;
	const char *cwd;  /* NULL: the container's */
	const char *user; /* as the file has it; NULL: the container's */
	bool privileged;
	unsigned line;
};
struct plan_hooks {
	const struct plan_hook *v;
	size_t n;
};

/* A command in a container of its own, with the slot's mounts and network, before the first start of the slot's process. */
struct plan_step {
	struct box_spec box; /* its ids and HOME are the service's; who runs it knows those of `user` */
	const struct store_image *image;
	const char *user; /* as the file has it; NULL: the image's */
	bool own_image;	  /* not the service's */
	unsigned line;
};
struct plan_steps {
	const struct plan_step *v;
	size_t n;
};

#define PLAN_NO_SLOT SIZE_MAX

/* What net need not know when it makes an attachment. */
struct plan_link {
	const char *network;	   /* its key in the file */
	struct impair_ways impair; /* all zeros: none */
};

struct plan_slot {
	const char *name;      /* "web-1" */
	const char *container; /* "PROJECT-web-1", or container_name */
	const char *dir;       /* run-time folder of the slot */
	const struct stack_service *service;
	const struct store_image *image;
	unsigned index;		       /* from 1 */
	struct box_slot_spec box_slot; /* token is the slot's number */
	struct box_spec
		box; /* upper, work, descriptors and slots that it joins are filled in by sup */
	size_t joins[BOX_NAMESPACES]; /* BOX_JOIN: number of the slot, else PLAN_NO_SLOT */
	size_t ids_of;		      /* slot whose user namespace it has too, or PLAN_NO_SLOT */
	size_t net_of; /* slot whose network it has (box_slot.net is BOX_JOIN), or PLAN_NO_SLOT */
	struct net_port_spec *ports;
	struct plan_link *links; /* one for each port */
	size_t n_ports;
	struct net_names_spec
		naming; /* how others on its networks call it, and what it asks itself */
	struct net_publish_spec *pubs; /* a range of plan->pubs */
	size_t n_pubs;
	struct plan_file *files; /* hosts, hostname, resolv.conf */
	size_t n_files;
	const char *const *probe; /* argv of the health check, NULL: none */
	const struct stack_probe
		*own_probe; /* instead of it: one that needs no process; NULL: none */
	struct plan_health health;
	struct plan_steps
		pre_start; /* that this slot runs: of several containers only the first has those for all */
	struct plan_hooks post_start, pre_stop, exec; /* the last: `x-exec` */
};

/* Slot `slot` waits for slot `on`. */
struct plan_edge {
	size_t slot, on;
	enum stack_condition condition;
	bool required;
	bool restart; /* `on` takes it along when somebody restarts it */
	unsigned line;
};

/* A folder below the data folder. */
struct plan_volume {
	const char *name;
	bool external; /* must be there */
	bool anonymous;
	bool unlisted;			     /* of a project that nobody will ask to remove it */
	const struct stack_service *service; /* the first that has it */
	unsigned line;
};

/* A path of the host that a container shows. */
struct plan_bind {
	const char *path;
	bool create;	    /* a folder is made when nothing is there */
	const char *volume; /* it is what this volume is made of; NULL: none */
	const struct stack_service *service;
	unsigned line;
};

/* What an image has at `target` is copied into a volume that is empty. In the order in which the services begin. */
struct plan_fill {
	const char *volume;		    /* its name */
	const struct stack_volume *options; /* not NULL: not a folder of ours, but made by these */
	const char *target;
	const struct plan_slot *slot;
	unsigned line;
};

/* Of an isolated stack, in the host's namespace: one network, to which the stack's namespace is attached. */
struct plan_uplink {
	struct net_spec net;
	struct net_port_spec port;
};

struct plan {
	const struct stack *stack;
	uint32_t id; /* hash of the project's name */
	struct impair_ways
		*wires; /* what those of `net` do to packets, seen from their first ends */
	struct net_spec net;
	const struct plan_uplink *uplink; /* NULL: the networks are in the host's namespace */
	struct plan_slot *slots;	  /* in file order */
	size_t n_slots;
	struct plan_edge *edges;
	size_t n_edges;
	struct net_publish_spec *pubs;
	size_t n_pubs;
	struct plan_volume *volumes;
	size_t n_volumes;
	struct box_volume *mounted; /* volumes with file systems of their own */
	size_t n_mounted;
	struct plan_bind *binds;
	size_t n_binds;
	struct plan_fill *fills;
	size_t n_fills;
	struct arena *arena;
};

enum { PLAN_FILE_WRONG = 1, PLAN_HOST_REFUSES = 2 };

/*
 * 0, or no plan and new errors in diags: PLAN_FILE_WRONG, or PLAN_HOST_REFUSES when all of them come from this host (a
 * subnet that is taken). Warnings may be added in any case.
 */
int plan_make(const struct stack *stack, const struct plan_host *host, struct plan **ret_plan,
	      struct stack_diags *diags);
void plan_free(struct plan *p);
/* Gives slot i the number place[i], everywhere: `slots` is then a list with gaps (name NULL). Once; the numbers are all different. */
void plan_place(struct plan *p, const size_t *place);

/* A container that comes to a running plan: a one-off. */
struct plan_extra {
	const struct stack *
		stack; /* its own, or the running one; the services that run have the same names in both */
	const struct stack_service *service; /* of that stack */
	const char *name;		     /* of the slot, "web-run-1" */
	bool alone;   /* in a project of its own: it bears the service's name */
	bool aliases; /* others find it by the names of the service, too */
	const struct ip *taken;
	size_t n_taken; /* addresses of others like it */
};
/*
 * As plan_make, for one slot beside those of `running`, which must outlive the result: its slots and bridges stand first, with
 * their numbers, then come the new slot and the bridges that it lacks; volumes, ports and edges are those of the new slot only.
 * images and users of `host` are those of the extra's stack; only the service's own are looked at.
 */
int plan_beside(const struct plan *running, const struct plan_extra *extra,
		const struct plan_host *host, struct plan **ret_plan, struct stack_diags *diags);
/*
 * A published port of an isolated stack is published twice, under the same number: on the host for the stack's namespace, and
 * there for the container. Who may reach it is decided on the host.
 */
struct net_publish_spec plan_outside(const struct plan *p, const struct net_publish_spec *pub);
struct net_publish_spec plan_inside(const struct net_publish_spec *pub);
/* Fills in what the name of a project alone decides: project (borrowed), id and table. */
void plan_names(const char *project, struct net_spec *ret);
/* The capabilities of a service's containers, as box_spec.caps. Names that nobody knows do not count. */
uint64_t plan_caps(const struct stack_service *s);
/* Is root of its containers root of the host? Asked for, or implied: the host's processes, queues and network are for its root only. */
bool plan_host_ids(const struct stack_service *s);
/* The plan as text, one fact a line; golden tests and `up --dry-run` print it. */
void plan_print(const struct plan *p, struct buf *out);

#endif
