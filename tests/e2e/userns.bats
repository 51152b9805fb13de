# SPDX-License-Identifier: GPL-2.0-or-later
#
# User namespaces: root inside is somebody without rights outside, and files keep their owners all the same.

load lib/common

# The first id of the host's that a service's process has.
first_id() { awk '{ print $2 }' "/proc/$(field "$1" Pid)/uid_map"; }

@test "userns: root inside is an id of the stack's own range outside" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
		  b: {image: busybox, user: "1000:2000", command: [sleep, "1000"]}
	END
	mstack up -d
	local first pid
	first=$(first_id a)
	((first >= 1879048192 && first + 65536 <= 2147352576))
	[[ $(xargs <"/proc/$(field a Pid)/uid_map") == "0 $first 65536" ]]
	[[ $(xargs <"/proc/$(field a Pid)/gid_map") == "0 $first 65536" ]]
	[[ $(awk '$1 == "Uid:" || $1 == "Gid:" { print $2, $5 }' "/proc/$(field a Pid)/status" | xargs) == \
		"$first $first $first $first" ]]
	pid=$(field b Pid)
	[[ $(awk '$1 == "Uid:" || $1 == "Gid:" { print $2 }' "/proc/$pid/status" | xargs) == \
		"$((first + 1000)) $((first + 2000))" ]]
	# One range for the stack, one namespace for each slot; the network belongs to it.
	[[ $(first_id b) == "$first" ]]
	[[ ! /proc/$pid/ns/user -ef /proc/$(field a Pid)/ns/user ]]
	[[ $(readlink /run/mstack/.ids/"$first") == t ]]
	inside a sh -c '[ "$(id -u)" = 0 ] && [ "$(stat -c %u:%g / /bin/busybox /etc/hosts /dev/null | sort -u)" = 0:0 ]'
	mstack down
	[[ ! -e /run/mstack ]]
}

@test "userns: its root has no rights over what is the host's" {
	mkdir shared
	echo secret >shared/foreign
	chown 70000:70000 shared/foreign
	chmod 600 shared/foreign
	stack_one <<-'END'
		cap_add: [ALL]
		volumes: ["./shared:/s"]
		command:
		  - sh
		  - -c
		  - |
		    cat /s/foreign && echo read
		    chown 0 /s/foreign && echo owned
		    mknod /disk b 8 0 && echo mknod
		    echo -500 >/proc/self/oom_score_adj && echo oom
		    mount -o remount,rw /proc/sys && echo remounted
		    cat /proc/sys/kernel/panic >/panic && cat /panic >/proc/sys/kernel/panic && echo sysctl
		    echo the end
		    sleep 1000
	END
	mstack up -d
	wait_until log_has a 'the end'
	mstack logs --no-log-prefix a
	# With SYS_ADMIN what was mounted inside can be changed; what is seen there still belongs to somebody else.
	log_has a remounted
	[[ -z $(mstack logs --no-log-prefix a | grep -xE 'read|owned|mknod|oom|sysctl') ]]
	# The file of a stranger is shown as nobody's.
	[[ $(inside a stat -c %u /s/foreign) == 65534 ]]
	mstack down
}

@test "userns: files of a bind and of a volume keep their owners on disk" {
	mkdir shared
	touch shared/ours shared/mail
	chown 8:12 shared/mail
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    volumes: ["./shared:/s", "data:/d"]
		    command: [sh, -c, "stat -c %u:%g /s/ours /s/mail /d; touch /s/new /d/new; chown 33:44 /s/ours; sleep 1000"]
		  b: {image: busybox, user: "1000:1000", volumes: ["./shared:/s"], command: [sh, -c, "touch /s/no || echo refused; sleep 1000"]}
		volumes: {data: {}}
	END
	mstack up -d
	wait_until log_has b refused
	wait_until test -e shared/new
	wait_until log_count a : 3
	[[ $(mstack logs --no-log-prefix a | xargs) == '0:0 8:12 0:0' ]]
	owned() { [[ $(stat -c %u:%g shared/ours) == "$1" ]]; }
	wait_until owned 33:44
	[[ $(stat -c %u:%g shared/new) == 0:0 ]]
	[[ $(stat -c %u:%g /var/lib/mstack/volumes/t_data/_data /var/lib/mstack/volumes/t_data/_data/new | xargs) == '0:0 0:0' ]]
	mstack down
	# And another stack, which has other ids, finds them as they are.
	stack other <<-'END'
		services: {a: {image: busybox, volumes: ["./shared:/s"], command: [stat, -c, "%u:%g", /s/new, /s/mail]}}
	END
	mstack up -d
	wait_until state_is a exited
	[[ $(mstack logs --no-log-prefix a | xargs) == '0:0 8:12' ]]
	mstack down
}

@test "userns: two stacks have ids of their own, also where the pool makes them meet" {
	local one two
	export MSTACK_ID_POOL=300000:131072
	stack one <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	mstack up -d
	one=$(first_id a)
	stack two <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	mstack up -d
	two=$(first_id a)
	[[ $((one + two)) == $((300000 + 365536)) && $one != "$two" ]]
	stack three <<<'services: {a: {image: busybox, command: [sleep, "1000"]}}'
	up_fails 1 'all 2 ranges' MSTACK_ID_POOL
	mstack down -p two
	mstack up -d
	[[ $(first_id a) == "$two" ]]
	mstack down -p three
	mstack down -p one
	MSTACK_ID_POOL=0:65536 up_fails 1 MSTACK_ID_POOL "host's own users"
}

@test "userns: the same ids the next time" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	local first
	first=$(first_id a)
	mstack down
	mstack up -d
	[[ $(first_id a) == "$first" ]]
	mstack down
}

@test "userns: a restart keeps the files of the container and their owners" {
	stack_one <<-'END'
		restart: always
		command: [sh, -c, "cat /mine /theirs; stat -c %u:%g / /mine /theirs; echo x >/mine; touch /theirs; chown 33:44 /theirs; chown 5 /; sleep 1000"]
	END
	mstack up -d
	wait_until inside a test -e /theirs
	root_is() { [[ $(inside a stat -c %u:%g /) == "$1" ]]; }
	wait_until root_is 5:0
	local first upper=/var/lib/mstack/projects/t/slots/a-1/upper
	first=$(first_id a)
	[[ $(stat -c %u:%g $upper/mine $upper/theirs | xargs) == "$first:$first $((first + 33)):$((first + 44))" ]]
	kill -KILL "$(field a Pid)"
	wait_until log_has a 33:44
	[[ $(mstack logs --no-log-prefix a | grep -v cat: | tail -n 4 | xargs) == 'x 5:0 0:0 33:44' ]]
	mstack down
}

@test "userns: userns_mode: host opts out" {
	stack_one <<-'END'
		userns_mode: host
		user: "1000"
		command: [sh, -c, "echo reopened >/dev/stdout; sleep 1000"]
	END
	mstack up -d
	wait_until log_has a reopened
	[[ $(first_id a) == 0 ]]
	[[ /proc/$(field a Pid)/ns/user -ef /proc/self/ns/user ]]
	[[ $(inside a id -u) == 0 ]]
	[[ $(awk '$1 == "Uid:" { print $2 }' "/proc/$(field a Pid)/status") == 1000 ]]
	mstack down
	stack_one <<<'userns_mode: private'
	mstack up -d
	mstack down
	stack_one <<<'userns_mode: keep-id'
	up_fails 3 userns_mode 'private or host'
}

@test "userns: a file system that cannot be id-mapped is named, with the way out" {
	mkdir -p shared/below
	mount -t ramfs ramfs shared
	stack_one <<-'END'
		volumes: ["./shared:/s"]
		command: [sh, -c, "touch /s/new; sleep 1000"]
	END
	up_fails 125 stack.yaml: "$PWD/shared'" '(ramfs)' 'userns_mode: host'
	umount shared
	mount -t ramfs ramfs shared/below
	up_fails 125 "$PWD/shared'" 'below it' 'userns_mode: host'
	sed -i 's/image: busybox/&\n    userns_mode: host/' stack.yaml
	mstack up -d
	wait_until test -e shared/new
	mstack down
	umount shared/below
}

@test "userns: an image on such a file system as well" {
	mkdir -p image upper work merged
	mkdir image/bin
	cp /bin/busybox image/bin/sleep
	mount -t overlay overlay merged -o lowerdir=image,upperdir=upper,workdir=work
	stack <<<'services: {a: {image: ./merged, command: [sleep, "1000"]}}'
	up_fails 125 "$PWD/merged'" '(overlay)' 'userns_mode: host'
	stack <<<'services: {a: {image: ./merged, userns_mode: host, command: [sleep, "1000"]}}'
	mstack up -d
	mstack down
	umount merged
}

@test "userns: an id that a container does not have" {
	stack_one <<<'user: "70000"'
	up_fails 3 stack.yaml: 70000 '0 to 65535' 'userns_mode: host'
	stack_one <<-'END'
		user: "70000"
		userns_mode: host
		command: [sleep, "1000"]
	END
	mstack up -d
	mstack down
}

@test "userns: health checks run as the container's own root" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		healthcheck: {test: "id -u >/now && cat /proc/self/uid_map >>/now && mv /now /checked", interval: 200ms, start_period: 40s}
	END
	mstack up -d
	wait_until health_is a healthy
	[[ $(inside a cat /checked | xargs) == "0 0 $(first_id a) 65536" ]]
	[[ $(inside a stat -c %u /checked) == 0 ]]
	mstack down
}

@test "userns: ranges of a lost ledger are found again" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	local sup guard
	sup=$(supervisor)
	for guard in $(other_mstack "$sup"); do
		kill -STOP "$guard"
	done
	kill -KILL "$sup"
	for guard in $(other_mstack "$sup"); do
		kill -KILL "$guard"
	done
	rm /run/mstack/t/ledger
	[[ -n $(ls -A /run/mstack/.ids) ]]
	mstack down -p t
	[[ ! -e /run/mstack/.ids ]]
}
