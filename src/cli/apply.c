/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply: see apply.h. Called by up and plan. What was read goes to the supervisor as a document with its environment; places in the file
 * are looked up here, where the file was read.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/apply.h"
#include "cli/client.h"
#include "mstack/ctl.h"
#include "mstack/stack_compare.h"
#include "mstack/sup.h"

enum { REQUEST = 1, BUSY_PAUSE_MS = 100, ANSWER_MS = 1000 };

/* ---- asking ---------------------------------------------------------------------------------- */

static json_t *wishes_of(const struct cli_apply *a)
{
	const struct stack_strs inactive = stack_inactive(a->project->stack);
	json_t *services = json_array(), *others = json_array(), *wishes;
	const struct cli_options *o = a->o;

	for (size_t i = 0; i < o->args.n; i++)
		json_array_append_new(services, json_string(o->args.v[i]));
	for (size_t i = 0; i < inactive.n; i++)
		json_array_append_new(others, json_string(inactive.v[i].text));
	wishes = json_pack("{s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b}", "services",
			   services, "no_deps", o->no_deps, "force_recreate", o->force_recreate,
			   "no_recreate", o->no_recreate, "always_recreate_deps", o->recreate_deps,
			   "remove_orphans", o->remove_orphans, "wait", o->wait, "isolated",
			   o->isolated, "no_start", o->no_start, "renew_volumes", o->renew_volumes);
	json_object_set_new(wishes, "inactive", others);
	if (o->command)
		json_object_set_new(wishes, "command", json_string(o->command));
	if (o->timeout_s >= 0)
		json_object_set_new(wishes, "timeout", json_integer(o->timeout_s));
	return wishes;
}

static int take(struct cli_apply *a, const struct ctl_msg *m, struct err *err)
{
	if (m->type == CTL_ERROR)
		return ctl_error(m, err);
	if (m->flags & CTL_LAST)
		return 0;
	if (!json_object_get(m->body, "action"))
		json_array_append(a->keys, m->body);
	else
		json_array_append(json_object_get(m->body, "slot") ? a->slots : a->nets, m->body);
	return 1;
}

/* Until the last answer. */
static int hear(struct cli_apply *a, int fd, struct err *err)
{
	int rc = 1;

	while (rc == 1) {
		struct ctl_msg m = { 0 };

		switch (ctl_recv(fd, &m, err)) {
		case 0:
			rc = take(a, &m, err);
			break;
		case 1:
			rc = err_kind(
				err, ERR_TIMEOUT,
				"not all has arrived after the time of --wait-timeout; it goes on");
			break;
		case 2:
			rc = err_set(err, "the supervisor has ended meanwhile");
			err->sys = ECONNRESET;
			break;
		default:
			rc = -1;
		}
		ctl_msg_fini(&m);
	}
	return rc;
}

/* What runs beside the services that are named belongs to the document, too: it is to stay. */
static bool is_running(const json_t *rows, const char *service)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (!strcmp(cli_string(row, "Service"), service) &&
		    !json_is_true(json_object_get(row, "OneOff")))
			return true;
	return false;
}

static void choose(const struct cli_apply *a, const struct stack *all, const json_t *rows,
		   struct cli_words *ret)
{
	for (size_t i = 0; i < a->o->args.n; i++)
		vec_push(ret, a->o->args.v[i]);
	for (size_t i = 0; i < all->n_services; i++)
		if (is_running(rows, all->services[i].name))
			vec_push(ret, all->services[i].name);
}

static int document_of_some(struct cli_apply *a, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project all = { 0 }, some = { 0 };
	struct cli_words words = { 0 };
	struct cli_load how = { .for_run = true, .scales = a->scales };
	json_t *rows = NULL;
	int fd = -1;

	if (cli_project_load(a->o, &how, &all, err) == 0 &&
	    cli_slots(a->project->name, &rows, err) >= 0) {
		choose(a, all.stack, rows, &words);
		how.services = &words;
		how.no_deps = a->o->no_deps;
		if (cli_project_load(a->o, &how, &some, err) == 0)
			fd = sup_document(some.stack, err);
	}
	json_decref(rows);
	vec_fini(&words);
	return fd;
}

static int document(struct cli_apply *a, struct err *err)
{
	return a->o->args.n ? document_of_some(a, err) : sup_document(a->project->stack, err);
}

/* A supervisor that ends, or is just dying, has its door open for a moment still. Rows are told before anything is begun. */
static bool was_ending(const struct cli_apply *a, const struct err *err)
{
	return (err->sys == ECONNRESET || err->sys == EPIPE) && !json_array_size(a->slots) &&
	       !json_array_size(a->keys) && !json_array_size(a->nets);
}

/*
 * As cli_apply, once. Who has little time left after a wait is answered all the same, or would not know whether something was begun.
 */
static int ask(struct cli_apply *a, bool dry, struct err *err)
{
	const uint64_t now = time_mono_ms(), until = a->until;
	unsigned ms = !until ? 0 : until > now + ANSWER_MS ? (unsigned)(until - now) : ANSWER_MS;
	struct ctl_msg m = { .type = dry ? CTL_PLAN : CTL_APPLY, .id = REQUEST };
	_cleanup_fd_ int fd = -1, doc = -1;
	int rc = cli_connect(a->project->name, ms, &fd, err);

	if (rc)
		return rc;
	doc = document(a, err);
	if (doc < 0)
		return -1;
	for (size_t i = 0; i < CTL_FDS_MAX; i++)
		m.fds[i] = -1;
	m.fds[m.n_fds++] = doc;
	m.body = wishes_of(a);
	rc = ctl_send(fd, &m, err);
	json_decref(m.body);
	rc = rc ? -1 : hear(a, fd, err);
	return rc;
}

static void tell_wait(const struct cli_apply *a, const char *why)
{
	struct cli_term term = cli_term_get(a->o);
	_cleanup_free_ char *text = xasprintf("%s: this waits for the end of that", why);

	cli_say(&term, SUP_NOTE, NULL, text);
}

/* One that is about to end is gone in a moment; one that has no place for another client may have one then. */
static bool is_worth_a_try(struct cli_apply *a, struct err *err)
{
	const uint64_t now = time_mono_ms();

	if (!a->reset_until)
		a->reset_until = now + CLI_ANSWER_MS;
	if (now < a->reset_until)
		return true;
	err_set(err,
		"the supervisor (process %d) closes the connection: too many clients are connected: try again when some have ended",
		(int)sup_owner(a->project->name));
	return false;
}

/* False: there is no time left for it. */
static bool waits(struct cli_apply *a, struct err *err)
{
	const struct err why = *err;

	a->reset_until = 0;
	if (a->until && time_mono_ms() > a->until) {
		err_kind(err, ERR_TIMEOUT,
			 "%s, also after the time of --wait-timeout: nothing was done", why.text);
		return false;
	}
	if (strcmp(why.text, a->told.text) != 0)
		tell_wait(a, why.text);
	a->told = why;
	a->worked = a->worked || why.sys == EALREADY;
	return true;
}

bool cli_apply_again(struct cli_apply *a, struct err *err)
{
	const bool busy = err->sys == EALREADY || err->sys == ESHUTDOWN;

	if (was_ending(a, err) ? !is_worth_a_try(a, err) : !busy || !waits(a, err))
		return false;
	*err = (struct err){ 0 };
	usleep(BUSY_PAUSE_MS * 1000);
	return true;
}

int cli_apply(struct cli_apply *a, bool dry, struct err *err)
{
	int rc;

	a->slots = json_array();
	a->nets = json_array();
	a->keys = json_array();
	do {
		rc = ask(a, dry, err);
	} while (rc < 0 && cli_apply_again(a, err));
	return rc;
}

void cli_apply_fini(struct cli_apply *a)
{
	json_decref(a->slots);
	json_decref(a->nets);
	json_decref(a->keys);
}

/* ---- printing -------------------------------------------------------------------------------- */

static const struct action {
	const char *word, *sign, *colour, *count;
} actions[] = {
	{ "create", "+", "32", "to create" },
	{ "recreate", "-/+", "35", "to recreate" },
	{ "restart", "~", "33", "to restart" },
	{ "update", "~", "36", "to change while they run" },
	{ "start", ">", "32", "to start" },
	{ "remove", "-", "31", "to remove" },
	{ "orphan", "?", "33", "not in the file" },
	{ "keep", " ", "", "unchanged" },
};

/* What stays as it is and does not run is started. */
static const struct action *action_of(const json_t *slot)
{
	const char *word = cli_string(slot, "action");

	if (!strcmp(word, "keep") && json_is_true(json_object_get(slot, "starts")))
		word = "start";
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(actions[i].word, word))
			return &actions[i];
	return &actions[ARRAY_LEN(actions) - 1];
}

static bool does_something(const struct action *a)
{
	return strcmp(a->word, "keep") != 0 && strcmp(a->word, "orphan") != 0;
}

size_t cli_apply_count(const struct cli_apply *a)
{
	const json_t *slot;
	size_t i, n = json_array_size(a->nets);

	json_array_foreach(a->slots, i, slot)
		n += does_something(action_of(slot));
	return n;
}

static void put_place(const struct cli_apply *a, const json_t *key, struct buf *out)
{
	const struct stack *s = a->project->stack;
	const char *network = cli_string(key, "network");
	struct stack_pos pos = stack_place_of(s, *network ? "networks" : "services",
					      *network ? network : cli_string(key, "service"),
					      cli_string(key, "key"));

	if (pos.line && pos.file < s->n_files)
		buf_printf(out, "  (%s:%u)", s->files[pos.file].path, pos.line);
}

/* Image ids as people know them. */
static void put_value(const json_t *key, const char *name, struct buf *out)
{
	const char *text = cli_string(key, name);

	if (!json_object_get(key, name))
		buf_puts(out, "(none)");
	else if (!strcmp(cli_string(key, "key"), "image") && strspn(text, "0123456789abcdef") == 64)
		buf_printf(out, "%.12s", text);
	else
		cli_harmless(text, strlen(text), false, out);
}

static void put_key(const struct cli_apply *a, const json_t *key, struct buf *out)
{
	bool told = *cli_string(key, "key");

	buf_printf(out, "      %s", cli_string(key, "key"));
	if (json_object_get(key, "from") || json_object_get(key, "to")) {
		buf_puts(out, ": ");
		put_value(key, "from", out);
		buf_puts(out, " -> ");
		put_value(key, "to", out);
	}
	if (json_object_get(key, "why"))
		buf_printf(out, "%s%s", told ? ": " : "", cli_string(key, "why"));
	buf_printf(out, "  [%s]", cli_string(key, "class"));
	if (told)
		put_place(a, key, out);
	buf_putc(out, '\n');
}

/* One of `what` ("slot", "network", "wire"), with its differences; `label` stands before its name. */
static void put_row(const struct cli_apply *a, const json_t *slot, const char *what,
		    const char *label, bool colour, struct buf *out)
{
	const struct action *act = action_of(slot);
	const char *name = cli_string(slot, what);
	const json_t *key;
	size_t i;

	if (!strcmp(act->word, "keep"))
		return;
	if (colour)
		buf_printf(out, "\033[%sm", act->colour);
	buf_printf(out, "%3s %s%s: %s", act->sign, label, name, act->word);
	if (colour)
		buf_puts(out, "\033[0m");
	if (json_is_string(json_object_get(slot, "why")))
		buf_printf(out, ": %s", cli_string(slot, "why"));
	buf_putc(out, '\n');
	json_array_foreach(a->keys, i, key)
		if (!strcmp(cli_string(key, what), name))
			put_key(a, key, out);
}

static void put_nets(const struct cli_apply *a, bool colour, struct buf *out)
{
	const json_t *row;
	size_t i;

	json_array_foreach(a->nets, i, row) {
		if (json_object_get(row, "network"))
			put_row(a, row, "network", "network ", colour, out);
		else
			put_row(a, row, "wire", "wire ", colour, out);
	}
}

void cli_apply_print(const struct cli_apply *a, bool colour, struct buf *out)
{
	size_t n[ARRAY_LEN(actions)] = { 0 }, i;
	const json_t *slot;
	const char *comma = "";

	put_nets(a, colour, out);
	json_array_foreach(a->slots, i, slot) {
		put_row(a, slot, "slot", "", colour, out);
		n[action_of(slot) - actions]++;
	}
	for (i = 0; i < ARRAY_LEN(actions); i++) {
		if (!n[i])
			continue;
		buf_printf(out, "%s%zu %s", comma, n[i], actions[i].count);
		comma = ", ";
	}
	i = json_array_size(a->nets);
	if (i)
		buf_printf(out, "%s%zu network%s or wire%s", comma, i, i > 1 ? "s" : "",
			   i > 1 ? "s" : "");
	buf_puts(out, *comma || i ? "\n" : "nothing to do\n");
}
