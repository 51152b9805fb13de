/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * minding, outlived: a guard that keeps what a supervisor handed over, as a process of its own, without anything else of a stack: who may ask it,
 * and what is left of it when it is killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/ctl.h"
#include "sup/keeping.h"
#include "unit/sup/life.h"

enum { STRANGER = 65533, PATIENCE_MS = 20000 };

struct kept {
	pid_t guard;
	int pipe; /* ends when nobody keeps its other end any more */
};

/* ---- keeping --------------------------------------------------------------------------------- */

static _Noreturn void guard(int supervisor, int sock, int other)
{
	struct bundle kept = { 0 };
	struct err err = { 0 };
	struct ledger *ledger = sup_ledger_open("t", true, 0, &err);
	int door;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* of a test that fails nothing is left either */
	close(other);
	if (ledger && sup_mind("t", supervisor, sock, &kept, &door))
		sup_keep("t", ledger, &kept, door);
	_exit(1);
}

/* A tree with a text and a descriptor. What the guard answers. */
static int64_t hand_over(int sock, uint32_t number, const char *text, int fd)
{
	struct carry *tree = carry_new();
	struct pollfd p = { .fd = sock, .events = POLLIN };
	_cleanup_free_ int *fds = NULL;
	struct err err = { 0 };
	int64_t word = 0;
	size_t n = 0;
	int file;

	carry_put(tree, "text", text);
	carry_put_fd(tree, "pipe", fd);
	file = carry_write(tree, &err);
	fds = carry_fds(tree, &n);
	assert_int_equal(bundle_send(sock, number, file, fds, n, &err), 0);
	close(file);
	carry_free(tree);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(sock, &word, sizeof(word), 0), sizeof(word));
	return word;
}

/* A supervisor, and its guard at the other end of a socket. */
struct watched {
	pid_t supervisor;
	int sock;
	struct kept k;
};

static struct watched watch(void)
{
	struct watched w = { .supervisor = fork(), .k.pipe = -1 };
	int pair[2], supervisor;

	if (w.supervisor == 0)
		for (;;)
			pause();
	supervisor = (int)syscall(SYS_pidfd_open, w.supervisor, 0);
	assert_true(w.supervisor > 0 && supervisor >= 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	w.k.guard = fork();
	if (w.k.guard == 0)
		guard(supervisor, pair[1], pair[0]);
	close(pair[1]);
	close(supervisor);
	w.sock = pair[0];
	return w;
}

/* Hands over a text and the end of a pipe, which nobody else has. */
static int64_t give(struct watched *w, uint32_t number, const char *text)
{
	int ends[2];
	int64_t word;

	assert_int_equal(pipe(ends), 0);
	word = hand_over(w->sock, number, text, ends[1]);
	close(ends[1]);
	if (w->k.pipe >= 0)
		close(w->k.pipe);
	w->k.pipe = ends[0];
	return word;
}

static struct kept die(struct watched *w)
{
	kill(w->supervisor, SIGKILL);
	assert_int_equal(waitpid(w->supervisor, NULL, 0), w->supervisor);
	close(w->sock);
	return w->k;
}

/* A supervisor hands over and dies. */
static struct kept keep(const char *text)
{
	struct watched w = watch();

	assert_int_equal(give(&w, 7, text), 7);
	return die(&w);
}

static bool is_held(const struct kept *k, int ms)
{
	struct pollfd p = { .fd = k->pipe, .events = POLLIN };

	return poll(&p, 1, ms) == 0;
}

static bool says(const char *text)
{
	struct err err = { 0 };
	struct carry *tree = sup_kept("t", &err);
	const char *kept = tree ? carry_text(tree, "text") : NULL;
	bool same = kept && !strcmp(kept, text);

	carry_free(tree);
	return same;
}

static void let_go(struct kept *k)
{
	struct err err = { 0 };
	int status = -1;

	assert_int_equal(sup_kept_release("t", CTL_FORGET, &err), 0);
	assert_int_equal(waitpid(k->guard, &status, 0), k->guard);
	assert_int_equal(status, 0);
	assert_false(is_held(k, PATIENCE_MS));
	close(k->pipe);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_killed(void **state)
{
	struct kept first = keep("first"), second;
	struct err err = { 0 };

	(void)state;
	assert_true(says("first"));
	assert_int_equal(sup_keeper("t"), first.guard);
	assert_true(is_held(&first, 0));
	kill(first.guard, SIGKILL);
	assert_int_equal(waitpid(first.guard, NULL, 0), first.guard);
	/* All that it held is free, and the door that it left is nobody's. */
	assert_false(is_held(&first, PATIENCE_MS));
	close(first.pipe);
	assert_null(sup_kept("t", &err));
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(sup_keeper("t"), 0);
	assert_int_equal(sup_kept_release("t", CTL_FORGET, &err), 0);
	second = keep("second");
	assert_true(says("second"));
	assert_int_equal(sup_keeper("t"), second.guard);
	let_go(&second);
	assert_int_equal(sup_keeper("t"), 0);
}

/* Ends with 0 when it was hung up on without a word. */
static int ask_as_stranger(const char *door, enum ctl_type type)
{
	struct ctl_msg m = { .type = type, .id = 1 };
	struct err err = { 0 };
	int fd;

	if (setresuid(STRANGER, STRANGER, STRANGER) < 0)
		return 2;
	fd = ctl_connect(door, PATIENCE_MS, &err);
	if (fd < 0)
		return 3;
	return ctl_send(fd, &m, &err) != 0 || ctl_recv(fd, &m, &err) == 2 ? 0 : 4;
}

static void test_strangers(void **state)
{
	static const enum ctl_type types[] = { CTL_KEPT, CTL_ADOPT, CTL_FORGET, CTL_ADOPTED };
	_cleanup_free_ char *door = sup_keeper_path("t"), *dir = sup_project_dir("t");
	struct kept k = keep("mine");

	(void)state;
	assert_int_equal(chmod(door, 0666) | chmod(dir, 0755) | chmod(path_run_dir(), 0755) |
				 chmod(life_dir, 0755),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			_exit(ask_as_stranger(door, types[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_true(says("mine"));
		assert_true(is_held(&k, 0));
	}
	let_go(&k);
}

static void let_it_open(pid_t guard, rlim_t n)
{
	struct rlimit limit;

	assert_int_equal(prlimit(guard, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = n;
	assert_int_equal(prlimit(guard, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* It says at once what it has lost, and keeps what it had. */
static void test_lost(void **state)
{
	struct watched w = watch();
	int first;

	(void)state;
	assert_int_equal(give(&w, 1, "first"), 1);
	first = take_fd(&w.k.pipe);
	let_it_open(w.k.guard, 4);
	assert_int_equal(give(&w, 2, "lost"), -2);
	assert_false(is_held(&w.k, PATIENCE_MS));
	close(w.k.pipe);
	w.k.pipe = first;
	let_it_open(w.k.guard, 1024);
	w.k = die(&w);
	assert_true(says("first"));
	let_go(&w.k);
}

/* And takes the next one. */
static void test_lost_once(void **state)
{
	struct watched w = watch();

	(void)state;
	assert_int_equal(give(&w, 1, "first"), 1);
	let_it_open(w.k.guard, 4);
	assert_int_equal(give(&w, 2, "lost"), -2);
	let_it_open(w.k.guard, 1024);
	assert_int_equal(give(&w, 3, "third"), 3);
	w.k = die(&w);
	assert_true(says("third"));
	let_go(&w.k);
}

/* While the guard is stopped somebody asks it to forget, and goes away. */
static void test_gave_up(void **state)
{
	const struct ctl_msg forget = { .type = CTL_FORGET, .id = 1 };
	_cleanup_free_ char *door = sup_keeper_path("t");
	struct kept k = keep("mine");
	struct err err = { 0 };
	int fd, status;

	(void)state;
	kill(k.guard, SIGSTOP);
	assert_int_equal(waitpid(k.guard, &status, WUNTRACED), k.guard);
	fd = ctl_connect(door, PATIENCE_MS, &err);
	assert_true(fd >= 0);
	assert_int_equal(ctl_send(fd, &forget, &err), 0);
	close(fd);
	kill(k.guard, SIGCONT);
	assert_true(says("mine"));
	assert_true(is_held(&k, 0));
	let_go(&k);
}

/* Somebody removes the run-time folder, and again: the ledger is there again, and then the door. */
static void test_folder_removed(void **state)
{
	_cleanup_free_ char *dir = sup_project_dir("t"), *ledger = sup_ledger_path("t");
	struct kept k = keep("mine");

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t until = time_mono_ms() + PATIENCE_MS;

		/* It may be made anew while we are about it. */
		while (path_remove_tree(AT_FDCWD, dir) < 0)
			assert_int_equal(errno, ENOTEMPTY);
		while (!sup_keeper("t") && time_mono_ms() < until)
			usleep(10000);
		assert_true(says("mine"));
		assert_int_equal(access(ledger, F_OK), 0);
		assert_true(is_held(&k, 0));
	}
	let_go(&k);
}

static int setup(void **state)
{
	_cleanup_free_ char *dir = NULL;

	if (life_setup(state) < 0)
		return -1;
	dir = sup_project_dir("t");
	return path_mkdirs(AT_FDCWD, dir, 0700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lost_once),
		cmocka_unit_test(test_gave_up),
		cmocka_unit_test(test_folder_removed),
	};

	if (geteuid() != 0) {
		print_message("skipped: needs root to become somebody else\n");
		return 0;
	}
	alarm(60);
	return cmocka_run_group_tests(tests, setup, life_teardown);
}
