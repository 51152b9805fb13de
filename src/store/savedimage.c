/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * savedimage: what `docker save` and `podman save` pack: manifest.json names for each image its configuration, its names and
 * the tars of its layers. The configuration is named by its digest, the layers are known by what it says of them. Called by
 * import.c, on the unpacked archive.
 */
#include <errno.h>
#include <stdio.h>

#include "store/catalog.h"
#include "store/parcel.h"

#define JSON_MAX   PARCEL_JSON_MAX
#define IMAGES_MAX 1000

static bool same_name(const char *a, const char *b)
{
	struct store_reference x = { 0 }, y = { 0 };
	struct err ignored = { 0 };
	bool same = !store_reference_parse(a, &x, &ignored) &&
		    !store_reference_parse(b, &y, &ignored) && !strcmp(x.repo, y.repo) && x.tag &&
		    y.tag && !strcmp(x.tag, y.tag);

	store_reference_fini(&x);
	store_reference_fini(&y);
	return same;
}

static bool is_called(const json_t *image, size_t nr, const char *ref)
{
	const json_t *tags = json_object_get(image, "RepoTags"), *tag;
	size_t i;

	if (*ref == '@') {
		char *end;

		return ref[1] && strtoul(ref + 1, &end, 10) == nr && !*end;
	}
	json_array_foreach(tags, i, tag)
		if (json_is_string(tag) && same_name(json_string_value(tag), ref))
			return true;
	return false;
}

static char *describe(const json_t *list)
{
	struct buf b = { 0 };
	const json_t *image, *tag;
	size_t i;

	json_array_foreach(list, i, image) {
		tag = json_array_get(json_object_get(image, "RepoTags"), 0);
		if (b.len < 200)
			buf_printf(&b, "%s%.100s", i ? ", " : "",
				   json_is_string(tag) ? json_string_value(tag)
						       : "one without a name");
	}
	return buf_take(&b);
}

static const json_t *pick(const json_t *list, const char *ref, struct err *err)
{
	_cleanup_free_ char *names = NULL;
	const json_t *image;
	size_t i;

	if (!ref && json_array_size(list) == 1)
		return json_array_get(list, 0);
	json_array_foreach(list, i, image)
		if (ref && is_called(image, i, ref))
			return image;
	names = describe(list);
	if (ref)
		err_sys(err, ENOENT, "no image '%.100s' in it: there is %s", ref, names);
	else
		err_set(err, "there are several images: add :NAME, one of %s", names);
	return NULL;
}

/* Docker: DIGEST.json or blobs/sha256/DIGEST; who names it otherwise says nothing about its digest. */
static const char *digest_in(const char *path, char ret[STORE_DIGEST_SIZE])
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	snprintf(ret, STORE_DIGEST_SIZE, "%s", name);
	return store_is_digest(ret) && (!name[64] || !strcmp(name + 64, ".json")) ? ret : NULL;
}

static int take_names(const json_t *image, struct store_parcel *p)
{
	const json_t *tags = json_object_get(image, "RepoTags"), *tag;
	size_t i, n = 0;

	p->names = xcalloc(json_array_size(tags) + 1, sizeof(*p->names));
	json_array_foreach(tags, i, tag)
		if (json_is_string(tag))
			p->names[n++] = xstrdup(json_string_value(tag));
	return 0;
}

static int take_layers(const json_t *image, struct store_parcel *p, struct err *err)
{
	const json_t *layers = json_object_get(image, "Layers"), *path;
	size_t i;

	if (!json_is_array(layers) || json_array_size(layers) > PARCEL_LAYERS_MAX)
		return err_set(err, "'manifest.json': no list of at most %d layers",
			       PARCEL_LAYERS_MAX);
	p->n_layers = json_array_size(layers);
	p->layers = xcalloc(p->n_layers + 1, sizeof(*p->layers));
	p->paths = xcalloc(p->n_layers + 1, sizeof(*p->paths));
	for (i = 0; i < p->n_layers; i++)
		p->layers[i].fd = -1;
	json_array_foreach(layers, i, path) {
		if (!json_is_string(path))
			return err_set(err, "'manifest.json': layer %zu has no path", i + 1);
		p->paths[i] = xstrdup(json_string_value(path));
	}
	return 0;
}

static int take(int dir, const json_t *image, struct store_parcel *p, struct err *err)
{
	const char *config = store_json_text(image, "Config");
	char digest[STORE_DIGEST_SIZE];

	if (!config)
		return err_set(err, "'manifest.json': an image without a configuration");
	p->config = store_parcel_json(dir, config, JSON_MAX, digest_in(config, digest), p->id, err);
	if (!p->config)
		return -1;
	return take_names(image, p) < 0 || take_layers(image, p, err) < 0 ? -1 : 0;
}

int store_saved_open(int dir, const char *ref, const struct store_platform *host,
		     struct store_parcel *ret, size_t *ret_n, struct err *err)
{
	_cleanup_(store_parcel_fini) struct store_parcel p = { 0 };
	json_t *list = store_parcel_json(dir, "manifest.json", JSON_MAX, NULL, NULL, err);
	const json_t *image = NULL;
	int rc = -1;

	if (!list)
		return err_wrap(err, "not made by docker save");
	if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > IMAGES_MAX)
		err_set(err, "'manifest.json': no list of 1 to %d images", IMAGES_MAX);
	else
		image = pick(list, ref, err);
	if (image && !take(dir, image, &p, err))
		rc = store_parcel_check(&p, host, err);
	if (!rc) {
		if (ret_n)
			*ret_n = json_array_size(list);
		*ret = p;
		memset(&p, 0, sizeof(p));
	}
	json_decref(list);
	return rc;
}
