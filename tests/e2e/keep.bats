#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `x-on-supervisor-death: keep`: the supervisor dies, the containers notice nothing, and the next `up` goes on with them.

load lib/common
load lib/listener

sup() { mstack ls --format json | jq -r .Pid; }

# With a stack of this file in the background; $SUP is its supervisor.
keep_up() {
	{
		echo 'x-on-supervisor-death: keep'
		cat
	} | stack
	mstack up -d
	SUP=$(sup)
	# The guard has all, and whoever comes after the death finds its door.
	[[ -S /run/mstack/t/keeper ]]
}

handed_over() { at_rest "$SUP" "$(pgrep -x mstack-guard)"; }

# What ends it without a word. Then nobody supervises.
die_now() {
	kill -9 "$SUP"
	wait_until gone "$SUP"
	wait_until no_supervisor
}
die() {
	wait_until handed_over
	die_now
}

# A child of it may be a moment about its end.
no_supervisor() { not pgrep -x mstack; }

adopt() {
	mstack up -d 2>up.err
	SUP=$(sup)
}

echo_server() {
	cat <<-'END'
		services:
		  web:
		    image: busybox
		    command: [nc, -ll, -p, "80", -e, cat]
		    ports: ["8080:80"]
		    restart: always
	END
}

# To that server, by descriptor 5: the port is there before somebody listens.
connected() { exec 5<>/dev/tcp/127.0.0.1/8080 && echo hello >&5 && read -r -t 20 answer <&5 && [[ $answer == hello ]]; }

@test 'pid, address, published port and connections go on, before and after' {
	keep_up < <(echo_server)
	pid=$(field web Pid) ip=$(field web IP)
	wait_until connected
	die
	echo between >&5
	read -r -t 20 answer <&5
	[[ $answer == between ]]
	# Somebody new is let in as well.
	exec 6<>/dev/tcp/127.0.0.1/8080
	echo new >&6
	read -r -t 20 answer <&6
	[[ $answer == new ]]
	exec 6<&-
	adopt
	grep -q "adopted 1 container of supervisor" up.err
	grep -q "web-1 unchanged" up.err
	[[ $(field web Pid) == "$pid" && $(field web IP) == "$ip" ]]
	echo after >&5
	read -r -t 20 answer <&5
	[[ $answer == after ]]
	exec 5<&-
	mstack events --json --since 1h --until 0s | grep -q '"action":"adopt"'
	mstack exec -T web true
	mstack down
}

@test 'again and again: nothing is left behind of each supervisor' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	for _ in 1 2 3 4 5; do
		die
		adopt
	done
	[[ $(field web Pid) == "$pid" ]]
	guards() { [[ $(pgrep -c -x mstack-guard) == "$1" ]]; }
	wait_until guards 1
	mstack down
}

# Of a process that is no child of who asks (PIDFD_INFO_EXIT).
kernel_tells_status() { printf '6.15\n%s\n' "$(uname -r)" | sort -CV; }

@test 'what ended in between is told with its status, and restarted by policy' {
	keep_up <<-'END'
		services:
		  fails:
		    image: busybox
		    command: [sh, -c, "while [ ! -e /stop ]; do sleep 0.05; done; rm /stop; exit 3"]
		    restart: on-failure
		  once:
		    image: busybox
		    command: [sh, -c, "while [ ! -e /stop ]; do sleep 0.05; done; exit 4"]
	END
	mstack exec -T fails true
	pid=$(field fails Pid) once=$(field once Pid)
	die
	# It may take along who has made it end.
	mstack exec -T fails touch /stop || :
	mstack exec -T once touch /stop || :
	wait_until gone "$pid"
	wait_until gone "$once"
	adopt
	if kernel_tells_status; then
		grep -q "'fails-1' had ended with code 3" up.err
		grep -q "'once-1' had ended with code 4" up.err
		[[ $(field once ExitCode) == 4 ]]
	else
		echo '# before Linux 6.15 nobody can tell how they ended' >&3
		grep -q "'fails-1' had ended in a way that nobody saw" up.err
	fi
	# `up` has started it again, as it does what has ended.
	wait_until state_is once exited
	[[ $(field once Pid) == 0 && $(field once Restarts) == 0 ]]
	wait_until state_is fails running
	[[ $(field fails Restarts) == 1 ]]
	[[ $(field fails Pid) != "$pid" ]]
	mstack down
}

@test 'restart counts and waits go on' {
	keep_up <<-'END'
		services:
		  crash:
		    image: busybox
		    command: [sh, -c, "sleep 0.2; exit 1"]
		    restart: always
		  other:
		    image: busybox
		    command: [sleep, "1000"]
	END
	more() { [[ $(field crash Restarts) -gt $1 ]]; }
	wait_until more 0
	for _ in 1 2 3; do
		count=$(field crash Restarts)
		die
		mstack up -d other
		SUP=$(sup)
		[[ $(field crash Restarts) -ge $count ]]
		# The more time has passed, the longer it waits before each.
		PATIENCE=90 wait_until more "$count"
	done
	mstack down
}

@test 'a changed file: first adopted, then only what must be is touched' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	die
	cat >>stack.yaml <<-'END'
		  more: {image: busybox, command: [sleep, "1000"]}
	END
	adopt
	grep -q 'adopted 1 container' up.err
	grep -q 'more-1 started' up.err
	[[ $(field web Pid) == "$pid" ]]
	state_is more running
	mstack down
}

# once TEXT...: each of them is in one line of up.err.
once() {
	local text
	for text; do
		if [[ $(grep -cF -- "$text" up.err) != 1 ]]; then
			echo "not once: $text"
			cat up.err
			return 1
		fi
	done
}

@test 'a port of a stack that nobody supervises is refused with its name' {
	keep_up <<-'END'
		services: {web: {image: busybox, command: [sleep, "1000"], ports: ["8080:80"]}}
	END
	die
	sed 's/^name: t/name: other/' stack.yaml >other.yaml
	expect_exit 1 mstack up -d other.yaml
	says "port 8080/tcp (web-1): already in use on this host by stack 't', service 'web'"
	mstack down -p t
}

@test 'up in the foreground that adopts, and its reload: nothing is said twice, and the warnings of the file are said' {
	keep_up <<-'END'
		networks: {default: {labels: {a: b}}}
		x-one: &one {image: busybox, command: [sleep, "1000"], stop_grace_period: 0s}
		services:
		  changes: {<<: *one, environment: {A: "1"}}
		  ends: {<<: *one, labels: {b: "1"}}
		  last: *one
	END
	pid=$(field ends Pid)
	die
	kill -9 "$pid"
	wait_until gone "$pid"
	sed -i 's/A: "1"/A: "2"/; s/^  last/  new: *one\n&/' stack.yaml
	up_foreground
	wait_until once 'last-1 unchanged' 'adopted ' 'labels: has no effect' 'changes-1 ended by SIGKILL' 'changes-1 started' 'new-1 created' \
		'new-1 started' 'ends-1 started'
	not grep restarted up.err
	if kernel_tells_status; then
		once 'ends-1 ended by SIGKILL'
		not grep 'had ended' up.err
	fi
	: >up.err
	sed -i 's/A: "2"/A: "3"/; s/b: "1"/b: "2"/' stack.yaml
	kill -HUP "$UP"
	wait_until once 'last-1 unchanged' 'labels: has no effect' 'changes-1 ended by SIGKILL' 'changes-1 started' 'ends-1 changed' 'new-1 unchanged'
	not grep restarted up.err
	[[ $(mstack up -d 2>&1 | grep -cF 'labels: has no effect') == 1 ]]
	kill -TERM "$UP"
	ends_with 0 "$UP"
}

# What the images of the stack are made of, with TEXT in /made: as a layout, a name of the catalog, and two tars.
make_images() {
	mkdir -p root/bin root/etc
	cp "$(command -v busybox)" root/bin/
	ln -sf busybox root/bin/sleep
	ln -sf busybox root/bin/cat
	echo "$1" >root/made
	tar -C root --owner=0 --group=0 --numeric-owner -cf base.tar .
	rm -rf lay
	ocilayout lay v1 "{\"Cmd\": [\"sleep\", \"1000\"], \"Env\": [\"A=$1\"]}" base.tar
	mstack image import oci:lay:v1 app
	cp base.tar changes.tar
	cp base.tar goes.tar
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >profile.json
}

# made SERVICE: which of them it runs.
made() { mstack exec -T "$1" cat /made; }

@test 'images whose names mean others by now, or nothing: adopted and restarted as they were, and changed by up' {
	make_images first
	keep_up <<-'END'
		x-one: &one {command: [sleep, "1000"], stop_signal: SIGKILL}
		services:
		  named: {<<: *one, image: app}
		  laid: {<<: *one, image: "oci:lay:v1"}
		  changes: {<<: *one, image: ./changes.tar}
		  goes: {<<: *one, image: ./goes.tar, security_opt: ["seccomp=profile.json"]}
		  shows: {<<: *one, image: busybox, volumes: [{type: image, source: app, target: /app}]}
	END
	pids() { mstack ps -a --format json | jq -r .Pid; }
	before=$(pids)
	die
	make_images second
	rm goes.tar profile.json
	mstack start goes
	SUP=$(sup)
	[[ $(pids) == "$before" ]]
	mstack restart
	for name in named laid changes goes; do [[ $(made "$name") == first ]]; done
	[[ $(mstack exec -T shows cat /app/made) == first ]]
	before=$(pids)
	die
	# Nobody has let go of it meanwhile.
	mstack image prune --force
	cp base.tar goes.tar
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >profile.json
	adopt
	grep -q 'adopted 5 containers' up.err
	for name in named laid changes goes; do [[ $(made "$name") == second ]]; done
	[[ $(mstack exec -T shows cat /app/made) == second ]]
	mstack down
}

@test 'up on a stack that has its supervisor waits for nobody to let go' {
	keep_up <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	# Who keeps it would be asked for five seconds, each time; a busy machine may be so slow once.
	at_once() { timeout 4 mstack up -d >up.out 2>&1; }
	at_once || at_once || at_once
	output=$(<up.out)
	says 'a-1 unchanged'
	[[ $output != *adopted* ]]
	mstack down
}

@test 'down after the death: nothing is left' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	die
	[[ -e /proc/$pid ]]
	mstack down
	wait_until gone "$pid"
	audit check ../audit.before
}

# The kernel takes links away a moment after their network.
looks_as_before() {
	looks >looks.after
	diff looks.before looks.after
}
note_looks() {
	looks >looks.before
	# No client is with the supervisor any more, whose end of that would count.
	wait_until handed_over
	audit snapshot running
}

@test 'containers of run end when the stack is taken up, and nothing of them is left' {
	keep_up < <(echo_server)
	note_looks
	mstack run -d -p 8090:80 web sleep 1000
	mstack run -d -v /data web sleep 1000
	[[ $(mstack ps -a --format '{{.Slot}}' | wc -l) == 3 ]]
	die
	adopt
	wait_until looks_as_before
	# All but who holds it: supervisor, guard, and what they have open.
	audit check running 20 '^(process|namespace): '
	mstack down
}

@test 'who adopts dies before it has ended what was on its way: the next one ends it' {
	mkdir data && chmod 777 data
	keep_up <<-'END'
		services:
		  web: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
		  hooked:
		    image: busybox
		    command: [sleep, "1000"]
		    stop_signal: SIGKILL
		    restart: always
		    volumes: ["./data:/data"]
		    post_start: [{command: [sh, -c, "[ ! -e /data/slow ] || { touch /data/runs; sleep 1000; }"]}]
	END
	note_looks
	mstack run -d -p 8090:80 -v /data web sleep 1000
	touch data/slow
	mstack restart hooked 3>&- &
	wait_until test -e data/runs
	rm data/slow
	pid=$(field hooked Pid)
	local guard next
	guard=$(pgrep -x mstack-guard)
	die
	# The next guard gets all that is kept when it is let run, and then who adopts is dead, too.
	keepers=$MSTACK_SANDBOX/mstack/t/.keeper
	xargs -n 1 <"$keepers/cgroup.procs" | while read -r one; do echo "$one" >"$MSTACK_SANDBOX/cgroup.procs"; done
	echo 1 >"$keepers/cgroup.freeze"
	mstack up -d 3>&- &
	adopts=$!
	frozen() { grep -q . "$keepers/cgroup.procs"; }
	wait_until frozen
	next=$(head -n 1 "$keepers/cgroup.procs")
	SUP=$(awk '$1 == "PPid:" { print $2 }' "/proc/$next/status")
	waits() { grep -q '^poll_\|^do_sys_poll' "/proc/$SUP/wchan"; }
	wait_until waits
	kill -9 "$SUP"
	# Who waits for it may not hear of that before the other one runs.
	dead() { gone "$SUP" || grep -q '^State:.Z' "/proc/$SUP/status"; }
	wait_until dead
	echo 0 >"$keepers/cgroup.freeze"
	wait "$adopts" || :
	# It tells the older one to go, and then has its door.
	one_keeps() { gone "$guard" || gone "$next"; }
	wait_until one_keeps
	wait_until test -S /run/mstack/t/keeper
	adopt
	grep 'adopted 2 containers' up.err
	restarted() { [[ $(field hooked Pid) != "$pid" ]] && state_is hooked running; }
	wait_until restarted
	wait_until looks_as_before
	audit check running 20 '^(process|namespace): '
	mstack down
}

@test 'a supervisor that dies when rm has taken away what a container wrote: it starts with nothing of it' {
	keep_up <<-'END'
		services:
		  web: {image: busybox, command: [sh, -c, "touch /begun; exec sleep 1000"], stop_signal: SIGKILL}
		  job: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
	END
	mstack exec -T web touch /mine
	mstack stop web
	wait_until handed_over
	# As rm does it, and dies before it has told anybody.
	layer=$(find /var/lib/mstack /home -type d -path '*/projects/t/slots/web-1' 2>/dev/null)
	[[ -d $layer ]]
	rm -r "$layer"
	die
	expect_exit 0 mstack start web
	wait_until mstack exec -T web test -e /begun
	[[ $(mstack exec -T web sh -c 'echo /begun* /mine*') == '/begun /mine*' ]]
	expect_exit 0 mstack up -d --force-recreate
	mstack down
}

@test 'a supervisor that dies while pre_start runs: that is ended, and begins anew with the next start' {
	mkdir data && chmod 777 data && touch data/go
	keep_up <<-'END'
		services:
		  web: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
		  job:
		    image: busybox
		    command: [sleep, "1001"]
		    stop_signal: SIGKILL
		    volumes: ["./data:/data"]
		    pre_start:
		      - command: [sh, -c, "echo one >>/data/done"]
		      - command: [sh, -c, "echo two >>/data/done; while [ ! -e /data/go ]; do sleep 0.1; done"]
	END
	pid=$(field web Pid)
	dies_in_it() {
		mstack rm -sf job
		mstack create
		rm data/*
		mstack start job 3>&- &
		local started=$!
		wait_until grep -q two data/done
		die
		wait "$started" || :
	}
	dies_in_it
	touch data/go
	adopt
	grep 'adopted 1 container of' up.err
	wait_until state_is job running
	[[ $(xargs <data/done) == 'one two one two' && $(field web Pid) == "$pid" ]]
	# It still runs.
	dies_in_it
	mstack up -d 3>&- 2>up.err &
	again() { [[ $(grep -c two data/done) == 2 ]]; }
	wait_until again
	touch data/go
	wait "$!"
	grep 'adopted 1 container of' up.err
	wait_until state_is job running
	[[ $(xargs <data/done) == 'one two one two' && $(field web Pid) == "$pid" ]]
	mstack down
}

@test 'a port moves in the moment of adoption, however long the one who kept it takes to let go' {
	keep_up < <(echo_server)
	die
	door=$(find /run -name keeper -type s)
	slowkeeper "$door" 2 3>&- &
	slow=$!
	wait_until test -S "$door.guard"
	wait_until not test "$door" -ef "$door.guard"
	sed -i '/ports:/d' stack.yaml
	echo '  other: {image: busybox, command: [nc, -ll, -p, "80", -e, cat], ports: ["8080:80"]}' >>stack.yaml
	expect_exit 0 mstack up -d
	says 'adopted 1 container' 'other-1 started'
	wait "$slow"
	mstack down
}

@test 'a supervisor that dies when it has just made a group anew, and begun something there' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	group=$MSTACK_SANDBOX/mstack/t/web-1
	die
	# What it would have done next, for a container that has ended.
	kill -9 "$pid"
	wait_until rmdir "$group"
	mkdir "$group"
	bash -c 'echo $$ >"$0/cgroup.procs"; exec sleep 1000' "$group" 3>&- &
	begun=$!
	wait_until grep -qx "$begun" "$group/cgroup.procs"
	expect_exit 0 mstack up -d
	says 'adopted 1 container'
	wait "$begun" || [[ $? == 137 ]]
	# In a group that nobody finds by its name it would not be counted.
	runs_there() { state_is web running && [[ $(xargs <"$group/cgroup.procs") == "$(field web Pid)" ]]; }
	wait_until runs_there
	mstack down
}

@test 'ip netns finds the containers again' {
	keep_up < <(echo_server)
	die
	adopt
	ip netns exec t-web-1 ip -br addr | grep -qF "$(field web IP)"
	mstack down
}

@test 'two up at once: one takes it up, the other one is its client' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	die
	mstack up -d 2>one.err &
	one=$!
	mstack up -d 2>two.err
	wait "$one"
	# Whoever came too late may be a moment about its end.
	alone() { [[ $(pgrep -x mstack) == $(sup) ]]; }
	wait_until alone
	[[ $(cat one.err two.err | grep -c 'adopted 1 container') == 1 ]]
	[[ $(field web Pid) == "$pid" ]]
	mstack down
}

@test 'supervisor and guard killed: up builds anew, down leaves nothing' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	kill -9 "$SUP" "$(pgrep -x mstack-guard)"
	wait_until gone "$SUP"
	kill -0 "$pid"
	expect_exit 0 mstack ps -a
	says "nobody supervises stack 't': its supervisor and all who guarded it were killed; \`mstack down\` or"
	mstack up -d 2>up.err
	grep -q 'removing what an earlier run left behind' up.err
	[[ $(field web Pid) != "$pid" ]]
	kill -9 "$(sup)" "$(pgrep -x mstack-guard)"
	mstack down
}

@test 'the run-time folder is removed, before the death and after it: all is found again' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	dir=$(dirname "$(find /run -name keeper -type s)")
	rm -r "$dir"
	die
	wait_until test -S "$dir/keeper"
	[[ $(field web Pid) == "$pid" ]]
	rm -r "$dir"
	wait_until test -S "$dir/keeper"
	adopt
	grep -q 'adopted 1 container' up.err
	[[ $(field web Pid) == "$pid" ]]
	# What is in the ledger still ends with the stack.
	wait_until handed_over
	rm -r "$dir"
	die
	wait_until test -S "$dir/keeper"
	mstack down
	wait_until gone "$pid"
}

@test 'with another run-time folder down names who keeps it, and that cure helps' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	guard=$(pgrep -x mstack-guard)
	die
	MSTACK_RUN_DIR=$PWD/run expect_exit 1 mstack down
	says "stack 't' is already up (process $guard keeps it: take its MSTACK_RUN_DIR, or end it with \`kill $guard\` and then \`mstack down\`)"
	kill -0 "$pid"
	kill "$guard"
	wait_until gone "$guard"
	MSTACK_RUN_DIR=$PWD/run mstack down
	wait_until gone "$pid"
	mstack down
}

@test 'a guard that is just dying, and hands nothing over, is no error: up builds anew' {
	keep_up < <(echo_server)
	door=$(find /run -name keeper -type s)
	kill -9 "$SUP" "$(pgrep -x mstack-guard)"
	wait_until gone "$SUP"
	# In its place: a door that is open for a second more, behind which nobody answers.
	rm "$door"
	python3 -c '
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1] + ".new")
s.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])
end = None
while end is None or time.monotonic() < end:
    s.settimeout(None if end is None else 0.1)
    try:
        s.accept()[0].close()
        end = end or time.monotonic() + 1
    except TimeoutError:
        pass
' "$door" 3>&- &
	dying=$!
	wait_until test -S "$door"
	mstack up -d 2>up.err
	grep -q 'removing what an earlier run left behind' up.err
	wait "$dying"
	mstack down
}

# Whoever has all of it has this, too: pid is that of another process, which nobody would find among what was handed over first.
changed_once_more() {
	mstack restart -t 0 web
	wait_until handed_over
	mstack restart -t 0 web
	wait_until handed_over
	pid=$(field web Pid)
}

@test 'a guard that was killed alone is replaced, and keeps all again' {
	keep_up < <(echo_server)
	guard=$(pgrep -x mstack-guard)
	kill -9 "$guard"
	again() { local now; now=$(pgrep -x mstack-guard) && [[ $now != "$guard" ]]; }
	wait_until again
	wait_until test -S /run/mstack/t/keeper
	changed_once_more
	die
	adopt
	grep -q 'adopted 1 container' up.err
	[[ $(field web Pid) == "$pid" ]]
	mstack down
}

# Another one is in the place of the guard $1, who has ended, was told of once, and has all: also what came last.
replaced_by_one_that_has_all() {
	wait_until gone "$1"
	told() { [[ $(grep -c "guard (process $1): .*: another guard takes its place" /run/mstack/t/supervisor.log) == 1 ]]; }
	wait_until told "$1"
	wait_until pgrep -x mstack-guard
	local now
	now=$(pgrep -x mstack-guard)
	printf '  late: {image: busybox, command: [sleep, "1000"]}\n' >>stack.yaml
	mstack up -d
	changed_once_more
	[[ $(pgrep -x mstack-guard) == "$now" ]]
	late=$(field late Pid)
	die
	adopt
	grep -q 'adopted 3 containers' up.err
	[[ $(field web Pid) == "$pid" && $(field late Pid) == "$late" ]]
	wait_until connected
	exec 5<&-
	mstack down
}

@test 'a guard that is stopped is replaced when something changes, and is waited for once' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	changed_once_more
	guard=$(pgrep -x mstack-guard)
	kill -STOP "$guard"
	printf '  more: {image: busybox, command: [sleep, "1000"]}\n' >>stack.yaml
	mstack up -d
	replaced_by_one_that_has_all "$guard"
}

@test 'a guard that loses descriptors is replaced by one that has them' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	changed_once_more
	guard=$(pgrep -x mstack-guard)
	# It has more already, and keeps those; there is no room for one more.
	${MSTACK_AS:+as "$MSTACK_AS"} prlimit --pid "$guard" --nofile=8:
	# In no change: who keeps it is told of that at the end of a turn.
	mstack restart web
	pid=$(field web Pid)
	wait_until gone "$guard"
	printf '  more: {image: busybox, command: [sleep, "1000"]}\n' >>stack.yaml
	mstack up -d
	replaced_by_one_that_has_all "$guard"
}

# A stack whose end takes long.
slow_to_end() {
	cat <<-'END'
		services:
		  slow: {image: busybox, command: [sh, -c, "trap : TERM; echo deaf; while :; do sleep 0.1; done"], stop_grace_period: 60s}
	END
}

# The supervisor dies in `down`, and so does that: only the guard is left to clear up, and does.
dies_in_down() {
	wait_until log_has slow deaf
	mstack down &
	down=$!
	stopping() { mstack ps | grep -q "(stopping)"; }
	wait_until stopping
	kill -9 "$down" "$SUP"
	wait "$down" || :
	audit check ../audit.before
}

@test 'the end is the end: down, and a supervisor that dies in it' {
	keep_up < <(slow_to_end)
	dies_in_down
}

# Where it was born is where it goes back to before it ends all that is below the stack's group.
@test 'the end is the end, also when the guard was put below the group of the stack before it ran for the first time' {
	cat >late.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <unistd.h>
		pid_t fork(void)
		{
			pid_t pid = ((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"))();

			if (!pid)
				usleep(500000);
			return pid;
		}
	END
	"${CC:-gcc}" -shared -fPIC -o late.so late.c
	LD_PRELOAD=$PWD/late.so keep_up < <(slow_to_end)
	dies_in_down
}

# Whoever has asked hears of it.
die_under_client() {
	wait_until handed_over
	kill -9 "$SUP"
	wait_until gone "$SUP"
	wait "$client" || :
}

@test 'a supervisor that dies when services stop for a change: the next up goes on with it' {
	keep_up <<-END
		$(slow_until_go)
		  calm: {image: busybox, command: [sleep, "1000"]}
		  last: {image: busybox, command: [sleep, "1000"], depends_on: [slow]}
	END
	calm=$(field calm Pid) slow=$(field slow Pid) last=$(field last Pid)
	wait_until log_has slow 'x is 1'
	sed -i 's/x: "1"/x: "2"/; s/last: {/last: {labels: {l: "2"}, /' stack.yaml
	echo '  more: {image: busybox, command: [sleep, "1000"], networks: [new]}' >>stack.yaml
	echo 'networks: {new: {}}' >>stack.yaml
	mstack up -d &
	client=$!
	is_stopping() { mstack ps | grep -q '(stopping)'; }
	wait_until is_stopping
	die_under_client
	# Nothing was made of it yet.
	mstack up -d 2>up.err &
	client=$!
	wait_until grep -q 'adopted 3 containers' up.err
	wait_until is_stopping
	[[ $(field slow Pid) == "$slow" && $(field calm Pid) == "$calm" ]]
	: >data/go
	wait "$client"
	not grep -q 'built anew' up.err
	grep -q 'calm-1 unchanged' up.err
	grep -q 'slow-1 restarted' up.err
	wait_until log_has slow 'x is 2'
	state_is more running
	[[ $(field calm Pid) == "$calm" && $(field last Pid) == "$last" ]]
	mstack down
}

@test 'a supervisor that dies when a change waits for health: what it made goes on, and so does the next up' {
	mkdir data && chmod 777 data
	keep_up <<-'END'
		services:
		  calm: {image: busybox, command: [sleep, "1000"]}
	END
	cat >>stack.yaml <<-'END'
		  web:
		    image: busybox
		    command: [nc, -ll, -p, "80", -e, cat]
		    ports: ["8080:80"]
		    volumes: ["./data:/data"]
		    networks: [new]
		    healthcheck: {test: [CMD, test, -e, /data/well], interval: 500ms, retries: 10000}
		    stop_signal: KILL
		  after: {image: busybox, command: [sleep, "1000"], depends_on: {web: {condition: service_healthy}}}
		networks: {new: {}}
	END
	calm=$(field calm Pid)
	waiting() {
		mstack up -d 2>up.err &
		client=$!
		wait_until is_checked
	}
	is_checked() { mstack ps web | grep -q '(starting)'; }
	waiting
	web=$(field web Pid)
	for _ in 1 2; do
		die_under_client
		waiting
		SUP=$(sup)
		grep -q 'adopted 2 containers' up.err
		[[ $(field web Pid) == "$web" ]]
	done
	kill -0 "$client"
	: >data/well
	wait "$client"
	grep -q 'after-1 started' up.err
	state_is after running
	[[ $(field web Pid) == "$web" && $(field calm Pid) == "$calm" ]]
	wait_until connected
	exec 5<&-
	mstack down
}

@test 'a supervisor that dies when a change takes away and makes: up builds anew, down removes' {
	changing() {
		keep_up <<<'services: {a: {image: busybox, command: [sleep, "1000"], stop_signal: KILL, ports: ["8080:80"]}}'
		pid=$(field a Pid)
		wait_until handed_over
		bridges=$(bridges)
		# Who keeps it is told before anything is made, and this is the moment.
		guard=$(pgrep -x mstack-guard)
		kill -STOP "$guard"
		sed -i 's/image: busybox/image: busybox, networks: [new]/; $anetworks: {new: {}}' stack.yaml
		mstack up -d &
		client=$!
		wait_until tells
		[[ $(bridges) == "$bridges" ]]
		kill -KILL "$SUP"
		kill -CONT "$guard"
		wait_until gone "$SUP"
		wait "$client" || :
	}
	bridges() { level ip -o link show type bridge | cut -d: -f2; }
	tells() { gone "$pid" && grep -q '^poll_' "/proc/$SUP/wchan"; }
	changing
	expect_exit 0 mstack up -d
	says 'the supervisor died when the stack was being changed: the stack is built anew' 'a-1 started'
	mstack down
	# In the foreground the same process builds it anew to which all of it was handed over.
	changing
	up_foreground
	wait_until grep -q 'a-1 started' up.err
	once 'the stack is built anew'
	mstack down
	ends_with 0 "$UP"
	changing
	expect_exit 0 mstack down
	says 'it died when the stack was being changed'
}

@test 'a supervisor that dies when it has just made a wire to the host: it is made again, or goes' {
	wired() {
		stack <<-'END'
			x-on-supervisor-death: keep
			services:
			  a: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
			  b: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
			x-links: [{endpoints: ["a:eth7", "host:lab0"]}]
		END
		mstack up -d --no-start
		mstack start b
		SUP=$(sup)
		b=$(field b Pid)
		wait_until test -S /run/mstack/t/keeper
		sleep 0.3
		# Of the start that follows it hears the beginning only.
		guard=$(pgrep -x mstack-guard)
		kill -STOP "$guard"
		mstack start a
		has_wire
		kill -KILL "$SUP"
		kill -CONT "$guard"
		wait_until gone "$SUP"
	}
	has_wire() { level ip link show lab0 >/dev/null 2>&1; }
	wired
	adopt
	not grep -q 'built anew' up.err
	state_is a running
	has_wire
	[[ $(field b Pid) == "$b" ]]
	mstack down
	wired
	sed -i '/x-links/d' stack.yaml
	adopt
	not grep -q 'built anew' up.err
	state_is a running
	not has_wire
	[[ $(field b Pid) == "$b" ]]
	mstack down
}

@test 'SIGUSR2 goes on as before, and is kept after it' {
	keep_up < <(echo_server)
	pid=$(field web Pid)
	kill -USR2 "$SUP"
	replaced() { grep -q 'goes on in place of' /run/mstack/t/supervisor.log; }
	wait_until replaced
	[[ $(field web Pid) == "$pid" ]]
	changed_once_more
	die
	adopt
	[[ $(field web Pid) == "$pid" ]]
	kill -USR2 "$SUP"
	wait_until replaced
	[[ $(field web Pid) == "$pid" ]]
	mstack down
}

@test 'a change of the key makes containers anew' {
	echo_server | sed '1i x-on-supervisor-death: keep' | stack
	mstack up -d
	pid=$(field web Pid)
	sed -i 's/death: keep/death: stop/' stack.yaml
	mstack up -d 2>up.err
	grep -q 'web-1 made anew' up.err
	[[ $(field web Pid) != "$pid" ]]
	kill -9 "$(sup)"
	audit check ../audit.before
}

# ---- names, and ports that mstack-net hands on ----

# A service that looks another one up all the time, and one by a port that the kernel has no way to. Each try is a line of its file.
looked_up() {
	cat <<-'END'
		services:
		  web:
		    image: busybox
		    command: [nc, -ll, -p, "80", -e, cat]
		    ports: ["[::1]:8080:80"]
		  asks:
		    image: busybox
		    command:
		      - sh
		      - -c
		      - while sleep 0.05; do if nslookup web >/dev/null 2>&1; then echo good; else echo bad; fi >>/tmp/asked; done
		    stop_signal: SIGKILL
	END
}

echoes() {
	local answer
	exec 6<>/dev/tcp/::1/8080
	echo hello >&6
	read -r -t 20 answer <&6
	exec 6<&-
	[[ $answer == hello ]]
}

reach() {
	while sleep 0.05; do
		if (echoes) 2>/dev/null; then echo good; else echo bad; fi
	done >reached
}

# further FILE: more tries have gone well since the last time.
further() {
	local had
	had=$(grep -cx good "$1")
	more() { (($(grep -cx good "$1") > $2 + 2)); }
	wait_until more "$1" "$had"
}

@test 'names and ports by [::1] are served all the time, by the same process' {
	keep_up < <(looked_up)
	asked=/proc/$(field asks Pid)/root/tmp/asked
	net=$(pgrep -x mstack-net)
	wait_until test -e "$asked"
	wait_until echoes
	exec 5<>/dev/tcp/::1/8080
	reach 3>&- 5>&- &
	reach=$!
	wait_until test -e reached
	for _ in 1 2 3; do
		further "$asked"
		further reached
		die
		further "$asked"
		further reached
		adopt
		[[ $(pgrep -x mstack-net) == "$net" ]]
	done
	further "$asked"
	further reached
	kill "$reach"
	wait "$reach" || :
	not grep -x bad "$asked" reached
	# What was handed on at the beginning still is.
	echo late >&5
	read -r -t 20 answer <&5
	exec 5<&-
	[[ $answer == late ]]
	mstack down
}

@test 'who answers for names is in no session or unit, and ends with the last one who keeps the stack' {
	keep_up < <(looked_up)
	net=$(pgrep -x mstack-net) guard=$(pgrep -x mstack-guard)
	apart() { grep -q '/\.keeper$' "/proc/$1/cgroup"; }
	wait_until apart "$net"
	die
	kill -9 "$guard"
	wait_until gone "$net"
	mstack down
	# One that does not hear the end is ended by whoever clears up.
	mstack up -d
	net=$(pgrep -x mstack-net)
	wait_until apart "$net"
	kill -STOP "$net"
	kill -9 "$(sup)" "$(pgrep -x mstack-guard)"
	mstack down
	wait_until gone "$net"
}

@test 'who answered for names and has ended meanwhile is started again, and knows who has ended' {
	keep_up <<-'END'
		services:
		  web: {image: busybox, command: [sleep, "1000"], scale: 2, stop_signal: SIGKILL}
		  asks: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}
	END
	found() { [[ $(mstack exec -T asks nslookup web 2>/dev/null | grep -c '^Address: ') == "$1" ]]; }
	wait_until found 2
	die
	net=$(pgrep -x mstack-net)
	kill -9 "$(mstack ps --format json 2>/dev/null | jq 'select(.Slot == "web-2").Pid')"
	wait_until nobody web-2
	# Only who supervises tells it of ends. This takes the stack up and starts nobody.
	found 2
	mstack start asks
	SUP=$(sup)
	wait_until found 1
	[[ $(pgrep -x mstack-net) == "$net" ]]
	# One that the next supervisor does not know is not known to anybody.
	mstack run -d --name extra asks sleep 1000
	known() { mstack exec -T asks nslookup extra; }
	wait_until known
	die
	known
	mstack start asks
	SUP=$(sup)
	wait_until not known
	[[ $(pgrep -x mstack-net) == "$net" ]]
	die
	kill -9 "$net"
	wait_until gone "$net"
	mstack start asks
	wait_until found 1
	mstack down
}
nobody() { [[ $(mstack ps -a --format json 2>/dev/null | jq -r --arg s "$1" 'select(.Slot == $s).Pid') == 0 ]]; }

@test 'a change from stop to keep has all of it kept' {
	looked_up | stack
	mstack up -d
	wait_until pgrep -x mstack-standby
	sed -i '1i x-on-supervisor-death: keep' stack.yaml
	mstack up -d
	wait_until not pgrep -x mstack-standby
	SUP=$(sup) net=$(pgrep -x mstack-net) pid=$(field web Pid)
	both_apart() { [[ $(grep -l '/\.keeper$' /proc/{"$net","$(pgrep -x mstack-guard)"}/cgroup | wc -l) == 2 ]]; }
	wait_until both_apart
	wait_until echoes
	wait_until test -S /run/mstack/t/keeper
	die
	echoes
	adopt
	[[ $(pgrep -x mstack-net) == "$net" && $(field web Pid) == "$pid" ]]
	mstack down
}

@test 'a change from keep to stop: supervisor and guard killed at once leave nothing' {
	keep_up <<<'services: {a: {image: busybox, command: [httpd, -f, -u, "1000:1000"], stop_signal: KILL}}'
	[[ -z $(pgrep -x mstack-standby) ]]
	sed -i 1,2s/keep/stop/ stack.yaml
	mstack up -d
	pid=$(field a Pid)
	kill -9 "$SUP" "$(pgrep -x mstack-guard)"
	wait_until gone "$pid"
	audit check ../audit.before
}

# ---- where it cannot be ----

# A group as systemd gives it to a unit with Delegate=, and in it a command.
unit() {
	UNIT=$MSTACK_SANDBOX/unit.service
	mkdir "$UNIT"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.delegate", b"1")' "$UNIT"
}
in_unit() { bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$UNIT" "$@"; }
end_unit() {
	empty() { find "$UNIT" -depth -type d -exec rmdir {} +; }
	wait_until empty
}

@test 'below a unit with Delegate= it is refused, at the start and as a change, and nothing is touched' {
	unit
	echo_server | sed '1i x-on-supervisor-death: keep' | stack
	expect_exit 1 in_unit mstack up -d
	says "x-on-supervisor-death: keep: the stack's cgroups are below a unit with Delegate=" "or write 'stop'"
	[[ $(mstack ls --format json) != *'"t"'* ]]
	end_unit
	unit
	sed -i 's/death: keep/death: stop/' stack.yaml
	in_unit mstack up -d
	pid=$(field web Pid) net=$(pgrep -x mstack-net)
	sed -i 's/death: stop/death: keep/' stack.yaml
	for words in 'up -d' 'plan' 'plan --exit-code'; do
		expect_exit 1 mstack $words
		says "x-on-supervisor-death: keep: the stack's cgroups are below a unit with Delegate=" "or write 'stop'"
	done
	[[ $(field web Pid) == "$pid" && $(pgrep -x mstack-net) == "$net" ]]
	kill -9 "$(sup)"
	wait_until gone "$pid"
	nobody_left() { [[ -z $(other_mstack) ]]; }
	wait_until nobody_left
	end_unit
}

# ---- logs ----

# counted SERVICE REGEX KILLS: what it logged are lines of that form with the numbers from 1 to what stands in data/SERVICE. A step back,
# once for each kill at most, repeats a block of 64 KiB at most.
counted() {
	mstack logs --no-color --no-log-prefix "$1" | awk -v form="^$2\$" -v kills="$3" -v all="$(cat "data/$1")" '
		function bad(why) { print why " in line " NR ": " $0; failed = 1; exit }
		$0 !~ form { bad("no whole line") }
		{ n = $0; gsub(/[^0-9]/, "", n); n += 0 }
		n > last + 1 { bad("lost, after " last) }
		n <= last { back++; if ((last - n + 1) * (length($0) + 1) > 65536) bad("more than a block again, after " last) }
		{ last = n }
		END {
			if (failed) exit 1
			print last " of " all " lines, " back + 0 " times back in " kills " deaths"
			exit last != all || back > kills
		}'
}

@test 'logs: no line is lost in ten deaths, none out of order, a block at most is there again' {
	mkdir data && chmod 777 data
	# Slowly enough: what is more than its log may hold would be lost as well.
	keep_up <<-'END'
		x-log: &log {volumes: ["./data:/data"], image: busybox, logging: {driver: local, options: {max-size: 200m}}}
		services:
		  lines:
		    <<: *log
		    command: [sh, -c, "i=0; while [ ! -e /data/stop ]; do seq $$((i + 1)) $$((i += 10000)); sleep 0.05; done; echo $$i >/data/lines"]
		  parts:
		    <<: *log
		    logging: {driver: json-file, options: {max-size: 200m}}
		    command: [sh, -c, "i=0; while [ ! -e /data/stop ]; do printf 'part %d ' $$((i += 1)); printf 'of it\n'; [ $$((i % 500)) != 0 ] || sleep 0.05; done >&2; echo $$i >/data/parts"]
		  quiet:
		    <<: *log
		    logging: {driver: none}
		    command: [sh, -c, "while [ ! -e /data/stop ]; do seq 1 10000; sleep 0.02; done; echo >/data/quiet"]
	END
	pid=$(field lines Pid)
	for _ in {1..10}; do
		sleep "0.$((RANDOM % 900 + 100))"
		die_now
		adopt
	done
	[[ $(field lines Pid) == "$pid" ]]
	: >data/stop
	wait_until test -e data/quiet
	wait_until state_is lines exited
	wait_until state_is parts exited
	counted lines '[0-9]+' 10
	counted parts 'part [0-9]+ of it' 10
	mstack down
}

# delivered REGEX: each number from 1 to what stands in data/ALL came at such a place.
delivered() {
	python3 - "$1" <<-'END'
		import re, sys
		came = {int(n) for n in re.findall(sys.argv[1].encode(), open("got", "rb").read(), re.S)}
		missing = sorted(set(range(1, int(open("data/all").read()) + 1)) - came)
		sys.exit(f"missing: {len(missing)}, the first {missing[0]}, the last {missing[-1]}" if missing else 0)
	END
}

# silent_deaths LOGGING: its receiver is silent or away, and the supervisor dies with what waits for it. Each round allows for some more lines: however
# long it takes, there is room for all that wait.
silent_deaths() {
	mkdir data && chmod 777 data
	keep_up <<-END
		services:
		  talker:
		    image: busybox
		    volumes: ["./data:/data"]
		    logging: {$1}
		    command: [sh, -c, "i=0; while [ ! -e /data/stop ]; do [ ! -e /data/\$\$((i / 600)) ] || seq \$\$((i + 1)) \$\$((i += 30)); sleep 0.05; done; echo \$\$i >/data/all"]
	END
	for i in 0 1 2 3 4; do
		: >"data/$i"
		[[ -z ${LISTENER:-} ]] || kill -STOP "$LISTENER"
		sleep "0.$((RANDOM % 900 + 100))"
		die_now
		sleep "0.$((RANDOM % 300 + 100))"
		adopt
		[[ -z ${LISTENER:-} ]] || kill -CONT "$LISTENER"
		sleep "0.$((RANDOM % 300 + 100))"
	done
	: >data/stop
	wait_until test -s data/all
}

@test 'logs: syslog by TCP that is away: what waits for it outlives the supervisor' {
	silent_deaths 'driver: syslog, options: {syslog-address: "tcp://127.0.0.1:5514"}'
	listener tcp 5514 got
	wait_until delivered ' t-talker-1\[[0-9]+\]: ([0-9]+)\n'
	not log_has talker 'not delivered'
	mstack down
	kill "$LISTENER"
}

@test 'logs: journald that is silent: what waits for it outlives the supervisor' {
	listener dgram /run/systemd/journal/socket got
	# As it is everywhere.
	chmod 666 /run/systemd/journal/socket
	silent_deaths 'driver: journald'
	# The number is in a line of its own, behind the length of eight bytes.
	wait_until delivered 'MESSAGE\n.{8}([0-9]+)\n'
	not log_has talker 'not delivered'
	mstack down
	kill "$LISTENER"
	rm /run/systemd/journal/socket
	rmdir /run/systemd/journal /run/systemd
}

@test 'logs: a line that is half written goes on over deaths and SIGUSR2' {
	mkdir data && chmod 777 data
	keep_up <<-'END'
		services:
		  slow: &slow
		    image: busybox
		    volumes: ["./data:/data"]
		    command: [sh, -c, "for i in 1 2 3 4; do printf \"piece $$i, \"; until [ -e /data/$$i ]; do sleep 0.02; done; done; echo end; sleep 1000"]
		  terminal:
		    <<: *slow
		    tty: true
	END
	for i in 1 2 3 4; do
		# Time for the supervisor to read it.
		sleep 0.3
		if ((i == 3)); then
			kill -USR2 "$SUP"
			replaced() { grep -q 'goes on in place of' /run/mstack/t/supervisor.log; }
			wait_until replaced
		else
			die
			adopt
		fi
		: >"data/$i"
	done
	for name in slow terminal; do
		wait_until log_has "$name" end
		[[ $(mstack logs --no-color --no-log-prefix "$name" | grep piece | tr -d '\r') == 'piece 1, piece 2, piece 3, piece 4, end' ]]
	done
	mstack down
}

@test 'logs: supervisor and guard killed: who writes meets no broken pipe' {
	mkdir data && chmod 777 data
	keep_up <<-'END'
		services:
		  talker:
		    image: busybox
		    volumes: ["./data:/data"]
		    command: [sh, -c, "i=0; while echo $$i; do echo $$((i += 1)) >/data/n; sleep 0.01; done; echo broken >/data/n"]
	END
	more() { [[ $(cat data/n) -gt $1 ]]; }
	wait_until more 5
	kill -9 "$SUP" "$(pgrep -x mstack-guard)"
	wait_until gone "$SUP"
	n=$(cat data/n)
	[[ $n != broken ]]
	wait_until more "$((n + 20))"
	[[ $(cat data/n) != broken ]]
	mstack down
}

# Its guard has all of them twice when it is given newer ones.
@test 'too few descriptors to be kept are said before anything is made, and what is asked for is enough' {
	stack <<-'END'
		x-on-supervisor-death: keep
		services:
		  a: {image: busybox, command: [sleep, "1000"], scale: 8, ports: ["80"], stop_grace_period: 0s}
	END
	pids() { mstack ps --format json | jq .Pid | sort | xargs; }
	expect_exit 1 timeout 30 bash -c 'ulimit -n 300; exec mstack up -d'
	says 'open files'
	local need before
	need=$(sed -n 's/.*need about \([0-9]*\) open files.*/\1/p' <<<"$output" | head -n 1)
	(ulimit -n "$need" && mstack up -d)
	SUP=$(sup)
	mstack restart
	before=$(pids)
	die
	# What a shell is usually allowed is less than what it may ask for.
	(ulimit -S -n 100 && mstack up -d)
	[[ $(pids) == "$before" ]]
	SUP=$(sup)
	die
	# Less than that is said, and harms nothing.
	expect_exit 1 bash -c 'ulimit -n 100; exec mstack up -d'
	says "take up stack 't' (raise it with \`ulimit -n\`"
	(ulimit -n "$need" && mstack up -d)
	[[ $(pids) == "$before" ]]
	# And so is a change that needs more.
	expect_exit 1 mstack up -d --scale a=9
	says '9 containers need about' 'open files'
	[[ $(pids) == "$before" ]]
	mstack down
}
