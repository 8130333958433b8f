/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list in order of priority, highest first, FIFO among equals. Nodes lie in
 * the caller's structures. Adding looks at the first node of each level that
 * is present, so at most at 32, however long the list is; everything else
 * takes one step. All zero is an empty list, and a node in no list. The owner
 * of the structure provides the lock.
 */
#ifndef RTOS_LIB_PRIO_LIST_H
#define RTOS_LIB_PRIO_LIST_H

#include "rtos/lib/base.h"

struct prio_node {
	struct prio_node *next, *prev;             /* ring of all; null: in no list */
	struct prio_node *level_next, *level_prev; /* ring of firsts; null: not one */
	u32 prio;                                  /* set by prio_list_add(); 0..31 */
};

struct prio_list {
	struct prio_node *first; /* null: empty */
};

static inline bool prio_list_linked(const struct prio_node *n)
{
	return n->next != NULL;
}

/* The most urgent, longest waiting; or null. */
static inline struct prio_node *prio_list_first(const struct prio_list *l)
{
	return l->first;
}

/* The one behind n, or null. */
static inline struct prio_node *prio_list_next(const struct prio_list *l, const struct prio_node *n)
{
	return n->next == l->first ? NULL : n->next;
}

/* The same as below when there are others in the list. */
void prio_list_add_among(struct prio_list *l, struct prio_node *n, u32 prio);
void prio_list_remove_among(struct prio_list *l, struct prio_node *n);

/* Add n, which is in no list, at the tail of its level. */
static inline void prio_list_add(struct prio_list *l, struct prio_node *n, u32 prio)
{
	if (l->first) {
		prio_list_add_among(l, n, prio);
		return;
	}
	BUG_ON_VAL(tm_debug && n->next, n->prio, prio);
	n->prio = prio;
	n->next = n->prev = n->level_next = n->level_prev = n;
	l->first = n;
}

/* Add n at the head of its level. */
void prio_list_add_head(struct prio_list *l, struct prio_node *n, u32 prio);
/* Add n, which is in no list, right before `at`, on its level. */
void prio_list_add_before(struct prio_list *l, struct prio_node *n, struct prio_node *at);

/* Take n out of l, in which it is. */
static inline void prio_list_remove(struct prio_list *l, struct prio_node *n)
{
	if (n->next != n) {
		prio_list_remove_among(l, n);
		return;
	}
	BUG_ON_VAL(tm_debug && l->first != n, n->prio, 0);
	n->next = n->prev = n->level_next = n->level_prev = NULL;
	l->first = NULL;
}

/* True when order, rings and levels are right. O(n): tests only. */
bool prio_list_check(const struct prio_list *l);

#endif
