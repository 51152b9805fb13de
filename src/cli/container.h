/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * container: which running containers a command means: by service, and by index. The supervisor is not asked, so a hung one
 * keeps nobody out.
 */
#ifndef CLI_CONTAINER_H
#define CLI_CONTAINER_H

#include "cli/project.h"
#include "mstack/box.h"
#include "mstack/store.h"

struct cli_containers {
	const char *command; /* of ours, for errors */
	const struct cli_project *project;
	pid_t supervisor; /* or who keeps the stack; when we last looked */
	char **slots; /* "SERVICE-N" of those that run or start one, by service and number; NULL-terminated */
};

/* Those of the project. Fails when its stack is not up. cli_containers_fini ends it in any case. */
int cli_containers_open(struct cli_containers *c, const char *command, const struct cli_project *p,
			struct err *err);
void cli_containers_fini(struct cli_containers *c);
/* Is `service` in the file, or does it run though it is not in it any more? 0, or -1. */
int cli_containers_known(const struct cli_containers *c, const char *service, struct err *err);
/*
 * The container number `index` (text of the command line) of `service`; with NULL, as compose, the lowest that runs.
 * NULL on error; box_running_free.
 */
struct box_running *cli_containers_get(struct cli_containers *c, const char *service,
				       const char *index, struct err *err);
/* That of this slot, whoever supervises the stack by now; as box_running_get. */
struct box_running *cli_containers_slot(struct cli_containers *c, const char *slot, struct err *err);
/* Are all services of the command line known? 0, or -1. */
int cli_containers_check(const struct cli_containers *c, const struct cli_options *o, struct err *err);
/* Is the slot one of the services of the command line, or does that name none? */
bool cli_containers_wanted(const struct cli_options *o, const char *slot);
/* Looks a user up in the container's own files as they are now, by our own reader; as store_user. */
int cli_container_user(const struct box_running *r, const char *spec, struct store_user *ret,
		       struct err *err);
/* N of a slot "SERVICE-N"; 0: it is one of another service. NULL is any service. */
unsigned long cli_slot_index(const char *slot, const char *service);
/* SERVICE of "SERVICE-N"; the caller frees. */
char *cli_slot_service(const char *slot);

#endif
