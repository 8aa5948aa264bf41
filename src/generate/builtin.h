// SPDX-License-Identifier: Apache-2.0
// What this room gives to those that join the rooms: its engine and its vocabulary.
#ifndef IFL_GENERATE_BUILTIN_H
#define IFL_GENERATE_BUILTIN_H

#include "inferloop/generate.h"

// Analytic diffusion out of the profile's own memory: see analytic.c.
extern const struct ifl_engine_plugin ifl_engine_analytic;

// One word or phrase that prompts may use, and what it asks for at guidance_scale 7.5.
struct ifl_prompt_row {
    const char *phrase;              // lower case, single spaces; "" in every amount: a filler word
    double brightness_offset;        // added to brightness_mean
    double contrast_factor;          // of contrast_mean; 1 asks nothing
    double saturation_factor;        // of saturation_mean; 1 asks nothing
    double color_temperature_factor; // of the colour temperature; 1 asks nothing
    double occupancy_weight;         // of crowded layouts; below 0 empty ones
    double sharpness_factor;         // of laplacian_variance; 1 asks nothing
    double haze_offset;              // added to dark_channel
    double noise_offset;             // added to noise_sigma
};
const struct ifl_prompt_row *ifl_prompt_rows(int *count);

// docs/prompts.md, out of the table. free() it; NULL when memory is short.
char *ifl_prompt_document(void);

#endif
