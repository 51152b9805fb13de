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
	int fd, images, volumes;
};

/* Project, slot and volume names become folder names. 0, or -1 with err. */
int store_name_check(const char *what, const char *name, struct err *err);

/* ---- image.c: one line to the caller, when he wants to hear it ---- */

struct store_teller {
	void (*tell)(void *arg, const char *line);
	void *arg;
};
void store_tell(const struct store_teller *t, const char *fmt, ...) MSTACK_PRINTF(2, 3);

/* ---- making.c: an image folder comes into being as a whole or not at all ---- */

struct store_making {
	const struct store *store;
	int fd;	       /* the folder, locked; -1: there is nothing to take back */
	char name[32]; /* its name while it is being made */
};

/* 1 when images/NAME is there, 0 when not, -1 error. */
int store_image_there(const struct store *s, const char *name, struct err *err);
/* Begins an empty folder (0755), after removing what tries that crashed have left. */
int store_making_begin(const struct store *s, struct store_making *ret, struct err *err);
/* Gives it its name. Somebody else's, made meanwhile under the same name, is as good. */
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
