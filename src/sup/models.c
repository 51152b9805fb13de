/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * models: what the stack was read as, now and before (struct sup_model). The newest counts; an older one stays for as long as a slot is
 * of it. Called by run.c, outlook.c and change.c, and by writedown.c and replan.c, which hand them to another program.
 */
#include "sup/document.h"
#include "sup/state.h"

struct sup_model *sup_model_new(void)
{
	struct sup_model *m = xcalloc(1, sizeof(*m));

	m->volumes = m->text = -1;
	return m;
}

int sup_model_read(struct sup_model *m, int fd, struct err *err)
{
	m->document = sup_document_read(fd, err);
	if (!m->document)
		return -1;
	m->stack = m->document->stack;
	m->text = m->document->copy;
	m->document->copy = -1;
	return 0;
}

int sup_model_text(struct sup_model *m, struct err *err)
{
	if (m->text < 0)
		m->text = sup_document(m->stack, err);
	return m->text;
}

void sup_model_free(struct sup_model *m)
{
	if (!m)
		return;
	sup_prepared_fini(&m->prepared);
	sup_document_free(m->document);
	cleanup_fd(&m->volumes);
	cleanup_fd(&m->text);
	free(m);
}

void sup_models_free(struct sup *s)
{
	for (struct sup_model *m = take_ptr(&s->model), *older; m; m = older) {
		older = m->older;
		sup_model_free(m);
	}
}

static bool is_used(const struct sup *s, const struct sup_model *m)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].plan && s->slots[i].model == m)
			return true;
	return false;
}

void sup_models_forget(struct sup *s)
{
	/* The first one is what the uplink was made of. */
	for (struct sup_model **at = &s->model->older; *at && (*at)->older;) {
		struct sup_model *m = *at;

		if (is_used(s, m)) {
			at = &m->older;
			continue;
		}
		*at = m->older;
		sup_model_free(m);
	}
}
