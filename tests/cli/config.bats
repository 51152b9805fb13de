# SPDX-License-Identifier: GPL-2.0-or-later
#
# `mstack config`: its forms and lists, how problems are told, where values came from.

load common

# ---- the whole ----

@test "config: YAML that is a stack file again, JSON" {
	stack stack.yaml s
	mstack config >full.yaml
	mstack config --format json >full.json
	[[ $(mstack config full.yaml) == "$(<full.yaml)" ]]
	[[ $(jq -r '.services["svc-s"].image' full.json) == busybox ]]
	[[ $(mstack config full.yaml --format json | jq -S .) == "$(jq -S . full.json)" ]]
}

@test "config: lists" {
	cat >stack.yaml <<-'END'
		name: lists
		services:
		  b: {image: busybox, networks: [one, default], volumes: ["data:/data"]}
		  a: {image: ./rootfs}
		networks: {one: {}}
		volumes: {data: {}}
	END
	[[ $(mstack config --services) == $'b\na' ]]
	[[ $(mstack config --networks | sort) == $'default\none' ]]
	[[ $(mstack config --volumes) == data ]]
	[[ $(mstack config --images | head -n 1) == busybox ]]
}

@test "config: -q says nothing about a good file" {
	stack stack.yaml s
	expect 0 mstack config -q
	[[ -z $output ]]
}

# ---- problems ----

@test "config: problems go to standard error with their place, exit 3" {
	printf 'name: x\nservices:\n  a:\n    image: busybox\n    comand: [x]\n' >stack.yaml
	[[ -z $(mstack config 2>/dev/null) ]]
	expect 3 mstack config
	says stack.yaml:5:5: comand command
}

@test "config: all problems at once, in the order of the file" {
	cat >stack.yaml <<-'END'
		services:
		  a:
		    image: 5
		    restart: sometimes
		    prots: [80]
		  b:
		    image: busybox
		    mem_limit: much
	END
	expect 3 mstack config
	[[ $(grep -oE '^stack.yaml:[0-9]+' <<<"$output" | sort -u -t: -k2 -n | wc -l) -ge 3 ]]
	[[ $(grep -oE '^stack.yaml:[0-9]+' <<<"$output") == "$(grep -oE '^stack.yaml:[0-9]+' <<<"$output" | sort -t: -k2 -n -s)" ]]
	says "did you mean 'ports'?" '^'
}

@test "config: a value of variables says where they came from" {
	printf 'services:\n  a:\n    image: busybox\n    ports: ["${PORT}:80"]\n    stop_grace_period: ${GRACE:-soon}\n' >stack.yaml
	printf '# ports\nPORT=80x\n' >.env
	expect 3 mstack config
	says stack.yaml:4: "PORT is '80x', .env:2" stack.yaml:5:
	PORT=high expect 3 mstack config
	says "PORT is 'high', from the environment"
}

@test "config: --format json tells problems as lines of JSON on standard error" {
	printf 'name: x\nservices:\n  a:\n    image: busybox\n    comand: [x]\n' >stack.yaml
	expect 3 mstack config --format json
	[[ ${#lines[@]} == 1 ]]
	[[ $(jq -r '[.severity, .file, .line, .column, .hint] | join(" ")' <<<"$output") == "error stack.yaml 5 5 did you mean 'command'?" ]]
	jq -e '.message | contains("comand")' <<<"$output"
	[[ -z $(mstack config --format json 2>/dev/null) ]]
	# A file that is not there is a problem like any other.
	expect 3 mstack config --format json absent.yaml
	jq -e '.severity == "error" and (.message | contains("absent.yaml"))' <<<"$output"
}

@test "config: -q --format json is for editors: the problems, on standard output" {
	stack stack.yaml s
	expect 0 mstack config -q --format json
	[[ -z $output ]]
	printf 'version: "3"\nservices:\n  a: {image: busybox}\n' >stack.yaml
	[[ $(mstack config -q --format json 2>/dev/null | jq -r '.severity, .line' | xargs) == 'warning 1' ]]
	printf 'services:\n  a: {image: busybox, "b\xffd\xe2\x80\xae": 1, x: 2}\n' >stack.yaml
	run mstack config -q --format json
	[[ $status == 3 ]]
	jq -e . <<<"$output"
	printf 'services:\n  a: {image: busybox, x: 1, "y\\e[2J\\u202e": 2}\n' >stack.yaml
	[[ $(mstack config -q --format json 2>/dev/null | jq -s length) == 2 ]]
}

@test "config: nothing that a terminal obeys comes out of a file" {
	printf 'services:\n  a: {image: busybox, "y\\e[2J\\u202ez": 2, hostname: "\\e]0;x\\a"}\n' >stack.yaml
	expect 3 mstack config
	says_not $'\033' $'\u202e' $'\a'
	printf 'services:\n  a: {image: busybox, labels: {"k\\e[2J": "v\\u202e\\x9b"}}\n' >stack.yaml
	for form in yaml json; do
		expect 0 mstack config --format $form
		says_not $'\033' $'\u202e' $'\u009b'
		says u202e
	done
	NASTY=$'a\033[2Jb' run on_terminal mstack config --environment
	says_not $'\033'
}

# ---- forms ----

@test "config: strings stay strings for every reader" {
	cat >stack.yaml <<-'END'
		name: x
		services:
		  a:
		    image: busybox
		    environment: {A: "yes", B: "0x1f", C: "1_000", D: "2024-01-01", E: "22:22", F: "null", G: "a: b", H: "$$X",
		      I: "1e3", J: "", K: "~", L: " a", M: "a #b", N: "-", O: "@x", P: "10.0.0.1"}
		    command: ["one\ntwo\n", "a\n\n", " b\nc", "\ttab"]
		x-own: [0x1F, 0o17, 1_000, .5, -.inf, .nan, 0777, True, ~, 12e3, 123456789012345678901234567890]
	END
	mstack config >full.yaml
	mstack config --format json >full.json
	jq -e '.["x-own"] == null or .["x-own"][0:4] == [31, 15, 1000, 0.5]' full.json
	jq -e '.services.a.environment | .A == "yes" and .H == "$$X" and .P == "10.0.0.1"' full.json
	[[ $(mstack config full.yaml) == "$(<full.yaml)" ]]
	[[ $(mstack config full.yaml --format json) == "$(<full.json)" ]]
	grep -q 'H: \$\$X' full.yaml
	python3 -c 'import yaml' 2>/dev/null || return 0
	# A reader of YAML 1.1 sees the same.
	python3 - <<-'END'
		import json, yaml
		with open("full.yaml") as y, open("full.json") as j:
		    a, b = yaml.safe_load(y), json.load(j)
		assert a["services"] == b["services"], (a, b)
	END
}

@test "config: the output of one is the input of the other" {
	cat >stack.yaml <<-'END'
		name: trip
		services:
		  a:
		    image: busybox
		    command: echo $$HOME "two words"
		    environment: [A=1, "B=$$$$ x"]
		    ports: ["8000-8002:80-82", "9000:90/udp"]
		    volumes: ["./x:/x:ro", "data:/data"]
		    healthcheck: {test: "exit 0", interval: 90s}
		    deploy: {resources: {limits: {memory: 64m, cpus: 0.5}}}
		    depends_on: [b]
		  b: {image: busybox, tmpfs: /run, ulimits: {nofile: {soft: 10, hard: 20}}}
		volumes: {data: }
	END
	mstack config >one.yaml
	mstack config --format json >one.json
	[[ $(mstack -f one.yaml config) == "$(<one.yaml)" ]]
	[[ $(mstack -f - config <one.json) == "$(<one.yaml)" ]]
	[[ $(mstack -f one.yaml config --format json) == "$(<one.json)" ]]
}

@test "config: --no-interpolate keeps variables as they are written, and merges" {
	printf 'services: {a: {image: "busybox:${TAG:?a tag}", environment: {X: "$$Y"}}}\n' >one.yaml
	printf 'services: {a: {hostname: "${HOST}"}, b: {image: "${IMAGE:-b}"}}\n' >two.yaml
	expect 0 mstack -f one.yaml -f two.yaml config --no-interpolate
	says 'image: busybox:${TAG:?a tag}' 'hostname: ${HOST}' 'X: $$Y'
	expect 3 mstack -f one.yaml config
	says 'a tag'
	[[ $(mstack -f one.yaml -f two.yaml config --no-interpolate --services) == $'a\nb' ]]
	[[ $(mstack -f one.yaml -f two.yaml config --no-interpolate --images) == $'busybox:${TAG:?a tag}\n${IMAGE:-b}' ]]
	[[ $(mstack -f one.yaml -f two.yaml config --no-interpolate --format json | jq -r .services.a.hostname) == '${HOST}' ]]
}

@test "config: -o writes a file, but never onto one that is read" {
	stack stack.yaml s
	expect 0 mstack config -o out.yaml
	[[ -z $output ]]
	[[ $(<out.yaml) == "$(mstack config)" ]]
	echo old >out.json
	expect 0 mstack config --format json --output out.json
	[[ $(jq -r .name out.json) == s ]]
	for name in stack.yaml "$PWD/stack.yaml"; do
		expect 2 mstack config -o "$name"
		one_line
		says stack.yaml
	done
	ln -s stack.yaml link.yaml
	expect 2 mstack config -o link.yaml
	[[ $(wc -l <stack.yaml) == 4 ]]
	expect 1 mstack config -o absent/out.yaml
	says absent/out.yaml
	# What is no file is written into.
	mkfifo pipe
	timeout 60 cat pipe >got &
	expect 0 timeout 60 mstack config -o pipe --services
	wait
	[[ -p pipe && $(<got) == svc-s ]]
	# Nothing is written when the stack is wrong.
	echo 'services: 5' >bad.yaml
	expect 3 mstack config bad.yaml -o new.yaml
	[[ ! -e new.yaml ]]
}

# ---- where values came from ----

@test "config: --explain" {
	cat >stack.yaml <<-'END'
		name: x
		services:
		  a:
		    image: busybox:${TAG:-1}${EXTRA:-}
		    hostname: ${WHO}-${TAG:-1}
	END
	printf 'services: {a: {restart: always}}\n' >more.yaml
	printf '\nWHO=me\n' >.env
	TAG=7 mstack -f stack.yaml -f more.yaml config --explain >out
	cat out
	grep -qE '^    image: busybox:7 +# stack.yaml:4:12 TAG from the environment, EXTRA is not set$' out
	grep -qE '^    hostname: me-7 +# stack.yaml:5:15 WHO from .env:2, TAG from the environment$' out
	grep -qE '^    restart: always +# more.yaml:1:25$' out
	grep -qE '# default$' out
	# It is the same file, comments aside.
	[[ $(TAG=7 mstack config out) == "$(TAG=7 mstack -f stack.yaml -f more.yaml config)" ]] || {
		mv out out.yaml
		[[ $(mstack config out.yaml) == "$(TAG=7 mstack -f stack.yaml -f more.yaml config)" ]]
	}
}

@test "config: --explain --format json" {
	printf 'name: x\nservices:\n  a:\n    image: busybox\n    labels: {"a.b c": "${A}"}\n    expose: [80]\n' >stack.yaml
	A=1 mstack config --explain --format json >out
	cat out
	[[ $(jq -r 'select(.path == "services.a.image") | "\(.value) \(.file):\(.line):\(.column)"' out) == 'busybox stack.yaml:4:12' ]]
	[[ $(jq -r 'select(.path == "services.a.labels[\"a.b c\"]") | .variables[0] | "\(.name)=\(.value) \(.file)"' out) == 'A=1 null' ]]
	[[ $(jq -r 'select(.path == "services.a.expose[0]") | .line' out) == 6 ]]
	jq -s -e 'any(.line == null and .path == "networks.default.name")' out
}

# ---- security ----

@test "config: --security" {
	cat >stack.yaml <<-'END'
		services:
		  plain: {image: busybox}
		  odd:
		    image: busybox
		    cap_add: [NET_ADMIN]
		    cap_drop: [CHOWN]
		    read_only: true
		    user: "1000"
		    pids_limit: -1
		    security_opt: [no-new-privileges=false, seccomp=unconfined]
		    volumes: ["/:/host:ro", "/run/docker.sock:/d", "data:/data", "/later:/l:rslave", "here:/h"]
		    volumes_from: [plain]
		  third: {image: busybox, volumes_from: ["odd:ro"]}
		volumes: {data: , here: {driver_opts: {type: none, o: bind, device: /srv/here}}}
	END
	expect 0 mstack config --security
	says SERVICE VERDICT WHAT DETAIL
	local line
	for line in 'plain +kept +capabilities +CHOWN, DAC_OVERRIDE, FOWNER, .*SETFCAP' 'plain +kept +system calls +the default filter' \
		'plain +kept +privileges +no program' 'odd +dropped +capabilities +CHOWN' 'odd +weakened +capabilities +NET_ADMIN' \
		'odd +weakened +system calls +no filter' 'odd +weakened +privileges' 'odd +dropped +user +1000' 'odd +dropped +root' \
		'odd +weakened +host folder +/ on /host \(read-only\): all files' 'odd +weakened +host folder +/run/docker.sock on /d: ' \
		'odd +weakened +host folder +/later on /l, with what is mounted there later' 'odd +weakened +host folder +/srv/here on /h' \
		"third +weakened +host folder +those of service 'odd' \\(read-only\\)" 'odd +weakened +processes'; do
		grep -qE "^$line" <<<"$output"
	done
	(! grep -qE '^plain +(dropped|weakened)' <<<"$output")
	(! grep -q /data <<<"$output")
	[[ $(mstack config --security plain | grep -c '^odd') == 0 ]]
}

@test "config: --security of devices and of privileged" {
	cat >stack.yaml <<-'END'
		services:
		  some:
		    image: busybox
		    devices: ["/dev/fuse", "/dev/null:/dev/n:r"]
		    device_cgroup_rules: ["c 189:* rw"]
		    security_opt: [systempaths=unconfined, arch=i386]
		  all: {image: busybox, privileged: true}
	END
	expect 0 mstack config --security
	local line
	for line in 'some +kept +devices +null, zero' 'some +weakened +device of the host +/dev/fuse at /dev/fuse \(rwm\)' \
		'some +weakened +device of the host +/dev/null at /dev/n \(r\)' 'some +weakened +device rule +c 189:\* rw: ' \
		'some +weakened +kernel files +/proc is writable' 'some +kept +users' 'some +weakened +system calls +those of i386 too' 'all +weakened +capabilities +ALL' \
		'all +weakened +system calls +no filter' 'all +weakened +privileges' 'all +weakened +users' 'all +weakened +devices +all of the host' \
		'all +weakened +kernel files +/sys ' 'all +kept +namespaces'; do
		grep -qE "^$line" <<<"$output"
	done
	(! grep -qE '^all +kept +(users|devices|kernel files|system calls|privileges)' <<<"$output")
}

@test "config: --security --format json" {
	printf 'services: {a: {image: busybox, cap_drop: [ALL], security_opt: ["seccomp=./p.json"]}}\n' >stack.yaml
	mstack config --security --format json >out
	cat out
	[[ $(jq -c '.a | keys' out) == '["dropped","kept","weakened"]' ]]
	[[ $(jq -r '.a.dropped[] | select(.subject == "capabilities") | .detail' out) == *SYS_CHROOT* ]]
	[[ $(jq -r '.a.weakened[].detail' out) == "the filter of $PWD/p.json in place of the default one" ]]
	jq -e '.a.kept | all(.subject != "capabilities")' out
}

# ---- lists ----

@test "config: --profiles" {
	printf 'services:\n  a: {image: busybox, profiles: [zwei, eins]}\n  b: {image: busybox, profiles: [eins]}\n  c: {image: busybox}\n' >stack.yaml
	[[ $(mstack config --profiles) == $'eins\nzwei' ]]
}

@test "config: --variables" {
	printf 'services: {a: {image: "b${ONE:-eins}${TWO:+zwei}${THREE}", hostname: "${FOUR:?no}"}}\n' >stack.yaml
	FOUR=4 expect 0 mstack config --variables
	[[ ${lines[-4]} =~ ^FOUR\ +true ]]
	says NAME REQUIRED 'DEFAULT VALUE' 'ALTERNATE VALUE'
	grep -qE '^ONE +false +eins *$' <<<"$output"
	grep -qE '^TWO +false +zwei *$' <<<"$output"
	[[ $(FOUR=4 mstack config --variables --format json 2>/dev/null | jq -c '[.ONE.DefaultValue, .FOUR.Required, .FOUR.Value, .THREE.Value]') == '["eins",true,"4",null]' ]]
	# Also when one that is required is not set, and those of files that are included.
	expect 0 mstack config --variables
	says FOUR
	printf 'include: ["${DIR:-sub}/inner.yaml"]\nservices: {b: {image: "${OUTER}", extends: {file: "${DIR:-sub}/base.yaml", service: c}}}\n' >outer.yaml
	mkdir sub
	printf 'services: {a: {image: "${INNER}"}}\n' >sub/inner.yaml
	printf 'services: {c: {image: "${BASE}", hostname: "${HOST}"}}\n' >sub/base.yaml
	[[ $(mstack config --variables outer.yaml --format json | jq -c keys) == '["BASE","DIR","HOST","INNER","OUTER"]' ]]
	expect 0 mstack config --no-interpolate outer.yaml
	says 'image: ${INNER}' 'image: ${OUTER}' 'hostname: ${HOST}'
}

@test "config: --environment" {
	stack stack.yaml s
	printf 'FROM_FILE=file\nBOTH=file\n' >.env
	expect 0 env -i PATH="$PATH" ZZ=1 BOTH=shell AA=2 mstack config --environment
	says FROM_FILE=file BOTH=shell
	[[ $output == "$(LC_ALL=C sort <<<"$output")" ]]
	[[ $(mstack config --environment --format json | jq -r .FROM_FILE) == file ]]
}

@test "config: --hash changes with the service, and with nothing else" {
	cat >stack.yaml <<-'END'
		# a comment
		services:
		  web: {image: busybox, environment: {A: "${A:-1}"}}
		  db: {image: busybox, profiles: [p]}
	END
	local web
	web=$(mstack config --hash web)
	[[ $web =~ ^web\ [0-9a-f]{64}$ ]]
	[[ $(mstack config --hash) == "$web" ]]
	[[ $(mstack config --hash '*') == "$web" ]]
	[[ $(mstack config --hash '*' --profile p | wc -l) == 2 ]]
	[[ $(mstack config --hash db,web | cut -d ' ' -f 1 | xargs) == 'db web' ]]
	[[ $(A=2 mstack config --hash web) != "$web" ]]
	sed -i '1d; s/web:/web :/' stack.yaml
	[[ $(mstack config --hash web) == "$web" ]]
	[[ ${web#* } == "$(mstack config --format json | jq -cj '.services.web' | sha256sum | cut -d ' ' -f 1)" ]]
	run mstack config --hash absent
	[[ $status != 0 ]]
	says absent
}

# ---- init ----

@test "init: a file that is right, and never written over" {
	expect 0 mstack init
	says stack.yaml 'mstack up'
	expect 0 mstack config -q
	[[ -z $output ]]
	expect 0 mstack up --dry-run
	says_not warning:
	echo '# mine' >>stack.yaml
	expect 2 mstack init
	one_line
	says stack.yaml --force
	grep -q '# mine' stack.yaml
	expect 0 mstack init --force
	[[ $(<stack.yaml) == "$(mstack init -)" ]]
	[[ -z $(mstack init - 2>&1 >/dev/null) ]]
	expect 0 mstack init other.yml
	says 'mstack up other.yml'
	cmp other.yml stack.yaml
	expect 2 mstack init one.yaml -f two.yaml
	expect 2 mstack init name
	expect 1 mstack init absent/stack.yaml
	says absent/stack.yaml
}
