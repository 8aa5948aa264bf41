// SPDX-License-Identifier: Apache-2.0
// The HTTP interface: the page, the REST API, live streams, metrics, health.
//
// In: a pipeline and requests. Out: answers. Two event threads serve all connections and never
// wait: a stream's pictures are encoded once by a thread per watched stream, and what may take long
// (generating) is done by two job threads while the connection sleeps. Limits: 512 connections, 320
// stream clients, 16 waiting jobs, 64 KiB a request body, 32 KiB of headers, 15 s without progress;
// more is refused with the reason. Where other machines reach it, a key is needed, and each address
// has at most 600 requests a minute and 64 connections.
#ifndef IFL_HTTP_SERVER_H
#define IFL_HTTP_SERVER_H

#include "inferloop/pipeline.h"

struct ifl_http_config {
    // "127.0.0.1:8000", "localhost:8000", "[::1]:8000", "0.0.0.0:8000", ":8000" (as 127.0.0.1).
    // Port 0: any free one.
    const char *listen;
    // NULL-terminated names (without port) by which clients may call this server besides loopback
    // names and the address it listens on; NULL: none.
    const char *const *hosts;
    bool require_key;       // on loopback too; anything else needs a key always
    const char *key_folder; // of read.key and write.key, made where missing; NULL or "": none
    const char *tls_certificate, *tls_key;            // PEM files; NULL or "": plain HTTP
    int requests_per_minute, connections_per_address; // 0: 600 and 64; on loopback no limit
};

struct ifl_http;

// The pipeline must outlive the server. IFL_ERR_IN_USE, IFL_ERR_INVALID, ... name the address.
enum ifl_result ifl_http_start(struct ifl_pipeline *pipeline, const struct ifl_http_config *config,
                               struct ifl_http **http, struct ifl_error *error) IFL_CHECK_RESULT;
int ifl_http_port(const struct ifl_http *http);
bool ifl_http_needs_key(const struct ifl_http *http);

// Ends all connections, then frees. A generate call that is running is waited for: to be quick call
// ifl_pipeline_stop first, which ends it. Takes NULL.
void ifl_http_stop(struct ifl_http *http);

#endif
