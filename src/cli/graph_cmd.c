/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * graph: `mstack graph`, the topology of the stack as the file has it; when it runs, with what can be seen of it. Needs no rights for
 * the first.
 */
#include <errno.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/graphlive.h"
#include "cli/outfile.h"
#include "cli/project.h"

static const struct form {
	const char *name,
		*suffixes[3]; /* of files that are of this form when nothing else is said */
	void (*make)(struct graph *g, struct buf *out);
} forms[] = {
	{ "text", { ".txt" }, graph_text },	     { "dot", { ".dot", ".gv" }, graph_dot },
	{ "mermaid", { ".mmd" }, graph_mermaid },    { "svg", { ".svg" }, graph_svg },
	{ "html", { ".html", ".htm" }, graph_html },
};

static bool ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), n = strlen(suffix);

	return len > n && !strcmp(text + len - n, suffix);
}

/* NULL: the file's name ends like that of another program's, and nothing else says what it is to be. */
static const struct form *form_of(const struct cli_options *o)
{
	const char *slash = o->output ? strrchr(o->output, '/') : NULL;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (o->format && !strcmp(o->format, forms[i].name))
			return &forms[i];
		for (size_t k = 0; !o->format && o->output && k < ARRAY_LEN(forms[i].suffixes); k++)
			if (forms[i].suffixes[k] && ends_with(o->output, forms[i].suffixes[k]))
				return &forms[i];
	}
	return !o->format && o->output && strchr(slash ? slash : o->output, '.') ? NULL : &forms[0];
}

/* What people wrote may hold what a terminal would obey. */
static int print(const struct cli_term *t, const struct buf *text, struct err *err)
{
	_cleanup_(buf_fini) struct buf safe = { 0 };
	const struct buf *shown = text;

	if (t->out_tty) {
		for (const char *line = buf_str(text); *line; line += *line == '\n') {
			size_t len = strcspn(line, "\n");

			cli_harmless(line, len, false, &safe);
			buf_putc(&safe, '\n');
			line += len;
		}
		shown = &safe;
	}
	return fd_write_all(STDOUT_FILENO, buf_str(shown), shown->len) < 0
		       ? err_sys(err, errno, "write to standard output")
		       : 0;
}

/* A stack of somebody else is drawn as its file has it. */
static void look(struct graph *g, struct cli_term *t)
{
	_cleanup_free_ char *text = NULL;
	struct err err = { 0 };

	if (cli_graph_live(g, &err) >= 0)
		return;
	text = xasprintf("drawn as the file has it, without states: %s", err.text);
	cli_say(t, SUP_NOTE, NULL, text);
}

int cli_graph(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project project = { 0 };
	_cleanup_(buf_fini) struct buf out = { 0 };
	struct cli_term t = cli_term_get(o);
	struct cli_load how = { .services = &o->args };
	const struct form *form = form_of(o);
	struct graph *g;

	if (!form)
		return err_kind(
			err, ERR_USAGE,
			"graph: --output: '%s' ends like none of .txt .dot .gv .mmd .svg .html .htm: name it so, or say its form by --format",
			o->output);
	if (cli_project_load(o, &how, &project, err) < 0)
		return -1;
	cli_diags_print(project.diags, &t);
	g = graph_new(project.stack);
	look(g, &t);
	form->make(g, &out);
	graph_free(g);
	return o->output ? cli_write_file("graph", project.stack, o->output, &out, err)
			 : print(&t, &out, err);
}
