# SPDX-License-Identifier: GPL-2.0-or-later
#
# Services without a network of their own: none, that of the host (the sandbox, that is), that of another service.

load lib/common

# The sandbox's own /sys is that of the machine.
links() { ip -o link | sed 's/^[0-9]*: \([^:@]*\).*/\1/' | sort; }
same_net() { [[ /proc/$1/ns/net -ef /proc/$2/ns/net ]]; }

@test "netmode: none is a loopback and nothing else" {
	stack_one <<-'END'
		network_mode: none
		ports: ["8080:80"]
		command: [sh, -c, "httpd -f -p 80"]
	END
	expect_exit 0 mstack up -d
	says "ports: has no effect beside 'network_mode: none'"
	[[ $(mstack exec -T a ls /sys/class/net) == lo ]]
	[[ -z $(mstack exec -T a ip route) ]]
	[[ $(mstack exec -T a hostname) == a ]]
	# It finds itself by its name.
	[[ $(mstack exec -T a grep -w a /etc/hosts) == 127.0.0.1* ]]
	[[ $(field a IP) == '' && $(field a Networks) == '' ]]
	# No bridge, no rule of a port.
	[[ -z $(ip -o link show type bridge) ]]
	not fetch http://127.0.0.1:8080/
	[[ -e /run/netns/t-a-1 ]]
	mstack down
}

@test "netmode: host is the host's network, with its names, and nothing of it is changed" {
	local before
	hostname sandbox
	before=$(sysctl -a -r '^net\.ipv4\.(ip_|ping_)' 2>/dev/null)
	mkdir www
	echo here >www/index.html
	stack <<-END
		services:
		  a:
		    image: busybox
		    network_mode: host
		    ports: ["80:80"]
		    volumes: ["./www:/www:ro"]
		    command: [httpd, -f, -p, "127.0.0.1:8099", -h, /www]
		    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8099/"], interval: 200ms, start_period: 40s}
	END
	expect_exit 0 mstack up -d --wait
	says "ports: has no effect beside 'network_mode: host'"
	[[ $(fetch http://127.0.0.1:8099/) == here ]]
	same_net "$(field a Pid)" $$
	[[ $(mstack exec -T a hostname) == sandbox ]]
	[[ $(mstack exec -T a cat /etc/hosts) == "$(</etc/hosts)" ]]
	[[ $(mstack exec -T a cat /etc/resolv.conf) == "$(</etc/resolv.conf)" ]]
	[[ $(mstack exec -T a ls /sys/class/net) == "$(links)" ]]
	# What is the host's is not the container's to change.
	not mstack exec -T a sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	not mstack exec -T a ip link add x0 type dummy
	[[ $(mstack exec -T a grep Seccomp: /proc/self/status) == *2 ]]
	[[ ! -e /run/netns/t-a-1 ]]
	mstack down
	[[ $(sysctl -a -r '^net\.ipv4\.(ip_|ping_)' 2>/dev/null) == "$before" ]]
}

@test "netmode: host refuses settings that would be the host's" {
	stack_one <<-'END'
		network_mode: host
		sysctls: {net.ipv4.ip_forward: 1}
		command: [sleep, "1000"]
	END
	up_fails 125 "service 'a'" "sysctl 'net.ipv4.ip_forward': refused: with \`network_mode: host\` it would be the host's own"
}

@test "netmode: the network of another service, over its restarts" {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    network_mode: service:vpn
		    command: [httpd, -f, -p, "80", -h, /etc]
		    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1/hostname"], interval: 200ms, start_period: 40s}
		  vpn:
		    image: busybox
		    hostname: gate
		    domainname: lab
		    restart: always
		    networks: {lan: {ipv4_address: 10.9.0.7}}
		    ports: ["8080:80"]
		    command: [sleep, "1000"]
		  peer: {image: busybox, networks: [lan], command: [sleep, "1000"]}
		networks: {lan: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}
	END
	mstack up -d --wait
	local web vpn
	web=$(field web Pid) vpn=$(field vpn Pid)
	same_net "$web" "$vpn"
	[[ /proc/$web/ns/user -ef /proc/$vpn/ns/user && ! /proc/$web/ns/uts -ef /proc/$vpn/ns/uts ]]
	# Its addresses, its ports, its names.
	[[ $(fetch http://127.0.0.1:8080/hostname) == gate ]]
	[[ $(mstack exec -T peer wget -q -O - http://vpn/hostname) == gate ]]
	[[ $(mstack exec -T web hostname) == gate ]]
	[[ $(mstack exec -T web cat /etc/hosts) == "$(mstack exec -T vpn cat /etc/hosts)" ]]
	[[ $(mstack exec -T web ls /sys/class/net) == $'eth0\nlo' ]]
	# It stands when the other one's process ends, and is there when that comes back.
	kill -KILL "$vpn"
	wait_until vpn_is_another "$vpn"
	[[ $(field web Pid) == "$web" ]]
	same_net "$web" "$(field vpn Pid)"
	[[ $(fetch http://127.0.0.1:8080/hostname) == gate ]]
	mstack down
}
vpn_is_another() { state_is vpn running && [[ $(field vpn Pid) != "$1" && $(field vpn Pid) != 0 ]]; }

@test "netmode: in a chain, with the host's ids, and where ids do not go together" {
	stack <<-'END'
		services:
		  a: {image: busybox, network_mode: "service:b", command: [sleep, "1000"]}
		  b: {image: busybox, network_mode: "service:c", command: [sleep, "1000"]}
		  c: {image: busybox, userns_mode: host, command: [sleep, "1000"]}
		  d: {image: busybox, network_mode: "service:e", command: [sleep, "1000"]}
		  e: {image: busybox, network_mode: host, command: [sleep, "1000"]}
	END
	mstack up -d
	same_net "$(field a Pid)" "$(field c Pid)"
	same_net "$(field d Pid)" $$
	[[ $(mstack exec -T a cat /proc/self/uid_map) == "$(mstack exec -T c cat /proc/self/uid_map)" ]]
	mstack down
	stack <<-'END'
		services:
		  a: {image: busybox, network_mode: "service:b", privileged: true, command: [sleep, "1000"]}
		  b: {image: busybox, command: [sleep, "1000"]}
	END
	up_fails 3 "stack.yaml:3:" "network_mode: service 'b' is in another user namespace" 'in both, or in neither'
}

@test "netmode: one that never came is said, and nobody waits for it" {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    network_mode: service:vpn
		    depends_on: {vpn: {condition: service_started, required: false}}
		    command: [sleep, "1000"]
		  vpn: {image: busybox, command: [/no/such/program]}
	END
	expect_exit 127 timeout 60 mstack up -d
	says "service 'vpn'"
}

@test "netmode: bridge is a network that no file declares" {
	stack <<-'END'
		services:
		  a: {image: busybox, network_mode: bridge, command: [sleep, "1000"]}
		  b: {image: busybox, command: [sleep, "1000"]}
	END
	internet_httpd
	mstack up -d
	[[ $(inside a timeout 5 busybox wget -q -O - http://203.0.113.10/cgi-bin/who) == 198.51.100.2 ]]
	[[ $(field a Networks) == t_bridge && $(field b Networks) == t_default ]]
	not mstack exec -T a ping -c 1 -W 1 "$(field b IP)"
	mstack down
	kill "$HTTPD"
}

@test "netmode: run with a network of another kind than the service's" {
	stack <<-'END'
		services:
		  a: {image: busybox, hostname: own, command: [sleep, "1000"]}
	END
	mstack up -d
	[[ $(mstack run --rm -T --network none a ls /sys/class/net) == lo ]]
	[[ $(mstack run --rm -T --network host a ls /sys/class/net) == "$(links)" ]]
	[[ $(mstack run --rm -T --network default a ls /sys/class/net) == $'eth0\nlo' ]]
	mstack down
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
		  b: {image: busybox, network_mode: none}
	END
	mstack up -d a
	[[ $(mstack run --rm -T --network service:a b ip -o -4 addr show eth0) == "$(mstack exec -T a ip -o -4 addr show eth0)" ]]
	[[ $(mstack run --rm -T --network service:a b hostname) == a ]]
	expect_exit 2 mstack run --rm -T --network service:a a true
	says 'error: --network: a cycle: a -> a'
	mstack down
	[[ $(mstack run -T --image busybox --network none -- ls /sys/class/net) == lo ]]
	[[ $(mstack run -T --image busybox --network host -- ls /sys/class/net) == "$(links)" ]]
}

@test "netmode: extra_hosts, and the host by the gateway of the first network" {
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    networks: [back, front]
		    extra_hosts: ["up=host-gateway", "out:192.0.2.9", "six=[2001:db8::9]", "b=192.0.2.8"]
		    command: [sleep, "1000"]
		  b: {image: busybox, networks: [front], command: [sleep, "1000"]}
		  host:
		    image: busybox
		    network_mode: host
		    extra_hosts: {up: host-gateway}
		    command: [sleep, "1000"]
		networks:
		  front: {ipam: {config: [{subnet: 10.8.0.0/24}]}}
		  back: {ipam: {config: [{subnet: 10.9.0.0/24, gateway: 10.9.0.77}]}}
	END
	mstack up -d
	[[ $(mstack exec -T a grep -w up /etc/hosts) == 10.9.0.77* ]]
	[[ $(mstack exec -T a grep -w out /etc/hosts) == 192.0.2.9* ]]
	[[ $(mstack exec -T a grep -w six /etc/hosts) == 2001:db8::9* ]]
	# What is written down by hand comes first.
	[[ $(mstack exec -T a grep -wm1 b /etc/hosts) == 192.0.2.8* ]]
	[[ $(mstack exec -T host grep -w up /etc/hosts) == 127.0.0.1* ]]
	# A server of the host is there.
	mkdir www
	echo here >www/index.html
	busybox httpd -f -p 10.9.0.77:8088 -h www 3>&- &
	local httpd=$!
	wait_until fetch http://10.9.0.77:8088/
	[[ $(mstack exec -T a wget -q -O - http://up:8088/) == here ]]
	kill "$httpd"
	mstack down
}

@test "netmode: dns, dns_search, dns_opt take the place of what the host says" {
	printf 'search lan\noptions rotate\nnameserver 198.51.100.1\n' >resolv.conf
	mount --bind resolv.conf /etc/resolv.conf
	stack <<-'END'
		services:
		  a: {image: busybox, network_mode: host, dns_search: [a.test, b.test], command: [sleep, "1000"]}
		  b: {image: busybox, network_mode: host, dns: [192.0.2.5, "2001:db8::5"], dns_opt: ["ndots:3"], command: [sleep, "1000"]}
	END
	mstack up -d
	[[ $(mstack exec -T a cat /etc/resolv.conf) == $'options rotate\nnameserver 198.51.100.1\nsearch a.test b.test' ]]
	[[ $(mstack exec -T b cat /etc/resolv.conf) == $'search lan\nnameserver 192.0.2.5\nnameserver 2001:db8::5\noptions ndots:3' ]]
	mstack down
	umount /etc/resolv.conf
}

@test "netmode: links are an order and a further name, for one service alone" {
	stack <<-'END'
		services:
		  a: {image: busybox, links: ["b:store"], command: [sh, -c, "until wget -q -O - http://store/hostname; do sleep 0.1; done; sleep 1000"]}
		  b: {image: busybox, command: [httpd, -f, -h, /etc]}
		  c: {image: busybox, command: [sleep, "1000"]}
	END
	mstack up -d
	wait_until log_has a '^b$'
	mstack exec -T a grep -qw store /etc/hosts
	not mstack exec -T c grep -qw store /etc/hosts
	mstack down
}
