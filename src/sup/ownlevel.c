/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ownlevel: an ordinary user's stack has a network namespace of its own under it, in which bridges and rules are made. Called where a supervisor begins,
 * and before anything is looked for that one has left: that is found nowhere else, least of all in the host's network.
 */
#include "mstack/rootless.h"
#include "sup/state.h"

/* Until here the network was the host's, for images that had to be pulled. */
int sup_own_level(const struct sup_hooks *hooks, struct net_porch **ret_porch, struct err *err)
{
	_cleanup_free_ char *less = NULL;

	if (!rootless_net_is_foreign())
		return 0;
	less = hooks ? rootless_left_out() : NULL;
	if (less)
		sup_say(hooks, SUP_NOTE, NULL, "%s", less);
	if (!ret_porch)
		return rootless_net_own(err);
	*ret_porch = net_porch_open(err);
	return !*ret_porch || rootless_net_own(err) < 0 ? -1 : net_porch_enter(*ret_porch, err);
}

/* Before facts are looked at: the link that leads out, and its subnet, are among them. */
void sup_await_way_out(const struct sup *s)
{
	const char *why = s->porch ? net_porch_await(s->porch) : NULL;

	if (why)
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			"way out: none, containers reach nothing outside of the stack: %s", why);
}
