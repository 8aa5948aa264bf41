// SPDX-License-Identifier: Apache-2.0
#include "deliver/codec.h"

#include <stdlib.h>

#include "base/file.h"

static const char stage[] = "deliver";

static const struct ifl_codec *const codecs[] = {
    [IFL_IMAGE_PNG] = &ifl_codec_png,
    [IFL_IMAGE_JPEG] = &ifl_codec_jpeg,
    [IFL_IMAGE_WEBP] = &ifl_codec_webp,
};
enum { CODECS = sizeof codecs / sizeof codecs[0] };

const struct ifl_codec *ifl_codec_get(enum ifl_image_format format)
{
    return (unsigned)format < CODECS ? codecs[format] : NULL;
}

const char *ifl_image_format_name(enum ifl_image_format format)
{
    const struct ifl_codec *codec = ifl_codec_get(format);
    return codec ? codec->name : "unknown";
}

const char *ifl_image_format_mime_type(enum ifl_image_format format)
{
    const struct ifl_codec *codec = ifl_codec_get(format);
    return codec ? codec->mime_type : "application/octet-stream";
}

enum ifl_result ifl_codec_image(const char *name, int64_t width, int64_t height,
                                struct ifl_image **image, struct ifl_error *error)
{
    if (width < 1 || height < 1)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage, "%s has no pixels", name);
    if (width > IFL_FRAME_SIDE_MAX || height > IFL_FRAME_SIDE_MAX ||
        width * height > IFL_CODEC_PIXELS_MAX)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, stage,
                        "%s is %lldx%lld; sides go up to %d and pixels to %lld million", name,
                        (long long)width, (long long)height, IFL_FRAME_SIDE_MAX,
                        (long long)(IFL_CODEC_PIXELS_MAX / 1000000));
    *image = ifl_image_create((int)width, (int)height);
    if (!*image)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for the pixels of %s", name);
    return IFL_OK;
}

enum ifl_result ifl_image_encode(const struct ifl_image *image, enum ifl_image_format format,
                                 int quality, const char *description, uint8_t **bytes,
                                 size_t *count, struct ifl_error *error)
{
    *bytes = NULL;
    *count = 0;
    const struct ifl_codec *codec = ifl_codec_get(format);
    if (!codec)
        return ifl_fail(error, IFL_ERR_INVALID, stage, "image format %d does not exist",
                        (int)format);
    if (!image || !image->rgb || image->width < 1 || image->height < 1)
        return ifl_fail(error, IFL_ERR_INVALID, stage, "there is no image to encode");
    if (quality < 1 || quality > 100)
        return ifl_fail(error, IFL_ERR_INVALID, stage, "quality is %d; give 1 to 100", quality);
    struct ifl_mark mark;
    ifl_mark_init(&mark, description);
    return codec->encode(image, &mark, quality, bytes, count, error);
}

static const struct ifl_codec *recognise(const uint8_t *bytes, size_t count)
{
    for (int i = 0; i < CODECS; i++)
        if (codecs[i]->matches(bytes, count))
            return codecs[i];
    return NULL;
}

enum ifl_result ifl_image_decode(const uint8_t *bytes, size_t count, const char *name,
                                 struct ifl_image **image, struct ifl_error *error)
{
    *image = NULL;
    const struct ifl_codec *codec = recognise(bytes, count);
    if (!codec)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, stage, "%s is no PNG, JPEG or WebP image",
                        name);
    enum ifl_result result = codec->decode(bytes, count, name, image, error);
    if (result != IFL_OK) {
        ifl_image_unref(*image);
        *image = NULL;
    }
    return result;
}

enum ifl_result ifl_image_decode_file(const char *path, struct ifl_image **image,
                                      struct ifl_error *error)
{
    *image = NULL;
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_read_file(path, IFL_CODEC_FILE_MAX, &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    result = ifl_image_decode(bytes, count, path, image, error);
    free(bytes);
    return result;
}
