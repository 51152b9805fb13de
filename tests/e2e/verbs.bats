# SPDX-License-Identifier: GPL-2.0-or-later
#
# start, stop, restart, kill and wait: services come and go while the stack stays.

load lib/common

# web -> app -> db, each of which says when it begins and ends.
chain() {
	stack <<-'END'
		services:
		  web: {image: busybox, command: &talk [sh, -c, "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.1; done"], depends_on: {app: {condition: service_started, restart: true}}}
		  app: {image: busybox, command: *talk, depends_on: [db], restart: unless-stopped}
		  db: {image: busybox, command: *talk, restart: always}
		  job: {image: busybox, command: [echo, done]}
	END
}

# chain, all of it up: each hears its signal by then.
chain_up() {
	chain
	mstack up -d
	for s in web app db; do wait_until log_has $s hello; done
	wait_until log_has job "done"
	wait_until state_is job exited
}

count_of() { mstack logs --no-color --no-log-prefix "$1" | grep -c "^$2" || :; }
has_lines() { (($(count_of "$1" "$2") >= $3)); }
is_stopping() { [[ $(field "$1" Status) == *stopping* ]]; }
runs_but_as() { [[ $(field "$2" Pid) != "$1" ]] && state_is "$2" running; }
states() { mstack ps -a --format json | jq -r '.Slot + " " + .State' | sort | paste -sd ' '; }

@test "verbs: stop and start one service, then all; files, addresses and logs stay" {
	chain_up
	ip=$(field web IP)
	mstack exec -T web sh -c 'echo kept >/file'
	expect_exit 0 mstack stop web
	says 'web-1 stopped'
	[[ $(states) == 'app-1 running db-1 running job-1 exited web-1 exited' ]]
	[[ $(field web ExitCode) == 0 ]]
	expect_exit 0 mstack stop web
	expect_exit 0 mstack start web
	wait_until has_lines web hello 2
	says 'web-1 started'
	[[ $(field web IP) == "$ip" && $(mstack exec -T web cat /file) == kept ]]
	expect_exit 0 mstack stop
	[[ $(states) == 'app-1 exited db-1 exited job-1 exited web-1 exited' ]]
	mstack logs --no-color -t | grep -o '[a-z]*-1 .*bye' | awk '{ print $1 }' >order
	[[ $(tail -n 3 order | paste -sd ' ') == 'web-1 app-1 db-1' ]]
	expect_exit 0 mstack start web
	[[ $(states) == 'app-1 running db-1 running job-1 exited web-1 running' ]]
	wait_until has_lines web hello 3
	expect_exit 0 mstack stop db
	expect_exit 0 mstack start web
	says 'db-1 started'
	[[ $(states) == 'app-1 running db-1 running job-1 exited web-1 running' ]]
	[[ $(count_of web hello) == 3 && $(count_of job "done") == 1 ]]
	expect_exit 0 mstack start job
	wait_until has_lines job "done" 2
	expect_exit 0 mstack down
}

@test "verbs: restart takes along who wants that, and nobody with --no-deps" {
	chain_up
	for s in web app db; do eval "$s=$(field $s Pid)"; done
	# shellcheck disable=SC2154 # the loop above
	expect_exit 0 mstack restart app
	says 'web-1 restarted' 'app-1 restarted'
	# shellcheck disable=SC2154
	[[ $(field db Pid) == "$db" && $(field app Pid) != "$app" && $(field web Pid) != "$web" ]]
	web=$(field web Pid)
	expect_exit 0 mstack restart --no-deps -t 0 app
	[[ $(field web Pid) == "$web" ]]
	expect_exit 0 mstack restart
	[[ $(field web Pid) != "$web" && $(field db Pid) != "$db" ]]
	[[ $(states) == 'app-1 running db-1 running job-1 exited web-1 running' ]]
	[[ $(count_of job "done") == 1 ]]
	[[ $(field db Restarts) == 0 ]]
	expect_exit 0 mstack down
}

@test "verbs: a stopped service stays so, whatever its policy; start begins anew" {
	stack <<-'END'
		services:
		  loop: {image: busybox, command: [sh, -c, "echo round; exit 3"], restart: always}
		  deaf: {image: busybox, command: [sh, -c, "trap : TERM; echo hello; while :; do sleep 1; done"], restart: always}
	END
	mstack up -d
	wait_until state_is loop restarting
	expect_exit 0 mstack stop loop
	state_is loop exited
	wait_until log_has deaf hello
	expect_exit 0 mstack stop -t 0 deaf
	state_is deaf exited
	[[ $(field deaf ExitCode) == 137 ]]
	rounds=$(count_of loop round)
	expect_exit 0 mstack start loop
	wait_until has_lines loop round $((rounds + 2))
	expect_exit 0 mstack down
}

@test "verbs: kill ends at once, and other signals are only delivered" {
	stack <<-'END'
		services:
		  a: {image: busybox, restart: always, command: [sh, -c, "trap 'echo hup' HUP; trap 'echo term; exit 4' TERM; echo hello; while :; do sleep 0.1; done"]}
		  b: {image: busybox, restart: always, command: [sleep, "1000"], stop_signal: SIGINT}
	END
	mstack up -d
	wait_until log_has a hello
	expect_exit 0 mstack kill -s HUP a
	wait_until log_has a hup
	state_is a running
	expect_exit 0 mstack kill -s SIGTERM a
	wait_until state_is a exited
	[[ $(field a ExitCode) == 4 ]]
	expect_exit 0 mstack kill
	says 'b-1 killed'
	state_is b exited
	[[ $(field b ExitCode) == 137 ]]
	expect_exit 0 mstack kill b
	expect_exit 2 mstack kill -s NONE a
	expect_exit 0 mstack start b
	[[ $(states) == 'a-1 exited b-1 running' ]]
	expect_exit 0 mstack down
}

@test "verbs: a signal that the first process has no handler for ends it only when it is the one that stops it" {
	stack <<-'END'
		services:
		  a: {image: busybox, restart: always, command: [sleep, "1000"]}
	END
	mstack up -d
	pid=$(field a Pid)
	expect_exit 0 mstack kill -s HUP a
	says 'a-1 SIGHUP has no effect: its first process has no handler for it'
	not grep killed <<<"$output"
	expect_exit 0 mstack kill -s USR1 a
	state_is a running
	[[ $(field a Pid) == "$pid" ]]
	expect_exit 0 mstack kill -s TERM a
	says 'a-1 killed'
	wait_until state_is a exited
	[[ $(field a ExitCode) == 137 ]]
	expect_exit 0 mstack down
}

@test "verbs: a paused service hears its stop signal, and is not paused after its start" {
	chain_up
	mstack pause web
	expect_exit 0 mstack stop web
	[[ $(field web ExitCode) == 0 ]]
	expect_exit 0 mstack start web
	state_is web running
	mstack pause web
	expect_exit 0 mstack kill web
	expect_exit 0 mstack restart web
	state_is web running
	expect_exit 0 mstack down
}

@test "verbs: wait says how each ended, and ends as the last one" {
	stack <<-'END'
		services:
		  one: {image: busybox, command: [sh, -c, "exit 3"]}
		  two: {image: busybox, command: [sh, -c, "while [ ! -e /end ]; do sleep 0.1; done; exit 5"]}
		  up: {image: busybox, command: [sleep, "1000"]}
	END
	mstack up -d
	wait_until state_is one exited
	expect_exit 3 mstack wait one
	says 'container "t-one-1" exited with status code 3'
	mstack wait one two >wait.out 2>&1 &
	pid=$!
	wait_until grep -q t-one-1 wait.out
	mstack exec -T two touch /end
	ends_with 5 $pid
	grep -q 'container "t-two-1" exited with status code 5' wait.out
	expect_exit 2 mstack wait
	expect_exit 3 mstack wait --down-project up one
	says 'is down'
	expect_exit 1 mstack wait up
}

@test "verbs: a client that is killed has not taken it back" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "trap 'while [ ! -e /go ]; do sleep 0.1; done; exit 0' TERM; echo hello; while :; do sleep 0.1; done"], stop_grace_period: 60s}
	END
	mstack up -d
	wait_until log_has a hello
	before=$(field a Pid)
	mstack restart a &
	client=$!
	wait_until is_stopping a
	kill -9 $client
	mstack exec -T a touch /go
	wait_until runs_but_as "$before" a
	mstack exec -T a rm /go
	expect_exit 0 mstack stop -t 0 a
	expect_exit 0 mstack down
}

@test "verbs: the last of two wishes holds, and both get an answer" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "trap 'while [ ! -e /go ]; do sleep 0.1; done; exit 0' TERM; echo hello; while :; do sleep 0.1; done"], stop_grace_period: 60s}
	END
	mstack up -d
	wait_until log_has a hello
	mstack stop a >stop.out 2>&1 &
	stop=$!
	wait_until is_stopping a
	mstack start a >start.out 2>&1 &
	start=$!
	ends_with 1 $stop
	grep -q 'somebody wants the opposite meanwhile (start)' stop.out
	mstack exec -T a touch /go
	ends_with 0 $start
	state_is a running
	wait_until has_lines a hello 2
	[[ $(count_of a hello) == 2 ]]
	expect_exit 0 mstack down -t 0
}

@test "verbs: a foreground up stays while a service is stopped, and ends when all have ended by themselves" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "trap 'exit 0' TERM; while [ ! -e /end ]; do sleep 0.1; done"]}
	END
	up_foreground
	wait_until state_is a running
	expect_exit 0 mstack restart a
	expect_exit 0 mstack stop a
	state_is a exited
	kill -0 "$UP"
	expect_exit 0 mstack start a
	mstack exec -T a touch /end
	ends_with 0 "$UP"
}

@test "verbs: a service that cannot start says why, and one that is not healthy with --wait" {
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
		    healthcheck: {test: "[ ! -e /sick ]", interval: 100ms, retries: 2}
		  b: {image: busybox, command: [sleep, "1000"], depends_on: {a: {condition: service_healthy}}}
	END
	mstack up -d
	mstack stop -t 0
	expect_exit 0 mstack start --wait
	health_is a healthy
	mstack exec -T a touch /sick
	mstack stop -t 0
	expect_exit 1 mstack start b
	says "service 'b': not started: 'a', which it depends on, became unhealthy"
	expect_exit 4 mstack start --wait a
	says "service 'a': unhealthy"
	expect_exit 0 mstack down -t 0
}

@test "verbs: start --wait fails with who is stopped meanwhile because it is unhealthy" {
	stack <<-'END'
		services:
		  loud: {image: busybox, command: [sleep, "1000"], x-on-unhealthy: stop, stop_signal: KILL, restart: always, healthcheck: &sick {test: "exit 7", interval: 100ms, retries: 2}}
		  well: {image: busybox, command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"], x-on-unhealthy: stop, healthcheck: *sick}
	END
	mstack create
	for s in loud well; do
		expect_exit 4 mstack start --wait $s
		says "service '$s': unhealthy"
		state_is $s exited
	done
	expect_exit 0 mstack down
}

@test "verbs: a restart does without what it does not restart and what is stopped or has failed" {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [sleep, "1000"], stop_signal: KILL, depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}}
		  db: {image: busybox, command: [sleep, "1000"], stop_signal: KILL, healthcheck: {test: "[ ! -e /sick ]", interval: 100ms, retries: 1}}
		  job: {image: busybox, command: [sh, -c, "[ ! -e /again ] || exit 3; touch /again"]}
	END
	mstack up -d
	expect_exit 0 mstack stop db
	expect_exit 0 mstack restart web
	[[ $(states) == 'db-1 exited job-1 exited web-1 running' ]]
	expect_exit 0 mstack rm -f db
	expect_exit 0 mstack restart web
	state_is web running
	mstack create db
	mstack start db
	wait_until health_is db healthy
	mstack exec -T db touch /sick
	wait_until health_is db unhealthy
	expect_exit 0 mstack start job
	wait_until eval '[[ $(field job ExitCode) == 3 ]]'
	expect_exit 0 mstack restart web
	[[ $(states) == 'db-1 running job-1 exited web-1 running' ]]
	expect_exit 0 mstack down
}

@test "verbs: names that are none, and no stack" {
	chain
	expect_exit 0 mstack stop
	says 'not up'
	expect_exit 0 mstack kill
	expect_exit 1 mstack start
	says 'mstack up'
	expect_exit 1 mstack restart web
	mstack up -d
	wait_until state_is job exited
	for verb in start stop restart kill wait; do
		expect_exit 2 mstack "$verb" wbe
		says "did you mean 'web'"
	done
	[[ $(states) == 'app-1 running db-1 running job-1 exited web-1 running' ]]
	expect_exit 0 mstack down
}

@test "verbs: down ends a stop that takes long" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "trap : TERM; echo hello; while :; do sleep 1; done"], stop_grace_period: 60s}
	END
	mstack up -d
	wait_until log_has a hello
	mstack restart a >restart.out 2>&1 &
	restart=$!
	wait_until is_stopping a
	mstack down >down.out 2>&1 &
	down=$!
	ends_with 1 $restart
	grep -q 'going down' restart.out
	kill -TERM "$(supervisor)"
	ends_with 0 $down
}

@test "verbs: create makes all and starts nothing, rm takes away what a container wrote" {
	chain
	expect_exit 0 mstack create
	[[ $(states) == 'app-1 created db-1 created job-1 created web-1 created' ]]
	expect_exit 0 mstack start
	[[ $(states) == 'app-1 running db-1 running job-1 '*' web-1 running' ]]
	wait_until state_is job exited
	expect_exit 0 mstack rm -f web
	says 'no stopped containers'
	mstack exec -T web sh -c 'echo old >/file'
	ip=$(field web IP)
	mstack stop web
	expect_exit 2 mstack rm web
	says 't-web-1' 'give -f'
	expect_exit 0 mstack rm -f web
	says 'web-1 removed'
	[[ $(states) == 'app-1 running db-1 running job-1 exited' ]]
	expect_exit 0 mstack rm -f web
	expect_exit 1 mstack start web
	says "service 'web' has no container to start"
	expect_exit 0 mstack create web
	says 'web-1 created'
	expect_exit 0 mstack start web
	[[ $(field web IP) == "$ip" ]]
	expect_exit 1 mstack exec -T web cat /file
	expect_exit 0 mstack rm -f -s db
	[[ $(states) == 'app-1 running job-1 exited web-1 running' ]]
	expect_exit 1 mstack restart db
	expect_exit 0 mstack down
	expect_exit 0 mstack rm -f
	expect_exit 0 mstack create web
	[[ $(states) == 'app-1 created db-1 created web-1 created' ]]
	expect_exit 0 mstack down
}

@test "verbs: start --wait-timeout gives up and leaves it to itself; create takes compose's words" {
	stack_one <<<$'command: [sleep, "1000"]\nstop_signal: KILL\nhealthcheck: {test: [CMD, test, -e, /well], interval: 1s, retries: 1000}'
	expect_exit 0 mstack create --force-recreate --no-build -y
	expect_exit 2 mstack start --wait-timeout 1
	expect_exit 5 mstack start --wait --wait-timeout 1
	says 'start: not all is there after 1 s'
	[[ $(states) == 'a-1 running' ]]
	mstack exec -T a touch /well
	expect_exit 0 mstack start --wait --wait-timeout 60
	expect_exit 0 mstack create --no-recreate
	expect_exit 2 mstack create --force-recreate
	says 'up -d --force-recreate'
	mstack down
}

@test "verbs: up --no-deps starts only what is named, --no-start nothing" {
	chain
	expect_exit 0 mstack up -d --no-deps web
	[[ $(states) == 'web-1 running' ]]
	mstack down
	expect_exit 0 mstack up --no-start app
	[[ $(states) == 'app-1 created db-1 created' ]]
	expect_exit 2 mstack up --no-start --wait
	mstack start app
	sed -i 's/^  web:/  more: {image: busybox, command: [sleep, "1000"]}\n&/' stack.yaml
	expect_exit 0 mstack up --no-start app more
	says 'more-1 created'
	[[ $(states) == 'app-1 running db-1 running more-1 created' ]]
	mstack start more
	[[ $(states) == 'app-1 running db-1 running more-1 running' ]]
	mstack down
}

@test "verbs: a restart under load keeps address, published port and log" {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    command: [sh, -c, "echo begin; mkdir -p /w; echo fine >/w/index.html; exec httpd -f -p 80 -h /w"]
		    ports: ["8080:80"]
		  client: {image: busybox, command: [sh, -c, "while :; do wget -q -O - http://web/ && echo asked || sleep 0.1; done"]}
	END
	mstack up -d
	ip=$(field web IP)
	wait_until log_has client asked
	for _ in 1 2 3; do
		expect_exit 0 mstack restart -t 1 web
		asked=$(count_of client asked)
		wait_until has_lines client asked $((asked + 5))
		[[ $(field web IP) == "$ip" ]]
		wait_until wget -q -O /dev/null http://127.0.0.1:8080/
	done
	wait_until has_lines web begin 4
	[[ $(count_of web begin) == 4 ]]
	expect_exit 0 mstack down -t 0
}
