# SPDX-License-Identifier: GPL-2.0-or-later
#
# Namespaces that a service has with another one, or with the host (the sandbox, that is).

load lib/common

# The namespace $2 of the process $1.
ns() { readlink "/proc/$1/ns/$2"; }

same_ns() { [[ $(ns "$1" "$3") == "$(ns "$2" "$3")" ]]; }

@test "namespaces: the processes of another service" {
	stack <<-'END'
		services:
		  db: {image: busybox, command: [sleep, "1000"]}
		  side:
		    image: busybox
		    pid: service:db
		    command: [sh, -c, "ps; exec sleep 2000"]
		    healthcheck: {test: [CMD-SHELL, "grep -q sleep /proc/1/cmdline"], interval: 200ms, start_period: 40s}
	END
	mstack up -d --wait
	# One sees all of both, and nobody else; but for a health check, now and then.
	two_sleep() { [[ $(mstack exec -T "$1" ps -o args | grep -c '^sleep') == 2 ]]; }
	wait_until two_sleep side
	two_sleep db
	nobody_else() { [[ $(mstack exec -T side sh -c 'ls -d /proc/[0-9]*' | wc -l) -le 4 ]]; }
	wait_until nobody_else
	[[ $(field side Health) == healthy && $(field side State) == running ]]
	same_ns "$(field side Pid)" "$(field db Pid)" pid
	same_ns "$(field side Pid)" "$(field db Pid)" user
	not same_ns "$(field side Pid)" "$(field db Pid)" ipc
	not same_ns "$(field side Pid)" "$(field db Pid)" net
	# The masks are there as ever.
	not mstack exec -T side sh -c 'echo 1 >/proc/sys/kernel/panic'
	[[ -z $(mstack exec -T side cat /proc/kallsyms /proc/timer_list) ]]
	# It is not the first process: what it does not handle ends it.
	mstack exec -T db kill -TERM "$(mstack exec -T db pidof sleep | tr ' ' '\n' | grep -vx 1)"
	wait_until state_is side exited
	[[ $(field side ExitCode) == 143 ]]
	state_is db running
	mstack down
}

@test "namespaces: what is in the processes of another is its own all the same" {
	mkdir secret
	echo word >secret/file
	stack <<-'END'
		services:
		  db: {image: busybox, command: [sleep, "1000"]}
		  side: {image: busybox, pid: "service:db", user: "1000", volumes: ["./secret:/secret"], environment: {WORD: hush}, command: [sleep, "2000"]}
	END
	mstack up -d
	local pid
	pid=$(mstack exec -T db pidof sleep | tr ' ' '\n' | grep -vx 1)
	# Nothing of the host's is open in it, and its files are where they belong.
	[[ $(find -L "/proc/$(field side Pid)/fd" ! -type p -printf '%f\n' | xargs) == 'fd 0' ]]
	not mstack exec -T -u 2000 db cat "/proc/$pid/root/secret/file"
	not mstack exec -T -u 2000 db cat "/proc/$pid/environ"
	mstack down -t 0
}

@test "namespaces: who joins another's processes ends with it, and comes back with it" {
	stack <<-'END'
		services:
		  db: {image: busybox, restart: always, command: [sh, -c, "sleep 1000 & wait"]}
		  side: {image: busybox, pid: "service:db", restart: always, command: [sleep, "2000"]}
		  once: {image: busybox, pid: "service:db", command: [sleep, "2000"]}
	END
	mstack up -d
	local side
	for _ in 1 2 3; do
		side=$(field side Pid)
		kill -KILL "$(field db Pid)"
		wait_until gone "$side"
		wait_until pair_runs
		same_ns "$(field side Pid)" "$(field db Pid)" pid
	done
	# Who does not want to come back does not.
	state_is once exited
	[[ $(field once ExitCode) == 137 ]]
	mstack down
}
pair_runs() { state_is db running && state_is side running && [[ $(field side Pid) != 0 ]]; }

@test "namespaces: a start waits for whoever it joins, and says when that will never come" {
	stack <<-'END'
		services:
		  db: {image: busybox, restart: "on-failure:1", command: [sh, -c, "[ -e /again ] && exit 0; touch /again; sleep 1000"]}
		  side: {image: busybox, pid: "service:db", restart: always, command: [sleep, "2000"]}
	END
	mstack up -d
	wait_until mstack exec -T db test -e /again
	# It fails, and its second run is short and good: it ends for ever.
	kill -KILL "$(field db Pid)"
	wait_until state_is db exited
	wait_until log_has side "service 'db', whose namespaces it joins, has ended"
	wait_until state_is side restarting
	mstack down
}

@test "namespaces: stopped while it waits for whoever it joins" {
	stack <<-'END'
		services:
		  db: {image: busybox, restart: always, command: [sh, -c, "[ -e /again ] && exit 1; touch /again; sleep 1000"]}
		  side: {image: busybox, pid: "service:db", restart: always, command: [sleep, "2000"]}
	END
	mstack up -d
	wait_until mstack exec -T db test -e /again
	kill -KILL "$(field db Pid)"
	wait_until state_is db restarting
	sleep 1
	mstack down
}

@test "namespaces: what is left of a service in the processes of another goes with it" {
	stack <<-'END'
		services:
		  db: {image: busybox, init: true, command: [sleep, "1000"]}
		  side: {image: busybox, pid: "service:db", init: true, command: [sh, -c, "sleep 2000 & sleep 2001 & until [ -e /end ]; do sleep 0.1; done; exit 3"]}
	END
	mstack up -d
	[[ $(mstack exec -T side ps -o args | grep -c '^init') == 2 ]]
	rest_is() { [[ $(mstack exec -T db ps -o args | grep -c '^sleep 200') == "$1" ]]; }
	wait_until rest_is 2
	mstack exec -T side touch /end || :
	wait_until state_is side exited
	[[ $(field side ExitCode) == 3 ]]
	wait_until rest_is 0
	state_is db running
	mstack down
}

@test "namespaces: shared memory, queues and host name of another service" {
	stack <<-'END'
		services:
		  db: {image: busybox, ipc: shareable, shm_size: 1m, hostname: base, command: [sh, -c, "echo hello >/dev/shm/word; sleep 1000"]}
		  side: {image: busybox, ipc: "service:db", uts: "service:db", command: [sh, -c, "hostname; echo $$HOSTNAME; cat /etc/hostname; sleep 1000"]}
		  third: {image: busybox, ipc: "service:side", command: [sleep, "1000"]}
		  bare: {image: busybox, ipc: none, command: [sleep, "1000"]}
	END
	mstack up -d
	wait_until mstack exec -T side grep hello /dev/shm/word
	mstack exec -T side sh -c 'echo back >/dev/shm/answer'
	[[ $(mstack exec -T db cat /dev/shm/answer) == back ]]
	[[ $(mstack exec -T third cat /dev/shm/answer) == back ]]
	[[ $(mstack exec -T side df -k /dev/shm | awk 'END { print $2 }') == 1024 ]]
	wait_until log_count side base 3
	[[ $(mstack logs --no-log-prefix side | xargs) == 'base base base' ]]
	same_ns "$(field side Pid)" "$(field db Pid)" ipc
	same_ns "$(field third Pid)" "$(field db Pid)" ipc
	not same_ns "$(field bare Pid)" "$(field db Pid)" ipc
	not mstack exec -T bare test -e /dev/shm
	# Its memory stays with those who use it, as its namespace does.
	mstack down
	stack <<-'END'
		services:
		  db: {image: busybox}
		  side: {image: busybox, ipc: "service:db"}
	END
	up_fails 3 'does not share its own' 'ipc: shareable'
}

@test "namespaces: those of the host" {
	echo seen >/dev/shm/of-the-host
	stack <<-'END'
		services:
		  a: {image: busybox, pid: host, ipc: host, uts: host, cgroup: host, command: [sh, -c, "sleep 2000 & exec sleep 1000"]}
		  b: {image: busybox, uts: host, cgroup: host, command: [sleep, "1000"]}
	END
	mstack up -d
	local a b name
	a=$(field a Pid) b=$(field b Pid)
	for name in pid ipc uts cgroup user; do
		same_ns "$a" self "$name"
	done
	for name in uts cgroup; do
		same_ns "$b" self "$name"
	done
	not same_ns "$b" self user
	[[ $(mstack exec -T a cat /dev/shm/of-the-host) == seen ]]
	[[ $(mstack exec -T a hostname) == sandbox && $(mstack exec -T b hostname) == sandbox ]]
	mstack exec -T a ps -o args | grep -q sandbox
	[[ $(mstack exec -T b grep ^0: /proc/self/cgroup) == 0::/mstack/t/b-1 ]]
	mstack exec -T b test -e /sys/fs/cgroup/mstack/t/b-1
	not mstack exec -T b sh -c 'mkdir /sys/fs/cgroup/x'
	# What it sees it does not own: no look into others, no writing where it was masked.
	[[ -z $(mstack exec -T a cat /proc/kallsyms) ]]
	not mstack exec -T a sh -c 'echo 1 >/proc/sys/kernel/panic'
	not mstack exec -T a ls "/proc/$$/root/"
	not mstack exec -T a cat "/proc/$(supervisor)/environ"
	not mstack exec -T a readlink "/proc/$(supervisor)/fd/3"
	not mstack exec -T a hostname changed
	not mstack exec -T b hostname changed
	# Its end is that of all that it began.
	kill -TERM "$a"
	wait_until state_is a exited
	[[ $(field a ExitCode) == 143 ]]
	wait_until not grep -q . "$MSTACK_SANDBOX/mstack/t/a-1/cgroup.procs"
	[[ -e $MSTACK_SANDBOX/mstack/t/a-1/cgroup.procs ]]
	mstack down
	rm /dev/shm/of-the-host
}

@test "namespaces: the end of the supervisor is that of who has no namespace of processes" {
	stack <<<'services: {a: {image: busybox, pid: host, command: [sh, -c, "sleep 2000 & exec sleep 1000"]}}'
	mstack up -d
	kill -KILL "$(awk '$1 == "PPid:" { print $2 }' "/proc/$(field a Pid)/status")"
	wait_until no_stack
	[[ -z $(pgrep -f 'sleep 2000' || :) ]]
}
no_stack() { [[ ! -e $MSTACK_SANDBOX/mstack/t && ! -e /run/mstack ]]; }

@test "namespaces: what does not go together is said" {
	stack <<<'services: {a: {image: busybox, uts: host, hostname: x}}'
	up_fails 3 "'x' excludes 'uts: host'"
	stack <<<'services: {a: {image: busybox, pid: "container:x"}}'
	up_fails 3 "'container:x'" 'no containers outside'
	stack <<-'END'
		services:
		  a: {image: busybox, userns_mode: host, command: [sleep, "1000"]}
		  b: {image: busybox, ipc: shareable, command: [sleep, "1000"]}
		  c: {image: busybox, pid: "service:a", ipc: "service:b", command: [sleep, "1000"]}
	END
	up_fails 3 "ipc: service 'a'" 'another user namespace' || up_fails 3 'another user namespace'
	stack <<<'services: {a: {image: busybox, ipc: host, sysctls: {kernel.shmmax: 5}, command: [sleep, "1000"]}}'
	up_fails 125 kernel.shmmax "host's own"
}

@test "namespaces: who shares is told by config --security" {
	stack <<-'END'
		services:
		  a: {image: busybox, pid: host}
		  b: {image: busybox, ipc: shareable}
		  c: {image: busybox, pid: "service:b", ipc: "service:b"}
	END
	run mstack config --security
	echo "$output"
	[[ $output == *a*weakened*users*'root of the host'* && $output == *'pid of the host'* ]]
	says 'pid of service b' 'ipc of service b'
	[[ $(mstack config --security --format json | jq -r '.b.weakened | length') == 0 ]]
}
