/* SPDX-License-Identifier: GPL-2.0-or-later */
/* substitute: values and nothing else, each node once, and what is known of it afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/substitute.h"
#include "stack/yaml.h"
#include <cmocka.h>

struct fixture {
	struct reader reader;
	struct vars vars;
	struct node *root;
};

static struct fixture begin(const char *yaml, bool literal)
{
	static const char *const env[] = { "A=1", "KEY=${A}", "LIST=[x]", NULL };
	struct fixture f = { 0 };
	struct node_items docs = { 0 };
	struct stack_diags *diags = stack_diags_new();
	struct arena *arena = arena_new();
	uint32_t file = diags_add_file(diags, "f", yaml, strlen(yaml));

	reader_init(&f.reader, arena, diags, env);
	assert_true(yaml_parse(arena, diags, file, yaml, strlen(yaml), &docs));
	f.root = docs.v[0];
	vec_fini(&docs);
	f.reader.common.literal = literal;
	return f;
}

/* The vars point into the reader, which is where it stays from now on. */
static void run(struct fixture *f)
{
	f->vars.common = &f->reader.common;
	substitute(&f->reader, &f->vars, NULL, f->root);
}

static void end(struct fixture *f)
{
	struct arena *arena = f->reader.arena;
	struct stack_diags *diags = f->reader.diags;

	vars_fini(&f->vars);
	reader_fini(&f->reader);
	stack_diags_free(diags);
	arena_free(arena);
}

static void test_values(void **state)
{
	struct fixture f = begin("x: $A\n$A: [$A, '$$', \"${A}5\", {b: \"${KEY}\"}]\nplain: 5\nl: $LIST\n", false);
	const struct node *list;

	(void)state;
	run(&f);
	list = node_get(f.root, "$A");	/* a key stays as it is */
	assert_string_equal(node_text(f.root, "x"), "1");
	assert_string_equal(list->items[0]->text, "1");
	assert_string_equal(list->items[1]->text, "$");
	assert_string_equal(list->items[2]->text, "15");
	assert_string_equal(node_text(list->items[3], "b"), "${A}");	/* a value is not looked at again */
	assert_int_equal(node_get(f.root, "l")->kind, NODE_STRING);	/* and is no YAML */
	assert_true(node_get(f.root, "x")->substituted);
	assert_false(list->items[1]->substituted);
	assert_false(node_get(f.root, "plain")->substituted);
	assert_int_equal(node_get(f.root, "x")->n_uses, 1);
	assert_string_equal(node_get(f.root, "x")->uses[0].name, "A");
	assert_int_equal(f.reader.common.asked.n, 3);
	end(&f);
}

/* A shared node is done once: its dollar does not become another variable. */
static void test_shared(void **state)
{
	struct fixture f = begin("a: &x $$A\nb: *x\nc: &m {d: $$A}\ne: {<<: *m}\n", false);

	(void)state;
	run(&f);
	run(&f);
	assert_string_equal(node_text(f.root, "a"), "$A");
	assert_string_equal(node_text(f.root, "b"), "$A");
	assert_string_equal(node_text(node_get(f.root, "c"), "d"), "$A");
	assert_string_equal(node_text(node_get(f.root, "e"), "d"), "$A");
	end(&f);
}

static void test_problems(void **state)
{
	struct fixture f = begin("services:\n  web:\n    image: ${N?give it}\n    user: a$U\n    x: ['${}']\n", false);
	const struct stack_diag *d;

	(void)state;
	run(&f);
	assert_int_equal(stack_diags_count(f.reader.diags), 3);
	d = stack_diags_get(f.reader.diags, 0);
	assert_string_equal(d->text, "service 'web': image: variable 'N' is required but not set: give it");
	assert_int_equal(d->pos.line, 3);
	assert_int_equal(d->pos.col, 12);
	d = stack_diags_get(f.reader.diags, 1);
	assert_int_equal(d->severity, STACK_WARNING);
	assert_int_equal(d->pos.line, 4);
	assert_non_null(d->hint);
	assert_non_null(strstr(stack_diags_get(f.reader.diags, 2)->text, "service 'web': x[0]: '${}' is no variable"));
	end(&f);
}

static void test_literal(void **state)
{
	struct fixture f = begin("a: $A$$ ${N:-d}\nb: c\n", true);

	(void)state;
	run(&f);
	assert_string_equal(node_text(f.root, "a"), "$A$$ ${N:-d}");
	assert_true(node_get(f.root, "a")->substituted);
	assert_false(node_get(f.root, "b")->substituted);
	assert_int_equal(node_get(f.root, "a")->n_uses, 0);
	assert_int_equal(f.reader.common.asked.n, 2);
	assert_int_equal(stack_diags_count(f.reader.diags), 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_literal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
