/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subids: which ids an ordinary user may use besides the own one, as /etc/subuid and /etc/subgid say (subuid(5)).
 */
#ifndef ROOTLESS_SUBIDS_H
#define ROOTLESS_SUBIDS_H

#include "mstack/base.h"

/* The kernel takes 340 lines in a map; nobody has more than a few. */
enum { SUBIDS_MAX = 32 };

struct subids {
	struct {
		uint32_t first, count;
	} v[SUBIDS_MAX];
	size_t n;
};

/*
 * The ranges in such a file that belong to the user of this name (NULL: unknown) or number, in their order. What overlaps one before it, or
 * is no range, is left out, as are all beyond the highest id.
 */
void subids_parse(const char *text, const char *name, uid_t uid, struct subids *ret);
/* The first of 65536 ids that stand in no line of these two files, whoever owns it; 0: there are no such ids. */
uint32_t subids_free(const char *one, const char *other);
/*
 * Without this one, which a user of a directory service may have in the middle of what was given as a range: it is 0 inside already, and the
 * kernel takes none twice.
 */
void subids_leave_out(struct subids *s, uint32_t own);
/* Is there such a program where execvp(3) looks? */
bool subids_in_path(const char *program);
/* How many ids they are. */
uint32_t subids_total(const struct subids *s);

/* Both of a user, and why they cannot be used. */
struct subids_both {
	uid_t uid;
	gid_t gid; /* of the user in /etc/passwd; of this process when the user stands nowhere */
	char name[64]; /* "" unknown */
	struct subids uids, gids;
	bool usable;
	char why[160], cure[240];
};

void subids_of(uid_t uid, struct subids_both *ret);

#endif
