// SPDX-License-Identifier: Apache-2.0
#include "deliver/codec.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/encode.h>
#include <webp/mux.h>

static const char stage[] = "deliver";

enum { LOSSLESS_LEVEL = 0 }; // of 9; 1 takes three times as long for three percent

static bool webp_matches(const uint8_t *bytes, size_t count)
{
    return count >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static bool configure(WebPConfig *config, int quality)
{
    if (!WebPConfigInit(config))
        return false;
    config->quality = (float)quality;
    config->thread_level = 0;
    return quality < 100 || WebPConfigLosslessPreset(config, LOSSLESS_LEVEL);
}

static enum ifl_result encode_picture(const struct ifl_image *image, int quality,
                                      WebPPicture *picture, WebPMemoryWriter *writer,
                                      struct ifl_error *error)
{
    WebPConfig config;
    if (!configure(&config, quality))
        return ifl_fail(error, IFL_ERR_INTERNAL, stage, "the WebP library has another version");
    picture->use_argb = config.lossless;
    picture->width = image->width;
    picture->height = image->height;
    picture->writer = WebPMemoryWrite;
    picture->custom_ptr = writer;
    if (!WebPPictureImportRGB(picture, image->rgb, image->width * 3))
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a WebP image");
    if (WebPEncode(&config, picture))
        return IFL_OK;
    if (picture->error_code == VP8_ENC_ERROR_OUT_OF_MEMORY ||
        picture->error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a WebP image");
    return ifl_fail(error, IFL_ERR_INTERNAL, stage,
                    "the WebP image could not be written (error %d)", (int)picture->error_code);
}

// WebP keeps XMP in a chunk of the container around the coded picture.
static enum ifl_result wrap(const WebPMemoryWriter *coded, const struct ifl_mark *mark,
                            uint8_t **bytes, size_t *count, struct ifl_error *error)
{
    WebPData picture = {coded->mem, coded->size};
    WebPData xmp = {(const uint8_t *)mark->xmp, mark->xmp_count};
    WebPData file = {NULL, 0};
    enum ifl_result result = IFL_OK;
    WebPMux *mux = WebPMuxCreate(&picture, 0);
    if (!mux || WebPMuxSetChunk(mux, "XMP ", &xmp, 0) != WEBP_MUX_OK ||
        WebPMuxAssemble(mux, &file) != WEBP_MUX_OK)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a WebP image");
    else if (!(*bytes = malloc(file.size)))
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a WebP image");
    if (result == IFL_OK) { // a copy, because WebP's memory need not be free()'s
        memcpy(*bytes, file.bytes, file.size);
        *count = file.size;
    }
    WebPDataClear(&file);
    WebPMuxDelete(mux);
    return result;
}

static enum ifl_result webp_encode(const struct ifl_image *image, const struct ifl_mark *mark,
                                   int quality, uint8_t **bytes, size_t *count,
                                   struct ifl_error *error)
{
    if (image->width > WEBP_MAX_DIMENSION || image->height > WEBP_MAX_DIMENSION)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, stage,
                        "the image is %dx%d; WebP has sides up to %d, use PNG", image->width,
                        image->height, WEBP_MAX_DIMENSION);
    WebPPicture picture;
    WebPMemoryWriter writer;
    WebPMemoryWriterInit(&writer);
    if (!WebPPictureInit(&picture))
        return ifl_fail(error, IFL_ERR_INTERNAL, stage, "the WebP library has another version");
    enum ifl_result result = encode_picture(image, quality, &picture, &writer, error);
    if (result == IFL_OK)
        result = wrap(&writer, mark, bytes, count, error);
    WebPPictureFree(&picture);
    WebPMemoryWriterClear(&writer);
    return result;
}

static enum ifl_result webp_decode(const uint8_t *bytes, size_t count, const char *name,
                                   struct ifl_image **image, struct ifl_error *error)
{
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(bytes, count, &features) != VP8_STATUS_OK)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage, "%s: its header is damaged", name);
    if (features.has_animation)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, stage, "%s is an animation, not an image",
                        name);
    enum ifl_result result = ifl_codec_image(name, features.width, features.height, image, error);
    if (result != IFL_OK)
        return result;
    size_t pixels_bytes = (size_t)features.width * (size_t)features.height * 3;
    if (!WebPDecodeRGBInto(bytes, count, (*image)->rgb, pixels_bytes, features.width * 3))
        return ifl_fail(error, IFL_ERR_CORRUPT, stage, "%s: its data is damaged or ends too early",
                        name);
    return IFL_OK;
}

const struct ifl_codec ifl_codec_webp = {
    .name = "webp",
    .mime_type = "image/webp",
    .extension = "webp",
    .matches = webp_matches,
    .encode = webp_encode,
    .decode = webp_decode,
};
