/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Impairments on a made-up network: set before the program starts, kept over its restarts, changed by clients.
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

static const char impaired[] =
	"services:\n"
	"  a: {image: i, command: x, networks: {n: {x-impair: {delay: 5ms, egress: {loss: 1%}}}, m: }}\n"
	"networks: {n: , m: }\n";

#define MUST(what)                                                                        \
	do {                                                                              \
		if (!(what)) {                                                            \
			dprintf(STDERR_FILENO, "client: line %d: %s\n", __LINE__, #what); \
			_exit(99);                                                        \
		}                                                                         \
	} while (0)

static int connect_to_it(void)
{
	_cleanup_free_ char *path = sup_socket_path("t");
	int fd = -1;

	for (int i = 0; i < 3000 && fd < 0; i++) {
		fd = ctl_connect(path, PATIENCE_MS, &(struct err){ 0 });
		usleep(10000);
	}
	MUST(fd >= 0);
	return fd;
}

static int take(void *arg, const struct ctl_msg *m)
{
	if (json_object_get(m->body, "slot"))
		json_array_append((json_t *)arg, m->body);
	return 0;
}

/* Sorted and compact, of all links that were told; "" with an error. */
static char *ask(int fd, json_t *body, struct err *err)
{
	json_t *links = json_array();
	int rc = ctl_call(fd, CTL_IMPAIR, body, take, links, err);
	char *text = rc < 0 ? xstrdup("") : json_dumps(links, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(links);
	json_decref(body);
	return text;
}

static void expect(int fd, const char *service, const char *iface, const char *values,
		   const char *want)
{
	json_t *body = json_loads(values, 0, NULL);
	struct err err = { 0 };
	_cleanup_free_ char *text = NULL;

	MUST(body);
	if (service)
		json_object_set_new(body, "service", json_string(service));
	if (iface)
		json_object_set_new(body, "iface", json_string(iface));
	text = ask(fd, body, &err);
	if (!strstr(*text ? text : err.text, want)) {
		dprintf(STDERR_FILENO, "want %s\nin %s%s\n", want, text, err.text);
		_exit(98);
	}
}

static void end_it(int fd)
{
	MUST(ctl_call(fd, CTL_DOWN, NULL, NULL, NULL, &(struct err){ 0 }) == 0);
}

/* The same client for all: the supervisor lives until it has said all that it has to. */
static void talk(void)
{
	int fd = connect_to_it();

	for (int i = 0; i < 3000; i++) {
		struct err err = { 0 };
		_cleanup_free_ char *text = ask(fd, json_object(), &err);

		if (strstr(text, "eth1"))
			break;
		usleep(10000);
	}
	expect(fd, NULL, NULL, "{}",
	       "[{\"egress\":{\"delay\":\"5ms\",\"loss\":\"1%\"},\"ingress\":{\"delay\":\"5ms\"},"
	       "\"interface\":\"eth0\",\"network\":\"n\",\"service\":\"a\",\"slot\":\"a-1\"},"
	       "{\"egress\":{},\"ingress\":{},\"interface\":\"eth1\",\"network\":\"m\"");
	/* What is not named keeps its value. */
	expect(fd, "a", "eth0",
	       "{\"egress\": {\"rate\": \"1mbit\"}, \"ingress\": {\"rate\": \"1mbit\"}}",
	       "[{\"egress\":{\"delay\":\"5ms\",\"loss\":\"1%\",\"rate\":\"1mbit\"},"
	       "\"ingress\":{\"delay\":\"5ms\",\"rate\":\"1mbit\"}");
	expect(fd, "a", "m", "{\"ingress\": {\"loss\": \"2%\"}}",
	       "[{\"egress\":{},\"ingress\":{\"loss\":\"2%\"},\"interface\":\"eth1\"");
	/* One way is cleared, and begins anew. */
	expect(fd, "a", "n", "{\"egress\": true}",
	       "[{\"egress\":{},\"ingress\":{\"delay\":\"5ms\"");
	expect(fd, "a", "n", "{\"clear\": true}", "[{\"egress\":{},\"ingress\":{},");
	expect(fd, "a", "eth0", "{\"egress\": {\"jitter\": \"1ms\"}}",
	       "a:eth0: jitter: needs a delay");
	expect(fd, "a", "eth0", "{\"egress\": {\"lag\": \"1ms\"}}",
	       "'lag': no impairment is called so");
	expect(fd, "a", "eth0", "{\"egress\": {\"delay\": 5}}",
	       "'delay': no impairment is called so");
	expect(fd, "a", "eth0", "{\"egress\": {\"delay\": \"5\"}}", "delay: '5': write like 20ms");
	expect(fd, "a", "eth7", "{}", "service 'a': has no interface or network 'eth7' now");
	expect(fd, "b", "eth0", "{}", "service 'b': there is none");
	expect(fd, "a", "eth0", "{\"index\": 2}",
	       "service 'a': there is none of this name and number");
	expect(fd, "a", "eth0", "{}", "[{\"egress\":{},\"ingress\":{},");
	end_it(fd);
}

static void live_with(struct life *l, const char *yaml, void (*client)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		alarm(60);
		client();
		_exit(0);
	}
	l->bystanders = true;
	live(l, yaml, NULL, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void expect_log(const struct life *l, const char *first, const char *second)
{
	const char *at = strstr(buf_str(&l->world.log), first);

	if (!at || !strstr(at, second))
		fail_msg("want '%s' before '%s' in:\n%s", first, second, buf_str(&l->world.log));
}

static void test_requests(void **state)
{
	struct life l = new_life();

	(void)state;
	live_with(&l, impaired, talk);
	assert_int_equal(l.rc, 0);
	expect_log(&l, "probe impairments\n",
		   "impair eth0 egress delay=5ms loss=1% ingress delay=5ms\n");
	expect_log(&l, "impair eth1 egress  ingress loss=2%\n", "impair eth0 egress  ingress \n");
	end_life(&l);
}

static void test_kept_over_restarts(void **state)
{
	static const struct fake_slot slots[] = { { .name = "a-1", .run_ms = 5, .status = 256 } };
	static const char yaml[] =
		"services:\n"
		"  a: {image: i, command: x, restart: 'on-failure:2', networks: {n: {x-impair: {delay: 5ms}}}}\n"
		"networks: {n: }\n";
	struct life l = new_life();
	const char *once;

	(void)state;
	live(&l, yaml, slots, 1);
	once = strstr(buf_str(&l.world.log), "impair eth0");
	assert_non_null(once);
	assert_null(strstr(once + 1, "impair eth0"));
	expect_log(&l, "impair eth0", "start a-1");
	end_life(&l);
}

static void test_not_impaired(void **state)
{
	static const struct fake_slot slots[] = { { .name = "a-1", .run_ms = 5 } };
	struct life l = new_life();

	(void)state;
	live(&l, "services:\n  a: {image: i, command: x}\n", slots, 1);
	assert_null(strstr(buf_str(&l.world.log), "impair"));
	end_life(&l);
}

static const char wired[] =
	"services:\n"
	"  a: {image: i, command: x, network_mode: none}\n"
	"  b: {image: i, command: x, network_mode: none}\n"
	"x-links:\n"
	"  - {endpoints: ['a:left', 'b:right'], impair: {delay: 5ms, egress: {loss: 1%}}}\n";

/* Each end sees it from its own side. */
static void talk_of_wires(void)
{
	int fd = connect_to_it();

	for (int i = 0; i < 3000; i++) {
		struct err err = { 0 };
		_cleanup_free_ char *text = ask(fd, json_object(), &err);

		if (strstr(text, "left"))
			break;
		usleep(10000);
	}
	expect(fd, NULL, NULL, "{}",
	       "[{\"egress\":{\"delay\":\"5ms\",\"loss\":\"1%\"},\"ingress\":{\"delay\":\"5ms\"},"
	       "\"interface\":\"left\",\"service\":\"a\",\"slot\":\"a-1\",\"wire\":\"b:right\"}]");
	expect(fd, "b", "right", "{}",
	       "[{\"egress\":{\"delay\":\"5ms\"},\"ingress\":{\"delay\":\"5ms\",\"loss\":\"1%\"},"
	       "\"interface\":\"right\",\"service\":\"b\",\"slot\":\"b-1\",\"wire\":\"a:left\"}]");
	expect(fd, "b", "right",
	       "{\"egress\": {\"rate\": \"1mbit\"}, \"ingress\": {\"delay\": \"0\"}}",
	       "[{\"egress\":{\"delay\":\"5ms\",\"rate\":\"1mbit\"},");
	expect(fd, "b", "left", "{}", "service 'b': has no interface or network 'left' now");
	expect(fd, "a", "left", "{\"egress\": true}",
	       "[{\"egress\":{},\"ingress\":{\"delay\":\"5ms\",\"rate\":\"1mbit\"}");
	end_it(fd);
}

static void test_wires(void **state)
{
	struct life l = new_life();

	(void)state;
	live_with(&l, wired, talk_of_wires);
	assert_int_equal(l.rc, 0);
	expect_log(&l, "impair left to right egress delay=5ms loss=1% ingress delay=5ms\n",
		   "impair left to right egress loss=1% ingress delay=5ms rate=1mbit\n");
	expect_log(&l, "impair left to right egress loss=1% ingress delay=5ms rate=1mbit\n",
		   "impair left to right egress  ingress delay=5ms rate=1mbit\n");
	end_life(&l);
}

static void test_wire_fails(void **state)
{
	struct life l = new_life();

	(void)state;
	l.world.impair_fails = 1;
	live(&l, wired, NULL, 0);
	assert_int_equal(l.rc, -1);
	assert_non_null(strstr(l.err.text, "x-links: 'a:left': no queue today"));
	end_life(&l);
}

/* The wire is not there then; the next start makes it anew, with all that it is to do. */
static void talk_of_a_second_try(void)
{
	int fd = connect_to_it();
	json_t *body = json_pack("{s: [s]}", "services", "a");
	struct err err = { 0 };

	MUST(ctl_call(fd, CTL_START, body, NULL, NULL, &err) < 0);
	MUST(strstr(err.text, "no queue today"));
	MUST(ctl_call(fd, CTL_START, body, NULL, NULL, &err) == 0);
	json_decref(body);
	end_it(fd);
}

static void test_wire_fails_once(void **state)
{
	struct life l = new_life();

	(void)state;
	l.opts.no_start = true;
	/* What it had come to is taken back, which fails as well. */
	l.world.impair_fails = 2;
	live_with(&l, wired, talk_of_a_second_try);
	assert_int_equal(l.rc, 0);
	expect_log(&l, "disconnect 0\n", "connect a:left b:right\n");
	expect_log(&l, "connect a:left b:right\n", "impair left to right egress delay=5ms loss=1%");
	end_life(&l);
}

static void test_fails(void **state)
{
	struct life l = new_life();

	(void)state;
	l.world.impair_fails = 1;
	live(&l, impaired, NULL, 0);
	assert_int_equal(l.rc, -1);
	assert_non_null(strstr(l.err.text, "service 'a': no queue today"));
	end_life(&l);
}

/* Said before anything is made. */
static void test_no_netem(void **state)
{
	struct life l = new_life();

	(void)state;
	l.world.no_netem = true;
	live(&l, impaired, NULL, 0);
	assert_int_equal(l.rc, -1);
	assert_null(strstr(buf_str(&l.world.log), "net up"));
	end_life(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),     cmocka_unit_test(test_kept_over_restarts),
		cmocka_unit_test(test_not_impaired), cmocka_unit_test(test_fails),
		cmocka_unit_test(test_no_netem),     cmocka_unit_test(test_wires),
		cmocka_unit_test(test_wire_fails),
		cmocka_unit_test(test_wire_fails_once),
	};

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
