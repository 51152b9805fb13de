/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_text: SERVICE:INTERFACE, SERVICE-INDEX:INTERFACE, host:INTERFACE, macvlan:DEVICE and vxlan:ADDRESS/VNI. Called by
 * form_link.c, which refuses what is wrong, and after it by crosscheck_link.c and model_link.c.
 */
#include <ctype.h>
#include <net/if.h>
#include <stdlib.h>

#include "stack/link_text.h"

#define VNI_MAX	  0xffffffu
#define INDEX_MAX 1000

/*
 * What the kernel takes, and a shell as well. It would make a number of a percent sign, and takes a name of blanks or dots.
 */
static const char *check_ifname(const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return "the interface is missing: write SERVICE:INTERFACE";
	if (len >= IFNAMSIZ)
		return "the name of an interface has 15 characters at most";
	for (const char *s = name; *s; s++)
		if (!isgraph((unsigned char)*s) || strchr("/:%", *s))
			return "the name of an interface has no blanks, slashes, colons or percent signs";
	if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "all") ||
	    !strcmp(name, "default"))
		return "no interface can be called so";
	return strcmp(name, "lo") ? NULL : "'lo' is there already: choose another name";
}

static const char *parse_vxlan(const char *text, struct link_text *ret)
{
	static const char how[] = "write vxlan:ADDRESS/VNI, with a number from 1 to 16777215";
	const char *slash = strrchr(text, '/');
	char addr[IP_TEXT_MAX], *end;
	unsigned long vni;

	if (!slash || (size_t)(slash - text) >= sizeof(addr) || !isdigit((unsigned char)slash[1]))
		return how;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	vni = strtoul(slash + 1, &end, 10);
	if (*end || vni < 1 || vni > VNI_MAX || !ip_parse(addr, &ret->remote))
		return how;
	ret->vni = (uint32_t)vni;
	if (ip_is_zero(&ret->remote) ||
	    (ret->remote.family == AF_INET ? ret->remote.bytes[0] >= 224
					   : ret->remote.bytes[0] == 0xff))
		return "the other end of the tunnel must be the address of one host";
	return NULL;
}

const char *link_text_parse(const char *text, struct link_text *ret)
{
	static const struct {
		const char *word;
		enum stack_end_kind kind;
	} words[] = {
		{ "host:", STACK_END_HOST },
		{ "macvlan:", STACK_END_MACVLAN },
		{ "vxlan:", STACK_END_VXLAN },
	};
	const char *colon = strchr(text, ':');

	*ret = (struct link_text){ .kind = STACK_END_SERVICE };
	if (!colon || colon == text)
		return "write SERVICE:INTERFACE";
	ret->name_len = (size_t)(colon - text);
	ret->ifname = colon + 1;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strncmp(text, words[i].word, strlen(words[i].word)))
			ret->kind = words[i].kind;
	if (ret->kind == STACK_END_VXLAN)
		return parse_vxlan(ret->ifname, ret);
	return check_ifname(ret->ifname);
}

static const struct node_pair *find(const struct node *services, const char *name, size_t len)
{
	for (size_t i = 0; services && i < services->n; i++)
		if (strlen(services->pairs[i].key) == len &&
		    !memcmp(services->pairs[i].key, name, len))
			return &services->pairs[i];
	return NULL;
}

const struct node_pair *link_text_service(const struct node *services, const char *text,
					  const struct link_text *t, unsigned *ret_index)
{
	const struct node_pair *own = find(services, text, t->name_len);
	size_t len = t->name_len;
	unsigned long index;

	*ret_index = 0;
	if (own)
		return own;
	while (len && isdigit((unsigned char)text[len - 1]))
		len--;
	if (len < 2 || len == t->name_len || text[len - 1] != '-')
		return NULL;
	index = strtoul(text + len, NULL, 10);
	if (index < 1 || index > INDEX_MAX)
		return NULL;
	*ret_index = (unsigned)index;
	return find(services, text, len - 1);
}
