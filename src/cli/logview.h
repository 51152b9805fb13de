/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logview: log lines of several slots as text for people, `web-1  | text`. Used by up and logs.
 */
#ifndef CLI_LOGVIEW_H
#define CLI_LOGVIEW_H

#include "cli/term.h"
#include "mstack/logs.h"

struct cli_logview {
	struct {
		char *name;
		const char *colour;
	} * slots;
	size_t n_slots;
	size_t width; /* of the longest name */
	bool prefix, stamps, harmless;
	bool prefix_colour, text_colour;
	const char *open_slot; /* its last line was not ended yet; NULL: none */
	enum logs_fd open_fd;
};

/*
 * `names` are all slots that may appear, in any order, and copied: the same set of names always gets the same colours.
 */
void cli_logview_init(struct cli_logview *v, const struct cli_options *o, const struct cli_term *t,
		      const char *const *names, size_t n);
void cli_logview_fini(struct cli_logview *v);
/* Adds the text of one line. `slot` need not be one of the names; it must live until the next call. */
void cli_logview_add(struct cli_logview *v, const char *slot, const struct logs_line *line,
		     struct buf *out);

#endif
