# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a person looks at and holds on to while a stack runs: top, stats, pause, port, images.

load lib/common

# Service `a` sleeps; further keys of it from standard input.
sleeper() {
	{
		echo 'command: [sleep, "1000"]'
		cat
	} | stack_one
	mstack up -d
}

# ---- top ----

@test "top: processes of each container, with pids of the host and names of the container" {
	mkdir etc
	echo 'clerk:x:1000:1000::/:/bin/sh' >etc/passwd
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    user: "1000"
		    volumes: ["./etc/passwd:/etc/passwd:ro"]
		    command: [sh, -c, "sleep 1001 & sleep 1002 & wait"]
		  b: {image: busybox, command: [sleep, "1003"]}
		  finished: {image: busybox, command: ["true"]}
	END
	mstack up -d
	all_sleep() { (($(mstack top a | grep -c ' sleep 100[12]$') == 2)); }
	wait_until all_sleep
	wait_until state_is finished exited
	expect_exit 0 mstack top
	says SERVICE PID STIME 'sleep 1001' 'sleep 1003'
	[[ $(grep -c '^a .* clerk ' <<<"$output") == 3 ]]
	[[ $(grep -c '^b .* root ' <<<"$output") == 1 ]]
	expect_exit 0 mstack top --format json b finished
	[[ $(jq -r '"\(.Service) \(.Index) \(.UID) \(.CMD)"' <<<"$output") == 'b 1 root sleep 1003' ]]
	[[ $(jq .PID <<<"$output") == "$(field b Pid)" ]]
	# The parents of a's children are in the list.
	mstack top a --format json | jq -se 'map(.PID) as $all | map(select(.PPID | IN($all[]))) | length == 2'
	expect_exit 2 mstack top finishd
	says "no such service: 'finishd'" "did you mean 'finished'"
	mstack down
	expect_exit 1 mstack top
	says 'not up'
}

@test "top: what a process calls itself does nothing to a terminal or to a line" {
	sleeper </dev/null
	mstack exec -d a sh -c 'sleep 1000; :' "$(printf 'x\033[2Jy\nz')"
	wait_until eval 'mstack top | grep -q "x^\[\[2Jy^Jz"'
	mstack top >out
	not grep -q $'\033' out
	mstack top --format json | jq -se 'any(.CMD | contains("x^[[2Jy^Jz"))'
	mstack down
}

# ---- pause ----

counts() { mstack logs --no-color --no-log-prefix "$1" | tail -n 1; }

@test "pause: processes stand still, keep all they have, and go on" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "i=0; while :; do echo $$((i += 1)); usleep 20000; done"]}
		  b: {image: busybox, command: [sleep, "1000"]}
		  finished: {image: busybox, command: ["true"]}
	END
	mstack up -d
	wait_until log_has a 3
	expect_exit 0 mstack pause a
	says 'a-1 paused'
	local before pid=$(field a Pid)
	# What it had written by then is in the log a moment later.
	stands() { before=$(counts a) && sleep 0.5 && [[ $(counts a) == "$before" ]]; }
	wait_until stands
	state_is a paused
	[[ $(field a Status) == *'(Paused)' ]]
	state_is b running
	sleep 0.5
	[[ $(counts a) == "$before" ]]
	grep -q 'frozen 1' "$MSTACK_SANDBOX/mstack/t/a-1/cgroup.events"
	expect_exit 0 mstack ps
	says '(Paused)'
	expect_exit 0 mstack ps -q --status paused
	[[ $output == "$(field a ID)" ]]
	expect_exit 1 mstack exec a true
	says "service 'a' is paused" 'mstack unpause a'
	expect_exit 0 mstack top a
	says 'sh -c i=0'
	expect_exit 1 mstack pause a
	says 'a-1 is paused already'
	expect_exit 1 mstack unpause b
	says 'b-1 is not paused'
	expect_exit 1 mstack pause finished
	says 'finished is not running'
	expect_exit 0 mstack unpause
	says 'a-1 unpaused'
	wait_until eval "((\$(counts a) > $before))"
	[[ $(field a Pid) == "$pid" ]]
	mstack exec -T a true
	mstack down
	expect_exit 1 mstack pause a
	says 'not up'
}

# shellcheck disable=SC2016
@test "pause: a stop wakes it by its signal; what is deaf is killed; a restart is not frozen" {
	stack <<-'END'
		services:
		  polite: {image: busybox, command: [sh, -c, "trap 'echo asked to go; exit 7' TERM; echo up; while :; do sleep 1; done"]}
		  deaf: {image: busybox, stop_grace_period: 200ms, command: [sh, -c, "trap : TERM; while :; do sleep 1; done"]}
		  again: {image: busybox, restart: always, command: [sh, -c, "echo up; exec sleep 1000"]}
	END
	mstack up -d
	wait_until log_has polite up
	wait_until log_has again up
	expect_exit 0 mstack pause
	kill -KILL "$(field again Pid)"
	wait_until state_is again running
	wait_until eval '[[ $(mstack logs --no-log-prefix again | grep -c "^up") == 2 ]]'
	state_is polite paused
	mstack down
	log_has polite 'asked to go'
}

@test "pause: health checks wait, and what was known stays" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		healthcheck: {test: "echo >>/asked; test -e /good", interval: 100ms, retries: 1, timeout: 20s}
		volumes: ["./shared:/shared"]
	END
	mkdir shared
	sed -i 's|/asked|/shared/asked|; s|/good|/shared/good|' stack.yaml
	touch shared/good
	mstack up -d
	wait_until health_is a healthy
	mstack pause a
	local asked
	asked=$(wc -l <shared/asked)
	rm shared/good
	sleep 1
	[[ $(wc -l <shared/asked) == "$asked" ]]
	health_is a healthy
	mstack unpause a
	wait_until health_is a unhealthy
	mstack down
}

@test "pause: a supervisor that is killed takes what is frozen along" {
	sleeper </dev/null
	mstack pause
	local pid
	pid=$(field a Pid)
	kill -KILL "$(supervisor)"
	wait_until gone "$pid"
	wait_until eval '! ls /run/mstack/t 2>/dev/null'
	mstack down -p t
}

# ---- stats ----

@test "stats: once, in the words of docker stats, with raw numbers; what is not counted is said" {
	stack <<-'END'
		services:
		  busy: {image: busybox, command: [sh, -c, "while :; do :; done"]}
		  idle: {image: busybox, command: [sleep, "1000"], ports: ["80"]}
		  finished: {image: busybox, command: ["true"]}
	END
	mstack up -d
	wait_until state_is finished exited
	has_sent() {
		mstack exec -T idle nc -w 1 busy 80 || :
		mstack stats --no-stream --format json idle 2>/dev/null | jq -se '.[0].NetTxBytes > 0'
	}
	wait_until has_sent
	# Other work on the machine leaves it some of a processor, now and then.
	is_busy() { mstack stats --no-stream --format json busy 2>/dev/null | jq -se '.[0].CPUPerc | rtrimstr("%") | tonumber > 5'; }
	wait_until is_busy
	expect_exit 0 mstack stats --no-stream
	says 'CONTAINER ID' 'CPU %' 'MEM USAGE / LIMIT' 'NET I/O' PIDS t-busy-1 t-idle-1
	[[ $output != *t-finished-1* ]]
	mstack stats --no-stream --format json 2>err >out
	jq -se 'length == 2 and all(has("Name") and has("ID") and has("CPUPerc") and has("MemUsage") and has("MemPerc")
		and has("NetIO") and has("BlockIO") and has("PIDs"))' out
	jq -se '.[] | select(.Name == "t-idle-1") | .CPUPerc | rtrimstr("%") | tonumber < 5' out
	jq -se '.[] | select(.Name == "t-idle-1") | .NetTxBytes > 0 and .CPUUsec > 0' out
	[[ $(jq -r 'select(.Name == "t-idle-1") | .ID' out) == "$(field idle ID)" ]]
	if [[ -e $MSTACK_SANDBOX/mstack/t/busy-1/memory.current ]]; then
		jq -se '.[] | select(.Name == "t-busy-1") | .MemBytes > 0 and .Tasks == 1' out
	else
		grep -q 'not counted: memory: no controller' err
		jq -se '.[] | select(.Name == "t-busy-1") | .MemUsage == "-- / --" and .MemBytes == null' out
	fi
	expect_exit 0 mstack stats --no-stream -a finished
	says t-finished-1 '--'
	expect_exit 2 mstack stats --no-stream nobody
	says "no such service: 'nobody'"
	[[ $(mstack stats --no-stream --format '{{.Name}}\t{{.NetIO}}' finished -a) == $'t-finished-1\t-- / --' ]]
	expect_exit 0 mstack stats --no-stream --no-trunc --format 'table {{.Name}}\t{{.CPUPerc}}' busy
	says 'NAME' 'CPU %' t-busy-1
	[[ $output != *MEM* ]]
	expect_exit 2 mstack stats --no-stream --format '{{.CPU}}'
	says "there is no '.CPU'"
	mstack pause busy
	[[ $(mstack stats --no-stream --format json busy 2>/dev/null | jq -r .CPUPerc) == 0.00% ]]
	mstack down
	expect_exit 1 mstack stats
	says 'not up'
}

# shellcheck disable=SC2016
@test "stats: goes on once a second, over restarts, and ends with the stack" {
	stack_one <<-'END'
		command: [sh, -c, "while :; do sleep 0.1; done"]
		restart: always
	END
	mstack up -d
	mstack stats --format json >out 2>err &
	local stats=$!
	wait_until eval '(($(wc -l <out) >= 2))'
	kill -KILL "$(field a Pid)"
	wait_until state_is a running
	local lines
	lines=$(wc -l <out)
	wait_until eval "((\$(wc -l <out) >= $lines + 2))"
	mstack down
	ends_with 0 "$stats"
	jq -se 'all(.Name == "t-a-1")' out
	run grep -c $'\033' out
	[[ $output == 0 ]]
}

# ---- port ----

@test "port: where a port is published, by protocol; what is published otherwise is said" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		ports: ["127.0.0.1:8080:80", "9053:53/udp", "90"]
	END
	mstack up -d
	[[ $(mstack port a 80) == 127.0.0.1:8080 ]]
	[[ $(mstack port a 80/tcp) == 127.0.0.1:8080 ]]
	[[ $(mstack port --protocol udp --index 1 a 53) == 0.0.0.0:9053 ]]
	[[ $(mstack port a 90) == "0.0.0.0:$(mstack ps --format json | jq '.Publishers[] | select(.TargetPort == 90).PublishedPort')" ]]
	expect_exit 1 mstack port a 53
	says "does not publish 53/tcp" 80/tcp 53/udp
	expect_exit 1 mstack port --index 2 a 80
	says "no container number 2"
	expect_exit 2 mstack port b 80
	says 'no such service'
	expect_exit 2 mstack port a x
	expect_exit 2 mstack port a
	expect_exit 2 mstack port a 80/sctp
	mstack down
}

# ---- images ----

@test "images: what containers were made of, by id, also when the name means another image by now" {
	mkdir -p root/bin
	cp "$(command -v busybox)" root/bin/sleep
	tar -C root -cf root.tar .
	ocilayout lay v1 '{"Cmd": ["sleep", "1000"]}' root.tar
	mstack image import oci:lay:v1 app
	stack <<-'END'
		services:
		  web: {image: app, init: true}
		  built: {image: busybox, command: [sleep, "1000"]}
		  host: {image: /, command: ["true"]}
	END
	expect_exit 0 mstack images
	[[ $output == 'CONTAINER '*'REPOSITORY '*'TAG '*'PLATFORM '*'IMAGE ID '*'SIZE '*'CREATED' ]]
	mstack up -d
	local id
	id=$(mstack image inspect app | jq -r '.[0].Id')
	expect_exit 0 mstack images
	grep -E "^t-web-1 +app +latest +linux/[a-z0-9]+ +$(cut -c 8-19 <<<"$id") +[0-9.]+ [KM]iB +" <<<"$output"
	grep -E '^t-built-1 +busybox +latest +N/A +<none> +N/A +N/A' <<<"$output"
	grep -E '^t-host-1 +/ +<none> ' <<<"$output"
	expect_exit 0 mstack images --format json web
	[[ $(jq -r '"\(.ID) \(.ContainerName) \(.Repository) \(.Tag)"' <<<"$output") == "$id t-web-1 app latest" ]]
	jq -e '.Size > 500000 and (.Platform | startswith("linux/")) and .LastTagTime != null' <<<"$output"
	[[ $(mstack images -q) == "${id#sha256:}" ]]
	[[ $(mstack images --format '{{.Service}}={{.Tag}}' web) == web=latest ]]
	[[ $(mstack ps --format '{{.ImageID}}' web) == "$id" ]]
	# The name moves on, the container does not.
	echo new >root/new
	tar -C root -cf root.tar .
	ocilayout lay2 v1 '{"Cmd": ["sleep", "1000"]}' root.tar
	mstack image import oci:lay2:v1 app
	[[ $(mstack images -q) == "${id#sha256:}" ]]
	mstack images web | grep -E '^t-web-1 +<none> +<none> '
	expect_exit 2 mstack images nobody
	says "no such service: 'nobody'"
	mstack -p t images | grep -q t-web-1
	mstack down
	[[ -z $(mstack images -q) && $(mstack images | wc -l) == 1 ]]
}

# ---- lists ----

@test "lists: --format takes templates, everywhere the same; a slip is wrong usage before anything is done" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], ports: ["127.0.0.1:8080:80"], volumes: ["v:/v"]}
		volumes: {v: }
	END
	mstack up -d
	[[ $(mstack ps --format '{{.Service}} {{upper .State}} {{.Ports}}') == 'a RUNNING 127.0.0.1:8080->80/tcp' ]]
	[[ $(mstack ps --format '{{json .Publishers}}' | jq '.[0].TargetPort') == 80 ]]
	[[ $(mstack ps --format '{{json .}}' | jq -r .Name) == t-a-1 ]]
	mstack ps --format 'table {{.Service}}\t{{.IP}}' >out
	[[ $(head -n 1 out) =~ ^SERVICE\ +IP$ && $(tail -n 1 out) =~ ^a\ +[0-9.]+$ ]]
	[[ $(mstack ls --format '{{.Name}} {{.Status}}') == 't running(1)' ]]
	[[ $(mstack volumes --format '{{.Name}} {{.Project}} {{.InUse}}') == 't_v t true' ]]
	[[ $(mstack volume ls --format '{{.Driver}}') == local ]]
	[[ $(mstack top --format '{{.CMD}}') == 'sleep 1000' ]]
	expect_exit 2 mstack ps --format '{{.Srvice}}'
	says "there is no '.Srvice': did you mean '.Service'?"
	expect_exit 2 mstack ps --format '{{if .Name}}x{{end}}'
	says 'character 3' 'known are'
	expect_exit 2 mstack ps --format xml
	says "'xml' is none of table|json|TEMPLATE"
	mstack down
}

@test "lists: a service that there is not is wrong usage, whatever the command" {
	sleeper </dev/null
	for command in ps top 'stats --no-stream' images volumes logs 'config -q' 'config --hash' pause unpause pull 'up -d' \
		attach; do
		# shellcheck disable=SC2086
		expect_exit 2 mstack $command nobody
		says nobody
	done
	expect_exit 2 mstack exec -T nobody true
	expect_exit 2 mstack run nobody true
	expect_exit 2 mstack up --exit-code-from nobody
	expect_exit 2 mstack port nobody 80
	expect_exit 2 mstack cp nobody:/x .
	# In the file, but not running, is no slip.
	mstack down
	expect_exit 1 mstack exec -T a true
}
