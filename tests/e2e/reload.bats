#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SIGHUP: the supervisor reads its stack file again, and the stack becomes what it says, as by another `up`. Whatever is wrong with the
# file, the stack goes on as it was.

load lib/common

Q='stop_grace_period: 0s'
SLEEP="image: busybox, command: [sleep, \"1000\"], $Q"

pid_of() { mstack -p t ps -a --format '{{.Slot}} {{.Pid}}' | awk -v s="$1" '$1 == s { print $2 }'; }
log() { cat /run/mstack/t/supervisor.log; }
label_is() { [[ $(field "$1" Labels) == *"$2"* ]]; }
labels() { mstack -p t ps -a --format '{{.Slot}} {{.Labels}}'; }
has_label() { labels | grep -q "^$1 .*$2"; }
running() { mstack -p t ps --format '{{.Slot}}' | sort | xargs; }
runs() { [[ $(running) == "$*" ]]; }

up_in_background() {
	mstack "$@" up -d
	SUP=$(mstack ls --format json | jq -r .Pid)
}

# N times it has been read.
has_read() { [[ $(log | grep -c 'reading the stack file again') -ge $1 ]]; }
# Nobody reads any more.
is_done() { ! pgrep -P "$SUP" -x mstack; }
is_refused() { log | grep -q 'the stack goes on as it was'; }

@test 'reload: what the file says now is done, and only that' {
	stack <<-END
		services:
		  a: {$SLEEP, labels: {x: "1"}}
		  b: {$SLEEP, environment: {V: "1"}}
		  old: {$SLEEP}
	END
	up_in_background
	a=$(pid_of a-1) b=$(pid_of b-1) old=$(pid_of old-1)
	stack <<-END
		services:
		  a: {$SLEEP, labels: {x: "2"}}
		  b: {$SLEEP, environment: {V: "2"}}
		  new: {$SLEEP}
	END
	kill -HUP "$SUP"
	wait_until has_label a-1 x=2
	wait_until runs a-1 b-1 new-1 old-1
	wait_until is_done
	[[ $(pid_of a-1) == "$a" && $(pid_of b-1) != "$b" && $(pid_of old-1) == "$old" ]]
	log | grep -q 'old-1.*goes on, although its service is not in the file any more'
	# Who did it, and why.
	mstack why b | grep -q 'because the stack file has changed: reload'
	mstack events --json --since 1h --until 0s | jq -se 'any(.type == "stack" and .action == "reload" and .attributes.causeSignal == "SIGHUP")'
	# Nothing has changed since.
	b=$(pid_of b-1)
	kill -HUP "$SUP"
	wait_until has_read 2
	wait_until is_done
	[[ $(pid_of b-1) == "$b" ]]
	mstack down
}

@test 'reload: the same -f, -p, profiles and env files as it was started with, wherever they lie' {
	mkdir here
	cat >here/shop.yaml <<-END
		services:
		  a: {$SLEEP, labels: {x: "\${X}"}}
		  b: {$SLEEP, profiles: [more]}
		  c: {$SLEEP, profiles: [other]}
	END
	echo X=1 >vars
	up_in_background -f here/shop.yaml -p t --profile more --env-file vars
	has_label a-1 x=1
	echo X=2 >vars
	sed -i "s/  b: {/  b: {labels: {new: '1'}, /" here/shop.yaml
	kill -HUP "$SUP"
	wait_until has_label a-1 x=2
	wait_until has_label b-1 new=1
	[[ $(running) == 'a-1 b-1' ]]
	mstack down -p t
}

@test 'reload: a file with a mistake changes nothing, and its diagnostics are in the log' {
	stack_one <<<$'command: [sleep, "1000"]\nlabels: {x: "1"}'
	up_in_background
	pid=$(pid_of a-1)
	sed -i 's/command: .*/comand: [sleep]/' stack.yaml
	kill -HUP "$SUP"
	wait_until is_refused
	log | grep -q 'stack.yaml:5:5: .*comand'
	log | grep -qF '^'
	[[ $(pid_of a-1) == "$pid" ]]
	# What only the supervisor can find: a port that somebody has.
	busybox nc -ll -p 9999 -e true 3>&- &
	holder=$!
	listens() { [[ -n $(ss -Hltn 'sport = :9999') ]]; }
	wait_until listens
	stack_one <<<$'command: [sleep, "1000"]\nports: ["9999:80"]'
	kill -HUP "$SUP"
	twice() { [[ $(log | grep -c 'the stack goes on as it was') == 2 ]]; }
	wait_until twice
	log | grep -q 'port 9999'
	[[ $(pid_of a-1) == "$pid" ]]
	kill "$holder"
	wait "$holder" || :
	kill -HUP "$SUP"
	wait_until fetch_port
	mstack down
}
fetch_port() { [[ $(mstack port a 80) == *9999 ]]; }

@test 'reload: the file is gone, or another one is found, or it bears another name' {
	mkdir below
	cd below
	stack <<<"services: {a: {$SLEEP}}"
	up_in_background
	pid=$(pid_of a-1)
	mv stack.yaml away
	kill -HUP "$SUP"
	wait_until is_refused
	log | grep -q 'no stack file'
	printf 'name: t\nservices: {b: {%s}}\n' "$SLEEP" >../stack.yaml
	kill -HUP "$SUP"
	another() { log | grep -q "stack file 'stack.yaml': it is gone, and '/.*/stack.yaml' is another one"; }
	wait_until another
	sed 's/^name: .*/name: u/' away >stack.yaml
	kill -HUP "$SUP"
	renamed() { log | grep -q "is called 'u' now, and 't' is what runs"; }
	wait_until renamed
	wait_until is_done
	[[ $(pid_of a-1) == "$pid" && $(running) == a-1 ]]
	[[ ! -e /run/mstack/u ]]
	mstack down -p t
	# One that was never in a file.
	printf 'name: t\nservices: {a: {%s}}\n' "$SLEEP" | mstack -f - up -d
	SUP=$(mstack ls --format json | jq -r .Pid)
	kill -HUP "$SUP"
	once() { log | grep -q 'read from standard input, which cannot be read again'; }
	wait_until once
	mstack down -p t
}

@test 'reload: twice at once, during a change, and while the stack is started' {
	stack <<-END
		services:
		  a: {$SLEEP, labels: {x: "1"}}
		  slow: {$SLEEP, healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 100ms, retries: 1000}}
	END
	mstack up -d --wait &
	up=$!
	started() { state_is slow running && SUP=$(mstack ls --format json | jq -r .Pid) && [[ -n $SUP ]]; }
	wait_until started
	sed -i 's/x: "1"/x: "2"/' stack.yaml
	kill -HUP "$SUP"
	kill -HUP "$SUP"
	has_label a-1 x=1
	mstack exec -T slow touch /tmp/well
	wait "$up"
	wait_until has_label a-1 x=2
	# While another `up` waits for what will take a while.
	sed -i 's/x: "2"/x: "3"/; /  slow:/{p; s/slow/good/; s/well/good/}' stack.yaml
	mstack up -d --wait &
	up=$!
	wait_until state_is good running
	sed -i 's/x: "3"/x: "4"/' stack.yaml
	for _ in {1..5}; do kill -HUP "$SUP"; done
	sleep 0.5
	has_label a-1 x=3
	mstack exec -T good touch /tmp/good
	wait "$up"
	wait_until has_label a-1 x=4
	for i in {5..14}; do
		sed -i "s/x: \"[0-9]*\"/x: \"$i\"/" stack.yaml
		kill -HUP "$SUP"
	done
	wait_until has_label a-1 x=14
	wait_until is_done
	mstack down
}

@test 'reload: in the foreground, after SIGUSR2, and of a stack that was made by create' {
	stack_one <<<$'command: [sleep, "1000"]\nlabels: {x: "1"}'
	up_foreground
	wait_until state_is a running
	kill -USR2 "$UP"
	wait_until grep -q 'goes on in place of' up.err
	sed -i 's/x: "1"/x: "2"/' stack.yaml
	kill -HUP "$UP"
	wait_until has_label a-1 x=2
	grep -q 'SIGHUP: reading the stack file again' up.err
	kill -TERM "$UP"
	ends_with 0 "$UP"
	mstack create
	SUP=$(mstack ls --format json | jq -r .Pid)
	kill -USR2 "$SUP"
	replaced() { log | grep -q 'goes on in place of'; }
	wait_until replaced
	state_is a created
	sed -i 's/x: "2"/x: "3"/' stack.yaml
	kill -HUP "$SUP"
	wait_until has_label a-1 x=3
	mstack start
	state_is a running
	mstack down
}

@test 'reload: the child that asked is killed, and the change goes on; the supervisor is killed meanwhile, and nothing is left' {
	stack <<-END
		services:
		  slow: {$SLEEP, healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 100ms, retries: 1000}}
	END
	up_in_background
	pid=$(pid_of slow-1)
	stack <<-END
		services:
		  slow: {$SLEEP, healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 100ms, retries: 1000}}
		  late: {$SLEEP, depends_on: {slow: {condition: service_healthy}}}
	END
	kill -HUP "$SUP"
	reads() { pgrep -P "$SUP" -x mstack && state_is late created; }
	wait_until reads
	kill -KILL "$(pgrep -P "$SUP" -x mstack)"
	said() { log | grep -q 'who read the file was killed'; }
	wait_until said
	mstack exec -T slow touch /tmp/well
	wait_until state_is late running
	[[ $(pid_of slow-1) == "$pid" ]]
	sed -i '/  slow:/{p; s/slow/never/; s/well/never/}; s/late: \(.*\)slow/later: \1never/' stack.yaml
	kill -HUP "$SUP"
	reads() { pgrep -P "$SUP" -x mstack && state_is later created; }
	wait_until reads
	child=$(pgrep -P "$SUP" -x mstack)
	kill -KILL "$SUP"
	wait_until gone "$child"
	wait_until gone "$pid"
	nobody() { [[ -z $(other_mstack) ]]; }
	wait_until nobody
	[[ -z $(ip -o link show type bridge) ]]
	mstack down
}

@test 'reload: -V was said of the first start: what anonymous volumes hold stays' {
	stack <<<"services: {a: {$SLEEP, volumes: [/own]}}"
	mstack up -d -V
	SUP=$(mstack ls --format json | jq -r .Pid)
	mstack exec -T a touch /own/mine
	pid=$(pid_of a-1)
	stack <<<"services: {a: {$SLEEP, volumes: [/own], user: \"7\"}}"
	kill -HUP "$SUP"
	wait_until runs_anew a "$pid"
	mstack exec -T a test -e /own/mine
	mstack down -v
}
