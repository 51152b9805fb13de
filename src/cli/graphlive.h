/* SPDX-License-Identifier: GPL-2.0-or-later */
/* graphlive: what a topology is like while the stack runs: states, addresses, cut links, and what goes over the links. */
#ifndef CLI_GRAPHLIVE_H
#define CLI_GRAPHLIVE_H

#include "cli/graph.h"

/* Looks for a moment. 0; 1: the stack is not up; -1: it may not be looked at, and the graph is as the file has it. */
int cli_graph_live(struct graph *g, struct err *err);

#endif
