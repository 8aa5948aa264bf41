// SPDX-License-Identifier: Apache-2.0
// How far the decoding of a live stream is behind what its camera sends: pure arithmetic on times,
// so that it is tested without waiting. One connection's; zero-initialised.
//
// In: a timestamp and the clock for each picture, and now and then how long reads have waited for
// data. Out: seconds. What the clock is ahead of the timestamps holds the network's delay and a
// constant that nobody knows; its least so far is the zero, as in a jitter buffer, so that a burst
// at the start is no lag. It is forgotten by a thousandth of the time, ten times what cameras'
// clocks are off by. Lag is only ours while reads find data without waiting: else it is the
// network's, or timestamps that run slower than pictures come. Of a stream without timestamps of
// its own nobody knows how old a picture is: that reads have hardly waited for several seconds is
// called lag, so long as that has lasted, which is the most it can be.
#ifndef IFL_INGEST_LAG_H
#define IFL_INGEST_LAG_H

#include <stdbool.h>
#include <stdint.h>

struct ifl_lag {
    bool begun;                   // a picture with a timestamp has come
    int64_t least_ns, taken_ns;   // the least that the clock was ahead; when the last one came
    int64_t lag_ns;               // above that least
    bool looked;                  // the next two are set
    int64_t looked_ns, waited_ns; // when it was last looked at, and the waiting until then
    bool known;                   // the next one is set
    double busy;                  // share of the time since that reads did not wait, 0..1
    double full_s;                // for how long they have hardly waited, until the last look
};

// Only pictures that the source stamped: those with the time of their arrival are never late.
void ifl_lag_picture(struct ifl_lag *lag, int64_t pts_ns, int64_t now_ns);
// Whether a second has passed since the last look.
bool ifl_lag_due(const struct ifl_lag *lag, int64_t now_ns);
// `waited_ns`: since the connection began; 0: not known, then no lag is called ours.
void ifl_lag_look(struct ifl_lag *lag, int64_t waited_ns, int64_t now_ns);
// Seconds that we are behind, at least 1 (without timestamps at most so much, and at least 3); 0:
// in time, or not by our fault.
double ifl_lag_behind(const struct ifl_lag *lag);

#endif
