// SPDX-License-Identifier: Apache-2.0
#include "http/access.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

static const char room[] = "http";

enum { SESSIONS_MAX = 64, FILE_BYTES_MAX = 4096, KEYS = 2 };

struct session {
    char token[IFL_KEY_BYTES];
    enum ifl_role role; // IFL_ROLE_NONE: free
    int64_t end_ns;
};

struct ifl_access {
    char key[KEYS][IFL_KEY_BYTES + 1];
    char cookie[40];
    pthread_mutex_t lock; // over the sessions
    struct session session[SESSIONS_MAX];
};

static const struct {
    const char *file;
    enum ifl_role role;
} kinds[KEYS] = {{"read.key", IFL_ROLE_READ}, {"write.key", IFL_ROLE_WRITE}};

// ---- keys ----

static bool make_key(char text[IFL_KEY_BYTES + 1])
{
    uint8_t random[IFL_KEY_BYTES / 2];
    size_t have = 0;
    while (have < sizeof random) {
        ssize_t got = getrandom(random + have, sizeof random - have, 0);
        if (got < 0 && errno != EINTR)
            return false;
        have += got > 0 ? (size_t)got : 0;
    }
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(text + 2 * i, 3, "%02x", random[i]);
    explicit_bzero(random, sizeof random);
    return true;
}

bool ifl_same_key(const char *given, size_t length, const char key[IFL_KEY_BYTES])
{
    volatile unsigned differs = length != IFL_KEY_BYTES;
    for (size_t i = 0; i < IFL_KEY_BYTES; i++) {
        unsigned char byte = length ? (unsigned char)given[i % length] : 0;
        differs |= (unsigned)(byte ^ (unsigned char)key[i]);
    }
    return differs == 0;
}

static enum ifl_result write_key(const char *path, const char *key, struct ifl_error *error)
{
    char line[IFL_KEY_BYTES + 2];
    snprintf(line, sizeof line, "%s\n", key);
    enum ifl_result result = ifl_write_file(path, line, IFL_KEY_BYTES + 1, 0600, error);
    explicit_bzero(line, sizeof line);
    return result;
}

// Others who may read a key file have what the key guards.
static void look_at_mode(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & 0077))
        ifl_log(IFL_LOG_WARNING, "http.key-readable", NULL,
                "%s can be read by other users of this machine; chmod 600 it", path);
}

static enum ifl_result parse_key(const char *path, const char *text, size_t count,
                                 char key[IFL_KEY_BYTES + 1], struct ifl_error *error)
{
    while (count && isspace((unsigned char)text[count - 1]))
        count--;
    size_t digits = 0;
    while (digits < count && isxdigit((unsigned char)text[digits]))
        digits++;
    if (count != IFL_KEY_BYTES || digits != count)
        return ifl_fail(error, IFL_ERR_CORRUPT, room,
                        "%s holds no key of %d hexadecimal digits; delete it and a new one is made",
                        path, IFL_KEY_BYTES);
    memcpy(key, text, IFL_KEY_BYTES);
    return IFL_OK;
}

static enum ifl_result open_key(const char *folder, const char *file, char key[IFL_KEY_BYTES + 1],
                                struct ifl_error *error)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path)
        return ifl_fail(error, IFL_ERR_INVALID, room, "the path of the folder of keys is too long");
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_read_file(path, FILE_BYTES_MAX, &bytes, &count, error);
    if (result == IFL_ERR_NOT_FOUND) {
        if (!make_key(key))
            return ifl_fail_errno(error, errno, room, "the system gives no random bits for a key");
        return write_key(path, key, error);
    }
    if (result != IFL_OK)
        return result;
    look_at_mode(path);
    result = parse_key(path, (const char *)bytes, count, key, error);
    explicit_bzero(bytes, count);
    free(bytes);
    return result;
}

enum ifl_result ifl_access_create(const char *folder, struct ifl_access **access,
                                  struct ifl_error *error)
{
    struct ifl_access *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the keys");
    pthread_mutex_init(&made->lock, NULL);
    ifl_access_name(made, 0);
    struct stat info;
    enum ifl_result result = IFL_OK;
    if (stat(folder, &info) != 0) {
        result = ifl_make_directories(folder, error);
        if (result == IFL_OK && chmod(folder, 0700) != 0)
            result = ifl_fail_errno(error, errno, room, "cannot close the folder %s", folder);
    }
    for (int i = 0; i < KEYS && result == IFL_OK; i++)
        result = open_key(folder, kinds[i].file, made->key[i], error);
    if (result == IFL_OK && ifl_same_key(made->key[0], IFL_KEY_BYTES, made->key[1]))
        result = ifl_fail(error, IFL_ERR_INVALID, room,
                          "read.key and write.key of %s are the same, so that whoever may look "
                          "may also change; delete one of them and a new one is made",
                          folder);
    if (result != IFL_OK) {
        ifl_access_destroy(made);
        return result;
    }
    *access = made;
    return IFL_OK;
}

void ifl_access_destroy(struct ifl_access *access)
{
    if (!access)
        return;
    pthread_mutex_destroy(&access->lock);
    explicit_bzero(access, sizeof *access);
    free(access);
}

enum ifl_role ifl_access_key_role(const struct ifl_access *access, const char *key, size_t length)
{
    enum ifl_role role = IFL_ROLE_NONE;
    for (int i = 0; i < KEYS; i++) // all of them, whichever fits
        if (ifl_same_key(key, length, access->key[i]))
            role = kinds[i].role;
    return role;
}

// ---- sessions ----

void ifl_access_name(struct ifl_access *access, int port)
{
    snprintf(access->cookie, sizeof access->cookie, "inferloop_session_%d", port);
}

const char *ifl_access_cookie(const struct ifl_access *access)
{
    return access->cookie;
}

bool ifl_access_begin(struct ifl_access *access, enum ifl_role role, char token[IFL_KEY_BYTES + 1])
{
    if (!make_key(token))
        return false;
    int64_t now_ns = ifl_now_ns(ifl_clock_real());
    pthread_mutex_lock(&access->lock);
    struct session *oldest = &access->session[0];
    for (int i = 0; i < SESSIONS_MAX; i++) {
        struct session *one = &access->session[i];
        if (one->end_ns < now_ns)
            one->role = IFL_ROLE_NONE;
        if (one->role == IFL_ROLE_NONE || one->end_ns < oldest->end_ns)
            oldest = one;
        if (one->role == IFL_ROLE_NONE)
            break;
    }
    memcpy(oldest->token, token, IFL_KEY_BYTES);
    oldest->role = role;
    oldest->end_ns = now_ns + IFL_SESSION_SECONDS * IFL_SECOND_NS;
    pthread_mutex_unlock(&access->lock);
    return true;
}

// The value of our cookie in "a=1; b=2", or NULL.
static const char *find_cookie(const struct ifl_access *access, const char *cookie, size_t *length)
{
    size_t name = strlen(access->cookie);
    while (cookie && *cookie) {
        cookie += strspn(cookie, "; ");
        size_t part = strcspn(cookie, ";");
        if (part > name && strncmp(cookie, access->cookie, name) == 0 && cookie[name] == '=') {
            *length = part - name - 1;
            return cookie + name + 1;
        }
        cookie += part;
    }
    return NULL;
}

// The session of a cookie, or NULL. The lock is held.
static struct session *find_session(struct ifl_access *access, const char *cookie)
{
    size_t length = 0;
    const char *token = find_cookie(access, cookie, &length);
    struct session *found = NULL;
    int64_t now_ns = ifl_now_ns(ifl_clock_real());
    for (int i = 0; token && i < SESSIONS_MAX; i++) {
        struct session *one = &access->session[i];
        if (one->role != IFL_ROLE_NONE && one->end_ns >= now_ns &&
            ifl_same_key(token, length, one->token))
            found = one;
    }
    return found;
}

void ifl_access_end(struct ifl_access *access, const char *cookie)
{
    pthread_mutex_lock(&access->lock);
    struct session *session = find_session(access, cookie);
    if (session)
        explicit_bzero(session, sizeof *session);
    pthread_mutex_unlock(&access->lock);
}

// ---- a request ----

enum ifl_role ifl_access_role(struct ifl_access *access, const char *authorization,
                              const char *cookie)
{
    if (authorization) {
        if (strncasecmp(authorization, "Bearer ", 7) != 0)
            return IFL_ROLE_NONE;
        const char *key = authorization + 7 + strspn(authorization + 7, " ");
        return ifl_access_key_role(access, key, strcspn(key, " "));
    }
    pthread_mutex_lock(&access->lock);
    const struct session *session = find_session(access, cookie);
    enum ifl_role role = session ? session->role : IFL_ROLE_NONE;
    pthread_mutex_unlock(&access->lock);
    return role;
}

bool ifl_access_is_open(const char *path)
{
    // Signs of life without any content, the way in, and what its page is made of.
    static const char *const open[] = {"/healthz",     "/readyz",    "/api/v1/session",
                                       "/style.css",   "/login.css", "/favicon.svg",
                                       "/favicon.ico", NULL};
    for (const char *const *row = open; *row; row++)
        if (strcmp(*row, path) == 0)
            return true;
    return false;
}

enum ifl_role ifl_access_needs(const char *method)
{
    bool reads =
        strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0;
    return reads ? IFL_ROLE_READ : IFL_ROLE_WRITE;
}
