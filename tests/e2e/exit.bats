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

# Both wait for a file, so that nothing ends before somebody looks.
two_later() {
	stack <<-END
		services:
		  a: {image: busybox, command: [sh, -c, "until test -e /go; do sleep 0.1; done; exit $1"]}
		  b: {image: busybox, stop_grace_period: 0s, command: [sleep, "1000"]}
	END
	mstack up -d
}
is_followed() { grep -q 'the stack runs already' up.err; }
is_down() { [[ -z $(mstack ps -aq) ]]; }
ends_a() {
	wait_until is_followed
	mstack exec -T a touch /go
}

@test "exit: --abort-on-container-exit on a stack that runs" {
	two_later 0
	up_foreground --abort-on-container-exit
	ends_a
	ends_with 0 "$UP"
	is_down
	two_later 3
	up_foreground --abort-on-container-exit
	ends_a
	ends_with 4 "$UP"
	is_down
}

@test "exit: --abort-on-container-failure on a stack that runs lets success pass" {
	two_later 0
	up_foreground --abort-on-container-failure
	ends_a
	wait_until state_is a exited
	state_is b running
	kill -9 "$(field b Pid)"
	ends_with 4 "$UP"
	is_down
}

@test "exit: --exit-code-from on a stack that runs: its own, also when another one ends first, or somebody takes all down" {
	two_later 42
	up_foreground --exit-code-from a
	ends_a
	ends_with 42 "$UP"
	is_down
	two_later 42
	up_foreground --exit-code-from b
	ends_a
	ends_with 137 "$UP"
	two_later 42
	up_foreground --exit-code-from b
	wait_until is_followed
	expect_exit 0 mstack down
	ends_with 137 "$UP"
}

@test "exit: --abort-on-* is the wish of who is there: a change and a restart are no end, and Ctrl-C takes it back" {
	two_later 3
	sed -i 's/"1000"/"1001"/' stack.yaml
	up_foreground --abort-on-container-exit
	wait_until is_followed
	expect_exit 0 mstack restart b
	state_is a running && state_is b running
	kill -INT "$UP"
	ends_with 130 "$UP"
	mstack exec -T a touch /go
	wait_until state_is a exited
	state_is b running
	mstack down
}

# another_program: takes the stack over.
is_replaced() { grep -q 'goes on in place of' /run/mstack/t/supervisor.log; }
another_program() {
	kill -USR2 "$(supervisor)"
	wait_until is_replaced
}

@test "exit: --abort-on-container-exit and --exit-code-from on a stack that another program takes over: that one watches on" {
	two_later 3
	up_foreground --abort-on-container-exit
	wait_until is_followed
	another_program
	kill -0 "$UP"
	ends_a
	ends_with 4 "$UP"
	is_down
	two_later 42
	up_foreground --exit-code-from a
	wait_until is_followed
	another_program
	ends_a
	ends_with 42 "$UP"
	is_down
}

@test "exit: --abort-on-container-exit on a stack whose supervisor dies ends, and says that nobody watches" {
	two_later 3
	sed -i '1i x-on-supervisor-death: keep' stack.yaml
	mstack up -d
	wait_until test -S /run/mstack/t/keeper
	up_foreground --abort-on-container-exit
	wait_until is_followed
	kill -9 "$(supervisor)"
	ends_with 1 "$UP"
	grep 'whether a service ends is not watched any more' up.err
	mstack exec -T a touch /go
	mstack start b
	wait_until state_is a exited
	mstack down
}

@test "exit: --abort-on-container-exit of two: each hears its own" {
	two_later 7
	up_foreground --abort-on-container-exit
	first=$UP
	wait_until is_followed
	rm up.err
	up_foreground --exit-code-from a
	ends_a
	ends_with 7 "$UP"
	ends_with 4 "$first"
	is_down
}

@test "exit: up in the foreground on a stack whose services have all ended shows what is run again, and ends" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "echo hello; exit 3"]}
		  b: {image: busybox, command: ["true"]}
	END
	mstack up -d
	wait_until state_is a exited
	wait_until state_is b exited
	expect_exit 0 timeout 60 mstack up
	says 'a-1  | hello'
	says 'have ended; the stack stays up'
	state_is a exited
	expect_exit 0 timeout 60 mstack up --abort-on-container-failure b
	mstack down
}

@test "exit: up in the foreground on a stack that runs ends with the services that it was called for; a restart is no end" {
	two_later 3
	up_foreground
	wait_until is_followed
	expect_exit 0 mstack restart a
	state_is a running && state_is b running
	kill -0 "$UP"
	kill -INT "$UP"
	ends_with 130 "$UP"
	up_foreground a
	ends_a
	ends_with 0 "$UP"
	state_is b running
	mstack down
}

@test "exit: up in the foreground on a stack that runs ends with its services, whoever waits for others" {
	two_later 3
	mstack wait b >wait.out 2>&1 &
	waits=$!
	up_foreground a
	ends_a
	ends_with 0 "$UP"
	kill -0 "$waits"
	mstack down
	ends_with 137 "$waits"
}

@test "exit: up in the foreground on a stack that another program takes over still ends with its services" {
	two_later 3
	up_foreground a
	wait_until is_followed
	old=$(field a Pid)
	another_program
	[[ $(field a Pid) == "$old" ]]
	mstack exec -T a touch /go
	ends_with 0 "$UP"
	mstack down
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

@test "exit: 4 when a service without a health check fails while --wait waits for others; one that ends well has arrived" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "exit 3"]}
		  b:
		    image: busybox
		    command: [sleep, "1000"]
		    healthcheck: {test: ["CMD", "false"], interval: 1s, start_period: 100s}
	END
	expect_exit 4 timeout 60 mstack up --wait
	says "service 'a': ended while it was waited for"
	sed -i 's/exit 3/exit 0/; s/"false"/"true"/' stack.yaml
	expect_exit 0 timeout 60 mstack up --wait
	mstack down
}

@test "exit: 5 when --wait takes too long; the stack goes on" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		healthcheck: {test: ["CMD", "false"], interval: 1s, start_period: 100s}
	END
	expect_exit 5 timeout 30 mstack up --wait --wait-timeout 1
	wait_until state_is a running
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

@test "exit: SIGHUP when its terminal is gone is SIGTERM" {
	stack_one <<<'command: [sleep, "1000"]'
	# A terminal window that is closed.
	python3 -c '
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.closerange(3, 64)
    os.execvp("mstack", ["mstack", "up"])
while not os.path.exists("close"):
    time.sleep(0.05)
os.close(fd)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' >code 3>&- &
	window=$!
	wait_until state_is a running
	touch close
	ends_with 0 "$window"
	[[ $(<code) == 0 ]]
}
