# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What `points` and `kept` have in common: who is who, the auditor's word, and how it is told. Sourced by them; $NAME is the slice in
# words, $point the number of the call, $bad how many things were wrong.
#
# With MSTACK_AS=ann the stack is that user's (tests/e2e/lib/users.bash): `mstack` is a program that becomes the user, the current folder is the
# home, and $RUN and $DATA are the user's own folders. All that looks stays root, whom nothing is hidden from.

RUN=/run/mstack DATA=/var/lib/mstack
# What nthcall is told of whose command it is.
WHOSE=()
if [[ -n ${MSTACK_AS:-} ]]; then
	# shellcheck source=tests/e2e/lib/users.bash
	source "${BASH_SOURCE[0]%/*}/../e2e/lib/users.bash"
	# A test that is an ordinary user's already has them.
	[[ -e /run/users/passwd ]] || { users && tunnels; } || exit 1
	cd "/home/$MSTACK_AS" || exit 1
	mstack_of "$MSTACK_AS" "$PWD/bin" </dev/null
	RUN=/run/user/$(id -u "$MSTACK_AS")/mstack DATA=$PWD/.local/share/mstack
	export MSTACK_RUN_DIR=$RUN MSTACK_DATA_DIR=$DATA
	WHOSE=(-u)
fi

wrong() {
	bad=$((bad + 1))
	echo "WRONG $NAME, point $point ($(head -n 1 report 2>/dev/null)): $*"
	sed 's/^/    | /' audit.out up.err 2>/dev/null | grep -v 'left out:' | tail -n 25 | cut -c 1-250
}

# Roots of mstack's own processes. The supervisor has the guard as its child.
guard() {
	local dir comm
	for dir in /proc/[0-9]*; do
		{ read -r comm <"$dir/comm"; } 2>/dev/null || continue
		[[ $comm == mstack-guard ]] && echo "${dir#/proc/}" && return
	done
}
supervisor() { awk '$1 == "PPid:" { print $2 }' "/proc/$(guard)/status" 2>/dev/null; }

# Of what runs already: nthcall WORDS... around the function of that name. Sets `code`; 124 when it did not come to its end.
around() {
	local action=$1 tracer tries=0
	shift
	: >attached
	timeout -k 5 60 nthcall -o report -p "$SUP" -g "$GUARD" "$@" >attached &
	tracer=$!
	until [[ -s attached ]] || ((++tries > 400)); do sleep 0.01; done
	"$action"
	wait "$tracer"
	code=$?
}

# Who has cleared up after `down` may be a moment about its own end.
await_nobody() {
	local i
	for ((i = 0; i < 2000; i++)); do
		pgrep '^(mstack|pas)' >/dev/null || return 0
		sleep 0.02
	done
	ps ax >&2
	exit 1
}

look() { audit check before "$@" >audit.out 2>&1; }

clean() {
	timeout 30 mstack down -p t >down.out 2>&1
	local status=$?
	((status == 0)) || { cat down.out >>up.err; wrong "down ended with $status"; }
	look 5 "${1:-}" || { wrong 'left after down'; rescue; }
}

# So that one mistake does not make the next points wrong as well.
rescue() {
	look 0 || { audit snapshot before; echo '    (looked at as the new beginning)'; }
}
