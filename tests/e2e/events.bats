# SPDX-License-Identifier: GPL-2.0-or-later
#
# What happened, and why: events, why, and what ps says of exits.

load lib/common

# The actions of `a`, in a line.
actions() { mstack events --json --since 1h --until 0s a | sed -E 's/.*"action":"([^"]*)".*/\1/' | tr '\n' ' '; }

@test "events: of a life, in docker's words, read when the stack is down" {
	stack_one <<<$'init: true\ncommand: [sleep, "1000"]'
	mstack up -d
	mstack pause
	mstack unpause
	mstack down
	[[ $(actions) == 'create starting start pause unpause kill die stop destroy ' ]]
	mstack events --json --since 1h --until 0s | python3 -c '
import json, sys
seq = 0
for line in sys.stdin:
    e = json.loads(line)
    assert e["seq"] == seq + 1 and e["time"].endswith("Z"), e
    assert e["type"] == "stack" or e["attributes"]["name"] == "t-a-1", e
    seq = e["seq"]
assert seq > 10'
	mstack events --since 1h --until 0s a | grep -qE '^[0-9: .-]+ container die [0-9a-f]{16} \(name=t-a-1, image=busybox, exitCode=143,'
}

@test "events: --filter, of one key any and of all keys one, also in JSON" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "exit 3"]}
		  b: {image: busybox, command: [sh, -c, "exit 4"]}
	END
	mstack up
	mstack events --json --since 1h --until 0s --filter service=b --filter event=create --filter event=die >two
	[[ $(jq -r '"\(.action) \(.slot)"' two) == $'create b-1\ndie b-1' ]]
	[[ $(mstack events --since 1h --until 0s --filter event=die | wc -l) == 2 ]]
	[[ $(mstack events --since 1h --until 0s --filter event=die --filter container=t-b-1) == *'exitCode=4'* ]]
	[[ $(mstack events --since 1h --until 0s --filter event=die --filter container=a-1) == *'exitCode=3'* ]]
	[[ $(mstack events --since 1h --until 0s --filter type=stack | wc -l) == 2 ]]
	[[ -z $(mstack events --since 1h --until 0s --filter service=b --filter container=a-1) ]]
	expect_exit 2 mstack events --until 0s --filter colour=red
	expect_exit 2 mstack events --until 0s --filter service=
}

@test "events: numbers go on over down and up, --after resumes, a number to come is an error" {
	stack_one <<<'command: ["true"]'
	mstack up -d
	mstack down
	last=$(mstack events --json --since 1h --until 0s | tail -n 1 | sed -E 's/^\{"seq":([0-9]+).*/\1/')
	mstack up -d
	first=$(mstack events --json --after "$last" --until 0s | head -n 1)
	[[ $first == "{\"seq\":$((last + 1)),"*'"action":"up"'* ]]
	expect_exit 1 mstack events --after 99999
	grep -q 'ends at' <<<"$output"
	expect_exit 2 mstack events --after x
	expect_exit 2 mstack events nix
	mstack down
}

@test "events: are followed over the end of a stack" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack events --json --since 1h >seen &
	follower=$!
	mstack up -d
	# It is there by now, whenever it began.
	wait_until grep -q '"action":"start"' seen
	mstack down
	mstack up -d
	mstack down
	twice() { [[ $(grep -c '"action":"down"' seen) == 2 ]]; }
	wait_until twice
	kill -INT $follower || :
	kill $follower || :
	wait $follower || :
}

@test "events: a supervisor that was killed is noticed by the next" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	pid=$(field a Pid)
	kill -9 "$(supervisor)"
	wait_until gone "$pid"
	output=$(mstack why a)
	says 'a-1: not there: the supervisor was killed, or the host went down' 'it was started'
	mstack down
	mstack up -d
	mstack events --json --since 1h --until 0s | grep -q '"type":"stack","action":"lost"'
	mstack down
}

@test "why: an exit with its code and the restarts that were left" {
	stack_one <<<$'command: [sh, -c, "exit 7"]\nrestart: "on-failure:1"'
	mstack up -d
	wait_until state_is a dead
	output=$(mstack why a)
	[[ $output == *"a-1: Dead (7)"*'it exited with code 7 after'*'; restart 1 of 1 after 0.1 s'*'its 1 restarts are used up'* ]]
	mstack down
	output=$(mstack why -n 1 a)
	[[ $output == 'a-1: not there'*'it was removed' ]]
	expect_exit 2 mstack why aa
}

@test "why: a service that waits says for what, one that must not start says why" {
	stack <<-'END'
		services:
		  job: {image: busybox, command: [sh, -c, "while [ ! -e /go ]; do sleep 0.05; done; exit 2"]}
		  web: {image: busybox, command: [sleep, "1000"], depends_on: {job: {condition: service_completed_successfully}}}
	END
	up_foreground
	wait_until state_is job running
	output=$(mstack why web)
	[[ $output == "web-1: not started: waits for 'job' to end with success (now running)"* ]]
	mstack exec job touch /go
	ends_with 1 "$UP"
	grep -q "service 'web': not started: 'job', which it depends on, exited with code 2" up.err
	output=$(mstack why web)
	[[ $output == *"it was not started: 'job', which it depends on, exited with code 2"* ]]
}

@test "why: who stopped it, and by what" {
	stack_one <<<$'init: true\ncommand: [sleep, "1000"]'
	up_foreground
	wait_until state_is a running
	kill -TERM "$UP"
	wait "$UP"
	output=$(mstack why a)
	# To an ordinary user's supervisor root is one of those whom it does not know.
	local who=root
	[[ -z ${MSTACK_AS:-} ]] || who='another user'
	[[ $output == *"it was stopped because the supervisor got SIGTERM from "*"($who, pid "*"); it exited with code 143"* ]]
}

@test "why: up that changes nothing of a service is the cause itself, and not the file" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
		  b: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
		  c: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
	END
	mstack up -d
	mstack stop a
	mstack rm -sf b
	mstack up -d
	output=$(mstack why a b)
	says "it is to be started again by 'mstack up' (" "it was created by 'mstack up' ("
	mstack up -d --force-recreate a
	mstack scale c=2
	output=$(mstack why)
	says "it was created by 'mstack scale' ("
	mstack scale c=1
	not grep 'has changed' <(mstack why)
	sed -i 's/1000/1001/' stack.yaml
	mstack up -d
	output=$(mstack why b)
	says 'because the stack file has changed: up'
	mstack down
}

@test "events and why: restart, kill, and links that are cut" {
	stack <<-'END'
		services:
		  a: {image: busybox, init: true, command: [sleep, "1000"]}
		  b: {image: busybox, init: true, command: [sleep, "1000"]}
		x-links: [{endpoints: ["a:eth1", "b:eth1"]}]
	END
	mstack up -d
	mstack restart a
	[[ $(actions) == 'create starting start kill die stop waiting starting start restart ' ]]
	mstack kill -s USR1 b
	mstack link down a:eth1
	# It need not be the last line: the end of b may be told after it.
	mstack events --json --since 1h --until 0s >all
	grep -q '"type":"wire","action":"down","id":"a:eth1","attributes":{"peer":"b:eth1","cause":"user","command":"link down"' all
	output=$(mstack why)
	says "it was stopped by 'mstack restart' (${MSTACK_AS:-root}" "it was sent SIGUSR1 by 'mstack kill' (${MSTACK_AS:-root}"
	mstack down
}

@test "ps: exit codes of what ended by itself, by a signal, and of starts that failed" {
	stack <<-'END'
		services:
		  code: {image: busybox, command: [sh, -c, "exit 3"]}
		  killed: {image: busybox, init: true, command: [sleep, "1000"]}
	END
	mstack up -d
	wait_until state_is code exited
	[[ $(field code ExitCode) == 3 && $(field code OOMKilled) == false ]]
	kill -9 "$(field killed Pid)"
	wait_until state_is killed exited
	[[ $(field killed ExitCode) == 137 && $(field killed OOMKilled) == false ]]
	mstack down
}
