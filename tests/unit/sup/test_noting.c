/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a life leaves in the journal: each transition of a slot, with its cause. Runs as root, on made-up rooms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "unit/sup/life.h"

struct wanted {
	const char *action;
	const char *key, *value; /* an attribute; NULL: none is asked for */
};

/* The entries about `slot` ("" of the stack) are these, in this order, beside others. */
static void assert_noted(const char *slot, const struct wanted *wanted, size_t n)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	char path[96];
	size_t found = 0;
	uint64_t last = 0;

	snprintf(path, sizeof(path), "%s/.events/current.log", life_dir);
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text), 0);
	for (char *save = NULL, *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		json_t *o = json_loads(line, 0, NULL),
		       *attributes = json_object_get(o, "attributes");
		const char *of = json_string_value(json_object_get(o, "slot"));
		uint64_t seq = (uint64_t)json_integer_value(json_object_get(o, "seq"));
		const struct wanted *w = &wanted[found];
		const char *value = found < n && w->key
					    ? json_string_value(json_object_get(attributes, w->key))
					    : NULL;

		assert_non_null(o);
		assert_int_equal(seq, last + 1);
		last = seq;
		if (found < n && !strcmp(of ? of : "", slot) &&
		    !strcmp(json_string_value(json_object_get(o, "action")), w->action) &&
		    (!w->key || (value && strstr(value, w->value))))
			found++;
		json_decref(o);
	}
	if (found < n)
		fail_msg("'%s %s' of '%s' is missing", wanted[found].action,
			 wanted[found].key ? wanted[found].value : "", slot);
	assert_int_equal(unlinkat(AT_FDCWD, path, 0), 0);
}

#define ASSERT_NOTED(slot, ...)                                    \
	assert_noted(slot, (const struct wanted[]){ __VA_ARGS__ }, \
		     sizeof((const struct wanted[]){ __VA_ARGS__ }) / sizeof(struct wanted))

static void test_restart(void **state)
{
	static const char yaml[] =
		"services:\n  a: {image: i, command: x, restart: 'on-failure:1'}\n";
	static const struct fake_slot slots[] = {
		{ .name = "a-1", .run_ms = 1, .status = 7 << 8 }
	};
	struct life l = new_life();

	(void)state;
	live(&l, yaml, slots, 1);
	ASSERT_NOTED("a-1", { "create", "command", "up" }, { "starting", NULL, NULL },
		     { "start", "restarts", "0" }, { "die", "delayMs", "1" },
		     { "start", "restarts", "1" }, { "die", "dead", "true" },
		     { "destroy", NULL, NULL });
	end_life(&l);
}

static void test_signal(void **state)
{
	static const char yaml[] = "services:\n  a: {image: i, command: x}\n";
	struct life l = new_life();

	(void)state;
	l.signo = SIGINT;
	live(&l, yaml, NULL, 0);
	ASSERT_NOTED("a-1", { "start", NULL, NULL }, { "kill", "causeSignal", "SIGINT" },
		     { "die", "program", "test_noting" }, { "stop", "cause", "signal" });
	end_life(&l);
}

static void test_stack(void **state)
{
	static const char yaml[] = "services:\n  a: {image: i, command: x}\n";
	struct life l = new_life();

	(void)state;
	l.signo = SIGINT;
	live(&l, yaml, NULL, 0);
	ASSERT_NOTED("", { "up", "command", "up" }, { "down", "cause", "signal" });
	end_life(&l);
}

static void test_dependency(void **state)
{
	static const char yaml[] =
		"services:\n"
		"  a: {image: i, command: x}\n"
		"  b: {image: i, command: x, depends_on: {a: {condition: service_completed_successfully}}}\n";
	static const struct fake_slot slots[] = {
		{ .name = "a-1", .run_ms = 1, .status = 2 << 8 }
	};
	struct life l = new_life();

	(void)state;
	live(&l, yaml, slots, 1);
	ASSERT_NOTED("b-1", { "create", NULL, NULL }, { "not_started", "causeOf", "a" });
	end_life(&l);
}

static void test_failures(void **state)
{
	static const char yaml[] = "services:\n  a: {image: i, command: x}\n";
	static const struct fake_slot slots[] = { { .name = "a-1", .start_fails = true } };
	struct life l = new_life();

	(void)state;
	live(&l, yaml, slots, 1);
	ASSERT_NOTED("a-1", { "start_failed", "exitCode", "127" });
	end_life(&l);
}

static void test_oom(void **state)
{
	static const char yaml[] = "services:\n  a: {image: i, command: x}\n";
	static const struct fake_slot slots[] = {
		{ .name = "a-1", .run_ms = 1, .status = 9, .oom = true }
	};
	struct life l = new_life();

	(void)state;
	live(&l, yaml, slots, 1);
	ASSERT_NOTED("a-1", { "oom", NULL, NULL }, { "die", "exitCode", "137" });
	end_life(&l);
}

static void test_health(void **state)
{
	static const char yaml[] =
		"services:\n  a: {image: i, command: x, healthcheck: {test: [CMD, p], interval: 10ms, retries: 1}}\n";
	static const struct fake_slot slots[] = {
		{ .name = "a-1", .probes = "+-", .run_ms = 400 }
	};
	struct life l = new_life();

	(void)state;
	live(&l, yaml, slots, 1);
	ASSERT_NOTED("a-1", { "health_status: healthy", NULL, NULL },
		     { "health_status: unhealthy", "failures", "1" }, { "die", NULL, NULL });
	end_life(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart),	 cmocka_unit_test(test_signal),
		cmocka_unit_test(test_stack),	 cmocka_unit_test(test_dependency),
		cmocka_unit_test(test_failures), cmocka_unit_test(test_oom),
		cmocka_unit_test(test_health),
	};

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
