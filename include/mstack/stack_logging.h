/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack_logging: `logging` of a service. A part of the door of stack: include mstack/stack.h.
 */
#ifndef MSTACK_STACK_LOGGING_H
#define MSTACK_STACK_LOGGING_H

#include "mstack/stack_model.h"

enum stack_log_driver { STACK_LOG_LOCAL, STACK_LOG_JSON_FILE, STACK_LOG_NONE, STACK_LOG_JOURNALD, STACK_LOG_SYSLOG };
enum stack_syslog_way { STACK_SYSLOG_UNIX, STACK_SYSLOG_UDP, STACK_SYSLOG_TCP };
enum stack_syslog_format { STACK_SYSLOG_PLAIN, STACK_SYSLOG_3164, STACK_SYSLOG_5424, STACK_SYSLOG_5424_MICRO };

struct stack_logging {
	enum stack_log_driver driver;		/* of others nothing but a warning is left: STACK_LOG_LOCAL */
	int64_t max_size;			/* bytes of a file; 0: not given, -1: no limit */
	unsigned max_files;			/* 0: not given */
	bool no_cache;				/* `cache-disabled`: what is sent elsewhere is not kept here */
	const char *tag;			/* may have {{.Name}} and its like; NULL: not given */
	enum stack_syslog_way way;
	const char *path;			/* STACK_SYSLOG_UNIX; NULL: not given */
	struct ip ip;
	uint16_t port;
	unsigned facility;			/* as of syslog(3), not shifted */
	enum stack_syslog_format format;
	struct stack_pos pos;
};

#endif
