// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[IFL_CPU_LEVELS] = {"c", "avx2", "avx512", "vnni"};

// The level in force plus one; 0 until somebody asks. The one variable of this room: it only ever
// chooses between equals.
static int level_in_force;

const char *ifl_cpu_level_name(enum ifl_cpu_level level)
{
    return names[level];
}

static enum ifl_cpu_level wanted_level(void)
{
    const char *text = getenv("INFERLOOP_CPU");
    for (int i = 0; text && i < IFL_CPU_LEVELS; i++) {
        if (strcmp(text, names[i]) == 0)
            return (enum ifl_cpu_level)i;
    }
    return IFL_CPU_LEVELS - 1;
}

enum ifl_cpu_level ifl_cpu_force(enum ifl_cpu_level level)
{
    enum ifl_cpu_level has = ifl_cpu_detect();
    enum ifl_cpu_level now = level < has ? level : has;
    __atomic_store_n(&level_in_force, (int)now + 1, __ATOMIC_RELAXED);
    return now;
}

enum ifl_cpu_level ifl_cpu_level(void)
{
    int level = __atomic_load_n(&level_in_force, __ATOMIC_RELAXED);
    return level ? (enum ifl_cpu_level)(level - 1) : ifl_cpu_force(wanted_level());
}
