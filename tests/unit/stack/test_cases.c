/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cases: each tests/compose/GROUP/NAME.case is one test: the files of the case are written into a folder of their own
 * and loaded, and what comes of it is compared with what the case expects: parts of the canonical form, and the
 * diagnostics, each with its place and its full text. What is accepted is read again from its canonical form in YAML
 * and JSON, which must give itself. `test_cases PATTERN` runs some (`ports/long-*`), MSTACK_CASES=DIR those of another folder.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "unit/stack/casefile.h"
#include "unit/stack/fixture.h"

#define HOME "HOME=/home/user"

/* What a case asks stack_load for. */
struct call {
	struct VEC(const char *) paths, env_files, profiles, services, env;
	struct stack_opts opts;
};

static void call_fini(struct call *c)
{
	vec_fini(&c->paths);
	vec_fini(&c->env_files);
	vec_fini(&c->profiles);
	vec_fini(&c->services);
	vec_fini(&c->env);
}

static void fill_call(struct call *c, const struct casefile *f)
{
	*c = (struct call){ 0 };
	for (size_t i = 0; i < f->n_words; i++) {
		const char *word = f->words[i], *next = i + 1 < f->n_words ? f->words[i + 1] : "";

		if (*word == '-')
			i++;
		if (!strcmp(word, "-f"))
			vec_push(&c->paths, next);
		else if (!strcmp(word, "--env-file"))
			vec_push(&c->env_files, next);
		else if (!strcmp(word, "--profile"))
			vec_push(&c->profiles, next);
		else if (!strcmp(word, "-p"))
			c->opts.project_name = next;
		else if (!strcmp(word, "--project-directory"))
			c->opts.project_dir = next;
		else if (!strcmp(word, "--up") && i--)
			c->opts.for_run = true;
		else if (!strcmp(word, "--no-interpolate") && i--)
			c->opts.no_interpolate = true;
		else if (*word == '-')
			fail_msg("no such option: %s", word);
		else
			vec_push(&c->services, word);
	}
	if (!c->paths.n)
		vec_push(&c->paths, "compose.yaml");
	vec_push(&c->env, HOME);
	for (size_t i = 0; i < f->env.n; i++)
		vec_push(&c->env, f->env.v[i]);
	c->opts.paths = c->paths.v;
	c->opts.n_paths = c->paths.n;
	c->opts.env_files = c->env_files.v;
	c->opts.n_env_files = c->env_files.n;
	c->opts.profiles = c->profiles.v;
	c->opts.n_profiles = c->profiles.n;
	c->opts.services = c->services.v;
	c->opts.n_services = c->services.n;
	c->opts.env = c->env.v;
}

/* ---- the folder of a case -------------------------------------------------------------------- */

struct place {
	char base[PATH_MAX], dir[PATH_MAX + 256];
};

static void set_input(const struct buf *text)
{
	_cleanup_fd_ int fd = -1;

	fixture_write("../input", buf_str(text), text->len);
	fd = open("../input", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
}

static void place_begin(struct place *p, const struct casefile *f)
{
	char base[] = "/tmp/mstack-case-XXXXXX";

	assert_non_null(mkdtemp(base));
	assert_non_null(realpath(base, p->base));
	snprintf(p->dir, sizeof(p->dir), "%s/%s", p->base, f->dir);
	assert_int_equal(path_mkdirs(AT_FDCWD, p->dir, 0700), 0);
	for (size_t i = 0; i < f->files.n; i++) {
		const struct case_text *t = &f->files.v[i];
		_cleanup_free_ char *path = xasprintf("%s/%s", p->dir, t->name),
				    *folder = xasprintf("%.*s", (int)(strrchr(path, '/') - path),
							path);

		assert_int_equal(path_mkdirs(AT_FDCWD, folder, 0700), 0);
		fixture_write(path, buf_str(&t->text), t->text.len);
	}
	assert_int_equal(chdir(p->dir), 0);
	assert_int_equal(chdir(f->cwd), 0);
	if (f->has_input)
		set_input(&f->input);
}

static void place_end(const struct place *p)
{
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(path_remove_tree(AT_FDCWD, p->base), 0);
}

/* ---- what came of it ------------------------------------------------------------------------- */

/* Of the printed diagnostics: their first lines and the lines below them that begin with a word, such as hints. */
static void put_printed(struct buf *out, const char *text)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		if (*line != ' ' || !strncmp(line, "  hint: ", 8) ||
		    !strncmp(line, "  note: ", 8)) {
			buf_add(out, line, len);
			buf_putc(out, '\n');
		}
		line += len + (line[len] != '\0');
	}
}

/* Hints and notes need not stand in the case. */
static bool is_optional(const char *line)
{
	return !strncmp(line, "  ", 2);
}

static bool same_says(const char *want, const char *got)
{
	while (*got || *want) {
		size_t w = strcspn(want, "\n"), g = strcspn(got, "\n");

		if (w == g && !strncmp(want, got, w)) {
			want += w + (want[w] != '\0');
		} else if (!is_optional(got) || !*got) {
			return false;
		}
		got += g + (got[g] != '\0');
	}
	return true;
}

static void check_says(const struct casefile *f, const struct loaded *l, const char *dir,
		       struct buf *why)
{
	_cleanup_(buf_fini) struct buf got = { 0 }, want = { 0 };

	put_printed(&got, l->text);
	buf_puts(&want, buf_str(&f->says));
	casefile_fill(&want, dir);
	if (!same_says(buf_str(&want), buf_str(&got)))
		buf_printf(why, "says: expected\n%s-- came\n%s-- end\n", buf_str(&want),
			   buf_str(&got));
}

static void check_json(const struct casefile *f, const struct loaded *l, const char *dir,
		       struct buf *why)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	json_error_t error;
	json_t *got;

	stack_config(l->stack, STACK_JSON, &text);
	got = json_loads(buf_str(&text), JSON_REJECT_DUPLICATES, &error);
	if (!got) {
		buf_printf(why, "not JSON: line %d: %s\n%s", error.line, error.text,
			   buf_str(&text));
		return;
	}
	for (size_t i = 0; i < f->json.n && !why->len; i++) {
		_cleanup_(buf_fini) struct buf want = { 0 };

		buf_puts(&want, buf_str(&f->json.v[i].text));
		casefile_fill(&want, dir);
		casefile_match(got, f->json.v[i].name, buf_str(&want), why);
	}
	json_decref(got);
}

/* The canonical form is a compose file, and its own canonical form. */
static void check_again(const struct call *c, const struct loaded *l, enum stack_format format,
			struct buf *why)
{
	static const char *const all[] = { "*" };
	const char *path = format == STACK_JSON ? "../again.json" : "../again.yaml";
	_cleanup_(buf_fini) struct buf once = { 0 }, twice = { 0 };
	struct VEC(const char *) env = { 0 };
	struct stack_opts opts = c->opts;
	struct loaded again;

	stack_config(l->stack, format, &once);
	fixture_write(path, once.data, once.len);
	for (size_t i = 0; i + 1 < c->env.n; i++)
		if (strncmp(c->env.v[i], "COMPOSE_", 8))
			vec_push(&env, c->env.v[i]);
	vec_push(&env, NULL);
	opts.paths = &path;
	opts.n_paths = 1;
	opts.project_name = l->stack->name;
	opts.project_dir = l->stack->dir;
	opts.profiles = all;
	opts.n_profiles = 1;
	opts.n_services = 0;
	opts.env = env.v;
	again = load_opts(&opts);
	if (!again.result)
		stack_config(again.stack, format, &twice);
	if (again.result || strcmp(buf_str(&once), buf_str(&twice)))
		buf_printf(why,
			   "read again it is not the same: %s%s\n-- once\n%s-- twice\n%s-- end\n",
			   again.result < 0 ? again.err.text : "", again.text, buf_str(&once),
			   buf_str(&twice));
	loaded_fini(&again);
	vec_fini(&env);
}

static void check(const struct casefile *f, const struct call *c, const char *dir, struct buf *why)
{
	_cleanup_(loaded_fini) struct loaded l = load_opts(&c->opts);
	_cleanup_(buf_fini) struct buf fails = { 0 };

	buf_puts(&fails, f->fails ? f->fails : "");
	casefile_fill(&fails, dir);
	if (l.result < 0 || f->fails) {
		if (l.result >= 0 || strcmp(buf_str(&fails), l.err.text))
			buf_printf(why, "fails: expected '%s', came '%s'\n", buf_str(&fails),
				   l.result < 0 ? l.err.text : "no failure");
		return;
	}
	check_says(f, &l, dir, why);
	if (l.result == 1) {
		if (f->json.n && !why->len)
			buf_puts(why, "accepted was expected\n");
		return;
	}
	if (!why->len)
		check_json(f, &l, dir, why);
	for (int i = 0; i < 2 && !why->len && !c->opts.no_interpolate; i++)
		check_again(c, &l, i ? STACK_JSON : STACK_YAML, why);
}

static bool passes(const char *path)
{
	_cleanup_(casefile_fini) struct casefile f;
	_cleanup_(buf_fini) struct buf why = { 0 };
	_cleanup_(call_fini) struct call c = { 0 };
	struct place p;

	if (!casefile_read(&f, path, &why)) {
		fill_call(&c, &f);
		place_begin(&p, &f);
		check(&f, &c, p.dir, &why);
		place_end(&p);
	}
	/* Line by line: cmocka cuts what is longer than a kilobyte. */
	if (why.len)
		for (char *save, *line = strtok_r(why.data, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			print_error("%s\n", line);
	return !why.len;
}

/* An assertion that fails jumps out: nothing may be left to clean up. */
static void test_case(void **state)
{
	assert_true(passes(*state));
}

/* ---- all of them ----------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	const char *folder = getenv("MSTACK_CASES");
	_cleanup_free_ char *root = realpath(folder ? folder : "tests/compose", NULL);
	_cleanup_free_ char *pattern = xasprintf("%s/*/*.case", root ? root : "");
	struct VEC(struct CMUnitTest) tests = { 0 };
	glob_t found;
	int failed;

	if (!root || glob(pattern, 0, NULL, &found)) {
		fprintf(stderr, "test_cases: no tests/compose: run it in the top folder\n");
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i] + strlen(root) + 1;
		char *name = xasprintf("%.*s", (int)strlen(path) - 5, path);
		struct CMUnitTest test = { name, test_case, NULL, NULL, found.gl_pathv[i] };

		if (argc < 2 || !fnmatch(argv[1], name, 0))
			vec_push(&tests, test);
		else
			free(name);
	}
	failed = _cmocka_run_group_tests("cases", tests.v, tests.n, NULL, NULL);
	for (size_t i = 0; i < tests.n; i++)
		free((char *)tests.v[i].name);
	vec_fini(&tests);
	globfree(&found);
	return failed;
}
