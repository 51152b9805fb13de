# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Loaded by every .bats file here. These tests start no stack and need no right: each has an empty folder of its own, for work,
# run-time files and data.

BUILD=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && realpath -m "${BUILD:-build}")
PATH=$BUILD:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8 TERM=xterm
unset "${!COMPOSE_@}" "${!MSTACK_@}" NO_COLOR CLICOLOR_FORCE

setup() {
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return
	export MSTACK_RUN_DIR=$BATS_TEST_TMPDIR/run MSTACK_DATA_DIR=$BATS_TEST_TMPDIR/data
}

# expect CODE COMMAND...: both streams go to $output, which is shown when the test fails.
expect() {
	local code=$1
	shift
	run "$@"
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

# says_not TEXT...: none of them does.
says_not() {
	local text
	for text; do
		if [[ $output == *"$text"* ]]; then
			echo "said: $text"
			return 1
		fi
	done
}

# one_line: an error is told once, in one line.
one_line() {
	[[ ${#lines[@]} == 1 ]]
}

# stack FILE NAME: a stack file with one service, called after the project.
stack() {
	printf 'name: %s\nservices:\n  svc-%s:\n    image: busybox\n' "$2" "$2" >"$1"
}

# on_terminal COMMAND...: runs it with a terminal as its standard streams.
on_terminal() {
	script -q -e -c "$(printf '%q ' "$@")" /dev/null </dev/null
}
