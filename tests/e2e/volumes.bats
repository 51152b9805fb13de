#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Volumes: what fills them, what becomes of them, where they may come from, and what must never happen with them. The images
# are made here, of the host's static busybox and a few files.

load lib/common

VOLUMES=/var/lib/mstack/volumes

# A folder `root` with busybox in it, and the layer base.tar made of it.
base_layer() {
	local name
	mkdir -p root/{bin,etc,tmp}
	cp "$(command -v busybox)" root/bin/
	for name in sh cat ls sleep echo id stat find touch rm mkdir sort true readlink dd; do ln -s busybox "root/bin/$name"; done
	echo 'root:x:0:0:root:/root:/bin/sh' >root/etc/passwd
	tar -C root --owner=0 --group=0 --numeric-owner -cf base.tar .
}

# layer NAME: the folder NAME becomes NAME.tar with the owners that its files have.
layer() { tar -C "$1" --numeric-owner --xattrs --sparse -cf "$1.tar" .; }

# An image oci:pg:v1 as that of a data base: a folder of user 999, a VOLUME over it, and what the layers make of that.
pg_image() {
	base_layer
	mkdir -p l1/var/lib/pg/{base,gone,kept} l1/run
	echo one >l1/var/lib/pg/base/file && echo x >l1/var/lib/pg/gone/x && echo x >l1/var/lib/pg/removed && echo old >l1/var/lib/pg/kept/old
	ln l1/var/lib/pg/base/file l1/var/lib/pg/hard
	ln -s ../../../../../etc/shadow l1/var/lib/pg/out && ln -s /etc/shadow l1/var/lib/pg/absolute
	truncate -s 3M l1/var/lib/pg/sparse && echo end >>l1/var/lib/pg/sparse
	mkfifo l1/var/lib/pg/fifo
	mkdir l1/opt && echo x >l1/opt/of-the-image
	# The volume is named by a link of the image.
	ln -s /var/lib/pg l1/run/pg
	chown -hR 999:998 l1/var/lib/pg && chmod 700 l1/var/lib/pg && chmod 1770 l1/var/lib/pg/base
	chown 1000 l1/var/lib/pg/base/file && chmod 4711 l1/var/lib/pg/base/file
	touch -d 2001-02-03T04:05:06Z l1/var/lib/pg/base/file
	layer l1
	mkdir -p l2/var/lib/pg/kept && touch l2/var/lib/pg/.wh.removed l2/var/lib/pg/.wh.gone l2/var/lib/pg/kept/.wh..wh..opq
	echo new >l2/var/lib/pg/kept/new
	chown -R 999:998 l2/var/lib/pg && chmod 700 l2/var/lib/pg
	layer l2
	ocilayout pg v1 '{"Cmd": ["sleep", "1000"], "Volumes": {"/run/pg": {}}}' base.tar l1.tar l2.tar
}

entries() { find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs; }
names() { mstack volume ls -q; }
# What was put aside goes in the background, after the command has been answered.
swept() { [[ ! -e $VOLUMES/../gone ]]; }
# The one volume that there is.
only_data() { printf '%s' "$VOLUMES"/*/_data; }
tree_of() { (cd "$1" && find . -printf '%p %y %m %U:%G %n %l\n' | sort); }

@test "volumes: VOLUME of an image is an anonymous one, with the content that its layers make" {
	pg_image
	stack <<-'END'
		services:
		  db: {image: "oci:pg:v1", stop_grace_period: 0s}
	END
	mstack up -d
	tree_of "$(only_data)" | tee seen
	diff - seen <<-'END'
		. d 700 999:998 4 
		./absolute l 777 999:998 1 /etc/shadow
		./base d 1770 999:998 2 
		./base/file f 4711 1000:998 2 
		./fifo p 644 999:998 1 
		./hard f 4711 1000:998 2 
		./kept d 755 999:998 2 
		./kept/new f 644 999:998 1 
		./out l 777 999:998 1 ../../../../../etc/shadow
		./sparse f 644 999:998 1 
	END
	[[ $(only_data)/base/file -ef $(only_data)/hard ]]
	[[ $(stat -c %Y "$(only_data)/base/file") == 981173106 ]]
	(($(stat -c %b "$(only_data)/sparse") * 512 < 1000000)) && [[ $(tail -n 1 "$(only_data)/sparse" | tr -d '\0') == end ]]
	# The same owners inside, under the name that the image gave to it.
	[[ $(mstack exec -T db stat -c %u:%g /var/lib/pg /var/lib/pg/base/file | xargs) == '999:998 1000:998' ]]
	[[ $(mstack volume ls --format json | jq -r '[.Labels, .InUse] | join(" ")') == 'com.docker.compose.project=t,com.docker.volume.anonymous= true' ]]
	mstack exec -T db sh -c 'echo mine >/var/lib/pg/mine'
	# Kept over the end of the stack, until it is asked to go.
	mstack down && mstack up -d
	[[ $(mstack exec -T db cat /var/lib/pg/mine) == mine ]]
	mstack down && mstack up -d -V
	mstack exec -T db sh -c '! test -e /var/lib/pg/mine && test -e /var/lib/pg/kept/new'
	mstack down -v
	[[ -z $(names) ]]
}

# `db` has what its image says, `two` shares it, `own` has one of its own.
three_anonymous() {
	pg_image
	stack <<-'END'
		services:
		  db: {image: "oci:pg:v1", stop_grace_period: 0s, volumes: ["named:/named"]}
		  own: {image: busybox, stop_grace_period: 0s, command: [sleep, "1000"], volumes: [/own]}
		  two: {image: busybox, stop_grace_period: 0s, command: [sleep, "1000"], volumes_from: [db]}
		volumes: {named: }
	END
	mstack up -d
	mstack exec -T db sh -c 'echo mine | tee /run/pg/mine /named/mine'
	mstack exec -T own sh -c 'echo mine >/own/mine'
}
is_renewed() { mstack exec -T "$1" sh -c '! test -e /run/pg/mine && test -e /run/pg/kept/new'; }

@test "volumes: up -V on a stack that runs: anonymous ones of what is made anew begin with what the image has" {
	three_anonymous
	expect_exit 0 mstack up -d -V
	says 'db-1 goes on with its anonymous volumes' 'own-1 goes on with its anonymous volumes'
	mstack exec -T own sh -c "test -e /own/mine"
	# What stays as it is still uses that of db.
	expect_exit 0 mstack up -d -V --no-deps --force-recreate db
	mstack exec -T db sh -c "test -e /run/pg/mine"
	expect_exit 0 mstack up -d -V --force-recreate db two
	is_renewed db
	is_renewed two
	mstack exec -T db sh -c "test -e /named/mine"
	mstack exec -T own sh -c "test -e /own/mine"
	mstack exec -T two sh -c 'echo again >/run/pg/again'
	mstack exec -T db sh -c "test -e /run/pg/again"
	sed -i 's/volumes: \[\/own\]/&, environment: {A: b}, user: "7"/' stack.yaml
	expect_exit 0 mstack up -d -V
	mstack exec -T own sh -c '! test -e /own/mine'
	mstack exec -T db sh -c "test -e /run/pg/again"
	expect_exit 0 mstack down -v
	[[ -z $(names) ]]
	wait_until swept
}

@test "volumes: rm -v takes anonymous ones along that nobody else uses, create makes them again" {
	three_anonymous
	[[ $(names | wc -l) == 3 ]]
	expect_exit 0 mstack rm -f -s -v db own
	[[ $(names | wc -l) == 2 && -e $VOLUMES/t_named ]]
	mstack exec -T two sh -c "test -e /run/pg/mine"
	expect_exit 0 mstack rm -f -s two
	expect_exit 0 mstack create
	expect_exit 0 mstack start
	mstack exec -T db sh -c "test -e /run/pg/mine"
	mstack exec -T own sh -c '! test -e /own/mine && echo mine >/own/mine'
	expect_exit 0 mstack rm -f -s -v
	[[ $(names) == t_named ]]
	wait_until swept
	# The file is applied to what was removed as well.
	expect_exit 0 mstack up -d
	is_renewed db
	is_renewed two
	mstack exec -T db sh -c "test -e /named/mine"
	expect_exit 0 mstack down
}

@test "volumes: named ones are filled once, not with nocopy, not when something is in them" {
	pg_image
	stack <<-'END'
		services:
		  a:
		    image: oci:pg:v1
		    stop_grace_period: 0s
		    volumes: ["full:/var/lib/pg", "bare:/v:nocopy", {type: volume, source: skip, target: /run/pg, volume: {nocopy: true}}, "theirs:/opt", "none:/no/such/folder"]
		volumes: {full: , bare: , skip: , theirs: , none: }
	END
	mkdir -p $VOLUMES/t_theirs/_data && echo x >$VOLUMES/t_theirs/_data/x
	mstack up -d
	[[ -e $VOLUMES/t_full/_data/kept/new && $(stat -c '%u %a' $VOLUMES/t_full/_data) == '999 700' ]]
	[[ -z $(ls -A $VOLUMES/t_skip/_data) && $(stat -c '%u %a' $VOLUMES/t_skip/_data) == '0 755' ]]
	[[ $(ls -A $VOLUMES/t_theirs/_data) == x ]]
	[[ $(stat -c '%u %a' $VOLUMES/t_none/_data) == '0 755' ]]
	rm $VOLUMES/t_full/_data/kept/new
	mstack down && mstack up -d
	[[ ! -e $VOLUMES/t_full/_data/kept/new ]]
	[[ $(mstack volumes -q | sort | xargs) == 't_bare t_full t_none t_skip t_theirs' ]]
	mstack down
	# Whoever made what stands there already, it is on the list of the stack.
	mstack down -v
	[[ -z $(names) ]]
}

@test "volumes: who begins first fills what two services share" {
	base_layer
	for name in a b; do
		mkdir -p "$name/html" && echo "$name" >"$name/html/index" && layer "$name"
		ocilayout "$name-image" v1 '{"Cmd": ["sleep", "1000"]}' base.tar "$name.tar"
	done
	stack <<-'END'
		services:
		  a: {image: "oci:a-image:v1", volumes: ["html:/html"], depends_on: [b], stop_grace_period: 0s}
		  b: {image: "oci:b-image:v1", volumes: ["html:/html"], stop_grace_period: 0s}
		volumes: {html: }
	END
	mstack up -d
	[[ $(mstack exec -T a cat /html/index) == b ]]
	mstack down -v
}

@test "volumes: an external one is shared by two stacks, and neither can remove it" {
	pg_image
	stack one <<-'END'
		services:
		  a: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["shared:/s"]}
		volumes: {shared: {external: true}}
	END
	up_fails 125 "service 'a': volume 'shared': not there; make it with \`mstack volume create shared\`"
	[[ $(mstack volume create shared) == shared && $(mstack volume create shared) == shared ]]
	mstack up -d
	expect_exit 1 mstack volume rm shared
	says "volume 'shared': a running stack uses it"
	mstack volume prune -af
	mkdir two && cd two && ln -s ../pg pg
	stack two <<-'END'
		services:
		  a: {image: "oci:pg:v1", volumes: ["shared:/var/lib/pg"], stop_grace_period: 0s}
		volumes: {shared: {external: true}}
	END
	mstack up -d
	# It was empty, though in use: the second stack fills it, and the first sees that.
	[[ $(mstack exec -p one -T a cat /s/kept/new) == new ]]
	mstack exec -p one -T a sh -c 'echo hello >/s/word'
	[[ $(mstack exec -T a cat /var/lib/pg/word) == hello ]]
	mstack volumes -q | grep -x shared
	mstack down -v
	cd .. && mstack down -v
	[[ $(names | grep -c shared) == 1 ]]
	mstack volume rm shared
	[[ $(names) != *shared* ]]
	mstack volume prune -f >/dev/null
	[[ -z $(names) ]]
}

@test "volumes: down -v leaves what another stack is using, and says so" {
	stack one <<-'END'
		services:
		  a: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["data:/d"]}
		volumes: {data: }
	END
	mstack up -d
	mkdir two && cd two
	stack two <<-'END'
		services:
		  a: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["data:/d"]}
		volumes: {data: {external: true, name: one_data}}
	END
	mstack up -d
	cd ..
	expect_exit 0 mstack down -v
	says 'volume one_data stays: another stack that runs uses it'
	# All that is written of it stands in the list.
	[[ $(</var/lib/mstack/projects/one/volumes) == one_data ]]
	[[ -z $(find /var/lib/mstack/projects/one -name 'volumes.*') ]]
	(cd two && mstack down -v)
	[[ $(names) == one_data ]]
	mstack down -v
	[[ -z $(names) ]]
}

@test "volumes: up beside a down -v finds all of them new, or all of them as they were" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["one:/one", "two:/two", "three:/three"]}
		volumes: {one: , two: , three: }
	END
	local i first seen
	for i in 1 2 3 4; do
		echo "try $i"
		mstack up -d
		inside a sh -c 'for v in one two three; do for i in $(seq 300); do mkdir -p /$v/$i; echo x >/$v/$i/f; done; done; touch /one/old /two/old /three/old'
		mstack down -v 2>down.err &
		first=$!
		# It may come first: then it finds all as it is, or its change ends with the rest.
		mstack up -d 2>up.err || grep 'is being stopped\|has ended meanwhile' up.err
		wait "$first"
		cat down.err
		mstack up -d
		seen=$(inside a sh -c 'ls -d /one/old /two/old /three/old 2>/dev/null | wc -l')
		[[ $seen == 0 || $seen == 3 ]]
		mstack down -v
		[[ -z $(names) ]]
	done
}

# Ends all of mstack that runs; true when there is nothing left of it.
end_all() {
	kill_mstack || :
	[[ -z $(other_mstack) ]]
}

copying() { [[ -e $VOLUMES/t_data/.mstack-filling || -e $VOLUMES/t_data/.mstack-filled ]]; }

# The moment does not matter: what is there is empty or whole.
@test "volumes: kill -9 during a copy leaves no half-filled volume" {
	base_layer
	mkdir -p big/data && (cd big/data && for i in {1..400}; do head -c 200000 /dev/zero >"f$i"; done) && layer big
	ocilayout big-image v1 '{"Cmd": ["sleep", "1000"]}' base.tar big.tar
	stack <<-'END'
		services:
		  a: {image: "oci:big-image:v1", volumes: ["data:/data"], stop_grace_period: 0s}
		volumes: {data: }
	END
	mstack image import oci:big-image:v1 big
	local half=0 up n end=$((SECONDS + 60))
	# Where others work, it is over more often than not before we are there to stop it.
	while ((SECONDS < end)); do
		mstack up >up.out 2>&1 &
		up=$!
		until copying || gone "$up"; do :; done
		# The shell does that one by itself, without starting anything.
		kill -9 "$up" || :
		wait_until end_all
		wait "$up" || :
		copying && half=$((half + 1))
		n=$(find $VOLUMES/t_data/_data -type f | wc -l)
		[[ -e $VOLUMES/t_data/.mstack-filled || $n == 0 || $n == 400 ]]
		mstack down
		((half > 1)) && break
		mstack volume rm -f t_data >/dev/null
	done
	echo "stopped in the middle $half times"
	((half > 0))
	mstack up -d
	[[ $(find $VOLUMES/t_data/_data -type f | wc -l) == 400 && $(entries $VOLUMES/t_data) == '_data about' ]]
	mstack down -v
}

@test "volumes: what was left of a copy is finished or begun anew, whatever uses the volume next" {
	pg_image
	mkdir -p $VOLUMES/t_data/_data/kept $VOLUMES/t_data/.mstack-filled/{kept,rest} $VOLUMES/t_data/.mstack-filling/tree/rubbish
	echo mine >$VOLUMES/t_data/_data/kept/mine && chown 5:6 $VOLUMES/t_data/.mstack-filled && chmod 750 $VOLUMES/t_data/.mstack-filled
	stack <<-'END'
		services:
		  a: {image: "oci:pg:v1", volumes: ["data:/var/lib/pg:nocopy"], stop_grace_period: 0s}
		volumes: {data: }
	END
	mstack up -d
	[[ $(ls -A $VOLUMES/t_data) == _data && $(entries $VOLUMES/t_data/_data) == 'kept rest' ]]
	[[ $(stat -c '%u:%g %a' $VOLUMES/t_data/_data) == '5:6 750' && $(ls $VOLUMES/t_data/_data/kept) == mine ]]
	mstack down -v
}

@test "volumes: a hostile image fills its volume with nothing but itself" {
	base_layer
	mkdir -p bad/data/deep bad/etc && echo secret >outside
	local long deep=bad/data/deep i
	long=$(printf 'n%.0s' {1..255})
	echo x >"bad/data/$long"
	for i in {1..60}; do deep=$deep/$(printf 'd%.0s' {1..20}) && mkdir "$deep"; done && echo bottom >"$deep/file"
	ln -s "$PWD" bad/data/to-the-host && ln -s /proc/self/root bad/data/magic && ln -s loop bad/data/loop
	mknod bad/data/null c 1 3 && mknod bad/data/disk b 7 0
	mkdir bad/data/.mstack-filled && echo x >bad/data/.mstack-filled/x
	# Where volumes are asked for leads out of the image.
	ln -s ../../../../../../.. bad/up && ln -s "$PWD/outside-folder" bad/host && mkdir outside-folder && echo x >outside-folder/x
	stack <<-'END'
		services:
		  a:
		    image: ./both
		    command: sleep 1000
		    stop_grace_period: 0s
		    volumes: ["data:/data", "up:/up/data"]
		volumes: {data: , up: }
	END
	cp -a root both && cp -a bad/. both/
	expect_exit 0 mstack up -d
	[[ -e $VOLUMES/t_data/_data/$long && -L $VOLUMES/t_data/_data/to-the-host && ! -e $VOLUMES/t_data/_data/null && ! -e $VOLUMES/t_data/_data/disk ]]
	[[ $(find $VOLUMES/t_data/_data/deep -name file | wc -l) == 1 && -e $VOLUMES/t_data/_data/.mstack-filled/x && -L $VOLUMES/t_up/_data/magic ]]
	mstack down -v
	# What these lead to is not there in the image: there is nothing to copy, and the place to mount at is made in the root.
	for target in /host /data/to-the-host /data/magic/etc; do
		sed -i "s|volumes: \[\"data:.*|volumes: [\"data:$target\"]|" stack.yaml
		if [[ $target == *magic* ]]; then
			expect_exit 125 mstack up -d
			says "mount volumes: refused to mount on '$target', which is '/proc/self/root/etc'"
		else
			expect_exit 0 mstack up -d
			grep " $PWD" "/proc/$(field a Pid)/mounts"
			mstack down
		fi
		[[ -z $(entries $VOLUMES/t_data/_data) ]]
	done
	[[ $(ls outside-folder) == x && $(cat outside) == secret && ! -e $PWD/etc ]]
	mstack down -v
	sed -i "s|volumes: \[\"data:.*|volumes: [\"data:/data\"]|" stack.yaml
	# Deeper than anybody copies: said, and nothing is left of the try.
	for i in {1..200}; do deep=$deep/d; mkdir "both/${deep#bad/}"; done
	expect_exit 125 mstack up -d
	says "volume 't_data': copy from the image" 'more than 200 folders in one another'
	[[ -z $(ls -A $VOLUMES/t_data/_data) && $(entries $VOLUMES/t_data) == '_data about' ]]
	mstack down -v
}

@test "volumes: subpath is below the volume, whatever its links say" {
	mkdir -p $VOLUMES/t_data/_data/a/b && echo deep >$VOLUMES/t_data/_data/a/b/file
	ln -s b $VOLUMES/t_data/_data/a/inside && ln -s /etc $VOLUMES/t_data/_data/absolute && ln -s ../../../.. $VOLUMES/t_data/_data/up
	subpath() {
		stack_one <<-END
			command: sleep 1000
			stop_grace_period: 0s
			volumes: [{type: volume, source: data, target: /v, volume: {subpath: "$1"}}]
		END
		echo 'volumes: {data: }' >>stack.yaml
	}
	subpath a/inside && mstack up -d && [[ $(mstack exec -T a cat /v/file) == deep ]] && mstack down
	subpath a/b/file && mstack up -d && [[ $(mstack exec -T a cat /v) == deep ]] && mstack down
	subpath missing/x && up_fails 125 "subpath 'missing/x' of '$VOLUMES/t_data/_data': it is not there: make it first"
	for bad in absolute up up/etc absolute/passwd; do
		subpath "$bad" && up_fails 125 "subpath '$bad'" 'a link in it leads out of there'
	done
	mstack down -v
}

@test "volumes: binds: a missing source is made, or said when it must be there" {
	stack_one <<-'END'
		command: sleep 1000
		stop_grace_period: 0s
		volumes: ["./made/here:/m", {type: bind, source: ./missing, target: /x, bind: {create_host_path: false}}]
	END
	up_fails 125 "bind of '$PWD/missing': it is not there: make it, or write \`create_host_path: true\`"
	[[ ! -e missing ]]
	mkdir missing && mstack up -d && [[ -d made/here ]] && mstack down
	: >file
	stack_one <<<'volumes: ["./file/below:/x"]'
	up_fails 125 "bind of '$PWD/file/below': not a directory"
}

@test "volumes: propagation: what is mounted on the host later is seen with slave and shared only" {
	mkdir src && mount --bind src src && mount --make-shared src && mkdir src/later plain
	stack <<-'END'
		services:
		  none: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["./src:/s"]}
		  slave: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["./src:/s:rslave"]}
		  shared: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["./src:/s:rshared"], "userns_mode": host, cap_add: [SYS_ADMIN], security_opt: ["seccomp=unconfined"]}
	END
	mstack up -d
	mount -t tmpfs later src/later && touch src/later/there
	[[ -z $(mstack exec -T none ls /s/later) ]]
	[[ $(mstack exec -T slave ls /s/later) == there && $(mstack exec -T shared ls /s/later) == there ]]
	# The other way round only with shared.
	mstack exec -T shared mkdir /s/own && mstack exec -T shared mount -t tmpfs own /s/own && mstack exec -T shared touch /s/own/mine
	[[ $(ls src/own) == mine && $(mstack exec -T slave ls /s/own) == mine ]]
	umount src/own src/later
	mstack down
	umount src
	stack_one <<-'END'
		command: sleep 1000
		volumes: ["./plain:/s:rslave"]
	END
	up_fails 125 "bind of '$PWD/plain' with propagation 'slave': the mount" 'is not shared' 'mount --make-shared'
	stack_one <<<'volumes: ["./plain:/s:shared"]'
	up_fails 3 "propagation 'shared': mounts of a container with ids of its own cannot reach the host" 'userns_mode: host'
}

@test "volumes: driver_opts: a folder of the host, a tmpfs that services share, and what cannot be" {
	mkdir here && chown 1234 here
	stack <<-'END'
		services:
		  a: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["here:/h", "mem:/m"]}
		  b: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["mem:/m:ro"]}
		volumes:
		  here: {driver: local, driver_opts: {type: none, o: bind, device: ./here}}
		  mem: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=1m,uid=77,mode=0711,noexec"}}
	END
	mstack up -d
	mstack exec -T a sh -c 'echo x >/h/x; echo y >/m/y'
	[[ $(cat here/x) == x && $(mstack exec -T b cat /m/y) == y ]]
	[[ $(mstack exec -T a stat -c '%u %a' /m | xargs) == '77 711' && $(mstack exec -T a stat -c %u /h) == 1234 ]]
	mstack exec -T a grep ' /m tmpfs' /proc/mounts | grep noexec | grep nodev | grep size=1024k
	expect_exit 1 mstack exec -T b touch /m/z
	# Nobody on the host sees that file system, and none of it is left.
	[[ $(</proc/self/mountinfo) != *size=1024k* ]]
	mstack down -v
	[[ $(cat here/x) == x ]]
	bad() {
		stack_one <<<'volumes: ["v:/v"]'
		echo "volumes: {v: {driver_opts: {$1}}}" >>stack.yaml
	}
	bad 'type: nosuchfs, device: x' && up_fails 125 "stack.yaml:6: mount volumes: volume 't_v': this kernel has no file system of the type 'nosuchfs'"
	bad 'type: tmpfs, device: tmpfs, o: "size=1m,nonsense=5"' && up_fails 125 "volume 't_v': options for 'tmpfs' of type 'tmpfs'" 'the kernel says: tmpfs: Unknown parameter' nonsense
	bad 'type: none, o: bind, device: ./absent' && up_fails 125 "volume 't_v': '$PWD/absent' is not there: its 'device' must be a folder of the host"
	bad 'type: none, o: bind, device: /var/lib/mstack' && up_fails 125 "mstack's own folder"
	bad 'type: ramfs, device: x' && up_fails 125 "'t_v': its file system (ramfs) cannot be shown with the ids of a container" 'userns_mode: host'
	bad 'type: proc, device: proc' && up_fails 3 "'proc' (the kernel's own files): not supported yet"
}

@test "volumes: driver_opts: what the image has goes into them too" {
	pg_image
	mkdir here
	stack <<-'END'
		services:
		  a: {image: "oci:pg:v1", stop_grace_period: 0s, volumes: ["here:/var/lib/pg"]}
		  b: {image: "oci:pg:v1", stop_grace_period: 0s, volumes: ["mem:/var/lib/pg"]}
		volumes:
		  here: {driver_opts: {type: none, o: bind, device: ./here}}
		  mem: {driver_opts: {type: tmpfs, device: tmpfs}}
	END
	mstack up -d
	[[ $(cat here/kept/new) == new && $(stat -c %u here) == 999 && -z $(find here -name '.mstack*') ]]
	[[ $(mstack exec -T b cat /var/lib/pg/kept/new) == new && $(mstack exec -T b stat -c %u:%a /var/lib/pg) == 999:700 ]]
	mstack down
}

@test "volumes: volumes_from, of a service and of what that one takes from another" {
	pg_image
	mkdir bound && echo x >bound/x
	stack <<-'END'
		services:
		  db: {image: "oci:pg:v1", stop_grace_period: 0s, volumes: ["./bound:/bound"]}
		  mid: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes_from: ["db:ro"], volumes: ["own:/own"]}
		  last: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes_from: [mid], tmpfs: /bound}
		volumes: {own: }
	END
	mstack up -d
	[[ $(mstack exec -T mid cat /run/pg/kept/new) == new && $(mstack exec -T mid cat /bound/x) == x ]]
	expect_exit 1 mstack exec -T mid touch /run/pg/y
	mstack exec -T last touch /own/y
	expect_exit 1 mstack exec -T last touch /run/pg/y
	[[ -z $(mstack exec -T last ls /bound) ]]
	mstack down -v
}

@test "volumes: an image is mounted read-only, all of it or a part" {
	pg_image
	stack <<-'END'
		services:
		  a:
		    image: busybox
		    command: sleep 1000
		    stop_grace_period: 0s
		    volumes:
		      - {type: image, source: "oci:pg:v1", target: /all}
		      - {type: image, source: "oci:pg:v1", target: /part, image: {subpath: run/pg}}
		      - {type: image, source: busybox, target: /one}
	END
	mstack up -d
	[[ $(mstack exec -T a cat /all/var/lib/pg/kept/new /part/kept/new | xargs) == 'new new' ]]
	mstack exec -T a sh -c '! test -e /all/var/lib/pg/gone && ! test -e /part/removed && test -x /one/bin/sh'
	[[ $(mstack exec -T a stat -c %u:%g /part) == 999:998 ]]
	expect_exit 1 mstack exec -T a touch /all/x
	expect_exit 1 mstack image rm -f nobody
	mstack down
	stack_one <<<'volumes: [{type: image, source: "oci:pg:v1", target: /x, image: {subpath: no/such}}]'
	up_fails 125 "subpath 'no/such' of 'oci:pg:v1': it is not there"
	stack_one <<<'volumes: [{type: image, source: /, target: /x}]'
	up_fails 125 "image '/': is this host itself"
	stack_one <<<$'pull_policy: never\nvolumes: [{type: image, source: absent, target: /x}]'
	up_fails 125 "image 'absent': not here"
	# Without that it is asked for at a registry, as the image of a service is: nobody listens at this one.
	stack_one <<<'volumes: [{type: image, source: "localhost:1/absent", target: /x}]'
	up_fails 125 'localhost:1/absent'
}

# The image decides where a target leads to; the kernel's own folders and standard devices it never is.
@test "volumes: no kind of mount reaches /proc, /sys or /dev by a link of the image" {
	base_layer
	ln -s /proc root/p && ln -s ../sys root/s && ln -s /dev root/d && mkdir here
	local target mount
	for target in /p /s/kernel /d /d/null /p/self/fd; do
		for mount in '{type: volume, source: v, target: "@"}' '{type: volume, target: "@"}' '{type: bind, source: ./here, target: "@"}' \
			'{type: tmpfs, target: "@"}' '{type: image, source: busybox, target: "@"}' '{type: volume, source: mem, target: "@"}'; do
			stack <<-END
				services:
				  a: {image: ./root, command: sleep 1000, volumes: [${mount//@/$target}]}
				volumes: {v: , mem: {driver_opts: {type: tmpfs, device: tmpfs}}}
			END
			expect_exit 125 mstack up -d
			says "refused to mount on '$target'" || says "'$target' leads out" || says 'file'
		done
	done
	mstack down -v
}

@test "volumes: volume and volumes list, inspect and prune" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["data:/d", /anon]}
		  b: {image: busybox, command: sleep 1000, stop_grace_period: 0s, volumes: ["data:/d"]}
		volumes: {data: }
	END
	mstack up -d
	other=$(mstack volume create) && [[ ${#other} == 64 ]]
	mstack volume create keep
	[[ $(mstack volumes | head -n 1) =~ ^DRIVER\ +VOLUME\ NAME ]]
	[[ $(mstack volumes -q | wc -l) == 2 && $(mstack volumes -q b) == t_data && $(mstack volumes -q -p t | wc -l) == 2 ]]
	[[ $(mstack volumes --format json a | jq -r .Name | grep -c '^t_a-1_') == 1 ]]
	expect_exit 2 mstack volumes nobody && says "no such service: 'nobody'"
	[[ $(mstack volume inspect t_data | jq -r '.[0] | [.Name, .Driver, .Mountpoint, .InUse] | join(" ")') == "t_data local $VOLUMES/t_data/_data true" ]]
	expect_exit 1 mstack volume inspect nothing
	expect_exit 1 mstack volume rm nothing && mstack volume rm -f nothing
	expect_exit 2 mstack volume inspct && says "did you mean 'inspect'"
	expect_exit 1 mstack volume prune </dev/null && says 'nothing was removed'
	[[ $(mstack volume prune -f) == "$other" ]]
	mstack down
	[[ $(mstack volume prune -f | grep -c '^t_a-1_') == 1 && $(names | xargs) == 'keep t_data' ]]
	mstack volume prune -af
	[[ -z $(names) ]]
}
