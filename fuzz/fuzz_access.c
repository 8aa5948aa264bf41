// SPDX-License-Identifier: Apache-2.0
// The headers that open the door. Lines: Authorization, Cookie; in the second, @ stands for the
// token of a session. Who holds neither key nor token has no role.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "http/access.h"

#define READ_KEY  "00000000000000000000000000000000000000000000000000000000000000aa"
#define WRITE_KEY "00000000000000000000000000000000000000000000000000000000000000bb"

enum { HEADER_BYTES = 8192 };

static struct ifl_access *access_;
static char token[IFL_KEY_BYTES + 1];

// The keys are read once, so the folder goes at once.
static void open_door(void)
{
    char folder[] = "/tmp/inferloop-fuzz-XXXXXX", path[2][64];
    struct ifl_error error;
    MUST(mkdtemp(folder) != NULL);
    snprintf(path[0], sizeof path[0], "%s/read.key", folder);
    snprintf(path[1], sizeof path[1], "%s/write.key", folder);
    MUST(ifl_write_file(path[0], READ_KEY, IFL_KEY_BYTES, 0600, &error) == IFL_OK);
    MUST(ifl_write_file(path[1], WRITE_KEY, IFL_KEY_BYTES, 0600, &error) == IFL_OK);
    enum ifl_result result = ifl_access_create(folder, &access_, &error);
    unlink(path[0]);
    unlink(path[1]);
    rmdir(folder);
    MUST(result == IFL_OK);
    MUST(ifl_access_begin(access_, IFL_ROLE_READ, token));
}

static void try_key(const char *authorization)
{
    enum ifl_role role = ifl_access_role(access_, authorization, NULL);
    MUST(role != IFL_ROLE_READ || strstr(authorization, READ_KEY));
    MUST(role != IFL_ROLE_WRITE || strstr(authorization, WRITE_KEY));
    ifl_access_key_role(access_, authorization, strlen(authorization));
}

static void try_cookie(const char *text)
{
    char cookie[HEADER_BYTES];
    const char *at = strchr(text, '@');
    if (strlen(text) + sizeof token > sizeof cookie)
        return;
    int before = at ? (int)(at - text) : (int)strlen(text);
    snprintf(cookie, sizeof cookie, "%.*s%s%s", before, text, at ? token : "", at ? at + 1 : "");
    enum ifl_role role = ifl_access_role(access_, NULL, cookie);
    MUST(role == IFL_ROLE_NONE || (role == IFL_ROLE_READ && at));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *text = fuzz_text(bytes, count), *rest = text;
    char *authorization = fuzz_line(&rest), *cookie = fuzz_line(&rest);
    if (!access_)
        open_door();
    try_key(authorization ? authorization : "");
    try_cookie(cookie ? cookie : "");
    ifl_access_is_open(authorization ? authorization : "");
    free(text);
    return 0;
}
