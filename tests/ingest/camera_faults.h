// SPDX-License-Identifier: Apache-2.0
// What goes wrong with cameras, done to good canonical frames; and a rig that counts what camera
// truth says of it. For its tests and for bench/bench_camera.c.
#ifndef IFL_TESTS_INGEST_CAMERA_FAULTS_H
#define IFL_TESTS_INGEST_CAMERA_FAULTS_H

#include "inferloop/features.h"
#include "ingest/health.h"

// name, the incident it must be called (COUNT: none may begin), seconds it may take, seconds it
// lasts, what is done
#define CAMERA_FAULTS(X)                                                                           \
    X(frozen, FROZEN, 3, 12, "the last picture again and again")                                   \
    X(frozen_coded, FROZEN, 3, 12, "the same, with an encoder's twitch every second")              \
    X(black, BLACK, 3, 12, "black, with sensor noise")                                             \
    X(white, WHITE, 3, 12, "white")                                                                \
    X(hand, COVERED, 3, 12, "a hand on the lens: dark, reddish, blurred away")                     \
    X(cloth, COVERED, 3, 12, "a bright cloth before the lens")                                     \
    X(spray, COVERED, 3, 12, "paint over nine tenths of the lens")                                 \
    X(defocused, DEFOCUSED, 3, 12, "blurred by 1/64 of the width, under the same sensor noise")    \
    X(fogged, DEFOCUSED, 3, 12, "a wet lens: blurred by 1/100, half the contrast")                 \
    X(moved, MOVED, 6, 12, "turned by a tenth of the width")                                       \
    X(lowered, MOVED, 6, 12, "tilted by an eighth of the height")                                  \
    X(away, MOVED, 6, 12, "turned to something else")                                              \
    X(torn, TORN, 3, 12, "from a row on set off sideways, every second picture")                   \
    X(half_grey, TORN, 3, 12, "the lower half a decoder's grey")                                   \
    X(concealed, TORN, 3, 12, "the decoder conceals errors in every fifth picture")                \
    X(infrared, INFRARED, 3, 12, "without colour, a little brighter")                              \
    X(overexposed, EXPOSURE, 3, 8, "1.8 times as bright at once")                                  \
    X(underexposed, EXPOSURE, 3, 8, "half as bright at once")                                      \
    X(sunset, COUNT, 0, 600,                                                                       \
      "to a tenth of the light within five minutes, with more noise, and back")                    \
    X(truck, COUNT, 0, 14,                                                                         \
      "a truck drives before the lens, hides five sixths of the view, waits "                      \
      "for 6 s, drives on")                                                                        \
    X(lamp, COUNT, 0, 20, "a fifth of the picture becomes bright at once")                         \
    X(shake, COUNT, 0, 12, "wind moves the camera by 1 % of the width")                            \
    X(pan, MOVED, 6, 12, "it keeps turning, a tenth of the width a second")
enum camera_fault {
#define CAMERA_FAULT_ENUM(name, kind, found_s, lasts_s, what) CAMERA_##name,
    CAMERA_FAULTS(CAMERA_FAULT_ENUM)
#undef CAMERA_FAULT_ENUM
        CAMERA_FAULT_COUNT
};
struct camera_fault_row {
    const char *name;
    int kind;       // enum ifl_incident_kind
    double found_s; // it must be found within
    double lasts_s; // how long it is done
    const char *what;
};
const struct camera_fault_row *camera_fault_row(enum camera_fault fault);

// A changed copy of `frame`, which is what is seen `seconds` after the fault began; `before` is the
// last good frame. Unref it.
struct ifl_frame *camera_fault_apply(enum camera_fault fault, const struct ifl_frame *frame,
                                     const struct ifl_frame *before, double seconds);

struct camera_rig {
    struct ifl_journal *journal;
    struct ifl_health *health;
    struct ifl_extractor *extractor;
    double rate; // frames/s of its time
    uint64_t frames, held;
};
void camera_rig_open(struct camera_rig *rig, double rate);
void camera_rig_close(struct camera_rig *rig);
enum ifl_verdict camera_rig_take(struct camera_rig *rig, struct ifl_frame *frame); // keeps no ref

// A trial: good frames for `warm_s`, the fault for `lasts_s`, good frames for `after_s`.
struct camera_scene { // where good frames come from; unref each
    struct ifl_frame *(*next)(void *context);
    void *context;
    double rate;
};
struct camera_trial { // seconds of the stream
    double found_s;   // after its beginning; -1: not found
    double cleared_s; // after its end; -1: not cleared, or never begun
    int first_gap;    // frames between the first bad one and what the incident calls the first
    double held;      // share of the bad frames that were kept out
    double held_good; // and of the good ones before
    int begun[IFL_INCIDENT_COUNT];
    char cause[32];
};
void camera_try(struct camera_rig *rig, const struct camera_scene *scene, enum camera_fault fault,
                double warm_s, double lasts_s, double after_s, struct camera_trial *trial);

#endif
