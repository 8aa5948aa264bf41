// SPDX-License-Identifier: Apache-2.0
// The certificate and its key: two PEM files to the texts that the HTTP library takes, looked at
// first, so that a wrong file is named when the program starts and not at the first client.
#ifndef IFL_HTTP_TLS_H
#define IFL_HTTP_TLS_H

#include "inferloop/error.h"

struct ifl_tls {
    char *certificate, *key; // PEM, 0 behind; NULL: no TLS
};

// Both names, or neither (NULL or ""), which gives no TLS.
enum ifl_result ifl_tls_load(const char *certificate_file, const char *key_file,
                             struct ifl_tls *tls, struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_tls_fini(struct ifl_tls *tls);

#endif
