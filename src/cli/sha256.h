/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sha256: the digest of a text. Used by `config --hash`. */
#ifndef CLI_SHA256_H
#define CLI_SHA256_H

#include <stddef.h>

#define CLI_SHA256_SIZE 65

/* As hexadecimal digits, with a NUL behind them. */
void cli_sha256(const void *data, size_t len, char ret[CLI_SHA256_SIZE]);

#endif
