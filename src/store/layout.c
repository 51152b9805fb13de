/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout: an image in an OCI image layout: index.json leads to manifests, perhaps by way of indexes for several machines,
 * and these to configuration and layers, all of them blobs under their digests. Media types of OCI and of Docker are the
 * same to us. Called by import.c. Specification: opencontainers/image-spec, image-layout.md, manifest.md, image-index.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/parcel.h"

#define JSON_MAX  PARCEL_JSON_MAX
#define DEPTH_MAX 4
#define LIST_MAX  1000
#define REF_NAME  "org.opencontainers.image.ref.name"
#define FULL_NAME "io.containerd.image.name"

static bool is_one_of(const char *type, const char *const *types)
{
	for (; type && *types; types++)
		if (!strcmp(type, *types))
			return true;
	return false;
}

static bool is_index_type(const char *type)
{
	static const char *const types[] = {
		"application/vnd.oci.image.index.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json", NULL
	};

	return is_one_of(type, types);
}

/* With or without how it is compressed: that is seen by looking. */
static bool is_layer_type(const char *type)
{
	static const char *const starts[] = {
		"application/vnd.oci.image.layer.v1.tar",
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.docker.image.rootfs.diff.tar",
		"application/vnd.docker.image.rootfs.foreign.diff.tar"
	};
	static const char *const ends[] = { "",	   "+gzip", ".gzip",  "+zstd", ".zstd",
					    "+xz", ".xz",   "+bzip2", NULL };

	for (size_t i = 0; type && i < ARRAY_LEN(starts); i++)
		if (!strncmp(type, starts[i], strlen(starts[i])))
			return is_one_of(type + strlen(starts[i]), ends);
	return false;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* Digits of the digest and the size of what a descriptor leads to. */
static const char *descriptor(const json_t *d, uint64_t *ret_size, struct err *err)
{
	const json_t *size = json_object_get(d, "size");

	if (!json_is_integer(size) || json_integer_value(size) < 0) {
		err_set(err, "a descriptor without a size");
		return NULL;
	}
	*ret_size = (uint64_t)json_integer_value(size);
	return store_digest_text(store_json_text(d, "digest"), err);
}

static json_t *follow(const struct store_layout *from, const json_t *d, bool manifest,
		      char ret_digest[STORE_DIGEST_SIZE], struct err *err)
{
	uint64_t size;
	const char *digest = descriptor(d, &size, err);
	char path[STORE_DIGEST_SIZE + 16];

	if (!digest)
		return NULL;
	snprintf(path, sizeof(path), "blobs/sha256/%s", digest);
	if (size > JSON_MAX) {
		err_sys(err, EFBIG, "'%s'", path);
		return NULL;
	}
	if (from->get && from->get(from->arg, digest, size, manifest, err) < 0)
		return NULL;
	return store_parcel_json(from->dir, path, (size_t)size, digest, ret_digest, err);
}

/* ---- choosing -------------------------------------------------------------------------------- */

static const char *annotation(const json_t *d, const char *key)
{
	return store_json_text(json_object_get(d, "annotations"), key);
}

static bool is_called(const json_t *d, const char *ref)
{
	const char *name = annotation(d, REF_NAME), *full = annotation(d, FULL_NAME);

	return (name && !strcmp(name, ref)) || (full && !strcmp(full, ref));
}

/* What is for another machine is 0; what names none may be for this one. */
static int rank(const json_t *d, const struct store_platform *host)
{
	const json_t *platform = json_object_get(d, "platform");

	return json_is_object(platform) ? store_platform_rank(platform, host) : 1;
}

static const json_t *choose(const json_t *list, const char *ref, const struct store_platform *host)
{
	const json_t *best = NULL, *d;
	int best_rank = 0;
	size_t i;

	json_array_foreach(list, i, d) {
		int r = ref && !is_called(d, ref) ? 0 : rank(d, host);

		if (r > best_rank) {
			best = d;
			best_rank = r;
		}
	}
	return best;
}

/* "linux/arm64/v8, linux/386", or the names; for messages. */
static char *describe(const json_t *list, bool names)
{
	struct buf b = { 0 };
	const json_t *d;
	size_t i;

	json_array_foreach(list, i, d) {
		const json_t *p = json_object_get(d, "platform");
		const char *os = store_json_text(p, "os"),
			   *arch = store_json_text(p, "architecture");
		const char *name = annotation(d, REF_NAME);

		if (b.len > 200)
			break;
		if (names && name)
			buf_printf(&b, "%s%.100s", b.len ? ", " : "", name);
		else if (!names && os && arch)
			buf_printf(&b, "%s%.32s/%.32s", b.len ? ", " : "", os, arch);
	}
	if (!b.len)
		buf_puts(&b, names ? "only some without a name" : "none that is named");
	return buf_take(&b);
}

/* Several images without a word which one: the same one for several machines is no question. */
static int check_only(const json_t *list, struct err *err)
{
	const char *first = NULL;
	const json_t *d;
	size_t i;

	json_array_foreach(list, i, d) {
		const char *name = annotation(d, REF_NAME);

		if (i && (first ? !name || strcmp(first, name) != 0 : name != NULL)) {
			_cleanup_free_ char *names = describe(list, true);

			return err_set(err, "there are several images: add :NAME, one of %s",
				       names);
		}
		first = name;
	}
	return 0;
}

static const json_t *pick(const json_t *index, const char *ref, bool top,
			  const struct store_platform *host, struct err *err)
{
	const json_t *list = json_object_get(index, "manifests"), *d;
	_cleanup_free_ char *has = NULL;
	bool called = false;
	size_t i;

	if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > LIST_MAX) {
		err_set(err, "an index without a list of 1 to %d manifests", LIST_MAX);
		return NULL;
	}
	if (top && !ref && check_only(list, err) < 0)
		return NULL;
	d = choose(list, ref, host);
	if (d)
		return d;
	json_array_foreach(list, i, d)
		called = called || (ref && is_called(d, ref));
	has = describe(list, ref && !called);
	if (ref && !called)
		err_sys(err, ENOENT, "no image '%.100s' in it: there is %s", ref, has);
	else
		err_set(err, "not for this machine, which is linux/%s: there is %s", host->arch,
			has);
	return NULL;
}

/* ---- the manifest ---------------------------------------------------------------------------- */

static int take_layer(struct store_parcel *p, size_t i, const json_t *d, struct err *err)
{
	const char *type = store_json_text(d, "mediaType");
	struct store_layer *l = &p->layers[i];
	const char *digest = descriptor(d, &l->size, err);

	if (!digest)
		return -1;
	if (!is_layer_type(type))
		return err_set(err,
			       "'%.100s' is no layer of a file system (is this an image to run?)",
			       type ? type : "");
	memcpy(l->blob, digest, sizeof(l->blob));
	p->paths[i] = xasprintf("blobs/sha256/%s", digest);
	return 0;
}

static int take_manifest(const struct store_layout *from, const json_t *m, struct store_parcel *p,
			 struct err *err)
{
	const json_t *layers = json_object_get(m, "layers"), *d;
	size_t i;

	if (json_is_integer(json_object_get(m, "schemaVersion")) &&
	    json_integer_value(json_object_get(m, "schemaVersion")) == 1)
		return err_set(
			err,
			"a manifest of schema 1, which nobody makes any more (copy the image with skopeo)");
	if (!json_is_array(layers) || json_array_size(layers) > PARCEL_LAYERS_MAX)
		return err_set(err, "a manifest without a list of at most %d layers",
			       PARCEL_LAYERS_MAX);
	p->config = follow(from, json_object_get(m, "config"), false, p->id, err);
	if (!p->config)
		return err_wrap(err, "configuration");
	p->n_layers = json_array_size(layers);
	p->layers = xcalloc(p->n_layers + 1, sizeof(*p->layers));
	p->paths = xcalloc(p->n_layers + 1, sizeof(*p->paths));
	for (i = 0; i < p->n_layers; i++)
		p->layers[i].fd = -1;
	json_array_foreach(layers, i, d)
		if (take_layer(p, i, d, err) < 0)
			return err_wrap(err, "layer %zu", i + 1);
	return 0;
}

static void take_name(struct store_parcel *p, const json_t *d)
{
	const char *full = annotation(d, FULL_NAME), *name = full ? full : annotation(d, REF_NAME);

	if (!name || p->names)
		return;
	p->names = xcalloc(2, sizeof(*p->names));
	p->names[0] = xstrdup(name);
}

/* From index to index until there is a manifest. */
static int walk(const struct store_layout *from, const char *ref, const struct store_platform *host,
		struct store_parcel *p, struct err *err)
{
	json_t *o = from->index
			    ? json_incref(from->index)
			    : store_parcel_json(from->dir, "index.json", JSON_MAX, NULL, NULL, err);
	int rc = o ? 0 : -1;

	for (int depth = 0; !rc; depth++) {
		const json_t *d;
		const char *type;
		json_t *next;

		if (!json_object_get(o, "manifests") && depth)
			break;
		d = pick(o, depth ? NULL : ref, !depth, host, err);
		if (d && depth >= DEPTH_MAX)
			err_set(err, "more than %d indexes, one in the other", DEPTH_MAX);
		next = d && depth < DEPTH_MAX ? follow(from, d, true, p->manifest, err) : NULL;
		type = next ? store_json_text(d, "mediaType") : NULL;
		/* One document could be read as either: then it is what the descriptor says. */
		if (type && next &&
		    is_index_type(type) != json_is_array(json_object_get(next, "manifests"))) {
			err_set(err, "'%.100s' is not what is there", type);
			json_decref(next);
			next = NULL;
		}
		if (next)
			take_name(p, d);
		json_decref(o);
		o = next;
		rc = o ? 0 : -1;
	}
	if (!rc)
		rc = take_manifest(from, o, p, err);
	json_decref(o);
	return rc;
}

int store_layout_open(const struct store_layout *from, const char *ref,
		      const struct store_platform *host, struct store_parcel *ret, struct err *err)
{
	_cleanup_(store_parcel_fini) struct store_parcel p = { 0 };

	if (walk(from, ref, host, &p, err) < 0 || store_parcel_check(&p, host, err) < 0)
		return -1;
	*ret = p;
	memset(&p, 0, sizeof(p));
	return 0;
}
