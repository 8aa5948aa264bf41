/* SPDX-License-Identifier: Apache-2.0 */
/* Generation: synthetic images from a profile. In: a profile and a request. Out: an image with the
 * record of how it was made.
 *
 * The same profile, request and seed give the same bytes, whatever the number of threads. */
#ifndef INFERLOOP_GENERATE_H
#define INFERLOOP_GENERATE_H

#include "inferloop/image.h"
#include "inferloop/plugin.h"
#include "inferloop/profile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* name in enum, name for users, what it promises */
#define IFL_PRIVACY_MODES(X)                                                                       \
    X(VERBATIM, "verbatim", "recombined real content, people included; for use inside the house")  \
    X(DEIDENTIFY, "deidentify", "objects are blends of at least k other recorded tracks")          \
    X(K_ANONYMOUS, "k-anonymous", "only content seen in at least k distinct events")
enum ifl_privacy {
#define IFL_PRIVACY_ENUM(name, text, help) IFL_PRIVACY_##name,
    IFL_PRIVACY_MODES(IFL_PRIVACY_ENUM)
#undef IFL_PRIVACY_ENUM
};
IFL_API const char *ifl_privacy_name(enum ifl_privacy privacy);

enum {
    IFL_PROMPT_MAX = 2000, /* bytes with the final 0; longer ones are refused */
    IFL_K_MIN = 2,
    IFL_K_MAX = 64,
    IFL_IMAGE_SIDE_MIN = 32,
    IFL_IMAGE_SIDE_MAX = 1024,
};

/* What can be asked of an image, and met to within 1 % on its own pixels; occupancy: within 10 %,
 * where the stream has such a scene. name, unit, least, greatest, the feature or score that shall
 * have this value */
#define IFL_TARGETS(X)                                                                             \
    X(brightness, "1", 0, 1, "brightness_mean")                                                    \
    X(contrast, "1", 0, 1, "contrast_mean")                                                        \
    X(saturation, "1", 0, 1, "saturation_mean")                                                    \
    X(color_temperature, "K", 1500, 20000, "color_temperature")                                    \
    X(sharpness, "grey^2", 0, 65025, "laplacian_variance")                                         \
    X(haze, "1", 0, 1, "dark_channel")                                                             \
    X(noise, "grey", 0, 100, "noise_sigma")                                                        \
    X(occupancy, "1", 0, 1, "foreground_share")
enum ifl_target {
#define IFL_TARGET_ENUM(name, unit, least, greatest, of) IFL_TARGET_##name,
    IFL_TARGETS(IFL_TARGET_ENUM)
#undef IFL_TARGET_ENUM
        IFL_TARGET_COUNT,
    IFL_LOOK_COUNT = IFL_TARGET_occupancy, /* those before are of one picture's light and detail */
};
struct ifl_target_row {
    const char *name, *unit;
    double least, greatest;
    const char *of;
};
IFL_API const struct ifl_target_row *ifl_target_row(enum ifl_target target);

/* What became of a target. */
struct ifl_attained {
    double asked; /* by the request or, where that is silent, by words; NAN: nothing asked */
    double got;   /* measured on the delivered pixels; occupancy: by validation */
    bool met;     /* within 1 %, occupancy 10 %; false: `got` is the nearest attainable, occupancy:
                     of a scene with somewhat less or more, so that sets have it on average */
};
/* What became of the occupancy `asked`, where `share` of the picture is foreground; NAN: nothing
 * was asked. */
IFL_API struct ifl_attained ifl_attained_occupancy(double asked, double share);

/* What to make. Targets are NAN where the image shall be as the stream is. */
struct ifl_request {
    uint64_t seed;
    int width, height; /* 0 x 0: the profile's base level */
    enum ifl_privacy privacy;
    int k;                           /* for deidentify and k-anonymous, IFL_K_MIN..IFL_K_MAX */
    int steps;                       /* of the engine, at most, for each level of detail: fewer are
                                        faster and coarser; 0: its own number; to 1000 */
    double guidance_scale;           /* strength of prompt words, 0..20; 7.5 applies them as listed
                                        in docs/prompts.md, 0 not at all */
    double target[IFL_TARGET_COUNT]; /* in the ranges of the table */
    char prompt[IFL_PROMPT_MAX];     /* "" = none */
};
/* Defaults: seed 0, base size, deidentify with k = 3, guidance 7.5, no targets, no prompt. */
IFL_API void ifl_request_init(struct ifl_request *request);
/* IFL_OK, or IFL_ERR_INVALID / IFL_ERR_TOO_LARGE with the field, its value and its range. */
IFL_API enum ifl_result ifl_request_check(const struct ifl_request *request,
                                          struct ifl_error *error) IFL_CHECK_RESULT;

/* True if it asks for other light or detail than the stream's: such images are not compared with
 * the stream. */
IFL_API bool ifl_request_is_conditioned(const struct ifl_request *request);

/* Why an image was not delivered: name in enum, name for users, sentence */
#define IFL_REJECTIONS(X)                                                                          \
    X(NONE, "none", "accepted")                                                                    \
    X(SHARPNESS, "sharpness", "less sharp than the stream")                                        \
    X(EXPOSURE, "exposure", "too much of it is clipped")                                           \
    X(ARTEFACT, "artefact", "patches that no real frame has")                                      \
    X(FOREGROUND, "foreground", "foreground with less support than the mode promises")             \
    X(VERBATIM, "verbatim", "a region is copied from one recorded frame")
enum ifl_rejection {
#define IFL_REJECTION_ENUM(name, text, sentence) IFL_REJECT_##name,
    IFL_REJECTIONS(IFL_REJECTION_ENUM)
#undef IFL_REJECTION_ENUM
        IFL_REJECTION_COUNT
};
IFL_API const char *ifl_rejection_name(enum ifl_rejection rejection);

/* Quality of one image; filled by validation. */
struct ifl_scores {
    double sharpness;      /* Laplacian variance / the memory frames' median, same size */
    double clipped;        /* share of pixels at <= 2 or >= 253 */
    double artefact;       /* docs/architecture.md; grey levels of 255 */
    double artefact_limit; /* what real frames reach; an image above it is rejected */
    double texture;        /* fine detail beyond what real frames have there; grey levels of 255 */
    double texture_limit;  /* an image above it is rejected as an artefact */
    double seam;  /* longest straight cut / the longest that real frames reach; above 1 rejected */
    double light; /* how far the light of its parts is from that of any one recorded frame, by 4 %;
                     above 1 rejected; 0 where the stream's light is the same everywhere */
};

/* Privacy of one image; engine and validation fill it. Shares are -1 where there is no foreground.
 */
struct ifl_audit {
    double foreground_share;                /* of the picture's pixels */
    double support_1, support_2, support_4; /* share of foreground patches seen in >= n events */
    double largest_event_share; /* largest share of foreground patches from a single event */
    int verbatim_pixels;        /* largest region copied from one memory frame */
    int verbatim_limit;         /* above which the image is rejected */
    bool verbatim_gate;         /* false: switched off, as mode `verbatim` does */
    double nearest_rms;         /* to the nearest memory frame, grey levels of 255 */
    uint64_t nearest_sequence;  /* of that frame */
    int objects;                /* foreground objects the engine placed */
    int objects_refused;        /* that it left out because fewer than k others support them */
    char note[160];             /* what the user must know: "plate only: ..." or "" */
};

/* One made image and the record of it. */
struct ifl_synthetic {
    struct ifl_image *image; /* owned: one reference */
    struct ifl_request request;
    char engine[32];
    char profile_id[IFL_PROFILE_ID_MAX];
    char source[IFL_SOURCE_NAME_MAX];
    char licence[96];
    char unknown_words[256]; /* words of the prompt that were not understood, space-separated */
    char adapted[256];       /* adaptation rules that changed the request, " | " between them */
    int attempt;             /* 1: the first seed was accepted; the seed used is request.seed */
    int64_t created_wall_ns;
    double generate_seconds, validate_seconds;
    struct ifl_attained attained[IFL_TARGET_COUNT];
    /* Before conditioning, where anything of light or detail was asked for: what was made shows
     * best there, so validation looks for copies and artefacts in it. NULL: in the image. Owned. */
    struct ifl_image *plain;
    struct ifl_scores scores;
    struct ifl_audit audit;
    enum ifl_rejection rejection;
    double likeness; /* of the rolling set after this image; NAN where not known */
};
IFL_API void ifl_synthetic_fini(struct ifl_synthetic *synthetic); /* drops the images */

/* An engine is bound to one profile. `generate` may run on several threads at once. */
struct ifl_engine_plugin {
    struct ifl_plugin head; /* kind IFL_PLUGIN_ENGINE */
    enum ifl_result (*create)(const struct ifl_profile *profile, void **self,
                              struct ifl_error *error);
    /* Fills image, engine, unknown_words and the engine's part of the audit. The request has been
     * checked. IFL_ERR_NOT_READY: the profile is too thin; the text says what is missing. */
    enum ifl_result (*generate)(void *self, const struct ifl_request *request,
                                struct ifl_synthetic *synthetic, struct ifl_error *error);
    void (*destroy)(void *self); /* takes NULL */
};

/* Whether recombining the stream's own patches suits it: it needs a camera that stands, so that the
 * same place shows the same things again. Shares of patches of 12x12 at the 64x36 class, of memory
 * frames against those of other eighths of the memory's time: what a frame that was not remembered
 * would find. */
struct ifl_suitability {
    double plate;    /* share of the picture that is the plate, median of the frames */
    double support;  /* share of patches that frames of other eighths show alike (14 RMS of 255) */
    double artefact; /* share of patches with nothing like them in any other eighth (28 RMS) */
    double ground;   /* share of the picture whose background is certain: the plate's colour (within
                        20) shows in 0.6 of the frames, or came back more than 4 times; what is
                        smaller than 3x3 pixels of the 64x36 class counts as certain */
    bool known;      /* false: too few frames to tell; counts as suited */
    bool suited;
    char text[200]; /* where it is not: reason and remedy */
};
IFL_API void ifl_suitability_measure(const struct ifl_profile *profile,
                                     struct ifl_suitability *suitability);

/* Conditioning that a prompt asks for; NAN / 0 where it says nothing. Offsets are added to what
 * the image has, and already scaled by guidance_scale. */
struct ifl_conditioning {
    double brightness_offset, contrast_factor, saturation_factor; /* 0, 1, 1: nothing asked */
    double color_temperature_factor, sharpness_factor;            /* 1, 1: nothing asked */
    double haze_offset, noise_offset;                             /* 0, 0: nothing asked */
    double occupancy_weight; /* weight of foreground in the choice of layout frames; 0: as is */
    char unknown_words[256];
};
IFL_API void ifl_prompt_parse(const char *prompt, double guidance_scale,
                              struct ifl_conditioning *conditioning);

#ifdef __cplusplus
}
#endif
#endif
