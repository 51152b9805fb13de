/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import.h: images at places that a stack or a user names: oci:DIR, oci-archive:TAR, docker-archive:TAR, a tar.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "store/store.h"

struct store_source {
	enum store_form kind; /* STORE_OCI, STORE_ARCHIVE or STORE_TAR */
	bool docker;	      /* an archive by docker save */
	const char *prefix;   /* `oci:` and its like; NULL for a tar */
	char *path;	      /* absolute */
	char *ref;	      /* behind the path, or NULL */
	char *name;	      /* the whole with the absolute path: what it is called in the catalog */
};
int store_source_parse(const char *image, const char *base_dir, struct store_source *ret, struct err *err);
void store_source_fini(struct store_source *s);

/* Imports it unless that was done before. The lock is held by the caller. */
int store_source_get(const struct store *s, const char *image, const char *base_dir, struct store_teller *t,
		     char ret_id[STORE_DIGEST_SIZE], struct err *err);

#endif
