/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store in which every image is there, but "absent". Follows the contract of mstack/store.h. */
#include <errno.h>

#include "fake/fake.h"
#include "mstack/store.h"

struct store {
	int unused;
};

struct store *store_open(const char *data_dir, struct err *err)
{
	(void)data_dir;
	(void)err;
	return xcalloc(1, sizeof(struct store));
}

bool store_keeps_marks(const char *data_dir)
{
	(void)data_dir;
	return true;
}

void store_close(struct store *s)
{
	free(s);
}

void store_carry(const struct store *s, struct carry *to)
{
	(void)s;
	(void)to;
}

int store_image_get(struct store *s, const char *image, const char *base_dir,
		    void (*tell)(void *arg, const char *line), void *arg, struct store_image *ret,
		    struct err *err)
{
	(void)s;
	(void)base_dir;
	(void)tell;
	(void)arg;
	if (strcmp(image, "absent") == 0)
		return err_sys(err, ENOENT, "image 'absent'");
	*ret = (struct store_image){ 0 };
	return 0;
}

void store_image_carry(const struct store_image *img, struct carry *to)
{
	(void)img;
	(void)to;
}

int store_image_resume(struct store *s, const char *image, const struct carry *from,
		       struct store_image *ret, struct err *err)
{
	(void)from;
	return store_image_get(s, image, "", NULL, NULL, ret, err);
}

void store_image_fini(struct store_image *img)
{
	(void)img;
}

int store_volume(struct store *s, const char *name, const struct store_volume_origin *origin,
		 char **ret_path, struct err *err)
{
	(void)s;
	(void)origin;
	(void)err;
	fake_note("volume %s", name);
	*ret_path = xstrdup("/nowhere");
	return 0;
}

int store_volume_remove(struct store *s, const char *name, struct err *err)
{
	(void)s;
	(void)err;
	fake_note("remove volume %s", name);
	return 0;
}

int store_volume_discard(struct store *s, const char *name, struct err *err)
{
	(void)s;
	(void)err;
	fake_note("discard volume %s", name);
	return 0;
}

void store_volume_let_go(struct store *s, const char *name)
{
	(void)s;
	fake_note("let go volume %s", name);
}

int store_slot_layer(struct store *s, const char *project, const char *slot, struct ledger *ledger,
		     uint32_t parent, char **ret_upper, char **ret_work, struct err *err)
{
	(void)s;
	(void)project;
	(void)ledger;
	(void)parent;
	(void)err;
	*ret_upper = xasprintf("/slot-upper/%s", slot);
	*ret_work = xasprintf("/slot-work/%s", slot);
	return 0;
}

int store_slot_layer_drop(const struct store *s, const char *project, const char *slot,
			  struct ledger *ledger, struct err *err)
{
	(void)s;
	(void)project;
	(void)ledger;
	(void)err;
	fake_note("drop %s", slot);
	return 0;
}

char *store_log_dir(const struct store *s, const char *project, const char *slot)
{
	(void)s;
	(void)project;
	return xasprintf("%s/%s", fake_world->log_root, slot);
}

int store_user(const struct store_image *img, const char *spec, struct store_user *ret,
	       struct err *err)
{
	(void)img;
	(void)spec;
	(void)err;
	*ret = (struct store_user){ 0 };
	return 0;
}

int store_user_add_group(const struct store_image *img, const char *group, struct store_user *u,
			 struct err *err)
{
	(void)img;
	(void)group;
	(void)u;
	(void)err;
	return 0;
}

void store_user_fini(struct store_user *u)
{
	(void)u;
}

const struct ledger_kind *const store_ledger_kinds[] = { NULL };

void store_sweep(void)
{
}
