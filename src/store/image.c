/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image: from the text behind `image:` to folders that an overlay can be made of. Called by the
 * supervisor before its loop runs and by `image ls` and its like. Decides which form the text
 * has; making is left to busybox.c and rootfs.c.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/import.h"

/* ---- forms ----------------------------------------------------------------------------------- */

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool ends(const char *s, const char *with)
{
	size_t n = strlen(s), m = strlen(with);

	return n > m && !strcmp(s + n - m, with);
}

static bool is_tar_name(const char *s)
{
	static const char *const endings[] = { ".tar",	".tar.gz",   ".tgz",	".tar.xz",
					       ".txz",	".tar.zst",  ".tzst",	".tar.bz2",
					       ".tbz2", ".tar.lzma", ".tar.lz4" };

	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (ends(s, endings[i]))
			return true;
	return false;
}

enum store_form store_image_form(const char *image)
{
	if (begins(image, "oci:"))
		return STORE_OCI;
	if (begins(image, "oci-archive:") || begins(image, "docker-archive:"))
		return STORE_ARCHIVE;
	if (is_tar_name(image))
		return STORE_TAR;
	if (image[0] == '/' || begins(image, "./") || begins(image, "../") || !strcmp(image, ".") ||
	    !strcmp(image, ".."))
		return STORE_FOLDER;
	return STORE_NAME;
}

/* ---- the result ------------------------------------------------------------------------------ */

static char **words(const char *word)
{
	char **v = xcalloc(2, sizeof(*v));

	v[0] = xstrdup(word);
	return v;
}

static void words_free(char **v)
{
	for (char **p = v; p && *p; p++)
		free(*p);
	free(v);
}

/* Takes over `layer`. */
static void image_of_layer(char *layer, struct store_image *ret)
{
	*ret = (struct store_image){ .layers = xcalloc(1, sizeof(char *)), .n_layers = 1 };
	ret->layers[0] = layer;
}

void store_image_fini(struct store_image *img)
{
	for (size_t i = 0; i < img->n_layers; i++)
		free(img->layers[i]);
	free(img->layers);
	words_free(img->entrypoint);
	words_free(img->cmd);
	words_free(img->env);
	words_free(img->volumes);
	words_free(img->exposed);
	words_free(img->labels);
	words_free(img->health.test);
	free(img->user);
	free(img->working_dir);
	free(img->stop_signal);
	memset(img, 0, sizeof(*img));
}

void store_tell(const struct store_teller *t, const char *fmt, ...)
{
	struct buf line = { 0 };
	va_list ap;

	if (!t->tell)
		return;
	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	t->tell(t->arg, buf_str(&line));
	buf_fini(&line);
}

/* ---- each form ------------------------------------------------------------------------------- */

static char *absolute(const char *path, const char *base_dir)
{
	return path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", base_dir, path);
}

static int get_folder(const char *image, const char *base_dir, struct store_image *ret,
		      struct err *err)
{
	_cleanup_free_ char *path = absolute(image, base_dir);
	_cleanup_free_ char *real = realpath(path, NULL);
	struct stat st;

	if (!real || stat(real, &st) < 0)
		return err_sys(err, errno, "image '%s': folder '%s'", image, path);
	if (!S_ISDIR(st.st_mode))
		return err_sys(
			err, ENOTDIR,
			"image '%s': '%s' (a root file system in a file must be a tar and be "
			"named so, like rootfs.tar.gz)",
			image, real);
	image_of_layer(take_ptr(&real), ret);
	ret->host_root = !strcmp(ret->layers[0], "/");
	ret->folder = true;
	return 0;
}

static int get_tar(const struct store *s, const char *image, const char *base_dir,
		   const struct store_teller *t, struct store_image *ret, struct err *err)
{
	_cleanup_free_ char *path = absolute(image, base_dir);
	struct stat st;
	char *layer;

	/* A folder may be named like a tar. */
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return get_folder(image, base_dir, ret, err);
	if (store_rootfs_get(s, path, t, &layer, err) < 0)
		return -1;
	image_of_layer(layer, ret);
	return 0;
}

/* The same layer twice in one overlay is an error of the kernel's; the upper one says all. */
static bool has_layer(const struct store_image *img, const char *path)
{
	for (size_t i = 0; i < img->n_layers; i++)
		if (!strcmp(img->layers[i], path))
			return true;
	return false;
}

/* From the top down, to the first that hides all below it. */
static int take_layers(const struct store *s, const json_t *record, struct store_image *ret,
		       struct err *err)
{
	const json_t *list = json_object_get(record, "layers");
	size_t n = json_array_size(list);

	ret->layers = xcalloc(n + 1, sizeof(*ret->layers));
	while (n--) {
		const char *digest = json_string_value(json_array_get(list, n));
		struct store_layer l = { .fd = -1 };
		char *path;
		int rc;

		if (!digest || !store_is_digest(digest))
			return err_set(
				err,
				"its record names no layer (remove the image and import it again)");
		memcpy(l.content, digest, sizeof(l.content));
		rc = store_layer_look(s, &l, err);
		if (rc <= 0)
			return rc < 0 ? -1
				      : err_set(err, "a layer is missing (import the image again)");
		path = store_layer_path(s, digest);
		if (has_layer(ret, path))
			free(path);
		else
			ret->layers[ret->n_layers++] = path;
		if (l.hides_below)
			break;
	}
	return 0;
}

static int get_record(struct store *s, const char *id, const char *image, struct store_image *ret,
		      struct err *err)
{
	_cleanup_(store_image_fini) struct store_image img = { 0 };
	json_t *record = store_record_get(s, id, err);
	int rc = record ? 0 : -1;

	if (!rc && (take_layers(s, record, &img, err) < 0 ||
		    store_config_read(record, &img, err) < 0 || store_record_hold(s, id, err) < 0))
		rc = -1;
	json_decref(record);
	if (rc < 0)
		return err_wrap(err, "image '%.200s'", image);
	memcpy(img.id, id, sizeof(img.id));
	*ret = img;
	memset(&img, 0, sizeof(img));
	return 0;
}

static int get_busybox(const struct store *s, struct store_image *ret, struct err *err)
{
	char *layer;

	if (store_busybox_get(s, NULL, &layer, err) < 0)
		return -1;
	image_of_layer(layer, ret);
	ret->cmd = words("sh");
	return 0;
}

static int get_name(struct store *s, const char *image, struct store_image *ret, struct err *err)
{
	char id[STORE_DIGEST_SIZE];
	int rc = store_resolve(s, image, id, err);

	if (rc)
		return rc < 0 ? -1 : get_record(s, id, image, ret, err);
	if (!strcmp(image, "busybox") || !strcmp(image, "busybox:latest"))
		return get_busybox(s, ret, err);
	err_kind(
		err, ERR_CREATE,
		"image '%.200s': not here: pull it with `mstack image pull`, import it with `mstack image import`, or "
		"use busybox, a folder like ./rootfs, / or a tar like ./rootfs.tar.gz",
		image);
	err->sys = ENOENT;
	return -1;
}

static int get_source(struct store *s, const char *image, const char *base_dir,
		      struct store_teller *t, struct store_image *ret, struct err *err)
{
	char id[STORE_DIGEST_SIZE];

	if (store_source_get(s, image, base_dir, t, id, err) < 0)
		return -1;
	return get_record(s, id, image, ret, err);
}

int store_image_get(struct store *s, const char *image, const char *base_dir,
		    void (*tell)(void *arg, const char *line), void *arg, struct store_image *ret,
		    struct err *err)
{
	struct store_teller t = { tell, arg, NULL, 0 };
	enum store_form form = store_image_form(image);
	_cleanup_fd_ int lock = -1;

	if (form == STORE_FOLDER)
		return get_folder(image, base_dir, ret, err);
	if (form == STORE_TAR)
		return get_tar(s, image, base_dir, &t, ret, err);
	/* So that nobody removes what is just being looked up. */
	lock = store_lock(s, false, err);
	if (lock < 0)
		return -1;
	return form == STORE_NAME ? get_name(s, image, ret, err)
				  : get_source(s, image, base_dir, &t, ret, err);
}

/* ---- the same one again ---------------------------------------------------------------------- */

/* All else of one of the catalog stands in its record. */
void store_image_carry(const struct store_image *img, struct carry *to)
{
	if (*img->id) {
		carry_put(to, "id", img->id);
		return;
	}
	carry_put(to, "layer", img->layers[0]);
	carry_put_num(to, "host-root", img->host_root);
	carry_put_num(to, "folder", img->folder);
	if (img->cmd)
		carry_put(to, "command", img->cmd[0]);
}

static int resume_record(struct store *s, const char *image, const char *id,
			 struct store_image *ret, struct err *err)
{
	_cleanup_fd_ int lock = store_lock(s, false, err);

	return lock < 0 ? -1 : get_record(s, id, image, ret, err);
}

int store_image_resume(struct store *s, const char *image, const struct carry *from,
		       struct store_image *ret, struct err *err)
{
	const char *id = carry_text(from, "id"), *layer = carry_text(from, "layer");
	const char *command = carry_text(from, "command");

	if (id && store_is_digest(id))
		return resume_record(s, image, id, ret, err);
	if (!layer)
		return err_set(err, "image '%.200s': it was not carried over", image);
	image_of_layer(xstrdup(layer), ret);
	ret->host_root = carry_num(from, "host-root", 0);
	ret->folder = carry_num(from, "folder", 0);
	ret->cmd = command ? words(command) : NULL;
	return 0;
}
