/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_service: the readers of what stands in a service, apart from its mounts and ports. They are named by rows of the
 * table of service keys; the comment behind each is the field that it fills.
 */
#ifndef STACK_READ_SERVICE_H
#define STACK_READ_SERVICE_H

#include "stack/values.h"

VALUE_READER(read_health);		/* struct stack_health */
VALUE_READER(read_depends);		/* struct stack_service */
VALUE_READER(read_attachments);		/* struct stack_service */
VALUE_READER(read_restart);		/* struct stack_service */
VALUE_READER(read_stop_signal);		/* struct stack_service */
VALUE_READER(read_build);		/* struct stack_service */
VALUE_READER(read_image);		/* struct stack_str */
VALUE_READER(read_working_dir);		/* struct stack_str */
VALUE_READER(read_container_name);	/* struct stack_str */
VALUE_READER(read_hostname);		/* struct stack_str */
VALUE_READER(read_cpus);		/* struct stack_num */
VALUE_READER(read_pids);		/* struct stack_num */
VALUE_READER(read_caps);		/* struct stack_strs */
VALUE_READER(read_ulimits);		/* struct stack_service */
VALUE_READER(read_sysctls);		/* struct stack_kvs */
VALUE_READER(read_platform);		/* nothing: it must be this machine's */
VALUE_READER(read_pull_policy);		/* nothing: its words are checked */
VALUE_READER(read_deploy);		/* nothing: its keys are checked */

/* `env_file` of a service, folded with its `environment` into what the container gets. */
struct stack_kvs read_env(struct reader *r, const struct where *w, const struct node *env_file,
			  const struct envset *environment);

#endif
