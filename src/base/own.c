/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own: what runs when an owned thing leaves its scope. Called through the _cleanup_ attributes
 * only. All of them accept "nothing" and keep errno, so that `return -1` after a failed call still
 * tells why.
 */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "mstack/base.h"

void cleanup_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void cleanup_free(void *pp)
{
	void **p = pp;

	free(*p);
	*p = NULL;
}

void cleanup_closedir(void *pp)
{
	DIR **dir = pp;
	int saved = errno;

	if (*dir)
		closedir(*dir);
	*dir = NULL;
	errno = saved;
}
