/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of cli/whywords.c: rows of entries and the sentences that people read of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/whywords.h"

/* "SERVICE ACTION KEY=VALUE,KEY=VALUE"; values may have blanks, not commas. */
static void add(json_t *entries, const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	char *save = NULL, *service = strtok_r(copy, " ", &save),
	     *action = strtok_r(NULL, "|", &save);
	json_t *attributes = json_object();

	for (char *pair; (pair = strtok_r(NULL, ",", &save));) {
		char *value = strchr(pair, '=');

		*value++ = '\0';
		json_object_set_new(attributes, pair, json_string(value));
	}
	json_array_append_new(entries,
			      json_pack("{s:s, s:s, s:s+, s:o}", "service", service, "action",
					action, "slot", service, "-1", "attributes", attributes));
}

struct wanted {
	const char *entries[6];
	const char *says; /* sentences of all, each ended by a bar */
};

static const struct wanted cases[] = {
	{ { "a create|cause=user,command=up,pid=7,uid=4294967290" },
	  "was created by 'mstack up' (uid 4294967290, pid 7)|" },
	{ { "a starting|" }, "is being started|" },
	{ { "a starting|", "a start|restarts=0" }, "was started|" },
	{ { "a die|exitCode=1,durationMs=12000,restarts=1,delayMs=800", "a waiting|",
	    "a starting|" },
	  "exited with code 1 after 12 s; restart 1 after 0.8 s|is being started|" },
	{ { "a waiting|" }, "is to be started again|" },
	{ { "a start|restarts=3" }, "was started again (restart 3)|" },
	{ { "a die|exitCode=1,durationMs=12000,restarts=3,maxRestarts=10,delayMs=800" },
	  "exited with code 1 after 12 s; restart 3 of 10 after 0.8 s|" },
	{ { "a die|exitCode=1,durationMs=5,restarts=2,delayMs=60000" },
	  "exited with code 1 after 5 ms; restart 2 after 60 s|" },
	{ { "a die|exitCode=7,durationMs=300,restarts=2,maxRestarts=2,dead=true" },
	  "exited with code 7 after 0.3 s; it is left so: its 2 restarts are used up|" },
	{ { "a die|exitCode=0,durationMs=300,restarts=2,maxRestarts=2" },
	  "exited with code 0 after 0.3 s|" },
	{ { "a die|exitCode=137,signal=SIGKILL,durationMs=150000" },
	  "was ended by SIGKILL after 2 min|" },
	{ { "a oom|", "a die|exitCode=137,signal=SIGKILL,oom=true,durationMs=2000" },
	  "was killed because its memory was used up after 2 s|" },
	{ { "a oom|", "a die|exitCode=3,oom=true,durationMs=2000" },
	  "exited with code 3 (the kernel had killed one of its processes: out of memory) after 2 s|" },
	{ { "a oom|" }, "had a process killed: its memory was used up|" },
	/* A stop is one matter, whoever else does something meanwhile. */
	{ { "a kill|signal=15,cause=signal,causeSignal=SIGTERM", "b start|restarts=0",
	    "a die|exitCode=0,durationMs=7200000,cause=signal,causeSignal=SIGTERM,program=systemd,pid=1,uid=4294967290",
	    "a stop|cause=signal" },
	  "was started|was stopped because the supervisor got SIGTERM from systemd (uid 4294967290, pid 1); it exited with code 0 after 2 h|" },
	{ { "a die|exitCode=0,durationMs=1000,cause=signal,causeSignal=SIGTERM,program=bash,pid=9" },
	  "was stopped because the supervisor got SIGTERM from bash (another user, pid 9); it exited with code 0 after 1 s|" },
	{ { "a kill|signal=9,cause=timeout",
	    "a die|exitCode=137,signal=SIGKILL,durationMs=1000,cause=signal,causeSignal=SIGINT" },
	  "was sent SIGKILL because its grace period was over|was stopped because the supervisor got SIGINT; it was ended by SIGKILL after 1 s|" },
	{ { "a kill|signal=10,cause=user,command=kill", "a start|restarts=0",
	    "a restart|cause=user" },
	  "was sent SIGUSR1 by 'mstack kill'|was started|" },
	{ { "a kill|signal=9,cause=user,command=kill",
	    "a die|exitCode=137,signal=SIGKILL,durationMs=3000" },
	  "was sent SIGKILL by 'mstack kill'|was ended by SIGKILL after 3 s|" },
	{ { "a stop|cause=abort,causeOf=web" },
	  "was stopped, no process was there, because of 'web', whose end or failure ends all|" },
	{ { "m die|exitCode=2,durationMs=10", "a not_started|cause=dependency,causeOf=m" },
	  "exited with code 2 after 10 ms|was not started: 'm', which it depends on, exited with code 2|" },
	{ { "a not_started|cause=dependency,causeOf=m" },
	  "was not started: 'm', which it depends on, failed|" },
	{ { "a start_failed|exitCode=127,error=s: execute 'x': not found,restarts=0" },
	  "could not be started (127): s: execute 'x': not found|" },
	{ { "a health_status: healthy|health=healthy",
	    "a health_status: unhealthy|failures=3,output=refused" },
	  "became healthy|became unhealthy after 3 failed probes in a row: refused|" },
	{ { "a pause|cause=user,command=pause", "a unpause|cause=user,command=unpause" },
	  "was paused by 'mstack pause'|was unpaused by 'mstack unpause'|" },
	{ { "a kill|signal=15,cause=health", "a waiting|cause=change,causeOf=image" },
	  "was sent SIGTERM because it is unhealthy|is to be started again because the stack file has changed: image|" },
	/* Of a later mstack. */
	{ { "a dance|cause=supervisor,causeOf=it liked to" }, "dance: it liked to|" },
};

static void test_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *entries = json_array();
		struct buf said = { 0 };

		for (size_t k = 0; k < ARRAY_LEN(cases[i].entries) && cases[i].entries[k]; k++)
			add(entries, cases[i].entries[k]);
		for (size_t k = 0; k < json_array_size(entries); k++)
			if (cli_why_sentence(entries, k, &said))
				buf_putc(&said, '|');
		assert_string_equal(buf_str(&said), cases[i].says);
		buf_fini(&said);
		json_decref(entries);
	}
}

/* Files may be damaged: what is no text is none. */
static void test_odd_entries(void **state)
{
	json_t *entries =
		json_loads("[{}, {\"action\": 3}, {\"action\": \"die\", \"attributes\": []},"
			   " {\"action\": \"not_started\"}, 5, null]",
			   0, NULL);
	struct buf said = { 0 };

	(void)state;
	for (size_t k = 0; k < json_array_size(entries); k++)
		cli_why_sentence(entries, k, &said);
	assert_non_null(strstr(buf_str(&said), "exited with code"));
	buf_fini(&said);
	json_decref(entries);
}

static void test_states(void **state)
{
	static const struct {
		const char *row, *says;
	} rows[] = {
		{ "{\"State\":\"running\",\"Status\":\"Up 3 seconds\",\"Reason\":\"\"}",
		  "Up 3 seconds" },
		{ "{\"State\":\"created\",\"Status\":\"Created\",\"Reason\":\"waits\"}",
		  "not started: waits" },
		{ "null", "not there: it was removed, or the stack is down" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *row = json_loads(rows[i].row, JSON_DECODE_ANY, NULL);
		struct buf said = { 0 };

		cli_why_state(json_is_null(row) ? NULL : row, NULL, &said);
		assert_string_equal(buf_str(&said), rows[i].says);
		buf_fini(&said);
		json_decref(row);
	}
	{
		struct buf said = { 0 };

		cli_why_state(NULL, "", &said);
		assert_non_null(strstr(buf_str(&said), "supervisor was killed"));
		buf_fini(&said);
		cli_why_state(NULL, "no ledger", &said);
		assert_non_null(strstr(buf_str(&said), "SIGUSR2: the next mstack could not go on: no ledger"));
		buf_fini(&said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_odd_entries),
		cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
