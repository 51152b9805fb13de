/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the system call filter: the table itself, and a child that loads the filter and tries
 * calls out.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/seccomp.h"
#include "box/syscalls.h"
#include "mstack/box.h"

#define CAP(name) (UINT64_C(1) << CAP_##name)

/*
 * errno of the call made by a child under the filter of these capabilities; 0 when it was let
 * through and succeeded.
 */
static int try_call(uint64_t caps, long nr, long a, long b, long c)
{
	struct seccomp_filter *list = NULL;
	struct err err;
	const struct sock_fprog *prog = seccomp_get(&list, caps, false, NULL, &err);
	int status = 0;
	pid_t pid;

	if (!prog)
		fail_msg("%s", err.text);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, 1, 0, prog) < 0)
			_exit(255);
		errno = 0;
		_exit(syscall(nr, a, b, c) < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	seccomp_free(&list);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

/* Arguments are chosen so that a call that is let through fails by itself, and in another way. */
static const struct {
	long nr, a, b;
	int error;
	uint64_t caps; /* beside the default ones */
	int then;      /* with these */
} calls[] = {
	{ SYS_getppid, 0, 0, 0, 0, 0 },
	{ SYS_mount, 0, 0, EPERM, CAP(SYS_ADMIN), EFAULT },
	{ SYS_umount2, 0, 0, EPERM, CAP(SYS_ADMIN), EFAULT },
	{ SYS_setns, -1, 0, EPERM, CAP(SYS_ADMIN), EBADF },
	{ SYS_unshare, CLONE_NEWUSER, 0, EPERM, 0, EPERM },
	{ SYS_unshare, 0, 0, EPERM, CAP(SYS_ADMIN), 0 },
	{ SYS_clone, CLONE_NEWUSER, 0, EPERM, 0, EPERM },
	{ SYS_clone, CLONE_NEWNS, 0, EPERM, 0, EPERM },
	{ SYS_clone3, 0, 0, ENOSYS, CAP(SYS_ADMIN), EINVAL },
	{ SYS_socket, AF_INET6, 0, ESOCKTNOSUPPORT, 0, 0 },
	{ SYS_socket, AF_ALG, SOCK_SEQPACKET, EPERM, CAP(NET_ADMIN), EPERM },
	{ SYS_socket, AF_VSOCK, SOCK_STREAM, EPERM, CAP(SYS_ADMIN), EPERM },
	{ SYS_socket, AF_PACKET, 0, EPERM, CAP(NET_RAW), ESOCKTNOSUPPORT },
	{ SYS_socketpair, AF_TIPC, SOCK_STREAM, EPERM, 0, EPERM },
	{ SYS_personality, 0xffffffff, 0, 0, 0, 0 },
	{ SYS_personality, 0x0040000, 0, EPERM, CAP(SYS_ADMIN), EPERM },
	{ SYS_keyctl, 0, 0, EPERM, CAP(SYS_ADMIN), EPERM },
	{ SYS_add_key, 0, 0, EPERM, 0, EPERM },
	{ SYS_bpf, 99, 0, EPERM, CAP(BPF), EINVAL },
	{ SYS_io_uring_setup, 0, 0, EPERM, CAP(SYS_ADMIN), EPERM },
	{ SYS_userfaultfd, -1, 0, EPERM, CAP(SYS_ADMIN), EPERM },
	{ SYS_kexec_load, 0, 0, EPERM, CAP(SYS_ADMIN), EPERM },
	{ SYS_delete_module, 0, 0, EPERM, CAP(SYS_MODULE), EFAULT },
	{ SYS_process_vm_readv, 0, 0, EPERM, CAP(SYS_PTRACE), EINVAL },
	{ SYS_modify_ldt, 0, 0, EPERM, 0, EPERM },
	{ 380, 0, 0, ENOSYS, CAP(SYS_ADMIN), ENOSYS }, /* a hole */
	{ 999, 0, 0, ENOSYS, CAP(SYS_ADMIN), ENOSYS }, /* not yet */
	{ 0x40000000 + 39, 0, 0, ENOSYS, 0, ENOSYS },  /* getpid of x32 */
};

static void test_calls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		int got = try_call(box_caps_default(), calls[i].nr, calls[i].a, calls[i].b, 0);

		if (got != calls[i].error)
			fail_msg("call %ld (%lx): errno %d, not %d", calls[i].nr, calls[i].a, got,
				 calls[i].error);
		got = calls[i].caps ? try_call(box_caps_default() | calls[i].caps, calls[i].nr,
					       calls[i].a, calls[i].b, 0)
				    : calls[i].then;
		/* The last word is the kernel's, which may know less than we allow. */
		if (got != calls[i].then && got != ENOSYS)
			fail_msg("call %ld with more rights: errno %d, not %d", calls[i].nr, got,
				 calls[i].then);
	}
}

/*
 * getpid by the door of i386. The stack must lie below 4 GiB for it, so nothing is pushed: number
 * and result only.
 */
static void test_i386(void **state)
{
	struct seccomp_filter *list = NULL;
	const struct sock_fprog *prog = seccomp_get(&list, box_caps_default(), false, NULL, NULL);
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		int result = 20;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, 1, 0, prog) < 0)
			_exit(255);
		__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
		_exit(result == -ENOSYS ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	seccomp_free(&list);
	/* A kernel without the i386 door answers by a signal. */
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

/* A call by that door under the filter which opens it; its result, a negative errno on failure. */
static int call_i386(int nr, int arg)
{
	struct seccomp_filter *list = NULL;
	const struct sock_fprog *prog = seccomp_get(&list, box_caps_default(), true, NULL, NULL);
	int pair[2], result = nr, status;
	pid_t pid;

	assert_non_null(prog);
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, 1, 0, prog) < 0)
			_exit(255);
		__asm__ volatile("int $0x80"
				 : "+a"(result)
				 : "b"(arg), "c"(0), "d"(0)
				 : "memory", "r8", "r9", "r10", "r11");
		if (nr == 20 && result == getpid())
			result = 0;
		_exit(write(pair[1], &result, sizeof(result)) == sizeof(result) ? 0 : 254);
	}
	waitpid(pid, &status, 0);
	seccomp_free(&list);
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "this kernel has no door for i386\n");
		skip();
	}
	assert_int_equal(status, 0);
	assert_int_equal(read(pair[0], &result, sizeof(result)), sizeof(result));
	close(pair[0]);
	close(pair[1]);
	return result;
}

static void test_i386_open(void **state)
{
	static const struct {
		int nr, arg, result;
	} calls32[] = {
		{ 20, 0, 0 },			/* getpid */
		{ 33, 0, -EFAULT },		/* access */
		{ 102, 0, -EINVAL },		/* socketcall */
		{ 21, 0, -EPERM },		/* mount */
		{ 120, CLONE_NEWUSER, -EPERM }, /* clone */
		{ 435, 0, -ENOSYS },		/* clone3 */
		{ 136, 0x0040000, -EPERM },	/* personality */
		{ 136, -1, 0 },			/* the question */
		{ 359, AF_ALG, -EPERM },	/* socket */
		{ 359, AF_UNIX, -ESOCKTNOSUPPORT },
		{ 222, 0, -ENOSYS }, /* a hole */
		{ 999, 0, -ENOSYS },
		{ 0x40000000 + 20, 0, -ENOSYS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls32); i++) {
		int got = call_i386(calls32[i].nr, calls32[i].arg);

		if (got != calls32[i].result)
			fail_msg("%d (%x): %d in place of %d", calls32[i].nr, calls32[i].arg, got,
				 calls32[i].result);
	}
	/* A profile is for the other door. */
	assert_null(seccomp_get(&(struct seccomp_filter *){ NULL }, 0, true, "{}", NULL));
}

/* What the kernel would make of a call: instructions that the filter is made of, no others. */
static uint32_t simulate(const struct sock_fprog *prog, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t i = 0; i < prog->len; i++) {
		const struct sock_filter *f = &prog->filter[i];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_in_range(f->k, 0, sizeof(*data) - 4);
			memcpy(&a, (const char *)data + f->k, 4);
			break;
		case BPF_JMP | BPF_JA:
			i += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			i += a >= f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			i += a & f->k ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		default:
			fail_msg("instruction %x", f->code);
		}
	}
	fail_msg("it has no end");
	return 0;
}

#define UPPER UINT64_C(0x100000000)

static bool is_among(uint64_t arg, const uint32_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (arg == values[i])
			return true;
	return false;
}

/* The same by the words of the table. */
static uint32_t expected(const struct syscall_row *row, uint64_t caps, uint64_t arg, bool wide)
{
	static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };
	bool allow = false;

	if (!wide)
		arg = (uint32_t)arg;
	if (!row)
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (row->caps & caps)
		return SECCOMP_RET_ALLOW;
	switch (row->decision) {
	case SYSCALL_ALLOW:
		allow = true;
		break;
	case SYSCALL_DENY:
		break;
	case SYSCALL_NOSYS:
		return SECCOMP_RET_ERRNO | ENOSYS;
	case SYSCALL_SOCKET:
		allow = is_among(arg, families, ARRAY_LEN(families) - !(caps & CAP(NET_RAW)));
		break;
	case SYSCALL_CLONE:
		allow = !(arg & SECCOMP_NEW_NAMESPACES);
		break;
	case SYSCALL_PERSONALITY:
		allow = is_among(arg, seccomp_personalities, SECCOMP_PERSONALITIES);
		break;
	}
	return allow ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM;
}

static void check_door(const struct sock_fprog *prog, unsigned arch, uint32_t audit, uint64_t caps,
		       bool open)
{
	static const uint64_t args[] = { 0,
					 1,
					 2,
					 8,
					 10,
					 16,
					 17,
					 38,
					 40,
					 CLONE_NEWUSER,
					 CLONE_NEWNS | CLONE_VM,
					 0x0020000,
					 0x0020008,
					 0x0040000,
					 0xffffffff,
					 UPPER,
					 UPPER | 2,
					 UPPER | 0xffffffff,
					 UINT64_MAX };
	const struct syscall_row *rows[SYSCALL_NUMBERS];

	syscall_by_number(arch, rows);
	for (uint32_t nr = 0; nr < SYSCALL_NUMBERS + 2; nr++) {
		const struct syscall_row *row = open && nr < SYSCALL_NUMBERS ? rows[nr] : NULL;

		for (size_t i = 0; i < ARRAY_LEN(args); i++) {
			struct seccomp_data data = { .nr = (int)nr,
						     .arch = audit,
						     .args = { args[i] } };
			uint32_t should = expected(row, caps, args[i], arch != SYSCALL_I386);

			if (simulate(prog, &data) != should)
				fail_msg("call %u (%llx) of arch %u: %x, not %x", nr,
					 (unsigned long long)args[i], arch, simulate(prog, &data),
					 should);
			data.nr = (int)(nr | 0x40000000u); /* x32 */
			assert_int_equal(simulate(prog, &data), SECCOMP_RET_ERRNO | ENOSYS);
			data.nr = (int)(nr | 0x80000000u);
			assert_int_equal(simulate(prog, &data), SECCOMP_RET_ERRNO | ENOSYS);
		}
	}
}

/* Every number by every door, with arguments at the edges of what is asked of them. */
static void test_every_call(void **state)
{
	const uint64_t sets[] = { 0, box_caps_default(), box_caps_default() | CAP(NET_RAW),
				  CAP(SYS_ADMIN), UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(sets); i++) {
		struct seccomp_filter *list = NULL;
		uint64_t caps = sets[i / 2];
		bool i386 = i % 2;
		const struct sock_fprog *prog = seccomp_get(&list, caps, i386, NULL, NULL);

		if (!prog && i386)
			continue; /* not this machine's */
		assert_non_null(prog);
		check_door(prog, SYSCALL_NATIVE,
			   SYSCALL_NATIVE == SYSCALL_X86_64 ? AUDIT_ARCH_X86_64
							    : AUDIT_ARCH_AARCH64,
			   caps, true);
		check_door(prog, SYSCALL_I386, AUDIT_ARCH_I386, caps, i386);
		check_door(prog, SYSCALL_ARM64, AUDIT_ARCH_ARM, caps, false);
		seccomp_free(&list);
	}
}

/* One row for a name, one name for a number, and not more open than was meant. */
static void test_table(void **state)
{
	size_t open[SYSCALL_ARCHES] = { 0 };

	(void)state;
	for (size_t i = 0; i < syscall_rows_len; i++) {
		const struct syscall_row *row = &syscall_rows[i];

		for (size_t k = 0; k < i; k++) {
			assert_string_not_equal(row->name, syscall_rows[k].name);
			for (unsigned arch = 0; arch < SYSCALL_ARCHES; arch++)
				if (row->nr[arch] >= 0)
					assert_int_not_equal(row->nr[arch],
							     syscall_rows[k].nr[arch]);
		}
		for (unsigned arch = 0; arch < SYSCALL_ARCHES; arch++) {
			assert_in_range(row->nr[arch] + 1, 0, SYSCALL_NUMBERS);
			open[arch] += row->nr[arch] >= 0 && (row->decision == SYSCALL_ALLOW ||
							     row->decision >= SYSCALL_SOCKET ||
							     row->caps & box_caps_default());
		}
	}
	assert_in_range(open[SYSCALL_X86_64], 250, 300);
	assert_in_range(open[SYSCALL_I386], 300, 357);
	assert_in_range(open[SYSCALL_ARM64], 200, 300);
}

/* From 424 on all architectures have the same numbers; before that arm64's are those of asm-generic/unistd.h. */
static void test_arm64(void **state)
{
	static const struct {
		const char *name;
		int nr;
	} known[] = {
		{ "io_setup", 0 },    { "openat", 56 },	    { "read", 63 },
		{ "newfstatat", 79 }, { "exit_group", 94 }, { "futex", 98 },
		{ "clone", 220 },     { "execve", 221 },    { "mmap", 222 },
		{ "prlimit64", 261 }, { "seccomp", 277 },   { "rseq", 293 },
		{ "open", -1 },	      { "fork", -1 },	    { "socketcall", -1 },
	};

	(void)state;
	for (size_t i = 0; i < syscall_rows_len; i++) {
		const struct syscall_row *row = &syscall_rows[i];

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			if (!strcmp(row->name, known[k].name))
				assert_int_equal(row->nr[SYSCALL_ARM64], known[k].nr);
		if (row->nr[SYSCALL_X86_64] >= 424)
			assert_true(row->nr[SYSCALL_ARM64] == row->nr[SYSCALL_X86_64] ||
				    !strcmp(row->name, "memfd_secret"));
	}
}

static void test_kept_per_set(void **state)
{
	struct seccomp_filter *list = NULL;
	const struct sock_fprog *first = seccomp_get(&list, 0, false, NULL, NULL),
				*more = seccomp_get(&list, CAP(SYS_ADMIN), false, NULL, NULL);

	(void)state;
	assert_ptr_equal(seccomp_get(&list, 0, false, NULL, NULL), first);
	assert_ptr_not_equal(first, more);
	assert_true(more->len > 50);
	seccomp_free(&list);
	assert_null(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),	   cmocka_unit_test(test_i386),
		cmocka_unit_test(test_i386_open),  cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_table),	   cmocka_unit_test(test_kept_per_set),
		cmocka_unit_test(test_every_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
