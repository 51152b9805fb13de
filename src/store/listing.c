/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listing: what is in the catalog, for people: which image a word means, the list of all, everything about one. Called by
 * image.c, discard.c and the command `image`. Changes nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "store/catalog.h"

#define ID_MIN 4

/* ---- which one is meant ---------------------------------------------------------------------- */

static bool is_of_repo(const char *name, const char *repo)
{
	size_t len = strlen(repo);

	return !strncmp(name, repo, len) && (name[len] == ':' || name[len] == '@') &&
	       !strchr(name + len, '/');
}

/* A digest says it all: the tag beside it may have moved on. */
static int resolve_digest(const struct store *s, const struct store_reference *r,
			  char ret_id[STORE_DIGEST_SIZE], struct err *err)
{
	struct store_names names;
	int found = 0;

	if (store_names_load(s, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n && !found; i++) {
		found = is_of_repo(names.v[i].name, r->repo) &&
			!strcmp(names.v[i].manifest, r->digest);
		if (found)
			memcpy(ret_id, names.v[i].id, STORE_DIGEST_SIZE);
	}
	store_names_fini(&names);
	return found;
}

static int resolve_name(const struct store *s, const char *name, char ret_id[STORE_DIGEST_SIZE],
			struct err *err)
{
	_cleanup_(store_name_fini) struct store_name n = { 0 };
	int rc = store_name_get(s, name, &n, err);

	if (rc > 0)
		memcpy(ret_id, n.id, STORE_DIGEST_SIZE);
	return rc;
}

static int resolve_id(const struct store *s, const char *text, char ret_id[STORE_DIGEST_SIZE],
		      struct err *err)
{
	size_t len, found = 0;
	char **ids;

	text += strncmp(text, "sha256:", 7) ? 0 : 7;
	len = strlen(text);
	if (len < ID_MIN || len >= STORE_DIGEST_SIZE || strspn(text, "0123456789abcdef") != len)
		return 0;
	ids = store_records(s, err);
	if (!ids)
		return -1;
	for (char **id = ids; *id; id++) {
		if (!strncmp(*id, text, len)) {
			memcpy(ret_id, *id, STORE_DIGEST_SIZE);
			found++;
		}
		free(*id);
	}
	free(ids);
	return found < 2 ? (int)found
			 : err_kind(err, ERR_USAGE, "image '%s': %zu ids begin like this", text,
				    found);
}

int store_resolve(const struct store *s, const char *name, char ret_id[STORE_DIGEST_SIZE],
		  struct err *err)
{
	_cleanup_(store_reference_fini) struct store_reference r = { 0 };
	_cleanup_free_ char *full = NULL;
	struct err not_a_name = { 0 };
	int rc = resolve_name(s, name, ret_id, err), parsed;

	if (rc)
		return rc;
	parsed = store_reference_parse(name, &r, &not_a_name);
	if (!parsed && *r.digest) {
		rc = resolve_digest(s, &r, ret_id, err);
	} else if (!parsed) {
		full = xasprintf("%s:%s", r.repo, r.tag);
		rc = resolve_name(s, full, ret_id, err);
	}
	if (!rc)
		rc = resolve_id(s, name, ret_id, err);
	if (!rc && parsed < 0) {
		*err = not_a_name;
		return -1;
	}
	return rc;
}

int store_no_image(const char *name, struct err *err)
{
	err_set(err, "image '%.200s': there is none of this name: see `mstack image ls`", name);
	err->sys = ENOENT;
	return -1;
}

int store_image_age(const struct store *s, const char *image, uint64_t *ret_s, struct err *err)
{
	_cleanup_(store_reference_fini) struct store_reference r = { 0 };
	_cleanup_free_ char *full = NULL;
	struct err not_a_name = { 0 };
	char id[STORE_DIGEST_SIZE];
	int rc = store_resolve(s, image, id, err);

	if (rc <= 0)
		return rc;
	*ret_s = 0;
	if (!store_reference_parse(image, &r, &not_a_name) && r.tag)
		full = xasprintf("%s:%s", r.repo, r.tag);
	rc = full ? store_name_age(s, full, ret_s, err) : 0;
	/* By an id, or by a digest: that does not become old. */
	return rc < 0 ? -1 : 1;
}

/* ---- all ------------------------------------------------------------------------------------- */

static char **names_of(const struct store_names *names, const char *id)
{
	struct VEC(char *) all = { 0 };

	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->v[i].id, id))
			vec_push(&all, names->v[i].is_source
					       ? xstrdup(names->v[i].name)
					       : store_reference_familiar(names->v[i].name));
	vec_push(&all, NULL);
	return all.v;
}

static void take_manifest(const struct store_names *names, struct store_listed *l)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->v[i].id, l->id) && *names->v[i].manifest)
			memcpy(l->digest, names->v[i].manifest, sizeof(l->digest));
}

static char *text_or_empty(const json_t *o, const char *key)
{
	const char *text = store_json_text(o, key);

	return xstrdup(text ? text : "");
}

/* "" when the configuration does not say it. */
static char *platform_of(const json_t *image)
{
	const char *os = store_json_text(image, "os"),
		   *arch = store_json_text(image, "architecture"),
		   *variant = store_json_text(image, "variant");

	if (!os || !arch || !*os || !*arch)
		return xstrdup("");
	return xasprintf("%s/%s%s%s", os, arch, variant && *variant ? "/" : "",
			 variant ? variant : "");
}

static int list_one(const struct store *s, const char *id, const struct store_names *names,
		    struct store_listed *l, struct err *err)
{
	json_t *record = store_record_get(s, id, err);

	if (!record)
		return -1;
	memcpy(l->id, id, sizeof(l->id));
	l->names = names_of(names, id);
	take_manifest(names, l);
	l->created = text_or_empty(json_object_get(record, "image"), "created");
	l->imported = text_or_empty(record, "imported");
	l->platform = platform_of(json_object_get(record, "image"));
	l->size = (uint64_t)json_integer_value(json_object_get(record, "size"));
	l->n_layers = json_array_size(json_object_get(record, "layers"));
	l->in_use = store_record_is_held(s, id);
	json_decref(record);
	return 0;
}

/* Those without a name come last. */
static int by_name(const void *a, const void *b)
{
	const struct store_listed *x = a, *y = b;

	if (!x->names[0] || !y->names[0])
		return x->names[0] ? -1 : y->names[0] ? 1 : strcmp(x->id, y->id);
	return strcmp(x->names[0], y->names[0]);
}

int store_list(const struct store *s, struct store_listing *ret, struct err *err)
{
	struct VEC(struct store_listed) all = { 0 };
	struct store_names names = { 0 };
	char **ids = store_records(s, err);
	int rc = ids ? store_names_load(s, &names, err) : -1;

	for (char **id = ids; id && *id; id++) {
		struct store_listed l = { 0 };

		if (!rc)
			rc = list_one(s, *id, &names, &l, err);
		if (!rc)
			vec_push(&all, l);
		free(*id);
	}
	free(ids);
	store_names_fini(&names);
	*ret = (struct store_listing){ all.v, all.n };
	if (rc < 0)
		store_listing_fini(ret);
	else if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_name);
	return rc;
}

void store_listing_fini(struct store_listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		for (char **n = l->v[i].names; n && *n; n++)
			free(*n);
		free(l->v[i].names);
		free(l->v[i].created);
		free(l->v[i].imported);
		free(l->v[i].platform);
	}
	free(l->v);
	memset(l, 0, sizeof(*l));
}

/* ---- one ------------------------------------------------------------------------------------- */

static json_t *tags(const struct store_listed *l)
{
	json_t *list = json_array();

	for (char **n = l->names; *n; n++)
		json_array_append_new(list, json_string(*n));
	return list;
}

static json_t *diff_ids(const json_t *record)
{
	json_t *list = json_array(), *layer;
	size_t i;

	json_array_foreach(json_object_get(record, "layers"), i, layer)
		json_array_append_new(list, json_sprintf("sha256:%s", json_string_value(layer)));
	return list;
}

static json_t *describe(const struct store_listed *l, const json_t *record)
{
	const json_t *image = json_object_get(record, "image");
	json_t *o = json_object();

	json_object_set_new(o, "Id", json_sprintf("sha256:%s", l->id));
	json_object_set_new(o, "RepoTags", tags(l));
	json_object_set_new(o, "Digest",
			    *l->digest ? json_sprintf("sha256:%s", l->digest) : json_string(""));
	json_object_set_new(o, "Created", json_string(l->created));
	json_object_set_new(o, "Imported", json_string(l->imported));
	json_object_set(o, "Architecture", json_object_get(image, "architecture"));
	json_object_set(o, "Variant", json_object_get(image, "variant"));
	json_object_set(o, "Os", json_object_get(image, "os"));
	json_object_set(o, "Author", json_object_get(image, "author"));
	json_object_set_new(o, "Size", json_integer((json_int_t)l->size));
	json_object_set_new(o, "InUse", json_boolean(l->in_use));
	json_object_set(o, "Config", json_object_get(image, "config"));
	json_object_set_new(o, "RootFS",
			    json_pack("{s:s, s:o}", "Type", "layers", "Layers", diff_ids(record)));
	json_object_set(o, "History", json_object_get(image, "history"));
	return o;
}

int store_inspect(const struct store *s, const char *name, struct buf *ret, struct err *err)
{
	struct store_listing one = { xcalloc(1, sizeof(*one.v)), 1 };
	struct store_names names = { 0 };
	char id[STORE_DIGEST_SIZE];
	json_t *record = NULL, *o = NULL;
	char *text = NULL;
	int rc = store_resolve(s, name, id, err);

	if (!rc)
		rc = store_no_image(name, err);
	if (rc > 0)
		rc = store_names_load(s, &names, err);
	if (!rc)
		rc = list_one(s, id, &names, one.v, err);
	if (!rc) {
		record = store_record_get(s, id, err);
		o = record ? describe(one.v, record) : NULL;
		text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
		rc = text ? 0 : -1;
		buf_puts(ret, text ? text : "");
	}
	free(text);
	json_decref(o);
	json_decref(record);
	store_names_fini(&names);
	store_listing_fini(&one);
	return rc;
}
