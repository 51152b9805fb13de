/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emitter: maps and lists written as JSON or block YAML by the same calls. Used by the canonical form only. A `key` is
 * NULL inside of a list.
 */
#ifndef STACK_EMITTER_H
#define STACK_EMITTER_H

#include "mstack/stack.h"

#define EMIT_DEPTH_MAX 16

struct emitter {
	struct buf *out;
	enum stack_format format;
	unsigned depth;
	struct emit_level {
		bool list, any;	/* any: something stands in it */
	} levels[EMIT_DEPTH_MAX];
};

void emit_begin(struct emitter *e, struct buf *out, enum stack_format format);	/* the outermost map is open */
void emit_end(struct emitter *e);
void emit_open_map(struct emitter *e, const char *key);
void emit_open_list(struct emitter *e, const char *key);
void emit_close(struct emitter *e);
/* A dollar comes out doubled, so that what is written can be read again; not in keys, which nobody interpolates. */
void emit_string(struct emitter *e, const char *key, const char *value);
void emit_int(struct emitter *e, const char *key, int64_t value);
void emit_bool(struct emitter *e, const char *key, bool value);
void emit_null(struct emitter *e, const char *key);
/* A number that is text already. */
void emit_number(struct emitter *e, const char *key, const char *text);

#endif
