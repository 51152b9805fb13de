/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rootless: the level below an ordinary user, in which that user is root. A user namespace whose id 0 is the user and whose further
 * ids are the user's ranges of /etc/subuid and /etc/subgid, or none; with it a mount namespace, and for a supervisor a network
 * namespace. Inside, everything goes on as for root.
 *
 * cli enters (before it does anything else of a command), sup makes the network its own, doctor asks what there is. Of the programs of
 * others only newuidmap and newgidmap are executed here.
 */
#ifndef MSTACK_ROOTLESS_H
#define MSTACK_ROOTLESS_H

#include "mstack/base.h"

/* ---- outside --------------------------------------------------------------------------------- */

/* Whether we are an ordinary user: nothing can be made before rootless_enter. */
bool rootless_outside(void);
/*
 * Says by the environment (MSTACK_RUN_DIR, MSTACK_DATA_DIR, unless they are set) where the folders of an ordinary user are, so that
 * path_run_dir and path_data_dir tell the same outside, inside and in what is executed: below $XDG_RUNTIME_DIR, /run/user/UID, or /tmp with
 * the user's number in its name, whichever is private to the user; and below $XDG_DATA_HOME, or ~/.local/share.
 */
void rootless_folders(void);
/* Why a user has no run-time folder after that, with the cure; caller frees. NULL: there is one, or we are root. Outside and inside. */
char *rootless_lacks_run_dir(void);
/*
 * Into new user and mount namespaces; the network is still the host's. Returns in the same process, with the ids 0. Waits for newuidmap
 * and newgidmap. -1: err says what forbids it and what would allow it; the process may be half inside, and has to end.
 */
int rootless_enter(struct err *err);
/*
 * Into the user namespace of this process, which entered one, and into its network: the supervisor of a stack of the same user. From that network one
 * gets into those of its containers and back, as from the host's one would not. Mounts stay.
 */
int rootless_join(pid_t pid, struct err *err);
/*
 * Into its user and mount namespace, to go on with its stack as one that has entered them by itself. The network is still the host's; the folder that we
 * are in stays, if it is there too.
 */
int rootless_follow(pid_t pid, struct err *err);

/* ---- inside ---------------------------------------------------------------------------------- */

/*
 * Whether root is here the very user who made this level. Not so for root of a container that another program made in a user namespace: for that
 * one the container is the host.
 */
bool rootless_is_user(void);
/* How the host calls an id of here; of one that is not mapped, and when we are not inside, the same number. */
uid_t rootless_host_uid(uid_t uid);
/*
 * What a user with a single id has to do without, why, and the command that helps, as one line; caller frees. NULL: there are ranges, or
 * we are not inside.
 */
char *rootless_left_out(void);
/* Whether the network namespace is that of somebody above us, in which nothing can be made. */
bool rootless_net_is_foreign(void);
/* Goes on in a network namespace of its own, in which lo is up and nothing else is. */
int rootless_net_own(struct err *err);
/* Goes on in that of this process, which has one of this level. */
int rootless_net_of(pid_t pid, struct err *err);

/* ---- asking ---------------------------------------------------------------------------------- */

struct rootless_probe {
	const char *what;
	bool ok, needed;	/* needed: nothing goes without it */
	char why[160], cure[240];
};

/* What an ordinary user can have on this host, and what would grant the rest. Asked outside. Returns how many, at most `max`. */
size_t rootless_probe(struct rootless_probe *ret, size_t max);

#endif
