/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reference: names of images as Docker writes and completes them: `alpine` is `docker.io/library/alpine:latest`. Called by
 * whoever looks an image up or gives it a name. Grammar: distribution/reference.
 */
#include <ctype.h>
#include <stdio.h>

#include "store/catalog.h"

#define REPO_MAX 255
#define TAG_MAX	 128
#define DOMAIN	 "docker.io"
#define LIBRARY	 "library/"

bool store_is_digest(const char *hex)
{
	return strspn(hex, "0123456789abcdef") == STORE_DIGEST_SIZE - 1 &&
	       !hex[STORE_DIGEST_SIZE - 1];
}

/* The first part is a host when it looks like one; else all of it is a path on Docker's own. */
static bool is_domain(const char *part, size_t len)
{
	if (len == 9 && !memcmp(part, "localhost", 9))
		return true;
	for (size_t i = 0; i < len; i++)
		if (part[i] == '.' || part[i] == ':' || isupper((unsigned char)part[i]))
			return true;
	return false;
}

static bool is_low(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
static bool is_component(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t from = i;

		while (i < len && is_low(s[i]))
			i++;
		if (i == from)
			return false;
		if (i == len)
			return true;
		from = i;
		while (i < len && s[i] == s[from] && !is_low(s[i]))
			i++;
		if (!strchr("._-", s[from]) || (s[from] == '.' && i - from > 1) ||
		    (s[from] == '_' && i - from > 2))
			return false;
	}
	return false;
}

static bool is_path(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (!is_component(path, len))
			return false;
		path += len + (path[len] == '/');
		if (!*path)
			return path[-1] != '/';
	}
	return false;
}

static bool is_digits(const char *s, size_t len)
{
	return len && strspn(s, "0123456789") >= len;
}

/* Letters, digits, and - within. */
static bool is_label(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && (s[i] != '-' || !i || i == len - 1))
			return false;
	return len;
}

/* Labels with dots between, or [IPv6]; then perhaps :PORT. */
static bool is_host(const char *host, size_t len)
{
	const char *end = host + len, *colon;
	size_t n;

	if (*host == '[') {
		n = strspn(host + 1, "0123456789abcdefABCDEF:") + 1;
		if (n < 3 || n >= len || host[n] != ']')
			return false;
		n++;
		return n == len || (host[n] == ':' && is_digits(host + n + 1, len - n - 1));
	}
	colon = memchr(host, ':', len);
	if (!len || colon == host || (colon && !is_digits(colon + 1, (size_t)(end - colon) - 1)))
		return false;
	for (end = colon ? colon : end; host < end; host += n + (host + n < end)) {
		n = strcspn(host, ".:/");
		if (!is_label(host, n) || (host[n] == '.' && host + n + 1 == end))
			return false;
	}
	return true;
}

static bool is_tag(const char *tag)
{
	size_t len = strlen(tag);

	if (!len || len > TAG_MAX || *tag == '.' || *tag == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)tag[i]) && !strchr("_.-", tag[i]))
			return false;
	return true;
}

/* The repository with its host, or NULL. */
static char *complete(const char *repo)
{
	size_t len = strcspn(repo, "/");
	bool domain = repo[len] == '/' && is_domain(repo, len);
	const char *path = domain ? repo + len + 1 : repo;
	bool docker = !domain || (len == 9 && !memcmp(repo, DOMAIN, 9)) ||
		      (len == 15 && !memcmp(repo, "index." DOMAIN, 15));

	if (!is_path(path) || (domain && !is_host(repo, len)))
		return NULL;
	if (docker)
		return xasprintf(DOMAIN "/%s%s", strchr(path, '/') ? "" : LIBRARY, path);
	return xstrdup(repo);
}

int store_reference_parse(const char *text, struct store_reference *ret, struct err *err)
{
	_cleanup_free_ char *repo = xstrdup(text);
	char *at = strchr(repo, '@'), *colon;
	struct store_reference r = { 0 };
	bool ok = true;

	if (at) {
		*at++ = '\0';
		ok = !strncmp(at, "sha256:", 7) && store_is_digest(at + 7);
		if (ok)
			memcpy(r.digest, at + 7, STORE_DIGEST_SIZE);
	}
	colon = strrchr(repo, ':');
	if (colon && !strchr(colon, '/')) {
		*colon++ = '\0';
		ok = ok && is_tag(colon);
		r.tag = xstrdup(colon);
	} else if (!at) {
		r.tag = xstrdup("latest");
	}
	r.repo = ok ? complete(repo) : NULL;
	/* An id of an image would be one as well. */
	if (r.repo && strlen(r.repo) <= REPO_MAX && !store_is_digest(repo)) {
		*ret = r;
		return 0;
	}
	store_reference_fini(&r);
	return err_kind(
		err, ERR_USAGE,
		"image '%.200s': not a name of an image (like alpine, alpine:3.19, example.com/team/app:v1 or "
		"name@sha256:...; letters are small ones)",
		text);
}

void store_reference_fini(struct store_reference *r)
{
	free(r->repo);
	free(r->tag);
	memset(r, 0, sizeof(*r));
}

char *store_reference_familiar(const char *full)
{
	const char *path = full + strlen(DOMAIN "/"), *slash;

	if (strncmp(full, DOMAIN "/", strlen(DOMAIN "/")))
		return xstrdup(full);
	slash = strchr(path, '/');
	if (!slash)
		return xstrdup(path);
	/* Alone the rest would be taken for an id, */
	if (!strncmp(path, LIBRARY, strlen(LIBRARY)) && !strchr(slash + 1, '/') &&
	    strspn(slash + 1, "0123456789abcdef") != STORE_DIGEST_SIZE - 1)
		return xstrdup(slash + 1);
	/* or for the name of another host. */
	return xstrdup(is_domain(path, (size_t)(slash - path)) ? full : path);
}
