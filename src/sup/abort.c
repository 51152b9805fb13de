/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * abort: the end of a service that nobody asked for ends the stack, when somebody wants that: `up --abort-on-*` and --exit-code-from,
 * of who started the stack and of clients that came later. These want it for as long as they are there. Called by settle.c and request.c.
 */
#include "sup/change.h"
#include "sup/reexec.h"

enum { SERVICE_FAILED = 4 }; /* exit code of the contract */

/* True: the stack is to end. The first one decides the exit code, but of who wants that of a service. */
static bool hear(struct sup_abort *a, const char *service, int code, bool ending)
{
	bool from = a->from && strcmp(a->from, service) == 0;
	bool ends = !ending && (a->on_exit || (a->on_failure && code));

	if (a->code < 0 && (ending ? from : ends) && (from || !a->from))
		a->code = from ? code : code ? SERVICE_FAILED : 0;
	return ends;
}

void sup_abort_after(const struct sup_slot *slot, int status)
{
	struct sup *s = slot->sup;
	const struct sup_opts *o = s->opts;
	const char *service = slot->plan->service->name;
	struct sup_cause cause = sup_because(WHY_ABORT, service);
	struct sup_abort own = { o->abort_on_exit, o->abort_on_failure, o->exit_code_from, -1 };
	bool ending = s->ending != ENDING_NO, ends;

	/* Stopped for a change, it comes back. */
	if (!ending && sup_change_stops(slot))
		return;
	ends = hear(&own, service, sup_exit_code(status), ending);
	for (size_t i = 0; i < SUP_PEERS_MAX; i++)
		if (s->peers[i].fd >= 0 && s->peers[i].abort)
			ends |= hear(s->peers[i].abort, service, sup_exit_code(status), ending);
	if (ends)
		sup_end(s, ENDING_STOP, own.code, &cause);
	else if (s->exit_code < 0)
		s->exit_code = own.code;
}

/* ---- clients --------------------------------------------------------------------------------- */

void sup_abort_request(struct sup_peer *p, const struct ctl_msg *m)
{
	const char *from = json_string_value(json_object_get(m->body, "from"));
	struct sup_abort *a;

	if (p->abort || p->sup->ending != ENDING_NO) {
		ctl_answer(
			p->fd, m, CTL_ERROR,
			json_pack("{s:s, s:i, s:b, s:b}", "error",
				  p->abort ? "one request at a time" : "the stack is being stopped",
				  "code", 1, "busy", !p->abort, "ending", !p->abort),
			true);
		return;
	}
	a = xcalloc(1, sizeof(*a));
	a->on_exit = json_is_true(json_object_get(m->body, "exit"));
	a->on_failure = json_is_true(json_object_get(m->body, "failure"));
	a->from = from ? xstrdup(from) : NULL;
	a->code = -1;
	p->abort = a;
	p->abort_id = m->id;
	ctl_answer(p->fd, m, CTL_OK, json_object(), false);
}

void sup_abort_carry(const struct sup_peer *p, struct carry *to)
{
	if (!p->abort)
		return;
	to = carry_add(to, "abort");
	carry_put_num(to, "id", p->abort_id);
	carry_put_num(to, "exit", p->abort->on_exit);
	carry_put_num(to, "failure", p->abort->on_failure);
	carry_put(to, "from", p->abort->from);
	carry_put_num(to, "code", p->abort->code);
}

void sup_abort_resume(struct sup_peer *p, const struct carry *from)
{
	const struct carry *c = carry_next(from, "abort", NULL);
	const char *service = c ? carry_text(c, "from") : NULL;

	if (!c)
		return;
	p->abort = xcalloc(1, sizeof(*p->abort));
	p->abort->on_exit = carry_num(c, "exit", 0);
	p->abort->on_failure = carry_num(c, "failure", 0);
	p->abort->from = service ? xstrdup(service) : NULL;
	p->abort->code = (int)carry_num(c, "code", -1);
	p->abort_id = (uint32_t)carry_num(c, "id", 0);
}

void sup_abort_peer_gone(struct sup_peer *p)
{
	if (p->abort)
		free((char *)p->abort->from);
	free(take_ptr(&p->abort));
}
