// SPDX-License-Identifier: Apache-2.0
// Pictures that are all there at once: each made canonical and measured, then their profile. On the
// caller's thread.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "profile/identify.h"
#include "profile/modeler.h"

static enum ifl_result take(struct ifl_extractor *extractor, struct ifl_modeler *modeler,
                            const struct ifl_frame *raw, struct ifl_error *error)
{
    struct ifl_frame *frame;
    struct ifl_features features;
    enum ifl_result result = ifl_frame_canonical(raw, &frame, error);
    if (result != IFL_OK)
        return result;
    result = ifl_extractor_take(extractor, frame, &features, error);
    if (result == IFL_OK)
        ifl_modeler_update(modeler, &features);
    ifl_frame_unref(frame);
    return result;
}

static enum ifl_result no_memory(struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_NO_MEMORY, "profile", "no memory for a batch of pictures");
}

static enum ifl_result finish(struct ifl_modeler *modeler, struct ifl_frame *const *frames,
                              int count, struct ifl_profile **profile, struct ifl_error *error)
{
    struct ifl_profile *made = calloc(1, sizeof *made);
    if (!made)
        return no_memory(error);
    const struct ifl_frame *last = frames[count - 1];
    made->refs = 1;
    memcpy(made->source, last->source, sizeof made->source);
    made->created_wall_ns = ifl_wall_ns(ifl_clock_real());
    made->first_wall_ns = frames[0]->capture_wall_ns;
    made->last_wall_ns = last->capture_wall_ns;
    made->frames_seen = made->frames_profiled = (uint64_t)count;
    made->source_width = last->width;
    made->source_height = last->height;
    ifl_modeler_read(modeler, made);
    ifl_identify_profile(made, NULL);
    *profile = made;
    return IFL_OK;
}

enum ifl_result ifl_process_batch(struct ifl_frame *const *frames, int count,
                                  struct ifl_profile **profile, struct ifl_error *error)
{
    struct ifl_modeler_config config;
    struct ifl_modeler *modeler;
    *profile = NULL;
    if (count < 1 || count > IFL_WINDOW_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, "profile", "a batch has 1 to %d pictures, not %d",
                        IFL_WINDOW_MAX, count);
    ifl_modeler_config_init(&config);
    config.window_frames = count;
    enum ifl_result result = ifl_modeler_create(&config, &modeler, error);
    if (result != IFL_OK)
        return result;
    struct ifl_extractor *extractor = ifl_extractor_create();
    if (!extractor)
        result = no_memory(error);
    for (int i = 0; i < count && result == IFL_OK; i++)
        result = take(extractor, modeler, frames[i], error);
    if (result == IFL_OK)
        result = finish(modeler, frames, count, profile, error);
    ifl_extractor_destroy(extractor);
    ifl_modeler_destroy(modeler);
    return result;
}
