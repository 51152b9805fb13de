#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The scenarios of tests/scenarios with real containers; tests/unit/sup/test_scenarios.c runs the same files with made-up ones.

load lib/common

SCENARIOS=$BATS_TEST_DIRNAME/../scenarios

restarts_are() {
	local n
	n=$(field "$1" Restarts)
	[[ $2 == 0 && $n == 0 || $2 != 0 && $n -ge $2 ]]
}

stays() {
	local end=$(($(date +%s%3N) + $3))
	until (($(date +%s%3N) > end)); do
		state_is "$1" "$2"
	done
}

step() {
	case $1 in
	expect) wait_until state_is "$2" "$3" ;;
	health) wait_until health_is "$2" "$3" ;;
	restarts) wait_until restarts_are "$2" "$3" ;;
	stays) stays "$2" "$3" "$4" ;;
	well) mstack exec -T "$2" touch /well ;;
	sick) mstack exec -T "$2" rm -f /well ;;
	kill) kill -9 "$(field "$2" Pid)" ;;
	exit) mstack exec -T "$2" sh -c "echo $3 >/exit.new && mv /exit.new /exit" ;;
	*) echo "'$1' is no word of the language" >&2 && false ;;
	esac
}

play() {
	{
		cat "$SCENARIOS/actors.yaml"
		sed '/^---$/,$d' "$SCENARIOS/$1.txt"
	} | stack
	mstack up -d 3>&- &
	local up=$!
	wait_until mstack ps
	while read -r -a words; do
		echo "${words[*]}"
		step "${words[@]}"
	done < <(sed '1,/^---$/d' "$SCENARIOS/$1.txt")
	mstack down
	wait "$up" || :
}

@test "scenario: order after a crash" { play crash-order; }
@test "scenario: a restart budget" { play budget; }
@test "scenario: unhealthy" { play unhealthy; }
@test "scenario: a job is done once" { play job; }
@test "scenario: policies" { play policies; }
