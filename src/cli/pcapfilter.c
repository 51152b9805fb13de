/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapfilter: see pcapfilter.h. Called by the recording. What is used of libpcap has been the same since its version 0.8. */
#include <ctype.h>
#include <dlfcn.h>

#include "cli/pcapfilter.h"

#define ANY_NETMASK  UINT32_MAX /* PCAP_NETMASK_UNKNOWN */
#define LINKTYPE_RAW 101	/* of files; libpcap has a number of its own for it */
#define DLT_RAW	     12

/* struct bpf_program of pcap/bpf.h; an instruction is the same as the kernel's. */
struct program {
	unsigned n;
	struct sock_filter *v;
};

struct pcap; /* theirs */

struct library {
	void *handle;
	struct pcap *(*open_dead)(int linktype, int snaplen);
	int (*compile)(struct pcap *p, struct program *ret, const char *words, int optimize,
		       uint32_t netmask);
	char *(*geterr)(struct pcap *p);
	void (*freecode)(struct program *p);
	void (*close)(struct pcap *p);
	unsigned (*filter)(const struct sock_filter *v, const uint8_t *data, unsigned wire_len,
			   unsigned len);
};

static void *open_any(void)
{
	static const char *const names[] = { "libpcap.so.0.8", "libpcap.so.1" };
	void *handle = NULL;

	for (size_t i = 0; !handle && i < ARRAY_LEN(names); i++)
		handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return handle;
}

static int open_library(struct library *l, struct err *err)
{
	const struct {
		const char *name;
		void **at;
	} symbols[] = {
		{ "pcap_open_dead", (void **)&l->open_dead },
		{ "pcap_compile", (void **)&l->compile },
		{ "pcap_geterr", (void **)&l->geterr },
		{ "pcap_freecode", (void **)&l->freecode },
		{ "pcap_close", (void **)&l->close },
		{ "bpf_filter", (void **)&l->filter },
	};

	l->handle = open_any();
	if (!l->handle)
		return err_set(
			err,
			"--filter needs libpcap, which is not installed (libpcap0.8 on Debian)");
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		*symbols[i].at = dlsym(l->handle, symbols[i].name);
		if (!*symbols[i].at)
			return err_set(err, "--filter: this libpcap has no %s", symbols[i].name);
	}
	return 0;
}

/* As a word of its own; an address or a name that has it within is none. */
static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
		if ((at == words || !isalnum((unsigned char)at[-1])) &&
		    !isalnum((unsigned char)at[len]))
			return true;
	return false;
}

static int compile(const struct library *l, const char *words, unsigned linktype, unsigned snaplen,
		   struct pcapfilter *ret, struct err *err)
{
	struct pcap *dead =
		l->open_dead(linktype == LINKTYPE_RAW ? DLT_RAW : (int)linktype, (int)snaplen);
	struct program p = { 0 };
	int rc;

	if (!dead)
		return err_set(err, "--filter: libpcap gives up");
	rc = l->compile(dead, &p, words, 1, ANY_NETMASK);
	if (rc < 0) {
		err_kind(err, ERR_USAGE, "--filter: '%s': %s", words, l->geterr(dead));
	} else {
		ret->n = p.n;
		ret->v = xcalloc(p.n, sizeof(*ret->v));
		memcpy(ret->v, p.v, p.n * sizeof(*ret->v));
		l->freecode(&p);
	}
	l->close(dead);
	return rc < 0 ? -1 : 0;
}

int pcapfilter_make(const char *words, unsigned linktype, unsigned snaplen, struct pcapfilter *ret,
		    struct err *err)
{
	struct library l = { 0 };
	int rc;

	*ret = (struct pcapfilter){ 0 };
	if (!words)
		return 0;
	rc = open_library(&l, err);
	ret->library = l.handle;
	ret->match = l.filter;
	ret->here = has_word(words, "vlan");
	if (!rc)
		rc = compile(&l, words, linktype, snaplen, ret, err);
	if (rc)
		pcapfilter_fini(ret);
	return rc;
}

void pcapfilter_fini(struct pcapfilter *f)
{
	free(f->v);
	if (f->library)
		dlclose(f->library);
	*f = (struct pcapfilter){ 0 };
}
