/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_service: the keys of a service that need no file of their own: names, paths, words and
 * builds. Called through the table of service keys, in services.c.
 */
#include <sys/utsname.h>

#include "stack/keys.h"
#include "stack/names.h"
#include "stack/read_service.h"

#define HOSTNAME_LONGEST 64

/* A folder of the host is found from anywhere; all other forms are the store's business. */
VALUE_READER(read_image)
{
	struct stack_str *image = field;

	value_string(r, w, n, image);
	if (image->text && (!strncmp(image->text, "./", 2) || !strncmp(image->text, "../", 3)))
		image->text = value_clean_path(r->arena, r->stack->dir, image->text);
}

VALUE_READER(read_working_dir)
{
	if (*n->text == '/')
		value_text(r, w, n, field);
	else
		reader_error(r, w, n->pos, NULL,
			     "'%.80s': the path in the container must begin with /", n->text);
}

VALUE_READER(read_container_name)
{
	if (name_check(r, w, n->pos, n->text))
		value_text(r, w, n, field);
}

/* The kernel takes any 64 bytes (uname(2)); resolvers and the hosts file do not. */
VALUE_READER(read_hostname)
{
	size_t len = strlen(n->text);

	if (!len || len > HOSTNAME_LONGEST || strspn(n->text, NAME_LETTERS ".-_") != len ||
	    *n->text == '-')
		reader_error(r, w, n->pos, NULL,
			     "'%.80s' is not a host name of at most %d letters, digits, . and -",
			     n->text, HOSTNAME_LONGEST);
	else
		value_text(r, w, n, field);
}

/* The loader of compose lets a bad policy pass, and it fails when the container is to start. */
VALUE_READER(read_restart)
{
	static const char *const words[] = { "no", "always", "on-failure", "unless-stopped" };
	struct stack_service *s = field;
	size_t len = strcspn(n->text, ":");
	int64_t max = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i]) != len || strncmp(words[i], n->text, len))
			continue;
		if (n->text[len] &&
		    (i != STACK_ON_FAILURE || value_parse_int(n->text + len + 1, &max) < 0 ||
		     max < 0 || max > INT32_MAX))
			break;
		s->restart = (enum stack_restart)i;
		s->restart_max = (unsigned)max;
		return;
	}
	reader_error(
		r, w, n->pos, reader_suggest(r, n->text, words, ARRAY_LEN(words)),
		"'%.40s' is not a policy; write no, always, unless-stopped or on-failure[:TIMES]",
		n->text);
}

VALUE_READER(read_stop_signal)
{
	struct stack_service *s = field;
	int sig = sig_parse(n->text);

	if (sig < 0) {
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is not a signal; write like SIGTERM or 15", n->text);
		return;
	}
	s->stop_signal = (struct stack_str){ n->text, n->pos };
	s->stop_signal_nr = sig;
}

/* Nothing is built here, so only what is needed to say how to build is kept. */
/* clang-format off */
static const struct key build_rows[] = {
	DONE("context", STR, value_string, stack_service, build_context),
	DONE("dockerfile", STR, value_string, stack_service, build_dockerfile),
	KNOWN("additional_contexts", MAP | LST), KNOWN("args", MAP | LST), KNOWN("cache_from", LST),
	KNOWN("cache_to", LST), KNOWN("dockerfile_inline", STR), KNOWN("entitlements", LST),
	KNOWN("extra_hosts", MAP | LST), KNOWN("isolation", STR), KNOWN("labels", MAP | LST),
	KNOWN("network", STR), KNOWN("no_cache", BOO | STR), KNOWN("no_cache_filter", STR | LST),
	KNOWN("platforms", LST), KNOWN("privileged", BOO | STR), KNOWN("provenance", BOO | STR),
	KNOWN("pull", BOO | STR), KNOWN("sbom", BOO | STR), KNOWN("secrets", LST),
	KNOWN("shm_size", NUM | STR), KNOWN("ssh", MAP | LST), KNOWN("tags", LST),
	KNOWN("target", STR), KNOWN("ulimits", MAP),
};
static const struct key_table build_keys = TABLE(build_rows);
/* clang-format on */

VALUE_READER(read_build)
{
	struct stack_service *s = field;
	struct stack_str context = { NULL, n->pos };

	if (n->kind == NODE_MAP) {
		reader_map(r, w, n, &build_keys, s);
		context = s->build_context;
	} else {
		context.text = n->text;
	}
	if (!context.text)
		context.text = ".";
	/* Folders of other machines stay as they are: only an image builder could fetch them. */
	if (!strstr(context.text, "://") && strncmp(context.text, "git@", 4))
		context.text = value_clean_path(r->arena, r->stack->dir, context.text);
	s->build_context = context;
}

/* Nothing is emulated: a program for another machine would fail with a riddle at exec. */
VALUE_READER(read_platform)
{
	static const struct {
		const char *machine, *arch;
	} names[] = {
		{ "x86_64", "amd64" },
		{ "aarch64", "arm64" },
		{ "armv7l", "arm/v7" },
	};
	const char *arch = n->text + (!strncmp(n->text, "linux/", 6) ? 6 : 0);
	struct utsname host;

	(void)field;
	uname(&host);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(arch, names[i].arch) && !strcmp(host.machine, names[i].machine))
			return;
	if (strcmp(arch, host.machine) && strcmp(n->text, "linux"))
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is another platform than this machine's (linux on %s)",
			     n->text, host.machine);
}

/* Images come from this machine only, so all policies that are known mean the same. */
VALUE_READER(read_pull_policy)
{
	static const char *const words[] = {
		"always", "never", "missing", "if_not_present", "build", "daily", "weekly",
	};

	(void)field;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(n->text, words[i])) {
			reader_warn(r, w, n->pos, "has no effect: images are not pulled");
			return;
		}
	if (strncmp(n->text, "every_", 6))
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is not a policy; known are always, never and missing",
			     n->text);
}

/* clang-format off */
static const struct key deploy_rows[] = {
	WARN("endpoint_mode", STR, CLUSTER),
	WARN("labels", MAP | LST, CLUSTER),
	WARN("mode", STR, CLUSTER),
	WARN("placement", MAP, CLUSTER),
	REFUSE("replicas", NUM | STR, NULL),
	REFUSE("resources", MAP, "use 'cpus', 'mem_limit' and 'pids_limit'"),
	REFUSE("restart_policy", MAP, "use 'restart'"),
	WARN("rollback_config", MAP, CLUSTER),
	WARN("update_config", MAP, CLUSTER),
};
static const struct key_table deploy_keys = TABLE(deploy_rows);
/* clang-format on */

VALUE_READER(read_deploy)
{
	(void)field;
	reader_map(r, w, n, &deploy_keys, NULL);
}
