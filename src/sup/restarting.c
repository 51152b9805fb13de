/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restarting: a restart that is to come, and one that will not, in words. Called for what `up` prints (settle.c) and for `ps`
 * (status.c).
 */
#include <sys/wait.h>

#include "sup/state.h"

/* Of a budget it says how much is used, without one how often it was. */
void sup_restart_words(const struct svc *v, uint64_t ms, struct buf *ret)
{
	if (ms < 9950)
		buf_printf(ret, "restarting in %llu.%llu s", (unsigned long long)(ms + 50) / 1000,
			   (unsigned long long)(ms + 50) / 100 % 10);
	else
		buf_printf(ret, "restarting in %llu s", (unsigned long long)(ms + 500) / 1000);
	if (v->policy.max_restarts)
		buf_printf(ret, " (%u/%u)", v->attempts, v->policy.max_restarts);
	else
		buf_printf(ret, " (%u)", v->restarts);
}

void sup_dead_words(const struct svc *v, struct buf *ret)
{
	buf_printf(ret, "restart budget used up after %u restart%s", v->attempts,
		   v->attempts == 1 ? "" : "s");
	if (v->policy.window_ms)
		buf_printf(ret, " without a run of %llu s",
			   (unsigned long long)v->policy.window_ms / 1000);
	if (v->start_failed)
		buf_puts(ret, "; the last start failed");
	else if (WIFEXITED(v->last_status))
		buf_printf(ret, "; the last run exited with code %d", WEXITSTATUS(v->last_status));
	else
		buf_printf(ret, "; the last run was ended by %s",
			   sig_name(WTERMSIG(v->last_status)));
}

uint64_t sup_restart_ms(const struct sup_slot *slot)
{
	/* libev does not change the timer, but has no const for it. */
	ev_tstamp left = ev_timer_remaining(slot->sup->loop, (ev_timer *)(uintptr_t)&slot->timer);

	return ev_is_active(&slot->timer) && left > 0 ? (uint64_t)(left * 1000) : 0;
}
