# SPDX-License-Identifier: GPL-2.0-or-later
#
# DNS at 127.0.0.11: names of the stack, everybody else's by a made-up server of the internet (`upstream`), and what happens when
# something of it fails. dig is the host's, in the network of a container.

load lib/common

# ask SERVICE DIG-WORDS...: from the network of its container.
ask() {
	local pid
	pid=$(field "$1" Pid)
	shift
	nsenter --target "$pid" --net dig @127.0.0.11 +tries=1 +time=10 "$@"
}

# The addresses, one a line; the header's word for how it went; the header's flags.
short() { ask "$@" +short; }
status() { ask "$@" | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'; }
flags() { ask "$@" | sed -n 's/.*flags: \([a-z ]*\);.*/\1/p'; }

# Of several networks: field shows the first.
address() { mstack ps -a --format json | jq -r --arg s "$1" 'select(.Service == $s) | .IP'; }

# A DNS server of the internet at $1 (203.0.113.10); further words as dnsmasq has them. Its questions are counted in queries.$1.
upstream() {
	local ip=${1:-203.0.113.10}
	shift || :
	internet ip addr add "$ip/32" dev lo 2>/dev/null || :
	internet dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --user=root \
		--listen-address="$ip" --bind-interfaces --log-queries --log-facility="$PWD/queries.$ip" --local-ttl=77 \
		--address=/www.example.org/192.0.2.80 --address=/www.example.org/2001:db8::80 \
		--ptr-record=9.2.0.192.in-addr.arpa,nine.example.org "$@" 3>&- &
	UPSTREAMS+=("$!")
	wait_until host_dig "$ip"
}
host_dig() { [[ $(dig @"$1" +tries=1 +time=1 +short -q www.example.org) == 192.0.2.80 ]]; }

stop_upstreams() {
	local pid
	for pid in "${UPSTREAMS[@]}"; do
		kill "$pid"
		wait "$pid" || :
	done
	UPSTREAMS=()
}

setup_file() {
	local tool
	for tool in dig dnsmasq; do
		command -v "$tool" >/dev/null || export SKIP_ALL="$tool is not installed"
	done
}

two() {
	stack "$@" <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
		  b: {image: busybox, command: [sleep, "1000"]}
	END
}

@test "names: service, slot, container, host name and alias of a network; each only there" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], networks: [one]}
		  b: {image: busybox, command: [sleep, "1000"], hostname: bee, networks: {one: {aliases: [also]}, two: {aliases: [too]}}}
		  c: {image: busybox, command: [sleep, "1000"], container_name: cee, networks: [two]}
		networks: {one: {}, two: {}}
	END
	mstack up -d
	local ip name
	ip=$(address b)
	for name in b b-1 t-b-1 bee also b.t_one; do
		[[ $(short a -q "$name") == "$ip" ]]
	done
	[[ $(short c -q b) != "$ip" && $(short c -q b) == "$(short c -q too)" ]]
	for name in too c cee b.t_two; do
		[[ $(status a -q "$name") == SERVFAIL ]]
	done
	[[ $(short b -q cee) == "$(address c)" ]]
	# As programs look it up.
	inside a busybox ping -c 1 -W 2 also
	inside a grep -q '^nameserver 127.0.0.11$' /etc/resolv.conf
	inside a grep -q '^options ndots:0$' /etc/resolv.conf
	mstack down
}

@test "names: letters of any size, and the answer has those of the question" {
	two
	mstack up -d
	ask a -q wWw.eXample.b >out || :
	ask a -q B >out
	grep -q '^B\.' out
	[[ $(short a -q B) == "$(address b)" ]]
	[[ $(short a -q T-b-1) == "$(address b)" ]]
	mstack down
}

@test "names: a known name has no error and no answer for types that it does not have, and is told for no time" {
	two
	mstack up -d
	local type
	for type in AAAA MX TXT ANY SRV HTTPS; do
		ask a -t "$type" -q b >out
		grep -q 'status: NOERROR' out
		grep -q 'ANSWER: 0,' out
	done
	[[ $(ask a +noall +answer -q b | awk '{ print $2 }') == 0 ]]
	mstack down
}

@test "names: ways back, and none of ours is ever asked for outside" {
	two
	upstream
	mstack up -d
	: >queries.203.0.113.10
	[[ $(short a -x "$(address b)") == t-b-1.t_default. ]]
	[[ $(short a -q t-b-1.t_default) == "$(address b)" ]]
	local free
	free=$(address b | sed 's/[0-9]*$/200/')
	[[ $(status a -x "$free") == NXDOMAIN ]]
	[[ ! -s queries.203.0.113.10 ]]
	[[ $(short a -x 192.0.2.9) == nine.example.org. ]]
	mstack down
	stop_upstreams
}

@test "names: both address families" {
	[[ -e /proc/sys/net/ipv6 ]] || skip 'no IPv6 in this kernel'
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], networks: [n]}
		  b: {image: busybox, command: [sleep, "1000"], networks: [n]}
		networks: {n: {enable_ipv6: true, ipam: {config: [{subnet: 10.9.0.0/24}, {subnet: "fd00:9::/64"}]}}}
	END
	mstack up -d
	local six
	six=$(short a -t AAAA -q b)
	[[ $six == fd00:9::* ]]
	[[ $(short a -t A -q b) == 10.9.0.* ]]
	[[ $(short a -x "$six") == t-b-1.t_n. ]]
	inside a busybox ping -6 -c 1 -W 2 b
	mstack down
}

@test "names: those who share one take turns, and only who runs is told" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
		  b: {image: busybox, command: &wait [sh, -c, "until [ -e /end ]; do sleep 0.1; done"], networks: {default: {aliases: [work]}}}
		  c: {image: busybox, command: *wait, networks: {default: {aliases: [work]}}}
	END
	mstack up -d
	local first second
	first=$(short a -q work)
	second=$(short a -q work)
	[[ $(wc -l <<<"$first") == 2 && $first != "$second" ]]
	[[ $(sort <<<"$first") == "$(sort <<<"$second")" ]]
	[[ $(short a -q work) == "$first" ]]
	inside c touch /end
	wait_until eval '[[ $(short a -q work) == "$(address b)" ]]'
	# A name that is in the file never vanishes.
	[[ $(short a -q c) == "$(address c)" ]]
	inside b touch /end
	wait_until eval '[[ $(short a -q work | wc -l) == 2 ]]'
	mstack down
}

@test "names: a one-off is found while it is there, and finds the others" {
	two
	mstack up -d
	local a
	a=$(address a)
	mstack run -d a sleep 1000
	[[ $(short b -q a-run-1) == 1* && $(short b -q a-run-1) != "$a" ]]
	# The name of the service is not its.
	[[ $(short b -q a) == "$a" ]]
	[[ $(mstack run a nslookup b) == *"$(address b)"* ]]
	[[ $(status b -q a-run-2) == SERVFAIL ]]
	# But for who asks for that: then there are two of this name.
	mstack run -d --use-aliases a sleep 1000
	[[ $(short b -q a | wc -l) == 2 && $(short b -q a) == *"$a"* && $(short b -q a) == *"$(short b -q a-run-3)"* ]]
	mstack down -t 1
}

@test "names: TCP, truncation and EDNS" {
	local i
	{
		echo 'services:'
		echo '  a: {image: busybox, command: [sleep, "1000"]}'
		for ((i = 1; i <= 40; i++)); do
			echo "  w$i: {image: busybox, command: [\"true\"], networks: {default: {aliases: [all]}}}"
		done
	} | stack
	mstack up -d
	wait_until eval '[[ $(mstack ps -a --format json | jq -r .State | grep -c exited) == 40 ]]'
	# 40 addresses are 640 bytes.
	[[ " $(flags a +noedns +ignore -q all) " == *' tc '* ]]
	[[ $(ask a +noedns +ignore -q all +noall +answer | wc -l) == 30 ]]
	[[ " $(flags a +bufsize=4096 +ignore -q all) " != *' tc '* ]]
	[[ $(short a +bufsize=4096 -q all | wc -l) == 40 ]]
	# dig goes on by TCP by itself.
	[[ $(short a +noedns -q all | wc -l) == 40 ]]
	[[ $(short a +tcp -q all | wc -l) == 40 ]]
	ask a +bufsize=4096 -q w1 | grep -q 'EDNS: version: 0, flags:; udp: 1232'
	not grep -q EDNS <(ask a +noedns -q w1)
	# Several questions by one connection.
	[[ $(ask a +tcp +keepopen +short -q w1 -q w2 -q w3 | wc -l) == 3 ]]
	mstack down
}

@test "names: TCP connections that are left open hurt nobody" {
	two
	mstack up -d
	local pid
	pid=$(field a Pid)
	nsenter --target "$pid" --net python3 - <<-'END'
		import socket, struct, time
		def connect():
		    s = socket.create_connection(("127.0.0.11", 53), 10)
		    s.settimeout(10)
		    return s
		q = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + b"\1b\0" + struct.pack(">2H", 1, 1)
		idle = [connect() for _ in range(60)]
		half = [connect() for _ in range(20)]
		for s in half:
		    s.send(b"\0")
		s = connect()
		# In small pieces, and two at once.
		m = struct.pack(">H", len(q)) + q
		for c in m:
		    s.send(bytes([c]))
		s.send(m + m)
		got = b""
		while len(got) < 3 * (2 + len(q) + 16):
		    part = s.recv(4096)
		    assert part
		    got += part
		# More than a question is no question.
		s = connect()
		s.send(b"\xff\xff" + b"x" * 100)
		assert s.recv(10) == b""
	END
	[[ $(short a -q b) == "$(address b)" ]]
	mstack down
}

@test "names: what is no question gets no answer, or an error" {
	two
	mstack up -d
	nsenter --target "$(field a Pid)" --net python3 - <<-'END'
		import socket, struct
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(10)
		s.connect(("127.0.0.11", 53))
		for junk in (b"", b"x", b"\0" * 11, b"\0\1\x81\x80" + b"\0" * 20, b"y" * 3000):
		    s.send(junk)
		def rcode(msg):
		    s.send(msg)
		    return s.recv(1500)[3] & 15
		assert rcode(struct.pack(">6H", 1, 0x100, 0, 0, 0, 0)) == 1
		assert rcode(struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1") == 1
		assert rcode(struct.pack(">6H", 1, 0x2800, 1, 0, 0, 0) + b"\1b\0\0\6\0\1") == 4
		assert rcode(struct.pack(">6H", 1, 0x100, 1, 0, 0, 0) + b"\1b\0\0\1\0\1") == 0
	END
	[[ $(ask a -c CH -t TXT -q version.bind | sed -n 's/.*status: \([A-Z]*\),.*/\1/p') == REFUSED ]]
	mstack down
}

@test "names: a container may have a DNS server of its own on port 53" {
	two
	mstack up -d
	# Of all its addresses, by UDP and TCP.
	nsenter --target "$(field b Pid)" --net dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
		--pid-file= --user=root --address=/mine/10.7.7.7 3>&- &
	local server=$!
	there() { [[ $(nsenter --target "$(field a Pid)" --net dig @"$(address b)" +tries=1 +time=2 +short "$@" -q mine) == 10.7.7.7 ]]; }
	wait_until there
	there +tcp
	# In its own container 127.0.0.11 is still ours.
	[[ $(short b -q a) == "$(address a)" ]]
	[[ $(short b +tcp -q a) == "$(address a)" ]]
	kill "$server"
	wait "$server" || :
	mstack down
}

@test "names: others are asked for at the host's servers, from the host's network" {
	two
	# One that listens on the host's own loopback, as stubs do.
	ip addr add 127.0.0.53/32 dev lo
	dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --user=root \
		--listen-address=127.0.0.53 --bind-interfaces --local-ttl=77 --address=/stub.example.org/192.0.2.53 3>&- &
	local stub=$!
	upstream
	echo 'nameserver 127.0.0.53' >/etc/resolv.conf
	mstack up -d
	wait_until eval '[[ $(short a -q stub.example.org) == 192.0.2.53 ]]'
	echo 'nameserver 203.0.113.10' >/etc/resolv.conf
	# It is followed when it changes.
	wait_until eval '[[ $(short a -q www.example.org) == 192.0.2.80 ]]'
	[[ $(short a -t AAAA -q www.example.org) == 2001:db8::80 ]]
	[[ $(short a +tcp -q www.example.org) == 192.0.2.80 ]]
	[[ $(ask a +noall +answer -q www.example.org | awk '{ print $2 }') == 77 ]]
	# Its answers are passed on as they are: refused here, as dnsmasq knows nobody further.
	[[ $(status a -q nobody.example.net) == REFUSED ]]
	: >/etc/resolv.conf
	wait_until eval '[[ $(status a -q www.example.org) == SERVFAIL ]]'
	kill "$stub"
	wait "$stub" || :
	mstack down
	stop_upstreams
	ip addr del 127.0.0.53/32 dev lo
	echo 'nameserver 203.0.113.10' >/etc/resolv.conf
}

@test "names: a server that is silent, gone or refuses is followed by the next" {
	two
	internet ip addr add 203.0.113.20/32 dev lo
	upstream 203.0.113.30
	# Nobody is at .10 (an error comes back), .20 has nobody who answers.
	internet nft add table ip silent
	internet nft add chain ip silent in '{ type filter hook input priority 0; }'
	internet nft add rule ip silent in ip daddr 203.0.113.20 udp dport 53 drop
	printf 'nameserver 203.0.113.%s\n' 10 20 30 >/etc/resolv.conf
	mstack up -d
	[[ $(short a -q www.example.org) == 192.0.2.80 ]]
	internet nft delete table ip silent
	# One that does not want to, and one that does.
	internet dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --user=root \
		--listen-address=203.0.113.20 --bind-interfaces 3>&- &
	UPSTREAMS+=("$!")
	wait_until eval 'dig @203.0.113.20 +tries=1 +time=1 -q x | grep -q REFUSED'
	[[ $(short a -q www.example.org) == 192.0.2.80 ]]
	stop_upstreams
	[[ $(status a -q www.example.org) == SERVFAIL ]]
	mstack down
	echo 'nameserver 203.0.113.10' >/etc/resolv.conf
}

@test "names: long answers of others come by TCP" {
	two
	local i args=()
	for ((i = 1; i <= 60; i++)); do
		args+=("--host-record=many.example.org,192.0.2.$i")
	done
	upstream 203.0.113.10 "${args[@]}" --edns-packet-max=512
	mstack up -d
	[[ " $(flags a +noedns +ignore -q many.example.org) " == *' tc '* ]]
	[[ $(short a +noedns -q many.example.org | wc -l) == 60 ]]
	[[ $(short a +tcp -q many.example.org | wc -l) == 60 ]]
	mstack down
	stop_upstreams
}

@test "names: who is on internal networks only is refused, and nothing leaves" {
	stack <<-'END'
		services:
		  in: {image: busybox, command: [sleep, "1000"], networks: [back]}
		  peer: {image: busybox, command: [sleep, "1000"], networks: [back]}
		  both: {image: busybox, command: [sleep, "1000"], networks: [back, front]}
		networks: {back: {internal: true}, front: {}}
	END
	upstream
	mstack up -d
	: >queries.203.0.113.10
	local name
	for name in www.example.org nobody secret-of-mine.example.org; do
		[[ $(status in -q "$name") == REFUSED ]]
		[[ $(status in +tcp -q "$name") == REFUSED ]]
	done
	[[ $(status in -x 192.0.2.9) == REFUSED ]]
	[[ $(short in -q peer) == "$(address peer)" ]]
	[[ ! -s queries.203.0.113.10 ]]
	[[ $(short both -q www.example.org) == 192.0.2.80 ]]
	mstack down
	stop_upstreams
}

@test "names: whoever answers has no rights, and is started again when it dies" {
	two
	mstack up -d
	local pid
	pid=$(pgrep -x mstack-net)
	# By then it is where it answers, and has no rights any more.
	[[ $(short a -q b) == "$(address b)" ]]
	# Of an ordinary user it stays that user, and may use addresses of clients (CAP_NET_RAW).
	local nobody=65534 rights=
	[[ -z ${MSTACK_AS:-} ]] || nobody=1000 rights=2000
	[[ $(awk '$1 == "Uid:" { print $2, $3, $4, $5 }' "/proc/$pid/status") == "$nobody $nobody $nobody $nobody" ]]
	[[ $(awk '$1 == "NoNewPrivs:" || $1 == "Seccomp:" { print $2 }' "/proc/$pid/status" | xargs) == '1 2' ]]
	[[ $(awk '/^Cap/ && $2 !~ /^0+$/ { sub("^0*", "", $2); print $2 }' "/proc/$pid/status" | sort -u) == "$rights" ]]
	kill -KILL "$pid"
	# What is asked meanwhile waits for the next one.
	[[ $(short a -q b) == "$(address b)" ]]
	[[ $(pgrep -x mstack-net) != "$pid" ]]
	[[ $(short b +tcp -q a) == "$(address a)" ]]
	# One that hangs is no better.
	pid=$(pgrep -x mstack-net)
	kill -SEGV "$pid"
	wait_until eval '[[ $(short a -q b) == "$(address b)" ]]'
	# It ends with the supervisor.
	kill -KILL "$(supervisor)"
	wait_until not pgrep -x mstack-net
	audit check ../audit.before
}

@test "names: a flush of the container's own rules leaves them alone, where the kernel can" {
	stack_one <<<$'cap_add: [NET_ADMIN]\ncommand: [sleep, "1000"]'
	mstack up -d
	own_nft() { nsenter --target "$(field a Pid)" --user --setuid 0 --setgid 0 --net nft "$@"; }
	own_nft add table inet mine
	[[ $(own_nft list tables) == *mstack_dns*mine* ]]
	if [[ $(own_nft list table inet mstack_dns) != *owner* ]]; then
		mstack down
		skip 'this kernel (before 6.9) has no tables that outlive their owner'
	fi
	own_nft flush ruleset
	[[ $(own_nft list tables) != *mine* ]]
	[[ $(short a -q a) == "$(address a)" ]]
	mstack down
}

@test "names: nobody tracks a container's connections for them, and a firewall of its own that does sees port 53" {
	stack_one <<<$'cap_add: [NET_ADMIN]\ncommand: [sleep, "1000"]'
	mstack up -d
	own_nft() { nsenter --target "$(field a Pid)" --user --setuid 0 --setgid 0 --net nft "$@"; }
	if own_nft list table inet mstack_dns >rules; then
		not grep -E 'dnat|redirect|ct ' rules
	fi
	own_nft -f - <<-'END'
		table inet mine {
			chain in {
				type filter hook input priority filter; policy drop;
				ct state established accept
				udp dport 53 accept
				tcp dport 53 accept
			}
			chain out {
				type filter hook output priority filter; policy drop;
				udp dport 53 accept
				tcp dport 53 accept
				ct state established accept
			}
		}
	END
	[[ $(short a -q a) == "$(address a)" ]]
	[[ $(short a +tcp -q a) == "$(address a)" ]]
	mstack down
}

@test "names: two stacks do not know each other" {
	two one
	mstack up -d
	[[ $(short a -q b) == "$(address b)" ]]
	mkdir two
	cd two
	stack two <<<'services: {c: {image: busybox, command: [sleep, "1000"]}, b: {image: busybox, command: [sleep, "1000"]}}'
	mstack up -d
	[[ $(short c -q b) == "$(address b)" ]]
	[[ $(status c -q a) == SERVFAIL ]]
	[[ $(pgrep -cx mstack-net) == 2 ]]
	mstack down
	cd ..
	[[ $(short a -q b) == "$(address b)" ]]
	[[ $(status a -q c) == SERVFAIL ]]
	mstack down
}

@test "names: the host's domains, and who has no network of the stack has the host's servers" {
	printf 'domain old.example\nsearch lan.example second.example\nnameserver 203.0.113.10\noptions timeout:9\n' >/etc/resolv.conf
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
		  n: {image: busybox, command: [sleep, "1000"], network_mode: none}
		  h: {image: busybox, command: [sleep, "1000"], network_mode: host}
		  s: {image: busybox, command: [sleep, "1000"], network_mode: "service:a"}
	END
	mstack up -d
	[[ $(inside a cat /etc/resolv.conf) == $'nameserver 127.0.0.11\nsearch lan.example second.example\noptions ndots:0' ]]
	[[ $(inside s cat /etc/resolv.conf) == "$(inside a cat /etc/resolv.conf)" ]]
	[[ $(inside h cat /etc/resolv.conf) == "$(</etc/resolv.conf)" ]]
	[[ $(short s -q a) == "$(address a)" ]]
	mstack down
	echo 'nameserver 203.0.113.10' >/etc/resolv.conf
}

@test "names: without the program up says so before anything is made" {
	two
	MSTACK_NET_BIN=/nonexistent/mstack-net up_fails 1 mstack-net
}

@test "names: with dns other servers are asked for one service, and the stack's names are the same" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], dns: [203.0.113.40], dns_search: [lan.example], dns_opt: [edns0]}
		  b: {image: busybox, command: [sleep, "1000"]}
	END
	upstream 203.0.113.40
	mstack up -d
	[[ $(inside a cat /etc/resolv.conf) == $'nameserver 127.0.0.11\nsearch lan.example\noptions edns0 ndots:0' ]]
	[[ $(short a -q www.example.org) == 192.0.2.80 ]]
	[[ $(status b -q www.example.org) == SERVFAIL ]]
	[[ $(short a -q b) == "$(address b)" ]]
	mstack down
	stop_upstreams
}

@test "names: an isolated stack has them as well, and asks from the host's network" {
	{
		echo 'x-isolated: true'
		printf 'services:\n  a: &s {image: busybox, command: [sleep, "1000"]}\n  b: *s\n'
	} | stack
	upstream
	mstack up -d
	[[ $(short a -q b) == "$(address b)" ]]
	[[ $(short a -q www.example.org) == 192.0.2.80 ]]
	kill -KILL "$(pgrep -x mstack-net)"
	[[ $(short a -q www.example.org) == 192.0.2.80 ]]
	mstack down
	stop_upstreams
}
