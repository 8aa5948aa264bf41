// SPDX-License-Identifier: Apache-2.0
// What the files objects*.c share. In: a profile's foreground components. Out: crops in one
// canonical box, layouts, blends. Everything but the scratch of one `paint` is made at create and
// never changes; no thread of its own. Limits: objects of up to OBJECT_SIDE_MAX pixels at the base
// level, CROPS_MAX crops of an identity, IDENTITIES_MAX identities, PLACEMENTS_MAX objects.
//
// The canonical box is BOX x BOX: an object is scaled isotropically until its longer side is BODY,
// its lowest row ends at row FOOT, its centroid is in the middle column.
#ifndef IFL_GENERATE_OBJECTS_INTERNAL_H
#define IFL_GENERATE_OBJECTS_INTERNAL_H

#include <stdbool.h>

#include "generate/objects.h"

enum {
    BOX = 48,
    BODY = 40,
    FOOT = 44,
    PIXELS = BOX * BOX,
    SKETCH = 24, // side of the silhouette that poses are compared by
    PARTS = 4,   // head, torso, legs, shoes
    TONES = 8,   // steps from a part's darkest pixels to its brightest
    CHANNELS = 3,
    CROPS_MAX = 12,
    CROPS_TOTAL_MAX = 4096, // 44 MB
    IDENTITIES_MAX = 1024,
    PLACEMENTS_MAX = 256,
    OBJECT_SIDE_MIN = 6,
    OBJECT_SIDE_MAX = 110,
    SHADE_COLUMNS = 24, // cells of a shadow: three times as wide as the object is high,
    SHADE_ROWS = 16,    // and one and a half times as high, the foot line in the middle
    SHADE_CELLS = SHADE_COLUMNS * SHADE_ROWS,
    DISTANCE_UNIT = 8, // steps of a stored distance per canonical pixel
};

// Of numbers: fminf and fmaxf mind NaN, and are calls.
static inline float lesser(float a, float b)
{
    return a < b ? a : b;
}

static inline float greater(float a, float b)
{
    return a > b ? a : b;
}

// Colours here are Y, Cb, Cr of full-range BT.601 with chroma around 0: a plain Lab-like space.
void ifl_color_from_rgb(const uint8_t rgb[3], float color[CHANNELS]);
void ifl_color_to_rgb(const float color[CHANNELS], float rgb[3]);

// Mean and spread of each part.
struct ifl_palette {
    float mean[PARTS][CHANNELS], spread[PARTS][CHANNELS];
};

// One object as one memory frame shows it, in the canonical box.
struct ifl_crop {
    int identity;            // row of ifl_objects.identity
    float size;              // its longer side in the picture, pixels
    float relative;          // its height by the height that its kind has at this foot line
    float line[PARTS + 1];   // rows where head, torso, legs and shoes begin, and FOOT
    int8_t distance[PIXELS]; // signed distance to the silhouette, < 0 inside, of DISTANCE_UNIT
    int area;                // canonical pixels inside
    int heading;             // walks to the left -1, to the right 1, or neither
    int8_t sketch[2][SKETCH * SKETCH]; // as it is, and mirrored
    uint8_t rgb[PIXELS * 3];           // colours go on beyond the silhouette: no background in it
    float left[BOX], right[BOX];       // the silhouette's extent in each row
    struct ifl_palette palette;
    float tone[PARTS][TONES][CHANNELS]; // by luma, minus the part's mean, by its spread
};

enum ifl_kind_index { KIND_UPRIGHT, KIND_WIDE, KINDS, KIND_NONE = -1 };

// Objects that may be blended with each other.
struct ifl_kind {
    int identities;
    float height_at_0, height_slope; // height by foot line
    float aspect;                    // median width / height
    float fill;                      // median area / (width * height)
    float larger;                    // than crops, by that line, are what the stream shows
};

struct ifl_identity {
    uint32_t id; // as in struct ifl_event
    enum ifl_kind_index kind;
    int first_crop, crops;
    struct ifl_palette palette;
};

// How much darker than the plate the ground is around an identity: objects_shade.c.
struct ifl_shade {
    float weight[SHADE_CELLS]; // by how lately it was seen; 0 where the ground was not
    float dark[SHADE_CELLS];   // times that
};

// The shadow of one object, how dark (0..1) the ground is in each cell, and how far it reaches: by
// the object's height, from the middle of its feet to either side, up and down.
struct ifl_shading {
    float dark[SHADE_CELLS];
    float side, depth;
};

struct ifl_objects {
    const struct ifl_profile *profile;
    int width, height; // base level
    int identities;
    struct ifl_identity *identity; // by id
    int crops;
    struct ifl_crop *crop;
    struct ifl_kind kind[KINDS];
    float *area_z; // of each memory frame: its foreground area, standardised by weight
    double weight[IFL_MEMORY_MAX]; // share of the stream that each memory frame stands for
    struct ifl_shade *shade;       // of each identity
    uint16_t *front_foot; // per pixel: objects with a foot line above it stand behind this pixel
    float grain;          // noise of the memory frames, grey levels
};

// Weights of identities in one blend. They sum to 1.
struct ifl_blend {
    int count;
    int identity[IFL_K_MAX];
    double weight[IFL_K_MAX];
};

// What a component shows, as far as its size tells: one object and all of it, a part of one (the
// border cuts it, something hides it), or several.
enum ifl_shows { SHOWS_ONE, SHOWS_PART, SHOWS_SEVERAL };

// Where an object shall stand.
struct ifl_placement {
    int component; // of the layout's frame
    enum ifl_shows shows;
    float foot_x, foot_y; // the foot line, pixels
    float height;         // pixels
    enum ifl_kind_index kind;
};

// What one painted object was made of.
struct ifl_object_record {
    struct ifl_placement placement;
    int slot_identity; // row of the identity that stood there
    struct ifl_blend body, palette;
};

// A participant: a crop, perhaps mirrored.
struct ifl_pose {
    int crop;
    bool mirrored;
};

// An object in the canonical box, ready to be drawn.
struct ifl_figure {
    float distance[PIXELS]; // as in struct ifl_crop, in canonical pixels
    float left[BOX], right[BOX];
    float line[PARTS + 1];
    float color[PIXELS][CHANNELS];
};

struct ifl_paint_scratch {
    uint8_t excluded[IDENTITIES_MAX];
    struct ifl_placement placement[PLACEMENTS_MAX];
    struct ifl_figure figure;
    struct ifl_shading shading;
    float sample[PIXELS][CHANNELS]; // residuals of one participant
};

// objects_crops.c: fills identity, crop, kind.
enum ifl_result ifl_objects_collect(struct ifl_objects *objects, struct ifl_error *error);
int ifl_objects_find_identity(const struct ifl_objects *objects, uint32_t event); // row or -1

// objects_box.c: cuts one component out into the canonical box. False: nothing usable.
bool ifl_crop_cut(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                  int component, struct ifl_crop *crop);

// objects_kinds.c
void ifl_kind_fit(struct ifl_kind *kind, float (*foot_height)[2], int count);
float ifl_kind_height(const struct ifl_kind *kind, float foot_y);
float ifl_kind_area(const struct ifl_kind *kind, float foot_y);

// objects_layout.c
bool ifl_component_valid(const struct ifl_objects *objects, const struct ifl_component *component);
void ifl_layout_weigh(struct ifl_objects *objects); // fills area_z, weight, kind.larger
int ifl_layout_pick(const struct ifl_objects *objects, double weight, struct ifl_rng *rng);
// Placements for a frame, farthest first; `refused` counts what cannot be replaced.
int ifl_layout_place(const struct ifl_objects *objects, int frame, struct ifl_rng *rng,
                     struct ifl_placement *placement, int *refused);

// objects_cover.c: placements for a component that shows several; returns how many.
int ifl_cover_component(const struct ifl_objects *objects, int frame, int component,
                        enum ifl_kind_index index, struct ifl_placement *placement, int room);

// objects_exclude.c
// Marks every identity that may have stood in the placement's slot. Returns the slot's, or -1.
int ifl_layout_exclude(const struct ifl_objects *objects, int frame,
                       const struct ifl_placement *placement, uint8_t *excluded);

// objects_shape.c
// Chooses poses of at least k identities that resemble each other, and how wide they are to step
// (canonical pixels). False: there are too few.
bool ifl_shape_choose(const struct ifl_objects *objects, const struct ifl_placement *placement,
                      const uint8_t *excluded, int k, struct ifl_rng *rng, struct ifl_pose *pose,
                      struct ifl_blend *blend, float *stride);
void ifl_shape_blend(const struct ifl_objects *objects, const struct ifl_placement *placement,
                     const struct ifl_pose *pose, const struct ifl_blend *blend, float stride,
                     struct ifl_figure *figure);
// Whether a blend keeps the promise: >= k identities, none excluded, no weight above 1 / k.
bool ifl_blend_keeps(const struct ifl_blend *blend, int k, const uint8_t *excluded);

// objects_legs.c: below the hip, figure->distance becomes two legs that can be told apart where the
// figure is `height` pixels high.
void ifl_legs_stand(const struct ifl_objects *objects, const struct ifl_pose *pose,
                    const struct ifl_blend *blend, float stride, float height,
                    struct ifl_figure *figure);

// objects_texture.c: residuals of the participants in the figure's shape, into figure->color.
void ifl_texture_blend(const struct ifl_objects *objects, const struct ifl_pose *pose,
                       const struct ifl_blend *blend, struct ifl_paint_scratch *scratch);
void ifl_part_weights(const float line[PARTS + 1], int row, float weight[PARTS]);
// The row (`to`) that belongs to a row (`from`): part by part, linearly.
float ifl_map_row(const float from[PARTS + 1], const float to[PARTS + 1], float y);

// objects_tone.c
int ifl_part_at(const float line[PARTS + 1], int row);
void ifl_tone_measure(struct ifl_crop *crop); // fills tone
// Gives the residuals in figure->color the participants' mean tones.
void ifl_tone_apply(const struct ifl_objects *objects, const struct ifl_pose *pose,
                    const struct ifl_blend *blend, int k, struct ifl_figure *figure);

// objects_color.c: false: fewer than k may take part.
bool ifl_palette_choose(const struct ifl_objects *objects, enum ifl_kind_index kind,
                        const uint8_t *excluded, int k, struct ifl_rng *rng,
                        struct ifl_palette *palette, struct ifl_blend *blend);
void ifl_palette_apply(const struct ifl_palette *palette, struct ifl_figure *figure);

// objects_front.c: fills front_foot and grain.
enum ifl_result ifl_front_prepare(struct ifl_objects *objects, struct ifl_error *error);

// objects_shade.c: fills shade.
enum ifl_result ifl_shade_learn(struct ifl_objects *objects, struct ifl_error *error);
// As at least k who are not excluded show it. False: too few do.
bool ifl_shade_blend(const struct ifl_objects *objects, enum ifl_kind_index kind,
                     const uint8_t *excluded, int k, struct ifl_shading *shading);
// At a point beside and below the middle of the feet, by the object's height. `contact`: where no
// shadow is known, a soft dark ellipse where the object meets the ground.
float ifl_shade_at(const struct ifl_shading *shading, float along, float down);
float ifl_shade_contact(float along, float down);

// objects_render.c: `shading` NULL: only the contact shadow.
void ifl_render(const struct ifl_objects *objects, const struct ifl_figure *figure,
                const struct ifl_shading *shading, const struct ifl_placement *placement,
                struct ifl_rng *rng, uint8_t *canvas);

// ifl_objects_paint with a record of each painted object; `record` has room for `records_max`.
enum ifl_result ifl_objects_paint_recorded(const struct ifl_objects *objects, int k,
                                           double occupancy_weight, struct ifl_rng *rng,
                                           uint8_t *canvas, struct ifl_audit *audit,
                                           struct ifl_object_record *record, int records_max,
                                           struct ifl_error *error);

#endif
