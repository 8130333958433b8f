/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text tree: /proc and /sys as `cat`, `ls` and `echo >` see them. Files
 * are found by their whole path; a directory is whatever has files below it.
 * Nothing is stored here, every file is written by its owner when read. Task
 * context.
 */
#ifndef RTOS_SHELL_TREE_H
#define RTOS_SHELL_TREE_H

#include "rtos/lib/lib.h"

enum {
	TREE_PATH = 64,  /* longest path with its terminator */
	TREE_VALUE = 256 /* longest value written, with its terminator */
};

enum tree_result {
	TREE_OK,
	TREE_NO_ENTRY,
	TREE_IS_DIR,
	TREE_NOT_DIR,
	TREE_READ_ONLY,
	TREE_MALFORMED,    /* the file's owner does not understand the value */
	TREE_OUT_OF_RANGE, /* it does, and refuses */
};

/* What the result means, for after "PATH: ". */
const char *tree_message(enum tree_result r);
/* Print a file. */
enum tree_result tree_show(const char *path, struct out *out);
/* Write one value, without newline, to a file. */
enum tree_result tree_store(const char *path, const char *value);
/* After such a message: "; it takes 0 to 100", or nothing where the file's owner
 * does not say. */
void tree_takes(const char *path, struct out *out);
/*
 * Entry `index` of a directory, or the path itself of a file (index 0); a
 * directory's name ends in '/'. TREE_NO_ENTRY past the last one; for index 0
 * that means there is no such path.
 */
enum tree_result tree_list(const char *path, unsigned int index, char *name, size_t size);

#endif
