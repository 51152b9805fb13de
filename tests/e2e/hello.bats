# SPDX-License-Identifier: GPL-2.0-or-later
#
# The example of the README, and every other file in examples/: up and down.

load lib/common

hello=$E2E/../../examples/hello/stack.yaml

answers() { "$1" "$2" | grep -q 'Hello from web. The backend says: '; }

@test "hello: three services talk by name; the page is seen from everywhere" {
	up_foreground "$hello"
	wait_until answers fetch_from_internet http://198.51.100.2:8080/
	wait_until answers fetch http://198.51.100.2:8080/
	wait_until grep -q '^client.*Hello from web' up.out
	[[ $(mstack ps "$hello" --format json | jq -r .State | sort -u) == running ]]
	kill -INT "$UP"
	ends_with 130 "$UP"
	grep -q '^client.*bye' up.out
	cat up.err
	grep -q 'again to kill' up.err
}

@test "hello: in the background" {
	expect_exit 0 mstack up -d "$hello"
	wait_until answers fetch_from_internet http://198.51.100.2:8080/
	expect_exit 0 mstack ps -p hello
	says web backend client healthy
	expect_exit 0 mstack down "$hello"
}

@test "hello: a variable of the environment" {
	GREETING='the clock says' mstack up -d "$hello"
	greeted() { fetch_from_internet http://198.51.100.2:8080/ | grep -q 'the clock says'; }
	wait_until greeted
	mstack down -p hello
}

has_netem() { tc qdisc add dev lo root netem delay 1ms 2>/dev/null && tc qdisc del dev lo root; }

@test "hello: every example comes up and goes down" {
	local file
	for file in "$E2E"/../../examples/*/*.yaml; do
		echo "$file"
		# Slow links need the kernel's netem, which is not everywhere; with it they run in the virtual machine.
		if [[ $file == */wan/* ]] && ! has_netem; then
			expect_exit 1 mstack up -d "$file"
			says 'modprobe sch_netem'
			continue
		fi
		expect_exit 0 mstack up -d "$file"
		expect_exit 0 mstack down "$file"
		audit check ../audit.before
	done
}

@test "hello: what mstack init writes runs as it is" {
	mkdir demo
	cd demo
	expect_exit 0 mstack init
	expect_exit 0 mstack up -d --wait
	[[ $output != *warning* ]]
	greets() { fetch http://127.0.0.1:8080/ | grep -q 'Hello from'; }
	wait_until greets
	said() { mstack logs --no-log-prefix client | grep -q 'Hello from'; }
	wait_until said
	expect_exit 0 mstack down
	PORT=9090 expect_exit 0 mstack up -d --wait
	greets() { fetch http://127.0.0.1:9090/ | grep -q 'Hello from'; }
	wait_until greets
	expect_exit 0 mstack down
}
