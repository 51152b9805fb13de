/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bar: see bar.h. Called by commands that wait for bytes. Draws ten times a second at most; where standard error is no
 * terminal a line tells each fourth part, so that a log stays short.
 */
#include <jansson.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/bar.h"

#define DRAW_MS	  100
#define WIDTH_MIN 20
#define BAR_MAX	  40

static unsigned percent_of(uint64_t done, uint64_t total)
{
	if (done >= total)
		return 100;
	/* Without overflow for whatever size. */
	return total < UINT64_MAX / 100 ? (unsigned)(done * 100 / total)
					: (unsigned)(done / (total / 100));
}

/* Of what was there from the start nothing is said: it came at no rate. */
static void add_rest(uint64_t came, uint64_t left, uint64_t ms, struct buf *out)
{
	uint64_t rate = ms ? came * 1000 / ms : 0;
	char text[40];

	if (!rate || ms < 500)
		return;
	size_format(rate, text, sizeof(text));
	buf_printf(out, "  %s/s", text);
	duration_format((int64_t)(left / rate) * 1000000000, text, sizeof(text));
	if (left)
		buf_printf(out, "  %s left", text);
}

void cli_bar_line(uint64_t done, uint64_t began, uint64_t total, uint64_t ms, unsigned width,
		  struct buf *out)
{
	unsigned percent, bar;
	struct buf numbers = { 0 };
	char a[32], b[32];

	if (done > total)
		done = total;
	percent = percent_of(done, total);
	size_format(done, a, sizeof(a));
	size_format(total, b, sizeof(b));
	buf_printf(&numbers, "%3u%%  %s / %s", percent, a, b);
	add_rest(began < done ? done - began : 0, total - done, ms, &numbers);
	bar = width > numbers.len + WIDTH_MIN ? width - (unsigned)numbers.len - 4 : 0;
	if (bar > BAR_MAX)
		bar = BAR_MAX;
	if (bar) {
		buf_putc(out, '[');
		for (unsigned i = 0; i < bar; i++)
			buf_putc(out, i * 100 < percent * bar ? '#' : '.');
		buf_puts(out, "] ");
	}
	buf_puts(out, buf_str(&numbers));
	buf_fini(&numbers);
}

static unsigned columns(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col ? 80 : w.ws_col;
}

static void draw(struct cli_bar *bar, uint64_t done, uint64_t ms)
{
	struct buf line = { 0 };

	cli_bar_line(done, bar->began_done, bar->total, ms, columns() - 1, &line);
	fprintf(stderr, "\r\033[K%.*s", (int)columns() - 1, buf_str(&line));
	fflush(stderr);
	buf_fini(&line);
	bar->drawn = true;
}

static void tell(struct cli_bar *bar, uint64_t done, uint64_t ms)
{
	struct buf line = { 0 };

	buf_printf(&line, "%s: ", bar->what);
	cli_bar_line(done, bar->began_done, bar->total, ms, 0, &line);
	cli_say((void *)bar->term, SUP_PROGRESS, NULL, buf_str(&line));
	buf_fini(&line);
}

void cli_bar_set(struct cli_bar *bar, uint64_t done, uint64_t total)
{
	uint64_t now = time_mono_ms();
	unsigned percent = total ? percent_of(done, total) : 0;

	if (!total)
		return;
	if (!bar->began_ms || (bar->total != total && !bar->grows)) {
		bar->began_ms = now;
		bar->began_done = done;
		bar->told_ms = 0;
		bar->told_percent = 0;
	}
	bar->total = total;
	/* More work has become known. */
	if (percent < bar->told_percent)
		bar->told_percent = percent;
	if (bar->term->progress == PROGRESS_TTY) {
		if (now - bar->told_ms < DRAW_MS && percent < 100)
			return;
		draw(bar, done, now - bar->began_ms);
	} else if (percent / 25 > bar->told_percent / 25) {
		tell(bar, done, now - bar->began_ms);
	} else {
		return;
	}
	bar->told_ms = now;
	bar->told_percent = percent;
}

void cli_bar_clear(struct cli_bar *bar)
{
	if (bar->drawn)
		fputs("\r\033[K", stderr);
	bar->drawn = false;
}
