/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meter: see meter.h. Called by stats.
 */
#include <stdio.h>

#include "cli/meter.h"

#define UNKNOWN "--"

static void scale(uint64_t bytes, double step, const char *const *units, int digits, char *ret,
		  size_t size)
{
	double value = (double)bytes;

	for (; value >= step && units[1]; units++)
		value /= step;
	snprintf(ret, size, "%.*g%s", digits, value, *units);
}

void cli_meter_binary(uint64_t bytes, char *ret, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", NULL };

	scale(bytes, 1024, units, 4, ret, size);
}

void cli_meter_decimal(uint64_t bytes, char *ret, size_t size)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", NULL };

	scale(bytes, 1000, units, 3, ret, size);
}

static json_t *both(uint64_t first, uint64_t second, void (*say)(uint64_t, char *, size_t))
{
	char one[24], two[24];

	say(first, one, sizeof(one));
	say(second, two, sizeof(two));
	return json_sprintf("%s / %s", one, two);
}

static json_t *percent(double share)
{
	return json_sprintf("%.2f%%", share * 100);
}

static json_t *number(bool known, uint64_t value)
{
	return known ? json_integer((json_int_t)value) : json_null();
}

static void show_cpu(json_t *row, const struct cli_meter *before, const struct cli_meter *now)
{
	double share = 0;

	if (before && now->at_ns > before->at_ns && now->cpu_us >= before->cpu_us)
		share = (double)(now->cpu_us - before->cpu_us) * 1000 /
			(double)(now->at_ns - before->at_ns);
	json_object_set_new(row, "CPUPerc", before ? percent(share) : json_string(UNKNOWN));
}

static void show_memory(json_t *row, const struct box_usage *u)
{
	bool known = u && !(u->missing & BOX_WANT_MEMORY);

	json_object_set_new(row, "MemUsage",
			    known ? both(u->memory, u->memory_max, cli_meter_binary)
				  : json_string(UNKNOWN " / " UNKNOWN));
	json_object_set_new(row, "MemPerc",
			    known && u->memory_max
				    ? percent((double)u->memory / (double)u->memory_max)
				    : json_string(UNKNOWN));
	json_object_set_new(row, "MemBytes", number(known, known ? u->memory : 0));
	json_object_set_new(row, "MemLimitBytes", number(known, known ? u->memory_max : 0));
}

static void show_pair(json_t *row, const char *key, const char *in, const char *out, bool known,
		      uint64_t first, uint64_t second)
{
	json_object_set_new(row, key,
			    known ? both(first, second, cli_meter_decimal)
				  : json_string(UNKNOWN " / " UNKNOWN));
	json_object_set_new(row, in, number(known, first));
	json_object_set_new(row, out, number(known, second));
}

void cli_meter_show(json_t *row, const struct box_usage *usage, const struct cli_meter *before,
		    const struct cli_meter *now)
{
	static const struct box_usage none = { 0 };
	const struct box_usage *u = usage ? usage : &none;
	bool tasks = usage && !(u->missing & BOX_WANT_PIDS);

	show_cpu(row, usage ? before : NULL, now);
	show_memory(row, usage);
	show_pair(row, "NetIO", "NetRxBytes", "NetTxBytes", usage && u->net, u->received, u->sent);
	show_pair(row, "BlockIO", "BlockReadBytes", "BlockWriteBytes",
		  usage && !(u->missing & BOX_WANT_IO), u->read, u->written);
	json_object_set_new(row, "PIDs",
			    tasks ? json_sprintf("%llu", (unsigned long long)u->tasks)
				  : json_string(UNKNOWN));
	json_object_set_new(row, "Tasks", number(tasks, u->tasks));
	json_object_set_new(row, "CPUUsec", number(usage, u->cpu_us));
}
