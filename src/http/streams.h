// SPDX-License-Identifier: Apache-2.0
// Live streams: multipart/x-mixed-replace of JPEG pictures.
//
// In: frames and images of the pipeline. Out: the newest picture to each client, at its own pace:
// a client that reads slowly skips pictures, one that does not read at all is cut off by the
// server's time-out, and neither holds up anybody. One thread per watched stream encodes each
// picture once for all its clients; it ends a moment after the last has gone.
#ifndef IFL_HTTP_STREAMS_H
#define IFL_HTTP_STREAMS_H

#include <microhttpd.h>

#include "http/counters.h"
#include "inferloop/pipeline.h"

enum {
    IFL_STREAM_CLIENTS_MAX = 320,
    IFL_STREAM_WIDTH_MAX = 640, // pixels
    IFL_STREAM_RATE_MAX = 25,   // pictures/s
    IFL_STREAM_QUALITY = 80,
};

enum ifl_stream_kind { IFL_STREAM_SOURCE, IFL_STREAM_SYNTHETIC };

struct ifl_streams;
struct ifl_streams *ifl_streams_create(struct ifl_pipeline *pipeline,
                                       struct ifl_http_counters *counters); // NULL: out of memory
// Wakes and ends all clients and refuses new ones; before the daemon stops.
void ifl_streams_stop(struct ifl_streams *streams);
void ifl_streams_destroy(struct ifl_streams *streams); // takes NULL; after the daemon has stopped

// A new client's answer, to be queued on this connection at once. `source` "" means all sources
// (synthetic only). IFL_ERR_BUSY: too many clients.
enum ifl_result ifl_streams_open(struct ifl_streams *streams, enum ifl_stream_kind kind,
                                 const char *source, struct MHD_Connection *connection,
                                 struct MHD_Response **response,
                                 struct ifl_error *error) IFL_CHECK_RESULT;

#endif
