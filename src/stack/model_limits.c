/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_limits: the part of a service that says what it gets when the host is crowded: memory that is kept for it, swap, shares of
 * CPUs and disks, and who is killed first. Called by model.c.
 */
#include "stack/model_value.h"

static const char *const blkio_keys[] = {
	[STACK_READ_BPS] = "device_read_bps",	 [STACK_READ_IOPS] = "device_read_iops",
	[STACK_WRITE_BPS] = "device_write_bps",	 [STACK_WRITE_IOPS] = "device_write_iops",
	[STACK_DEVICE_WEIGHT] = "weight_device",
};

static size_t count_devices(const struct node *blkio)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(blkio_keys); i++) {
		const struct node *list = node_get(blkio, blkio_keys[i]);

		n += list ? list->n : 0;
	}
	return n;
}

/* One flat list: each entry says by its kind which of the five it stood in. */
static void read_blkio(struct reader *r, const struct node *blkio, struct stack_service *s)
{
	struct stack_blkio *to = arena_array(r->arena, struct stack_blkio, count_devices(blkio));

	s->blkio = to;
	s->blkio_weight = value_num(blkio, "weight");
	for (size_t i = 0; i < ARRAY_LEN(blkio_keys); i++) {
		const struct node *list = node_get(blkio, blkio_keys[i]);

		for (size_t k = 0; list && k < list->n; k++) {
			const struct node *one = list->items[k];

			*to++ = (struct stack_blkio){
				.kind = (enum stack_blkio_kind)i,
				.path = node_text(one, "path"),
				.value =
					value_num(one, i == STACK_DEVICE_WEIGHT ? "weight" : "rate")
						.value,
				.pos = one->pos,
			};
		}
	}
	s->n_blkio = (size_t)(to - s->blkio);
}

void model_shares(struct reader *r, const struct node *n, struct stack_service *s)
{
	const struct node *resources = node_get(node_get(n, "deploy"), "resources");

	s->mem_reservation = value_num(n, "mem_reservation");
	if (!s->mem_reservation.given)
		s->mem_reservation = value_num(node_get(resources, "reservations"), "memory");
	s->memswap_limit = value_num(n, "memswap_limit");
	s->shm_size = value_num(n, "shm_size");
	s->cpu_shares = value_num(n, "cpu_shares");
	s->cpuset = value_str(n, "cpuset");
	s->oom_score_adj = value_num(n, "oom_score_adj");
	read_blkio(r, node_get(n, "blkio_config"), s);
}
