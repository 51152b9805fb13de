/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cutter: from bytes to lines. Pure: it knows no file and no clock. However the bytes are cut into
 * blocks, the lines are the same.
 */
#ifndef LOGS_CUTTER_H
#define LOGS_CUTTER_H

#include "mstack/base.h"

/* Zero it to begin. */
struct cutter {
	size_t max; /* bytes of a part; 0: RECORD_TEXT_MAX */
	struct buf
		held; /* beginning of a line whose end has not come yet; no memory between lines */
};

/*
 * `partial`: the line goes on in the next call. The text has no newline and is valid during the
 * call.
 */
typedef void cutter_emit_fn(void *arg, const char *text, size_t len, bool partial);

void cutter_feed(struct cutter *c, const char *data, size_t len, cutter_emit_fn *emit, void *arg);
/* Nothing more will come: what is held is a line. */
void cutter_end(struct cutter *c, cutter_emit_fn *emit, void *arg);
void cutter_fini(struct cutter *c);

#endif
