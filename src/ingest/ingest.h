// SPDX-License-Identifier: Apache-2.0
// Ingest: one thread per source that opens it, reads, paces, and makes canonical frames.
//
// In: frames of a source, in any format. Out: canonical frames (full range BT.601 YUV 4:2:0,
// cropped, scaled, masked; see inferloop/frame.h) pushed into `out`. The edge `in` (depth 0) counts
// what the source delivered; what a decoder could not make a picture of is dropped there. A live
// source that ends or fails is opened again as ingest/link.h says, its numbers and times going on;
// a file without loop ends for good, as does one that can't be opened (state broken). Secrets in
// its URI (core/secrets.h) are read anew at each connection; one that was refused is tried again as
// soon as it has changed. Each change of state is a log line (ingest.open, .live, .stalled,
// .unauthorized, .broken, .end) and begins or clears an incident. Masked regions are blanked before
// anything else can see them.
#ifndef IFL_INGEST_INGEST_H
#define IFL_INGEST_INGEST_H

#include "base/clock.h"
#include "core/flow.h"
#include "core/journal.h"
#include "inferloop/pipeline.h" // enum ifl_source_state
#include "inferloop/source.h"
#include "ingest/lag.h"

enum { IFL_MASKS_MAX = 16 };

struct ifl_rectangle {
    double x, y, width, height; // in 0..1 of the picture
};

struct ifl_ingest_config {
    const struct ifl_source_plugin *plugin;
    struct ifl_source_config source; // strings are copied
    bool realtime;                   // pace files by their timestamps, as a camera would
    double rate_max;                 // frames/s passed on; 0: all. The rest is dropped as RATE
    int width, height;         // scale to this size; both 0: the source's own; one 0: by aspect
    struct ifl_rectangle crop; // all 0: the whole picture
    struct ifl_rectangle mask[IFL_MASKS_MAX]; // of the whole picture, also where it is cropped
    int masks;
    struct ifl_edge *in;  // source -> ingest, depth 0; outlives the ingest
    struct ifl_edge *out; // ingest -> profile; outlives the ingest; closed by ingest at the end
    const struct ifl_clock
        *clock;                  // stamps and paces; deadlines always are real time. NULL: the real
    struct ifl_journal *journal; // of incidents; outlives the ingest; NULL: none
};

struct ifl_ingest_status {
    enum ifl_source_state state;
    struct ifl_error last_error; // why it is not live
    int64_t state_since_ns;
    int64_t next_attempt_ns; // when it is tried again; -1: not waiting for that
    bool breaker_open;
    int64_t last_frame_ns; // the last good one; monotonic; -1 before the first
    double rate;           // good frames/s that came over the last seconds
    double lag_seconds;    // pictures of a live source are behind, see ingest/lag.h; NAN: not known
    double busy_share;     // of the last second, its reads did not wait for data; NAN: not known
    uint64_t frames, loops, reconnects; // frames: passed on
    struct ifl_source_info info;
    bool finished; // ended for good
};

struct ifl_ingest;
enum ifl_result ifl_ingest_create(const struct ifl_ingest_config *config,
                                  struct ifl_ingest **ingest,
                                  struct ifl_error *error) IFL_CHECK_RESULT;
enum ifl_result ifl_ingest_start(struct ifl_ingest *ingest,
                                 struct ifl_error *error) IFL_CHECK_RESULT;
// Interrupts the source, ends the thread, closes `out` (keeping what waits). Any thread, once.
void ifl_ingest_stop(struct ifl_ingest *ingest);
void ifl_ingest_destroy(struct ifl_ingest *ingest); // takes NULL; after stop
// Notices a stall while the thread waits for a picture; call it now and then. Any thread.
void ifl_ingest_look(struct ifl_ingest *ingest);
// Asks the source to decode key frames only, or all again; what it leaves out is dropped as LOAD in
// `in`, and for state and rate has come. Any thread.
void ifl_ingest_keys_only(struct ifl_ingest *ingest, bool wanted);
// How far decoding is behind, of the connection that there is. Any thread.
void ifl_ingest_lag(struct ifl_ingest *ingest, struct ifl_lag *lag);
// Ends a wait for the next attempt now: the reason to wait may be gone. Any thread.
void ifl_ingest_retry(struct ifl_ingest *ingest);
// The URI as configured, with places for secrets, and whether it is live. Any thread.
const char *ifl_ingest_uri(const struct ifl_ingest *ingest);
bool ifl_ingest_live(const struct ifl_ingest *ingest);
void ifl_ingest_status(struct ifl_ingest *ingest, struct ifl_ingest_status *status);

// The newest canonical frame if it is another one than *serial (0: any), waiting at most wait_ns;
// NULL if none came, at once when the source has ended. The caller unrefs it. Any thread.
struct ifl_frame *ifl_ingest_newest(struct ifl_ingest *ingest, uint64_t *serial, int64_t wait_ns);

// Makes a canonical frame of any frame; what the thread does to each. For one-shot uses. *out is
// the caller's. Allocates from the ingest's pool.
enum ifl_result ifl_ingest_canonical(struct ifl_ingest *ingest, struct ifl_frame *raw,
                                     struct ifl_frame **out,
                                     struct ifl_error *error) IFL_CHECK_RESULT;

#endif
