/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot memory (rows 1, 5, 6): every edit of the two tables by picture, growth
 * with and without the guard, placement by node and distance, the two walks,
 * and a long random sequence against a byte-per-page model.
 *
 * In the pictures one character is one page from BASE on: `.` nothing, `m`
 * RAM, `R` reserved, `n` no-map, a digit a node.
 */
#include "unit.h"

#include "mm/boot/memblock.h"

#define BASE 0x40000000ull
#define P(n) phys_make(BASE + (u64)(n)*PAGE_SIZE)

static int setup(void **state)
{
	(void)state;
	fake_reset();
	memblock_init();
	return 0;
}

/* The RAM walk as text, one piece a span: "[first,last)node flags". */
static void assert_memory(const char *want)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	char got[2048] = "";
	size_t len = 0;

	while (memblock_next_memory(&c, &s))
		len += (size_t)snprintf(got + len, sizeof(got) - len, "[%lld,%lld)%u%s",
					(long long)(s.start.v - (BASE >> PAGE_SHIFT)),
					(long long)(s.end.v - (BASE >> PAGE_SHIFT)), s.node,
					s.flags & MEMBLOCK_NOMAP ? "n" : "");
	assert_string_equal(got, want);
	memblock_check();
}

static void assert_free(const char *want)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	char got[2048] = "";
	size_t len = 0;

	while (memblock_next_free(&c, &s))
		len += (size_t)snprintf(got + len, sizeof(got) - len, "[%lld,%lld)",
					(long long)(s.start.v - (BASE >> PAGE_SHIFT)),
					(long long)(s.end.v - (BASE >> PAGE_SHIFT)));
	assert_string_equal(got, want);
	memblock_check();
}

/*
 *  add 8..12, 0..4, 4..8       mmmmmmmmmmmm
 * Unsorted, touching: one range.
 */
static void test_add_unsorted_merges(void **state)
{
	(void)state;
	memblock_add(P(8), P(12), 0);
	memblock_add(P(0), P(4), 0);
	assert_memory("[0,4)0[8,12)0");
	memblock_add(P(4), P(8), 0);
	assert_memory("[0,12)0");
	assert_int_equal(memblock_memory_bytes(), 12 * PAGE_SIZE);
}

/*
 *  have   00..11..          add 0..8 as node 2
 *  get    00221122          what was known keeps its node
 */
static void test_add_over_known_fills_gaps(void **state)
{
	(void)state;
	memblock_add(P(0), P(2), 0);
	memblock_add(P(4), P(6), 1);
	memblock_add(P(0), P(8), 2);
	assert_memory("[0,2)0[2,4)2[4,6)1[6,8)2");
	memblock_add(P(0), P(8), 3);
	assert_memory("[0,2)0[2,4)2[4,6)1[6,8)2");
}

static void test_add_empty_is_nothing(void **state)
{
	(void)state;
	memblock_add(P(3), P(3), 0);
	assert_memory("");
	assert_int_equal(memblock_start().v, 0);
	assert_int_equal(memblock_end().v, 0);
}

static void add_backwards(void *arg)
{
	(void)arg;
	memblock_add(P(2), P(1), 0);
}

static void test_add_backwards_is_a_bug(void **state)
{
	(void)state;
	assert_non_null(fake_panics(add_backwards, NULL));
}

/*
 *  have   mmmmmmmmmm        remove 3..5
 *  get    mmm..mmmmm        then 2..7: mm.....mmm, then all
 */
static void test_remove_splits(void **state)
{
	(void)state;
	memblock_add(P(0), P(10), 0);
	memblock_remove(P(3), P(5));
	assert_memory("[0,3)0[5,10)0");
	memblock_remove(P(2), P(7));
	assert_memory("[0,2)0[7,10)0");
	memblock_remove(P(20), P(30));
	memblock_remove(P(0), P(10));
	assert_memory("");
}

/*
 *  have   mmmmmmmmmm        node 1 to 4..6, then 0..6
 *  get    0000110000, then 1111110000
 */
static void test_set_node_splits_and_merges(void **state)
{
	(void)state;
	memblock_add(P(0), P(10), 0);
	memblock_set_node(P(4), P(6), 1);
	assert_memory("[0,4)0[4,6)1[6,10)0");
	memblock_set_node(P(0), P(6), 1);
	assert_memory("[0,6)1[6,10)0");
	memblock_set_node(P(0), P(100), 5);
	assert_memory("[0,10)5");
}

/* Row 6: a hole inside the range given to a node stays a hole. */
static void test_set_node_over_hole(void **state)
{
	(void)state;
	memblock_add(P(0), P(4), 0);
	memblock_add(P(6), P(9), 0);
	memblock_set_node(P(2), P(7), 3);
	assert_memory("[0,2)0[2,4)3[6,7)3[7,9)0");
}

/*
 *  have   mmmmmmmmmm        no-map 3..5
 *  get    mmmnnmmmmm        walked as RAM, never free, never allocated
 */
static void test_nomap(void **state)
{
	struct memblock_request rq = { .nr_bytes = PAGE_SIZE,
				       .min = P(3),
				       .max = P(5),
				       .node = MEMBLOCK_ANY_NODE,
				       .reason = MEM_BOOT,
				       .name = "test" };

	(void)state;
	memblock_add(P(0), P(10), 0);
	memblock_set_flags(P(3), P(5), MEMBLOCK_NOMAP);
	assert_memory("[0,3)0[3,5)0n[5,10)0");
	assert_free("[0,3)[5,10)");
	assert_int_equal(memblock_alloc(&rq).v, 0);
	assert_int_equal(memblock_memory_bytes(), 10 * PAGE_SIZE);
}

static void nomap_half_a_page(void *arg)
{
	(void)arg;
	memblock_set_flags(phys_make(BASE + 100), P(2), MEMBLOCK_NOMAP);
}

static void test_nomap_of_half_a_page_is_a_bug(void **state)
{
	(void)state;
	memblock_add(P(0), P(10), 0);
	assert_non_null(fake_panics(nomap_half_a_page, NULL));
}

/*
 * Row 1: 0.5 .. 3.25 pages of RAM are frames 1 and 2. A border between two
 * nodes inside a frame gives that frame to nobody.
 */
static void test_partial_pages(void **state)
{
	(void)state;
	memblock_add(phys_make(BASE + PAGE_SIZE / 2), phys_make(BASE + 3 * PAGE_SIZE + 1024), 0);
	assert_memory("[1,3)0");
	memblock_add(P(8), phys_make(BASE + 9 * PAGE_SIZE + 100), 0);
	memblock_add(phys_make(BASE + 9 * PAGE_SIZE + 100), P(12), 1);
	assert_memory("[1,3)0[8,9)0[10,12)1");
	memblock_add(phys_make(BASE + 20 * PAGE_SIZE + 1), phys_make(BASE + 20 * PAGE_SIZE + 99),
		     0);
	assert_memory("[1,3)0[8,9)0[10,12)1");
}

/*
 *  RAM    .mm0.. 1mm.  with ends in mid-page: those frames go, and stay gone
 *  when the nodes become one.
 */
static void test_trim(void **state)
{
	(void)state;
	memblock_add(phys_make(BASE + 17), phys_make(P(4).v + 5), 0);
	memblock_add(phys_make(P(4).v + 5), P(8), 1);
	memblock_add(phys_make(P(9).v + 1), phys_make(P(9).v + 99), 1);
	memblock_trim();
	assert_int_equal(memblock_memory_bytes(), 6 * PAGE_SIZE);
	memblock_set_node(P(0), P(100), 0);
	assert_memory("[1,4)0[5,8)0");
}

/*
 *  RAM    mmmmmmmmmm
 *  kept   .RR.....R.        one byte of a page keeps the whole page
 */
static void test_free_is_ram_minus_reserved(void **state)
{
	(void)state;
	memblock_add(P(0), P(10), 0);
	assert_true(memblock_reserve(P(1), P(3), MEM_KERNEL, "kernel"));
	assert_true(
		memblock_reserve(phys_make(P(8).v + 17), phys_make(P(8).v + 18), MEM_TREE, "t"));
	assert_free("[0,1)[3,8)[9,10)");
	assert_true(memblock_reserve(P(20), P(30), MEM_RESERVED, "beyond"));
	assert_free("[0,1)[3,8)[9,10)");
	assert_int_equal(memblock_reserved_bytes(), 12 * PAGE_SIZE + 1);
}

/* An overlap keeps the earlier reason and tells the caller. */
static void test_reserve_overlap(void **state)
{
	struct memblock_cursor c = { 0 };
	const char *name = NULL;
	struct mem_region r;

	(void)state;
	assert_true(memblock_reserve(P(2), P(6), MEM_KERNEL, "kernel"));
	assert_false(memblock_reserve(P(4), P(8), MEM_RESERVED, "fw"));
	assert_int_equal(memblock_reserved_inside(P(0), P(100), &name), 6 * PAGE_SIZE);
	assert_string_equal(name, "kernel");
	assert_true(memblock_next_reserved(&c, &r));
	assert_int_equal(r.end.v, P(6).v);
	assert_int_equal(r.reason, MEM_KERNEL);
	assert_true(memblock_next_reserved(&c, &r));
	assert_int_equal(r.start.v, P(6).v);
	assert_int_equal(r.end.v, P(8).v);
	assert_string_equal(r.name, "fw");
	assert_false(memblock_next_reserved(&c, &r));
}

/* Same use, touching: one entry, so that page tables do not fill the table. */
static void test_reservations_merge_by_use(void **state)
{
	struct memblock_cursor c = { 0 };
	struct mem_region r;
	char name[] = "fw";

	(void)state;
	memblock_reserve(P(0), P(1), MEM_RESERVED, "fw");
	memblock_reserve(P(1), P(2), MEM_RESERVED, name);
	memblock_reserve(P(2), P(3), MEM_CMA, "fw");
	assert_true(memblock_next_reserved(&c, &r));
	assert_int_equal(r.end.v, P(2).v);
	assert_true(memblock_next_reserved(&c, &r));
	assert_false(memblock_next_reserved(&c, &r));
}

/* Freeing the middle of a reservation leaves both ends. */
static void test_free_part(void **state)
{
	(void)state;
	memblock_add(P(0), P(10), 0);
	memblock_reserve(P(0), P(10), MEM_INITRD, "initrd");
	assert_free("");
	memblock_free(P(4), P(6));
	assert_free("[4,6)");
	memblock_free(P(0), P(10));
	assert_free("[0,10)");
}

/*
 *  RAM    mmmmmm..mmmm     kept 10..12
 *  alloc 2: 8..10, 1: 5..6 is too low for a 4-page alignment: 4..5
 */
static void test_alloc_top_down(void **state)
{
	struct memblock_request rq = { .nr_bytes = 2 * PAGE_SIZE,
				       .node = MEMBLOCK_ANY_NODE,
				       .reason = MEM_BOOT,
				       .name = "test" };

	(void)state;
	memblock_add(P(0), P(6), 0);
	memblock_add(P(8), P(12), 0);
	memblock_reserve(P(10), P(12), MEM_KERNEL, "k");
	assert_int_equal(memblock_alloc(&rq).v, P(8).v);
	rq.nr_bytes = 1;
	rq.align = 4 * PAGE_SIZE;
	assert_int_equal(memblock_alloc(&rq).v, P(4).v);
	rq.align = 0;
	assert_int_equal(memblock_alloc(&rq).v, P(5).v);
	rq.nr_bytes = 4 * PAGE_SIZE;
	rq.min = P(1);
	assert_int_equal(memblock_alloc(&rq).v, 0);
	rq.min = P(0);
	assert_int_equal(memblock_alloc(&rq).v, P(0).v);
	rq.nr_bytes = 1;
	assert_int_equal(memblock_alloc(&rq).v, 0);
	memblock_check();
}

static void test_alloc_limits(void **state)
{
	struct memblock_request rq = { .nr_bytes = PAGE_SIZE,
				       .min = P(2),
				       .max = P(4),
				       .node = MEMBLOCK_ANY_NODE,
				       .reason = MEM_BOOT,
				       .name = "test" };

	(void)state;
	memblock_add(P(0), P(10), 0);
	assert_int_equal(memblock_alloc(&rq).v, P(3).v);
	assert_int_equal(memblock_alloc(&rq).v, P(2).v);
	assert_int_equal(memblock_alloc(&rq).v, 0);
	rq.max = phys_make(0);
	rq.nr_bytes = ~0ull - PAGE_SIZE;
	assert_int_equal(memblock_alloc(&rq).v, 0);
}

/* {0} means none, so frame 0 is never handed out even where it is RAM. */
static void test_alloc_never_frame_zero(void **state)
{
	struct memblock_request rq = {
		.nr_bytes = PAGE_SIZE, .node = MEMBLOCK_ANY_NODE, .reason = MEM_BOOT, .name = "t"
	};

	(void)state;
	memblock_add(phys_make(0), phys_make(2 * PAGE_SIZE), 0);
	assert_int_equal(memblock_alloc(&rq).v, PAGE_SIZE);
	assert_int_equal(memblock_alloc(&rq).v, 0);
}

/*
 *  RAM    00 11 22         from node 0: own, then 2 (distance 15), then 1 (20)
 */
static void test_alloc_by_distance(void **state)
{
	static u8 d[MAX_NODES][MAX_NODES];
	struct memblock_request rq = {
		.nr_bytes = PAGE_SIZE, .node = 0, .reason = MEM_BOOT, .name = "t"
	};

	(void)state;
	memset(d, 20, sizeof(d));
	d[0][2] = 15;
	memblock_add(P(0), P(2), 0);
	memblock_add(P(4), P(6), 1);
	memblock_add(P(8), P(10), 2);
	memblock_set_distances(d);
	assert_int_equal(memblock_alloc(&rq).v, P(1).v);
	assert_int_equal(memblock_alloc(&rq).v, P(0).v);
	assert_int_equal(memblock_alloc(&rq).v, P(9).v);
	rq.strict = true;
	assert_int_equal(memblock_alloc(&rq).v, 0);
	rq.strict = false;
	assert_int_equal(memblock_alloc(&rq).v, P(8).v);
	assert_int_equal(memblock_alloc(&rq).v, P(5).v);
}

/*
 *  RAM    00 hh 11         hh is node 0's too, but may be taken away
 * What stays for good goes there only when there is no other place.
 */
static void test_alloc_avoids_hotpluggable(void **state)
{
	static u8 d[MAX_NODES][MAX_NODES];
	struct memblock_request rq = {
		.nr_bytes = PAGE_SIZE, .node = 0, .reason = MEM_BOOT, .name = "t"
	};

	(void)state;
	memset(d, 20, sizeof(d));
	memblock_add(P(1), P(5), 0);
	memblock_add(P(5), P(6), 1);
	memblock_set_flags(P(3), P(5), MEMBLOCK_HOTPLUG);
	memblock_set_distances(d);
	assert_int_equal(memblock_alloc(&rq).v, P(2).v);
	assert_int_equal(memblock_alloc(&rq).v, P(1).v);
	rq.strict = true;
	assert_int_equal(memblock_alloc(&rq).v, 0);
	rq.strict = false;
	assert_int_equal(memblock_alloc(&rq).v, P(5).v);
	assert_int_equal(memblock_alloc(&rq).v, P(4).v);
	assert_int_equal(memblock_alloc(&rq).v, P(3).v);
	assert_int_equal(memblock_alloc(&rq).v, 0);
}

/* A memoryless node gets its memory from the nearest neighbour (row 13). */
static void test_alloc_for_memoryless_node(void **state)
{
	static u8 d[MAX_NODES][MAX_NODES];
	struct memblock_request rq = {
		.nr_bytes = PAGE_SIZE, .node = 63, .reason = MEM_BOOT, .name = "t"
	};

	(void)state;
	memset(d, 40, sizeof(d));
	d[63][0] = 12;
	memblock_add(P(0), P(2), 0);
	memblock_add(P(4), P(6), 1);
	memblock_set_distances(d);
	assert_int_equal(memblock_alloc(&rq).v, P(1).v);
}

/* RAM that is no node's yet comes last, after all that some node has. */
static void test_alloc_from_no_node(void **state)
{
	static u8 distance[MAX_NODES][MAX_NODES];
	struct memblock_request rq = {
		.nr_bytes = PAGE_SIZE, .node = 3, .reason = MEM_BOOT, .name = "x"
	};

	(void)state;
	memblock_set_distances(distance);
	memblock_add(P(0), P(2), 0);
	memblock_add(P(8), P(9), MEMBLOCK_ANY_NODE);
	assert_int_equal(memblock_alloc(&rq).v, P(1).v);
	assert_int_equal(memblock_alloc(&rq).v, P(0).v);
	assert_int_equal(memblock_alloc(&rq).v, P(8).v);
	assert_int_equal(memblock_alloc(&rq).v, 0);
}

static void test_alloc_zeroed(void **state)
{
	u8 junk[PAGE_SIZE], *p;

	(void)state;
	fake_ram(BASE, BASE + 16 * PAGE_SIZE, false);
	memblock_add(P(0), P(16), 0);
	memset(junk, 0xa5, sizeof(junk));
	fake_phys_write(P(15).v, junk, sizeof(junk));
	p = memblock_alloc_zeroed(100, MEMBLOCK_ANY_NODE, MEM_BOOT, "early");
	assert_int_equal(p[0] | p[99], 0);
	fake_phys_write(P(14).v, junk, sizeof(junk));
	arch_linear_map(P(0), P(16));
	memblock_use_linear_map();
	assert_true(memblock_linear_map_ready());
	p = memblock_alloc_zeroed(PAGE_SIZE, MEMBLOCK_ANY_NODE, MEM_BOOT, "late");
	assert_ptr_equal(p, phys_to_virt(P(14)));
	assert_int_equal(p[0] | p[PAGE_SIZE - 1], 0);
}

static void alloc_too_much(void *arg)
{
	(void)arg;
	memblock_alloc_zeroed(1 << 20, 0, MEM_FRAMES, "frame array");
}

static void test_out_of_memory_names_the_use(void **state)
{
	const char *text;

	(void)state;
	memblock_add(P(0), P(16), 0);
	text = fake_panics(alloc_too_much, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "frame array"));
}

/* 1000 + 1000 separate ranges: both tables move, nothing is lost. */
static void test_tables_grow(void **state)
{
	const u32 n = 1000;

	(void)state;
	fake_ram(BASE, BASE + 8192ull * PAGE_SIZE, false);
	memblock_add(P(4000), P(8192), 0);
	for (u32 i = 0; i < n; i++) {
		memblock_add(P(2 * i), P(2 * i + 1), 0);
		memblock_reserve(phys_make(P(2 * i).v + 16), phys_make(P(2 * i).v + 32),
				 MEM_RESERVED, "x");
		memblock_check();
	}
	assert_int_equal(memblock_memory_bytes(), (n + 4192ull) * PAGE_SIZE);
	assert_int_equal(memblock_reserved_inside(P(0), P(2 * n), NULL), 16ull * n);
	arch_linear_map(P(0), P(8192));
	memblock_use_linear_map();
	arch_early_unmap_all();
	memblock_check();
	assert_int_equal(memblock_reserved_inside(P(0), P(2 * n), NULL), 16ull * n);
	/* Old places were given back: what is left are two tables. */
	assert_true(memblock_reserved_inside(P(4000), P(8192), NULL) <= 48 * PAGE_SIZE);
}

static u32 guard_calls;

/* The tree will still reserve everything from page 100 up. */
static bool guard_above_100(phys_t start, phys_t end, phys_t *below)
{
	guard_calls++;
	assert_true(start.v < end.v);
	if (end.v <= P(100).v)
		return true;
	*below = P(100);
	return false;
}

static void test_growth_asks_the_guard(void **state)
{
	(void)state;
	guard_calls = 0;
	fake_ram(BASE, BASE + 4096ull * PAGE_SIZE, false);
	memblock_set_guard(guard_above_100);
	memblock_add(P(0), P(4096), 0);
	for (u32 i = 0; i < 300; i++)
		memblock_reserve(P(200 + 2 * i), P(201 + 2 * i), MEM_RESERVED, "x");
	assert_true(guard_calls > 0);
	assert_true(memblock_reserved_inside(P(0), P(100), NULL) > 0);
	assert_int_equal(memblock_reserved_inside(P(100), P(4096), NULL), 300 * PAGE_SIZE);
	memblock_set_guard(NULL);
	memblock_check();
}

static void grow_without_ram(void *arg)
{
	(void)arg;
	for (u32 i = 0; i < 300; i++)
		memblock_reserve(P(2 * i), P(2 * i + 1), MEM_RESERVED, "x");
}

static void test_growth_without_ram_panics(void **state)
{
	const char *text;

	(void)state;
	text = fake_panics(grow_without_ram, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "no room to grow the reserved table"));
}

/* Before the linear map a table is reached through a window, and that has an end. */
static void test_growth_without_window_panics(void **state)
{
	const char *text;

	(void)state;
	fake_ram(BASE, BASE + 4096ull * PAGE_SIZE, false);
	memblock_add(P(0), P(4096), 0);
	assert_non_null(arch_early_map(P(0), 4 << 20, ARCH_PROT_RW));
	text = fake_panics(grow_without_ram, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "memblock: the early window is full"));
}

static void use_after_end(void *arg)
{
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	struct mem_region r;

	switch (*(int *)arg) {
	case 0:
		memblock_add(P(0), P(1), 0);
		break;
	case 1:
		memblock_reserve(P(0), P(1), MEM_BOOT, "x");
		break;
	case 2:
		memblock_free(P(0), P(1));
		break;
	case 3:
		memblock_next_free(&c, &s);
		break;
	case 4:
		memblock_next_memory(&c, &s);
		break;
	case 5:
		memblock_next_reserved(&c, &r);
		break;
	case 6:
		memblock_alloc_zeroed(1, 0, MEM_BOOT, "x");
		break;
	case 7:
		memblock_set_node(P(0), P(1), 0);
		break;
	case 8:
		memblock_end();
		break;
	case 9:
		memblock_memory_bytes();
		break;
	default:
		memblock_retire();
	}
}

static void test_dead_after_retire(void **state)
{
	(void)state;
	memblock_add(P(0), P(10), 0);
	assert_false(memblock_retired());
	memblock_retire();
	assert_true(memblock_retired());
	for (int i = 0; i <= 10; i++)
		assert_non_null(fake_panics(use_after_end, &i));
}

/* ---- against a model ------------------------------------------------------------ */

enum { MODEL_PAGES = 512 };

struct model {
	u8 ram[MODEL_PAGES];  /* node + 1; 0: none */
	u8 kept[MODEL_PAGES]; /* reason + 1; 0: not reserved */
	u8 nomap[MODEL_PAGES];
};

static void model_edit(struct model *m, u32 op, u32 from, u32 to, u32 arg)
{
	for (u32 i = from; i < to; i++) {
		if (op == 0)
			m->ram[i] = m->ram[i] ? m->ram[i] : (u8)(arg + 1);
		else if (op == 1)
			m->ram[i] = m->nomap[i] = 0;
		else if (op == 2)
			m->kept[i] = m->kept[i] ? m->kept[i] : (u8)(arg + 1);
		else if (op == 3)
			m->kept[i] = 0;
		else if (op == 4 && m->ram[i])
			m->ram[i] = (u8)(arg + 1);
		else if (op == 5 && m->ram[i])
			m->nomap[i] = 1;
	}
}

static void real_edit(u32 op, u32 from, u32 to, u32 arg)
{
	if (op == 0)
		memblock_add(P(from), P(to), arg);
	else if (op == 1)
		memblock_remove(P(from), P(to));
	else if (op == 2)
		memblock_reserve(P(from), P(to), (enum mem_reason)arg, "model");
	else if (op == 3)
		memblock_free(P(from), P(to));
	else if (op == 4)
		memblock_set_node(P(from), P(to), arg);
	else
		memblock_set_flags(P(from), P(to), MEMBLOCK_NOMAP);
}

static void compare(const struct model *m)
{
	u8 ram[MODEL_PAGES] = { 0 }, kept[MODEL_PAGES] = { 0 }, avail[MODEL_PAGES] = { 0 };
	struct memblock_cursor c = { 0 };
	struct memblock_span s;
	struct mem_region r;
	u64 base = BASE >> PAGE_SHIFT;

	memblock_check();
	while (memblock_next_memory(&c, &s))
		memset(ram + (s.start.v - base), (int)s.node + 1, s.end.v - s.start.v);
	c = (struct memblock_cursor){ 0 };
	while (memblock_next_reserved(&c, &r))
		memset(kept + ((r.start.v - BASE) >> PAGE_SHIFT), r.reason + 1,
		       (r.end.v - r.start.v) >> PAGE_SHIFT);
	c = (struct memblock_cursor){ 0 };
	while (memblock_next_free(&c, &s))
		memset(avail + (s.start.v - base), 1, s.end.v - s.start.v);
	assert_memory_equal(ram, m->ram, sizeof(ram));
	assert_memory_equal(kept, m->kept, sizeof(kept));
	for (u32 i = 0; i < MODEL_PAGES; i++)
		assert_int_equal(avail[i], m->ram[i] && !m->kept[i] && !m->nomap[i]);
}

static void test_random_edits(void **state)
{
	static struct model m;
	u64 seed = fake_seed("memblock edits", 0x7ab1e5);

	(void)state;
	for (u32 round = 0; round < 40; round++) {
		memset(&m, 0, sizeof(m));
		memblock_init();
		for (u32 i = 0; i < 150; i++) {
			u32 op = (u32)(fake_random(&seed) % 6);
			u32 from = (u32)(fake_random(&seed) % MODEL_PAGES);
			u32 to = from + (u32)(fake_random(&seed) % 40);
			u32 arg = (u32)(fake_random(&seed) % 4);

			to = to > MODEL_PAGES ? MODEL_PAGES : to;
			real_edit(op, from, to, arg);
			model_edit(&m, op, from, to, arg);
			compare(&m);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_add_unsorted_merges, setup),
		cmocka_unit_test_setup(test_add_over_known_fills_gaps, setup),
		cmocka_unit_test_setup(test_add_empty_is_nothing, setup),
		cmocka_unit_test_setup(test_add_backwards_is_a_bug, setup),
		cmocka_unit_test_setup(test_remove_splits, setup),
		cmocka_unit_test_setup(test_set_node_splits_and_merges, setup),
		cmocka_unit_test_setup(test_set_node_over_hole, setup),
		cmocka_unit_test_setup(test_nomap, setup),
		cmocka_unit_test_setup(test_nomap_of_half_a_page_is_a_bug, setup),
		cmocka_unit_test_setup(test_partial_pages, setup),
		cmocka_unit_test_setup(test_trim, setup),
		cmocka_unit_test_setup(test_free_is_ram_minus_reserved, setup),
		cmocka_unit_test_setup(test_reserve_overlap, setup),
		cmocka_unit_test_setup(test_reservations_merge_by_use, setup),
		cmocka_unit_test_setup(test_free_part, setup),
		cmocka_unit_test_setup(test_alloc_top_down, setup),
		cmocka_unit_test_setup(test_alloc_limits, setup),
		cmocka_unit_test_setup(test_alloc_never_frame_zero, setup),
		cmocka_unit_test_setup(test_alloc_by_distance, setup),
		cmocka_unit_test_setup(test_alloc_avoids_hotpluggable, setup),
		cmocka_unit_test_setup(test_alloc_for_memoryless_node, setup),
		cmocka_unit_test_setup(test_alloc_from_no_node, setup),
		cmocka_unit_test_setup(test_alloc_zeroed, setup),
		cmocka_unit_test_setup(test_out_of_memory_names_the_use, setup),
		cmocka_unit_test_setup(test_tables_grow, setup),
		cmocka_unit_test_setup(test_growth_asks_the_guard, setup),
		cmocka_unit_test_setup(test_growth_without_ram_panics, setup),
		cmocka_unit_test_setup(test_growth_without_window_panics, setup),
		cmocka_unit_test_setup(test_dead_after_retire, setup),
		cmocka_unit_test_setup(test_random_edits, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
