/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * term: colours and progress. Called by the commands and, through sup_hooks, by the foreground supervisor. Never waits for
 * an answer of the terminal and never moves its cursor: what is printed stays readable in any log.
 */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/term.h"

/* --ansi says it; else NO_COLOR (no-color.org), CLICOLOR_FORCE (bixense.com/clicolors), the terminal. */
static bool want_colour(const char *ansi, bool tty)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR"),
		   *force = getenv("CLICOLOR_FORCE");

	if (ansi && strcmp(ansi, "auto"))
		return !strcmp(ansi, "always");
	if (no && *no)
		return false;
	if (force && *force && strcmp(force, "0"))
		return true;
	return tty && term && *term && strcmp(term, "dumb");
}

static enum cli_progress progress_of(const char *word, bool tty)
{
	static const struct {
		const char *word;
		enum cli_progress progress;
	} rows[] = {
		{ "tty", PROGRESS_TTY },
		{ "plain", PROGRESS_PLAIN },
		{ "json", PROGRESS_JSON },
		{ "quiet", PROGRESS_QUIET },
	};

	for (size_t i = 0; word && i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].word, word))
			return rows[i].progress;
	return tty ? PROGRESS_TTY : PROGRESS_PLAIN;
}

struct cli_term cli_term_get(const struct cli_options *o)
{
	bool out_tty = isatty(STDOUT_FILENO), err_tty = isatty(STDERR_FILENO);

	return (struct cli_term){
		.out_tty = out_tty,
		.out_colour = want_colour(o->ansi, out_tty),
		.err_colour = want_colour(o->ansi, err_tty),
		.progress = progress_of(o->progress, err_tty),
	};
}

/* ---- progress -------------------------------------------------------------------------------- */

struct say_style {
	const char *word, *mark, *colour;
};

static void add_json(struct buf *b, const char *word, const char *slot, const char *text)
{
	json_t *o = json_pack("{s:s, s:s*, s:s}", "level", word, "id", slot, "text", text);
	char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (line)
		buf_puts(b, line);
	free(line);
	json_decref(o);
}

/* `[+] web-1 started` on a terminal; else `web-1 started`, and `warning: web-1 ...`. */
static void add_text(struct buf *b, const struct cli_term *t, const struct say_style *style,
		     bool serious, const char *slot, const char *text)
{
	bool tty = t->progress == PROGRESS_TTY;

	if (tty && t->err_colour)
		buf_printf(b, "\033[%sm%s\033[0m ", style->colour, style->mark);
	else if (tty)
		buf_printf(b, "%s ", style->mark);
	else if (serious)
		buf_printf(b, "%s: ", style->word);
	if (slot)
		buf_printf(b, "%s ", slot);
	cli_harmless(text, strlen(text), false, b);
}

void cli_say_add(const struct cli_term *t, enum sup_say kind, const char *slot, const char *text,
		 struct buf *out)
{
	static const struct say_style styles[] = {
		[SUP_PROGRESS] = { "progress", "[+]", "32" },
		[SUP_NOTE] = { "note", "[i]", "36" },
		[SUP_WARNING] = { "warning", "[!]", "33" },
		[SUP_ERROR] = { "error", "[x]", "31" },
	};
	bool serious = kind == SUP_WARNING || kind == SUP_ERROR;

	if (t->progress == PROGRESS_QUIET && !serious)
		return;
	if (t->progress == PROGRESS_JSON)
		add_json(out, styles[kind].word, slot, text);
	else
		add_text(out, t, &styles[kind], serious, slot, text);
	buf_putc(out, '\n');
}

void cli_say(void *term, enum sup_say kind, const char *slot, const char *text)
{
	struct buf b = { 0 };

	cli_say_add(term, kind, slot, text, &b);
	fputs(buf_str(&b), stderr);
	buf_fini(&b);
}

int cli_told(struct err *err, enum err_kind kind)
{
	*err = (struct err){ .kind = kind };
	return -1;
}
