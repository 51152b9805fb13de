/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verb: see verb.h. Called by verbs_cmd.c and others that change a running stack.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include "cli/client.h"
#include "cli/unsupervised.h"
#include "cli/servicename.h"
#include "cli/verb.h"
#include "mstack/sup.h"

struct talk {
	const struct cli_verb *v;
	struct cli_term term;
	int fd;
	bool heard;
	bool failed;
	uint64_t until_ms; /* 0: for ever */
};

/* The first answer says that it was heard; from then on it takes as long as it takes, or as somebody wants to wait. */
static void wait_on(struct talk *t)
{
	struct timeval left = { 0 }; /* none is for ever */
	uint64_t now = time_mono_ms(), ms;

	t->heard = true;
	if (t->until_ms) {
		ms = t->until_ms > now ? t->until_ms - now : 1;
		left = (struct timeval){ .tv_sec = (time_t)(ms / 1000),
					 .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	}
	setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof(left));
}

static int on_answer(void *arg, const struct ctl_msg *m)
{
	struct talk *t = arg;
	const char *slot = cli_string(m->body, "slot"), *error = cli_string(m->body, "error"),
		   *change = cli_string(m->body, "change");

	wait_on(t);
	if (!*slot || (t->v->each && t->v->each(t->v->arg, m->body)))
		return 0;
	if (*error)
		cli_say(&t->term, SUP_ERROR, NULL, error);
	else if (*change)
		cli_say(&t->term, SUP_PROGRESS, slot, change);
	t->failed |= *error != '\0';
	return 0;
}

static json_t *body_of(const struct cli_verb *v, const struct cli_options *o)
{
	json_t *body = v->body ? json_copy(v->body) : json_object();
	json_t *services = json_array();

	for (size_t i = 0; i < o->args.n; i++)
		json_array_append_new(services, json_string(o->args.v[i]));
	if (o->args.n)
		json_object_set(body, "services", services);
	json_decref(services);
	if (o->timeout_s >= 0)
		json_object_set_new(body, "timeout", json_integer(o->timeout_s));
	return body;
}

/* What has been said of a slot is not said again. */
static int ask(struct talk *t, const struct cli_options *o, struct err *err)
{
	json_t *body = body_of(t->v, o);
	int rc = ctl_call(t->fd, t->v->type, body, on_answer, t, err);

	json_decref(body);
	if (rc == 0)
		return 0;
	if (t->heard && t->until_ms && err->kind == ERR_TIMEOUT)
		return err_kind(err, ERR_TIMEOUT,
				"%s: not all is there after %lld s: it goes on, see 'mstack ps'",
				t->v->name, (long long)t->v->wait_s);
	return t->failed ? cli_told(err, err->kind) : err_wrap(err, "%s", t->v->name);
}

static int no_supervisor(const struct cli_verb *v, const struct cli_project *p, bool *ret_down,
			 struct err *err)
{
	if (sup_owner(p->name))
		return err_set(err, "%s: stack '%s' is on its way up or down: try again", v->name,
			       p->name);
	if (!ret_down)
		return err_set(err, "%s: stack '%s' is not up: see 'mstack up'", v->name, p->name);
	*ret_down = true;
	return 0;
}

int cli_verb_run(const struct cli_verb *v, const struct cli_options *o, const struct cli_project *p,
		 bool *ret_down, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	struct talk t = { .v = v, .term = cli_term_get(o) };
	json_t *rows;
	int rc = cli_kept_adopt(p->name, err) < 0 ? -1 : cli_slots(p->name, &rows, err);

	if (rc < 0)
		return err_wrap(err, "%s", v->name);
	rc = cli_services_check(o, p, rows, v->name, err);
	json_decref(rows);
	if (rc < 0)
		return -1;
	rc = cli_connect(p->name, CLI_ANSWER_MS, &fd, err);
	if (rc)
		return rc < 0 ? -1 : no_supervisor(v, p, ret_down, err);
	t.fd = fd;
	t.until_ms = v->wait_s ? time_mono_ms() + (uint64_t)v->wait_s * 1000 : 0;
	return ask(&t, o, err);
}
