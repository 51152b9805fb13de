/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spot: where a path of `cp` leads: a folder, and a name in it. In a container no link and no `..` leads out of its root.
 */
#ifndef CLI_SPOT_H
#define CLI_SPOT_H

#include <sys/types.h>

#include "mstack/base.h"

struct cli_spot {
	int folder;   /* open for its place only */
	char *name;   /* in it; `.`: the folder itself */
	bool there;   /* is there something of that name? */
	mode_t mode;  /* of it, links not followed */
	bool content; /* the path ends with `/.` or the like: what is in it is meant */
	bool slash;   /* it ends with a slash: a folder is meant */
};

/*
 * `root`: of a container, or AT_FDCWD for a path of the host. With `follow`, or when the path says that it means a folder, links at
 * its end are followed as well. 0, or -1: the folder above it is not there or closed.
 */
int cli_spot_find(int root, const char *path, bool follow, struct cli_spot *ret, struct err *err);
/* The folder that the spot is, for its place only; -1 with errno. */
int cli_spot_open(const struct cli_spot *s);
void cli_spot_fini(struct cli_spot *s);

/*
 * What docker's manual says of sources and targets. *ret_folder: where the copy goes, borrowed from `to` or else *ret_own, which
 * the caller closes; *ret_as: what it is called there.
 */
int cli_spot_join(const struct cli_spot *from, const struct cli_spot *to, const char *from_path, const char *to_path,
		  int *ret_own, const char **ret_as, struct err *err);

#endif
