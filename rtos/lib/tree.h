/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An intrusive balanced tree (AVL): nodes live inside the caller's structures,
 * nothing is allocated. Every operation takes O(log n) steps, 1.44 log2(n) at
 * most, none recurses. Used for timers, wait queues and the task table; the
 * owner of the structure provides the lock.
 */
#ifndef RTOS_LIB_TREE_H
#define RTOS_LIB_TREE_H

#include "rtos/lib/base.h"
#include "rtos/meter.h"

struct tree_node {
	struct tree_node *child[2]; /* smaller, greater */
	struct tree_node *parent;   /* null: root, or not in a tree */
	u32 height;                 /* of the subtree; 0: not in a tree */
};

/* All zero is an empty tree. */
struct tree {
	struct tree_node *root;
};

/* True when a sorts strictly before b. Must be a total order over the tree;
 * nodes that compare equal keep the order of insertion. */
typedef bool (*tree_less_fn)(const struct tree_node *a, const struct tree_node *b);

/* Hang a node that is in no tree below p, at one of its empty links. */
void tree_link(struct tree *t, struct tree_node *n, struct tree_node *p, struct tree_node **link);

/* Add a node that is in no tree. In line, and less with it: the way down is most
 * of the work. */
static inline void tree_insert(struct tree *t, struct tree_node *n, tree_less_fn less)
{
	struct tree_node *p = NULL, **link = &t->root;

	while (*link) {
		tm_step();
		p = *link;
		link = &p->child[!less(n, p)];
	}
	tree_link(t, n, p, link);
}

/* Take a node out of its tree; it reads as "not in a tree" afterwards. */
void tree_remove(struct tree *t, struct tree_node *n);
/* Smallest node, or null. */
struct tree_node *tree_first(const struct tree *t);
/* Next greater node, or null. */
struct tree_node *tree_next(const struct tree_node *n);

static inline bool tree_linked(const struct tree_node *n)
{
	return n->height != 0;
}

static inline bool tree_empty(const struct tree *t)
{
	return !t->root;
}

/* Smallest node for which before() is false, before() being true for a prefix
 * of the order; null when there is none. */
struct tree_node *tree_lower_bound(const struct tree *t,
				   bool (*before)(const struct tree_node *n, u64 key), u64 key);

/* True when links, heights, balance and order are right. O(n): tests only. */
bool tree_check(const struct tree *t, tree_less_fn less);

#endif
