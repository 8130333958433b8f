/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message queues: bad sizes are refused, messages keep their order through the
 * ring and past it, the most urgent waiter is served first, nothing is lost or
 * doubled between many senders and receivers, timeouts leave no trace.
 */
#include "tests/target/help.h"

enum { CAPACITY = 4, NR_TASKS = 4, PER_TASK = 200 };

struct msg {
	u32 from, number;
	u32 check; /* of the two, so that half a copy shows */
};

static struct msg ring[CAPACITY];
static struct msgq queue;

static struct msg make(u32 from, u32 number)
{
	return (struct msg){ from, number, from * 1000003 ^ number };
}

static bool whole(const struct msg *m)
{
	return m->check == (m->from * 1000003 ^ m->number);
}

static void begin(void)
{
	TEST_CHECK(msgq_init(&queue, "test queue", ring, sizeof(ring[0]), CAPACITY) == 0);
}

static void send(u32 from, u32 number)
{
	struct msg m = make(from, number);

	TEST_CHECK(msgq_send(&queue, &m, 0) == 0);
}

static void expect(u32 from, u32 number)
{
	struct msg m = { 0 };

	TEST_CHECK(msgq_receive(&queue, &m, 0) == 0);
	TEST_CHECK_VAL(m.from == from && m.number == number && whole(&m), m.from, m.number);
}

static void test_refused(void)
{
	static u8 buf[MSGQ_MESSAGE_MAX];
	struct msgq q;

	TEST_CHECK(msgq_init(&q, "q", buf, 0, 1) == ERR_INVAL);
	TEST_CHECK(msgq_init(&q, "q", buf, 1, 0) == ERR_INVAL);
	TEST_CHECK(msgq_init(&q, "q", NULL, 1, 1) == ERR_INVAL);
	TEST_CHECK(msgq_init(&q, "q", buf, MSGQ_MESSAGE_MAX + 1, 1) == ERR_INVAL);
	TEST_CHECK(msgq_init(&q, "q", buf, 16, 1u << 28) == ERR_INVAL);
	TEST_CHECK(msgq_init(&q, "q", buf, ~0u, ~0u) == ERR_INVAL);
	TEST_CHECK(msgq_init(&q, "q", buf, MSGQ_MESSAGE_MAX, 1) == 0);
	TEST_CHECK(msgq_send(&q, buf, 0) == 0);
	TEST_CHECK(msgq_send(&q, buf, 0) == ERR_TIMEDOUT);
	TEST_CHECK(msgq_send(&q, buf, time_after_ns(MS)) == ERR_TIMEDOUT);
}

static void test_ring(void)
{
	struct msg m;
	u32 i, round;

	begin();
	TEST_CHECK(msgq_receive(&queue, &m, 0) == ERR_TIMEDOUT);
	TEST_CHECK(msgq_receive(&queue, &m, time_after_ns(MS)) == ERR_TIMEDOUT);
	/* Every head meets every fill. */
	for (round = 0; round < CAPACITY * CAPACITY; round++) {
		u32 fill = 1 + round % CAPACITY;

		for (i = 0; i < fill; i++)
			send(round, i);
		TEST_CHECK_VAL(msgq_count(&queue) == fill, msgq_count(&queue), fill);
		m = make(9, 9);
		TEST_CHECK(fill < CAPACITY || msgq_send(&queue, &m, 0) == ERR_TIMEDOUT);
		for (i = 0; i < fill; i++)
			expect(round, i);
	}
}

static u32 nr_ready, nr_done, bad;
static u32 got_by[NR_TASKS];

static void receiver(void *arg)
{
	u32 me = (u32)(uintptr_t)arg;
	struct msg m;

	help_add(&nr_ready, 1);
	if (msgq_receive(&queue, &m, TM_FOREVER) || !whole(&m))
		help_add(&bad, 1);
	got_by[me] = m.number;
	help_add(&nr_done, 1);
}

static void await_waiting(const u32 *nr, u32 want)
{
	TEST_CHECK(help_await(nr, want));
}

/* Receivers wait, least urgent first; messages go to the most urgent first. */
static void test_receivers(void)
{
	struct task *t[NR_TASKS];
	u32 i;

	begin();
	nr_ready = nr_done = bad = 0;
	task_set_prio(task_current(), 20);
	for (i = 0; i < NR_TASKS; i++) {
		t[i] = help_spawn("receiver", 10 + i / 2, CPUS_ALL, receiver, (void *)(uintptr_t)i);
		await_waiting(&queue.receivers.nr_waiting, i + 1);
	}
	for (i = 0; i < NR_TASKS; i++)
		send(1, i);
	TEST_CHECK(msgq_count(&queue) == 0);
	for (i = 0; i < NR_TASKS; i++)
		help_join(t[i]);
	/* 2 and 3 are the more urgent ones; equals in order of arrival. */
	TEST_CHECK_VAL(got_by[2] == 0 && got_by[3] == 1, got_by[2], got_by[3]);
	TEST_CHECK_VAL(got_by[0] == 2 && got_by[1] == 3 && !bad, got_by[0], got_by[1]);
}

static void sender(void *arg)
{
	u32 me = (u32)(uintptr_t)arg;
	struct msg m = make(me, 7);

	if (msgq_send(&queue, &m, TM_FOREVER))
		help_add(&bad, 1);
	help_add(&nr_done, 1);
}

static void spawn_senders(struct task **t)
{
	u32 i;

	begin();
	nr_done = bad = 0;
	task_set_prio(task_current(), 20);
	for (i = 0; i < CAPACITY; i++)
		send(100, i);
	for (i = 0; i < NR_TASKS; i++) {
		t[i] = help_spawn("sender", 10 + i / 2, CPUS_ALL, sender, (void *)(uintptr_t)i);
		await_waiting(&queue.senders.nr_waiting, i + 1);
	}
}

/* Senders wait on a full queue: theirs come after those inside, by urgency. */
static void test_senders(void)
{
	static const u32 order[NR_TASKS] = { 2, 3, 0, 1 };
	struct task *t[NR_TASKS];
	u32 i;

	spawn_senders(t);
	for (i = 0; i < CAPACITY; i++)
		expect(100, i);
	for (i = 0; i < NR_TASKS; i++)
		expect(order[i], 7);
	for (i = 0; i < NR_TASKS; i++)
		help_join(t[i]);
	TEST_CHECK(nr_done == NR_TASKS && !bad && msgq_count(&queue) == 0);
}

static void test_purge(void)
{
	static const u32 order[NR_TASKS] = { 2, 3, 0, 1 };
	struct task *t[NR_TASKS];
	u32 i;

	spawn_senders(t);
	TEST_CHECK(msgq_purge(&queue) == CAPACITY);
	for (i = 0; i < NR_TASKS; i++)
		help_join(t[i]);
	for (i = 0; i < NR_TASKS; i++)
		expect(order[i], 7);
	TEST_CHECK(msgq_purge(&queue) == 0);
	send(1, 1);
	send(1, 2);
	TEST_CHECK(msgq_purge(&queue) == 2 && msgq_count(&queue) == 0);
	send(1, 3);
	expect(1, 3);
}

/* A receiver that timed out gets nothing any more; the next one gets it all. */
static void test_timeout(void)
{
	struct msg m = make(5, 5);
	u32 i;

	begin();
	for (i = 0; i < 20; i++) {
		TEST_CHECK(msgq_receive(&queue, &m, time_after_ns(i * 10000)) == ERR_TIMEDOUT);
		TEST_CHECK(whole(&m));
	}
	TEST_CHECK(queue.receivers.nr_waiting == 0);
	send(2, 2);
	TEST_CHECK_VAL(m.from == 5, m.from, 0);
	expect(2, 2);
}

/* ---- many at once ------------------------------------------------------------------ */

static u32 seen[NR_TASKS][PER_TASK]; /* how often each message arrived */
static u32 last_seen_bad;

static void many_sender(void *arg)
{
	u32 me = (u32)(uintptr_t)arg, i;
	struct msg m;

	for (i = 0; i < PER_TASK;) {
		m = make(me, i);
		/* Some with a deadline so near that it may pass. */
		if (msgq_send(&queue, &m, i % 5 ? TM_FOREVER : time_after_ns(2000)) == 0)
			i++;
	}
}

static void many_receiver(void *arg)
{
	u32 last[NR_TASKS] = { 0 }, i = 0;
	struct msg m;

	(void)arg;
	while (i < PER_TASK) {
		if (msgq_receive(&queue, &m, i % 7 ? TM_FOREVER : time_after_ns(2000)))
			continue;
		i++;
		if (!whole(&m) || m.from >= NR_TASKS || m.number >= PER_TASK) {
			help_add(&bad, 1);
			continue;
		}
		help_add(&seen[m.from][m.number], 1);
		/* What one sent comes to one receiver in the order it was sent. */
		if (m.number + 1 <= last[m.from])
			help_add(&last_seen_bad, 1);
		last[m.from] = m.number + 1;
	}
}

static void test_many(void)
{
	struct task *t[2 * NR_TASKS];
	u32 i, j, wrong = 0;

	begin();
	bad = last_seen_bad = 0;
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < NR_TASKS; i++) {
		t[i] = help_spawn("send", 9 + i % 2, CPUS_ALL, many_sender, (void *)(uintptr_t)i);
		t[NR_TASKS + i] = help_spawn("receive", 9 + i % 3, CPUS_ALL, many_receiver, NULL);
	}
	for (i = 0; i < 2 * NR_TASKS; i++)
		help_join(t[i]);
	for (i = 0; i < NR_TASKS; i++)
		for (j = 0; j < PER_TASK; j++)
			wrong += seen[i][j] != 1;
	TEST_CHECK_VAL(!wrong && !bad && !last_seen_bad, wrong, last_seen_bad);
	TEST_CHECK(msgq_count(&queue) == 0);
}

static void send_from_interrupt(struct timer *timer)
{
	struct msg m = make(3, 3);

	if (__atomic_load_n(&queue.receivers.nr_waiting, __ATOMIC_RELAXED) == 0) {
		/* A slow host: the task has not come to wait yet. */
		timer_start(timer, time_after_ns(MS), 0);
		return;
	}
	if (msgq_send(&queue, &m, 0))
		help_add(&bad, 1);
	if (msgq_receive(&queue, &m, 0) == 0)
		help_add(&bad, 1); /* it went to the task that waits */
}

static void test_interrupt(void)
{
	static struct timer timer;
	struct msg m;

	begin();
	bad = 0;
	timer_init(&timer, send_from_interrupt);
	timer_start(&timer, time_after_ns(MS), 0);
	TEST_CHECK(msgq_receive(&queue, &m, time_after_ns(30 * SEC)) == 0);
	TEST_CHECK(m.from == 3 && whole(&m) && !bad);
	timer_stop_sync(&timer);
}

static const struct test_case cases[] = {
	{ "refused", test_refused },     { "ring", test_ring },
	{ "receivers", test_receivers }, { "senders", test_senders },
	{ "purge", test_purge },         { "timeout", test_timeout },
	{ "many", test_many },           { "interrupt", test_interrupt },
};

const struct test_suite suite_msgq = { "msgq", cases, ARRAY_SIZE(cases) };
