/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * errand: one thing that store wants of the registry, over all that it takes: redirects, logins, waiting and trying again,
 * and going on where a broken connection ended. Decides; exchange.c asks. Called by main.c.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/fetch/fetch.h"

#define REDIRECTS_MAX 10
#define LOGINS_MAX    2
/* In a row that brought little; over all, so that nobody can make us drip for ever. */
#define TRIES_MAX     5
#define ALL_TRIES_MAX 50
/* Who does not answer at all is asked once more only. */
#define SILENT_MAX 2
/* So much of it, and a try was worth it. */
#define WORTH	   (256u << 10)
#define TELL_MS	   100
#define BLOCK_SIZE (256u << 10)

/* ---- telling store --------------------------------------------------------------------------- */

static void send_reply(const struct task *t, struct fetch_reply *r)
{
	r->nr = t->req.nr;
	r->bytes = t->at;
	/* Whoever does not listen any more is gone, which main.c will see. */
	(void)send(t->session->sock, r, sizeof(*r), MSG_NOSIGNAL);
}

void task_tell(struct task *t, enum fetch_answer kind, const char *text)
{
	struct fetch_reply r = { .kind = kind };

	snprintf(r.text, sizeof(r.text), "%s", text);
	send_reply(t, &r);
}

static void end(struct task *t)
{
	exchange_end(t);
	buf_fini(&t->answer.complaint);
	cleanup_fd(&t->fd);
	free(t->url);
	*t = (struct task){ .session = t->session, .fd = -1 };
}

static void fail(struct task *t, long status, const struct err *why)
{
	struct fetch_reply r = { .kind = FETCH_FAILED,
				 .status = (int32_t)status,
				 .sys = why->sys,
				 .unreachable = t->unreachable };

	snprintf(r.text, sizeof(r.text), "%s", why->text);
	send_reply(t, &r);
	end(t);
}

static void done(struct task *t, const char *digest)
{
	struct fetch_reply r = { .kind = FETCH_DONE };

	snprintf(r.digest, sizeof(r.digest), "%s", digest);
	snprintf(r.type, sizeof(r.type), "%s", t->answer.type);
	send_reply(t, &r);
	end(t);
}

/* ---- what is in the file --------------------------------------------------------------------- */

static int restart(struct task *t, struct err *err)
{
	t->at = 0;
	t->resumed = false;
	sha256_init(&t->sum);
	if (t->fd >= 0 && ftruncate(t->fd, 0) < 0)
		return err_sys(err, errno, "begin the file anew");
	return 0;
}

/* The beginning that is there is hashed; what is longer than the whole is not of it. */
static int read_beginning(struct task *t, struct err *err)
{
	_cleanup_free_ uint8_t *block = xcalloc(1, BLOCK_SIZE);
	ssize_t n;

	sha256_init(&t->sum);
	while (t->fd >= 0 && t->req.kind == FETCH_BLOB &&
	       (n = pread(t->fd, block, BLOCK_SIZE, (off_t)t->at))) {
		if (n < 0)
			return err_sys(err, errno, "read what is there already");
		t->at += (uint64_t)n;
		if (t->at > t->req.size)
			return restart(t, err);
		sha256_update(&t->sum, (size_t)n, block);
	}
	t->resumed = t->at > 0;
	return 0;
}

/* The first bytes of an answer: do they belong behind what is there? */
static int begin_content(struct task *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 206 && t->answer.part && t->answer.from == t->at)
		return 0;
	if (status == 206)
		return err_set(&t->err, "it sent another part than it was asked for");
	return t->at ? restart(t, &t->err) : 0;
}

int task_take(struct task *t, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	const size_t got = len;
	uint64_t now = time_mono_ms();

	if (t->at == t->began_at && begin_content(t) < 0)
		return -1;
	/* Only the first bytes may begin anew. */
	t->began_at = UINT64_MAX;
	if (len > t->req.size || t->at > t->req.size - len)
		return err_set(&t->err, "more than the %llu bytes that there should be",
			       (unsigned long long)t->req.size);
	sha256_update(&t->sum, len, bytes);
	while (len && t->fd >= 0) {
		ssize_t n = pwrite(t->fd, bytes, len, (off_t)t->at);

		if (n < 0 && errno != EINTR)
			return err_sys(&t->err, errno, "write what comes");
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			t->at += (uint64_t)n;
		}
	}
	t->came += got;
	if (t->came >= WORTH)
		t->tries = 0;
	if (now - t->told_ms >= TELL_MS) {
		t->told_ms = now;
		task_tell(t, FETCH_AT, "");
	}
	return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static char *address(const struct task *t)
{
	const struct session *s = t->session;
	const char *scheme = s->plain ? "http" : "https";

	if (t->req.kind == FETCH_BLOB)
		return xasprintf("%s://%s/v2/%s/blobs/sha256:%s", scheme, s->open.registry,
				 s->open.repository, t->req.digest);
	return xasprintf("%s://%s/v2/%s/manifests/%s", scheme, s->open.registry, s->open.repository,
			 t->req.what);
}

static void ask(struct task *t)
{
	struct err err = { 0 };

	t->wake_ms = t->came = 0;
	t->err = (struct err){ 0 };
	buf_fini(&t->answer.complaint);
	t->answer = (struct answer){ 0 };
	/* A manifest is small: never in parts. */
	if (t->req.kind == FETCH_MANIFEST && restart(t, &err) < 0)
		fail(t, 0, &err);
	else if (exchange_start(t, &err) < 0)
		fail(t, 0, &err);
}

/* Where the registry sends us is good for a moment only: a new try begins with the registry. */
static void ask_anew(struct task *t)
{
	free(t->url);
	t->url = address(t);
	t->foreign = false;
	t->redirects = 0;
	ask(t);
}

static void check_and_end(struct task *t);

void task_begin(struct task *t, struct session *s, const struct fetch_request *req, int fd)
{
	struct err err = { 0 };

	*t = (struct task){ .session = s, .req = *req, .busy = true, .fd = fd };
	if (read_beginning(t, &err) < 0)
		fail(t, 0, &err);
	else if (t->req.kind == FETCH_BLOB && t->at == t->req.size && t->at)
		check_and_end(t);
	else
		ask_anew(t);
}

void task_wake(struct task *t)
{
	ask_anew(t);
}

/* ---- after an answer ------------------------------------------------------------------------- */

/* A little different for each, so that many do not come back at the same moment. */
static void wait_and_retry(struct task *t, unsigned retry_s, const char *why)
{
	uint64_t now = time_mono_ms();
	uint64_t ms = retry_s ? retry_s * 1000 : UINT64_C(1000) << (t->tries - 1);
	_cleanup_free_ char *text = NULL;

	ms += (now * 2654435761u >> 16) % 250;
	text = xasprintf("%s: trying again in %llu s", why, (unsigned long long)(ms / 1000));
	task_tell(t, FETCH_NOTE, text);
	t->wake_ms = now + ms;
}

/* Is this a failure that may be over soon? */
static void retry_or_fail(struct task *t, long status, unsigned tries_max, const struct err *why)
{
	unsigned retry_s = t->answer.retry_s;

	t->tries++;
	t->all_tries++;
	if (t->tries >= tries_max || t->all_tries >= ALL_TRIES_MAX)
		fail(t, status, why);
	else
		wait_and_retry(t, retry_s, why->text);
}

static void digest_text(struct task *t, char ret[65])
{
	uint8_t sum[SHA256_DIGEST_SIZE];

	sha256_digest(&t->sum, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

/* All bytes are there. What was resumed may have had a wrong beginning: once more from the start. */
static void check_and_end(struct task *t)
{
	const char *wanted = *t->req.digest ? t->req.digest : t->answer.digest;
	struct err err = { 0 };
	char found[65];

	digest_text(t, found);
	if (!*wanted || !strcmp(wanted, found)) {
		done(t, found);
		return;
	}
	if (t->resumed && !restart(t, &err)) {
		task_tell(t, FETCH_NOTE, "what was there already is damaged: beginning anew");
		ask_anew(t);
		return;
	}
	if (!err.text[0])
		err_set(&err, "what came has the digest sha256:%s, not sha256:%s as it should",
			found, wanted);
	(void)restart(t, &err);
	fail(t, 0, &err);
}

static void take_redirect(struct task *t, long status)
{
	char *to = NULL;
	struct err err = { 0 };
	bool foreign;

	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &to);
	if (!to || ++t->redirects > REDIRECTS_MAX) {
		err_set(&err, to ? "too many redirects" : "a redirect that leads nowhere");
		fail(t, status, &err);
		return;
	}
	if (exchange_may_follow(t->url, to, &err) < 0) {
		fail(t, status, &err);
		return;
	}
	foreign = t->foreign || !exchange_same_origin(t->url, to);
	to = xstrdup(to);
	exchange_end(t);
	free(t->url);
	t->url = to;
	t->foreign = foreign;
	ask(t);
}

static void take_challenge(struct task *t)
{
	const struct challenge c = t->answer.challenge;
	struct session *s = t->session;
	struct err err = { 0 };
	long status = 401;

	/* Another task may have logged in meanwhile. */
	bool known = t->auth_nr != s->auth_nr;

	if (t->foreign || (!known && t->logins >= LOGINS_MAX)) {
		exchange_fail(&err, 401, &t->answer.complaint);
		fail(t, 401, &err);
		return;
	}
	t->logins++;
	/* The same password once more does not make it right. */
	if (!known && s->auth && c.scheme == CHALLENGE_BASIC)
		exchange_fail(&err, 401, &t->answer.complaint);
	else if (known || login(s, &c, &status, &err) == 0) {
		exchange_end(t);
		ask_anew(t);
		return;
	}
	fail(t, status ? status : 401, &err);
}

static void take_failure(struct task *t, long status)
{
	struct err err = { 0 };

	exchange_fail(&err, status, &t->answer.complaint);
	exchange_end(t);
	if (status == 429 || status == 408 || status >= 500)
		retry_or_fail(t, status, TRIES_MAX, &err);
	else
		fail(t, status, &err);
}

/* A blob whose connection broke silently is short; an empty one has no content that could have told. */
static void take_content(struct task *t)
{
	struct err err = { 0 };

	exchange_end(t);
	if (t->req.kind == FETCH_LOOK) {
		done(t, t->answer.digest);
	} else if (t->req.kind == FETCH_BLOB && t->at < t->req.size) {
		err_set(&err, "only %llu of %llu bytes came", (unsigned long long)t->at,
			(unsigned long long)t->req.size);
		retry_or_fail(t, 0, TRIES_MAX, &err);
	} else {
		check_and_end(t);
	}
}

/* A server that asks for TLS answers plain HTTP in some way of its own. */
static bool speaks_tls(const struct task *t, CURLcode how, long status)
{
	const struct session *s = t->session;

	return s->plain && !t->foreign && !s->auth &&
	       (how == CURLE_WEIRD_SERVER_REPLY || how == CURLE_GOT_NOTHING ||
		how == CURLE_RECV_ERROR || how == CURLE_UNSUPPORTED_PROTOCOL || status == 400);
}

static void explain(const struct task *t, CURLcode how, struct err *err)
{
	const struct session *s = t->session;

	err_set(err, "%s", curl_easy_strerror(how));
	if (how == CURLE_OPERATION_TIMEDOUT)
		err_set(err, t->answer.any ? "nothing came for %u s" : "no answer in %u s",
			s->open.silence_s);
	if (how == CURLE_SSL_CONNECT_ERROR)
		err_set(err,
			"TLS failed; plain http is spoken with registries on this machine only");
	if (how == CURLE_SSL_CACERT_BADFILE)
		err_set(err,
			"the certificates in '%s' cannot be used (a file that everybody may read?)",
			*s->open.ca_file ? s->open.ca_file : "/etc/ssl/certs");
	if (how == CURLE_PEER_FAILED_VERIFICATION)
		err_set(err,
			"its certificate is not trusted here (add the CA to the system's, or name its file in SSL_CERT_FILE)");
}

static void take_broken(struct task *t, CURLcode how)
{
	bool silent = how == CURLE_OPERATION_TIMEDOUT || how == CURLE_COULDNT_CONNECT ||
		      how == CURLE_COULDNT_RESOLVE_HOST;
	bool final = how == CURLE_SSL_CONNECT_ERROR || how == CURLE_PEER_FAILED_VERIFICATION ||
		     how == CURLE_URL_MALFORMAT || how == CURLE_UNSUPPORTED_PROTOCOL ||
		     how == CURLE_SSL_CACERT_BADFILE || how == CURLE_OUT_OF_MEMORY;
	struct err err = { 0 };

	if (t->err.text[0]) {
		err = t->err;
		fail(t, 0, &err);
		return;
	}
	explain(t, how, &err);
	t->unreachable = silent && !t->answer.any;
	exchange_end(t);
	retry_or_fail(t, 0, final ? 0 : silent ? SILENT_MAX : TRIES_MAX, &err);
}

void task_go_on(struct task *t, CURLcode how)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (speaks_tls(t, how, status)) {
		t->session->plain = false;
		exchange_end(t);
		ask_anew(t);
	} else if (how == CURLE_WRITE_ERROR && !t->err.text[0]) {
		/* An error whose words are too long. */
		take_failure(t, status);
	} else if (how) {
		take_broken(t, how);
	} else if (status == 200 || status == 206) {
		take_content(t);
	} else if (status == 416 && t->at && restart(t, &t->err) == 0) {
		exchange_end(t);
		ask_anew(t);
	} else if (status == 301 || status == 302 || status == 303 || status == 307 ||
		   status == 308) {
		take_redirect(t, status);
	} else if (status == 401) {
		take_challenge(t);
	} else {
		take_failure(t, status);
	}
}
