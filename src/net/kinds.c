/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinds: how the ledger finds and removes what this room has made. Called by ledger_undo,
 * in the supervisor, its guard or `mstack down`, so nothing here knows a running net: each
 * opens its own socket. Nothing that is not ours is touched.
 */
#include <errno.h>

#include "net/addr.h"
#include "net/beside.h"
#include "net/flows.h"
#include "net/hostsfile.h"
#include "net/lease.h"
#include "net/link.h"
#include "net/nft.h"

/* ---- links ----------------------------------------------------------------------------------- */

/*
 * The link that an item speaks of: 0 found, 1 not there (or another one since), -1 error.
 */
static int find_item(int fd, const struct ledger_item *item, struct link_info *ret, struct err *err)
{
	int rc = link_find(fd, item->key, ret, err);

	if (!rc && item->ident[0] && item->ident[0] != (uint64_t)ret->index)
		return 1;
	return rc;
}

static int link_same(const struct ledger_item *item)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct link_info l;
	int rc = fd < 0 ? -1 : find_item(fd, item, &l, NULL);

	if (rc > 0)
		return -1;
	/* Who cannot look lets destroy say why. */
	return rc < 0 || link_is_ours(&l);
}

static bool is_one_of(const struct link_info *l, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(l->name, names[i]))
			return link_is_ours(l);
	return false;
}

/* What leads to these links; none when it cannot be known. Caller frees. */
static struct ip_net *subnets_of(int fd, const char *const *names, size_t n, size_t *ret_n)
{
	_cleanup_free_ struct link_info *links = NULL;
	_cleanup_free_ struct addr_info *addrs = NULL;
	size_t n_links = 0, n_addrs = 0;
	struct ip_net *ret;

	*ret_n = 0;
	if (link_list(fd, &links, &n_links, NULL) || addr_list(fd, &addrs, &n_addrs, NULL))
		return NULL;
	ret = xcalloc(n_addrs + 1, sizeof(*ret));
	for (size_t i = 0; i < n_links; i++)
		for (size_t k = 0; is_one_of(&links[i], names, n) && k < n_addrs; k++)
			if (addrs[k].index == links[i].index)
				ret[(*ret_n)++] = addrs[k].net;
	return ret;
}

static int delete_link(int fd, int index, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	link_put_delete(&b, index);
	nl_tolerate(&b, ENODEV);
	return nl_transact(fd, &b, NULL, err);
}

static int link_destroy(const struct ledger_item *item, struct err *err)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, err);
	_cleanup_free_ struct ip_net *nets = NULL;
	struct link_info l;
	int rc = fd < 0 ? -1 : find_item(fd, item, &l, err);
	const char *const name = l.name;
	size_t n;

	if (rc)
		return rc;
	if (!link_is_ours(&l))
		return err_set(err, "link '%s': not ours, left alone", item->key);
	nets = subnets_of(fd, &name, 1, &n);
	rc = delete_link(fd, l.index, err);
	if (!rc)
		flows_forget_subnets(nets, n);
	return rc;
}

static int link_destroy_all(const struct ledger_item *const *items, size_t n, struct err *err)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, err);
	_cleanup_free_ const char **names = xcalloc(n, sizeof(*names));
	_cleanup_free_ struct ip_net *nets = NULL;
	size_t n_nets;
	int rc;

	for (size_t i = 0; i < n; i++)
		names[i] = items[i]->key;
	if (fd < 0)
		return -1;
	nets = subnets_of(fd, names, n, &n_nets);
	rc = link_delete_all(fd, names, n, err);
	if (!rc)
		flows_forget_subnets(nets, n_nets);
	return rc;
}

static const struct ledger_kind kind_bridge = {
	.name = "bridge",
	.same = link_same,
	.destroy = link_destroy,
	.destroy_all = link_destroy_all,
	.flags = LEDGER_HOST_WIDE,
};

static const struct ledger_kind kind_veth = {
	.name = "veth",
	.same = link_same,
	.destroy = link_destroy,
	.destroy_all = link_destroy_all,
	.flags = LEDGER_HOST_WIDE | LEDGER_DIES_WITH_PARENT,
};

/* The far ends of wires that lead out of the host. */
static const struct ledger_kind kind_macvlan = {
	.name = "macvlan",
	.same = link_same,
	.destroy = link_destroy,
	.destroy_all = link_destroy_all,
	.flags = LEDGER_HOST_WIDE,
};

static const struct ledger_kind kind_vxlan = {
	.name = "vxlan",
	.same = link_same,
	.destroy = link_destroy,
	.destroy_all = link_destroy_all,
	.flags = LEDGER_HOST_WIDE,
};

/* ---- the table ------------------------------------------------------------------------------- */

static int table_same(const struct ledger_item *item)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	char comment[128];
	int rc = fd < 0 ? -1 : nft_find(fd, item->key, comment, sizeof(comment), NULL);

	if (rc > 0)
		return -1;
	return rc < 0 || !strncmp(comment, LINK_OWNER, strlen(LINK_OWNER));
}

static int table_destroy(const struct ledger_item *item, struct err *err)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, err);
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct err why;

	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_delete(&b, item->key);
	nft_end(&b);
	if (fd < 0)
		return -1;
	if (!nl_transact(fd, &b, NULL, &why))
		return 0;
	if (why.sys == ENOENT)
		return 1;
	/* Owned by a supervisor that is on its way out: its end takes the table along. */
	if (why.sys == EPERM)
		return err_sys(err, EBUSY, "nftables table '%s': held by a running process",
			       item->key);
	*err = why;
	return err_wrap(err, "nftables table '%s'", item->key);
}

static const struct ledger_kind kind_table = {
	.name = "nft-table",
	.same = table_same,
	.destroy = table_destroy,
	.flags = LEDGER_HOST_WIDE,
};

/* ---- leases ---------------------------------------------------------------------------------- */

static int lease_same(const struct ledger_item *item)
{
	return lease_held(item->key) ? 1 : -1;
}

static int lease_destroy(const struct ledger_item *item, struct err *err)
{
	return lease_drop(item->key, err);
}

static const struct ledger_kind kind_lease = {
	.name = "lease",
	.same = lease_same,
	.destroy = lease_destroy,
	.flags = LEDGER_HOST_WIDE,
};

const struct ledger_kind *const net_ledger_kinds[] = {
	&kind_bridge, &kind_veth,  &kind_macvlan, &kind_vxlan,
	&kind_table,  &kind_lease, &beside_kind,  &hostsfile_kind,
	NULL,
};
