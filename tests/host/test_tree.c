/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The balanced tree against a sorted array: after every insertion and removal
 * links, heights and order are checked, and walking it gives the array. Equal
 * keys must stay in the order of arrival, which timers and wait queues rely on.
 */
#include "unit.h"

#include "rtos/lib/tree.h"

enum { MAX_NODES_IN_TREE = 400 };

struct item {
	struct tree_node node;
	u64 key, arrival;
};

static struct item items[MAX_NODES_IN_TREE];
static struct item *model[MAX_NODES_IN_TREE]; /* sorted */
static unsigned int nr_items;
static struct tree tree;
static u64 arrivals;

static struct item *item_of(const struct tree_node *n)
{
	return container_of(n, struct item, node);
}

static bool less(const struct tree_node *a, const struct tree_node *b)
{
	return item_of(a)->key < item_of(b)->key;
}

static bool before(const struct tree_node *n, u64 key)
{
	return item_of(n)->key < key;
}

static int setup(void **state)
{
	(void)state;
	memset(items, 0, sizeof(items));
	memset(&tree, 0, sizeof(tree));
	nr_items = 0;
	return 0;
}

static void insert(struct item *it, u64 key)
{
	unsigned int at = nr_items;

	it->key = key;
	it->arrival = ++arrivals;
	while (at && model[at - 1]->key > key) {
		model[at] = model[at - 1];
		at--;
	}
	model[at] = it;
	nr_items++;
	tree_insert(&tree, &it->node, less);
}

static void take_out(unsigned int at)
{
	struct item *it = model[at];

	memmove(model + at, model + at + 1, (nr_items - at - 1) * sizeof(model[0]));
	nr_items--;
	tree_remove(&tree, &it->node);
	assert_false(tree_linked(&it->node));
}

static void compare(void)
{
	struct tree_node *n = tree_first(&tree);

	assert_true(tree_check(&tree, less));
	assert_int_equal(tree_empty(&tree), nr_items == 0);
	for (unsigned int i = 0; i < nr_items; i++, n = tree_next(n)) {
		assert_non_null(n);
		assert_ptr_equal(item_of(n), model[i]);
	}
	assert_null(n);
	/* An AVL tree of n nodes is at most 1.44 log2(n + 2) high. */
	if (tree.root)
		assert_true(tree.root->height <= 3 * (fls_u64(nr_items + 2) + 1) / 2);
}

/* Ascending, descending and alternating keys: each rotation in turn. */
static void test_orders(void **state)
{
	(void)state;
	for (int order = 0; order < 3; order++) {
		for (unsigned int i = 0; i < MAX_NODES_IN_TREE; i++) {
			u64 key = order == 0 ? i : order == 1 ? 1000 - i : i % 2 ? i : 1000 - i;

			insert(&items[i], key);
			if (i < 40 || i % 50 == 0)
				compare();
		}
		while (nr_items) {
			take_out(order == 0 ? 0 : order == 1 ? nr_items - 1 : nr_items / 2);
			if (nr_items < 40 || nr_items % 50 == 0)
				compare();
		}
	}
}

static void test_equal_keys(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		insert(&items[i], i % 3);
	compare();
	for (unsigned int i = 1; i < nr_items; i++)
		assert_true(model[i - 1]->key < model[i]->key ||
			    model[i - 1]->arrival < model[i]->arrival);
}

static struct item *unlinked(u64 *seed)
{
	unsigned int i = fake_random(seed) % MAX_NODES_IN_TREE;

	while (tree_linked(&items[i].node))
		i = (i + 1) % MAX_NODES_IN_TREE;
	return &items[i];
}

static void test_random(void **state)
{
	u64 seed = fake_seed("tree", 5);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		/* The number of nodes swings between few and many. */
		bool grow = fake_random(&seed) % 100 < (i / 2000 % 2 ? 35u : 65u);

		if (nr_items < MAX_NODES_IN_TREE && (grow || !nr_items))
			insert(unlinked(&seed), fake_random(&seed) % 500);
		else
			take_out(fake_random(&seed) % nr_items);
		compare();
	}
}

static void test_lower_bound(void **state)
{
	(void)state;
	assert_null(tree_lower_bound(&tree, before, 0));
	for (unsigned int i = 0; i < 50; i++)
		insert(&items[i], (i * 7 % 50) * 10);
	for (u64 key = 0; key <= 500; key++) {
		struct tree_node *n = tree_lower_bound(&tree, before, key);

		if (key > 490)
			assert_null(n);
		else
			assert_int_equal(item_of(n)->key, (key + 9) / 10 * 10);
	}
}

static void insert_twice(void *arg)
{
	tree_insert(&tree, arg, less);
	tree_insert(&tree, arg, less);
}

static void remove_unlinked(void *arg)
{
	tree_remove(&tree, arg);
}

static void test_misuse(void **state)
{
	(void)state;
	assert_non_null(fake_panics(remove_unlinked, &items[0].node));
	assert_non_null(fake_panics(insert_twice, &items[1].node));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_orders, setup),
		cmocka_unit_test_setup(test_equal_keys, setup),
		cmocka_unit_test_setup(test_random, setup),
		cmocka_unit_test_setup(test_lower_bound, setup),
		cmocka_unit_test_setup(test_misuse, setup),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
