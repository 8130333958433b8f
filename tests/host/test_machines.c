/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines nobody would build: random banks, holes, nodes, reservations, CMA
 * areas, limits and options, booted all the way. Whatever the shape, every page
 * of RAM is accounted for, the validator and the ghost model agree, the
 * overhead stays in its bound, and everything that can be taken can be given
 * back. A few small extremes by hand come first.
 */
#include "unit.h"

#include "help/ghost.h"
#include "help/machine.h"
#include "mm/boot/topology.h"
#include "mm/mm.h"
#include "mm/page/reserves.h"

enum { MACHINES = 30, TAKEN = 4000 };

static char text[1 << 16];

static void expect_sound(void)
{
	struct out_buf ob;
	unsigned int findings;

	out_buf_init(&ob, text, sizeof(text));
	findings = mm_check(&ob.out);
	if (findings)
		fail_msg("%u findings: %s", findings, text);
	ghost_check();
}

/* Pages taken one after the other until nothing is left, then given back. */
static void take_and_give_back(u64 *seed)
{
	static struct page *page[TAKEN];
	static unsigned int order[TAKEN];
	u64 before = unowned_pages();
	unsigned int n = 0, misses = 0;

	while (n < TAKEN && misses < 20) {
		gfp_t gfp = fake_random(seed) % 2 ? GFP_HIGHUSER_MOVABLE : GFP_KERNEL;

		order[n] = (unsigned int)(fake_random(seed) % NR_PAGE_ORDERS);
		page[n] = alloc_pages(gfp | __GFP_NOWARN, order[n]);
		if (!page[n]) {
			misses++;
			continue;
		}
		ghost_alloced(page[n], order[n], gfp);
		n++;
	}
	expect_sound();
	while (n--) {
		free_pages(page[n], order[n]);
		ghost_freed(page[n], order[n]);
	}
	assert_int_equal(unowned_pages(), before);
	expect_sound();
}

/* ---- extremes --------------------------------------------------------------------- */

/* A node of one page, which cannot even hold its own structures. */
static void test_node_of_one_page(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(1) + MIB(16), 0, 0 },
			  { GIB(2), GIB(2) + PAGE_SIZE, 1, 0 } },
		.nr_cpus = 2,
		.cpu_node = { 0, 1 },
	};
	u64 seed = 1;

	(void)state;
	machine_boot(&m);
	ghost_init();
	assert_int_equal(node_table[1]->present_pages, 1);
	assert_in_range(virt_to_phys(node_table[1]).v, GIB(1), GIB(1) + MIB(16));
	fake_set_cpu(1);
	take_and_give_back(&seed);
}

/* Memory that is all spoken for: zones exist and serve nothing. */
static void test_everything_reserved(void **state)
{
	static const struct machine m = {
		.bank = { { GIB(1), GIB(1) + MIB(16), 0, 0 }, { GIB(2), GIB(2) + MIB(16), 1, 0 } },
		.reserved = { { GIB(2), GIB(2) + MIB(16) } },
	};

	(void)state;
	machine_boot(&m);
	ghost_init();
	assert_int_equal(zone_next(NR_ZONE_TYPES)->managed_pages, 0);
	assert_null(alloc_pages_node(1, __GFP_THISNODE | __GFP_NOWARN, 0));
	assert_int_equal(page_node(alloc_pages_node(1, GFP_KERNEL, 0)), 0);
	assert_int_equal(reserves_total(), node_table[0]->totalreserve_pages);
}

/* As many banks as pages between them, one page each. */
static void test_crumbs(void **state)
{
	static struct machine m;
	u64 seed = 2;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.bank[0].start = GIB(1);
	m.bank[0].end = GIB(1) + MIB(16);
	for (unsigned int i = 1; i < MACHINE_BANKS; i++) {
		m.bank[i].start = GIB(1) + MIB(16) + i * 2 * PAGE_SIZE;
		m.bank[i].end = m.bank[i].start + PAGE_SIZE;
	}
	machine_boot(&m);
	ghost_init();
	assert_int_equal(mm_present_pages(), 16 * 256 + MACHINE_BANKS - 1);
	take_and_give_back(&seed);
}

/* All sixty-four nodes. */
static void test_every_node_id(void **state)
{
	static struct machine m;

	(void)state;
	memset(&m, 0, sizeof(m));
	m.extra_nodes = ~0ull;
	for (unsigned int i = 0; i < MACHINE_BANKS; i++) {
		m.bank[i].start = GIB(1) + i * MIB(16);
		m.bank[i].end = m.bank[i].start + MIB(16);
		m.bank[i].node = i * 4 + 3;
	}
	machine_boot(&m);
	ghost_init();
	for (u32 id = 0; id < MAX_NODES; id++) {
		struct page *page = alloc_pages_node((int)id, GFP_KERNEL, 0);
		struct page *strict = alloc_pages_node((int)id, __GFP_THISNODE, 0);

		assert_non_null(page);
		assert_int_equal(node_table[id]->nr_fallback, MACHINE_BANKS);
		assert_int_equal(strict != NULL, id % 4 == 3);
		ghost_alloced(page, 0, 0);
		if (strict)
			ghost_alloced(strict, 0, 0);
	}
	expect_sound();
}

/* ---- random --------------------------------------------------------------------------- */

static u64 random_size(u64 *seed)
{
	u64 pages = 1 + fake_random(seed) % (fake_random(seed) % 3 ? 6000 : 40);

	return fake_random(seed) % 4 ? pages * PAGE_SIZE : align_up(pages * PAGE_SIZE, MIB(2));
}

/* Rising banks with gaps between nothing and a few GiB; some not page aligned. */
static void random_banks(struct machine *m, u64 *seed)
{
	static const u64 starts[] = { 0, MIB(64), GIB(1), GIB(4) - MIB(8), GIB(64), GIB(8192) };
	unsigned int nr = 1 + (unsigned int)(fake_random(seed) % (MACHINE_BANKS - 1));
	u64 at = starts[fake_random(seed) % ARRAY_SIZE(starts)];
	u32 node = 0;

	for (unsigned int i = 0; i < nr; i++) {
		u64 gap = fake_random(seed) % 3 ? 0 : fake_random(seed) % MIB(16);

		if (fake_random(seed) % 6 == 0)
			gap = fake_random(seed) % GIB(3);
		at += gap;
		m->bank[i].start = align_down(at, fake_random(seed) % 5 ? PAGE_SIZE : 16);
		m->bank[i].start = max_u64(m->bank[i].start, i ? m->bank[i - 1].end : 0);
		m->bank[i].end = m->bank[i].start + random_size(seed);
		m->bank[i].node = node;
		if (is_aligned(m->bank[i].start | m->bank[i].end, PAGE_SIZE))
			m->bank[i].flags = fake_random(seed) % 12 ? 0 : MEMBLOCK_NOMAP;
		at = m->bank[i].end;
		if (fake_random(seed) % 3 == 0)
			node = (u32)(fake_random(seed) % 6);
	}
	/* One that surely carries the frame array. */
	m->bank[nr].start = align_up(at, MIB(2));
	m->bank[nr].end = m->bank[nr].start + MIB(8);
}

static void random_reservations(struct machine *m, u64 *seed)
{
	for (unsigned int i = 0; i < MACHINE_BANKS - 1 && m->bank[i + 1].end; i++) {
		u64 size = m->bank[i].end - m->bank[i].start;

		if (fake_random(seed) % 2)
			continue;
		m->reserved[i].start = m->bank[i].start + fake_random(seed) % size;
		m->reserved[i].end = m->reserved[i].start + 1 + fake_random(seed) % size;
	}
}

/* Reservations end where the list has a gap: close the ranks. */
static void pack_reservations(struct machine *m)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < MACHINE_BANKS; i++)
		if (m->reserved[i].end)
			m->reserved[n++] = m->reserved[i];
	for (; n < MACHINE_BANKS; n++)
		m->reserved[n].start = m->reserved[n].end = 0;
}

static void random_options(struct machine *m, u64 *seed)
{
	struct boot_options *o = &m->options;

	m->nr_cpus = 1 + (unsigned int)(fake_random(seed) % 4);
	m->dma_end = fake_random(seed) % 2 ? 0 : align_down(fake_random(seed) % GIB(4), PAGE_SIZE);
	o->zonelist_by_zone = fake_random(seed) % 4 == 0;
	o->min_free_given = fake_random(seed) % 3 == 0;
	o->min_free_kbytes = fake_random(seed) % 10000;
	if (fake_random(seed) % 3 == 0)
		o->kernelcore = (struct boot_amount){ true, fake_random(seed) % MIB(64), 0 };
	if (fake_random(seed) % 3 == 0)
		o->movablecore = (struct boot_amount){ true, 0, 1 + (u32)(fake_random(seed) % 99) };
}

static u64 whole_pages(const struct machine *m)
{
	u32 nr;
	const struct memblock_span *span = ram_spans(&nr);
	u64 sum = 0, bytes = 0;

	for (u32 i = 0; i < nr; i++)
		sum += span[i].end.v - span[i].start.v;
	for (unsigned int i = 0; i < MACHINE_BANKS; i++)
		bytes += m->bank[i].end - m->bank[i].start;
	assert_true(sum * PAGE_SIZE <= bytes);
	return sum;
}

static void boot_random(u64 seed)
{
	static struct machine m;
	u64 pages, units = 0;

	memset(&m, 0, sizeof(m));
	random_banks(&m, &seed);
	random_reservations(&m, &seed);
	pack_reservations(&m);
	random_options(&m, &seed);
	for (unsigned int i = 0; i < m.nr_cpus; i++)
		m.cpu_node[i] = m.bank[0].node;
	machine_boot(&m);
	pages = whole_pages(&m);
	assert_int_equal(mm_present_pages(), pages);
	assert_true(mm_total_pages() <= pages);
	/* A unit of 32 KiB for each 4 MiB touched, and a page here and there. */
	for (u64 unit = 0; unit < frame_map.nr_units; unit++)
		units += frame_map.units[unit / 64] >> unit % 64 & 1;
	assert_true(frames_metadata_pages() <= units * 8 + 16 + frame_map.nr_units / 32768 + 1);
	ghost_init();
	expect_sound();
	take_and_give_back(&seed);
}

static void boot_child(void *arg)
{
	boot_random(*(u64 *)arg);
}

/* Each in a child, so that one that dies names its seed. */
static void test_random_machines(void **state)
{
	u64 seed = fake_seed("machines", 0x3ac41e01);

	(void)state;
	for (unsigned int i = 0; i < fake_rounds(MACHINES); i++) {
		u64 one = getenv("SEED") ? seed : fake_random(&seed);
		int status = fake_run_child(boot_child, &one);

		if (status)
			fail_msg("machine SEED=0x%llx ends with %d", (unsigned long long)one,
				 status);
		if (getenv("SEED"))
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_node_of_one_page), cmocka_unit_test(test_everything_reserved),
		cmocka_unit_test(test_crumbs),           cmocka_unit_test(test_every_node_id),
		cmocka_unit_test(test_random_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
