/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fifo: one pipe between a container and its log, with a name, so that the service may open it
 * again.
 */
#ifndef LOGS_FIFO_H
#define LOGS_FIFO_H

#include "mstack/base.h"

struct fifo {
	int rd; /* non-blocking */
	int wr; /* blocking; keeps `rd` from ever seeing the end of the file */
};

/*
 * Makes it, or opens the one that is there with what is in it. `both`: who has `wr` can read as well, so that he is never without a
 * reader, and waits where he would meet a broken pipe.
 */
int fifo_open(struct fifo *ret, const char *dir, const char *name, uid_t uid, gid_t gid, bool both,
	      struct err *err);
void fifo_close(struct fifo *f);

#endif
