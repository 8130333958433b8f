/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libFuzzer face of the sequences: FUZZ_SHAPE in the environment picks the
 * machine. At the end it says how much was done.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ops.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t nr_bytes);

static void say(void)
{
	struct ops_count c = ops_count();

	printf("fuzz: %llu sequences, %llu operations: %llu served, %llu refused, %llu freed, "
	       "%llu wrong frees\n",
	       (unsigned long long)c.sequences, (unsigned long long)c.operations,
	       (unsigned long long)c.served, (unsigned long long)c.refused,
	       (unsigned long long)c.freed, (unsigned long long)c.wrong);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *shape = getenv("FUZZ_SHAPE");

	(void)argc;
	(void)argv;
	ops_boot(shape ? (unsigned int)atoi(shape) : 0);
	atexit(say);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t nr_bytes)
{
	ops_run(data, nr_bytes);
	return 0;
}
