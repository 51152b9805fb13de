# shellcheck shell=bash disable=SC2016
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Containers of an ordinary user: what is inside of them, and what stands in for what only root has.

load lib/common
load lib/users

# The log of service a, as ann or bob sees it.
log_of() { as "$1" mstack logs --no-color --no-log-prefix a; }
log_of_has() { log_of "$1" | grep -q -- "$2"; }

@test "rootless: root of a container is the user, other ids are those of the ranges" {
	users
	user_stack ann <<-'END'
		services:
		  a:
		    image: busybox
		    user: "1234:1234"
		    init: true
		    command: [sh, -c, "cat /run/secrets/s && echo x >/bind/f && touch /vol/v /t/t; ls -ln /vol /t; echo done >&2; sleep 1000"]
		    volumes: ["./here:/bind", "vol:/vol"]
		    tmpfs: ["/t"]
		    secrets: [s]
		volumes: {vol: {}}
		secrets: {s: {file: ./secret}}
	END
	mkdir here
	echo hidden >secret
	chown ann: here secret
	chmod 777 here
	as ann mstack up -d
	wait_until log_of_has ann 'done'
	wait_until log_of_has ann '^hidden$'
	[[ $(as ann mstack exec -u 0 a stat -c %u:%g /bind /bind/f | xargs) == '0:0 1234:1234' ]]
	[[ $(stat -c %u here/f) == $((100000 + 1233)) ]]
	[[ $(as ann mstack exec -u 0 a id -u) == 0 ]]
	as ann mstack exec a sh -c 'echo x >/dev/null && [ "$(head -c 3 /dev/zero | wc -c)" = 3 ] && : </dev/urandom'
	[[ $(as ann mstack top a | grep -c 1234) == 2 ]]
	as ann mstack stop
	as ann mstack start
	as ann mstack down -v
	as ann rm here/f
}

@test "rootless: the isolation is that of root's containers" {
	users
	user_stack ann <<-'END'
		services: {a: {image: busybox, hostname: inside, command: [sleep, "1000"]}}
	END
	as ann mstack up -d
	as ann mstack exec a cat /proc/self/status >status
	grep -Eq '^CapBnd:.*00000000800405fb$' status || { cat status && false; }
	grep -Eq '^NoNewPrivs:.*1' status
	grep -Eq '^Seccomp:.*2' status
	[[ $(as ann mstack exec a hostname) == inside ]]
	[[ $(as ann mstack exec a sh -c 'echo /proc/[0-9]*' | wc -w) -le 4 ]]
	run as ann mstack exec a sh -c 'cat /proc/kallsyms | wc -c; echo 1 >/proc/sys/kernel/panic; mount -t tmpfs none /mnt; mknod /x c 1 3; touch /sys/x'
	echo "$output"
	[[ ${lines[0]} == 0 ]]
	[[ $(grep -Eci 'read-only|not permitted|denied|nonexistent' <<<"$output") == 4 ]]
	as ann mstack down
}

# An image of two layers, of which the upper one takes away a file and hides a folder, and has another owner.
two_layers() {
	mkdir -p l0/bin l0/dir l0/etc l1/dir l1/own
	cp /bin/busybox l0/bin/
	local applet
	for applet in sh ls id sleep stat; do
		ln -s busybox "l0/bin/$applet"
	done
	echo old >l0/dir/old
	echo gone >l0/gone
	printf '%s\n' root:x:0:0::/:/bin/sh svc:x:1234:1234::/:/bin/sh >l0/etc/passwd
	printf '%s\n' root:x:0: wheel:x:10:root >l0/etc/group
	touch l1/.wh.gone l1/dir/.wh..wh..opq
	echo new >l1/dir/new
	echo mine >l1/own/f
	tar -C l0 --owner=0 --group=0 -cf l0.tar .
	tar -C l1 --owner=1234 --group=1234 -cf l1.tar .
	ocilayout lay v1 '{"Cmd": ["sh", "-c", "ls -d /gone /dir/*; echo $(stat -c %u:%g /own/f) $(id -G); echo done; sleep 1000"]}' l0.tar l1.tar
	chown -R "$1:" lay
	rm -r l0 l1 ./*.tar
}

@test "rootless: layers with whiteouts and owners, in the user's own store" {
	users
	cd /home/ann
	two_layers ann
	user_stack ann <<<'services: {a: {image: app}}'
	as ann mstack image import oci:lay:v1 app
	as ann mstack up -d
	wait_until log_of_has ann '^done$'
	[[ $(log_of ann | grep -v ': /gone' | xargs) == '/dir/new 1234:1234 0 10 done' ]]
	# A folder made anew where one was removed hides what was in that one.
	as ann mstack exec a sh -c '/bin/busybox rm -r /own && /bin/busybox mkdir /own && [ -z "$(ls /own)" ]'
	as ann mstack down
	as ann mstack image rm app
	[[ -z $(find /home/ann/.local/share/mstack/layers -mindepth 1) ]]
}

@test "rootless: with a single id all is root's, and another user is refused with what would allow it" {
	users
	cd /home/bob
	two_layers bob
	user_stack bob <<<'services: {a: {image: app}}'
	as bob mstack image import oci:lay:v1 app
	as bob mstack up -d
	wait_until log_of_has bob '^done$'
	[[ $(log_of bob | grep -v ': /gone' | xargs) == '/dir/new 0:0 0 done' ]]
	[[ $(as bob mstack exec a /bin/busybox cat /proc/self/uid_map | xargs) == '0 0 1' ]]
	# Files go in and out, also for who has other groups, which nobody may leave there.
	[[ $(as bob mstack cp a:/dir/new - | tar xO) == new ]]
	echo in >file
	chown bob: file
	HOME=/home/bob XDG_RUNTIME_DIR=/run/user/1001 setpriv --reuid bob --regid bob --groups 44 mstack cp file a:/dir/in
	as bob mstack cp a:/dir/in out
	[[ $(<out) == in && $(stat -c %U out) == bob ]]
	as bob mstack down
	sed -i 's/app}/app, user: svc}/' stack.yaml
	expect_exit 3 as bob mstack up -d
	says 'stack.yaml:2:34' 'id 1234 of its user' '/etc/subuid'
	sed -i 's/user: svc/group_add: ["0", "1234"]/' stack.yaml
	expect_exit 3 as bob mstack up -d
	says 'stack.yaml:2:45' "service 'a': group 1234: a container has the groups 0 to 0" 'leave it out' '/etc/subgid'
}

@test "rootless: a group that is none of the user's ranges is told where it is asked for" {
	users
	user_stack ann <<-'END'
		services:
		  a:
		    image: busybox
		    group_add: ["99999"]
	END
	expect_exit 3 as ann mstack up -d
	says 'stack.yaml:5:17' "service 'a': group 99999: a container has the groups 0 to 65535" 'take a lower one'
	not grep -q 'id 99999' <<<"$output"
}

@test "rootless: with a single id services in the user's own ids start, privileged or not" {
	users
	user_stack bob <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], userns_mode: host}
		  b: {image: busybox, command: [sleep, "1000"], privileged: true}
	END
	expect_exit 0 as bob mstack up -d
	[[ $(as bob mstack exec a cat /proc/sys/net/ipv4/ping_group_range | xargs) == '0 0' ]]
	as bob mstack down
	[[ $(as bob mstack run -q --image busybox --privileged -- id -u) == 0 ]]
}

@test "rootless: a volume is filled from a folder with files of others, whom a single id does not have" {
	users
	local who
	mkdir -p /run/users/root/bin /run/users/root/data/in
	cp /bin/busybox /run/users/root/bin/sh
	ln -s sh /run/users/root/bin/sleep
	echo x >/run/users/root/data/in/f
	ln -s f /run/users/root/data/in/link
	mkfifo /run/users/root/data/in/fifo
	cp /bin/busybox /run/users/root/data/set
	chmod 6755 /run/users/root/data/set
	for who in ann bob; do
		user_stack "$who" <<<'services: {a: {image: /run/users/root, command: [sleep, "1000"], volumes: [/data], stop_signal: SIGKILL}}'
		as "$who" mstack up -d
		as "$who" mstack exec -T a sh -c 'cd /data && stat -c "%u:%g %a %n" . in in/f set && stat -c "%u:%g %n" in/link in/fifo && [ -p in/fifo ] && cat in/link' >seen
		cat seen
		as "$who" mstack down -v
	done
	[[ $(xargs <seen) == '0:0 755 . 0:0 755 in 0:0 644 in/f 0:0 755 set 0:0 in/link 0:0 in/fifo x' ]]
	grep -x '65534:65534 6755 set' /home/ann/seen
	rm -r /run/users/root
}

@test "rootless: a folder of the host that is not there, and that this user cannot make" {
	users
	cd /home/ann
	expect_exit 125 as ann mstack run --image busybox -v /nosuch:/a -- true
	says "bind of '/nosuch': it is not there, and cannot be made (make it, or name another one): permission denied"
	[[ ! -e /nosuch ]]
}

@test "rootless: a folder as the root of a container, over it or in it" {
	users
	user_stack ann <<<'services: {a: {image: ./root, x-rootfs: {upper: tmpfs}, command: [sh, -c, "echo x >/made; sleep 1000"]}}'
	mkdir -p root/bin
	cp /bin/busybox root/bin/sh
	ln -s sh root/bin/sleep
	chown -R ann: root
	as ann mstack up -d
	as ann mstack down
	[[ ! -e root/made ]]
	sed -i 's/upper: tmpfs/writable: true/' stack.yaml
	as ann mstack up -d
	wait_until test -s root/made
	as ann mstack down
	[[ $(stat -c %U root/made) == ann ]]
}

@test "rootless: the root of the host as that of a container: read, written over, and nothing of it reaches the host" {
	users
	local who
	for who in ann bob; do
		user_stack "$who" <<-'END'
			services:
			  a: {image: /, command: [sh, -c, "echo new >/srv/made && echo new >/made && sleep 1000"], volumes: ["./bound:/opt/bound"]}
			  b: {image: /, read_only: true, command: [sleep, "1000"], volumes: ["./bound:/opt/bound"]}
		END
		mkdir bound
		chown "$who:" bound
		as "$who" mstack up -d
		wait_until as "$who" mstack exec a cat /made
		[[ ! -e /srv/made && ! -e /made ]]
		# Programs of the host, with the links that lead to them; files of /etc, in which others are mounted, stay as they are.
		[[ $(as "$who" mstack exec a sh -c 'command -v id >/dev/null && id -u') == 0 ]]
		as "$who" mstack exec a cat /etc/debian_version | cmp - /etc/debian_version
		[[ $(as "$who" mstack exec a readlink /bin) == "$(readlink /bin)" ]]
		# The files of the host are the host's: root of the container is its user, and has no right to them.
		run as "$who" mstack exec a sh -c 'echo x >/etc/passwd; rm /usr/bin/env; cat /etc/shadow; ls -A /home /root /run/users'
		echo "$output"
		[[ $(grep -Eci 'read-only|denied|no such file' <<<"$output") -ge 4 ]] && not grep -qw ann <<<"$output"
		as "$who" mstack restart a
		[[ $(as "$who" mstack exec a cat /srv/made) == new ]]
		run as "$who" mstack exec b sh -c 'touch /x; touch /srv/x; touch /usr/x; touch /opt/bound/x && echo wrote'
		echo "$output"
		[[ $(grep -c 'Read-only' <<<"$output") == 3 && $output == *wrote* && -e bound/x ]]
		as "$who" mstack down
	done
}

@test "rootless: files of the host's root that come and go do not keep it from being that of a container" {
	users
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	# With a mount below it what is in it is shown by itself.
	local split=$BATS_TEST_TMPDIR/split i coming
	mkdir -p "$split/inner"
	mount -t tmpfs inner "$split/inner"
	while :; do
		touch "$split"/{1..40}
		rm -f "$split"/[0-9]*
	done 3>&- &
	coming=$!
	cd /home/ann
	for i in {1..8}; do
		expect_exit 0 as ann mstack run -q --image / -- true
	done
	kill "$coming"
	wait "$coming" || :
	umount "$split/inner"
}

@test "rootless: links that a container puts in the place of the host's folders lead nowhere" {
	users
	user_stack ann <<<'services: {a: {image: /, command: [sleep, "1000"]}}'
	# In which something is mounted, so that it is a folder of the container's own, and what is in it is shown by itself.
	local split
	split=$(awk '$5 ~ "^/(etc|var)/" { print $5; exit }' /proc/self/mountinfo | cut -d/ -f2)
	as ann mstack up -d
	as ann mstack exec a sh -c "mv /$split /was && ln -s /proc/1/root/tmp /$split"
	expect_exit 125 as ann mstack restart a
	says "make '/$split/" 'symbolic links'
	[[ $(as ann mstack ps -a --format json | jq -r .State) != running ]]
	as ann mstack up -d --force-recreate
	[[ $(as ann mstack exec a stat -c %F "/$split") == directory ]]
	as ann mstack down
}

@test "rootless: a container goes on while the program of its supervisor is another one" {
	users
	user_stack ann <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	as ann mstack up -d
	local inside
	inside=$(as ann mstack ps --format json | jq -r .Pid)
	kill -USR2 "$(awk '$1 == "PPid:" { print $2 }' "/proc/$inside/status")"
	wait_until grep 'goes on in place of' /run/user/1000/mstack/t/supervisor.log
	[[ $(as ann mstack ps --format json | jq -r .Pid) == "$inside" ]]
	[[ $(as ann mstack exec a cat /proc/self/uid_map | head -1 | xargs) == '0 0 1' ]]
	as ann mstack restart
	as ann mstack up -d --force-recreate
	[[ $(as ann mstack exec a cat /proc/self/uid_map | head -1 | xargs) == '0 0 1' ]]
	[[ $(as ann mstack ps --format json | jq -r .State) == running ]]
	as ann mstack down
}

@test "rootless: without a cgroup limits of processes stand in, and what cannot be had is said" {
	users
	user_stack ann <<-'END'
		services:
		  a:
		    image: busybox
		    mem_limit: 64m
		    pids_limit: 20
		    command: [sh, -c, "ulimit -v; ulimit -u; echo done; sleep 1000"]
		    # more
	END
	run as ann mstack up -d
	[[ $(grep -c 'limits of memory hold for each process: no controller' <<<"$output") == 1 ]]
	wait_until log_of_has ann 'done'
	[[ $(log_of ann | xargs) == '65536 20 done' ]]
	# Of a limit that nobody asks for nobody hears, and of one that comes into the file when it comes.
	sed -i '/_limit:/d' stack.yaml
	as ann mstack down
	expect_exit 0 as ann mstack up -d
	[[ $output != *'limits of'* ]]
	sed -i 's/    # more/    mem_limit: 64m\n&/' stack.yaml
	expect_exit 0 as ann mstack up -d
	wait_until grep 'limits of memory hold for each process' /run/user/1000/mstack/t/supervisor.log
	expect_exit 1 as ann mstack pause a
	says 'by a cgroup only' 'systemd-run --user --scope'
	as ann mstack down
	local row
	while read -r row; do
		sed "s|    # more|    ${row%% = *}|" stack.yaml >other.yaml
		run as ann mstack -f other.yaml up -d
		[[ $status != 0 ]]
		says other.yaml: "${row#* = }"
	done <<-'END'
		cpus: 1 = controller 'cpu' is not on cgroup v2 here
		oom_score_adj: -5 = an ordinary user may only raise it
		ulimits: {nofile: 2000000000} = an ordinary user may have no more
	END
}

pid_of_a() { as ann mstack ps --format json | jq -r .Pid; }

@test "rootless: a limit that no controller keeps is refused by plan as by up, and nothing ends for it" {
	users
	user_stack ann <<-'END'
		services:
		  a:
		    image: busybox
		    command: [sleep, "1000"]
		    # more
		  b: {image: busybox, command: [sleep, "1001"], stop_signal: SIGKILL}
	END
	as ann mstack up -d
	local before row
	before=$(as ann mstack ps --format json | jq -r .Pid)
	sed -i 's/"1001"/"1002"/' stack.yaml
	for row in 'cpus: 1|cpu' 'cpuset: "0"|cpuset' 'mem_reservation: 8m|memory'; do
		sed "s/# more/${row%|*}/" stack.yaml >other.yaml
		expect_exit 1 as ann mstack -p t -f other.yaml plan
		says "plan: service 'a': controller '${row#*|}' is not on cgroup v2 here"
		[[ $output != *'[live]'* ]]
		expect_exit 1 as ann mstack -p t -f other.yaml up -d
		says "up: service 'a': controller '${row#*|}' is not on cgroup v2 here"
		[[ $(as ann mstack ps --format json | jq -r .Pid) == "$before" ]]
	done
	# One that comes as well.
	sed 's/# more/cpus: 1/; s/  a:/  c:/' stack.yaml >other.yaml
	expect_exit 1 as ann mstack -p t -f other.yaml plan
	says "plan: service 'c': controller 'cpu' is not on cgroup v2 here"
	expect_exit 0 as ann mstack plan
	says 'b-1: restart'
	as ann mstack down
}

# What stands in is taken on by the process, or made with the container: a change is done so, and told so before.
@test "rootless: without a cgroup a change of a limit starts the container again, or makes it anew" {
	users
	user_stack ann <<-'END'
		services:
		  a:
		    image: busybox
		    mem_limit: 64m
		    pids_limit: 20
		    stop_grace_period: 0s
		    command: [sh, -c, "echo $(ulimit -v) $(ulimit -u) done; sleep 1000"]
	END
	as ann mstack up -d
	wait_until log_of_has ann 'done'
	as ann mstack exec a touch /written
	local before
	before=$(pid_of_a)
	sed -i 's/mem_limit: 64m/mem_limit: 32m/' stack.yaml
	expect_exit 0 as ann mstack plan
	says 'a-1: restart' 'mem_limit: 67108864 -> 33554432: without a controller of memory' '[restart]'
	[[ $(pid_of_a) == "$before" ]]
	as ann mstack up -d
	wait_until log_of_has ann '32768 20 done'
	[[ $(pid_of_a) != "$before" ]]
	as ann mstack exec a test -e /written
	# So does a reload.
	sed -i 's/mem_limit: 32m/mem_limit: 16m/' stack.yaml
	kill -HUP "$(awk '$1 == "PPid:" { print $2 }' "/proc/$(pid_of_a)/status")"
	wait_until log_of_has ann '16384 20 done'
	sed -i 's/pids_limit: 20/pids_limit: 50/' stack.yaml
	expect_exit 0 as ann mstack plan
	says 'a-1: recreate' 'pids_limit: 20 -> 50: without a controller of pids' '[recreate]'
	as ann mstack up -d
	wait_until log_of_has ann '16384 50 done'
	not as ann mstack exec a test -e /written
	as ann mstack exec a sh -c 'i=0; while [ $i -lt 30 ]; do sleep 0.1 & i=$((i + 1)); done; wait'
	as ann mstack down
}

# sleepers USER: as this user of service a, until no more are allowed or 60 are there.
sleepers() { as ann mstack exec -u "$1" a sh -c 'i=0; while [ $i -lt 60 ]; do sleep 1001 & i=$((i + 1)); done'; }
sleeping() { pgrep -cx -f 'sleep 1001'; }
# Who has just been forked is something else still.
many_sleep() { (($(sleeping) >= 30)); }

@test "rootless: without a cgroup the processes of a container are counted together, and no other container's with them" {
	users
	user_stack ann <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], pids_limit: 40}
		  b: {image: busybox, command: [sleep, "1000"], pids_limit: 40}
		  c: {image: busybox, command: [sleep, "1000"]}
	END
	as ann mstack up -d
	# The command that starts them is one of them until it is told that there can be no more.
	run sleepers 0
	wait_until many_sleep
	[[ $status != 0 && $(sleeping) -lt 40 ]]
	as ann mstack kill a
	wait_until not sleeping
	as ann mstack start a
	as ann mstack exec -u 11 a sh -c 'i=0; while [ $i -lt 20 ]; do sleep 1001 & i=$((i + 1)); done'
	run sleepers 12
	wait_until many_sleep
	[[ $status != 0 && $(sleeping) -lt 40 ]]
	run sleepers 0
	[[ $status != 0 && $(sleeping) -lt 40 ]]
	# A fork bomb beside them, and others go on.
	as ann mstack exec -d a sh -c 'bomb() { bomb | bomb & wait; }; while :; do bomb; done' || :
	as ann mstack exec b sh -c 'i=0; while [ $i -lt 30 ]; do sleep 0.1 & i=$((i + 1)); done; wait'
	as ann mstack exec c sh -c 'i=0; while [ $i -lt 200 ]; do sleep 0.1 & i=$((i + 1)); done; wait'
	as ann mstack down
}

# As a tmpfs is before Linux 6.6: no attributes of users.
@test "rootless: a data folder that cannot mark folders of layers is told of, by up and by doctor" {
	users
	user_stack ann <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	expect_exit 0 as ann mstack up -d
	[[ $output != *'keeps no attributes'* ]]
	as ann mstack down
	run as ann mstack doctor
	grep -E '^attributes in the data folder +ok' <<<"$output"
	mkdir /run/users/data
	mount -t ramfs ramfs /run/users/data
	chown ann: /run/users/data
	export XDG_DATA_HOME=/run/users/data/not/yet
	run as ann mstack doctor
	grep -E '^attributes in the data folder +absent +containers cannot remove folders of their images$' <<<"$output"
	says 'attributes in the data folder: set XDG_DATA_HOME or MSTACK_DATA_DIR'
	expect_exit 0 as ann mstack up -d
	says "warning: data folder '/run/users/data/not/yet/mstack': its file system keeps no attributes" 'input/output error: set XDG_DATA_HOME'
	[[ $(as ann mstack exec a sh -c 'rm -r /bin' 2>&1) == *'Input/output error' ]]
	as ann mstack down
	# Layers in memory are asked for, and are elsewhere.
	sed -i 's/image: busybox/&, x-rootfs: {upper: tmpfs}/' stack.yaml
	expect_exit 0 as ann mstack up -d
	[[ $output != *'keeps no attributes'* ]]
	as ann mstack down
	wait_until umount /run/users/data
	rmdir /run/users/data
}

@test "rootless: devices of the host as the user may use them, and privileged" {
	users
	user_stack ann <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], devices: ["/dev/zero:/dev/xzero", "/dev/zero:/srv/zero"]}
		  b: {image: busybox, command: [sleep, "1000"], privileged: true}
		  c: {image: busybox, command: [sleep, "1000"], userns_mode: host, uts: host, cgroup: host}
	END
	as ann mstack up -d
	[[ $(as ann mstack exec a sh -c 'cat /dev/xzero /srv/zero | head -c 3 | wc -c') == 3 ]]
	as ann mstack exec b sh -c 'mount -t tmpfs none /mnt && echo 1 >/proc/sys/net/ipv4/ip_forward'
	[[ $(as ann mstack exec c cat /proc/self/uid_map | head -1 | xargs) == '0 1000 1' ]]
	as ann mstack down
}

# As below a manager of ann's: $own is hers, and we are in a scope of it until `leave_group`.
enter_group() {
	own=$MSTACK_SANDBOX/user@1000.service
	mkdir -p "$own/app.slice/term.scope"
	chown -R ann: "$own"
	echo "$BASHPID" >"$own/app.slice/term.scope/cgroup.procs"
}
leave_group() { echo "$BASHPID" >"$MSTACK_SANDBOX/tests/cgroup.procs"; }
remove_group() {
	# The supervisor sweeps up behind its answer.
	wait_until rmdir "$own/app.slice/term.scope"
	rmdir "$own/app.slice" "$own"
}

# `setfacl` for the user is what opens a device of such a group.
@test "rootless: with ranges no group of the user's is a container's, without they stay" {
	users
	echo closed >/run/users/closed
	chgrp 44 /run/users/closed
	chmod 640 /run/users/closed
	local user
	for user in ann bob; do
		user_stack $user <<<'services: {a: {image: busybox, command: [sleep, "1000"], volumes: ["/run/users/closed:/closed"], stop_signal: SIGKILL}}'
		HOME=/home/$user XDG_RUNTIME_DIR=/run/user/$(id -u $user) setpriv --reuid $user --regid $user --groups 44 mstack up -d
		# The command's groups are those of who asks, so it is the first process that is looked at.
		awk '$1 == "Groups:" { $1 = ""; print }' "/proc/$(as $user mstack ps --format '{{.Pid}}')/status" | xargs >groups
		HOME=/home/$user XDG_RUNTIME_DIR=/run/user/$(id -u $user) setpriv --reuid $user --regid $user --groups 44 mstack exec -T a cat /closed >out 2>&1 || :
		case $user in
		ann) [[ ' '$(<groups)' ' != *' 44 '* && $(<out) == *'Permission denied'* ]] ;;
		bob) [[ $(<groups) == 44 && $(<out) == closed ]] ;;
		esac
		as $user mstack down
	done
	rm /run/users/closed
}

@test "rootless: doctor looks for limits where a stack would have its groups, and names the way to some" {
	users
	local own
	as ann mstack doctor >found || :
	cat found
	grep -E '^cgroup.kill +absent +no cgroup here is the user' found
	grep -E '^controller memory +absent +no cgroup here is the user' found
	grep '  controller cpu: .*systemd-run --user --scope -p Delegate=yes mstack up.*systemctl --user start mstack@' found
	not grep '  device programs:' found
	enter_group
	as ann mstack doctor >found || :
	cat found
	leave_group
	remove_group
	grep -E '^cgroup.kill +ok' found
	not grep '  cgroup.kill:' found
}

@test "rootless: in a cgroup that is the user's stacks have groups" {
	users
	user_stack ann <<<'services: {a: {image: busybox, command: [sh, -c, "sleep 1001 & sleep 1000"]}}'
	local own
	enter_group
	as ann mstack up -d
	both_run() { [[ $(wc -l <"$own/mstack/t/a-1/cgroup.procs") == 2 ]]; }
	wait_until both_run
	as ann mstack pause
	as ann mstack ps | grep Paused
	as ann mstack unpause
	# From a session that is none of the user manager's processes cannot be brought there: a command is in the container all the same.
	leave_group
	as ann mstack exec a true
	as ann mstack down
	[[ ! -e $own/mstack ]]
	remove_group
}

# The program changes its ids, and with them loses the signal by which it would end.
killed_leaves_nothing() {
	as ann mstack up -d
	wait_until pgrep -u 100999 -x httpd
	kill -KILL "$(as ann mstack ls --format '{{.Pid}}')"
	wait_until not pgrep -u 100999 -x httpd
	as ann mstack down
}

@test "rootless: a supervisor that is killed leaves nothing, with and without a cgroup" {
	users
	user_stack ann <<<'services: {a: {image: busybox, command: [httpd, -f, -u, "1000:1000"]}}'
	local own
	killed_leaves_nothing
	enter_group
	killed_leaves_nothing
	leave_group
	remove_group
}
