# SPDX-License-Identifier: GPL-2.0-or-later
#
# Bad input and bad surroundings: one clear error each, the right exit code, and nothing left behind (the audit of each
# test). A row is a test; the first column of up_fails is the exit code.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own

load lib/common

# ---- what the container does not have ----

@test "failing: missing binary in the image" {
	stack_one <<<'command: [/no/such-program, x]'
	up_fails 127 a /no/such-program
}

@test "failing: binary that is not executable" {
	stack_one <<<'command: [/etc/passwd]'
	up_fails 126 a /etc/passwd
}

@test "failing: image folder absent" {
	stack <<<$'services: {a: {image: ./absent, command: [sleep, "1"]}}'
	up_fails 125 absent
}

@test "failing: image that is not in the store" {
	stack <<<$'services: {a: {image: nowhere/nothing:1}}'
	up_fails 125 nowhere/nothing
}

@test "failing: user that the image does not know" {
	stack_one <<<$'command: [sleep, "9"]\nuser: nosuchuser'
	up_fails 125 nosuchuser
}

@test "failing: the second of two services takes the first one along" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
		  b: {image: busybox, command: [/no/such-program], depends_on: [a]}
	END
	up_fails 127 b /no/such-program
}

# ---- what somebody else has already ----

@test "failing: port taken by another program" {
	busybox nc -ll -p 8080 -e true 3>&- &
	local nc=$!
	wait_until grep -q :1F90 /proc/net/tcp /proc/net/tcp6
	stack_one <<<$'command: [sleep, "1000"]\nports: ["8080:80"]'
	up_fails 1 8080 a
	kill "$nc"
}

@test "failing: port published by another stack" {
	stack one <<<$'services: {a: {image: busybox, command: [sleep, "1000"], ports: ["8080:80"]}}'
	mstack up -d
	stack two <<<$'services: {b: {image: busybox, command: [sleep, "1000"], ports: ["8080:80"]}}'
	up_fails 1 8080
	mstack down -p one
}

@test "failing: subnet taken by the host" {
	stack <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"]}}
		networks: {default: {ipam: {config: [{subnet: 198.51.100.0/25}]}}}
	END
	up_fails 1 stack.yaml:3:47: taken 198.51.100.0/24 up0
}

@test "failing: subnet taken by another stack" {
	stack one <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"]}}
		networks: {default: {ipam: {config: [{subnet: 10.99.0.0/24}]}}}
	END
	mstack up -d
	sed -i 's/name: one/name: two/' stack.yaml
	up_fails 1 stack.yaml:3:47: taken 10.99.0.0/24
	mstack down -p one
}

@test "failing: two ups of the same stack at the same moment" {
	stack_one <<<'command: [sleep, "1000"]'
	local first second codes=()
	mstack up -d >one.out 2>&1 3>&- &
	first=$!
	mstack up -d >two.out 2>&1 3>&- &
	second=$!
	wait "$first" && codes+=(0) || codes+=("$?")
	wait "$second" && codes+=(0) || codes+=("$?")
	cat one.out two.out
	# The second one meets the lock, or a stack that is still being started, and waits; or one that is up as it wants it.
	[[ ${codes[*]} == '0 0' ]]
	grep -q 'a-1 unchanged' one.out two.out
	state_is a running
	mstack down
}

@test "failing: of two ups that wait at the same moment both are told when all is up" {
	stack <<<'services: {a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}}'
	local i first
	for i in 1 2 3 4 5; do
		echo "try $i"
		mstack up -d --wait --wait-timeout 60 2>one.out 3>&- &
		first=$!
		mstack up -d --wait --wait-timeout 60 2>two.out
		wait "$first"
		cat one.out two.out
		state_is a running
		mstack down
	done
}

@test "failing: up beside another one that does not listen yet waits, and goes on when that has died" {
	stack_one <<<'command: [sleep, "1000"]'
	mkdir -p -m 700 /run/mstack/t
	python3 -c '
import fcntl, time
f = open("/run/mstack/t/ledger", "a")
fcntl.lockf(f, fcntl.LOCK_EX)
open("locked", "w")
time.sleep(600)' &
	local other=$!
	wait_until test -e locked
	expect_exit 5 mstack up --wait --wait-timeout 1
	says "process $other starts or ends this stack just now: this waits for it"
	says "process $other still starts or ends this stack after the time of --wait-timeout: nothing was done"
	mstack up -d 2>up.err &
	local up=$!
	wait_until grep -q "process $other starts or ends this stack just now: this waits for it" up.err
	kill -KILL "$other"
	ends_with 0 "$up"
	state_is a running
	mstack down
}

@test "failing: two services with the same address" {
	stack <<-'END'
		services:
		  a: {image: busybox, networks: {n: {ipv4_address: 10.9.0.5}}}
		  b: {image: busybox, networks: {n: {ipv4_address: 10.9.0.5}}}
		networks: {n: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}
	END
	up_fails 3 10.9.0.5
}

# ---- bad input ----

@test "failing: aliases that explode" {
	{
		echo 'x-a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
		for i in 1 2 3 4 5 6 7 8 9; do
			p=$((i - 1))
			echo "x-a$i: &a$i [*a$p, *a$p, *a$p, *a$p, *a$p, *a$p, *a$p, *a$p, *a$p, *a$p]"
		done
		echo 'services: {a: {image: busybox, command: *a9}}'
	} | stack
	up_fails 3 stack.yaml:
}

@test "failing: a scalar of 10 MB" {
	{
		printf 'services: {a: {image: busybox, hostname: '
		head -c 10000000 /dev/zero | tr '\0' x
		echo '}}'
	} | stack
	up_fails 3 stack.yaml
}

@test "failing: NUL bytes" {
	printf 'services: {a: {image: "busy\0box"}}\n' | stack
	up_fails 3 stack.yaml
}

@test "failing: NUL written as an escape" {
	# shellcheck disable=SC2028
	echo 'services: {a: {image: busybox, command: ["a\0b"]}}' | stack
	up_fails 3 stack.yaml:
}

@test "failing: name too long" {
	stack "$(printf 'n%.0s' {1..300})" <<<'services: {a: {image: busybox}}'
	up_fails 3 name
}

@test "failing: not YAML" {
	stack <<<'services: {a: ['
	up_fails 3 stack.yaml:
}

@test "failing: unknown key, with its place and the nearest name" {
	stack_one <<<'imagee: x'
	up_fails 3 stack.yaml:5:5: imagee image
}

@test "failing: a key that changes what runs and is not supported yet" {
	stack_one <<<'cgroup_parent: other.slice'
	up_fails 3 stack.yaml:5: cgroup_parent 'not supported yet'
}

@test "failing: a file that is not there" {
	expect_exit 3 mstack up -d absent.yaml
	says absent.yaml
}

@test "failing: no file at all" {
	expect_exit 3 mstack up -d
	says stack.yaml
}

@test "failing: unknown option" {
	expect_exit 2 mstack up --nonsense
	says --nonsense
}

@test "failing: unknown command" {
	expect_exit 2 mstack nonsense
	says nonsense
}

# ---- bad surroundings ----

@test "failing: no cgroup2 mounted" {
	stack_one <<<'command: [sleep, "1000"]'
	umount "$MSTACK_SANDBOX"
	run timeout 60 mstack up -d
	echo "$output"
	mount -t cgroup2 cgroup2 "$MSTACK_SANDBOX" -o nosuid,nodev,noexec
	[[ $status == 1 ]]
	says cgroup2 mount
}

@test "failing: a controller that is wanted and not there" {
	grep -qw memory "$MSTACK_SANDBOX/cgroup.controllers" && skip 'this machine has the memory controller'
	stack_one <<<$'command: [sleep, "1000"]\nmem_limit: 64m'
	up_fails 1 memory
}

@test "failing: a controller of one of several limits, at its own line" {
	grep -qw cpuset "$MSTACK_SANDBOX/cgroup.controllers" && skip 'this machine has the cpuset controller'
	stack_one <<<$'command: [sleep, "1000"]\nmem_limit: 0\ncpuset: "0"'
	up_fails 1 stack.yaml:7 "controller 'cpuset' is not on cgroup v2 here"
}

@test "failing: read-only run-time folder" {
	stack_one <<<'command: [sleep, "1000"]'
	mkdir ro
	mount -t tmpfs -o ro ro ro
	export MSTACK_RUN_DIR=$PWD/ro/run
	up_fails 1 "$PWD/ro/run" ead-only
	umount ro
}

@test "failing: read-only data folder" {
	stack_one <<<'command: [sleep, "1000"]'
	mkdir ro
	mount -t tmpfs -o ro ro ro
	export MSTACK_DATA_DIR=$PWD/ro/data
	up_fails 1 "$PWD/ro/data" ead-only
	umount ro
}

@test "failing: disk full for the image" {
	stack_one <<<'command: [sleep, "1000"]'
	mkdir small
	mount -t tmpfs -o size=64k small small
	export MSTACK_DATA_DIR=$PWD/small/data
	run timeout 60 mstack up -d
	echo "$output"
	[[ $status == 125 || $status == 1 ]]
	says 'pace left'
	umount small
}

@test "failing: disk full for logs stops no service" {
	stack_one <<-'END'
		command: [sh, -c, "while :; do head -c 100000 /dev/zero | tr '\\0' x; echo; done"]
		stop_grace_period: 1s
	END
	mkdir small
	mount -t tmpfs -o size=6m small small
	export MSTACK_DATA_DIR=$PWD/small/data
	up_foreground
	full() { [[ $(df --output=avail small | tail -n 1) -lt 100 ]]; }
	wait_until full
	sleep 1
	state_is a running
	mstack ps
	mstack down
	ends_with 0 "$UP"
	cat up.err
	grep -qi 'space left\|disk' up.err
	umount small
}
