/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_service: the keys of a service that hold one word or name: the image, names, the user, the
 * restart policy, namespaces. Called through the table of service keys, in
 * services.c. An empty string is "not given" wherever compose takes it so: that is what becomes of
 * a variable that is not set.
 */
#include <ctype.h>
#include <sys/utsname.h>

#include "stack/attributes.h"
#include "stack/names.h"

#define HOSTNAME_LONGEST 64
#define CONTAINER	 "there are no containers outside of the stack"

/* A folder of the host is found from anywhere; all other forms are the store's business. */
FORM(form_image)
{
	struct node *out = form_string(r, w, n);

	if (out && (!strncmp(out->text, "./", 2) || !strncmp(out->text, "../", 3)))
		out->text = path_clean(r->arena, reader_dir(r, n->pos), out->text);
	return out;
}

/*
 * Not cleaned: what `..` leads to is only known inside of the image. Engines refuse a relative one
 * when they make the container.
 */
FORM(form_working_dir)
{
	if (*n->text == '/')
		return form_text(r, w, n);
	if (*n->text)
		reader_error(r, w, n->pos, NULL,
			     "'%.80s': the path in the container must begin with /", n->text);
	return NULL;
}

/* The schema's pattern has no anchors, so that compose takes "ab cd"; and it wants two characters. */
FORM(form_container_name)
{
	if (!name_check(r, w, n->pos, n->text))
		return NULL;
	if (n->text[1])
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "'%s' is too short: two characters are the least",
		     n->text);
	return NULL;
}

/* The kernel takes any 64 bytes (uname(2)); resolvers and the hosts file do not. */
FORM(form_hostname)
{
	size_t len = strlen(n->text);

	if (!len)
		return NULL;
	if (len <= HOSTNAME_LONGEST && strspn(n->text, NAME_LETTERS ".-_") == len &&
	    *n->text != '-' && *n->text != '.' && !strstr(n->text, ".."))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL,
		     "'%.80s' is not a host name of at most %d letters, digits, . and -", n->text,
		     HOSTNAME_LONGEST);
	return NULL;
}

/*
 * Names are looked up in the image, so only the shape can be wrong here. Of ${UID}:${GID} without
 * values a colon is left, which compose lets pass.
 */
FORM(form_user)
{
	const char *colon = strchr(n->text, ':');
	bool odd = false;

	for (const char *s = n->text; *s; s++)
		odd |= isspace((unsigned char)*s) || iscntrl((unsigned char)*s) || *s == '/';
	if (!odd && !(colon && strchr(colon + 1, ':')))
		return *n->text ? form_text(r, w, n) : NULL;
	reader_error(r, w, n->pos, NULL, "'%.80s' is not a user: write NAME, ID or NAME:GROUP",
		     n->text);
	return NULL;
}

/* The one list of a service that takes numbers among its names. */
FORM(form_groups)
{
	struct node_items items = { 0 };
	struct node *texts;

	for (size_t i = 0; i < n->n; i++) {
		struct where here = where_item(w, i);

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING | NODE_NUMBER))
			vec_push(&items, form_text(r, &here, n->items[i]));
	}
	texts = node_list_done(r->arena, n->pos, &items);
	return form_set(r, w, texts);
}

/* ---- how it runs ----------------------------------------------------------------------------- */

/* Decimal and without a sign, as engines read it; model.c takes it as it is. */
static bool is_count(const char *s)
{
	int64_t max;

	return *s && strspn(s, "0123456789") == strlen(s) && strlen(s) <= 10 &&
	       !text_parse_int(*s == '0' ? "0" : s, &max) && max <= INT32_MAX;
}

/* The loader of compose lets a bad policy pass, and it fails when the container is to start. */
FORM(form_restart)
{
	static const char *const words[] = { "no", "always", "unless-stopped", "on-failure" };
	const char *times = strncmp(n->text, "on-failure:", 11) ? NULL : n->text + 11;

	if (!*n->text)
		return NULL;
	if (times ? is_count(times) : text_is_one_of(n->text, words, ARRAY_LEN(words)))
		return form_text(r, w, n);
	reader_error(
		r, w, n->pos, reader_suggest(r, n->text, words, ARRAY_LEN(words)),
		"'%.40s' is not a policy; write no, always, unless-stopped or on-failure[:TIMES]",
		n->text);
	return NULL;
}

/* Signals have the names and numbers of this machine, which is where the container runs. */
FORM(form_stop_signal)
{
	int sig = sig_parse(n->text);
	struct node *out;

	if (!*n->text)
		return NULL;
	if (sig <= 0) {
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is not a signal; write like SIGTERM or 15", n->text);
		return NULL;
	}
	out = form_text(r, w, n);
	out->number = sig;
	return out;
}

/*
 * Names of images for what uname(2) calls otherwise. Variants are listed where the machine runs
 * them for certain: of amd64/v2 and above that depends on the processor.
 */
static bool is_own_arch(const char *arch)
{
	static const struct {
		const char *machine, *arch;
	} names[] = {
		{ "x86_64", "amd64" },	{ "x86_64", "amd64/v1" },  { "x86_64", "x86-64" },
		{ "aarch64", "arm64" }, { "aarch64", "arm64/v8" }, { "armv7l", "arm" },
		{ "armv7l", "arm/v7" }, { "armv7l", "arm/v6" },	   { "armv7l", "arm/v5" },
		{ "armv6l", "arm/v6" }, { "armv6l", "arm/v5" },	   { "i686", "386" },
	};
	struct utsname host;

	uname(&host);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcasecmp(arch, names[i].arch) && !strcmp(host.machine, names[i].machine))
			return true;
	return !strcasecmp(arch, host.machine);
}

/* OS[/ARCHITECTURE[/VARIANT]], or an architecture alone. */
static bool is_platform(const char *text)
{
	size_t parts = 1, len = 0;

	for (; *text; text++) {
		if (*text == '/' && (!len || ++parts > 3))
			return false;
		len = *text == '/' ? 0 : len + 1;
		if (*text != '/' && !strchr(NAME_LETTERS "_.-", *text))
			return false;
	}
	return len > 0;
}

/* Nothing is emulated: a program for another machine would fail with a riddle at exec. */
FORM(form_platform)
{
	const char *arch = n->text;
	struct utsname host;

	if (!*n->text)
		return NULL;
	if (!is_platform(n->text)) {
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is not a platform; write like linux/amd64", n->text);
		return NULL;
	}
	if (!strncasecmp(arch, "linux", 5) && (!arch[5] || arch[5] == '/'))
		arch += 5 + (arch[5] == '/');
	uname(&host);
	if (*arch && !is_own_arch(arch))
		reader_refuse(r, w, n->pos, NULL,
			      "'%.40s' is another platform than this machine's (linux on %s)",
			      n->text, host.machine);
	return form_text(r, w, n);
}

/* every_ and one or more numbers with a unit. */
static bool is_interval(const char *text)
{
	if (strncmp(text, "every_", 6) != 0 || !text[6])
		return false;
	for (text += 6; *text; text++) {
		size_t digits = strspn(text, "0123456789");

		text += digits;
		if (!digits || !*text || !strchr("wdhms", *text))
			return false;
	}
	return true;
}

/* How old the image may become: a day, a week, what stands behind `every_`. 0 for the other policies. */
static int64_t refresh_ns(const char *policy)
{
	int64_t ns = 0;

	if (!strcmp(policy, "daily"))
		policy = "every_1d";
	if (!strcmp(policy, "weekly"))
		policy = "every_1w";
	return is_interval(policy) && !duration_parse(policy + 6, &ns) ? ns : 0;
}

FORM(form_pull_policy)
{
	static const char *const words[] = {
		"always", "never",   "missing", "if_not_present",
		"build",  "refresh", "daily",	"weekly",
	};
	struct node *out;

	if (!text_is_one_of(n->text, words, ARRAY_LEN(words)) && !is_interval(n->text)) {
		reader_error(r, w, n->pos, reader_suggest(r, n->text, words, ARRAY_LEN(words)),
			     "'%.40s' is not a policy; known are always, never and missing",
			     n->text);
		return NULL;
	}
	out = form_text(r, w, n);
	if (out)
		out->number = refresh_ns(n->text);
	return out;
}

/* ---- what a container writes ----------------------------------------------------------------- */

FORM(form_upper)
{
	static const char *const words[] = { "disk", "tmpfs" };

	if (text_is_one_of(n->text, words, ARRAY_LEN(words)))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, reader_suggest(r, n->text, words, ARRAY_LEN(words)),
		     "'%.40s' is unknown; write disk or tmpfs", n->text);
	return NULL;
}

/* ---- namespaces ------------------------------------------------------------------------------ */

/* `service:` and `container:` with a name behind it. */
static bool is_other(const char *text)
{
	size_t skip = !strncmp(text, "service:", 8) ? 8 : !strncmp(text, "container:", 10) ? 10 : 0;

	return skip && isalnum((unsigned char)text[skip]) &&
	       strspn(text + skip, NAME_LETTERS "_.-") == strlen(text + skip);
}

/* For other stacks' containers there is no "yet": the hint says so. */
static void refuse_namespace(struct reader *r, const struct where *w, const struct node *n)
{
	reader_refuse(r, w, n->pos, strncmp(n->text, "container:", 10) ? NULL : CONTAINER,
		      "'%.80s'", n->text);
}

struct namespace_words {
	const char *key;
	bool others;	      /* may be another container's */
	const char *words[4]; /* what is no container */
	const char *known;    /* all of that, for the message */
};

/* cgroup takes two words by the schema, the others what engines take when they make the container. */
static const struct namespace_words *find_words(const char *key)
{
	/* clang-format off */
	static const struct namespace_words table[] = {
		{ "cgroup", false, { "private", "host" }, "private or host" },
		{ "ipc", true, { "private", "shareable", "host", "none" },
		  "private, shareable, host, none, service:NAME or container:NAME" },
		{ "pid", true, { "private", "host" }, "private, host, service:NAME or container:NAME" },
		{ "userns_mode", false, { "private", "host" }, "private or host" },
		{ "uts", true, { "private", "host" }, "private, host, service:NAME or container:NAME" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (!strcmp(table[i].key, key))
			return &table[i];
	return NULL;
}

FORM(form_namespace)
{
	const struct namespace_words *mode = find_words(w->key);
	bool known = mode->others && is_other(n->text);

	if (!*n->text && strcmp(w->key, "cgroup") != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(mode->words) && mode->words[i]; i++)
		known |= !strcmp(n->text, mode->words[i]);
	if (!known) {
		reader_error(r, w, n->pos, NULL, "'%.60s' is unknown; write %s", n->text,
			     mode->known);
		return NULL;
	}
	if (!strncmp(n->text, "container:", 10))
		refuse_namespace(r, w, n);
	return form_text(r, w, n);
}

/* Any other name is that of a network of the engine, for which there is `networks` here. */
FORM(form_network_mode)
{
	static const char *const words[] = { "bridge", "default", "none", "host" };
	bool named = isalnum((unsigned char)*n->text) &&
		     strspn(n->text, NAME_LETTERS "_.-") == strlen(n->text);

	if (!*n->text)
		return NULL;
	if (!named && !is_other(n->text)) {
		reader_error(r, w, n->pos, NULL,
			     "'%.60s' is unknown; write bridge, none, host, service:NAME or "
			     "container:NAME",
			     n->text);
		return NULL;
	}
	if (!strncmp(n->text, "container:", 10))
		refuse_namespace(r, w, n);
	else if (named && !text_is_one_of(n->text, words, ARRAY_LEN(words)))
		reader_refuse(r, w, n->pos, "name it under 'networks'", "the network '%.60s'",
			      n->text);
	return form_text(r, w, n);
}

/* ---- files of labels ------------------------------------------------------------------------- */

/* Only the paths: active folds the files into `labels`, see form_env. */
FORM(form_label_files)
{
	struct node *files = form_set(r, w, n);
	struct node_items items = { 0 };

	for (size_t i = 0; i < files->n; i++) {
		struct where here = where_item(w, i);
		struct node *path = form_path(r, &here, files->items[i]);

		if (path)
			vec_push(&items, path);
	}
	return node_list_done(r->arena, n->pos, &items);
}
