/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sig: signals by name. Called for `stop_signal`, `kill -s` and exit reasons. Numbers are Linux's,
 * which all our architectures share; real-time signals count from the 34 that glibc and musl leave
 * to programs.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>

#include "mstack/base.h"

#define LAST_SIGNAL 64
#define SIG(name)   [SIG##name] = "SIG" #name

/* clang-format off */
static const char *const names[LAST_SIGNAL + 1] = {
	SIG(HUP), SIG(INT), SIG(QUIT), SIG(ILL), SIG(TRAP), SIG(ABRT), SIG(BUS), SIG(FPE),
	SIG(KILL), SIG(USR1), SIG(SEGV), SIG(USR2), SIG(PIPE), SIG(ALRM), SIG(TERM), SIG(STKFLT),
	SIG(CHLD), SIG(CONT), SIG(STOP), SIG(TSTP), SIG(TTIN), SIG(TTOU), SIG(URG), SIG(XCPU),
	SIG(XFSZ), SIG(VTALRM), SIG(PROF), SIG(WINCH), SIG(IO), SIG(PWR), SIG(SYS),
	[32] = "signal 32", [33] = "signal 33", [34] = "SIGRTMIN",
	[35] = "SIGRTMIN+1", [36] = "SIGRTMIN+2", [37] = "SIGRTMIN+3", [38] = "SIGRTMIN+4",
	[39] = "SIGRTMIN+5", [40] = "SIGRTMIN+6", [41] = "SIGRTMIN+7", [42] = "SIGRTMIN+8",
	[43] = "SIGRTMIN+9", [44] = "SIGRTMIN+10", [45] = "SIGRTMIN+11", [46] = "SIGRTMIN+12",
	[47] = "SIGRTMIN+13", [48] = "SIGRTMIN+14", [49] = "SIGRTMIN+15", [50] = "SIGRTMAX-14",
	[51] = "SIGRTMAX-13", [52] = "SIGRTMAX-12", [53] = "SIGRTMAX-11", [54] = "SIGRTMAX-10",
	[55] = "SIGRTMAX-9", [56] = "SIGRTMAX-8", [57] = "SIGRTMAX-7", [58] = "SIGRTMAX-6",
	[59] = "SIGRTMAX-5", [60] = "SIGRTMAX-4", [61] = "SIGRTMAX-3", [62] = "SIGRTMAX-2",
	[63] = "SIGRTMAX-1", [64] = "SIGRTMAX",
};
/* clang-format on */

/* Second names of signal(7). */
static const struct {
	const char *name;
	int sig;
} aliases[] = { { "IOT", SIGABRT }, { "CLD", SIGCHLD }, { "POLL", SIGIO } };

static int parse_number(const char *s)
{
	int n = 0;

	for (; isdigit((unsigned char)*s) && n <= LAST_SIGNAL; s++)
		n = n * 10 + (*s - '0');
	return *s || n < 1 || n > LAST_SIGNAL ? -1 : n;
}

int sig_parse(const char *s)
{
	if (isdigit((unsigned char)*s))
		return parse_number(s);
	if (!strncasecmp(s, "SIG", 3))
		s += 3;
	for (int i = 1; i <= LAST_SIGNAL; i++)
		if (!strncmp(names[i], "SIG", 3) && !strcasecmp(s, names[i] + 3))
			return i;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (!strcasecmp(s, aliases[i].name))
			return aliases[i].sig;
	return -1;
}

const char *sig_name(int sig)
{
	return sig >= 1 && sig <= LAST_SIGNAL ? names[sig] : "unknown signal";
}
