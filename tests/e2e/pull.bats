#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Images out of registries on the loopback of the sandbox: Debian's docker-registry, filled by skopeo, and lib/oddregistry for
# what that one has no switch for.
# Takes long, so tools/check begins with it.

load lib/common

HUB=127.0.0.1:5000
SERVERS=()
ODD=127.0.0.1:5001

# A folder `root` with busybox in it, two layers, an image in the layout `lay`.
make_image() {
	local name
	mkdir -p root/{bin,etc,tmp}
	cp "$(command -v busybox)" root/bin/
	for name in sh cat sleep echo; do ln -s busybox "root/bin/$name"; done
	echo 'root:x:0:0:root:/root:/bin/sh' >root/etc/passwd
	tar -C root --owner=0 --group=0 --numeric-owner -cf base.tar .
	mkdir l1 && head -c 3M /dev/urandom >l1/big && tar -C l1 -czf l1.tar.gz .
	ocilayout lay v1 '{"Cmd": ["sleep", "1000"]}' base.tar l1.tar.gz
}

# Another image under the same name: a layer more.
make_newer() {
	mkdir -p l2 && echo "${1:-two}" >l2/new && tar -C l2 -cf l2.tar .
	rm -rf lay
	ocilayout lay v1 '{"Cmd": ["sleep", "1000"]}' base.tar l1.tar.gz l2.tar
}

# docker-registry with the lines of standard input for its configuration; its log is `hub.log`.
hub() {
	{
		printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s/hub}}\nhttp: {addr: %s}\n' "$PWD" "$HUB"
		cat
	} >hub.yml
	docker-registry serve hub.yml >hub.log 2>&1 3>&- &
	SERVERS+=($!)
	wait_until eval "curl -s -o /dev/null http://$HUB/v2/"
}

odd() {
	oddregistry lay "${ODD#*:}" "$@" >odd.log 2>odd.err 3>&- &
	SERVERS+=($!)
	wait_until eval "curl -s -o /dev/null http://$ODD/v2/app/manifests/none"
	: >odd.log
}

end_servers() {
	local pid
	for pid in "${SERVERS[@]}"; do
		kill "$pid"
		wait "$pid" || :
	done
	SERVERS=()
}

# What has come of an image is data, as images are.
eval "common_$(declare -f teardown)"
teardown() {
	end_servers
	common_teardown
}

# push [NAME]: the image of `lay` goes to docker-registry.
push() { skopeo copy -q --dest-tls-verify=false "${@:2}" oci:lay:v1 "docker://$HUB/${1:-team/app:v1}"; }

# How many layers were asked of docker-registry, by mstack.
blobs_asked() { grep -c '"GET /v2/[^ ]*/blobs/.*"mstack/' hub.log || :; }
# It writes that down when it has answered.
blobs_were_asked() { [[ $(blobs_asked) == "$1" ]]; }
# All that was asked so far is written down: this question is, which nobody has asked before.
is_written_down() {
	local last=/v2/asked/manifests/${EPOCHREALTIME//[!0-9]/}
	curl -s -o /dev/null "http://$HUB$last"
	sleep 0.2
	grep -q "$last" hub.log
}

nothing_staged() { [[ -z $(find /var/lib/mstack/downloads -type f) ]]; }
images() { mstack image ls --format json | jq -r '"\(.Repository):\(.Tag)"' | sort | paste -sd' '; }
login() {
	mkdir -p docker
	export DOCKER_CONFIG=$PWD/docker
	printf '{"auths": {"%s": {"auth": "%s"}}}' "$1" "$(printf '%s' "$2" | base64)" >docker/config.json
}

@test "pull: what is absent comes before anything starts, and no second time" {
	make_image
	hub </dev/null
	push
	stack <<-END
		services:
		  a: {image: $HUB/team/app:v1}
		  b: {image: $HUB/team/app:v1}
		  c: {image: busybox, command: [sleep, "1000"]}
	END
	mstack up -d 2>up.err
	cat up.err
	grep -x "$HUB/team/app:v1: pulled" up.err
	cmp l1/big "/proc/$(field a Pid)/root/big"
	mstack down
	# Configuration and two layers, once; busybox is made from the host's.
	wait_until blobs_were_asked 3
	nothing_staged
	[[ $(images) == "$HUB/team/app:v1" ]]
	mstack up -d 2>up.err
	not grep pulled up.err
	mstack down
	mstack image pull "$HUB/team/app:v1" >out 2>err
	[[ $(cat out) == "$HUB/team/app:v1" ]]
	grep 'up to date' err
	wait_until is_written_down
	[[ $(blobs_asked) == 3 ]]
}

@test "pull: a newer image, of which only the new layer comes" {
	make_image
	hub </dev/null
	push
	stack <<<"services: {a: {image: $HUB/team/app:v1}}"
	expect_exit 10 mstack pull --check
	says "not here"
	mstack pull
	expect_exit 0 mstack pull --check
	says "up to date"
	make_newer
	push
	expect_exit 10 mstack pull --check
	says newer
	expect_exit 10 mstack pull --check -q
	[[ $output == "$HUB/team/app:v1" ]]
	# Looking brought nothing.
	mstack up -d --pull missing
	[[ ! -e /proc/$(field a Pid)/root/new ]]
	mstack down
	local before
	wait_until is_written_down
	before=$(blobs_asked)
	mstack up -d --pull always
	[[ $(cat "/proc/$(field a Pid)/root/new") == two ]]
	mstack down
	(($(blobs_asked) - before <= 2))
	nothing_staged
	# The older one has no name any more.
	[[ $(mstack image ls -q | wc -l) == 2 ]]
	mstack image prune -f
	[[ $(mstack image ls -q | wc -l) == 1 ]]
}

@test "pull: of a list for several machines ours, by tag and by digest" {
	make_image
	ARCH=s390x ocilayout other v1 '{}' base.tar
	local d1 d2
	d1=$(jq -c '.manifests[0] | del(.annotations) + {platform: {os: "linux", architecture: "s390x"}}' other/index.json)
	d2=$(jq -c --arg a "$(jq -r .architecture lay/blobs/sha256/"$(jq -r .config.digest \
		lay/blobs/sha256/"$(jq -r '.manifests[0].digest[7:]' lay/index.json)" | cut -d: -f2)")" \
		'.manifests[0] | del(.annotations) + {platform: {os: "linux", architecture: $a}}' lay/index.json)
	cp -r other/blobs lay/
	echo "{\"schemaVersion\": 2, \"mediaType\": \"application/vnd.oci.image.index.v1+json\", \"manifests\": [$d1, $d2]}" >list
	local digest
	digest=$(sha256sum list | cut -d ' ' -f 1)
	cp list "lay/blobs/sha256/$digest"
	jq -n --arg d "sha256:$digest" --argjson s "$(stat -c %s list)" '{schemaVersion: 2, manifests: [{mediaType:
		"application/vnd.oci.image.index.v1+json", digest: $d, size: $s, annotations: {"org.opencontainers.image.ref.name": "v1"}}]}' \
		>lay/index.json
	hub </dev/null
	push team/app:v1 --all
	digest=$(skopeo inspect --raw --tls-verify=false "docker://$HUB/team/app:v1" | tee pushed | sha256sum | cut -d ' ' -f 1)
	jq -e '.manifests | length == 2' pushed
	mstack image pull "$HUB/team/app:v1"
	[[ $(mstack image inspect "$HUB/team/app:v1" | jq -r '.[0].Digest') == "sha256:$digest" ]]
	mstack image pull "$HUB/team/app@sha256:$digest"
	stack <<<"services: {a: {image: '$HUB/team/app:other@sha256:$digest', pull_policy: never}}"
	mstack up -d
	cmp l1/big "/proc/$(field a Pid)/root/big"
	mstack down
	# Docker's own words for all of it.
	push old/app:v1 --format=v2s2
	mstack image pull "$HUB/old/app:v1"
	expect_exit 1 mstack image pull "$HUB/team/app@sha256:$(printf '0%.0s' {1..64})"
	says 'HTTP 404'
}

@test "pull: policies" {
	make_image
	hub </dev/null
	push
	local image=$HUB/team/app:v1
	stack <<<"services: {a: {image: $image, pull_policy: never}}"
	up_fails 125 "image '$image': not here"
	expect_exit 0 mstack pull
	says 'a skipped: its policy is not to pull'
	stack <<<"services: {a: {image: $image}}"
	expect_exit 125 mstack up -d --pull never
	stack <<<"services: {a: {image: $image, pull_policy: daily}, b: {image: $image, pull_policy: every_1w}}"
	mstack up -d && mstack down
	[[ $(images) == "$image" ]]
	make_newer
	push
	# Not a day old yet; then two.
	mstack up -d && mstack down
	[[ $(mstack image ls -q | wc -l) == 1 ]]
	touch -d '2 days ago' /var/lib/mstack/catalog/names/*
	mstack up -d
	[[ -e /proc/$(field a Pid)/root/new ]]
	mstack down
	# What was asked for is young again, though nothing changed.
	touch -d '2 days ago' /var/lib/mstack/catalog/names/*
	mstack up -d && mstack down
	local asked
	wait_until is_written_down
	asked=$(grep -c 'manifests/v1.*"mstack/' hub.log)
	mstack up -d && mstack down
	[[ $(grep -c 'manifests/v1.*"mstack/' hub.log) == "$asked" ]]
	make_newer three
	push
	stack <<<"services: {a: {image: $image, pull_policy: always}}"
	mstack up -d
	[[ $(cat "/proc/$(field a Pid)/root/new") == three ]]
	mstack down
	stack <<<"services: {a: {image: $image, pull_policy: refresh, pull_refresh_after: 1s}}"
	make_newer four
	push
	sleep 1.1
	mstack up -d
	[[ $(cat "/proc/$(field a Pid)/root/new") == four ]]
	mstack down
}

@test "pull: what a mount shows" {
	make_image
	hub </dev/null
	push
	stack <<-END
		services:
		  a:
		    image: busybox
		    command: [sleep, "1000"]
		    volumes: [{type: image, source: "$HUB/team/app:v1", target: /shown}]
	END
	mstack up -d
	cmp l1/big "/proc/$(field a Pid)/root/shown/big"
	mstack down
}

@test "pull: images that can be built, and those that fail" {
	make_image
	hub </dev/null
	push
	stack <<-END
		services:
		  a: {image: $HUB/team/app:v1}
		  b: {image: $HUB/none:v1, build: .}
		  c: {build: .}
	END
	expect_exit 0 mstack pull
	says 'warning: image' 'HTTP 404' 'c skipped: it has no image to pull' "$HUB/team/app:v1: pulled"
	expect_exit 0 mstack pull --ignore-buildable
	says 'b skipped: its image can be built'
	up_fails 125 'mstack builds none'
	stack <<-END
		services:
		  a: {image: $HUB/none:v1, depends_on: [b]}
		  b: {image: $HUB/none:v2}
		  c: {image: $HUB/team/app:v1}
	END
	expect_exit 1 mstack pull
	says "image '$HUB/none:v1': registry '$HUB': HTTP 404" "'$HUB/none:v2'" '2 of 3 images could not be pulled'
	expect_exit 1 mstack pull a
	says "$HUB/none:v1"
	[[ $output != *none:v2* ]]
	expect_exit 1 mstack pull --include-deps a
	says none:v2
	expect_exit 0 mstack pull --ignore-pull-failures
	expect_exit 0 mstack pull -q c
	[[ -z $output ]]
	up_fails 125 'HTTP 404' 'look at the spelling'
}

@test "pull: with user and password" {
	make_image
	python3 -c 'import crypt; print("user:" + crypt.crypt("secret", "$2y$05$" + "a" * 22))' 2>/dev/null >htpasswd
	hub <<<"auth: {htpasswd: {realm: hub, path: $PWD/htpasswd}}"
	push team/app:v1 --dest-creds=user:secret
	expect_exit 1 mstack image pull "$HUB/team/app:v1"
	says "registry '$HUB'" 'user and password' 'docker login'
	login "$HUB" user:wrong
	expect_exit 1 mstack image pull "$HUB/team/app:v1"
	says 'HTTP 401'
	login "http://$HUB/v2/" user:secret
	mstack image pull "$HUB/team/app:v1"
	echo "{\"credHelpers\": {\"$HUB\": \"pass\"}}" >docker/config.json
	expect_exit 1 mstack image pull "$HUB/team/app:v2"
	says 'docker-credential-pass' 'executes no other program'
	echo "{\"auths\": {\"$HUB\": {}}, \"credsStore\": \"desktop\"}" >docker/config.json
	expect_exit 1 mstack image pull "$HUB/team/app:v2"
	says 'docker-credential-desktop'
	echo '{' >docker/config.json
	expect_exit 1 mstack image pull "$HUB/team/app:v2"
	says 'docker/config.json' 'not readable'
}

@test "pull: with a token" {
	make_image
	odd token
	expect_exit 1 mstack image pull "$ODD/app:v1"
	says "token server 'http://$ODD/token'" 'HTTP 401: incorrect username or password'
	login "$ODD" user:secret
	mstack image pull "$ODD/app:v1"
	# The password went to the token server alone, and one token did for all.
	[[ $(grep -c '^GET /token.*scope=repository%3Aapp%3Apull.* Basic$' odd.log) == 1 ]]
	not grep '/v2/.* Basic' odd.log
	nothing_staged
	end_servers
	mstack image rm "$ODD/app:v1"
	unset DOCKER_CONFIG
	odd token open
	mstack image pull "$ODD/app:v1"
}

@test "pull: a connection that breaks goes on where it ended" {
	make_image
	odd cut=1500000
	expect_exit 0 mstack image pull "$ODD/app:v1"
	says 'trying again'
	cat odd.log
	grep ' 206 bytes=1500000- ' odd.log
	[[ $(grep -c cut odd.log) == 1 ]]
	nothing_staged
	stack <<<"services: {a: {image: $ODD/app:v1}}"
	mstack up -d
	cmp l1/big "/proc/$(field a Pid)/root/big"
	mstack down
}

@test "pull: killed in the middle, and the next one goes on" {
	make_image
	odd silent
	mstack image pull "$ODD/app:v1" >/dev/null 2>&1 3>&- &
	local pid=$! part
	# That of a layer: the configuration is small, and comes whole.
	wait_until eval '[[ $(find /var/lib/mstack/downloads -name "*.part" -size 1000c) ]]'
	kill -9 $pid
	wait $pid || :
	# What worked for it ends with it.
	wait_until eval '! pgrep -x mstack-fetch'
	[[ $(mstack image ls -q) == '' ]]
	end_servers
	odd
	mstack image pull "$ODD/app:v1"
	grep -E ' 206 bytes=[1-9][0-9]*- ' odd.log
	nothing_staged
	# Who wrote something else there meanwhile does not get it into an image.
	mstack image rm "$ODD/app:v1"
	part=/var/lib/mstack/downloads/blobs/sha256/$(jq -r '.layers[1].digest[7:]' \
		"lay/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' lay/index.json)").part
	head -c 100000 /dev/urandom >"$part"
	theirs "$part"
	expect_exit 0 mstack image pull "$ODD/app:v1"
	says 'damaged: beginning anew'
	# And a day later nobody waits for the rest any more.
	head -c 1000 /dev/urandom >"$part" && touch -d '2 days ago' "$part"
	mstack image rm "$ODD/app:v1"
	mstack image pull "$ODD/app:v1"
	nothing_staged
}

@test "pull: wrong bytes are refused" {
	make_image
	odd wrong
	expect_exit 1 mstack image pull "$ODD/app:v1"
	says "registry '$ODD'" 'has the digest sha256:' 'as it should'
	end_servers
	odd long
	expect_exit 1 mstack image pull "$ODD/app:v1"
	says 'more than the'
	[[ $(mstack image ls -q) == '' ]]
	end_servers
	odd ignore cut=100000
	mstack image pull "$ODD/app:v1"
}

@test "pull: a registry that is busy, silent, or gone" {
	make_image
	odd fail=2,503
	expect_exit 0 mstack image pull "$ODD/app:v1"
	says 'HTTP 503: trying again in 1 s'
	mstack image rm "$ODD/app:v1"
	end_servers
	odd fail=9,429
	expect_exit 1 mstack image pull "$ODD/app:v1"
	says 'HTTP 429' 'limits how much is pulled'
	end_servers
	odd silent
	MSTACK_PULL_TIMEOUT=1 expect_exit 1 mstack image pull "$ODD/app:v1"
	says 'nothing came for 1 s'
	end_servers
	expect_exit 1 mstack image pull "$ODD/app:v1"
	says "registry '$ODD'" 'is it up'
	expect_exit 1 mstack image pull no.such.host.invalid/app:v1
	says "registry 'no.such.host.invalid'" 'resolve'
}

@test "pull: redirects do not carry the login along" {
	make_image
	odd token "elsewhere=http://127.0.0.1:5002"
	login "$ODD" user:secret
	oddregistry lay 5002 >elsewhere.log 2>&1 3>&- &
	SERVERS+=($!)
	wait_until eval "curl -s -o /dev/null http://127.0.0.1:5002/v2/app/manifests/none"
	mstack image pull "$ODD/app:v1"
	grep '/blobs/.* 307 - Bearer$' odd.log
	[[ $(grep -c '/blobs/.* 200 - -$' elsewhere.log) == 3 ]]
	end_servers
	# Nobody is sent from https to http, nor to another machine by it.
	odd "elsewhere=http://203.0.113.10:80"
	mstack image rm "$ODD/app:v1"
	expect_exit 1 mstack image pull "$ODD/app:v1"
	says 'only https is followed'
}

@test "pull: other machines by https only" {
	make_image
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -days 2 -subj /CN=test \
		-addext subjectAltName=IP:203.0.113.10 2>/dev/null
	cat key.pem ca.pem >both.pem
	internet oddregistry lay 443 bind=203.0.113.10 tls=both.pem >tls.log 2>&1 3>&- &
	SERVERS+=($!)
	internet oddregistry lay 5000 bind=203.0.113.10 >plain.log 2>&1 3>&- &
	SERVERS+=($!)
	wait_until eval "curl -s -o /dev/null http://203.0.113.10:5000/v2/app/manifests/none"
	: >plain.log
	expect_exit 1 mstack image pull 203.0.113.10:5000/app:v1
	says "registry '203.0.113.10:5000'" 'plain http is spoken with registries on this machine only'
	[[ ! -s plain.log ]]
	expect_exit 1 mstack image pull 203.0.113.10/app:v1
	says 'certificate is not trusted' SSL_CERT_FILE
	chmod 600 ca.pem
	SSL_CERT_FILE=$PWD/ca.pem expect_exit 1 mstack image pull 203.0.113.10/app:v1
	says 'everybody may read'
	install -m 644 ca.pem /run/ca.pem
	SSL_CERT_FILE=/run/ca.pem mstack image pull 203.0.113.10/app:v1
	rm /run/ca.pem
	[[ $(images) == 203.0.113.10/app:v1 ]]
}

@test "pull: several at the same time, with layers in common" {
	make_image
	hub </dev/null
	push app:v1
	push app:v2
	make_newer
	push app:v3
	local i pids=()
	for i in 1 2 3; do
		mstack image pull "$HUB/app:v1" "$HUB/app:v2" "$HUB/app:v3" >/dev/null 2>"err$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do ends_with 0 "$i"; done
	[[ $(images) == "$HUB/app:v1 $HUB/app:v2 $HUB/app:v3" ]]
	nothing_staged
	[[ $(ls /var/lib/mstack/layers | wc -l) == 3 ]]
}

@test "pull: the process that talks to registries has no rights" {
	make_image
	odd silent
	mstack image pull "$ODD/app:v1" >/dev/null 2>&1 3>&- &
	local pid=$! fetcher nobody=65534
	# Of the user's range.
	[[ -z ${MSTACK_AS:-} ]] || nobody=$((100000 + nobody - 1))
	wait_until eval '[[ $(find /var/lib/mstack/downloads -name "*.part" -size 1000c) ]]'
	fetcher=$(pgrep -x mstack-fetch)
	cat "/proc/$fetcher/status"
	grep -P "^Uid:(\t$nobody){4}" "/proc/$fetcher/status"
	grep -P '^Groups:\t *$' "/proc/$fetcher/status"
	[[ $(grep -c -P '^Cap(Inh|Prm|Eff|Bnd|Amb):\t0000000000000000$' "/proc/$fetcher/status") == 5 ]]
	grep -P '^NoNewPrivs:\t1' "/proc/$fetcher/status"
	grep -P '^Seccomp:\t2' "/proc/$fetcher/status"
	# Its password is in no list of processes.
	[[ $(tr '\0' ' ' <"/proc/$fetcher/cmdline") == 'mstack-fetch ' ]]
	kill $pid
	wait $pid || :
	# What unpacks has nothing to talk with.
	not grep curl <(ldd "$BUILD/mstack-store")
	not grep -e curl -e archive <(ldd "$BUILD/mstack")
	not grep -e archive <(ldd "$BUILD/mstack-fetch")
	not grep -e NEEDED.*ssl -e NEEDED.*crypto <(readelf -d "$BUILD/mstack-fetch")
}
