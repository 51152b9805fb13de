/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storecmd: see storecmd.h. Called by image_cmd.c and volume_cmd.c.
 */
#include <stdio.h>

#include "cli/storecmd.h"

int cli_store_run(const char *command, const char *known, const struct cli_sub *subs, size_t n,
		  const struct cli_options *o, struct err *err)
{
	_cleanup_free_ const char **names = xcalloc(n, sizeof(*names));
	const char *word = o->args.n ? o->args.v[0] : "", *nearest;

	for (size_t i = 0; i < n; i++) {
		struct store *s;
		int rc;

		names[i] = subs[i].word;
		if (strcmp(word, subs[i].word))
			continue;
		s = store_open(path_data_dir(), err);
		rc = s ? subs[i].run(s, o, err) : -1;
		store_close(s);
		return rc;
	}
	nearest = nearest_name(word, names, n);
	return err_kind(err, ERR_USAGE, "%s: say what: %s%s%s%s", command, known,
			nearest ? " (did you mean '" : "", nearest ? nearest : "",
			nearest ? "'?)" : "");
}

bool cli_store_confirmed(const char *command, const char *what, const struct cli_options *o,
			 struct err *err)
{
	char answer[16];

	if (o->force)
		return true;
	fprintf(stderr, "This removes %s. Go on? [y/N] ", what);
	if (fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y'))
		return true;
	err_set(err, "%s: nothing was removed: not confirmed (-f does not ask)", command);
	return false;
}
