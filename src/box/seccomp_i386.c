/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp_i386: see seccomp_i386.h. Called by seccomp.c where a container asks for the door.
 *
 * libseccomp takes the calls of a second architecture by the names that it knows, and knows those of its own day only; so this
 * part is made by hand: numbers that are decided alike in a row are one leaf, and a binary tree of comparisons leads to it.
 * Families of sockets hold for the newer calls; `socketcall` keeps them where no filter can look.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/socket.h>

#include "box/seccomp.h"
#include "box/seccomp_i386.h"
#include "box/syscalls.h"

struct program VEC(struct sock_filter);

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

/* What is not in the table, and all above it, is not there. */
static void add_leaves(struct leaves *l, uint64_t caps)
{
	const struct syscall_row *rows[SYSCALL_NUMBERS];

	syscall_by_number(SYSCALL_I386, rows);
	for (uint32_t nr = 0; nr < SYSCALL_NUMBERS; nr++)
		add_leaf(l, nr, rows[nr] ? decide(rows[nr], caps) : SYSCALL_NOSYS);
	add_leaf(l, SYSCALL_NUMBERS, SYSCALL_NOSYS);
}

/* ---- the program ----------------------------------------------------------------------------- */

/* Arguments have 32 bits here. */
static void put_load(struct program *p)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args));
}

static void put_values(struct program *p, const uint32_t *values, size_t n)
{
	put_load(p);
	for (size_t i = 0; i < n; i++) {
		put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, values[i]);
		put_return(p, SECCOMP_RET_ALLOW);
	}
	put_return(p, SECCOMP_RET_ERRNO | EPERM);
}

static void put_families(struct program *p, uint64_t caps)
{
	bool raw = caps >> CAP_NET_RAW & 1;
	const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET };

	put_values(p, families, ARRAY_LEN(families) - !raw);
}

static void put_decision(struct program *p, enum syscall_decision decision, uint64_t caps)
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
		put_families(p, caps);
		break;
	case SYSCALL_CLONE:
		put_load(p);
		put(p, BPF_JMP | BPF_JSET | BPF_K, 1, 0, SECCOMP_NEW_NAMESPACES);
		put_return(p, SECCOMP_RET_ALLOW);
		put_return(p, SECCOMP_RET_ERRNO | EPERM);
		break;
	case SYSCALL_PERSONALITY:
		put_values(p, seccomp_personalities, SECCOMP_PERSONALITIES);
		break;
	}
}

/* Only jumps without a condition reach as far as half of the tree. */
static void put_tree(struct program *p, const struct leaf *leaf, size_t n, uint64_t caps)
{
	size_t half = n / 2, jump;

	if (n == 1) {
		put_decision(p, leaf->decision, caps);
		return;
	}
	put(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, leaf[half].from);
	jump = p->n;
	put(p, BPF_JMP | BPF_JA, 0, 0, 0);
	put_tree(p, leaf, half, caps);
	p->v[jump].k = (uint32_t)(p->n - jump - 1);
	put_tree(p, leaf + half, n - half, caps);
}

int seccomp_open_i386(struct sock_fprog *prog, uint64_t caps, struct err *err)
{
	struct program p = { 0 };
	struct leaves leaves = { 0 };

	if (SYSCALL_NATIVE != SYSCALL_X86_64)
		return err_set(err, "system call filter: arch=i386: only x86-64 machines run "
				    "programs of i386");
	add_leaves(&leaves, caps);
	put(&p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	put(&p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, AUDIT_ARCH_I386);
	put(&p, BPF_JMP | BPF_JA, 0, 0, prog->len);
	for (size_t i = 0; i < prog->len; i++)
		vec_push(&p, prog->filter[i]);
	put(&p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	put_tree(&p, leaves.v, leaves.n, caps);
	vec_fini(&leaves);
	if (p.n > BPF_MAXINSNS) {
		vec_fini(&p);
		return err_set(err, "system call filter: too long with the calls of i386");
	}
	free(prog->filter);
	*prog = (struct sock_fprog){ (unsigned short)p.n, p.v };
	return 0;
}
