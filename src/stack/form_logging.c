/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_logging: `logging` of a service. Called through the table of service keys. What the options
 * of a driver mean is nobody's business here: they are kept as texts.
 */
#include "stack/attributes.h"
#include "stack/keys.h"

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
	DONE("driver", STR),
	DONE("options", MAP, BELOW(option_keys)),
};
const struct key_table logging_keys = TABLE(logging_rows);
/* clang-format on */

FORM(form_logging)
{
	return form_map(r, w, n, &logging_keys);
}
