/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exectime: how long commands take as whole processes, and how much memory. Called by tests/bench/config and tests/bench/run.
 *
 *	exectime ROUNDS COMMAND... [--- COMMAND...]
 *
 * Runs the commands in turn, ROUNDS times each after one that is not counted, and prints a line for each: median and least
 * wall time and median processor time in milliseconds, the largest resident set in KiB. Their output is thrown away. Exit code 1
 * when one of them failed.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 100000
#define COMMANDS_MAX 16

struct sample {
	double wall, cpu;
	long rss;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double ms(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static void run(char **argv, const posix_spawn_file_actions_t *actions, struct sample *ret)
{
	struct rusage used;
	double begin = now_ms();
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], actions, NULL, argv, environ) != 0 || wait4(pid, &status, 0, &used) != pid) {
		perror(argv[0]);
		exit(1);
	}
	*ret = (struct sample){ now_ms() - begin, ms(used.ru_utime) + ms(used.ru_stime), used.ru_maxrss };
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "exectime: %s failed (%d)\n", argv[0], status);
		exit(1);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const struct sample *samples, int n)
{
	double *wall = calloc((size_t)n, sizeof(*wall)), *cpu = calloc((size_t)n, sizeof(*cpu));
	long rss = 0;

	if (!wall || !cpu)
		exit(1);
	for (int i = 0; i < n; i++) {
		wall[i] = samples[i].wall;
		cpu[i] = samples[i].cpu;
		rss = samples[i].rss > rss ? samples[i].rss : rss;
	}
	qsort(wall, (size_t)n, sizeof(*wall), by_value);
	qsort(cpu, (size_t)n, sizeof(*cpu), by_value);
	printf("%.2f %.2f %.2f %ld\n", wall[n / 2], wall[0], cpu[n / 2], rss);
	free(wall);
	free(cpu);
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0, n = 0;
	char **commands[COMMANDS_MAX];
	posix_spawn_file_actions_t actions;
	struct sample *samples, warm;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: exectime ROUNDS COMMAND... [--- COMMAND...]\n");
		return 2;
	}
	commands[n++] = argv + 2;
	for (int i = 2; i < argc && n < COMMANDS_MAX; i++)
		if (!strcmp(argv[i], "---")) {
			argv[i] = NULL;
			commands[n++] = argv + i + 1;
		}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	samples = calloc((size_t)rounds * (size_t)n, sizeof(*samples));
	if (!samples)
		return 1;
	for (int i = -1; i < rounds; i++)
		for (int c = 0; c < n; c++)
			run(commands[c], &actions, i < 0 ? &warm : &samples[c * rounds + i]);
	for (int c = 0; c < n; c++)
		report(samples + c * rounds, rounds);
	free(samples);
	return 0;
}
