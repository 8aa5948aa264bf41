/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: what a stream looks like now. In: canonical frames. Out: immutable snapshots.
 *
 * A profiler belongs to one thread. A profile (snapshot) is reference-counted, immutable and safe
 * on any thread; it holds statistics and the generator's memory: recent frames with their
 * foreground, so it contains pictures of the people in front of the camera. Treat it like a
 * recording. */
#ifndef INFERLOOP_PROFILE_H
#define INFERLOOP_PROFILE_H

#include "inferloop/distribution.h"
#include "inferloop/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IFL_LEVELS_MAX = 6,       /* sizes of the memory's pyramid; level 0 is about 32x18 */
    IFL_MEMORY_MIN = 16,      /* frames below which nothing is generated */
    IFL_MEMORY_MAX = 256,     /* frames */
    IFL_COMPONENTS_MAX = 254, /* foreground components of one frame */
    IFL_PROFILE_ID_MAX = 17,  /* 16 hexadecimal digits and the final 0 */
};

/* Which borders of the picture a component touches. */
enum { IFL_EDGE_LEFT = 1, IFL_EDGE_RIGHT = 2, IFL_EDGE_TOP = 4, IFL_EDGE_BOTTOM = 8 };

/* One foreground object as one memory frame shows it; pixels of the base (finest) level. */
struct ifl_component {
    int x, y, width, height; /* bounding box */
    int area;                /* pixels of its mask */
    unsigned edges;          /* IFL_EDGE_... */
    uint32_t event;          /* id of its event (track), never 0 */
};

/* An event is one track from its beginning to its end, not a person: a person may leave several. */
struct ifl_event {
    uint32_t id;                      /* never 0 */
    uint32_t identity;                /* events that look like the same object share it; >= 1 */
    uint64_t first_index, last_index; /* media index of the first and last frame it was seen in */
    uint32_t frames;                  /* how many frames it was seen in */
    int height_max;                   /* pixels of the base level */
};

/* What lamps, clouds and the sun do to parts of the picture: how much brighter a cell is than the
 * plate's light, in 1/4096 (2048: half as bright again, -2048: half as bright), by row, column and
 * channel R, G, B. Cells divide the picture evenly; between their centres it is bilinear, beyond
 * the outermost ones it stays as it is there. All 0: the light is the same everywhere. */
enum { IFL_LIGHT_DOWN = 10, IFL_LIGHT_ACROSS = 16 };
struct ifl_local_light {
    int16_t cell[IFL_LIGHT_DOWN][IFL_LIGHT_ACROSS][3]; /* -3072..12288 */
};

struct ifl_memory_frame {
    int refs; /* atomic */
    uint64_t sequence, media_index;
    int64_t capture_wall_ns;
    /* Illumination taken out on entry: raw = gain * (1 + local / 4096) * canonical + offset, per
     * channel R, G, B, where canonical matches the plate and values are 0..255. */
    float gain[3], offset[3];
    struct ifl_local_light local;
    /* RGB24, canonical photometry, rows tight (width * 3 bytes); level[l] has the profile's
     * level_width[l] x level_height[l]. */
    const uint8_t *level[IFL_LEVELS_MAX];
    int *level_refs; /* atomic: frames that share level[] and differ in labels; NULL: only this */
    const uint8_t *label; /* base level, rows tight: 0 plate, i: component[i - 1] */
    int components;
    const struct ifl_component *component;
};

/* How much foreground there is, over the window. Foreground: components of at least the
 * profiler's smallest area against the plate. */
struct ifl_occupancy {
    double rate;       /* share of frames with at least one component */
    double count_mean; /* components per frame */
    double area_mean;  /* share of the picture that is foreground */
};

struct ifl_profile {
    int refs;                    /* atomic */
    char id[IFL_PROFILE_ID_MAX]; /* hash of the content */
    char source[IFL_SOURCE_NAME_MAX];
    char licence[96]; /* of the source's pictures, or "" */
    int64_t created_wall_ns, first_wall_ns, last_wall_ns;
    uint64_t frames_seen;     /* frames the profiler was given */
    uint64_t frames_profiled; /* of which statistics were taken */
    uint64_t window_frames;   /* frames the statistics below are over */
    int source_width, source_height;
    /* How much of the stream is behind it, over the last seconds before it was made: shares of the
     * frames that came. 1 where nothing was left out for lack of time. */
    double analysed_share; /* of which at least statistics were taken */
    double complete_share; /* of which objects, memory and background learned too */

    struct ifl_feature_stats feature[IFL_FEATURE_COUNT];
    struct ifl_joint joint; /* over the window */
    struct ifl_recent recent;
    uint64_t reference_frames; /* 0: there is none yet */
    struct ifl_feature_stats reference[IFL_FEATURE_COUNT];
    float tile_mean[IFL_TILES][IFL_TILES]; /* mean over the window */
    struct ifl_occupancy occupancy;

    int levels; /* >= 1; 0 where the profile holds statistics only */
    int level_width[IFL_LEVELS_MAX], level_height[IFL_LEVELS_MAX];
    const uint8_t *plate[IFL_LEVELS_MAX]; /* the background, RGB24 tight, canonical photometry */
    int memory_frames;
    struct ifl_memory_frame *const *memory; /* oldest first (by media index) */
    int events;
    const struct ifl_event *event; /* by id; those that the memory shows */
    int identities;                /* distinct identities among them */
    /* Share of the stream's time that each memory frame stands for; sums to 1. NULL: each for as
     * much. Chosen for what they show, they would show rare things too often. */
    float *memory_weight;
};

IFL_API struct ifl_profile *ifl_profile_ref(const struct ifl_profile *profile);
IFL_API void ifl_profile_unref(const struct ifl_profile *profile); /* takes NULL */

/* The event's row, or NULL. */
IFL_API const struct ifl_event *ifl_profile_event(const struct ifl_profile *profile, uint32_t id);

/* One file with everything; written to a temporary name, synced and renamed; mode 0600. */
IFL_API enum ifl_result ifl_profile_save(const struct ifl_profile *profile, const char *path,
                                         struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API enum ifl_result ifl_profile_load(const char *path, struct ifl_profile **profile,
                                         struct ifl_error *error) IFL_CHECK_RESULT;

/* What is wrong with a profile: traces of black, flat or frozen pictures, too few of them, numbers
 * that contradict themselves. Fills at most `most`, returns how many; 0: nothing. */
struct ifl_profile_finding {
    bool unfit; /* nothing good can be generated from it; else only worth knowing */
    char text[160];
};
IFL_API int ifl_profile_check(const struct ifl_profile *profile,
                              struct ifl_profile_finding *findings, int most);

/* Its statistics as JSON ("schema": "inferloop.profile/1"); no pictures. free() it. NULL when
 * memory is short. */
IFL_API char *ifl_profile_json(const struct ifl_profile *profile);

struct ifl_profiler_config {
    const char *source;  /* name */
    const char *licence; /* or NULL */
    int base_area;       /* pixels of the finest level: the class, e.g. 256 * 144 */
    int memory_frames;   /* IFL_MEMORY_MIN..IFL_MEMORY_MAX */
    int window_frames;   /* frames the statistics are over, >= 1 */
    uint64_t seed;       /* of the reservoir */
};

/* The defaults: class 256x144, 128 memory frames, window 3000. */
IFL_API void ifl_profiler_config_init(struct ifl_profiler_config *config);

/* Whether the profile may learn from a frame. Camera truth judges first (a black, frozen, covered
 * or torn picture shows no scene), drift second (a picture unlike all others); the worse one
 * counts. */
enum ifl_verdict {
    IFL_VERDICT_GOOD,  /* shows the scene: learned */
    IFL_VERDICT_LIGHT, /* the same, but there is no time for more than its statistics */
    IFL_VERDICT_HELD,  /* counted as seen, but neither learned nor remembered */
};

struct ifl_profiler;
IFL_API enum ifl_result ifl_profiler_create(const struct ifl_profiler_config *config,
                                            struct ifl_profiler **profiler,
                                            struct ifl_error *error) IFL_CHECK_RESULT;
/* Takes one canonical frame in. Keeps no reference to it. */
IFL_API enum ifl_result ifl_profiler_update(struct ifl_profiler *profiler,
                                            const struct ifl_frame *frame,
                                            struct ifl_error *error) IFL_CHECK_RESULT;
/* The same with the frame's features and a verdict, for those who have measured it already. A
 * profiler that is given nothing but held frames has no profile. */
IFL_API enum ifl_result ifl_profiler_take(struct ifl_profiler *profiler,
                                          const struct ifl_frame *frame,
                                          const struct ifl_features *features,
                                          enum ifl_verdict verdict,
                                          struct ifl_error *error) IFL_CHECK_RESULT;
/* The foreground of the newest frame it has learned: components, and their share of the picture. */
IFL_API void ifl_profiler_foreground(const struct ifl_profiler *profiler, int *components,
                                     double *share);
/* Forgets all that it has learned, pictures included; goes on with the next frame. */
IFL_API enum ifl_result ifl_profiler_reset(struct ifl_profiler *profiler,
                                           struct ifl_error *error) IFL_CHECK_RESULT;
/* Drops the remembered pictures that were taken before this time of the wall clock; statistics and
 * background stay. */
IFL_API void ifl_profiler_forget(struct ifl_profiler *profiler, int64_t before_wall_ns);
/* The state of the statistics (not of pictures) in a file, and from it: then they go on as if the
 * program had not stopped. Errors: ifl_modeler_save and ifl_modeler_load. */
IFL_API enum ifl_result ifl_profiler_keep(const struct ifl_profiler *profiler, const char *path,
                                          struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API enum ifl_result ifl_profiler_resume(struct ifl_profiler *profiler, const char *path,
                                            struct ifl_error *error) IFL_CHECK_RESULT;
/* See distribution.h. */
IFL_API bool ifl_profiler_detect_distribution_shift(struct ifl_profiler *profiler,
                                                    struct ifl_distribution_shift *shift);
/* The profile of now. IFL_ERR_NOT_READY before the first frame. */
IFL_API enum ifl_result ifl_profiler_snapshot(struct ifl_profiler *profiler,
                                              struct ifl_profile **profile,
                                              struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API void ifl_profiler_destroy(struct ifl_profiler *profiler); /* takes NULL */

/* A profile of all these pictures, of any format and size: statistics only, without memory, so
 * nothing can be generated from it. The pictures are taken in order, motion is from each to the
 * next of its size. */
IFL_API enum ifl_result ifl_process_batch(struct ifl_frame *const *frames, int count,
                                          struct ifl_profile **profile,
                                          struct ifl_error *error) IFL_CHECK_RESULT;

/* Sizes of the pyramid for a picture of this aspect: level 0 has about 32 * 18 pixels, each next
 * one doubles both sides, the last has about base_area. Returns the number of levels. */
IFL_API int ifl_pyramid_sizes(int width, int height, int base_area, int level_width[IFL_LEVELS_MAX],
                              int level_height[IFL_LEVELS_MAX]);

#ifdef __cplusplus
}
#endif
#endif
