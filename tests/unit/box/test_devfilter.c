/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the device program: it is run here by an interpreter of the few instructions that it is made of, beside a plain
 * reading of the rules, and loaded by the kernel, which checks it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/devfilter.h"

/* ---- the interpreter ------------------------------------------------------------------------- */

static uint64_t load(const struct bpf_cgroup_dev_ctx *ctx, int16_t at)
{
	uint32_t word;

	assert_true(at >= 0 && at % 4 == 0 && (size_t)at + 4 <= sizeof(*ctx));
	memcpy(&word, (const char *)ctx + at, sizeof(word));
	return word;
}

/* Only forward jumps are taken, so it ends. */
static int run(const struct devfilter *f, struct bpf_cgroup_dev_ctx ctx)
{
	uint64_t r[11] = { 0 };

	for (size_t pc = 0; pc < f->n; pc++) {
		const struct bpf_insn *i = &f->v[pc];
		uint64_t *to = &r[i->dst_reg];

		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(i->src_reg, BPF_REG_1);
			*to = load(&ctx, i->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*to = r[i->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*to = (uint64_t)i->imm;
			break;
		case BPF_LD | BPF_IMM | BPF_DW:
			assert_true(pc + 1 < f->n && !f->v[pc + 1].code);
			*to = (uint32_t)i->imm | (uint64_t)(uint32_t)f->v[++pc].imm << 32;
			break;
		case BPF_ALU64 | BPF_AND | BPF_X:
			*to &= r[i->src_reg];
			break;
		case BPF_ALU64 | BPF_OR | BPF_X:
			*to |= r[i->src_reg];
			break;
		case BPF_ALU64 | BPF_LSH | BPF_K:
			*to <<= i->imm;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			*to = (uint32_t)*to & (uint32_t)i->imm;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			*to = (uint32_t)*to >> i->imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
		case BPF_JMP | BPF_JNE | BPF_X:
			assert_true(i->off > 0);
			if (*to != (i->code & BPF_X ? r[i->src_reg] : (uint64_t)i->imm))
				pc += (size_t)i->off;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)r[0];
		default:
			fail_msg("instruction %#x at %zu", i->code, pc);
		}
	}
	fail_msg("ran over its end");
	return -1;
}

static bool ask(const struct devfilter *f, char type, unsigned access, unsigned major,
		unsigned minor)
{
	unsigned kind = type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
	struct bpf_cgroup_dev_ctx ctx = { .access_type = access << 16 | kind,
					  .major = major,
					  .minor = minor };
	int answer = run(f, ctx);

	assert_in_range(answer, 0, 1);
	return answer;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static struct devfilter make(const struct box_device_rule *rules, size_t n)
{
	const struct launch l = { .device_rules = rules, .n_device_rules = n };

	return devfilter_make(&l);
}

static void test_usual(void **state)
{
	static const struct {
		unsigned major, minor;
	} open[] = {
		{ 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 }, { 5, 0 }, { 5, 1 }, { 5, 2 }, { 136, 0 }, { 136, 1000000 },
	}, closed[] = {
		{ 1, 1 }, { 1, 2 }, { 1, 4 }, { 1, 11 }, { 5, 3 }, { 4, 0 }, { 10, 200 }, { 137, 0 }, { 0, 0 }, { 4095, 1048575 },
	};
	struct devfilter f = make(NULL, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		for (unsigned access = 1; access <= BOX_DEV_ALL; access++) {
			assert_true(ask(&f, 'c', access, open[i].major, open[i].minor));
			assert_int_equal(ask(&f, 'b', access, open[i].major, open[i].minor),
					 access == BOX_DEV_MKNOD);
		}
	/* Any node may be made, and then cannot be opened. */
	for (size_t i = 0; i < ARRAY_LEN(closed); i++)
		for (unsigned access = 1; access <= BOX_DEV_ALL; access++)
			assert_int_equal(ask(&f, 'c', access, closed[i].major, closed[i].minor),
					 access == BOX_DEV_MKNOD);
	vec_fini(&f);
}

static bool allows(const struct box_device_rule *r, char type, unsigned access, unsigned major,
		   unsigned minor)
{
	return (r->type == 'a' || r->type == type) && !(access & ~r->access) &&
	       (r->major < 0 || r->major == major) && (r->minor < 0 || r->minor == minor);
}

/* Every set of two rules out of these, asked for everything near them. */
static void test_rules(void **state)
{
	static const struct box_device_rule rules[] = {
		{ 'c', 10, 229, BOX_DEV_ALL },	      { 'c', 10, -1, BOX_DEV_READ },
		{ 'b', 8, 1, BOX_DEV_WRITE },	      { 'b', -1, 1, BOX_DEV_READ | BOX_DEV_WRITE },
		{ 'a', 7, 2, BOX_DEV_READ },	      { 'a', -1, -1, BOX_DEV_WRITE },
		{ 'b', -1, -1, BOX_DEV_ALL },	      { 'c', 4095, 1048575, BOX_DEV_READ },
		{ 'c', 4096 + 10, 229, BOX_DEV_ALL }, { 'c', 10, (1 << 20) + 229, BOX_DEV_ALL },
	};
	static const unsigned majors[] = { 7, 8, 10, 11, 4095 }, minors[] = { 1, 2, 229, 1048575 };

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(rules) * ARRAY_LEN(rules); n++) {
		const struct box_device_rule two[] = { rules[n / ARRAY_LEN(rules)],
						       rules[n % ARRAY_LEN(rules)] };
		struct devfilter f = make(two, 2);

		for (unsigned q = 0; q < 2 * 5 * 4 * 8; q++) {
			char type = "bc"[q % 2];
			unsigned ma = majors[q / 2 % 5], mi = minors[q / 10 % 4], access = q / 40;

			if (!access)
				continue;
			assert_int_equal(ask(&f, type, access, ma, mi),
					 access == BOX_DEV_MKNOD ||
						 allows(&two[0], type, access, ma, mi) ||
						 allows(&two[1], type, access, ma, mi));
		}
		vec_fini(&f);
	}
}

/* With everything allowed nothing stands behind it: the kernel takes no instruction that cannot be reached. */
static void test_everything(void **state)
{
	static const struct box_device_rule rules[] = { { 'a', -1, -1, BOX_DEV_ALL },
							{ 'c', 1, 1, BOX_DEV_READ } };
	struct devfilter f = make(rules, 2), first = make(rules, 1);

	(void)state;
	assert_int_equal(f.n, first.n);
	for (unsigned access = 1; access <= BOX_DEV_ALL; access++)
		assert_true(ask(&f, 'b', access, 8, 0) && ask(&f, 'c', access, 1, 1));
	vec_fini(&f);
	vec_fini(&first);
}

static void test_nodes(void **state)
{
	struct launch_node nodes[] = {
		{ .mode = S_IFBLK | 0660, .number = makedev(8, 3), .access = BOX_DEV_READ },
		{ .mode = S_IFCHR | 0600, .number = makedev(10, 300), .access = BOX_DEV_ALL },
	};
	const struct launch l = { .nodes = nodes, .n_nodes = 2 };
	struct devfilter f = devfilter_make(&l);

	(void)state;
	assert_true(ask(&f, 'b', BOX_DEV_READ, 8, 3));
	assert_false(ask(&f, 'b', BOX_DEV_WRITE, 8, 3));
	assert_false(ask(&f, 'b', BOX_DEV_READ | BOX_DEV_WRITE, 8, 3));
	assert_false(ask(&f, 'c', BOX_DEV_READ, 8, 3));
	assert_true(ask(&f, 'c', BOX_DEV_READ | BOX_DEV_WRITE, 10, 300));
	assert_false(ask(&f, 'c', BOX_DEV_READ, 10, 299));
	vec_fini(&f);
}

/* The kernel's own judgement: of none, of the largest number, of a rule for all, of as many as a folder may have. */
static void test_load(void **state)
{
	static const struct box_device_rule all = { 'a', -1, -1, BOX_DEV_ALL };
	static struct launch_node many[4000];

	(void)state;
	if (geteuid()) {
		fprintf(stderr, "loading a program needs root\n");
		skip();
	}
	for (unsigned i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct launch_node){ .mode = i % 2 ? S_IFBLK : S_IFCHR,
						.number = makedev(i, 1048575 - i),
						.access = 1 + i % BOX_DEV_ALL };
	for (int i = 0; i < 3; i++) {
		const struct launch l = { .nodes = many,
					  .n_nodes = i == 1 ? ARRAY_LEN(many) : 0,
					  .device_rules = &all,
					  .n_device_rules = i == 2 };
		struct devfilter f = devfilter_make(&l);
		struct err err = { 0 };
		int fd = devfilter_load(&f, &err);

		if (fd < 0)
			fail_msg("program %d of %zu instructions: %s", i, f.n, err.text);
		close(fd);
		vec_fini(&f);
	}
}

static void test_refused(void **state)
{
	static const struct bpf_insn nonsense = { .code = BPF_JMP | BPF_EXIT };
	struct devfilter f = { 0 };
	const struct launch l = { 0 };
	struct err err = { 0 };
	int prog = -1;

	(void)state;
	vec_push(&f, nonsense); /* returns what was never set */
	assert_int_equal(devfilter_load(&f, &err), -1);
	assert_non_null(strstr(err.text, "device program: load"));
	vec_fini(&f);
	assert_int_equal(devfilter_attach(-1, &l, &prog, &err), -1);
	assert_int_equal(prog, -1);
	if (!geteuid())
		assert_non_null(strstr(err.text, "device program: attach to the cgroup: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),	   cmocka_unit_test(test_rules),
		cmocka_unit_test(test_everything), cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_load),	   cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
