/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words for flags and zone types; contracts in names.h. The table goes from
 * large combinations to single bits, so that GFP_KERNEL is found before its
 * parts; each entry found takes its bits away.
 */
#include "mm/stat/names.h"

static const struct {
	gfp_t bits;
	const char *name;
} gfp_names[] = {
	{ GFP_HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE" },
	{ GFP_HIGHUSER, "GFP_HIGHUSER" },
	{ GFP_USER, "GFP_USER" },
	{ GFP_KERNEL, "GFP_KERNEL" },
	{ GFP_NOFS, "GFP_NOFS" },
	{ GFP_ATOMIC, "GFP_ATOMIC" },
	{ GFP_NOIO, "GFP_NOIO" },
	{ GFP_NOWAIT, "GFP_NOWAIT" },
	{ GFP_DMA, "GFP_DMA" },
	{ GFP_DMA32, "GFP_DMA32" },
	{ __GFP_MOVABLE, "__GFP_MOVABLE" },
	{ __GFP_RECLAIMABLE, "__GFP_RECLAIMABLE" },
	{ __GFP_HIGHMEM, "__GFP_HIGHMEM" },
	{ __GFP_DIRECT_RECLAIM, "__GFP_DIRECT_RECLAIM" },
	{ __GFP_IO, "__GFP_IO" },
	{ __GFP_FS, "__GFP_FS" },
	{ __GFP_HIGH, "__GFP_HIGH" },
	{ __GFP_ATOMIC, "__GFP_ATOMIC" },
	{ __GFP_NORETRY, "__GFP_NORETRY" },
	{ __GFP_RETRY_MAYFAIL, "__GFP_RETRY_MAYFAIL" },
	{ __GFP_NOFAIL, "__GFP_NOFAIL" },
	{ __GFP_NOWARN, "__GFP_NOWARN" },
	{ __GFP_MEMALLOC, "__GFP_MEMALLOC" },
	{ __GFP_NOMEMALLOC, "__GFP_NOMEMALLOC" },
	{ __GFP_THISNODE, "__GFP_THISNODE" },
	{ __GFP_HARDWALL, "__GFP_HARDWALL" },
	{ __GFP_WRITE, "__GFP_WRITE" },
	{ __GFP_ACCOUNT, "__GFP_ACCOUNT" },
	{ __GFP_ZERO, "__GFP_ZERO" },
	{ __GFP_COMP, "__GFP_COMP" },
};

void mm_print_gfp(struct out *out, gfp_t gfp)
{
	const char *bar = "";

	if (!gfp)
		out_printf(out, "none");
	for (unsigned int i = 0; i < ARRAY_SIZE(gfp_names); i++) {
		if ((gfp & gfp_names[i].bits) != gfp_names[i].bits)
			continue;
		out_printf(out, "%s%s", bar, gfp_names[i].name);
		gfp &= ~gfp_names[i].bits;
		bar = "|";
	}
	if (gfp)
		out_printf(out, "%s0x%x", bar, gfp);
}

const char *mm_zone_type_name(u32 type)
{
	static const char *const names[NR_ZONE_TYPES] = { "DMA", "DMA32", "Normal", "Movable" };

	return type < NR_ZONE_TYPES ? names[type] : "?";
}
