/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option: reading the command line by the tables of rows. Called once by main. Looks at words and the environment only;
 * what a value means (is there such a file, such a service) is for the commands to say.
 */
#include <ctype.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/env.h"
#include "cli/template.h"

/* No command needs as many; a star in the wrong folder makes more. */
#define WORDS_MAX 4096

struct parser {
	const char *const *words; /* those that are left */
	struct cli_options *o;
	const struct cli_command *command;
	struct err *err;
};

/* ---- finding a row --------------------------------------------------------------------------- */

static const struct cli_option *find_long(const struct cli_option *rows, const char *name,
					  size_t len)
{
	for (; rows && rows->name; rows++)
		if (!strncmp(rows->name, name, len) && !rows->name[len])
			return rows;
	return NULL;
}

static const struct cli_option *find_letter(const struct cli_option *rows, char letter)
{
	for (; rows && rows->name; rows++)
		if (rows->letter == letter)
			return rows;
	return NULL;
}

static const struct cli_option *own_rows(const struct parser *p)
{
	return p->command ? p->command->options : NULL;
}

/* "up: " in front of a complaint; one that comes before the command has none. */
static int complain(const struct parser *p, const char *fmt, ...) MSTACK_PRINTF(2, 3);
static int complain(const struct parser *p, const char *fmt, ...)
{
	char text[sizeof(p->err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!p->command)
		return err_kind(p->err, ERR_USAGE, "%s (see 'mstack help')", text);
	return err_kind(p->err, ERR_USAGE, "%s: %s (see 'mstack help %s')", p->command->name, text,
			p->command->name);
}

static size_t add_names(const struct cli_option *rows, const char **names, size_t n, size_t max)
{
	for (; rows && rows->name && n < max; rows++)
		names[n++] = rows->name;
	return n;
}

/* Both tables are asked at once: the nearest name of all is what was probably meant. */
static int unknown_long(const struct parser *p, const char *name, size_t len)
{
	_cleanup_free_ char *word = xasprintf("%.*s", (int)len, name);
	const char *names[128], *nearest;
	size_t n = add_names(own_rows(p), names, 0, ARRAY_LEN(names));

	n = add_names(cli_global_options, names, n, ARRAY_LEN(names));
	nearest = nearest_name(word, names, n);
	if (nearest)
		return complain(p, "unknown option '--%s': did you mean '--%s'?", word, nearest);
	return complain(p, "unknown option '--%s'", word);
}

/* ---- storing a value ------------------------------------------------------------------------- */

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (const char *s = choices; len && s; s = strchr(s, '|'), s = s ? s + 1 : NULL)
		if (strcspn(s, "|") == len && !strncmp(s, value, len))
			return true;
	return false;
}

static int store_flag(const struct parser *p, const struct cli_option *row, const char *value,
		      bool *target)
{
	if (value && strcmp(value, "true") && strcmp(value, "false"))
		return complain(p, "--%s: '%s' is neither true nor false", row->name, value);
	*target = !value || !strcmp(value, "true");
	return 0;
}

static int store_seconds(const struct parser *p, const struct cli_option *row, const char *value,
			 int64_t *target)
{
	size_t len = strlen(value);

	if (!len || len > 9 || strspn(value, "0123456789") != len)
		return complain(p, "--%s: '%s' is not a number of seconds", row->name, value);
	*target = atoll(value);
	return 0;
}

static int store_fixed(const struct parser *p, const struct cli_option *row, const char *value)
{
	bool flag = true;

	if (store_flag(p, row, value, &flag) < 0)
		return -1;
	if (flag != !strcmp(row->arg, "true"))
		return complain(p, "--%s%s is not supported yet", row->name, flag ? "" : "=false");
	return 0;
}

/* What has no braces is a slip, though docker prints it as it is. */
static int check_format(const struct parser *p, const struct cli_option *row, const char *value)
{
	if (!strcmp(value, "table") || !strcmp(value, "json"))
		return 0;
	if (!strstr(value, "{{"))
		return complain(p, "--%s: '%s' is none of %s (a template has {{.Key}} in it)",
				row->name, value, row->arg);
	return cli_template_check(value, p->err);
}

static int store(const struct parser *p, const struct cli_option *row, const char *value)
{
	void *target = (char *)p->o + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		return store_flag(p, row, value, target);
	case OPTION_SECONDS:
		return store_seconds(p, row, value, target);
	case OPTION_CHOICE:
		if (!is_choice(row->arg, value))
			return complain(p, "--%s: '%s' is none of %s", row->name, value, row->arg);
		*(const char **)target = value;
		return 0;
	case OPTION_FORMAT:
		if (check_format(p, row, value) < 0)
			return -1;
		*(const char **)target = value;
		return 0;
	case OPTION_TEXT:
	case OPTION_MAYBE:
		*(const char **)target = value;
		return 0;
	case OPTION_LIST:
		vec_push((struct cli_words *)target, value);
		return 0;
	case OPTION_FIXED:
		return store_fixed(p, row, value);
	case OPTION_LATER:
		return complain(p, "--%s is not supported yet", row->name);
	}
	return 0;
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool wants_value(const struct cli_option *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_FIXED && row->kind != OPTION_LATER;
}

static bool is_stack_file(const char *word)
{
	const char *dot = strrchr(word, '.');

	return !strcmp(word, "-") || (dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml")));
}

static bool is_left_out(const struct cli_option *row, const char *next)
{
	return row->kind == OPTION_MAYBE && (!next || *next == '-' || is_stack_file(next));
}

/* `value` is what stood in the same word, or NULL: then the next word is it, whatever it looks like. */
static int take_option(struct parser *p, const struct cli_option *row, const char *value)
{
	if (!value && is_left_out(row, *p->words))
		value = "*";
	if (!value && wants_value(row)) {
		if (!*p->words)
			return complain(p, "--%s: %s is missing", row->name, row->arg);
		value = *p->words++;
	}
	return store(p, row, value);
}

static int take_long(struct parser *p, const char *name)
{
	size_t len = strcspn(name, "=");
	const struct cli_option *row = find_long(own_rows(p), name, len);

	if (!row)
		row = find_long(cli_global_options, name, len);
	if (!row)
		return unknown_long(p, name, len);
	return take_option(p, row, name[len] ? name + len + 1 : NULL);
}

/* -dV, -t5, -t=5, -t 5. After a command its own letters come before the global ones. */
static int take_letters(struct parser *p, const char *letters)
{
	for (; *letters; letters++) {
		const struct cli_option *row = find_letter(own_rows(p), *letters);

		if (!row)
			row = find_letter(cli_global_options, *letters);
		if (!row)
			return complain(p, "unknown option '-%c'",
					isprint((unsigned char)*letters) ? *letters : '?');
		if (wants_value(row)) {
			const char *value = letters + 1;

			return take_option(p, row,
					   !*value	   ? NULL
					   : *value == '=' ? value + 1
							   : value);
		}
		if (take_option(p, row, NULL) < 0)
			return -1;
	}
	return 0;
}

static int take_word(struct parser *p, const char *word, bool *first)
{
	bool may_be_file = *first && !(p->command->flags & COMMAND_NO_FILE);

	*first = false;
	if (may_be_file && is_stack_file(word)) {
		vec_push(&p->o->files, word);
		return 0;
	}
	if (p->o->args.n >= p->command->max_args) {
		if (!p->command->max_args && !(p->command->flags & COMMAND_NO_FILE))
			return complain(
				p,
				"'%s' is no stack file (.yaml, .yml or -), and services cannot be named here",
				word);
		return complain(p, "'%s' is one word too many", word);
	}
	vec_push(&p->o->args, word);
	*first = p->command->flags & COMMAND_VERB && p->o->args.n == 1;
	return 0;
}

/*
 * Global options stand on either side of the command, its own behind it only. A command that is not
 * supported yet ends the reading: its options are not known, and to refuse them would be misleading.
 */
static int take_all(struct parser *p)
{
	bool options = true, first = true;

	while (*p->words) {
		const char *word = *p->words++;
		int r;

		if (options && !strcmp(word, "--")) {
			options = false;
			continue;
		}
		if (options && !strncmp(word, "--", 2))
			r = take_long(p, word + 2);
		else if (options && word[0] == '-' && word[1])
			r = take_letters(p, word + 1);
		else if (!p->command)
			r = (p->command = cli_command_find(word, p->err)) ? 0 : -1;
		else
			r = take_word(p, word, &first);
		/* `exec web ls -l`: from SERVICE on the options are those of `ls`. */
		if (p->o->args.n && p->command && p->command->flags & COMMAND_OWN_WORDS)
			options = false;
		if (r < 0)
			return -1;
		if (p->command && !p->command->run)
			return 0;
	}
	return 0;
}

/* ---- environment ----------------------------------------------------------------------------- */

/* After the words, and through the same checks: a wrong value is told by the name of its variable. */
static int take_environment(const struct parser *p)
{
	for (const struct cli_option *row = cli_global_options; row->name; row++) {
		const char *value = row->env ? cli_env(row->env) : NULL;

		if (value && !*(const char **)((char *)p->o + row->offset) &&
		    store(p, row, value) < 0)
			return err_wrap(p->err, "environment %s%s", cli_env_prefix(row->env),
					row->env);
	}
	return 0;
}

int cli_options_parse(const char *const *words, struct cli_options *ret,
		      const struct cli_command **ret_command, struct err *err)
{
	struct cli_options o = {
		.timeout_s = -1, .wait_timeout_s = -1, .duration_s = -1, .interactive = true, .sig_proxy = true
	};
	struct parser p = { .words = words, .o = &o, .err = err };
	size_t n = 0;

	while (words[n])
		n++;
	if (n > WORDS_MAX)
		return err_kind(err, ERR_USAGE, "more than %d words on the command line",
				WORDS_MAX);
	if (take_all(&p) < 0 || take_environment(&p) < 0) {
		cli_options_fini(&o);
		return -1;
	}
	*ret = o;
	*ret_command = p.command;
	return 0;
}

void cli_options_fini(struct cli_options *o)
{
	vec_fini(&o->files);
	vec_fini(&o->env_files);
	vec_fini(&o->profiles);
	vec_fini(&o->status);
	vec_fini(&o->attach);
	vec_fini(&o->no_attach);
	vec_fini(&o->only);
	vec_fini(&o->env);
	vec_fini(&o->env_from_file);
	vec_fini(&o->binds);
	vec_fini(&o->tmpfs);
	vec_fini(&o->publish);
	vec_fini(&o->labels);
	vec_fini(&o->cap_add);
	vec_fini(&o->cap_drop);
	vec_fini(&o->devices);
	vec_fini(&o->scale);
	vec_fini(&o->filters);
	vec_fini(&o->args);
}
