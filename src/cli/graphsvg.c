/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * graphsvg: the picture of a topology as SVG 1.1, alone or in a page. Needs nothing else: no script, no font, no file. Lines lie behind
 * bars, so that one that only passes by is seen to; a dot is where one belongs.
 */
#include "cli/graphlayout.h"

#define INK   "#1d2733"
#define QUIET "#5b6675"
#define WIRE  "#0f8b8d"
#define DOWN  "#c7362f"
#define PAPER "#fbfcfd"

/* Fill, and what stands on it or hangs on it. */
static const struct {
	const char *fill, *line;
} colours[] = {
	{ "#dce8f7", "#3f6fb0" }, { "#e0f0e4", "#3b8554" }, { "#f3e6f5", "#8a4f98" },
	{ "#fbe9d7", "#b5651d" }, { "#dff1f1", "#2b8489" }, { "#f7e1e3", "#b04a5a" },
};

/* ---- text ------------------------------------------------------------------------------------ */

/* Also in attributes. What XML has no place for, not even in numbers, becomes a sign for it. */
static void add_text(struct buf *out, const char *text)
{
	static const struct {
		char c;
		const char *name;
	} escapes[] = {
		{ '&', "&amp;" },  { '<', "&lt;" },   { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&#39;" },
	};

	for (; *text; text++) {
		const char *name = NULL;

		for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
			if (*text == escapes[i].c)
				name = escapes[i].name;
		if (name)
			buf_puts(out, name);
		else if ((unsigned char)*text < ' ')
			buf_puts(out, "\xef\xbf\xbd");
		else
			buf_putc(out, *text);
	}
}

static void put_text(struct buf *out, int x, int y, const char *class, const char *colour,
		     const char *text)
{
	buf_printf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\" fill=\"%s\">", x, y, class, colour);
	add_text(out, text);
	buf_puts(out, "</text>\n");
}

static void put_lines(struct graph *g, struct buf *out, int x, int y, const struct graph_lines *l,
		      const char *first)
{
	for (size_t i = 0; i < l->n; i++)
		put_text(out, x, y + (int)i * GRAPH_LINE, i ? "s" : "s b", i ? QUIET : first,
			 graph_short(g, l->v[i]));
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const char *net_line(size_t net)
{
	return colours[net % ARRAY_LEN(colours)].line;
}

static void put_drop(struct buf *out, const struct layout_drop *d, const char *colour, bool down,
		     int width)
{
	buf_printf(out, "<path d=\"M%d %dV%d\" stroke=\"%s\" stroke-width=\"%d\"%s/>\n", d->x,
		   d->from, d->to, colour, width, down ? " stroke-dasharray=\"5 4\"" : "");
}

static void put_dot(struct buf *out, int x, int y, const char *colour)
{
	buf_printf(
		out,
		"<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"#fff\" stroke=\"%s\" stroke-width=\"2\"/>\n",
		x, y, colour);
}

static void put_ports(struct graph *g, const struct graph_layout *l, struct buf *out)
{
	for (size_t i = 0; i < g->ports.n; i++)
		put_drop(out, &l->drops[i],
			 g->ports.v[i].state ? DOWN : net_line(g->ports.v[i].net),
			 g->ports.v[i].state, 2);
	for (size_t i = 0; i < 2 * g->wires.n; i++)
		put_drop(out, &l->ends[i], g->wires.v[i / 2].state ? DOWN : WIRE,
			 g->wires.v[i / 2].state, 3);
}

static void put_port_words(struct graph *g, const struct graph_layout *l, struct buf *out)
{
	for (size_t i = 0; i < g->ports.n; i++) {
		const struct graph_port *p = &g->ports.v[i];
		struct graph_lines lines = graph_end_lines(&p->end, p->impair, p->state);

		put_lines(g, out, l->drops[i].x + 7, l->drops[i].text_y, &lines, net_line(p->net));
		put_dot(out, l->drops[i].x, l->drops[i].to, net_line(p->net));
	}
	for (size_t i = 0; i < 2 * g->wires.n; i++) {
		struct graph_lines lines = graph_end_plain(&g->wires.v[i / 2].ends[i % 2]);

		put_lines(g, out, l->ends[i].x + 7, l->ends[i].text_y, &lines, WIRE);
	}
}

/* ---- networks, wires, boxes ------------------------------------------------------------------ */

static void put_bars(struct graph *g, const struct graph_layout *l, struct buf *out)
{
	for (size_t i = 0; i < g->nets.n; i++) {
		const struct graph_net *n = &g->nets.v[i];
		const struct layout_bar *b = &l->bars[i];
		int x = b->x + 14, y = b->y + 20;

		buf_printf(
			out,
			"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" fill=\"%s\" stroke=\"%s\"/>\n",
			b->x, b->y, b->w, GRAPH_BAR, colours[i % ARRAY_LEN(colours)].fill,
			net_line(i));
		put_text(out, x, y, "n", net_line(i), n->name);
		x += graph_text_width(n->name, 14, true) + 14;
		put_text(out, x, y, "s", INK, n->subnets);
		x += *n->subnets ? graph_text_width(n->subnets, 11, false) + 14 : 0;
		put_text(out, x, y, "s i", QUIET, n->note);
	}
}

/* Its words leave no line to be seen behind them: those of other wires run through here. */
static void put_wire(struct graph *g, const struct graph_wire *w, const struct layout_bar *b,
		     struct buf *out)
{
	const char *colour = w->state ? DOWN : WIRE, *words = graph_wire_words(g, w);
	bool fits;
	int x, y;

	buf_printf(out, "<path d=\"M%d %dH%d\" stroke=\"%s\" stroke-width=\"3\"%s/>\n", b->x, b->y,
		   b->x + b->w, colour, w->state ? " stroke-dasharray=\"5 4\"" : "");
	put_dot(out, b->x, b->y, colour);
	put_dot(out, b->x + b->w, b->y, colour);
	if (!*words)
		return;
	fits = graph_wire_fits(b, words);
	x = b->x + 9 + (fits ? 0 : b->w);
	y = b->y + (fits ? -8 : 4);
	buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"15\" fill=\"" PAPER "\"/>\n",
		   x - 3, y - 11, graph_text_width(words, 11, false) + 6);
	put_text(out, x, y, "s", w->state ? DOWN : INK, words);
}

static void put_wires(struct graph *g, const struct graph_layout *l, struct buf *out)
{
	for (size_t i = 0; i < g->wires.n; i++)
		put_wire(g, &g->wires.v[i], &l->wires[i], out);
}

static void put_box(struct graph *g, size_t node, const struct layout_box *b, struct buf *out)
{
	const struct graph_node *n = &g->nodes.v[node];
	const char *colour = graph_colour(n->mood);
	struct graph_lines l = graph_node_lines(n);
	int x = b->x + GRAPH_PAD + 2, y = b->y + GRAPH_PAD + 14, text = x + (n->state ? 16 : 0);

	buf_puts(out, "<g><title>");
	add_text(out, n->name);
	for (size_t i = 0; i < l.n; i++) {
		buf_puts(out, "&#10;");
		add_text(out, l.v[i]);
	}
	buf_printf(
		out,
		"</title>\n<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#fff\" "
		"stroke=\"%s\" stroke-width=\"%s\"%s/>\n",
		b->x, b->y, b->w, b->h, colour, n->state ? "2" : "1.5",
		n->outside ? " stroke-dasharray=\"6 4\"" : "");
	if (n->state)
		buf_printf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>\n", x + 5, y - 5,
			   colour);
	put_text(out, text, y, "n", INK, graph_short(g, n->name));
	for (size_t i = 0; i < l.n; i++)
		put_text(out, x, y + GRAPH_NAME - 2 + (int)i * GRAPH_LINE,
			 i || !n->state ? "s" : "s b", i || !n->state ? QUIET : colour,
			 graph_short(g, l.v[i]));
	buf_puts(out, "</g>\n");
}

/* ---- all of it ------------------------------------------------------------------------------- */

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void put_head(const struct graph *g, const struct graph_layout *l, struct buf *out)
{
	_cleanup_(buf_fini) struct buf words = { 0 };
	size_t services = 0;

	for (size_t i = 0; i < g->nodes.n; i++)
		services += !g->nodes.v[i].outside;
	buf_printf(&words, "%zu service%s, %zu network%s", services, plural(services), g->nets.n,
		   plural(g->nets.n));
	if (g->wires.n)
		buf_printf(&words, ", %zu wire%s", g->wires.n, plural(g->wires.n));
	buf_printf(out, "<rect width=\"%d\" height=\"%d\" fill=\"" PAPER "\"/>\n", l->width,
		   l->height);
	put_text(out, GRAPH_MARGIN, 32, "h", INK, g->project);
	put_text(out, GRAPH_MARGIN + graph_text_width(g->project, 18, true) + 14, 32, "s", QUIET,
		 buf_str(&words));
}

void graph_svg(struct graph *g, struct buf *out)
{
	struct graph_layout l;

	graph_layout_make(g, &l);
	buf_printf(
		out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"font-family=\"Verdana, 'DejaVu Sans', sans-serif\">\n<title>",
		l.width, l.height, l.width, l.height);
	add_text(out, g->project);
	buf_puts(
		out,
		"</title>\n<style>.h{font-size:18px;font-weight:bold}.n{font-size:14px;font-weight:bold}"
		".s{font-size:11px}.b{font-weight:bold}.i{font-style:italic}</style>\n");
	put_head(g, &l, out);
	put_ports(g, &l, out);
	put_bars(g, &l, out);
	put_wires(g, &l, out);
	put_port_words(g, &l, out);
	for (size_t i = 0; i < g->nodes.n; i++)
		put_box(g, i, &l.boxes[i], out);
	buf_puts(out, "</svg>\n");
	graph_layout_fini(&l);
}

void graph_html(struct graph *g, struct buf *out)
{
	buf_puts(out,
		 "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
	add_text(out, g->project);
	buf_puts(
		out,
		"</title>\n<style>body{margin:0;background:#fbfcfd}svg{display:block;margin:auto;max-width:100%;"
		"height:auto}</style>\n</head>\n<body>\n");
	graph_svg(g, out);
	buf_puts(out, "</body>\n</html>\n");
}
