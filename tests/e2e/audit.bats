# SPDX-License-Identifier: GPL-2.0-or-later
#
# The auditor itself: each kind of leak, made on purpose, must be found; and nothing where there is none.

# The leaks are texts that `leak` evaluates.
# shellcheck disable=SC2016,SC2034

load lib/common

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	await_clock
	audit snapshot audit.before
}

teardown() { :; }

unix_socket='socket($s, AF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un("left.sock")); listen($s, 1); sleep 100'
udp_socket='socket($s, AF_INET, SOCK_DGRAM, 0); bind($s, pack_sockaddr_in(7777, INADDR_ANY)); sleep 100'

# leak CATEGORY COMMAND: after COMMAND the audit must fail with a line of that category; what COMMAND left in the background may need a moment for it.
leak() {
	eval "$2"
	wait_until is_found "$1"
}
is_found() {
	run audit check audit.before 0
	echo "$output"
	[[ $status == 1 && $output == *"+ $1: "* ]]
}
# In a namespace of this kind that is not ours.
is_apart() { [[ ! /proc/$1/ns/$2 -ef /proc/self/ns/$2 ]]; }

@test "audit: silent when nothing is left" {
	audit check audit.before 0
}

@test "audit: what goes within the deadline is no leak" {
	sleep 0.5 &
	audit check audit.before
}

@test "audit: what was there before and is gone counts too" {
	ip addr del 198.51.100.2/24 dev up0
	run audit check audit.before 0
	[[ $status == 1 && $output == *"- address: up0"* ]]
}

@test "audit: interface" { leak interface 'ip link add left0 type bridge'; }
@test "audit: interface of the internet" { leak interface 'internet ip link add left0 type veth peer name left1'; }
@test "audit: address" { leak address 'ip addr add 192.0.2.1/32 dev lo'; }
@test "audit: route" { leak route 'ip route add 192.0.2.0/24 dev up0'; }
@test "audit: process" { leak process 'sleep 100 &'; }
@test "audit: zombie" { leak process '{ sleep 0 & exec sleep 100; } &'; }
@test "audit: network namespace of a process" { leak namespace 'unshare --net sleep 100 &'; }
@test "audit: namespace held by a descriptor" { leak namespace 'unshare --uts sleep 100 & wait_until is_apart $! uts
	exec 8<"/proc/$!/ns/uts"; kill $!; wait_until gone $!'; }
@test "audit: pinned namespace" { leak mount ': >ns; unshare --net=ns true'; }
@test "audit: mount" { leak mount 'mkdir m; mount -t tmpfs left m'; }
@test "audit: cgroup" { leak cgroup 'mkdir -p "$MSTACK_SANDBOX/mstack/left"'; }
@test "audit: nft table" { leak nft 'nft add table inet left'; }
@test "audit: unix socket" { leak 'unix socket' 'perl -MSocket -e "$unix_socket" &'; }
@test "audit: listening TCP port" { leak listening 'busybox nc -l -p 7777 &'; }
@test "audit: UDP port" { leak listening 'perl -MSocket -e "$udp_socket" &'; }
@test "audit: file in the run-time folder" { leak file 'mkdir -p /run/mstack/left; : >/run/mstack/left/ledger'; }
@test "audit: file in the data folder" { leak file 'mkdir -p /var/lib/mstack/slots/left'; }
@test "audit: shared memory" { leak file ': >/dev/shm/mstack-left-$$'; }
@test "audit: forwarding left on" { leak sysctl 'echo 1 >/proc/sys/net/ipv4/ip_forward'; }

@test "audit: images, named volumes and logs are the user's own" {
	mkdir -p /run/mstack /var/lib/mstack/{images/x,volumes/p_v/deep,projects/p/logs/a-1}
	: >/var/lib/mstack/volumes/p_v/deep/value
	audit check audit.before 0
}
