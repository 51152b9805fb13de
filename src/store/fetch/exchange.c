/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exchange: one question over HTTP and what comes back of it. Called by errand.c and login.c. Redirects are not followed here:
 * who may be asked next, and what he may be told, is decided by errand.c.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <strings.h>

#include "store/fetch/fetch.h"

#define CONNECT_S     20
#define COMPLAINT_MAX 16384
#define MANIFESTS                                                                                       \
	"Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " \
	"application/vnd.docker.distribution.manifest.list.v2+json, "                                   \
	"application/vnd.docker.distribution.manifest.v2+json"

/* ---- addresses ------------------------------------------------------------------------------- */

/* A part of the address; "" when there is none. Caller frees by curl_free. */
static char *part(const char *url, CURLUPart which)
{
	CURLU *u = curl_url();
	char *text = NULL;

	if (u && !curl_url_set(u, CURLUPART_URL, url, 0))
		(void)curl_url_get(u, which, &text, CURLU_DEFAULT_PORT);
	curl_url_cleanup(u);
	return text;
}

static bool same_part(const char *a, const char *b, CURLUPart which)
{
	char *x = part(a, which), *y = part(b, which);
	bool same = x && y && !strcasecmp(x, y);

	curl_free(x);
	curl_free(y);
	return same;
}

bool exchange_same_origin(const char *a, const char *b)
{
	return same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) &&
	       same_part(a, b, CURLUPART_PORT);
}

static bool is_loopback(const char *url)
{
	char *host = part(url, CURLUPART_HOST);
	bool is = host && challenge_is_loopback(host);

	curl_free(host);
	return is;
}

int exchange_may_follow(const char *from, const char *to, struct err *err)
{
	char *scheme = part(to, CURLUPART_SCHEME);
	bool secure = scheme && !strcmp(scheme, "https"), plain = scheme && !strcmp(scheme, "http");

	curl_free(scheme);
	if (secure || (plain && is_loopback(from) && is_loopback(to)))
		return 0;
	return err_set(err, "it sends us to '%.200s', and only https is followed", to);
}

/* ---- what comes ------------------------------------------------------------------------------ */

static const char *value_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	line += n + 1;
	return line + strspn(line, " \t");
}

static void take_header(struct answer *a, const char *line)
{
	struct challenge c;
	const char *v;

	if ((v = value_of(line, "Content-Type")))
		challenge_type(v, a->type, sizeof(a->type));
	else if ((v = value_of(line, "Docker-Content-Digest")))
		challenge_digest(v, a->digest);
	else if ((v = value_of(line, "Content-Range")))
		a->part = challenge_range(v, &a->from) == 0;
	else if ((v = value_of(line, "Retry-After")))
		a->retry_s = challenge_retry(v);
	else if ((v = value_of(line, "WWW-Authenticate"))) {
		challenge_parse(v, &c);
		/* There may be a line for each. */
		if (c.scheme > a->challenge.scheme)
			a->challenge = c;
	}
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
	struct task *t = arg;
	size_t len = one * n;
	char line[4096];

	snprintf(line, sizeof(line), "%.*s", (int)len, data);
	line[strcspn(line, "\r\n")] = '\0';
	/* Each answer begins with its status: what came before (100, a proxy's) does not count. */
	if (!strncasecmp(line, "HTTP/", 5)) {
		buf_fini(&t->answer.complaint);
		t->answer = (struct answer){ .any = true };
	} else {
		take_header(&t->answer, line);
	}
	return len;
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct task *t = arg;
	struct buf *b = &t->answer.complaint;
	size_t len = one * n;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200 || status == 206)
		return task_take(t, data, len) < 0 ? 0 : len;
	if (b->len + len > COMPLAINT_MAX)
		return 0;
	buf_add(b, data, len);
	return len;
}

/* ---- asking ---------------------------------------------------------------------------------- */

void exchange_setup(const struct session *s, CURL *easy, const char *url)
{
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "mstack/" MSTACK_VERSION);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT,
			 (long)(s->open.silence_s < CONNECT_S ? s->open.silence_s : CONNECT_S));
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)s->open.silence_s);
	if (*s->open.ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, s->open.ca_file);
	/* Nobody else's machine has a way to our loopback. */
	if (is_loopback(url))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

static void add_header(struct task *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);

	if (more)
		t->headers = more;
}

int exchange_start(struct task *t, struct err *err)
{
	struct session *s = t->session;

	t->easy = curl_easy_init();
	if (!t->easy)
		return err_sys(err, ENOMEM, "libcurl");
	exchange_setup(s, t->easy, t->url);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	if (t->req.kind != FETCH_BLOB)
		add_header(t, MANIFESTS);
	if (t->req.kind == FETCH_LOOK)
		curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
	if (s->auth && !t->foreign)
		add_header(t, s->auth);
	if (t->at) {
		_cleanup_free_ char *range = xasprintf("%llu-", (unsigned long long)t->at);

		curl_easy_setopt(t->easy, CURLOPT_RANGE, range);
	}
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	t->auth_nr = s->auth_nr;
	t->began_at = t->at;
	if (curl_multi_add_handle(s->multi, t->easy))
		return err_sys(err, ENOMEM, "libcurl");
	return 0;
}

void exchange_end(struct task *t)
{
	if (t->easy) {
		curl_multi_remove_handle(t->session->multi, t->easy);
		curl_easy_cleanup(t->easy);
		t->easy = NULL;
	}
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}

/* ---- what an error says ---------------------------------------------------------------------- */

/* {"errors": [{"code", "message"}]} of a registry, {"details"} or {"error"} of token servers. */
char *exchange_complaint(const struct buf *body)
{
	json_t *o =
		body->len ? json_loadb(body->data, body->len, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const json_t *first = json_array_get(json_object_get(o, "errors"), 0);
	const char *words[] = { json_string_value(json_object_get(first, "message")),
				json_string_value(json_object_get(first, "code")),
				json_string_value(json_object_get(o, "details")),
				json_string_value(json_object_get(o, "error")) };
	char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(words) && !text; i++)
		if (words[i] && *words[i])
			text = xasprintf("%.160s", words[i]);
	json_decref(o);
	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return text ? text : xstrdup("");
}

int exchange_fail(struct err *err, long status, const struct buf *body)
{
	_cleanup_free_ char *why = exchange_complaint(body);

	return err_set(err, "HTTP %ld%s%s", status, *why ? ": " : "", why);
}
