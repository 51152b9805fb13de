# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real programs: nginx and redis as Debian packages them, with the host's own root as their image.

load lib/common

setup_file() {
	local program
	for program in nginx redis-server redis-cli; do
		command -v "$program" >/dev/null || export SKIP_ALL="$program is not installed"
	done
}

# A reply of redis, asked from the service $1.
redis() {
	local service=$1
	shift
	inside "$service" timeout 5 redis-cli -h db "$@"
}

@test "real: nginx serves and redis keeps its value" {
	mkdir html
	echo 'served by nginx' >html/index.html
	cat >nginx.conf <<-'END'
		daemon off;
		error_log /dev/stderr;
		events {}
		http {
			access_log /dev/stdout;
			server { listen 80; root /srv/html; }
		}
	END
	stack real <<-'END'
		services:
		  web:
		    image: /
		    command: [/usr/sbin/nginx, -c, /etc/nginx-test.conf]
		    volumes: ["./html:/srv/html:ro", "./nginx.conf:/etc/nginx-test.conf:ro"]
		    # For a user the folders that something is mounted on are empty, and here /var/lib is one.
		    tmpfs: [/run, /var/lib/nginx]
		    ports: ["8080:80"]
		    stop_signal: SIGQUIT
		  db:
		    image: /
		    command: [/usr/bin/redis-server, --bind, 0.0.0.0, --dir, /data, --appendonly, "yes", --appendfsync, always,
		              --protected-mode, "no"]
		    volumes: ["db:/data"]
		    restart: always
		    healthcheck: {test: ["CMD", "redis-cli", "ping"], interval: 300ms, retries: 50}
		  client:
		    image: /
		    command: [sleep, "1000"]
		    depends_on: {db: {condition: service_healthy}}
		volumes: {db: {}}
	END
	expect_exit 0 mstack up -d

	# A request through the published port, from another host.
	wait_until fetch_from_internet http://198.51.100.2:8080/
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == 'served by nginx' ]]
	wait_until log_has web 'GET / '

	# Written and read back by another service, by name.
	[[ $(redis client set greeting hello) == OK ]]
	[[ $(redis web get greeting) == hello ]]

	# Killed: the same address, the value still in its volume.
	local ip pid
	ip=$(field db IP)
	pid=$(field db Pid)
	kill -9 "$pid"
	back() { [[ $(field db Pid) != "$pid" && $(redis client get greeting) == hello ]]; }
	wait_until back
	[[ $(field db IP) == "$ip" && $(field db Restarts) == 1 ]]

	# Over down as well; gone with its volume.
	expect_exit 0 mstack down
	expect_exit 0 mstack up -d
	[[ $(redis client get greeting) == hello ]]
	expect_exit 0 mstack down -v
	expect_exit 0 mstack up -d
	[[ -z $(redis client get greeting) ]]
	expect_exit 0 mstack down -v
}
