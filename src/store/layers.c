/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layers: the layers of images, unpacked once each and shared by all images that have them. layers/DIGEST is named by the
 * digest of the tar (what an image's configuration calls diff id), so it does not matter how the tar was compressed:
 *
 *	tree/	what is mounted
 *	info	`BYTES` or `BYTES opaque`: the size of all files; whether layers below it are not seen at all
 *
 * Called by import.c. All layers of an image are unpacked before any of them gets its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"
#include "store/unpacker.h"

#define INFO	 "info"
#define INFO_MAX 64
#define TREE	 "tree"

char *store_layer_path(const struct store *s, const char *content)
{
	return xasprintf("%s/layers/%s/" TREE, s->dir, content);
}

int store_layer_look(const struct store *s, struct store_layer *l, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" INFO, l->content);
	char word[16] = "";
	struct buf text = { 0 };
	int rc, n;

	if (!*l->content)
		return 0;
	rc = file_read(s->layers, path, INFO_MAX, &text);
	if (rc < 0 && errno == ENOENT)
		return 0;
	if (rc < 0)
		return err_sys(err, errno, "store: '%s/layers/%s'", s->dir, path);
	n = sscanf(buf_str(&text), "%" SCNu64 " %15s", &l->bytes, word);
	buf_fini(&text);
	l->hides_below = !strcmp(word, "opaque");
	return n >= 1 ? 1 : err_set(err, "store: '%s/layers/%s': not readable", s->dir, path);
}

/* ---- making ---------------------------------------------------------------------------------- */

struct made {
	struct store_layer *layer;
	struct store_making making;
	int tree;
	char what[64];
};

static int begin(const struct store *s, struct made *m, struct store_job *job, struct err *err)
{
	struct store_layer *l = m->layer;

	if (store_making_begin(s, s->layers, &m->making, err) < 0)
		return -1;
	if (mkdirat(m->making.fd, TREE, 0755) < 0)
		return err_sys(err, errno, "store: make '" TREE "' in '%s/layers'", s->dir);
	m->tree = openat(m->making.fd, TREE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->tree < 0)
		return err_sys(err, errno, "store: open '" TREE "' in '%s/layers'", s->dir);
	*job = (struct store_job){ .mode = UNPACKER_MODE_LAYER,
				   .what = m->what,
				   .archive = l->fd,
				   .folder = m->tree,
				   .size = l->size };
	memcpy(job->blob, l->blob, sizeof(job->blob));
	memcpy(job->content, l->content, sizeof(job->content));
	return 0;
}

static int finish(const struct made *m, const struct store_job *job, struct err *err)
{
	struct store_layer *l = m->layer;
	struct buf info = { 0 };
	int rc;

	if (!*job->content)
		return err_set(err, "%s: " UNPACKER_NAME " did not tell its digest", m->what);
	memcpy(l->content, job->content, sizeof(l->content));
	l->bytes = job->bytes;
	l->hides_below = job->hides_below;
	buf_printf(&info, "%" PRIu64 "%s\n", l->bytes, l->hides_below ? " opaque" : "");
	rc = file_replace(m->making.fd, INFO, info.data, info.len, 0600);
	buf_fini(&info);
	return rc < 0 ? err_sys(err, errno, "%s: write '" INFO "'", m->what) : 0;
}

static int make_all(const struct store *s, struct made *made, size_t n,
		    const struct store_teller *t, struct err *err)
{
	_cleanup_free_ struct store_job *jobs = xcalloc(n, sizeof(*jobs));

	for (size_t i = 0; i < n; i++)
		if (begin(s, &made[i], &jobs[i], err) < 0)
			return -1;
	if (store_unpack_all(jobs, n, t, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (finish(&made[i], &jobs[i], err) < 0)
			return -1;
	/* One for all: else a power cut could leave names on disk, and half of what they name. */
	if (store_making_sync(&made[0].making, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (store_making_name(&made[i].making, made[i].layer->content, err) < 0)
			return -1;
	return 0;
}

/* The same layer may be in an image several times. */
static bool is_begun(const struct made *made, size_t n, const struct store_layer *l)
{
	for (size_t i = 0; i < n; i++)
		if (*l->content && !strcmp(made[i].layer->content, l->content))
			return true;
	return false;
}

int store_layers_get(const struct store *s, struct store_layer *layers, size_t n,
		     const struct store_teller *t, struct err *err)
{
	_cleanup_free_ struct made *made = xcalloc(n + 1, sizeof(*made));
	size_t missing = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		int there = store_layer_look(s, &layers[i], err);
		struct made *m = &made[missing];

		if (there < 0)
			return -1;
		if (there || is_begun(made, missing, &layers[i]))
			continue;
		*m = (struct made){ .layer = &layers[i], .making.fd = -1, .tree = -1 };
		snprintf(m->what, sizeof(m->what), "layer %zu of %zu", i + 1, n);
		missing++;
	}
	if (missing)
		rc = make_all(s, made, missing, t, err);
	for (size_t i = 0; i < missing; i++) {
		cleanup_fd(&made[i].tree);
		store_making_fini(&made[i].making);
	}
	/* Those that were there twice know now what they are. */
	for (size_t i = 0; !rc && i < n; i++)
		rc = store_layer_look(s, &layers[i], err) < 0 ? -1 : 0;
	return rc;
}
