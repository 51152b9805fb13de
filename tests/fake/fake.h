/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A made-up world for tests of sup: a second implementation of the headers of net, store and box, chosen by the linker. What
 * each slot does stands in a script; what was asked of the rooms is written into a log of words, in order.
 */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H

#include "mstack/base.h"

struct ev_loop;

struct fake_slot {
	const char *name; /* "web-1" */
	bool slot_fails;  /* its namespaces cannot be made */
	bool start_fails; /* every start of it fails as "not found" */
	bool attach_fails;
	unsigned run_ms; /* ends by itself after this; 0: runs until it is told to stop */
	int status;	 /* with this wait(2) status */
	bool deaf;	 /* does not end on a signal, only when killed */
	bool ignores;	 /* box_signal finds that the signal could never end it */
	bool oom;
	/*
	 * Reads lines and obeys: "bye" ends it with 7, "flood" writes `flood` bytes, "size" that of its terminal, "away"
	 * leaves that for a moment; others it says again, those that begin with ! as an error.
	 */
	bool obeys;
	size_t flood;
	const char *
		probes; /* a letter per probe: '+' good, '-' bad, 'h' hangs; the last one goes on for ever */
};

struct fake_world {
	const struct fake_slot *slots;
	size_t n_slots;
	bool port_taken;
	bool no_netem; /* the kernel has none */
	unsigned impair_fails; /* so often */
	bool wires_fail;				/* none can be made */
	unsigned stands_in;				/* what box_stands_in answers */
	bool links_wait;				/* some are being made all the time */
	void (*begun)(struct ev_loop *loop, void *sup); /* the runtime was opened; may be NULL */
	char (*probe)(const char *slot);		/* in place of fake_slot.probes */
	const char *log_root;				/* folder for log files */
	struct buf log;					/* "open web-1\nstart web-1\n..." */
	unsigned alive;					/* processes now */
	unsigned most_alive;
};

extern struct fake_world *fake_world;

const struct fake_slot *fake_slot(const char *name);
/* What runs in this slot ends, with this wait(2) status. */
void fake_end(const char *name, int status);
void fake_note(const char *fmt, ...) MSTACK_PRINTF(1, 2);

#endif
