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
#include "cli/rows.h"
#include "cli/term.h"
#include "mstack/base_program.h"
#include "mstack/box.h"
#include "mstack/net.h"
#include "mstack/store.h"

#define PROBES_MAX 64

struct finding {
	const char *what, *why, *cure;
	bool ok, needed; /* needed: by every stack */
};

struct findings VEC(struct finding);

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
static int print(const struct cli_options *o, const struct findings *all, size_t *ret_differ,
		 struct err *err)
{
	static const struct cli_column columns[] = {
		{ "CHECK", "Check" }, { "RESULT", "Result" }, { "REASON", "Why" }, { NULL, NULL }
	};
	json_t *rows = json_array();
	int rc;

	for (size_t i = 0; i < all->n; i++)
		json_array_append_new(rows, row_of(&all->v[i]));
	rc = cli_leftovers(o, rows, ret_differ, err);
	if (!rc)
		rc = cli_rows_print(o, rows, columns, err);
	if (!rc && cli_rows_is_table(o))
		print_cures(all);
	json_decref(rows);
	return rc;
}

int cli_doctor(const struct cli_options *o, struct err *err)
{
	struct box_probe box[PROBES_MAX];
	struct net_probe net[PROBES_MAX];
	struct findings all = { 0 };
	size_t n = box_probe(box, PROBES_MAX), missing = 0, differ = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		add(&all, box[i].what, box[i].ok, is_needed(box[i].what), box[i].why, box[i].cure);
	n = net_probe(net, PROBES_MAX);
	for (size_t i = 0; i < n; i++)
		add(&all, net[i].what, net[i].ok, is_needed(net[i].what), net[i].why, net[i].cure);
	add_busybox(&all);
	add_programs(&all);
	rc = print(o, &all, &differ, err);
	for (size_t i = 0; i < all.n; i++)
		missing += !all.v[i].ok && all.v[i].needed;
	vec_fini(&all);
	if (rc < 0)
		return -1;
	if (differ)
		return cli_told(err, ERR_LEFTOVER);
	return missing ? cli_told(err, ERR_RUN) : 0;
}
