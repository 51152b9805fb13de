/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * graphlayout: see graphlayout.h. Row 0 is above the first bar, row n below the nth; a box stands in one row, and its lines go
 * through the rows between its bars. Everything is a function of the graph: the same stack gives the same picture.
 */
#include "cli/graphlayout.h"

#define SMALL	   11 /* sizes of text */
#define NAME_SIZE  14
#define BOX_MIN	   120
#define COLUMN_GAP 26
#define DROP_GAP   16 /* between the words of a line and the next line */
#define ROW_MIN	   26
#define LANE	   46 /* of a wire */
#define CROWD	   4  /* more boxes on one network than this stand on both sides of it */

struct row {
	int y, h, box_h, above, below;
};

struct work {
	struct graph *g;
	struct graph_layout *l;
	size_t n_rows;
	struct row *rows;
	int *column_w;
	size_t n_columns;
	bool *wired;	      /* by node */
	size_t *first, *last; /* by node: bars; first SIZE_MAX: none */
};

/* ---- measures -------------------------------------------------------------------------------- */

int graph_text_width(const char *text, int size, bool bold)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80; /* not in the middle of a character */
	return n * size * (bold ? 66 : 60) / 100;
}

const char *graph_short(struct graph *g, const char *text)
{
	size_t n = 0, end = 0;

	for (size_t i = 0; text[i]; i++) {
		if (((unsigned char)text[i] & 0xc0) == 0x80)
			continue;
		if (n++ == GRAPH_TEXT_MAX - 1)
			end = i;
	}
	return n <= GRAPH_TEXT_MAX ? text : arena_printf(g->arena, "%.*s…", (int)end, text);
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int lines_width(struct graph *g, const struct graph_lines *lines)
{
	int w = 0;

	for (size_t i = 0; i < lines->n; i++)
		w = larger(w, graph_text_width(graph_short(g, lines->v[i]), SMALL, false));
	return w;
}

static struct graph_lines port_lines(const struct graph_port *p)
{
	return graph_end_lines(&p->end, p->impair, p->state);
}

static int drop_width(struct graph *g, const struct graph_lines *lines)
{
	return lines_width(g, lines) + DROP_GAP;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void look_at_bars(struct work *w)
{
	const struct graph *g = w->g;

	for (size_t i = 0; i < g->nodes.n; i++)
		w->first[i] = SIZE_MAX;
	for (size_t i = 0; i < g->ports.n; i++) {
		size_t node = g->ports.v[i].end.node, net = g->ports.v[i].net;

		if (w->first[node] == SIZE_MAX || net < w->first[node])
			w->first[node] = net;
		if (net > w->last[node])
			w->last[node] = net;
	}
	for (size_t i = 0; i < g->wires.n; i++)
		for (int k = 0; k < 2; k++)
			w->wired[g->wires.v[i].ends[k].node] = true;
}

static bool is_simple(const struct work *w, size_t node)
{
	return w->first[node] != SIZE_MAX && w->first[node] == w->last[node] && !w->wired[node];
}

/* Those on one network alone may stand on either side of it: of many half of all are above. */
static void choose_rows(struct work *w)
{
	size_t bars = w->g->nets.n;

	for (size_t i = 0; i < w->g->nodes.n; i++)
		w->l->boxes[i].row = w->first[i] == SIZE_MAX ? bars : w->first[i] + 1;
	for (size_t net = 0; net < bars; net++) {
		size_t crowd = 0, above = 0;

		for (size_t i = 0; i < w->g->nodes.n; i++)
			crowd += w->first[i] == net;
		for (size_t i = 0; crowd > CROWD && above < crowd / 2 && i < w->g->nodes.n; i++)
			if (w->first[i] == net && is_simple(w, i)) {
				w->l->boxes[i].row = net;
				above++;
			}
	}
}

/* ---- columns --------------------------------------------------------------------------------- */

/* The rows that a box or one of its lines is in. */
static void span(const struct work *w, size_t node, size_t *from, size_t *to)
{
	size_t row = w->l->boxes[node].row;

	*from = row;
	*to = w->first[node] != SIZE_MAX && w->last[node] > row ? w->last[node] : row;
	if (w->wired[node])
		*to = w->n_rows;
}

static bool is_free(const struct work *w, size_t node, size_t column)
{
	size_t from, to, other_from, other_to;

	span(w, node, &from, &to);
	for (size_t i = 0; i < node; i++) {
		if (w->l->boxes[i].column != column)
			continue;
		span(w, i, &other_from, &other_to);
		if (from <= other_to && other_from <= to)
			return false;
	}
	return true;
}

static void choose_columns(struct work *w)
{
	for (size_t i = 0; i < w->g->nodes.n; i++) {
		size_t column = 0;

		while (!is_free(w, i, column))
			column++;
		w->l->boxes[i].column = column;
		if (column >= w->n_columns)
			w->n_columns = column + 1;
	}
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* Does the line leave the box at its top? */
static bool goes_up(const struct work *w, const struct graph_port *p)
{
	return p->net < w->l->boxes[p->end.node].row;
}

static void measure_box(struct work *w, size_t node)
{
	const struct graph_node *n = &w->g->nodes.v[node];
	struct graph_lines lines = graph_node_lines(n);
	struct layout_box *box = &w->l->boxes[node];
	int text = larger(graph_text_width(graph_short(w->g, n->name), NAME_SIZE, true) + 16,
			  lines_width(w->g, &lines));

	box->w = larger(BOX_MIN, text + 2 * GRAPH_PAD + 4);
	box->h = 2 * GRAPH_PAD + GRAPH_NAME + (int)lines.n * GRAPH_LINE - 2;
}

/* A box is as wide as the words of its lines on either side; a row as high as the most lines of words. */
static void measure_drops(struct work *w)
{
	struct graph *g = w->g;
	_cleanup_free_ int *up = xcalloc(g->nodes.n + 1, sizeof(int)), *down = NULL;

	down = xcalloc(g->nodes.n + 1, sizeof(int));
	for (size_t i = 0; i < g->ports.n; i++) {
		const struct graph_port *p = &g->ports.v[i];
		struct graph_lines lines = port_lines(p);
		struct row *row = &w->rows[w->l->boxes[p->end.node].row];
		int *side = goes_up(w, p) ? &up[p->end.node] : &down[p->end.node];
		int *height = goes_up(w, p) ? &row->above : &row->below;

		*side += drop_width(g, &lines);
		*height = larger(*height, (int)lines.n * GRAPH_LINE + 14);
	}
	for (size_t i = 0; i < 2 * g->wires.n; i++) {
		const struct graph_end *e = &g->wires.v[i / 2].ends[i % 2];
		struct graph_lines lines = graph_end_plain(e);
		struct row *row = &w->rows[w->l->boxes[e->node].row];

		down[e->node] += drop_width(g, &lines);
		row->below = larger(row->below, (int)lines.n * GRAPH_LINE + 14);
	}
	for (size_t i = 0; i < g->nodes.n; i++) {
		struct layout_box *box = &w->l->boxes[i];

		box->w = larger(box->w, larger(up[i], down[i]) + 2 * GRAPH_PAD);
		w->rows[box->row].box_h = larger(w->rows[box->row].box_h, box->h);
		w->column_w[box->column] = larger(w->column_w[box->column], box->w);
	}
}

/* ---- places ---------------------------------------------------------------------------------- */

static void place_rows(struct work *w)
{
	int y = GRAPH_HEAD;

	for (size_t i = 0; i < w->n_rows; i++) {
		struct row *row = &w->rows[i];

		if (i)
			w->l->bars[i - 1].y = y, y += GRAPH_BAR;
		row->y = y;
		row->h = row->box_h		  ? row->above + row->box_h + row->below
			 : i && i + 1 < w->n_rows ? ROW_MIN
						  : 0;
		/* Boxes keep off bars even without words in between. */
		if (row->box_h && i && !row->above)
			row->above = ROW_MIN, row->h += ROW_MIN;
		if (row->box_h && i + 1 < w->n_rows && !row->below)
			row->below = ROW_MIN, row->h += ROW_MIN;
		y += row->h;
	}
	w->l->height = y;
}

static void place_boxes(struct work *w)
{
	_cleanup_free_ int *x = xcalloc(w->n_columns + 1, sizeof(int));

	x[0] = GRAPH_MARGIN + 10;
	for (size_t i = 0; i < w->n_columns; i++)
		x[i + 1] = x[i] + w->column_w[i] + COLUMN_GAP;
	w->l->width = x[w->n_columns] - COLUMN_GAP + 10 + GRAPH_MARGIN;
	for (size_t i = 0; i < w->g->nodes.n; i++) {
		struct layout_box *box = &w->l->boxes[i];

		box->x = x[box->column];
		box->w = w->column_w[box->column];
		box->y = w->rows[box->row].y + w->rows[box->row].above;
		/* One that hangs on nothing above is near to what is below. */
		if (w->first[i] == SIZE_MAX ? w->wired[i] : w->first[i] >= box->row)
			box->y += w->rows[box->row].box_h - box->h;
	}
	for (size_t i = 0; i < w->g->nets.n; i++)
		w->l->bars[i].x = GRAPH_MARGIN;
}

/* The next line at a side of a box, as wide as its words. */
static struct layout_drop place_drop(struct work *w, size_t node, int *used,
				     const struct graph_lines *lines, bool up)
{
	const struct layout_box *box = &w->l->boxes[node];
	struct layout_drop d = { .x = box->x + GRAPH_PAD + 4 + *used,
				 .from = up ? box->y : box->y + box->h };

	d.text_y = up ? box->y - (int)lines->n * GRAPH_LINE + 4 : d.from + GRAPH_LINE + 1;
	*used += drop_width(w->g, lines);
	return d;
}

static void place_drops(struct work *w)
{
	struct graph *g = w->g;
	_cleanup_free_ int *up = xcalloc(g->nodes.n + 1, sizeof(int)), *down = NULL;

	down = xcalloc(g->nodes.n + 1, sizeof(int));
	for (size_t i = 0; i < g->ports.n; i++) {
		const struct graph_port *p = &g->ports.v[i];
		struct graph_lines lines = port_lines(p);
		bool rises = goes_up(w, p);
		size_t node = p->end.node;
		const struct layout_bar *bar = &w->l->bars[p->net];

		w->l->drops[i] =
			place_drop(w, node, rises ? &up[node] : &down[node], &lines, rises);
		w->l->drops[i].to = rises ? bar->y + GRAPH_BAR : bar->y;
	}
	for (size_t i = 0; i < 2 * g->wires.n; i++) {
		const struct graph_end *e = &g->wires.v[i / 2].ends[i % 2];
		struct graph_lines lines = graph_end_plain(e);

		w->l->ends[i] = place_drop(w, e->node, &down[e->node], &lines, false);
	}
}

/* ---- wires ----------------------------------------------------------------------------------- */

bool graph_wire_fits(const struct layout_bar *b, const char *words)
{
	return graph_text_width(words, SMALL, false) + 2 * DROP_GAP <= b->w;
}

static int wire_right(struct work *w, size_t wire)
{
	const struct layout_bar *b = &w->l->wires[wire];
	const char *words = graph_wire_words(w->g, &w->g->wires.v[wire]);
	int behind =
		graph_wire_fits(b, words) ? 0 : graph_text_width(words, SMALL, false) + DROP_GAP;

	return b->x + b->w + behind;
}

static bool lane_is_free(struct work *w, size_t wire, size_t lane, const size_t *lanes)
{
	for (size_t i = 0; i < wire; i++)
		if (lanes[i] == lane && w->l->wires[i].x <= wire_right(w, wire) + DROP_GAP &&
		    w->l->wires[wire].x <= wire_right(w, i) + DROP_GAP)
			return false;
	return true;
}

/* Wires that do not meet share a lane. */
static void place_wires(struct work *w)
{
	_cleanup_free_ size_t *lanes = xcalloc(w->g->wires.n + 1, sizeof(*lanes));
	size_t n_lanes = 0;

	for (size_t i = 0; i < w->g->wires.n; i++) {
		int a = w->l->ends[2 * i].x, b = w->l->ends[2 * i + 1].x;

		w->l->wires[i].x = a < b ? a : b;
		w->l->wires[i].w = a < b ? b - a : a - b;
		while (!lane_is_free(w, i, lanes[i], lanes))
			lanes[i]++;
		if (lanes[i] >= n_lanes)
			n_lanes = lanes[i] + 1;
		w->l->wires[i].y = w->l->height + LANE * (int)lanes[i] + LANE - 10;
		w->l->ends[2 * i].to = w->l->ends[2 * i + 1].to = w->l->wires[i].y;
		w->l->width = larger(w->l->width, wire_right(w, i) + GRAPH_MARGIN);
	}
	w->l->height += LANE * (int)n_lanes;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int head_width(const struct graph *g)
{
	int w = graph_text_width(g->project, 18, true) + 300;

	for (size_t i = 0; i < g->nets.n; i++) {
		const struct graph_net *n = &g->nets.v[i];

		w = larger(w, graph_text_width(n->name, NAME_SIZE, true) +
				      graph_text_width(n->subnets, SMALL, false) +
				      graph_text_width(n->note, SMALL, false) + 80);
	}
	return w + 2 * GRAPH_MARGIN;
}

void graph_layout_make(struct graph *g, struct graph_layout *ret)
{
	size_t n = g->nodes.n + 1;
	struct work w = { .g = g, .l = ret, .n_rows = g->nets.n + 1 };

	*ret = (struct graph_layout){
		.boxes = xcalloc(n, sizeof(*ret->boxes)),
		.bars = xcalloc(g->nets.n + 1, sizeof(*ret->bars)),
		.drops = xcalloc(g->ports.n + 1, sizeof(*ret->drops)),
		.wires = xcalloc(g->wires.n + 1, sizeof(*ret->wires)),
		.ends = xcalloc(2 * g->wires.n + 1, sizeof(*ret->ends)),
	};
	w.rows = xcalloc(w.n_rows, sizeof(*w.rows));
	w.column_w = xcalloc(n, sizeof(*w.column_w));
	w.wired = xcalloc(n, sizeof(*w.wired));
	w.first = xcalloc(n, sizeof(*w.first));
	w.last = xcalloc(n, sizeof(*w.last));
	look_at_bars(&w);
	choose_rows(&w);
	choose_columns(&w);
	for (size_t i = 0; i < g->nodes.n; i++)
		measure_box(&w, i);
	measure_drops(&w);
	place_rows(&w);
	place_boxes(&w);
	place_drops(&w);
	place_wires(&w);
	ret->width = larger(ret->width, head_width(g));
	for (size_t i = 0; i < g->nets.n; i++)
		ret->bars[i].w = ret->width - 2 * GRAPH_MARGIN;
	ret->height += GRAPH_MARGIN;
	free(w.rows);
	free(w.column_w);
	free(w.wired);
	free(w.first);
	free(w.last);
}

void graph_layout_fini(struct graph_layout *l)
{
	free(l->boxes);
	free(l->bars);
	free(l->drops);
	free(l->wires);
	free(l->ends);
	*l = (struct graph_layout){ 0 };
}
