/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_tree: where the stack's groups live. Finds cgroup v2 by the mount table (it may stand
 * beside v1), decides between our own group, when systemd delegated it to us, and /mstack at the
 * top, and hands the controllers down. Called by box_open and the probes of doctor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/mountinfo.h"
#include "mstack/base_level.h"

#define GROUP_PIDS_MAX (1 << 20) /* bytes of cgroup.procs */
#define MAKE_TRIES     10

#define ALWAYS (BOX_WANT_MEMORY | BOX_WANT_CPU | BOX_WANT_PIDS)

/* ---- what there is --------------------------------------------------------------------------- */

int cgroup_find_mount(char **ret, struct err *err)
{
	_cleanup_(buf_fini) struct buf table = { 0 };
	char *line, *rest, *at;

	if (mountinfo_read(&table, err) < 0)
		return -1;
	for (rest = table.data; (line = strsep(&rest, "\n"));) {
		if (!strstr(line, " - cgroup2 "))
			continue;
		at = mountinfo_point(line);
		if (at) {
			*ret = xstrdup(at);
			return 0;
		}
	}
	return err_set(
		err,
		"find cgroup v2: it is not mounted: boot with "
		"systemd.unified_cgroup_hierarchy=1, or `mount -t cgroup2 none /sys/fs/cgroup`");
}

static const struct {
	unsigned one;
	const char *name;
} controllers[] = {
	{ BOX_WANT_MEMORY, "memory" }, { BOX_WANT_CPU, "cpu" },	      { BOX_WANT_PIDS, "pids" },
	{ BOX_WANT_IO, "io" },	       { BOX_WANT_CPUSET, "cpuset" },
};

const char *cgroup_controller_name(unsigned one)
{
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
		if (controllers[i].one == one)
			return controllers[i].name;
	return "";
}

unsigned cgroup_controllers(const char *path, const char *name)
{
	_cleanup_free_ char *file = xasprintf("%s/%s", path, name);
	_cleanup_(buf_fini) struct buf text = { 0 };
	char *save = NULL;
	unsigned have = 0;

	if (file_read(AT_FDCWD, file, 4096, &text) < 0 || !text.data)
		return 0;
	for (char *w = strtok_r(text.data, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
		for (size_t i = 0; i < ARRAY_LEN(controllers); i++)
			if (!strcmp(w, controllers[i].name))
				have |= controllers[i].one;
	return have;
}

/* The line of /proc/cgroups: name, hierarchy (0: v2 or none), number of groups, enabled. */
static int legacy_state(const char *name, unsigned *ret_hierarchy, unsigned *ret_enabled)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	size_t len = strlen(name);
	const char *p;

	if (file_read(AT_FDCWD, "/proc/cgroups", 65536, &text) < 0)
		return -1;
	for (p = buf_str(&text); p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, name, len) && p[len] == '\t')
			return sscanf(p + len, "%u %*u %u", ret_hierarchy, ret_enabled) == 2 ? 0
											     : -1;
	}
	return -1;
}

/* What user@UID.service was not given, no unit below it has, whatever it says itself. */
static bool is_kept_from_user(const char *path, unsigned one)
{
	const char *unit = strstr(path, "/user@");
	_cleanup_free_ char *manager = NULL;

	if (!unit)
		return false;
	manager =
		xasprintf("%.*s", (int)(unit - path + 1 + (ptrdiff_t)strcspn(unit + 1, "/")), path);
	return !(cgroup_controllers(manager, "cgroup.controllers") & one);
}

enum cgroup_place cgroup_place_of(const struct cgroup_tree *t, unsigned one)
{
	if (!t->path)
		return CGROUP_NOWHERE;
	if (t->nested && is_kept_from_user(t->path, one))
		return CGROUP_OF_USER;
	return t->delegated ? CGROUP_DELEGATED : CGROUP_OF_HOST;
}

unsigned cgroup_stands_in(const struct cgroup_tree *t)
{
	return t->nested ? (BOX_WANT_MEMORY | BOX_WANT_PIDS) & ~t->have : 0;
}

void cgroup_why_missing(unsigned one, enum cgroup_place place, char *ret, size_t size)
{
	/* The only one that was renamed. */
	const char *name = one == BOX_WANT_IO ? "blkio" : cgroup_controller_name(one);
	unsigned hierarchy = 0, enabled = 0;

	if (legacy_state(name, &hierarchy, &enabled) < 0)
		snprintf(ret, size, "this kernel was built without it");
	else if (!enabled)
		snprintf(ret, size, "it is switched off: boot with cgroup_enable=%s", name);
	else if (hierarchy)
		snprintf(ret, size,
			 "it is mounted as v1; boot with "
			 "systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all");
	else if (place == CGROUP_NOWHERE)
		snprintf(ret, size, "no cgroup here is the user's: " CGROUP_GRANT);
	else if (place == CGROUP_OF_USER)
		snprintf(ret, size, "the user's manager has none: " CGROUP_USER_GRANT);
	else if (place == CGROUP_DELEGATED)
		snprintf(ret, size, "it is not delegated to us: set Delegate=yes in the unit");
	else
		snprintf(ret, size,
			 "a group above holds processes or does not pass it on: "
			 "see cgroup.subtree_control there");
}

/* ---- where ours goes ------------------------------------------------------------------------- */

/* The one that we are in; NULL: nobody tells. */
static char *own_group(const char *mount)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *own;
	int len;

	if (file_read(AT_FDCWD, "/proc/self/cgroup", 65536, &text) < 0)
		return NULL;
	own = strstr(buf_str(&text), "0::/");
	if (!own)
		return NULL;
	own += 4;
	len = (int)strcspn(own, "\n");
	return len ? xasprintf("%s/%.*s", mount, len, own) : xstrdup(mount);
}

/* Our own group if systemd put its mark on it, else NULL. */
static char *delegated_group(const char *mount)
{
	static const char *const marks[] = { "user.delegate", "trusted.delegate" };
	_cleanup_free_ char *path = own_group(mount);
	char value[8];

	for (size_t i = 0; path && i < ARRAY_LEN(marks); i++)
		if (getxattr(path, marks[i], value, sizeof(value)) == 1 && value[0] == '1')
			return take_ptr(&path);
	return NULL;
}

/* May we make groups in this one, and bring processes from below it into them? */
static bool is_writable(const char *group)
{
	_cleanup_free_ char *procs = xasprintf("%s/cgroup.procs", group);

	return !faccessat(AT_FDCWD, group, W_OK, AT_EACCESS) &&
	       !faccessat(AT_FDCWD, procs, W_OK, AT_EACCESS);
}

/*
 * The highest group above ours that is the user's, as systemd's user@UID.service is: processes move within what they may write to
 * in common with where they are (cgroups(7)), so it has to be above us. Who logs in by ssh is outside of all that is his.
 */
static char *highest_of_user(const char *mount)
{
	_cleanup_free_ char *group = own_group(mount), *best = NULL;

	while (group && is_writable(group)) {
		free(best);
		best = xstrdup(group);
		if (!strcmp(group, mount) || !path_is_within(group, mount))
			break;
		*strrchr(group, '/') = '\0';
	}
	return take_ptr(&best);
}

/* One after the other: cgroup.procs takes a single number. Who ended meanwhile need not go. */
static int move_all(const char *from, const char *to, struct err *err)
{
	struct buf pids = { 0 };
	char *pid, *rest;
	int rc = 0;

	if (file_read(AT_FDCWD, from, GROUP_PIDS_MAX, &pids) < 0)
		return err_sys(err, errno, "read '%s'", from);
	rest = pids.data;
	while (!rc && (pid = strsep(&rest, "\n")))
		if (*pid && file_put(AT_FDCWD, to, pid) < 0 && errno != ESRCH)
			rc = err_sys(err, errno, "move process %s to '%s'", pid, to);
	buf_fini(&pids);
	return rc;
}

/*
 * No processes in inner nodes: we step aside, into a leaf that systemd removes with the unit. So do our guard, which is
 * there already, and whoever else was started in the delegated group.
 */
static int step_aside(const char *group, struct err *err)
{
	_cleanup_free_ char *leaf = xasprintf("%s/supervisor", group);
	_cleanup_free_ char *from = xasprintf("%s/cgroup.procs", group);
	_cleanup_free_ char *to = xasprintf("%s/cgroup.procs", leaf);

	if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "make cgroup '%s'", leaf);
	return move_all(from, to, err);
}

static int make_group(struct ledger *ledger, const char *kind, uint32_t parent, const char *path,
		      uint32_t *ret_item, struct err *err)
{
	uint32_t item = ledger_intend(ledger, kind, parent, path, err);
	struct stat st;

	if (!item)
		return -1;
	if ((mkdir(path, 0755) < 0 && errno != EEXIST) || stat(path, &st) < 0) {
		int saved = errno;

		ledger_gone(ledger, item, NULL);
		return err_sys(err, saved, "make cgroup '%s'", path);
	}
	*ret_item = item;
	return ledger_done(ledger, item, st.st_ino, 0, err);
}

/*
 * Lets the children of `path` use what it has itself. One by one: the kernel takes all of a write
 * or nothing.
 */
static void pass_on(const char *path, unsigned which)
{
	_cleanup_free_ char *file = xasprintf("%s/cgroup.subtree_control", path);
	unsigned have = which & cgroup_controllers(path, "cgroup.controllers");
	char word[16];

	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		snprintf(word, sizeof(word), "+%s", controllers[i].name);
		/* A controller that does not come is found missing when somebody wants it. */
		if (have & controllers[i].one)
			(void)file_put(AT_FDCWD, file, word);
	}
}

/* An empty group left over from a crash is taken over, one with processes in it is somebody's. */
static int refuse_busy(const char *path, struct err *err)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "open cgroup '%s'", path);
	if (cgroup_populated(fd))
		return err_set(
			err,
			"cgroup '%s' holds processes already: the stack runs, or what it left "
			"behind does: run `mstack down` first",
			path);
	return 0;
}

bool cgroup_is_reached(const char *path)
{
	_cleanup_free_ char *group = box_group(), *procs = NULL;

	while (group && !path_is_within(path, group) && strchr(group, '/'))
		*strrchr(group, '/') = '\0';
	procs = group ? xasprintf("%s/cgroup.procs", group) : NULL;
	return procs && !faccessat(AT_FDCWD, procs, W_OK, AT_EACCESS);
}

int cgroup_find_top(char **ret, char **ret_own, struct err *err)
{
	_cleanup_free_ char *mount = NULL, *own = NULL, *users = NULL;
	bool nested = level_get().nested;

	*ret = NULL;
	if (cgroup_find_mount(&mount, err) < 0)
		return nested ? 1 : -1;
	own = delegated_group(mount);
	users = own || !nested ? NULL : highest_of_user(mount);
	if (nested && !own && !users)
		return 1;
	*ret = xasprintf("%s/mstack", own ? own : users ? users : mount);
	if (users && !own)
		own = own_group(mount);
	/* In a group above ours nobody has to step aside. */
	if (users && strcmp(users, own) != 0)
		cleanup_free(&own);
	if (ret_own)
		*ret_own = take_ptr(&own);
	return 0;
}

void cgroup_tree_add(struct cgroup_tree *t, unsigned which)
{
	_cleanup_free_ char *top =
		xasprintf("%.*s", (int)(strrchr(t->path, '/') - t->path), t->path);
	_cleanup_free_ char *above = xasprintf("%.*s", (int)(strrchr(top, '/') - top), top);

	pass_on(above, which);
	pass_on(top, which);
	pass_on(t->path, which);
	t->have = cgroup_controllers(t->path, "cgroup.subtree_control");
}

/* The last stack that ends removes the one above ours, maybe just when we have found it. */
static int make_groups(struct cgroup_tree *t, struct ledger *ledger, const char *top,
		       const char *path, struct err *err)
{
	uint32_t top_item;

	for (int tries = 0; tries < MAKE_TRIES; tries++) {
		if (make_group(ledger, CGROUP_TOP_KIND, 0, top, &top_item, err) == 0) {
			if (make_group(ledger, CGROUP_KIND, top_item, path, &t->item, err) == 0)
				return 0;
			if (err->sys == ENOENT)
				ledger_gone(ledger, top_item, NULL);
		}
		if (err->sys != ENOENT)
			return -1;
	}
	return -1;
}

int cgroup_tree_open(struct cgroup_tree *t, const char *project, struct ledger *ledger,
		     struct err *err)
{
	_cleanup_free_ char *own = NULL, *top = NULL, *path = NULL;
	int nowhere = cgroup_find_top(&top, &own, err);

	if (nowhere)
		return nowhere < 0 ? -1 : 0;
	if (own && step_aside(own, err) < 0)
		return -1;
	path = xasprintf("%s/%s", top, project);
	t->delegated = own || t->nested;
	if (refuse_busy(path, err) < 0 || make_groups(t, ledger, top, path, err) < 0)
		return -1;
	t->path = take_ptr(&path);
	cgroup_tree_add(t, ALWAYS);
	return 0;
}

void cgroup_tree_fini(struct cgroup_tree *t)
{
	free(t->path);
	t->path = NULL;
}
