/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The side array of owners: what it costs, what it says about a held, a freed
 * and a never used frame and about the inside of a block, the summary by call
 * site, page_owner's format, and that reports of broken rules tell a history.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/page_alloc.h"
#include "mm/page/page_check.h"
#include "mm/stat/owner.h"

static const struct machine two = {
	.bank = { { GIB(1), GIB(1) + MIB(64), 0, 0 }, { GIB(2), GIB(2) + MIB(64), 1, 0 } },
	.nr_cpus = 2,
	.cpu_node = { 0, 1 },
	.options = { .page_owner = true },
};

static const char *const site_a = "a", *const site_b = "b";
static char text[256 * 1024];

static int setup(void **state)
{
	(void)state;
	machine_boot(&two);
	ghost_init();
	return 0;
}

static void stop_watching(void)
{
	if (watch_active())
		watch_end();
}

static int teardown(void **state)
{
	(void)state;
	ghost_check();
	stop_watching();
	owner_on = false;
	return 0;
}

static void has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static void has_not(const char *what)
{
	if (strstr(text, what))
		fail_msg("\"%s\" in:\n%s", what, text);
}

static void show_frame(const struct page *page)
{
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	mm_view_owner(&ob.out, page_to_pfn(page));
}

static void show(void (*view)(struct out *out))
{
	struct out_buf ob;

	out_buf_init(&ob, text, sizeof(text));
	view(&ob.out);
	assert_false(ob.truncated);
}

static struct page *take(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	ghost_alloced(page, order, gfp);
	return page;
}

static void put(struct page *page, unsigned int order)
{
	free_pages(page, order);
	ghost_freed(page, order);
}

/* "0x" and what arch_symbol() makes of an address here. */
static const char *site_text(const void *site)
{
	static char buf[32];

	snprintf(buf, sizeof(buf), ", 0x%llx\n", (unsigned long long)(uintptr_t)site);
	return buf;
}

/* ---- its price --------------------------------------------------------------------------- */

/* 32 bytes a frame: 512 KiB for 64 MiB. Nothing when it is off. */
static void test_cost(void **state)
{
	u64 with = mm_total_pages(), metadata = frames_metadata_pages();
	struct machine m = two;

	(void)state;
	stop_watching();
	m.options.page_owner = false;
	machine_boot(&m);
	assert_int_equal(mm_total_pages(), with + 2 * 128);
	assert_int_equal(frames_metadata_pages(), metadata - 2 * 128);
	assert_false(owner_on);
	assert_false(watch_active());
	ghost_init();
}

static void test_off(void **state)
{
	struct machine m = two;
	struct page *page;

	(void)state;
	stop_watching();
	m.options.page_owner = false;
	machine_boot(&m);
	ghost_init();
	page = take(GFP_KERNEL, 0);
	show_frame(page);
	has(": no history (page_owner=on keeps one)\n");
	show(mm_view_pageowner);
	assert_string_equal(text, "page_owner is off: boot with page_owner=on\n");
	show(mm_view_owner_sites);
	assert_string_equal(text, "page_owner is off: boot with page_owner=on\n");
	put(page, 0);
}

/* Whoever keeps records must see every block. */
static void test_watches(void **state)
{
	(void)state;
	assert_true(tm_debug || watch_active());
}

/* ---- one frame ------------------------------------------------------------------------------- */

static void test_life_of_a_frame(void **state)
{
	struct page *page;
	char want[64];

	(void)state;
	fake_clock_ns(5004000000);
	page = take(GFP_KERNEL | __GFP_ZERO, 0);
	show_frame(page);
	snprintf(want, sizeof(want), "frame %#x, of the block of order 0 at %#x: held\n",
		 frame_number(page), frame_number(page));
	has(want);
	has("  last allocated by task 1 tester at 5.004 s, 0x");
	has("__GFP_ZERO\n");
	has_not("freed");
	fake_clock_ns(6005000000);
	put(page, 0);
	show_frame(page);
	has(": free\n");
	has("  last allocated by task 1 tester at 5.004 s, 0x");
	has("  last freed by task 1 tester at 6.005 s, 0x");
}

static void test_never_used(void **state)
{
	(void)state;
	/* The last frame of the second node, in the middle of a large free block. */
	show_frame(frame((GIB(2) + MIB(64)) / PAGE_SIZE - 1));
	has("no history\n");
	show_frame(frame(GIB(3) / PAGE_SIZE));
	has("no history\n");
}

static void free_foreign(void *arg)
{
	free_pages(arg, 0);
}

/* A frame that is none has none either: its refusal looks nowhere. */
static void test_foreign_free_tells_none(void **state)
{
	(void)state;
	fake_clock_ns(1500000000);
	assert_int_equal(fake_panics(free_foreign, frame(GIB(3) / PAGE_SIZE)) != NULL, tm_debug);
	assert_int_equal(page_alloc_foreign_frees(), 1);
	assert_false(fake_log_has("history"));
	assert_false(fake_log_has("allocated by"));
}

/* Any frame of a block has the history of the block. */
static void test_inside_of_a_block(void **state)
{
	struct page *page = take(GFP_KERNEL, 5);
	char want[64];

	(void)state;
	snprintf(want, sizeof(want), ", of the block of order 5 at %#x: held\n",
		 frame_number(page));
	for (unsigned int i = 0; i < 32; i++) {
		show_frame(page + i);
		has(want);
	}
	show_frame(page + 32);
	has_not(want);
	put(page, 5);
}

/*
 * order 3 served and freed, then its frame 2 alone: that frame tells the latter,
 * frame 3 still the former.
 */
static void test_latest_history_wins(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);
	char want[64];

	(void)state;
	fake_clock_ns(7000000000);
	owner_set(page, 3, GFP_KERNEL, site_a);
	fake_clock_ns(7100000000);
	owner_clear(page, 3, site_a);
	fake_clock_ns(7200000000);
	owner_set(page + 2, 0, GFP_ATOMIC, site_b);
	show_frame(page + 2);
	snprintf(want, sizeof(want), ", of the block of order 0 at %#x: held\n",
		 frame_number(page) + 2);
	has(want);
	has(site_text(site_b));
	show_frame(page + 3);
	snprintf(want, sizeof(want), ", of the block of order 3 at %#x: free\n",
		 frame_number(page));
	has(want);
	has(site_text(site_a));
	owner_clear(page + 2, 0, site_b);
	free_pages(page, 3);
}

/* ---- everybody -------- */

static void test_summary(void **state)
{
	struct page *page[5];
	char want[96];

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		page[i] = take(GFP_KERNEL, i);
		owner_set(page[i], i, GFP_KERNEL, i < 3 ? site_a : site_b);
	}
	show(mm_view_owner_sites);
	snprintf(want, sizeof(want), "%10u %10u  %-16s 0x%llx\n%10u %10u  %-16s 0x%llx\n", 8 + 16,
		 2, "tester", (unsigned long long)(uintptr_t)site_b, 1 + 2 + 4, 3, "tester",
		 (unsigned long long)(uintptr_t)site_a);
	has(want);
	has("        31 pages of 2 call sites are held\n");
	for (unsigned int i = 0; i < 5; i++)
		put(page[i], i);
	show(mm_view_owner_sites);
	has("         0 pages of 0 call sites are held\n");
}

/* More sites than the table has places for: none is lost from the sum. */
static void test_many_sites(void **state)
{
	static struct page *page[300];

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		page[i] = take(GFP_KERNEL, 0);
		owner_set(page[i], 0, GFP_KERNEL, text + i);
	}
	show(mm_view_owner_sites);
	has("        44         44                   (more sites than fit)\n");
	has("       300 pages of 256 call sites are held\n");
	for (unsigned int i = 0; i < 300; i++)
		put(page[i], 0);
}

/* Line for line as Linux 6.1 prints it, the stack being one line. */
static void test_page_owner_format(void **state)
{
	struct page *page;
	u32 pfn;
	char want[320];

	(void)state;
	fake_clock_ns(8009000000);
	page = take(GFP_ATOMIC | __GFP_RECLAIMABLE, 2);
	pfn = frame_number(page);
	owner_set(page, 2, GFP_ATOMIC | __GFP_RECLAIMABLE, site_a);
	show(mm_view_pageowner);
	snprintf(want, sizeof(want),
		 "Page allocated via order 2, mask 0x242(GFP_ATOMIC|__GFP_RECLAIMABLE), pid 1, "
		 "tgid 1 (tester), ts 8009000000 ns, free_ts 0 ns\n"
		 "PFN %u type Reclaimable Block %u type ",
		 pfn, pfn >> PAGEBLOCK_ORDER);
	assert_memory_equal(text, want, strlen(want));
	snprintf(want, sizeof(want), "Flags %#x\n 0x%llx\n\n", page->flags,
		 (unsigned long long)(uintptr_t)site_a);
	has(want);
	put(page, 2);
	show(mm_view_pageowner);
	assert_string_equal(text, "");
}

/* ---- reports -------- */

static void free_again(void *page)
{
	free_pages(page, 0);
}

static void test_double_free(void **state)
{
	struct page *page;
	const char *why;

	(void)state;
	fake_clock_ns(20003000000);
	page = take(GFP_KERNEL, 0);
	put(page, 0);
	fake_log_clear();
	why = fake_panics(free_again, page);
	if (tm_debug)
		assert_non_null(strstr(why, "a double free"));
	else
		assert_true(fake_log_has("refused: a double free"));
	assert_true(fake_log_has(": free"));
	assert_true(fake_log_has("last allocated by task 1 tester at 20.003 s"));
	assert_true(fake_log_has("last freed by task 1 tester at 20.003 s"));
}

static void look(void *page)
{
	page_poison_check(page, 0);
}

static void test_use_after_free(void **state)
{
	struct page *page = take(GFP_KERNEL, 0);
	u64 *word = page_address(page);
	const char *why;

	(void)state;
	put(page, 0);
	page_poison(page, 0);
	word[3] = 0x1234;
	fake_log_clear();
	why = fake_panics(look, page);
	assert_non_null(why);
	assert_non_null(strstr(why, "was written after it was freed: 1234 at byte 24"));
	assert_true(fake_log_has("last freed by task 1 tester"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_life_of_a_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_used, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inside_of_a_block, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_free_tells_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_latest_history_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_summary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_sites, setup, teardown),
		cmocka_unit_test_setup_teardown(test_page_owner_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_double_free, setup, NULL),
		cmocka_unit_test_setup_teardown(test_use_after_free, setup, NULL),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
