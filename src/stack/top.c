/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * top: the outermost table of keys; those below it stand beside their forms. Called by load for the
 * whole file, by merge for the rules, and by the manual for its lists.
 */
#include "stack/top.h"
#include "stack/keys.h"
#include "stack/sections.h"

static FORM(form_death)
{
	static const char *const words[] = { "stop", "keep" };

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

/* clang-format off */
static const struct key top_rows[] = {
	DONE("configs", MAP, AS(form_configs), BELOW(configs_keys)),
	DONE("include", LST),	/* done by then, see assemble */
	WARN("models", MAP, "there is no model runner", BELOW(models_keys)),
	DONE("name", STR),	/* read before all others, see load */
	DONE("networks", MAP, AS(form_networks), BELOW(networks_keys)),
	DONE("secrets", MAP, AS(form_secrets), BELOW(secrets_keys)),
	DONE("services", MAP, AS(form_services), BELOW(services_keys)),
	WARN("version", STR, "the format has no versions any more"),
	DONE("volumes", MAP, AS(form_volumes_top), BELOW(volumes_keys)),
	/* Keys of ours. All other x- keys are free, but who writes one of these wants it done. */
	DONE("x-hosts", BOO | STR, AS(form_bool)),
	DONE("x-isolated", BOO | STR, AS(form_bool)),
	DONE("x-links", LST, AS(form_wires), BELOW(link_keys)),
	DONE("x-on-supervisor-death", STR, AS(form_death)),
};
static const struct key_table top_keys = TABLE(top_rows);
/* clang-format on */

const struct key top_key = DONE("", MAP, BELOW(top_keys));
const struct key service_key = DONE("NAME", MAP, AS(form_service), BELOW(service_keys));
