/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * randomstack: a small valid stack for each number, always the same one, over which a change can come from any other. All that is
 * given out otherwise (subnets, addresses, ports) stands in it, so that a stack looks the same whatever ran before.
 */
#ifndef TESTS_PLAN_RANDOMSTACK_H
#define TESTS_PLAN_RANDOMSTACK_H

#include <stdint.h>
#include <stdio.h>

void randomstack(FILE *out, uint32_t seed);

#endif
