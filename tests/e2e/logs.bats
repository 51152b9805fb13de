# SPDX-License-Identifier: GPL-2.0-or-later
#
# Logs: choosing lines, forms of output, drivers, rotation, and a disk that is full.

load lib/common
load lib/listener

@test "logs: --grep takes lines that match, and the tail of them" {
	# shellcheck disable=SC2016
	stack_one <<<'command: [sh, -c, "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $$i; done; printf \"a\\0b error\\n\""]'
	mstack up -d
	wait_until log_has a error
	[[ $(mstack logs --no-log-prefix --grep '^line 1[01]?$' a | xargs) == 'line 1 line 10 line 11' ]]
	[[ $(mstack logs --no-log-prefix --grep '^line 1' -n 2 a | xargs) == 'line 11 line 12' ]]
	[[ $(mstack logs --no-log-prefix --grep error a | wc -c) == 10 ]]
	expect_exit 2 mstack logs --grep '('
	expect_exit 2 mstack logs --grep "$(printf 'x%.0s' {1..2000})"
	mstack down
}

@test "logs: --json is an object for each line, whatever bytes it has" {
	stack_one <<<'command: [sh, -c, "echo out; printf \"q\\042 \\377\\n\" >&2"]'
	mstack up -d
	wait_until state_is a exited
	mstack logs --json a | jq -c '[.service, .slot, .stream, .text]' | sort >got
	diff got - <<-'END'
		["a","a-1","stderr","q\" �"]
		["a","a-1","stdout","out"]
	END
	mstack logs --json | jq -r .time | grep -qE '^20[0-9-]+T[0-9:.]+Z$'
	mstack down
}

@test "logs: --index" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "echo one"], scale: 2}
	END
	mstack up -d
	two() { [[ $(mstack logs --no-log-prefix a | grep -c one) == 2 ]]; }
	wait_until two
	[[ $(mstack logs --no-color --index 2 a) == 'a-2  | one' ]]
	expect_exit 2 mstack logs --index 3 a
	expect_exit 2 mstack logs --index x a
	mstack down
}

# ---- drivers ----

@test "logs: driver json-file writes docker's lines, read like others; history of both forms" {
	stack_one <<<$'command: [sh, -c, "echo first"]'
	mstack up -d
	wait_until state_is a exited
	mstack down
	# Which of two streams is read first is not promised, and a line of one may come between two parts of the other's.
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sh, -c, "echo '<two>'; printf '%020000d' 7"], logging: {driver: json-file}}
		  b: {image: busybox, command: [sh, -c, "echo three >&2"], logging: {driver: json-file}}
	END
	mstack up -d
	wait_until state_is a exited
	wait_until state_is b exited
	logs=/var/lib/mstack/projects/t/logs
	grep -qE '^\{"log":"\\u003ctwo\\u003e\\n","stream":"stdout","time":"20[0-9T:.-]+Z"\}$' $logs/a-1/current.log
	grep -qE '^\{"log":"three\\n","stream":"stderr",' $logs/b-1/current.log
	# A long line is cut as docker cuts it, and shown as one.
	[[ $(grep -cE '^\{"log":"0{16384}","stream"' $logs/a-1/current.log) == 1 ]]
	[[ $(mstack logs --no-log-prefix a | grep -c 0000) == 1 ]]
	[[ $(mstack logs --no-log-prefix | grep -E 'first|two|three' | sort | xargs) == '<two> first three' ]]
	# The parts of a line count as one.
	[[ $(mstack logs --no-log-prefix -n 2 a | grep -c first) == 0 && $(mstack logs --no-log-prefix -n 3 a | grep -c first) == 1 ]]
	mstack down
}

@test "logs: max-size and max-file; a reader that is overtaken is told how much it missed" {
	# shellcheck disable=SC2016
	stack_one <<<$'command: [sh, -c, "sleep 1000 & wait"]\ninit: true\nlogging: {options: {max-size: 16k, max-file: 2}}'
	mstack up -d
	mstack logs -f --no-log-prefix a >seen &
	reader=$!
	mstack exec a sh -c 'echo begin >/proc/1/fd/1'
	wait_until grep -q begin seen
	kill -STOP $reader
	mstack exec a sh -c 'seq 100000 109999 >/proc/1/fd/1; echo end >/proc/1/fd/1'
	wait_until log_has a end
	kill -CONT $reader
	wait_until grep -q end seen
	missed=$(grep -oE '[0-9]+ lines were lost' seen | cut -d ' ' -f 1)
	[[ $((missed + $(grep -cE '^10[0-9]{4}$' seen))) == 10000 ]]
	ls /var/lib/mstack/projects/t/logs/a-1 >files
	diff files - <<<$'1.log\ncurrent.log\nrotated'
	mstack down
	wait $reader || :
}

@test "logs: driver none keeps nothing but what mstack says" {
	stack_one <<<$'command: [sh, -c, "echo secret"]\nlogging: {driver: none}'
	mstack up -d
	wait_until state_is a exited
	[[ $(mstack logs --no-log-prefix a) == "mstack: logging driver 'none': what the service writes is not kept" ]]
	not grep -rq secret /var/lib/mstack/projects/t/logs/a-1
	mstack down
}

@test "logs: driver journald speaks its protocol, and a copy stays" {
	listener dgram /run/systemd/journal/socket got
	stack_one <<<$'command: [sh, -c, "echo hello; until [ -e /on ]; do sleep 0.1; done; echo oops >&2"]\nlogging: {driver: journald, options: {tag: "x-{{.Name}}"}}'
	mstack up -d
	wait_until grep -q hello got
	mstack exec -T a touch /on
	wait_until grep -q oops got
	python3 - <<-'END'
		data = open("got", "rb").read()
		first = data.split(b"IMAGE_NAME=busybox\n")[0]
		assert first.startswith(b"MESSAGE\n" + (5).to_bytes(8, "little") + b"hello\nPRIORITY=6\n"), first
		for field in b"SYSLOG_IDENTIFIER=x-t-a-1", b"CONTAINER_NAME=t-a-1", b"CONTAINER_TAG=x-t-a-1":
		    assert field + b"\n" in first, first
		assert b"oops\nPRIORITY=3\n" in data
	END
	wait_until log_has a oops
	[[ $(mstack logs --no-log-prefix a | xargs) == 'hello oops' ]]
	mstack down
	kill $LISTENER
	rm /run/systemd/journal/socket
	rmdir /run/systemd/journal /run/systemd
}

@test "logs: a journal that is not there costs lines, counted and said, never the service" {
	stack_one <<<$'init: true\ncommand: [sh, -c, "echo one; echo two; sleep 1000"]\nlogging: {driver: journald}'
	mstack up -d
	wait_until log_has a two
	wait_until log_has a 'lines are not delivered to journald: no such file or directory'
	listener dgram /run/systemd/journal/socket got
	mstack exec a sh -c 'echo three >/proc/1/fd/1'
	wait_until grep -q three got
	not grep -q one got
	wait_until log_has a '2 lines were not delivered to journald'
	mstack down
	kill $LISTENER
	rm /run/systemd/journal/socket
	rmdir /run/systemd/journal /run/systemd
}

@test "logs: driver syslog by datagrams, in the formats that docker has" {
	listener udp 5514 udp
	udp=$LISTENER
	listener dgram /dev/log local
	# As it is everywhere.
	chmod 666 /dev/log
	stack <<-'END'
		services:
		  plain: {image: busybox, command: [echo, p], logging: {driver: syslog}}
		  old: {image: busybox, command: [echo, o], logging: {driver: syslog, options: {syslog-address: "udp://127.0.0.1:5514", syslog-format: rfc3164, syslog-facility: local3}}}
		  new: {image: busybox, command: [sh, -c, "echo n >&2"], logging: {driver: syslog, options: {syslog-address: "udp://127.0.0.1:5514", syslog-format: rfc5424micro, tag: app, cache-disabled: "true"}}}
	END
	mstack up -d
	wait_until grep -q . local
	both() { [[ $(wc -l <udp) == 2 ]]; }
	wait_until both
	grep -qE '^<30>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} t-plain-1\[[0-9]+\]: p$' local
	grep -qE "^<158>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} $(hostname) t-old-1\\[[0-9]+\\]: o\$" udp
	grep -qE "^<27>1 20[0-9-]+T[0-9:]{8}\\.[0-9]{6}Z $(hostname) app [0-9]+ app - n\$" udp
	[[ $(mstack logs --no-log-prefix new) == *'not kept here' ]]
	mstack down
	kill $LISTENER $udp
}

@test "logs: driver syslog over TCP comes back when the receiver does, in whole lines" {
	stack_one <<<$'init: true\ncommand: [sh, -c, "echo one; sleep 1000"]\nlogging: {driver: syslog, options: {syslog-address: "tcp://127.0.0.1:5514"}}'
	mstack up -d
	wait_until log_has a one
	listener tcp 5514 got
	wait_until grep -q ': one$' got
	mstack exec a sh -c 'seq 5000 >/proc/1/fd/1'
	wait_until grep -q ': 5000$' got
	[[ $(grep -cE '^<30>.* t-a-1\[[0-9]+\]: [0-9]+$' got) == 5000 ]]
	mstack down
	kill $LISTENER
}

@test "logs: a full disk costs lines, which are counted and told of, and never the service" {
	mkdir data
	mount -t tmpfs -o size=3m small data
	export MSTACK_DATA_DIR=$PWD/data
	stack_one <<<$'image: /\ncommand: [sh, -c, "sleep 1000 & wait"]\nlogging: {options: {max-size: 64m}}'
	sed -i '/image: busybox/d' stack.yaml
	mstack up -d 2>err
	# shellcheck disable=SC2016
	mstack exec a sh -c 'i=0; while [ $i -lt 70000 ]; do echo "line $i of a text that fills the disk slowly but surely"; i=$((i + 1)); done >/proc/1/fd/1'
	state_is a running
	mount -o remount,size=30m data
	mstack exec a sh -c 'echo after >/proc/1/fd/1'
	wait_until log_has a '^after$'
	kept=$(mstack logs --no-log-prefix a | grep -c '^line ')
	lost=$(mstack logs --no-log-prefix a | grep -oE '[0-9]+ lines dropped' | awk '{ n += $1 } END { print n }')
	echo "kept $kept, lost $lost"
	((kept > 10000 && lost > 1000 && kept + lost == 70000))
	mstack down
	wait_until umount data
}
