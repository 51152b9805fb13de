# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Loaded by every .bats file here: `load lib/common`. Each test runs in a sandbox of its own, from setup to teardown,
# and a leak audit around it. Uses $BUILD (the build folder, default `build` in the root of the source), and reads
# nothing else from the environment.

E2E=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$(cd "$E2E/../.." && realpath -m "${BUILD:-build}")
PATH=$BUILD:$E2E/lib:/usr/sbin:/usr/bin:/sbin:/bin
export PATH BUILD
export NO_COLOR=1 LC_ALL=C.UTF-8
unset MSTACK_RUN_DIR MSTACK_DATA_DIR MSTACK_FILE COMPOSE_FILE COMPOSE_PROJECT_NAME "${!MSTACK_TEST_@}"

# A hanging test ends itself; the sandbox takes all it started along.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-90}

# bats runs each test by a process of its own, which reads this file: that process starts again inside a sandbox. So all
# of a test, its background jobs and its process ids included, is inside.
if [[ ${0##*/} == bats-exec-test && -z ${MSTACK_SANDBOX:-} && $EUID == 0 ]]; then
	mapfile -d '' -t argv <"/proc/$$/cmdline"
	rmdir "$BATS_TEST_TMPDIR"
	exec sandbox "${argv[@]}"
fi

setup() {
	((EUID == 0)) || skip 'needs root'
	cd "$BATS_TEST_TMPDIR" || return
	audit snapshot audit.before
}

teardown() {
	[[ -z ${MSTACK_SANDBOX:-} ]] && return
	cd "$BATS_TEST_TMPDIR" || return
	audit check audit.before
}
