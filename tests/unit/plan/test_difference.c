/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies between two plans of one stack: golden text of the differences with their classes, and what stays of what runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mstack/plan_diff.h"
#include "unit/plan/planned.h"

/* The differences of the first service, one in each line, where limits of processes stand in for these controllers. */
static void assert_stood_in(unsigned stands_in, const char *from, const char *to, const char *want)
{
	struct planned a = { 0 }, b = { 0 };
	struct plan_diff d = { .stands_in = stands_in };
	struct buf told = { 0 };
	enum plan_class highest = PLAN_SAME, how;

	planned_make(&a, from, NULL, NULL);
	planned_make(&b, to, a.plan, NULL);
	how = plan_diff_slot(&d, a.plan, &a.plan->slots[0], b.plan, &b.plan->slots[0]);
	for (size_t i = 0; i < d.n; i++) {
		buf_printf(&told, "%s %s: %s -> %s%s%s\n", plan_class_name(d.v[i].how), d.v[i].key,
			   d.v[i].from ? d.v[i].from : "-", d.v[i].to ? d.v[i].to : "-",
			   d.v[i].why ? ": " : "", d.v[i].why ? d.v[i].why : "");
		highest = d.v[i].how > highest ? d.v[i].how : highest;
	}
	assert_string_equal(buf_str(&told), want);
	assert_int_equal(how, highest);
	buf_fini(&told);
	plan_diff_fini(&d);
	planned_fini(&a);
	planned_fini(&b);
}

static void assert_differences(const char *from, const char *to, const char *want)
{
	assert_stood_in(0, from, to, want);
}

#define ONE(keys) "services: {web: {image: i, command: x, " keys "}}\n"

static void test_keys(void **state)
{
	static const struct {
		const char *from, *to, *want;
	} rows[] = {
		{ ONE(""), ONE(""), "" },
		/* Another way to write the same. */
		{ ONE("ports: ['80:81'], environment: [A=b]"),
		  ONE("ports: [{target: 81, published: '80'}], environment: {A: b}"), "" },
		{ ONE("mem_limit: 64m"), ONE("mem_limit: 128m"),
		  "live mem_limit: 67108864 -> 134217728\n" },
		{ ONE("labels: {a: b}"), ONE("labels: {a: 'c d'}"),
		  "live labels.a: b -> \"c d\"\n" },
		{ ONE("ports: ['80:81']"), ONE("ports: ['80:81', '90:91']"),
		  "live ports[1]: - -> {\"mode\":\"ingress\",\"protocol\":\"tcp\",\"published\":\"90\",\"target\":91}\n" },
		{ ONE("ports: ['80:81']"), ONE("ports: ['82:81']"),
		  "live ports[0].published: 80 -> 82\n" },
		{ ONE("environment: {A: b}"), ONE("environment: {A: c, D: e}"),
		  "restart environment.A: b -> c\nrestart environment.D: - -> e\n" },
		{ ONE("logging: {options: {max-size: 1m, max-file: '2'}}"),
		  ONE("logging: {options: {max-size: 2m, max-file: '3'}}"),
		  "live logging.options.max-size: 1m -> 2m\nlive logging.options.max-file: 2 -> 3\n" },
		{ ONE("logging: {driver: local}"), ONE("logging: {driver: none}"), NULL },
		{ ONE("tty: true"), ONE("tty: false"), NULL },
		{ ONE("networks: {default: {aliases: [a]}}"),
		  ONE("networks: {default: {aliases: [b]}}"),
		  "live networks.default.aliases: [\"a\"] -> [\"b\"]\n" },
		{ ONE("x-rootfs: {upper: tmpfs}"), ONE(""), NULL },
		{ ONE("x-note: a"), ONE("x-note: b"), "live x-note: a -> b\n" },
		{ ONE("volumes: ['v:/v']") "volumes: {v: {}}\n",
		  ONE("volumes: ['v:/v']") "volumes: {v: {name: other}}\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct planned a = { 0 }, b = { 0 };
		struct plan_diff d = { 0 };

		if (rows[i].want) {
			assert_differences(rows[i].from, rows[i].to, rows[i].want);
			continue;
		}
		/* However it is told: it cannot be done in the container that is there. */
		planned_make(&a, rows[i].from, NULL, NULL);
		planned_make(&b, rows[i].to, a.plan, NULL);
		assert_int_equal(
			plan_diff_slot(&d, a.plan, &a.plan->slots[0], b.plan, &b.plan->slots[0]),
			PLAN_RECREATE);
		plan_diff_fini(&d);
		planned_fini(&a);
		planned_fini(&b);
	}
}

#define AT_START \
	": without a controller of memory a limit of each process stands in, from its start on\n"
#define AT_BEGINNING \
	": without a controller of pids a limit of its user stands in, from the beginning on\n"
#define RESOURCES(limits) ONE("deploy: {resources: {limits: {" limits "}}}")

/* What a process has taken on stays with it, whatever the file says later. */
static void test_stand_ins(void **state)
{
	static const unsigned both = BOX_WANT_MEMORY | BOX_WANT_PIDS;
	static const struct {
		unsigned stands_in;
		const char *from, *to, *want;
	} rows[] = {
		{ both, ONE("mem_limit: 64m"), ONE("mem_limit: 128m"),
		  "restart mem_limit: 67108864 -> 134217728" AT_START },
		{ both, ONE("mem_limit: 64m"), ONE(""),
		  "restart mem_limit: 67108864 -> -" AT_START },
		{ both, ONE("pids_limit: 20"), ONE("pids_limit: 40"),
		  "recreate pids_limit: 20 -> 40" AT_BEGINNING },
		/* Counted with all that the user runs: nothing of it belongs to the slot. */
		{ both, ONE("userns_mode: host, pids_limit: 20"),
		  ONE("userns_mode: host, pids_limit: 40"),
		  "restart pids_limit: 20 -> 40" AT_BEGINNING },
		{ both, RESOURCES("memory: 64m"), RESOURCES("memory: 128m"),
		  "restart deploy.resources.limits.memory: 67108864 -> 134217728" AT_START },
		{ both, ONE(""), RESOURCES("pids: 20"),
		  "recreate deploy: - -> {\"resources\":{\"limits\":{\"pids\":20}}}" AT_BEGINNING },
		/* The same in other words, and what has no stand-in. */
		{ both, RESOURCES("memory: 64m"), ONE("mem_limit: 64m"),
		  "live deploy: {\"resources\":{\"limits\":{\"memory\":\"67108864\"}}} -> -\n"
		  "live mem_limit: - -> 67108864\n" },
		{ both, ONE("mem_limit: 64m, labels: {a: b}"),
		  ONE("mem_limit: 64m, labels: {a: c}"), "live labels.a: b -> c\n" },
		{ both, ONE("cpus: 1"), ONE("cpus: 2"), "live cpus: 1 -> 2\n" },
		{ BOX_WANT_MEMORY, ONE("pids_limit: 20"), ONE("pids_limit: 40"),
		  "live pids_limit: 20 -> 40\n" },
		{ BOX_WANT_PIDS, ONE("mem_limit: 64m"), ONE("mem_limit: 128m"),
		  "live mem_limit: 67108864 -> 134217728\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_stood_in(rows[i].stands_in, rows[i].from, rows[i].to, rows[i].want);
}

static void test_image(void **state)
{
	struct planned a = { 0 }, b = { 0 };
	struct plan_diff d = { 0 };

	(void)state;
	planned_make(&a, ONE(""), NULL, "aa");
	planned_make(&b, ONE(""), a.plan, "bb");
	assert_int_equal(plan_diff_slot(&d, a.plan, &a.plan->slots[0], b.plan, &b.plan->slots[0]),
			 PLAN_RECREATE);
	assert_int_equal(d.n, 1);
	assert_string_equal(d.v[0].key, "image");
	assert_string_equal(d.v[0].from, "aa");
	assert_string_equal(d.v[0].to, "bb");
	plan_diff_fini(&d);
	planned_fini(&a);
	planned_fini(&b);
}

/* The layers of the one image that it mounts. */
static void show(const struct plan_slot *slot, const char *const *layers, size_t n)
{
	for (size_t i = 0; i < slot->box.n_mounts; i++) {
		struct box_mount *m = (struct box_mount *)(uintptr_t)&slot->box.mounts[i];

		if (m->type != BOX_IMAGE)
			continue;
		m->lower = layers;
		m->n_lower = n;
	}
}

/* What mounts show of an image is compared by its layers: its name says nothing. */
static void test_shown_image(void **state)
{
	static const char one[] = ONE("volumes: [{type: image, source: app, target: /app}]");
	static const char *const layers[] = { "/layers/2", "/layers/1", "/layers/3" };
	static const struct {
		const char *const *was, *const *is;
		size_t n_was, n_is;
		enum plan_class how;
	} rows[] = {
		{ layers, layers, 2, 2, PLAN_SAME },
		{ layers, layers, 2, 1, PLAN_RECREATE },
		{ layers, layers + 1, 2, 2, PLAN_RECREATE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct planned a = { 0 }, b = { 0 };
		struct plan_diff d = { 0 };

		planned_make(&a, one, NULL, NULL);
		planned_make(&b, one, a.plan, NULL);
		show(&a.plan->slots[0], rows[i].was, rows[i].n_was);
		show(&b.plan->slots[0], rows[i].is, rows[i].n_is);
		assert_int_equal(plan_diff_slot(&d, a.plan, &a.plan->slots[0], b.plan,
						&b.plan->slots[0]),
				 rows[i].how);
		assert_int_equal(d.n, rows[i].how != PLAN_SAME);
		if (d.n) {
			assert_string_equal(d.v[0].key, "volumes");
			assert_non_null(strstr(d.v[0].why, "'app' means another image"));
		}
		plan_diff_fini(&d);
		planned_fini(&a);
		planned_fini(&b);
	}
}

/* A service in front of the others takes nobody's address, and a network that nobody changes keeps its number. */
static void test_kept(void **state)
{
	struct planned a = { 0 }, b = { 0 };
	const struct net_port_spec *was, *is;

	(void)state;
	planned_make(
		&a,
		"services: {web: {image: i, command: x}, db: {image: i, command: x, networks: [back]}}\nnetworks: {back: {}}\n",
		NULL, NULL);
	planned_make(
		&b,
		"services: {first: {image: i, command: x}, web: {image: i, command: x}, db: {image: i, command: x, networks: [new, back]}}\n"
		"networks: {new: {}, back: {}}\n",
		a.plan, NULL);
	was = a.plan->slots[0].ports;
	is = b.plan->slots[1].ports;
	assert_string_equal(b.plan->slots[1].name, "web-1");
	assert_true(ip_equal(&was->ip4.ip, &is->ip4.ip));
	assert_int_equal(was->bridge, is->bridge);
	assert_false(ip_equal(&b.plan->slots[0].ports[0].ip4.ip, &is->ip4.ip));
	assert_int_equal(b.plan->net.n_bridges, a.plan->net.n_bridges + 1);
	planned_fini(&a);
	planned_fini(&b);
}

static void test_network_anew(void **state)
{
	struct planned a = { 0 }, b = { 0 };

	(void)state;
	planned_make(
		&a,
		"services: {web: {image: i, command: x}}\nnetworks: {default: {ipam: {config: [{subnet: 10.1.0.0/24}]}}}\n",
		NULL, NULL);
	planned_make(
		&b,
		"services: {web: {image: i, command: x}}\nnetworks: {default: {ipam: {config: [{subnet: 10.2.0.0/24}]}}}\n",
		a.plan, NULL);
	assert_int_equal(b.plan->net.n_bridges, 2);
	assert_int_equal(b.plan->slots[0].ports[0].bridge, 1);
	assert_string_equal(b.plan->net.bridges[0].ifname, b.plan->net.bridges[1].ifname);
	planned_fini(&a);
	planned_fini(&b);
}

static void test_place(void **state)
{
	static const size_t place[] = { 4, 1 };
	struct planned a = { 0 };

	(void)state;
	planned_make(
		&a,
		"services: {web: {image: i, command: x, depends_on: [db]}, db: {image: i, command: x}}\n",
		NULL, NULL);
	plan_place(a.plan, place);
	assert_int_equal(a.plan->n_slots, 5);
	assert_string_equal(a.plan->slots[4].name, "web-1");
	assert_string_equal(a.plan->slots[1].name, "db-1");
	assert_null(a.plan->slots[0].name);
	assert_int_equal(a.plan->slots[4].box_slot.token, 4);
	assert_int_equal(a.plan->edges[0].slot, 4);
	assert_int_equal(a.plan->edges[0].on, 1);
	planned_fini(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),  cmocka_unit_test(test_image),
		cmocka_unit_test(test_kept),  cmocka_unit_test(test_network_anew),
		cmocka_unit_test(test_place), cmocka_unit_test(test_stand_ins),
		cmocka_unit_test(test_shown_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
