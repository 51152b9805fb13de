/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_security: what `security_opt` asks for, as words of the model. Called by model.c. Of options that are given twice
 * the last one counts, as engines have it.
 */
#include "stack/form.h"
#include "stack/model.h"
#include "stack/model_value.h"

/* The value behind `name` and = or :, "" for the name alone; NULL: another option. */
static const char *value_of(const char *option, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(option, name, len) != 0)
		return NULL;
	if (!option[len])
		return "";
	return option[len] == '=' || option[len] == ':' ? option + len + 1 : NULL;
}

/* As compose: a path is of the project's folder, wherever the file stands that names it. */
static const char *filter_of(struct reader *r, const char *value)
{
	if (!strcmp(value, "builtin"))
		return NULL;
	return strcmp(value, "unconfined") != 0 ? path_clean(r->arena, r->stack->dir, value)
						: value;
}

void model_security(struct reader *r, const struct node *service, struct stack_service *ret)
{
	const struct stack_strs opts = value_strs(r, service, "security_opt");

	/* What is said by an option holds for a privileged container as well. */
	ret->new_privileges = ret->unmasked = ret->privileged;
	if (ret->privileged)
		ret->seccomp.text = "unconfined";
	for (size_t i = 0; i < opts.n; i++) {
		const struct stack_str *one = &opts.v[i];
		const char *value;

		if ((value = value_of(one->text, "no-new-privileges")))
			ret->new_privileges = *value == '0' || *value == 'f' || *value == 'F';
		else if ((value = value_of(one->text, "seccomp")))
			ret->seccomp = (struct stack_str){ filter_of(r, value), one->pos };
		else if (value_of(one->text, "systempaths"))
			ret->unmasked = true;
		else if (value_of(one->text, "arch"))
			ret->i386 = true;
		else if ((value = value_of(one->text, "apparmor")))
			ret->apparmor =
				(struct stack_str){ strcmp(value, "unconfined") != 0 ? value : NULL,
						    one->pos };
	}
}
