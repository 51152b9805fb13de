/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * platform: which of the machines that an image was made for is this one. Called by layout.c and parcel.c. Names are
 * those of Go: amd64, arm64, arm with a variant.
 */
#include <sys/utsname.h>

#include "store/catalog.h"
#include "store/parcel.h"

static const struct {
	const char *machine, *arch, *variant;
} machines[] = {
	{ "x86_64", "amd64", "" },
	{ "aarch64", "arm64", "v8" },
	{ "armv7l", "arm", "v7" },
	{ "armv8l", "arm", "v7" },
	{ "armv6l", "arm", "v6" },
	{ "armv5tel", "arm", "v5" },
	{ "i686", "386", "" },
	{ "i586", "386", "" },
	{ "riscv64", "riscv64", "" },
	{ "ppc64le", "ppc64le", "" },
	{ "s390x", "s390x", "" },
	{ "mips64", "mips64le", "" },
	{ "loongarch64", "loong64", "" },
};

struct store_platform store_platform_host(void)
{
	struct utsname u;

	if (!uname(&u))
		for (size_t i = 0; i < ARRAY_LEN(machines); i++)
			if (!strcmp(machines[i].machine, u.machine))
				return (struct store_platform){ machines[i].arch,
								machines[i].variant };
	return (struct store_platform){ "unknown", "" };
}

/* arm: v7 runs what is for v6 and v5. amd64 has v2, v3: made for processors that this one may not be. */
static int variant_rank(const char *variant, const struct store_platform *host)
{
	if (!strcmp(variant, host->variant))
		return 20;
	if (!*variant || (!strcmp(host->arch, "arm64") && !strcmp(variant, "v8")))
		return 19;
	if (!strcmp(host->arch, "amd64"))
		return !strcmp(variant, "v1") ? 18 : 0;
	if (!strcmp(host->arch, "arm") && strcmp(variant, host->variant) < 0 && *variant == 'v')
		return 10 + variant[1] - '5';
	return 0;
}

int store_platform_rank(const json_t *platform, const struct store_platform *host)
{
	const char *os = store_json_text(platform, "os"),
		   *arch = store_json_text(platform, "architecture");
	const char *variant = store_json_text(platform, "variant");

	if (!os || !arch || strcmp(os, "linux") || strcmp(arch, host->arch))
		return 0;
	return variant_rank(variant ? variant : "", host);
}
