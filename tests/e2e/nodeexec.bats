# SPDX-License-Identifier: GPL-2.0-or-later
#
# x-exec: commands that configure a node, and topologies of containerlab, which have them.

load lib/common

@test "x-exec: in the container, with its wires, at every start; output and failures are in the log" {
	stack <<-'END'
		x-links: [{endpoints: ["a:eth1", "b:eth1"]}]
		services:
		  a: &node
		    image: busybox
		    command: [sh, -c, 'sleep 1000 & wait']
		    cap_add: [NET_ADMIN]
		    restart: always
		    x-exec:
		      - ip address add 10.9.0.1/24 dev eth1
		      - [sh, -c, "echo one; echo two >&2; echo $$HOME"]
		      - ls /nosuch
		      - nosuch command
		      - sh -c "ip -4 -o address show eth1 | grep -o 10.9.0.1"
		  b: {<<: *node, x-exec: [ip address add 10.9.0.2/24 dev eth1]}
	END
	mstack up -d 2>err
	wait_until log_has a 'x-exec.4.: 10.9.0.1'
	mstack logs --no-color a >out
	cat out err
	[[ $(grep -o 'x-exec.1.: .*' out | xargs) == 'x-exec[1]: one x-exec[1]: two x-exec[1]: /root' ]]
	grep -q "x-exec.2.: 'ls' exited with code 1" out
	grep -q "x-exec.3.: 'nosuch' exited with code 127" out
	wait_until inside a busybox ping -c 1 -W 1 10.9.0.2
	# A restart runs them again; its slot has kept the address, which the first of them says.
	[[ $(field a State) == running && $(field a Restarts) == 0 ]]
	kill -9 "$(field a Pid)"
	again() { [[ $(mstack logs --no-color a | grep -c 'x-exec.4.: 10.9.0.1') == 2 ]]; }
	wait_until again
	state_is a running
	mstack down -t 0
}

@test "x-exec: a container that ends, or is stopped, takes them along" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], x-exec: [sleep 500, "echo onward"]}
		  b: {image: busybox, command: [sh, -c, "sleep 1; exit 3"], x-exec: [sleep 500, "echo onward"]}
	END
	mstack up -d
	wait_until state_is b exited
	[[ $(field b ExitCode) == 3 ]]
	timeout 60 mstack down
	not grep -rq onward /var/lib/mstack/projects/t/logs
}

@test "clab2stack: a topology that was converted runs, with its wires and commands" {
	python3 -c 'import yaml' 2>/dev/null || skip 'python3-yaml is not installed'
	cat >two.clab.yml <<-'END'
		name: two
		topology:
		  kinds: {linux: {image: busybox, cmd: sleep 1000}}
		  defaults: {kind: linux}
		  nodes:
		    n1: {exec: [ip address add 10.0.0.1/30 dev eth1, ip -6 address add fd00::1/64 dev eth1]}
		    n2: {exec: [ip address add 10.0.0.2/30 dev eth1, ip -6 address add fd00::2/64 dev eth1]}
		  links:
		    - endpoints: ["n1:eth1", "n2:eth1"]
	END
	"$E2E/../../tools/clab2stack" -o stack.yaml two.clab.yml
	mstack up -d
	ping_both() { inside n1 ping -c 1 -W 1 10.0.0.2 && inside n1 ping -6 -c 1 -W 1 fd00::2; }
	wait_until ping_both
	[[ $(inside n2 cat /sys/class/net/eth1/mtu) == 9500 ]]
	mstack down -t 0
}
