/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives a stack, or comes from outside of it: volumes, made and filled when they are new, and folders of the host.
 * Nothing of this is in the ledger, for it is the user's. Called before the loop runs, and while signals still end us: a large
 * copy or a server of files that does not answer may take minutes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sup/state.h"

enum { VOLUME_LIST_MAX = 1 << 20 };

/* ---- the list of a project ------------------------------------------------------------------- */

/* The project's volumes are written down beside its logs, so that `down -v` finds them without the file. */
static char *volume_list_path(const char *project)
{
	return xasprintf("%s/projects/%s/volumes", path_data_dir(), project);
}

static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *c = list; (c = strstr(c, name)); c += len)
		if ((c == list || c[-1] == '\n') && c[len] == '\n')
			return true;
	return false;
}

/*
 * In place, by one write: who is killed here leaves the list as it was, or with all of them, and no file beside it. What a full
 * disk took half of is cut off again.
 */
static int append_names(const char *path, const struct buf *names)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_fd_ int fd = open(path, flags, 0600);
	struct stat before;
	int why;

	if (fd < 0 || fstat(fd, &before) < 0)
		return -1;
	if (fd_write_all(fd, names->data, names->len) == 0)
		return 0;
	why = errno;
	if (ftruncate(fd, before.st_size) < 0)
		why = errno;
	errno = why;
	return -1;
}

/* Written before any of them is made: one that is not listed would never be found again. */
static int list_volumes(const struct plan *plan, struct err *err)
{
	_cleanup_free_ char *path = volume_list_path(plan->stack->name);
	_cleanup_free_ char *dir = xasprintf("%s/projects/%s", path_data_dir(), plan->stack->name);
	_cleanup_(buf_fini) struct buf list = { 0 }, more = { 0 };

	file_read(AT_FDCWD, path, VOLUME_LIST_MAX, &list); /* none yet: an empty list */
	for (size_t i = 0; i < plan->n_volumes; i++)
		if (!plan->volumes[i].external && !plan->volumes[i].unlisted &&
		    !listed(buf_str(&list), plan->volumes[i].name) &&
		    !listed(buf_str(&more), plan->volumes[i].name))
			buf_printf(&more, "%s\n", plan->volumes[i].name);
	if (!more.len)
		return 0;
	if (path_mkdirs(AT_FDCWD, dir, 0700) < 0 || append_names(path, &more) < 0)
		return err_sys(err, errno, "list of volumes '%s'", path);
	return 0;
}

/* ---- folders of the host --------------------------------------------------------------------- */

/* Who can write there can make us do anything as root: in the ledger, over the control socket. */
static int refuse_own(const struct plan_bind *b, struct err *err)
{
	const char *const ours[] = { path_run_dir(), path_data_dir() };
	_cleanup_free_ char *real = realpath(b->path, NULL);

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		_cleanup_free_ char *folder = realpath(ours[i], NULL);

		if (real && folder && path_is_within(real, folder))
			return err_kind(
				err, ERR_CREATE,
				"volume '%s': '%s' is mstack's own folder, which no container may have",
				b->path, ours[i]);
	}
	return 0;
}

static int explain_missing(const struct plan_bind *b, int why, struct err *err)
{
	if (why != ENOENT)
		return err_sys(err, why, "bind of '%s'", b->path);
	if (b->volume)
		return err_sys(err, 0,
			       "volume '%s': '%s' is not there: its 'device' must be a folder of "
			       "the host",
			       b->volume, b->path);
	return err_sys(err, 0,
		       "bind of '%s': it is not there: make it, or write `create_host_path: true` "
		       "for an empty folder",
		       b->path);
}

static int check_bind(const struct plan_bind *b, struct err *err)
{
	if (access(b->path, F_OK) < 0 && (errno != ENOENT || !b->create))
		return explain_missing(b, errno, err);
	return refuse_own(b, err);
}

static int provide_bind(const struct plan_bind *b, struct err *err)
{
	if (check_bind(b, err) < 0)
		return -1;
	if (b->create && access(b->path, F_OK) < 0 && path_mkdirs(AT_FDCWD, b->path, 0755) < 0)
		return err_sys(
			err, errno,
			"bind of '%s': it is not there, and cannot be made (make it, or name another one)",
			b->path);
	return refuse_own(b, err);
}

static int for_binds(const struct sup_opts *opts, const struct plan *plan,
		     int (*fn)(const struct plan_bind *b, struct err *err), struct err *err)
{
	for (size_t i = 0; i < plan->n_binds; i++) {
		const struct plan_bind *b = &plan->binds[i];

		if (fn(b, err) < 0)
			return sup_cannot_create(opts, b->service, b->line, err);
	}
	return 0;
}

int sup_check_binds(const struct sup_opts *opts, const struct plan *plan, struct err *err)
{
	return for_binds(opts, plan, check_bind, err);
}

/* ---- volumes --------------------------------------------------------------------------------- */

/* Renewed: what an anonymous one held is gone. Nobody else has it, as long as the stack's lock is ours. */
static int provide_volume(const struct sup_opts *opts, struct store *store,
			  const struct plan_volume *v, struct err *err)
{
	const struct store_volume_origin origin = {
		.project = opts->stack->name,
		.service = v->service->name,
		.anonymous = v->anonymous,
	};
	struct box_fill rest = { .volume = v->name, .own = true };
	_cleanup_free_ char *path = NULL;

	if (v->anonymous && opts->renew_volumes && store_volume_remove(store, v->name, err) < 0)
		return -1;
	if (store_volume(store, v->name, v->external ? NULL : &origin, &path, err) < 0)
		return sup_cannot_create(opts, v->service, v->line, err);
	rest.folder = path;
	return box_fill(&rest, err);
}

static int mount_volumes(const struct plan *plan, int *ret_volumes, struct err *err)
{
	int fd;

	if (!plan->n_mounted)
		return 0;
	fd = box_volumes_mount(plan->mounted, plan->n_mounted, err);
	if (fd >= 0) {
		*ret_volumes = fd;
		return 0;
	}
	err->kind = ERR_CREATE;
	return plan->stack->n_files ? err_wrap(err, "%s:%u", plan->stack->files[0].path, err->line)
				    : -1;
}

static int fill_volume(const struct sup_opts *opts, const struct plan_fill *f, int volumes,
		       struct err *err)
{
	const struct store_image *image = f->slot->image;
	_cleanup_free_ char *path = xasprintf("%s/volumes/%s", path_data_dir(), f->volume);
	const struct box_fill fill = {
		.volume = f->volume,
		.lower = (const char *const *)image->layers,
		.n_lower = image->n_layers,
		.target = f->target,
		.folder = !f->options	     ? path
			  : f->options->bind ? f->options->device
					     : NULL,
		.own = !f->options,
		.volumes = volumes,
	};
	int rc = box_fill(&fill, err);

	if (rc > 0)
		sup_say(&opts->hooks, SUP_PROGRESS, NULL, "volume %s filled from %s of %s",
			f->volume, f->target, f->slot->service->image.text);
	return rc < 0 ? sup_cannot_create(opts, f->slot->service, f->line, err) : 0;
}

int sup_provide(const struct sup_opts *opts, struct store *store, const struct plan *plan,
		int *ret_volumes, struct err *err)
{
	if (list_volumes(plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_volumes; i++)
		if (provide_volume(opts, store, &plan->volumes[i], err) < 0)
			return -1;
	if (for_binds(opts, plan, provide_bind, err) < 0 ||
	    mount_volumes(plan, ret_volumes, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_fills; i++)
		if (fill_volume(opts, &plan->fills[i], *ret_volumes, err) < 0)
			return -1;
	return 0;
}

int sup_provide_volume(const struct sup_opts *opts, const struct sup_model *m,
		       const struct plan_volume *v, struct err *err)
{
	const struct plan *plan = m->prepared.plan;

	if (provide_volume(opts, m->prepared.store, v, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_fills; i++)
		if (!strcmp(plan->fills[i].volume, v->name) &&
		    fill_volume(opts, &plan->fills[i], m->volumes, err) < 0)
			return -1;
	return 0;
}

/* ---- their end ------------------------------------------------------------------------------- */

/* In place as well: who is killed between the two leaves empty lines, which mean nothing. */
static int keep_names(const char *path, const struct buf *names, size_t had, struct err *err)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_(buf_fini) struct buf all = { 0 };

	buf_add(&all, names->data, names->len);
	while (all.len < had)
		buf_putc(&all, '\n');
	if (fd < 0 || fd_write_all(fd, all.data, all.len) < 0 ||
	    ftruncate(fd, (off_t)names->len) < 0)
		return err_sys(err, errno, "list of volumes '%s'", path);
	return 0;
}

/* One that another stack uses stays, as under compose, and stays on the list: a later `down -v` finds it. */
static int remove_one(struct store *store, const char *name, const struct sup_hooks *hooks,
		      struct buf *kept, struct err *err)
{
	if (store_volume_remove(store, name, err) == 0) {
		sup_say(hooks, SUP_PROGRESS, NULL, "volume %s removed", name);
		return 0;
	}
	if (err->sys != EBUSY)
		return -1;
	sup_say(hooks, SUP_WARNING, NULL, "volume %s stays: another stack that runs uses it", name);
	buf_printf(kept, "%s\n", name);
	return 0;
}

static int remove_listed(const char *project, const struct sup_hooks *hooks, struct err *err)
{
	_cleanup_free_ char *path = volume_list_path(project);
	struct store *store = store_open(path_data_dir(), err);
	struct buf list = { 0 }, kept = { 0 };
	char *name, *rest;
	int rc = store ? 0 : -1;

	if (store)
		file_read(AT_FDCWD, path, VOLUME_LIST_MAX, &list); /* no list: no volumes */
	rest = list.data;
	while (rc == 0 && (name = strsep(&rest, "\n")))
		if (*name)
			rc = remove_one(store, name, hooks, &kept, err);
	if (rc == 0 && kept.len)
		rc = keep_names(path, &kept, list.len, err);
	else if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
		rc = err_sys(err, errno, "list of volumes '%s'", path);
	buf_fini(&list);
	buf_fini(&kept);
	store_close(store);
	return rc;
}

/* As a supervisor has it: who comes up meanwhile would make what is just removed, and take what is left for its own. */
int sup_remove_volumes(const char *project, const struct sup_hooks *hooks, struct err *err)
{
	struct ledger *l = sup_ledger_open(project, true, SUP_GUARD_MS, err);
	int rc;

	if (!l && err->sys == EBUSY) {
		sup_say(hooks, SUP_WARNING, NULL,
			"the volumes stay: somebody has brought stack '%s' up again", project);
		return 0;
	}
	/* Where there is no room for a ledger nobody comes up either. */
	*err = (struct err){ 0 };
	rc = remove_listed(project, hooks, err);
	if (l)
		sup_ledger_drop(project);
	ledger_close(l);
	return rc;
}
