/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mm_boot() as a whole: the blob's place and alignment, boot arguments and
 * secrets out of /chosen, what is given back at the end. Each case boots in a
 * child, because the allocator it leaves behind is there for good.
 */
#include "unit.h"

#include <unistd.h>

#include "help/tree.h"
#include "mm/boot/intake.h"
#include "mm/mm.h"

#define MIB (1ull << 20)
#define RAM 0x40000000ull
#define BLOB 0x48000000ull

static void boot(void *arg)
{
	mm_boot(phys_make(*(u64 *)arg));
}

/* 256 MiB and what `chosen` adds. */
static void *small_tree(void (*chosen)(void), u32 *size)
{
	tree_begin(2, 2);
	memory_node(RAM, 256 * MIB, -1);
	node_begin("chosen");
	if (chosen)
		chosen();
	node_end();
	return tree_end(size);
}

static void run(void (*fn)(void *arg), void *arg)
{
	fake_reset();
	fake_ram(RAM, RAM + 256 * MIB, false);
	assert_int_equal(fake_run_child(fn, arg), 0);
}

/* ---- secrets ----------------------------------------------------------------- */

static const u8 secret[32] = "0123456789abcdefGHIJKLMNOPQRSTU";

static void with_seeds(void)
{
	prop_bytes("rng-seed", secret, sizeof(secret));
	prop_u64("kaslr-seed", 0x1122334455667788);
}

static void wiped_everywhere(void *arg)
{
	u64 at = *(u64 *)arg;
	u32 size, len;
	void *blob = small_tree(with_seeds, &size);
	u8 *loaded = malloc(size);
	const u8 *v;
	u64 seed;

	tree_place(at, blob, size);
	boot(&at);
	v = dt_prop_get(dt_find_path("/chosen"), "rng-seed", &len);
	assert_int_equal(len, sizeof(secret));
	for (u32 i = 0; i < len; i++)
		assert_int_equal(v[i], 0);
	fake_phys_read(at, loaded, size);
	for (u32 i = 0; i + sizeof(secret) <= size; i++)
		assert_memory_not_equal(loaded + i, secret, 8);
	free(loaded);
	seed = mm_boot_seed();
	assert_true(seed);
	assert_int_equal(mm_boot_seed(), 0);
}

static void test_secrets_are_wiped(void **state)
{
	u64 aligned = BLOB, odd = BLOB + 4;

	(void)state;
	run(wiped_everywhere, &aligned);
	run(wiped_everywhere, &odd);
}

static void no_secret(void *arg)
{
	u32 size;
	u64 at = BLOB;
	void *blob;

	(void)arg;
	blob = small_tree(NULL, &size);
	tree_place(at, blob, size);
	boot(&at);
	assert_int_equal(mm_boot_seed(), 0);
}

static void test_no_secret(void **state)
{
	(void)state;
	run(no_secret, NULL);
}

/* ---- the blob ------------------------------------------------------------------- */

/* 1 MiB of padding, as QEMU makes it, is free memory after boot. */
static void given_back(void *arg)
{
	u64 at = *(u64 *)arg, pages, kept = 0;
	u32 size;
	u8 *blob = small_tree(NULL, &size);
	const u32 padded = __builtin_bswap32(1 << 20);

	memcpy(blob + 4, &padded, 4);
	tree_place(at, blob, size);
	boot(&at);
	assert_int_equal(boot_info()->fdt_end.v, at + MIB);
	pages = mm_total_pages();
	/* Image 1 MiB, descriptors 2 MiB, owners in test builds as much again, 256 KiB
	 * for all the rest. */
	assert_true(pages >= (256 - 1 - 2 - 2 * tm_debug) * 256 - 64);
	/* What is not free is on record, to the page. */
	for (u32 i = 0; i < boot_info()->nr_records; i++) {
		const struct mem_record *r = &boot_info()->records[i];

		assert_int_not_equal(r->reason, MEM_TREE);
		kept += align_up(r->end.v, PAGE_SIZE) - align_down(r->start.v, PAGE_SIZE);
	}
	assert_int_equal(pages * PAGE_SIZE + kept, 256 * MIB);
	/* The parsed tree does not live in it. */
	memset(phys_to_virt(phys_make(at)), 0xee, MIB);
	assert_non_null(dt_find_path("/chosen"));
}

static void test_blob_is_given_back(void **state)
{
	u64 at = BLOB;

	(void)state;
	run(given_back, &at);
}

static void padding_beyond_ram(void *arg)
{
	u64 at = RAM + 256 * MIB - 64 * 1024;
	u32 size;
	u8 *blob = small_tree(NULL, &size);
	const u32 padded = __builtin_bswap32(1 << 20);

	(void)arg;
	memcpy(blob + 4, &padded, 4);
	tree_place(at, blob, size);
	boot(&at);
	assert_int_equal(boot_info()->nr_warnings, 0);
}

/* Only what means something has to be there. */
static void test_padding_may_end_beyond_ram(void **state)
{
	(void)state;
	run(padding_beyond_ram, NULL);
}

static void refused_at(void *arg)
{
	static const struct {
		u64 at;
		const char *why;
	} bad[] = {
		{ 0, "x0 is 0" },
		{ 0x40200000, "overlaps the kernel" },
		{ 0x402ff000, "overlaps the kernel" },
		{ 0x60000000, "no memory answers there" },
		{ 1ull << 44, "beyond the addresses" },
		{ (1ull << 44) - 16, "beyond the addresses" },
		{ ~0ull - 7, "beyond the addresses" },
	};

	(void)arg;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		u64 at = bad[i].at;
		const char *why = fake_panics(boot, &at);

		if (!why || !strstr(why, bad[i].why))
			fail_msg("0x%llx: %s", (unsigned long long)at, why ? why : "taken");
	}
	/* Nor can it be looked at when there is no window left. */
	for (u64 n = 64 << 10; n >= PAGE_SIZE; n /= 2)
		while (arch_early_map(phys_make(RAM), n, ARCH_PROT_RW))
			;
	assert_non_null(strstr(fake_panics(boot, &(u64){ BLOB }), "no memory answers there"));
}

static void test_bad_places(void **state)
{
	(void)state;
	run(refused_at, NULL);
}

/* Too near the end of RAM for what is used of it; crooked, and too large to be copied. */
static void cut_off(void *arg)
{
	u64 at = RAM + 256 * MIB - PAGE_SIZE;
	u32 size;
	void *blob;
	const char *why;

	(void)arg;
	blob = small_tree(with_seeds, &size);
	tree_place(at + PAGE_SIZE - 64, blob, 64);
	why = fake_panics(boot, &(u64){ at + PAGE_SIZE - 64 });
	assert_non_null(why);
	assert_non_null(strstr(why, "it goes beyond the memory there is"));
}

static void large(void)
{
	static u8 zeros[200 << 10];

	prop_bytes("big", zeros, sizeof(zeros));
}

static void crooked(void *arg)
{
	u32 size;
	void *blob = small_tree(large, &size);
	const char *why;

	(void)arg;
	tree_place(BLOB + 4, blob, size);
	why = fake_panics(boot, &(u64){ BLOB + 4 });
	assert_non_null(why);
	assert_non_null(strstr(why, "not 8-byte aligned, and too large to be copied"));
}

static void test_cut_off_and_crooked(void **state)
{
	(void)state;
	run(cut_off, NULL);
	run(crooked, NULL);
}

/* ---- pages for page tables, and what it all cost ---------------------------------------- */

/* Before there is an allocator memblock gives them, clear as soon as it can reach them. */
static void table_pages(void *arg)
{
	const char *name = NULL;
	phys_t p;

	(void)arg;
	memblock_init();
	memblock_add(phys_make(RAM), phys_make(RAM + 256 * MIB), 0);
	p = mm_table_page();
	assert_int_equal(memblock_reserved_inside(p, phys_make(p.v + PAGE_SIZE), &name), PAGE_SIZE);
	assert_string_equal(name, "page tables");
	fake_junk(true);
	fake_map(RAM, RAM + 256 * MIB);
	memblock_use_linear_map();
	p = mm_table_page();
	for (u32 i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(((const u8 *)phys_to_virt(p))[i], 0);
	memblock_alloc_zeroed(255 * MIB, MEMBLOCK_ANY_NODE, MEM_BOOT, "all there is");
	while (mm_table_page().v)
		;
	assert_true(memblock_reserved_inside(phys_make(RAM), phys_make(RAM + 256 * MIB), NULL) >
		    256 * MIB - 2 * PAGE_SIZE);
}

static void test_table_pages(void **state)
{
	(void)state;
	run(table_pages, NULL);
}

static void costs(void *arg)
{
	u64 at = BLOB;
	u32 size;
	void *blob = small_tree(NULL, &size);
	const struct mm_boot_cost *cost;

	(void)arg;
	tree_place(at, blob, size);
	boot(&at);
	cost = mm_boot_cost();
	for (u32 i = 0; i < NR_MM_BOOT_PHASES; i++)
		assert_true(cost->count[i] > 0);
	/* 2 MiB of descriptors, owners in test builds, some pages of caches and maps. */
	assert_in_range(cost->metadata_pages, 512, 512 * (1 + tm_debug) + 16);
}

static void test_costs(void **state)
{
	(void)state;
	run(costs, NULL);
}

/* ---- boot arguments ----------------------------------------------------------------- */

static void with_arguments(void)
{
	/* No terminator, and the limit lies behind it all. */
	prop_bytes("bootargs", "mem=128M nonsense=1", 19);
}

static void arguments(void *arg)
{
	u32 size;
	u64 at = RAM + 100 * MIB;
	void *blob;

	(void)arg;
	blob = small_tree(with_arguments, &size);
	tree_place(at, blob, size);
	boot(&at);
	assert_int_equal(boot_info()->options.mem_limit, 128 * MIB);
	assert_true(mm_total_pages() < 128 * 256);
	assert_true(fake_log_has("/chosen bootargs: 19 bytes without a terminator"));
	assert_true(fake_log_has("nonsense"));
}

static void empty_argument(void)
{
	prop_bytes("bootargs", "", 0);
	prop_bytes("rng-seed", "", 0);
}

/* Nothing is no argument, and no secret. */
static void no_arguments(void *arg)
{
	u32 size;
	u64 at = BLOB;
	void *blob = small_tree(empty_argument, &size);

	(void)arg;
	tree_place(at, blob, size);
	boot(&at);
	assert_int_equal(boot_info()->options.mem_limit, 0);
	assert_int_equal(boot_info()->nr_warnings, 0);
	assert_int_equal(mm_boot_seed(), 0);
}

static void test_arguments(void **state)
{
	(void)state;
	run(arguments, NULL);
	run(no_arguments, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets_are_wiped),
		cmocka_unit_test(test_no_secret),
		cmocka_unit_test(test_blob_is_given_back),
		cmocka_unit_test(test_padding_may_end_beyond_ram),
		cmocka_unit_test(test_bad_places),
		cmocka_unit_test(test_cut_off_and_crooked),
		cmocka_unit_test(test_table_pages),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
