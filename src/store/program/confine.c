/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine: takes everything away from the process but what unpacking into one folder needs.
 * Called once by main.c, before anything of the archive is read. There is no way back.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mstack/shed.h"
#include "store/program/unpack.h"
#include "store/unpacker.h"

#define FILES_MAX 64
#define DEPTH_MAX 4096

/*
 * What makes files that belong to others; no device nodes, no way out of the root. The last one for layers and copies, which
 * bring files that have capabilities; nothing can be executed here.
 */
static const cap_value_t write_caps[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
					  CAP_SETFCAP };
/* What reads all, and writes nothing. */
static const cap_value_t pack_caps[] = { CAP_DAC_READ_SEARCH };

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
	if (l->memory && !SANITIZED && limit(RLIMIT_AS, l->memory) < 0)
		return -1;
	return limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_FSIZE, l->bytes) < 0 ||
			       limit_files(pack) < 0
		       ? -1
		       : 0;
}

static int drop_caps(enum store_sort sort)
{
	bool files = sort == STORE_SORT_LAYER || sort == STORE_SORT_COPY;

	if (sort == STORE_SORT_PACK)
		return shed_caps(pack_caps, ARRAY_LEN(pack_caps));
	return shed_caps(write_caps, ARRAY_LEN(write_caps) - !files);
}

static int load_filter(void)
{
	scmp_filter_ctx ctx = shed_filter_new(calls, ARRAY_LEN(calls));
	int rc = ctx ? 0 : -ENOMEM;

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
	return shed_filter_load(ctx, rc);
}

static int to_root(void)
{
	return chroot(".") < 0 ? -1 : chdir("/");
}

int store_confine(enum store_sort sort, const struct store_limits *limits, struct err *err)
{
	bool layer = sort == STORE_SORT_LAYER;

	if (shed_descriptors(layer ? UNPACKER_MARKS + 1 : STDERR_FILENO + 1) < 0)
		return err_sys(err, errno, "confine: close descriptors");
	if (to_root() < 0)
		return err_sys(err, errno, "confine: change the root (unpacking needs root)");
	if (drop_caps(sort) < 0)
		return err_sys(err, errno, "confine: drop capabilities");
	if (shed_rights(false) < 0)
		return err_sys(err, errno, "confine: flags of the process");
	if (set_limits(limits, sort == STORE_SORT_PACK) < 0)
		return err_sys(err, errno, "confine: resource limits");
	if (load_filter() < 0)
		return err_sys(err, errno, "confine: seccomp filter");
	return 0;
}
