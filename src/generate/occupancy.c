// SPDX-License-Identifier: Apache-2.0
#include "generate/occupancy.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "generate/exact.h"
#include "kernels/foreground.h"

#define STAGE "generate"

enum { FRAMES = 48, STEPS = 64 };

static const double NODE[IFL_OCCUPANCY_NODES] = {0, 1, 2, 4, 8};
static const double WEIGHT_MAX = 8;
static const double NEAR = 0.05; // share of the target within which no other scene is looked for
static const double FEW = 2; // beyond this weight the same few frames are drawn: less to measure,
                             // and what they recorded is known better than by counting, as none
                             // is drawn twice for one image

struct ifl_gauge {
    const uint8_t *plate;
    int width, height, pixels;
    uint8_t threshold[];
};

struct ifl_gauge *ifl_gauge_create(const struct ifl_memory *memory)
{
    int base = ifl_base_level(memory);
    const struct ifl_profile *profile = memory->profile;
    const uint8_t *frame[IFL_MEMORY_MAX], *label[IFL_MEMORY_MAX];
    int width = memory->grid[base].width, height = memory->grid[base].height;
    struct ifl_gauge *gauge = malloc(sizeof *gauge + (size_t)width * (size_t)height);
    if (!gauge)
        return NULL;
    gauge->plate = profile->plate[base];
    gauge->width = width;
    gauge->height = height;
    gauge->pixels = width * height;
    for (int f = 0; f < memory->frames; f++) {
        frame[f] = profile->memory[f]->level[base];
        label[f] = profile->memory[f]->label;
    }
    if (ifl_foreground_threshold(frame, label, memory->frames, gauge->plate, gauge->pixels,
                                 gauge->threshold))
        return gauge;
    free(gauge);
    return NULL;
}

void ifl_gauge_destroy(struct ifl_gauge *gauge)
{
    free(gauge);
}

size_t ifl_gauge_scratch_bytes(const struct ifl_gauge *gauge)
{
    return (size_t)gauge->pixels * 6;
}

double ifl_gauge_share(const struct ifl_gauge *gauge, const uint8_t *picture, void *scratch)
{
    uint8_t *mask = (uint8_t *)scratch + (size_t)gauge->pixels * 5;
    return (double)ifl_foreground_find(picture, gauge->plate, gauge->threshold, gauge->width,
                                       gauge->height, mask, scratch) /
           gauge->pixels;
}

// A gauge with room for the pilots.
struct meter {
    const struct ifl_gauge *gauge;
    uint8_t *picture;
    void *scratch;
};

static double share_of(const struct meter *meter, const uint8_t *picture)
{
    return ifl_gauge_share(meter->gauge, picture, meter->scratch);
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
        double w = memory->weight[f] * ifl_exact_exp(weight * memory->crowd[f]);
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
                                      void *context, int pilots, const struct ifl_gauge *gauge,
                                      struct ifl_occupancy_curve *occupancy,
                                      struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    struct meter meter = {.gauge = gauge,
                          .picture = malloc((size_t)gauge->pixels * 3),
                          .scratch = malloc(ifl_gauge_scratch_bytes(gauge))};
    if (!meter.picture || !meter.scratch)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory to measure occupancy");
    for (int n = 0; n < IFL_OCCUPANCY_NODES && result == IFL_OK; n++)
        result = measure_node(memory, pilot, context, pilots, NODE[n], &meter, &occupancy->shown[n],
                              error);
    if (result == IFL_OK)
        occupancy->alone = measure_frames(memory, &meter);
    free(meter.picture);
    free(meter.scratch);
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
                                const struct ifl_occupancy_curve *occupancy, double target)
{
    double step = 2 * WEIGHT_MAX / STEPS, best = -WEIGHT_MAX;
    double got = expect_shown(memory, occupancy, best);
    for (int i = 1; i <= STEPS && got < target; i++) {
        double high = -WEIGHT_MAX + i * step, low = high - step;
        double most = expect_shown(memory, occupancy, high);
        if (most <= got)
            continue;
        for (int round = 0; round < 40 && most >= target; round++) {
            double middle = (low + high) / 2;
            if (expect_shown(memory, occupancy, middle) < target)
                low = middle;
            else
                high = middle;
        }
        best = high;
        got = expect_shown(memory, occupancy, best);
    }
    return best;
}

// Scattered, so that a batch of seeds in a row never makes a scene twice.
static uint64_t scene_seed(uint64_t seed, int draw)
{
    return ifl_hash_mix(seed * (IFL_OCCUPANCY_SCENES + 1) + (uint64_t)draw);
}

// The nearest scenes with less and with more than the target.
struct bracket {
    double target;
    struct ifl_scene less, more; // share -1 and INFINITY: none yet
};

static bool add_scene(struct bracket *bracket, struct ifl_scene scene)
{
    if (scene.share <= bracket->target && scene.share > bracket->less.share)
        bracket->less = scene;
    if (scene.share >= bracket->target && scene.share < bracket->more.share)
        bracket->more = scene;
    return fabs(scene.share - bracket->target) <= NEAR * bracket->target;
}

// A near one; if there is none, either, so often that sets have the target on average: where one
// object more or less is all that can be chosen, the nearest would always be the same.
static struct ifl_scene pick_scene(const struct bracket *bracket, uint64_t seed)
{
    double less = bracket->target - bracket->less.share;
    double more = bracket->more.share - bracket->target, near = NEAR * bracket->target;
    struct ifl_rng rng;
    if (bracket->less.share < 0 || more <= near)
        return bracket->more;
    if (isinf(more) || less <= near)
        return bracket->less;
    ifl_rng_init(&rng, scene_seed(seed, IFL_OCCUPANCY_SCENES));
    return ifl_rng_uniform(&rng) * (less + more) < less ? bracket->more : bracket->less;
}

enum ifl_result ifl_occupancy_choose(const struct ifl_gauge *gauge, ifl_pilot_fn *pilot,
                                     void *context, double weight, double target, uint64_t seed,
                                     struct ifl_scene *scene, struct ifl_error *error)
{
    uint8_t *picture = malloc((size_t)gauge->pixels * 3);
    void *scratch = malloc(ifl_gauge_scratch_bytes(gauge));
    enum ifl_result result = IFL_OK;
    struct bracket bracket = {target, {.share = -1}, {.share = INFINITY}};
    if (!picture || !scratch)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory to measure occupancy");
    bool near = false;
    for (int i = 0; i < IFL_OCCUPANCY_SCENES && !near && result == IFL_OK; i++) {
        struct ifl_scene one = {.seed = scene_seed(seed, i)};
        double recorded;
        result = pilot(context, weight, one.seed, picture, &recorded, error);
        if (result == IFL_OK) {
            one.share = ifl_gauge_share(gauge, picture, scratch);
            near = add_scene(&bracket, one);
        }
    }
    if (result == IFL_OK)
        *scene = pick_scene(&bracket, seed);
    free(picture);
    free(scratch);
    return result;
}
