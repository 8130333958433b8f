/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVL tree with parent links. The heights of two siblings differ by at most
 * one; an insertion or removal walks from the changed place to the root,
 * restoring that with at most two rotations a level. The owner's lock guards
 * everything; nothing here calls back except the comparison.
 */
#include "rtos/lib/tree.h"

static u32 height(const struct tree_node *n)
{
	return n ? n->height : 0;
}

static void update(struct tree_node *n)
{
	u32 a = height(n->child[0]), b = height(n->child[1]);

	n->height = (a > b ? a : b) + 1;
}

/* Put `to` where `from` hangs; `to` may be null. */
static void replace(struct tree *t, struct tree_node *from, struct tree_node *to)
{
	struct tree_node *p = from->parent;

	if (!p)
		t->root = to;
	else
		p->child[p->child[1] == from] = to;
	if (to)
		to->parent = p;
}

/* Lift n's child on side `up` above n. */
static struct tree_node *rotate(struct tree *t, struct tree_node *n, int up)
{
	struct tree_node *c = n->child[up], *inner = c->child[!up];

	replace(t, n, c);
	c->child[!up] = n;
	n->parent = c;
	n->child[up] = inner;
	if (inner)
		inner->parent = n;
	update(n);
	update(c);
	return c;
}

/* Right what differs by two; result: the node that stands where n did. */
static struct tree_node *lean_back(struct tree *t, struct tree_node *n, int heavy)
{
	struct tree_node *c = n->child[heavy];

	if (height(c->child[!heavy]) > height(c->child[heavy]))
		rotate(t, c, !heavy);
	return rotate(t, n, heavy);
}

/* Up to the first subtree whose height is what it was: above it nothing moved. */
static void balance_up(struct tree *t, struct tree_node *n)
{
	u32 was, a, b;

	for (; n; n = n->parent) {
		tm_step();
		was = n->height;
		a = height(n->child[0]);
		b = height(n->child[1]);
		if (likely(a - b + 1 <= 2))
			n->height = (a > b ? a : b) + 1;
		else
			n = lean_back(t, n, b > a);
		if (n->height == was)
			return;
	}
}

void tree_link(struct tree *t, struct tree_node *n, struct tree_node *p, struct tree_node **link)
{
	BUG_ON(tree_linked(n));
	*n = (struct tree_node){ .parent = p, .height = 1 };
	*link = n;
	balance_up(t, p);
}

static struct tree_node *leftmost(struct tree_node *n)
{
	while (n && n->child[0])
		n = n->child[0];
	return n;
}

void tree_remove(struct tree *t, struct tree_node *n)
{
	struct tree_node *heir, *from;

	BUG_ON(!tree_linked(n));
	BUG_ON(!n->parent && t->root != n);
	if (!n->child[0] || !n->child[1]) {
		from = n->parent;
		replace(t, n, n->child[0] ? n->child[0] : n->child[1]);
	} else {
		heir = leftmost(n->child[1]);
		from = heir->parent == n ? heir : heir->parent;
		replace(t, heir, heir->child[1]);
		heir->child[0] = n->child[0];
		heir->child[1] = n->child[1];
		heir->height = n->height; /* the walk may end below */
		heir->child[0]->parent = heir;
		if (heir->child[1])
			heir->child[1]->parent = heir;
		replace(t, n, heir);
	}
	*n = (struct tree_node){ .height = 0 };
	balance_up(t, from);
}

struct tree_node *tree_first(const struct tree *t)
{
	return leftmost(t->root);
}

struct tree_node *tree_next(const struct tree_node *n)
{
	if (n->child[1])
		return leftmost(n->child[1]);
	while (n->parent && n->parent->child[1] == n)
		n = n->parent;
	return n->parent;
}

struct tree_node *tree_lower_bound(const struct tree *t,
				   bool (*before)(const struct tree_node *n, u64 key), u64 key)
{
	struct tree_node *n = t->root, *best = NULL;

	while (n) {
		if (before(n, key)) {
			n = n->child[1];
		} else {
			best = n;
			n = n->child[0];
		}
	}
	return best;
}

static bool node_ok(const struct tree *t, const struct tree_node *n)
{
	u32 a = height(n->child[0]), b = height(n->child[1]);
	bool linked =
		n->parent ? n->parent->child[0] == n || n->parent->child[1] == n : t->root == n;

	return linked && a <= b + 1 && b <= a + 1 && n->height == (a > b ? a : b) + 1;
}

bool tree_check(const struct tree *t, tree_less_fn less)
{
	const struct tree_node *n, *prev = NULL;

	for (n = tree_first(t); n; prev = n, n = tree_next(n))
		if (!node_ok(t, n) || (prev && less(n, prev)))
			return false;
	return true;
}
