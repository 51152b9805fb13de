/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A box that clones nothing: processes are timers. Follows the contract of mstack/box.h. */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include "fake/fake.h"
#include "fake/obedient.h"
#include "mstack/box.h"

enum phase { OPENING, EMPTY, STARTING, WAITING_FOR_GO, RUNNING, ENDING };

struct box_runtime {
	struct ev_loop *loop;
	box_event_fn *fn;
	void *arg;
	struct box_slot *slots;
};

struct box_slot {
	struct box_runtime *rt;
	struct box_slot *next;
	uint64_t token;
	char name[64];
	enum phase phase;
	ev_timer timer, probe;
	int status;
	bool go;
	size_t probe_nr;
	bool executing;
	int probe_status;
	struct obedient *obedient;
};

static struct box_runtime *the_runtime; /* of the life that is lived now */

static void tell(struct box_slot *s, enum box_event_kind kind, int status)
{
	struct box_event ev = {
		.kind = kind, .token = s->token, .status = status, .pid = 1000 + (pid_t)s->token
	};

	if (kind == BOX_EXITED)
		ev.oom = fake_slot(s->name)->oom;
	if (kind == BOX_SLOT_FAILED)
		err_kind(&ev.err, ERR_CREATE, "slot '%s': no namespaces today", s->name);
	if (kind == BOX_START_FAILED)
		err_kind(&ev.err, ERR_NOTFOUND, "exec: not found");
	s->rt->fn(s->rt->arg, &ev);
}

static void later(struct box_slot *s, enum phase phase, unsigned ms)
{
	s->phase = phase;
	ev_timer_stop(s->rt->loop, &s->timer);
	ev_timer_set(&s->timer, (double)ms / 1000, 0);
	ev_timer_start(s->rt->loop, &s->timer);
}

/* Nothing outlives PID 1; what ran beside it is told first. */
static void ended(struct box_slot *s)
{
	if (s->executing) {
		s->executing = false;
		ev_timer_stop(s->rt->loop, &s->probe);
		s->rt->fn(s->rt->arg, &(struct box_event){ .kind = BOX_EXEC_DONE,
							   .token = s->token,
							   .status = SIGKILL });
	}
	s->phase = EMPTY;
	obedient_end(s->obedient);
	fake_world->alive--;
	fake_note("exit %s", s->name);
	tell(s, BOX_EXITED, s->status);
}

static void started(struct box_slot *s)
{
	const struct fake_slot *f = fake_slot(s->name);

	if (f->start_fails) {
		s->phase = EMPTY;
		tell(s, BOX_START_FAILED, 0);
		return;
	}
	s->phase = RUNNING;
	if (++fake_world->alive > fake_world->most_alive)
		fake_world->most_alive = fake_world->alive;
	fake_note("start %s", s->name);
	s->status = f->status;
	if (f->obeys)
		obedient_begin(s->obedient);
	tell(s, BOX_STARTED, 0);
	if (f->run_ms)
		later(s, RUNNING, f->run_ms);
}

static void timer_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct box_slot *s = w->data;

	(void)loop;
	(void)revents;
	switch (s->phase) {
	case OPENING:
		s->phase = EMPTY;
		tell(s, fake_slot(s->name)->slot_fails ? BOX_SLOT_FAILED : BOX_SLOT_READY, 0);
		break;
	case STARTING:
		s->phase = WAITING_FOR_GO;
		if (s->go)
			started(s);
		break;
	case RUNNING:
	case ENDING:
		ended(s);
		break;
	case EMPTY:
	case WAITING_FOR_GO:
		break;
	}
}

static void probe_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct box_slot *s = w->data;
	struct box_event ev = { .kind = BOX_EXEC_DONE,
				.token = s->token,
				.status = s->probe_status,
				.output = "probed",
				.output_len = 6 };

	(void)loop;
	(void)revents;
	s->executing = false;
	s->rt->fn(s->rt->arg, &ev);
}

struct box_runtime *box_open(struct ev_loop *loop, const char *project, struct ledger *ledger,
			     box_event_fn *fn, void *arg, struct err *err)
{
	struct box_runtime *rt = xcalloc(1, sizeof(*rt));

	(void)project;
	(void)ledger;
	(void)err;
	*rt = (struct box_runtime){ .loop = loop, .fn = fn, .arg = arg };
	the_runtime = rt;
	if (fake_world->begun)
		fake_world->begun(loop, arg);
	return rt;
}

void box_close(struct box_runtime *rt)
{
	while (rt && rt->slots)
		box_slot_close(rt->slots);
	free(rt);
}

uint32_t box_ids(const struct box_runtime *rt)
{
	(void)rt;
	return 0;
}

unsigned box_stands_in(const struct box_runtime *rt)
{
	(void)rt;
	return fake_world->stands_in;
}

int box_limits_check(const struct box_runtime *rt, const struct box_limits *l, struct err *err)
{
	(void)rt;
	(void)l;
	(void)err;
	return 0;
}

bool box_limits_spare(const struct box_runtime *rt, struct box_limits *l, struct buf *ret)
{
	(void)rt;
	(void)l;
	(void)ret;
	return false;
}

void box_left_out(const struct box_runtime *rt, unsigned wanted, struct buf *ret)
{
	(void)rt;
	(void)wanted;
	(void)ret;
}

void box_reap_strangers(struct box_runtime *rt)
{
	(void)rt;
}

const char *box_busy(const struct box_runtime *rt)
{
	for (const struct box_slot *s = rt->slots; s; s = s->next)
		if (s->phase != EMPTY && s->phase != RUNNING)
			return s->name;
	return NULL;
}

void box_carry(const struct box_runtime *rt, struct carry *to)
{
	(void)rt;
	(void)to;
}

void box_slot_carry(const struct box_slot *s, struct carry *to)
{
	carry_put_num(to, "runs", s->phase == RUNNING);
}

bool box_slot_made(const struct box_slot *s)
{
	return s->phase != OPENING;
}

/* The kernel's answers for who is no child of ours: nobody ends between two supervisors here. */
bool box_exit(const struct box_slot *s, int *ret_status)
{
	(void)s;
	(void)ret_status;
	return false;
}

int box_clear_rest(struct box_runtime *rt, struct err *err)
{
	(void)rt;
	(void)err;
	return 0;
}

int box_apart_check(const struct box_runtime *rt, struct err *err)
{
	(void)rt;
	(void)err;
	return 0;
}

int box_apart(const struct box_runtime *rt, pid_t pid, struct err *err)
{
	(void)rt;
	(void)pid;
	(void)err;
	return 0;
}

char *box_group(void)
{
	return NULL;
}

void box_come_back(const char *group, pid_t pid)
{
	(void)group;
	(void)pid;
}

int box_resume_check(const struct carry *from, struct err *err)
{
	(void)from;
	(void)err;
	return 0;
}

struct box_runtime *box_resume(struct ev_loop *loop, struct carry *from, struct ledger *ledger,
			       box_event_fn *fn, void *arg, struct err *err)
{
	(void)from;
	return box_open(loop, "", ledger, fn, arg, err);
}

static struct box_slot *new_slot(struct box_runtime *rt, const struct box_slot_spec *spec)
{
	struct box_slot *s = xcalloc(1, sizeof(*s));

	s->rt = rt;
	s->next = rt->slots;
	rt->slots = s;
	s->token = spec->token;
	snprintf(s->name, sizeof(s->name), "%s", spec->name);
	ev_init(&s->timer, timer_cb);
	ev_init(&s->probe, probe_cb);
	s->timer.data = s->probe.data = s;
	return s;
}

struct box_slot *box_slot_resume(struct box_runtime *rt, const struct box_slot_spec *spec,
				 struct carry *from, const struct box_spec *runs, struct err *err)
{
	struct box_slot *s = new_slot(rt, spec);

	(void)runs;
	(void)err;
	s->phase = carry_num(from, "runs", 0) ? RUNNING : EMPTY;
	return s;
}

struct box_slot *box_slot_open(struct box_runtime *rt, const struct box_slot_spec *spec,
			       struct err *err)
{
	struct box_slot *s = new_slot(rt, spec);

	(void)err;
	fake_note("open %s", s->name);
	later(s, OPENING, 0);
	return s;
}

int box_slot_netns(const struct box_slot *s)
{
	(void)s;
	return 1;
}

int box_slot_socket(const struct box_slot *s, enum box_socket which)
{
	(void)s;
	return (int)which;
}

/* That of the test itself. */
int box_slot_dial(const struct box_slot *s, int family, struct err *err)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)s;
	return fd < 0 ? err_sys(err, errno, "socket") : fd;
}

int box_root(const struct box_slot *s, struct err *err)
{
	int fd = open(fake_world->log_root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)s;
	return fd < 0 ? err_sys(err, errno, "root") : fd;
}

int box_slot_rtnl(const struct box_slot *s)
{
	(void)s;
	return 1;
}

uint32_t box_slot_item(const struct box_slot *s)
{
	(void)s;
	return 0;
}

void box_slot_close(struct box_slot *s)
{
	struct box_slot **at;

	if (!s)
		return;
	for (at = &s->rt->slots; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	ev_timer_stop(s->rt->loop, &s->timer);
	ev_timer_stop(s->rt->loop, &s->probe);
	obedient_free(s->obedient);
	free(s);
}

static void obeyed(void *arg)
{
	struct box_slot *s = arg;

	s->status = 7 << 8;
	later(s, ENDING, 0);
}

int box_start(struct box_slot *s, const struct box_spec *spec, bool go, struct err *err)
{
	const struct fake_slot *f = fake_slot(s->name);

	if (s->phase != EMPTY)
		return err_set(err, "slot '%s' is not empty", s->name);
	obedient_free(s->obedient);
	s->obedient = f->obeys ? obedient_new(s->rt->loop, spec, f->flood, obeyed, s) : NULL;
	s->go = go;
	later(s, STARTING, 1);
	return 0;
}

void box_go(struct box_slot *s)
{
	s->go = true;
	if (s->phase == WAITING_FOR_GO)
		started(s);
}

int box_console(const struct box_slot *s)
{
	return obedient_console(s->obedient);
}

pid_t box_pid(const struct box_slot *s)
{
	return s->phase >= RUNNING ? 1000 + (pid_t)s->token : 0;
}

bool box_is_ending(const struct box_slot *s)
{
	return s->phase != RUNNING;
}

int box_signal(struct box_slot *s, int sig, bool *ret_ignored, struct err *err)
{
	const struct fake_slot *f = fake_slot(s->name);

	if (s->phase != RUNNING)
		return err_sys(err, ESRCH, "no process");
	fake_note("signal %s %d", s->name, sig);
	if (ret_ignored)
		*ret_ignored = f->ignores;
	if (f->deaf && !f->ignores)
		return 0;
	s->status = f->ignores ? SIGKILL : sig;
	later(s, ENDING, 1);
	return 0;
}

int box_tell(struct box_slot *s, int sig, bool *ret_lost, struct err *err)
{
	const struct fake_slot *f = fake_slot(s->name);

	*ret_lost = f->ignores;
	if (!f->ignores)
		return box_signal(s, sig, NULL, err);
	fake_note("signal %s %d", s->name, sig);
	return 0;
}

int box_slot_limit(struct box_slot *s, const struct box_limits *l, struct err *err)
{
	(void)err;
	fake_note("limit %s %lld", s->name, (long long)l->memory_max);
	return 0;
}

bool box_slot_there(const struct box_runtime *rt, const char *name)
{
	for (const struct box_slot *s = rt->slots; s; s = s->next)
		if (!strcmp(s->name, name))
			return true;
	return false;
}

int box_can_freeze(const struct box_runtime *rt, struct err *err)
{
	(void)rt;
	(void)err;
	return 0;
}

int box_freeze(struct box_slot *s, bool on, struct err *err)
{
	(void)err;
	fake_note("%s %s", on ? "freeze" : "thaw", s->name);
	return 0;
}

int box_kill(struct box_slot *s, struct err *err)
{
	(void)err;
	fake_note("kill %s", s->name);
	if (s->phase >= RUNNING) {
		s->status = SIGKILL;
		later(s, ENDING, 0);
	} else if (s->phase == STARTING || s->phase == WAITING_FOR_GO) {
		ev_timer_stop(s->rt->loop, &s->timer);
		s->phase = EMPTY;
		tell(s, BOX_START_FAILED, 0);
	}
	return 0;
}

void fake_end(const char *name, int status)
{
	for (struct box_slot *s = the_runtime->slots; s; s = s->next) {
		if (strcmp(s->name, name) != 0 || s->phase != RUNNING)
			continue;
		s->status = status;
		later(s, ENDING, 0);
	}
}

/* Hooks have an environment of their own; what they do is their name. */
static char hook(struct box_slot *s, const struct box_exec_spec *spec)
{
	fake_note("hook %s %s", s->name, spec->argv[0]);
	return !strcmp(spec->argv[0], "false") ? '-' : !strcmp(spec->argv[0], "hang") ? 'h' : '+';
}

static char probe(struct box_slot *s)
{
	const char *p = fake_slot(s->name)->probes;
	char how = fake_world->probe ? fake_world->probe(s->name) : p[s->probe_nr];

	if (!fake_world->probe && p[s->probe_nr + 1])
		s->probe_nr++;
	fake_note("probe %s", s->name);
	return how;
}

int box_exec(struct box_slot *s, const struct box_exec_spec *spec, struct err *err)
{
	char how;

	if (s->executing || s->phase != RUNNING)
		return err_set(err, "slot '%s' is busy", s->name);
	how = spec->envp ? hook(s, spec) : probe(s);
	s->executing = true;
	s->probe_status = how == '+' ? 0 : 1 << 8;
	ev_timer_set(&s->probe, how == 'h' ? 3600 : 0, 0);
	ev_timer_start(s->rt->loop, &s->probe);
	return 0;
}

void box_exec_cancel(struct box_slot *s)
{
	if (!s->executing)
		return;
	s->probe_status = SIGKILL;
	ev_timer_stop(s->rt->loop, &s->probe);
	ev_timer_set(&s->probe, 0, 0);
	ev_timer_start(s->rt->loop, &s->probe);
}

uint64_t box_caps_default(void)
{
	return 0xff;
}

int box_cap_number(const char *name)
{
	return strcmp(name, "CHOWN") == 0 ? 0 : -1;
}

int box_seccomp_check(const char *profile, uint64_t caps, struct err *err)
{
	(void)caps;
	return *profile == '{' ? 0 : err_set(err, "not a profile");
}

const struct ledger_kind *const box_ledger_kinds[] = { NULL };

int box_volumes_mount(const struct box_volume *v, size_t n, struct err *err)
{
	(void)v;
	(void)n;
	return err_set(err, "no volumes of this kind here");
}

int box_fill(const struct box_fill *f, struct err *err)
{
	(void)err;
	if (f->n_lower)
		fake_note("fill %s", f->volume);
	return 0;
}
