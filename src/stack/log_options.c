/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log_options: see log_options.h. One row for each option. Names of hosts are not looked up by anybody, so syslog needs an address.
 */
#include <syslog.h>

#include "stack/log_options.h"
#include "stack/port_text.h"

#define SYSLOG_PORT 514
#define SOCKET_MAX  107 /* of a path in sun_path */
#define FILES_MAX   1000
#define TAG_MAX	    200

int log_driver(const char *name)
{
	static const char *const names[] = {
		[STACK_LOG_LOCAL] = "local",   [STACK_LOG_JSON_FILE] = "json-file",
		[STACK_LOG_NONE] = "none",     [STACK_LOG_JOURNALD] = "journald",
		[STACK_LOG_SYSLOG] = "syslog",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

/* ---- values: each reads one, and returns what is wrong with it ----------------------------- */

/* -1 is docker's own default and means no limit; sizes are powers of 1024 here as everywhere in the file. */
static const char *max_size(struct arena *arena, const char *value, struct stack_logging *ret)
{
	(void)arena;
	if (size_parse(value, &ret->max_size) < 0 || ret->max_size < -1 || !ret->max_size)
		return "is not a size; write like 10m, or -1 for no limit";
	return NULL;
}

static const char *max_file(struct arena *arena, const char *value, struct stack_logging *ret)
{
	size_t len = strlen(value);

	(void)arena;
	if (!len || len > 4 || strspn(value, "0123456789") != len || atoi(value) < 1 ||
	    atoi(value) > FILES_MAX)
		return "is not a number of files from 1 to 1000";
	ret->max_files = (unsigned)atoi(value);
	return NULL;
}

/* As Go's ParseBool, but for its short forms. */
static const char *cache_disabled(struct arena *arena, const char *value, struct stack_logging *ret)
{
	(void)arena;
	ret->no_cache = !strcmp(value, "true");
	return ret->no_cache || !strcmp(value, "false") ? NULL : "is neither true nor false";
}

/* Nothing ever waits for a receiver, so both are the same here. */
static const char *mode(struct arena *arena, const char *value, struct stack_logging *ret)
{
	(void)arena;
	(void)ret;
	return !strcmp(value, "non-blocking") || !strcmp(value, "blocking")
		       ? NULL
		       : "is neither blocking nor non-blocking";
}

/* Those of docker's that there is something to put in for. */
static const char *tag(struct arena *arena, const char *value, struct stack_logging *ret)
{
	static const char *const known[] = { "{{.Name}}", "{{.ID}}", "{{.FullID}}",
					     "{{.ImageName}}", "{{.DaemonName}}" };

	if (strlen(value) > TAG_MAX)
		return "is longer than 200 bytes";
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return "has blanks or control characters in it";
	for (const char *at = value; (at = strstr(at, "{{"));) {
		size_t len = 0;

		for (size_t i = 0; i < ARRAY_LEN(known) && !len; i++)
			if (!strncmp(at, known[i], strlen(known[i])))
				len = strlen(known[i]);
		if (!len)
			return "has a template other than {{.Name}}, {{.ID}}, {{.FullID}}, {{.ImageName}} and {{.DaemonName}}";
		at += len;
	}
	ret->tag = arena_strdup(arena, value);
	return NULL;
}

/* "10.0.0.1", "10.0.0.1:514", "[fd00::1]:514". */
static const char *host_and_port(struct arena *arena, const char *text, struct stack_logging *ret)
{
	const char *close = *text == '[' ? strchr(text, ']') : NULL;
	const char *colon = strchr(close ? close : text, ':');
	const char *host =
		close ? arena_strndup(arena, text + 1, (size_t)(close - text) - 1)
		      : arena_strndup(arena, text, colon ? (size_t)(colon - text) : strlen(text));
	unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : SYSLOG_PORT;

	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	if (!port_address(host) || !ip_parse(host, &ret->ip))
		return "needs the IP address of a host: names are not looked up";
	if (colon && (!colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
		      strlen(colon + 1) > 5 || !port || port > 65535))
		return "has no port of 1 to 65535";
	ret->port = (uint16_t)port;
	return NULL;
}

/* unix and unixgram are one: what the socket is, is found out when it is opened. */
static const char *address(struct arena *arena, const char *value, struct stack_logging *ret)
{
	static const struct {
		const char *begin;
		enum stack_syslog_way way;
	} ways[] = {
		{ "udp://", STACK_SYSLOG_UDP },
		{ "tcp://", STACK_SYSLOG_TCP },
		{ "unix://", STACK_SYSLOG_UNIX },
		{ "unixgram://", STACK_SYSLOG_UNIX },
	};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const char *rest = value + strlen(ways[i].begin);

		if (strncmp(value, ways[i].begin, strlen(ways[i].begin)) != 0)
			continue;
		ret->way = ways[i].way;
		if (ret->way != STACK_SYSLOG_UNIX)
			return host_and_port(arena, rest, ret);
		ret->path = arena_strdup(arena, rest);
		return *rest == '/' && strlen(rest) <= SOCKET_MAX
			       ? NULL
			       : "is not the absolute path of a socket";
	}
	return "is not udp://, tcp://, unix:// or unixgram:// with an address";
}

/* Their numbers are those of RFC 5424, and 12 to 15 have no names that docker knows. */
static const char *facility(struct arena *arena, const char *value, struct stack_logging *ret)
{
	static const char *const names[] = {
		"kern",	  "user",   "mail",	"daemon", "auth",   "syslog", "lpr",	"news",
		"uucp",	  "cron",   "authpriv", "ftp",	  NULL,	    NULL,     NULL,	NULL,
		"local0", "local1", "local2",	"local3", "local4", "local5", "local6", "local7",
	};
	size_t len = strlen(value);

	(void)arena;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i] && !strcmp(names[i], value)) {
			ret->facility = i;
			return NULL;
		}
	}
	if (!len || len > 2 || strspn(value, "0123456789") != len || atoi(value) > 23)
		return "is no facility: daemon, user, local0 to local7, or a number up to 23";
	ret->facility = (unsigned)atoi(value);
	return NULL;
}

static const char *format(struct arena *arena, const char *value, struct stack_logging *ret)
{
	static const char *const names[] = {
		[STACK_SYSLOG_PLAIN] = "",
		[STACK_SYSLOG_3164] = "rfc3164",
		[STACK_SYSLOG_5424] = "rfc5424",
		[STACK_SYSLOG_5424_MICRO] = "rfc5424micro",
	};

	(void)arena;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!strcmp(names[i], value)) {
			ret->format = (enum stack_syslog_format)i;
			return NULL;
		}
	}
	return "is none of rfc3164, rfc5424 and rfc5424micro";
}

enum {
	FILES = 1 << STACK_LOG_LOCAL | 1 << STACK_LOG_JSON_FILE,
	SYSLOG = 1 << STACK_LOG_SYSLOG,
	AWAY = SYSLOG | 1 << STACK_LOG_JOURNALD,
};

static const struct {
	const char *name;
	unsigned drivers;
	const char *(*read)(struct arena *arena, const char *value, struct stack_logging *ret);
} options[] = {
	{ "max-size", FILES, max_size },
	{ "max-file", FILES, max_file },
	{ "mode", FILES | AWAY, mode },
	{ "tag", AWAY, tag },
	{ "cache-disabled", AWAY, cache_disabled },
	{ "cache-max-size", AWAY, max_size },
	{ "cache-max-file", AWAY, max_file },
	{ "syslog-address", SYSLOG, address },
	{ "syslog-facility", SYSLOG, facility },
	{ "syslog-format", SYSLOG, format },
};

const char *log_option(struct arena *arena, const char *name, const char *value,
		       struct stack_logging *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (!strcmp(options[i].name, name))
			return options[i].read(arena, value, ret);
	return NULL;
}

bool log_option_known(enum stack_log_driver driver, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (!strcmp(options[i].name, name))
			return options[i].drivers & (1u << driver);
	return false;
}
