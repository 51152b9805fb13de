/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cage: takes everything away from the process but answering questions. Its sockets in containers come as descriptors; by
 * itself it opens sockets of IP only, and no file at all. Called once by main.c, before the first question. There is no way back.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mstack/shed.h"
#include "net/names/nameserver.h"

#define MEMORY_MAX (1ull << 30)
#define FDS_MAX	   32768

/* Names that an architecture does not have are left out. */
static const char *const calls[] = {
	/* clang-format off */
	"write", "writev", "close",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "accept4", "connect", "getsockopt", "sendto", "sendmsg", "sendmmsg",
	"recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64", "splice", "pipe2", "shutdown", "getsockname",
	"brk", "munmap", "mremap", "madvise", "futex", "futex_time64",
	"getpid", "gettid", "getrandom", "clock_gettime", "clock_gettime64", "gettimeofday", "time",
	"sigaltstack", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "tgkill", "restart_syscall", "exit",
	"exit_group",
	/* clang-format on */
};

static const char *const maps[] = { "mmap", "mmap2", "mprotect" };

/* SOCK_RAW is not among them, for which CAP_NET_RAW would do. */
static int allow_sockets(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_INET, AF_INET6 }, types[] = { SOCK_STREAM, SOCK_DGRAM };
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(families) * ARRAY_LEN(types); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i / 2], 0),
				      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)types[i % 2]));
	return rc;
}

static int allow_options(scmp_filter_ctx ctx, const int options[][2], size_t n)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
				      SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)options[i][0], 0),
				      SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i][1], 0));
	return rc;
}

/* What a connection handed on needs, and what it needs to have its client's address. */
static int allow_handing_on(scmp_filter_ctx ctx, bool outside)
{
	static const int usual[][2] = { { SOL_SOCKET, SO_LINGER }, { IPPROTO_TCP, TCP_NODELAY } };
	static const int more[][2] = { { SOL_SOCKET, SO_REUSEADDR },
				       { IPPROTO_IP, IP_TRANSPARENT },
				       { IPPROTO_IPV6, IPV6_TRANSPARENT },
				       { IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT } };
	int rc = allow_options(ctx, usual, ARRAY_LEN(usual));

	if (!rc && outside)
		rc = allow_options(ctx, more, ARRAY_LEN(more));
	if (!rc && outside)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(bind), 0);
	return rc;
}

/* Memory for data, never for code. */
static int allow_memory(scmp_filter_ctx ctx)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(maps); i++) {
		int nr = seccomp_syscall_resolve_name(maps[i]);

		if (nr >= 0)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 1,
					      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	}
	return rc;
}

static int load_filter(bool outside)
{
	scmp_filter_ctx ctx = shed_filter_new(calls, ARRAY_LEN(calls));
	int rc = ctx ? allow_sockets(ctx) : -ENOMEM;

	if (!rc)
		rc = allow_handing_on(ctx, outside);
	if (!rc)
		rc = allow_memory(ctx);
	return shed_filter_load(ctx, rc);
}

/* Of the file systems nothing. A kernel without Landlock: there is the filter, which knows no call to open a file. */
static int leave_files(void)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
				     LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
				     LANDLOCK_ACCESS_FS_REMOVE_DIR |
				     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
				     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	_cleanup_fd_ int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	return (int)syscall(SYS_landlock_restrict_self, rules, 0);
}

static int limit(int what, uint64_t value)
{
	struct rlimit own, r = { .rlim_cur = value, .rlim_max = value };

	if (getrlimit(what, &own) < 0)
		return -1;
	if (own.rlim_max < value)
		r.rlim_cur = r.rlim_max = own.rlim_max;
	return setrlimit(what, &r);
}

static int set_limits(void)
{
	if (!SANITIZED && limit(RLIMIT_AS, MEMORY_MAX) < 0)
		return -1;
	return limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_NOFILE, FDS_MAX) < 0 ? -1 : 0;
}

int names_confine(const struct names *n, struct err *err)
{
	/* In the network of the stack alone: for addresses of others. Its other use is forbidden by the filter. */
	static const cap_value_t raw[] = { CAP_NET_RAW };

	/* We inherit that of the supervisor; a helper that is killed for memory is started again. A wish. */
	file_put(AT_FDCWD, "/proc/self/oom_score_adj", "0");
	if ((n->outside ? shed_caps(raw, ARRAY_LEN(raw)) : shed_identity()) < 0)
		return err_sys(err, errno, "become nobody, without capabilities");
	/* Behind the change of ids, which takes the death signal back. */
	if (shed_rights(n->outlives) < 0)
		return err_sys(err, errno, "flags of the process");
	if (set_limits() < 0)
		return err_sys(err, errno, "resource limits");
	if (leave_files() < 0)
		return err_sys(err, errno, "landlock");
	if (load_filter(n->outside) < 0)
		return err_sys(err, errno, "seccomp filter");
	return 0;
}
