/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: see message.h. What a service writes goes into a length-counted field or behind the head, so it can never pass for a head.
 */
#include <endian.h>
#include <syslog.h>
#include <time.h>

#include "logs/message.h"

static int severity(enum logs_fd fd)
{
	return fd == LOGS_STDERR ? LOG_ERR : LOG_INFO;
}

static void field(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s=%s\n", name, value);
}

/* With a length in front the value may hold any bytes. */
static void bytes_field(struct buf *out, const char *name, const char *value, size_t len)
{
	uint64_t size = htole64(len);

	buf_printf(out, "%s\n", name);
	buf_add(out, &size, sizeof(size));
	buf_add(out, value, len);
	buf_putc(out, '\n');
}

void message_journald(struct buf *out, const struct logs_remote *to, const struct logs_line *line)
{
	char stamp[TIME_STAMP_SIZE];

	time_stamp(line->wall_ns, stamp);
	bytes_field(out, "MESSAGE", line->text, line->len);
	buf_printf(out, "PRIORITY=%d\n", severity(line->fd));
	field(out, "SYSLOG_IDENTIFIER", to->tag);
	field(out, "SYSLOG_TIMESTAMP", stamp);
	field(out, "CONTAINER_NAME", to->container);
	field(out, "CONTAINER_ID", to->id);
	field(out, "CONTAINER_ID_FULL", to->id);
	field(out, "CONTAINER_TAG", to->tag);
	field(out, "IMAGE_NAME", to->image);
	if (line->partial)
		field(out, "CONTAINER_PARTIAL_MESSAGE", "true");
}

static void old_stamp(uint64_t wall_ns, char ret[32])
{
	time_t s = (time_t)(wall_ns / 1000000000u);
	struct tm tm = { 0 };

	strftime(ret, 32, "%b %e %H:%M:%S", localtime_r(&s, &tm));
}

/* RFC 5424 has six digits of a second at most; whole seconds are enough for the plain one. */
static void new_stamp(uint64_t wall_ns, bool micro, char ret[TIME_STAMP_SIZE])
{
	size_t digits = micro ? strlen(".123456") : 0;

	time_stamp(wall_ns, ret);
	strcpy(ret + strlen("2026-01-31T10:00:00") + digits, "Z");
}

void message_syslog(struct buf *out, const struct logs_remote *to, const struct message_from *from,
		    const struct logs_line *line)
{
	unsigned priority = to->facility << 3 | (unsigned)severity(line->fd);
	bool micro = to->format == LOGS_SYSLOG_5424_MICRO;
	char stamp[TIME_STAMP_SIZE];

	switch (to->format) {
	case LOGS_SYSLOG_PLAIN:
	case LOGS_SYSLOG_3164:
		old_stamp(line->wall_ns, stamp);
		buf_printf(out, "<%u>%s ", priority, stamp);
		if (to->format == LOGS_SYSLOG_3164)
			buf_printf(out, "%s ", from->host);
		buf_printf(out, "%s[%d]: ", to->tag, from->pid);
		break;
	case LOGS_SYSLOG_5424:
	case LOGS_SYSLOG_5424_MICRO:
		new_stamp(line->wall_ns, micro, stamp);
		buf_printf(out, "<%u>1 %s %s %s %d %s - ", priority, stamp, from->host, to->tag,
			   from->pid, to->tag);
		break;
	}
	buf_add(out, line->text, line->len);
}
