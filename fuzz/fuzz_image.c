// SPDX-License-Identifier: Apache-2.0
// Images of datasets: PNG, JPEG, WebP. Large ones are refused by the wrapped size check: they are
// allowed, and only take time.
#include "support.h"

#include "deliver/codec.h"

enum { PIXELS_MAX = 1 << 18 };

enum ifl_result __real_ifl_codec_image(const char *name, int64_t width, int64_t height,
                                       struct ifl_image **image, struct ifl_error *error);
enum ifl_result __wrap_ifl_codec_image(const char *name, int64_t width, int64_t height,
                                       struct ifl_image **image, struct ifl_error *error);

enum ifl_result __wrap_ifl_codec_image(const char *name, int64_t width, int64_t height,
                                       struct ifl_image **image, struct ifl_error *error)
{
    if (width > 0 && height > 0 && width > PIXELS_MAX / height)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, "fuzz", "%s is left out", name);
    return __real_ifl_codec_image(name, width, height, image, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct ifl_image *image;
    struct ifl_error error;
    enum ifl_result result = ifl_image_decode(bytes, count, "fuzz", &image, &error);
    fuzz_must_explain(result, &error);
    MUST((result == IFL_OK) == (image != NULL));
    if (!image)
        return 0;
    MUST(image->width >= 1 && image->height >= 1);
    ifl_image_unref(image);
    return 0;
}
