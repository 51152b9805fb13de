/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * life: a supervisor on made-up rooms, from text to the last event, as the tests of sup share it.
 */
#ifndef TESTS_SUP_LIFE_H
#define TESTS_SUP_LIFE_H

#include "fake/fake.h"
#include "mstack/sup.h"

struct life {
	struct fake_world world;
	struct sup_opts opts;
	struct buf said;  /* a line for each of say, with the slot's name */
	struct buf lines; /* what the logs got */
	int ups;	  /* calls of the up hook */
	bool up_failed;
	void (*said_by)(void *arg, enum sup_say kind, const char *slot, const char *text); /* NULL: life_say */
	bool bystanders; /* other children of ours go on */
	int signo; /* sent to ourselves when everything is up */
	int exit_code, rc;
	struct err err;
};

/* Folder of run-time files and data, made by life_setup and removed by life_teardown (of the group). */
extern char life_dir[64];
int life_setup(void **state);
int life_teardown(void **state);

struct life new_life(void);
struct stack *life_load(const char *yaml, struct stack_diags *diags);
/* One life, in this process: the guard is a real fork and must be gone at the end. */
void live(struct life *l, const char *yaml, const struct fake_slot *slots, size_t n);
/* Nothing of it may be left. */
void end_life(struct life *l);

/* Hooks. */
void life_say(void *arg, enum sup_say kind, const char *slot, const char *text);
void life_up(void *arg, const struct err *err);

#endif
