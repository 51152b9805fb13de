/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor: `mstack doctor`, whether this host can run stacks, feature by feature, with the cure, and what stacks have left
 * (leftovers.c). Collects what the rooms find out by trying (in processes of their own, so nothing of the host is touched) and
 * prints it.
 */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/descend.h"
#include "cli/rows.h"
#include "cli/term.h"
#include "mstack/base_program.h"
#include "mstack/box.h"
#include "mstack/net.h"
#include "mstack/rootless.h"
#include "mstack/store.h"

#define PROBES_MAX 64

struct finding {
	const char *what, *why, *cure;
	bool ok, needed; /* needed: by every stack */
};

struct findings VEC(struct finding);

/* What the rooms find out, in the order in which it is shown. */
struct probed {
	struct rootless_probe user[PROBES_MAX];
	struct box_probe box[PROBES_MAX];
	struct net_probe net[PROBES_MAX];
	char data[240];
};

/*
 * What a stack needs only if its file asks for it (then `up` says so itself): limits. And what no stack needs as long as
 * services run in the host's user namespace.
 */
static bool is_needed(const char *what)
{
	static const char *const optional[] = { "controller ", "id-mapped mounts", "x-impair",
						"nftables fwd" };

	for (size_t i = 0; i < ARRAY_LEN(optional); i++)
		if (!strncmp(what, optional[i], strlen(optional[i])))
			return false;
	return true;
}

static void add(struct findings *all, const char *what, bool ok, bool needed, const char *why,
		const char *cure)
{
	vec_push(all,
		 ((struct finding){
			 .what = what, .ok = ok, .needed = needed, .why = why, .cure = cure }));
}

static void add_busybox(struct findings *all)
{
	bool ok = store_has_busybox();

	add(all, "static busybox", ok, true, ok ? "" : "image: busybox is made from it",
	    "apt-get install busybox-static");
}

static void add_programs(struct findings *all)
{
	static const struct {
		const char *name, *variable, *purpose;
	} programs[] = {
		{ "mstack-store", UNPACKER_VARIABLE, "images and files of cp are unpacked by it" },
		{ "mstack-fetch", FETCHER_VARIABLE, "images are pulled by it" },
		{ "mstack-net", HELPER_VARIABLE, "names are answered by it" },
	};

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		_cleanup_free_ char *path = program_find(programs[i].name, programs[i].variable);
		bool ok = path && !access(path, X_OK);

		add(all, programs[i].name, ok, true, ok ? "" : programs[i].purpose,
		    "install mstack as a whole: its programs are looked for beside it and in ../libexec/mstack");
	}
}

/* What a file system keeps is asked of a folder that can be had. */
static void add_data_folder(struct findings *all, struct probed *p)
{
	bool ok = store_is_usable(path_data_dir(), p->data, sizeof(p->data));
	bool user = rootless_outside() || rootless_is_user();

	add(all, "data folder", ok, true, p->data,
	    user ? "set XDG_DATA_HOME to a folder of your own, or have this one given back to you"
		 : "set MSTACK_DATA_DIR to a folder that you may write");
	if (!ok)
		return;
	ok = store_keeps_marks(path_data_dir());
	add(all, "attributes in the data folder", ok, false,
	    ok ? "" : "containers cannot remove folders of their images",
	    "set XDG_DATA_HOME or MSTACK_DATA_DIR to a folder on a disk");
}

static json_t *row_of(const struct finding *f)
{
	return json_pack("{s:s, s:b, s:b, s:s, s:s, s:s*}", "Check", f->what, "Ok", f->ok, "Needed",
			 f->needed, "Result",
			 f->ok	     ? "ok"
			 : f->needed ? "MISSING"
				     : "absent",
			 "Why", f->why, "Cure", f->ok ? NULL : f->cure);
}

static void print_cures(const struct findings *all)
{
	bool any = false;

	for (size_t i = 0; i < all->n; i++) {
		const struct finding *f = &all->v[i];

		if (f->ok || !f->cure)
			continue;
		printf("%s  %s: %s\n", any ? "" : "\nWhat to do:\n", f->what, f->cure);
		any = true;
	}
}

/* The rows of what is left are added. */
static int print(const struct cli_options *o, const struct findings *all, const json_t *running,
		 size_t *ret_differ, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "CHECK", "Check" }, { "RESULT", "Result" }, { "REASON", "Why" }, { NULL, NULL }
	};
	json_t *rows = json_array();
	int rc;

	for (size_t i = 0; i < all->n; i++)
		json_array_append_new(rows, row_of(&all->v[i]));
	rc = cli_leftovers(o, running, rows, ret_differ, err);
	if (!rc)
		rc = cli_rows_print(o, rows, columns, err);
	if (!rc && cli_rows_is_table(o))
		print_cures(all);
	json_decref(rows);
	return rc;
}

/* An ordinary user goes in after that, if possible: then the others find what a stack of this user would. */
static bool add_user(struct findings *all, struct probed *p)
{
	size_t n = rootless_probe(p->user, PROBES_MAX);

	for (size_t i = 0; i < n; i++)
		add(all, p->user[i].what, p->user[i].ok, p->user[i].needed, p->user[i].why,
		    *p->user[i].cure ? p->user[i].cure : NULL);
	return rootless_enter(&(struct err){ 0 }) == 0;
}

/* Without groups of one's own, limits hold for processes, and an ordinary user's nodes are those of the host. */
static bool is_of_groups(const char *what)
{
	static const char *const rows[] = { "cgroup v2", "cgroup.kill", "controller ",
					    "device programs" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strncmp(what, rows[i], strlen(rows[i])))
			return true;
	return false;
}

static void add_kernel(struct findings *all, struct probed *p)
{
	size_t n = box_probe(p->box, PROBES_MAX);
	bool user = rootless_is_user();

	for (size_t i = 0; i < n; i++) {
		bool spared = user && is_of_groups(p->box[i].what);

		add(all, p->box[i].what, p->box[i].ok, !spared && is_needed(p->box[i].what),
		    p->box[i].why, p->box[i].cure);
	}
	n = net_probe(p->net, PROBES_MAX);
	for (size_t i = 0; i < n; i++)
		add(all, p->net[i].what, p->net[i].ok, is_needed(p->net[i].what), p->net[i].why,
		    p->net[i].cure);
}

int cli_doctor(const struct cli_options *o, struct err *err)
{
	struct probed *probed = xcalloc(1, sizeof(*probed));
	struct findings all = { 0 };
	json_t *running = rootless_outside() ? json_array() : NULL;
	size_t missing = 0, differ = 0;
	int rc = running ? cli_leftovers_inside(running, err) : 0;

	if (o->fix && rootless_outside())
		cli_end_dead();
	if (!rootless_outside() || add_user(&all, probed))
		add_kernel(&all, probed);
	add_data_folder(&all, probed);
	add_busybox(&all);
	add_programs(&all);
	if (rc == 0)
		rc = print(o, &all, running, &differ, err);
	json_decref(running);
	for (size_t i = 0; i < all.n; i++)
		missing += !all.v[i].ok && all.v[i].needed;
	vec_fini(&all);
	free(probed);
	if (rc < 0)
		return -1;
	if (differ)
		return cli_told(err, ERR_LEFTOVER);
	return missing ? cli_told(err, ERR_RUN) : 0;
}
