// SPDX-License-Identifier: Apache-2.0
// How a component looks: luma and chroma histograms of its upper, middle and lower third. In: a
// canonical picture and its labels. Out: a vector that can be compared and averaged. Any thread.
#ifndef IFL_PROFILE_SIGNATURE_H
#define IFL_PROFILE_SIGNATURE_H

#include "inferloop/profile.h"

enum { IFL_SIGNATURE_BANDS = 3, IFL_SIGNATURE_BINS = 24 }; // 8 of luma, 8 of each chroma

struct ifl_signature {
    float share[IFL_SIGNATURE_BANDS][IFL_SIGNATURE_BINS]; // each 8 sum to 1
};

// Of component `index` (label index + 1) of a picture `width` pixels wide.
void ifl_signature_take(struct ifl_signature *signature, const uint8_t *rgb, const uint8_t *label,
                        int width, const struct ifl_component *component, int index);

// 0 the same .. 1 nothing in common (Hellinger distance, mean over bands and channels).
float ifl_signature_distance(const struct ifl_signature *a, const struct ifl_signature *b);

// a moves towards b by `rate`.
void ifl_signature_blend(struct ifl_signature *a, const struct ifl_signature *b, float rate);

#endif
