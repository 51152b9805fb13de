/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pull: one image comes from a registry: what its name means there, the manifest for this machine, the layers that are not
 * here, and then what import does with an image that has arrived. Called by pulls.c, in a process of its own for each
 * image. Specification: opencontainers/distribution-spec.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/parcel.h"
#include "store/remote.h"

#define SILENCE_S     60
#define SILENCE_S_MAX 3600
#define BLOB_MAX      (64ull << 30)
#define DOCKER	      "docker.io"
#define DOCKER_HOST   "registry-1.docker.io"

struct pulling {
	const struct store *store;
	struct store_pull *pull;
	struct store_teller *teller;
	struct store_reference ref;
	char *name;		/* what it is called in the catalog */
	struct store_name have; /* what that is now; name NULL: nothing */
	struct store_staging staging;
	struct store_fetcher fetcher;
	struct VEC(struct store_staged) blobs; /* that we hold */
	char digest[STORE_DIGEST_SIZE];	       /* of what the name means at the registry */
	json_t *index;			       /* one that leads to it */
};

static void pulling_fini(struct pulling *p)
{
	for (size_t i = 0; i < p->blobs.n; i++)
		store_staging_drop(&p->staging, &p->blobs.v[i], false);
	vec_fini(&p->blobs);
	store_fetcher_close(&p->fetcher);
	store_staging_close(&p->staging);
	store_reference_fini(&p->ref);
	store_name_fini(&p->have);
	json_decref(p->index);
	free(p->name);
}

/* ---- the registry ---------------------------------------------------------------------------- */

static uint32_t silence(void)
{
	const char *set = getenv("MSTACK_PULL_TIMEOUT");
	long s = set ? strtol(set, NULL, 10) : 0;

	return s > 0 && s <= SILENCE_S_MAX ? (uint32_t)s : SILENCE_S;
}

static int put(char *to, size_t size, const char *text, size_t len, struct err *err)
{
	if (len >= size)
		return err_set(err, "'%.80s...' is too long", text);
	memcpy(to, text, len);
	to[len] = '\0';
	return 0;
}

static int open_registry(struct pulling *p, struct err *err)
{
	const char *slash = strchr(p->ref.repo, '/'), *ca = getenv("SSL_CERT_FILE");
	_cleanup_free_ char *host = xasprintf("%.*s", (int)(slash - p->ref.repo), p->ref.repo);
	const char *real = strcmp(host, DOCKER) ? host : DOCKER_HOST;
	_cleanup_free_ struct fetch_open *o = xcalloc(1, sizeof(*o));
	int rc;

	o->silence_s = silence();
	if (put(o->registry, sizeof(o->registry), real, strlen(real), err) < 0 ||
	    put(o->repository, sizeof(o->repository), slash + 1, strlen(slash + 1), err) < 0 ||
	    (ca && *ca == '/' && put(o->ca_file, sizeof(o->ca_file), ca, strlen(ca), err) < 0) ||
	    store_credentials(host, o, err) < 0)
		return -1;
	rc = store_fetcher_open(o, p->teller, &p->fetcher, err);
	explicit_bzero(o->secret, sizeof(o->secret));
	return rc;
}

static struct store_fetch want(const struct pulling *p, enum fetch_kind kind)
{
	struct store_fetch job = { .req.kind = kind, .req.size = PARCEL_JSON_MAX, .fd = -1 };

	if (*p->ref.digest)
		snprintf(job.req.what, sizeof(job.req.what), "sha256:%s", p->ref.digest);
	else
		snprintf(job.req.what, sizeof(job.req.what), "%s", p->ref.tag);
	memcpy(job.req.digest, p->ref.digest, sizeof(job.req.digest));
	return job;
}

/* ---- what the name means --------------------------------------------------------------------- */

/* The manifest, or the list of those for several machines, goes to where follow() of the layout finds it. */
static int keep(struct pulling *p, int fd, struct err *err)
{
	struct store_staged b = { .fd = -1 };
	_cleanup_free_ char *text = NULL;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0 || st.st_size > PARCEL_JSON_MAX)
		return err_sys(err, EFBIG, "manifest");
	text = xcalloc(1, (size_t)st.st_size + 1);
	if (pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
		return err_sys(err, errno, "manifest");
	rc = store_staging_take(&p->staging, p->digest, true, &b, err);
	if (rc < 0)
		return -1;
	vec_push(&p->blobs, b);
	if (rc)
		return 0;
	if (ftruncate(b.fd, 0) < 0 || fd_write_all(b.fd, text, (size_t)st.st_size) < 0)
		return err_sys(err, errno, "manifest");
	return store_staging_finish(&p->staging, &p->blobs.v[p->blobs.n - 1], err);
}

/* It leads to nothing but the manifest; whether that has the digest is looked at by who reads it. */
static json_t *index_of(const struct store_fetch *job)
{
	json_t *d = json_pack("{s:o, s:I}", "digest", json_sprintf("sha256:%s", job->reply.digest),
			      "size", (json_int_t)job->reply.bytes);
	const char *type = job->reply.type;

	/* Some say text/plain or the like: then the document decides what it is. */
	if (strstr(type, "manifest") || strstr(type, "index"))
		json_object_set_new(d, "mediaType", json_string(type));
	return json_pack("{s:[o]}", "manifests", d);
}

static int get_top(struct pulling *p, struct err *err)
{
	struct store_fetch job = want(p, FETCH_MANIFEST);
	_cleanup_fd_ int fd = memfd_create("mstack-manifest", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "memfd_create");
	job.fd = fd;
	if (store_fetch_all(&p->fetcher, &job, 1, err) < 0)
		return -1;
	if (!store_is_digest(job.reply.digest))
		return err_set(err, FETCHER_NAME " did not tell the digest");
	memcpy(p->digest, job.reply.digest, sizeof(p->digest));
	p->index = index_of(&job);
	return keep(p, fd, err);
}

/* Asks for the digest alone, as long as that may be enough. */
static int look(struct pulling *p, struct err *err)
{
	struct store_fetch job = want(p, FETCH_LOOK);

	if (store_fetch_all(&p->fetcher, &job, 1, err) < 0)
		return -1;
	if (store_is_digest(job.reply.digest))
		memcpy(p->digest, job.reply.digest, sizeof(p->digest));
	return 0;
}

/* ---- what is needed of it -------------------------------------------------------------------- */

/* For the layout: a manifest or a configuration. */
static int get_document(void *arg, const char *digest, uint64_t size, bool manifest,
			struct err *err)
{
	struct pulling *p = arg;
	struct store_fetch job = { .req.kind = manifest ? FETCH_MANIFEST : FETCH_BLOB,
				   .req.size = size };
	struct store_staged b = { .fd = -1 };
	int rc = store_staging_take(&p->staging, digest, true, &b, err);

	if (rc < 0)
		return -1;
	vec_push(&p->blobs, b);
	if (rc)
		return 0;
	memcpy(job.req.digest, digest, sizeof(job.req.digest));
	snprintf(job.req.what, sizeof(job.req.what), "sha256:%s", digest);
	job.fd = b.fd;
	if (store_fetch_all(&p->fetcher, &job, 1, err) < 0)
		return -1;
	return store_staging_finish(&p->staging, &p->blobs.v[p->blobs.n - 1], err);
}

static bool is_begun(const struct pulling *p, size_t from, const char *digest)
{
	for (size_t i = from; i < p->blobs.n; i++)
		if (!strcmp(p->blobs.v[i].digest, digest))
			return true;
	return false;
}

/* Fetches those that nobody else is fetching; with `wait` the others too, one by one as they become free. */
static int get_some(struct pulling *p, struct store_parcel *parcel, bool wait, struct err *err)
{
	_cleanup_free_ struct store_fetch *jobs = xcalloc(parcel->n_layers + 1, sizeof(*jobs));
	_cleanup_free_ size_t *held = xcalloc(parcel->n_layers + 1, sizeof(*held));
	size_t n = 0, from = p->blobs.n;

	for (size_t i = 0; i < parcel->n_layers; i++) {
		struct store_layer *l = &parcel->layers[i];
		int there = store_layer_look(p->store, l, err), rc;
		struct store_staged b = { .fd = -1 };

		if (there < 0)
			return -1;
		if (there || is_begun(p, wait ? 0 : from, l->blob))
			continue;
		if (l->size > BLOB_MAX)
			return err_sys(err, EFBIG, "layer %zu", i + 1);
		rc = store_staging_take(&p->staging, l->blob, wait, &b, err);
		if (rc < 0)
			return -1;
		if (rc == 2)
			continue;
		held[n] = p->blobs.n;
		vec_push(&p->blobs, b);
		if (rc)
			continue;
		jobs[n] = (struct store_fetch){ .req = { .kind = FETCH_BLOB, .size = l->size },
						.fd = b.fd,
						.counts = true };
		memcpy(jobs[n].req.digest, l->blob, sizeof(l->blob));
		n++;
		/* While we wait for the next, others may wait for this one. */
		if (wait)
			break;
	}
	if (store_fetch_all(&p->fetcher, jobs, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (store_staging_finish(&p->staging, &p->blobs.v[held[i]], err) < 0)
			return -1;
	return (int)n;
}

static int get_layers(struct pulling *p, struct store_parcel *parcel, struct err *err)
{
	int rc = get_some(p, parcel, false, err);

	while (rc >= 0 && (rc = get_some(p, parcel, true, err)) > 0)
		;
	return rc;
}

/* ---- all together ---------------------------------------------------------------------------- */

static int conclude(struct pulling *p, const char *id, enum store_pull_state state,
		    const char *digest)
{
	snprintf(p->pull->name, sizeof(p->pull->name), "%s", p->name);
	snprintf(p->pull->id, sizeof(p->pull->id), "%s", id);
	snprintf(p->pull->digest, sizeof(p->pull->digest), "%s", digest);
	p->pull->state = state;
	return 0;
}

/* The name is given anew, which tells when that was. */
static int is_current(struct pulling *p, struct err *err)
{
	if (!p->pull->check && store_name_put(p->store, &p->have, err) < 0)
		return -1;
	return conclude(p, p->have.id, STORE_PULL_CURRENT, p->have.manifest);
}

static int take(struct pulling *p, struct store_parcel *parcel, struct err *err)
{
	if (get_layers(p, parcel, err) < 0)
		return -1;
	store_tell(p->teller, "unpacking");
	p->teller->progress = NULL;
	if (store_parcel_take(p->store, p->staging.dir, parcel, p->teller, err) < 0)
		return -1;
	memcpy(parcel->manifest, p->digest, sizeof(parcel->manifest));
	if (store_parcel_name(p->store, p->name, parcel, "", false, err) < 0)
		return -1;
	for (size_t i = 0; i < p->blobs.n; i++)
		store_staging_drop(&p->staging, &p->blobs.v[i], true);
	p->blobs.n = 0;
	return conclude(p, parcel->id, STORE_PULL_NEW, p->digest);
}

/* The list may have changed for other machines only: what counts is the image. */
static int compare(struct pulling *p, struct err *err)
{
	const struct store_layout layout = {
		.dir = p->staging.dir, .index = p->index, .get = get_document, .arg = p
	};
	_cleanup_(store_parcel_fini) struct store_parcel parcel = { 0 };
	struct store_platform host = store_platform_host();

	if (store_layout_open(&layout, NULL, &host, &parcel, err) < 0)
		return -1;
	if (p->have.name && !strcmp(parcel.id, p->have.id)) {
		memcpy(p->have.manifest, p->digest, sizeof(p->digest));
		return is_current(p, err);
	}
	if (p->pull->check)
		return conclude(p, parcel.id, STORE_PULL_NEW, p->digest);
	return take(p, &parcel, err);
}

static int run(struct pulling *p, struct err *err)
{
	bool known = p->have.name && *p->have.manifest;

	/* A digest never comes to mean anything else. */
	if (known && *p->ref.digest)
		return is_current(p, err);
	if (store_staging_open(p->store, &p->staging, err) < 0 || open_registry(p, err) < 0 ||
	    ((known || p->pull->check) && look(p, err) < 0))
		return -1;
	if (p->pull->check && !p->have.name)
		return conclude(p, "", STORE_PULL_ABSENT, p->digest);
	if (known && !strcmp(p->digest, p->have.manifest))
		return is_current(p, err);
	return get_top(p, err) < 0 ? -1 : compare(p, err);
}

int store_pull_one(const struct store *s, struct store_pull *pull, struct store_teller *t,
		   struct err *err)
{
	_cleanup_(pulling_fini) struct pulling p = { .store = s,
						     .pull = pull,
						     .teller = t,
						     .staging = { .dir = -1, .blobs = -1 },
						     .fetcher.sock = -1 };
	_cleanup_fd_ int lock = -1;
	int rc;

	if (store_image_form(pull->image) != STORE_NAME)
		return err_kind(
			err, ERR_USAGE,
			"image '%.200s': a place, not a name at a registry: it is not pulled",
			pull->image);
	if (store_reference_parse(pull->image, &p.ref, err) < 0)
		return -1;
	p.name = *p.ref.digest ? xasprintf("%s@sha256:%s", p.ref.repo, p.ref.digest)
			       : xasprintf("%s:%s", p.ref.repo, p.ref.tag);
	/* So that no layer that is here goes away meanwhile. */
	lock = store_lock(s, false, err);
	rc = lock < 0 ? -1 : store_name_get(s, p.name, &p.have, err);
	if (rc >= 0)
		rc = run(&p, err);
	return rc < 0 ? err_wrap(err, "image '%.200s'", pull->image) : 0;
}
