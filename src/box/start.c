/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * start: the supervisor's side of a start and of an exit. Called by sup through box.h and by guests
 * when a fact has come.
 *
 *	READY	FAIL	then				meaning
 *	yes	no	end of file			started
 *	no	yes	end of file			failed in step N
 *	yes	yes	end of file			exec itself failed
 *	no	no	end of file, pidfd readable	killed while being set up
 *	yes	no	end of file, pidfd readable	started and ended at once: an ordinary exit
 *
 * Before the word to go on was given, nothing can have started.
 */
#include <errno.h>
#include <sys/wait.h>

#include "box/devfilter.h"
#include "box/init_image.h"
#include "box/runtime.h"
#include "box/ungrouped.h"

/* Nothing of it may run any more when its end is told. */
static bool is_over(struct box_slot *s)
{
	if (!guest_settled(&s->guest))
		return false;
	if (!cgroup_populated(s->cgroup.fd))
		return true;
	slot_settle_later(s);
	return false;
}

static void explain_death(struct box_slot *s)
{
	const struct guest *g = &s->guest;
	int status = g->two.pid ? g->two.status : g->one.status;

	if (cgroup_oom_kills(s->cgroup.fd) > s->oom_before)
		err_set(&s->guest.err, "out of memory while being set up: raise mem_limit");
	else if (WIFSIGNALED(status))
		err_set(&s->guest.err, "killed while being set up (%s)",
			sig_name(WTERMSIG(status)));
	else
		err_set(&s->guest.err, "ended while being set up (status %d)", WEXITSTATUS(status));
	s->guest.err.kind = ERR_CREATE;
}

/*
 * Somebody else may have written cgroup.kill (systemd-oomd does). Since Linux 6.14 such a group kills whoever is cloned
 * into it later, so it is made anew before the next start, like one that we killed.
 */
static void suspect_group(struct box_slot *s, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		s->cgroup.killed = true;
}

void start_forget(struct box_slot *s)
{
	if (s->process)
		ledger_gone(s->rt->ledger, s->process, NULL);
	s->process = 0;
}

static void tell_failed(struct box_slot *s)
{
	struct box_event ev = { .kind = BOX_START_FAILED };

	if (!s->guest.failed)
		explain_death(s);
	ev.err = s->guest.err;
	suspect_group(s, s->guest.two.pid ? s->guest.two.status : s->guest.one.status);
	if (guest_is_untold(&s->guest))
		runtime_expect_stray(s);
	guest_fini(&s->guest);
	start_forget(s);
	cleanup_fd(&s->memo);
	ev_timer_stop(s->rt->loop, &s->settle);
	s->state = SLOT_IDLE;
	runtime_emit(s, &ev);
}

static void tell_exited(struct box_slot *s)
{
	struct box_event ev = {
		.kind = BOX_EXITED,
		.pid = s->guest.two.pid,
		.status = s->guest.two.status,
		.oom = cgroup_oom_kills(s->cgroup.fd) > s->oom_before,
	};

	suspect_group(s, ev.status);
	guest_fini(&s->guest);
	start_forget(s);
	cleanup_fd(&s->memo);
	ev_timer_stop(s->rt->loop, &s->settle);
	s->state = SLOT_IDLE;
	runtime_emit(s, &ev);
}

/* Who has no group is entered before it may begin. If it is dead by now, its end of file says so. */
static void give_word(struct box_slot *s)
{
	struct guest *g = &s->guest;

	if (s->cgroup.fd < 0 && !s->process) {
		if (!g->two.pid || g->two.gone || g->failed)
			return;
		s->process = ungrouped_enter(s->rt->ledger, g->two.pid, &g->err);
		g->failed = !s->process;
	}
	if (!s->go || s->told || g->failed)
		return;
	s->told = true;
	(void)guest_go(g);
}

static void advance_starting(struct box_slot *s)
{
	struct guest *g = &s->guest;
	struct box_event ev = { .kind = BOX_STARTED, .pid = g->two.pid };

	give_word(s);
	/* It waits for us now, which may take as long as it takes. */
	if (g->ready && !s->go)
		ev_timer_stop(s->rt->loop, &g->deadline);
	if (g->eof && g->ready && s->go && !g->failed && g->two.pid) {
		ev_timer_stop(s->rt->loop, &g->deadline);
		s->state = SLOT_RUNNING;
		s->console = take_fd(&g->fds[0]);
		/* One that could not be finished says "starting" for ever, which harms nobody else. */
		(void)memo_finish(s->memo, g->two.pid);
		runtime_emit(s, &ev);
	} else if (g->eof || g->failed || (g->one.gone && !g->two.pid)) {
		/* The last: stage two may be there without our knowing its pid. */
		if (!g->two.pid && !g->eof)
			slot_kill_all(s);
		guest_kill(g);
		s->state = SLOT_FAILING;
	}
}

void start_advance(struct box_slot *s)
{
	if (s->closing) {
		slot_try_free(s);
		return;
	}
	if (s->state == SLOT_STARTING)
		advance_starting(s);
	if (s->state == SLOT_RUNNING && s->guest.two.gone)
		s->state = SLOT_ENDING;
	/* Without a group to kill, the second process may be heard of only now. */
	if (s->state == SLOT_FAILING && s->cgroup.fd < 0)
		guest_kill(&s->guest);
	if (s->state == SLOT_FAILING && is_over(s))
		tell_failed(s);
	else if (s->state == SLOT_ENDING && is_over(s))
		tell_exited(s);
}

void start_changed(struct guest *g)
{
	start_advance(g->slot);
}

/*
 * Where a user namespace and nodev keep all nodes but those of /dev from being of use, nothing else is needed, unless some are
 * given. Each start has its own: the spec may be another, and so may be the device that goes by a name. One level below the host
 * no nodes can be made at all, and those that are shown are used with the rights of the user.
 */
static int filter_devices(struct box_slot *s, struct err *err)
{
	const struct launch *l = s->launch;
	bool wanted = !s->ids.own || l->n_nodes || l->n_device_rules;

	if (s->rt->level.nested)
		return 0;
	if (l->privileged || !wanted)
		return devfilter_detach(s->cgroup.fd, &s->cgroup.devices, err);
	return devfilter_attach(s->cgroup.fd, l, &s->cgroup.devices, err);
}

/* The pidfds are the other slots' and stay open until the clone, as nothing else happens meanwhile. */
static int set_shared(struct child *c, const struct box_spec *spec, struct err *err)
{
	for (unsigned i = 0; i < BOX_NAMESPACES; i++) {
		const struct box_namespace *ns = &spec->ns[i];

		if (ns->share != BOX_OWN)
			c->shared |= share_flag(i);
		if (ns->share != BOX_JOIN)
			continue;
		if (!ns->of || ns->of->state != SLOT_RUNNING)
			return err_set(err, "'%s', whose namespaces it joins, is not running",
				       ns->of ? ns->of->name : "another service");
		c->joins[i] = ns->of->guest.two.fd;
	}
	return 0;
}

/* launch.c looks at the others; whose network it is the slot knows. */
static int check_sysctls(const struct box_slot *s, const struct box_spec *spec, struct err *err)
{
	for (size_t i = 0; s->net == BOX_HOST && i < spec->n_sysctls; i++) {
		const char *key = spec->sysctls[i].key;

		if (strncmp(key, "net", 3) != 0 || (key[3] != '.' && key[3] != '/'))
			continue;
		err_set(err,
			"sysctl '%s': refused: with `network_mode: host` it would be the host's own",
			key);
		if (err)
			err->line = spec->sysctls[i].line;
		return -1;
	}
	return 0;
}

static int begin(struct box_slot *s, const struct box_spec *spec, bool go, struct err *err)
{
	struct child c = runtime_child(s);
	const struct sock_fprog *filter =
		spec->unfiltered
			? NULL
			: seccomp_get(&s->rt->filters, spec->caps, spec->i386, spec->seccomp, err);
	struct launch *l = filter || spec->unfiltered ? launch_new(spec, filter, err) : NULL;

	if (!l)
		return -1;
	launch_stand_in(l, &s->cgroup.limits, cgroup_stands_in(&s->rt->tree));
	if (check_sysctls(s, spec, err) < 0) {
		launch_free(l);
		return -1;
	}
	launch_free(s->launch);
	s->launch = l;
	if (set_shared(&c, spec, err) < 0)
		return -1;
	if (spec->init && s->rt->init < 0 && (s->rt->init = init_image_open(err)) < 0)
		return -1;
	if (s->cgroup.killed && cgroup_renew(&s->cgroup, &s->rt->tree, s->rt->ledger, err) < 0)
		return -1;
	if (filter_devices(s, err) < 0)
		return -1;
	cleanup_fd(&s->console);
	cleanup_fd(&s->memo);
	s->memo = memo_new(s->name, s->cgroup.path, l, err);
	if (s->memo < 0)
		return -1;
	c.launch = l;
	c.command = &l->command;
	c.netns = s->netns;
	c.mntns = s->mntns;
	c.volumes = spec->volumes;
	c.want_term = spec->tty;
	c.size = (struct winsize){ .ws_row = spec->rows, .ws_col = spec->cols };
	c.in = spec->stdin_fd;
	c.out = spec->stdout_fd;
	c.err_out = spec->stderr_fd;
	c.init = spec->init ? s->rt->init : -1;
	c.wait_go = true;
	s->go = go;
	s->told = go && s->cgroup.fd >= 0;
	s->settle_s = 0.001;
	s->oom_before = cgroup_oom_kills(s->cgroup.fd);
	return guest_begin(&s->guest, s, start_changed, 0, &c, s->rt->tables->stage_one, s->told,
			   err);
}

int box_start(struct box_slot *s, const struct box_spec *spec, bool go, struct err *err)
{
	if (s->state != SLOT_IDLE)
		return err_set(err, "slot '%s' is not ready for a start", s->name);
	if (begin(s, spec, go, err) < 0) {
		if (err)
			err->kind = ERR_CREATE;
		return -1;
	}
	s->state = SLOT_STARTING;
	return 0;
}

void box_go(struct box_slot *s)
{
	if (s->state != SLOT_STARTING || s->go)
		return;
	s->go = true;
	give_word(s);
	ev_timer_set(&s->guest.deadline, BOX_DEADLINE_S, 0.);
	if (!ev_is_active(&s->guest.deadline))
		ev_timer_start(s->rt->loop, &s->guest.deadline);
}

pid_t box_pid(const struct box_slot *s)
{
	return s->state == SLOT_RUNNING ? s->guest.two.pid : 0;
}

bool box_is_ending(const struct box_slot *s)
{
	return s->state != SLOT_RUNNING || sys_pidfd_ending(s->guest.two.fd, s->guest.two.pid);
}

int box_console(const struct box_slot *s)
{
	return s->console;
}
