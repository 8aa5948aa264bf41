// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int client_connect(int port)
{
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {5, 0};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(client, (struct sockaddr *)&address, sizeof address) == 0)
        return client;
    close(client);
    return -1;
}

bool client_send(int client, const void *bytes, size_t count)
{
    for (size_t sent = 0; sent < count;) {
        ssize_t now = send(client, (const char *)bytes + sent, count - sent, MSG_NOSIGNAL);
        if (now <= 0)
            return false;
        sent += (size_t)now;
    }
    return true;
}

const char *answer_header(const struct answer *answer, const char *name)
{
    static char value[512];
    size_t length = strlen(name);
    value[0] = 0;
    const char *line = answer->text;
    while (line && line < answer->body) {
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            line += length + 1;
            line += strspn(line, " ");
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\r\n"), line);
            break;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return value;
}

// True once the answer is complete by its Content-Length; sets status and body.
static bool examine(struct answer *answer, size_t bytes, bool head)
{
    answer->text[bytes] = 0;
    char *end = strstr(answer->text, "\r\n\r\n");
    if (!end || sscanf(answer->text, "HTTP/1.%*d %d", &answer->status) != 1)
        return false;
    answer->body = end + 4;
    answer->bytes = bytes - (size_t)(answer->body - answer->text);
    const char *length = answer_header(answer, "Content-Length");
    return head || answer->status == 204 || answer->status == 304 ||
           (length[0] && answer->bytes >= strtoul(length, NULL, 10));
}

struct answer client_read(int client, bool head)
{
    enum { ROOM = 4 << 20 };
    struct answer answer = {.text = malloc(ROOM + 1)};
    answer.body = answer.text;
    answer.text[0] = 0;
    size_t bytes = 0;
    ssize_t now;
    while (bytes < ROOM && (now = recv(client, answer.text + bytes, ROOM - bytes, 0)) > 0) {
        bytes += (size_t)now;
        if (examine(&answer, bytes, head))
            break;
    }
    return answer;
}

struct answer client_ask(int port, const char *request)
{
    char text[8192], host[64];
    snprintf(host, sizeof host, "Host: 127.0.0.1:%d\r\n", port);
    const char *mark = strstr(request, "HOST");
    if (mark)
        snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - request), request, host, mark + 4);
    else
        snprintf(text, sizeof text, "%s", request);
    int client = client_connect(port);
    struct answer answer = {0};
    if (client < 0)
        return answer;
    client_send(client, text, strlen(text));
    answer = client_read(client, strncmp(request, "HEAD", 4) == 0);
    close(client);
    return answer;
}

struct answer client_get(int port, const char *path)
{
    char request[4096];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHOST\r\n", path);
    return client_ask(port, request);
}

struct answer client_post(int port, const char *path, const char *body, size_t bytes)
{
    char head[512];
    int length = snprintf(head, sizeof head,
                          "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                          "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                          path, bytes);
    struct answer answer = {0};
    int client = client_connect(port);
    if (client < 0)
        return answer;
    client_send(client, head, (size_t)length);
    client_send(client, body, bytes); // may fail: the server may answer before it has read all
    answer = client_read(client, false);
    close(client);
    return answer;
}

void answer_free(struct answer *answer)
{
    free(answer->text);
    *answer = (struct answer){0};
}
