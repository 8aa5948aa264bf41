// SPDX-License-Identifier: Apache-2.0
// Prompts. The first byte is the strength. The outcome is finite, in its ranges, and says what was
// not understood as text.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "inferloop/generate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count < 1 || count > IFL_PROMPT_MAX)
        return 0;
    char *prompt = fuzz_text(bytes + 1, count - 1);
    struct ifl_conditioning out;
    ifl_prompt_parse(prompt, bytes[0] % 21, &out);
    MUST(out.brightness_offset >= -1 && out.brightness_offset <= 1);
    MUST(out.contrast_factor >= 0 && out.contrast_factor <= 8);
    MUST(out.saturation_factor >= 0 && out.saturation_factor <= 8);
    MUST(out.color_temperature_factor >= 0.2 && out.color_temperature_factor <= 5);
    MUST(out.sharpness_factor >= 0.001 && out.sharpness_factor <= 64);
    MUST(out.haze_offset >= -1 && out.haze_offset <= 1);
    MUST(out.noise_offset >= -100 && out.noise_offset <= 100);
    MUST(out.occupancy_weight >= -8 && out.occupancy_weight <= 8);
    MUST(memchr(out.unknown_words, 0, sizeof out.unknown_words) != NULL);
    MUST(fuzz_is_utf8(out.unknown_words));
    free(prompt);
    return 0;
}
