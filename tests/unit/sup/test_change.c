/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running stacks that become others, on made-up rooms: what is told, what is done, in which order, and what is left alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake/fake.h"
#include "mstack/box.h"
#include "mstack/ctl.h"
#include "sup/change.h"
#include "unit/sup/life.h"

/* One change: the document, the words of the request, and what is told. `fails`: the last answer is an error with this in it. */
struct step {
	const char *yaml, *wishes, *want, *fails;
	bool plan; /* only asked for */
};

/* Of a container, a network, or a wire. */
static const char *name_of(const json_t *row)
{
	static const char *const kinds[] = { "slot", "network", "wire" };
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && !name; i++)
		name = json_string_value(json_object_get(row, kinds[i]));
	return name ? name : "?";
}

static int note_row(void *arg, const struct ctl_msg *m)
{
	const char *slot = name_of(m->body);
	const char *action = json_string_value(json_object_get(m->body, "action"));
	const char *key = json_string_value(json_object_get(m->body, "key"));

	if (action)
		buf_printf(arg, "%s %s%s;", slot, action,
			   json_is_true(json_object_get(m->body, "starts")) ? " starts" : "");
	else if (key)
		buf_printf(arg, "%s %s:%s;", slot, key,
			   json_string_value(json_object_get(m->body, "class")));
	return 0;
}

static int ask(int fd, const struct step *s, struct buf *told, struct err *err)
{
	struct stack_diags *diags = stack_diags_new();
	struct stack *stack = life_load(s->yaml, diags);
	struct ctl_msg m = { .type = s->plan ? CTL_PLAN : CTL_APPLY, .id = 7, .n_fds = 1 };
	int rc;

	m.fds[0] = sup_document(stack, err);
	m.body = json_loads(s->wishes ? s->wishes : "{}", 0, NULL);
	rc = ctl_send(fd, &m, err);
	ctl_msg_fini(&m);
	while (rc == 0) {
		struct ctl_msg answer = { 0 };

		rc = ctl_recv(fd, &answer, err) ? -1 : 0;
		if (rc == 0 && answer.type == CTL_ERROR)
			rc = ctl_error(&answer, err);
		if (rc == 0)
			note_row(told, &answer);
		if (answer.flags & CTL_LAST)
			rc = rc < 0 ? rc : 1;
		ctl_msg_fini(&answer);
	}
	stack_free(stack);
	stack_diags_free(diags);
	return rc < 0 ? -1 : 0;
}

static bool goes_well(int fd, const struct step *s)
{
	struct buf told = { 0 };
	struct err err = { 0 };
	int rc = ask(fd, s, &told, &err);
	bool ok;

	/* The socket is there a little before all is started. */
	for (int i = 0; i < 6000 && rc < 0 && err.sys == EALREADY; i++) {
		usleep(10000);
		err = (struct err){ 0 };
		rc = ask(fd, s, &told, &err);
	}
	ok = s->fails ? rc < 0 && strstr(err.text, s->fails) : rc == 0;

	ok = ok && (!s->want || !strcmp(buf_str(&told), s->want));
	if (!ok)
		fprintf(stderr, "want: %s\ncame: %s %s\n", s->want ? s->want : "", buf_str(&told),
			err.text);
	buf_fini(&told);
	return ok;
}

/* In a process of its own; its exit code is the number of the step that did not go well. */
static pid_t client(const struct step *steps, size_t n)
{
	pid_t pid = fork();

	if (pid == 0) {
		_cleanup_free_ char *path = sup_socket_path("t");
		struct err err = { 0 };
		int fd = -1, code = 0;

		for (int i = 0; i < 6000 && fd < 0; i++) {
			fd = ctl_connect(path, 20000, &err);
			usleep(10000);
		}
		for (size_t i = 0; !code && i < n; i++)
			code = goes_well(fd, &steps[i]) ? 0 : (int)i + 1;
		if (ctl_call(fd, CTL_DOWN, NULL, NULL, NULL, &err) < 0 && !code)
			code = 100;
		_exit(code);
	}
	return pid;
}

static void change(struct life *l, const char *yaml, const struct fake_slot *slots, size_t n_slots,
		   const struct step *steps, size_t n)
{
	pid_t pid = client(steps, n);
	int status;

	l->opts.foreground = false;
	l->bystanders = true;
	live(l, yaml, slots, n_slots);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(l->rc, 0);
}

static size_t count(const struct life *l, const char *word)
{
	size_t n = 0;

	for (const char *c = buf_str(&l->world.log); (c = strstr(c, word)); c++)
		n++;
	return n;
}

static void assert_order(const struct life *l, const char *first, const char *second)
{
	const char *a = strstr(buf_str(&l->world.log), first);
	const char *b = a ? strstr(a + 1, second) : NULL;

	if (!a || !b)
		fail_msg("want '%s' before '%s' in:\n%s", first, second, buf_str(&l->world.log));
}

#define A "  a: {image: i, command: x}\n"
#define B "  b: {image: i, command: x, depends_on: [a]}\n"

static void test_classes(void **state)
{
	static const struct step steps[] = {
		{ .yaml = "services:\n" A B, .want = "a-1 keep;b-1 keep;", .plan = true },
		{ .yaml = "services:\n  a: {image: i, command: x, mem_limit: 64m, labels: {l: '1'}}\n" B,
		  .want = "a-1 update;a-1 labels:live;a-1 mem_limit:live;b-1 keep;" },
		{ .yaml = "services:\n  a: {image: i, command: y}\n" B,
		  .want = "a-1 restart starts;a-1 command:restart;a-1 labels:live;a-1 mem_limit:live;b-1 keep;" },
		{ .yaml = "services:\n  a: {image: j, command: y}\n" B,
		  .want = "a-1 recreate starts;a-1 image:recreate;b-1 keep;" },
		{ .yaml = "services:\n  a: {image: j, command: y}\n" B
			  "  c: {image: i, command: x}\n",
		  .want = "a-1 keep;b-1 keep;c-1 create starts;" },
		{ .yaml = "services:\n  a: {image: j, command: y}\n" B,
		  .want = "a-1 keep;b-1 keep;c-1 orphan;" },
		{ .yaml = "services:\n  a: {image: j, command: y}\n" B,
		  .wishes = "{\"remove_orphans\": true, \"inactive\": [\"c\"]}",
		  .want = "a-1 keep;b-1 keep;c-1 keep;" },
		{ .yaml = "services:\n  a: {image: j, command: y}\n" B,
		  .wishes = "{\"remove_orphans\": true}",
		  .want = "a-1 keep;b-1 keep;c-1 remove;" },
		{ .yaml = "services:\n  a: {image: j, command: y}\n" B,
		  .want = "a-1 keep;b-1 keep;",
		  .plan = true },
	};
	struct life l = new_life();

	(void)state;
	change(&l, "services:\n" A B, NULL, 0, steps, ARRAY_LEN(steps));
	assert_int_equal(count(&l, "start a-1"), 3);
	assert_int_equal(count(&l, "start b-1"), 1);
	assert_int_equal(count(&l, "open a-1"), 2);
	assert_int_equal(count(&l, "limit a-1 67108864"), 1);
	assert_int_equal(count(&l, "limit a-1 0"), 1);
	assert_int_equal(count(&l, "start c-1"), 1);
	end_life(&l);
}
#undef A
#undef B

/* Without controllers what limits a process is a part of it: the runtime is asked, and a change of it is none that is made while it runs. */
static void test_stand_ins(void **state)
{
	static const struct step steps[] = {
		{ .yaml = "services: {a: {image: i, command: x, mem_limit: 64m}}\n",
		  .want = "a-1 restart starts;a-1 mem_limit:restart;" },
		{ .yaml = "services: {a: {image: i, command: x, mem_limit: 64m, pids_limit: 9}}\n",
		  .want = "a-1 recreate starts;a-1 pids_limit:recreate;" },
	};
	struct life l = new_life();

	(void)state;
	l.world.stands_in = BOX_WANT_MEMORY | BOX_WANT_PIDS;
	change(&l, "services: {a: {image: i, command: x}}\n", NULL, 0, steps, ARRAY_LEN(steps));
	assert_order(&l, "limit a-1 67108864", "start a-1");
	assert_int_equal(count(&l, "start a-1"), 3);
	assert_int_equal(count(&l, "open a-1"), 2);
	end_life(&l);
}

/* Those that end do it in reverse order, and start in order; the one that is nothing of it goes on. */
static void test_order(void **state)
{
	static const struct step steps[] = {
		{ .yaml = "services:\n"
			  "  a: {image: i, command: y}\n"
			  "  b: {image: i, command: y, depends_on: [a]}\n"
			  "  c: {image: i, command: x, depends_on: [b]}\n"
			  "  d: {image: i, command: x, depends_on: {b: {condition: service_started, restart: true}}}\n",
		  .want = "a-1 restart starts;a-1 command:restart;b-1 restart starts;b-1 command:restart;"
			  "c-1 keep;d-1 restart starts;" },
	};
	struct life l = new_life();
	const char *stopped;

	(void)state;
	change(&l,
	       "services:\n"
	       "  a: {image: i, command: x}\n"
	       "  b: {image: i, command: x, depends_on: [a]}\n"
	       "  c: {image: i, command: x, depends_on: [b]}\n"
	       "  d: {image: i, command: x, depends_on: {b: {condition: service_started, restart: true}}}\n",
	       NULL, 0, steps, ARRAY_LEN(steps));
	assert_order(&l, "signal d-1", "signal b-1");
	assert_order(&l, "signal b-1", "signal a-1");
	stopped = strstr(buf_str(&l.world.log), "signal a-1");
	assert_non_null(stopped);
	assert_non_null(strstr(stopped, "start a-1"));
	assert_non_null(strstr(strstr(stopped, "start a-1"), "start b-1"));
	assert_int_equal(count(&l, "start c-1"), 1);
	end_life(&l);
}

static void test_wishes(void **state)
{
	static const char same[] =
		"services: {a: {image: i, command: x}, b: {image: i, command: x}}\n";
	static const char other[] =
		"services: {a: {image: j, command: x}, b: {image: j, command: x}}\n";
	static const struct step steps[] = {
		{ .yaml = same,
		  .wishes = "{\"force_recreate\": true, \"no_start\": true}",
		  .want = "a-1 recreate;b-1 recreate;",
		  .plan = true },
		{ .yaml = same,
		  .wishes = "{\"force_recreate\": true, \"services\": [\"a\"]}",
		  .want = "a-1 recreate starts;b-1 keep;" },
		{ .yaml = other,
		  .wishes = "{\"no_recreate\": true}",
		  .want = "a-1 keep;b-1 keep;" },
		{ .yaml = other,
		  .wishes = "{\"services\": [\"b\"]}",
		  .want = "a-1 keep;b-1 recreate starts;b-1 image:recreate;" },
		{ .yaml = other, .want = "a-1 recreate starts;a-1 image:recreate;b-1 keep;" },
	};
	struct life l = new_life();

	(void)state;
	change(&l, same, NULL, 0, steps, ARRAY_LEN(steps));
	assert_int_equal(count(&l, "start a-1"), 3);
	assert_int_equal(count(&l, "start b-1"), 2);
	end_life(&l);
}

/* What is wrong with the new document changes nothing; what fails on the way leaves the others alone, and the next one mends it. */
static void test_failures(void **state)
{
	static const char good[] =
		"services: {a: {image: i, command: x}, b: {image: i, command: x}}\n";
	static const struct step steps[] = {
		{ .yaml = "services: {a: {image: absent, command: x}, b: {image: i, command: y}}\n",
		  .fails = "image 'absent'" },
		{ .yaml = good, .want = "a-1 keep;b-1 keep;", .plan = true },
		{ .yaml = "services: {a: {image: i, command: x}, b: {image: i, command: x}, c: {image: i, command: x}}\n",
		  .fails = "service 'c'" },
		{ .yaml = "services: {a: {image: i, command: x}, b: {image: i, command: x}, c: {image: i, command: x}}\n",
		  .want = "a-1 keep;b-1 keep;c-1 keep starts;",
		  .plan = true },
		{ .yaml = good,
		  .wishes = "{\"remove_orphans\": true}",
		  .want = "a-1 keep;b-1 keep;c-1 remove;" },
	};
	static const struct fake_slot slots[] = { { .name = "c-1", .start_fails = true } };
	struct life l = new_life();

	(void)state;
	change(&l, good, slots, ARRAY_LEN(slots), steps, ARRAY_LEN(steps));
	assert_int_equal(count(&l, "start a-1"), 1);
	assert_int_equal(count(&l, "start b-1"), 1);
	end_life(&l);
}

static void test_wires(void **state)
{
	static const char one[] =
		"x-links: [{endpoints: ['a:eth1', 'b:eth1']}]\n"
		"services: {a: {image: i, command: x}, b: {image: i, command: x}}\n";
	static const struct step steps[] = {
		{ .yaml = "x-links: [{endpoints: ['a:eth1', 'b:eth1']}, {endpoints: ['a:eth2', 'b:eth2']}]\n"
			  "services: {a: {image: i, command: x}, b: {image: i, command: x}}\n",
		  .want = "a-1 keep;b-1 keep;a:eth2 b:eth2 create;" },
		{ .yaml = one, .want = "a-1 keep;b-1 keep;a:eth2 b:eth2 remove;" },
		{ .yaml = "x-links: [{endpoints: ['a:eth1', 'b:eth1']}]\n"
			  "services: {a: {image: i, command: x}, b: {image: j, command: x}}\n",
		  .want = "a-1 keep;b-1 recreate starts;b-1 image:recreate;" },
	};
	struct life l = new_life();

	(void)state;
	change(&l, one, NULL, 0, steps, ARRAY_LEN(steps));
	assert_int_equal(count(&l, "connect a:eth2 b:eth2"), 1);
	assert_int_equal(count(&l, "connect a:eth1 b:eth1"), 2);
	assert_int_equal(count(&l, "start a-1"), 1);
	end_life(&l);
}

/* What stays on a network of its own is not on the list; who is on one that changes goes with it. */
static void test_networks(void **state)
{
	static const char two[] =
		"services: {a: {image: i, command: x}, b: {image: i, command: x, networks: [n]}}\n"
		"networks: {n: {internal: false}}\n";
	static const struct step steps[] = {
		{ .yaml = two, .want = "a-1 keep;b-1 keep;" },
		{ .yaml = "services: {a: {image: i, command: x}, b: {image: i, command: x, networks: [n, m]}}\n"
			  "networks: {n: {internal: true}, m: {}}\n",
		  .want = "a-1 keep;b-1 recreate starts;b-1 networks.m:recreate;b-1 networks.n:recreate;n recreate;n internal:recreate;m create;" },
		{ .yaml = "services: {a: {image: i, command: x}, b: {image: i, command: x}}\n",
		  .want = NULL },
	};
	struct life l = new_life();

	(void)state;
	change(&l, two, NULL, 0, steps, ARRAY_LEN(steps));
	end_life(&l);
}

/* What a supervisor that dies leaves is whole before anything is taken away, and when all is made. */
static void test_unfit(void **state)
{
	static const struct {
		enum sup_change_phase phase;
		bool links_wait, fit;
	} t[] = {
		{ CHANGE_STOPPING, false, true },  { CHANGE_STOPPING, true, true },
		{ CHANGE_CLEARING, false, false }, { CHANGE_STARTING, true, false },
		{ CHANGE_STARTING, false, true },
	};
	struct fake_world world = { 0 };
	struct plan_slot plan = { .name = "a-1" };
	struct sup_slot slot = { .plan = &plan };
	struct sup_change c = { 0 };
	struct sup s = { 0 };

	(void)state;
	fake_world = &world;
	assert_null(sup_change_unfit(&s));
	s.change = &c;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		world.links_wait = t[i].links_wait;
		c.phase = t[i].phase;
		if (!sup_change_unfit(&s) != t[i].fit)
			fail_msg("row %zu", i);
	}
	/* Nobody knows how far one is that is just being started. */
	s.slots = &slot;
	s.n_slots = 1;
	assert_null(sup_change_unfit(&s));
	slot.svc.state = SVC_STARTING;
	assert_non_null(sup_change_unfit(&s));
	s.change = NULL;
	assert_null(sup_change_unfit(&s));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_networks),  cmocka_unit_test(test_classes),
		cmocka_unit_test(test_stand_ins), cmocka_unit_test(test_order),
		cmocka_unit_test(test_wishes),	  cmocka_unit_test(test_failures),
		cmocka_unit_test(test_wires),	  cmocka_unit_test(test_unfit),
	};

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
