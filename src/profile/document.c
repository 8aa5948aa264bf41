// SPDX-License-Identifier: Apache-2.0
#include "profile/document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"

static const char stage[] = "profile";
static const char schema[] = "inferloop.profile/1";
static const char schema_family[] = "inferloop.profile/";

// ---- writing ----

static json_t *real(double value)
{
    return json_real(isfinite(value) ? value : 0);
}

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value); // takes NULL: an error that json_dumps would show
}

static void set_time(json_t *object, const char *name, int64_t wall_ns)
{
    char text[32];
    ifl_wall_format(wall_ns, text);
    set(object, name, json_string(text));
}

// By the 33 quantiles of the sketch, straight between them.
static double quantile(const struct ifl_feature_stats *stats, double rank)
{
    double at = rank * (IFL_QUANTILES - 1);
    int low = (int)at;
    double share = at - low;
    return low + 1 < IFL_QUANTILES
               ? stats->quantile[low] + share * (stats->quantile[low + 1] - stats->quantile[low])
               : stats->quantile[IFL_QUANTILES - 1];
}

static json_t *write_quantiles(const struct ifl_feature_stats *stats)
{
    static const struct {
        const char *name;
        double rank;
    } rows[] = {{"p01", 0.01}, {"p05", 0.05}, {"p25", 0.25}, {"p50", 0.50},
                {"p75", 0.75}, {"p95", 0.95}, {"p99", 0.99}};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        set(object, rows[i].name, real(quantile(stats, rows[i].rank)));
    return object;
}

static json_t *write_feature(enum ifl_feature feature, const struct ifl_feature_stats *stats)
{
    const struct ifl_feature_row *row = ifl_feature_row(feature);
    json_t *object = json_object(), *histogram = json_object();
    json_t *counts = json_array(), *sketch = json_array();
    set(object, "unit", json_string(row->unit));
    set(object, "count", json_integer((json_int_t)stats->count));
    set(object, "mean", real(stats->mean));
    set(object, "std", real(sqrt(fmax(stats->variance, 0))));
    set(object, "variance", real(stats->variance));
    set(object, "skew", real(stats->skew));
    set(object, "kurtosis", real(stats->kurtosis));
    set(object, "min", real(stats->min));
    set(object, "max", real(stats->max));
    set(object, "quantiles", write_quantiles(stats));
    for (int i = 0; i < IFL_QUANTILES; i++)
        json_array_append_new(sketch, real(stats->quantile[i]));
    set(object, "quantiles_32", sketch);
    for (int i = 0; i < IFL_HISTOGRAM_BINS; i++)
        json_array_append_new(counts, json_integer(stats->histogram[i]));
    set(histogram, "least", real(row->least));
    set(histogram, "greatest", real(row->greatest));
    set(histogram, "counts", counts);
    set(object, "histogram", histogram);
    return object;
}

static const char *name_of(int feature)
{
    return ifl_feature_row((enum ifl_feature)feature)->name;
}

static json_t *write_features(const struct ifl_feature_stats stats[IFL_FEATURE_COUNT])
{
    json_t *object = json_object();
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        set(object, name_of(f), write_feature((enum ifl_feature)f, &stats[f]));
    return object;
}

static json_t *write_recent(const struct ifl_recent *recent)
{
    json_t *object = json_object();
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        json_t *feature = json_object();
        set(feature, "mean", real(recent->mean[f]));
        set(feature, "std", real(recent->std[f]));
        set(feature, "lag1", real(recent->lag1[f]));
        set(object, name_of(f), feature);
    }
    return object;
}

// Rows of the lower half: each feature with those before it and itself.
static json_t *write_covariance(const struct ifl_joint *joint)
{
    json_t *rows = json_array();
    for (int i = 0; i < IFL_FEATURE_COUNT; i++) {
        json_t *row = json_array();
        for (int j = 0; j <= i; j++)
            json_array_append_new(row, real(joint->covariance[i * (i + 1) / 2 + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *write_components(const struct ifl_joint *joint)
{
    json_t *components = json_array();
    for (int c = 0; c < IFL_COMPONENTS; c++) {
        json_t *component = json_object(), *weights = json_object();
        set(component, "share", real(joint->component_share[c]));
        for (int f = 0; f < IFL_FEATURE_COUNT; f++)
            set(weights, name_of(f), real(joint->component[c][f]));
        set(component, "weights", weights);
        json_array_append_new(components, component);
    }
    return components;
}

static json_t *write_reference(const struct ifl_profile *profile)
{
    json_t *object = json_object();
    set(object, "frames", json_integer((json_int_t)profile->reference_frames));
    set(object, "features", write_features(profile->reference));
    return object;
}

static json_t *write_tiles(const struct ifl_profile *profile)
{
    json_t *rows = json_array();
    for (int y = 0; y < IFL_TILES; y++) {
        json_t *row = json_array();
        for (int x = 0; x < IFL_TILES; x++)
            json_array_append_new(row, real((double)profile->tile_mean[y][x]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *write_source(const struct ifl_profile *profile)
{
    json_t *object = json_object();
    set(object, "name", json_string(profile->source));
    set(object, "licence", json_string(profile->licence));
    set(object, "width", json_integer(profile->source_width));
    set(object, "height", json_integer(profile->source_height));
    return object;
}

// ISO 8601 for people, nanoseconds for machines.
static json_t *write_times(const struct ifl_profile *profile)
{
    json_t *object = json_object();
    set_time(object, "created", profile->created_wall_ns);
    set_time(object, "first", profile->first_wall_ns);
    set_time(object, "last", profile->last_wall_ns);
    set(object, "created_ns", json_integer(profile->created_wall_ns));
    set(object, "first_ns", json_integer(profile->first_wall_ns));
    set(object, "last_ns", json_integer(profile->last_wall_ns));
    return object;
}

static json_t *write_frames(const struct ifl_profile *profile)
{
    json_t *object = json_object();
    set(object, "seen", json_integer((json_int_t)profile->frames_seen));
    set(object, "profiled", json_integer((json_int_t)profile->frames_profiled));
    set(object, "window", json_integer((json_int_t)profile->window_frames));
    set(object, "analysed_share", json_real(profile->analysed_share));
    set(object, "complete_share", json_real(profile->complete_share));
    return object;
}

static json_t *write_occupancy(const struct ifl_profile *profile)
{
    json_t *object = json_object();
    set(object, "rate", real(profile->occupancy.rate));
    set(object, "count_mean", real(profile->occupancy.count_mean));
    set(object, "area_mean", real(profile->occupancy.area_mean));
    return object;
}

static json_t *write_memory(const struct ifl_profile *profile)
{
    json_t *object = json_object(), *sizes = json_array();
    set(object, "frames", json_integer(profile->memory_frames));
    set(object, "events", json_integer(profile->events));
    set(object, "identities", json_integer(profile->identities));
    for (int l = 0; l < profile->levels; l++)
        json_array_append_new(
            sizes, json_pack("[i,i]", profile->level_width[l], profile->level_height[l]));
    set(object, "level_sizes", sizes);
    return object;
}

char *ifl_profile_json(const struct ifl_profile *profile)
{
    json_t *root = json_object();
    set(root, "schema", json_string(schema));
    set(root, "id", json_string(profile->id));
    set(root, "source", write_source(profile));
    set(root, "time", write_times(profile));
    set(root, "frames", write_frames(profile));
    set(root, "occupancy", write_occupancy(profile));
    set(root, "memory", write_memory(profile));
    set(root, "features", write_features(profile->feature));
    set(root, "recent", write_recent(&profile->recent));
    set(root, "covariance", write_covariance(&profile->joint));
    set(root, "components", write_components(&profile->joint));
    set(root, "reference", write_reference(profile));
    set(root, "luma_tiles", write_tiles(profile));
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(root);
    return text;
}

// ---- reading ----

// Remembers the first thing that is not as it must be.
struct reader {
    const char *wrong;
};

static json_t *get(struct reader *reader, const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (!value && !reader->wrong)
        reader->wrong = name;
    return value;
}

static double get_real(struct reader *reader, const json_t *object, const char *name)
{
    json_t *value = get(reader, object, name);
    if (!json_is_number(value) && !reader->wrong)
        reader->wrong = name;
    return json_number_value(value);
}

static int64_t get_integer(struct reader *reader, const json_t *object, const char *name,
                           int64_t least, int64_t greatest)
{
    json_t *value = get(reader, object, name);
    int64_t number = json_integer_value(value);
    if ((!json_is_integer(value) || number < least || number > greatest) && !reader->wrong)
        reader->wrong = name;
    return number;
}

static void get_text(struct reader *reader, const json_t *object, const char *name, char *to,
                     size_t size)
{
    json_t *value = get(reader, object, name);
    const char *text = json_string_value(value);
    if (text && json_string_length(value) == strlen(text) && strlen(text) < size)
        memcpy(to, text, strlen(text) + 1);
    else if (!reader->wrong)
        reader->wrong = name;
}

static json_t *get_array(struct reader *reader, const json_t *object, const char *name, size_t size)
{
    json_t *value = get(reader, object, name);
    if (!reader->wrong && (!json_is_array(value) || json_array_size(value) != size))
        reader->wrong = name;
    return value;
}

static void read_feature(struct reader *reader, const json_t *object,
                         struct ifl_feature_stats *stats)
{
    stats->count = (uint64_t)get_integer(reader, object, "count", 0, INT64_MAX);
    stats->mean = get_real(reader, object, "mean");
    stats->variance = get_real(reader, object, "variance");
    stats->skew = get_real(reader, object, "skew");
    stats->kurtosis = get_real(reader, object, "kurtosis");
    stats->min = get_real(reader, object, "min");
    stats->max = get_real(reader, object, "max");
    json_t *sketch = get_array(reader, object, "quantiles_32", IFL_QUANTILES);
    for (int i = 0; i < IFL_QUANTILES; i++)
        stats->quantile[i] = json_number_value(json_array_get(sketch, (size_t)i));
    json_t *histogram = get(reader, object, "histogram");
    json_t *counts = get_array(reader, histogram, "counts", IFL_HISTOGRAM_BINS);
    for (int i = 0; i < IFL_HISTOGRAM_BINS; i++) {
        json_int_t n = json_integer_value(json_array_get(counts, (size_t)i));
        if ((n < 0 || n > UINT32_MAX) && !reader->wrong)
            reader->wrong = "counts";
        stats->histogram[i] = (uint32_t)n;
    }
}

static void read_features(struct reader *reader, const json_t *object,
                          struct ifl_feature_stats stats[IFL_FEATURE_COUNT])
{
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        read_feature(reader, get(reader, object, name_of(f)), &stats[f]);
}

static void read_recent(struct reader *reader, const json_t *object, struct ifl_recent *recent)
{
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        json_t *feature = get(reader, object, name_of(f));
        recent->mean[f] = get_real(reader, feature, "mean");
        recent->std[f] = get_real(reader, feature, "std");
        recent->lag1[f] = get_real(reader, feature, "lag1");
    }
}

static void read_joint(struct reader *reader, const json_t *root, struct ifl_joint *joint)
{
    json_t *rows = get_array(reader, root, "covariance", IFL_FEATURE_COUNT);
    json_t *components = get_array(reader, root, "components", IFL_COMPONENTS);
    for (int i = 0; i < IFL_FEATURE_COUNT; i++)
        for (int j = 0; j <= i; j++)
            joint->covariance[i * (i + 1) / 2 + j] =
                json_number_value(json_array_get(json_array_get(rows, (size_t)i), (size_t)j));
    for (int c = 0; c < IFL_COMPONENTS; c++) {
        json_t *component = json_array_get(components, (size_t)c);
        json_t *weights = get(reader, component, "weights");
        joint->component_share[c] = get_real(reader, component, "share");
        for (int f = 0; f < IFL_FEATURE_COUNT; f++)
            joint->component[c][f] = get_real(reader, weights, name_of(f));
    }
}

static void read_tiles(struct reader *reader, const json_t *root, struct ifl_profile *profile)
{
    json_t *rows = get_array(reader, root, "luma_tiles", IFL_TILES);
    for (int y = 0; y < IFL_TILES; y++)
        for (int x = 0; x < IFL_TILES; x++) {
            json_t *row = json_array_get(rows, (size_t)y);
            profile->tile_mean[y][x] = (float)json_number_value(json_array_get(row, (size_t)x));
        }
}

static void read_all(struct reader *reader, const json_t *root, struct ifl_profile *profile)
{
    get_text(reader, root, "id", profile->id, sizeof profile->id);
    json_t *source = get(reader, root, "source");
    get_text(reader, source, "name", profile->source, sizeof profile->source);
    get_text(reader, source, "licence", profile->licence, sizeof profile->licence);
    profile->source_width = (int)get_integer(reader, source, "width", 1, IFL_FRAME_SIDE_MAX);
    profile->source_height = (int)get_integer(reader, source, "height", 1, IFL_FRAME_SIDE_MAX);
    json_t *time = get(reader, root, "time");
    profile->created_wall_ns = get_integer(reader, time, "created_ns", INT64_MIN, INT64_MAX);
    profile->first_wall_ns = get_integer(reader, time, "first_ns", INT64_MIN, INT64_MAX);
    profile->last_wall_ns = get_integer(reader, time, "last_ns", INT64_MIN, INT64_MAX);
    json_t *frames = get(reader, root, "frames");
    profile->frames_seen = (uint64_t)get_integer(reader, frames, "seen", 0, INT64_MAX);
    profile->frames_profiled = (uint64_t)get_integer(reader, frames, "profiled", 0, INT64_MAX);
    profile->window_frames = (uint64_t)get_integer(reader, frames, "window", 0, INT64_MAX);
    profile->analysed_share = get_real(reader, frames, "analysed_share");
    profile->complete_share = get_real(reader, frames, "complete_share");
    json_t *occupancy = get(reader, root, "occupancy");
    profile->occupancy.rate = get_real(reader, occupancy, "rate");
    profile->occupancy.count_mean = get_real(reader, occupancy, "count_mean");
    profile->occupancy.area_mean = get_real(reader, occupancy, "area_mean");
    json_t *memory = get(reader, root, "memory");
    profile->identities = (int)get_integer(reader, memory, "identities", 0, INT32_MAX);
    read_features(reader, get(reader, root, "features"), profile->feature);
    read_recent(reader, get(reader, root, "recent"), &profile->recent);
    read_joint(reader, root, &profile->joint);
    json_t *reference = get(reader, root, "reference");
    profile->reference_frames = (uint64_t)get_integer(reader, reference, "frames", 0, INT64_MAX);
    read_features(reader, get(reader, reference, "features"), profile->reference);
    read_tiles(reader, root, profile);
}

enum ifl_result ifl_document_read(const char *text, size_t length, struct ifl_profile *profile,
                                  struct ifl_error *error)
{
    json_error_t where;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage,
                        "its statistics are not JSON (line %d: %s); profile the source again",
                        where.line, where.text);
    struct reader reader = {0};
    char name[64] = "";
    get_text(&reader, root, "schema", name, sizeof name);
    enum ifl_result result = IFL_OK;
    if (strcmp(name, schema) != 0) {
        int family = strncmp(name, schema_family, strlen(schema_family)) == 0;
        result = ifl_fail(error, family ? IFL_ERR_VERSION : IFL_ERR_CORRUPT, stage,
                          "its statistics have the schema \"%s\", this program reads \"%s\"; %s",
                          name, schema, family ? "use a newer inferloop" : "give another file");
    } else {
        read_all(&reader, root, profile);
        if (reader.wrong)
            result = ifl_fail(error, IFL_ERR_CORRUPT, stage,
                              "its statistics lack a valid \"%s\"; profile the source again",
                              reader.wrong);
    }
    json_decref(root);
    return result;
}
