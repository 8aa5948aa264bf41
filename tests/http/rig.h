// SPDX-License-Identifier: Apache-2.0
// A running server with a fake pipeline behind, and checks of its answers.
#ifndef IFL_TESTS_HTTP_RIG_H
#define IFL_TESTS_HTTP_RIG_H

#include "support.h"

#include <jansson.h>

#include "client.h"
#include "fake_pipeline.h"
#include "http/server.h"

struct rig {
    struct ifl_pipeline *fake; // holds three images at first
    struct ifl_http *http;
    int port;
};
extern struct rig under; // test

int rig_start(void **state);
int rig_stop(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_stop)

struct answer get(const char *path);
// Asks and checks the status.
json_t *get_json(const char *path, int status);
// The string; fails where it is none.
const char *text_at(json_t *value, const char *key);
// The error's shape, code and a part of its sentence.
void check_error(const struct answer *answer, int status, const char *code, const char *part);
void check_get_error(const char *path, int status, const char *code, const char *part);
// Status 200, this type, these first bytes.
void check_image(const char *path, const char *type, const char *magic, size_t bytes);

#endif
