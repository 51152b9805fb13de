# SPDX-License-Identifier: GPL-2.0-or-later
#
# The default container, row by row: what its processes, mounts and files of the kernel are like when the stack file says nothing
# about it. What cannot be done in it is tried by probe.bats, the filter is compared by the unit tests.

load lib/common

# A service `a` that runs `sh -c` on standard input to its end; its output goes to $output.
by_default() {
	mkdir -p image/bin image/etc
	cp "$(command -v busybox)" image/bin/busybox
	local name
	for name in sh grep sed cat ls stat id env sort awk df readlink dirname touch; do
		ln -s busybox "image/bin/$name"
	done
	printf 'root:x:0:0::/:/bin/sh\n' >image/etc/passwd
	cat >image/script
	stack <<<'services: {a: {image: ./image, command: [sh, /script]}}'
	mstack up -d
	wait_until state_is a exited
	output=$(mstack logs --no-log-prefix a)
	echo "$output"
	mstack down
}

@test "defaults: a process has podman's capabilities, no groups, no new privileges, a filter, default signals, a umask" {
	by_default <<<'exec grep -E "^(Groups|Sig(Blk|Ign|Cgt)|Cap...|NoNewPrivs|Seccomp|Umask|Threads):" /proc/self/status'
	[[ $(tr -s '\t ' '  ' <<<"$output") == "\
Umask: 0022
Groups: 
Threads: 1
SigBlk: 0000000000000000
SigIgn: 0000000000000000
SigCgt: 0000000000000000
CapInh: 0000000000000000
CapPrm: 00000000800405fb
CapEff: 00000000800405fb
CapBnd: 00000000800405fb
CapAmb: 0000000000000000
NoNewPrivs: 1
Seccomp: 2" ]]
}

@test "defaults: limits, oom score, range of ping, environment, time" {
	by_default <<-'END'
		sed -n 's/^\(Max core\|Max open\|Max locked\) [^0-9]*\([0-9]*\) *\([0-9]*\).*/\1 \2 \3/p' /proc/self/limits
		cat /proc/self/oom_score_adj
		cat /proc/sys/net/ipv4/ping_group_range
		env | grep -vE '^(SHLVL|PWD)=' | sort
		readlink /proc/self/ns/time
		awk '{ print $2, $3 }' /proc/self/timens_offsets | sort -u
	END
	# No more than we have ourselves.
	local open
	open=$(ulimit -Hn)
	[[ $open != unlimited ]] && ((open < 524288)) || open=524288
	[[ ${output//$'\t'/ } == "\
Max core 0 0
Max open 1024 $open
Max locked 8388608 8388608
0
0 65535
HOME=/
HOSTNAME=a
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
$(readlink /proc/self/ns/time)
0 0" ]]
}

@test "defaults: mounts and their flags, none shared with anybody" {
	by_default <<-'END'
		awk '$2 ~ "^/(proc|sys|sys/fs/cgroup|dev|dev/.*)?$" {
			n = split($4, flag, ","); had = ""
			for (i = 1; i <= n; i++) if (flag[i] ~ "^(ro|rw|nosuid|nodev|noexec|size=.*)$") had = had "," flag[i]
			print $2, $3, substr(had, 2)
		}' /proc/mounts | sort
		grep -cE ' (shared|master):' /proc/self/mountinfo
		ls /dev | grep -vE '^(fd|std.*|core|ptmx)$' | sort | sed 's,^,/dev/,' | while read -r f; do stat -c '%n %F %t:%T' $f; done
		for f in fd stdin stdout stderr core ptmx; do readlink /dev/$f; done
	END
	[[ $output == "\
/ overlay rw,nodev
/dev tmpfs rw,nosuid,noexec,size=64k
/dev/mqueue mqueue rw,nosuid,nodev,noexec
/dev/pts devpts rw,nosuid,noexec
/dev/shm tmpfs rw,nosuid,nodev,noexec,size=65536k
/proc proc rw,nosuid,nodev,noexec
/sys sysfs ro,nosuid,nodev,noexec
/sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec
0
/dev/full character special file 1:7
/dev/mqueue directory 0:0
/dev/null character special file 1:3
/dev/pts directory 0:0
/dev/random character special file 1:8
/dev/shm directory 0:0
/dev/tty character special file 5:0
/dev/urandom character special file 1:9
/dev/zero character special file 1:5
/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
/proc/kcore
pts/ptmx" ]]
}

# A mask over each that this kernel has; the others are told by the list itself.
@test "defaults: masked and read-only files of the kernel" {
	by_default <<-'END'
		for p in acpi asound config.gz interrupts kallsyms kcore keys kpagecgroup kpagecount kpageflags latency_stats \
			sched_debug scsi slabinfo timer_list timer_stats vmallocinfo; do
			[ ! -e /proc/$p ] || grep -q " /proc/$p tmpfs " /proc/mounts || [ -z "$(cat /proc/$p 2>&1)" ] || echo "/proc/$p"
		done
		for p in devices/virtual/powercap firmware fs/bpf fs/pstore kernel/debug kernel/security kernel/tracing \
			$(cd /sys && ls -d devices/system/cpu/cpu*/thermal_throttle 2>/dev/null); do
			[ ! -e /sys/$p ] || grep -q " /sys/$p tmpfs ro," /proc/mounts || echo "/sys/$p"
		done
		for p in bus fs irq sys sysrq-trigger; do
			[ ! -e /proc/$p ] || grep -q " /proc/$p proc ro,nosuid,nodev,noexec" /proc/mounts || echo "/proc/$p"
		done
		echo the end
	END
	[[ $output == 'the end' ]]
}
