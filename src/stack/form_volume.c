/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_volume: the top-level volumes. Called through the tables of keys. They are folders below the data folder, or, with
 * `driver_opts`, what the local driver of engines makes of these: a folder of the host or a file system of its own.
 */
#include "stack/form_mount.h"
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
static bool has_option(const char *o, const char *word)
{
	while (*o) {
		size_t len = strcspn(o, ",");

		if (len == strlen(word) && !strncmp(o, word, len))
			return true;
		o += len + (o[len] == ',');
	}
	return false;
}

bool volume_is_bind(const char *o)
{
	return has_option(o, "bind") || has_option(o, "rbind");
}

/* Of a bind only these mean something; the kernel would read over the others. */
static void check_bind(struct reader *r, const struct where *w, const struct node *o)
{
	static const char *const known[] = { "bind", "rbind", "ro", "rw" };
	char *list = arena_strdup(r->arena, o->text), *word;

	while ((word = strsep(&list, ",")))
		if (*word && !text_is_one_of(word, known, ARRAY_LEN(known)))
			reader_refuse(r, w, o->pos, "write it at the service's mount",
				      "'%.40s' beside 'bind'", word);
}

/*
 * Each shows what belongs to the whole machine: whoever could write there in a container with the host's ids would own it.
 * Engines mount them.
 */
static void check_type(struct reader *r, const struct where *w, const struct node *type)
{
	static const char *const kernels[] = { "proc",	 "sysfs",      "devtmpfs",    "devpts",
					       "cgroup", "cgroup2",    "debugfs",     "tracefs",
					       "bpf",	 "securityfs", "configfs",    "efivarfs",
					       "pstore", "mqueue",     "binfmt_misc", "selinuxfs",
					       "fusectl" };

	if (text_is_one_of(type->text, kernels, ARRAY_LEN(kernels)))
		reader_refuse(r, w, type->pos, "bind the one file that is needed",
			      "'%s' (the kernel's own files)", type->text);
}

/* Of servers of files. Engines look the name up when they mount; the kernel takes numbers only. */
static void check_addr(struct reader *r, const struct where *w, const struct node *o)
{
	char *list = arena_strdup(r->arena, o->text), *word;
	struct ip ip;

	while ((word = strsep(&list, ",")))
		if (!strncmp(word, "addr=", 5) && !ip_parse(word + 5, &ip))
			reader_refuse(r, w, o->pos, "write its address as a number",
				      "the name '%.60s' in 'addr'", word + 5);
}

static void check_known(struct reader *r, const struct where *w, const struct node *options)
{
	static const char *const known[] = { "device", "o", "type" };

	for (size_t i = 0; i < options->n; i++) {
		const struct node_pair *pair = &options->pairs[i];

		if (!strcmp(pair->key, "size"))
			reader_refuse(r, w, pair->pos, "of a tmpfs write it in 'o': size=64m",
				      "option 'size'");
		else if (!text_is_one_of(pair->key, known, ARRAY_LEN(known)) &&
			 strncmp(pair->key, "x-", 2) != 0)
			reader_forbid(r, w, pair->pos,
				      reader_suggest(r, pair->key, known, ARRAY_LEN(known)),
				      "option '%.40s' is unknown to the local driver; known are "
				      "type, o and device",
				      pair->key);
	}
}

/* What engines find out when they make the volume. */
static void check_options(struct reader *r, const struct where *w, const struct node *options)
{
	const struct node *device = node_get(options, "device"), *o = node_get(options, "o"),
			  *type = node_get(options, "type");
	bool bind = o && volume_is_bind(o->text);

	check_known(r, w, options);
	if (!device && !o && !type)
		return;
	if (!device || !*device->text)
		reader_forbid(r, w, options->pos, NULL, "'device' is missing");
	if (bind)
		check_bind(r, w, o);
	else if (!type || !*type->text)
		reader_forbid(r, w, options->pos, NULL, "'type' is missing");
	else
		check_type(r, w, type);
	if (o)
		check_addr(r, w, o);
}

static FORM(form_volume_options)
{
	struct node *out = form_map(r, w, n, &option_keys), *device = node_get(out, "device");
	const char *o = node_text(out, "o");

	if (!out)
		return NULL;
	if (o && device && *device->text && volume_is_bind(o))
		device->text = path_clean(r->arena, reader_dir(r, device->pos), device->text);
	check_options(r, w, out);
	return out;
}

/* clang-format off */
static const struct key volume_rows[] = {
	DONE("driver", STR, AS(form_volume_driver), ONLY("local; others are refused")),
	DONE("driver_opts", MAP, AS(form_volume_options), BELOW(option_keys)),
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
