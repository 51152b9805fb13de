/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grants: what this host grants an ordinary user, feature by feature, and the command by which an administrator, or the user, gets the rest.
 * Called by `mstack doctor`, outside. Entering is tried for real, in a child, so that nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include "rootless/subids.h"
#include "rootless/threshold.h"

#define PORT_START "/proc/sys/net/ipv4/ip_unprivileged_port_start"
/* What most want one below 1024 for. Whoever has less is told at the port. */
#define WEB_PORT 80

/* What the child met: 0, or the error as it would be told. */
static struct err try_entering(void)
{
	struct err met = { .text = "tried in a child, which has ended" };
	_cleanup_fd_ int ours = -1, theirs = -1;
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return met;
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid == 0) {
		struct err err = { 0 };

		rootless_enter(&err);
		_exit(fd_write_all(theirs, &err, sizeof(err)) < 0);
	}
	cleanup_fd(&theirs);
	if (pid < 0 || read(ours, &met, sizeof(met)) != sizeof(met))
		met.sys = met.sys ? met.sys : EAGAIN;
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return met;
}

static void probe_namespaces(struct rootless_probe *p, const struct subids_both *who)
{
	struct err met = try_entering();

	(void)who;
	p->what = "user namespaces of one's own";
	p->needed = true;
	p->ok = !met.text[0];
	if (p->ok)
		return;
	snprintf(p->why, sizeof(p->why), "%.*s", (int)sizeof(p->why) - 1, met.text);
	/* What newuidmap says is no sysctl's doing. */
	if (met.sys)
		threshold_why(met.sys, p->why, sizeof(p->why), p->cure, sizeof(p->cure));
}

static void probe_ranges(struct rootless_probe *p, const struct subids_both *who)
{
	p->what = "ranges of user and group ids";
	p->ok = who->usable;
	if (who->usable)
		snprintf(p->why, sizeof(p->why), "%u users, %u groups", subids_total(&who->uids),
			 subids_total(&who->gids));
	else
		snprintf(p->why, sizeof(p->why), "%s", who->why);
	snprintf(p->cure, sizeof(p->cure), "%s", who->cure);
}

static void probe_ports(struct rootless_probe *p, const struct subids_both *who)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	int first = file_read(AT_FDCWD, PORT_START, 64, &text) < 0 ? 1024 : atoi(buf_str(&text));

	(void)who;
	p->what = "published ports below 1024";
	p->ok = first <= WEB_PORT;
	if (first > 1)
		snprintf(p->why, sizeof(p->why), "from %d on", first);
	snprintf(p->cure, sizeof(p->cure), "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%d",
		 WEB_PORT);
}

/* net/wayout runs it; udev makes the node everybody's. */
static void probe_way_out(struct rootless_probe *p, const struct subids_both *who)
{
	bool program = subids_in_path("pasta"), node = access("/dev/net/tun", R_OK | W_OK) == 0;

	(void)who;
	p->what = "a way out for containers";
	p->ok = program && node;
	if (p->ok)
		return;
	snprintf(p->why, sizeof(p->why), "%s",
		 program ? "/dev/net/tun is not for this user" : "pasta is not installed");
	snprintf(p->cure, sizeof(p->cure), "%s",
		 program ? "sudo chmod 666 /dev/net/tun" : "sudo apt-get install passt");
}

/* systemd-logind ends what a user runs, and removes the folder, with the last session. */
static void probe_logout(struct rootless_probe *p, const struct subids_both *who)
{
	_cleanup_free_ char *mark = xasprintf("/var/lib/systemd/linger/%s", who->name);

	p->what = "stacks that outlive the session";
	p->ok = access("/run/systemd/system", F_OK) < 0 || (*who->name && !access(mark, F_OK));
	if (!p->ok)
		snprintf(p->why, sizeof(p->why), "the last logout may end them");
	snprintf(p->cure, sizeof(p->cure), "sudo loginctl enable-linger %s", who->name);
}

size_t rootless_probe(struct rootless_probe *ret, size_t max)
{
	static void (*const probes[])(struct rootless_probe * p, const struct subids_both *who) = {
		probe_namespaces, probe_ranges, probe_ports, probe_way_out, probe_logout,
	};
	struct subids_both who;
	size_t n = 0;

	subids_of(geteuid(), &who);
	for (; n < ARRAY_LEN(probes) && n < max; n++) {
		ret[n] = (struct rootless_probe){ 0 };
		probes[n](&ret[n], &who);
	}
	return n;
}
