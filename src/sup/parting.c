/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parting: who runs nothing but one-offs ends with the last of them, and its client need not see how links and namespaces are
 * taken apart, for which the kernel takes tens of milliseconds. What the next command could want of us is let go before the
 * answer: ports, images, volumes, folders. What is left is our name and those of networks: whoever needs them waits for us, and
 * finds us by the control socket's other name. Called from oneoff.c and run.c.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "sup/oneoff.h"

#define RETRY_NS 2000000L

/* The control socket under the name by which nobody connects. */
static char *parting_path(const char *project)
{
	return xasprintf("%s/%s/parting", path_run_dir(), project);
}

static size_t count_peers(const struct sup *s)
{
	size_t n = 0;

	for (size_t i = 0; i < SUP_PEERS_MAX; i++)
		n += s->peers[i].fd >= 0;
	return n;
}

/* From its new name on nobody comes; who came before that is taken in, and keeps us here. */
static bool close_door(struct sup *s)
{
	const char *project = s->opts->stack->name;
	_cleanup_free_ char *open = sup_socket_path(project), *closed = parting_path(project);
	size_t before = count_peers(s);

	if (s->listen_fd < 0)
		return true;
	if (rename(open, closed) < 0)
		return true; /* somebody has taken it away, and nobody finds it any more */
	sup_listen_cb(s->loop, &s->listener, EV_READ);
	if (count_peers(s) == before) {
		ev_io_stop(s->loop, &s->listener);
		close(take_fd(&s->listen_fd));
		return true;
	}
	return rename(closed, open) < 0;
}

/* A port is listened on by us, and its way into a container that is gone is still there. */
static void let_ports_go(struct sup *s)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < s->n_slots; i++) {
		const struct sup_slot *slot = &s->slots[i];

		if (!slot->plan || !slot->plan->n_pubs)
			continue;
		if (slot->attached)
			sup_publish(s, slot->plan->pubs, slot->plan->n_pubs, false, &ignored);
		sup_release(s, slot->plan->name);
	}
}

bool sup_part(struct sup *s)
{
	struct sup_cause cause = sup_because(WHY_SELF, "the last one-off has ended");

	if (!close_door(s))
		return false;
	let_ports_go(s);
	sup_unlock_roots(s);
	for (size_t i = 0; i < s->n_slots; i++)
		sup_oneoff_let_go(&s->slots[i]);
	store_close(take_ptr(&s->model->prepared.store));
	sup_end(s, ENDING_STOP, 0, &cause);
	return true;
}

/* ---- others ---------------------------------------------------------------------------------- */

/* Whose supervisor was killed on its way is left to its guard. */
static void wait_for(const char *project, uint64_t end)
{
	_cleanup_free_ char *path = parting_path(project);
	const struct timespec pause = { .tv_nsec = RETRY_NS };

	while (access(path, F_OK) == 0 && sup_owner(project) > 0 && time_mono_ms() < end)
		nanosleep(&pause, NULL);
}

void sup_wait_for_parting(void)
{
	uint64_t end = time_mono_ms() + SUP_GUARD_MS;
	char **projects = sup_projects();

	for (char **p = projects; *p; p++) {
		wait_for(*p, end);
		free(*p);
	}
	free(projects);
}

bool sup_has_names(const struct stack *stack)
{
	for (size_t i = 0; i < stack->n_networks; i++) {
		const struct stack_network *n = &stack->networks[i];

		_cleanup_free_ char *usual = xasprintf("%s_%s", stack->name, n->key);

		if (n->used &&
		    (n->n_subnets || n->driver.bridge.text || strcmp(n->name, usual) != 0))
			return true;
	}
	return false;
}
