# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lab wires: what they carry, that nobody speaks on them uninvited, what they survive, and cables that are pulled.

load lib/common

sleeper='image: busybox, command: [sleep, "1000"], network_mode: none'

# Two routers and one wire; further lines of the link from standard input.
pair() {
	{
		echo 'x-links:'
		echo '  - endpoints: ["r1:eth1", "r2:eth1"]'
		echo '    ipv4: ["10.0.0.1/30", "10.0.0.2/30"]'
		sed 's/^/    /'
		echo "services: {r1: {$sleeper}, r2: {$sleeper}}"
	} | stack "$@"
}

ping_from() { inside "$1" busybox ping -c 1 -W 5 "${@:2}" >/dev/null; }
carrier() { inside "$1" cat "/sys/class/net/$2/carrier"; }
links() { mstack link --format json | jq -r "select(.a == \"$1\") | .state"; }
link_is() { [[ $(links "$1") == "$2" ]]; }
# Host ends where bridges are, of this stack or any.
host_ends() { level ip -o link show | grep -c ': mw[0-9a-f]*@'; }
# In the network of a service with the host's files, where the tools of the tests are.
wired() {
	local pid
	pid=$(field "$1" Pid)
	shift
	nsenter --target "$pid" --user --setuid 0 --setgid 0 --net -- "$@"
}

@test "wires: both IP versions, jumbo frames, hardware addresses, several between the same pair" {
	stack <<-END
		x-links:
		  - endpoints: ["r1:eth1", "r2:eth1"]
		    mtu: 9000
		    mac: ["02:00:00:00:00:01", "02:00:00:00:00:02"]
		    ipv4: ["10.0.0.1/30", "10.0.0.2/30"]
		    ipv6: ["fd00::1/64", "fd00::2/64"]
		  - endpoints: ["r1:eth2", "r2:to-r1"]
		    ipv4: ["10.0.1.1/31", "10.0.1.0/31"]
		services: {r1: {$sleeper}, r2: {$sleeper}}
	END
	mstack up -d
	ping_from r1 10.0.0.2
	ping_from r2 fd00::1
	ping_from r1 10.0.1.0
	ping_from r1 -s 8972 10.0.0.2
	[[ $(inside r1 cat /sys/class/net/eth1/address) == 02:00:00:00:00:01 ]]
	[[ $(inside r2 cat /sys/class/net/eth1/address) == 02:00:00:00:00:02 ]]
	[[ $(inside r1 cat /sys/class/net/eth1/mtu) == 9000 ]]
	[[ $(inside r2 cat /sys/class/net/to-r1/mtu) == 1500 ]]
	chosen=$(inside r2 cat /sys/class/net/to-r1/address)
	expect_exit 0 mstack link
	says 'ENDPOINT A' 'r1:eth1      r2:eth1      up      9000' 'r1:eth2      r2:to-r1     up      1500'
	mstack down
	# A second run finds the same.
	mstack up -d
	[[ $(inside r2 cat /sys/class/net/to-r1/address) == "$chosen" ]]
	mstack down
}

@test "wires: the first instruction of a program finds them, also when the other end waits for it" {
	stack <<-'END'
		x-links:
		  - endpoints: ["r1:eth1", "r2:eth1"]
		    ipv4: ["10.0.0.1/30", "10.0.0.2/30"]
		    ipv6: ["fd00::1/64", "fd00::2/64"]
		services:
		  r1:
		    image: busybox
		    cap_add: [NET_RAW]
		    command: [sh, -c, "ping -c 1 -W 5 10.0.0.2 && ping -c 1 -W 5 fd00::2 && exec sleep 1000"]
		    healthcheck: {test: [CMD, "true"], interval: 1s}
		  r2:
		    image: busybox
		    cap_add: [NET_RAW]
		    command: [sh, -c, "ping -c 1 -W 5 10.0.0.1 && exec sleep 1000"]
		    depends_on: {r1: {condition: service_healthy}}
	END
	timeout 60 mstack up -d --wait
	state_is r1 running
	state_is r2 running
	mstack down
}

@test "wires: LLDP, LACP, STP and all other reserved addresses, VLAN tags and full frames pass" {
	pair <<<'mtu: 9000'
	mstack up -d
	wired r2 frames listen eth1 60 >seen &
	listener=$!
	wait_until grep -q ready seen
	for last in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
		wired r1 frames send eth1 "01:80:c2:00:00:0$last" 0x88b5
	done
	wired r1 frames send eth1 02:00:00:00:00:99 0x88b5 9000
	wired r1 frames send eth1 02:00:00:00:00:99 0x88b5 9000 7
	wired r1 frames send eth1 ff:ff:ff:ff:ff:ff 0x88b5 8996 7 8
	wired r1 frames send eth1 01:00:0c:cc:cc:cc 0x88b5 46
	for last in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
		wait_until grep -qx "01:80:c2:00:00:0$last 0x88b5 46" seen
	done
	wait_until grep -qx '02:00:00:00:00:99 0x88b5 9000' seen
	wait_until grep -qx '02:00:00:00:00:99 0x88b5 9000 7' seen
	wait_until grep -qx 'ff:ff:ff:ff:ff:ff 0x88b5 8996 7 8' seen
	wait_until grep -qx '01:00:0c:cc:cc:cc 0x88b5 46' seen
	kill "$listener"
	mstack down
}

@test "wires: nobody says anything on a quiet one" {
	# Without IPv6 inside, so that what is heard could only be the host's.
	stack <<-END
		x-links: [{endpoints: ["r1:eth1", "r2:eth1"]}]
		services:
		  r1: &quiet {$sleeper, sysctls: {net.ipv6.conf.all.disable_ipv6: 1}}
		  r2: *quiet
	END
	mstack up -d
	# Of one program, from both ends at once, while the host looks at all that it has.
	before=$(inside r1 cat /sys/class/net/eth1/statistics/rx_packets)
	wired r1 frames listen eth1 5 >seen1 &
	one=$!
	wired r2 frames listen eth1 5 >seen2 &
	two=$!
	wait_until grep -q ready seen1
	wait_until grep -q ready seen2
	wait "$one" "$two"
	[[ $(<seen1) == ready && $(<seen2) == ready ]]
	[[ $(inside r1 cat /sys/class/net/eth1/statistics/rx_packets) == "$before" ]]
	# Whoever speaks on all links of the host, as lldpd, is not heard there.
	wired r1 frames listen eth1 60 >seen3 &
	three=$!
	wait_until grep -q ready seen3
	for end in $(ip -o link show | sed -n 's/.*: \(mw[0-9a-f]*\)@.*/\1/p'); do
		frames send "$end" 01:80:c2:00:00:0e 0x88cc || : # "no buffer space": it was dropped
	done
	wired r2 frames send eth1 01:80:c2:00:00:0e 0x88b5
	wait_until grep -q 0x88b5 seen3
	kill "$three"
	not grep 0x88cc seen3
	# And the host ends have no address that could make them speak.
	[[ -z $(level ip -o addr show | awk '$2 ~ /^mw/') ]]
	mstack down
}

@test "wires: they survive the restart of an end, and the other end sees no flap" {
	stack <<-END
		x-links:
		  - endpoints: ["r1:eth1", "r2:eth1"]
		    ipv4: ["10.0.0.1/30", "10.0.0.2/30"]
		services:
		  r1: {$sleeper, restart: always}
		  r2: {$sleeper}
	END
	mstack up -d
	inside r1 ip route add 192.0.2.0/24 via 10.0.0.2
	changes=$(inside r2 cat /sys/class/net/eth1/carrier_changes)
	first=$(field r1 Pid)
	kill -9 "$first"
	wait_until gone "$first"
	wait_until state_is r1 running
	ping_from r1 10.0.0.2
	[[ $(field r1 Pid) != "$first" ]]
	[[ $(inside r1 ip route) == *192.0.2.0/24* ]]
	[[ $(inside r2 cat /sys/class/net/eth1/carrier_changes) == "$changes" ]]
	mstack down
}

@test "link: down takes the carrier at both ends and leaves what is configured, up gives it back" {
	pair <<<'ipv6: ["fd00::1/64", "fd00::2/64"]'
	mstack up -d
	inside r1 ip route add default via 10.0.0.2
	inside r1 ip -6 route add fd99::/64 via fd00::2
	expect_exit 0 mstack link down stack.yaml r2:eth1
	says 'r1:eth1 - r2:eth1 down'
	[[ $(carrier r1 eth1) == 0 && $(carrier r2 eth1) == 0 ]]
	link_is r1:eth1 down
	not ping_from r1 -W 1 10.0.0.2
	[[ $(inside r1 ip route) == *default* ]]
	[[ $(inside r1 ip -6 route) == *fd99::/64* ]]
	[[ $(inside r2 ip -6 addr show dev eth1) == *fd00::2/64* ]]
	expect_exit 0 mstack link down r1:eth1
	says 'as it was'
	# By its other end, and with the name of the container.
	expect_exit 0 mstack link up r1-1:eth1
	wait_until link_is r1:eth1 up
	wait_until ping_from r1 10.0.0.2
	wait_until ping_from r2 fd00::1
	mstack down
}

@test "link: of an attachment to a network" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	gateway=$(field a IP | sed 's/[0-9]*$/1/')
	ping_from a "$gateway"
	expect_exit 0 mstack link
	says 'a:eth0' 't_default' up
	mstack link down a:eth0
	[[ $(carrier a eth0) == 0 ]]
	link_is a:eth0 down
	[[ $(inside a ip route) == *default* ]]
	not ping_from a -W 1 "$gateway"
	mstack link up a:eth0
	wait_until ping_from a -W 1 "$gateway"
	mstack down
}

@test "link: an end that is taken down from within takes the carrier of the other one, as a cable does" {
	pair <<<''
	mstack up -d
	inside r1 ip link set eth1 down
	wait_until link_is r1:eth1 no-carrier
	[[ $(carrier r2 eth1) == 0 ]]
	# Both down: whoever comes back first waits for the other.
	inside r2 ip link set eth1 down
	inside r1 ip link set eth1 up
	wait_until link_is r1:eth1 no-carrier
	inside r2 ip link set eth1 up
	wait_until link_is r1:eth1 up
	wait_until ping_from r1 -W 1 10.0.0.2
	mstack down
}

@test "link: what is not there is told, and nothing is done" {
	pair <<<''
	expect_exit 1 mstack link
	says 'is not running'
	mstack up -d
	expect_exit 1 mstack link down r1:eth1 r1:eth7
	says "'r1:eth7': there is no such link"
	link_is r1:eth1 up
	expect_exit 2 mstack link down
	says 'SERVICE:INTERFACE is missing'
	expect_exit 2 mstack link cut r1:eth1
	says "'cut' is neither up nor down"
	expect_exit 2 mstack link --dry-run down r1:eth1
	mstack down
}

@test "wires: a supervisor that is killed leaves nothing of them" {
	pair <<<''
	mstack up -d
	[[ $(host_ends) == 2 ]]
	kill -9 "$(supervisor)"
	nothing() { [[ $(host_ends) == 0 && -z $(nft list tables) ]]; }
	wait_until nothing
	mstack up -d
	ping_from r1 10.0.0.2
	# And again, with its ledger gone as well.
	kill -9 "$(supervisor)"
	wait_until nothing
	mstack down
}

@test "wires: the table is owned, listed as rules, and what is listed loads again" {
	pair <<<''
	mstack up -d
	output=$(nft list ruleset)
	says 'table netdev mstk_t_' 'flags owner' 'hook ingress device "mw' 'fwd to "mw'
	nft list ruleset | sed 's/ # progname.*//; /flags owner/d; s/mstk_t_/copy_/' >listed
	nft --check --file listed
	not nft delete table netdev "$(nft list tables netdev | awk '{ print $3 }')"
	# A flush of the firewall costs nothing.
	nft flush ruleset || :
	ping_from r1 10.0.0.2
	mstack down
}

@test "wires: two stacks with the same links" {
	mkdir one two
	(cd one && pair one <<<'' && mstack up -d)
	(cd two && pair two <<<'' && mstack up -d)
	[[ $(host_ends) == 4 ]]
	(cd one && ping_from r1 10.0.0.2)
	mstack down -p one
	ends_are() { [[ $(host_ends) == "$1" ]]; }
	wait_until ends_are 2
	(cd two && ping_from r1 10.0.0.2)
	mstack down -p two
	wait_until ends_are 0
}

@test "wires: host:NAME is an interface of the host" {
	stack <<-END
		x-links:
		  - endpoints: ["host:lab0", "r1:eth1"]
		    ipv4: ["10.9.0.1/30", "10.9.0.2/30"]
		    ipv6: ["fd09::1/64", "fd09::2/64"]
		    mtu: 2000
		services: {r1: {$sleeper}}
	END
	mstack up -d
	[[ $(ip link show lab0) == *'mtu 2000 '* ]]
	busybox ping -c 1 -W 5 10.9.0.2
	busybox ping -c 1 -W 5 fd09::2
	mstack link down host:lab0
	[[ $(ip link show lab0) == *NO-CARRIER* && $(carrier r1 eth1) == 0 ]]
	mstack link up r1:eth1
	wait_until busybox ping -c 1 -W 5 10.9.0.2
	mstack down
	not ip link show lab0
	# What is there already is not touched.
	ip link add lab0 type bridge
	up_fails 1 "x-links: 'host:lab0': this host has an interface 'lab0' already"
	ip link del lab0
}

@test "wires: macvlan:DEVICE leads to what is behind a device of the host" {
	stack <<-END
		x-links:
		  - endpoints: ["r1:eth1", "macvlan:up0"]
		    ipv4: ["198.51.100.7/24"]
		services: {r1: {$sleeper}}
	END
	mstack up -d
	ping_from r1 198.51.100.1
	internet busybox ping -c 1 -W 5 198.51.100.7
	mstack link down macvlan:up0
	[[ $(carrier r1 eth1) == 0 ]]
	mstack link up r1:eth1
	wait_until ping_from r1 -W 1 198.51.100.1
	kill -9 "$(supervisor)"
	wait_until not grep -q 'mw' /proc/net/dev
	mstack down
	sed -i 's/up0/nowhere0/' stack.yaml
	up_fails 1 "'macvlan:nowhere0': this host has no interface 'nowhere0'"
}

@test "wires: vxlan:ADDRESS/VNI leads to another host" {
	internet ip link add far0 address 02:00:00:00:00:fa type vxlan id 42 remote 198.51.100.2 dstport 4789 dev wan0
	internet ip addr add 10.42.0.2/24 dev far0
	internet ip link set far0 up
	stack <<-END
		x-links:
		  - endpoints: ["r1:eth1", "vxlan:198.51.100.1/42"]
		    ipv4: ["10.42.0.1/24"]
		services: {r1: {$sleeper}}
	END
	mstack up -d
	[[ $(inside r1 cat /sys/class/net/eth1/mtu) == 1450 ]]
	ping_from r1 10.42.0.2
	ping_from r1 -s 1422 10.42.0.2
	internet busybox ping -c 1 -W 5 10.42.0.1
	mstack down
	internet ip link del far0
	[[ -z $(ip -o link show type vxlan) ]]
}

@test "wires: a service that is not active has none" {
	stack <<-END
		x-links: [{endpoints: ["r1:eth1", "r2:eth1"]}, {endpoints: ["r1:eth2", "r3:eth1"]}]
		services: {r1: {$sleeper}, r2: {$sleeper}, r3: {$sleeper, profiles: [all]}}
	END
	expect_exit 0 mstack up -d
	says "'r3:eth1': this service is not active: the link is not made"
	inside r1 cat /sys/class/net/eth1/carrier
	not inside r1 cat /sys/class/net/eth2/carrier
	mstack down
}

@test "wires: of an isolated stack they are in its own namespace" {
	pair <<<'mtu: 3000'
	mstack up -d --isolated
	[[ $(host_ends) == 0 ]]
	ping_from r1 -s 2900 10.0.0.2
	mstack link down r1:eth1
	[[ $(carrier r2 eth1) == 0 ]]
	mstack link up r1:eth1
	wait_until ping_from r1 10.0.0.2
	mstack down
	sed -i 's/"r2:eth1"/"host:lab0"/' stack.yaml
	expect_exit 3 mstack up -d --isolated
	says 'stack.yaml:3:' "'host:lab0': wires of an isolated stack do not lead out of it"
}

@test "wires: the end of a service whose namespaces are another one's, which waits for the other end" {
	stack <<-END
		x-links: [{endpoints: ["r1:eth1", "r2:eth1"], ipv4: ["10.0.0.1/30", "10.0.0.2/30"]}]
		services:
		  r1:
		    image: busybox
		    cap_add: [NET_RAW]
		    network_mode: none
		    sysctls: {net.ipv4.conf.eth1.rp_filter: 2}
		    command: [sh, -c, "ping -c 1 -W 5 10.0.0.2 && exec sleep 1000"]
		    healthcheck: {test: [CMD, "true"], interval: 1s}
		  r2: {$sleeper, pid: "service:r3"}
		  r3: {$sleeper, depends_on: {r1: {condition: service_healthy}}}
		  beside: {image: busybox, command: [sleep, "1000"], network_mode: "service:r1"}
	END
	timeout 60 mstack up -d --wait
	# It was there before what the file sets for it.
	[[ $(inside r1 cat /proc/sys/net/ipv4/conf/eth1/rp_filter) == 2 ]]
	ping_from beside 10.0.0.2
	mstack down
}

@test "wires: a tunnel that another stack has is an error in the kernel's words, and nothing of it stays" {
	mkdir one two
	(
		cd one
		stack one <<-END
			x-links: [{endpoints: ["r1:eth1", "vxlan:198.51.100.1/42"]}]
			services: {r1: {$sleeper}}
		END
		mstack up -d
	)
	cd two
	sed 's/^name:.*/name: two/' ../one/stack.yaml >stack.yaml
	up_fails 1 "stack.yaml:2: service 'r1': x-links: 'vxlan:198.51.100.1/42': create: " 'already exists'
	[[ $(host_ends) == 1 ]]
	mstack down -p one
}
