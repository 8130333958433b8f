// SPDX-License-Identifier: Apache-2.0
/*
 * The plant and its controller. This file may use floating point because its
 * name ends in .fp.c; what it defines may only be called by tasks with TASK_FP.
 * The gains were chosen by trying: a step of 1 m stays within 5 mm after 0.74 s
 * and never goes beyond them.
 */
#include "control.h"

#define DT 0.001       /* s, the period */
#define DAMPING 0.5    /* N s/m */
#define MASS 1.0       /* kg */
#define FORCE_MAX 20.0 /* N, what the actuator can do */

static const double kp = 120.0, ki = 5.0, kd = 22.0;

static double clamp(double v, double limit)
{
	return v > limit ? limit : v < -limit ? -limit : v;
}

int plant_step(struct plant *p, int setpoint_mm)
{
	double error = setpoint_mm / 1000.0 - p->position, force;

	force = kp * error + ki * p->integral + kd * (error - p->before) / DT;
	/* No integral while the actuator is at its limit: it would wind up. */
	if (force == clamp(force, FORCE_MAX))
		p->integral += error * DT;
	p->before = error;
	p->speed += (clamp(force, FORCE_MAX) - DAMPING * p->speed) / MASS * DT;
	p->position += p->speed * DT;
	return (int)(p->position * 1000.0 + (p->position < 0 ? -0.5 : 0.5));
}
