/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shed: see the public header. Called once by each program that has fewer rights than mstack.
 */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "mstack/base_level.h"
#include "mstack/shed.h"

/* nobody and nogroup of every distribution: owns nothing. */
#define NOBODY 65534

int shed_descriptors(unsigned first)
{
	return close_range(first, ~0u, 0);
}

int shed_caps(const cap_value_t *left, size_t n)
{
	cap_t set = cap_init();
	int rc = -1;

	for (cap_value_t c = 0; c < cap_max_bits(); c++)
		if (cap_drop_bound(c) < 0)
			goto out;
	if (cap_reset_ambient() < 0 || !set ||
	    (n && (cap_set_flag(set, CAP_PERMITTED, (int)n, left, CAP_SET) < 0 ||
		   cap_set_flag(set, CAP_EFFECTIVE, (int)n, left, CAP_SET) < 0)))
		goto out;
	rc = cap_set_proc(set);
out:
	cap_free(set);
	return rc;
}

int shed_identity(void)
{
	static const cap_value_t ids[] = { CAP_SETUID, CAP_SETGID };
	struct level level = level_get();

	if (geteuid() != 0)
		return 0;
	if (level.ids <= NOBODY)
		return shed_caps(NULL, 0);
	/* While root still may: the bounding set needs a capability. */
	if (shed_caps(ids, ARRAY_LEN(ids)) < 0)
		return -1;
	return (level.groups && setgroups(0, NULL) < 0) || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0
		       ? -1
		       : 0;
}

int shed_rights(bool outlives)
{
	if ((!outlives && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) || prctl(PR_SET_DUMPABLE, 0) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

scmp_filter_ctx shed_filter_new(const char *const *calls, size_t n)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	for (size_t i = 0; ctx && i < n; i++) {
		int nr = seccomp_syscall_resolve_name(calls[i]);

		if (nr >= 0 && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0)) {
			seccomp_release(ctx);
			ctx = NULL;
		}
	}
	return ctx;
}

int shed_filter_load(scmp_filter_ctx ctx, int rc)
{
	if (!rc)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	errno = -rc;
	return rc ? -1 : 0;
}
