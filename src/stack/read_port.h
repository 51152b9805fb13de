/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_port: the entries of `ports`, short and long. */
#ifndef STACK_READ_PORT_H
#define STACK_READ_PORT_H

#include "stack/values.h"

VALUE_READER(read_ports);	/* struct stack_service */

#endif
