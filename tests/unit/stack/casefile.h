/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * casefile: the golden cases of tests/compose: one text file each, in sections; how one is read is told in
 * tests/README.md. And how a JSON text is compared with what a case expects.
 */
#ifndef TESTS_STACK_CASEFILE_H
#define TESTS_STACK_CASEFILE_H

#include <jansson.h>

#include "mstack/base.h"

#define CASE_WORDS_MAX 32

/* A text of a case; `name` is what stands behind the word of its section. */
struct case_text {
	char *name;
	struct buf text;
};

struct case_texts VEC(struct case_text);

struct casefile {
	struct buf all;
	char *words[CASE_WORDS_MAX]; /* of `run`, in `all` */
	size_t n_words;
	struct VEC(const char *) env; /* NULL-terminated once it is read */
	const char *dir, *cwd, *fails;
	struct case_texts files, json;
	struct buf input, says;
	bool has_input, has_says;
};

/* 0, or -1 with the reason in `why`. */
int casefile_read(struct casefile *c, const char *path, struct buf *why);
void casefile_fini(struct casefile *c);
/* Texts of a case name the folder that it runs in `@DIR@`. */
void casefile_fill(struct buf *text, const char *dir);

/*
 * Is `got`, the output of `mstack config --format json`, what `want` expects below `path` ("services.web", "" for all)?
 * Maps whose keys the user chooses must have these keys and no others, other maps may have more; null there stands
 * for "not given"; lists are equal. 0, or -1 with the first difference in `why`.
 */
int casefile_match(const json_t *got, const char *path, const char *want, struct buf *why);

#endif
