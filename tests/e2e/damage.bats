# SPDX-License-Identifier: GPL-2.0-or-later
#
# What others do to a stack: files of ours removed or spoilt, links and cgroups taken away by hand, no room where we write, commands
# that cross. Each ends in a clear state, and at the latest `down` leaves nothing (the audit of each test).
# Takes long, so tools/check begins with it.

load lib/common

two() {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [httpd, -f, -p, "80"], ports: ["8080:80"], restart: always, stop_signal: KILL}
		  one: {image: busybox, command: [sleep, "1000"], depends_on: [web], restart: always, stop_signal: KILL}
	END
}

both_run() { state_is web running && state_is one running; }
guard() { pgrep -x mstack-guard; }
restarted() { (($(field "$1" Restarts) >= 1)) && state_is "$1" running; }
kill_all() {
	kill_mstack
	wait_until no_processes
}
no_processes() { [[ -z $(cat "$MSTACK_SANDBOX"/mstack/*/*/cgroup.procs 2>/dev/null) ]]; }

# ---- files ----

@test "damage: the stack file is deleted while the stack runs" {
	two
	mstack up -d
	rm stack.yaml
	mstack ps -p t
	kill -9 "$(mstack -p t ps --format json | jq -r 'select(.Service == "one") | .Pid')"
	again() { [[ $(mstack -p t ps --format json | jq -r 'select(.Service == "one") | .State, .Restarts' | xargs) == 'running 1' ]]; }
	wait_until again
	expect_exit 0 mstack down -p t
}

@test "damage: the stack file is deleted while the stack is on its way up" {
	two
	up_foreground
	rm stack.yaml
	running() { [[ $(mstack -p t ps --status running -q | wc -l) == 2 ]]; }
	ended() { gone "$UP"; }
	either() { running || ended; }
	wait_until either
	mstack down -p t
	wait "$UP" || [[ $? == 3 ]]
}

@test "damage: rubbish in the ledger of a stack that runs: it goes on, and down takes it away" {
	two
	mstack up -d
	head -c 3000 /dev/urandom >/run/mstack/t/ledger
	both_run
	kill -9 "$(field one Pid)"
	wait_until restarted one
	expect_exit 0 timeout 60 mstack down
}

@test "damage: rubbish in the ledger, and the supervisor is killed: the guard finds things by their names" {
	two
	mstack up -d
	local sup
	sup=$(supervisor)
	head -c 3000 /dev/urandom >/run/mstack/t/ledger
	kill -9 "$sup"
	audit check ../audit.before
}

@test "damage: rubbish in the ledger of a stack whose supervisor and guard are dead" {
	two
	mstack up -d
	kill_all
	head -c 3000 /dev/urandom >/run/mstack/t/ledger
	expect_exit 1 mstack down -p t
	says /run/mstack/t/ledger 'or remove the file'
	rm /run/mstack/t/ledger
	expect_exit 0 mstack down -p t
	audit check ../audit.before
	mstack up -d
	kill_all
	: >/run/mstack/t/ledger
	expect_exit 0 mstack up -d
	both_run
	mstack down
}

@test "damage: half of the ledger is cut off" {
	two
	mstack up -d
	kill_all
	truncate -s "$(($(stat -c %s /run/mstack/t/ledger) / 2))" /run/mstack/t/ledger
	mstack down -p t
	# What the lost half had is found by its names.
	mstack doctor --fix >/dev/null || [[ $? == 1 ]]
	[[ -z $(mstack doctor --format json | jq -r 'select(.Project) | .Check') ]]
}

@test "damage: the control socket is removed: commands say what to do, down works" {
	two
	mstack up -d
	local sup
	sup=$(supervisor)
	rm /run/mstack/t/control
	mstack ls | grep -E "^t +without a socket\\(process $sup\\): mstack down"
	local command
	for command in ps why 'up -d' 'stop one' plan; do
		# shellcheck disable=SC2086 # words
		expect_exit 1 mstack $command
		says "supervisor of 't' (process $sup) runs" "'/run/mstack/t/control' was removed" "\`mstack down -p t\` ends the stack"
		[[ $output != *'kill -9'* ]]
	done
	# Who needs no supervisor does without.
	mstack exec -T one true
	expect_exit 0 timeout 60 mstack down -p t
	wait_until gone "$sup"
}

@test "damage: no room left in the run-time folder" {
	two
	mkdir small
	mount -t tmpfs -o size=16k small small
	export MSTACK_RUN_DIR=$PWD/small/run
	head -c 100000 /dev/zero >small/full 2>/dev/null || :
	up_fails 1 'space left'
	rm small/full
	mstack up -d
	head -c 100000 /dev/zero >small/full 2>/dev/null || :
	kill -9 "$(field one Pid)"
	wait_until restarted one
	run timeout 60 mstack down
	echo "$output"
	rm small/full
	expect_exit 0 mstack down -p t
	wait_until umount small
}

# ---- the kernel's side ----

@test "damage: bridge and links removed by hand: services run on, down is content" {
	two
	mstack up -d
	local link
	for link in $(ip -o link show | grep -oE '(mstk|mv)[0-9a-f]+' | sort -u); do
		ip link del "$link" 2>/dev/null || :
	done
	both_run
	kill -9 "$(field one Pid)"
	wait_until restarted one
	expect_exit 0 mstack down
}

@test "damage: a container's cgroup is killed and removed by others" {
	two
	mstack up -d
	echo 1 >"$MSTACK_SANDBOX/mstack/t/one-1/cgroup.kill"
	wait_until restarted one
	supervisor >"$BATS_TEST_TMPDIR/sup"
	kill -STOP "$(cat "$BATS_TEST_TMPDIR/sup")"
	echo 1 >"$MSTACK_SANDBOX/mstack/t/one-1/cgroup.kill"
	emptied() { rmdir "$MSTACK_SANDBOX/mstack/t/one-1"; }
	wait_until emptied
	kill -CONT "$(cat "$BATS_TEST_TMPDIR/sup")"
	# Made anew for the next start, or that start fails with its reason; web has nothing to do with it.
	told() { (($(field one Restarts) >= 2)) || [[ $(field one State) != running ]]; }
	wait_until told
	state_is web running
	expect_exit 0 mstack down
}

@test "damage: the cgroups of the whole stack are killed" {
	two
	mstack up -d
	echo 1 >"$MSTACK_SANDBOX/mstack/t/cgroup.kill"
	both_again() { restarted web && restarted one; }
	wait_until both_again
	mstack down
}

# ---- commands that cross ----

@test "damage: down while up is on its way" {
	local delay
	for delay in 0 0.01 0.02 0.04 0.08; do
		echo "after $delay s"
		two
		up_foreground
		sleep "$delay"
		expect_exit 0 timeout 60 mstack down -p t
		kill -INT "$UP" 2>/dev/null || :
		wait "$UP" || :
		mstack down -p t
		audit check ../audit.before
	done
}

@test "damage: a supervisor that has no place for another client is an error in the end" {
	stack <<<'services: {a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}}'
	mstack up -d
	python3 -c '
import socket, time
all = []
for _ in range(64):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect("/run/mstack/t/control")
    all.append(s)
open("full", "w")
time.sleep(600)' &
	local crowd=$!
	wait_until test -e full
	expect_exit 1 timeout 100 mstack up -d
	says 'closes the connection: too many clients are connected'
	kill "$crowd"
	wait_until mstack up -d
	mstack down
}

@test "damage: up while down is on its way" {
	local delay first code
	for delay in 0 0.01 0.02 0.04; do
		echo "after $delay s"
		two
		mstack up -d
		mstack down 3>&- &
		first=$!
		sleep "$delay"
		code=0
		timeout 60 mstack up -d 2>up.err || code=$?
		cat up.err
		wait "$first"
		# It waited for the end of the old one, or was first, and then `down` came in between or found all as it is.
		if [[ $code == 0 ]]; then
			both_run || [[ -z $(mstack -p t ps -q) ]]
		else
			grep -q 'is being stopped\|has ended meanwhile' up.err
		fi
		mstack down -p t
		audit check ../audit.before
	done
}

@test "a run-time folder without any room: up fails and leaves nothing, and down of what it left before is content" {
	stack_one <<<'command: [sleep, "1000"]'
	mkdir small
	mount -t tmpfs -o size=40k,mode=1777 small small
	export MSTACK_RUN_DIR=$PWD/small
	head -c 100000 /dev/zero >small/fill || :
	expect_exit 1 mstack up -d
	says "no space left on device"
	[[ $(ls -A small) == fill ]]
	[[ -z $(mstack ls -q) ]]
	# As a mstack from before has left it.
	mkdir -m 700 small/t
	: >small/t/ledger
	theirs small/t small/t/ledger
	expect_exit 0 mstack down
	[[ $(ls -A small) == fill ]]
	: >small/fill
	mstack up -d
	wait_until state_is a running
	mstack down
	unset MSTACK_RUN_DIR
	wait_until umount small
	rmdir small
}
