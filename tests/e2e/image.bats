#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Images in layers: layouts and archives become services, and what `mstack image` shows and removes. The images are made
# here, of the host's static busybox and a few files.
# Takes long, so tools/check begins with it.

load lib/common

# A folder `root` with busybox in it.
make_root() {
	local name
	mkdir -p root/{bin,etc,tmp,data}
	cp "$(command -v busybox)" root/bin/
	for name in sh cat ls sleep echo id pwd env stat find test touch rm mkdir sort true; do ln -s busybox "root/bin/$name"; done
	echo 'root:x:0:0:root:/root:/bin/sh' >root/etc/passwd
	echo 'root:x:0:' >root/etc/group
}

base_layer() {
	make_root
	tar -C root --owner=0 --group=0 --numeric-owner -cf base.tar .
}

# A layout `lay` with an image of one layer.
small_image() {
	base_layer
	ocilayout lay v1 "${1:-{\"Cmd\": [\"sleep\", \"1000\"]\}}" base.tar
}

image_json() { mstack image ls --format json | jq -r "$@"; }

no_half_layers() { [[ -z $(find /var/lib/mstack/layers /var/lib/mstack/images -name '.making*' 2>/dev/null) ]]; }

# Ten layers: compressed in all ways, with whiteouts, opaque folders, hard links, and files over folders.
ten_layers() {
	base_layer
	local i
	mkdir l1 && echo 1 >l1/one && mkdir -p l1/dir/sub l1/gone && echo x >l1/dir/old && echo x >l1/dir/sub/old && echo x >l1/gone/file
	ln l1/one l1/hard && echo s >l1/setuid && chmod 4755 l1/setuid
	mkdir l2 && echo 2 >l2/two && touch l2/.wh.gone
	mkdir -p l3/dir && touch l3/dir/.wh..wh..opq && echo new >l3/dir/new
	mkdir l4 && echo file >l4/data.txt && mkdir l4/becomes && echo x >l4/becomes/x
	mkdir l5 && touch l5/.wh.becomes && echo 'a file now' >l5/becomes
	mkdir l6 && touch l6/.wh.two
	mkdir l7 && echo 'two again' >l7/two
	mkdir -p l8/one && echo 'a folder now' >l8/one/in && touch l8/.wh.one
	mkdir l9 && touch l9/.wh.no-such-file && echo nine >'l9/with space and ü'
	for i in 1 2 3 4 5 6 7 8 9; do
		tar -C "l$i" --owner=:100 --group=:200 -cf "l$i.tar" .
	done
	gzip l2.tar l5.tar && xz l3.tar && zstd -q --rm l4.tar l6.tar
	layers=(base.tar l1.tar l2.tar.gz l3.tar.xz l4.tar.zst l5.tar.gz l6.tar.zst l7.tar l8.tar l9.tar)
}

@test "image: ten layers with whiteouts are one root" {
	ten_layers
	ocilayout lay v1 '{"Cmd": ["sleep", "1000"]}' "${layers[@]}"
	stack <<-'END'
		services:
		  a:
		    image: oci:lay:v1
		    command: [sh, -c, "cd /; find . -xdev -path './proc' -prune -o -path ./sys -prune -o -path ./dev -prune -o -type f -print | sort; cat one/in two becomes dir/new; stat -c '%u:%g %a' setuid; ls -d gone dir/old dir/sub; echo end; sleep 1000"]
	END
	mstack up -d
	wait_until log_has a end
	mstack logs --no-color --no-log-prefix a >log
	sed '/^\.\/bin\//d' log | tee seen
	printf '%s\n' ./becomes ./data.txt ./dir/new ./etc/group ./etc/hostname ./etc/hosts ./etc/passwd ./etc/resolv.conf ./hard \
		./one/in ./setuid ./two './with space and ü' >want
	diff want <(grep '^\./' seen)
	grep -x 'a folder now' seen && grep -x 'two again' seen && grep -x 'a file now' seen && grep -x new seen
	grep -x '100:200 4755' seen
	[[ $(grep -c 'No such file' seen) == 3 ]]
	mstack down
	# Each layer is there once, and no second time.
	[[ $(find /var/lib/mstack/layers -mindepth 1 -maxdepth 1 | wc -l) == 10 ]]
	mstack image import oci:lay:v1 other
	[[ $(find /var/lib/mstack/layers -mindepth 1 -maxdepth 1 | wc -l) == 10 ]]
	no_half_layers
}

@test "image: umoci makes the same tree of it" {
	command -v umoci >/dev/null || skip 'umoci is not installed'
	ten_layers
	# Debian's umoci reads neither xz nor zstd.
	zstd -qdk l4.tar.zst && xz -dk l3.tar.xz && zstd -qdk l6.tar.zst
	ocilayout lay v1 '{"Cmd": ["sh"]}' base.tar l1.tar l2.tar.gz l3.tar l4.tar l5.tar.gz l6.tar l7.tar l8.tar l9.tar
	umoci unpack --image lay:v1 bundle >/dev/null
	stack <<-'END'
		services:
		  a: {image: "oci:lay:v1", command: [sleep, "1000"]}
	END
	mstack up -d
	local pid
	pid=$(field a Pid)
	list() {
		(cd "$1" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path './etc/host*' -o -path ./etc/resolv.conf \) \
			-prune -o ! -path . ! -path ./etc -printf '%p %y %m %U:%G %T@ %l\n' | sed 's/ \([0-9]*\)\.[0-9]* / \1 /' | sort)
	}
	list bundle/rootfs >umoci
	# Owners as the container sees them.
	export -f list
	# shellcheck disable=SC2016 # for the shell that is started
	nsenter --target "$pid" --user --setuid 0 --setgid 0 bash -c 'list "/proc/$1/root/"' list "$pid" >ours
	diff umoci ours
	mstack down
}

@test "image: its configuration holds, and the file's goes before it" {
	base_layer
	echo 'web:x:12:34:web:/srv/web:/bin/sh' >>root/etc/passwd
	echo 'more:x:56:web' >>root/etc/group
	chmod 1777 root/tmp && tar -C root -cf base.tar .
	ocilayout lay v1 '{"Entrypoint": ["sh", "-c"], "Cmd": ["pwd; id; echo $A $B; touch /tmp/ok; sleep 1000"], "Env": ["A=image", "B=image"],
		"User": "web", "WorkingDir": "/data", "StopSignal": "SIGKILL", "Healthcheck": {"Test": ["CMD", "test", "-e", "/tmp/ok"],
		"Interval": 100000000, "StartPeriod": 0, "Retries": 50}}' base.tar
	stack <<-'END'
		services:
		  a: {image: "oci:lay:v1", environment: {B: file}}
		  b: {image: "oci:lay:v1", command: ["echo b after a; sleep 1000"], healthcheck: {disable: true}, depends_on: {a: {condition: service_healthy}}}
	END
	mstack up --wait --wait-timeout 60
	wait_until log_has a '^image file$'
	log_has a '^/data$'
	log_has a 'uid=12(web) gid=34 groups=56(more)'
	health_is a healthy
	[[ $(field b Health) == "" ]]
	mstack down
}

@test "image: waiting for a health that nobody tells is an error" {
	small_image
	stack <<-'END'
		services:
		  a: {image: "oci:lay:v1"}
		  b: {image: "oci:lay:v1", depends_on: {a: {condition: service_healthy}}}
	END
	mstack config -q
	expect_exit 3 mstack up -d
	says 'neither the file nor the image'
}

@test "image: import, ls, inspect, rm" {
	small_image
	mstack image import oci:lay:v1 >out
	grep -x 'Imported: lay:v1' out
	mstack image import oci:lay example.com/team/app:2
	[[ $(image_json '.Repository + " " + .Tag' | sort | paste -sd,) == 'example.com/team/app 2,lay v1' ]]
	[[ $(image_json .Digest | sort -u) == "$(jq -r '.manifests[0].digest' lay/index.json)" ]]
	[[ $(image_json .Bytes | sort -u) -gt 500000 ]]
	[[ $(mstack image ls -q) =~ ^[0-9a-f]{12}$ ]]
	mstack image ls | grep -E '^lay +v1 +sha256:'
	[[ $(mstack image inspect lay:v1 | jq -r '.[0].Config.Cmd[0]') == sleep ]]
	[[ $(mstack image inspect "$(mstack image ls -q)" | jq -r '.[0].RepoTags | length') == 2 ]]
	expect_exit 1 mstack image inspect nothing
	says "image 'nothing': there is none of this name: see \`mstack image ls\`"
	mstack image rm lay:v1
	expect_exit 1 mstack image rm lay:v1
	says "image 'lay:v1': there is none of this name"
	mstack image rm example.com/team/app:2 >out
	grep -c Deleted: out
	[[ -z $(mstack image ls -q) && -z $(ls /var/lib/mstack/layers) ]]
	expect_exit 2 mstack image
	expect_exit 2 mstack image imprt x
	says "did you mean 'import'"
	expect_exit 2 mstack image import
	expect_exit 2 mstack image import oci:lay:v1 'Bad Name'
	says 'not a name of an image'
	expect_exit 2 mstack image import oci:
	says 'must be oci:PATH'
	expect_exit 2 mstack image inspect 'Bad Name'
	expect_exit 2 mstack image pull 'Bad Name'
	expect_exit 1 mstack image rm app
	stack <<<'services: {a: {image: BAD}}'
	expect_exit 125 mstack up
	says 'not a name of an image'
	expect_exit 3 mstack pull
	expect_exit 125 mstack run --image BAD -- true
}

@test "image: a name of the catalog runs, also by its digest" {
	small_image
	mstack image import oci:lay:v1 app
	stack <<-END
		services:
		  a: {image: app}
		  b: {image: "docker.io/library/app:latest"}
		  c: {image: "app@$(jq -r '.manifests[0].digest' lay/index.json)"}
	END
	mstack up -d
	[[ $(image_json .InUse) == true ]]
	expect_exit 1 mstack image rm app
	says 'a running stack uses it'
	mstack image rm --force app >out
	[[ $(<out) == 'Untagged: app:latest' ]]
	[[ $(mstack image prune -a -f) == 'Total reclaimed space: 0 B' ]]
	state_is a running
	mstack down
	mstack image prune -f | grep 'Total reclaimed space: [0-9.]* [KM]iB'
	[[ -z $(ls /var/lib/mstack/layers) ]]
	expect_exit 125 mstack up -d
	says "image 'app': registry 'registry-1.docker.io'"
}

@test "image: down --rmi all takes the images of the services away, and leaves what another stack uses" {
	small_image
	# Three images: of two services, and one of nobody.
	mstack image import oci:lay:v1 app:1
	mv lay one
	ocilayout lay v1 '{"Cmd": ["sleep", "2000"]}' base.tar
	mstack image import oci:lay:v1 app:2
	rm -rf lay && ocilayout lay v1 '{"Cmd": ["sleep", "3000"]}' base.tar
	mstack image import oci:lay:v1 other
	images() { image_json '.Repository + ":" + .Tag' | sed "s,oci:.*,place,; s,:<none>,," | sort | xargs; }
	mkdir two && printf 'name: two\nservices: {a: {image: "app:2", stop_grace_period: 0s}}\n' >two/stack.yaml
	# One of them by its place, which is no name.
	stack <<-'END'
		services:
		  0: {image: "oci:one:v1", stop_grace_period: 0s}
		  a: {image: "app:1", stop_grace_period: 0s}
		  b: {image: "app:2", stop_grace_period: 0s}
		  c: {image: busybox, command: [sleep, "1000"], stop_grace_period: 0s}
	END
	mstack up -d
	mstack -f two/stack.yaml up -d
	expect_exit 0 mstack down --rmi local
	[[ $(images) == 'app:1 app:2 other:latest place' ]]
	mstack up -d
	# Also without its file.
	expect_exit 0 mstack -p t down --rmi all
	says 'image app:1 removed' "it stays: image 'app:2': a running stack uses it"
	[[ $(images) == 'app:2 other:latest' ]]
	mstack -f two/stack.yaml down
	# Down already: by its file, and without one that is told.
	expect_exit 0 mstack -p two down --rmi all
	says 'without its file nobody knows the images'
	expect_exit 0 mstack -f two/stack.yaml down --rmi=all
	says 'image app:2 removed'
	[[ $(images) == other:latest ]]
	expect_exit 0 mstack down --rmi all
	says "--rmi: image 'oci:one:v1' stays, as the stack is not up"
	expect_exit 2 mstack down --rmi some
	[[ $(images) == other:latest ]]
}

@test "image: prune asks, and leaves what has a name" {
	small_image
	mstack image import oci:lay:v1 app
	mstack image import oci:lay:v1 app
	rm -rf lay && ocilayout lay v1 '{"Cmd": ["true"]}' base.tar
	mstack image import oci:lay:v1 app
	[[ $(mstack image ls -q | wc -l) == 2 ]]
	mstack image ls | grep '<none>'
	expect_exit 1 mstack image prune <<<n
	says 'nothing was removed'
	[[ $(mstack image ls -q | wc -l) == 2 ]]
	mstack image prune <<<y
	[[ $(mstack image ls -q | wc -l) == 1 ]]
	mstack image prune -a -f
	[[ -z $(mstack image ls -q) ]]
}

@test "image: archives of podman, docker and skopeo" {
	command -v skopeo >/dev/null || skip 'skopeo is not installed'
	small_image
	skopeo --insecure-policy copy -q oci:lay:v1 docker-archive:saved.tar:team/app:3
	skopeo --insecure-policy copy -q oci:lay:v1 oci-archive:oci.tar:v1
	mstack image import docker-archive:saved.tar
	mstack image import oci-archive:oci.tar x
	mstack image import oci:lay:v1 y
	# All the same image, and one layer.
	[[ $(image_json .ID | sort -u | wc -l) == 1 && $(ls /var/lib/mstack/layers | wc -l) == 1 ]]
	[[ $(skopeo inspect --config oci:lay:v1 --raw | sha256sum | cut -d ' ' -f 1) == $(image_json .ID | sort -u | cut -d : -f 2) ]]
	[[ $(image_json 'select(.Repository == "team/app").Tag') == 3 ]]
	stack <<-'END'
		services:
		  a: {image: "docker-archive:saved.tar"}
		  b: {image: "oci-archive:oci.tar:v1"}
	END
	mstack up -d
	state_is a running && state_is b running
	mstack down
	mstack up -d >out 2>&1
	not grep unpacking out
	mstack down
	no_half_layers
}

@test "image: a root file system in a tar gets a name" {
	base_layer
	gzip base.tar
	expect_exit 2 mstack image import ./base.tar.gz
	mstack image import ./base.tar.gz rootfs:1
	stack <<<'services: {a: {image: "rootfs:1", command: [sleep, "1000"]}}'
	mstack up -d
	state_is a running
	mstack down
}

@test "image: the one for this machine is taken" {
	base_layer
	ARCH=s390x ocilayout lay other '{"Cmd": ["false"]}' base.tar
	ocilayout lay ours '{"Cmd": ["sleep", "1000"]}' base.tar
	jq -c '.manifests | {schemaVersion: 2, manifests: [(.[0] + {platform: {os: "linux", architecture: "s390x"}}),
		(.[1] + {platform: {os: "linux", architecture: $a}})]}' --arg a "$(skopeo_arch)" lay/index.json >list
	d=$(sha256sum <list | cut -d ' ' -f 1)
	cp list "lay/blobs/sha256/$d"
	jq -n --arg d "sha256:$d" --argjson s "$(stat -c %s list)" '{schemaVersion: 2, manifests: [{mediaType:
		"application/vnd.docker.distribution.manifest.list.v2+json", digest: $d, size: $s}]}' >lay/index.json
	mstack image import oci:lay app
	[[ $(mstack image inspect app | jq -r '.[0].Config.Cmd[0]') == sleep ]]
}

skopeo_arch() { case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac; }

@test "image: hostile layers are refused, and nothing is left of them" {
	base_layer
	echo untouched >outside
	mkdir evil && ln -s /etc evil/link && echo bad >evil/file && mkdir -p 'evil/d'
	local i=0 how
	for how in 's,file,/tmp/mstack-escaped,' 's,file,../../../../../tmp/mstack-escaped,' 's,file,link/mstack-escaped,' \
		's,file,d/.wh...,'; do
		rm -rf lay
		tar -P -C evil --transform="flags=r;$how" -cf evil.tar link file
		ocilayout lay v1 '{}' base.tar evil.tar
		expect_exit 1 mstack image import oci:lay:v1 evil
		says 'layer 2 of 2: '
		[[ -z $(ls -A /var/lib/mstack/layers) && -z $(mstack image ls -q) ]]
	done
	[[ ! -e /tmp/mstack-escaped && ! -e /etc/mstack-escaped ]]
	# Another content than its digest says; half of a layer.
	rm -rf lay && ocilayout lay v1 '{}' base.tar
	for blob in lay/blobs/sha256/*; do
		[[ $(stat -c %s "$blob") -lt 100000 ]] || printf x | dd of="$blob" bs=1 seek=600000 conv=notrunc status=none
	done
	expect_exit 1 mstack image import oci:lay:v1 evil
	says 'damaged or was changed'
	rm -rf lay && gzip -k base.tar && ocilayout lay v1 '{}' base.tar.gz
	for blob in lay/blobs/sha256/*; do
		[[ $(stat -c %s "$blob") -lt 100000 ]] || truncate -s 100000 "$blob"
	done
	expect_exit 1 mstack image import oci:lay:v1 evil
	says 'but the image says'
	[[ -z $(ls -A /var/lib/mstack/layers) && -z $(mstack image ls -q) ]]
}

@test "image: devices, setuid files and strange owners of a layer" {
	base_layer
	mkdir odd && mknod odd/sda b 8 0 && mknod odd/mem c 1 1 && echo x >odd/su && chmod 6755 odd/su
	tar -C odd --owner=:123456 --group=:5 -cf odd.tar .
	ocilayout lay v1 '{"Cmd": ["sleep", "1000"]}' base.tar odd.tar
	mstack image import oci:lay:v1 app 2>err
	grep 'device node left out' err
	grep '65534 instead' err
	stack <<<'services: {a: {image: app}}'
	mstack up -d
	[[ ! -e /proc/$(field a Pid)/root/sda && ! -e /proc/$(field a Pid)/root/mem ]]
	[[ $(stat -c %a "/proc/$(field a Pid)/root/su") == 6755 ]]
	mstack down
}

@test "image: killed in the middle of an import" {
	base_layer
	mkdir big && head -c 60M /dev/urandom >big/file && tar -C big -cf big.tar .
	ocilayout lay v1 '{"Cmd": ["sleep", "1000"]}' base.tar big.tar
	local pid ms killed=0
	for ms in 0.02 0.05 0.1 0.2; do
		mstack image import oci:lay:v1 app >/dev/null 2>&1 &
		pid=$!
		sleep $ms
		# A fast machine may have ended it by now.
		kill -9 $pid 2>/dev/null && killed=$((killed + 1))
		wait $pid || :
		# What the unpackers hold ends with their parent.
		wait_until eval '! pgrep -x mstack-store'
		# It has a name when all of it is there, and not before.
		[[ $(mstack image ls -q | wc -l) == 0 || $(find /var/lib/mstack/layers -mindepth 2 -maxdepth 2 -name info | wc -l) == 2 ]]
		for layer in /var/lib/mstack/layers/[0-9a-f]*; do
			[[ ! -e $layer || -e $layer/info ]]
		done
	done
	((killed >= 2))
	mstack image import oci:lay:v1 app
	no_half_layers
	stack <<<'services: {a: {image: app}}'
	mstack up -d
	cmp big/file "/proc/$(field a Pid)/root/file"
	mstack down
}

@test "image: imported twice at the same time" {
	ten_layers
	ocilayout lay v1 '{"Cmd": ["sleep", "1000"]}' "${layers[@]}"
	local i pids=()
	for i in 1 2 3; do
		mstack image import oci:lay:v1 "app:$i" >/dev/null 2>"err$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do ends_with 0 "$i"; done
	[[ $(mstack image ls -q | wc -l) == 1 && $(image_json .Tag | sort | paste -sd,) == 1,2,3 ]]
	[[ $(ls /var/lib/mstack/layers | wc -l) == 10 ]]
	no_half_layers
}

@test "image: progress in plain lines, as JSON, as a bar" {
	base_layer
	mkdir big && head -c 30M /dev/urandom >big/file && tar -C big -cf big.tar .
	ocilayout lay v1 '{}' base.tar big.tar
	mstack image import oci:lay:v1 app 2>err
	grep -E '^import: +100%  [0-9.]+ MiB / [0-9.]+ MiB' err
	not grep -q $'\r' err
	mstack image rm app
	mstack image import --progress json oci:lay:v1 app 2>err
	jq -es 'length >= 1 and all(.level == "progress")' err
	mstack image rm app
	mstack image import --progress quiet oci:lay:v1 app 2>err
	[[ ! -s err ]]
	mstack image rm app
	mstack image import --progress tty oci:lay:v1 app 2>err
	grep -q $'\r\033\\[K\\[#' err
}

@test "image: ps shows its labels and the ports that it names" {
	small_image '{"Cmd": ["sleep", "1000"], "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "443": {}}, "Labels": {"a.b": "image", "c": "d"}}'
	stack <<-'END'
		services:
		  web: {image: "oci:lay:v1", ports: ["8080:80"], labels: {a.b: service}, stop_grace_period: 0s}
	END
	mstack up -d
	[[ $(field web Labels) == 'c=d,a.b=service' ]]
	[[ $(field web Publishers | jq -r '.[] | "\(.URL):\(.PublishedPort)->\(.TargetPort)/\(.Protocol)"' | xargs) == '0.0.0.0:8080->80/tcp :0->443/tcp :0->53/udp' ]]
	mstack ps | grep -F '0.0.0.0:8080->80/tcp, 443/tcp, 53/udp'
	mstack down
}
