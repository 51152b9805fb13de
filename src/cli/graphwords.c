/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * graphwords: a topology as text for people, for graphviz (the language of dot(1)) and for mermaid (as GitHub shows it). Names of
 * nodes in the languages are ours, so nobody's text can end where it should not; what people wrote stands in quotes, escaped.
 */
#include <stdio.h>

#include "cli/graph.h"

/* ---- text ------------------------------------------------------------------------------------ */

static void add_end(struct buf *out, const struct graph_end *e, const char *impair,
		    const char *state)
{
	struct graph_lines l = graph_end_lines(e, impair, state);

	for (size_t i = 0; i < l.n; i++)
		buf_printf(out, "%s%s", i ? "  " : "", l.v[i]);
}

static void add_node(struct buf *out, const struct graph_node *n)
{
	struct graph_lines l = graph_node_lines(n);

	for (size_t i = 0; i < l.n; i++)
		buf_printf(out, "%s%s", i ? "  " : "", l.v[i]);
}

static size_t longest_name(const struct graph *g)
{
	size_t longest = 0;

	for (size_t i = 0; i < g->nodes.n; i++)
		if (!g->nodes.v[i].outside && strlen(g->nodes.v[i].name) > longest)
			longest = strlen(g->nodes.v[i].name);
	return longest;
}

static void add_net(const struct graph *g, size_t net, int width, struct buf *out)
{
	const struct graph_net *n = &g->nets.v[net];

	buf_printf(out, "\nnetwork %s%s%s%s%s%s\n", n->name, *n->note ? " (" : "", n->note,
		   *n->note ? ")" : "", *n->subnets ? "  " : "", n->subnets);
	for (size_t i = 0; i < g->ports.n; i++) {
		const struct graph_port *p = &g->ports.v[i];

		if (p->net != net)
			continue;
		buf_printf(out, "  %-*s  ", width, g->nodes.v[p->end.node].name);
		add_end(out, &p->end, p->impair, p->state);
		buf_putc(out, '\n');
	}
}

static void add_wire(struct graph *g, const struct graph_wire *w, struct buf *out)
{
	const char *words = graph_wire_words(g, w);

	buf_puts(out, "  ");
	for (int i = 0; i < 2; i++) {
		const struct graph_end *e = &w->ends[i];
		const char *addr = e->addr4 ? e->addr4 : e->addr6;

		buf_printf(out, "%s%s", i ? " -- " : "", w->texts[i]);
		if (addr)
			buf_printf(out, " (%s%s%s)", addr, e->addr4 && e->addr6 ? ", " : "",
				   e->addr4 && e->addr6 ? e->addr6 : "");
	}
	buf_printf(out, "%s%s\n", *words ? "  " : "", words);
}

void graph_text(struct graph *g, struct buf *out)
{
	int width = (int)longest_name(g);

	buf_printf(out, "stack %s\n\nservices\n", g->project);
	for (size_t i = 0; i < g->nodes.n; i++) {
		if (g->nodes.v[i].outside)
			continue;
		buf_printf(out, "  %-*s  ", width, g->nodes.v[i].name);
		add_node(out, &g->nodes.v[i]);
		buf_putc(out, '\n');
	}
	for (size_t i = 0; i < g->nets.n; i++)
		add_net(g, i, width, out);
	if (g->wires.n)
		buf_puts(out, "\nwires\n");
	for (size_t i = 0; i < g->wires.n; i++)
		add_wire(g, &g->wires.v[i], out);
}

/* ---- graphviz -------------------------------------------------------------------------------- */

/* In a quoted string of dot. A backslash would begin an escape, also one that it would be followed by. */
static void dot_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, (unsigned char)*text < ' ' ? ' ' : *text);
	}
}

static void dot_lines(struct buf *out, const struct graph_lines *l, bool first)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_puts(out, i || !first ? "\\n" : "");
		dot_text(out, l->v[i]);
	}
}

static void dot_nodes(struct graph *g, struct buf *out)
{
	for (size_t i = 0; i < g->nets.n; i++) {
		const struct graph_net *n = &g->nets.v[i];

		buf_printf(out,
			   "\tnet%zu [shape=ellipse, style=filled, fillcolor=\"#dce8f7\", label=\"",
			   i);
		dot_text(out, n->name);
		buf_printf(out, "%s", *n->note ? "\\n" : "");
		dot_text(out, n->note);
		buf_printf(out, "%s", *n->subnets ? "\\n" : "");
		dot_text(out, n->subnets);
		buf_puts(out, "\"];\n");
	}
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct graph_node *n = &g->nodes.v[i];
		struct graph_lines l = graph_node_lines(n);

		buf_printf(out, "\tnode%zu [shape=box, style=\"%s\", color=\"%s\", label=\"", i,
			   n->outside ? "rounded,dashed" : "rounded", graph_colour(n->mood));
		dot_text(out, n->name);
		dot_lines(out, &l, false);
		buf_puts(out, "\"];\n");
	}
}

static void dot_label(struct buf *out, const char *attribute, const struct graph_lines *l)
{
	buf_printf(out, "%s=\"", attribute);
	dot_lines(out, l, true);
	buf_puts(out, "\"");
}

static void dot_wire(struct graph *g, const struct graph_wire *w, struct buf *out)
{
	static const char *const attributes[] = { ", taillabel", ", headlabel" };

	buf_printf(out, "\tnode%zu -- node%zu [penwidth=2, color=\"%s\", label=\"", w->ends[0].node,
		   w->ends[1].node, w->state ? graph_colour(GRAPH_BAD) : "#0f8b8d");
	dot_text(out, graph_wire_words(g, w));
	buf_puts(out, "\"");
	for (int i = 0; i < 2; i++) {
		struct graph_lines l = graph_end_plain(&w->ends[i]);

		dot_label(out, attributes[i], &l);
	}
	buf_puts(out, "];\n");
}

void graph_dot(struct graph *g, struct buf *out)
{
	buf_puts(out, "graph \"");
	dot_text(out, g->project);
	buf_puts(out, "\" {\n\tgraph [fontname=\"sans-serif\", nodesep=0.6, ranksep=0.9];\n"
		      "\tnode [fontname=\"sans-serif\", fontsize=11];\n"
		      "\tedge [fontname=\"sans-serif\", fontsize=9, color=\"#5b6675\"];\n");
	dot_nodes(g, out);
	for (size_t i = 0; i < g->ports.n; i++) {
		const struct graph_port *p = &g->ports.v[i];
		struct graph_lines l = graph_end_lines(&p->end, p->impair, p->state);

		buf_printf(out, "\tnet%zu -- node%zu [", p->net, p->end.node);
		dot_label(out, "label", &l);
		buf_puts(out, "];\n");
	}
	for (size_t i = 0; i < g->wires.n; i++)
		dot_wire(g, &g->wires.v[i], out);
	buf_puts(out, "}\n");
}

/* ---- mermaid --------------------------------------------------------------------------------- */

/* In a quoted string of mermaid, which becomes HTML: all that is neither letter, digit nor plain is a number. */
static void mermaid_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 127)
			buf_putc(out, ' ');
		else if (strchr("\"#<>&`\\{}[]|;", c))
			buf_printf(out, "#%u;", c);
		else
			buf_putc(out, (char)c);
	}
}

static void mermaid_lines(struct buf *out, const struct graph_lines *l, bool first)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_puts(out, i || !first ? "<br/>" : "");
		mermaid_text(out, l->v[i]);
	}
}

static void mermaid_nodes(struct graph *g, struct buf *out)
{
	static const char *const classes[] = {
		[GRAPH_UNKNOWN] = "",	[GRAPH_GOOD] = ":::good", [GRAPH_BUSY] = ":::busy",
		[GRAPH_BAD] = ":::bad", [GRAPH_OVER] = ":::over",
	};

	for (size_t i = 0; i < g->nets.n; i++) {
		const struct graph_net *n = &g->nets.v[i];
		struct graph_lines l = { { n->name }, 1 };

		if (*n->note)
			l.v[l.n++] = n->note;
		if (*n->subnets)
			l.v[l.n++] = n->subnets;
		buf_printf(out, "    net%zu([\"", i);
		mermaid_lines(out, &l, true);
		buf_puts(out, "\"]):::net\n");
	}
	for (size_t i = 0; i < g->nodes.n; i++) {
		struct graph_lines l = graph_node_lines(&g->nodes.v[i]);

		buf_printf(out, "    node%zu[\"<b>", i);
		mermaid_text(out, g->nodes.v[i].name);
		buf_puts(out, "</b>");
		mermaid_lines(out, &l, false);
		buf_printf(out, "\"]%s\n", classes[g->nodes.v[i].mood]);
	}
}

static void mermaid_end(struct buf *out, const struct graph_end *e)
{
	struct graph_lines l = graph_end_plain(e);

	mermaid_lines(out, &l, true);
}

void graph_mermaid(struct graph *g, struct buf *out)
{
	buf_puts(out, "flowchart TB\n");
	mermaid_nodes(g, out);
	for (size_t i = 0; i < g->ports.n; i++) {
		const struct graph_port *p = &g->ports.v[i];
		struct graph_lines l = graph_end_lines(&p->end, p->impair, p->state);

		buf_printf(out, "    net%zu ---|\"", p->net);
		mermaid_lines(out, &l, true);
		buf_printf(out, "\"| node%zu\n", p->end.node);
	}
	for (size_t i = 0; i < g->wires.n; i++) {
		const struct graph_wire *w = &g->wires.v[i];
		const char *words = graph_wire_words(g, w);

		buf_printf(out, "    node%zu %s|\"", w->ends[0].node, w->state ? "-.-" : "===");
		mermaid_end(out, &w->ends[0]);
		buf_puts(out, " -- ");
		mermaid_end(out, &w->ends[1]);
		buf_puts(out, *words ? "<br/>" : "");
		mermaid_text(out, words);
		buf_printf(out, "\"| node%zu\n", w->ends[1].node);
	}
	buf_puts(out, "    classDef net fill:#dce8f7,stroke:#3f6fb0,color:#1d2733\n"
		      "    classDef good stroke:#23874f,stroke-width:2px\n"
		      "    classDef busy stroke:#b57a08,stroke-width:2px\n"
		      "    classDef bad stroke:#c7362f,stroke-width:2px\n"
		      "    classDef over stroke:#8a929c,stroke-dasharray:4\n");
}
