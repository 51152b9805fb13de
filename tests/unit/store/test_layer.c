/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layer: made and entered, kept over a restart, removed by the ledger and nowhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

static const struct ledger_kind *const *const kinds[] = { store_ledger_kinds, ledger_kinds, NULL };

static struct ledger *open_ledger(const struct scratch *s)
{
	_cleanup_free_ char *path = scratch_path(s, "ledger");
	struct err err = { 0 };
	struct ledger *l = ledger_open(path, true, kinds, &err);

	if (!l || ledger_lock(l, 0, NULL, &err))
		fail_msg("%s", err.text);
	return l;
}

/* Makes the layer of a slot and checks where it is. */
static void make(const struct scratch *s, struct ledger *l, const char *project, const char *slot)
{
	_cleanup_free_ char *want_upper =
		xasprintf("%s/projects/%s/slots/%s/upper", s->data, project, slot);
	_cleanup_free_ char *want_work =
		xasprintf("%s/projects/%s/slots/%s/work", s->data, project, slot);
	_cleanup_free_ char *upper = NULL, *work = NULL;
	struct err err = { 0 };

	if (store_slot_layer(s->store, project, slot, l, 0, &upper, &work, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(upper, want_upper);
	assert_string_equal(work, want_work);
	assert_true(is_there(upper) && is_there(work));
}

static void undo(struct ledger *l)
{
	struct err err = { 0 };

	if (ledger_undo(l, 1000, NULL, NULL, &err))
		fail_msg("%s", err.text);
}

/* One goes before the others, and is made anew with nothing in it. */
static void test_drop(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *file = scratch_path(s, "data/projects/lab/slots/web-1/upper/etc/x");
	_cleanup_free_ char *other = scratch_path(s, "data/projects/lab/slots/web-2/upper/y");
	struct ledger *l = open_ledger(s);
	struct err err = { 0 };

	make(s, l, "lab", "web-1");
	make(s, l, "lab", "web-2");
	scratch_text(s, "data/projects/lab/slots/web-1/upper/etc/x", "written");
	scratch_text(s, "data/projects/lab/slots/web-2/upper/y", "kept");
	assert_int_equal(store_slot_layer_drop(s->store, "lab", "web-1", l, &err), 0);
	assert_false(is_there(file));
	assert_int_equal(store_slot_layer_drop(s->store, "lab", "web-1", l, &err), 0);
	make(s, l, "lab", "web-1");
	assert_false(is_there(file));
	assert_true(is_there(other));
	undo(l);
	ledger_close(l);
}

static void test_life(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *project = scratch_path(s, "data/projects/lab");
	_cleanup_free_ char *file = scratch_path(s, "data/projects/lab/slots/web-1/upper/etc/x");
	struct ledger *l = open_ledger(s);
	const struct ledger_item *item;

	make(s, l, "lab", "web-1");
	scratch_text(s, "data/projects/lab/slots/web-1/upper/etc/x", "written");
	make(s, l, "lab", "web-2");
	item = ledger_next(l, "layer", NULL);
	assert_int_equal(item->state, LEDGER_DONE);
	assert_non_null(ledger_next(l, "layer", item));
	/* Again, also after a restart of the supervisor: the same, with its content. */
	make(s, l, "lab", "web-1");
	ledger_close(l);
	l = open_ledger(s);
	make(s, l, "lab", "web-1");
	assert_true(is_there(file));
	item = ledger_next(l, "layer", ledger_next(l, "layer", NULL));
	assert_null(ledger_next(l, "layer", item));
	undo(l);
	assert_false(is_there(project));
	ledger_close(l);
}

static void test_logs_stay(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *slots = scratch_path(s, "data/projects/lab/slots");
	_cleanup_free_ char *log = scratch_path(s, "data/projects/lab/logs/web-1/0001");
	struct ledger *l = open_ledger(s);

	make(s, l, "lab", "web-1");
	scratch_text(s, "data/projects/lab/logs/web-1/0001", "a line");
	undo(l);
	assert_false(is_there(slots));
	assert_true(is_there(log));
	ledger_close(l);
}

/* What a container leaves in its layer: links out, folders without rights, deep trees. */
static void test_hostile_content(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *outside = scratch_path(s, "outside/precious"),
			    *out = scratch_path(s, "outside");
	_cleanup_free_ char *link = scratch_path(s, "data/projects/lab/slots/web-1/upper/link");
	_cleanup_free_ char *closed = scratch_path(s, "data/projects/lab/slots/web-1/work/work");
	_cleanup_free_ char *project = scratch_path(s, "data/projects/lab"), *deep = NULL,
			    *aside = scratch_path(s, "data/gone");
	struct ledger *l = open_ledger(s);

	make(s, l, "lab", "web-1");
	scratch_text(s, "outside/precious", "x");
	assert_int_equal(symlink(out, link), 0);
	assert_int_equal(mkdir(closed, 0), 0);
	deep = xasprintf(
		"cd %s/projects/lab/slots/web-1/upper && for i in $(seq 200); do mkdir dddddddddddddddd && "
		"cd dddddddddddddddd || exit 1; done",
		s->data);
	assert_int_equal(system(deep), 0);
	undo(l);
	assert_false(is_there(project));
	/* Nobody has to wait for its removal. */
	assert_true(is_there(aside));
	store_sweep();
	assert_false(is_there(aside));
	assert_true(is_there(outside));
	ledger_close(l);
}

/* The slot's folder was swapped for another one, or the ledger names a place that is none of ours. */
static void test_foreign(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *slot = scratch_path(s, "data/projects/lab/slots/web-1");
	_cleanup_free_ char *away = scratch_path(s, "away"),
			    *volume = scratch_path(s, "data/volumes/db");
	struct ledger *l = open_ledger(s);
	struct err err = { 0 };

	make(s, l, "lab", "web-1");
	assert_int_equal(rename(slot, away) | mkdir(slot, 0755), 0);
	assert_int_equal(ledger_undo(l, 100, NULL, NULL, &err), 1);
	assert_true(is_there(slot));

	assert_int_equal(mkdir(volume, 0755), 0);
	assert_int_not_equal(ledger_intend(l, "layer", 0, volume, &err), 0);
	assert_int_equal(ledger_undo(l, 100, NULL, NULL, &err), 1);
	assert_non_null(strstr(err.text, "not a slot's layer"));
	assert_true(is_there(volume));
	ledger_close(l);
}

/* Killed between entering and making, or after the folder was made: the next one carries on, undo removes. */
static void test_half_made(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *slot = scratch_path(s, "data/projects/lab/slots/web-1");
	_cleanup_free_ char *slots = scratch_path(s, "data/projects/lab/slots");
	_cleanup_free_ char *project = scratch_path(s, "data/projects/lab");
	struct ledger *l = open_ledger(s);
	struct err err = { 0 };

	assert_int_not_equal(ledger_intend(l, "layer", 0, slot, &err), 0);
	undo(l);
	assert_int_not_equal(ledger_intend(l, "layer", 0, slot, &err), 0);
	assert_int_equal(path_mkdirs(AT_FDCWD, slot, 0755), 0);
	make(s, l, "lab", "web-1");
	undo(l);
	assert_false(is_there(project));
	/* Killed on the way to it: the folders above it, or one of them, are there for nothing. */
	for (int i = 0; i < 2; i++) {
		assert_int_not_equal(ledger_intend(l, "layer", 0, slot, &err), 0);
		assert_int_equal(path_mkdirs(AT_FDCWD, i ? slots : project, 0755), 0);
		undo(l);
		assert_false(is_there(project));
	}
	/* The ledger was lost: the folder is taken over. */
	assert_int_equal(path_mkdirs(AT_FDCWD, slot, 0755), 0);
	make(s, l, "lab", "web-1");
	undo(l);
	assert_false(is_there(project));
	ledger_close(l);
}

/* As a boot does: the ledger is gone, the folders are not. */
static void test_find(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *ours = scratch_path(s, "data/projects/lab/slots"),
			    *theirs = scratch_path(s, "data/projects/lab-2/slots/web-1/upper"),
			    *log = scratch_path(s, "data/projects/lab/logs/web-1/0001");
	struct ledger *l = open_ledger(s);
	struct err err = { 0 };

	assert_int_equal(store_find("lab", l, &err), 0);
	make(s, l, "lab", "web-1");
	make(s, l, "lab", "web-2");
	make(s, l, "lab-2", "web-1");
	scratch_text(s, "data/projects/lab/logs/web-1/0001", "a line");
	while (ledger_next(l, NULL, NULL))
		assert_int_equal(ledger_gone(l, ledger_next(l, NULL, NULL)->id, &err), 0);
	assert_int_equal(store_find("lab", NULL, &err), 1);
	assert_null(ledger_next(l, NULL, NULL));
	assert_int_equal(store_find("lab", l, &err), 1);
	undo(l);
	assert_false(is_there(ours));
	assert_true(is_there(theirs));
	assert_true(is_there(log));
	assert_int_equal(store_find("lab", l, &err), 0);
	assert_int_equal(store_find("../lab-2", l, &err), -1);
	ledger_close(l);
}

static void test_names(void **state)
{
	struct scratch *s = *state;
	struct ledger *l = open_ledger(s);
	struct err err = { 0 };
	char *upper, *work;

	assert_int_equal(store_slot_layer(s->store, "..", "web", l, 0, &upper, &work, &err), -1);
	assert_int_equal(store_slot_layer(s->store, "lab", "../../x", l, 0, &upper, &work, &err),
			 -1);
	assert_null(ledger_next(l, NULL, NULL));
	ledger_close(l);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_life),      TEST(test_drop),
		TEST(test_logs_stay), TEST(test_hostile_content),
		TEST(test_foreign),   TEST(test_half_made),
		TEST(test_names),     TEST(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
