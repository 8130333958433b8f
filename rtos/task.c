/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of tasks: descriptors, the table of all of them, creation, joining,
 * and what `ps` shows; how they end is in kill.c. Descriptors are packed into
 * pages of their own and a page goes back when its last descriptor does; stacks
 * come from stack.c. When a task ends its memory is released by whoever joins it, or by
 * the reaper task when it was detached: never by the task that happens to run
 * next, which may be in a hurry.
 *
 * table_lock guards the table and the descriptor pages. Scheduling fields are
 * the scheduler's (S). The order is table_lock, then sched_lock.
 */
#include "mm/mm.h"
#include "rtos/life.h"
#include "rtos/sched.h"

/* A page of descriptors. */
struct task_page {
	struct list link; /* (L) on the list of pages with room */
	u64 used;         /* (L) bit n: slot[n] */
	struct task slot[];
};

enum { ID_MAX = 0x7fffffff }; /* id + 1 is a number too, for walks over all */
enum { TASK_FLAGS = TASK_FP | TASK_FREEZABLE | TASK_KILL_ANYWHERE };

enum { TASKS_PER_PAGE = (PAGE_SIZE - sizeof(struct task_page)) / sizeof(struct task) };

_Static_assert(TASKS_PER_PAGE >= 4 && TASKS_PER_PAGE <= 64, "descriptors to a page");
_Static_assert(ARCH_FP_BYTES % 16 == 0 && ARCH_FP_BYTES < STACK_SIZE / 8, "top of a stack");
_Static_assert(offsetof(struct task, ctx) == 0, "arch finds the context there");

static struct spinlock table_lock = SPINLOCK_INIT(LOCK_RANK_TASKS);
static struct tree table;                                                    /* (L) by id */
static struct list pages_with_room = { &pages_with_room, &pages_with_room }; /* (L) */
static u32 last_id;                                                          /* (L) */

static struct list reap_list = { &reap_list, &reap_list };             /* (S) */
static struct waitq reap_waitq = WAITQ_INIT(reap_waitq, "dead tasks"); /* (S) */

/* ---- descriptors and table ------------------------------------------------------ */

static struct task *table_entry(const struct tree_node *n)
{
	return container_of(n, struct task, list_node);
}

static bool id_less(const struct tree_node *a, const struct tree_node *b)
{
	return table_entry(a)->id < table_entry(b)->id;
}

static bool id_below(const struct tree_node *n, u64 id)
{
	return table_entry(n)->id < id;
}

static bool is_taken_locked(u32 id)
{
	const struct tree_node *n = tree_lower_bound(&table, id_below, id);

	return n && table_entry(n)->id == id;
}

/* Ids start over when they end; those of tasks still there are passed over. */
static void link_locked(struct task *t)
{
	do {
		last_id = last_id < ID_MAX ? last_id + 1 : 1;
	} while (is_taken_locked(last_id));
	t->id = last_id;
	tree_insert(&table, &t->list_node, id_less);
}

void task_table_init(void)
{
	spin_lock(&table_lock);
	link_locked(&boot_task);
	spin_unlock(&table_lock);
}

/* A descriptor from a page with room; null when there is none. */
static struct task *slot_get_locked(void)
{
	struct task_page *p;
	unsigned int i;

	if (list_empty(&pages_with_room))
		return NULL;
	p = container_of(pages_with_room.next, struct task_page, link);
	i = (unsigned int)__builtin_ctzll(~p->used);
	BUG_ON_VAL(i >= TASKS_PER_PAGE, i, p->used);
	p->used |= 1ull << i;
	if (p->used == (1ull << TASKS_PER_PAGE) - 1)
		list_del(&p->link);
	return &p->slot[i];
}

/* Give a descriptor back; true when its page is empty and off the list. */
static bool slot_put_locked(struct task *t, struct task_page *p)
{
	u64 bit = 1ull << (t - p->slot);

	BUG_ON_VAL(!(p->used & bit), t->id, p->used);
	if (p->used == (1ull << TASKS_PER_PAGE) - 1)
		list_add_head(&pages_with_room, &p->link);
	p->used &= ~bit;
	if (p->used)
		return false;
	list_del(&p->link);
	return true;
}

static struct task *slot_get(void)
{
	struct page *fresh;
	struct task *t;

	spin_lock(&table_lock);
	t = slot_get_locked();
	spin_unlock(&table_lock);
	if (t)
		return t;
	fresh = alloc_pages(GFP_KERNEL, 0);
	if (!fresh)
		return NULL;
	spin_lock(&table_lock);
	((struct task_page *)page_address(fresh))->used = 0;
	list_add_head(&pages_with_room, &((struct task_page *)page_address(fresh))->link);
	t = slot_get_locked();
	spin_unlock(&table_lock);
	return t;
}

struct task *task_new(const char *name, unsigned int prio, u64 stack)
{
	struct task *t = slot_get();

	if (!t)
		return NULL;
	*t = (struct task){ .state = TASK_READY, .prio = prio, .base_prio = prio, .stack = stack };
	tm_snprintf(t->name, sizeof(t->name), "%s", name);
	list_init(&t->run_node);
	list_init(&t->held);
	waitq_init(&t->joiners, "end of a task");
	spin_lock(&table_lock);
	link_locked(t);
	spin_unlock(&table_lock);
	return t;
}

void task_release(struct task *t)
{
	struct task_page *p = (struct task_page *)align_down((uintptr_t)t, PAGE_SIZE);
	u64 stack = t->stack;
	bool empty;

	BUG_ON_VAL(t == arch_current() || t->waiting_on, t->id, t->state);
	BUG_ON_VAL(t->timer.pending || t->joiners.nr_waiting, t->id, t->state);
	spin_lock(&table_lock);
	tree_remove(&table, &t->list_node);
	empty = slot_put_locked(t, p);
	spin_unlock(&table_lock);
	if (stack)
		stack_free(stack);
	if (empty)
		free_pages(virt_to_page(p), 0);
}

/* ---- creation and end --------------------------------------------------------------- */

struct task *task_create(const struct task_attr *attr, void (*entry)(void *), void *arg)
{
	u64 cpu_mask = attr->cpus ? attr->cpus : CPUS_ALL, stack, flags;
	struct task *t;
	int err;

	if (attr->prio > TASK_PRIO_MAX || !(cpu_mask & cpus_online()) ||
	    attr->flags & ~(u32)TASK_FLAGS)
		return NULL;
	stack = stack_alloc();
	if (!stack)
		return NULL;
	t = task_new(attr->name, attr->prio, stack);
	if (!t) {
		stack_free(stack);
		return NULL;
	}
	t->flags = attr->flags;
	t->entry = entry;
	t->arg = arg;
	t->cpu = cpu_id();
	flags = sched_lock();
	err = sched_add_locked(t, cpu_mask);
	if (!err)
		freeze_task_new_locked(t);
	sched_unlock(flags);
	if (err) {
		task_release(t);
		return NULL;
	}
	return t;
}

int task_join(struct task *t, u64 deadline_ns)
{
	u64 flags;
	int err = 0;

	BUG_ON_VAL(!may_sleep() || t == arch_current(), t->id, 0);
	task_kill_point();
	kill_hold();
	flags = sched_lock();
	BUG_ON_VAL(t->joining || t->detached, t->id, t->detached);
	t->joining = true;
	if (t->dead) {
		sched_unlock_masked();
	} else {
		err = sched_block_locked(&t->joiners, deadline_ns, WAIT_KILLABLE);
		if (err) {
			/* It may have ended between the timeout and now. */
			sched_lock_masked();
			t->joining = t->dead;
			err = t->dead ? 0 : err;
			sched_unlock_masked();
		}
	}
	arch_irq_restore(flags);
	if (!err)
		task_release(t);
	kill_release();
	task_kill_point();
	return err;
}

void task_detach(struct task *t)
{
	u64 flags = sched_lock();

	BUG_ON_VAL(t->joining || t->detached, t->id, t->detached);
	t->detached = true;
	if (t->dead)
		task_reap_later_locked(t);
	sched_unlock(flags);
}

void task_reap_later_locked(struct task *t)
{
	list_add_tail(&reap_list, &t->run_node);
	waitq_wake_one_locked(&reap_waitq);
}

static void reaper(void *arg)
{
	struct task *t;

	(void)arg;
	for (;;) {
		u64 flags = sched_lock();

		if (list_empty(&reap_list)) {
			sched_block_locked(&reap_waitq, TM_FOREVER, WAIT_FIRM);
			arch_irq_restore(flags);
			continue;
		}
		t = container_of(reap_list.next, struct task, run_node);
		list_del(&t->run_node);
		sched_unlock(flags);
		task_release(t);
	}
}

void task_reaper_start(void)
{
	static const struct task_attr attr = { .name = "reaper", .prio = TASK_PRIO_DEFAULT };
	struct task *t = task_create(&attr, reaper, NULL);

	if (!t)
		panic("no memory for the first tasks");
	task_detach(t);
}

/* ---- what others may ask and change ---------------------------------------------------- */

struct task *task_current(void)
{
	return arch_current();
}

u32 task_id(const struct task *t)
{
	return t->id;
}

const char *task_name(const struct task *t)
{
	return t->name;
}

struct mm_task *task_mm(struct task *t)
{
	return &t->mm;
}

unsigned int task_prio(const struct task *t)
{
	return __atomic_load_n(&t->prio, __ATOMIC_RELAXED);
}

int task_set_prio(struct task *t, unsigned int prio)
{
	u64 flags;

	if (prio > TASK_PRIO_MAX || t->is_idle)
		return ERR_INVAL;
	flags = sched_lock();
	if (t->state != TASK_DEAD)
		sched_set_prio_locked(t, prio);
	sched_unlock(flags);
	return 0;
}

int task_set_cpus(struct task *t, u64 cpu_mask)
{
	u64 flags;
	int err = 0;

	if (!(cpu_mask & cpus_online()) || t->is_idle)
		return ERR_INVAL;
	flags = sched_lock();
	if (t->state != TASK_DEAD)
		err = sched_set_cpus_locked(t, cpu_mask);
	sched_unlock(flags);
	return err;
}

static void fill_info(const struct task *t, struct task_info *info)
{
	u64 flags = sched_lock(), ticks = t->run_ticks;

	*info = (struct task_info){
		.id = t->id,
		.state = t->state,
		.prio = t->prio,
		.base_prio = t->base_prio,
		.cpu = t->cpu,
		.idle = t->is_idle,
		.cpus = t->is_idle ? 1ull << t->cpu
			: t->group ? t->group->cpus
				   : 0,
		.switches = t->switches,
		.mutexes = t->nr_held,
		.suspended = t->suspended,
		.killed = t->killed,
		.stack_size = STACK_SIZE,
		.flags = t->flags,
	};
	if (t->is_idle && !(cpus_online() & (1ull << t->cpu)))
		info->state = TASK_SUSPENDED; /* its CPU is off */
	else if (cpus[t->cpu].running == t)
		ticks += arch_ticks() - cpus[t->cpu].switch_ticks;
	else if (t->is_idle)
		info->state = TASK_READY; /* it never stands in a queue */
	if (freeze_holds_locked(t))
		info->state = TASK_FROZEN;
	info->run_ns = arch_ticks_to_ns(ticks);
	tm_snprintf(info->boosted_by, sizeof(info->boosted_by), "%s", sched_boost_name_locked(t));
	if (t->waiting_on)
		tm_snprintf(info->waiting_for, sizeof(info->waiting_for), "%s",
			    t->waiting_on->name);
	sched_unlock(flags);
	memcpy(info->name, t->name, sizeof(info->name));
	if (t->stack)
		info->stack_used = stack_used(t->stack);
}

bool task_info_next(u32 *id, struct task_info *info)
{
	struct tree_node *n;

	/* The lock keeps the task's stack mapped while it is looked at. */
	spin_lock(&table_lock);
	n = tree_lower_bound(&table, id_below, *id);
	if (n) {
		fill_info(table_entry(n), info);
		*id = info->id;
	}
	spin_unlock(&table_lock);
	return n;
}

int task_call(u32 id, int (*fn)(struct task *t, void *arg), void *arg)
{
	struct tree_node *n;
	int result = ERR_NOENT;

	spin_lock(&table_lock);
	n = tree_lower_bound(&table, id_below, id);
	if (n && table_entry(n)->id == id)
		result = fn(table_entry(n), arg);
	spin_unlock(&table_lock);
	return result;
}

bool task_visit_next(u32 *id, void (*fn)(struct task *t, void *arg), void *arg)
{
	struct tree_node *n;
	u64 flags;

	spin_lock(&table_lock);
	n = tree_lower_bound(&table, id_below, *id);
	if (n) {
		*id = table_entry(n)->id;
		flags = sched_lock();
		fn(table_entry(n), arg);
		sched_unlock(flags);
	}
	spin_unlock(&table_lock);
	return n;
}
