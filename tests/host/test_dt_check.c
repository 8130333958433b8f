/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validation pass: sound trees pass, each defect is named with its node,
 * and no byte outside of the blob is read: each lies in a heap block of its own
 * size, so the address sanitizer sees the first byte too far. The random part
 * damages real trees and asks libfdt about those that passed: it must walk them
 * without an error and within its blocks.
 */
#include "unit.h"

#include <libfdt.h>

#include "help/tree.h"
#include "mm/boot/dt_check.h"

static struct dt_shape shape;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

/* A tree of three nodes. */
static void *small_tree(u32 *size)
{
	tree_begin(2, 2);
	memory_node(0x40000000, 0x10000000, 0);
	node_begin("chosen");
	prop_string("bootargs", "quiet");
	node_end();
	return tree_end(size);
}

/* dt_check() on a copy of its own; a byte read beyond it is reported by ASan. */
static const char *check(const void *blob, u32 size)
{
	u8 *copy = malloc(size ? size : 1); /* 16-byte aligned */
	const char *why;

	memcpy(copy, blob, size);
	why = dt_check(copy, size, &shape);
	free(copy);
	return why;
}

static void assert_fault(const char *needle, const void *blob, u32 size)
{
	const char *why = check(blob, size);

	if (!why || !strstr(why, needle))
		fail_msg("\"%s\" expected, got \"%s\"", needle, why ? why : "(none)");
}

static void test_sound_tree(void **state)
{
	u32 size;
	void *blob = small_tree(&size);

	(void)state;
	assert_null(check(blob, size));
	assert_int_equal(shape.nr_nodes, 3);
	assert_int_equal(shape.nr_props, 6);
	assert_int_equal(shape.max_depth, 1);
	assert_int_equal(shape.chosen, fdt_path_offset(blob, "/chosen"));
	assert_int_equal(shape.aliases, -1);
	assert_int_equal(shape.reserved_memory, -1);
	assert_int_equal(dt_warnings(), 0);
}

/* QEMU pads to 1 MiB: only what is used has to be there. */
static void test_padding_is_not_read(void **state)
{
	u32 size, total, used;
	void *blob = small_tree(&size);

	(void)state;
	fdt_set_totalsize(blob, 1 << 20);
	assert_null(dt_check_header(blob, &total, &used));
	assert_int_equal(total, 1 << 20);
	assert_int_equal(used, size);
	assert_null(check(blob, size));
	assert_fault("bytes in use, only", blob, size - 1);
	/* A tree QEMU dumped and was given back: padded to over 2 MiB. */
	fdt_set_totalsize(blob, 2117152);
	assert_null(dt_check_header(blob, &total, &used));
	assert_int_equal(used, size);
	fdt_set_totalsize(blob, DT_MAX_TOTAL + 1);
	assert_non_null(dt_check_header(blob, &total, &used));
}

/* The early window holds the protocol's 2 MiB and no more of what is used. */
static void test_used_part_is_limited(void **state)
{
	u32 size, total, used;
	void *blob = small_tree(&size);

	(void)state;
	fdt_set_totalsize(blob, 4 << 20);
	fdt_set_size_dt_strings(blob, (2 << 20) - fdt_off_dt_strings(blob));
	assert_null(dt_check_header(blob, &total, &used));
	assert_int_equal(used, 2 << 20);
	fdt_set_size_dt_strings(blob, (2 << 20) - fdt_off_dt_strings(blob) + 1);
	assert_non_null(dt_check_header(blob, &total, &used));
}

static void test_header_at_any_alignment(void **state)
{
	u8 buf[64 + DT_HEADER_BYTES];
	u32 size, total, used;
	void *blob = small_tree(&size);

	(void)state;
	for (u32 off = 0; off < 9; off++) {
		memcpy(buf + off, blob, DT_HEADER_BYTES);
		assert_null(dt_check_header(buf + off, &total, &used));
		assert_int_equal(total, size);
	}
}

static void test_too_short(void **state)
{
	u32 size;
	void *blob = small_tree(&size);

	(void)state;
	for (u32 n = 0; n < size; n++)
		assert_non_null(check(blob, n));
}

/* Every word of the header, with every nasty number. */
static void test_header_words(void **state)
{
	static const u32 nasty[] = { 0,          1,          4,          7,          39,        40,
				     0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff };
	u32 size;
	u8 *blob = small_tree(&size), keep[4];

	(void)state;
	for (u32 word = 0; word < 10; word++) {
		memcpy(keep, blob + 4 * word, 4);
		for (u32 i = 0; i < ARRAY_SIZE(nasty); i++) {
			u32 v = cpu_to_fdt32(nasty[i]);
			const char *why;

			if (!memcmp(&v, keep, 4))
				continue;
			memcpy(blob + 4 * word, &v, 4);
			why = check(blob, size);
			/* The boot CPU's id may be anything, versions some things, and
			 * zeros right behind the header are an empty reserve map. */
			if (word != 7 && !(word == 4 && nasty[i] == 40) &&
			    !(word == 6 && nasty[i] <= 17) && word != 5) {
				if (!why)
					fail_msg("header word %u = 0x%x passed", word, nasty[i]);
			}
		}
		memcpy(blob + 4 * word, keep, 4);
	}
	assert_null(check(blob, size));
}

static void test_depth(void **state)
{
	u32 size;
	void *blob;

	(void)state;
	for (u32 depth = DT_MAX_DEPTH; depth <= DT_MAX_DEPTH + 1; depth++) {
		tree_begin(2, 2);
		for (u32 i = 0; i < depth; i++)
			node_begin("n");
		for (u32 i = 0; i < depth; i++)
			node_end();
		blob = tree_end(&size);
		if (depth <= DT_MAX_DEPTH) {
			assert_null(check(blob, size));
			assert_int_equal(shape.max_depth, depth);
		} else {
			assert_fault("node /n/n/n/n", blob, size);
			assert_fault("nested more than 64 levels deep", blob, size);
		}
	}
}

static void test_fault_names_the_node(void **state)
{
	u32 size;
	u8 *blob;
	int node;

	(void)state;
	tree_begin(2, 2);
	node_begin("soc");
	node_begin("uart@1\x1b[2J");
	prop_u32("reg", 1);
	node_end();
	node_end();
	blob = tree_end(&size);
	node = fdt_first_property_offset(blob, fdt_path_offset(blob, "/soc/uart"));
	assert_true(node > 0);
	/* The value's length, of the property in the inner node. */
	blob[fdt_off_dt_struct(blob) + node + 4] = 0x7f;
	assert_fault("node /soc/uart@1?[2J, offset", blob, size);
	assert_fault("property value runs out of the structure block", blob, size);
}

/* The path to a fault may be longer than the line that names it. */
static void test_fault_deep_down(void **state)
{
	char name[40];
	u32 size;
	u8 *blob;

	(void)state;
	tree_begin(2, 2);
	for (u32 i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "a-rather-long-name-of-a-node@%02u", i);
		node_begin(name);
	}
	prop_u32("last", 0x12345678);
	for (u32 i = 0; i < 40; i++)
		node_end();
	blob = tree_end(&size);
	for (u32 i = 0; i + 4 <= size; i += 4) {
		if (!memcmp(blob + i, "\x12\x34\x56\x78", 4))
			blob[i - 8] = 0xff; /* the property's length */
	}
	assert_fault("/a-rather-long-name-of-a-node@00/a-rather-long-name-of-a-node@01/", blob,
		     size);
	assert_fault("property value runs out of the structure block", blob, size);
}

/* libfdt 1.6.1 would follow these until the stack ends. */
static void test_alias_loops_are_named(void **state)
{
	u32 size;
	void *blob;

	(void)state;
	tree_begin(2, 2);
	node_begin("aliases");
	prop_string("me", "me");
	prop_string("a", "b");
	prop_string("serial0", "/soc/uart");
	prop_bytes("open", "/soc", 4);
	prop_empty("none");
	/* Overlays refer to the node itself: a number that is no alias. */
	prop_u32("phandle", 0x11223344);
	prop_u32("linux,phandle", 0x11223344);
	node_end();
	blob = tree_end(&size);
	assert_null(check(blob, size));
	assert_int_equal(dt_warnings(), 4);
	assert_true(fake_log_has("/aliases me = \"me\": not the path of a node"));
	assert_false(fake_log_has("serial0"));
}

/* A tree with thousands of faults costs forty lines. */
static void test_warnings_are_limited(void **state)
{
	u32 size;
	void *blob;
	char name[16];

	(void)state;
	tree_begin(2, 2);
	node_begin("aliases");
	for (u32 i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "a%u", i);
		prop_string(name, "b");
	}
	node_end();
	blob = tree_end(&size);
	assert_null(check(blob, size));
	assert_int_equal(dt_warnings(), 5000);
	assert_int_equal(fake_log_count("device tree: "), 41);
	assert_int_equal(fake_log_count("more warnings follow"), 1);
}

static void test_printable(void **state)
{
	char buf[8];

	(void)state;
	assert_string_equal(dt_printable(buf, sizeof(buf), "a b\x1b\xff\n"), "a b???");
	assert_string_equal(dt_printable(buf, sizeof(buf), "0123456789"), "0123456");
	assert_string_equal(dt_printable(buf, 1, "x"), "");
}

/* ---- random damage ---------------------------------------------------------- */

static void damage(u8 *blob, u32 size, u64 *seed)
{
	static const u32 words[] = { 0, 1, 2, 3, 4, 9, 0x7fffffff, 0xffffffff, 0x10000000 };
	u32 count = 1 + (u32)(fake_random(seed) % 4);

	while (count--) {
		u32 at = (u32)(fake_random(seed) % size);
		u32 w = cpu_to_fdt32(words[fake_random(seed) % ARRAY_SIZE(words)]);

		switch (fake_random(seed) % 4) {
		case 0:
			blob[at] ^= (u8)(1u << fake_random(seed) % 8);
			break;
		case 1:
			blob[at] = (u8)fake_random(seed);
			break;
		case 2:
			at = at & ~3u;
			if (at + 4 <= size)
				memcpy(blob + at, &w, 4);
			break;
		default:
			/* Copy a piece of the tree over another. */
			at = at & ~3u;
			if (at + 16 <= size)
				memmove(blob + at, blob + (fake_random(seed) % (size - 15) & ~3ull),
					16);
		}
	}
}

/* libfdt agrees: a walk over all of it ends, and every pointer is inside. */
static void walk_with_libfdt(const u8 *blob, u32 size)
{
	int offset = 0, next, len;
	u32 nodes = 0, props = 0;

	for (;; offset = next) {
		u32 tag = fdt_next_tag(blob, offset, &next);
		const char *name;

		assert_true(next > 0);
		if (tag == FDT_END)
			break;
		if (tag == FDT_BEGIN_NODE) {
			name = fdt_get_name(blob, offset, &len);
			assert_non_null(name);
			assert_true((const u8 *)name >= blob &&
				    (const u8 *)name + len < blob + size);
			nodes++;
		} else if (tag == FDT_PROP) {
			const u8 *v = fdt_getprop_by_offset(blob, offset, &name, &len);

			assert_non_null(v);
			assert_true(v >= blob && v + len <= blob + size);
			assert_true((const u8 *)name + strlen(name) < blob + size);
			props++;
		}
	}
	assert_int_equal(nodes, shape.nr_nodes);
	assert_int_equal(props, shape.nr_props);
}

static void test_random_damage(void **state)
{
	u64 seed = fake_seed("dt_check damage", 0xd00dfeed);
	u32 size, passed = 0, rounds = 60000;
	u8 *good, *blob;

	(void)state;
	tree_begin(2, 2);
	memory_node(0x40000000, 0x10000000, 0);
	node_begin("aliases");
	prop_string("serial0", "/uart");
	node_end();
	node_begin("reserved-memory");
	prop_empty("ranges");
	node_begin("fw@1");
	prop_empty("no-map");
	node_end();
	node_end();
	good = tree_end(&size);
	blob = aligned_alloc(8, align_up(size, 8));
	for (u32 i = 0; i < rounds; i++) {
		memcpy(blob, good, size);
		damage(blob, size, &seed);
		if (!dt_check(blob, size, &shape)) {
			passed++;
			walk_with_libfdt(blob, size);
		}
	}
	free(blob);
	fake_log_clear();
	printf("%u of %u damaged trees pass\n", passed, rounds);
	/* Both sides must have been seen for this to mean anything. */
	assert_true(passed > rounds / 20 && passed < rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sound_tree, setup),
		cmocka_unit_test_setup(test_padding_is_not_read, setup),
		cmocka_unit_test_setup(test_used_part_is_limited, setup),
		cmocka_unit_test_setup(test_header_at_any_alignment, setup),
		cmocka_unit_test_setup(test_too_short, setup),
		cmocka_unit_test_setup(test_header_words, setup),
		cmocka_unit_test_setup(test_depth, setup),
		cmocka_unit_test_setup(test_fault_names_the_node, setup),
		cmocka_unit_test_setup(test_fault_deep_down, setup),
		cmocka_unit_test_setup(test_alias_loops_are_named, setup),
		cmocka_unit_test_setup(test_warnings_are_limited, setup),
		cmocka_unit_test_setup(test_printable, setup),
		cmocka_unit_test_setup(test_random_damage, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
