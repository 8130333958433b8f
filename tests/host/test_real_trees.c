/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The positive half of the corpus: trees of real boards, through the whole of
 * mm_boot(). TREES=folder names where *.dtb files are (Debian's linux-image
 * package for arm64 brings 577); without it the test is skipped. A tree whose
 * memory the boot loader would fill in gets 2 GiB at 1 GiB. The kernel is put
 * into the middle of the first bank, so claims of firmware that collide with it
 * there are expected; what counts is that every tree boots and adds up.
 */
#include "unit.h"

#include <libfdt.h>

#include "help/tree.h"
#include "mm/boot/memblock.h"
#include "mm/mm.h"

enum { EXIT_BOOTED = 10, TREE_BYTES = 2 << 20 };
#define MIB (1ull << 20)
#define GIB (1ull << 30)

static u8 blob[TREE_BYTES] tm_aligned(8);

static u64 cell(const u8 *v, int cells)
{
	u64 n = 0;

	for (int i = 0; i < 4 * cells; i++)
		n = n << 8 | v[i];
	return n;
}

/* First bank with a size; false when the loader was to fill it in. */
static bool first_bank(u64 *base, u64 *size)
{
	int ac = fdt_address_cells(blob, 0), sc = fdt_size_cells(blob, 0), node, len;

	fdt_for_each_subnode(node, blob, 0)
	{
		const char *type = fdt_getprop(blob, node, "device_type", NULL);
		const u8 *v = fdt_getprop(blob, node, "reg", &len);

		if (!type || strcmp(type, "memory"))
			continue;
		for (; v && len >= 4 * (ac + sc); v += 4 * (ac + sc), len -= 4 * (ac + sc)) {
			*base = cell(v, ac);
			*size = cell(v + 4 * ac, sc);
			if (*size)
				return true;
		}
	}
	return false;
}

/* What a boot loader does. */
static void fill_in(u64 *base, u64 *size)
{
	int node = fdt_add_subnode(blob, 0, "memory@filled-in");
	u64 value[2] = { GIB, 2 * GIB };
	u32 cells[4], n = 0;

	if (fdt_address_cells(blob, 0) == 2)
		cells[n++] = 0;
	cells[n++] = cpu_to_fdt32((u32)value[0]);
	if (fdt_size_cells(blob, 0) == 2)
		cells[n++] = 0;
	cells[n++] = cpu_to_fdt32((u32)value[1]);
	if (node < 0 || fdt_setprop_string(blob, node, "device_type", "memory") ||
	    fdt_setprop(blob, node, "reg", cells, (int)(4 * n)))
		abort();
	*base = value[0];
	*size = value[1];
}

static void to_stderr(struct out *out, const char *text, size_t n)
{
	(void)out;
	fwrite(text, 1, n, stderr);
}

static void boot(void *arg)
{
	mm_boot(*(phys_t *)arg);
}

static void one_tree(void *arg)
{
	struct out out = { to_stderr };
	u64 base, size, image;
	const char *refused;
	phys_t at;
	size_t n;
	char *data = fake_read_file(arg, &n);

	if (n > sizeof(blob) / 2)
		exit(1);
	memcpy(blob, data, n);
	free(data);
	if (fdt_open_into(blob, blob, sizeof(blob)))
		exit(1);
	if (!first_bank(&base, &size))
		fill_in(&base, &size);
	fdt_pack(blob);
	fake_ram(0, 256 * GIB, false);
	image = align_up(base + size / 2, 2 * MIB);
	fake_image(image, image + MIB, image + MIB / 2, image + MIB / 2 + 0x8000);
	at = phys_make(image + 8 * MIB);
	fake_phys_write(at.v, blob, fdt_totalsize(blob));
	refused = fake_panics(boot, &at);
	if (refused)
		fprintf(stderr, "%s\n%s", refused, fake_log());
	exit(!refused && !mm_check(&out) ? EXIT_BOOTED : 1);
}

static void test_all(void **state)
{
	char path[512], cmd[600];
	const char *folder = getenv("TREES");
	u32 nr = 0, wrong = 0;
	FILE *list;

	(void)state;
	if (!folder)
		skip();
	snprintf(cmd, sizeof(cmd), "find '%s' -name '*.dtb' | sort", folder);
	list = popen(cmd, "r");
	assert_non_null(list);
	while (fgets(path, sizeof(path), list)) {
		path[strcspn(path, "\n")] = '\0';
		fake_reset();
		nr++;
		if (fake_run_child(one_tree, path) != EXIT_BOOTED) {
			fprintf(stderr, "%s: does not boot\n", path);
			wrong++;
		}
	}
	pclose(list);
	printf("%u trees, %u do not boot\n", nr, wrong);
	assert_true(nr > 0);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
