# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Loaded by every .bats file here: `load lib/common`. Each test runs in a sandbox of its own, from setup to teardown,
# with a leak audit around it; its working folder is empty, and `stack <<END` writes the stack.yaml that mstack finds
# there. Uses $BUILD (the build folder, default `build` in the root of the source).

E2E=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$(cd "$E2E/../.." && realpath -m "${BUILD:-build}")
PATH=$BUILD:$E2E/lib:/usr/sbin:/usr/bin:/sbin:/bin
export PATH BUILD
export NO_COLOR=1 LC_ALL=C.UTF-8
unset "${!COMPOSE_@}" MSTACK_FILE MSTACK_PROJECT_NAME MSTACK_RUN_DIR MSTACK_DATA_DIR

# A hanging test ends itself; the sandbox takes all it started along.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-180}
# What wait_until waits at most, in seconds: for a busy machine, not for what is promised.
PATIENCE=40

# bats runs each test by a process of its own, which reads this file: that process starts again inside a sandbox. So all
# of a test, its background jobs and its process ids included, is inside.
if [[ ${0##*/} == bats-exec-test && -z ${MSTACK_SANDBOX:-} && $EUID == 0 ]]; then
	mapfile -d '' -t argv <"/proc/$$/cmdline"
	rmdir "$BATS_TEST_TMPDIR"
	exec sandbox "${argv[@]}"
fi

# A file's setup_file cannot skip by itself: it exports SKIP_ALL, the reason.
setup() {
	((EUID == 0)) || skip 'needs root'
	[[ -z ${SKIP_ALL:-} ]] || skip "$SKIP_ALL"
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return
	await_clock
	audit snapshot ../audit.before
	[[ -n ${MSTACK_AS:-} ]] || return 0
	# shellcheck source=tests/e2e/lib/users.bash
	source "$E2E/lib/users.bash"
	become "$MSTACK_AS"
}

# The clock that bats starts for each test is a shell (whose pid bats keeps in this variable) and a process of it; on a
# busy machine the second one may come so late that the audit would take it for one that the stack left behind.
await_clock() {
	while [[ -n ${BATS_killer_pid:-} && -d /proc/$BATS_killer_pid && -z $(<"/proc/$BATS_killer_pid/task/$BATS_killer_pid/children") ]]; do
		sleep 0.01
	done
}

# Nothing of the stack may be left; a test that failed says what there was instead.
teardown() {
	[[ -z ${MSTACK_SANDBOX:-} || -n ${BATS_TEST_SKIPPED:-} ]] && return
	cd "$BATS_TEST_TMPDIR/work" || return
	if [[ -n $BATS_TEST_COMPLETED ]]; then
		audit check ../audit.before
	else
		timeout 5 mstack ps -a || :
		timeout 5 mstack logs -n 20 | cut -c 1-300 || :
		tail -n 20 up.out up.err 2>/dev/null | cut -c 1-300 || :
	fi
}

# ---- stacks ----

# stack [NAME] <<END: the stack file `stack.yaml` of the project NAME (t).
stack() {
	{
		echo "name: ${1:-t}"
		cat
	} >stack.yaml
}

# One service `a` that does nothing; further lines of it from standard input, indented by nothing.
stack_one() {
	{
		echo 'services:'
		echo '  a:'
		echo '    image: busybox'
		sed 's/^/    /'
	} | stack "$@"
}

# Services, the first of which says its `x` and then does not stop before data/go is there; others may be added.
slow_until_go() {
	mkdir data && chmod 777 data
	cat <<-'END'
		services:
		  slow:
		    image: busybox
		    command: [sh, -c, "trap : TERM; echo x is $$x; until [ -e /data/go ]; do sleep 0.05; done"]
		    environment: {x: "1"}
		    volumes: ["./data:/data"]
		    stop_grace_period: 100s
	END
}

# mstack up in the foreground, in the background of the test: $UP is its pid, up.out and up.err what it says. A shell's
# background job would ignore SIGINT.
up_foreground() {
	# What an earlier one said is not to be taken for its words.
	rm -f up.out up.err
	env --default-signal=INT,QUIT mstack up "$@" >up.out 2>up.err &
	# shellcheck disable=SC2034 # for the tests
	UP=$!
}

# ends_with CODE PID: the background job ends, with this exit code.
ends_with() {
	local code=0
	wait "$2" || code=$?
	if [[ $code != "$1" ]]; then
		echo "ended with $code instead of $1"
		return 1
	fi
}

# Pid of the supervisor of project $1 (t): who runs as "mstack" and has children in the stack's cgroup, whose own children may be there, too. That of
# an ordinary user has no cgroup, but its ledger open, as a child has that it has just forked.
supervisor() {
	local pid parent comm
	if [[ -n ${MSTACK_AS:-} ]]; then
		for pid in $(pgrep -u "$MSTACK_AS" -x mstack); do
			[[ -n $(find "/proc/$pid/fd" -lname "*/${1:-t}/ledger*" 2>/dev/null) ]] || continue
			parent=$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status" 2>/dev/null)
			[[ -z $(find "/proc/$parent/fd" -lname "*/${1:-t}/ledger*" 2>/dev/null) ]] && echo "$pid"
		done
		return 0
	fi
	cat "$MSTACK_SANDBOX/mstack/${1:-t}"/*/cgroup.procs 2>/dev/null | while read -r pid; do
		parent=$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status" 2>/dev/null)
		{ read -r comm <"/proc/$parent/comm"; } 2>/dev/null || continue
		[[ $comm == mstack ]] || continue
		echo "$parent"
		break
	done
}

# Pids of all supervisors, guards ("mstack-guard") and standbys ("mstack-standby") but the one given. Who answers for names ends with its supervisor.
other_mstack() {
	local dir comm
	for dir in /proc/[0-9]*; do
		{ read -r comm <"$dir/comm"; } 2>/dev/null || continue
		[[ $comm == mstack* && $comm != mstack-net && ${dir#/proc/} != "${1:-}" ]] && echo "${dir#/proc/}"
	done
	return 0
}

# All of them at the same moment: held first, so that none does another one's work, or starts it again.
kill_mstack() {
	local pids
	mapfile -t pids < <(other_mstack)
	((${#pids[@]})) || return 0
	kill -STOP "${pids[@]}"
	kill -KILL "${pids[@]}"
	# Until then one of them may still hold the ledger, or be taken for one that lives.
	wait_until all_gone "${pids[@]}"
}

# ---- looking ----

# field SERVICE KEY: one value of `ps --format json`.
field() {
	mstack ps -a --format json | jq -r --arg s "$1" --arg k "$2" 'select(.Service == $s) | .[$k]'
}

state_is() { [[ $(field "$1" State) == "$2" ]]; }
health_is() { [[ $(field "$1" Health) == "$2" ]]; }
log_has() { mstack logs --no-color --no-log-prefix "$1" | grep -q -- "$2"; }

# wait_until COMMAND...: until it succeeds, or the patience ends and so does the test. It is tried once more then: we may not have run for long.
wait_until() {
	local deadline=$((SECONDS + PATIENCE)) late=0
	until "$@" >/dev/null 2>&1; do
		if ((late)); then
			echo "waited $PATIENCE s for: $*" >&2
			return 1
		fi
		sleep 0.1
		late=$((SECONDS > deadline))
	done
}

# theirs FILE...: the test plays its owner, who is whoever runs mstack.
theirs() { [[ -z ${MSTACK_AS:-} ]] || chown "$MSTACK_AS:" "$@"; }

# log_count SERVICE LINE [N]: it is in the log N times at least (1), where what a container wrote comes a moment later.
log_count() { (($(mstack logs --no-color --no-log-prefix "$1" | grep -c -- "$2") >= ${3:-1})); }
# listens SERVICE PORT: somebody does, in its network; its container runs before that.
listens() {
	local pid
	pid=$(field "$1" Pid | head -n 1)
	cat "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null | has_listener "$2"
}
# The same of the host.
host_listens() { cat /proc/net/tcp /proc/net/tcp6 | has_listener "$1"; }
has_listener() { awk -v port=":$(printf %04X "$1")\$" '$4 == "0A" && $2 ~ port { found = 1 } END { exit !found }'; }
# waits_in PROCESS CALL: it waits for something to happen, and has dealt with all that has.
waits_in() {
	local where=
	read -r where <"/proc/$1/wchan" || [[ $where ]] || return
	[[ $where =~ $2 ]]
}
# at_rest SUPERVISOR GUARD...: what had changed before is handed over. That is done at the end of a turn, or of the one in which the guard tells that it
# has what came before: so both are looked at twice, and once more a moment later. What a health check or a log changes meanwhile does not matter.
at_rest() {
	local pid look
	for look in 1 2 3 4; do
		waits_in "$1" 'epoll|ep_poll' || return
		for pid in "${@:2}"; do
			waits_in "$pid" poll || return
		done
		[[ $look != 2 ]] || sleep 0.02
	done
}

not() { ! "$@"; }
gone() { [[ ! -e /proc/$1 ]]; }
all_gone() {
	local pid
	for pid; do gone "$pid" || return; done
}
# runs_anew SERVICE PID: another process runs in its place. What was just killed may be called running for a moment.
runs_anew() {
	local pid
	pid=$(mstack ps -a --format json | jq -r --arg s "$1" 'select(.Service == $s and .State == "running").Pid')
	[[ $pid == [1-9]* && $pid != "$2" ]]
}

# inside SERVICE COMMAND...: in the namespaces of its running container, with all rights of its root.
inside() {
	local pid user=()
	pid=$(field "$1" Pid)
	shift
	# With `userns_mode: host` there is none to join.
	[[ /proc/$pid/ns/user -ef /proc/self/ns/user ]] || user=(--user --setuid 0 --setgid 0)
	nsenter --target "$pid" "${user[@]}" --mount --net --pid --uts --ipc -- "$@"
}

# level COMMAND...: in the network in which the bridges and rules of stacks are: the host's, or that of an ordinary user's stack.
level() {
	[[ -z ${MSTACK_AS:-} ]] || set -- nsenter --target "$(supervisor)" --net -- "$@"
	"$@"
}

# Not wget's own -T: Debian 12's static busybox crashes with it.
fetch() { timeout 20 busybox wget -q -O - "$1"; }
fetch_from_internet() { internet timeout 20 busybox wget -q -O - "$1"; }

# A web server of the internet at 203.0.113.10:80 whose /cgi-bin/who answers with the address that it was asked from.
internet_httpd() {
	mkdir -p www/cgi-bin
	# shellcheck disable=SC2016
	printf '#!/bin/sh\necho\necho "$REMOTE_ADDR"\n' >www/cgi-bin/who
	chmod +x www/cgi-bin/who
	internet busybox httpd -f -p 203.0.113.10:80 -h www 3>&- &
	# shellcheck disable=SC2034 # for the tests
	HTTPD=$!
	wait_until fetch http://203.0.113.10/cgi-bin/who
}

# ---- expecting ----

# expect_exit CODE COMMAND...: its output goes to $output, and is shown when the test fails.
expect_exit() {
	local code=$1
	shift
	output=$("$@" 2>&1) && status=0 || status=$?
	echo "$output"
	if [[ $status != "$code" ]]; then
		echo "exit code $status instead of $code: $*"
		return 1
	fi
}

# says TEXT...: each of them occurs in $output.
says() {
	local text
	for text; do
		if [[ $output != *"$text"* ]]; then
			echo "not said: $text"
			return 1
		fi
	done
}

# up_fails CODE TEXT...: `up -d` ends with CODE and says each TEXT; what it leaves is the audit's business.
up_fails() {
	local code=$1
	shift
	expect_exit "$code" timeout 60 mstack up -d
	says "$@"
}
