/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack: from YAML text to one checked, read-only model of the stack (compose-spec format).
 *
 * Order of work: parse (libyaml events, marks kept) -> interpolate -> include -> extends -> merge, for each file and document;
 * then once: check against the tables of keys and bring short forms to long (the canonical tree, which `mstack config`
 * prints) -> profiles -> rules between parts -> decode into the structs below. Every problem is collected as a diagnostic
 * with file, line and column; a model exists only when there is no error. All of it lives in one arena and is read-only.
 * Used by cli (load, config, diagnostics) and plan (the model). Opens no network, starts nothing; reads only the files named.
 */
#ifndef MSTACK_STACK_H
#define MSTACK_STACK_H

#include <netinet/in.h>

#include "mstack/base.h"

/* A place in one of the loaded files. */
struct stack_pos {
	uint32_t file;		/* index into stack->files */
	uint32_t line, col;	/* from 1; 0: no place */
};

/* ---- diagnostics ----------------------------------------------------------------------------- */

enum stack_severity { STACK_ERROR, STACK_WARNING };

struct stack_diag {
	enum stack_severity severity;
	struct stack_pos pos;
	char *text;		/* "service 'web': ports[1]: ..." */
	char *hint;		/* "did you mean 'ports'?", or NULL */
	char *source;		/* "PORT is '80x', .env:3": where a value of variables came from; or NULL */
};

struct stack_diags;
struct stack_diags *stack_diags_new(void);
void stack_diags_free(struct stack_diags *d);
size_t stack_diags_errors(const struct stack_diags *d);
size_t stack_diags_count(const struct stack_diags *d);
const struct stack_diag *stack_diags_get(const struct stack_diags *d, size_t i);	/* sorted by place */
/* For plan: a problem found later at a place of the model. */
void stack_diag_add(struct stack_diags *d, enum stack_severity severity, struct stack_pos pos, const char *hint,
		    const char *fmt, ...) MSTACK_PRINTF(5, 6);
/* All of them (at most 20 errors, then how many more) as `file:line:col: error: text`, the line, a caret, the hint. */
void stack_diags_print(const struct stack_diags *d, bool colour, struct buf *out);
/*
 * For editors: one JSON object per line, {"severity", "file", "line", "column", "message", "hint", "source"}; a problem
 * without a place has no file, line and column. All of them, however many.
 */
void stack_diags_json(const struct stack_diags *d, struct buf *out);

/* ---- the model ------------------------------------------------------------------------------- */

struct stack_str { const char *text; struct stack_pos pos; };		/* text NULL: not given */
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

struct stack_attach {				/* a service on a network, in declaration order */
	const struct stack_network *network;
	struct in_addr ipv4;			/* 0: plan gives one out */
	struct stack_strs aliases;
	struct stack_pos pos, ipv4_pos;
};

struct stack_port {				/* one per port after expansion of ranges of equal length */
	struct in_addr host_ip;			/* 0.0.0.0: any */
	uint16_t published;			/* 0: any free one */
	uint16_t target;
	uint8_t protocol;			/* IPPROTO_TCP, IPPROTO_UDP */
	struct stack_pos pos;
};

enum stack_mount_type { STACK_BIND, STACK_VOLUME, STACK_TMPFS };

struct stack_mount {
	enum stack_mount_type type;
	const char *source;			/* BIND: absolute path; VOLUME: key of the volume, NULL anonymous */
	const struct stack_volume *volume;	/* VOLUME with a name */
	const char *target;			/* absolute, cleaned */
	bool read_only, create_host_path, nocopy;
	int64_t tmpfs_size;			/* bytes; 0: no limit given */
	uint32_t tmpfs_mode;			/* 0: not given (1777) */
	bool by_tmpfs;				/* TMPFS: by the key `tmpfs`, not by an entry of `volumes` */
	struct stack_pos pos;
};

/* A secret or config of a service. data: only with for_run, as it was when the stack was loaded. target: absolute */
struct stack_asset { const char *source, *target, *data; size_t len; uid_t uid; gid_t gid; uint32_t mode; struct stack_pos pos; };

enum stack_restart { STACK_NO, STACK_ALWAYS, STACK_ON_FAILURE, STACK_UNLESS_STOPPED };

struct stack_health {
	bool given, disable;
	struct stack_strs test;			/* starts with CMD, CMD-SHELL or NONE */
	/* 0: not given; then the image's hold, then 30s 30s 0 5s and 3 */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	unsigned retries;
	struct stack_pos pos;
};

enum stack_blkio_kind { STACK_READ_BPS, STACK_READ_IOPS, STACK_WRITE_BPS, STACK_WRITE_IOPS, STACK_DEVICE_WEIGHT };
/* value: bytes or operations in a second, or a weight of 10 to 1000. path: of a disk of the host */
struct stack_blkio { enum stack_blkio_kind kind; const char *path; int64_t value; struct stack_pos pos; };
struct stack_ulimit { const char *name; int resource; int64_t soft, hard; struct stack_pos pos; };	/* -1: unlimited */

/* A number with its place; given tells 0 from "not in the file". */
struct stack_num { int64_t value; bool given; struct stack_pos pos; };

struct stack_service {
	const char *name;
	struct stack_pos pos;
	struct stack_str image;			/* never NULL: `build:` alone gives PROJECT-SERVICE, see build */
	struct stack_str build_context;		/* absolute; text NULL without `build:` */
	struct stack_str build_dockerfile;	/* text NULL: Dockerfile */
	struct stack_strs command, entrypoint;	/* given and empty: cleared */
	struct stack_kvs environment;		/* env_file folded in, variables resolved; value NULL: unset in the container */
	struct stack_kvs labels, sysctls;
	struct stack_str working_dir, user, hostname, domainname, container_name, stop_signal;
	const struct stack_attach *networks;	/* at least `default` */
	const struct stack_port *ports;
	const struct stack_mount *mounts;	/* `volumes` and `tmpfs` */
	const struct stack_asset *assets;	/* `secrets` and `configs` */
	const struct stack_depend *depends;
	size_t n_networks, n_ports, n_mounts, n_assets, n_depends;
	struct stack_health health;
	enum stack_restart restart;
	unsigned restart_max;			/* on-failure:N; 0: no limit */
	struct stack_num mem_limit, mem_reservation, shm_size, memswap_limit;	/* bytes; the last with memory, -1: no limit */
	struct stack_num cpus, cpu_shares;	/* thousandths of a CPU; 1024 is everybody's share */
	struct stack_str cpuset;		/* "0-3,5" */
	struct stack_num pids_limit;		/* -1: no limit */
	struct stack_num oom_score_adj, blkio_weight;	/* -1000 to 1000; 10 to 1000 */
	const struct stack_blkio *blkio;
	struct stack_strs cap_add, cap_drop, group_add;	/* upper case, no CAP_, may hold ALL; names of the image, numbers */
	bool read_only, init, new_privileges, no_attach;	/* no-new-privileges=false; `up` does not show its log */
	bool userns_host;			/* `userns_mode: host` */
	/* seccomp: "unconfined" or the absolute path of a profile, NULL the default filter; apparmor: profile, NULL none */
	struct stack_str seccomp, apparmor;
	int stop_signal_nr;			/* 0: not given */
	struct stack_num stop_grace_ns;		/* default 10 s filled in */
	const struct stack_ulimit *ulimits;
	size_t n_ulimits, n_blkio;
};

struct stack_network {
	const char *key, *name;			/* name: PROJECT_KEY unless `name:` */
	struct stack_pos pos;
	bool internal, used;			/* used: by any service */
	unsigned prefix;			/* 0: plan chooses the subnet */
	struct in_addr subnet, gateway;		/* gateway 0: the first address */
	struct stack_pos subnet_pos, gateway_pos;
};

struct stack_volume { const char *key, *name; struct stack_pos pos; bool external; };	/* name: as a network's */

struct stack_file { const char *path; const char *text; size_t len; };	/* "-" for standard input; text lives with the diags */

struct stack {
	const char *name;			/* of the project */
	const char *dir;			/* project folder, absolute */
	const struct stack_file *files;
	const struct stack_service *services;	/* in file order */
	const struct stack_network *networks;
	const struct stack_volume *volumes;
	size_t n_files, n_services, n_networks, n_volumes;
	struct stack_impl *impl;		/* the arena and the normal form, for stack_config and stack_free */
};

struct stack_opts {
	const char *const *paths;	/* stack files, merged in this order; "-" is standard input */
	size_t n_paths;
	const char *project_name;	/* -p, or NULL */
	const char *project_dir;	/* --project-directory, or NULL */
	const char *const *env;		/* process environment, NULL-terminated "K=V" */
	const char *const *env_files;	/* --env-file; none: `.env` of the project folder if it is there */
	const char *const *profiles;	/* --profile; none: COMPOSE_PROFILES. "*" is all */
	const char *const *services;	/* only these, and what they depend on; none: all that are active */
	size_t n_env_files, n_profiles, n_services;
	bool for_run;			/* what mstack cannot run is an error; without it a warning, so that all can be looked at */
	bool no_interpolate;		/* merge only: the result has no services, just what stack_config prints */
};

/*
 * Loads. 0: *ret_stack is set (warnings may be in diags); 1: there are errors in diags; -1: a file could not be read.
 * The strings in opts need not outlive the call. diags must be a new one; it keeps the texts of the files for printing.
 */
int stack_load(const struct stack_opts *opts, struct stack **ret_stack, struct stack_diags *diags, struct err *err);
void stack_free(struct stack *s);
const struct stack_service *stack_find_service(const struct stack *s, const char *name);

/* The canonical form (`mstack config`); what compose accepts again. */
enum stack_format { STACK_YAML, STACK_JSON };
void stack_config(const struct stack *s, enum stack_format format, struct buf *out);
/*
 * The same with the source of each value: in YAML a comment behind it, `# compose.yaml:3:12` and ` PORT from .env:2` for each
 * variable, `# default` for what stands in no file; in JSON one object per line, {"path", "value", "file", "line",
 * "column", "variables": [{"name", "value", "file", "line"}]}.
 */
void stack_explain(const struct stack *s, enum stack_format format, struct buf *out);
/* One service of the canonical form as compact JSON: what its hash is made of. NULL: no such service. Free it. */
char *stack_service_text(const struct stack *s, const char *service);
/*
 * The names below a top-level key of the canonical form (services, networks, volumes), one in each line; with a key: the text
 * that each has below it. Also with no_interpolate.
 */
void stack_names(const struct stack *s, const char *section, const char *key, struct buf *out);

/* A variable that a file asks for, for `config --variables`. */
struct stack_variable {
	const char *name, *value;	/* value NULL: not set */
	const char *fallback;		/* of the first ${NAME:-fallback}, as it is written; NULL: none */
	const char *alternate;		/* of the first ${NAME:+text} */
	bool required;			/* by a ${NAME:?} */
	struct stack_pos pos, source;	/* first use; where the value is set, line 0: in the process environment */
};
/* In the order of their names. With no_interpolate too. */
size_t stack_variables(const struct stack *s, const struct stack_variable **ret);
/* What interpolation looks in: the process environment and the env files of the project, in the order of their names. */
struct stack_kvs stack_environment(const struct stack *s);
/* Names of all profiles that the files have, active or not, in the order of the alphabet. */
struct stack_strs stack_profiles(const struct stack *s);

/*
 * The keys of the format in the three lists of the manual: done; accepted with one warning; refused by `up`. One line for
 * each key, as `services.NAME.cpus`, with the note behind it.
 */
enum stack_verdict { STACK_DONE, STACK_ACCEPTED, STACK_REFUSED };
void stack_keys_list(enum stack_verdict verdict, struct buf *out);
size_t stack_keys_count(enum stack_verdict verdict);

/*
 * Before a project is known: the value of the first of these names (NULL-terminated) that the env files set to something.
 * NULL: none of them; a file that is not there or wrong is passed over. Free it.
 */
char *stack_env_value(const char *const *paths, size_t n, const char *const *env, const char *const *names);
/* May a project be called so? For commands without a file. */
bool stack_name_valid(const char *name);

#endif
