// SPDX-License-Identifier: Apache-2.0
// What has changed, since when, and how: for people. In: the newest rows and the regime they are
// compared with. Out: the first row of the change, whether it came at once or slowly, the three
// channels that tell most, the region of the picture. Any thread.
#ifndef IFL_PROFILE_CHANGE_H
#define IFL_PROFILE_CHANGE_H

#include "inferloop/incident.h"
#include "profile/regime.h"

struct ifl_change {
    uint64_t first, settled; // rows: it begins; it has reached the new state (or the newest row)
    int64_t first_wall_ns;   // of the first row
    uint64_t first_sequence;
    bool gradual;
    bool light;     // brightness has changed: the other measures follow it
    bool relations; // no channel by itself, but how they go together
    double seconds; // from first to settled
    int channels;   // of those below, the most telling first
    int channel[IFL_INCIDENT_FEATURES];
    double before[IFL_INCIDENT_FEATURES], after[IFL_INCIDENT_FEATURES];
    double score[IFL_INCIDENT_FEATURES]; // Wasserstein distance in deviations of the block mean
    double region[4];                    // as in an incident
};
// `hint` is a row of the new state or of the way to it; nothing before `earliest` is looked at.
void ifl_change_describe(const struct ifl_regime *reference, const struct ifl_rows *rows,
                         uint64_t hint, uint64_t earliest, struct ifl_change *change);

// A word for what kind of thing a channel measures: "light", "colour", ...
const char *ifl_channel_theme(int channel);

// The box around the tiles that stand out most; width 0 where that is nearly all of the picture.
void ifl_tiles_region(const float score[IFL_TILE_COUNT], double region[4]);

#endif
