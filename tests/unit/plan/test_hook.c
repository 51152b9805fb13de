/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hook: what the containers of `pre_start` have of their service, of an image of their own, and of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mstack/plan.h"
#include "unit/plan/stackfile.h"

static char *const serve[] = { (char *)"serve", NULL }, *const tool[] = { (char *)"tool", NULL },
		   *const fast[] = { (char *)"--fast", NULL },
		   *const tool_env[] = { (char *)"A=image", (char *)"T=1", NULL };

/* What the plan of a test borrows, until `done`. */
static struct stack *stack;
static struct stack_diags *diags;

/* The plan of one service `a` with these keys; NULL: it could not be made. */
static struct plan *plan(const char *keys, char *const *cmd)
{
	static struct store_image own, other;
	static struct store_user user;
	static struct net_facts facts;
	static const struct plan_image further[] = { { "tools", &other } };
	const struct plan_host host = { .net = &facts,
					.images = &own,
					.users = &user,
					.mounted = further,
					.n_mounted = 1,
					.run_dir = "/run/mstack/demo",
					.data_dir = "/var/lib/mstack",
					.resolv_conf = "" };
	_cleanup_free_ char *yaml =
		xasprintf("services: {a: {image: ./i, %s}}\nvolumes: {v: {}}\n", keys);
	struct plan *p = NULL;

	own = (struct store_image){ .entrypoint = (char **)(uintptr_t)serve };
	other = (struct store_image){ .entrypoint = (char **)(uintptr_t)tool,
				      .cmd = (char **)(uintptr_t)cmd,
				      .env = (char **)(uintptr_t)tool_env,
				      .working_dir = (char *)"/tools" };
	facts.mtu = 1500;
	stack = stackfile_load(yaml, &diags);
	plan_make(stack, &host, &p, diags);
	return p;
}

static void done(struct plan *p)
{
	plan_free(p);
	stack_free(stack);
	stack_diags_free(diags);
}

static void assert_words(const char *const *have, const char *want)
{
	struct buf b = { 0 };

	for (size_t i = 0; have[i]; i++)
		buf_printf(&b, "%s%s", i ? " " : "", have[i]);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

static void test_command(void **state)
{
	static const struct {
		const char *keys, *want;
	} cases[] = {
		{ "pre_start: [{command: p -x}]", "serve p -x" },
		{ "entrypoint: e, command: c, pre_start: [{command: p}]", "serve p" },
		{ "pre_start: [{image: tools}]", "tool --fast" },
		{ "pre_start: [{image: tools, command: p}]", "tool p" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan *p = plan(cases[i].keys, fast);

		assert_non_null(p);
		assert_int_equal(p->slots[0].pre_start.n, 1);
		assert_words(p->slots[0].pre_start.v[0].box.argv, cases[i].want);
		done(p);
	}
}

static void test_whose(void **state)
{
	struct plan *p =
		plan("command: c, user: '7', working_dir: /srv, environment: {A: service, B: 1}, "
		     "read_only: true, tty: true, volumes: [v:/v], "
		     "pre_start: [{image: tools, environment: {B: 2}}, "
		     "{command: p, user: root, working_dir: /w, privileged: true}]",
		     fast);
	const struct plan_step *first, *second;
	const struct box_spec *box;

	(void)state;
	assert_non_null(p);
	first = &p->slots[0].pre_start.v[0];
	second = &p->slots[0].pre_start.v[1];
	box = &p->slots[0].box;
	assert_true(first->own_image && !second->own_image);
	assert_string_equal(first->user, "7");
	assert_string_equal(second->user, "root");
	assert_string_equal(first->box.cwd, "/srv");
	assert_string_equal(second->box.cwd, "/w");
	assert_words(first->box.envp + 4, "A=service T=1 B=2");
	assert_int_equal(first->box.n_mounts, box->n_mounts);
	assert_true(box->tty && !first->box.tty && first->box.read_only);
	assert_true(first->box.caps == box->caps && !first->box.unfiltered);
	assert_true(second->box.caps == UINT64_MAX && second->box.unfiltered);
	done(p);
}

static void test_once_and_each(void **state)
{
	struct plan *p =
		plan("scale: 2, pre_start: [{command: p}, {command: q, per_replica: true}]", fast);

	(void)state;
	assert_int_equal(p->slots[0].pre_start.n, 2);
	assert_int_equal(p->slots[1].pre_start.n, 1);
	assert_words(p->slots[1].pre_start.v[0].box.argv, "serve q");
	done(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_once_and_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
