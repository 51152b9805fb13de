/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parcel.h: an image as it arrives, in a folder with blobs: an OCI image layout, or what `docker save` packs. Nothing of
 * it is trusted: sizes have limits, paths stay in the folder, and what has a digest must have the right one.
 */
#ifndef STORE_PARCEL_H
#define STORE_PARCEL_H

#include <jansson.h>

#include "store/store.h"

/* Of each document. */
#define PARCEL_JSON_MAX (4u << 20)
/* As Docker has it; overlayfs can do more. */
#define PARCEL_LAYERS_MAX 127

struct store_parcel {
	char id[STORE_DIGEST_SIZE];	  /* digest of the configuration */
	char manifest[STORE_DIGEST_SIZE]; /* or "" */
	json_t *config;
	struct store_layer *layers; /* lowest first; fd -1 */
	char **paths;		    /* of their blobs below the folder */
	size_t n_layers;
	char **names; /* what the image calls itself, not completed; NULL-terminated, or NULL */
	char *note;   /* what the user should hear, or NULL */
};
void store_parcel_fini(struct store_parcel *p);

/* What this machine runs, in the words of images. */
struct store_platform {
	const char *arch, *variant; /* variant "" when there is none */
};
struct store_platform store_platform_host(void);
/* 0: not for this machine; else the larger the better. `platform` is that object of a descriptor, or a configuration. */
int store_platform_rank(const json_t *platform, const struct store_platform *host);

/* ---- parcel.c: both kinds ---- */

/* The digits of `sha256:DIGITS`, or NULL with err (another algorithm, or none at all). */
const char *store_digest_text(const char *text, struct err *err);
/*
 * Reads JSON below `dir`, at most `max` bytes. With `digest` (in digits) it must be that; ret_digest (may be NULL) is what it
 * is.
 */
json_t *store_parcel_json(int dir, const char *path, size_t max, const char *digest,
			  char ret_digest[STORE_DIGEST_SIZE], struct err *err);
/* The digests of the layers' content from the configuration, which must be as many as there are layers. */
int store_parcel_check(struct store_parcel *p, const struct store_platform *host, struct err *err);

/* ---- layout.c, savedimage.c ---- */

/* Where the documents of an image are. */
struct store_layout {
	int dir;       /* with blobs/sha256/ */
	json_t *index; /* NULL: index.json */
	/* Asked for each document before it is read from there; NULL: all are there. 0 or -1. */
	int (*get)(void *arg, const char *digest, uint64_t size, bool manifest, struct err *err);
	void *arg;
};
/* `ref` NULL: the only one that is there. `host` decides among those for several machines. */
int store_layout_open(const struct store_layout *from, const char *ref, const struct store_platform *host,
		      struct store_parcel *ret, struct err *err);
/* `ref`: NULL for the only one; @N for the Nth, from 0. *ret_n, when not NULL: how many there are. */
int store_saved_open(int dir, const char *ref, const struct store_platform *host, struct store_parcel *ret,
		     size_t *ret_n, struct err *err);

/* ---- import.c ---- */

/* Unpacks the layers that are not there, from their blobs below `dir`, and writes the image's record. The lock is held. */
int store_parcel_take(const struct store *s, int dir, struct store_parcel *p, struct store_teller *t, struct err *err);
/* Gives it a name in the catalog: a completed reference, or (`source`) where it is from, by a file of this digest or "". */
int store_parcel_name(const struct store *s, const char *name, const struct store_parcel *p, const char *file, bool source,
		      struct err *err);

#endif
