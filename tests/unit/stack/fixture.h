/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fixture: loads a text as a stack file and keeps what came of it. The tests of this folder ask for
 * one value or for the printed diagnostics.
 */
#ifndef TESTS_STACK_FIXTURE_H
#define TESTS_STACK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mstack/stack.h"
#include <cmocka.h>

struct loaded {
	int result;
	struct stack *stack;
	struct stack_diags *diags;
	struct err err;
	char *text;	/* the diagnostics as they are printed */
};

/*
 * A folder of its own below /tmp, which is the current one until fixture_end. For cmocka's setup
 * and teardown.
 */
int fixture_begin(void **state);
int fixture_end(void **state);
void fixture_write(const char *name, const void *data, size_t len);

/*
 * Writes `yaml` to stack.yaml and loads it; name "t", HOME=/home/user, TAG=1.2, EMPTY= and nothing
 * else set.
 */
struct loaded load_text(const char *yaml);
struct loaded load_opts(const struct stack_opts *opts);
void loaded_fini(struct loaded *l);
extern const char *const fixture_env[];

/*
 * The text loads with exactly these diagnostics: "3:5: warning: text" for each, a line end behind
 * each.
 */
void expect_diags(const char *yaml, const char *diags);
/*
 * A service `web` with an image and these keys loads, and `json` stands in the compact text of its canonical form:
 * expect_canonical("cpus: 1.50", "\"cpus\":1.5").
 */
void expect_canonical(const char *keys, const char *json);
/* A service `web` with these lines, the first one of which is line 4, has this problem: "5:9: error: text". */
void expect_problem(const char *lines, const char *problem);

#endif
