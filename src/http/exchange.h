// SPDX-License-Identifier: Apache-2.0
// One request and its answer, and the services that handlers may use.
//
// In: what libmicrohttpd read of a request. Out: exactly one answer. An exchange belongs to the
// event thread of its connection; while the connection is suspended, to the job that has it.
#ifndef IFL_HTTP_EXCHANGE_H
#define IFL_HTTP_EXCHANGE_H

#include <jansson.h>
#include <microhttpd.h>

#include "inferloop/pipeline.h"

struct ifl_route;
struct ifl_streams;
struct ifl_events;
struct ifl_jobs;
struct ifl_job;
struct ifl_orders;
struct ifl_http_counters;
struct ifl_access;
struct ifl_rate;

enum {
    IFL_BODY_MAX = 64 * 1024, // bytes of a request's body
};

struct ifl_services {
    struct ifl_pipeline *pipeline;
    struct ifl_streams *streams;
    struct ifl_events *events;
    struct ifl_jobs *jobs;
    struct ifl_orders *orders;
    struct ifl_http_counters *counters;
    struct ifl_access *access; // NULL: no key is needed
    struct ifl_rate *rate;     // NULL: any rate
    bool secure;               // the connection is TLS
};

struct ifl_exchange {
    const struct ifl_services *services;
    struct MHD_Connection *connection;
    const struct ifl_route *route;
    char name[256]; // what stood in the path for {name}
    bool head;      // HEAD: nobody reads the body of the answer
    char *body;
    size_t body_bytes;
    bool too_large;
    bool admitted;       // rate and key were looked at; a connection that slept comes back
    struct ifl_job *job; // begun for this exchange, freed with it
};

// A request header's value, or NULL.
const char *ifl_exchange_header(const struct ifl_exchange *exchange, const char *name);

// ---- the answer: each queues it and returns what the access handler shall return ----

// Takes `value`; NULL answers that memory is short.
enum MHD_Result ifl_reply_json(struct ifl_exchange *exchange, unsigned status, json_t *value);
// The same with the header Location.
enum MHD_Result ifl_reply_json_at(struct ifl_exchange *exchange, unsigned status,
                                  const char *location, json_t *value);
// Takes `bytes` (from malloc).
enum MHD_Result ifl_reply_bytes(struct ifl_exchange *exchange, unsigned status, const char *type,
                                uint8_t *bytes, size_t count);
// Adds the headers that every answer has, and drops `response`; NULL answers that memory is short.
enum MHD_Result ifl_reply(struct ifl_exchange *exchange, unsigned status,
                          struct MHD_Response *response);

// Errors: {"error": {"code", "message", "details"}} with the status of the error table; `status` 0
// takes it from there. `details` (taken, may be NULL) names the field or parameter.
enum MHD_Result ifl_reply_error(struct ifl_exchange *exchange, const struct ifl_error *error,
                                json_t *details);
enum MHD_Result ifl_reply_fail(struct ifl_exchange *exchange, unsigned status,
                               enum ifl_result result, json_t *details, const char *format, ...)
    IFL_PRINTF(5, 6);
struct MHD_Response *ifl_error_response(enum ifl_result result, const char *text, json_t *details);

// A JSON string of any bytes: what is no UTF-8 becomes '?'.
json_t *ifl_json_text(const char *text);
// The same, and of each absolute path only the last part: what others wrote for the person at the
// machine may name folders, which is nobody else's business. URLs stay.
json_t *ifl_json_public(const char *text);
// null where the number is not finite.
json_t *ifl_json_number(double value);
json_t *ifl_json_count(uint64_t value);

#endif
