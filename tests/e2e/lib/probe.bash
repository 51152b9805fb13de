# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program in tests/e2e/probe, which tries what a container must not be able to do: `load lib/probe` beside lib/common.

# An image with the probe, a device node, and a set-user-id program.
probe_image() {
	mkdir -p image/bin image/tmp image/etc bound
	"${CC:-gcc}" -std=gnu17 -D_GNU_SOURCE -static -O1 -Wall -Wl,-s -o image/probe "$E2E"/probe/*.c
	cp "$(command -v busybox)" image/bin/busybox
	ln -s busybox image/bin/sh
	ln -s busybox image/bin/sleep
	cp image/probe image/setuid-id
	chmod 4755 image/setuid-id
	chmod 1777 image/tmp
	mknod -m 666 image/node-in-image c 1 1
	mknod -m 666 bound/node c 1 1
}
