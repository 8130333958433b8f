// SPDX-License-Identifier: Apache-2.0
/*
 * `mm explain|owner|fault|trace`: seeing why the page allocator did what it did.
 * Everything shown comes from mm's views; here is only what a person types. The
 * files of the text tree show and set the same.
 */
#include "rtos/shell/shell.h"
#include "mm/mm.h"

enum { SHOWN_JOURNEYS = 5, SHOWN_EVENTS = 20, MOST_SHOWN = 4096 };

/* on or off: 1 or 0; -1: neither. */
static int parse_switch(const char *word)
{
	if (!strcmp(word, "on"))
		return 1;
	return strcmp(word, "off") ? -1 : 0;
}

int mm_explain(int argc, char **argv)
{
	u64 nr = SHOWN_JOURNEYS;
	int on = argc == 3 ? parse_switch(argv[2]) : -1;

	if (argc > 3)
		return mm_usage("explain");
	if (on >= 0) {
		mm_explain_switch(on);
		return EXIT_OK;
	}
	if (argc == 3 && sh_number("mm explain", "N", argv[2], 1, MOST_SHOWN, &nr))
		return EXIT_USAGE;
	mm_view_explain(&sh, (unsigned int)nr);
	return EXIT_OK;
}

int mm_owner(int argc, char **argv)
{
	u64 pfn;

	if (argc > 3)
		return mm_usage("owner");
	if (argc == 2) {
		mm_view_owner_sites(&sh);
		return EXIT_OK;
	}
	if (sh_number("mm owner", "PFN", argv[2], 0, PFN_NIL - 1, &pfn))
		return EXIT_USAGE;
	if (!pfn_to_page(pfn_make(pfn))) {
		sh_print("mm owner: there is no RAM at frame %llu\n", (unsigned long long)pfn);
		return EXIT_FAIL;
	}
	mm_view_owner(&sh, pfn_make(pfn));
	return EXIT_OK;
}

/* ---- fault ------------------------------------------------------------------------ */

static int show_faults(void)
{
	unsigned int nr;
	const struct mm_knob *knob = mm_fault_knobs(&nr);

	for (unsigned int i = 0; i < nr; i++) {
		sh_print("%-20s ", knob[i].name);
		knob[i].show(&sh);
	}
	return EXIT_OK;
}

static int store_fault(const char *name, const char *value)
{
	unsigned int nr, i = 0;
	const struct mm_knob *knob = mm_fault_knobs(&nr);
	int err;

	while (i < nr && strcmp(knob[i].name, name) != 0)
		i++;
	if (i == nr || !knob[i].store) {
		sh_print("mm fault: %s: %s (mm fault lists them)\n", name,
			 i == nr ? "no such knob" : "read only");
		return EXIT_USAGE;
	}
	err = knob[i].store(value);
	if (!err)
		return EXIT_OK;
	sh_print("mm fault: %s: '%s': %s; it takes ", name, value,
		 err == ERR_RANGE ? "value out of range" : "value not understood");
	mm_knob_takes(&sh, &knob[i]);
	sh_print("\n");
	return EXIT_USAGE;
}

/* NAME VALUE pairs, in order, up to the first that is wrong. */
int mm_fault(int argc, char **argv)
{
	int status = EXIT_OK;

	if (argc == 2)
		return show_faults();
	if (argc == 3 && !strcmp(argv[2], "off"))
		return store_fault("probability", "0");
	if (argc % 2)
		return mm_usage("fault");
	for (int i = 2; i < argc && !status; i += 2)
		status = store_fault(argv[i], argv[i + 1]);
	return status;
}

/* ---- trace ------------------------------------------------------------------------- */

int mm_trace(int argc, char **argv)
{
	u64 nr = SHOWN_EVENTS;
	int on = argc == 3 ? parse_switch(argv[2]) : -1;

	if (on >= 0) {
		mm_trace_switch(on);
		return EXIT_OK;
	}
	if (argc > 4 || (argc > 2 && strcmp(argv[2], "show") != 0))
		return mm_usage("trace");
	if (argc == 4 && sh_number("mm trace", "N", argv[3], 1, MOST_SHOWN, &nr))
		return EXIT_USAGE;
	mm_view_trace(&sh, (unsigned int)nr);
	return EXIT_OK;
}
