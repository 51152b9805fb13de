/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine: takes everything away from the process but what unpacking into one folder needs.
 * Called once by main.c, before anything of the archive is read. There is no way back.
 */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/program/unpack.h"
#include "store/unpacker.h"

#define FILES_MAX 64
#define DEPTH_MAX 4096

/* What makes files that belong to others; no device nodes, no way out of the root. */
static const cap_value_t write_caps[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID };
/* What reads all, and writes nothing. */
static const cap_value_t pack_caps[] = { CAP_DAC_READ_SEARCH };
/* Layers bring files that have capabilities; nothing can be executed here. */
static const cap_value_t layer_caps[] = { CAP_SETFCAP };

/* Names that an architecture does not have are left out. */
static const char *const calls[] = {
	/* clang-format off */
	"read", "write", "pread64", "pwrite64", "readv", "writev", "lseek", "_llseek", "close",
	"dup", "fcntl", "fcntl64", "open", "openat", "fstat", "fstat64", "stat", "stat64",
	"lstat", "lstat64", "newfstatat", "fstatat64", "statx", "fstatfs", "statfs", "access",
	"faccessat", "readlink", "readlinkat", "getdents64",
	"chdir", "fchdir", "getcwd", "umask",
	"mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink", "symlinkat", "unlink",
	"unlinkat", "rename", "renameat", "mknod", "mknodat", "ftruncate", "ftruncate64",
	"fallocate", "fadvise64",
	"chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utime",
	"utimes", "futimesat", "utimensat", "utimensat_time64", "setxattr", "lsetxattr",
	"fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr",
	"flistxattr",
	"brk", "munmap", "mremap", "madvise", "futex", "futex_time64",
	"getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32",
	"getegid32", "getpid", "gettid", "clock_gettime", "clock_gettime64", "gettimeofday",
	"time", "getrandom", "sysinfo",
	"sched_getaffinity", "sched_yield", "sigaltstack", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn",
	"sigreturn", "tgkill", "restart_syscall", "exit", "exit_group",
	/* clang-format on */
};

static const char *const maps[] = { "mmap", "mmap2", "mprotect" };

static int limit(int what, uint64_t value)
{
	struct rlimit r = { .rlim_cur = value, .rlim_max = value };

	return setrlimit(what, &r);
}

/* A folder that is read costs descriptors for each of those above it. */
static int limit_files(bool pack)
{
	struct rlimit own;

	if (getrlimit(RLIMIT_NOFILE, &own) < 0)
		return -1;
	return limit(RLIMIT_NOFILE, !pack		       ? FILES_MAX
				    : own.rlim_max < DEPTH_MAX ? own.rlim_max
							       : DEPTH_MAX);
}

static int set_limits(const struct store_limits *l, bool pack)
{
	if (l->memory && limit(RLIMIT_AS, l->memory) < 0)
		return -1;
	return limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_FSIZE, l->bytes) < 0 ||
			       limit_files(pack) < 0
		       ? -1
		       : 0;
}

static int drop_caps(enum store_sort sort)
{
	bool pack = sort == STORE_SORT_PACK;
	const cap_value_t *caps = pack ? pack_caps : write_caps;
	size_t n_caps = pack ? ARRAY_LEN(pack_caps) : ARRAY_LEN(write_caps);
	size_t n = sort == STORE_SORT_LAYER || sort == STORE_SORT_COPY ? ARRAY_LEN(layer_caps) : 0;
	cap_t left = cap_init();
	int rc = -1;

	for (cap_value_t c = 0; c < cap_max_bits(); c++)
		if (cap_drop_bound(c) < 0)
			goto out;
	if (cap_reset_ambient() < 0 || !left ||
	    cap_set_flag(left, CAP_PERMITTED, (int)n_caps, caps, CAP_SET) < 0 ||
	    cap_set_flag(left, CAP_EFFECTIVE, (int)n_caps, caps, CAP_SET) < 0 ||
	    (n && (cap_set_flag(left, CAP_PERMITTED, (int)n, layer_caps, CAP_SET) < 0 ||
		   cap_set_flag(left, CAP_EFFECTIVE, (int)n, layer_caps, CAP_SET) < 0)))
		goto out;
	rc = cap_set_proc(left);
out:
	cap_free(left);
	return rc;
}

static int load_filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < ARRAY_LEN(calls); i++) {
		int nr = seccomp_syscall_resolve_name(calls[i]);

		if (nr >= 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
	}
	/*
	 * Data can be mapped, code cannot: the C library would load what it needs for names in other character sets from
	 * the folder that is its root by now (the mechanism of CVE-2019-14271).
	 */
	for (size_t i = 0; !rc && i < ARRAY_LEN(maps); i++) {
		int nr = seccomp_syscall_resolve_name(maps[i]);

		if (nr >= 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 1,
					      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	}
	if (!rc)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	errno = -rc;
	return rc ? -1 : 0;
}

static int to_root(void)
{
	return chroot(".") < 0 ? -1 : chdir("/");
}

static int close_others(unsigned first)
{
	return close_range(first, ~0u, 0);
}

/* No ptrace, no new rights by execve, no life after the parent's. */
static int set_flags(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int store_confine(enum store_sort sort, const struct store_limits *limits, struct err *err)
{
	bool layer = sort == STORE_SORT_LAYER;

	if (close_others(layer ? UNPACKER_MARKS + 1 : STDERR_FILENO + 1) < 0)
		return err_sys(err, errno, "confine: close descriptors");
	if (to_root() < 0)
		return err_sys(err, errno, "confine: change the root (unpacking needs root)");
	if (drop_caps(sort) < 0)
		return err_sys(err, errno, "confine: drop capabilities");
	if (set_flags() < 0)
		return err_sys(err, errno, "confine: flags of the process");
	if (set_limits(limits, sort == STORE_SORT_PACK) < 0)
		return err_sys(err, errno, "confine: resource limits");
	if (load_filter() < 0)
		return err_sys(err, errno, "confine: seccomp filter");
	return 0;
}
