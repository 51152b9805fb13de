/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of a slot as JSON: the keys of `docker compose ps --format json`, and ours beside them.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/wait.h>

#include "sup/oneoff.h"

int sup_start_code(const struct sup_slot *slot)
{
	int code = err_exit_code(&slot->err);

	return code == 126 || code == 127 ? code : 125;
}

/* As a shell counts: 128 and the signal. A start that failed is later than any exit. */
static int exit_code(const struct sup_slot *slot)
{
	if (slot->svc.start_failed)
		return sup_start_code(slot);
	return slot->svc.ever_exited ? sup_exit_code(slot->svc.last_status) : 0;
}

/* "5 seconds", as compose's table says it. */
static void span(uint64_t since_wall, char *ret, size_t size)
{
	static const struct {
		uint64_t s;
		const char *unit;
	} units[] = {
		{ 86400 * 7, "week" }, { 86400, "day" }, { 3600, "hour" },
		{ 60, "minute" },      { 1, "second" },
	};
	uint64_t now = time_wall_ns();
	uint64_t s = now > since_wall ? (now - since_wall) / 1000000000 : 0;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		uint64_t n = s / units[i].s;

		if (n) {
			snprintf(ret, size, "%llu %s%s", (unsigned long long)n, units[i].unit,
				 n == 1 ? "" : "s");
			return;
		}
	}
	snprintf(ret, size, "Less than a second");
}

static json_t *restarting(const struct sup_slot *slot)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	sup_restart_words(&slot->svc, sup_restart_ms(slot), &b);
	return json_sprintf("R%s", buf_str(&b) + 1);
}

json_t *sup_status_words(const struct sup_slot *slot)
{
	const char *health = svc_health_name(slot->health.state);
	char t[48];

	switch (slot->svc.state) {
	case SVC_RUNNING:
	case SVC_STOPPING:
		span(slot->started_wall, t, sizeof(t));
		if (slot->svc.state == SVC_STOPPING)
			return json_sprintf("Up %s (stopping)", t);
		if (slot->svc.paused)
			return json_sprintf("Up %s (Paused)", t);
		return *health ? json_sprintf("Up %s (%s)", t, health) : json_sprintf("Up %s", t);
	case SVC_BACKOFF:
		return restarting(slot);
	case SVC_EXITED:
		span(slot->ended_wall, t, sizeof(t));
		if (slot->svc.dead)
			return json_sprintf("Dead (%d) %s ago", exit_code(slot), t);
		if (slot->svc.start_failed || !slot->svc.ever_exited)
			return json_string("Created");
		return json_sprintf("Exited (%d) %s ago", exit_code(slot), t);
	case SVC_WAITING:
		return json_string(slot->svc.runs ? "Restarting (waiting)" : "Created (waiting)");
	case SVC_STARTING:
		if (slot->stepping.running)
			return json_sprintf("Created (pre_start[%zu] runs)", slot->stepping.at);
		break;
	case SVC_IDLE:
	case SVC_N_STATES:
		break;
	}
	return json_string("Created");
}

static json_t *address(const struct ip *ip)
{
	return json_string(ip_text(ip).text);
}

/* The first one, of IPv4 where there is any; "" without. */
static json_t *own_address(const struct plan_slot *p)
{
	static const struct ip none;
	const struct ip *ip = p->n_ports ? &p->ports[0].ip4.ip : &none;

	return address(ip->family || !p->n_ports ? ip : &p->ports[0].ip6.ip);
}

/* One message holds all of a slot, so nothing that a file may make long goes in whole. */
enum { TEXT_MAX = 4096, PUBLISHERS_MAX = 256 };

static json_t *bounded(const char *text, size_t len)
{
	if (len <= TEXT_MAX)
		return json_stringn_nocheck(text, len);
	len = TEXT_MAX;
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--; /* not inside a character of UTF-8 */
	return json_stringn_nocheck(text, len);
}

static json_t *take_bounded(struct buf *b)
{
	json_t *text = bounded(buf_str(b), b->len);

	buf_fini(b);
	return text;
}

static const char *protocol_of(const struct net_publish_spec *pub)
{
	return pub->protocol == IPPROTO_TCP ? "tcp" : "udp";
}

/* Is this port of the container, "80/tcp", published? */
static bool is_published(const struct plan_slot *p, unsigned port, const char *protocol)
{
	for (size_t i = 0; i < p->n_pubs; i++)
		if (p->pubs[i].port == port && !strcmp(protocol_of(&p->pubs[i]), protocol))
			return true;
	return false;
}

/* What the image says that it listens at: as compose, with neither an address nor a port of the host. */
static void add_exposed(const struct plan_slot *p, json_t *list)
{
	for (char **e = p->image->exposed; e && *e && json_array_size(list) < PUBLISHERS_MAX; e++) {
		char protocol[8] = "tcp";
		unsigned port;

		if (sscanf(*e, "%5u/%7[a-z]", &port, protocol) < 1 ||
		    is_published(p, port, protocol))
			continue;
		json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s}", "URL", "",
						      "TargetPort", (int)port, "PublishedPort", 0,
						      "Protocol", protocol));
	}
}

static json_t *publishers(const struct plan_slot *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_pubs && i < PUBLISHERS_MAX; i++)
		json_array_append_new(list, json_pack("{s:o, s:i, s:i, s:s}", "URL",
						      address(&p->pubs[i].host_ip), "TargetPort",
						      p->pubs[i].port, "PublishedPort",
						      p->pubs[i].host_port, "Protocol",
						      protocol_of(&p->pubs[i])));
	add_exposed(p, list);
	return list;
}

static json_t *networks(const struct sup_slot *slot)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < slot->plan->n_ports; i++)
		buf_printf(&b, "%s%s", i ? "," : "",
			   slot->plan->service->networks[i].network->name);
	return take_bounded(&b);
}

static bool has_label(const struct stack_service *s, const char *text)
{
	size_t len = strcspn(text, "=");

	for (size_t i = 0; i < s->labels.n; i++)
		if (strlen(s->labels.v[i].key) == len && !strncmp(s->labels.v[i].key, text, len))
			return true;
	return false;
}

/* The image's, and over them the service's own. */
static json_t *labels(const struct plan_slot *p)
{
	struct buf b = { 0 };

	for (char **l = p->image->labels; l && *l; l++)
		if (!has_label(p->service, *l))
			buf_printf(&b, "%s%s", b.len ? "," : "", *l);
	for (size_t i = 0; i < p->service->labels.n; i++)
		buf_printf(&b, "%s%s=%s", b.len ? "," : "", p->service->labels.v[i].key,
			   p->service->labels.v[i].value ? p->service->labels.v[i].value : "");
	return take_bounded(&b);
}

static json_t *command(const struct plan_slot *p)
{
	struct buf b = { 0 };

	for (size_t i = 0; p->box.argv[i]; i++)
		buf_printf(&b, "%s%s", i ? " " : "", p->box.argv[i]);
	return take_bounded(&b);
}

static json_t *dead(const struct sup_slot *slot)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	sup_dead_words(&slot->svc, &b);
	if (slot->svc.start_failed)
		buf_printf(&b, ": %s", slot->err.text);
	return bounded(buf_str(&b), b.len);
}

/* Why it is in this state, in words; empty while all is well. */
static json_t *reason(const struct sup_slot *slot)
{
	struct buf waits = { 0 };

	if (slot->svc.dead)
		return dead(slot);
	if (slot->svc.start_failed || slot->svc.gate_failed)
		return json_string(slot->err.text);
	if (slot->oom && !slot->svc.want_up)
		return json_string("out of memory");
	if (slot->oom)
		return json_sprintf("out of memory (mem_limit %lld bytes)",
				    (long long)slot->plan->service->mem_limit.value);
	if (slot->svc.state == SVC_WAITING)
		sup_waits_for(slot, &waits);
	return take_bounded(&waits);
}

/*
 * Up to CreatedAt the keys are those of compose, so that scripts made for it can read them; those
 * behind it are ours. The id has no meaning but to be the same for the same container.
 */
json_t *sup_slot_json(const struct sup_slot *slot)
{
	const struct plan_slot *p = slot->plan;
	char stamp[TIME_STAMP_SIZE];
	json_t *o = json_object();

	time_stamp(slot->created_wall, stamp);
	json_object_set_new(o, "ID",
			    json_sprintf("%016llx", (unsigned long long)hash64_str(p->container)));
	json_object_set_new(o, "Name", json_string(p->container));
	json_object_set_new(o, "Service", json_string(p->service->name));
	json_object_set_new(o, "Project", json_string(slot->sup->opts->stack->name));
	json_object_set_new(o, "Image",
			    bounded(p->service->image.text, strlen(p->service->image.text)));
	json_object_set_new(o, "Command", command(p));
	json_object_set_new(o, "State", json_string(svc_compose_state(&slot->svc)));
	json_object_set_new(o, "Status", sup_status_words(slot));
	json_object_set_new(o, "Health", json_string(svc_health_name(slot->health.state)));
	json_object_set_new(o, "ExitCode", json_integer(exit_code(slot)));
	json_object_set_new(o, "Publishers", publishers(p));
	json_object_set_new(o, "Networks", networks(slot));
	json_object_set_new(o, "Labels", labels(p));
	json_object_set_new(o, "CreatedAt", json_string(stamp));
	json_object_set_new(o, "Pid", json_integer(slot->box ? box_pid(slot->box) : 0));
	json_object_set_new(o, "ImageID",
			    *p->image->id ? json_sprintf("sha256:%s", p->image->id)
					  : json_string(""));
	json_object_set_new(o, "Slot", json_string(p->name));
	json_object_set_new(o, "Index", json_integer(p->index));
	json_object_set_new(o, "Restarts", json_integer(slot->svc.restarts));
	json_object_set_new(o, "IP", own_address(p));
	json_object_set_new(o, "OOMKilled", json_boolean(slot->oom));
	json_object_set_new(o, "Reason", reason(slot));
	json_object_set_new(o, "OneOff", json_boolean(sup_oneoff_is_beside(slot)));
	return o;
}
