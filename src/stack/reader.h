/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reader: what all readers of the tree share: where they are, how they complain, and the walk over a map along its table
 * of keys. The tables and the functions that they name stand in services.c and the read_*.c files, see keys.h.
 */
#ifndef STACK_READER_H
#define STACK_READER_H

#include "stack/diag.h"
#include "stack/node.h"
#include "stack/vars.h"

/* The way from the top of the file to a node; lives on the C stack of the walk. */
struct where {
	const struct where *up;
	const char *key;	/* NULL: the entry `index` of a list */
	size_t index;
};

struct reader {
	struct arena *arena;
	struct stack_diags *diags;
	struct stack *stack;	/* being filled */
	struct vars vars;
	struct VEC(struct stack_file) files;
	struct strmap file_index;	/* env files by path: each is read once */
	struct strmap warned;		/* keys that got their one warning */
	size_t n_ports;
	struct buf place;		/* scratch of reader_place */
};

enum verdict {
	KEY_DONE,	/* has its meaning: `read` brings it into the model */
	KEY_KNOWN,	/* its name is right and nothing depends on it here */
	KEY_WARN,	/* only describes, or has no effect: one warning says what it would have done */
	KEY_REFUSE,	/* would change what runs: not supported yet */
};

struct key {
	const char *name;
	unsigned kinds;		/* enum node_kind, or-ed. Empty is always allowed and means "not given" */
	enum verdict verdict;
	const char *note;	/* KEY_WARN: the effect; KEY_REFUSE: what to do instead, may be NULL */
	void (*read)(struct reader *r, const struct where *w, const struct node *n, void *field);
	size_t offset;		/* of the field in the struct that is filled */
};

struct key_table {
	const struct key *keys;
	size_t n;
};

void reader_error(struct reader *r, const struct where *w, struct stack_pos pos, const char *hint, const char *fmt, ...)
	MSTACK_PRINTF(5, 6);
void reader_warn(struct reader *r, const struct where *w, struct stack_pos pos, const char *fmt, ...)
	MSTACK_PRINTF(4, 5);
/* `file:line` for texts that name a second place; valid until the next call. */
const char *reader_place(struct reader *r, struct stack_pos pos);
/* "did you mean 'x'?", or NULL when no name is near. */
const char *reader_suggest(struct reader *r, const char *text, const char *const *names, size_t n);
/* False, with an error, when the node is of none of these kinds. */
bool reader_check_kind(struct reader *r, const struct where *w, const struct node *n, unsigned kinds);
/* Reads a map along its table: unknown keys, wrong kinds and verdicts are reported, the rest goes into *to. */
void reader_map(struct reader *r, const struct where *w, const struct node *map, const struct key_table *table, void *to);
/* Keeps a vector's items in the arena. */
#define reader_keep(r, vec) \
	((__typeof__((vec)->v))memcpy(arena_alloc((r)->arena, (vec)->n * sizeof(*(vec)->v)), \
				      (vec)->n ? (const void *)(vec)->v : "", (vec)->n * sizeof(*(vec)->v)))
/* Reads a file beside the stack file into files and diags. Its number, or -1 with errno. */
int reader_file(struct reader *r, const char *path, const char *shown, size_t max);
/* What errno means behind it: "env file 'a.env': not a regular file". Returns -1. */
int reader_file_error(struct err *err, const char *what, const char *path, size_t max);

#endif
