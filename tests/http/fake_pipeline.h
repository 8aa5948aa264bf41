// SPDX-License-Identifier: Apache-2.0
// A pipeline without rooms, for the tests of the HTTP interface: two sources, canned frames and
// images, and switches for what may go wrong.
#ifndef IFL_TESTS_HTTP_FAKE_PIPELINE_H
#define IFL_TESTS_HTTP_FAKE_PIPELINE_H

#include <pthread.h>

#include "inferloop/pipeline.h"

enum { FAKE_IMAGES_MAX = 64, FAKE_FRAME_MS = 20 };

struct ifl_pipeline {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int sources; // 0..2: "cam", "gate"
    int width, height;
    int64_t frames_from_ns; // frames come since then; 0: none ever
    struct ifl_delivered *image[FAKE_IMAGES_MAX];
    int images;   // oldest first
    int profiles; // published, in the history
    struct ifl_journal *journal;
    bool profiled, stopped, hold_generate;
    char not_ready[160];
    enum ifl_result generate_result; // what generate returns
    struct ifl_request last_request;
    char last_source[64];
    int generating;           // calls that run now
    char changed_source[256]; // "add TEXT", "remove NAME", "change NAME URI"
    enum ifl_result change_result;
    struct ifl_config *config;
};

struct ifl_pipeline *fake_create(void);
void fake_destroy(struct ifl_pipeline *fake);
// Puts an image of one colour into the gallery.
void fake_deliver(struct ifl_pipeline *fake, const char *source, const char *name,
                  const struct ifl_request *request);
void fake_publish(struct ifl_pipeline *fake); // another profile, of each source
// As ifl_pipeline_stop: all that waits returns.
void fake_stop(struct ifl_pipeline *fake);
void fake_hold(struct ifl_pipeline *fake, bool hold); // generate calls wait while true
int fake_images(struct ifl_pipeline *fake);
int fake_generating(struct ifl_pipeline *fake);

#endif
