/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remote.h: images of registries: who we are there, what has come so far, the process that fetches. Below the data folder:
 *
 *	downloads/blobs/sha256/DIGEST	a blob that is whole and has this digest; who needs it holds a shared lock on it
 *	downloads/blobs/sha256/DIGEST.part	the beginning of one; who fetches it holds the lock alone. It outlives a crash, so
 *					that the next pull goes on where this one ended; after a day it is removed
 */
#ifndef STORE_REMOTE_H
#define STORE_REMOTE_H

#include "store/fetcher.h"
#include "store/store.h"

/* ---- credentials.c: ~/.docker/config.json ---- */

/*
 * What `docker login` has written down for this registry, into `login`, `user` and `secret`. Nothing is executed: what only a
 * credential helper knows is an error that names it. 0, also when there is nothing; -1.
 */
int store_credentials(const char *registry, struct fetch_open *ret, struct err *err);

/* ---- staging.c: blobs on their way into the store ---- */

struct store_staging {
	const struct store *store;
	int dir, blobs; /* downloads, and the folder of its blobs */
};
/* Makes the folders, and removes what is older than a day and nobody uses. */
int store_staging_open(const struct store *s, struct store_staging *ret, struct err *err);
void store_staging_close(struct store_staging *st);

struct store_staged {
	char digest[STORE_DIGEST_SIZE];
	int fd; /* with the lock; -1: not taken */
};
/* 1 it is whole; 0 what is there of it is to be completed; 2 somebody else is at it (never with `wait`); -1. */
int store_staging_take(const struct store_staging *st, const char *digest, bool wait, struct store_staged *ret,
		       struct err *err);
/* It is whole now. */
int store_staging_finish(const struct store_staging *st, struct store_staged *b, struct err *err);
/* We do not need it any more; with `remove` it goes when nobody else does. */
void store_staging_drop(const struct store_staging *st, struct store_staged *b, bool remove);
/* Removes what nobody uses and was written last so many seconds ago; adds up its bytes. */
void store_staging_sweep(const struct store *s, uint64_t older_s, uint64_t *ret_bytes);

/* ---- fetching.c: mstack-fetch, the program that talks to registries ---- */

struct store_fetcher {
	pid_t pid;
	int sock;
	char registry[256]; /* for messages */
	const struct store_teller *teller;
};
int store_fetcher_open(const struct fetch_open *open, const struct store_teller *t, struct store_fetcher *ret,
		       struct err *err);
void store_fetcher_close(struct store_fetcher *f);

struct store_fetch {
	struct fetch_request req;
	int fd;			  /* what it is written into, borrowed; -1 nothing */
	struct fetch_reply reply; /* afterwards */
	bool counts;		  /* for the progress: a layer */
	uint64_t at;		  /* bytes so far */
};
/* Some at the same time, calling progress of the teller. The first that fails ends all: -1. May wait. */
int store_fetch_all(struct store_fetcher *f, struct store_fetch *jobs, size_t n, struct err *err);

/* ---- pull.c ---- */

/* One image, in this process. May wait. */
int store_pull_one(const struct store *s, struct store_pull *p, struct store_teller *t, struct err *err);

#endif
