/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rmi: see rmi.h. Called by down.c.
 */
#include <errno.h>
#include <string.h>

#include "cli/client.h"
#include "cli/rmi.h"
#include "mstack/store.h"

/* ---- which ----------------------------------------------------------------------------------- */

static void add(struct cli_rmi *images, const char *image)
{
	if (!*image)
		return;
	for (size_t i = 0; i < images->n; i++)
		if (!strcmp(images->v[i], image))
			return;
	vec_push(images, xstrdup(image));
}

/* By its name, which may be one of several; what came from a place has only an id, and a folder is none of ours. Names first: with its last one an image is gone. */
static void add_slots(struct cli_rmi *images, const json_t *slots)
{
	const json_t *slot;
	size_t i;

	json_array_foreach(slots, i, slot)
		if (store_image_form(cli_string(slot, "Image")) == STORE_NAME)
			add(images, cli_string(slot, "Image"));
	json_array_foreach(slots, i, slot)
		if (store_image_form(cli_string(slot, "Image")) != STORE_NAME)
			add(images, cli_string(slot, "ImageID"));
}

/* Which image a place was is known only while its containers are there. */
static void add_services(struct cli_rmi *images, const struct stack *stack, struct cli_term *term)
{
	for (size_t i = 0; i < stack->n_services; i++) {
		const struct stack_service *s = &stack->services[i];
		enum store_form form = store_image_form(s->image.text);
		_cleanup_free_ char *text = NULL;

		if (s->image_given && form == STORE_NAME)
			add(images, s->image.text);
		if (!s->image_given || (form != STORE_OCI && form != STORE_ARCHIVE))
			continue;
		text = xasprintf("--rmi: image '%s' stays, as the stack is not up: see `mstack image ls`",
				 s->image.text);
		cli_say(term, SUP_WARNING, NULL, text);
	}
}

void cli_rmi_find(const struct cli_project *project, struct cli_term *term, struct cli_rmi *ret)
{
	json_t *slots = NULL;
	int rc = cli_slots(project->name, &slots, &(struct err){ 0 });

	add_slots(ret, slots);
	json_decref(slots);
	if (rc && project->stack)
		add_services(ret, project->stack, term);
	else if (rc)
		cli_say(term, SUP_WARNING, NULL,
			"--rmi: without its file nobody knows the images of a stack that is not up");
}

/* ---- their end ------------------------------------------------------------------------------- */

static int remove_one(struct store *store, const char *image, struct cli_term *term,
		      struct err *err)
{
	_cleanup_free_ char *text = NULL;
	struct store_removed done = { 0 };
	struct err why = { 0 };
	int rc = store_remove(store, image, false, &done, &why);

	store_removed_fini(&done);
	if (rc < 0 && why.sys == ENOENT)
		return 0;
	if (rc < 0 && why.sys != EBUSY) {
		*err = why;
		return -1;
	}
	text = rc < 0 ? xasprintf("it stays: %s", why.text) : xasprintf("image %s removed", image);
	cli_say(term, rc < 0 ? SUP_WARNING : SUP_PROGRESS, NULL, text);
	return 0;
}

int cli_rmi_remove(const struct cli_rmi *images, struct cli_term *term, struct err *err)
{
	struct store *store = images->n ? store_open(path_data_dir(), err) : NULL;
	int rc = images->n && !store ? -1 : 0;

	for (size_t i = 0; rc == 0 && i < images->n; i++)
		rc = remove_one(store, images->v[i], term, err);
	store_close(store);
	return rc;
}

void cli_rmi_fini(struct cli_rmi *images)
{
	for (size_t i = 0; i < images->n; i++)
		free(images->v[i]);
	vec_fini(images);
}
