# SPDX-License-Identifier: GPL-2.0-or-later
#
# Logs: choosing lines, forms of output, drivers, rotation, and a disk that is full.

load lib/common

@test "logs: --grep takes lines that match, and the tail of them" {
	# shellcheck disable=SC2016
	stack_one <<<'command: [sh, -c, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $$i; done; printf \"a\\0b error\\n\""]'
	mstack up -d
	wait_until log_has a error
	[[ $(mstack logs --no-log-prefix --grep '^line 1[01]?$' a | xargs) == 'line 1 line 10 line 11' ]]
	[[ $(mstack logs --no-log-prefix --grep '^line 1' -n 2 a | xargs) == 'line 11 line 12' ]]
	[[ $(mstack logs --no-log-prefix --grep error a | wc -c) == 10 ]]
	expect_exit 2 mstack logs --grep '('
	expect_exit 2 mstack logs --grep "$(printf 'x%.0s' {1..2000})"
	mstack down
}

@test "logs: --json is an object for each line, whatever bytes it has" {
	stack_one <<<'command: [sh, -c, "echo out; printf \"q\\042 \\377\\n\" >&2"]'
	mstack up -d
	wait_until state_is a exited
	mstack logs --json a | jq -c '[.service, .slot, .stream, .text]' | sort >got
	diff got - <<-'END'
		["a","a-1","stderr","q\" �"]
		["a","a-1","stdout","out"]
	END
	mstack logs --json | jq -r .time | grep -qE '^20[0-9-]+T[0-9:.]+Z$'
	mstack down
}

@test "logs: --index" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "echo one"], scale: 2}
	END
	mstack up -d
	two() { [[ $(mstack logs --no-log-prefix a | grep -c one) == 2 ]]; }
	wait_until two
	[[ $(mstack logs --no-color --index 2 a) == 'a-2  | one' ]]
	expect_exit 2 mstack logs --index 3 a
	expect_exit 2 mstack logs --index x a
	mstack down
}
