/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enter: a client steps into a container: what the command is, has and sees; its end, ours, and the container's. The test is
 * supervisor and client in one.
 */
#include <errno.h>
#include <poll.h>
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

#include "box/escort.h"
#include "unit/box/rig.h"

#define PATIENCE_MS 20000

struct result {
	int status;
	char out[8192];
};

static struct box_slot *start(struct rig *r, struct box_spec *spec)
{
	struct box_slot *s = rig_slot(r, "web-1");
	struct err err = { 0 };

	if (box_start(s, spec, true, &err) < 0)
		fail_msg("%s", err.text);
	rig_wait(r, BOX_STARTED);
	return s;
}

static struct box_slot *running(struct rig *r, uid_t uid)
{
	static const gid_t groups[] = { 7, 8 };
	const char *const argv[] = { "sleep", "60", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());

	spec.uid = spec.gid = uid;
	spec.cwd = "/tmp";
	spec.groups = groups;
	spec.n_groups = uid ? 2 : 0;
	return start(r, &spec);
}

static struct box_running *get(void)
{
	struct err err = { 0 };
	struct box_running *run = box_running_get(getpid(), "web-1", &err);

	if (!run)
		fail_msg("%s", err.text);
	return run;
}

static struct box_enter_spec spec_of(const struct box_running *run, const char *const *argv)
{
	return (struct box_enter_spec){ .argv = argv, .envp = run->envp, .user_term = -1 };
}

static void wait_end(struct box_entered *e, int *ret_status)
{
	struct pollfd p = { e->sock, POLLIN, 0 };
	struct err err = { 0 };
	int rc = 0;

	while (!rc && poll(&p, 1, PATIENCE_MS) > 0)
		rc = box_entered_hear(e, ret_status, &err);
	if (rc != 1)
		fail_msg("no end: %s", err.text);
}

/* What it writes to its standard output, to the end of it. */
static void read_output(int fd, struct result *res)
{
	struct pollfd p = { fd, POLLIN, 0 };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && poll(&p, 1, PATIENCE_MS) > 0) {
		n = read(fd, res->out + len, sizeof(res->out) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	res->out[len] = '\0';
}

static struct result enter(const struct box_running *run, const struct box_enter_spec *spec)
{
	struct box_entered e;
	struct result res = { 0 };
	struct err err = { 0 };

	if (box_enter(run, spec, &e, &err) < 0)
		fail_msg("%s", err.text);
	read_output(e.out, &res);
	wait_end(&e, &res.status);
	box_entered_close(&e);
	return res;
}

static struct result shell(const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct box_running *run = get();
	struct box_enter_spec spec = spec_of(run, argv);
	struct result res = enter(run, &spec);

	box_running_free(run);
	return res;
}

/* ---- what it is and has ---------------------------------------------------------------------- */

static void test_as_the_container(void **state)
{
	struct result res;

	running(*state, 1000);
	res = shell(
		"pwd; id -u; id -g; id -G; echo $COLOUR; hostname; cat /proc/self/cgroup | grep ^0:; exit 4");
	assert_string_equal(res.out, "/tmp\n1000\n1000\n1000 7 8\ngreen\nweb-1\n0::/\n");
	assert_int_equal(res.status, W_EXITCODE(4, 0));
}

/* Every line about rights and limits is that of PID 1, and nothing but its three streams is open. */
static void test_same_walls(void **state)
{
	struct result res;

	running(*state, 0);
	res = shell(
		"for i in 1 self; do grep -E '^(Uid|Gid|Cap|NoNew|Seccomp:|Sig(Ign|Blk))' /proc/$i/status; done;"
		"ls /proc/self/fd; cat /proc/self/oom_score_adj; ulimit -n; ulimit -c");
	assert_non_null(strstr(res.out, "CapBnd:"));
	{
		char *second = strstr(res.out + 1, "Uid:");
		size_t half = (size_t)(second - res.out);

		assert_non_null(second);
		assert_memory_equal(res.out, second, half);
		assert_string_equal(second + half, "0\n1\n2\n3\n0\n1024\n0\n");
	}
	res = shell(
		"for n in mnt pid net ipc uts cgroup user; do "
		"[ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] || echo $n; done");
	assert_string_equal(res.out, "");
}

static void test_other_user(void **state)
{
	static const gid_t groups[] = { 42 };
	const struct box_user user = { 5, 6, groups, 1 };
	const char *const argv[] = { "sh", "-c",
				     "id -u; id -G; pwd; echo x >/dev/stderr; echo x >/dev/stdout",
				     NULL };
	struct box_running *run;
	struct box_enter_spec spec;

	running(*state, 1000);
	run = get();
	spec = spec_of(run, argv);
	spec.user = &user;
	spec.cwd = "/";
	assert_string_equal(enter(run, &spec).out, "5\n6 42\n/\nx\n");
	box_running_free(run);
}

static void test_privileged(void **state)
{
	const char *const argv[] = {
		"sh", "-c",
		"grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status; mount -t tmpfs x /tmp && echo mounted",
		NULL
	};
	struct box_running *run;
	struct box_enter_spec spec;

	running(*state, 0);
	run = get();
	spec = spec_of(run, argv);
	spec.privileged = true;
	assert_string_equal(enter(run, &spec).out, "NoNewPrivs:\t0\nSeccomp:\t0\nmounted\n");
	box_running_free(run);
}

static void test_streams(void **state)
{
	const char *const argv[] = { "sh", "-c", "cat; echo bad >&2", NULL };
	struct box_running *run;
	struct box_enter_spec spec;
	struct box_entered e;
	struct result res;
	struct err err = { 0 };

	running(*state, 0);
	run = get();
	spec = spec_of(run, argv);
	assert_return_code(box_enter(run, &spec, &e, &err), 0);
	assert_int_equal(write(e.in, "text", 4), 4);
	cleanup_fd(&e.in);
	read_output(e.out, &res);
	assert_string_equal(res.out, "text");
	read_output(e.err_out, &res);
	assert_string_equal(res.out, "bad\n");
	wait_end(&e, &res.status);
	assert_int_equal(res.status, 0);
	box_entered_close(&e);
	box_running_free(run);
}

static struct result on_terminal(const char *script, const char *typed)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct box_running *run = get();
	struct box_enter_spec spec = spec_of(run, argv);
	struct box_entered e;
	struct result res;
	struct err err = { 0 };

	spec.tty = true;
	spec.rows = 12;
	spec.cols = 34;
	if (box_enter(run, &spec, &e, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(e.err_out, -1);
	assert_int_equal(write(e.in, typed, strlen(typed)), strlen(typed));
	read_output(e.out, &res);
	wait_end(&e, &res.status);
	box_entered_close(&e);
	box_running_free(run);
	return res;
}

static void test_terminal(void **state)
{
	struct result res;

	running(*state, 1000);
	res = on_terminal(
		"read x; t=$(readlink /proc/self/fd/0); echo $x $t $(stat -c %u $t) $(ls /proc/self/fd) $(stty size)",
		"line\n");
	assert_int_equal(res.status, 0);
	assert_string_equal(res.out, "line\r\nline /dev/pts/0 1000 0 1 2 3 12 34\r\n");
	/* As from the keyboard: the terminal makes a signal of it. */
	res = on_terminal("exec sleep 50", "\003");
	assert_int_equal(WTERMSIG(res.status), SIGINT);
}

/* ---- what cannot be -------------------------------------------------------------------------- */

static void refused(const struct box_running *run, const struct box_enter_spec *spec,
		    enum err_kind kind, const char *says)
{
	struct box_entered e;
	struct err err = { 0 };

	assert_int_equal(box_enter(run, spec, &e, &err), -1);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, says))
		fail_msg("%s", err.text);
}

static void test_errors(void **state)
{
	const char *const missing[] = { "nosuch", NULL }, *const no_program[] = { "/tmp", NULL },
			  *const fine[] = { "true", NULL };
	struct box_running *run;
	struct box_enter_spec spec;

	running(*state, 0);
	run = get();
	spec = spec_of(run, missing);
	refused(run, &spec, ERR_NOTFOUND, "nosuch");
	spec = spec_of(run, no_program);
	refused(run, &spec, ERR_NOEXEC, "/tmp");
	spec = spec_of(run, fine);
	spec.cwd = "/nowhere";
	refused(run, &spec, ERR_CREATE, "/nowhere");
	/* CVE-2024-21626: no descriptor is a way out. */
	spec.cwd = "/proc/self/fd/3";
	refused(run, &spec, ERR_CREATE, "working_dir");
	box_running_free(run);
}

static void test_not_running(void **state)
{
	struct rig *r = *state;
	struct err err = { 0 };
	char **list = box_running_list(getpid());

	assert_null(list[0]);
	free(list);
	assert_null(box_running_get(getpid(), "web-1", &err));
	assert_int_equal(err.sys, ENOENT);
	running(r, 0);
	list = box_running_list(getpid());
	assert_string_equal(list[0], "web-1");
	assert_null(list[1]);
	free(list[0]);
	free(list);
	assert_null(box_running_get(getpid(), "web", &err));
	assert_null(box_running_get(0x3fffffff, "web-1", &err));
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void test_container_ends(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = running(r, 0);
	const char *const argv[] = { "sleep", "50", NULL };
	struct box_running *run = get();
	struct box_enter_spec spec = spec_of(run, argv);
	struct box_entered e;
	struct err err = { 0 };
	int status;

	assert_return_code(box_enter(run, &spec, &e, &err), 0);
	assert_false(box_running_ended(run));
	box_kill(s, &err);
	/* Nobody has to look after the command for this to come. */
	rig_wait(r, BOX_EXITED);
	wait_end(&e, &status);
	assert_int_equal(status, SIGKILL);
	assert_true(box_running_ended(run));
	box_entered_close(&e);
	/* It is not taken for the next one in the same slot. */
	refused(run, &spec, ERR_CREATE, "ended");
	box_running_free(run);
}

/* In a process of its own, which ends at once. */
static void client(bool leaves)
{
	const char *const argv[] = {
		"sh", "-c",
		"trap 'echo >/tmp/hup; exit' HUP; echo >/tmp/begun; sleep 1; echo >/tmp/stayed; sleep 60 & wait",
		NULL
	};
	struct box_running *run = get();
	struct box_enter_spec spec = spec_of(run, argv);
	struct box_entered e;
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (box_enter(run, &spec, &e, NULL) < 0)
			_exit(1);
		/* Its trap is set then. */
		while (strcmp(shell("cat /tmp/begun").out, "\n") != 0)
			usleep(10000);
		if (leaves)
			box_entered_leave(&e);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	box_running_free(run);
}

static void wait_for(const char *script)
{
	for (int i = 0; i < 1000; i++) {
		if (!shell(script).status)
			return;
		usleep(20000);
	}
	fail_msg("waited for: %s", script);
}

static void test_client_dies(void **state)
{
	running(*state, 0);
	client(false);
	wait_for("[ -e /tmp/hup ]");
	assert_int_not_equal(shell("[ -e /tmp/stayed ] && [ ! -e /tmp/hup ]").status, 0);
}

static void test_client_leaves(void **state)
{
	running(*state, 0);
	client(true);
	wait_for("[ -e /tmp/stayed ]");
	assert_int_not_equal(shell("[ -e /tmp/hup ]").status, 0);
}

static void test_signal(void **state)
{
	const char *const argv[] = { "sleep", "50", NULL };
	struct box_running *run;
	struct box_enter_spec spec;
	struct box_entered e;
	int status;

	running(*state, 0);
	run = get();
	spec = spec_of(run, argv);
	assert_return_code(box_enter(run, &spec, &e, NULL), 0);
	box_entered_signal(&e, SIGUSR1);
	wait_end(&e, &status);
	assert_int_equal(status, SIGUSR1);
	box_entered_close(&e);
	box_running_free(run);
}

/* ---- ids ------------------------------------------------------------------------------------- */

static void test_map(void **state)
{
	static const char map[] = "         0 1879048192      65536\n     70000       5      2\n";

	(void)state;
	assert_int_equal(enter_map_id(map, 0), 1879048192);
	assert_int_equal(enter_map_id(map, 65535), 1879113727);
	assert_int_equal(enter_map_id(map, 65536), UINT32_MAX);
	assert_int_equal(enter_map_id(map, 70001), 6);
	assert_int_equal(enter_map_id("", 0), UINT32_MAX);
	assert_int_equal(enter_map_id("rubbish", 0), UINT32_MAX);
}

#define RIGGED(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIGGED(test_as_the_container), RIGGED(test_same_walls),
		RIGGED(test_other_user),       RIGGED(test_privileged),
		RIGGED(test_streams),	       RIGGED(test_terminal),
		RIGGED(test_errors),	       RIGGED(test_not_running),
		RIGGED(test_container_ends),   RIGGED(test_client_dies),
		RIGGED(test_client_leaves),    RIGGED(test_signal),
		cmocka_unit_test(test_map),
	};

	if (geteuid()) {
		printf("skipped: needs root\n");
		return 0;
	}
	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
