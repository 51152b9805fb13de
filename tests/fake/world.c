/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The script and the log that the fake rooms share. */
#include "fake/fake.h"

struct fake_world *fake_world;

const struct fake_slot *fake_slot(const char *name)
{
	static const struct fake_slot plain = { 0 };

	for (size_t i = 0; i < fake_world->n_slots; i++)
		if (strcmp(fake_world->slots[i].name, name) == 0)
			return &fake_world->slots[i];
	return &plain;
}

void fake_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&fake_world->log, fmt, ap);
	va_end(ap);
	buf_putc(&fake_world->log, '\n');
}
