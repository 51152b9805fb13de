/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * foreign: rules of ours in the chains of iptables-nft, the way iptables itself writes them: `iptables -S` lists them, and
 * `iptables -D` can remove them. A verdict of accept in our own table does not help where another one drops.
 */
#ifndef NET_FOREIGN_H
#define NET_FOREIGN_H

#include "net/nl.h"

#define FOREIGN_TABLE	  "filter"
#define FOREIGN_CHAIN_MAX 32

struct nftnl_rule;

/*
 * Where packets of containers must be accepted: 0 in ret_chain (DOCKER-USER when FORWARD leads there, else FORWARD), 1
 * nowhere, because no chain FORWARD drops by its policy; -1 error. `family` is NFPROTO_IPV4 or NFPROTO_IPV6.
 */
int foreign_chain(int fd, uint8_t family, char ret_chain[FOREIGN_CHAIN_MAX], struct err *err);

/* What is forwarded from, and to, this link is accepted. In front of all other rules. */
void foreign_put_accept(struct nl_batch *b, uint8_t family, const char *chain, const char *ifname,
			const char *comment);

/* Handles of the rules in a chain that bear this comment; also when there is no such chain. The caller frees *ret. */
int foreign_list(int fd, uint8_t family, const char *chain, const char *comment, uint64_t **ret,
		 size_t *ret_n, struct err *err);
void foreign_put_delete(struct nl_batch *b, uint8_t family, const char *chain, uint64_t handle);

/* Does it bear this comment? */
bool foreign_is_ours(const struct nftnl_rule *r, const char *comment);

/*
 * Other chains that drop what is forwarded by their policy: `tell` gets "ip TABLE CHAIN" of each. Tables whose name begins
 * with `except` are not looked at.
 */
int foreign_droppers(int fd, const char *except, void (*tell)(void *arg, const char *chain),
		     void *arg, struct err *err);

#endif
