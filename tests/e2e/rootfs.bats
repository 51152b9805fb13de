# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a container writes outside of volumes: the folder of its image itself, a layer on the disk or in memory, and how these
# end.

load lib/common

# A small image in the folder $1.
image_in() {
	mkdir -p "$1"/{bin,tmp}
	cp /bin/busybox "$1/bin/busybox"
	ln -s busybox "$1/bin/sh"
	busybox --list | grep -vx busybox | while read -r applet; do
		ln -sf busybox "$1/bin/$applet"
	done
}

@test "rootfs: writable writes into the folder itself, and owners stay what they are" {
	image_in lab
	echo old >lab/file
	chown 8:12 lab/file
	stack <<-'END'
		services:
		  a:
		    image: ./lab
		    x-rootfs: {writable: true}
		    command: [sh, -c, "stat -c %u:%g / /file; echo new >/made; echo more >>/file; mkdir -m 700 /d; chown 33:44 /d; exec sleep 1000"]
	END
	mstack up -d
	wait_until owned lab/d 33:44
	wait_until log_count a : 2
	[[ $(mstack logs --no-log-prefix a | grep : | head -n 2 | xargs) == '0:0 8:12' ]]
	[[ $(stat -c %u:%g lab/made) == 0:0 && $(stat -c %u:%g lab/file) == 8:12 ]]
	[[ $(<lab/made) == new && $(tail -n 1 lab/file) == more ]]
	# No device of the folder is of use, and nothing of the host is mounted there.
	mstack exec -T a grep -E '^[^ ]+ / .*nodev' /proc/mounts
	[[ -z $(find lab/proc lab/sys lab/dev -mindepth 1) ]]
	not grep -q /lab /proc/self/mountinfo
	mstack exec -T a sh -c 'echo by exec >/by-exec'
	[[ $(<lab/by-exec) == 'by exec' ]]
	# There is no layer that could take anything.
	[[ ! -e /var/lib/mstack/projects/t/slots ]]
	mstack down
	# All of it is the user's, and is there the next time.
	[[ -e lab/made && -e lab/d ]]
	stack <<<'services: {a: {image: ./lab, x-rootfs: {writable: true}, command: [cat, /made]}}'
	mstack up -d
	wait_until log_has a new
	mstack down
}
owned() { [[ $(stat -c %u:%g "$1") == "$2" ]]; }

@test "rootfs: without it the folder stays as it is" {
	image_in lab
	find lab | sort >before
	stack <<<'services: {a: {image: ./lab, command: [sh, -c, "echo x >/made; echo made; exec sleep 1000"]}}'
	mstack up -d
	wait_until log_has a made
	find lab | sort | cmp - before
	mstack down
	find lab | sort | cmp - before
}

@test "rootfs: who writes into a folder is the only one who has it" {
	image_in lab
	mkdir lab/below
	stack <<-'END'
		services:
		  a: {image: ./lab, x-rootfs: {writable: true}, command: [sleep, "1000"]}
		  b: {image: ./lab, command: [sleep, "1000"]}
	END
	up_fails 3 "'b'" 'for one only' 'a-1'
	stack one <<<'services: {a: {image: ./lab, x-rootfs: {writable: true}, command: [sleep, "1000"]}}'
	mstack up -d
	stack two <<<'services: {a: {image: ./lab, x-rootfs: {writable: true}, command: [sleep, "1000"]}}'
	up_fails 125 stack.yaml:2 'must be the only one'
	stack three <<<'services: {a: {image: ./lab, command: [sleep, "1000"]}}'
	up_fails 125 'another stack writes into this folder'
	kill -KILL "$(supervisor one)"
	wait_until mstack up -d
	stack one <<<'services: {a: {image: ./lab, x-rootfs: {writable: true}, command: [sleep, "1000"]}}'
	up_fails 125 'the image of a container of another stack'
	mstack down -p three
}

@test "rootfs: what is not to be written into" {
	stack <<<'services: {a: {image: busybox, x-rootfs: {writable: true}}}'
	up_fails 3 'images are shared'
	stack <<<'services: {a: {image: /, x-rootfs: {writable: true}, command: [sleep, "1"]}}'
	up_fails 3 "host's own root"
	stack <<<'services: {a: {image: /, x-rootfs: {upper: disk}, command: [sleep, "1"]}}'
	up_fails 3 'on the disk that it shows'
	stack <<<'services: {a: {image: /var/lib, x-rootfs: {writable: true}, command: [sleep, "1"]}}'
	up_fails 3 "mstack's own"
	mkdir lab
	stack <<<'services: {a: {image: ./lab, read_only: true, x-rootfs: {writable: true}, command: [sleep, "1"]}}'
	up_fails 3 "excludes 'read_only'"
	stack <<<'services: {a: {image: ./lab, x-rootfs: {writable: true}}}'
	run mstack config --security
	says 'is written to'
}

@test "rootfs: a layer in memory is kept over a restart, has a size, and ends with the stack" {
	stack <<-'END'
		services:
		  a: {image: busybox, restart: always, x-rootfs: {upper: tmpfs}, command: [sh, -c, "cat /kept; echo word >/kept; exec sleep 1000"]}
	END
	mstack up -d
	wait_until mstack exec -T a test -s /kept
	[[ ! -e /var/lib/mstack/projects/t/slots ]]
	# 1 GiB where there is no limit of memory.
	[[ $(mstack exec -T a df -k / | awk 'END { print $2 }') == 1048576 ]]
	kill -KILL "$(field a Pid)"
	wait_until log_has a word
	mstack down
	mstack up -d
	wait_until mstack exec -T a test -s /kept
	[[ $(mstack logs --no-log-prefix a | grep -c '^word') == 1 ]]
	mstack down
}

# The mark of an overlay that need not be whole on the disk would keep the next start off.
@test "rootfs: a layer on the disk is not waited for, and is there after a restart" {
	stack <<-'END'
		services:
		  a: {image: busybox, restart: always, x-rootfs: {upper: disk}, command: [sh, -c, "cat /kept; echo word >/kept; exec sleep 1000"]}
	END
	mstack up -d
	wait_until mstack exec -T a test -s /kept
	mstack exec -T a grep -E '^[^ ]+ / .*volatile' /proc/mounts
	[[ -s /var/lib/mstack/projects/t/slots/a-1/upper/kept ]]
	kill -KILL "$(field a Pid)"
	wait_until log_has a word
	mstack down
}

@test "rootfs: a layer from before a boot is discarded, and that is said" {
	stack_one <<<'command: [sh, -c, "ls /kept; echo word >/kept; sleep 1000"]'
	mstack up -d
	wait_until mstack exec -T a test -s /kept
	# As after a boot: nothing runs, nothing in /run, the layer with its mark on the disk.
	cp -a /var/lib/mstack/projects/t/slots/. kept
	mstack down
	mkdir -p /var/lib/mstack/projects/t/slots
	cp -a kept/. /var/lib/mstack/projects/t/slots
	[[ -s /var/lib/mstack/projects/t/slots/a-1/upper/kept ]]
	run mstack up -d
	[[ $status == 0 ]]
	says 'outside of volumes'
	wait_until mstack exec -T a test -s /kept
	# It said so in its first life as well.
	wait_until log_count a 'No such file' 2
	mstack down
}

@test "rootfs: nobody waits for the removal of a layer" {
	# shellcheck disable=SC2016 # for the container
	stack_one <<<'command: [sh, -c, "mkdir /d; cd /d; for i in $$(seq 20000); do : >$$i; done; echo filled; exec sleep 1000"]'
	mstack up -d
	wait_until log_has a filled
	local sup
	sup=$(supervisor)
	mstack down
	# It is nowhere where the next `up` would meet it, and goes by itself; also when who removes it is killed.
	[[ ! -e /var/lib/mstack/projects/t/slots ]]
	kill -KILL "$sup" 2>/dev/null || :
	mstack down
	wait_until test ! -e /var/lib/mstack/gone
}
