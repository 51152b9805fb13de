/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any packet as the supervisor would receive it. Build with clang
 * -fsanitize=fuzzer,address,undefined and the rooms ctl and base.
 */
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mstack/ctl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctl_msg m = { 0 };
	struct err err = { 0 };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return 0;
	if (send(pair[0], data, size, MSG_NOSIGNAL) >= 0 && ctl_recv(pair[1], &m, &err) == 0)
		(void)ctl_answer(pair[1], &m, CTL_OK, NULL, true);
	ctl_msg_fini(&m);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
