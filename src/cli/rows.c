/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows: see rows.h. Called by all commands that list something.
 */
#include <stdio.h>

#include "cli/rows.h"
#include "cli/table.h"
#include "cli/template.h"
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

		cells[i] = json_is_true(value) ? "yes" : json_string_value(value);
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

/* ---- templates ------------------------------------------------------------------------------- */

/* "table" alone, or before a template. NULL: it is no table. */
static const char *behind_table(const char *format)
{
	if (!format || !strcmp(format, "table"))
		return "";
	if (strncmp(format, "table", 5) || !strchr(" \t", format[5]))
		return NULL;
	return format + 5 + strspn(format + 5, " \t");
}

bool cli_rows_is_table(const struct cli_options *o)
{
	return behind_table(o->format) != NULL;
}

/* A line into cells, by its tabs. */
static void split(char *line, const char **cells, size_t n)
{
	for (size_t i = 0; i < n && line; i++) {
		char *tab = strchr(line, '\t');

		if (tab)
			*tab++ = '\0';
		cells[i] = line;
		line = tab;
	}
}

static int template_table(const char *template, const json_t *rows,
			  const struct cli_column *columns, struct buf *out, struct err *err)
{
	const char *cells[COLUMNS_MAX + 1] = { NULL };
	_cleanup_(buf_fini) struct buf line = { 0 };
	struct cli_table *t;
	size_t i, n = 1;
	const json_t *row;
	int rc = 0;

	cli_template_heads(template, columns, &line);
	for (const char *c = buf_str(&line); *c; c++)
		n += *c == '\t';
	if (n > COLUMNS_MAX)
		return err_kind(err, ERR_USAGE, "--format: more than %d columns", COLUMNS_MAX);
	for (i = 0; i < n; i++)
		cells[i] = "";
	if (line.len)
		split(line.data, cells, n);
	t = cli_table_new(cells);
	json_array_foreach(rows, i, row) {
		buf_fini(&line);
		memset(cells, 0, sizeof(cells));
		rc = rc ? rc : cli_template_add(template, row, &line, err);
		if (!rc && line.len)
			split(line.data, cells, n);
		if (!rc)
			cli_table_row(t, cells);
	}
	cli_table_add(t, out);
	return rc;
}

static int template_lines(const char *template, const json_t *rows, struct buf *out,
			  struct err *err)
{
	size_t i;
	const json_t *row;

	json_array_foreach(rows, i, row) {
		if (cli_template_add(template, row, out, err) < 0)
			return -1;
		buf_putc(out, '\n');
	}
	return 0;
}

int cli_rows_print(const struct cli_options *o, const json_t *rows,
		   const struct cli_column *columns, struct err *err)
{
	const char *table = behind_table(o->format);
	_cleanup_(buf_fini) struct buf b = { 0 };
	int rc = 0;

	if (o->format && !strcmp(o->format, "json")) {
		cli_rows_print_json(rows);
		return 0;
	}
	if (!table)
		rc = template_lines(o->format, rows, &b, err);
	else if (*table)
		rc = template_table(table, rows, columns, &b, err);
	else
		cli_rows_add(rows, columns, &b);
	/* All or nothing: half a list looks like a whole one. */
	if (!rc)
		fputs(buf_str(&b), stdout);
	return rc;
}
