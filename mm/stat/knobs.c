/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/sys/vm of the rows built so far (row 134): names, formats and ranges as
 * Linux has them. A store parses the whole text before anything changes.
 * Computing and locking is reserves.c's affair.
 */
#include "mm/mm.h"
#include "mm/page/mobility.h"
#include "mm/page/reserves.h"

static void show_u64(struct out *out, u64 value)
{
	out_printf(out, "%llu\n", (unsigned long long)value);
}

static void show_min_free(struct out *out)
{
	show_u64(out, reserves_knobs().min_free_kbytes);
}

static int store_min_free(const char *text)
{
	u64 value;
	int err = tm_parse_u64(text, &value);

	return err ? err : reserves_set_min_free_kbytes(value);
}

static void show_scale_factor(struct out *out)
{
	show_u64(out, reserves_knobs().watermark_scale_factor);
}

static int store_scale_factor(const char *text)
{
	u64 value;
	int err = tm_parse_u64(text, &value);

	return err ? err : reserves_set_scale_factor(value);
}

static void show_boost_factor(struct out *out)
{
	show_u64(out, mobility_boost_factor());
}

static int store_boost_factor(const char *text)
{
	u64 value;
	int err = tm_parse_u64(text, &value);

	return err ? err : mobility_set_boost_factor(value);
}

static void show_high_fraction(struct out *out)
{
	show_u64(out, reserves_knobs().pcp_high_fraction);
}

static int store_high_fraction(const char *text)
{
	u64 value;
	int err = tm_parse_u64(text, &value);

	return err ? err : reserves_set_pcp_high_fraction(value);
}

static void show_ratio(struct out *out)
{
	struct reserve_knobs k = reserves_knobs();

	for (unsigned int t = 0; t < NR_ZONE_TYPES; t++)
		out_printf(out, "%s%u", t ? "\t" : "", k.lowmem_reserve_ratio[t]);
	out_printf(out, "\n");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to four numbers with blanks between them; what is not named stays. */
static int store_ratio(const char *text)
{
	u64 ratio[NR_ZONE_TYPES];
	unsigned int nr = 0;

	for (;;) {
		char word[24];
		size_t len = 0;
		int err;

		while (is_blank(*text))
			text++;
		while (text[len] && !is_blank(text[len]))
			len++;
		if (!len)
			break;
		if (nr == NR_ZONE_TYPES || len >= sizeof(word))
			return ERR_INVAL;
		memcpy(word, text, len);
		word[len] = '\0';
		err = tm_parse_u64(word, &ratio[nr++]);
		if (err)
			return err;
		text += len;
	}
	return nr ? reserves_set_ratio(ratio, nr) : ERR_INVAL;
}

static void show_zonelist_order(struct out *out)
{
	out_printf(out, "%s\n", boot_info()->options.zonelist_by_zone ? "Zone" : "Node");
}

void mm_knob_takes(struct out *out, const struct mm_knob *k)
{
	if (k->takes)
		out_printf(out, "%s", k->takes);
	else if (k->most)
		out_printf(out, "0 to %llu", (unsigned long long)k->most());
}

const struct mm_knob *mm_knobs(unsigned int *count)
{
	static const struct mm_knob table[] = {
		{ "lowmem_reserve_ratio", show_ratio, store_ratio,
		  "1 to 4 numbers from 0 to 2147483647", NULL },
		{ "min_free_kbytes", show_min_free, store_min_free, NULL,
		  reserves_most_min_free_kbytes },
		{ "numa_zonelist_order", show_zonelist_order, NULL, NULL, NULL },
		{ "percpu_pagelist_high_fraction", show_high_fraction, store_high_fraction,
		  "0, or 8 to 2147483647", NULL },
		{ "watermark_boost_factor", show_boost_factor, store_boost_factor,
		  "0 to 2147483647", NULL },
		{ "watermark_scale_factor", show_scale_factor, store_scale_factor, "1 to 3000",
		  NULL },
	};

	*count = ARRAY_SIZE(table);
	return table;
}
