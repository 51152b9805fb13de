/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verbs on made-up rooms: what is asked of box in which order, what a client hears, and what becomes of a wish whose client has
 * gone. The client is a process of its own, started when everything is up; its exit status says whether it heard what it should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/ctl.h"
#include "unit/sup/life.h"

enum { PATIENCE_MS = 30000 };

/* web needs app, app needs db. */
static const char chain[] =
	"services:\n"
	"  web: {image: i, command: x, depends_on: {app: {condition: service_started, restart: true}}}\n"
	"  app: {image: i, command: x, depends_on: [db], restart: always}\n"
	"  db: {image: i, command: x}\n";

/* ---- a client --------------------------------------------------------------------------------- */

#define MUST(what)                                                                        \
	do {                                                                              \
		if (!(what)) {                                                            \
			dprintf(STDERR_FILENO, "client: line %d: %s\n", __LINE__, #what); \
			_exit(99);                                                        \
		}                                                                         \
	} while (0)

static int reach(void)
{
	char *path = sup_socket_path("t");
	int fd = ctl_connect(path, PATIENCE_MS, &(struct err){ 0 });

	free(path);
	MUST(fd >= 0);
	return fd;
}

static void ask(int fd, enum ctl_type type, const char *body)
{
	struct ctl_msg m = { .type = type, .id = 1, .body = json_loads(body, 0, NULL) };

	MUST(m.body && ctl_send(fd, &m, &(struct err){ 0 }) == 0);
	json_decref(m.body);
}

static const char *text_of(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text ? text : "";
}

/* Until the last answer: "web-1 stopped, app-1 same=exited, db-1 error; code 4". */
static void hear(int fd, const char *want)
{
	char got[1000] = "";
	bool last = false;

	while (!last) {
		struct ctl_msg m = { 0 };
		size_t n = strlen(got);

		MUST(ctl_recv(fd, &m, &(struct err){ 0 }) == 0);
		last = m.flags & CTL_LAST;
		if (m.type == CTL_ERROR)
			snprintf(got + n, sizeof(got) - n, "; code %d",
				 (int)json_integer_value(json_object_get(m.body, "code")));
		else if (*text_of(m.body, "slot"))
			snprintf(got + n, sizeof(got) - n, "%s%s %s", n ? ", " : "",
				 text_of(m.body, "slot"),
				 *text_of(m.body, "error")  ? "error"
				 : *text_of(m.body, "same") ? "same"
							    : text_of(m.body, "change"));
		ctl_msg_fini(&m);
	}
	if (strcmp(got, want) != 0)
		dprintf(STDERR_FILENO, "client: wanted '%s', got '%s'\n", want, got);
	MUST(!strcmp(got, want));
}

static void say(enum ctl_type type, const char *body, const char *want)
{
	int fd = reach();

	ask(fd, type, body);
	hear(fd, want);
	close(fd);
}

static void end_it(void)
{
	int fd = reach();

	MUST(ctl_call(fd, CTL_DOWN, NULL, NULL, NULL, &(struct err){ 0 }) == 0);
	_exit(0);
}

/* ---- a life with a client ---------------------------------------------------------------------- */

typedef void client_fn(void);

struct script {
	struct life life;
	client_fn *fn;
	pid_t pid;
};

static void on_up(void *arg, const struct err *err)
{
	struct script *s = arg;

	assert_null(err);
	s->life.ups++;
	s->pid = fork();
	if (!s->pid) {
		s->fn();
		_exit(0);
	}
}

static void on_say(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	struct script *s = arg;

	life_say(&s->life, kind, slot, text);
}

/* As live() of life.c, with a child that is the client. */
static void play(struct script *s, const char *yaml, const struct fake_slot *slots, size_t n)
{
	struct stack_diags *diags = stack_diags_new();
	struct stack *stack = life_load(yaml, diags);
	struct life *l = &s->life;
	int status = -1;

	l->world.slots = slots;
	l->world.n_slots = n;
	l->world.log_root = life_dir;
	fake_world = &l->world;
	l->opts.stack = stack;
	l->opts.diags = diags;
	l->opts.hooks = (struct sup_hooks){ .arg = s, .say = on_say, .up = on_up };
	alarm(60);
	l->rc = sup_run(&l->opts, &l->exit_code, &l->err);
	alarm(0);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_int_equal(status, 0);
	stack_free(stack);
	stack_diags_free(diags);
	assert_int_equal(l->rc, 0);
	assert_int_equal(l->world.alive, 0);
}

static void act(const char *yaml, const struct fake_slot *slots, size_t n, client_fn *fn,
		struct script *ret)
{
	*ret = (struct script){ .life = new_life(), .fn = fn };
	play(ret, yaml, slots, n);
}

/* The words of box about starts and signals, in their order. */
static void assert_order(const struct script *s, const char *const *words, size_t n)
{
	const char *at = buf_str(&s->life.world.log);

	for (size_t i = 0; i < n; i++) {
		const char *next = strstr(at, words[i]);

		if (!next)
			fail_msg("no '%s' (word %zu) in the rest:\n%s\nof\n%s", words[i], i, at,
				 buf_str(&s->life.world.log));
		at = next + strlen(words[i]);
	}
}

static void finish(struct script *s)
{
	end_life(&s->life);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void stop_and_start(void)
{
	say(CTL_STOP, "{\"services\": [\"db\"]}", "db-1 stopped");
	say(CTL_STOP, "{\"services\": [\"db\"]}", "db-1 same");
	say(CTL_STOP, "{}", "db-1 same, web-1 stopped, app-1 stopped");
	say(CTL_START, "{\"services\": [\"web\"]}", "db-1 started, app-1 started, web-1 started");
	say(CTL_START, "{}", "web-1 same, app-1 same, db-1 same");
	end_it();
}

static void test_order(void **state)
{
	static const char *const order[] = {
		"start db-1",	"start app-1", "start web-1", "signal db-1", "signal web-1",
		"signal app-1", "start db-1",  "start app-1", "start web-1", "signal web-1",
	};
	struct script s;

	(void)state;
	act(chain, NULL, 0, stop_and_start, &s);
	assert_order(&s, order, ARRAY_LEN(order));
	finish(&s);
}

static void restart(void)
{
	say(CTL_RESTART, "{\"services\": [\"app\"], \"no_deps\": true}", "app-1 restarted");
	say(CTL_RESTART, "{\"services\": [\"app\"]}", "app-1 restarted, web-1 restarted");
	end_it();
}

static void test_restart(void **state)
{
	static const char *const order[] = { "start web-1",  "signal app-1", "start app-1",
					     "signal web-1", "signal app-1", "start app-1",
					     "start web-1" };
	struct script s;

	(void)state;
	act(chain, NULL, 0, restart, &s);
	assert_order(&s, order, ARRAY_LEN(order));
	finish(&s);
}

/* It does not hear its signal, so the stop lasts until somebody hurries it. */
static void last_wish_holds(void)
{
	int stop = reach(), gone = reach();

	ask(gone, CTL_STOP, "{\"services\": [\"db\"]}");
	ask(stop, CTL_STOP, "{\"services\": [\"db\"]}");
	close(gone);
	say(CTL_WAIT, "{\"services\": [\"none\"]}", "; code 2");
	{
		int start = reach();

		ask(start, CTL_START, "{\"services\": [\"db\"]}");
		hear(stop, "db-1 error; code 1");
		say(CTL_KILL, "{\"services\": [\"db\"], \"signal\": 9}", "db-1 killed");
		hear(start, "db-1 error; code 1");
	}
	say(CTL_START, "{\"services\": [\"db\"]}", "db-1 started");
	say(CTL_STOP, "{\"services\": [\"db\"], \"timeout\": 0}", "db-1 stopped");
	end_it();
}

static void test_two_clients(void **state)
{
	static const struct fake_slot deaf[] = { { .name = "db-1", .deaf = true } };
	struct script s;

	(void)state;
	act("services:\n  db: {image: i, command: x, restart: always, stop_grace_period: 50s}\n",
	    deaf, 1, last_wish_holds, &s);
	finish(&s);
}

static void fail_to_start(void)
{
	say(CTL_STOP, "{}", "web-1 stopped");
	say(CTL_KILL, "{\"signal\": 0}", "; code 2");
	say(CTL_KILL, "{\"signal\": 1}", "web-1 same");
	say(CTL_WAIT, "{}", "web-1 ended");
	say(CTL_RM, "{}", "web-1 removed");
	say(CTL_RM, "{}", "");
	say(CTL_START, "{\"services\": [\"web\"]}", "; code 1");
	say(CTL_CREATE, "{}", "web-1 created");
	say(CTL_START, "{}", "web-1 started");
	end_it();
}

static void test_removed(void **state)
{
	static const char *const order[] = { "start web-1", "signal web-1", "drop web-1",
					     "start web-1" };
	struct script s;

	(void)state;
	act("services:\n  web: {image: i, command: x}\n", NULL, 0, fail_to_start, &s);
	assert_order(&s, order, ARRAY_LEN(order));
	finish(&s);
}

static void wait_a_while(void)
{
	say(CTL_START, "{\"services\": [\"bad\"], \"wait\": true}", "bad-1 error; code 4");
	say(CTL_START, "{\"services\": [\"good\"], \"wait\": true}", "good-1 started");
	end_it();
}

/* Without a health check one that ends within half a second is heard of, and has arrived only when it ended well. */
static void test_start_waits(void **state)
{
	static const struct fake_slot jobs[] = {
		{ .name = "bad-1", .run_ms = 50, .status = 3 << 8 },
		{ .name = "good-1", .run_ms = 50 }
	};
	struct script s;

	(void)state;
	act("services:\n  bad: {image: i, command: x}\n  good: {image: i, command: x}\n"
	    "  stays: {image: i, command: x}\n",
	    jobs, 2, wait_a_while, &s);
	finish(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	    cmocka_unit_test(test_restart),
		cmocka_unit_test(test_two_clients), cmocka_unit_test(test_removed),
		cmocka_unit_test(test_start_waits),
	};

	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
