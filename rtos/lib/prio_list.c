/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two rings through the same nodes: one of all, in order, and one of the first
 * node of each level, so that finding the place of a newcomer skips equals.
 * The contract stands in prio_list.h.
 */
#include "rtos/lib/prio_list.h"
#include "rtos/meter.h"

/* Put n into the ring of all before `at`. */
static void link_before(struct prio_node *at, struct prio_node *n)
{
	n->next = at;
	n->prev = at->prev;
	at->prev->next = n;
	at->prev = n;
}

/* The same for the ring of firsts. */
static void level_before(struct prio_node *at, struct prio_node *n)
{
	n->level_next = at;
	n->level_prev = at->level_prev;
	at->level_prev->level_next = n;
	at->level_prev = n;
}

void prio_list_add_among(struct prio_list *l, struct prio_node *n, u32 prio)
{
	struct prio_node *first = l->first, *at = first;

	BUG_ON_VAL(n->next, n->prio, prio);
	n->prio = prio;
	/* The first level below, else once round: the end. */
	while (at->prio >= prio) {
		tm_step();
		if (at->prio == prio) {
			link_before(at->level_next, n);
			n->level_next = n->level_prev = NULL;
			return;
		}
		at = at->level_next;
		if (at == first)
			break;
	}
	link_before(at, n);
	level_before(at, n);
	if (at == first && prio > first->prio)
		l->first = n;
}

void prio_list_add_before(struct prio_list *l, struct prio_node *n, struct prio_node *at)
{
	BUG_ON_VAL(n->next || !at->next, n->prio, at->prio);
	n->prio = at->prio;
	link_before(at, n);
	if (at->level_next) {
		/* n takes its place among the firsts, too. */
		level_before(at, n);
		at->level_prev->level_next = at->level_next;
		at->level_next->level_prev = at->level_prev;
		at->level_next = at->level_prev = NULL;
	}
	if (l->first == at)
		l->first = n;
}

void prio_list_add_head(struct prio_list *l, struct prio_node *n, u32 prio)
{
	struct prio_node *head = l->first;

	while (head && head->prio > prio) {
		tm_step();
		head = head->level_next == l->first ? NULL : head->level_next;
	}
	if (head && head->prio == prio)
		prio_list_add_before(l, n, head);
	else
		prio_list_add(l, n, prio);
}

void prio_list_remove_among(struct prio_list *l, struct prio_node *n)
{
	struct prio_node *heir = n->next;

	BUG_ON_VAL(!n->next || !l->first, n->prio, 0);
	if (n->level_next) {
		if (!heir->level_next)
			level_before(n, heir); /* the next equal leads its level */
		n->level_prev->level_next = n->level_next;
		n->level_next->level_prev = n->level_prev;
	}
	n->prev->next = n->next;
	n->next->prev = n->prev;
	if (l->first == n)
		l->first = heir;
	n->next = n->prev = n->level_next = n->level_prev = NULL;
}

bool prio_list_check(const struct prio_list *l)
{
	const struct prio_node *n = l->first, *level = l->first;

	if (!n)
		return true;
	do {
		bool leads = n == l->first || n->prev->prio != n->prio;

		if (n->next->prev != n || (n != l->first && n->prev->prio < n->prio))
			return false;
		if (leads != (n->level_next != NULL) || (leads && n != level))
			return false;
		if (leads) {
			if (n->level_next->level_prev != n)
				return false;
			level = n->level_next;
		}
		n = n->next;
	} while (n != l->first);
	return level == l->first;
}
