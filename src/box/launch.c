/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch: from the caller's spec to flat arrays that the child only reads. Called by start.c and
 * exec.c before a clone. Whatever allocates, searches or may be refused without asking the kernel
 * is done here.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "box/launch.h"
#include "box/propagation.h"
#include "mstack/base_level.h"

#define LAYERS_MAX  500
#define SHM_DEFAULT (INT64_C(64) << 20)

static size_t count(const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static const char *const *copy_list(struct arena *a, const char *const *list, size_t n)
{
	const char **ret = arena_array(a, const char *, n + 1);

	for (size_t i = 0; i < n; i++)
		ret[i] = arena_strdup(a, list[i]);
	return ret;
}

/* ---- root ------------------------------------------------------------------------------------ */

/* Length of the longest folder that both paths are below of. */
static size_t common_folder(const char *a, const char *b)
{
	size_t last = 0;

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			last = i;
	return last;
}

/* Commas separate options, colons layers; a backslash takes their meaning away. */
static void put_escaped(struct buf *b, const char *path)
{
	for (; *path; path++) {
		if (strchr(",:\\", *path))
			buf_putc(b, '\\');
		buf_putc(b, *path);
	}
}

static int set_upper(struct launch *l, const struct box_spec *spec, struct buf *options,
		     struct err *err)
{
	struct arena *a = l->arena;
	size_t base;

	if (!spec->upper) {
		l->upper_path = SLOT_UPPER "/upper";
		buf_puts(options, ",upperdir=" SLOT_UPPER "/upper,workdir=" SLOT_UPPER "/work");
		return 0;
	}
	if (!spec->work)
		return err_set(err, "upper layer '%s': no work folder beside it", spec->upper);
	base = common_folder(spec->upper, spec->work);
	l->upper_base = base ? arena_strndup(a, spec->upper, base) : "/";
	l->volatile_mark[1] =
		arena_printf(a, SLOT_UPPER "%s/work/incompat/volatile", spec->work + base);
	l->volatile_mark[0] = arena_printf(a, "%s/dirty", l->volatile_mark[1]);
	l->upper_path = arena_printf(a, SLOT_UPPER "%s", spec->upper + base);
	buf_puts(options, ",upperdir=" SLOT_UPPER);
	put_escaped(options, spec->upper + base);
	buf_puts(options, ",workdir=" SLOT_UPPER);
	put_escaped(options, spec->work + base);
	/*
	 * Without it the end of a container would write the whole file system of the upper layer to
	 * the disk.
	 */
	buf_puts(options, ",volatile");
	return 0;
}

static int set_layers(struct launch *l, const struct box_spec *spec, struct err *err)
{
	_cleanup_(buf_fini) struct buf options = { 0 };

	if (!spec->n_lower || spec->n_lower > LAYERS_MAX)
		return err_set(err, "%zu layers: an image has 1 to %d", spec->n_lower, LAYERS_MAX);
	if (spec->host_root && level_get().nested)
		return launch_parts(l, err);
	l->lower = copy_list(l->arena, spec->lower, spec->n_lower);
	l->n_lower = spec->n_lower;
	l->lower_tree = arena_array(l->arena, int, spec->n_lower);
	l->writable_root = spec->writable_root;
	if (l->writable_root)
		return spec->n_lower == 1 ? 0
					  : err_set(err, "layers of an image are not written to");
	buf_puts(&options, "lowerdir=");
	for (size_t i = 0; i < spec->n_lower; i++)
		buf_printf(&options, i ? ":%zu" : "%zu", i);
	if (set_upper(l, spec, &options, err) < 0)
		return -1;
	if (options.len >= LAUNCH_OPTIONS_MAX)
		return err_set(err, "mount options of the root: longer than %d bytes",
			       LAUNCH_OPTIONS_MAX);
	l->overlay_options = arena_strdup(l->arena, options.data);
	return 0;
}

/* The host as an image shows nobody's home. */
static void set_covers(struct launch *l, const struct box_spec *spec)
{
	static const char *const homes[] = { "/root", "/home" };
	size_t n = count(spec->covers), at = 0;
	const char **list = arena_array(l->arena, const char *, n + ARRAY_LEN(homes) + 1);

	for (size_t i = 0; spec->host_root && i < ARRAY_LEN(homes); i++)
		list[at++] = homes[i];
	for (size_t i = 0; i < n; i++)
		list[at++] = arena_strdup(l->arena, spec->covers[i]);
	l->covers = list;
}

static void set_file(struct launch *l, const struct box_mount *m, struct launch_mount *to)
{
	if (m->type != BOX_FILE)
		return;
	to->text = memcpy(arena_alloc(l->arena, m->text_len + 1), m->text, m->text_len);
	to->text_len = m->text_len;
	to->uid = m->uid;
	to->gid = m->gid;
	to->file_mode = m->mode ? m->mode & 07777 : 0644;
}

/* Relative to the slot's root, as the child attaches them. */
static int set_image(struct launch *l, const struct box_mount *m, size_t nr,
		     struct launch_mount *to, struct err *err)
{
	_cleanup_(buf_fini) struct buf options = { 0 };

	if (!m->n_lower || m->n_lower > LAYERS_MAX)
		return err_set(err, "image '%s': %zu layers: it may have 1 to %d", m->source,
			       m->n_lower, LAYERS_MAX);
	to->lower = copy_list(l->arena, m->lower, m->n_lower);
	to->n_lower = m->n_lower;
	to->lower_tree = arena_array(l->arena, int, m->n_lower);
	buf_puts(&options, "lowerdir=");
	for (size_t i = 0; i < m->n_lower; i++)
		buf_printf(&options, SLOT_IMAGE ".%zu:", nr, i);
	buf_puts(&options, SLOT_EMPTY);
	if (options.len >= LAUNCH_OPTIONS_MAX)
		return err_set(err, "image '%s': mount options longer than %d bytes", m->source,
			       LAUNCH_OPTIONS_MAX);
	to->overlay_options = arena_strdup(l->arena, options.data);
	return 0;
}

/* What can be said of a source before anything is begun. */
static int set_source(struct launch *l, const struct box_mount *m, size_t nr,
		      struct launch_mount *to, struct err *err)
{
	to->source = m->source ? arena_strdup(l->arena, m->source) : NULL;
	to->subpath = m->subpath ? arena_strdup(l->arena, m->subpath) : NULL;
	to->propagation = m->propagation;
	if (m->type == BOX_IMAGE)
		return set_image(l, m, nr, to, err);
	assert(m->source || m->type == BOX_TMPFS || m->type == BOX_FILE);
	if (m->type == BOX_MOUNTED && strlen(m->source) >= VOLUME_NAME_SIZE)
		return err_set(err, "volume '%.64s': its name is too long", m->source);
	return m->type == BOX_BIND ? propagation_check(m->source, m->propagation, err) : 0;
}

static int set_mounts(struct launch *l, const struct box_spec *spec, struct err *err)
{
	l->n_mounts = spec->n_mounts;
	l->mounts = arena_array(l->arena, struct launch_mount, spec->n_mounts);
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct box_mount *m = &spec->mounts[i];
		struct launch_mount *to = &l->mounts[i];

		to->type = m->type;
		if (set_source(l, m, i, to, err) < 0) {
			if (err)
				err->line = m->line;
			return -1;
		}
		set_file(l, m, to);
		to->target = arena_strdup(l->arena, m->target);
		to->read_only = m->read_only;
		to->line = m->line;
		if (m->size > 0)
			snprintf(to->size, sizeof(to->size), "%" PRId64, m->size);
		snprintf(to->mode, sizeof(to->mode), "%04o", m->mode ? m->mode : 01777);
	}
	return 0;
}

/* ---- devices --------------------------------------------------------------------------------- */

static int set_devices(struct launch *l, const struct box_spec *spec, struct err *err)
{
	struct box_device_rule *rules =
		arena_array(l->arena, struct box_device_rule, spec->n_device_rules);

	for (size_t i = 0; i < spec->n_device_rules; i++)
		rules[i] = spec->device_rules[i];
	l->device_rules = rules;
	l->n_device_rules = spec->n_device_rules;
	l->privileged = spec->privileged;
	l->unmasked = spec->unmasked;
	return launch_nodes(l, spec, err);
}

/* ---- sysctls --------------------------------------------------------------------------------- */

/* What an ipc, uts or network namespace has of its own. Ends in '*': all that begin so. */
static const char *const own_sysctls[] = {
	"kernel.domainname",  "kernel.msg_next_id",
	"kernel.msgmax",      "kernel.msgmnb",
	"kernel.msgmni",      "kernel.sem",
	"kernel.sem_next_id", "kernel.shm*",
	"fs.mqueue.*",	      "net.*",
};

static bool is_own(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(own_sysctls); i++) {
		size_t len = strcspn(own_sysctls[i], "*");

		if (!strncmp(key, own_sysctls[i], len) && (own_sysctls[i][len] || !key[len]))
			return true;
	}
	return false;
}

/*
 * As sysctl(8): dots and slashes change places unless the first of them is a slash. NULL: no name
 * of a setting.
 */
static const char *sysctl_path(struct arena *a, const char *key)
{
	char *path = arena_strdup(a, key);
	bool swap = key[strcspn(key, "./")] != '/';

	for (char *p = path; *p && swap; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	if (*path == '/' || strstr(path, "//") || strstr(path, "..") || strstr(path, "/./"))
		return NULL;
	return path;
}

/* Of which namespace it is; those of the network are the slot's in any case. */
static int namespace_of(const char *key)
{
	if (!strncmp(key, "net.", 4))
		return -1;
	return strcmp(key, "kernel.domainname") != 0 ? BOX_IPC : BOX_UTS;
}

static int refuse_host(const struct box_spec *spec, const struct box_sysctl *s, const char *dotted,
		       struct err *err)
{
	int ns = namespace_of(dotted);

	if (ns < 0 || spec->ns[ns].share != BOX_HOST)
		return 0;
	err_set(err, "sysctl '%s': refused: with `%s: host` it would be the host's own", s->key,
		ns == BOX_IPC ? "ipc" : "uts");
	if (err)
		err->line = s->line;
	return -1;
}

static int set_sysctls(struct launch *l, const struct box_spec *spec, struct err *err)
{
	struct launch_sysctl *to = arena_array(l->arena, struct launch_sysctl, spec->n_sysctls);

	for (size_t i = 0; i < spec->n_sysctls; i++) {
		const struct box_sysctl *s = &spec->sysctls[i];
		char *dotted = arena_strdup(l->arena, s->key);

		to[i].path = sysctl_path(l->arena, s->key);
		for (char *p = dotted; *p; p++)
			*p = *p == '/' ? '.' : *p;
		if (!to[i].path || !is_own(dotted)) {
			err_set(err,
				"sysctl '%s': refused: it belongs to the whole host, not to the "
				"container's own ipc, uts or network namespace%s",
				s->key, !strcmp(dotted, "kernel.hostname") ? "; use hostname" : "");
			if (err)
				err->line = s->line;
			return -1;
		}
		if (refuse_host(spec, s, dotted, err) < 0)
			return -1;
		to[i].key = arena_strdup(l->arena, s->key);
		to[i].value = arena_strdup(l->arena, s->value);
		to[i].line = s->line;
	}
	l->sysctls = to;
	l->n_sysctls = spec->n_sysctls;
	return 0;
}

/* ---- limits ---------------------------------------------------------------------------------- */

static const struct box_rlimit default_rlimits[] = {
	{ RLIMIT_NOFILE, 1024, 524288, 0 },
	{ RLIMIT_CORE, 0, 0, 0 },
	{ RLIMIT_MEMLOCK, 8 << 20, 8 << 20, 0 },
};

/* A default of ours is lowered to what we may give; what the user wrote is given or refused. */
static struct box_rlimit lowered(struct box_rlimit r)
{
	struct rlimit own;

	if (!getrlimit((__rlimit_resource_t)r.resource, &own) && own.rlim_max < r.hard)
		r.hard = own.rlim_max;
	if (r.soft > r.hard)
		r.soft = r.hard;
	return r;
}

static bool is_given(const struct box_spec *spec, int resource)
{
	for (size_t i = 0; i < spec->n_rlimits; i++)
		if (spec->rlimits[i].resource == resource)
			return true;
	return false;
}

static void set_rlimits(struct launch *l, const struct box_spec *spec)
{
	size_t n = 0;
	struct box_rlimit *to = arena_array(l->arena, struct box_rlimit,
					    ARRAY_LEN(default_rlimits) + spec->n_rlimits);

	for (size_t i = 0; i < ARRAY_LEN(default_rlimits); i++)
		if (!is_given(spec, default_rlimits[i].resource))
			to[n++] = lowered(default_rlimits[i]);
	for (size_t i = 0; i < spec->n_rlimits; i++)
		to[n++] = spec->rlimits[i];
	l->rlimits = to;
	l->n_rlimits = n;
}

/* What the service says itself of such a limit (`ulimits`) stays. */
static void add_rlimit(struct launch *l, int resource, int64_t value, unsigned line)
{
	struct box_rlimit *to = arena_array(l->arena, struct box_rlimit, l->n_rlimits + 1);

	for (size_t i = 0; i < l->n_rlimits; i++) {
		if (l->rlimits[i].resource == resource)
			return;
		to[i] = l->rlimits[i];
	}
	to[l->n_rlimits] =
		lowered((struct box_rlimit){ resource, (rlim_t)value, (rlim_t)value, line });
	l->rlimits = to;
	l->n_rlimits++;
}

int64_t launch_stand_in_pids(const struct box_limits *limits, unsigned controllers)
{
	int64_t pids = limits->pids_max ? limits->pids_max : BOX_PIDS_DEFAULT;

	return controllers & BOX_WANT_PIDS && pids > 0 ? pids : 0;
}

void launch_stand_in(struct launch *l, const struct box_limits *limits, unsigned controllers)
{
	int64_t pids = launch_stand_in_pids(limits, controllers);

	if (controllers & BOX_WANT_MEMORY && limits->memory_max > 0)
		add_rlimit(l, RLIMIT_AS, limits->memory_max, limits->lines[0]);
	if (pids)
		add_rlimit(l, RLIMIT_NPROC, pids, limits->lines[2]);
}

/* ---- command --------------------------------------------------------------------------------- */

void launch_differ(struct launch *l, const struct launch_other *other)
{
	if (other->envp) {
		l->envp = other->envp;
		l->path_env = launch_path(other->envp);
	}
	if (other->cwd)
		l->cwd = other->cwd;
	if (other->user) {
		l->uid = other->user->uid;
		l->gid = other->user->gid;
		l->groups = other->user->groups;
		l->n_groups = other->user->n_groups;
	}
	if (other->privileged) {
		l->caps = UINT64_MAX;
		l->filter = NULL;
		l->apparmor = NULL;
		l->new_privileges = true;
	}
}

const char *launch_path(const char *const *envp)
{
	for (; *envp; envp++)
		if (!strncmp(*envp, "PATH=", 5))
			return *envp + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static const char *const *one_candidate(struct arena *a, const char *path)
{
	const char **list = arena_array(a, const char *, 2);

	list[0] = path;
	return list;
}

static const char *const *search(struct arena *a, const char *path, const char *name)
{
	const char **list;
	size_t n = 1;

	for (const char *p = path; *p; p++)
		n += *p == ':';
	list = arena_array(a, const char *, n + 1);
	for (n = 0;; path++) {
		size_t len = strcspn(path, ":");

		/* An empty entry is the working folder. */
		list[n++] = arena_printf(a, "%.*s/%s", len ? (int)len : 1, len ? path : ".", name);
		path += len;
		if (!*path)
			return list;
	}
}

int launch_command(const struct launch *l, struct arena *a, const char *const *argv,
		   struct launch_command *ret, struct err *err)
{
	struct launch_command c;

	if (!argv || !argv[0] || !*argv[0])
		return err_kind(err, ERR_CREATE, "the command is empty");
	c.argv = copy_list(a, argv, count(argv));
	c.searched = strchr(argv[0], '/') ? NULL : l->path_env;
	c.candidates = c.searched ? search(a, c.searched, c.argv[0]) : one_candidate(a, c.argv[0]);
	*ret = c;
	return 0;
}

/* Its name, the path, and the command's own words behind. */
static void set_init(struct launch *l, const struct box_spec *spec)
{
	size_t n = count(l->command.argv);

	if (!spec->init)
		return;
	l->init_argv = arena_array(l->arena, const char *, n + 3);
	l->init_argv[0] = "init";
	for (size_t i = 0; i <= n; i++)
		l->init_argv[i + 2] = l->command.argv[i];
}

static void set_process(struct launch *l, const struct box_spec *spec)
{
	struct arena *a = l->arena;

	l->envp = copy_list(a, spec->envp, count(spec->envp));
	l->path_env = launch_path(l->envp);
	l->cwd = spec->cwd ? arena_strdup(a, spec->cwd) : "/";
	l->uid = spec->uid;
	l->gid = spec->gid;
	l->n_groups = spec->n_groups;
	l->groups =
		memcpy(arena_array(a, gid_t, spec->n_groups),
		       spec->n_groups ? spec->groups : &spec->gid, sizeof(gid_t) * spec->n_groups);
	l->hostname = spec->hostname ? arena_strdup(a, spec->hostname) : NULL;
	l->domainname = spec->domainname ? arena_strdup(a, spec->domainname) : NULL;
	l->caps = spec->caps;
	l->new_privileges = spec->new_privileges;
	l->apparmor = spec->apparmor ? arena_printf(a, "exec %s", spec->apparmor) : NULL;
	snprintf(l->oom_score_adj, sizeof(l->oom_score_adj), "%d", spec->oom_score_adj);
	set_rlimits(l, spec);
}

/* ---- all of it ------------------------------------------------------------------------------- */

int launch_last_cap(void)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	/* 40 is CAP_CHECKPOINT_RESTORE, the last one for years. */
	if (file_read(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", 64, &text) < 0)
		return 40;
	return atoi(buf_str(&text));
}

static int fill(struct launch *l, const struct box_spec *spec, struct err *err)
{
	if (set_layers(l, spec, err) < 0 || set_sysctls(l, spec, err) < 0 ||
	    set_devices(l, spec, err) < 0 || set_mounts(l, spec, err) < 0)
		return -1;
	set_covers(l, spec);
	set_process(l, spec);
	l->read_only = spec->read_only;
	l->keep = spec->keep;
	l->shares_pids = spec->ns[BOX_PID].share != BOX_OWN;
	if (!spec->no_shm)
		snprintf(l->shm_size, sizeof(l->shm_size), "%" PRId64,
			 spec->shm_size > 0 ? spec->shm_size : SHM_DEFAULT);
	if (launch_command(l, l->arena, spec->argv, &l->command, err) < 0)
		return -1;
	set_init(l, spec);
	return 0;
}

struct launch *launch_new(const struct box_spec *spec, const struct sock_fprog *filter,
			  struct err *err)
{
	struct arena *a = arena_new();
	struct launch *l = arena_alloc(a, sizeof(*l));

	*l = (struct launch){ .arena = a, .filter = filter, .upper_tree = -1 };
	l->last_cap = launch_last_cap();
	if (fill(l, spec, err) < 0) {
		launch_free(l);
		return NULL;
	}
	return l;
}

void launch_free(struct launch *l)
{
	if (l)
		arena_free(l->arena);
}
