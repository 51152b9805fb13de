/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of stack/log_options.c: rows of values, what they mean, and what is wrong with others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mstack/base.h"
#include "stack/log_options.h"

static const struct {
	const char *name, *value;
	const char *means; /* NULL: it is wrong */
} cases[] = {
	{ "max-size", "10m", "10485760" },
	{ "max-size", "-1", "-1" },
	{ "max-size", "0", NULL },
	{ "max-size", "-2", NULL },
	{ "max-size", "big", NULL },
	{ "max-file", "1", "1" },
	{ "max-file", "1000", "1000" },
	{ "max-file", "0", NULL },
	{ "max-file", "1001", NULL },
	{ "max-file", "3x", NULL },
	{ "cache-disabled", "true", "no cache" },
	{ "cache-disabled", "yes", NULL },
	{ "mode", "blocking", "" },
	{ "mode", "sometimes", NULL },
	{ "tag", "{{.Name}}/{{.ID}}x", "{{.Name}}/{{.ID}}x" },
	{ "tag", "{{.Hostname}}", NULL },
	{ "tag", "a\nMESSAGE=b", NULL },
	{ "syslog-address", "udp://10.0.0.1", "udp 10.0.0.1:514" },
	{ "syslog-address", "tcp://10.0.0.1:6514", "tcp 10.0.0.1:6514" },
	{ "syslog-address", "tcp://[fd00::1]:10", "tcp fd00::1:10" },
	{ "syslog-address", "udp://localhost:5", "udp 127.0.0.1:5" },
	{ "syslog-address", "unix:///dev/log", "unix /dev/log" },
	{ "syslog-address", "unixgram:///run/l", "unix /run/l" },
	{ "syslog-address", "unix://log", NULL },
	{ "syslog-address", "udp://loghost", NULL },
	{ "syslog-address", "udp://10.0.0.1:", NULL },
	{ "syslog-address", "udp://10.0.0.1:65536", NULL },
	{ "syslog-address", "udp://10.0.0.1:1x", NULL },
	{ "syslog-address", "http://10.0.0.1", NULL },
	{ "syslog-address", "udp://[fd00::1", NULL },
	{ "syslog-address", "", NULL },
	{ "syslog-facility", "daemon", "facility 3" },
	{ "syslog-facility", "local7", "facility 23" },
	{ "syslog-facility", "23", "facility 23" },
	{ "syslog-facility", "24", NULL },
	{ "syslog-facility", "", NULL },
	{ "syslog-format", "rfc5424", "format 2" },
	{ "syslog-format", "rfc1", NULL },
};

static void describe(const struct stack_logging *l, struct buf *out)
{
	static const char *const ways[] = { "unix", "udp", "tcp" };

	if (l->max_size)
		buf_printf(out, "%jd", (intmax_t)l->max_size);
	if (l->max_files)
		buf_printf(out, "%u", l->max_files);
	if (l->no_cache)
		buf_puts(out, "no cache");
	if (l->tag)
		buf_puts(out, l->tag);
	if (l->path)
		buf_printf(out, "%s %s", ways[l->way], l->path);
	else if (l->ip.family)
		buf_printf(out, "%s %s:%u", ways[l->way], ip_text(&l->ip).text, l->port);
	if (l->facility)
		buf_printf(out, "facility %u", l->facility);
	if (l->format)
		buf_printf(out, "format %d", (int)l->format);
}

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new();
		struct stack_logging l = { 0 };
		const char *wrong = log_option(arena, cases[i].name, cases[i].value, &l);
		struct buf said = { 0 };

		describe(&l, &said);
		if (!wrong != !!cases[i].means ||
		    (cases[i].means && strcmp(buf_str(&said), cases[i].means)))
			fail_msg("%s=%s: %s, %s", cases[i].name, cases[i].value, buf_str(&said),
				 wrong ? wrong : "is right");
		buf_fini(&said);
		arena_free(arena);
	}
}

static void test_drivers(void **state)
{
	(void)state;
	assert_int_equal(log_driver("json-file"), STACK_LOG_JSON_FILE);
	assert_int_equal(log_driver("gelf"), -1);
	assert_true(log_option_known(STACK_LOG_LOCAL, "max-size"));
	assert_false(log_option_known(STACK_LOG_NONE, "max-size"));
	assert_false(log_option_known(STACK_LOG_JOURNALD, "syslog-address"));
	assert_true(log_option_known(STACK_LOG_SYSLOG, "tag"));
	assert_false(log_option_known(STACK_LOG_SYSLOG, "colour"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_drivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
