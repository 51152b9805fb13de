#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a service manager hears of a supervisor that it started, and the unit that says how.

load lib/common

UNIT=$BATS_TEST_DIRNAME/../../tools/dist/mstack@.service
USERS_UNIT=${UNIT%.service}.user.service

# A made-up manager: each message as a line of `told`, "READY=1" and the like.
manager() {
	python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\0", 1))
open("listens", "w").close()
with open("told", "a", buffering=1) as out:
    while True:
        out.write(s.recv(4096).decode() + "\n")
' "$1" 3>&- &
	MANAGER=$!
	wait_until test -e listens
}

dismiss() {
	kill "$MANAGER"
	wait "$MANAGER" || :
	rm -f manager
}

told() { grep -qxF -- "$1" told; }
told_often() { (($(grep -cxF -- "$1" told) >= $2)); }

@test "notify: ready when all is well and not before, status, watchdog, stopping" {
	stack <<-'END'
		services:
		  slow:
		    image: busybox
		    command: [sleep, "1000"]
		    healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 100ms}
	END
	manager "$PWD/manager"
	NOTIFY_SOCKET=$PWD/manager WATCHDOG_USEC=200000 up_foreground
	wait_until told "STATUS=1 of 1 containers run"
	wait_until told_often WATCHDOG=1 3
	not told READY=1
	mstack exec -T slow touch /tmp/well
	wait_until told READY=1
	kill -TERM "$UP"
	wait "$UP"
	# The manager reads it in its own time.
	wait_until told STOPPING=1
	wait_until told "STATUS=stopping"
	[[ $(grep -cx READY=1 told) == 1 && $(grep -cx STOPPING=1 told) == 1 ]]
	(($(grep -nx READY=1 told | cut -d: -f1) < $(grep -nx STOPPING=1 told | cut -d: -f1)))
	dismiss
}

@test "notify: a reload is told, and that it is done, also when the file is wrong" {
	stack_one <<<$'command: [sleep, "1000"]\nlabels: {x: "1"}'
	manager "$PWD/manager"
	NOTIFY_SOCKET=$PWD/manager up_foreground
	wait_until told READY=1
	sed -i 's/x: "1"/x: "2"/' stack.yaml
	before=$(($(cut -d. -f1 /proc/uptime) * 1000000))
	kill -HUP "$UP"
	wait_until told_often READY=1 2
	told RELOADING=1
	((before <= $(sed -n 's/^MONOTONIC_USEC=//p' told)))
	(($(grep -nx RELOADING=1 told | cut -d: -f1) < $(grep -nx READY=1 told | cut -d: -f1 | tail -n 1)))
	[[ $(field a Labels) == *x=2* ]]
	echo 'services: {' >>stack.yaml
	kill -HUP "$UP"
	wait_until told_often READY=1 3
	told_often RELOADING=1 2
	# What reads the file says nothing to the manager.
	[[ $(grep -cx READY=1 told) == 3 ]]
	kill -TERM "$UP"
	wait "$UP"
	dismiss
}

@test "notify: a name without a folder, a watchdog for somebody else, and a manager that is not there" {
	stack_one <<<'command: [sleep, "1000"]'
	manager @mstack-notify-test
	NOTIFY_SOCKET=@mstack-notify-test WATCHDOG_USEC=1000 WATCHDOG_PID=1 up_foreground
	wait_until told READY=1
	kill -TERM "$UP"
	wait "$UP"
	not told WATCHDOG=1
	dismiss
	NOTIFY_SOCKET=$PWD/nobody up_foreground
	wait_until state_is a running
	kill -TERM "$UP"
	wait "$UP"
}

@test "notify: the unit says what the contract asks for" {
	grep -qx 'Type=notify' "$UNIT"
	grep -qx 'Delegate=yes' "$UNIT"
	grep -qx 'KillMode=mixed' "$UNIT"
	grep -qx 'ExecReload=/bin/kill -HUP $MAINPID' "$UNIT"
	grep -qx 'ExecStopPost=@BINDIR@/mstack down -p %i' "$UNIT"
	if command -v systemd-analyze >/dev/null; then
		sed "s|@BINDIR@/mstack|/bin/true|" "$UNIT" >mstack@.service
		unshare -m sh -c 'mount -t tmpfs none /run && systemd-analyze verify ./mstack@.service'
	fi
}

@test "notify: a user's unit is the same but for where its file is and what it waits for" {
	lines() { grep -v '^#' "$1" | sed 's|/etc/mstack/|%E/mstack/|' | sort; }
	diff <(lines "$UNIT") <(lines "$USERS_UNIT") >differ || [[ $? == 1 ]]
	cat differ
	[[ $(sed -n 's/^[<>] //p' differ | xargs) == 'After=network-online.target RestartSec=5 WantedBy=multi-user.target Wants=network-online.target WantedBy=default.target' ]]
	if command -v systemd-analyze >/dev/null; then
		sed "s|@BINDIR@/mstack|/bin/true|" "$USERS_UNIT" >mstack@.service
		unshare -m sh -c 'mount -t tmpfs none /run && mkdir /run/x && XDG_RUNTIME_DIR=/run/x systemd-analyze --user verify ./mstack@.service'
	fi
}

@test "notify: who takes up a stack that was kept is its supervisor, and ready when it is what the file says" {
	stack_one <<<$'command: [sleep, "1000"]\nstop_grace_period: 0s\nlabels: {x: "1"}'
	sed -i '1i x-on-supervisor-death: keep' stack.yaml
	manager "$PWD/manager"
	NOTIFY_SOCKET=$PWD/manager WATCHDOG_USEC=200000 up_foreground
	wait_until told READY=1
	wait_until test -S /run/mstack/t/keeper
	pid=$(field a Pid)
	# When the guard has all that it is to keep.
	wait_until at_rest "$UP" "$(pgrep -x mstack-guard)"
	kill -KILL "$UP"
	wait "$UP" || :
	: >told
	cat >>stack.yaml <<-'END'
		  more:
		    image: busybox
		    command: [sleep, "1000"]
		    stop_grace_period: 0s
		    healthcheck: {test: [CMD, test, -e, /tmp/well], interval: 100ms}
	END
	sed -i 's/x: "1"/x: "2"/' stack.yaml
	NOTIFY_SOCKET=$PWD/manager WATCHDOG_USEC=200000 up_foreground
	wait_until told "STATUS=2 of 2 containers run"
	wait_until told_often WATCHDOG=1 3
	not told READY=1
	mstack exec -T more touch /tmp/well
	wait_until told READY=1
	[[ $(mstack ls --format json | jq -r .Pid) == "$UP" && $(field a Pid) == "$pid" && $(field a Labels) == *x=2* ]]
	grep -q 'adopted 1 container' up.err
	grep -q 'more-1 started' up.err
	not told RELOADING=1
	# As any other: it reads its file again, goes on as another program, and ends with all of it.
	sed -i 's/x: "2"/x: "3"/' stack.yaml
	kill -HUP "$UP"
	wait_until told RELOADING=1
	wait_until told_often READY=1 2
	[[ $(field a Labels) == *x=3* ]]
	kill -USR2 "$UP"
	wait_until grep -q 'goes on in place of' up.err
	kill -TERM "$UP"
	ends_with 0 "$UP"
	wait_until told STOPPING=1
	gone "$pid"
	dismiss
}
