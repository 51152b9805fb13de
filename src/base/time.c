/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * time: clocks and stamps. Called for every log line, so the calendar is computed here: gmtime_r(3)
 * takes a lock and looks at the time zone each time. Only the first three functions read a clock.
 */
#include <stdio.h>
#include <time.h>

#include "mstack/base.h"

#define NS_PER_S 1000000000ull
#define DAY_S	 86400
/* Days of 400 years, after which the calendar repeats; and from 0000-03-01 to 1970-01-01. */
#define ERA_DAYS   146097
#define EPOCH_DAYS 719468
#define LAST_YEAR  2553 /* the last whole one that 64 bits of nanoseconds since 1970 hold */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t time_mono_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000000;
}

uint64_t time_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t time_wall_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

/* ---- the calendar: years begin in March, so that the leap day is the last of its year -------- */

struct date {
	unsigned year, month, day;
};

/* Days before month m of such a year, m = 0 for March: 31 30 31 30 31 twice, then 31, rest. */
static unsigned days_before_month(unsigned m)
{
	return (153 * m + 2) / 5;
}

static struct date date_of_days(uint64_t days_since_1970)
{
	uint64_t days = days_since_1970 + EPOCH_DAYS;
	unsigned in_era = (unsigned)(days % ERA_DAYS);
	unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / (ERA_DAYS - 1)) / 365;
	unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
	unsigned m = (5 * in_year + 2) / 153;

	return (struct date){
		.year = (unsigned)(days / ERA_DAYS) * 400 + year + (m >= 10),
		.month = m < 10 ? m + 3 : m - 9,
		.day = in_year - days_before_month(m) + 1,
	};
}

static int64_t days_of_date(const struct date *d)
{
	unsigned year = d->year - (d->month <= 2), in_era = year % 400;
	unsigned m = d->month > 2 ? d->month - 3 : d->month + 9;

	return (int64_t)(year / 400) * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 +
	       days_before_month(m) + d->day - 1 - EPOCH_DAYS;
}

/* ---- stamps ---------------------------------------------------------------------------------- */

/* `width` digits and the sign behind them. */
static char *put_digits(char *to, unsigned value, int width, char after)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		to[i] = (char)('0' + value % 10);
	to[width] = after;
	return to + width + 1;
}

size_t time_stamp(uint64_t wall_ns, char ret[TIME_STAMP_SIZE])
{
	uint64_t s = wall_ns / NS_PER_S;
	unsigned in_day = (unsigned)(s % DAY_S);
	struct date d = date_of_days(s / DAY_S);
	char *p = ret;

	p = put_digits(p, d.year, 4, '-');
	p = put_digits(p, d.month, 2, '-');
	p = put_digits(p, d.day, 2, 'T');
	p = put_digits(p, in_day / 3600, 2, ':');
	p = put_digits(p, in_day / 60 % 60, 2, ':');
	p = put_digits(p, in_day % 60, 2, '.');
	p = put_digits(p, (unsigned)(wall_ns % NS_PER_S), 9, 'Z');
	*p = '\0';
	return (size_t)(p - ret);
}

/* `width` digits with a value of at most `max`, then `after` if it is not 0. */
static bool get_digits(const char **s, int width, unsigned max, char after, unsigned *ret)
{
	unsigned value = 0;

	for (; width; width--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		value = value * 10 + (unsigned)(**s - '0');
	}
	if (value > max || (after && *(*s)++ != after))
		return false;
	*ret = value;
	return true;
}

static bool get_date(const char **s, struct date *d)
{
	return get_digits(s, 4, LAST_YEAR, '-', &d->year) && get_digits(s, 2, 12, '-', &d->month) &&
	       get_digits(s, 2, 31, 'T', &d->day) && d->month && d->day;
}

/* Digits behind the ninth are read over. */
static bool get_fraction(const char **s, uint64_t *ret_ns)
{
	uint64_t unit = NS_PER_S;

	*ret_ns = 0;
	if (**s != '.')
		return true;
	for ((*s)++; **s >= '0' && **s <= '9'; (*s)++) {
		unit /= 10;
		*ret_ns += unit * (uint64_t)(**s - '0');
	}
	return (*s)[-1] != '.';
}

static bool get_offset(const char **s, int *ret_s)
{
	int sign = **s == '-' ? -1 : 1;
	unsigned h, m;

	if (**s == 'Z') {
		(*s)++;
		*ret_s = 0;
		return true;
	}
	if (**s != '+' && **s != '-')
		return false;
	(*s)++;
	if (!get_digits(s, 2, 23, ':', &h) || !get_digits(s, 2, 59, 0, &m))
		return false;
	*ret_s = sign * (int)(h * 3600 + m * 60);
	return true;
}

int time_parse_stamp(const char *s, uint64_t *ret_wall_ns)
{
	struct date d, back;
	unsigned hour, minute, second;
	uint64_t fraction;
	int64_t days, total;
	int offset;

	/* 60 is a leap second (RFC 3339, 5.6): as in time(2) the first one of the next minute. */
	if (!get_date(&s, &d) || !get_digits(&s, 2, 23, ':', &hour) ||
	    !get_digits(&s, 2, 59, ':', &minute) || !get_digits(&s, 2, 60, 0, &second) ||
	    !get_fraction(&s, &fraction) || !get_offset(&s, &offset) || *s)
		return -1;
	days = days_of_date(&d);
	total = days * DAY_S + hour * 3600 + minute * 60 + second - offset;
	if (days < 0 || total < 0)
		return -1;
	/* The 31st of a month that has none comes back as another day. */
	back = date_of_days((uint64_t)days);
	if (back.day != d.day)
		return -1;
	*ret_wall_ns = (uint64_t)total * NS_PER_S + fraction;
	return 0;
}
