/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft: nf_tables messages: one transaction per batch, all of it or nothing. What the table
 * looks like is in ruleset.c.
 */
#ifndef NET_NFT_H
#define NET_NFT_H

#include <netinet/in.h>

#include "mstack/net.h"
#include "net/nl.h"

/*
 * One element of a set or map. Fields of a key stand padded to four bytes, in network
 * order.
 */
struct nft_elem {
	uint8_t key[40], key_end[40]; /* key_end: of a key with ranges, else not looked at */
	uint8_t data[20];
	uint8_t key_len, data_len;
	bool ranges;
	bool end;    /* the first key behind an interval */
	bool accept; /* of a verdict map */
};

void nft_begin(struct nl_batch *b);
void nft_end(struct nl_batch *b);
/* Begins one message of a transaction; for ruleset.c. */
void nft_message(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags);
/* The same for a table of another family than ours, which is inet. */
void nft_message_of(struct nl_batch *b, uint8_t family, const char *what, uint16_t type,
		    uint16_t flags);
/*
 * A table is called as nft calls it, FAMILY NAME; it is of the family inet when there is no word
 * before the name.
 */
#define NFT_NETDEV "netdev "
const char *nft_table_name(const char *table);

/*
 * With the owner flag: the table goes with the socket that sends this, and nobody else may
 * change it.
 */
void nft_put_table(struct nl_batch *b, const char *table, const char *comment);
/* One that goes with its network namespace. `flags`: those of nf_tables. */
void nft_put_free_table(struct nl_batch *b, const char *table, uint32_t flags);
void nft_put_delete(struct nl_batch *b, const char *table);
void nft_put_elems(struct nl_batch *b, const char *table, const char *set,
		   const struct nft_elem *elems, size_t n, bool add);
/* Sets, maps, chains and rules of a stack's table, without elements. */
void ruleset_put(struct nl_batch *b, const char *table);

/* 0 found (ret_comment: the table's comment, or ""), 1 not there, -1 error. */
int nft_find(int fd, const char *table, char *ret_comment, size_t size, struct err *err);

#endif
