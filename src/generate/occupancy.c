// SPDX-License-Identifier: Apache-2.0
#include "generate/occupancy.h"

#include <math.h>
#include <stdlib.h>

#include "generate/exact.h"
#include "kernels/foreground.h"

#define STAGE "generate"

enum { FRAMES = 48, STEPS = 64 };

static const double NODE[IFL_OCCUPANCY_NODES] = {0, 1, 2, 4, 8};
static const double WEIGHT_MAX = 8;
static const double FEW = 2; // beyond this weight the same few frames are drawn: less to measure,
                             // and what they recorded is known better than by counting, as none
                             // is drawn twice for one image

const struct ifl_occupancy_curve ifl_occupancy_recorded = {{1, 1, 1, 1, 1}, 1};

// What foreground is measured with.
struct meter {
    const uint8_t *plate;
    int width, height, pixels;
    uint8_t *threshold, *mask, *picture;
    void *scratch;
};

static void close_meter(struct meter *meter)
{
    free(meter->threshold);
    free(meter->mask);
    free(meter->picture);
    free(meter->scratch);
}

static enum ifl_result open_meter(const struct ifl_memory *memory, struct meter *meter,
                                  struct ifl_error *error)
{
    int base = ifl_base_level(memory);
    const struct ifl_profile *profile = memory->profile;
    const uint8_t *frame[IFL_MEMORY_MAX], *label[IFL_MEMORY_MAX];
    *meter = (struct meter){.plate = profile->plate[base],
                            .width = memory->grid[base].width,
                            .height = memory->grid[base].height};
    meter->pixels = meter->width * meter->height;
    size_t pixels = (size_t)meter->pixels;
    meter->threshold = malloc(pixels);
    meter->mask = malloc(pixels);
    meter->picture = malloc(pixels * 3);
    meter->scratch = malloc(pixels * 5);
    for (int f = 0; f < memory->frames; f++) {
        frame[f] = profile->memory[f]->level[base];
        label[f] = profile->memory[f]->label;
    }
    if (meter->threshold && meter->mask && meter->picture && meter->scratch &&
        ifl_foreground_threshold(frame, label, memory->frames, meter->plate, meter->pixels,
                                 meter->threshold))
        return IFL_OK;
    close_meter(meter);
    return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory to measure occupancy");
}

static double share_of(const struct meter *meter, const uint8_t *picture)
{
    return (double)ifl_foreground_find(picture, meter->plate, meter->threshold, meter->width,
                                       meter->height, meter->mask, meter->scratch) /
           meter->pixels;
}

static double recorded_in(const struct ifl_memory *memory, int frame)
{
    return memory->crowd_mean + memory->crowd_deviation * memory->crowd[frame];
}

// What frames drawn with this weight have recorded, thinned out where it is below 0.
static double expect_recorded(const struct ifl_memory *memory, double weight)
{
    double sum = 0, weights = 0;
    for (int f = 0; f < memory->frames; f++) {
        double w = ifl_exact_exp(weight * memory->crowd[f]);
        sum += w * recorded_in(memory, f);
        weights += w;
    }
    return sum / weights * ifl_exact_exp(fmin(weight, 0));
}

static double ratio(double shown, double recorded)
{
    return recorded > 0 ? shown / recorded : 1;
}

// Frames as they are.
static double measure_frames(const struct ifl_memory *memory, const struct meter *meter)
{
    double shown = 0, recorded = 0;
    for (int i = 0; i < FRAMES; i++) {
        int f = i * memory->frames / FRAMES;
        shown += share_of(meter, memory->profile->memory[f]->level[ifl_base_level(memory)]);
        recorded += recorded_in(memory, f);
    }
    return ratio(shown, recorded);
}

static enum ifl_result measure_node(const struct ifl_memory *memory, ifl_pilot_fn *pilot,
                                    void *context, int pilots, double weight,
                                    const struct meter *meter, double *part,
                                    struct ifl_error *error)
{
    double shown = 0, recorded = 0;
    bool few = weight > FEW;
    for (int i = 0; i < (few ? pilots / 3 : pilots); i++) {
        double own = 0;
        enum ifl_result result = pilot(context, weight, (uint64_t)i, meter->picture, &own, error);
        if (result != IFL_OK)
            return result;
        shown += share_of(meter, meter->picture);
        recorded += few ? expect_recorded(memory, weight) : own;
    }
    *part = ratio(shown, recorded);
    return IFL_OK;
}

enum ifl_result ifl_occupancy_measure(const struct ifl_memory *memory, ifl_pilot_fn *pilot,
                                      void *context, int pilots,
                                      struct ifl_occupancy_curve *occupancy,
                                      struct ifl_error *error)
{
    struct meter meter;
    enum ifl_result result = open_meter(memory, &meter, error);
    if (result != IFL_OK)
        return result;
    for (int n = 0; n < IFL_OCCUPANCY_NODES && result == IFL_OK; n++)
        result = measure_node(memory, pilot, context, pilots, NODE[n], &meter, &occupancy->shown[n],
                              error);
    occupancy->alone = measure_frames(memory, &meter);
    close_meter(&meter);
    return result;
}

static double shown_at(const struct ifl_occupancy_curve *occupancy, double weight)
{
    const double *shown = occupancy->shown;
    if (weight <= 0) // what is in the way gets rarer as the objects do
        return occupancy->alone + (shown[0] - occupancy->alone) * ifl_exact_exp(weight);
    int n = 1;
    while (n < IFL_OCCUPANCY_NODES - 1 && NODE[n] < weight)
        n++;
    double part = (weight - NODE[n - 1]) / (NODE[n] - NODE[n - 1]);
    return shown[n - 1] + (shown[n] - shown[n - 1]) * part;
}

static double expect_shown(const struct ifl_memory *memory,
                           const struct ifl_occupancy_curve *occupancy, double weight)
{
    return expect_recorded(memory, weight) * shown_at(occupancy, weight);
}

// The fullest images are not always those of the greatest weight: the first step that reaches the
// target is looked for, and halved.
double ifl_occupancy_weight_for(const struct ifl_memory *memory,
                                const struct ifl_occupancy_curve *occupancy, double target,
                                double *got)
{
    double step = 2 * WEIGHT_MAX / STEPS, best = -WEIGHT_MAX;
    *got = expect_shown(memory, occupancy, best);
    for (int i = 1; i <= STEPS && *got < target; i++) {
        double high = -WEIGHT_MAX + i * step, low = high - step;
        double most = expect_shown(memory, occupancy, high);
        if (most <= *got)
            continue;
        for (int round = 0; round < 40 && most >= target; round++) {
            double middle = (low + high) / 2;
            if (expect_shown(memory, occupancy, middle) < target)
                low = middle;
            else
                high = middle;
        }
        best = high;
        *got = expect_shown(memory, occupancy, best);
    }
    return best;
}
