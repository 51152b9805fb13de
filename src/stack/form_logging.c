/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_logging: `logging` of a service. Called through the table of service keys. Options stay the texts that they are; what they mean
 * is asked of log_options, so that one which is wrong is told with its place.
 */
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/log_options.h"

static FORM(form_option)
{
	struct node *out = form_text(r, w, n);

	if (n->kind == NODE_NULL)
		out->text = "";
	return out;
}

/* clang-format off */
static const struct key any_option = DONE("NAME", NUL | STR | NUM, AS(form_option));
static const struct key_table option_keys = CHOSEN(any_option);

static const struct key logging_rows[] = {
	DONE("driver", STR, ONLY("local, json-file, none, journald and syslog; of others the lines are kept in files here")),
	DONE("options", MAP, BELOW(option_keys)),
};
const struct key_table logging_keys = TABLE(logging_rows);
/* clang-format on */

static bool begins(const char *text, const char *begin)
{
	return !strncmp(text, begin, strlen(begin));
}

/* Lines that go elsewhere in the open though TLS was asked for are not what was asked for. */
static void check_option(struct reader *r, const struct where *w, enum stack_log_driver driver,
			 const struct node_pair *option)
{
	struct where at = where_in(w, option->key);
	const char *text = option->value->text ? option->value->text : "";
	const char *wrong;

	if (driver == STACK_LOG_SYSLOG &&
	    (begins(option->key, "syslog-tls-") || begins(text, "tcp+tls:"))) {
		reader_refuse(r, &at, option->value->pos, "let a relay on this host speak TLS",
			      "TLS to a syslog server");
		return;
	}
	if (!log_option_known(driver, option->key)) {
		reader_warn(r, &at, option->value->pos, "has no effect with this driver");
		return;
	}
	wrong = log_option(r->arena, option->key, text, &(struct stack_logging){ 0 });
	if (wrong)
		reader_forbid(r, &at, option->value->pos, NULL, "'%.60s' %s", text, wrong);
}

static void check(struct reader *r, const struct where *w, const struct node *logging)
{
	const struct node *name = node_get(logging, "driver");
	const struct node *options = node_get(logging, "options");
	int driver = name ? log_driver(name->text) : STACK_LOG_LOCAL;
	struct where at_name = where_in(w, "driver"), at = where_in(w, "options");

	if (driver < 0) {
		reader_warn(
			r, &at_name, name->pos,
			"'%.60s' is not supported: lines are kept in files here, see 'mstack logs'",
			name->text);
		return;
	}
	for (size_t i = 0; options && i < options->n; i++)
		check_option(r, &at, (enum stack_log_driver)driver, &options->pairs[i]);
}

FORM(form_logging)
{
	struct node *out = form_map(r, w, n, &logging_keys);

	if (out)
		check(r, w, out);
	return out;
}
