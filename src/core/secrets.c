// SPDX-License-Identifier: Apache-2.0
#include "core/secrets.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

static const char room[] = "config";

enum { NAME_MAX_BYTES = 512 };

size_t ifl_secrets_place(const char *text)
{
    if (strncmp(text, "${", 2) != 0)
        return 0;
    size_t length = strcspn(text, "}");
    return text[length] ? length + 1 : 0;
}

bool ifl_secrets_wanted(const char *uri)
{
    return strstr(uri, "${") != NULL;
}

struct output {
    char *out;
    size_t bytes, at;
};

static bool put(struct output *output, const char *text, size_t length)
{
    if (length >= output->bytes - output->at)
        return false;
    memcpy(output->out + output->at, text, length);
    output->at += length;
    output->out[output->at] = 0;
    return true;
}

static bool put_encoded(struct output *output, const char *secret, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)secret[i];
        char code[4];
        bool plain = c < 0x80 && (isalnum(c) || strchr("-._~", c));
        snprintf(code, sizeof code, plain ? "%c" : "%%%02X", c);
        if (!put(output, code, strlen(code)))
            return false;
    }
    return true;
}

static enum ifl_result too_long(struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_TOO_LARGE, room,
                    "a source's URI with its secrets is longer than %d bytes", IFL_URI_MAX - 1);
}

static enum ifl_result put_variable(struct output *output, const char *name,
                                    struct ifl_error *error)
{
    const char *value = getenv(name);
    if (!value || !value[0])
        return ifl_fail(error, IFL_ERR_UNAUTHORIZED, room,
                        "the secret ${%.60s} is not there; set the variable for inferloop", name);
    size_t length = strlen(value);
    return length <= IFL_SECRET_MAX && put_encoded(output, value, length) ? IFL_OK
                                                                          : too_long(error);
}

// Without the newline that editors leave at the end.
static enum ifl_result put_file(struct output *output, const char *path, struct ifl_error *error)
{
    uint8_t *bytes = NULL;
    size_t count = 0;
    struct ifl_error inner = {0};
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) // which might wait for ever
        return ifl_fail(error, IFL_ERR_UNAUTHORIZED, room,
                        "the secret %s is no file; write it into one", path);
    if (ifl_read_file(path, IFL_SECRET_MAX, &bytes, &count, &inner) != IFL_OK)
        return ifl_fail(error, IFL_ERR_UNAUTHORIZED, room,
                        "the secret ${file:...} is not there: %s", inner.text);
    while (count && (bytes[count - 1] == '\n' || bytes[count - 1] == '\r'))
        count--;
    enum ifl_result result = IFL_OK;
    if (!count || memchr(bytes, 0, count))
        result = ifl_fail(error, IFL_ERR_UNAUTHORIZED, room,
                          "the file %s holds no secret; write it there as one line", path);
    else if (!put_encoded(output, (const char *)bytes, count))
        result = too_long(error);
    memset(bytes, 0, count);
    free(bytes);
    return result;
}

static enum ifl_result put_secret(struct output *output, const char *place, size_t length,
                                  struct ifl_error *error)
{
    char name[NAME_MAX_BYTES];
    bool good = length > 3 && length - 3 < sizeof name;
    snprintf(name, sizeof name, "%.*s", good ? (int)(length - 3) : 0, place + 2);
    bool file = !strncmp(name, "file:", 5);
    for (const char *c = name; good && !file && *c; c++)
        good = isalnum((unsigned char)*c) || *c == '_';
    if (!good || (file && !name[5]))
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "a secret in a URI is ${NAME} of the environment or ${file:/its/path}");
    return file ? put_file(output, name + 5, error) : put_variable(output, name, error);
}

enum ifl_result ifl_secrets_expand(const char *uri, char *out, size_t out_bytes,
                                   struct ifl_error *error)
{
    struct output output = {out, out_bytes, 0};
    out[0] = 0;
    while (*uri) {
        size_t plain = strcspn(uri, "$");
        if (!plain && strncmp(uri, "${", 2) != 0)
            plain = 1 + strcspn(uri + 1, "$");
        if (plain) {
            if (!put(&output, uri, plain))
                return too_long(error);
            uri += plain;
            continue;
        }
        size_t length = ifl_secrets_place(uri);
        enum ifl_result result = put_secret(&output, uri, length, error);
        if (result != IFL_OK)
            return result;
        uri += length;
    }
    return IFL_OK;
}
