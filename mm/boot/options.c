/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot arguments of mm: one table of names, one small parser each. A parser
 * changes its option only when the whole value was understood, so that a typing
 * error never leaves half a setting behind. Names and forms are those of Linux
 * where Linux has them; bounds stand at each.
 */
#include "mm/boot/options.h"

#include "mm/mm.h"
#include "mm/stat/owner.h"

enum {
	/* Bounds of the knobs of the same name (Linux: the same). */
	MAX_SCALE_FACTOR = 3000,
	DEFAULT_SCALE_FACTOR = 10,
	MAX_RATIO = 0x7fffffff,
	MAX_BAND_START = 32, /* one more than the highest priority */
};

static struct boot_options opt;

tm_init void boot_options_reset(void)
{
	opt = (struct boot_options){
		.watermark_scale_factor = DEFAULT_SCALE_FACTOR,
		.lowmem_reserve_ratio = { 256, 256, 32, 0 },
		.page_owner = tm_debug,
	};
}

tm_init const struct boot_options *boot_options(void)
{
	return &opt;
}

static tm_init int parse_mem(const char *value)
{
	u64 nr_bytes;
	int err = tm_parse_size(value, &nr_bytes, NULL);

	if (err)
		return err;
	if (!nr_bytes)
		return ERR_RANGE;
	opt.mem_limit = nr_bytes;
	return 0;
}

/* numa=off, numa=fake=N with N in 1..64. */
static tm_init int parse_numa(const char *value)
{
	u64 n;
	int err;

	if (!strcmp(value, "off")) {
		opt.numa_off = true;
		return 0;
	}
	if (strncmp(value, "fake=", 5))
		return ERR_INVAL;
	err = tm_parse_u64(value + 5, &n);
	if (err)
		return err;
	if (n < 1 || n > MAX_NODES)
		return ERR_RANGE;
	opt.numa_fake = (u32)n;
	return 0;
}

/* SIZE, or N% with N in 1..100. */
static tm_init int parse_amount(const char *value, struct boot_amount *amount)
{
	struct boot_amount a = { .given = true };
	const char *end;
	int err = tm_parse_size(value, &a.nr_bytes, &end);

	if (err)
		return err;
	if (!strcmp(end, "%")) {
		if (a.nr_bytes < 1 || a.nr_bytes > 100)
			return ERR_RANGE;
		a.percent = (u32)a.nr_bytes;
		a.nr_bytes = 0;
	} else if (*end) {
		return ERR_INVAL;
	}
	*amount = a;
	return 0;
}

static tm_init int parse_kernelcore(const char *value)
{
	return parse_amount(value, &opt.kernelcore);
}

static tm_init int parse_movablecore(const char *value)
{
	return parse_amount(value, &opt.movablecore);
}

/* By node is the rule; the words Linux took are accepted (row 21). */
static tm_init int parse_zonelist_order(const char *value)
{
	bool by_zone = !strcmp(value, "zone") || !strcmp(value, "z") || !strcmp(value, "Z");
	bool by_node = !strcmp(value, "node") || !strcmp(value, "n") || !strcmp(value, "N") ||
		       !strcmp(value, "default") || !strcmp(value, "d");

	if (!by_zone && !by_node)
		return ERR_INVAL;
	opt.zonelist_by_zone = by_zone;
	return 0;
}

/* SIZE, SIZE@START or SIZE@START-END; one start without end is exact. */
static tm_init int parse_cma(const char *value)
{
	u64 nr_bytes, start = 0, end = 0;
	const char *at;
	int err = tm_parse_size(value, &nr_bytes, &at);

	if (!err && *at == '@') {
		err = tm_parse_size(at + 1, &start, &at);
		if (err)
			return err;
		if (add_overflows(start, nr_bytes, &end))
			return ERR_RANGE;
		if (*at == '-')
			err = tm_parse_size(at + 1, &end, &at);
	}
	if (err)
		return err;
	if (*at)
		return ERR_INVAL;
	if (end < start || end - start < (end ? nr_bytes : 0))
		return ERR_RANGE;
	opt.cma_given = true;
	opt.cma_bytes = nr_bytes;
	opt.cma_start = phys_make(start);
	opt.cma_end = phys_make(end);
	return 0;
}

static tm_init int parse_min_free(const char *value)
{
	u64 kbytes;
	int err = tm_parse_u64(value, &kbytes);

	if (err)
		return err;
	if (kbytes > 1ull << (ARCH_PHYS_BITS - 10))
		return ERR_RANGE;
	opt.min_free_given = true;
	opt.min_free_kbytes = kbytes;
	return 0;
}

static tm_init int parse_scale_factor(const char *value)
{
	u64 n;
	int err = tm_parse_u64(value, &n);

	if (err)
		return err;
	if (n < 1 || n > MAX_SCALE_FACTOR)
		return ERR_RANGE;
	opt.watermark_scale_factor = (u32)n;
	return 0;
}

static tm_init size_t until_comma(const char *s)
{
	const char *comma = strchr(s, ',');

	return comma ? (size_t)(comma - s) : strlen(s);
}

/* Numbers up to `most`, separated by commas, into n[]; *nr: room, then how many. */
static tm_init int parse_list(const char *value, u64 most, u64 *n, u32 *nr)
{
	u32 room = *nr;
	char number[16];

	for (*nr = 0; *nr < room; value += until_comma(value) + 1) {
		size_t len = until_comma(value);

		if (len >= sizeof(number))
			return ERR_RANGE;
		memcpy(number, value, len);
		number[len] = '\0';
		if (tm_parse_u64(number, &n[*nr]))
			return ERR_INVAL;
		if (n[*nr] > most)
			return ERR_RANGE;
		++*nr;
		if (!value[len])
			return 0;
	}
	return ERR_INVAL; /* more numbers than there is room for */
}

/* Up to one number per zone type; the rest stays. */
static tm_init int parse_reserve_ratio(const char *value)
{
	u64 ratio[NR_ZONE_TYPES];
	u32 nr = NR_ZONE_TYPES;
	int err = parse_list(value, MAX_RATIO, ratio, &nr);

	for (u32 i = 0; !err && i < nr; i++)
		opt.lowmem_reserve_ratio[i] = (u32)ratio[i];
	return err;
}

/* The priorities at which bands 1, 2, 3, 4 and 6 begin, none below the one before
 * it; 32: nobody is in that band. */
static tm_init int parse_bands(const char *value)
{
	u64 start[BAND_STARTS];
	u32 nr = BAND_STARTS;
	int err = parse_list(value, MAX_BAND_START, start, &nr);

	if (err)
		return err;
	if (nr != BAND_STARTS)
		return ERR_INVAL;
	for (u32 i = 1; i < nr; i++)
		if (start[i] < start[i - 1])
			return ERR_INVAL;
	for (u32 i = 0; i < nr; i++)
		opt.band_start[i] = (u8)start[i];
	opt.bands_given = true;
	return 0;
}

static tm_init int parse_ladder(const char *value)
{
	bool off = !strcmp(value, "off");

	if (!off && strcmp(value, "on"))
		return ERR_INVAL;
	opt.ladder_off = off;
	return 0;
}

static tm_init int parse_page_owner(const char *value)
{
	bool on = !strcmp(value, "on");

	if (!on && strcmp(value, "off") != 0)
		return ERR_INVAL;
	opt.page_owner = on;
	return 0;
}

/* Up to half of the largest order, as in Linux; 0: no guards. */
static tm_init int parse_guard_minorder(const char *value)
{
	u64 n;
	int err = tm_parse_u64(value, &n);

	if (err)
		return err;
	if (n > MAX_PAGE_ORDER / 2)
		return ERR_RANGE;
	opt.guard_minorder = (u32)n;
	return 0;
}

static const struct option {
	const char *name;
	int (*parse)(const char *value);
	const char *takes;
} table[] = {
	{ "mem", parse_mem, "a size from 1" },
	{ "numa", parse_numa, "off, or fake=N with N from 1 to 64" },
	{ "kernelcore", parse_kernelcore, "a size, or 1% to 100%" },
	{ "movablecore", parse_movablecore, "a size, or 1% to 100%" },
	{ "zonelist_order", parse_zonelist_order, "node or zone" },
	{ "numa_zonelist_order", parse_zonelist_order, "node or zone" },
	{ "cma", parse_cma, "SIZE[@START[-END]], END - START not below SIZE" },
	{ "min_free_kbytes", parse_min_free, "0 to a quarter of memory" },
	{ "watermark_scale_factor", parse_scale_factor, "1 to 3000" },
	{ "lowmem_reserve_ratio", parse_reserve_ratio,
	  "1 to 4 numbers from 0 to 2147483647 between commas" },
	{ "page_owner", parse_page_owner, "on or off" },
	{ "fail_page_alloc", fault_parse,
	  "INTERVAL,PROBABILITY,SPACE,TIMES: from 1, 0 to 100, from 0, from -1 (no end)" },
	{ "debug_guardpage_minorder", parse_guard_minorder, "0 to 5" },
	{ "bands", parse_bands, "five priorities from 0 to 32 between commas, none falling" },
	{ "ladder", parse_ladder, "on or off" },
};

static tm_init const struct option *find_option(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(name, table[i].name))
			return &table[i];
	return NULL;
}

tm_init int mm_boot_option(const char *name, const char *value)
{
	const struct option *o = find_option(name);

	if (!o)
		return ERR_NOENT;
	return value ? o->parse(value) : ERR_INVAL;
}

tm_init const char *mm_boot_option_takes(const char *name)
{
	const struct option *o = find_option(name);

	return o ? o->takes : NULL;
}
