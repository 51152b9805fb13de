/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * isolate: takes everything away from the process but talking to a registry. Files come as descriptors; by itself it opens
 * none for writing, and for reading only what names and certificates are looked up in. Called once by main.c, before
 * anything goes out or comes in. There is no way back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mstack/shed.h"
#include "store/fetch/fetch.h"

/* As much as the unpacker takes; and what libcurl, its threads and TLS need. */
#define FILE_MAX   (64ull << 30)
#define MEMORY_MAX (1ull << 30)
#define FDS_MAX	   128

/* Names that an architecture does not have are left out. */
static const char *const calls[] = {
	/* clang-format off */
	"read", "write", "pread64", "pwrite64", "readv", "writev", "lseek", "_llseek", "close",
	"fcntl", "fcntl64", "fstat", "fstat64", "stat", "stat64", "lstat", "lstat64",
	"newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2", "readlink",
	"readlinkat", "getdents64", "ftruncate", "ftruncate64", "fadvise64",
	"connect", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt", "sendto",
	"sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "shutdown", "poll", "ppoll",
	"ppoll_time64", "select", "pselect6", "pipe2", "eventfd2",
	"brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "futex",
	"futex_time64", "set_robust_list", "rseq", "membarrier",
	"getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32",
	"getegid32", "getpid", "gettid", "uname", "sysinfo", "getrandom", "getrusage",
	"clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"gettimeofday", "time", "nanosleep", "sched_getaffinity", "sched_yield", "sigaltstack",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "tgkill",
	"restart_syscall", "exit", "exit_group",
	/* clang-format on */
};

/* ---- the filter ------------------------------------------------------------------------------ */

/* What must not be in the flags of an open. */
#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

static int allow_reading(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				  SCMP_A2(SCMP_CMP_MASKED_EQ, WRITES, O_RDONLY));

	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				      SCMP_A1(SCMP_CMP_MASKED_EQ, WRITES, O_RDONLY));
	return rc;
}

/* IP, and the kernel's list of our addresses, which name look-ups go by; no way to daemons of this machine by AF_UNIX. */
static int allow_sockets(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_INET, AF_INET6, AF_NETLINK };
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
				  SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));

	for (size_t i = 0; !rc && i < ARRAY_LEN(families); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	return rc;
}

/* libcurl looks names up in a thread. clone3 cannot be looked into: the C library takes clone when there is none. */
static int allow_threads(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));

	if (!rc)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return rc;
}

static int allow_ioctls(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				  SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));

	return rc ? rc
		  : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));
}

static int load_filter(void)
{
	scmp_filter_ctx ctx = shed_filter_new(calls, ARRAY_LEN(calls));
	int rc = ctx ? 0 : -ENOMEM;

	if (!rc)
		rc = allow_reading(ctx);
	if (!rc)
		rc = allow_sockets(ctx);
	if (!rc)
		rc = allow_threads(ctx);
	if (!rc)
		rc = allow_ioctls(ctx);
	return shed_filter_load(ctx, rc);
}

/* ---- what can be read ------------------------------------------------------------------------ */

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define OTHERS                                                            \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |     \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |     \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |     \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

static int allow_path(int rules, const char *path)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .allowed_access = READS, .parent_fd = fd };
	struct stat st;

	/* What is not there need not be allowed. */
	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && !S_ISDIR(st.st_mode))
		rule.allowed_access &= ~LANDLOCK_ACCESS_FS_READ_DIR;
	return (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* Configuration of the C library's look-ups and their modules, certificates. A kernel without Landlock: all else holds. */
static int limit_reading(const char *ca_file)
{
	static const char *const paths[] = { "/etc",
					     "/usr",
					     "/lib",
					     "/lib64",
					     "/run/systemd/resolve",
					     "/run/NetworkManager",
					     "/run/resolvconf",
					     "/var/lib/ca-certificates" };
	struct landlock_ruleset_attr attr = { .handled_access_fs = READS | OTHERS };
	_cleanup_fd_ int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (allow_path(rules, paths[i]) < 0)
			return -1;
	if (*ca_file && allow_path(rules, ca_file) < 0)
		return -1;
	return (int)syscall(SYS_landlock_restrict_self, rules, 0);
}

/* ---- all --------------------------------------------------------------------------------------- */

static int limit(int what, uint64_t value)
{
	struct rlimit r = { .rlim_cur = value, .rlim_max = value };

	return setrlimit(what, &r);
}

static int set_limits(void)
{
	if (!SANITIZED && limit(RLIMIT_AS, MEMORY_MAX) < 0)
		return -1;
	return limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_FSIZE, FILE_MAX) < 0 ||
			       limit(RLIMIT_NOFILE, FDS_MAX) < 0
		       ? -1
		       : 0;
}

int fetch_isolate(const char *ca_file, struct err *err)
{
	if (shed_descriptors(STDERR_FILENO + 1) < 0)
		return err_sys(err, errno, "isolate: close descriptors");
	if (shed_identity() < 0)
		return err_sys(err, errno, "isolate: become nobody, without capabilities");
	/* Behind the change of ids, which takes the death signal back. */
	if (shed_rights(false) < 0)
		return err_sys(err, errno, "isolate: flags of the process");
	if (set_limits() < 0)
		return err_sys(err, errno, "isolate: resource limits");
	if (limit_reading(ca_file) < 0)
		return err_sys(err, errno, "isolate: landlock");
	if (load_filter() < 0)
		return err_sys(err, errno, "isolate: seccomp filter");
	return 0;
}
