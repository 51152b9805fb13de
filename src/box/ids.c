/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ids: see ids.h. The arithmetic is pure; the lease is a symbolic link, because that is made or refused in one step and
 * needs no lock. The ledger's key is "FIRST:PROJECT", from which the link's place follows.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/ids.h"

#define VARIABLE "MSTACK_ID_POOL"
/* No project's name begins with a dot. */
#define FOLDER "%s/.ids"
/* Between making the folder and the link in it, the last one out may remove the folder. */
#define TRIES 100

/* ---- the pool -------------------------------------------------------------------------------- */

static int parse_number(const char **text, uint64_t *ret)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -1;
	errno = 0;
	*ret = strtoull(*text, &end, 10);
	*text = end;
	return errno ? -1 : 0;
}

int ids_pool_parse(const char *text, struct ids_pool *ret, struct err *err)
{
	const char *at = text;
	uint64_t first, count;

	if (!text || !*text) {
		*ret = (struct ids_pool){ IDS_POOL_FIRST, IDS_POOL_RANGES };
		return 0;
	}
	if (parse_number(&at, &first) < 0 || *at++ != ':' || parse_number(&at, &count) < 0 || *at)
		return err_set(err, VARIABLE " '%s': write FIRST:COUNT, as in '%u:%u'", text,
			       IDS_POOL_FIRST, IDS_POOL_RANGES * IDS_SIZE);
	if (first < IDS_SIZE)
		return err_set(err,
			       VARIABLE " '%s': ids below %u are those of the host's own users",
			       text, IDS_SIZE);
	if (count < IDS_SIZE)
		return err_set(err, VARIABLE " '%s': a stack needs %u ids", text, IDS_SIZE);
	/* The last number means "no id". */
	if (first >= UINT32_MAX || count > UINT32_MAX - first)
		return err_set(err, VARIABLE " '%s': ids end at %u", text, UINT32_MAX - 1);
	*ret = (struct ids_pool){ (uint32_t)first, (uint32_t)(count / IDS_SIZE) };
	return 0;
}

uint32_t ids_choose(const struct ids_pool *pool, const char *project, uint32_t nr)
{
	uint64_t at = hash64_str(project) % pool->ranges + nr;

	return pool->first + (uint32_t)(at % pool->ranges) * IDS_SIZE;
}

/* ---- leases ---------------------------------------------------------------------------------- */

static char *link_path(uint32_t first)
{
	return xasprintf(FOLDER "/%" PRIu32, path_run_dir(), first);
}

/* Does this link lead to the project? -1: there is none. */
static int is_held_by(const char *path, const char *project)
{
	char owner[256];
	ssize_t n = readlink(path, owner, sizeof(owner) - 1);

	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? -1 : 0;
	owner[n] = '\0';
	return !strcmp(owner, project);
}

/* 0 ours, 1 another stack's, -1 with errno. */
static int make_link(const char *project, uint32_t first)
{
	_cleanup_free_ char *folder = xasprintf(FOLDER, path_run_dir()), *path = link_path(first);

	for (int i = 0; i < TRIES; i++) {
		int held;

		if (path_mkdirs(AT_FDCWD, folder, 0700) < 0)
			return -1;
		if (!symlink(project, path))
			return 0;
		if (errno != EEXIST && errno != ENOENT)
			return -1;
		held = errno == EEXIST ? is_held_by(path, project) : -1;
		if (held >= 0)
			return !held;
	}
	return -1;
}

static int try_range(const char *project, uint32_t first, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *key = xasprintf("%" PRIu32 ":%s", first, project);
	uint32_t item = ledger_intend(l, IDS_KIND, 0, key, err);
	int rc;

	if (!item)
		return -1;
	rc = make_link(project, first);
	if (rc < 0)
		return err_sys(err, errno, "ids %u to %u: mark them as taken in '%s'", first,
			       first + IDS_SIZE - 1, path_run_dir());
	if ((rc ? ledger_gone(l, item, err) : ledger_done(l, item, 0, 0, err)) < 0)
		return -1;
	return rc;
}

int ids_lease(const char *project, struct ledger *l, uint32_t *ret_first, struct err *err)
{
	struct ids_pool pool;
	int rc = 1;

	if (ids_pool_parse(getenv(VARIABLE), &pool, err) < 0)
		return -1;
	for (uint32_t i = 0; rc == 1 && i < pool.ranges; i++) {
		*ret_first = ids_choose(&pool, project, i);
		rc = try_range(project, *ret_first, l, err);
	}
	if (rc == 1)
		return err_set(
			err,
			"ids for the stack's containers: all %u ranges of the pool are taken by "
			"running stacks; give it more with " VARIABLE "=FIRST:COUNT",
			pool.ranges);
	return rc;
}

int ids_find(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *folder = xasprintf(FOLDER, path_run_dir());
	_cleanup_closedir_ DIR *dir = opendir(folder);
	const struct dirent *e;
	int found = 0;

	while (dir && (e = readdir(dir))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", folder, e->d_name);
		_cleanup_free_ char *key = xasprintf("%s:%s", e->d_name, project);

		if (is_held_by(path, project) != 1)
			continue;
		if (l && !ledger_intend(l, IDS_KIND, 0, key, err))
			return -1;
		found = 1;
	}
	return found;
}

void ids_projects(void (*found)(void *arg, const char *project), void *arg)
{
	_cleanup_free_ char *folder = xasprintf(FOLDER, path_run_dir());
	_cleanup_closedir_ DIR *dir = opendir(folder);
	const struct dirent *e;
	char owner[256];
	ssize_t n;

	while (dir && (e = readdir(dir))) {
		n = readlinkat(dirfd(dir), e->d_name, owner, sizeof(owner) - 1);
		if (n <= 0)
			continue;
		owner[n] = '\0';
		found(arg, owner);
	}
}

/* ---- the ledger's kind ----------------------------------------------------------------------- */

/* The link of a key; NULL when it is none. *ret_project points into the key. */
static char *parse_key(const char *key, const char **ret_project)
{
	const char *at = key;
	uint64_t first;

	if (parse_number(&at, &first) < 0 || first > UINT32_MAX || *at != ':')
		return NULL;
	*ret_project = at + 1;
	return link_path((uint32_t)first);
}

static int same(const struct ledger_item *item)
{
	const char *project;
	_cleanup_free_ char *path = parse_key(item->key, &project);

	/* Another stack's means that ours was never made. */
	return path && is_held_by(path, project) == 1 ? 1 : -1;
}

/* Fails as long as other stacks have theirs. */
static void tidy(const struct ledger_item *item)
{
	_cleanup_free_ char *folder = xasprintf(FOLDER, path_run_dir());

	(void)item;
	rmdir(folder);
}

static int destroy(const struct ledger_item *item, struct err *err)
{
	const char *project;
	_cleanup_free_ char *path = parse_key(item->key, &project);

	if (!path)
		return err_set(err, "ids '%s': not a range", item->key);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "remove '%s'", path);
	tidy(item);
	return 0;
}

const struct ledger_kind ids_kind = {
	.name = IDS_KIND,
	.same = same,
	.destroy = destroy,
	.tidy = tidy,
	.flags = LEDGER_SURVIVES_BOOT,
};
