/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every host test includes: the fake machine, then cmocka, in the order
 * cmocka's header wants. A test program is one file: cases, a setup that calls
 * fake_reset(), a main() that runs the group.
 */
#ifndef HOST_UNIT_H
#define HOST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake.h"

#include <cmocka.h>

#endif
