# SPDX-License-Identifier: GPL-2.0-or-later
#
# `mstack graph` of a stack that runs.

load lib/common

web_is_asked() { mstack graph | grep -q "web   eth0  $(field web IP)  in [1-9]"; }

@test "graph: states, addresses and what goes over the links" {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [sh, -c, "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"]}
		  load: {image: busybox, command: [sh, -c, "while :; do wget -q -O /dev/null http://web/; done"]}
		  job: {image: busybox, command: ["false"], restart: "no", networks: [back]}
		networks: {back: {internal: true}}
	END
	expect_exit 0 mstack graph
	says 'web   busybox' 'web   eth0'
	mstack up -d
	wait_until state_is job exited
	wait_until web_is_asked
	expect_exit 0 mstack graph
	says 'web   running  busybox' 'job   exited (1)  busybox' "network default  $(field web IP | sed 's/[0-9]*$/0/')/24"
	mstack graph -o t.svg
	grep -q '>running<' t.svg
	grep -q ">$(field web IP)<" t.svg
	grep -q '>exited (1)<' t.svg
	mstack down
	expect_exit 0 mstack graph
	[[ $output != *running* ]]
}

@test "graph: wires, one of them cut, and what links do to packets" {
	stack <<-'END'
		x-links:
		  - {endpoints: ["r1:eth5", "r2:eth5"], ipv4: [10.0.12.1/30, 10.0.12.2/30]}
		  - {endpoints: ["r2:out", "host:lab0"]}
		services:
		  r1: {image: busybox, network_mode: none, command: [sleep, "1000"]}
		  r2: {image: busybox, command: [sleep, "1000"]}
	END
	expect_exit 0 mstack graph
	says '  r1:eth5 (10.0.12.1/30) -- r2:eth5 (10.0.12.2/30)' '  r2:out -- host:lab0'
	mstack up -d
	expect_exit 0 mstack graph
	not says 'r2:eth5 (10.0.12.2/30)  down'
	mstack link down r1:eth5
	mstack impair r2:eth0 rate=10mbit
	expect_exit 0 mstack graph
	says 'r1:eth5 (10.0.12.1/30) -- r2:eth5 (10.0.12.2/30)  down' 'rate=10mbit'
	mstack graph --format dot | grep -q 'taillabel="eth5\\n10.0.12.1/30", headlabel="eth5\\n10.0.12.2/30"'
	mstack link up r1:eth5
	expect_exit 0 mstack graph
	not says 'r2:eth5 (10.0.12.2/30)  down'
	mstack down
}
