// SPDX-License-Identifier: Apache-2.0
// The one table of options. A row gives the field of `struct ifl_config`, the flag, the environment
// variable, the YAML key, its check, its documentation, and whether HTTP may see or set it.
//
// Layers, later ones win: default, config file, environment, command line. A config belongs to one
// thread until it is handed on; then it is read only.
#ifndef IFL_CORE_OPTIONS_H
#define IFL_CORE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "inferloop/generate.h"
#include "inferloop/pipeline.h"

enum { IFL_LIST_MAX = 64 };

struct ifl_list {
    int count;
    char *item[IFL_LIST_MAX];
};
struct ifl_size_option {
    int width, height;
};
struct ifl_privacy_option {
    enum ifl_privacy privacy;
    int k;
};

// The C type of each kind of option.
#define IFL_CTYPE_TEXT    char *
#define IFL_CTYPE_LIST    struct ifl_list
#define IFL_CTYPE_NUMBER  double
#define IFL_CTYPE_INTEGER int
#define IFL_CTYPE_SEED    uint64_t
#define IFL_CTYPE_SWITCH  bool
#define IFL_CTYPE_CHOICE  int
#define IFL_CTYPE_SIZE    struct ifl_size_option
#define IFL_CTYPE_PRIVACY struct ifl_privacy_option

enum ifl_option_type {
    IFL_OPTION_TEXT,    // at most `greatest` bytes, 4095 where that is 0
    IFL_OPTION_LIST,    // may be given several times; "" empties it
    IFL_OPTION_NUMBER,  // from least to greatest; "" is unset where the default is
    IFL_OPTION_INTEGER, // likewise
    IFL_OPTION_SEED,    // 0 to 2^63-1
    IFL_OPTION_SWITCH,  // yes or no
    IFL_OPTION_CHOICE,  // one of `choices`; its index
    IFL_OPTION_SIZE,    // WIDTHxHEIGHT; "" is 0 x 0
    IFL_OPTION_PRIVACY, // MODE or MODE:K
};

// Which commands take it.
enum {
    IFL_FOR_RUN = 1,
    IFL_FOR_PROFILE = 2,
    IFL_FOR_GENERATE = 4,
    IFL_FOR_VALIDATE = 8,
    IFL_FOR_PROBE = 16,
    IFL_FOR_ERASE = 32,
    IFL_FOR_REPLAY = 64,
    IFL_FOR_ALL = 1023,
    IFL_FOR_INPUT = IFL_FOR_RUN | IFL_FOR_PROFILE | IFL_FOR_PROBE,
    IFL_FOR_MAKING = IFL_FOR_RUN | IFL_FOR_GENERATE,
};
// What HTTP may do with it. Paths, plug-ins and secrets: nothing.
// SET: see it, and change it while the pipeline runs.
enum { IFL_HTTP_NOTHING = 0, IFL_HTTP_SEE = 1, IFL_HTTP_SET = 2 };

// type, field, name, short flag, least, greatest, choices, default, other environment variable,
// commands, HTTP, unit, help. NAN as a default is written "" for numbers.
#define IFL_OPTIONS(X)                                                                             \
    X(LIST, source, "source", 0, 0, 0, NULL, "", "SOURCE_URL", IFL_FOR_RUN | IFL_FOR_ERASE,        \
      IFL_HTTP_NOTHING, "URI",                                                                     \
      "where frames come from: a file, webcam[:/dev/videoN], rtsp://..., http://..., "             \
      "folder:PATH, pipe:, pattern; NAME=URI names it; ${NAME} and ${file:PATH} stand for "        \
      "secrets; - reads it from standard input, passwords are not taken as an argument; erase: "   \
      "the name of one")                                                                           \
    X(CHOICE, source_type, "source-type", 0, 0, 0,                                                 \
      "auto|webcam|drone|edge_camera|folder|file|pattern", "auto", "SOURCE_TYPE", IFL_FOR_RUN,     \
      IFL_HTTP_SEE, "", "what a source without scheme is; webcam and pattern need no URI")         \
    X(NUMBER, profile_interval, "profile-interval", 0, 0.1, 86400, NULL, "10", "PROFILE_INTERVAL", \
      IFL_FOR_RUN, IFL_HTTP_SET, "s", "how often a new profile is published")                      \
    X(NUMBER, generate_interval, "generate-interval", 0, 0.01, 86400, NULL, "5",                   \
      "GENERATE_INTERVAL", IFL_FOR_RUN, IFL_HTTP_SET, "s",                                         \
      "how often each source gets a new synthetic image")                                          \
    X(TEXT, engine, "engine", 0, 0, 0, NULL, "analytic", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE, "",   \
      "the generator")                                                                             \
    X(PRIVACY, privacy, "privacy", 0, 0, 0, NULL, "deidentify:3", NULL,                            \
      IFL_FOR_MAKING | IFL_FOR_VALIDATE, IFL_HTTP_SET, "",                                         \
      "verbatim, deidentify[:K] or k-anonymous[:K]; K is 3 unless given")                          \
    X(TEXT, output, "output", 'o', 0, 0, NULL, "", NULL, IFL_FOR_MAKING | IFL_FOR_PROFILE,         \
      IFL_HTTP_NOTHING, "PATH",                                                                    \
      "run, generate: folder of the dataset (default /app/data/dataset if /app/data exists, else " \
      "data/dataset); profile: the file to write")                                                 \
    X(TEXT, state_dir, "state-dir", 0, 0, 0, NULL, "", NULL,                                       \
      IFL_FOR_RUN | IFL_FOR_ERASE | IFL_FOR_PROFILE, IFL_HTTP_NOTHING, "PATH",                     \
      "folder where profiles survive a restart; they contain pictures; \"none\" keeps nothing "    \
      "(default: state beside the dataset)")                                                       \
    X(TEXT, listen, "listen", 0, 0, 0, NULL, "127.0.0.1:8000", NULL, IFL_FOR_RUN,                  \
      IFL_HTTP_NOTHING, "ADDR:PORT",                                                               \
      "address of page, API and metrics; port 0 picks a free one; "                                \
      "\"none\" switches HTTP off")                                                                \
    X(LIST, host, "host", 0, 0, 0, NULL, "", NULL, IFL_FOR_RUN, IFL_HTTP_NOTHING, "NAME",          \
      "a name by which clients may call this server besides localhost and its address")            \
    X(SWITCH, require_key, "require-key", 0, 0, 0, NULL, "no", NULL, IFL_FOR_RUN,                  \
      IFL_HTTP_NOTHING, "", "ask for a key on loopback too; other addresses always need one")      \
    X(TEXT, key_dir, "key-dir", 0, 0, 0, NULL, "", NULL, IFL_FOR_RUN, IFL_HTTP_NOTHING, "PATH",    \
      "folder of read.key and write.key, made where they are missing (default: the state folder)") \
    X(TEXT, tls_cert, "tls-cert", 0, 0, 0, NULL, "", NULL, IFL_FOR_RUN, IFL_HTTP_NOTHING, "FILE",  \
      "PEM file of the certificate and its chain: serves HTTPS instead of HTTP")                   \
    X(TEXT, tls_key, "tls-key", 0, 0, 0, NULL, "", NULL, IFL_FOR_RUN, IFL_HTTP_NOTHING, "FILE",    \
      "PEM file of the certificate's private key")                                                 \
    X(INTEGER, requests_per_minute, "requests-per-minute", 0, 0, 1e6, NULL, "0", NULL,             \
      IFL_FOR_RUN, IFL_HTTP_SEE, "",                                                               \
      "of one client address, streams not counted; 0: 600, on loopback no limit")                  \
    X(INTEGER, connections_per_address, "connections-per-address", 0, 0, 512, NULL, "0", NULL,     \
      IFL_FOR_RUN, IFL_HTTP_SEE, "", "open at the same time; 0: 64, on loopback no limit")         \
    X(NUMBER, retention, "retention", 0, 0, 1e6, NULL, "0", NULL, IFL_FOR_RUN, IFL_HTTP_SEE, "h",  \
      "pictures older than this leave the profile memory and the state folder; 0: kept until "     \
      "newer ones take their place")                                                               \
    X(NUMBER, duration, "duration", 0, 0, 1e9, NULL, "0", NULL, IFL_FOR_RUN | IFL_FOR_PROFILE,     \
      IFL_HTTP_SEE, "s", "stop after this time; 0: when the sources end")                          \
    X(SEED, seed, "seed", 0, 0, 0, NULL, "0", NULL, IFL_FOR_MAKING | IFL_FOR_PROFILE,              \
      IFL_HTTP_SEE, "", "start of all randomness")                                                 \
    X(INTEGER, threads, "threads", 0, 1, 64, NULL, "1", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE, "",    \
      "images made at the same time; does not change their bytes")                                 \
    X(TEXT, config, "config", 0, 0, 0, NULL, "", NULL, IFL_FOR_ALL, IFL_HTTP_NOTHING, "FILE",      \
      "a YAML file with any of these options")                                                     \
    X(SIZE, size, "size", 0, 32, 1024, NULL, "", NULL, IFL_FOR_MAKING | IFL_FOR_PROFILE,           \
      IFL_HTTP_SEE, "pixels",                                                                      \
      "size of synthetic images; run, profile: also the memory's class (default: about 256x144 "   \
      "pixels in the stream's aspect)")                                                            \
    X(TEXT, prompt, "prompt", 0, 0, IFL_PROMPT_MAX - 1, NULL, "", NULL, IFL_FOR_MAKING,            \
      IFL_HTTP_SET, "",                                                                            \
      "words that change images, as listed in docs/prompts.md; - reads standard input")            \
    X(NUMBER, guidance_scale, "guidance-scale", 0, 0, 20, NULL, "7.5", NULL, IFL_FOR_MAKING,       \
      IFL_HTTP_SET, "", "strength of the prompt; 7.5 as listed, 0 not at all")                     \
    X(NUMBER, brightness, "brightness", 0, 0, 1, NULL, "", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE,     \
      "1", "target of brightness_mean; unset: as the stream")                                      \
    X(NUMBER, contrast, "contrast", 0, 0, 1, NULL, "", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE, "1",    \
      "target of contrast_mean; unset: as the stream")                                             \
    X(NUMBER, saturation, "saturation", 0, 0, 1, NULL, "", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE,     \
      "1", "target of saturation_mean; unset: as the stream")                                      \
    X(NUMBER, color_temperature, "color-temperature", 0, 1500, 20000, NULL, "", NULL,              \
      IFL_FOR_MAKING, IFL_HTTP_SEE, "K", "target of color_temperature; unset: as the stream")      \
    X(NUMBER, sharpness, "sharpness", 0, 0, 65025, NULL, "", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE,   \
      "grey^2", "target of laplacian_variance; unset: as the stream")                              \
    X(NUMBER, haze, "haze", 0, 0, 1, NULL, "", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE, "1",            \
      "target of dark_channel; unset: as the stream")                                              \
    X(NUMBER, noise, "noise", 0, 0, 100, NULL, "", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE, "grey",     \
      "target of noise_sigma; unset: as the stream")                                               \
    X(NUMBER, occupancy, "occupancy", 0, 0, 1, NULL, "", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE, "1",  \
      "target of the share of the picture that is foreground, on average; unset: as the stream")   \
    X(LIST, adapt, "adapt", 0, 0, 0, NULL, "", NULL, IFL_FOR_RUN, IFL_HTTP_SET, "RULE",            \
      "changes what the images of each interval are asked for by what the profile is like: "       \
      "CONDITION => SETTING = VALUE, see docs/adaptation.md")                                      \
    X(INTEGER, count, "count", 'n', 1, 1000000, NULL, "1", NULL, IFL_FOR_MAKING, IFL_HTTP_SET,     \
      "images", "generate: how many; run: how many at each interval")                              \
    X(INTEGER, attempts, "attempts", 0, 1, 100, NULL, "8", NULL, IFL_FOR_MAKING, IFL_HTTP_SEE, "", \
      "seeds tried before an image counts as rejected")                                            \
    X(CHOICE, unsuited, "unsuited", 0, 0, 0, "refuse|make", "refuse", NULL, IFL_FOR_MAKING,        \
      IFL_HTTP_SET, "",                                                                            \
      "streams that the engine does not suit (moving cameras, photographs): refuse them, or make " \
      "smeared images")                                                                            \
    X(CHOICE, format, "format", 0, 0, 0, "png|jpeg|webp", "png", NULL, IFL_FOR_MAKING,             \
      IFL_HTTP_SEE, "", "format of delivered images")                                              \
    X(INTEGER, quality, "quality", 0, 1, 100, NULL, "92", NULL, IFL_FOR_MAKING | IFL_FOR_REPLAY,   \
      IFL_HTTP_SEE, "", "of JPEG and WebP; 100: lossless WebP")                                    \
    X(SWITCH, loop, "loop", 0, 0, 0, NULL, "no", NULL, IFL_FOR_RUN, IFL_HTTP_SEE, "",              \
      "files and folders begin anew at their end")                                                 \
    X(SWITCH, realtime, "realtime", 0, 0, 0, NULL, "yes", NULL, IFL_FOR_RUN, IFL_HTTP_SEE, "",     \
      "play files at their own speed as a camera would; no: as fast as they decode")               \
    X(SWITCH, adaptive, "adaptive", 0, 0, 0, NULL, "yes", NULL, IFL_FOR_RUN, IFL_HTTP_SEE, "",     \
      "analyse less, then make smaller and fewer images, while there is no time for all; no: "     \
      "whole frames give way")                                                                     \
    X(NUMBER, rate_max, "rate-max", 0, 0, 1000, NULL, "0", NULL, IFL_FOR_RUN | IFL_FOR_PROFILE,    \
      IFL_HTTP_SEE, "frames/s", "analyse at most this many; 0: all")                               \
    X(LIST, mask, "mask", 0, 0, 0, NULL, "", NULL, IFL_FOR_RUN | IFL_FOR_PROFILE, IFL_HTTP_SEE,    \
      "X,Y,W,H",                                                                                   \
      "a region, in shares 0..1 of the picture, that is blanked before anything sees it")          \
    X(TEXT, crop, "crop", 0, 0, 0, NULL, "", NULL, IFL_FOR_RUN | IFL_FOR_PROFILE, IFL_HTTP_SEE,    \
      "X,Y,W,H", "the part of the picture to use, in shares 0..1")                                 \
    X(INTEGER, memory_frames, "memory-frames", 0, 16, 256, NULL, "128", NULL,                      \
      IFL_FOR_RUN | IFL_FOR_PROFILE, IFL_HTTP_SEE, "frames", "frames the generator remembers")     \
    X(INTEGER, window_frames, "window-frames", 0, 8, 1000000, NULL, "3000", NULL,                  \
      IFL_FOR_RUN | IFL_FOR_PROFILE, IFL_HTTP_SEE, "frames", "frames the statistics are over")     \
    X(NUMBER, drift_false_alarms, "drift-false-alarms", 0, 0, 10000, NULL, "30", NULL,             \
      IFL_FOR_RUN, IFL_HTTP_SEE, "days",                                                           \
      "drift: on average at most one false alarm of a source in so many days; 0: drift is not "    \
      "watched")                                                                                   \
    X(NUMBER, drift_tolerance, "drift-tolerance", 0, 0.2, 10, NULL, "0.25", NULL, IFL_FOR_RUN,     \
      IFL_HTTP_SEE, "sigma", "drift: a smaller change of a measure's averages does not matter")    \
    X(NUMBER, drift_learn, "drift-learn", 0, 40, 2000, NULL, "600", NULL, IFL_FOR_RUN,             \
      IFL_HTTP_SEE, "s",                                                                           \
      "drift: how long at least a state is learned before others are told "                        \
      "from it")                                                                                   \
    X(CHOICE, drift_reference, "drift-reference", 0, 0, 0, "fixed|seasonal", "fixed", NULL,        \
      IFL_FOR_RUN, IFL_HTTP_SEE, "",                                                               \
      "drift: compare with what was learned, or with the same hour of the week")                   \
    X(NUMBER, open_timeout, "open-timeout", 0, 0.1, 600, NULL, "5", NULL, IFL_FOR_INPUT,           \
      IFL_HTTP_SEE, "s", "longest time to connect to a source")                                    \
    X(NUMBER, read_timeout, "read-timeout", 0, 0.1, 600, NULL, "5", NULL, IFL_FOR_INPUT,           \
      IFL_HTTP_SEE, "s", "longest time to wait for a frame")                                       \
    X(NUMBER, first_frame_timeout, "first-frame-timeout", 0, 0.1, 600, NULL, "10", NULL,           \
      IFL_FOR_INPUT, IFL_HTTP_SEE, "s",                                                            \
      "longest time from connecting to the first clean frame; half of it for cameras that never "  \
      "send a key frame")                                                                          \
    X(LIST, plugin, "plugin", 0, 0, 0, NULL, "", NULL, IFL_FOR_ALL, IFL_HTTP_NOTHING, "FILE",      \
      "a shared object with further sources, engines or sinks")                                    \
    X(TEXT, since, "since", 0, 0, 0, NULL, "", NULL, IFL_FOR_ERASE, IFL_HTTP_NOTHING, "TIME",      \
      "erase pictures from this time on, as 2024-05-31T14:30:00Z")                                 \
    X(TEXT, until, "until", 0, 0, 0, NULL, "", NULL, IFL_FOR_ERASE, IFL_HTTP_NOTHING, "TIME",      \
      "erase pictures before this time")                                                           \
    X(TEXT, profile, "profile", 0, 0, 0, NULL, "", NULL,                                           \
      IFL_FOR_GENERATE | IFL_FOR_VALIDATE | IFL_FOR_REPLAY, IFL_HTTP_NOTHING, "FILE",              \
      "the profile to generate from or to compare with")                                           \
    X(CHOICE, log_level, "log-level", 0, 0, 0, "debug|info|warning|error", "info", NULL,           \
      IFL_FOR_ALL, IFL_HTTP_SEE, "", "least level that is logged")                                 \
    X(CHOICE, log_format, "log-format", 0, 0, 0, "text|json", "text", NULL, IFL_FOR_ALL,           \
      IFL_HTTP_SEE, "", "log lines on standard error")                                             \
    X(SWITCH, json, "json", 0, 0, 0, NULL, "no", NULL, IFL_FOR_ALL, IFL_HTTP_NOTHING, "",          \
      "machine-readable output")

enum ifl_option {
#define IFL_OPTION_ENUM(type, field, ...) IFL_OPTION_ID_##field,
    IFL_OPTIONS(IFL_OPTION_ENUM)
#undef IFL_OPTION_ENUM
        IFL_OPTION_COUNT
};

enum ifl_origin {
    IFL_FROM_DEFAULT,
    IFL_FROM_FILE,
    IFL_FROM_ENVIRONMENT,
    IFL_FROM_FLAG,
    IFL_FROM_HTTP, // changed while it runs
};

// Fields named as in the table; units as in its row. Unset numbers are NAN, unset texts "".
struct ifl_config {
#define IFL_OPTION_FIELD(type, field, ...) IFL_CTYPE_##type field;
    IFL_OPTIONS(IFL_OPTION_FIELD)
#undef IFL_OPTION_FIELD
    enum ifl_origin origin[IFL_OPTION_COUNT];
};

struct ifl_option_row {
    const char *name;
    enum ifl_option_type type;
    size_t offset;
    char short_flag;
    double least, greatest;
    const char *choices, *default_text, *environment;
    unsigned commands, http;
    const char *unit, *help;
};
const struct ifl_option_row *ifl_option_row(int option);
// By name ("profile-interval"; '_' for '-' is accepted) or -1.
int ifl_option_find(const char *name, size_t length);

// Sets one option from text; a list grows, but begins anew when the layer changes.
enum ifl_result ifl_option_set(struct ifl_config *config, int option, const char *text,
                               enum ifl_origin origin, struct ifl_error *error) IFL_CHECK_RESULT;
// Its value as text that ifl_option_set would take (lists: item `index`). False: no such item.
bool ifl_option_text(const struct ifl_config *config, int option, int index, char *out,
                     size_t size);

struct ifl_config *ifl_config_copy(const struct ifl_config *config); // NULL: out of memory
enum ifl_result ifl_config_read_environment(struct ifl_config *config,
                                            struct ifl_error *error) IFL_CHECK_RESULT;
enum ifl_result ifl_config_read_file(struct ifl_config *config, const char *path,
                                     struct ifl_error *error) IFL_CHECK_RESULT;
// The same from memory; `path` is what errors call it.
enum ifl_result ifl_config_read_text(struct ifl_config *config, const char *path,
                                     const uint8_t *bytes, size_t count,
                                     struct ifl_error *error) IFL_CHECK_RESULT;

// "INFERLOOP_PROFILE_INTERVAL" of a row.
void ifl_option_variable(const struct ifl_option_row *row, char out[64]);
const char *ifl_origin_name(enum ifl_origin origin);

// "x,y,w,h" in 0..1, inside the picture.
enum ifl_result ifl_parse_rectangle(const char *text, double out[4],
                                    struct ifl_error *error) IFL_CHECK_RESULT;
// The request that the making options ask for.
void ifl_config_request(const struct ifl_config *config, struct ifl_request *request);

#endif
