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

#include "mstack/base.h"
#include "mstack/stack_life.h"
#include "mstack/stack_logging.h"
#include "mstack/stack_model.h"
#include "mstack/stack_wire.h"

/* ---- diagnostics ----------------------------------------------------------------------------- */

enum stack_severity { STACK_ERROR, STACK_WARNING };

struct stack_diag {
	enum stack_severity severity;
	struct stack_pos pos;
	char *text;		/* "service 'web': ports[1]: ..." */
	char *hint;		/* "did you mean 'ports'?", or NULL */
	char *source;		/* "PORT is '80x', .env:3": where a value of variables came from; or NULL */
	bool of_words;		/* wrong is the command line: a service named there, or a struct stack_text with labels */
	bool told;		/* by stack_diags_tell */
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
/* The same of those that were not told yet, which they are from now on. out: NULL, somebody else has told them. */
void stack_diags_tell(struct stack_diags *d, bool colour, struct buf *out);
/*
 * For editors: one JSON object per line, {"severity", "file", "line", "column", "message", "hint", "source"}; a problem
 * without a place has no file, line and column. All of them, however many.
 */
void stack_diags_json(const struct stack_diags *d, struct buf *out);

/* ---- loading --------------------------------------------------------------------------------- */

/* A document that stands in no file: what options of a command say, or what another process has read. */
struct stack_text {
	const char *text;
	const char *dir;		/* absolute: relative paths in it begin here; NULL: the project folder */
	/* What problems in line 1, 2, ... are told by ("--memory"), in place of file, line and key; NULL: they have no place. */
	const char *const *labels;
	size_t n_labels;
};

/* `--scale SERVICE=COUNT`: instead of what the files say. */
struct stack_scale { const char *service; unsigned count; };

struct stack_opts {
	const char *const *paths;	/* stack files, merged in this order; "-" is standard input */
	size_t n_paths;
	const struct stack_text *text;	/* merged after them, or read alone; NULL: none */
	const char *project_name;	/* -p, or NULL */
	const char *project_dir;	/* --project-directory, or NULL */
	const char *const *env;		/* process environment, NULL-terminated "K=V" */
	const char *const *env_files;	/* --env-file; none: `.env` of the project folder if it is there */
	const char *const *profiles;	/* --profile; none: COMPOSE_PROFILES. "*" is all */
	const char *const *services;	/* only these, and what they depend on; none: all that are active */
	size_t n_env_files, n_profiles, n_services;
	const struct stack_scale *scales;	/* of services that are started; of several for one the last holds */
	size_t n_scales;
	bool no_deps;			/* of `services`: without what they depend on, and without waiting for one another */
	bool for_run;			/* what mstack cannot run is an error; without it a warning, so that all can be looked at */
	bool no_interpolate;		/* merge only: the result has no services, just what stack_config prints */
};

/*
 * Loads. 0: *ret_stack is set (warnings may be in diags); 1: there are errors in diags; -1: a file could not be read.
 * The strings in opts need not outlive the call. diags must be a new one; it keeps the texts of the files for printing.
 */
int stack_load(const struct stack_opts *opts, struct stack **ret_stack, struct stack_diags *diags, struct err *err);
void stack_free(struct stack *s);
/* `text` in quotes, to stand for itself in a struct stack_text. False: it is not UTF-8, or holds what no stack file may. */
bool stack_quote(struct buf *out, const char *text);
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
/* Services that the files have and nobody asked for: by their profiles, or because others were named. In the order of the file. */
struct stack_strs stack_inactive(const struct stack *s);

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
