// SPDX-License-Identifier: Apache-2.0
// Images and their records, and generating on demand.
#include "http/handlers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http/body.h"
#include "http/documents.h"
#include "http/jobs.h"
#include "http/query.h"
#include "http/request_body.h"

enum { IMAGES_MAX = 64, QUALITY = 90 };

// ---- bytes ----

static const struct {
    const char *text;
    enum ifl_image_format format;
} formats[] = {
    {"png", IFL_IMAGE_PNG},
    {"jpeg", IFL_IMAGE_JPEG},
    {"jpg", IFL_IMAGE_JPEG},
    {"webp", IFL_IMAGE_WEBP},
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static bool find_format(const char *text, enum ifl_image_format *format)
{
    for (int i = 0; i < FORMATS; i++)
        if (strcasecmp(formats[i].text, text) == 0) {
            *format = formats[i].format;
            return true;
        }
    return false;
}

// What ?format= asks for, else what the name ends in, else PNG. False: unknown.
static bool wanted_format(const struct ifl_exchange *exchange, const char *name,
                          enum ifl_image_format *format)
{
    const char *asked = ifl_query_text(exchange, "format");
    if (asked)
        return find_format(asked, format);
    const char *dot = strrchr(name, '.');
    if (!dot || !find_format(dot + 1, format))
        *format = IFL_IMAGE_PNG;
    return true;
}

void ifl_image_url(const char *name, char url[1024])
{
    static const char hex[] = "0123456789ABCDEF";
    size_t used = (size_t)snprintf(url, 1024, "/api/v1/images/");
    for (const unsigned char *at = (const unsigned char *)name; *at && used < 1020; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                     (*at >= '0' && *at <= '9') || strchr("-._~", *at);
        if (plain) {
            url[used++] = (char)*at;
            continue;
        }
        url[used++] = '%';
        url[used++] = hex[*at >> 4];
        url[used++] = hex[*at & 15];
    }
    url[used] = 0;
}

static enum MHD_Result reply_image(struct ifl_exchange *exchange, unsigned status,
                                   const struct ifl_delivered *image, enum ifl_image_format format)
{
    const struct ifl_synthetic *synthetic = &image->synthetic;
    char description[256], url[1024];
    snprintf(description, sizeof description,
             "Synthetic image by inferloop; engine %s, profile %s, seed %llu", synthetic->engine,
             synthetic->profile_id, (unsigned long long)synthetic->request.seed);
    uint8_t *bytes;
    size_t count;
    struct ifl_error error;
    if (ifl_image_encode(synthetic->image, format, QUALITY, description, &bytes, &count, &error) !=
        IFL_OK)
        return ifl_reply_error(exchange, &error, NULL);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(count, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(bytes);
        return MHD_NO;
    }
    ifl_image_url(image->name, url);
    MHD_add_response_header(response, "Content-Type", ifl_image_format_mime_type(format));
    MHD_add_response_header(response, "Content-Location", url);
    return ifl_reply(exchange, status, response);
}

// Takes the reference to `image`; NULL: there is none.
static enum MHD_Result reply_wanted(struct ifl_exchange *exchange, struct ifl_delivered *image)
{
    enum ifl_image_format format;
    enum MHD_Result answer;
    if (!wanted_format(exchange, image->name, &format))
        answer =
            ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, json_pack("{ss}", "parameter", "format"),
                           "format \"%.32s\" is not known; there are png, jpeg and webp",
                           ifl_query_text(exchange, "format"));
    else
        answer = reply_image(exchange, MHD_HTTP_OK, image, format);
    ifl_delivered_unref(image);
    return answer;
}

// The image that the path names; NULL: *answer says so.
static struct ifl_delivered *named_image(struct ifl_exchange *exchange, enum MHD_Result *answer)
{
    struct ifl_delivered *image = ifl_pipeline_image(exchange->services->pipeline, exchange->name);
    if (!image)
        *answer = ifl_reply_fail(exchange, 0, IFL_ERR_NOT_FOUND, NULL,
                                 "no such image is in memory, which holds the last 64; older ones "
                                 "are in the dataset's folder");
    return image;
}

enum MHD_Result ifl_handle_image(struct ifl_exchange *exchange)
{
    enum MHD_Result answer;
    struct ifl_delivered *image = named_image(exchange, &answer);
    return image ? reply_wanted(exchange, image) : answer;
}

enum MHD_Result ifl_handle_latest(struct ifl_exchange *exchange)
{
    char source[IFL_SOURCE_NAME_MAX];
    const char *wanted = ifl_query_text(exchange, "source");
    enum MHD_Result answer;
    if (wanted && !ifl_find_source(exchange, wanted, source, &answer))
        return answer;
    struct ifl_delivered *image;
    if (ifl_pipeline_images(exchange->services->pipeline, wanted ? source : NULL, 0, &image, 1) < 1)
        return ifl_reply_fail(exchange, 0, IFL_ERR_NOT_READY, NULL,
                              "no image has been delivered yet");
    return reply_wanted(exchange, image);
}

// ---- records ----

json_t *ifl_image_json(const struct ifl_delivered *image)
{
    char url[1024];
    ifl_image_url(image->name, url);
    char *text = ifl_synthetic_json(&image->synthetic, image->name);
    json_t *record = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    json_object_set_new(record, "serial", ifl_json_count(image->serial));
    json_object_set_new(record, "url", json_string(url));
    return record;
}

enum MHD_Result ifl_handle_metadata(struct ifl_exchange *exchange)
{
    enum MHD_Result answer;
    struct ifl_delivered *image = named_image(exchange, &answer);
    if (!image)
        return answer;
    answer = ifl_reply_json(exchange, MHD_HTTP_OK, ifl_image_json(image));
    ifl_delivered_unref(image);
    return answer;
}

// What a list of images shall hold.
struct filter {
    const char *source, *privacy, *seed; // NULL: any
    double since, until;                 // Unix seconds
};

static bool passes(const struct ifl_delivered *image, const struct filter *filter)
{
    const struct ifl_synthetic *synthetic = &image->synthetic;
    double created = (double)synthetic->created_wall_ns / 1e9;
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)synthetic->request.seed);
    return (!filter->source || !strcmp(filter->source, synthetic->source)) &&
           (!filter->privacy ||
            !strcmp(filter->privacy, ifl_privacy_name(synthetic->request.privacy))) &&
           (!filter->seed || !strcmp(filter->seed, seed)) && created >= filter->since &&
           created <= filter->until;
}

// One page. `before`: only images older than that serial (0: any). What is new moves no page that
// is asked for by cursor.
static enum MHD_Result reply_list(struct ifl_exchange *exchange, const struct filter *filter,
                                  const int page[2], uint64_t before)
{
    int limit = page[0], offset = page[1], found = 0;
    struct ifl_delivered *images[IMAGES_MAX];
    int count = ifl_pipeline_images(exchange->services->pipeline, NULL, 0, images, IMAGES_MAX);
    json_t *list = json_array(), *next = NULL;
    uint64_t last = 0;
    for (int i = 0; i < count; i++) {
        bool fits = (!before || images[i]->serial < before) && passes(images[i], filter);
        bool shown = fits && found >= offset && found < offset + limit;
        if (fits && found == offset + limit)
            next = ifl_json_count(last); // there is more behind the last one shown
        if (shown) {
            json_array_append_new(list, ifl_image_json(images[i]));
            last = images[i]->serial;
        }
        found += fits;
        ifl_delivered_unref(images[i]);
    }
    return ifl_reply_json(exchange, MHD_HTTP_OK,
                          json_pack("{so si si si so}", "images", list, "limit", limit, "offset",
                                    offset, "total", found, "next", next ? next : json_null()));
}

// The length of up to `most` digits.
static size_t digits(const char *text, size_t most)
{
    size_t length = strspn(text, "0123456789");
    return length <= most ? length : 0;
}

// Unix seconds, or as dates are written in records: 2026-01-31T08:15:00Z. Either with a fraction.
static bool read_time(const char *text, double *value)
{
    struct tm date = {0};
    size_t whole = digits(text, 11);
    const char *rest = whole && strchr(".", text[whole]) // the end, or a fraction
                           ? text + whole
                           : strptime(text, "%Y-%m-%dT%H:%M:%S", &date);
    if (!rest)
        return false;
    double fraction = 0;
    size_t places = *rest == '.' ? digits(rest + 1, 9) : 0;
    if (places) {
        fraction = strtod(rest, NULL);
        rest += 1 + places;
    }
    bool seconds = rest[0] == 0 && !strchr(text, 'T');
    *value = (seconds ? (double)strtoll(text, NULL, 10) : (double)timegm(&date)) + fraction;
    return seconds || strcmp(rest, "Z") == 0;
}

static enum ifl_result query_time(const struct ifl_exchange *exchange, const char *name,
                                  double *value, struct ifl_error *error)
{
    const char *text = ifl_query_text(exchange, name);
    if (!text || read_time(text, value))
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_INVALID, "http",
                    "%s is \"%.40s\"; give a time as 2026-01-31T08:15:00Z or in seconds since 1970",
                    name, text);
}

static enum ifl_result query_filter(const struct ifl_exchange *exchange, struct filter *filter,
                                    struct ifl_error *error)
{
    filter->privacy = ifl_query_text(exchange, "privacy");
    filter->seed = ifl_query_text(exchange, "seed");
    filter->until = INFINITY;
    bool known = !filter->privacy;
    for (int mode = 0; !known && mode <= IFL_PRIVACY_K_ANONYMOUS; mode++)
        known = !strcmp(filter->privacy, ifl_privacy_name((enum ifl_privacy)mode));
    if (!known)
        return ifl_fail(error, IFL_ERR_INVALID, "http",
                        "privacy is \"%.32s\"; there are verbatim, deidentify and k-anonymous",
                        filter->privacy);
    if (filter->seed &&
        (strspn(filter->seed, "0123456789") != strlen(filter->seed) || strlen(filter->seed) > 20))
        return ifl_fail(error, IFL_ERR_INVALID, "http", "seed is \"%.32s\"; give a whole number",
                        filter->seed);
    enum ifl_result result = query_time(exchange, "since", &filter->since, error);
    return result == IFL_OK ? query_time(exchange, "until", &filter->until, error) : result;
}

enum MHD_Result ifl_handle_images(struct ifl_exchange *exchange)
{
    struct ifl_error error;
    struct filter filter = {0};
    int page[2] = {20, 0}, before = 0;
    char source[IFL_SOURCE_NAME_MAX];
    const char *wanted = ifl_query_text(exchange, "source");
    enum MHD_Result answer;
    if (ifl_query_integer(exchange, "limit", 1, IMAGES_MAX, &page[0], &error) != IFL_OK ||
        ifl_query_integer(exchange, "offset", 0, IMAGES_MAX, &page[1], &error) != IFL_OK ||
        ifl_query_integer(exchange, "cursor", 1, 999999999, &before, &error) != IFL_OK ||
        query_filter(exchange, &filter, &error) != IFL_OK)
        return ifl_reply_error(exchange, &error, NULL);
    if (wanted && !ifl_find_source(exchange, wanted, source, &answer))
        return answer;
    filter.source = wanted;
    return reply_list(exchange, &filter, page, (uint64_t)before);
}

// ---- generating ----

void ifl_job_free(struct ifl_job *job)
{
    if (!job)
        return;
    ifl_delivered_unref(job->delivered);
    free(job->bytes);
    free(job->uri);
    free(job);
}

// The image type that Accept names, if any; "*/*" is content with the record.
static bool accepts_image(const struct ifl_exchange *exchange, enum ifl_image_format *format)
{
    const char *accept = ifl_exchange_header(exchange, "Accept");
    for (int i = 0; accept && i < FORMATS; i++)
        if (strstr(accept, ifl_image_format_mime_type(formats[i].format))) {
            *format = formats[i].format;
            return true;
        }
    return false;
}

static enum MHD_Result reply_generated(struct ifl_exchange *exchange)
{
    const struct ifl_job *job = exchange->job;
    if (job->result < 0)
        return ifl_reply_error(exchange, &job->error, NULL);
    if (!job->delivered)
        return ifl_reply_fail(exchange, 0, IFL_ERR_INTERNAL, NULL, "no image came of it");
    enum ifl_image_format format;
    if (accepts_image(exchange, &format))
        return reply_image(exchange, MHD_HTTP_OK, job->delivered, format);
    return ifl_reply_json(exchange, MHD_HTTP_CREATED, ifl_image_json(job->delivered));
}

static enum ifl_result begin(struct ifl_exchange *exchange, const struct ifl_generate_body *body,
                             struct ifl_error *error)
{
    struct ifl_job *job = calloc(1, sizeof *job);
    if (!job)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "http", "no memory for another request");
    job->connection = exchange->connection;
    job->request = body->request;
    job->wait_ns = (int64_t)(body->deadline_seconds * 1e9);
    memcpy(job->source, body->source, sizeof job->source);
    enum ifl_result result = ifl_jobs_submit(exchange->services->jobs, job, error);
    if (result == IFL_OK)
        exchange->job = job;
    else
        free(job);
    return result;
}

enum MHD_Result ifl_handle_generate(struct ifl_exchange *exchange)
{
    if (exchange->job)
        return reply_generated(exchange);
    enum MHD_Result answer;
    if (!ifl_body_is_json(exchange, &answer))
        return answer;
    struct ifl_generate_body body = {.deadline_seconds = 15};
    struct ifl_error error;
    char field[64];
    ifl_pipeline_request_init(exchange->services->pipeline, &body.request);
    if (ifl_generate_body_parse(exchange->body, exchange->body_bytes, &body, field, &error) !=
        IFL_OK)
        return ifl_reply_error(exchange, &error,
                               field[0] ? json_pack("{so}", "field", ifl_json_text(field)) : NULL);
    if (!ifl_find_source(exchange, body.source[0] ? body.source : NULL, body.source, &answer))
        return answer;
    if (begin(exchange, &body, &error) != IFL_OK)
        return ifl_reply_error(exchange, &error, NULL);
    return MHD_YES; // the connection sleeps; this is called again when the job is done
}
