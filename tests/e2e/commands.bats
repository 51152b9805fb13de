# SPDX-License-Identifier: GPL-2.0-or-later
#
# The commands: up -d, ps, logs, down, config, ls, version, help, doctor.

load lib/common

two() {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    command: [sh, -c, "for i in 1 2 3 4 5; do echo web line $$i; done; echo to stderr >&2; sleep 1000"]
		    labels: {org.example.role: front}
		    ports: ["8080:80"]
		  db: {image: busybox, command: [sh, -c, "echo db line; sleep 1000"], volumes: ["data:/data"]}
		volumes: {data: {}}
	END
}

@test "commands: up -d returns when all is started, down removes it, twice" {
	two
	expect_exit 0 mstack up -d --no-build -y
	state_is web running
	state_is db running
	expect_exit 0 mstack down
	expect_exit 0 mstack down
}

@test "commands: options of docker compose for what there is none of here are taken where they change nothing" {
	two
	expect_exit 0 mstack create --build --quiet-build
	expect_exit 0 mstack up -d --build --quiet-build --menu=false --watch=false
	expect_exit 0 mstack ps --orphans
	says web db
	expect_exit 0 mstack run --rm --build --quiet-build db echo hello
	says hello
	expect_exit 0 mstack down
	stack <<-'END'
		services:
		  web: {image: busybox, command: [sleep, "1000"]}
		  own: {image: busybox, build: ., command: [sleep, "1000"]}
	END
	local command
	for command in 'up --build' 'up --dry-run --build' 'run --build own' 'create --build'; do
		# shellcheck disable=SC2086 # words of a command
		expect_exit 2 mstack $command
		says "--build: service 'own': mstack builds no images"
	done
	# What is not started need not be built.
	expect_exit 0 mstack up -d --build web
	mstack down
}

@test "commands: fifty services, each with a port" {
	{
		echo services:
		for i in {1..50}; do
			echo "  s$i: {image: busybox, command: [sleep, '1000'], ports: ['$((9000 + i)):80']}"
		done
	} | stack
	expect_exit 0 mstack up -d
	[[ $(mstack ps --format json | jq -r .State | grep -c running) == 50 ]]
	[[ $(mstack ps --format json | jq -r .IP | sort -u | wc -l) == 50 ]]
	expect_exit 0 mstack down
}

@test "commands: down needs no file" {
	two
	mstack up -d
	cd /
	expect_exit 0 mstack down -p t
	expect_exit 0 mstack down -p t
	expect_exit 0 mstack down -p never-was
}

@test "commands: down after the file has changed or broken" {
	two
	mstack up -d
	echo 'name: [' >stack.yaml
	for command in ps down; do
		expect_exit 3 mstack "$command"
		says stack.yaml:2:1: 'not YAML' 'with -p NAME this needs no stack file' "'mstack ls'"
		[[ $(grep -c 'needs no stack file' <<<"$output") == 1 ]]
	done
	# Where the file is what is asked for, that would be no help.
	expect_exit 3 mstack plan
	[[ $output != *'needs no stack file'* ]]
	expect_exit 0 mstack down -p t
}

@test "commands: ps as a table" {
	two
	mstack up -d
	expect_exit 0 mstack ps
	says SERVICE web db ' Up ' 8080
	expect_exit 0 mstack ps db
	says db
	[[ $output != *web* ]]
	mstack down
	expect_exit 0 mstack ps
	[[ $output != *' Up '* ]]
}

@test "commands: ps --format json, one object a line with the promised keys" {
	two
	mstack up -d
	mstack ps --format json >ps.json
	[[ $(wc -l <ps.json) == 2 ]]
	for key in ID Name Service Project Image Command State Status Health ExitCode Publishers Networks Labels \
		CreatedAt Pid Index Restarts IP Reason; do
		jq -e --arg k "$key" 'has($k)' ps.json >/dev/null || { echo "no $key"; cat ps.json; false; }
	done
	[[ $(field web Name) == t-web-1 && $(field web Project) == t && $(field web Image) == busybox ]]
	[[ $(field web State) == running && $(field web ExitCode) == 0 && $(field web Index) == 1 ]]
	[[ $(field web Labels) == *org.example.role* ]]
	[[ -d /proc/$(field web Pid) ]]
	mstack down
}

@test "commands: ps shows what has ended only with -a" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: ["true"]}
		  b: {image: busybox, command: [sleep, "1000"]}
	END
	mstack up -d
	wait_until state_is a exited
	[[ $(mstack ps --format json | jq -r .Service) == b ]]
	[[ $(mstack ps -a --format json | jq -r .Service | sort | xargs) == 'a b' ]]
	[[ $(mstack ps -q | wc -l) == 1 ]]
	mstack down
}

@test "commands: logs of all, of one, the last lines, with time" {
	two
	mstack up -d
	wait_until log_has web 'to stderr'
	# In a pipe of its own.
	wait_until log_has web 'web line 5'
	wait_until log_has db 'db line'
	expect_exit 0 mstack logs
	says 'web line 1' 'web line 5' 'db line'
	expect_exit 0 mstack logs db
	says 'db line'
	[[ $output != *'web line'* ]]
	[[ $(mstack logs --no-log-prefix web 2>&1 | grep '^web line' | xargs) == \
		'web line 1 web line 2 web line 3 web line 4 web line 5' ]]
	[[ $(mstack logs -n 2 web 2>&1 | wc -l) == 2 ]]
	expect_exit 0 mstack logs -t --no-log-prefix db
	[[ $output =~ ^20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:.]+[^\ ]*\ db\ line$ ]]
	mstack down
}

@test "commands: logs -f follows until the stack ends" {
	# shellcheck disable=SC2016
	stack_one <<<$'command: [sh, -c, "i=0; while :; do i=$$((i+1)); echo n$$i; sleep 0.1; done"]\nstop_grace_period: 1s'
	mstack up -d
	mstack logs -f -n 0 >follow.out 2>follow.err 3>&- &
	local logs=$!
	some_lines() { (($(wc -l <follow.out) >= 5)); }
	wait_until some_lines
	mstack down
	wait_until gone "$logs"
	ends_with 0 "$logs"
	# Every line once, in order.
	grep -o 'n[0-9]*$' follow.out | tr -d n >numbers
	seq "$(head -n 1 numbers)" "$(tail -n 1 numbers)" | cmp - numbers
}

@test "commands: logs can be read without a supervisor" {
	two
	mstack up -d
	wait_until log_has db 'db line'
	mstack down
	expect_exit 0 mstack logs db
	says 'db line'
}

@test "commands: a log of many lines is whole" {
	stack_one <<<'command: [sh, -c, "seq 1 100000; echo end"]'
	mstack up -d
	wait_until log_has a '^end$'
	mstack logs --no-log-prefix a | grep -v end | cmp - <(seq 1 100000)
	mstack down
}

@test "commands: a line of 100 kB stays one line, and -n counts lines" {
	stack_one <<<'command: [sh, -c, "echo first; head -c 100000 /dev/zero | tr \\\\0 x; echo; echo last"]'
	mstack up -d
	wait_until log_has a '^last$'
	mstack logs --no-log-prefix a >log
	[[ $(wc -l <log) == 3 && $(wc -c <log) == 100012 ]]
	[[ $(mstack logs --no-log-prefix -n 2 a | wc -c) == 100006 ]]
	mstack down
}

@test "commands: up in the foreground shows every service's lines with its name" {
	two
	up_foreground
	wait_until grep -q 'db line' up.out
	wait_until grep -q 'web line 5' up.out
	grep -Eq '^web(-1)? *\| web line 1$' up.out
	grep -Eq '^db(-1)? *\| db line$' up.out
	kill -INT "$UP"
	ends_with 130 "$UP"
}

@test "commands: colours only when asked for" {
	two
	env -u NO_COLOR CLICOLOR_FORCE=1 mstack up -d
	wait_until log_has db 'db line'
	[[ $(env -u NO_COLOR mstack logs db) != *$'\e['* ]]
	[[ $(env -u NO_COLOR mstack --ansi always logs db) == *$'\e['* ]]
	mstack down
}

@test "commands: a named volume stays over down and goes with down -v" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], volumes: ["data:/data"]}
		volumes: {data: {}}
	END
	mstack up -d
	inside a sh -c 'echo kept >/data/value'
	mstack down
	mstack up -d
	[[ $(inside a cat /data/value) == kept ]]
	mstack down -v
	mstack up -d
	not inside a test -e /data/value
	mstack down -v
	[[ -z $(find /var/lib/mstack/volumes -mindepth 1 2>/dev/null) ]]
}

@test "commands: file by argument, -f, standard input, environment, parent folder, -p" {
	stack from-file <<<'services: {a: {image: busybox}}'
	mv stack.yaml other.yaml
	mkdir -p sub/deep
	[[ $(mstack config other.yaml | grep ^name:) == 'name: from-file' ]]
	[[ $(mstack -f other.yaml config | grep ^name:) == 'name: from-file' ]]
	[[ $(mstack config -f other.yaml | grep ^name:) == 'name: from-file' ]]
	[[ $(mstack config - <other.yaml | grep ^name:) == 'name: from-file' ]]
	[[ $(MSTACK_FILE=other.yaml mstack config | grep ^name:) == 'name: from-file' ]]
	[[ $(COMPOSE_FILE=other.yaml mstack config | grep ^name:) == 'name: from-file' ]]
	[[ $(mstack -p elsewhere -f other.yaml config | grep ^name:) == 'name: elsewhere' ]]
	mv other.yaml compose.yaml
	cd sub/deep
	[[ $(mstack config | grep ^name:) == 'name: from-file' ]]
}

@test "commands: several files, an override, profiles: what runs is what config says" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], hostname: base}
		  b: {image: busybox, command: [sleep, "1000"], profiles: [more]}
	END
	printf 'services: {a: {hostname: over}, c: {image: busybox, command: [sleep, "1000"]}}\n' >stack.override.yaml
	expect_exit 0 mstack up -d
	[[ $(mstack ps --services | sort | xargs) == 'a c' ]]
	mstack down
	expect_exit 0 mstack --profile more up -d
	[[ $(mstack ps --services | sort | xargs) == 'a b c' ]]
	mstack down
	expect_exit 0 mstack -f stack.yaml up -d
	[[ $(mstack ps --services) == a ]]
	mstack down
}

@test "commands: up of some services starts what they depend on too" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], depends_on: [b]}
		  b: {image: busybox, command: [sleep, "1000"], networks: [n]}
		  c: {image: busybox, command: [sleep, "1000"], volumes: ["v:/v"]}
		networks: {n: }
		volumes: {v: }
	END
	expect_exit 0 mstack up -d a
	[[ $(mstack ps --services | sort | xargs) == 'a b' ]]
	expect_exit 0 mstack up -d c
	[[ $(mstack ps --services | sort | xargs) == 'a b c' ]]
	mstack down
	expect_exit 0 mstack up -d stack.yaml c
	[[ $(mstack ps --services) == c ]]
	mstack down
	run mstack up -d absent
	[[ $status != 0 ]]
	says absent
}

@test "commands: config fills in variables and checks" {
	# shellcheck disable=SC2016
	stack <<<'services: {a: {image: "busybox:${TAG:-latest}", hostname: "${WHO}"}}'
	WHO=me mstack config | grep -q 'busybox:latest'
	[[ $(WHO=me TAG=1 mstack config --format json | jq -r '.services.a.image, .services.a.hostname' | xargs) == \
		'busybox:1 me' ]]
	[[ $(WHO=me mstack config --services) == a ]]
	WHO=me expect_exit 0 mstack config -q
}

@test "commands: ls lists the stacks that are up" {
	stack_one one <<<'command: [sleep, "1000"]'
	mstack up -d
	expect_exit 0 mstack ls
	says one
	mstack down
	expect_exit 0 mstack ls
	[[ $output != *one* ]]
}

@test "commands: ls --filter has names as grep -E takes them" {
	stack_one shop-one <<<'command: [sleep, "1000"]'
	mstack up -d
	stack_one shop-two <<<'command: [sleep, "1000"]'
	mstack up -d
	[[ $(mstack ls -q --filter name=one) == shop-one ]]
	[[ $(mstack ls -q --filter 'name=^shop' | sort | xargs) == 'shop-one shop-two' ]]
	[[ $(mstack ls -q --filter name=one --filter 'name=o$' | sort | xargs) == 'shop-one shop-two' ]]
	[[ $(mstack ls --filter name=two --format json | jq -r '.Name + " " + .Status') == 'shop-two running(1)' ]]
	[[ -z $(mstack ls -q --filter 'name=^two') ]]
	expect_exit 2 mstack ls --filter 'name=('
	says "ls: --filter: 'name=(': "
	expect_exit 2 mstack ls --filter status=running
	says "ls: --filter: 'status=running': give name= with a value"
	mstack down
	mstack -p shop-one down
}

@test "commands: ps --filter by state, health, service and name" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], healthcheck: {test: ["CMD", "true"], start_interval: 50ms, start_period: 10s}}
		  b: {image: busybox, command: [sleep, "1000"]}
		  c: {image: busybox, command: ["true"]}
	END
	mstack up -d
	wait_until health_is a healthy
	wait_until state_is c exited
	filtered() { mstack ps --services "${@/#/--filter=}" | sort | xargs; }
	[[ $(filtered status=running) == 'a b' ]]
	[[ $(filtered status=exited) == c ]]
	[[ $(filtered status=exited status=running) == 'a b c' ]]
	[[ $(filtered health=healthy) == a && $(filtered health=none) == b ]]
	[[ $(filtered health=none status=exited) == c ]]
	[[ -z $(filtered service=a health=none) ]]
	[[ $(filtered service=a service=c) == a && $(mstack ps -a --services --filter service=c) == c ]]
	[[ $(filtered name=t-b) == b ]]
	[[ $(mstack ps --services --filter status=running --status exited) == '' ]]
	expect_exit 2 mstack ps --filter status=fine
	says "ps: --filter: 'fine' is no state"
	expect_exit 2 mstack ps --filter colour=red
	says "ps: --filter: 'colour=red': give status=, health=, service= or name= with a value"
	mstack down
}

@test "commands: version and help" {
	expect_exit 0 mstack version
	says mstack
	expect_exit 0 mstack --version
	expect_exit 0 mstack help
	says up down ps logs config doctor
	expect_exit 0 mstack help up
	says --detach
	expect_exit 0 mstack up --help
	run mstack
	says Usage:
}

@test "commands: up shows no log of a service with attach: false, --attach and --no-attach say otherwise" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [echo, of a], attach: false}
		  b: {image: busybox, command: [echo, of b]}
		  c: {image: busybox, command: [echo, of c]}
	END
	output=$(mstack up 2>/dev/null)
	echo "$output"
	[[ $output != *'of a'* && $output == *'of b'* && $output == *'of c'* ]]
	[[ $(mstack logs --no-log-prefix a) == 'of a' ]]
	output=$(mstack up --no-attach b 2>/dev/null)
	[[ $output != *'of '[ab]* && $output == *'of c'* ]]
	output=$(mstack up --attach a --attach b --no-attach b 2>/dev/null)
	[[ $output == *'of a'* && $output != *'of '[bc]* ]]
	expect_exit 2 mstack up --attach d
	says "--attach: no such service: 'd'"
}

@test "commands: up SERVICE shows its log, and with --attach-dependencies those of what it depends on" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: "sh -c 'echo of a; sleep 1000'", depends_on: [b], stop_grace_period: 0s}
		  b: {image: busybox, command: "sh -c 'echo of b; sleep 1000'", stop_grace_period: 0s}
	END
	up_foreground a
	wait_until log_has b 'of b'
	wait_until grep -q 'of a' up.out
	kill -TERM "$UP" && ends_with 0 "$UP"
	not grep 'of b' up.out
	up_foreground --attach-dependencies a
	wait_until grep -q 'of a' up.out
	wait_until grep -q 'of b' up.out
	kill -TERM "$UP" && ends_with 0 "$UP"
	up_foreground --attach-dependencies --no-attach b a
	wait_until log_has b 'of b'
	wait_until grep -q 'of a' up.out
	kill -TERM "$UP" && ends_with 0 "$UP"
	not grep 'of b' up.out
}

@test "commands: up on a stack that runs shows the logs that are asked for" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: "sh -c 'while :; do echo of a; sleep 0.2; done'", depends_on: [b], stop_grace_period: 0s}
		  b: {image: busybox, command: "sh -c 'while :; do echo of b; sleep 0.2; done'", stop_grace_period: 0s}
		  c: {image: busybox, command: "sh -c 'while :; do echo of c; sleep 0.2; done'", stop_grace_period: 0s, attach: false}
	END
	mstack up -d
	shown() { [[ $(grep -o 'of [a-c]' up.out | sort -u | xargs) == "$1" ]]; }
	# shows WHAT OPTION...: these logs, and no other.
	shows() {
		up_foreground "${@:2}"
		wait_until shown "$1"
		sleep 0.5
		kill -INT "$UP" && ends_with 130 "$UP"
		shown "$1"
	}
	shows 'of a of b'
	shows 'of a' a
	shows 'of a of b' --attach-dependencies a
	shows 'of b' --no-attach a
	shows 'of c' --attach c
	mstack down
}

@test "commands: doctor" {
	# What is lacking here (controllers) is named with its cure, the rest is well.
	run mstack doctor
	echo "$output"
	[[ $status == 0 || $status == 1 ]]
	says cgroup overlay veth
}

@test "commands: up --wait waits for health" {
	stack_one <<-'END'
		command: [sh, -c, "sleep 0.5; touch /ok; sleep 1000"]
		healthcheck: {test: ["CMD", "test", "-e", "/ok"], interval: 200ms, retries: 100}
	END
	expect_exit 0 mstack up -d --wait
	health_is a healthy
	mstack down
}

@test "commands: up --wait sees who fails at its start without a health check, and waits for who is restarted" {
	stack_one <<<'command: [sh, -c, "sleep 0.1; exit 3"]'
	expect_exit 4 mstack up -d --wait
	says "service 'a': ended while it was waited for"
	[[ -z $(mstack ls -q) ]]
	# Who is stopped for its health has failed, whatever its exit code.
	stack_one <<-'END'
		command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
		x-on-unhealthy: stop
		healthcheck: {test: ["CMD", "false"], interval: 100ms, retries: 2}
	END
	expect_exit 4 mstack up -d --wait
	mkdir data && chmod 777 data
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "sleep 0.1; exit 0"]}
		  b:
		    image: busybox
		    command: [sh, -c, "sleep 0.1; mkdir /data/seen && exit 3; exec sleep 1000"]
		    restart: always
		    stop_signal: KILL
		    volumes: ["./data:/data"]
	END
	expect_exit 0 mstack up -d --wait
	[[ $(field b State) == running && $(field b Restarts) == 1 ]]
	mstack down
	# The same of what a change starts.
	stack <<<'services: {c: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}}'
	expect_exit 0 mstack up -d --wait
	stack <<-'END'
		services:
		  c: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
		  d: {image: busybox, command: [sh, -c, "sleep 0.1; exit 3"]}
	END
	expect_exit 4 mstack up -d --wait
	stack <<-'END'
		services:
		  c: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
		  d: {image: busybox, command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"], x-on-unhealthy: stop, healthcheck: {test: ["CMD", "false"], interval: 100ms, retries: 2}}
	END
	expect_exit 4 mstack up -d --wait
	[[ $(field c State) == running && $(field c Restarts) == 0 ]]
	mstack down
}

@test "commands: a first up -d that fails says at last that all was taken down again" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
		  b: {image: busybox, command: [sh, -c, "sleep 0.1; exit 3"]}
	END
	expect_exit 4 mstack up -d --wait
	says "service 'b': ended while"
	[[ ${output##*$'\n'} == "stack 't' was taken down again: see 'mstack logs' and 'mstack why'" ]]
	[[ -z $(mstack ls -q) ]]
	# Where nothing had begun there is nothing to tell, and what is up stays.
	stack_one <<<'volumes: [{type: bind, source: /nowhere, target: /x, bind: {create_host_path: false}}]'
	expect_exit 125 mstack up -d
	not grep 'taken down' <<<"$output"
	stack <<<'services: {a: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}}'
	mstack up -d
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], stop_signal: KILL}
		  b: {image: busybox, command: [sh, -c, "sleep 0.1; exit 3"]}
	END
	expect_exit 4 mstack up -d --wait
	not grep 'taken down' <<<"$output"
	state_is a running
	mstack down
}

@test "commands: up --wait on a stack that runs waits for what is just restarting as well" {
	stack_one <<-'END'
		command: [sh, -c, "test -e /second || { touch /second; sleep 0.5; exit 1; }; sleep 1000"]
		deploy: {restart_policy: {delay: 8s}}
	END
	mstack up -d
	wait_until state_is a restarting
	expect_exit 0 mstack up -d --wait
	state_is a running
	mstack down
}

@test "commands: up --dry-run makes nothing" {
	two
	expect_exit 0 mstack up --dry-run
	says web db
}

@test "commands: the socket answers root only" {
	two
	mstack up -d
	cp "$BUILD/mstack" "$BATS_TEST_TMPDIR/mstack"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	export MSTACK_RUN_DIR=/run/mstack
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$BATS_TEST_TMPDIR/mstack" -p t ps
	echo "$output"
	[[ $status != 0 && $output != *running* ]]
	[[ $(stat -c %a /run/mstack) == 700 ]]
	mstack down
}
