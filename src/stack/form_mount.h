/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_mount: what an entry of `tmpfs` asks for. Its canonical form stays the text, so crosscheck and model read it again. */
#ifndef STACK_FORM_MOUNT_H
#define STACK_FORM_MOUNT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct tmpfs_wish {
	char target[PATH_MAX];	/* cleaned; "" when it is not absolute or too long */
	int64_t size;		/* bytes; 0: not given */
	uint32_t mode;		/* 0: not given */
	bool read_only;
	/* Points into the text: the first option that docker knows and we do not do, and the one that parsing stopped at. */
	const char *unbuilt, *bad;
};

/* PATH[:OPTION,...]. False: the target or the option at `bad` is not right. */
bool tmpfs_parse(const char *text, struct tmpfs_wish *ret);

#endif
