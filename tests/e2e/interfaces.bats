# SPDX-License-Identifier: GPL-2.0-or-later
#
# The interfaces of a container: names, order, addresses of hardware, the way out, settings.

load lib/common

in_a() { mstack exec -T a "$@"; }
mac_of() { in_a cat "/sys/class/net/$1/address"; }

@test "interfaces: names, order by priority, MACs, link-local addresses, the way out by gw_priority" {
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    mac_address: 02:00:00:00:00:0a
		    command: [sleep, "1000"]
		    networks:
		      one: {interface_name: lan0, link_local_ips: [169.254.8.9, "fe80::9"]}
		      two: {gw_priority: 5, mac_address: 02-00-00-00-00-0B}
		      three: {priority: 10}
		      four: {driver_opts: {com.docker.network.endpoint.ifname: "vm.7"}}
		  b: {image: busybox, networks: [two], command: [sleep, "1000"]}
		networks:
		  one: {ipam: {config: [{subnet: 10.1.0.0/24}]}}
		  two: {ipam: {config: [{subnet: 10.2.0.0/24}]}}
		  three: {ipam: {config: [{subnet: 10.3.0.0/24}]}}
		  four: {internal: true}
	END
	internet_httpd
	mstack up -d
	[[ $(in_a ip -o -4 addr show dev eth0) == *10.3.0.2/24* && $(mac_of eth0) == 02:00:00:00:00:0a ]]
	[[ $(in_a ip -o -4 addr show dev lan0) == *10.1.0.2/24*169.254.8.9/16* ]]
	[[ $(in_a ip -o -6 addr show dev lan0) == *fe80::9/64* ]]
	[[ $(in_a ip -o -4 addr show dev eth1) == *10.2.0.2/24* && $(mac_of eth1) == 02:00:00:00:00:0b ]]
	[[ $(in_a ls /sys/class/net) == $'eth0\neth1\nlan0\nlo\nvm.7' ]]
	[[ $(in_a ip route show default) == 'default via 10.2.0.1 dev eth1'* ]]
	[[ $(inside a timeout 20 busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.2 ]]
	[[ $(field a IP) == 10.3.0.2 ]]
	# A one-off beside it has one of its own.
	[[ $(mstack run --rm -T a cat /sys/class/net/eth1/address) != 02:00:00:00:00:0b ]]
	mstack down
	kill "$HTTPD"
}

@test "interfaces: settings of one of them" {
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    command: [sleep, "1000"]
		    networks:
		      one:
		      two:
		        interface_name: wan.0
		        driver_opts: {com.docker.network.endpoint.sysctls: "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.hop_limit=77"}
		networks: {one: , two: }
	END
	mstack up -d
	[[ $(in_a cat /proc/sys/net/ipv4/conf/wan.0/log_martians /proc/sys/net/ipv6/conf/wan.0/hop_limit) == $'1\n77' ]]
	[[ $(in_a cat /proc/sys/net/ipv4/conf/eth0/log_martians) == 0 ]]
	mstack down
	sed -i 's/log_martians/no_such_thing/' stack.yaml
	up_fails 1 stack.yaml:10: "service 'a'" "'net/ipv4/conf/wan.0/no_such_thing' is not a setting"
}

@test "interfaces: two of one name are refused, with both places" {
	stack <<-'END'
		services:
		  a: {image: busybox, networks: {one: {interface_name: x}, two: {interface_name: x}}}
		networks: {one: , two: }
	END
	up_fails 3 stack.yaml:3:82 "'x' is also the interface on network 'one', stack.yaml:3"
}

@test "interfaces: a kernel whose bridges know no VLANs says so before anything starts" {
	ip link add probe0 type bridge vlan_filtering 1 2>/dev/null && ip link del probe0 && skip 'this kernel has them; see the machine'
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], networks: {lab: {x-vlan: {pvid: 10}}}}
		networks: {lab: }
	END
	up_fails 1 'tell VLANs apart (CONFIG_BRIDGE_VLAN_FILTERING): operation not supported'
}
