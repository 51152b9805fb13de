/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy: what the stack file and the command line say about restarts, stops and health, in the words of svc, which knows neither.
 * Called when a slot is made. Pure.
 */
#include "sup/state.h"

static uint64_t ms_of(int64_t ns)
{
	return (uint64_t)ns / 1000000;
}

static enum svc_restart restart_of(const struct stack_service *s)
{
	static const enum svc_restart words[] = {
		[STACK_NO] = SVC_RESTART_NO,
		[STACK_ALWAYS] = SVC_RESTART_ALWAYS,
		[STACK_ON_FAILURE] = SVC_RESTART_ON_FAILURE,
		[STACK_UNLESS_STOPPED] = SVC_RESTART_UNLESS_STOPPED,
	};

	return words[s->restart];
}

static enum svc_unhealthy unhealthy_of(const struct stack_service *s)
{
	static const enum svc_unhealthy words[] = {
		[STACK_UNHEALTHY_NONE] = SVC_UNHEALTHY_NONE,
		[STACK_UNHEALTHY_RESTART] = SVC_UNHEALTHY_RESTART,
		[STACK_UNHEALTHY_STOP] = SVC_UNHEALTHY_STOP,
		[STACK_UNHEALTHY_KILL] = SVC_UNHEALTHY_KILL,
	};

	return words[s->on_unhealthy];
}

struct svc_policy sup_policy(const struct sup *s, const struct plan_slot *p)
{
	const struct stack_service *service = p->service;
	const struct stack_retry *retry = service->retry;

	return (struct svc_policy){
		.restart = restart_of(service),
		.on_unhealthy = unhealthy_of(service),
		.max_restarts = service->restart_max,
		.fixed_delay = retry && retry->delay.given,
		.delay_ms = retry ? ms_of(retry->delay.value) : 0,
		.window_ms = retry ? ms_of(retry->window_ns) : 0,
		.grace_ms = s->opts->timeout_ms >= 0 ? (uint64_t)s->opts->timeout_ms
						     : ms_of(service->stop_grace_ns.value),
		.post_start = p->post_start.n,
		.pre_stop = p->pre_stop.n,
		.seed = (uint32_t)hash64_str(p->container) | 1,
	};
}

struct svc_health_policy sup_health_policy(const struct plan_slot *p)
{
	const struct plan_health *h = &p->health;

	return (struct svc_health_policy){
		.enabled = p->probe || p->own_probe,
		.interval_ms = ms_of(h->interval_ns),
		.timeout_ms = ms_of(h->timeout_ns),
		.start_period_ms = ms_of(h->start_period_ns),
		.start_interval_ms = ms_of(h->start_interval_ns),
		.retries = h->retries,
	};
}
