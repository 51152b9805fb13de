/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unsupervised: see unsupervised.h. The new supervisor is executed with the command line of the old one, in its folder: by these a later SIGHUP reads the same
 * file again, and SIGUSR2 goes on as the same command.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/term.h"
#include "cli/unsupervised.h"
#include "mstack/ctl.h"
#include "mstack/sup.h"
#include "mstack/sup_keep.h"

enum { PING_MS = 1000 };

static bool is_kept(const char *project, struct err *err)
{
	_cleanup_fd_ int fd = -1;

	return cli_connect(project, CLI_ANSWER_MS, &fd, err) == 1 && sup_keeper(project) > 0;
}

bool cli_kept(const char *project)
{
	return is_kept(project, &(struct err){ 0 });
}

void cli_unsupervised_tell(const struct cli_options *o, const char *project)
{
	struct cli_term t = cli_term_get(o);
	_cleanup_free_ char *text = NULL;
	struct err err = { 0 };

	if (is_kept(project, &err))
		text = xasprintf(
			"nobody supervises stack '%s': its supervisor has died, and it goes on; "
			"logs stand still until `mstack up -d` adopts it",
			project);
	else if (err.sys == EBUSY)
		text = xstrdup(err.text);
	else if (sup_is_left(project))
		text = xasprintf(
			"nobody supervises stack '%s': its supervisor and all who guarded it were killed; "
			"`mstack down` or `mstack doctor --fix` removes what is left of it, "
			"and `mstack up` does before it begins",
			project);
	if (text)
		cli_say(&t, SUP_NOTE, NULL, text);
}

/* ---- adopting -------------------------------------------------------------------------------- */

struct words VEC(char *);

/* Texts that end with NUL, one behind the other. */
static struct words words_of(const struct carry *tree, const char *key)
{
	struct words ret = { 0 };
	size_t len = 0;
	const char *text = carry_bytes(tree, key, &len);

	for (const char *w = text; w && w < text + len; w += strlen(w) + 1)
		vec_push(&ret, xstrdup(w));
	return ret;
}

static _Noreturn void execute(const char *project, const struct carry *tree)
{
	struct words words = words_of(tree, "words"), variables = words_of(tree, "environment");
	const char *dir = carry_text(tree, "folder");
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* A supervisor of before did not write them down. */
	for (char **v = variables.n ? NULL : environ; v && *v; v++)
		vec_push(&variables, xstrdup(*v));
	vec_push(&variables, xasprintf(CLI_ADOPT_VARIABLE "=%s", project));
	vec_push(&words, NULL);
	vec_push(&variables, NULL);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	/* A folder that is gone is missed when the file is to be read again. */
	if (dir && chdir(dir) < 0)
		fprintf(stderr, "mstack: folder '%s': %s\n", dir, strerror(errno));
	if (words.n > 1)
		execve("/proc/self/exe", words.v, variables.v);
	fprintf(stderr, "mstack: execute ourselves: %s\n", strerror(errno));
	_exit(1);
}

static int run(const char *project, const struct carry *tree, struct err *err)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return err_sys(err, errno, "fork");
	if (pid == 0)
		execute(project, tree);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, "stack '%s' has no supervisor, and cannot be adopted: see above",
		       project);
}

static int adopt(const char *project, struct err *err)
{
	struct carry *tree = sup_kept(project, err);
	const char *unfit = tree ? carry_text(tree, "unfit") : NULL;
	int rc = 0;

	if (!tree)
		return err->sys == ENOENT ? 0 : -1;
	if (unfit)
		rc = err_set(
			err,
			"stack '%s' has no supervisor: it died when %s: `mstack up -d` builds it anew",
			project, unfit);
	else
		rc = run(project, tree, err);
	carry_free(tree);
	return rc;
}

/* One that was just killed has its door open for a moment still, and says nothing any more. One that is slow to answer lives. */
static bool is_dying(int fd)
{
	struct err err = { 0 };

	return ctl_call(fd, CTL_STATUS, NULL, NULL, NULL, &err) < 0 &&
	       (err.sys == ECONNRESET || err.sys == EPIPE);
}

int cli_kept_adopt(const char *project, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int rc = cli_connect(project, PING_MS, &fd, err);

	if (rc == 0 && is_dying(fd))
		rc = 1;
	return rc > 0 ? adopt(project, err) : rc;
}

int cli_command(const char *project, unsigned ms, int *ret_fd, struct err *err)
{
	return cli_kept_adopt(project, err) < 0 ? -1 : cli_connect(project, ms, ret_fd, err);
}
