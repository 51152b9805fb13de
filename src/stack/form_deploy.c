/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_deploy: how a service is spread over a cluster, and what each of its containers may use. Only the limits and
 * the number of containers mean something on one host. Called through the table of service keys.
 */
#include "stack/attributes.h"
#include "stack/keys.h"

#define RATIO_MAX 1000 /* thousandths: all tasks */

/* ---- words ----------------------------------------------------------------------------------- */

/*
 * compose looks at none of the words of clusters, and a cluster refuses wrong ones when it is too late to
 * see where they stand: so they are looked at here.
 */
static FORM(form_mode)
{
	static const char *const words[] = { "replicated", "global", "replicated-job",
					     "global-job" };

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

static FORM(form_endpoint_mode)
{
	static const char *const words[] = { "vip", "dnsrr" };

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

/* The words of the specification, and those of `restart` which docker compose takes as well. */
static FORM(form_condition)
{
	static const char *const words[] = { "none", "on-failure", "any",
					     "no",   "always",	   "unless-stopped" };

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

static FORM(form_after_update)
{
	static const char *const words[] = { "continue", "pause", "rollback" };

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

/* A rollback that fails cannot be rolled back. */
static FORM(form_after_rollback)
{
	static const char *const words[] = { "continue", "pause" };

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

static FORM(form_order)
{
	static const char *const words[] = { "stop-first", "start-first" };

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Thousandths would be too coarse for a cluster of thousands: the text stays as it is. */
static FORM(form_ratio)
{
	struct node *out = form_number(r, w, n);

	if (out && out->number > RATIO_MAX)
		reader_error(r, w, n->pos, NULL, "'%.40s' is not a part of all: write 0 to 1",
			     n->text);
	if (out)
		out->text = n->text;
	return out;
}

/* ---- the tables ------------------------------------------------------------------------------ */

/* clang-format off */
static const struct key update_rows[] = {
	DONE("delay", STR, AS(form_duration)),
	DONE("failure_action", STR, AS(form_after_update)),
	DONE("max_failure_ratio", NUM | STR, AS(form_ratio)),
	DONE("monitor", STR, AS(form_duration)),
	DONE("order", STR, AS(form_order)),
	DONE("parallelism", NUM | STR, AS(form_count)),
};
static const struct key_table update_keys = TABLE(update_rows);

static const struct key rollback_rows[] = {
	DONE("delay", STR, AS(form_duration)),
	DONE("failure_action", STR, AS(form_after_rollback)),
	DONE("max_failure_ratio", NUM | STR, AS(form_ratio)),
	DONE("monitor", STR, AS(form_duration)),
	DONE("order", STR, AS(form_order)),
	DONE("parallelism", NUM | STR, AS(form_count)),
};
static const struct key_table rollback_keys = TABLE(rollback_rows);

/* In place of `restart`. */
static const struct key restart_rows[] = {
	DONE("condition", STR, AS(form_condition)),
	DONE("delay", STR, AS(form_duration)),
	DONE("max_attempts", NUM | STR, AS(form_count)),
	DONE("window", STR, AS(form_duration)),
};
static const struct key_table restart_keys = TABLE(restart_rows);

static const struct key preference_rows[] = {
	DONE("spread", STR, AS(form_text)),
};
static const struct key_table preference_keys = TABLE(preference_rows);

static const struct key placement_rows[] = {
	DONE("constraints", LST, AS(form_strings)),
	DONE("max_replicas_per_node", NUM | STR, AS(form_count)),
	DONE("preferences", LST, BELOW(preference_keys)),
};
static const struct key_table placement_keys = TABLE(placement_rows);

/* The same limits as `cpus`, `mem_limit` and `pids_limit`; memory is text only, as in the specification's schema. */
static const struct key limit_rows[] = {
	DONE("cpus", NUM | STR, AS(form_cpus)),
	DONE("memory", STR, AS(form_bytes)),
	DONE("pids", NUM | STR, AS(form_pids)),
};
static const struct key_table limit_keys = TABLE(limit_rows);

static const struct key discrete_rows[] = {
	DONE("kind", STR, AS(form_text)),
	DONE("value", NUM | STR, AS(form_count)),
};
static const struct key_table discrete_keys = TABLE(discrete_rows);

static const struct key generic_rows[] = {
	DONE("discrete_resource_spec", MAP, BELOW(discrete_keys)),
};
static const struct key_table generic_keys = TABLE(generic_rows);

/* A cluster looks for a host that has so much to spare; memory is also kept for the container on that host. */
static const struct key reservation_rows[] = {
	WARN("cpus", NUM | STR, CLUSTER, AS(form_cpus)),
	REFUSE("devices", LST, "there are no drivers for GPUs here", AS(form_device_requests), BELOW(gpu_keys)),
	WARN("generic_resources", LST, CLUSTER, BELOW(generic_keys)),
	DONE("memory", STR, AS(form_bytes)),
};
static const struct key_table reservation_keys = TABLE(reservation_rows);

static const struct key resource_rows[] = {
	DONE("limits", MAP, BELOW(limit_keys)),
	DONE("reservations", MAP, BELOW(reservation_keys)),
};
static const struct key_table resource_keys = TABLE(resource_rows);

static const struct key deploy_rows[] = {
	WARN("endpoint_mode", STR, CLUSTER, AS(form_endpoint_mode)),
	WARN("labels", MAP | LST, CLUSTER, AS(form_pairs), MERGES(PAIRS)),
	WARN("mode", STR, CLUSTER, AS(form_mode)),
	WARN("placement", MAP, CLUSTER, BELOW(placement_keys)),
	DONE("replicas", NUM | STR, AS(form_count)),
	DONE("resources", MAP, BELOW(resource_keys)),
	DONE("restart_policy", MAP, BELOW(restart_keys)),
	WARN("rollback_config", MAP, CLUSTER, BELOW(rollback_keys)),
	WARN("update_config", MAP, CLUSTER, BELOW(update_keys)),
};
const struct key_table deploy_keys = TABLE(deploy_rows);
/* clang-format on */
