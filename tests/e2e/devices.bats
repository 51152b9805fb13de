# SPDX-License-Identifier: GPL-2.0-or-later
#
# Devices: those of the host that a service is given, those that it makes itself, and what `privileged` gives. The machine's own
# devices are never opened: nodes have the major number 4000, which no driver can have, so opening one says "no such device"
# where it is allowed, and "not permitted" where the device program of the cgroup forbids it; on a file system without devices it
# says "permission denied". What a container may do to /proc, /sys and disks is only looked at, from flags of mounts.

load lib/common

# An image with the applets that are needed; tries FILE MODE... is a command in it that says why each opening fails.
device_image() {
	mkdir -p image/bin
	cp "$(command -v busybox)" image/bin/busybox
	local name
	for name in sh sleep mknod stat ls grep cat head wc id mount sed test true touch rm; do
		ln -s busybox "image/bin/$name"
	done
	cat >image/bin/tries <<-'END'
		#!/bin/sh
		file=$1
		shift
		for mode; do
			case $mode in
			r) (: <"$file") ;;
			w) (: >>"$file") ;;
			esac 2>&1 | sed -n "s,.*: ,$mode: ,p;"
		done
	END
	chmod 755 image/bin/tries
}

# A service `a` of that image with these keys.
stack_device() {
	{
		printf '%s\n' 'services:' '  a:' '    image: ./image'
		sed 's/^/    /'
	} | stack
}

# The log of `a` that ran to its end.
ran() {
	rm -rf /var/lib/mstack/projects/t/logs
	mstack up -d
	wait_until state_is a exited
	output=$(mstack logs --no-log-prefix a)
	echo "$output"
	mstack down
}

OPENS='No such device or address'
BARRED='Operation not permitted'
NODEV='Permission denied'

@test "devices: a node of the host, with its owner, mode and permissions" {
	device_image
	mknod -m 640 mine c 4000 7
	chown 5:6 mine
	stack_device <<-END
		devices: ["$PWD/mine:/dev/deep/mine:r", "$PWD/mine", {source: $PWD/mine, target: /dev/other}, /dev/null]
		command: [sh, -c, "stat -c '%a %u:%g %t:%T' /dev/deep/mine $PWD/mine; tries /dev/deep/mine r w; tries $PWD/mine r"]
	END
	ran
	# A device is one: what one entry allows is allowed by each of its names.
	[[ $output == "640 5:6 fa0:7"$'\n'"640 5:6 fa0:7"$'\n'"r: $OPENS"$'\n'"w: $OPENS"$'\n'"r: $OPENS" ]]
	stack_device <<-END
		devices: ["$PWD/mine:/dev/mine:r"]
		command: [tries, /dev/mine, r, w]
	END
	ran
	[[ $output == "r: $OPENS"$'\n'"w: $BARRED" ]]
	# Also to another start, to a command in it, and to one with all rights of its root.
	stack_device <<-END
		devices: ["$PWD/mine:/dev/mine:r"]
		restart: always
		command: [sh, -c, "tries /dev/mine w; sleep 1000"]
	END
	mstack up -d
	# The one before it has said so, too.
	wait_until log_count a "$BARRED" 2
	kill -KILL "$(field a Pid)"
	wait_until log_count a "$BARRED" 3
	wait_until state_is a running
	[[ $(mstack exec -T a tries /dev/mine r w) == "r: $OPENS"$'\n'"w: $BARRED" ]]
	[[ $(mstack exec -T --privileged a tries /dev/mine r w) == "r: $OPENS"$'\n'"w: $BARRED" ]]
	mstack down
}

@test "devices: who may use one is told by its owner, group and mode" {
	device_image
	mknod -m 660 mine c 4000 7
	chown 0:20 mine
	stack_device <<-END
		devices: ["$PWD/mine:/dev/mine"]
		user: "1000"
		command: [tries, /dev/mine, r]
	END
	ran
	[[ $output == "r: $NODEV" ]]
	sed -i 's/user: "1000"/&\n    group_add: ["20"]/' stack.yaml
	ran
	[[ $output == "r: $OPENS" ]]
}

@test "devices: a folder of them, and one outside of /dev" {
	device_image
	mkdir -p nodes/sub
	mknod nodes/one c 4000 1
	mknod nodes/sub/two b 4000 2
	mknod nodes/null c 4000 3
	touch nodes/file
	stack_device <<-END
		devices: ["$PWD/nodes:/dev", "$PWD/nodes/one:/data/one"]
		read_only: true
		volumes: [{type: tmpfs, target: /data}]
		command: [sh, -c, "tries /dev/one r; tries /dev/sub/two r; tries /data/one r; test -e /dev/file || stat -c %t:%T /dev/null"]
	END
	ran
	[[ $output == "r: $OPENS"$'\n'"r: $OPENS"$'\n'"r: $OPENS"$'\n'1:3 ]]
}

@test "devices: what cannot be is told with its place" {
	stack_one <<<'devices: [/dev/no-such-device]'
	up_fails 125 stack.yaml:5 "'/dev/no-such-device'" 'no such file'
	touch plain
	stack_one <<<"devices: ['$PWD/plain:/dev/x']"
	up_fails 125 stack.yaml:5 'neither a device nor a folder'
	stack_one <<<'devices: ["/dev/null:/dev/zero"]'
	up_fails 125 stack.yaml:5 "'/dev/zero'" 'standard device'
	stack_one <<<'devices: ["/dev/full:/proc/x"]'
	up_fails 125 stack.yaml:5 "'/proc/x'"
	stack_one <<<'devices: ["vendor.example/gpu=0"]'
	up_fails 3 stack.yaml:5 "CDI name 'vendor.example/gpu=0'" plugins
	stack_one <<<'device_cgroup_rules: ["c 5000:1 r"]'
	up_fails 3 stack.yaml:5 'no such devices' 4095
}

# With the host's ids and CAP_MKNOD every device of the host can be named.
@test "devices: what a container of the host's ids makes itself cannot be opened" {
	device_image
	stack_device <<-'END'
		userns_mode: host
		cap_add: [MKNOD]
		command:
		  - sh
		  - -c
		  - |
		    mknod /dev/mine c 4000 7
		    mknod /dev/full2 c 1 7
		    mknod /full3 c 1 7
		    tries /dev/mine r w
		    tries /full3 r
		    head -c 3 /dev/full2 | wc -c
	END
	ran
	[[ $output == "r: $BARRED"$'\n'"w: $BARRED"$'\n'"r: $NODEV"$'\n'3 ]]
	# In a user namespace none can be made.
	sed -i '/userns_mode/d' stack.yaml
	ran
	[[ $(grep -c 'mknod: .*not permitted' <<<"$output") == 3 ]]
}

@test "devices: device_cgroup_rules, for nodes that are made and for those of a bound folder" {
	device_image
	mkdir bound
	mknod -m 666 bound/seven c 4000 7
	mknod -m 666 bound/eight c 4000 8
	stack_device <<-'END'
		userns_mode: host
		cap_add: [MKNOD]
		device_cgroup_rules: ["c 4000:7 r", "b *:3 rwm"]
		volumes: ["./bound:/b"]
		command: [sh, -c, "mknod /dev/x c 4000 7; mknod /dev/y b 4000 3; tries /dev/x r w; tries /dev/y r w; tries /b/seven r w; tries /b/eight r"]
	END
	ran
	[[ $output == "r: $OPENS"$'\n'"w: $BARRED"$'\n'"r: $OPENS"$'\n'"w: $OPENS"$'\n'"r: $OPENS"$'\n'"w: $BARRED"$'\n'"r: $BARRED" ]]
	# In a user namespace too, and without a rule none is of use.
	stack_device <<-'END'
		device_cgroup_rules: ["c 4000:7 r"]
		volumes: ["./bound:/b"]
		command: [sh, -c, "tries /b/seven r w; tries /b/eight r"]
	END
	ran
	[[ $output == "r: $OPENS"$'\n'"w: $BARRED"$'\n'"r: $BARRED" ]]
	sed -i /device_cgroup_rules/d stack.yaml
	ran
	[[ $output == "r: $NODEV"$'\n'"w: $NODEV"$'\n'"r: $NODEV" ]]
}

@test "devices: privileged gives all rights, all devices and files of the kernel, in namespaces of its own" {
	device_image
	stack_device <<-'END'
		privileged: true
		command:
		  - sh
		  - -c
		  - |
		    grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
		    grep -E '^(proc|sysfs|cgroup2) ' /proc/mounts | sed 's/^\([a-z0-9]*\) \([^ ]*\) [a-z0-9]* \(..\).*/\2 \3/'
		    grep -c ' /proc/.* \| /sys/firmware ' /proc/mounts
		    sed -n 's/^overlay . overlay \(rw\),\(nodev\)*.*/root \1 \2/p' /proc/mounts
		    mknod /mine c 4000 7
		    tries /mine r
		    stat -c 'kmsg %t:%T' /dev/kmsg
		    test -e /dev/console || echo no console
		    cat /proc/self/uid_map
		    sleep 1000
	END
	mstack up -d
	wait_until log_has a 4294967295
	output=$(mstack logs --no-log-prefix a)
	echo "$output"
	local all pid kind
	all=$(awk '$1 == "CapBnd:" { print $2 }' /proc/self/status)
	[[ $output == *"CapEff:"$'\t'"$all"* && $output == *"CapBnd:"$'\t'"$all"* ]]
	says $'NoNewPrivs:\t0' $'Seccomp:\t0' '/proc rw' '/sys rw' '/sys/fs/cgroup rw' $'\n0\n' 'root rw ' "r: $OPENS" 'kmsg 1:b' 'no console'
	[[ $output != *nodev* ]]
	pid=$(field a Pid)
	for kind in mnt pid net uts ipc cgroup; do
		[[ ! /proc/$pid/ns/$kind -ef /proc/self/ns/$kind ]]
	done
	[[ /proc/$pid/ns/user -ef /proc/self/ns/user ]]
	# A command in it has the same.
	[[ $(mstack exec -T a grep -E '^(CapEff|Seccomp):' /proc/self/status | xargs) == "CapEff: $all Seccomp: 0" ]]
	mstack down
}

@test "devices: privileged obeys what else is said" {
	device_image
	stack_device <<-'END'
		privileged: true
		cap_drop: [SYS_MODULE]
		security_opt: [no-new-privileges]
		command: [sh, -c, "grep -E '^(CapEff|NoNewPrivs):' /proc/self/status"]
	END
	ran
	says $'NoNewPrivs:\t1'
	[[ $output =~ CapEff:[[:blank:]]([0-9a-f]+) ]]
	((!(0x${BASH_REMATCH[1]} >> 16 & 1) && 0x${BASH_REMATCH[1]} >> 21 & 1))
	stack_device <<<$'privileged: true\nuserns_mode: private'
	up_fails 3 stack.yaml:6 userns_mode "'private' excludes 'privileged'"
}

@test "devices: systempaths=unconfined takes the masks away, and gives no rights" {
	device_image
	stack_device <<-'END'
		security_opt: [systempaths=unconfined]
		command: [sh, -c, "grep -c ' /proc/' /proc/mounts; head -c 1 /proc/interrupts | wc -c; tries /proc/sys/kernel/panic w; touch /sys/x || echo no"]
	END
	ran
	[[ $(grep -v touch <<<"$output") == $'0\n1\n'"w: $NODEV"$'\nno' ]]
}
