/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetcher.h: what store and its program mstack-fetch say to each other: messages of fixed size over a SOCK_SEQPACKET, which
 * is standard input. First one struct fetch_open, then requests; a file to write into travels with a request that brings
 * bytes, so the program opens none by itself. Several requests may be under way; answers bear the number of theirs. The end
 * of the socket is the end of the program.
 *
 * A file may hold the beginning of a blob already: the program reads it, and asks for the rest.
 */
#ifndef STORE_FETCHER_H
#define STORE_FETCHER_H

#include <stdint.h>

#define FETCHER_NAME "mstack-fetch"

/* Requests under way at the same time. */
#define FETCH_PARALLEL 4

enum fetch_login { FETCH_ANONYMOUS, FETCH_PASSWORD, FETCH_IDENTITY, FETCH_TOKEN };

struct fetch_open {
	char registry[256];   /* HOST or HOST:PORT */
	char repository[256]; /* without the host */
	uint32_t login;	      /* enum fetch_login: what `secret` is */
	char user[256], secret[8192];
	uint32_t silence_s;   /* so long nothing comes: that is an end */
	char ca_file[512];    /* certificates to trust in place of the system's; "" none */
};

enum fetch_kind {
	FETCH_LOOK,	/* which digest has the manifest `what`? */
	FETCH_MANIFEST, /* the manifest `what` */
	FETCH_BLOB,	/* the blob `digest` */
};

struct fetch_request {
	uint32_t kind, nr;
	uint64_t size;	 /* of a blob: so many bytes exactly; of a manifest: the most */
	char digest[65]; /* what comes must have it; of a manifest "": whatever it has */
	char what[144];	 /* of a manifest: tag or sha256:DIGEST */
};

enum fetch_answer {
	FETCH_AT,     /* `bytes` are in the file now */
	FETCH_NOTE,   /* `text` for people */
	FETCH_DONE,   /* digest, type and bytes are set; FETCH_LOOK: digest may be "" (the registry does not say) */
	FETCH_FAILED, /* `text` says why; status of HTTP, 0 none; sys an errno or 0; unreachable: 1 */
};

struct fetch_reply {
	uint32_t kind, nr;
	uint64_t bytes;
	int32_t status, sys, unreachable;
	char digest[65];
	char type[128]; /* the media type of a manifest */
	char text[496];
};

#endif
