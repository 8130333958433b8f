// SPDX-License-Identifier: Apache-2.0
/*
 * Linked into the Image when no app is: there is nothing to start. The other
 * half is start.c; which of the two is linked is decided by apps.mk, so that
 * nothing else has to know whether there is an app.
 */
#include "apps/app.h"

void app_start(void)
{
}
