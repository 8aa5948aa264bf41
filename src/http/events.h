// SPDX-License-Identifier: Apache-2.0
// Server-sent events: what the page needs to be live without asking.
//
// In: the pipeline, looked at a few times a second. Out: events to each client:
//   status   {"status", "sources"}, twice a second: the documents of the API
//   image    the record of each delivered image
//   profile  {"source", "point"}, when a source has published a new profile
//   incident each that begins, changes or clears, as /api/v1/incidents/{id} shows it
// Each event is written once for all clients. A client that reads slowly gets the newest status and
// skips to the newest event when it lags by more than IFL_EVENTS_KEPT; one that does not read at
// all is cut off by the server's time-out. One thread, which sleeps while nobody listens.
#ifndef IFL_HTTP_EVENTS_H
#define IFL_HTTP_EVENTS_H

#include <microhttpd.h>

#include "http/counters.h"
#include "inferloop/pipeline.h"

enum {
    IFL_EVENT_CLIENTS_MAX = 320,
    IFL_EVENTS_KEPT = 64,
};

struct ifl_events;
enum ifl_result ifl_events_create(struct ifl_pipeline *pipeline, struct ifl_http_counters *counters,
                                  struct ifl_events **events,
                                  struct ifl_error *error) IFL_CHECK_RESULT;
// Wakes and ends all clients and refuses new ones; before the daemon stops.
void ifl_events_stop(struct ifl_events *events);
void ifl_events_destroy(struct ifl_events *events); // takes NULL; after the daemon has stopped

// A new client's answer, to be queued on this connection at once. IFL_ERR_BUSY: too many clients.
enum ifl_result ifl_events_open(struct ifl_events *events, struct MHD_Connection *connection,
                                struct MHD_Response **response,
                                struct ifl_error *error) IFL_CHECK_RESULT;

#endif
