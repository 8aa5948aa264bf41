/* SPDX-License-Identifier: Apache-2.0 */
/* A source as a plug-in: copy this folder and put your camera's calls where the comments say.
 *
 * It takes example:, example:320x240 and delivers grey pictures with a bar that moves, 25 a second,
 * 100 in all unless the user asks for a loop. Build it as a shared object against include/ only:
 *     cc -shared -fPIC -I include example_source.c -o example_source.so
 * and load it with `--plugin ./example_source.so --source example:`. It needs no function of
 * inferloop. One thread opens, reads and closes; pictures are released on any thread. */
#include <inferloop/source.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PICTURES = 100, RATE = 25 };

/* What one open source remembers. */
struct example {
    char name[IFL_SOURCE_NAME_MAX];
    int width, height;
    bool loop;
    uint64_t sequence;
};

/* One sentence that names the thing and the remedy. */
static enum ifl_result fail(struct ifl_error *error, enum ifl_result result, const char *text)
{
    if (error) {
        memset(error, 0, sizeof *error);
        error->result = result;
        snprintf(error->stage, sizeof error->stage, "source");
        snprintf(error->text, sizeof error->text, "%s", text);
    }
    return result;
}

static enum ifl_result example_open(const struct ifl_source_config *config, void **self,
                                    struct ifl_error *error)
{
    const char *size = strchr(config->uri, ':');
    struct example *example = calloc(1, sizeof *example);
    if (!example)
        return fail(error, IFL_ERR_NO_MEMORY, "no memory for the example");
    snprintf(example->name, sizeof example->name, "%s", config->name);
    example->loop = config->loop;
    example->width = 320;
    example->height = 240;
    bool sized = size && size[1];
    if (sized && sscanf(size + 1, "%5dx%5d", &example->width, &example->height) != 2)
        example->width = 0;
    if (example->width < IFL_FRAME_SIDE_MIN || example->width > IFL_FRAME_SIDE_MAX ||
        example->height < IFL_FRAME_SIDE_MIN || example->height > IFL_FRAME_SIDE_MAX) {
        free(example);
        return fail(error, IFL_ERR_INVALID, "write the size as in example:320x240");
    }
    /* Connect to the device here; give up after config->open_deadline_ns, and when
     * config->cancelled says so. */
    *self = example;
    return IFL_OK;
}

static int64_t time_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* The last reference to a picture is gone, on whichever thread. */
static void release(struct ifl_frame *frame)
{
    free(frame->owner);
    free(frame);
}

static struct ifl_frame *draw(const struct example *example, uint64_t index)
{
    size_t width = (size_t)example->width, height = (size_t)example->height;
    struct ifl_frame *frame = calloc(1, sizeof *frame);
    uint8_t *pixels = malloc(width * height);
    if (!frame || !pixels) {
        free(frame);
        free(pixels);
        return NULL;
    }
    for (size_t i = 0; i < width * height; i++)
        pixels[i] = i % width == index % width ? 230 : 60;
    frame->plane[0] = pixels;
    frame->stride[0] = example->width;
    frame->owner = pixels;
    frame->release = release;
    frame->refs = 1;
    return frame;
}

static enum ifl_result example_read(void *self, struct ifl_frame **out, struct ifl_error *error)
{
    struct example *example = self;
    uint64_t index = example->sequence % PICTURES;
    if (!example->loop && example->sequence >= PICTURES)
        return IFL_END;
    /* Wait for the device here, no longer than the read deadline. */
    struct ifl_frame *frame = draw(example, index);
    if (!frame)
        return fail(error, IFL_ERR_NO_MEMORY, "no memory for a picture");
    frame->width = example->width;
    frame->height = example->height;
    frame->format = IFL_PIXEL_GRAY8;
    frame->range = IFL_RANGE_FULL;
    memcpy(frame->source, example->name, sizeof frame->source);
    frame->media_index = index;
    frame->loop = (uint32_t)(example->sequence / PICTURES);
    frame->pts_ns = (int64_t)example->sequence * (INT64_C(1000000000) / RATE);
    frame->sequence = example->sequence++;
    frame->capture_ns = time_ns(CLOCK_MONOTONIC);
    frame->capture_wall_ns = time_ns(CLOCK_REALTIME);
    *out = frame;
    return IFL_OK;
}

static void example_info(void *self, struct ifl_source_info *info)
{
    const struct example *example = self;
    memset(info, 0, sizeof *info);
    info->width = example->width;
    info->height = example->height;
    info->rate = RATE;
    info->frames = PICTURES;
    snprintf(info->format, sizeof info->format, "gray8");
}

static void example_close(void *self)
{
    free(self);
}

static const char *const schemes[] = {"example", NULL};

static const struct ifl_source_plugin example_source = {
    .head = {IFL_PLUGIN_ABI, sizeof(struct ifl_source_plugin), IFL_PLUGIN_SOURCE, "example",
             "a bar that moves; the template for sources of your own"},
    .schemes = schemes,
    .open = example_open,
    .read = example_read,
    .info = example_info,
    .interrupt = NULL, /* reading never waits */
    .close = example_close,
    .live = NULL, /* set it when pictures come from a device that may go away */
};

extern IFL_API const struct ifl_plugin *const inferloop_plugins[];
const struct ifl_plugin *const inferloop_plugins[] = {&example_source.head, NULL};
