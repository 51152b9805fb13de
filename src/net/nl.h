/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nl: one netlink message builder and one way to send. Used by every file of this room,
 * for rtnetlink and nf_tables.
 *
 * Building never fails: what does not fit is remembered and reported once, at sending.
 * Building touches no socket, so that tests compare bytes. A batch holds any number of
 * messages; each carries a word for errors and a tag by which the caller finds again whom
 * it was for, because rtnetlink goes on after a message that failed.
 */
#ifndef NET_NL_H
#define NET_NL_H

#include <linux/netlink.h>

#include "mstack/base.h"

/*
 * What an answer is matched with; one for each message of a batch, in the order of their
 * sequence numbers.
 */
struct nl_label {
	const char *what; /* "create", for errors */
	unsigned tag;
	int tolerated; /* errno that is no failure of this message, or 0 */
};

struct nl_batch {
	char *data;
	size_t len, cap;
	size_t msg;	     /* where the open message begins */
	uint32_t first;	     /* sequence number of the first message */
	uint32_t awaited;    /* sequence number whose answer ends the exchange; 0: the last one's */
	unsigned tag;	     /* for the messages begun from now on; set by the caller */
	unsigned failed_tag; /* of the message that made nl_transact fail */
	bool overflow;
	struct VEC(struct nl_label) labels;
};

void nl_batch_init(struct nl_batch *b);
void nl_batch_fini(struct nl_batch *b);

/*
 * Closes the open message and begins another; `head` is the family's own header
 * (ifinfomsg, nfgenmsg, ...).
 */
void nl_begin(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags, const void *head,
	      size_t len);
void nl_put(struct nl_batch *b, uint16_t type, const void *data, size_t len);
void nl_put_u8(struct nl_batch *b, uint16_t type, uint8_t value);
void nl_put_u16(struct nl_batch *b, uint16_t type, uint16_t value);
void nl_put_u32(struct nl_batch *b, uint16_t type, uint32_t value);
void nl_put_str(struct nl_batch *b, uint16_t type, const char *s); /* with its NUL */
size_t nl_nest(struct nl_batch *b, uint16_t type);
void nl_nest_end(struct nl_batch *b, size_t nest);
/* This error of the open message is none. */
void nl_tolerate(struct nl_batch *b, int sys);
/* The kernel is asked to answer the open message, and that answer ends the exchange. */
void nl_await(struct nl_batch *b);
/*
 * The open message, with `room` bytes free behind it, for libnftnl which writes by itself;
 * NULL after an overflow. nl_sync takes over what it wrote.
 */
struct nlmsghdr *nl_message(struct nl_batch *b, size_t room);
void nl_sync(struct nl_batch *b);

/*
 * A close-on-exec socket of NETLINK_ROUTE or NETLINK_NETFILTER in the caller's network
 * namespace, tuned; or -1.
 */
int nl_socket(int bus, struct err *err);
/* Extended acknowledgements and large buffers, for a socket born elsewhere. */
void nl_tune(int fd);

struct nl_error {
	int sys;
	unsigned tag;
	const char *what;
	char why[128]; /* the kernel's own words, or "" */
};

/*
 * Who gets the answers. `message` may be NULL. Without `error` the first failure becomes
 * that of nl_transact.
 */
struct nl_sink {
	void (*message)(void *arg, const struct nlmsghdr *m, unsigned tag);
	void (*error)(void *arg, const struct nl_error *e);
	void *arg;
};

/*
 * Sends the whole batch at once and takes all answers. Waits for the kernel alone. `sink`
 * may be NULL.
 */
int nl_transact(int fd, struct nl_batch *b, const struct nl_sink *sink, struct err *err);
/* `what: the kernel's words: errno`. Returns -1. */
int nl_error_set(struct err *err, const struct nl_error *e);

#endif
