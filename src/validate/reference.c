// SPDX-License-Identifier: Apache-2.0
#include "validate/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/local_light.h"
#include "validate/artefact.h"

enum {
    HELD_OUT_MIN = 8,      // held-out frames below which the fallback limits hold
    COPY_HELD_OUT = 24,    // frames that the copy limit is taken from, at most
    COPY_LIMIT_LEAST = 64, // pixels: one 7x7 patch and a little
    SEAM_LEAST = 4,        // pixels: what is shorter is no cut
};

// Where the memory is too short to hold anything out: what busy scenes reached.
static const double artefact_fallback = 50, texture_fallback = 120;

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The value at rank q * (count - 1), rounded up. Sorts.
static double quantile(double *values, int count, double q)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[(int)ceil(q * (count - 1))];
}

// How many of the largest values decide that quantile.
static int deciding(int count, double q)
{
    return count - (int)ceil(q * (count - 1));
}

static int drop_nan(double *values, int count)
{
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (!isnan(values[i]))
            values[kept++] = values[i];
    return kept;
}

// An image may lose 30 % of the Laplacian variance of the least sharp of 20 real frames, or of the
// plate where that is softer: averaging takes out the sensor's noise.
static void set_sharpness(struct ifl_reference *reference, double *variance, double plate)
{
    int n = reference->view.roster->frames;
    reference->sharpness = quantile(variance, n, .5);
    double least = variance[(int)(.05 * (n - 1))];
    least = plate < least ? plate : least;
    reference->sharpness_limit = reference->sharpness > 0 ? .7 * least / reference->sharpness : 0;
}

// The largest excess of frame t over the frames outside its time neighbourhood; NAN: there are
// none.
static double held_out_excess(const struct ifl_reference *reference, const float *energy, int t,
                              float *most, float *dilated)
{
    const struct ifl_roster *roster = reference->view.roster;
    int windows = reference->grid.windows, others = 0;
    memset(most, 0, sizeof *most * (size_t)windows);
    for (int u = 0; u < roster->frames; u++) {
        if (ifl_roster_near(roster, t, u))
            continue;
        const float *other = energy + u * windows;
        for (int i = 0; i < windows; i++)
            most[i] = other[i] > most[i] ? other[i] : most[i];
        others++;
    }
    if (others == 0)
        return NAN;
    ifl_detail_dilate(&reference->grid, most, dilated);
    return ifl_detail_excess(&reference->grid, energy + t * windows, dilated);
}

static void set_texture(struct ifl_reference *reference, const float *energy, float *most,
                        double *excess)
{
    const struct ifl_view *view = &reference->view;
    int n = view->roster->frames, windows = reference->grid.windows;
    for (int t = 0; t < n; t++)
        excess[t] = held_out_excess(reference, energy, t, most, reference->texture_most);
    int kept = drop_nan(excess, n);
    reference->texture_limit =
        kept < HELD_OUT_MIN ? texture_fallback : 1.25 * quantile(excess, kept, .98) + 20;
    memset(most, 0, sizeof *most * (size_t)windows);
    for (int i = 0; i < n * windows; i++)
        most[i % windows] = fmaxf(most[i % windows], energy[i]);
    ifl_detail_dilate(&reference->grid, most, reference->texture_most);
}

static enum ifl_result measure_detail(struct ifl_reference *reference, struct ifl_error *error)
{
    const struct ifl_view *view = &reference->view;
    int n = view->roster->frames;
    reference->grid = ifl_detail_grid(view->width, view->height);
    size_t windows = (size_t)reference->grid.windows;
    float *energy = malloc(sizeof *energy * windows * ((size_t)n + 1) + 1);
    double *value = malloc(sizeof *value * (size_t)n);
    void *scratch = malloc(4 * (size_t)view->pixels);
    reference->texture_most = malloc(sizeof *energy * windows + 1);
    bool ready = energy && value && scratch && reference->texture_most;
    if (ready) {
        float *spare = energy + windows * (size_t)n;
        for (int t = 0; t < n; t++)
            value[t] = ifl_detail_measure(view->frame[t], view->width, view->height,
                                          energy + windows * (size_t)t, scratch);
        set_sharpness(reference, value,
                      ifl_detail_measure(view->plate, view->width, view->height, spare, scratch));
        set_texture(reference, energy, spare, value);
    }
    free(energy);
    free(value);
    free(scratch);
    return ready ? IFL_OK
                 : ifl_fail(error, IFL_ERR_NO_MEMORY, "validate",
                            "no memory to measure the detail of %d frames", n);
}

// The length that 99 % of the frames stay within, a tenth more; a quarter down the columns, where
// real sides are straight by chance.
static enum ifl_result measure_seams(struct ifl_reference *reference, struct ifl_error *error)
{
    const struct ifl_view *view = &reference->view;
    void *scratch = malloc(4 * (size_t)view->pixels + 8 * (size_t)view->width);
    double across[IFL_MEMORY_MAX], down[IFL_MEMORY_MAX];
    int n = view->roster->frames;
    if (!scratch)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory to look for cuts");
    for (int t = 0; t < n; t++) {
        struct ifl_seam seam = ifl_seam_measure(view, view->frame[t], scratch);
        across[t] = seam.across;
        down[t] = seam.down;
    }
    free(scratch);
    reference->seam_limit.across = fmax(SEAM_LEAST, 1.1 * quantile(across, n, .99));
    reference->seam_limit.down = fmax(SEAM_LEAST, 1.25 * quantile(down, n, .99));
    return IFL_OK;
}

static enum ifl_result measure_artefacts(struct ifl_reference *reference, struct ifl_error *error)
{
    const struct ifl_view *view = &reference->view;
    int n = view->roster->frames;
    double *score = malloc(sizeof *score * (size_t)n);
    void *memory = malloc(ifl_artefact_held_out_bytes(view));
    bool ready = score && memory;
    if (ready) {
        ifl_artefact_held_out(view, deciding(n, .99), memory, score);
        int kept = drop_nan(score, n);
        reference->artefact_limit =
            kept < HELD_OUT_MIN ? artefact_fallback : 1.1 * quantile(score, kept, .99) + 1;
    }
    free(score);
    free(memory);
    return ready ? IFL_OK
                 : ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory to compare %d frames",
                            n);
}

static void mark_components(const struct ifl_view *view, int t, uint8_t *mask)
{
    for (int p = 0; p < view->pixels; p++)
        mask[p] = view->roster->event[t * 256 + view->label[t][p]] != 0;
}

// What the largest regions of held-out frames are, as far as they decide the quantile: falling.
static int largest_copies(const struct ifl_reference *reference, int cap, int step, uint8_t *mask,
                          void *scratch, int *largest)
{
    const struct ifl_view *view = &reference->view;
    int n = view->roster->frames, wanted = deciding((n + step - 1) / step, .95);
    for (int i = 0; i < wanted; i++)
        largest[i] = COPY_LIMIT_LEAST;
    for (int t = 0; t < n && largest[wanted - 1] < cap; t += step) {
        struct ifl_copy_request request = {.rmse = 2,
                                           .common = IFL_COPY_COMMON,
                                           .least = largest[wanted - 1],
                                           .enough = cap,
                                           .without = t};
        mark_components(view, t, mask);
        int region = ifl_copy_region(&reference->copy, view->frame[t], mask, request, scratch);
        int at = wanted - 1;
        for (; at > 0 && largest[at - 1] < region; at--)
            largest[at] = largest[at - 1];
        largest[at] = region;
    }
    return largest[wanted - 1];
}

static enum ifl_result measure_copies(struct ifl_reference *reference, int cap,
                                      struct ifl_error *error)
{
    const struct ifl_view *view = &reference->view;
    int n = view->roster->frames, step = (n + COPY_HELD_OUT - 1) / COPY_HELD_OUT;
    uint8_t *mask = malloc((size_t)view->pixels);
    void *scratch = malloc(ifl_copy_scratch_bytes(view));
    bool ready = mask && scratch;
    if (ready) {
        int largest[COPY_HELD_OUT], limit = cap;
        if ((n + step - 1) / step >= HELD_OUT_MIN)
            limit = largest_copies(reference, cap, step, mask, scratch, largest);
        limit = limit > COPY_LIMIT_LEAST ? limit : COPY_LIMIT_LEAST;
        reference->copy_limit = limit < cap ? limit : cap;
    }
    free(mask);
    free(scratch);
    return ready ? IFL_OK
                 : ifl_fail(error, IFL_ERR_NO_MEMORY, "validate",
                            "no memory to search %d frames for copies", n);
}

enum ifl_result ifl_reference_init(struct ifl_reference *reference, const struct ifl_roster *roster,
                                   int level, struct ifl_error *error)
{
    *reference = (struct ifl_reference){0};
    return ifl_view_init(&reference->view, roster, level, error);
}

static enum ifl_result make_look(struct ifl_reference *reference, struct ifl_error *error)
{
    enum ifl_result result = measure_detail(reference, error);
    return result == IFL_OK ? measure_seams(reference, error) : result;
}

static enum ifl_result make_artefact(struct ifl_reference *reference, struct ifl_error *error)
{
    enum ifl_result result = ifl_view_split(&reference->view, error);
    return result == IFL_OK ? measure_artefacts(reference, error) : result;
}

static enum ifl_result make_copy(struct ifl_reference *reference, int cap, struct ifl_error *error)
{
    enum ifl_result result = ifl_view_find_threshold(&reference->view, error);
    if (result == IFL_OK)
        result = ifl_seen_init(&reference->support, &reference->view, error);
    if (result == IFL_OK)
        result = ifl_copy_init(&reference->copy, &reference->view, &reference->support, error);
    return result == IFL_OK ? measure_copies(reference, cap, error) : result;
}

// What a part that failed has made.
static void drop_parts(struct ifl_reference *reference, unsigned parts)
{
    if (parts & IFL_REFERENCE_COPY) {
        ifl_copy_fini(&reference->copy);
        ifl_seen_fini(&reference->support);
    }
    if (parts & IFL_REFERENCE_LOOK) {
        free(reference->texture_most);
        reference->texture_most = NULL;
    }
}

enum ifl_result ifl_reference_make(struct ifl_reference *reference, unsigned parts, int copy_cap,
                                   struct ifl_error *error)
{
    unsigned missing = parts & ~reference->parts;
    for (unsigned part = 1; part <= missing; part *= 2) {
        if (!(missing & part))
            continue;
        enum ifl_result result = part == IFL_REFERENCE_LOOK ? make_look(reference, error)
                                 : part == IFL_REFERENCE_ARTEFACT
                                     ? make_artefact(reference, error)
                                     : make_copy(reference, copy_cap, error);
        if (result != IFL_OK) {
            drop_parts(reference, part);
            return result;
        }
        // Readers look without a lock.
        __atomic_store_n(&reference->parts, reference->parts | part, __ATOMIC_RELEASE);
    }
    return IFL_OK;
}

void ifl_reference_fini(struct ifl_reference *reference)
{
    drop_parts(reference, IFL_REFERENCE_LOOK | IFL_REFERENCE_COPY);
    ifl_view_fini(&reference->view);
    *reference = (struct ifl_reference){0};
}

double ifl_clipped_share(const uint8_t *rgb, int pixels)
{
    int count = 0;
    for (int p = 0; p < pixels; p++) {
        int y = (77 * rgb[3 * p] + 150 * rgb[3 * p + 1] + 29 * rgb[3 * p + 2] + 128) >> 8;
        count += y <= 2 || y >= 253;
    }
    return (double)count / pixels;
}

static double clipped_of_frame(const struct ifl_memory_frame *frame, const uint8_t *rgb, int pixels)
{
    static const double weight[3] = {.299, .587, .114}; // of luma
    double part[3][256];
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            part[c][v] = weight[c] *
                         fmin(fmax((double)frame->gain[c] * v + (double)frame->offset[c], 0), 255);
    int count = 0;
    for (int p = 0; p < pixels; p++, rgb += 3) {
        double y = part[0][rgb[0]] + part[1][rgb[1]] + part[2][rgb[2]];
        count += (y < 2.5) | (y >= 252.5); // no branches
    }
    return (double)count / pixels;
}

double ifl_clipped_of_memory(const struct ifl_profile *profile)
{
    int base = profile->levels - 1;
    int pixels = profile->level_width[base] * profile->level_height[base];
    double most = 0;
    uint8_t *lit = malloc(3 * (size_t)pixels); // without it, local light is left out
    for (int t = 0; t < profile->memory_frames; t++) {
        const struct ifl_memory_frame *frame = profile->memory[t];
        bool plain = !lit || ifl_local_light_is_uniform(&frame->local);
        if (!plain)
            ifl_local_light_put(&frame->local, frame->level[base], profile->level_width[base],
                                profile->level_height[base], lit);
        most = fmax(most, clipped_of_frame(frame, plain ? frame->level[base] : lit, pixels));
    }
    free(lit);
    return most;
}
