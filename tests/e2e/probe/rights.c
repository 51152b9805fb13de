/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rights: what a process could be allowed to do to itself, to its network and to others: capabilities, limits, priorities,
 * tracing, the network's set-up, groups of the kernel.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "probe.h"

/* ---- capabilities ---------------------------------------------------------------------------- */

#define BIT(cap) (UINT64_C(1) << CAP_##cap)
static const uint64_t usual = BIT(CHOWN) | BIT(DAC_OVERRIDE) | BIT(FOWNER) | BIT(FSETID) |
			      BIT(KILL) | BIT(NET_BIND_SERVICE) | BIT(SETFCAP) | BIT(SETGID) |
			      BIT(SETPCAP) | BIT(SETUID) | BIT(SYS_CHROOT);

static bool try_bounds(void)
{
	bool any = REFUSED;

	for (int cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_READ, cap) == 1 && !(usual >> cap & 1))
			any = let_through("capability %d in the bounding set", cap);
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			any = let_through("capability %d in the ambient set", cap);
	}
	return any;
}

static bool try_capset(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	bool any = REFUSED;

	if (syscall(SYS_capget, &head, data) < 0)
		return THROUGH;
	if (data[0].inheritable || data[1].inheritable)
		any = let_through("inheritable ones");
	if ((data[0].permitted | (uint64_t)data[1].permitted << 32) & ~usual)
		any = let_through("more than the usual ones");
	data[0].permitted = data[0].effective = data[1].permitted = data[1].effective = UINT32_MAX;
	if (!syscall(SYS_capset, &head, data))
		any = let_through("capset of all");
	return any;
}

static bool try_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	       !prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) || prctl(PR_GET_SECCOMP) == 0;
}

/* Who is not root must not become it, by a set-user-id program neither (the test puts one there). */
static bool try_root(void)
{
	if (!getuid() && (setgroups(0, NULL) < 0 || setresgid(1000, 1000, 1000) < 0 ||
			  setresuid(1000, 1000, 1000) < 0))
		return REFUSED;
	if (!setuid(0) || !setgroups(0, NULL))
		return THROUGH;
	execl("/setuid-id", "/setuid-id", "--am-i-root", NULL);
	return REFUSED;
}

/* ---- limits and priorities ------------------------------------------------------------------- */

static bool try_limits(void)
{
	static const int resources[] = { RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_MEMLOCK };
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++) {
		struct rlimit r;

		getrlimit(resources[i], &r);
		if (r.rlim_max == RLIM_INFINITY)
			any = let_through("no limit %d", resources[i]);
		r.rlim_max++;
		if (!setrlimit(resources[i], &r))
			any = let_through("limit %d", resources[i]);
	}
	return any;
}

static bool try_priorities(void)
{
	struct sched_param p = { .sched_priority = 1 };
	bool any = REFUSED;
	int fd;

	if (!setpriority(PRIO_PROCESS, 0, -20))
		any = let_through("nice");
	if (!sched_setscheduler(0, SCHED_FIFO, &p) || !sched_setscheduler(0, SCHED_RR, &p))
		any = let_through("real time");
	if (!syscall(SYS_ioprio_set, 1, 0, 1 << 13))
		any = let_through("real time of disks");
	fd = open("/proc/self/oom_score_adj", O_WRONLY);
	if (fd >= 0 && write(fd, "-1000", 5) > 0)
		any = let_through("oom_score_adj");
	return any;
}

static bool try_memory(void)
{
	size_t len = 64 << 20;
	void *m = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return m != MAP_FAILED && !mlock(m, len);
}

static bool try_clock(void)
{
	struct timex t = { .modes = 0 };

	if (adjtimex(&t) < 0)
		return REFUSED;
	/* To what it is: nobody's clock shall be wrong after this. */
	t.modes = ADJ_FREQUENCY | ADJ_TICK;
	return adjtimex(&t) >= 0;
}

/* ---- others ---------------------------------------------------------------------------------- */

/* Whom a number reaches: the service, a health check, and we. */
static unsigned reachable(void)
{
	unsigned n = 0;

	for (pid_t pid = 1; pid < 100000; pid++)
		n += !kill(pid, 0) || errno == EPERM;
	return n;
}

static bool try_others(void)
{
	bool any = REFUSED;
	int fd;

	if (reachable() > 8)
		any = let_through("%u processes", reachable());
	fd = open("/proc/1/cgroup", O_RDONLY);
	if (fd >= 0) {
		char text[256];
		ssize_t n = read(fd, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
		if (!strstr(text, "0::/\n"))
			any = let_through("path of the cgroup: %s", text);
	}
	if (!mkdir("/sys/fs/cgroup/mine", 0755))
		any = let_through("cgroup");
	if (open("/sys/fs/cgroup/cgroup.procs", O_WRONLY) >= 0)
		any = let_through("cgroup.procs");
	return any;
}

/* ---- network --------------------------------------------------------------------------------- */

static bool try_interface(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	r.ifr_mtu = 1400;
	if (s >= 0 && !ioctl(s, SIOCSIFMTU, &r))
		return let_through("mtu");
	r.ifr_flags = 0;
	if (s >= 0 && !ioctl(s, SIOCSIFFLAGS, &r))
		return let_through("down");
	return REFUSED;
}

/* A link by netlink; the answer is an error message whose number is 0 for success. */
static bool try_netlink(void)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} ask = { .head = { .nlmsg_len = sizeof(ask),
			    .nlmsg_type = RTM_SETLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		  .info = { .ifi_index = 1, .ifi_change = IFF_UP } };
	char answer[512];
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (s < 0 || send(s, &ask, sizeof(ask), 0) < 0 ||
	    recv(s, answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		return REFUSED;
	return !((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)answer))->error;
}

static bool try_socket_options(void)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), mark = 1, size = 1 << 20;
	bool any = REFUSED;

	if (!setsockopt(s, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)))
		any = let_through("SO_MARK");
	if (!setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		any = let_through("SO_RCVBUFFORCE");
	return any;
}

const struct attempt attempts_rights[] = {
	{ "bounding and ambient sets", try_bounds },
	{ "capabilities", try_capset },
	{ "privileges by exec", try_privileges },
	{ "becoming root again", try_root },
	{ "raising limits", try_limits },
	{ "raising priorities", try_priorities },
	{ "locking memory", try_memory },
	{ "changing the clock", try_clock },
	{ "processes and groups outside", try_others },
	{ "changing an interface", try_interface },
	{ "changing a link", try_netlink },
	{ "options of sockets", try_socket_options },
	{ NULL, NULL },
};
