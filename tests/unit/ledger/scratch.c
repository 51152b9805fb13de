/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scratch: see scratch.h. Used by the tests of this room.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/ledger/scratch.h"

int scratch_make(void **state)
{
	struct scratch *s = xcalloc(1, sizeof(*s));

	strcpy(s->run, "/tmp/mstack-ledger-run-XXXXXX");
	strcpy(s->data, "/tmp/mstack-ledger-data-XXXXXX");
	if (!mkdtemp(s->run) || !mkdtemp(s->data))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/ledger", s->run);
	setenv("MSTACK_RUN_DIR", s->run, 1);
	setenv("MSTACK_DATA_DIR", s->data, 1);
	*state = s;
	return 0;
}

int scratch_remove(void **state)
{
	struct scratch *s = *state;
	int rc = path_remove_tree(AT_FDCWD, s->run) | path_remove_tree(AT_FDCWD, s->data);

	free(s);
	return rc;
}

char *scratch_path(const struct scratch *s, const char *name)
{
	return xasprintf("%s/%s", s->run, name);
}

struct ledger *scratch_ledger(const struct scratch *s,
			      const struct ledger_kind *const *const *kinds)
{
	struct err err = { 0 };
	struct ledger *l = ledger_open(s->path, true, kinds, &err);

	if (!l || ledger_lock(l, 0, NULL, &err))
		fail_msg("%s", err.text);
	return l;
}

size_t ledger_count(const struct ledger *l)
{
	size_t n = 0;

	for (const struct ledger_item *i = NULL; (i = ledger_next(l, NULL, i));)
		n++;
	return n;
}

bool is_there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

void touch(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
}
