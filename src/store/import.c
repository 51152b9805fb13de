/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import: an image from a layout, an archive or a tar comes into the catalog: its layers first, then its record, then its
 * names. So whatever ends in the middle, an image that can be found is whole. Called by image.c, when a stack names such a
 * place, and by `mstack image import`.
 */
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/import.h"
#include "store/parcel.h"
#include "store/unpacker.h"

/* ---- what is behind `oci:` and its like ------------------------------------------------------ */

static const char *const kinds[] = { "oci:", "oci-archive:", "docker-archive:" };

int store_source_parse(const char *image, const char *base_dir, struct store_source *ret,
		       struct err *err)
{
	struct store_source s = { .kind = STORE_TAR };
	const char *path = image, *colon;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strncmp(image, kinds[i], strlen(kinds[i]))) {
			path = image + strlen(kinds[i]);
			s.kind = i ? STORE_ARCHIVE : STORE_OCI;
			s.docker = i == 2;
			s.prefix = kinds[i];
		}
	/* As skopeo has it: the path ends at the first colon. */
	colon = s.prefix ? strchr(path, ':') : NULL;
	if (!*path || colon == path || (colon && !colon[1]))
		return err_kind(err, ERR_USAGE, "image '%.200s': must be %sPATH or %sPATH:NAME",
				image, s.prefix, s.prefix);
	s.ref = colon ? xstrdup(colon + 1) : NULL;
	s.path = xasprintf("%s%s%.*s", *path == '/' ? "" : base_dir, *path == '/' ? "" : "/",
			   (int)(colon ? (size_t)(colon - path) : strlen(path)), path);
	s.name = xasprintf("%s%s%s%s", s.prefix ? s.prefix : "", s.path, colon ? ":" : "",
			   colon ? colon + 1 : "");
	*ret = s;
	return 0;
}

void store_source_fini(struct store_source *s)
{
	free(s->path);
	free(s->ref);
	free(s->name);
	memset(s, 0, sizeof(*s));
}

/* ---- an archive ------------------------------------------------------------------------------ */

/* Unpacked beside the images, into a folder that goes away again when it is done with. */
static int unpack_archive(const struct store *s, int archive, uint64_t size, struct store_teller *t,
			  struct store_making *m, struct err *err)
{
	struct store_job job = {
		.mode = UNPACKER_MODE_ARCHIVE, .what = "archive", .archive = archive, .size = size
	};

	if (store_making_begin(s, s->images, m, err) < 0)
		return -1;
	job.folder = m->fd;
	t->total = size;
	return store_unpack_all(&job, 1, t, err);
}

static int open_file(const char *path, uint64_t *ret_size, struct err *err)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "'%s' is not a file", path);
	*ret_size = (uint64_t)st.st_size;
	return take_fd(&fd);
}

/* ---- into the store -------------------------------------------------------------------------- */

static int open_blobs(const struct store *s, int dir, struct store_parcel *p,
		      struct store_teller *t, struct err *err)
{
	t->total = 0;
	for (size_t i = 0; i < p->n_layers; i++) {
		struct store_layer *l = &p->layers[i];
		int there = store_layer_look(s, l, err);
		struct stat st;

		if (there < 0)
			return -1;
		if (there)
			continue;
		l->fd = path_open_in(dir, p->paths[i], O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
		if (l->fd < 0 || fstat(l->fd, &st) < 0)
			return err_sys(err, errno, "layer %zu: '%.200s'", i + 1, p->paths[i]);
		if (!S_ISREG(st.st_mode))
			return err_set(err, "layer %zu: '%.200s': not a file", i + 1, p->paths[i]);
		if (*l->blob && (uint64_t)st.st_size != l->size)
			return err_set(
				err, "layer %zu: '%.200s' has %llu bytes, but the image says %llu",
				i + 1, p->paths[i], (unsigned long long)st.st_size,
				(unsigned long long)l->size);
		l->size = (uint64_t)st.st_size;
		t->total += l->size;
	}
	return 0;
}

static int put_record(const struct store *s, const struct store_parcel *p, struct err *err)
{
	char now[TIME_STAMP_SIZE];
	json_t *layers = json_array(), *record;
	uint64_t size = 0;
	int rc;

	for (size_t i = 0; i < p->n_layers; i++) {
		json_array_append_new(layers, json_string(p->layers[i].content));
		size += p->layers[i].bytes;
	}
	time_stamp(time_wall_ns(), now);
	record = json_pack("{s:O, s:o, s:I, s:s}", "image", p->config, "layers", layers, "size",
			   (json_int_t)size, "imported", now);
	rc = store_record_put(s, p->id, record, err);
	json_decref(record);
	return rc;
}

/* Nothing of an image that mstack could not start is kept. */
static int check_config(const struct store_parcel *p, struct err *err)
{
	json_t *record = json_pack("{s:O}", "image", p->config);
	struct store_image img = { 0 };
	int rc = store_config_read(record, &img, err);

	store_image_fini(&img);
	json_decref(record);
	return rc;
}

int store_parcel_take(const struct store *s, int dir, struct store_parcel *p,
		      struct store_teller *t, struct err *err)
{
	if (p->note)
		store_tell(t, "%s", p->note);
	if (check_config(p, err) < 0 || open_blobs(s, dir, p, t, err) < 0 ||
	    store_layers_get(s, p->layers, p->n_layers, t, err) < 0)
		return -1;
	return put_record(s, p, err);
}

/* ---- a tar of a root file system ------------------------------------------------------------- */

static void digest_config(const json_t *config, char ret[STORE_DIGEST_SIZE])
{
	char *text = json_dumps(config, JSON_COMPACT | JSON_SORT_KEYS);
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, text ? strlen(text) : 0, (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
	free(text);
}

/* Its one layer is all that is known of it. */
static int take_tar(const struct store *s, int archive, uint64_t size, struct store_teller *t,
		    struct store_parcel *p, struct err *err)
{
	struct store_platform host = store_platform_host();

	p->n_layers = 1;
	p->layers = xcalloc(2, sizeof(*p->layers));
	p->layers[0].fd = fcntl(archive, F_DUPFD_CLOEXEC, 0);
	p->layers[0].size = t->total = size;
	if (store_layers_get(s, p->layers, 1, t, err) < 0)
		return -1;
	p->config = json_pack("{s:s, s:s, s:{}, s:{s:s, s:[s+]}}", "os", "linux", "architecture",
			      host.arch, "config", "rootfs", "type", "layers", "diff_ids",
			      "sha256:", p->layers[0].content);
	digest_config(p->config, p->id);
	return put_record(s, p, err);
}

/* ---- names ----------------------------------------------------------------------------------- */

int store_parcel_name(const struct store *s, const char *name, const struct store_parcel *p,
		      const char *file, bool source, struct err *err)
{
	struct store_name n = { .name = (char *)name, .is_source = source };

	memcpy(n.id, p->id, sizeof(n.id));
	memcpy(n.manifest, p->manifest, sizeof(n.manifest));
	snprintf(n.file, sizeof(n.file), "%s", file);
	return store_name_put(s, &n, err);
}

static int put_reference(const struct store *s, const char *text, const struct store_parcel *p,
			 struct store_imported *ret, struct err *err)
{
	_cleanup_(store_reference_fini) struct store_reference r = { 0 };
	_cleanup_free_ char *full = NULL;

	if (store_reference_parse(text, &r, err) < 0)
		return -1;
	if (!r.tag)
		return err_kind(err, ERR_USAGE,
				"image '%.200s': a name for an image has a tag, not a digest",
				text);
	full = xasprintf("%s:%s", r.repo, r.tag);
	if (store_parcel_name(s, full, p, "", false, err) < 0)
		return -1;
	vec_push(&ret->names, store_reference_familiar(full));
	return 0;
}

/* `oci:/srv/app:v1` without another word is app:v1. NULL when that would be no name. */
static char *name_of_source(const struct store_source *src, const struct store_parcel *p)
{
	_cleanup_(store_reference_fini) struct store_reference r = { 0 };
	const char *base = strrchr(src->path, '/') + 1, *ref = p->names ? p->names[0] : src->ref;
	struct err ignored = { 0 };
	char *name;

	if (ref && strpbrk(ref, "/:"))
		name = xstrdup(ref);
	else
		name = xasprintf("%.*s%s%s", (int)strcspn(base, "."), base, ref ? ":" : "",
				 ref ? ref : "");
	if (!store_reference_parse(name, &r, &ignored))
		return name;
	free(name);
	return NULL;
}

static int put_names(const struct store *s, const struct store_source *src, const char *name,
		     const struct store_parcel *p, struct store_imported *ret, struct err *err)
{
	_cleanup_free_ char *own = NULL;

	if (name)
		return put_reference(s, name, p, ret, err);
	if (src->docker) {
		for (char **n = p->names; n && *n; n++)
			if (put_reference(s, *n, p, ret, err) < 0) {
				err->kind = ERR_RUN; /* not a word of ours is wrong */
				return -1;
			}
		return 0;
	}
	own = src->kind == STORE_TAR ? NULL : name_of_source(src, p);
	return own ? put_reference(s, own, p, ret, err) : 0;
}

/* ---- all together ---------------------------------------------------------------------------- */

/* An open source. `folder` is where the blobs are. */
struct opened {
	const struct store *store;
	const struct store_source *src;
	struct store_teller *teller;
	int folder;
	struct store_making making;
	char file[STORE_DIGEST_SIZE]; /* of an archive */
};

static void opened_fini(struct opened *o)
{
	if (o->folder != o->making.fd)
		cleanup_fd(&o->folder);
	store_making_fini(&o->making);
}

static int open_source(struct opened *o, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	uint64_t size;

	if (o->src->kind == STORE_OCI) {
		o->folder = open(o->src->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return o->folder < 0 ? err_sys(err, errno, "open '%s'", o->src->path) : 0;
	}
	fd = open_file(o->src->path, &size, err);
	if (fd < 0 || store_digest(o->store, fd, o->file, err) < 0 ||
	    unpack_archive(o->store, fd, size, o->teller, &o->making, err) < 0)
		return -1;
	o->folder = o->making.fd;
	return 0;
}

static int open_parcel(const struct opened *o, const char *ref, struct store_parcel *ret,
		       size_t *ret_n, struct err *err)
{
	const struct store_layout layout = { .dir = o->folder };
	struct store_platform host = store_platform_host();

	*ret_n = 1;
	if (o->src->docker)
		return store_saved_open(o->folder, ref, &host, ret, ret_n, err);
	return store_layout_open(&layout, ref, &host, ret, err);
}

static int import_one(const struct opened *o, const char *ref, const char *name,
		      struct store_imported *ret, size_t *ret_n, struct err *err)
{
	_cleanup_(store_parcel_fini) struct store_parcel p = { 0 };

	if (open_parcel(o, ref, &p, ret_n, err) < 0 ||
	    store_parcel_take(o->store, o->folder, &p, o->teller, err) < 0 ||
	    put_names(o->store, o->src, name, &p, ret, err) < 0)
		return -1;
	memcpy(ret->id, p.id, sizeof(ret->id));
	return 0;
}

/* Of `docker save a b` all, unless one is named. */
static int import_parcels(const struct opened *o, const char *name, struct store_imported *ret,
			  struct err *err)
{
	bool all = o->src->docker && !o->src->ref && !name;
	size_t n = 1;

	if (!all)
		return import_one(o, o->src->ref, name, ret, &n, err);
	for (size_t i = 0; i < n; i++) {
		char ref[24];

		snprintf(ref, sizeof(ref), "@%zu", i);
		if (import_one(o, ref, NULL, ret, &n, err) < 0)
			return -1;
	}
	return 0;
}

static int import_tar(const struct store *s, const struct store_source *src, const char *name,
		      struct store_teller *t, struct store_imported *ret, struct err *err)
{
	_cleanup_(store_parcel_fini) struct store_parcel p = { 0 };
	_cleanup_fd_ int fd = -1;
	uint64_t size;

	if (!name)
		return err_kind(err, ERR_USAGE,
				"a tar says nothing about its name: add one, like app:v1");
	fd = open_file(src->path, &size, err);
	if (fd < 0 || take_tar(s, fd, size, t, &p, err) < 0)
		return -1;
	memcpy(ret->id, p.id, sizeof(ret->id));
	return put_names(s, src, name, &p, ret, err);
}

static int import_source(const struct store *s, const struct store_source *src, const char *name,
			 struct store_teller *t, struct store_imported *ret, struct err *err)
{
	_cleanup_(opened_fini) struct opened o = {
		.store = s, .src = src, .teller = t, .folder = -1, .making.fd = -1
	};

	if (src->kind == STORE_TAR)
		return import_tar(s, src, name, t, ret, err);
	return open_source(&o, err) < 0 ? -1 : import_parcels(&o, name, ret, err);
}

int store_import(struct store *s, const char *image, const char *base_dir, const char *name,
		 const struct store_hooks *hooks, struct store_imported *ret, struct err *err)
{
	_cleanup_(store_source_fini) struct store_source src = { 0 };
	_cleanup_(store_reference_fini) struct store_reference wanted = { 0 };
	_cleanup_fd_ int lock = -1;
	struct store_teller t = { hooks->tell, hooks->arg, hooks->progress, 0 };
	enum store_form form = store_image_form(image);

	if (form == STORE_NAME || form == STORE_FOLDER)
		return err_kind(
			err, ERR_USAGE,
			"image '%.200s': to import, name a place: oci:DIR, oci-archive:TAR, docker-archive:TAR, "
			"or a root file system in a tar (a folder can be used as it is: `image: ./folder`)",
			image);
	/* A wrong name is told before minutes of work. */
	if ((name && store_reference_parse(name, &wanted, err) < 0) ||
	    store_source_parse(image, base_dir, &src, err) < 0)
		return -1;
	lock = store_lock(s, false, err);
	if (lock < 0 || import_source(s, &src, name, &t, ret, err) < 0)
		return err_wrap(err, "import '%.200s'", image);
	return 0;
}

void store_imported_fini(struct store_imported *i)
{
	for (size_t k = 0; k < i->names.n; k++)
		free(i->names.v[k]);
	vec_fini(&i->names);
}

/* ---- for a stack ----------------------------------------------------------------------------- */

/* Is the archive still the one that it was imported from? Reading all of it to know would cost as much as importing. */
static int known_archive(const struct store *s, const struct store_source *src,
			 char ret_id[STORE_DIGEST_SIZE], struct err *err)
{
	_cleanup_(store_name_fini) struct store_name n = { 0 };
	_cleanup_fd_ int fd = -1;
	char digest[STORE_DIGEST_SIZE];
	uint64_t size;
	int rc = store_name_get(s, src->name, &n, err);

	if (rc <= 0)
		return rc;
	fd = open_file(src->path, &size, err);
	if (fd < 0 || store_digest(s, fd, digest, err) < 0)
		return -1;
	memcpy(ret_id, n.id, sizeof(n.id));
	return !strcmp(digest, n.file);
}

int store_source_get(const struct store *s, const char *image, const char *base_dir,
		     struct store_teller *t, char ret_id[STORE_DIGEST_SIZE], struct err *err)
{
	_cleanup_(store_source_fini) struct store_source src = { 0 };
	_cleanup_(store_parcel_fini) struct store_parcel p = { 0 };
	_cleanup_(opened_fini) struct opened o = {
		.store = s, .src = &src, .teller = t, .folder = -1, .making.fd = -1
	};
	size_t n;
	int rc;

	if (store_source_parse(image, base_dir, &src, err) < 0)
		return -1;
	rc = src.kind == STORE_ARCHIVE ? known_archive(s, &src, ret_id, err) : 0;
	if (rc)
		return rc < 0 ? err_wrap(err, "image '%.200s'", image) : 0;
	if (src.kind == STORE_ARCHIVE)
		store_tell(t, "unpacking '%s'", src.path);
	if (open_source(&o, err) < 0 || open_parcel(&o, src.ref, &p, &n, err) < 0 ||
	    store_parcel_take(s, o.folder, &p, t, err) < 0 ||
	    store_parcel_name(s, src.name, &p, o.file, true, err) < 0)
		return err_wrap(err, "image '%.200s'", image);
	memcpy(ret_id, p.id, sizeof(p.id));
	return 0;
}
