# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several containers of one service: `scale`, `deploy.replicas` and `up --scale`.

load lib/common

farm() {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    command: [sh, -c, "echo I am $$(hostname); mkdir /w; hostname >/w/index.html; exec httpd -f -p 80 -h /w"]
		    deploy: {replicas: 3}
		    ports: ["8080-8082:80"]
		    healthcheck: {test: "wget -q -O /dev/null http://127.0.0.1/", interval: 100ms, start_period: 40s}
		  client:
		    image: busybox
		    command: [sleep, "1000"]
		    depends_on: {web: {condition: service_healthy}, gone: {condition: service_healthy}}
		  gone: {image: busybox, scale: 0, healthcheck: {test: "true"}}
	END
}

states() { mstack ps -a --format json | jq -r '.Name + " " + .State' | sort | paste -sd ' '; }

@test "replicas: a name, an address, a port and a log for each; one name for all" {
	farm
	expect_exit 0 mstack up -d
	[[ $(states) == 't-client-1 running t-web-1 running t-web-2 running t-web-3 running' ]]
	[[ $(mstack ps --format json | jq -r 'select(.Service == "web") | .IP' | sort -u | wc -l) == 3 ]]
	for i in 1 2 3; do
		name=web$([[ $i == 1 ]] || echo "-$i")
		[[ $(wget -q -O - "http://127.0.0.1:$((8079 + i))/") == "$name" ]]
		[[ $(mstack exec -T --index "$i" web hostname) == "$name" ]]
		expect_exit 0 mstack port --index "$i" web 80
		says "$((8079 + i))"
		[[ $(mstack exec -T client wget -q -O - "http://web-$i/") == "$name" ]]
	done
	[[ $(mstack exec -T client nslookup web | grep -c '^Address: ') == 3 ]]
	expect_exit 0 mstack logs --no-color web
	says '| I am web' 'web-2     | I am web-2' 'web-3     | I am web-3'
	expect_exit 1 mstack exec -T --index 4 web true
	says 'running: 1, 2, 3'
	expect_exit 0 mstack down
}

@test "replicas: --scale goes over the file, and nothing is too little" {
	farm
	expect_exit 0 mstack up -d --scale web=1 --scale client=2
	[[ $(states) == 't-client-1 running t-client-2 running t-web-1 running' ]]
	expect_exit 0 mstack down
	expect_exit 0 mstack up -d --scale web=0
	[[ $(states) == 't-client-1 running' ]]
	expect_exit 0 mstack down
	expect_exit 2 mstack up -d --scale wbe=2
	says "no such service: 'wbe'" "did you mean 'web'"
	expect_exit 2 mstack up -d --scale web
	says 'write SERVICE=NUMBER'
	expect_exit 3 mstack up -d --scale web=4
	says '4 containers cannot share port 8080-8082 of the host' "'8080-8083:80'"
}

@test "replicas: one that ended well is enough, one that fails is not" {
	stack <<-'END'
		services:
		  job:
		    image: busybox
		    scale: 3
		    command: [sh, -c, "case $$(hostname) in job-2) ;; *) sleep 1000 ;; esac"]
		  after: {image: busybox, command: [sleep, "1000"], depends_on: {job: {condition: service_completed_successfully}}}
	END
	expect_exit 0 mstack up -d
	[[ $(states) == 't-after-1 running t-job-1 running t-job-2 exited t-job-3 running' ]]
	mstack down
	sed -i 's/job-2) ;;/job-2) exit 3 ;;/' stack.yaml
	expect_exit 1 mstack up -d
	says "service 'after'"
}

@test "replicas: each its own folder to write into and its own volume without a name" {
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    scale: 2
		    volumes: [/data, "shared:/shared"]
		    command: [sh, -c, "hostname >/mine; hostname >/data/mine; hostname >>/shared/all; sleep 1000"]
		volumes: {shared: {}}
	END
	mstack up -d
	for i in 1 2; do
		wait_until mstack exec -T --index "$i" a grep -q a-2 /shared/all
		wait_until mstack exec -T --index "$i" a grep -qx a /shared/all
		name=a$([[ $i == 1 ]] || echo "-$i")
		[[ $(mstack exec -T --index "$i" a cat /mine /data/mine | sort -u) == "$name" ]]
	done
	expect_exit 0 mstack down -v
}

@test "replicas: scale brings up as many as are asked for" {
	farm
	expect_exit 0 mstack scale web=2
	[[ $(states) == 't-web-1 running t-web-2 running' ]]
	expect_exit 0 mstack down
	expect_exit 0 mstack scale --no-deps client=3
	[[ $(states) == 't-client-1 running t-client-2 running t-client-3 running' ]]
	expect_exit 2 mstack scale
	expect_exit 2 mstack scale web
	expect_exit 2 mstack scale wbe=1
	says "did you mean 'web'"
	[[ $(grep -c 'no such service' <<<"$output") == 1 ]]
	expect_exit 0 mstack down
}

@test "replicas: scale of a stack that runs leaves the others alone, and the highest numbers go" {
	stack <<-'END'
		services:
		  web: {image: busybox, command: [sh, -c, "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.1; done"]}
		  db: {image: busybox, command: [sleep, "1000"]}
	END
	mstack up -d
	db=$(field db Pid) web=$(field web Pid)
	expect_exit 0 mstack scale web=3
	[[ $(states) == 't-db-1 running t-web-1 running t-web-2 running t-web-3 running' ]]
	[[ $(field web Pid | head -n 1) == "$web" && $(field db Pid) == "$db" ]]
	[[ $(mstack ps --format json | jq -r .IP | sort -u | wc -l) == 4 ]]
	# Then it hears its signal.
	third_talks() { mstack logs --no-color --index 3 web | grep -q hello; }
	wait_until third_talks
	expect_exit 0 mstack up -d --scale web=2
	[[ $(states) == 't-db-1 running t-web-1 running t-web-2 running' ]]
	mstack logs --no-color web | grep -q 'web-3 .*bye'
	expect_exit 0 mstack restart web
	expect_exit 0 mstack scale web=0
	[[ $(states) == 't-db-1 running' && $(field db Pid) == "$db" ]]
	expect_exit 0 mstack down -t 0
}
