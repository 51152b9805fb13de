# SPDX-License-Identifier: GPL-2.0-or-later
#
# Restart policies, back-off, and what a restart keeps.

load lib/common

restarts_at_least() { (($(field "$1" Restarts) >= $2)); }

@test "restart: no, exit code seen in ps" {
	stack_one <<<'command: [sh, -c, "exit 3"]'
	mstack up -d
	wait_until state_is a exited
	[[ $(field a ExitCode) == 3 && $(field a Restarts) == 0 ]]
	mstack down
}

@test "restart: always, also after exit 0" {
	stack_one <<<$'command: [sh, -c, "sleep 0.1"]\nrestart: always'
	mstack up -d
	wait_until restarts_at_least a 2
	mstack down
}

@test "restart: on-failure leaves success alone" {
	stack_one <<<$'command: [sh, -c, "exit 0"]\nrestart: on-failure'
	mstack up -d
	wait_until state_is a exited
	sleep 0.5
	state_is a exited
	[[ $(field a Restarts) == 0 ]]
	mstack down
}

@test "restart: on-failure:2 gives up after two" {
	stack_one <<<$'command: [sh, -c, "echo try; exit 7"]\nrestart: "on-failure:2"'
	mstack up -d
	wait_until state_is a dead
	[[ $(field a Reason) == "restart budget used up after 2 restarts; the last run exited with code 7" ]]
	[[ $(field a Restarts) == 2 && $(field a ExitCode) == 7 ]]
	[[ $(mstack logs --no-log-prefix a | grep -c '^try$') == 3 ]]
	mstack down
}

@test "restart: unless-stopped after a kill" {
	stack_one <<<$'command: [sleep, "1000"]\nrestart: unless-stopped'
	mstack up -d
	kill -9 "$(field a Pid)"
	wait_until restarts_at_least a 1
	wait_until state_is a running
	mstack down
}

@test "restart: back-off grows and is seen in ps" {
	stack_one <<<$'command: ["false"]\nrestart: always'
	local begin=${EPOCHREALTIME//[!0-9]/} n
	mstack up -d
	# 100 ms doubling: the fifth pause is 1.6 s, long enough to be met.
	wait_until state_is a restarting
	wait_until restarts_at_least a 4
	wait_until state_is a restarting
	# So many cannot have come sooner, and no number in the time that a busy machine takes.
	sleep 1
	n=$(field a Restarts)
	((${EPOCHREALTIME//[!0-9]/} - begin >= 100000 * ((1 << (n - 1)) - 1)))
	mstack down
}

@test "restart: a crash loop does not keep down from its work" {
	stack_one <<<$'command: ["false"]\nrestart: always'
	mstack up -d
	wait_until restarts_at_least a 2
	timeout 30 mstack down
}

@test "restart: keeps address, host name, files and log" {
	stack_one <<-'END'
		command: [sh, -c, "echo start; touch /mark-$$$$; sleep 1000"]
		restart: always
	END
	mstack up -d
	wait_until inside a sh -c 'ls /mark-*'
	local ip mac pid
	ip=$(field a IP)
	pid=$(field a Pid)
	mac=$(inside a cat /sys/class/net/eth0/address)
	[[ $ip == 10.* || $ip == 172.* || $ip == 192.168.* ]]
	inside a touch /kept
	kill -9 "$pid"
	wait_until restarts_at_least a 1
	wait_until state_is a running
	[[ $(field a Pid) != "$pid" && $(field a IP) == "$ip" ]]
	[[ $(inside a cat /sys/class/net/eth0/address) == "$mac" ]]
	inside a ip -4 addr show eth0 | grep -qF "$ip/"
	inside a test -e /kept
	wait_until log_count a '^start$' 2
	[[ $(mstack logs --no-log-prefix a | grep -c '^start$') == 2 ]]
	mstack down
}

@test "restart: a published port goes on answering after a restart" {
	stack_one <<-'END'
		command: [sh, -c, "mkdir -p /w; echo hi >/w/index.html; exec httpd -f -p 80 -h /w"]
		restart: always
		ports: ["8080:80"]
	END
	mstack up -d
	wait_until fetch_from_internet http://198.51.100.2:8080/
	kill -9 "$(field a Pid)"
	wait_until restarts_at_least a 1
	wait_until fetch_from_internet http://198.51.100.2:8080/
	mstack down
}

@test "restart: killed from outside is told as signal 9" {
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	kill -9 "$(field a Pid)"
	wait_until state_is a exited
	[[ $(field a ExitCode) == 137 ]]
	mstack down
}
