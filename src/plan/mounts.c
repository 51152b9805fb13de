/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a slot finds in its file system: its own mounts, files of ours, what other services share with it, and the volumes that
 * its image asks for. Of two on one target the service's own wins, then the last one that is shared, then the image's.
 */
#include <sys/stat.h>

#include "plan/planner.h"

#define PAGE	   4096
#define SMALL	   65536
#define MOUNTS_MAX 2000

/* ---- gathering ------------------------------------------------------------------------------- */

static bool has_target(const struct planner_mounts *all, const char *target)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].mount->target, target))
			return true;
	return false;
}

static void too_many(struct planner *p, const struct stack_service *s)
{
	stack_diag_add(p->diags, STACK_ERROR, s->pos, NULL,
		       "service '%s': more than %d mounts, with those of its image and of other "
		       "services",
		       s->name, MOUNTS_MAX);
}

struct gathering VEC(struct planner_mount);

static void add(struct gathering *list, struct planner_mount m)
{
	const struct planner_mounts so_far = { list->v, list->n, false };

	if (list->n <= MOUNTS_MAX && !has_target(&so_far, m.mount->target))
		vec_push(list, m);
}

/* Without double slashes and those at the end, so that it meets a target of the file. What `..` means only the image knows. */
static const char *clean(struct arena *a, const char *path)
{
	char *out = arena_alloc(a, strlen(path) + 2), *to = out;

	while (*path) {
		size_t len = strcspn(path, "/");

		if (len && !(len == 1 && *path == '.')) {
			*to++ = '/';
			memcpy(to, path, len);
			to += len;
		}
		path += len + (path[len] == '/');
	}
	if (to == out)
		*to = '/';
	return out;
}

static void add_of_image(struct planner *p, const struct plan_slot *slot, struct gathering *list)
{
	const struct store_image *img = slot->image;

	for (size_t i = 0; img->volumes && img->volumes[i] && i <= MOUNTS_MAX; i++) {
		struct stack_mount *m = arena_alloc(p->arena, sizeof(*m));

		m->type = STACK_VOLUME;
		m->target = clean(p->arena, img->volumes[i]);
		m->pos = slot->service->image.pos;
		add(list, (struct planner_mount){ .mount = m, .owner = slot });
	}
}

/* NULL: it has none in this plan. */
static const struct plan_slot *slot_of(const struct planner *p, const struct stack_service *s)
{
	for (size_t i = 0; i < p->plan->n_slots; i++)
		if (p->plan->slots[i].service == s)
			return &p->plan->slots[i];
	return NULL;
}

static const struct planner_mounts *gather(struct planner *p, const struct plan_slot *slot);

/* Not what `tmpfs` names: that is no volume. */
static void add_shared(struct planner *p, const struct stack_share *share, struct gathering *list)
{
	const struct plan_slot *other = slot_of(p, share->service);
	const struct planner_mounts *theirs = other ? gather(p, other) : NULL;

	for (size_t i = 0; theirs && i < theirs->n; i++) {
		struct planner_mount m = theirs->v[i];

		m.read_only |= share->read_only;
		m.foreign = true;
		if (!m.mount->by_tmpfs)
			add(list, m);
	}
}

/* Each once, whoever shares with whom: there is no cycle, that was checked, but many may share one. */
static const struct planner_mounts *gather(struct planner *p, const struct plan_slot *slot)
{
	struct planner_mounts *all = &p->mounts[slot - p->plan->slots];
	const struct stack_service *s = slot->service;
	struct gathering list = { 0 };

	if (all->known)
		return all;
	for (size_t i = 0; i < s->n_mounts; i++)
		vec_push(&list, ((struct planner_mount){ .mount = &s->mounts[i],
							 .owner = slot,
							 .read_only = s->mounts[i].read_only }));
	for (size_t i = s->n_shares; i > 0; i--)
		add_shared(p, &s->shares[i - 1], &list);
	add_of_image(p, slot, &list);
	if (list.n > MOUNTS_MAX)
		too_many(p, s);
	all->known = true;
	all->n = list.n;
	all->v = arena_array(p->arena, struct planner_mount, list.n);
	if (list.n)
		memcpy(all->v, list.v, list.n * sizeof(*list.v));
	vec_fini(&list);
	return all;
}

void planner_mounts(struct planner *p)
{
	p->mounts = arena_array(p->arena, struct planner_mounts, p->plan->n_slots);
	for (size_t i = p->first; i < p->plan->n_slots; i++)
		gather(p, &p->plan->slots[i]);
}

/* ---- in the words of box --------------------------------------------------------------------- */

static unsigned depth(const char *path)
{
	unsigned n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* By depth of the target, so that a parent never hides its child; the order of the file otherwise. */
static void sort_mounts(struct box_mount *m, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct box_mount x = m[i];
		size_t j = i;

		for (; j > 0 && depth(m[j - 1].target) > depth(x.target); j--)
			m[j] = m[j - 1];
		m[j] = x;
	}
}

static void set_volume(const struct planner *p, const struct planner_mount *m, struct box_mount *to)
{
	const struct stack_volume *v = m->mount->volume;
	const char *name = planner_volume_name(p, m);

	to->type = v && v->device && !v->bind ? BOX_MOUNTED : BOX_BIND;
	if (to->type == BOX_MOUNTED)
		to->source = name;
	else if (v && v->device)
		to->source = v->device;
	else
		to->source = planner_volume_path(p, name);
	to->read_only |= v && v->bind && planner_bind_read_only(v);
}

static void set_image(const struct planner *p, const struct stack_mount *m, struct box_mount *to)
{
	for (size_t i = 0; i < p->host->n_mounted; i++) {
		const struct plan_image *one = &p->host->mounted[i];

		if (strcmp(one->name, m->source))
			continue;
		to->lower = (const char *const *)one->image->layers;
		to->n_lower = one->image->n_layers;
	}
	to->type = BOX_IMAGE;
	to->source = m->source;
	to->read_only = true;
}

static struct box_mount mount_of(const struct planner *p, const struct planner_mount *m)
{
	static const enum box_propagation propagation[] = { [STACK_PRIVATE] = BOX_PRIVATE,
							    [STACK_SLAVE] = BOX_SLAVE,
							    [STACK_SHARED] = BOX_SHARED };
	struct box_mount to = {
		.target = m->mount->target,
		.read_only = m->read_only,
		.subpath = m->mount->subpath,
		.line = m->mount->pos.line,
	};

	switch (m->mount->type) {
	case STACK_BIND:
		to.type = BOX_BIND;
		to.source = m->mount->source;
		to.propagation = propagation[m->mount->propagation];
		break;
	case STACK_VOLUME:
		set_volume(p, m, &to);
		break;
	case STACK_TMPFS:
		to.type = BOX_TMPFS;
		to.size = m->mount->tmpfs_size;
		to.mode = m->mount->tmpfs_mode;
		break;
	case STACK_IMAGE:
		set_image(p, m->mount, &to);
		break;
	}
	return to;
}

/* In a user namespace the kernel makes every mount a receiver (mount_namespaces(7)): nothing would ever come out. */
static void check_propagation(struct planner *p, const struct plan_slot *slot,
			      const struct planner_mount *m)
{
	if (m->mount->propagation != STACK_SHARED || slot->box_slot.host_ids)
		return;
	stack_diag_add(p->diags, STACK_ERROR, m->mount->pos,
		       "write `userns_mode: host`, or propagation 'rslave'",
		       "service '%s': bind of '%s' with propagation 'shared': mounts of a "
		       "container with ids of its own cannot reach the host",
		       slot->service->name, m->mount->source);
}

static bool mounted_by_user(const struct planner_mounts *all, const struct stack_service *s,
			    const char *target)
{
	for (size_t i = 0; i < s->n_assets; i++)
		if (strcmp(s->assets[i].target, target) == 0)
			return true;
	return has_target(all, target);
}

/* The slot's memory grows by whole pages. */
static void make_room(struct plan_slot *slot, size_t len)
{
	slot->box_slot.files_size += (int64_t)((len / PAGE + 1) * PAGE);
}

/* Read-only for everybody. */
static struct box_mount asset_mount(struct plan_slot *slot, const struct stack_asset *a)
{
	make_room(slot, a->len);
	return (struct box_mount){
		.type = BOX_FILE,
		.text = a->data ? a->data : "",
		.text_len = a->len,
		.target = a->target,
		.read_only = true,
		.uid = a->uid,
		.gid = a->gid,
		.mode = S_IFREG | a->mode,
		.line = a->pos.line,
	};
}

/* Who mounts a file of his own over /etc/hosts and its like does not get ours below it. */
void planner_slot_mounts(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;
	const struct planner_mounts *all = &p->mounts[slot - p->plan->slots];
	struct box_mount *m =
		arena_array(p->arena, struct box_mount, all->n + s->n_assets + slot->n_files);
	size_t n = 0;

	for (size_t i = 0; i < slot->n_files; i++) {
		const char *target = arena_printf(p->arena, "/etc/%s", slot->files[i].name);

		if (mounted_by_user(all, s, target))
			continue;
		/* Small ones have room already; a host's list of names can be long. */
		if (strlen(slot->files[i].text) > SMALL)
			make_room(slot, strlen(slot->files[i].text));
		m[n++] = (struct box_mount){
			.type = BOX_FILE,
			.text = slot->files[i].text,
			.text_len = strlen(slot->files[i].text),
			.target = target,
			.read_only = s->read_only,
		};
	}
	for (size_t i = 0; i < all->n; i++) {
		check_propagation(p, slot, &all->v[i]);
		m[n++] = mount_of(p, &all->v[i]);
	}
	for (size_t i = 0; i < s->n_assets; i++)
		m[n++] = asset_mount(slot, &s->assets[i]);
	sort_mounts(m, n);
	slot->box.mounts = m;
	slot->box.n_mounts = n;
}
