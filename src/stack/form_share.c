/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_share: `volumes_from`, SERVICE[:ro|rw] or container:NAME[:ro|rw]. Stays a list of texts; share_parse reads them again
 * for the model. That the service is there, and no cycle, is found where dependencies are.
 */
#include "stack/form_share.h"
#include "stack/attributes.h"

#define CONTAINER "container:"

bool share_parse(const char *text, struct share *ret)
{
	size_t len = strcspn(text, ":");
	const char *mode = text[len] ? text + len + 1 : "rw";

	if (!len || len >= sizeof(ret->service) || (strcmp(mode, "ro") && strcmp(mode, "rw")))
		return false;
	memcpy(ret->service, text, len);
	ret->service[len] = '\0';
	ret->read_only = mode[1] == 'o';
	return true;
}

static void check(struct reader *r, const struct where *w, const struct node *n)
{
	struct share share;

	if (!strncmp(n->text, CONTAINER, strlen(CONTAINER)))
		reader_refuse(r, w, n->pos, "name a service of the stack, or an external volume",
			      "'%.80s': containers outside of the stack", n->text);
	else if (!share_parse(n->text, &share))
		reader_error(r, w, n->pos, NULL, "'%.80s' is no service; write SERVICE[:ro|rw]",
			     n->text);
}

FORM(form_shares)
{
	struct node *out = form_set(r, w, n);

	for (size_t i = 0; out && i < out->n; i++) {
		const struct where here = where_item(w, i);

		check(r, &here, out->items[i]);
	}
	return out;
}
