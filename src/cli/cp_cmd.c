/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cp: `mstack cp`, files into and out of running containers. Here it is decided what is copied where; the bytes go through
 * mstack-store, which at the container's end has the rights of the container's root and no others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/container.h"
#include "cli/spot.h"

/* One of the two words: SERVICE:PATH, a path of the host, or - for a tar. */
struct side {
	const char *word, *path;
	char *service; /* NULL: of the host */
	bool tar;
};

struct copying {
	const struct cli_options *o;
	struct side from, to;
	struct cli_containers containers;
	struct cli_term term;
	bool drawn; /* there is a line on the terminal that is not ended */
};

/* ---- words ----------------------------------------------------------------------------------- */

/* As docker: a path of the host that has a colon begins with a slash or a dot. */
static struct side side_of(const char *word)
{
	struct side s = { .word = word, .path = word, .tar = !strcmp(word, "-") };
	const char *colon = strchr(word, ':');

	if (*word == '/' || *word == '.' || !colon)
		return s;
	s.service = xasprintf("%.*s", (int)(colon - word), word);
	s.path = colon + 1;
	return s;
}

static int check_sides(const struct side *from, const struct side *to, struct err *err)
{
	const struct side *inside = from->service ? from : to;

	if (from->service && to->service)
		return err_kind(
			err, ERR_USAGE,
			"cp: from one service to another is not supported: copy to the host first");
	if (!inside->service)
		return err_kind(err, ERR_USAGE, "cp: neither '%s' nor '%s' is SERVICE:PATH",
				from->word, to->word);
	if (!*inside->service || !*inside->path)
		return err_kind(err, ERR_USAGE, "cp: '%s': it is written SERVICE:PATH",
				inside->word);
	if (to->tar && isatty(STDOUT_FILENO))
		return err_kind(err, ERR_USAGE,
				"cp: a tar is not for a terminal: send it to a file or a pipe");
	if (from->tar && isatty(STDIN_FILENO))
		return err_kind(err, ERR_USAGE,
				"cp: the tar is read from standard input, which is a terminal");
	return 0;
}

/* ---- what is told ---------------------------------------------------------------------------- */

static void clear_line(struct copying *c)
{
	if (c->drawn)
		fputs("\r\033[K", stderr);
	c->drawn = false;
}

static void tell_note(void *arg, const char *line)
{
	struct copying *c = arg;
	_cleanup_(buf_fini) struct buf b = { 0 };

	clear_line(c);
	cli_harmless(line, strlen(line), false, &b);
	cli_say(&c->term, SUP_NOTE, NULL, buf_str(&b));
}

static void tell_bytes(void *arg, uint64_t done, uint64_t total)
{
	struct copying *c = arg;
	char size[32];

	(void)total;
	if (c->term.progress != PROGRESS_TTY)
		return;
	size_format(done, size, sizeof(size));
	fprintf(stderr, "\r\033[Kcopying: %s", size);
	fflush(stderr);
	c->drawn = true;
}

static int copy(struct copying *c, const struct store_copy *s, const char *slot, struct err *err)
{
	const struct store_hooks hooks = { .tell = tell_note, .progress = tell_bytes, .arg = c };
	_cleanup_free_ char *text = xasprintf("copied %s to %s", c->from.word, c->to.word);
	_cleanup_(buf_fini) struct buf why = { 0 };
	int rc = store_copy(s, &hooks, err);

	clear_line(c);
	if (rc < 0) {
		/* Names in it are a stranger's. */
		cli_harmless(err->text, strlen(err->text), false, &why);
		return err_set(err, "cp: %s: %.400s; what was copied before, if anything, stays",
			       slot, buf_str(&why));
	}
	if (!c->to.tar)
		cli_say(&c->term, SUP_PROGRESS, slot, text);
	return 0;
}

/* ---- out of a container ---------------------------------------------------------------------- */

static int enter(const void *running)
{
	return box_running_become(running);
}

static struct store_end end_inside(const struct box_running *r, int folder)
{
	return (struct store_end){ .folder = folder, .tar = -1, .enter = enter, .arg = r };
}

/* To whom it goes on the host, nothing comes that would run with another's rights. */
static int copy_to_folder(struct copying *c, const struct box_running *r,
			  const struct cli_spot *from, struct err *err)
{
	_cleanup_(cli_spot_fini) struct cli_spot to = { .folder = -1 };
	_cleanup_fd_ int own = -1;
	struct store_copy s = { .from = end_inside(r, from->folder),
				.to = { .tar = -1 },
				.name = from->name,
				.owners = c->o->archive };

	if (cli_spot_find(AT_FDCWD, c->to.path, true, &to, err) < 0 ||
	    cli_spot_join(from, &to, c->from.word, c->to.word, &own, &s.as, err) < 0)
		return err_wrap(err, "cp");
	s.to.folder = own < 0 ? to.folder : own;
	return copy(c, &s, r->slot, err);
}

static int copy_to_tar(struct copying *c, const struct box_running *r, const struct cli_spot *from,
		       struct err *err)
{
	const struct store_copy s = { .from = end_inside(r, from->folder),
				      .to = { .folder = -1, .tar = STDOUT_FILENO },
				      .name = from->name,
				      .as = from->content ? "." : from->name };

	if (!from->there)
		return err_sys(err, ENOENT, "cp: '%s'", c->from.word);
	return copy(c, &s, r->slot, err);
}

static int copy_out(struct copying *c, struct err *err)
{
	struct box_running *r =
		cli_containers_get(&c->containers, c->from.service, c->o->index, err);
	_cleanup_(cli_spot_fini) struct cli_spot from = { .folder = -1 };
	int rc = -1;

	if (!r)
		return -1;
	if (cli_spot_find(r->root, c->from.path, c->o->follow_link, &from, err) < 0)
		err_wrap(err, "cp: %s", r->slot);
	else
		rc = c->to.tar ? copy_to_tar(c, r, &from, err) : copy_to_folder(c, r, &from, err);
	box_running_free(r);
	return rc;
}

/* ---- into containers ------------------------------------------------------------------------- */

static int fill_from_tar(struct copying *c, const struct box_running *r, const struct cli_spot *to,
			 struct store_copy *s, struct err *err)
{
	_cleanup_fd_ int folder = S_ISDIR(to->mode) ? cli_spot_open(to) : -1;

	if (folder < 0)
		return err_set(err, "cp: '%s': there is no such folder to unpack into", c->to.word);
	s->from = (struct store_end){ .folder = -1, .tar = STDIN_FILENO };
	s->as = ".";
	s->to = end_inside(r, folder);
	return copy(c, s, r->slot, err);
}

static int fill_from_folder(struct copying *c, const struct box_running *r,
			    const struct cli_spot *to, struct store_copy *s, struct err *err)
{
	_cleanup_(cli_spot_fini) struct cli_spot from = { .folder = -1 };
	_cleanup_fd_ int own = -1;

	if (cli_spot_find(AT_FDCWD, c->from.path, c->o->follow_link, &from, err) < 0 ||
	    cli_spot_join(&from, to, c->from.word, c->to.word, &own, &s->as, err) < 0)
		return err_wrap(err, "cp");
	s->from = (struct store_end){ .folder = from.folder, .tar = -1 };
	s->name = from.name;
	s->to = end_inside(r, own < 0 ? to->folder : own);
	return copy(c, s, r->slot, err);
}

static int copy_into(struct copying *c, const struct box_running *r, struct err *err)
{
	_cleanup_(cli_spot_fini) struct cli_spot to = { .folder = -1 };
	struct store_copy s = { .owners = c->o->archive, .set_id = c->o->archive };

	if (cli_spot_find(r->root, c->to.path, true, &to, err) < 0)
		return err_wrap(err, "cp: %s", r->slot);
	if (c->from.tar)
		return fill_from_tar(c, r, &to, &s, err);
	return fill_from_folder(c, r, &to, &s, err);
}

static int copy_into_slot(struct copying *c, const char *slot, struct err *err)
{
	struct box_running *r = cli_containers_slot(&c->containers, slot, err);
	int rc = r ? copy_into(c, r, err) : err_wrap(err, "cp: %s", slot);

	box_running_free(r);
	return rc;
}

/* Only the supervisor knows whose the containers of `run` are: one of `web` is named like those of a service `web-run`. */
static int copy_into_oneoffs(struct copying *c, size_t *n, struct err *err)
{
	json_t *rows, *row;
	size_t i;
	int rc = 0;

	if (cli_slots(c->containers.project->name, &rows, err) < 0)
		return err_wrap(err, "cp: --all");
	json_array_foreach(rows, i, row) {
		if (rc < 0 || !json_is_true(json_object_get(row, "OneOff")) ||
		    strcmp(cli_string(row, "Service"), c->to.service) ||
		    strcmp(cli_string(row, "State"), "running"))
			continue;
		rc = copy_into_slot(c, cli_string(row, "Slot"), err);
		++*n;
	}
	json_decref(rows);
	return rc;
}

static bool runs(const struct copying *c)
{
	for (char **slot = c->containers.slots; *slot; slot++)
		if (cli_slot_index(*slot, c->to.service))
			return true;
	return false;
}

/* As compose: without --index into all that run of the service; a tar can be read once only. */
static int copy_in(struct copying *c, struct err *err)
{
	bool all = !c->o->index && !c->from.tar;
	struct box_running *r = NULL;
	size_t n = 0;
	int rc = 0;

	if (c->o->all && !all)
		return err_kind(err, ERR_USAGE, "cp: --all: %s one container only",
				c->o->index ? "--index means" : "a tar on standard input is for");
	if (c->o->all)
		rc = copy_into_oneoffs(c, &n, err);
	/* Then there need not be another. */
	if (rc < 0 || (n && !runs(c)))
		return rc;
	r = cli_containers_get(&c->containers, c->to.service, c->o->index, err);
	rc = r ? copy_into(c, r, err) : -1;
	for (char **slot = c->containers.slots; rc >= 0 && all && *slot; slot++)
		if (cli_slot_index(*slot, c->to.service) && strcmp(*slot, r->slot) != 0)
			rc = copy_into_slot(c, *slot, err);
	box_running_free(r);
	return rc;
}

/* ---- all ------------------------------------------------------------------------------------- */

static int run(struct copying *c, const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	int rc;

	if (check_sides(&c->from, &c->to, err) < 0)
		return -1;
	if (cli_project_find(o, &p, err) < 0)
		return -1;
	rc = cli_containers_open(&c->containers, "cp", &p, err);
	if (!rc)
		rc = c->from.service ? copy_out(c, err) : copy_in(c, err);
	cli_containers_fini(&c->containers);
	return rc;
}

/* The first of three words is the stack file: of two none is, though it may be called so. */
int cli_cp(const struct cli_options *given, struct err *err)
{
	struct cli_options o = *given;
	struct copying c = { .o = &o, .term = cli_term_get(given) };
	size_t first = given->args.n == 3;
	int rc;

	if (given->args.n < 2)
		return err_kind(err, ERR_USAGE,
				"cp: a source and a target are needed (see 'mstack help cp')");
	o.files = (struct cli_words){ 0 };
	for (size_t i = 0; i < given->files.n; i++)
		vec_push(&o.files, given->files.v[i]);
	if (first)
		vec_push(&o.files, given->args.v[0]);
	c.from = side_of(given->args.v[first]);
	c.to = side_of(given->args.v[first + 1]);
	rc = run(&c, &o, err);
	vec_fini(&o.files);
	free(c.from.service);
	free(c.to.service);
	return rc;
}
