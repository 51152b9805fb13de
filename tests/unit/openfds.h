/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * openfds: how many descriptors this process has open. A test that compares before and after finds those that were
 * forgotten; the one that does the counting is in both.
 */
#ifndef TESTS_OPENFDS_H
#define TESTS_OPENFDS_H

#include <dirent.h>

#include "mstack/base.h"

static inline int open_fds(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	return n;
}

#endif
