/* SPDX-License-Identifier: GPL-2.0-or-later */
/* passwd: what the host's /etc/passwd says of a user. */
#ifndef ROOTLESS_PASSWD_H
#define ROOTLESS_PASSWD_H

#include "mstack/base.h"

struct passwd_entry {
	char *name, *home;
	gid_t gid;
};

/* The first line of the text with this number, as of passwd(5). False: there is none that is whole. */
bool passwd_parse(const char *text, uid_t uid, struct passwd_entry *ret);
bool passwd_of(uid_t uid, struct passwd_entry *ret);
void passwd_entry_fini(struct passwd_entry *e);

#endif
