/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * graph: the topology of a stack as a value: services, networks, what hangs on what, wires, as the file has them and, when the
 * stack runs, as they are. And its forms: text, dot, mermaid, SVG, HTML. Called by the command `graph`. All of it is pure.
 */
#ifndef CLI_GRAPH_H
#define CLI_GRAPH_H

#include <jansson.h>

#include "mstack/stack.h"

enum {
	GRAPH_LINES_MAX = 8, /* of words below the name of a box, or at the end of a line */
	GRAPH_TEXT_MAX = 36, /* longer words are cut in drawings */
};

struct graph_lines {
	const char *v[GRAPH_LINES_MAX];
	size_t n;
};

struct graph_net {
	const char *name, *note, *subnets;
}; /* note: "internal", "vxlan 42"; "" none */

/* How a service is, for its colour. */
enum graph_mood { GRAPH_UNKNOWN, GRAPH_GOOD, GRAPH_BUSY, GRAPH_BAD, GRAPH_OVER };

/* A service, or what a wire has at its other end outside of the stack. */
struct graph_node {
	const char *name, *image, *note; /* note: whose network it has */
	const char *state;		 /* "running (healthy)"; NULL: not known */
	enum graph_mood mood;
	struct graph_lines ports; /* "8080 -> 80/tcp" */
	bool outside;
};

/* The end of a service on a network, or of a wire. */
struct graph_end {
	size_t node;
	const char *ifname, *addr4, *addr6; /* NULL: it has none, or none that is known */
	const char *rate;		    /* "in 1.2 Mbit/s, out 0"; NULL: not known */
};

struct graph_port {
	struct graph_end end;
	size_t net;
	const char *impair, *state;
}; /* state: NULL, or "down" */
struct graph_wire {
	struct graph_end ends[2];
	const char *texts[2], *impair, *state;
};

struct graph {
	const char *project;
	struct VEC(struct graph_net) nets;
	struct VEC(struct graph_node) nodes;
	struct VEC(struct graph_port) ports; /* by service, in the order of the file */
	struct VEC(struct graph_wire) wires;
	struct arena *arena;
};

/* What the file says. */
struct graph *graph_new(const struct stack *s);
void graph_free(struct graph *g);
/* What `ps` knows. */
void graph_add_states(struct graph *g, const json_t *rows);
/* What `link` knows: an object {"a", "b", "kind", "state"}. */
void graph_add_link(struct graph *g, const json_t *link);
/* What `impair` knows: an object {"service", "interface", "egress", "ingress"}. */
void graph_add_impair(struct graph *g, const json_t *row);
/* Bits a second, for people: "0", "340 kbit/s", "1.2 Mbit/s". */
const char *graph_rate(struct graph *g, uint64_t in, uint64_t out);

/* What stands at an end, in lines. */
struct graph_lines graph_end_lines(const struct graph_end *e, const char *impair,
				   const char *state);
/* What stands in a box below its name. */
struct graph_lines graph_node_lines(const struct graph_node *n);
/* What it is called and its addresses, without what changes. */
struct graph_lines graph_end_plain(const struct graph_end *e);
const char *graph_colour(enum graph_mood mood); /* "#23874f" */
/* In the middle of a wire; "" nothing. */
const char *graph_wire_words(struct graph *g, const struct graph_wire *w);

void graph_text(struct graph *g, struct buf *out);
void graph_dot(struct graph *g, struct buf *out);
void graph_mermaid(struct graph *g, struct buf *out);
void graph_svg(struct graph *g, struct buf *out);
void graph_html(struct graph *g, struct buf *out);

#endif
