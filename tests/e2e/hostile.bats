# SPDX-License-Identifier: GPL-2.0-or-later
#
# What others do to a stack: a supervisor that is stopped, a group killed from outside, other programs that route, images and
# volumes that are not what they seem, containers that take what they can.

load lib/common

@test "hostile: a stopped supervisor is told, with its cure, instead of waited for" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	local sup
	sup=$(supervisor)
	kill -STOP "$sup"
	expect_exit 5 timeout 30 mstack down
	says "kill -CONT $sup"
	expect_exit 5 timeout 30 mstack ps
	kill -CONT "$sup"
	mstack down
}

@test "hostile: forwarding that somebody else switches on meanwhile stays on" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	echo 1 >/proc/sys/net/ipv4/ip_forward
	mstack down
	[[ $(</proc/sys/net/ipv4/conf/up0/forwarding) == 1 ]]
	echo 0 >/proc/sys/net/ipv4/ip_forward
}

@test "hostile: a container cannot fill the host's /run through its /etc/hosts" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "dd if=/dev/zero of=/etc/hosts bs=1M count=64; sleep 1000"]}
		  b: {image: busybox, read_only: true, command: [sh, -c, "echo x >>/etc/hosts || echo refused; sleep 1000"]}
	END
	local before
	before=$(df --output=used -k /run | tail -n 1)
	mstack up -d
	wait_until log_has b refused
	wait_until log_has a 'records out'
	(($(df --output=used -k /run | tail -n 1) - before < 4096))
	mstack down
}

@test "hostile: mstack's own folders are no volumes" {
	local place
	for place in /run/mstack /run/mstack/t/control /var/lib/mstack; do
		stack_one <<<"volumes: ['$place:/m']"
		up_fails 125 "$place" stack.yaml:
	done
	# A link to it is no way round.
	mkdir -p /run/mstack
	ln -s /run/mstack there
	stack_one <<<"volumes: ['./there:/m']"
	up_fails 125 there
}

@test "hostile: a folder for a file, and a file for a folder, are explained" {
	mkdir -p image/bin image/etc
	cp /bin/busybox image/bin/sleep
	echo conf >image/etc/app.conf
	echo real >real.conf
	stack <<-'END'
		services: {a: {image: ./image, command: [sleep, "1000"], volumes: ["./typo.conf:/etc/app.conf"]}}
	END
	up_fails 125 "/etc/app.conf" folder
	[[ $output != *'invalid argument'* ]]
	stack <<-'END'
		services: {a: {image: ./image, command: [sleep, "1000"], volumes: ["./real.conf:/etc"]}}
	END
	up_fails 125 "/etc" folder
	[[ $output != *'invalid argument'* ]]
}

@test "hostile: no row of ps is too long to be shown" {
	stack <<-END
		services:
		  a: {image: busybox, command: [sleep, "1000"], ports: ["20000-24000:20000-24000"]}
		  b: {image: busybox, command: [sleep, "1000"], labels: {x: $(printf '%060000d' 0), y: $(printf '%060000d' 0)}}
	END
	mstack up -d
	state_is a running
	state_is b running
	[[ $(mstack ps -q | wc -l) == 2 ]]
	mstack down
}

# A file of 3 GB that needs 3 MB: one block of zeros, packed, again and again.
@test "hostile: Ctrl-C ends the unpacking of an image" {
	truncate -s 3G big
	tar --create --format=gnu big 2>/dev/null | head -c 512 | gzip >image.tar.gz || :
	head -c 64M /dev/zero | gzip >part
	for _ in {1..50}; do
		cat part
	done >>image.tar.gz
	stack_one <<<''
	sed -i 's,busybox,./image.tar.gz,' stack.yaml
	up_foreground
	wait_until grep -q unpacking up.err
	sleep 0.3
	kill -INT "$UP"
	# Whoever comes to the end of it says that it is a bomb.
	ends_with 130 "$UP"
	not grep 'looks like a bomb' up.err
}

@test "hostile: what is killed by its cgroup from outside is started again" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		restart: always
	END
	mstack up -d
	local pid
	pid=$(field a Pid)
	echo 1 >"$MSTACK_SANDBOX/mstack/t/a-1/cgroup.kill"
	again() { state_is a running && [[ $(field a Pid) != "$pid" ]]; }
	wait_until again
	mstack down
}

# With as many as it asks for, all of them start anew at the same moment, while clients ask and health checks run.
@test "hostile: too few descriptors are said before anything is made, and what is asked for is enough" {
	local i n need
	{
		echo services:
		for i in {1..30}; do
			echo "  s$i:"
			echo '    {image: busybox, init: true, command: [sleep, "1000"], restart: always,'
			echo "      ports: ['$((20000 + i)):80'], healthcheck: {test: sleep 0.5, interval: 100ms, timeout: 30s}}"
		done
	} | stack
	for n in 20 30 200 300 330 400 600; do
		expect_exit 1 timeout 30 bash -c "ulimit -n $n; exec mstack up -d"
		says 'open files'
	done
	need=$(sed -n 's/.*need about \([0-9]*\) open files.*/\1/p' <<<"$output" | head -n 1)
	(ulimit -n "$need" && mstack up --wait --wait-timeout 60)
	for i in {1..20}; do
		mstack logs -f >/dev/null 2>&1 &
		mstack ps -a >/dev/null &
	done
	if [[ -n ${MSTACK_AS:-} ]]; then
		mstack ps --format json | jq .Pid | xargs kill -KILL
	else
		echo 1 >"$MSTACK_SANDBOX/mstack/t/cgroup.kill"
	fi
	all_again() { [[ $(mstack ps --format json | jq -r 'select(.State == "running" and .Restarts >= 1).Health' | grep -c healthy) == 30 ]]; }
	PATIENCE=90 wait_until all_again
	not grep -i 'open files' /run/mstack/t/supervisor.log
	mstack down -t 0
}

# CVE-2019-5736, by a start instead of an exec: what a container can reach of the program that starts it, also by way of a
# health check, is a copy that nobody can write to.
@test "hostile: a container that executes its starter does not get at the program on the host" {
	local before sup mode
	mkdir -p image/bin
	cp /bin/busybox image/bin/sh
	printf '#!/proc/self/exe\n' >image/evil
	chmod +x image/evil
	before=$(sha256sum "$BUILD/mstack")
	stack <<-'END'
		services:
		  a:
		    image: ./image
		    userns_mode: host
		    cap_add: [SYS_PTRACE]
		    command:
		      - /bin/sh
		      - -c
		      - |
		        while :; do
		          for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		            (echo x >>/proc/$$n/exe) 2>/dev/null
		          done
		        done
		    healthcheck: {test: [CMD, /evil], interval: 100ms, retries: 3}
		  b: {image: ./image, userns_mode: host, command: [/bin/sh, -c, "/evil; /bin/sh -c 'echo x >>/proc/1/exe'; /evil"]}
	END
	mstack up -d
	sup=$(supervisor)
	wait_until health_is a unhealthy
	[[ $(readlink "/proc/$sup/exe") == '/memfd:mstack (deleted)' ]]
	not bash -c "echo x >>/proc/$sup/exe"
	[[ $(sha256sum "$BUILD/mstack") == "$before" ]]
	mstack down -t 0
	# A copy of somebody else's, whom the user namespace does not know, cannot even be executed.
	for mode in host private; do
		stack <<<"services: {b: {image: ./image, userns_mode: $mode, entrypoint: [/evil], command: [--version]}}"
		expect_exit "$([[ $mode == host || -n ${MSTACK_AS:-} ]] && echo 127 || echo 126)" mstack up -d
	done
	[[ $(sha256sum "$BUILD/mstack") == "$before" ]]
}

no_mstack() { [[ -z $(other_mstack) ]]; }

@test "hostile: neither the supervisor nor its guard leaves a core dump" {
	local pid sup
	stack_one <<<$'environment: {PASSWORD: secret}\nulimits: {core: -1}\ncommand: [sleep, "1000"]'
	(
		ulimit -c unlimited
		mstack up -d
	)
	# The container has what its service asks for.
	[[ $(awk '/^Max core/ { print $5, $6 }' "/proc/$(field a Pid)/limits") == 'unlimited unlimited' ]]
	sup=$(supervisor)
	[[ $(other_mstack "$sup") ]]
	for pid in "$sup" $(other_mstack "$sup"); do
		[[ $(awk '/^Max core/ { print $5, $6 }' "/proc/$pid/limits") == '0 unlimited' ]]
	done
	kill -ABRT "$sup"
	wait_until no_mstack
	[[ -z $(find . -name '*core*') ]]
}
