# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which stack a command is about: the file argument, -f, the environment, looking for it; the project's name.

load common

services() { mstack config --services "$@"; }

# ---- the file ----

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
	expect 1 mstack ps other.yaml absent
	says absent
	# Only the first word can be it.
	expect 1 mstack ps svc-found other.yaml
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
	expect 0 timeout 10 mstack -f one.yaml logs -f
	expect 0 timeout 10 mstack logs -f one.yaml svc-one
	expect 0 timeout 10 mstack logs --file one.yaml
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

@test "file: several are not supported yet, and said so" {
	stack one.yaml one
	stack two.yaml two
	expect 3 mstack -f one.yaml -f two.yaml config
	says one.yaml two.yaml 'not supported yet'
	expect 3 mstack -f one.yaml config two.yaml
	COMPOSE_FILE=one.yaml:two.yaml expect 3 mstack config
	COMPOSE_FILE=one.yaml,two.yaml COMPOSE_PATH_SEPARATOR=, expect 3 mstack config
	stack compose.yaml base
	stack compose.override.yaml over
	expect 3 mstack config
	says compose.override.yaml 'not supported yet'
	# With -f no override file is looked for.
	expect 0 mstack -f compose.yaml config -q
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
