// SPDX-License-Identifier: Apache-2.0
// Profiles: their statistics, and the file with everything, pictures included.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/access.h"
#include "http/handlers.h"
#include "http/jobs.h"
#include "http/query.h"

enum { SOURCES_MAX = 64 };

static enum MHD_Result reply_profile(struct ifl_exchange *exchange, const char *source)
{
    struct ifl_profile *profile =
        ifl_pipeline_profile(exchange->services->pipeline, source, false, 0);
    if (!profile)
        return ifl_reply_fail(exchange, 0, IFL_ERR_NOT_READY, NULL,
                              "no profile of \"%.64s\" has been published yet; it comes after the "
                              "profile interval",
                              source);
    char *text = ifl_profile_json(profile);
    ifl_profile_unref(profile);
    if (!text)
        return ifl_reply_json(exchange, MHD_HTTP_OK, NULL);
    return ifl_reply_bytes(exchange, MHD_HTTP_OK, "application/json", (uint8_t *)text,
                           strlen(text));
}

enum MHD_Result ifl_handle_profile(struct ifl_exchange *exchange)
{
    char source[IFL_SOURCE_NAME_MAX];
    enum MHD_Result answer;
    if (!ifl_find_source(exchange, ifl_query_text(exchange, "source"), source, &answer))
        return answer;
    return reply_profile(exchange, source);
}

enum MHD_Result ifl_handle_profile_named(struct ifl_exchange *exchange)
{
    char source[IFL_SOURCE_NAME_MAX];
    enum MHD_Result answer;
    if (!ifl_find_source(exchange, exchange->name, source, &answer))
        return answer;
    return reply_profile(exchange, source);
}

// Joined as text: a profile's JSON has some tens of kilobytes.
static void print_profiles(struct ifl_pipeline *pipeline, FILE *out)
{
    struct ifl_source_status rows[SOURCES_MAX];
    int count = ifl_pipeline_sources(pipeline, rows, SOURCES_MAX), printed = 0;
    fputs("{\"profiles\": [", out);
    for (int i = 0; i < count && i < SOURCES_MAX; i++) {
        struct ifl_profile *profile = ifl_pipeline_profile(pipeline, rows[i].name, false, 0);
        char *text = profile ? ifl_profile_json(profile) : NULL;
        if (text)
            fprintf(out, "%s%s", printed++ ? ",\n" : "", text);
        free(text);
        ifl_profile_unref(profile);
    }
    fputs("]}\n", out);
}

enum MHD_Result ifl_handle_profiles(struct ifl_exchange *exchange)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return ifl_reply_json(exchange, MHD_HTTP_OK, NULL);
    print_profiles(exchange->services->pipeline, out);
    if (fclose(out) == 0)
        return ifl_reply_bytes(exchange, MHD_HTTP_OK, "application/json", (uint8_t *)text, length);
    free(text);
    return ifl_reply_json(exchange, MHD_HTTP_OK, NULL);
}

// ---- the file ----

static enum ifl_result read_whole(const char *path, struct ifl_job *job)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && fstat(file, &info) == 0 && info.st_size > 0)
        job->bytes = malloc((size_t)info.st_size);
    ssize_t got = 0;
    while (job->bytes && job->count < (size_t)info.st_size &&
           (got = read(file, job->bytes + job->count, (size_t)info.st_size - job->count)) > 0)
        job->count += (size_t)got;
    if (file >= 0)
        close(file);
    if (job->bytes && job->count == (size_t)info.st_size)
        return IFL_OK;
    return ifl_fail(&job->error, IFL_ERR_IO, "http", "the profile's file could not be read back");
}

// By way of a file of its own in a folder that nobody else may enter; both are gone afterwards.
static void carry_out_file(struct ifl_pipeline *pipeline, struct ifl_job *job)
{
    char folder[256], path[300];
    const char *base = getenv("TMPDIR");
    struct ifl_profile *profile = ifl_pipeline_profile(pipeline, job->name, false, 0);
    snprintf(folder, sizeof folder, "%.200s/inferloop-XXXXXX", base && base[0] ? base : "/tmp");
    if (!profile)
        job->result = ifl_fail(&job->error, IFL_ERR_NOT_READY, "http",
                               "no profile of \"%.64s\" has been published yet", job->name);
    else if (!mkdtemp(folder))
        job->result = ifl_fail(&job->error, IFL_ERR_IO, "http",
                               "there is no room for a temporary file; set TMPDIR");
    else {
        snprintf(path, sizeof path, "%s/profile", folder);
        job->result = ifl_profile_save(profile, path, &job->error);
        if (job->result == IFL_OK)
            job->result = read_whole(path, job);
        unlink(path);
        rmdir(folder);
    }
    ifl_profile_unref(profile);
}

// The file shows people, so it takes the key that may change things. Without keys only this machine
// reaches the server.
static bool may_have_it(const struct ifl_exchange *exchange)
{
    const struct ifl_access *access = exchange->services->access;
    return !access || ifl_access_role((struct ifl_access *)(size_t)access,
                                      ifl_exchange_header(exchange, "Authorization"),
                                      ifl_exchange_header(exchange, "Cookie")) >= IFL_ROLE_WRITE;
}

static enum MHD_Result reply_file(struct ifl_exchange *exchange)
{
    struct ifl_job *job = exchange->job;
    if (job->result != IFL_OK)
        return ifl_reply_error(exchange, &job->error, NULL);
    char disposition[128];
    snprintf(disposition, sizeof disposition, "attachment; filename=\"%s.iflprof\"", job->name);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(job->count, job->bytes, MHD_RESPMEM_MUST_FREE);
    if (response) {
        job->bytes = NULL;
        MHD_add_response_header(response, "Content-Type", "application/octet-stream");
        MHD_add_response_header(response, "Content-Disposition", disposition);
    }
    return ifl_reply(exchange, MHD_HTTP_OK, response);
}

enum MHD_Result ifl_handle_profile_file(struct ifl_exchange *exchange)
{
    if (exchange->job)
        return reply_file(exchange);
    struct ifl_error error = {.result = IFL_ERR_NO_MEMORY};
    char source[IFL_SOURCE_NAME_MAX];
    enum MHD_Result answer;
    if (!may_have_it(exchange))
        return ifl_reply_fail(exchange, MHD_HTTP_FORBIDDEN, IFL_ERR_UNAUTHORIZED, NULL,
                              "this file shows people; it takes the key of write.key");
    if (!ifl_find_source(exchange, exchange->name, source, &answer))
        return answer;
    struct ifl_job *job = calloc(1, sizeof *job);
    if (!job)
        return ifl_reply_error(exchange, &error, NULL);
    job->lane = IFL_LANE_ERRAND;
    job->connection = exchange->connection;
    job->carry_out = carry_out_file;
    memcpy(job->name, source, sizeof source);
    if (ifl_jobs_submit(exchange->services->jobs, job, &error) != IFL_OK) {
        ifl_job_free(job);
        return ifl_reply_error(exchange, &error, NULL);
    }
    exchange->job = job;
    return MHD_YES;
}
