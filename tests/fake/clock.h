/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock: time of the tests' own. While it is on, nobody waits for a timer: when nothing else is to be done, the clock is set forward to
 * what the loop would have waited for. It stands in for clock_gettime and epoll_wait of the C library, for libev too.
 */
#ifndef FAKE_CLOCK_H
#define FAKE_CLOCK_H

#include <stdbool.h>

void fake_clock(bool on);

#endif
