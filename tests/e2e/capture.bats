# SPDX-License-Identifier: GPL-2.0-or-later
#
# What `mstack capture` writes, read by the tools that people read it with.

load lib/common

setup_file() {
	command -v tshark capinfos tcpdump >/dev/null || export SKIP_ALL='needs tshark, capinfos and tcpdump'
}

# A web server, and somebody who asks it.
web_and_db() {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"]}
		  db: {image: busybox, command: [sleep, "1000"], networks: [default, back]}
		networks: {back: {internal: true}}
	END
	mstack up -d
	wait_until ask_web
}

ask_web() { [[ $(mstack exec -T db wget -q -O - http://web/) == hello ]]; }

# capture WORDS...: in the background, as soon as it records; what it says is in said.
capture() {
	: >said
	env --default-signal=INT mstack capture "$@" 2>said &
	CAPTURE=$!
	wait_until grep -q ^recording said
}

# ends_capture [SIGNAL]: with 0, and says that nothing was lost.
ends_capture() {
	kill -"${1:-INT}" "$CAPTURE"
	ends_with 0 "$CAPTURE"
	cat said
	grep -q ' 0 lost$' said
}

packets() { tshark -r "$@" 2>/dev/null; }
# For tshark: data on its way to the web server. The same once more, at the other end, is for tshark no request any more.
asked='tcp.dstport == 80 and tcp.len > 0'
requests_in() { packets "$1" -Y "$asked" | wc -l; }
has_restarted() { (($(field "$1" Restarts) > 0)); }
has_two_requests() { (($(requests_in x.pcapng) > 1)); }
has_two_lines() { ask_web && [[ $(wc -l <"$1") == 2 ]]; }
info_of() { capinfos "$@" 2>/dev/null; }

@test "capture: two services in one file, with names, directions and statistics" {
	web_and_db
	capture web db:eth0 -w x.pcapng
	ask_web
	ends_capture
	grep -q '^recording web-1:eth0, db-1:eth0; Ctrl-C ends it$' said
	grep -q '^[0-9]* packets of 2 interfaces recorded in x.pcapng, 0 lost$' said
	[[ $(stat -c %a x.pcapng) == 600 ]]
	info_of x.pcapng >info
	grep -q 'Strict time order: *True' info
	grep -q 'Name = web-1:eth0' info
	grep -q 'Description = db-1 on network t_default' info
	grep -q 'precision: *nanoseconds' info
	[[ $(grep -c 'Number of stat entries = 1' info) == 2 ]]
	# Out of one, into the other.
	packets x.pcapng -Y "$asked" -T fields -e frame.interface_name -e frame.packet_flags_direction >requests
	[[ $(<requests) == $'db-1:eth0\t0x00000002\nweb-1:eth0\t0x00000001' ]]
	[[ $(packets x.pcapng -N n -Y "$asked" -T fields -e ip.src_host -e ip.dst_host | sort -u) == $'db-1\tweb-1' ]]
	tcpdump -nr x.pcapng tcp port 80 2>/dev/null | grep -q 'GET / HTTP'
	mstack down
}

@test "capture: by filter, length and number" {
	web_and_db
	capture web -w x.pcapng --filter 'tcp port 80' -s 60 -c 3
	ask_web
	ends_with 0 "$CAPTURE"
	grep -q '^3 packets of 1 interface recorded in x.pcapng, 0 lost$' said
	[[ $(packets x.pcapng -Y 'tcp.port == 80 and frame.cap_len <= 60 and frame.len > 60' | wc -l) == 3 ]]
	info_of x.pcapng | grep -q 'Filter string = tcp port 80'
	expect_exit 0 mstack capture --duration 1 -w all.pcapng --progress plain
	says 'recording web-1:eth0, db-1:eth0, db-1:eth1' 'of 3 interfaces recorded in all.pcapng, 0 lost'
	not says 'Ctrl-C'
	mstack down
}

@test "capture: goes on when the service is restarted" {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"]}
		  db: {image: busybox, command: [sh, -c, "wget -q -O - http://web/ && sleep 1"], restart: always}
	END
	mstack up -d
	wait_until has_restarted db
	capture db -w x.pcapng --filter 'tcp port 80'
	# Whole blocks are in the file as soon as they are known.
	wait_until has_two_requests
	ends_capture TERM
	[[ $(info_of x.pcapng | grep -c 'Name = db-1:eth0') == 1 ]]
	mstack down
}

@test "capture: ends with the stack, and all of it is written" {
	web_and_db
	capture -w x.pcapng
	ask_web
	mstack down
	ends_with 0 "$CAPTURE"
	grep -q '^web-1:eth0 is gone$' said
	grep -q ' 0 lost$' said
	[[ $(requests_in x.pcapng) == 2 ]]
	[[ $(info_of x.pcapng | grep -c 'Number of stat entries = 1') == 3 ]]
}

@test "capture: read while it is written, until the reader has enough" {
	web_and_db
	mkfifo pipe
	tcpdump -nr pipe -c 2 tcp port 80 >seen 2>/dev/null &
	reader=$!
	capture web -w pipe
	ask_web
	ends_with 0 "$reader"
	ask_web
	ends_with 0 "$CAPTURE"
	[[ $(wc -l <seen) == 2 ]]
	# Standard output likewise.
	env --default-signal=INT timeout 60 mstack capture web -w - 2>said | tcpdump -nr - -c 2 tcp port 80 2>/dev/null >seen &
	reader=$!
	wait_until grep -q ^recording said
	wait_until has_two_lines seen
	wait "$reader"
	mstack down
}

@test "capture: a reader that does not read keeps nobody waiting" {
	stack_one <<<'command: [sh, -c, "while :; do head -c 65536 /dev/zero; done | nc 127.0.0.1 9; sleep 1000"]'
	mstack up -d
	mkfifo pipe
	sleep 1000 9<pipe &
	reader=$!
	capture a:lo a -w pipe
	# More than fits into a pipe, from inside.
	for ((i = 0; i < 200; i++)); do head -c 1400 /dev/zero; done | inside a busybox nc -u -w 1 127.0.0.1 9 || :
	inside a busybox ping -c 100 -i 0.01 -s 1400 127.0.0.1 >/dev/null
	[[ $(field a State) == running ]]
	kill -INT "$CAPTURE"
	ends_with 1 "$CAPTURE"
	grep -q "nobody reads from 'pipe': the end of the recording is missing" said
	kill "$reader"
	mstack down
}

@test "capture: interfaces that come and go" {
	web_and_db
	capture web db:eth0 -w x.pcapng
	for service in web db; do
		inside $service ip link add br7 type bridge
		inside $service ip addr add 10.5.0.1/24 dev br7
		inside $service ip link set br7 up
	done
	wait_until grep -q '^web-1:br7 has come, and is recorded too$' said
	inside web ip link del br7
	wait_until grep -q '^web-1:br7 is gone$' said
	ends_capture
	not grep -q db-1:br7 said
	[[ $(info_of x.pcapng | grep -c 'Name = ') == 3 ]]
	[[ $(info_of x.pcapng | grep -c 'Number of stat entries = 1') == 3 ]]
	mstack down
}

# A frame in VLAN 5 out of the container; the kernel keeps its tag apart from it.
send_tagged() {
	nsenter --target "$(field web Pid)" --net python3 - <<-'END'
		import socket
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("eth0", 0))
		s.send(bytes.fromhex("ffffffffffff 020000000009 8100 2005 88b5") + b"tagged".ljust(60))
	END
}

@test "capture: VLAN tags are in the packets, and in the filter" {
	web_and_db
	capture web db:eth0 -w x.pcapng
	mstack capture db:eth0 -w vlan.pcapng --filter 'vlan 5' -c 2 2>filtered &
	filtering=$!
	wait_until grep -q ^recording filtered
	send_tagged
	send_tagged
	ask_web
	ends_with 0 "$filtering"
	ends_capture
	[[ $(packets x.pcapng -Y 'vlan.id == 5' -T fields -e frame.interface_name -e frame.len | sort -u) == $'db-1:eth0\t78\nweb-1:eth0\t78' ]]
	[[ $(packets vlan.pcapng -Y 'vlan.id == 5 and vlan.priority == 1' | wc -l) == 2 ]]
	mstack down
}

@test "capture: both ends of a wire, over the restart of one" {
	stack <<-'END'
		x-links:
		  - {endpoints: ["r1:eth5", "r2:eth5"], ipv4: [10.0.12.1/30, 10.0.12.2/30]}
		services:
		  r1: {image: busybox, network_mode: none, command: [sleep, "1000"]}
		  r2: {image: busybox, network_mode: none, command: [sleep, "1000"], restart: always}
	END
	mstack up -d
	capture r1 r2:eth5 -w x.pcapng --filter icmp
	grep -q '^recording r1-1:eth5, r2-1:eth5;' said
	inside r1 busybox ping -c 1 -W 5 10.0.12.2
	kill -KILL "$(field r2 Pid)"
	wait_until has_restarted r2
	wait_until state_is r2 running
	inside r2 busybox ping -c 1 -W 5 10.0.12.1
	ends_capture
	[[ $(packets x.pcapng -Y 'icmp.type == 8' -T fields -e frame.interface_name -e frame.packet_flags_direction | tr -s '\t0' '  ') == $'r1-1:eth5 x 2\nr2-1:eth5 x 1\nr2-1:eth5 x 2\nr1-1:eth5 x 1' ]]
	mstack down
}

@test "capture: loopback only when it is named, each packet once" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	capture a:lo -w x.pcapng --filter icmp
	inside a busybox ping -c 2 127.0.0.1
	ends_capture
	[[ $(packets x.pcapng | wc -l) == 4 ]]
	mstack down
}

@test "capture: by the number of the container" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	expect_exit 0 mstack capture a --index 1 --duration 1 -w x.pcapng
	says 'recording a-1:eth0' 'of 1 interface'
	expect_exit 0 mstack capture a-1:eth0 --duration 1 -w y.pcapng
	says 'recording a-1:eth0' 'of 1 interface'
	expect_exit 1 mstack capture a --index 3 -w none.pcapng
	says "service 'a' has no container 3"
	mstack down
}

@test "capture: networks of others, each once" {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [sleep, "1000"]}
		  side: {image: busybox, command: [sleep, "1000"], network_mode: "service:web"}
		  host: {image: busybox, command: [sleep, "1000"], network_mode: host}
		  none: {image: busybox, command: [sleep, "1000"], network_mode: none}
	END
	mstack up -d
	expect_exit 0 mstack capture web side --duration 1 -w x.pcapng
	says 'recording web-1:eth0' 'of 1 interface'
	expect_exit 0 mstack capture side --duration 1 -w y.pcapng
	says 'recording side-1:eth0' 'of 1 interface'
	expect_exit 1 mstack capture host -w z.pcapng
	says "service 'host' is in the network of the host: name one of its interfaces, as in host:eth0"
	expect_exit 0 mstack capture host:up0 --duration 1 -w z.pcapng
	says 'recording host-1:up0'
	expect_exit 1 mstack capture none -w n.pcapng
	says 'no interfaces but lo'
	expect_exit 0 mstack capture none:lo --duration 1 -w n.pcapng
	# Of the whole stack what belongs to it.
	expect_exit 0 mstack capture --duration 1 -w all.pcapng
	says 'recording web-1:eth0' 'of 1 interface'
	mstack down
}

@test "capture: what cannot be, and no file for it" {
	stack_one <<<'command: [sleep, "1000"]'
	expect_exit 1 mstack capture a -w x.pcapng
	says "stack 't' is not up"
	mstack up -d
	expect_exit 2 mstack capture a
	says 'where to?'
	expect_exit 2 mstack capture a -w x.pcapng --filter 'tcp prt 80'
	says "--filter: 'tcp prt 80'"
	expect_exit 2 mstack capture a -w x.pcapng -s 0
	expect_exit 2 mstack capture a -w x.pcapng -c none
	expect_exit 2 mstack capture a: -w x.pcapng
	expect_exit 2 mstack capture aa -w x.pcapng
	says "no such service: 'aa'"
	expect_exit 1 mstack capture a:eth7 -w x.pcapng
	says "'a-1' has no interface 'eth7'; it has: lo, eth0"
	expect_exit 2 script -qec 'mstack capture a -w -' /dev/null
	says 'a terminal cannot show packets'
	expect_exit 1 mstack capture a -w no/x.pcapng
	[[ ! -e x.pcapng ]]
	echo mine >x.pcapng
	expect_exit 1 mstack capture a -w x.pcapng
	says "'x.pcapng' exists" --force
	[[ $(<x.pcapng) == mine ]]
	expect_exit 0 mstack capture a -w x.pcapng --force --duration 1
	info_of x.pcapng | grep -q a-1:eth0
	mstack down
}
