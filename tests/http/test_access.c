// SPDX-License-Identifier: Apache-2.0
// Keys, roles, sessions, rates, certificates: each alone, then a server that asks for a key.
#include "rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "http/access.h"
#include "http/rate.h"
#include "http/routes.h"
#include "http/tls.h"

static char folder[64];
static char read_key[IFL_KEY_BYTES + 1], write_key[IFL_KEY_BYTES + 1];

static void path_of(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
}

static void read_file(const char *name, char key[IFL_KEY_BYTES + 1])
{
    char path[128];
    path_of(name, path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(key, 1, IFL_KEY_BYTES, file), IFL_KEY_BYTES);
    key[IFL_KEY_BYTES] = 0;
    fclose(file);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/inferloop-access-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"read.key", "write.key", "a.pem", "b.pem"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_of(names[i], path);
        unlink(path);
    }
    return rmdir(folder);
}

static struct ifl_access *open_access(void)
{
    struct ifl_access *access;
    struct ifl_error error;
    check_ok(ifl_access_create(folder, &access, &error), error);
    read_file("read.key", read_key);
    read_file("write.key", write_key);
    return access;
}

static enum ifl_role role_of(struct ifl_access *access, const char *format, const char *key)
{
    char header[256];
    snprintf(header, sizeof header, format, key);
    return ifl_access_role(access, header, NULL);
}

// ---- keys ----

static void makes_two_keys_that_only_the_owner_reads(void **state)
{
    (void)state;
    ifl_access_destroy(open_access());
    assert_string_not_equal(read_key, write_key);
    assert_int_equal(strspn(read_key, "0123456789abcdef"), IFL_KEY_BYTES);
    static const char *const names[] = {"read.key", "write.key"};
    for (int i = 0; i < 2; i++) {
        char path[128];
        struct stat info;
        path_of(names[i], path);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
    }
    char before[IFL_KEY_BYTES + 1];
    memcpy(before, read_key, sizeof before);
    ifl_access_destroy(open_access());
    assert_string_equal(before, read_key); // the next start takes the same
}

static void keys_have_their_role(void **state)
{
    (void)state;
    struct ifl_access *access = open_access();
    assert_int_equal(role_of(access, "Bearer %s", read_key), IFL_ROLE_READ);
    assert_int_equal(role_of(access, "bearer  %s", write_key), IFL_ROLE_WRITE);
    assert_int_equal(role_of(access, "Bearer %s ", write_key), IFL_ROLE_WRITE);
    assert_int_equal(role_of(access, "Basic %s", read_key), IFL_ROLE_NONE);
    assert_int_equal(role_of(access, "%s", read_key), IFL_ROLE_NONE);
    assert_int_equal(role_of(access, "Bearer %s0", read_key), IFL_ROLE_NONE);
    assert_int_equal(role_of(access, "Bearer %s", ""), IFL_ROLE_NONE);
    assert_int_equal(role_of(access, "Bearer %.63s", read_key), IFL_ROLE_NONE);
    assert_int_equal(ifl_access_role(access, NULL, NULL), IFL_ROLE_NONE);
    for (int i = 0; i < IFL_KEY_BYTES; i++) { // each digit counts
        char wrong[IFL_KEY_BYTES + 1];
        memcpy(wrong, read_key, sizeof wrong);
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        assert_false(ifl_same_key(wrong, IFL_KEY_BYTES, read_key));
        assert_int_equal(role_of(access, "Bearer %s", wrong), IFL_ROLE_NONE);
    }
    char twice[2 * IFL_KEY_BYTES + 1];
    snprintf(twice, sizeof twice, "%s%s", read_key, read_key);
    assert_false(ifl_same_key(twice, 2 * IFL_KEY_BYTES, read_key));
    ifl_access_destroy(access);
}

static void files_without_a_key_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "\n", "secret", "zz", "0123"};
    char path[128];
    path_of("write.key", path);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ifl_access *access = NULL;
        struct ifl_error error;
        check_ok(ifl_write_file(path, bad[i], strlen(bad[i]), 0600, &error), error);
        assert_int_equal(ifl_access_create(folder, &access, &error), IFL_ERR_CORRUPT);
        assert_null(access);
        assert_non_null(strstr(error.text, path));
        assert_null(strstr(error.text, "secret"));
    }
    unlink(path);
    ifl_access_destroy(open_access());
    struct ifl_access *access;
    struct ifl_error error;
    check_ok(ifl_write_file(path, read_key, IFL_KEY_BYTES, 0600, &error), error);
    assert_int_equal(ifl_access_create(folder, &access, &error), IFL_ERR_INVALID); // the same twice
}

// ---- sessions ----

static void cookie_of(struct ifl_access *access, enum ifl_role role, char cookie[256])
{
    char token[IFL_KEY_BYTES + 1];
    assert_true(ifl_access_begin(access, role, token));
    snprintf(cookie, 256, "other=1; %s=%s; third=2", ifl_access_cookie(access), token);
}

static void sessions_end_and_give_way(void **state)
{
    (void)state;
    struct ifl_access *access = open_access();
    char first[256], second[256], more[256];
    cookie_of(access, IFL_ROLE_READ, first);
    cookie_of(access, IFL_ROLE_WRITE, second);
    assert_int_equal(ifl_access_role(access, NULL, first), IFL_ROLE_READ);
    assert_int_equal(ifl_access_role(access, NULL, second), IFL_ROLE_WRITE);
    assert_int_equal(ifl_access_role(access, "Bearer x", second), IFL_ROLE_NONE);
    ifl_access_end(access, second);
    assert_int_equal(ifl_access_role(access, NULL, second), IFL_ROLE_NONE);
    ifl_access_end(access, second);
    for (int i = 0; i < 63; i++)
        cookie_of(access, IFL_ROLE_READ, more);
    assert_int_equal(ifl_access_role(access, NULL, first), IFL_ROLE_READ);
    cookie_of(access, IFL_ROLE_READ, more); // the 65th takes the oldest one's place
    assert_int_equal(ifl_access_role(access, NULL, first), IFL_ROLE_NONE);
    assert_int_equal(ifl_access_role(access, NULL, more), IFL_ROLE_READ);
    char other[512];
    ifl_access_name(access, 8001); // another server's cookie
    assert_int_equal(ifl_access_role(access, NULL, more), IFL_ROLE_NONE);
    snprintf(other, sizeof other, "x%s=%s", ifl_access_cookie(access), read_key);
    assert_int_equal(ifl_access_role(access, NULL, other), IFL_ROLE_NONE);
    snprintf(other, sizeof other, "%s=%s", ifl_access_cookie(access), read_key);
    assert_int_equal(ifl_access_role(access, NULL, other), IFL_ROLE_NONE); // a key is no session
    assert_int_equal(ifl_access_role(access, NULL, ";;; =;"), IFL_ROLE_NONE);
    ifl_access_destroy(access);
}

// ---- rates ----

static int take(struct ifl_rate *rate, const char *address, double seconds)
{
    int64_t now_ns = (int64_t)(seconds * (double)IFL_SECOND_NS);
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return ifl_rate_take(rate, (struct sockaddr *)&v4, now_ns);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return ifl_rate_take(rate, (struct sockaddr *)&v6, now_ns);
}

static void buckets_empty_and_fill(void **state)
{
    (void)state;
    struct ifl_rate *rate = ifl_rate_create(60); // holds 15, one a second
    for (int i = 0; i < 15; i++)
        assert_int_equal(take(rate, "10.0.0.1", 100), 0);
    assert_int_equal(take(rate, "10.0.0.1", 100), 1);
    assert_int_equal(take(rate, "10.0.0.2", 100), 0); // another address
    assert_int_equal(take(rate, "10.0.0.1", 100.5), 1);
    assert_int_equal(take(rate, "10.0.0.1", 101.5), 0);
    assert_int_equal(take(rate, "10.0.0.1", 101.5), 1);
    assert_int_equal(take(rate, "10.0.0.1", 90), 1); // a clock that goes back gives nothing
    for (int i = 0; i < 15; i++)
        assert_int_equal(take(rate, "10.0.0.1", 1000), 0);
    assert_true(take(rate, "10.0.0.1", 1000) > 0);
    ifl_rate_destroy(rate);
    rate = ifl_rate_create(1);
    assert_int_equal(take(rate, "::1", 0), 0);
    assert_int_equal(take(rate, "::1", 0), 60);
    ifl_rate_destroy(rate);
}

static void networks_count_as_one_and_many_fit(void **state)
{
    (void)state;
    struct ifl_rate *rate = ifl_rate_create(4);
    assert_int_equal(take(rate, "2001:db8::1", 0), 0);
    assert_true(take(rate, "2001:db8::2", 0) > 0); // the same /64
    assert_int_equal(take(rate, "2001:db8:0:1::1", 0), 0);
    assert_int_equal(take(rate, "::ffff:10.0.0.9", 0), 0);
    assert_true(take(rate, "10.0.0.9", 0) > 0);
    for (int i = 0; i < 5000; i++) {
        char address[32];
        snprintf(address, sizeof address, "10.1.%d.%d", i / 250, i % 250);
        assert_int_equal(take(rate, address, 1), 0);
    }
    assert_int_equal(ifl_rate_take(rate, NULL, 0), 0);
    ifl_rate_destroy(rate);
}

// ---- certificates ----

static void wrong_certificate_files_are_named(void **state)
{
    (void)state;
    struct ifl_tls tls;
    struct ifl_error error;
    char a[128], b[128];
    static const char words[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static const char key[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    path_of("a.pem", a);
    path_of("b.pem", b);
    check_ok(ifl_tls_load(NULL, "", &tls, &error), error);
    assert_null(tls.certificate);
    assert_int_equal(ifl_tls_load(a, "", &tls, &error), IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "--tls-key"));
    assert_int_equal(ifl_tls_load("", b, &tls, &error), IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "--tls-cert"));
    assert_int_equal(ifl_tls_load(a, b, &tls, &error), IFL_ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, a));
    check_ok(ifl_write_file(a, key, sizeof key - 1, 0600, &error), error);
    check_ok(ifl_write_file(b, key, sizeof key - 1, 0600, &error), error);
    assert_int_equal(ifl_tls_load(a, b, &tls, &error), IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "no certificate"));
    check_ok(ifl_write_file(a, words, sizeof words - 1, 0600, &error), error);
    assert_int_equal(ifl_tls_load(a, a, &tls, &error), IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "no private key"));
    assert_int_equal(ifl_tls_load(a, b, &tls, &error), IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "can't be used"));
    assert_null(strstr(error.text, "AAAA"));
    assert_null(tls.key);
}

// ---- a server ----

static int start_guarded(void **state)
{
    struct ifl_error error;
    if (make_folder(state) != 0)
        return -1;
    under.fake = fake_create();
    struct ifl_request request;
    ifl_request_init(&request);
    fake_deliver(under.fake, "cam", "first.png", &request);
    struct ifl_http_config config = {.listen = "127.0.0.1:0",
                                     .require_key = true,
                                     .key_folder = folder,
                                     .requests_per_minute = 4000};
    check_ok(ifl_http_start(under.fake, &config, &under.http, &error), error);
    assert_true(ifl_http_needs_key(under.http));
    under.port = ifl_http_port(under.http);
    read_file("read.key", read_key);
    read_file("write.key", write_key);
    return 0;
}

static int stop_guarded(void **state)
{
    rig_stop(state);
    return remove_folder(state);
}
#define GUARDED(name) cmocka_unit_test_setup_teardown(name, start_guarded, stop_guarded)

static int status_with(const char *method, const char *path, const char *header)
{
    char request[1024];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHOST%s%sContent-Length: 0\r\n\r\n", method,
             path, header, header[0] ? "\r\n" : "");
    struct answer answer = client_ask(under.port, request);
    int status = answer.status;
    answer_free(&answer);
    return status;
}

static int status_with_key(const char *method, const char *path, const char *key)
{
    char header[256];
    snprintf(header, sizeof header, "Authorization: Bearer %s", key);
    return status_with(method, path, header);
}

static void nothing_shows_without_a_key(void **state)
{
    (void)state;
    static const char *const open[] = {"/healthz",       "/readyz",      "/login.css",
                                       "/style.css",     "/favicon.svg", "/favicon.ico",
                                       "/api/v1/session"};
    int count, closed = 0;
    const struct ifl_route *routes = ifl_routes(&count);
    for (int i = 0; i < count; i++) {
        bool free_for_all = false;
        for (size_t k = 0; k < sizeof open / sizeof open[0]; k++)
            free_for_all |= !strcmp(open[k], routes[i].path);
        if (free_for_all)
            continue;
        if (status_with(routes[i].method, routes[i].path, "") != 401)
            fail_msg("%s %s needs no key", routes[i].method, routes[i].path);
        closed++;
    }
    assert_true(closed > 12);
    assert_int_equal(status_with("GET", "/nothing", ""), 401); // not even what is not there
    assert_int_equal(status_with("GET", "/healthz/../metrics", ""), 401);
    assert_int_equal(status_with("GET", "/healthz", ""), 200);
    assert_int_equal(status_with("GET", "/style.css", ""), 200);
    assert_int_equal(status_with_key("GET", "/metrics", "0123"), 401);
    struct answer answer = get("/");
    assert_int_equal(answer.status, 401);
    assert_non_null(strstr(answer.body, "type=\"password\""));
    assert_null(strstr(answer.body, "role=\"alert\""));
    answer_free(&answer);
    answer = get("/api/v1/status");
    check_error(&answer, 401, "ERR_UNAUTHORIZED", "Authorization: Bearer");
    assert_non_null(strstr(answer_header(&answer, "WWW-Authenticate"), "Bearer"));
    answer_free(&answer);
}

static void roles_hold(void **state)
{
    (void)state;
    assert_int_equal(status_with_key("GET", "/api/v1/status", read_key), 200);
    assert_int_equal(status_with_key("HEAD", "/", read_key), 200);
    assert_int_equal(status_with_key("OPTIONS", "/api/v1/generate", read_key), 204);
    assert_int_equal(status_with_key("GET", "/metrics", write_key), 200);
    static const char *const writes[] = {"POST", "PUT", "DELETE", "PATCH", "BREW"};
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        assert_int_equal(status_with_key(writes[i], "/api/v1/generate", read_key), 403);
        assert_int_equal(status_with(writes[i], "/api/v1/generate", ""), 401);
    }
    int status = status_with_key("POST", "/api/v1/generate", write_key);
    assert_true(status == 201 || status == 200);
}

// Asks for a session; `cookie` receives "name=token".
static int sign_in(const char *type, const char *format, const char *key, char cookie[256])
{
    char body[256], request[1024];
    int bytes = snprintf(body, sizeof body, format, key);
    snprintf(request, sizeof request,
             "POST /api/v1/session HTTP/1.1\r\nHOSTContent-Type: %s\r\nContent-Length: "
             "%d\r\n\r\n%s",
             type, bytes, body);
    struct answer answer = client_ask(under.port, request);
    const char *set = answer_header(&answer, "Set-Cookie");
    assert_non_null(set);
    set = set ? set : ""; // compilers do not know that the line above does not return then
    snprintf(cookie, 256, "Cookie: %.*s", (int)strcspn(set, ";"), set);
    int status = answer.status;
    if (status < 400) {
        assert_non_null(strstr(set, "HttpOnly"));
        assert_non_null(strstr(set, "SameSite=Strict"));
        assert_null(strstr(answer.text, key));
    }
    answer_free(&answer);
    return status;
}

static void browsers_sign_in_by_a_form(void **state)
{
    (void)state;
    char cookie[256], header[512];
    const char *form = "application/x-www-form-urlencoded";
    assert_int_equal(sign_in(form, "key=%s", read_key, cookie), 303);
    assert_int_equal(status_with("GET", "/", cookie), 200);
    assert_int_equal(status_with("POST", "/api/v1/generate", cookie), 403);
    assert_int_equal(status_with("DELETE", "/api/v1/session", cookie), 204);
    assert_int_equal(status_with("GET", "/", cookie), 401);
    assert_int_equal(sign_in("application/json", "{\"key\": \"%s\"}", write_key, cookie), 200);
    int status = status_with("POST", "/api/v1/generate", cookie);
    assert_true(status == 201 || status == 200);
    // A page of another site: the browser would send no cookie; if it did, the origin tells.
    snprintf(header, sizeof header, "%s\r\nOrigin: http://evil.example", cookie);
    assert_int_equal(status_with("POST", "/api/v1/generate", header), 403);
    assert_int_equal(sign_in(form, "key=%s", "0123", cookie), 401);
    assert_int_equal(sign_in(form, "kex=%s", read_key, cookie), 400);
    assert_int_equal(sign_in("application/json", "{\"key\": 1, \"x\": \"%s\"}", read_key, cookie),
                     400);
    assert_int_equal(sign_in("application/json", "[\"%s\"]", read_key, cookie), 400);
    assert_int_equal(sign_in("application/json", "{\"key\": \"%s\"}", "0123", cookie), 401);
}

static void too_many_requests_wait(void **state)
{
    (void)state;
    int refused = 0;
    for (int i = 0; i < 100000 && !refused; i++) { // the allowance refills meanwhile
        struct answer answer = get("/healthz");
        if (answer.status == 429) {
            check_error(&answer, 429, "ERR_BUSY", "--requests-per-minute");
            assert_true(atoi(answer_header(&answer, "Retry-After")) >= 1);
            refused = i;
        }
        answer_free(&answer);
    }
    assert_true(refused >= 1000); // a quarter of a minute's worth
}

static void other_addresses_need_a_folder_of_keys(void **state)
{
    (void)state;
    struct ifl_pipeline *fake = fake_create();
    struct ifl_http *http;
    struct ifl_error error;
    struct ifl_http_config config = {.listen = "0.0.0.0:0"};
    assert_int_equal(ifl_http_start(fake, &config, &http, &error), IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "--key-dir"));
    config = (struct ifl_http_config){.listen = "127.0.0.1:0", .require_key = true};
    assert_int_equal(ifl_http_start(fake, &config, &http, &error), IFL_ERR_INVALID);
    fake_stop(fake);
    fake_destroy(fake);
}

#define FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER(makes_two_keys_that_only_the_owner_reads),
        FOLDER(keys_have_their_role),
        FOLDER(files_without_a_key_are_refused),
        FOLDER(sessions_end_and_give_way),
        cmocka_unit_test(buckets_empty_and_fill),
        cmocka_unit_test(networks_count_as_one_and_many_fit),
        FOLDER(wrong_certificate_files_are_named),
        GUARDED(nothing_shows_without_a_key),
        GUARDED(roles_hold),
        GUARDED(browsers_sign_in_by_a_form),
        GUARDED(too_many_requests_wait),
        cmocka_unit_test(other_addresses_need_a_folder_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
