/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a line of text to commands. Pure; the caller owns all memory.
 *
 *   command ::= word... [ > FILE ]        separated by ; or line ends
 *   word    ::= bytes, 'bytes', "bytes", \byte in any mixture
 *
 * $? outside single quotes is the last exit status; # at the start of a word
 * begins a comment. Everything else a Unix shell does is refused by name.
 */
#ifndef RTOS_SHELL_PARSE_H
#define RTOS_SHELL_PARSE_H

#include "rtos/lib/lib.h"

enum {
	PARSE_ARGS = 32,    /* words of one command */
	PARSE_BYTES = 1024, /* their bytes, each with a terminator */
};

struct parsed {
	int argc;
	char *argv[PARSE_ARGS + 1]; /* null-ended */
	const char *target;         /* after >, or null */
	char bytes[PARSE_BYTES];
	size_t used;
	char error[96]; /* when parse_next() refuses */
};

/*
 * Take the next command off *text, which moves past it. 1: a command with at
 * least one word; 0: nothing is left; ERR_INVAL: not understood, p->error says
 * why and *text is not to be parsed further.
 */
int parse_next(const char **text, struct parsed *p, int status);

/*
 * A list of numbers as Linux writes CPUs, `0-1,3`, or `all`: bit n of the mask
 * for number n, all bits for `all`. False: something else, or a number that is
 * not below max (at most 64).
 */
bool parse_list(const char *text, unsigned int max, u64 *mask);

#endif
