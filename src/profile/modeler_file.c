// SPDX-License-Identifier: Apache-2.0
// A modeler's state as a file: little-endian, the same on every machine.
//
//   magic "IFLMODEL", u32 version, u32 CRC of all that follows, u64 bytes that follow
//   u64 window, u64 hash of the list of features, then the fields in the order of exchange()
//
// The same lines read and write, so that they cannot differ. Nothing is believed before it is
// checked, and a modeler is replaced only by a whole one.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "profile/bytes.h"
#include "profile/modeler.h"

static const char stage[] = "profile";
static const uint8_t magic[8] = {'I', 'F', 'L', 'M', 'O', 'D', 'E', 'L'};

enum { VERSION = 1, HEADER_BYTES = 24 };
static const size_t file_bytes_max = (size_t)16 << 20;
static const uint64_t FRAMES_MAX = (uint64_t)1 << 30; // of a sketch

// Writes where there is a writer, else reads.
struct stream {
    struct ifl_writer *out;
    struct ifl_reader *in;
};

static void whole(struct stream *stream, uint64_t *value)
{
    if (stream->out)
        ifl_write_u64(stream->out, *value);
    else
        *value = ifl_read_u64(stream->in);
}

static void reals(struct stream *stream, double *value, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &value[i], sizeof bits);
        whole(stream, &bits);
        memcpy(&value[i], &bits, sizeof bits);
        if (!isfinite(value[i]) && stream->in)
            stream->in->failed = 1;
    }
}

static void small(struct stream *stream, int *value)
{
    if (stream->out)
        ifl_write_u32(stream->out, (uint32_t)*value);
    else
        *value = (int)ifl_read_u32(stream->in);
}

static void counts(struct stream *stream, uint32_t *value, int count)
{
    for (int i = 0; i < count; i++)
        if (stream->out)
            ifl_write_u32(stream->out, value[i]);
        else
            value[i] = ifl_read_u32(stream->in);
}

static void items(struct stream *stream, float *value, int count)
{
    for (int i = 0; i < count; i++)
        if (stream->out)
            ifl_write_f32(stream->out, value[i]);
        else
            value[i] = ifl_read_f32(stream->in);
}

static void refuse(struct stream *stream, bool wrong)
{
    if (wrong && stream->in)
        stream->in->failed = 1;
}

static bool failed(const struct stream *stream)
{
    return stream->in && stream->in->failed;
}

static void exchange_sketch(struct stream *stream, struct ifl_kll *sketch)
{
    int held = 0;
    whole(stream, &sketch->count);
    items(stream, &sketch->min, 1);
    items(stream, &sketch->max, 1);
    for (int i = 0; i < 4; i++)
        whole(stream, &sketch->coin.state[i]);
    small(stream, &sketch->levels);
    refuse(stream, sketch->levels < 1 || sketch->levels > IFL_KLL_LEVELS);
    for (int level = 0; !failed(stream) && level < sketch->levels; level++) {
        small(stream, &sketch->size[level]);
        refuse(stream, sketch->size[level] < 0 || sketch->size[level] > IFL_KLL_ITEMS - held);
        held += failed(stream) ? 0 : sketch->size[level];
    }
    if (!failed(stream))
        items(stream, sketch->item, held);
    const uint64_t *coin = sketch->coin.state;
    refuse(stream,
           failed(stream) || !ifl_kll_is_valid(sketch) || !(coin[0] | coin[1] | coin[2] | coin[3]));
}

static void exchange_feature(struct stream *stream, struct ifl_feature_block *feature,
                             const struct ifl_feature_row *row)
{
    struct ifl_moments *m = &feature->moments;
    uint64_t counted = 0;
    whole(stream, &m->count);
    reals(stream, &m->mean, 1);
    reals(stream, &m->m2, 1);
    reals(stream, &m->m3, 1);
    reals(stream, &m->m4, 1);
    reals(stream, &m->min, 1);
    reals(stream, &m->max, 1);
    counts(stream, feature->histogram, IFL_HISTOGRAM_BINS);
    exchange_sketch(stream, &feature->sketch);
    for (int i = 0; i < IFL_HISTOGRAM_BINS; i++)
        counted += feature->histogram[i];
    refuse(stream, m->count > FRAMES_MAX || counted != m->count ||
                       feature->sketch.count != m->count || m->m2 < 0 || m->m4 < 0);
    refuse(stream, m->count > 0 && (m->min < row->least || m->max > row->greatest ||
                                    m->mean < m->min - 1e-6 * fabs(m->min) - 1e-12 ||
                                    m->mean > m->max + 1e-6 * fabs(m->max) + 1e-12));
}

static void exchange_block(struct stream *stream, struct ifl_block *block)
{
    whole(stream, &block->frames);
    for (int f = 0; f < IFL_FEATURE_COUNT && !failed(stream); f++) {
        exchange_feature(stream, &block->feature[f], ifl_feature_row((enum ifl_feature)f));
        refuse(stream, block->feature[f].moments.count != block->frames);
    }
    reals(stream, block->product, IFL_FEATURE_PAIRS);
    reals(stream, block->tile_sum[0], IFL_TILES * IFL_TILES);
    whole(stream, &block->foreground_frames);
    whole(stream, &block->occupied_frames);
    whole(stream, &block->objects);
    reals(stream, &block->area_sum, 1);
    double frames = (double)block->frames;
    for (int i = 0; i < IFL_TILES * IFL_TILES; i++)
        refuse(stream, !(block->tile_sum[i / IFL_TILES][i % IFL_TILES] >= 0 &&
                         block->tile_sum[i / IFL_TILES][i % IFL_TILES] <= 256 * frames));
    refuse(stream, block->foreground_frames > block->frames ||
                       block->occupied_frames > block->foreground_frames ||
                       block->objects > block->frames * IFL_COMPONENTS_MAX ||
                       !(block->area_sum >= 0 && block->area_sum <= frames + 1));
}

static void exchange(struct stream *stream, struct ifl_modeler *modeler)
{
    struct ifl_recent_sums *recent = &modeler->recent;
    whole(stream, &modeler->begun);
    whole(stream, &recent->frames);
    reals(stream, recent->mean, IFL_FEATURE_COUNT);
    reals(stream, recent->square, IFL_FEATURE_COUNT);
    reals(stream, recent->product, IFL_FEATURE_COUNT);
    reals(stream, recent->last, IFL_FEATURE_COUNT);
    reals(stream, modeler->reference_lag1, IFL_FEATURE_COUNT);
    refuse(stream, modeler->begun < 1);
    for (int b = 0; b < IFL_WINDOW_BLOCKS && !failed(stream); b++)
        exchange_block(stream, &modeler->block[b]);
    if (!failed(stream))
        exchange_block(stream, &modeler->reference);
}

static uint64_t hash_of_features(void)
{
    uint64_t hash = 0;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        const char *name = ifl_feature_row((enum ifl_feature)f)->name;
        hash = ifl_hash_bytes(name, strlen(name) + 1, hash);
    }
    return hash;
}

void ifl_modeler_write(const struct ifl_modeler *modeler, struct ifl_writer *out)
{
    struct stream stream = {.out = out};
    ifl_write_bytes(out, magic, sizeof magic);
    ifl_write_u32(out, VERSION);
    ifl_write_u32(out, 0);
    ifl_write_u64(out, 0);
    ifl_write_u64(out, (uint64_t)modeler->config.window_frames);
    ifl_write_u64(out, hash_of_features());
    exchange(&stream, (struct ifl_modeler *)(uintptr_t)modeler); // only read from
    if (out->failed)
        return;
    size_t count = out->count - HEADER_BYTES;
    ifl_put_u32(out->bytes + 12, (uint32_t)crc32(0, out->bytes + HEADER_BYTES, (uInt)count));
    ifl_put_u64(out->bytes + 16, count);
}

enum ifl_result ifl_modeler_save(const struct ifl_modeler *modeler, const char *path,
                                 struct ifl_error *error)
{
    struct ifl_writer out = {0};
    ifl_modeler_write(modeler, &out);
    enum ifl_result result =
        out.failed ? ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to write %s", path)
                   : ifl_write_file(path, out.bytes, out.count, 0600, error);
    free(out.bytes);
    return result;
}

static enum ifl_result corrupt(struct ifl_error *error, const char *path, const char *what)
{
    return ifl_fail(error, IFL_ERR_CORRUPT, stage,
                    "%s is damaged: %s; remove it, statistics then begin anew", path, what);
}

static enum ifl_result check_header(const struct ifl_modeler *modeler, const char *path,
                                    const uint8_t *bytes, size_t count, struct ifl_error *error)
{
    if (count < HEADER_BYTES + 16 || memcmp(bytes, magic, sizeof magic) != 0)
        return corrupt(error, path, "it is no state of statistics");
    uint32_t version = ifl_get_u32(bytes + 8);
    if (version != VERSION)
        return ifl_fail(error, IFL_ERR_VERSION, stage,
                        "%s has format version %" PRIu32 ", this program reads %d", path, version,
                        VERSION);
    if (ifl_get_u64(bytes + 16) != count - HEADER_BYTES)
        return corrupt(error, path, "it is not as long as it says");
    if (ifl_get_u32(bytes + 12) !=
        (uint32_t)crc32(0, bytes + HEADER_BYTES, (uInt)(count - HEADER_BYTES)))
        return corrupt(error, path, "its content does not match its check sum");
    uint64_t window = ifl_get_u64(bytes + HEADER_BYTES);
    if (window != (uint64_t)modeler->config.window_frames)
        return ifl_fail(error, IFL_ERR_VERSION, stage,
                        "%s is over a window of %" PRIu64 " frames, not %d", path, window,
                        modeler->config.window_frames);
    if (ifl_get_u64(bytes + HEADER_BYTES + 8) != hash_of_features())
        return ifl_fail(error, IFL_ERR_VERSION, stage, "%s is of other features", path);
    return IFL_OK;
}

enum ifl_result ifl_modeler_parse(struct ifl_modeler *modeler, const char *path,
                                  const uint8_t *bytes, size_t count, struct ifl_error *error)
{
    enum ifl_result result = check_header(modeler, path, bytes, count, error);
    if (result != IFL_OK)
        return result;
    struct ifl_modeler *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to load %s", path);
    struct ifl_reader in = {bytes + HEADER_BYTES + 16, count - HEADER_BYTES - 16, 0};
    struct stream stream = {.in = &in};
    made->config = modeler->config;
    made->block_frames = modeler->block_frames;
    exchange(&stream, made);
    if (in.failed || in.count) {
        free(made);
        return corrupt(error, path, "its content is not valid");
    }
    made->current = (int)((made->begun - 1) % IFL_WINDOW_BLOCKS);
    made->sealed_is_old = made->reference_is_old = true;
    *modeler = *made;
    free(made);
    return IFL_OK;
}

enum ifl_result ifl_modeler_load(struct ifl_modeler *modeler, const char *path,
                                 struct ifl_error *error)
{
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_read_file(path, file_bytes_max, &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    result = ifl_modeler_parse(modeler, path, bytes, count, error);
    free(bytes);
    return result;
}
