# SPDX-License-Identifier: GPL-2.0-or-later
#
# The sandbox itself: private, complete, and gone afterwards.

load lib/common

@test "sandbox: own processes, host name, network, folders and cgroups" {
	[[ $(</proc/1/comm) == sandbox && $(hostname) == sandbox ]]
	[[ $(ip -o link | wc -l) == 2 ]]
	[[ -z $(ls /var/lib/mstack) ]]
	[[ $(</proc/self/cgroup) == *'0::/tests'* ]]
	[[ $(grep -c ' - cgroup2 ' /proc/self/mountinfo) == 1 ]]
}

@test "sandbox: the internet answers, and has no way back to containers" {
	internet_httpd
	[[ $(fetch http://203.0.113.10/cgi-bin/who) == 198.51.100.2 ]]
	not internet ip route get 10.1.2.3
	kill "$HTTPD"
}

@test "sandbox: SIGINT is not ignored by what it runs" {
	grep -q '^SigIgn:.*0$' /proc/self/status
}

@test "sandbox: orphans are reaped" {
	(
		sleep 0.1 &
		echo $! >pid
	)
	wait_until gone "$(<pid)"
}

@test "sandbox: exit code, and no trace after a kill" {
	# One inside the other is not wanted; the cgroup of this one is all that may be there.
	[[ $(find "$MSTACK_SANDBOX" -mindepth 1 -type d) == "$MSTACK_SANDBOX/tests" ]]
	local status=0
	env -u MSTACK_SANDBOX sandbox sh -c 'exit 7' || status=$?
	[[ $status == 7 ]]
	env -u MSTACK_SANDBOX sandbox sleep 1000 3>&- &
	local outer=$!
	wait_until test -d "$MSTACK_SANDBOX/mstack-test-$outer/tests"
	sleep 0.2
	kill "$outer"
	wait "$outer" || :
	[[ ! -e $MSTACK_SANDBOX/mstack-test-$outer ]]
}
