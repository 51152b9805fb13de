/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any text as an endpoint of `x-links`. What is fine names an interface that fits into the kernel's field, or a tunnel to
 * one host; a service is found by its name or by its name and an index, and nothing is read behind the text.
 */
#include <net/if.h>

#include "mstack/base.h"
#include "stack/link_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static void check_service(const char *text, const struct link_text *t)
{
	static struct node none;
	struct node_pair pairs[] = { { .key = "r", .value = &none },
				     { .key = "r-2", .value = &none } };
	struct node services = { .kind = NODE_MAP, .n = ARRAY_LEN(pairs), .pairs = pairs };
	unsigned index;
	const struct node_pair *found = link_text_service(&services, text, t, &index);

	CHECK(t->name_len && text[t->name_len] == ':');
	if (!found)
		return;
	CHECK(index <= 1000);
	CHECK(!strncmp(text, found->key, strlen(found->key)));
	CHECK(index ? text[strlen(found->key)] == '-' : text[strlen(found->key)] == ':');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xcalloc(size + 1, 1);
	struct link_text t;

	memcpy(text, data, size);
	if (!link_text_parse(text, &t)) {
		if (t.kind == STACK_END_VXLAN) {
			CHECK(t.vni && t.vni < 1u << 24 && t.remote.family);
		} else {
			CHECK(*t.ifname && strlen(t.ifname) < IFNAMSIZ);
			CHECK(t.ifname > text && t.ifname <= text + strlen(text));
			CHECK(!strpbrk(t.ifname, "/: \t\n%"));
		}
		if (t.kind == STACK_END_SERVICE)
			check_service(text, &t);
	}
	free(text);
	return 0;
}
