/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imageconfig: what an image's configuration says about its containers, from JSON to the struct that plan reads. Called by
 * image.c for a record of the catalog. Fields and their meaning: moby's image specification 1.2; null is nothing.
 */
#include <stdio.h>

#include "store/catalog.h"

/* As long as one argument of a program may be, and more than anybody lists. */
#define TEXT_MAX (128u << 10)
#define LIST_MAX 4096

static int wrong(const char *key, const char *what, struct err *err)
{
	return err_set(err, "the image's configuration: %s: %s", key, what);
}

static int take_text(const json_t *c, const char *key, char **ret, struct err *err)
{
	const json_t *v = json_object_get(c, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v) || json_string_length(v) > TEXT_MAX)
		return wrong(key, "no text of sensible length", err);
	if (json_string_length(v))
		*ret = xstrdup(json_string_value(v));
	return 0;
}

static int take_list(const json_t *c, const char *key, char ***ret, struct err *err)
{
	const json_t *list = json_object_get(c, key), *v;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > LIST_MAX)
		return wrong(key, "no list of sensible length", err);
	*ret = xcalloc(json_array_size(list) + 1, sizeof(**ret));
	json_array_foreach(list, i, v) {
		if (!json_is_string(v) || json_string_length(v) > TEXT_MAX)
			return wrong(key, "something in the list is no text of sensible length",
				     err);
		(*ret)[i] = xstrdup(json_string_value(v));
	}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The keys of an object; of labels with their values, as KEY=VALUE. */
static int take_keys(const json_t *c, const char *key, bool values, char ***ret, struct err *err)
{
	json_t *map = json_object_get(c, key), *v;
	const char *name;
	size_t n = 0;

	if (!map || json_is_null(map))
		return 0;
	if (!json_is_object(map) || json_object_size(map) > LIST_MAX)
		return wrong(key, "no map of sensible length", err);
	*ret = xcalloc(json_object_size(map) + 1, sizeof(**ret));
	json_object_foreach(map, name, v) {
		if (strlen(name) > TEXT_MAX ||
		    (values && (!json_is_string(v) || json_string_length(v) > TEXT_MAX)))
			return wrong(key, "something in the map is no text of sensible length",
				     err);
		(*ret)[n++] =
			values ? xasprintf("%s=%s", name, json_string_value(v)) : xstrdup(name);
	}
	qsort(*ret, n, sizeof(**ret), by_text);
	return 0;
}

static int take_time(const json_t *c, const char *key, int64_t *ret, struct err *err)
{
	const json_t *v = json_object_get(c, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return wrong(key, "no time", err);
	*ret = json_integer_value(v);
	return 0;
}

/* Another word is no check for docker either, but there it is gone without a word. */
static int check_test(char *const *test, struct err *err)
{
	const char *word = test && *test ? *test : "NONE";

	if (!strcmp(word, "NONE") ||
	    (test[1] && (!strcmp(word, "CMD") || !strcmp(word, "CMD-SHELL"))))
		return 0;
	return err_set(err,
		       "the image's configuration: Healthcheck: '%.40s'%s: it is NONE, or CMD or "
		       "CMD-SHELL and a command",
		       word, test[1] ? "" : " alone");
}

/* 0 means "as usual" in each of them. */
static int take_health(const json_t *c, struct store_health *ret, struct err *err)
{
	const json_t *h = json_object_get(c, "Healthcheck"),
		     *retries = json_object_get(h, "Retries");

	if (!h || json_is_null(h))
		return 0;
	if (!json_is_object(h))
		return wrong("Healthcheck", "no map", err);
	if (retries && (!json_is_integer(retries) || json_integer_value(retries) < 0 ||
			json_integer_value(retries) > 1000000))
		return wrong("Retries", "no small number", err);
	ret->retries = (unsigned)json_integer_value(retries);
	if (take_list(h, "Test", &ret->test, err) < 0 || check_test(ret->test, err) < 0 ||
	    take_time(h, "Interval", &ret->interval_ns, err) < 0 ||
	    take_time(h, "Timeout", &ret->timeout_ns, err) < 0 ||
	    take_time(h, "StartPeriod", &ret->start_period_ns, err) < 0)
		return -1;
	return take_time(h, "StartInterval", &ret->start_interval_ns, err);
}

/* Old images say it without the slash. */
static void make_absolute(char **path)
{
	char *old = *path;

	if (!old || *old == '/')
		return;
	*path = xasprintf("/%s", old);
	free(old);
}

/* Nothing can be mounted there, and everything would be copied before that was found out. */
static bool is_root(const char *path)
{
	size_t depth = 0;

	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && !memcmp(path, "..", 2))
			depth -= depth > 0;
		else if (len && !(len == 1 && *path == '.'))
			depth++;
		path += len;
	}
	return !depth;
}

static int check_volumes(char *const *paths, struct err *err)
{
	for (; paths && *paths; paths++)
		if (is_root(*paths))
			return wrong("Volumes", "one of them is the root itself", err);
	return 0;
}

int store_config_read(const json_t *record, struct store_image *ret, struct err *err)
{
	const json_t *c = json_object_get(json_object_get(record, "image"), "config");

	if (!c || json_is_null(c))
		return 0;
	if (!json_is_object(c))
		return wrong("config", "no map", err);
	if (take_list(c, "Entrypoint", &ret->entrypoint, err) < 0 ||
	    take_list(c, "Cmd", &ret->cmd, err) < 0 || take_list(c, "Env", &ret->env, err) < 0 ||
	    take_text(c, "User", &ret->user, err) < 0 ||
	    take_text(c, "WorkingDir", &ret->working_dir, err) < 0 ||
	    take_text(c, "StopSignal", &ret->stop_signal, err) < 0 ||
	    take_keys(c, "Volumes", false, &ret->volumes, err) < 0 ||
	    take_keys(c, "ExposedPorts", false, &ret->exposed, err) < 0 ||
	    take_keys(c, "Labels", true, &ret->labels, err) < 0 ||
	    take_health(c, &ret->health, err) < 0)
		return -1;
	make_absolute(&ret->working_dir);
	if (check_volumes(ret->volumes, err) < 0)
		return -1;
	if (ret->stop_signal && sig_parse(ret->stop_signal) < 0)
		return wrong("StopSignal", "no signal", err);
	return 0;
}
