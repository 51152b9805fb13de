/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_probe: `x-probe` of a health check, which mstack carries out itself: one of tcp, http, unix and log. Called through the table
 * of health keys. Names are not looked up by anybody, so a host is the container itself or an address.
 */
#include "stack/form_probe.h"
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/port_text.h"

enum { URL_MAX = 1024, LOG_MAX = 1024, SOCKET_PATH_MAX = 1024 };

void probe_split(struct arena *arena, const char *text, const char **ret_host,
		 const char **ret_port)
{
	const char *bracket = *text == '[' ? strchr(text, ']') : NULL;
	const char *colon = strchr(bracket ? bracket : text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	*ret_port = colon ? colon + 1 : NULL;
	*ret_host = bracket ? arena_strndup(arena, text + 1, (size_t)(bracket - text) - 1)
			    : arena_strndup(arena, text, len);
}

static bool is_port(const char *text)
{
	unsigned long n = strtoul(text, NULL, 10);

	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) <= 5 && n >= 1 &&
	       n <= 65535;
}

static bool is_here(const char *host)
{
	return !*host || !strcmp(host, "localhost") || port_address(host);
}

static bool check_place(struct reader *r, const struct where *w, const struct node *n,
			const char *text, bool needs_port)
{
	const char *host, *port;

	probe_split(r->arena, text, &host, &port);
	if (!is_here(host))
		reader_error(r, w, n->pos, "leave it out: then it is the container itself",
			     "'%.60s' is not an IP address, and names are not looked up", host);
	else if ((needs_port && !port) || (port && !is_port(port)))
		reader_error(r, w, n->pos, NULL, "'%.60s' is not a port of 1 to 65535",
			     port ? port : text);
	else
		return true;
	return false;
}

static FORM(form_tcp)
{
	struct node *out = NULL;

	if (n->kind == NODE_STRING && strchr(n->text, ':'))
		return check_place(r, w, n, n->text, true) ? form_text(r, w, n) : NULL;
	out = form_int(r, w, n);
	if (!out || (out->number >= 1 && out->number <= 65535))
		return out;
	reader_error(r, w, n->pos, NULL, "'%.60s' is not a port of 1 to 65535", n->text);
	return NULL;
}

/* It becomes a line of a request, so it must be one word. */
static bool is_word(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static FORM(form_url)
{
	static const char scheme[] = "http://";
	const char *at = n->text + strlen(scheme);

	if (!strncmp(n->text, "https://", 8))
		reader_error(r, w, n->pos, "ask by http, or write a 'test' that does it",
			     "TLS is not spoken here");
	else if (strncmp(n->text, scheme, strlen(scheme)) != 0)
		reader_error(r, w, n->pos, NULL, "'%.60s' is not a URL; write http://:PORT/PATH",
			     n->text);
	else if (!is_word(n->text) || strlen(n->text) > URL_MAX || strpbrk(at, "@#"))
		reader_error(r, w, n->pos, NULL,
			     "has blanks, @, # or more than %d characters in it", URL_MAX);
	else if (check_place(r, w, n, arena_strndup(r->arena, at, strcspn(at, "/?")), false))
		return form_text(r, w, n);
	return NULL;
}

static FORM(form_socket)
{
	if (*n->text == '/' && strlen(n->text) < SOCKET_PATH_MAX)
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "'%.60s' is not an absolute path in the container",
		     n->text);
	return NULL;
}

static FORM(form_log)
{
	if (*n->text && strlen(n->text) < LOG_MAX && !strchr(n->text, '\n'))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "must be a part of one line, of 1 to %d characters",
		     LOG_MAX);
	return NULL;
}

/* clang-format off */
static const struct key probe_rows[] = {
	DONE("http", STR, AS(form_url)),
	DONE("log", STR, AS(form_log)),
	DONE("tcp", NUM | STR, AS(form_tcp)),
	DONE("unix", STR, AS(form_socket)),
};
const struct key_table probe_keys = TABLE(probe_rows);
/* clang-format on */

FORM(form_probe)
{
	struct node *out = form_map(r, w, n, &probe_keys);

	if (n->n == 1)
		return out && out->n == 1 ? out : NULL;
	reader_error(r, w, n->pos, NULL, "must have one of tcp, http, unix and log");
	return NULL;
}
