/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft: nf_tables transactions: tables, elements, looking up. Called by net.c, publish.c,
 * kinds.c and netprobe.c. Messages are framed by nl.c, their bodies written by libnftnl.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>

#include "net/nft.h"

/*
 * libnftnl writes without looking: an attribute of elements is 64 KiB at most, all else
 * far less.
 */
#define BODY_ROOM (80u << 10)

static void begin(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags,
		  uint8_t family, uint16_t res)
{
	struct nfgenmsg head = { .nfgen_family = family,
				 .version = NFNETLINK_V0,
				 .res_id = htons(res) };

	nl_begin(b, what, type, flags, &head, sizeof(head));
}

void nft_begin(struct nl_batch *b)
{
	begin(b, "begin", NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

/*
 * The answer to the last message comes when the transaction is done; the end itself is
 * never answered.
 */
void nft_end(struct nl_batch *b)
{
	nl_await(b);
	begin(b, "commit", NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

void nft_message_of(struct nl_batch *b, uint8_t family, const char *what, uint16_t type,
		    uint16_t flags)
{
	begin(b, what, NFNL_SUBSYS_NFTABLES << 8 | type, flags, family, 0);
}

void nft_message(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags)
{
	nft_message_of(b, NFPROTO_INET, what, type, flags);
}

const char *nft_table_name(const char *table)
{
	size_t len = strlen(NFT_NETDEV);

	return strncmp(table, NFT_NETDEV, len) ? table : table + len;
}

static uint8_t family_of(const char *table)
{
	return nft_table_name(table) == table ? NFPROTO_INET : NFPROTO_NETDEV;
}

void nft_put_table(struct nl_batch *b, const char *table, const char *comment)
{
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(NFTNL_UDATA_COMMENT_MAXLEN * 2);
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *m;
	char text[NFTNL_UDATA_COMMENT_MAXLEN];

	if (!data || !t)
		abort();
	snprintf(text, sizeof(text), "%s", comment);
	nftnl_udata_put_strz(data, NFTNL_UDATA_TABLE_COMMENT, text);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, nft_table_name(table));
	nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	nftnl_table_set_data(t, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(data),
			     nftnl_udata_buf_len(data));
	nft_message_of(b, family_of(table), "create table", NFT_MSG_NEWTABLE,
		       NLM_F_CREATE | NLM_F_EXCL);
	m = nl_message(b, BODY_ROOM);
	if (m) {
		nftnl_table_nlmsg_build_payload(m, t);
		nl_sync(b);
	}
	nftnl_table_free(t);
	nftnl_udata_buf_free(data);
}

void nft_put_free_table(struct nl_batch *b, const char *table, uint32_t flags)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *m;

	if (!t)
		abort();
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, table);
	nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
	nft_message(b, "create table", NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	m = nl_message(b, BODY_ROOM);
	if (m) {
		nftnl_table_nlmsg_build_payload(m, t);
		nl_sync(b);
	}
	nftnl_table_free(t);
}

void nft_put_delete(struct nl_batch *b, const char *table)
{
	nft_message_of(b, family_of(table), "delete table", NFT_MSG_DELTABLE, 0);
	nl_put_str(b, NFTA_TABLE_NAME, nft_table_name(table));
}

static struct nftnl_set_elem *make_elem(const struct nft_elem *e)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (!elem)
		abort();
	nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, e->key, e->key_len);
	if (e->ranges)
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY_END, e->key_end, e->key_len);
	if (e->data_len)
		nftnl_set_elem_set(elem, NFTNL_SET_ELEM_DATA, e->data, e->data_len);
	if (e->end)
		nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	if (e->accept)
		nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_VERDICT, NF_ACCEPT);
	return elem;
}

/* As many messages as it takes: an attribute ends at 64 KiB. */
void nft_put_elems(struct nl_batch *b, const char *table, const char *set,
		   const struct nft_elem *elems, size_t n, bool add)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_set_elems_iter *iter;
	struct nlmsghdr *m;
	int more = n > 0;

	if (!s)
		abort();
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(s, NFTNL_SET_NAME, set);
	for (size_t i = 0; i < n; i++)
		nftnl_set_elem_add(s, make_elem(&elems[i]));
	iter = nftnl_set_elems_iter_create(s);
	if (!iter)
		abort();
	while (more > 0) {
		nft_message(b, add ? "add elements" : "delete elements",
			    add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, add ? NLM_F_CREATE : 0);
		m = nl_message(b, BODY_ROOM);
		if (!m)
			break;
		more = nftnl_set_elems_nlmsg_build_payload_iter(m, iter);
		nl_sync(b);
	}
	nftnl_set_elems_iter_destroy(iter);
	nftnl_set_free(s);
}

/* What a search has found. */
struct search {
	bool found;
	char comment[NFTNL_UDATA_COMMENT_MAXLEN];
};

static int take_comment(const struct nftnl_udata *attr, void *arg)
{
	struct search *s = arg;

	if (nftnl_udata_type(attr) == NFTNL_UDATA_TABLE_COMMENT)
		snprintf(s->comment, sizeof(s->comment), "%.*s", (int)nftnl_udata_len(attr),
			 (const char *)nftnl_udata_get(attr));
	return 0;
}

static void take_table(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct search *s = arg;
	const void *data;
	uint32_t len = 0;

	(void)tag;
	if (t && !nftnl_table_nlmsg_parse(m, t)) {
		s->found = true;
		data = nftnl_table_get_data(t, NFTNL_TABLE_USERDATA, &len);
		if (data)
			nftnl_udata_parse(data, len, take_comment, s);
	}
	nftnl_table_free(t);
}

int nft_find(int fd, const char *table, char *ret_comment, size_t size, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct search s = { 0 };
	struct nl_sink sink = { .message = take_table, .arg = &s };

	nl_batch_init(&b);
	nft_message_of(&b, family_of(table), "look up table", NFT_MSG_GETTABLE, 0);
	nl_put_str(&b, NFTA_TABLE_NAME, nft_table_name(table));
	nl_tolerate(&b, ENOENT);
	if (nl_transact(fd, &b, &sink, err))
		return err_wrap(err, "nftables '%s'", table);
	if (!s.found)
		return 1;
	snprintf(ret_comment, size, "%s", s.comment);
	return 0;
}
