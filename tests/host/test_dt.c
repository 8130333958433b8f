/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsed tree: what mm/dt.h promises, on a tree written for it; the console
 * out of the blob; the text of dt_view(), which dtc must read back to the same
 * tree. Values are compared with libfdt's answers on the blob.
 */
#include "unit.h"

#include <libfdt.h>
#include <unistd.h>

#include "help/tree.h"
#include "mm/boot/dt_blob.h"
#include "mm/boot/memblock.h"

static struct dt_shape shape;
static void *blob;
static u32 blob_size;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	memblock_init();
	dt_forget();
	fake_ram(0x40000000, 0x48000000, true);
	memblock_add(phys_make(0x40000000), phys_make(0x48000000), 0);
	memblock_use_linear_map();
	return 0;
}

static void parse(void)
{
	const char *why;

	blob = tree_end(&blob_size);
	why = dt_check(blob, blob_size, &shape);
	assert_null(why);
	dt_unflatten(blob, &shape);
}

/* A bus that moves addresses, with a child that moves them again. */
static void buses(void)
{
	const u32 soc[] = { 0x7e000000, 0, 0xfe000000, 0x01000000 };
	const u32 inner[] = { 0, 0x7e200000, 0x1000 };
	const u32 reg[] = { 0x40, 0x20, 0x2000, 0x10 };

	node_begin("soc");
	prop_string("compatible", "simple-bus");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_cells("ranges", soc, 4);
	prop_u32("phandle", 5);
	node_begin("inner@200000");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	prop_cells("ranges", inner, 3);
	node_begin("serial@40");
	prop_bytes("compatible", "brcm,bcm2835-aux-uart\0ns16550a", 31);
	prop_cells("reg", reg, 4);
	prop_u32("reg-shift", 2);
	prop_u32("reg-io-width", 4);
	prop_u32("phandle", 6);
	node_end();
	node_end();
	node_begin("closed");
	prop_u32("#address-cells", 1);
	prop_u32("#size-cells", 1);
	node_begin("dev@1");
	prop_cells("reg", reg, 2);
	node_end();
	node_end();
	node_end();
}

static void sample_tree(void)
{
	tree_begin(2, 1);
	prop_string("model", "a \"quoted\" name\\");
	node_begin("chosen");
	prop_string("stdout-path", "serial0:115200n8");
	node_end();
	node_begin("aliases");
	prop_string("serial0", "/soc/inner@200000/serial@40");
	prop_string("loop", "loop");
	prop_string("soc", "/soc");
	node_end();
	buses();
	node_begin("off");
	prop_string("compatible", "simple-bus");
	prop_string("status", "disabled");
	node_end();
	node_begin("last");
	prop_bytes("compatible", "simple-bus", 10); /* no terminator */
	prop_bytes("bytes", "\1\2\3", 3);
	prop_bytes("mixed", "a\0\0b", 4);
	prop_empty("flag");
	node_end();
}

static void test_order_and_links(void **state)
{
	static const char *const names[] = { "",       "chosen",       "aliases",
					     "soc",    "inner@200000", "serial@40",
					     "closed", "dev@1",        "off",
					     "last" };
	const struct dt_node *n;
	u32 i = 0;

	(void)state;
	sample_tree();
	assert_null(dt_root());
	assert_null(dt_find_path("/soc"));
	parse();
	for (n = dt_root(); n; n = dt_next(n), i++) {
		assert_true(i < ARRAY_SIZE(names));
		assert_string_equal(n->name, names[i]);
	}
	assert_int_equal(i, ARRAY_SIZE(names));
	n = dt_find_path("/soc/inner@200000/serial@40");
	assert_string_equal(n->parent->name, "inner@200000");
	assert_string_equal(n->parent->sibling->name, "closed");
	assert_null(n->sibling);
	assert_null(dt_root()->parent);
}

static void test_paths(void **state)
{
	const struct dt_node *serial;
	char path[40];

	(void)state;
	sample_tree();
	parse();
	serial = dt_find_path("/soc/inner@200000/serial@40");
	assert_non_null(serial);
	assert_ptr_equal(dt_find_path("/soc/inner/serial"), serial);
	assert_ptr_equal(dt_find_path("//soc///inner/serial:115200"), serial);
	assert_ptr_equal(dt_find_path("serial0"), serial);
	assert_ptr_equal(dt_find_path("serial0:9600"), serial);
	assert_ptr_equal(dt_find_path("soc/inner/serial@40"), serial);
	assert_ptr_equal(dt_find_path("/"), dt_root());
	assert_null(dt_find_path("loop"));
	assert_null(dt_find_path(""));
	assert_null(dt_find_path("serial9"));
	assert_null(dt_find_path("/soc/inner@3"));
	assert_null(dt_find_path("/so"));
	assert_null(dt_find_path("/soc/inner/serial/x"));
	assert_ptr_equal(dt_child(dt_find_path("/soc"), "inner"), serial->parent);
	assert_null(dt_child(dt_find_path("/soc"), "inner@"));
	dt_path(serial, path, sizeof(path));
	assert_string_equal(path, "/soc/inner@200000/serial@40");
	dt_path(serial, path, 10);
	assert_string_equal(path, "/soc/inne");
	dt_path(dt_root(), path, sizeof(path));
	assert_string_equal(path, "/");
}

static void test_compatible(void **state)
{
	const struct dt_node *n;

	(void)state;
	sample_tree();
	parse();
	n = dt_find_compatible(NULL, "simple-bus");
	assert_string_equal(n->name, "soc");
	/* "off" is disabled, "last" not terminated. */
	assert_null(dt_find_compatible(n, "simple-bus"));
	assert_non_null(dt_find_compatible(NULL, "ns16550a"));
	assert_null(dt_find_compatible(NULL, "ns16550"));
	assert_false(dt_available(dt_find_path("/off")));
	assert_true(dt_available(n));
}

static void test_properties(void **state)
{
	const struct dt_node *serial;
	u32 v, len;

	(void)state;
	sample_tree();
	parse();
	serial = dt_find_path("serial0");
	assert_int_equal(dt_u32(serial, "reg", 3, &v), 0);
	assert_int_equal(v, 0x10);
	assert_int_equal(dt_u32(serial, "reg", 4, &v), ERR_NOENT);
	assert_int_equal(dt_u32(serial, "nothing", 0, &v), ERR_NOENT);
	assert_string_equal(dt_string(serial, "compatible"), "brcm,bcm2835-aux-uart");
	assert_null(dt_string(dt_find_path("/last"), "compatible"));
	assert_null(dt_string(dt_find_path("/last"), "flag"));
	assert_true(dt_has(dt_find_path("/last"), "flag"));
	assert_false(dt_has(dt_find_path("/last"), "flags"));
	assert_non_null(dt_prop_get(dt_find_path("/last"), "bytes", &len));
	assert_int_equal(len, 3);
	assert_int_equal(dt_u32(dt_find_path("/last"), "bytes", 0, &v), ERR_NOENT);
}

static void test_reg_through_ranges(void **state)
{
	const struct dt_node *serial;
	phys_t base;
	u64 size;

	(void)state;
	sample_tree();
	parse();
	serial = dt_find_path("serial0");
	/* 0x40 -> 0x7e200040 -> 0xfe200040 */
	assert_int_equal(dt_reg(serial, 0, &base, &size), 0);
	assert_int_equal(base.v, 0xfe200040);
	assert_int_equal(size, 0x20);
	/* 0x2000 is outside of the inner bus's window. */
	assert_int_equal(dt_reg(serial, 1, &base, &size), ERR_INVAL);
	assert_int_equal(dt_reg(serial, 2, &base, &size), ERR_NOENT);
	/* A bus without ranges lets nothing through. */
	assert_int_equal(dt_reg(dt_find_path("/soc/closed/dev@1"), 0, &base, &size), ERR_INVAL);
	assert_int_equal(dt_reg(dt_root(), 0, &base, &size), ERR_NOENT);
}

/* A bus at 0x1000 of its parent; cells of both as given. */
static bool through_bus(u32 child_cells, u32 size_cells, u32 parent_cells, u64 *addr)
{
	u32 ranges[16] = { 0 };

	ranges[child_cells - 1] = 0x100;
	ranges[child_cells + parent_cells - 1] = 0x1000;
	ranges[child_cells + parent_cells + size_cells - 1] = 0x80;
	setup(NULL);
	tree_begin(parent_cells, 1);
	node_begin("bus");
	prop_u32("#address-cells", child_cells);
	prop_u32("#size-cells", size_cells);
	prop_cells("ranges", ranges, child_cells + parent_cells + size_cells);
	node_end();
	parse();
	return dt_translate(dt_find_path("/bus"), "ranges", addr);
}

/* Numbers are of one or two cells; an address of any other bus means nothing here. */
static void test_cells_of_buses(void **state)
{
	(void)state;
	for (u32 child = 1; child <= 3; child++) {
		for (u32 size = 1; size <= 3; size++) {
			for (u32 parent = 1; parent <= 3; parent++) {
				bool sound = child < 3 && size < 3 && parent < 3;
				u64 addr = 0x110;

				assert_int_equal(through_bus(child, size, parent, &addr), sound);
				assert_int_equal(addr, sound ? 0x1010 : 0x110);
			}
		}
	}
	/* Below the window, and its first byte behind. */
	assert_false(through_bus(1, 1, 1, &(u64){ 0xff }));
	assert_false(through_bus(1, 1, 1, &(u64){ 0x180 }));
}

static bool through_two(u32 outer_cells, u32 inner_cells, u32 size_cells)
{
	const u32 ranges[] = { 0, 0, 0x1000 };
	u64 addr = 0;

	setup(NULL);
	tree_begin(1, 1);
	node_begin("outer");
	prop_u32("#address-cells", outer_cells);
	prop_u32("#size-cells", 1);
	prop_empty("ranges");
	node_begin("bus");
	prop_u32("#address-cells", inner_cells);
	prop_u32("#size-cells", size_cells);
	prop_cells("ranges", ranges, 3);
	node_end();
	node_end();
	parse();
	return dt_translate(dt_find_path("/outer/bus"), "ranges", &addr);
}

static void test_buses_without_cells(void **state)
{
	const u32 reg[] = { 0x1000, 0x10 };
	u64 size;
	phys_t base;

	(void)state;
	assert_true(through_two(1, 1, 1));
	assert_false(through_two(0, 1, 1));
	assert_false(through_two(1, 0, 1));
	assert_false(through_two(1, 1, 0));
	/* A size of no cells is 0; an address must have some. */
	for (u32 cells = 0; cells < 4; cells++) {
		setup(NULL);
		tree_begin(2, 2);
		prop_cells("reg", reg, 2);
		node_begin("bus");
		prop_u32("#address-cells", cells);
		prop_u32("#size-cells", 0);
		prop_empty("ranges");
		node_begin("dev");
		prop_cells("reg", reg, 2);
		node_end();
		node_end();
		parse();
		assert_int_equal(dt_reg(dt_find_path("/bus/dev"), 0, &base, &size),
				 cells == 1 || cells == 2 ? 0 : ERR_INVAL);
		/* The root is on no bus. */
		assert_int_equal(dt_reg(dt_root(), 0, &base, &size), ERR_INVAL);
	}
	setup(NULL);
	tree_begin(1, 3);
	node_begin("dev");
	prop_cells("reg", reg, 2);
	node_end();
	parse();
	assert_int_equal(dt_reg(dt_find_path("/dev"), 0, &base, &size), ERR_INVAL);
}

/* Three that hash alike: each is found, and a fourth that nobody has is not. */
static void test_phandles_that_collide(void **state)
{
	static const u32 handle[] = { 1, 17, 33 };

	(void)state;
	assert_null(dt_find_phandle(1)); /* no tree yet */
	tree_begin(2, 2);
	for (u32 i = 0; i < ARRAY_SIZE(handle); i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u", handle[i]);
		node_begin(name);
		prop_u32("phandle", handle[i]);
		node_end();
	}
	parse();
	assert_string_equal(dt_find_phandle(1)->name, "n1");
	assert_string_equal(dt_find_phandle(17)->name, "n17");
	assert_string_equal(dt_find_phandle(33)->name, "n33");
	assert_null(dt_find_phandle(49));
}

/* What is not quite a name, an alias, or a word for "available". */
static void test_odd_names(void **state)
{
	static char longest[100];

	(void)state;
	assert_null(dt_find_path("/"));
	tree_begin(2, 2);
	node_begin("a@1@2");
	prop_string("status", "ok");
	node_end();
	node_begin("b");
	prop_string("status", "okey");
	node_end();
	node_begin("c");
	prop_string("status", "okay");
	node_end();
	parse();
	assert_true(dt_available(dt_find_path("/a")));
	assert_false(dt_available(dt_find_path("/b")));
	assert_true(dt_available(dt_find_path("/c")));
	assert_null(dt_child(dt_root(), ""));
	assert_null(dt_child(dt_root(), "a@1"));
	assert_non_null(dt_child(dt_root(), "a@1@2"));
	assert_null(dt_find_path("a")); /* no /aliases */
	memset(longest, 'a', sizeof(longest) - 1);
	assert_null(dt_find_path(longest));
}

static void test_phandles(void **state)
{
	(void)state;
	tree_begin(2, 2);
	for (u32 i = 1; i <= 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u", i);
		node_begin(name);
		prop_u32(i % 2 ? "phandle" : "linux,phandle", i * 0x10001);
		node_end();
	}
	node_begin("twin");
	prop_u32("phandle", 7 * 0x10001);
	node_end();
	node_begin("zero");
	prop_u32("phandle", 0);
	node_end();
	node_begin("ones");
	prop_u32("phandle", 0xffffffff);
	node_end();
	node_begin("short");
	prop_bytes("phandle", "\1", 1);
	node_end();
	parse();
	for (u32 i = 1; i <= 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%u", i);
		assert_string_equal(dt_find_phandle(i * 0x10001)->name, name);
	}
	assert_null(dt_find_phandle(0));
	assert_null(dt_find_phandle(0xffffffff));
	assert_null(dt_find_phandle(3));
	assert_int_equal(dt_find_path("/twin")->phandle, 0);
	assert_true(fake_log_has("/twin phandle = 0x70007: taken by an earlier node"));
	assert_true(fake_log_has("/zero phandle = 0x0 (4 bytes): not a phandle"));
	assert_true(fake_log_has("/ones phandle = 0xffffffff"));
	assert_true(fake_log_has("/short phandle"));
}

/* libfdt overlooks a property behind a child; so do we, at both levels. */
static void test_property_behind_child(void **state)
{
	(void)state;
	tree_begin(2, 2);
	node_begin("a");
	prop_u32("before", 1);
	node_begin("b");
	node_end();
	node_end();
	blob = tree_end(&blob_size);
	/* Turn b into nothing, then move it in front by hand is clumsy: write
	 * the tokens instead. */
	{
		static const u32 tokens[] = {
			1, 0,                /* root */
			1, 0x61000000,       /* a */
			3, 4,          0, 1, /* first */
			1, 0x62000000, 2,    /* b */
			3, 4,          2, 2, /* second, behind b */
			2, 2,          9,
		};
		u8 *at = blob;
		u32 off = fdt_off_dt_struct(blob);

		for (u32 i = 0; i < ARRAY_SIZE(tokens); i++) {
			u32 v = cpu_to_fdt32(tokens[i]);

			memcpy(at + off + 4 * i, &v, 4);
		}
		off += sizeof(tokens);
		memcpy(at + off, "p\0q", 4);
		fdt_set_size_dt_struct(blob, sizeof(tokens));
		fdt_set_off_dt_strings(blob, off);
		fdt_set_size_dt_strings(blob, 4);
		fdt_set_totalsize(blob, off + 4);
	}
	assert_null(dt_check(blob, fdt_totalsize(blob), &shape));
	assert_null(fdt_getprop(blob, fdt_path_offset(blob, "/a"), "q", NULL));
	dt_unflatten(blob, &shape);
	assert_true(dt_has(dt_find_path("/a"), "p"));
	assert_false(dt_has(dt_find_path("/a"), "q"));
}

/* Every property of every node is what libfdt says it is. */
static void test_same_as_libfdt(void **state)
{
	char path[200];

	(void)state;
	sample_tree();
	parse();
	for (const struct dt_node *n = dt_root(); n; n = dt_next(n)) {
		int node, p, count = 0;

		dt_path(n, path, sizeof(path));
		node = fdt_path_offset(blob, path);
		assert_true(node >= 0);
		fdt_for_each_property_offset(p, blob, node)
		{
			const char *name;
			int len;
			const void *v = fdt_getprop_by_offset(blob, p, &name, &len);
			u32 got;

			assert_memory_equal(dt_prop_get(n, name, &got), v, (size_t)len);
			assert_int_equal(got, len);
			count++;
		}
		for (const struct dt_prop *q = n->props; q; q = q->next)
			count--;
		assert_int_equal(count, 0);
	}
}

/* Nothing of the copy points into the blob, which is freed. */
static void test_copy_is_whole(void **state)
{
	(void)state;
	sample_tree();
	parse();
	memset(blob, 0xee, blob_size);
	assert_non_null(dt_find_path("serial0"));
	assert_string_equal(dt_string(dt_find_path("/chosen"), "stdout-path"), "serial0:115200n8");
}

/* ---- the text --------------------------------------------------------------- */

static char view_text[16384];

static void take_view(void)
{
	struct out_buf ob;

	out_buf_init(&ob, view_text, sizeof(view_text));
	dt_view(&ob.out, dt_root());
	assert_false(ob.truncated);
}

static void test_view_syntax(void **state)
{
	(void)state;
	tree_begin(2, 1);
	prop_string("model", "a \"b\"");
	node_begin("x@1");
	prop_bytes("bytes", "\1\2\3", 3);
	prop_bytes("list", "a\0b", 4);
	prop_empty("flag");
	node_begin("y");
	node_end();
	node_end();
	node_begin("z");
	node_end();
	parse();
	take_view();
	assert_string_equal(view_text, "/ {\n"
				       "\t#address-cells = <0x2>;\n"
				       "\t#size-cells = <0x1>;\n"
				       "\tmodel = \"a \\\"b\\\"\";\n"
				       "\n"
				       "\tx@1 {\n"
				       "\t\tbytes = [01 02 03];\n"
				       "\t\tlist = \"a\", \"b\";\n"
				       "\t\tflag;\n"
				       "\n"
				       "\t\ty {\n"
				       "\t\t};\n"
				       "\t};\n"
				       "\n"
				       "\tz {\n"
				       "\t};\n"
				       "};\n");
}

/* dtc reads the text back to a tree in which libfdt finds the same bytes. */
static void test_view_reads_back(void **state)
{
	static u8 again[65536] tm_aligned(8);
	char dts[] = "/tmp/view-XXXXXX", cmd[200];
	FILE *f;
	size_t n;

	(void)state;
	sample_tree();
	parse();
	take_view();
	close(mkstemp(dts));
	snprintf(cmd, sizeof(cmd), "dtc -q -I dts -O dtb -o %s.dtb %s", dts, dts);
	f = fopen(dts, "w");
	fprintf(f, "/dts-v1/;\n%s", view_text);
	fclose(f);
	assert_int_equal(system(cmd), 0);
	unlink(dts);
	snprintf(cmd, sizeof(cmd), "%s.dtb", dts);
	f = fopen(cmd, "r");
	n = fread(again, 1, sizeof(again), f);
	fclose(f);
	unlink(cmd);
	assert_true(n > DT_HEADER_BYTES);
	for (const struct dt_node *d = dt_root(); d; d = dt_next(d)) {
		char path[200];
		int node, len;

		dt_path(d, path, sizeof(path));
		node = fdt_path_offset(again, path);
		assert_true(node >= 0);
		for (const struct dt_prop *p = d->props; p; p = p->next) {
			const void *v = fdt_getprop(again, node, p->name, &len);

			assert_non_null(v);
			assert_int_equal(len, p->len);
			assert_memory_equal(v, p->value, p->len);
		}
	}
}

static void test_view_of_a_part(void **state)
{
	(void)state;
	sample_tree();
	parse();
	{
		struct out_buf ob;

		out_buf_init(&ob, view_text, sizeof(view_text));
		dt_view(&ob.out, dt_find_path("/soc/inner"));
	}
	assert_non_null(strstr(view_text, "serial@40 {"));
	assert_null(strstr(view_text, "closed"));
	assert_int_equal(strncmp(view_text, "inner@200000 {\n", 15), 0);
}

static void test_view_of_nothing(void **state)
{
	struct out_buf ob;

	(void)state;
	out_buf_init(&ob, view_text, sizeof(view_text));
	dt_view(&ob.out, dt_find_path("/nowhere"));
	assert_string_equal(view_text, "");
}

/* Bytes that print in no alphabet of ours are no string. */
static void test_view_of_bytes(void **state)
{
	(void)state;
	tree_begin(1, 1);
	prop_bytes("high", "a\x80z", 4);
	prop_bytes("low", "a\nz", 4);
	prop_bytes("open", "abc", 3);
	parse();
	take_view();
	assert_non_null(strstr(view_text, "high = <0x61807a00>;"));
	assert_non_null(strstr(view_text, "low = <0x610a7a00>;"));
	assert_non_null(strstr(view_text, "open = [61 62 63];"));
}

/* ---- the console out of the blob ----------------------------------------------- */

static int console(struct dt_console *c)
{
	blob = tree_end(&blob_size);
	assert_null(dt_check(blob, blob_size, &shape));
	return dt_console_find(blob, &shape, c);
}

static void test_console(void **state)
{
	struct dt_console c;

	(void)state;
	sample_tree();
	assert_int_equal(console(&c), 0);
	assert_string_equal(c.path, "/soc/inner@200000/serial@40");
	assert_string_equal(c.compatible[0], "brcm,bcm2835-aux-uart");
	assert_string_equal(c.compatible[1], "ns16550a");
	assert_string_equal(c.compatible[2], "");
	assert_int_equal(c.base.v, 0xfe200040);
	assert_int_equal(c.nr_bytes, 0x20);
	assert_int_equal(c.reg_shift, 2);
	assert_int_equal(c.reg_width, 4);
}

/*
 * What else trees have there: options behind the path in an alias, a device behind
 * the UART, a property twice (the first counts, as for libfdt), more names than
 * anybody has drivers for.
 */
static void test_console_of_odd_trees(void **state)
{
	static const char many[] = "a\0b\0c\0d\0e\0f\0g\0h\0i\0j";
	struct dt_console c;

	(void)state;
	tree_begin(1, 1);
	node_begin("chosen");
	prop_string("stdout-path", "con");
	node_end();
	node_begin("aliases");
	prop_string("con", "/uart@1000:115200");
	node_end();
	node_begin("uart@1000");
	prop_bytes("compatible", many, sizeof(many));
	prop_cells("reg", (const u32[]){ 0x1000, 0x40 }, 2);
	for (u32 i = 0; i < 20; i++)
		prop_cells("reg", (const u32[]){ 0x2000 + i, 0x40 }, 2);
	node_begin("bluetooth");
	prop_cells("reg", (const u32[]){ 0x3000, 0x40 }, 2);
	node_end();
	node_end();
	assert_int_equal(console(&c), 0);
	assert_int_equal(c.base.v, 0x1000);
	assert_int_equal(c.nr_bytes, 0x40);
	for (u32 i = 0; i < ARRAY_SIZE(c.compatible); i++)
		assert_string_equal(c.compatible[i], ((const char[]){ (char)('a' + i), 0 }));
}

/* A device that does not say what it is, or says it without an end. */
static void test_console_without_a_name(void **state)
{
	static const struct {
		const char *bytes;
		u32 len;
	} compatible[] = { { "", 0 }, { "abc", 3 }, { "a\0bc", 4 } };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(compatible); i++) {
		struct dt_console c;

		setup(NULL);
		tree_begin(1, 1);
		node_begin("chosen");
		prop_string("stdout-path", "/uart@1000");
		node_end();
		node_begin("uart@1000");
		prop_bytes("compatible", compatible[i].bytes, compatible[i].len);
		prop_cells("reg", (const u32[]){ 0x1000, 0x40 }, 2);
		node_end();
		assert_int_equal(console(&c), 0);
		assert_true(fake_log_has("/uart@1000 compatible: not terminated"));
		assert_string_equal(c.compatible[0], i == 2 ? "a" : "");
		assert_string_equal(c.compatible[1], "");
	}
}

static int stdout_is(const char *value, struct dt_console *c)
{
	setup(NULL);
	tree_begin(2, 1);
	node_begin("chosen");
	prop_string("stdout-path", value);
	node_end();
	node_begin("aliases");
	prop_string("me", "me");
	prop_string("a", "b");
	prop_string("b", "a");
	node_end();
	buses();
	return console(c);
}

static void test_console_paths(void **state)
{
	struct dt_console c;

	(void)state;
	assert_int_equal(stdout_is("/soc/inner/serial:9600", &c), 0);
	assert_int_equal(stdout_is("//soc//inner@200000/serial@40", &c), 0);
	assert_int_equal(stdout_is("me", &c), ERR_INVAL);
	assert_int_equal(stdout_is("a", &c), ERR_INVAL);
	assert_true(fake_log_has("/chosen stdout-path = \"a\": no such alias"));
	assert_int_equal(stdout_is("/soc/inner/uart", &c), ERR_INVAL);
	assert_true(fake_log_has("/chosen stdout-path = \"/soc/inner/uart\": no such node"));
	assert_int_equal(stdout_is("/soc/closed/dev", &c), ERR_INVAL);
	assert_true(fake_log_has("/soc/closed/dev reg: no address a CPU can use"));
	assert_int_equal(stdout_is("", &c), ERR_INVAL);
}

/* What is not terminated names nothing, and that is said. */
static void test_console_cut(void **state)
{
	struct dt_console c;

	(void)state;
	tree_begin(2, 1);
	node_begin("chosen");
	prop_bytes("stdout-path", "/soc/inner/serial", 17);
	node_end();
	buses();
	assert_int_equal(console(&c), ERR_NOENT);
	assert_true(fake_log_has("/chosen stdout-path: 17 bytes without a terminator, ignored"));
}

static void test_no_console(void **state)
{
	struct dt_console c;

	(void)state;
	tree_begin(2, 2);
	assert_int_equal(console(&c), ERR_NOENT);
	assert_int_equal(dt_warnings(), 0);
	setup(state);
	tree_begin(2, 2);
	node_begin("chosen");
	prop_bytes("stdout-path", "/x", 2);
	node_end();
	assert_int_equal(console(&c), ERR_NOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_order_and_links, setup),
		cmocka_unit_test_setup(test_paths, setup),
		cmocka_unit_test_setup(test_compatible, setup),
		cmocka_unit_test_setup(test_properties, setup),
		cmocka_unit_test_setup(test_reg_through_ranges, setup),
		cmocka_unit_test_setup(test_cells_of_buses, setup),
		cmocka_unit_test_setup(test_buses_without_cells, setup),
		cmocka_unit_test_setup(test_phandles, setup),
		cmocka_unit_test_setup(test_phandles_that_collide, setup),
		cmocka_unit_test_setup(test_odd_names, setup),
		cmocka_unit_test_setup(test_property_behind_child, setup),
		cmocka_unit_test_setup(test_same_as_libfdt, setup),
		cmocka_unit_test_setup(test_copy_is_whole, setup),
		cmocka_unit_test_setup(test_view_syntax, setup),
		cmocka_unit_test_setup(test_view_reads_back, setup),
		cmocka_unit_test_setup(test_view_of_a_part, setup),
		cmocka_unit_test_setup(test_view_of_nothing, setup),
		cmocka_unit_test_setup(test_view_of_bytes, setup),
		cmocka_unit_test_setup(test_console, setup),
		cmocka_unit_test_setup(test_console_of_odd_trees, setup),
		cmocka_unit_test_setup(test_console_without_a_name, setup),
		cmocka_unit_test_setup(test_console_paths, setup),
		cmocka_unit_test_setup(test_console_cut, setup),
		cmocka_unit_test_setup(test_no_console, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
