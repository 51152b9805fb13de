/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reader: what all steps of a load share: the files with the projects that they belong to, where we are in a tree, and how to
 * complain. Errors go to the diagnostics at once. Warnings and refusals wait until it is known whether
 * what they are about is active and used: nobody wants to hear about what is not.
 */
#ifndef STACK_READER_H
#define STACK_READER_H

#include "stack/diag.h"
#include "stack/node.h"
#include "stack/vars.h"

/* The way from the top of the file to a node; lives on the C stack of the walk. */
struct where {
	const struct where *up;
	const char *key; /* NULL: the entry `index` of a list */
	size_t index;
	struct stack_pos at; /* of the key; line 0: it is not known */
};

/* A step down: by a key that stands at `at`, by a key alone, by an entry of a list. */
static inline struct where where_key(const struct where *up, const char *key, struct stack_pos at)
{
	return (struct where){ up, key, 0, at };
}

static inline struct where where_in(const struct where *up, const char *key)
{
	return (struct where){ up, key, 0, { 0, 0, 0 } };
}

static inline struct where where_item(const struct where *up, size_t index)
{
	return (struct where){ up, NULL, index, { 0, 0, 0 } };
}

/* "service 'web': ports[1]: ", nothing at the top of a file. */
void where_text(struct buf *b, const struct where *w);

/* What paths and variables mean in a file: the project's own, an included project's, or an extended file's. */
struct context {
	const char *dir; /* absolute: relative paths begin here */
	struct vars *vars;
};

struct remark;

/* The value of a secret or config, in the arena. */
struct asset {
	const char *section, *name, *data;
	size_t len;
};

struct scope; /* of extends: a file that services extend */

struct reader {
	struct arena *arena;
	struct stack_diags *diags;
	struct stack *stack; /* being filled */
	struct vars_common common;
	struct VEC(struct stack_file) files;
	struct VEC(const struct context *) contexts; /* of each file */
	struct strmap file_index;		     /* by path and context: each is read once */
	struct VEC(struct vars *) included;	     /* variables of included projects */
	struct VEC(struct scope *) extended;
	struct strmap extended_index; /* by path and variables */
	struct VEC(struct remark) remarks;
	struct VEC(struct asset) assets;
	bool for_run;
	size_t text_file; /* the number of the text that stands in no file, plus one; 0: there is none */
	size_t n_ports;		/* of all services: there is a limit */
	size_t values;			/* in all documents: there is a limit */
	size_t merged;		/* entries that merges have copied: there is a limit */
	struct buf place;	/* scratch of reader_place */
};

void reader_init(struct reader *r, struct arena *arena, struct stack_diags *diags,
		 const char *const *env);
void reader_fini(struct reader *r);

/* ---- complaints ------------------------------------------------------------------------------ */

void reader_error(struct reader *r, const struct where *w, struct stack_pos pos, const char *hint,
		  const char *fmt, ...) MSTACK_PRINTF(5, 6);
void reader_warn(struct reader *r, const struct where *w, struct stack_pos pos, const char *fmt,
		 ...) MSTACK_PRINTF(4, 5);
/* As reader_warn, but of all warnings with the same `once` (an address) only the first one is told. */
void reader_warn_once(struct reader *r, const void *once, const struct where *w,
		      struct stack_pos pos, const char *fmt, ...) MSTACK_PRINTF(5, 6);
/* What mstack cannot run: an error when the stack is to be run, a warning otherwise. "... : not supported yet" */
void reader_refuse(struct reader *r, const struct where *w, struct stack_pos pos, const char *hint,
		   const char *fmt, ...) MSTACK_PRINTF(5, 6);
/* What no engine runs, though the format allows it: the same two severities. */
void reader_forbid(struct reader *r, const struct where *w, struct stack_pos pos, const char *hint,
		   const char *fmt, ...) MSTACK_PRINTF(5, 6);
/*
 * Lets go the warnings and refusals that wait: those of services, networks and so on that are in the tree `root`, and
 * those that belong to none. NULL: all.
 */
void reader_flush(struct reader *r, const struct node *root);
/* `file:line` for texts that name a second place; valid until the next call. */
const char *reader_place(struct reader *r, struct stack_pos pos);
/* "did you mean 'x'?", or NULL when no name is near. */
const char *reader_suggest(struct reader *r, const char *text, const char *const *names, size_t n);
/* False, with an error, when the node is of none of these kinds. */
bool reader_check_kind(struct reader *r, const struct where *w, const struct node *n,
		       unsigned kinds);
/* The same, with this cure for a number or a truth value in the place of a text; NULL: none. */
bool reader_check_kind_or(struct reader *r, const struct where *w, const struct node *n,
			  unsigned kinds, const char *cure);

/* ---- files ----------------------------------------------------------------------------------- */

/* What the file of this place belongs to; a default without a place belongs to the project itself. */
const char *reader_dir(const struct reader *r, struct stack_pos pos);
struct vars *reader_vars(const struct reader *r, struct stack_pos pos);
/*
 * Reads a file into files and diags, for a context. Its number, or -1 with errno. `path` is absolute, or from the current
 * folder; "-" is standard input. It is shown as it was given, or, when `path` is absolute, from the current folder if it is
 * below that.
 */
int reader_file(struct reader *r, const struct context *c, const char *path, size_t max);
/* The same for a text that stands in no file. */
int reader_text(struct reader *r, const struct context *c, const struct stack_text *text);
/* What errno means behind it: "env file 'a.env': not a regular file". Returns -1. */
int reader_file_error(struct err *err, const char *what, const char *path, size_t max);

/* Keeps a vector's items in the arena. */
#define reader_keep(r, vec)                                                                  \
	((__typeof__((vec)->v))memcpy(arena_alloc((r)->arena, (vec)->n * sizeof(*(vec)->v)), \
				      (vec)->n ? (const void *)(vec)->v : "",                \
				      (vec)->n * sizeof(*(vec)->v)))

#endif
