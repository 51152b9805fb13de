/* SPDX-License-Identifier: GPL-2.0-or-later */
/* life: see life.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/sup/life.h"

enum { LIFE_MS = 60000 };

char life_dir[64];

int life_setup(void **state)
{
	char path[96];

	(void)state;
	/* Links for `ip netns` are made in /run: in one of our own. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("run", "/run", "tmpfs", 0, NULL) < 0)
		return -1;
	snprintf(life_dir, sizeof(life_dir), "/tmp/mstack-sup-XXXXXX");
	if (!mkdtemp(life_dir))
		return -1;
	snprintf(path, sizeof(path), "%s/run", life_dir);
	setenv("MSTACK_RUN_DIR", path, 1);
	snprintf(path, sizeof(path), "%s/data", life_dir);
	setenv("MSTACK_DATA_DIR", path, 1);
	return 0;
}

int life_teardown(void **state)
{
	(void)state;
	return path_remove_tree(AT_FDCWD, life_dir);
}

void life_say(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	struct life *l = arg;

	(void)kind;
	buf_printf(&l->said, "%s: %s\n", slot ? slot : "-", text);
}

static void line(void *arg, const char *slot, const struct logs_line *log)
{
	struct life *l = arg;

	buf_printf(&l->lines, "%s: %.*s\n", slot, (int)log->len, log->text);
}

void life_up(void *arg, const struct err *err)
{
	struct life *l = arg;

	l->ups++;
	l->up_failed = err != NULL;
	if (!err && l->signo)
		kill(getpid(), l->signo);
}

struct stack *life_load(const char *yaml, struct stack_diags *diags)
{
	char path[96];
	const char *paths[] = { path };
	const char *env[] = { NULL };
	struct stack_opts opts = { .paths = paths, .n_paths = 1, .project_name = "t", .env = env };
	struct stack *stack = NULL;
	struct err err = { 0 };
	struct buf text = { 0 };

	snprintf(path, sizeof(path), "%s/stack.yaml", life_dir);
	assert_int_equal(file_replace(AT_FDCWD, path, yaml, strlen(yaml), 0600), 0);
	if (stack_load(&opts, &stack, diags, &err) != 0) {
		stack_diags_print(diags, false, &text);
		fail_msg("%s%s", err.text, buf_str(&text));
	}
	return stack;
}

void live(struct life *l, const char *yaml, const struct fake_slot *slots, size_t n)
{
	struct stack_diags *diags = stack_diags_new();
	struct stack *stack = life_load(yaml, diags);

	l->world.slots = slots;
	l->world.n_slots = n;
	l->world.log_root = life_dir;
	fake_world = &l->world;
	l->opts.stack = stack;
	l->opts.diags = diags;
	l->opts.hooks = (struct sup_hooks){
		.arg = l, .say = l->said_by ? l->said_by : life_say, .line = line, .up = life_up
	};
	alarm(LIFE_MS / 1000);
	l->rc = sup_run(&l->opts, &l->exit_code, &l->err);
	alarm(0);
	stack_free(stack);
	stack_diags_free(diags);
	assert_int_equal(l->world.alive, 0);
	if (!l->bystanders)
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child of ours is left */
}

struct life new_life(void)
{
	return (struct life){ .opts = { .foreground = true, .timeout_ms = -1 }, .exit_code = -1 };
}

void end_life(struct life *l)
{
	char path[96];

	buf_fini(&l->world.log);
	buf_fini(&l->said);
	buf_fini(&l->lines);
	snprintf(path, sizeof(path), "%s/run", life_dir);
	assert_int_equal(access(path, F_OK), -1); /* nothing is left in the run-time folder */
}
