/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line editor: bytes from a terminal in, edited lines and what the
 * terminal should show out. Pure: it owns its structure and calls only the
 * sink and the completion function given to it, so it runs on the host too.
 * One task uses one editor; no lock.
 *
 * Keys: arrows, Home, End, Delete, Backspace, Tab, Ctrl-A B C D E F H K L N P
 * U W, Ctrl-Left and Ctrl-Right. Other control bytes and escape sequences are
 * ignored. Bytes of 0x80 and up are taken as UTF-8 characters one column wide.
 */
#ifndef RTOS_SHELL_LINEEDIT_H
#define RTOS_SHELL_LINEEDIT_H

#include "rtos/lib/lib.h"

enum {
	LE_SIZE = 512, /* a line with its terminator */
	LE_HISTORY = 32,
	LE_WORD = 64, /* a completed word with its terminator */
};

enum le_event {
	LE_MORE,     /* go on feeding */
	LE_LINE,     /* Enter: the line is in ->buf until le_start() */
	LE_CANCEL,   /* Ctrl-C */
	LE_TOO_LONG, /* Enter after more than LE_SIZE - 1 bytes: nothing to run */
};

/*
 * Candidate number `index` for the word that starts at line[start] and ends
 * with the line. A candidate that ends in '/' gets no blank after it. False
 * past the last one.
 */
typedef bool (*le_complete_fn)(const char *line, size_t start, unsigned int index, char *word,
			       size_t size);

struct lineedit {
	struct out *out;
	const char *prompt;
	le_complete_fn complete; /* null: Tab rings the bell */
	bool echo;               /* false: for scripts, only the prompt is shown */

	char buf[LE_SIZE]; /* terminated at len */
	size_t len, pos;   /* bytes; pos is at a character's start */
	size_t undrawn;    /* bytes before pos that are not shown yet */
	unsigned int need; /* bytes missing of the UTF-8 character before pos */
	bool too_long;     /* bytes did not fit since the last edit */
	bool after_cr;     /* a \n now belongs to the \r before it */

	char esc[16]; /* escape sequence so far, without ESC */
	size_t esc_len;
	bool in_esc;

	char history[LE_HISTORY][LE_SIZE];
	unsigned int hist_count; /* lines ever stored; the last 32 are kept */
	unsigned int hist_back;  /* 0: the line being typed; n: n lines back */
	char typed[LE_SIZE];     /* the line being typed, while looking back */
};

/* Set up; the structure must be zero. */
void le_init(struct lineedit *le, struct out *out, const char *prompt, le_complete_fn complete);
/* Begin an empty line and show the prompt. */
void le_start(struct lineedit *le);
/* Show prompt and line again, on the line where the cursor stands. */
void le_redraw(struct lineedit *le);
/* One byte from the terminal. */
enum le_event le_feed(struct lineedit *le, u8 c);
/* Remember a line; empty ones and repetitions of the last are left out. */
void le_remember(struct lineedit *le, const char *line);
/* Stored line number n (1 is the first ever); null when no longer kept. */
const char *le_history(const struct lineedit *le, unsigned int n);

#endif
