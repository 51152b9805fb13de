/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor [-l] [-n] [-u] N ROUNDS CGROUP: the bare kernel work of bringing up N containers, and of ending them.
 *
 * Called by tests/bench/up and tests/bench/run inside their sandbox, next to mstack with the same containers. Does only the
 * system calls, in the order that was measured as the fastest: all children cloned straight into their cgroups, each
 * making its own network namespace, all veths in one message with their peers born inside, mounts and addresses in the
 * children at the same time. Knows no images, no policy, no clean-up after an error. Prints one line per round:
 * milliseconds until all have been executed, and until all are reaped after the kill.
 *
 *	-l	the lone command is /bin/true, and the second figure is from the start to its exit
 *	-n	no bridge and no veths
 *	-u	with user namespaces, made before, and the lower layer shown through an id-mapped mount: two stages, as
 *		proc and its like must be mounted from inside, and overlay and nodes of devices from outside
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
#define BRIDGE	       "floor0"
#define WORK	       "/run/floor"
#define GROUP	       77
#define FIRST_ID       1000000
#define IDS	       "0 1000000 65536"

/* One netlink socket and the messages that wait to be sent through it. */
struct batch {
	int fd;
	size_t len;
	struct nlmsghdr *last;
	_Alignas(NLMSG_ALIGNTO) char bytes[CONTAINERS_MAX * 256];
};

struct slot {
	pid_t pid;
	int user, net; /* with -u: its namespaces */
};

struct pipes {
	int made[2]; /* children write a byte each: my network namespace is there */
	int go[2];   /* closed by the parent: your veth is there */
	int ran[2];  /* closed in the children by execve: at its end all have been executed */
};

static struct batch batch;
static const char *cgroup_top;
static bool lone, offline, mapped;

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
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char rest[512];
	} answer;

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
static void veth_add(int i, const struct slot *s, uint32_t bridge)
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
	if (mapped)
		attr_u32(IFLA_NET_NS_FD, (uint32_t)s->net);
	else
		attr_u32(IFLA_NET_NS_PID, (uint32_t)s->pid);
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

/* What no user namespace may make. */
static void nodes_make(void)
{
	static const struct {
		const char *name;
		unsigned minor;
		unsigned major;
	} nodes[] = {
		{ "null", 3, 1 },   { "zero", 5, 1 },	 { "full", 7, 1 },
		{ "random", 8, 1 }, { "urandom", 9, 1 }, { "tty", 0, 5 },
	};
	static const struct {
		const char *target, *name;
	} links[] = {
		{ "/proc/self/fd", "fd" },	 { "/proc/self/fd/0", "stdin" },
		{ "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
		{ "pts/ptmx", "ptmx" },
	};

	check(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=64k"),
	      "mount dev");
	check(chdir("dev"), "chdir dev");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		check(mknod(nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
		      "mknod");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		check(symlink(links[i].target, links[i].name), "symlink");
	check(mkdir("pts", 0755) | mkdir("shm", 01777) | mkdir("mqueue", 0755), "mkdir");
	check(chdir(".."), "chdir");
}

static void dev_make(void)
{
	check(chdir("dev"), "chdir dev");
	check(mount("devpts", "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666"),
	      "mount devpts");
	check(mount("tmpfs", "shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "mode=1777,size=65536k"),
	      "mount shm");
	check(mount("mqueue", "mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
	      "mount mqueue");
	check(chdir(".."), "chdir");
}

/* The layer of all as the ids of this container see it. */
static void lower_map(int i, int user)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user };
	char path[64];
	int fd = open_tree(AT_FDCWD, WORK "/lower", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	check(fd, "open_tree");
	check(mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)),
	      "map the ids of the layer");
	snprintf(path, sizeof(path), WORK "/%d/lower", i);
	check(move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH), "attach the layer");
	close(fd);
}

/* With the rights of the host: everything below the root, and the working directory is there. */
static void root_make(int i, int user)
{
	char path[64], lower[64] = WORK "/lower", options[256];

	check(mount("", "/", "", MS_REC | MS_PRIVATE, NULL), "make mounts private");
	if (mapped) {
		lower_map(i, user);
		snprintf(lower, sizeof(lower), WORK "/%d/lower", i);
	}
	snprintf(path, sizeof(path), WORK "/%d/root", i);
	snprintf(options, sizeof(options),
		 "lowerdir=%s,upperdir=" WORK "/%d/upper,workdir=" WORK "/%d/work", lower, i, i);
	check(mount("overlay", path, "overlay", 0, options), "mount overlay");
	check(chdir(path), "chdir root");
	nodes_make();
}

/* Inside, before pivot_root: what belongs to the namespaces of the container. */
static void root_enter(int i)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char path[64];

	if (mapped) {
		/* A mount that came from the namespace of the host is locked: pivot_root takes one of our own only. */
		snprintf(path, sizeof(path), WORK "/%d/root", i);
		check(mount(".", path, NULL, MS_BIND | MS_REC, NULL), "bind the root onto itself");
		check(chdir(path), "chdir root");
	}
	check(mount("proc", "proc", "proc", flags, NULL), "mount proc");
	check(mount("sysfs", "sys", "sysfs", flags | MS_RDONLY, NULL), "mount sysfs");
	check(mount("cgroup2", "sys/fs/cgroup", "cgroup2", flags | MS_RDONLY, NULL),
	      "mount cgroup2");
	dev_make();
	check((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "detach the old root");
	check(chdir("/"), "chdir /");
}

static void network_up(int i)
{
	batch_open();
	link_up("lo");
	if (!offline) {
		address_add("eth0", 0x0a4d0002 + (uint32_t)i, 16);
		link_up("eth0");
		default_route(0x0a4d0001);
	}
	batch_send("configure the network");
}

static void run(int i, struct pipes *p)
{
	char byte;

	root_enter(i);
	check(sethostname("floor", 5), "sethostname");
	if (read(p->go[0], &byte, 1) != 0)
		die("wait for the veth");
	network_up(i);
	if (lone)
		execl("/bin/busybox", "true", NULL);
	else
		execl("/bin/busybox", "sleep", "1000", NULL);
	die("execve");
}

static void child(int i, struct pipes *p)
{
	char byte = 0;

	close(p->go[1]);
	check(unshare(CLONE_NEWNET), "unshare network");
	if (write(p->made[1], &byte, 1) != 1)
		die("tell that the namespace is there");
	root_make(i, -1);
	run(i, p);
}

/* The same for user namespaces: the second stage is a child of the parent's, and owns what it makes. */
static void child_mapped(int i, struct pipes *p, const struct slot *s)
{
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
			 CLONE_NEWCGROUP,
	};
	pid_t pid;

	close(p->go[1]);
	root_make(i, s->user);
	check(setns(s->net, CLONE_NEWNET), "join the network namespace");
	check(setns(s->user, CLONE_NEWUSER), "join the user namespace");
	check(setresgid(0, 0, 0) | setresuid(0, 0, 0), "become root inside");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0)
		run(i, p);
	_exit(0);
}

/* ---- the parent ---- */

/* User and network namespace of a container: a child has them, the parent holds them. */
static void slot_make(struct slot *s)
{
	struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_NEWNET, .exit_signal = SIGCHLD };
	char path[64], byte;
	int go[2];
	pid_t pid;

	check(pipe2(go, O_CLOEXEC), "pipe");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(pid, "clone3");
	if (pid == 0) {
		close(go[1]);
		_exit((int)read(go[0], &byte, 1));
	}
	for (const char *const *name = (const char *const[]){ "uid_map", "gid_map", NULL }; *name;
	     name++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, *name);
		write_file(path, IDS);
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	check(s->user = open(path, O_RDONLY | O_CLOEXEC), path);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	check(s->net = open(path, O_RDONLY | O_CLOEXEC), path);
	close(go[0]);
	close(go[1]);
	check(waitpid(pid, NULL, 0), "wait");
}

static void slot_close(struct slot *s)
{
	if (mapped)
		close(s->user), close(s->net);
}

static void spawn(int i, struct pipes *p, struct slot *s)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | CLONE_NEWNS,
		.exit_signal = SIGCHLD,
	};
	char path[256];
	int fd;

	if (!mapped)
		args.flags |= CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP;
	snprintf(path, sizeof(path), "%s/%d", cgroup_top, i);
	check(mkdir(path, 0755), path);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	check(fd, path);
	args.cgroup = (uint64_t)fd;
	s->pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	check(s->pid, "clone3");
	if (s->pid == 0 && mapped)
		child_mapped(i, p, s);
	if (s->pid == 0)
		child(i, p);
	close(fd);
}

static void folders_make(int n)
{
	char path[64];

	for (int i = 0; i < n; i++) {
		for (const char *const *name = (const char *const[]){ "", "/lower", "/upper",
								      "/work", "/root", NULL };
		     *name; name++) {
			snprintf(path, sizeof(path), WORK "/%d%s", i, *name);
			check(mkdir(path, 0755), path);
		}
		snprintf(path, sizeof(path), WORK "/%d/upper", i);
		if (mapped)
			check(chown(path, FIRST_ID, FIRST_ID), path);
	}
}

static void wait_for(int n, int fd)
{
	char bytes[CONTAINERS_MAX];

	for (ssize_t got, left = n; left > 0; left -= got) {
		got = read(fd, bytes, (size_t)left);
		if (got <= 0)
			die("wait for the namespaces");
	}
}

static void network_make(int n, const struct slot *slots)
{
	uint32_t bridge;

	bridge_add();
	bridge = if_nametoindex(BRIDGE);
	for (int i = 0; i < n; i++)
		veth_add(i, &slots[i], bridge);
	batch_send("add veths");
}

static void up(int n)
{
	struct slot slots[CONTAINERS_MAX];
	struct pipes p;
	char byte;

	check(pipe2(p.made, O_CLOEXEC) | pipe2(p.go, O_CLOEXEC) | pipe2(p.ran, O_CLOEXEC), "pipe");
	folders_make(n);
	for (int i = 0; i < n; i++) {
		if (mapped)
			slot_make(&slots[i]);
		spawn(i, &p, &slots[i]);
	}
	if (!mapped)
		wait_for(n, p.made[0]);
	if (!offline)
		network_make(n, slots);
	close(p.go[1]);
	close(p.ran[1]);
	if (read(p.ran[0], &byte, 1) != 0)
		die("wait for execve");
	for (int i = 0; i < n; i++)
		slot_close(&slots[i]);
	close(p.made[0]);
	close(p.made[1]);
	close(p.go[0]);
	close(p.ran[0]);
}

static void reap(void)
{
	while (wait(NULL) > 0)
		;
}

/* Until all are gone. */
static void down(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.kill", cgroup_top);
	write_file(path, "1");
	reap();
}

/* One round and its two figures. */
static void measure(int n)
{
	double start = now_ms(), started, ended;

	up(n);
	started = now_ms();
	if (lone)
		reap();
	else
		down();
	ended = now_ms();
	printf("%.2f %.2f\n", started - start, ended - (lone ? start : started));
	fflush(stdout);
	if (!offline)
		bridge_del();
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
	if (system("rm -rf " WORK "; mkdir -p " WORK "/lower/bin " WORK "/lower/dev " WORK
		   "/lower/proc " WORK "/lower/sys/fs/cgroup && cp /bin/busybox " WORK
		   "/lower/bin/"))
		die("make the image");
}

int main(int argc, char **argv)
{
	int n, rounds, option;

	while ((option = getopt(argc, argv, "lnu")) != -1) {
		lone |= option == 'l';
		offline |= option == 'n';
		mapped |= option == 'u';
	}
	n = argc - optind == 3 ? atoi(argv[optind]) : 0;
	rounds = n ? atoi(argv[optind + 1]) : 0;
	if (n < 1 || n > CONTAINERS_MAX || rounds < 1) {
		fprintf(stderr, "usage: floor [-l] [-n] [-u] N ROUNDS CGROUP (N up to %d)\n",
			CONTAINERS_MAX);
		return 2;
	}
	cgroup_top = argv[optind + 2];
	check(mkdir(cgroup_top, 0755), cgroup_top);
	lower_make();
	batch_open();
	while (rounds-- > 0) {
		measure(n);
		sweep(n);
	}
	check(rmdir(cgroup_top), cgroup_top);
	check(system("rm -rf " WORK), "remove the image");
	return 0;
}
