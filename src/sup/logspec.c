/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From `logging` of a service to what the log of a slot is opened with. Called when a log is opened.
 */
#include <stdio.h>

#include "sup/state.h"

/* {{.Name}} and its like, of which the file has no others. */
static char *expand(const char *tag, const struct sup_slot *slot, const char *id)
{
	const struct {
		const char *name, *value;
	} known[] = {
		{ "{{.Name}}", slot->plan->container },
		{ "{{.ID}}", id },
		{ "{{.FullID}}", id },
		{ "{{.ImageName}}", slot->plan->service->image.text },
		{ "{{.DaemonName}}", "mstack" },
	};
	struct buf out = { 0 };

	while (*tag) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) && strncmp(tag, known[i].name, strlen(known[i].name)))
			i++;
		if (i < ARRAY_LEN(known))
			buf_puts(&out, known[i].value);
		else
			buf_putc(&out, *tag);
		tag += i < ARRAY_LEN(known) ? strlen(known[i].name) : 1;
	}
	return buf_take(&out);
}

/* In the host's network, where receivers are: a user's supervisor is not there. */
static int make_socket(void *arg, int family, int type)
{
	return net_porch_socket(arg, family, type);
}

static void fill_remote(const struct sup_slot *slot, const struct stack_logging *l,
			struct sup_logspec *ret)
{
	static const enum logs_way ways[] = {
		[STACK_SYSLOG_UNIX] = LOGS_SOCKET,
		[STACK_SYSLOG_UDP] = LOGS_UDP,
		[STACK_SYSLOG_TCP] = LOGS_TCP,
	};
	static const enum logs_syslog formats[] = {
		[STACK_SYSLOG_PLAIN] = LOGS_SYSLOG_PLAIN,
		[STACK_SYSLOG_3164] = LOGS_SYSLOG_3164,
		[STACK_SYSLOG_5424] = LOGS_SYSLOG_5424,
		[STACK_SYSLOG_5424_MICRO] = LOGS_SYSLOG_5424_MICRO,
	};

	snprintf(ret->id, sizeof(ret->id), "%016llx",
		 (unsigned long long)hash64_str(slot->plan->container));
	ret->tag = expand(l->tag && *l->tag ? l->tag : "{{.Name}}", slot, ret->id);
	ret->remote = (struct logs_remote){
		.journald = l->driver == STACK_LOG_JOURNALD,
		.way = ways[l->way],
		.path = l->path,
		.ip = l->ip,
		.port = l->port,
		.facility = l->facility,
		.format = formats[l->format],
		.tag = ret->tag,
		.container = slot->plan->container,
		.id = ret->id,
		.image = slot->plan->service->image.text,
		.socket = slot->sup->porch ? make_socket : NULL,
		.socket_arg = slot->sup->porch,
	};
	ret->spec.remote = &ret->remote;
}

void sup_logspec(const struct sup_slot *slot, struct sup_logspec *ret)
{
	static const enum logs_driver drivers[] = {
		[STACK_LOG_LOCAL] = LOGS_LOCAL,	  [STACK_LOG_JSON_FILE] = LOGS_JSON_FILE,
		[STACK_LOG_NONE] = LOGS_NONE,	  [STACK_LOG_JOURNALD] = LOGS_REMOTE,
		[STACK_LOG_SYSLOG] = LOGS_REMOTE,
	};
	const struct stack_logging *l = slot->plan->service->logging;

	if (!l)
		return;
	ret->spec.driver = drivers[l->driver];
	ret->spec.no_cache = l->no_cache;
	ret->spec.max_size = l->max_size < 0 ? UINT64_MAX / 2 : (uint64_t)l->max_size;
	ret->spec.max_files = l->max_files;
	if (ret->spec.driver == LOGS_REMOTE)
		fill_remote(slot, l, ret);
}

void sup_logspec_fini(struct sup_logspec *l)
{
	free(l->tag);
	l->tag = NULL;
}

/* For who looks for what is not there. */
void sup_logspec_say(const struct sup_slot *slot)
{
	const struct stack_logging *l = slot->plan->service->logging;

	if (l && l->driver == STACK_LOG_NONE)
		logs_say(slot->log, "logging driver 'none': what the service writes is not kept");
	else if (l && l->no_cache &&
		 (l->driver == STACK_LOG_JOURNALD || l->driver == STACK_LOG_SYSLOG))
		logs_say(
			slot->log,
			"logging driver '%s' with cache-disabled: what the service writes is not kept here",
			l->driver == STACK_LOG_SYSLOG ? "syslog" : "journald");
}
