# SPDX-License-Identifier: GPL-2.0-or-later
#
# Samples of the storms of `make torture`: a supervisor does not grow by them, and who is not part of one does not notice.

load lib/common

setup_file() {
	mkdir -p "$BUILD/torture"
	"${CC:-cc}" -std=gnu17 -O2 -Wall -Wextra -static "$E2E/../torture/zombies.c" -o "$BUILD/torture/zombies"
}

storm() { PATH=$BUILD/torture:$PATH "$E2E/../torture/storms" "$@"; }

@test "storms: quick exits of a service that is restarted at once" { storm exits 60; }
@test "storms: services that ignore SIGTERM are told to stop" { storm stubborn 3; }
@test "storms: a log that nobody can read as fast as it is written, and a reader that sleeps" { storm flood 2; }
@test "storms: dead children that nobody reaps" { storm zombies 1000; }
@test "storms: services restarted ten times" { storm crowd 8; }
