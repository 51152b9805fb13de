# SPDX-License-Identifier: GPL-2.0-or-later
#
# What was wrong in other runtimes, tried on this one: a test for each kind of mistake, named by its numbers. Each fails when
# the rule that it is about is taken out. Those that stand elsewhere:
#
#	CVE-2019-5736		exec.bats, hostile.bats: the program that enters is a sealed copy
#	CVE-2021-30465		tests/unit/box/test_root.c, test_swapped_target: targets of mounts swapped at the right moment
#	CVE-2024-45310		the same, test_swapped_way: folders on the way to them
#	CVE-2018-15664		copying to and from a container: cp.bats; here: layers

load lib/common
load lib/probe

# A service `a` of the image with the probe that does nothing; further keys of it from standard input.
sleeping() {
	{
		printf '%s\n' 'services:' '  a:' '    image: ./image' '    command: [sleep, "1000"]'
		sed 's/^/    /'
	} | stack
	mstack up -d
}

# What begins beside a tracer, health checks and commands, with descriptors of the client's own. (Who may trace and has the host's
# ids may look into everything in its pid namespace: what it finds there is a sealed copy, see hostile.bats.)
@test "CVE-2016-9962: what enters a container can be looked into by nobody there" {
	local mode
	probe_image
	for mode in 'cap_add: [SYS_PTRACE]' 'userns_mode: host'; do
		stack <<-END
			services:
			  a:
			    image: ./image
			    command: [sh, -c, "while /probe 'program of the runtime'; do :; done; echo SEEN; sleep 1000"]
			    healthcheck: {test: ["CMD", "/bin/busybox", "true"], interval: 100ms}
			    $mode
		END
		mstack up -d
		wait_until log_has a '0 let through'
		for _ in {1..25}; do
			mstack exec -T a /bin/busybox true 7</ 8<stack.yaml
		done
		# And nothing of the host's is handed on.
		[[ $(mstack exec -T a /bin/busybox ls /proc/self/fd 7</ 8<stack.yaml | xargs) == '0 1 2 3' ]]
		mstack logs --no-log-prefix a >seen
		not grep -v '0 let through' seen
		mstack down -t 0
	done
}

# Nothing that would look for libraries by what a container says: names of users are read by our own reader.
@test "CVE-2019-14271: no library of the container is loaded" {
	probe_image
	nm -D --undefined-only "$BUILD/mstack" >symbols
	[[ -s symbols ]]
	# One file opens a library: capture, for its filter, and it enters the network of a container, not its files.
	[[ $(nm -A "$BUILD"/lib/*.a 2>/dev/null | grep -E ' U dlm?open$' | cut -d : -f 2 | sort -u) == pcapfilter.o ]]
	not grep -E '\b(dlmopen|get(pw|gr|sp)[a-z_]+|initgroups|getgrouplist|(get(addr|name)info|gethostby[a-z_]+)|getserv[a-z]+|iconv_open|wordexp)\b' symbols
	mkdir -p image/lib/x86_64-linux-gnu
	echo 'passwd: evil' >image/etc/nsswitch.conf
	echo 'app:x:1000:1000::/:/bin/sh' >image/etc/passwd
	echo '__attribute__((constructor)) static void evil(void) { extern int mkdir(const char *, unsigned); mkdir("/tmp/loaded", 0777); }' >evil.c
	"${CC:-gcc}" -shared -o image/lib/x86_64-linux-gnu/libnss_evil.so.2 evil.c
	cp image/lib/x86_64-linux-gnu/libnss_evil.so.2 image/lib/
	sleeping </dev/null
	mstack exec -T -u app a /bin/busybox id | grep uid=1000
	not inside a /bin/busybox test -e /tmp/loaded
	[[ ! -e /tmp/loaded ]]
	mstack down
}

@test "CVE-2019-16884 CVE-2019-19921 CVE-2023-27561 CVE-2023-28642 CVE-2025-52881: a volume on a place of the kernel" {
	local target
	mkdir -p image/bin dir
	cp "$(command -v busybox)" image/bin/sleep
	ln -s /proc image/p
	ln -s /dev image/d
	ln -s ../sys/fs image/s
	for target in /proc /proc/sys /proc/self/attr /sys /sys/fs/cgroup /dev /dev/null /dev/pts /p /p/sys /p/1 /d /d/null \
		/d/urandom /s /s/cgroup /x/../proc /./dev/ /dev/tty /dev/ptmx /dev/fd /dev/stdout; do
		stack <<-END
			services: {a: {image: ./image, command: [sleep, "1000"], volumes: ["./dir:$target"]}}
		END
		up_fails 125 stack.yaml:
	done
	# Beside them is allowed.
	stack <<<'services: {a: {image: ./image, command: [sleep, "1000"], volumes: ["./dir:/dev/shm", "./dir:/dev/mine", "./dir:/process"]}}'
	mstack up -d
	mstack down
}

# Its agent is a program that the host's root executes, so nobody may come near one: there is no old hierarchy to be seen or
# mounted, and the one of the container's own is read-only, also for its root.
@test "CVE-2022-0492: no release agent, and no group of the container's own" {
	local mode
	probe_image
	for mode in '' 'userns_mode: host'; do
		sleeping <<<"$mode"
		# shellcheck disable=SC2016
		mstack exec -T a /bin/busybox sh -c '
			export PATH=/bin; busybox mkdir -p /mnt/x
			busybox find / -name release_agent 2>/dev/null | busybox grep . && echo FOUND
			busybox mount -t cgroup -o rdma cgroup /mnt/x 2>/dev/null && echo MOUNTED
			busybox mount -t cgroup -o none,name=mine cgroup /mnt/x 2>/dev/null && echo MOUNTED
			busybox unshare -UrmC busybox mount -t cgroup -o rdma cgroup /mnt/x 2>/dev/null && echo UNSHARED
			busybox mkdir /sys/fs/cgroup/mine 2>&1 | busybox grep -q Read-only || echo WRITABLE
			busybox grep -q " - cgroup " /proc/self/mountinfo && echo OLD
			busybox cat /proc/self/cgroup; echo end' >out
		cat out
		not grep -E 'FOUND|MOUNTED|UNSHARED|WRITABLE|OLD' out
		grep -x 0::/ out && grep -x end out
		mstack down -t 0
	done
}

@test "CVE-2022-29162 CVE-2022-27650: nobody inherits capabilities, whoever starts mstack" {
	local name
	probe_image
	stack <<-'END'
		services:
		  a: &a
		    image: ./image
		    command: [sleep, "1000"]
		    healthcheck: {test: "/bin/busybox grep CapInh /proc/self/status >/checking && /bin/busybox mv /checking /checked", interval: 100ms}
		  # A user namespace that is joined takes them away by itself.
		  b: {<<: *a, userns_mode: host}
	END
	with_caps() { setpriv --inh-caps=+chown,+net_raw,+sys_admin mstack "$@"; }
	with_caps up -d
	for name in a b; do
		wait_until health_is "$name" healthy
		with_caps exec -T "$name" /bin/busybox grep -h CapInh /proc/1/status /checked /proc/self/status
		with_caps exec -T -u 1000 "$name" /bin/busybox grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status
	done >out
	cat out
	[[ $(wc -l <out) == 14 && $(awk '{ print $2 }' out | sort -u) == 0000000000000000 ]]
	mstack down
}

@test "CVE-2024-21626 CVE-2019-5736: a working folder and a program by way of /proc" {
	local before n
	mkdir -p image/bin
	cp "$(command -v busybox)" image/bin/sleep
	before=$(sha256sum "$BUILD/mstack")
	for n in 3 4 5 6 7 8 9 10 11 12; do
		stack <<-END
			services: {a: {image: ./image, command: [sleep, "1000"], working_dir: /proc/self/fd/$n}}
		END
		up_fails 125 working_dir
	done
	# Nor by a link of the image, and not for a command that enters.
	ln -s /proc/self/fd image/descriptors
	for n in 3 4 5 6 7 8; do
		stack <<-END
			services: {a: {image: ./image, command: [sleep, "1000"], working_dir: /descriptors/$n}}
		END
		up_fails 125 working_dir
	done
	stack <<<'services: {a: {image: ./image, command: [sleep, "1000"]}}'
	mstack up -d
	for n in 3 4 5 6 7 8 9 10 11 12; do
		expect_exit 125 mstack exec -w "/proc/self/fd/$n" a sleep 0 7</ 8</
		expect_exit 125 mstack exec -w "/descriptors/$n/../.." a sleep 0 7</ 8</
	done
	mstack down
	# The program that is executed would be mstack itself: a sealed copy that is not for users of containers.
	stack <<<'services: {a: {image: ./image, entrypoint: [/proc/self/exe], command: [--version]}}'
	# An ordinary user is its root there: it is executed, and finds no loader in the image.
	up_fails "$([[ -n ${MSTACK_AS:-} ]] && echo 127 || echo 126)" /proc/self/exe
	[[ $(sha256sum "$BUILD/mstack") == "$before" ]]
}

# What other runtimes bind over files that they mask, and as a terminal, they take from the container's own /dev.
@test "CVE-2025-31133 CVE-2025-52565: a null device and a terminal of the container's own making" {
	probe_image
	mkdir -p image/dev/pts
	ln -s /proc/sysrq-trigger image/dev/null
	ln -s /proc/sys/kernel/core_pattern image/dev/pts/0
	sleeping </dev/null
	[[ $(inside a /bin/busybox stat -c '%F %t:%T' /dev/null /proc/kcore /proc/keys | sort -u) == 'character special file 1:3' ]]
	run typist mstack exec a /bin/busybox sh -c 'tty; [ -c /dev/pts/0 ] && echo good' </dev/null
	says /dev/pts/0 good 'exit: 0'
	# For what enters later: neither a file of its own nor a device in the place of /dev/null gets to be somebody's input.
	inside a /bin/busybox sh -c 'rm /dev/null; echo mine >/dev/null'
	expect_exit 125 mstack exec -d a /bin/busybox true
	says /dev/null
	inside a /bin/busybox sh -c 'rm /dev/null; ln -s /dev/zero /dev/null'
	expect_exit 125 mstack exec -d a /bin/busybox true
	says /dev/null
	mstack down -t 0
}

# As /dev/console it would be the container's with all rights, wherever that name leads. Its place is one of our own making in a
# /dev of our own making, whatever the image or an earlier run of the container has put there.
@test "CVE-2025-52565: the terminal of a service lands on its own /dev/console and nowhere else" {
	local way trap
	probe_image
	echo of the host >host-file
	for trap in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /dev/pts/0 console "$PWD/host-file"; do
		rm -rf image/dev
		mkdir -p image/dev/pts
		ln -s "$trap" image/dev/console
		ln -s /proc/sysrq-trigger image/dev/pts/0
		stack <<-'END'
			services:
			  a: {image: ./image, command: [sh, -c, "rm -f /dev/console; ln -s /proc/sysrq-trigger /dev/console; read go"], tty: true, stdin_open: true}
		END
		mstack up -d
		# The terminal, mounted there and on no other place; the kernel's files are as little writable as ever.
		[[ $(inside a /bin/busybox stat -c '%F %t:%T' /dev/console) == 'character special file 88:0' ]]
		inside a /bin/busybox awk '/ devpts / { print $5 }' /proc/1/mountinfo >at
		[[ $(sort at | xargs) == '/dev/console /dev/pts' ]]
		not inside a /bin/busybox sh -c 'echo x >/proc/sysrq-trigger' 2>/dev/null
		not inside a /bin/busybox sh -c 'echo x >/proc/sys/kernel/core_pattern' 2>/dev/null
		mstack down -t 0
	done
	[[ $(cat host-file) == 'of the host' ]]
	# Nor by a volume in its place: that of the user is covered, and stays what it is.
	for way in ./host-file ./a-link; do
		ln -sfn "$PWD/host-file" a-link
		stack <<<"services: {a: {image: ./image, command: [sh], tty: true, stdin_open: true, volumes: [\"$way:/dev/console\"]}}"
		mstack up -d
		[[ $(inside a /bin/busybox stat -c '%t:%T' /dev/console) == 88:0 ]]
		[[ $(stat -c '%F' host-file) == 'regular file' ]]
		mstack down -t 0
	done
}

@test "CVE-2026-41579 CVE-2026-47766: an image whose /dev, /proc or /sys is a link" {
	local name
	mkdir -p image/bin out
	cp "$(command -v busybox)" image/bin/sleep
	for name in dev proc sys; do
		rm -rf image/dev image/proc image/sys
		ln -s /etc "image/$name"
		mkdir -p image/etc/shm image/etc/pts
		stack <<<'services: {a: {image: ./image, command: [sleep, "1000"]}}'
		up_fails 125 "/$name" 'not a folder'
		rm "image/$name"
		ln -s "../../../../../../../..$PWD/out" "image/$name"
		up_fails 125 "/$name" 'not a folder'
		rm "image/$name"
	done
	[[ -z $(ls out) ]]
}

@test "CVE-2026-30892: a user is who he is called, or nobody at all" {
	local user
	probe_image
	echo 'app:x:1000:1000::/:/bin/sh' >image/etc/passwd
	sleeping </dev/null
	for user in ap appp app2 'app ' ' app' 1000x x1000 0x3e8 +1000 -1 1e3 4294967295 4294967296 18446744073709551616 65536 \
		app: :1000 : app:x 1000:-1 1000:4294967295 $'app\n' ../app; do
		run mstack exec -T -u "$user" a /bin/busybox id
		echo "'$user': $output"
		[[ $status == 125 && $output != *uid=* ]]
	done
	[[ $(mstack exec -T -u 01000 a /bin/busybox id -u) == 1000 ]]
	[[ $(mstack exec -T -u app a /bin/busybox id -u) == 1000 ]]
	mstack down
	for user in appp 1000x 0x3e8 +1000 -1 4294967296; do
		stack <<<"services: {a: {image: ./image, command: [sleep, '1000'], user: '$user'}}"
		expect_exit 125 mstack up -d
	done
}

@test "CVE-2026-31431: no address family but those of the house, by no door" {
	probe_image
	sleeping <<<'cap_add: [ALL]'
	expect_exit 0 mstack exec -T a /probe 'address families behind high bits' 'system calls of i386'
	mstack down
	sleeping </dev/null
	expect_exit 0 mstack exec -T a /probe 'address families' 'address families behind high bits' 'system calls of i386'
	mstack down
}

# A layer, in one file or in several, whose later entries go by links of the earlier ones.
@test "CVE-2018-15664 CVE-2024-23651: a layer that writes and removes by way of its own links" {
	local how
	mkdir -p evil/d victim base/bin
	echo untouched >victim/file
	echo bad >evil/file
	cp "$(command -v busybox)" base/bin/sleep
	tar -C base -cf base.tar .
	# refused SORT: what was packed, as a root file system or as a layer.
	refused() {
		if [[ $1 == layer ]]; then
			rm -rf lay && ocilayout lay v1 '{}' base.tar evil.tar
			expect_exit 1 mstack image import oci:lay:v1 evil
			says 'layer 2 of 2: '
		else
			expect_exit 1 mstack image import ./evil.tar evil
		fi
	}
	for how in "$PWD/victim" "../../../../../../../../../../../../..$PWD/victim"; do
		ln -sfn "$how" evil/link
		for name in link/file link/new; do
			tar -P -C evil --transform="flags=r;s,^file,$name," -cf evil.tar link file
			refused root
		done
		tar -P -C evil --transform="flags=r;s,^file,link/.wh.file," -cf evil.tar link file
		refused layer
	done
	# Hard links: to what a link leads to, and to a file outside.
	rm -f evil/hard && ln evil/file evil/hard
	for how in link/file "../../../../../../../../../../../../..$PWD/victim/file" "$PWD/victim/file"; do
		tar -P -C evil --transform="flags=h;s,.*,$how," -cf evil.tar link file hard
		refused root
	done
	[[ $(ls victim) == file && $(<victim/file) == untouched && $(stat -c %h victim/file) == 1 ]]
	# The link in one layer, the file in the next: what comes of it stays in the container.
	ln -sfn "$PWD/victim" evil/link && tar -C evil -cf one.tar link
	tar -C evil --transform='s,file,link/file,' -cf two.tar file
	rm -rf lay && ocilayout lay v1 '{"Cmd": ["sleep", "1000"]}' base.tar one.tar two.tar
	stack <<<'services: {a: {image: "oci:lay:v1"}}'
	mstack up -d
	mstack down
	[[ $(ls victim) == file && $(<victim/file) == untouched ]]
}
