/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logview: prefixes, colours and stamps of log lines. Called by up (lines from the supervisor) and logs (lines from the
 * files). Pure but for memory: text is added to a buffer and printed elsewhere.
 */
#include "cli/logview.h"

/* SGR parameters; none is red, which is kept for errors, or close to a background. */
static const char *const palette[] = {
	"36", "33", "32", "35", "34", "96", "93", "92", "95", "94", "36;1", "33;1",
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name's own colour is its hash; who comes later in the alphabet takes the next free one. */
static void give_colours(struct cli_logview *v)
{
	unsigned used[ARRAY_LEN(palette)] = { 0 };

	for (size_t i = 0; i < v->n_slots; i++) {
		size_t at = hash64_str(v->slots[i].name) % ARRAY_LEN(palette), best = at;

		for (size_t k = 0; k < ARRAY_LEN(palette); k++) {
			size_t next = (at + k) % ARRAY_LEN(palette);

			if (used[next] < used[best])
				best = next;
		}
		used[best]++;
		v->slots[i].colour = palette[best];
	}
}

void cli_logview_init(struct cli_logview *v, const struct cli_options *o, const struct cli_term *t,
		      const char *const *names, size_t n)
{
	_cleanup_free_ const char **sorted = xcalloc(n + 1, sizeof(*sorted));

	*v = (struct cli_logview){
		.prefix = !o->no_prefix,
		.stamps = o->timestamps,
		.harmless = t->out_tty,
		.prefix_colour = t->out_colour && !o->no_color,
		.text_colour = t->out_colour,
		.slots = xcalloc(n + 1, sizeof(*v->slots)),
		.n_slots = n,
	};
	for (size_t i = 0; i < n; i++)
		sorted[i] = names[i];
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(sorted[i]);

		v->slots[i].name = xstrdup(sorted[i]);
		v->width = len > v->width ? len : v->width;
	}
	give_colours(v);
}

void cli_logview_fini(struct cli_logview *v)
{
	for (size_t i = 0; i < v->n_slots; i++)
		free(v->slots[i].name);
	free(v->slots);
	*v = (struct cli_logview){ 0 };
}

static const char *colour_of(const struct cli_logview *v, const char *slot)
{
	for (size_t i = 0; v->prefix_colour && i < v->n_slots; i++)
		if (!strcmp(v->slots[i].name, slot))
			return v->slots[i].colour;
	return NULL;
}

static void add_head(const struct cli_logview *v, const char *slot, const struct logs_line *line,
		     struct buf *out)
{
	const char *colour = colour_of(v, slot);
	char stamp[TIME_STAMP_SIZE];

	if (v->prefix)
		buf_printf(out, "%s%s%s%-*s | %s", colour ? "\033[" : "", colour ? colour : "",
			   colour ? "m" : "", (int)v->width + 1, slot, colour ? "\033[0m" : "");
	if (v->stamps) {
		time_stamp(line->wall_ns, stamp);
		buf_printf(out, "%s ", stamp);
	}
	if (line->fd == LOGS_MSTACK)
		buf_puts(out, "mstack: ");
}

/*
 * A part without its end stays open, and what comes next from the same stream goes on behind it.
 * Somebody else's line ends it: an odd line break is better than two lines in one.
 */
void cli_logview_add(struct cli_logview *v, const char *slot, const struct logs_line *line,
		     struct buf *out)
{
	bool goes_on = v->open_slot && !strcmp(v->open_slot, slot) && v->open_fd == line->fd;

	if (!goes_on) {
		if (v->open_slot)
			buf_putc(out, '\n');
		add_head(v, slot, line, out);
	}
	if (!v->harmless)
		buf_add(out, line->text, line->len);
	else if (cli_harmless(line->text, line->len, v->text_colour, out))
		buf_puts(out, "\033[0m");
	v->open_slot = line->partial ? slot : NULL;
	v->open_fd = line->fd;
	if (!line->partial)
		buf_putc(out, '\n');
}
