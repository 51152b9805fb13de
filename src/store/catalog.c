/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * catalog: see catalog.h. Called by import.c, image.c, listing.c and discard.c. Every file is made by one rename; what
 * cannot be read is an error that names the file, never a guess.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/catalog.h"

#define RECORD_MAX     (8u << 20)
#define NAME_MAX_BYTES (16u << 10)
#define LOCK_TRIES     40
#define LOCK_STEP_US   50000

/* ---- the lock -------------------------------------------------------------------------------- */

/* Shared ones are waited for: who removes is done at once. An import may take minutes. */
int store_lock(const struct store *s, bool exclusive, struct err *err)
{
	_cleanup_fd_ int fd =
		openat(s->catalog, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = -1;

	if (fd < 0)
		return err_sys(err, errno, "store: '%s/catalog/lock'", s->dir);
	if (!exclusive)
		rc = flock(fd, LOCK_SH);
	for (int i = 0; exclusive && i < LOCK_TRIES; i++) {
		rc = flock(fd, LOCK_EX | LOCK_NB);
		if (!rc || errno != EWOULDBLOCK)
			break;
		usleep(LOCK_STEP_US);
	}
	if (rc < 0 && errno == EWOULDBLOCK)
		return err_sys(
			err, EBUSY,
			"store: an image is being imported or started just now: try again later");
	return rc < 0 ? err_sys(err, errno, "store: lock '%s/catalog/lock'", s->dir) : take_fd(&fd);
}

/* ---- files of JSON --------------------------------------------------------------------------- */

const char *store_json_text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_t *load(const struct store *s, const char *path, size_t max, struct err *err)
{
	struct buf text = { 0 };
	json_error_t why;
	json_t *o = NULL;

	if (file_read(s->catalog, path, max, &text) < 0) {
		err_sys(err, errno, "store: '%s/catalog/%s'", s->dir, path);
	} else {
		o = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, &why);
		if (!json_is_object(o)) {
			err_set(err,
				"store: '%s/catalog/%s': not readable (remove the file, and import the image again)",
				s->dir, path);
			json_decref(o);
			o = NULL;
		}
	}
	buf_fini(&text);
	return o;
}

static int save(const struct store *s, const char *path, const json_t *o, struct err *err)
{
	char *text = json_dumps(o, JSON_COMPACT);
	int rc = text ? file_replace(s->catalog, path, text, strlen(text), 0600) : -1;

	free(text);
	return rc < 0 ? err_sys(err, text ? errno : ENOMEM, "store: write '%s/catalog/%s'", s->dir,
				path)
		      : 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Names may be longer than those of files. */
static char *name_path(const char *name)
{
	uint8_t sum[SHA256_DIGEST_SIZE];
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(name), (const uint8_t *)name);
	sha256_digest(&ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	return xasprintf("names/%s", hex);
}

void store_name_fini(struct store_name *n)
{
	free(n->name);
	memset(n, 0, sizeof(*n));
}

static void take_digest(const json_t *o, const char *key, char ret[STORE_DIGEST_SIZE])
{
	const char *text = store_json_text(o, key);

	if (text && store_is_digest(text))
		memcpy(ret, text, STORE_DIGEST_SIZE);
}

static int name_load(const struct store *s, const char *path, struct store_name *ret,
		     struct err *err)
{
	json_t *o = load(s, path, NAME_MAX_BYTES, err);
	struct store_name n = { 0 };

	if (!o)
		return -1;
	n.name = xstrdup(store_json_text(o, "name") ? store_json_text(o, "name") : "");
	n.is_source = json_is_true(json_object_get(o, "source"));
	take_digest(o, "id", n.id);
	take_digest(o, "manifest", n.manifest);
	take_digest(o, "file", n.file);
	json_decref(o);
	if (!*n.name || !*n.id) {
		store_name_fini(&n);
		return err_set(
			err,
			"store: '%s/catalog/%s': not readable (remove the file, and import the image again)",
			s->dir, path);
	}
	*ret = n;
	return 0;
}

int store_name_get(const struct store *s, const char *name, struct store_name *ret, struct err *err)
{
	_cleanup_free_ char *path = name_path(name);

	if (faccessat(s->catalog, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	return name_load(s, path, ret, err) < 0 ? -1 : 1;
}

int store_name_age(const struct store *s, const char *name, uint64_t *ret_s, struct err *err)
{
	_cleanup_free_ char *path = name_path(name);
	uint64_t now = time_wall_ns() / 1000000000;
	struct stat st;

	if (fstatat(s->catalog, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? 0
			       : err_sys(err, errno, "store: '%s/catalog/%s'", s->dir, path);
	*ret_s = (uint64_t)st.st_mtime < now ? now - (uint64_t)st.st_mtime : 0;
	return 1;
}

int store_name_put(const struct store *s, const struct store_name *n, struct err *err)
{
	_cleanup_free_ char *path = name_path(n->name);
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", n->name, "id", n->id, "manifest",
			      n->manifest, "file", n->file, "source", n->is_source);
	int rc = o ? save(s, path, o, err)
		   : err_set(err, "image '%.200s': the name is not UTF-8", n->name);

	json_decref(o);
	return rc;
}

int store_name_remove(const struct store *s, const char *name, struct err *err)
{
	_cleanup_free_ char *path = name_path(name);

	if (unlinkat(s->catalog, path, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "store: remove '%s/catalog/%s'", s->dir, path);
	return 0;
}

/* ---- folders --------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that are digests, in their order; what else lies there (a file that is being replaced) is not ours. */
static char **entries(const struct store *s, const char *folder, struct err *err)
{
	int fd = openat(s->catalog, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct VEC(char *) all = { 0 };
	const struct dirent *e;

	if (!dir) {
		err_sys(err, errno, "store: '%s/catalog/%s'", s->dir, folder);
		cleanup_fd(&fd);
		return NULL;
	}
	while ((e = readdir(dir)))
		if (store_is_digest(e->d_name))
			vec_push(&all, xstrdup(e->d_name));
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_text);
	vec_push(&all, NULL);
	return all.v;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct store_name *)a)->name, ((const struct store_name *)b)->name);
}

int store_names_load(const struct store *s, struct store_names *ret, struct err *err)
{
	char **files = entries(s, "names", err);
	int rc = files ? 0 : -1;

	*ret = (struct store_names){ 0 };
	for (char **f = files; f && *f; f++) {
		_cleanup_free_ char *path = xasprintf("names/%s", *f);
		struct store_name n = { 0 };

		if (!rc)
			rc = name_load(s, path, &n, err);
		if (!rc)
			vec_push(ret, n);
		free(*f);
	}
	free(files);
	if (rc < 0)
		store_names_fini(ret);
	else if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return rc;
}

void store_names_fini(struct store_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		store_name_fini(&names->v[i]);
	vec_fini(names);
}

/* ---- records --------------------------------------------------------------------------------- */

int store_record_put(const struct store *s, const char *id, const json_t *record, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("records/%s", id);

	/* Never replaced: locks are held on the file itself, and all of it follows from the id. */
	if (!faccessat(s->catalog, path, F_OK, AT_SYMLINK_NOFOLLOW))
		return 0;
	return save(s, path, record, err);
}

json_t *store_record_get(const struct store *s, const char *id, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("records/%s", id);

	return load(s, path, RECORD_MAX, err);
}

char **store_records(const struct store *s, struct err *err)
{
	return entries(s, "records", err);
}

static int open_record(const struct store *s, const char *id)
{
	_cleanup_free_ char *path = xasprintf("records/%s", id);

	return openat(s->catalog, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

int store_record_hold(struct store *s, const char *id, struct err *err)
{
	_cleanup_fd_ int fd = open_record(s, id);

	if (fd < 0 || flock(fd, LOCK_SH) < 0)
		return err_sys(err, errno, "store: hold the image '%.12s'", id);
	vec_push(&s->held, take_fd(&fd));
	return 0;
}

void store_carry(const struct store *s, struct carry *to)
{
	for (size_t i = 0; i < s->held.n; i++)
		carry_put_fd(carry_add(to, "held"), "lock", s->held.v[i]);
}

bool store_record_is_held(const struct store *s, const char *id)
{
	_cleanup_fd_ int fd = open_record(s, id);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}
