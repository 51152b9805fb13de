/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words to the user: one line each through the hooks of the caller. The supervisor itself prints nothing.
 */
#include <errno.h>
#include <stdio.h>

#include "sup/state.h"

void sup_say(const struct sup_hooks *h, enum sup_say kind, const char *slot, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	if (!h->say)
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	h->say(h->arg, kind, slot, buf_str(&b));
	buf_fini(&b);
}

/* What stands in no file has no place. */
void sup_err_at(const struct stack *stack, const struct stack_service *service, struct err *err)
{
	const char *file = stack->n_files ? stack->files[service->pos.file].path : "-";

	err_wrap(err, "service '%s'", service->name);
	if (*file)
		err_wrap(err, "%s:%u", file, err->line ? err->line : service->pos.line);
}

int sup_busy(struct err *err, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	err_set(err, "%s", buf_str(&b));
	err->sys = EBUSY;
	buf_fini(&b);
	return -1;
}
