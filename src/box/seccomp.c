/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp: from the table of system calls (seccomp_tree.c), or a profile of the user's, to a filter program. Called by launch.c
 * before the clone; loading it is the child's business (process.c).
 *
 * A profile is built by libseccomp. It cannot say "every number above this one", so a few instructions in front of its program
 * answer ENOSYS for numbers that the table does not have: a program that tries something newer than we know then takes its
 * older way.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/profile.h"
#include "box/seccomp.h"
#include "box/seccomp_tree.h"
#include "box/syscalls.h"
#include "mstack/box.h"

#define RET_NOSYS    (SECCOMP_RET_ERRNO | ENOSYS)
#define PROLOGUE_MAX 32

/* ---- program --------------------------------------------------------------------------------- */

/* ENOSYS from this number on, up to the next one that is there. */
static size_t put_hole(struct sock_filter *p, size_t n, uint32_t from, uint32_t to)
{
	p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, from, 0, 2);
	p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, to, 1, 0);
	p[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, RET_NOSYS);
	return n;
}

/* For the holes of the table and for all above its last number. Returns the length. */
static size_t make_prologue(struct sock_filter *p)
{
	const struct syscall_row *rows[SYSCALL_NUMBERS];
	uint32_t next = 0; /* behind the last number that was seen */
	size_t n = 0;

	syscall_by_number(SYSCALL_NATIVE, rows);
	p[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, nr));
	for (uint32_t nr = 0; nr < SYSCALL_NUMBERS; nr++) {
		if (!rows[nr])
			continue;
		if (nr > next && n + 5 <= PROLOGUE_MAX)
			n = put_hole(p, n, next, nr);
		next = nr + 1;
	}
	p[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, next, 0, 1);
	p[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, RET_NOSYS);
	return n;
}

static int read_program(int fd, bool open, struct sock_fprog *ret, struct err *err)
{
	struct sock_filter prologue[PROLOGUE_MAX];
	size_t n = open ? 0 : make_prologue(prologue), bytes;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "system call filter: size");
	bytes = (size_t)st.st_size;
	if (!bytes || bytes % sizeof(*ret->filter) ||
	    bytes / sizeof(*ret->filter) + n > BPF_MAXINSNS)
		return err_set(err,
			       "system call filter: %zu bytes are no program that the kernel takes",
			       bytes);
	ret->filter = xcalloc(n + bytes / sizeof(*ret->filter), sizeof(*ret->filter));
	ret->len = (unsigned short)(n + bytes / sizeof(*ret->filter));
	memcpy(ret->filter, prologue, n * sizeof(*prologue));
	if (pread(fd, ret->filter + n, bytes, 0) == (ssize_t)bytes)
		return 0;
	free(ret->filter);
	return err_sys(err, errno, "system call filter: read");
}

static int compile(uint64_t caps, const char *profile, struct sock_fprog *ret, struct err *err)
{
	_cleanup_fd_ int fd = memfd_create("filter", MFD_CLOEXEC);
	bool open = false;
	scmp_filter_ctx ctx = profile_read(profile, caps, &open, err);
	int rc;

	if (!ctx)
		return err_wrap(err, "profile of seccomp");
	rc = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	if (rc)
		return err_sys(err, -rc, "system call filter: write");
	return read_program(fd, open, ret, err);
}

/* ---- the list -------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static int compile_with(uint64_t caps, bool i386, const char *profile, struct sock_fprog *ret,
			struct err *err)
{
	if (profile && i386)
		return err_set(err, "profile of seccomp: it is for x86-64; arch=i386 opens the "
				    "default filter only");
	return profile ? compile(caps, profile, ret, err) : seccomp_tree(caps, i386, ret, err);
}

const struct sock_fprog *seccomp_get(struct seccomp_filter **list, uint64_t caps, bool i386,
				     const char *profile, struct err *err)
{
	struct sock_fprog prog;
	struct seccomp_filter *f;

	for (f = *list; f; f = f->next)
		if (f->caps == caps && f->i386 == i386 && is_same(f->profile, profile))
			return &f->prog;
	if (compile_with(caps, i386, profile, &prog, err) < 0)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	*f = (struct seccomp_filter){ .next = *list, .caps = caps, .i386 = i386, .prog = prog };
	f->profile = profile ? xstrdup(profile) : NULL;
	*list = f;
	return &f->prog;
}

int box_seccomp_check(const char *profile, uint64_t caps, struct err *err)
{
	struct sock_fprog prog;

	if (compile(caps, profile, &prog, err) < 0)
		return -1;
	free(prog.filter);
	return 0;
}

void seccomp_free(struct seccomp_filter **list)
{
	while (*list) {
		struct seccomp_filter *next = (*list)->next;

		free((*list)->prog.filter);
		free((*list)->profile);
		free(*list);
		*list = next;
	}
}
