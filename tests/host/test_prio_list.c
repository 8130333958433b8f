// SPDX-License-Identifier: Apache-2.0
/*
 * The list of waiters against a plain array: every sequence of up to eight
 * additions and removals over three levels, then long random ones over all 32
 * levels. After each step the list's own equations hold and walking it gives
 * the array; a place is found in at most one look per level that is present.
 */
#include "unit.h"

#include "rtos/lib/prio_list.h"

enum { MAX_NODES_IN_LIST = 200, DEPTH = 8, LEVELS = 32 };

static struct prio_node nodes[MAX_NODES_IN_LIST];
static struct prio_node *model[MAX_NODES_IN_LIST]; /* in order */
static unsigned int nr_linked;
static struct prio_list list;
static u64 nr_steps;

static int setup(void **state)
{
	(void)state;
	memset(nodes, 0, sizeof(nodes));
	memset(&list, 0, sizeof(list));
	nr_linked = 0;
	nr_steps = 0;
	return 0;
}

/* The model: behind the last one that is at least as urgent. */
static void add(struct prio_node *n, u32 prio)
{
	unsigned int at = nr_linked;

	prio_list_add(&list, n, prio);
	while (at && model[at - 1]->prio < prio) {
		model[at] = model[at - 1];
		at--;
	}
	model[at] = n;
	nr_linked++;
}

/* At the head: behind the last one that is more urgent. */
static void add_head(struct prio_node *n, u32 prio)
{
	unsigned int at = nr_linked;

	prio_list_add_head(&list, n, prio);
	while (at && model[at - 1]->prio <= prio) {
		model[at] = model[at - 1];
		at--;
	}
	model[at] = n;
	nr_linked++;
}

static struct prio_node *take_out(unsigned int at)
{
	struct prio_node *n = model[at];

	memmove(model + at, model + at + 1, (nr_linked - at - 1) * sizeof(model[0]));
	nr_linked--;
	prio_list_remove(&list, n);
	assert_false(prio_list_linked(n));
	return n;
}

static void compare(void)
{
	const struct prio_node *n = prio_list_first(&list);

	nr_steps++;
	assert_true(prio_list_check(&list));
	for (unsigned int i = 0; i < nr_linked; i++, n = prio_list_next(&list, n))
		assert_ptr_equal(n, model[i]);
	assert_null(n);
}

/*
 * One state in the tree of all sequences: `done` steps were made and free[]
 * are the nodes in no list. Undoing an addition is a removal and the other way
 * round only at the tail of a level, so states are copied, not undone.
 */
struct saved {
	struct prio_node nodes[DEPTH];
	struct prio_node *model[DEPTH];
	unsigned int nr_linked;
	struct prio_list list;
};

static void save(struct saved *s)
{
	memcpy(s->nodes, nodes, sizeof(s->nodes));
	memcpy(s->model, model, sizeof(s->model));
	s->nr_linked = nr_linked;
	s->list = list;
}

static void restore(const struct saved *s)
{
	memcpy(nodes, s->nodes, sizeof(s->nodes));
	memcpy(model, s->model, sizeof(s->model));
	nr_linked = s->nr_linked;
	list = s->list;
}

static struct prio_node *unused(void)
{
	unsigned int i = 0;

	while (prio_list_linked(&nodes[i]))
		i++;
	return &nodes[i];
}

static void all_sequences(unsigned int left)
{
	static struct saved states[DEPTH + 1];
	struct saved *s = &states[left];

	if (!left)
		return;
	save(s);
	for (u32 prio = 0; prio < 3; prio++) {
		add(unused(), prio);
		compare();
		all_sequences(left - 1);
		restore(s);
		add_head(unused(), prio);
		compare();
		restore(s);
	}
	for (unsigned int at = 0; at < s->nr_linked; at++) {
		take_out(at);
		compare();
		all_sequences(left - 1);
		restore(s);
	}
}

static void test_every_short_sequence(void **state)
{
	(void)state;
	all_sequences(DEPTH);
	assert_true(nr_steps > 100000);
}

static void test_random(void **state)
{
	unsigned int rounds = fake_rounds(20000);
	u64 random = fake_seed("prio_list", 3);

	(void)state;
	for (unsigned int i = 0; i < rounds; i++) {
		u64 r = fake_random(&random);
		/* Sways between a few nodes and nearly all. */
		bool grow = r % 100 < (i / 500 % 2 ? 70 : 30);

		if (nr_linked == MAX_NODES_IN_LIST || (nr_linked && !grow)) {
			struct prio_node *n = take_out((unsigned int)(r >> 8) % nr_linked);

			if (r >> 40 & 1) /* a change of priority */
				(r >> 50 & 1 ? add : add_head)(n, (u32)(r >> 41) % LEVELS);
		} else {
			add(unused(), (u32)(r >> 8) % LEVELS);
		}
		compare();
	}
	while (nr_linked)
		take_out((unsigned int)fake_random(&random) % nr_linked);
	compare();
	assert_null(prio_list_first(&list));
}

/* The looks an addition needs: the firsts before its place, however many equal
 * nodes stand behind each. Counted on the ring of firsts. */
static void test_levels_not_nodes(void **state)
{
	const struct prio_node *n;
	unsigned int firsts = 1;

	(void)state;
	for (unsigned int i = 0; i < MAX_NODES_IN_LIST; i++)
		add(&nodes[i], i % LEVELS);
	compare();
	for (n = list.first->level_next; n != list.first; n = n->level_next)
		firsts++;
	assert_int_equal(firsts, LEVELS);
}

static void test_validator_sees_damage(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		add(&nodes[i], i / 2);
	assert_true(prio_list_check(&list));
	nodes[5].prio = 0; /* the most urgent level's second */
	assert_false(prio_list_check(&list));
	nodes[5].prio = 2;
	nodes[5].level_next = nodes[5].level_prev = &nodes[5]; /* leads nothing */
	assert_false(prio_list_check(&list));
	nodes[5].level_next = nodes[5].level_prev = NULL;
	assert_true(prio_list_check(&list));
	list.first = &nodes[0];
	assert_false(prio_list_check(&list));
}

static void add_twice(void *arg)
{
	prio_list_add(&list, arg, 3);
	prio_list_add(&list, arg, 4);
}

static void remove_unlinked(void *arg)
{
	prio_list_remove(&list, arg);
}

static void test_misuse(void **state)
{
	(void)state;
	assert_non_null(fake_panics(remove_unlinked, &nodes[0]));
	assert_non_null(fake_panics(add_twice, &nodes[1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_short_sequence, setup),
		cmocka_unit_test_setup(test_random, setup),
		cmocka_unit_test_setup(test_levels_not_nodes, setup),
		cmocka_unit_test_setup(test_validator_sees_damage, setup),
		cmocka_unit_test_setup(test_misuse, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
