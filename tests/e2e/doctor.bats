# SPDX-License-Identifier: GPL-2.0-or-later
#
# `mstack doctor` beside stacks: what kernel and ledgers do not agree about, by name, and --fix, which removes only ours.

load lib/common

two() {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [sleep, "1000"], ports: ["8080:80"], volumes: ["vol:/data"], restart: always, stop_signal: KILL}
		  one: {image: busybox, command: [sleep, "1000"], networks: [back, default], depends_on: [web], stop_signal: KILL}
		networks: {back: {internal: true}}
		volumes: {vol: {}}
		x-links: [{endpoints: ["web:eth7", "one:eth7"]}]
	END
}

# What doctor says about stacks, one "PROJECT KIND KEY RESULT" per line.
findings() { mstack doctor --format json | jq -r 'select(.Project) | "\(.Project) \(.Kind) \(.Key) \(.Result)"'; }
finds_nothing() { [[ -z $(findings) ]]; }

supervisor_and_guard_die() {
	kill_mstack
	wait_until no_processes
}
stack_processes() { cat "$MSTACK_SANDBOX"/mstack/*/*/cgroup.procs; }
no_processes() { [[ -z $(stack_processes 2>/dev/null) ]]; }

# Any program that this host lacks would be exit code 1; leftovers come first.
@test "doctor: nothing to find, before, beside and after a stack that runs, restarts and was killed" {
	finds_nothing
	two
	mstack up -d
	finds_nothing
	kill -9 "$(field web Pid)"
	restarted() { [[ $(field web Restarts) == 1 ]] && state_is web running; }
	wait_until restarted
	finds_nothing
	mstack doctor | grep -E '^leftovers +ok'
	kill -9 "$(supervisor)"
	audit check ../audit.before
	finds_nothing
}

@test "doctor: names what a supervisor left that died together with guard and standby, and --fix removes it" {
	two
	mstack up -d
	supervisor_and_guard_die
	ip link add mine type bridge
	run mstack doctor
	echo "$output"
	[[ $status == 6 ]]
	findings >found
	cat found
	grep -E '^t bridge mstk[0-9a-f]+ left$' found
	grep -F "t cgroup $MSTACK_SANDBOX/mstack/t/web-1 left" found
	grep -F 't lease forwarding:up0:t left' found
	grep -F 't layer /var/lib/mstack/projects/t/slots/web-1 left' found
	grep -F 't folder /run/mstack/t left' found
	not grep mine found
	expect_exit 0 mstack doctor --fix
	says "stack 't': leftovers removed"
	finds_nothing
	ip link del mine
}

@test "doctor: without a ledger the things are found by their names" {
	two
	mstack up -d
	rm -r /run/mstack/t
	supervisor_and_guard_die
	findings >found
	cat found
	grep -E '^t bridge mstk' found
	grep -F "t cgroup $MSTACK_SANDBOX/mstack/t left" found
	expect_exit 0 mstack doctor --fix
	finds_nothing
}

@test "doctor: what others removed from a stack that runs, and what they put under its names" {
	two
	mstack up -d
	local bridge
	bridge=$(ip -o link show type bridge | grep -oE 'mstk[0-9a-f]+' | head -n 1)
	ip link del "$bridge"
	mkdir "$MSTACK_SANDBOX/mstack/t/left"
	expect_exit 6 mstack doctor
	says "stack 't': bridge $bridge" "stack 't': cgroup $MSTACK_SANDBOX/mstack/t/left"
	[[ $(findings | sort) == "t bridge $bridge missing"$'\n'"t cgroup $MSTACK_SANDBOX/mstack/t/left left" ]]
	# Not while it runs.
	expect_exit 6 mstack doctor --fix
	state_is one running
	rmdir "$MSTACK_SANDBOX/mstack/t/left"
	mstack down
	finds_nothing
}

@test "doctor: --fix leaves the stack beside it alone" {
	two
	mstack up -d
	supervisor_and_guard_die
	stack u <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	mstack up -d
	[[ $(findings | cut -d ' ' -f 1 | uniq) == t ]]
	expect_exit 0 mstack doctor --fix
	state_is a running
	finds_nothing
	mstack down
}
