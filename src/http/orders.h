// SPDX-License-Identifier: Apache-2.0
// Orders: several images asked for at once, made one after another while nobody waits; what the API
// calls jobs.
//
// In: a request and a number. Out: images in the dataset, and the order's progress for whoever
// asks. One thread carries out one order at a time, so that orders never take more than one place
// in the pipeline's queue. Limits: 16 orders wait, the last 64 that have ended are remembered. Any
// thread.
#ifndef IFL_HTTP_ORDERS_H
#define IFL_HTTP_ORDERS_H

#include <jansson.h>

#include "inferloop/pipeline.h"

enum { IFL_ORDER_IMAGES_MAX = 64 };

struct ifl_order_request {
    char source[IFL_SOURCE_NAME_MAX];
    struct ifl_request request; // image i gets seed + i
    int count;                  // 1..IFL_ORDER_IMAGES_MAX
    double deadline_seconds;    // from when the first image is begun
};

struct ifl_orders;
enum ifl_result ifl_orders_create(struct ifl_pipeline *pipeline, struct ifl_orders **orders,
                                  struct ifl_error *error) IFL_CHECK_RESULT;
// Cancels what waits, waits for the image that is being made. Once.
void ifl_orders_stop(struct ifl_orders *orders);
void ifl_orders_destroy(struct ifl_orders *orders); // takes NULL; after stop

// `id` receives its name. IFL_ERR_BUSY: too many wait.
enum ifl_result ifl_orders_put(struct ifl_orders *orders, const struct ifl_order_request *request,
                               char id[24], struct ifl_error *error) IFL_CHECK_RESULT;
// As the API shows it; *known is false where there is no such order. NULL also: out of memory.
json_t *ifl_orders_show(struct ifl_orders *orders, const char *id, bool *known);
json_t *ifl_orders_list(struct ifl_orders *orders); // newest first
// The image that is being made is finished, the rest is not begun. An order that has ended stays as
// it is. False: there is no such order.
bool ifl_orders_cancel(struct ifl_orders *orders, const char *id);

#endif
