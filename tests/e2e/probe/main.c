/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main [-v] [NAME]...: runs all attempts, or those named, and prints those that were let through, then `N attempts, M let through`. Exit code 0 when there
 * were none, 1 else. -v prints the others as well.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#define PATIENCE 20 /* seconds for one attempt, on a busy machine */

bool let_through(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	printf("  ");
	vprintf(format, ap);
	printf("\n");
	va_end(ap);
	return THROUGH;
}

/* What ends by a signal was refused by one, but not by the clock: who hangs proves nothing. */
static bool was_refused(const struct attempt *a)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid) {
		bool through;

		alarm(PATIENCE);
		errno = 0;
		through = a->try();
		fflush(stdout);
		_exit(through == THROUGH);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) != SIGALRM;
	return WEXITSTATUS(status) == 0;
}

/* Chosen by name on the command line; all without a name. */
static bool is_chosen(const struct attempt *a, char *const *names)
{
	bool any = false;

	for (; *names; names++) {
		if (!strcmp(*names, a->name))
			return true;
		any |= **names != '-';
	}
	return !any;
}

static void run(const struct attempt *a, bool verbose, unsigned *bad)
{
	bool refused = was_refused(a);

	*bad += !refused;
	if (!refused)
		printf("LET THROUGH: %s\n", a->name);
	else if (verbose)
		printf("refused: %s\n", a->name);
}

int main(int argc, char **argv)
{
	static const struct attempt *const all[] = { attempts_calls, attempts_files,
						     attempts_rights };
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	unsigned n = 0, bad = 0;

	/* Executed again by the attempt to become root. */
	if (argc > 1 && !strcmp(argv[1], "--am-i-root"))
		return !geteuid() || !getegid();
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (const struct attempt *a = all[i]; a->name; a++)
			if (is_chosen(a, argv + 1)) {
				run(a, verbose, &bad);
				n++;
			}
	printf("%u attempts, %u let through\n", n, bad);
	return bad != 0;
}
