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

/* libcap's own answer would have to be freed. In the order of their numbers. */
const char *box_cap_name(int nr)
{
	static const char *const names[] = { "CHOWN",
					     "DAC_OVERRIDE",
					     "DAC_READ_SEARCH",
					     "FOWNER",
					     "FSETID",
					     "KILL",
					     "SETGID",
					     "SETUID",
					     "SETPCAP",
					     "LINUX_IMMUTABLE",
					     "NET_BIND_SERVICE",
					     "NET_BROADCAST",
					     "NET_ADMIN",
					     "NET_RAW",
					     "IPC_LOCK",
					     "IPC_OWNER",
					     "SYS_MODULE",
					     "SYS_RAWIO",
					     "SYS_CHROOT",
					     "SYS_PTRACE",
					     "SYS_PACCT",
					     "SYS_ADMIN",
					     "SYS_BOOT",
					     "SYS_NICE",
					     "SYS_RESOURCE",
					     "SYS_TIME",
					     "SYS_TTY_CONFIG",
					     "MKNOD",
					     "LEASE",
					     "AUDIT_WRITE",
					     "AUDIT_CONTROL",
					     "SETFCAP",
					     "MAC_OVERRIDE",
					     "MAC_ADMIN",
					     "SYSLOG",
					     "WAKE_ALARM",
					     "BLOCK_SUSPEND",
					     "AUDIT_READ",
					     "PERFMON",
					     "BPF",
					     "CHECKPOINT_RESTORE" };

	return nr >= 0 && (size_t)nr < ARRAY_LEN(names) ? names[nr] : NULL;
}
