# SPDX-License-Identifier: GPL-2.0-or-later
#
# IPv6 as IPv4: addresses, names, the way out and the way in; several subnets, who may reach a port.

load lib/common

conf6=/proc/sys/net/ipv6/conf

# Keys of a service whose page says who asks for it, in brackets; its folder is made by `page`.
who_asks='command: [httpd, -f, -p, "[::]:80", -h, /www], volumes: ["./www:/www:ro"]'
page() {
	mkdir -p www/cgi-bin
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho\necho "$REMOTE_ADDR"\n' >www/cgi-bin/who
	chmod +x www/cgi-bin/who
}

# The same on the internet, for both families; its number is left in HTTPD.
internet_httpd6() {
	page
	internet busybox httpd -f -p '[::]:80' -h www 3>&- &
	HTTPD=$!
	wait_until fetch 'http://[2001:db8:cb::10]/cgi-bin/who'
}

# Those of the host, of which a kernel before 6.17 lacks one.
switches() { cat $conf6/{all,up0}/forwarding $conf6/up0/{force_forwarding,accept_ra} 2>/dev/null || :; }
switches_are() { [[ $(switches) == "$1" ]]; }
no_links() { not grep -q mstk /proc/net/dev; }

addresses6() { inside "$1" ip -6 -o addr show scope global | awk '{ print $2, $4 }'; }

@test "ipv6: an address, a route and a name from the first instruction on" {
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    command: [sh, -c, "ip -6 addr show dev eth0; ip -6 route; exec sleep 1000"]
		    networks: {n: {ipv6_address: "fd00:77::9"}}
		  b: {image: busybox, command: [sleep, "1000"], networks: [n]}
		networks: {n: {enable_ipv6: true, ipam: {config: [{subnet: "fd00:77::/64"}]}}}
	END
	mstack up -d
	wait_until log_has a 'default via fd00:77::1'
	log_has a 'fd00:77::9/64 scope global'
	not log_has a tentative
	[[ $(inside a cat /etc/hosts) == *$'fd00:77::9\ta a-1 '* ]]
	inside b ping -6 -c 1 -W 10 a | grep 'fd00:77::9'
	inside b ping -6 -c 1 -W 10 fd00:77::1
	# IPv4 as well: it is on unless it is switched off.
	inside b ping -4 -c 1 -W 10 "$(field a IP)"
	mstack down
}

@test "ipv6: masquerade to the internet, and every switch of the host is as it was" {
	local before
	before=$(switches)
	stack <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"], networks: [n]}}
		networks: {n: {enable_ipv6: true}}
	END
	internet_httpd6
	mstack up -d
	[[ $(switches) != "$before" ]]
	[[ $(inside a busybox wget -q -O - 'http://[2001:db8:cb::10]/cgi-bin/who') == '[2001:db8:64::2]' ]]
	inside a ping -6 -c 1 -W 10 2001:db8:cb::10
	mstack down
	[[ $(switches) == "$before" ]]
	kill "$HTTPD"
}

@test "ipv6: two stacks share the switches, the last one gives them back" {
	local before
	before=$(switches)
	for i in one two; do
		stack $i <<-'END'
			services: {a: {image: busybox, command: [sleep, "1000"]}}
			networks: {default: {enable_ipv6: true}}
		END
		mstack up -d
	done
	expect_exit 0 mstack down -p one
	inside a ping -6 -c 1 -W 10 2001:db8:cb::10
	[[ $(switches) != "$before" ]]
	expect_exit 0 mstack down -p two
	[[ $(switches) == "$before" ]]
}

@test "ipv6: a killed supervisor leaves no switch turned" {
	local before
	before=$(switches)
	stack <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"]}}
		networks: {default: {enable_ipv6: true}}
	END
	mstack up -d
	kill -KILL "$(supervisor)"
	wait_until switches_are "$before"
	wait_until no_links
}

@test "ipv6: a network without IPv4" {
	page
	stack <<-END
		services:
		  a: {image: busybox, $who_asks, ports: ["8080:80"]}
		  b: {image: busybox, command: [sleep, "1000"]}
		networks: {default: {enable_ipv4: false, enable_ipv6: true}}
	END
	mstack up -d
	[[ $(field a IP) == fd*::2 ]]
	[[ $(inside a ip -4 -o addr show dev eth0) == "" ]]
	[[ $(inside a cat /etc/hosts) == *"$(field a IP)"$'\t'"a "* ]]
	wait_until internet curl -s -m 20 -o /dev/null 'http://[2001:db8:64::2]:8080/cgi-bin/who'
	inside b ping -6 -c 1 -W 10 a
	# Nothing holds the port of the other family.
	not internet curl -s -m 1 http://198.51.100.2:8080/
	[[ $(mstack ps) == *'[::]:8080->80/tcp'* ]]
	[[ $(mstack ps) != *'0.0.0.0:8080'* ]]
	[[ $(mstack port a 80) == '[::]:8080' ]]
	mstack down
}

@test "ipv6: a published port keeps who asks, on both families and by the name localhost" {
	page
	stack <<-END
		services: {a: {image: busybox, $who_asks, ports: ["8080:80", "[2001:db8:64::2]:8081:80", "80"]}}
		networks: {default: {enable_ipv6: true}}
	END
	mstack up -d
	wait_until internet curl -s -m 20 -o /dev/null 'http://[2001:db8:64::2]:8080/cgi-bin/who'
	[[ $(internet curl -s -m 20 'http://[2001:db8:64::2]:8080/cgi-bin/who') == '[2001:db8:64::1]' ]]
	[[ $(internet curl -s -m 20 'http://198.51.100.2:8080/cgi-bin/who') == '[::ffff:198.51.100.1]' ]]
	[[ $(internet curl -s -m 20 'http://[2001:db8:64::2]:8081/cgi-bin/who') == '[2001:db8:64::1]' ]]
	not internet curl -s -m 1 'http://198.51.100.2:8081/'
	# The host itself, by its own address and by the name that is ::1 first.
	curl -s -m 20 -o /dev/null 'http://[2001:db8:64::2]:8080/cgi-bin/who'
	curl -s -m 20 -o /dev/null 'http://localhost:8080/cgi-bin/who'
	# The container, by the host's address.
	inside a timeout 20 busybox wget -q -O /dev/null 'http://[2001:db8:64::2]:8080/cgi-bin/who'
	inside a timeout 20 busybox wget -q -O /dev/null 'http://198.51.100.2:8080/cgi-bin/who'
	# A port that is chosen is the same one for both.
	[[ $(field a Publishers | jq -r '.[] | select(.PublishedPort > 9000) | .PublishedPort' | uniq -c) == *'2 '* ]]
	# What is not published cannot be reached, also by who knows the way.
	internet ip -6 route add fd00::/8 via 2001:db8:64::2
	not internet curl -s -m 1 "http://[$(addresses6 a | sed 's/eth0 \(.*\)\/64/\1/')]/"
	internet ip -6 route del fd00::/8
	mstack down
}

@test "ipv6: a port that is in use is refused before anything is made" {
	local holder
	busybox httpd -f -p '[::]:8080' -h . 3>&- &
	wait_until grep -q ':1F90 0*:0000 0A' /proc/net/tcp6
	stack <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"], ports: ["[::]:8080:80"]}}
		networks: {default: {enable_ipv6: true}}
	END
	holder=$!
	expect_exit 1 mstack up -d
	[[ $output == *"port 8080/tcp (a-1): already in use on this host by 'busybox' (pid $holder)"* ]]
	kill $holder
	wait_until gone $holder
	# Two stacks.
	mstack up -d
	stack other <<-'END'
		services: {b: {image: busybox, command: [sleep, "1000"], ports: ["[::]:8080:80"]}}
		networks: {default: {enable_ipv6: true}}
	END
	expect_exit 1 mstack up -d
	[[ $output == *"port 8080/tcp (b-1): already in use on this host by stack 't', service 'a': "* ]]
	mstack down -p t
}

@test "ipv6: an internal network has no way out, and containers cannot play router to the host" {
	stack <<-'END'
		services:
		  in: {image: busybox, command: [sleep, "1000"], networks: [back]}
		  out: {image: busybox, command: [sleep, "1000"]}
		networks: {back: {internal: true, enable_ipv6: true}, default: {enable_ipv6: true}}
	END
	mstack up -d
	[[ $(inside in ip -6 route) != *default* ]]
	inside in ip -6 route add default via fe80::1 dev eth0
	inside in ping -6 -c 1 -W 10 fe80::1%eth0
	not inside in ping -6 -c 1 -W 1 2001:db8:cb::10
	[[ $(level sh -c "cat $conf6/mstk*/accept_ra" | sort -u) == 0 ]]
	mstack down
}

@test "ipv6: a bridge of a network without it takes no part in it" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	[[ $(level sh -c "cat $conf6/mstk*/disable_ipv6") == 1 ]]
	[[ $(inside a ip -6 -o addr show dev eth0) == "" ]]
	mstack down
}

@test "ipv6: the prefix is the stack's own, and the same the next time" {
	local first pid
	stack <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"], networks: [n, m], restart: always}}
		networks: {n: {enable_ipv6: true}, m: {enable_ipv6: true}}
	END
	mstack up -d
	first=$(addresses6 a)
	[[ $first == "eth0 fd"*"eth1 fd"* ]]
	mstack down
	mstack up -d
	[[ $(addresses6 a) == "$first" ]]
	pid=$(field a Pid)
	kill -KILL "$pid"
	wait_until runs_anew a "$pid"
	[[ $(addresses6 a) == "$first" ]]
	mstack down
}

@test "ipv6: a subnet that the host has a route to is refused before anything is made" {
	ip -6 route add fd00:77::/60 dev up0
	stack <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"]}}
		networks: {default: {ipam: {config: [{subnet: "fd00:77::/64"}]}}}
	END
	expect_exit 1 mstack up -d
	[[ $output == *"network 'default': subnet is taken on this host by fd00:77::/60 (up0)"* ]]
	ip -6 route del fd00:77::/60 dev up0
}

@test "networks: several subnets, a range to give out, addresses kept for others" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
		  b: {image: busybox, command: [sleep, "1000"]}
		  c: {image: busybox, command: [sleep, "1000"]}
		  d: {image: busybox, command: [sleep, "1000"], networks: {default: {ipv4_address: 10.8.0.130}}}
		networks:
		  default:
		    driver_opts: {com.docker.network.driver.mtu: 1400}
		    ipam:
		      config:
		        - {subnet: 10.8.0.0/24, ip_range: 10.8.0.128/30, aux_addresses: {printer: 10.8.0.129}}
		        - {subnet: 10.9.0.0/24, gateway: 10.9.0.254}
		        - {subnet: "fd00:78::/64", ip_range: "fd00:78::ff00/120"}
	END
	mstack up -d
	[[ "$(field a IP) $(field b IP) $(field c IP) $(field d IP)" == '10.8.0.128 10.8.0.131 10.9.0.1 10.8.0.130' ]]
	[[ $(inside c ip route) == *'default via 10.9.0.254'* ]]
	inside a ping -c 1 -W 10 10.9.0.1
	[[ $(addresses6 a) == 'eth0 fd00:78::ff00/64' ]]
	[[ $(level ip -o link show type bridge) == *'mtu 1400 '* ]]
	[[ $(inside c ip -o link show eth0) == *'mtu 1400 '* ]]
	mstack down
}

@test "networks: an address that is kept for somebody else is refused with both names" {
	stack <<-'END'
		services: {a: {image: busybox, networks: {n: {ipv4_address: 10.8.0.9}}}}
		networks: {n: {ipam: {config: [{subnet: 10.8.0.0/24, aux_addresses: {printer: 10.8.0.9}}]}}}
	END
	expect_exit 3 mstack up -d
	[[ $output == *"stack.yaml:2:"*"service 'a'"*"10.8.0.9 is kept for 'printer'"* ]]
}

@test "ports: who may reach one is said in the file" {
	internet ip addr add 198.51.100.7/24 dev wan0
	internet ip -6 addr add 2001:db8:64::7/64 dev wan0 nodad
	page
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    command: [httpd, -f, -p, "[::]:80", -h, /www]
		    volumes: ["./www:/www:ro"]
		    ports:
		      - {target: 80, published: 8080, x-allow: [198.51.100.7, "2001:db8:64::7/128"]}
		      - 8081:80
		networks: {default: {enable_ipv6: true}}
	END
	mstack up -d
	wait_until internet curl -s -m 20 -o /dev/null http://198.51.100.2:8081/cgi-bin/who
	internet curl -s -m 20 -o /dev/null --interface 198.51.100.7 http://198.51.100.2:8080/cgi-bin/who
	not internet curl -s -m 1 --interface 198.51.100.1 http://198.51.100.2:8080/cgi-bin/who
	internet curl -s -m 20 -o /dev/null --interface 2001:db8:64::7 'http://[2001:db8:64::2]:8080/cgi-bin/who'
	not internet curl -s -m 1 --interface 2001:db8:64::1 'http://[2001:db8:64::2]:8080/cgi-bin/who'
	# The host itself is not asked.
	curl -s -m 20 -o /dev/null http://127.0.0.1:8080/cgi-bin/who
	mstack down
	internet ip addr del 198.51.100.7/24 dev wan0
	internet ip -6 addr del 2001:db8:64::7/64 dev wan0
}

@test "ports: a range is one element, in each family" {
	page
	stack <<-END
		services: {a: {image: busybox, $who_asks, ports: ["79-81:79-81"]}}
		networks: {default: {enable_ipv6: true}}
	END
	mstack up -d
	wait_until internet curl -s -m 20 -o /dev/null http://198.51.100.2:80/cgi-bin/who
	[[ $(internet curl -s -m 20 'http://[2001:db8:64::2]/cgi-bin/who') == '[2001:db8:64::1]' ]]
	[[ $(nft list ruleset) == *'0.0.0.0/0 . tcp . 79-81 : '*'::/0 . tcp . 79-81 : fd'* ]]
	mstack down
	[[ $(nft list ruleset) != *mstk* ]]
}

# One datagram a moment from one port, without a pause: as a SIP phone or a sensor does.
chatter() {
	# shellcheck disable=SC2016
	internet bash -c 'exec 4<>"/dev/udp/$1/$2"; while :; do echo x >&4 || :; sleep 0.1; done' chatter "$1" 5353 2>/dev/null 3>&- &
	CHATTER+=($!)
}
# Nobody listens there, which the container counts.
datagrams4() { inside a cat /proc/net/snmp | awk '$1 == "Udp:" && $2 ~ /[0-9]/ { exit !$3 }'; }
datagrams6() { inside a cat /proc/net/snmp6 | awk '$1 == "Udp6NoPorts" { exit !$2 }'; }

@test "ports: who sends UDP all the time reaches a container that comes later, and another one after it" {
	CHATTER=()
	chatter 198.51.100.2
	chatter 2001:db8:64::2
	sleep 0.5
	for name in one two; do
		# Each has another address.
		stack $name <<-'END'
			services: {a: {image: busybox, command: [sleep, "1000"], ports: ["5353:53/udp"]}}
			networks: {default: {enable_ipv6: true}}
		END
		mstack up -d
		wait_until datagrams4
		wait_until datagrams6
		# What is not ours is not forgotten.
		internet bash -c 'echo x >/dev/udp/198.51.100.2/6000'
		mstack down
		grep -q 'dport=6000 ' /proc/net/nf_conntrack
	done
	kill "${CHATTER[@]}"
}

# Flows that lead to somebody else than they were sent to.
sent_on() { awk '/dport=5353 /{ n = 0; for (i = 1; i <= NF; i++) { if ($i ~ /^dst=/ && !n++) to = substr($i, 5); if ($i ~ /^src=/) from = substr($i, 5) } if (to != from) print }' /proc/net/nf_conntrack; }
none_is_sent_on() { [[ -z $(sent_on) ]]; }

@test "ports: who sends UDP all the time is sent nowhere any more when the supervisor was killed" {
	local isolated
	CHATTER=()
	chatter 198.51.100.2
	chatter 2001:db8:64::2
	for isolated in false true; do
		stack <<-END
			services: {a: {image: busybox, command: [sleep, "1000"], ports: ["5353:53/udp"]}}
			networks: {default: {enable_ipv6: true}}
			x-isolated: $isolated
		END
		mstack up -d
		wait_until datagrams4
		wait_until datagrams6
		sent_on | grep .
		internet bash -c 'echo x >/dev/udp/198.51.100.2/6000'
		kill -9 "$(supervisor)"
		wait_until none_is_sent_on
		grep -q 'dport=6000 ' /proc/net/nf_conntrack
		mstack down
		none_is_sent_on
	done
	kill "${CHATTER[@]}"
}
