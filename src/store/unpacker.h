/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpacker.h: what store and its program mstack-store say to each other.
 *
 * `mstack-store unpack`: the archive is standard input, the empty folder to fill the working
 * directory. Standard output brings lines for people (`note: ...`, progress); the last line is
 * `ok: ...` or `error: ...`, the exit status 0 or 1.
 */
#ifndef STORE_UNPACKER_H
#define STORE_UNPACKER_H

#define UNPACKER_NAME	  "mstack-store"
#define UNPACKER_LINE_MAX 480
#define UNPACKER_NOTE	  "note: "
#define UNPACKER_OK	  "ok: "
#define UNPACKER_ERROR	  "error: "

#endif
