/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_share: what an entry of `volumes_from` asks for. Its canonical form stays the text, so the model reads it again. */
#ifndef STACK_FORM_SHARE_H
#define STACK_FORM_SHARE_H

#include <stdbool.h>

struct share {
	char service[128];
	bool read_only;
};

/* False: it is none, or of a container. */
bool share_parse(const char *text, struct share *ret);

#endif
