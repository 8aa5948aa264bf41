// SPDX-License-Identifier: Apache-2.0
// The loops over pixels and the search for patches: every level of instructions against plain C on
// hostile sizes, the plain ones against their definition. What they write to ends where its memory
// ends, so that a write beyond is seen by the sanitizer.
#include "support.h"

#include <stdbool.h>

#include "base/rng.h"
#include "kernels/cpu.h"
#include "kernels/patch_search.h"
#include "kernels/pixels.h"

enum { ROUNDS = 60, SIDE_MAX = 70 };

static uint64_t seed = 20261;

static void *noise(struct ifl_rng *rng, size_t bytes)
{
    bool extreme = ifl_rng_below(rng, 3) == 0;
    uint8_t *to = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(extreme ? 255 * ifl_rng_below(rng, 2) : ifl_rng_below(rng, 256));
    return to;
}

// Everything that one level makes of one picture, one after the other.
struct made {
    uint8_t *at;
    size_t bytes;
};

static void keep(struct made *made, void *result, size_t bytes)
{
    made->at = realloc(made->at, made->bytes + bytes);
    memcpy(made->at + made->bytes, result, bytes);
    made->bytes += bytes;
    free(result);
}

static void use_integers(const struct ifl_pixel_kernels *k, const uint8_t *a, const uint8_t *b,
                         int width, int height, struct made *made)
{
    int pixels = width * height, side = width < height ? width : height;
    side = side < 12 ? side : 12;
    size_t count = (size_t)pixels;
    uint8_t *planes = malloc(3 * count), *others = malloc(3 * count);
    k->split(a, pixels, planes);
    k->split(b, pixels, others);
    uint16_t *sum = malloc(2 * count);
    k->differences(a, b, pixels, sum);
    keep(made, sum, 2 * count);
    size_t boxes = (size_t)((width - side + 1) * (height - side + 1));
    int32_t *scratch = malloc(4 * (size_t)((side + 6) * width)), *box = malloc(4 * boxes);
    k->boxes(planes, others, width, height, side, side, scratch, box);
    int32_t *least = malloc(4 * boxes);
    for (size_t i = 0; i < boxes; i++)
        least[i] = box[boxes - 1 - i];
    k->least(least, box, (int)boxes);
    keep(made, box, 4 * boxes);
    keep(made, least, 4 * boxes);
    free(scratch);
    free(others);
    keep(made, planes, 3 * count);
    int64_t *total = malloc(3 * sizeof *total);
    int16_t *luma = malloc(2 * count);
    k->luma(a, pixels, luma);
    total[0] = k->squares(a, b, 3 * pixels);
    k->laplacian(luma, width, height, &total[1], &total[2]);
    keep(made, total, 3 * sizeof *total);
    keep(made, luma, 2 * count);
    size_t inner = (size_t)width - 2;
    uint16_t *square = malloc(8 * inner);
    for (int y = 0; y < 4; y++)
        k->texture(a + 3 * (1 + y % (height - 2)) * width, width, square + (size_t)y * inner);
    uint32_t *four = malloc(4 * inner);
    k->add_four(square, (int)inner, (int)inner, four);
    keep(made, four, 4 * inner);
    keep(made, square, 8 * inner);
    uint8_t *flags = malloc(3 * (size_t)width), *most = calloc((size_t)width, 1);
    for (int i = 0; i < 3 * width; i++)
        flags[i] = a[i] & 1;
    k->majority(flags + width, width, width, most);
    free(flags);
    keep(made, most, (size_t)width);
}

static void use_numbers(const struct ifl_pixel_kernels *k, const uint8_t *a, const uint8_t *b,
                        int count, struct made *made)
{
    struct ifl_color_map map = {{{.9, .01, -.3}, {.2, 1.4, 0}, {0, 1e-3, .7}}, {3.1, -40, .25}};
    const double inverse[3][3] = {{1.1, 0, -.01}, {.3, .7, .2}, {0, -.5, 1.6}};
    size_t values = (size_t)count;
    double *image = malloc(24 * values), *plate = malloc(24 * values);
    for (size_t i = 0; i < 3 * values; i++) {
        image[i] = a[i] * 1.01;
        plate[i] = b[i];
    }
    double *residual = malloc(8 * values), *by_line = malloc(8 * values);
    k->residuals(&map, image, plate, count, count, residual);
    k->line_residuals(image, plate, count, .83, 4.5, by_line);
    float *light = malloc(4 * values);
    double *sums = malloc(5 * sizeof *sums);
    k->light_residuals(a, b, count, 1.1, -7.5, light);
    k->light_sums(a, b, light, count, 91.5, sums);
    uint16_t *quarters = malloc(2 * values);
    int32_t *median = malloc(sizeof *median);
    *median = k->median_quarters(light, count, quarters);
    const float gain[3] = {1.0f / 3, 1.25f, 4}, offset[3] = {-7.25f, .5f, -300};
    uint8_t *line = malloc(3 * values);
    k->apply_lines(a, gain, offset, count, line);
    keep(made, quarters, 2 * values);
    keep(made, median, sizeof *median);
    keep(made, line, 3 * values);
    keep(made, sums, 5 * sizeof *sums);
    keep(made, light, 4 * values);
    int32_t *below = malloc(sizeof *below);
    *below = k->count_below(residual, count, 100);
    uint8_t *back = malloc(3 * values);
    k->restore(&map, inverse, a, image, plate, count, count, back);
    keep(made, below, sizeof *below);
    keep(made, residual, 8 * values);
    keep(made, by_line, 8 * values);
    keep(made, back, 3 * values);
    free(image);
    free(plate);
}

// What the denoiser does to whole pictures.
static void use_noisy(const struct ifl_pixel_kernels *k, struct ifl_rng *rng,
                      const uint8_t *picture, int width, int height, struct made *made)
{
    int pixels = width * height;
    size_t samples = 3 * (size_t)pixels, row = 3 * (size_t)width;
    int16_t *x = malloc(2 * samples), *grey = malloc(2 * samples), *wide = malloc(4 * row);
    for (size_t i = 0; i < samples; i++)
        x[i] = (int16_t)((int)ifl_rng_below(rng, 8000) - 2000);
    k->add_picture(picture, 1, (int)samples, x);
    k->add_picture(picture, -1, (int)samples / 2, x);
    k->round(x, (int)samples, grey);
    uint8_t *bytes = malloc(samples), *half = malloc(row);
    k->clamp(grey, (int)samples, bytes);
    int32_t *sum = malloc(4 * (row + 6));
    k->enlarge(x, x + row, width, sum, wide);
    free(sum);
    k->halve(picture, picture + row, width / 2, half);
    uint8_t *lit = malloc(row), *unlit = malloc(row);
    k->put_light(picture, x, x + row, 37, (int)row, lit);
    k->take_light(picture, x, x + row, 200, (int)row, unlit);
    keep(made, lit, row);
    keep(made, unlit, row);
    const double px[3] = {-1, width * .4, width * .7}, py[3] = {0, 5.5, -3};
    const uint16_t owners[3] = {7, 256, 9};
    uint16_t *owner = malloc(2 * (size_t)width);
    k->nearest(px, py, owners, 3, height / 2, width, owner);
    keep(made, owner, 2 * (size_t)width);
    keep(made, half, 3 * (size_t)(width / 2));
    keep(made, bytes, samples);
    keep(made, wide, 4 * row);
    keep(made, grey, 2 * samples);
    keep(made, x, 2 * samples);
}

// What tells objects from the ground.
static void use_ground(const struct ifl_pixel_kernels *k, const uint8_t *a, const uint8_t *b,
                       int width, int height, struct made *made)
{
    const uint8_t low[3] = {3, 0, 40}, high[3] = {255, 250, 200};
    size_t row = 3 * (size_t)width, samples = row * (size_t)height;
    int16_t *difference = malloc(2 * samples), *across = malloc(2 * row), *down = malloc(2 * row);
    uint16_t *strength = malloc(2 * samples / 3);
    k->subtract(a, b, low, high, (int)samples, difference);
    k->strengths(difference, (int)samples / 3, strength);
    k->smooth_across(difference, width, across);
    k->smooth_down(difference, across, difference + row, (int)row, down);
    uint8_t *flag = malloc(samples / 3), *grown = calloc((size_t)width, 1);
    for (size_t i = 0; i < samples / 3; i++)
        flag[i] = a[i] & 1;
    k->grow(flag + width + 1, width, flag, width - 2, grown);
    uint8_t *beyond = malloc(samples / 3);
    k->strong(strength, b, 9, (int)samples / 3, beyond);
    keep(made, beyond, samples / 3);
    uint8_t *rgb = malloc(samples);
    k->ycc_to_rgb(a, b, a + width, (int)samples / 3 - width, rgb);
    keep(made, rgb, samples - row);
    struct ifl_ground *run = calloc(1, sizeof *run);
    int seen = 1 + width % IFL_GROUND_SAMPLES;
    for (int i = 0; i < seen * IFL_PIXEL_RUN; i++) {
        int sample = i / IFL_PIXEL_RUN, at = i % IFL_PIXEL_RUN;
        for (int c = 0; c < 3; c++)
            run->value[sample][c][at] = (uint8_t)(a[(at + sample) % 27] / 24 + 9 * c);
        run->known[sample][at] = b[at % 27] > 200 ? 0xff : 0;
        run->weight[sample][at] = run->known[sample][at] ? 1 : 3;
    }
    k->ground(run, seen);
    keep(made, run, sizeof *run);
    keep(made, grown, (size_t)width);
    free(flag);
    keep(made, strength, 2 * samples / 3);
    keep(made, across, 2 * row);
    keep(made, down, 2 * row);
    keep(made, difference, 2 * samples);
}

static void use_projection(const struct ifl_pixel_kernels *k, struct ifl_rng *rng,
                           struct made *made)
{
    static float patch[7 * 40], direction[147][64];
    float *out = malloc(64 * sizeof *out);
    for (int i = 0; i < 7 * 40; i++)
        patch[i] = (float)ifl_rng_normal(rng);
    for (int i = 0; i < 147 * 64; i++)
        direction[i / 64][i % 64] = (float)ifl_rng_normal(rng);
    k->project(patch, 21, 7, 40, (const float(*)[64])direction, out);
    keep(made, out, 64 * sizeof *out);
}

static struct made make(enum ifl_cpu_level level, uint64_t round)
{
    struct made made = {0};
    struct ifl_rng rng;
    ifl_cpu_force(level);
    ifl_rng_init(&rng, seed + round);
    int width = 3 + (int)ifl_rng_below(&rng, SIDE_MAX), height = 3 + (int)ifl_rng_below(&rng, 20);
    size_t bytes = 3 * (size_t)(width * height);
    uint8_t *a = noise(&rng, bytes), *b = noise(&rng, bytes);
    use_integers(ifl_pixel_kernels(), a, b, width, height, &made);
    use_numbers(ifl_pixel_kernels(), a, b, width * height, &made);
    use_noisy(ifl_pixel_kernels(), &rng, a, width, height, &made);
    use_ground(ifl_pixel_kernels(), a, b, width, height, &made);
    use_projection(ifl_pixel_kernels(), &rng, &made);
    free(a);
    free(b);
    return made;
}

static void every_level_gives_the_same_bytes(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct made plain = make(IFL_CPU_C, round);
        for (int level = 1; level <= (int)ifl_cpu_detect(); level++) {
            struct made other = make((enum ifl_cpu_level)level, round);
            if (plain.bytes != other.bytes || memcmp(plain.at, other.at, plain.bytes) != 0)
                fail_msg("seed %llu round %llu: %s differs from plain C", (unsigned long long)seed,
                         (unsigned long long)round, ifl_cpu_level_name((enum ifl_cpu_level)level));
            free(other.at);
        }
        free(plain.at);
    }
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
}

static int32_t box_by_definition(const uint8_t *a, const uint8_t *b, int width, int x, int y,
                                 int side)
{
    int32_t sum = 0;
    for (int v = y; v < y + side; v++)
        for (int i = 3 * (v * width + x); i < 3 * (v * width + x + side); i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

static void boxes_are_sums_of_squares(void **state)
{
    (void)state;
    enum { WIDTH = 23, HEIGHT = 17, PIXELS = WIDTH * HEIGHT };
    struct ifl_rng rng;
    ifl_rng_init(&rng, 5);
    uint8_t *a = noise(&rng, 3 * PIXELS), *b = noise(&rng, 3 * PIXELS);
    static uint8_t planes[2][3 * PIXELS];
    static int32_t scratch[23 * WIDTH], box[PIXELS];
    ifl_pixel_kernels()->split(a, PIXELS, planes[0]);
    ifl_pixel_kernels()->split(b, PIXELS, planes[1]);
    for (int side = 1; side <= HEIGHT; side++) {
        const int32_t *at = box;
        ifl_pixel_kernels()->boxes(planes[0], planes[1], WIDTH, HEIGHT, side, side, scratch, box);
        for (int y = 0; y + side <= HEIGHT; y++)
            for (int x = 0; x + side <= WIDTH; x++)
                assert_int_equal(*at++, box_by_definition(a, b, WIDTH, x, y, side));
    }
    free(a);
    free(b);
}

// Whether flag `i` is set, or lies in a gap of at most `most` unset ones, `step` apart.
static int bridged_by_definition(const uint8_t *flag, int i, int step, int most)
{
    int before = 1, behind = 1;
    while (before <= most && !flag[i - before * step])
        before++;
    while (behind <= most && !flag[i + behind * step])
        behind++;
    return flag[i] || before + behind - 1 <= most;
}

static void bridges_span_their_gaps(void **state)
{
    (void)state;
    enum { WIDTH = 200, HEIGHT = 7, MIDDLE = 3 * WIDTH, INNER = WIDTH - 6 };
    uint8_t flag[HEIGHT * WIDTH], mask[INNER];
    struct ifl_rng rng;
    ifl_rng_init(&rng, 9);
    for (int round = 0; round < 200; round++) {
        ifl_cpu_force((enum ifl_cpu_level)(round % IFL_CPU_LEVELS));
        for (int i = 0; i < HEIGHT * WIDTH; i++)
            flag[i] = ifl_rng_below(&rng, 4) == 0;
        ifl_pixel_kernels()->bridge(flag + MIDDLE + 3, WIDTH, INNER - round % 7, mask);
        for (int i = 0; i < INNER - round % 7; i++)
            assert_int_equal(mask[i], bridged_by_definition(flag, MIDDLE + 3 + i, WIDTH, 3) ||
                                          bridged_by_definition(flag, MIDDLE + 3 + i, 1, 2));
    }
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
}

// Samples that are all the same ground: whatever they weigh, it is their mean.
static void ground_of_like_samples_is_their_mean(void **state)
{
    (void)state;
    enum { SAMPLES = 21 };
    static struct ifl_ground run;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 11);
    for (int s = 0; s < SAMPLES; s++)
        for (int i = 0; i < IFL_PIXEL_RUN; i++) {
            run.weight[s][i] = (uint8_t)ifl_rng_below(&rng, 4);
            for (int c = 0; c < 3; c++)
                run.value[s][c][i] =
                    (uint8_t)(60 * c + i + (int)ifl_rng_below(&rng, IFL_GROUND_RADIUS + 1));
        }
    ifl_pixel_kernels()->ground(&run, SAMPLES);
    for (int i = 0; i < IFL_PIXEL_RUN; i++)
        for (int c = 0; c < 3; c++) {
            int sum = 0;
            for (int s = 0; s < SAMPLES; s++)
                sum += run.value[s][c][i];
            assert_int_equal(run.best[c][i], (2 * sum + SAMPLES) / (2 * SAMPLES));
        }
}

static int far_apart(const struct ifl_ground *run, int i, int a, int b)
{
    int most = 0;
    for (int c = 0; c < 3; c++) {
        int far = abs(run->value[a][c][i] - run->value[b][c][i]);
        most = far > most ? far : most;
    }
    return most;
}

// The best sample of pixel `i`, by counting votes.
static int best_by_definition(const struct ifl_ground *run, int count, int i)
{
    int best = 0, most = 0;
    for (int s = 0; s < count; s++) {
        int votes = 0;
        for (int other = 0; other < count; other++)
            if (far_apart(run, i, s, other) <= IFL_GROUND_RADIUS)
                votes += run->weight[other][i];
        best = votes >= most ? s : best;
        most = votes > most ? votes : most;
    }
    return best;
}

static int mean_by_definition(const struct ifl_ground *run, int count, int i, int best, int c)
{
    int sum = 0, members = 0;
    for (int s = 0; s < count; s++)
        if (far_apart(run, i, s, best) <= IFL_GROUND_RADIUS) {
            sum += run->value[s][c][i];
            members++;
        }
    return (2 * sum + members) / (2 * members);
}

// The least deviation that a quarter of the ground, at most, is beyond.
static int noise_by_definition(const struct ifl_ground *run, int count, int i)
{
    int histogram[256] = {0}, ground = 0, below = 0, quantile = 0;
    for (int s = 0; s < count; s++) {
        int off = 0;
        for (int c = 0; c < 3; c++)
            off += abs(run->value[s][c][i] - run->best[c][i]);
        ground += !run->known[s][i];
        histogram[run->known[s][i] ? 255 : off < 255 ? off : 255]++;
    }
    while (quantile < 255 && 4 * (below + histogram[quantile]) < 3 * ground)
        below += histogram[quantile++];
    int eighths =
        quantile * IFL_GROUND_NOISE_ONE * 20 / 69 + 2 * IFL_GROUND_NOISE_ONE / (ground + 1);
    return eighths < 255 ? eighths : 255;
}

// Two kinds of ground, noise, values at both ends, foreground that weighs less or nothing.
static void fill_ground(struct ifl_ground *run, struct ifl_rng *rng, int count)
{
    uint32_t noise = 1 + ifl_rng_below(rng, 40);
    for (int s = 0; s < count; s++)
        for (int i = 0; i < IFL_PIXEL_RUN; i++) {
            int kind = ifl_rng_below(rng, 4) == 0;
            run->known[s][i] = kind && ifl_rng_below(rng, 2) ? 0xff : 0;
            run->weight[s][i] = (uint8_t)(run->known[s][i] ? ifl_rng_below(rng, 2) : 3);
            for (int c = 0; c < 3; c++) {
                int value = (kind ? 140 : 4 * i - 10) + (int)ifl_rng_below(rng, noise);
                run->value[s][c][i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
        }
}

static void ground_is_what_most_samples_show(void **state)
{
    (void)state;
    static struct ifl_ground run;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 12);
    for (int round = 0; round < 40; round++) {
        int count = 1 + (int)ifl_rng_below(&rng, IFL_GROUND_SAMPLES);
        ifl_cpu_force((enum ifl_cpu_level)(round % IFL_CPU_LEVELS));
        fill_ground(&run, &rng, count);
        ifl_pixel_kernels()->ground(&run, count);
        for (int i = 0; i < IFL_PIXEL_RUN; i++) {
            int best = best_by_definition(&run, count, i);
            for (int c = 0; c < 3; c++)
                assert_int_equal(run.best[c][i], mean_by_definition(&run, count, i, best, c));
            assert_int_equal(run.noise[i], noise_by_definition(&run, count, i));
        }
    }
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
}

static void medians_split_in_halves(void **state)
{
    (void)state;
    enum { MOST = 4500 };
    static float residual[MOST];
    static uint16_t scratch[MOST];
    struct ifl_rng rng;
    ifl_rng_init(&rng, 13);
    for (int round = 0; round < 20; round++) {
        int count = 1 + (int)ifl_rng_below(&rng, MOST), within = 0, median = 0;
        float range = (float)(1 << ifl_rng_below(&rng, 12));
        for (int i = 0; i < count; i++)
            residual[i] = range * ((float)ifl_rng_below(&rng, 2001) / 1000 - 1);
        for (; median < 1023; median++, within = 0) {
            for (int i = 0; i < count; i++)
                within += fabsf(residual[i]) * 4 < (float)(median + 1);
            if (within > count / 2)
                break;
        }
        ifl_cpu_force((enum ifl_cpu_level)(round % IFL_CPU_LEVELS));
        assert_int_equal(ifl_pixel_kernels()->median_quarters(residual, count, scratch), median);
    }
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
}

// Sums of a patch by their definition; which one: 0 to 7.
static int32_t sum_by_definition(const uint8_t *rgb, int stride, int which)
{
    static const int ramp[7] = {-1, -1, -1, 0, 1, 1, 1}, bump[7] = {3, 3, -4, -4, -4, 3, 3};
    int32_t sum = 0;
    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 7; x++) {
            const uint8_t *p = rgb + y * stride + 3 * x;
            int value = p[0] + p[1] + p[2];
            const int of[8] = {value,
                               ramp[x] * value,
                               ramp[y] * value,
                               p[0] - p[2],
                               ramp[x] * ramp[y] * value,
                               bump[x] * value,
                               bump[y] * value,
                               p[1]};
            sum += of[which];
        }
    return sum;
}

static void patch_sums_are_what_they_say(void **state)
{
    (void)state;
    enum { WIDTH = IFL_PIXEL_RUN + 6, PATCH_BYTES = 7 * 3 * WIDTH };
    static int32_t sum[8 * IFL_PIXEL_RUN];
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    uint8_t *rgb = noise(&rng, PATCH_BYTES);
    for (int level = 0; level <= (int)ifl_cpu_detect(); level++) {
        ifl_cpu_force((enum ifl_cpu_level)level);
        for (int count = 1; count <= IFL_PIXEL_RUN; count += 9) {
            int skipped = WIDTH - count - 6; // the last byte of the last row is the last read
            ifl_pixel_kernels()->patch_sums(rgb + 3 * skipped, 3 * WIDTH, count, sum);
            for (int i = 0; i < count; i++)
                for (int s = 0; s < 8; s++)
                    assert_int_equal(sum[s * IFL_PIXEL_RUN + i],
                                     sum_by_definition(rgb + 3 * (skipped + i), 3 * WIDTH, s));
        }
    }
    free(rgb);
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
}

// ---- the search for patches ----

enum { PATCHES = 1000, STRIDE = 31 };

struct table {
    int16_t pair[IFL_SEARCH_FEATURES / 2][PATCHES][2];
    int16_t feature[IFL_SEARCH_FEATURES];
};

static void fill_table(struct table *table, struct ifl_rng *rng)
{
    int spread = ifl_rng_below(rng, 2) ? 16383 : 60; // the sums of the widest must fit
    for (int f = 0; f < IFL_SEARCH_FEATURES; f++) {
        int range = f == 0 ? spread : spread / 4;
        table->feature[f] = (int16_t)ifl_rng_below(rng, (uint32_t)range);
        for (int i = 0; i < PATCHES; i++)
            table->pair[f / 2][i][f % 2] = (int16_t)ifl_rng_below(rng, (uint32_t)range);
    }
}

static int near(const struct table *table, uint32_t first, int count, int32_t limit, uint32_t *hit)
{
    struct ifl_search_table view;
    for (int p = 0; p < IFL_SEARCH_FEATURES / 2; p++)
        view.pair[p] = (const int16_t(*)[2])table->pair[p];
    return ifl_search_near(&view, first, count, table->feature, limit, hit);
}

static void every_level_finds_the_same_patches(void **state)
{
    (void)state;
    static struct table table;
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    for (int round = 0; round < ROUNDS; round++) {
        fill_table(&table, &rng);
        uint32_t wanted[IFL_SEARCH_BLOCK], got[IFL_SEARCH_BLOCK];
        int count = (int)ifl_rng_below(&rng, IFL_SEARCH_BLOCK + 1);
        uint32_t first = ifl_rng_below(&rng, (uint32_t)(PATCHES - count + 1));
        int32_t limit = round % 2 ? 9000 : 50000000;
        ifl_cpu_force(IFL_CPU_C);
        int hits = near(&table, first, count, limit, wanted);
        for (int level = 1; level <= (int)ifl_cpu_detect(); level++) {
            ifl_cpu_force((enum ifl_cpu_level)level);
            assert_int_equal(near(&table, first, count, limit, got), hits);
            assert_memory_equal(got, wanted, (size_t)hits * sizeof *got);
        }
    }
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
}

static void every_level_compares_patches_alike(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    for (int round = 0; round < ROUNDS; round++) {
        int rows = 1 + round % 8;
        // To the last byte of a patch and no further.
        uint8_t *a = noise(&rng, (size_t)(STRIDE * (rows - 1) + IFL_SEARCH_BYTES));
        uint8_t *b = noise(&rng, (size_t)(STRIDE * (rows - 1) + IFL_SEARCH_BYTES));
        uint8_t *c = noise(&rng, 6 * STRIDE + 21), *d = noise(&rng, 6 * STRIDE + 21);
        const uint8_t *const patch[3] = {b, a, b};
        int32_t wanted[3], got[3];
        ifl_search_compare_c(a, patch, 3, STRIDE, rows, wanted);
        assert_int_equal(wanted[1], 0);
        for (int level = 0; level <= (int)ifl_cpu_detect(); level++) {
            ifl_cpu_force((enum ifl_cpu_level)level);
            ifl_search_compare(a, patch, 3, STRIDE, rows, got);
            assert_memory_equal(got, wanted, sizeof got);
            assert_int_equal(ifl_search_squares(c, d, STRIDE), ifl_search_squares_c(c, d, STRIDE));
        }
        free(a);
        free(b);
        free(c);
        free(d);
    }
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_gives_the_same_bytes),
        cmocka_unit_test(boxes_are_sums_of_squares),
        cmocka_unit_test(bridges_span_their_gaps),
        cmocka_unit_test(ground_of_like_samples_is_their_mean),
        cmocka_unit_test(ground_is_what_most_samples_show),
        cmocka_unit_test(medians_split_in_halves),
        cmocka_unit_test(patch_sums_are_what_they_say),
        cmocka_unit_test(every_level_finds_the_same_patches),
        cmocka_unit_test(every_level_compares_patches_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
