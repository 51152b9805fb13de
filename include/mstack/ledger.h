/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger: remember what was created; undo it in a safe order, also after a crash.
 *
 * One append-only file per stack. Every kernel object and folder is entered as INTENT before the system call that makes
 * it, confirmed as DONE with its identity, and marked GONE when it is removed. Rollback, `down`, the guard and `doctor`
 * are all ledger_undo over that file. The ledger does not know what a link or a mount is: rooms hand in their kinds.
 * No fsync: the file guards against the death of the supervisor, and kernel objects do not survive that of the host; a
 * ledger of another boot (boot id in its first record) is treated as holding files and folders only.
 */
#ifndef MSTACK_LEDGER_H
#define MSTACK_LEDGER_H

#include "mstack/base.h"
#include "mstack/base_carry.h"

enum ledger_state { LEDGER_INTENT = 1, LEDGER_DONE, LEDGER_GONE };

/* Flags of a kind. */
enum {
	LEDGER_DIES_WITH_PARENT = 1,	/* vanishes when its parent does: only looked at again at the end */
	LEDGER_HOST_WIDE = 2,		/* outside of any namespace of ours: must be removed by name */
	LEDGER_SURVIVES_BOOT = 4,	/* files and folders */
};

#define LEDGER_KEY_MAX 512

struct ledger_item {
	uint32_t id;		/* 1, 2, ...; never used twice within a file */
	uint32_t parent;	/* id, or 0 */
	enum ledger_state state;
	/* What the kernel returned, as the kind defines; 0 while INTENT. Kinds keyed by a path: device, inode. What counts
	 * for one boot only (a device number) belongs into ident[0]: it is 0 again after another boot. */
	uint64_t ident[2];
	const char *kind;	/* name of its kind */
	const char *key;	/* name or path, as the kind defines */
};	/* an item is valid until the first ledger_intend after it went, or until ledger_lock or ledger_close */

struct ledger_kind {
	const char *name;
	/* Is the thing found there really ours? 1 yes, 0 no (a foreign one under our name: it must survive), -1 not there. */
	int (*same)(const struct ledger_item *item);
	/* Called after `same` said 1. 0 gone (`same` is asked again), 1 was gone already, -1 error (EBUSY in err->sys:
	 * tried again until the deadline). */
	int (*destroy)(const struct ledger_item *item, struct err *err);
	/* Many at once, may be NULL. 0 when all are gone, -1 to fall back to one by one. */
	int (*destroy_all)(const struct ledger_item *const *items, size_t n, struct err *err);
	/* By undo, of an item that is not there, may be NULL: what was made for it alone (folders above it) goes when it is empty. */
	void (*tidy)(const struct ledger_item *item);
	unsigned flags;
};

/* Kinds that need no other room: "folder" "file" "socket" "link" (symbolic), see src/ledger/kinds.c. NULL-terminated. */
extern const struct ledger_kind *const ledger_kinds[];

struct ledger;

/*
 * Opens (and with `create` makes, mode 0600) the ledger file and replays it. `kinds`: NULL-terminated lists of kinds, itself
 * ended by NULL; they must outlive the ledger. A torn last record is cut off. Returns NULL on error; a missing file without
 * `create` gives err->sys == ENOENT, one that this version did not write EBADMSG. The folder of `path` must exist. A process that holds the lock must not open the same
 * ledger again: closing the second one would drop the lock (fcntl(2)).
 */
struct ledger *ledger_open(const char *path, bool create, const struct ledger_kind *const *const *kinds, struct err *err);
void ledger_close(struct ledger *l);
/* Somebody has removed its file: what is entered is found by nobody but us. */
bool ledger_lost(const struct ledger *l);
/*
 * For a fork of who has it locked, which leaves its descriptor open and never had the lock: a file that somebody has removed is
 * there again, with what was entered last. Its folder must exist. 0, also when it was not removed; -1.
 */
int ledger_fd(const struct ledger *l);
int ledger_put_back(struct ledger *l, struct err *err);
/* One in memory that is ours alone: to enter what is found and look at it. NULL with err. */
struct ledger *ledger_scratch(const struct ledger_kind *const *const *kinds, struct err *err);

/*
 * For the program that takes our place by execve, which keeps the lock: its file must not be closed on the way, nor opened a second time.
 * look_only: another process, which only tries whether it can read all this; it has no lock and must not write.
 */
void ledger_carry(const struct ledger *l, struct carry *to);
struct ledger *ledger_resume(struct carry *from, bool look_only, const struct ledger_kind *const *const *kinds,
			     struct err *err);

/*
 * Takes the one write lock (fcntl, not inherited by children, kept over exec). Waits up to wait_ms. 0 locked; 1 somebody
 * else has it (*ret_pid, may be NULL, says who); -1 error, with err->sys == ESTALE when the last owner removed the file
 * meanwhile: open it anew. Reads again what others wrote. Whoever writes or undoes must hold it.
 */
int ledger_lock(struct ledger *l, unsigned wait_ms, pid_t *ret_pid, struct err *err);
/* Who has that lock, whatever the file holds by now; 0: nobody. Not for who has it: its lock would go (fcntl_locking(2)). */
pid_t ledger_owner(const char *path);

/* Enters an INTENT; returns its id, or 0 with err. `parent` 0: none. `kind` must be one that was handed in. */
uint32_t ledger_intend(struct ledger *l, const char *kind, uint32_t parent, const char *key, struct err *err);
/* Confirms it. ident may be 0, 0. */
int ledger_done(struct ledger *l, uint32_t id, uint64_t ident0, uint64_t ident1, struct err *err);
/* The same for the kinds below: what lies at the path `key` is the thing; its device and inode are entered. */
int ledger_done_path(struct ledger *l, uint32_t id, struct err *err);
/* It is not there any more (or never came to be). */
int ledger_gone(struct ledger *l, uint32_t id, struct err *err);

/* Items that are not GONE, in the order in which they were entered; NULL after the last. `kind` NULL: all. */
const struct ledger_item *ledger_next(const struct ledger *l, const char *kind, const struct ledger_item *after);
/* As `same` of its kind: 1 ours is there (also: of a kind that is not known here), 0 something else is, -1 nothing. Changes nothing. */
int ledger_there(const struct ledger *l, const struct ledger_item *item);
const struct ledger_item *ledger_find(const struct ledger *l, const char *kind, const char *key);

/*
 * Removes everything entered: what DIES_WITH_PARENT is left to its parent, kinds with destroy_all go in bulk, the rest in
 * reverse order of creation; EBUSY is tried again until the deadline; then looks again. `tell` (may be NULL) is called with
 * a line for each thing that is still there. Returns 0 when all is gone, 1 when something is left (the first of it in err),
 * -1 when the ledger cannot be written (the things were removed all the same). Something else under our name is told and
 * left alone; it is out of the ledger then, ours being gone.
 * Safe to run twice and to be killed while running. May wait up to `deadline_ms`.
 */
int ledger_undo(struct ledger *l, unsigned deadline_ms, void (*tell)(void *arg, const char *line), void *arg,
		struct err *err);
/* The same for one item and all below it. */
int ledger_undo_item(struct ledger *l, uint32_t id, unsigned deadline_ms, struct err *err);

#endif
