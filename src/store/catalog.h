/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * catalog.h: which images there are, and under which names. Below the data folder:
 *
 *	catalog/lock		held shared while an image is looked up or imported, exclusively while some are removed
 *	catalog/records/ID	one image: its configuration and layers; written once. Who uses it holds a shared lock on
 *				the file, which ends with him however he ends
 *	catalog/names/HASH	what is known under a name: a reference like docker.io/library/alpine:3.19, or where the
 *				image came from, like oci:/srv/app:v1
 *
 * The id of an image is the digest of its configuration, as Docker has it.
 */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include <jansson.h>

#include "store/store.h"

/* ---- reference.c ---- */

struct store_reference {
	char *repo;			/* with its host: docker.io/library/alpine */
	char *tag;			/* NULL: there is a digest alone */
	char digest[STORE_DIGEST_SIZE]; /* of the manifest; "": none */
};
int store_reference_parse(const char *text, struct store_reference *ret, struct err *err);
void store_reference_fini(struct store_reference *r);
/* As people write it: without docker.io and library. Caller frees. */
char *store_reference_familiar(const char *full);
/* 64 hexadecimal digits? */
bool store_is_digest(const char *hex);

/* ---- catalog.c ---- */

struct store_name {
	char *name;			  /* completed reference, or source */
	char id[STORE_DIGEST_SIZE];
	char manifest[STORE_DIGEST_SIZE]; /* or "" */
	char file[STORE_DIGEST_SIZE];	  /* of the archive it came from, or "" */
	bool is_source;			  /* not a reference */
};
void store_name_fini(struct store_name *n);

/* Returns the descriptor that is the lock, or -1 (somebody else is at work, after a little wait). */
int store_lock(const struct store *s, bool exclusive, struct err *err);

/* 1 found, 0 not, -1 error. */
int store_name_get(const struct store *s, const char *name, struct store_name *ret, struct err *err);
/* Seconds since it was put last. 1, 0 there is none, -1. */
int store_name_age(const struct store *s, const char *name, uint64_t *ret_s, struct err *err);
int store_name_put(const struct store *s, const struct store_name *n, struct err *err);
int store_name_remove(const struct store *s, const char *name, struct err *err);
/* All of them, in their order; caller frees. */
struct store_names VEC(struct store_name);
int store_names_load(const struct store *s, struct store_names *ret, struct err *err);
void store_names_fini(struct store_names *names);

/* `{"image": CONFIGURATION, "layers": [DIGEST...], "size": BYTES, "imported": STAMP}`, the lowest layer first. */
int store_record_put(const struct store *s, const char *id, const json_t *record, struct err *err);
/* NULL with err (ENOENT: there is none). */
json_t *store_record_get(const struct store *s, const char *id, struct err *err);
/* Ids, in their order, NULL-terminated; the array and the texts are the caller's. */
char **store_records(const struct store *s, struct err *err);
/* Takes the shared lock that says "in use" until the store is closed. */
int store_record_hold(struct store *s, const char *id, struct err *err);
/* Is it held by somebody? */
bool store_record_is_held(const struct store *s, const char *id);

/* ---- imageconfig.c ---- */

/* The configuration of `record` put into *ret. Strict: what is not as it must be is an error. */
int store_config_read(const json_t *record, struct store_image *ret, struct err *err);
/* An object, or NULL; a text, or NULL. */
const char *store_json_text(const json_t *o, const char *key);

/* ---- import.c ---- */

/* The record of the image that `name` means: reference, id, beginning of an id, source. 1, 0 there is none, -1. */
int store_resolve(const struct store *s, const char *name, char ret_id[STORE_DIGEST_SIZE], struct err *err);
/* The error of those that were asked for a `name` that means none: -1. */
int store_no_image(const char *name, struct err *err);

#endif
