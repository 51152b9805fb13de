# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the commands print when nothing runs: ps, ls, logs of a stack that is down, doctor.

load common

# ---- without a supervisor ----

@test "ps: an empty table, no JSON, exit 0" {
	stack stack.yaml s
	expect 0 mstack ps
	[[ $output == NAME*IMAGE*SERVICE*STATUS*PORTS ]]
	for words in '-q' '--services' '--format json' '-a --format json'; do
		# shellcheck disable=SC2086
		expect 0 mstack ps $words
		[[ -z $output ]]
	done
}

@test "ls: an empty table" {
	expect 0 mstack ls
	[[ $output == NAME*STATUS* ]]
	expect 0 mstack ls --format json
	[[ -z $output ]]
	expect 0 mstack ls -q
	[[ -z $output ]]
}

@test "down: of nothing, and twice" {
	stack stack.yaml s
	expect 0 mstack down
	expect 0 mstack down -v
	[[ ! -e $MSTACK_RUN_DIR/s ]]
}

@test "down: progress as asked for" {
	expect 0 mstack -p s --progress quiet down
	[[ -z $output ]]
	[[ $(mstack -p s --progress json down 2>&1 | jq -r .level) == progress ]]
	expect 0 mstack -p s --progress tty down
	says '[+]'
	expect 0 mstack -p s down
	says_not '[+]' $'\033'
}

# ---- logs ----

# log SLOT LINE...: stored lines of a slot, one second apart, the first at 10:00:00.
log() {
	local dir=$MSTACK_DATA_DIR/projects/s/logs/$1 second=0 line
	mkdir -p "$dir"
	shift
	for line; do
		printf '2026-01-31T10:00:%02d.000000000Z stdout F %s\n' "$second" "$line"
		second=$((second + ${STEP:-2}))
	done >"$dir/current.log"
}

@test "logs: merged by time, prefixed, plain into a pipe" {
	log web-1 'one' 'two'
	STEP=3 log backend-1 'eins' 'zwei'
	run mstack -p s logs
	printf '%s\n' "$output"
	[[ $(sort <<<"$output") == $'backend-1  | eins\nbackend-1  | zwei\nweb-1      | one\nweb-1      | two' ]]
	[[ $(mstack -p s logs | tail -n 1) == 'backend-1  | zwei' ]]
	[[ $(mstack -p s logs --no-log-prefix web) == $'one\ntwo' ]]
	[[ $(mstack -p s logs -t --no-log-prefix web | head -n 1) == '2026-01-31T10:00:00.000000000Z one' ]]
}

@test "logs: of some services only" {
	log web-1 w
	log web-admin-1 a
	[[ $(mstack -p s logs --no-log-prefix web) == w ]]
	[[ $(mstack -p s logs --no-log-prefix web-admin) == a ]]
	[[ $(mstack -p s logs web web-admin | wc -l) == 2 ]]
	expect 2 mstack -p s logs admin
	says admin
}

@test "logs: tail, since, until" {
	log web-1 0 2 4 6 8
	logs() { mstack -p s logs --no-log-prefix "$@" | tr '\n' ' '; }
	[[ $(logs -n 2) == '6 8 ' ]]
	[[ $(logs -n2) == '6 8 ' ]]
	[[ $(logs --tail 0) == '' ]]
	[[ $(logs --tail all) == '0 2 4 6 8 ' ]]
	[[ $(logs --since 2026-01-31T10:00:05Z) == '6 8 ' ]]
	[[ $(logs --until 2026-01-31T10:00:03Z) == '0 2 ' ]]
	[[ $(logs --since 2026-01-31T11:00:03+01:00 --until 2026-01-31T10:00:05Z) == '4 ' ]]
	[[ $(logs --since "$(date -u -d 2026-01-31T10:00:07Z +%s)") == '8 ' ]]
	[[ $(logs --since 1s) == '' ]]
}

@test "logs: raw into a pipe, harmless on a terminal, colours stay" {
	log web-1 $'a\033[2Jb\033[31mc'
	[[ $(mstack -p s logs --no-log-prefix) == $'a\033[2Jb\033[31mc' ]]
	run on_terminal mstack -p s logs --no-log-prefix
	[[ ${output%$'\r'} == $'a^[[2Jb\033[31mc\033[0m' ]]
	run on_terminal env NO_COLOR=1 mstack -p s logs --no-log-prefix
	[[ ${output%$'\r'} == 'a^[[2Jbc' ]]
	run on_terminal mstack -p s logs
	says $'\033['
	run on_terminal mstack -p s logs --no-color
	[[ $output == 'web-1  | '* ]]
}

@test "logs: the same service has the same colour every time" {
	log web-1 x
	log db-1 y
	local first
	first=$(mstack --ansi always -p s logs web)
	[[ $first == $'\033['* ]]
	[[ $(mstack --ansi always -p s logs db web | grep web) == "$first" ]]
}

@test "logs: a reader that goes away ends them quietly" {
	log web-1 $(seq 1 9)
	run bash -o pipefail -c 'mstack -p s logs 2>&1 | head -n 1'
	[[ ${#lines[@]} == 1 ]]
}

# ---- doctor ----

@test "doctor: table and JSON tell the same, exit code says whether all is there" {
	run mstack doctor
	local code=$status
	printf '%s\n' "$output"
	says CHECK RESULT 'static busybox'
	[[ $code == 0 || $code == 1 ]]
	run mstack doctor --format json
	[[ $status == "$code" ]]
	jq -e -s 'length > 5 and all(has("Check") and has("Ok") and has("Needed"))' <<<"$output"
	if ((code)); then
		jq -e -s 'any(.Needed and (.Ok | not))' <<<"$output"
	else
		jq -e -s 'all(.Ok or (.Needed | not))' <<<"$output"
	fi
}

@test "doctor: a program of its own that is missing is said" {
	cp "$BUILD/mstack" "$BATS_TEST_TMPDIR/mstack"
	run "$BATS_TEST_TMPDIR/mstack" doctor --format '{{.Check}} {{.Ok}} {{.Why}}'
	[[ $status == 1 ]]
	says 'mstack-store false images and files of cp are unpacked by it' 'mstack-fetch false images are pulled by it'
	run mstack doctor
	grep -E '^mstack-store +ok' <<<"$output"
	grep -E '^mstack-fetch +ok' <<<"$output"
}
