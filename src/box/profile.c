/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * profile: a system call filter that the user wrote, in the JSON format of Docker's profiles, into rules of libseccomp. Called by
 * seccomp.c before a clone, and by sup through box.h before anything is made. The text is a stranger's: whatever is not
 * understood is an error, and everything has a limit.
 *
 * The format: docs.docker.com/engine/security/seccomp and moby's profiles/seccomp/seccomp.go. Of the architectures only
 * this machine's own is taken: the doors of i386 and x32 stay closed. A call that this machine does not know is passed over where it
 * would be opened, as Docker does, and an error where it would be closed.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <strings.h>
#include <sys/utsname.h>

#include "box/profile.h"
#include "box/syscalls.h"
#include "mstack/box.h"

#if defined(__x86_64__)
#define ARCH	   "SCMP_ARCH_X86_64"
#define ARCH_NAMES "amd64", "x86_64"
#else
#define ARCH	   "SCMP_ARCH_AARCH64"
#define ARCH_NAMES "arm64", "aarch64"
#endif

enum { RULES_MAX = 2000, NAMES_MAX = 1000, ARGS_MAX = 6, ERRNO_MAX = 4095 };

struct profile {
	scmp_filter_ctx ctx;
	uint64_t caps;
	uint32_t by_default;
	struct err *err;
};

/* ---- values ---------------------------------------------------------------------------------- */

struct word {
	const char *name;
	uint32_t value;
};

static const struct word actions[] = {
	{ "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
	{ "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(EPERM) },
	{ "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_LOG", SCMP_ACT_LOG },
	{ "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
	{ "SCMP_ACT_TRACE", SCMP_ACT_TRACE(EPERM) },
	{ NULL, 0 },
};

static const struct word comparisons[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ NULL, 0 },
};

static int find_word(const struct word *words, const json_t *text, const char *key, uint32_t *ret,
		     struct err *err)
{
	const char *name = json_string_value(text);

	if (!name)
		return err_set(err, "'%s' must be a text", key);
	for (; words->name; words++)
		if (!strcmp(words->name, name)) {
			*ret = words->value;
			return 0;
		}
	return err_set(err, "'%s': '%.40s' is unknown", key, name);
}

/* Keys ended by NULL. What we do not know could be meant to close something. */
static int check_keys(const json_t *map, const char *const *known, struct err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(map))
		return err_set(err, "must be an object");
	json_object_foreach((json_t *)(uintptr_t)map, key, value) {
		const char *const *k = known;

		while (*k && strcmp(*k, key) != 0)
			k++;
		if (!*k)
			return err_set(err, "key '%.40s' is unknown", key);
	}
	return 0;
}

/* A list of at most `max` texts; a key that is not there or null is an empty one. */
static int check_texts(const json_t *map, const char *key, size_t max, const json_t **ret,
		       struct err *err)
{
	const json_t *list = json_object_get(map, key);

	*ret = NULL;
	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > max)
		return err_set(err, "'%s' must be a list of at most %zu texts", key, max);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i)))
			return err_set(err, "'%s' must be a list of texts", key);
	*ret = list;
	return 0;
}

/* A number without a sign of at most `max`; not there: *ret stays. jansson's own have 63 bits and a sign. */
static int read_number(const json_t *map, const char *key, uint64_t max, uint64_t *ret,
		       struct err *err)
{
	const json_t *n = json_object_get(map, key);

	if (!n || json_is_null(n))
		return 0;
	if (json_is_integer(n) && json_integer_value(n) >= 0 &&
	    (uint64_t)json_integer_value(n) <= max) {
		*ret = (uint64_t)json_integer_value(n);
		return 0;
	}
	return err_set(err, "'%s' must be a whole number from 0 to %llu", key,
		       (unsigned long long)(max > INT64_MAX ? INT64_MAX : max));
}

/* SCMP_ACT_ERRNO and SCMP_ACT_TRACE carry a number, which stands beside them. */
static int read_action(const json_t *map, const char *key, const char *number, uint32_t *ret,
		       struct err *err)
{
	uint64_t nr = UINT64_MAX;

	if (find_word(actions, json_object_get(map, key), key, ret, err) < 0 ||
	    read_number(map, number, ERRNO_MAX, &nr, err) < 0)
		return -1;
	if (nr == UINT64_MAX)
		return 0;
	if (*ret == SCMP_ACT_ERRNO(EPERM))
		*ret = SCMP_ACT_ERRNO(nr);
	else if (*ret == SCMP_ACT_TRACE(EPERM))
		*ret = SCMP_ACT_TRACE(nr);
	else
		return err_set(err, "'%s' is for SCMP_ACT_ERRNO and SCMP_ACT_TRACE", number);
	return 0;
}

/* ---- conditions of a rule -------------------------------------------------------------------- */

static bool has_text(const json_t *list, const char *a, const char *b)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *one = json_string_value(json_array_get(list, i));

		if (!strcmp(one, a) || !strcmp(one, b))
			return true;
	}
	return false;
}

/* Does this kernel have at least that version, as "4.8"? */
static int kernel_is(const char *wanted, bool *ret, struct err *err)
{
	unsigned major, minor, own_major = 0, own_minor = 0;
	struct utsname u;
	char rest;

	if (sscanf(wanted, "%5u.%5u%c", &major, &minor, &rest) != 2)
		return err_set(err, "'minKernel': '%.20s' is not a version like 4.8", wanted);
	uname(&u);
	if (sscanf(u.release, "%u.%u", &own_major, &own_minor) != 2)
		return err_set(err, "this kernel's version '%s' is not understood", u.release);
	*ret = own_major > major || (own_major == major && own_minor >= minor);
	return 0;
}

/*
 * How many of the conditions below `includes` or `excludes` there are and how many are true here.
 * A list of architectures is one condition, each capability is one.
 */
static int count_filter(const struct profile *p, const json_t *filter, unsigned *ret_n,
			unsigned *ret_true, struct err *err)
{
	static const char *const known[] = { "caps", "arches", "minKernel", NULL };
	const json_t *caps, *arches, *kernel;
	bool yes = false;

	*ret_n = *ret_true = 0;
	if (!filter || json_is_null(filter))
		return 0;
	if (check_keys(filter, known, err) < 0 || check_texts(filter, "caps", 64, &caps, err) < 0 ||
	    check_texts(filter, "arches", 64, &arches, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(caps); i++) {
		int nr = box_cap_number(json_string_value(json_array_get(caps, i)));

		/* One of tomorrow's is none that the container has. */
		*ret_true += nr >= 0 && p->caps >> nr & 1;
		++*ret_n;
	}
	if (json_array_size(arches)) {
		*ret_true += has_text(arches, ARCH_NAMES);
		++*ret_n;
	}
	kernel = json_object_get(filter, "minKernel");
	if (!kernel || json_is_null(kernel) || !json_string_length(kernel))
		return kernel && !json_is_null(kernel) && !json_is_string(kernel)
			       ? err_set(err, "'minKernel' must be a text")
			       : 0;
	if (kernel_is(json_string_value(kernel), &yes, err) < 0)
		return -1;
	*ret_true += yes;
	++*ret_n;
	return 0;
}

/* All that is included, none that is excluded. */
static int applies(const struct profile *p, const json_t *rule, bool *ret, struct err *err)
{
	unsigned included, met, excluded, hit;

	if (count_filter(p, json_object_get(rule, "includes"), &included, &met, err) < 0)
		return err_wrap(err, "includes");
	if (count_filter(p, json_object_get(rule, "excludes"), &excluded, &hit, err) < 0)
		return err_wrap(err, "excludes");
	*ret = met == included && !hit;
	return 0;
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* libseccomp knows the names of its own day only. Negative: no call of this machine. */
static int call_number(const char *name)
{
	for (size_t i = 0; i < syscall_rows_len; i++)
		if (!strcmp(syscall_rows[i].name, name))
			return syscall_rows[i].nr[SYSCALL_NATIVE];
	return seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, name);
}

static int read_arg(const json_t *arg, struct scmp_arg_cmp *ret, struct err *err)
{
	static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };
	uint64_t index = UINT64_MAX, a = 0, b = 0;
	uint32_t op;

	if (check_keys(arg, known, err) < 0 || read_number(arg, "index", 5, &index, err) < 0 ||
	    read_number(arg, "value", UINT64_MAX, &a, err) < 0 ||
	    read_number(arg, "valueTwo", UINT64_MAX, &b, err) < 0 ||
	    find_word(comparisons, json_object_get(arg, "op"), "op", &op, err) < 0)
		return -1;
	if (index == UINT64_MAX)
		return err_set(err, "'index' is missing");
	*ret = (struct scmp_arg_cmp){ (unsigned)index, (enum scmp_compare)op, a, b };
	return 0;
}

/* *ret_either: an argument has several conditions, which Docker takes for "one of them". */
static int read_args(const json_t *rule, struct scmp_arg_cmp *ret, unsigned *ret_n,
		     bool *ret_either, struct err *err)
{
	const json_t *args = json_object_get(rule, "args");
	unsigned seen = 0;

	*ret_n = 0;
	*ret_either = false;
	if (!args || json_is_null(args))
		return 0;
	if (!json_is_array(args) || json_array_size(args) > ARGS_MAX)
		return err_set(err, "'args' must be a list of at most %d", ARGS_MAX);
	for (; *ret_n < json_array_size(args); ++*ret_n) {
		struct scmp_arg_cmp *one = &ret[*ret_n];

		if (read_arg(json_array_get(args, *ret_n), one, err) < 0)
			return err_wrap(err, "args[%u]", *ret_n);
		*ret_either |= seen >> one->arg & 1;
		seen |= 1U << one->arg;
	}
	return 0;
}

static int add(const struct profile *p, uint32_t action, int nr, unsigned n,
	       const struct scmp_arg_cmp *args)
{
	int rc = seccomp_rule_add_array(p->ctx, action, nr, n, args);

	/* The same once more is no mistake. */
	return rc == -EEXIST ? 0 : rc;
}

struct rule {
	uint32_t action;
	struct scmp_arg_cmp args[ARGS_MAX];
	unsigned n_args;
	bool either;
};

static int add_call(const struct profile *p, const struct rule *rule, const char *name)
{
	int nr = call_number(name), rc = 0;

	if (nr < 0 && p->by_default == SCMP_ACT_ALLOW)
		return err_set(p->err, "'%.40s' is no system call that is known here", name);
	if (nr < 0)
		return 0;
	for (unsigned i = 0; rule->either && !rc && i < rule->n_args; i++)
		rc = add(p, rule->action, nr, 1, &rule->args[i]);
	if (!rule->either)
		rc = add(p, rule->action, nr, rule->n_args, rule->args);
	return rc ? err_sys(p->err, -rc, "'%.40s'", name) : 0;
}

static int add_rule(struct profile *p, const json_t *json)
{
	static const char *const known[] = { "names",	 "name",     "action",	"args", "errnoRet",
					     "includes", "excludes", "comment", NULL };
	const char *alone = json_string_value(json_object_get(json, "name"));
	const json_t *names;
	struct rule rule;
	bool here = false;

	if (check_keys(json, known, p->err) < 0 ||
	    check_texts(json, "names", NAMES_MAX, &names, p->err) < 0 ||
	    read_action(json, "action", "errnoRet", &rule.action, p->err) < 0 ||
	    read_args(json, rule.args, &rule.n_args, &rule.either, p->err) < 0 ||
	    applies(p, json, &here, p->err) < 0)
		return -1;
	if (!json_array_size(names) == !(alone && *alone))
		return err_set(p->err, "either 'names' or 'name' must be given");
	/* What happens anyway is no rule for libseccomp. */
	if (!here || rule.action == p->by_default)
		return 0;
	if (alone && *alone)
		return add_call(p, &rule, alone);
	for (size_t i = 0; i < json_array_size(names); i++)
		if (add_call(p, &rule, json_string_value(json_array_get(names, i))) < 0)
			return -1;
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Ours must be among them, where any are named. */
static int check_architectures(const json_t *root, struct err *err)
{
	const json_t *list, *map = json_object_get(root, "archMap");
	bool named = false, ours = false;

	if (check_texts(root, "architectures", 64, &list, err) < 0)
		return -1;
	if (map && !json_is_null(map) && !json_is_array(map))
		return err_set(err, "'archMap' must be a list");
	named = json_array_size(list) || json_array_size(map);
	ours = has_text(list, ARCH, ARCH);
	for (size_t i = 0; i < json_array_size(map); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(map, i), "architecture"));

		ours |= name && !strcmp(name, ARCH);
	}
	return named && !ours ? err_set(err, "it is not for " ARCH) : 0;
}

static int add_rules(struct profile *p, const json_t *root)
{
	const json_t *rules = json_object_get(root, "syscalls");
	int rc = seccomp_attr_set(p->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));

	if (!rc)
		rc = seccomp_attr_set(p->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc)
		return err_sys(p->err, -rc, "prepare");
	if (rules && !json_is_null(rules) &&
	    (!json_is_array(rules) || json_array_size(rules) > RULES_MAX))
		return err_set(p->err, "'syscalls' must be a list of at most %d", RULES_MAX);
	for (size_t i = 0; i < json_array_size(rules); i++)
		if (add_rule(p, json_array_get(rules, i)) < 0)
			return err_wrap(p->err, "syscalls[%zu]", i);
	return 0;
}

static int read_root(struct profile *p, const json_t *root)
{
	static const char *const known[] = { "defaultAction", "defaultErrnoRet", "architectures",
					     "archMap",	      "syscalls",	 NULL };

	if (check_keys(root, known, p->err) < 0 || check_architectures(root, p->err) < 0 ||
	    read_action(root, "defaultAction", "defaultErrnoRet", &p->by_default, p->err) < 0)
		return -1;
	p->ctx = seccomp_init(p->by_default);
	if (!p->ctx)
		return err_sys(p->err, ENOMEM, "begin");
	return add_rules(p, root);
}

scmp_filter_ctx profile_read(const char *text, uint64_t caps, bool *ret_open, struct err *err)
{
	struct profile p = { .caps = caps, .err = err };
	json_error_t why;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	int rc;

	if (!root) {
		err_set(err, "line %d, column %d: %s", why.line, why.column, why.text);
		return NULL;
	}
	rc = read_root(&p, root);
	json_decref(root);
	if (!rc) {
		*ret_open = p.by_default == SCMP_ACT_ALLOW || p.by_default == SCMP_ACT_LOG;
		return p.ctx;
	}
	seccomp_release(p.ctx);
	return NULL;
}
