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

#include "store/store.h"

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

static int get_name(const struct store *s, const char *image, struct store_image *ret,
		    struct err *err)
{
	char *layer;

	if (strcmp(image, "busybox") && strcmp(image, "busybox:latest")) {
		err_kind(err, ERR_CREATE,
			 "image '%.200s': not found: pulling from a registry is not supported yet "
			 "(use busybox, a folder like ./rootfs, / or a tar like ./rootfs.tar.gz)",
			 image);
		err->sys = ENOENT;
		return -1;
	}
	if (store_busybox_get(s, NULL, &layer, err) < 0)
		return -1;
	image_of_layer(layer, ret);
	ret->cmd = words("sh");
	return 0;
}

int store_image_get(struct store *s, const char *image, const char *base_dir,
		    void (*tell)(void *arg, const char *line), void *arg, struct store_image *ret,
		    struct err *err)
{
	const struct store_teller t = { tell, arg, NULL };

	switch (store_image_form(image)) {
	case STORE_NAME:
		return get_name(s, image, ret, err);
	case STORE_FOLDER:
		return get_folder(image, base_dir, ret, err);
	case STORE_TAR:
		return get_tar(s, image, base_dir, &t, ret, err);
	case STORE_OCI:
	case STORE_ARCHIVE:
		break;
	}
	err_kind(err, ERR_CREATE,
		 "image '%.200s': image layouts and archives are not supported yet (unpack it, and "
		 "use the folder or a tar of its root file system)",
		 image);
	err->sys = EOPNOTSUPP;
	return -1;
}
