/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_health: `healthcheck` of a service, with the defaults of compose. Called through the table
 * of service keys.
 */
#include "stack/keys.h"
#include "stack/read_service.h"

#define NS_PER_S INT64_C(1000000000)

struct health_draft {
	struct stack_strs test;
	struct stack_num interval, timeout, start_period, start_interval, retries;
	bool disable;
};

/* A string is for a shell, a list says itself what it is for. */
static VALUE_READER(read_health_test)
{
	struct stack_strs *test = field, given;
	struct stack_str *words;
	const char *first;

	if (n->kind != NODE_LIST) {
		words = arena_array(r->arena, struct stack_str, 2);
		words[0] = (struct stack_str){ "CMD-SHELL", n->pos };
		words[1] = (struct stack_str){ n->text, n->pos };
		*test = (struct stack_strs){ words, 2, true };
		return;
	}
	value_strings(r, w, n, &given);
	first = given.n ? given.v[0].text : "";
	if (strcmp(first, "CMD") && strcmp(first, "CMD-SHELL") && strcmp(first, "NONE"))
		reader_error(r, w, n->pos, NULL, "the list must begin with CMD, CMD-SHELL or NONE");
	else if (strcmp(first, "NONE") && given.n < 2)
		reader_error(r, w, n->pos, NULL, "there is no command behind %s", first);
	else
		*test = given;
}

/* clang-format off */
static const struct key health_rows[] = {
	DONE("disable", BOO | STR, value_bool, health_draft, disable),
	DONE("interval", STR, value_duration, health_draft, interval),
	DONE("retries", NUM | STR, value_int, health_draft, retries),
	DONE("start_interval", STR, value_duration, health_draft, start_interval),
	DONE("start_period", STR, value_duration, health_draft, start_period),
	DONE("test", STR | LST, read_health_test, health_draft, test),
	DONE("timeout", STR, value_duration, health_draft, timeout),
	REFUSE("x-probe", MAP, "write 'test'"),
};
static const struct key_table health_keys = TABLE(health_rows);
/* clang-format on */

/* Zero is as good as nothing here: moby takes its default for it as well. */
static int64_t given_or(struct stack_num n, int64_t fallback)
{
	return n.given && n.value ? n.value : fallback;
}

VALUE_READER(read_health)
{
	struct stack_health *health = field;
	struct health_draft d = { 0 };

	reader_map(r, w, n, &health_keys, &d);
	if (d.retries.value < 0 || d.retries.value > INT32_MAX)
		reader_error(r, w, d.retries.pos, NULL,
			     "retries: must not be negative or larger than %d", INT32_MAX);
	*health = (struct stack_health){
		.given = true,
		.disable = d.disable || (d.test.n && !strcmp(d.test.v[0].text, "NONE")),
		.test = d.test,
		.interval_ns = given_or(d.interval, 30 * NS_PER_S),
		.timeout_ns = given_or(d.timeout, 30 * NS_PER_S),
		.start_period_ns = d.start_period.value,
		.start_interval_ns = given_or(d.start_interval, 5 * NS_PER_S),
		.retries = (unsigned)given_or(d.retries, 3),
		.pos = n->pos,
	};
}
