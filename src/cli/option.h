/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option: the words of the command line as rows of a table, and the values that they are read into. One row drives the
 * parser and the help; command.c holds the rows of each command.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include "mstack/base.h"

struct cli_words VEC(const char *);

/* What was asked for; strings are borrowed from argv and the environment. */
struct cli_options {
	/* global */
	struct cli_words files, env_files, profiles;
	const char *project, *project_dir, *ansi, *progress;
	bool dry_run, help, version;
	/* of commands; a word that several of them know is one field */
	bool detach, wait, abort_on_exit, abort_on_failure, no_color, no_prefix, timestamps;
	bool remove_orphans, renew_volumes, isolated, volumes, networks, services, images, follow, all, quiet, shorter;
	bool list_profiles, variables, environment, no_interpolate, explain, security, force;
	bool no_tty, no_stdin, sig_proxy, archive, follow_link, no_stream, privileged, accepted, interactive, service_ports, use_aliases, no_deps;
	bool read_only, init, no_trunc;
	bool fix; /* of `doctor` */
	bool force_recreate, no_recreate, recreate_deps, exit_code; /* of `up`, `plan` */
	bool check, include_deps, ignore_failures, ignore_buildable, quiet_pull;
	bool json;
	const char *after, *grep; /* of `events`; of `logs` */
	bool no_start, stop; /* of `up`; of `rm` */
	bool build; /* of `up`, `run` and `create` */
	bool attach_deps; /* of `up` */
	bool down_project; /* of `wait` */
	const char *signal; /* of `kill` */
	const char *policy; /* of `pull` */
	const char *rmi; /* of `down` */
	const char *exit_code_from, *tail, *since, *until, *format, *hash, *output;
	const char *user, *workdir, *index, *protocol, *detach_keys;
	const char *image, *rootfs, *name, *hostname, *entrypoint, *memory, *cpus, *pids, *network, *pull;
	struct cli_words only; /* of `exec --all` */
	struct cli_words status, attach, no_attach, env, env_from_file, binds, tmpfs, publish, labels;
	const char *write, *count, *filter, *snaplen, *buffer; /* of `capture` */
	int64_t duration_s;				       /* -1: not given */
	struct cli_words cap_add, cap_drop, devices;
	struct cli_words scale;
	const char *command; /* of which `up` is a part; NULL: none */
	struct cli_words filters; /* of `events`, `ls` and `ps`: KEY=VALUE */
	int64_t timeout_s, wait_timeout_s; /* -1: not given */
	/* what is no option: services, or the subject of `help` */
	struct cli_words args;
};

enum cli_option_kind {
	OPTION_FLAG,	/* bool; `--name=false` takes it back */
	OPTION_TEXT,	/* const char * */
	OPTION_CHOICE,	/* const char *, one of the words of `arg`, which are separated by | */
	OPTION_FORMAT,	/* const char *, table, json, or a template (template.h) */
	OPTION_SECONDS, /* int64_t, a whole number of seconds */
	OPTION_LIST,	/* struct cli_words, one more each time it is given */
	OPTION_MAYBE,	/* const char *; without a value `*`: at the end, before an option or a stack file */
	OPTION_FIXED,	/* a flag that is taken as `arg` (true or false), which it always is; the other one is not supported yet */
	OPTION_LATER,	/* belongs to the command, but is not supported yet */
};

struct cli_option {
	const char *name; /* long form, without dashes */
	char letter;	  /* short form, or 0 */
	enum cli_option_kind kind;
	size_t offset;	 /* of its value in struct cli_options */
	const char *arg; /* what the value is called in the help; NULL for flags */
	const char *help;
	const char *
		env; /* MSTACK_env, then COMPOSE_env stand in when it is not given (TEXT, CHOICE); or NULL */
};

/* A table of rows, ended by one without a name. */
extern const struct cli_option cli_global_options[];

struct cli_command;

/*
 * Reads the words behind the program's name (NULL-terminated). *ret_command is NULL when none was given. The options of
 * a command that is not supported yet are not looked at. 0, or -1 with an error of kind ERR_USAGE.
 */
int cli_options_parse(const char *const *words, struct cli_options *ret,
		      const struct cli_command **ret_command, struct err *err);
void cli_options_fini(struct cli_options *o);

#endif
