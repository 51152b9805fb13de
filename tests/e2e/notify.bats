#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a service manager hears of a supervisor that it started, and the unit that says how.

load lib/common

UNIT=$BATS_TEST_DIRNAME/../../tools/dist/mstack@.service

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
	told STOPPING=1
	told "STATUS=stopping"
	[[ $(grep -cx READY=1 told) == 1 && $(grep -cx STOPPING=1 told) == 1 ]]
	(($(grep -nx READY=1 told | cut -d: -f1) < $(grep -nx STOPPING=1 told | cut -d: -f1)))
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
	grep -qx 'ExecStopPost=@BINDIR@/mstack down -p %i' "$UNIT"
	if command -v systemd-analyze >/dev/null; then
		sed "s|@BINDIR@/mstack|/bin/true|" "$UNIT" >mstack@.service
		unshare -m sh -c 'mount -t tmpfs none /run && systemd-analyze verify ./mstack@.service'
	fi
}
