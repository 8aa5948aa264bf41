// SPDX-License-Identifier: Apache-2.0
// The test pattern: a street scene drawn by rule, with ground truth of what is where.
//
// In: a configuration and the number of a frame. Out: that frame, and the list of its objects. Each
// frame is a function of its number alone: nothing depends on history. Objects enter at the left or
// right edge, walk across at some depth, half of them stand still for a while, and leave; after a
// time the same identities come back. A scene is used by one thread; truth is safe on any.
#ifndef IFL_SOURCE_PATTERN_H
#define IFL_SOURCE_PATTERN_H

#include "inferloop/source.h"

enum { IFL_PATTERN_OBJECTS_MAX = 32, IFL_PATTERN_IDENTITIES_MAX = 240 };

struct ifl_pattern_config {
    int width, height;
    double rate;     // frames/s
    int objects;     // at most so many at once, 0..IFL_PATTERN_OBJECTS_MAX
    int identities;  // how many different ones, objects..IFL_PATTERN_IDENTITIES_MAX
    uint64_t frames; // length; 0: endless
    double light;    // strength of the changes of light, 0..3; 1: about 20 %
    double noise;    // sigma of the sensor's noise, grey levels, 0..20
    uint64_t seed;
};

struct ifl_pattern_object {
    uint32_t id;             // of this visit, never 0; what a tracker should follow
    uint32_t identity;       // 1..identities: who it is; comes back with another id
    int x, y, width, height; // bounding box inside the picture
    bool cut;                // an edge of the picture cuts it
    bool standing;
    uint8_t red, green, blue; // of its torso or body
};

void ifl_pattern_config_init(struct ifl_pattern_config *config);
// "pattern:size=640x360,rate=10,objects=4,identities=40,frames=0,light=1,noise=1.5,seed=1"
enum ifl_result ifl_pattern_parse(const char *uri, struct ifl_pattern_config *config,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

// The objects of frame `index`, far ones first (as they are drawn); returns how many.
int ifl_pattern_truth(const struct ifl_pattern_config *config, uint64_t index,
                      struct ifl_pattern_object objects[IFL_PATTERN_OBJECTS_MAX]);

struct ifl_pattern_scene;
enum ifl_result ifl_pattern_create(const struct ifl_pattern_config *config,
                                   struct ifl_pattern_scene **scene,
                                   struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_pattern_destroy(struct ifl_pattern_scene *scene); // takes NULL
// Draws into a full-range BT.601 YUV 4:2:0 frame of the configured size that nobody else has yet.
void ifl_pattern_draw(struct ifl_pattern_scene *scene, uint64_t index, struct ifl_frame *frame);
// The same without its objects (`noise` and light included): what is foreground is the difference.
void ifl_pattern_draw_empty(struct ifl_pattern_scene *scene, uint64_t index,
                            struct ifl_frame *frame);

#endif
