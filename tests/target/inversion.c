// SPDX-License-Identifier: Apache-2.0
/*
 * Priority inversion with real tasks: whoever inherits, or lends to a server,
 * never waits for a hog of middle priority, however long it computes; without
 * that the wait lasts as long as the hog does. Order is asserted, not time: the
 * hog's progress at the moment the urgent task has what it wants is exactly
 * nothing, or all of it.
 */
#include "rtos/shell/inversion.h"
#include "tests/target/suites.h"

#define HOG_NS 8000000ull

static struct scene_trace trace;

/* The priority somebody had when it said this; 0: it never did. */
static unsigned int prio_when(const char *who, const char *what)
{
	for (u32 i = 0; i < trace.nr_events; i++)
		if (!strcmp(trace.event[i].who, who) && !strcmp(trace.event[i].what, what))
			return trace.event[i].prio;
	return 0;
}

static u32 place_of(const char *who, const char *what)
{
	u32 i = 0;

	while (i < trace.nr_events &&
	       (strcmp(trace.event[i].who, who) != 0 || strcmp(trace.event[i].what, what) != 0))
		i++;
	TEST_CHECK_VAL(i < trace.nr_events, i, 0);
	return i;
}

static void play(enum scene_kind kind)
{
	int err = scene_play(kind, HOG_NS, &trace);

	TEST_CHECK_VAL(!err, (u64)-err, kind);
	/* In every scene high asked before low had finished its work. */
	TEST_CHECK_VAL(trace.waited_ns >= SCENE_SECTION_NS / 2, trace.waited_ns, kind);
}

static void check_bounded(const char *has)
{
	TEST_CHECK_VAL(trace.hog_ns == 0, trace.hog_ns, trace.waited_ns);
	TEST_CHECK(place_of("high", has) < place_of("hog", "computes"));
}

static void check_unbounded(const char *has)
{
	TEST_CHECK_VAL(trace.hog_ns >= HOG_NS, trace.hog_ns, trace.waited_ns);
	TEST_CHECK_VAL(trace.waited_ns >= HOG_NS, trace.waited_ns, 0);
	TEST_CHECK(place_of("hog", "has computed enough") < place_of("high", has));
}

static void plain_waits_for_the_hog(void)
{
	play(SCENE_PLAIN);
	check_unbounded("has M");
	TEST_CHECK(prio_when("low", "unlocks M") == SCENE_LOW);
}

static void inheritance_bounds_the_wait(void)
{
	play(SCENE_INHERIT);
	check_bounded("has M");
	TEST_CHECK(prio_when("low", "wakes high") == SCENE_LOW);
	TEST_CHECK(prio_when("low", "works on, wakes the hog") == SCENE_HIGH);
	TEST_CHECK(prio_when("low", "unlocks M") == SCENE_HIGH);
	TEST_CHECK(prio_when("low", "is back to its own affairs") == SCENE_LOW);
}

static void ceiling_bounds_the_wait(void)
{
	play(SCENE_CEILING);
	check_bounded("has M");
	TEST_CHECK(prio_when("low", "wakes high") == SCENE_HIGH);
	TEST_CHECK(prio_when("low", "is back to its own affairs") == SCENE_LOW);
	/* Nobody it could keep waiting ever ran: high found the mutex free. */
	TEST_CHECK(place_of("low", "unlocks M") < place_of("high", "wants M"));
}

static void chain_is_followed(void)
{
	play(SCENE_CHAIN);
	check_bounded("has M2");
	TEST_CHECK(prio_when("low", "wakes high") == SCENE_MID);
	TEST_CHECK(prio_when("low", "works on, wakes the hog") == SCENE_HIGH);
	TEST_CHECK(prio_when("low", "unlocks M") == SCENE_HIGH);
	TEST_CHECK(prio_when("low", "is back to its own affairs") == SCENE_LOW);
	TEST_CHECK(prio_when("mid", "has M") == SCENE_HIGH);
	TEST_CHECK(prio_when("mid", "unlocks M2") == SCENE_HIGH);
	TEST_CHECK(prio_when("mid", "is back to its own affairs") == SCENE_MID);
}

static void server_inherits(void)
{
	play(SCENE_SERVER);
	check_bounded("is served");
	TEST_CHECK(prio_when("server", "works on, wakes the hog") == SCENE_HIGH);
	TEST_CHECK(prio_when("server", "waits for requests") == SCENE_LOW);
}

static void queue_without_server_waits(void)
{
	play(SCENE_QUEUE);
	check_unbounded("is served");
	TEST_CHECK(prio_when("server", "serves high") == SCENE_LOW);
}

static const struct test_case cases[] = {
	{ "plain waits for the hog", plain_waits_for_the_hog },
	{ "inheritance bounds the wait", inheritance_bounds_the_wait },
	{ "ceiling bounds the wait", ceiling_bounds_the_wait },
	{ "chain is followed", chain_is_followed },
	{ "server inherits", server_inherits },
	{ "queue without server waits", queue_without_server_waits },
};

const struct test_suite suite_inversion = { "inversion", cases, ARRAY_SIZE(cases) };
