# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mstack by ordinary users: the level below them, its ids and folders, commands that go into it, and what is said where the host forbids it.

load lib/common
load lib/users

# A stack t of this user, in the home, with one service that does nothing.
sleeper() {
	user_stack "$1" <<-'END'
		services: {a: {image: busybox, command: [sh, -c, "echo hello; id -u; exec sleep 1000"]}}
	END
}

processes() { pgrep -u "$1" -x "$2" || :; }
none_of() { [[ -z $(processes "$1" "$2") ]]; }

@test "rootless: a stack from up to down, seen from all sides" {
	users
	sleeper ann
	expect_exit 0 as ann mstack up -d
	says 'a-1 started'
	wait_until bash -c 'source "$0"; as ann mstack logs --no-log-prefix | grep -qx 0' "$E2E/lib/users.bash"
	[[ $(as ann mstack logs --no-log-prefix) == $'hello\n0' ]]
	[[ $(as ann mstack ps --format '{{.Name}} {{.State}}') == 't-a-1 running' ]]
	[[ $(as ann mstack ls --format '{{.Name}} {{.Status}}') == 't running(1)' ]]
	[[ $(as ann mstack exec -T a id -u) == 0 ]]
	expect_exit 5 as ann mstack exec -T a sh -c 'exit 5'
	[[ $(as ann mstack exec -T -f - a hostname <stack.yaml) == a ]]
	[[ $(as ann mstack top --format '{{.CMD}}') == *sleep* ]]
	[[ $(as ann mstack cp a:/etc/hostname - | tar xO) == a ]]
	as ann mstack stop
	as ann mstack start
	run as ann mstack why
	says "'mstack up' (ann," "'mstack stop' (ann,"
	run as ann mstack doctor
	grep -E '^leftovers +ok' <<<"$output"
	as ann mstack down
	[[ -z $(ls -A /run/user/1000) ]]
}

# As far from the host as root's: who is in it sees its own of everything.
@test "rootless: a shell for an ordinary user is root, with all of its own" {
	users
	cd /home/ann
	mkdir -p alpine/bin alpine/proc
	cp /bin/busybox alpine/bin/sh
	for name in id hostname ip ps grep cat tty ls readlink; do ln -s sh "alpine/bin/$name"; done
	chown -R ann: alpine
	run as ann typist mstack run --rootfs ./alpine -- /bin/sh <<-'END'
		see #
		type id -u; hostname | grep -v sandbox\r
		see 0
		type tty; ip -o link | grep -c up0\r
		see /dev/
		see 0
		type ps | grep -c .\r
		type grep -E 'Seccomp:|NoNewPrivs:|CapBnd:' /proc/self/status\r
		see Seccomp:
		type ls / | cat\r
		see proc
		type exit 7\r
	END
	echo "$output"
	says 'NoNewPrivs:	1' 'Seccomp:	2' 'terminal: as before' 'exit: 7'
	# Not even a right that root has in a container of root's.
	grep -Eq 'CapBnd:.00000000' <<<"$output"
	[[ $output != *CapBnd:*3fffffffff* && $output != *CapBnd:*1ffffffffff* ]]
}

@test "rootless: what is the host's cannot be given by a user, and is told where it is asked for" {
	users
	local key
	for key in 'pid: host' 'ipc: host' 'network_mode: host'; do
		user_stack ann <<-END
			services:
			  a:
			    image: busybox
			    $key
		END
		expect_exit 3 as ann mstack up -d
		says "stack.yaml:5:" "service 'a': \`$key\` needs root"
	done
}

@test "rootless: what is the host's and comes into a stack that runs is refused before anything is done" {
	users
	user_stack ann <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"]}
	END
	as ann mstack up -d
	local pid
	pid=$(as ann mstack ps --format '{{.Pid}}')
	sed -i 's/1000/1001/; $ax-hosts: true' stack.yaml
	expect_exit 125 as ann mstack plan
	says 'x-hosts needs root' 'leave it out'
	expect_exit 125 as ann mstack up -d
	says 'x-hosts needs root' 'leave it out'
	[[ $(as ann mstack ps --format '{{.Pid}}') == "$pid" ]]
	sed -i '/x-hosts/d' stack.yaml
	as ann mstack up -d
	[[ $(as ann mstack ps --format '{{.Pid}}') != "$pid" ]]
	as ann mstack down
}

@test "rootless: config --security says that root of a container is the user outside" {
	users
	user_stack ann <<-'END'
		services:
		  a: {image: busybox}
		  b: {image: busybox, userns_mode: host}
		  c: {image: busybox, privileged: true}
	END
	run as ann mstack config --security
	echo "$output"
	[[ $(grep -Ec '^[abc] .* users +.*root of the container is the user outside' <<<"$output") == 3 ]]
	grep -E '^a +kept +users ' <<<"$output"
	grep -E '^c +weakened +devices +those of the host that the user may open' <<<"$output"
	[[ $output != *nobody* && $output != *'root of the host'* ]]
}

# The kernel keeps what lies under mounts of the host from who only brought them along.
@test "rootless: run in the host's own root; another folder in which something is mounted is no image, and that is told" {
	users
	cd /home/ann
	[[ $(as ann mstack run --rootfs / -- id -u) == 0 ]]
	expect_exit 125 as ann mstack run --rootfs /var -- /bin/true
	says "'/var': other file systems are mounted in it, and only root may show it"
}

@test "rootless: in the foreground, until Ctrl-C" {
	users
	sleeper ann
	as ann env --default-signal=INT,QUIT "$BUILD/mstack" up >up.out 2>up.err &
	local up=$!
	wait_until grep -q hello up.out
	kill -INT "$(as ann mstack ls --format '{{.Pid}}')"
	ends_with 130 "$up"
	[[ -z $(ls -A /run/user/1000) ]]
}

@test "rootless: two users and root have stacks of the same name, and nobody touches another's" {
	users
	local name
	for name in ann eve; do
		sleeper "$name"
		as "$name" mstack up -d
	done
	cd "$BATS_TEST_TMPDIR/work"
	stack <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"]}}
	END
	mstack up -d
	cd /home/ann
	as ann mstack down
	as ann mstack down
	[[ -z $(as ann mstack ls -q) ]]
	cd /home/eve
	run as eve mstack doctor
	grep -E '^leftovers +ok' <<<"$output"
	[[ $(as eve mstack exec -T a id -u) == 0 ]]
	[[ $(as eve mstack ps --format '{{.State}}') == running ]]
	cd "$BATS_TEST_TMPDIR/work"
	mstack exec -T a true
	# Whose socket it is, by its folder and by who asks.
	expect_exit 1 as ann env MSTACK_RUN_DIR=/run/user/1002/mstack mstack -p t ps
	mstack down
	cd /home/eve
	[[ $(as eve mstack ps --format '{{.State}}') == running ]]
	as eve mstack down
}

@test "rootless: kill -9 of the supervisor, of the guard and of the standby as well, leaves nothing" {
	users
	sleeper ann
	as ann mstack up -d
	kill -9 "$(as ann mstack ls --format '{{.Pid}}')"
	wait_until none_of ann sleep
	wait_until none_of ann mstack-guard
	[[ -z $(ls -A /run/user/1000) ]]
	as ann mstack up -d
	# shellcheck disable=SC2046 # numbers
	kill -9 $(processes ann mstack) $(processes ann mstack-guard)
	wait_until none_of ann sleep
	wait_until none_of ann mstack-standby
	[[ -z $(ls -A /run/user/1000) ]]
	as ann mstack up -d
	kill_mstack
	wait_until none_of ann sleep
	run as ann mstack doctor
	[[ $status == 6 ]]
	says "stack 't'" left
	as ann mstack down
	[[ -z $(ls -A /run/user/1000) ]]
	run as ann mstack doctor
	[[ $status != 6 ]]
}

# in_stack COMMAND...: in the namespaces of ann's supervisor.
in_stack() { nsenter --target "$(as ann mstack ls --format '{{.Pid}}')" --user --net --mount --setuid 0 --setgid 0 -- "$@"; }

@test "rootless: doctor looks into a stack that runs: what is missing, and what is in no ledger" {
	users
	sleeper ann
	as ann mstack up -d
	run as ann mstack doctor
	grep -E '^leftovers +ok' <<<"$output"
	in_stack ip link delete "$(in_stack ip -br link show type bridge | cut -d ' ' -f 1)"
	mkdir /home/ann/.local/share/mstack/projects/t/slots/b-9
	chown ann: /home/ann/.local/share/mstack/projects/t/slots/b-9
	run as ann mstack doctor --fix
	echo "$output"
	[[ $status == 6 ]]
	grep -E "^stack 't': bridge .* missing +it was made, and somebody else has removed it" <<<"$output"
	grep -E "^stack 't': layer .*/b-9 +left +the stack runs, but has not entered it" <<<"$output"
	[[ $(as ann mstack ps --format '{{.State}}') == running && -e /home/ann/.local/share/mstack/projects/t/slots/b-9 ]]
	as ann mstack down
	run as ann mstack doctor --fix
	[[ $status != 6 && ! -e /home/ann/.local/share/mstack/projects/t/slots/b-9 ]]
	grep -E '^leftovers +ok' <<<"$output"
}

# A change of ids takes a process its death signal: then the ledger has to know it, as no group does.
@test "rootless: who has given up its death signal ends with the supervisor all the same" {
	users
	user_stack ann <<-'END'
		services: {a: {image: busybox, command: [httpd, -f, -u, "1000:1000"], stop_signal: SIGKILL}}
	END
	as ann mstack up -d
	wait_until pgrep -u 100999 -x httpd
	kill -9 "$(as ann mstack ls --format '{{.Pid}}')"
	wait_until not pgrep -x httpd
	wait_until none_of ann mstack-guard
	[[ -z $(ls -A /run/user/1000) ]]
	as ann mstack up -d
	wait_until pgrep -u 100999 -x httpd
	kill -9 "$(as ann mstack ls --format '{{.Pid}}')" "$(pgrep -x mstack-guard)"
	wait_until not pgrep -x httpd
	wait_until none_of ann mstack-standby
	[[ -z $(ls -A /run/user/1000) ]]
}

# As systemd does it with the last session.
@test "rootless: a stack whose run-time folder is gone lives, and nobody takes its files for leftovers" {
	users
	sleeper ann
	as ann mstack up -d
	as ann mstack exec -T a touch /mine
	rm -r /run/user/1000/mstack
	local sup command
	sup=$(pgrep -o -u ann -x mstack)
	for command in 'up -d' down ps 'stop a' 'exec -T a true'; do
		# shellcheck disable=SC2086 # several words
		expect_exit 1 as ann mstack $command
		says "stack 't' is already up (supervisor is process $sup; end it with \`kill $sup\`), but '/run/user/1000/mstack/t' is not its folder"
	done
	[[ -e $(echo /home/ann/.local/share/mstack/projects/t/slots/a-1/upper/mine) ]]
	kill "$sup"
	wait_until none_of ann mstack
	as ann mstack up -d
	as ann mstack down
}

@test "rootless: another program goes on with the stack" {
	users
	sleeper ann
	as ann mstack up -d
	local sup pid
	sup=$(as ann mstack ls --format '{{.Pid}}')
	pid=$(as ann mstack ps --format '{{.Pid}}')
	kill -USR2 "$sup"
	wait_until grep -q 'goes on' "/run/user/1000/mstack/t/supervisor.log"
	[[ $(as ann mstack ls --format '{{.Pid}}') == "$sup" ]]
	[[ $(as ann mstack ps --format '{{.Pid}}') == "$pid" ]]
	as ann mstack exec -T a true
	as ann mstack down
}

# Where no session is, and with the folder of who one was before.
@test "rootless: without a run-time folder of the own there is one in /tmp, which nobody else can have made" {
	users
	user_stack ann <<<'services: {a: {image: busybox}}'
	cp "$BUILD"/mstack* /run/users
	cat >/run/users/try <<-'END'
		mount -t tmpfs -o mode=1777 tmp /tmp
		PATH=/run/users:$PATH
		cd /home/ann
		ann() { setpriv --reuid 1000 --regid 1000 --clear-groups env "$@"; }
		export HOME=/home/ann
		rmdir /run/user/1000
		echo "none $(ann -u XDG_RUNTIME_DIR mstack ls -q) $(stat -c %U:%a /tmp/mstack-1000)"
		echo "other's $(ann XDG_RUNTIME_DIR=/run/user/1001 mstack -p t ps 2>&1)"
		rmdir /tmp/mstack-1000
		install -d -o 1001 -m 777 /tmp/mstack-1000
		ann -u XDG_RUNTIME_DIR mstack volume create x && ann -u XDG_RUNTIME_DIR mstack up
		ann -u XDG_RUNTIME_DIR mstack ls -q
		rmdir /tmp/mstack-1000
		ln -s /home/ann /tmp/mstack-1000
		chown -h 1000 /tmp/mstack-1000
		ann -u XDG_RUNTIME_DIR mstack up
		rm /tmp/mstack-1000
		install -d -o 1000 -m 755 /tmp/mstack-1000
		ann -u XDG_RUNTIME_DIR mstack up
		rmdir /tmp/mstack-1000
	END
	run unshare --mount bash /run/users/try
	echo "$output"
	says 'none  ann:700' "run-time folder: '/tmp/mstack-1000' is somebody else's: set XDG_RUNTIME_DIR to a folder that is yours alone" \
		"run-time folder: '/tmp/mstack-1000' is no folder" "run-time folder: '/tmp/mstack-1000' is open to others"
	[[ $output != */run/mstack* ]]
	[[ $output != *running* ]]
	rm /run/users/mstack* /run/users/try
	mkdir /run/user/1000
}

@test "rootless: the store of an ordinary user is in the own folders" {
	users
	cd /home/ann
	as ann mstack volume create data
	[[ $(as ann mstack volume ls -q) == data ]]
	[[ -d /home/ann/.local/share/mstack && $(stat -c %U /home/ann/.local/share/mstack) == ann ]]
	[[ -z $(as eve mstack volume ls -q) ]]
	[[ -z $(mstack volume ls -q) ]]
	XDG_DATA_HOME=/home/ann/elsewhere as ann mstack volume create other
	[[ -d /home/ann/elsewhere/mstack ]]
	[[ $(as ann mstack volume ls -q) == data ]]
}

# In a user namespace with all our ids, where the limit is its own and not the machine's.
forbidden_to_ann() {
	unshare --user sleep 1000 &
	local holder=$! code=0
	wait_until not test "/proc/$holder/ns/user" -ef /proc/self/ns/user
	echo 0 0 500000 >"/proc/$holder/uid_map"
	echo 0 0 500000 >"/proc/$holder/gid_map"
	# shellcheck disable=SC2016 # expanded by the shell that is started
	nsenter --target "$holder" --user --setuid 0 --setgid 0 bash -c 'echo 0 >/proc/sys/user/max_user_namespaces
		source "$0"; as ann "$@"' "$E2E/lib/users.bash" "$@" || code=$?
	kill "$holder"
	return "$code"
}

@test "rootless: doctor tells what this user has, and what would grant the rest" {
	users
	cd /home/ann
	run as ann mstack doctor
	echo "$output"
	grep -E "^user namespaces of one's own +ok" <<<"$output"
	grep -E '^ranges of user and group ids +ok +65536 users, 65536 groups' <<<"$output"
	grep -E '^published ports below 1024 +absent +from 1024 on' <<<"$output"
	says 'published ports below 1024: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80'
	grep -E '^root rights +ok' <<<"$output"
	grep -E '^bridge +ok' <<<"$output"
	grep -E '^leftovers +ok' <<<"$output"
	# What it says to do is enough for it.
	echo 80 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	run as ann mstack doctor
	echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	grep -E '^published ports below 1024 +ok +from 80 on' <<<"$output"
	cd /home/bob
	run as bob mstack doctor
	grep -E '^ranges of user and group ids +absent +no line in /etc/subuid and /etc/subgid for bob' <<<"$output"
	# Others have 100000 to 165535 and 300000 to 365535: a line to be pasted as it is.
	grep -E ': sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 bob$' <<<"$output"
	local subuid
	subuid=$(</etc/subuid)
	echo bob:165536:65536 >>/etc/subuid
	run as bob mstack doctor
	grep -E '^ranges of user and group ids +absent +no line in /etc/subgid for bob' <<<"$output"
	grep -E ': sudo usermod --add-subgids 165536-231071 bob$' <<<"$output"
	echo "$subuid" >/etc/subuid
	run forbidden_to_ann mstack doctor
	grep -E "^user namespaces of one's own +MISSING +the sysctl user.max_user_namespaces is 0" <<<"$output"
	says "user namespaces of one's own: sudo sysctl -w user.max_user_namespaces="
}

@test "rootless: doctor from a folder that is not the user's, and for a data folder that is not" {
	users
	mkdir -m 700 /run/users/closed
	cd /run/users/closed
	run as ann mstack doctor
	echo "$output"
	grep -E '^openat2 +ok' <<<"$output"
	grep -E '^data folder +ok' <<<"$output"
	cd /home/ann
	rmdir /run/users/closed
	install -d -m 700 /home/ann/.local/share/mstack
	run as ann mstack doctor
	echo "$output"
	[[ $status == 1 ]]
	grep -E "^data folder +MISSING +'/home/ann/.local/share/mstack' is somebody else's" <<<"$output"
	says 'data folder: set XDG_DATA_HOME to a folder of your own'
	[[ $output != *'attributes in the data folder'* ]]
	expect_exit 1 as ann mstack image ls
	says "data folder '/home/ann/.local/share/mstack' ('/home/ann/.local/share/mstack' is somebody else's: set XDG_DATA_HOME to"
	export XDG_DATA_HOME=/root/x
	run as ann mstack doctor
	[[ $status == 1 ]]
	grep -E "^data folder +MISSING +'/root' is somebody else's" <<<"$output"
	expect_exit 1 as ann mstack image ls
	says "data folder '/root/x/mstack' ('/root' is somebody else's: set XDG_DATA_HOME to"
	unset XDG_DATA_HOME
	chown ann: /home/ann/.local/share/mstack
	run as ann mstack doctor
	grep -E '^data folder +ok' <<<"$output"
}

@test "rootless: the sysctl that forbids user namespaces is named, with its cure" {
	users
	run forbidden_to_ann mstack volume ls
	echo "$output"
	[[ $status == 1 ]]
	says 'user.max_user_namespaces is 0' 'sudo sysctl -w user.max_user_namespaces='
	run forbidden_to_ann mstack run --image busybox -- true
	[[ $status == 125 ]]
}

# As a directory service numbers its users.
@test "rootless: a user whose own id is in the middle of what was given as a range has the rest of it" {
	users
	echo dan:x:100500:100500::/home/dan:/bin/sh >>/run/users/passwd
	echo dan:x:100500: >>/run/users/group
	echo dan:100000:65536 >>/run/users/subuid
	echo dan:100000:65536 >>/run/users/subgid
	install -d -m 700 -o 100500 -g 100500 /home/dan /run/user/100500
	cd /home/dan
	# shellcheck disable=SC2016 # expanded inside
	run as dan mstack run -q --image busybox -- sh -c 'id -u; touch /f && chown 500:501 /f && stat -c %u:%g /f; cat /proc/self/uid_map'
	echo "$output"
	[[ $(tail -n 5 <<<"$output" | xargs) == '0 500:501 0 0 1 1 1 500 501 501 65035' ]]
	run as dan mstack doctor
	grep -E "^user namespaces of one's own +ok" <<<"$output"
	grep -E '^ranges of user and group ids +ok +65535 users, 65535 groups' <<<"$output"
	rm -r /run/user/100500
}

@test "rootless: a user without ranges is told what that means, and what would help" {
	users
	user_stack bob <<-'END'
		services: {a: {image: busybox, command: [sleep, "1000"]}}
	END
	run as bob mstack up -d
	grep -E 'one user id only.*/etc/subuid.*: sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 bob$' <<<"$output"
	as bob mstack down
}
