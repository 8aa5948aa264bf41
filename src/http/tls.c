// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "base/file.h"

static const char room[] = "http";

enum { FILE_BYTES_MAX = 1 << 20 };

static enum ifl_result read_pem(const char *path, const char *label, const char *what, char **text,
                                struct ifl_error *error)
{
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_read_file(path, FILE_BYTES_MAX, &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    *text = (char *)bytes;
    if (!strstr(*text, label) || !strstr(*text, "-----BEGIN"))
        return ifl_fail(error, IFL_ERR_INVALID, room, "%s holds no %s in PEM form", path, what);
    return IFL_OK;
}

// The one thing that goes wrong with two good files: they are not of each other.
static enum ifl_result check_pair(const struct ifl_tls *tls, const char *certificate_file,
                                  const char *key_file, struct ifl_error *error)
{
    gnutls_certificate_credentials_t credentials;
    if (gnutls_certificate_allocate_credentials(&credentials) != GNUTLS_E_SUCCESS)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the certificate");
    gnutls_datum_t certificate = {(unsigned char *)tls->certificate,
                                  (unsigned)strlen(tls->certificate)};
    gnutls_datum_t key = {(unsigned char *)tls->key, (unsigned)strlen(tls->key)};
    int code =
        gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "the key in %s is not that of the certificate in %s", key_file,
                        certificate_file);
    if (code < 0)
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "the certificate in %s and the key in %s can't be used: %s",
                        certificate_file, key_file, gnutls_strerror(code));
    return IFL_OK;
}

enum ifl_result ifl_tls_load(const char *certificate_file, const char *key_file,
                             struct ifl_tls *tls, struct ifl_error *error)
{
    bool has_certificate = certificate_file && certificate_file[0];
    bool has_key = key_file && key_file[0];
    *tls = (struct ifl_tls){0};
    if (has_certificate != has_key)
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "TLS needs a certificate and its key; %s is missing",
                        has_key ? "--tls-cert" : "--tls-key");
    if (!has_key)
        return IFL_OK;
    enum ifl_result result =
        read_pem(certificate_file, "CERTIFICATE-----", "certificate", &tls->certificate, error);
    if (result == IFL_OK)
        result = read_pem(key_file, "PRIVATE KEY-----", "private key", &tls->key, error);
    if (result == IFL_OK)
        result = check_pair(tls, certificate_file, key_file, error);
    if (result != IFL_OK)
        ifl_tls_fini(tls);
    return result;
}

void ifl_tls_fini(struct ifl_tls *tls)
{
    if (tls->key)
        explicit_bzero(tls->key, strlen(tls->key));
    free(tls->key);
    free(tls->certificate);
    *tls = (struct ifl_tls){0};
}
