/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * voice: see voice.h. Called by unpacking.c and copying.c.
 */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/voice.h"

const char *store_behind(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) ? NULL : line + n;
}

/* Names of files come out of archives and containers: they must not speak to a terminal. */
static void end_line(struct store_voice *v, void (*line)(void *arg, const char *line), void *arg)
{
	for (size_t i = 0; i < v->len; i++)
		if ((unsigned char)v->line[i] < ' ' || v->line[i] == 0x7f)
			v->line[i] = '?';
	v->line[v->len] = '\0';
	line(arg, v->line);
	if (!store_behind(v->line, UNPACKER_AT))
		memcpy(v->last, v->line, v->len + 1);
	v->len = 0;
}

bool store_voice_read(struct store_voice *v, void (*line)(void *arg, const char *line), void *arg)
{
	char block[4096];
	ssize_t n = read(v->in, block, sizeof(block));

	if (n < 0 && errno == EINTR)
		return true;
	for (ssize_t i = 0; i < n; i++) {
		if (block[i] == '\n')
			end_line(v, line, arg);
		else if (v->len < UNPACKER_LINE_MAX)
			v->line[v->len++] = block[i];
	}
	if (n > 0)
		return true;
	if (v->len)
		end_line(v, line, arg);
	return false;
}

int store_voice_judge(const struct store_voice *v, int status, struct err *err)
{
	const char *error = store_behind(v->last, UNPACKER_ERROR);

	if (WIFEXITED(status) && !WEXITSTATUS(status) && store_behind(v->last, UNPACKER_OK))
		return 0;
	if (WIFEXITED(status) && error)
		return err_set(err, "%s", error);
	if (WIFSIGNALED(status))
		return err_set(err, UNPACKER_NAME " was ended by %s", sig_name(WTERMSIG(status)));
	return err_set(err, UNPACKER_NAME " ended with status %d: %.200s", WEXITSTATUS(status),
		       v->last);
}
