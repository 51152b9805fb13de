#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Services with a terminal or an open input, and who is attached to them.

load lib/common

# A shell at a terminal; further lines of the service from standard input.
shell() {
	{
		echo 'tty: true'
		echo 'stdin_open: true'
		echo "environment: {PS1: '> '}"
		echo 'command: sh'
		cat
	} | stack_one
	mstack up -d 2>/dev/null
}

# One that says on both streams what it reads.
reader() {
	stack_one <<-'END'
		stdin_open: true
		command:
		  - sh
		  - -c
		  - 'echo begun; while read -r x; do case $$x in bye) exit 5;; "!"*) echo "$$x" >&2;; *) echo "$$x";; esac; done; echo end of file'
	END
	mstack up -d 2>/dev/null
	wait_until log_has a begun
}

is_gone() { not state_is a running; }

@test "attach: a shell at its terminal: size, keys, job control, exit code" {
	shell </dev/null
	run typist mstack attach a <<-'END'
		raw
		type tty; stty size; echo TERM=$TERM\r
		see /dev/pts/0
		see 24 80
		see TERM=xterm
		size 33 99
		type until [ "$(stty size)" = "33 99" ]; do sleep 0.1; done; echo si''zed\r
		see sized
		type (echo sl''eeps; exec sleep 1000)\r
		see sleeps
		type \x03
		see >
		type (echo wa''its; exec cat)\r
		see waits
		type \x1a
		see Stopped
		type jobs\r
		see Stopped
		see wa""its
		type fg\r
		see wa""its
		type \x04
		see >
		type ls -l /dev/console | cut -c 1; exit 7\r
	END
	echo "$output"
	says 'terminal: as before' 'exit: 7'
	wait_until state_is a exited
	[[ $(field a ExitCode) == 7 ]]
	# What was seen is in the log, and harmless for whoever looks at it there.
	log_has a /dev/pts/0
	mstack down
}

@test "attach: detach keys leave it running; who comes back finds it as it was" {
	shell </dev/null
	run typist mstack attach a <<-'END'
		raw
		type x=kept; echo re''ady\r
		see ready
		type \x10\x11
	END
	echo "$output"
	says 'terminal: as before' 'exit: 0'
	state_is a running
	run typist mstack attach --detach-keys ctrl-a,d a <<-'END'
		raw
		type echo $x$x\r
		see keptkept
		type \x10\x11\x01d
	END
	echo "$output"
	says 'exit: 0'
	mstack down -t 0
}

@test "attach: however the client ends, the terminal is as it was, and the service goes on" {
	local signal
	shell <<<'init: true'
	for signal in KILL SEGV; do
		run typist mstack attach a <<<"raw"$'\n'"signal $signal"
		echo "$output"
		says 'terminal: as before' "exit: -$(kill -l $signal)"
	done
	for signal in TERM HUP INT; do
		run typist mstack attach --sig-proxy=false a <<<"raw"$'\n'"signal $signal"
		echo "$output"
		says 'terminal: as before' "exit: -$(kill -l $signal)"
	done
	state_is a running
	mstack down -t 0
}

@test "attach: signals are passed on, and what ends it by one is told" {
	stack_one <<-'END'
		command: ["sh", "-c", "trap 'echo one' USR1; trap 'exit 3' TERM; echo begun; while :; do sleep 0.1; done"]
	END
	mstack up -d 2>/dev/null
	wait_until log_has a begun
	mstack attach --no-stdin a >out &
	wait_until pgrep_attach
	kill -USR1 $!
	wait_until grep one out
	kill -TERM $!
	ends_with 3 $!
	mstack down
	# A process that would never hear of it, as the first of its namespace.
	stack_one <<<'command: sleep 1000'
	mstack up -d 2>/dev/null
	mstack attach --no-stdin a &
	wait_until pgrep_attach
	kill -INT $!
	ends_with 137 $!
	log_has a 'neither catches nor blocks SIGINT'
	mstack down
}

# A client that takes signals, and so has been answered.
pgrep_attach() {
	local pid
	for pid in $(jobs -p); do
		[[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *' attach '* ]] &&
			(((0x$(awk '$1 == "SigBlk:" { print $2 }' "/proc/$pid/status") & 1) == 1)) && return
	done
	return 1
}

@test "attach: pipes: both streams told apart, input stays open, exit code" {
	reader
	printf 'one\n!two\n' >in
	mstack attach a <in >out 2>err &
	wait_until grep two err
	# The two are pipes of their own.
	wait_until grep one out
	[[ $(cat out) == one && $(cat err) == '!two' ]]
	# The end of its input was none of the service's, nor is its own.
	kill -KILL $!
	ends_with 137 $!
	state_is a running
	expect_exit 5 mstack attach a <<<bye
	mstack down
}

# attached_to_the_end WORDS...: `mstack attach WORDS` to a service that waits for /go; what it says goes to $output.
attached_to_the_end() {
	mstack attach "$@" </dev/null >both 2>&1 &
	local client=$!
	wait_until pgrep_attach
	mstack exec -T a touch /go
	ends_with 4 "$client"
	output=$(<both)
	echo "$output"
}

@test "attach: output only" {
	stack_one <<<'command: sh -c "until [ -e /go ]; do sleep 0.1; done; echo out; echo err >&2; exit 4"'
	mstack up -d 2>/dev/null
	attached_to_the_end a
	says "service 'a' takes no input without 'stdin_open: true'" out err
	mstack down
	stack_one <<<$'tty: true\ncommand: sh -c "until [ -e /go ]; do sleep 0.1; done; tty; exit 4"'
	mstack up -d 2>/dev/null
	attached_to_the_end --no-stdin a
	says /dev/pts/0
	not says stdin_open
	mstack down
}

@test "attach: a hundred megabytes without a loss, slow reader or not" {
	stack_one <<-'END'
		stdin_open: true
		command: ["sh", "-c", "read -r x; yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 104857600"]
	END
	mstack up -d 2>/dev/null
	yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 104857600 | sha256sum >all
	is_whole() { mstack attach a <<<go 2>err | sha256sum | cmp - all; }
	# A reader that a busy machine lets stand for a second is too slow, and told so.
	is_whole || { grep 'too slow' err && wait_until mstack start a && is_whole; }
	mstack down
}

@test "attach: a client that is stopped holds nothing up, and is told what it has missed" {
	local client other
	stack_one <<-'END'
		stdin_open: true
		command: ["sh", "-c", "read -r x; yes 0123456789 | head -c 20000000; echo done >&2; read -r x; exit 6"]
	END
	mstack up -d 2>/dev/null
	mkfifo in
	mstack attach a <in >out 2>err &
	client=$!
	exec 7>in
	wait_until pgrep_attach
	kill -STOP $client
	mstack attach a <<<go >/dev/null 2>other &
	other=$!
	wait_until log_has a 'done'
	kill -CONT $client
	echo end >&7
	exec 7>&-
	ends_with 6 $client
	cat err
	grep -q 'bytes were not shown because the reader was too slow' err
	(($(stat -c %s out) < 20000000))
	ends_with 6 $other
	# A busy machine may have let it stand for a second.
	[[ $(grep -v 'too slow' other) == 'done' ]]
	mstack down
}

@test "attach: several at a time, and a restart ends what was attached to the run before" {
	shell <<<'restart: always'
	mstack attach --no-stdin a >out &
	wait_until pgrep_attach
	run typist mstack attach a <<-'END'
		raw
		type echo for all; exit 9\r
	END
	echo "$output"
	says 'exit: 9'
	ends_with 9 $!
	grep 'for all' out
	wait_until state_is a running
	run typist mstack attach a <<-'END'
		raw
		type tty; echo an''other\r
		see /dev/pts/0
		see another
		type \x10\x11
	END
	echo "$output"
	says 'exit: 0'
	mstack down -t 0
}

@test "attach: the foreground shows lines of a terminal like any others" {
	stack_one <<<$'tty: true\ncommand: sh -c "echo seen; printf \'\\\\033]0;title\\\\a\\\\n\'; tty; exit 2"'
	up_foreground
	ends_with 0 "$UP"
	grep -x 'a-1  | seen.' up.out
	grep -x 'a-1  | /dev/pts/0.' up.out
	# On a terminal nothing of it does more than show.
	run typist mstack logs </dev/null
	says '^[]0;title^G'
	not says 'seen^M'
}

@test "attach: a service's user has the terminal; a command beside it has another" {
	shell <<<'user: "1000"'
	run typist mstack attach a <<-'END'
		raw
		type stat -c %u:%a /dev/console $(tty); echo x >/dev/console; echo re''ady\r
		see 1000:620
		see 1000:620
		see ready
		type \x10\x11
	END
	echo "$output"
	says 'exit: 0'
	run typist mstack exec a tty </dev/null
	says /dev/pts/1 'exit: 0'
	# Its first process has nothing else open.
	[[ $(for fd in "/proc/$(field a Pid)"/fd/*; do readlink "$fd"; done | sort -u | xargs) == '/dev/pts/0 /dev/tty' ]]
	mstack down -t 0
}

@test "attach: what cannot be" {
	reader
	expect_exit 2 mstack attach
	says 'SERVICE is missing'
	expect_exit 2 mstack attach --index x a
	expect_exit 2 mstack attach b
	says "no such service: 'b'"
	expect_exit 1 mstack attach --index 2 a
	expect_exit 5 mstack attach a <<<bye
	wait_until state_is a exited
	expect_exit 1 mstack attach a
	says "service 'a': is not running"
	mstack down
	expect_exit 1 mstack attach a
	says "is not up: see 'mstack up'"
	shell </dev/null
	expect_exit 2 mstack attach a </dev/null
	says '--no-stdin'
	mstack down -t 0
}

@test "attach: the supervisor dies" {
	reader
	mstack attach a </dev/null 2>err &
	wait_until pgrep_attach
	kill -9 "$(supervisor)"
	ends_with 1 $!
	grep 'the supervisor is gone' err
	mstack down
}
