/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the process in a container: ids, capabilities, limits, descriptors, signals,
 * environment.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

static const char *script[] = { "sh", "-c", NULL, NULL };

static const char *run(struct rig *r, const struct box_spec *spec, const char *text)
{
	struct box_slot *s = r->rt->slots ? r->rt->slots : rig_slot(r, "web-1");
	const char *out;
	int status;

	script[2] = text;
	out = rig_run(r, s, spec, &status);
	if (status)
		fail_msg("'%s': status %x: %s", text, status, out);
	return out;
}

/* Without a shell, which ignores signals of its own. */
static const char *status_lines(struct rig *r, struct box_spec *spec, const char *fields)
{
	struct box_slot *s = r->rt->slots ? r->rt->slots : rig_slot(r, "web-1");
	const char *const argv[] = { "grep", "-E", fields, "/proc/self/status", NULL };
	const char *out;
	int status;

	spec->argv = argv;
	out = rig_run(r, s, spec, &status);
	spec->argv = script;
	assert_int_equal(status, 0);
	return out;
}

static void test_root(void **state)
{
	struct box_spec spec = rig_spec(script, rig_pipe());

	assert_string_equal(run(*state, &spec, "id"), "uid=0 gid=0\n");
	assert_string_equal(
		status_lines(*state, &spec, "^(Cap...|NoNewPrivs|Seccomp|Groups|SigBlk|SigIgn):"),
		"Groups:\t \n"
		"SigBlk:\t0000000000000000\n"
		"SigIgn:\t0000000000000000\n"
		"CapInh:\t0000000000000000\n"
		"CapPrm:\t00000000800405fb\n"
		"CapEff:\t00000000800405fb\n"
		"CapBnd:\t00000000800405fb\n"
		"CapAmb:\t0000000000000000\n"
		"NoNewPrivs:\t1\n"
		"Seccomp:\t2\n");
}

static void test_user(void **state)
{
	static const gid_t groups[] = { 20, 3000 };
	struct box_spec spec = rig_spec(script, rig_pipe());

	spec.uid = 1000;
	spec.gid = 1001;
	spec.groups = groups;
	spec.n_groups = ARRAY_LEN(groups);
	assert_string_equal(run(*state, &spec, "id; touch /x 2>/dev/null || echo no"),
			    "uid=1000 gid=1001 groups=20,3000\nno\n");
	assert_string_equal(status_lines(*state, &spec, "^(Cap...|Uid|Gid):"),
			    "Uid:\t1000\t1000\t1000\t1000\n"
			    "Gid:\t1001\t1001\t1001\t1001\n"
			    "CapInh:\t0000000000000000\n"
			    "CapPrm:\t0000000000000000\n"
			    "CapEff:\t0000000000000000\n"
			    "CapBnd:\t00000000800405fb\n"
			    "CapAmb:\t0000000000000000\n");
}

static void test_capabilities(void **state)
{
	struct box_spec spec = rig_spec(script, rig_pipe());

	spec.caps = UINT64_C(1) << 5;
	assert_string_equal(status_lines(*state, &spec, "^(CapPrm|CapBnd):"),
			    "CapPrm:\t0000000000000020\nCapBnd:\t0000000000000020\n");
	spec.caps = 0;
	assert_string_equal(status_lines(*state, &spec, "^(CapPrm|CapBnd):"),
			    "CapPrm:\t0000000000000000\nCapBnd:\t0000000000000000\n");
}

static void test_descriptors(void **state)
{
	struct box_spec spec = rig_spec(script, rig_pipe());
	/* What a careless library could have left. */
	int leaked = open("/", O_RDONLY | O_DIRECTORY);

	/* ls has the folder itself open as a fourth. */
	assert_string_equal(
		run(*state, &spec, "ls /proc/self/fd; readlink /proc/self/fd/0; cat /dev/stdin"),
		"0\n1\n2\n3\n/dev/null\n");
	close(leaked);
}

/* The numbers that a spec names may be the ones that they shall become, the wrong way round. */
static void test_crossed_streams(void **state)
{
	int out = dup(1), err_out = dup(2), pair[2];
	struct box_spec spec;
	char text[64] = "";

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	dup2(pair[1], 1);
	dup2(rig_pipe(), 2);
	spec = rig_spec(script, -1);
	spec.stdout_fd = 2;
	spec.stderr_fd = 1;
	script[2] = "echo out; echo err >&2";
	{
		struct rig *r = *state;
		struct box_slot *s = rig_slot(r, "web-1");
		int status;
		const char *got = rig_run(r, s, &spec, &status);

		dup2(out, 1);
		dup2(err_out, 2);
		assert_string_equal(got, "out\n");
	}
	assert_int_equal(read(pair[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "err\n");
	close(pair[0]);
	close(pair[1]);
	close(out);
	close(err_out);
}

static void test_limits(void **state)
{
	static const struct box_rlimit own[] = {
		{ RLIMIT_NOFILE, 100, 200, 5 },
		{ RLIMIT_NPROC, 50, 60, 6 },
	};
	static const struct box_rlimit wrong = { RLIMIT_NOFILE, 300, 200, 7 };
	struct box_spec spec = rig_spec(script, rig_pipe());
	struct rig *r = *state;
	const struct err *err;

	assert_string_equal(run(r, &spec, "ulimit -Sn; ulimit -Hc; ulimit -Sc; ulimit -l"),
			    "1024\n0\n0\n8192\n");
	spec.rlimits = own;
	spec.n_rlimits = ARRAY_LEN(own);
	assert_string_equal(
		run(r, &spec, "ulimit -Sn; ulimit -Hn; grep processes /proc/self/limits"),
		"100\n200\nMax processes             50                   60                   processes \n");
	spec.rlimits = &wrong;
	spec.n_rlimits = 1;
	err = rig_fail(r, r->rt->slots, &spec);
	assert_int_equal(err->line, 7);
	assert_string_equal(err->text,
			    "resource limits: set 'nofile' to 300 and 200: invalid argument");
}

static void test_session(void **state)
{
	struct box_spec spec = rig_spec(script, rig_pipe());

	/* pid, parent, group, session: its own leader, and nobody above. */
	assert_string_equal(
		run(*state, &spec,
		    "read -r pid name state parent group session rest </proc/1/stat;"
		    "echo $pid $name $parent $group $session; umask; cat /proc/self/oom_score_adj; pwd"),
		"1 (sh) 0 1 1\n0022\n0\n/\n");
	/* The shell adds two. */
	assert_string_equal(run(*state, &spec, "env | wc -l; echo $PATH $COLOUR"),
			    "4\n/nowhere:/bin green\n");
}

/* Nobody's keys are looked through from here: the keyring of the session is one of its own, for a command too. */
static void test_keyring(void **state)
{
	struct box_spec spec = rig_spec(script, rig_pipe());

	spec.unmasked = true;
	assert_string_equal(
		run(*state, &spec,
		    "grep -c ' keyring *_ses: ' /proc/keys; grep -c ' _uid' /proc/keys; :"),
		"1\n0\n");
}

/* Ignored by the supervisor, which would go over exec. */
static void test_pipe_signal(void **state)
{
	struct box_spec spec = rig_spec(script, rig_pipe());

	signal(SIGPIPE, SIG_IGN);
	assert_string_equal(status_lines(*state, &spec, "^SigIgn:"), "SigIgn:\t0000000000000000\n");
	signal(SIGPIPE, SIG_DFL);
}

static void test_bad_working_dir(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(script, rig_pipe());

	script[2] = "true";
	spec.cwd = "/bin/busybox";
	assert_string_equal(rig_fail(r, s, &spec)->text,
			    "make working_dir: '/bin/busybox': not a directory");
	spec.cwd = "/proc/self/fd/1";
	assert_string_equal(
		rig_fail(r, s, &spec)->text,
		"working_dir: enter '/proc/self/fd/1': too many levels of symbolic links");
}

static void test_new_privileges(void **state)
{
	struct box_spec spec = rig_spec(script, rig_pipe());

	spec.new_privileges = true;
	assert_string_equal(status_lines(*state, &spec, "^(NoNewPrivs|Seccomp|CapEff):"),
			    "CapEff:\t00000000800405fb\nNoNewPrivs:\t0\nSeccomp:\t2\n");
	spec.uid = 1000;
	assert_string_equal(status_lines(*state, &spec, "^(NoNewPrivs|Seccomp|CapPrm):"),
			    "CapPrm:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n");
	assert_string_equal(run(*state, &spec, "umount /proc 2>/dev/null || echo no"), "no\n");
}

static void test_unfiltered(void **state)
{
	struct box_spec spec = rig_spec(script, rig_pipe());

	spec.unfiltered = true;
	assert_string_equal(status_lines(*state, &spec, "^(NoNewPrivs|Seccomp|CapBnd):"),
			    "CapBnd:\t00000000800405fb\nNoNewPrivs:\t1\nSeccomp:\t0\n");
	spec.new_privileges = true;
	assert_string_equal(status_lines(*state, &spec, "^(NoNewPrivs|Seccomp):"),
			    "NoNewPrivs:\t0\nSeccomp:\t0\n");
}

/* Whether AppArmor is there or not: this profile is not. */
static void test_unknown_profile(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "true", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	const struct err *err;

	spec.apparmor = "mstack-no-such-profile";
	err = rig_fail(r, s, &spec);
	assert_int_equal(err->kind, ERR_CREATE);
	assert_non_null(strstr(err->text, "AppArmor: profile 'mstack-no-such-profile'"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_root),
		T(test_user),
		T(test_capabilities),
		T(test_descriptors),
		T(test_crossed_streams),
		T(test_limits),
		T(test_session),
		T(test_keyring),
		T(test_pipe_signal),
		T(test_bad_working_dir),
		T(test_new_privileges),
		T(test_unfiltered),
		T(test_unknown_profile),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
