/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entries: see entries.h. Reads files that the supervisor writes and that may be damaged: nothing in them is taken for granted.
 */
#include "cli/entries.h"
#include "cli/client.h"
#include "mstack/logs_journal.h"
#include "mstack/store.h"

struct reading {
	const struct logs_query *q;
	cli_entry_fn *fn;
	void *arg;
};

static int on_line(void *arg, size_t source, const struct logs_line *line)
{
	const struct reading *r = arg;
	struct cli_entry e = { .wall_ns = line->wall_ns, .text = line->text, .len = line->len };
	json_t *object = json_loadb(line->text, line->len, 0, NULL);
	int rc = 0;

	(void)source;
	e.object = object;
	e.seq = (uint64_t)json_integer_value(json_object_get(object, "seq"));
	if (e.seq)
		rc = r->fn(r->arg, &e);
	json_decref(object);
	return rc;
}

static bool on_pause(void *arg)
{
	const struct reading *r = arg;

	return r->q->stop && r->q->stop(r->arg);
}

int cli_entries_read(const char *project, const struct logs_query *q, cli_entry_fn *fn, void *arg,
		     struct err *err)
{
	struct store *store = store_open(path_data_dir(), err);
	struct reading r = { .q = q, .fn = fn, .arg = arg };
	struct logs_query own = *q;
	struct logs_source source = { .name = "events" };
	char *dir;
	int rc;

	if (!store)
		return -1;
	source.dir = dir = store_log_dir(store, project, LOGS_JOURNAL_FOLDER);
	own.stop = on_pause;
	rc = logs_read(&source, 1, &own, on_line, &r, err);
	free(dir);
	store_close(store);
	return rc;
}

const char *cli_entry_attribute(const json_t *entry, const char *key)
{
	return cli_string(json_object_get(entry, "attributes"), key);
}

uint64_t cli_entry_number(const json_t *entry, const char *key)
{
	return strtoull(cli_entry_attribute(entry, key), NULL, 10);
}
