/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * security: `mstack config --security`: for each service what it keeps of the default isolation, which rights it gives up
 * beyond that, and what weakens it. Called by config_cmd.c; works on the model alone and asks the host nothing but whether we are root.
 */
#include <jansson.h>

#include "cli/security.h"
#include "cli/table.h"
#include "mstack/box.h"
#include "mstack/plan.h"
#include "mstack/rootless.h"

enum verdict { KEPT, DROPPED, WEAKENED };
static const char *const verdicts[] = { "kept", "dropped", "weakened" };

/* One of them is there: lines go into the table, or into the lists of one service. */
struct report {
	struct cli_table *table;
	json_t *lists[ARRAY_LEN(verdicts)];
	const char *service;
	struct buf detail;
};

/* What stands in `detail` is told about `subject`, and begun anew. */
static void tell(struct report *r, enum verdict v, const char *subject)
{
	const char *text = buf_str(&r->detail);

	if (r->table) {
		cli_table_row(r->table,
			      (const char *const[]){ r->service, verdicts[v], subject, text });
	} else {
		json_t *detail = json_string(text);

		json_array_append_new(r->lists[v],
				      json_pack("{s:s, s:o}", "subject", subject, "detail",
						detail ? detail : json_string("(not UTF-8)")));
	}
	buf_fini(&r->detail);
}

static void say(struct report *r, enum verdict v, const char *subject, const char *detail)
{
	buf_puts(&r->detail, detail);
	tell(r, v, subject);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static void tell_caps(struct report *r, enum verdict v, uint64_t caps)
{
	if (!caps)
		return;
	if (caps == ~(uint64_t)0) {
		say(r, v, "capabilities", "ALL");
		return;
	}
	for (int nr = 0; nr < 64; nr++)
		if (caps >> nr & 1 && box_cap_name(nr))
			buf_printf(&r->detail, "%s%s", r->detail.len ? ", " : "", box_cap_name(nr));
	tell(r, v, "capabilities");
}

static void add_caps(struct report *r, const struct stack_service *s)
{
	const uint64_t caps = plan_caps(s), usual = box_caps_default();

	tell_caps(r, KEPT, caps & usual);
	tell_caps(r, DROPPED, usual & ~caps);
	tell_caps(r, WEAKENED, caps == ~(uint64_t)0 ? caps : caps & ~usual);
}

static void add_filter(struct report *r, const struct stack_service *s)
{
	const char *own = s->seccomp.text;

	if (!own) {
		say(r, KEPT, "system calls", "the default filter");
	} else if (!strcmp(own, "unconfined")) {
		say(r, WEAKENED, "system calls", "no filter");
	} else {
		buf_printf(&r->detail, "the filter of %s in place of the default one", own);
		tell(r, WEAKENED, "system calls");
	}
	if (s->i386)
		say(r, WEAKENED, "system calls",
		    "those of i386 too; socketcall opens all families of sockets");
}

static void add_privileges(struct report *r, const struct stack_service *s)
{
	if (s->new_privileges)
		say(r, WEAKENED, "privileges",
		    "set-user-id programs and file capabilities give some");
	else
		say(r, KEPT, "privileges", "no program gives any");
	if (s->user.text) {
		buf_puts(&r->detail, s->user.text);
		tell(r, DROPPED, "user");
	}
	if (s->apparmor.text) {
		buf_printf(&r->detail, "profile %s", s->apparmor.text);
		tell(r, DROPPED, "AppArmor");
	}
}

/* ---- the host -------------------------------------------------------------------------------- */

/* Whose containers have nothing of the host that the user has not. */
static bool is_user(void)
{
	return rootless_outside() || rootless_is_user();
}

static void add_devices(struct report *r, const struct stack_service *s)
{
	if (s->privileged)
		say(r, WEAKENED, "devices",
		    is_user() ? "those of the host that the user may open"
			      : "all of the host, and nothing is in their way");
	else
		say(r, KEPT, "devices", "null, zero, full, random, urandom, tty");
	for (size_t i = 0; i < s->n_devices; i++) {
		const struct stack_device *d = &s->devices[i];

		buf_printf(&r->detail, "%s at %s (%s)", d->source, d->target, d->permissions);
		tell(r, WEAKENED, "device of the host");
	}
	for (size_t i = 0; i < s->n_device_rules; i++) {
		buf_printf(&r->detail, "%s: nodes of bound folders are of use as well",
			   s->device_rules[i].text);
		tell(r, WEAKENED, "device rule");
	}
}

static void add_kernel_files(struct report *r, const struct stack_service *s)
{
	if (s->privileged)
		say(r, WEAKENED, "kernel files", "/sys and the groups of cgroups are writable");
	if (s->unmasked)
		say(r, WEAKENED, "kernel files",
		    "/proc is writable, and nothing in it or in /sys is masked");
	else
		say(r, KEPT, "kernel files", "/proc and /sys masked and read-only");
}

/* The other namespaces, one by one: those of its own, of the host, of another service. */
static void add_shared(struct report *r, const struct stack_service *s)
{
	const struct {
		const char *name, *given_up;
		const struct stack_namespace *ns;
	} all[] = {
		{ "network", "its interfaces and all that listens there", &s->net },
		{ "pid", "all processes are seen and, if they are its users', signalled", &s->pid },
		{ "ipc", "shared memory and queues", &s->ipc },
		{ "uts", "the host name", &s->uts },
		{ "cgroup", "the names of all control groups", &s->cgroup },
	};

	buf_puts(&r->detail, "mount");
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].ns->share < STACK_OF_HOST)
			buf_printf(&r->detail, ", %s", all[i].name);
	tell(r, KEPT, "namespaces");
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].ns->share < STACK_OF_HOST)
			continue;
		buf_printf(&r->detail, "%s of %s%s: %s", all[i].name,
			   all[i].ns->of ? "service " : "the host",
			   all[i].ns->of ? all[i].ns->of->name : "", all[i].given_up);
		tell(r, WEAKENED, "namespaces");
	}
}

/* Of an ordinary user's stack: no id of it is more on the host than the user, and the ranges that are given to that one. */
static void add_users_ids(struct report *r, const struct stack_service *s)
{
	if (plan_host_ids(s))
		say(r, WEAKENED, "users",
		    "those of the whole stack, root of the container is the user outside");
	else
		say(r, KEPT, "users",
		    "ids of the user's own, root of the container is the user outside");
}

static void add_namespaces(struct report *r, const struct stack_service *s)
{
	if (is_user())
		add_users_ids(r, s);
	else if (plan_host_ids(s))
		say(r, WEAKENED, "users", "root of the container is root of the host");
	else
		say(r, KEPT, "users", "ids of the stack's own, root of the container is nobody");
	add_shared(r, s);
}

/* Whoever may talk to the owner of these owns the machine. */
static const char *danger_of(const char *source)
{
	static const char *const sockets[] = { "docker.sock", "podman.sock", "containerd.sock",
					       "crio.sock", "dockershim.sock" };
	const char *name = strrchr(source, '/');

	if (!strcmp(source, "/"))
		return ": all files of the host";
	for (size_t i = 0; name && i < ARRAY_LEN(sockets); i++)
		if (!strcmp(name + 1, sockets[i]))
			return ": a socket of whoever runs containers is the machine";
	if (path_is_within(path_run_dir(), source))
		return ": the sockets of mstack are below it";
	if (path_is_within(source, "/proc") || path_is_within(source, "/sys") ||
	    path_is_within(source, "/dev"))
		return ": the kernel's files of the host";
	return "";
}

/* The folder of the host that it shows, or NULL. */
static const char *folder_of(const struct stack_mount *m)
{
	if (m->type == STACK_BIND)
		return m->source;
	return m->volume && m->volume->bind ? m->volume->device : NULL;
}

static bool has_folders(const struct stack_service *s)
{
	for (size_t i = 0; i < s->n_mounts; i++)
		if (folder_of(&s->mounts[i]))
			return true;
	return s->n_shares > 0;
}

static void add_mounts(struct report *r, const struct stack_service *s)
{
	static const char *const propagation[] = {
		[STACK_PRIVATE] = "",
		[STACK_SLAVE] = ", with what is mounted there later",
		[STACK_SHARED] = ", and its mounts there reach the host",
	};

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct stack_mount *m = &s->mounts[i];

		const char *path = folder_of(m);

		if (!path)
			continue;
		buf_printf(&r->detail, "%s on %s%s%s%s", path, m->target,
			   m->read_only ? " (read-only)" : "", propagation[m->propagation],
			   danger_of(path));
		tell(r, WEAKENED, "host folder");
	}
	for (size_t i = 0; i < s->n_shares; i++) {
		if (!has_folders(s->shares[i].service))
			continue;
		buf_printf(&r->detail, "those of service '%s'%s", s->shares[i].service->name,
			   s->shares[i].read_only ? " (read-only)" : "");
		tell(r, WEAKENED, "host folder");
	}
	if (s->writable_root) {
		buf_printf(&r->detail, "%s is the root itself, and is written to", s->image.text);
		tell(r, WEAKENED, "host folder");
	}
	if (s->read_only)
		say(r, DROPPED, "root", "read-only");
}

static void add_limits(struct report *r, const struct stack_service *s)
{
	if (s->pids_limit.given && s->pids_limit.value < 0)
		say(r, WEAKENED, "processes", "no limit in place of 2048");
	if (s->oom_score_adj.value < 0) {
		buf_printf(&r->detail, "%lld: others are killed before it",
			   (long long)s->oom_score_adj.value);
		tell(r, WEAKENED, "OOM score");
	}
}

/* ---- all services ---------------------------------------------------------------------------- */

static void add_service(struct report *r, const struct stack_service *s)
{
	r->service = s->name;
	add_caps(r, s);
	add_filter(r, s);
	add_privileges(r, s);
	add_namespaces(r, s);
	add_devices(r, s);
	add_kernel_files(r, s);
	add_mounts(r, s);
	add_limits(r, s);
}

static void add_table(const struct stack *s, struct buf *out)
{
	static const char *const heads[] = { "SERVICE", "VERDICT", "WHAT", "DETAIL", NULL };
	struct report r = { .table = cli_table_new(heads) };

	for (size_t i = 0; i < s->n_services; i++)
		add_service(&r, &s->services[i]);
	cli_table_add(r.table, out);
	buf_fini(&r.detail);
}

static void add_json(const struct stack *s, struct buf *out)
{
	json_t *all = json_object();
	char *text;

	for (size_t i = 0; i < s->n_services; i++) {
		struct report r = { 0 };
		json_t *one = json_object();

		for (size_t v = 0; v < ARRAY_LEN(verdicts); v++) {
			r.lists[v] = json_array();
			json_object_set_new(one, verdicts[v], r.lists[v]);
		}
		add_service(&r, &s->services[i]);
		buf_fini(&r.detail);
		json_object_set_new(all, s->services[i].name, one);
	}
	text = json_dumps(all, JSON_INDENT(2));
	buf_printf(out, "%s\n", text);
	free(text);
	json_decref(all);
}

void cli_security(const struct stack *s, bool json, struct buf *out)
{
	if (json)
		add_json(s, out);
	else
		add_table(s, out);
}
