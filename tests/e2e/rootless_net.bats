# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The way out and in of an ordinary user's stack: pasta, published ports, names.

load lib/common
load lib/users

outside() {
	users
	tunnels
	# As if it were not installed.
	mkdir /run/users/bin
	printf '#!/bin/sh\nexit 127\n' >/run/users/bin/pasta
	chmod 755 /run/users/bin /run/users/bin/pasta
	# They were there before the test.
	audit snapshot "$BATS_TEST_TMPDIR/audit.before"
}

# A web server that says who asks.
who_stack() {
	user_stack ann <<-END
		services:
		  a:
		    image: busybox
		    command:
		      - sh
		      - -c
		      - |
		        mkdir -p /w/cgi-bin
		        printf '#!/bin/sh\necho\necho "from \$\$REMOTE_ADDR"\n' >/w/cgi-bin/who
		        chmod 755 /w/cgi-bin/who
		        exec httpd -f -p 0.0.0.0:80 -h /w
		    stop_signal: SIGKILL
		    ports: [$1]
	END
}

asked_by() { [[ $(fetch "http://$1/cgi-bin/who") == "from "$2 ]]; }
asked_from_internet() { [[ $(fetch_from_internet "http://$1/cgi-bin/who") == "from "$2 ]]; }
# Once more when nothing comes: the pasta of Debian 12 ends a connection now and then and tells only the side of the host.
a_hears() {
	local said
	said=$(as ann mstack exec a timeout 5 wget -q -O - "$1")
	# shellcheck disable=SC2053 # a pattern
	[[ $said == $2 ]]
}
# As for root: the host by 127.0.0.1 is the gateway.
GATEWAY='172.*.1'
pasta_pid() { pgrep -f '^pasta --foreground'; }

@test "rootless net: a container reaches the internet and the host, and finds names" {
	outside
	internet_httpd
	# One on the host's own loopback, as stubs are.
	echo 'nameserver 127.0.0.53' >/etc/resolv.conf
	dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --user=root \
		--bind-interfaces --listen-address=127.0.0.53 --address=/inter.example/203.0.113.10 3>&- &
	local dns=$!
	who_stack '"8080:80"'
	as ann mstack up -d 2>up.err
	not grep 'way out' up.err
	wait_until asked_by 127.0.0.1:8080 "$GATEWAY"
	wait_until a_hears 'http://203.0.113.10/cgi-bin/who' '198.51.100.2'
	# By name: whoever the host asks is asked from the host's network.
	wait_until a_hears 'http://inter.example/cgi-bin/who' '198.51.100.2'
	# The host by its own address.
	wait_until a_hears 'http://198.51.100.2:8080/cgi-bin/who' 'from *'
	as ann mstack down
	wait_until not pasta_pid
	echo 'nameserver 203.0.113.10' >/etc/resolv.conf
	kill "$HTTPD" "$dns"
	wait "$HTTPD" "$dns" || :
}

@test "rootless net: a published port shows the address of its client, and its own ports follow a change" {
	outside
	who_stack '"8080:80"'
	as ann mstack up -d
	wait_until asked_by 198.51.100.2:8080 198.51.100.2
	asked_from_internet 198.51.100.2:8080 198.51.100.1
	sed -i 's/8080:80/8081:80/' stack.yaml
	as ann mstack up -d
	wait_until asked_from_internet 198.51.100.2:8081 198.51.100.1
	run fetch http://127.0.0.1:8080/
	[[ $status != 0 ]]
	as ann mstack down
}

@test "rootless net: IPv6 as IPv4: the way out, the host, published ports with the address of the client, who may reach them" {
	outside
	internet_httpd
	internet busybox httpd -f -p '[2001:db8:cb::10]:80' -h www 3>&- &
	local httpd6=$!
	who_stack '"8080:80", {target: 80, published: 8081, x-allow: ["2001:db8:64::7/128"]}, "[2001:db8:64::2]:8082:80"'
	sed -i 's/0.0.0.0:80/[::]:80/' stack.yaml
	echo 'networks: {default: {enable_ipv6: true}}' >>stack.yaml
	as ann mstack up -d
	wait_until asked_by 127.0.0.1:8080 "[[]::ffff:$GATEWAY]"
	asked_from_internet '[2001:db8:64::2]:8080' '[[]2001:db8:64::1]'
	asked_from_internet '[2001:db8:64::2]:8082' '[[]2001:db8:64::1]'
	asked_by '[::1]:8080' '[[]fd*'
	asked_by '[2001:db8:64::2]:8080' '[[]2001:db8:64::2]'
	# The way out, and the host by its own address.
	wait_until a_hears 'http://[2001:db8:cb::10]/cgi-bin/who' '[[]2001:db8:64::2]'
	busybox httpd -f -p '[2001:db8:64::2]:8090' -h "$OLDPWD/www" 3>&- &
	local host=$!
	wait_until fetch 'http://[2001:db8:64::2]:8090/cgi-bin/who'
	wait_until a_hears 'http://[2001:db8:64::2]:8090/cgi-bin/who' '[[]2001:db8:64::2]'
	# Who may.
	internet ip -6 addr add 2001:db8:64::7/64 dev wan0 nodad
	not internet curl -s -m 2 --interface 2001:db8:64::1 'http://[2001:db8:64::2]:8081/cgi-bin/who'
	[[ $(internet curl -s -m 5 --interface 2001:db8:64::7 'http://[2001:db8:64::2]:8081/cgi-bin/who') == 'from [2001:db8:64::7]' ]]
	as ann mstack down
	internet ip -6 addr del 2001:db8:64::7/64 dev wan0
	kill "$HTTPD" "$httpd6" "$host"
	wait "$HTTPD" "$httpd6" "$host" || :
}

@test "rootless net: pasta that dies is started again, and that is said" {
	outside
	internet_httpd
	who_stack '"8080:80"'
	cd /home/ann
	as ann env --default-signal=INT,QUIT mstack up >/home/ann/up.out 2>/home/ann/up.err 3>&- &
	local up=$!
	wait_until asked_by 127.0.0.1:8080 "$GATEWAY"
	kill -KILL "$(pasta_pid)"
	wait_until grep 'way out: pasta ended with signal 9: it is started again' up.err
	wait_until grep 'way out: it is there again' up.err
	wait_until a_hears 'http://203.0.113.10/cgi-bin/who' '198.51.100.2'
	as ann mstack down
	kill "$HTTPD"
	wait "$HTTPD" "$up" || :
}

@test "rootless net: without pasta there is no way out, which is said, and ports work" {
	outside
	who_stack '"8080:80"'
	PATH=/run/users/bin:$PATH as ann mstack up -d 2>up.err
	cat up.err
	grep 'way out: none, containers reach nothing outside of the stack: pasta is not installed: sudo apt-get install passt' up.err
	wait_until asked_from_internet 198.51.100.2:8080 198.51.100.1
	as ann mstack down
	run as ann mstack doctor
	says 'a way out for containers'
	chmod 600 /dev/net/tun
	run as ann mstack doctor
	echo "$output"
	says '/dev/net/tun is not for this user' 'sudo chmod 666 /dev/net/tun'
}

@test "rootless net: a port below 1024 is refused with the command that allows it, and so is one that is taken" {
	outside
	who_stack '"80:80"'
	run as ann mstack up -d
	echo "$output"
	[[ $status == 1 ]]
	says 'port 80/tcp (a-1): ports below 1024 are root' 'sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80'
	busybox httpd -f -p 8080 -h / 3>&- &
	local httpd=$!
	wait_until host_listens 8080
	who_stack '"8080:80"'
	run as ann mstack up -d
	kill "$httpd"
	echo "$output"
	[[ $status == 1 ]]
	says 'port 8080/tcp (a-1): already in use on this host'
	# One of the user's own stacks.
	wait "$httpd" || :
	who_stack '"8080:80"'
	as ann mstack up -d
	sed 's/^name: .*/name: other/' stack.yaml >other.yaml
	run as ann mstack up -d other.yaml
	echo "$output"
	[[ $status == 1 ]]
	says "port 8080/tcp (a-1): already in use on this host by stack 't', service 'a'"
	as ann mstack down
}

@test "rootless net: with the supervisor all of it goes" {
	outside
	who_stack '"8080:80"'
	as ann mstack up -d
	wait_until asked_by 127.0.0.1:8080 "$GATEWAY"
	kill -KILL "$(as ann mstack ls --format '{{.Pid}}')"
	wait_until not pasta_pid
	wait_until not pgrep -x mstack-porch
	wait_until not pgrep -x mstack-spare
	wait_until not fetch http://127.0.0.1:8080/
	as ann mstack down
}

@test "rootless net: ports, names and the way out go on while the program of the supervisor is another one" {
	outside
	internet_httpd
	who_stack '"8080:80"'
	as ann mstack up -d
	wait_until asked_from_internet 198.51.100.2:8080 198.51.100.1
	kill -USR2 "$(as ann mstack ls --format '{{.Pid}}')"
	wait_until told 'goes on in place of'
	wait_until asked_from_internet 198.51.100.2:8080 198.51.100.1
	wait_until a_hears 'http://203.0.113.10/cgi-bin/who' '198.51.100.2'
	sed -i 's/8080:80/8081:80/' stack.yaml
	as ann mstack up -d
	wait_until asked_from_internet 198.51.100.2:8081 198.51.100.1
	as ann mstack down
	wait_until not pasta_pid
	kill "$HTTPD"
	wait "$HTTPD" || :
}

@test "rootless net: what leads out past the way out needs root, and is told where it is asked for" {
	users
	user_stack ann <<-END
		x-links:
		  - endpoints: ["a:e1", "host:h1"]
		  - endpoints: ["a:e2", "macvlan:up0"]
		  - endpoints: ["a:e3", "vxlan:198.51.100.1/42"]
		services: {a: {image: busybox, networks: [m, v, e]}}
		networks:
		  m: {driver: macvlan, driver_opts: {parent: up0}}
		  v: {driver: vxlan, driver_opts: {vni: 7, peers: 198.51.100.1}}
		  e: {external: true, name: br0}
	END
	expect_exit 3 as ann mstack up -d
	says "stack.yaml:8:" "network 'm': macvlan needs root" "stack.yaml:9:" "network 'v': vxlan needs root" \
		"stack.yaml:10:" "network 'e': external needs root"
	sed -i 's/, networks: .m, v, e.//; /^networks:/,$d' stack.yaml
	expect_exit 3 as ann mstack up -d
	says "stack.yaml:3:" "x-links: 'host:h1' needs root" "stack.yaml:4:" "x-links: 'macvlan:up0' needs root" \
		"stack.yaml:5:" "x-links: 'vxlan:198.51.100.1/42' needs root"
	sed -i '/x-links/,/a:e3/d; $ax-hosts: true' stack.yaml
	expect_exit 3 as ann mstack up -d
	says "stack.yaml:3:" 'x-hosts needs root'
}

@test "rootless net: two users and root side by side, with the same subnets and addresses; a port is whose it was first" {
	outside
	local name
	for name in ann eve; do
		who_stack "\"$([[ $name == ann ]] && echo 8080 || echo 8081):80\""
		echo 'networks: {default: {ipam: {config: [{subnet: 10.9.8.0/24}]}}}' >>stack.yaml
		[[ $name == ann ]] || cp stack.yaml /home/eve
		[[ $name == ann ]] || cd /home/eve
		as $name mstack up -d
	done
	cd "$BATS_TEST_TMPDIR/work"
	sed 's/8081/8082/' /home/eve/stack.yaml >stack.yaml
	mstack up -d
	for name in 8080 8081 8082; do
		wait_until asked_from_internet 198.51.100.2:$name 198.51.100.1
	done
	[[ $(field a IP) == 10.9.8.2 && $(cd /home/ann && as ann mstack ps --format json | jq -r .IP) == 10.9.8.2 ]]
	mstack down
	sed -i 's/8081/8080/' /home/eve/stack.yaml
	cd /home/eve
	expect_exit 1 as eve mstack up -d
	says 'port 8080/tcp' 'already in use on this host'
	asked_from_internet 198.51.100.2:8081 198.51.100.1
	cd /home/ann
	as ann mstack down
	cd /home/eve
	as eve mstack up -d
	wait_until asked_from_internet 198.51.100.2:8080 198.51.100.1
	as eve mstack down
}

@test "rootless net: a port that any free one does for, in both families, also of an isolated stack, which a user's is anyway" {
	outside
	local port
	who_stack '"80"'
	sed -i 's/0.0.0.0:80/[::]:80/' stack.yaml
	echo 'networks: {default: {enable_ipv6: true}}' >>stack.yaml
	as ann mstack up -d --isolated
	port=$(as ann mstack port a 80 | sed -n 's/.*0.0.0.0:\([0-9]*\)$/\1/p')
	wait_until asked_from_internet "198.51.100.2:$port" '[[]::ffff:198.51.100.1]'
	asked_from_internet "[2001:db8:64::2]:$port" '[[]2001:db8:64::1]'
	# It can be changed as any other.
	sed -i 's/"80"/"8080:80"/' stack.yaml
	as ann mstack up -d
	wait_until asked_from_internet 198.51.100.2:8080 '[[]::ffff:198.51.100.1]'
	as ann mstack down
}

# ---- mstack-porch is killed ----

up_in_background() {
	as ann mstack up -d 2>up.err
	SUP=$(as ann mstack ls --format '{{.Pid}}')
}
told() { grep "$@" /run/user/1000/mstack/t/supervisor.log; }
porch() { pgrep -x mstack-porch; }
spare() { pgrep -x mstack-spare; }

# As often as it is killed, which is said to be COUNT now, the other one takes its place, and there is another spare.
kill_porch() {
	local next
	wait_until spare
	next=$(spare)
	kill -KILL "$(porch)"
	replaced() { [[ $(porch) == "$next" ]] && spare; }
	wait_until replaced
	said() { [[ $(told -c 'way out: mstack-porch has ended: another one takes its place') == "$1" ]]; }
	wait_until said "$1"
}

# publish FROM TO: another port of the host; it is found there, and the first is not any more.
publish() {
	sed -i "s/$1:80/$2:80/" stack.yaml
	as ann mstack up -d
	wait_until asked_from_internet "198.51.100.2:$2" 198.51.100.1
	not fetch "http://127.0.0.1:$1/"
}

@test "rootless net: mstack-porch that is killed is replaced, as often as that happens: ports, the way out, names" {
	outside
	internet_httpd
	echo 'nameserver 127.0.0.53' >/etc/resolv.conf
	dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --user=root \
		--bind-interfaces --listen-address=127.0.0.53 --address=/inter.example/203.0.113.10 3>&- &
	local dns=$! count
	who_stack '"8080:80"'
	up_in_background
	wait_until asked_by 127.0.0.1:8080 "$GATEWAY"
	for count in 1 2 3; do
		kill_porch "$count"
		# What was there goes on, and what is new comes.
		asked_by "127.0.0.1:$((8079 + count))" "$GATEWAY"
		publish $((8079 + count)) $((8080 + count))
		wait_until a_hears 'http://203.0.113.10/cgi-bin/who' '198.51.100.2'
		wait_until a_hears 'http://inter.example/cgi-bin/who' '198.51.100.2'
	done
	wait_until told 'way out: it is there again'
	as ann mstack down
	wait_until not porch
	wait_until not spare
	wait_until not pasta_pid
	echo 'nameserver 203.0.113.10' >/etc/resolv.conf
	kill "$HTTPD" "$dns"
	wait "$HTTPD" "$dns" || :
}

@test "rootless net: a connection by a published port lives on when mstack-porch is killed" {
	outside
	who_stack '"8080:80"'
	sed -i 's/exec httpd.*/exec nc -ll -p 80 -e cat/' stack.yaml
	up_in_background
	local talk line
	# Whoever comes before it listens is reset.
	talks() {
		exec {talk}<>/dev/tcp/127.0.0.1/8080 || return
		echo one >&"$talk" && read -r -t 20 line <&"$talk" && return
		exec {talk}>&-
		return 1
	}
	wait_until talks
	[[ $line == one ]]
	kill_porch 1
	echo two >&"$talk"
	read -r -t 20 line <&"$talk"
	[[ $line == two ]]
	exec {talk}>&-
	as ann mstack down
}

@test "rootless net: the spare of mstack-porch has nothing open, and is replaced when it is killed" {
	outside
	who_stack '"8080:80"'
	up_in_background
	wait_until spare
	local pid porch
	pid=$(spare)
	porch=$(porch)
	# /dev/null three times, its socket, and what tells of children.
	wait_until eval "(( \$(ls /proc/$pid/fd | wc -l) == 5 ))"
	[[ /proc/$pid/ns/net -ef /proc/self/ns/net ]]
	kill -KILL "$pid"
	another() { spare && [[ $(spare) != "$pid" ]]; }
	wait_until another
	[[ $(porch) == "$porch" ]]
	# It is as good as the first.
	kill_porch 1
	publish 8080 8081
	as ann mstack down
}

@test "rootless net: mstack-porch and its spare are killed at once: what to do is said, and 'down' and 'up' do it" {
	outside
	who_stack '"8080:80"'
	up_in_background
	wait_until spare
	# Else the one takes the place of the other between the two.
	kill -STOP "$SUP"
	local both
	both="$(porch) $(spare)"
	# shellcheck disable=SC2086 # two of them
	kill -KILL $both
	ended() { ! grep -qs '^State:[[:space:]]*[^ZX[:space:]]' $(printf '/proc/%s/status ' $both); }
	wait_until ended
	kill -CONT "$SUP"
	wait_until told "way out: mstack-porch and mstack-spare have ended: .* until 'mstack down' and 'mstack up'"
	wait_until asked_from_internet 198.51.100.2:8080 198.51.100.1
	# Nobody has read the log of the supervisor: doctor tells as well.
	expect_exit 6 as ann mstack doctor
	grep -E "^stack 't': way out mstack-porch +missing +.*: .mstack down. and .up. make it anew" <<<"$output"
	sed -i 's/8080:80/8081:80/' stack.yaml
	expect_exit 1 as ann mstack up -d
	says "port 8081/tcp (new): nobody of the stack is in the host's network any more" "'mstack down' and 'mstack up'"
	as ann mstack down
	as ann mstack up -d
	wait_until asked_from_internet 198.51.100.2:8081 198.51.100.1
	run as ann mstack doctor
	grep -E '^leftovers +ok' <<<"$output"
	as ann mstack down
}

@test "rootless net: mstack-porch that was replaced, and its spare, are the next program's too" {
	outside
	internet_httpd
	who_stack '"8080:80"'
	up_in_background
	kill_porch 1
	local pid
	pid=$(porch)
	kill -USR2 "$SUP"
	wait_until told 'goes on in place of'
	[[ $(porch) == "$pid" ]]
	publish 8080 8081
	kill_porch 2
	publish 8081 8082
	wait_until a_hears 'http://203.0.113.10/cgi-bin/who' '198.51.100.2'
	as ann mstack down
	wait_until not porch
	wait_until not spare
	kill "$HTTPD"
	wait "$HTTPD" || :
}
