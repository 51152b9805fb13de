/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qdisc: netem and tbf by rtnetlink. Called by impairing.c. The put functions touch no socket. Why there are two queues, one in
 * the other, stands in the header; see tc-netem(8), tc-tbf(8).
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "net/qdisc.h"

/* Linux 6.6; older headers lack it, and older kernels read over it. */
#define NETEM_PRNG_SEED 14

enum {
	OUTER = 0x4d530000,
	INNER = 0x4d540000,
	DIST_SIZE = 4096,		/* as many as tc's own tables have */
	DIST_SCALE = 8192,		/* one standard deviation, or the whole jitter */
	LINK_HEADER = ETH_HLEN + 2 * 4, /* with two VLAN tags */
	LIMIT_LEAST = 1000,
	LIMIT_MOST = 100000,
	BURST_MS = 4, /* a rate is kept over this time */
	WAIT_MS = 50, /* what a rate makes wait longer is dropped */
};

/* Faster than any link of ours: such a queue never waits. */
#define UNBOUND UINT64_C(12500000000)

static size_t begin(struct nl_batch *b, int index, uint32_t parent, uint32_t handle,
		    const char *kind)
{
	struct tcmsg head = { .tcm_family = AF_UNSPEC,
			      .tcm_ifindex = index,
			      .tcm_parent = parent,
			      .tcm_handle = handle };

	nl_begin(b, "set queue", RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	nl_put_str(b, TCA_KIND, kind);
	return nl_nest(b, TCA_OPTIONS);
}

/* ---- tbf ------------------------------------------------------------------------------------- */

/* Bytes; the kernel reckons ticks of 64 ns for itself when it is told the burst so. */
struct bucket {
	uint64_t rate;
	uint32_t burst, limit;
};

static void put_bucket(struct nl_batch *b, const struct bucket *t)
{
	/* With a link layer that it knows the kernel wants no table of what packets cost. */
	struct tc_tbf_qopt opt = { .limit = t->limit };

	opt.rate.linklayer = TC_LINKLAYER_ETHERNET;
	opt.rate.rate = t->rate > UINT32_MAX ? UINT32_MAX : (uint32_t)t->rate;
	nl_put(b, TCA_TBF_PARMS, &opt, sizeof(opt));
	nl_put(b, TCA_TBF_RATE64, &t->rate, sizeof(t->rate));
	nl_put_u32(b, TCA_TBF_BURST, t->burst);
}

void qdisc_put_frames(struct nl_batch *b, int index, unsigned mtu)
{
	/* What is longer than one frame is taken apart. */
	struct bucket t = { .rate = UNBOUND, .burst = mtu + LINK_HEADER, .limit = 1u << 20 };
	size_t options = begin(b, index, TC_H_ROOT, OUTER, "tbf");

	put_bucket(b, &t);
	nl_nest_end(b, options);
}

static uint32_t bytes_of(uint64_t rate, unsigned ms, uint32_t least)
{
	uint64_t bytes = rate * ms / 1000;

	return bytes < least ? least : bytes > 1u << 30 ? 1u << 30 : (uint32_t)bytes;
}

void qdisc_put_rate(struct nl_batch *b, int index, unsigned mtu, const struct impair *im)
{
	uint64_t rate = im->value[IMPAIR_RATE] ? im->value[IMPAIR_RATE] / 8 : UNBOUND;
	uint32_t frame = mtu + LINK_HEADER;
	size_t options = begin(b, index, OUTER | 1, INNER, "tbf");
	struct bucket t = { .rate = rate ? rate : 1, .burst = bytes_of(rate, BURST_MS, 2 * frame) };

	t.limit = bytes_of(rate, WAIT_MS, 32 * frame);
	if (im->value[IMPAIR_LIMIT])
		t.limit = bytes_of(im->value[IMPAIR_LIMIT] * frame, 1000, frame);
	put_bucket(b, &t);
	nl_nest_end(b, options);
}

/* ---- netem ----------------------------------------------------------------------------------- */

/* Of the whole of 32 bits, as tc rounds it. */
static uint32_t share(uint64_t millionths)
{
	return (uint32_t)((millionths * UINT32_MAX + IMPAIR_ALL / 2) / IMPAIR_ALL);
}

static uint32_t ticks(uint64_t ns)
{
	return ns >> 6 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns >> 6);
}

/*
 * The kernel's own table, which is none, gives what the uniform one here gives; but one that was given it keeps, so both are
 * sent. The normal one: walks up from the middle and writes down where each share of the area ends. The
 * density falls from step to step by a ratio that itself falls by exp(-h^2).
 */
static void fill_normal(int16_t table[DIST_SIZE])
{
	const double h = 1.0 / 4096, root_two_pi = 2.5066282746310002;
	const double fall = 1 - h * h + h * h * h * h / 2;
	double density = 1 / root_two_pi, ratio = 1 - h * h / 2 + h * h * h * h / 8;
	double area = 0, x = 0;

	for (size_t i = 0; i < DIST_SIZE / 2; i++) {
		while (area < (i + 0.5) / DIST_SIZE) {
			double next = density * ratio;

			area += (density + next) / 2 * h;
			density = next;
			ratio *= fall;
			x += h;
		}
		table[DIST_SIZE / 2 + i] = (int16_t)(x * DIST_SCALE + 0.5);
		table[DIST_SIZE / 2 - 1 - i] = (int16_t)-table[DIST_SIZE / 2 + i];
	}
}

static void fill_uniform(int16_t table[DIST_SIZE])
{
	for (int i = 0; i < DIST_SIZE; i++)
		table[i] = (int16_t)((2 * i + 1 - DIST_SIZE) * DIST_SCALE / DIST_SIZE);
}

static void put_distribution(struct nl_batch *b, const struct impair *im)
{
	int16_t table[DIST_SIZE];

	if (im->value[IMPAIR_DISTRIBUTION] == IMPAIR_NORMAL)
		fill_normal(table);
	else
		fill_uniform(table);
	nl_put(b, TCA_NETEM_DELAY_DIST, table, sizeof(table));
}

/*
 * A queue of a thousand packets, which tc gives, is 300 Mbit/s at 40 ms, and what is more is lost: so there is room for
 * what is under way beside it. Without a rate, for a million packets a second.
 */
uint32_t qdisc_limit(const struct impair *im)
{
	uint64_t ns = im->value[IMPAIR_DELAY] + im->value[IMPAIR_JITTER];
	uint64_t rate = im->value[IMPAIR_RATE], packets = rate ? rate / (8 * 1500) + 1 : 1000000;
	uint64_t limit = LIMIT_LEAST + packets * (ns / 1000) / 1000000;

	if (im->value[IMPAIR_LIMIT])
		return (uint32_t)im->value[IMPAIR_LIMIT];
	return limit > LIMIT_MOST ? LIMIT_MOST : (uint32_t)limit;
}

static void put_rate(struct nl_batch *b, const struct impair *im)
{
	uint64_t rate = im->value[IMPAIR_RATE] / 8;
	struct tc_netem_rate opt = { .rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate };

	nl_put(b, TCA_NETEM_RATE64, &rate, sizeof(rate));
	nl_put(b, TCA_NETEM_RATE, &opt, sizeof(opt));
}

/* The plain numbers, with which the options begin. */
static void put_head(struct nl_batch *b, const struct impair *im)
{
	struct tc_netem_qopt opt = {
		.latency = ticks(im->value[IMPAIR_DELAY]),
		.limit = qdisc_limit(im),
		.loss = share(im->value[IMPAIR_LOSS]),
		/* Each packet may be the one that goes ahead. */
		.gap = im->value[IMPAIR_REORDER] ? 1 : 0,
		.duplicate = share(im->value[IMPAIR_DUPLICATE]),
		.jitter = ticks(im->value[IMPAIR_JITTER]),
	};

	/* They stand bare within the attribute, in front of others. */
	if (!nl_message(b, sizeof(opt)))
		return;
	memcpy(mnl_nlmsg_put_extra_header(nl_message(b, 0), sizeof(opt)), &opt, sizeof(opt));
	nl_sync(b);
}

void qdisc_put_netem(struct nl_batch *b, int index, const struct impair *im)
{
	const uint32_t *correlation = im->correlation;
	struct tc_netem_corr corr = { share(correlation[IMPAIR_JITTER]),
				      share(correlation[IMPAIR_LOSS]),
				      share(correlation[IMPAIR_DUPLICATE]) };
	struct tc_netem_reorder reorder = { share(im->value[IMPAIR_REORDER]),
					    share(correlation[IMPAIR_REORDER]) };
	struct tc_netem_corrupt corrupt = { share(im->value[IMPAIR_CORRUPT]),
					    share(correlation[IMPAIR_CORRUPT]) };
	size_t options = begin(b, index, OUTER | 1, INNER, "netem");

	put_head(b, im);
	nl_put(b, TCA_NETEM_LATENCY64, &im->value[IMPAIR_DELAY], sizeof(uint64_t));
	nl_put(b, TCA_NETEM_JITTER64, &im->value[IMPAIR_JITTER], sizeof(uint64_t));
	nl_put(b, TCA_NETEM_CORR, &corr, sizeof(corr));
	nl_put(b, TCA_NETEM_REORDER, &reorder, sizeof(reorder));
	nl_put(b, TCA_NETEM_CORRUPT, &corrupt, sizeof(corrupt));
	put_rate(b, im);
	if (im->value[IMPAIR_JITTER])
		put_distribution(b, im);
	if (im->given & IMPAIR_BIT(IMPAIR_SEED))
		nl_put(b, NETEM_PRNG_SEED, &im->value[IMPAIR_SEED], sizeof(uint64_t));
	nl_nest_end(b, options);
}

/* ---- the others ------------------------------------------------------------------------------ */

void qdisc_put_delete(struct nl_batch *b, int index)
{
	struct tcmsg head = { .tcm_family = AF_UNSPEC,
			      .tcm_ifindex = index,
			      .tcm_parent = TC_H_ROOT,
			      .tcm_handle = OUTER };

	nl_begin(b, "remove queue", RTM_DELQDISC, 0, &head, sizeof(head));
	/* There is another one, or the one that the kernel gives to who has none. */
	nl_tolerate(b, EINVAL);
}

void qdisc_put_list(struct nl_batch *b, int index)
{
	struct tcmsg head = { .tcm_family = AF_UNSPEC, .tcm_ifindex = index };

	nl_begin(b, "list queues", RTM_GETQDISC, NLM_F_DUMP, &head, sizeof(head));
}

int qdisc_has_seed(const struct nlmsghdr *m)
{
	const size_t plain = MNL_ALIGN(sizeof(struct tc_netem_qopt));
	const struct nlattr *attr, *options = NULL;
	bool netem = false;

	if (m->nlmsg_type != RTM_NEWQDISC)
		return -1;
	mnl_attr_for_each(attr, m, sizeof(struct tcmsg))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND)
			netem = !strcmp(mnl_attr_get_str(attr), "netem");
		else if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			options = attr;
	}
	if (!netem)
		return -1;
	if (!options || mnl_attr_get_payload_len(options) < plain)
		return 0;
	mnl_attr_for_each_payload((void *)((char *)mnl_attr_get_payload(options) + plain),
				  mnl_attr_get_payload_len(options) - plain)
	{
		if (mnl_attr_get_type(attr) == NETEM_PRNG_SEED)
			return 1;
	}
	return 0;
}
