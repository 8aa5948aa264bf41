// SPDX-License-Identifier: Apache-2.0
#include "http/events.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "http/documents.h"
#include "http/exchange.h"

static const char room[] = "http";

enum {
    READ_BYTES = 16 * 1024,   // handed to the socket at once
    SEND_BUFFER = 128 * 1024, // of the socket: what a client that stalls may lag behind
    IMAGES_MAX = 64,          // the pipeline keeps no more
    INCIDENTS_MAX = 16,       // told in one turn; clients ask for the rest
};

#define WAIT_NS   (100 * IFL_MILLISECOND_NS) // for an image, between looks at who has gone
#define TURN_NS   (50 * IFL_MILLISECOND_NS)  // least time of a turn
#define STATUS_NS (500 * IFL_MILLISECOND_NS)

// The first bytes of every answer: how soon to come back when it ends.
static const char greeting[] = "retry: 2000\n\n";

// One event as it goes out.
struct message {
    int refs;
    size_t count;
    char text[];
};

struct client {
    struct ifl_events *events;
    struct MHD_Connection *connection;
    int socket;
    bool waiting; // suspended until there is something new
    bool gone;    // closed by its peer
    struct message *message;
    size_t sent;     // of the message
    uint64_t next;   // event it gets next
    uint64_t status; // serial of the last status it got
    struct client *next_client;
};

// The newest history point of a source that was told.
struct told {
    char source[IFL_SOURCE_NAME_MAX];
    int64_t wall_ns;
};

struct ifl_events {
    struct ifl_pipeline *pipeline;
    struct ifl_http_counters *counters;
    pthread_t thread;

    // the thread's own
    uint64_t image_serial;    // of the newest image that was told
    uint64_t incident_serial; // of the newest change of an incident that was told
    struct told told[IFL_SOURCES_SHOWN_MAX];
    int told_count;
    int64_t status_at_ns; // when the next one is due
    bool listening;       // what came before is no news any more

    pthread_mutex_t lock; // guards all below, every client and every message's count
    pthread_cond_t changed;
    bool stopping;
    int clients;
    struct client *first_client;
    struct message *ring[IFL_EVENTS_KEPT]; // event e is in slot e % IFL_EVENTS_KEPT
    uint64_t next;                         // of the next event
    struct message *status;
    uint64_t status_serial;
};

static int64_t now_ns(void)
{
    return ifl_now_ns(ifl_clock_real());
}

static void set_clients(struct ifl_events *events, int clients)
{
    events->clients = clients;
    __atomic_store_n(&events->counters->event_clients, (uint64_t)clients, __ATOMIC_RELAXED);
}

// ---- messages ----

// Takes `data`. NULL: out of memory, and the event is lost.
static struct message *make_message(const char *name, json_t *data)
{
    char *text = data ? json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(data);
    size_t room_bytes = text ? strlen(text) + strlen(name) + 32 : 0;
    struct message *message = text ? malloc(sizeof *message + room_bytes) : NULL;
    if (message) {
        message->refs = 1;
        message->count =
            (size_t)snprintf(message->text, room_bytes, "event: %s\ndata: %s\n\n", name, text);
    }
    free(text);
    return message;
}

// Under the lock, as all that follows up to the thread.
static void unref(struct message *message)
{
    if (message && --message->refs == 0)
        free(message);
}

static void wake(struct client *client)
{
    if (!client->waiting)
        return;
    client->waiting = false;
    MHD_resume_connection(client->connection);
}

static void wake_all(struct ifl_events *events)
{
    for (struct client *client = events->first_client; client; client = client->next_client)
        wake(client);
}

// While a connection is suspended nobody reads its socket: look for those whose peer has closed.
static void wake_gone(struct ifl_events *events)
{
    for (struct client *client = events->first_client; client; client = client->next_client) {
        char byte;
        if (!client->waiting)
            continue;
        ssize_t got = recv(client->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
            continue;
        client->gone = true;
        wake(client);
    }
}

// ---- clients ----

static bool next_message(struct client *client)
{
    struct ifl_events *events = client->events;
    if (client->message)
        return true;
    if (client->next + IFL_EVENTS_KEPT < events->next)
        client->next = events->next - 1;
    if (client->next < events->next) {
        client->message = events->ring[client->next++ % IFL_EVENTS_KEPT];
    } else if (events->status && client->status != events->status_serial) {
        client->message = events->status;
        client->status = events->status_serial;
    }
    if (!client->message)
        return false;
    client->message->refs++;
    client->sent = 0;
    return true;
}

static ssize_t copy_message(struct client *client, char *out, size_t most)
{
    struct message *message = client->message;
    size_t left = message->count - client->sent;
    size_t count = left < most ? left : most;
    memcpy(out, message->text + client->sent, count);
    client->sent += count;
    if (count == left) {
        unref(message);
        client->message = NULL;
    }
    return (ssize_t)count;
}

static ssize_t read_client(void *context, uint64_t position, char *out, size_t most)
{
    struct client *client = context;
    struct ifl_events *events = client->events;
    if (position == 0 && most >= sizeof greeting) {
        memcpy(out, greeting, sizeof greeting - 1);
        return sizeof greeting - 1;
    }
    ssize_t count = 0;
    pthread_mutex_lock(&events->lock);
    if (events->stopping || client->gone) {
        count = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (next_message(client)) {
        count = copy_message(client, out, most);
    } else {
        client->waiting = true;
        MHD_suspend_connection(client->connection);
    }
    pthread_mutex_unlock(&events->lock);
    return count;
}

static void close_client(void *context)
{
    struct client *client = context;
    struct ifl_events *events = client->events;
    pthread_mutex_lock(&events->lock);
    struct client **at = &events->first_client;
    while (*at != client)
        at = &(*at)->next_client;
    *at = client->next_client;
    unref(client->message);
    set_clients(events, events->clients - 1);
    pthread_mutex_unlock(&events->lock);
    free(client);
}

// ---- the thread ----

static void publish(struct ifl_events *events, const char *name, json_t *data)
{
    struct message *message = make_message(name, data);
    if (!message)
        return;
    pthread_mutex_lock(&events->lock);
    struct message **slot = &events->ring[events->next % IFL_EVENTS_KEPT];
    unref(*slot);
    *slot = message;
    events->next++;
    wake_all(events);
    pthread_mutex_unlock(&events->lock);
}

static void publish_status(struct ifl_events *events)
{
    struct message *message =
        make_message("status", json_pack("{so so}", "status", ifl_status_json(events->pipeline),
                                         "sources", ifl_sources_json(events->pipeline)));
    if (!message)
        return;
    pthread_mutex_lock(&events->lock);
    unref(events->status);
    events->status = message;
    events->status_serial++;
    wake_all(events);
    pthread_mutex_unlock(&events->lock);
}

// All images that came since the last one that was told, oldest first.
static void publish_images(struct ifl_events *events, bool tell)
{
    struct ifl_delivered *images[IMAGES_MAX];
    int count = ifl_pipeline_images(events->pipeline, NULL, 0, images, IMAGES_MAX);
    for (int i = count - 1; i >= 0; i--) {
        if (images[i]->serial > events->image_serial) {
            events->image_serial = images[i]->serial;
            if (tell)
                publish(events, "image", ifl_image_json(images[i]));
        }
        ifl_delivered_unref(images[i]);
    }
}

// Those that have changed since, oldest first.
static void publish_incidents(struct ifl_events *events, bool tell)
{
    struct ifl_incident incidents[INCIDENTS_MAX];
    uint64_t before = events->incident_serial;
    events->incident_serial = ifl_pipeline_incident_serial(events->pipeline);
    if (!tell || events->incident_serial == before)
        return;
    int count =
        ifl_pipeline_incidents(events->pipeline, NULL, -1, false, before, incidents, INCIDENTS_MAX);
    for (int i = count - 1; i >= 0; i--) {
        publish(events, "incident", ifl_incident_json(&incidents[i]));
        ifl_incident_fini(&incidents[i]);
    }
}

static int64_t told_before(const struct ifl_events *events, const char *source)
{
    for (int i = 0; i < events->told_count; i++)
        if (strcmp(events->told[i].source, source) == 0)
            return events->told[i].wall_ns;
    return 0;
}

static void publish_profiles(struct ifl_events *events, bool tell)
{
    struct ifl_source_status rows[IFL_SOURCES_SHOWN_MAX];
    struct told now[IFL_SOURCES_SHOWN_MAX];
    int told = 0, count = ifl_pipeline_sources(events->pipeline, rows, IFL_SOURCES_SHOWN_MAX);
    for (int i = 0; i < count && i < IFL_SOURCES_SHOWN_MAX; i++) {
        struct ifl_history_point point;
        if (ifl_pipeline_history(events->pipeline, rows[i].name, &point, 1) < 1)
            continue;
        bool is_new = point.wall_ns != told_before(events, rows[i].name);
        memcpy(now[told].source, rows[i].name, sizeof now[told].source);
        now[told++].wall_ns = point.wall_ns;
        if (is_new && tell)
            publish(events, "profile",
                    json_pack("{so so}", "source", ifl_json_text(rows[i].name), "point",
                              ifl_history_point_json(&point)));
    }
    memcpy(events->told, now, (size_t)told * sizeof now[0]);
    events->told_count = told;
}

// Sleeps while nobody listens. What came meanwhile is no news: clients ask for it when they begin.
static bool wait_for_clients(struct ifl_events *events)
{
    pthread_mutex_lock(&events->lock);
    while (!events->stopping && !events->clients) {
        events->listening = false;
        unref(events->status);
        events->status = NULL;
        pthread_cond_wait(&events->changed, &events->lock);
    }
    bool stopping = events->stopping;
    pthread_mutex_unlock(&events->lock);
    if (!events->listening && !stopping) {
        events->listening =
            true; // also at the first turn, when a client was faster than the thread
        publish_images(events, false);
        publish_profiles(events, false);
        publish_incidents(events, false);
        events->status_at_ns = 0;
    }
    return !stopping;
}

// Until `until_ns` or the stop.
static void rest(struct ifl_events *events, int64_t until_ns)
{
    struct timespec until = {until_ns / IFL_SECOND_NS, until_ns % IFL_SECOND_NS};
    pthread_mutex_lock(&events->lock);
    wake_gone(events);
    while (!events->stopping && now_ns() < until_ns)
        pthread_cond_timedwait(&events->changed, &events->lock, &until);
    pthread_mutex_unlock(&events->lock);
}

static void *run(void *context)
{
    struct ifl_events *events = context;
    while (wait_for_clients(events)) {
        int64_t begin_ns = now_ns();
        if (begin_ns >= events->status_at_ns) {
            events->status_at_ns = begin_ns + STATUS_NS;
            publish_profiles(events, true);
            publish_incidents(events, true);
            publish_status(events);
        }
        uint64_t serial = events->image_serial;
        struct ifl_delivered *image = ifl_pipeline_newest(events->pipeline, NULL, &serial, WAIT_NS);
        ifl_delivered_unref(image);
        if (image)
            publish_images(events, true);
        rest(events, begin_ns + TURN_NS);
    }
    return NULL;
}

// ---- life ----

enum ifl_result ifl_events_create(struct ifl_pipeline *pipeline, struct ifl_http_counters *counters,
                                  struct ifl_events **out, struct ifl_error *error)
{
    struct ifl_events *events = calloc(1, sizeof *events);
    if (!events)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the HTTP server");
    events->pipeline = pipeline;
    events->counters = counters;
    pthread_mutex_init(&events->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&events->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failed = pthread_create(&events->thread, NULL, run, events);
    if (failed) {
        pthread_cond_destroy(&events->changed);
        pthread_mutex_destroy(&events->lock);
        free(events);
        return ifl_fail_errno(error, failed, room, "cannot start the thread of events");
    }
    *out = events;
    return IFL_OK;
}

void ifl_events_stop(struct ifl_events *events)
{
    pthread_mutex_lock(&events->lock);
    events->stopping = true;
    pthread_cond_broadcast(&events->changed);
    wake_all(events);
    pthread_mutex_unlock(&events->lock);
}

void ifl_events_destroy(struct ifl_events *events)
{
    if (!events)
        return;
    ifl_events_stop(events);
    pthread_join(events->thread, NULL);
    unref(events->status);
    for (int i = 0; i < IFL_EVENTS_KEPT; i++)
        unref(events->ring[i]);
    pthread_cond_destroy(&events->changed);
    pthread_mutex_destroy(&events->lock);
    free(events);
}

// Little in the socket's buffer, and a peer that vanished without a word is noticed.
static int prepare_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return -1;
    setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
    setsockopt(info->connect_fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
    setsockopt(info->connect_fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){15}, sizeof(int));
    setsockopt(info->connect_fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){5}, sizeof(int));
    return info->connect_fd;
}

// Under the lock.
static enum ifl_result admit(struct ifl_events *events, struct client *client,
                             struct ifl_error *error)
{
    if (events->stopping)
        return ifl_fail(error, IFL_ERR_CANCELLED, room, "the server is stopping");
    if (events->clients == IFL_EVENT_CLIENTS_MAX) {
        ifl_count(&events->counters->streams_refused);
        return ifl_fail(error, IFL_ERR_BUSY, room,
                        "%d clients listen to events, which is all there may be; try again later",
                        events->clients);
    }
    client->next = events->next;
    client->next_client = events->first_client;
    events->first_client = client;
    set_clients(events, events->clients + 1);
    pthread_cond_broadcast(&events->changed);
    return IFL_OK;
}

enum ifl_result ifl_events_open(struct ifl_events *events, struct MHD_Connection *connection,
                                struct MHD_Response **response, struct ifl_error *error)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for another client of events");
    client->events = events;
    client->connection = connection;
    client->socket = prepare_socket(connection);
    pthread_mutex_lock(&events->lock);
    enum ifl_result result = admit(events, client, error);
    pthread_mutex_unlock(&events->lock);
    if (result != IFL_OK) {
        free(client);
        return result;
    }
    *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, READ_BYTES, read_client, client,
                                                  close_client);
    if (!*response) {
        close_client(client);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for another client of events");
    }
    MHD_add_response_header(*response, "Content-Type", "text/event-stream");
    MHD_add_response_header(*response, "X-Accel-Buffering",
                            "no"); // a proxy shall pass it on at once
    MHD_set_response_options(*response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return IFL_OK;
}
