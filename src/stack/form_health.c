/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_health: `healthcheck` of a service. Called through the table of service keys. Only what is
 * given is kept: the image has a check of its own, and defaults are model.c's business.
 */
#include "stack/attributes.h"
#include "stack/keys.h"

/* A string is for a shell, a list says itself what it is for. An empty one means that of the image. */
static FORM(form_test)
{
	struct node *out;
	const char *first;

	if (n->kind != NODE_LIST) {
		struct node_items items = { 0 };
		struct node *shell = form_text(r, w, n);

		shell->text = "CMD-SHELL";
		vec_push(&items, shell);
		vec_push(&items, form_text(r, w, n));
		return node_list_done(r->arena, n->pos, &items);
	}
	out = form_strings(r, w, n);
	if (!out->n || out->n != n->n)
		return NULL;
	first = out->items[0]->text;
	if (strcmp(first, "CMD") && strcmp(first, "CMD-SHELL") && strcmp(first, "NONE"))
		reader_error(r, w, n->pos, NULL, "the list must begin with CMD, CMD-SHELL or NONE");
	else if (strcmp(first, "NONE") && out->n < 2)
		reader_error(r, w, n->pos, NULL, "there is no command behind %s", first);
	else
		return out;
	return NULL;
}

static FORM(form_retries)
{
	struct node *out = form_int(r, w, n);

	if (!out || (out->number >= 0 && out->number <= INT32_MAX))
		return out;
	reader_error(r, w, n->pos, NULL, "must not be negative or larger than %d", INT32_MAX);
	return NULL;
}

/* False is what holds without the key. */
static FORM(form_disable)
{
	struct node *out = form_bool(r, w, n);

	return out && out->number ? out : NULL;
}

FORM(form_on_unhealthy)
{
	static const char *const words[] = { "none", "restart", "stop", "kill" };

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

/* clang-format off */
static const struct key health_rows[] = {
	DONE("disable", BOO | STR, AS(form_disable)),
	DONE("interval", STR, AS(form_duration)),
	DONE("retries", NUM | STR, AS(form_retries)),
	DONE("start_interval", STR, AS(form_duration)),
	DONE("start_period", STR, AS(form_duration)),
	DONE("test", STR | LST, AS(form_test), MERGES(REPLACE)),
	DONE("timeout", STR, AS(form_duration)),
	DONE("x-probe", MAP, AS(form_probe), BELOW(probe_keys)),
};
const struct key_table health_keys = TABLE(health_rows);
/* clang-format on */

/*
 * `disable` goes with all other keys: an override file turns a check off without taking it apart. The loader of compose takes
 * a start_interval alone, and its engine then refuses to make the container.
 */
FORM(form_health)
{
	struct node *out = form_map(r, w, n, &health_keys);
	const struct node_pair *probe = node_find(out, "x-probe");
	const struct node_pair *interval = node_find(out, "start_interval");
	const struct node *period = node_get(out, "start_period");

	if (interval && interval->value->number && (!period || !period->number)) {
		struct where here = { w, interval->key, 0, interval->pos };

		reader_warn(r, &here, interval->pos, "has no effect without 'start_period'");
	}
	if (probe && node_find(out, "test"))
		reader_error(r, w, probe->pos, "leave one of them out",
			     "'test' and 'x-probe' are two ways to ask: there can be one only");
	return out;
}
