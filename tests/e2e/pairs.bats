# SPDX-License-Identifier: GPL-2.0-or-later
#
# A sample of the pairs of `make torture`: one random stack becomes another, and looks as if it had been started so. Always the
# same ones, by their numbers.

load lib/common

setup_file() {
	mkdir -p "$BUILD/torture"
	"${CC:-cc}" -std=gnu17 -O2 -Wall -Wextra -DRANDOMSTACK_MAIN -I"$E2E/.." "$E2E/../unit/plan/randomstack.c" -o "$BUILD/torture/randomstack"
}

pairs() { PATH=$BUILD/torture:$PATH "$E2E/../torture/pairs" "$@"; }

@test "pairs: one stack becomes another and back to less" { pairs 1 4; }
@test "pairs: wires and internal networks come and go" { pairs 9 3; }
@test "pairs: networks move to other subnets, under services that stay" { pairs 1013 3; }
