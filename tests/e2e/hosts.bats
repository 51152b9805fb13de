# SPDX-License-Identifier: GPL-2.0-or-later
#
# x-hosts: the names of a stack in the host's own hosts file, as long as it is up. The sandbox has one of its own.

load lib/common

lab() {
	cp /etc/hosts hosts.before
	stack "$@" <<-'END'
		x-hosts: true
		services:
		  web: {image: busybox, command: [sleep, "1000"], networks: [front, back]}
		  db: {image: busybox, command: [sleep, "1000"], container_name: store, networks: [back]}
		  none: {image: busybox, command: [sleep, "1000"], network_mode: none}
		networks:
		  front: {enable_ipv6: true}
		  back: {internal: true}
	END
}

as_before() { cmp /etc/hosts hosts.before; }

# /etc/hosts as on a machine: a file in a folder, not a mount.
own_etc() {
	mkdir "$BATS_TEST_TMPDIR/upper" "$BATS_TEST_TMPDIR/over"
	mount -t tmpfs upper "$BATS_TEST_TMPDIR/upper"
	mkdir "$BATS_TEST_TMPDIR/upper/u" "$BATS_TEST_TMPDIR/upper/w"
	mount -t overlay etc /etc -o "lowerdir=/etc,upperdir=$BATS_TEST_TMPDIR/upper/u,workdir=$BATS_TEST_TMPDIR/upper/w"
	mount --bind /run/sandbox/resolv.conf /etc/resolv.conf
	printf '127.0.0.1 localhost\n# the last line has no newline' >/etc/hosts
	audit snapshot ../audit.before
}

@test "hosts: a running stack gets its names into the file, and out of it, by up" {
	lab
	sed -i '/x-hosts/d' stack.yaml
	mstack up -d
	as_before
	sed -i '1i x-hosts: true' stack.yaml
	mstack plan >out
	grep 'x-hosts: false -> true' out
	mstack up -d
	[[ -n $(getent ahostsv4 web.t) ]]
	expect_exit 0 mstack plan --exit-code
	sed -i 's/x-hosts: true/x-hosts: false/' stack.yaml
	mstack up -d
	as_before
	mstack down
	as_before
}

@test "hosts: the host finds containers by their names, in both families; down takes that back, byte for byte" {
	own_etc
	lab
	mode=$(stat -c %a:%u:%g /etc/hosts)
	mstack up -d
	cat /etc/hosts
	[[ $(getent ahostsv4 web.t | sort -u | wc -l) -ge 2 ]]
	[[ $(getent ahostsv6 t-web-1 | awk '$1 ~ /^fd/' | wc -l) -gt 0 ]]
	[[ $(getent hosts db.t) == *store* ]]
	busybox ping -c 1 -W 5 store
	busybox ping -6 -c 1 -W 5 web.t
	not getent hosts db
	[[ $(grep -c none /etc/hosts) == 0 ]]
	# What is written meanwhile stays.
	sed -i '1i 192.0.2.1 mine' /etc/hosts
	sed -i '1i 192.0.2.1 mine' hosts.before
	mstack down
	as_before
	[[ $(stat -c %a:%u:%g /etc/hosts) == "$mode" ]]
	not compgen -G '/etc/hosts?*'
	sed -i 1d /etc/hosts
}

@test "hosts: two stacks, each with its own lines, also where the file is a mount" {
	lab one
	mstack up -d
	sed -i 's/name: one/name: two/; s/container_name: store, //' stack.yaml
	mstack up -d
	cat /etc/hosts
	[[ $(getent hosts web.two) && $(getent hosts web.one) && $(getent hosts store) ]]
	mstack -p one down
	[[ $(getent hosts web.two) ]]
	not grep one /etc/hosts
	mstack -p two down
	as_before
}

@test "hosts: after kill -9 of the supervisor nothing is left, without any command" {
	lab
	mstack up -d
	grep -q mstack:t /etc/hosts
	kill -9 "$(supervisor)"
	wait_until as_before
	mstack down
}

@test "hosts: supervisor and guard killed, the ledger lost: down finds the lines by their mark" {
	lab
	mstack up -d
	kill_mstack
	rm /run/mstack/t/ledger
	wait_until mstack down
	as_before
}

@test "hosts: who does not ask for it has no names there; an isolated stack is told why" {
	cp /etc/hosts hosts.before
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	as_before
	mstack down
	lab
	mstack up -d --isolated 2>err
	grep -q 'x-hosts: left out' err
	as_before
	mstack down
}

@test "hosts: a file that cannot be written to: the stack does not begin" {
	lab
	mount -o remount,bind,ro /etc/hosts
	expect_exit 1 mstack up -d
	says x-hosts '/etc/hosts'
	mount -o remount,bind,rw /etc/hosts
	as_before
	mstack down
}
