/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devfilter: see devfilter.h. Called by start.c before stage one is cloned into the cgroup, and by probe.c. The kernel calls the
 * program with the kind of device, what is wanted of it and its number; 1 lets it through, 0 is EPERM.
 *
 * Rules can only allow, so their order does not matter: each is a row of conditions that jump to the next rule, then a
 * return. Made by hand: a few dozen instructions need no compiler and no library.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/devfilter.h"

#define ANY (-1)

/*
 * What the program has in which register, once it has read what it was given. Type and number are one key: with a register for
 * each the kernel, which walks all ways through a program to check it, would get lost among them.
 */
enum { CONTEXT = BPF_REG_1, SCRATCH = BPF_REG_1, KEY, ACCESS, OTHER };

#define MAJOR_SHIFT 20
#define TYPE_SHIFT  32
#define MAJOR_MAX   0xfff
#define MINOR_MAX   0xfffff
#define MINOR_MASK  ((uint64_t)MINOR_MAX)
#define MAJOR_MASK  ((uint64_t)MAJOR_MAX << MAJOR_SHIFT)
#define TYPE_MASK   (UINT64_C(0xffff) << TYPE_SHIFT)

/*
 * As Docker has it: every node may be made, for a node alone opens nothing; of terminals those of the container's own devpts
 * are all that it can find.
 */
static const struct box_device_rule usual[] = {
	{ 'a', ANY, ANY, BOX_DEV_MKNOD }, /* all nodes */
	{ 'c', 1, 3, BOX_DEV_ALL },	  /* null */
	{ 'c', 1, 5, BOX_DEV_ALL },	  /* zero */
	{ 'c', 1, 7, BOX_DEV_ALL },	  /* full */
	{ 'c', 1, 8, BOX_DEV_ALL },	  /* random */
	{ 'c', 1, 9, BOX_DEV_ALL },	  /* urandom */
	{ 'c', 5, 0, BOX_DEV_ALL },	  /* tty */
	{ 'c', 5, 1, BOX_DEV_ALL },	  /* console */
	{ 'c', 5, 2, BOX_DEV_ALL },	  /* ptmx */
	{ 'c', 136, ANY, BOX_DEV_ALL },	  /* pts */
};

/* ---- the program ----------------------------------------------------------------------------- */

static void put(struct devfilter *f, int code, int dst, int src, int off, int64_t imm)
{
	vec_push(f, ((struct bpf_insn){ .code = (uint8_t)code,
					.dst_reg = (uint8_t)dst & 15,
					.src_reg = (uint8_t)src & 15,
					.off = (int16_t)off,
					.imm = (int32_t)imm }));
}

static void put_read(struct devfilter *f, int dst, size_t at)
{
	put(f, BPF_LDX | BPF_MEM | BPF_W, dst, CONTEXT, (int)at, 0);
}

static void put_return(struct devfilter *f, int value)
{
	put(f, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value);
	put(f, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void put_constant(struct devfilter *f, int dst, uint64_t value)
{
	put(f, BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (int64_t)(value & UINT32_MAX));
	put(f, 0, 0, 0, 0, (int64_t)(value >> 32));
}

/* bpf_cgroup_dev_ctx: access in the upper half, type in the lower. The context comes last: it is in the way of scratch. */
static void put_prologue(struct devfilter *f)
{
	put_read(f, ACCESS, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	put(f, BPF_ALU64 | BPF_MOV | BPF_X, KEY, ACCESS, 0, 0);
	put(f, BPF_ALU | BPF_AND | BPF_K, KEY, 0, 0, 0xffff);
	put(f, BPF_ALU | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
	put(f, BPF_ALU64 | BPF_LSH | BPF_K, KEY, 0, 0, TYPE_SHIFT - MAJOR_SHIFT);
	put_read(f, OTHER, offsetof(struct bpf_cgroup_dev_ctx, major));
	put(f, BPF_ALU64 | BPF_OR | BPF_X, KEY, OTHER, 0, 0);
	put(f, BPF_ALU64 | BPF_LSH | BPF_K, KEY, 0, 0, MAJOR_SHIFT);
	put_read(f, OTHER, offsetof(struct bpf_cgroup_dev_ctx, minor));
	put(f, BPF_ALU64 | BPF_OR | BPF_X, KEY, OTHER, 0, 0);
}

static uint64_t mask_of(const struct box_device_rule *r)
{
	return (r->type == 'a' ? 0 : TYPE_MASK) | (r->major == ANY ? 0 : MAJOR_MASK) |
	       (r->minor == ANY ? 0 : MINOR_MASK);
}

static uint64_t key_of(const struct box_device_rule *r)
{
	uint64_t type = r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;

	return (type << TYPE_SHIFT | (((uint64_t)r->major << MAJOR_SHIFT) & MAJOR_MASK) |
		((uint64_t)r->minor & MINOR_MASK)) &
	       mask_of(r);
}

/* Returns whether it has a condition: nothing may stand behind a return that is always met, says the kernel. */
static bool put_rule(struct devfilter *f, const struct box_device_rule *r)
{
	size_t first = f->n;

	/* There are no such numbers, and the key has no room for them. */
	if (r->major > MAJOR_MAX || r->minor > MINOR_MAX)
		return true;
	if (r->access != BOX_DEV_ALL) {
		put(f, BPF_ALU64 | BPF_MOV | BPF_X, SCRATCH, ACCESS, 0, 0);
		put(f, BPF_ALU | BPF_AND | BPF_K, SCRATCH, 0, 0, ~r->access & BOX_DEV_ALL);
		put(f, BPF_JMP | BPF_JNE | BPF_K, SCRATCH, 0, 0, 0);
	}
	if (mask_of(r)) {
		put_constant(f, SCRATCH, mask_of(r));
		put(f, BPF_ALU64 | BPF_AND | BPF_X, SCRATCH, KEY, 0, 0);
		put_constant(f, OTHER, key_of(r));
		put(f, BPF_JMP | BPF_JNE | BPF_X, SCRATCH, OTHER, 0, 0);
	}
	put_return(f, 1);
	for (size_t i = first; i < f->n; i++)
		if (BPF_CLASS(f->v[i].code) == BPF_JMP && BPF_OP(f->v[i].code) == BPF_JNE)
			f->v[i].off = (int16_t)(f->n - i - 1);
	return f->n > first + 2;
}

static bool put_node(struct devfilter *f, const struct launch_node *n)
{
	const struct box_device_rule rule = { S_ISBLK(n->mode) ? 'b' : 'c', major(n->number),
					      minor(n->number), n->access };

	return put_rule(f, &rule);
}

struct devfilter devfilter_make(const struct launch *l)
{
	struct devfilter f = { 0 };

	put_prologue(&f);
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		put_rule(&f, &usual[i]);
	for (size_t i = 0; i < l->n_nodes; i++)
		put_node(&f, &l->nodes[i]);
	for (size_t i = 0; i < l->n_device_rules; i++)
		if (!put_rule(&f, &l->device_rules[i]))
			return f;
	put_return(&f, 0);
	return f;
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static int call(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int explain(struct err *err, const char *act)
{
	if (errno == ENOSYS || errno == EINVAL)
		return err_sys(err, errno,
			       "device program: %s: a kernel with CONFIG_CGROUP_BPF is needed",
			       act);
	return err_sys(err, errno, "device program: %s", act);
}

int devfilter_load(const struct devfilter *f, struct err *err)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uint64_t)(uintptr_t)f->v,
		.insn_cnt = (uint32_t)f->n,
		.license = (uint64_t)(uintptr_t) "GPL",
		.prog_name = "mstack_devices",
	};
	int fd = call(BPF_PROG_LOAD, &attr); /* close-on-exec from birth */

	return fd < 0 ? explain(err, "load") : fd;
}

int devfilter_attach(int cgroup, const struct launch *l, int *prog, struct err *err)
{
	struct devfilter f = devfilter_make(l);
	_cleanup_fd_ int fd = devfilter_load(&f, err);
	/* MULTI: a container that runs containers may add its own below, and both must agree. */
	union bpf_attr attr = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)fd,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI | (*prog < 0 ? 0 : BPF_F_REPLACE),
		.replace_bpf_fd = *prog < 0 ? 0 : (uint32_t)*prog,
	};

	vec_fini(&f);
	if (fd < 0)
		return -1;
	if (call(BPF_PROG_ATTACH, &attr) < 0)
		return explain(err, "attach to the cgroup");
	cleanup_fd(prog);
	*prog = take_fd(&fd);
	return 0;
}

int devfilter_detach(int cgroup, int *prog, struct err *err)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)cgroup,
		.attach_bpf_fd = (uint32_t)*prog,
		.attach_type = BPF_CGROUP_DEVICE,
	};

	if (*prog >= 0 && call(BPF_PROG_DETACH, &attr) < 0)
		return explain(err, "take it away from the cgroup");
	cleanup_fd(prog);
	return 0;
}
