# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `x-on-supervisor-death: keep` for ordinary users, beyond what keep.bats and unsupervised.bats find as one: the level that a stack has is left by nobody
# but its keeper, and is entered by the next supervisor.

load lib/common
load lib/users

# keep_up USER <<END: services of a stack t in the home of the user, in the background; $SUP is its supervisor.
keep_up() {
	user_stack "$1" < <(echo 'x-on-supervisor-death: keep' && cat)
	as "$1" mstack up -d
	SUP=$(as "$1" mstack ls --format '{{.Pid}}')
	[[ -S /run/user/$(id -u "$1")/mstack/t/keeper ]]
}

# One that has handed over to another may be a moment about its end.
handed_over() {
	local guards
	mapfile -t guards < <(pgrep -x mstack-guard)
	at_rest "$SUP" "${guards[@]}"
}
# When its guard has all that it is to keep.
die() {
	wait_until handed_over
	kill -9 "$SUP" "$@"
	wait_until all_gone "$SUP" "$@"
}

# Of another id than its user's: who is not root where it is cannot end it. The change of ids takes it its death signal.
served() {
	echo 'services: {a: {image: busybox, command: [httpd, -f, -u, "1000:1000"], stop_signal: SIGKILL}}'
}
serves() { pgrep -u 100999 -x httpd; }

sleeper() { echo 'services: {a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}}'; }

@test "rootless keep: the supervisor that adopts is where the containers are, and its folder is that of the first" {
	users
	keep_up ann < <(served)
	wait_until serves
	guard=$(pgrep -x mstack-guard)
	die
	as ann mstack up -d 2>up.err
	cat up.err
	grep 'adopted 1 container of supervisor' up.err
	grep 'a-1 unchanged' up.err
	sup=$(as ann mstack ls --format '{{.Pid}}')
	[[ $sup != "$SUP" ]]
	[[ $(readlink "/proc/$sup/cwd") == /home/ann ]]
	wait_until gone "$guard"
	again=$(pgrep -x mstack-guard)
	for space in user mnt net; do
		[[ /proc/$sup/ns/$space -ef /proc/$again/ns/$space ]]
	done
	# Another command has it adopted, from wherever it is called.
	SUP=$sup
	die
	(cd / && as ann mstack -p t restart a)
	sup=$(as ann mstack ls --format '{{.Pid}}')
	[[ $sup != "$SUP" && $(readlink "/proc/$sup/cwd") == /home/ann ]]
	# A new container beside it, and an end that is seen.
	as ann mstack up -d --scale a=2
	as ann mstack exec -T --index 2 a true
	as ann mstack kill
	ended() { [[ $(as ann mstack ps -a --format '{{.State}}' | xargs) == 'exited exited' ]]; }
	wait_until ended
	as ann mstack down
	[[ -z $(ls -A /run/user/1000) ]]
}

@test "rootless keep: a file from standard input is read beside a stack that nobody supervises" {
	users
	keep_up ann < <(sleeper)
	die
	printf '%s\n' 'name: u' 'services: {b: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}}' >/home/ann/u.yaml
	as ann mstack -f - up -d </home/ann/u.yaml
	[[ $(as ann mstack ls --format '{{.Name}}' | sort | xargs) == 't u' ]]
	as ann mstack -f - down </home/ann/u.yaml
	as ann mstack down
	[[ -z $(ls -A /run/user/1000) ]]
}

# Asks the keeper behind this socket what it keeps (CTL_KEPT): 0 when it answers.
ask_keeper='
import re, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(20)
s.connect(sys.argv[1])
s.send(struct.pack("=6I", 0x6b74736d, 1, 22, 1, 0, 2) + b"{}")
sys.exit(not s.recv(65536))
'

@test "rootless keep: two users do not reach each other's keeper" {
	users
	keep_up ann < <(sleeper)
	local pid guard
	pid=$(as ann mstack ps --format '{{.Pid}}')
	guard=$(pgrep -x mstack-guard)
	die
	# Were the folders open to all.
	chmod 755 /run/user/1000 /run/user/1000/mstack /run/user/1000/mstack/t
	chmod 666 /run/user/1000/mstack/t/keeper
	cd /home/eve
	for command in 'up -d' down 'exec -T a true' 'restart a'; do
		# shellcheck disable=SC2086 # words
		run as eve env MSTACK_RUN_DIR=/run/user/1000/mstack mstack -p t $command
		echo "$output"
		[[ $status != 0 ]]
	done
	run as eve env MSTACK_RUN_DIR=/run/user/1000/mstack MSTACK_ADOPT=t mstack -p t up -d
	[[ $status != 0 ]]
	not as eve nsenter --target "$guard" --user true
	# Its user is answered, a stranger is sent away before a word is heard.
	cd /
	as ann python3 -c "$ask_keeper" /run/user/1000/mstack/t/keeper
	not as eve python3 -c "$ask_keeper" /run/user/1000/mstack/t/keeper
	chmod 700 /run/user/1000 /run/user/1000/mstack /run/user/1000/mstack/t
	keep_up eve < <(sleeper)
	die
	cd /home/ann
	as ann mstack up -d
	[[ $(as ann mstack ps --format '{{.Pid}}') == "$pid" ]]
	[[ $(as eve mstack -p t ls --format '{{.Status}}') == *unsupervised* ]]
	as ann mstack down
	as eve mstack -p t down
}

@test "rootless keep: killed with its guard, all that is left are processes, which the next command ends, of whatever id they are" {
	users
	keep_up ann < <(served)
	wait_until serves
	die "$(pgrep -x mstack-guard)"
	wait_until not pgrep -x mstack-porch
	wait_until not pgrep -x mstack-spare
	local pid
	pid=$(serves)
	run as ann mstack doctor
	echo "$output"
	[[ $status == 6 ]]
	grep -E "stack 't'.*process $pid" <<<"$output"
	as ann mstack up -d 2>up.err
	grep 'removing what an earlier run left behind' up.err
	wait_until gone "$pid"
	wait_until serves
	SUP=$(as ann mstack ls --format '{{.Pid}}')
	die "$(pgrep -x mstack-guard)"
	as ann mstack down
	wait_until not serves
	[[ -z $(ls -A /run/user/1000) ]]
	as ann mstack up -d
	wait_until serves
	SUP=$(as ann mstack ls --format '{{.Pid}}')
	die "$(pgrep -x mstack-guard)"
	run as ann mstack doctor --fix
	echo "$output"
	wait_until not serves
	[[ -z $(ls -A /run/user/1000) ]]
}

@test "rootless keep: doctor --fix beside a guard that is just dying waits for its end, and ends what it kept" {
	users
	keep_up ann < <(served)
	wait_until serves
	local guard doctor
	guard=$(pgrep -x mstack-guard)
	die
	kill -STOP "$guard"
	as ann mstack doctor --fix >doctor.out 2>&1 3>&- &
	doctor=$!
	wait_until doctor_asks
	kill -9 "$guard"
	wait "$doctor"
	cat doctor.out
	grep "stack 't': leftovers removed" doctor.out
	not serves
	[[ -z $(ls -A /run/user/1000) ]]
}
# It waits for an answer.
doctor_asks() {
	local pid
	pid=$(pgrep -x mstack -u ann)
	grep -q skb_wait_for_more_packets "/proc/$pid/wchan"
}

@test "rootless keep: with another run-time folder who keeps it is named, also the one after an adoption, and who adopted" {
	users
	keep_up ann < <(sleeper)
	local guard pid
	pid=$(as ann mstack ps --format '{{.Pid}}')
	guard=$(pgrep -x mstack-guard)
	die
	elsewhere() {
		expect_exit 1 as ann env MSTACK_RUN_DIR=/run/user/1000/other mstack -p t down
		says "stack 't' is already up ($1"
		kill -0 "$pid"
	}
	elsewhere "process $guard keeps it: take its MSTACK_RUN_DIR, or end it with \`kill $guard\` and then \`mstack down\`)"
	as ann mstack up -d
	wait_until gone "$guard"
	SUP=$(as ann mstack ls --format '{{.Pid}}')
	elsewhere "supervisor is process $SUP; end it with \`kill $SUP\`)"
	guard=$(pgrep -x mstack-guard)
	die
	elsewhere "process $guard keeps it:"
	as ann mstack down
	[[ -z $(ls -A /run/user/1000) ]]
}

porch() { pgrep -x mstack-porch; }
spare() { pgrep -x mstack-spare; }
one_of_each() { [[ $(porch | wc -l) == 1 && $(spare | wc -l) == 1 ]]; }

# publish PORT: of the host, instead of the one that is published.
publish() {
	sed -i "s/\"80[0-9]*:1000\"/\"$1:1000\"/" stack.yaml
	as ann mstack up -d
	wait_until fetch "http://127.0.0.1:$1/hosts"
}

with_port() {
	echo 'services: {a: {image: busybox, command: [httpd, -f, -h, /etc, -p, "1000"], stop_signal: SIGKILL, ports: ["8080:1000"]}}'
}

@test "rootless keep: who adopts has the mstack-porch that lives, and another one for those that were killed" {
	users
	keep_up ann < <(with_port)
	wait_until one_of_each
	local pid
	pid=$(porch)
	die
	as ann mstack up -d
	[[ $(porch) == "$pid" ]]
	publish 8081
	# The spare is the one of who adopts: the other one is gone.
	wait_until one_of_each
	# Killed, and replaced: it is the next one that is kept. It has been handed over when news of the way out come.
	SUP=$(as ann mstack ls --format '{{.Pid}}')
	pid=$(spare)
	kill -KILL "$(porch)"
	wait_until grep -E 'way out: (it is|pasta|/dev/net/tun)' /run/user/1000/mstack/t/supervisor.log
	# Such news may be older: it is called so as soon as it has noticed.
	is_porch() { [[ $(porch) == "$1" ]]; }
	wait_until is_porch "$pid"
	wait_until one_of_each
	die
	[[ $(porch) == "$pid" ]]
	as ann mstack up -d
	[[ $(porch) == "$pid" ]]
	# Nobody takes its place as long as there is no supervisor.
	SUP=$(as ann mstack ls --format '{{.Pid}}')
	die "$(porch)"
	as ann mstack up -d
	publish 8082
	wait_until one_of_each
	# Nor is anybody left.
	SUP=$(as ann mstack ls --format '{{.Pid}}')
	die "$(porch)" "$(spare)"
	as ann mstack up -d
	publish 8083
	wait_until one_of_each
	as ann mstack down
	wait_until not porch
	wait_until not spare
	[[ -z $(ls -A /run/user/1000) ]]
}

# ---- groups as systemd makes them ----

# manager: $OWN is the group of ann's manager, which is hers.
manager() {
	OWN=$MSTACK_SANDBOX/user.slice/user@1000.service
	mkdir -p "$OWN"
	chown ann: "$OWN"
}
# unit PATH: $UNIT is a group below that one, or else one of root's.
unit() {
	UNIT=$MSTACK_SANDBOX/$1
	mkdir -p "$UNIT"
	[[ $1 != user.slice/* ]] || chown -R ann: "$OWN"
}
in_unit() (echo "$BASHPID" >"$UNIT/cgroup.procs" && "$@")
# As systemd ends one.
end_unit() {
	echo 1 >"$UNIT/cgroup.kill"
	wait_until rmdir "$UNIT"
}
remove_groups() {
	empty() { find "$MSTACK_SANDBOX/$1" -depth -type d -exec rmdir {} +; }
	wait_until empty "$1"
}

@test "rootless keep: below the user's manager a service may end with all that is in it, and the way in and out goes on" {
	users
	tunnels
	audit snapshot ../audit.before
	internet_httpd
	manager
	unit user.slice/user@1000.service/app.slice/one.service
	user_stack ann <<-'END'
		x-on-supervisor-death: keep
		services: {a: {image: busybox, ports: ["8080:80"], command: [httpd, -f, -p, "80", -h, /etc], stop_signal: SIGKILL}}
	END
	INVOCATION_ID=1 in_unit as ann mstack up -d
	local pid guard sup
	sup=$(as ann mstack ls --format '{{.Pid}}')
	pid=$(as ann mstack ps --format '{{.Pid}}')
	# What pasta is called depends on what this machine can.
	apart() { [[ $(grep -l '/t/\.keeper$' /proc/{"$(pgrep -x mstack-guard)","$(pgrep -x mstack-net)","$(porch)","$(spare)","$(pgrep -f '^pasta --foreground')"}/cgroup | wc -l) == 5 ]]; }
	wait_until apart
	[[ $(cat "$UNIT/cgroup.procs") == "$sup" ]]
	asks() { as ann mstack exec -T a timeout 5 wget -q -O /dev/null http://203.0.113.10/cgi-bin/who; }
	fetches() { fetch http://127.0.0.1:8080/hostname; }
	wait_until fetches
	wait_until asks
	guard=$(pgrep -x mstack-guard)
	wait_until test -S /run/user/1000/mstack/t/keeper
	end_unit
	wait_until gone "$sup"
	wait_until fetches
	wait_until asks
	# Beside her manager, as after a login by ssh, nothing can be begun in its groups.
	expect_exit 1 as ann mstack up -d
	says "stack 't' goes on without a supervisor, and cannot be taken up from here" '/mstack/t' '`systemd-run --user --scope mstack up`'
	as ann mstack ps 2>&1 | grep -i 'nobody supervises'
	wait_until fetches
	wait_until asks
	unit user.slice/user@1000.service/app.slice/two.service
	INVOCATION_ID=2 in_unit as ann mstack up -d 2>up.err
	cat up.err
	grep 'adopted 1 container of supervisor' up.err
	wait_until gone "$guard"
	[[ $(as ann mstack ps --format '{{.Pid}}') == "$pid" ]]
	wait_until fetches
	wait_until asks
	# The spare is the adopter's.
	wait_until apart
	as ann mstack down
	[[ -z $(ls -A /run/user/1000) ]]
	remove_groups user.slice
	kill "$HTTPD"
	wait "$HTTPD" || :
}

@test "rootless keep: in a service that ends all in it, it is refused, at the start and as a change" {
	users
	user_stack ann <<-'END'
		x-on-supervisor-death: keep
		services: {a: {image: busybox, command: [sleep, "1000"], stop_signal: SIGKILL}}
	END
	export INVOCATION_ID=1
	unit system.slice/lab.service/below
	expect_exit 1 in_unit as ann mstack up -d
	says "x-on-supervisor-death: keep: 'lab.service' ends all in it with its first process" 'systemctl --user' "or write 'stop'"
	[[ -z $(as ann mstack ls --format '{{.Name}}') ]]
	sed -i 's/death: keep/death: stop/' stack.yaml
	in_unit as ann mstack up -d
	local pid
	pid=$(as ann mstack ps --format '{{.Pid}}')
	sed -i 's/death: stop/death: keep/' stack.yaml
	expect_exit 1 as ann mstack up -d
	says "x-on-supervisor-death: keep: 'lab.service' ends all in it"
	[[ $(as ann mstack ps --format '{{.Pid}}') == "$pid" ]]
	as ann mstack down
	# Delegated it is no better, and the cure is another one than root's.
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.delegate", b"1")' "$UNIT"
	chown -R ann: "$UNIT"
	expect_exit 1 in_unit as ann mstack up -d
	says "x-on-supervisor-death: keep: the stack's cgroups are below a unit with Delegate=" 'systemctl --user'
	remove_groups system.slice
	# A session; and one that is in the service of who lets people in, which gives its own id to nobody.
	unit session-1.scope
	in_unit as ann mstack up -d
	as ann mstack down
	remove_groups session-1.scope
	unset INVOCATION_ID
	unit ssh.service
	in_unit as ann mstack up -d
	as ann mstack down
	remove_groups ssh.service
}

@test "rootless keep: who has used up the memory in pipes still starts a stack that is kept, ids permitting" {
	users
	user_stack ann <<-'END'
		x-on-supervisor-death: keep
		services: {a: {image: busybox, command: [sh, -c, "echo line; exec sleep 1000"]}}
	END
	as ann pipehog >hog.out 3>&- &
	hog=$!
	wait_until test -s hog.out
	expect_exit 0 as ann mstack up -d
	line() { as ann mstack logs --no-log-prefix a | grep -qx line; }
	wait_until line
	kill "$(cat hog.out)"
	wait "$hog" || :
	as ann mstack down
}
