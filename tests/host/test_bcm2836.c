/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Raspberry Pi's interrupt controllers against a model of their registers:
 * which line an interrupt turns out to be, by CPU and level; lines that another
 * CPU serves; lines raised by software; what the tree's cells mean. Last, four
 * threads as cores under a fifth that masks, directs and raises at random:
 * nobody's line is served twice at once, and none that was raised is forgotten.
 *
 *   device --wires--> armctrl --+--> local controller --> boot core
 *                               |        mailbox 0 ----> each core
 */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "arch/arm64/armctrl.h"
#include "arch/arm64/irqchip.h"
#include "fake/bcm2836.h"

enum {
	CORES = 4,
	NONE = IRQ_MAX,
	FIRST_WIRE = IRQ_SHARED + 32,     /* bank 1, bit 0 */
	FIRST_SOFT = IRQ_SHARED + 32 * 3, /* the bank that no wire reaches */
	NR_MIXED = 6,                     /* lines of the mixed case */
	STEPS = 60000,
	WAIT_S = 20,
};

/* ---- the machine ------------------------------------------------------------------ */

static u8 local_regs[0x100], armctrl_regs[0x28]; /* addresses only */
static u32 wires[ARMCTRL_BANKS], opened[ARMCTRL_BANKS];
static u32 mailbox[CORES], mailbox_open[CORES], timers[CORES], timers_open[CORES];
static u32 nr_forwarded;
static __thread unsigned int core;

static struct dt_node local_node = { .name = "local" }, armctrl_node = { .name = "armctrl" };
static struct dt_node timer_node = { .name = "timer" };
static u32 armctrl_wire = 8;
static bool armctrl_answers = true;

u64 fake_mpidr_el1(void)
{
	return 0x80000000 | core;
}

volatile u8 *arm64_map_regs(const struct dt_node *node, unsigned int index, u64 nr_bytes)
{
	assert_int_equal(index, 0);
	if (node == &armctrl_node) {
		assert_true(nr_bytes <= sizeof(armctrl_regs));
		return armctrl_answers ? armctrl_regs : NULL;
	}
	assert_true(nr_bytes <= sizeof(local_regs));
	return local_regs;
}

const struct dt_node *dt_find_compatible(const struct dt_node *from, const char *compatible)
{
	assert_null(from);
	assert_string_equal(compatible, "brcm,bcm2836-armctrl-ic");
	return &armctrl_node;
}

bool dt_is_compatible(const struct dt_node *n, const char *compatible)
{
	return n == &local_node && strcmp(compatible, "brcm,bcm2836-l1-intc") == 0;
}

int dt_u32(const struct dt_node *n, const char *name, unsigned int index, u32 *val)
{
	assert_true(n == &armctrl_node && !strcmp(name, "interrupts") && !index);
	*val = armctrl_wire;
	return 0;
}

const struct dt_node *arm64_irq_parent(const struct dt_node *n)
{
	return n == &armctrl_node ? &local_node : NULL;
}

static u32 load(const u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static u32 source_of(unsigned int which)
{
	bool gpu = false;

	for (unsigned int bank = 0; bank < ARMCTRL_BANKS; bank++)
		gpu |= load(&wires[bank]) & load(&opened[bank]);
	return (load(&timers[which]) & timers_open[which]) |
	       (load(&mailbox[which]) && mailbox_open[which] ? 1u << 4 : 0) |
	       (gpu && which == 0 ? 1u << 8 : 0);
}

/* Bit 8 and 9 stand for banks 1 and 2, but for lines with a bit of their own. */
static u32 basic_pending(void)
{
	static const u8 own[] = { 7, 9, 10, 18, 19, 53, 54, 55, 56, 57, 62 };
	u32 one = load(&wires[1]) & load(&opened[1]), two = load(&wires[2]) & load(&opened[2]);
	u64 both = (u64)two << 32 | one;
	u32 v = load(&wires[0]) & load(&opened[0]);

	for (unsigned int i = 0; i < ARRAY_SIZE(own); i++) {
		v |= (both >> own[i] & 1) << (10 + i);
		both &= ~(1ull << own[i]);
	}
	return v | ((u32)both ? 1u << 8 : 0) | (both >> 32 ? 1u << 9 : 0);
}

u32 mmio_read32(const volatile u8 *base, u32 offset)
{
	if (base == armctrl_regs) {
		assert_in_range(offset, 0, 8);
		return offset ? load(&wires[offset / 4]) & load(&opened[offset / 4])
			      : basic_pending();
	}
	if (offset >= 0xc0)
		return load(&mailbox[(offset - 0xc0) / 16]);
	if (offset >= 0x60)
		return source_of((offset - 0x60) / 4);
	assert_in_range(offset, 0x40, 0x4c);
	return timers_open[(offset - 0x40) / 4];
}

static void write_armctrl(u32 offset, u32 v)
{
	static const u8 bank_at[] = { 1, 2, 0 };

	if (offset == 0x0c)
		return;
	assert_in_range(offset, 0x10, 0x24);
	if (offset < 0x1c)
		__atomic_fetch_or(&opened[bank_at[(offset - 0x10) / 4]], v, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&opened[bank_at[(offset - 0x1c) / 4]], ~v, __ATOMIC_SEQ_CST);
}

void mmio_write32(volatile u8 *base, u32 offset, u32 v)
{
	if (base == armctrl_regs) {
		write_armctrl(offset, v);
	} else if (offset >= 0xc0) {
		__atomic_fetch_and(&mailbox[(offset - 0xc0) / 16], ~v, __ATOMIC_SEQ_CST);
	} else if (offset >= 0x80) {
		nr_forwarded += core == 0 && offset != 0x80;
		__atomic_fetch_or(&mailbox[(offset - 0x80) / 16], v, __ATOMIC_SEQ_CST);
	} else if (offset >= 0x50) {
		mailbox_open[(offset - 0x50) / 4] = v;
	} else if (offset >= 0x40) {
		timers_open[(offset - 0x40) / 4] = v;
	}
}

static const struct irqchip *chip = &arm64_bcm2836;

static int setup(void **state)
{
	static const unsigned int nodes[CORES];

	(void)state;
	fake_reset();
	fake_cpus(CORES, nodes);
	memset(wires, 0, sizeof(wires));
	memset(opened, 0xff, sizeof(opened));
	memset(mailbox, 0xff, sizeof(mailbox));
	memset(timers, 0, sizeof(timers));
	core = 0;
	assert_int_equal(chip->init(&local_node), 0);
	for (core = 0; core < CORES; core++)
		assert_true(chip->init_cpu(core));
	/* What came up keeps a call to stop; nobody meant it here. */
	memset(mailbox, 0, sizeof(mailbox));
	/* The driver's words outlive a case: every line is masked, raised by nobody, on
	 * the boot CPU. */
	for (unsigned int irq = IRQ_SHARED; irq < chip->lines(); irq++) {
		chip->mask(irq);
		chip->set_cpu(irq, 0);
		chip->set_level(irq, 3);
	}
	for (unsigned int bank = 0; bank < ARMCTRL_BANKS; bank++)
		assert_int_equal(opened[bank], 0);
	core = 0;
	return 0;
}

static unsigned int ack_on(unsigned int which)
{
	core = which;
	return irqchip_line(chip->ack());
}

static void wire(unsigned int irq, bool up)
{
	u32 *word = &wires[(irq - IRQ_SHARED) / 32], bit = 1u << irq % 32;

	if (up)
		__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
}

/* ---- one thing at a time ------------------------------------------------------------- */

static void test_wires(void **state)
{
	static const unsigned int lines[] = {
		32, 39, 64 + 3, 64 + 7, 64 + 29, 96 + 21, 96 + 25, 127
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		wire(lines[i], true);
		assert_int_equal(ack_on(0), NONE);
		chip->unmask(lines[i], false);
		assert_int_equal(ack_on(0), lines[i]);
		wire(lines[i], false);
		chip->eoi(lines[i]);
		assert_int_equal(ack_on(0), NONE);
		chip->mask(lines[i]);
	}
}

static void test_levels(void **state)
{
	static const u8 level[] = { 1, 7, 4 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		chip->set_level(FIRST_WIRE + i, level[i]);
		wire(FIRST_WIRE + i, true);
		chip->unmask(FIRST_WIRE + i, false);
	}
	/* One that software raised, between them. */
	chip->set_level(FIRST_SOFT, 5);
	chip->unmask(FIRST_SOFT, true);
	chip->set_pending(FIRST_SOFT);
	for (unsigned int i = 0; i < 4; i++) {
		static const unsigned int order[] = { FIRST_WIRE + 1, FIRST_SOFT, FIRST_WIRE + 2,
						      FIRST_WIRE };

		assert_int_equal(ack_on(0), order[i]);
		if (order[i] != FIRST_SOFT)
			wire(order[i], false);
		chip->eoi(order[i]);
	}
	assert_int_equal(ack_on(0), NONE);
}

static void test_forwarded(void **state)
{
	(void)state;
	chip->set_cpu(FIRST_WIRE, 2);
	chip->unmask(FIRST_WIRE, false);
	wire(FIRST_WIRE, true);
	/* The boot CPU gets it, closes it, and knocks at the one it is meant for. */
	assert_int_equal(ack_on(0), NONE);
	assert_int_equal(opened[1] & 1, 0);
	assert_int_equal(ack_on(0), NONE);
	assert_int_equal(ack_on(1), NONE);
	assert_true(mailbox[2] != 0);
	assert_int_equal(ack_on(2), FIRST_WIRE);
	assert_int_equal(opened[1] & 1, 0);
	/* Still up when the handler is done: once more. */
	chip->eoi(FIRST_WIRE);
	assert_int_equal(opened[1] & 1, 1);
	assert_int_equal(ack_on(0), NONE);
	assert_int_equal(ack_on(2), FIRST_WIRE);
	wire(FIRST_WIRE, false);
	/* Masked by its handler, it stays closed. */
	chip->mask(FIRST_WIRE);
	chip->eoi(FIRST_WIRE);
	assert_int_equal(opened[1] & 1, 0);
	chip->unmask(FIRST_WIRE, false);
	assert_int_equal(opened[1] & 1, 1);
	assert_int_equal(ack_on(0), NONE);
	assert_int_equal(ack_on(2), NONE);
}

/* Directed elsewhere on its way: it goes along. */
static void test_redirected(void **state)
{
	(void)state;
	chip->set_cpu(FIRST_WIRE, 2);
	chip->unmask(FIRST_WIRE, false);
	wire(FIRST_WIRE, true);
	assert_int_equal(ack_on(0), NONE);
	chip->mask(FIRST_WIRE);
	chip->set_cpu(FIRST_WIRE, 3);
	assert_int_equal(ack_on(2), NONE);
	assert_int_equal(ack_on(3), NONE);
	chip->unmask(FIRST_WIRE, false);
	assert_true(mailbox[3] != 0);
	assert_int_equal(ack_on(2), NONE);
	assert_int_equal(ack_on(3), FIRST_WIRE);
	wire(FIRST_WIRE, false);
	chip->eoi(FIRST_WIRE);
	assert_int_equal(ack_on(0), NONE);
}

static void test_raised(void **state)
{
	(void)state;
	/* Twice while masked is once; then on its CPU only. */
	chip->set_cpu(FIRST_SOFT, 1);
	chip->set_pending(FIRST_SOFT);
	chip->set_pending(FIRST_SOFT);
	assert_int_equal(ack_on(1), NONE);
	chip->unmask(FIRST_SOFT, true);
	assert_int_equal(ack_on(0), NONE);
	assert_int_equal(ack_on(1), FIRST_SOFT);
	/* Raised while its handler runs: after that. */
	chip->set_pending(FIRST_SOFT);
	assert_int_equal(ack_on(1), NONE);
	chip->eoi(FIRST_SOFT);
	assert_true(mailbox[1] != 0);
	assert_int_equal(ack_on(1), FIRST_SOFT);
	chip->eoi(FIRST_SOFT);
	assert_int_equal(ack_on(1), NONE);
	assert_int_equal(mailbox[1], 0);
}

static void test_private(void **state)
{
	(void)state;
	core = 3;
	chip->unmask(IRQ_PRIVATE + 3, false);
	timers[3] = 0xf;
	timers[2] = 0xf;
	/* The virtual timer of core 3 and nothing else, before any shared line. */
	chip->set_cpu(FIRST_SOFT, 3);
	chip->unmask(FIRST_SOFT, true);
	chip->set_pending(FIRST_SOFT);
	assert_int_equal(ack_on(2), NONE);
	assert_int_equal(ack_on(3), IRQ_PRIVATE + 3);
	chip->eoi(IRQ_PRIVATE + 3);
	timers[3] = 0;
	assert_int_equal(ack_on(3), FIRST_SOFT);
	chip->eoi(FIRST_SOFT);
	chip->set_pending(IRQ_PRIVATE + 3);
	assert_int_equal(ack_on(3), IRQ_PRIVATE + 3);
	assert_int_equal(ack_on(3), NONE);
	chip->leave_cpu(3);
	timers[3] = 0xf;
	chip->send(3, IPI_RESCHEDULE);
	assert_int_equal(source_of(3), 0);
}

static void test_calls(void **state)
{
	(void)state;
	chip->unmask(FIRST_SOFT, true);
	chip->set_pending(FIRST_SOFT);
	chip->send(0, IPI_RESCHEDULE);
	chip->send(0, IPI_STOP);
	assert_int_equal(ack_on(1), NONE);
	assert_int_equal(ack_on(0), IPI_STOP);
	assert_int_equal(ack_on(0), IPI_RESCHEDULE);
	assert_int_equal(ack_on(0), FIRST_SOFT);
	chip->eoi(FIRST_SOFT);
	assert_int_equal(ack_on(0), NONE);
}

static int meaning(const struct dt_node *parent, u32 a, u32 b, u32 cells)
{
	const u32 v[4] = { a, b };
	unsigned int irq = ~0u;
	bool edge = true;

	if (chip->translate(parent, v, cells, &irq, &edge) != 0)
		return -1;
	assert_false(edge);
	return (int)irq;
}

static void test_cells(void **state)
{
	(void)state;
	assert_int_equal(meaning(&armctrl_node, 0, 0, 2), 32);
	assert_int_equal(meaning(&armctrl_node, 0, 7, 2), 39);
	assert_int_equal(meaning(&armctrl_node, 0, 8, 2), -1);
	assert_int_equal(meaning(&armctrl_node, 1, 29, 2), 93);
	assert_int_equal(meaning(&armctrl_node, 2, 31, 2), 127);
	assert_int_equal(meaning(&armctrl_node, 2, 32, 2), -1);
	assert_int_equal(meaning(&armctrl_node, 3, 0, 2), -1);
	assert_int_equal(meaning(&armctrl_node, 1, 29, 1), -1);
	assert_int_equal(meaning(&armctrl_node, 1, 29, 3), -1);
	assert_int_equal(meaning(&local_node, 3, 4, 2), 19);
	assert_int_equal(meaning(&local_node, 3, 0, 1), 19);
	assert_int_equal(meaning(&local_node, 9, 4, 2), 25);
	assert_int_equal(meaning(&local_node, 8, 4, 2), -1);
	assert_int_equal(meaning(&local_node, 3, 4, 3), -1);
	assert_int_equal(meaning(&timer_node, 1, 29, 2), -1);
}

/* ---- all at once ------------------------------------------------------------------------ */

static unsigned int mixed_irq(unsigned int i)
{
	return i < NR_MIXED / 2 ? FIRST_WIRE + i : FIRST_SOFT + i;
}

static u32 wanted[NR_MIXED], served[NR_MIXED], busy[NR_MIXED], clashes, nr_served, over;

/* The handler: whoever raised the line before it began is content. */
static void serve(unsigned int irq)
{
	for (unsigned int i = 0; i < NR_MIXED; i++) {
		if (mixed_irq(i) != irq)
			continue;
		if (__atomic_exchange_n(&busy[i], 1, __ATOMIC_SEQ_CST))
			__atomic_add_fetch(&clashes, 1, __ATOMIC_SEQ_CST);
		if (irq < FIRST_SOFT)
			wire(irq, false);
		__atomic_store_n(&served[i], load(&wanted[i]), __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&nr_served, 1, __ATOMIC_SEQ_CST);
		sched_yield();
		__atomic_store_n(&busy[i], 0, __ATOMIC_SEQ_CST);
	}
}

static void *run_core(void *arg)
{
	core = (unsigned int)(uintptr_t)arg;
	while (!load(&over)) {
		unsigned int irq;

		if (!source_of(core)) { /* as a CPU, it looks only when interrupted */
			sched_yield();
			continue;
		}
		irq = irqchip_line(chip->ack());
		if (irq >= IRQ_MAX)
			continue;
		serve(irq);
		chip->eoi(irq);
	}
	return NULL;
}

static void raise_one(unsigned int i)
{
	__atomic_add_fetch(&wanted[i], 1, __ATOMIC_SEQ_CST);
	if (mixed_irq(i) < FIRST_SOFT)
		wire(mixed_irq(i), true);
	else
		chip->set_pending(mixed_irq(i));
}

static bool all_served(void)
{
	for (unsigned int i = 0; i < NR_MIXED; i++)
		if (load(&served[i]) != load(&wanted[i]))
			return false;
	return true;
}

static bool settled(void)
{
	time_t end = time(NULL) + WAIT_S;

	while (!all_served() && time(NULL) < end)
		sched_yield();
	return all_served();
}

static void test_mixed(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed =
		given ? (unsigned int)strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	pthread_t thread[CORES];
	bool masked[NR_MIXED] = { false };

	(void)state;
	printf("seed %u\n", seed);
	core = 1; /* who changes lines may be on any core */
	for (unsigned int i = 0; i < NR_MIXED; i++)
		chip->unmask(mixed_irq(i), false);
	for (uintptr_t c = 0; c < CORES; c++)
		assert_int_equal(pthread_create(&thread[c], NULL, run_core, (void *)c), 0);
	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int r = (unsigned int)rand_r(&seed), i = r / 64 % NR_MIXED;

		if (r % 8 < 4) {
			raise_one(i);
		} else if (!masked[i]) {
			chip->mask(mixed_irq(i));
			masked[i] = true;
		} else {
			if (r % 8 < 6) {
				chip->set_cpu(mixed_irq(i), r / 512 % CORES);
				chip->set_level(mixed_irq(i), r / 4096 % 8);
			}
			chip->unmask(mixed_irq(i), false);
			masked[i] = false;
		}
		if (step % 16 == 0)
			sched_yield();
		if (step % 1000 == 0) {
			for (i = 0; i < NR_MIXED; i++)
				if (masked[i])
					chip->unmask(mixed_irq(i), false);
			memset(masked, 0, sizeof(masked));
			assert_true(settled());
		}
	}
	__atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
	for (unsigned int c = 0; c < CORES; c++)
		pthread_join(thread[c], NULL);
	assert_int_equal(clashes, 0);
	assert_true(nr_served >= STEPS / 1000 * NR_MIXED / 2 && nr_forwarded > 0);
}

/* ---- a tree without a usable armctrl: last, because it is never found again ---------- */

static void test_not_chained(void **state)
{
	(void)state;
	armctrl_wire = 9;
	assert_false(armctrl_init(&local_node));
	assert_true(fake_log_has("armctrl: not chained to line 8 of local: no lines of devices"));
	armctrl_wire = 8;
	assert_false(armctrl_init(&timer_node));
	armctrl_answers = false;
	assert_false(armctrl_init(&local_node));
	assert_true(fake_log_has("does not answer: no lines of devices"));
	armctrl_answers = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_wires, setup),
		cmocka_unit_test_setup(test_levels, setup),
		cmocka_unit_test_setup(test_forwarded, setup),
		cmocka_unit_test_setup(test_redirected, setup),
		cmocka_unit_test_setup(test_raised, setup),
		cmocka_unit_test_setup(test_private, setup),
		cmocka_unit_test_setup(test_calls, setup),
		cmocka_unit_test_setup(test_cells, setup),
		cmocka_unit_test_setup(test_mixed, setup),
		cmocka_unit_test_setup(test_not_chained, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
