/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * doctor: `mstack doctor`, whether this host can run stacks, feature by feature, with the cure. Collects what the rooms
 * find out by trying (in processes of their own, so nothing of the host is touched) and prints it.
 */
#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/table.h"
#include "cli/term.h"
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
	static const char *const optional[] = { "controller ", "id-mapped mounts" };

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

static void print_json(const struct findings *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct finding *f = &all->v[i];
		json_t *o = json_pack("{s:s, s:b, s:b, s:s, s:s*}", "Check", f->what, "Ok", f->ok,
				      "Needed", f->needed, "Why", f->why, "Cure",
				      f->ok ? NULL : f->cure);

		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
	}
}

static void print_table(const struct findings *all)
{
	static const char *const heads[] = { "CHECK", "RESULT", "REASON", NULL };
	struct cli_table *t = cli_table_new(heads);
	bool any = false;

	for (size_t i = 0; i < all->n; i++) {
		const struct finding *f = &all->v[i];

		cli_table_row(t, (const char *const[]){ f->what,
							f->ok	    ? "ok"
							: f->needed ? "MISSING"
								    : "absent",
							f->why });
	}
	cli_table_print(t);
	for (size_t i = 0; i < all->n; i++) {
		const struct finding *f = &all->v[i];

		if (f->ok || !f->cure)
			continue;
		printf("%s  %s: %s\n", any ? "" : "\nWhat to do:\n", f->what, f->cure);
		any = true;
	}
}

int cli_doctor(const struct cli_options *o, struct err *err)
{
	struct box_probe box[PROBES_MAX];
	struct net_probe net[PROBES_MAX];
	struct findings all = { 0 };
	size_t n = box_probe(box, PROBES_MAX), missing = 0;

	for (size_t i = 0; i < n; i++)
		add(&all, box[i].what, box[i].ok, is_needed(box[i].what), box[i].why, box[i].cure);
	n = net_probe(net, PROBES_MAX);
	for (size_t i = 0; i < n; i++)
		add(&all, net[i].what, net[i].ok, is_needed(net[i].what), net[i].why, net[i].cure);
	add_busybox(&all);
	if (o->format && !strcmp(o->format, "json"))
		print_json(&all);
	else
		print_table(&all);
	for (size_t i = 0; i < all.n; i++)
		missing += !all.v[i].ok && all.v[i].needed;
	vec_fini(&all);
	return missing ? cli_told(err, ERR_RUN) : 0;
}
