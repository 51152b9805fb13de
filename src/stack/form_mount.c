/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_mount: `volumes` of a service, SOURCE:TARGET[:OPTIONS] and the long form, become maps of the
 * long form. What is at its default is left out of them: compose does that too, and it keeps the
 * printed form short.
 * Called through the table of service keys. Whether a named volume is declared is for crosscheck to
 * say, because only then is it known which services are active.
 */
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/targets.h"

#define GRAMMAR	   "write [SOURCE:]TARGET[:ro|rw]"
#define MOUNTS_MAX 1000
#define MODE_MAX   07777

static const char *const propagations[] = { "private", "rprivate", "slave",
					    "rslave",  "shared",   "rshared" };

/* ---- what both forms have -------------------------------------------------------------------- */

/* Engines fail at it when they make the container: a volume is nobody's mount. */
static void forbid_propagation(struct reader *r, const struct where *w, const struct node *bind)
{
	const struct node *word = node_get(bind, "propagation");

	if (word && !strstr(word->text, "private"))
		reader_forbid(r, w, word->pos, NULL,
			      "propagation '%s' of a volume: it is for binds", word->text);
}

/* Once for a load: files that carry a label on one mount carry it on all of them. */
static void warn_label(struct reader *r, const struct where *w, const struct node *n,
		       const char *word)
{
	static const char once;

	reader_warn_once(r, &once, w, n->pos, "option '%s' has no effect: files are not labelled",
			 word);
}

/* ---- short form ------------------------------------------------------------------------------ */

/* What stands behind the second colon. NULL: it was not given. */
struct short_options {
	bool read_only, nocopy;
	const char *propagation, *selinux;
};

static bool is_label(const char *word)
{
	return !strcmp(word, "z") || !strcmp(word, "Z");
}

/*
 * `roz` and its like: two options without their comma, which compose reads over. Files in the wild
 * have them, and what was meant is plain, so it is done and said.
 */
static bool read_glued(struct reader *r, const struct where *w, const struct node *n, char *word,
		       struct short_options *o)
{
	if (strlen(word) != 3 || !is_label(word + 2) ||
	    (strncmp(word, "ro", 2) != 0 && strncmp(word, "rw", 2) != 0))
		return false;
	reader_warn(r, w, n->pos, "'%s' is taken as '%.2s,%s': write that; compose ignores it",
		    word, word, word + 2);
	o->read_only = word[1] == 'o';
	o->selinux = word + 2;
	return true;
}

/*
 * compose-go reads over options that it does not know, and `:r0` makes a volume writable. Ours are
 * known, known to do nothing here, or an error.
 */
static bool read_option(struct reader *r, const struct where *w, const struct node *n, char *word,
			struct short_options *o)
{
	static const char *const idle[] = { "cached", "delegated", "consistent" };
	static const char once;

	if (!strcmp(word, "ro") || !strcmp(word, "rw")) {
		o->read_only = word[1] == 'o';
	} else if (!strcmp(word, "nocopy")) {
		o->nocopy = true;
	} else if (is_label(word)) {
		warn_label(r, w, n, word);
		o->selinux = word;
	} else if (text_is_one_of(word, idle, ARRAY_LEN(idle))) {
		reader_warn_once(r, &once, w, n->pos, "option '%s' has no effect", word);
	} else if (text_is_one_of(word, propagations, ARRAY_LEN(propagations))) {
		o->propagation = word;
	} else if (!read_glued(r, w, n, word, o)) {
		reader_error(r, w, n->pos, NULL,
			     "option '%.40s' is unknown; known are ro, rw and nocopy", word);
		return false;
	}
	return true;
}

/*
 * Number of parts, 1 to 3, in `parts`; 0 with an error. Cuts `s`. An empty part is mostly a variable
 * that is not set, and `:/data` must not become an anonymous volume.
 */
static size_t split(struct reader *r, const struct where *w, const struct node *n, char *s,
		    char *parts[3])
{
	size_t n_parts = 0;

	do {
		char *colon = strchr(s, ':');

		if (colon)
			*colon++ = '\0';
		if (!*s || n_parts == 3) {
			reader_error(r, w, n->pos, NULL, "'%.80s' is not a volume; " GRAMMAR,
				     n->text);
			return 0;
		}
		parts[n_parts++] = s;
		s = colon;
	} while (s);
	return n_parts;
}

/* An absolute path keeps its spelling, slashes at its end included, because compose prints it so. */
static struct node *bind_source(struct reader *r, const struct where *w, const struct node *n)
{
	return *n->text == '/' ? form_text(r, w, n) : form_path(r, w, n);
}

/*
 * A path begins with a dot, a slash or a tilde; anything else is the name of a volume. compose makes
 * `d:/x` one path for the sake of Windows, which is not what it looks like here.
 */
static struct node *short_source(struct reader *r, const struct where *w, const struct node *n,
				 const char *text, bool *ret_bind)
{
	struct node *source = form_part(r, n, text);

	*ret_bind = strchr("./~", *text);
	if (*ret_bind)
		return bind_source(r, w, source);
	if (!text[1])
		reader_warn(r, w, n->pos,
			    "'%s' is the name of a volume; compose would take it for a drive of "
			    "Windows",
			    text);
	return source;
}

/* The options as compose has them: the source being a volume does not keep it from having `bind`. */
static void put_options(struct reader *r, const struct node *n, struct node_pairs *out,
			const struct short_options *o)
{
	struct node_pairs bind = { 0 };

	if (o->propagation)
		node_pairs_put(&bind, "propagation", n->pos, form_part(r, n, o->propagation));
	if (o->selinux)
		node_pairs_put(&bind, "selinux", n->pos, form_part(r, n, o->selinux));
	if (bind.list.n)
		node_pairs_put(out, "bind", n->pos, node_map_done(r->arena, n->pos, &bind));
	if (o->read_only)
		node_pairs_put(out, "read_only", n->pos, node_bool(r->arena, n->pos, true));
}

static const struct node *find_put(const struct node_pairs *out, const char *key)
{
	const struct node_pair *pair = node_pairs_find(out, key);

	return pair ? pair->value : NULL;
}

/* Keys in the order of the alphabet, as form_map would put them. */
static struct node *finish_short(struct reader *r, const struct where *w, const struct node *n,
				 char *const parts[3], size_t n_parts,
				 const struct short_options *o)
{
	struct node *source = NULL, *target = target_form(r, w, n, parts[n_parts > 1]);
	struct node_pairs out = { 0 }, volume = { 0 };
	bool bind = false;

	if (!target || (n_parts > 1 && !(source = short_source(r, w, n, parts[0], &bind))))
		return NULL;
	put_options(r, n, &out, o);
	if (source)
		node_pairs_put(&out, "source", n->pos, source);
	node_pairs_put(&out, "target", n->pos, target);
	node_pairs_put(&out, "type", n->pos, form_part(r, n, bind ? "bind" : "volume"));
	if (!bind)
		forbid_propagation(r, w, find_put(&out, "bind"));
	if (o->nocopy && !bind) {
		node_pairs_put(&volume, "nocopy", n->pos, node_bool(r->arena, n->pos, true));
		node_pairs_put(&out, "volume", n->pos, node_map_done(r->arena, n->pos, &volume));
	}
	return node_map_done(r->arena, n->pos, &out);
}

static struct node *form_short(struct reader *r, const struct where *w, const struct node *n)
{
	char *parts[3] = { NULL }, *word, *save;
	size_t n_parts = split(r, w, n, arena_strdup(r->arena, n->text), parts);
	struct short_options options = { 0 };

	if (!n_parts)
		return NULL;
	for (word = n_parts > 2 ? strtok_r(parts[2], ",", &save) : NULL; word;
	     word = strtok_r(NULL, ",", &save))
		if (!read_option(r, w, n, word, &options))
			return NULL;
	return finish_short(r, w, n, parts, n_parts, &options);
}

/* ---- long form ------------------------------------------------------------------------------- */

/* The last two are known, so that what cannot be run is told apart from a slip of the pen. */
static FORM(form_mount_type)
{
	static const char *const all[] = { "bind", "volume", "tmpfs", "image", "npipe", "cluster" };

	if (text_is_one_of(n->text, all, ARRAY_LEN(all)))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, reader_suggest(r, n->text, all, ARRAY_LEN(all)),
		     "'%.40s' is unknown; write bind, volume, tmpfs or image", n->text);
	return NULL;
}

static FORM(form_mount_target)
{
	return target_form(r, w, n, n->text);
}

/* Only what differs from the default is kept. */
static FORM(form_true_only)
{
	struct node *out = form_bool(r, w, n);

	return out && out->number ? out : NULL;
}

static FORM(form_false_only)
{
	struct node *out = form_bool(r, w, n);

	return out && !out->number ? out : NULL;
}

/* Empty, as from a variable that is not set, is the default. */
static FORM(form_propagation)
{
	if (!*n->text)
		return NULL;
	return form_word(r, w, n, propagations, ARRAY_LEN(propagations));
}

/* More `..` than folders before them, anywhere along the way. */
static bool leads_out(const char *path)
{
	int depth = 0;

	while (*path && depth >= 0) {
		size_t len = strcspn(path, "/");

		if (len == 2 && !strncmp(path, "..", 2))
			depth--;
		else if (len && !(len == 1 && *path == '.'))
			depth++;
		path += len + (path[len] == '/');
	}
	return depth < 0;
}

/*
 * A folder below the volume or image, by its text: neither from the root nor out of it. Links in it are looked at when it is
 * mounted.
 */
static FORM(form_subpath)
{
	const char *clean;

	if (!*n->text)
		return NULL;
	clean = path_clean(r->arena, "/", n->text);
	if (*n->text == '/' || strlen(clean) < 2)
		reader_error(r, w, n->pos, NULL, "'%.80s' must be a folder below, as in a/b",
			     n->text);
	else if (leads_out(n->text))
		reader_error(r, w, n->pos, NULL, "'%.80s' leads out of what is mounted", n->text);
	else
		return form_part(r, n, n->text);
	return NULL;
}

/* A bind takes what is mounted below its source along, which is `enabled`. */
static FORM(form_recursive)
{
	static const char *const words[] = { "enabled", "disabled", "writable", "readonly" };
	struct node *out = form_word(r, w, n, words, ARRAY_LEN(words));

	if (out && strcmp(out->text, "enabled") != 0)
		reader_refuse(r, w, n->pos, "leave it out", "'%s'", out->text);
	return out;
}

static FORM(form_selinux)
{
	static const char *const words[] = { "z", "Z" };
	struct node *out = form_word(r, w, n, words, ARRAY_LEN(words));

	if (out)
		warn_label(r, w, n, out->text);
	return out;
}

/* Printed as a decimal number: that is how compose has it, whatever the file says. */
static FORM(form_tmpfs_mode)
{
	struct node *out = form_int(r, w, n);

	if (!out || (out->number >= 0 && out->number <= MODE_MAX))
		return out;
	reader_error(r, w, n->pos, NULL, "the mode of a tmpfs goes from 0 to 07777");
	return NULL;
}

/* clang-format off */
static const struct key mount_bind_rows[] = {
	DONE("create_host_path", BOO | STR, AS(form_false_only)),
	DONE("propagation", STR, AS(form_propagation)),
	DONE("recursive", STR, AS(form_recursive), ONLY("enabled; others are refused")),
	DONE("selinux", STR, AS(form_selinux)),
};
static const struct key_table mount_bind_keys = TABLE(mount_bind_rows);

static const struct key mount_image_rows[] = {
	DONE("subpath", STR, AS(form_subpath)),
};
static const struct key_table mount_image_keys = TABLE(mount_image_rows);

static const struct key mount_tmpfs_rows[] = {
	DONE("mode", NUM | STR, AS(form_tmpfs_mode)),
	DONE("size", NUM | STR, AS(form_bytes)),
};
static const struct key_table mount_tmpfs_keys = TABLE(mount_tmpfs_rows);

static const struct key mount_volume_rows[] = {
	WARN("labels", MAP | LST, DESCRIBES, AS(form_pairs), MERGES(PAIRS)),
	DONE("nocopy", BOO | STR, AS(form_true_only)),
	DONE("subpath", STR, AS(form_subpath)),
};
static const struct key_table mount_volume_keys = TABLE(mount_volume_rows);

static const struct key mount_rows[] = {
	DONE("bind", MAP, BELOW(mount_bind_keys)),
	WARN("consistency", STR, "there is only one file system here"),
	DONE("image", MAP, BELOW(mount_image_keys)),
	DONE("read_only", BOO | STR, AS(form_true_only)),
	DONE("source", STR),
	DONE("target", STR, AS(form_mount_target)),
	DONE("tmpfs", MAP, BELOW(mount_tmpfs_keys)),
	DONE("type", STR, AS(form_mount_type)),
	DONE("volume", MAP, BELOW(mount_volume_keys)),
};
const struct key_table mount_keys = TABLE(mount_rows);
/* clang-format on */

/*
 * What one kind of mount understands does nothing for another. compose takes that in silence; most
 * often the type is the slip.
 */
static void check_parts(struct reader *r, const struct where *w, const struct node *map,
			const char *type)
{
	static const char *const parts[] = { "bind", "image", "tmpfs", "volume" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const struct node_pair *pair = node_find(map, parts[i]);

		/* A volume may have a propagation and a label, as in the short form. */
		if (pair && pair->value->n && strcmp(parts[i], type) != 0 &&
		    (i || strcmp(type, "volume") != 0))
			reader_warn(r, w, pair->pos, "'%s' has no effect on a mount of type '%s'",
				    parts[i], type);
	}
}

static void check_type(struct reader *r, const struct where *w, const struct node *map,
		       const struct node *type)
{
	const struct node *source = node_get(map, "source");

	if (!strcmp(type->text, "npipe"))
		reader_refuse(r, w, type->pos, WINDOWS, "type 'npipe'");
	else if (!strcmp(type->text, "cluster"))
		reader_refuse(r, w, type->pos, CLUSTER, "type 'cluster'");
	else if (!strcmp(type->text, "volume"))
		forbid_propagation(r, w, node_get(map, "bind"));
	else if (!strcmp(type->text, "tmpfs") && source && *source->text)
		reader_warn(r, w, source->pos, "'source' has no effect on a mount of type 'tmpfs'");
	check_parts(r, w, map, type->text);
}

/* The source as its type wants it: a path of the host, or a name as it is. */
static struct node *long_source(struct reader *r, const struct where *w, const struct node *map,
				const struct node *type)
{
	struct node *source = node_get(map, "source");
	const struct where here = { w, "source", 0, { 0 } };
	bool given = source && *source->text, bind = !strcmp(type->text, "bind"),
	     image = !strcmp(type->text, "image");

	if (!given && (bind || image))
		reader_error(r, w, map->pos, NULL, "%s needs a 'source'",
			     bind ? "a bind" : "a mount of an image");
	if (!given)
		return NULL;
	return bind ? bind_source(r, &here, source) : image ? form_image(r, &here, source) : source;
}

/* The rows bring each value to its form; only what the source means hangs on another key. */
static struct node *form_long(struct reader *r, const struct where *w, const struct node *n)
{
	size_t errors = stack_diags_errors(r->diags);
	struct node *map = form_map(r, w, n, &mount_keys), *source, *type = node_get(map, "type");
	struct node_pairs out = { 0 };

	if (stack_diags_errors(r->diags) > errors)
		return NULL;
	if (!node_get(map, "target"))
		reader_error(r, w, n->pos, NULL, "'target' is missing");
	if (!type)
		reader_error(r, w, n->pos, NULL, "'type' must be bind, volume, tmpfs or image");
	if (!type || !node_get(map, "target"))
		return NULL;
	check_type(r, w, map, type);
	source = long_source(r, w, map, type);
	for (size_t i = 0; i < map->n; i++) {
		const struct node_pair *pair = &map->pairs[i];

		if (strcmp(pair->key, "source") != 0)
			node_pairs_put(&out, pair->key, pair->pos, pair->value);
		else if (source)
			node_pairs_put(&out, pair->key, pair->pos, source);
	}
	return node_map_done(r->arena, n->pos, &out);
}

/* ---- all mounts of a service ----------------------------------------------------------------- */

/* False: there are too many, and nothing more is read. */
static bool add_mount(struct reader *r, const struct where *w, struct targets *list,
		      struct node *mount)
{
	const char *target = node_text(mount, "target");
	const struct node *old;

	if (list->items.n == MOUNTS_MAX && !targets_have(list, target)) {
		reader_error(r, w, mount->pos, NULL, "more than %d mounts in a service",
			     MOUNTS_MAX);
		return false;
	}
	old = targets_put(list, target, mount);
	if (old)
		targets_warn(r, w, target, old, mount);
	return true;
}

FORM(form_mounts)
{
	struct targets list = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };
		const struct node *item = n->items[i];
		struct node *mount;

		if (!reader_check_kind(r, &here, item, NODE_STRING | NODE_MAP))
			continue;
		mount = item->kind == NODE_MAP ? form_long(r, &here, item)
					       : form_short(r, &here, item);
		if (mount && !add_mount(r, &here, &list, mount))
			break;
	}
	return targets_done(r, n->pos, &list);
}
