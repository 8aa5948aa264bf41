// SPDX-License-Identifier: Apache-2.0
// One body of HTTP or HTTPS as it comes, through libcurl: it knows Digest in all its kinds, checks
// certificates, and tells what the server says (Retry-After).
//
// In: a URL. Out: bytes, read like a file. Redirects are followed within http and https, from https
// to https alone, at most five; credentials go to the first host only. Headers end after 64 KiB.
// Waits as long as the guard allows. One thread.
#ifndef IFL_SOURCE_WEB_H
#define IFL_SOURCE_WEB_H

#include "source/address.h"
#include "source/av.h"

struct ifl_web;
// Returns once the first bytes of the body are there. `url`: of `address`, or one that it led to.
enum ifl_result ifl_web_open(const struct ifl_address *address, const char *url, const char *shown,
                             struct ifl_av_guard *guard, struct ifl_web **web,
                             struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_web_close(struct ifl_web *web); // takes NULL
// As AVIOContext reads: bytes, or AVERROR_EOF, AVERROR_EXIT (the guard), AVERROR(EIO).
int ifl_web_read(void *web, uint8_t *buffer, int bytes);
const char *ifl_web_type(const struct ifl_web *web); // the Content-Type, or ""

#endif
