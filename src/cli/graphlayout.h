/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * graphlayout: where things are in the picture of a topology. Networks are bars from left to right, one below the other. A service
 * is a box under the first of its networks, from which upright lines go to its bars, behind those in between; wires are short bars
 * below all others. Boxes whose lines would cross stand in columns of their own, so no line ever runs through a box.
 */
#ifndef CLI_GRAPHLAYOUT_H
#define CLI_GRAPHLAYOUT_H

#include "cli/graph.h"

/* Pixels; heights of lines of text. */
enum {
	GRAPH_MARGIN = 28,
	GRAPH_HEAD = 52,
	GRAPH_BAR = 30,
	GRAPH_LINE = 15,
	GRAPH_NAME = 20,
	GRAPH_PAD = 10
};

struct layout_box {
	int x, y, w, h;
	size_t row, column;
};
/* An upright line from a box, with its words right of it. */
struct layout_drop {
	int x, from, to, text_y;
};
struct layout_bar {
	int x, y, w;
};

struct graph_layout {
	int width, height;
	struct layout_box *boxes;  /* by node */
	struct layout_bar *bars;   /* by network */
	struct layout_drop *drops; /* by port */
	struct layout_bar *wires; /* by wire: from its left end to its right one; y is its middle */
	struct layout_drop *ends; /* two for each wire */
};

void graph_layout_make(struct graph *g, struct graph_layout *ret);
void graph_layout_fini(struct graph_layout *l);
/* How wide a text is, more or less: fonts differ. `size` in pixels. */
int graph_text_width(const char *text, int size, bool bold);
/* Have the words of a wire room over it? Else they stand right of it. */
bool graph_wire_fits(const struct layout_bar *b, const char *words);
/* The text, or its beginning with an ellipsis, as it is drawn. */
const char *graph_short(struct graph *g, const char *text);

#endif
