/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: libsmartcols in the few words that the commands need. Called by ps, ls, doctor. A table is never cut to the width
 * of the terminal: what is printed can be copied.
 */
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>

#include "cli/table.h"

struct cli_table {
	struct libscols_table *scols;
	struct buf heads;
	size_t n_columns;
};

/* libsmartcols fails for want of memory only. */
static void check(bool ok)
{
	if (!ok) {
		fputs("mstack: out of memory\n", stderr);
		exit(1);
	}
}

struct cli_table *cli_table_new(const char *const *heads)
{
	struct cli_table *t = xcalloc(1, sizeof(*t));

	t->scols = scols_new_table();
	check(t->scols);
	scols_table_set_column_separator(t->scols, "   ");
	scols_table_enable_nowrap(t->scols, 1);
	for (; heads[t->n_columns]; t->n_columns++) {
		check(scols_table_new_column(t->scols, heads[t->n_columns], 0,
					     SCOLS_FL_NOEXTREMES));
		buf_printf(&t->heads, "%s%s", t->n_columns ? "   " : "", heads[t->n_columns]);
	}
	return t;
}

void cli_table_row(struct cli_table *t, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(t->scols, NULL);

	check(line);
	for (size_t i = 0; i < t->n_columns; i++)
		check(!scols_line_set_data(line, i, cells[i] ? cells[i] : ""));
}

/* libsmartcols prints nothing at all for a table without lines, not even its heads. */
void cli_table_add(struct cli_table *t, struct buf *out)
{
	char *text = NULL;

	if (scols_table_get_nlines(t->scols))
		check(!scols_print_table_to_string(t->scols, &text));
	buf_puts(out, text ? text : buf_str(&t->heads));
	/* The last line end is left out by some versions. */
	if (out->data[out->len - 1] != '\n')
		buf_putc(out, '\n');
	free(text);
	scols_unref_table(t->scols);
	buf_fini(&t->heads);
	free(t);
}

void cli_table_print(struct cli_table *t)
{
	struct buf b = { 0 };

	cli_table_add(t, &b);
	fputs(buf_str(&b), stdout);
	buf_fini(&b);
}
