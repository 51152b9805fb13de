/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows: see rows.h. Called by ps, top, stats and images.
 */
#include "cli/rows.h"
#include "cli/table.h"
#include "cli/term.h"

#define COLUMNS_MAX 16

json_t *cli_harmless_string(const char *text)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	cli_harmless(text, strlen(text), false, &b);
	return json_string(buf_str(&b));
}

void cli_rows_print_json(const json_t *rows)
{
	size_t i;
	const json_t *row;

	json_array_foreach(rows, i, row) {
		json_dumpf(row, stdout, JSON_COMPACT);
		putchar('\n');
	}
}

static void add_row(struct cli_table *t, const json_t *row, const struct cli_column *columns)
{
	const char *cells[COLUMNS_MAX] = { NULL };
	char numbers[COLUMNS_MAX][24];

	for (size_t i = 0; columns[i].head; i++) {
		const json_t *value = json_object_get(row, columns[i].key);

		cells[i] = json_string_value(value);
		if (!json_is_integer(value))
			continue;
		snprintf(numbers[i], sizeof(numbers[i]), "%lld",
			 (long long)json_integer_value(value));
		cells[i] = numbers[i];
	}
	cli_table_row(t, cells);
}

void cli_rows_add(const json_t *rows, const struct cli_column *columns, struct buf *out)
{
	const char *heads[COLUMNS_MAX] = { NULL };
	struct cli_table *t;
	size_t i;
	const json_t *row;

	for (i = 0; columns[i].head; i++)
		heads[i] = columns[i].head;
	t = cli_table_new(heads);
	json_array_foreach(rows, i, row)
		add_row(t, row, columns);
	cli_table_add(t, out);
}

void cli_rows_print(const struct cli_options *o, const json_t *rows,
		    const struct cli_column *columns)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	if (o->format && !strcmp(o->format, "json")) {
		cli_rows_print_json(rows);
		return;
	}
	cli_rows_add(rows, columns, &b);
	fputs(buf_str(&b), stdout);
}
