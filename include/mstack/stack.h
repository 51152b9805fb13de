/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack: from YAML text to one checked, read-only model of the stack (compose-spec format).
 *
 * Order of work: parse (libyaml events, marks kept) -> interpolate -> check against the table of keys -> bring short forms to
 * long -> decode into the structs below -> rules between parts. Every problem is collected as a diagnostic with file, line
 * and column; a model exists only when there is no error among them. All of it lives in one arena and is read-only.
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

enum stack_restart { STACK_NO, STACK_ALWAYS, STACK_ON_FAILURE, STACK_UNLESS_STOPPED };

struct stack_health {
	bool given, disable;
	struct stack_strs test;			/* starts with CMD, CMD-SHELL or NONE */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;	/* defaults filled in: 30s 30s 0 5s */
	unsigned retries;			/* 3 */
	struct stack_pos pos;
};

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
	struct stack_str working_dir, user, hostname, container_name;
	const struct stack_attach *networks;	/* at least `default` */
	size_t n_networks;
	const struct stack_port *ports;
	size_t n_ports;
	const struct stack_mount *mounts;	/* `volumes` and `tmpfs` */
	size_t n_mounts;
	struct stack_health health;
	const struct stack_depend *depends;
	size_t n_depends;
	enum stack_restart restart;
	unsigned restart_max;			/* on-failure:N; 0: no limit */
	struct stack_num mem_limit;		/* bytes */
	struct stack_num cpus;			/* thousandths of a CPU */
	struct stack_num pids_limit;		/* -1: no limit */
	struct stack_strs cap_add, cap_drop;	/* upper case, without CAP_; may hold ALL */
	bool read_only;
	struct stack_str stop_signal;
	int stop_signal_nr;			/* 0: not given */
	struct stack_num stop_grace_ns;		/* default 10 s filled in */
	const struct stack_ulimit *ulimits;
	size_t n_ulimits;
};

struct stack_network {
	const char *key, *name;			/* name: PROJECT_KEY unless `name:` */
	struct stack_pos pos;
	bool internal;
	struct in_addr subnet;			/* prefix 0: plan chooses one */
	unsigned prefix;
	struct in_addr gateway;			/* 0: the first address */
	struct stack_pos subnet_pos, gateway_pos;
	bool used;				/* by any service */
};

struct stack_volume {
	const char *key, *name;			/* name: PROJECT_KEY unless `name:` */
	struct stack_pos pos;
	bool external;
};

struct stack_file { const char *path; const char *text; size_t len; };	/* "-" for standard input */

struct stack {
	const char *name;			/* of the project */
	const char *dir;			/* project folder, absolute */
	const struct stack_file *files;
	size_t n_files;
	const struct stack_service *services;	/* in file order */
	size_t n_services;
	const struct stack_network *networks;
	size_t n_networks;
	const struct stack_volume *volumes;
	size_t n_volumes;
	struct stack_impl *impl;		/* the arena and the normal form, for stack_config and stack_free */
};

struct stack_opts {
	const char *const *paths;	/* stack files; "-" is standard input. For now exactly one */
	size_t n_paths;
	const char *project_name;	/* -p, or NULL */
	const char *project_dir;	/* --project-directory, or NULL */
	const char *const *env;		/* process environment, NULL-terminated "K=V" */
	const char *const *env_files;	/* --env-file; none: `.env` of the project folder if it is there */
	size_t n_env_files;
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

/* May a project be called so? For commands without a file. */
bool stack_name_valid(const char *name);

#endif
