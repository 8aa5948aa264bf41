// SPDX-License-Identifier: Apache-2.0
// Less analysis before lost pictures: which frames of a channel are analysed, and how thoroughly,
// while its profile thread can't keep up.
//
// In: for each frame, when it was captured, when its analysis began and was done, and how many have
// come. Out: how to treat the next one. Lateness is the p95 of capture to done over a second,
// smoothed. While it is above the budget, or frames give way although all shall be analysed, it
// goes down a rung, and where frames are left out, their rate falls to 0.9 of it. In time, the rate
// rises by one frame a second and it climbs; onto a rung that measured service times say it could
// not keep, and onto one that it has just left, only after more patience. A decoder that is behind
// and falls back further takes it down too, but no further than where only key frames are decoded;
// while it catches up it stays. Pure arithmetic on times. One thread.
#ifndef IFL_PIPELINE_LADDER_H
#define IFL_PIPELINE_LADDER_H

#include <stdbool.h>
#include <stdint.h>

// name in enum, name for users, sentence
#define IFL_RUNGS(X)                                                                               \
    X(FULL, "full", "every frame; objects, memory and background of up to 10 a second")            \
    X(COARSE, "coarse",                                                                            \
      "every frame's statistics; objects, memory and background of every fourth")                  \
    X(THINNED, "thinned", "some frames, all of each")                                              \
    X(KEY, "key",                                                                                  \
      "one frame a second, all of it; only key frames are decoded where they are frequent")        \
    X(HEALTH, "health", "one frame a second, and of that only what camera and statistics say")
enum ifl_rung {
#define IFL_RUNG_ENUM(name, text, sentence) IFL_RUNG_##name,
    IFL_RUNGS(IFL_RUNG_ENUM)
#undef IFL_RUNG_ENUM
        IFL_RUNG_COUNT
};
const char *ifl_rung_name(enum ifl_rung rung);
const char *ifl_rung_sentence(enum ifl_rung rung);

enum ifl_depth { IFL_DEPTH_NONE, IFL_DEPTH_LIGHT, IFL_DEPTH_FULL };

enum { IFL_LADDER_SAMPLES = 128 }; // of one second

struct ifl_ladder { // zero-initialised
    enum ifl_rung rung;
    bool rose;              // came to it from below
    double rate;            // frames/s analysed where some are left out
    double arrival;         // frames/s that come
    double late_s;          // smoothed p95
    double full_s, light_s; // service time of a frame, smoothed
    double patience;        // seconds in time before it climbs
    double behind_s, busy;  // what was last said of the decoder
    double behind_before_s; // the second before
    double fell_behind_s;   // how far the decoder was when that took it down; 0: analysis did
    int good, bad;          // seconds in a row
    int64_t second_ns, next_ns, climbed_ns; // begin of this second; next frame wanted
    uint64_t turn;
    uint64_t received; // until this second began
    int noted, samples;
    float sample[IFL_LADDER_SAMPLES];
    // Shares of the frames of the last minute or so, smoothed.
    double analysed, complete;
    double seconds; // behind these; 0: none yet
    int analysed_now, complete_now;
};

// How far the decoder is behind (seconds; 0: in time), and its share of the time, 0..1. Say it
// before the frame is noted.
void ifl_ladder_decoder(struct ifl_ladder *ladder, double behind_s, double busy);
// How to treat a frame that was captured then.
enum ifl_depth ifl_ladder_depth(struct ifl_ladder *ladder, int64_t captured_ns);
// The frame is done, or (NONE) has been left out. `received`: frames that have come in all, those
// that gave way in a full queue among them. True once a second, when the rung may have changed.
bool ifl_ladder_note(struct ifl_ladder *ladder, enum ifl_depth depth, uint64_t received,
                     int64_t captured_ns, int64_t begun_ns, int64_t done_ns);
// The most that frames may be late, seconds.
double ifl_ladder_budget(const struct ifl_ladder *ladder);

#endif
