/* SPDX-License-Identifier: GPL-2.0-or-later */
/* security: what `mstack config --security` prints. */
#ifndef CLI_SECURITY_H
#define CLI_SECURITY_H

#include "mstack/stack.h"

/* Of every service what is kept, dropped and weakened: a table, or one object with a list of each by service. */
void cli_security(const struct stack *s, bool json, struct buf *out);

#endif
