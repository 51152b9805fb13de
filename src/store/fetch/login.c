/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * login: from a challenge of the registry to the header that answers it: Basic, or a token that a server of the registry's
 * choice gives out. Called by errand.c; waits for that server, while the other tasks' bytes wait in their sockets.
 * Specification: distribution/spec/auth/token.md, oauth.md.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "store/fetch/fetch.h"

#define ANSWER_MAX (256u << 10)
#define TOTAL_S	   60

static size_t on_answer(char *data, size_t one, size_t n, void *arg)
{
	struct buf *b = arg;

	if (b->len + one * n > ANSWER_MAX)
		return 0;
	buf_add(b, data, one * n);
	return one * n;
}

/* It becomes a header: nothing but what can stand in one. */
char *login_token(const char *text, size_t len)
{
	json_t *o = json_loadb(text, len, 0, NULL);
	const char *token = json_string_value(json_object_get(o, "token"));
	bool good;
	char *ret;

	if (!token || !*token)
		token = json_string_value(json_object_get(o, "access_token"));
	good = token && *token && strlen(token) < SECRET_HEADER_MAX;
	for (const char *c = token; good && *c; c++)
		good = *c > ' ' && *c < 0x7f;
	ret = good ? xstrdup(token) : NULL;
	json_decref(o);
	return ret;
}

/* NAME=VALUE behind what is there, as it must be in an address. */
static void add_param(CURL *easy, struct buf *b, const char *name, const char *value)
{
	char *safe = curl_easy_escape(easy, value, 0);

	buf_printf(b, "%s%s=%s", b->len && !strchr("?&", b->data[b->len - 1]) ? "&" : "", name,
		   safe ? safe : "");
	curl_free(safe);
}

static void add_scope(CURL *easy, struct buf *b, const struct session *s, const struct challenge *c)
{
	_cleanup_free_ char *usual = xasprintf("repository:%s:pull", s->open.repository);

	if (*c->service)
		add_param(easy, b, "service", c->service);
	add_param(easy, b, "scope", *c->scope ? c->scope : usual);
}

/* With the user's password by GET; with a token that stands for him by POST. */
static void set_question(const struct session *s, const struct challenge *c, CURL *easy,
			 struct buf *url, struct buf *form)
{
	buf_puts(url, c->realm);
	if (s->open.login == FETCH_IDENTITY) {
		add_param(easy, form, "grant_type", "refresh_token");
		add_param(easy, form, "client_id", "mstack");
		add_param(easy, form, "refresh_token", s->open.secret);
		add_scope(easy, form, s, c);
	} else {
		buf_putc(url, strchr(c->realm, '?') ? '&' : '?');
		add_scope(easy, url, s, c);
	}
	exchange_setup(s, easy, buf_str(url));
	if (s->open.login == FETCH_IDENTITY) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buf_str(form));
	} else if (s->open.login == FETCH_PASSWORD) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, s->open.user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, s->open.secret);
	}
}

static int ask(const struct session *s, const struct challenge *c, CURL *easy, struct buf *answer,
	       long *ret_status, struct err *err)
{
	struct buf url = { 0 }, form = { 0 };
	CURLcode rc;

	set_question(s, c, easy, &url, &form);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)TOTAL_S);
	rc = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, ret_status);
	buf_fini(&url);
	buf_fini(&form);
	if (rc)
		return err_set(err, "%s", curl_easy_strerror(rc));
	return *ret_status == 200 ? 0 : exchange_fail(err, *ret_status, answer);
}

static int get_token(struct session *s, const struct challenge *c, char **ret, long *ret_status,
		     struct err *err)
{
	_cleanup_free_ char *base =
		xasprintf("%s://%s/", s->plain ? "http" : "https", s->open.registry);
	CURL *easy = curl_easy_init();
	struct buf answer = { 0 };
	int rc = easy ? exchange_may_follow(base, c->realm, err) : err_sys(err, ENOMEM, "libcurl");

	if (!rc)
		rc = ask(s, c, easy, &answer, ret_status, err);
	if (!rc) {
		*ret = login_token(buf_str(&answer), answer.len);
		rc = *ret ? 0 : err_set(err, "there is no token in the answer");
	}
	curl_easy_cleanup(easy);
	buf_fini(&answer);
	return rc < 0 ? err_wrap(err, "token server '%.160s'", c->realm) : 0;
}

static char *basic(const struct session *s)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	_cleanup_free_ char *plain = xasprintf("%s:%s", s->open.user, s->open.secret);
	struct buf b = { 0 };

	buf_puts(&b, "Authorization: Basic ");
	for (size_t i = 0, n = strlen(plain); i < n; i += 3) {
		uint32_t three = (uint32_t)(uint8_t)plain[i] << 16;

		three |= i + 1 < n ? (uint32_t)(uint8_t)plain[i + 1] << 8 : 0;
		three |= i + 2 < n ? (uint8_t)plain[i + 2] : 0;
		buf_putc(&b, letters[three >> 18]);
		buf_putc(&b, letters[three >> 12 & 63]);
		buf_putc(&b, i + 1 < n ? letters[three >> 6 & 63] : '=');
		buf_putc(&b, i + 2 < n ? letters[three & 63] : '=');
	}
	return buf_take(&b);
}

int login(struct session *s, const struct challenge *c, long *ret_status, struct err *err)
{
	_cleanup_free_ char *token = NULL;
	char *auth;

	if (c->scheme == CHALLENGE_NONE)
		return err_set(err, "it asks for a login of a kind that is not supported");
	if (c->scheme == CHALLENGE_BASIC && s->open.login != FETCH_PASSWORD)
		return err_set(err, "it asks for user and password");
	if (c->scheme == CHALLENGE_BASIC) {
		auth = basic(s);
	} else {
		/* Docker's `registrytoken`: what the token server would give. */
		if (s->open.login == FETCH_TOKEN)
			token = xstrdup(s->open.secret);
		else if (get_token(s, c, &token, ret_status, err) < 0)
			return -1;
		auth = xasprintf("Authorization: Bearer %s", token);
	}
	free(s->auth);
	s->auth = auth;
	s->auth_nr++;
	return 0;
}
