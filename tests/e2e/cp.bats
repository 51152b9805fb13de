# SPDX-License-Identifier: GPL-2.0-or-later
#
# cp: both ways, the rules of docker's manual for sources and targets, owners and modes, and containers that mean harm.

load lib/common

# Service `a` sleeps; further keys of it from standard input.
sleeper() {
	{
		echo 'command: [sleep, "1000"]'
		cat
	} | stack_one
	mstack up -d
}

in_a() { mstack exec -T a "$@"; }
# What is in a folder: type, mode, owner, size or target, path.
tree() { (cd "$1" && find . -printf '%y %m %U:%G %s %l %p\n' | sed -E '/^d/s/^(d [^ ]+ [^ ]+) [0-9]+/\1 -/' | sort -k 6); }

@test "cp: files: a new name, over a file, into a folder; no folder is made up" {
	sleeper </dev/null
	echo one >one
	expect_exit 0 mstack cp one a:/tmp/two
	says 'a-1 copied one to a:/tmp/two'
	[[ $(in_a cat /tmp/two) == one ]]
	mstack cp one a:/tmp
	[[ $(in_a cat /tmp/one) == one ]]
	echo three >three
	mstack cp ./three a:tmp/one
	[[ $(in_a cat /tmp/one) == three ]]
	in_a sh -c 'echo inside >/tmp/x; chmod 640 /tmp/x; touch -d "2001-02-03 04:05:06" /tmp/x'
	mkdir out
	mstack cp a:/tmp/x .
	mstack cp a:/tmp/x out
	mstack cp a:/tmp/x out/y
	mstack cp a:/tmp/x three
	[[ $(cat x out/x out/y three | sort -u) == inside ]]
	[[ $(stat -c '%a %u:%g %Y' out/y) == "640 0:0 $(date -d '2001-02-03 04:05:06' +%s)" ]]
	expect_exit 1 mstack cp one a:/tmp/none/
	says 'no such folder'
	expect_exit 1 mstack cp one a:/none/two
	says '/none' 'no such file'
	expect_exit 1 mstack cp a:/tmp/x none/
	expect_exit 1 mstack cp a:/tmp/none .
	says "'a:/tmp/none'" 'no such file'
	expect_exit 1 mstack cp none a:/tmp
	expect_exit 1 mstack cp one/ a:/tmp
	says 'is no folder'
	[[ ! -e none ]]
	# A colon in a name of the host.
	echo c >'b:c'
	mstack cp ./b:c a:/tmp/colon
	[[ $(in_a cat /tmp/colon) == c ]]
	mstack down
}

@test "cp: folders: into one that is there, as a new one, and only their content" {
	sleeper </dev/null
	mkdir -p d/sub
	echo 1 >d/f
	echo 2 >d/sub/g
	mstack cp d a:/tmp
	mstack cp d a:/tmp/new
	in_a mkdir /tmp/there
	mstack cp d/. a:/tmp/there
	[[ $(in_a sh -c 'cd /tmp; find d new there -type f | sort') == $'d/f\nd/sub/g\nnew/f\nnew/sub/g\nthere/f\nthere/sub/g' ]]
	mkdir out
	mstack cp a:/tmp/new out
	mstack cp a:/tmp/new back
	mstack cp a:/tmp/new/. out
	[[ $(find out back -type f | sort) == $'back/f\nback/sub/g\nout/f\nout/new/f\nout/new/sub/g\nout/sub/g' ]]
	# What is there stays, folders are filled.
	echo keep >back/keep
	mstack cp a:/tmp/new/. back
	[[ -e back/keep && -e back/sub/g ]]
	echo file >plain
	expect_exit 1 mstack cp a:/tmp/new plain
	says 'is there and is none'
	mkdir -p clash/f
	expect_exit 1 mstack cp a:/tmp/new/. clash
	says "'f'" 'is a folder'
	[[ -d clash/f && $(cat plain) == file ]]
	mstack down
}

@test "cp: tars on standard input and output" {
	sleeper </dev/null
	mkdir -p d/sub
	echo 1 >d/f
	echo 2 >d/sub/g
	mstack cp d a:/tmp
	mstack cp a:/tmp/d - | tar tf - | sort >list
	[[ $(<list) == $'d/\nd/f\nd/sub/\nd/sub/g' ]]
	[[ $(mstack cp a:/tmp/d/. - | tar xOf - ./sub/g) == 2 ]]
	[[ $(mstack cp a:/tmp/d/f - | tar xOf - f) == 1 ]]
	tar -C d -czf - . | mstack cp - a:/home
	[[ $(in_a cat /home/sub/g) == 2 ]]
	expect_exit 1 mstack cp - a:/home/f <list
	says 'no such folder to unpack into'
	expect_exit 1 mstack cp - a:/home </dev/null
	says empty
	head -c 5000 /dev/urandom >rubbish
	expect_exit 1 mstack cp - a:/home <rubbish
	tar -C / -cPf evil.tar --transform='s,^,../../up/,' etc/hostname
	expect_exit 1 mstack cp - a:/home <evil.tar
	says "'..'" 'lead outside'
	# Somebody who does not want to read it all.
	mstack cp a:/bin - 2>err | head -c 1000 >/dev/null
	mstack down
}

@test "cp: owners are the container's, -a keeps them; modes, times, links, holes, names" {
	sleeper </dev/null
	mkdir d
	echo x >d/f
	ln d/f d/same
	ln -s /nowhere/at/all d/link
	truncate -s 50M d/hole
	echo end >>d/hole
	echo odd >"d/$(printf 'a\n\033[2Jb\377')"
	mkfifo d/pipe
	chown 1000:2000 d/f
	chmod 4755 d/f
	chmod 2750 d
	touch -d '2001-02-03 04:05:06.789' d/f
	expect_exit 0 mstack cp d a:/tmp/plain
	says "'plain/f': would run as its owner"
	[[ $(in_a stat -c '%a %u:%g' /tmp/plain/f /tmp/plain) == $'755 0:0\n2750 0:0' ]]
	expect_exit 0 mstack cp -a d a:/tmp/kept
	[[ $(in_a stat -c '%a %u:%g %Y' /tmp/kept/f) == "4755 1000:2000 $(date -d '2001-02-03 04:05:06' +%s)" ]]
	[[ $(in_a stat -c %i /tmp/kept/f) == "$(in_a stat -c %i /tmp/kept/same)" ]]
	[[ $(in_a readlink /tmp/kept/link) == /nowhere/at/all ]]
	(($(in_a stat -c %b /tmp/kept/hole) < 1000))
	# On disk they belong to the stack's range.
	mstack cp -a a:/tmp/kept back
	chmod u-s d/f
	diff <(tree d) <(tree back)
	cmp d/hole back/hole
	(($(stat -c %b back/hole) < 1000))
	[[ $(stat -c %i back/f) == "$(stat -c %i back/same)" ]]
	[[ $(stat -c %y back/f) == *06.789* ]]
	mstack cp a:/tmp/kept mine
	[[ $(stat -c '%u:%g %a' mine/f) == '0:0 755' ]]
	mstack down
}

@test "cp: volumes, tmpfs, a read-only root, and what the kernel shows" {
	mkdir data
	stack_one <<-'END'
		command: [sleep, "1000"]
		read_only: true
		tmpfs: [/tmp]
		volumes: ["./data:/data", "named:/named", "./data:/ro:ro"]
	END
	printf 'volumes: {named: {}}\n' >>stack.yaml
	mstack up -d
	echo x >f
	chown 5:6 f
	mstack cp f a:/tmp/f
	mstack cp -a f a:/data/f
	mstack cp f a:/named/f
	[[ $(stat -c %u:%g data/f) == 5:6 ]]
	[[ $(in_a stat -c %u:%g /data/f /named/f) == $'5:6\n0:0' ]]
	expect_exit 1 mstack cp f a:/etc/f
	says 'read-only file system'
	expect_exit 1 mstack cp f a:/ro/g
	says 'read-only file system'
	mstack cp a:/named - | tar tf - | grep -qx named/f
	mstack cp a:/tmp/f from-tmpfs
	[[ $(<from-tmpfs) == x ]]
	expect_exit 1 mstack cp a:/proc out
	says "kernel's own state"
	expect_exit 1 mstack cp a:/dev/null out
	says 'device'
	expect_exit 0 mstack cp a:/ whole
	says "'whole/proc'" "'whole/sys'" "kernel's own state"
	[[ -x whole/bin/busybox && -z $(ls whole/proc) && -e whole/data/f ]]
	mstack down
}

@test "cp: no link of a container leads out of it (CVE-2018-15664)" {
	sleeper </dev/null
	mkdir -p outside
	echo secret >outside/secret
	local out=$PWD/outside
	in_a sh -c "ln -s $out /abs; ln -s ../../../../../../..$out /rel; ln -s $out/secret /file; ln -s /proc/self/root/etc /magic; ln -s loop /loop"
	echo x >x
	expect_exit 1 mstack cp x a:/abs/new
	expect_exit 1 mstack cp x a:/rel/new
	# A link at the end is followed inside.
	expect_exit 1 mstack cp x a:/file
	expect_exit 1 mstack cp x a:/loop
	says 'symbolic links'
	expect_exit 1 mstack cp a:/abs/secret got
	expect_exit 1 mstack cp -L a:/file got
	expect_exit 1 mstack cp a:/magic/hostname got
	in_a mkdir -p "$out"
	mstack cp x a:/abs/new
	in_a test -e "$out/new"
	[[ $(ls outside) == secret ]]
	# The link itself is what is copied, and written by name only.
	mstack cp a:/file got
	[[ -L got && $(readlink got) == "$out/secret" ]]
	mkdir d
	echo y >d/abs
	expect_exit 0 mstack cp d/. a:/
	[[ $(in_a cat /abs) == y && $(<outside/secret) == secret && $(ls outside) == secret ]]
	mkdir -p e/rel
	echo z >e/rel/new
	expect_exit 1 mstack cp e/. a:/
	says "'rel'" 'no folder'
	mstack down
}

@test "cp: a container that swaps folders for links meanwhile leads nobody astray" {
	# shellcheck disable=SC2016
	stack_one <<-END
		command: [sh, -c, "mkdir -p /w/d/sub $PWD/outside; while :; do mv /w/d/sub /w/d/was; ln -s $PWD/outside /w/d/sub; rm /w/d/sub; mv /w/d/was /w/d/sub; done"]
	END
	mkdir outside
	echo secret >outside/secret
	mstack up -d
	mkdir -p d/sub
	echo x >d/sub/f
	for _ in {1..30}; do
		mstack cp d/. a:/w/d || :
		mstack cp a:/w/d got || :
		mstack cp d/sub/f a:/w/d/sub/g || :
		# The link as a link, or the folder; never what the link means here.
		[[ -L got/sub || ! -e got/sub/secret ]]
		mstack cp d got || :
		mstack cp a:/w/d/. got || :
		rm -rf got
	done 2>/dev/null
	[[ $(ls outside) == secret ]]
	mstack down
}

# shellcheck disable=SC2016
@test "cp: what a container brings does nothing on the host" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		userns_mode: host
		cap_add: [MKNOD]
	END
	mstack up -d
	in_a sh -c 'mkdir /d; cp /bin/busybox /d/su; chmod 6755 /d/su; mknod /d/null c 1 3; ln -s /etc/passwd /d/link; echo x >"/d/$(printf "esc\033]0;t\007")"'
	mkdir got
	expect_exit 0 mstack cp -a a:/d/. got
	says "'su'" 'would run as' "'./null'" devices
	run grep $'\033' <<<"$output"
	[[ $status == 1 ]]
	[[ $(stat -c %a got/su) == 755 && ! -e got/null && -L got/link ]]
	# As a tar it is data, and complete.
	mstack cp a:/d/su - | tar tv | grep -q '^-rwsr-sr-x'
	mstack down
}

@test "cp: several containers, names that are wrong, what does not run" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: [sleep, "1000"], deploy: {replicas: 1}}
		  finished: {image: busybox, command: ["true"]}
	END
	echo x >x
	expect_exit 1 mstack cp x a:/x
	says 'not up'
	mstack up -d
	wait_until state_is finished exited
	expect_exit 1 mstack cp x finished:/x
	says 'not running'
	expect_exit 2 mstack cp x b:/x
	says "no such service: 'b'"
	expect_exit 1 mstack cp --index 2 x a:/x
	says '--index 2'
	expect_exit 2 mstack cp x y
	says 'SERVICE:PATH'
	expect_exit 2 mstack cp a:/x a:/y
	says 'from one service to another'
	expect_exit 2 mstack cp x
	expect_exit 2 mstack cp x a:
	# The stack file is the first of three words; of two none is.
	cp stack.yaml other.yaml
	mstack cp other.yaml a:/tmp
	in_a test -e /tmp/other.yaml
	mstack cp other.yaml x a:/tmp
	mstack -p t cp --index 1 x a:/tmp/y
	mstack pause a
	mstack cp x a:/tmp/z
	mstack unpause a
	in_a test -e /tmp/z
	mstack down
}

@test "cp: --all: into containers of run of the service too, and of no other service" {
	stack <<-'END'
		services:
		  a: {image: busybox, command: ["true"]}
		  a-run: {image: busybox, command: [sleep, "1000"], container_name: a-run-1}
	END
	echo x >x
	mstack up -d
	wait_until state_is a exited
	mstack run -d a sleep 1000
	expect_exit 0 mstack cp --all x a:/tmp/x
	[[ $(grep -c ' copied x to a:/tmp/x' <<<"$output") == 1 ]]
	not mstack exec -T a-run test -e /tmp/x
	mstack down
	stack_one <<<'command: [sleep, "1000"]'
	mstack up -d
	mstack run -d a sleep 1000
	expect_exit 0 mstack cp x a:/tmp/x
	[[ $(grep -c ' copied x to a:/tmp/x' <<<"$output") == 1 ]]
	expect_exit 0 mstack cp --all x a:/tmp/y
	[[ $(grep -c ' copied x to a:/tmp/y' <<<"$output") == 2 ]]
	in_a test -e /tmp/y
	expect_exit 2 mstack cp --all --index 1 x a:/tmp/x
	says '--index means one container only'
	tar c x >x.tar
	expect_exit 2 mstack cp --all - a:/tmp <x.tar
	says 'a tar on standard input is for one container only'
	mstack down
}

@test "cp: a full disk, and a copy that is killed: what is left is said, or whole" {
	stack_one <<-'END'
		command: [sleep, "1000"]
		tmpfs: ["/small:size=1m"]
	END
	mstack up -d
	mkdir d
	head -c 100000 /dev/urandom >d/first
	head -c 5000000 /dev/urandom >d/second
	mstack cp d/first a:/small/second
	expect_exit 1 mstack cp d/second a:/small
	says 'no space left' 'what was copied before, if anything, stays'
	# The old one stands as it was, and nothing beside it.
	[[ $(in_a ls -A /small) == second && $(in_a sh -c 'wc -c </small/second') == 100000 ]]
	mstack down
}
