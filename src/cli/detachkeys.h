/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detachkeys: the keys that leave a command's terminal without ending it, found in what is typed. Pure.
 */
#ifndef CLI_DETACHKEYS_H
#define CLI_DETACHKEYS_H

#include "mstack/base.h"

#define DETACHKEYS_MAX	   16
#define DETACHKEYS_DEFAULT "ctrl-p,ctrl-q" /* docker's */

struct detachkeys {
	char keys[DETACHKEYS_MAX];
	size_t n; /* 0: there are none */
	char held[DETACHKEYS_MAX];
	size_t n_held; /* typed, but may be the beginning of them */
};

/* "ctrl-p,ctrl-q", "ctrl-@,x": single characters, and ctrl- with one of a-z @ [ \ ] ^ _; "" is none. */
int detachkeys_parse(const char *text, struct detachkeys *ret, struct err *err);
/*
 * Takes `in`, puts into `out` (room for len + DETACHKEYS_MAX bytes) what is for the command. True when the keys were complete:
 * what stood behind them is dropped.
 */
bool detachkeys_filter(struct detachkeys *k, const char *in, size_t len, char *out, size_t *ret_len);

#endif
