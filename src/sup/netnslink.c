/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netnslink: a slot's network namespace under the name PROJECT-SLOT for `ip netns` (ip-netns(8): /run/netns holds one entry
 * for each). A symbolic link to our descriptor does it: with the supervisor gone it leads nowhere, and nothing is pinned.
 * Called by execute.c when a slot is ready. A convenience: when it fails, the stack goes on and says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sup/state.h"

static const char folder[] = "/run/netns";

static int make_link(struct sup_slot *slot, const char *path, struct err *err)
{
	_cleanup_free_ char *target =
		xasprintf("/proc/%d/fd/%d", (int)getpid(), box_slot_netns(slot->box));
	struct ledger *l = slot->sup->ledger;
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

void sup_netns_link(struct sup_slot *slot)
{
	_cleanup_free_ char *path =
		xasprintf("%s/%s-%s", folder, slot->sup->opts->stack->name, slot->plan->name);
	struct err err = { 0 };
	int rc = path_mkdirs(AT_FDCWD, folder, 0755);

	if (rc < 0)
		err_sys(&err, errno, "folder '%s'", folder);
	else
		rc = make_link(slot, path, &err);
	if (rc < 0)
		sup_say(&slot->sup->opts->hooks, SUP_WARNING, slot->plan->name,
			"%s: `ip netns` will not show this one", err.text);
}

/* Only when it is empty and not the mount that ip netns makes of it. */
void sup_netns_folder_leave(void)
{
	rmdir(folder);
}
