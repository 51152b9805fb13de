/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinds: what the ledger needs to undo for this room: cgroups, ranges of ids, and processes without a group. Called by the ledger only, also by a
 * process that has no runtime (the guard, `down` after a crash), so nothing here may need one.
 *
 *	kind		key		identity	removed by
 *	cgroup		path		inode		cgroup.kill, rmdir from the bottom up
 *	cgroup-top	path		inode		rmdir by the last stack that leaves
 *	ids		first:project	the name	unlink of its mark
 *	process		see ungrouped.h
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/ids.h"
#include "box/ungrouped.h"

static int same(const struct ledger_item *item)
{
	struct stat st;

	if (stat(item->key, &st) < 0)
		return -1;
	/* Before it was confirmed only the name is known, which is ours alone. */
	return item->state == LEDGER_INTENT || st.st_ino == item->ident[0];
}

static int kill_all(const struct ledger_item *item)
{
	_cleanup_fd_ int fd = open(item->key, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	return cgroup_populated(fd) ? cgroup_kill(fd) : 0;
}

/* The dying take a moment, in which rmdir says EBUSY: the ledger comes again. */
static int destroy(const struct ledger_item *item, struct err *err)
{
	int rc = kill_all(item);

	if (!rc)
		rc = cgroup_remove(item->key);
	return rc < 0 ? err_sys(err, errno, "remove cgroup '%s'", item->key) : rc;
}

/* All are killed before the first one is waited for. */
static int destroy_all(const struct ledger_item *const *items, size_t n, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		kill_all(items[i]);
	for (size_t i = n; i-- > 0;)
		if (cgroup_remove(items[i]->key) < 0)
			rc = err_sys(err, errno, "remove cgroup '%s'", items[i]->key);
	return rc;
}

/* With groups of other stacks below it (each is a link more than the two of a folder) it is theirs to remove. */
static int same_top(const struct ledger_item *item)
{
	struct stat st;

	if (stat(item->key, &st) < 0 || st.st_nlink > 2)
		return -1;
	return item->state == LEDGER_INTENT || st.st_ino == item->ident[0];
}

static int destroy_top(const struct ledger_item *item, struct err *err)
{
	if (!rmdir(item->key) || errno == EBUSY || errno == ENOTEMPTY)
		return 0;
	return errno == ENOENT ? 1 : err_sys(err, errno, "remove cgroup '%s'", item->key);
}

static const struct ledger_kind cgroup = {
	.name = CGROUP_KIND,
	.same = same,
	.destroy = destroy,
	.destroy_all = destroy_all,
	.flags = LEDGER_HOST_WIDE,
};

static const struct ledger_kind cgroup_top = {
	.name = CGROUP_TOP_KIND,
	.same = same_top,
	.destroy = destroy_top,
	.flags = LEDGER_HOST_WIDE,
};

const struct ledger_kind *const box_ledger_kinds[] = { &cgroup, &cgroup_top, &ids_kind,
						       &ungrouped_kind, NULL };
