# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ordinary users for tests, loaded after common: `load lib/users`, then `users` in the test. They are of the sandbox only: its own
# /etc/passwd, /etc/subuid and /etc/subgid, homes and run-time folders on its own /run.
#
#	ann	1000, with ranges of ids
#	bob	1001, with none
#	eve	1002, with others than ann's

users() {
	local dir=/run/users name
	mkdir -p "$dir" /run/user
	grep -Ev '^(ann|bob|eve):|:100[012]:' /etc/passwd >"$dir/passwd"
	grep -Ev '^(ann|bob|eve):|:100[012]:' /etc/group >"$dir/group"
	printf '%s\n' ann:100000:65536 eve:300000:65536 >"$dir/subuid"
	cp "$dir/subuid" "$dir/subgid"
	for name in ann:1000 bob:1001 eve:1002; do
		local user=${name%:*} id=${name#*:}
		echo "$user:x:$id:$id::/home/$user:/bin/sh" >>"$dir/passwd"
		echo "$user:x:$id:" >>"$dir/group"
	done
	for name in passwd group subuid subgid; do
		# Where the machine has none there is nothing to cover.
		[[ -e /etc/$name ]] || { echo "users: no /etc/$name to put ours over" >&2 && return 1; }
		mount --bind "$dir/$name" "/etc/$name"
	done
	mount -t tmpfs -o mode=755 sandbox-home /home
	for name in ann:1000 bob:1001 eve:1002; do
		mkdir -m 700 "/home/${name%:*}" "/run/user/${name#*:}"
		chown "${name#*:}:${name#*:}" "/home/${name%:*}" "/run/user/${name#*:}"
	done
	# They were there before the test.
	[[ -z ${BATS_TEST_TMPDIR:-} ]] || audit snapshot "$BATS_TEST_TMPDIR/audit.before"
}

# as USER COMMAND...: as this user, as after a login, in the home if we are not in a folder that is open to all.
as() {
	local id
	id=$(id -u "$1")
	HOME=/home/$1 USER=$1 XDG_RUNTIME_DIR=/run/user/$id \
		setpriv --reuid "$id" --regid "$id" --clear-groups "${@:2}"
}

# user_stack USER [NAME] <<END: as `stack`, and we go there: the home of that user.
user_stack() {
	cd "/home/$1" || return
	stack "${@:2}"
	chown "$1:" stack.yaml
}

# What systemd and udev do elsewhere: the node for tunnels is everybody's, and so are sockets for ping. pasta wants a link-local address on the
# way to the internet, else it carries no IPv6.
tunnels() {
	mknod -m 666 /run/users/tun c 10 200
	mount --bind /run/users/tun /dev/net/tun
	echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range
	ip addr add fe80::2/64 dev up0 nodad
	# The kernel makes its route in its own time, which the audit would tell of.
	local tries
	for ((tries = 0; tries < 2000; tries++)); do
		[[ $(ip -6 route show table local dev up0) != *'local fe80::2 '* ]] || return 0
		sleep 0.01
	done
}

# mstack_of USER FOLDER: makes `mstack` a program in that folder, which is this user's mstack; it begins with the lines of standard input.
mstack_of() {
	local id
	id=$(id -u "$1")
	mkdir -p "$2"
	{
		echo '#!/bin/bash'
		cat
		echo "export HOME=/home/$1 XDG_RUNTIME_DIR=/run/user/$id"
		echo "exec setpriv --reuid $id --regid $id --clear-groups \"$BUILD/mstack\" \"\$@\""
	} >"$2/mstack"
	chmod 755 "$2/mstack"
	PATH=$2:$PATH
}

# ---- the suite as an ordinary user ----

# Why this test cannot be run as an ordinary user: the line of `rootless.list` whose beginning, up to the bar, is that of its name.
not_for_users() {
	local name reason
	while IFS='|' read -r name reason; do
		[[ $name != '#'* && -n $reason && $BATS_TEST_DESCRIPTION == "${name%% }"* ]] && echo "${reason# }" && return
	done <"$E2E/rootless.list"
	return 1
}

# become USER: for the rest of the test `mstack` is that of this user of users.bash, who owns what the test writes; its folders are where root's are,
# so that tests find them. The rest of the test is root still: it plays the host.
become() {
	local why
	why=$(not_for_users) && skip "as an ordinary user: $why"
	users
	tunnels
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	install -d -m 700 -o "$1" -g "$1" /run/mstack
	chown "$1:" /var/lib/mstack
	mstack_of "$1" "$BATS_TEST_TMPDIR/bin" <<-END
		[[ \$PWD != $BATS_TEST_TMPDIR/* ]] || "$E2E/lib/give" $1 "$BATS_TEST_TMPDIR/work"
		: "\${MSTACK_RUN_DIR=/run/mstack}" "\${MSTACK_DATA_DIR=/var/lib/mstack}"
		export MSTACK_RUN_DIR MSTACK_DATA_DIR
	END
	audit snapshot ../audit.before
}
