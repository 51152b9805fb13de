/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The health of one slot: a small machine beside its state. Called by sup when the process starts, stops or is paused, when the wait
 * between two probes is over, and when a probe has ended. Never runs a probe itself. Rules: moby's daemon/health.go.
 */
#include "mstack/svc.h"

static const char *const names[] = {
	[HEALTH_NONE] = "",
	[HEALTH_PROBING] = "starting",
	[HEALTH_GOOD] = "healthy",
	[HEALTH_BAD] = "unhealthy",
};

void svc_health_init(struct svc_health *h, const struct svc_health_policy *policy)
{
	*h = (struct svc_health){ .policy = *policy };
}

/* Over with the first good probe: from then on a failure is one, however early it comes. */
static bool in_start_period(const struct svc_health *h, uint64_t at_ms)
{
	return h->state == HEALTH_PROBING && at_ms < h->started_ms + h->policy.start_period_ms;
}

static struct svc_out wait_for_next(const struct svc_health *h, uint64_t now_ms, unsigned todo)
{
	uint64_t ms =
		in_start_period(h, now_ms) ? h->policy.start_interval_ms : h->policy.interval_ms;

	return (struct svc_out){ .todo = todo | HDO_ARM, .timer_ms = ms };
}

static struct svc_out begin(struct svc_health *h, uint64_t now_ms)
{
	if (!h->policy.enabled)
		return (struct svc_out){ 0 };
	h->state = HEALTH_PROBING;
	h->probing = h->paused = false;
	h->streak = 0;
	h->started_ms = now_ms;
	return wait_for_next(h, now_ms, HDO_REPORT);
}

/* A probe may be under way. Its result comes late and is ignored: `probing` says that none is due. */
static struct svc_out end(struct svc_health *h)
{
	if (h->state == HEALTH_NONE)
		return (struct svc_out){ 0 };
	h->state = HEALTH_NONE;
	h->probing = h->paused = false;
	return (struct svc_out){ .todo = HDO_CANCEL | HDO_REPORT };
}

static struct svc_out probe(struct svc_health *h, uint64_t now_ms)
{
	if (h->state == HEALTH_NONE || h->probing || h->paused)
		return (struct svc_out){ 0 };
	h->probing = true;
	h->probe_ms = now_ms;
	return (struct svc_out){ .todo = HDO_PROBE, .timer_ms = h->policy.timeout_ms };
}

static struct svc_out good(struct svc_health *h, uint64_t now_ms)
{
	bool changed = h->state != HEALTH_GOOD;

	if (!h->probing)
		return (struct svc_out){ 0 };
	h->probing = false;
	h->streak = 0;
	h->state = HEALTH_GOOD;
	return wait_for_next(h, now_ms, changed ? HDO_REPORT : 0);
}

static struct svc_out failed(struct svc_health *h, uint64_t now_ms)
{
	bool changed;

	if (!h->probing)
		return (struct svc_out){ 0 };
	h->probing = false;
	/* When it began counts: a slow probe must not turn into a failure by waiting. */
	if (!in_start_period(h, h->probe_ms))
		h->streak++;
	changed = h->streak >= h->policy.retries && h->state != HEALTH_BAD;
	if (changed)
		h->state = HEALTH_BAD;
	return wait_for_next(h, now_ms, changed ? HDO_REPORT : 0);
}

static struct svc_out hold(struct svc_health *h)
{
	if (h->state == HEALTH_NONE || h->paused)
		return (struct svc_out){ 0 };
	h->paused = true;
	h->probing = false;
	return (struct svc_out){ .todo = HDO_CANCEL };
}

static struct svc_out resume(struct svc_health *h, uint64_t now_ms)
{
	if (h->state == HEALTH_NONE || !h->paused)
		return (struct svc_out){ 0 };
	h->paused = false;
	return wait_for_next(h, now_ms, 0);
}

struct svc_out svc_health_step(struct svc_health *h, enum svc_health_event_kind kind,
			       uint64_t now_ms)
{
	switch (kind) {
	case HEV_STARTED:
		return begin(h, now_ms);
	case HEV_STOPPED:
		return end(h);
	case HEV_TIMER:
		return probe(h, now_ms);
	case HEV_PROBE_OK:
		return good(h, now_ms);
	case HEV_PROBE_FAILED:
		return failed(h, now_ms);
	case HEV_PAUSED:
		return hold(h);
	case HEV_RESUMED:
		return resume(h, now_ms);
	}
	return (struct svc_out){ 0 };
}

const char *svc_health_name(enum svc_health_state s)
{
	return names[s];
}
