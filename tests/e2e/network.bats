# SPDX-License-Identifier: GPL-2.0-or-later
#
# Addresses, names, the way out and the way in.

load lib/common

forwarding=/proc/sys/net/ipv4/conf/up0/forwarding

@test "network: masquerade to the internet, and the lease on forwarding is given back" {
	stack_one <<<'command: [sleep, "1000"]'
	internet_httpd
	mstack up -d
	[[ $(inside a timeout 5 busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.2 ]]
	# Of the devices that are concerned only.
	[[ $(<$forwarding) == 1 ]]
	mstack down
	[[ $(<$forwarding) == 0 ]]
	kill "$HTTPD"
}

@test "network: forwarding that was on stays on" {
	echo 1 >/proc/sys/net/ipv4/ip_forward
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	mstack down
	[[ $(</proc/sys/net/ipv4/ip_forward) == 1 ]]
	echo 0 >/proc/sys/net/ipv4/ip_forward
}

@test "network: two stacks share the lease, the last one gives it back" {
	stack one <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	mstack up -d
	stack two <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	mstack up -d
	expect_exit 0 mstack down -p one
	[[ $(<$forwarding) == 1 ]]
	expect_exit 0 mstack down -p two
	[[ $(<$forwarding) == 0 ]]
}

@test "network: an internal network has no way out" {
	stack <<-'END'
		services:
		  in: {image: busybox, command: [sleep, "1000"], networks: [back]}
		  peer: {image: busybox, command: [sleep, "1000"], networks: [back]}
		networks: {back: {internal: true}}
	END
	internet_httpd
	mstack up -d
	not inside in timeout 2 busybox wget -q -O - http://203.0.113.10/cgi-bin/who
	[[ $(inside in ip route) != *default* ]]
	# Also with a route of its own making.
	inside in ip route add default via "$(field peer IP | sed 's/[0-9]*$/1/')" || :
	not inside in timeout 2 busybox wget -q -O - http://203.0.113.10/cgi-bin/who
	inside in busybox ping -c 1 -W 2 peer
	mstack down
	kill "$HTTPD"
}

@test "network: published port from another host and from the host's own address" {
	stack_one <<-'END'
		command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"]
		ports: ["8080:80"]
	END
	mstack up -d
	wait_until fetch_from_internet http://198.51.100.2:8080/
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == hello ]]
	[[ $(fetch http://198.51.100.2:8080/) == hello ]]
	[[ $(level timeout 5 busybox wget -q -O - "http://$(field a IP)/") == hello ]]
	[[ $(field a Publishers | jq -r '.[0].PublishedPort') == 8080 ]]
	mstack down
	not fetch_from_internet http://198.51.100.2:8080/
}

# docker loads br_netfilter, whose switch is the network namespace's own.
@test "network: a container that calls its own published port, also where bridged frames are filtered" {
	local filtered=/proc/sys/net/bridge/bridge-nf-call-iptables value
	for value in 0 1; do
		[[ ! -e $filtered ]] || echo $value >$filtered
		stack_one <<-'END'
			command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"]
			ports: ["8080:80"]
		END
		mstack up -d
		wait_until fetch http://198.51.100.2:8080/
		[[ $(inside a timeout 5 busybox wget -q -O - http://198.51.100.2:8080/) == hello ]]
		mstack down
	done
}

@test "network: published on one address only" {
	ip addr add 198.51.100.3/24 dev up0
	stack_one <<-'END'
		command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"]
		ports: ["198.51.100.3:8080:80"]
	END
	mstack up -d
	wait_until fetch_from_internet http://198.51.100.3:8080/
	not fetch_from_internet http://198.51.100.2:8080/
	mstack down
	ip addr del 198.51.100.3/24 dev up0
}

@test "network: a port that is not published cannot be reached through the host" {
	stack_one <<<'command: [httpd, -f, -p, "80"]'
	mstack up -d
	internet ip route add "$(field a IP)/32" via 198.51.100.2
	not internet busybox nc -w 2 "$(field a IP)" 80 </dev/null
	internet ip route del "$(field a IP)/32"
	mstack down
}

@test "network: services find each other by name and by alias, not over different networks" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], networks: [one]}
		  b: {image: busybox, command: [sleep, "1000"], networks: {one: {aliases: [also-b]}, two: {}}}
		  c: {image: busybox, command: [sleep, "1000"], networks: [two]}
		networks: {one: {}, two: {}}
	END
	mstack up -d
	inside a busybox ping -c 1 -W 2 b
	inside a busybox ping -c 1 -W 2 also-b
	inside c busybox ping -c 1 -W 2 b
	not inside a busybox ping -c 1 -W 2 c
	# Two attachments, two interfaces.
	[[ $(inside b sh -c 'ls /sys/class/net' | grep -c eth) == 2 ]]
	# Networks of a stack do not reach each other by address either.
	not inside a busybox ping -c 1 -W 1 "$(field c IP)"
	mstack down
}

@test "network: fixed address, subnet and gateway" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], networks: {n: {ipv4_address: 10.88.7.9}}}
		networks: {n: {ipam: {config: [{subnet: 10.88.7.0/24, gateway: 10.88.7.254}]}}}
	END
	mstack up -d
	[[ $(field a IP) == 10.88.7.9 ]]
	inside a ip route | grep -q 'default via 10.88.7.254'
	level ip -4 addr | grep -q '10.88.7.254/24'
	mstack down
}

@test "network: the same addresses the next time" {
	stack <<<'services: {a: {image: busybox, command: [sleep, "1000"]}, b: {image: busybox, command: [sleep, "1000"]}}'
	mstack up -d
	local a b
	a=$(field a IP) b=$(field b IP)
	[[ -n $a && $a != "$b" ]]
	mstack down
	mstack up -d
	[[ $(field a IP) == "$a" && $(field b IP) == "$b" ]]
	mstack down
}

@test "network: subnets avoid routes that the host has" {
	local first
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	first=$(field a IP)
	mstack down
	ip route add "${first%.*}.0/24" dev up0
	mstack up -d
	[[ $(field a IP) != "${first%.*}".* ]]
	mstack down
	ip route del "${first%.*}.0/24" dev up0
}

@test "network: ip netns sees the slots" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	ip netns list | grep -q t-a-1
	[[ $(ip netns exec t-a-1 ip -4 -o addr show eth0) == *"$(field a IP)/"* ]]
	mstack down
}

@test "network: UDP port" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		ports: ["5353:53/udp"]
	END
	mstack up -d
	nft list ruleset | grep -q 5353
	mstack down
}
