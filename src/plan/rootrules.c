/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a container may write into, by `x-rootfs`: a folder of the user's that nobody else of the stack shows. Another stack is
 * kept off by a lock on the folder, see sup. Called for each slot, in their order.
 */
#include "plan/planner.h"

static void complain(struct planner *p, const struct plan_slot *slot, const char *hint,
		     const char *text)
{
	stack_diag_add(p->diags, STACK_ERROR, slot->service->rootfs_pos, hint,
		       "service '%s': x-rootfs: %s", slot->service->name, text);
}

static void check_folder(struct planner *p, const struct plan_slot *slot,
			 const struct store_image *img)
{
	const char *const ours[] = { p->host->data_dir, path_run_dir() };

	if (!img->folder)
		complain(p, slot, "name a folder under 'image'",
			 "'writable' is for a folder: images are shared and never written to");
	if (img->host_root)
		complain(p, slot, "take it away: the layer on a tmpfs takes what is written",
			 "'writable' is not for the host's own root");
	for (size_t i = 0; img->folder && i < ARRAY_LEN(ours); i++)
		if (path_is_within(img->layers[0], ours[i]) ||
		    path_is_within(ours[i], img->layers[0]))
			complain(
				p, slot, NULL,
				"'writable' is not for a folder with mstack's own in it, or below it");
}

/* An overlay of what changes below it shows anything. */
static void check_others(struct planner *p, const struct plan_slot *slot,
			 const struct store_image *img)
{
	for (const struct plan_slot *o = p->plan->slots; o < slot; o++) {
		const struct store_image *other = o->image;

		if (!img->folder || !other->folder ||
		    (!slot->box.writable_root && !o->box.writable_root))
			continue;
		if (!path_is_within(img->layers[0], other->layers[0]) &&
		    !path_is_within(other->layers[0], img->layers[0]))
			continue;
		stack_diag_add(
			p->diags, STACK_ERROR,
			slot->box.writable_root ? slot->service->rootfs_pos
						: slot->service->image.pos,
			"give each a copy of its own",
			"service '%s': '%s' is written to by one container, and so is for one only, "
			"but '%s' has it too",
			slot->service->name, img->layers[0], o->name);
	}
}

void planner_root(struct planner *p, struct plan_slot *slot, const struct store_image *img)
{
	if (img->host_root && slot->service->upper == STACK_UPPER_DISK)
		stack_diag_add(p->diags, STACK_ERROR, slot->service->upper_pos, "leave it out",
			       "service '%s': x-rootfs: upper: the layer over the host's own root "
			       "would lie on the disk that it shows",
			       slot->service->name);
	if (slot->box.writable_root)
		check_folder(p, slot, img);
	check_others(p, slot, img);
}
