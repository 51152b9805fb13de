/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What our confined programs are told when sanitizers are built in: their environment is empty, and to look for leaks
 * takes a process that traces, which their filters forbid. Linked into these alone; leaks are looked for in the tests.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=1:use_sigaltstack=0:detect_leaks=0";
}
