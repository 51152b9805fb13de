/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * caps: the words for capabilities. Called by plan, which turns cap_add and cap_drop into a bit
 * set. Setting them is the child's business (process.c).
 */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>
#include <sys/capability.h>

#include "mstack/box.h"

#define LETTERS	 "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
#define BIT(cap) (UINT64_C(1) << (cap))

/* Docker's fourteen without MKNOD, NET_RAW and AUDIT_WRITE. */
uint64_t box_caps_default(void)
{
	return BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
	       BIT(CAP_KILL) | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_SETFCAP) | BIT(CAP_SETGID) |
	       BIT(CAP_SETPCAP) | BIT(CAP_SETUID) | BIT(CAP_SYS_CHROOT);
}

int box_cap_number(const char *name)
{
	char full[64];
	cap_value_t number;
	int n;

	if (!strncasecmp(name, "cap_", 4))
		name += 4;
	/*
	 * libcap takes plain numbers as well, and what follows a space for somebody else's; compose
	 * files do not.
	 */
	if (!isalpha((unsigned char)*name) || name[strspn(name, LETTERS)])
		return -1;
	n = snprintf(full, sizeof(full), "cap_%s", name);
	if (n < 0 || (size_t)n >= sizeof(full))
		return -1;
	return cap_from_name(full, &number) < 0 ? -1 : (int)number;
}
