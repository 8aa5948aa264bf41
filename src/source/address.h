// SPDX-License-Identifier: Apache-2.0
// Addresses of cameras, taken apart: what goes to FFmpeg or libcurl, and what is for us.
//
// In: a URI with its secrets in place. Out: the URL proper, and what stands behind it. Network
// cameras take "#key=value&...", which no server ever sees: bearer=TOKEN (http, https), tls=any
// (take any certificate), ca=FILE (trust these authorities). Webcams take "?size=WxH&rate=R&
// format=NAME". What is unknown or does not fit is refused by name.
#ifndef IFL_SOURCE_ADDRESS_H
#define IFL_SOURCE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "inferloop/error.h"

enum { IFL_ADDRESS_MAX = 8192, IFL_TOKEN_MAX = 4096 };

struct ifl_address {
    char url[IFL_ADDRESS_MAX]; // of a webcam: the device, or ""
    char bearer[IFL_TOKEN_MAX];
    char ca_file[256];
    bool any_certificate;
    int width, height; // of a webcam; 0: its own
    double rate;       // likewise
    char format[16];   // likewise; ""
};
enum ifl_result ifl_address_parse(const char *uri, struct ifl_address *address,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

// The host of a URL, without port, user and brackets; "" where there is none. And its port.
void ifl_address_host(const char *url, char *host, size_t bytes);
int ifl_address_port(const char *url, int usual);
// FFmpeg hands user and password to an RTMP server as they stand in the URL. So they are decoded
// here, in place; what would not arrive whole is refused.
enum ifl_result ifl_address_bare_login(struct ifl_address *address,
                                       struct ifl_error *error) IFL_CHECK_RESULT;

#endif
