/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans from text: golden text of a whole plan, addresses, rights, and the rules between them. Facts of the host are made up;
 * nothing is touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>

#include "mstack/plan.h"
#include "unit/plan/stackfile.h"

enum { SERVICES_MAX = 300 };

/* One plan with all that it borrows. */
struct planned {
	struct stack_diags *diags;
	struct stack *stack;
	struct plan *plan;
	struct net_facts facts;
	const struct impair_facts *impair;
	struct store_image images[SERVICES_MAX];
	struct store_user users[SERVICES_MAX];
	const struct plan_image *mounted;
	size_t n_mounted;
	const char *resolv_conf, *own_resolv_conf; /* NULL: something */
	bool isolated, user;
	uint32_t ids; /* 0: as many as there are */
	int rc;
};

static struct net_prefix prefix(const char *addr, unsigned len)
{
	struct net_prefix p = { .net.prefix = (uint8_t)len, .dev = "lan0" };

	assert_true(ip_parse(addr, &p.net.ip));
	return p;
}

static void make(struct planned *p, const char *yaml)
{
	struct plan_host host = { .net = &p->facts,
				  .impair = p->impair,
				  .images = p->images,
				  .users = p->users,
				  .mounted = p->mounted,
				  .n_mounted = p->n_mounted,
				  .run_dir = "/run/mstack/demo",
				  .data_dir = "/var/lib/mstack",
				  .resolv_conf = p->resolv_conf ? p->resolv_conf
								: "nameserver 192.0.2.1\n",
				  .own_hosts = "192.0.2.7\tprinter\n",
				  .own_resolv_conf = p->own_resolv_conf ? p->own_resolv_conf
									: "nameserver 127.0.0.53\n",
				  .hostname = "somewhere",
				  .isolated = p->isolated,
				  .user = p->user,
				  .ids = p->ids };

	p->stack = stackfile_load(yaml, &p->diags);
	if (!p->facts.mtu)
		p->facts.mtu = 1500;
	p->rc = plan_make(p->stack, &host, &p->plan, p->diags);
}

static void end(struct planned *p)
{
	if (p->rc == 0)
		plan_free(p->plan);
	stack_free(p->stack);
	stack_diags_free(p->diags);
}

static char *printed(const struct planned *p)
{
	struct buf b = { 0 };

	plan_print(p->plan, &b);
	return buf_take(&b);
}

static void assert_has(const struct planned *p, const char *line)
{
	_cleanup_free_ char *text = printed(p);

	if (!strstr(text, line))
		fail_msg("want '%s' in:\n%s", line, text);
}

/* ---- golden ---------------------------------------------------------------------------------- */

static const char shop[] = "services:\n"
			   "  web:\n"
			   "    image: ./www\n"
			   "    command: [httpd, -f]\n"
			   "    ports: ['8080:80', '127.0.0.1:5353:53/udp']\n"
			   "    networks: [front, back]\n"
			   "    depends_on: [db]\n"
			   "    environment: {MODE: fast}\n"
			   "  db:\n"
			   "    image: ./pg\n"
			   "    command: serve\n"
			   "    volumes: [data:/data, /srv/x:/data/x:ro]\n"
			   "    tmpfs: /tmp\n"
			   "    networks: {back: {ipv4_address: 10.9.0.2, aliases: [store]}}\n"
			   "    mem_limit: 64m\n"
			   "    healthcheck: {test: pg_isready}\n"
			   "networks:\n"
			   "  front:\n"
			   "  back: {internal: true, ipam: {config: [{subnet: 10.9.0.0/24}]}}\n"
			   "volumes: {data: }\n";

static const char shop_plan[] =
	"project demo id=e792c8f1 table=mstk_demo_e792c8f1\n"
	"network demo_front bridge=mstk7ea088af subnet=172.22.74.0/24 gateway=172.22.74.1 mtu=1500\n"
	"network demo_back bridge=mstke8c94f42 subnet=10.9.0.0/24 gateway=10.9.0.1 mtu=1500 internal\n"
	"volume demo_data\n"
	"slot web-1 container=demo-web-1\n"
	"  link eth0 on demo_front as mv8ead0b39bd addr=172.22.74.2/24 mac=02:39:0b:ad:8e:fe default-route\n"
	"  link eth1 on demo_back as mv9e747e62b9 addr=10.9.0.3/24 mac=02:62:7e:74:9e:87\n"
	"  publish 0.0.0.0:8080 -> 172.22.74.2:80/tcp\n"
	"  publish 127.0.0.1:5353 -> 172.22.74.2:53/udp\n"
	"  mount file on /etc/hosts\n"
	"  mount file on /etc/hostname\n"
	"  mount file on /etc/resolv.conf\n"
	"  user 0:0 caps=00000000800405fb\n"
	"  command httpd -f\n"
	"  environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOSTNAME=web HOME=/ MODE=fast\n"
	"slot db-1 container=demo-db-1\n"
	"  memory 67108864\n"
	"  link eth0 on demo_back as mv86f83c505f addr=10.9.0.2/24 mac=02:50:3c:f8:86:2b\n"
	"  mount /var/lib/mstack/volumes/demo_data/_data on /data\n"
	"  mount tmpfs on /tmp\n"
	"  mount file on /etc/hosts\n"
	"  mount file on /etc/hostname\n"
	"  mount file on /etc/resolv.conf\n"
	"  mount /srv/x on /data/x ro\n"
	"  user 0:0 caps=00000000800405fb\n"
	"  command serve\n"
	"  environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOSTNAME=db HOME=/\n"
	"  probe /bin/sh -c pg_isready\n"
	"order web-1 after db-1 is started\n";

static void test_golden(void **state)
{
	struct planned p = { 0 };
	_cleanup_free_ char *text = NULL;

	(void)state;
	make(&p, shop);
	assert_int_equal(p.rc, 0);
	text = printed(&p);
	assert_string_equal(text, shop_plan);
	end(&p);
}

static void test_second_run_is_identical(void **state)
{
	struct planned a = { 0 }, b = { 0 };
	_cleanup_free_ char *x = NULL, *y = NULL;

	(void)state;
	make(&a, shop);
	make(&b, shop);
	x = printed(&a);
	y = printed(&b);
	assert_string_equal(x, y);
	end(&a);
	end(&b);
}

static void test_hosts(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p, shop);
	assert_string_equal(p.plan->slots[1].files[0].name, "hosts");
	/* It stands there itself; others are found by DNS. */
	assert_string_equal(p.plan->slots[1].files[0].text,
			    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
			    "10.9.0.2\tdb db-1 demo-db-1 store\n");
	end(&p);
}

static void assert_names(const struct net_names_at *at, const char *want)
{
	struct buf b = { 0 };

	buf_printf(&b, "%u %s %s", at->network, ip_text(&at->ips[0]).text,
		   ip_text(&at->ips[1]).text);
	for (size_t i = 0; i < at->n_names; i++)
		buf_printf(&b, " %s", at->names[i]);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

/* What others on its networks call it: the container, the slot, the service, its host name, aliases there; each once. */
static void test_naming(void **state)
{
	struct planned p = { 0 };
	const struct plan_slot *slots;

	(void)state;
	make(&p,
	     "services:\n"
	     "  a:\n    image: ./i\n    command: x\n    hostname: alpha\n"
	     "    networks: {out: {aliases: [first, A, first]}, in: {aliases: [second]}}\n"
	     "  b: {image: ./i, command: x, networks: [in], container_name: bee, dns: [192.0.2.5, '2001:db8::5']}\n"
	     "  c: {image: ./i, command: x, network_mode: none}\n"
	     "  d: {image: ./i, command: x, network_mode: 'service:b'}\n"
	     "  e: {image: ./i, command: x, network_mode: host}\n"
	     "networks:\n"
	     "  out: {ipam: {config: [{subnet: 10.9.0.0/24}]}}\n"
	     "  in: {internal: true, ipam: {config: [{subnet: 10.9.1.0/24}]}}\n");
	slots = p.plan->slots;
	assert_int_equal(slots[0].naming.n_at, 2);
	assert_names(&slots[0].naming.at[0], "0 10.9.0.2  demo-a-1 a-1 a alpha first");
	assert_names(&slots[0].naming.at[1], "1 10.9.1.2  demo-a-1 a-1 a alpha second");
	assert_names(&slots[1].naming.at[0], "1 10.9.1.3  bee b-1 b");
	/* Who has any way out may ask outside. */
	assert_true(slots[0].naming.asks && !slots[0].naming.internal);
	assert_true(slots[1].naming.asks && slots[1].naming.internal);
	for (size_t i = 2; i < 5; i++)
		assert_true(!slots[i].naming.asks && !slots[i].naming.n_at);
	assert_int_equal(slots[0].naming.n_servers, 0);
	assert_int_equal(slots[1].naming.n_servers, 2);
	assert_string_equal(ip_text(&slots[1].naming.servers[1]).text, "2001:db8::5");
	assert_string_equal(slots[0].files[2].text, "nameserver 192.0.2.1\n");
	assert_string_equal(slots[2].files[2].text, "nameserver 127.0.0.53\n");
	assert_string_equal(slots[3].files[2].text, "nameserver 192.0.2.1\n");
	assert_string_equal(slots[4].files[2].text, "nameserver 127.0.0.53\n");
	end(&p);
}

/* ---- several containers of a service ----------------------------------------------------------- */

static const char farm[] = "services:\n"
			   "  web:\n    image: ./www\n    command: x\n    scale: 3\n"
			   "    ports: ['8000-8004:80', '90']\n    depends_on: [db, gone]\n"
			   "  db: {image: ./pg, command: x, deploy: {replicas: 2}, volumes: [/data]}\n"
			   "  side: {image: ./s, command: x, network_mode: 'service:web', scale: 2}\n"
			   "  gone: {image: ./g, command: x, scale: 0}\n"
			   "networks: {default: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}\n";

static const char farm_plan[] =
	"slot web-1 container=demo-web-1\n"
	"  link eth0 on demo_default addr=10.9.0.2/24\n"
	"  publish 0.0.0.0:8000 -> 10.9.0.2:80/tcp\n"
	"  publish 0.0.0.0:0 -> 10.9.0.2:90/tcp\n"
	"slot web-2 container=demo-web-2\n"
	"  link eth0 on demo_default addr=10.9.0.4/24\n"
	"  publish 0.0.0.0:8001 -> 10.9.0.4:80/tcp\n"
	"  publish 0.0.0.0:0 -> 10.9.0.4:90/tcp\n"
	"slot web-3 container=demo-web-3\n"
	"  link eth0 on demo_default addr=10.9.0.6/24\n"
	"  publish 0.0.0.0:8002 -> 10.9.0.6:80/tcp\n"
	"  publish 0.0.0.0:0 -> 10.9.0.6:90/tcp\n"
	"slot db-1 container=demo-db-1\n"
	"  link eth0 on demo_default addr=10.9.0.3/24\n"
	"slot db-2 container=demo-db-2\n"
	"  link eth0 on demo_default addr=10.9.0.5/24\n"
	"slot side-1 container=demo-side-1\n"
	"slot side-2 container=demo-side-2\n"
	"order web-1 after db-1 is started\n"
	"order web-1 after db-2 is started\n"
	"order web-2 after db-1 is started\n"
	"order web-2 after db-2 is started\n"
	"order web-3 after db-1 is started\n"
	"order web-3 after db-2 is started\n"
	"order side-1 after web-1 is started\n"
	"order side-1 after web-2 is started\n"
	"order side-1 after web-3 is started\n"
	"order side-2 after web-1 is started\n"
	"order side-2 after web-2 is started\n"
	"order side-2 after web-3 is started\n";

/* Of a plan's text what says who is where; without hashes, which names follow from. */
static char *outline(const struct planned *p)
{
	static const char *const kept[] = { "slot ", "  link ", "  publish ", "order " };
	_cleanup_free_ char *text = printed(p);
	char *rest = text, *line, *end;
	struct buf out = { 0 };

	while ((line = strsep(&rest, "\n")))
		for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
			if (strncmp(line, kept[i], strlen(kept[i])) != 0)
				continue;
			if ((end = strstr(line, " mac=")))
				*end = '\0';
			if ((end = strstr(line, " as ")) && i == 1)
				memmove(end, strstr(end, " addr="), strlen(strstr(end, " addr=")) + 1);
			buf_printf(&out, "%s\n", line);
		}
	return buf_take(&out);
}

/* Nobody waits for a service without containers; a network is joined where the first one is. */
static void test_replicas(void **state)
{
	struct planned p = { 0 };
	const struct plan_slot *slots;
	_cleanup_free_ char *text = NULL;

	(void)state;
	make(&p, farm);
	assert_int_equal(p.rc, 0);
	text = outline(&p);
	assert_string_equal(text, farm_plan);
	slots = p.plan->slots;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(slots[i].index, i + 1);
	assert_string_equal(slots[0].box.hostname, "web");
	assert_string_equal(slots[1].box.hostname, "web-2");
	assert_names(&slots[1].naming.at[0], "0 10.9.0.4  demo-web-2 web-2 web");
	assert_int_equal(slots[5].net_of, 0);
	assert_int_equal(slots[6].net_of, 0);
	/* What a container writes into a volume without a name is its own. */
	assert_int_equal(p.plan->n_volumes, 2);
	end(&p);
}

/* More of one service leave the first containers of all others where they are. */
static void test_more_replicas_move_nobody(void **state)
{
	static const char text[] = "services:\n  a: {image: ./i, command: x, scale: %d}\n"
				   "  b: {image: ./i, command: x}\n";
	_cleanup_free_ char *few = xasprintf(text, 1), *many = xasprintf(text, 20);
	struct planned one = { 0 }, more = { 0 };

	(void)state;
	make(&one, few);
	make(&more, many);
	assert_int_equal(more.plan->n_slots, 21);
	assert_true(ip_equal(&one.plan->slots[0].ports[0].ip4.ip, &more.plan->slots[0].ports[0].ip4.ip));
	assert_true(ip_equal(&one.plan->slots[1].ports[0].ip4.ip, &more.plan->slots[20].ports[0].ip4.ip));
	for (size_t i = 0; i < 21; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(ip_equal(&more.plan->slots[i].ports[0].ip4.ip,
					      &more.plan->slots[k].ports[0].ip4.ip));
	end(&one);
	end(&more);
}

/* ---- subnets and addresses --------------------------------------------------------------------- */

static const char one[] = "services:\n  a: {image: ./i, command: x}\n";

/* The full name first, as hosts(5) wants it. */
static void test_domainname(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p, "services:\n  a:\n    image: ./i\n    command: x\n    domainname: d.example\n"
		 "    networks: {n: {ipv4_address: 10.9.0.2}}\n    shm_size: 2m\n"
		 "networks: {n: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}\n");
	assert_string_equal(p.plan->slots[0].box.domainname, "d.example");
	assert_int_equal(p.plan->slots[0].box.shm_size, 2 << 20);
	assert_string_equal(p.plan->slots[0].files[0].text,
			    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
			    "10.9.0.2\ta.d.example a\n10.9.0.2\ta a-1 demo-a-1\n");
	end(&p);
}

/* In front of our own files, and the memory for them follows. */
static void test_assets(void **state)
{
	struct planned p = { 0 };
	const struct plan_slot *slot;

	(void)state;
	make(&p,
	     "services:\n  a:\n    image: ./i\n    command: x\n    configs: [{source: c, target: /etc/hosts, mode: 0}]\n"
	     "    secrets: [s]\nconfigs: {c: {content: abc}}\nsecrets: {s: {environment: HOME}}\n");
	slot = &p.plan->slots[0];
	assert_has(&p, "  mount file on /etc/hostname\n  mount file on /etc/resolv.conf\n"
		       "  mount file on /etc/hosts ro\n  mount file on /run/secrets/s ro\n");
	assert_int_equal(slot->box.mounts[3].mode, S_IFREG | 0444);
	assert_int_equal(slot->box.mounts[2].mode, S_IFREG);
	assert_int_equal(slot->box_slot.files_size, 8192);
	end(&p);
}

static void test_avoids_routes(void **state)
{
	struct planned free_host = { 0 }, busy = { 0 };
	struct net_prefix taken;

	(void)state;
	make(&free_host, one);
	assert_int_equal(free_host.plan->net.bridges[0].subnets[0].net.prefix, 24);
	taken = (struct net_prefix){ free_host.plan->net.bridges[0].subnets[0].net, "lan0" };
	busy.facts.prefixes = &taken;
	busy.facts.n_prefixes = 1;
	make(&busy, one);
	assert_false(ip_overlap(&busy.plan->net.bridges[0].subnets[0].net, &taken.net));
	end(&free_host);
	end(&busy);
}

static void test_broad_route_is_a_warning(void **state)
{
	struct net_prefix vpn = prefix("172.16.0.0", 12);
	struct planned p = { .facts = { .prefixes = &vpn, .n_prefixes = 1 } };

	(void)state;
	make(&p, one);
	assert_int_equal(p.rc, 0);
	assert_int_equal(stack_diags_count(p.diags), 1);
	assert_non_null(strstr(stack_diags_get(p.diags, 0)->text, "broad route"));
	end(&p);
}

static void test_taken_subnet_is_an_error(void **state)
{
	struct net_prefix lan = prefix("10.9.0.128", 25);
	struct planned p = { .facts = { .prefixes = &lan, .n_prefixes = 1 } };

	(void)state;
	make(&p, shop);
	assert_int_equal(p.rc, PLAN_HOST_REFUSES);
	assert_string_equal(stack_diags_get(p.diags, 0)->text,
			    "network 'back': subnet is taken on this host by 10.9.0.128/25 (lan0)");
	assert_int_equal(stack_diags_get(p.diags, 0)->pos.line, 19);
	end(&p);
}

static void test_no_duplicates(void **state)
{
	struct planned p = { 0 };
	struct buf yaml = { 0 };

	(void)state;
	buf_puts(&yaml, "services:\n");
	for (int i = 0; i < 250; i++)
		buf_printf(&yaml, "  s%d: {image: ./i, command: x, networks: [n]}\n", i);
	buf_puts(&yaml, "networks: {n: }\n");
	make(&p, buf_str(&yaml));
	assert_int_equal(p.rc, 0);
	for (size_t i = 0; i < p.plan->n_slots; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct net_port_spec *a = p.plan->slots[i].ports,
						   *b = p.plan->slots[j].ports;

			assert_false(ip_equal(&a->ip4.ip, &b->ip4.ip));
			assert_string_not_equal(a->host_ifname, b->host_ifname);
			assert_memory_not_equal(a->mac, b->mac, 6);
		}
	}
	end(&p);
	buf_fini(&yaml);
}

/* Within, nothing of the host is in the way; for the host there is one network more, which finds its place beside it. */
static void test_isolated(void **state)
{
	struct net_prefix taken[] = { prefix("10.1.0.0", 16), prefix("172.16.0.0", 13) };
	struct planned p = { .facts = { .prefixes = taken, .n_prefixes = 2 }, .isolated = true };
	const struct plan_uplink *up;
	struct net_publish_spec out, in;

	(void)state;
	make(&p, "services:\n  a: {image: x, command: [c], ports: ['127.0.0.1:8080:80']}\n"
		 "networks: {default: {ipam: {config: [{subnet: 10.1.2.0/24}]}}}\n");
	assert_int_equal(p.rc, 0);
	assert_int_equal(stack_diags_count(p.diags), 1); /* the shadow on 10.1.0.0/16 */
	assert_has(&p, "subnet=10.1.2.0/24");
	assert_has(&p, "isolated\nnetwork demo~uplink ");
	up = p.plan->uplink;
	assert_int_equal(up->net.n_bridges, 1);
	assert_false(ip_is_within(&up->port.ip4.ip, &taken[1].net));
	assert_true(ip_is_within(&up->port.ip4.ip, &up->net.bridges[0].subnets[0].net));
	assert_true(ip_equal(&up->port.gateway4, &up->net.bridges[0].subnets[0].gateway));
	assert_int_equal(up->port.ip6.ip.family, 0);
	out = plan_outside(p.plan, p.plan->pubs);
	assert_true(ip_equal(&out.addr, &up->port.ip4.ip) && out.port == 8080);
	assert_string_equal(ip_text(&out.host_ip).text, "127.0.0.1");
	in = plan_inside(p.plan->pubs);
	assert_true(ip_is_zero(&in.host_ip) && in.host_port == 8080 && in.port == 80);
	assert_string_equal(ip_text(&in.addr).text, "10.1.2.2");
	end(&p);
}

/* A subnet that is chosen, and one for the way out, do not meet either. */
static void test_isolated_ipv6(void **state)
{
	struct planned p = { .isolated = true };
	const struct plan_uplink *up;

	(void)state;
	make(&p,
	     "services:\n  a: {image: x, command: [c]}\nnetworks: {default: {enable_ipv6: true}}\n");
	assert_int_equal(p.rc, 0);
	up = p.plan->uplink;
	assert_int_equal(up->port.ip6.ip.family, AF_INET6);
	for (size_t i = 0; i < 2; i++)
		assert_false(ip_overlap(&up->net.bridges[0].subnets[i].net,
					&p.plan->net.bridges[0].subnets[i].net));
	end(&p);
}

/* Networks that lead out of the stack: what is there already decides, and is told apart from what is ours. */
static void test_outward(void **state)
{
	struct net_device devices[] = {
		{ .name = "br0", .altname = "o_lan", .kind = "bridge", .mtu = 1450 },
		{ .name = "lan0", .kind = "", .mtu = 1400 }
	};
	struct net_prefix own[] = { prefix("10.5.0.9", 24), prefix("10.6.0.64", 24) };
	struct net_guest guest = { .dev = "br0", .project = "other" };
	struct planned p = { .facts = { .devices = devices,
					.n_devices = 2,
					.addresses = own,
					.n_addresses = 2,
					.mtu = 1500 } };
	const char *text =
		"services:\n  a: {image: x, command: [c], networks: [e, m, v]}\n"
		"networks:\n  e: {external: true, name: o_lan}\n"
		"  m: {driver: macvlan, driver_opts: {parent: lan0.7}, ipam: {config: [{subnet: 10.6.0.0/24, ip_range: 10.6.0.64/26}]}}\n"
		"  v: {driver: vxlan, driver_opts: {vni: 7, peers: '2001:db8::1'}}\n";
	struct ip first;

	(void)state;
	strcpy(own[0].dev, "br0");
	strcpy(own[1].dev, "lan0.7");
	make(&p, text);
	assert_int_equal(p.rc, 0);
	assert_has(&p, "network o_lan external=br0 subnet=10.5.0.0/24 gateway=10.5.0.9 mtu=1450\n");
	assert_has(&p,
		   "network demo_m macvlan=lan0.7 subnet=10.6.0.0/24 gateway=10.6.0.1 mtu=1400\n");
	assert_has(&p, " vxlan=7 on mx");
	assert_has(&p, " peer=2001:db8::1 ");
	assert_int_equal(p.plan->net.bridges[2].mtu, 1430);
	assert_string_equal(p.plan->slots[0].ports[1].host_ifname, "");
	/* The host has 10.6.0.64 itself. */
	assert_string_equal(ip_text(&p.plan->slots[0].ports[1].ip4.ip).text, "10.6.0.65");
	first = p.plan->slots[0].ports[0].ip4.ip;
	assert_true(first.bytes[3] >= 128);
	end(&p);
	/* Somebody has that one now. */
	guest.ip = first;
	p = (struct planned){ .facts = { .devices = devices,
					 .n_devices = 2,
					 .addresses = own,
					 .n_addresses = 2,
					 .guests = &guest,
					 .n_guests = 1,
					 .mtu = 1500 } };
	make(&p, text);
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.plan->slots[0].ports[0].ip4.ip.bytes[3], first.bytes[3] + 1);
	end(&p);
	p = (struct planned){ .facts = { .devices = devices, .n_devices = 1 } };
	make(&p, text);
	assert_int_equal(p.rc, PLAN_HOST_REFUSES);
	end(&p);
	p = (struct planned){ .facts = { .devices = devices, .n_devices = 2 }, .isolated = true };
	make(&p, text);
	assert_int_equal(p.rc, PLAN_FILE_WRONG);
	assert_int_equal(stack_diags_errors(p.diags), 3);
	end(&p);
}

static void test_isolated_ports(void **state)
{
	struct planned p = { .isolated = true };

	(void)state;
	make(&p,
	     "services:\n  a: {image: x, command: [c], ports: ['127.0.0.1:80:80', '80:80/udp', '81:80']}\n"
	     "  b: {image: x, command: [c], ports: ['127.0.0.2:80:80']}\n");
	assert_int_equal(p.rc, PLAN_FILE_WRONG);
	assert_int_equal(stack_diags_errors(p.diags), 1);
	assert_int_equal(stack_diags_get(p.diags, 0)->pos.line, 3);
	end(&p);
}

static void test_full_subnet(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p, "services:\n  a: {image: ./i, command: x}\n  b: {image: ./i, command: x}\n"
		 "  c: {image: ./i, command: x}\n  d: {image: ./i, command: x}\n"
		 "  e: {image: ./i, command: x}\n  f: {image: ./i, command: x}\n"
		 "networks: {default: {ipam: {config: [{subnet: 10.1.0.0/29}]}}}\n");
	assert_int_equal(p.rc, 1);
	assert_string_equal(stack_diags_get(p.diags, 0)->text,
			    "service 'f': network 'default' has no free address left");
	end(&p);
}

static const char *ip4(const struct planned *p, size_t slot)
{
	static char text[IP_NET_TEXT_MAX];

	snprintf(text, sizeof(text), "%s", ip_text(&p->plan->slots[slot].ports[0].ip4.ip).text);
	return text;
}

static const char *ip6(const struct planned *p, size_t slot)
{
	static char text[IP_NET_TEXT_MAX];

	snprintf(text, sizeof(text), "%s", ip_net_text(&p->plan->slots[slot].ports[0].ip6).text);
	return text;
}

/* A prefix of the stack's own, by its name; each network has a /64 of it, by its own name. */
static void test_ipv6(void **state)
{
	struct planned p = { 0 }, busy = { 0 };
	const struct net_bridge_spec *b;
	struct net_prefix taken = { .dev = "lan0" };
	static const char yaml[] =
		"services:\n  a: {image: ./i, command: x, networks: [n, m], ports: ['80', '81:81']}\n"
		"  b: {image: ./i, command: x, networks: [n]}\n"
		"networks: {n: {enable_ipv6: true}, m: {enable_ipv4: false, enable_ipv6: true}}\n";

	(void)state;
	make(&p, yaml);
	assert_int_equal(p.rc, 0);
	b = p.plan->net.bridges;
	assert_int_equal(b[0].n_subnets, 2);
	assert_int_equal(b[1].n_subnets, 1);
	assert_string_equal(ip_net_text(&b[0].subnets[1].net).text, "fdd3:7642:671b:bf1f::/64");
	assert_memory_equal(b[0].subnets[1].net.ip.bytes, b[1].subnets[0].net.ip.bytes, 6);
	assert_false(ip_overlap(&b[0].subnets[1].net, &b[1].subnets[0].net));
	assert_string_equal(ip_text(&b[0].subnets[1].gateway).text, "fdd3:7642:671b:bf1f::1");
	assert_string_equal(ip6(&p, 0), "fdd3:7642:671b:bf1f::2/64");
	assert_string_equal(ip6(&p, 1), "fdd3:7642:671b:bf1f::3/64");
	assert_true(p.plan->slots[0].ports[0].gateway6.family);
	assert_false(p.plan->slots[0].ports[1].gateway6.family ||
		     p.plan->slots[0].ports[1].gateway4.family);
	assert_int_equal(p.plan->slots[0].ports[1].ip4.ip.family, 0);
	assert_int_equal(p.plan->slots[0].n_pubs, 4);
	assert_true(p.plan->slots[0].pubs[1].twin &&
		    p.plan->slots[0].pubs[1].addr.family == AF_INET6);
	assert_has(&p, "  publish 0.0.0.0:81 -> 172.");
	assert_has(&p, "  publish [::]:81 -> [fdd3:7642:671b:bf1f::2]:81/tcp\n");
	assert_has(&p, "default-route default-route6\n");
	assert_non_null(strstr(p.plan->slots[1].files[0].text,
			       "\nfdd3:7642:671b:bf1f::3\tb b-1 demo-b-1\n"));
	/* Somebody has it: the next one. */
	taken.net = b[0].subnets[1].net;
	busy.facts.prefixes = &taken;
	busy.facts.n_prefixes = 1;
	make(&busy, yaml);
	assert_string_equal(ip_net_text(&busy.plan->net.bridges[0].subnets[1].net).text,
			    "fdd3:7642:671b:bf20::/64");
	end(&p);
	end(&busy);
}

static void test_subnets(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p,
	     "services:\n  a: {image: ./i, command: x}\n  b: {image: ./i, command: x}\n"
	     "  c: {image: ./i, command: x, networks: {default: {ipv4_address: 10.2.0.9}}}\n"
	     "  d: {image: ./i, command: x}\n"
	     "networks:\n  default:\n    driver_opts: {com.docker.network.driver.mtu: 1300}\n"
	     "    ipam:\n      config:\n"
	     "        - {subnet: 10.1.0.0/24, ip_range: 10.1.0.0/30, aux_addresses: {r: 10.1.0.2}}\n"
	     "        - {subnet: \"fd00::/64\"}\n"
	     "        - {subnet: 10.2.0.0/28, gateway: 10.2.0.2}\n");
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.plan->net.bridges[0].mtu, 1300);
	assert_string_equal(ip4(&p, 0), "10.1.0.3");
	assert_string_equal(ip4(&p, 1), "10.2.0.1");
	assert_string_equal(ip4(&p, 2), "10.2.0.9");
	assert_string_equal(ip4(&p, 3), "10.2.0.3");
	assert_string_equal(ip_text(&p.plan->slots[0].ports[0].gateway4).text, "10.1.0.1");
	assert_string_equal(ip_text(&p.plan->slots[1].ports[0].gateway4).text, "10.2.0.2");
	assert_int_equal(p.plan->slots[1].ports[0].ip4.prefix, 28);
	assert_string_equal(ip6(&p, 3), "fd00::5/64");
	end(&p);
}

static void test_published_to_no_address(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p, "services:\n  a: {image: ./i, command: x, ports: ['[fd00::1]:80:80']}\n");
	assert_int_equal(p.rc, PLAN_FILE_WRONG);
	assert_string_equal(
		stack_diags_get(p.diags, 0)->text,
		"service 'a': port 80 is published to fd00::1, but the container has no IPv6 address");
	end(&p);
}

/* By the kernel there is no way to it from there, so the family is free. */
static void test_published_to_loopback(void **state)
{
	struct planned p = { 0 }, six = { 0 };

	(void)state;
	make(&p, "services:\n  a: {image: ./i, command: x, ports: ['[::1]:80:81']}\n");
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.plan->n_pubs, 1);
	assert_true(ip_is_loopback6(&p.plan->pubs[0].host_ip));
	assert_int_equal(p.plan->pubs[0].addr.family, AF_INET);
	make(&six, "services:\n  a: {image: ./i, command: x, ports: ['[::1]:80:81']}\n"
		   "networks: {default: {enable_ipv6: true}}\n");
	assert_int_equal(six.rc, 0);
	assert_int_equal(six.plan->pubs[0].addr.family, AF_INET6);
	end(&p);
	end(&six);
}

static void test_default_route(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p,
	     "services:\n  a: {image: ./i, command: x, networks: [in, out, more], ports: ['80']}\n"
	     "  b: {image: ./i, command: x, networks: [in], ports: ['80']}\n"
	     "networks: {in: {internal: true}, out: , more: }\n");
	assert_false(p.plan->slots[0].ports[0].gateway4.family);
	assert_true(p.plan->slots[0].ports[1].gateway4.family);
	assert_false(p.plan->slots[0].ports[2].gateway4.family);
	assert_true(ip_equal(&p.plan->slots[0].pubs[0].addr, &p.plan->slots[0].ports[1].ip4.ip));
	assert_int_equal(p.plan->slots[1].n_pubs, 0);
	assert_non_null(strstr(stack_diags_get(p.diags, 0)->text, "internal networks only"));
	end(&p);
}

/* ---- the container ----------------------------------------------------------------------------- */

static void test_command_precedence(void **state)
{
	static char *entry[] = { (char *)"ie", NULL }, *cmd[] = { (char *)"ic", NULL };
	static const struct {
		const char *yaml;
		const char *want;
	} t[] = {
		{ "", "  command ie ic\n" },
		{ ", command: sc", "  command ie sc\n" },
		{ ", entrypoint: se", "  command se\n" },
		{ ", entrypoint: se, command: sc", "  command se sc\n" },
		{ ", entrypoint: []", NULL },
		{ ", command: []", "  command ie\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct planned p = { .images = { { .entrypoint = entry, .cmd = cmd } } };
		char yaml[160];

		snprintf(yaml, sizeof(yaml), "services:\n  a: {image: ./i%s}\n", t[i].yaml);
		make(&p, yaml);
		assert_int_equal(p.rc, t[i].want ? 0 : 1);
		if (t[i].want)
			assert_has(&p, t[i].want);
		else
			assert_non_null(strstr(stack_diags_get(p.diags, 0)->text, "no command"));
		end(&p);
	}
}

static void test_streams(void **state)
{
	static char *env[] = { (char *)"TERM=vt100", NULL };
	struct planned p = { .rc = 0 }, q = { .images = { { .env = env } } };

	(void)state;
	make(&p, "services:\n  a: {image: ./i, command: x, tty: true, stdin_open: true}\n");
	assert_has(&p, "  has a terminal an open input\n");
	assert_has(&p, " TERM=xterm\n");
	assert_true(p.plan->slots[0].box.tty);
	end(&p);
	make(&q, "services:\n  a: {image: ./i, command: x, tty: true}\n");
	assert_has(&q, "  has a terminal\n");
	assert_has(&q, " TERM=vt100\n");
	end(&q);
}

static void test_environment(void **state)
{
	static char *env[] = { (char *)"PATH=/img", (char *)"KEEP=1", (char *)"GONE=2",
			       (char *)"LANG=C", NULL };
	struct planned p = { .images = { { .env = env } },
			     .users = { { .home = (char *)"/home/u" } } };

	(void)state;
	make(&p,
	     "services:\n  a: {image: ./i, command: x, environment: {LANG: de, GONE: , NEW: 'a=b'}}\n");
	assert_has(&p, "  environment PATH=/img HOSTNAME=a HOME=/home/u KEEP=1 LANG=de NEW=a=b\n");
	end(&p);
}

/* The service's check over the image's, field by field. */
static void test_health_precedence(void **state)
{
	static char *test[] = { (char *)"CMD", (char *)"img", NULL },
		    *none[] = { (char *)"NONE", NULL }, *inherit[] = { NULL };
	static const struct {
		const char *yaml;
		char **image;
		const char *probe; /* NULL: none */
		int64_t interval_s, timeout_s;
		unsigned retries;
	} t[] = {
		{ "", NULL, NULL, 30, 30, 3 },
		{ "", test, "img", 7, 30, 9 },
		{ "", none, NULL, 7, 30, 9 },
		{ "", inherit, NULL, 7, 30, 9 },
		{ ", healthcheck: {disable: true}", test, NULL, 7, 30, 9 },
		{ ", healthcheck: {test: [NONE]}", test, NULL, 7, 30, 9 },
		{ ", healthcheck: {test: [CMD, own]}", test, "own", 7, 30, 9 },
		{ ", healthcheck: {test: [CMD, own]}", none, "own", 7, 30, 9 },
		{ ", healthcheck: {interval: 2s, timeout: 4s}", test, "img", 2, 4, 9 },
		{ ", healthcheck: {test: [CMD, own], retries: 5}", NULL, "own", 30, 30, 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct planned p = { 0 };
		const struct plan_slot *slot;
		char yaml[160];

		if (t[i].image)
			p.images[0].health = (struct store_health){ .test = t[i].image,
								    .interval_ns = 7000000000,
								    .retries = 9 };
		snprintf(yaml, sizeof(yaml), "services:\n  a: {image: ./i, command: x%s}\n",
			 t[i].yaml);
		make(&p, yaml);
		assert_int_equal(p.rc, 0);
		slot = &p.plan->slots[0];
		assert_string_equal(slot->probe ? slot->probe[0] : "-",
				    t[i].probe ? t[i].probe : "-");
		assert_int_equal(slot->health.interval_ns, t[i].interval_s * 1000000000);
		assert_int_equal(slot->health.timeout_ns, t[i].timeout_s * 1000000000);
		assert_int_equal(slot->health.retries, t[i].retries);
		assert_int_equal(slot->health.start_interval_ns, 5000000000);
		end(&p);
	}
}

static void test_health_of_nobody(void **state)
{
	static const char yaml[] =
		"services:\n  a: {image: ./i, command: x}\n  b:\n    image: ./j\n    command: x\n"
		"    depends_on: {a: {condition: service_healthy}}\n";
	static char *test[] = { (char *)"CMD-SHELL", (char *)"img", NULL };
	struct planned with = { .images = { { .health.test = test } } }, without = { 0 };

	(void)state;
	make(&with, yaml);
	assert_int_equal(with.rc, 0);
	assert_has(&with, "  probe /bin/sh -c img\n");
	end(&with);
	make(&without, yaml);
	assert_int_equal(without.rc, PLAN_FILE_WRONG);
	assert_string_equal(
		stack_diags_get(without.diags, 0)->text,
		"service 'b': depends_on: waits for 'a' to be healthy, but neither the file nor the image '/tmp/i' "
		"has a check");
	assert_int_equal(stack_diags_get(without.diags, 0)->pos.line, 6);
	end(&without);
}

static void test_capabilities(void **state)
{
	static const struct {
		const char *yaml;
		bool defaults;
		const char *add;
		const char *without;
	} t[] = {
		{ "", true, NULL, NULL },
		{ ", cap_add: [NET_ADMIN]", true, "NET_ADMIN", NULL },
		{ ", cap_drop: [CHOWN]", true, NULL, "CHOWN" },
		{ ", cap_drop: [ALL], cap_add: [CHOWN]", false, "CHOWN", NULL },
		{ ", cap_drop: [ALL]", false, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct planned p = { 0 };
		uint64_t want = t[i].defaults ? box_caps_default() : 0;
		char yaml[160];

		if (t[i].add)
			want |= (uint64_t)1 << box_cap_number(t[i].add);
		if (t[i].without)
			want &= ~((uint64_t)1 << box_cap_number(t[i].without));
		snprintf(yaml, sizeof(yaml), "services:\n  a: {image: ./i, command: x%s}\n",
			 t[i].yaml);
		make(&p, yaml);
		assert_true(p.plan->slots[0].box.caps == want);
		end(&p);
	}
}

/* The file's devices and rights as box has them. */
static void test_devices(void **state)
{
	struct planned p = { 0 };
	const struct box_spec *b;
	struct buf text = { 0 };

	(void)state;
	make(&p, "services:\n  a:\n    image: ./i\n    command: x\n"
		 "    devices: ['/dev/fuse', '/dev/a:/dev/b:mr']\n"
		 "    device_cgroup_rules: ['c 189:* rw', 'b *:3 m', 'a *:* r']\n"
		 "    security_opt: [systempaths=unconfined, arch=i386]\n");
	b = &p.plan->slots[0].box;
	assert_int_equal(b->n_devices, 2);
	assert_string_equal(b->devices[1].target, "/dev/b");
	assert_int_equal(b->devices[0].access, BOX_DEV_ALL);
	assert_int_equal(b->devices[1].access, BOX_DEV_MKNOD | BOX_DEV_READ);
	assert_int_equal(b->devices[1].line, 5);
	assert_int_equal(b->n_device_rules, 3);
	assert_int_equal(b->device_rules[0].major, 189);
	assert_int_equal(b->device_rules[0].minor, -1);
	assert_int_equal(b->device_rules[0].access, BOX_DEV_READ | BOX_DEV_WRITE);
	assert_true(b->device_rules[2].type == 'a' && b->device_rules[1].minor == 3);
	assert_true(b->unmasked && !b->privileged && !b->new_privileges);
	plan_print(p.plan, &text);
	assert_non_null(strstr(buf_str(&text), "  device /dev/fuse at /dev/fuse rwm\n"
					       "  device /dev/a at /dev/b rm\n"
					       "  devices c 189:* rw\n"
					       "  devices b *:3 m\n"
					       "  devices a *:* r\n"
					       "  user 0:0 caps=00000000800405fb unmasked i386\n"));
	buf_fini(&text);
	end(&p);
}

static void test_privileged(void **state)
{
	static const struct {
		const char *keys;
		uint64_t caps;
		bool unfiltered, new_privileges;
	} cases[] = {
		{ "", UINT64_MAX, true, true },
		{ ", cap_add: [CHOWN]", UINT64_MAX, true, true },
		{ ", cap_drop: [CHOWN]", ~UINT64_C(1), true, true },
		{ ", cap_drop: [ALL], cap_add: [CHOWN]", 1, true, true },
		{ ", security_opt: [no-new-privileges]", UINT64_MAX, true, false },
		{ ", security_opt: ['seccomp=builtin']", UINT64_MAX, false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct planned p = { 0 };
		_cleanup_free_ char *yaml =
			xasprintf("services: {a: {image: ./i, command: x, privileged: true%s}}\n",
				  cases[i].keys);
		const struct box_spec *b;

		make(&p, yaml);
		assert_int_equal(p.rc, 0);
		b = &p.plan->slots[0].box;
		assert_true(b->privileged && b->unmasked && p.plan->slots[0].box_slot.host_ids);
		assert_true(b->caps == cases[i].caps);
		assert_int_equal(b->unfiltered, cases[i].unfiltered);
		assert_int_equal(b->new_privileges, cases[i].new_privileges);
		end(&p);
	}
}

static void test_mounts_by_depth(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p,
	     "services:\n  a: {image: ./i, command: x, volumes: ['/b:/d/e/f', '/a:/d', 'anon:/etc/hosts', /x/y]}\n"
	     "volumes: {anon: }\n");
	assert_has(&p, "  mount /a on /d\n"
		       "  mount file on /etc/hostname\n"
		       "  mount file on /etc/resolv.conf\n"
		       "  mount /var/lib/mstack/volumes/demo_anon/_data on /etc/hosts\n"
		       "  mount /var/lib/mstack/volumes/demo_a-1_");
	assert_has(&p, "on /x/y\n  mount /b on /d/e/f\n");
	assert_int_equal(p.plan->n_volumes, 2);
	assert_true(p.plan->volumes[1].anonymous);
	end(&p);
}

static char *pg_volumes[] = { (char *)"/pg//data/", (char *)"/pg/log", NULL };
static char *pg_layers[] = { (char *)"/layers/pg" };

/* Its own, then what is shared, then what its image asks for; the one that begins first fills what they share. */
static void test_volumes_of_images_and_others(void **state)
{
	struct planned p = {
		.images = { { .layers = pg_layers, .n_layers = 1 },
			    { .layers = pg_layers, .n_layers = 1, .volumes = pg_volumes } },
	};

	(void)state;
	make(&p,
	     "services:\n"
	     "  web: {image: ./w, command: x, volumes_from: ['db:ro'], volumes: ['own:/pg/log', {type: volume, source: own, "
	     "target: /part, volume: {subpath: a/b}}, {type: volume, source: own, target: /n, volume: {nocopy: true}}]}\n"
	     "  db: {image: ./pg, command: x, volumes: ['data:/pg/data', /tmp/x:/bind], tmpfs: [/pg/log, /t]}\n"
	     "volumes: {own: , data: }\n");
	assert_has(&p, "volume demo_own\nvolume demo_data\nslot web-1");
	assert_has(&p, "  mount /tmp/x on /bind ro\n");
	assert_has(&p, "  mount /var/lib/mstack/volumes/demo_data/_data on /pg/data ro\n");
	assert_has(&p, "  mount /var/lib/mstack/volumes/demo_own/_data below a/b on /part\n");
	assert_has(&p, "  mount /var/lib/mstack/volumes/demo_own/_data on /pg/log\n");
	assert_has(&p, "fill demo_data from /pg/data of db-1\n"
		       "fill demo_own from /pg/log of web-1\n"
		       "order web-1 after db-1 is started\n");
	end(&p);
	make(&p, "services:\n"
		 "  a: {image: ./i, command: x, volumes_from: [b]}\n"
		 "  b: {image: ./pg, command: x}\n");
	/* The same anonymous volumes, named after whose they are. */
	assert_int_equal(p.plan->n_volumes, 2);
	assert_true(p.plan->volumes[0].anonymous);
	assert_string_equal(p.plan->slots[0].box.mounts[3].source,
			    p.plan->slots[1].box.mounts[3].source);
	assert_true(strstr(p.plan->volumes[0].name, "demo_b-1_") == p.plan->volumes[0].name);
	assert_has(&p, "of b-1\nfill demo_b-1_");
	end(&p);
}

static void test_volumes_of_their_own_kind(void **state)
{
	struct store_image other = { .layers = pg_layers, .n_layers = 1 };
	const struct plan_image mounted[] = { { "tools", &other } };
	struct planned p = { .mounted = mounted,
			     .n_mounted = 1,
			     .images = { { .layers = pg_layers, .n_layers = 1 } } };

	(void)state;
	make(&p,
	     "services:\n"
	     "  a: {image: ./i, command: x, volumes: ['mem:/m', 'here:/h', 'ro:/r', {type: image, source: tools, target: /t, image: "
	     "{subpath: bin}}, {type: bind, source: /b, target: /b, bind: {propagation: rslave, create_host_path: false}}]}\n"
	     "volumes:\n"
	     "  mem: {driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}\n"
	     "  here: {driver_opts: {type: none, o: bind, device: /srv/here}}\n"
	     "  ro: {driver_opts: {o: 'rw,bind,ro', device: /srv/ro}}\n");
	assert_has(&p, "volume demo_mem type=tmpfs device=tmpfs\n");
	assert_has(&p, "  mount demo_mem on /m\n");
	assert_has(&p, "  mount /srv/here on /h\n");
	assert_has(&p, "  mount /srv/ro on /r ro\n");
	assert_has(&p, "  mount tools below bin on /t ro\n");
	assert_has(&p, "  mount /b on /b slave\n");
	assert_has(
		&p,
		"fill demo_mem from /m of a-1\nfill demo_here from /h of a-1\nfill demo_ro from /r of a-1\n");
	assert_int_equal(p.plan->n_volumes, 0);
	assert_int_equal(p.plan->n_binds, 3);
	assert_false(p.plan->binds[0].create || p.plan->binds[2].create);
	assert_string_equal(p.plan->binds[0].volume, "demo_here");
	end(&p);
}

/* It would need a mount namespace with the rights of the host. */
static void test_shared_propagation(void **state)
{
	static const char yaml[] =
		"services:\n  a: {image: ./i, command: x, %s volumes: ['/b:/b:rshared']}\n";
	char text[200];
	struct planned p = { 0 };

	(void)state;
	snprintf(text, sizeof(text), yaml, "");
	make(&p, text);
	assert_int_equal(p.rc, PLAN_FILE_WRONG);
	assert_non_null(strstr(stack_diags_get(p.diags, 0)->text, "propagation 'shared'"));
	end(&p);
	snprintf(text, sizeof(text), yaml, "'userns_mode': host,");
	make(&p, text);
	assert_has(&p, "  mount /b on /b shared\n");
	end(&p);
}

static void test_limits(void **state)
{
	struct planned p = { 0 };
	const struct box_limits *l;

	(void)state;
	make(&p,
	     "services:\n  a:\n    image: ./i\n    command: x\n    cpus: 0.5\n    pids_limit: 7\n"
	     "    ulimits: {nofile: {soft: 10, hard: 20}, core: -1}\n    sysctls: {net.core.somaxconn: 99}\n"
	     "    stop_grace_period: 1s\n");
	l = &p.plan->slots[0].box_slot.limits;
	assert_int_equal(l->wanted, BOX_WANT_CPU | BOX_WANT_PIDS);
	assert_int_equal(l->lines[1], 5);
	assert_int_equal(l->lines[2], 6);
	assert_int_equal(l->cpu_milli, 500);
	assert_int_equal(l->pids_max, 7);
	assert_int_equal(p.plan->slots[0].box.n_rlimits, 2);
	assert_int_equal(p.plan->slots[0].box.rlimits[0].hard, 20);
	assert_true(p.plan->slots[0].box.rlimits[1].soft == RLIM_INFINITY);
	assert_string_equal(p.plan->slots[0].box.sysctls[0].value, "99");
	end(&p);
}

/* What is said, and what engines take for granted when it is not. */
static void test_shares(void **state)
{
	static const struct {
		const char *keys;
		int64_t swap;
		unsigned weight, wanted;
	} cases[] = {
		{ "mem_limit: 64m", 64 << 20, 0, BOX_WANT_MEMORY },
		{ "mem_limit: 64m\n    memswap_limit: 64m", 0, 0, BOX_WANT_MEMORY },
		{ "mem_limit: 64m\n    memswap_limit: 96m", 32 << 20, 0, BOX_WANT_MEMORY },
		{ "mem_limit: 64m\n    memswap_limit: -1", -1, 0, BOX_WANT_MEMORY },
		{ "cpu_shares: 0", 0, 0, 0 },
		{ "cpu_shares: 1", 0, 1, BOX_WANT_CPU },
		{ "cpu_shares: 512", 0, 20, BOX_WANT_CPU },
		{ "cpu_shares: 262144", 0, 10000, BOX_WANT_CPU },
		{ "cpu_shares: 999999", 0, 10000, BOX_WANT_CPU },
		{ "deploy: {resources: {reservations: {memory: 1m}}}", 0, 0, BOX_WANT_MEMORY },
		{ "cpuset: 0-1", 0, 0, BOX_WANT_CPUSET },
		{ "blkio_config: {weight: 10}", 0, 0, BOX_WANT_IO },
		{ "blkio_config: {device_read_bps: [{path: /dev/x, rate: 1m}]}", 0, 0,
		  BOX_WANT_IO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct planned p = { 0 };
		_cleanup_free_ char *yaml = xasprintf(
			"services:\n  a:\n    image: ./i\n    command: x\n    %s\n", cases[i].keys);
		const struct box_limits *l;

		make(&p, yaml);
		l = &p.plan->slots[0].box_slot.limits;
		assert_int_equal(l->swap_max, cases[i].swap);
		assert_int_equal(l->cpu_weight, cases[i].weight);
		assert_int_equal(l->wanted, cases[i].wanted);
		end(&p);
	}
}

static void test_disks(void **state)
{
	struct planned p = { 0 };
	const struct box_slot_spec *slot;

	(void)state;
	make(&p, "services:\n  a:\n    image: ./i\n    command: x\n    oom_score_adj: -5\n"
		 "    mem_reservation: 2m\n    cpuset: '0'\n    blkio_config:\n      weight: 300\n"
		 "      device_write_iops: [{path: /dev/y, rate: 7}]\n"
		 "      weight_device: [{path: /dev/x, weight: 20}]\n");
	slot = &p.plan->slots[0].box_slot;
	assert_int_equal(p.plan->slots[0].box.oom_score_adj, -5);
	assert_int_equal(slot->limits.memory_low, 2 << 20);
	assert_string_equal(slot->limits.cpus, "0");
	assert_int_equal(slot->limits.io_weight, 300);
	assert_int_equal(slot->limits.n_io, 2);
	assert_int_equal(slot->limits.io[0].kind, BOX_WRITE_IOPS);
	assert_int_equal(slot->limits.io[0].value, 7);
	assert_string_equal(slot->limits.io[1].path, "/dev/x");
	assert_int_equal(slot->limits.io[1].line, 11);
	assert_has(&p, "  memory-low 2097152\n  cpus 0\n  io weight=300 limits=2\n");
	end(&p);
}

static void test_host_root(void **state)
{
	struct planned p = { .images = { { .host_root = true } } };

	(void)state;
	make(&p, one);
	assert_true(p.plan->slots[0].box_slot.tmp_upper);
	assert_true(p.plan->slots[0].box.host_root);
	assert_string_equal(p.plan->slots[0].box.covers[0], "/var/lib/mstack");
	end(&p);
}

/* Ids that a container does not have are told by the plan, before a log belongs to another stack's id. */
static void test_ids(void **state)
{
	static const struct {
		struct store_user user;
		const char *key;
		bool good;
		uint32_t ids; /* of an ordinary user */
	} cases[] = {
		{ { .uid = 65535, .gid = 65535 }, "", true, 0 },
		{ { .uid = 65536 }, "", false, 0 },
		{ { .gid = 65536 }, "", false, 0 },
		{ { .groups = { 5, 70000 }, .n_groups = 2 }, "", false, 0 },
		{ { .uid = 65536 }, ", userns_mode: private", false, 0 },
		{ { .uid = 70000, .gid = 70000 }, ", userns_mode: host", true, 0 },
		{ { .uid = 65535, .gid = 65535 }, ", userns_mode: host", true, 65536 },
		{ { .uid = 70000, .gid = 70000 }, ", userns_mode: host", false, 65536 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct planned p = { .users = { cases[i].user },
				     .user = cases[i].ids != 0,
				     .ids = cases[i].ids };
		_cleanup_free_ char *yaml =
			xasprintf("services: {a: {image: ./i, command: x%s}}\n", cases[i].key);
		struct buf text = { 0 };

		make(&p, yaml);
		assert_int_equal(p.rc, cases[i].good ? 0 : PLAN_FILE_WRONG);
		stack_diags_print(p.diags, false, &text);
		if (!cases[i].good)
			assert_non_null(strstr(buf_str(&text),
					       cases[i].user.n_groups
						       ? "group 70000: a container has the groups 0 to 65535"
						       : "a container has the ids 0 to 65535"));
		else
			assert_int_equal(p.plan->slots[0].box_slot.host_ids,
					 strstr(cases[i].key, "host") != NULL);
		buf_fini(&text);
		end(&p);
	}
}

/* Whose ids a container has follows from whose namespaces it has. */
static const struct {
	const char *keys, *other; /* of service a, and of b */
	bool host;		  /* a has the host's ids */
	size_t of;		  /* or those of this slot */
	const char *says;
} shares[] = {
	{ "", "", false, PLAN_NO_SLOT, NULL },
	{ ", pid: host", "", true, PLAN_NO_SLOT, NULL },
	{ ", ipc: host", "", true, PLAN_NO_SLOT, NULL },
	{ ", uts: host, cgroup: host", "", false, PLAN_NO_SLOT, NULL },
	{ ", pid: 'service:b'", "", false, 1, NULL },
	{ ", ipc: 'service:b'", ", ipc: shareable", false, 1, NULL },
	{ ", uts: 'service:b'", "", false, PLAN_NO_SLOT, NULL },
	{ ", pid: 'service:b'", ", userns_mode: host", true, PLAN_NO_SLOT, NULL },
	{ ", pid: 'service:b'", ", ipc: host", true, PLAN_NO_SLOT, NULL },
	{ ", pid: 'service:b', userns_mode: host", "", true, PLAN_NO_SLOT,
	  "pid: service 'b' is in another user namespace" },
	{ ", pid: 'service:b', ipc: host", "", true, PLAN_NO_SLOT,
	  "pid: service 'b' is in another user namespace" },
	{ ", pid: 'service:b', ipc: 'service:c'", "", false, 1,
	  "ipc: service 'c' is in another user namespace" },
	{ ", pid: 'service:b'", ", pid: 'service:c'", false, 1, NULL },
	{ ", pid: 'service:c', ipc: 'service:c'", "", false, 2, NULL },
	{ ", network_mode: none", "", false, PLAN_NO_SLOT, NULL },
	{ ", network_mode: host", "", true, PLAN_NO_SLOT, NULL },
	{ ", network_mode: 'service:b'", "", false, 1, NULL },
	{ ", network_mode: 'service:b'", ", network_mode: host", true, PLAN_NO_SLOT, NULL },
	{ ", network_mode: 'service:b'", ", network_mode: 'service:c'", false, 1, NULL },
	{ ", network_mode: 'service:b', pid: 'service:b'", "", false, 1, NULL },
	{ ", network_mode: 'service:b', pid: 'service:c'", "", false, 2,
	  "network_mode: service 'b' is in another user namespace" },
	{ ", network_mode: 'service:b', privileged: true", "", true, PLAN_NO_SLOT,
	  "network_mode: service 'b' is in another user namespace" },
};

static void test_whose_ids(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		struct planned p = { 0 };
		_cleanup_free_ char *yaml =
			xasprintf("services: {a: {image: ./i, command: x%s}, "
				  "b: {image: ./i, command: x%s}, "
				  "c: {image: ./i, command: x, ipc: shareable}}\n",
				  shares[i].keys, shares[i].other);
		struct buf text = { 0 };

		make(&p, yaml);
		stack_diags_print(p.diags, false, &text);
		assert_int_equal(p.rc, shares[i].says ? PLAN_FILE_WRONG : 0);
		if (shares[i].says)
			assert_non_null(strstr(buf_str(&text), shares[i].says));
		assert_int_equal(plan_host_ids(&p.stack->services[0]), shares[i].host);
		if (!p.rc) {
			assert_int_equal(p.plan->slots[0].box_slot.host_ids, shares[i].host);
			assert_int_equal(p.plan->slots[0].ids_of, shares[i].of);
		}
		buf_fini(&text);
		end(&p);
	}
}

/* What is the host's is not an ordinary user's to give; what is a service's is. */
static void test_user(void **state)
{
	static const struct {
		const char *keys, *says;
	} cases[] = {
		{ "pid: host", "service 'a': `pid: host` needs root" },
		{ "ipc: host", "service 'a': `ipc: host` needs root" },
		{ "network_mode: host", "service 'a': `network_mode: host` needs root" },
		{ "userns_mode: host", NULL },
		{ "uts: host", NULL },
		{ "pid: 'service:b'", NULL },
		{ "network_mode: none", NULL },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct planned p = { .user = i % 2 };
		const char *says = p.user ? cases[i / 2].says : NULL;
		_cleanup_free_ char *yaml = xasprintf("services: {a: {image: ./i, command: x, %s}, "
						      "b: {image: ./i, command: x}}\n",
						      cases[i / 2].keys);
		struct buf text = { 0 };

		make(&p, yaml);
		stack_diags_print(p.diags, false, &text);
		assert_int_equal(p.rc, says ? PLAN_FILE_WRONG : 0);
		if (says)
			assert_non_null(strstr(buf_str(&text), says));
		buf_fini(&text);
		end(&p);
	}
}

static void test_namespaces(void **state)
{
	struct planned p = { 0 };
	struct buf text = { 0 };
	const struct plan_slot *a;

	(void)state;
	make(&p, "services: {a: {image: ./i, command: x, pid: 'service:b', uts: 'service:b', "
		 "cgroup: host}, b: {image: ./i, command: x, hostname: named, ipc: none}, "
		 "c: {image: ./i, command: x, uts: host}}\n");
	assert_int_equal(p.rc, 0);
	a = &p.plan->slots[0];
	assert_int_equal(a->box.ns[BOX_PID].share, BOX_JOIN);
	assert_int_equal(a->joins[BOX_PID], 1);
	assert_int_equal(a->box.ns[BOX_IPC].share, BOX_OWN);
	assert_int_equal(a->joins[BOX_IPC], PLAN_NO_SLOT);
	assert_int_equal(a->box.ns[BOX_CGROUP].share, BOX_HOST);
	assert_true(p.plan->slots[1].box.no_shm);
	/* The name is whoever's it is, and is not set again. */
	assert_null(a->box.hostname);
	assert_string_equal(a->files[1].text, "named\n");
	assert_string_equal(p.plan->slots[2].files[1].text, "somewhere\n");
	plan_print(p.plan, &text);
	assert_non_null(strstr(buf_str(&text), "  namespace pid of b-1\n  namespace uts of b-1\n"
					       "  namespace cgroup of the host\n  ids of b-1\n"));
	assert_non_null(strstr(buf_str(&text), " HOSTNAME=somewhere"));
	buf_fini(&text);
	end(&p);
}

/* Names of wires follow from the project and their ends; what goes through a tunnel is smaller. */
static void test_wires(void **state)
{
	struct planned p = { 0 };
	const struct net_wire_spec *w;
	_cleanup_free_ char *text = NULL;

	(void)state;
	make(&p, "x-links:\n"
		 "  - {endpoints: ['a:eth1', 'b-1:up'], mtu: 9000, mac: ['02:00:00:00:00:01'],\n"
		 "     ipv4: [10.0.0.1/30, 10.0.0.2/30], ipv6: [~, fd00::2/64]}\n"
		 "  - {endpoints: ['host:lab0', 'b:eth2']}\n"
		 "  - {endpoints: ['a:eth2', 'macvlan:eno1']}\n"
		 "  - {endpoints: ['b:eth3', 'macvlan:eno1']}\n"
		 "  - {endpoints: ['a:eth4', 'vxlan:192.0.2.1/7']}\n"
		 "  - {endpoints: ['a:eth5', 'vxlan:2001:db8::1/8']}\n"
		 "  - {endpoints: ['a:eth6', 'vxlan:192.0.2.1/9'], mtu: 1500}\n"
		 "services: {a: {image: ./i, command: x}, b: {image: ./i, command: x}}\n");
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.plan->net.n_wires, 7);
	w = p.plan->net.wires;
	assert_int_equal(w[0].ends[0].slot, 0);
	assert_int_equal(w[0].ends[1].slot, 1);
	assert_string_equal(w[0].ends[1].ifname, "up");
	assert_string_equal(w[0].ends[1].alias, "mstack:demo:b-1:up");
	assert_int_equal(w[1].ends[0].kind, NET_END_HOST);
	assert_int_equal(w[1].mtu, 0);
	assert_string_not_equal(w[2].ends[1].host_ifname, w[3].ends[1].host_ifname);
	assert_int_equal(w[4].mtu, 1450);
	assert_int_equal(w[4].ends[1].vni, 7);
	assert_int_equal(w[5].mtu, 1430);
	assert_int_equal(w[6].mtu, 1500);
	assert_int_equal(stack_diags_count(p.diags), 1);
	assert_non_null(strstr(stack_diags_get(p.diags, 0)->text,
			       "an mtu of 1500 is more than the 1450 that fit"));
	text = printed(&p);
	if (!strstr(text, "wire mtu=9000\n"
			  "  end a:eth1 as mw1ea8cbfaa8 mac=02:00:00:00:00:01 addr=10.0.0.1/30\n"
			  "  end b-1:up as "))
		fail_msg("%s", text);
	end(&p);
}

/* Names and addresses go with the network; ports of who has no network of his own are nobody's. */
static void test_network_modes(void **state)
{
	struct planned p = { 0 };
	const struct plan_slot *s;

	(void)state;
	make(&p,
	     "services:\n"
	     "  a: {image: ./i, command: x, network_mode: 'service:b'}\n"
	     "  b: {image: ./i, command: x, hostname: named, domainname: lab, ports: ['80:80']}\n"
	     "  c: {image: ./i, command: x, network_mode: host, ports: ['81:80']}\n"
	     "  d: {image: ./i, command: x, network_mode: 'service:c'}\n"
	     "  e: {image: ./i, command: x, network_mode: none, ports: ['82:80']}\n"
	     "  f: {image: ./i, command: x, network_mode: bridge}\n");
	assert_int_equal(p.rc, 0);
	s = p.plan->slots;
	assert_int_equal(p.plan->n_pubs, 1);
	assert_int_equal(s[0].box_slot.net, BOX_JOIN);
	assert_int_equal(s[0].net_of, 1);
	assert_int_equal(s[0].n_ports, 0);
	assert_string_equal(s[0].files[0].text, s[1].files[0].text);
	assert_non_null(strstr(s[1].files[0].text, "named.lab named\n"));
	assert_string_equal(s[0].files[1].text, "named\n");
	assert_string_equal(s[0].box.hostname, "named");
	assert_string_equal(s[0].box.domainname, "lab");
	for (size_t i = 2; i < 4; i++) {
		assert_string_equal(s[i].files[0].text, "192.0.2.7\tprinter\n");
		assert_string_equal(s[i].files[2].text, "nameserver 127.0.0.53\n");
		assert_string_equal(s[i].box.hostname, "somewhere");
		assert_true(s[i].box_slot.host_ids);
	}
	assert_int_equal(s[2].box_slot.net, BOX_HOST);
	assert_int_equal(s[2].net_of, PLAN_NO_SLOT);
	assert_int_equal(s[3].net_of, 2);
	assert_int_equal(s[4].box_slot.net, BOX_OWN);
	assert_int_equal(s[4].n_ports, 0);
	assert_non_null(strstr(s[4].files[0].text, "127.0.0.1\te\n"));
	/* That of engines: neither the default one nor declared. */
	assert_int_equal(s[5].n_ports, 1);
	assert_int_not_equal(s[5].ports[0].bridge, s[1].ports[0].bridge);
	assert_int_not_equal(s[5].ports[0].gateway4.family, 0);
	assert_has(&p, "  namespace net of b-1\n  ids of b-1\n");
	assert_has(&p, "  namespace net of the host\n");
	end(&p);
}

/* The text of a file of the slot with this number. */
static const char *file_of(const struct planned *p, size_t slot, size_t nr)
{
	return p->plan->slots[slot].files[nr].text;
}

static void test_extra_hosts(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p, "services:\n"
		 "  a: {image: ./i, command: x, networks: {two: , one: }, extra_hosts: "
		 "['out=192.0.2.9', 'out=2001:db8::9', 'b:192.0.2.8', 'up=host-gateway']}\n"
		 "  b: {image: ./i, command: x, networks: [one, two]}\n"
		 "  c: {image: ./i, command: x, network_mode: host, extra_hosts: "
		 "['out=192.0.2.9', 'up=host-gateway']}\n"
		 "  d: {image: ./i, command: x, network_mode: 'service:a'}\n"
		 "networks:\n"
		 "  one: {ipam: {config: [{subnet: 10.1.0.0/24}]}}\n"
		 "  two: {ipam: {config: [{subnet: 10.2.0.0/24, gateway: 10.2.0.9}]}}\n");
	assert_int_equal(p.rc, 0);
	/* What is written down is found first; the host is the gateway of its own first network. */
	assert_non_null(strstr(file_of(&p, 0, 0), "ip6-loopback\n192.0.2.9\tout\n2001:db8::9\tout\n"
						  "192.0.2.8\tb\n10.2.0.9\tup\n"));
	assert_null(strstr(file_of(&p, 0, 0), "\tb b-1"));
	assert_null(strstr(file_of(&p, 1, 0), "out"));
	assert_string_equal(file_of(&p, 2, 0),
			    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
			    "192.0.2.9\tout\n127.0.0.1\tup\n192.0.2.7\tprinter\n");
	assert_string_equal(file_of(&p, 3, 0), file_of(&p, 0, 0));
	end(&p);
	memset(&p, 0, sizeof(p));
	make(&p, "services: {a: {image: ./i, command: x, network_mode: none, extra_hosts: "
		 "[up=host-gateway]}, b: {image: ./i, command: x, network_mode: 'service:a'}}\n");
	assert_int_equal(p.rc, PLAN_FILE_WRONG);
	assert_int_equal(stack_diags_count(p.diags), 1);
	assert_non_null(strstr(stack_diags_get(p.diags, 0)->text,
			       "'up=host-gateway': it is on no network"));
	end(&p);
}

static void test_links(void **state)
{
	struct planned p = { 0 };

	(void)state;
	make(&p, "services:\n"
		 "  a: {image: ./i, command: x, links: ['b:store', b, 'c:far']}\n"
		 "  b: {image: ./i, command: x}\n"
		 "  c: {image: ./i, command: x, networks: [other], links: [d]}\n"
		 "  d: {image: ./i, command: x, networks: [other]}\n"
		 "networks: {other: }\n");
	assert_int_equal(p.rc, 0);
	assert_non_null(strstr(file_of(&p, 0, 0), "\tstore\n"));
	assert_null(strstr(file_of(&p, 0, 0), "\tb\n"));
	assert_non_null(strstr(file_of(&p, 1, 0), "\tb b-1 demo-b-1\n"));
	assert_int_equal(stack_diags_count(p.diags), 1);
	assert_non_null(
		strstr(stack_diags_get(p.diags, 0)->text,
		       "links: 'far' names nobody: service 'c' is on none of its networks"));
	assert_has(&p, "order a-1 after b-1 is started\n");
	assert_has(&p, "order c-1 after d-1 is started\n");
	end(&p);
}

static void test_resolv_conf(void **state)
{
	static const struct {
		const char *keys, *want;
	} cases[] = {
		{ "",
		  "search lan\noptions ndots:2 rotate\nsortlist 10.0.0.0\nnameserver 192.0.2.1\n" },
		/* Whom our server asks is no business of the container's. */
		{ ", dns: [192.0.2.5, '2001:db8::5']",
		  "search lan\noptions ndots:2 rotate\nsortlist 10.0.0.0\nnameserver 192.0.2.1\n" },
		{ ", dns_opt: [edns0]",
		  "search lan\nsortlist 10.0.0.0\nnameserver 192.0.2.1\noptions edns0 ndots:0\n" },
		{ ", network_mode: none, dns: [192.0.2.5, '2001:db8::5']",
		  "domain lan\noptions rotate\nnameserver 192.0.2.5\nnameserver 2001:db8::5\n" },
		{ ", dns_search: [a.test, b.test], dns_opt: ['ndots:1', edns0]",
		  "sortlist 10.0.0.0\nnameserver 192.0.2.1\nsearch a.test b.test\noptions ndots:1 edns0\n" },
		{ ", dns: 192.0.2.5, dns_search: ., network_mode: host",
		  "options rotate\nnameserver 192.0.2.5\nsearch .\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct planned p = { .resolv_conf = "search lan\noptions ndots:2 rotate\n"
						    "sortlist 10.0.0.0\nnameserver 192.0.2.1\n",
				     .own_resolv_conf = "nameserver 127.0.0.53\ndomain lan\n"
							"options rotate" };
		_cleanup_free_ char *yaml =
			xasprintf("services: {a: {image: ./i, command: x%s}}\n", cases[i].keys);

		make(&p, yaml);
		assert_int_equal(p.rc, 0);
		assert_string_equal(file_of(&p, 0, 2), cases[i].want);
		end(&p);
	}
}

/* Interfaces in the order of priority and of the file, with the names that are left; the way out by gw_priority. */
static void test_interfaces(void **state)
{
	struct planned p = { 0 };
	const struct net_port_spec *port;

	(void)state;
	make(&p, "services:\n"
		 "  a:\n"
		 "    image: ./i\n"
		 "    command: x\n"
		 "    mac_address: '02:00:00:00:00:0a'\n"
		 "    networks:\n"
		 "      one: {interface_name: eth0, link_local_ips: [169.254.1.2, 'fe80::7']}\n"
		 "      two: {gw_priority: 3, driver_opts: {com.docker.network.endpoint.sysctls: "
		 "'net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.accept_ra=2'}}\n"
		 "      three: {priority: 5, driver_opts: {com.docker.network.endpoint.ifname: a.b, "
		 "com.docker.network.endpoint.sysctls: net.ipv4.conf.IFNAME.forwarding=1}}\n"
		 "      four: {gw_priority: 9, mac_address: '02:00:00:00:00:0b'}\n"
		 "      five: {gw_priority: 3}\n"
		 "networks: {one: , two: , three: , four: {internal: true}, five: }\n");
	assert_int_equal(p.rc, 0);
	port = p.plan->slots[0].ports;
	assert_int_equal(p.plan->slots[0].n_ports, 5);
	assert_string_equal(port[0].ifname, "a.b");
	assert_memory_equal(port[0].mac, "\x02\0\0\0\0\x0a", 6);
	assert_string_equal(port[0].sysctls[0].path, "net/ipv4/conf/a.b/forwarding");
	assert_string_equal(port[1].ifname, "eth0");
	assert_int_equal(port[1].n_link_locals, 2);
	assert_string_equal(ip_net_text(&port[1].link_locals[0]).text, "169.254.1.2/16");
	assert_string_equal(ip_net_text(&port[1].link_locals[1]).text, "fe80::7/64");
	assert_string_equal(port[2].ifname, "eth1");
	assert_int_equal(port[2].n_sysctls, 2);
	assert_string_equal(port[2].sysctls[0].path, "net/ipv4/conf/eth1/log_martians");
	assert_string_equal(port[2].sysctls[1].path, "net/ipv6/conf/eth1/accept_ra");
	assert_string_equal(port[2].sysctls[1].value, "2");
	assert_string_equal(port[3].ifname, "eth2");
	assert_memory_equal(port[3].mac, "\x02\0\0\0\0\x0b", 6);
	assert_string_equal(port[4].ifname, "eth3");
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(port[i].gateway4.family, i == 2 ? AF_INET : 0);
	end(&p);
}

/* Who is in another VLAN than the bridge does not reach its gateway: another network is the way out, or none. */
static void test_vlans(void **state)
{
	struct planned p = { 0 };
	const struct plan_slot *s;

	(void)state;
	make(&p, "services:\n"
		 "  a: {image: ./i, command: x, networks: {lab: {x-vlan: {pvid: 10, trunk: [20, "
		 "30-40]}}, out: }}\n"
		 "  b: {image: ./i, command: x, networks: {lab: {x-vlan: {pvid: 10}}}}\n"
		 "  c: {image: ./i, command: x, networks: {lab: {x-vlan: {trunk: [10]}}}}\n"
		 "  d: {image: ./i, command: x, networks: [lab]}\n"
		 "networks: {lab: , out: }\n");
	assert_int_equal(p.rc, 0);
	s = p.plan->slots;
	assert_true(p.plan->net.bridges[0].vlans);
	assert_false(p.plan->net.bridges[1].vlans);
	assert_int_equal(s[0].ports[0].pvid, 10);
	assert_int_equal(s[0].ports[0].n_trunk, 2);
	assert_int_equal(s[0].ports[0].trunk[1].first, 30);
	assert_int_equal(s[0].ports[0].trunk[1].last, 40);
	assert_int_equal(s[0].ports[0].gateway4.family, 0);
	assert_int_equal(s[0].ports[1].gateway4.family, AF_INET);
	assert_int_equal(s[1].ports[0].gateway4.family, 0);
	assert_int_equal(s[2].ports[0].gateway4.family, AF_INET);
	assert_int_equal(s[3].ports[0].gateway4.family, AF_INET);
	assert_int_equal(s[3].ports[0].pvid, 0);
	end(&p);
}

/* Folders of services a and b, and what they ask for. */
static const struct {
	struct store_image a, b;
	const char *a_keys, *b_keys, *says;
} roots[] = {
	{ { .folder = true }, { 0 }, "writable: true", "writable: false", NULL },
	{ { 0 }, { 0 }, "writable: true", "upper: disk", "images are shared and never written to" },
	{ { .folder = true, .host_root = true },
	  { 0 },
	  "writable: true",
	  "upper: disk",
	  "not for the host's own root" },
	{ { .folder = true, .host_root = true },
	  { 0 },
	  "upper: disk",
	  "upper: disk",
	  "would lie on the disk that it shows" },
};

static void test_roots(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		char *a[] = { (char *)"/a", NULL }, *b[] = { (char *)"/b", NULL };
		struct planned p = { .images = { roots[i].a, roots[i].b } };
		_cleanup_free_ char *yaml =
			xasprintf("services: {a: {image: ./a, command: x, x-rootfs: {%s}}, "
				  "b: {image: ./b, command: x, x-rootfs: {%s}}}\n",
				  roots[i].a_keys, roots[i].b_keys);
		struct buf text = { 0 };

		p.images[0].layers = a;
		p.images[1].layers = b;
		p.images[0].n_layers = p.images[1].n_layers = 1;
		make(&p, yaml);
		stack_diags_print(p.diags, false, &text);
		assert_int_equal(p.rc, roots[i].says ? PLAN_FILE_WRONG : 0);
		if (roots[i].says)
			assert_non_null(strstr(buf_str(&text), roots[i].says));
		else
			assert_true(p.plan->slots[0].box.writable_root);
		buf_fini(&text);
		end(&p);
	}
}

/* Who writes into a folder is alone with it, and with what is below and above it. */
static void test_roots_of_several(void **state)
{
	static const struct {
		const char *other, *keys;
		bool good;
	} cases[] = {
		{ "/a", "upper: disk", false },	  { "/a", "writable: true", false },
		{ "/a/b", "upper: disk", false }, { "/", "writable: false", true },
		{ "/ab", "upper: disk", true },	  { "/b", "writable: true", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *a[] = { (char *)"/a", NULL }, *b[] = { (char *)cases[i].other, NULL };
		struct planned p = { .images = { { .folder = true }, { .folder = true } } };
		_cleanup_free_ char *yaml = xasprintf(
			"services: {a: {image: ./a, command: x, x-rootfs: {writable: true}}, "
			"b: {image: ./b, command: x, x-rootfs: {%s}}}\n",
			cases[i].keys);

		p.images[0].layers = a;
		p.images[1].layers = b;
		p.images[0].n_layers = p.images[1].n_layers = 1;
		make(&p, yaml);
		assert_int_equal(p.rc, cases[i].good ? 0 : PLAN_FILE_WRONG);
		end(&p);
	}
}

/* ---- beside a running plan ------------------------------------------------------------------- */

static const char beside[] =
	"services:\n"
	"  db: {image: i}\n"
	"  web: {image: i, depends_on: [db], networks: [default, late], ports: [\"80:80\"]}\n"
	"networks: {late: }\n";

/* One-off `web` beside a plan in which it was held back; `taken`: an address that another one has. */
static int plan_one(struct planned *p, const char *service, const char *taken,
		    struct plan **running, struct plan **ret)
{
	struct plan_host host = { .net = &p->facts,
				  .images = p->images,
				  .users = p->users,
				  .run_dir = "/run/mstack/demo",
				  .data_dir = "/var/lib/mstack",
				  .resolv_conf = "",
				  .hostname = "somewhere",
				  .held_back = "web" };
	struct plan_extra extra = { .stack = p->stack,
				    .service = stack_find_service(p->stack, service),
				    .name = "web-run-1" };
	struct ip other;

	assert_true(ip_parse(taken, &other));
	extra.taken = &other;
	extra.n_taken = 1;
	assert_int_equal(plan_make(p->stack, &host, running, p->diags), 0);
	return plan_beside(*running, &extra, &host, ret, p->diags);
}

static void load_beside(struct planned *p, const char *yaml)
{
	static char word[] = "run", *cmd[] = { word, NULL };

	p->stack = stackfile_load(yaml, &p->diags);
	p->facts.mtu = 1500;
	p->images[0].cmd = p->images[1].cmd = cmd;
	p->rc = -1;
}

static void test_beside(void **state)
{
	struct planned p = { 0 };
	struct plan *running, *plan = NULL, *again = NULL;
	struct ip_text addr;
	const struct plan_slot *slot;

	(void)state;
	load_beside(&p, beside);
	assert_int_equal(plan_one(&p, "web", "192.0.2.9", &running, &plan), 0);
	/* Held back, it has its networks and nothing else. */
	assert_int_equal(running->n_slots, 1);
	assert_int_equal(running->net.n_bridges, 2);
	assert_int_equal(running->n_pubs, 0);
	assert_int_equal(plan->n_slots, 2);
	assert_int_equal(plan->net.n_bridges, 2);
	assert_int_equal(plan->n_pubs, 1);
	assert_int_equal(plan->n_edges, 1);
	assert_int_equal(plan->edges[0].on, 0);
	slot = &plan->slots[1];
	assert_string_equal(slot->name, "web-run-1");
	assert_string_equal(slot->container, "demo-web-run-1");
	assert_true(slot->box_slot.tmp_upper);
	assert_false(ip_equal(&slot->ports[0].ip4.ip, &running->slots[0].ports[0].ip4.ip));
	/* `web` is whoever serves, never this one. */
	assert_non_null(strstr(slot->files[0].text, "\tweb-run-1 demo-web-run-1\n"));
	assert_int_equal(slot->naming.at[0].n_names, 2);
	assert_string_equal(slot->naming.at[0].names[0], "demo-web-run-1");
	assert_string_equal(slot->naming.at[0].names[1], "web-run-1");
	/* The address that it was given is another one's now. */
	addr = ip_text(&slot->ports[0].ip4.ip);
	plan_free(running);
	assert_int_equal(plan_one(&p, "web", addr.text, &running, &again), 0);
	assert_string_not_equal(ip_text(&again->slots[1].ports[0].ip4.ip).text, addr.text);
	plan_free(plan);
	plan_free(again);
	plan_free(running);
	end(&p);
}

/* What it depends on must be among those that run. */
static void test_beside_nobody(void **state)
{
	struct planned p = { 0 };
	struct plan *running, *plan = NULL;

	(void)state;
	load_beside(&p, "services:\n"
			"  other: {image: i, depends_on: [web]}\n"
			"  web: {image: i}\n");
	assert_int_equal(plan_one(&p, "other", "0.0.0.0", &running, &plan), PLAN_FILE_WRONG);
	assert_string_equal(stack_diags_get(p.diags, 0)->text,
			    "service 'other': depends on 'web', which is not among the services "
			    "that were started");
	plan_free(running);
	end(&p);
}

/* ---- impairments ----------------------------------------------------------------------------- */

static const char impaired[] = "services:\n"
			       "  a:\n"
			       "    image: i\n"
			       "    command: x\n"
			       "    networks:\n"
			       "      n:\n"
			       "      m: {x-impair: {rate: 1mbit, seed: 7, egress: {delay: 5ms}}}\n"
			       "networks: {n: , m: }\n";

static void test_impaired(void **state)
{
	static const struct impair_facts all = { true, true, true, true };
	struct planned p = { .impair = &all };

	(void)state;
	make(&p, impaired);
	assert_int_equal(p.rc, 0);
	assert_has(&p, "\n  impair eth1 egress delay=5ms rate=1mbit seed=7\n"
		       "  impair eth1 ingress rate=1mbit seed=7\n");
	assert_string_equal(p.plan->slots[0].links[1].network, "m");
	assert_false(impair_is_set(&p.plan->slots[0].links[0].impair.way[0]));
	assert_int_equal(stack_diags_count(p.diags), 0);
	end(&p);
}

static void test_impaired_wire(void **state)
{
	static const char yaml[] =
		"services:\n"
		"  a: {image: i, command: x, network_mode: none}\n"
		"  b: {image: i, command: x, network_mode: none}\n"
		"x-links:\n"
		"  - {endpoints: ['a:eth1', 'b:eth1'], impair: {loss: 1%, ingress: {delay: 5ms}}}\n";
	static const struct impair_facts none = { .queues = true, .loss = true };
	struct planned p = { 0 }, q = { .impair = &none };

	(void)state;
	make(&p, yaml);
	assert_int_equal(p.rc, 0);
	assert_has(&p, "\n  impair a:eth1 egress loss=1%\n  impair a:eth1 ingress delay=5ms loss=1%\n");
	end(&p);
	make(&q, yaml);
	assert_int_equal(q.rc, PLAN_HOST_REFUSES);
	assert_string_equal(stack_diags_get(q.diags, 0)->text,
			    "x-links: 'a:eth1': delay: this kernel has no netem: modprobe sch_netem");
	end(&q);
}

static void test_kernel_cannot_impair(void **state)
{
	static const struct {
		struct impair_facts facts;
		int rc;
		const char *text;
	} cases[] = {
		{ { .queues = true, .loss = true },
		  PLAN_HOST_REFUSES,
		  "service 'a': network 'm': delay: this kernel has no netem: modprobe sch_netem" },
		{ { .loss = true },
		  PLAN_HOST_REFUSES,
		  "service 'a': network 'm': this kernel has no tbf, which every impairment needs: "
		  "modprobe -a sch_tbf sch_netem" },
		{ { .queues = true, .netem = true },
		  0,
		  "service 'a': network 'm': seed: this kernel takes none (Linux 6.6 does): each run differs" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct planned p = { .impair = &cases[i].facts };

		make(&p, impaired);
		assert_int_equal(p.rc, cases[i].rc);
		assert_int_equal(stack_diags_count(p.diags), 1);
		assert_string_equal(stack_diags_get(p.diags, 0)->text, cases[i].text);
		assert_int_equal(stack_diags_get(p.diags, 0)->pos.line, 7);
		end(&p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_second_run_is_identical),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_naming),
		cmocka_unit_test(test_domainname),
		cmocka_unit_test(test_assets),
		cmocka_unit_test(test_avoids_routes),
		cmocka_unit_test(test_broad_route_is_a_warning),
		cmocka_unit_test(test_taken_subnet_is_an_error),
		cmocka_unit_test(test_no_duplicates),
		cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_isolated_ipv6),
		cmocka_unit_test(test_isolated_ports),
		cmocka_unit_test(test_outward),
		cmocka_unit_test(test_full_subnet),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_published_to_no_address),
		cmocka_unit_test(test_published_to_loopback),
		cmocka_unit_test(test_default_route),
		cmocka_unit_test(test_command_precedence),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_health_precedence),
		cmocka_unit_test(test_health_of_nobody),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_privileged),
		cmocka_unit_test(test_mounts_by_depth),
		cmocka_unit_test(test_volumes_of_images_and_others),
		cmocka_unit_test(test_volumes_of_their_own_kind),
		cmocka_unit_test(test_shared_propagation),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_disks),
		cmocka_unit_test(test_host_root),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_whose_ids),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_wires),
		cmocka_unit_test(test_network_modes),
		cmocka_unit_test(test_extra_hosts),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_vlans),
		cmocka_unit_test(test_resolv_conf),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_roots_of_several),
		cmocka_unit_test(test_replicas),
		cmocka_unit_test(test_more_replicas_move_nobody),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_beside_nobody),
		cmocka_unit_test(test_impaired),
		cmocka_unit_test(test_impaired_wire),
		cmocka_unit_test(test_kernel_cannot_impair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
