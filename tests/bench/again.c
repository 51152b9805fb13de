/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * again stamp FILE             the program of a service: writes when it began and when it ends, and ends at once
 * again floor PID CGROUP N FILE  starts `again stamp FILE` N times, one after the other, with nothing around it but the bare kernel
 *                              work: in the network namespace of PID, in CGROUP, with new namespaces of the other kinds
 * again gaps FILE              median and 99th percentile of the time from an end to the next begin, in milliseconds
 *
 * Called by tests/bench/supervise inside its sandbox; linked statically, because `stamp` runs in a container. A stamp is one record of
 * the monotonic clock, which all containers share.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STAMPS_MAX = 200000 };

struct stamp {
	uint64_t begin, end;
};

static void die(const char *what)
{
	fprintf(stderr, "again: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int stamp(const char *path)
{
	struct stamp s = { .begin = now() };
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		die(path);
	s.end = now();
	return write(fd, &s, sizeof(s)) == sizeof(s) ? 0 : 1;
}

static void join(const char *pid, const char *kind, int flag)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (setns(fd, flag) < 0 && errno != EINVAL))
		die(path);
	close(fd);
}

static void once(int group, const char *self, const char *file)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
			 CLONE_NEWUTS | CLONE_NEWCGROUP,
		.cgroup = (uint64_t)group,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	int status;

	if (pid < 0)
		die("clone3");
	if (pid == 0) {
		execl(self, "again", "stamp", file, NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0 || status)
		die("the program failed");
}

static int run_floor(const char *pid, const char *cgroup, int n, const char *file)
{
	int group = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (group < 0)
		die(cgroup);
	join(pid, "net", CLONE_NEWNET);
	while (n-- > 0)
		once(group, "/proc/self/exe", file);
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int gaps(const char *path)
{
	static struct stamp all[STAMPS_MAX];
	static double ms[STAMPS_MAX];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(all, sizeof(*all), STAMPS_MAX, f) : 0;

	if (n < 2)
		die(path);
	for (size_t i = 1; i < n; i++)
		ms[i - 1] = (double)(all[i].begin - all[i - 1].end) / 1e6;
	qsort(ms, n - 1, sizeof(*ms), compare);
	printf("%.2f %.2f %zu\n", ms[(n - 1) / 2], ms[(n - 1) * 99 / 100], n - 1);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "stamp"))
		return stamp(argv[2]);
	if (argc == 6 && !strcmp(argv[1], "floor"))
		return run_floor(argv[2], argv[3], atoi(argv[4]), argv[5]);
	if (argc == 3 && !strcmp(argv[1], "gaps"))
		return gaps(argv[2]);
	fputs("usage: again stamp FILE | again floor PID CGROUP N FILE | again gaps FILE\n",
	      stderr);
	return 2;
}
