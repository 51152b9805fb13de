/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scale_cmd: `mstack scale SERVICE=NUMBER...`, which is `up -d --scale` for these services.
 */
#include "cli/command.h"
#include "cli/scale.h"

/* A word with = is no stack file, so one that has none and comes first was one. */
int cli_scale(const struct cli_options *o, struct err *err)
{
	struct cli_options up = *o;
	struct cli_scales scales = { 0 };
	int rc = -1;

	up.scale = o->args;
	up.args = (struct cli_words){ 0 };
	up.detach = true;
	up.command = "scale";
	if (!o->args.n)
		err_kind(err, ERR_USAGE, "scale: write SERVICE=NUMBER, as in web=3");
	else if (cli_scales_parse("scale", &o->args, &scales, err) == 0) {
		for (size_t i = 0; i < scales.n; i++)
			vec_push(&up.args, scales.v[i].service);
		rc = cli_up(&up, err);
	}
	vec_fini(&up.args);
	cli_scales_fini(&scales);
	return rc;
}
