/* SPDX-License-Identifier: GPL-2.0-or-later */
/* carried: see mstack/sup_carried.h. Called by cli before it would look for a stack file. Takes up nothing but the stack. */
#include <stdlib.h>
#include <unistd.h>

#include "sup/document.h"
#include "sup/reexec.h"

static int read_stack(struct sup_carried *c, struct err *err)
{
	struct carry *model = carry_next(c->tree, "model", NULL);
	struct sup_document *d;

	c->document = model ? carry_take_fd(model, "document") : -1;
	if (c->document < 0)
		return err_set(err, "the stack was not carried over");
	d = sup_document_read(c->document, err);
	if (!d)
		return -1;
	c->stack = take_ptr(&d->stack);
	c->diags = take_ptr(&d->diags);
	sup_document_free(d);
	return 0;
}

/* A later version may carry more; one that carries something else has another number. */
static int check_version(const struct sup_carried *c, struct err *err)
{
	int64_t version = carry_num(c->tree, "version", 0);

	if (version != SUP_CARRY_VERSION)
		return err_set(
			err,
			"this mstack (%s) cannot take up what %s has written down: versions %d and %lld",
			MSTACK_VERSION, carry_text(c->tree, "mstack"), SUP_CARRY_VERSION,
			(long long)version);
	return 0;
}

static int check(const struct sup_carried *c, struct err *err)
{
	pid_t pid = (pid_t)carry_num(c->tree, "pid", 0);

	if (check_version(c, err) < 0)
		return -1;
	if (pid != (c->try_out ? getppid() : getpid()))
		return err_set(err, "what is carried over is of process %d, not of us", (int)pid);
	return 0;
}

int sup_carried_read(struct sup_carried *c, struct err *err)
{
	return check_version(c, err) < 0 ? -1 : read_stack(c, err);
}

int sup_carried_open(struct sup_carried *ret, struct err *err)
{
	const char *value = getenv(SUP_CARRIED_VARIABLE);
	struct sup_carried c = { .document = -1, .keeper = -1 };
	_cleanup_fd_ int fd = -1;
	char *end;

	if (!value || *value < '0' || *value > '9')
		return 0;
	fd = (int)strtol(value, &end, 10);
	c.try_out = *end != 0;
	unsetenv(SUP_CARRIED_VARIABLE);
	c.tree = carry_read(fd, err);
	if (c.tree && check(&c, err) == 0 && read_stack(&c, err) == 0) {
		c.face = carry_next(c.tree, "face", NULL);
		*ret = c;
		return 1;
	}
	sup_carried_close(&c);
	return -1;
}

void sup_carried_close(struct sup_carried *c)
{
	stack_free(c->stack);
	stack_diags_free(c->diags);
	carry_free(c->tree);
	cleanup_fd(&c->document);
	cleanup_fd(&c->keeper);
	ledger_close(c->ledger);
	net_porch_close(c->porch);
	*c = (struct sup_carried){ .document = -1, .keeper = -1 };
}
