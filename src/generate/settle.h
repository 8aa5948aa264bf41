// SPDX-License-Identifier: Apache-2.0
// Which parts of a picture a level of the denoiser has nothing to decide about: where the layout
// shows one frame throughout and the coarser level kept what it shows. Such places stay as the
// layout has them; only seams, edges of objects and what a coarser level changed are rendered.
// In: the layout, and what the coarser level changed. Out: lists of places and of spans of pixels,
// in raster order. One for each image, on its thread.
#ifndef IFL_GENERATE_SETTLE_H
#define IFL_GENERATE_SETTLE_H

#include "generate/layout.h"

enum { IFL_SETTLE_MIXED = UINT16_MAX, IFL_CANDIDATES = 8 };

// A place of the grid that takes part in a level. The denoiser's are: the layout's frame there
// (IFL_LAYOUT_PLATE: none), the frames that compete, and the one patch that it already chose.
struct ifl_spot {
    uint16_t across, down, home;
    uint8_t frame[IFL_CANDIDATES], frames;
    const uint8_t *decided;
};

// A strip of pixels that are rendered.
struct ifl_span {
    int x, y, width, height;
};

struct ifl_settle {
    uint16_t *owner[IFL_LEVELS_MAX]; // of each block of the layout, or IFL_SETTLE_MIXED where there
                                     // are several
    uint8_t *changed;                // blocks whose coarser pixels left the layout
    uint8_t *live;                   // blocks that a rendered place covers
    struct ifl_spot *spot;           // rendered places first, then settled ones that overlap them
    struct ifl_span *span;           // what the rendered places cover
    int rendered, spots, spans;
};

// Storage for pictures of any level. False: no memory.
bool ifl_settle_init(struct ifl_settle *settle, const struct ifl_memory *memory);
void ifl_settle_fini(struct ifl_settle *settle);

// Takes in a layout.
void ifl_settle_layout(struct ifl_settle *settle, const struct ifl_memory *memory,
                       const struct ifl_layout *layout);

// Lists every place of a grid.
void ifl_settle_nothing(struct ifl_settle *settle, const struct ifl_grid *grid);

// Lists what is left to do at `level` (1 or more) once the coarser one has changed the layout by
// `change`: RGB, grey levels with IFL_PATCH_FRACTION fractional bits, rows tight.
void ifl_settle_level(struct ifl_settle *settle, const struct ifl_memory *memory, int level,
                      const int16_t *change);

#endif
