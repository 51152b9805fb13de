/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * impair: delay, loss, rate and the like of one way over a link, read and written as tc(8) does it. Called by the forms of the stack
 * file, by `mstack impair` and by the supervisor that it talks to. One table says what each value is; it must know no link.
 */
#include <stdio.h>

#include "base/number.h"

enum sort { SORT_TIME, SORT_PERCENT, SORT_RATE, SORT_COUNT, SORT_SEED, SORT_WORD };

static const struct row {
	const char *name;
	enum sort sort;
	bool correlates; /* a second percentage may follow */
	uint64_t max;
} rows[IMPAIR_KEYS] = {
	[IMPAIR_DELAY] = { "delay", SORT_TIME, false, UINT64_C(3600000000000) },
	[IMPAIR_JITTER] = { "jitter", SORT_TIME, true, UINT64_C(2000000000) },
	[IMPAIR_DISTRIBUTION] = { "distribution", SORT_WORD, false, IMPAIR_NORMAL },
	[IMPAIR_LOSS] = { "loss", SORT_PERCENT, true, IMPAIR_ALL },
	[IMPAIR_CORRUPT] = { "corrupt", SORT_PERCENT, true, IMPAIR_ALL },
	[IMPAIR_DUPLICATE] = { "duplicate", SORT_PERCENT, true, IMPAIR_ALL },
	[IMPAIR_REORDER] = { "reorder", SORT_PERCENT, true, IMPAIR_ALL },
	[IMPAIR_RATE] = { "rate", SORT_RATE, false, UINT64_C(1000000000000) },
	[IMPAIR_LIMIT] = { "limit", SORT_COUNT, false, 1000000 },
	[IMPAIR_SEED] = { "seed", SORT_SEED, false, INT64_MAX },
};

static const char *const distributions[] = {
	[IMPAIR_UNIFORM] = "uniform", [IMPAIR_NORMAL] = "normal"
};

struct unit {
	const char *name;
	uint64_t size;
};

/* What is printed comes first of each size, the largest one that divides. */
static const struct unit times[] = {
	{ "s", 1000000000 },	{ "ms", 1000000 },    { "us", 1000 },	 { "ns", 1 },
	{ "sec", 1000000000 },	{ "msec", 1000000 },  { "usec", 1000 },	 { "nsec", 1 },
	{ "secs", 1000000000 }, { "msecs", 1000000 }, { "usecs", 1000 }, { "nsecs", 1 },
};

static const struct unit rates[] = {
	{ "tbit", UINT64_C(1000000000000) },
	{ "gbit", 1000000000 },
	{ "mbit", 1000000 },
	{ "kbit", 1000 },
	{ "bit", 1 },
	{ "tibit", UINT64_C(1) << 40 },
	{ "gibit", UINT64_C(1) << 30 },
	{ "mibit", UINT64_C(1) << 20 },
	{ "kibit", UINT64_C(1) << 10 },
};

static const struct unit percents[] = { { "%", IMPAIR_ALL / 100 } };
static const struct unit ones[] = { { "", 1 } };

static const struct {
	const struct unit *units;
	size_t n;
	size_t printed; /* so many of them, from the first on */
	const char *example;
} sorts[] = {
	[SORT_TIME] = { times, ARRAY_LEN(times), 4, "20ms" },
	[SORT_PERCENT] = { percents, 1, 1, "1%" },
	[SORT_RATE] = { rates, ARRAY_LEN(rates), 5, "10mbit" },
	[SORT_COUNT] = { ones, 1, 1, "1000" },
	[SORT_SEED] = { ones, 1, 1, "42" },
	[SORT_WORD] = { NULL, 0, 0, "uniform or normal" },
};

const char *impair_name(enum impair_key key)
{
	return rows[key].name;
}

enum impair_key impair_find(const char *name)
{
	enum impair_key key = 0;

	while (key < IMPAIR_KEYS && strcmp(rows[key].name, name) != 0)
		key++;
	return key;
}

/* In the largest unit that it is at least one of, with the digits behind the point that it needs. */
static void put_value(struct buf *out, enum sort sort, uint64_t value)
{
	const struct unit *unit = &sorts[sort].units[sorts[sort].printed - 1];
	uint64_t rest, size;

	for (size_t i = 0; i < sorts[sort].printed; i++)
		if (value >= sorts[sort].units[i].size) {
			unit = &sorts[sort].units[i];
			break;
		}
	if (!value && sort != SORT_PERCENT) {
		buf_puts(out, "0");
		return;
	}
	buf_printf(out, "%llu", (unsigned long long)(value / unit->size));
	rest = value % unit->size;
	if (rest)
		buf_puts(out, ".");
	for (size = unit->size; rest; rest %= size) {
		size /= 10;
		buf_printf(out, "%llu", (unsigned long long)(rest / size));
	}
	buf_puts(out, unit->name);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The unit that stands from `s` to the next blank. 0 needs none. */
static const struct unit *take_unit(const char **s, enum sort sort, bool zero)
{
	size_t len = strcspn(*s, " \t");

	for (size_t i = 0; i < sorts[sort].n; i++)
		if (strlen(sorts[sort].units[i].name) == len &&
		    !strncasecmp(sorts[sort].units[i].name, *s, len)) {
			*s += len;
			return &sorts[sort].units[i];
		}
	return zero && !len ? &sorts[sort].units[0] : NULL;
}

/* One number with its unit; *s behind it, and behind the blanks that follow. */
static int take_value(const char **s, enum sort sort, uint64_t max, uint64_t *ret)
{
	const struct unit *unit;
	struct number n;
	int64_t value;

	if (number_parse(s, &n) < 0)
		return -1;
	unit = take_unit(s, sort, !n.whole && !n.fraction);
	if (!unit || number_scale(&n, (int64_t)unit->size, &value) < 0 || (uint64_t)value > max)
		return -1;
	/* Less than the smallest part, or a part of a whole packet: not what was written. */
	if ((!value && n.fraction) || (n.fraction && unit->size == 1))
		return -1;
	*s += strspn(*s, " \t");
	*ret = (uint64_t)value;
	return 0;
}

/* Bytes of tc's `bps` are the most common slip with rates: eight times what was meant, or an eighth. */
static const char *advice(enum sort sort, const char *text)
{
	size_t len = strlen(text);

	if (sort == SORT_RATE && len > 3 && !strcasecmp(text + len - 3, "bps"))
		return " (bps are bytes to tc)";
	return "";
}

static int take_word(const char *text, uint64_t *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(distributions); i++) {
		if (strcmp(distributions[i], text) != 0)
			continue;
		*ret = i;
		return 0;
	}
	return err_set(err, "'%.40s': write %s", text, sorts[SORT_WORD].example);
}

/* A correlation, or nothing. */
static int take_rest(const char *s, const struct row *row, uint64_t *ret)
{
	if (!*s)
		return 0;
	return row->correlates && !take_value(&s, SORT_PERCENT, IMPAIR_ALL, ret) && !*s ? 0 : -1;
}

static int refuse(const struct row *row, const char *text, struct err *err)
{
	_cleanup_(buf_fini) struct buf most = { 0 };

	put_value(&most, row->sort, row->max);
	return err_set(err, "'%.40s': write like %s%s, up to %s%s", text, sorts[row->sort].example,
		       row->correlates ? ", or with a correlation behind it" : "", buf_str(&most),
		       advice(row->sort, text));
}

int impair_parse(enum impair_key key, const char *text, struct impair *im, struct err *err)
{
	const struct row *row = &rows[key];
	uint64_t value = 0, correlation = 0;
	const char *s = text;

	if (row->sort == SORT_WORD) {
		if (take_word(text, &value, err))
			return -1;
	} else if (take_value(&s, row->sort, row->max, &value) || take_rest(s, row, &correlation)) {
		return refuse(row, text, err);
	}
	im->given |= IMPAIR_BIT(key);
	im->value[key] = value;
	im->correlation[key] = (uint32_t)correlation;
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

void impair_value_text(const struct impair *im, enum impair_key key, struct buf *out)
{
	if (rows[key].sort == SORT_WORD) {
		buf_puts(out, distributions[im->value[key]]);
		return;
	}
	put_value(out, rows[key].sort, im->value[key]);
	if (im->correlation[key]) {
		buf_puts(out, " ");
		put_value(out, SORT_PERCENT, im->correlation[key]);
	}
}

/* A word or a bound about something that is not done is no effect. */
static bool acts(const struct impair *im, enum impair_key key)
{
	if (key == IMPAIR_DISTRIBUTION)
		return im->value[key] && im->value[IMPAIR_JITTER];
	if (key == IMPAIR_SEED)
		return im->given & IMPAIR_BIT(key);
	return im->value[key];
}

void impair_text(const struct impair *im, struct buf *out)
{
	const char *before = "";

	for (enum impair_key key = 0; impair_is_set(im) && key < IMPAIR_KEYS; key++) {
		if (!acts(im, key))
			continue;
		buf_printf(out, "%s%s=", before, rows[key].name);
		impair_value_text(im, key, out);
		before = " ";
	}
}

/* ---- meaning --------------------------------------------------------------------------------- */

void impair_merge(struct impair *im, const struct impair *over)
{
	for (enum impair_key key = 0; key < IMPAIR_KEYS; key++) {
		if (!(over->given & IMPAIR_BIT(key)))
			continue;
		im->value[key] = over->value[key];
		im->correlation[key] = over->correlation[key];
	}
	im->given |= over->given;
}

int impair_check(const struct impair *im, struct err *err)
{
	static const enum impair_key delayed[] = { IMPAIR_JITTER, IMPAIR_REORDER };

	for (size_t i = 0; i < ARRAY_LEN(delayed); i++)
		if (im->value[delayed[i]] && !im->value[IMPAIR_DELAY])
			return err_set(err, "%s: needs a delay: write it beside",
				       rows[delayed[i]].name);
	return 0;
}

bool impair_key_needs_netem(enum impair_key key)
{
	return key == IMPAIR_DELAY || key == IMPAIR_JITTER || key == IMPAIR_CORRUPT ||
	       key == IMPAIR_DUPLICATE || key == IMPAIR_REORDER;
}

bool impair_needs_netem(const struct impair *im)
{
	for (enum impair_key key = 0; key < IMPAIR_KEYS; key++)
		if (im->value[key] && impair_key_needs_netem(key))
			return true;
	return im->correlation[IMPAIR_LOSS];
}

bool impair_is_set(const struct impair *im)
{
	return impair_needs_netem(im) || im->value[IMPAIR_LOSS] || im->value[IMPAIR_RATE];
}

bool impair_same(const struct impair *a, const struct impair *b)
{
	return !memcmp(a->value, b->value, sizeof(a->value)) &&
	       !memcmp(a->correlation, b->correlation, sizeof(a->correlation)) &&
	       !((a->given ^ b->given) & IMPAIR_BIT(IMPAIR_SEED));
}

int impair_possible(const struct impair_facts *f, const struct impair *im, struct err *err)
{
	if (!impair_is_set(im) || (f->queues && f->netem))
		return 0;
	if (!f->queues)
		return err_set(
			err,
			"this kernel has no tbf, which every impairment needs: modprobe -a sch_tbf sch_netem");
	for (enum impair_key key = 0; key < IMPAIR_KEYS; key++)
		if (im->value[key] && impair_key_needs_netem(key))
			return err_set(err, "%s: this kernel has no netem: modprobe sch_netem",
				       impair_name(key));
	if (im->correlation[IMPAIR_LOSS])
		return err_set(
			err,
			"loss: this kernel has no netem, which a correlation needs: modprobe sch_netem");
	if (im->value[IMPAIR_LOSS] && !f->loss)
		return err_set(
			err,
			"loss: this kernel has neither netem nor nftables' numgen for devices: modprobe sch_netem, "
			"or modprobe -a nf_tables nft_numgen");
	return 0;
}
