/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zombies N: the first process of a container that leaves N dead children unreaped, says so, and waits to be killed. Built (statically)
 * and called by tests/torture/storms.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int made = 0;

	for (int n = argc > 1 ? atoi(argv[1]) : 0; made < n; made++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			_exit(0);
	}
	printf("%d zombies\n", made);
	fflush(stdout);
	for (;;)
		pause();
}
