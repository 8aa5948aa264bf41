// SPDX-License-Identifier: Apache-2.0
// Images, requests and the names of what is said about them.
#include "inferloop/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ifl_image *ifl_image_create(int width, int height)
{
    if (width < 1 || height < 1 || width > IFL_FRAME_SIDE_MAX || height > IFL_FRAME_SIDE_MAX)
        return NULL;
    struct ifl_image *image = malloc(sizeof *image);
    uint8_t *rgb = calloc((size_t)width * (size_t)height, 3);
    if (!image || !rgb) {
        free(image);
        free(rgb);
        return NULL;
    }
    *image = (struct ifl_image){.width = width, .height = height, .rgb = rgb, .refs = 1};
    return image;
}

struct ifl_image *ifl_image_ref(struct ifl_image *image)
{
    __atomic_add_fetch(&image->refs, 1, __ATOMIC_RELAXED);
    return image;
}

void ifl_image_unref(struct ifl_image *image)
{
    if (!image || __atomic_sub_fetch(&image->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    free(image->rgb);
    free(image);
}

static const char *const privacy_names[] = {
#define NAME(name, text, help) text,
    IFL_PRIVACY_MODES(NAME)
#undef NAME
};

const char *ifl_privacy_name(enum ifl_privacy privacy)
{
    return privacy_names[privacy];
}

static const char *const rejection_names[] = {
#define NAME(name, text, sentence) text,
    IFL_REJECTIONS(NAME)
#undef NAME
};

const char *ifl_rejection_name(enum ifl_rejection rejection)
{
    return rejection_names[rejection];
}

static const struct ifl_target_row targets[] = {
#define ROW(name, unit, least, greatest, of) {#name, unit, least, greatest, of},
    IFL_TARGETS(ROW)
#undef ROW
};

const struct ifl_target_row *ifl_target_row(enum ifl_target target)
{
    return &targets[target];
}

void ifl_request_init(struct ifl_request *request)
{
    *request = (struct ifl_request){
        .privacy = IFL_PRIVACY_DEIDENTIFY,
        .k = 3,
        .guidance_scale = 7.5,
    };
    for (int t = 0; t < IFL_TARGET_COUNT; t++)
        request->target[t] = NAN;
}

// One row a number: the request is checked, and documented, from it.
static enum ifl_result check_range(struct ifl_error *error, const char *name, double value,
                                   double least, double greatest)
{
    if (value >= least && value <= greatest)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_INVALID, "generate", "%s is %g; give a number from %g to %g",
                    name, value, least, greatest);
}

static enum ifl_result check_targets(const struct ifl_request *request, struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    for (int t = 0; t < IFL_TARGET_COUNT && result == IFL_OK; t++)
        if (!isnan(request->target[t]))
            result = check_range(error, targets[t].name, request->target[t], targets[t].least,
                                 targets[t].greatest);
    return result;
}

static enum ifl_result check_size(const struct ifl_request *request, struct ifl_error *error)
{
    int width = request->width, height = request->height;
    if (width == 0 && height == 0)
        return IFL_OK;
    if (width >= IFL_IMAGE_SIDE_MIN && height >= IFL_IMAGE_SIDE_MIN &&
        width <= IFL_IMAGE_SIDE_MAX && height <= IFL_IMAGE_SIDE_MAX)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_INVALID, "generate", "size is %dx%d; each side must be %d to %d",
                    width, height, IFL_IMAGE_SIDE_MIN, IFL_IMAGE_SIDE_MAX);
}

enum ifl_result ifl_request_check(const struct ifl_request *request, struct ifl_error *error)
{
    enum ifl_result result = check_size(request, error);
    if (result == IFL_OK && (unsigned)request->privacy > IFL_PRIVACY_K_ANONYMOUS)
        result = ifl_fail(error, IFL_ERR_INVALID, "generate", "privacy mode %d does not exist",
                          (int)request->privacy);
    if (result == IFL_OK)
        result = check_range(error, "k", request->k, IFL_K_MIN, IFL_K_MAX);
    if (result == IFL_OK)
        result = check_range(error, "steps", request->steps, 0, 1000);
    if (result == IFL_OK)
        result = check_range(error, "guidance_scale", request->guidance_scale, 0, 20);
    if (result == IFL_OK)
        result = check_targets(request, error);
    if (result == IFL_OK && !memchr(request->prompt, 0, sizeof request->prompt))
        result = ifl_fail(error, IFL_ERR_TOO_LARGE, "generate", "a prompt has at most %d bytes",
                          IFL_PROMPT_MAX - 1);
    return result;
}

bool ifl_request_is_conditioned(const struct ifl_request *request)
{
    bool asked = request->prompt[0] != 0;
    for (int t = 0; t < IFL_TARGET_COUNT; t++)
        asked |= !isnan(request->target[t]);
    return asked;
}

struct ifl_attained ifl_attained_occupancy(double asked, double share)
{
    static const double promised = 0.1, least = 0.0004; // the least that counts as foreground
    if (isnan(asked))
        return (struct ifl_attained){NAN, NAN, true};
    return (struct ifl_attained){asked, share,
                                 fabs(share - asked) <= fmax(promised * asked, least)};
}

void ifl_synthetic_fini(struct ifl_synthetic *synthetic)
{
    ifl_image_unref(synthetic->image);
    ifl_image_unref(synthetic->plain);
    synthetic->image = synthetic->plain = NULL;
}
