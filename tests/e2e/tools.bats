# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a person looks at and holds on to while a stack runs: top, stats, pause, port, images.

load lib/common

# Service `a` sleeps; further keys of it from standard input.
sleeper() {
	{
		echo 'command: [sleep, "1000"]'
		cat
	} | stack_one
	mstack up -d
}

# ---- top ----

@test "top: processes of each container, with pids of the host and names of the container" {
	mkdir etc
	echo 'clerk:x:1000:1000::/:/bin/sh' >etc/passwd
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    user: "1000"
		    volumes: ["./etc/passwd:/etc/passwd:ro"]
		    command: [sh, -c, "sleep 1001 & sleep 1002 & wait"]
		  b: {image: busybox, command: [sleep, "1003"]}
		  finished: {image: busybox, command: ["true"]}
	END
	mstack up -d
	expect_exit 0 mstack top
	says SERVICE PID STIME 'sleep 1001' 'sleep 1003'
	[[ $(grep -c '^a .* clerk ' <<<"$output") == 3 ]]
	[[ $(grep -c '^b .* root ' <<<"$output") == 1 ]]
	expect_exit 0 mstack top --format json b finished
	[[ $(jq -r '"\(.Service) \(.Index) \(.UID) \(.CMD)"' <<<"$output") == 'b 1 root sleep 1003' ]]
	[[ $(jq .PID <<<"$output") == "$(field b Pid)" ]]
	# The parents of a's children are in the list.
	mstack top a --format json | jq -se 'map(.PID) as $all | map(select(.PPID | IN($all[]))) | length == 2'
	expect_exit 1 mstack top finishd
	says "no such service: 'finishd'" "did you mean 'finished'"
	mstack down
	expect_exit 1 mstack top
	says 'not up'
}

@test "top: what a process calls itself does nothing to a terminal or to a line" {
	sleeper </dev/null
	mstack exec -d a sh -c 'sleep 1000; :' "$(printf 'x\033[2Jy\nz')"
	wait_until eval 'mstack top | grep -q "x^\[\[2Jy^Jz"'
	mstack top >out
	run ! grep -q $'\033' out
	mstack top --format json | jq -e 'select(.CMD | contains("x^[[2Jy^Jz"))'
	mstack down
}
