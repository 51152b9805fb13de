/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netnslink: a slot's network namespace under the name PROJECT-SLOT, and that of an isolated stack under PROJECT, for `ip netns` (ip-netns(8): /run/netns holds one entry
 * for each). A symbolic link to our descriptor does it: with the supervisor gone it leads nowhere, and nothing is pinned.
 * Called by execute.c when a slot is ready. A convenience: when it fails, the stack goes on and says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "mstack/base_level.h"
#include "sup/state.h"

static const char folder[] = "/run/netns";

static int make_link(struct ledger *l, const char *path, int netns, struct err *err)
{
	_cleanup_free_ char *target = xasprintf("/proc/%d/fd/%d", (int)getpid(), netns);
	uint32_t item = ledger_intend(l, "link", 0, path, err);

	if (!item)
		return -1;
	if (symlink(target, path) < 0) {
		err_sys(err, errno, "link '%s'", path);
		ledger_gone(l, item, &(struct err){ 0 });
		return -1;
	}
	return ledger_done_path(l, item, err);
}

static char *path_of(const struct sup *s, const char *slot)
{
	return xasprintf("%s/%s-%s", folder, s->opts->stack->name, slot);
}

static void remove_link(struct sup *s, const char *path)
{
	const struct ledger_item *item = ledger_find(s->ledger, "link", path);

	if (item)
		ledger_undo_item(s->ledger, item->id, 0, &(struct err){ 0 });
}

void sup_netns_unlink(struct sup *s, const char *slot)
{
	_cleanup_free_ char *path = path_of(s, slot);

	remove_link(s, path);
}

/* /run is root's: an ordinary user has no `ip netns` that could show anything, and is spared the line. */
static bool is_for_root(void)
{
	return level_get().nested && access(folder, W_OK | X_OK) < 0;
}

static void show(struct sup *s, const char *slot, const char *path, int netns)
{
	struct err err = { 0 };
	int rc = path_mkdirs(AT_FDCWD, folder, 0755);

	if (rc < 0)
		err_sys(&err, errno, "folder '%s'", folder);
	else
		rc = make_link(s->ledger, path, netns, &err);
	if (rc < 0 && !is_for_root())
		sup_say(&s->opts->hooks, SUP_WARNING, slot, "%s: `ip netns` will not show this one",
			err.text);
}

void sup_netns_link(struct sup_slot *slot)
{
	_cleanup_free_ char *path = path_of(slot->sup, slot->plan->name);

	show(slot->sup, slot->plan->name, path, box_slot_netns(slot->box));
}

static char *path_of_stack(const struct sup *s)
{
	return xasprintf("%s/%s", folder, s->opts->stack->name);
}

void sup_netns_link_stack(struct sup *s)
{
	_cleanup_free_ char *path = path_of_stack(s);

	show(s, NULL, path, s->stack_ns);
}

void sup_netns_link_again(struct sup *s)
{
	_cleanup_free_ char *path = path_of_stack(s);

	for (size_t i = 0; i < s->n_slots; i++) {
		if (!s->slots[i].box || !box_slot_made(s->slots[i].box))
			continue;
		sup_netns_unlink(s, s->slots[i].plan->name);
		sup_netns_link(&s->slots[i]);
	}
	if (s->stack_ns < 0)
		return;
	remove_link(s, path);
	sup_netns_link_stack(s);
}

/* "/proc/PID/fd/N" of a process or descriptor that is no more. */
static bool leads_nowhere(const char *path)
{
	char target[64];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	return !strncmp(target, "/proc/", 6) && access(path, F_OK) < 0 && errno == ENOENT;
}

/* Links that work are not ours: ours end with their supervisor, but the project `a-b` has names that begin with `a-`. */
int sup_netns_find(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_closedir_ DIR *dir = opendir(folder);
	size_t len = strlen(project);
	const struct dirent *e;
	int found = 0;

	while (dir && (e = readdir(dir))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", folder, e->d_name);

		if (strncmp(e->d_name, project, len) || (e->d_name[len] && e->d_name[len] != '-') ||
		    !leads_nowhere(path))
			continue;
		if (l && !ledger_intend(l, "link", 0, path, err))
			return -1;
		found = 1;
	}
	return found;
}

/* Only when it is empty and not the mount that ip netns makes of it. */
void sup_netns_folder_leave(void)
{
	rmdir(folder);
}
