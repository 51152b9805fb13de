/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * helper: runs mstack-net, the process without rights that answers DNS questions, and tells it what it must know. Called by sup
 * through net_names.h, and from the loop. All that was ever told is kept, so that a new one can be told it; what it cannot hear
 * at the moment waits in a queue. It trusts nothing that the process says, and needs nothing of it.
 */
#include <errno.h>
#include <ev.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/base_program.h"
#include "mstack/net_names.h"
#include "mstack/net_resume.h"
#include "net/helper.h"
#include "net/helperproc.h"
#include "net/member.h"
#include "net/nameport.h"
#include "net/porch.h"
#include "net/proxied.h"
#include "net/resolvconf.h"

/* One that hears nothing for so long has gone mad; it is no fault of ours, so it is ended. */
#define DEAF_S 10.0
/* So often it is told something, and one that has read nothing at all for two of these hangs. */
#define BEAT_S	   3.0
#define BEATS_LOST 2
/* The first wait before another start, doubled with each that does not live for long. */
#define AGAIN_S	     0.05
#define AGAIN_LAST_S 5.0
#define LONG_LIFE_MS 10000

struct net_names {
	struct ev_loop *loop;
	net_event_fn *fn;
	void *arg;
	char *program;
	struct resolvconf resolvconf;
	struct messages networks;
	struct VEC(struct member *) members;
	struct proxied_list proxied;
	struct net_porch *porch; /* NULL: it is in the host's network itself */
	bool outlives;
	int desk;
	/* The process. */
	pid_t pid;
	int pidfd, sock;
	uint64_t started_ms;
	double again_s;
	ev_io ended, room;
	ev_timer again, deaf, beat;
	unsigned lost;	       /* beats that found it as before */
	struct messages queue; /* what it was not told yet: from `told` on */
	size_t told;
};

/* ---- telling --------------------------------------------------------------------------------- */

static struct member *find_member(const struct net_names *n, uint32_t slot)
{
	for (size_t i = 0; i < n->members.n; i++)
		if (n->members.v[i]->slot == slot)
			return n->members.v[i];
	return NULL;
}

/* The sockets that go with a message. 0: they are not there any more, it came and went while the queue was full. */
static size_t sockets_of(const struct net_names *n, const struct helper_message *m, int ret[2])
{
	const struct member *who;

	if (m->kind == HELPER_DESK)
		return (ret[0] = n->desk) >= 0;
	if (m->kind == HELPER_PROXY)
		return (ret[0] = proxied_socket(&n->proxied, m)) >= 0;
	who = find_member(n, m->slot);
	if (!who || !who->listens)
		return 0;
	ret[0] = who->sockets.udp;
	ret[1] = who->sockets.tcp;
	return 2;
}

/* 0, or -1 with errno. */
static int send_one(const struct net_names *n, const struct helper_message *m)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)(uintptr_t)m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &part, .msg_iovlen = 1 };

	if (m->kind == HELPER_LISTEN || m->kind == HELPER_PROXY || m->kind == HELPER_DESK) {
		int fds[2];
		size_t count = sockets_of(n, m, fds);
		struct cmsghdr *c;

		if (!count)
			return 0;
		h.msg_control = &control;
		h.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&h);
		*c = (struct cmsghdr){ CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
	}
	return sendmsg(n->sock, &h, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

static void empty_queue(struct net_names *n)
{
	vec_fini(&n->queue);
	n->told = 0;
	ev_io_stop(n->loop, &n->room);
	ev_timer_stop(n->loop, &n->deaf);
}

static void wait_for_room(struct net_names *n)
{
	if (!ev_is_active(&n->room)) {
		ev_io_set(&n->room, n->sock, EV_WRITE);
		ev_io_start(n->loop, &n->room);
	}
	if (!ev_is_active(&n->deaf)) {
		ev_timer_set(&n->deaf, DEAF_S, 0);
		ev_timer_start(n->loop, &n->deaf);
	}
}

/* An error beside a full buffer is that of its end, which is heard of elsewhere. */
static void flush(struct net_names *n)
{
	size_t before = n->told;

	while (n->told < n->queue.n && n->sock >= 0) {
		if (send_one(n, &n->queue.v[n->told]) < 0) {
			if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
				break;
			empty_queue(n);
			return;
		}
		n->told++;
	}
	if (n->told == n->queue.n) {
		empty_queue(n);
		return;
	}
	/* It hears something: it is not deaf. */
	if (n->told > before)
		ev_timer_stop(n->loop, &n->deaf);
	wait_for_room(n);
}

/* What is said to nobody is said to the next one by tell_all. */
static void tell(struct net_names *n, const struct helper_message *m)
{
	if (n->sock < 0)
		return;
	vec_push(&n->queue, *m);
	flush(n);
}

static void tell_list(struct net_names *n, const struct messages *list)
{
	for (size_t i = 0; i < list->n; i++)
		tell(n, &list->v[i]);
}

static void tell_upstream(void *arg)
{
	struct net_names *n = arg;
	const struct helper_message m = { .kind = HELPER_UPSTREAM,
					  .servers = n->resolvconf.servers };

	tell(n, &m);
}

static void tell_asker(struct net_names *n, const struct member *who)
{
	const struct helper_message listen = { .kind = HELPER_LISTEN, .slot = who->slot };

	tell(n, &who->asker);
	tell_list(n, &who->sees);
	tell(n, &listen);
}

static void tell_up(struct net_names *n, const struct member *who)
{
	const struct helper_message m = { .kind = HELPER_UP, .slot = who->slot, .flag = who->up };

	tell(n, &m);
}

static void tell_proxied(struct net_names *n, const struct proxied *p)
{
	for (size_t i = 0; i < p->n_allow; i++)
		tell(n, &(struct helper_message){ .kind = HELPER_ALLOW, .subnet = p->allow[i] });
	tell(n, &p->message);
}

/* Each has its own, which ends with it. */
static void tell_desk(struct net_names *n)
{
	if (!n->porch)
		return;
	cleanup_fd(&n->desk);
	n->desk = porch_desk(n->porch);
	tell(n, &(struct helper_message){ .kind = HELPER_DESK });
}

static void porch_is_renewed(void *arg)
{
	tell_desk(arg);
}

/* Names come before those who ask for them. */
static void tell_all(struct net_names *n)
{
	tell_desk(n);
	tell_upstream(n);
	tell_list(n, &n->networks);
	for (size_t i = 0; i < n->members.n; i++) {
		tell_list(n, &n->members.v[i]->names);
		tell_up(n, n->members.v[i]);
	}
	for (size_t i = 0; i < n->members.n; i++)
		if (n->members.v[i]->listens)
			tell_asker(n, n->members.v[i]);
	for (size_t i = 0; i < n->proxied.n; i++)
		tell_proxied(n, &n->proxied.v[i]);
}

/* To one that goes on, and was told we do not know what. */
static void tell_anew(struct net_names *n)
{
	tell(n, &(struct helper_message){ .kind = HELPER_ANEW });
	tell_all(n);
	tell(n, &(struct helper_message){ .kind = HELPER_ALL });
}

/* ---- the process ----------------------------------------------------------------------------- */

static void watch(struct net_names *n)
{
	n->lost = 0;
	ev_io_set(&n->ended, n->sock, EV_READ);
	ev_io_start(n->loop, &n->ended);
	ev_timer_set(&n->beat, BEAT_S, BEAT_S);
	ev_timer_start(n->loop, &n->beat);
}

static int start(struct net_names *n, struct err *err)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	int ends[2], rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return err_sys(err, errno, "socketpair");
	ours = ends[0];
	theirs = ends[1];
	rc = helper_spawn(n->program, theirs, n->porch != NULL, n->outlives, &pid);
	if (rc)
		return err_sys(err, rc, "start '%s'", n->program);
	n->pid = pid;
	n->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	n->sock = take_fd(&ours);
	n->started_ms = time_mono_ms();
	watch(n);
	tell_all(n);
	return 0;
}

/*
 * By its descriptor: it may have been reaped as a stranger of ours, and its number be another's. One that was started by a supervisor who is
 * no more is nobody's to reap, but what it has open is closed when it has ended.
 */
static void stop(struct net_names *n)
{
	struct pollfd end = { .fd = n->pidfd, .events = POLLIN };
	siginfo_t si;

	empty_queue(n);
	ev_io_stop(n->loop, &n->ended);
	ev_timer_stop(n->loop, &n->beat);
	cleanup_fd(&n->sock);
	if (n->pidfd < 0)
		return;
	syscall(SYS_pidfd_send_signal, n->pidfd, SIGKILL, NULL, 0);
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	while (waitid(P_PIDFD, (id_t)n->pidfd, &si, WEXITED) < 0 && errno == EINTR)
		;
	cleanup_fd(&n->pidfd);
}

static void note(const struct net_names *n, const char *text)
{
	if (n->fn)
		n->fn(n->arg, &(struct net_event){ .kind = NET_NOTE, .text = text });
}

static void start_later(struct net_names *n)
{
	ev_timer_set(&n->again, n->again_s, 0);
	ev_timer_start(n->loop, &n->again);
	n->again_s = n->again_s * 2 < AGAIN_LAST_S ? n->again_s * 2 : AGAIN_LAST_S;
}

/* What it says before its end, in one line of harmless letters. */
static void take_last_words(const struct net_names *n, char *ret, size_t size)
{
	ssize_t len = recv(n->sock, ret, size - 1, MSG_DONTWAIT);

	ret[len > 0 ? len : 0] = '\0';
	for (char *c = ret; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
}

static void has_ended(struct net_names *n, const char *words)
{
	char text[256];

	if (time_mono_ms() - n->started_ms >= LONG_LIFE_MS)
		n->again_s = AGAIN_S;
	stop(n);
	snprintf(text, sizeof(text), "names: " HELPER_NAME " ended%s%s: it is started again",
		 *words ? ": " : "", words);
	note(n, text);
	start_later(n);
}

static void on_ended(struct ev_loop *loop, ev_io *w, int revents)
{
	char words[160];

	(void)loop;
	(void)revents;
	take_last_words(w->data, words, sizeof(words));
	has_ended(w->data, words);
}

static void on_room(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	(void)revents;
	flush(w->data);
}

static void on_deaf(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	has_ended(w->data, "it did not hear any more");
}

/* The kernel knows what it has not read yet, so it need not answer. */
static void on_beat(struct ev_loop *loop, ev_timer *w, int revents)
{
	static const struct helper_message beat = { .kind = HELPER_BEAT };
	struct net_names *n = w->data;
	int unread = 0;

	(void)loop;
	(void)revents;
	if (ioctl(n->sock, SIOCOUTQ, &unread) < 0 || !unread) {
		n->lost = 0;
		tell(n, &beat);
	} else if (++n->lost >= BEATS_LOST) {
		has_ended(n, "it hung");
	}
}

static void on_again(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct net_names *n = w->data;
	struct err err = { 0 };

	(void)loop;
	(void)revents;
	if (start(n, &err) < 0)
		start_later(n);
}

/* ---- the door -------------------------------------------------------------------------------- */

static struct net_names *names_new(struct ev_loop *loop, struct net_porch *porch, bool outlives,
				   net_event_fn *fn, void *arg)
{
	struct net_names *n = xcalloc(1, sizeof(*n));

	*n = (struct net_names){ .loop = loop,
				 .fn = fn,
				 .arg = arg,
				 .porch = porch,
				 .outlives = outlives,
				 .desk = -1,
				 .pidfd = -1,
				 .sock = -1,
				 .again_s = AGAIN_S };
	ev_init(&n->ended, on_ended);
	ev_init(&n->room, on_room);
	ev_init(&n->again, on_again);
	ev_init(&n->deaf, on_deaf);
	ev_init(&n->beat, on_beat);
	n->ended.data = n->room.data = n->again.data = n->deaf.data = n->beat.data = n;
	n->program = program_find(HELPER_NAME, HELPER_VARIABLE);
	if (porch)
		porch_on_renewal(porch, porch_is_renewed, n);
	return n;
}

struct net_names *net_names_open(struct ev_loop *loop, const char *resolv_conf,
				 struct net_porch *porch, bool outlives, net_event_fn *fn,
				 void *arg, struct err *err)
{
	struct net_names *n = names_new(loop, porch, outlives, fn, arg);

	if (!n->program) {
		err_sys(err, ENOENT,
			HELPER_NAME " is not beside the mstack program (set " HELPER_VARIABLE
				    ", or install mstack anew)");
		net_names_close(n);
		return NULL;
	}
	resolvconf_open(&n->resolvconf, loop, resolv_conf, tell_upstream, n);
	if (start(n, err) < 0) {
		net_names_close(n);
		return NULL;
	}
	return n;
}

void net_names_networks(struct net_names *n, const struct net_spec *spec, size_t first)
{
	size_t had = n->networks.n;

	for (size_t i = first; i < spec->n_bridges; i++)
		member_networks(&n->networks, (uint32_t)i, &spec->bridges[i]);
	for (; had < n->networks.n; had++)
		tell(n, &n->networks.v[had]);
}

void net_names_add(struct net_names *n, uint32_t slot, const struct net_names_spec *spec)
{
	struct member *who = member_new(slot, spec);

	net_names_drop(n, slot);
	vec_push(&n->members, who);
	tell_list(n, &who->names);
}

int net_names_listen(struct net_names *n, uint32_t slot, const struct net_names_sockets *sockets,
		     struct err *err)
{
	struct member *who = find_member(n, slot);

	if (!who || !who->asker.kind)
		return err_set(err, "names: slot %u does not ask", slot);
	if (nameport_open(sockets->udp, sockets->tcp, sockets->nft, err) < 0)
		return err_wrap(err, "names");
	net_names_listens(n, slot, sockets);
	return 0;
}

void net_names_listens(struct net_names *n, uint32_t slot, const struct net_names_sockets *sockets)
{
	struct member *who = find_member(n, slot);

	if (!who || !who->asker.kind)
		return;
	who->sockets = *sockets;
	who->listens = true;
	tell_asker(n, who);
}

void net_names_up(struct net_names *n, uint32_t slot, bool up)
{
	struct member *who = find_member(n, slot);

	if (!who || who->up == up)
		return;
	who->up = up;
	tell_up(n, who);
}

void net_names_drop(struct net_names *n, uint32_t slot)
{
	const struct helper_message m = { .kind = HELPER_DROP, .slot = slot };

	for (size_t i = 0; i < n->members.n; i++) {
		if (n->members.v[i]->slot != slot)
			continue;
		member_free(n->members.v[i]);
		n->members.v[i] = n->members.v[--n->members.n];
		tell(n, &m);
		return;
	}
}

void net_names_change(struct net_names *n, uint32_t slot, const struct net_names_spec *spec)
{
	const struct member *had = find_member(n, slot);
	const struct net_names_sockets sockets =
		had ? had->sockets : (struct net_names_sockets){ 0 };
	bool up = had && had->up, listens = had && had->listens;
	struct member *who;

	net_names_add(n, slot, spec);
	who = find_member(n, slot);
	if (listens && who->asker.kind) {
		who->sockets = sockets;
		who->listens = true;
		tell_asker(n, who);
	}
	net_names_up(n, slot, up);
}

/* ---- the next program ------------------------------------------------------------------------ */

void net_names_carry(const struct net_names *n, struct carry *to)
{
	if (n->sock < 0)
		return;
	carry_put(to, "version", MSTACK_VERSION);
	carry_put_num(to, "pid", n->pid);
	carry_put_fd(to, "process", n->pidfd);
	carry_put_fd(to, "socket", n->sock);
	carry_put_num(to, "started", (int64_t)n->started_ms);
	carry_put_num(to, "outlives", n->outlives);
	carry_put_num(to, "untold", (int64_t)n->queue.n);
}

struct net_names *net_names_resume(struct ev_loop *loop, const char *resolv_conf,
				   struct net_porch *porch, bool outlives, net_event_fn *fn,
				   void *arg)
{
	struct net_names *n = names_new(loop, porch, outlives, fn, arg);

	/* Whoever runs already does without; when it ends, looking for the program fails again and again until it is there. */
	if (!n->program)
		n->program = xstrdup(HELPER_NAME);
	resolvconf_open(&n->resolvconf, loop, resolv_conf, tell_upstream, n);
	return n;
}

/* If it was told all, it knows what we have noted meanwhile, but for whom the host asks now. */
static void take_process(struct net_names *n, struct carry *from, bool knows_all)
{
	n->pid = (pid_t)carry_num(from, "pid", 0);
	n->pidfd = carry_take_fd(from, "process");
	n->sock = carry_take_fd(from, "socket");
	n->started_ms = (uint64_t)carry_num(from, "started", 0);
	watch(n);
	if (knows_all)
		tell_upstream(n);
	else
		tell_anew(n);
}

int net_names_resumed(struct net_names *n, struct carry *from, bool exact, struct err *err)
{
	const char *version = carry_text(from, "version");

	/* What we say it can hear, and it lives as long as it should. */
	if (!version || strcmp(version, MSTACK_VERSION) != 0 ||
	    carry_num(from, "outlives", 0) != n->outlives ||
	    !helper_runs((pid_t)carry_num(from, "pid", 0), n->program))
		return start(n, err);
	take_process(n, from, exact && !carry_num(from, "untold", 0));
	return n->sock < 0 ? err_set(err, "names: what answers was not carried over") : 0;
}

void net_names_proxy(struct net_names *n, const struct net *net,
		     const struct net_publish_spec *pubs, size_t count, bool add)
{
	for (size_t i = 0; i < count; i++) {
		struct helper_message m;

		if (add && proxied_add(&n->proxied, net, &pubs[i]))
			tell_proxied(n, &n->proxied.v[n->proxied.n - 1]);
		else if (!add && proxied_remove(&n->proxied, &pubs[i], &m))
			tell(n, &m);
	}
}

pid_t net_names_pid(const struct net_names *n)
{
	return n->sock < 0 ? 0 : n->pid;
}

void net_names_outlive(struct net_names *n, bool outlives)
{
	struct err err = { 0 };

	if (n->outlives == outlives)
		return;
	n->outlives = outlives;
	if (n->sock < 0)
		return;
	stop(n);
	if (start(n, &err) < 0)
		start_later(n);
}

void net_names_close(struct net_names *n)
{
	if (!n)
		return;
	if (n->porch)
		porch_on_renewal(n->porch, NULL, NULL);
	stop(n);
	ev_timer_stop(n->loop, &n->again);
	resolvconf_close(&n->resolvconf);
	for (size_t i = 0; i < n->members.n; i++)
		member_free(n->members.v[i]);
	vec_fini(&n->members);
	proxied_fini(&n->proxied);
	cleanup_fd(&n->desk);
	vec_fini(&n->networks);
	free(n->program);
	free(n);
}
