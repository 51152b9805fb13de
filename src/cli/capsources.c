/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capsources: see capsources.h. Packets are taken out of the kernel's memory as late as possible: what waits for its turn is not copied. */
#include <errno.h>
#include <net/if_arp.h>

#include "cli/capsources.h"
#include "cli/pcapng.h"

/* Which packet is the next is known for sure so long after it passed; the rest is for a busy machine. */
#define ORDER_NS  UINT64_C(60000000)
#define NS_PER_MS UINT64_C(1000000)

/* ---- coming ---------------------------------------------------------------------------------- */

static int linktype(unsigned type)
{
	switch (type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return PCAPNG_ETHERNET;
	case ARPHRD_NONE: /* tun, wireguard: packets begin with IP */
		return PCAPNG_RAW;
	}
	return -1;
}

bool sources_known_type(unsigned type)
{
	return linktype(type) >= 0;
}

static void describe(struct capout *out, const struct sources_spec *spec, const struct source *s,
		     const struct net_window_link *link, const char *description)
{
	struct pcapng_interface i = {
		.name = s->name,
		.description = description,
		.filter = spec->filter,
		.linktype = (uint16_t)linktype(link->type),
		.snaplen = spec->snaplen,
		.mac = link->type == ARPHRD_ETHER ? link->mac : NULL,
		.addrs = link->addrs,
		.n_addrs = link->n_addrs,
	};

	pcapng_interface(&out->buf, &i);
}

static struct net_capture *open_ring(const struct sources_spec *spec, struct net_window *w,
				     const struct net_window_link *link, const struct pcapfilter *f,
				     struct err *err)
{
	struct net_capture_spec ring = {
		.index = link->index,
		.snaplen = spec->snaplen,
		.memory = spec->memory,
		.promiscuous = spec->promiscuous && !link->loopback,
		.once = link->loopback,
		.filter = f->here ? NULL : f->v,
		.n_filter = f->here ? 0 : f->n,
	};

	return net_capture_open(w, &ring, err);
}

int sources_add(struct sources *s, struct net_window *w, const struct net_window_link *link,
		char *name, const char *description, const void *place, struct capout *out,
		struct err *err)
{
	struct source new = { .place = place, .index = link->index, .name = name, .id = s->ids };
	int type = linktype(link->type), rc = type < 0;

	if (!rc)
		rc = pcapfilter_make(s->spec->filter, (unsigned)type, s->spec->snaplen, &new.filter,
				     err);
	if (!rc) {
		new.ring = open_ring(s->spec, w, link, &new.filter, err);
		rc = new.ring ? 0 : err->sys == ENODEV ? 1 : -1;
	}
	if (rc) {
		if (rc < 0)
			err_wrap(err, "%s", name);
		pcapfilter_fini(&new.filter);
		free(name);
		return rc;
	}
	new.begin_ns = time_wall_ns();
	describe(out, s->spec, &new, link, description);
	vec_push(s, new);
	s->ids++;
	return 0;
}

struct source *sources_find(struct sources *s, const void *place, int index)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].place == place && s->v[i].index == index && !s->v[i].gone_ns)
			return &s->v[i];
	return NULL;
}

/* ---- packets --------------------------------------------------------------------------------- */

bool sources_full(const struct sources *s)
{
	return s->max && s->written >= s->max;
}

/* False: the filter does not want it. */
static bool write_packet(const struct sources *s, const struct source *from, struct capout *out)
{
	size_t at = out->buf.len, data = at + PCAPNG_PACKET_HEAD;
	const struct net_packet *p = from->head;
	uint32_t len;

	len = pcapng_packet(&out->buf, from->id, p, s->spec->snaplen);
	if (!from->filter.here ||
	    from->filter.match(from->filter.v, (const uint8_t *)out->buf.data + data,
			       p->wire_len + (p->tagged ? 4 : 0), len))
		return true;
	buf_cut(&out->buf, at);
	return false;
}

/* The oldest. *ret_sure: whoever has none to show now cannot have an older one either. */
static struct source *next(struct sources *s, bool *ret_sure)
{
	struct source *oldest = NULL;
	uint64_t now = 0;

	*ret_sure = true;
	for (size_t i = 0; i < s->n; i++) {
		struct source *one = &s->v[i];

		if (!one->head)
			*ret_sure = false;
		else if (!oldest || one->head->at_ns < oldest->head->at_ns)
			oldest = one;
	}
	if (!oldest || *ret_sure || s->n == 1)
		return oldest;
	/* The clock of the day may be set back; nothing waits for a time that comes once more. */
	now = time_wall_ns();
	*ret_sure = s->draining || oldest->head->at_ns + ORDER_NS <= now ||
		    oldest->head->at_ns > now + ORDER_NS;
	return oldest;
}

bool sources_merge(struct sources *s, struct capout *out)
{
	struct source *from;
	bool sure;

	for (size_t i = 0; i < s->n; i++)
		s->v[i].head = net_capture_peek(s->v[i].ring);
	while (!sources_full(s) && (from = next(s, &sure)) && sure) {
		if (out->buf.len >= CAPOUT_FULL)
			return true;
		if (write_packet(s, from, out)) {
			from->written++;
			s->written++;
		}
		net_capture_pop(from->ring);
		from->head = net_capture_peek(from->ring);
	}
	return false;
}

/* Memory with packets that wait for their turn is readable all the time. */
void sources_poll(struct sources *s, struct pollfd *fds, size_t *n, int *timeout_ms)
{
	bool wait = false;

	for (size_t i = 0; i < s->n; i++) {
		struct source *one = &s->v[i];

		if (one->head || one->gone_ns)
			wait = true;
		else
			fds[(*n)++] = (struct pollfd){ .fd = net_capture_fd(one->ring),
						       .events = POLLIN };
	}
	if (wait && (*timeout_ms < 0 || *timeout_ms > (int)(ORDER_NS / NS_PER_MS / 4)))
		*timeout_ms = (int)(ORDER_NS / NS_PER_MS / 4);
}

/* ---- going ----------------------------------------------------------------------------------- */

void sources_gone(struct source *source)
{
	source->gone_ns = time_mono_ns();
}

void sources_stop(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++)
		net_capture_stop(s->v[i].ring);
}

static void free_source(struct source *one)
{
	net_capture_close(one->ring);
	pcapfilter_fini(&one->filter);
	free(one->name);
}

static void close_source(struct sources *s, size_t i, struct capout *out)
{
	struct source *one = &s->v[i];
	struct pcapng_statistics stat = {
		.interface = one->id,
		.begin_ns = one->begin_ns,
		.end_ns = time_wall_ns(),
		.written = one->written,
	};

	net_capture_count(one->ring, &stat.received, &stat.lost);
	pcapng_statistics(&out->buf, &stat);
	s->lost += stat.lost;
	free_source(one);
	s->v[i] = s->v[--s->n];
}

void sources_close(struct sources *s, bool all, struct capout *out)
{
	uint64_t now = time_mono_ns();

	for (size_t i = s->n; i-- > 0;) {
		const struct source *one = &s->v[i];
		bool drained = one->gone_ns && one->gone_ns + ORDER_NS < now && !one->head;

		if (all || drained)
			close_source(s, i, out);
	}
}

void sources_fini(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++)
		free_source(&s->v[i]);
	free(s->v);
	*s = (struct sources){ 0 };
}
