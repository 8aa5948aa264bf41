// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

struct rig under;

int rig_start(void **state)
{
    (void)state;
    struct ifl_error error;
    struct ifl_request request;
    ifl_request_init(&request);
    under.fake = fake_create();
    request.seed = UINT64_MAX;
    fake_deliver(under.fake, "cam", "first.png", &request);
    fake_deliver(under.fake, "gate", "second.jpg", &request);
    fake_deliver(under.fake, "cam", "third one.webp", &request);
    struct ifl_http_config config = {.listen = "127.0.0.1:0"};
    check_ok(ifl_http_start(under.fake, &config, &under.http, &error), error);
    under.port = ifl_http_port(under.http);
    return 0;
}

int rig_stop(void **state)
{
    (void)state;
    fake_stop(under.fake);
    ifl_http_stop(under.http);
    fake_destroy(under.fake);
    return 0;
}

struct answer get(const char *path)
{
    return client_get(under.port, path);
}

json_t *get_json(const char *path, int status)
{
    struct answer answer = get(path);
    if (answer.status != status)
        fail_msg("%s: %d, wanted %d: %s", path, answer.status, status, answer.body);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/json");
    assert_string_equal(answer_header(&answer, "Cache-Control"), "no-store");
    json_t *value = json_loadb(answer.body, answer.bytes, 0, NULL);
    if (!value)
        fail_msg("%s: not JSON: %s", path, answer.body);
    answer_free(&answer);
    return value;
}

const char *text_at(json_t *value, const char *key)
{
    const char *text = json_string_value(json_object_get(value, key));
    if (!text)
        fail_msg("no string %s", key);
    return text ? text : "";
}

void check_error(const struct answer *answer, int status, const char *code, const char *part)
{
    json_t *value = json_loadb(answer->body, answer->bytes, 0, NULL);
    json_t *error = json_object_get(value, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    if (answer->status != status || !error || strcmp(text_at(error, "code"), code) != 0 ||
        !message || !strstr(message, part) || !json_is_object(json_object_get(error, "details")))
        fail_msg("wanted %d %s \"%s\", got %d %s", status, code, part, answer->status,
                 answer->body);
    json_decref(value);
}

void check_get_error(const char *path, int status, const char *code, const char *part)
{
    struct answer answer = get(path);
    check_error(&answer, status, code, part);
    answer_free(&answer);
}

void check_image(const char *path, const char *type, const char *magic, size_t bytes)
{
    struct answer answer = get(path);
    if (answer.status != 200)
        fail_msg("%s: %d %s", path, answer.status, answer.body);
    assert_string_equal(answer_header(&answer, "Content-Type"), type);
    assert_true(answer.bytes > 100);
    assert_memory_equal(answer.body, magic, bytes);
    answer_free(&answer);
}
