/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of ctl/endpoint.c: who finds whom, who is let in, and what becomes of sockets that lie
 * about.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/ctl.h"

#define STRANGER 65534

struct fixture {
	char dir[64];
	char path[4096];
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mstack-ctl-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/ctl", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int rc = path_remove_tree(AT_FDCWD, f->dir);

	free(f);
	return rc;
}

static void socket_is_private(void **state)
{
	struct fixture *f = *state;
	_cleanup_fd_ int fd = -1;
	mode_t old = umask(0);
	struct stat st;

	fd = ctl_listen(f->path, NULL);
	umask(old);
	assert_true(fd >= 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void nobody_there(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	assert_int_equal(ctl_connect(f->path, 0, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	close(ctl_listen(f->path, NULL));
	assert_int_equal(ctl_connect(f->path, 0, &err), -1);
	assert_int_equal(err.sys, ECONNREFUSED);
}

static void live_sockets_stay_dead_ones_go(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	int fd = ctl_listen(f->path, &err), client;

	assert_true(fd >= 0);
	assert_int_equal(ctl_listen(f->path, &err), -1);
	assert_int_equal(err.sys, EADDRINUSE);
	client = ctl_connect(f->path, 0, &err);
	assert_true(client >= 0);
	close(client);
	close(fd);
	fd = ctl_listen(f->path, &err);
	assert_true(fd >= 0);
	close(fd);
}

static void other_files_stay(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	struct stat st;

	assert_int_equal(file_replace(AT_FDCWD, f->path, "precious", 8, 0600), 0);
	assert_int_equal(ctl_listen(f->path, &err), -1);
	assert_int_equal(err.sys, EADDRINUSE);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, 8);
}

static void accept_gives_clients(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	_cleanup_fd_ int listener = ctl_listen(f->path, &err);
	_cleanup_fd_ int client = -1, server = -1;

	assert_int_equal(ctl_accept(listener, &err), -1);
	assert_int_equal(err.sys, EAGAIN);
	client = ctl_connect(f->path, 0, &err);
	server = ctl_accept(listener, &err);
	assert_true(client >= 0 && server >= 0);
	assert_true(fcntl(server, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(client, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(server, F_GETFD), FD_CLOEXEC);
}

/* Connects as somebody else; ends with 0 when the other side hung up without a word. */
static int stranger(const char *path)
{
	struct ctl_msg m = { .type = CTL_STATUS };
	int fd;

	if (setresuid(STRANGER, STRANGER, STRANGER) < 0)
		return 2;
	fd = ctl_connect(path, 5000, NULL);
	if (fd < 0 || ctl_send(fd, &m, NULL) != 0)
		return 3;
	return ctl_recv(fd, &m, NULL) == 2 ? 0 : 4;
}

static void strangers_are_hung_up_on(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	_cleanup_fd_ int listener = -1;
	int status = 0, tries = 0;
	pid_t pid;

	if (geteuid() != 0) {
		print_message("needs root to become somebody else\n");
		skip();
	}
	listener = ctl_listen(f->path, &err);
	assert_int_equal(chmod(f->path, 0666) | chmod(f->dir, 0755), 0);
	pid = fork();
	if (pid == 0)
		_exit(stranger(f->path));
	while (waitpid(pid, &status, WNOHANG) == 0 && tries++ < 1000) {
		assert_int_equal(ctl_accept(listener, &err), -1);
		assert_int_equal(err.sys, EAGAIN);
		usleep(5000);
	}
	assert_true(WIFEXITED(status));
	/* 3: hung up on even before it could send. */
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3);
}

static void receive_times_out(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	_cleanup_fd_ int listener = ctl_listen(f->path, &err);
	_cleanup_fd_ int client = ctl_connect(f->path, 30, &err);
	uint64_t before = time_mono_ms();
	struct ctl_msg m = { 0 };

	assert_true(listener >= 0 && client >= 0);
	assert_int_equal(ctl_recv(client, &m, &err), 1);
	assert_true(time_mono_ms() - before >= 25);
}

static void long_paths_work(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	_cleanup_fd_ int listener = -1, client = -1, server = -1;
	size_t len;

	strcpy(f->path, f->dir);
	for (int i = 0; i < 5; i++)
		strcat(f->path, "/a-folder-with-a-name-that-is-long-enough-to-matter");
	assert_int_equal(path_mkdirs(AT_FDCWD, f->path, 0700), 0);
	strcat(f->path, "/ctl");
	assert_true(strlen(f->path) > 200);
	assert_int_equal(ctl_connect(f->path, 0, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	close(ctl_listen(f->path, &err));
	listener = ctl_listen(f->path, &err);
	assert_true(listener >= 0);
	client = ctl_connect(f->path, 0, &err);
	server = ctl_accept(listener, &err);
	assert_true(client >= 0 && server >= 0);
	len = strlen(f->path);
	memset(f->path + len, 'n', 120);
	assert_int_equal(ctl_connect(f->path, 0, &err), -1);
	assert_int_equal(err.sys, ENAMETOOLONG);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(socket_is_private),
		TEST(nobody_there),
		TEST(live_sockets_stay_dead_ones_go),
		TEST(other_files_stay),
		TEST(accept_gives_clients),
		TEST(strangers_are_hung_up_on),
		TEST(receive_times_out),
		TEST(long_paths_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
