/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load: the order of work from paths to a model: read the file, parse, find the project's folder,
 * env files and name, substitute variables, read networks, volumes and services, check the rules
 * between them. Called by cli.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "stack/crosscheck.h"
#include "stack/dotenv.h"
#include "stack/keys.h"
#include "stack/names.h"
#include "stack/read_net.h"
#include "stack/services.h"
#include "stack/substitute.h"
#include "stack/yaml.h"

struct stack_impl {
	struct arena *arena; /* all of the stack, this included */
};

static void reader_fini(struct reader *r)
{
	vars_fini(&r->vars);
	vec_fini(&r->files);
	strmap_fini(&r->file_index);
	strmap_fini(&r->warned);
	buf_fini(&r->place);
}

/* ---- files and folders ----------------------------------------------------------------------- */

static int read_stdin(struct reader *r, struct err *err)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	char chunk[16384];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0 && text.len + (size_t)n > YAML_FILE_MAX) {
			errno = EFBIG;
			n = -1;
		}
		if (n < 0)
			return reader_file_error(err, "stack file", "-", YAML_FILE_MAX);
		buf_add(&text, chunk, (size_t)n);
	}
	vec_push(&r->files,
		 ((struct stack_file){ "-", arena_strndup(r->arena, buf_str(&text), text.len),
				       text.len }));
	return (int)diags_add_file(r->diags, "-", buf_str(&text), text.len);
}

/* The file's number, or -1. */
static int read_stack_file(struct reader *r, const struct stack_opts *opts, struct err *err)
{
	const char *path = opts->n_paths ? opts->paths[0] : NULL;
	int file;

	if (opts->n_paths != 1)
		return err_kind(err, ERR_STACK,
				opts->n_paths ? "several stack files: not supported yet"
					      : "no stack file given");
	if (!strcmp(path, "-"))
		return read_stdin(r, err);
	file = reader_file(r, path, path, YAML_FILE_MAX);
	return file < 0 ? reader_file_error(err, "stack file", path, YAML_FILE_MAX) : file;
}

/* Absolute: --project-directory, or where the file is, or where we are. */
static int find_dir(struct reader *r, const struct stack_opts *opts, const char **ret,
		    struct err *err)
{
	const char *path = opts->paths[0], *slash = strrchr(path, '/'), *dir = opts->project_dir;
	char cwd[PATH_MAX];

	if (!getcwd(cwd, sizeof(cwd)))
		return err_sys(err, errno, "current folder");
	if (!dir && strcmp(path, "-"))
		dir = slash ? arena_strndup(r->arena, path,
					    slash > path ? (size_t)(slash - path) : 1)
			    : NULL;
	*ret = value_clean_path(r->arena, cwd, dir ? dir : ".");
	return 0;
}

static int read_env_files(struct reader *r, const struct stack_opts *opts, struct err *err)
{
	for (size_t i = 0; i < opts->n_env_files; i++) {
		int file = reader_file(r, opts->env_files[i], opts->env_files[i], DOTENV_FILE_MAX);

		if (file < 0)
			return reader_file_error(err, "env file", opts->env_files[i],
						 DOTENV_FILE_MAX);
		dotenv_parse(&r->vars, NULL, (uint32_t)file, r->files.v[file].text,
			     r->files.v[file].len, &r->vars.files);
	}
	if (!opts->n_env_files) {
		const char *path = arena_printf(r->arena, "%s/.env", r->stack->dir);
		int file = reader_file(r, path, ".env", DOTENV_FILE_MAX);

		if (file < 0)
			return errno == ENOENT || errno == EINVAL
				       ? 0
				       : reader_file_error(err, "env file", path, DOTENV_FILE_MAX);
		dotenv_parse(&r->vars, NULL, (uint32_t)file, r->files.v[file].text,
			     r->files.v[file].len, &r->vars.files);
	}
	return 0;
}

/* ---- the model ------------------------------------------------------------------------------- */

/* The name first: ${COMPOSE_PROJECT_NAME} may stand in any other value. */
static void set_name(struct reader *r, const struct stack_opts *opts, const struct node *root)
{
	const struct node_pair *pair = node_find(root, "name");
	struct where w = { NULL, "name", 0 };

	if (pair)
		substitute(r, &w, pair->value);
	r->stack->name = name_project(r, opts->project_name, root, r->stack->dir);
	envset_put(&r->vars.process,
		   (struct stack_kv){ "COMPOSE_PROJECT_NAME", r->stack->name, { 0 } });
}

/* The top of the file: its sections are read in an order of ours, not of the file's. */
struct top_draft {
	const struct node *services, *networks, *volumes;
};

/* `stop` is what happens anyway. */
static VALUE_READER(read_death)
{
	(void)field;
	if (strcmp(n->text, "stop") != 0)
		reader_error(r, w, n->pos, "leave it out, or write 'stop'",
			     "'%.80s': not supported yet", n->text);
}

/* clang-format off */
static const struct key top_rows[] = {
	KNOWN("name", STR),	/* read before all others, see name_project */
	WARN("version", STR, "the format has no versions any more"),
	DONE("services", MAP, value_later, top_draft, services),
	DONE("networks", MAP, value_later, top_draft, networks),
	DONE("volumes", MAP, value_later, top_draft, volumes),
	REFUSE("include", LST, NULL),
	REFUSE("secrets", MAP, BIND_INSTEAD),
	REFUSE("configs", MAP, BIND_INSTEAD),
	WARN("models", MAP, "there is no model runner"),
	/* Keys of ours. All other x- keys are free, but who writes one of these wants it done. */
	WHOLE("x-isolated", BOO | STR, value_only_false),
	REFUSE("x-links", LST, NULL),
	WHOLE("x-on-supervisor-death", STR, read_death),
};
static const struct key_table top_keys = TABLE(top_rows);
/* clang-format on */

/* Problems of the first kind make those of the next only noise. */
static void read_model(struct reader *r, const struct stack_opts *opts, struct node *root)
{
	static const struct where networks = { NULL, "networks", 0 },
				  volumes = { NULL, "volumes", 0 },
				  services = { NULL, "services", 0 };
	struct top_draft top = { 0 };

	if (!reader_check_kind(r, NULL, root, NODE_MAP))
		return;
	set_name(r, opts, root);
	substitute(r, NULL, root);
	if (stack_diags_errors(r->diags))
		return;
	reader_map(r, NULL, root, &top_keys, &top);
	read_networks(r, &networks, top.networks);
	read_top_volumes(r, &volumes, top.volumes);
	if (top.services)
		read_services(r, &services, top.services);
	else
		reader_error(r, NULL, root->pos, NULL, "there are no 'services'");
	crosscheck(r);
}

int stack_load(const struct stack_opts *opts, struct stack **ret_stack, struct stack_diags *diags,
	       struct err *err)
{
	struct arena *arena = arena_new();
	struct stack *stack = arena_alloc(arena, sizeof(*stack));
	_cleanup_(reader_fini) struct reader r = { .arena = arena, .diags = diags, .stack = stack };
	struct node *root;
	int file;

	stack->impl = arena_alloc(arena, sizeof(*stack->impl));
	stack->impl->arena = arena;
	vars_init(&r.vars, arena, diags, opts->env);
	file = read_stack_file(&r, opts, err);
	if (file < 0 || find_dir(&r, opts, &stack->dir, err) < 0 ||
	    read_env_files(&r, opts, err) < 0) {
		stack_free(stack);
		return -1;
	}
	root = yaml_parse(arena, diags, (uint32_t)file, r.files.v[file].text, r.files.v[file].len);
	if (root)
		read_model(&r, opts, root);
	if (stack_diags_errors(diags)) {
		stack_free(stack);
		return 1;
	}
	/*
	 * A default network that nobody is on, and that is not in the file, was only put there to
	 * be found.
	 */
	if (!stack->networks[stack->n_networks - 1].used &&
	    !stack->networks[stack->n_networks - 1].pos.line)
		stack->n_networks--;
	stack->files = reader_keep(&r, &r.files);
	stack->n_files = r.files.n;
	*ret_stack = stack;
	return 0;
}

void stack_free(struct stack *s)
{
	if (s)
		arena_free(s->impl->arena);
}
