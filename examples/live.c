// SPDX-License-Identifier: Apache-2.0
// Watches a source until its first synthetic image is there, and writes it as a PNG.
//     live SOURCE FILE.png
#include <stdio.h>
#include <stdlib.h>

#include <inferloop/pipeline.h>

static int fail(const struct ifl_error *error)
{
    fprintf(stderr, "live: %s\n", error->text);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: live SOURCE FILE.png\n");
        return 2;
    }
    struct ifl_error error = {0};
    struct ifl_config *config = ifl_config_create();
    struct ifl_pipeline *pipeline = NULL;
    if (!config || ifl_config_set(config, "source", argv[1], &error) != IFL_OK ||
        ifl_config_set(config, "generate-interval", "1", &error) != IFL_OK ||
        ifl_config_set(config, "state-dir", "none", &error) != IFL_OK ||
        ifl_pipeline_create(config, &pipeline, &error) != IFL_OK ||
        ifl_pipeline_start(pipeline, &error) != IFL_OK)
        return fail(&error);
    ifl_config_destroy(config);

    uint64_t serial = 0;
    struct ifl_delivered *image =
        ifl_pipeline_newest(pipeline, NULL, &serial, 30 * INT64_C(1000000000));
    uint8_t *bytes = NULL;
    size_t count = 0;
    int status = 1;
    if (!image)
        fprintf(stderr, "live: no image within 30 s\n");
    else if (ifl_image_encode(image->synthetic.image, IFL_IMAGE_PNG, 100, "example", &bytes, &count,
                              &error) != IFL_OK)
        fail(&error);
    else {
        FILE *file = fopen(argv[2], "wb");
        if (file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0)
            status = 0;
        printf("%s: %dx%d, seed %llu, %s\n", argv[2], image->synthetic.image->width,
               image->synthetic.image->height, (unsigned long long)image->synthetic.request.seed,
               ifl_privacy_name(image->synthetic.request.privacy));
    }
    free(bytes);
    ifl_delivered_unref(image);
    ifl_pipeline_stop(pipeline);
    ifl_pipeline_destroy(pipeline);
    return status;
}
