/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sha256: one call around nettle. Called by config. A hash that people compare between machines and
 * years must be one that everybody can compute again.
 */
#include <nettle/sha2.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/sha256.h"

void cli_sha256(const void *data, size_t len, char ret[CLI_SHA256_SIZE])
{
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	sha256_digest(&ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}
