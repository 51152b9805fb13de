/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_volume: the top-level volumes. Called through the tables of keys. They are folders below the data
 * folder for now, so a driver and its options are read and not run.
 */
#include "stack/keys.h"
#include "stack/resource.h"
#include "stack/sections.h"

#define VOLUMES_MAX 1000

static FORM(form_volume_driver)
{
	if (*n->text && strcmp(n->text, "local"))
		reader_refuse(r, w, n->pos, "there is only 'local'", "'%.40s'", n->text);
	return form_text(r, w, n);
}

/* clang-format off */
static const struct key any_option = DONE("NAME", STR | NUM, AS(form_text));
static const struct key_table option_keys = CHOSEN(any_option);
/* clang-format on */

/* `o` is a list of mount options; with `bind` the device is a path, and may be a relative one. */
static bool is_bind(const char *o)
{
	while (*o) {
		size_t len = strcspn(o, ",");

		if (len == 4 && !strncmp(o, "bind", 4))
			return true;
		o += len + (o[len] == ',');
	}
	return false;
}

static FORM(form_volume_options)
{
	struct node *out = form_map(r, w, n, &option_keys), *device = node_get(out, "device");
	const char *o = node_text(out, "o");

	if (o && device && *device->text && is_bind(o))
		device->text = path_clean(r->arena, reader_dir(r, device->pos), device->text);
	return out;
}

/* clang-format off */
static const struct key volume_rows[] = {
	DONE("driver", STR, AS(form_volume_driver), ONLY("local; others are refused")),
	REFUSE("driver_opts", MAP, "bind a folder under the service's 'volumes'", AS(form_volume_options), BELOW(option_keys)),
	DONE("external", BOO | STR | MAP, AS(form_bool)),
	WARN("labels", MAP | LST, DESCRIBES, AS(form_pairs), MERGES(PAIRS)),
	DONE("name", STR, AS(resource_name)),
};
static const struct key_table volume_keys = TABLE(volume_rows);
/* clang-format on */

/* With `external` the volume is somebody else's: only its name may be told. */
static FORM(form_volume)
{
	struct node *out = resource_form(r, w, n, &volume_keys);

	for (size_t i = 0; out && resource_is_external(out) && i < out->n; i++)
		if (resource_describes(&out->pairs[i]))
			reader_error(r, w, out->pairs[i].pos, NULL,
				     "'%s' beside 'external: true': what exists already cannot be "
				     "described anew",
				     out->pairs[i].key);
	return out;
}

/* clang-format off */
static const struct key any_volume = DONE("NAME", NUL | MAP, AS(form_volume), BELOW(volume_keys));
const struct key_table volumes_keys = CHOSEN(any_volume);
/* clang-format on */

FORM(form_volumes_top)
{
	return resource_count(r, w, n, VOLUMES_MAX) ? form_map(r, w, n, &volumes_keys) : NULL;
}
