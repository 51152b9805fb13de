# SPDX-License-Identifier: GPL-2.0-or-later
#
# Slow and lossy links: in the file, and live by `mstack impair`. What only netem does (delay and its kin) is checked in the
# virtual machine (tests/vm); here it is enough that a kernel without it is told before anything starts.
# Takes long, so tools/check begins with it.

load lib/common

# Two services on a network, `a` with this x-impair.
two() {
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1000"], networks: {lab: {x-impair: $1}}}
		  b: {image: busybox, command: [sleep, "1000"], networks: [lab]}
		networks: {lab: {driver_opts: {mtu: 1500}}}
	END
}

# acquaint SERVICE: it and the host know each other's hardware address for good, as asking for it may be lost as well.
acquaint() {
	local ip dev
	ip=$(field "$1" IP)
	dev=$(level ip -o route get "$ip" | sed 's/.* dev \([^ ]*\) .*/\1/')
	level ip neigh replace "$ip" lladdr "$(inside "$1" cat /sys/class/net/eth0/address)" dev "$dev"
	nsenter --net --target "$(field "$1" Pid)" ip neigh replace "$(level ip -o route get "$ip" | sed 's/.* src \([^ ]*\) .*/\1/')" \
		lladdr "$(level ip -j link show "$dev" | jq -r '.[0].address')" dev eth0
}

# answered COUNT SERVICE: of so many pings from the host, or from where the bridges are.
answered() {
	level busybox ping -c "$1" -i 0.005 -W 1 -q "$(field "$2" IP)" | sed -n 's/.*transmitted, \([0-9]*\) packets received.*/\1/p'
}

# loses_none SERVICE: of 200. One more try, since the last answer counts only if it comes in time.
loses_none() { [[ $(answered 200 "$1") == 200 || $(answered 200 "$1") == 200 ]]; }

# between LEAST MOST NUMBER
between() {
	if (($3 < $1 || $3 > $2)); then
		echo "$3 is not between $1 and $2"
		return 1
	fi
}

# send BYTES FROM TO: over TCP, until all has arrived; the milliseconds that it took go to $took.
send() {
	local begin server
	inside "$2" sh -c "head -c $1 /dev/zero >/tmp/data"
	inside "$2" busybox httpd -f -p 5000 -h /tmp 3>&- &
	server=$!
	wait_until listens "$2"
	begin=$(date +%s%3N)
	[[ $(inside "$3" timeout 60 busybox wget -q -O - "http://$(field "$2" IP):5000/data" | wc -c) == "$1" ]]
	took=$(($(date +%s%3N) - begin))
	kill "$server"
}
listens() { inside "$1" busybox netstat -ltn | grep -q ':5000 '; }

has_netem() { mstack doctor --format json | jq -e 'select(.Check == "x-impair: netem").Ok' >/dev/null; }

@test "impair: loss of the file, each way by itself, and what is shown" {
	two '{rate: 100mbit, egress: {loss: 50%}}'
	mstack up -d
	expect_exit 0 mstack impair
	says 'a-1    eth0        lab   egress    loss=50% rate=100mbit' 'a-1    eth0        lab   ingress   rate=100mbit' \
		'b-1    eth0        lab   both      -'
	acquaint a
	between 130 270 "$(answered 400 a)"
	loses_none b
	expect_exit 0 mstack impair a:eth0 egress clear
	loses_none a
	expect_exit 0 mstack impair a:lab ingress loss=100%
	[[ $(answered 5 a) == 0 ]]
	mstack impair --format json a:eth0 |
		jq -e '.egress == {} and .ingress == {rate: "100mbit", loss: "100%"} and .service == "a" and .network == "lab"'
	expect_exit 0 mstack impair a:eth0 clear
	loses_none a
	mstack down
}

@test "impair: one per cent of the packets, not of what was sent at once" {
	two '{egress: {loss: 1%}}'
	mstack up -d
	before=$(inside a cat /sys/class/net/eth0/statistics/tx_packets)
	send 20000000 a b
	sent=$(($(inside a cat /sys/class/net/eth0/statistics/tx_packets) - before))
	# 13,812 of 1,448 bytes at least; with segmentation offload they would be some hundreds.
	((sent > 13800))
	expect_exit 0 mstack impair
	if ! has_netem; then
		lost=$(level nft list ruleset | sed -n 's/.*numgen random mod 100000000 < 1000000 counter packets \([0-9]*\) .*/\1/p')
		between $((sent * 6 / 1000)) $((sent * 14 / 1000)) "$lost"
	fi
	mstack down
}

@test "impair: a rate, up and down, changed while it is used" {
	two '{egress: {rate: 4mbit}}'
	mstack up -d
	# 1.5 MB are 3 s, but for what the bucket holds at first.
	send 1500000 a b
	((took > 2500))
	expect_exit 0 mstack impair a:eth0 egress rate=0 ingress rate=4mbit
	send 1500000 b a
	((took > 2500))
	expect_exit 0 mstack impair a:eth0 ingress rate=400mbit
	# What waits in the queue stays there when the rate changes.
	expect_exit 0 mstack impair
	says 'rate=400mbit'
	mstack down
}

@test "impair: a wire, from both of its ends, lossy to the packet and slow" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], network_mode: none}
		  b: {image: busybox, command: [sleep, "1000"], network_mode: none}
		x-links:
		  - endpoints: ["a:eth1", "b:eth1"]
		    mtu: 9000
		    ipv4: ["10.0.0.1/30", "10.0.0.2/30"]
		    impair: {egress: {loss: 50%}}
	END
	mstack up -d
	expect_exit 0 mstack impair
	says 'a-1    eth1        b:eth1   egress   loss=50%'
	for end in a:10.0.0.2:b b:10.0.0.1:a; do
		IFS=: read -r one ip other <<<"$end"
		nsenter --net --target "$(field "$one" Pid)" ip neigh replace "$ip" \
			lladdr "$(inside "$other" cat /sys/class/net/eth1/address)" dev eth1
	done
	through() { inside "$1" busybox ping -c 400 -i 0.005 -W 1 -q "$2" | sed -n 's/.*transmitted, \([0-9]*\) packets received.*/\1/p'; }
	between 130 270 "$(through a 10.0.0.2)"
	between 130 270 "$(through b 10.0.0.1)"
	# The other way too: one half of one half.
	expect_exit 0 mstack impair b:eth1 egress loss=50%
	between 50 150 "$(through a 10.0.0.2)"
	expect_exit 0 mstack impair b:eth1 ingress clear
	expect_exit 0 mstack impair
	says 'a-1    eth1        b:eth1   ingress   loss=50%'
	expect_exit 0 mstack impair a:eth1 clear
	[[ $(through a 10.0.0.2) == 400 || $(through a 10.0.0.2) == 400 ]]
	# What is as long as its MTU goes through the queue.
	expect_exit 0 mstack impair a:eth1 loss=1% rate=100mbit
	inside a busybox ping -c 20 -i 0.01 -s 8972 -W 2 -q 10.0.0.2 | grep -E ' (1[5-9]|20) packets received'
	before=$(inside a cat /sys/class/net/eth1/statistics/tx_packets)
	inside a sh -c 'head -c 20000000 /dev/zero >/tmp/data'
	inside a busybox httpd -f -p 5000 -h /tmp 3>&- &
	server=$!
	wait_until listens a
	[[ $(inside b timeout 60 busybox wget -q -O - http://10.0.0.1:5000/data | wc -c) == 20000000 ]]
	kill "$server"
	# 2,236 of 8,948 bytes at least.
	has_netem || (($(inside a cat /sys/class/net/eth1/statistics/tx_packets) - before > 2230))
	mstack down
}

# What is lost wholly is lost for sure.
@test "impair: wires that lead out: to the host, behind a device of it, through a tunnel" {
	local end to
	internet ip link add far0 address 02:00:00:00:00:fa type vxlan id 42 remote 198.51.100.2 dstport 4789 dev wan0
	internet ip addr add 10.1.3.2/24 dev far0
	internet ip link set far0 up
	audit snapshot ../audit.before
	stack <<-'END'
		x-links:
		  - {endpoints: ["a:e1", "host:h1"], ipv4: [10.1.1.1/24, 10.1.1.2/24], impair: {rate: 50mbit}}
		  - {endpoints: ["a:e2", "macvlan:up0"], ipv4: [198.51.100.50/24]}
		  - {endpoints: ["vxlan:198.51.100.1/42", "a:e3"], ipv4: [~, 10.1.3.1/24], impair: {ingress: {rate: 50mbit}}}
		services: {a: {image: busybox, command: [sleep, "1000"], network_mode: none}}
	END
	mstack up -d
	expect_exit 0 mstack impair
	says 'e1          host:h1                 both     rate=50mbit' 'e3          vxlan:198.51.100.1/42   egress   rate=50mbit'
	for to in e1=10.1.1.2 e2=198.51.100.1 e3=10.1.3.2; do
		end=a:${to%=*}
		wait_until inside a busybox ping -c 1 -W 5 "${to#*=}"
		mstack impair "$end" egress loss=100%
		not inside a busybox ping -c 1 -W 1 "${to#*=}"
		mstack impair "$end" egress loss=0 ingress loss=100% rate=20mbit
		not inside a busybox ping -c 1 -W 1 "${to#*=}"
		mstack impair "$end" clear
		wait_until inside a busybox ping -c 1 -W 5 "${to#*=}"
	done
	mstack down
}

@test "impair: stays over a restart of the service" {
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    command: [sleep, "1000"]
		    restart: always
		    networks: {lab: {x-impair: {egress: {loss: 100%}}}}
		networks: {lab: }
	END
	mstack up -d
	expect_exit 0 mstack impair a:eth0 egress loss=0 ingress loss=100%
	pid=$(field a Pid)
	kill -9 "$pid"
	wait_until runs_anew a "$pid"
	[[ $(answered 3 a) == 0 ]]
	expect_exit 0 mstack impair a:eth0
	says ingress loss=100%
	mstack down
}

@test "impair: what the kernel cannot do is said before anything starts" {
	has_netem && skip 'this kernel has netem'
	two '{rate: 1mbit, ingress: {delay: 20ms}}'
	up_fails 1 "stack.yaml:3:" "network 'lab': delay: this kernel has no netem: modprobe sch_netem"
	expect_exit 1 mstack up --dry-run
	two '{rate: 1mbit}'
	expect_exit 0 mstack up --dry-run
	says 'impair eth0 egress rate=1mbit'
	mstack up -d
	expect_exit 1 mstack impair a:eth0 delay=20ms
	says 'a:eth0: delay: this kernel has no netem: modprobe sch_netem'
	# Nothing of it was done.
	expect_exit 0 mstack impair a:eth0
	says 'rate=1mbit'
	[[ $output != *delay* ]]
	mstack down
}

@test "impair: mistakes" {
	two '{}'
	expect_exit 1 mstack impair a:eth0 loss=1%
	says "stack 't' is not running"
	mstack up -d
	expect_exit 2 mstack impair a loss=1%
	says "'a' is no SERVICE:INTERFACE"
	expect_exit 2 mstack impair aa:eth0 loss=1%
	says "impair: no such service: 'aa' in stack 't'"
	expect_exit 2 mstack impair a:eth0 los=1%
	says "'los' is unknown: did you mean 'loss'?"
	expect_exit 2 mstack impair a:eth0 loss
	expect_exit 2 mstack impair a:eth0 loss=1
	says "loss: '1': write like 1%"
	expect_exit 2 mstack impair a:eth0 rate=10mbps
	says 'bps are bytes to tc'
	expect_exit 2 mstack impair a:eth0 clear loss=1%
	expect_exit 2 mstack impair a:eth0 jitter=5ms
	says 'jitter: needs a delay'
	expect_exit 2 mstack impair --index x a:eth0 loss=1%
	expect_exit 1 mstack impair --index 2 a:eth0 loss=1%
	expect_exit 1 mstack impair a:eth1 loss=1%
	says "service 'a': has no interface or network 'eth1'"
	expect_exit 2 mstack impair c:eth0 loss=1%
	expect_exit 2 mstack impair c:eth0
	expect_exit 2 mstack --dry-run impair a:eth0 loss=1%
	mstack down
}

@test "impair: the example of two sites" {
	cp "$E2E/../../examples/wan/stack.yaml" .
	expect_exit 0 mstack config -q
	if ! has_netem; then
		up_fails 1 "x-links: 'head-router:wan': delay: this kernel has no netem: modprobe sch_netem"
		# All but that.
		sed -i 's/delay: 20ms, //' stack.yaml
	fi
	mstack up -d
	wait_until log_has client 'a page in'
	expect_exit 0 mstack impair head-router:wan
	says branch-router:wan 'loss=0.5%'
	expect_exit 0 mstack impair branch-router:wan loss=100%
	not inside client busybox ping -c 2 -W 1 -q 10.20.1.10
	expect_exit 0 mstack impair head-router:wan clear
	inside client busybox ping -c 5 -W 5 -q 10.20.1.10
	mstack down
}
