/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bar: how far a long piece of work is, on standard error: one line that is drawn anew on a terminal, a line now and then
 * elsewhere.
 */
#ifndef CLI_BAR_H
#define CLI_BAR_H

#include "cli/term.h"

struct cli_bar {
	const struct cli_term *term;
	const char *what;	 /* "import" */
	bool grows;		 /* another total is the same work, of which more has become known */
	uint64_t began_done;	 /* of the work: what there was of it already */
	uint64_t began_ms;	 /* of the work that `total` is about; 0: none yet */
	uint64_t total, told_ms; /* of what was told last */
	unsigned told_percent;
	bool drawn; /* there is a line on the terminal that is not ended */
};

/* `done` of `total` bytes. Another total begins another piece of work, unless this one grows. */
void cli_bar_set(struct cli_bar *bar, uint64_t done, uint64_t total);
/* Removes the line, so that another can be written. */
void cli_bar_clear(struct cli_bar *bar);
/* One line, for tests too: what stands in `width` columns after so many milliseconds, when `began` bytes were there before. */
void cli_bar_line(uint64_t done, uint64_t began, uint64_t total, uint64_t ms, unsigned width, struct buf *out);

#endif
