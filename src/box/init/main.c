/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init: the first process of a container with `init: true`, a program of its own. Executes the command as its child, passes
 * signals on to it, reaps whoever is left to it, and ends as the command ends: 128 and the signal when one killed it.
 *
 * Runs as the container's user. Made without the C library, so that it is a few kilobytes and needs nothing of the image. It is
 * part of mstack's own program file, see init_image.c. argv: its name, the path to execute, the command's own argv.
 */
#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <errno.h>
#include <linux/prctl.h>
#include <signal.h>
#include <stddef.h>

#define WAIT_NOW 1L	     /* WNOHANG */
#define WAIT_ALL 0x40000000L /* __WALL: also children that tell no SIGCHLD */

#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call init_main\n");

static long call(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = 0;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x0, sp\n"
	"	bl init_main\n");

static long call(long nr, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = 0;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
}
#else
#error "system calls of this processor are not written down here"
#endif

_Noreturn void init_main(long *stack);

_Noreturn static void end(int code)
{
	for (;;)
		call(__NR_exit_group, code, 0, 0, 0);
}

static void say(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	call(__NR_write, 2, (long)text, (long)len, 0);
}

/*
 * Where there is a terminal, its keys are for the command: in a group with us it would get each signal of theirs twice, from
 * the terminal and from us.
 */
static void take_terminal(void)
{
	int group = 0;

	if (call(__NR_ioctl, 0, TIOCGPGRP, (long)&group, 0) < 0)
		return;
	call(__NR_setpgid, 0, 0, 0, 0);
	group = (int)call(__NR_getpid, 0, 0, 0, 0);
	/* The signal that this brings to who is in the background is blocked, which allows it. */
	call(__NR_ioctl, 0, TIOCSPGRP, (long)&group, 0);
}

/* What mstack found to be executable is there, so a loader or interpreter is missing, or it is no program. */
_Noreturn static void execute(char **argv, char **envp)
{
	const unsigned long none = 0;
	long why;

	call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, sizeof(none));
	why = call(__NR_execve, (long)argv[0], (long)(argv + 1), (long)envp, 0);
	say("init: ");
	say(argv[0]);
	say(why == -ENOENT ? ": its interpreter or loader is not there\n"
			   : ": cannot be executed\n");
	end(why == -ENOENT ? 127 : 126);
}

/* Ends with the command, also while others still run: the kernel takes them along. */
static void reap(long command)
{
	unsigned status = 0;
	long pid;

	while ((pid = call(__NR_wait4, -1, (long)&status, WAIT_NOW | WAIT_ALL, 0)) > 0)
		if (pid == command)
			end((status & 0x7f) ? 128 + (int)(status & 0x7f)
					    : (int)(status >> 8 & 0xff));
}

_Noreturn void init_main(long *stack)
{
	char **argv = (char **)(stack + 1), **envp = argv + stack[0] + 1;
	const unsigned long all = ~0UL;
	long command, sig;

	if (stack[0] < 3)
		end(125);
	call(__NR_prctl, PR_SET_NAME, (long)"init", 0, 0);
	/* In a pid namespace of others it is not PID 1, and would not get those that have lost their parent. */
	call(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0);
	/*
	 * Blocked already, and waited for below: none is lost before the command is there, and none
	 * kills us.
	 */
	call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, sizeof(all));
	command = call(__NR_clone, SIGCHLD, 0, 0, 0);
	if (command < 0) {
		say("init: no process could be made\n");
		end(125);
	}
	if (!command) {
		take_terminal();
		execute(argv + 1, envp);
	}
	for (;;) {
		sig = call(__NR_rt_sigtimedwait, (long)&all, 0, 0, sizeof(all));
		if (sig == SIGCHLD)
			reap(command);
		else if (sig > 0)
			call(__NR_kill, command, sig, 0, 0);
	}
}
