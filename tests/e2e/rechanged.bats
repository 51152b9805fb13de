#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGUSR2 to the supervisor of a stack that is not any more what it was started as: the next program finds the same stack, whichever
# of its files a container is of.

load lib/common

Q='stop_grace_period: 0s'
SLEEP="image: busybox, command: [sleep, \"1000\"], $Q"

has_replaced() { [[ $(grep -c 'goes on in place of' /run/mstack/t/supervisor.log) -ge $1 ]]; }

# What is seen of all, which SIGUSR2 must not change. Of a pair of links the end in the container, as the kernel takes those of who has
# just ended away in its own time.
seen() {
	local pid
	mstack ps -a --format json | jq -c '[.Name, .State, .Pid, .IP, .Health, .Labels, .Publishers]' | sort
	nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*//'
	ip -br link | grep -v '^m[vw][0-9a-f]*@'
	for pid in $(mstack ps --format '{{.Pid}}' | sort); do
		nsenter --target "$pid" --net ip -br link
	done
}

is_settled() {
	local once
	once=$(seen)
	sleep 0.3
	[[ $(seen) == "$once" ]]
}

# For the Nth time.
replace() {
	local before after sup
	sup=$(mstack ls --format json | jq -r .Pid)
	wait_until is_settled
	before=$(seen)
	kill -USR2 "$sup"
	wait_until has_replaced "$1" || {
		tail -n 3 /run/mstack/t/supervisor.log
		return 1
	}
	after=$(seen)
	[[ $after == "$before" ]] || {
		diff <(echo "$before") <(echo "$after")
		return 1
	}
}

pid_of() { mstack ps -a --format '{{.Slot}} {{.Pid}}' | awk -v s="$1" '$1 == s { print $2 }'; }

@test 'after a changed file: what stayed, what was made anew, what came, and another change after it' {
	stack <<-END
		services:
		  a: {$SLEEP, networks: [one], ports: ["80"]}
		  b: {$SLEEP, networks: [one, two]}
		  old: {$SLEEP, networks: [two]}
		networks: {one: {}, two: {}}
	END
	mstack up -d
	a=$(pid_of a-1)
	stack <<-END
		services:
		  new: {$SLEEP, networks: [three]}
		  a: {$SLEEP, networks: [one], ports: ["80"], labels: {x: "1"}}
		  b: {$SLEEP, networks: [one, three]}
		networks: {one: {}, three: {}}
	END
	mstack up -d --remove-orphans
	replace 1
	expect_exit 0 mstack plan --exit-code
	[[ $(pid_of a-1) == "$a" ]]
	mstack exec -T b nslookup a
	mstack exec -T b nslookup new
	stack <<-END
		services:
		  a: {$SLEEP, networks: [one], ports: ["80", "81"], labels: {x: "2"}}
		  b: {$SLEEP, networks: [one, three]}
		  late: {$SLEEP, networks: [two, one]}
		networks: {one: {}, three: {}, two: {}}
	END
	b=$(pid_of b-1)
	mstack up -d --remove-orphans
	[[ $(pid_of a-1) == "$a" ]]
	[[ $(pid_of b-1) == "$b" ]]
	mstack exec -T late nslookup b
	replace 2
	mstack restart b
	mstack exec -T a nslookup late
	mstack down
}

@test 'after scale, up and down' {
	stack <<-END
		services:
		  web: {$SLEEP, ports: ["80"]}
		  job: {$SLEEP}
	END
	mstack up -d
	mstack scale web=4
	replace 1
	mstack scale web=2
	replace 2
	mstack scale web=3
	replace 3
	[[ $(mstack ps --format '{{.Slot}}' | sort | xargs) == 'job-1 web-1 web-2 web-3' ]]
	mstack exec -T job nslookup web
	mstack down
}

@test 'who is of an earlier file stays so: one that nobody asked to change, and one that is in no file any more' {
	stack <<-END
		services:
		  a: {$SLEEP, networks: {n: {ipv4_address: 10.77.0.9}}, labels: {file: "1"}}
		  b: {$SLEEP, networks: [n]}
		  orphan: {$SLEEP, networks: [n], restart: always}
		networks: {n: {ipam: {config: [{subnet: 10.77.0.0/24}]}}}
	END
	mstack up -d
	stack <<-END
		services:
		  a: {$SLEEP, networks: [n], labels: {file: "2"}, depends_on: [c]}
		  b: {$SLEEP, networks: [n], environment: {FILE: "2"}}
		  c: {$SLEEP, networks: [n, m]}
		networks: {n: {ipam: {config: [{subnet: 10.77.0.0/24}]}}, m: {}}
	END
	mstack up -d --no-deps b
	replace 1
	[[ $(field a Labels) == *file=1* && $(field a IP) == 10.77.0.9 ]]
	mstack exec -T b nslookup orphan
	pid=$(pid_of orphan-1)
	kill -9 "$pid"
	wait_until gone "$pid"
	wait_until state_is orphan running
	# Its health and all that is asked of it is of its own file.
	mstack restart a
	[[ $(field a Labels) == *file=1* ]]
	b=$(pid_of b-1)
	mstack up -d
	[[ $(field a Labels) == *file=2* && $(field a IP) != 10.77.0.9 ]]
	[[ $(pid_of b-1) == "$b" ]]
	state_is orphan running
	replace 2
	mstack up -d --remove-orphans
	replace 3
	[[ $(mstack ps --format '{{.Slot}}' | sort | xargs) == 'a-1 b-1 c-1' ]]
	mstack down
}

@test 'wires that came, went and stayed; what was set by hand stays' {
	stack <<-END
		services:
		  a: {$SLEEP}
		  b: {$SLEEP}
		  c: {$SLEEP}
		x-links:
		  - {endpoints: ["a:w0", "b:w0"]}
		  - {endpoints: ["a:w1", "b:w1"], ipv4: ["10.99.0.1/30", "10.99.0.2/30"]}
	END
	mstack up -d
	mstack impair a:w1 rate=400mbit
	stack <<-END
		services:
		  c: {$SLEEP}
		  b: {$SLEEP}
		  a: {$SLEEP}
		x-links:
		  - {endpoints: ["b:w2", "c:w2"], ipv4: ["10.98.0.1/30", "10.98.0.2/30"]}
		  - {endpoints: ["a:w1", "b:w1"], ipv4: ["10.99.0.1/30", "10.99.0.2/30"]}
	END
	mstack up -d
	replace 1
	inside a busybox ping -c 1 -W 5 10.99.0.2
	inside b busybox ping -c 1 -W 5 10.98.0.2
	mstack impair --format json a:w1 | jq -e '.egress.rate == "400mbit"'
	mstack link down b:w2
	not inside b busybox ping -c 1 -W 1 10.98.0.2
	mstack link up b:w2
	wait_until inside b busybox ping -c 1 -W 1 10.98.0.2
	mstack down
}

@test 'an isolated stack, volumes of both files' {
	stack <<-END
		x-isolated: true
		services:
		  a: {$SLEEP, volumes: ["one:/one"], ports: ["8080:80"]}
		volumes: {one: {}}
	END
	mstack up -d
	mstack exec -T a sh -c 'echo kept >/one/file'
	stack <<-END
		x-isolated: true
		services:
		  b: {image: busybox, command: [nc, -ll, -p, "80", -e, cat], $Q, volumes: ["two:/two"], ports: ["8081:80"]}
		  a: {$SLEEP, volumes: ["one:/one"], ports: ["8080:80"], labels: {x: "1"}}
		volumes: {one: {}, two: {}}
	END
	mstack up -d
	replace 1
	[[ $(mstack exec -T a cat /one/file) == kept ]]
	wait_until listens b 80
	exec 5<>/dev/tcp/127.0.0.1/8081
	echo hello >&5
	read -r -t 10 answer <&5
	[[ $answer == hello ]]
	exec 5<&-
	expect_exit 1 mstack volume rm t_two
	mstack down -v
}

@test 'networks that lead out of the stack' {
	cat >networks <<-END
		networks:
		  far: {driver: vxlan, driver_opts: {vni: 42, peers: 198.51.100.1}, ipam: {config: [{subnet: 10.9.0.0/24}]}}
		  lan: {driver: macvlan, driver_opts: {parent: up0}, ipam: {config: [{subnet: 10.8.0.0/24}]}}
	END
	stack <<-END
		services:
		  a: {$SLEEP, networks: [far]}
		$(<networks)
	END
	mstack up -d
	stack <<-END
		services:
		  b: {$SLEEP, networks: [lan]}
		  a: {$SLEEP, networks: [far], labels: {x: "1"}}
		  c: {$SLEEP, networks: [far]}
		$(<networks)
	END
	mstack up -d
	replace 1
	expect_exit 0 mstack plan --exit-code
	inside c busybox ping -c 1 -W 5 "$(field a IP)"
	sed -i '/  c: /d' stack.yaml
	mstack up -d --remove-orphans
	replace 2
	mstack down
	[[ -z $(ip -o link show type vxlan) ]]
}
