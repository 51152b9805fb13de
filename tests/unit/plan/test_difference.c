/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lies between two plans of one stack: golden text of the differences with their classes, and what stays of what runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/plan_diff.h"

enum { SERVICES_MAX = 8 };

/* One plan with all that it borrows. */
struct planned {
	struct stack_diags *diags;
	struct stack *stack;
	struct plan *plan;
	struct net_facts facts;
	struct store_image images[SERVICES_MAX];
	struct store_user users[SERVICES_MAX];
};

static char file[64];

static int make_file(void **state)
{
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "/tmp/mstack-plan-XXXXXX.yaml");
	fd = mkstemps(file, 5);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

static void load(struct planned *p, const char *yaml)
{
	const char *paths[] = { file }, *env[] = { NULL };
	struct stack_opts opts = {
		.paths = paths, .n_paths = 1, .project_name = "demo", .env = env
	};
	struct buf text = { 0 };
	struct err err = { 0 };

	p->diags = stack_diags_new();
	assert_int_equal(file_replace(AT_FDCWD, file, yaml, strlen(yaml), 0600), 0);
	if (stack_load(&opts, &p->stack, p->diags, &err) != 0) {
		stack_diags_print(p->diags, false, &text);
		fail_msg("%s%s", err.text, buf_str(&text));
	}
}

/* image_id: of the first service's image; NULL: none. */
static void plan(struct planned *p, const char *yaml, const struct plan *running,
		 const char *image_id)
{
	struct plan_host host = {
		.net = &p->facts,
		.images = p->images,
		.users = p->users,
		.run_dir = "/run/mstack/demo",
		.data_dir = "/var/lib/mstack",
		.resolv_conf = "nameserver 127.0.0.11\n",
		.own_hosts = "",
		.own_resolv_conf = "",
		.hostname = "host",
		.running = running,
	};

	load(p, yaml);
	p->facts.mtu = 1500;
	if (image_id)
		snprintf(p->images[0].id, sizeof(p->images[0].id), "%s", image_id);
	assert_int_equal(plan_make(p->stack, &host, &p->plan, p->diags), 0);
}

static void done(struct planned *p)
{
	plan_free(p->plan);
	stack_free(p->stack);
	stack_diags_free(p->diags);
}

/* The differences of the first service, one in each line. */
static void assert_differences(const char *from, const char *to, const char *want)
{
	struct planned a = { 0 }, b = { 0 };
	struct plan_diff d = { 0 };
	struct buf told = { 0 };
	enum plan_class highest = PLAN_SAME, how;

	plan(&a, from, NULL, NULL);
	plan(&b, to, a.plan, NULL);
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
	done(&a);
	done(&b);
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
		plan(&a, rows[i].from, NULL, NULL);
		plan(&b, rows[i].to, a.plan, NULL);
		assert_int_equal(
			plan_diff_slot(&d, a.plan, &a.plan->slots[0], b.plan, &b.plan->slots[0]),
			PLAN_RECREATE);
		plan_diff_fini(&d);
		done(&a);
		done(&b);
	}
}

static void test_image(void **state)
{
	struct planned a = { 0 }, b = { 0 };
	struct plan_diff d = { 0 };

	(void)state;
	plan(&a, ONE(""), NULL, "aa");
	plan(&b, ONE(""), a.plan, "bb");
	assert_int_equal(plan_diff_slot(&d, a.plan, &a.plan->slots[0], b.plan, &b.plan->slots[0]),
			 PLAN_RECREATE);
	assert_int_equal(d.n, 1);
	assert_string_equal(d.v[0].key, "image");
	assert_string_equal(d.v[0].from, "aa");
	assert_string_equal(d.v[0].to, "bb");
	plan_diff_fini(&d);
	done(&a);
	done(&b);
}

/* A service in front of the others takes nobody's address, and a network that nobody changes keeps its number. */
static void test_kept(void **state)
{
	struct planned a = { 0 }, b = { 0 };
	const struct net_port_spec *was, *is;

	(void)state;
	plan(&a,
	     "services: {web: {image: i, command: x}, db: {image: i, command: x, networks: [back]}}\nnetworks: {back: {}}\n",
	     NULL, NULL);
	plan(&b,
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
	done(&a);
	done(&b);
}

static void test_network_anew(void **state)
{
	struct planned a = { 0 }, b = { 0 };

	(void)state;
	plan(&a,
	     "services: {web: {image: i, command: x}}\nnetworks: {default: {ipam: {config: [{subnet: 10.1.0.0/24}]}}}\n",
	     NULL, NULL);
	plan(&b,
	     "services: {web: {image: i, command: x}}\nnetworks: {default: {ipam: {config: [{subnet: 10.2.0.0/24}]}}}\n",
	     a.plan, NULL);
	assert_int_equal(b.plan->net.n_bridges, 2);
	assert_int_equal(b.plan->slots[0].ports[0].bridge, 1);
	assert_string_equal(b.plan->net.bridges[0].ifname, b.plan->net.bridges[1].ifname);
	done(&a);
	done(&b);
}

static void test_place(void **state)
{
	static const size_t place[] = { 4, 1 };
	struct planned a = { 0 };

	(void)state;
	plan(&a,
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
	done(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),  cmocka_unit_test(test_image),
		cmocka_unit_test(test_kept),  cmocka_unit_test(test_network_anew),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
