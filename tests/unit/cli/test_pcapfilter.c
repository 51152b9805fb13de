/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of pcap-filter become programs: run here over frames, as the kernel would. Skipped where libpcap is not installed. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/pcapfilter.h"

enum { ETHERNET = 1, RAW = 101 };

/* An ARP question, the same in VLAN 5, and UDP from 10.0.0.1 to 10.0.0.2, port 53. */
static const uint8_t arp[42] = "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\1\x08\x06\0\1\x08\0\6\4\0\1";
static const uint8_t tagged[46] = "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\1\x81\0\0\5\x08\x06\0\1";
static const uint8_t udp[60] =
	"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2\x30\x39\0\x35";

static int setup(void **state)
{
	void *library = dlopen("libpcap.so.0.8", RTLD_NOW);

	(void)state;
	if (!library) {
		print_message("skipped: libpcap is not installed\n");
		exit(0);
	}
	dlclose(library);
	return 0;
}

static unsigned kept(const char *words, const uint8_t *data, unsigned len)
{
	struct pcapfilter f;
	struct err err = { 0 };
	unsigned n;

	if (pcapfilter_make(words, ETHERNET, 77, &f, &err))
		fail_msg("%s", err.text);
	n = f.match(f.v, data, len, len);
	pcapfilter_fini(&f);
	assert_null(f.v);
	return n;
}

static void test_match(void **state)
{
	(void)state;
	assert_int_equal(kept("arp", arp, sizeof(arp)), 77);
	assert_int_equal(kept("arp", udp, sizeof(udp)), 0);
	assert_int_equal(kept("udp port 53 and host 10.0.0.2", udp, sizeof(udp)), 77);
	assert_int_equal(kept("udp port 54", udp, sizeof(udp)), 0);
	assert_int_equal(kept("not arp", udp, sizeof(udp)), 77);
	assert_int_equal(kept("vlan 5 and arp", tagged, sizeof(tagged)), 77);
	assert_int_equal(kept("vlan 6", tagged, sizeof(tagged)), 0);
}

static void test_where(void **state)
{
	static const struct {
		const char *words;
		bool here;
	} t[] = {
		{ "vlan", true },	    { "vlan 5", true },	  { "arp or (vlan and ip)", true },
		{ "host 10.0.0.1", false }, { "not vlan", true }, { "ip6", false }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct pcapfilter f;
		struct err err = { 0 };

		assert_int_equal(pcapfilter_make(t[i].words, ETHERNET, 100, &f, &err), 0);
		assert_int_equal(f.here, t[i].here);
		pcapfilter_fini(&f);
	}
}

static void test_none(void **state)
{
	struct pcapfilter f;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(pcapfilter_make(NULL, ETHERNET, 100, &f, &err), 0);
	assert_null(f.v);
	assert_null(f.library);
	pcapfilter_fini(&f);
}

static void test_raw(void **state)
{
	struct pcapfilter f;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(pcapfilter_make("udp", RAW, 50, &f, &err), 0);
	assert_int_equal(f.match(f.v, udp + 14, 46, 46), 50);
	pcapfilter_fini(&f);
}

static void test_wrong(void **state)
{
	struct pcapfilter f;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(pcapfilter_make("tcp prt 80", ETHERNET, 100, &f, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "--filter: 'tcp prt 80': "));
	assert_null(f.v);
	assert_null(f.library);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match), cmocka_unit_test(test_where),
		cmocka_unit_test(test_none),  cmocka_unit_test(test_raw),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
