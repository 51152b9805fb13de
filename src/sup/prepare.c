/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before anything is touched: images, users and the host's facts, and from them the plan. Then the slots' run-time folders. May
 * wait (an image may have to be unpacked), so it runs before the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "mstack/base_level.h"
#include "mstack/rootless.h"
#include "sup/reexec.h"

enum { RESOLV_MAX = 65536, HOSTS_MAX = 16 << 20 };

/* ---- images and users ------------------------------------------------------------------------ */

/* Where the Dockerfile is: compose looks from the folder that is built, `docker build` from where it is called. */
static char *dockerfile_option(const struct stack_service *s)
{
	const char *folder = s->build_context.text, *file = s->build_dockerfile.text;

	if (!file || !strcmp(file, "Dockerfile"))
		return xstrdup("");
	if (*folder != '/' || *file == '/')
		return xasprintf("-f %s ", file);
	return xasprintf("-f %s/%s ", folder, file);
}

static int no_image(const struct stack_service *s, struct err *err)
{
	_cleanup_free_ char *option = NULL;

	if (!s->build_context.text || err->sys != ENOENT)
		return -1;
	option = dockerfile_option(s);
	return err_set(
		err,
		"image '%s': mstack builds none; make it with: docker build -t %s %s%s && docker export "
		"$(docker create %s) -o %s.tar, and write `image: ./%s.tar`",
		s->image.text, s->image.text, option, s->build_context.text, s->image.text, s->name,
		s->name);
}

static void tell_progress(void *arg, const char *line)
{
	const struct sup_opts *opts = arg;

	sup_say(&opts->hooks, SUP_PROGRESS, NULL, "%s", line);
}

/* The first service with the image of service `nr`: fifty services of one image ask the store once. */
static size_t first_with_image(const struct sup_opts *opts, size_t nr)
{
	const struct stack_service *services = opts->stack->services;
	size_t i = 0;

	while (i < nr && strcmp(services[i].image.text, services[nr].image.text) != 0)
		i++;
	return i;
}

/* A container that cannot be made for what the file says at this line. */
int sup_cannot_create(const struct sup_opts *opts, const struct stack_service *s, uint32_t line,
		      struct err *err)
{
	err->kind = ERR_CREATE;
	/* What options say of a one-off stands in no line of a file. */
	if (opts->client && !strcmp(opts->client->service, s->name))
		return err_wrap(err, "service '%s'", s->name);
	err->line = line;
	sup_err_at(opts->stack, s, err);
	return -1;
}

/* Users of hooks are looked for now, when nothing runs yet; who they are is found again when they are needed. */
static int check_hooks(const struct sup_opts *opts, const struct stack_service *s,
		       const struct stack_hook *list, size_t n, const struct store_image *image,
		       struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct store_user user = { 0 };

		if (list[i].user.text && store_user(image, list[i].user.text, &user, err) < 0)
			return sup_cannot_create(opts, s, list[i].user.pos.line, err);
		store_user_fini(&user);
	}
	return 0;
}

static int get_image(const struct sup_opts *opts, struct sup_prepared *p, const char *name,
		     struct store_image *ret, struct err *err)
{
	const struct carry *then = sup_image_then(p, name);

	if (then)
		return store_image_resume(p->store, name, then, ret, err);
	return store_image_get(p->store, name, opts->stack->dir, tell_progress, (void *)opts, ret,
			       err);
}

static int prepare_service(const struct sup_opts *opts, struct sup_prepared *p, size_t nr,
			   size_t first, struct err *err)
{
	const struct stack_service *s = &opts->stack->services[nr];

	if (first < nr) {
		p->images[nr] = p->images[first];
		p->shared[nr] = true;
	} else if (get_image(opts, p, s->image.text, &p->images[nr], err) < 0) {
		no_image(s, err);
		return sup_cannot_create(opts, s, s->image.pos.line, err);
	}
	if (store_user(&p->images[nr], s->user.text ? s->user.text : p->images[nr].user,
		       &p->users[nr], err) < 0)
		return sup_cannot_create(opts, s, s->user.pos.line, err);
	for (size_t i = 0; i < s->group_add.n; i++)
		if (store_user_add_group(&p->images[nr], s->group_add.v[i].text, &p->users[nr],
					 err) < 0)
			return sup_cannot_create(opts, s, s->group_add.v[i].pos.line, err);
	return check_hooks(opts, s, s->post_start, s->n_post_start, &p->images[nr], err) < 0 ||
			       check_hooks(opts, s, s->pre_stop, s->n_pre_stop, &p->images[nr],
					   err) < 0
		       ? -1
		       : 0;
}

/* Each once, also when many mounts show it. */
static bool is_prepared(const struct sup_prepared *p, const char *image)
{
	for (size_t i = 0; i < p->n_mounted; i++)
		if (!strcmp(p->mounted[i].name, image))
			return true;
	return false;
}

/* An image beside those of services. The host's own root is none: nothing of it would be covered. */
static int prepare_further(const struct sup_opts *opts, struct sup_prepared *p,
			   const struct stack_service *s, const char *name, uint32_t line,
			   struct err *err)
{
	struct store_image *img;
	int rc;

	if (is_prepared(p, name))
		return 0;
	img = xcalloc(1, sizeof(*img));
	rc = get_image(opts, p, name, img, err);
	if (!rc && img->host_root) {
		store_image_fini(img);
		rc = err_set(err, "image '/': is this host itself: bind the folder that is needed");
	}
	if (rc < 0) {
		free(img);
		return sup_cannot_create(opts, s, line, err);
	}
	p->mounted = xrealloc(p->mounted, (p->n_mounted + 1) * sizeof(*p->mounted));
	p->mounted[p->n_mounted++] = (struct plan_image){ name, img };
	return 0;
}

static const struct store_image *image_of_step(const struct sup_prepared *p,
					       const struct stack_hook *h,
					       const struct store_image *of_service)
{
	for (size_t i = 0; h->image.text && i < p->n_mounted; i++)
		if (!strcmp(p->mounted[i].name, h->image.text))
			return p->mounted[i].image;
	return of_service;
}

static int prepare_steps(const struct sup_opts *opts, struct sup_prepared *p,
			 const struct stack_service *s, struct err *err)
{
	const struct store_image *of_service = &p->images[s - opts->stack->services];

	for (size_t i = 0; i < s->n_pre_start; i++) {
		const struct stack_hook *h = &s->pre_start[i];

		if (h->image.text && strcmp(h->image.text, s->image.text) != 0 &&
		    prepare_further(opts, p, s, h->image.text, h->image.pos.line, err) < 0)
			return -1;
		if (check_hooks(opts, s, h, 1, image_of_step(p, h, of_service), err) < 0)
			return -1;
	}
	return 0;
}

/* What mounts show, and what its `pre_start` runs in. */
static int prepare_others(const struct sup_opts *opts, struct sup_prepared *p,
			  const struct stack_service *s, struct err *err)
{
	for (size_t k = 0; k < s->n_mounts; k++)
		if (s->mounts[k].type == STACK_IMAGE &&
		    prepare_further(opts, p, s, s->mounts[k].source, s->mounts[k].pos.line, err) <
			    0)
			return -1;
	return prepare_steps(opts, p, s, err);
}

/* ---- resolv.conf ----------------------------------------------------------------------------- */

/* None, or a larger one: the container gets none either. */
static char *read_own(const char *path, size_t max)
{
	struct buf b = { 0 };

	if (file_read(AT_FDCWD, path, max, &b) < 0)
		buf_fini(&b);
	buf_puts(&b, "");
	return buf_take(&b);
}

/* The last of the lines counts, as for the C library (resolv.conf(5)): its words; NULL: there is none. */
static char *search_list(const char *own)
{
	_cleanup_free_ char *in = xstrdup(own);
	char *line, *rest = in, *found = NULL;

	while ((line = strsep(&rest, "\n"))) {
		size_t word = strcspn(line, " \t");

		if (word != 6 ||
		    (strncmp(line, "search", 6) != 0 && strncmp(line, "domain", 6) != 0))
			continue;
		free(found);
		found = xstrdup(line + word + strspn(line + word, " \t"));
	}
	return found;
}

/*
 * For who has a DNS server of ours. A name without dots is looked for as it is first: it may be a service. The host's domains
 * come after it.
 */
static char *resolv_conf(const char *own)
{
	_cleanup_free_ char *search = search_list(own);
	struct buf out = { 0 };

	buf_puts(&out, "nameserver 127.0.0.11\n");
	if (search && *search)
		buf_printf(&out, "search %s\n", search);
	buf_puts(&out, "options ndots:0\n");
	return buf_take(&out);
}

/* ---- the plan -------------------------------------------------------------------------------- */

struct plan_host sup_plan_host(const struct sup_prepared *p)
{
	return (struct plan_host){
		.net = &p->facts,
		.impair = p->impair_known ? &p->impair : NULL,
		.images = p->images,
		.users = p->users,
		.profiles = (const char *const *)p->profiles,
		.mounted = p->mounted,
		.n_mounted = p->n_mounted,
		.run_dir = p->run_dir,
		.data_dir = path_data_dir(),
		.resolv_conf = p->resolv_conf,
		.own_hosts = p->own_hosts,
		.own_resolv_conf = p->own_resolv_conf,
		.hostname = p->hostname,
		.running = p->running,
		.ids = level_get().ids,
		.user = rootless_is_user(),
		.taken = p->taken,
		.n_taken = p->n_taken,
	};
}

static int make_plan(const struct sup_opts *opts, struct sup_prepared *p)
{
	struct plan_host host = sup_plan_host(p);

	host.isolated = sup_is_isolated(opts->isolated || opts->stack->isolated);
	host.held_back = opts->client ? opts->client->service : NULL;
	return plan_make(opts->stack, &host, &p->plan, opts->diags);
}

static int read_profile(const struct sup_opts *opts, struct sup_prepared *p, size_t nr,
			struct err *err)
{
	const struct stack_service *s = &opts->stack->services[nr];
	const char *then = s->seccomp.text ? sup_profile_then(p, s->seccomp.text) : NULL;

	if (then)
		p->profiles[nr] = xstrdup(then);
	else if (sup_read_profile(s, &p->profiles[nr], err) < 0)
		return sup_cannot_create(opts, s, s->seccomp.pos.line, err);
	return 0;
}

/* Room for what is known of each service. */
static int begin(const struct sup_opts *opts, struct sup_prepared *p, struct err *err)
{
	size_t n = opts->stack->n_services;

	p->run_dir = sup_project_dir(opts->stack->name);
	p->images = xcalloc(n + 1, sizeof(*p->images));
	p->shared = xcalloc(n + 1, sizeof(*p->shared));
	p->users = xcalloc(n + 1, sizeof(*p->users));
	p->profiles = xcalloc(n + 1, sizeof(*p->profiles));
	p->n_profiles = n;
	p->store = store_open(path_data_dir(), err);
	return p->store ? 0 : -1;
}

static bool in_host_network(const struct stack *stack)
{
	for (size_t i = 0; i < stack->n_services; i++)
		if (stack->services[i].net.share == STACK_OF_HOST)
			return true;
	return false;
}

static bool is_impaired(const struct stack *stack)
{
	for (size_t i = 0; i < stack->n_services; i++)
		for (size_t j = 0; j < stack->services[i].n_networks; j++)
			if (stack->services[i].networks[j].impair)
				return true;
	for (size_t i = 0; i < stack->n_wires; i++)
		if (stack->wires[i].impair)
			return true;
	return false;
}

static int look_at_host(const struct sup_opts *opts, struct sup_prepared *p, struct err *err)
{
	if (net_facts_get(&p->facts, err) < 0)
		return -1;
	if (p->then)
		sup_facts_resume(carry_next(p->then, "facts", NULL), &p->facts);
	if ((is_impaired(opts->stack) && sup_impair_look(p, err) < 0))
		return -1;
	/* Some hosts keep lists of thousands of names there. */
	if (in_host_network(opts->stack))
		p->own_hosts = read_own("/etc/hosts", HOSTS_MAX);
	p->own_resolv_conf = read_own("/etc/resolv.conf", RESOLV_MAX);
	p->resolv_conf = resolv_conf(p->own_resolv_conf);
	/* What is cut off without an end has one by the size of the field. */
	gethostname(p->hostname, sizeof(p->hostname) - 1);
	return 0;
}

int sup_prepare_one(const struct sup_opts *opts, const struct stack_service *service,
		    struct sup_prepared *p, struct err *err)
{
	size_t nr = (size_t)(service - opts->stack->services);

	if (begin(opts, p, err) < 0)
		return -1;
	p->n = opts->stack->n_services;
	if (read_profile(opts, p, nr, err) < 0 || prepare_service(opts, p, nr, nr, err) < 0 ||
	    prepare_others(opts, p, service, err) < 0)
		return -1;
	return look_at_host(opts, p, err);
}

int sup_fetch_image(const struct sup_opts *opts, const char *service, struct err *err)
{
	struct sup_prepared p = { 0 };
	int rc = sup_prepare_one(opts, stack_find_service(opts->stack, service), &p, err);

	sup_prepared_fini(&p);
	return rc;
}

int sup_prepare(const struct sup_opts *opts, struct sup_prepared *p, struct err *err)
{
	size_t n = opts->stack->n_services;
	int rc;

	if (begin(opts, p, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (read_profile(opts, p, i, err) < 0)
			return -1;
	for (; p->n < n; p->n++)
		if (prepare_service(opts, p, p->n, first_with_image(opts, p->n), err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (prepare_others(opts, p, &opts->stack->services[i], err) < 0)
			return -1;
	if (look_at_host(opts, p, err) < 0)
		return -1;
	rc = make_plan(opts, p);
	if (rc != 0)
		return err_kind(err, rc == PLAN_HOST_REFUSES ? ERR_RUN : ERR_STACK,
				"stack '%s': cannot be planned", opts->stack->name);
	return 0;
}

void sup_prepared_fini(struct sup_prepared *p)
{
	plan_free(p->plan);
	for (size_t i = 0; i < p->n; i++) {
		if (!p->shared[i])
			store_image_fini(&p->images[i]);
		store_user_fini(&p->users[i]);
	}
	for (size_t i = 0; i < p->n_mounted; i++) {
		store_image_fini((struct store_image *)p->mounted[i].image);
		free((struct store_image *)p->mounted[i].image);
	}
	free(p->mounted);
	for (size_t i = 0; i < p->n_profiles; i++)
		free(p->profiles[i]);
	free(p->profiles);
	free(p->images);
	free(p->shared);
	free(p->users);
	net_facts_fini(&p->facts);
	free(p->resolv_conf);
	free(p->own_hosts);
	free(p->own_resolv_conf);
	free(p->run_dir);
	if (p->store)
		store_close(p->store);
}

/* ---- folders --------------------------------------------------------------------------------- */

int sup_make_folders(struct sup *s, struct err *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/slots", s->model->prepared.run_dir);
	uint32_t item = ledger_intend(s->ledger, "folder", 0, dir, err);

	if (!item)
		return -1;
	if (path_mkdirs(AT_FDCWD, dir, 0700) < 0)
		return err_sys(err, errno, "run-time folder '%s'", dir);
	if (ledger_done_path(s->ledger, item, err) < 0)
		return -1;
	for (size_t i = 0; i < s->plan->n_slots; i++)
		if (path_mkdirs(AT_FDCWD, s->plan->slots[i].dir, 0755) < 0)
			return err_sys(err, errno, "run-time folder '%s'", s->plan->slots[i].dir);
	return 0;
}
