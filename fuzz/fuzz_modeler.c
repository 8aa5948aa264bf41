// SPDX-License-Identifier: Apache-2.0
// Files of a modeler's state. What loads takes pictures, merges, and says itself as numbers that
// are in their ranges.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "profile/bytes.h"
#include "profile/modeler.h"
#include "support.h"

enum { HEADER_BYTES = 24, FIXED_BYTES = HEADER_BYTES + 16, WINDOW = 8 };

static struct ifl_modeler *make(void)
{
    struct ifl_modeler_config config = {.window_frames = WINDOW, .half_life_frames = 2};
    struct ifl_modeler *modeler;
    struct ifl_error error;
    MUST(ifl_modeler_create(&config, &modeler, &error) == IFL_OK);
    return modeler;
}

// Lengths, check sum, window and list of features as they must be, so that they hide nothing.
static void fit_header(const struct ifl_modeler *modeler, uint8_t *bytes, size_t count)
{
    struct ifl_writer own = {0};
    ifl_modeler_write(modeler, &own);
    MUST(!own.failed);
    memcpy(bytes, own.bytes, FIXED_BYTES);
    free(own.bytes);
    ifl_put_u64(bytes + 16, count - HEADER_BYTES);
    ifl_put_u32(bytes + 12, (uint32_t)crc32(0, bytes + HEADER_BYTES, (uInt)(count - HEADER_BYTES)));
}

static void check(struct ifl_modeler *modeler)
{
    static struct ifl_distribution now;
    struct ifl_features features = {0};
    for (int i = 0; i < 3; i++)
        ifl_modeler_update(modeler, &features);
    struct ifl_modeler *other = make();
    ifl_modeler_merge(other, modeler);
    ifl_modeler_merge(modeler, other);
    ifl_modeler_destroy(other);
    ifl_modeler_detect_distribution_shift(modeler, NULL);
    ifl_modeler_get_current_distribution(modeler, &now);
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)f);
        MUST(now.feature[f].count == now.frames);
        for (int q = 0; q < IFL_QUANTILES; q++)
            MUST(!isnan(now.feature[f].quantile[q]));
        MUST(now.feature[f].min >= row->least && now.feature[f].max <= row->greatest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct ifl_modeler *modeler = make();
    struct ifl_error error;
    uint8_t *copy = malloc(count + 1);
    MUST(copy != NULL);
    memcpy(copy, bytes, count);
    if (count > FIXED_BYTES)
        fit_header(modeler, copy, count);
    enum ifl_result result = ifl_modeler_parse(modeler, "fuzz.iflmodel", copy, count, &error);
    fuzz_must_explain(result, &error);
    check(modeler);
    ifl_modeler_destroy(modeler);
    free(copy);
    return 0;
}
