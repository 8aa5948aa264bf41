// SPDX-License-Identifier: Apache-2.0
// The files of the page, put into the program by embed.py when it is built.
#ifndef IFL_HTTP_PAGE_H
#define IFL_HTTP_PAGE_H

#include <stddef.h>

struct ifl_page_file {
    const char *name; // "index.html"
    const char *type; // "text/html; charset=utf-8"
    const char *tag;  // hash of the content, quoted, for ETag
    const unsigned char *bytes;
    size_t count;
};
extern const struct ifl_page_file ifl_page_files[]; // ends with a row without name

#endif
