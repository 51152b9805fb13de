/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rlimit: resource limits by name, as engines and ulimit(1) of shells spell them. Used where a stack file is read and where an error
 * names a limit; sets none.
 */
#include <sys/resource.h>

#include "mstack/base.h"

/* The names of setrlimit(2) in small letters. */
static const char *const names[] = {
	[RLIMIT_AS] = "as",
	[RLIMIT_CORE] = "core",
	[RLIMIT_CPU] = "cpu",
	[RLIMIT_DATA] = "data",
	[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_LOCKS] = "locks",
	[RLIMIT_MEMLOCK] = "memlock",
	[RLIMIT_MSGQUEUE] = "msgqueue",
	[RLIMIT_NICE] = "nice",
	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_NPROC] = "nproc",
	[RLIMIT_RSS] = "rss",
	[RLIMIT_RTPRIO] = "rtprio",
	[RLIMIT_RTTIME] = "rttime",
	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_STACK] = "stack",
};

int rlimit_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i] && !strcmp(names[i], name))
			return (int)i;
	return -1;
}

const char *rlimit_name(int resource)
{
	return resource >= 0 && (size_t)resource < ARRAY_LEN(names) && names[resource]
		       ? names[resource]
		       : "?";
}
