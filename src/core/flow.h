// SPDX-License-Identifier: Apache-2.0
// The pipeline's edges and its ledger of images: every packet is accounted for.
//
// An edge joins two stages. What enters it is at any moment either waiting, being worked on, passed
// on, or dropped with a reason; each is counted on its own, so that the first law
//     received = passed + sum(dropped) + waiting + busy
// is an invariant that a test can break, not a definition. The ledger does the same for images:
//     requested = delivered + rejected + failed + in flight.
// Both are read as one consistent snapshot. Any thread.
#ifndef IFL_CORE_FLOW_H
#define IFL_CORE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "inferloop/error.h"

// Why a packet went no further: name in enum, label value, sentence.
#define IFL_DROPS(X)                                                                               \
    X(QUEUE_FULL, "queue_full", "the next stage was slower; the oldest gave way")                  \
    X(DECODE, "decode_error", "the decoder could not make a picture of it")                        \
    X(FORMAT, "format", "a size or format that is not supported")                                  \
    X(RATE, "rate_limit", "more pictures a second than were asked for")                            \
    X(REJECTED, "rejected", "validation rejected it; another seed was tried")                      \
    X(ERROR, "error", "the stage failed on it; see the log")                                       \
    X(LOAD, "load", "left out to keep up; see the rung of its source")                             \
    X(CAMERA, "camera", "it does not show the scene: black, covered, frozen, ...; see incidents")  \
    X(STOPPING, "stopping", "the pipeline was stopping")
enum ifl_drop {
#define IFL_DROP_ENUM(name, text, sentence) IFL_DROP_##name,
    IFL_DROPS(IFL_DROP_ENUM)
#undef IFL_DROP_ENUM
        IFL_DROP_COUNT
};
const char *ifl_drop_name(enum ifl_drop drop);

enum ifl_policy {
    IFL_POLICY_BLOCK,       // files, folders: nothing may be lost
    IFL_POLICY_DROP_OLDEST, // live: the newest counts
    IFL_POLICY_REJECT,      // requests: IFL_ERR_BUSY
};

struct ifl_edge_counts {
    uint64_t received, passed, dropped[IFL_DROP_COUNT];
    uint64_t waiting, busy; // together: in flight
};

struct ifl_edge_config {
    const char *from, *to; // literals: "ingest", "profile"
    const char *source;    // "" where the edge belongs to no source; copied
    int depth;             // packets that may wait; 0 for an edge without queue (enter/leave only)
    enum ifl_policy policy;
    void (*release)(void *packet); // for packets dropped while they wait
};

struct ifl_edge;
struct ifl_edge *ifl_edge_create(const struct ifl_edge_config *config); // NULL: out of memory
void ifl_edge_destroy(struct ifl_edge *edge); // takes NULL; releases what waits
const char *ifl_edge_from(const struct ifl_edge *edge);
const char *ifl_edge_to(const struct ifl_edge *edge);
const char *ifl_edge_source(const struct ifl_edge *edge);

// Gives the packet away when IFL_OK. With BLOCK waits for room. IFL_ERR_BUSY (REJECT and full; not
// counted as received) and IFL_END (closed): the packet stays the caller's.
enum ifl_result ifl_edge_push(struct ifl_edge *edge, void *packet);
// Waits until `deadline_ns` of the real monotonic clock (INT64_MAX: for ever). IFL_OK: *packet is
// the caller's and busy until ifl_edge_leave. IFL_AGAIN: the deadline. IFL_END: closed and empty.
enum ifl_result ifl_edge_pop(struct ifl_edge *edge, void **packet, int64_t deadline_ns);
// For edges without a queue: a packet came in and is busy.
void ifl_edge_enter(struct ifl_edge *edge);
// The busy packet's end: passed on, or dropped for a reason.
void ifl_edge_pass(struct ifl_edge *edge);
void ifl_edge_drop(struct ifl_edge *edge, enum ifl_drop reason);
// No more pushes; what waits is dropped as STOPPING if `discard`, else still handed out.
void ifl_edge_close(struct ifl_edge *edge, bool discard);

void ifl_edge_count(struct ifl_edge *edge, struct ifl_edge_counts *counts);
bool ifl_edge_law_holds(const struct ifl_edge_counts *counts);

enum ifl_outcome { IFL_OUTCOME_DELIVERED, IFL_OUTCOME_REJECTED, IFL_OUTCOME_FAILED };
enum { IFL_LEDGER_REASONS = 16 };

struct ifl_ledger_counts {
    uint64_t requested, delivered, rejected, failed, in_flight;
    uint64_t rejected_by[IFL_LEDGER_REASONS]; // attempts, by enum ifl_rejection
};

struct ifl_ledger; // one for all images
struct ifl_ledger *ifl_ledger_create(void);
void ifl_ledger_destroy(struct ifl_ledger *ledger);
void ifl_ledger_request(struct ifl_ledger *ledger);
// Pushes a request into an edge of policy REJECT and counts it in one step: a refused one was never
// requested. Returns what ifl_edge_push returns.
enum ifl_result ifl_ledger_push(struct ifl_ledger *ledger, struct ifl_edge *edge, void *request);
void ifl_ledger_attempt_rejected(struct ifl_ledger *ledger, int reason);
void ifl_ledger_finish(struct ifl_ledger *ledger, enum ifl_outcome outcome);
void ifl_ledger_count(struct ifl_ledger *ledger, struct ifl_ledger_counts *counts);
bool ifl_ledger_law_holds(const struct ifl_ledger_counts *counts);

#endif
