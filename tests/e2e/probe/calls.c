/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls: system calls and address families that nobody needs in a container. Arguments are such that a call which is let
 * through does no harm to the machine: it fails by another errno than a refusal's, or changes what was there already.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_alg.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

/* ---- by number ------------------------------------------------------------------------------- */

/* Calls that the filter alone must refuse, before the kernel looks at what they are given. */
static const struct {
	const char *name;
	long nr;
	long args[4];
} closed[] = {
	{ "mount", SYS_mount, { 0 } },
	{ "umount2", SYS_umount2, { 0 } },
	{ "pivot_root", SYS_pivot_root, { 0 } },
	{ "swapon", SYS_swapon, { 0 } },
	{ "swapoff", SYS_swapoff, { 0 } },
	{ "reboot", SYS_reboot, { 0 } },
	{ "sethostname", SYS_sethostname, { 0, 1 } },
	{ "setdomainname", SYS_setdomainname, { 0, 1 } },
	{ "iopl", SYS_iopl, { 4 } },
	{ "ioperm", SYS_ioperm, { -1, 1, 1 } },
	{ "init_module", SYS_init_module, { 0 } },
	{ "finit_module", SYS_finit_module, { -1 } },
	{ "delete_module", SYS_delete_module, { 0 } },
	{ "quotactl", SYS_quotactl, { -1 } },
	{ "acct", SYS_acct, { 1 } },
	{ "settimeofday", SYS_settimeofday, { 1, 1 } },
	{ "clock_settime", SYS_clock_settime, { 0, 1 } },
	{ "kexec_load", SYS_kexec_load, { 0, 0, 0, -1 } },
	{ "kexec_file_load", SYS_kexec_file_load, { -1, -1, 0, 0 } },
	{ "add_key", SYS_add_key, { 0 } },
	{ "request_key", SYS_request_key, { 0 } },
	{ "keyctl", SYS_keyctl, { KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0 } },
	{ "keyctl of the user", SYS_keyctl, { KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0 } },
	{ "lookup_dcookie", SYS_lookup_dcookie, { 0 } },
	{ "syslog", SYS_syslog, { 10 } },
	{ "vhangup", SYS_vhangup, { 0 } },
	{ "uselib", SYS_uselib, { 0 } },
	{ "ustat", SYS_ustat, { 0 } },
	{ "sysfs", SYS_sysfs, { 3 } },
	{ "modify_ldt", SYS_modify_ldt, { 0, 0, 0 } },
	{ "remap_file_pages", SYS_remap_file_pages, { 0 } },
	{ "migrate_pages", SYS_migrate_pages, { 0 } },
	{ "move_pages", SYS_move_pages, { 0 } },
	{ "mbind", SYS_mbind, { 0 } },
	{ "set_mempolicy", SYS_set_mempolicy, { 0 } },
	{ "get_mempolicy", SYS_get_mempolicy, { 0 } },
	{ "unshare", SYS_unshare, { 0 } },
	{ "setns", SYS_setns, { -1 } },
	{ "perf_event_open", SYS_perf_event_open, { 0 } },
	{ "fanotify_init", SYS_fanotify_init, { 0 } },
	{ "open_by_handle_at", SYS_open_by_handle_at, { -1 } },
	{ "process_vm_readv", SYS_process_vm_readv, { 1 } },
	{ "process_vm_writev", SYS_process_vm_writev, { 1 } },
	{ "kcmp", SYS_kcmp, { 1, 1 } },
	{ "bpf", SYS_bpf, { 99 } },
	{ "userfaultfd", SYS_userfaultfd, { 0 } },
	{ "io_uring_setup", SYS_io_uring_setup, { 0 } },
	{ "io_uring_enter", SYS_io_uring_enter, { -1 } },
	{ "io_uring_register", SYS_io_uring_register, { -1 } },
	{ "open_tree", SYS_open_tree, { -1 } },
	{ "move_mount", SYS_move_mount, { -1 } },
	{ "fsopen", SYS_fsopen, { 0 } },
	{ "fsconfig", SYS_fsconfig, { -1 } },
	{ "fsmount", SYS_fsmount, { -1 } },
	{ "fspick", SYS_fspick, { -1 } },
	{ "pidfd_getfd", SYS_pidfd_getfd, { -1 } },
	{ "process_madvise", SYS_process_madvise, { -1 } },
	{ "mount_setattr", 442, { -1 } },
	{ "quotactl_fd", 443, { -1 } },
	{ "set_mempolicy_home_node", 450, { 0 } },
	{ "statmount", 457, { 0 } },
	{ "listmount", 458, { 0 } },
	{ "clone3", SYS_clone3, { 0 } },
	{ "open_tree_attr", 467, { -1 } },
	{ "a number of tomorrow", 999, { 0 } },
	{ "x32: getpid", 0x40000000 + 39, { 0 } },
	{ "x32: ptrace", 0x40000000 + 521, { 0 } },
};

static bool try_closed(void)
{
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(closed) / sizeof(*closed); i++) {
		const long *a = closed[i].args;

		errno = 0;
		if (syscall(closed[i].nr, a[0], a[1], a[2], a[3], 0L, 0L) < 0 &&
		    (errno == EPERM || errno == ENOSYS))
			continue;
		any = let_through("%s: %s", closed[i].name, strerror(errno));
	}
	return any;
}

/* getpid and socketcall by the door of i386: number and result only, or arguments of zero. */
static bool try_i386(void)
{
	static const int numbers[] = { 20, 102, 11, 120, 310 };
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		int result = numbers[i];

		__asm__ volatile("int $0x80"
				 : "+a"(result)
				 : "b"(0), "c"(0), "d"(0), "S"(0), "D"(0)
				 : "memory", "r8", "r9", "r10", "r11");
		/* The other one of clone. */
		if (numbers[i] == 120 && !result)
			_exit(0);
		if (result != -ENOSYS && result != -EPERM)
			any = let_through("number %d: %d", numbers[i], result);
	}
	return any;
}

/* ---- by argument ----------------------------------------------------------------------------- */

static const uint64_t namespaces[] = {
	CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
	CLONE_NEWUSER, CLONE_NEWPID,	CLONE_NEWNET, 0x80 /* CLONE_NEWTIME, of unshare */,
};

static bool try_unshare(void)
{
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++)
		if (!syscall(SYS_unshare, namespaces[i]))
			any = let_through("%#lx", (unsigned long)namespaces[i]);
	return any;
}

/* Alone, and with a user namespace as the one that would allow it. */
static bool try_clone(void)
{
	bool any = REFUSED;

	for (size_t i = 0; i < 2 * sizeof(namespaces) / sizeof(*namespaces) - 2; i++) {
		uint64_t flags = namespaces[i / 2] | (i % 2 ? CLONE_NEWUSER : 0);
		long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

		if (!pid)
			_exit(0);
		if (pid > 0)
			any = let_through("%#lx", (unsigned long)flags);
	}
	return any;
}

static bool try_clone3(void)
{
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
		struct clone_args args = { .flags = namespaces[i], .exit_signal = SIGCHLD };
		long pid = syscall(SYS_clone3, &args, sizeof(args));

		if (!pid)
			_exit(0);
		if (pid > 0)
			any = let_through("%#lx", (unsigned long)namespaces[i]);
	}
	return any;
}

static bool try_setns(void)
{
	static const char *const kinds[] = { "mnt", "pid", "net", "uts", "ipc", "cgroup", "user" };
	bool any = REFUSED;
	char path[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/1/ns/%s", kinds[i]);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && !setns(fd, 0))
			any = let_through("%s", kinds[i]);
	}
	return any;
}

static bool try_personality(void)
{
	static const unsigned long wanted[] = { ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC,
						MMAP_PAGE_ZERO, ADDR_COMPAT_LAYOUT, PER_BSD };
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (personality(wanted[i]) >= 0)
			any = let_through("%#lx", wanted[i]);
	return any;
}

/* ---- sockets --------------------------------------------------------------------------------- */

/* All families but those of the house, of every type. */
static bool try_families(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };
	bool any = REFUSED;

	for (int family = 0; family < 64; family++)
		for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
			int pair[2];

			if (family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
			    family == AF_NETLINK)
				continue;
			if (socket(family, types[i], 0) >= 0 || errno != EPERM)
				any = let_through("socket of family %d: %s", family,
						  strerror(errno));
			if (!socketpair(family, types[i], 0, pair) || errno != EPERM)
				any = let_through("socketpair of family %d: %s", family,
						  strerror(errno));
		}
	return any;
}

/* The family in 32 bits, with others above that the kernel would cut off. */
static bool try_high_bits(void)
{
	long alg = AF_ALG | 1L << 32, packet = AF_PACKET | 1L << 63;

	return syscall(SYS_socket, alg, SOCK_SEQPACKET, 0) >= 0 ||
	       syscall(SYS_socket, packet, SOCK_RAW, 0) >= 0;
}

static bool try_raw(void)
{
	static const int protocols[] = { 1 /* ICMP */, 17, 58, 255 /* RAW */ };
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (socket(AF_INET, SOCK_RAW, protocols[i]) >= 0 ||
		    socket(AF_INET6, SOCK_RAW, protocols[i]) >= 0)
			any = let_through("protocol %d", protocols[i]);
	return any;
}

const struct attempt attempts_calls[] = {
	{ "system calls that are closed", try_closed },
	{ "system calls of i386", try_i386 },
	{ "unshare of a namespace", try_unshare },
	{ "clone with a new namespace", try_clone },
	{ "clone3 with a new namespace", try_clone3 },
	{ "setns into a namespace", try_setns },
	{ "personality", try_personality },
	{ "address families", try_families },
	{ "address families behind high bits", try_high_bits },
	{ "raw sockets", try_raw },
	{ NULL, NULL },
};
