#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Health in the life of a stack: probes of ours, what follows when they fail, hooks, and the order after a crash.

load lib/common

status_is() { [[ $(field "$1" Status) == "$2" ]]; }
restarted() { (($(field "$1" Restarts) >= 1)); }

@test "health: a server is found by tcp, by http, by its socket and by what it logs" {
	stack <<-'END'
		x-fast: &fast {interval: 100ms, timeout: 2s, retries: 100}
		services:
		  tcp:
		    image: busybox
		    command: [httpd, -f, -p, "8080"]
		    healthcheck: {<<: *fast, x-probe: {tcp: 8080}}
		  http:
		    image: busybox
		    command: [sh, -c, "mkdir /www; echo ok >/www/health; exec httpd -f -p 127.0.0.1:8080 -h /www"]
		    healthcheck: {<<: *fast, x-probe: {http: "http://:8080/health"}}
		  log:
		    image: busybox
		    command: [sh, -c, "echo now ready to accept connections; exec sleep 1000"]
		    healthcheck: {x-probe: {log: ready to accept}}
		  last:
		    image: busybox
		    command: [sleep, "1000"]
		    depends_on:
		      tcp: {condition: service_healthy}
		      http: {condition: service_healthy}
		      log: {condition: service_healthy}
	END
	mstack up -d --wait --wait-timeout 60
	health_is tcp healthy && health_is http healthy && health_is log healthy
	state_is last running
	mstack down
}

@test "health: a probe of ours says what is wrong" {
	stack <<-'END'
		x-fast: &fast {interval: 100ms, timeout: 20s, retries: 1}
		services:
		  tcp:
		    image: busybox
		    command: [sleep, "1000"]
		    healthcheck: {<<: *fast, x-probe: {tcp: 8080}}
		  http:
		    image: busybox
		    command: [httpd, -f, -p, "8080"]
		    healthcheck: {<<: *fast, start_period: 5s, start_interval: 100ms, x-probe: {http: "http://:8080/nothing"}}
		  unix:
		    image: busybox
		    command: [sleep, "1000"]
		    healthcheck: {<<: *fast, x-probe: {unix: /run/x.sock}}
		  log:
		    image: busybox
		    command: [sleep, "1000"]
		    healthcheck: {<<: *fast, x-probe: {log: ready}}
	END
	mstack up -d
	for service in tcp http unix log; do
		wait_until health_is "$service" unhealthy
	done
	mstack logs tcp | grep -F "port 8080: Connection refused"
	mstack logs http | grep -F "HTTP status 404"
	mstack logs unix | grep -F "socket '/run/x.sock': No such file or directory"
	mstack logs log | grep -F "'ready' is not in the log yet"
	mstack down
}

@test "health: of a check that says nothing is told how it ended" {
	stack <<-'END'
		services:
		  mute: {image: busybox, command: [sleep, "1000"], healthcheck: {test: "exit 7", interval: 100ms, retries: 2}}
		  shot: {image: busybox, command: [sleep, "1000"], healthcheck: {test: "echo; kill -9 $$$$", interval: 100ms, retries: 1}}
	END
	mstack up -d
	wait_until health_is mute unhealthy
	wait_until health_is shot unhealthy
	mstack logs mute | grep -F 'unhealthy after 2 failed probes in a row: exited with code 7'
	mstack logs shot | grep -F 'unhealthy after 1 failed probe in a row: ended by SIGKILL'
	mstack why mute | grep -F 'became unhealthy after 2 failed probes in a row: exited with code 7'
	mstack events --until 0s --json | jq -e 'select(.action == "health_status: unhealthy" and .service == "shot").attributes.output == "ended by SIGKILL"'
	mstack down -t 0
}

@test "health: x-on-unhealthy restarts, stops or kills" {
	stack <<-'END'
		x-fast: &fast {test: [CMD, "false"], interval: 100ms, retries: 1}
		services:
		  restart: {image: busybox, command: [sleep, "1000"], stop_signal: KILL, healthcheck: *fast, x-on-unhealthy: restart}
		  stop: {image: busybox, command: [sleep, "1000"], stop_signal: KILL, restart: always, healthcheck: *fast, x-on-unhealthy: stop}
		  kill: {image: busybox, command: [sleep, "1000"], healthcheck: *fast, x-on-unhealthy: kill}
	END
	mstack up -d
	wait_until restarted restart
	wait_until state_is stop exited
	wait_until state_is kill exited
	[[ $(field kill ExitCode) == 137 && $(field stop Restarts) == 0 ]]
	mstack down
}

@test "health: after a crash a service waits for what it depends on, and a job is not run again" {
	stack <<-'END'
		services:
		  job: {image: busybox, command: [sh, -c, "echo ran"]}
		  db:
		    image: busybox
		    command: [sleep, "1000"]
		    restart: on-failure
		    deploy: {restart_policy: {condition: on-failure, delay: 15s}}
		  web:
		    image: busybox
		    command: [sleep, "1000"]
		    restart: always
		    depends_on:
		      db: {condition: service_started}
		      job: {condition: service_completed_successfully}
	END
	mstack up -d
	wait_until state_is web running
	kill -9 "$(field db Pid)"
	wait_until state_is db restarting
	[[ $(field db Status) == "Restarting in "*" s (1)" ]]
	kill -9 "$(field web Pid)"
	wait_until state_is web restarting
	wait_until status_is web "Restarting (waiting)"
	[[ $(field web Reason) == "waits for 'db' to be started (now restarting)" ]]
	PATIENCE=60 wait_until state_is web running
	state_is db running
	[[ $(mstack logs --no-log-prefix job | grep -c ran) == 1 ]]
	mstack down
}

@test "hooks: post_start runs inside, before others start, with what is said of it" {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    command: [sleep, "1000"]
		    user: "5:5"
		    working_dir: /tmp
		    environment: {A: 1, B: 2}
		    post_start:
		      - command: [sh, -c, "sleep 1; echo $$(id -u) $$(pwd) $$A$$B >/tmp/one; chmod 777 /tmp/one"]
		        user: "0"
		        working_dir: /etc
		        environment: [B=3]
		      - command: [sh, -c, "echo $$(id -u) $$(pwd) $$A$$B >>/tmp/one"]
		  after:
		    image: busybox
		    command: [sh, -c, "date +%s >/tmp/when; exec sleep 1000"]
		    depends_on: [web]
	END
	mstack up -d
	[[ $(mstack exec -T web cat /tmp/one) == $'0 /etc 13\n5 /tmp 12' ]]
	wait_until mstack exec -T after test -s /tmp/when
	(($(mstack exec -T after cat /tmp/when) >= $(mstack exec -T web stat -c %Y /tmp/one)))
	mstack down
}

@test "hooks: a post_start that fails is an error, and the container is stopped" {
	stack_one <<<$'command: [sleep, "1000"]\nstop_signal: KILL\npost_start: [{command: [sh, -c, "echo no such thing >&2; exit 3"]}]'
	run mstack up -d
	[[ $status == 1 && $output == *"post_start[0]: 'sh' exited with code 3: no such thing"* ]]
	run mstack up -d
	[[ $output == *"stack.yaml:"* || $output == *"compose.yaml:"* ]]
}

@test "hooks: a container that ends before its post_start is through has no hook that failed" {
	stack_one <<<$'command: [sh, -c, "echo ready; exit 7"]\npost_start: [{command: [sleep, "1000"]}]'
	mstack up -d || :
	wait_until log_has a ready
	wait_until state_is a exited
	[[ $(field a ExitCode) == 7 ]]
	not log_has a post_start
	mstack down
}

@test "hooks: pre_stop runs before the signal, and the grace period ends it" {
	stack <<-'END'
		services:
		  good:
		    image: busybox
		    command: [sh, -c, "trap 'echo term; exit 0' TERM; echo ready; while :; do sleep 0.1; done"]
		    pre_stop: [{command: [sh, -c, "echo before >/proc/1/fd/1; sleep 0.5"]}]
		  slow:
		    image: busybox
		    command: [sleep, "1000"]
		    stop_grace_period: 1s
		    pre_stop: [{command: [sleep, "1000"]}]
	END
	mstack up -d
	wait_until log_has good ready
	timeout 60 mstack down
	[[ $(mstack logs --no-log-prefix good) == $'ready\nbefore\nterm' ]]
}

@test "pre_start: steps run one after the other in containers of their own, with the service's mounts and network" {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    user: "1000"
		    environment: {WHO: web}
		    scale: 2
		    volumes: ["data:/data"]
		    command: [sh, -c, "ls /elsewhere; id -u; exec sleep 1000"]
		    pre_start:
		      - {image: busybox, user: root, command: [sh, -c, "chown 1000 /data; touch /elsewhere; echo $$WHO $$HOME >/data/one"]}
		      - {command: [sh, -c, "ls /elsewhere; hostname -i >/data/two; id -u >>/data/two; exit 0"]}
		      - {command: [sh, -c, "echo $$X >>/data/each"], per_replica: true, environment: {X: x}}
		volumes: {data: {}}
	END
	mstack up -d
	[[ $(mstack exec -T web cat /data/one) == 'web /root' ]]
	[[ $(mstack exec -T web cat /data/two) == "$(mstack exec -T web hostname -i)"$'\n1000' ]]
	[[ $(mstack exec -T web cat /data/each) == $'x\nx' ]]
	# Its own and that of a step.
	both_miss_it() { [[ $(mstack logs --no-log-prefix --index 1 web | grep -c 'elsewhere: No such file') == 2 ]]; }
	wait_until both_miss_it
	mstack restart web
	mstack up -d
	[[ $(mstack exec -T web cat /data/each) == $'x\nx' ]]
	mstack up -d --force-recreate
	[[ $(mstack exec -T web cat /data/each) == $'x\nx\nx\nx' ]]
	mstack down -v
}

@test "pre_start: a step that fails is a start that failed, for who depends on it as well; the next start tries again" {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    command: [sleep, "1000"]
		    stop_signal: KILL
		    restart: always
		    volumes: [".:/here"]
		    pre_start:
		      - {command: [sh, -c, "echo first >>/here/steps"]}
		      - {command: [sh, -c, "echo second; test -e /here/good || exit 3"]}
		  after: {image: busybox, command: [sleep, "1000"], depends_on: [web]}
	END
	run mstack up -d
	[[ $status == 1 && $output == *"stack.yaml:11: service 'web': pre_start[1]: 'sh' exited with code 3"* ]]
	[[ $(mstack logs --no-log-prefix web) == *second* ]]
	touch good
	mstack up -d
	[[ $(<steps) == $'first\nfirst' && $(mstack ps -q | wc -l) == 2 ]]
	mstack down
}

step_runs() { mstack ps -a | grep -q "pre_start.0. runs"; }

@test "pre_start: who stops the service meanwhile ends the step" {
	stack_one <<<$'command: [sleep, "1000"]\nstop_grace_period: 1s\npre_start: [{command: [sleep, "1000"]}]'
	mstack up -d 3>&- &
	local up=$!
	wait_until step_runs
	timeout 60 mstack down
	wait "$up" || true
	[[ $(mstack ps -aq | wc -l) == 0 ]]
}

@test "hooks: an unknown user is told before anything is made" {
	stack_one <<<$'command: [sleep, "1000"]\npre_stop: [{command: [id], user: nobodyknows}]'
	run mstack up -d
	[[ $status == 125 && $output == *"nobodyknows"* ]]
}
