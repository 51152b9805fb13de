# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a service finds inside: user, files, mounts, rights, limits, environment; and where its image may come from.

load lib/common

# container TEXT <<END: a service with these keys, that runs `sh -c TEXT` to its end; its output goes to $output.
container() {
	local script=$1
	rm -rf /var/lib/mstack/projects/t/logs
	{
		echo 'services:'
		echo '  a:'
		echo '    image: busybox'
		printf '    command: [sh, -c, %s]\n' "$(jq -n --arg s "$script" '$s' | sed 's/\$/$$/g')"
		sed 's/^/    /'
		echo 'volumes: {v: {}}'
	} | stack
	mstack up -d
	wait_until state_is a exited
	output=$(mstack logs --no-log-prefix a)
	echo "$output"
	mstack down -v
}

@test "container: user by number and by name, with its groups" {
	container 'id -u; id -g; touch /x 2>/dev/null || echo denied' <<<'user: "1000:2000"'
	[[ $output == $'1000\n2000\ndenied' ]]
	container 'id -u; id -un' <<<'user: nobody'
	[[ $output == *nobody ]]
}

@test "container: read_only root, tmpfs beside it" {
	container 'touch /x 2>/dev/null || echo denied; touch /t/x && echo allowed; grep " /t " /proc/mounts' <<-'END'
		read_only: true
		tmpfs: ["/t:size=1m"]
	END
	[[ $output == denied$'\n'allowed$'\n'*tmpfs*size=1024k* ]]
}

@test "container: bind mounts, also read-only and of one file" {
	mkdir dir
	echo text >dir/file
	container 'cat /d/file; echo new >/d/new; touch /r/x 2>/dev/null || echo denied; cat /etc/one' <<-'END'
		volumes: ["./dir:/d", "./dir:/r:ro", "./dir/file:/etc/one:ro"]
	END
	[[ $output == $'text\ndenied\ntext' ]]
	[[ $(<dir/new) == new ]]
}

@test "container: read-only covers what is mounted below the bound folder" {
	mkdir -p dir/below
	mount -t tmpfs below dir/below
	container 'touch /r/below/x 2>/dev/null || echo denied' <<<'volumes: ["./dir:/r:ro"]'
	[[ $output == denied ]]
	umount dir/below
}

@test "container: named volume" {
	container 'echo x >/v/x && ls /v' <<<'volumes: ["v:/v"]'
	[[ $output == x ]]
}

@test "container: capabilities are few, drop takes them and add gives them" {
	container 'grep CapEff /proc/self/status; grep CapBnd /proc/self/status; grep NoNewPrivs /proc/self/status' </dev/null
	local few=$output
	[[ $few == *NoNewPrivs:*1* ]]
	container 'grep CapEff /proc/self/status; chown 1:1 /bin 2>/dev/null || echo denied' <<<'cap_drop: [ALL]'
	[[ $output == *0000000000000000*denied ]]
	container 'grep CapEff /proc/self/status; ip addr add 10.1.1.1/32 dev lo && echo made' <<<'cap_add: [NET_ADMIN]'
	[[ $output == *made* && $output != *"${few%%$'\n'*}"* ]]
}

@test "container: a system call that nobody should use is refused" {
	container 'mount -t tmpfs x /tmp || echo no mount; unshare -U true || echo no namespace; grep Seccomp: /proc/self/status' \
		<<<'cap_add: [SYS_PTRACE]'
	[[ $output == *'no mount'* && $output == *'no namespace'* && $output == *Seccomp:?2* ]]
}

# shellcheck disable=SC2016
@test "container: masked and read-only places of /proc and /sys" {
	container 'for f in kcore keys timer_list; do wc -c </proc/$f; done; touch /sys/x; echo 1 >/proc/sys/vm/drop_caches' </dev/null
	[[ $output != *[1-9]* && $output == *'/sys/x: Read-only'* && $output == *'drop_caches: Read-only'* ]]
}

@test "container: sysctls of its own namespaces" {
	container 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax' <<-'END'
		sysctls: {net.ipv4.ip_unprivileged_port_start: "80", net.core.somaxconn: "1234", kernel.msgmax: "12345"}
	END
	[[ $output == $'80\n1234\n12345' ]]
}

@test "container: a sysctl of the host is refused" {
	stack_one <<<$'sysctls: {vm.swappiness: "1"}'
	run mstack up -d
	echo "$output"
	[[ $status == 3 || $status == 125 ]]
	says vm.swappiness
}

@test "container: ulimits" {
	container 'ulimit -n; ulimit -Hn; ulimit -u' <<<'ulimits: {nofile: {soft: 100, hard: 200}, nproc: 50}'
	[[ $output == $'100\n200\n50' ]]
}

@test "container: oom_score_adj" {
	container 'cat /proc/self/oom_score_adj' <<<'oom_score_adj: 300'
	[[ $output == 300 ]]
}

@test "container: group_add by number and by name of the image" {
	container 'id -G; id -Gn 2>/dev/null' <<<$'user: "1000:2000"\ngroup_add: [root, 3000]'
	[[ $output == '2000 0 3000'$'\n'*root* ]]
	stack_one <<<$'command: [id]\ngroup_add: [nobodys]'
	up_fails 125 stack.yaml:6 "group 'nobodys': not in the image's /etc/group"
}

@test "container: shm_size" {
	container 'df -k /dev/shm | tail -n 1' <<<'shm_size: 3m'
	[[ $output == *' 3072 '*/dev/shm ]]
}

@test "container: domainname is the kernel's and in the hosts file" {
	container 'cat /proc/sys/kernel/domainname; hostname -f' <<<$'hostname: h\ndomainname: d.example'
	[[ $output == $'d.example\nh.d.example' ]]
}

@test "container: secrets and configs are files of its own, read-only and nowhere on a disk" {
	printf 'from-a-\0-file' >s.txt
	echo 'TOKEN=from-dot-env' >.env
	cat >stack.yaml <<-'END'
		name: t
		services:
		  a:
		    image: busybox
		    user: "1000"
		    read_only: true
		    command: [sh, -c, "exec 2>&1; ls -ln /run/secrets /etc/app.conf /c | sed 's/  */ /g; s/ [A-Z][a-z][a-z] .*:.. / /'; cd /run/secrets; od -c file | head -n 1 | sed 's/  */ /g'; cat token; echo; cat /c; cat own; echo; echo x >token; sleep 1000"]
		    secrets:
		      - source: file
		      - {source: token, uid: "1000", gid: "7", mode: 0400}
		      - {source: token, target: own}
		    configs:
		      - {source: c, target: /etc/app.conf}
		      - c
		secrets: {file: {file: ./s.txt}, token: {environment: TOKEN}}
		configs:
		  c:
		    content: |
		      in the file
	END
	mstack up -d
	wait_until log_has a 'Read-only\|can.t create'
	output=$(mstack logs --no-log-prefix a)
	echo "$output"
	says $'-r--r--r-- 1 0 0 12 /c\n-r--r--r-- 1 0 0 12 /etc/app.conf' '-r-------- 1 1000 7 12 token' \
		$'from-dot-env\nin the file\nfrom-dot-env'
	[[ $output == *'f r o m - a - \0 - f i l e'* ]]
	not grep -rqF from-dot-env /run/mstack /var/lib/mstack --exclude-dir=logs
	not grep -qF from-dot-env <(mstack config; mstack ps --format json; mstack config --explain)
	mstack down
}

@test "container: a secret that is not there fails the up before anything starts" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], secrets: [s]}
		secrets:
		  s: {environment: NOT_SET_ANYWHERE}
	END
	up_fails 3 "stack.yaml:5:20: error: secret 's': the variable 'NOT_SET_ANYWHERE' is not set"
}

@test "container: secrets as large as they may be, many of them" {
	head -c 512000 /dev/zero >s.txt
	{
		echo 'services: {a: {image: busybox, command: [sh, -c, "cat /run/secrets/* | wc -c"], secrets: ['
		printf 's%s, ' {1..20}
		echo ']}}'
		echo 'secrets:'
		printf '  s%s: {file: ./s.txt}\n' {1..20}
	} | stack
	mstack up -d
	wait_until state_is a exited
	[[ $(mstack logs --no-log-prefix a) == 10240000 ]]
	mstack down
}

@test "container: init is PID 1, passes signals on and ends as the command does" {
	container 'cat /proc/1/comm; exit 7' <<<'init: true'
	[[ $output == init ]]
	stack_one <<-'END'
		init: true
		command: [sh, -c, "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.1; done"]
	END
	mstack up -d
	wait_until log_has a ready
	# Who kills may be killed itself: it is in there when PID 1 ends.
	inside a kill -TERM 1 || :
	wait_until state_is a exited
	[[ $(field a ExitCode) == 9 ]]
	log_has a 'got it'
	mstack down
}

@test "container: environment, env_file, and no leak of ours" {
	printf 'FROM_FILE=1\nBOTH=file\n# comment\n' >e.env
	# shellcheck disable=SC2016
	SECRET=x container 'echo "$FROM_FILE $BOTH $GIVEN ${SECRET:-none} $PASSED"; env | sort' <<-'END'
		env_file: e.env
		environment: {BOTH: inline, GIVEN: "two words", PASSED: "${SECRET}"}
	END
	[[ $output == '1 inline two words none x'* ]]
	[[ $output != *BATS* && $output == *PATH=* ]]
}

@test "container: host name, hosts, working folder, entrypoint" {
	container 'hostname; grep -c a /etc/hosts; pwd' <<<$'hostname: other\nworking_dir: /made/here'
	[[ $output == other$'\n'*$'\n'/made/here ]]
	stack_one <<<$'entrypoint: [echo, from]\ncommand: [entry point]'
	mstack up -d
	wait_until state_is a exited
	[[ $(mstack logs --no-log-prefix a | tail -n 1) == 'from entry point' ]]
	mstack down
}

@test "container: its own namespaces, /dev and nothing of the host's mounts" {
	container 'echo $$; ls /dev | xargs; cat /proc/mounts | cut -d " " -f 2 | xargs; ps | wc -l; cat /proc/self/cgroup' </dev/null
	[[ $output == 1$'\n'* && $output == *null* && $output == *ptmx* && $output == *'0::/'* ]]
	[[ $output != *"$PWD"* && $output != */mstack/* ]]
	[[ $output != *sandbox* ]]
}

@test "container: descriptors are three, none is the host's" {
	container 'ls /proc/self/fd | xargs; readlink /proc/1/fd/0' </dev/null
	[[ $output == $'0 1 2 3\n/dev/null' ]]
}

@test "container: /dev/stdout can be opened again" {
	container 'echo reopened >/dev/stdout; echo error >/dev/stderr' <<<'user: "1000"'
	[[ $output == *reopened* && $output == *error* ]]
}

@test "container: the image is not written to" {
	mkdir -p image/bin
	cp "$(command -v busybox)" image/bin/sh
	find image | sort >before
	stack <<<'services: {a: {image: ./image, command: [/bin/sh, -c, "echo x >/made; echo end"]}}'
	mstack up -d
	wait_until log_has a end
	mstack down
	find image | sort | cmp - before
}

@test "container: image from a tar file" {
	mkdir -p image/bin image/etc
	cp "$(command -v busybox)" image/bin/busybox
	ln -s busybox image/bin/sh
	echo from-tar >image/etc/marker
	tar -C image -czf rootfs.tar.gz .
	stack <<<'services: {a: {image: ./rootfs.tar.gz, command: [/bin/sh, -c, "busybox cat /etc/marker"]}}'
	mstack up -d
	wait_until log_has a from-tar
	mstack down
}

@test "container: a tar file that wants out of its folder" {
	mkdir -p image/bin
	ln -s "$PWD" image/bin/out
	tar -C image -cf rootfs.tar bin/out
	mkdir other && echo evil >other/evil
	tar -C other --transform 's,^,bin/out/,' -rf rootfs.tar evil
	stack <<<'services: {a: {image: ./rootfs.tar, command: [x]}}'
	run mstack up -d
	echo "$output"
	[[ $status != 0 && ! -e evil ]]
}

@test "container: the host's own root as image" {
	stack <<-'END'
		services:
		  a: {image: /, command: [sh, -c, "cat /etc/debian_version; ls /root | wc -l; ls /home | wc -l; touch /usr/made-inside && echo wrote"]}
	END
	mstack up -d
	wait_until log_has a wrote
	[[ $(mstack logs --no-log-prefix a | tail -n 3 | xargs) == '0 0 wrote' ]]
	[[ ! -e /usr/made-inside ]]
	mstack down
}

@test "container: depends_on service_healthy waits for the probe" {
	stack <<-'END'
		services:
		  b:
		    image: busybox
		    command: [sh, -c, "cat /proc/uptime; sleep 1000"]
		    depends_on: {a: {condition: service_healthy}}
		  a:
		    image: busybox
		    command: [sh, -c, "sleep 1; cat /proc/uptime; touch /ok; sleep 1000"]
		    healthcheck: {test: ["CMD", "test", "-e", "/ok"], interval: 200ms, retries: 100}
	END
	mstack up -d
	health_is a healthy
	wait_until log_has a '[0-9]'
	wait_until log_has b '[0-9]'
	# b began after a had written its file.
	[[ $(printf '%s\n' "$(mstack logs --no-log-prefix a)" "$(mstack logs --no-log-prefix b)" | sort -n | head -n 1) == \
		"$(mstack logs --no-log-prefix a)" ]]
	mstack down
}

@test "container: depends_on service_completed_successfully" {
	stack <<-'END'
		services:
		  b: {image: busybox, command: [sleep, "1000"], depends_on: {a: {condition: service_completed_successfully}}}
		  a: {image: busybox, command: [sh, -c, "sleep 0.5"]}
	END
	mstack up -d
	state_is a exited
	state_is b running
	mstack down
}

@test "container: a dependency that never gets healthy fails the up" {
	stack <<-'END'
		services:
		  b: {image: busybox, command: [sleep, "1000"], depends_on: {a: {condition: service_healthy}}}
		  a:
		    image: busybox
		    command: [sleep, "1000"]
		    healthcheck: {test: ["CMD", "false"], interval: 100ms, retries: 2}
	END
	run timeout 60 mstack up -d
	echo "$output"
	[[ $status == 4 || $status == 1 ]]
	says a healthy
}

@test "container: health is seen in ps, also when it goes bad" {
	stack_one <<-'END'
		command: [sh, -c, "touch /ok; sleep 1000"]
		healthcheck: {test: "test -e /ok", interval: 200ms, retries: 2}
	END
	mstack up -d
	wait_until health_is a healthy
	inside a rm /ok
	wait_until health_is a unhealthy
	inside a touch /ok
	wait_until health_is a healthy
	mstack down
}
