/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reader: complaints with the path of the node in words, and the files of a load with what they
 * belong to. Called by all steps that look at trees.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "stack/reader.h"

#define SUGGESTIONS_MAX 100
#define DEEPEST		16 /* levels of a path that are shown; compose has no more */

/* A warning or a refusal that waits for reader_flush. */
struct remark {
	const char *section, *name; /* what it is about; NULL: the file as a whole */
	const void *once;
	enum stack_severity severity;
	struct stack_pos pos;
	const char *text, *hint; /* in the arena */
};

void reader_init(struct reader *r, struct arena *arena, struct stack_diags *diags,
		 const char *const *env)
{
	*r = (struct reader){ .arena = arena, .diags = diags };
	vars_common_init(&r->common, arena, diags, env);
}

void reader_fini(struct reader *r)
{
	vars_common_fini(&r->common);
	vec_fini(&r->files);
	vec_fini(&r->contexts);
	for (size_t i = 0; i < r->included.n; i++)
		vars_fini(r->included.v[i]);
	vec_fini(&r->included);
	vec_fini(&r->extended);
	strmap_fini(&r->extended_index);
	vec_fini(&r->remarks);
	vec_fini(&r->assets);
	strmap_fini(&r->file_index);
	buf_fini(&r->place);
}

/* ---- complaints ------------------------------------------------------------------------------ */

/*
 * The first two steps name the thing ("service 'web': "), the others are written as a path
 * ("ports[1].target: ").
 */
void where_text(struct buf *b, const struct where *w)
{
	static const struct {
		const char *section, *noun;
	} nouns[] = {
		{ "services", "service" }, { "networks", "network" }, { "volumes", "volume" },
		{ "secrets", "secret" },   { "configs", "config" },
	};
	const struct where *steps[DEEPEST];
	size_t n = 0, i = 0;

	for (; w && n < DEEPEST; w = w->up)
		steps[n++] = w;
	for (size_t k = 0; n >= 2 && k < ARRAY_LEN(nouns); k++)
		if (steps[n - 1]->key && steps[n - 2]->key &&
		    !strcmp(steps[n - 1]->key, nouns[k].section)) {
			buf_printf(b, "%s '%.64s': ", nouns[k].noun, steps[n - 2]->key);
			i = 2;
			break;
		}
	if (i == n)
		return;
	for (size_t first = i; i < n; i++) {
		const struct where *step = steps[n - 1 - i];

		if (step->key)
			buf_printf(b, "%s%.64s", i > first ? "." : "", step->key);
		else
			buf_printf(b, "[%zu]", step->index);
	}
	buf_puts(b, ": ");
}

/* What a complaint begins with: the way to the node, or the label that stands for its line. */
static void put_place(const struct reader *r, const struct where *w, struct stack_pos pos,
		      struct buf *b)
{
	const char *label = diags_label(r->diags, pos);

	if (label)
		buf_printf(b, "%s: ", label);
	else
		where_text(b, w);
}

void reader_error(struct reader *r, const struct where *w, struct stack_pos pos, const char *hint,
		  const char *fmt, ...)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	va_list ap;

	put_place(r, w, pos, &text);
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	stack_diag_add(r->diags, STACK_ERROR, pos, hint, "%s", buf_str(&text));
}

/* What a place in the tree belongs to, by its section and name: NULL in what belongs to nothing. */
static void find_owner(const struct where *w, const char **ret_section, const char **ret_name)
{
	static const char *const sections[] = { "services", "networks", "volumes", "configs",
						"secrets" };
	const struct where *below = NULL;

	for (; w && w->up; w = w->up)
		below = w;
	for (size_t i = 0; w && w->key && below && below->key && i < ARRAY_LEN(sections); i++)
		if (!strcmp(w->key, sections[i])) {
			*ret_section = w->key;
			*ret_name = below->key;
		}
}

static void vremark(struct reader *r, const void *once, enum stack_severity severity,
		    const struct where *w, struct stack_pos pos, const char *hint, const char *tail,
		    const char *fmt, va_list ap)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	size_t len;
	struct remark remark = { .once = once, .severity = severity, .pos = pos };

	find_owner(w, &remark.section, &remark.name);
	put_place(r, w, pos, &text);
	len = text.len;
	buf_vprintf(&text, fmt, ap);
	if (*tail)
		buf_printf(&text, "%s%s", text.len > len ? ": " : "", tail);
	remark.text = arena_strdup(r->arena, buf_str(&text));
	remark.hint = hint ? arena_strdup(r->arena, hint) : NULL;
	vec_push(&r->remarks, remark);
}

void reader_warn(struct reader *r, const struct where *w, struct stack_pos pos, const char *fmt,
		 ...)
{
	va_list ap;

	va_start(ap, fmt);
	vremark(r, NULL, STACK_WARNING, w, pos, NULL, "", fmt, ap);
	va_end(ap);
}

void reader_warn_once(struct reader *r, const void *once, const struct where *w,
		      struct stack_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vremark(r, once, STACK_WARNING, w, pos, NULL, "", fmt, ap);
	va_end(ap);
}

void reader_refuse(struct reader *r, const struct where *w, struct stack_pos pos, const char *hint,
		   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vremark(r, NULL, r->for_run ? STACK_ERROR : STACK_WARNING, w, pos, hint,
		r->for_run ? "not supported yet" : "not supported yet: 'mstack up' refuses it", fmt,
		ap);
	va_end(ap);
}

void reader_forbid(struct reader *r, const struct where *w, struct stack_pos pos, const char *hint,
		   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vremark(r, NULL, r->for_run ? STACK_ERROR : STACK_WARNING, w, pos, hint,
		r->for_run ? "" : "'mstack up' refuses it", fmt, ap);
	va_end(ap);
}

void reader_flush(struct reader *r, const struct node *root)
{
	struct strmap told = { 0 };

	for (size_t i = 0; i < r->remarks.n; i++) {
		const struct remark *m = &r->remarks.v[i];

		if (root && m->name && !node_get(node_get(root, m->section), m->name))
			continue;
		if (!m->once || strmap_put(&told, (const char *)&m->once, sizeof(m->once), 0, NULL))
			stack_diag_add(r->diags, m->severity, m->pos, m->hint, "%s", m->text);
	}
	r->remarks.n = 0;
	strmap_fini(&told);
}

const char *reader_place(struct reader *r, struct stack_pos pos)
{
	return diags_place(r->diags, pos, &r->place);
}

const char *reader_suggest(struct reader *r, const char *text, const char *const *names, size_t n)
{
	const char *near = NULL;

	/* Comparing is slow, and of a file with hundreds of errors only the first few are read. */
	if (stack_diags_errors(r->diags) < SUGGESTIONS_MAX)
		near = nearest_name(text, names, n);
	return near ? arena_printf(r->arena, "did you mean '%s'?", near) : NULL;
}

bool reader_check_kind(struct reader *r, const struct where *w, const struct node *n,
		       unsigned kinds)
{
	return reader_check_kind_or(r, w, n, kinds, "put it in quotes");
}

bool reader_check_kind_or(struct reader *r, const struct where *w, const struct node *n,
			  unsigned kinds, const char *cure)
{
	static const enum node_kind order[] = { NODE_STRING, NODE_NUMBER, NODE_BOOL, NODE_LIST,
						NODE_MAP };
	_cleanup_(buf_fini) struct buf wanted = { 0 };
	bool scalar = n->kind & (NODE_NUMBER | NODE_BOOL);

	/*
	 * A text from variables may stand for a number or a truth value: the reader of the value
	 * looks at it.
	 */
	if ((n->kind & kinds) ||
	    (n->substituted && (kinds & (NODE_STRING | NODE_NUMBER | NODE_BOOL))))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (order[i] & kinds)
			buf_printf(&wanted, "%s%s", wanted.len ? " or " : "",
				   node_kind_text(order[i]));
	reader_error(r, w, n->pos, scalar && (kinds & NODE_STRING) ? cure : NULL,
		     "must be %s, not %s", buf_str(&wanted), node_kind_text(n->kind));
	return false;
}

/* ---- files ----------------------------------------------------------------------------------- */

const char *reader_dir(const struct reader *r, struct stack_pos pos)
{
	return r->contexts.v[pos.file]->dir;
}

struct vars *reader_vars(const struct reader *r, struct stack_pos pos)
{
	return r->contexts.v[pos.file]->vars;
}

/* Below the current folder a path is shown from there: that is how it would be typed. */
static const char *shown_path(const char *path)
{
	char cwd[PATH_MAX];
	size_t len;

	if (*path != '/' || !getcwd(cwd, sizeof(cwd)))
		return path;
	len = strlen(cwd);
	return len > 1 && !strncmp(path, cwd, len) && path[len] == '/' ? path + len + 1 : path;
}

static int read_stdin(size_t max, struct buf *text)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0 && text->len + (size_t)n > max) {
			errno = EFBIG;
			return -1;
		}
		if (n < 0)
			return -1;
		buf_add(text, chunk, (size_t)n);
	}
	return 0;
}

/* The one device that is taken: /dev/null is how people say "not even .env". */
static int read_any(const char *path, size_t max, struct buf *text)
{
	if (!strcmp(path, "-"))
		return read_stdin(max, text);
	return strcmp(path, "/dev/null") ? file_read(AT_FDCWD, path, max, text) : 0;
}

int reader_file(struct reader *r, const struct context *c, const char *path, size_t max)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct stack_file file;
	uint32_t number;
	const char *key = arena_printf(r->arena, "%p:%s", (const void *)c, path);
	size_t known;

	if (strmap_get(&r->file_index, key, strlen(key), &known))
		return (int)known;
	if (read_any(path, max, &text) < 0)
		return -1;
	file = (struct stack_file){ arena_strdup(r->arena, shown_path(path)), NULL, text.len };
	number = diags_add_file(r->diags, file.path, buf_str(&text), text.len);
	file.text = diags_text(r->diags, number);
	strmap_put(&r->file_index, key, strlen(key), r->files.n, NULL);
	vec_push(&r->files, file);
	vec_push(&r->contexts, c);
	return (int)number;
}

int reader_text(struct reader *r, const struct context *c, const struct stack_text *text)
{
	uint32_t number = diags_add_text(r->diags, text);

	vec_push(&r->files,
		 ((struct stack_file){ "", diags_text(r->diags, number), strlen(text->text) }));
	vec_push(&r->contexts, c);
	r->text_file = number + 1;
	return (int)number;
}

int reader_file_error(struct err *err, const char *what, const char *path, size_t max)
{
	if (errno == EINVAL)
		return err_kind(err, ERR_STACK, "%s '%.200s': not a regular file", what, path);
	if (errno == EFBIG)
		return err_kind(err, ERR_STACK, "%s '%.200s': too large: %zu KiB are the most",
				what, path, max >> 10);
	err_sys(err, errno, "%s '%.200s'", what, path);
	err->kind = ERR_STACK;
	return -1;
}
