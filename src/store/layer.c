/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layer: the writable layer of a slot, one folder with `upper` and `work` in it, entered in the
 * ledger as one item of the kind "layer". Called by the supervisor when it makes a slot, and by
 * the ledger when it is undone. Removes nothing but what lies beneath the data folder's projects.
 *
 * A layer may hold a million files, and nobody should wait for their removal: undoing puts it aside under no name of
 * anybody's, which takes no time, and a sweep removes all that was put aside, by whomever.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define ASIDE	    "gone"
#define ASIDE_TRIES 8
#define DROP_MS	    1000

/* ---- the ledger's kind ----------------------------------------------------------------------- */

/* A layer is a folder whose place is known better: the ledger's own kind does the careful part. */
static const struct ledger_kind *folder_kind(void)
{
	const struct ledger_kind *const *k = ledger_kinds;

	while (strcmp((*k)->name, "folder"))
		k++;
	return *k;
}

static bool is_placed(const char *key)
{
	_cleanup_free_ char *projects = xasprintf("%s/projects/", path_data_dir());

	return !strncmp(key, projects, strlen(projects));
}

static int layer_same(const struct ledger_item *item)
{
	/* Elsewhere: that is for destroy to complain about. */
	return is_placed(item->key) ? folder_kind()->same(item) : 1;
}

/* The folders above hold other slots and logs; the last slot takes those that are empty along. */
static void remove_empty_above(const char *key)
{
	_cleanup_free_ char *path = xstrdup(key);

	for (int i = 0; i < 2; i++) {
		*strrchr(path, '/') = '\0';
		if (rmdir(path) < 0 && errno != ENOENT)
			return;
	}
}

/*
 * Named by its number, which no other folder has as long as it is there. A sweep may take the folder of all away just before
 * the renaming. 0, or -1: then it is removed where it is.
 */
int store_put_aside(const char *key)
{
	_cleanup_free_ char *aside = xasprintf("%s/" ASIDE, path_data_dir()), *to = NULL;
	struct stat st;

	if (lstat(key, &st) < 0 || !S_ISDIR(st.st_mode))
		return -1;
	to = xasprintf("%s/%llu", aside, (unsigned long long)st.st_ino);
	for (int i = 0; i < ASIDE_TRIES; i++) {
		if (mkdir(aside, 0700) < 0 && errno != EEXIST)
			return -1;
		if (!rename(key, to))
			return 0;
		if (errno != ENOENT)
			return -1;
	}
	return -1;
}

void store_sweep(void)
{
	_cleanup_free_ char *aside = xasprintf("%s/" ASIDE, path_data_dir());

	/* What comes meanwhile, or cannot go, is the next one's. */
	(void)path_remove_tree(AT_FDCWD, aside);
}

static int layer_destroy(const struct ledger_item *item, struct err *err)
{
	int rc;

	if (!is_placed(item->key))
		return err_set(err, "remove '%s': not a slot's layer in '%s'", item->key,
			       path_data_dir());
	rc = store_put_aside(item->key) < 0 ? folder_kind()->destroy(item, err) : 0;
	if (rc >= 0)
		remove_empty_above(item->key);
	return rc;
}

static void layer_tidy(const struct ledger_item *item)
{
	remove_empty_above(item->key);
}

static const struct ledger_kind layer = {
	.name = "layer",
	.same = layer_same,
	.destroy = layer_destroy,
	.tidy = layer_tidy,
	.flags = LEDGER_SURVIVES_BOOT,
};

const struct ledger_kind *const store_ledger_kinds[] = { &layer, NULL };

/* ---- a lost ledger --------------------------------------------------------------------------- */

int store_find(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *slots = xasprintf("%s/projects/%s/slots", path_data_dir(), project);
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	int found = 0;

	if (store_name_check("project", project, err) < 0)
		return -1;
	dir = opendir(slots);
	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, errno, "open '%s'", slots);
	while ((e = readdir(dir))) {
		_cleanup_free_ char *key = xasprintf("%s/%s", slots, e->d_name);

		if (e->d_name[0] == '.')
			continue;
		if (l && !ledger_intend(l, "layer", 0, key, err))
			return -1;
		found = 1;
	}
	return found;
}

void store_projects(void (*found)(void *arg, const char *project), void *arg)
{
	_cleanup_free_ char *projects = xasprintf("%s/projects", path_data_dir());
	_cleanup_closedir_ DIR *dir = opendir(projects);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		_cleanup_free_ char *slots = xasprintf("%s/%s/slots", projects, e->d_name);

		if (e->d_name[0] != '.' && !access(slots, F_OK))
			found(arg, e->d_name);
	}
}

/* ---- making ---------------------------------------------------------------------------------- */

/* `upper` is the last: who finds it there after a death finds all. */
static int make_folders(const struct store *s, const char *slot_path)
{
	_cleanup_free_ char *upper = xasprintf("%s/upper", slot_path),
			    *work = xasprintf("%s/work", slot_path);

	return path_mkdirs(s->fd, work, 0700) < 0 || path_mkdirs(s->fd, upper, 0755) < 0 ? -1 : 0;
}

/* Enters the slot's folder unless it is entered and there. Returns its id, 0 with err. */
static uint32_t enter(struct ledger *ledger, uint32_t parent, const char *key, bool *ret_known,
		      struct err *err)
{
	const struct ledger_item *item = ledger_find(ledger, "layer", key);

	*ret_known = item && item->state == LEDGER_DONE && folder_kind()->same(item) == 1;
	if (*ret_known)
		return item->id;
	/* What was entered is not there any more, or something else is: it is ours from now on. */
	if (item && ledger_gone(ledger, item->id, err) < 0)
		return 0;
	return ledger_intend(ledger, "layer", parent, key, err);
}

int store_slot_layer(struct store *s, const char *project, const char *slot, struct ledger *ledger,
		     uint32_t parent, char **ret_upper, char **ret_work, struct err *err)
{
	_cleanup_free_ char *inner = xasprintf("projects/%s/slots/%s", project, slot);
	_cleanup_free_ char *key = xasprintf("%s/%s", s->dir, inner);
	uint32_t id;
	bool known;

	if (store_name_check("project", project, err) < 0 ||
	    store_name_check("slot", slot, err) < 0)
		return -1;
	id = enter(ledger, parent, key, &known, err);
	if (!id)
		return err_wrap(err, "layer of '%s'", slot);
	if (make_folders(s, inner) < 0)
		return err_sys(err, errno, "layer of '%s': make '%s'", slot, key);
	if (!known && ledger_done_path(ledger, id, err) < 0)
		return err_wrap(err, "layer of '%s'", slot);
	*ret_upper = xasprintf("%s/upper", key);
	*ret_work = xasprintf("%s/work", key);
	return 0;
}

int store_slot_layer_drop(const struct store *s, const char *project, const char *slot,
			  struct ledger *ledger, struct err *err)
{
	_cleanup_free_ char *key = xasprintf("%s/projects/%s/slots/%s", s->dir, project, slot);
	const struct ledger_item *item = ledger_find(ledger, "layer", key);

	if (item && ledger_undo_item(ledger, item->id, DROP_MS, err) < 0)
		return err_wrap(err, "layer of '%s'", slot);
	return 0;
}
