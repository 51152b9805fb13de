#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGUSR2: the supervisor goes on as the program that lies now where its own came from. Containers notice nothing, and whatever goes
# wrong before the old program gives way leaves all as it was.

load lib/common

# Programs that may be replaced: mstack of this test lies in ./bin.
own_programs() {
	mkdir bin
	cp "$BUILD"/mstack "$BUILD"/mstack-* bin/
	PATH=$PWD/bin:$PATH
}

# The supervisor's words in the background.
told() { cat "/run/mstack/t/supervisor.log"; }
times_replaced() { told | grep -c 'goes on in place of' || :; }
has_replaced() { [[ $(times_replaced) -ge $1 ]]; }

# replace N: for the Nth time.
replace() {
	kill -USR2 "$SUP"
	wait_until has_replaced "$1"
}

up_in_background() {
	mstack up -d
	SUP=$(mstack ls --format json | jq -r .Pid)
	[[ $(<"/proc/$SUP/comm") == mstack ]]
}

descriptors() { find "/proc/$SUP/fd" -mindepth 1 | wc -l; }

@test 'containers keep pids, addresses, connections, health and restart counts' {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    command: [nc, -ll, -p, "80", -e, cat]
		    ports: ["8080:80"]
		    healthcheck: {test: ["CMD", "true"], interval: 100ms}
		  crash:
		    image: busybox
		    command: [sh, -c, "sleep 0.1; exit 3"]
		    restart: always
		  job:
		    image: busybox
		    command: ["true"]
	END
	up_in_background
	wait_until health_is web healthy
	wait_until state_is job exited
	crashed() { [[ $(field crash Restarts) -ge $1 ]]; }
	wait_until crashed 1
	wait_until listens web 80
	restarts=$(field crash Restarts)
	pid=$(field web Pid) ip=$(field web IP)
	exec 5<>/dev/tcp/127.0.0.1/8080
	echo before >&5
	read -r -t 30 answer <&5
	[[ $answer == before ]]
	replace 1
	echo after >&5
	read -r -t 30 answer <&5
	[[ $answer == after ]]
	exec 5<&-
	[[ $(field web Pid) == "$pid" ]]
	[[ $(field web IP) == "$ip" ]]
	kill -0 "$SUP"
	health_is web healthy
	[[ $(field job ExitCode) == 0 ]]
	state_is job exited
	[[ $(field crash Restarts) -ge $restarts ]]
	now=$(field crash Restarts)
	more() { [[ $(field crash Restarts) -gt $now ]]; }
	wait_until more
	# What is new is reached as before.
	exec 5<>/dev/tcp/127.0.0.1/8080
	echo new >&5
	read -r -t 30 answer <&5
	[[ $answer == new ]]
	exec 5<&-
	mstack exec -T web true
	mstack events --json --since 1h --until 0s | grep -q '"action":"reexec"'
	mstack down
}

@test 'ten times in a row: no line of the log is lost, no descriptor is left behind' {
	stack_one <<-'END'
		command:
		  - sh
		  - -c
		  - 'trap exit TERM; i=0; while :; do i=$$((i+1)); echo $$i; [ $$((i % 10)) -ne 0 ] || sleep 0.01; done'
	END
	up_in_background
	wait_until log_has a '^100$'
	replace 1
	before=$(descriptors)
	for i in {2..10}; do
		replace "$i"
	done
	# Whoever looks just now finds some more or less; each time that left one would count nine times.
	no_more() { (($(descriptors) < before + 5)); }
	wait_until no_more
	last=$(mstack logs -n 1 --no-log-prefix a)
	further() { [[ $(mstack logs -n 1 --no-log-prefix a) -gt $((last + 200)) ]]; }
	wait_until further
	mstack stop 2>/dev/null || :
	mstack logs --no-log-prefix a |
		awk '$1 != ++n { print "line " n " is " $0; bad = 1; exit } END { if (n < 300) print "only " n; exit bad || n < 300 }'
	one_of_each() { [[ $(pgrep -c -x mstack-guard) == 1 && $(pgrep -c -x mstack-standby) == 1 ]]; }
	wait_until one_of_each
	mstack down
}

# client: connected once "here" lies there, asks what CTL_STATUS asks once "ask" does, and writes the answer to "answer". The layout is that of packet.c.
client() {
	local version
	version=$(awk '$2 == "CTL_VERSION" { print $3 }' "$BATS_TEST_DIRNAME/../../include/mstack/ctl.h")
	python3 -c '
import os, socket, struct, sys, time
MAGIC, STATUS = 0x6b74736d, 4
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
open("here", "w").close()
while not os.path.exists("ask"):
    time.sleep(0.01)
s.send(struct.pack("=6I", MAGIC, int(sys.argv[2]), STATUS, 1, 0, 0))
with open("answer", "wb") as out:
    out.write(s.recv(65536)[24:])
' "/run/mstack/t/control" "$version" 3>&- &
	CLIENT=$!
}

@test 'who has connected and not asked yet is answered by the next program' {
	stack_one <<<'command: [sleep, "1000"]'
	up_in_background
	client
	wait_until test -e here
	mstack ps >/dev/null # it came later, so the client has been let in
	replace 1
	touch ask
	ends_with 0 "$CLIENT"
	[[ $(jq -r .pid answer) == "$SUP" ]]
	mstack down
}

@test 'wait goes on with the next program, without what it has told already' {
	stack <<-'END'
		services:
		  one: &later {image: busybox, command: [sh, -c, "until test -e /go; do sleep 0.05; done; exit 3"]}
		  two: {<<: *later, command: [sh, -c, "until test -e /go; do sleep 0.05; done; exit 4"]}
	END
	up_in_background
	mstack wait one two >wait.out 2>wait.err &
	waits=$!
	mstack wait one >first.out 2>&1 &
	first=$!
	mstack exec -T one touch /go
	ends_with 3 "$first"
	has_told() { grep -q 'one-1" exited with status code 3' wait.out; }
	wait_until has_told
	replace 1
	kill -0 "$waits"
	mstack exec -T two touch /go
	ends_with 4 "$waits"
	[[ ! -s wait.err && $(<wait.out) == $'container "t-one-1" exited with status code 3\ncontainer "t-two-1" exited with status code 4' ]]
	mstack down
}

@test 'a program that cannot go on leaves all as it was' {
	own_programs
	stack_one <<<'command: [sleep, "1000"]'
	up_in_background
	pid=$(field a Pid)
	printf '#!/bin/sh\necho "what is this?" >&2\nexit 1\n' >bin/new
	chmod +x bin/new
	mv bin/mstack bin/old
	mv bin/new bin/mstack
	kill -USR2 "$SUP"
	refused() { told | grep -q "cannot go on for us: what is this?: this program goes on"; }
	wait_until refused
	# Not there at all.
	rm bin/mstack
	kill -USR2 "$SUP"
	missing() { told | grep -q "execute '.*/bin/mstack': .*this program goes on"; }
	wait_until missing
	[[ $(bin/old ps --format json | jq -r .Pid) == "$pid" ]]
	# And one that can.
	mv bin/old bin/mstack
	replace 1
	[[ $(field a Pid) == "$pid" ]]
	# Who answers for names goes along when it is another one, too.
	helper=$(pgrep -x mstack-net)
	cp bin/mstack-net bin/new
	mv bin/new bin/mstack-net
	replace 2
	another() { pgrep -x mstack-net >helper && [[ $(<helper) != "$helper" ]]; }
	wait_until another
	mstack exec -T a nslookup a
	mstack down
}

@test 'killed right after it: the guard of the new program clears up' {
	stack_one <<-'END'
		command: [sleep, "1000"]
		ports: ["8080:80"]
	END
	up_in_background
	pid=$(field a Pid)
	replace 1
	kill -KILL "$SUP"
	wait_until gone "$pid"
	nobody() { [[ -z $(other_mstack) ]]; }
	wait_until nobody
	[[ -z $(ip -o link show type bridge) ]]
	mstack down
}

@test 'killed right after it with its guard: the standby of the new program clears up' {
	stack_one <<-'END'
		command: [httpd, -f, -u, "1000:1000"]
		stop_signal: KILL
	END
	up_in_background
	pid=$(field a Pid)
	replace 1
	kill -KILL "$SUP" "$(pgrep -x mstack-guard)"
	wait_until gone "$pid"
	nobody() { [[ -z $(other_mstack) ]]; }
	wait_until nobody
	[[ -z $(ip -o link show type bridge) ]]
}

@test 'in the foreground: what services say is printed on, and Ctrl-C ends it' {
	stack_one <<<$'command: [sh, -c, "while :; do echo again; sleep 0.1; done"]\nstop_signal: SIGKILL'
	up_foreground
	wait_until grep -q again up.out
	kill -USR2 "$UP"
	wait_until grep -q 'goes on in place of' up.err
	seen=$(wc -l <up.out)
	more() { [[ $(wc -l <up.out) -gt $((seen + 2)) ]]; }
	wait_until more
	kill -INT "$UP"
	ends_with 130 "$UP"
}

@test 'names are answered, wires carry, impairments stay' {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
		  b: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
		x-links:
		  - {endpoints: ["a:w0", "b:w0"], ipv4: ["10.99.0.1/30", "10.99.0.2/30"]}
	END
	up_in_background
	helper=$(pgrep -x mstack-net)
	mstack link down a:w0
	mstack impair a:eth0 ingress rate=400mbit
	replace 1
	[[ $(pgrep -x mstack-net) == "$helper" ]]
	mstack exec -T a nslookup b
	not inside a busybox ping -c 1 -W 1 10.99.0.2
	mstack link up a:w0
	wait_until inside a busybox ping -c 1 -W 1 10.99.0.2
	# What was set by hand is known, and can be taken away.
	mstack impair --format json a:eth0 | jq -e '.ingress.rate == "400mbit"'
	mstack impair a:eth0 clear
	mstack impair --format json a:eth0 | jq -e '.ingress == {} or .ingress == null'
	mstack down
}

@test 'an isolated stack, a terminal, a volume' {
	stack <<-'END'
		x-isolated: true
		services:
		  a:
		    image: busybox
		    command: [sh, -c, "sleep 1000"]
		    tty: true
		    stop_signal: SIGKILL
		    ports: ["8080:80"]
		    volumes: ["data:/data"]
		  web:
		    image: busybox
		    command: [nc, -ll, -p, "80", -e, cat]
		    ports: ["8081:80"]
		volumes: {data: {}}
	END
	up_in_background
	mstack exec -T a sh -c 'echo kept >/data/file'
	replace 1
	[[ $(mstack exec -T a cat /data/file) == kept ]]
	wait_until listens web 80
	exec 5<>/dev/tcp/127.0.0.1/8081
	echo hello >&5
	read -r -t 30 answer <&5
	[[ $answer == hello ]]
	exec 5<&-
	run mstack volume rm t_data
	[[ $status != 0 ]]
	mstack down -v
}

@test 'what was stopped, paused, scaled and chosen stays so' {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    command: [nc, -ll, -p, "80", -e, cat]
		    stop_signal: SIGKILL
		    scale: 3
		    ports: ["80"]
		    healthcheck: {x-probe: {tcp: 80}, interval: 100ms, start_period: 40s}
		  job: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
		  still: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
		  lines:
		    image: busybox
		    command: [sh, -c, "echo ready to serve; exec sleep 1000"]
		    stop_signal: SIGKILL
		    healthcheck: {x-probe: {log: ready to serve}, interval: 100ms, start_period: 40s}
	END
	mstack up -d --wait --scale web=2
	SUP=$(mstack ls --format json | jq -r .Pid)
	mstack stop job
	mstack pause still
	seen() { mstack ps -a --format json | jq -c '[.Name, .State, .Pid, .IP, .Health, .Publishers]' | sort; }
	before=$(seen)
	replace 1
	[[ $(seen) == "$before" ]]
	mstack unpause still
	mstack start job
	state_is still running
	state_is job running
	mstack down
}

@test 'while a command is under way it waits for its end' {
	stack_one <<-'END'
		command: [sh, -c, "trap 'sleep 2; exit 0' TERM; while :; do sleep 0.1; done"]
		healthcheck: {test: ["CMD", "true"], interval: 50ms}
	END
	up_in_background
	wait_until health_is a healthy
	mstack restart a &
	restart=$!
	stopping() { mstack events --json --since 1h --until 0s | grep -q '"action":"kill"'; }
	wait_until stopping
	kill -USR2 "$SUP"
	wait "$restart"
	wait_until has_replaced 1
	wait_until health_is a healthy
	mstack down
}

@test 'with a one-off beside it, it is refused' {
	stack_one <<<'command: [sleep, "1000"]'
	up_in_background
	mstack run -d a sleep 1000
	kill -USR2 "$SUP"
	refused() { told | grep -q "the one-off container '.*' runs: this program goes on"; }
	wait_until refused
	[[ $(times_replaced) == 0 ]]
	mstack down
}

@test 'between two commands of pre_start: it goes on with the next one' {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
	END
	up_in_background
	mkdir data
	chmod 777 data
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
		  b:
		    image: busybox
		    command: [sleep, "1000"]
		    stop_signal: SIGKILL
		    volumes: ["./data:/data"]
		    pre_start:
		      - command: [sh, -c, "echo one >>/data/done; while [ ! -e /data/first ]; do sleep 0.1; done"]
		      - command: [sh, -c, "echo two >>/data/done; while [ ! -e /data/second ]; do sleep 0.1; done"]
		      - command: [sh, -c, "echo three >>/data/done"]
		  c: {image: busybox, command: [/no/such/program]}
	END
	# The change is over with the failure of c, and b goes on.
	expect_exit 127 mstack up -d
	wait_until grep -q one data/done
	kill -USR2 "$SUP"
	sleep 0.5
	touch data/first
	# It begins while the next program is tried out, and that one takes over when it has ended.
	wait_until grep -q two data/done
	sleep 1
	[[ $(times_replaced) == 0 ]]
	touch data/second
	wait_until has_replaced 1
	wait_until state_is b running
	[[ $(xargs <data/done) == 'one two three' ]]
	mstack down
}

# The try-out goes well, then comes a program that does this, in bash.
spoil() {
	stack_one <<-'END'
		command: [sleep, "1000"]
		ports: ["8080:80"]
	END
	goes_bad
	wait_until gone "$pid"
	nobody() { [[ -z $(other_mstack) && -z $(pgrep -x mstack-holder) ]]; }
	wait_until nobody
	[[ -z $(ip -o link show type bridge) ]]
}

# The same of the stack that is written, until its supervisor is gone.
goes_bad() {
	own_programs
	up_in_background
	pid=$(field a Pid)
	mv bin/mstack bin/whole
	{
		echo '#!/bin/bash'
		# shellcheck disable=SC2016
		echo '[[ $MSTACK_CARRIED == *\? ]] && exec "${0%/*}/whole" "$@"'
		cat
		# shellcheck disable=SC2016
		echo 'exec "${0%/*}/whole" "$@"'
	} >bin/new
	chmod +x bin/new
	mv bin/new bin/mstack
	kill -USR2 "$SUP"
	wait_until gone "$SUP"
	mv bin/whole bin/mstack
}

@test 'a program that was good when it was tried out and then is not: the guard clears up, and why says it' {
	# shellcheck disable=SC2016
	spoil <<-'END'
		for fd in /proc/self/fd/*; do
			[[ $(readlink "$fd") != */slots/a-1/* ]] || eval "exec ${fd##*/}<&-"
		done
	END
	expect_exit 0 mstack why
	says 'a-1: not there: SIGUSR2: the next mstack could not go on: '
	mstack up -d
	state_is a running
	mstack events --json --since 1h --until 0s | grep -q '"action":"reexec-failed"'
	mstack down
}

@test 'a program that was good when it was tried out and then ends at once: the guard clears up' {
	spoil <<<'exit 1'
	expect_exit 0 mstack why
	says 'a-1: not there: the supervisor was killed'
	mstack up -d
	state_is a running
	mstack down
}

@test 'a program that was good when it was tried out and then finds no ledger: the guard clears up' {
	# shellcheck disable=SC2016
	spoil <<-'END'
		for fd in /proc/self/fd/*; do
			[[ $(readlink "$fd") != */ledger ]] || eval "exec ${fd##*/}<&-"
		done
	END
	mstack up -d
	state_is a running
	mstack down
}

@test 'a program that was good when it was tried out and then is not, of a kept stack: that goes on, and up takes it up' {
	stack <<-'END'
		x-on-supervisor-death: keep
		services: {a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}}
	END
	# shellcheck disable=SC2016
	goes_bad <<-'END'
		for fd in /proc/self/fd/*; do
			[[ $(readlink "$fd") != */slots/a-1/* ]] || eval "exec ${fd##*/}<&-"
		done
	END
	told | grep -q 'and the stack goes on without a supervisor (`mstack up` takes it up): '
	expect_exit 0 mstack why
	says 'a-1: Up ' 'SIGUSR2: the next mstack could not go on, and the stack did, without a supervisor: '
	expect_exit 0 mstack up -d
	says 'adopted 1 container' 'a-1 unchanged'
	[[ $(field a Pid) == "$pid" ]]
	mstack events --json --since 1h --until 0s | grep '"action":"adopt"' | grep -q "supervisor $SUP failed at SIGUSR2"
	expect_exit 0 mstack why
	says 'SIGUSR2: the next mstack could not go on, and the stack did: '
	mstack restart
	kill -USR2 "$(mstack ls --format json | jq -r .Pid)"
	wait_until has_replaced 1
	# One that went well is nobody's reason any more.
	expect_exit 0 mstack why
	[[ $output != *SIGUSR2* ]]
	mstack down
}
