/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container of a slot: limits, root, mounts, command, environment, rights. Here the words of the compose file and of
 * the image become those of box, by compose's rules of precedence.
 */
#include <stdio.h>

#include "plan/planner.h"

static const char default_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* ---- command and environment ----------------------------------------------------------------- */

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static size_t put_strs(const char **argv, size_t n, const struct stack_strs *s)
{
	for (size_t i = 0; i < s->n; i++)
		argv[n++] = s->v[i].text;
	return n;
}

static size_t put_list(const char **argv, size_t n, char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		argv[n++] = list[i];
	return n;
}

/* A service's entrypoint clears the image's command; a service's command replaces only that. */
static const char *const *command(struct planner *p, const struct plan_slot *slot,
				  const struct store_image *img)
{
	const struct stack_service *s = slot->service;
	size_t max = s->entrypoint.n + s->command.n + count(img->entrypoint) + count(img->cmd) + 1;
	const char **argv = arena_array(p->arena, const char *, max);
	size_t n = 0;

	n = s->entrypoint.given ? put_strs(argv, n, &s->entrypoint)
				: put_list(argv, n, img->entrypoint);
	if (s->command.given)
		n = put_strs(argv, n, &s->command);
	else if (!s->entrypoint.given)
		n = put_list(argv, n, img->cmd);
	if (!n)
		stack_diag_add(p->diags, STACK_ERROR, s->image.pos, "write `command:`",
			       "service '%s': no command: the image '%s' brings none", s->name,
			       s->image.text);
	return argv;
}

static size_t key_len(const char *entry)
{
	return strcspn(entry, "=");
}

static size_t env_find(const char **env, size_t n, const char *key, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (key_len(env[i]) == len && memcmp(env[i], key, len) == 0)
			return i;
	return n;
}

static size_t env_set(const char **env, size_t n, const char *entry)
{
	size_t i = env_find(env, n, entry, key_len(entry));

	env[i] = entry;
	return i == n ? n + 1 : n;
}

static size_t env_unset(const char **env, size_t n, const char *key)
{
	size_t i = env_find(env, n, key, strlen(key));

	if (i == n)
		return n;
	memmove(env + i, env + i + 1, (n - i - 1) * sizeof(*env));
	return n - 1;
}

/*
 * Later ones win: what every program expects to find, the image's, the service's own. A name
 * without a value takes the variable away again. Five places more: the four of ours and the end.
 */
const char *const *planner_environment(struct planner *p, const struct plan_slot *slot,
				       const struct store_image *img, const struct store_user *user)
{
	const struct stack_service *s = slot->service;
	const char **env =
		arena_array(p->arena, const char *, s->environment.n + count(img->env) + 5);
	size_t n = 0;

	n = env_set(env, n, default_path);
	n = env_set(env, n, arena_printf(p->arena, "HOSTNAME=%s", planner_slot_hostname(p, slot)));
	n = env_set(env, n, arena_printf(p->arena, "HOME=%s", user->home ? user->home : "/"));
	if (s->tty)
		n = env_set(env, n, "TERM=xterm");
	for (size_t i = 0; img->env && img->env[i]; i++)
		n = env_set(env, n, img->env[i]);
	for (size_t i = 0; i < s->environment.n; i++) {
		const struct stack_kv *kv = &s->environment.v[i];

		if (kv->value)
			n = env_set(env, n, arena_printf(p->arena, "%s=%s", kv->key, kv->value));
		else
			n = env_unset(env, n, kv->key);
	}
	env[n] = NULL;
	return env;
}

/* ---- rights and limits ----------------------------------------------------------------------- */

static bool is_all(const char *name)
{
	return strcasecmp(name, "ALL") == 0;
}

static void check_caps(struct planner *p, const struct stack_service *s, const char *key,
		       const struct stack_strs *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!is_all(list->v[i].text) && box_cap_number(list->v[i].text) < 0)
			stack_diag_add(p->diags, STACK_ERROR, list->v[i].pos, "see capabilities(7)",
				       "service '%s': %s: '%s' is not a capability", s->name, key,
				       list->v[i].text);
}

static uint64_t cap_bits(const struct stack_strs *list)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < list->n; i++) {
		int nr = box_cap_number(list->v[i].text);

		if (is_all(list->v[i].text))
			bits = ~(uint64_t)0;
		else if (nr >= 0)
			bits |= (uint64_t)1 << nr;
	}
	return bits;
}

/*
 * ALL is taken first on both sides, so that `cap_drop: [ALL]` with `cap_add: [CHOWN]` leaves that one. What is dropped by name is
 * dropped from a privileged container too.
 */
uint64_t plan_caps(const struct stack_service *s)
{
	uint64_t usual = s->privileged ? ~(uint64_t)0 : box_caps_default();
	uint64_t add = cap_bits(&s->cap_add), drop = cap_bits(&s->cap_drop);

	if (drop == ~(uint64_t)0)
		return add;
	return (usual | add) & ~drop;
}

static rlim_t rlimit(int64_t value)
{
	return value < 0 ? RLIM_INFINITY : (rlim_t)value;
}

static void process(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;
	struct box_rlimit *r = arena_array(p->arena, struct box_rlimit, s->n_ulimits);
	struct box_sysctl *c = arena_array(p->arena, struct box_sysctl, s->sysctls.n);

	for (size_t i = 0; i < s->n_ulimits; i++)
		r[i] = (struct box_rlimit){ s->ulimits[i].resource, rlimit(s->ulimits[i].soft),
					    rlimit(s->ulimits[i].hard), s->ulimits[i].pos.line };
	for (size_t i = 0; i < s->sysctls.n; i++)
		c[i] = (struct box_sysctl){ s->sysctls.v[i].key, s->sysctls.v[i].value,
					    s->sysctls.v[i].pos.line };
	slot->box.rlimits = r;
	slot->box.n_rlimits = s->n_ulimits;
	slot->box.sysctls = c;
	slot->box.n_sysctls = s->sysctls.n;
	check_caps(p, s, "cap_add", &s->cap_add);
	check_caps(p, s, "cap_drop", &s->cap_drop);
	slot->box.caps = plan_caps(s);
	slot->box.new_privileges = s->new_privileges;
	slot->box.unfiltered = s->seccomp.text && !strcmp(s->seccomp.text, "unconfined");
	if (p->host->profiles)
		slot->box.seccomp = p->host->profiles[planner_service(p, s)];
	slot->box.apparmor = s->apparmor.text;
	slot->box.privileged = s->privileged;
	slot->box.unmasked = s->unmasked;
	slot->box.i386 = s->i386;
	slot->box.init = s->init;
	slot->box.keep = p->stack->keep;
	slot->box.tty = s->tty;
	slot->box.oom_score_adj = (int)s->oom_score_adj.value;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/*
 * A container on the host's own root must not see what belongs to other stacks, nor write its layer
 * to the disk that it shows: so our folders are covered and the layer is a tmpfs.
 */
static void root(struct planner *p, struct plan_slot *slot, const struct store_image *img)
{
	const char **covers = arena_array(p->arena, const char *, 3);

	covers[0] = p->host->data_dir;
	covers[1] = path_run_dir();
	slot->box.covers = covers;
	slot->box.lower = (const char *const *)img->layers;
	slot->box.n_lower = img->n_layers;
	slot->box.host_root = img->host_root;
	slot->box.read_only = slot->service->read_only;
	slot->box.shm_size = slot->service->shm_size.value;
	/* Nobody will ask for what a one-off has written beside its volumes. */
	slot->box_slot.tmp_upper =
		img->host_root || p->extra || slot->service->upper == STACK_UPPER_TMPFS;
	slot->box.writable_root = slot->service->writable_root;
	planner_root(p, slot, img);
}

/* Where the file asks for it, if it does by its number; else it is one of the image's, or was asked for by a name of that. */
static struct stack_pos group_pos(const struct stack_service *s, uint32_t gid)
{
	for (size_t i = 0; i < s->group_add.n; i++)
		if (strtoul(s->group_add.v[i].text, NULL, 10) == gid)
			return s->group_add.v[i].pos;
	return s->group_add.n ? s->group_add.v[0].pos : s->image.pos;
}

/* In whose place another one would do: `instead` where a user has few ids. */
static void lacks_id(struct planner *p, struct stack_pos pos, const char *instead, const char *what)
{
	uint32_t all = p->host->ids ? p->host->ids : UINT32_MAX;

	stack_diag_add(p->diags, STACK_ERROR, pos,
		       all < BOX_IDS   ? arena_printf(p->arena,
						      "%s, or have ids given to you in "
							"/etc/subuid and /etc/subgid",
						      instead)
		       : p->host->user ? "take a lower one"
				       : "take a lower one, or write `userns_mode: host`",
		       "%s", what);
}

/*
 * In a user namespace there are no others; the next ones are another stack's. Without one of its own a container has all that we have, which for an
 * ordinary user are not many more.
 */
static void check_ids(struct planner *p, const struct stack_service *s,
		      const struct store_user *user)
{
	uint32_t highest = user->uid > user->gid ? user->uid : user->gid;
	uint32_t all = p->host->ids ? p->host->ids : UINT32_MAX;
	uint32_t ids = all < BOX_IDS || plan_host_ids(s) ? all : BOX_IDS;

	if (highest >= ids) {
		lacks_id(p, s->user.text ? s->user.pos : s->image.pos,
			 "write `user: \"0\"`, who is you",
			 arena_printf(
				 p->arena,
				 "service '%s': id %u of its user: a container has the ids 0 to %u",
				 s->name, highest, ids - 1));
		return;
	}
	for (size_t i = 0; i < user->n_groups; i++)
		if (user->groups[i] >= ids)
			lacks_id(
				p, group_pos(s, user->groups[i]), "leave it out",
				arena_printf(
					p->arena,
					"service '%s': group %u: a container has the groups 0 to %u",
					s->name, user->groups[i], ids - 1));
}

void planner_box(struct planner *p, struct plan_slot *slot)
{
	size_t nr = planner_service(p, slot->service);
	const struct store_image *img = &p->host->images[nr];
	const struct store_user *user = &p->host->users[nr];
	const struct stack_service *s = slot->service;

	slot->box_slot.token = (uint64_t)(slot - p->plan->slots);
	slot->box_slot.name = slot->name;
	planner_limits(p, slot);
	check_ids(p, s, user);
	root(p, slot, img);
	planner_slot_mounts(p, slot);
	planner_devices(p, slot);
	process(p, slot);
	slot->box.argv = command(p, slot, img);
	slot->box.envp = planner_environment(p, slot, img, user);
	slot->box.cwd = s->working_dir.text ? s->working_dir.text : img->working_dir;
	slot->box.uid = user->uid;
	slot->box.gid = user->gid;
	slot->box.groups = user->groups;
	slot->box.n_groups = user->n_groups;
	planner_health(p, slot, img);
	planner_hooks(p, slot);
}
