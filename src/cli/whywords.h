/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * whywords: entries of the journal as sentences. Pure but for names of users, which are looked up. Used by why.
 */
#ifndef CLI_WHYWORDS_H
#define CLI_WHYWORDS_H

#include <jansson.h>

#include "mstack/base.h"

/*
 * What entry `at` of `entries` (of all services, in their order) says about its container: "exited with code 1 after 12 s;
 * restart 3 of 10 in 0.8 s". False: others say it better, nothing is added.
 */
bool cli_why_sentence(const json_t *entries, size_t at, struct buf *out);
/*
 * How a container is now, by its row of `ps`: "Up 3 seconds (healthy)", "not started: waits for ...". NULL: it has no row;
 * `lost` then tells why the supervisor ended without taking the stack down, "" when nobody knows; NULL: it did.
 */
void cli_why_state(const json_t *row, const char *lost, struct buf *out);

#endif
