/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From nothing to a running stack and back: the order in which a supervisor builds itself up, and the end in which the
 * ledger takes everything down again. Whatever step fails, the same end runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sup/change.h"
#include "sup/keeping.h"
#include "sup/reexec.h"
#include "sup/reload.h"

/* ---- the process ----------------------------------------------------------------------------- */

/*
 * Blocked, they wait in the descriptor until the loop asks. SIGPIPE is among them: a client or a
 * reader that goes away is an error of one write, not our end.
 */
int sup_take_signals(struct sup *s, struct err *err)
{
	static const int taken[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGPIPE };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		sigaddset(&set, taken[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, errno, "block signals");
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return err_sys(err, errno, "signalfd");
	/* As PID 1 we may have been left children that ended before: of those no signal comes any more. */
	sup_queue(s, &(struct sup_fact){ .kind = FACT_SIGNAL, .signo = SIGCHLD });
	return 0;
}

void sup_raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* We are the last to be killed when memory runs out, and may need many descriptors. Both are wishes. */
static void raise_limits(void)
{
	file_put(AT_FDCWD, "/proc/self/oom_score_adj", "-900");
	sup_raise_files();
}

/*
 * Running out of descriptors in the middle would leave children that nobody hears. Measured: 17 for a slot with its log, links
 * and what clients read of it, 5 more while it starts or a health check runs, one for a terminal; 4 where
 * the log is kept. Its guard then has 20 for each, and as many again while it takes newer ones.
 */
int sup_check_files(const struct sup *s, const struct plan *plan, struct err *err)
{
	size_t ports = s->porch ? 2 * plan->n_pubs : net_held(plan->pubs, plan->n_pubs);
	bool keep = plan->stack->keep;
	size_t own = 64 + (size_t)(keep ? 27 : 23) * plan->n_slots + ports;
	size_t guards = keep ? 64 + 2 * (20 * plan->n_slots + ports) : 0;
	size_t need = own > guards ? own : guards;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= need)
		return 0;
	return err_set(
		err,
		"%zu containers need about %zu open files, and %llu are allowed: raise it with "
		"`ulimit -n`, or LimitNOFILE= of a unit",
		plan->n_slots, need, (unsigned long long)r.rlim_cur);
}

/* ---- up -------------------------------------------------------------------------------------- */

/* A supervisor that answers is not waited for; a guard that clears up after a dead one is. */
static unsigned patience(const char *project)
{
	_cleanup_free_ char *path = sup_socket_path(project);
	_cleanup_fd_ int fd = ctl_connect(path, 0, &(struct err){ 0 });

	return fd >= 0 ? 0 : SUP_GUARD_MS;
}

static struct ledger *open_ledger(const struct sup *s, struct err *err)
{
	const char *project = s->opts->stack->name;
	struct ledger *l = sup_ledger_open(project, true, 0, err);
	pid_t pid;

	if (l || err->sys != EBUSY)
		return l;
	pid = sup_owner(project);
	if (s->opts->turns_round && pid > 0 && !sup_is_guard(pid))
		return NULL;
	*err = (struct err){ 0 };
	return sup_ledger_open(project, true, patience(project), err);
}

static void close_ledger(struct ledger **l)
{
	ledger_close(*l);
}

/* s->ledger is set when it is ours: only then may the end undo anything. */
static int own_ledger(struct sup *s, struct err *err)
{
	_cleanup_(close_ledger) struct ledger *l = NULL;
	const char *project = s->opts->stack->name;
	int left;

	l = open_ledger(s, err);
	if (!l)
		return -1;
	/* What could be gone on with was taken up before: this is the rest. Rules that a socket owns nobody else may remove. */
	if (sup_kept_release(project, CTL_FORGET, err) < 0)
		return -1;
	if (ledger_next(l, NULL, NULL))
		left = 1;
	else
		left = s->opts->client && s->opts->client->unheard ? 0 : sup_find(project, l, err);
	if (left > 0) {
		/* After a boot, say: what is not on a volume may not be whole on the disk. */
		sup_say(&s->opts->hooks, SUP_NOTE, NULL,
			"removing what an earlier run left behind%s",
			ledger_next(l, "layer", NULL)
				? ", also what its containers wrote outside of volumes"
				: "");
		left = sup_undo_items(l, &s->opts->hooks, err);
		store_sweep();
	}
	if (left < 0) {
		if (!ledger_next(l, NULL, NULL))
			sup_ledger_drop(project);
		return -1;
	}
	s->ledger = take_ptr(&l);
	return 0;
}

static void log_line(void *arg, const struct logs_line *line)
{
	struct sup_slot *slot = arg;
	const struct sup_hooks *h = &slot->sup->opts->hooks;

	sup_knock_line(slot, line);

	if (!slot->log_full && slot->log && logs_dropped(slot->log)) {
		slot->log_full = true;
		sup_say(h, SUP_WARNING, slot->plan->name,
			"log lines are lost: the disk of %s is full or cannot be written; the service goes on",
			path_data_dir());
	}
	if (h->line && !slot->oneoff)
		h->line(h->arg, slot->plan->name, line);
}

static int open_log(struct sup_slot *slot, struct carry *from, struct err *err)
{
	struct sup *s = slot->sup;
	const struct store_user *user =
		&slot->prepared->users[slot->plan->service - slot->stack->services];
	_cleanup_free_ char *dir =
		store_log_dir(s->model->prepared.store, s->opts->stack->name, slot->plan->name);
	/* The ids by which the host knows the service's user. */
	uint32_t ids = slot->plan->box_slot.host_ids ? 0 : box_ids(s->runtime);
	_cleanup_(sup_logspec_fini) struct sup_logspec l = { .spec = {
								     .name = slot->plan->name,
								     .fifo_dir = slot->plan->dir,
								     .log_dir = dir,
								     .uid = ids + user->uid,
								     .gid = ids + user->gid,
								     .keep = slot->plan->box.keep,
							     } };

	sup_logspec(slot, &l);
	slot->log = from ? logs_resume(s->loop, &l.spec, from, log_line, slot, err)
			 : logs_open(s->loop, &l.spec, log_line, slot, err);
	if (!slot->log)
		return -1;
	sup_logspec_say(slot);
	logs_tap(slot->log, sup_attach_deliver, slot);
	return 0;
}

int sup_slot_open_log(struct sup_slot *slot, struct err *err)
{
	return open_log(slot, NULL, err);
}

int sup_slot_resume_log(struct sup_slot *slot, struct carry *from, struct err *err)
{
	return open_log(slot, from, err);
}

void sup_slot_init(struct sup_slot *slot, const struct plan_slot *plan, const struct stack *stack,
		   const struct sup_prepared *prepared)
{
	struct sup *s = slot->sup;
	struct svc_policy policy = sup_policy(s, plan);
	struct svc_health_policy health = sup_health_policy(plan);

	slot->plan = plan;
	slot->model = s->model;
	slot->stack = stack;
	slot->prepared = prepared;
	slot->created_wall = time_wall_ns();
	svc_init(&slot->svc, &policy);
	svc_health_init(&slot->health, &health);
}

static bool same_health(const struct svc_health_policy *a, const struct svc_health_policy *b)
{
	return a->enabled == b->enabled && a->interval_ms == b->interval_ms &&
	       a->timeout_ms == b->timeout_ms && a->start_period_ms == b->start_period_ms &&
	       a->start_interval_ms == b->start_interval_ms && a->retries == b->retries;
}

static bool same_words(const char *const *a, const char *const *b)
{
	size_t i = 0;

	for (; a && b && a[i] && b[i]; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return a && b ? !a[i] && !b[i] : a == b;
}

void sup_slot_follow(struct sup_slot *slot, struct sup_model *model, const struct plan_slot *plan)
{
	struct svc_health_policy health = sup_health_policy(plan);
	bool same = same_health(&slot->health.policy, &health) &&
		    same_words(slot->plan->probe, plan->probe);

	slot->plan = plan;
	slot->model = model;
	slot->stack = model->stack;
	slot->prepared = &model->prepared;
	slot->svc.policy = sup_policy(slot->sup, plan);
	if (!same)
		sup_health_renew(slot, &health);
}

static int make_slots(struct sup *s, struct err *err)
{
	sup_slots_open(s, s->plan->n_slots);
	s->wires = xcalloc(s->plan->net.n_wires + 1, sizeof(*s->wires));
	for (size_t i = 0; i < s->plan->n_slots; i++) {
		struct sup_slot *slot = sup_slot_take(s, err);

		if (!slot)
			return -1;
		sup_slot_init(slot, &s->plan->slots[i], s->model->stack, &s->model->prepared);
		if (sup_slot_open_log(slot, err) < 0)
			return err_wrap(err, "service '%s'", slot->plan->service->name);
	}
	s->transient = s->opts->client && !s->n_slots;
	return 0;
}

/* Ports are reserved before anything is made: what can be refused is refused first. */
static int open_nets(struct sup *s, struct err *err)
{
	if (s->plan->uplink && (sup_uplink_open(s, err) < 0 ||
				sup_reserve(s, s->plan->pubs, s->plan->n_pubs, err) < 0 ||
				sup_isolate(s, err) < 0 || sup_enter(s, err) < 0))
		return -1;
	s->net = net_open(s->loop, &s->plan->net, s->ledger, sup_net_event, s, err);
	sup_leave(s);
	if (!s->net)
		return -1;
	net_use_porch(s->net, s->porch);
	return s->uplink ? 0 : sup_reserve(s, s->plan->pubs, s->plan->n_pubs, err);
}

static int raise_net(struct sup *s, struct err *err)
{
	int rc = sup_enter(s, err) < 0 ? -1 : net_up(s->net, err);
	const struct stack *stack = s->plan->stack;

	sup_leave(s);
	if (rc < 0 && err->line && stack->n_files && *stack->files[0].path)
		err_wrap(err, "%s:%u", stack->files[0].path, err->line);
	return rc;
}

static unsigned wanted_limits(const struct plan *plan)
{
	unsigned wanted = 0;

	for (size_t i = 0; plan && i < plan->n_slots; i++)
		wanted |= plan->slots[i].box_slot.limits.wanted;
	return wanted;
}

void sup_say_left_out(const struct sup *s, const struct plan *was)
{
	unsigned wanted = wanted_limits(s->plan);
	_cleanup_(buf_fini) struct buf line = { 0 };

	if (!was || wanted & ~wanted_limits(was))
		box_left_out(s->runtime, wanted, &line);
	if (line.len)
		sup_say(&s->opts->hooks, SUP_NOTE, NULL, "%s", buf_str(&line));
}

/* Of those in memory the manual tells: the file asks for them. */
static bool has_layer_on_disk(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_slots; i++)
		if (!plan->slots[i].box_slot.tmp_upper && !plan->slots[i].box.writable_root)
			return true;
	return false;
}

/* The kernel takes such a layer all the same, and fails where it would have to set a mark. */
static void say_unmarked(const struct sup *s)
{
	if (!has_layer_on_disk(s->plan) || store_keeps_marks(path_data_dir()))
		return;
	sup_say(&s->opts->hooks, SUP_WARNING, NULL,
		"data folder '%s': its file system keeps no attributes (tmpfs keeps those of users from Linux 6.6 on), so a container that "
		"removes a folder of its image gets an input/output error: set XDG_DATA_HOME or MSTACK_DATA_DIR to a folder on a disk",
		path_data_dir());
}

static int open_host_side(struct sup *s, struct err *err)
{
	if (open_nets(s, err) < 0)
		return -1;
	s->runtime = box_open(s->loop, s->opts->stack->name, s->ledger, sup_box_event, s, err);
	if (!s->runtime || sup_keep_prepare(s, s->model->stack, err) < 0)
		return -1;
	sup_say_left_out(s, NULL);
	say_unmarked(s);
	return 0;
}

/*
 * The first turn, before there is anything to wait for: what can start has its namespaces made, by children of ours, and
 * meanwhile we make the bridges that its links will need, and who answers for names is started.
 */
static int begin_work(struct sup *s, struct err *err)
{
	struct sup_cause cause = sup_because_started(s->opts->client ? "run" : "up");

	for (size_t i = 0; i < s->n_slots && !s->opts->no_start; i++)
		sup_wish(&s->slots[i], SVC_EV_UP, &cause);
	if (s->opts->client)
		sup_hear_client(s, s->opts->client->fd);
	sup_look_at_gates(s);
	sup_execute(s);
	return sup_names_open(s, err) < 0 ? -1 : raise_net(s, err);
}

int sup_listen(struct sup *s, struct err *err)
{
	_cleanup_free_ char *path = sup_socket_path(s->opts->stack->name);
	const struct ledger_item *had = ledger_find(s->ledger, "socket", path);
	uint32_t item = had ? had->id : ledger_intend(s->ledger, "socket", 0, path, err);

	if (!item)
		return -1;
	s->listen_fd = ctl_listen(path, err);
	if (s->listen_fd < 0)
		return -1;
	return ledger_done_path(s->ledger, item, err);
}

/*
 * The order is the point. The lock comes first: it decides who of two `up` goes on. Then the guard,
 * before there is anything that it would have to remove. What takes long and touches nothing
 * (images, the plan) comes before what does. The socket is last: who can connect finds a whole
 * stack.
 */
static int begin(struct sup *s, struct err *err)
{
	raise_limits();
	/* A one-off alone has no name that anybody else has. */
	if (!s->opts->client || sup_has_names(s->opts->stack))
		sup_wait_for_parting();
	if (own_ledger(s, err) < 0 || sup_guard_start(s, err) < 0 || sup_lock_project(s, err) < 0)
		return -1;
	/* An image may take minutes to unpack. Until the loop can hear signals they end us, and the guard clears up. */
	s->model = sup_model_new();
	s->model->stack = s->opts->stack;
	sup_await_way_out(s);
	if (sup_standby_start(s, err) < 0 ||
	    sup_prepare(s->opts, &s->model->prepared, err) < 0)
		return -1;
	s->plan = s->model->prepared.plan;
	if (sup_check_files(s, s->plan, err) < 0 || sup_lock_roots(s, s->model, err) < 0 ||
	    sup_provide(s->opts, s->model->prepared.store, s->plan, &s->model->volumes, err) < 0 ||
	    sup_take_signals(s, err) < 0)
		return -1;
	s->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!s->loop)
		return err_set(err, "event loop: cannot be made");
	if (s->porch)
		net_porch_hear(s->porch, s->loop, sup_net_event, s);
	sup_note_begin(s);
	if (open_host_side(s, err) < 0 || sup_make_folders(s, err) < 0 || make_slots(s, err) < 0 ||
	    sup_hostnames_write(s, err) < 0 || begin_work(s, err) < 0)
		return -1;
	return sup_listen(s, err);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Told to our own user, and kept for the client that waits for its `down`. */
static void note_left(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	struct sup *s = arg;

	sup_say(&s->opts->hooks, kind, slot, "%s", text);
	buf_printf(&s->left, "%s%s", s->left.len ? "; " : "", text);
}

/*
 * Nothing of the stack runs any more, or it has been given up. Links first; their namespaces, which the runtime holds, last:
 * one that ends takes its links apart by itself, and everybody who looks at a link meanwhile waits for that.
 */
static int take_down(struct sup *s, struct err *err)
{
	const struct sup_hooks hooks = { .arg = s, .say = note_left };
	int rc = 0;

	sup_handing_end(s);
	sup_slots_detach(s);
	if (s->net)
		net_down(s->net);
	if (s->uplink)
		net_down(s->uplink);
	sup_attach_forget(s);
	sup_note_end(s);
	net_names_close(take_ptr(&s->names));
	sup_slots_free(s);
	free(take_ptr(&s->wires));
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->ledger)
		rc = sup_undo(s->ledger, s->opts->stack->name, &hooks, err);
	if (s->runtime)
		box_close(s->runtime);
	net_porch_close(take_ptr(&s->porch));
	/* Who is told that the stack is down may remove its volumes and images. */
	for (struct sup_model *m = s->model; m; m = m->older)
		store_close(take_ptr(&m->prepared.store));
	sup_unlock_roots(s);
	return rc;
}

/*
 * Guard and standby go before the lock: one that outlived it would hold our end for a death. With the
 * ledger's descriptor the lock is given back, and the next `up` may begin.
 */
static void free_all(struct sup *s)
{
	sup_peers_close(s);
	sup_verbs_free(s);
	sup_standby_stop(s);
	sup_guard_stop(s);
	net_close(s->net);
	net_close(s->uplink);
	net_porch_close(s->porch);
	cleanup_fd(&s->stack_ns);
	cleanup_fd(&s->host_ns);
	if (s->loop)
		ev_loop_destroy(s->loop);
	ledger_close(s->ledger);
	sup_models_free(s);
	vec_fini(&s->facts);
	buf_fini(&s->left);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	if (s->self_fd >= 0)
		close(s->self_fd);
}

static void run(struct sup *s)
{
	sup_watchers_start(s);
	sup_handing_begin(s);
	sup_standby_watch(s);
	sup_notify_open(s);
	ev_run(s->loop, 0);
	sup_reload_stop(s);
	sup_change_stop(s);
	sup_reexec_stop(s);
	sup_notify_close(s);
	sup_watchers_stop(s);
}

/* Needs neither lock nor root; but an image is unpacked if it must be, as no plan is made without. */
static int dry_run(const struct sup_opts *opts, struct err *err)
{
	struct sup_prepared prepared = { 0 };
	struct buf out = { 0 };
	int rc = sup_prepare(opts, &prepared, err);

	if (rc == 0) {
		plan_print(prepared.plan, &out);
		fputs(buf_str(&out), stdout);
	}
	buf_fini(&out);
	sup_prepared_fini(&prepared);
	return rc;
}

static struct sup new_sup(const struct sup_opts *opts)
{
	struct sup s = { .opts = opts,
			 .signal_fd = -1,
			 .listen_fd = -1,
			 .guard_fd = -1,
			 .standby = { .fd = -1, .own = -1, .guards = -1 },
			 .handing.sock = -1,
			 .self_fd = -1,
			 .host_ns = -1,
			 .stack_ns = -1,
			 .had_terminal = opts->foreground && sup_has_terminal(),
			 .exit_code = -1 };

	for (size_t i = 0; i < SUP_PEERS_MAX; i++)
		s.peers[i].fd = -1;
	return s;
}

int sup_check_host(const struct sup_opts *opts, struct err *err)
{
	struct sup_prepared prepared = { 0 };
	struct sup s = new_sup(opts);
	int rc = sup_prepare(opts, &prepared, err);

	if (rc == 0)
		rc = sup_check_binds(opts, prepared.plan, err);
	if (rc == 0)
		rc = net_check_ports(prepared.plan->pubs, prepared.plan->n_pubs, sup_port_holder,
				     &s, err);
	sup_prepared_fini(&prepared);
	return rc;
}

int sup_run(const struct sup_opts *opts, int *ret_exit, struct err *err)
{
	struct sup s = new_sup(opts);
	struct err undo_err = { 0 };
	int rc, left;

	if (!opts->carried &&
	    sup_own_level(&opts->hooks, opts->dry_run ? NULL : &s.porch, err) < 0) {
		net_porch_close(s.porch);
		return -1;
	}
	if (opts->dry_run) {
		*ret_exit = 0;
		return dry_run(opts, err);
	}
	if (opts->carried)
		raise_limits();
	rc = opts->carried ? sup_take_up(&s, err) : begin(&s, err);
	/* Whatever it came to: containers, and what lies on the disk, are the old program's to look after. */
	if (opts->carried && opts->carried->try_out) {
		if (rc < 0)
			fprintf(stderr, "%s\n", err->text);
		fflush(stderr);
		_exit(rc < 0);
	}
	/* Half of a supervisor takes nothing down. A guard is there at every moment: it does, as soon as we end. */
	if (opts->carried && rc < 0)
		return -1;
	if (rc == 0 && opts->carried && opts->carried->ledger && opts->hooks.up)
		opts->hooks.up(opts->hooks.arg, NULL);
	if (rc == 0 && opts->reread)
		sup_reload_first(&s);
	if (rc == 0) {
		run(&s);
		if (s.up_err.text[0]) {
			*err = s.up_err;
			rc = -1;
		}
	}
	left = take_down(&s, &undo_err);
	sup_answer_down(&s, left, &undo_err);
	if (rc < 0 && opts->hooks.up)
		opts->hooks.up(opts->hooks.arg, err);
	free_all(&s);
	/* Nobody waits any more, and the next `up` need not. */
	store_sweep();
	if (rc == 0 && left != 0) {
		*err = undo_err;
		rc = left < 0 ? -1
			      : err_kind(err, ERR_LEFTOVER,
					 "stack '%s': not everything could be removed; see "
					 "above, and try `mstack down -p %s` again",
					 opts->stack->name, opts->stack->name);
	}
	if (rc == 0)
		*ret_exit = s.exit_code < 0 ? 0 : s.exit_code;
	return rc;
}
