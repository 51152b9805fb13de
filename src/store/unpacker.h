/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpacker.h: what store and its program mstack-store say to each other.
 *
 *	mstack-store unpack			a root file system
 *	mstack-store layer BLOB CONTENT		a layer of an image, which must have these digests (64 hexadecimal digits, `-`:
 *						any): of the bytes as they come, of the tar when it is decompressed
 *	mstack-store archive			an image in a tar
 *	mstack-store copy AS KEEP		a copy, into a folder that has other things in it: only AS and what is below may
 *						come (`.`: anything); KEEP is `-`, or letters: `o` owners and attributes, `s`
 *						what makes programs run as others
 *	mstack-store pack NAME AS		the reverse: NAME in the working directory (`.`: itself) as a tar, called AS there.
 *						Standard output is the tar, standard error brings the lines
 *
 * The archive is standard input, the empty folder to fill the working directory. For a layer descriptor 3 is a file of
 * UNPACKER_MARKS_SIZE zeros, which cannot grow: paths of opaque folders are put there, each with its NUL, `.` for the
 * layer's own root. Standard output brings lines for people (`note: ...`, progress), `at: N` (bytes read so far) and
 * `layer: CONTENT BYTES`; the last line is `ok: ...` or `error: ...`, the exit status 0 or 1.
 */
#ifndef STORE_UNPACKER_H
#define STORE_UNPACKER_H

#define UNPACKER_NAME	      "mstack-store"
#define UNPACKER_MODE_ROOTFS  "unpack"
#define UNPACKER_MODE_LAYER   "layer"
#define UNPACKER_MODE_ARCHIVE "archive"

#define UNPACKER_MODE_COPY "copy"
#define UNPACKER_MODE_PACK "pack"

/* A container's user namespace has the ids 0 to 65535; what is above would belong to nobody in it. */
#define UNPACKER_ID_MAX 65535

#define UNPACKER_LINE_MAX 480
#define UNPACKER_NOTE	  "note: "
#define UNPACKER_AT	  "at: "
#define UNPACKER_LAYER	  "layer: "
#define UNPACKER_OK	  "ok: "
#define UNPACKER_ERROR	  "error: "

/* What a packer says whose tar nobody reads any more: the other end has more to say. */
#define UNPACKER_DEAF "nobody takes the copy any more"

#define UNPACKER_MARKS	    3
#define UNPACKER_MARKS_SIZE (4u << 20)

#endif
