/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.h: what the files of this room share: the open store, the making of image folders,
 * digests of files.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "mstack/store.h"

struct store {
	char *dir; /* absolute, as it was given */
	int fd, images, layers, catalog, volumes;
	struct VEC(int) held; /* records of images, and volumes, in use */
};

/* Project, slot and volume names become folder names. 0, or -1 with err. */
int store_name_check(const char *what, const char *name, struct err *err);
/* layer.c: for store_sweep. 0, or -1: it is where it was. */
int store_put_aside(const char *path);

/* ---- image.c: one line to the caller, when he wants to hear it ---- */

struct store_teller {
	void (*tell)(void *arg, const char *line); /* may be NULL */
	void *arg;
	/* Bytes of archives read so far, of how many; may be NULL. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	uint64_t total;
};
void store_tell(const struct store_teller *t, const char *fmt, ...) MSTACK_PRINTF(2, 3);

/* ---- making.c: an image folder comes into being as a whole or not at all ---- */

struct store_making {
	const struct store *store;
	int dir;       /* where it will be: store->images or ->layers */
	int fd;	       /* the folder, locked; -1: there is nothing to take back */
	char name[32]; /* its name while it is being made */
};

/* 1 when the folder `name` is there, 0 when not, -1 error. */
int store_making_there(const struct store *s, int dir, const char *name, struct err *err);
/* Begins an empty folder (0755), after removing what tries that crashed have left. */
int store_making_begin(const struct store *s, int dir, struct store_making *ret, struct err *err);
/* Waits until the content is on disk. */
int store_making_sync(const struct store_making *m, struct err *err);
/* Gives it its name. Somebody else's, made meanwhile under the same name, is as good. */
int store_making_name(struct store_making *m, const char *name, struct err *err);
/* Both. */
int store_making_commit(struct store_making *m, const char *name, struct err *err);
/* Takes back what was not committed. */
void store_making_fini(struct store_making *m);

/* ---- digest.c ---- */

#define STORE_DIGEST_SIZE 65 /* SHA-256 in hexadecimal digits and a NUL */
/*
 * Of the regular file `fd`; known ones are found in an index by device, inode, size and times.
 * May wait.
 */
int store_digest(const struct store *s, int fd, char ret[STORE_DIGEST_SIZE], struct err *err);

/* ---- unpacking.c: mstack-store, the program that reads archives ---- */

struct store_job {
	const char *mode;		 /* UNPACKER_MODE_... */
	const char *what;		 /* before its notes and errors; NULL: nothing */
	int archive, folder;		 /* borrowed; read from where it stands */
	uint64_t size;			 /* of the archive, for the progress */
	char blob[STORE_DIGEST_SIZE];	 /* of a layer: what must come out, "" whatever does */
	char content[STORE_DIGEST_SIZE]; /* of a layer: likewise; afterwards what it is */
	uint64_t bytes;			 /* of a layer: of all files in it, afterwards */
	bool hides_below;		 /* of a layer: nothing of those below it is seen */
	uint64_t read;			 /* so far */
};

/* Some at the same time. The first that fails ends all: -1. May wait. */
int store_unpack_all(struct store_job *jobs, size_t n, const struct store_teller *teller,
		     struct err *err);

/*
 * The attribute by which overlayfs knows a folder that hides all below it: one of root's, which nobody in a container can set, or
 * where root is one of a user namespace one of users' (box mounts with `userxattr` there).
 */
const char *store_opaque(void);

/* ---- layers.c: layers of images, by the digest of their content ---- */

struct store_layer {
	int fd; /* the blob, at its beginning; not asked for when the layer is there already */
	uint64_t size;			 /* of the blob */
	char blob[STORE_DIGEST_SIZE];	 /* "" not known */
	char content[STORE_DIGEST_SIZE]; /* "" not known before, known afterwards */
	uint64_t bytes;			 /* afterwards: of all files in it */
	bool hides_below;		 /* afterwards: nothing of those below it is seen */
};

/* Unpacks those that are not there; all of them or none. May wait. */
int store_layers_get(const struct store *s, struct store_layer *layers, size_t n,
		     const struct store_teller *t, struct err *err);
/* Is it there? Then 1 with bytes and hides_below; 0 not, -1 error. */
int store_layer_look(const struct store *s, struct store_layer *layer, struct err *err);
/* The folder that is mounted; caller frees. */
char *store_layer_path(const struct store *s, const char *content);

/*
 * ---- busybox.c, rootfs.c: each makes one sort of image; *ret is the path of its folder, caller
 * frees ----
 */

/* `hosts`: paths to look for the host's busybox, NULL-terminated; NULL: the usual ones. */
int store_busybox_get(const struct store *s, const char *const *hosts, char **ret, struct err *err);
int store_rootfs_get(const struct store *s, const char *path, const struct store_teller *t,
		     char **ret, struct err *err);

/* ---- applets.c ---- */

/*
 * The names of the applets in the bytes of a busybox; caller frees the array, whose texts point
 * into `bytes` or are constant.
 */
const char **store_applets(const char *bytes, size_t len, size_t *ret_n);

#endif
