/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_service: one service, from its map to struct stack_service. The drafts are what the tables of keys fill; the
 * readers below are named by rows of those tables.
 */
#ifndef STACK_READ_SERVICE_H
#define STACK_READ_SERVICE_H

#include "stack/read_mount.h"
#include "stack/values.h"

struct service_draft {
	struct stack_service s;
	struct mount_list mounts;
	struct envset environment;
	const struct node *env_file;
};

struct health_draft {
	struct stack_strs test;
	struct stack_num interval, timeout, start_period, start_interval, retries;
	bool disable;
};

struct depend_draft {
	struct stack_str condition;
	bool optional, restart;
};

struct ulimit_draft {
	struct stack_num soft, hard;
};

struct env_file_draft {
	struct stack_str path, format;
	bool optional;
};

VALUE_READER(read_environment);		/* struct envset */
VALUE_READER(read_later);		/* const struct node * */
VALUE_READER(read_not);			/* bool that holds the opposite: `required: false` */
VALUE_READER(read_health);		/* struct stack_health */
VALUE_READER(read_health_test);		/* struct stack_strs */
VALUE_READER(read_depends);		/* struct stack_service */
VALUE_READER(read_attachments);		/* struct stack_service */
VALUE_READER(read_restart);		/* struct stack_service */
VALUE_READER(read_stop_signal);		/* struct stack_service */
VALUE_READER(read_build);		/* struct stack_service */
VALUE_READER(read_image);		/* struct stack_str */
VALUE_READER(read_working_dir);		/* struct stack_str */
VALUE_READER(read_container_name);	/* struct stack_str */
VALUE_READER(read_hostname);		/* struct stack_str */
VALUE_READER(read_address);		/* struct stack_attach */
VALUE_READER(read_cpus);		/* struct stack_num */
VALUE_READER(read_pids);		/* struct stack_num */
VALUE_READER(read_caps);		/* struct stack_strs */
VALUE_READER(read_ulimits);		/* struct stack_service */
VALUE_READER(read_sysctls);		/* struct stack_kvs */
VALUE_READER(read_platform);		/* nothing: it must be this machine's */
VALUE_READER(read_pull_policy);		/* nothing: its words are checked */
VALUE_READER(read_only_false);		/* nothing: true is not supported yet */
VALUE_READER(read_deploy);		/* nothing: its keys are checked */

/* `services`; networks and volumes are in the model by then. */
void read_services(struct reader *r, const struct where *w, const struct node *n);
/* `env_file` of a service, folded with its `environment` into what the container gets. */
struct stack_kvs read_env(struct reader *r, const struct where *w, const struct node *env_file,
			  const struct envset *environment);

#endif
