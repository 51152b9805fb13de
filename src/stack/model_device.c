/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_device: `devices` and `device_cgroup_rules` as words of the model. Called by model.c. The forms have checked every text.
 */
#include "stack/form.h"
#include "stack/model.h"
#include "stack/model_value.h"

#define ANY (-1)

static unsigned access_of(const char *letters)
{
	static const struct {
		char letter;
		unsigned bit;
	} bits[] = { { 'r', STACK_DEV_READ }, { 'w', STACK_DEV_WRITE }, { 'm', STACK_DEV_MKNOD } };
	unsigned access = 0;

	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		if (strchr(letters, bits[i].letter))
			access |= bits[i].bit;
	return access;
}

static int64_t number_of(const char **s)
{
	char *end;
	int64_t number;

	if (**s == '*') {
		++*s;
		return ANY;
	}
	number = strtoll(*s, &end, 10);
	*s = end;
	return number;
}

/* "c 1:3 rwm" */
static struct stack_device_rule rule_of(const struct stack_str *text)
{
	struct stack_device_rule rule = { .type = *text->text,
					  .pos = text->pos,
					  .text = text->text };
	const char *s = text->text + 2;

	rule.major = number_of(&s);
	s++;
	rule.minor = number_of(&s);
	rule.access = access_of(s);
	return rule;
}

static void read_rules(struct reader *r, const struct node *service, struct stack_service *ret)
{
	const struct stack_strs texts = value_strs(r, service, "device_cgroup_rules");
	struct stack_device_rule *rules = arena_array(r->arena, struct stack_device_rule, texts.n);

	for (size_t i = 0; i < texts.n; i++)
		rules[i] = rule_of(&texts.v[i]);
	ret->device_rules = rules;
	ret->n_device_rules = texts.n;
}

void model_devices(struct reader *r, const struct node *service, struct stack_service *ret)
{
	const struct node *n = node_get(service, "devices");
	struct stack_device *list = arena_array(r->arena, struct stack_device, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++) {
		const struct node *one = n->items[i];
		const char *letters = node_text(one, "permissions");

		list[i] = (struct stack_device){
			.source = node_text(one, "source"),
			.target = node_text(one, "target"),
			.permissions = letters,
			.access = access_of(letters),
			.pos = one->pos,
		};
	}
	ret->devices = list;
	ret->n_devices = n ? n->n : 0;
	read_rules(r, service, ret);
}
