/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form: from what a user may write to the one canonical form, along the tables of keys; and the forms of single values that
 * many keys share. A form checks its node, complains, and returns a node of the canonical tree: NULL when there is nothing
 * to keep. Forms make new nodes (node_copy and the like) and never change the one that they are given, which may stand in
 * several places of the tree. The place of a new node is that of the text that it came from.
 */
#ifndef STACK_FORM_H
#define STACK_FORM_H

#include "stack/reader.h"

#define FORM(name) struct node *name(struct reader *r, const struct where *w, const struct node *n)

enum verdict {
	KEY_DONE,   /* has its meaning when the stack runs */
	KEY_WARN,   /* only describes, or has no effect: one warning says what it would have done */
	KEY_REFUSE, /* would change what runs: not supported yet */
};

/* How the value of a later file joins that of an earlier one (compose specification, chapter 13). */
enum merge_rule {
	MERGE_DEFAULT, /* maps by key, lists appended, scalars replaced */
	MERGE_REPLACE, /* replaced as a whole: command */
	MERGE_SET, /* lists (or one string) appended, equal entries kept once; the part before `=` decides */
	MERGE_PAIRS,   /* NAME=VALUE as list or map: by name */
	MERGE_NAMES,   /* a list of names or a map of them: by name */
	MERGE_DEPENDS, /* the same, a name alone is {service_started, required} */
	MERGE_HOSTS,   /* extra_hosts: list or map, appended */
	MERGE_BUILD,   /* a string is {context} */
	MERGE_LOGGING, /* replaced unless the drivers are the same */
	MERGE_VALUES,  /* maps by key, each value replaced as a whole: ulimits */
	MERGE_BY, /* lists of maps (or of one string): by the entry `by` of each, the later one takes the place */
	MERGE_JOIN, /* the same, but maps are joined: ipam.config */
};

struct key_table;

struct key {
	const char *name;
	unsigned kinds; /* enum node_kind, or-ed */
	enum verdict verdict;
	const char *
		note; /* WARN: the effect; REFUSE: what to do instead; DONE: for which values only. May be NULL */
	enum merge_rule merge;
	const char *by; /* MERGE_BY */
	struct node *(*form)(struct reader *r, const struct where *w, const struct node *n);
	const struct key_table *
		below; /* of a map; with a form: what that form reads, for merging and for the manual */
};

struct key_table {
	const struct key *keys;
	size_t n;
	const struct key
		*any; /* not NULL: the user chooses the keys, or others than those of the table */
};

const struct key *key_find(const struct key_table *table, const char *name);

/*
 * A map along its table: unknown keys and wrong kinds are errors, verdicts are told, values get their forms. Known keys come
 * in the table's order, chosen ones in the file's; `x-` keys of others stay as they are, behind.
 */
struct node *form_map(struct reader *r, const struct where *w, const struct node *map,
		      const struct key_table *table);
/* A list of maps, each along the table. */
struct node *form_maps(struct reader *r, const struct where *w, const struct node *list,
		       const struct key_table *table);
/* "did you mean 'x'?" when a key of the map is near, else NULL. */
const char *form_suggest(struct reader *r, const char *text, const struct node *map);
/* False, with an error at the map, when it lacks this key. */
bool form_has(struct reader *r, const struct where *w, const struct node *map, const char *name);
/* One value as its row says. */
struct node *form_value(struct reader *r, const struct where *w, const struct key *key,
			const struct node *n);

/* ---- single values --------------------------------------------------------------------------- */

FORM(form_keep);	 /* as it is, all below included */
FORM(form_string);	 /* a string that is not empty */
FORM(form_text);	 /* a string; numbers and truth values become one as they are written */
FORM(form_bool);	 /* number: 0 or 1 */
FORM(form_int);		 /* decimal; number: the value */
FORM(form_count);	 /* the same, not negative */
FORM(form_number);	 /* a decimal with a fraction, not negative; number: thousandths */
FORM(form_bytes);	 /* a string of bytes, not negative; number: the value */
FORM(form_bytes_or_all); /* the same, or -1 */
/* The cure for a duration that is a bare number; NULL: it is none. */
const char *form_with_unit(struct reader *r, const struct node *n);
FORM(form_duration);	 /* a string as Go prints it; number: ns */
FORM(form_path);	 /* an absolute path on the host, from the folder of its file; ~ is HOME */
FORM(form_strings);	 /* a list of strings, or one string as a list */
FORM(form_set);		 /* the same, each once */
FORM(form_words); /* a list of words; a string is split as a shell does it. Empty stays null */
FORM(form_pairs); /* a map of strings, from a map or a list of a=b; a name without a value is "" */
FORM(form_variables); /* the same, but a name without a value stays null */

/* The string, if it is one of these words; an error that lists them, with a hint, otherwise. */
struct node *form_word(struct reader *r, const struct where *w, const struct node *n,
		       const char *const *words, size_t count);

bool text_is_one_of(const char *text, const char *const *words, size_t n);
/* Decimal, 0x, 0o, 0b, 0777, with a sign and underscores, as YAML numbers are. 0 or -1. */
int text_parse_int(const char *s, int64_t *ret);
/* A path with `.`, `..` and double slashes resolved by its text alone; relative ones below `dir`. */
char *path_clean(struct arena *arena, const char *dir, const char *path);
/* The same for an absolute path, in its place. "" becomes "/" and needs the room for it. */
void path_squeeze(char *path);
/* A string that is a part of the text of `n`, or stands for it. It is kept as it is given, so it lives in the arena. */
struct node *form_part(struct reader *r, const struct node *n, const char *text);

#endif
