// SPDX-License-Identifier: Apache-2.0
#include "source/challenge.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "source/address.h"

enum { ANSWER_BYTES = 8192, PATIENCE_MS = 200, READS_MAX = 3 };

// FFmpeg takes a Digest without algorithm, or with MD5.
static bool is_known(const char *line, size_t length)
{
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1),
             line);
    if (strcasestr(text, "basic"))
        return true;
    const char *algorithm = strcasestr(text, "algorithm");
    if (!strcasestr(text, "digest"))
        return false;
    if (!algorithm)
        return true;
    algorithm += strcspn(algorithm, "=");
    algorithm += strspn(algorithm, "= \t\"");
    return !strncasecmp(algorithm, "MD5", 3) && !(algorithm[3] == '-' || algorithm[3] == '_');
}

void ifl_challenge_read(const char *answer, struct ifl_challenge *challenge)
{
    static const char name[] = "WWW-Authenticate:";
    *challenge = (struct ifl_challenge){0};
    for (const char *line = answer; *line;
         line += line[strcspn(line, "\n")] ? strcspn(line, "\n") + 1 : strcspn(line, "\n")) {
        if (strncasecmp(line, name, sizeof name - 1) != 0)
            continue;
        challenge->offered = true;
        challenge->known |= is_known(line, strcspn(line, "\n"));
    }
}

static int dial(const struct ifl_resolved *camera, int port)
{
    struct sockaddr_storage address = camera->address;
    in_port_t ordered = htons((uint16_t)port);
    if (address.ss_family == AF_INET)
        ((struct sockaddr_in *)&address)->sin_port = ordered;
    else if (address.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address)->sin6_port = ordered;
    struct timeval patience = {.tv_usec = PATIENCE_MS * 1000};
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, camera->bytes) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool ask(int fd, const char *url, char answer[ANSWER_BYTES])
{
    char request[2048], host[256];
    ifl_address_host(url, host, sizeof host);
    const char *path = strstr(url, "://");
    path = path ? path + 3 + strcspn(path + 3, "/?#") : "";
    int length = snprintf(request, sizeof request,
                          "DESCRIBE rtsp://%s:%d%.1024s RTSP/1.0\r\nCSeq: 1\r\n"
                          "Accept: application/sdp\r\n\r\n",
                          host, ifl_address_port(url, 554), path);
    size_t have = 0;
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
        return false;
    for (int reads = 0; reads < READS_MAX && !memmem(answer, have, "\r\n\r\n", 4); reads++) {
        ssize_t got = recv(fd, answer + have, ANSWER_BYTES - 1 - have, 0);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    answer[have] = 0;
    return have > 0;
}

enum ifl_result ifl_challenge_explain(const char *url, const struct ifl_resolved *camera,
                                      const char *shown, struct ifl_error *error)
{
    char answer[ANSWER_BYTES];
    struct ifl_challenge challenge = {0};
    bool plain = !strncasecmp(url, "rtsp:", 5);
    int fd = plain && camera->bytes ? dial(camera, ifl_address_port(url, 554)) : -1;
    if (fd >= 0 && ask(fd, url, answer))
        ifl_challenge_read(answer, &challenge);
    if (fd >= 0)
        close(fd);
    if (!challenge.offered || challenge.known)
        return IFL_ERR_UNAUTHORIZED;
    return ifl_fail(
        error, IFL_ERR_UNSUPPORTED, "source",
        "opening \"%s\" failed: it asks for a kind of login that FFmpeg lacks over RTSP "
        "(a Digest with SHA-256?); let the camera offer Digest with MD5, or Basic",
        shown);
}
