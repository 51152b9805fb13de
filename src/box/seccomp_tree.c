/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp_tree: see seccomp_tree.h. By hand: libseccomp takes 2 ms for it, which each start of a supervisor would pay, and knows
 * the calls of its own day only. Numbers that are decided alike in a row are one leaf, and a binary tree of comparisons leads
 * to it. Of programs of 32 bits, families of sockets hold for the newer calls; `socketcall` keeps them where no filter can look.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "box/seccomp.h"
#include "box/seccomp_tree.h"
#include "box/syscalls.h"

#if defined(__x86_64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_X86_64
#else
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_AARCH64
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "halves of arguments are looked for as little-endian machines have them"
#endif

/* Linux, 32-bit uname, both with UNAME26, and the question for the present one. */
const uint32_t seccomp_personalities[] = { PER_LINUX, PER_LINUX32, UNAME26, PER_LINUX32 | UNAME26,
					   0xffffffff };

struct program VEC(struct sock_filter);

/* One door into the kernel. */
struct door {
	unsigned arch; /* of the table */
	uint32_t audit;
	bool wide; /* arguments have 64 bits */
	uint64_t caps;
};

/* From this number on, up to the next leaf. */
struct leaf {
	uint32_t from;
	enum syscall_decision decision;
};

struct leaves VEC(struct leaf);

static void put(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	vec_push(p, ((struct sock_filter){ code, jt, jf, k }));
}

static void put_return(struct program *p, uint32_t action)
{
	put(p, BPF_RET | BPF_K, 0, 0, action);
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static enum syscall_decision decide(const struct syscall_row *row, uint64_t caps)
{
	return row->caps & caps ? SYSCALL_ALLOW : row->decision;
}

static void add_leaf(struct leaves *l, uint32_t from, enum syscall_decision decision)
{
	if (!l->n || l->v[l->n - 1].decision != decision)
		vec_push(l, ((struct leaf){ from, decision }));
}

/* What is not in the table, and all above it, is not there: newer than we know, or of x32. */
static void add_leaves(struct leaves *l, const struct door *d)
{
	const struct syscall_row *rows[SYSCALL_NUMBERS];

	syscall_by_number(d->arch, rows);
	for (uint32_t nr = 0; nr < SYSCALL_NUMBERS; nr++)
		add_leaf(l, nr, rows[nr] ? decide(rows[nr], d->caps) : SYSCALL_NOSYS);
	add_leaf(l, SYSCALL_NUMBERS, SYSCALL_NOSYS);
}

/* ---- the program ----------------------------------------------------------------------------- */

/* The lower half of the first argument. */
static void put_load(struct program *p)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args));
}

static void put_values(struct program *p, const struct door *d, const uint32_t *values, size_t n)
{
	/* None of them has an upper half. */
	if (d->wide) {
		put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args) + 4);
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0);
		put_return(p, SECCOMP_RET_ERRNO | EPERM);
	}
	put_load(p);
	for (size_t i = 0; i < n; i++) {
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, values[i]);
		put_return(p, SECCOMP_RET_ALLOW);
	}
	put_return(p, SECCOMP_RET_ERRNO | EPERM);
}

static void put_families(struct program *p, const struct door *d)
{
	bool raw = d->caps >> CAP_NET_RAW & 1;
	const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };

	put_values(p, d, families, ARRAY_LEN(families) - !raw);
}

static void put_decision(struct program *p, const struct door *d, enum syscall_decision decision)
{
	switch (decision) {
	case SYSCALL_ALLOW:
		put_return(p, SECCOMP_RET_ALLOW);
		break;
	case SYSCALL_DENY:
		put_return(p, SECCOMP_RET_ERRNO | EPERM);
		break;
	case SYSCALL_NOSYS:
		put_return(p, SECCOMP_RET_ERRNO | ENOSYS);
		break;
	case SYSCALL_SOCKET:
		put_families(p, d);
		break;
	case SYSCALL_CLONE:
		put_load(p);
		put(p, BPF_JMP | BPF_JSET | BPF_K, 1, 0, SECCOMP_NEW_NAMESPACES);
		put_return(p, SECCOMP_RET_ALLOW);
		put_return(p, SECCOMP_RET_ERRNO | EPERM);
		break;
	case SYSCALL_PERSONALITY:
		put_values(p, d, seccomp_personalities, SECCOMP_PERSONALITIES);
		break;
	}
}

/* Jumps with a condition reach over 255 instructions; what is behind a jump may be moved along with its own jumps. */
static void put_jump(struct program *p, size_t at, uint32_t from)
{
	size_t over = p->n - at - 1;

	if (over <= UINT8_MAX) {
		p->v[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, from, 0, 0);
		p->v[at].jt = (uint8_t)over;
		return;
	}
	put_return(p, 0);
	memmove(p->v + at + 2, p->v + at + 1, over * sizeof(*p->v));
	p->v[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, from, 0, 1);
	p->v[at + 1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)over);
}

static void put_tree(struct program *p, const struct door *d, const struct leaf *leaf, size_t n)
{
	size_t half = n / 2, at = p->n;

	if (n == 1) {
		put_decision(p, d, leaf->decision);
		return;
	}
	put_return(p, 0); /* the jump that leads over the lower half */
	put_tree(p, d, leaf, half);
	put_jump(p, at, leaf[half].from);
	put_tree(p, d, leaf + half, n - half);
}

/* Who did not come by this door goes on behind it. */
static void put_door(struct program *p, const struct door *d)
{
	struct leaves leaves = { 0 };
	size_t jump;

	put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	put(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, d->audit);
	jump = p->n;
	put(p, BPF_JMP | BPF_JA, 0, 0, 0);
	put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	add_leaves(&leaves, d);
	put_tree(p, d, leaves.v, leaves.n);
	p->v[jump].k = (uint32_t)(p->n - jump - 1);
	vec_fini(&leaves);
}

int seccomp_tree(uint64_t caps, bool i386, struct sock_fprog *ret, struct err *err)
{
	const struct door native = { SYSCALL_NATIVE, AUDIT_ARCH_NATIVE, true, caps };
	const struct door second = { SYSCALL_I386, AUDIT_ARCH_I386, false, caps };
	struct program p = { 0 };

	if (i386 && SYSCALL_NATIVE != SYSCALL_X86_64)
		return err_set(err, "system call filter: arch=i386: only x86-64 machines run "
				    "programs of i386");
	put_door(&p, &native);
	if (i386)
		put_door(&p, &second);
	put_return(&p, SECCOMP_RET_ERRNO | ENOSYS);
	if (p.n > BPF_MAXINSNS) {
		vec_fini(&p);
		return err_set(err, "system call filter: longer than the kernel takes it");
	}
	*ret = (struct sock_fprog){ (unsigned short)p.n, p.v };
	return 0;
}
