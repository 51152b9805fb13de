/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_tmpfs: the key `tmpfs`, PATH[:OPTIONS], stays a list of texts, each known to be right and of
 * a path of its own. crosscheck and model read the texts again by tmpfs_parse, so that there is no
 * second form of them that `config` would have to hide.
 */
#include "stack/attributes.h"
#include "stack/form_mount.h"
#include "stack/targets.h"

#define TMPFS_MAX 1000
#define MODE_MAX  07777

/* ---- the grammar ----------------------------------------------------------------------------- */

/* The options are never cut out of the text: `unbuilt` and `bad` point into it. */
static bool is_word(const char *s, size_t len, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (len == strlen(words[i]) && !strncmp(s, words[i], len))
			return true;
	return false;
}

/* A share of the memory, like 50%, is right for the kernel; we want to know how much that is. */
static bool parse_size(const char *s, size_t len, struct tmpfs_wish *ret)
{
	char text[32];

	if (!len || len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	if (text[len - 1] == '%') {
		text[len - 1] = '\0';
		if (!ret->unbuilt)
			ret->unbuilt = s - strlen("size=");
		return strspn(text, "0123456789") == len - 1 && len > 1;
	}
	return !size_parse(text, &ret->size) && ret->size >= 0;
}

/* Octal, as mount(8) has it: `mode=700` is not seven hundred. */
static bool parse_mode(const char *s, size_t len, struct tmpfs_wish *ret)
{
	ret->mode = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '7' || ret->mode > MODE_MAX / 8)
			return false;
		ret->mode = ret->mode * 8 + (uint32_t)(s[i] - '0');
	}
	return len > 0;
}

/*
 * Every tmpfs of a container is nosuid, nodev and noexec, so saying that changes nothing. What
 * docker would pass on is told apart from what it would refuse: the one can come, the other cannot.
 */
static bool parse_option(const char *s, size_t len, struct tmpfs_wish *ret)
{
	static const char *const always[] = { "nosuid", "nodev", "noexec", "private", "rprivate" };
	static const char *const unbuilt[] = {
		"exec",	       "suid",	     "dev",	    "async",	     "sync",
		"dirsync",     "remount",    "mand",	    "nomand",	     "atime",
		"noatime",     "diratime",   "bind",	    "rbind",	     "unbindable",
		"runbindable", "shared",     "rshared",	    "slave",	     "rslave",
		"relatime",    "norelatime", "strictatime", "nostrictatime", "defaults",
		"nodiratime",
	};
	static const char *const values[] = { "uid=", "gid=", "nr_inodes=", "nr_blocks=", "mpol=" };

	if ((len == 2 && !strncmp(s, "ro", 2)) || (len == 2 && !strncmp(s, "rw", 2)))
		ret->read_only = s[1] == 'o';
	else if (len >= 5 && !strncmp(s, "size=", 5))
		return parse_size(s + 5, len - 5, ret);
	else if (len >= 5 && !strncmp(s, "mode=", 5))
		return parse_mode(s + 5, len - 5, ret);
	else if (!is_word(s, len, always, ARRAY_LEN(always))) {
		const char *eq = memchr(s, '=', len);
		bool known = eq ? is_word(s, (size_t)(eq - s) + 1, values, ARRAY_LEN(values))
				: is_word(s, len, unbuilt, ARRAY_LEN(unbuilt));

		if (!ret->unbuilt)
			ret->unbuilt = s;
		return known;
	}
	return true;
}

/* No arena and no complaints: it runs once here, and again where the wish is carried out. */
bool tmpfs_parse(const char *text, struct tmpfs_wish *ret)
{
	size_t len = strcspn(text, ":");
	const char *s = text + len;

	/* Not the whole struct: crosscheck asks often, and the target is long. */
	ret->target[0] = '\0';
	ret->size = 0;
	ret->mode = 0;
	ret->read_only = false;
	ret->unbuilt = NULL;
	ret->bad = text;
	if (*text != '/' || len >= sizeof(ret->target))
		return false;
	memcpy(ret->target, text, len);
	ret->target[len] = '\0';
	path_squeeze(ret->target);
	for (; *s; s += len) {
		s++;
		len = strcspn(s, ",");
		ret->bad = s;
		if (len && !parse_option(s, len, ret))
			return false;
	}
	ret->bad = NULL;
	return true;
}

/* ---- the form -------------------------------------------------------------------------------- */

/*
 * Why tmpfs_parse stopped: at the target, at a value, or at a word. One error for an entry: what
 * follows a wrong word is often only a part of it.
 */
static void complain(struct reader *r, const struct where *w, const struct node *n,
		     const struct tmpfs_wish *wish)
{
	int len = (int)strcspn(wish->bad, ",");

	if (wish->bad == n->text && *n->text == '/')
		reader_error(r, w, n->pos, NULL, "a path of more than %d characters", PATH_MAX);
	else if (wish->bad == n->text)
		target_form(r, w, n, n->text);
	else if (!strncmp(wish->bad, "size=", 5))
		reader_error(r, w, n->pos, NULL, "'%.*s' is not a size; write like size=64m",
			     len < 40 ? len : 40, wish->bad);
	else if (!strncmp(wish->bad, "mode=", 5))
		reader_error(r, w, n->pos, NULL, "the mode of a tmpfs goes from 0 to 07777");
	else
		reader_error(r, w, n->pos, NULL,
			     "option '%.*s' is unknown; known are size=, mode=, ro and rw",
			     len < 40 ? len : 40, wish->bad);
}

/* What cannot be done yet is kept, so that `config` prints it; what is wrong is left out. */
static void add_tmpfs(struct reader *r, const struct where *w, const struct node *n,
		      struct targets *list)
{
	const struct node *old;
	struct tmpfs_wish wish;

	if (!tmpfs_parse(n->text, &wish)) {
		complain(r, w, n, &wish);
		return;
	}
	if (!target_form(r, w, n, wish.target))
		return;
	if (wish.unbuilt)
		reader_refuse(r, w, n->pos, "known are size=, mode=, ro and rw", "option '%.*s'",
			      (int)strcspn(wish.unbuilt, ","), wish.unbuilt);
	old = targets_put(list, arena_strdup(r->arena, wish.target), form_text(r, w, n));
	if (old)
		targets_warn(r, w, wish.target, old, n);
}

/* Each entry costs crosscheck a look at every volume, hence the limit. */
FORM(form_tmpfs)
{
	struct targets list = { 0 };

	if (n->kind != NODE_LIST)
		add_tmpfs(r, w, n, &list);
	else if (n->n > TMPFS_MAX)
		reader_error(r, w, n->pos, NULL, "more than %d mounts in a service", TMPFS_MAX);
	for (size_t i = 0; n->kind == NODE_LIST && i < n->n && i < TMPFS_MAX; i++) {
		const struct where here = { w, NULL, i, { 0 } };

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING))
			add_tmpfs(r, &here, n->items[i], &list);
	}
	return targets_done(r, n->pos, &list);
}
