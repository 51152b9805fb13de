/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * carrysources: what a stack was prepared from beside its document: images and profiles of seccomp, by the names that it gives them. A name may mean something else by
 * the time that somebody takes the stack up, or nothing, and its containers are still what they were. Called by writedown.c and prepare.c.
 */
#include "sup/reexec.h"

static struct carry *find(const struct carry *from, const char *kind, const char *name)
{
	struct carry *c = NULL;

	while ((c = carry_next(from, kind, c))) {
		const char *text = carry_text(c, "name");

		if (text && !strcmp(text, name))
			return c;
	}
	return NULL;
}

static void put_image(const char *name, const struct store_image *image, struct carry *to)
{
	struct carry *c = carry_add(to, "image");

	carry_put(c, "name", name);
	store_image_carry(image, c);
}

/* Fifty services may have one of some hundred kilobytes. */
static void put_profile(const char *name, const char *text, struct carry *to)
{
	struct carry *c;

	if (!text || find(to, "profile", name))
		return;
	c = carry_add(to, "profile");
	carry_put(c, "name", name);
	carry_put(c, "text", text);
}

void sup_sources_carry(const struct sup_model *m, struct carry *to)
{
	const struct sup_prepared *p = &m->prepared;

	for (size_t i = 0; i < p->n; i++) {
		if (!p->shared[i])
			put_image(m->stack->services[i].image.text, &p->images[i], to);
		put_profile(m->stack->services[i].seccomp.text, p->profiles[i], to);
	}
	for (size_t i = 0; i < p->n_mounted; i++)
		put_image(p->mounted[i].name, p->mounted[i].image, to);
}

const struct carry *sup_image_then(const struct sup_prepared *p, const char *name)
{
	return p->then ? find(p->then, "image", name) : NULL;
}

const char *sup_profile_then(const struct sup_prepared *p, const char *name)
{
	const struct carry *c = p->then ? find(p->then, "profile", name) : NULL;

	return c ? carry_text(c, "text") : NULL;
}
