// SPDX-License-Identifier: Apache-2.0
// libpng reports errors by longjmp: each direction has one function that sets the jump and calls
// libpng, and owns nothing; what must be freed lives in a struct of its caller.
#include "deliver/codec.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

static const char stage[] = "deliver";

enum { CHUNK_MAX = 8 << 20, ALLOCATION_MAX = 16 << 20 }; // bytes, while reading

struct png_job {
    png_structp png;
    png_infop info;
    uint8_t *bytes; // written so far, or what is to be read
    size_t count, capacity, at;
    bool no_memory;
    char message[128];
};

static void keep_message(png_structp png, png_const_charp message)
{
    struct png_job *job = png_get_error_ptr(png);
    strncpy(job->message, message, sizeof job->message - 1);
    png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static bool png_matches(const uint8_t *bytes, size_t count)
{
    return count >= 8 && png_sig_cmp(bytes, 0, 8) == 0;
}

static void append(png_structp png, png_bytep data, size_t count)
{
    struct png_job *job = png_get_io_ptr(png);
    if (count > job->capacity - job->count) {
        size_t capacity = 2 * job->capacity + count;
        uint8_t *bytes = realloc(job->bytes, capacity);
        if (!bytes) {
            job->no_memory = true;
            png_error(png, "out of memory");
        }
        job->bytes = bytes;
        job->capacity = capacity;
    }
    memcpy(job->bytes + job->count, data, count);
    job->count += count;
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

static void set_texts(struct png_job *job, const struct ifl_mark *mark)
{
    png_text text[3] = {
        {.compression = PNG_TEXT_COMPRESSION_NONE, .key = "Software", .text = "inferloop"},
        {.compression = PNG_TEXT_COMPRESSION_NONE,
         .key = "Description",
         .text = (char *)mark->ascii},
        {.compression = PNG_ITXT_COMPRESSION_NONE,
         .key = "XML:com.adobe.xmp",
         .text = (char *)mark->xmp,
         .itxt_length = mark->xmp_count},
    };
    png_set_text(job->png, job->info, text, 3);
}

static bool write_png(struct png_job *job, const struct ifl_image *image,
                      const struct ifl_mark *mark)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    png_set_write_fn(job->png, job, append, flush_nothing);
    png_set_user_limits(job->png, IFL_FRAME_SIDE_MAX, IFL_FRAME_SIDE_MAX);
    png_set_IHDR(job->png, job->info, (png_uint_32)image->width, (png_uint_32)image->height, 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    // Of a camera's picture hardly anything repeats but runs: looking for more takes five times as
    // long for one percent.
    png_set_filter(job->png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
    png_set_compression_strategy(job->png, Z_RLE);
    set_texts(job, mark);
    png_write_info(job->png, job->info);
    for (int y = 0; y < image->height; y++)
        png_write_row(job->png, image->rgb + (size_t)y * (size_t)image->width * 3);
    png_write_end(job->png, job->info);
    return true;
}

static enum ifl_result describe(const struct png_job *job, enum ifl_result result, const char *what,
                                struct ifl_error *error)
{
    if (job->no_memory || !job->info)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a PNG image");
    return ifl_fail(error, result, stage, "%s: %s", what, job->message);
}

static enum ifl_result png_encode(const struct ifl_image *image, const struct ifl_mark *mark,
                                  int quality, uint8_t **bytes, size_t *count,
                                  struct ifl_error *error)
{
    (void)quality; // always lossless
    struct png_job job = {0};
    job.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &job, keep_message, ignore_warning);
    job.info = job.png ? png_create_info_struct(job.png) : NULL;
    enum ifl_result result = IFL_OK;
    if (!job.info || !write_png(&job, image, mark)) {
        result = describe(&job, IFL_ERR_INTERNAL, "the PNG image could not be written", error);
        free(job.bytes);
    } else {
        *bytes = job.bytes;
        *count = job.count;
    }
    png_destroy_write_struct(&job.png, &job.info);
    return result;
}

static void take(png_structp png, png_bytep data, size_t count)
{
    struct png_job *job = png_get_io_ptr(png);
    if (count > job->count - job->at)
        png_error(png, "it ends too early");
    memcpy(data, job->bytes + job->at, count);
    job->at += count;
}

// libpng only warns of a chunk that is longer than its limit, and would take memory for whatever
// length a file of a few bytes claims.
static png_voidp take_memory(png_structp png, png_alloc_size_t bytes)
{
    (void)png;
    return bytes <= ALLOCATION_MAX ? malloc(bytes) : NULL;
}

static void give_memory(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static bool read_header(struct png_job *job)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    png_set_read_fn(job->png, job, take);
    // Any size passes here, so that ours below can be refused by a sentence of its own.
    png_set_user_limits(job->png, 0x7fffffff, 0x7fffffff);
    png_set_chunk_malloc_max(job->png, CHUNK_MAX);
    png_set_chunk_cache_max(job->png, 64);
    png_read_info(job->png, job->info);
    return true;
}

static bool read_rows(struct png_job *job, const struct ifl_image *image)
{
    if (setjmp(png_jmpbuf(job->png)))
        return false;
    png_set_expand(job->png);
    png_set_strip_16(job->png);
    png_set_strip_alpha(job->png);
    png_set_gray_to_rgb(job->png);
    int passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    if (png_get_rowbytes(job->png, job->info) != (size_t)image->width * 3)
        png_error(job->png, "its pixels are of a strange kind");
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < image->height; y++)
            png_read_row(job->png, image->rgb + (size_t)y * (size_t)image->width * 3, NULL);
    png_read_end(job->png, NULL);
    return true;
}

static enum ifl_result png_decode(const uint8_t *bytes, size_t count, const char *name,
                                  struct ifl_image **image, struct ifl_error *error)
{
    struct png_job job = {.bytes = (uint8_t *)bytes, .count = count};
    job.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &job, keep_message, ignore_warning,
                                       NULL, take_memory, give_memory);
    job.info = job.png ? png_create_info_struct(job.png) : NULL;
    enum ifl_result result = IFL_OK;
    if (!job.info || !read_header(&job))
        result = describe(&job, IFL_ERR_CORRUPT, name, error);
    if (result == IFL_OK)
        result = ifl_codec_image(name, png_get_image_width(job.png, job.info),
                                 png_get_image_height(job.png, job.info), image, error);
    if (result == IFL_OK && !read_rows(&job, *image))
        result = describe(&job, IFL_ERR_CORRUPT, name, error);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    return result;
}

const struct ifl_codec ifl_codec_png = {
    .name = "png",
    .mime_type = "image/png",
    .extension = "png",
    .matches = png_matches,
    .encode = png_encode,
    .decode = png_decode,
};
