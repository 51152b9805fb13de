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
	# That a router knows all ways says nothing of which ones: the straight one may be a moment later.
	wait_until via 10.0.13.2
	wait_until far 0
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

@test "labs: a stack in both families: names, published ports, and who asks keeps his address" {
	cp -r "$E2E/../../examples/dualstack" .
	cd dualstack
	timeout 60 mstack up -d --wait
	four=$(curl -s -m 5 http://127.0.0.1:8080/cgi-bin/who)
	[[ $four == '[::ffff:172.'* ]]
	[[ $(curl -s -m 5 'http://[::1]:8080/') == 'It works, in both families.' ]]
	[[ $(curl -s -m 5 'http://[::1]:8080/cgi-bin/who') == '[fd'* ]]
	# A client of the made-up internet.
	[[ $(internet curl -s -m 5 http://198.51.100.2:8080/cgi-bin/who) == '[::ffff:198.51.100.1]' ]]
	[[ $(internet curl -s -m 5 'http://[2001:db8:64::2]:8080/cgi-bin/who') == '[2001:db8:64::1]' ]]
	mstack exec -T web nslookup db >out
	cat out
	grep -q 10.99.0.9 out
	grep -q fd00:99::9 out
	for at in db 10.99.0.9 '[fd00:99::9]'; do
		[[ $(mstack exec -T web wget -q -O - "http://$at:9000/") == 'The data.' ]]
	done
	# The way out, in both families; there is none for who is on the internal network only.
	inside web ping -c 1 -W 5 203.0.113.10
	inside web ping -6 -c 1 -W 5 2001:db8:cb::10
	not inside db ping -c 1 -W 1 203.0.113.10
	not inside db ping -6 -c 1 -W 1 2001:db8:cb::10
	mstack down
}
