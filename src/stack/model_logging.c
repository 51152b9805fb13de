/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_logging: `logging` of a service. Called by model; what is wrong with an option was told by form_logging, and is left out here.
 */
#include <syslog.h>

#include "stack/log_options.h"
#include "stack/model_value.h"

void model_logging(struct reader *r, const struct node *service, struct stack_service *ret)
{
	const struct node *n = node_get(service, "logging"), *options = node_get(n, "options");
	struct stack_logging *l = n ? arena_array(r->arena, struct stack_logging, 1) : NULL;
	const char *name = value_str(n, "driver").text;
	int driver = name ? log_driver(name) : STACK_LOG_LOCAL;

	if (!l)
		return;
	l->driver = driver < 0 ? STACK_LOG_LOCAL : (enum stack_log_driver)driver;
	l->facility = LOG_FAC(LOG_DAEMON);
	l->pos = n->pos;
	for (size_t i = 0; driver >= 0 && options && i < options->n; i++) {
		const struct node_pair *p = &options->pairs[i];

		if (p->value->text && log_option_known(l->driver, p->key))
			log_option(r->arena, p->key, p->value->text, l);
	}
	ret->logging = l;
}
