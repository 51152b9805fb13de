/* SPDX-License-Identifier: GPL-2.0-or-later */
/* service_case: loads a service of a few keys and looks at one of them. */
#include <stdio.h>

#include "unit/stack/service_case.h"

/* The end of a JSON value that begins at s. */
static const char *skip_value(const char *s)
{
	int depth = 0;

	do {
		if (*s == '"')
			for (s++; *s != '"'; s++)
				s += *s == '\\';
		depth += *s == '{' || *s == '[';
		depth -= *s == '}' || *s == ']';
		s++;
	} while (*s && (depth || !strchr(",}]", *s)));
	return s;
}

char *service_value(const struct stack *s, const char *key)
{
	_cleanup_free_ char *text = stack_service_text(s, "web");
	size_t len = strlen(key);

	assert_non_null(text);
	for (const char *at = text + 1; *at == '"'; at++) {
		const char *value = skip_value(at), *end;

		/* What stands before the colon is a string, whose end skip_value does not stop at. */
		assert_true(value > at);
		if (!strncmp(at + 1, key, len) && !strncmp(at + 1 + len, "\":", 2)) {
			at += len + 3;
			end = skip_value(at);
			return xasprintf("%.*s", (int)(end - at), at);
		}
		at = value;
		if (*at != ',')
			break;
	}
	return xstrdup("");
}

static struct loaded load_keys(const char *keys, bool for_run)
{
	_cleanup_free_ char *yaml = xasprintf("services: {web: {image: a, %s}}\n", keys);
	const char *path = "stack.yaml";
	struct stack_opts opts = { .paths = &path,
				   .n_paths = 1,
				   .project_name = "t",
				   .project_dir = "/p",
				   .env = fixture_env,
				   .for_run = for_run };

	fixture_write(path, yaml, strlen(yaml));
	return load_opts(&opts);
}

static void check_value(const struct loaded *l, const char *keys, const char *key, const char *json)
{
	_cleanup_free_ char *got = NULL;

	if (l->result)
		fail_msg("{%s}: %s", keys, l->text);
	got = service_value(l->stack, key);
	if (strcmp(got, json) != 0)
		fail_msg("{%s}: %s is %s, not %s", keys, key, got, json);
}

static void check_text(const struct loaded *l, const char *keys, const char *text)
{
	if (stack_diags_count(l->diags) != 1 || !strstr(l->text, text))
		fail_msg("{%s}: not just '%s': %s", keys, text, l->text);
}

void expect_form(const char *keys, const char *key, const char *json)
{
	_cleanup_(loaded_fini) struct loaded l = load_keys(keys, true);

	if (*l.text)
		fail_msg("{%s}: %s", keys, l.text);
	check_value(&l, keys, key, json);
}

void expect_error(const char *keys, const char *why)
{
	_cleanup_(loaded_fini) struct loaded l = load_keys(keys, false);

	if (stack_diags_errors(l.diags) != 1 || !strstr(l.text, why))
		fail_msg("{%s}: not just '%s': %s", keys, why, l.text);
	assert_int_equal(l.result, 1);
}

void expect_warning(const char *keys, const char *key, const char *json, const char *what)
{
	_cleanup_(loaded_fini) struct loaded l = load_keys(keys, true);

	check_text(&l, keys, what);
	check_value(&l, keys, key, json);
}

void expect_refusal(const char *keys, const char *key, const char *json, const char *what)
{
	_cleanup_(loaded_fini) struct loaded seen = load_keys(keys, false);
	_cleanup_(loaded_fini) struct loaded run = load_keys(keys, true);

	check_text(&seen, keys, what);
	check_text(&seen, keys, "not supported yet: 'mstack up' refuses it");
	check_value(&seen, keys, key, json);
	check_text(&run, keys, what);
	check_text(&run, keys, "not supported yet");
	assert_int_equal(run.result, 1);
}
