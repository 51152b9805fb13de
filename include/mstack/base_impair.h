/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base_impair: what a link does to the packets that go one way over it, in the words and units of tc(8) for netem. A part of the
 * door of base, because the stack file, the command line, the supervisor and the network say it to each other. Pure.
 *
 * A value is read with its unit: `20ms`, `1%`, `10mbit`; 0 needs none. Where tc takes a correlation behind a value, so does this:
 * `loss: "1% 25%"`, `jitter: "5ms 25%"`.
 */
#ifndef MSTACK_BASE_IMPAIR_H
#define MSTACK_BASE_IMPAIR_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

enum impair_key {
	IMPAIR_DELAY, IMPAIR_JITTER,	/* ns */
	IMPAIR_DISTRIBUTION,		/* of the jitter: enum impair_distribution */
	IMPAIR_LOSS, IMPAIR_CORRUPT, IMPAIR_DUPLICATE, IMPAIR_REORDER,	/* millionths of a percent */
	IMPAIR_RATE,			/* bits a second; 0: no limit */
	IMPAIR_LIMIT,			/* packets that wait at most; 0: chosen by what delay and rate need */
	IMPAIR_SEED,			/* of what is random; not given: another one each time */
	IMPAIR_KEYS,
};

/* Uniform is tc's own when it is told none: as likely anywhere from delay - jitter to delay + jitter. */
enum impair_distribution { IMPAIR_UNIFORM, IMPAIR_NORMAL };

#define IMPAIR_ALL 100000000u		/* 100 % */
#define IMPAIR_BIT(key) (1u << (key))

/* All zeros: nothing is done to anything. */
struct impair {
	unsigned given;			/* IMPAIR_BIT of each that was named, also when it is 0 */
	uint64_t value[IMPAIR_KEYS];
	uint32_t correlation[IMPAIR_KEYS];	/* with the one before; millionths of a percent */
};

/* Both ways over a link, seen from the service or from the first end of a wire: what leaves it, what comes to it. */
enum impair_way { IMPAIR_EGRESS, IMPAIR_INGRESS, IMPAIR_WAYS };
struct impair_ways { struct impair way[IMPAIR_WAYS]; };

/* The name of a key, as in files; the key of a name, or IMPAIR_KEYS. */
const char *impair_name(enum impair_key key);
enum impair_key impair_find(const char *name);
/* Takes a value over. 0, or -1 with what is wrong about it and how it is written. */
int impair_parse(enum impair_key key, const char *text, struct impair *im, struct err *err);
/* As impair_parse reads it: "20ms", "1% 25%", "1.5mbit". */
void impair_value_text(const struct impair *im, enum impair_key key, struct buf *out);
/* All that have an effect, as one types them: "delay=20ms loss=1%"; nothing: "". */
void impair_text(const struct impair *im, struct buf *out);
/* Every value that `over` was given replaces that of `im`. */
void impair_merge(struct impair *im, const struct impair *over);
/* What no link can do: jitter or reordering without a delay. 0, or -1 with the cure. */
int impair_check(const struct impair *im, struct err *err);
/* Does it do anything at all? */
bool impair_is_set(const struct impair *im);
/* Has a packet to be kept, changed or copied, which of all queues netem alone does? A correlation of losses needs it too. */
bool impair_key_needs_netem(enum impair_key key);
bool impair_needs_netem(const struct impair *im);

/* What of it a kernel can do. */
struct impair_facts {
	bool queues;	/* tbf, without which nothing is done */
	bool netem, seed;
	bool loss;	/* without netem: rules of nftables for devices, with random numbers */
};
/* 0: `im` can be done. -1: what of it cannot be, and the cure. */
int impair_possible(const struct impair_facts *f, const struct impair *im, struct err *err);

/* Nothing to be told apart by what is done to packets. */
bool impair_same(const struct impair *a, const struct impair *b);

#endif
