/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nl: one netlink message builder and one way to send, on libmnl. Called by every file of
 * this room. It knows no link and no rule, and must not wait for anything but the kernel's
 * answer, which is there when send returns.
 */
#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "net/nl.h"

/*
 * A batch for a thousand slots is half a megabyte; the port map of the largest stack less
 * than that.
 */
#define BATCH_MAX   (16u << 20)
#define RECEIVE_MAX (8u << 20)

void nl_batch_init(struct nl_batch *b)
{
	/*
	 * Any number will do that an answer left over from an earlier exchange does not
	 * have.
	 */
	*b = (struct nl_batch){ .first = (uint32_t)time_mono_ns() | 1 };
}

void nl_batch_fini(struct nl_batch *b)
{
	free(b->data);
	vec_fini(&b->labels);
	*b = (struct nl_batch){ 0 };
}

static bool ensure(struct nl_batch *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 4096;

	if (b->overflow || need > BATCH_MAX - b->len) {
		b->overflow = true;
		return false;
	}
	while (cap < b->len + need)
		cap *= 2;
	if (cap != b->cap) {
		b->data = xrealloc(b->data, cap);
		memset(b->data + b->cap, 0, cap - b->cap);
		b->cap = cap;
	}
	return true;
}

static struct nlmsghdr *open_message(struct nl_batch *b)
{
	return (struct nlmsghdr *)(b->data + b->msg);
}

struct nlmsghdr *nl_message(struct nl_batch *b, size_t room)
{
	return ensure(b, room) ? open_message(b) : NULL;
}

void nl_sync(struct nl_batch *b)
{
	if (b->overflow)
		return;
	b->len = b->msg + MNL_ALIGN(open_message(b)->nlmsg_len);
	assert(b->len <= b->cap);
}

void nl_begin(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags, const void *head,
	      size_t len)
{
	struct nlmsghdr *m;

	if (!ensure(b, MNL_NLMSG_HDRLEN + MNL_ALIGN(len)))
		return;
	b->msg = b->len;
	m = mnl_nlmsg_put_header(b->data + b->msg);
	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | flags;
	m->nlmsg_seq = b->first + (uint32_t)b->labels.n;
	memcpy(mnl_nlmsg_put_extra_header(m, len), head, len);
	vec_push(&b->labels, ((struct nl_label){ .what = what, .tag = b->tag }));
	nl_sync(b);
}

void nl_put(struct nl_batch *b, uint16_t type, const void *data, size_t len)
{
	if (len > UINT16_MAX - MNL_ATTR_HDRLEN)
		b->overflow = true;
	if (!ensure(b, MNL_ATTR_HDRLEN + MNL_ALIGN(len)))
		return;
	mnl_attr_put(open_message(b), type, len, data);
	nl_sync(b);
}

void nl_put_u8(struct nl_batch *b, uint16_t type, uint8_t value)
{
	nl_put(b, type, &value, sizeof(value));
}

void nl_put_u16(struct nl_batch *b, uint16_t type, uint16_t value)
{
	nl_put(b, type, &value, sizeof(value));
}

void nl_put_u32(struct nl_batch *b, uint16_t type, uint32_t value)
{
	nl_put(b, type, &value, sizeof(value));
}

void nl_put_str(struct nl_batch *b, uint16_t type, const char *s)
{
	nl_put(b, type, s, strlen(s) + 1);
}

size_t nl_nest(struct nl_batch *b, uint16_t type)
{
	size_t at = b->len;

	nl_put(b, NLA_F_NESTED | type, NULL, 0);
	return at;
}

void nl_nest_end(struct nl_batch *b, size_t nest)
{
	if (b->len - nest > UINT16_MAX)
		b->overflow = true;
	if (!b->overflow)
		mnl_attr_nest_end(open_message(b), (struct nlattr *)(b->data + nest));
}

void nl_tolerate(struct nl_batch *b, int sys)
{
	if (b->labels.n)
		b->labels.v[b->labels.n - 1].tolerated = sys;
}

void nl_await(struct nl_batch *b)
{
	if (b->overflow)
		return;
	/*
	 * A dump ends with a message of its own. (These bits mean other things where
	 * something is made, one by one.)
	 */
	if ((open_message(b)->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		open_message(b)->nlmsg_flags |= NLM_F_ACK;
	b->awaited = open_message(b)->nlmsg_seq;
}

void nl_tune(int fd)
{
	int on = 1, sndbuf = BATCH_MAX, rcvbuf = RECEIVE_MAX;

	/*
	 * None of these can fail on a supported kernel for who may use the socket; without
	 * them texts are poorer.
	 */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sndbuf, sizeof(sndbuf));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf));
}

int nl_socket(int bus, struct err *err)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus);

	if (fd < 0)
		return err_sys(err, errno, "netlink: open a %s socket",
			       bus == NETLINK_ROUTE ? "route" : "netfilter");
	nl_tune(fd);
	return fd;
}

/*
 * The words that the kernel puts behind an error; the original message is in between
 * unless it was left out (CAP_ACK).
 */
static void kernel_words(const struct nlmsghdr *m, char *ret, size_t size)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
	size_t offset = sizeof(*e);
	const struct nlattr *a;

	ret[0] = '\0';
	if (!(m->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(m->nlmsg_flags & NLM_F_CAPPED))
		offset += mnl_nlmsg_get_payload_len(&e->msg);
	mnl_attr_for_each(a, m, offset) if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG &&
					    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(ret, size, "%s", mnl_attr_get_str(a));
}

/* What has come in so far. */
struct exchange {
	struct nl_batch *batch;
	const struct nl_sink *sink;
	struct err *err;
	bool answered, failed;
};

static void take_failure(struct exchange *x, const struct nlmsghdr *m, int sys)
{
	const struct nl_label *label = &x->batch->labels.v[m->nlmsg_seq - x->batch->first];
	struct nl_error e = { .sys = sys, .tag = label->tag, .what = label->what };

	if (sys == label->tolerated)
		return;
	if (m->nlmsg_type == NLMSG_ERROR)
		kernel_words(m, e.why, sizeof(e.why));
	if (x->sink && x->sink->error) {
		x->sink->error(x->sink->arg, &e);
	} else if (!x->failed) {
		x->batch->failed_tag = e.tag;
		nl_error_set(x->err, &e);
	}
	x->failed = true;
}

static void take_message(struct exchange *x, const struct nlmsghdr *m)
{
	uint32_t nth = m->nlmsg_seq - x->batch->first;
	int sys = 0;

	if (nth >= x->batch->labels.n)
		return; /* an answer to somebody who is not waiting any more */
	if (m->nlmsg_type != NLMSG_ERROR && m->nlmsg_type != NLMSG_DONE) {
		if (x->sink && x->sink->message)
			x->sink->message(x->sink->arg, m, x->batch->labels.v[nth].tag);
		return;
	}
	/* Both begin with an int: the negative errno of the request, or of the dump. */
	if (mnl_nlmsg_get_payload_len(m) >= sizeof(int))
		sys = -*(const int *)mnl_nlmsg_get_payload(m);
	if (sys)
		take_failure(x, m, sys);
	if (m->nlmsg_seq == x->batch->awaited)
		x->answered = true;
}

/*
 * Takes what is queued. The kernel works through all messages within send, and a dump goes
 * on within recv, so an empty queue is the end: there is nothing to wait for.
 */
static int receive_all(int fd, struct exchange *x)
{
	char data[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool lost = false;

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from,
				     &from_len);
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		/* The rest is read all the same, for the kernel sends no more until it was. */
		if (n < 0 && errno == ENOBUFS) {
			lost = true;
			continue;
		}
		if (n < 0 && errno == EAGAIN && !lost)
			return 0;
		if (n < 0)
			return err_sys(x->err, lost ? ENOBUFS : errno, "netlink: receive");
		if (from.nl_pid)
			continue; /* not from the kernel */
		for (const struct nlmsghdr *m = (void *)data; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left))
			take_message(x, m);
	}
}

int nl_transact(int fd, struct nl_batch *b, const struct nl_sink *sink, struct err *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct exchange x = { .batch = b, .sink = sink, .err = err };

	if (b->overflow)
		return err_set(err, "netlink: request too large: more than %u bytes", BATCH_MAX);
	if (!b->labels.n)
		return 0;
	if (!b->awaited)
		nl_await(b);
	if (sendto(fd, b->data, b->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return err_sys(err, errno, "netlink: send %zu messages", b->labels.n);
	if (receive_all(fd, &x))
		return -1;
	if (!x.answered && !x.failed)
		return err_set(err, "netlink: %s: no answer from the kernel",
			       b->labels.v[b->labels.n - 1].what);
	return x.failed && !(sink && sink->error) ? -1 : 0;
}

int nl_error_set(struct err *err, const struct nl_error *e)
{
	return err_sys(err, e->sys, "%s%s%s", e->what, e->why[0] ? ": " : "", e->why);
}
