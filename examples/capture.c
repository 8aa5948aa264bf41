// SPDX-License-Identifier: Apache-2.0
// The four ways to use a source from C: frames at a rate, one of now, a batch, callbacks.
//     capture SOURCE
#include <stdio.h>

#include <inferloop/capture.h>

struct counts {
    int frames, errors;
};

static void on_frame(struct ifl_frame *frame, void *context)
{
    struct counts *counts = context;
    (void)frame; // borrowed: ifl_frame_ref keeps it
    counts->frames++;
}

static void on_error(const struct ifl_error *error, void *context)
{
    struct counts *counts = context;
    fprintf(stderr, "capture: %s\n", error->text);
    counts->errors++;
}

static enum ifl_result iterate(struct ifl_capture *capture, struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < 10 && result == IFL_OK; i++) {
        struct ifl_frame *frame;
        result = ifl_capture_next(capture, 10, &frame, error);
        if (result == IFL_OK) {
            printf("frame %llu: %dx%d\n", (unsigned long long)frame->sequence, frame->width,
                   frame->height);
            ifl_frame_unref(frame);
        }
    }
    return result;
}

static enum ifl_result one_and_batch(struct ifl_capture *capture, struct ifl_error *error)
{
    struct ifl_frame *one, *batch[5];
    int got = 0;
    enum ifl_result result = ifl_capture_one(capture, 10, &one, error);
    if (result != IFL_OK)
        return result;
    printf("one: frame %llu\n", (unsigned long long)one->sequence);
    ifl_frame_unref(one);
    result = ifl_capture_batch(capture, 5, 0.2, 10, batch, &got, error);
    printf("batch: %d frames, 0.2 s apart\n", got);
    while (got > 0) // also those of a batch that failed
        ifl_frame_unref(batch[--got]);
    return result;
}

static enum ifl_result with_callbacks(struct ifl_capture *capture, struct ifl_error *error)
{
    struct counts counts = {0};
    struct ifl_capture_callbacks callbacks = {on_frame, on_error, &counts};
    enum ifl_result result = ifl_capture_start(capture, &callbacks, error);
    if (result != IFL_OK)
        return result;
    printf("press enter to stop\n");
    getchar();
    ifl_capture_stop(capture);
    printf("callbacks: %d frames, %d errors\n", counts.frames, counts.errors);
    return IFL_OK;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: capture SOURCE\n");
        return 2;
    }
    struct ifl_capture_config config;
    ifl_capture_config_init(&config);
    config.source = argv[1];
    config.rate = 30;
    config.buffer = 30;
    struct ifl_capture *capture = NULL;
    struct ifl_error error = {0};
    enum ifl_result result = ifl_capture_open(&config, &capture, &error);
    if (result == IFL_OK)
        result = iterate(capture, &error);
    if (result == IFL_OK)
        result = one_and_batch(capture, &error);
    if (result == IFL_OK)
        result = with_callbacks(capture, &error);
    if (result != IFL_OK)
        fprintf(stderr, "capture: %s\n", error.text);
    ifl_capture_release(capture); // on every path
    return result == IFL_OK ? 0 : 1;
}
