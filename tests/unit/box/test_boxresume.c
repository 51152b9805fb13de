/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boxresume: a second runtime takes up what the first one has written down, with the same descriptors, as the next program does. The
 * first one stays in memory and is never asked again: what its loop would hear is nobody's.
 */
#include <ev.h>
#include <fcntl.h>
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

#include "mstack/box_resume.h"
#include "unit/box/rig.h"

enum { LEFT_MAX = 16 };
/* What a real program would have lost with its memory. */
static struct {
	void *v[LEFT_MAX];
	size_t n;
} left;

static void leave(void *p)
{
	assert_true(left.n < LEFT_MAX);
	left.v[left.n++] = p;
}

static struct carry *write_down(struct rig *r, struct box_slot *s)
{
	struct carry *root = carry_new();

	assert_null(box_busy(r->rt));
	box_carry(r->rt, carry_add(root, "box"));
	if (s)
		box_slot_carry(s, carry_add(root, "slot"));
	return root;
}

static struct box_slot *take_up(struct rig *r, struct carry *root, const struct box_spec *runs)
{
	const struct box_slot_spec spec = { .token = 7, .name = "web-1" };
	struct box_slot *s;
	struct err err = { 0 };
	struct box_runtime *old = r->rt;

	leave(r->rt);
	leave(r->loop);
	r->loop = ev_loop_new(0);
	r->rt = box_resume(r->loop, carry_next(root, "box", NULL), r->ledger, old->fn, old->arg,
			   &err);
	if (!r->rt)
		fail_msg("%s", err.text);
	s = box_slot_resume(r->rt, &spec, carry_next(root, "slot", NULL), runs, &err);
	if (!s)
		fail_msg("%s", err.text);
	carry_free(root);
	return s;
}

static struct box_slot *running(struct rig *r, const char *script, struct box_spec *ret_spec)
{
	static const char *argv[] = { "sh", "-c", NULL, NULL };
	struct box_slot *s = rig_slot(r, "web-1");

	argv[2] = script;
	*ret_spec = rig_spec(argv, rig_pipe());
	assert_int_equal(box_start(s, ret_spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	return s;
}

static const char *shell(struct rig *r, struct box_slot *s, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct box_exec_spec spec = { .token = 42, .argv = argv };
	struct err err = { 0 };

	if (box_exec(s, &spec, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(rig_wait(r, BOX_EXEC_DONE)->status, 0);
	return r->exec_output;
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void test_running(void **state)
{
	struct rig *r = *state;
	struct box_spec spec;
	struct box_slot *s =
		running(r, "trap 'exit 5' TERM; touch /tmp/here; sleep 60 & wait", &spec);
	pid_t pid = box_pid(s);
	ino_t netns = inode(box_slot_netns(s));
	uint32_t item = box_slot_item(s), ids = box_ids(r->rt);
	const struct box_event *ev;

	s = take_up(r, write_down(r, s), &spec);
	assert_int_equal(box_pid(s), pid);
	assert_int_equal(inode(box_slot_netns(s)), netns);
	assert_int_equal(box_slot_item(s), item);
	assert_int_equal(box_ids(r->rt), ids);
	assert_true(fcntl(box_slot_socket(s, BOX_UDP), F_GETFD) == FD_CLOEXEC);
	assert_string_equal(
		shell(r, s,
		      "while [ ! -e /tmp/here ]; do :; done; pwd; echo $COLOUR; hostname; echo /tmp/*"),
		"/\ngreen\nweb-1\n/tmp/here\n");
	assert_int_equal(box_signal(s, SIGTERM, NULL, NULL), 0);
	ev = rig_wait(r, BOX_EXITED);
	assert_int_equal(ev->token, 7);
	assert_int_equal(ev->pid, pid);
	assert_int_equal(ev->status, W_EXITCODE(5, 0));
	/* The next one is started in the same slot. */
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	assert_int_equal(inode(box_slot_netns(s)), netns);
	box_kill(s, NULL);
	rig_wait(r, BOX_EXITED);
	assert_string_equal(rig_script(r, s, "echo again"), "again\n");
}

/* What ends while nobody listens is heard of by whoever listens next, with its status. */
static void test_ended_meanwhile(void **state)
{
	struct rig *r = *state;
	struct box_spec spec;
	struct box_slot *s =
		running(r, "until [ -e /tmp/end ]; do sleep 0.01; done; exit 3", &spec);
	struct carry *root = write_down(r, s);
	struct pollfd end = { .fd = s->guest.two.fd, .events = POLLIN };
	_cleanup_free_ char *word = xasprintf("/proc/%d/root/tmp/end", (int)box_pid(s));

	/* It ends when the first runtime is not asked any more. */
	assert_int_equal(mknod(word, S_IFREG | 0644, 0), 0);
	assert_int_equal(poll(&end, 1, 60000), 1);
	s = take_up(r, root, &spec);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, W_EXITCODE(3, 0));
	assert_string_equal(rig_script(r, s, "echo on"), "on\n");
}

static void test_empty(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	ino_t netns = inode(box_slot_netns(s));

	s = take_up(r, write_down(r, s), NULL);
	assert_int_equal(box_pid(s), 0);
	assert_int_equal(inode(box_slot_netns(s)), netns);
	assert_string_equal(rig_script(r, s, "echo first"), "first\n");
}

/* Who is only tried out must not end what was begun meanwhile. Who takes up from a dead one must. */
static void test_begun_meanwhile(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct carry *root = write_down(r, s);
	_cleanup_fd_ int procs = openat(s->cgroup.fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	int status;
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	assert_true(dprintf(procs, "%d", (int)pid) > 0);
	s = take_up(r, root, NULL);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(box_clear_rest(r->rt, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_string_equal(rig_script(r, s, "echo next"), "next\n");
}

/* Of another version: what it wrote down for clients cannot be read, and is written anew. */
static void test_other_version(void **state)
{
	struct rig *r = *state;
	struct box_spec spec;
	struct box_slot *s = running(r, "exec sleep 60", &spec);
	struct box_running *one;
	struct err err = { 0 };

	leave(s);
	close(s->memo);
	s->memo = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s = take_up(r, write_down(r, s), &spec);
	assert_string_equal(shell(r, s, "echo $COLOUR"), "green\n");
	one = box_running_get(getpid(), "web-1", &err);
	if (!one)
		fail_msg("%s", err.text);
	assert_int_equal(one->pid, box_pid(s));
	box_running_free(one);
}

static void test_busy(void **state)
{
	struct rig *r = *state;
	struct box_spec spec;
	struct box_slot *s;
	const char *const argv[] = { "sleep", "60", NULL };
	const struct box_exec_spec probe = { .argv = argv };

	s = running(r, "exec sleep 60", &spec);
	assert_null(box_busy(r->rt));
	assert_int_equal(box_exec(s, &probe, NULL), 0);
	assert_string_equal(box_busy(r->rt), "web-1");
	box_exec_cancel(s);
	rig_wait(r, BOX_EXEC_DONE);
	assert_null(box_busy(r->rt));
	box_kill(s, NULL);
	rig_wait(r, BOX_EXITED);
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	assert_string_equal(box_busy(r->rt), "web-1");
	rig_wait(r, BOX_STARTED);
}

static void test_nothing_carried(void **state)
{
	struct rig *r = *state;
	const struct box_slot_spec spec = { .token = 7, .name = "web-1" };
	struct carry *root = carry_new();
	struct err err = { 0 };

	assert_null(box_resume(r->loop, root, r->ledger, r->rt->fn, r->rt->arg, &err));
	assert_non_null(strstr(err.text, "not carried over"));
	assert_null(box_slot_resume(r->rt, &spec, root, NULL, &err));
	assert_non_null(strstr(err.text, "slot 'web-1': its namespaces were not carried over"));
	carry_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_running, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_ended_meanwhile, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_empty, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_begun_meanwhile, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_other_version, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_busy, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_nothing_carried, rig_up, rig_down),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
