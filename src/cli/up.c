/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * up: `mstack up`, in the foreground or in the background. Loads the stack, runs the supervisor, and is its face: progress,
 * log lines, warnings about the file. All that it decides is how things are told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/adopt.h"
#include "cli/background.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/images.h"
#include "cli/logview.h"
#include "cli/project.h"
#include "cli/relay.h"
#include "cli/reup.h"
#include "cli/servicename.h"
#include "cli/shown.h"
#include "cli/unsupervised.h"
#include "mstack/box.h"
#include "mstack/rootless.h"

/* By which a supervisor is known when its ledger was lost (box_supervisor). */
#define PROCESS_NAME "mstack"

/* So often it is looked whether somebody else has come to an end, and so long that is not worth a word. */
enum { LOOK_MS = 20, MOMENT_MS = 500 };

struct up {
	const struct cli_options *o;
	struct cli_term term;
	struct cli_project project;
	struct cli_logview view;
	struct cli_relay relay;
	bool *quiet; /* by service: its log is not shown */
	struct sup_carried carried;
	bool goes_on; /* with what was carried over */
	char *reread; /* of a stack that we have adopted, which may be another one in the file now; else NULL */
	char *reload; /* of what (SUP_RELOAD_VARIABLE); NULL: nothing */
	uint64_t until; /* by time_mono_ms, of --wait-timeout; 0: for ever */
	uint64_t look_until; /* for who keeps it to be heard of */
	bool told_other;
	unsigned turned; /* so often it was begun anew, though the one that was quicker was gone */
};

/* ---- telling --------------------------------------------------------------------------------- */

static void print(struct up *u, int to, struct buf *b)
{
	cli_relay_print(&u->relay, to, buf_str(b), b->len);
	buf_fini(b);
}

static void tell_diags(struct up *u)
{
	struct buf b = { 0 };

	if (cli_project_diags(&u->project, &u->term, &b))
		print(u, STDERR_FILENO, &b);
}

static void on_say(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	struct up *u = arg;
	struct buf b = { 0 };

	/* Only a plan has slots: now the file has been looked at from all sides. */
	if (slot)
		tell_diags(u);
	cli_say_add(&u->term, kind, slot, text, &b);
	if (b.len)
		print(u, STDERR_FILENO, &b);
}

static bool is_quiet(const struct up *u, const char *slot)
{
	const struct stack *s = u->project.stack;
	const char *dash = strrchr(slot, '-');
	size_t len = dash ? (size_t)(dash - slot) : strlen(slot);

	for (size_t i = 0; i < s->n_services; i++)
		if (!strncmp(s->services[i].name, slot, len) && !s->services[i].name[len])
			return u->quiet[i];
	return false;
}

static void on_line(void *arg, const char *slot, const struct logs_line *line)
{
	struct up *u = arg;
	struct buf b = { 0 };

	if (is_quiet(u, slot))
		return;
	cli_logview_add(&u->view, slot, line, &b);
	print(u, STDOUT_FILENO, &b);
}

static void on_up(void *arg, const struct err *err)
{
	(void)err;
	tell_diags(arg);
}

static void on_carry(void *arg, struct carry *to)
{
	const struct up *u = arg;

	cli_relay_carry(&u->relay, to);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Options that contradict each other: in the background nobody is left to end the stack. */
static int check_words(const struct cli_options *o, struct err *err)
{
	bool aborts = o->abort_on_exit || o->abort_on_failure || o->exit_code_from;

	if (o->wait_timeout_s >= 0 && !o->wait)
		return err_kind(err, ERR_USAGE, "up: --wait-timeout goes with --wait only");
	if (cli_reup_check(o, err) < 0)
		return err_wrap(err, "up");
	if (o->no_start && (o->wait || aborts))
		return err_kind(err, ERR_USAGE, "up: --no-start leaves nothing to wait for");
	if (aborts && (o->detach || o->wait))
		return err_kind(
			err, ERR_USAGE,
			"up: %s needs the foreground: it does not go with --detach or --wait",
			o->exit_code_from ? "--exit-code-from" : "--abort-on-container-...");
	return 0;
}

/* All of them in profiles that nobody asked for. */
static int no_service(const struct stack *s, struct err *err)
{
	const struct stack_strs profiles = stack_profiles(s);
	_cleanup_(buf_fini) struct buf names = { 0 };

	for (size_t i = 0; i < profiles.n; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", profiles.v[i].text);
	return err_kind(
		err, ERR_USAGE,
		"up: no service is active: name one, or one of these profiles with --profile: %s",
		buf_str(&names));
}

static int check_names(const struct cli_project *p, const char *option,
		       const struct cli_words *names, struct err *err)
{
	for (size_t i = 0; i < names->n; i++)
		if (!stack_find_service(p->stack, names->v[i]))
			return cli_services_none(option, names->v[i], p, NULL, err);
	return 0;
}

static int check_service(const struct cli_options *o, const struct cli_project *p, struct err *err)
{
	if (!p->stack->n_services)
		return no_service(p->stack, err);
	if (check_names(p, "up: --attach", &o->attach, err) < 0 ||
	    check_names(p, "up: --no-attach", &o->no_attach, err) < 0)
		return -1;
	if (!o->exit_code_from || stack_find_service(p->stack, o->exit_code_from))
		return 0;
	return cli_services_none("up: --exit-code-from", o->exit_code_from, p, NULL, err);
}

static int run_supervisor(struct up *u, int *ret_code, struct err *err)
{
	const struct cli_options *o = u->o;
	const struct sup_opts opts = {
		.stack = u->project.stack,
		.diags = u->project.diags,
		.hooks = { .arg = u,
			   .say = on_say,
			   .line = on_line,
			   .up = on_up,
			   .carry = on_carry },
		.foreground = true,
		.timeout_ms = o->timeout_s < 0 ? -1 : o->timeout_s * 1000,
		.abort_on_exit = o->abort_on_exit || o->exit_code_from,
		.abort_on_failure = o->abort_on_failure,
		.exit_code_from = o->exit_code_from,
		.wait_healthy = o->wait,
		.renew_volumes = o->renew_volumes,
		.isolated = o->isolated,
		.dry_run = o->dry_run,
		.turns_round = !rootless_is_user(),
		.carried = u->goes_on ? &u->carried : NULL,
		.reread = u->reread,
	};
	int r = sup_run(&opts, ret_code, err);

	/* One that was adopted was the supervisor's, who has closed it. */
	u->carried.ledger = NULL;
	tell_diags(u);
	if (r < 0 && stack_diags_errors(u->project.diags))
		return cli_told(err, err->kind);
	return r;
}

/* All names before the first line: colours and the width of the prefix never change on the way. */
static void init_view(struct up *u)
{
	const struct stack *s = u->project.stack;
	struct VEC(char *) names = { 0 };

	for (size_t i = 0; i < s->n_services; i++)
		for (unsigned k = 1; k <= s->services[i].scale; k++)
			vec_push(&names, xasprintf("%s-%u", s->services[i].name, k));
	cli_logview_init(&u->view, u->o, &u->term, (const char *const *)names.v, names.n);
	for (size_t i = 0; i < names.n; i++)
		free(names.v[i]);
	vec_fini(&names);
}

static void init_quiet(struct up *u)
{
	const struct stack *s = u->project.stack;

	u->quiet = xcalloc(s->n_services + 1, sizeof(*u->quiet));
	for (size_t i = 0; i < s->n_services; i++)
		u->quiet[i] = !cli_shows(u->o, s, s->services[i].name);
}

static int run_foreground(struct up *u, struct err *err)
{
	int code = 0, r;

	if (u->goes_on && u->carried.try_out)
		u->relay = (struct cli_relay){ .fd = -1, .pidfd = -1 };
	else if (u->goes_on && u->carried.face
			 ? cli_relay_resume(&u->relay, u->carried.face, err) < 0
			 : cli_relay_open(&u->relay, err) < 0)
		return -1;
	init_view(u);
	init_quiet(u);
	r = run_supervisor(u, &code, err);
	cli_relay_close(&u->relay);
	cli_logview_fini(&u->view);
	free(u->quiet);
	return r < 0 ? -1 : code;
}

/* Of --wait-timeout, as compose counts: from when all that is needed is here; 0 is for ever, as -1. */
static int64_t time_left(const struct up *u)
{
	uint64_t now = time_mono_ms();

	if (!u->until)
		return -1;
	return now < u->until ? (int64_t)(u->until - now) : 0;
}

/* Two processes come out of it; both return from here with an exit code of their own. */
static int run_background(struct up *u, struct err *err)
{
	const struct cli_background b = {
		.o = u->o,
		.project = &u->project,
		.timeout_ms = time_left(u),
		.wait_healthy = u->o->wait,
		.turns_round = true,
		.carried = u->goes_on ? &u->carried : NULL,
	};
	bool old;

	return cli_background(&b, &old, err);
}

/* A supervisor that was adopted is in the background, whatever the words were that the first one was called with. */
static bool is_background(const struct up *u)
{
	const struct cli_options *o = u->o;
	bool words = (o->detach || o->wait || o->no_start) && !o->dry_run;

	return u->goes_on ? !carry_num(u->carried.tree, "foreground", !words) : words;
}

/* For another command (unsupervised.h): the stack as it is gets a supervisor, whatever the file says now. */
static int adopt_only(struct up *u, const char *project, struct err *err)
{
	int r;

	u->project = (struct cli_project){ .name = xstrdup(project), .diags = stack_diags_new() };
	r = cli_adopt(u->o, &u->project, err);
	return r == CLI_ADOPT_GO_ON ? 0 : r;
}

/* ---- what goes on without a supervisor ------------------------------------------------------- */

/* Before there is anybody to print for us. */
static void say_early(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	struct up *u = arg;

	cli_say(&u->term, kind, slot, text);
}

/* Where it stands; NULL: what came by standard input cannot be read by a child. */
static const char *file_of(const struct stack *s)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (!*s->files[i].path)
			return NULL;
	return s->n_files ? s->files[0].path : NULL;
}

/*
 * In the foreground the supervisor that it gets is this process, which whoever started it may wait for and watch. 1; CLI_ADOPT_GO_ON as cli_adopt;
 * another exit code or -1.
 */
static int adopt(struct up *u, bool background, struct err *err)
{
	const struct sup_hooks hooks = { .arg = u, .say = say_early };
	const char *file = file_of(u->project.stack);
	int r;

	/* A guard keeps a stack that is supervised as well. */
	if (!cli_kept(u->project.name))
		return CLI_ADOPT_GO_ON;
	/* Of the file as it is now, which its supervisor has not read. */
	cli_project_tell(&u->project, &u->term);
	if (background || !file)
		return cli_adopt(u->o, &u->project, err);
	r = cli_adopt_here(u->o, u->project.name, &hooks, &u->carried, err);
	if (r <= 0)
		return r < 0 ? -1 : CLI_ADOPT_GO_ON;
	u->reread = xstrdup(file);
	cli_project_fini(&u->project);
	cli_project_take(&u->project, &u->carried);
	u->goes_on = true;
	return 1;
}

/* ---- what somebody else has begun -------------------------------------------------------------- */

static void tell_other(struct up *u, pid_t pid)
{
	_cleanup_free_ char *text = xasprintf(
		"process %d starts or ends this stack just now: this waits for it", (int)pid);

	cli_say(&u->term, SUP_NOTE, NULL, text);
}

/*
 * Who has the stack's ledger and does not listen is on its way up or down, which may take as long as an image takes to be unpacked. 1 it was waited for, so all is
 * to be looked at again; 0 there is nobody; -1. What is over in a moment is not worth a word.
 */
static int wait_for_other(struct up *u, struct err *err)
{
	const uint64_t begun = time_mono_ms();
	const char *project = u->project.name;
	_cleanup_fd_ int fd = -1;
	bool waited = false;
	pid_t pid;

	while ((pid = sup_owner(project)) > 0 &&
	       cli_knock(project, 0, &fd, &(struct err){ 0 }) == 1) {
		if (u->until && time_mono_ms() > u->until)
			return err_kind(
				err, ERR_TIMEOUT,
				"up: process %d still starts or ends this stack after the time of --wait-timeout: "
				"nothing was done",
				(int)pid);
		if (!u->told_other && time_mono_ms() > begun + MOMENT_MS) {
			tell_other(u, pid);
			u->told_other = true;
		}
		waited = true;
		usleep(LOOK_MS * 1000);
	}
	return waited;
}

/*
 * Of two that begin in the same moment only one gets the ledger; it may be gone again. A user's that is in the foreground is in namespaces of its own by then, and
 * cannot turn round.
 */
static bool was_later(struct up *u, bool background, const struct err *err)
{
	if (err->sys != EBUSY || (!background && rootless_is_user()))
		return false;
	usleep(LOOK_MS * 1000);
	return sup_owner(u->project.name) > 0 || !u->turned++;
}

enum { AGAIN = -4 };

static bool may_look_again(struct up *u)
{
	const uint64_t now = time_mono_ms();

	u->look_until = u->look_until ? u->look_until : now + CLI_ANSWER_MS;
	usleep(LOOK_MS * 1000);
	return now < u->look_until;
}

/* Changes or takes up what runs. An exit code, CLI_REUP_NONE when nothing does, AGAIN, or -1. */
static int join(struct up *u, const struct cli_scales *scales, bool background, struct err *err)
{
	int r = adopt(u, background, err);

	if (u->goes_on)
		return run_foreground(u, err);
	if (r != CLI_ADOPT_GO_ON)
		return r;
	r = cli_reup(u->o, &u->project, scales, u->until, err);
	if (r != CLI_REUP_NONE && r != CLI_REUP_GONE)
		return r;
	/* Its supervisor was just dying when we asked, or who took it up has died in turn, and all of it goes on: it is not to be built anew. */
	if (cli_adoptable(u->project.name))
		return may_look_again(u) ? AGAIN
					 : err_set(err,
						   "up: stack '%s' goes on, but who took it up has died: "
						   "`mstack up` again takes it up",
						   u->project.name);
	if (r == CLI_REUP_GONE)
		return err_set(err,
			       "up: stack '%s' has ended meanwhile: somebody took it down, or it could not be "
			       "started: nothing was done",
			       u->project.name);
	return CLI_REUP_NONE;
}

static int join_or_start(struct up *u, const struct cli_scales *scales, bool background,
			 struct err *err)
{
	for (;;) {
		int r = join(u, scales, background, err), waited;

		if (r == AGAIN)
			continue;
		if (r != CLI_REUP_NONE)
			return r;
		waited = wait_for_other(u, err);
		if (waited < 0)
			return -1;
		if (waited)
			continue;
		r = background ? run_background(u, err) : run_foreground(u, err);
		if (r >= 0 || !was_later(u, background, err))
			return r;
		*err = (struct err){ 0 };
	}
}

static int run(struct up *u, const struct cli_scales *scales, struct err *err)
{
	const struct cli_options *o = u->o;
	const struct cli_load how = {
		.for_run = true, .services = &o->args, .scales = scales, .no_deps = o->no_deps
	};
	bool background;

	if (u->goes_on)
		cli_project_take(&u->project, &u->carried);
	else if (cli_project_load(o, &how, &u->project, err) < 0 ||
		 check_service(o, &u->project, err) < 0 ||
		 cli_images_check_build(o, u->project.stack, err) < 0 ||
		 (!o->dry_run && cli_images_get(o, u->project.stack, err) < 0))
		return -1;
	if (u->reload)
		return cli_reload(o, &u->project, scales, u->reload, err);
	background = is_background(u);
	if (o->wait && o->wait_timeout_s > 0)
		u->until = time_mono_ms() + (uint64_t)o->wait_timeout_s * 1000;
	if (!o->dry_run && !u->goes_on)
		return join_or_start(u, scales, background, err);
	return background ? run_background(u, err) : run_foreground(u, err);
}

/* Not for what we start ourselves. */
static char *take_word(const char *variable)
{
	const char *value = getenv(variable);
	char *word = value && *value ? xstrdup(value) : NULL;

	unsetenv(variable);
	return word;
}

int cli_up(const struct cli_options *o, struct err *err)
{
	struct up u = { .o = o, .term = cli_term_get(o) };
	struct cli_scales scales = { 0 };
	_cleanup_free_ char *adopt = NULL;
	int r = -1, carried;

	if (check_words(o, err) < 0)
		return -1;
	/* Before the file is read, whose secrets are then in no memory that is ever dumped. */
	if (!o->dry_run && box_seal_self(PROCESS_NAME, err) < 0)
		return err_wrap(err, "up");
	carried = o->dry_run ? 0 : sup_carried_open(&u.carried, err);
	if (carried < 0)
		return -1;
	u.goes_on = carried;
	u.reload = take_word(SUP_RELOAD_VARIABLE);
	adopt = take_word(CLI_ADOPT_VARIABLE);
	if (adopt)
		r = adopt_only(&u, adopt, err);
	else if (cli_scales_parse("up: --scale", &o->scale, &scales, err) == 0)
		r = run(&u, &scales, err);
	cli_project_fini(&u.project);
	cli_scales_fini(&scales);
	sup_carried_close(&u.carried);
	if (r < 0 && u.reload && err->text[0])
		err_wrap(err, "%s", strchr(u.reload, ':') ? "SIGHUP" : "up");
	free(u.reload);
	free(u.reread);
	return r;
}
