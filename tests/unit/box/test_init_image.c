/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of `init`: the small program as PID 1 of a container, from what its command sees to how it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/init_image.h"
#include "unit/box/rig.h"

static const char *run(struct rig *r, const char *script, int *ret_status)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());

	spec.init = true;
	return rig_run(r, rig_slot(r, "a-1"), &spec, ret_status);
}

static void test_command_is_a_child(void **state)
{
	int status;

	assert_string_equal(
		run(*state, "cat /proc/1/comm; echo $PPID; test $$ != 1; echo $?", &status),
		"init\n1\n0\n");
	assert_int_equal(status, 0);
}

/* What it passes on is what the command would have had without it. */
static void test_nothing_is_lost(void **state)
{
	int status;

	assert_string_equal(
		run(*state,
		    "grep -E '^Sig(Blk|Ign|Cgt)|^NoNewPrivs|^Seccomp:' /proc/self/status; ls /proc/self/fd | wc -l",
		    &status),
		"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n"
		"NoNewPrivs:\t1\nSeccomp:\t2\n4\n");
}

static void test_ends_as_the_command(void **state)
{
	static const struct {
		const char *script;
		int code;
	} cases[] = {
		{ "exit 0", 0 },
		{ "exit 7", 7 },
		{ "exit 255", 255 },
		{ "kill -TERM $$", 128 + SIGTERM },
		{ "kill -KILL $$", 128 + SIGKILL },
		{ "sleep 1000 & exit 3", 3 },
	};
	int status;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig *r = *state;
		const char *argv[] = { "sh", "-c", cases[i].script, NULL };
		struct box_spec spec = rig_spec(argv, rig_pipe());
		_cleanup_free_ char *name = xasprintf("a-%zu", i + 1);

		spec.init = true;
		rig_run(r, rig_slot(r, name), &spec, &status);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), cases[i].code);
	}
}

static void test_orphans_are_reaped(void **state)
{
	int status;

	assert_string_equal(run(*state,
				"for i in 1 2 3 4 5; do (sleep 0.1 &); done; sleep 1; "
				"grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l",
				&status),
			    "0\n");
}

/* Also one that PID 1 itself would never be ended by. */
static void test_signals_are_passed_on(void **state)
{
	static const int signals[] = { SIGTERM, SIGUSR1 };
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		const char *argv[] = { "sleep", "1000", NULL };
		struct box_spec spec = rig_spec(argv, rig_pipe());
		_cleanup_free_ char *name = xasprintf("s-%zu", i + 1);
		struct box_slot *s = rig_slot(r, name);
		const struct box_event *ev;
		bool ignored = true;

		spec.init = true;
		assert_int_equal(box_start(s, &spec, true, NULL), 0);
		rig_wait(r, BOX_STARTED);
		assert_int_equal(box_signal(s, signals[i], &ignored, NULL), 0);
		assert_false(ignored);
		ev = rig_wait(r, BOX_EXITED);
		assert_int_equal(WEXITSTATUS(ev->status), 128 + signals[i]);
	}
}

/* Told as without init, before anything runs. */
static void test_no_command(void **state)
{
	static const struct {
		const char *name;
		enum err_kind kind;
		const char *why;
	} cases[] = {
		{ "nowhere", ERR_NOTFOUND, "'nowhere': not found in the image's PATH" },
		{ "/no/where", ERR_NOTFOUND, "'/no/where': not found in the image" },
		{ "/bin", ERR_NOEXEC, "'/bin' cannot be executed" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig *r = *state;
		const char *argv[] = { cases[i].name, NULL };
		struct box_spec spec = rig_spec(argv, rig_pipe());
		_cleanup_free_ char *name = xasprintf("n-%zu", i + 1);
		const struct err *err;

		spec.init = true;
		err = rig_fail(r, rig_slot(r, name), &spec);
		assert_int_equal(err->kind, cases[i].kind);
		assert_non_null(strstr(err->text, cases[i].why));
	}
}

/* What only the execution itself can find out is found out by init, which says it where the command would. */
static void test_no_interpreter(void **state)
{
	struct rig *r = *state;
	const char *argv[] = { "/script", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;

	spec.init = true;
	assert_int_equal(
		file_replace(AT_FDCWD, rig_path(RIG_IMAGE "/script"), "#!/no/where\n", 12, 0755),
		0);
	assert_string_equal(rig_run(r, rig_slot(r, "a-1"), &spec, &status),
			    "init: /script: its interpreter or loader is not there\n");
	assert_int_equal(WEXITSTATUS(status), 127);
	assert_int_equal(unlink(rig_path(RIG_IMAGE "/script")), 0);
}

static void test_cannot_be_changed(void **state)
{
	_cleanup_fd_ int fd = init_image_open(NULL);
	int status;

	(void)state;
	assert_true(fd >= 0);
	assert_true(init_image_size() > 1000 && init_image_size() < 200000);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_string_equal(
		run(*state,
		    "{ echo x >/proc/1/exe; } 2>/dev/null || echo denied; "
		    "dd if=/dev/zero of=/proc/1/exe conv=notrunc count=1 2>/dev/null || echo denied",
		    &status),
		"denied\ndenied\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_command_is_a_child),    T(test_nothing_is_lost),
		T(test_ends_as_the_command),   T(test_orphans_are_reaped),
		T(test_signals_are_passed_on), T(test_no_command),
		T(test_no_interpreter),	       T(test_cannot_be_changed),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
