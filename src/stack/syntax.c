/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syntax: a table from libyaml's complaints to ours. libyaml names the rule that did not hold and
 * the place where it noticed; people want the place of the slip, which often is where the thing
 * began. Called by yaml when the parser gives up.
 */
#include <yaml.h>

#include "stack/encoding.h"
#include "stack/syntax.h"

#define QUOTE_IT    "put the text in quotes"
#define SAME_COLUMN "the keys of one map, and the '-' of one list, begin in the same column"
#define SPACES_ONLY "use spaces"
#define CLOSE_FIRST "close it, or put the text in quotes if the bracket belongs to it"

struct slip {
	const char *text;
	size_t len;
	size_t problem,
		context; /* offsets; the latter is where the thing began in which it happened */
	size_t context_line;
	size_t at; /* the place to be shown */
	const char *hint;
	struct buf say;
};

/* ---- looking at the text --------------------------------------------------------------------- */

static size_t offset_of(const struct slip *s, size_t index)
{
	struct encoding_cursor c = { .text = s->text, .len = s->len };

	encoding_find(&c, index);
	return c.offset;
}

static char byte_at(const struct slip *s, size_t offset)
{
	return offset < s->len ? s->text[offset] : '\0';
}

static size_t line_start(const struct slip *s, size_t offset)
{
	while (offset > 0 && s->text[offset - 1] != '\n')
		offset--;
	return offset;
}

/* Is there nothing but blanks before it in its line? */
static bool begins_line(const struct slip *s, size_t offset)
{
	while (offset > 0 && (s->text[offset - 1] == ' ' || s->text[offset - 1] == '\t'))
		offset--;
	return !offset || s->text[offset - 1] == '\n';
}

static bool is_closed_later(const struct slip *s, char bracket)
{
	return s->problem < s->len && memchr(s->text + s->problem, bracket, s->len - s->problem);
}

/* ---- telling mistakes apart ------------------------------------------------------------------ */

static void say_bad_start(struct slip *s)
{
	char c = byte_at(s, s->problem);

	if (c == '\t') {
		buf_puts(&s->say, "YAML does not allow tabs for indentation");
		s->hint = SPACES_ONLY;
	} else {
		buf_printf(&s->say, "no text begins with '%c'", c);
		s->hint = QUOTE_IT;
	}
}

static void say_second_colon(struct slip *s)
{
	size_t start = line_start(s, s->problem);

	if (memmem(s->text + start, s->problem - start, ": ", 2)) {
		buf_puts(&s->say, "a second ': ' in one line");
		s->hint = "put the value in quotes";
	} else {
		buf_puts(&s->say, "no key can stand here: the line before goes on in this one");
		s->hint = "a ':' lacks in the line before, or this one is indented too far";
	}
}

static void say_no_key(struct slip *s)
{
	char c = byte_at(s, s->problem);
	size_t before = s->problem;

	while (before > 0 && (byte_at(s, before - 1) == ' ' || byte_at(s, before - 1) == '\t'))
		before--;
	if (c == ']' || c == '}') {
		buf_printf(&s->say, "this '%c' closes nothing", c);
	} else if (c == '\t') {
		say_bad_start(s);
	} else if (begins_line(s, s->problem)) {
		buf_puts(&s->say, "indented as no key before it");
		s->hint = SAME_COLUMN;
	} else if (before > 0 && strchr("'\"", byte_at(s, before - 1))) {
		buf_puts(&s->say, "text behind the closing quote");
		s->hint =
			"quote all of the value; inside of 'single quotes' a quote is written twice";
	} else {
		buf_puts(&s->say, "text behind the end of a value");
		s->hint = QUOTE_IT;
	}
}

static void say_no_dash(struct slip *s)
{
	buf_printf(&s->say, "the list that began in line %zu goes on without a '-'",
		   s->context_line);
	s->hint = "indent this line as its entry, or as the key that the list belongs to";
}

static void say_open_bracket(struct slip *s)
{
	bool list = byte_at(s, s->context) == '[';

	if (is_closed_later(s, list ? ']' : '}')) {
		buf_printf(&s->say, "no ',' and no '%c' here, in the %s that began in line %zu",
			   list ? ']' : '}', list ? "list" : "map", s->context_line);
		return;
	}
	buf_printf(&s->say, "the '%c' that stands here is never closed", list ? '[' : '{');
	s->hint = CLOSE_FIRST;
	s->at = s->context;
}

static void say_no_content(struct slip *s)
{
	char c = byte_at(s, s->problem);

	if (!c) {
		buf_puts(&s->say, "the text ends, and a '[' or '{' is not closed");
	} else if (c == ']' || c == '}') {
		buf_printf(&s->say, "this '%c' closes nothing", c);
		s->hint = QUOTE_IT;
	} else if (c == ':') {
		buf_puts(&s->say, "there is no key before this ':'");
	} else {
		buf_puts(&s->say, "a value is missing");
		s->hint = QUOTE_IT;
	}
}

static void say_no_name(struct slip *s)
{
	bool alias = byte_at(s, s->context) == '*';

	buf_printf(&s->say, "'%c' begins %s, and there is no name behind it", alias ? '*' : '&',
		   alias ? "an alias" : "an anchor");
	s->hint = QUOTE_IT;
	s->at = s->context;
}

/* clang-format off */
static const struct row {
	const char *problem, *context;	/* parts of libyaml's texts; context NULL: any */
	void (*judge)(struct slip *s);	/* NULL: the text and the hint that stand here */
	const char *say, *hint;
	bool at_context;		/* the place where it began, not where it was noticed */
} rows[] = {
	{ "cannot start any token", NULL, say_bad_start, NULL, NULL, false },
	{ "found a tab character", NULL, NULL, "YAML does not allow tabs for indentation", SPACES_ONLY, false },
	{ "mapping values are not allowed", NULL, say_second_colon, NULL, NULL, false },
	{ "block sequence entries are not allowed", NULL, NULL, "no list can begin here",
	  "put each '- ' on a line of its own, below the key", false },
	{ "did not find expected key", NULL, say_no_key, NULL, NULL, false },
	{ "did not find expected '-' indicator", NULL, say_no_dash, NULL, NULL, false },
	{ "did not find expected ',' or", NULL, say_open_bracket, NULL, NULL, false },
	{ "did not find expected node content", NULL, say_no_content, NULL, NULL, false },
	{ "could not find expected ':'", NULL, NULL, "no ':' behind this text: neither a key nor an entry of a list",
	  "write 'key: value', or '- entry'", true },
	{ "found unexpected end of stream", "quoted scalar", NULL, "the quote that begins here is never closed", NULL, true },
	{ "found unexpected document indicator", "quoted scalar", NULL, "the quote that begins here is never closed", NULL,
	  true },
	{ "did not find expected alphabetic", NULL, say_no_name, NULL, NULL, false },
	{ "unknown escape character", NULL, NULL, "no escape of \"double quotes\" begins so",
	  "write \\\\ for a backslash, or use single quotes", false },
	{ "hexdecimal number", NULL, NULL, "an escape without its hexadecimal digits",
	  "write \\\\ for a backslash, or use single quotes", false },
	{ "invalid Unicode character escape", NULL, NULL, "an escape that stands for no character", NULL, false },
	{ "comment or line break", "block scalar", NULL, "text behind '|' or '>'", "the text begins on the next line", false },
	{ "undefined tag handle", NULL, NULL, "an unknown tag: it begins with '!'", QUOTE_IT, false },
	{ "", "a tag", NULL, "what begins with '!' is a tag, and this is not a complete one", QUOTE_IT, true },
	{ "expected <document start>", NULL, NULL, "the document has ended, and no '---' begins another", NULL, false },
	{ "unknown directive", NULL, NULL, "a '%' in the first column begins a directive, and of these there are %YAML and %TAG",
	  QUOTE_IT, true },
	{ "", "directive", NULL, "a '%' in the first column begins a directive, and this is not a complete one", QUOTE_IT, true },
	{ "duplicate %", NULL, NULL, "the same directive a second time", NULL, false },
	{ "incompatible YAML document", NULL, NULL, "only YAML 1.1 and 1.2 are read", NULL, false },
};

static const struct { const char *problem, *say, *hint; } bytes[] = {
	{ "control characters", "a control character", NULL },
	{ "UTF-8", "bytes that are not UTF-8", "save the file as UTF-8" },
	{ "Unicode", "a character that Unicode does not have", "save the file as UTF-8" },
};
/* clang-format on */

/* ---- complaining ----------------------------------------------------------------------------- */

static bool holds(const char *text, const char *part)
{
	return !part || (text && strstr(text, part));
}

static void judge(struct slip *s, const char *problem, const char *context)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];

		if (!holds(problem, row->problem) || !holds(context, row->context))
			continue;
		if (row->at_context)
			s->at = s->context;
		if (row->judge) {
			row->judge(s);
		} else {
			buf_puts(&s->say, row->say);
			s->hint = row->hint;
		}
		return;
	}
	buf_puts(&s->say, problem);
}

static void judge_bytes(struct slip *s, const char *problem)
{
	/* A character that is not complete is noticed behind it. */
	while (strstr(problem, "trailing") && s->at > 0 && s->text[s->at - 1] & 0x80)
		if ((s->text[--s->at] & 0xc0) == 0xc0)
			break;
	for (size_t i = 0; i < ARRAY_LEN(bytes); i++)
		if (strstr(problem, bytes[i].problem)) {
			buf_puts(&s->say, bytes[i].say);
			s->hint = bytes[i].hint;
			return;
		}
	buf_puts(&s->say, problem);
}

void syntax_complain(struct stack_diags *diags, uint32_t file, const char *text, size_t len,
		     const struct yaml_parser_s *p)
{
	struct slip s = { .text = text, .len = len };
	const char *problem = p->problem ? p->problem : "";

	if (p->error == YAML_READER_ERROR) {
		s.at = p->problem_offset < len ? p->problem_offset : len;
		judge_bytes(&s, problem);
	} else {
		s.problem = s.at = offset_of(&s, p->problem_mark.index);
		s.context = p->context ? offset_of(&s, p->context_mark.index) : s.problem;
		s.context_line = p->context_mark.line + 1;
		judge(&s, problem, p->context);
	}
	stack_diag_add(diags, STACK_ERROR, encoding_place(file, text, s.at), s.hint, "not YAML: %s",
		       buf_str(&s.say));
	buf_fini(&s.say);
}
