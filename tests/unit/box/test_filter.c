/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the filter that a container really runs under: read back from the kernel by ptrace, and asked for every number
 * and every argument that matters. The measure is moby_x86_64.tsv and moby_i386.tsv, what moby's default profile decides, with
 * the list below of where we are stricter. Nothing of this looks at the tables that the filter was made from.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

#define NUMBERS	   1024 /* more than the kernel has */
#define MEASURE	   "tests/unit/box/moby_%s.tsv"
#define EVERY_HIGH (UINT64_C(1) << 32)
#define ALLOWED	   0 /* in place of an errno */

/* ---- the program ----------------------------------------------------------------------------- */

static struct sock_filter program[BPF_MAXINSNS];
static size_t program_len;

static uint32_t word_at(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	assert_true(offset % 4 == 0 && offset + 4 <= sizeof(*data));
	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static bool jumps(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	case BPF_JSET:
		return a & k;
	default:
		fail_msg("unknown jump %x", code);
		return false;
	}
}

/* What the kernel would: the few instructions that filters are made of. */
static uint32_t run_program(const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < program_len; pc++) {
		const struct sock_filter *i = &program[pc];

		if (i->code == (BPF_LD | BPF_W | BPF_ABS))
			a = word_at(data, i->k);
		else if (i->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= i->k;
		else if (i->code == (BPF_RET | BPF_K))
			return i->k;
		else if (i->code == (BPF_JMP | BPF_JA))
			pc += i->k;
		else if (BPF_CLASS(i->code) == BPF_JMP)
			pc += jumps(i->code, a, i->k) ? i->jt : i->jf;
		else
			fail_msg("unknown instruction %x", i->code);
	}
	fail_msg("the program has no end");
	return 0;
}

/* ALLOWED or the errno that a call gets. Anything else is no decision that we make. */
static int decide(uint32_t arch, uint32_t nr, uint64_t first, uint64_t others)
{
	struct seccomp_data data = {
		.nr = (int)nr,
		.arch = arch,
		.args = { first, others, others, others, others, others },
	};
	uint32_t ret = run_program(&data);

	if (ret == SECCOMP_RET_ALLOW)
		return ALLOWED;
	assert_int_equal(ret & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
	assert_int_not_equal(ret & SECCOMP_RET_DATA, 0);
	return (int)(ret & SECCOMP_RET_DATA);
}

/* ---- the live filter ------------------------------------------------------------------------- */

static void let_go(pid_t pid)
{
	assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
}

/* False: this kernel does not tell (no CONFIG_CHECKPOINT_RESTORE, or we have a filter ourselves). */
static bool read_back(pid_t pid)
{
	long n, more;

	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, __WALL), pid);
	n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)0, NULL);
	if (n < 0) {
		print_message("the kernel does not show filters: %s\n", strerror(errno));
		let_go(pid);
		return false;
	}
	assert_true(n > 50 && n <= BPF_MAXINSNS);
	assert_int_equal(ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)0, program), n);
	program_len = (size_t)n;
	/* There is one filter and no other. */
	more = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)1, NULL);
	assert_true(more < 0 && errno == ENOENT);
	let_go(pid);
	return true;
}

/* Of the service itself, or of a command executed in it; with the door of i386, or without. */
static void load_with(struct rig *r, bool executed, bool i386)
{
	static const char *const sleeper[] = { "sleep", "1000", NULL };
	struct box_exec_spec exec = { .token = 1, .argv = sleeper };
	struct box_spec spec = rig_spec(sleeper, rig_pipe());
	struct box_slot *s = rig_slot(r, "web-1");
	struct err err = { 0 };
	bool known;

	spec.i386 = i386;
	assert_int_equal(box_start(s, &spec, true, &err), 0);
	rig_wait(r, BOX_STARTED);
	if (executed) {
		assert_int_equal(box_exec(s, &exec, &err), 0);
		while (!exec_guest(s)->eof)
			ev_run(r->loop, EVRUN_ONCE);
	}
	known = read_back(executed ? exec_guest(s)->two.pid : box_pid(s));
	box_kill(s, NULL);
	if (executed)
		rig_wait(r, BOX_EXEC_DONE);
	rig_wait(r, BOX_EXITED);
	if (!known)
		skip();
}

static void load(struct rig *r, bool executed)
{
	load_with(r, executed, false);
}

/* ---- the measure ----------------------------------------------------------------------------- */

struct measure {
	char name[32];
	int error; /* or ALLOWED */
	bool by_argument;
};

static struct measure measure[NUMBERS];
static uint32_t n_measured; /* the last number and one */

static void read_measure(const char *arch)
{
	char path[64], line[256], name[32], word[8];
	unsigned nr;
	FILE *f;

	snprintf(path, sizeof(path), MEASURE, arch);
	f = fopen(path, "re");
	if (!f)
		fail_msg("no %s: run it in the top folder", path);
	memset(measure, 0, sizeof(measure));
	while (fgets(line, sizeof(line), f)) {
		const char *last = strrchr(line, '\t');

		if (*line == '#')
			continue;
		assert_int_equal(sscanf(line, "%u\t%31s\t%7s", &nr, name, word), 3);
		assert_true(nr < NUMBERS && last);
		memcpy(measure[nr].name, name, sizeof(name));
		measure[nr].by_argument = !strcmp(word, "cond");
		measure[nr].error = strcmp(word, "errno") != 0 ? ALLOWED : atoi(last + 1);
		n_measured = nr + 1;
	}
	fclose(f);
	assert_true(n_measured > 400);
}

/* Where we are stricter than moby, or say that there is no such call so that callers go their older way. */
static const struct {
	const char *name;
	int error;
} stricter[] = {
	{ "modify_ldt", EPERM },       { "remap_file_pages", EPERM },
	{ "process_vm_readv", EPERM }, { "process_vm_writev", EPERM },
	{ "set_thread_area", ENOSYS }, { "get_thread_area", ENOSYS },
	{ "epoll_ctl_old", ENOSYS },   { "epoll_wait_old", ENOSYS },
	{ "statmount", ENOSYS },       { "listmount", ENOSYS },
	{ "open_tree_attr", ENOSYS },  { "file_getattr", ENOSYS },
	{ "file_setattr", ENOSYS },
};

static int expected(uint32_t nr)
{
	if (!measure[nr].name[0])
		return ENOSYS;
	for (size_t i = 0; i < ARRAY_LEN(stricter); i++)
		if (!strcmp(stricter[i].name, measure[nr].name))
			return stricter[i].error;
	return measure[nr].error;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static uint32_t number_of(const char *name)
{
	for (uint32_t nr = 0; nr < n_measured; nr++)
		if (!strcmp(measure[nr].name, name))
			return nr;
	fail_msg("%s is not measured", name);
	return 0;
}

/* Every number, with arguments of no bit, of one, and of all. */
static void compare_all(void)
{
	static const uint64_t values[] = { 0, 1, UINT64_MAX };
	unsigned open = 0;

	for (uint32_t nr = 0; nr < NUMBERS; nr++) {
		if (measure[nr].by_argument || !strcmp(measure[nr].name, "socketpair")) {
			open++;
			continue;
		}
		for (size_t i = 0; i < ARRAY_LEN(values); i++) {
			int got = decide(AUDIT_ARCH_X86_64, nr, values[i], values[i]);

			if (got != expected(nr))
				fail_msg("%u %s: %d in place of %d", nr, measure[nr].name, got,
					 expected(nr));
		}
		open += expected(nr) == ALLOWED;
	}
	assert_true(open > 250 && open <= 300);
}

static void test_every_call(void **state)
{
	load(*state, false);
	compare_all();
}

static void test_executed(void **state)
{
	load(*state, true);
	compare_all();
}

/* The families of the house, and none behind bits that the kernel does not look at. */
static void test_families(void **state)
{
	static const char *const calls[] = { "socket", "socketpair" };

	load(*state, false);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		uint32_t nr = number_of(calls[i]);

		for (uint64_t family = 0; family < 256; family++) {
			bool open = family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
				    family == AF_NETLINK;

			assert_int_equal(decide(AUDIT_ARCH_X86_64, nr, family, 1),
					 open ? ALLOWED : EPERM);
			assert_int_equal(decide(AUDIT_ARCH_X86_64, nr, family | EVERY_HIGH, 1),
					 EPERM);
		}
	}
}

static void test_clone(void **state)
{
	static const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
					   CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
					   CLONE_NEWNET;
	uint32_t nr;

	load(*state, false);
	nr = number_of("clone");
	for (unsigned bit = 0; bit < 64; bit++)
		assert_int_equal(decide(AUDIT_ARCH_X86_64, nr, UINT64_C(1) << bit, 0),
				 namespaces >> bit & 1 ? EPERM : ALLOWED);
	assert_int_equal(decide(AUDIT_ARCH_X86_64, nr, UINT64_MAX, 0), EPERM);
	assert_int_equal(decide(AUDIT_ARCH_X86_64, nr, UINT64_MAX & ~namespaces, 0), ALLOWED);
}

static void test_personality(void **state)
{
	static const uint64_t harmless[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };
	uint32_t nr;

	load(*state, false);
	nr = number_of("personality");
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		assert_int_equal(decide(AUDIT_ARCH_X86_64, nr, harmless[i], 0), ALLOWED);
	/* READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE, MMAP_PAGE_ZERO and all others. */
	for (unsigned bit = 0; bit < 64; bit++)
		if (bit != 3 && bit != 17)
			assert_int_equal(decide(AUDIT_ARCH_X86_64, nr, UINT64_C(1) << bit, 0),
					 EPERM);
}

/* No call by another door, whatever its number. */
static void test_doors(void **state)
{
	load(*state, false);
	for (uint32_t nr = 0; nr < NUMBERS; nr++) {
		assert_int_equal(decide(AUDIT_ARCH_I386, nr, 0, 0), ENOSYS);
		assert_int_equal(decide(AUDIT_ARCH_X86_64, nr | 0x40000000, 0, 0), ENOSYS);
		assert_int_equal(decide(AUDIT_ARCH_AARCH64, nr, 0, 0), ENOSYS);
	}
	assert_int_equal(decide(AUDIT_ARCH_X86_64, UINT32_MAX, 0, 0), ENOSYS);
}

static int expected_i386(uint32_t nr)
{
	/* How a thread of 32 bits finds its own data. */
	return strstr(measure[nr].name, "_thread_area") ? ALLOWED : expected(nr);
}

/* With the door of i386 open its calls are decided as moby does, those of x86-64 as ever, and x32 has none. */
static void test_i386(void **state)
{
	static const uint64_t values[] = { 0, 1, UINT32_MAX };
	uint32_t nr;

	load_with(*state, false, true);
	compare_all();
	for (nr = 0; nr < NUMBERS; nr++)
		assert_int_equal(decide(AUDIT_ARCH_X86_64, nr | 0x40000000, 0, 0), ENOSYS);
	read_measure("i386");
	for (nr = 0; nr < NUMBERS; nr++) {
		assert_int_equal(decide(AUDIT_ARCH_AARCH64, nr, 0, 0), ENOSYS);
		assert_int_equal(decide(AUDIT_ARCH_I386, nr | 0x40000000, 0, 0), ENOSYS);
		for (size_t i = 0; i < ARRAY_LEN(values); i++) {
			int got = decide(AUDIT_ARCH_I386, nr, values[i], values[i]);

			if (!measure[nr].by_argument &&
			    strcmp(measure[nr].name, "socketpair") != 0 && got != expected_i386(nr))
				fail_msg("%u %s: %d in place of %d", nr, measure[nr].name, got,
					 expected_i386(nr));
		}
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		uint64_t value = UINT64_C(1) << bit;

		assert_int_equal(decide(AUDIT_ARCH_I386, number_of("clone"), value, 0),
				 value & SECCOMP_NEW_NAMESPACES ? EPERM : ALLOWED);
		assert_int_equal(decide(AUDIT_ARCH_I386, number_of("personality"), value, 0),
				 bit == 3 || bit == 17 ? ALLOWED : EPERM);
	}
	for (uint64_t family = 0; family < 256; family++)
		assert_int_equal(decide(AUDIT_ARCH_I386, number_of("socket"), family, 1),
				 family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
						 family == AF_NETLINK
					 ? ALLOWED
					 : EPERM);
	read_measure("x86_64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_call, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_executed, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_families, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_clone, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_personality, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_doors, rig_up, rig_down),
		cmocka_unit_test_setup_teardown(test_i386, rig_up, rig_down),
	};

	rig_isolate();
	read_measure("x86_64");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
