/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * voice.h: the lines that a mstack-store says, and its last word.
 */
#ifndef STORE_VOICE_H
#define STORE_VOICE_H

#include "mstack/base.h"
#include "store/unpacker.h"

struct store_voice {
	int in;
	char line[UNPACKER_LINE_MAX + 1];
	size_t len;
	char last[UNPACKER_LINE_MAX + 1]; /* line; the outcome, if it is one */
};

/* Reads what is there, without control characters, and gives whole lines away. True: there may be more; false: that was the end. */
bool store_voice_read(struct store_voice *v, void (*line)(void *arg, const char *line), void *arg);
/* Did it say that all went well, and end so? */
int store_voice_judge(const struct store_voice *v, int status, struct err *err);
/* What stands behind `word` at the beginning of a line; NULL: it does not begin so. */
const char *store_behind(const char *line, const char *word);

#endif
