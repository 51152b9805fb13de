# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which stack a command is about: the file argument, -f, the environment, looking for it; the project's name.

load common

services() { mstack config --services "$@"; }

# ---- the file ----

@test "project: a current folder that was removed is told with what to do, and is not needed with an absolute path" {
	mkdir gone there
	echo 'services: {web: {image: busybox}}' >there/stack.yaml
	cp there/stack.yaml gone
	cd gone
	rm -r ../gone
	local command
	for command in ps config 'up -d' 'down' 'config -f stack.yaml' 'run --image busybox' init; do
		# shellcheck disable=SC2086 # words of a command
		expect 1 mstack $command
		says 'current folder: it was removed: `cd` to one that is there' '-p NAME'
		one_line
	done
	expect 0 mstack config -q -f "$BATS_TEST_TMPDIR/work/there/stack.yaml"
	expect 0 mstack ps -p there
	cd ..
}

@test "file: the names that are looked for, in their order" {
	local names=(stack.yaml stack.yml mstack.yaml compose.yaml compose.yml docker-compose.yml docker-compose.yaml) i
	for i in "${!names[@]}"; do
		stack "${names[i]}" "n$i"
	done
	for i in "${!names[@]}"; do
		[[ $(services) == "svc-n$i" ]]
		rm "${names[i]}"
	done
	expect 3 mstack config
	says stack.yaml
}

@test "file: the nearest folder wins over the better name" {
	stack stack.yaml top
	mkdir -p a/b/c
	cd a/b/c
	[[ $(services) == svc-top ]]
	stack ../docker-compose.yaml near
	[[ $(services) == svc-near ]]
	# A folder of that name is none.
	mkdir stack.yaml
	[[ $(services) == svc-near ]]
}

@test "file: as first word, for every command that takes one" {
	stack stack.yaml found
	stack other.yaml word
	[[ $(services other.yaml) == svc-word ]]
	[[ $(services ./other.yaml) == svc-word ]]
	expect 0 mstack ps other.yaml
	expect 0 mstack config other.yaml -q
	expect 0 mstack config -q other.yaml
	expect 0 mstack ps -a other.yaml svc-word
	expect 2 mstack ps other.yaml absent
	says absent
	# Only the first word can be it.
	expect 2 mstack ps svc-found other.yaml
	says other.yaml
}

@test "file: -f and --file before and after the command, logs -f is something else" {
	stack one.yaml one
	[[ $(mstack -f one.yaml config --services) == svc-one ]]
	[[ $(mstack --file one.yaml config --services) == svc-one ]]
	[[ $(mstack --file=one.yaml config --services) == svc-one ]]
	[[ $(mstack -fone.yaml config --services) == svc-one ]]
	[[ $(services -f one.yaml) == svc-one ]]
	[[ $(services --file one.yaml) == svc-one ]]
	# There is no supervisor, so following ends at once.
	expect 0 timeout 60 mstack -f one.yaml logs -f
	expect 0 timeout 60 mstack logs -f one.yaml svc-one
	expect 0 timeout 60 mstack logs --file one.yaml
}

@test "file: standard input" {
	stack one.yaml one
	[[ $(services - <one.yaml) == svc-one ]]
	[[ $(mstack -f - config --services <one.yaml) == svc-one ]]
}

@test "file: environment, and what wins over it" {
	stack stack.yaml found
	stack one.yaml one
	stack two.yml two
	[[ $(COMPOSE_FILE=one.yaml services) == svc-one ]]
	[[ $(COMPOSE_FILE=one.yaml MSTACK_FILE=two.yml services) == svc-two ]]
	[[ $(MSTACK_FILE=two.yml services one.yaml) == svc-one ]]
	[[ $(MSTACK_FILE=two.yml services -f one.yaml) == svc-one ]]
}

@test "file: several are merged in their order" {
	stack one.yaml one
	stack two.yaml two
	local both=$'svc-one\nsvc-two'
	[[ $(mstack -f one.yaml -f two.yaml config --services) == "$both" ]]
	[[ $(mstack -f one.yaml config --services two.yaml) == "$both" ]]
	[[ $(COMPOSE_FILE=one.yaml:two.yaml services) == "$both" ]]
	[[ $(COMPOSE_FILE=one.yaml,two.yaml COMPOSE_PATH_SEPARATOR=, services) == "$both" ]]
	# The last one that has a name gives it; standard input can be one of them.
	[[ $(mstack -f one.yaml -f two.yaml config | head -n 1) == 'name: two' ]]
	[[ $(mstack -f two.yaml -f - config <one.yaml | head -n 1) == 'name: one' ]]
	# What is wrong with them together is told with the file that it stands in.
	printf 'services: {svc-one: {ports: nonsense}}\n' >three.yaml
	expect 3 mstack -f one.yaml -f three.yaml config
	says three.yaml:1:
}

@test "file: an override beside the one that is found" {
	stack compose.yaml base
	stack compose.override.yaml over
	[[ $(services) == $'svc-base\nsvc-over' ]]
	mkdir below
	cd below
	[[ $(services) == $'svc-base\nsvc-over' ]]
	cd ..
	# With -f no override file is looked for.
	[[ $(mstack -f compose.yaml config --services) == svc-base ]]
	[[ $(COMPOSE_FILE=compose.yaml services) == svc-base ]]
}

@test "file: several that could be meant are told, by config and up" {
	stack compose.yaml one
	expect 0 mstack config -q
	[[ -z $output ]]
	stack docker-compose.yml two
	expect 0 mstack config -q
	says warning 'compose.yaml is used, not docker-compose.yml'
	# The answer is the same, and other commands do not repeat it.
	[[ $(services 2>/dev/null) == svc-one ]]
	expect 0 mstack ps -q
	[[ -z $output ]]
}

@test "file: what it is relative to" {
	mkdir sub other
	printf 'services: {a: {image: busybox, volumes: ["./data:/data"]}}\n' >sub/stack.yaml
	source_of() { mstack "$@" config --format json | jq -r '.services.a.volumes[0].source'; }
	[[ $(source_of -f sub/stack.yaml) == "$PWD/sub/data" ]]
	[[ $(source_of -f sub/stack.yaml --project-directory other) == "$PWD/other/data" ]]
	[[ $(source_of -f - <sub/stack.yaml) == "$PWD/data" ]]
}

@test "file: absent, unreadable as YAML, empty" {
	expect 3 mstack config absent.yaml
	says absent.yaml
	printf 'services: [\n' >stack.yaml
	expect 3 mstack config
	says stack.yaml:
	: >stack.yaml
	expect 3 mstack config
}

@test "file: --project-directory is where it is looked for" {
	mkdir -p elsewhere
	stack elsewhere/stack.yaml there
	[[ $(services --project-directory elsewhere) == svc-there ]]
	expect 1 mstack --project-directory nowhere config
	says nowhere
}

# ---- the name ----

name_of() { mstack "$@" config --format json | jq -r .name; }

@test "name: -p, environment, file, folder" {
	mkdir 'My_Folder.2'
	cd 'My_Folder.2'
	printf 'services: {a: {image: busybox}}\n' >stack.yaml
	[[ $(name_of) == my_folder2 ]]
	stack stack.yaml file
	[[ $(name_of) == file ]]
	[[ $(COMPOSE_PROJECT_NAME=env name_of) == env ]]
	[[ $(COMPOSE_PROJECT_NAME=env MSTACK_PROJECT_NAME=own name_of) == own ]]
	[[ $(MSTACK_PROJECT_NAME=own name_of -p option) == option ]]
	[[ $(name_of --project-name=option) == option ]]
}

@test "name: -p is enough for down, ps and logs" {
	expect 0 mstack -p nobody down
	says nobody
	expect 0 mstack down -p nobody
	expect 0 mstack ps -p nobody
	expect 0 mstack logs -p nobody
	expect 0 mstack logs -f --project-name nobody
	COMPOSE_PROJECT_NAME=nobody expect 0 mstack down
	expect 3 mstack down
	expect 3 mstack ps
	expect 3 mstack logs
}

@test "name: -p with a broken file beside it still takes the stack down" {
	printf 'services: [\n' >stack.yaml
	expect 0 mstack -p nobody down
	expect 3 mstack down
}

# ---- variables ----

@test "variables: .env, --env-file, environment" {
	printf 'name: x\nservices: {"${WHO:-nobody}": {image: busybox}}\n' >stack.yaml
	sed -i 's/"${WHO:-nobody}": {image: busybox}/a: {image: busybox, hostname: "${WHO:-nobody}"}/' stack.yaml
	host() { mstack "$@" config --format json | jq -r .services.a.hostname; }
	[[ $(host) == nobody ]]
	echo WHO=dotenv >.env
	[[ $(host) == dotenv ]]
	echo WHO=other >other.env
	[[ $(host --env-file other.env) == other ]]
	[[ $(COMPOSE_ENV_FILES=other.env host) == other ]]
	[[ $(WHO=shell host --env-file other.env) == shell ]]
}

@test "variables: of several --env-file the last one wins" {
	printf 'services: {a: {image: busybox, hostname: "${A}-${B}"}}\n' >stack.yaml
	printf 'A=1\nB=1\n' >one.env
	printf 'B=2\n' >two.env
	host() { mstack "$@" config --format json | jq -r .services.a.hostname; }
	[[ $(host --env-file one.env --env-file two.env) == 1-2 ]]
	[[ $(COMPOSE_ENV_FILES=two.env,one.env host) == 1-1 ]]
	expect 3 mstack --env-file absent.env config
	says absent.env
}

@test "variables: .env may name the files, the profiles and the project" {
	stack compose.yaml one
	printf 'services:\n  a: {image: busybox}\n  b: {image: busybox, profiles: [more]}\n' >two.yaml
	printf 'COMPOSE_FILE=two.yaml\nCOMPOSE_PROFILES=more\nCOMPOSE_PROJECT_NAME=fromenv\n' >.env
	[[ $(services) == $'a\nb' ]]
	[[ $(mstack config | head -n 1) == 'name: fromenv' ]]
	# The environment wins over it, and options win over both.
	[[ $(COMPOSE_FILE=compose.yaml services) == svc-one ]]
	[[ $(COMPOSE_PROJECT_NAME=env mstack config | head -n 1) == 'name: env' ]]
	[[ $(services --profile none) == a ]]
	[[ $(services compose.yaml) == svc-one ]]
}

@test "variables: the .env where we are counts beside that of the project's folder" {
	mkdir -p sub/deep
	printf 'services: {a: {image: busybox, hostname: "${A}-${B:-none}"}}\n' >sub/stack.yaml
	printf 'COMPOSE_FILE=sub/stack.yaml\nA=here\n' >.env
	printf 'A=there\nB=there\n' >sub/.env
	host() { mstack "$@" config --format json | jq -r .services.a.hostname; }
	[[ $(host) == here-there ]]
	[[ $(A=shell host) == shell-there ]]
	# A file that was named has its own folder's only.
	[[ $(host -f sub/stack.yaml) == there-there ]]
	[[ $(COMPOSE_FILE=sub/stack.yaml host) == here-there ]]
	# One that is found in a folder above.
	cd sub/deep
	[[ $(host) == there-there ]]
	echo B=deep >.env
	[[ $(host) == there-deep ]]
	[[ $(COMPOSE_DISABLE_ENV_FILE=true A=a host) == a-none ]]
	[[ $(COMPOSE_DISABLE_ENV_FILE=0 host) == there-deep ]]
}

# ---- which services ----

@test "services: profiles" {
	cat >stack.yaml <<-'END'
		services:
		  a: {image: busybox}
		  b: {image: busybox, profiles: [one]}
		  c: {image: busybox, profiles: [two, three]}
	END
	[[ $(services) == a ]]
	[[ $(services --profile one) == $'a\nb' ]]
	[[ $(mstack --profile one --profile two config --services) == $'a\nb\nc' ]]
	[[ $(services --profile '*') == $'a\nb\nc' ]]
	[[ $(COMPOSE_PROFILES=three services) == $'a\nc' ]]
	[[ $(COMPOSE_PROFILES=three MSTACK_PROFILES=one services) == $'a\nb' ]]
	[[ $(COMPOSE_PROFILES=three services --profile one) == $'a\nb' ]]
	# Who names a service means it, profile or not.
	[[ $(services b) == b ]]
}

@test "services: none is active" {
	printf 'services: {a: {image: busybox, profiles: [one, two]}}\n' >stack.yaml
	expect 0 mstack config
	says 'services: {}'
	[[ $(mstack config | mstack -f - config) == "$output" ]]
	expect 2 mstack up --dry-run
	one_line
	says --profile 'one, two'
	printf 'services: {}\n' >stack.yaml
	expect 3 mstack up --dry-run
	says stack.yaml:1:
}

@test "services: named ones, with what they depend on" {
	cat >stack.yaml <<-'END'
		services:
		  a: {image: busybox, depends_on: [b]}
		  b: {image: busybox, networks: [n]}
		  c: {image: busybox, volumes: ["v:/v"]}
		networks: {n: }
		volumes: {v: }
	END
	[[ $(services a) == $'a\nb' ]]
	[[ $(services stack.yaml b) == b ]]
	[[ $(mstack config --volumes b) == '' ]]
	[[ $(mstack config b --format json | jq -c '.services | keys') == '["b"]' ]]
	expect 0 mstack config -q a b c
	run mstack config absent
	[[ $status != 0 ]]
	says absent
}
