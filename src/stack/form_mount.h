/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_mount: what mounts ask for. The canonical form of an entry of `tmpfs` stays the text, so crosscheck and model read it
 * again; so it is with the options of a volume.
 */
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
/* form_volume.c: do these options of the local driver (`o`) make its device a folder of the host? */
bool volume_is_bind(const char *o);

#endif
