# SPDX-License-Identifier: GPL-2.0-or-later
#
# A sample of `make torture`: the supervisor and who helps it killed at some of their system calls, and some of these made to
# fail. Always the same points, one more than a multiple of a number: what differs from run to run hides.

load lib/common

# Beside the program: the tool that counts system calls.
setup_file() {
	mkdir -p "$BUILD/torture"
	"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra "$E2E/../torture/nthcall.c" -o "$BUILD/torture/nthcall" -lseccomp
}

# points crash|fail SCENARIO ROLE FIRST STEP
points() { PATH=$BUILD/torture:$PATH "$E2E/../torture/points" "$@"; }

@test "torture: the supervisor killed at a call between up and its end" { points crash life sup 40 331; }
@test "torture: the supervisor killed while it is told to stop" { points crash down sup 30 211; }
@test "torture: the supervisor killed while it restarts services" { points crash restart sup 20 397; }
@test "torture: the supervisor killed while another program takes its place" { points crash exchange sup 25 443; }
@test "torture: supervisor and guard killed at the same call" { points crash life both 60 397; }
@test "torture: a guard killed while it is set up is started again" { points crash life guard 2 6; }
@test "torture: a child killed while it sets up a container" { points crash life child 50 411; }
@test "torture: who answers for names killed at a call" { points crash life net 30 71; }
@test "torture: a call of the supervisor that fails" { points fail life sup 11 199; }
@test "torture: a call that fails in a child which sets up a container" { points fail life child 9 167; }
