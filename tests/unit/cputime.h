/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cputime: how much of the processor this process has used, in nano- or milliseconds. What promises speed is judged by this: the
 * time on the clock is that of the whole machine, which may be busy with other things.
 */
#ifndef TESTS_CPUTIME_H
#define TESTS_CPUTIME_H

#include <stdint.h>
#include <time.h>

static inline uint64_t cputime_ns(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t cputime_ms(void)
{
	return cputime_ns() / 1000000;
}

#endif
