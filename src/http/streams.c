// SPDX-License-Identifier: Apache-2.0
#include "http/streams.h"

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
#include "base/log.h"
#include "http/jpeg.h"

static const char room[] = "http";

#define BOUNDARY "inferloop-picture"

enum {
    CHANNELS_MAX = 32,
    HEAD_BYTES = 160,        // room for a part's headers before its JPEG
    SPARE_PARTS = 3,         // kept per channel for reuse
    READ_BYTES = 64 * 1024,  // handed to the socket at once
    SEND_BUFFER = 128 * 1024 // of the socket: what a client that stalls may lag behind
};

#define WAIT_NS   (200 * IFL_MILLISECOND_NS) // between looks at who has gone
#define LINGER_NS (3 * IFL_SECOND_NS)        // a channel without clients waits for one
#define PERIOD_NS (IFL_SECOND_NS / IFL_STREAM_RATE_MAX)

// One picture as it goes out: headers, JPEG, the boundary behind it (browsers show a picture when
// they see its end).
struct part {
    int refs;
    uint64_t serial;
    struct ifl_buffer buffer;
    size_t start;      // of the headers in the buffer
    struct part *next; // among the spare ones
};

struct client {
    struct channel *channel;
    struct MHD_Connection *connection;
    int socket;
    bool waiting; // suspended until there is a newer picture
    bool gone;    // closed by its peer
    struct part *part;
    size_t sent; // of the part
    uint64_t last_serial;
    struct client *next;
};

enum channel_state { CHANNEL_FREE, CHANNEL_RUNNING, CHANNEL_ENDED };

struct channel {
    struct ifl_streams *streams;
    enum channel_state state;
    enum ifl_stream_kind kind;
    char source[IFL_SOURCE_NAME_MAX];
    pthread_t thread;
    int64_t lonely_since_ns; // without clients
    struct client *clients;
    struct part *latest, *spare;
    uint64_t serial; // of the latest part
};

struct ifl_streams {
    struct ifl_pipeline *pipeline;
    struct ifl_http_counters *counters;
    pthread_mutex_t lock; // guards all below, and every channel, client and part
    pthread_cond_t stop;
    bool stopping;
    int clients;
    struct channel channel[CHANNELS_MAX];
};

static int64_t now_ns(void)
{
    return ifl_now_ns(ifl_clock_real());
}

static void set_clients(struct ifl_streams *streams, int clients)
{
    streams->clients = clients;
    __atomic_store_n(&streams->counters->stream_clients, (uint64_t)clients, __ATOMIC_RELAXED);
}

// ---- parts; all under the lock ----

static void free_part(struct part *part)
{
    if (part)
        free(part->buffer.bytes);
    free(part);
}

static void unref_part(struct channel *channel, struct part *part)
{
    if (!part || --part->refs > 0)
        return;
    int spare = 0;
    for (struct part *at = channel->spare; at; at = at->next)
        spare++;
    if (spare >= SPARE_PARTS) {
        free_part(part);
        return;
    }
    part->next = channel->spare;
    channel->spare = part;
}

static struct part *take_part(struct channel *channel)
{
    struct part *part = channel->spare;
    if (part)
        channel->spare = part->next;
    else
        part = calloc(1, sizeof *part);
    if (part)
        part->refs = 1;
    return part;
}

static void free_parts(struct channel *channel)
{
    unref_part(channel, channel->latest);
    channel->latest = NULL;
    while (channel->spare) {
        struct part *next = channel->spare->next;
        free_part(channel->spare);
        channel->spare = next;
    }
}

// ---- clients ----

static void wake(struct client *client)
{
    if (!client->waiting)
        return;
    client->waiting = false;
    MHD_resume_connection(client->connection);
}

static void wake_all(struct channel *channel)
{
    for (struct client *client = channel->clients; client; client = client->next)
        wake(client);
}

// While a connection is suspended nobody reads its socket: look for those whose peer has closed.
static void wake_gone(struct channel *channel)
{
    for (struct client *client = channel->clients; client; client = client->next) {
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

// True if there is a part to send; else the connection sleeps or has ended.
static bool next_part(struct client *client)
{
    struct channel *channel = client->channel;
    if (client->part)
        return true;
    if (!channel->latest || channel->latest->serial == client->last_serial)
        return false;
    client->part = channel->latest;
    client->part->refs++;
    client->sent = 0;
    client->last_serial = client->part->serial;
    return true;
}

static ssize_t copy_part(struct client *client, char *out, size_t most)
{
    struct part *part = client->part;
    size_t left = part->buffer.count - part->start - client->sent;
    size_t count = left < most ? left : most;
    memcpy(out, part->buffer.bytes + part->start + client->sent, count);
    client->sent += count;
    if (count == left) {
        unref_part(client->channel, part);
        client->part = NULL;
    }
    return (ssize_t)count;
}

static ssize_t read_client(void *context, uint64_t position, char *out, size_t most)
{
    static const char first[] = "--" BOUNDARY "\r\n";
    struct client *client = context;
    struct ifl_streams *streams = client->channel->streams;
    if (position == 0 && most >= sizeof first) {
        memcpy(out, first, sizeof first - 1);
        return sizeof first - 1;
    }
    ssize_t count = 0;
    pthread_mutex_lock(&streams->lock);
    if (streams->stopping || client->gone) {
        count = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (next_part(client)) {
        count = copy_part(client, out, most);
    } else {
        client->waiting = true;
        MHD_suspend_connection(client->connection);
    }
    pthread_mutex_unlock(&streams->lock);
    return count;
}

static void close_client(void *context)
{
    struct client *client = context;
    struct channel *channel = client->channel;
    struct ifl_streams *streams = channel->streams;
    pthread_mutex_lock(&streams->lock);
    struct client **at = &channel->clients;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    if (client->part)
        unref_part(channel, client->part);
    if (!channel->clients)
        channel->lonely_since_ns = now_ns();
    set_clients(streams, streams->clients - 1);
    pthread_mutex_unlock(&streams->lock);
    free(client);
}

// ---- a channel's thread ----

struct encoder {
    struct channel *channel;
    struct ifl_frame_encoder *frames;
    uint64_t serial; // of the pipeline's pictures
};

static bool append(struct ifl_buffer *buffer, const void *bytes, size_t count)
{
    if (!ifl_buffer_reserve(buffer, count))
        return false;
    memcpy(buffer->bytes + buffer->count, bytes, count);
    buffer->count += count;
    return true;
}

static bool finish_part(struct part *part, int64_t wall_ns)
{
    static const char end[] = "\r\n--" BOUNDARY "\r\n";
    char head[HEAD_BYTES];
    int length = snprintf(head, sizeof head,
                          "Content-Type: image/jpeg\r\nContent-Length: %zu\r\n"
                          "X-Timestamp: %lld.%03d\r\n\r\n",
                          part->buffer.count - HEAD_BYTES, (long long)(wall_ns / IFL_SECOND_NS),
                          (int)(wall_ns % IFL_SECOND_NS / IFL_MILLISECOND_NS));
    part->start = HEAD_BYTES - (size_t)length;
    memcpy(part->buffer.bytes + part->start, head, (size_t)length);
    return append(&part->buffer, end, sizeof end - 1);
}

// Waits for the next picture and encodes it. False: none came, or it failed.
static bool encode_source(struct encoder *encoder, struct part *part)
{
    struct channel *channel = encoder->channel;
    struct ifl_frame *frame =
        ifl_pipeline_frame(channel->streams->pipeline, channel->source, &encoder->serial, WAIT_NS);
    if (!frame)
        return false;
    struct ifl_error error;
    enum ifl_result result = ifl_frame_encode(encoder->frames, frame, IFL_STREAM_WIDTH_MAX,
                                              IFL_STREAM_QUALITY, &part->buffer, &error);
    int64_t wall_ns = frame->capture_wall_ns;
    ifl_frame_unref(frame);
    if (result != IFL_OK)
        ifl_log_error("http.stream-encode", &error);
    return result == IFL_OK && finish_part(part, wall_ns);
}

static bool encode_synthetic(struct encoder *encoder, struct part *part)
{
    struct channel *channel = encoder->channel;
    struct ifl_delivered *image =
        ifl_pipeline_newest(channel->streams->pipeline, channel->source[0] ? channel->source : NULL,
                            &encoder->serial, WAIT_NS);
    if (!image)
        return false;
    struct ifl_error error;
    uint8_t *bytes;
    size_t count;
    enum ifl_result result =
        ifl_image_encode(image->synthetic.image, IFL_IMAGE_JPEG, 90, NULL, &bytes, &count, &error);
    int64_t wall_ns = image->synthetic.created_wall_ns;
    ifl_delivered_unref(image);
    if (result != IFL_OK) {
        ifl_log_error("http.stream-encode", &error);
        return false;
    }
    bool done = append(&part->buffer, bytes, count) && finish_part(part, wall_ns);
    free(bytes);
    return done;
}

static bool encode_next(struct encoder *encoder, struct part *part)
{
    part->buffer.count = 0;
    if (!ifl_buffer_reserve(&part->buffer, HEAD_BYTES))
        return false;
    part->buffer.count = HEAD_BYTES;
    return encoder->channel->kind == IFL_STREAM_SOURCE ? encode_source(encoder, part)
                                                       : encode_synthetic(encoder, part);
}

// Under the lock: sleeps until `until_ns` or the stop.
static void rest(struct ifl_streams *streams, int64_t until_ns)
{
    struct timespec until = {until_ns / IFL_SECOND_NS, until_ns % IFL_SECOND_NS};
    while (!streams->stopping && now_ns() < until_ns)
        pthread_cond_timedwait(&streams->stop, &streams->lock, &until);
}

static bool is_over(const struct channel *channel)
{
    return channel->streams->stopping ||
           (!channel->clients && now_ns() - channel->lonely_since_ns > LINGER_NS);
}

static void publish(struct channel *channel, struct part *part)
{
    unref_part(channel, channel->latest);
    channel->latest = part;
    part->serial = ++channel->serial;
    ifl_count(&channel->streams->counters->stream_pictures[channel->kind]);
    wake_all(channel);
}

// One turn, entered and left under the lock.
static void turn(struct encoder *encoder)
{
    struct channel *channel = encoder->channel;
    struct ifl_streams *streams = channel->streams;
    int64_t begin_ns = now_ns();
    struct part *part = take_part(channel);
    pthread_mutex_unlock(&streams->lock);
    bool made = part && encode_next(encoder, part);
    pthread_mutex_lock(&streams->lock);
    if (made)
        publish(channel, part);
    else
        unref_part(channel, part);
    wake_gone(channel);
    rest(streams, begin_ns + PERIOD_NS); // also keeps a pipeline that has stopped from spinning us
}

static void *run_channel(void *context)
{
    struct channel *channel = context;
    struct ifl_streams *streams = channel->streams;
    struct encoder encoder = {.channel = channel, .frames = ifl_frame_encoder_create()};
    pthread_mutex_lock(&streams->lock);
    while (encoder.frames && !is_over(channel))
        turn(&encoder);
    channel->state = CHANNEL_ENDED;
    for (struct client *client = channel->clients; client; client = client->next) {
        client->gone = true;
        wake(client);
    }
    pthread_mutex_unlock(&streams->lock);
    ifl_frame_encoder_destroy(encoder.frames);
    return NULL;
}

// ---- channels; under the lock ----

static void bury_channel(struct channel *channel)
{
    pthread_join(channel->thread, NULL); // it has left the lock for good
    free_parts(channel);
    channel->state = CHANNEL_FREE;
}

static bool start_channel(struct channel *channel, struct ifl_streams *streams,
                          enum ifl_stream_kind kind, const char *source)
{
    *channel = (struct channel){.streams = streams, .kind = kind, .lonely_since_ns = now_ns()};
    snprintf(channel->source, sizeof channel->source, "%s", source);
    if (pthread_create(&channel->thread, NULL, run_channel, channel) != 0)
        return false;
    channel->state = CHANNEL_RUNNING;
    return true;
}

static struct channel *find_channel(struct ifl_streams *streams, enum ifl_stream_kind kind,
                                    const char *source)
{
    struct channel *unused = NULL;
    for (int i = 0; i < CHANNELS_MAX; i++) {
        struct channel *channel = &streams->channel[i];
        if (channel->state == CHANNEL_ENDED && !channel->clients)
            bury_channel(channel);
        if (channel->state == CHANNEL_FREE)
            unused = channel;
        else if (channel->state == CHANNEL_RUNNING && channel->kind == kind &&
                 strcmp(channel->source, source) == 0)
            return channel;
    }
    return unused && start_channel(unused, streams, kind, source) ? unused : NULL;
}

// ---- life ----

struct ifl_streams *ifl_streams_create(struct ifl_pipeline *pipeline,
                                       struct ifl_http_counters *counters)
{
    struct ifl_streams *streams = calloc(1, sizeof *streams);
    if (!streams)
        return NULL;
    streams->pipeline = pipeline;
    streams->counters = counters;
    pthread_mutex_init(&streams->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&streams->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return streams;
}

void ifl_streams_stop(struct ifl_streams *streams)
{
    pthread_mutex_lock(&streams->lock);
    streams->stopping = true;
    pthread_cond_broadcast(&streams->stop);
    for (int i = 0; i < CHANNELS_MAX; i++)
        wake_all(&streams->channel[i]);
    pthread_mutex_unlock(&streams->lock);
}

void ifl_streams_destroy(struct ifl_streams *streams)
{
    if (!streams)
        return;
    for (int i = 0; i < CHANNELS_MAX; i++) {
        pthread_mutex_lock(&streams->lock);
        bool used = streams->channel[i].state != CHANNEL_FREE;
        pthread_mutex_unlock(&streams->lock);
        if (used)
            bury_channel(&streams->channel[i]);
    }
    pthread_cond_destroy(&streams->stop);
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}

// Little in the socket's buffer: what waits there is already old. And a peer that vanished without
// a word is noticed.
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
static enum ifl_result admit(struct ifl_streams *streams, enum ifl_stream_kind kind,
                             const char *source, struct client *client, struct ifl_error *error)
{
    if (streams->stopping)
        return ifl_fail(error, IFL_ERR_CANCELLED, room, "the server is stopping");
    struct channel *channel = NULL;
    if (streams->clients < IFL_STREAM_CLIENTS_MAX)
        channel = find_channel(streams, kind, source);
    if (!channel) {
        ifl_count(&streams->counters->streams_refused);
        return ifl_fail(error, IFL_ERR_BUSY, room,
                        "%d clients watch streams, which is all there may be; try again later",
                        streams->clients);
    }
    client->channel = channel;
    client->next = channel->clients;
    channel->clients = client;
    set_clients(streams, streams->clients + 1);
    return IFL_OK;
}

enum ifl_result ifl_streams_open(struct ifl_streams *streams, enum ifl_stream_kind kind,
                                 const char *source, struct MHD_Connection *connection,
                                 struct MHD_Response **response, struct ifl_error *error)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for another stream client");
    client->connection = connection;
    client->socket = prepare_socket(connection);
    pthread_mutex_lock(&streams->lock);
    enum ifl_result result = admit(streams, kind, source, client, error);
    pthread_mutex_unlock(&streams->lock);
    if (result != IFL_OK) {
        free(client);
        return result;
    }
    *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, READ_BYTES, read_client, client,
                                                  close_client);
    if (!*response) {
        close_client(client);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for another stream client");
    }
    MHD_add_response_header(*response, "Content-Type",
                            "multipart/x-mixed-replace; boundary=" BOUNDARY);
    // Ended by closing: pictures are not cut into chunks, which plain MJPEG readers don't know.
    MHD_set_response_options(*response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return IFL_OK;
}
