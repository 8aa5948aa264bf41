// SPDX-License-Identifier: Apache-2.0
// Addresses of cameras taken apart, secrets put into them, and challenges of servers. The URI has
// to come apart into pieces that fit, and a secret can't leave its place.
#include "support.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/secrets.h"
#include "source/address.h"
#include "source/challenge.h"

#define SECRET "p@s/w?r#d&x=%${IFL_FUZZ}"

static void try_address(const char *text)
{
    static struct ifl_address address;
    struct ifl_error error = {0};
    enum ifl_result result = ifl_address_parse(text, &address, &error);
    fuzz_must_explain(result, &error);
    char host[64];
    ifl_address_host(text, host, sizeof host);
    MUST(memchr(host, 0, sizeof host) != NULL);
    MUST(!strpbrk(host, "/?#@"));
    int port = ifl_address_port(text, 554);
    MUST(port > 0 && port < 65536);
    if (result != IFL_OK)
        return;
    MUST(strlen(address.url) <= strlen(text));
    for (const char *at = address.bearer; *at; at++)
        MUST(!iscntrl((unsigned char)*at)); // it becomes a header
    MUST(!address.ca_file[0] || address.ca_file[0] == '/');
    MUST(!address.width || (address.width >= 16 && address.height >= 16));
    MUST(address.rate >= 0 && address.rate <= 1000);
    fuzz_must_explain(ifl_address_bare_login(&address, &error), &error);
    MUST(strlen(address.url) <= strlen(text));
}

// Files are left alone: the input would name them.
static void try_secrets(const char *text)
{
    static char out[IFL_URI_MAX], small[64];
    struct ifl_error error = {0};
    if (strstr(text, "file:"))
        return;
    enum ifl_result result = ifl_secrets_expand(text, out, sizeof out, &error);
    fuzz_must_explain(result, &error);
    MUST(memchr(out, 0, sizeof out) != NULL);
    MUST(!strstr(error.text, SECRET));
    if (!ifl_secrets_wanted(text) && strlen(text) < sizeof out)
        MUST(result == IFL_OK && !strcmp(out, text));
    if (!strstr(text, SECRET))
        MUST(!strstr(out, SECRET)); // encoded
    MUST(ifl_secrets_expand(text, small, sizeof small, NULL) <= IFL_OK);
    MUST(memchr(small, 0, sizeof small) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *text = fuzz_text(bytes, count);
    setenv("IFL_FUZZ", SECRET, 1);
    try_address(text);
    try_secrets(text);
    struct ifl_challenge challenge;
    ifl_challenge_read(text, &challenge);
    MUST(challenge.offered || !challenge.known);
    free(text);
    return 0;
}
