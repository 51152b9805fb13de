/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * help: `mstack help`, `--help` and `version`, printed from the tables of commands and options.
 */
#include <stdio.h>

#include "cli/command.h"
#include "mstack/stack.h"

/* No look at the terminal: help is piped into pagers and pasted into tickets. */
#define WIDTH 96

static void print_option(const struct cli_option *row)
{
	char letter[4] = "", *left;

	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c,", row->letter);
	left = xasprintf("  %3s --%s%s%s", letter, row->name,
			 !row->arg		     ? ""
			 : row->kind == OPTION_FIXED ? "="
						     : " ",
			 row->arg ? row->arg : "");
	if (strlen(left) > 33)
		printf("%s\n%-34s %s\n", left, "", row->help);
	else
		printf("%-34s %s\n", left, row->help);
	free(left);
}

static void print_options(const char *head, const struct cli_option *rows)
{
	bool any = false;

	for (; rows->name; rows++) {
		if (rows->kind == OPTION_LATER)
			continue;
		if (!any)
			printf("\n%s\n", head);
		any = true;
		print_option(rows);
	}
}

/* Words in lines of at most WIDTH, behind an indent of two. */
struct filled {
	size_t column;
	bool any;
};

static void print_word(struct filled *f, const char *head, const char *dashes, const char *word)
{
	size_t len = strlen(dashes) + strlen(word) + 1;

	if (!f->any)
		printf("\n%s\n ", head);
	if (f->any && f->column + len > WIDTH) {
		printf("\n ");
		f->column = 0;
	}
	printf(" %s%s", dashes, word);
	f->column += len;
	f->any = true;
}

/*
 * What is not supported yet is named as well: who looks for an option of compose learns in one place
 * whether to go on looking.
 */
static void print_command(const struct cli_command *c)
{
	struct filled later = { 0 };

	printf("Usage: mstack %s [OPTIONS]%s%s\n\n%c%s.\n", c->name, *c->args ? " " : "", c->args,
	       c->summary[0] - 'a' + 'A', c->summary + 1);
	if (!c->run) {
		printf("\nThis command is not supported yet.\n");
		return;
	}
	if (c->text)
		printf("\n%s", c->text);
	print_options("Options:", c->options);
	for (const struct cli_option *row = c->options; row->name; row++)
		if (row->kind == OPTION_LATER)
			print_word(&later, "Not supported yet:", "--", row->name);
	printf("%s\nGlobal options: see 'mstack help'.\n", later.any ? "\n" : "");
}

static void print_all(void)
{
	struct filled later = { 0 };

	printf("Usage: mstack [GLOBAL OPTIONS] COMMAND [OPTIONS] [FILE] [ARGUMENTS]\n\n"
	       "Runs the services of a compose file as containers on this host, and removes every trace of them at\n"
	       "the end. No daemon: 'up' is the supervisor.\n"
	       "\nCommands:\n");
	for (const struct cli_command *c = cli_commands; c->name; c++)
		if (c->run)
			printf("  %-10s %s\n", c->name, c->summary);
	for (const struct cli_command *c = cli_commands; c->name; c++)
		if (!c->run)
			print_word(&later, "Not supported yet:", "", c->name);
	putchar('\n');
	print_options("Global options (the long forms also behind the command):",
		      cli_global_options);
	printf("\nThe stack file:\n"
	       "  -f FILE, or FILE as the first word behind the command when it ends in .yaml or .yml or is -;\n"
	       "  else $MSTACK_FILE, $COMPOSE_FILE; else the first of stack.yaml stack.yml mstack.yaml compose.yaml\n"
	       "  compose.yml docker-compose.yml docker-compose.yaml in this folder or the nearest parent, and its\n"
	       "  override (compose.override.yaml and the like) beside it. Several files are merged in their order.\n"
	       "  down, ps and logs need no file when -p NAME is given.\n"
	       "\nEnvironment (COMPOSE_... is honoured too; MSTACK_... wins):\n"
	       "  MSTACK_FILE (several: a:b), MSTACK_PROJECT_NAME, MSTACK_PROFILES (a,b), MSTACK_ENV_FILES (a,b),\n"
	       "  MSTACK_DISABLE_ENV_FILE (no .env), MSTACK_ANSI, MSTACK_PROGRESS\n"
	       "  MSTACK_RUN_DIR (/run/mstack), MSTACK_DATA_DIR (/var/lib/mstack); of an ordinary user\n"
	       "  $XDG_RUNTIME_DIR/mstack and $XDG_DATA_HOME/mstack (~/.local/share/mstack)\n"
	       "  MSTACK_ID_POOL (1879048192:268304384, ids of the containers), NO_COLOR, CLICOLOR_FORCE,\n"
	       "  MSTACK_PULL_TIMEOUT (60, seconds of silence), SSL_CERT_FILE, DOCKER_CONFIG, HTTPS_PROXY, NO_PROXY\n"
	       "\nExit codes:\n"
	       "  0 ok   1 failure   2 wrong usage   3 the stack file is wrong   4 a service failed or is unhealthy\n"
	       "  5 time-out   6 leftovers   10 something to pull ('pull --check') or to change ('plan --exit-code')\n"
	       "  125 container not created   126 command not executable   127 command not found\n"
	       "  128+N ended by signal N\n"
	       "\nmstack help COMMAND tells more; mstack help keys lists what can stand in a stack file.\n");
}

void cli_help_print(const struct cli_command *command)
{
	if (command)
		print_command(command);
	else
		print_all();
}

/* PATH, a tab and a note, in each line. */
static void print_key_lines(char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');

		if (tab)
			*tab++ = '\0';
		if (tab)
			printf("  %-58s %s\n", line, tab);
		else
			printf("  %s\n", line);
	}
}

/* The three lists of the manual: no key of the format stands in none of them. */
static void print_keys(void)
{
	static const struct {
		const char *head, *what;
	} lists[] = {
		[STACK_DONE] = { "Done",
				 "have their meaning when the stack runs; where a note stands "
				 "behind a key, only so far" },
		[STACK_ACCEPTED] = { "\nAccepted", "have no effect here, and one warning says so" },
		[STACK_REFUSED] = { "\nRefused",
				    "would change what runs: 'up' says what to do instead" },
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const enum stack_verdict verdict = (enum stack_verdict)i;
		struct buf b = { 0 };

		printf("%s: %zu keys %s.\n\n", lists[i].head, stack_keys_count(verdict),
		       lists[i].what);
		stack_keys_list(verdict, &b);
		if (b.data)
			print_key_lines(b.data);
		buf_fini(&b);
	}
}

int cli_help(const struct cli_options *o, struct err *err)
{
	const struct cli_command *c = NULL;

	if (o->args.n && (!strcmp(o->args.v[0], "keys") || !strcmp(o->args.v[0], "stack-file"))) {
		print_keys();
		return 0;
	}
	if (o->args.n) {
		c = cli_command_find(o->args.v[0], err);
		if (!c)
			return -1;
	}
	cli_help_print(c);
	return 0;
}

int cli_version(const struct cli_options *o, struct err *err)
{
	(void)err;
	if (o->shorter)
		puts(MSTACK_VERSION);
	else if (o->format && !strcmp(o->format, "json"))
		printf("{\"version\":\"%s\"}\n", MSTACK_VERSION);
	else
		printf("mstack version %s\n", MSTACK_VERSION);
	return 0;
}
