// SPDX-License-Identifier: Apache-2.0
#include "source/web.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "source/av_error.h"

enum {
    BUFFER_BYTES = 1 << 18, // that wait to be read; then the server has to
    HEADERS_MAX_BYTES = 1 << 16,
    POLL_MS = 50,
    REDIRECTS_MAX = 5,
};

struct ifl_web {
    CURLM *multi;
    CURL *easy;
    struct ifl_av_guard *guard;
    uint8_t *buffer;
    size_t have, taken; // bytes in the buffer, and how many of them have been read
    size_t header_bytes;
    bool paused, done, flooded;
    CURLcode code; // once done
    char type[128];
    char text[CURL_ERROR_SIZE];
};

// ---- what libcurl calls ----

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct ifl_web *web = context;
    count *= size;
    if (count > BUFFER_BYTES - web->have) {
        web->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    memcpy(web->buffer + web->have, bytes, count);
    web->have += count;
    return count;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    static const char type[] = "content-type:";
    struct ifl_web *web = context;
    count *= size;
    if (count >= 5 && !strncasecmp(bytes, "HTTP/", 5))
        web->header_bytes = 0; // of each answer on the way
    web->header_bytes += count;
    if (count > sizeof type && !strncasecmp(bytes, type, sizeof type - 1)) {
        const char *value = bytes + sizeof type - 1;
        size_t length = count - (sizeof type - 1);
        for (; length && (*value == ' ' || *value == '\t'); length--)
            value++;
        while (length && (unsigned char)value[length - 1] <= ' ')
            length--;
        snprintf(web->type, sizeof web->type, "%.*s",
                 (int)(length < sizeof web->type ? length : sizeof web->type - 1), value);
    }
    web->flooded = web->header_bytes > HEADERS_MAX_BYTES;
    return web->flooded ? 0 : count;
}

// ---- errors ----

// What a user can do about it.
static const struct row {
    CURLcode code;
    enum ifl_result result;
    const char *sentence;
} rows[] = {
    {CURLE_COULDNT_RESOLVE_HOST, IFL_ERR_NOT_FOUND,
     "its host has no address; check the name and the network"},
    {CURLE_COULDNT_CONNECT, IFL_ERR_IO,
     "it refused the connection; is it on, and is the port right?"},
    {CURLE_PEER_FAILED_VERIFICATION, IFL_ERR_UNSUPPORTED,
     "its certificate does not fit; give its authority as #ca=/FILE, or #tls=any to take any"},
    {CURLE_SSL_CACERT_BADFILE, IFL_ERR_NOT_FOUND,
     "the file of #ca= can't be read; give the absolute path of a PEM file"},
    {CURLE_SSL_CONNECT_ERROR, IFL_ERR_IO, "it does not speak TLS; write http:// if it need not"},
    {CURLE_UNSUPPORTED_PROTOCOL, IFL_ERR_UNSUPPORTED,
     "it leads to another kind of address, which is not followed; give the address it leads to"},
    {CURLE_TOO_MANY_REDIRECTS, IFL_ERR_UNSUPPORTED,
     "it leads from address to address; give the last one"},
    {CURLE_URL_MALFORMAT, IFL_ERR_INVALID, "this is no URL; check it"},
    {CURLE_GOT_NOTHING, IFL_ERR_IO, "it ended the connection without an answer"},
    {CURLE_WEIRD_SERVER_REPLY, IFL_ERR_UNSUPPORTED, "its answer is no HTTP; check scheme and port"},
    {CURLE_OUT_OF_MEMORY, IFL_ERR_TOO_LARGE,
     "a line of its headers does not end, or memory is short"},
};

static const struct status_row {
    long least, most;
    enum ifl_result result;
    const char *sentence;
} statuses[] = {
    {401, 401, IFL_ERR_UNAUTHORIZED, "it refused the credentials; check user, password or token"},
    {403, 403, IFL_ERR_UNAUTHORIZED, "it denies access; check the credentials and their rights"},
    {404, 404, IFL_ERR_NOT_FOUND, "it does not know this path; check the URI"},
    {429, 429, IFL_ERR_BUSY, "it asks to be left alone for a while"},
    {503, 503, IFL_ERR_BUSY, "it is busy; it is asked again later"},
    {400, 499, IFL_ERR_IO, "it refused the request; check the URI"},
    {500, 599, IFL_ERR_IO, "it has an error of its own; try again later"},
};

static enum ifl_result fail_status(struct ifl_web *web, const char *shown, struct ifl_error *error)
{
    long status = 0;
    curl_off_t after_s = 0;
    curl_easy_getinfo(web->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(web->easy, CURLINFO_RETRY_AFTER, &after_s);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        const struct status_row *row = &statuses[i];
        if (status < row->least || status > row->most)
            continue;
        (void)ifl_fail(error, row->result, "source", "opening \"%s\" failed with status %ld: %s",
                       shown, status, row->sentence);
        if (error)
            error->retry_after_seconds = after_s > 0 && after_s < 1 << 30 ? (int)after_s : 0;
        return row->result;
    }
    return ifl_fail(error, IFL_ERR_IO, "source", "opening \"%s\" failed with status %ld", shown,
                    status);
}

static enum ifl_result fail_open(struct ifl_web *web, const char *shown, struct ifl_error *error)
{
    if (web->flooded)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, "source",
                        "opening \"%s\" failed: its headers go on beyond %d bytes", shown,
                        HEADERS_MAX_BYTES);
    if (web->code == CURLE_HTTP_RETURNED_ERROR)
        return fail_status(web, shown, error);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == web->code)
            return ifl_fail(error, rows[i].result, "source", "opening \"%s\" failed: %s", shown,
                            rows[i].sentence);
    return ifl_fail(error, IFL_ERR_IO, "source", "opening \"%s\" failed: %s", shown,
                    web->code == CURLE_OK ? "the stream ended; is the camera still on?"
                                          : curl_easy_strerror(web->code));
}

// ---- waiting ----

static void collect(struct ifl_web *web)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(web->multi, &left)))
        if (message->msg == CURLMSG_DONE) {
            web->done = true;
            web->code = message->data.result;
        }
}

// Until there are bytes to read, or it is done. False when it is time to give up.
static bool pump(struct ifl_web *web)
{
    for (;;) {
        int running = 0, ready = 0;
        if (curl_multi_perform(web->multi, &running) != CURLM_OK)
            return true; // as if nothing came: the reader sees an end
        collect(web);
        if (web->have > web->taken || web->done)
            return true;
        if (!ifl_av_guard_waits(web->guard))
            return false;
        curl_multi_poll(web->multi, NULL, 0, POLL_MS, &ready);
    }
}

// How far it has come.
static enum ifl_av_phase phase(const struct ifl_web *web)
{
    curl_off_t found_us = 0, connected_us = 0;
    curl_easy_getinfo(web->easy, CURLINFO_NAMELOOKUP_TIME_T, &found_us);
    curl_easy_getinfo(web->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    return web->header_bytes  ? IFL_AV_FIRST_PICTURE
           : connected_us > 0 ? IFL_AV_ANSWER
           : found_us > 0     ? IFL_AV_CONNECTING
                              : IFL_AV_LOOKING_UP;
}

// ---- life ----

static void set_up(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool same_host(const char *one, const char *other)
{
    char first[256], second[256];
    ifl_address_host(one, first, sizeof first);
    ifl_address_host(other, second, sizeof second);
    return !strcasecmp(first, second);
}

static void set_trust(CURL *easy, const struct ifl_address *address)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, address->any_certificate ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, address->any_certificate ? 0L : 2L);
    if (address->ca_file[0])
        curl_easy_setopt(easy, CURLOPT_CAINFO, address->ca_file);
}

static void set_login(CURL *easy, const struct ifl_address *address, const char *url)
{
    bool bearer = address->bearer[0] && same_host(url, address->url);
    long ways = bearer ? CURLAUTH_BEARER : CURLAUTH_BASIC | CURLAUTH_DIGEST;
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, ways);
    if (bearer)
        curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, address->bearer);
}

static void set_options(struct ifl_web *web, const char *url)
{
    CURL *easy = web->easy;
    bool secure = !strncasecmp(url, "https:", 6);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "inferloop");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); // do not wait for the resolver's thread
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, web);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, web);
}

static struct ifl_web *create(struct ifl_av_guard *guard)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    struct ifl_web *web = calloc(1, sizeof *web);
    if (!web)
        return NULL;
    web->guard = guard;
    web->buffer = malloc(BUFFER_BYTES);
    web->multi = curl_multi_init();
    web->easy = curl_easy_init();
    if (web->buffer && web->multi && web->easy)
        return web;
    ifl_web_close(web);
    return NULL;
}

void ifl_web_close(struct ifl_web *web)
{
    if (!web)
        return;
    if (web->multi && web->easy)
        curl_multi_remove_handle(web->multi, web->easy);
    if (web->easy)
        curl_easy_cleanup(web->easy);
    if (web->multi)
        curl_multi_cleanup(web->multi);
    free(web->buffer);
    free(web);
}

enum ifl_result ifl_web_open(const struct ifl_address *address, const char *url, const char *shown,
                             struct ifl_av_guard *guard, struct ifl_web **out,
                             struct ifl_error *error)
{
    struct ifl_web *web = create(guard);
    if (!web)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory to open \"%s\"", shown);
    set_options(web, url);
    set_trust(web->easy, address);
    set_login(web->easy, address, url);
    curl_multi_add_handle(web->multi, web->easy);
    enum ifl_result result = IFL_OK;
    bool waited = pump(web);
    guard->phase = phase(web);
    if (!waited)
        result = ifl_av_fail_waiting(error, guard, "opening", shown);
    else if (web->have == 0)
        result = fail_open(web, shown, error);
    if (result == IFL_OK)
        *out = web;
    else
        ifl_web_close(web);
    return result;
}

int ifl_web_read(void *context, uint8_t *buffer, int bytes)
{
    struct ifl_web *web = context;
    if (web->have == web->taken) {
        web->have = web->taken = 0;
        if (web->paused) {
            web->paused = false;
            curl_easy_pause(web->easy, CURLPAUSE_CONT);
        }
        if (!pump(web))
            return AVERROR_EXIT;
    }
    size_t count = web->have - web->taken;
    if (count == 0)
        return web->code == CURLE_OK ? AVERROR_EOF : AVERROR(EIO);
    if (count > (size_t)bytes)
        count = (size_t)bytes;
    memcpy(buffer, web->buffer + web->taken, count);
    web->taken += count;
    return (int)count;
}

const char *ifl_web_type(const struct ifl_web *web)
{
    return web->type;
}
