# SPDX-License-Identifier: GPL-2.0-or-later
#
# run: one-off containers, of an image or a folder alone and of a service: what they are, their streams and terminal, their
# end and ours, and that nothing is left of them.

# A gigabyte takes its time where others work too.
# shellcheck disable=SC2034 # for lib/common
BATS_TEST_TIMEOUT=300
load lib/common

# A folder with a shell: ./root
make_root() {
	mkdir -p root/bin root/etc root/tmp
	cp "$(command -v busybox)" root/bin/
	busybox --list | grep -vx busybox | while read -r applet; do ln -sf busybox "root/bin/$applet"; done
	echo 'root:x:0:0::/:/bin/sh' >root/etc/passwd
}

# `db` becomes healthy a moment after its start, `job` ends, and `web` waits for both.
make_stack() {
	stack <<-'END'
		services:
		  web:
		    image: busybox
		    command: [sh, -c, "echo serving; sleep 1000"]
		    environment: {COLOUR: green}
		    ports: ["8080:80"]
		    networks: [default, back]
		    volumes: ["data:/data"]
		    depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}
		  db:
		    image: busybox
		    command: [sh, -c, "sleep 1; touch /tmp/ok; exec sleep 1000"]
		    healthcheck: {test: [CMD, test, -e, /tmp/ok], interval: 100ms, retries: 100}
		  job:
		    image: busybox
		    command: [sh, -c, "echo done"]
		  other:
		    image: busybox
		    command: [sleep, "1000"]
		    networks: [apart]
		networks: {back: , apart: }
		volumes: {data: }
	END
}

# The command has its answer before all is removed.
# An ordinary user's folder is there before, as root has to make it.
nothing_is_there() { [[ ! -e /run/mstack || (-n ${MSTACK_AS:-} && -z $(ls -A /run/mstack)) ]]; }
nothing_runs() { wait_until nothing_is_there; }
projects_are() { [[ $(mstack ls -q | sort | xargs) == "$1" ]]; }
has_oneoff() { mstack ps -a --format json | jq -e 'select(.OneOff and .State == "running")'; }

# ---- without a stack ----

@test "run: an image alone: its output, its exit code, and nothing left" {
	expect_exit 0 mstack run -q --image busybox -- echo hello
	says hello
	nothing_runs
	expect_exit 42 mstack run --image busybox sh -c 'exit 42'
	# shellcheck disable=SC2016
	expect_exit 137 mstack run --init --image busybox -- sh -c 'kill -9 $$'
	expect_exit 127 mstack run --image busybox -- nosuch
	says "'nosuch': not found"
	expect_exit 126 mstack run --image busybox -- /etc/passwd
	expect_exit 125 mstack run --image nosuch -- true
	says "image 'nosuch'"
	expect_exit 125 mstack run --image busybox -u nobody-knows -- true
	says nobody-knows
	nothing_runs
}

@test "run: a folder alone, as relative, dotted and absolute path; it is not written to" {
	local path
	make_root
	for path in root ./root "$PWD/root"; do
		expect_exit 3 mstack run --rootfs "$path" -- /bin/sh -c 'echo in; touch /new /etc/new; exit 3'
		says in
	done
	[[ ! -e root/new && ! -e root/etc/new ]]
	expect_exit 125 mstack run --rootfs ./none -- /bin/sh
	says "--rootfs: './none'"
}

@test "run: it has a network that leads outside, and a name" {
	internet_httpd
	expect_exit 0 mstack run --name box --image busybox -- sh -c 'hostname; wget -q -O - http://203.0.113.10/cgi-bin/who'
	# Masqueraded: the internet has no way back to a container.
	says box 198.51.100.2
	kill "$HTTPD"
}

# shellcheck disable=SC2016
@test "run: options are the keys of a service" {
	echo from-file >text
	printf 'A=file\nB=file\nC=${A}x\n' >vars
	FROM=here expect_exit 0 mstack run -q --image busybox -e A=one -e A=two -e FROM -e ODD='$X ${Y} "q"' \
		--env-from-file vars -u 1000:2000 -w /tmp --hostname h1 --tmpfs /mem -v ./text:/text:ro -v vol:/vol \
		--cap-drop ALL --read-only --label a=b --init --network bridge -- \
		sh -c 'echo "$A $B $C $FROM $ODD"; id -u; id -g; pwd; hostname; cat /text; grep -c " /mem tmpfs" /proc/mounts
			grep CapBnd /proc/self/status; touch /etc/x 2>&1; cat /proc/1/comm'
	says 'two file ' ' here $X ${Y} "q"' $'1000\n2000\n/tmp\nh1\nfrom-file\n1' 0000000000000000 'Read-only file system'
	expect_exit 0 mstack run --image busybox --entrypoint 'echo "two words"' -- x
	says 'two words x'
	expect_exit 0 mstack run --image busybox -v /anonymous -- sh -c 'echo x >/anonymous/x'
	# A volume with a name is data, one without goes with its container.
	ls /var/lib/mstack/volumes
	[[ $(ls /var/lib/mstack/volumes) == vol ]]
	nothing_runs
	[[ ! -e /var/lib/mstack/projects || -z $(ls /var/lib/mstack/projects) ]]
}

@test "run: a wrong value is told by its option" {
	expect_exit 2 mstack run --image busybox --memory lots --cpus -1 -p nowhere:at:all -- true
	says '--memory: ' '--cpus: ' '--publish: '
	[[ $output != *"service"* ]]
	expect_exit 2 mstack run --image busybox -e $'A=\xff' -- true
	says '--env: its text is not UTF-8'
	expect_exit 2 mstack run --image busybox --name Upper -- true
	says "--name: 'Upper'"
	expect_exit 2 mstack run --image busybox --rootfs / -- true
	expect_exit 2 mstack run --image busybox stack.yaml
	expect_exit 2 mstack run
	says 'SERVICE is missing'
	expect_exit 2 mstack run --image busybox --env-from-file none -- true
	says none
	nothing_runs
}

@test "run: limits are kept, or what is not is one line" {
	expect_exit 0 mstack run -it --memory 128m --pids 64 --cpus 0.5 --image busybox -- echo hello
	says hello
	# Limits of processes stand in for two of them where there is no cgroup.
	local lost='memory, cpu, pids'
	[[ -z ${MSTACK_AS:-} ]] || lost=cpu
	grep -qw memory "$MSTACK_SANDBOX/cgroup.controllers" || says "not kept: the limit of $lost: "
}

@test "run: a published port" {
	mstack run --name web -p 8080:80 --image busybox -- sh -c 'mkdir /w; echo served >/w/index.html; exec httpd -f -h /w' 3>&- &
	local pid=$!
	wait_until fetch_from_internet http://198.51.100.2:8080/
	[[ $(fetch_from_internet http://198.51.100.2:8080/) == served ]]
	expect_exit 125 mstack run -p 8080:80 --image busybox -- true
	says 8080
	mstack down -p web -t 1
	wait "$pid" || [[ $? -ge 128 ]]
	nothing_runs
}

@test "run: it is a stack like others: ps, exec, logs, down" {
	mstack run --name bx -d --image busybox -- sh -c 'echo begun; exec sleep 1000' >name
	[[ $(cat name) == bx ]]
	projects_are bx
	[[ $(mstack ps --project-name bx --format json | jq -r '.Name + .State') == bxrunning ]]
	[[ $(mstack exec --project-name bx -T run hostname) == bx ]]
	wait_until eval 'mstack logs --project-name bx | grep begun'
	expect_exit 125 mstack run --name bx --image busybox -- true
	says "'bx' is already up"
	mstack down --project-name bx
	nothing_runs
}

@test "run: with -d it goes with its end" {
	mstack run --name bx -d --image busybox -- sh -c 'echo begun; exit 3'
	nothing_runs
	mstack logs --project-name bx | grep begun
	expect_exit 127 mstack run -d --image busybox -- nosuch
	nothing_runs
}

@test "run: what comes right behind it need not know that something is still removed" {
	local i
	cat >fixed.yaml <<-'END'
		services: {a: {image: busybox, command: ["true"]}}
		networks: {default: {name: fixed, ipam: {config: [{subnet: 172.30.7.0/24}]}}}
	END
	make_root
	tar -C root -cf root.tar .
	for i in 1 2 3; do
		mstack run --name same -p 8080:80 -v vol:/vol --image busybox -- true
		mstack run --name same -p 8080:80 --image busybox -- true
		mstack run --name other -p 8080:80 --image busybox -- true
		mstack volume rm vol
		mstack image import ./root.tar mine
		mstack run --image mine -- /bin/true
		mstack image rm mine
		mstack run --name same --image busybox -- true
		mstack down -p same
		[[ ! -e /run/mstack/same ]]
		mstack -f fixed.yaml -p one run a true
		mstack -f fixed.yaml -p two run a true
		mstack -f fixed.yaml -p three up -d
		mstack -f fixed.yaml -p three down
	done
	nothing_runs
}

@test "run: killed while it removes, its guard goes on" {
	local pid
	mstack run --name bx -d --image busybox -- sh -c 'until [ -e /end ]; do sleep 0.1; done'
	pid=$(supervisor bx)
	mstack exec --project-name bx -T run touch /end || :
	wait_until eval "[[ -e /run/mstack/bx/parting || ! -e /proc/$pid ]]"
	kill -9 "$pid" || :
	nothing_runs
	expect_exit 5 mstack run --name bx --image busybox -- sh -c 'exit 5'
	nothing_runs
}

# ---- streams ----

@test "run: standard input, output and error, unchanged both ways" {
	printf 'a\0b\xff' | mstack run --image busybox -- cat >out 2>err
	cmp out <(printf 'a\0b\xff')
	[[ $(mstack run --image busybox -- sh -c 'echo out; echo err >&2' 2>/dev/null) == out ]]
	[[ -z $(mstack run --interactive=false --image busybox -- cat </dev/zero) ]]
	# As somebody else, /dev/stdout can still be opened.
	[[ $(mstack run -u 1000 --image busybox -- sh -c 'echo x >/dev/stdout') == x ]]
	# Who stops reading ends it.
	mstack run --image busybox -- yes | head -n 1
}

# Bytes that repeat at no length of a pipe or block; a sum that is as fast as they are.
numbers() { seq 1000000000 1090909090 | head -c 1000000000; }

@test "run: 1 GB through both ways" {
	numbers | tee >(b2sum >in) | mstack run --image busybox -- cat | b2sum >out
	wait_until test -s in
	cmp in out
	[[ $(wc -c <out) -gt 100 ]]
}

# ---- a terminal ----

@test "run: an interactive shell: size, Ctrl-C, job control, exit code" {
	run typist mstack run -it --image busybox -- sh <<-'END'
		raw
		type PS1='> '; echo be''gun; tty\r
		see begun
		see /dev/
		type stty size; echo "<$TERM>"\r
		see 24 80
		see <xterm>
		size 33 99
		type until stty size | grep 33.99; do sleep 0.1; done\r
		see 33 99
		type tail -n 99 -f /etc/hosts\r
		see localhost
		type \x03
		see >
		type sleep 1000 &\r
		see >
		type jobs\r
		see Running
		type exit 5\r
	END
	echo "$output"
	says 'terminal: as before' 'exit: 5'
	[[ $output != *"can't access tty"* ]]
	nothing_runs
}

@test "run: detach keys leave it alone, with a log from then on" {
	run typist mstack run --name bx --image busybox -- sh -c 'echo begun; until [ -e /on ]; do sleep 0.1; done; seq 100000; echo logged; sleep 1000' <<-'END'
		see begun
		raw
		type \x10\x11
	END
	echo "$output"
	says 'goes on' 'terminal: as before' 'exit: 0'
	mstack exec --project-name bx -T run touch /on
	wait_until eval 'mstack logs --project-name bx | grep logged'
	mstack down --project-name bx -t 0
	nothing_runs
}

@test "run: however the client ends, the terminal is as it was, and the container is gone" {
	local signal
	for signal in TERM HUP QUIT INT; do
		# Not a shell: before it executes something else it catches SIGINT, and then the signal is lost.
		run typist mstack run --image busybox -- tail -n 99 -f /etc/hosts <<<"see localhost"$'\n'"raw"$'\n'"signal $signal"
		echo "$output"
		says 'terminal: as before' 'exit: '
		nothing_runs
	done
	run typist mstack run --image busybox -- sh -c 'trap "" TERM HUP; echo begun; sleep 1000' <<-'END'
		see begun
		raw
		signal KILL
	END
	echo "$output"
	says 'terminal: as before' 'exit: -9'
	nothing_runs
}

# ---- a service ----

# shellcheck disable=SC2016
@test "run: a service with what it depends on, which goes on" {
	make_stack
	expect_exit 0 mstack run web sh -c 'echo "$COLOUR $HOSTNAME"; cat /etc/hosts; ip -4 -o addr; echo x >/data/x'
	says 'green web' db 'eth0' 'eth1' "goes on: end it with 'mstack down -p t'"
	[[ $output != *serving* ]]
	# Its gates held: one was healthy, the other had ended.
	state_is db running
	health_is db healthy
	state_is job exited
	[[ -z $(field web State) ]]
	expect_exit 7 mstack run web sh -c 'cat /data/x; exit 7'
	says x
	[[ $output != *"goes on"* ]]
	expect_exit 2 mstack run wbe
	says "did you mean 'web'?"
	expect_exit 2 mstack run --cap-add NONE web true
	says NONE
	mstack down -v
}

@test "run: a dependency that fails keeps it from being started" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [echo, never], depends_on: {b: {condition: service_completed_successfully}}}
		  b: {image: busybox, command: [sh, -c, "exit 1"]}
	END
	expect_exit 4 mstack run a
	says "service 'a': not started: 'b', which it depends on, exited with code 1"
	[[ $output != *never* ]]
	expect_exit 0 mstack run --no-deps a
	says never
	mstack down
}

@test "run: what it writes does not wait for post_start, and it may end before its hooks" {
	stack_one <<<$'command: [sleep, "1000"]\npost_start: [{command: [sleep, "1000"]}]'
	mkfifo in
	theirs in
	# shellcheck disable=SC2016
	mstack run -T a sh -c 'echo early; read x; echo "then $x"; exit 5' <in >out 2>err &
	exec {in}>in
	wait_until grep -x early out
	echo now >&"$in"
	ends_with 5 $!
	exec {in}>&-
	[[ $(<out) == $'early\nthen now' && $(<err) != *post_start* ]]
	for _ in 1 2 3; do
		expect_exit 5 mstack run -T a sh -c 'echo one; echo two >&2; exit 5'
		says one two
		[[ $output != *post_start* ]]
	done
	# Who detaches would wait for them, but it has come and gone.
	expect_exit 0 mstack run -d a true
	[[ $output != *post_start* ]]
	mstack down
}

@test "run: a post_start that fails is told behind what was written" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		post_start: [{command: [sh, -c, "until [ -e /tmp/said ]; do sleep 0.05; done; echo no such thing >&2; exit 3"]}]
	END
	local code command='trap "echo term; exit 0" TERM; echo one; touch /tmp/said; while :; do sleep 0.1; done'
	mstack run -T a sh -c "$command" >out 2>err || code=$?
	[[ $code == 1 && $(<out) == $'one\nterm' ]]
	[[ $(grep -c post_start err) == 1 && $(<err) == *"run: service 'a': post_start[0]: 'sh' exited with code 3: no such thing" ]]
	expect_exit 1 mstack run -d a sh -c "$command"
	says "run: service 'a': post_start[0]: 'sh' exited with code 3: no such thing"
	mstack down
}

@test "run: beside a running stack: several at once, with ports and networks of their own, hidden from ps" {
	make_stack
	mstack up -d
	# shellcheck disable=SC2016
	mstack run -d web sh -c 'echo "$HOSTNAME logged"; exec sleep 1000' >name
	[[ $(cat name) == t-web-run-1 ]]
	wait_until eval 'mstack logs | grep "web-run-1.*logged"'
	expect_exit 0 mstack run web nslookup web
	# `web` is the one that serves.
	says "Address: $(mstack ps --format json | jq -r 'select(.Service == "web") | .IP')"
	[[ $(mstack ps --services | sort | xargs) == 'db other web' ]]
	[[ $(mstack ps --format json | jq -s 'map(select(.OneOff)) | length') == 0 ]]
	wait_until has_oneoff
	# Its ports are the service's, unless they are asked for.
	expect_exit 125 mstack run -P web true
	says 8080
	mstack run -d -p 8081:80 web sh -c 'mkdir /w; echo own >/w/index.html; exec httpd -f -h /w'
	wait_until fetch_from_internet http://198.51.100.2:8081/
	mstack down -t 1 -v
	nothing_runs
}

@test "run: a network that nobody has used so far, and the slot's things go with it" {
	make_stack
	mstack up -d db
	local before
	before=$(ip -o link | wc -l; find /run/mstack /run/netns "$MSTACK_SANDBOX" | sort)
	expect_exit 0 mstack run other ip -4 -o addr
	says eth0
	# The bridge stays, as those of a stack do; of the container nothing does.
	# shellcheck disable=SC2016
	wait_until eval '[[ $(ip -o link | wc -l; find /run/mstack /run/netns "$MSTACK_SANDBOX" | sort) == "$(($(head -n 1 <<<"$before") + 1))
$(tail -n +2 <<<"$before")" ]]'
	internet_httpd
	expect_exit 0 mstack run other wget -q -O - http://203.0.113.10/cgi-bin/who
	says 198.51.100.2
	kill "$HTTPD"
	mstack down -t 1
}

@test "run: two at once that both start the stack" {
	make_stack
	local one two
	mstack run -q web sh -c 'echo one; sleep 1' >one 2>one.err 3>&- &
	one=$!
	mstack run -q web sh -c 'echo two; sleep 1' >two 2>two.err 3>&- &
	two=$!
	wait "$one" || cat one.err
	wait "$two" || cat two.err
	grep one one
	grep two two
	mstack down -t 1 -v
}

# ---- ends ----

@test "run: killed, it takes its container along, and the stack goes on" {
	local pid
	make_stack
	mstack up -d db
	mstack run --no-deps web sleep 1000 3>&- &
	pid=$!
	wait_until has_oneoff
	kill -9 "$pid"
	wait_until not has_oneoff
	state_is db running
	mstack down -t 1 -v
}

@test "run: a supervisor that is killed, a stack that goes down" {
	local pid code=0
	mstack run --name bx --image busybox -- sleep 1000 2>err 3>&- &
	pid=$!
	wait_until eval 'mstack ps --project-name bx --format json | grep running'
	kill -9 "$(supervisor bx)"
	wait "$pid" || code=$?
	[[ $code == 1 ]]
	grep 'supervisor is gone' err
	nothing_runs
	mstack run --name bx --image busybox -- sleep 1000 3>&- &
	pid=$!
	wait_until eval 'mstack ps --project-name bx --format json | grep running'
	mstack down -t 1 --project-name bx
	code=0
	wait "$pid" || code=$?
	((code >= 128))
}
