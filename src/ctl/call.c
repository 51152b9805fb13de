/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * call: a request and its answers, as each side sees them. ctl_call is the client's and may wait;
 * ctl_answer the supervisor's and never waits (its sockets are non-blocking). Nothing here knows
 * what a request means.
 */
#include <errno.h>

#include "mstack/ctl.h"

/* The kind whose exit code this is: the client ends with the code that the supervisor named. */
static enum err_kind kind_of_code(json_int_t code)
{
	for (enum err_kind k = ERR_RUN; k <= ERR_NOTFOUND; k++)
		if (err_exit_code(&(struct err){ .kind = (uint16_t)k }) == code)
			return k;
	return ERR_RUN;
}

int ctl_error(const struct ctl_msg *m, struct err *err)
{
	const char *text = json_string_value(json_object_get(m->body, "error"));

	err_kind(err, kind_of_code(json_integer_value(json_object_get(m->body, "code"))), "%s",
		 text ? text : "supervisor: request refused without a reason");
	/* Nothing was begun, because of what somebody else has begun. */
	if (json_is_true(json_object_get(m->body, "busy")))
		err->sys = json_is_true(json_object_get(m->body, "ending")) ? ESHUTDOWN : EALREADY;
	return -1;
}

static int peer_is_gone(struct err *err)
{
	return err_sys(err, ECONNRESET, "supervisor: gone before it answered");
}

/*
 * The next answer to request `id`. What is left of a call that was ended early has another id and
 * is skipped.
 */
static int next_answer(int fd, uint32_t id, struct ctl_msg *ret, struct err *err)
{
	for (;;) {
		switch (ctl_recv(fd, ret, err)) {
		case 0:
			if (ret->id == id)
				return 0;
			ctl_msg_fini(ret);
			break;
		case 1:
			return err_kind(err, ERR_TIMEOUT, "supervisor: no answer in time");
		case 2:
			return peer_is_gone(err);
		default:
			return -1;
		}
	}
}

int ctl_call(int fd, enum ctl_type type, json_t *body,
	     int (*each)(void *arg, const struct ctl_msg *m), void *arg, struct err *err)
{
	/* Only has to differ from the call before on this connection. */
	const struct ctl_msg request = { .type = type,
					 .id = (uint32_t)time_mono_ns(),
					 .body = body };
	int rc = ctl_send(fd, &request, err);
	bool last = false;

	if (rc == 1)
		return err_kind(err, ERR_TIMEOUT, "supervisor: takes no request");
	if (rc < 0 && err && err->sys == EPIPE)
		return peer_is_gone(err);
	while (rc == 0 && !last) {
		_cleanup_(ctl_msg_fini) struct ctl_msg m = { 0 };

		if (next_answer(fd, request.id, &m, err) < 0)
			return -1;
		if (m.type == CTL_ERROR)
			return ctl_error(&m, err);
		last = m.flags & CTL_LAST;
		if (each)
			rc = each(arg, &m);
	}
	return rc;
}

int ctl_answer(int fd, const struct ctl_msg *request, enum ctl_type type, json_t *body, bool last)
{
	_cleanup_(ctl_msg_fini) struct ctl_msg m = {
		.type = type,
		.id = request->id,
		.flags = last ? CTL_LAST : 0,
		.body = body,
	};

	return ctl_send(fd, &m, NULL);
}
