/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * whywords: see whywords.h. One function for each action of the journal, in a table; several entries that are one matter for
 * people (a signal, the exit that it brought, the stop) become one sentence.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/entries.h"
#include "cli/moment.h"
#include "cli/whywords.h"
#include "mstack/store.h"

/* ---- entries beside an entry ----------------------------------------------------------------- */

static const json_t *entry(const json_t *entries, size_t at)
{
	return json_array_get(entries, at);
}

static bool is_action(const json_t *e, const char *action)
{
	return !strcmp(cli_string(e, "action"), action);
}

static bool is_of(const json_t *e, const json_t *other)
{
	return !strcmp(cli_string(e, "slot"), cli_string(other, "slot"));
}

/* The next one of the same container; NULL: it is the last. */
static const json_t *next_of(const json_t *entries, size_t at)
{
	const json_t *e = entry(entries, at);

	for (size_t i = at + 1; i < json_array_size(entries); i++)
		if (is_of(entry(entries, i), e))
			return entry(entries, i);
	return NULL;
}

static const json_t *before(const json_t *entries, size_t at)
{
	const json_t *e = entry(entries, at);

	while (at-- > 0)
		if (is_of(entry(entries, at), e))
			return entry(entries, at);
	return NULL;
}

/* ---- causes ---------------------------------------------------------------------------------- */

/*
 * By the host's own passwd, read as that of an image is: the C library's way would load libraries, which nothing of us does that
 * also enters containers.
 */
static void add_user(const json_t *e, struct buf *out)
{
	static char *const root[] = { (char *)"/" };
	const struct store_image host = { .layers = (char **)root, .n_layers = 1 };
	const char *uid = cli_entry_attribute(e, "uid"), *pid = cli_entry_attribute(e, "pid");
	_cleanup_(store_user_fini) struct store_user user = { 0 };
	bool known;

	if (!*pid)
		return;
	if (!*uid) {
		buf_printf(out, " (another user, pid %s)", pid);
		return;
	}
	known = store_user(&host, uid, &user, &(struct err){ 0 }) == 0 && user.name &&
		strcmp(user.name, uid) != 0;
	buf_printf(out, " (%s%s, pid %s)", known ? "" : "uid ", known ? user.name : uid, pid);
}

/* The words of `cause` are those that noting.c of sup writes; one that is not known is told by its text. */
static void add_cause(const json_t *e, struct buf *out)
{
	const char *cause = cli_entry_attribute(e, "cause");
	const char *what = cli_entry_attribute(e, "causeOf");

	if (!strcmp(cause, "user")) {
		buf_printf(out, " by 'mstack %s'", cli_entry_attribute(e, "command"));
		add_user(e, out);
	} else if (!strcmp(cause, "signal")) {
		const char *program = cli_entry_attribute(e, "program");

		buf_printf(out, " because the supervisor got %s",
			   cli_entry_attribute(e, "causeSignal"));
		if (*cli_entry_attribute(e, "pid"))
			buf_printf(out, " from %s",
				   *program ? program : "a process that has ended");
		add_user(e, out);
	} else if (!strcmp(cause, "dependency")) {
		buf_printf(out, " because of '%s', which it depends on", what);
	} else if (!strcmp(cause, "health")) {
		buf_puts(out, " because it is unhealthy");
	} else if (!strcmp(cause, "change")) {
		buf_printf(out, " because the stack file has changed%s%s", *what ? ": " : "", what);
	} else if (!strcmp(cause, "timeout")) {
		buf_puts(out, " because its grace period was over");
	} else if (!strcmp(cause, "abort")) {
		buf_printf(out, " because of '%s', whose end or failure ends all", what);
	} else if (*what) {
		buf_printf(out, ": %s", what);
	}
}

/* ---- actions --------------------------------------------------------------------------------- */

static void add_restart(const json_t *e, struct buf *out)
{
	const char *max = cli_entry_attribute(e, "maxRestarts");
	char wait[32];

	if (*cli_entry_attribute(e, "delayMs")) {
		cli_moment_span(cli_entry_number(e, "delayMs"), wait, sizeof(wait));
		buf_printf(out, "; restart %s%s%s after %s", cli_entry_attribute(e, "restarts"),
			   *max ? " of " : "", max, wait);
	} else if (*cli_entry_attribute(e, "dead")) {
		buf_printf(out, "; it is left so: its %s restarts are used up", max);
	}
}

/* "exited with code 1", "was ended by SIGKILL", "was killed: out of memory". */
static void add_end(const json_t *e, struct buf *out)
{
	const char *signal = cli_entry_attribute(e, "signal");

	if (*cli_entry_attribute(e, "oom") && *signal)
		buf_puts(out, "was killed because its memory was used up");
	else if (*signal)
		buf_printf(out, "was ended by %s", signal);
	else
		buf_printf(out, "exited with code %s", cli_entry_attribute(e, "exitCode"));
	if (*cli_entry_attribute(e, "oom") && !*signal)
		buf_puts(out, " (the kernel had killed one of its processes: out of memory)");
}

/* Of a stop first who wanted it, then how it went. */
static bool say_die(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *e = entry(entries, at);
	char span[32];

	cli_moment_span(cli_entry_number(e, "durationMs"), span, sizeof(span));
	if (*cli_entry_attribute(e, "cause")) {
		buf_puts(out, "was stopped");
		add_cause(e, out);
		buf_puts(out, "; it ");
	}
	add_end(e, out);
	buf_printf(out, " after %s", span);
	add_restart(e, out);
	return true;
}

static bool say_start(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *e = entry(entries, at);
	uint64_t restarts = cli_entry_number(e, "restarts");

	if (restarts)
		buf_printf(out, "was started again (restart %" PRIu64 ")", restarts);
	else
		buf_puts(out, "was started");
	return true;
}

/* Told by what follows, when something does. */
static bool say_starting(const json_t *entries, size_t at, struct buf *out)
{
	if (next_of(entries, at))
		return false;
	buf_puts(out, "is being started");
	return true;
}

static bool say_start_failed(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *e = entry(entries, at);

	buf_printf(out, "could not be started (%s): %s", cli_entry_attribute(e, "exitCode"),
		   cli_entry_attribute(e, "error"));
	add_restart(e, out);
	return true;
}

static bool say_wish(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *e = entry(entries, at);

	if (is_action(e, "create"))
		buf_puts(out, "was created");
	else if (is_action(e, "destroy"))
		buf_puts(out, "was removed");
	else
		buf_printf(out, "was %sd", cli_string(e, "action"));
	add_cause(e, out);
	return true;
}

/* After a back-off that is told by what was before and what follows. */
static bool say_waiting(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *e = entry(entries, at);

	if (!*cli_entry_attribute(e, "cause") && next_of(entries, at))
		return false;
	buf_puts(out, "is to be started again");
	add_cause(e, out);
	return true;
}

/* What stops it is told with the exit that it brings; what `kill` sent may bring none. */
static bool say_kill(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *e = entry(entries, at), *next = next_of(entries, at);
	int sig = (int)cli_entry_number(e, "signal");

	if (next &&
	    (is_action(next, "oom") ||
	     (is_action(next, "die") && *cli_entry_attribute(next, "cause"))) &&
	    strcmp(cli_entry_attribute(e, "cause"), "timeout") != 0)
		return false;
	buf_printf(out, "was sent %s", sig_name(sig));
	add_cause(e, out);
	return true;
}

/* The stop and the start before it say all. */
static bool say_nothing(const json_t *entries, size_t at, struct buf *out)
{
	(void)entries;
	(void)at;
	(void)out;
	return false;
}

static bool say_stop(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *last = before(entries, at);

	if (last && is_action(last, "die"))
		return false;
	buf_puts(out, "was stopped, no process was there,");
	add_cause(entry(entries, at), out);
	return true;
}

/* The container itself may go on: another of its processes was the largest. */
static bool say_oom(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *next = next_of(entries, at);

	if (next && is_action(next, "die"))
		return false;
	buf_puts(out, "had a process killed: its memory was used up");
	return true;
}

static bool say_health(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *e = entry(entries, at);
	const char *failures = cli_entry_attribute(e, "failures");
	const char *output = cli_entry_attribute(e, "output");

	if (!*failures) {
		buf_puts(out, "became healthy");
		return true;
	}
	buf_printf(out, "became unhealthy after %s failed probe%s%s%s", failures,
		   strcmp(failures, "1") ? "s in a row" : "", *output ? ": " : "", output);
	return true;
}

/* What became of the one that it waited for: its last end before this. */
static bool say_not_started(const json_t *entries, size_t at, struct buf *out)
{
	const char *on = cli_entry_attribute(entry(entries, at), "causeOf");

	buf_printf(out, "was not started: '%s', which it depends on, ", *on ? on : "a service");
	while (at-- > 0) {
		const json_t *e = entry(entries, at);

		if (strcmp(cli_string(e, "service"), on) != 0)
			continue;
		if (is_action(e, "die"))
			add_end(e, out);
		else if (is_action(e, "start_failed"))
			buf_printf(out, "could not be started: %s",
				   cli_entry_attribute(e, "error"));
		else if (is_action(e, "not_started"))
			buf_puts(out, "was not started either");
		else if (is_action(e, "health_status: unhealthy"))
			buf_puts(out, "became unhealthy");
		else
			continue;
		return true;
	}
	buf_puts(out, "failed");
	return true;
}

/* In the order in which they come in a life. */
static const struct {
	const char *action;
	bool (*say)(const json_t *entries, size_t at, struct buf *out);
} actions[] = {
	{ "create", say_wish },
	{ "waiting", say_waiting },
	{ "starting", say_starting },
	{ "start", say_start },
	{ "start_failed", say_start_failed },
	{ "not_started", say_not_started },
	{ "die", say_die },
	{ "kill", say_kill },
	{ "stop", say_stop },
	{ "oom", say_oom },
	{ "restart", say_nothing },
	{ "pause", say_wish },
	{ "unpause", say_wish },
	{ "destroy", say_wish },
	{ "health_status: healthy", say_health },
	{ "health_status: unhealthy", say_health },
};

/* One of a later mstack is told by its name, not left out. */
bool cli_why_sentence(const json_t *entries, size_t at, struct buf *out)
{
	const json_t *e = entry(entries, at);

	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (is_action(e, actions[i].action))
			return actions[i].say(entries, at, out);
	buf_puts(out, cli_string(e, "action"));
	add_cause(e, out);
	return true;
}

/* ---- now ------------------------------------------------------------------------------------- */

void cli_why_state(const json_t *row, const char *lost, struct buf *out)
{
	const char *reason = cli_string(row, "Reason");

	if (!row && lost && *lost)
		buf_printf(out, "not there: SIGUSR2: the next mstack could not go on: %s", lost);
	else if (!row && lost)
		buf_puts(out, "not there: the supervisor was killed, or the host went down");
	else if (!row)
		buf_puts(out, "not there: it was removed, or the stack is down");
	else if (!strcmp(cli_string(row, "State"), "created"))
		buf_puts(out, "not started");
	else
		buf_puts(out, cli_string(row, "Status"));
	if (row && *reason)
		buf_printf(out, ": %s", reason);
}
