/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_mount: SOURCE:TARGET[:OPTIONS], the long form and `tmpfs` become struct stack_mount. Called
 * through the table of service keys; the top-level volumes are read by then, so names are resolved
 * here.
 */
#include "stack/read_mount.h"
#include "stack/find.h"
#include "stack/keys.h"

#define GRAMMAR	   "write [SOURCE:]TARGET[:ro|rw]"
#define MOUNTS_MAX 1000
#define MODE_MAX   07777

/* ---- sources and targets --------------------------------------------------------------------- */

/* Cleaned, so that `/a/` and `//a` are found to be one target. */
static bool set_target(struct reader *r, const struct where *w, struct stack_mount *m,
		       const char *target)
{
	if (*target != '/')
		reader_error(r, w, m->pos, NULL,
			     "'%.80s': the path in the container must begin with /", target);
	else if (!(m->target = value_clean_path(r->arena, "/", target))[1])
		reader_error(r, w, m->pos, NULL, "'%.80s': nothing can be mounted over the root",
			     target);
	else
		return true;
	return false;
}

/* The short form makes the folder on the host when it is missing, as compose does. */
static bool set_bind(struct reader *r, const struct where *w, struct stack_mount *m,
		     const char *source)
{
	const char *home = *source == '~' ? vars_get(&r->vars, "HOME", 4) : NULL;

	m->type = STACK_BIND;
	m->create_host_path = true;
	if (*source == '~' && (!home || *home != '/' || (source[1] && source[1] != '/'))) {
		reader_error(r, w, m->pos, NULL,
			     "'%.80s': only ~ and ~/ with HOME set can be resolved", source);
		return false;
	}
	m->source = home ? value_clean_path(r->arena, home, source + 1 + (source[1] == '/'))
			 : value_clean_path(r->arena, r->stack->dir, source);
	return true;
}

/* A name with a slash is no path in compose: it is a volume that nobody declared. */
static bool set_volume(struct reader *r, const struct where *w, struct stack_mount *m,
		       const char *source)
{
	m->type = STACK_VOLUME;
	m->volume = find_volume(r->stack, source);
	m->source = source;
	if (m->volume)
		return true;
	reader_error(r, w, m->pos, strchr(source, '/') ? "a path begins with ./ or /" : NULL,
		     "volume '%.80s' is not declared under the top-level 'volumes'", source);
	return false;
}

static bool set_source(struct reader *r, const struct where *w, struct stack_mount *m,
		       const char *source)
{
	return strchr("./~", *source) ? set_bind(r, w, m, source) : set_volume(r, w, m, source);
}

/* On one target the last one wins, as compose has it; but nobody writes that on purpose. */
static void add_mount(struct reader *r, const struct where *w, struct mount_list *list,
		      const struct stack_mount *m)
{
	for (size_t i = 0; i < list->n; i++) {
		struct stack_mount *o = &list->v[i];

		if (strcmp(o->target, m->target))
			continue;
		if ((o->type == STACK_TMPFS) != (m->type == STACK_TMPFS)) {
			/* Told at the volume, which is the one that would lose its data. */
			const struct stack_mount *volume = m->type == STACK_TMPFS ? o : m;

			reader_error(r, w, volume->pos, NULL,
				     "'%.80s' is the target of a volume and of a tmpfs, see %s "
				     "(volumes, tmpfs)",
				     m->target, reader_place(r, volume == m ? o->pos : m->pos));
			return;
		}
		reader_warn(r, w, m->pos, "'%.80s' is already a target at %s: this one wins",
			    m->target, reader_place(r, o->pos));
		*o = *m;
		return;
	}
	if (list->n < MOUNTS_MAX)
		vec_push(list, *m);
	else
		reader_error(r, w, m->pos, NULL, "more than %d mounts in a service", MOUNTS_MAX);
}

/* ---- short form ------------------------------------------------------------------------------ */

/*
 * compose-go reads over options that it does not know, and `:r0` makes a volume writable. Ours are
 * known, known to do nothing here, or an error.
 */
static bool read_option(struct reader *r, const struct where *w, struct stack_mount *m,
			const char *word)
{
	static const char *const plain[] = { "rw", "private", "rprivate" };
	static const char *const shared[] = { "shared", "rshared", "slave", "rslave" };
	static const char *const idle[] = { "z", "Z", "cached", "delegated", "consistent" };

	if (!strcmp(word, "ro"))
		m->read_only = true;
	else if (!strcmp(word, "nocopy"))
		m->nocopy = true;
	else if (value_is_one_of(word, idle, ARRAY_LEN(idle)))
		reader_warn(r, w, m->pos, "option '%s' has no effect", word);
	else if (value_is_one_of(word, shared, ARRAY_LEN(shared)))
		reader_error(r, w, m->pos, NULL, "option '%s': not supported yet", word);
	else if (!value_is_one_of(word, plain, ARRAY_LEN(plain)))
		reader_error(r, w, m->pos, NULL,
			     "option '%.40s' is unknown; known are ro, rw and nocopy", word);
	else
		return true;
	return !value_is_one_of(word, shared, ARRAY_LEN(shared));
}

static void read_short(struct reader *r, const struct where *w, const struct node *n,
		       struct mount_list *list)
{
	struct stack_mount m = { .type = STACK_VOLUME, .pos = n->pos };
	char *s = arena_strdup(r->arena, n->text), *parts[3] = { s }, *word, *save;
	size_t n_parts = 0;

	do {
		char *colon = strchr(s, ':');

		if (colon)
			*colon++ = '\0';
		if (!*s || n_parts == ARRAY_LEN(parts)) {
			reader_error(r, w, n->pos, NULL, "'%.80s' is not a volume; " GRAMMAR,
				     n->text);
			return;
		}
		parts[n_parts++] = s;
		s = colon;
	} while (s);
	if (!set_target(r, w, &m, parts[n_parts > 1]) ||
	    (n_parts > 1 && !set_source(r, w, &m, parts[0])))
		return;
	for (word = n_parts > 2 ? strtok_r(parts[2], ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save))
		if (!read_option(r, w, &m, word))
			return;
	add_mount(r, w, list, &m);
}

/* ---- long form ------------------------------------------------------------------------------- */

/* The long form, as its table of keys fills it. */
struct mount_draft {
	struct stack_str type, source, target;
	bool read_only;
	struct stack_str propagation;
	bool no_host_path; /* create_host_path: false */
	bool nocopy;
	struct stack_num tmpfs_size, tmpfs_mode;
};

/* clang-format off */
static const struct key mount_bind_rows[] = {
	DONE("create_host_path", BOO | STR, value_not, mount_draft, no_host_path),
	DONE("propagation", STR, value_string, mount_draft, propagation),
	REFUSE("recursive", STR, NULL),
	WARN("selinux", STR, "files are not labelled"),
};
static const struct key_table mount_bind_keys = TABLE(mount_bind_rows);

static const struct key mount_volume_rows[] = {
	DONE("nocopy", BOO | STR, value_bool, mount_draft, nocopy),
	WARN("labels", MAP | LST, DESCRIBES),
	REFUSE("subpath", STR, NULL),
};
static const struct key_table mount_volume_keys = TABLE(mount_volume_rows);

static const struct key mount_tmpfs_rows[] = {
	DONE("mode", NUM | STR, value_int, mount_draft, tmpfs_mode),
	DONE("size", NUM | STR, value_bytes, mount_draft, tmpfs_size),
};
static const struct key_table mount_tmpfs_keys = TABLE(mount_tmpfs_rows);
/* clang-format on */

static VALUE_READER(read_mount_bind)
{
	reader_map(r, w, n, &mount_bind_keys, field);
}

static VALUE_READER(read_mount_volume)
{
	reader_map(r, w, n, &mount_volume_keys, field);
}

static VALUE_READER(read_mount_tmpfs)
{
	reader_map(r, w, n, &mount_tmpfs_keys, field);
}

/* clang-format off */
static const struct key mount_rows[] = {
	DONE("read_only", BOO | STR, value_bool, mount_draft, read_only),
	DONE("source", STR, value_string, mount_draft, source),
	DONE("target", STR, value_string, mount_draft, target),
	DONE("type", STR, value_string, mount_draft, type),
	WHOLE("bind", MAP, read_mount_bind),
	WHOLE("tmpfs", MAP, read_mount_tmpfs),
	WHOLE("volume", MAP, read_mount_volume),
	WARN("consistency", STR, "there is only one file system here"),
	REFUSE("image", MAP, NULL),
};
static const struct key_table mount_keys = TABLE(mount_rows);
/* clang-format on */

static bool set_tmpfs(struct reader *r, const struct where *w, struct stack_mount *m,
		      struct stack_num size, struct stack_num mode)
{
	m->type = STACK_TMPFS;
	m->tmpfs_size = size.value;
	m->tmpfs_mode = (uint32_t)mode.value;
	if (mode.value >= 0 && mode.value <= MODE_MAX)
		return true;
	reader_error(r, w, m->pos, NULL, "the mode of a tmpfs goes from 0 to 07777");
	return false;
}

static bool set_type(struct reader *r, const struct where *w, struct stack_mount *m,
		     const struct mount_draft *d)
{
	const char *type = d->type.text ? d->type.text : "", *source = d->source.text;

	if (!strcmp(type, "tmpfs"))
		return set_tmpfs(r, w, m, d->tmpfs_size, d->tmpfs_mode);
	if (!strcmp(type, "volume")) {
		m->type = STACK_VOLUME;
		return !source || set_volume(r, w, m, source);
	}
	if (!strcmp(type, "bind") && !source)
		reader_error(r, w, m->pos, NULL, "a bind needs a 'source'");
	else if (!strcmp(type, "bind"))
		return set_bind(r, w, m, source);
	else if (!strcmp(type, "image") || !strcmp(type, "npipe") || !strcmp(type, "cluster"))
		reader_error(r, w, d->type.pos, NULL, "type '%s': not supported yet", type);
	else
		reader_error(r, w, *type ? d->type.pos : m->pos, NULL,
			     "'type' must be bind, volume or tmpfs");
	return false;
}

static void read_long(struct reader *r, const struct where *w, const struct node *n,
		      struct mount_list *list)
{
	struct stack_mount m = { .pos = n->pos };
	struct mount_draft d = { 0 };

	reader_map(r, w, n, &mount_keys, &d);
	if (!d.target.text)
		reader_error(r, w, n->pos, NULL, "'target' is missing");
	if (!d.target.text || !set_target(r, w, &m, d.target.text) || !set_type(r, w, &m, &d))
		return;
	m.read_only = d.read_only;
	m.nocopy = d.nocopy;
	m.create_host_path = m.type == STACK_BIND && !d.no_host_path;
	if (d.propagation.text && !read_option(r, w, &m, d.propagation.text))
		return;
	add_mount(r, w, list, &m);
}

VALUE_READER(read_volumes)
{
	for (size_t i = 0; i < n->n; i++) {
		struct where here = { w, NULL, i };

		if (!reader_check_kind(r, &here, n->items[i], NODE_STRING | NODE_MAP))
			continue;
		if (n->items[i]->kind == NODE_MAP)
			read_long(r, &here, n->items[i], field);
		else
			read_short(r, &here, n->items[i], field);
	}
}

/* ---- tmpfs: PATH[:OPTIONS] ------------------------------------------------------------------- */

/* Every tmpfs of a container is nosuid, nodev and noexec, so saying that changes nothing. */
static bool read_tmpfs_option(struct reader *r, const struct where *w, struct stack_mount *m,
			      const char *word)
{
	static const char *const always[] = { "rw", "nosuid", "nodev", "noexec" };
	struct stack_num mode = { 0 };
	char *end;

	if (!strcmp(word, "ro")) {
		m->read_only = true;
	} else if (!strncmp(word, "size=", 5)) {
		if (!size_parse(word + 5, &m->tmpfs_size) && m->tmpfs_size >= 0)
			return true;
		reader_error(r, w, m->pos, NULL, "'%.40s' is not a size; write like size=64m",
			     word);
		return false;
	} else if (!strncmp(word, "mode=", 5)) {
		mode.value = (int64_t)strtoul(word + 5, &end, 8);
		if (*end || !word[5])
			mode.value = -1;
		return set_tmpfs(r, w, m, (struct stack_num){ .value = m->tmpfs_size }, mode);
	} else if (!value_is_one_of(word, always, ARRAY_LEN(always))) {
		reader_error(r, w, m->pos, NULL,
			     "option '%.40s': not supported; known are size=, mode=, ro and rw",
			     word);
		return false;
	}
	return true;
}

static void read_tmpfs_entry(struct reader *r, const struct where *w, const struct node *n,
			     struct mount_list *list)
{
	struct stack_mount m = { .type = STACK_TMPFS, .by_tmpfs = true, .pos = n->pos };
	char *text = arena_strdup(r->arena, n->text), *options = strchr(text, ':'), *word, *save;

	if (options)
		*options++ = '\0';
	if (!set_target(r, w, &m, text))
		return;
	for (word = options ? strtok_r(options, ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save))
		if (!read_tmpfs_option(r, w, &m, word))
			return;
	add_mount(r, w, list, &m);
}

VALUE_READER(read_tmpfs)
{
	if (n->kind != NODE_LIST) {
		read_tmpfs_entry(r, w, n, field);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		struct where here = { w, NULL, i };

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING))
			read_tmpfs_entry(r, &here, n->items[i], field);
	}
}
