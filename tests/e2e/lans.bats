# SPDX-License-Identifier: GPL-2.0-or-later
#
# Networks beyond the stack: bridges with names and options of Docker's, macvlan, vxlan between two hosts, bridges that somebody
# else has made, those of other stacks among them.

load lib/common

# In the network of a service, with what busybox has.
ping_from() { inside "$1" busybox ping -c 1 -W 5 "${@:2}" >/dev/null; }
no_ping_from() { not inside "$1" busybox ping -c 1 -W 1 "${@:2}" >/dev/null; }
address() { inside "$1" busybox ip -4 -o addr show "$2" | awk '{ sub("/.*", "", $4); print $4 }'; }
web='image: busybox, command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"]'
sleeper='image: busybox, command: [sleep, "1000"]'
link_gone() { not ip -o link show dev "$1" 2>/dev/null; }

# A bridge of the host's own, with an address of its own: what the audit finds before.
host_bridge() {
	ip link add br0 address 02:00:00:00:0b:00 type bridge
	echo 1 >/proc/sys/net/ipv6/conf/br0/disable_ipv6
	ip addr add 10.5.0.1/24 dev br0
	ip link set br0 up
	audit snapshot ../audit.before
}

@test "lans: a bridge with a name: names, the way out, published ports, rules; gone after down, also by a killed supervisor" {
	internet_httpd
	stack <<-END
		services:
		  a: {$web, networks: [front], ports: ["8080:80"]}
		  b: {$sleeper, networks: [front]}
		networks: {front: {driver_opts: {com.docker.network.bridge.name: br-front, mtu: 1400}}}
	END
	mstack up -d
	wait_until listens a 80
	[[ $(ip -o link show type bridge | awk '{ print $2 }') == br-front: ]]
	[[ $(inside b cat /sys/class/net/eth0/mtu) == 1400 ]]
	[[ $(inside b busybox wget -q -O - http://a/) == hello ]]
	[[ $(inside b busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.2 ]]
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == hello ]]
	[[ $(fetch http://127.0.0.1:8080/) == hello ]]
	# The listing can be loaded again, and what comes in by the up-link meets what is ours, whatever its name.
	nft list ruleset | grep -F 'elements = { "br-front" }'
	nft list ruleset | sed 's/flags owner//' >rules.nft
	unshare --net nft -f "$PWD/rules.nft"
	# A second stack: its rule for what is forwarded lets the first one's bridge be.
	printf 'name: u\nservices: {c: {image: busybox, command: [sleep, "1000"]}}\n' >u.yaml
	mstack -f u.yaml up -d
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == hello ]]
	mstack -f u.yaml down
	# The name is taken by then.
	printf 'name: u\nservices: {c: {image: busybox, networks: [n]}}\nnetworks: {n: {driver_opts: {com.docker.network.bridge.name: br-front}}}\n' >u.yaml
	expect_exit 1 mstack -f u.yaml up -d
	says "u.yaml:3: bridge 'br-front': stack 't' has one of this name"
	kill -9 "$(supervisor)"
	wait_until link_gone br-front
	mstack down
	kill "$HTTPD"
}

@test "lans: options of a bridge: containers apart, addresses that stay, where ports are published" {
	internet ip route add 10.44.0.0/24 via 198.51.100.2
	audit snapshot ../audit.before
	internet_httpd
	stack <<-END
		services:
		  a: {$web, networks: [n], ports: ["8080:80"]}
		  b: {$sleeper, networks: [n]}
		networks:
		  n:
		    driver_opts:
		      com.docker.network.bridge.enable_icc: "false"
		      com.docker.network.bridge.enable_ip_masquerade: "false"
		      com.docker.network.bridge.host_binding_ipv4: 127.0.0.1
		    ipam: {config: [{subnet: 10.44.0.0/24}]}
	END
	mstack up -d
	wait_until listens a 80
	ping_from b 10.44.0.1
	no_ping_from b 10.44.0.2
	[[ $(inside b busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 10.44.0.3 ]]
	[[ $(fetch http://127.0.0.1:8080/) == hello ]]
	not fetch_from_internet http://198.51.100.2:8080/
	mstack down
	kill "$HTTPD"
}

@test "lans: macvlan: neighbours of the parent, the way out, names, one-offs, nothing published, the same addresses again" {
	internet_httpd
	stack <<-END
		services:
		  a: {$web, networks: [lan], ports: ["8080:80"]}
		  b: {$sleeper, networks: [lan, back]}
		  c: {$sleeper, networks: [back]}
		networks:
		  lan:
		    driver: macvlan
		    driver_opts: {parent: up0}
		    ipam: {config: [{subnet: 198.51.100.0/24, gateway: 198.51.100.1, ip_range: 198.51.100.128/25}]}
		  back: {internal: true}
	END
	expect_exit 0 mstack up -d
	wait_until listens a 80
	says "stack.yaml:3:" "service 'a': ports are not published: by macvlan it is reached at its own address"
	[[ $(address a eth0) == 198.51.100.128 ]]
	mac=$(inside a cat /sys/class/net/eth0/address)
	# Nothing of it is on the host but the bridge of the other network; the host itself is not a neighbour.
	[[ $(ip -o link show type bridge | wc -l) == 1 ]]
	[[ $(internet timeout 5 busybox wget -q -O - http://198.51.100.128/) == hello ]]
	[[ $(inside b busybox wget -q -O - http://a/) == hello ]]
	[[ $(inside b busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.129 ]]
	ping_from c b
	no_ping_from b 198.51.100.2
	not fetch_from_internet http://198.51.100.2:8080/
	expect_exit 0 mstack link
	says 'a:eth0       t_lan        up      1500'
	expect_exit 1 mstack link down a:eth0
	says 'a macvlan has no cable of its own'
	[[ $(mstack run --rm a wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.130 ]]
	expect_exit 0 mstack graph
	says 'lan (macvlan on up0)'
	# At once, while the kernel may still be at the old ones.
	mstack down
	mstack up -d 2>/dev/null
	[[ $(inside a cat /sys/class/net/eth0/address) == "$mac" ]]
	kill -9 "$(supervisor)"
	wait_until no_slots
	mstack up -d 2>/dev/null
	wait_until listens a 80
	[[ $(internet timeout 5 busybox wget -q -O - http://198.51.100.128/) == hello ]]
	mstack down
	kill "$HTTPD"
}

no_slots() { [[ ! -e /run/mstack/t/slots ]]; }

@test "lans: macvlan: private containers, MTU, a subnet that is chosen; what is not there, or cannot be, is told with its place" {
	stack <<-END
		services:
		  a: {$sleeper, networks: [p, q]}
		  b: {$sleeper, networks: [p, q]}
		networks:
		  p: {driver: macvlan, driver_opts: {parent: up0, macvlan_mode: private, mtu: 1300}}
		  q: {driver: macvlan, driver_opts: {parent: up0}, ipam: {config: [{subnet: 10.66.0.0/24}]}}
	END
	mstack up -d
	[[ $(inside a cat /sys/class/net/eth0/mtu) == 1300 ]]
	no_ping_from a "$(address b eth0)"
	ping_from a 10.66.0.3
	mstack down
	sed -i 's/mtu: 1300/mtu: 9000/; s/{parent: up0}/{parent: nowhere0}/' stack.yaml
	up_fails 1 "stack.yaml:6:" "network 'p': an MTU of 9000 is more than the 1500 of 'up0'" \
		"stack.yaml:7:" "network 'q': parent: this host has no device 'nowhere0'"
	stack <<-END
		services:
		  a: {$sleeper, networks: {p: {x-impair: {delay: 1ms}, x-vlan: {pvid: 7}}}, extra_hosts: [up=host-gateway]}
		networks: {p: {driver: macvlan, driver_opts: {parent: up0}}}
	END
	up_fails 3 'what comes in by a macvlan cannot be impaired' 'x-vlan is for bridges' \
		"'up=host-gateway': the host has no address on its networks"
}

@test "lans: external: a bridge of the host is joined, never changed" {
	host_bridge
	internet_httpd
	stack <<-END
		services:
		  a: {$web, networks: [ext], extra_hosts: [up=host-gateway]}
		  b: {$sleeper, networks: {ext: {ipv4_address: 10.5.0.9}}}
		networks: {ext: {external: true, name: br0}}
	END
	mstack up -d
	wait_until listens a 80
	[[ $(address b eth0) == 10.5.0.9 ]]
	inside a grep -q '10.5.0.1.*up' /etc/hosts
	inside a busybox ip route | grep '^default via 10.5.0.1 dev eth0'
	[[ $(inside b busybox wget -q -O - http://a/) == hello ]]
	ping_from a 10.5.0.1
	[[ $(fetch "http://$(address a eth0)/") == hello ]]
	# Addresses are from the second half, where its owner gives out none.
	[[ $(address a eth0 | cut -d . -f 4) -ge 128 ]]
	[[ $(ip -o link show br0) == *'mtu 1500'*'02:00:00:00:0b:00'* ]]
	[[ $(cat /proc/sys/net/ipv4/conf/br0/forwarding) == 0 ]]
	[[ $(mstack run --rm a busybox wget -q -O - http://a/) == hello ]]
	mstack down
	# It tells no VLANs apart.
	sed -i 's/a: {image/a: {networks: {ext: {x-vlan: {pvid: 7}}}, image/; s/, networks: \[ext\]//' stack.yaml
	up_fails 3 "stack.yaml:3:" "network 'ext': x-vlan: bridge 'br0' tells no VLANs apart"
	# A part of it, with another way out.
	sed -i 's/a: {networks: {ext: {x-vlan: {pvid: 7}}}/a: {networks: [ext]/; s/name: br0/name: br0, ipam: {config: [{subnet: 10.5.0.0\/24, ip_range: 10.5.0.64\/26, gateway: 10.5.0.254}]}/' stack.yaml
	mstack up -d
	[[ $(address a eth0) == 10.5.0.64 ]]
	inside a busybox ip route | grep '^default via 10.5.0.254 dev eth0'
	mstack down
	kill "$HTTPD"
}

@test "lans: external: what is not there is told with its place before anything is made" {
	stack <<-END
		services: {a: {$sleeper, networks: [x, y, z]}}
		networks:
		  x: {external: true, name: nobridge0}
		  y: {external: true, name: up0}
		  z: {external: true, name: bare0}
	END
	ip link add bare0 type bridge
	audit snapshot ../audit.before
	up_fails 1 "stack.yaml:4:3: error: network 'x': external: this host has no bridge 'nobridge0'" \
		"stack.yaml:5:3: error: network 'y': 'up0' of this host is no bridge" \
		"stack.yaml:6:3: error: network 'z': bridge 'bare0' has no address that tells which subnet is on it"
}

@test "lans: external: the network of another stack by its name, with ports through both, and no address twice" {
	printf 'name: owner\nservices: {o: {%s}}\n' "$web" >owner.yaml
	mstack -f owner.yaml up -d
	stack <<-END
		services:
		  a: {$web, networks: [theirs], ports: ["8081:80"]}
		networks: {theirs: {external: true, name: owner_default}}
	END
	mstack up -d
	o=$(mstack -f owner.yaml ps --format json | jq -r .IP)
	wait_until fetch_from_internet http://198.51.100.2:8081/
	wait_until fetch "http://$o/"
	[[ $(inside a timeout 5 busybox wget -q -O - "http://$o/") == hello ]]
	[[ $(fetch_from_internet http://198.51.100.2:8081/) == hello ]]
	# A third one, which asks for what the second one has, or takes what is free.
	printf 'name: third\nservices: {c: {%s, networks: {n: {ipv4_address: %s}}}}\nnetworks: {n: {external: true, name: owner_default}}\n' \
		"$sleeper" "$(address a eth0)" >third.yaml
	expect_exit 3 mstack -f third.yaml up -d
	says "ipv4_address belongs to stack 't', which runs"
	sed -i 's/{n: {ipv4_address: .*}}}}$/[n]}}/' third.yaml
	mstack -f third.yaml up -d
	[[ $(mstack -f third.yaml ps --format json | jq -r .IP) != "$(address a eth0)" ]]
	mstack -f third.yaml down
	# Whoever has made it takes it away, and the guest goes as ever.
	mstack -f owner.yaml down
	mstack down
}

# ---- two hosts ----

# Another host, behind the internet: 192.0.2.2 and 2001:db8:2::2.
far_host() {
	: >/run/sandbox/far
	unshare --net=/run/sandbox/far ip link set lo up
	internet ip link add wan1 type veth peer name up0 netns /run/sandbox/far
	internet ip -batch - <<-END
		link set wan1 addrgenmode none
		addr add 192.0.2.1/24 dev wan1
		addr add 2001:db8:2::1/64 dev wan1 nodad
		addr add fe80::1/64 dev wan1 nodad
		link set wan1 up
	END
	at_far ip -batch - <<-END
		link set up0 addrgenmode none
		addr add 192.0.2.2/24 dev up0
		addr add 2001:db8:2::2/64 dev up0 nodad
		link set up0 up
		route add default via 192.0.2.1
		route add default via 2001:db8:2::1
	END
	internet sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	audit snapshot ../audit.before
}

at_far() {
	nsenter --net=/run/sandbox/far -- env MSTACK_RUN_DIR="$PWD/far/run" MSTACK_DATA_DIR="$PWD/far/data" "$@"
}

# NAME PEER RANGE: a stack with one service of its name.
wide() {
	cat >"$1.yaml" <<-END
		name: $1
		services: {$1: {$web, networks: [wide]}}
		networks:
		  wide:
		    driver: vxlan
		    driver_opts: {vni: 42, peers: "$2"}
		    ipam: {config: [{subnet: 10.9.0.0/24, ip_range: $3}, {subnet: "fd09::/64", ip_range: "$4"}]}
	END
}

in_far() {
	local pid
	pid=$(at_far mstack -f b.yaml ps --format json | jq -r .Pid)
	nsenter --target "$pid" --user --setuid 0 --setgid 0 --mount --net --pid -- "$@"
}

in_near() {
	local pid
	pid=$(mstack -f a.yaml ps --format json | jq -r .Pid)
	nsenter --target "$pid" --user --setuid 0 --setgid 0 --mount --net --pid -- "$@"
}

meet() {
	wait_until in_near busybox ping -c 1 -W 2 10.9.0.128
	wait_until in_near busybox ping -c 1 -W 2 fd09::8000
	in_far busybox ping -c 1 -W 5 10.9.0.2
	wait_until in_near timeout 5 busybox wget -q -O - http://10.9.0.128/
	[[ $(in_near timeout 5 busybox wget -q -O - http://10.9.0.128/) == hello ]]
}

@test "lans: vxlan: two hosts on one network, over IPv4 and IPv6, each with its own way out by the same gateway" {
	far_host
	internet_httpd
	wide a 192.0.2.2 10.9.0.0/25 fd09::/120
	wide b 198.51.100.2,198.51.100.99 10.9.0.128/25 fd09::8000/120
	mstack -f a.yaml up -d
	at_far mstack -f b.yaml up -d
	meet
	[[ $(in_near cat /sys/class/net/eth0/mtu) == 1450 ]]
	# What fits, and does not.
	in_near busybox ping -c 1 -W 5 -s 1422 10.9.0.128
	[[ $(at_far bridge fdb show | grep -c '^00:00:00:00:00:00 .*dst 198.51.100') == 2 ]]
	[[ $(in_near busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.2 ]]
	[[ $(in_far busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 192.0.2.2 ]]
	expect_exit 0 mstack -f a.yaml graph
	says 'wide (vxlan 42)'
	mstack -f a.yaml down
	at_far mstack -f b.yaml down
	[[ -z $(ip -o link show type vxlan) && -z $(at_far ip -o link show type vxlan) ]]
	# Outside it is IPv6, and a device is named; then the supervisor is killed.
	wide a 2001:db8:2::2 10.9.0.0/25 fd09::/120
	wide b 2001:db8:64::2 10.9.0.128/25 fd09::8000/120
	sed -i 's/vni: 42/vni: 42, dev: up0, port: 8472/' a.yaml b.yaml
	mstack -f a.yaml up -d
	at_far mstack -f b.yaml up -d
	meet
	[[ $(in_near cat /sys/class/net/eth0/mtu) == 1430 ]]
	kill "$HTTPD"
	at_far mstack -f b.yaml down
	kill -9 "$(supervisor a)"
	audit check ../audit.before
	mstack -f a.yaml down
}

@test "lans: ledger, supervisor and guard lost: tunnels and bridges with names are found" {
	stack <<-END
		services: {a: {$sleeper, networks: [w, m]}}
		networks:
		  w: {driver: vxlan, driver_opts: {vni: 42, peers: 198.51.100.1, com.docker.network.bridge.name: br-wide}}
		  m: {driver: macvlan, driver_opts: {parent: up0}}
	END
	mstack up -d
	rm /run/mstack/t/ledger
	kill_mstack
	mstack down -p t
	link_gone br-wide
}

@test "lans: in an isolated stack bridges with names are its own, and nothing leads out of it" {
	host_bridge
	stack <<-END
		x-isolated: true
		services: {a: {$web, networks: [n], ports: ["8080:80"]}}
		networks: {n: {driver_opts: {com.docker.network.bridge.name: br-in}}}
	END
	mstack up -d
	link_gone br-in
	wait_until fetch http://127.0.0.1:8080/
	[[ $(fetch http://127.0.0.1:8080/) == hello ]]
	mstack down
	stack <<-END
		services: {a: {$web, networks: [m, v, e]}}
		networks:
		  m: {driver: macvlan, driver_opts: {parent: up0}}
		  v: {driver: vxlan, driver_opts: {vni: 7, peers: 198.51.100.1}}
		  e: {external: true, name: br0}
	END
	expect_exit 3 mstack up -d --isolated
	says "stack.yaml:4:" "network 'm': macvlan: networks of an isolated stack do not lead out of it" \
		"stack.yaml:5:" "network 'v': vxlan: networks" "stack.yaml:6:" "network 'e': external: networks"
}
