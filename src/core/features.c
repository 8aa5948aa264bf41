// SPDX-License-Identifier: Apache-2.0
#include "inferloop/features.h"

static const struct ifl_feature_row rows[IFL_FEATURE_COUNT] = {
#define ROW(name, unit, least, greatest, definition) {#name, unit, least, greatest, definition},
    IFL_FEATURES(ROW)
#undef ROW
};

const struct ifl_feature_row *ifl_feature_row(enum ifl_feature feature)
{
    return &rows[feature];
}
