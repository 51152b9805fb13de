/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * beside: our rules in chains of iptables-nft, and when they are wanted. Called by net.c; calls back from the loop. Who takes
 * one of them out by hand is obeyed; a flush or a reload, which take out others as well, are not about us.
 */
#include <ev.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <stdio.h>

/* glibc's view of the addresses must come before the kernel's. */
#include <netinet/in.h>

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "net/beside.h"
#include "net/foreign.h"
#include "net/lan.h"
#include "net/link.h"
#include "net/nft.h"

/* Long enough for a firewall that comes in several transactions. */
#define SETTLE_S 0.1
#define LEGACY	 "/proc/net/ip_tables_names"

static const struct family {
	const char *name;
	uint8_t nfproto;
} families[] = { { "ip", NFPROTO_IPV4 }, { "ip6", NFPROTO_IPV6 } };

struct beside {
	struct net *net;
	net_event_fn *fn;
	void *arg;
	char *comment;
	int fd;
	uint32_t own; /* address of the socket by which we change rules ourselves */
	struct ev_io io;
	struct ev_timer settle;
	/* Of the transaction that is being told. */
	unsigned ours, others;
	bool remade;
};

static void note(struct beside *b, const char *text)
{
	if (b->fn)
		b->fn(b->arg, &(struct net_event){ .kind = NET_NOTE, .text = text });
}

/* ---- the ledger's side ----------------------------------------------------------------------- */

static char *key_of(const struct family *f, const char *chain, const char *project)
{
	return xasprintf("%s %s %s", f->name, chain, project);
}

struct place {
	const struct family *family;
	char chain[FOREIGN_CHAIN_MAX];
	char comment[128];
};

static bool parse_key(const char *key, struct place *ret)
{
	char family[4], project[100];

	if (sscanf(key, "%3s %31s %99s", family, ret->chain, project) != 3)
		return false;
	snprintf(ret->comment, sizeof(ret->comment), LINK_OWNER "%s", project);
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		if (strcmp(families[i].name, family))
			continue;
		ret->family = &families[i];
		return true;
	}
	return false;
}

/* The rules there; -1 when nobody can look. */
static int list_place(int fd, const struct place *p, uint64_t **ret, size_t *ret_n, struct err *err)
{
	return foreign_list(fd, p->family->nfproto, p->chain, p->comment, ret, ret_n, err);
}

static int rule_same(const struct ledger_item *item)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	_cleanup_free_ uint64_t *handles = NULL;
	struct place p;
	size_t n = 0;

	if (!parse_key(item->key, &p))
		return -1;
	/* Who cannot look lets destroy say why. */
	return fd < 0 || list_place(fd, &p, &handles, &n, NULL) || n ? 1 : -1;
}

static int rule_destroy(const struct ledger_item *item, struct err *err)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, err);
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_free_ uint64_t *handles = NULL;
	struct place p;
	size_t n = 0;

	if (fd < 0 || !parse_key(item->key, &p) || list_place(fd, &p, &handles, &n, err))
		return -1;
	nl_batch_init(&b);
	nft_begin(&b);
	for (size_t i = 0; i < n; i++)
		foreign_put_delete(&b, p.family->nfproto, p.chain, handles[i]);
	nft_end(&b);
	if (n && nl_transact(fd, &b, NULL, err))
		return err_wrap(err, "rules of ours in chain '%s %s'", p.family->name, p.chain);
	return n ? 0 : 1;
}

const struct ledger_kind beside_kind = {
	.name = "accept-rule",
	.same = rule_same,
	.destroy = rule_destroy,
	.flags = LEDGER_HOST_WIDE,
};

int beside_find(const char *project, struct ledger *l, struct err *err)
{
	static const char *const chains[] = { "FORWARD", "DOCKER-USER" };
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, err);
	int found = 0;

	for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(families) * ARRAY_LEN(chains); i++) {
		_cleanup_free_ uint64_t *handles = NULL;
		_cleanup_free_ char *key = key_of(&families[i / ARRAY_LEN(chains)],
						  chains[i % ARRAY_LEN(chains)], project);
		struct place p;
		size_t n = 0;

		parse_key(key, &p);
		if (list_place(fd, &p, &handles, &n, err))
			return -1;
		if (n && l && !ledger_intend(l, beside_kind.name, 0, key, err))
			return -1;
		found |= n > 0;
	}
	return fd < 0 ? -1 : found;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* One entry stands for all our rules of a chain. */
static int enter(struct beside *b, const struct family *f, const char *chain, struct err *err)
{
	struct ledger *l = b->net->ledger;
	_cleanup_free_ char *key = key_of(f, chain, b->net->spec->project);
	uint32_t item;

	if (ledger_find(l, beside_kind.name, key))
		return 0;
	item = ledger_intend(l, beside_kind.name, 0, key, err);
	return item ? ledger_done(l, item, 0, 0, err) : -1;
}

/* Bridges of ours from `first` on; others are none of our business here. */
static bool has_bridges(const struct net_spec *spec, size_t first)
{
	for (size_t i = first; i < spec->n_bridges; i++)
		if (lan_is_bridge(&spec->bridges[i]))
			return true;
	return false;
}

/* Those from `first` on. */
static int accept_in(struct beside *b, const struct family *f, const char *chain, size_t first,
		     struct err *err)
{
	const struct net_spec *spec = b->net->spec;
	_cleanup_(nl_batch_fini) struct nl_batch batch = { 0 };

	if (!has_bridges(spec, first))
		return 0;
	if (enter(b, f, chain, err))
		return -1;
	nl_batch_init(&batch);
	nft_begin(&batch);
	for (size_t i = first; i < spec->n_bridges; i++)
		if (lan_is_bridge(&spec->bridges[i]))
			foreign_put_accept(&batch, f->nfproto, chain, spec->bridges[i].ifname,
					   b->comment);
	nft_end(&batch);
	return nl_transact(b->net->nft, &batch, NULL, err)
		       ? err_wrap(err, "chain '%s " FOREIGN_TABLE " %s'", f->name, chain)
		       : 0;
}

/* In the words of nft; those that the file names by themselves. */
static void put_bridge_names(const struct net_spec *spec, struct buf *out)
{
	bool usual = false, named = false;

	for (size_t i = 0; i < spec->n_bridges; i++) {
		bool ours = !strncmp(spec->bridges[i].ifname, "mstk", 4);

		if (!lan_is_bridge(&spec->bridges[i]))
			continue;
		usual |= ours;
		if (!ours)
			buf_printf(out, "%s\"%s\"", named ? ", " : "{ ", spec->bridges[i].ifname);
		named |= !ours;
	}
	if (usual || !named)
		buf_puts(out, named ? ", \"mstk*\"" : "\"mstk*\"");
	buf_puts(out, named ? " }" : "");
}

static void tell_dropper(void *arg, const char *chain)
{
	_cleanup_(buf_fini) struct buf names = { 0 };
	_cleanup_free_ char *text = NULL;
	struct beside *b = arg;

	put_bridge_names(b->net->spec, &names);
	text = xasprintf(
		"the firewall drops what is forwarded by chain '%s'; let it accept our bridges: "
		"iifname %s accept, and oifname %s accept",
		chain, buf_str(&names), buf_str(&names));
	note(b, text);
}

/* Tables of the old kind cannot be read by nf_tables. */
static void tell_legacy(struct beside *b)
{
	_cleanup_(buf_fini) struct buf names = { 0 };

	if (file_read(AT_FDCWD, LEGACY, 4096, &names) >= 0 &&
	    strstr(buf_str(&names), FOREIGN_TABLE))
		note(b, "iptables-legacy is in use on this host; if its chain FORWARD drops, add: "
			"iptables-legacy -I FORWARD -i mstk+ -j ACCEPT, and the same with -o");
}

int beside_accept(struct beside *b, struct err *err)
{
	size_t first = b->net->first;

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		char chain[FOREIGN_CHAIN_MAX];
		int rc = foreign_chain(b->net->nft, families[i].nfproto, chain, err);

		if (rc < 0 || (!rc && accept_in(b, &families[i], chain, first, err)))
			return -1;
	}
	if (first)
		return 0;
	tell_legacy(b);
	return foreign_droppers(b->net->nft, "mstk_", tell_dropper, b, err);
}

/* ---- listening ------------------------------------------------------------------------------- */

/* After a flush nothing of ours stands there; where something does, it is all of it. */
static void put_back(struct beside *b, const struct family *f, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ uint64_t *handles = NULL;
	char chain[FOREIGN_CHAIN_MAX];
	size_t n = 0;

	if (!has_bridges(b->net->spec, 0) || foreign_chain(b->net->nft, f->nfproto, chain, err) ||
	    foreign_list(b->net->nft, f->nfproto, chain, b->comment, &handles, &n, err) || n)
		return;
	if (accept_in(b, f, chain, 0, err))
		return;
	text = xasprintf(
		"the firewall changed: our bridges are accepted in chain '%s " FOREIGN_TABLE " %s'",
		f->name, chain);
	note(b, text);
}

static void on_settled(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct beside *b = timer->data;

	(void)loop;
	(void)revents;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct err err = { 0 };

		put_back(b, &families[i], &err);
		if (err.text[0])
			note(b, err.text);
	}
}

static void settle(struct beside *b)
{
	ev_timer_stop(b->net->loop, &b->settle);
	ev_timer_set(&b->settle, SETTLE_S, 0.);
	ev_timer_start(b->net->loop, &b->settle);
}

/* What one transaction has done, told in many messages, ends with that of a new generation. */
static void end_transaction(struct beside *b)
{
	if (b->remade || b->ours > 1 || (b->ours && b->others))
		settle(b);
	else if (b->ours)
		note(b,
		     "a rule that accepts our bridges was taken out of the firewall; it is not put back");
	b->ours = b->others = 0;
	b->remade = false;
}

static void take_deleted(struct beside *b, const struct nlmsghdr *m)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (r && !nftnl_rule_nlmsg_parse(m, r)) {
		if (foreign_is_ours(r, b->comment))
			b->ours++;
		else
			b->others++;
	}
	nftnl_rule_free(r);
}

static void take_chain(struct beside *b, const struct nlmsghdr *m)
{
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (c && !nftnl_chain_nlmsg_parse(m, c))
		b->remade |= !strcmp(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE), FOREIGN_TABLE);
	nftnl_chain_free(c);
}

static void take_event(struct beside *b, const struct nlmsghdr *m)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(m);
	bool theirs = head->nfgen_family == NFPROTO_IPV4 || head->nfgen_family == NFPROTO_IPV6;

	if (m->nlmsg_pid == b->own || NFNL_SUBSYS_ID(m->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
		return;
	switch (NFNL_MSG_TYPE(m->nlmsg_type)) {
	case NFT_MSG_NEWGEN:
		end_transaction(b);
		break;
	case NFT_MSG_DELRULE:
		if (theirs)
			take_deleted(b, m);
		break;
	case NFT_MSG_NEWCHAIN:
		if (theirs)
			take_chain(b, m);
		break;
	}
}

static void on_event(struct ev_loop *loop, struct ev_io *io, int revents)
{
	char data[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct beside *b = io->data;
	ssize_t n;

	(void)loop;
	(void)revents;
	while ((n = recv(io->fd, data, sizeof(data), MSG_DONTWAIT)) > 0 || errno == EINTR ||
	       errno == ENOBUFS) {
		int left = n > 0 ? (int)n : 0;

		/* Something was lost: look. */
		if (n < 0 && errno == ENOBUFS)
			settle(b);
		for (const struct nlmsghdr *m = (void *)data; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left))
			take_event(b, m);
	}
}

static void begin(struct beside *b)
{
	ev_io_init(&b->io, on_event, b->fd, EV_READ);
	b->io.data = b;
	ev_timer_init(&b->settle, on_settled, 0., 0.);
	b->settle.data = b;
	ev_io_start(b->net->loop, &b->io);
}

static int listen_to_changes(struct beside *b, struct err *err)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
				      .nl_groups = 1u << (NFNLGRP_NFTABLES - 1) },
			   own = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(own);

	b->fd = nl_socket(NETLINK_NETFILTER, err);
	if (b->fd < 0)
		return -1;
	/* The other one gets its address now, instead of at its first message. */
	if (bind(b->fd, (struct sockaddr *)&groups, sizeof(groups)) ||
	    bind(b->net->nft, (struct sockaddr *)&own, sizeof(own)) ||
	    getsockname(b->net->nft, (struct sockaddr *)&own, &len))
		return err_sys(err, errno, "netlink: listen to changes of the firewall");
	b->own = own.nl_pid;
	begin(b);
	return 0;
}

static struct beside *beside_new(struct net *n, net_event_fn *fn, void *arg)
{
	struct beside *b = xcalloc(1, sizeof(*b));

	*b = (struct beside){ .net = n, .fn = fn, .arg = arg, .fd = -1 };
	b->comment = xasprintf(LINK_OWNER "%s", n->spec->project);
	return b;
}

/* With what was told of a transaction that has not ended yet. */
void beside_carry(const struct beside *b, struct carry *to)
{
	carry_put_fd(to, "socket", b->fd);
	carry_put_num(to, "own", b->own);
	carry_put_num(to, "ours", b->ours);
	carry_put_num(to, "others", b->others);
	carry_put_num(to, "remade", b->remade);
	carry_put_num(to, "due", ev_is_active(&b->settle));
}

struct beside *beside_resume(struct net *n, struct carry *from, net_event_fn *fn, void *arg)
{
	int fd = carry_take_fd(from, "socket");
	struct beside *b;

	if (fd < 0)
		return NULL;
	b = beside_new(n, fn, arg);
	b->fd = fd;
	b->own = (uint32_t)carry_num(from, "own", 0);
	b->ours = (unsigned)carry_num(from, "ours", 0);
	b->others = (unsigned)carry_num(from, "others", 0);
	b->remade = carry_num(from, "remade", 0);
	begin(b);
	if (carry_num(from, "due", 0))
		settle(b);
	return b;
}

struct beside *beside_open(struct net *n, net_event_fn *fn, void *arg, struct err *err)
{
	struct beside *b = beside_new(n, fn, arg);

	if (!n->loop || !listen_to_changes(b, err))
		return b;
	beside_close(b);
	return NULL;
}

void beside_close(struct beside *b)
{
	if (!b)
		return;
	if (b->net->loop) {
		ev_io_stop(b->net->loop, &b->io);
		ev_timer_stop(b->net->loop, &b->settle);
	}
	cleanup_fd(&b->fd);
	free(b->comment);
	free(b);
}
