# SPDX-License-Identifier: GPL-2.0-or-later
#
# The death of the supervisor: kill -9 at any moment leaves nothing, at the latest after `mstack down -p NAME`.
# Takes long, so tools/check begins with it.

load lib/common

three() {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [httpd, -f, -p, "80"], ports: ["8080:80"], restart: always}
		  db: {image: busybox, command: [sleep, "1000"], volumes: ["v:/data"], restart: always}
		  worker: {image: busybox, command: [sh, -c, "sleep 1000 & sleep 1000"], networks: [back, default], stop_grace_period: 1s}
		networks: {back: {internal: true}}
		volumes: {v: {}}
	END
}

stack_processes() { cat "$MSTACK_SANDBOX"/mstack/t/*/cgroup.procs; }
no_processes() { [[ -z $(stack_processes 2>/dev/null) ]]; }

# killed_and_gone PID...: all of the stack goes with them, without a command.
killed_and_gone() {
	local before=${EPOCHREALTIME//[!0-9]/}
	kill -9 "$@"
	wait_until no_processes
	echo "processes gone after $(((${EPOCHREALTIME//[!0-9]/} - before) / 1000)) ms"
	((${EPOCHREALTIME//[!0-9]/} - before < 15000000))
	audit check ../audit.before
}

@test "crash: the stack goes within a second, without any command" {
	three
	mstack up -d
	killed_and_gone "$(supervisor)"
}

@test "crash: down -p after it finds nothing to do and is content" {
	three
	mstack up -d
	kill -9 "$(supervisor)"
	sleep 0.2
	mstack down -p t
	audit check ../audit.before
	mstack down -p t
}

@test "crash: supervisor, guard and standby killed together, then down without the file" {
	three
	mstack up -d
	kill_mstack
	wait_until no_processes
	cd /
	mstack down -p t
}

@test "crash: supervisor, guard and standby killed together: who looks is told so, once, and doctor --fix removes what is left" {
	three
	mstack up -d
	for words in 'ps -a' plan logs; do
		expect_exit 0 mstack $words
		[[ $output != *"nobody supervises"* ]]
	done
	kill_mstack
	wait_until no_processes
	for words in 'ps -a' 'ps -p t' plan logs; do
		expect_exit 0 mstack $words
		says 'its supervisor and all who guarded it were killed' "\`mstack down\` or \`mstack doctor --fix\`"
		[[ $(grep -c 'nobody supervises' <<<"$output") == 1 ]]
	done
	[[ -z $(mstack ps -aq 2>/dev/null) ]]
	expect_exit 10 mstack plan --exit-code
	says '+ web-1: create'
	expect_exit 0 mstack ls
	says 'dead: mstack down'
	mstack doctor --fix || :
	expect_exit 0 mstack ps -a
	[[ $output != *"nobody supervises"* ]]
}

@test "crash: supervisor, guard and standby killed together, then up again" {
	three
	mstack up -d
	kill_mstack
	wait_until no_processes
	mstack up -d
	state_is web running
	mstack down
}

# ---- supervisor and guard at once: the standby ----

# Those whom no death signal ends: who has changed its ids, and, of root, who is no PID 1.
up_deathless() {
	local shared='pid: host, '
	[[ -z ${MSTACK_AS:-} ]] || shared=''
	stack <<-END
		services:
		  web: {image: busybox, command: [httpd, -f, -p, "80"], ports: ["8080:80"], volumes: ["v:/data"]}
		  ids: {image: busybox, command: [httpd, -f, -u, "1000:1000"], stop_signal: KILL}
		  host: {image: busybox, command: [sh, -c, "sleep 1000 & sleep 1000"], ${shared}stop_grace_period: 1s}
		volumes: {v: {}}
	END
	mstack up -d
	# Until then its supervisor's death would be its own.
	wait_until has_changed_ids
}
guard() { pgrep -x mstack-guard; }
standby() { pgrep -x mstack-standby; }
has_changed_ids() { mstack exec -T ids grep -Eq '^Uid:[[:space:]]+1000[[:space:]]' /proc/1/status; }
# They are born with another name, and may not have run yet.
guarded() { [[ $(guard | wc -l) == 1 && $(standby | wc -l) == 1 ]]; }
another() { [[ -n $("$1") && $("$1") != "$2" ]]; }

@test "crash: supervisor and guard killed together leave nothing, without any command" {
	up_deathless
	wait_until guarded
	killed_and_gone "$(supervisor)" "$(guard)"
}

@test "crash: the guard killed at its work" {
	up_deathless
	local guard
	wait_until guarded
	guard=$(guard)
	kill -STOP "$guard"
	kill -9 "$(supervisor)"
	kill -9 "$guard"
	wait_until no_processes
	audit check ../audit.before
}

@test "crash: a guard that cannot be started again is tried for until it can" {
	up_deathless
	local guard sup limit
	files() { ${MSTACK_AS:+as "$MSTACK_AS"} prlimit --pid "$sup" "--nofile$1" "${@:2}"; }
	wait_until guarded
	guard=$(guard) sup=$(supervisor)
	limit=$(files '' --output SOFT --noheadings | xargs)
	files =4:
	kill -9 "$guard"
	wait_until grep -q 'nobody cleans up if this supervisor is killed' /run/mstack/t/supervisor.log
	files "=$limit:"
	wait_until another guard "$guard"
	wait_until grep -q 'guard: there is one again' /run/mstack/t/supervisor.log
	kill -9 "$sup" "$(standby)"
	audit check ../audit.before
}

@test "crash: guard and standby are both started again, and do then what they should" {
	up_deathless
	local guard standby
	wait_until guarded
	guard=$(guard) standby=$(standby)
	kill -9 "$guard"
	wait_until another guard "$guard"
	[[ $(standby) == "$standby" ]]
	kill -9 "$standby"
	wait_until another standby "$standby"
	state_is ids running
	kill -9 "$(supervisor)" "$(guard)"
	audit check ../audit.before
}

@test "crash: up again just after supervisor and guard were killed together" {
	up_deathless
	local sup
	wait_until guarded
	sup=$(supervisor)
	kill -9 "$sup" "$(guard)"
	# Who is dying may still be asked.
	is_dead() { [[ ! -d /proc/$sup ]]; }
	wait_until is_dead
	mstack up -d
	state_is ids running
	wait_until guarded
	mstack down
}

@test "crash: those whom no death signal ends wait for down when the standby is killed as well" {
	up_deathless
	kill_mstack
	[[ -n $(stack_processes) ]]
	cd /
	mstack down -p t
	no_processes
}

@test "crash: the guard alone is started again" {
	three
	mstack up -d
	local sup guard
	sup=$(supervisor)
	wait_until guarded
	guard=$(guard)
	kill -9 "$guard"
	wait_until another guard "$guard"
	state_is web running
	kill -9 "$sup"
	audit check ../audit.before
}

@test "crash: the foreground supervisor" {
	three
	up_foreground
	wait_until state_is worker running
	kill -9 "$UP"
	ends_with 137 "$UP"
	audit check ../audit.before
}

# Killed at many moments of its start and of its end: what it had made by then goes as well.
killed_while_starting() {
	local delay=$1
	three
	up_foreground
	sleep "$delay"
	kill -9 "$UP" 2>/dev/null || :
	wait "$UP" || :
	mstack down -p t
	audit check ../audit.before
}

@test "crash: kill -9 at moments of the start" {
	for delay in 0.003 0.006 0.01 0.015 0.02 0.025 0.03 0.04 0.05 0.07 0.1 0.15; do
		echo "after $delay s"
		killed_while_starting "$delay"
	done
}

@test "crash: kill -9 at moments of the end" {
	for delay in 0 0.002 0.005 0.01 0.02 0.05; do
		echo "after $delay s"
		three
		up_foreground
		wait_until state_is worker running
		kill -TERM "$UP"
		sleep "$delay"
		kill -9 "$UP" 2>/dev/null || :
		wait "$UP" || :
		mstack down -p t
		audit check ../audit.before
	done
}

@test "crash: what a container left running does not survive" {
	stack_one <<<'command: [sh, -c, "setsid sleep 1000 & setsid nohup sleep 1001 & sleep 1002"]'
	mstack up -d
	kill -9 "$(supervisor)"
	wait_until no_processes
	mstack down -p t
}

# ---- the ledger is lost as well: what is ours is found by its name ----

lose_ledger() { rm /run/mstack/t/ledger; }

kill_all_mstack() {
	kill_mstack
	wait_until no_processes
}

@test "crash: ledger and supervisor lost, and the guard finds everything" {
	three
	mstack up -d
	lose_ledger
	kill -9 "$(supervisor)"
	audit check ../audit.before
	mstack down -p t
}

@test "crash: ledger, supervisor and guard lost, then down without the file" {
	three
	mstack up -d
	lose_ledger
	kill_all_mstack
	ip link add mine type bridge
	ip link set mine alias mstack:tt:mine
	mkdir "$MSTACK_SANDBOX/mstack/tt"
	cd /
	expect_exit 0 mstack down -p nothing
	[[ -d $MSTACK_SANDBOX/mstack/t/web-1 ]]
	mstack down -p t
	# Of a stack of another name.
	ip link del mine
	rmdir "$MSTACK_SANDBOX/mstack/tt" "$MSTACK_SANDBOX/mstack"
}

@test "crash: its run-time folder, supervisor and guard lost, then up again" {
	three
	mstack up -d
	rm -r /run/mstack/t
	kill_all_mstack
	expect_exit 0 mstack up -d
	says 'removing what an earlier run left behind'
	state_is web running
	mstack down
}

@test "crash: a stack that lives is not taken for one whose ledger was lost" {
	three
	mstack up -d
	local sup command
	sup=$(supervisor)
	lose_ledger
	expect_exit 1 mstack up -d
	says 'already up, only its ledger was removed'
	state_is web running
	rm -r /run/mstack/t
	for command in 'up -d' 'down -p t'; do
		# shellcheck disable=SC2086 # two words
		expect_exit 1 timeout 60 mstack $command
		says "stack 't' is already up (supervisor is process $sup;" "kill $sup"
		# From a network namespace of its own, with its own folder.
		# shellcheck disable=SC2086
		MSTACK_RUN_DIR=$PWD/run expect_exit 1 timeout 60 unshare --net mstack $command
		says "stack 't' is already up (supervisor is process $sup;"
		[[ ! -e run && ! -e /run/mstack/t ]]
	done
	[[ $(supervisor) == "$sup" ]]
	for command in ps plan 'stop web' 'start web' 'restart web' 'kill web' 'exec -T web true' 'logs -f' 'top web' 'cp web:/etc/passwd .' why; do
		# shellcheck disable=SC2086
		expect_exit 1 timeout 60 mstack $command
		says "stack 't' is already up (supervisor is process $sup; end it with \`kill $sup\`), but '/run/mstack/t' is not its folder"
	done
	# What is on disk is shown all the same.
	expect_exit 0 mstack logs
	says 'is not its folder'
	kill "$sup"
	audit check ../audit.before
	expect_exit 0 mstack ps
	expect_exit 0 mstack stop
	says 'not up: nothing to do'
}

# Its door is open for a moment longer than it lives: who comes then is let in, and hears nothing.
@test "crash: up in the moment in which the supervisor dies begins anew" {
	three
	mstack up -d
	kill -KILL "$(supervisor)"
	audit check ../audit.before
	mkdir -p -m 700 /run/mstack/t
	python3 -c 'import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1] + ".new")
s.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])
asked = b""
while not asked:
    one, _ = s.accept()
    asked = one.recv(1 << 16)
    if asked:
        s.close()
    one.close()' /run/mstack/t/control &
	wait_until test -S /run/mstack/t/control
	expect_exit 0 mstack up -d
	wait "$!"
	state_is web running
	mstack down
}
