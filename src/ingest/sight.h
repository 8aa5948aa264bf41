// SPDX-License-Identifier: Apache-2.0
// What camera truth looks at in one picture: a square of 128 x 128 samples of its luma, whatever
// its shape, and what that shows. In: the plane of an extractor (kernels/plane.h). Out: numbers.
// Pure; a sight is the caller's.
#ifndef IFL_INGEST_SIGHT_H
#define IFL_INGEST_SIGHT_H

#include "kernels/plane.h"

enum { IFL_SIGHT_SIDE = 128, IFL_SIGHT_TILES = 8 };

struct ifl_sight {
    uint8_t luma[IFL_SIGHT_SIDE * IFL_SIGHT_SIDE];
    uint8_t edges[IFL_SIGHT_SIDE * IFL_SIGHT_SIDE]; // |dY/dx| + |dY/dy|, at most 255
    // Mean of (dY/dx)^2 + (dY/dy)^2 of each tile, and of all.
    float energy[IFL_SIGHT_TILES * IFL_SIGHT_TILES];
    double energy_mean;
    double sharpness;  // variance of the Laplacian over that of luma: contrast does not matter
    double grey_share; // of rows, from the lower or upper border on, in the grey of a decoder that
                       // has nothing to show
};
void ifl_sight_take(struct ifl_sight *sight, const struct ifl_plane *plane);

// The row (of IFL_SIGHT_SIDE) from which on the picture is set off sideways while what is above it
// stands; or -1. Looked for where its edges usually are, unless what is set off stands as in the
// picture before (what moves has come there bit by bit); and in the picture before, which knows
// what moves, too: since that may be what is set off, all from the row on down to the last must be.
// `edges_before`: of the last picture without a tear.
int ifl_sight_tear(const struct ifl_sight *sight,
                   const float usual_edges[IFL_SIGHT_SIDE * IFL_SIGHT_SIDE],
                   const uint8_t edges_before[IFL_SIGHT_SIDE * IFL_SIGHT_SIDE]);

#endif
