/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree_case: several files, and the tree that they become together. For the tests of include, extends and merge. Each case
 * has a folder of its own, which stands as `.` in what is compared. Used between fixture_begin and fixture_end.
 */
#ifndef TESTS_STACK_TREE_CASE_H
#define TESTS_STACK_TREE_CASE_H

#include "unit/stack/fixture.h"

/*
 * `files` is one text: a line `== NAME` begins each file, folders are made. `names` of them, with blanks between, are loaded as
 * with -f. Nothing is said, and the canonical form below `path` ("services/web") is `json`, compact; "": it is not there.
 */
void expect_tree(const char *names, const char *files, const char *path, const char *json);
/* All that is said: "stack.yaml:3:5: error: text" for each, a line end behind each. With a hint behind it: " (hint)". */
void expect_told(const char *names, const char *files, const char *told);
/* One thing is said, of this severity, with `what` in its text or hint; an error also stops the load. */
void expect_one(const char *names, const char *files, bool for_run, const char *severity, const char *what);
/* It loads, with warnings or without, and is this. */
void expect_tree_told(const char *names, const char *files, const char *path, const char *json);

#endif
