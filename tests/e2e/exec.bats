# SPDX-License-Identifier: GPL-2.0-or-later
#
# exec: a further command in a running container: who it is, what it has, its streams and terminal, its end and ours.

# A gigabyte takes its time where others work too.
# shellcheck disable=SC2034 # for lib/common
BATS_TEST_TIMEOUT=300
load lib/common

# Service `a` sleeps; further keys of it from standard input.
sleeper() {
	{
		echo 'command: [sleep, "1000"]'
		cat
	} | stack_one
	mstack up -d
}

# Pids in the slot's cgroup.
members() { cat "$MSTACK_SANDBOX/mstack/t/a-1/cgroup.procs"; }

# Of the process beside a command on the host: of all that are called so, the one that leads a session.
escort() {
	local dir comm
	for dir in /proc/[0-9]*; do
		{ read -r comm <"$dir/comm"; } 2>/dev/null || continue
		[[ $comm == mstack-exec && $(ps -o sid= -p "${dir#/proc/}") -eq ${dir#/proc/} ]] && echo "${dir#/proc/}"
	done
	return 0
}

container_has() { mstack exec -T a test -e "$1"; }

@test "exec: as the service: user, groups, environment, folder, and nobody else's" {
	sleeper <<-'END'
		user: "1000:2000"
		working_dir: /tmp
		environment: {COLOUR: green, PASSWORD: secret}
	END
	# shellcheck disable=SC2016
	SECRET=x run mstack exec -T a sh -c 'id -u; id -g; id -G; pwd; echo $COLOUR $PASSWORD ${SECRET:-none}; umask'
	echo "$output"
	[[ $output == $'1000\n2000\n2000\n/tmp\ngreen secret none\n0022' ]]
	# No file has the environment.
	run grep -r secret /run/mstack
	[[ $status == 1 ]]
	mstack down
}

# shellcheck disable=SC2016
@test "exec: rights, filter, limits, namespaces and control group are those of PID 1" {
	sleeper <<<$'cap_add: [NET_RAW]\nulimits: {nofile: {soft: 100, hard: 200}, nproc: 77}\noom_score_adj: 300'
	(
		# Of the caller's own none is handed on.
		ulimit -S -s 4000 -l 16
		mstack exec -T a sh -c 'for p in 1 self; do
			grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|SigIgn|SigBlk|CapAmb)" /proc/$p/status
			cat /proc/$p/limits /proc/$p/oom_score_adj
			for n in cgroup ipc mnt net pid user uts; do readlink /proc/$p/ns/$n; done
			grep ^0: /proc/$p/cgroup
			echo ==
		done'
	) >out
	cat out
	awk '/^==$/ { n++; next } { print >("half" n) }' out
	cmp half half1
	[[ $(grep -c . half) -gt 30 ]]
	mstack exec -d a sleep 30
	# Who has set it up may be a moment about its end.
	two_members() { [[ $(members | wc -l) == 2 ]]; }
	wait_until two_members
	mstack down -t 0
}

@test "exec: nothing of the host is open inside" {
	sleeper </dev/null
	exec 7<stack.yaml 8</
	mstack exec -T a ls -l /proc/self/fd </dev/null >out
	cat out
	[[ $(grep -c 'pipe:' out) == 3 && $(wc -l <out) == 5 ]]
	exec 7<&- 8<&-
	mstack down
}

@test "exec: exit codes" {
	sleeper </dev/null
	expect_exit 0 mstack exec a true
	expect_exit 7 mstack exec a sh -c 'exit 7'
	# shellcheck disable=SC2016
	expect_exit 137 mstack exec a sh -c 'kill -9 $$'
	expect_exit 126 mstack exec a /etc/passwd
	says /etc/passwd 'cannot be executed'
	expect_exit 127 mstack exec a nosuch
	says nosuch 'not found'
	expect_exit 2 mstack exec a
	expect_exit 2 mstack exec
	expect_exit 2 mstack exec --detach-keys ctrl-1 a true
	expect_exit 2 mstack exec b true
	says "no such service: 'b'"
	expect_exit 1 mstack exec --index 2 a true
	says '--index 2' 'running: 1'
	expect_exit 2 mstack exec --index x a true
	mstack down
	expect_exit 1 mstack exec a true
	says "stack 't' is not up: see 'mstack up'"
}

@test "exec: a service that has ended, and names that were nearly right" {
	stack <<-'END'
		services:
		  database: {image: busybox, command: ["true"]}
		  web: {image: busybox, command: [sleep, "1000"]}
	END
	mstack up -d
	wait_until state_is database exited
	expect_exit 1 mstack exec database true
	says "'database' is not running"
	expect_exit 2 mstack exec databse true
	says "did you mean 'database'"
	expect_exit 0 mstack exec stack.yaml web true
	expect_exit 0 mstack -p t exec web true
	mstack down
}

@test "exec: other users by name and number; nobody is guessed" {
	local user
	sleeper </dev/null
	expect_exit 0 mstack exec -T -u nobody a sh -c 'id -u; grep CapPrm /proc/self/status'
	[[ $output == $'65534\n'*0000000000000000 ]]
	expect_exit 0 mstack exec -T -u 5:6 a sh -c 'id -u; id -G; echo x >/dev/stdout'
	[[ $output == $'5\n6\nx' ]]
	for user in nobdy -1 +5 0x0 ' 0' 4294967295 4294967296 99999999999 5: : 5:nosuch '0 ' root:-1 ''; do
		run mstack exec -T -u "$user" a id
		[[ $status == 125 || $status == 2 ]]
		[[ $output != *uid=* ]]
	done
	# What the container puts there is read as nothing but a file, and waited for never.
	mstack exec a sh -c 'rm /etc/passwd; mkfifo /etc/passwd'
	expect_exit 125 timeout 30 mstack exec -u nobody a id
	mstack exec a sh -c 'rm /etc/passwd; ln -s ../../../../../../etc/shadow /etc/passwd'
	expect_exit 125 timeout 30 mstack exec -u root2 a id
	mstack down
}

# shellcheck disable=SC2016
@test "exec: -w, -e, HOME of another user" {
	sleeper <<<'environment: {A: "1"}'
	B=ours expect_exit 0 mstack exec -T -w /etc -e A=2 -e B -e C=x=y a sh -c 'pwd; echo $A $B $C'
	[[ $output == $'/etc\n2 ours x=y' ]]
	expect_exit 125 mstack exec -w /nowhere a true
	says /nowhere
	expect_exit 125 mstack exec -w /proc/self/fd/3 a true
	expect_exit 2 mstack exec -w etc a true
	mstack exec a sh -c 'mkdir /home/x; echo x:x:77:77::/home/x:/bin/sh >>/etc/passwd'
	expect_exit 0 mstack exec -T -u x a sh -c 'echo $HOME'
	[[ $output == /home/x ]]
	expect_exit 0 mstack exec -T -u x -e HOME=/mine a sh -c 'echo $HOME'
	[[ $output == /mine ]]
	mstack down
}

@test "exec: --privileged gives what the container has not" {
	sleeper </dev/null
	run mstack exec -T a mount -t tmpfs x /mnt
	[[ $status != 0 ]]
	expect_exit 0 mstack exec -T --privileged a sh -c 'mkdir -p /mnt; mount -t tmpfs x /mnt && echo mounted; grep Seccomp: /proc/self/status'
	[[ $output == mounted*0 ]]
	mstack down
}

@test "exec: standard input, half closed, and both outputs" {
	sleeper </dev/null
	printf 'one\0two' | mstack exec -T a sh -c 'cat; echo bad >&2; echo after' >out 2>err
	printf 'one\0twoafter\n' | cmp - out
	[[ $(<err) == bad ]]
	# Who reads no more is no reason to wait, nor is a command that does not read.
	mstack exec -T a yes | head -n 1
	head -c 10000000 /dev/zero | mstack exec -T a true
	echo old >file
	mstack exec -T a echo new >>file
	[[ $(<file) == $'old\nnew' ]]
	mstack down
}

# Both ways at once, and no more memory than at its beginning (the limit is of the process's whole address space).
@test "exec: a gigabyte in and out again is the same gigabyte" {
	local size=$((1 << 30)) start=$SECONDS
	sleeper </dev/null
	pattern() { yes 'the quick brown fox jumps over the lazy dog 0123456789' | head -c "$size"; }
	pattern | (ulimit -v 300000 && exec mstack exec -T a cat) | cmp - <(pattern)
	[[ ${PIPESTATUS[*]} == '0 0 0' ]]
	((SECONDS - start < 240))
	mstack down
}

@test "exec: -d comes back at once; the command goes on, and ends with the container" {
	sleeper </dev/null
	mstack exec -d a sh -c 'until [ -e /tmp/go ]; do sleep 0.1; done; echo >/tmp/done; sleep 1000'
	not container_has /tmp/done
	mstack exec -T a touch /tmp/go
	wait_until container_has /tmp/done
	expect_exit 127 mstack exec -d a nosuch
	mstack down -t 0
	wait_until not pgrep_exec
}

pgrep_exec() { [[ -n $(escort) ]]; }

@test "exec: a terminal of the container's own" {
	sleeper <<<'user: "1000"'
	# shellcheck disable=SC2016
	run typist mstack exec a sh -c 't=$(readlink /proc/self/fd/0); echo $t $(stat -c %u $t) $(stty size) $TERM; ls -1 /proc/self/fd; exit 5' </dev/null
	echo "$output"
	says '/dev/pts/0 1000 24 80 xterm' $'\n0\n1\n2\n3\n\n' 'terminal: as before' 'exit: 5'
	# Without one as soon as one of the two is none.
	mstack exec a readlink /proc/self/fd/0 >out </dev/null
	grep pipe: out
	run typist mstack exec -T a tty </dev/null
	says 'not a tty'
	mstack down
}

@test "exec: keys, Ctrl-C and the window's size reach the command" {
	sleeper </dev/null
	run typist mstack exec a sh <<-'END'
		raw
		type PS1='> '; echo be''gun\r
		see begun
		type stty size\r
		see 24 80
		size 33 99
		type until [ "$(stty size)" = "33 99" ]; do sleep 0.1; done; echo si''zed\r
		see sized
		type (echo sl''eeps; exec sleep 1000)\r
		see sleeps
		type \x03
		see >
		type exit 9\r
	END
	echo "$output"
	says 'terminal: as before' 'exit: 9'
	mstack down
}

@test "exec: detach keys leave the command alone" {
	sleeper </dev/null
	run typist mstack exec a sh -c 'echo begun; sleep 1; seq 100000; echo >/tmp/done; sleep 1000' <<-'END'
		see begun
		raw
		type \x10\x11
	END
	echo "$output"
	says 'goes on in' 'terminal: as before' 'exit: 0'
	wait_until container_has /tmp/done
	run typist mstack exec --detach-keys x,y a cat <<-'END'
		raw
		type \x10\x11xxy
	END
	says 'exit: 0'
	mstack down -t 0
}

@test "exec: however the client ends, the terminal is as it was, and the command ends" {
	local signal
	sleeper </dev/null
	for signal in TERM HUP QUIT INT; do
		run typist mstack exec a sleep 1000 <<<"raw"$'\n'"signal $signal"
		echo "$output"
		says 'terminal: as before' "exit: $((128 + $(kill -l $signal)))"
	done
	# Who heeds no signal is left by the second one.
	run typist mstack exec a sh -c 'trap "" TERM; echo begun; sleep 1000' <<-'END'
		see begun
		raw
		signal TERM
		type x
		see x
		signal TERM
	END
	echo "$output"
	says 'told twice' 'terminal: as before'
	for signal in KILL SEGV; do
		run typist mstack exec a sleep 1000 <<<"raw"$'\n'"signal $signal"
		echo "$output"
		says 'terminal: as before' "exit: -$(kill -l $signal)"
	done
	wait_until alone
	mstack down
}

alone() { [[ $(members | wc -l) == 1 ]]; }

@test "exec: signals are passed on" {
	sleeper </dev/null
	mstack exec -T a sh -c 'trap "echo one" USR1; trap "echo bye; exit 3" TERM; echo begun; while :; do sleep 0.1; done' >out &
	wait_until grep begun out
	kill -USR1 $!
	wait_until grep one out
	kill -TERM $!
	ends_with 3 $!
	grep bye out
	mstack down
}

runs_again() { [[ $(field a Restarts) == 1 ]] && state_is a running; }

@test "exec: the container ends, or another takes its place, while a command is in it" {
	sleeper <<<'restart: always'
	mstack exec -T a sh -c 'echo begun; exec sleep 1000' >out 2>err &
	wait_until grep -qx begun out
	kill -9 "$(field a Pid)"
	ends_with 137 $!
	grep "container of 'a-1' ended" err
	# The command may know of the end before the supervisor does, for whom it runs until then.
	wait_until runs_again
	expect_exit 0 mstack exec a true
	mstack exec -T a sh -c 'echo begun; exec sleep 1000' >again 2>err &
	wait_until grep -qx begun again
	mstack down
	ends_with 137 $!
	grep "container of 'a-1' ended" err
}

@test "exec: a client that is stopped holds nothing up" {
	local client start
	sleeper </dev/null
	mstack exec -T a sh -c 'echo begun; exec sleep 1000' >out 2>err &
	client=$!
	wait_until grep -qx begun out
	kill -STOP $client
	start=$SECONDS
	timeout 60 mstack down -t 1
	((SECONDS - start < 30))
	kill -CONT $client
	ends_with 137 $client
}

@test "exec: without a word from the supervisor" {
	local supervisor
	sleeper </dev/null
	supervisor=$(supervisor)
	kill -STOP "$supervisor"
	expect_exit 0 timeout 30 mstack exec -T a echo fine
	kill -CONT "$supervisor"
	[[ $output == fine ]]
	mstack down
}

# What a container could reach of us is a copy that nobody can write to.
@test "exec: the program on the host is not what enters (CVE-2019-5736)" {
	local before
	sleeper <<<$'cap_add: [SYS_PTRACE]'
	before=$(sha256sum "$BUILD/mstack")
	mstack exec -T a sleep 1000 &
	wait_until not alone
	[[ $(readlink /proc/$!/exe) == '/memfd:mstack (deleted)' && $(readlink "/proc/$(escort)/exe") == '/memfd:mstack (deleted)' ]]
	not bash -c "echo x >>/proc/$!/exe"
	kill $!
	ends_with 143 $!
	mstack exec -T a sh -c "printf '#!/proc/self/exe\n' >/evil; chmod +x /evil"
	not mstack exec -T a /evil
	[[ $(sha256sum "$BUILD/mstack") == "$before" ]]
	mstack down
}

@test "exec: what a container has put in /dev does not hold us up" {
	sleeper <<<$'cap_add: [MKNOD]'
	mstack exec a sh -c 'rm /dev/null; mkfifo /dev/null'
	expect_exit 125 timeout 30 mstack exec -d a true
	says /dev/null
	mstack exec a sh -c 'rm /dev/ptmx; mkfifo /dev/ptmx'
	run timeout 30 typist mstack exec a tty </dev/null
	says /dev/pts/0 'exit: 0'
	mstack down
}

@test "exec --all: in every container that runs, its lines behind its name, the first exit code that is none" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
		  a-2: {image: busybox, command: [sleep, "1000"]}
		  b: {image: busybox, command: [sleep, "1000"]}
		  over: {image: busybox, command: ["true"]}
	END
	mstack up -d
	wait_until state_is over exited
	mstack exec --all sh -c 'hostname >&2; echo one; echo two; printf three; cat' <stack.yaml >out 2>err
	sort out err
	[[ $(sort out | cut -d '|' -f 2 | tr -d ' ' | sort | uniq -c | tr -s ' \n' ' ') == ' 3 one 3 three 3 two ' ]]
	[[ $(cut -d ' ' -f 1 out | sort | uniq -c | tr -s ' \n' ' ') == ' 3 a-1 3 a-2-1 3 b-1 ' ]]
	[[ $(wc -l <err) == 3 ]]
	expect_exit 0 mstack exec --service b echo hello
	[[ $output == 'b-1  | hello' ]]
	# The first in the order of names, not in that of time.
	# shellcheck disable=SC2016
	expect_exit 5 mstack exec --all sh -c 'case $HOSTNAME$(hostname) in *b*) exit 6;; esac; sleep 1; exit 5'
	expect_exit 6 mstack exec --all --service b sh -c 'exit 6'
	expect_exit 127 mstack exec --all nosuch
	says a-1 nosuch 'not found'
	says b-1 nosuch
	expect_exit 2 mstack exec --all --index 1 true
	expect_exit 2 mstack exec --all
	expect_exit 2 mstack exec --service c true
	says "no such service: 'c'"
	expect_exit 1 mstack exec --service over true
	mstack pause b
	expect_exit 1 mstack exec --all true
	says b-1 paused
	mstack unpause b
	# A command that leaves its output to another process is not waited for any longer; one on its own is left.
	expect_exit 0 timeout 60 mstack exec --all sh -c 'sleep 100 & echo x'
	expect_exit 0 timeout 60 mstack exec --all -d sleep 100
	mstack down -t 0
	expect_exit 1 mstack exec --all true
	says "stack 't' is not up"
}

@test "exec --all: signals go to all of them, and long output is whole" {
	stack <<-'END'
		services:
		  a: &a {image: busybox, command: [sleep, "1000"]}
		  b: *a
		  c: *a
	END
	mstack up -d
	mstack exec --all seq 30000 >out
	[[ $(wc -l <out) == 90000 ]]
	[[ $(sed -n 's/^b-1  | //p' out | cksum) == $(seq 30000 | cksum) ]]
	mstack exec --all sh -c 'trap "echo told; exit 3" TERM; echo ready; while :; do sleep 0.1; done' >out &
	all_ready() { [[ $(grep -c ready out) == 3 ]]; }
	wait_until all_ready
	kill $!
	ends_with 3 $!
	[[ $(grep -c told out) == 3 ]]
	mstack down -t 0
}
