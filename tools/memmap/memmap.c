/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build/host/memmap: the memory map of any device tree, by the code that boots
 * on the board. Each tree is booted by the real mm_boot(), up to the open page
 * allocator, on the machine of the host tests (tests/host/fake/), in a process
 * of its own, under the sanitizers; then everything is printed.
 *
 * Status: 0 booted, 2 wrong words or no such file, 3 refused by the kernel, with
 * its words, 4 a bug of the kernel; the highest of many files.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake/fake.h"
#include "mm/boot/memblock.h"
#include "mm/mm.h"
#include "report.h"

enum { STATUS_USAGE = 2, STATUS_REFUSED = 3, STATUS_BUG = 4, LIMIT_S = 60 };

static const char usage[] =
	"Usage: memmap [OPTIONS] FILE.dtb...   (- is standard input)\n"
	"Prints what the kernel makes of a device tree: banks, nodes, zones, what is\n"
	"reserved and why, DMA limit, console, CPUs, and what was refused.\n\n"
	"  --memory BASE+SIZE  RAM that the boot loader fills in, in place of the tree's;\n"
	"                      several times for several banks; suffixes K, M, G\n"
	"  --append ARGS       kernel arguments in place of the tree's\n"
	"  --kernel ADDRESS    where the kernel lies; default: the lowest place that is free\n"
	"  --brief             one line a tree: booted, or why not\n\n"
	"Status: 0 booted, 2 wrong words, 3 refused, 4 a bug.\n";

static const struct option table[] = {
	{ "memory", 1, NULL, 'm' }, { "append", 1, NULL, 'a' }, { "kernel", 1, NULL, 'k' },
	{ "brief", 0, NULL, 'b' },  { "help", 0, NULL, 'h' },   { NULL, 0, NULL, 0 },
};

static struct loader_options options = { .kernel = ~0ull };
static bool brief;

/* Asked by the sanitizer: the kernel's memory is not the C library's to look into. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:detect_stack_use_after_return=0:exitcode=4";
}

const char *__ubsan_default_options(void)
{
	return "exitcode=4";
}

/* ---- what the machine asks ------------------------------------------------------ */

int console_early_init(const struct dt_console *c)
{
	report_console(c);
	return ERR_NODEV;
}

void arch_cpus_init(void)
{
	report_cpus();
}

/* ---- options ---------------------------------------------------------------------- */

static tm_noreturn void refuse(const char *what, const char *why)
{
	fprintf(stderr, "memmap: %s: %s; --help tells more\n", what, why);
	exit(STATUS_USAGE);
}

static u64 number(const char *text, char until)
{
	const char *end = text;
	u64 v;

	if (tm_parse_size(text, &v, &end) || *end != until)
		refuse(text, "no number that can be used");
	return v;
}

static void take_memory(const char *text)
{
	struct loader_range *r = &options.memory[options.nr_memory];
	const char *plus = strchr(text, '+');
	u64 size;

	if (options.nr_memory == LOADER_BANKS)
		refuse(text, "too many banks");
	if (!plus)
		refuse(text, "not of the form BASE+SIZE");
	r->start = number(text, '+');
	size = number(plus + 1, '\0');
	if (!size || add_overflows(r->start, size, &r->end))
		refuse(text, "empty, or beyond all addresses");
	options.nr_memory++;
}

static void take_kernel(const char *text)
{
	options.kernel = number(text, '\0');
	if (!is_aligned(options.kernel, PAGE_SIZE) || options.kernel > LOADER_MAX_KERNEL)
		refuse(text, "a kernel lies at a multiple of 4 KiB below 16 TiB");
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'm') {
			take_memory(optarg);
		} else if (c == 'a') {
			options.append = optarg;
		} else if (c == 'k') {
			take_kernel(optarg);
		} else if (c == 'b') {
			brief = true;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : STATUS_USAGE);
		}
	}
	if (optind == argc)
		refuse("no tree", "name a .dtb file");
}

/* ---- one tree ------------------------------------------------------------------------ */

static void to_stdout(struct out *out, const char *text, size_t n)
{
	(void)out;
	fwrite(text, 1, n, stdout);
}

static void boot(void *arg)
{
	mm_boot(*(const phys_t *)arg);
}

static tm_noreturn void no_boot(const char *file, const struct loaded *l, const char *why)
{
	bool refused = !strncmp(why, "device tree refused: ", 21);

	printf("%s: %s%s\n", file, refused ? "" : "bug: ", why);
	if (l->doubt)
		printf("loader   changed nothing: %s\n", l->doubt);
	if (!brief)
		report_warnings();
	fflush(stdout);
	_exit(refused ? STATUS_REFUSED : STATUS_BUG);
}

static void one_tree(void *arg)
{
	const char *file = arg, *why;
	struct loaded l = loader_load(file, &options);
	struct out out = { to_stdout };
	phys_t at = phys_make(l.tree);

	alarm(LIMIT_S);
	fake_ram(0, 1ull << ARCH_PHYS_BITS, false);
	fake_image(l.kernel, l.kernel + LOADER_KERNEL_BYTES,
		   l.kernel + LOADER_KERNEL_BYTES - 0x10000, l.kernel + LOADER_KERNEL_BYTES);
	if (l.tree + l.size >= 1ull << ARCH_PHYS_BITS)
		no_boot(file, &l, "device tree refused: no place for it below 16 TiB");
	fake_phys_write(l.tree, l.blob, l.size);
	why = fake_panics(boot, &at);
	if (why)
		no_boot(file, &l, why);
	if (brief)
		printf("%s: booted\n", file);
	else
		report(file, &l);
	fake_cpus(1, NULL); /* the others cannot be asked for their caches */
	if (mm_check(&out)) {
		fflush(stdout);
		_exit(STATUS_BUG);
	}
}

int main(int argc, char **argv)
{
	int worst = 0;

	parse(argc, argv);
	for (int i = optind; i < argc; i++) {
		int status;

		fake_reset();
		status = fake_run_child(one_tree, argv[i]);
		if (status == 1 || status > STATUS_BUG) {
			printf("%s: bug: ended with status %d\n", argv[i], status);
			status = STATUS_BUG;
		}
		worst = status > worst ? status : worst;
	}
	return worst;
}
