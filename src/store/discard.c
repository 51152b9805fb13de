/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discard: images leave the catalog, and layers that no image has leave the disk. Called by the commands `image rm` and
 * `image prune`. Holds the lock alone: nobody looks an image up or imports one meanwhile. First the names go, then the
 * record, then the layers; killed anywhere in between, the next prune finishes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/remote.h"

/* Begins like what making.c sweeps: what is half removed is not found under its name. */
#define REMOVING ".making-gone-%.32s"

void store_removed_fini(struct store_removed *r)
{
	for (size_t i = 0; i < r->lines.n; i++)
		free(r->lines.v[i]);
	vec_fini(&r->lines);
}

/* ---- layers ---------------------------------------------------------------------------------- */

static bool record_has(const json_t *record, const char *layer)
{
	const json_t *l;
	size_t i;

	json_array_foreach(json_object_get(record, "layers"), i, l)
		if (json_is_string(l) && !strcmp(json_string_value(l), layer))
			return true;
	return false;
}

/* All records of the catalog in one list. One that cannot be read may have any layer: then none is removed. */
static json_t *load_records(const struct store *s, struct err *err)
{
	char **ids = store_records(s, err);
	json_t *all = ids ? json_array() : NULL;

	for (char **id = ids; id && *id; id++) {
		json_t *record = all ? store_record_get(s, *id, err) : NULL;

		if (all && record) {
			json_array_append_new(all, record);
		} else {
			json_decref(all);
			all = NULL;
		}
		free(*id);
	}
	free(ids);
	return all;
}

static bool is_used(const json_t *records, const char *layer)
{
	const json_t *r;
	size_t i;

	json_array_foreach(records, i, r)
		if (record_has(r, layer))
			return true;
	return false;
}

static int remove_layer(const struct store *s, const char *name, struct store_removed *ret,
			struct err *err)
{
	struct store_layer l = { .fd = -1 };
	struct err ignored = { 0 };
	char gone[64];

	memcpy(l.content, name, sizeof(l.content));
	(void)store_layer_look(s, &l, &ignored);
	snprintf(gone, sizeof(gone), REMOVING, name);
	if (renameat(s->layers, name, s->layers, gone) < 0 || path_remove_tree(s->layers, gone) < 0)
		return err_sys(err, errno, "store: remove '%s/layers/%s'", s->dir, name);
	ret->bytes += l.bytes;
	vec_push(&ret->lines, xasprintf("Deleted: sha256:%s", name));
	return 0;
}

static int remove_unused_layers(const struct store *s, struct store_removed *ret, struct err *err)
{
	int fd = openat(s->layers, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	json_t *records = load_records(s, err);
	const struct dirent *e;

	if (!dir) {
		cleanup_fd(&fd);
		json_decref(records);
		return err_sys(err, errno, "store: '%s/layers'", s->dir);
	}
	if (!records)
		return -1;
	while (!rc && (e = readdir(dir))) {
		if (store_is_digest(e->d_name) && !is_used(records, e->d_name))
			rc = remove_layer(s, e->d_name, ret, err);
	}
	json_decref(records);
	return rc;
}

/* ---- images ---------------------------------------------------------------------------------- */

static int untag(const struct store *s, const struct store_name *n, struct store_removed *ret,
		 struct err *err)
{
	_cleanup_free_ char *shown =
		n->is_source ? xstrdup(n->name) : store_reference_familiar(n->name);

	if (store_name_remove(s, n->name, err) < 0)
		return -1;
	vec_push(&ret->lines, xasprintf("Untagged: %s", shown));
	return 0;
}

static int untag_all(const struct store *s, const struct store_names *names, const char *id,
		     struct store_removed *ret, struct err *err)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->v[i].id, id) && untag(s, &names->v[i], ret, err) < 0)
			return -1;
	return 0;
}

static int remove_record(const struct store *s, const char *id, struct store_removed *ret,
			 struct err *err)
{
	_cleanup_free_ char *path = xasprintf("records/%s", id);

	if (unlinkat(s->catalog, path, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "store: remove '%s/catalog/%s'", s->dir, path);
	vec_push(&ret->lines, xasprintf("Deleted: sha256:%s", id));
	return 0;
}

static size_t count_names(const struct store_names *names, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++)
		n += !strcmp(names->v[i].id, id);
	return n;
}

/* The name that was said, when it was one: NULL for an id or a digest. */
static const struct store_name *find_name(const struct store_names *names, const char *said)
{
	_cleanup_(store_reference_fini) struct store_reference r = { 0 };
	_cleanup_free_ char *full = NULL;
	struct err ignored = { 0 };

	if (!store_reference_parse(said, &r, &ignored) && r.tag && !*r.digest)
		full = xasprintf("%s:%s", r.repo, r.tag);
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->v[i].name, said) || (full && !strcmp(names->v[i].name, full)))
			return &names->v[i];
	return NULL;
}

static int remove_image(const struct store *s, const char *said, const char *id,
			const struct store_names *names, bool force, struct store_removed *ret,
			struct err *err)
{
	const struct store_name *name = find_name(names, said);
	size_t n = count_names(names, id);
	bool held = store_record_is_held(s, id);

	if (name && n > 1)
		return untag(s, name, ret, err);
	if (!force && (n > 1 || held)) {
		if (n > 1)
			err_set(err,
				"image '%.200s': it has %zu names (remove them, or all with --force)",
				said, n);
		else
			err_set(err,
				"image '%.200s': a running stack uses it (stop it with `mstack down`; --force takes only the "
				"name away, and prune the rest later)",
				said);
		err->sys = EBUSY;
		return -1;
	}
	if (untag_all(s, names, id, ret, err) < 0)
		return -1;
	if (held)
		return 0;
	return remove_record(s, id, ret, err) < 0 ? -1 : remove_unused_layers(s, ret, err);
}

int store_remove(struct store *s, const char *name, bool force, struct store_removed *ret,
		 struct err *err)
{
	_cleanup_fd_ int lock = store_lock(s, true, err);
	struct store_names names = { 0 };
	char id[STORE_DIGEST_SIZE];
	int rc;

	if (lock < 0)
		return -1;
	rc = store_resolve(s, name, id, err);
	if (!rc)
		rc = store_no_image(name, err);
	if (rc > 0)
		rc = store_names_load(s, &names, err);
	if (!rc)
		rc = remove_image(s, name, id, &names, force, ret, err);
	store_names_fini(&names);
	return rc;
}

int store_prune(struct store *s, bool all, struct store_removed *ret, struct err *err)
{
	_cleanup_fd_ int lock = store_lock(s, true, err);
	struct store_names names = { 0 };
	char **ids = lock < 0 ? NULL : store_records(s, err);
	int rc = ids ? store_names_load(s, &names, err) : -1;

	for (char **id = ids; id && *id; id++) {
		if (!rc && (all || !count_names(&names, *id)) && !store_record_is_held(s, *id))
			rc = untag_all(s, &names, *id, ret, err) < 0
				     ? -1
				     : remove_record(s, *id, ret, err);
		free(*id);
	}
	free(ids);
	store_names_fini(&names);
	if (rc < 0)
		return -1;
	store_staging_sweep(s, 0, &ret->bytes);
	return remove_unused_layers(s, ret, err);
}
