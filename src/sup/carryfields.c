/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * carryfields: plain values of slots, as tables: a field that is not in its table is not carried over and begins anew in the next
 * program. Policies are not here: they follow from the plan. Called by writedown.c and takeup.c.
 */
#include <stdio.h>

#include "sup/reexec.h"

#define FIELD(type, name)                                              \
	{                                                              \
#name, offsetof(type, name), sizeof(((type *)0)->name) \
	}

struct field {
	const char *name;
	size_t at, size;
};

static const struct field svc_fields[] = {
	FIELD(struct svc, state),	 FIELD(struct svc, want_up),
	FIELD(struct svc, start_failed), FIELD(struct svc, gate_failed),
	FIELD(struct svc, dead),	 FIELD(struct svc, fresh),
	FIELD(struct svc, parting),	 FIELD(struct svc, ailment),
	FIELD(struct svc, attempts),	 FIELD(struct svc, restarts),
	FIELD(struct svc, runs),	 FIELD(struct svc, delay_ms),
	FIELD(struct svc, started_ms),	 FIELD(struct svc, last_status),
	FIELD(struct svc, ever_started), FIELD(struct svc, ever_exited),
	FIELD(struct svc, paused),	 { 0 },
};

static const struct field health_fields[] = {
	FIELD(struct svc_health, state),
	FIELD(struct svc_health, probing),
	FIELD(struct svc_health, paused),
	FIELD(struct svc_health, streak),
	FIELD(struct svc_health, started_ms),
	FIELD(struct svc_health, probe_ms),
	{ 0 },
};

static const struct field slot_fields[] = {
	FIELD(struct sup_slot, phase),	      FIELD(struct sup_slot, attached),
	FIELD(struct sup_slot, network_up),   FIELD(struct sup_slot, open_failed),
	FIELD(struct sup_slot, told_down),
	FIELD(struct sup_slot, removed),    FIELD(struct sup_slot, todo),
	FIELD(struct sup_slot, health_todo),  FIELD(struct sup_slot, timer_ms),
	FIELD(struct sup_slot, health_ms),    FIELD(struct sup_slot, probe_late),
	FIELD(struct sup_slot, knock.seen),	    FIELD(struct sup_slot, stepped),
	FIELD(struct sup_slot, stepping.at),
	FIELD(struct sup_slot, oom),	      FIELD(struct sup_slot, log_full),
	FIELD(struct sup_slot, created_wall), FIELD(struct sup_slot, started_wall),
	FIELD(struct sup_slot, ended_wall),   { 0 },
};

static const struct field bridge_fields[] = {
	FIELD(struct net_bridge_spec, kind),	 FIELD(struct net_bridge_spec, internal),
	FIELD(struct net_bridge_spec, routed),	 FIELD(struct net_bridge_spec, isolated),
	FIELD(struct net_bridge_spec, vlans),	 FIELD(struct net_bridge_spec, mode),
	FIELD(struct net_bridge_spec, mtu),	 FIELD(struct net_bridge_spec, line),
	FIELD(struct net_bridge_spec, gone),	 { 0 },
};

static const struct field tunnel_fields[] = {
	FIELD(struct net_tunnel, vni),
	FIELD(struct net_tunnel, port),
	{ 0 },
};

static const struct field *const tables[] = {
	[FIELDS_SVC] = svc_fields,
	[FIELDS_HEALTH] = health_fields,
	[FIELDS_SLOT] = slot_fields,
	[FIELDS_BRIDGE] = bridge_fields,
	[FIELDS_TUNNEL] = tunnel_fields,
};

/* This machine counts from the low byte on, so a number is its own beginning. */
void sup_fields_carry(enum sup_fields which, const void *from, struct carry *to)
{
	for (const struct field *f = tables[which]; f->name; f++) {
		int64_t value = 0;

		memcpy(&value, (const char *)from + f->at, f->size);
		carry_put_num(to, f->name, value);
	}
}

void sup_fields_resume(enum sup_fields which, void *to, const struct carry *from)
{
	for (const struct field *f = tables[which]; f->name; f++) {
		int64_t old = 0, value;

		memcpy(&old, (const char *)to + f->at, f->size);
		value = carry_num(from, f->name, old);
		memcpy((char *)to + f->at, &value, f->size);
	}
}

void sup_cause_carry(const struct sup_cause *c, struct carry *to)
{
	carry_put_num(to, "why", c->why);
	carry_put(to, "what", c->what);
	carry_put(to, "program", c->program);
	carry_put_num(to, "pid", c->pid);
	carry_put_num(to, "uid", c->uid);
	carry_put_num(to, "signo", c->signo);
}

void sup_cause_resume(struct sup_cause *c, const struct carry *from)
{
	const char *what = carry_text(from, "what"), *program = carry_text(from, "program");

	c->why = (enum sup_why)carry_num(from, "why", WHY_SELF);
	snprintf(c->what, sizeof(c->what), "%s", what ? what : "");
	snprintf(c->program, sizeof(c->program), "%s", program ? program : "");
	c->pid = (pid_t)carry_num(from, "pid", 0);
	c->uid = (uid_t)carry_num(from, "uid", 0);
	c->signo = (int)carry_num(from, "signo", 0);
}

void sup_impaired_carry(const struct impair_ways *w, struct carry *to)
{
	carry_put(to, "impaired-by", MSTACK_VERSION);
	carry_put_bytes(to, "impaired", w, sizeof(*w));
}

/* Of another version, which may call it otherwise: what the plan says is what is known then. */
void sup_impaired_resume(struct impair_ways *w, const struct carry *from)
{
	const char *by = carry_text(from, "impaired-by");
	size_t len;
	const char *bytes = carry_bytes(from, "impaired", &len);

	if (by && !strcmp(by, MSTACK_VERSION) && len == sizeof(*w))
		memcpy(w, bytes, len);
}

/* Addresses were chosen around what the host had then; now it has our own bridges as well. */
void sup_facts_carry(const struct net_facts *f, struct carry *to)
{
	carry_put_num(to, "mtu", f->mtu);
	carry_put_num(to, "default", f->has_default);
	for (size_t i = 0; i < f->n_prefixes; i++) {
		struct carry *prefix = carry_add(to, "prefix");

		carry_put(prefix, "net", ip_net_text(&f->prefixes[i].net).text);
		carry_put(prefix, "device", f->prefixes[i].dev);
	}
}

void sup_facts_resume(const struct carry *from, struct net_facts *ret)
{
	struct VEC(struct net_prefix) list = { 0 };

	for (const struct carry *c = NULL; (c = carry_next(from, "prefix", c));) {
		const char *net = carry_text(c, "net"), *device = carry_text(c, "device");
		struct net_prefix p = { 0 };

		if (!net || !ip_net_parse(net, &p.net))
			continue;
		strncpy(p.dev, device ? device : "", sizeof(p.dev) - 1);
		vec_push(&list, p);
	}
	free(ret->prefixes);
	ret->prefixes = list.v;
	ret->n_prefixes = list.n;
	ret->mtu = (unsigned)carry_num(from, "mtu", ret->mtu);
	ret->has_default = carry_num(from, "default", ret->has_default);
}
