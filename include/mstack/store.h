/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store: images, layers and volumes on disk, below the data folder.
 *
 *	images/NAME/...		unpacked root file systems (built-in busybox, rootfs tars by content)
 *	layers/DIGEST/...		unpacked layers of images, shared
 *	catalog/...		which images there are, and their names
 *	downloads/...		what has come of images that are being pulled
 *	volumes/NAME/_data	named volumes
 *	projects/PROJECT/slots/SLOT/{upper,work}	writable layers; in the ledger
 *	gone/			layers that nobody has any more, until the next sweep
 *	projects/PROJECT/logs/SLOT/			log segments (room logs writes them)
 *
 * Archives are unpacked by the program mstack-store and registries asked by mstack-fetch, never in this process. Knows no
 * services.
 */
#ifndef MSTACK_STORE_H
#define MSTACK_STORE_H

#include "mstack/base.h"
#include "mstack/base_carry.h"
#include "mstack/ledger.h"

struct store;

/* An image's health check. 0 is "as usual" in each number. */
struct store_health {
	char **test;		/* NULL: none; starts with CMD, CMD-SHELL or NONE; empty: none of its own */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	unsigned retries;
};

/* What an image brings along; empty for folders and plain root file systems. Owned by the image. */
struct store_image {
	char **layers;		/* absolute paths of read-only lower folders, topmost first */
	size_t n_layers;
	bool host_root;		/* `/`: covers are needed, upper on tmpfs */
	bool folder;		/* layers[0] is a folder of the user's, by its real path; nothing of ours, and the only layer */
	char **entrypoint, **cmd, **env;	/* NULL-terminated or NULL */
	char *user, *working_dir, *stop_signal;	/* or NULL */
	char **volumes, **exposed, **labels;	/* paths, `80/tcp`, `KEY=VALUE`, each sorted; or NULL */
	struct store_health health;
	char id[65];		/* in the catalog, or "": a folder, a tar of a root file system, the built-in busybox */
};

/* Opens (making the folders, 0700) the store at `data_dir`. NULL on error (read-only, no right: says what to do). */
struct store *store_open(const char *data_dir, struct err *err);
void store_close(struct store *s);
/* Whether there is such a data folder that we may write, or it could be made; else `why` says what is in the way. */
bool store_is_usable(const char *data_dir, char *why, size_t size);
/*
 * Does the file system of the data folder, which need not be there yet, keep the attributes by which overlays mark folders that hide others? For an
 * ordinary user those are other ones, which a tmpfs has from Linux 6.6 on. Without them whoever removes a folder of an image in a container gets EIO.
 */
bool store_keeps_marks(const char *data_dir);
/* Locks on images that are in use: whoever holds their descriptors keeps the images, also when this process is no more. */
void store_carry(const struct store *s, struct carry *to);

/* What kind of image text this is, without looking at the disk; for diagnostics. */
enum store_form { STORE_NAME, STORE_FOLDER, STORE_TAR, STORE_OCI, STORE_ARCHIVE };
enum store_form store_image_form(const char *image);

/*
 * Finds or makes the image: a folder, `/`, a rootfs tar (unpacked once by content digest, through mstack-store), a name in the
 * catalog, `busybox` (when the catalog has none: made from the host's static busybox: binary, one link per applet, passwd,
 * group, usual folders), `oci:DIR[:REF]`, `oci-archive:TAR[:REF]`, `docker-archive:TAR[:REF]` (imported when they have
 * changed). Relative paths are relative to base_dir. Progress lines go to `tell` (may be NULL). An image of the catalog cannot
 * be removed until `s` is closed. May wait (unpacking): call before the loop runs. err->sys == ENOENT: there is no such image.
 */
int store_image_get(struct store *s, const char *image, const char *base_dir, void (*tell)(void *arg, const char *line),
		    void *arg, struct store_image *ret, struct err *err);
/*
 * What store_image_get found, for store_image_resume: the same image, whatever its name has come to mean since then, and also when the file that it was
 * unpacked from is gone. One of the catalog cannot be removed while somebody has what store_carry gave him. May wait.
 */
void store_image_carry(const struct store_image *img, struct carry *to);
int store_image_resume(struct store *s, const char *image, const struct carry *from, struct store_image *ret, struct err *err);
/* For doctor: has this host a static busybox, of which the image `busybox` can be made? */
bool store_has_busybox(void);
void store_image_fini(struct store_image *img);

/* ---- the catalog ----------------------------------------------------------------------------- */

struct store_hooks {
	void (*tell)(void *arg, const char *line);			/* may be NULL */
	void (*progress)(void *arg, uint64_t done, uint64_t total);	/* bytes of archives read; may be NULL */
	void *arg;
};

/* What was imported: the id of the (last) image, and all names that were given. */
struct store_imported { char id[65]; struct VEC(char *) names; };
/*
 * Imports what oci:DIR[:REF], oci-archive:TAR[:REF], docker-archive:TAR[:REF] or a tar of a root file system holds, under
 * `name` (NULL: what it calls itself). Zero *ret before; store_imported_fini after, also on error. May wait.
 */
int store_import(struct store *s, const char *image, const char *base_dir, const char *name, const struct store_hooks *hooks,
		 struct store_imported *ret, struct err *err);
void store_imported_fini(struct store_imported *i);

enum store_pull_state {
	STORE_PULL_CURRENT,	/* what is here is what the registry has */
	STORE_PULL_NEW,		/* it came; with check: the registry has another one */
	STORE_PULL_ABSENT,	/* with check: it is not here */
};
/* An image at a registry; what stands behind `check` is set afterwards. */
struct store_pull {
	const char *image;		/* as Docker writes it: alpine, host:5000/app:v1, app@sha256:... */
	bool check;			/* look only */
	bool failed;
	struct err err;			/* when it failed: names image, registry, status of HTTP, and what to do */
	enum store_pull_state state;
	char name[512];			/* completed: docker.io/library/alpine:latest */
	char id[65], digest[65];	/* of the image, of its manifest or list at the registry */
};
/*
 * Pulls them by the OCI distribution spec, some at the same time, each in a process of its own that runs mstack-fetch for
 * what comes from strangers. What came of one whose pull was cut off is used by the next. Goes on after one that fails; `tell`
 * hears lines that begin with the image. 0 also when some failed, -1 when no process could be started. May wait for minutes.
 */
int store_pull(struct store *s, struct store_pull *pulls, size_t n, const struct store_hooks *hooks, struct err *err);
/* How long ago was its name given to it, by import or pull? 1 with *ret_s; 0 no such image is in the catalog; -1. */
int store_image_age(const struct store *s, const char *image, uint64_t *ret_s, struct err *err);

struct store_listed {
	char id[65];
	char **names;			/* as people write them, sorted, NULL-terminated; empty: none */
	char digest[65];		/* of the manifest, "" unknown */
	char *created, *imported;	/* RFC 3339, or "" */
	char *platform;			/* linux/amd64, linux/arm/v7; "" unknown */
	uint64_t size;			/* of all files, shared layers too */
	size_t n_layers;
	bool in_use;			/* by a running stack */
};
struct store_listing { struct store_listed *v; size_t n; };
/* All images of the catalog, by name. */
int store_list(const struct store *s, struct store_listing *ret, struct err *err);
void store_listing_fini(struct store_listing *l);
/* What is known of an image as a JSON object, in the words of `docker image inspect`. `name` is one of its names, its id, or at
 * least 4 digits of that. ENOENT: there is none. */
int store_inspect(const struct store *s, const char *name, struct buf *ret, struct err *err);

/* What a removal did: lines for people, and the bytes of the layers that went. */
struct store_removed { struct VEC(char *) lines; uint64_t bytes; };
/*
 * Takes the name away; with the last one (or by its id) the image and the layers that no other has go too. One that a running
 * stack uses is refused (EBUSY); with `force` it loses its names, and goes with the next prune after the stack.
 */
int store_remove(struct store *s, const char *name, bool force, struct store_removed *ret, struct err *err);
/* Removes images without a name, with `all` also all that no running stack uses, and layers that no image has. */
int store_prune(struct store *s, bool all, struct store_removed *ret, struct err *err);
void store_removed_fini(struct store_removed *r);

/* ---- copies ---------------------------------------------------------------------------------- */

/* One end of a copy: a folder of somebody's, or a tar. */
struct store_end {
	int folder;			/* borrowed; -1: it is a tar, in */
	int tar;			/* this descriptor */
	int (*enter)(const void *arg);	/* of the process at this end, before all else: takes on the rights of the folder's owner.
					   0, or -1 with errno; NULL: our own rights */
	const void *arg;
};
struct store_copy {
	struct store_end from, to;
	const char *name;	/* of a thing in the folder `from`; `.`: the folder itself */
	const char *as;		/* what it is called at the other end; `.`: only what is in it */
	bool owners;		/* they, and attributes, are kept; else all belongs to who enters */
	bool set_id;		/* so is what makes programs run as others */
};
/*
 * Copies by two mstack-store, each shut into its folder: one reads it, the other fills its own from the tar of the first.
 * Neither follows a link. Into a folder only what is called `as` comes; a file that is there is replaced as a whole, a folder is
 * kept and filled. hooks.progress is told bytes, with a total of 0. On error what was copied so far is there. May wait.
 */
int store_copy(const struct store_copy *c, const struct store_hooks *hooks, struct err *err);

/* ---- volumes, slots, users ------------------------------------------------------------------- */

/* What is written down about a volume when it is made. */
struct store_volume_origin {
	const char *project, *service;	/* NULL: of no stack */
	bool anonymous;
};
/*
 * A volume that is going to be used: made (0755 root, empty) when it is not there and `origin` is given. It cannot be removed
 * until `s` is closed. *ret_path: volumes/NAME, in which `_data` is the volume; caller frees. 0 it was there, 1 it was made now, -1
 * (ENOENT: it is not there).
 */
int store_volume(struct store *s, const char *name, const struct store_volume_origin *origin, char **ret_path,
		 struct err *err);
/* Removes a volume and its data. 0, also when there was none; -1 (EBUSY: a running stack uses it). */
int store_volume_remove(struct store *s, const char *name, struct err *err);
/* The same, but its data is only put aside, for store_sweep. */
int store_volume_discard(struct store *s, const char *name, struct err *err);
/* `s` does not use it any more. */
void store_volume_let_go(struct store *s, const char *name);

struct store_volume_listed {
	char *name, *path;		/* path: of its data */
	char *project, *service;	/* of its origin; "" none */
	char *created;			/* RFC 3339, "" unknown */
	bool anonymous, in_use;		/* by a running stack */
};
struct store_volume_listing { struct store_volume_listed *v; size_t n; };
/* All volumes, by name. Zero *ret before; store_volume_listing_fini after. */
int store_volume_list(const struct store *s, struct store_volume_listing *ret, struct err *err);
void store_volume_listing_fini(struct store_volume_listing *l);

/* Folders of a slot's writable layer, entered in the ledger, made when missing; caller frees both paths. */
int store_slot_layer(struct store *s, const char *project, const char *slot, struct ledger *ledger, uint32_t parent,
		     char **ret_upper, char **ret_work, struct err *err);
/* Takes it away again, with all that was written; what is swept later is only put aside. 0, also when there is none. */
int store_slot_layer_drop(const struct store *s, const char *project, const char *slot, struct ledger *ledger,
			  struct err *err);
/* Folder of a slot's logs (not made here, not in the ledger); caller frees. */
char *store_log_dir(const struct store *s, const char *project, const char *slot);
/* Looks up a user's or group's ids and home in the image's passwd and group, through its layers (topmost that has the file wins;
 * links stay inside the layer). `spec` is "name|uid[:name|gid]" or NULL/"" (root). Supplementary groups of a named user are
 * returned. Digits only, < 2^32-1; unknown name: error, never a guess. *ret_home: caller frees. */
struct store_user { uid_t uid; gid_t gid; gid_t groups[64]; size_t n_groups; char *home; char *name; };
int store_user(const struct store_image *img, const char *spec, struct store_user *ret, struct err *err);
/* One more supplementary group, by number or by its name in the image; twice is once. Unknown name: error. */
int store_user_add_group(const struct store_image *img, const char *group, struct store_user *u, struct err *err);
void store_user_fini(struct store_user *u);

/* The layers of a stack whose ledger was lost (a boot does that), entered in `l` as intents; with `l` NULL this only looks.
 * 1 found, 0 none, -1 error. */
int store_find(const char *project, struct ledger *l, struct err *err);
/* Names of stacks that have layers. */
void store_projects(void (*found)(void *arg, const char *project), void *arg);

/* Removes what undone layers have left behind, which may take long: when everybody has been answered, and without the ledger's lock. */
void store_sweep(void);

/* Ledger kind "layer" (upper and work of a slot): moved aside within the data folder, for store_sweep. NULL-terminated. */
extern const struct ledger_kind *const store_ledger_kinds[];

#endif
