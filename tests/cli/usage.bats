# SPDX-License-Identifier: GPL-2.0-or-later
#
# Words on the command line: help, version, wrong usage, and what is known but not supported yet.

load common

# ---- help and version ----

@test "help: without a command, with --help, -h and help" {
	expect 0 mstack
	says 'Usage: mstack' 'up ' 'down ' 'doctor ' '--project-name'
	local first=$output
	for words in --help -h help; do
		expect 0 mstack $words
		[[ $output == "$first" ]]
	done
}

@test "help: goes to standard output" {
	[[ -z $(mstack help 2>&1 >/dev/null) ]]
}

@test "help: of each command that the help names, in three ways" {
	local command
	for command in $(mstack help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'); do
		expect 0 mstack help "$command"
		says "Usage: mstack $command"
		local first=$output
		expect 0 mstack "$command" --help
		[[ $output == "$first" ]]
		expect 0 mstack "$command" -h
		[[ $output == "$first" ]]
	done
}

@test "help: no line is wider than a terminal" {
	local command
	for command in '' up down ps logs config init ls doctor version help; do
		# shellcheck disable=SC2086
		mstack help $command | awk 'length($0) > 110 { print; bad = 1 } END { exit bad }'
	done
}

@test "help: the keys of a stack file, each in one of three lists" {
	expect 0 mstack help keys
	local keys=$output
	says Done: Accepted: Refused: services.NAME.image
	expect 0 mstack help stack-file
	[[ $output == "$keys" ]]
	# What is done in part says so.
	grep -q '^  services.NAME.volumes\[\].bind.recursive .*others are refused' <<<"$keys"
	# The numbers are those of the lines, and no key stands twice.
	[[ $(grep -cE '^  [a-z]' <<<"$keys") == "$(sed -nE 's/^[A-Z][a-z]+: ([0-9]+) keys .*/\1/p' <<<"$keys" | awk "{ n += \$1 } END { print n }")" ]]
	[[ -z $(awk '/^  / { print $1 }' <<<"$keys" | sort | uniq -d) ]]
	expect 0 mstack help
	says 'help keys'
}

@test "help: says what is not supported yet" {
	expect 0 mstack help analyze
	says 'not supported yet'
	expect 0 mstack help up
	says --scale
	expect 0 mstack help
	says impair
}

@test "help: the exit codes are those of the commands" {
	expect 0 mstack help
	says "10 something to pull ('pull --check') or to change ('plan --exit-code')"
}

@test "version: command, options, forms" {
	expect 0 mstack version
	says 'mstack version '
	local version=${output##* }
	expect 0 mstack --version
	says "$version"
	expect 0 mstack -V
	says "$version"
	expect 0 mstack version --short
	[[ $output == "$version" ]]
	[[ $(mstack version --format json | jq -r .version) == "$version" ]]
	[[ $(mstack version -f json | jq -r .version) == "$version" ]]
}

# ---- wrong usage: exit 2, one line that names the word ----

@test "usage: unknown command, with the nearest one" {
	expect 2 mstack lgos
	one_line
	says lgos "'logs'"
	expect 2 mstack frobnicate
	says_not 'did you mean'
}

@test "usage: unknown options, with the nearest one" {
	expect 2 mstack up --detatch
	one_line
	says --detatch "'--detach'" 'help up'
	expect 2 mstack up -X
	says -X
	expect 2 mstack --nonsense up
	says --nonsense
}

@test "usage: values that are missing or wrong" {
	expect 2 mstack up -t
	says --timeout
	expect 2 mstack up --timeout soon
	says soon
	expect 2 mstack up --timeout=-5
	expect 2 mstack up --wait=perhaps
	says perhaps
	expect 2 mstack ps --format xml
	says xml 'table|json'
	expect 2 mstack --ansi sometimes ps
	says sometimes
	expect 2 mstack -p x ps --status running --status ruining
	one_line
	says "'ruining'" paused
	expect 2 mstack -p x logs -n many
	says many
	expect 2 mstack -p x logs --since yesterday
	says yesterday
}

@test "usage: values from the environment are checked as well" {
	MSTACK_ANSI=sometimes expect 2 mstack version
	says 'environment MSTACK_ANSI:' sometimes
	COMPOSE_ANSI=sometimes expect 2 mstack version
	says 'environment COMPOSE_ANSI:' sometimes
	COMPOSE_ANSI=sometimes MSTACK_ANSI=never expect 0 mstack version
}

@test "usage: words that do not go together" {
	stack stack.yaml s
	expect 2 mstack up --wait-timeout 3
	says --wait
	expect 2 mstack up -d --abort-on-container-exit
	says foreground
	expect 2 mstack up -d --exit-code-from svc-s
	expect 2 mstack up --exit-code-from absent
	says absent
	expect 2 mstack help up down
	says down
}

@test "usage: project names" {
	expect 2 mstack -p 'Not Valid' down
	says 'Not Valid'
	expect 2 mstack -p ../up down
	MSTACK_PROJECT_NAME=../up expect 2 mstack ps
}

@test "usage: the whole command line has limits" {
	# shellcheck disable=SC2046
	expect 2 mstack ps $(seq 5000)
	expect 2 mstack ps -p x $(seq 300)
}

# ---- known, but not supported yet: exit 2 ----

@test "later: commands" {
	for command in analyze ui; do
		expect 2 mstack "$command" -x --anything file.yaml
		one_line
		says "$command" 'not supported yet'
	done
}

@test "later: options and words" {
	expect 2 mstack up --watch
	says --watch 'not supported yet'
	expect 2 mstack up --menu=true
	says --menu 'not supported yet'
	expect 2 mstack ps --orphans=false
	says --orphans=false 'not supported yet'
	for option in --no-normalize --no-path-resolution --no-consistency --resolve-image-digests --lock-image-digests; do
		expect 2 mstack config "$option"
		says "$option" 'not supported yet'
	done
	expect 2 mstack down web
	says web
	# Whoever asks for it wants nothing to be done: what cannot say what it would do must not do it.
	local command
	for command in down 'capture a -w x.pcapng' 'exec a true' 'attach a' 'cp a:/x .' 'run a' 'link down a:eth0' pause unpause start stop restart kill 'wait a' rm create 'scale a=1' 'init x.yaml' pull 'image prune -f' 'image rm x' 'volume rm x' 'volume create x'; do
		# shellcheck disable=SC2086 # words of a command
		expect 2 mstack --dry-run $command
		says "${command%% *}: --dry-run is not supported yet"
	done
	[[ ! -e x.yaml ]]
}

# ---- output ----

@test "output: colour as asked for" {
	expect 2 env CLICOLOR_FORCE=1 mstack nonsense
	says $'\033['
	expect 2 env CLICOLOR_FORCE=1 NO_COLOR=1 mstack nonsense
	says_not $'\033['
	expect 2 mstack nonsense
	says_not $'\033['
	run on_terminal mstack nonsense
	says $'\033['
	run on_terminal env TERM=dumb mstack nonsense
	says_not $'\033['
	run on_terminal mstack --ansi never down -p ../x
	says_not $'\033['
}

@test "output: control characters of an argument are made visible" {
	expect 2 mstack $'bad\033[2Jname'
	says_not $'\033'
}

@test "output: a full disk is an error" {
	expect 1 sh -c 'mstack help >/dev/full'
	says 'no space left'
}

@test "output: a closed standard output is an error for what would be printed there" {
	cat >stack.yaml <<<'services: {a: {image: busybox}}'
	expect 1 sh -c 'mstack config >&-'
	says 'write to standard output'
	expect 1 sh -c 'mstack help >&- <&-'
	expect 0 sh -c 'mstack config -q >&-'
}

@test "output: closed standard streams harm nothing" {
	expect 2 sh -c 'mstack nonsense 2>&1 <&- >&1'
	run sh -c 'mstack help >&- 2>&-'
	[[ $status == 0 || $status == 1 ]]
}
