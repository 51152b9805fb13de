/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_port: the entries of `ports`, short and long. The drafts are what the tables of keys fill. */
#ifndef STACK_READ_PORT_H
#define STACK_READ_PORT_H

#include "stack/values.h"

#define PORTS_MAX 4096	/* of all services, after expansion of ranges */

struct port_draft {
	struct stack_str published, host_ip, protocol, mode;
	struct stack_num target;
};

VALUE_READER(read_ports);	/* struct stack_service */

#endif
