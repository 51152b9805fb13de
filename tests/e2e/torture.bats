# SPDX-License-Identifier: GPL-2.0-or-later
#
# A sample of `make torture`: the supervisor and who helps it killed at some of their system calls, and some of these made to
# fail. Always the same points, one more than a multiple of a number: what differs from run to run hides.
# Takes long, so tools/check begins with it.

load lib/common

# Beside the program: the tool that counts system calls.
setup_file() {
	mkdir -p "$BUILD/torture"
	"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra "$E2E/../torture/nthcall.c" -o "$BUILD/torture/nthcall" -lseccomp
}

# torture PROGRAM ARGUMENT...: with at least one point that was tried: numbers of calls change with the code.
torture() {
	local code=0
	PATH=$BUILD/torture:$PATH "$E2E/../torture/$1" "${@:2}" >"$BATS_TEST_TMPDIR/slice" || code=$?
	cat "$BATS_TEST_TMPDIR/slice"
	[[ $(<"$BATS_TEST_TMPDIR/slice") =~ ([0-9]+)\ points.*\ ([0-9]+)\ not\ reached ]]
	((BASH_REMATCH[1] > BASH_REMATCH[2] && code == 0))
}
# points crash|fail SCENARIO ROLE FIRST STEP
points() { torture points "$@"; }
# kept SCENARIO ROLE FIRST STEP
kept() { torture kept "$@"; }

# user PROGRAM ARGUMENT...: the same of an ordinary user's stack.
user() {
	# shellcheck source=tests/e2e/lib/users.bash
	source "$E2E/lib/users.bash"
	[[ -n ${MSTACK_AS:-} ]] || { users && tunnels && audit snapshot ../audit.before; }
	MSTACK_AS=ann torture "$@"
}

@test "torture: the supervisor killed at a call between up and its end" { points crash life sup 40 331; }
@test "torture: the supervisor killed while it is told to stop" { points crash down sup 30 211; }
@test "torture: the supervisor killed while it restarts services" { points crash restart sup 20 397; }
@test "torture: the supervisor killed while another program takes its place" { points crash exchange sup 25 443; }
@test "torture: the supervisor killed while it reads its file again and restarts a service for it" { points crash reload sup 30 397; }
@test "torture: who reads the file again killed at a call" { points crash reload store 15 97; }
@test "torture: supervisor and guard killed at the same call" { points crash life both 60 397; }
@test "torture: a guard killed while it is set up is started again" { points crash life guard 2 6; }
@test "torture: a standby killed while it is set up, and nobody notices" { points crash life standby 1 4; }
@test "torture: supervisor and guard killed at the same call, with a service that has changed its ids" { points crash restart both 20 797; }
@test "torture: a child killed while it sets up a container" { points crash life child 50 411; }
@test "torture: who answers for names killed at a call" { points crash life net 30 71; }
@test "torture: a call of the supervisor that fails" { points fail life sup 11 199; }
@test "torture: a call that fails in a child which sets up a container" { points fail life child 9 167; }
@test "torture: keep: the supervisor killed while it restarts services, and the next up" { kept restart sup 60 211; }
@test "torture: keep: the supervisor killed while it reads its file again, and the next up" { kept reload sup 200 251; }
@test "torture: keep: the supervisor killed while a port moves and a network is new, and the next up" { kept nets sup 906 197; }
@test "torture: keep: the supervisor killed while all start for the first time, with a wire, and the next up" { kept first sup 221 121; }
@test "torture: keep: the supervisor killed while containers are removed and made again, and the next up" { kept remade sup 132 184; }
@test "torture: keep: who takes the stack up killed, and the next up" { kept adopt sup 250 173; }
@test "torture: keep: who hands the stack over killed, and the next up" { kept adopt keeper 30 60; }
@test "torture: keep: supervisor and guard killed at the same call, and the next up" { kept restart both 150 307; }
@test "torture: keep: who takes the stack up for its end killed" { kept end sup 300 401; }
@test "torture: user: the supervisor killed at a call between up and its end" { user points crash life sup 40 397; }
@test "torture: user: who asks newuidmap for ids, and newuidmap, killed at a call" { user points crash life mapper 5 79; }
@test "torture: user: who is left in the host's network killed at a call" { user points crash life porch 3 11; }
@test "torture: user: keep: who takes the stack up killed, and the next up" { user kept adopt sup 250 401; }
