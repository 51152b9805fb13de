/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor N ROUNDS: the bare kernel work of bringing up N networked containers, and of ending them.
 *
 * Called by tests/bench/run inside its sandbox, next to `mstack up -d` of the same N services. Does only the system
 * calls, in the order that was measured as the fastest: all children cloned straight into their cgroups, each making
 * its own network namespace, all veths in one message with their peers born inside, mounts and addresses in the
 * children at the same time. Knows no images, no policy, no clean-up after an error. Prints one line per round:
 * milliseconds until all have been executed, and until all are reaped after the kill.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONTAINERS_MAX 250
#define BRIDGE "floor0"
#define WORK "/run/floor"
#define GROUP 77

/* One netlink socket and the messages that wait to be sent through it. */
struct batch {
	int fd;
	size_t len;
	struct nlmsghdr *last;
	_Alignas(NLMSG_ALIGNTO) char bytes[CONTAINERS_MAX * 256];
};

struct pipes {
	int made[2];	/* children write a byte each: my network namespace is there */
	int go[2];	/* closed by the parent: your veth is there */
	int ran[2];	/* closed in the children by execve: at its end all have been executed */
};

static struct batch batch;
static const char *cgroup_top;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void check(int result, const char *what)
{
	if (result < 0)
		die(what);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* ---- netlink ---- */

static void batch_open(void)
{
	batch.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	check(batch.fd, "netlink socket");
	batch.len = 0;
}

static void *batch_room(size_t len)
{
	void *at = batch.bytes + batch.len;

	if (batch.len + NLMSG_ALIGN(len) > sizeof(batch.bytes)) {
		errno = ENOBUFS;
		die("netlink batch");
	}
	memset(at, 0, NLMSG_ALIGN(len));
	batch.len += NLMSG_ALIGN(len);
	return at;
}

static void *message(uint16_t type, uint16_t flags, size_t body)
{
	batch.last = batch_room(NLMSG_HDRLEN);
	batch.last->nlmsg_type = type;
	batch.last->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return batch_room(body);
}

static struct rtattr *attr(uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = batch_room(RTA_LENGTH(len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len > 0)
		memcpy(RTA_DATA(a), data, len);
	return a;
}

static void attr_u32(uint16_t type, uint32_t value)
{
	attr(type, &value, sizeof(value));
}

static void attr_end(struct rtattr *nest)
{
	nest->rta_len = (uint16_t)(batch.bytes + batch.len - (char *)nest);
}

static void message_end(void)
{
	batch.last->nlmsg_len = (uint32_t)(batch.bytes + batch.len - (char *)batch.last);
}

/* Only the last message asks for an answer: an error of another one comes before it. */
static void batch_send(const char *what)
{
	struct { struct nlmsghdr head; struct nlmsgerr err; char rest[512]; } answer;

	batch.last->nlmsg_flags |= NLM_F_ACK;
	if (send(batch.fd, batch.bytes, batch.len, 0) < 0)
		die(what);
	if (recv(batch.fd, &answer, sizeof(answer), 0) < 0)
		die(what);
	errno = -answer.err.error;
	if (answer.err.error)
		die(what);
	batch.len = 0;
}

static void link_up(const char *name)
{
	struct ifinfomsg *info = message(RTM_NEWLINK, 0, sizeof(*info));

	info->ifi_index = (int)if_nametoindex(name);
	info->ifi_flags = info->ifi_change = IFF_UP;
	message_end();
}

static void address_add(const char *name, uint32_t addr, uint8_t prefix)
{
	struct ifaddrmsg *info = message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));

	info->ifa_family = AF_INET;
	info->ifa_prefixlen = prefix;
	info->ifa_index = if_nametoindex(name);
	attr_u32(IFA_LOCAL, htonl(addr));
	attr_u32(IFA_ADDRESS, htonl(addr));
	message_end();
}

static void default_route(uint32_t gateway)
{
	struct rtmsg *info = message(RTM_NEWROUTE, NLM_F_CREATE, sizeof(*info));

	info->rtm_family = AF_INET;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	attr_u32(RTA_GATEWAY, htonl(gateway));
	message_end();
}

static void bridge_add(void)
{
	struct rtattr *info;

	message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	attr(IFLA_IFNAME, BRIDGE, sizeof(BRIDGE));
	info = attr(IFLA_LINKINFO, NULL, 0);
	attr(IFLA_INFO_KIND, "bridge", 6);
	attr_end(info);
	message_end();
	batch_send("add bridge");
	address_add(BRIDGE, 0x0a4d0001, 16);
	link_up(BRIDGE);
	batch_send("raise bridge");
}

/* The host's end in the bridge and up, its peer born in the namespace of `pid`; one queue each (see IFLA_NUM_TX_QUEUES). */
static void veth_add(int i, pid_t pid, uint32_t bridge)
{
	struct ifinfomsg *info = message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*info));
	struct rtattr *linkinfo, *data, *peer;
	char name[IFNAMSIZ];

	info->ifi_flags = info->ifi_change = IFF_UP;
	snprintf(name, sizeof(name), "floor-v%d", i);
	attr(IFLA_IFNAME, name, strlen(name) + 1);
	attr_u32(IFLA_MASTER, bridge);
	attr_u32(IFLA_GROUP, GROUP);
	attr_u32(IFLA_NUM_TX_QUEUES, 1);
	attr_u32(IFLA_NUM_RX_QUEUES, 1);
	linkinfo = attr(IFLA_LINKINFO, NULL, 0);
	attr(IFLA_INFO_KIND, "veth", 4);
	data = attr(IFLA_INFO_DATA, NULL, 0);
	peer = attr(VETH_INFO_PEER, NULL, 0);
	batch_room(sizeof(struct ifinfomsg));
	attr(IFLA_IFNAME, "eth0", 5);
	attr_u32(IFLA_NET_NS_PID, (uint32_t)pid);
	attr_u32(IFLA_NUM_TX_QUEUES, 1);
	attr_u32(IFLA_NUM_RX_QUEUES, 1);
	attr_end(peer);
	attr_end(data);
	attr_end(linkinfo);
	message_end();
}

static void bridge_del(void)
{
	struct ifinfomsg *info = message(RTM_DELLINK, 0, sizeof(*info));

	info->ifi_index = (int)if_nametoindex(BRIDGE);
	message_end();
	batch_send("remove bridge");
}

/* ---- the child ---- */

static void dev_make(void)
{
	static const struct { const char *name; unsigned minor; unsigned major; } nodes[] = {
		{ "null", 3, 1 }, { "zero", 5, 1 }, { "full", 7, 1 },
		{ "random", 8, 1 }, { "urandom", 9, 1 }, { "tty", 0, 5 },
	};
	static const struct { const char *target, *name; } links[] = {
		{ "/proc/self/fd", "fd" }, { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
		{ "/proc/self/fd/2", "stderr" }, { "pts/ptmx", "ptmx" },
	};

	check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=64k"), "mount dev");
	check(chdir("dev"), "chdir dev");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		check(mknod(nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), "mknod");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		check(symlink(links[i].target, links[i].name), "symlink");
	check(mkdir("pts", 0755) | mkdir("shm", 01777) | mkdir("mqueue", 0755), "mkdir");
	check(mount("devpts", "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666"), "mount devpts");
	check(mount("tmpfs", "shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k"), "mount shm");
	check(mount("mqueue", "mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount mqueue");
	check(chdir(".."), "chdir");
}

static void root_make(int i)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char path[64], options[256];

	snprintf(path, sizeof(path), WORK "/%d/root", i);
	snprintf(options, sizeof(options), "lowerdir=" WORK "/lower,upperdir=" WORK "/%d/upper,workdir=" WORK "/%d/work",
		 i, i);
	check(mount("", "/", "", MS_REC | MS_PRIVATE, NULL), "make mounts private");
	check(mount("overlay", path, "overlay", 0, options), "mount overlay");
	check(chdir(path), "chdir root");
	check(mount("proc", "proc", "proc", flags, NULL), "mount proc");
	check(mount("sysfs", "sys", "sysfs", flags | MS_RDONLY, NULL), "mount sysfs");
	check(mount("cgroup2", "sys/fs/cgroup", "cgroup2", flags | MS_RDONLY, NULL), "mount cgroup2");
	dev_make();
	check((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "detach the old root");
	check(chdir("/"), "chdir /");
}

static void child(int i, struct pipes *p)
{
	char byte = 0;

	close(p->go[1]);
	check(unshare(CLONE_NEWNET), "unshare network");
	if (write(p->made[1], &byte, 1) != 1)
		die("tell that the namespace is there");
	root_make(i);
	check(sethostname("floor", 5), "sethostname");
	if (read(p->go[0], &byte, 1) != 0)
		die("wait for the veth");
	batch_open();
	link_up("lo");
	address_add("eth0", 0x0a4d0002 + (uint32_t)i, 16);
	link_up("eth0");
	default_route(0x0a4d0001);
	batch_send("configure eth0");
	execl("/bin/busybox", "sleep", "1000", NULL);
	die("execve");
}

/* ---- the parent ---- */

static pid_t spawn(int i, struct pipes *p)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	char path[256];
	pid_t pid;
	int fd;

	snprintf(path, sizeof(path), "%s/%d", cgroup_top, i);
	check(mkdir(path, 0755), path);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	check(fd, path);
	args.cgroup = (uint64_t)fd;
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0)
		child(i, p);
	close(fd);
	return pid;
}

static void folders_make(int n)
{
	char path[64];

	for (int i = 0; i < n; i++) {
		for (const char *const *name = (const char *const[]){ "", "/upper", "/work", "/root", NULL }; *name; name++) {
			snprintf(path, sizeof(path), WORK "/%d%s", i, *name);
			check(mkdir(path, 0755), path);
		}
	}
}

static double up(int n)
{
	pid_t pids[CONTAINERS_MAX];
	struct pipes p;
	uint32_t bridge;
	double start = now_ms();
	char bytes[CONTAINERS_MAX];

	check(pipe2(p.made, O_CLOEXEC) | pipe2(p.go, O_CLOEXEC) | pipe2(p.ran, O_CLOEXEC), "pipe");
	folders_make(n);
	bridge_add();
	bridge = if_nametoindex(BRIDGE);
	for (int i = 0; i < n; i++)
		pids[i] = spawn(i, &p);
	for (ssize_t got, left = n; left > 0; left -= got) {
		got = read(p.made[0], bytes, (size_t)left);
		if (got <= 0)
			die("wait for the namespaces");
	}
	for (int i = 0; i < n; i++)
		veth_add(i, pids[i], bridge);
	batch_send("add veths");
	close(p.go[1]);
	close(p.ran[1]);
	if (read(p.ran[0], bytes, 1) != 0)
		die("wait for execve");
	close(p.made[0]);
	close(p.made[1]);
	close(p.go[0]);
	close(p.ran[0]);
	return now_ms() - start;
}

static double down(void)
{
	double start = now_ms(), reaped;
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.kill", cgroup_top);
	write_file(path, "1");
	while (wait(NULL) > 0)
		;
	reaped = now_ms() - start;
	bridge_del();
	return reaped;
}

/* Everything of a round, removed outside of what is measured. */
static void sweep(int n)
{
	char path[256];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%d", cgroup_top, i);
		check(rmdir(path), path);
		snprintf(path, sizeof(path), "rm -rf " WORK "/%d", i);
		check(system(path), path);
	}
	/* Until the namespaces are gone their veths' names are taken. */
	while (if_nametoindex("floor-v0") || if_nametoindex("floor-v1"))
		usleep(10000);
	usleep(300000);
}

static void lower_make(void)
{
	if (system("rm -rf " WORK "; mkdir -p " WORK "/lower/bin " WORK "/lower/dev " WORK "/lower/proc " WORK
		   "/lower/sys/fs/cgroup && cp /bin/busybox " WORK "/lower/bin/"))
		die("make the image");
}

int main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[1]) : 0, rounds = argc == 4 ? atoi(argv[2]) : 0;

	if (n < 1 || n > CONTAINERS_MAX || rounds < 1) {
		fprintf(stderr, "usage: floor N ROUNDS CGROUP (N up to %d)\n", CONTAINERS_MAX);
		return 2;
	}
	cgroup_top = argv[3];
	check(mkdir(cgroup_top, 0755), cgroup_top);
	lower_make();
	batch_open();
	while (rounds-- > 0) {
		double ms = up(n);

		printf("%.2f %.2f\n", ms, down());
		fflush(stdout);
		sweep(n);
	}
	check(rmdir(cgroup_top), cgroup_top);
	check(system("rm -rf " WORK), "remove the image");
	return 0;
}
