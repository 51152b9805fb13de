/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scratch: a data folder with an open store in it, and room beside it, for one test.
 */
#ifndef TEST_STORE_SCRATCH_H
#define TEST_STORE_SCRATCH_H

#include "store/store.h"

struct scratch {
	char dir[48];
	char data[64]; /* MSTACK_DATA_DIR, inside of dir */
	struct store *store;
};

/* cmocka's set-up and tear-down: *state is the struct scratch. */
int scratch_make(void **state);
int scratch_remove(void **state);

/* A path below `dir`; the caller frees. */
char *scratch_path(const struct scratch *s, const char *name);
/* Makes a file, with the folders above it, and returns its path; the caller frees. */
char *scratch_file(const struct scratch *s, const char *name, const void *data, size_t len);
void scratch_text(const struct scratch *s, const char *name, const char *text);
bool is_there(const char *path);
/* How many entries whose name begins like this are in data/images. */
size_t images_like(const struct scratch *s, const char *prefix);
/* Collects lines in a struct buf. */
void collect_line(void *arg, const char *line);

#endif
