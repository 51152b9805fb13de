/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as a question of a container, and as what a server outside answers. Whatever we answer is an answer to
 * that question, within its limit, that our own reader takes; whatever we ask others reads as the same question; and what is
 * handed on is still an answer. The first byte says how the rest is cut into question and answer.
 */
#include "net/names/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

enum { NET = 1, UPSTREAM_ID = 0x2a2a };

static struct zone *world(void)
{
	struct ip ips[2] = { { AF_INET, { 10, 2, 0, 3 } }, { AF_INET6, { 0xfd, 2 } } };
	const struct ip_net subnet = { ips[0], 24 };
	struct zone *z = zone_new();

	zone_network(z, NET, "net");
	zone_subnet(z, NET, &subnet);
	for (uint32_t i = 0; i < 100; i++) {
		ips[0].bytes[3] = ips[1].bytes[15] = (uint8_t)i;
		zone_add(z, i, NET, "a", ips, false);
		zone_add(z, i, NET, i % 2 ? "web" : "b.c", ips, true);
	}
	return z;
}

/* As an answer it is looked at under its own id. */
static void check_answer(const struct dns_question *q, uint8_t *msg, size_t len, size_t limit)
{
	CHECK(len >= DNS_HEADER && len <= limit);
	CHECK(q->id == (msg[0] << 8 | msg[1]));
	CHECK(msg[2] & 0x80);
	if (q->wire_len)
		CHECK(dns_is_answer(q, q->id, msg, len));
}

static void check_forward(const struct dns_question *q, const uint8_t *data, size_t size)
{
	uint8_t out[DNS_QUERY_MAX], msg[4096 + DNS_QUERY_MAX];
	struct dns_question again;
	size_t len = dns_query(q, UPSTREAM_ID, out);

	CHECK(len <= sizeof(out) && !dns_parse(out, len, &again));
	CHECK(again.type == q->type && again.class == q->class && !strcmp(again.name, q->name));
	CHECK(again.edns == q->edns);
	if (size > 4096)
		return;
	/* What a server would have to know to be heard. */
	memcpy(msg, data, size);
	if (size >= DNS_HEADER + q->wire_len) {
		msg[0] = msg[1] = UPSTREAM_ID & 0xff;
		memcpy(msg + DNS_HEADER, q->wire, q->wire_len);
	}
	if (!dns_is_answer(q, UPSTREAM_ID, msg, size))
		return;
	(void)dns_rcode(msg);
	len = dns_hand_on(q, dns_limit(q), msg, size);
	check_answer(q, msg, len, dns_limit(q));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone *zone;
	static const uint32_t networks[] = { NET };
	const struct zone_view view = { networks, 1 };
	static uint8_t out[DNS_MAX];
	struct dns_question q;
	size_t len, cut;

	if (!zone)
		zone = world();
	if (!size)
		return 0;
	cut = data[0] < size - 1 ? data[0] : size - 1;
	data++;
	size--;
	for (int tcp = 0; tcp < 2; tcp++) {
		enum answer_how how = answer(zone, &view, false, tcp, data, cut, &q, out, &len);

		if (how == ANSWER_READY)
			check_answer(&q, out, len, tcp ? DNS_MAX : dns_limit(&q));
		else if (how == ANSWER_FORWARD)
			check_forward(&q, data + cut, size - cut);
		CHECK(answer(zone, &view, true, tcp, data, cut, &q, out, &len) != ANSWER_FORWARD);
	}
	return 0;
}
