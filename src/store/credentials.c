/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials: who we are at a registry, from the file that `docker login` writes. Called by pull.c. Programs that keep
 * secrets (credsStore, credHelpers) are not executed.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <strings.h>

#include "store/catalog.h"
#include "store/remote.h"

#define CONFIG_MAX (1u << 20)

/* NULL: there is no home to look in. */
static char *config_path(void)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (dir && *dir)
		return xasprintf("%s/config.json", dir);
	return home && *home ? xasprintf("%s/.docker/config.json", home) : NULL;
}

/* Keys are hosts, or addresses of which only the host counts: https://index.docker.io/v1/. */
static bool is_for(const char *key, const char *registry)
{
	static const char *const docker[] = { "docker.io", "index.docker.io",
					      "registry-1.docker.io" };
	const char *host = strstr(key, "://");
	size_t len;

	host = host ? host + 3 : key;
	len = strcspn(host, "/");
	if (strlen(registry) == len && !strncasecmp(host, registry, len))
		return true;
	for (size_t i = 0; !strcmp(registry, "docker.io") && i < ARRAY_LEN(docker); i++)
		if (strlen(docker[i]) == len && !strncasecmp(host, docker[i], len))
			return true;
	return false;
}

static const json_t *find(const json_t *map, const char *registry)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)map, key, value)
		if (is_for(key, registry))
			return value;
	return NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

static int value_of(char c)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? (int)(at - letters) : -1;
}

/* Base64 to text, as far as it goes; what is behind the `=` is not looked at. -1: it is none, or too long. */
static int decode(const char *in, char *ret, size_t size)
{
	uint32_t bits = 0;
	size_t n = 0;
	int have = 0;

	for (; *in && *in != '='; in++) {
		int v = value_of(*in);

		if (v < 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (n + 1 >= size)
			return -1;
		ret[n++] = (char)(bits >> have);
		bits &= (1u << have) - 1;
		if (!ret[n - 1])
			return -1;
	}
	ret[n] = '\0';
	return 0;
}

/* It goes into a header: nothing that could end one. */
static int put(char *to, size_t size, const char *text)
{
	if (!text || strlen(text) >= size)
		return -1;
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return -1;
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

static int take_password(const json_t *entry, struct fetch_open *o)
{
	const char *both = store_json_text(entry, "auth");
	char plain[sizeof(o->user) + sizeof(o->secret)];
	char *colon;

	if (!both || !*both)
		return put(o->user, sizeof(o->user), store_json_text(entry, "username")) < 0
			       ? -1
			       : put(o->secret, sizeof(o->secret),
				     store_json_text(entry, "password"));
	if (decode(both, plain, sizeof(plain)) < 0)
		return -1;
	colon = strchr(plain, ':');
	if (!colon)
		return -1;
	*colon = '\0';
	return put(o->user, sizeof(o->user), plain) < 0
		       ? -1
		       : put(o->secret, sizeof(o->secret), colon + 1);
}

static bool has(const json_t *entry, const char *key)
{
	const char *text = store_json_text(entry, key);

	return text && *text;
}

static int take_entry(const json_t *entry, struct fetch_open *o)
{
	if (has(entry, "identitytoken")) {
		o->login = FETCH_IDENTITY;
		return put(o->secret, sizeof(o->secret), store_json_text(entry, "identitytoken"));
	}
	if (has(entry, "registrytoken")) {
		o->login = FETCH_TOKEN;
		return put(o->secret, sizeof(o->secret), store_json_text(entry, "registrytoken"));
	}
	o->login = FETCH_PASSWORD;
	return take_password(entry, o);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* `credsStore` leaves an empty entry for each registry that it knows: others are asked without a name. */
static int take(const json_t *config, const char *path, const char *registry, struct fetch_open *o,
		struct err *err)
{
	const json_t *entry = find(json_object_get(config, "auths"), registry);
	const char *helper =
		json_string_value(find(json_object_get(config, "credHelpers"), registry));
	bool empty = !has(entry, "auth") && !has(entry, "username") &&
		     !has(entry, "identitytoken") && !has(entry, "registrytoken");

	if (!helper && entry && empty)
		helper = store_json_text(config, "credsStore");
	if (helper)
		return err_set(
			err,
			"'%s': the password for '%s' is kept by docker-credential-%s, and mstack executes no other "
			"program: log in with a DOCKER_CONFIG folder of its own, where there is no credsStore and no "
			"credHelpers",
			path, registry, helper);
	if (!entry || empty)
		return 0;
	if (take_entry(entry, o) < 0)
		return err_set(err, "'%s': the entry for '%s' is not readable (docker login again)",
			       path, registry);
	return 0;
}

int store_credentials(const char *registry, struct fetch_open *ret, struct err *err)
{
	_cleanup_free_ char *path = config_path();
	struct buf text = { 0 };
	json_error_t why;
	json_t *config;
	int rc;

	if (!path || (file_read(AT_FDCWD, path, CONFIG_MAX, &text) < 0 && errno == ENOENT))
		return 0;
	if (!text.len)
		return err_sys(err, errno, "'%s'", path);
	config = json_loadb(text.data, text.len, 0, &why);
	buf_fini(&text);
	rc = json_is_object(config) ? take(config, path, registry, ret, err)
				    : err_set(err, "'%s': line %d: not readable: %.160s", path,
					      why.line, why.text);
	json_decref(config);
	return rc;
}
