/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of namespaces that a container has with the host, or with another container: what it sees, what it does not get
 * hold of, and whose end is whose.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

static const char *const sleeper[] = { "sleep", "60", NULL };

static struct box_slot *open_slot(struct rig *r, struct box_slot_spec spec)
{
	struct err err = { 0 };
	struct box_slot *s;

	spec.tmp_upper = true;
	s = box_slot_open(r->rt, &spec, &err);
	if (!s)
		fail_msg("%s", err.text);
	rig_wait(r, BOX_SLOT_READY);
	return s;
}

/* Slot "db-1" that runs `argv`, and "side-1" with its ids. */
static void open_pair(struct rig *r, const char *const *argv, struct box_slot **db,
		      struct box_slot **side)
{
	struct box_spec spec = rig_spec(argv, rig_pipe());

	*db = open_slot(r, (struct box_slot_spec){ .name = "db-1" });
	assert_int_equal(box_start(*db, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	*side = open_slot(r, (struct box_slot_spec){ .name = "side-1", .ids_of = *db });
}

static struct box_spec joining(const char *const *argv, struct box_slot *db, unsigned ns)
{
	struct box_spec spec = rig_spec(argv, rig_pipe());

	spec.hostname = NULL;
	spec.ns[ns] = (struct box_namespace){ BOX_JOIN, db };
	return spec;
}

static const char *link_text(const char *path)
{
	static char texts[2][64];
	static unsigned turn;
	char *text = texts[turn++ % 2];
	ssize_t n = readlink(path, text, sizeof(texts[0]) - 1);

	assert_true(n > 0);
	text[n] = '\0';
	return text;
}

/* The text of a link in /proc/PID/ns. */
static const char *ns_of(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	return link_text(path);
}

static const char *ns_of_fd(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return link_text(path);
}

/* ---- with another container ------------------------------------------------------------------ */

static void test_processes_of_another(void **state)
{
	struct rig *r = *state;
	const char *const argv[] = { "sh", "-c",
				     "cat /proc/1/cmdline | grep -c sleep; "
				     "[ $$ = 1 ] || echo 'not the first'; "
				     "set -- /proc/[0-9]*; echo $#; "
				     "wc -c </proc/kallsyms; echo x >/proc/sys/kernel/panic || :",
				     NULL };
	struct box_slot *db, *side;
	struct box_spec spec;
	const char *out;
	int status;

	open_pair(r, sleeper, &db, &side);
	spec = joining(argv, db, BOX_PID);
	out = rig_run(r, side, &spec, &status);
	assert_non_null(strstr(out, "1\nnot the first\n"));
	/* Nobody of the host is seen, and the masks are where they are. */
	assert_non_null(strstr(out, "\n2\n0\n"));
	assert_non_null(strstr(out, "panic: Read-only file system"));
	assert_int_equal(status, 0);
}

/* Its streams, the socket, and the end of the supervisor. */
static bool is_its_own(const char *target)
{
	static const char *const heads[] = { "/dev/null",
					     "pipe:", "socket:", "anon_inode:[pidfd]" };

	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (!strncmp(target, heads[i], strlen(heads[i])))
			return true;
	print_error("'%s' is left open\n", target);
	return false;
}

/* Before it executes anything, those who see it find nothing of the host's in it. */
static void test_brings_nothing_of_the_host(void **state)
{
	struct rig *r = *state;
	struct box_slot *db, *side;
	struct box_spec spec;
	const struct dirent *e;
	char path[64], target[256];
	unsigned n = 0;
	DIR *dir;

	open_pair(r, sleeper, &db, &side);
	spec = joining(sleeper, db, BOX_PID);
	assert_int_equal(box_start(side, &spec, false, NULL), 0);
	for (int i = 0; i < 500 && !side->guest.ready; i++)
		rig_idle(r, 0.01);
	assert_true(side->guest.ready);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)side->guest.two.pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);

		target[len < 0 ? 0 : len] = '\0';
		assert_true(*e->d_name == '.' || is_its_own(target));
		n++;
	}
	closedir(dir);
	assert_true(n >= 7);
	box_go(side);
	rig_wait(r, BOX_STARTED);
}

static void test_ends_with_the_other(void **state)
{
	struct rig *r = *state;
	struct box_slot *db, *side;
	struct box_spec spec;
	const struct box_event *ev;

	open_pair(r, sleeper, &db, &side);
	spec = joining(sleeper, db, BOX_PID);
	spec.init = true;
	assert_int_equal(box_start(side, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	assert_int_equal(box_kill(db, NULL), 0);
	for (int i = 0; i < 2; i++) {
		ev = rig_wait(r, BOX_EXITED);
		assert_int_equal(ev->status, SIGKILL);
	}
	/* It cannot come back before the other one does. */
	assert_string_equal(rig_fail(r, side, &spec)->text,
			    "'db-1', whose namespaces it joins, is not running");
}

/* What it leaves behind would be the other's for ever. */
static void test_leaves_nobody_behind(void **state)
{
	struct rig *r = *state;
	const char *const argv[] = { "sh", "-c", "sleep 61 & sleep 62 & exit 7", NULL };
	struct box_slot *db, *side;
	struct box_spec spec;
	int status;

	open_pair(r, sleeper, &db, &side);
	spec = joining(argv, db, BOX_PID);
	rig_run(r, side, &spec, &status);
	assert_int_equal(status, W_EXITCODE(7, 0));
	assert_false(cgroup_populated(side->cgroup.fd));
	assert_true(cgroup_populated(db->cgroup.fd));
	assert_int_equal(box_pid(db), db->guest.two.pid);
}

/* Only the first process of a namespace is spared by signals that it does not handle. */
static void test_signal(void **state)
{
	struct rig *r = *state;
	struct box_slot *db, *side;
	struct box_spec spec;
	bool ignored = true;

	open_pair(r, sleeper, &db, &side);
	spec = joining(sleeper, db, BOX_PID);
	assert_int_equal(box_start(side, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	assert_int_equal(box_signal(side, SIGTERM, &ignored, NULL), 0);
	assert_false(ignored);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, SIGTERM);
}

static void test_exec(void **state)
{
	struct rig *r = *state;
	const char *const argv[] = { "sh", "-c", "grep -c sleep /proc/1/cmdline; hostname", NULL };
	const struct box_exec_spec exec = { .token = 9, .argv = argv };
	struct box_slot *db, *side;
	struct box_spec spec;

	open_pair(r, sleeper, &db, &side);
	spec = joining(sleeper, db, BOX_PID);
	spec.ns[BOX_UTS] = (struct box_namespace){ BOX_JOIN, db };
	assert_int_equal(box_start(side, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	assert_int_equal(box_exec(side, &exec, NULL), 0);
	assert_int_equal(rig_wait(r, BOX_EXEC_DONE)->status, 0);
	assert_string_equal(r->exec_output, "1\nweb-1\n");
}

static void test_memory_of_another(void **state)
{
	struct rig *r = *state;
	const char *const writer[] = { "sh", "-c", "echo shared >/dev/shm/f; exec sleep 60", NULL };
	const char *const reader[] = { "sh", "-c", "cat /dev/shm/f; echo x >/dev/shm/g; sleep 60",
				       NULL };
	struct box_slot *db, *side;
	struct box_spec spec;

	open_pair(r, writer, &db, &side);
	rig_idle(r, 0.2);
	spec = joining(reader, db, BOX_IPC);
	assert_int_equal(box_start(side, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	rig_idle(r, 0.2);
	assert_string_equal(rig_output(), "shared\n");
	assert_string_equal(ns_of(box_pid(side), "ipc"), ns_of(box_pid(db), "ipc"));
	assert_string_not_equal(ns_of(box_pid(side), "pid"), ns_of(box_pid(db), "pid"));
	/* One user namespace, which the network of each belongs to. */
	assert_string_equal(ns_of(box_pid(side), "user"), ns_of(box_pid(db), "user"));
	assert_string_not_equal(ns_of(box_pid(side), "net"), ns_of(box_pid(db), "net"));
}

/* ---- with the host --------------------------------------------------------------------------- */

static void test_of_the_host(void **state)
{
	static const char *const names[BOX_NAMESPACES] = { "pid", "ipc", "uts", "cgroup" };
	struct rig *r = *state;
	struct box_slot *s =
		open_slot(r, (struct box_slot_spec){ .name = "web-1", .host_ids = true });
	const char *const argv[] = { "sh", "-c",
				     "cat /dev/shm/of-the-host; ls /sys/fs/cgroup/cgroup.procs; "
				     "wc -c </proc/kallsyms; echo x >/sys/fs/cgroup/cgroup.procs; "
				     "kill -0 $PPID || echo 'no right'; exec sleep 60",
				     NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	const char *out;

	file_replace(AT_FDCWD, "/dev/shm/of-the-host", "seen\n", 5, 0644);
	spec.hostname = NULL;
	for (size_t i = 0; i < BOX_NAMESPACES; i++)
		spec.ns[i].share = BOX_HOST;
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	rig_idle(r, 0.3);
	out = rig_output();
	assert_non_null(strstr(out, "seen\n/sys/fs/cgroup/cgroup.procs\n0\n"));
	assert_non_null(strstr(out, "Read-only file system"));
	for (size_t i = 0; i < BOX_NAMESPACES; i++)
		assert_string_equal(ns_of(box_pid(s), names[i]), ns_of(getpid(), names[i]));
	unlink("/dev/shm/of-the-host");
}

/* These two need no rights over what belongs to the host. */
static void test_name_and_groups_of_the_host(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = open_slot(r, (struct box_slot_spec){ .name = "web-1" });
	const char *const argv[] = { "sh", "-c",
				     "hostname other; ls /sys/fs/cgroup/cgroup.procs; "
				     "mount -o remount,rw /sys/fs/cgroup && "
				     "echo $$ >/sys/fs/cgroup/cgroup.procs",
				     NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	char before[65], after[65];
	const char *out;
	int status;

	spec.hostname = NULL;
	spec.caps = ~(uint64_t)0;
	spec.unfiltered = true;
	spec.ns[BOX_UTS].share = spec.ns[BOX_CGROUP].share = BOX_HOST;
	gethostname(before, sizeof(before));
	out = rig_run(r, s, &spec, &status);
	assert_non_null(strstr(out, "/sys/fs/cgroup/cgroup.procs\n"));
	assert_int_not_equal(status, 0);
	gethostname(after, sizeof(after));
	assert_string_equal(before, after);
}

static void test_leaves_nobody_on_the_host(void **state)
{
	struct rig *r = *state;
	struct box_slot *s =
		open_slot(r, (struct box_slot_spec){ .name = "web-1", .host_ids = true });
	const char *const argv[] = { "sh", "-c", "sleep 61 & sleep 62 & exit 7", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;

	for (int init = 0; init < 2; init++) {
		spec.ns[BOX_PID].share = BOX_HOST;
		spec.init = init;
		rig_run(r, s, &spec, &status);
		assert_int_equal(status, W_EXITCODE(7, 0));
		assert_false(cgroup_populated(s->cgroup.fd));
	}
}

static void test_no_shared_memory(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "ls", "/dev/shm", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;

	spec.no_shm = true;
	assert_non_null(strstr(rig_run(r, s, &spec, &status), "No such file"));
}

/* A setting of a namespace that is the host's would be the host's. */
static void test_sysctls_of_the_host(void **state)
{
	static const struct {
		const char *key;
		unsigned ns;
	} keys[] = {
		{ "kernel.shmmax", BOX_IPC },
		{ "fs.mqueue.msg_max", BOX_IPC },
		{ "kernel.domainname", BOX_UTS },
		{ "kernel/domainname", BOX_UTS },
	};
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct box_sysctl one = { keys[i].key, "1", 3 };
		struct box_spec spec = rig_spec(sleeper, rig_pipe());
		const struct err *err;

		spec.sysctls = &one;
		spec.n_sysctls = 1;
		spec.ns[keys[i].ns].share = BOX_HOST;
		err = rig_fail(r, s, &spec);
		assert_non_null(strstr(err->text, "it would be the host's own"));
		assert_int_equal(err->line, 3);
	}
}

/* ---- the network ------------------------------------------------------------------------------ */

static const char *own_ns(const char *name)
{
	return ns_of(getpid(), name);
}

static const char *const low_port[] = { "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start",
					NULL };

/* It is not made anew, and no setting of it is touched. */
static void test_network_of_the_host(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = open_slot(
		r, (struct box_slot_spec){ .name = "web-1", .host_ids = true, .net = BOX_HOST });
	struct box_spec spec = rig_spec(low_port, rig_pipe());
	int status;

	assert_string_equal(ns_of_fd(box_slot_netns(s)), own_ns("net"));
	assert_int_equal(atoi(rig_run(r, s, &spec, &status)), 1024);
	spec.argv = sleeper;
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	assert_string_equal(ns_of(box_pid(s), "net"), own_ns("net"));
	assert_string_not_equal(ns_of(box_pid(s), "uts"), own_ns("uts"));
}

static void test_network_needs_its_ids(void **state)
{
	struct rig *r = *state;
	struct box_slot *own = open_slot(r, (struct box_slot_spec){ .name = "db-1" });
	struct box_slot *host =
		open_slot(r, (struct box_slot_spec){ .name = "x-1", .host_ids = true });
	const struct box_slot_spec wrong[] = {
		{ .name = "a", .net = BOX_HOST },
		{ .name = "a", .net = BOX_JOIN },
		{ .name = "a", .net = BOX_JOIN, .net_of = own },
		{ .name = "a", .net = BOX_JOIN, .net_of = own, .host_ids = true },
		{ .name = "a", .net = BOX_JOIN, .net_of = host, .ids_of = own },
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err err = { 0 };

		assert_null(box_slot_open(r->rt, &wrong[i], &err));
		assert_non_null(strstr(err.text, "slot 'a': "));
	}
}

/* With ids of the stack's own and with the host's. Nobody need run in the other slot. */
static void test_network_of_another(void **state)
{
	struct rig *r = *state;

	for (int host_ids = 0; host_ids < 2; host_ids++) {
		struct box_slot *db =
			open_slot(r, (struct box_slot_spec){ .name = host_ids ? "y-1" : "x-1",
							     .host_ids = host_ids });
		struct box_slot *side =
			open_slot(r, (struct box_slot_spec){ .name = host_ids ? "y-2" : "x-2",
							     .host_ids = host_ids,
							     .ids_of = host_ids ? NULL : db,
							     .net = BOX_JOIN,
							     .net_of = db });
		struct box_spec spec = rig_spec(low_port, rig_pipe());
		int status;

		assert_string_equal(ns_of_fd(box_slot_netns(side)), ns_of_fd(box_slot_netns(db)));
		assert_int_equal(atoi(rig_run(r, side, &spec, &status)), 0);
		box_slot_close(db);
		spec.argv = sleeper;
		assert_int_equal(box_start(side, &spec, true, NULL), 0);
		rig_wait(r, BOX_STARTED);
		assert_string_not_equal(ns_of(box_pid(side), "net"), own_ns("net"));
	}
}

static void test_sysctls_of_the_hosts_network(void **state)
{
	static const char *const keys[] = { "net.ipv4.ip_forward", "net/ipv4/ip_forward" };
	struct rig *r = *state;
	struct box_slot *s = open_slot(
		r, (struct box_slot_spec){ .name = "web-1", .host_ids = true, .net = BOX_HOST });

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct box_sysctl one = { keys[i], "1", 3 };
		struct box_spec spec = rig_spec(sleeper, rig_pipe());
		const struct err *err;

		spec.sysctls = &one;
		spec.n_sysctls = 1;
		err = rig_fail(r, s, &spec);
		assert_non_null(strstr(err->text, "it would be the host's own"));
		assert_int_equal(err->line, 3);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_processes_of_another),
		T(test_brings_nothing_of_the_host),
		T(test_ends_with_the_other),
		T(test_leaves_nobody_behind),
		T(test_signal),
		T(test_exec),
		T(test_memory_of_another),
		T(test_of_the_host),
		T(test_name_and_groups_of_the_host),
		T(test_leaves_nobody_on_the_host),
		T(test_no_shared_memory),
		T(test_sysctls_of_the_host),
		T(test_network_of_the_host),
		T(test_network_needs_its_ids),
		T(test_network_of_another),
		T(test_sysctls_of_the_hosts_network),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
