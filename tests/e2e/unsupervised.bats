#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A stack that goes on without a supervisor (`x-on-supervisor-death: keep`), and the commands that meet it: who only looks is told what there
# is, who changes anything has it adopted first, and `down` ends it as ever.

load lib/common

Q='stop_grace_period: 0s'

# kept <<END: services, of a stack that then loses its supervisor.
kept() {
	stack <<-END
		x-on-supervisor-death: keep
		services:
		$(cat)
	END
	mstack up -d
	SUP=$(mstack ls --format json | jq -r .Pid)
}

# When the guard has all that it is to keep.
abandon() {
	wait_until is_kept
	kill -KILL "$SUP"
	wait_until gone "$SUP"
	wait_until is_abandoned
}
is_kept() {
	local guard
	guard=$(pgrep -x mstack-guard) && [[ -S /run/mstack/t/keeper ]] && at_rest "$SUP" "$guard"
}
is_abandoned() { mstack ls --format '{{.Status}}' | grep -q unsupervised; }
pid_of() { mstack ps -a --format '{{.Slot}} {{.Pid}}' 2>/dev/null | awk -v s="$1" '$1 == s { print $2 }'; }
nobody_supervises() { [[ -z $(mstack ls --format json | jq -r 'select(.Pid).Pid') ]]; }

@test 'unsupervised: ps, ls, logs, exec, top, port, stats, cp, events and why tell what there is, and adopt nothing' {
	kept <<-END
		  web:
		    image: busybox
		    command: [sh, -c, 'i=0; while :; do i=\$\$((i+1)); echo \$\$i; sleep 0.3; done']
		    ports: ["8080:80"]
		    healthcheck: {test: [CMD, "true"], interval: 500ms}
		    $Q
		  job: {image: busybox, command: [sh, -c, "exit 3"]}
		  gone: {image: busybox, command: [sleep, "1000"], $Q}
	END
	wait_until health_is web healthy
	wait_until state_is job exited
	pid=$(pid_of web-1)
	ip=$(field web IP)
	abandon
	# It was there when the supervisor died, and nobody saw how it ended.
	kill -KILL "$(pid_of gone-1)"
	wait_until state_is gone exited
	expect_exit 0 mstack ps -a
	says "nobody supervises stack 't'" "\`mstack up -d\` adopts it" 'Exited (nobody saw how)' 'Exited (3)' 'Up '
	[[ $output != *healthy* ]]
	# Not 0, which would be the process group of who calls kill with it.
	[[ $(mstack ls --format json | jq .Pid) == null ]]
	[[ $(mstack ps --format '{{.Slot}}' 2>/dev/null) == web-1 ]]
	[[ $(pid_of web-1) == "$pid" && $(field web IP) == "$ip" && $(field job ExitCode) == 3 ]]
	expect_exit 0 mstack ls
	says 'running(1), exited(2), unsupervised: mstack up'
	# What it writes waits for who reads it.
	expect_exit 0 mstack logs -n 1 web
	says "logs stand still until \`mstack up -d\` adopts it"
	last=$(mstack logs -n 1 --no-log-prefix web 2>/dev/null)
	sleep 0.5
	[[ $(mstack logs -n 1 --no-log-prefix web 2>/dev/null) == "$last" ]]
	expect_exit 7 mstack exec -T web sh -c 'exit 7'
	[[ $(mstack exec -T web sh -c 'kill -0 1 && echo inside') == inside ]]
	expect_exit 1 mstack exec -T gone true
	says "service 'gone'"
	sleeps() { mstack top web | grep -q 'sleep 0.3'; }
	wait_until sleeps
	[[ $(mstack port web 80) == 0.0.0.0:8080 ]]
	mstack stats --no-stream --format json | grep -q '"Name":"t-web-1"'
	echo text >here
	mstack cp here web:/there
	[[ $(mstack cp web:/there - | tar xO) == text ]]
	mstack events --json --since 1h --until 0s | grep -q '"slot":"web-1"'
	mstack why web | grep -q '^web-1: Up '
	expect_exit 1 mstack plan
	says 'plan: nobody supervises stack' "\`mstack up -d\` adopts it"
	nobody_supervises
	[[ $(pid_of web-1) == "$pid" ]]
	# And then somebody does.
	expect_exit 0 mstack up -d
	says 'adopted '
	further() { [[ $(mstack logs -n 1 --no-log-prefix web) -gt $last ]]; }
	wait_until further
	[[ $(pid_of web-1) == "$pid" ]]
	expect_exit 0 mstack ps
	[[ $output != *'nobody supervises'* ]]
	mstack down
}

# The last line of a stream in `rows`, when there are more than N.
counted() { (($(wc -l <rows) > $1)) && tail -n 1 rows | jq -e '.NetRxBytes != null'; }

@test 'unsupervised: stats that is looked at goes on counting when the supervisor dies, and when another one comes' {
	kept <<<"  web: {image: busybox, command: [sleep, '1000'], $Q}"
	mstack stats --format json >rows 2>stats.err &
	stats=$!
	wait_until counted 0
	abandon
	wait_until counted "$(($(wc -l <rows) + 1))"
	mstack up -d
	wait_until counted "$(($(wc -l <rows) + 1))"
	mstack down
	ends_with 0 "$stats"
}

@test 'unsupervised: containers are found also while somebody is about to take the stack up' {
	kept <<<"  web: {image: busybox, command: [sleep, '1000'], $Q}"
	abandon
	guard=$(pgrep -x mstack-guard)
	# It has all that they are found by, and hands nothing over now.
	kill -STOP "$guard"
	mstack up -d >up.out 2>&1 &
	up=$!
	has_owner() { pgrep -x mstack | xargs -I '{}' find '/proc/{}/fd' -lname '*/t/ledger*' 2>/dev/null | grep -q .; }
	wait_until has_owner
	mstack top | grep 'sleep 1000'
	[[ $(mstack exec -T web echo inside) == inside ]]
	kill -CONT "$guard"
	# On a very busy machine it has given up waiting for the guard.
	wait "$up" || mstack up -d >up.out 2>&1
	grep 'adopted 1 container' up.out
	mstack top | grep 'sleep 1000'
	mstack down
}

@test 'unsupervised: down ends it in order, with hooks and grace periods' {
	kept <<-END
		  db:
		    image: busybox
		    command: [sh, -c, 'trap "sleep 0.3; echo db ends; exit 0" TERM; touch /ready; while :; do sleep 0.05; done']
		  web:
		    image: busybox
		    command: [sh, -c, 'trap "echo web ends; exit 0" TERM; touch /ready; while :; do sleep 0.05; done']
		    depends_on: [db]
		    pre_stop: [{command: [sh, -c, "echo hook >/proc/1/fd/1"]}]
	END
	wait_until mstack exec -T db test -e /ready
	wait_until mstack exec -T web test -e /ready
	abandon
	expect_exit 0 mstack down
	says 'adopted ' "stack 't' is down"
	[[ $(mstack logs --no-log-prefix web | xargs) == 'hook web ends' ]]
	[[ $(mstack logs --no-log-prefix db) == 'db ends' ]]
	order=$(mstack events --json --since 1h --until 0s | jq -r 'select(.action == "die").slot' | xargs)
	[[ $order == 'web-1 db-1' ]]
	nobody() { [[ -z $(other_mstack) ]]; }
	wait_until nobody
}

@test 'unsupervised: stop, start, restart, kill, scale, run and the like have it adopted first, and leave the supervisor' {
	kept <<-END
		  web: {image: busybox, command: [sleep, "1000"], $Q}
		  other: {image: busybox, command: [sleep, "1000"], $Q}
	END
	other=$(pid_of other-1)
	abandon
	expect_exit 0 mstack stop web
	says 'adopted ' 'web-1 stopped'
	state_is web exited
	not nobody_supervises
	for command in 'start web' 'restart web' 'kill web' 'start' 'scale web=2' 'run --rm -T web true' \
		'impair web:eth0 rate=100mbit' 'rm -f -s web' 'create'; do
		SUP=$(mstack ls --format json | jq -r .Pid)
		abandon
		# shellcheck disable=SC2086
		expect_exit 0 mstack $command
		says adopted
		not nobody_supervises
	done
	[[ $(pid_of other-1) == "$other" ]]
	mstack down
}

@test 'unsupervised: pause and unpause have it adopted first' {
	kept <<-END
		  web: {image: busybox, command: [sleep, "1000"], $Q}
	END
	for command in pause unpause; do
		abandon
		expect_exit 0 mstack "$command" web
		says adopted
		SUP=$(mstack ls --format json | jq -r .Pid)
	done
	mstack down
}

@test 'unsupervised: whoever adopted it reads the same file again, and goes on as a new program' {
	mkdir here
	cat >here/shop.yaml <<-END
		name: t
		x-on-supervisor-death: keep
		services:
		  web: {image: busybox, command: [sleep, "1000"], labels: {x: "1", v: "\${V:-none}"}, $Q}
	END
	cd here
	V=ours up_foreground -f shop.yaml
	cd .. || return
	supervised() { [[ $(mstack -p t ps --format '{{.State}}') == running ]] && SUP=$(mstack ls --format json | jq -r .Pid); }
	wait_until supervised
	abandon
	wait "$UP" || :
	mstack -p t stop web
	SUP=$(mstack ls --format json | jq -r .Pid)
	sed -i 's/x: "1"/x: "2"/' here/shop.yaml
	kill -HUP "$SUP"
	changed() { mstack -p t ps -a --format '{{.Labels}}' | grep -q x=2; }
	wait_until changed
	mstack -p t ps -a --format '{{.Labels}}' | grep -q v=ours
	kill -USR2 "$SUP"
	wait_until grep -q 'goes on in place of' /run/mstack/t/supervisor.log
	# In the background, although the first one was in a terminal: it does not end with its services.
	mstack -p t start
	kill -KILL "$(mstack -p t ps --format '{{.Pid}}')"
	ended() { [[ $(mstack -p t ps -a --format '{{.State}}') == exited ]]; }
	wait_until ended
	mstack -p t start
	mstack -p t ps | grep -q web
	mstack -p t down
}

@test 'unsupervised: what cannot be adopted is said, and down removes it all the same' {
	mkdir here
	cd here
	kept <<-END
		  web: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
	END
	abandon
	# A folder that is gone is none of its business until the file is read.
	mv stack.yaml ..
	cd ..
	rmdir here
	expect_exit 0 mstack restart web
	says "/here': No such file or directory"
	SUP=$(mstack ls --format json | jq -r .Pid)
	abandon
	# Both are killed: then nobody knows anything.
	for guard in $(pgrep -x mstack-guard); do
		kill -KILL "$guard"
		wait_until gone "$guard"
	done
	expect_exit 1 mstack restart web
	says "stack 't' is not up"
	mstack down
}

@test 'unsupervised: a guard that is stopped is named, with the cure, and what it was asked then does not count later' {
	kept <<-END
		  web: {image: busybox, command: [sleep, "1000"], $Q}
	END
	abandon
	guard=$(pgrep -x mstack-guard)
	pid=$(pid_of web)
	words="who keeps stack 't' (process $guard) does not answer: it is stopped (\`kill -CONT $guard\`) or hung (\`kill -9 $guard\`"
	kill -STOP "$guard"
	(expect_exit 5 mstack ps && says "$words") 3>&- &
	ps=$!
	expect_exit 5 mstack down
	says "$words"
	[[ $(grep -c 'does not answer' <<<"$output") == 1 ]]
	wait "$ps"
	expect_exit 5 mstack up -d
	says "$words"
	kill -CONT "$guard"
	expect_exit 0 mstack up -d
	says 'adopted 1 container'
	[[ $(pid_of web) == "$pid" ]]
	mstack down
}

@test 'unsupervised: the control socket alone is removed: no guard is called hung, and the cure helps' {
	kept <<-END
		  web: {image: busybox, command: [sleep, "1000"], $Q}
	END
	pid=$(pid_of web-1)
	# When the guard has all that it is to keep.
	wait_until is_kept
	rm /run/mstack/t/control
	for command in ps 'up -d' 'restart web'; do
		# shellcheck disable=SC2086 # words
		expect_exit 1 mstack $command
		says "supervisor of 't' (process $SUP) runs" 'was removed' "\`kill -9 $SUP\`, and \`mstack up -d\` takes up what goes on"
	done
	kill -9 "$SUP"
	wait_until gone "$SUP"
	expect_exit 0 mstack up -d
	says 'adopted 1 container'
	[[ $(pid_of web-1) == "$pid" ]]
	rm /run/mstack/t/control
	expect_exit 0 mstack down
	[[ $output != *'was removed'* ]]
}

@test 'unsupervised: up in the foreground takes it up itself, also from another file, and Ctrl-C ends it' {
	kept <<-END
		  web: {image: busybox, command: [sleep, "1000"], $Q}
		  done: {image: busybox, command: ["true"]}
	END
	wait_until state_is done exited
	pid=$(pid_of web-1)
	abandon
	expect_exit 2 mstack up --no-recreate --force-recreate
	says 'mstack: up: --no-recreate does not go with'
	nobody_supervises
	# It has nothing to do but what this asks for, and does not end before.
	kill -KILL "$pid"
	wait_until gone "$pid"
	sed 's/web:/other:/' stack.yaml >other.yaml
	up_foreground -f other.yaml --remove-orphans
	wait_until state_is other running
	[[ $(mstack ls --format json | jq -r .Pid) == "$UP" && -z $(pid_of web-1) ]]
	grep -q 'adopted 1 container of' up.err
	grep -q '^web-1 ended by SIGKILL' up.err
	wait_until grep -q 'web-1 removed' up.err
	sed -i 's/other: {/other: {labels: {x: "2"}, /' other.yaml
	kill -HUP "$UP"
	changed() { [[ $(field other Labels) == *x=2* ]]; }
	wait_until changed
	SUP=$UP
	abandon
	wait "$UP" || :
	# What cannot be made changes nothing.
	python3 -c 'import socket, time; s = socket.create_server(("", 8080)); time.sleep(1000)' 3>&- &
	other=$!
	wait_until host_listens 8080
	pid=$(pid_of other-1)
	sed -i 's/other: {/other: {ports: ["8080:80"], /' other.yaml
	up_foreground -f other.yaml
	wait_until grep -q 'up: the stack goes on as it was: see above' up.err
	[[ $(mstack ls --format json | jq -r .Pid) == "$UP" && $(pid_of other-1) == "$pid" ]]
	grep -q 'up: .*8080' up.err
	kill "$other"
	wait "$other" || :
	kill -INT "$UP"
	ends_with 130 "$UP"
	gone "$pid"
}
