// SPDX-License-Identifier: Apache-2.0
// What an image of the engine `analytic` costs on one core: every class of size in mode verbatim,
// by level of instructions; the other modes at the 256x144 class. The median of many images, in
// processor time of the thread: what else runs on the machine hardly counts.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "generate/builtin.h"
#include "kernels/cpu.h"
#include "make_profile.h"

enum { IMAGES = 40, FRAMES = 128, WALKERS = 48 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

// Median milliseconds an image, or -1.
static double median_ms(void *engine, enum ifl_privacy privacy, int width, int height)
{
    double ms[IMAGES];
    for (int i = -1; i < IMAGES; i++) { // the first one makes what the mode needs
        struct ifl_request request;
        struct ifl_synthetic made = {0};
        ifl_request_init(&request);
        request.privacy = privacy;
        request.seed = (uint64_t)(i + 1);
        request.width = width;
        request.height = height;
        double begin = now_ms();
        if (ifl_engine_analytic.generate(engine, &request, &made, NULL) != IFL_OK)
            return -1;
        if (i >= 0)
            ms[i] = now_ms() - begin;
        ifl_synthetic_fini(&made);
    }
    qsort(ms, IMAGES, sizeof ms[0], compare);
    return ms[IMAGES / 2];
}

static double report(void *engine, enum ifl_privacy privacy, int width, int height)
{
    double ms = median_ms(engine, privacy, width, height);
    printf("%-12s %4dx%-4d %-7s %8.2f\n", ifl_privacy_name(privacy), width, height,
           ifl_cpu_level_name(ifl_cpu_level()), ms);
    return ms;
}

int main(void)
{
    struct ifl_profile *profile = make_walkers(FRAMES, WALKERS, 1);
    void *engine = NULL;
    struct ifl_error error = {0};
    double begin = now_ms();
    if (!profile || ifl_engine_analytic.create(profile, &engine, &error) != IFL_OK) {
        fprintf(stderr, "bench_generate: %s\n", error.text);
        return 1;
    }
    double create_ms = now_ms() - begin;
    printf("%-12s %9s %-7s %8s\n", "mode", "size", "level", "ms");
    double ms[IFL_CPU_LEVELS] = {0};
    enum ifl_cpu_level best = ifl_cpu_detect();
    for (int level = 0; level <= (int)best; level++) {
        ifl_cpu_force((enum ifl_cpu_level)level);
        ms[level] = report(engine, IFL_PRIVACY_VERBATIM, 256, 144);
    }
    double small_ms = report(engine, IFL_PRIVACY_VERBATIM, 128, 72);
    double deidentify_ms = report(engine, IFL_PRIVACY_DEIDENTIFY, 256, 144);
    double anonymous_ms = report(engine, IFL_PRIVACY_K_ANONYMOUS, 256, 144);
    printf("{\"bench\": \"generate\", \"frames\": %d, \"level\": \"%s\", \"create_ms\": %.3f, "
           "\"verbatim_128x72_ms\": %.3f, \"verbatim_256x144_ms\": %.3f, "
           "\"verbatim_256x144_to_c\": %.4f, \"deidentify_256x144_ms\": %.3f, "
           "\"k_anonymous_256x144_ms\": %.3f}\n",
           FRAMES, ifl_cpu_level_name(best), create_ms, small_ms, ms[best], ms[best] / ms[0],
           deidentify_ms, anonymous_ms);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
    return 0;
}
