/* SPDX-License-Identifier: GPL-2.0-or-later */
/* planned: see planned.h. */
#include "unit/plan/planned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "unit/plan/stackfile.h"

void planned_make(struct planned *p, const char *yaml, const struct plan *running,
		  const char *image_id)
{
	struct plan_host host = {
		.net = &p->facts,
		.images = p->images,
		.users = p->users,
		.run_dir = "/run/mstack/demo",
		.data_dir = "/var/lib/mstack",
		.resolv_conf = "nameserver 127.0.0.11\n",
		.own_hosts = "",
		.own_resolv_conf = "",
		.hostname = "host",
		.running = running,
	};

	p->stack = stackfile_load(yaml, &p->diags);
	p->facts.mtu = 1500;
	if (image_id)
		snprintf(p->images[0].id, sizeof(p->images[0].id), "%s", image_id);
	assert_int_equal(plan_make(p->stack, &host, &p->plan, p->diags), 0);
}

void planned_fini(struct planned *p)
{
	plan_free(p->plan);
	stack_free(p->stack);
	stack_diags_free(p->diags);
}
