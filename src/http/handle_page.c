// SPDX-License-Identifier: Apache-2.0
// The page and its files.
#include "http/handlers.h"

#include <string.h>

#include "http/page.h"
#include "http/routes.h"

static const struct ifl_page_file *find(const char *path)
{
    const char *name = strcmp(path, "/") == 0              ? "index.html"
                       : strcmp(path, "/favicon.ico") == 0 ? "favicon.svg"
                                                           : path + 1;
    const struct ifl_page_file *file = ifl_page_files;
    while (file->name && strcmp(file->name, name) != 0)
        file++;
    return file;
}

enum MHD_Result ifl_handle_page(struct ifl_exchange *exchange)
{
    const struct ifl_page_file *file = find(exchange->route->path);
    const char *known = ifl_exchange_header(exchange, "If-None-Match");
    bool same = known && strcmp(known, file->tag) == 0;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        same ? 0 : file->count, (void *)(size_t)file->bytes, MHD_RESPMEM_PERSISTENT);
    if (response) {
        MHD_add_response_header(response, "Content-Type", file->type);
        MHD_add_response_header(response, "ETag", file->tag);
        MHD_add_response_header(response, "Cache-Control", "no-cache");
    }
    return ifl_reply(exchange, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}
