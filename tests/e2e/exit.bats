# SPDX-License-Identifier: GPL-2.0-or-later
#
# Exit codes of the contract that no other file here meets: 4, 5, 6, and a service's own. (0 to 3, 125 to 127: failing.bats;
# 130 and 0 after signals: stop.bats.)

load lib/common

two() {
	stack <<-END
		services:
		  a: {image: busybox, command: [sh, -c, "sleep 0.3; exit $1"]}
		  b: {image: busybox, command: [sleep, "1000"]}
	END
}

@test "exit: --abort-on-container-exit stops all when one has ended" {
	two 0
	expect_exit 0 timeout 30 mstack up --abort-on-container-exit
}

@test "exit: 4 when one has failed, with --abort-on-container-failure" {
	two 3
	expect_exit 4 timeout 30 mstack up --abort-on-container-failure
	says a
}

@test "exit: --abort-on-container-failure lets success pass" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: ["true"]}
		  b: {image: busybox, command: [sh, -c, "sleep 0.5; echo last"]}
	END
	expect_exit 0 timeout 30 mstack up --abort-on-container-failure
	says last
}

@test "exit: --exit-code-from gives the service's own" {
	two 42
	expect_exit 42 timeout 30 mstack up --exit-code-from a
}

@test "exit: --exit-code-from a service that is killed" {
	stack_one <<<'command: [sleep, "1000"]'
	up_foreground --exit-code-from a
	wait_until state_is a running
	kill -9 "$(field a Pid)"
	ends_with 137 "$UP"
}

@test "exit: 4 when --wait meets a service that is unhealthy" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		healthcheck: {test: ["CMD", "false"], interval: 100ms, retries: 2}
	END
	expect_exit 4 timeout 30 mstack up --wait
	says a healthy
	mstack down
}

@test "exit: 5 when --wait takes too long; the stack goes on" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		healthcheck: {test: ["CMD", "false"], interval: 1s, start_period: 100s}
	END
	expect_exit 5 timeout 30 mstack up --wait --wait-timeout 1
	state_is a running
	mstack down
}

# A mount that is busy below the stack's run-time folder cannot be removed by anybody.
@test "exit: 6 when something cannot be removed, and it is named" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	mkdir /run/mstack/t/slots/a-1/busy
	mount -t tmpfs busy /run/mstack/t/slots/a-1/busy
	run timeout 60 mstack down
	echo "$output"
	[[ $status == 6 ]]
	says /run/mstack/t
	umount /run/mstack/t/slots/a-1/busy
	expect_exit 0 mstack down -p t
}

@test "exit: SIGHUP without a terminal is SIGTERM" {
	stack_one <<<'command: [sleep, "1000"]'
	up_foreground
	wait_until state_is a running
	kill -HUP "$UP"
	ends_with 0 "$UP"
}
