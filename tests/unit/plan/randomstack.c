/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * randomstack: see randomstack.h. Linked to the tests of plan, which need thousands, and with RANDOMSTACK_MAIN a program of its own
 * for tests/torture/pairs, which starts them: so it uses the C library only.
 */
#include "unit/plan/randomstack.h"

#include <stdbool.h>
#include <stdlib.h>

enum { NETWORKS = 4, SERVICES = 5 };

struct shape {
	uint32_t x;
	bool network[NETWORKS], internal[NETWORKS], service[SERVICES];
	unsigned subnet[NETWORKS];
};

/* Marsaglia's xorshift. */
static uint32_t next(struct shape *s)
{
	s->x ^= s->x << 13;
	s->x ^= s->x >> 17;
	return s->x ^= s->x << 5;
}

static bool one_in(struct shape *s, uint32_t n)
{
	return next(s) % n == 0;
}

static void print_networks(FILE *out, const struct shape *s)
{
	fputs("networks:\n  last: {ipam: {config: [{subnet: 10.59.0.0/24}]}}\n", out);
	for (int i = 0; i < NETWORKS; i++)
		if (s->network[i])
			fprintf(out,
				"  n%d: {internal: %s, ipam: {config: [{subnet: 10.%d.%u.0/24}]}}\n",
				i, s->internal[i] ? "true" : "false", 60 + i, s->subnet[i]);
}

/* On an internal network nothing can be published, and which network a port leads to is decided by all of them. */
static void print_attachments(FILE *out, struct shape *s, int nr)
{
	int open = 0, n = 0;

	fputs("    networks:\n", out);
	for (int i = 0; i < NETWORKS; i++) {
		if (!s->network[i] || one_in(s, 3))
			continue;
		fprintf(out, "      n%d: {ipv4_address: 10.%d.%u.%d%s}\n", i, 60 + i, s->subnet[i],
			10 + nr, one_in(s, 4) ? ", aliases: [other]" : "");
		n++;
		open += !s->internal[i];
	}
	if (!n)
		fprintf(out, "      last: {ipv4_address: 10.59.0.%d}\n", 10 + nr);
	if (open != n)
		return;
	fputs("    ports: [", out);
	for (unsigned i = next(s) % 3; i; i--)
		fprintf(out, "\"%d:%u%s\"%s", 8000 + 10 * nr + (int)i, 80 + next(s) % 2,
			one_in(s, 3) ? "/udp" : "", i > 1 ? ", " : "");
	fputs("]\n", out);
}

static void print_dependencies(FILE *out, struct shape *s, int nr)
{
	bool any = false;

	for (int i = 0; i < nr; i++) {
		if (!s->service[i] || !one_in(s, 3))
			continue;
		fprintf(out, "%s s%d: {condition: service_started, restart: %s}",
			any ? "," : "    depends_on: {", i, one_in(s, 2) ? "true" : "false");
		any = true;
	}
	fputs(any ? "}\n" : "", out);
}

static void print_service(FILE *out, struct shape *s, int nr)
{
	static const char *const keys[] = { "read_only: true",	   "tmpfs: [/mem]",
					    "restart: always",	   "labels: {l: '1'}",
					    "labels: {l: '2'}",	   "hostname: other",
					    "volumes: ['vol:/v']", "init: true",
					    "stop_signal: KILL" };
	unsigned labels = 0;

	fprintf(out,
		"  s%d:\n    image: busybox\n    command: [sleep, \"%u\"]\n    stop_grace_period: 0s\n",
		nr, 1000 + next(s) % 2);
	fprintf(out, "    environment: {V: \"%u\"}\n", next(s) % 2);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		bool is_labels = keys[i][0] == 'l';

		if (one_in(s, 4) && !(is_labels && labels++))
			fprintf(out, "    %s\n", keys[i]);
	}
	print_attachments(out, s, nr);
	print_dependencies(out, s, nr);
}

static void print_wires(FILE *out, struct shape *s)
{
	bool any = false;

	for (int i = 0; i + 1 < SERVICES; i++) {
		if (!s->service[i] || !s->service[i + 1] || !one_in(s, 3))
			continue;
		fprintf(out, "%s  - endpoints: [\"s%d:w%d\", \"s%d:w%d\"]\n",
			any ? "" : "x-links:\n", i, i, i + 1, i);
		any = true;
	}
}

void randomstack(FILE *out, uint32_t seed)
{
	struct shape s = { .x = seed * 2654435761u + 1 };

	for (int i = 0; i < 8; i++)
		next(&s);
	for (int i = 0; i < NETWORKS; i++) {
		s.network[i] = !one_in(&s, 3);
		s.internal[i] = one_in(&s, 3);
		s.subnet[i] = next(&s) % 2;
	}
	for (int i = 0; i < SERVICES; i++)
		s.service[i] = i == 0 || one_in(&s, 2);
	fputs("name: t\nservices:\n", out);
	for (int i = 0; i < SERVICES; i++)
		if (s.service[i])
			print_service(out, &s, i);
	print_wires(out, &s);
	print_networks(out, &s);
	fputs("volumes: {vol: {}}\n", out);
}

#ifdef RANDOMSTACK_MAIN
int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	randomstack(stdout, (uint32_t)strtoul(argv[1], NULL, 10));
	return 0;
}
#endif
