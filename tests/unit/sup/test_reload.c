/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload: a supervisor on made-up rooms that is sent SIGHUP. Who reads the file again is this program as well: a variable says what it is to
 * be, and main looks there first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mstack/ctl.h"
#include "unit/sup/life.h"

#define READER "MSTACK_TEST_READER" /* fails, dies, asks */

static const char before[] = "services:\n  a: {image: i, command: x}\n";
static const char after[] = "services:\n  a: {image: i, command: x, labels: {n: '1'}}\n"
			    "  b: {image: i, command: x}\n";

/* ---- who reads ------------------------------------------------------------------------------- */

/* 0 when all has arrived. */
static int ask(void)
{
	_cleanup_free_ char *path = sup_socket_path("t");
	struct stack_diags *diags = stack_diags_new();
	struct ctl_msg m = { .type = CTL_APPLY, .id = 7, .n_fds = 1 };
	struct err err = { 0 };
	int fd = ctl_connect(path, 20000, &err), rc;

	snprintf(life_dir, sizeof(life_dir), "%s", getenv("MSTACK_TEST_DIR"));
	m.fds[0] = sup_document(life_load(after, diags), &err);
	m.body = json_object();
	rc = fd < 0 || m.fds[0] < 0 ? -1 : ctl_send(fd, &m, &err);
	for (bool last = false; rc == 0 && !last;) {
		struct ctl_msg answer = { 0 };

		rc = ctl_recv(fd, &answer, &err) || answer.type == CTL_ERROR ? -1 : 0;
		last = answer.flags & CTL_LAST;
		ctl_msg_fini(&answer);
	}
	return rc;
}

static int be_reader(const char *what)
{
	const char *of = getenv(SUP_RELOAD_VARIABLE);

	/* Of which stack, and which file. */
	if (strncmp(of, "t:/", 3) != 0 || !strstr(of, "/stack.yaml"))
		return 9;
	if (!strcmp(what, "dies"))
		raise(SIGKILL);
	return strcmp(what, "asks") ? 3 : ask() ? 4 : 0;
}

/* ---- the supervisor -------------------------------------------------------------------------- */

static size_t count(const struct buf *b, const char *word)
{
	size_t n = 0;

	for (const char *c = buf_str(b); (c = strstr(c, word)); c++)
		n++;
	return n;
}

static struct life read_by(const char *reader,
			   void (*said_by)(void *, enum sup_say, const char *, const char *))
{
	static const struct fake_slot slots[] = { { .name = "a-1", .run_ms = 900 },
						  { .name = "b-1", .run_ms = 100 } };
	struct life l = new_life();

	setenv(READER, reader, 1);
	setenv("MSTACK_TEST_DIR", life_dir, 1);
	l.signo = SIGHUP;
	l.said_by = said_by;
	live(&l, before, slots, ARRAY_LEN(slots));
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.exit_code, 0);
	assert_non_null(strstr(buf_str(&l.world.log), "exit a-1\n"));
	return l;
}

static void test_asks(void **state)
{
	struct life l = read_by("asks", NULL);

	(void)state;
	assert_int_equal(count(&l.world.log, "start a-1"), 1);
	assert_int_equal(count(&l.world.log, "start b-1"), 1);
	assert_null(strstr(buf_str(&l.said), "goes on as it was"));
	end_life(&l);
}

static void test_fails(void **state)
{
	struct life l = read_by("fails", NULL);

	(void)state;
	assert_int_equal(count(&l.said, "SIGHUP: the stack goes on as it was"), 1);
	end_life(&l);
}

static void test_dies(void **state)
{
	struct life l = read_by("dies", NULL);

	(void)state;
	assert_int_equal(count(&l.said, "SIGHUP: who read the file was killed: the stack goes on"),
			 1);
	end_life(&l);
}

/* Three signals while the first one is answered: the file is read once more. */
static void say_again(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	struct life *l = arg;

	if (strstr(text, "reading") && !count(&l->said, "reading"))
		for (int i = 0; i < 3; i++)
			raise(SIGHUP);
	life_say(arg, kind, slot, text);
}

static void test_again(void **state)
{
	struct life l = read_by("fails", say_again);

	(void)state;
	assert_int_equal(count(&l.said, "reading the stack file again"), 2);
	assert_int_equal(count(&l.said, "goes on as it was"), 2);
	end_life(&l);
}

/* It ends with its child. */
static void stop_now(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	if (strstr(text, "reading"))
		raise(SIGTERM);
	life_say(arg, kind, slot, text);
}

static void test_ends(void **state)
{
	static const struct fake_slot slots[] = { { .name = "a-1" } };
	struct life l = new_life();

	(void)state;
	setenv(READER, "asks", 1);
	l.signo = SIGHUP;
	l.said_by = stop_now;
	live(&l, before, slots, ARRAY_LEN(slots));
	assert_int_equal(l.rc, 0);
	assert_null(strstr(buf_str(&l.world.log), "start b-1"));
	end_life(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asks), cmocka_unit_test(test_fails),
		cmocka_unit_test(test_dies), cmocka_unit_test(test_again),
		cmocka_unit_test(test_ends),
	};

	if (getenv(SUP_RELOAD_VARIABLE))
		_exit(be_reader(getenv(READER)));
	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
