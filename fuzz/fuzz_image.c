// SPDX-License-Identifier: Apache-2.0
// Images of datasets: PNG, JPEG, WebP. The check sums of PNG are made to fit, or no change of the
// bytes would get past them. Large images are refused by the wrapped size check: they are allowed,
// and only take time.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "deliver/codec.h"

enum { PIXELS_MAX = 1 << 18, PNG_SIGNATURE_BYTES = 8 };

static size_t big_endian(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

static void fit_png_sums(uint8_t *bytes, size_t count)
{
    for (size_t at = PNG_SIGNATURE_BYTES; at + 12 <= count;) {
        size_t length = big_endian(bytes + at);
        if (length > count - at - 12)
            return;
        uLong crc = crc32_z(0, bytes + at + 4, length + 4);
        for (int i = 0; i < 4; i++)
            bytes[at + 8 + length + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += 12 + length;
    }
}

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
    uint8_t *copy = malloc(count ? count : 1);
    MUST(copy != NULL);
    if (count)
        memcpy(copy, bytes, count);
    if (ifl_codec_png.matches(copy, count))
        fit_png_sums(copy, count);
    enum ifl_result result = ifl_image_decode(copy, count, "fuzz", &image, &error);
    fuzz_must_explain(result, &error);
    MUST((result == IFL_OK) == (image != NULL));
    MUST(!image || (image->width >= 1 && image->height >= 1));
    ifl_image_unref(image);
    free(copy);
    return 0;
}
