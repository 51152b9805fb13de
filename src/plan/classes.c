/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * classes: what a change of a key of a service costs, as a table. Read by difference.c. A key that is not here makes the
 * container anew: so nothing is ever taken for a trifle by mistake.
 */
#include "mstack/plan_diff.h"

/* clang-format off */
static const struct row {
	const char *key;	/* and all below it */
	enum plan_class how;
} rows[] = {
	/* Who knocks knows what it asked. */
	{ "healthcheck.x-probe", PLAN_RESTART },
	{ "annotations", PLAN_LIVE }, { "attach", PLAN_LIVE }, { "blkio_config", PLAN_LIVE }, { "build", PLAN_LIVE },
	{ "container_name", PLAN_LIVE }, { "cpu_quota", PLAN_LIVE }, { "cpu_period", PLAN_LIVE }, { "cpu_shares", PLAN_LIVE },
	{ "cpus", PLAN_LIVE }, { "cpuset", PLAN_LIVE }, { "depends_on", PLAN_LIVE }, { "deploy", PLAN_LIVE },
	{ "develop", PLAN_LIVE }, { "expose", PLAN_LIVE }, { "healthcheck", PLAN_LIVE }, { "labels", PLAN_LIVE },
	{ "logging.options.max-file", PLAN_LIVE }, { "logging.options.max-size", PLAN_LIVE },
	{ "mem_limit", PLAN_LIVE }, { "mem_reservation", PLAN_LIVE },
	{ "memswap_limit", PLAN_LIVE }, { "networks.*.aliases", PLAN_LIVE }, { "networks.*.priority", PLAN_LIVE },
	{ "networks.*.x-impair", PLAN_LIVE }, { "pids_limit", PLAN_LIVE }, { "ports", PLAN_LIVE }, { "post_start", PLAN_LIVE }, { "pre_stop", PLAN_LIVE },
	{ "profiles", PLAN_LIVE }, { "pull_policy", PLAN_LIVE }, { "restart", PLAN_LIVE }, { "scale", PLAN_LIVE },
	{ "stop_grace_period", PLAN_LIVE }, { "stop_signal", PLAN_LIVE },
	{ "cap_add", PLAN_RESTART }, { "cap_drop", PLAN_RESTART }, { "command", PLAN_RESTART }, { "dns", PLAN_RESTART },
	{ "dns_opt", PLAN_RESTART }, { "dns_search", PLAN_RESTART }, { "domainname", PLAN_RESTART },
	{ "entrypoint", PLAN_RESTART }, { "env_file", PLAN_RESTART }, { "environment", PLAN_RESTART },
	{ "extra_hosts", PLAN_RESTART }, { "group_add", PLAN_RESTART }, { "hostname", PLAN_RESTART }, { "init", PLAN_RESTART },
	{ "links", PLAN_RESTART }, { "oom_score_adj", PLAN_RESTART }, { "read_only", PLAN_RESTART },
	{ "security_opt", PLAN_RESTART }, { "shm_size", PLAN_RESTART }, { "ulimits", PLAN_RESTART },
	{ "working_dir", PLAN_RESTART },
};
/* clang-format on */

/* A `*` of the row stands for one word of the key. */
static bool covers(const char *row, const char *key)
{
	while (*row) {
		if (*row == '*') {
			key += strcspn(key, ".[");
			row++;
		} else if (*row++ != *key++) {
			return false;
		}
	}
	return !*key || *key == '.' || *key == '[';
}

enum plan_class plan_class_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (covers(rows[i].key, key))
			return rows[i].how;
	/* Words of others are none that we act on. */
	return !strncmp(key, "x-", 2) && strncmp(key, "x-rootfs", 8) != 0 ? PLAN_LIVE
									  : PLAN_RECREATE;
}

const char *plan_class_name(enum plan_class how)
{
	static const char *const names[PLAN_CLASSES] = { "same", "live", "restart", "recreate" };

	return names[how];
}
