/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of a start from the supervisor's side: its events, exits, restarts, the word to go on, and
 * zombies.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

static void test_runs_and_exits(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sh", "-c", "echo $$ $COLOUR; echo two >&2; exit 3", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;

	assert_string_equal(rig_run(r, s, &spec, &status), "1 green\ntwo\n");
	assert_int_equal(status, W_EXITCODE(3, 0));
	assert_int_equal(box_pid(s), 0);
}

static void test_restart_keeps_the_slot(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	char first[64], second[64];

	snprintf(first, sizeof(first), "%s",
		 rig_script(r, s, "readlink /proc/self/ns/net; echo kept >/kept"));
	snprintf(second, sizeof(second), "%s", rig_script(r, s, "readlink /proc/self/ns/net"));
	assert_string_equal(first, second);
	assert_non_null(strstr(first, "net:["));
	assert_string_equal(rig_script(r, s, "cat /kept"), "kept\n");
	assert_true(fcntl(box_slot_netns(s), F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(box_slot_rtnl(s), F_GETFD) & FD_CLOEXEC);
}

static void test_waits_for_the_word(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "echo", "gone", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct err err;

	assert_int_equal(box_start(s, &spec, false, &err), 0);
	assert_int_equal(box_start(s, &spec, false, &err), -1);
	rig_idle(r, 0.1);
	assert_string_equal(rig_output(), "");
	box_go(s);
	rig_wait(r, BOX_STARTED);
	rig_wait(r, BOX_EXITED);
	assert_string_equal(rig_output(), "gone\n");
}

static void test_killed_while_waiting(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "true", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	const struct err *err;

	assert_int_equal(box_start(s, &spec, false, NULL), 0);
	rig_idle(r, 0.1);
	assert_int_equal(box_kill(s, NULL), 0);
	err = &rig_wait(r, BOX_START_FAILED)->err;
	assert_string_equal(err->text, "killed while being set up (SIGKILL)");
	assert_int_equal(err->kind, ERR_CREATE);
}

static void test_exit_by_signal(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sleep", "60", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	pid_t pid;

	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	pid = rig_wait(r, BOX_STARTED)->pid;
	assert_int_equal(pid, box_pid(s));
	assert_int_equal(box_kill(s, NULL), 0);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, SIGKILL);
	assert_false(cgroup_populated(s->cgroup.fd));
	/* A group that was killed is not good for another clone, and nobody may notice. */
	assert_int_equal(cgroup_kill_all(&s->cgroup), 0);
	assert_string_equal(rig_script(r, s, "echo again"), "again\n");
}

/* What PID 1 leaves behind goes with it. */
static void test_exit_takes_all_along(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");

	rig_script(r, s, "sleep 60 & sleep 61 & exit 0");
	assert_false(cgroup_populated(s->cgroup.fd));
	assert_false(cgroup_count(s->cgroup.fd, 9));
}

static const struct {
	const char *command;
	enum err_kind kind;
	const char *text;
} bad_commands[] = {
	{ "nosuch", ERR_NOTFOUND, "exec: 'nosuch': not found in the image's PATH (/nowhere:/bin)" },
	{ "/bin/nosuch", ERR_NOTFOUND, "exec: '/bin/nosuch': not found in the image" },
	{ "/tmp", ERR_NOEXEC, "exec: '/tmp' cannot be executed: permission denied" },
	{ "/bin/plain", ERR_NOEXEC, "exec: '/bin/plain' cannot be executed: permission denied" },
	{ "plain", ERR_NOEXEC, "exec: '/bin/plain' cannot be executed: permission denied" },
	{ "/bin/rubbish", ERR_NOEXEC,
	  "exec: '/bin/rubbish' cannot be executed: exec format error" },
	{ "/bin/orphan", ERR_NOTFOUND,
	  "exec: '/bin/orphan' is there, but not its interpreter or loader: no such file or directory" },
	{ "", ERR_CREATE, "the command is empty" },
};

static void test_bad_commands(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *argv[] = { NULL, NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());

	file_replace(AT_FDCWD, rig_path(RIG_IMAGE "/bin/plain"), "x", 1, 0644);
	file_replace(AT_FDCWD, rig_path(RIG_IMAGE "/bin/rubbish"), "\1\2\3", 3, 0755);
	file_replace(AT_FDCWD, rig_path(RIG_IMAGE "/bin/orphan"), "#!/nosuch\n", 10, 0755);
	for (size_t i = 0; i < ARRAY_LEN(bad_commands); i++) {
		const struct err *err;

		argv[0] = bad_commands[i].command;
		err = rig_fail(r, s, &spec);
		assert_string_equal(err->text, bad_commands[i].text);
		assert_int_equal(err->kind, bad_commands[i].kind);
	}
	/* The slot is as good as before. */
	assert_string_equal(rig_script(r, s, "echo fine"), "fine\n");
}

/* Each of them is short enough; together they are ten megabytes. */
static void test_large_environment(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "true", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	_cleanup_free_ char *text = xcalloc(1, 100001);
	const char *envp[101] = { "PATH=/bin" };

	memset(text, 'x', 100000);
	text[1] = '=';
	for (size_t i = 1; i < ARRAY_LEN(envp) - 1; i++)
		envp[i] = text;
	spec.envp = envp;
	assert_string_equal(rig_fail(r, s, &spec)->text,
			    "exec: its arguments and environment are more than the kernel takes (a "
			    "quarter of the stack's limit): put what is large into files");
}

static void test_many_at_once(void **state)
{
	struct rig *r = *state;
	struct box_slot_spec spec = { .tmp_upper = true };
	const char *const argv[] = { "true", NULL };
	struct box_spec start = rig_spec(argv, rig_pipe());
	struct box_slot *slots[10];
	char name[16];

	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		snprintf(name, sizeof(name), "many-%zu", i);
		spec.name = name;
		slots[i] = box_slot_open(r->rt, &spec, NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		rig_wait(r, BOX_SLOT_READY);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		assert_int_equal(box_start(slots[i], &start, false, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		box_go(slots[i]);
	for (size_t started = 0, exited = 0; exited < ARRAY_LEN(slots);) {
		const struct box_event *ev = rig_any(r);

		started += ev->kind == BOX_STARTED;
		exited += ev->kind == BOX_EXITED;
		assert_true(exited <= started);
		assert_int_equal(ev->status, 0);
	}
}

/*
 * In a container that is PID 1 of a machine, zombies of others come to us; ours must not be lost
 * among them.
 */
static void test_strangers(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sh", "-c", "exit 5", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	pid_t stranger = fork();
	siginfo_t si;

	if (!stranger)
		_exit(0);
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	for (int i = 0; i < 200; i++) {
		usleep(2000);
		box_reap_strangers(r->rt);
	}
	rig_wait(r, BOX_STARTED);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, W_EXITCODE(5, 0));
	assert_int_equal(waitid(P_PID, (id_t)stranger, &si, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* The supervisor's death, whenever it comes, is the container's. */
static void test_dies_with_the_supervisor(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sleep", "60", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_slot *other;
	char path[300];
	int pair[2], fd;
	pid_t pid;

	(void)s;
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (!pid) {
		/* A supervisor of its own, with a loop of its own: epoll is not for sharing. */
		ev_loop_fork(r->loop);
		r->rt->self = (int)syscall(434, getpid(), 0);
		other = rig_slot(r, "web-2");
		if (box_start(other, &spec, true, NULL))
			_exit(1);
		rig_wait(r, BOX_STARTED);
		if (write(pair[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], path, 1), 1);
	snprintf(path, sizeof(path), "%s/web-2", r->rt->tree.path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(cgroup_populated(fd));
	kill(pid, SIGKILL);
	for (int i = 0; i < 2000 && cgroup_populated(fd); i++)
		usleep(5000);
	assert_false(cgroup_populated(fd));
	close(fd);
	close(pair[0]);
	assert_true(cgroup_remove(path) >= 0);
}

static void test_close_while_running(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sleep", "60", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	char path[300];

	snprintf(path, sizeof(path), "%s", s->cgroup.path);
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	box_slot_close(s);
	for (int i = 0; i < 100 && !access(path, F_OK); i++)
		rig_idle(r, 0.01);
	assert_int_equal(access(path, F_OK), -1);
	assert_null(r->rt->slots);
	assert_null(ledger_find(r->ledger, "cgroup", path));
}

static void test_close_while_opening(void **state)
{
	struct rig *r = *state;
	struct box_slot_spec spec = { .name = "web-1" };

	box_slot_close(box_slot_open(r->rt, &spec, NULL));
	rig_idle(r, 0.2);
	assert_null(r->rt->slots);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_runs_and_exits),
		T(test_restart_keeps_the_slot),
		T(test_waits_for_the_word),
		T(test_killed_while_waiting),
		T(test_exit_by_signal),
		T(test_exit_takes_all_along),
		T(test_bad_commands),
		T(test_large_environment),
		T(test_many_at_once),
		T(test_strangers),
		T(test_dies_with_the_supervisor),
		T(test_close_while_running),
		T(test_close_while_opening),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
