// SPDX-License-Identifier: Apache-2.0
#include "source/address.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char room[] = "source";

enum {
    VALUE_MAX = IFL_TOKEN_MAX,
    LOGIN_MAX = 49, // bytes of user and of password that FFmpeg's RTMP keeps
};

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

// "%41" as "A". False where it does not fit or hides a zero or a line's end.
static bool decode(const char *text, size_t length, char *out, size_t bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        int c = (unsigned char)text[i];
        if (c == '%' && i + 2 < length && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            c = hex(text[i + 1]) * 16 + hex(text[i + 2]);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || at + 1 >= bytes)
            return false;
        out[at++] = (char)c;
    }
    out[at] = 0;
    return true;
}

// ---- what may stand behind an address: one row a key ----

static bool take_bearer(struct ifl_address *address, const char *value)
{
    snprintf(address->bearer, sizeof address->bearer, "%s", value);
    return value[0] && !strncasecmp(address->url, "http", 4);
}

static bool take_tls(struct ifl_address *address, const char *value)
{
    address->any_certificate = !strcmp(value, "any");
    return address->any_certificate;
}

static bool take_ca(struct ifl_address *address, const char *value)
{
    snprintf(address->ca_file, sizeof address->ca_file, "%s", value);
    return value[0] == '/' && strlen(value) < sizeof address->ca_file;
}

static bool take_size(struct ifl_address *address, const char *value)
{
    int used = 0;
    return strlen(value) <= 11 &&
           sscanf(value, "%5dx%5d%n", &address->width, &address->height, &used) == 2 &&
           !value[used] && address->width >= 16 && address->height >= 16;
}

static bool take_rate(struct ifl_address *address, const char *value)
{
    char *end;
    address->rate = strtod(value, &end);
    return end != value && !*end && address->rate > 0 && address->rate <= 1000;
}

static bool take_format(struct ifl_address *address, const char *value)
{
    snprintf(address->format, sizeof address->format, "%s", value);
    for (const char *c = value; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return value[0] && strlen(value) < sizeof address->format;
}

static const struct key {
    const char *name;
    bool webcam;
    bool (*take)(struct ifl_address *address, const char *value);
    const char *wanted;
} keys[] = {
    {"bearer", false, take_bearer,
     "a token of printable characters; http and https take one, "
     "other cameras take user:password or a query parameter"},
    {"tls", false, take_tls, "any, to take any certificate"},
    {"ca", false, take_ca, "the absolute path of a PEM file"},
    {"size", true, take_size, "WIDTHxHEIGHT"},
    {"rate", true, take_rate, "frames/s, up to 1000"},
    {"format", true, take_format, "a pixel format or codec as `inferloop probe webcam` lists it"},
};

static enum ifl_result take_key(struct ifl_address *address, const char *text, size_t length,
                                bool webcam, struct ifl_error *error)
{
    const char *equals = memchr(text, '=', length);
    size_t name = equals ? (size_t)(equals - text) : length;
    char value[VALUE_MAX] = "";
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i].webcam != webcam || strlen(keys[i].name) != name ||
            strncmp(keys[i].name, text, name) != 0)
            continue;
        if (equals && decode(equals + 1, length - name - 1, value, sizeof value) &&
            keys[i].take(address, value))
            return IFL_OK;
        return ifl_fail(error, IFL_ERR_INVALID, room, "%s in a source's URI is %s", keys[i].name,
                        keys[i].wanted);
    }
    return ifl_fail(error, IFL_ERR_INVALID, room,
                    webcam ? "a webcam's URI takes ?size=WxH&rate=R&format=NAME and nothing else"
                           : "behind the # of a source's URI stand bearer=TOKEN, tls=any or "
                             "ca=/FILE and nothing else");
}

static enum ifl_result take_keys(struct ifl_address *address, const char *text, bool webcam,
                                 struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    while (*text && result == IFL_OK) {
        size_t length = strcspn(text, "&");
        result = take_key(address, text, length, webcam, error);
        text += length + (text[length] == '&');
    }
    return result;
}

// ---- addresses ----

static bool is_webcam(const char *uri)
{
    return !strncasecmp(uri, "webcam", 6) && (!uri[6] || uri[6] == ':' || uri[6] == '?');
}

enum ifl_result ifl_address_parse(const char *uri, struct ifl_address *address,
                                  struct ifl_error *error)
{
    *address = (struct ifl_address){0};
    bool webcam = is_webcam(uri);
    const char *start = webcam ? uri + 6 + (uri[6] == ':') : uri;
    const char *mark = webcam ? strchr(start, '?') : strrchr(start, '#');
    if (!webcam && mark && strchr(mark, '@')) // a password may hold anything
        mark = NULL;
    size_t length = mark ? (size_t)(mark - start) : strlen(start);
    if (length >= sizeof address->url)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, room, "a source's URI has at most %d bytes",
                        IFL_ADDRESS_MAX - 1);
    memcpy(address->url, start, length);
    return mark ? take_keys(address, mark + 1, webcam, error) : IFL_OK;
}

// From behind the user to the end of host and port.
static const char *authority(const char *url, size_t *length)
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url + strlen(url);
    *length = strcspn(start, "/?#");
    for (size_t i = *length; i > 0; i--)
        if (start[i - 1] == '@') {
            *length -= i;
            return start + i;
        }
    return start;
}

void ifl_address_host(const char *url, char *host, size_t bytes)
{
    size_t length;
    const char *start = authority(url, &length);
    size_t end = length;
    if (length && start[0] == '[') {
        start++;
        end = strcspn(start, "]");
        if (end > length - 1)
            end = length - 1;
    } else {
        for (size_t i = 0; i < length; i++)
            if (start[i] == ':') {
                end = i;
                break;
            }
    }
    snprintf(host, bytes, "%.*s", (int)(end < bytes ? end : bytes - 1), start);
}

int ifl_address_port(const char *url, int usual)
{
    size_t length;
    const char *start = authority(url, &length);
    for (size_t i = length; i > 0 && start[i - 1] != ']'; i--)
        if (start[i - 1] == ':') {
            int port = atoi(start + i);
            return port > 0 && port < 65536 ? port : usual;
        }
    return usual;
}

enum ifl_result ifl_address_bare_login(struct ifl_address *address, struct ifl_error *error)
{
    char user[LOGIN_MAX + 1] = "", password[LOGIN_MAX + 1] = "";
    size_t length;
    const char *host = authority(address->url, &length), *start = strstr(address->url, "://");
    if (!start || host == start + 3)
        return IFL_OK;
    start += 3;
    size_t login = (size_t)(host - 1 - start), name = strcspn(start, ":");
    bool colon = name < login;
    name = colon ? name : login;
    bool fits = decode(start, name, user, sizeof user) &&
                (!colon || decode(start + name + 1, login - name - 1, password, sizeof password));
    if (!fits || strpbrk(user, ":/?#") || strpbrk(password, "/?#"))
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, room,
                        "FFmpeg can't hand this login to an RTMP server: user and password have at "
                        "most %d bytes and no / ? or #, the user no colon; choose another one",
                        LOGIN_MAX);
    char *out = address->url + (start - address->url);
    size_t at = strlen(user), tail = strlen(host);
    memcpy(out, user, at);
    if (colon) {
        out[at++] = ':';
        memcpy(out + at, password, strlen(password));
        at += strlen(password);
    }
    out[at++] = '@';
    memmove(out + at, host, tail + 1); // never longer than it was
    return IFL_OK;
}
