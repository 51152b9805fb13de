/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crosscheck_attach: the attachments of one service beside each other. Called by crosscheck and crosscheck_link. */
#ifndef STACK_CROSSCHECK_ATTACH_H
#define STACK_CROSSCHECK_ATTACH_H

#include "stack/node.h"
#include "stack/reader.h"

/* What the interface of a service on its network number `nr` will be called; plan gives it the same name. */
const char *attachment_interface(struct reader *r, const struct node *networks, size_t nr);
void crosscheck_attachments(struct reader *r, const struct where *w, const struct node *service);

#endif
