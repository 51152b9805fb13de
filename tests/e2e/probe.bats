# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a container must not be able to do, tried from within by the program in probe/: as a service, as another user, and as
# a command executed in the running container. Images and volumes that would lead mstack astray are in cve.bats.

load lib/common
load lib/probe

# probed [N] <<END: the probe as the service `a` with these further keys. Its words in $output; N (0, a pattern) may be let through.
probed() {
	rm -rf /var/lib/mstack/projects/t/logs
	{
		printf '%s\n' 'services:' '  a:' '    image: ./image' '    volumes: ["./bound:/bound"]'
		sed 's/^/    /'
	} | stack
	mstack up -d
	wait_until state_is a exited
	output=$(mstack logs --no-log-prefix a)
	echo "$output"
	mstack down
	# shellcheck disable=SC2027 # a pattern
	[[ $output == *" attempts, "${1:-0}" let through" && ${output##*$'\n'} =~ ^3[0-9]' ' ]]
}

@test "probe: nothing is let through" {
	probe_image
	probed <<<'command: [/probe]'
	probed <<<$'command: [/probe]\nuser: "1000:1000"'
	probed <<<$'command: [/probe]\nread_only: true\ntmpfs: [/tmp]'
	probed <<<$'command: [/probe]\ncap_drop: [ALL]'
}

@test "probe: nothing is let through to a command that is executed, nor to a service that watches one begin" {
	probe_image
	stack <<-'END'
		services:
		  a:
		    image: ./image
		    volumes: ["./bound:/bound"]
		    command: [sh, -c, "while :; do /probe; done"]
		    healthcheck: {test: ["CMD", "/probe"], interval: 300ms, retries: 1, timeout: 60s}
	END
	mstack up -d
	wait_until health_is a healthy
	wait_until log_has a 'attempts, 0 let through'
	sleep 1
	health_is a healthy
	[[ $(mstack logs --no-log-prefix a) != *'LET THROUGH'* ]]
	mstack down
}

@test "probe: options that weaken a service let through what they say, and no more" {
	probe_image
	probed 2 <<<$'command: [/probe]\nsecurity_opt: ["no-new-privileges=false"]'
	says 'LET THROUGH: privileges by exec' 'LET THROUGH: becoming root again'
	probed 1 <<<$'command: [/probe]\nsecurity_opt: ["arch=i386"]'
	says 'LET THROUGH: system calls of i386'
	# The rest is held by capabilities and namespaces.
	probed '[0-9]*' <<<$'command: [/probe]\nsecurity_opt: ["seccomp:unconfined"]'
	says 'LET THROUGH: system calls' 'LET THROUGH: privileges by exec'
	[[ $output != *'THROUGH: mounts'* && $output != *'THROUGH: raw sockets'* && $output != *'THROUGH: making device'* ]]
}

@test "probe: a profile of seccomp, in a file beside the stack" {
	probe_image
	mkdir rules
	cat >rules/no-mkdir.json <<-'END'
		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122}]}
	END
	ln -s busybox image/bin/mkdir
	ln -s busybox image/bin/grep
	stack <<-'END'
		services:
		  a:
		    image: ./image
		    command: [sh, -c, "mkdir /x; grep Seccomp: /proc/self/status"]
		    security_opt: ["seccomp=rules/no-mkdir.json"]
	END
	mstack up -d
	wait_until log_has a 'Seccomp:.2'
	log_has a 'quota exceeded'
	mstack down
	# What is wrong with it is told before anything is made, with its place.
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"name": "mkdri", "action": "SCMP_ACT_ERRNO"}]}' >rules/no-mkdir.json
	up_fails 125 stack.yaml:6 rules/no-mkdir.json 'syscalls[0]' mkdri
	rm rules/no-mkdir.json
	up_fails 125 stack.yaml:6 rules/no-mkdir.json 'no such file'
	head -c 2M /dev/zero >rules/no-mkdir.json
	up_fails 125 stack.yaml:6 rules/no-mkdir.json
}

@test "probe: a profile of AppArmor that is not there" {
	stack_one <<<$'command: [sleep, "1000"]\nsecurity_opt: ["apparmor=mstack-no-such-profile"]'
	up_fails 125 stack.yaml: AppArmor "profile 'mstack-no-such-profile'"
	stack_one <<<$'command: [sleep, "1000"]\nsecurity_opt: ["apparmor=unconfined"]'
	mstack up -d
	mstack down
}

# By a client, on pipes and on a terminal, with descriptors and an environment of its own; and to a service that watches it enter.
@test "probe: nothing is let through to mstack exec, nor to who watches it enter" {
	probe_image
	stack <<-'END'
		services:
		  a: {image: ./image, volumes: ["./bound:/bound"], command: [sh, -c, "while :; do /probe; done"]}
		  b: {image: ./image, volumes: ["./bound:/bound"], command: [sleep, "1000"], user: "1000:1000"}
	END
	mstack up -d
	exec 7</ 8<stack.yaml
	for _ in 1 2 3; do
		expect_exit 0 mstack exec -T a /probe
		says 'attempts, 0 let through'
		expect_exit 0 mstack exec -T -u 1000:1000 a /probe </dev/null
		says 'attempts, 0 let through'
	done
	expect_exit 0 mstack exec -T b /probe
	says 'attempts, 0 let through'
	expect_exit 0 typist mstack exec a /probe </dev/null
	says 'attempts, 0 let through' 'exit: 0'
	exec 7<&- 8<&-
	[[ $(mstack logs --no-log-prefix a) != *'LET THROUGH'* ]]
	mstack down -t 0
}

# A probe that finds nothing anywhere would be worth nothing. Only attempts that change nothing, as we have all rights here.
@test "probe: it tells what is let through" {
	probe_image
	expect_exit 1 ./image/probe -v 'unshare of a namespace' 'raw sockets' 'address families' 'bounding and ambient sets'
	says 'LET THROUGH: unshare of a namespace' 'LET THROUGH: raw sockets' 'LET THROUGH: address families' '4 attempts, 4 let'
}
