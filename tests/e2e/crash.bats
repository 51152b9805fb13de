# SPDX-License-Identifier: GPL-2.0-or-later
#
# The death of the supervisor: kill -9 at any moment leaves nothing, at the latest after `mstack down -p NAME`.

load lib/common

three() {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [httpd, -f, -p, "80"], ports: ["8080:80"], restart: always}
		  db: {image: busybox, command: [sleep, "1000"], volumes: ["v:/data"], restart: always}
		  worker: {image: busybox, command: [sh, -c, "sleep 1000 & sleep 1000"], networks: [back, default], stop_grace_period: 1s}
		networks: {back: {internal: true}}
		volumes: {v: {}}
	END
}

stack_processes() { cat "$MSTACK_SANDBOX"/mstack/t/*/cgroup.procs; }
no_processes() { [[ -z $(stack_processes 2>/dev/null) ]]; }

@test "crash: the stack goes within a second, without any command" {
	three
	mstack up -d
	local sup before
	sup=$(supervisor)
	before=${EPOCHREALTIME//[!0-9]/}
	kill -9 "$sup"
	wait_until no_processes
	echo "processes gone after $(((${EPOCHREALTIME//[!0-9]/} - before) / 1000)) ms"
	((${EPOCHREALTIME//[!0-9]/} - before < 5000000))
	audit check ../audit.before 5
}

@test "crash: down -p after it finds nothing to do and is content" {
	three
	mstack up -d
	kill -9 "$(supervisor)"
	sleep 0.2
	mstack down -p t
	audit check ../audit.before 5
	mstack down -p t
}

@test "crash: supervisor and guard killed together, then down without the file" {
	three
	mstack up -d
	local pids
	mapfile -t pids < <(other_mstack)
	kill -9 "${pids[@]}"
	wait_until no_processes
	cd /
	mstack down -p t
}

@test "crash: supervisor and guard killed together, then up again" {
	three
	mstack up -d
	local pids
	mapfile -t pids < <(other_mstack)
	kill -9 "${pids[@]}"
	wait_until no_processes
	mstack up -d
	state_is web running
	mstack down
}

@test "crash: the guard alone is started again" {
	three
	mstack up -d
	local sup guard
	sup=$(supervisor)
	guard=$(other_mstack "$sup")
	[[ -n $guard ]]
	kill -9 "$guard"
	again() { [[ -n $(other_mstack "$sup") && $(other_mstack "$sup") != "$guard" ]]; }
	wait_until again
	state_is web running
	kill -9 "$sup"
	audit check ../audit.before 5
}

@test "crash: the foreground supervisor" {
	three
	up_foreground
	wait_until state_is worker running
	kill -9 "$UP"
	ends_with 137 "$UP"
	audit check ../audit.before 5
}

# Killed at many moments of its start and of its end: what it had made by then goes as well.
killed_while_starting() {
	local delay=$1
	three
	up_foreground
	sleep "$delay"
	kill -9 "$UP" 2>/dev/null || :
	wait "$UP" || :
	mstack down -p t
	audit check ../audit.before 5
}

@test "crash: kill -9 at moments of the start" {
	for delay in 0.003 0.006 0.01 0.015 0.02 0.025 0.03 0.04 0.05 0.07 0.1 0.15; do
		echo "after $delay s"
		killed_while_starting "$delay"
	done
}

@test "crash: kill -9 at moments of the end" {
	for delay in 0 0.002 0.005 0.01 0.02 0.05; do
		echo "after $delay s"
		three
		up_foreground
		wait_until state_is worker running
		kill -TERM "$UP"
		sleep "$delay"
		kill -9 "$UP" 2>/dev/null || :
		wait "$UP" || :
		mstack down -p t
		audit check ../audit.before 5
	done
}

@test "crash: what a container left running does not survive" {
	stack_one <<<'command: [sh, -c, "setsid sleep 1000 & setsid nohup sleep 1001 & sleep 1002"]'
	mstack up -d
	kill -9 "$(supervisor)"
	wait_until no_processes
	mstack down -p t
}

# ---- the ledger is lost as well: what is ours is found by its name ----

lose_ledger() { rm /run/mstack/t/ledger; }

kill_all_mstack() {
	local pids
	mapfile -t pids < <(other_mstack)
	kill -9 "${pids[@]}"
	wait_until no_processes
}

@test "crash: ledger and supervisor lost, and the guard finds everything" {
	three
	mstack up -d
	lose_ledger
	kill -9 "$(supervisor)"
	audit check ../audit.before 5
	mstack down -p t
}

@test "crash: ledger, supervisor and guard lost, then down without the file" {
	three
	mstack up -d
	lose_ledger
	kill_all_mstack
	ip link add mine type bridge
	ip link set mine alias mstack:tt:mine
	mkdir "$MSTACK_SANDBOX/mstack/tt"
	cd /
	expect_exit 0 mstack down -p nothing
	[[ -d $MSTACK_SANDBOX/mstack/t/web-1 ]]
	mstack down -p t
	# Of a stack of another name.
	ip link del mine
	rmdir "$MSTACK_SANDBOX/mstack/tt" "$MSTACK_SANDBOX/mstack"
}

@test "crash: its run-time folder, supervisor and guard lost, then up again" {
	three
	mstack up -d
	rm -r /run/mstack/t
	kill_all_mstack
	expect_exit 0 mstack up -d
	says 'removing what an earlier run left behind'
	state_is web running
	mstack down
}

@test "crash: a stack that lives is not taken for one whose ledger was lost" {
	three
	mstack up -d
	local sup command
	sup=$(supervisor)
	lose_ledger
	expect_exit 1 mstack up -d
	says 'already up, only its ledger was removed'
	state_is web running
	rm -r /run/mstack/t
	for command in 'up -d' 'down -p t'; do
		# shellcheck disable=SC2086 # two words
		expect_exit 1 timeout 60 mstack $command
		says "stack 't' is already up (supervisor is process $sup;" "kill $sup"
		# From a network namespace of its own, with its own folder.
		# shellcheck disable=SC2086
		MSTACK_RUN_DIR=$PWD/run expect_exit 1 timeout 60 unshare --net mstack $command
		says "stack 't' is already up (supervisor is process $sup;"
		[[ ! -e run && ! -e /run/mstack/t ]]
	done
	[[ $(supervisor) == "$sup" ]]
	kill "$sup"
	audit check ../audit.before 10
}
