// SPDX-License-Identifier: Apache-2.0
// Generates from a kept profile and adapts the request to what the stream looks like: guidance from
// its contrast, words from its brightness, tones from its colour temperature.
//     adapt PROFILE
#include <stdio.h>

#include <inferloop/pipeline.h>

static void adapt(const struct ifl_profile *profile, struct ifl_request *request)
{
    double brightness = profile->feature[IFL_FEATURE_brightness_mean].mean;
    double contrast = profile->feature[IFL_FEATURE_contrast_mean].mean;
    double temperature = profile->feature[IFL_FEATURE_color_temperature].mean;
    request->guidance_scale = 7.5 + (contrast - 0.5) * 3;
    snprintf(request->prompt, sizeof request->prompt, "A scene with %s and %s",
             brightness < 0.3   ? "dark, moody, low-key"
             : brightness > 0.7 ? "bright, vibrant, high-key"
                                : "balanced lighting",
             temperature < 5000 ? "warm tones" : "cool tones");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: adapt PROFILE\n");
        return 2;
    }
    struct ifl_error error = {0};
    struct ifl_profile *profile = NULL;
    struct ifl_generator *generator = NULL;
    struct ifl_request request;
    ifl_request_init(&request);
    if (ifl_profile_load(argv[1], &profile, &error) != IFL_OK ||
        ifl_generator_create(profile, "analytic", &generator, &error) != IFL_OK) {
        fprintf(stderr, "adapt: %s\n", error.text);
        return 1;
    }
    adapt(profile, &request);
    for (request.seed = 1; request.seed <= 3; request.seed++) {
        struct ifl_synthetic synthetic;
        if (ifl_generator_make(generator, &request, 4, &synthetic, &error) != IFL_OK) {
            fprintf(stderr, "adapt: %s\n", error.text);
            continue;
        }
        printf("seed %llu, \"%s\": %dx%d, sharpness %.2f, %d objects\n",
               (unsigned long long)synthetic.request.seed, request.prompt, synthetic.image->width,
               synthetic.image->height, synthetic.scores.sharpness, synthetic.audit.objects);
        ifl_synthetic_fini(&synthetic);
    }
    ifl_generator_destroy(generator);
    ifl_profile_unref(profile);
    return 0;
}
