# SPDX-License-Identifier: GPL-2.0-or-later
#
# The labs in examples/, with the real programs that they are about.

load lib/common

inside_ping() { inside r1 busybox ping -c 1 -W 1 -I 10.255.0.1 10.255.0.3; }
# What r1 hears from r3 has come by this number of routers.
far() { [[ $(inside_ping) == *"ttl=$((64 - $1)) "* ]]; }
via() { [[ $(inside r1 ip route get 10.255.0.3) == *"via $1 "* ]]; }

@test "labs: OSPF finds its ways, goes round a cable that is pulled, and comes back" {
	[[ -x /usr/lib/frr/ospfd ]] || skip 'no FRR here (package frr)'
	cp -r "$E2E/../../examples/lab-ospf" .
	cd lab-ospf
	timeout 60 mstack up -d --wait
	via 10.0.13.2
	far 0
	expect_exit 0 mstack link
	says 'r1:to-r3     r3:to-r1     up'
	mstack link down r1:to-r3
	wait_until via 10.0.12.2
	wait_until far 1
	[[ $(inside r3 cat /sys/class/net/to-r1/carrier) == 0 ]]
	mstack link up r3:to-r1
	wait_until via 10.0.13.2
	wait_until far 0
	# A router that dies is started again, on its old wires: the others hear of it by OSPF alone.
	flaps=$(inside r2 cat /sys/class/net/to-r3/carrier_changes)
	first=$(field r3 Pid)
	kill -9 "$first"
	wait_until gone "$first"
	wait_until health_is r3 healthy
	wait_until far 0
	[[ $(field r3 Restarts) == 1 ]]
	[[ $(inside r2 cat /sys/class/net/to-r3/carrier_changes) == "$flaps" ]]
	mstack down
}
