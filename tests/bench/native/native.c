// SPDX-License-Identifier: Apache-2.0
/*
 * What the page allocator costs on this computer, in nanoseconds: the shipped
 * sources at -O3, one and two threads as CPUs with caches of their own, on the
 * fake machine of the host tests. Loops as published for LLFree: a pair of order
 * 0, and the churn of mmb_workload.h with everything around the calls included.
 * Wall time, so it varies with the computer and its load; nothing is asserted.
 *
 * Spinlocks and cpu_id() are the ones here: the fake machine's are for one
 * thread (its object is linked with those names weakened).
 */
#include "help/machine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mm/mm.h"
#include "mm/page/pcp.h"
#include "tests/bench/mmb_workload.h"

enum { MAX_THREADS = 2, PAIRS = 20000000, ROUNDS = 3 };

__thread bool native_masked;
__thread struct task *native_task;
static __thread unsigned int native_cpu;

static struct fake_task tasks[MAX_THREADS];
static pthread_barrier_t start_line;

/* ---- what threads need of the machine ----------------------------------------------- */

unsigned int cpu_id(void)
{
	return native_cpu;
}

struct task *task_current(void)
{
	return native_task ? native_task : (struct task *)(void *)&fake_task;
}

void spin_lock(struct spinlock *l)
{
	u32 free = 0;

	while (!__atomic_compare_exchange_n(&l->holder, &free, native_cpu + 1, true,
					    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		arch_cpu_relax();
		free = 0;
	}
}

void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->holder, 0, __ATOMIC_RELEASE);
}

u64 spin_lock_irqsave(struct spinlock *l)
{
	u64 flags = arch_irq_save();

	spin_lock(l);
	return flags;
}

void spin_unlock_irqrestore(struct spinlock *l, u64 flags)
{
	spin_unlock(l);
	arch_irq_restore(flags);
}

bool spin_held(const struct spinlock *l)
{
	return __atomic_load_n(&l->holder, __ATOMIC_RELAXED) == native_cpu + 1;
}

/* ---- the loops -------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct page *request(unsigned int order)
{
	struct page *page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, order);

	if (!page) {
		fputs("host-bench: out of memory\n", stderr);
		exit(1);
	}
	return page;
}

static double pairs(void)
{
	double start = now();

	for (unsigned int i = 0; i < PAIRS; i++)
		free_pages(request(0), 0);
	return (now() - start) / PAIRS;
}

struct slot {
	struct page *page;
	unsigned int order;
};

static void churn_step(struct slot *slots, unsigned long long r)
{
	struct slot *s = &slots[mmb_slot(r)];

	free_pages(s->page, s->order);
	s->order = mmb_order(r);
	s->page = request(s->order);
}

static double churn(void)
{
	struct slot *slots = calloc(MMB_SLOTS, sizeof(*slots));
	unsigned long long state = MMB_SEED;
	double start, cost;

	if (!slots)
		exit(1);
	for (unsigned int i = 0; i < MMB_SLOTS; i++) {
		slots[i].order = mmb_order(mmb_next(&state));
		slots[i].page = request(slots[i].order);
	}
	start = now();
	for (unsigned int i = 0; i < MMB_CHURN_OPS; i++)
		churn_step(slots, mmb_next(&state));
	cost = (now() - start) / MMB_CHURN_OPS;
	for (unsigned int i = 0; i < MMB_SLOTS; i++)
		free_pages(slots[i].page, slots[i].order);
	free(slots);
	return cost;
}

/* ---- threads ------------------------------------------------------------------------------ */

static struct result {
	double pair, churn; /* ns, the best of a few rounds */
} results[MAX_THREADS];

static void *play_cpu(void *arg)
{
	struct result *r = arg;

	native_cpu = (unsigned int)(r - results);
	tasks[native_cpu] = fake_task;
	tasks[native_cpu].mm.cache = mm_cpu_cache(native_cpu);
	native_task = (struct task *)(void *)&tasks[native_cpu];
	*r = (struct result){ 1e9, 1e9 };
	for (unsigned int i = 0; i < ROUNDS; i++) {
		double cost;

		pthread_barrier_wait(&start_line);
		cost = pairs();
		r->pair = cost < r->pair ? cost : r->pair;
		pthread_barrier_wait(&start_line);
		cost = churn();
		r->churn = cost < r->churn ? cost : r->churn;
	}
	return NULL;
}

static void play(unsigned int nr)
{
	pthread_t threads[MAX_THREADS];
	struct result worst = { 0, 0 };

	pthread_barrier_init(&start_line, NULL, nr);
	for (unsigned int i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, play_cpu, &results[i]))
			exit(1);
	for (unsigned int i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		worst.pair = results[i].pair > worst.pair ? results[i].pair : worst.pair;
		worst.churn = results[i].churn > worst.churn ? results[i].churn : worst.churn;
	}
	pthread_barrier_destroy(&start_line);
	printf("%u thread%s %13.1f %10.1f\n", nr, nr == 1 ? " " : "s", worst.pair, worst.churn);
}

int main(void)
{
	const struct machine m = { .bank = { { GIB(1), GIB(3), 0, 0 } }, .nr_cpus = MAX_THREADS };

	fake_reset();
	native_task = (struct task *)(void *)&fake_task;
	machine_boot(&m);
	printf("ns on this computer    pair      churn\n");
	for (unsigned int nr = 1; nr <= MAX_THREADS; nr++)
		play(nr);
	printf("LLFree in C, -O3    91.0      103.0   as published, one thread, 2-core Xeon VM\n");
	return 0;
}
