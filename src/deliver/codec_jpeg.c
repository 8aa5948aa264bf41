// SPDX-License-Identifier: Apache-2.0
// libjpeg reports errors by longjmp, as in codec_png.c.
#include "deliver/codec.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

static const char stage[] = "deliver";
static const char xmp_header[] = "http://ns.adobe.com/xap/1.0/"; // its final 0 belongs to it

enum { SCANS_MAX = 100 }; // a progressive file with thousands only costs time

struct jpeg_job {
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    unsigned char *bytes;
    unsigned long count;
    bool no_memory;
};

static void keep_message(j_common_ptr codec)
{
    struct jpeg_job *job = codec->client_data;
    codec->err->format_message(codec, job->message);
    job->no_memory = strncmp(job->message, "Insufficient memory", 19) == 0;
    longjmp(job->jump, 1);
}

static void ignore_message(j_common_ptr codec)
{
    (void)codec;
}

static struct jpeg_error_mgr *start(struct jpeg_job *job)
{
    jpeg_std_error(&job->errors);
    job->errors.error_exit = keep_message;
    job->errors.output_message = ignore_message;
    return &job->errors;
}

static bool jpeg_matches(const uint8_t *bytes, size_t count)
{
    return count >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

static void set_quality(struct jpeg_compress_struct *encoder, int quality)
{
    jpeg_set_quality(encoder, quality, TRUE);
    if (quality >= 90) // who asks for this wants colour edges kept: 4:4:4
        encoder->comp_info[0].h_samp_factor = encoder->comp_info[0].v_samp_factor = 1;
}

static void write_mark(struct jpeg_compress_struct *encoder, const struct ifl_mark *mark)
{
    uint8_t packet[sizeof xmp_header + IFL_MARK_XMP_MAX];
    memcpy(packet, xmp_header, sizeof xmp_header);
    memcpy(packet + sizeof xmp_header, mark->xmp, mark->xmp_count);
    jpeg_write_marker(encoder, JPEG_APP0 + 1, packet,
                      (unsigned)(sizeof xmp_header + mark->xmp_count));
}

static bool write_jpeg(struct jpeg_job *job, struct jpeg_compress_struct *encoder,
                       const struct ifl_image *image, const struct ifl_mark *mark, int quality)
{
    if (setjmp(job->jump))
        return false;
    jpeg_create_compress(encoder);
    encoder->client_data = job;
    jpeg_mem_dest(encoder, &job->bytes, &job->count);
    encoder->image_width = (JDIMENSION)image->width;
    encoder->image_height = (JDIMENSION)image->height;
    encoder->input_components = 3;
    encoder->in_color_space = JCS_RGB;
    jpeg_set_defaults(encoder);
    set_quality(encoder, quality);
    jpeg_start_compress(encoder, TRUE);
    write_mark(encoder, mark);
    while (encoder->next_scanline < encoder->image_height) {
        JSAMPROW row = image->rgb + (size_t)encoder->next_scanline * (size_t)image->width * 3;
        jpeg_write_scanlines(encoder, &row, 1);
    }
    jpeg_finish_compress(encoder);
    return true;
}

static enum ifl_result describe(const struct jpeg_job *job, enum ifl_result result,
                                const char *what, struct ifl_error *error)
{
    if (job->no_memory)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a JPEG image");
    return ifl_fail(error, result, stage, "%s: %s", what, job->message);
}

static enum ifl_result jpeg_encode(const struct ifl_image *image, const struct ifl_mark *mark,
                                   int quality, uint8_t **bytes, size_t *count,
                                   struct ifl_error *error)
{
    struct jpeg_job job = {0};
    struct jpeg_compress_struct encoder = {.err = start(&job), .client_data = &job};
    bool written = write_jpeg(&job, &encoder, image, mark, quality);
    jpeg_destroy_compress(&encoder);
    if (!written) {
        free(job.bytes);
        return describe(&job, IFL_ERR_INTERNAL, "the JPEG image could not be written", error);
    }
    *bytes = job.bytes;
    *count = job.count;
    return IFL_OK;
}

static void limit_scans(j_common_ptr codec)
{
    struct jpeg_job *job = codec->client_data;
    if (((j_decompress_ptr)codec)->input_scan_number <= SCANS_MAX)
        return;
    snprintf(job->message, sizeof job->message, "it has more than %d scans", SCANS_MAX);
    longjmp(job->jump, 1);
}

static bool read_header(struct jpeg_job *job, struct jpeg_decompress_struct *decoder)
{
    if (setjmp(job->jump))
        return false;
    jpeg_create_decompress(decoder);
    decoder->client_data = job;
    job->progress.progress_monitor = limit_scans;
    decoder->progress = &job->progress;
    jpeg_mem_src(decoder, job->bytes, job->count);
    jpeg_read_header(decoder, TRUE);
    return true;
}

// A warning is how libjpeg says that it made pixels up, as for a truncated file.
static bool read_rows(struct jpeg_job *job, struct jpeg_decompress_struct *decoder,
                      const struct ifl_image *image)
{
    if (setjmp(job->jump))
        return false;
    decoder->out_color_space = JCS_RGB;
    jpeg_start_decompress(decoder);
    while (decoder->output_scanline < decoder->output_height) {
        JSAMPROW row = image->rgb + (size_t)decoder->output_scanline * (size_t)image->width * 3;
        jpeg_read_scanlines(decoder, &row, 1);
    }
    jpeg_finish_decompress(decoder);
    if (decoder->err->num_warnings > 0)
        snprintf(job->message, sizeof job->message, "its data is damaged or ends too early");
    return decoder->err->num_warnings == 0;
}

static enum ifl_result jpeg_decode(const uint8_t *bytes, size_t count, const char *name,
                                   struct ifl_image **image, struct ifl_error *error)
{
    struct jpeg_job job = {.bytes = (unsigned char *)bytes, .count = count};
    struct jpeg_decompress_struct decoder = {.err = start(&job), .client_data = &job};
    enum ifl_result result = IFL_OK;
    if (!read_header(&job, &decoder))
        result = describe(&job, IFL_ERR_CORRUPT, name, error);
    if (result == IFL_OK)
        result = ifl_codec_image(name, decoder.image_width, decoder.image_height, image, error);
    if (result == IFL_OK && !read_rows(&job, &decoder, *image))
        result = describe(&job, IFL_ERR_CORRUPT, name, error);
    jpeg_destroy_decompress(&decoder);
    return result;
}

const struct ifl_codec ifl_codec_jpeg = {
    .name = "jpeg",
    .mime_type = "image/jpeg",
    .extension = "jpg",
    .matches = jpeg_matches,
    .encode = jpeg_encode,
    .decode = jpeg_decode,
};
