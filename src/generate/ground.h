// SPDX-License-Identifier: Apache-2.0
// Whether what the plate shows is the background. Somebody who stays for most of the memory's time
// is in the plate, and every mode shows the plate: so privacy depends on it. Any thread.
#ifndef IFL_GENERATE_GROUND_H
#define IFL_GENERATE_GROUND_H

#include <stdlib.h>

#include "inferloop/generate.h"

enum { IFL_GROUND_DIFFERENCE = 20 }; // grey levels

static inline bool ifl_is_ground(const uint8_t *pixel, const uint8_t *plate)
{
    for (int c = 0; c < 3; c++)
        if (abs(pixel[c] - plate[c]) > IFL_GROUND_DIFFERENCE)
            return false;
    return true;
}

// Where it is measured: the 64x36 class.
static inline int ifl_ground_level(const struct ifl_profile *profile)
{
    return profile->levels > 1 ? 1 : 0;
}

// Share of the picture whose background is certain (struct ifl_suitability: ground). 1 where there
// is no plate yet. Somebody who never moves can't be told from a statue.
double ifl_ground_known(const struct ifl_profile *profile);

#endif
