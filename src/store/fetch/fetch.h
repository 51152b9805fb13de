/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch.h: what the files of the program mstack-fetch share: one session with one registry, and the tasks in it.
 */
#ifndef STORE_FETCH_FETCH_H
#define STORE_FETCH_FETCH_H

#include <curl/curl.h>
#include <nettle/sha2.h>

#include "store/fetch/challenge.h"
#include "store/fetcher.h"

#define SECRET_HEADER_MAX 16384

struct session {
	struct fetch_open open;
	int sock;
	CURLM *multi;
	bool loopback;	 /* the registry is on this machine: plain HTTP is tried */
	bool plain;	 /* and is what it speaks */
	char *auth;	 /* the header that says who we are; NULL: none is asked for */
	unsigned auth_nr; /* of `auth`: counts up with each new one */
	struct task *tasks;
};

/* What an answer's headers said. */
struct answer {
	bool any; /* there was one */
	char type[128], digest[65];
	struct challenge challenge;
	uint64_t from; /* of a part: where it begins */
	bool part;
	unsigned retry_s;
	struct buf complaint; /* the body of an answer that brings nothing */
};

/* One request of store's, over all that it takes: redirects, logins, new tries. */
struct task {
	struct session *session;
	struct fetch_request req;
	bool busy;
	int fd; /* what it writes into; -1: nothing */
	char *url;
	bool unreachable; /* there was nobody who answers */
	bool foreign; /* redirected: to whom the registry's secrets are not told */
	unsigned redirects, logins, tries, all_tries, auth_nr;
	uint64_t wake_ms; /* 0: it is under way; else it waits until then */
	uint64_t at, began_at, came, told_ms; /* bytes in the file: now, when this try began; by this try */
	struct sha256_ctx sum;
	bool resumed;	/* its beginning was there before */
	CURL *easy;	/* what is under way */
	struct curl_slist *headers;
	struct answer answer;
	struct err err; /* why we broke it off ourselves */
};

/* ---- isolate.c ---- */

/* Shuts the process in for good: nobody's id, no capabilities, no file that can be written, sockets of IP only. */
int fetch_isolate(const char *ca_file, struct err *err);

/* ---- exchange.c: one question to one server ---- */

/* Sets what all have in common; `url` may have user, host and all. */
void exchange_setup(const struct session *s, CURL *easy, const char *url);
/* May `to` follow `from`? https always, plain http from this machine to itself only. 0 or -1. */
int exchange_may_follow(const char *from, const char *to, struct err *err);
/* The same scheme, host and port? */
bool exchange_same_origin(const char *a, const char *b);
/* Begins to ask for the URL of the task, as far as that has come. 0 or -1. */
int exchange_start(struct task *t, struct err *err);
void exchange_end(struct task *t);
/* The reason in the body of an error, in one line; caller frees. "" there is none. */
char *exchange_complaint(const struct buf *body);
/* "HTTP 404: manifest unknown"; names what asked. */
int exchange_fail(struct err *err, long status, const struct buf *body);

/* ---- login.c ---- */

/* Gets what the challenge asks for, into session->auth. May wait. 0, or -1; *ret_status of HTTP or 0. */
int login(struct session *s, const struct challenge *c, long *ret_status, struct err *err);
/* The token in the answer of a token server, or NULL. Caller frees. */
char *login_token(const char *text, size_t len);

/* ---- errand.c ---- */

/* Begins what store asked for; takes over `fd`. */
void task_begin(struct task *t, struct session *s, const struct fetch_request *req, int fd);
/* Its exchange has ended like this. */
void task_go_on(struct task *t, CURLcode how);
/* Its time to wait is over. */
void task_wake(struct task *t);
/* A part of the content has come. 0, or -1 with t->err: enough of it. */
int task_take(struct task *t, const void *data, size_t len);
/* Tells store. */
void task_tell(struct task *t, enum fetch_answer kind, const char *text);

#endif
