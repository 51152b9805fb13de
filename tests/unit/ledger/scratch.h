/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scratch: a folder that stands for the run folder during one test, with a ledger in it.
 */
#ifndef TEST_LEDGER_SCRATCH_H
#define TEST_LEDGER_SCRATCH_H

#include "mstack/ledger.h"

struct scratch {
	char run[64];  /* MSTACK_RUN_DIR */
	char data[64]; /* MSTACK_DATA_DIR */
	char path[96]; /* of the ledger */
};

/* cmocka's set-up and tear-down: *state is the struct scratch. */
int scratch_make(void **state);
int scratch_remove(void **state);

/* A path below the run folder; the caller frees. */
char *scratch_path(const struct scratch *s, const char *name);
/* Opened and locked, or the test fails. */
struct ledger *scratch_ledger(const struct scratch *s,
			      const struct ledger_kind *const *const *kinds);
size_t ledger_count(const struct ledger *l);
bool is_there(const char *path);
void touch(const char *path);

#endif
