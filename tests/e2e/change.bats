# SPDX-License-Identifier: GPL-2.0-or-later
#
# `up` on a stack that runs, and `plan`: only what must is touched, each class of change by what stays the same.

load lib/common

Q='stop_grace_period: 0s'

pids() { mstack ps -a --format '{{.Slot}} {{.Pid}} {{.IP}}'; }
of() { pids | grep "^$1 "; }

echoes() { exec 5<>/dev/tcp/127.0.0.1/8080 && echo "$1" >&5 && read -r -t 10 answer <&5 && [[ $answer == "$1" ]]; } 2>/dev/null
was_killed() { mstack events --json --since 1h --until 0s | grep -q '"action":"kill"'; }

@test "change: the same file changes nothing" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1000"], ports: ["8080:80", "90"], environment: {B: c}, $Q}
		  b: {image: busybox, command: [sleep, "1000"], depends_on: [a], $Q}
	END
	mstack up -d
	before=$(pids)
	expect_exit 0 mstack plan --exit-code
	mstack up -d
	[[ $(pids) == "$before" ]]
	mstack down
}

@test "change: words that exclude each other are told so once" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	for where in '' -d; do
		expect_exit 2 mstack up $where --force-recreate --no-recreate
		says 'mstack: up: --no-recreate does not go with --force-recreate'
	done
	state_is a running
	mstack down -t 0
}

@test "change: labels, limits, ports and restart change while it runs" {
	stack <<-END
		services:
		  a: {image: busybox, command: [httpd, -f, -p, "80", -h, /etc], ports: ["8080:80"], labels: {x: "1"}, $Q}
	END
	mstack up -d
	wait_until fetch_from_internet http://198.51.100.2:8080/hostname
	before=$(of a-1)
	stack <<-END
		services:
		  a: {image: busybox, command: [httpd, -f, -p, "80", -h, /etc], ports: ["8080:80", "8081:80"], labels: {x: "2"}, restart: always, $Q}
	END
	mstack plan >plan.out
	grep -q 'a-1: update' plan.out
	grep -q 'labels.x: 1 -> 2  \[live\]  (stack.yaml:3)' plan.out
	mstack up -d
	[[ $(of a-1) == "$before" ]]
	[[ $(field a Labels) == *x=2* ]]
	wait_until fetch_from_internet http://198.51.100.2:8081/hostname
	fetch_from_internet http://198.51.100.2:8080/hostname
	pid=$(field a Pid)
	kill -9 "$pid"
	wait_until runs_anew a "$pid"
	stack <<-END
		services:
		  a: {image: busybox, command: [httpd, -f, -p, "80", -h, /etc], ports: ["8081:80"], labels: {x: "2"}, $Q}
	END
	mstack up -d
	wait_until fetch_from_internet http://198.51.100.2:8081/hostname
	not fetch_from_internet http://198.51.100.2:8080/hostname
	mstack down
}

@test "change: the sizes of a log change while it runs" {
	local logging='logging: {driver: json-file, options: {max-size: 1m, max-file: "3"}}' before
	stack_one <<<"$logging"$'\ncommand: [sh, -c, "while :; do read line </tmp/fifo; seq 3000; done"]\ncap_add: [MKNOD]\npost_start: [{command: mkfifo /tmp/fifo}]'
	mstack up -d
	before=$(of a-1)
	sed -i 's/max-size: 1m, max-file: "3"/max-size: 4k, max-file: "2"/' stack.yaml
	mstack plan | grep -q 'logging.options.max-size: 1m -> 4k  \[live\]'
	mstack up -d
	[[ $(of a-1) == "$before" ]]
	mstack exec -T a sh -c 'echo >/tmp/fifo'
	small() { mstack logs --no-log-prefix a | grep -qx 3000 && (($(mstack logs --no-log-prefix a | wc -l) < 300)); }
	wait_until small
	mstack down
}

@test "change: a connection goes on while ports and limits change" {
	stack <<-END
		services:
		  a: {image: busybox, command: [nc, -ll, -p, "80", -e, cat], ports: ["8080:80"], $Q}
	END
	mstack up -d
	local answer
	# The port is there before somebody listens.
	wait_until echoes before
	sed -i 's/"8080:80"/"8081:80", "8080:80"/; s/stop_grace/labels: {x: y}, stop_grace/' stack.yaml
	mstack up -d
	echo after >&5
	read -r -t 10 answer <&5
	[[ $answer == after ]]
	(exec 6<>/dev/tcp/127.0.0.1/8081)
	exec 5<&-
	mstack down
}

# A web server at two ports, whose pages differ.
web() {
	cat <<-END
		image: busybox, $Q, command: [sh, -c, "mkdir -p /one /two; echo $1 >/one/index.html; echo $1-two >/two/index.html; httpd -p 81 -h /two; exec httpd -f -p 80 -h /one"]
	END
}

gives() { [[ $(fetch "http://127.0.0.1:$1/") == "$2" ]]; }

@test "change: a port leads elsewhere in its container, and goes over to a later service and back" {
	stack <<-END
		services:
		  a: {$(web a), ports: ["8080:80", "8082:80", "9000:9000/udp"]}
		  b: {$(web b), ports: ["8081:80"]}
	END
	mstack up -d
	wait_until gives 8080 a
	wait_until gives 8081 b
	sed -i 's/8080:80/8080:81/; s|9000:9000/udp|9000:9001/udp|' stack.yaml
	mstack up -d
	wait_until gives 8080 a-two
	gives 8082 a
	sed -i 's/"8080:81", //; s|, "9000:9001/udp"||; s|"8081:80"|"8081:80", "8080:80", "9000:9000/udp"|' stack.yaml
	mstack up -d
	wait_until gives 8080 b
	gives 8082 a
	gives 8081 b
	sed -i 's/"8080:80", //; s|, "9000:9000/udp"||; s|"8082:80"|"8082:80", "8080:80", "9000:9001/udp"|' stack.yaml
	mstack up -d
	wait_until gives 8080 a
	[[ $(mstack ps --format '{{.Status}}' | grep -c Up) == 2 ]]
	mstack down
}

@test "change: another environment is a restart in the same container" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sh, -c, 'echo it is \$\$V; exec sleep 1000'], environment: {V: one}, $Q}
		  b: {image: busybox, command: [sleep, "1000"], $Q}
	END
	mstack up -d
	wait_until log_has a 'it is one'
	mstack exec -T a touch /kept
	ip=$(field a IP) pid=$(field a Pid) other=$(of b-1)
	sed -i 's/V: one/V: two/' stack.yaml
	expect_exit 10 mstack plan --exit-code
	mstack up -d
	wait_until log_has a 'it is two'
	[[ $(field a IP) == "$ip" && $(field a Pid) != "$pid" && $(of b-1) == "$other" ]]
	mstack exec -T a test -e /kept
	mstack down
}

@test "change: -t is the time of what stops" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sh, -c, 'trap "echo heard" TERM; echo ready; while :; do sleep 0.1; done'], environment: {V: one}, stop_grace_period: 1h}
	END
	mstack up -d
	wait_until log_has a ready
	pid=$(field a Pid)
	sed -i 's/V: one/V: two/' stack.yaml
	timeout 60 mstack up -d -t 8
	[[ $(field a Pid) != "$pid" ]]
	log_has a heard
	mstack down -t 0
}

@test "change: --isolated is refused where it is not so" {
	stack <<<'services: {a: {image: busybox, command: [sleep, "1000"], environment: {V: one}, stop_signal: SIGKILL}}'
	mstack up -d
	pid=$(field a Pid)
	sed -i 's/V: one/V: two/' stack.yaml
	expect_exit 1 mstack up -d --isolated
	says 'x-isolated: cannot change while the stack runs'
	[[ $(field a Pid) == "$pid" ]]
	mstack down
}

@test "change: a restart meanwhile does not keep it from coming to its end" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sh, -c, 'trap "sleep 3; exit" TERM; echo ready; while :; do sleep 0.1; done'], environment: {V: one}}
	END
	mstack up -d
	wait_until log_has a ready
	sed -i 's/V: one/V: two/' stack.yaml
	timeout 120 mstack up -d &
	local change=$!
	wait_until was_killed
	timeout 120 mstack restart a || :
	wait "$change"
	expect_exit 0 mstack plan --exit-code
	mstack down -t 0
}

@test "change: up waits for a start that is under way, and for a stop" {
	mkdir data
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    command: [sh, -c, "trap 'while [ ! -e /data/end ]; do sleep 0.05; done; exit' TERM; echo ready; while :; do sleep 0.05; done"]
		    volumes: ["./data:/data"]
		    stop_grace_period: 60s
		    healthcheck: {test: [CMD, test, -e, /data/go], interval: 50ms, retries: 10000}
		  b: {image: busybox, command: [sleep, "1000"], depends_on: {a: {condition: service_healthy}}, stop_signal: SIGKILL}
	END
	mstack up -d &
	local first=$! second
	wait_until log_has a ready
	expect_exit 5 mstack up --wait --wait-timeout 1
	says 'the stack is still being started: this waits for the end of that'
	says 'the stack is still being started, also after the time of --wait-timeout: nothing was done'
	mstack up -d 2>two.err &
	second=$!
	wait_until grep -q 'the stack is still being started: this waits for the end of that' two.err
	touch data/go
	ends_with 0 "$first"
	ends_with 0 "$second"
	grep -q 'b-1 unchanged' two.err
	mstack down &
	first=$!
	wait_until eval 'mstack ps -a | grep -q "(stopping)"'
	mstack up -d 2>two.err &
	second=$!
	wait_until grep -q 'the stack is being stopped: this waits for the end of that' two.err
	touch data/end
	ends_with 0 "$first"
	ends_with 0 "$second"
	state_is a running
	state_is b running
	mstack down
}

@test "change: when up --wait has given up waiting, the stack is up, and can be changed" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
		  b: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL, healthcheck: {test: [CMD, "false"], interval: 100ms, retries: 100000}}
	END
	expect_exit 5 mstack up -d --wait --wait-timeout 1
	says 'the stack goes on'
	# What somebody stops has not failed.
	mstack stop a
	state_is a exited
	state_is b running
	sed -i 's/  a: {/&labels: {l: "1"}, /' stack.yaml
	expect_exit 0 mstack up -d
	state_is a running
	# The same of one that changes it.
	sed -i 's/l: "1"/l: "2"/' stack.yaml
	expect_exit 5 mstack up -d --wait --wait-timeout 1
	sed -i 's/l: "2"/l: "3"/' stack.yaml
	expect_exit 0 mstack up -d
	says 'a-1 changed'
	mstack down
}

@test "change: up --wait does not wait for ever for who is restarted all the time" {
	stack <<<'services: {a: {image: busybox, command: [sh, -c, "sleep 0.1; exit 1"], restart: always, stop_signal: SIGKILL}}'
	expect_exit 0 mstack up -d --wait --wait-timeout 60
	mstack down
}

@test "change: who waits for an up is told when somebody takes the stack down instead" {
	mkdir data && chmod 777 data
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL, volumes: ["./data:/data"], pre_stop: [{command: [sh, -c, "until test -e /data/go; do sleep 0.05; done"]}], stop_grace_period: 60s,
		      healthcheck: {test: [CMD, "false"], interval: 100ms, retries: 100000}}
		  b: {image: busybox, command: [sleep, "1000"], depends_on: {a: {condition: service_healthy}}}
	END
	mstack up -d 2>one.err &
	local first=$! second third
	wait_until state_is a running
	mstack up -d 2>two.err &
	second=$!
	wait_until grep -q 'the stack is still being started: this waits' two.err
	mstack down &
	third=$!
	wait_until grep -q 'the stack is being stopped: this waits' two.err
	touch data/go
	ends_with 0 "$third"
	ends_with 1 "$second"
	grep -q "stack 't' has ended meanwhile" two.err
	ends_with 1 "$first"
	grep -q 'the stack was taken down before all of it was started' one.err
	[[ -z $(mstack ls -q) ]]
}

@test "change: up --abort-on-container-exit waits for the end of a stop as well" {
	mkdir data && chmod 777 data
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "trap 'until test -e /data/go; do sleep 0.05; done; exit' TERM; echo ready; test -e /data/go && exit 7; while :; do sleep 0.05; done"],
		      stop_grace_period: 60s, volumes: ["./data:/data"]}
	END
	mstack up -d
	wait_until log_has a ready
	mstack down &
	local first=$!
	wait_until eval 'mstack ps -a | grep -q "(stopping)"'
	up_foreground --exit-code-from a
	wait_until grep -q 'the stack is being stopped: this waits' up.err
	touch data/go
	ends_with 0 "$first"
	ends_with 7 "$UP"
}

@test "change: a second one waits for the end of the first, and says so" {
	stack < <(slow_until_go; echo '  b: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}')
	mstack up -d
	wait_until log_has slow 'x is 1'
	sed -i 's/x: "1"/x: "2"/' stack.yaml
	mstack up -d &
	local first=$! second
	wait_until eval 'mstack ps | grep -q "(stopping)"'
	sed -i 's/x: "2"/x: "3"/; s/  b: {/&labels: {l: "1"}, /' stack.yaml
	expect_exit 5 mstack up -d --wait --wait-timeout 3
	says 'the stack is being changed by somebody else, also after the time of --wait-timeout: nothing was done'
	mstack up -d 2>two.err &
	second=$!
	wait_until grep -q 'the stack is being changed by somebody else: this waits' two.err
	touch data/go
	ends_with 0 "$first"
	ends_with 0 "$second"
	grep -q 'slow-1 restarted' two.err
	grep -q 'b-1 changed' two.err
	wait_until log_has slow 'x is 3'
	expect_exit 0 mstack plan --exit-code
	mstack down
}

@test "change: mounts make the container anew, with its address and its log" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sh, -c, 'echo here; exec sleep 1000'], $Q}
		  b: {image: busybox, command: [sleep, "1000"], $Q}
	END
	mstack up -d
	wait_until log_has a here
	mstack exec -T a touch /gone
	ip=$(field a IP) other=$(of b-1)
	sed -i 's/echo here/echo there/; /^  a:/s/image: busybox/&, tmpfs: [\/mem]/' stack.yaml
	mstack up -d
	wait_until log_has a there
	log_has a here
	[[ $(field a IP) == "$ip" && $(of b-1) == "$other" ]]
	not mstack exec -T a test -e /gone
	mstack exec -T a grep -q ' /mem tmpfs' /proc/mounts
	mstack exec -T b nslookup a 127.0.0.11 | grep -q "$ip"
	mstack down
}

@test "change: services come and go; what is gone from the file stays until it is said" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1000"], $Q}
		  old: {image: busybox, command: [sleep, "1000"], $Q}
	END
	mstack up -d
	before=$(of a-1)
	# Before the others in the file: nobody's address moves for it.
	stack <<-END
		services:
		  new: {image: busybox, command: [sleep, "1000"], $Q}
		  a: {image: busybox, command: [sleep, "1000"], $Q}
	END
	mstack up -d 2>up.err
	grep -q 'old-1.*--remove-orphans' up.err
	[[ $(of a-1) == "$before" && $(mstack ps -q | wc -l) == 3 ]]
	mstack exec -T a nslookup new 127.0.0.11 | grep -q "$(field new IP)"
	mstack up -d --remove-orphans
	[[ $(of a-1) == "$before" && $(mstack ps -q | wc -l) == 2 ]]
	not mstack exec -T a nslookup old 127.0.0.11
	mstack down
}

@test "change: what runs of a service whose profile is not active is no orphan" {
	stack <<-END
		services:
		  web: {image: busybox, command: [sleep, "1000"], $Q}
		  dbg: {image: busybox, command: [sleep, "1000"], profiles: [debug], $Q}
	END
	mstack --profile debug up -d
	before=$(of dbg-1)
	expect_exit 0 mstack plan --exit-code
	not grep orphan <<<"$output"
	for asked in '' --remove-orphans web '--remove-orphans web'; do
		# shellcheck disable=SC2086 # words
		expect_exit 0 mstack up -d $asked
		not grep 'not in the file' <<<"$output"
		[[ $(of dbg-1) == "$before" ]]
	done
	# Only who is gone from the file is one.
	sed -i '/dbg:/d' stack.yaml
	expect_exit 0 mstack up -d
	says 'dbg-1' 'not in the file any more'
	mstack up -d --remove-orphans
	[[ -z $(of dbg-1) ]]
	mstack down
}

@test "change: more and fewer containers of a service" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1000"], $Q}
	END
	mstack up -d
	before=$(of a-1)
	mstack up -d --scale a=3
	[[ $(mstack ps -q | wc -l) == 3 && $(of a-1) == "$before" ]]
	two=$(of a-2)
	mstack up -d --scale a=2
	[[ $(mstack ps -q | wc -l) == 2 && $(of a-1) == "$before" && $(of a-2) == "$two" ]]
	mstack down
}

@test "change: networks and wires that come and go" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1000"], $Q}
		  b: {image: busybox, command: [sleep, "1000"], networks: [one], $Q}
		networks: {one: {}}
	END
	mstack up -d
	before=$(of a-1) links=$(ip -br link show type bridge | wc -l)
	stack <<-END
		x-links: [{endpoints: ["a:wire0", "b:wire0"], ipv4: ["10.9.0.1/30", "10.9.0.2/30"]}]
		services:
		  a: {image: busybox, command: [sleep, "1000"], $Q}
		  b: {image: busybox, command: [sleep, "1000"], networks: [two], $Q}
		networks: {two: {}}
	END
	expect_exit 10 mstack plan --exit-code
	says '- network one: remove' '+ network two: create' '+ wire a:wire0 b:wire0: create' '3 networks or wires'
	mstack up -d
	[[ $(of a-1) == "$before" ]]
	[[ $(ip -br link show type bridge | wc -l) == "$links" ]]
	wait_until inside a ping -c 1 -W 1 10.9.0.2
	sed -i /x-links/d stack.yaml
	expect_exit 10 mstack plan --exit-code
	says '- wire a:wire0 b:wire0: remove'
	mstack up -d
	[[ $(of a-1) == "$before" ]]
	not inside a ip link show wire0
	mstack down
}

@test "change: a port that somebody has changes nothing" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1000"], $Q}
	END
	mstack up -d
	before=$(pids)
	busybox httpd -f -p 8099 3>&- &
	listener=$!
	wait_until busybox nc 127.0.0.1 8099 </dev/null
	sed -i 's/image: busybox/&, ports: ["8099:80"], environment: {A: b}/' stack.yaml
	expect_exit 1 mstack up -d
	says '8099/tcp'
	[[ $(pids) == "$before" ]]
	kill $listener
	wait $listener || :
	wait_until mstack up -d
	mstack down
}

@test "change: of one service only, and what fails leaves the others alone" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1000"], $Q}
		  b: {image: busybox, command: [sleep, "1000"], $Q}
	END
	mstack up -d
	before=$(of b-1)
	sed -i 's/sleep, "1000"/sleep, "1001"/' stack.yaml
	mstack up -d a
	[[ $(field a Command) == *1001 && $(of b-1) == "$before" ]]
	sed -i '/^  a:/s/sleep, "1001"/nothing-like-this/' stack.yaml
	expect_exit 127 mstack up -d a
	[[ $(of b-1) == "$before" ]]
	sed -i '/^  a:/s/nothing-like-this/sleep, "1002"/' stack.yaml
	mstack up -d a
	wait_until state_is a running
	[[ $(of b-1) == "$before" ]]
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1003"], $Q}
		  b: {image: busybox, command: [sleep, "1003"], depends_on: [a], $Q}
		  c: {image: busybox, command: [sleep, "1003"], depends_on: [b], $Q}
		  d: {image: busybox, command: [sleep, "1003"], $Q}
	END
	mstack up -d c
	[[ $(field a Command)$(field b Command)$(field c Command) == *1003*1003*1003 ]]
	not state_is d running
	mstack down
}

as_fresh() {
	looks >changed
	diff -q fresh changed >/dev/null
}

@test "change: whatever way it came, a stack looks like one that was started so" {
	local one two from to
	# shellcheck disable=SC2034 # by their names, below
	one="services:
  a: {image: busybox, command: [sleep, '1000'], ports: ['8080:80'], networks: {x: {ipv4_address: 10.5.0.9}, y: {}}, $Q}
  b: {image: busybox, command: [sleep, '1000'], networks: [x], labels: {l: '1'}, $Q}
networks: {x: {ipam: {config: [{subnet: 10.5.0.0/24}]}}, y: {internal: true}}"
	two="services:
  a: {image: busybox, command: [sleep, '1000'], ports: ['8081:80', '8082:81/udp'], networks: {x: {ipv4_address: 10.5.0.9}}, $Q}
  b: {image: busybox, command: [sleep, '1001'], networks: [x, z], labels: {l: '2'}, $Q}
networks: {x: {ipam: {config: [{subnet: 10.5.0.0/24}]}}, z: {}}"
	for pair in one:two two:one; do
		from=${pair%:*} to=${pair#*:}
		stack <<<"${!to}"
		mstack up -d
		looks >fresh
		mstack down
		stack <<<"${!from}"
		mstack up -d
		stack <<<"${!to}"
		mstack up -d
		# The kernel takes the network namespace of a container that was made anew apart in its own time, and its links with that.
		wait_until as_fresh || diff fresh changed
		mstack down
	done
}

@test 'up waits for who waits for others, and has back who is just being stopped' {
	mkdir data && chmod 777 data
	stack <<-'END'
		services:
		  sick:
		    image: busybox
		    command: [sleep, "1000"]
		    volumes: ["./data:/data"]
		    healthcheck: {test: [CMD, test, -e, /data/well], interval: 100ms, retries: 10000}
		    stop_signal: KILL
		  after: {image: busybox, command: [sleep, "1000"], depends_on: {sick: {condition: service_healthy}}}
		  slow:
		    image: busybox
		    command: [sh, -c, "trap : TERM; while :; do sleep 0.1; done"]
		    labels: {n: "1"}
		    stop_grace_period: 100s
	END
	mstack up -d 3>&- &
	first=$!
	wait_until is after waiting
	: >data/well
	wait "$first"
	mstack stop after
	rm data/well
	mstack restart sick
	mstack start after 3>&- &
	start=$!
	wait_until is after waiting
	mstack stop slow 3>&- &
	stop=$!
	wait_until is slow stopping
	sed -i 's/n: "1"/n: "2"/' stack.yaml
	mstack up -d 2>up.err 3>&- &
	up=$!
	has_begun() { mstack ps --format '{{.Labels}}' slow | grep -q 'n=2'; }
	wait_until has_begun
	: >data/well
	kill -9 "$(field slow Pid)"
	wait "$up"
	grep -q 'after-1 started' up.err
	state_is after running
	state_is slow running
	wait "$start" || :
	wait "$stop" || :
	mstack kill slow
	mstack down
}
is() { mstack ps -a "$1" | grep -q "($2)"; }

refused() { # CODE WORDS...: by plan and by up, in the same words
	expect_exit "$1" mstack plan
	says 'a-1: create' "${@:2}"
	expect_exit "$1" mstack up -d
	says "${@:2}"
	[[ -z $(mstack ps -aq) ]]
}

@test "change: the plan of a stack that is down tells what 'up' would refuse: ports, folders, subnets" {
	[[ -z ${MSTACK_AS:-} ]] || skip 'only root looks at the host'
	stack other <<-'END'
		services: {b: {image: busybox, command: [sleep, "1000"], ports: ["8080:80"]}}
	END
	mstack up -d
	stack_one <<<'ports: ["8080:80"]'
	refused 1 "port 8080/tcp (a-1): already in use on this host by stack 'other', service 'b'"
	stack_one <<<'volumes: [{type: bind, source: /nosuch, target: /x, bind: {create_host_path: false}}]'
	refused 125 "bind of '/nosuch': it is not there: make it"
	ip addr add 10.77.0.1/24 dev up0
	{
		echo 'networks: {default: {ipam: {config: [{subnet: 10.77.0.0/16}]}}}'
		echo 'services: {a: {image: busybox}}'
	} | stack
	refused 1 'subnet is taken on this host by 10.77.0.0/24 (up0)'
	ip addr del 10.77.0.1/24 dev up0
	# Nothing is held or made by a plan.
	stack_one <<<'volumes: ["./new:/x"]
ports: ["8081:80"]'
	expect_exit 10 mstack plan --exit-code
	[[ ! -e new ]]
	expect_exit 0 mstack up -d
	expect_exit 0 mstack plan --exit-code
	mstack down
	stack_one <<<'image: registry.example/none:1'
	sed -i '/image: busybox/d' stack.yaml
	expect_exit 0 mstack plan
	says 'a-1: create' 'not all images are here'
	mstack down -p other
}
