# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a stack ends: order, signals, grace, and the signals of the foreground supervisor.

load lib/common

# A service that says when it is told to stop.
polite='sh, -c, "trap \"echo stopped; exit 0\" TERM; echo ready; while :; do sleep 0.05; done"'

ready() { log_has "$1" ready; }

@test "stop: SIGINT ends the foreground with 130, in reverse order of dependency" {
	stack <<-END
		services:
		  c: {image: busybox, command: [$polite], depends_on: [b]}
		  a: {image: busybox, command: [$polite]}
		  b: {image: busybox, command: [$polite], depends_on: [a]}
	END
	up_foreground
	for s in a b c; do wait_until ready $s; done
	kill -INT "$UP"
	ends_with 130 "$UP"
	cat up.out up.err
	[[ $(grep -o '^[abc].*stopped' up.out | cut -c 1 | tr -d '\n') == cba ]]
	grep -q 'again to kill' up.err
}

@test "stop: SIGTERM ends the foreground with 0" {
	stack_one <<<"command: [$polite]"
	up_foreground
	wait_until ready a
	kill -TERM "$UP"
	ends_with 0 "$UP"
	grep -q stopped up.out
}

@test "stop: a second SIGINT kills" {
	stack_one <<<$'command: [sh, -c, "trap : TERM; echo ready; while :; do sleep 1; done"]\nstop_grace_period: 60s'
	up_foreground
	wait_until ready a
	kill -INT "$UP"
	wait_until grep -q 'again to kill' up.err
	sleep 0.5
	[[ -d /proc/$UP ]]
	local begin=$SECONDS
	kill -INT "$UP"
	ends_with 130 "$UP"
	((SECONDS - begin < 45))
}

# As up_foreground, and it leads a session and a group of processes, as a job of a shell at a terminal leads one.
up_as_job() {
	setsid env --default-signal=INT,QUIT mstack up >up.out 2>up.err &
	UP=$!
}

# Theirs is not the session of $UP, whose terminal sends what is typed, and its end, to a group of processes there.
are_apart() {
	local pid
	for pid; do
		[[ $(ps -o sid= -p "$pid") != "$(ps -o sid= -p "$UP")" ]] || return
	done
}

@test "stop: what a terminal sends reaches the supervisor, and none who work for it" {
	local helpers helper found=' '
	slow_until_go | stack
	theirs data
	up_as_job
	wait_until log_has slow 'x is'
	mapfile -t helpers < <(pgrep -x 'mstack-(net|guard|standby|porch|spare)|pasta.*')
	for helper in "${helpers[@]}"; do found+="$(<"/proc/$helper/comm") "; done
	echo "there are:$found"
	for helper in net guard standby ${MSTACK_AS:+porch spare}; do [[ $found == *" mstack-$helper "* ]]; done
	are_apart "${helpers[@]}"
	# As who prints does not end, this is told.
	kill -HUP -- -"$UP"
	wait_until grep -q SIGHUP up.err
	kill -INT -- -"$UP"
	wait_until grep -q 'again to kill' up.err
	for helper in "${helpers[@]}"; do [[ -d /proc/$helper ]]; done
	touch data/go
	ends_with 130 "$UP"
	cat up.err
	not grep -q 'started again' up.err
	wait_until all_gone "${helpers[@]}"
}

@test "stop: the grace period ends in a kill" {
	stack_one <<<$'command: [sh, -c, "trap : TERM; echo ready; while :; do sleep 0.1; done"]\nstop_grace_period: 1s'
	mstack up -d
	wait_until ready a
	local begin=${EPOCHREALTIME//[!0-9]/} took
	mstack down
	took=$(((${EPOCHREALTIME//[!0-9]/} - begin) / 1000))
	echo "down took $took ms"
	((took >= 900 && took < 9900))
}

@test "stop: down -t overrides the grace period" {
	stack_one <<<$'command: [sh, -c, "trap : TERM; echo ready; while :; do sleep 0.1; done"]\nstop_grace_period: 60s'
	mstack up -d
	wait_until ready a
	timeout 45 mstack down -t 1
}

@test "stop: stop_signal is sent" {
	stack_one <<-'END'
		command: [sh, -c, "trap 'echo by usr1; exit 0' USR1; echo ready; while :; do sleep 0.05; done"]
		stop_signal: SIGUSR1
	END
	up_foreground
	wait_until ready a
	kill -TERM "$UP"
	ends_with 0 "$UP"
	grep -q 'by usr1' up.out
}

@test "stop: PID 1 that ignores its signal is killed at once, and the log says why" {
	stack_one <<<$'command: [sleep, "1000"]\nstop_grace_period: 60s'
	up_foreground
	wait_until state_is a running
	local begin=$SECONDS
	kill -TERM "$UP"
	ends_with 0 "$UP"
	((SECONDS - begin < 45))
	cat up.out up.err
	grep -hi 'sigterm' up.out up.err | grep -qi 'kill'
}

@test "stop: the foreground ends by itself when all services have ended" {
	stack_one <<<'command: [sh, -c, "echo finished"]'
	up_foreground
	ends_with 0 "$UP"
	grep -q finished up.out
}

@test "stop: SIGINT during the start" {
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    command: [sleep, "1000"]
		    stop_grace_period: 60s
		    healthcheck: {test: ["CMD", "false"], interval: 1s, start_period: 60s}
		  b: {image: busybox, command: [sleep, "1000"], stop_grace_period: 60s, depends_on: {a: {condition: service_healthy}}}
	END
	up_foreground
	wait_until state_is a running
	state_is b created
	local begin=$SECONDS
	kill -INT "$UP"
	ends_with 130 "$UP"
	# What has not started needs no grace.
	((SECONDS - begin < 45))
}

@test "stop: mstack as PID 1 reaps what lands on it" {
	stack_one <<<'command: [sleep, "1000"]'
	# shellcheck disable=SC2016
	unshare --pid --fork --mount-proc sh -c '(sleep 0.3 &); sleep 0.2 & exec env --default-signal=INT mstack up' \
		>up.out 2>up.err 3>&- &
	local unshare=$!
	wait_until state_is a running
	sleep 0.5
	wait_until not grep -qs '^State:.*zombie' /proc/[0-9]*/status
	kill -TERM "$(supervisor)"
	ends_with 0 "$unshare"
}

@test "stop: mstack as PID 1 reaps what landed on it before it could hear of that" {
	stack_one <<<'command: [sleep, "1000"]'
	mkfifo late
	# It waits for its stack file, and has two zombies by then.
	# shellcheck disable=SC2016
	unshare --pid --fork --mount-proc sh -c '(sleep 0.2 &); sleep 0.1 & exec env --default-signal=INT mstack -f - up <late' \
		>up.out 2>up.err 3>&- &
	local unshare=$!
	exec {fd}>late
	sleep 0.6
	cat stack.yaml >&"$fd"
	exec {fd}>&-
	wait_until state_is a running
	wait_until not grep -qs '^State:.*zombie' /proc/[0-9]*/status
	kill -TERM "$(supervisor)"
	ends_with 0 "$unshare"
}

@test "stop: SIGHUP and SIGPIPE do not leave a stack behind" {
	stack_one <<<$'command: [sh, -c, "while :; do echo line; sleep 0.05; done"]\nstop_grace_period: 1s'
	# The reader of the log goes away.
	env --default-signal=INT,PIPE mstack up 2>up.err | head -n 3 >up.out &
	wait_until test -s up.out
	wait_until state_is a running
	mstack down
}
