/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory policies and limits of tasks (rows 76, 82-86); contracts in policy.h
 * and mm/mm.h. State lies in the task (mm/task.h): the policy is its own affair,
 * the limits may be changed by others, one at a time under limits_lock. The bits
 * POLICY and LIMITED in `special` send only the tasks concerned the long way.
 *
 * Nodes without memory drop out when a mask is resolved, so nobody below sees
 * one. Refuses to know zones' marks and who is near: the zonelist does.
 */
#include "mm/page/policy.h"

#include "mm/page/page_alloc.h"
#include "mm/page/request.h"
#include "mm/stat/vmstat.h"
#include "mm/task.h"

static struct spinlock limits_lock = SPINLOCK_INIT(LOCK_RANK_MM_MEMS);

static u32 special_of(const struct mm_task *mm)
{
	return __atomic_load_n(&mm->special, __ATOMIC_RELAXED);
}

static void special_change(struct mm_task *mm, u32 set, u32 clear)
{
	__atomic_fetch_and(&mm->special, ~clear, __ATOMIC_RELAXED);
	__atomic_fetch_or(&mm->special, set, __ATOMIC_RELAXED);
}

/* ---- limits ------------------------------------------------------------------ */

/* What the task's limits are, no matter whom they bind. */
static u64 limits_of(const struct mm_task *mm)
{
	if (likely(!(special_of(mm) & MM_TASK_LIMITED)))
		return ~0ull;
	return __atomic_load_n(&mm->mems_allowed, __ATOMIC_RELAXED);
}

u64 limits_nodes(gfp_t gfp)
{
	const struct mm_task *mm = mm_own();
	u64 nodes = limits_of(mm);

	if (likely(nodes == ~0ull) || !(gfp & __GFP_HARDWALL) || in_interrupt())
		return ~0ull;
	if ((special_of(mm) & MM_TASK_VICTIM) || task_killed(task_current()))
		return ~0ull;
	return nodes;
}

u32 limits_begin(void)
{
	return __atomic_load_n(&mm_own()->mems_cookie, __ATOMIC_ACQUIRE);
}

/* A writer masks interrupts for some instructions, so retrying on an odd cookie
 * cannot go on for long. */
bool limits_retry(u32 cookie)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (cookie & 1) || __atomic_load_n(&mm_own()->mems_cookie, __ATOMIC_RELAXED) != cookie;
}

static void cookie_step(struct mm_task *mm)
{
	__atomic_fetch_add(&mm->mems_cookie, 1, __ATOMIC_SEQ_CST);
}

int mm_mems_allowed_set(struct task *t, u64 nodes)
{
	struct mm_task *mm = task_mm(t ? t : task_current());
	bool all = !(nodes_with_memory() & ~nodes);
	u64 flags;

	if (!(nodes & nodes_with_memory()) || (nodes & ~nodes_online()))
		return ERR_INVAL;
	flags = spin_lock_irqsave(&limits_lock);
	cookie_step(mm);
	__atomic_store_n(&mm->mems_allowed, nodes, __ATOMIC_RELAXED);
	special_change(mm, all ? 0 : MM_TASK_LIMITED, all ? MM_TASK_LIMITED : 0);
	cookie_step(mm);
	BUG_ON_VAL(mm->mems_cookie & 1, mm->mems_cookie, nodes);
	spin_unlock_irqrestore(&limits_lock, flags);
	return 0;
}

u64 mm_mems_allowed(const struct task *t)
{
	const struct mm_task *mm = t ? task_mm((struct task *)t) : mm_own();

	return limits_of(mm) & nodes_online();
}

/* ---- policies ------------------------------------------------------------------- */

int mm_policy_check(const struct mm_policy *p)
{
	u64 usable = p->nodes & nodes_with_memory();

	if (p->nodes & ~nodes_online())
		return ERR_INVAL;
	switch (p->mode) {
	case MM_POLICY_LOCAL:
		return p->nodes ? ERR_INVAL : 0;
	case MM_POLICY_PREFERRED:
		return usable && is_pow2(p->nodes) ? 0 : ERR_INVAL;
	case MM_POLICY_INTERLEAVE:
	case MM_POLICY_BIND:
		return usable ? 0 : ERR_INVAL;
	}
	return ERR_INVAL;
}

int mm_policy_set(const struct mm_policy *p)
{
	static const struct mm_policy local = { MM_POLICY_LOCAL, 0 };
	struct mm_task *mm = mm_own();
	int err;

	if (!p)
		p = &local;
	err = mm_policy_check(p);
	if (err)
		return err;
	mm->policy_mode = p->mode;
	mm->policy_nodes = p->nodes & nodes_with_memory();
	mm->interleave_next = 0;
	special_change(mm, p->mode == MM_POLICY_LOCAL ? 0 : MM_TASK_POLICY,
		       p->mode == MM_POLICY_LOCAL ? MM_TASK_POLICY : 0);
	return 0;
}

struct mm_policy mm_policy_get(void)
{
	const struct mm_task *mm = mm_own();

	if (!(special_of(mm) & MM_TASK_POLICY))
		return (struct mm_policy){ MM_POLICY_LOCAL, 0 };
	return (struct mm_policy){ (enum mm_policy_mode)mm->policy_mode, mm->policy_nodes };
}

static struct placement place_local(void)
{
	return (struct placement){ .node = (int)cpu_to_node(cpu_id()), .nodes = ~0ull };
}

/* First node of a mask at or after `from`, around its end. The mask is not empty. */
static u32 node_from(u64 mask, u32 from)
{
	u64 rest = from < MAX_NODES ? mask & ~0ull << from : 0;

	BUG_ON_VAL(!mask, from, 0);
	return (u32)__builtin_ctzll(rest ? rest : mask);
}

/* The n-th node of a mask that has more, by rising id: at most MAX_NODES steps. */
static u32 node_nth(u64 mask, u64 n)
{
	BUG_ON_VAL(n >= (u64)__builtin_popcountll(mask), mask, n);
	while (n--)
		mask &= mask - 1;
	return (u32)__builtin_ctzll(mask);
}

/* Place by a mode that is not local; which node starts an interleaved one is the caller's
 * choice. */
static struct placement place_by(enum mm_policy_mode mode, u64 nodes, u32 start)
{
	struct placement place = place_local();

	BUG_ON_VAL(mode == MM_POLICY_LOCAL || mode > MM_POLICY_BIND, mode, nodes);
	if (mode == MM_POLICY_BIND)
		place.nodes = nodes;
	else
		place.node = (int)start;
	place.interleave = mode == MM_POLICY_INTERLEAVE;
	return place;
}

struct placement policy_of_task(gfp_t gfp)
{
	struct mm_task *mm = mm_own();
	enum mm_policy_mode mode;
	u64 nodes;
	u32 start;

	if (likely(!(special_of(mm) & MM_TASK_POLICY)) || in_interrupt() || (gfp & __GFP_THISNODE))
		return place_local();
	nodes = mm->policy_nodes & limits_of(mm);
	if (!nodes)
		return place_local();
	mode = (enum mm_policy_mode)mm->policy_mode;
	start = node_from(nodes, mode == MM_POLICY_INTERLEAVE ? mm->interleave_next : 0);
	if (mode == MM_POLICY_INTERLEAVE)
		mm->interleave_next = start + 1;
	return place_by(mode, nodes, start);
}

int policy_of_range(const struct mm_policy *p, u64 index, gfp_t gfp, unsigned int order,
		    struct placement *place)
{
	u64 nodes = p->nodes & nodes_with_memory() & (in_interrupt() ? ~0ull : limits_of(mm_own()));

	if (mm_policy_check(p) || order > MAX_PAGE_ORDER)
		return ERR_INVAL;
	*place = place_local();
	if (p->mode != MM_POLICY_LOCAL && nodes && !(gfp & __GFP_THISNODE))
		*place = place_by(
			p->mode, nodes,
			node_nth(nodes, (index >> order) % (u64)__builtin_popcountll(nodes)));
	return 0;
}

struct page *alloc_pages_policy(const struct mm_policy *p, u64 index, gfp_t gfp, unsigned int order)
{
	struct alloc_request rq;

	vm_event(PGALLOC_LONG);
	if (request_fill_policy(&rq, p, index, gfp, order, __builtin_return_address(0)))
		return NULL;
	return page_alloc_request(&rq, true);
}

/* ---- scopes (row 81) -------------------------------------------------------------- */

enum {
	SCOPES = MM_SCOPE_NOIO | MM_SCOPE_NOFS | MM_SCOPE_MEMALLOC,
};
_Static_assert((int)MM_SCOPE_NOIO == MM_TASK_NOIO && (int)MM_SCOPE_NOFS == MM_TASK_NOFS &&
		       (int)MM_SCOPE_MEMALLOC == MM_TASK_MEMALLOC,
	       "scopes are bits of the task");

unsigned int mm_scope_save(unsigned int scopes)
{
	struct mm_task *mm = mm_own();
	u32 before = special_of(mm) & SCOPES;

	BUG_ON_VAL(scopes & ~(unsigned int)SCOPES, scopes, before);
	special_change(mm, scopes, 0);
	return before;
}

void mm_scope_restore(unsigned int saved)
{
	BUG_ON_VAL(saved & ~(unsigned int)SCOPES, saved, 0);
	special_change(mm_own(), saved, SCOPES & ~saved);
}
