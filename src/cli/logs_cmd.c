/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logs: `mstack logs`. Reads the stored files itself, so it works without a supervisor and costs a running one nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/container.h"
#include "cli/logview.h"
#include "cli/moment.h"
#include "cli/servicename.h"
#include "cli/unsupervised.h"
#include "mstack/store.h"

#define SOURCES_MAX 10000
/* A pattern is compiled in memory that grows with it. */
#define PATTERN_MAX 1024

struct viewer {
	const struct cli_options *o;
	struct cli_project project;
	struct store *store;
	struct VEC(struct logs_source) sources;
	struct VEC(const char *) names; /* of all slots, chosen or not: they decide the colours */
	struct cli_logview view;
	int supervisor;			/* a connection, for its end; -1 */
	const struct cli_follow *until; /* NULL: as long as the stack is up */
	unsigned long index;		/* --index; 0: all */
	regex_t pattern;		/* --grep */
	bool has_pattern;
};

/* ---- words ----------------------------------------------------------------------------------- */

static int parse_tail(const char *s, int64_t *ret, struct err *err)
{
	size_t len = s ? strlen(s) : 0;

	*ret = -1;
	if (!s || !strcmp(s, "all") || !strcmp(s, "-1"))
		return 0;
	if (!len || len > 9 || strspn(s, "0123456789") != len)
		return err_kind(err, ERR_USAGE,
				"logs: --tail: '%s' is neither a number of lines nor all", s);
	*ret = atoll(s);
	return 0;
}

static int parse_index(const char *s, unsigned long *ret, struct err *err)
{
	size_t len = s ? strlen(s) : 0;

	*ret = 0;
	if (s && len && len < 7 && strspn(s, "0123456789") == len)
		*ret = strtoul(s, NULL, 10);
	return !s || *ret
		       ? 0
		       : err_kind(err, ERR_USAGE, "logs: --index: '%s' is no number from 1 on", s);
}

/* Extended, as of grep -E. */
static int parse_pattern(struct viewer *v, const char *s, struct err *err)
{
	char why[128];
	int rc;

	if (!s)
		return 0;
	if (strlen(s) > PATTERN_MAX)
		return err_kind(err, ERR_USAGE, "logs: --grep: a pattern has %d bytes at most",
				PATTERN_MAX);
	rc = regcomp(&v->pattern, s, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, &v->pattern, why, sizeof(why));
		return err_kind(err, ERR_USAGE, "logs: --grep: '%s': %s", s, why);
	}
	v->has_pattern = true;
	return 0;
}

/* ---- sources --------------------------------------------------------------------------------- */

/* Is it a slot ("web-1") of this service? */
static bool is_slot_of(const char *slot, const char *service)
{
	size_t len = strlen(service);
	const char *index = slot + len + 1;

	return !strncmp(slot, service, len) && slot[len] == '-' && *index &&
	       strspn(index, "0123456789") == strlen(index);
}

static bool is_chosen(const struct viewer *v, const char *slot)
{
	const struct cli_options *o = v->o;

	if (v->until) {
		_cleanup_free_ char *service = cli_slot_service(slot);

		return v->until->shows(v->until->arg, service);
	}
	if (v->index && cli_slot_index(slot, NULL) != v->index)
		return false;
	for (size_t i = 0; i < o->args.n; i++)
		if (is_slot_of(slot, o->args.v[i]))
			return true;
	return !o->args.n;
}

static void add_slot(struct viewer *v, const char *slot)
{
	const char *name;

	for (size_t i = 0; i < v->names.n; i++)
		if (!strcmp(v->names.v[i], slot))
			return;
	if (v->names.n >= SOURCES_MAX)
		return;
	name = xstrdup(slot);
	vec_push(&v->names, name);
	if (is_chosen(v, slot))
		vec_push(&v->sources,
			 ((struct logs_source){
				 .name = name,
				 .dir = store_log_dir(v->store, v->project.name, slot) }));
}

/* The first one even if there is to be none: the service is known all the same. */
static void add_service(struct viewer *v, const struct stack_service *s)
{
	for (unsigned k = 1; k <= s->scale || k == 1; k++) {
		_cleanup_free_ char *slot = xasprintf("%s-%u", s->name, k);

		add_slot(v, slot);
	}
}

/* Every slot that ever wrote, and those of the file that may yet. */
static int find_slots(struct viewer *v, struct err *err)
{
	_cleanup_free_ char *folder = store_log_dir(v->store, v->project.name, ".");
	_cleanup_closedir_ DIR *dir = opendir(folder);
	const struct stack *s = v->project.stack;
	struct dirent *e;

	if (!dir && errno != ENOENT)
		return err_sys(err, errno, "logs: open '%s'", folder);
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			add_slot(v, e->d_name);
	for (size_t i = 0; s && i < s->n_services; i++)
		add_service(v, &s->services[i]);
	s = v->until ? v->until->stack : NULL;
	for (size_t i = 0; s && i < s->n_services; i++)
		add_service(v, &s->services[i]);
	return 0;
}

/* By what there is, not by the file alone: a service that was taken out of it still has its log. */
static int check_services(const struct viewer *v, struct err *err)
{
	for (size_t i = 0; i < v->o->args.n; i++) {
		const char *service = v->o->args.v[i];
		bool known = false;

		for (size_t k = 0; k < v->names.n; k++)
			known |= is_slot_of(v->names.v[k], service);
		if (!known)
			return cli_services_none("logs", service, &v->project, NULL, err);
	}
	if (v->index && !v->sources.n)
		return err_kind(err, ERR_USAGE, "logs: --index: '%s' has no container number %lu",
				v->o->args.n ? v->o->args.v[0] : v->project.name, v->index);
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Bytes as they came: a NUL ends nothing. */
static bool matches(void *arg, const struct logs_line *line)
{
	const struct viewer *v = arg;
	regmatch_t all = { .rm_so = 0, .rm_eo = (regoff_t)line->len };

	return regexec(&v->pattern, line->text, 1, &all, REG_STARTEND) == 0;
}

static void add_json(const char *slot, const struct logs_line *line, struct buf *out)
{
	static const char *const streams[] = {
		[LOGS_STDOUT] = "stdout", [LOGS_STDERR] = "stderr", [LOGS_MSTACK] = "mstack"
	};
	_cleanup_free_ char *service = cli_slot_service(slot);
	char stamp[TIME_STAMP_SIZE];

	time_stamp(line->wall_ns, stamp);
	buf_printf(
		out,
		"{\"time\":\"%s\",\"service\":\"%s\",\"slot\":\"%s\",\"stream\":\"%s\",%s\"text\":\"",
		stamp, service, slot, streams[line->fd], line->partial ? "\"partial\":true," : "");
	logs_json_text(out, line->text, line->len);
	buf_puts(out, "\"}\n");
}

static int on_line(void *arg, size_t source, const struct logs_line *line)
{
	struct viewer *v = arg;
	const char *slot = v->sources.v[source].name;
	struct buf b = { 0 };
	bool failed;

	if (v->o->json)
		add_json(slot, line, &b);
	else
		cli_logview_add(&v->view, slot, line, &b);
	failed = fwrite(b.data, 1, b.len, stdout) != b.len;
	buf_fini(&b);
	return failed;
}

/* Asked while there is nothing to read: now what was read is shown. True when nothing more can come. */
static bool on_pause(void *arg)
{
	struct viewer *v = arg;
	struct err err;

	if (fflush(stdout) || (v->until && v->until->over(v->until->arg)))
		return true;
	if (v->supervisor >= 0 && !cli_has_gone(v->supervisor))
		return false;
	cleanup_fd(&v->supervisor);
	return cli_knock(v->project.name, 0, &v->supervisor, &err) != 0;
}

static int on_begin(void *arg, struct err *err)
{
	const struct viewer *v = arg;

	return v->until ? v->until->begin(v->until->arg, err) : 0;
}

/* Words first: a slip in one is told before any file is looked for. */
static int show(struct viewer *v, const struct cli_term *t, struct err *err)
{
	struct logs_query q = { .follow = v->o->follow, .stop = on_pause, .begin = on_begin };

	if (parse_tail(v->o->tail, &q.tail, err) < 0 ||
	    parse_index(v->o->index, &v->index, err) < 0 || parse_pattern(v, v->o->grep, err) < 0 ||
	    cli_moment_parse("logs", "since", v->o->since, &q.since_ns, err) < 0 ||
	    cli_moment_parse("logs", "until", v->o->until, &q.until_ns, err) < 0)
		return -1;
	if (cli_project_find(v->o, &v->project, err) < 0)
		return -1;
	v->store = store_open(path_data_dir(), err);
	if (!v->store || find_slots(v, err) < 0 || check_services(v, err) < 0)
		return -1;
	/* Who waits for more is told when none can come. */
	if (v->o->follow && !v->until && cli_connect(v->project.name, 0, &v->supervisor, err) < 0)
		return err_wrap(err, "logs");
	cli_unsupervised_tell(v->o, v->project.name);
	q.match = v->has_pattern ? matches : NULL;
	cli_logview_init(&v->view, v->o, t, v->names.v, v->names.n);
	return logs_read(v->sources.v, v->sources.n, &q, on_line, v, err);
}

int cli_logs_until(const struct cli_options *o, const struct cli_follow *until, struct err *err)
{
	struct viewer v = { .o = o, .supervisor = -1, .until = until };
	const struct cli_term t = cli_term_get(o);
	int r = show(&v, &t, err);

	cleanup_fd(&v.supervisor);
	if (v.has_pattern)
		regfree(&v.pattern);
	cli_logview_fini(&v.view);
	for (size_t i = 0; i < v.sources.n; i++)
		free((char *)v.sources.v[i].dir);
	for (size_t i = 0; i < v.names.n; i++)
		free((char *)v.names.v[i]);
	vec_fini(&v.sources);
	vec_fini(&v.names);
	store_close(v.store);
	cli_project_fini(&v.project);
	return r;
}

int cli_logs(const struct cli_options *o, struct err *err)
{
	return cli_logs_until(o, NULL, err);
}
