# SPDX-License-Identifier: GPL-2.0-or-later
#
# Isolated stacks: their networks are in a network namespace of their own, and the host has one link of each.

load lib/common

# isolated [NAME [PORT]]: a web server that tells who asks, and a neighbour, on a subnet that every stack here has.
isolated() {
	mkdir -p "www-${1:-t}/cgi-bin"
	echo "${1:-t}" >"www-${1:-t}/index.html"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho\necho "$REMOTE_ADDR"\n' >"www-${1:-t}/cgi-bin/who"
	chmod +x "www-${1:-t}/cgi-bin/who"
	stack "${1:-t}" <<-END
		x-isolated: true
		services:
		  web:
		    image: busybox
		    command: [httpd, -f, -p, "80", -h, /w]
		    volumes: ["./www-${1:-t}:/w:ro"]
		    ports: ["${2:-8080}:80"]
		  peer: {image: busybox, command: [sleep, "1000"]}
		networks: {default: {ipam: {config: [{subnet: 10.9.8.0/24}]}}}
	END
}

bridges() { ip -o link show type bridge | wc -l; }

@test "isolated: the host has one bridge and one link, whatever the stack has; all else works as ever" {
	internet_httpd
	isolated
	mstack up -d
	[[ $(bridges) == 1 && $(ip -o link show type veth | grep -c mv) == 1 ]]
	[[ $(ip route) != *10.9.8* ]]
	# In, by a published port, and the client's address is kept.
	wait_until fetch_from_internet http://198.51.100.2:8080/
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == t ]]
	[[ $(fetch_from_internet http://198.51.100.2:8080/cgi-bin/who) == *198.51.100.1* ]]
	[[ $(fetch http://127.0.0.1:8080/) == t ]]
	# Out, by masquerade; to each other, by name; and to their own published port.
	[[ $(inside peer timeout 20 busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.2 ]]
	[[ $(inside peer timeout 20 busybox wget -q -O - http://web/) == t ]]
	[[ $(inside web timeout 20 busybox wget -q -O - http://198.51.100.2:8080/) == t ]]
	# Not by the address of a container, whatever route somebody makes.
	ip route add 10.9.8.0/24 via "$(ip netns exec t ip -4 -o addr show dev uplink | sed 's|.* inet \([0-9.]*\)/.*|\1|')"
	not timeout 2 busybox wget -q -O - http://10.9.8.2/
	ip route del 10.9.8.0/24
	[[ $(ip netns exec t ip -o link show type bridge | wc -l) == 1 ]]
	mstack down
	kill "$HTTPD"
}

@test "isolated: two stacks with the same addresses" {
	isolated one 8081
	mstack up -d
	isolated two 8082
	mstack up -d
	wait_until fetch http://127.0.0.1:8081/
	wait_until fetch http://127.0.0.1:8082/
	[[ $(fetch http://127.0.0.1:8081/) == one && $(fetch http://127.0.0.1:8082/) == two ]]
	[[ $(inside peer timeout 20 busybox wget -q -O - http://web/) == two ]]
	[[ $(field web IP) == 10.9.8.2 ]]
	mstack down -p two
	[[ $(fetch http://127.0.0.1:8081/) == one ]]
	expect_exit 1 timeout 5 busybox wget -q -O - http://127.0.0.1:8082/
	mstack down -p one
}

@test "isolated: --isolated asks for it without the file" {
	stack_one <<<'command: [sleep, "1000"]'
	expect_exit 0 mstack up --isolated --dry-run
	says 'isolated' 't~uplink'
	mstack up -d --isolated
	[[ $(bridges) == 1 && $(ip netns exec t ip -o link show type bridge | wc -l) == 1 ]]
	mstack down
	mstack up -d
	not ip netns exec t true
	mstack down
}

@test "isolated: restart of a service, and a port that any free one does for" {
	stack_one <<-'END'
		command: [sh, -c, "echo hello >/tmp/index.html; exec httpd -f -p 80 -h /tmp"]
		ports: ["80"]
		restart: always
	END
	mstack up -d --isolated
	local port
	port=$(field a Publishers | jq -r '.[0].PublishedPort')
	wait_until fetch "http://127.0.0.1:$port/"
	local pid
	pid=$(field a Pid)
	kill -9 "$pid"
	wait_until runs_anew a "$pid"
	wait_until fetch "http://127.0.0.1:$port/"
	mstack down
}

@test "isolated: run beside the stack, with a port and a network of its own" {
	cat >more.yaml <<-'END'
		networks: {apart: {}}
		services: {job: {image: busybox, profiles: [x], networks: [default, apart]}}
	END
	isolated
	mstack -f stack.yaml -f more.yaml up -d
	wait_until fetch http://127.0.0.1:8080/
	expect_exit 0 mstack -f stack.yaml -f more.yaml run --rm job wget -q -O - http://web/
	says t
	mstack -f stack.yaml -f more.yaml run --rm -d -p 8099:80 --name serve job sh -c 'echo once >/tmp/index.html; exec httpd -f -p 80 -h /tmp'
	wait_until fetch http://127.0.0.1:8099/
	[[ $(fetch http://127.0.0.1:8099/) == once ]]
	[[ $(bridges) == 1 ]]
	mstack down
}

@test "isolated: one number on two addresses cannot be told apart within" {
	ip addr add 198.51.100.3/24 dev up0
	stack <<-'END'
		x-isolated: true
		services:
		  a: {image: busybox, ports: ["198.51.100.2:8080:80"]}
		  b: {image: busybox, ports: ["198.51.100.3:8080:80"]}
	END
	up_fails 3 'stack.yaml:5' 'port 8080 of the host leads to two containers by two addresses'
	ip addr del 198.51.100.3/24 dev up0
}

@test "isolated: addresses of the host's own network are a warning, not an error" {
	isolated
	sed -i 's|10.9.8.0/24|198.51.100.0/24|' stack.yaml
	expect_exit 0 mstack up -d
	says 'the host has 198.51.100.0/24 (up0) as well; from there published ports are not reached'
	mstack down
}

@test "isolated: a port of the host that is taken" {
	busybox nc -l -p 8080 >/dev/null </dev/null 3>&- &
	local listener=$!
	wait_until grep -q :1F90 /proc/net/tcp /proc/net/tcp6
	isolated
	up_fails 1 8080
	kill "$listener"
}

@test "isolated: supervisor killed; supervisor, guard and ledger lost" {
	isolated
	mstack up -d
	kill -9 "$(supervisor)"
	audit check ../audit.before
	mstack up -d
	rm /run/mstack/t/ledger
	kill_mstack
	mstack down -p t
}

@test "isolated: both families, names, ranges of ports and wires" {
	stack <<-'END'
		x-isolated: true
		services:
		  a:
		    image: busybox
		    command: [sh, -c, "echo hello >/tmp/index.html; exec httpd -f -p 80 -h /tmp"]
		    ports: ["8080:80", "9000-9100:9000-9100"]
		  b: {image: busybox, command: [sleep, "1000"]}
		networks: {default: {enable_ipv6: true}}
		x-links: [{endpoints: ["a:w0", "b:w0"], ipv4: [10.5.0.1/30, 10.5.0.2/30]}]
	END
	mstack up -d
	wait_until fetch_from_internet http://198.51.100.2:8080/
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == hello ]]
	[[ $(internet curl -s -m 20 'http://[2001:db8:64::2]:8080/') == hello ]]
	expect_exit 0 mstack exec -T b wget -q -O - http://a/
	expect_exit 0 mstack exec -T b wget -q -O - http://10.5.0.1/
	expect_exit 0 mstack exec -T b nslookup a
	says 'Address: fd'
	# The host has nothing of the wire, of the range, or of the stack's own prefixes but that of the link to it.
	[[ $(ip -o link show type veth | grep -c 'm[vw]') == 1 ]]
	mstack down
}
