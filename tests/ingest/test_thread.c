// SPDX-License-Identifier: Apache-2.0
// The thread: laws, pools, pacing, reconnecting, stopping in every state.
#include "support.h"

#include <stdatomic.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../source/clips.h"
#include "ingest/ingest.h"
#include "source/builtin.h"

struct bench {
    struct ifl_edge *in, *out;
    struct ifl_ingest *ingest;
};

static void release(void *packet)
{
    ifl_frame_unref(packet);
}

static void set_up(struct bench *bench, struct ifl_ingest_config config, enum ifl_policy policy)
{
    struct ifl_edge_config in = {.from = "source", .to = "ingest", .source = "s"};
    struct ifl_edge_config out = {.from = "ingest",
                                  .to = "profile",
                                  .source = "s",
                                  .depth = 4,
                                  .policy = policy,
                                  .release = release};
    struct ifl_error error;
    bench->in = ifl_edge_create(&in);
    bench->out = ifl_edge_create(&out);
    config.in = bench->in;
    config.out = bench->out;
    config.source.name = "s";
    check_ok(ifl_ingest_create(&config, &bench->ingest, &error), error);
    check_ok(ifl_ingest_start(bench->ingest, &error), error);
}

static int64_t now(void)
{
    return ifl_now_ns(ifl_clock_real());
}

static void check_laws(struct bench *bench)
{
    struct ifl_edge_counts in, out;
    ifl_edge_count(bench->in, &in);
    ifl_edge_count(bench->out, &out);
    assert_true(ifl_edge_law_holds(&in));
    assert_true(ifl_edge_law_holds(&out));
    assert_int_equal(in.busy, 0);
    assert_int_equal(in.passed, out.received);
}

// Stops, which must be prompt, and checks the laws.
static void tear_down(struct bench *bench)
{
    int64_t start = now();
    ifl_ingest_stop(bench->ingest);
    assert_true(now() - start < 60 * IFL_SECOND_NS); // waits below are an hour long
    check_laws(bench);
    struct ifl_ingest_status status;
    ifl_ingest_status(bench->ingest, &status);
    assert_true(status.finished);
    ifl_ingest_destroy(bench->ingest);
    ifl_edge_destroy(bench->in);
    ifl_edge_destroy(bench->out);
}

static int drain(struct bench *bench, int most)
{
    void *packet;
    int count = 0;
    while (count < most && ifl_edge_pop(bench->out, &packet, INT64_MAX) == IFL_OK) {
        ifl_frame_unref(packet);
        ifl_edge_pass(bench->out);
        count++;
    }
    return count;
}

static void wait_finished(struct ifl_ingest *ingest, struct ifl_ingest_status *status)
{
    uint64_t serial = 0; // each picture wakes it, and the end
    int64_t limit = now() + 20 * IFL_SECOND_NS;
    do {
        ifl_frame_unref(ifl_ingest_newest(ingest, &serial, IFL_SECOND_NS));
        ifl_ingest_status(ingest, status);
        assert_true(now() < limit);
    } while (!status->finished);
}

static void passes_all_of_a_file(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_pattern,
                                      .source.uri = "pattern:size=64x48,frames=300"},
           IFL_POLICY_BLOCK);
    assert_int_equal(drain(&bench, INT32_MAX), 300);
    struct ifl_ingest_status status;
    wait_finished(bench.ingest, &status);
    assert_int_equal(status.state, IFL_SOURCE_STOPPED);
    assert_int_equal(status.frames, 300);
    assert_int_equal(status.last_error.result, IFL_OK);
    assert_int_equal(status.info.width, 64);
    assert_true(status.last_frame_ns > 0);
    uint64_t serial = 0;
    struct ifl_frame *frame = ifl_ingest_newest(bench.ingest, &serial, 0);
    assert_non_null(frame);
    assert_int_equal(frame->sequence, 299);
    assert_int_equal(serial, 300);
    ifl_frame_unref(frame);
    tear_down(&bench);
}

static void drops_the_oldest_and_counts(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_pattern,
                                      .source.uri = "pattern:size=64x48,frames=50"},
           IFL_POLICY_DROP_OLDEST);
    struct ifl_ingest_status status;
    wait_finished(bench.ingest, &status);
    assert_int_equal(drain(&bench, INT32_MAX), 4); // the depth of the edge
    struct ifl_edge_counts counts;
    ifl_edge_count(bench.out, &counts);
    assert_int_equal(counts.dropped[IFL_DROP_QUEUE_FULL], 46);
    tear_down(&bench);
}

static void thins_by_timestamps(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_pattern,
                                      .source.uri = "pattern:size=64x48,rate=30,frames=300",
                                      .rate_max = 10},
           IFL_POLICY_BLOCK);
    assert_int_equal(drain(&bench, INT32_MAX), 100);
    struct ifl_edge_counts counts;
    ifl_edge_count(bench.in, &counts);
    assert_int_equal(counts.dropped[IFL_DROP_RATE], 200);
    tear_down(&bench);
}

static void paces_like_a_camera(void **state)
{
    (void)state;
    struct bench bench;
    int64_t start = now();
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_pattern,
                                      .source.uri = "pattern:size=64x48,rate=50,frames=26",
                                      .realtime = true},
           IFL_POLICY_BLOCK);
    assert_int_equal(drain(&bench, INT32_MAX), 26);
    assert_true(now() - start >= IFL_SECOND_NS / 2); // 25 pauses of 20 ms; never faster
    tear_down(&bench);
}

static void stops_while_it_paces(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_pattern,
                                      .source.uri = "pattern:size=64x48,rate=0.11",
                                      .realtime = true},
           IFL_POLICY_BLOCK);
    assert_int_equal(drain(&bench, 1), 1);
    tear_down(&bench);
}

static void stops_while_the_next_stage_is_full(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_pattern,
                                      .source.uri = "pattern:size=64x48"},
           IFL_POLICY_BLOCK);
    uint64_t serial = 0;
    while (serial < 5) // four wait, one is being pushed
        ifl_frame_unref(ifl_ingest_newest(bench.ingest, &serial, IFL_SECOND_NS));
    tear_down(&bench);
}

static void says_why_a_file_cannot_be_opened(void **state)
{
    (void)state;
    struct bench bench;
    struct ifl_ingest_status status;
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_camera,
                                      .source.uri = "/nonexistent/clip.avi"},
           IFL_POLICY_BLOCK);
    assert_int_equal(drain(&bench, 1), 0); // the edge is closed
    wait_finished(bench.ingest, &status);
    assert_int_equal(status.state, IFL_SOURCE_BROKEN);
    assert_int_equal(status.last_error.result, IFL_ERR_NOT_FOUND);
    assert_string_equal(status.last_error.source, "s");
    assert_int_equal(status.last_frame_ns, -1);
    tear_down(&bench);
}

// Listens on a free port, which goes into `uri`.
static int listen_for(const char *scheme, char uri[64])
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(uri, 64, "%s://127.0.0.1:%d/x", scheme, ntohs(address.sin_port));
    return fd;
}

static void stops_while_a_server_hangs(void **state)
{
    (void)state;
    char uri[64];
    int fd = listen_for("rtsp", uri);
    struct bench bench;
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_camera,
                                      .source = {.uri = uri,
                                                 .open_deadline_ns = 3600 * IFL_SECOND_NS,
                                                 .read_deadline_ns = 3600 * IFL_SECOND_NS}},
           IFL_POLICY_DROP_OLDEST);
    int caller = accept(fd, NULL, NULL); // it is inside of open now
    assert_true(caller >= 0);
    struct ifl_ingest_status status;
    ifl_ingest_status(bench.ingest, &status);
    assert_int_equal(status.state, IFL_SOURCE_CONNECTING);
    tear_down(&bench);
    close(caller);
    close(fd);
}

// ---- a camera that connects and sends no picture ----

enum { MUTE_MOST = 64 };
struct mute {
    int fd, callers[MUTE_MOST];
    atomic_int answered;
};

static void *answer_and_send_nothing(void *context)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n"
                               "Content-Type: multipart/x-mixed-replace; boundary=cut\r\n\r\n";
    struct mute *mute = context;
    char request[4096];
    for (int caller; (caller = accept(mute->fd, NULL, NULL)) >= 0;) {
        ssize_t got = read(caller, request, sizeof request);
        ssize_t sent = got > 0 ? write(caller, head, sizeof head - 1) : 0;
        if (sent < 0 || mute->answered == MUTE_MOST)
            break;
        mute->callers[mute->answered] = caller;
        atomic_fetch_add(&mute->answered, 1);
    }
    return NULL;
}

// It answers at once and is never over: only the deadline ends each attempt.
static void a_connection_without_pictures_is_told_and_tried_again(void **state)
{
    (void)state;
    const int64_t wait_ns = IFL_SECOND_NS / 4, limit_ns = now() + 60 * IFL_SECOND_NS;
    char uri[64];
    static struct mute mute;
    pthread_t server;
    mute.fd = listen_for("http", uri);
    assert_int_equal(pthread_create(&server, NULL, answer_and_send_nothing, &mute), 0);
    struct ifl_journal *journal = ifl_journal_create(ifl_clock_real());
    struct bench bench;
    int64_t began_ns = now();
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &ifl_source_camera,
                                      .source = {.uri = uri,
                                                 .open_deadline_ns = wait_ns,
                                                 .read_deadline_ns = wait_ns,
                                                 .first_deadline_ns = wait_ns},
                                      .journal = journal},
           IFL_POLICY_DROP_OLDEST);
    struct ifl_ingest_status status;
    do {
        usleep(2000);
        ifl_ingest_status(bench.ingest, &status);
        assert_true(now() < limit_ns);
    } while (status.reconnects < 2 || mute.answered < 2); // a slow server is given up, too
    assert_true(now() - began_ns >= 2 * wait_ns);
    assert_true(ifl_journal_lasts(journal, "s", IFL_INCIDENT_OFFLINE));
    assert_int_equal(status.last_error.result, IFL_ERR_TIMEOUT);
    assert_non_null(strstr(status.last_error.text, "took too long"));
    assert_int_equal(status.frames, 0);
    assert_int_equal(status.last_frame_ns, -1);
    assert_true(status.rate <= 0);
    tear_down(&bench);
    shutdown(mute.fd, SHUT_RDWR);
    pthread_join(server, NULL);
    for (int i = 0; i < mute.answered; i++)
        close(mute.callers[i]);
    close(mute.fd);
    ifl_journal_destroy(journal);
}

// ---- motion JPEG ----

enum { PROBED = 6, ASKED = 5 };

struct slide_show {
    int fd, caller;
    char *part; // a picture with its head, and what follows it
    size_t bytes;
};

static bool show(const struct slide_show *show)
{
    return send(show->caller, show->part, show->bytes, MSG_NOSIGNAL) == (ssize_t)show->bytes;
}

static void *answer_with_pictures(void *context)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n"
                               "Content-Type: multipart/x-mixed-replace; boundary=cut\r\n\r\n";
    struct slide_show *slides = context;
    char request[4096];
    slides->caller = accept(slides->fd, NULL, NULL);
    if (slides->caller >= 0 && read(slides->caller, request, sizeof request) > 0 &&
        write(slides->caller, head, sizeof head - 1) > 0)
        for (int i = 0; i < PROBED && show(slides); i++) // what FFmpeg wants to see at first
            continue;
    return NULL;
}

static bool make_slide(struct slide_show *show)
{
    char folder[CLIP_PATH_MAX], path[CLIP_PATH_MAX], *jpeg;
    size_t count;
    clips_make_folder(folder);
    bool made = clips_make(folder, "one.jpg", "-f lavfi -i testsrc2=s=64x48 -frames:v 1", path);
    if (made) {
        clips_read(path, &jpeg, &count);
        show->part = malloc(count + 128);
        assert_non_null(show->part);
        int head = sprintf(show->part,
                           "--cut\r\nContent-Type: image/jpeg\r\n"
                           "Content-Length: %zu\r\n\r\n",
                           count);
        memcpy(show->part + head, jpeg, count);
        memcpy(show->part + head + count, "\r\n", 2);
        show->bytes = (size_t)head + count + 2;
        free(jpeg);
    }
    clips_remove_folder(folder);
    return made;
}

// Pictures of which each is sent a tenth of a second after the one before has come through: the
// time of the stream has gone on by that at least, and by no more than has passed.
static void a_motion_jpeg_camera_s_time_is_ours(void **state)
{
    (void)state;
    struct slide_show slides = {.caller = -1};
    char uri[64];
    pthread_t server;
    if (!make_slide(&slides))
        skip();
    slides.fd = listen_for("http", uri);
    int64_t began_ns = now(), last_pts_ns = -1;
    assert_int_equal(pthread_create(&server, NULL, answer_with_pictures, &slides), 0);
    struct bench bench;
    set_up(&bench, (struct ifl_ingest_config){.plugin = &ifl_source_camera, .source.uri = uri},
           IFL_POLICY_BLOCK);
    for (int i = 0; i < PROBED + ASKED; i++) {
        if (i == PROBED)
            pthread_join(server, NULL);
        if (i >= PROBED) {
            usleep(100000);
            assert_true(show(&slides));
        }
        void *packet;
        assert_int_equal(ifl_edge_pop(bench.out, &packet, INT64_MAX), IFL_OK);
        struct ifl_frame *frame = packet;
        assert_true(frame->pts_ns >= last_pts_ns + (i < PROBED ? 0 : 100 * IFL_MILLISECOND_NS));
        assert_true(frame->pts_ns < now() - began_ns);
        last_pts_ns = frame->pts_ns;
        ifl_frame_unref(frame);
        ifl_edge_pass(bench.out);
    }
    struct ifl_ingest_status status;
    ifl_ingest_status(bench.ingest, &status);
    assert_true(isnan(status.lag_seconds));
    tear_down(&bench);
    close(slides.caller);
    close(slides.fd);
    free(slides.part);
}

// ---- a camera that can be told to fail ----

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int opened, closed, frames_each; // pictures before a connection fails
    bool refuse, block, interrupted, lose;
    bool locked; // it refuses for the credentials
    bool jump;   // every other picture's time is an hour off
    int last;    // the connection that blocks at its end; 0: none
    bool slow;   // it takes 150 ms to decode pictures that are 100 ms apart, on the clock below
    int64_t
        untimed_ns; // pictures have no timestamps and are so far apart, on that clock; 0: they have
    atomic_bool keys_only;
} flaky = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Atomic int64_t slow_now_ns = IFL_SECOND_NS;

static int64_t slow_now(const struct ifl_clock *clock)
{
    (void)clock;
    return atomic_load(&slow_now_ns);
}

static void slow_wait(const struct ifl_clock *clock, pthread_cond_t *cond, pthread_mutex_t *lock,
                      int64_t until_ns)
{
    (void)clock, (void)cond, (void)lock;
    atomic_store(&slow_now_ns, until_ns);
}

static const struct ifl_clock slow_clock = {slow_now, slow_now, slow_wait};

static enum ifl_result flaky_open(const struct ifl_source_config *config, void **self,
                                  struct ifl_error *error)
{
    (void)config;
    pthread_mutex_lock(&flaky.lock);
    flaky.opened++;
    bool refuse = flaky.refuse;
    flaky.keys_only = false;
    pthread_cond_broadcast(&flaky.changed);
    pthread_mutex_unlock(&flaky.lock);
    *self = refuse ? NULL : calloc(1, sizeof(uint64_t));
    enum ifl_result why = flaky.locked ? IFL_ERR_UNAUTHORIZED : IFL_ERR_IO;
    return refuse ? ifl_fail(error, why, "source", "the camera is off") : IFL_OK;
}

static enum ifl_result flaky_wait(struct ifl_error *error)
{
    pthread_mutex_lock(&flaky.lock);
    while (!flaky.interrupted)
        pthread_cond_wait(&flaky.changed, &flaky.lock);
    pthread_mutex_unlock(&flaky.lock);
    return ifl_fail(error, IFL_ERR_CANCELLED, "source", "called off");
}

static enum ifl_result flaky_read(void *self, struct ifl_frame **frame, struct ifl_error *error)
{
    uint64_t *count = self;
    if (flaky.lose && *count % 3 == 1) {
        ++*count;
        return IFL_DROPPED;
    }
    if (flaky.keys_only && *count % 3) {
        ++*count;
        return IFL_SKIPPED;
    }
    if (*count == (uint64_t)flaky.frames_each)
        return flaky.block || flaky.opened == flaky.last
                   ? flaky_wait(error)
                   : ifl_fail(error, IFL_ERR_TIMEOUT, "source", "the camera is silent");
    *frame = ifl_frame_create(IFL_PIXEL_GRAY8, 32, 32);
    memset((void *)(uintptr_t)(*frame)->plane[0], 9, (size_t)(*frame)->stride[0] * 32);
    (*frame)->sequence = (*count)++;
    (*frame)->pts_ns = (int64_t)(*frame)->sequence * 1000;
    if (flaky.slow) {
        (*frame)->pts_ns *= 100000;
        atomic_fetch_add(&slow_now_ns, 150 * IFL_MILLISECOND_NS);
    }
    if (flaky.untimed_ns) {
        (*frame)->pts_ns = -1;
        atomic_fetch_add(&slow_now_ns, flaky.untimed_ns);
    }
    if (flaky.jump && *count % 2 == 0)
        (*frame)->pts_ns += 3600 * IFL_SECOND_NS;
    return IFL_OK;
}

static void flaky_info(void *self, struct ifl_source_info *info)
{
    const uint64_t *count = self;
    *info = (struct ifl_source_info){.live = true};
    if (flaky.slow) // of each 150 ms it waited for 3
        info->waited_ns = 1 + (int64_t)*count * 3 * IFL_MILLISECOND_NS;
}

static void flaky_interrupt(void *self)
{
    (void)self;
    pthread_mutex_lock(&flaky.lock);
    flaky.interrupted = true;
    pthread_cond_broadcast(&flaky.changed);
    pthread_mutex_unlock(&flaky.lock);
}

static void flaky_close(void *self)
{
    flaky.closed++;
    free(self);
}

static void flaky_keys_only(void *self, bool wanted)
{
    (void)self;
    flaky.keys_only = wanted;
}

static bool flaky_live(const char *uri)
{
    (void)uri;
    return true;
}

static const char *const flaky_schemes[] = {"flaky", NULL};
static const struct ifl_source_plugin flaky_source = {
    .head = {IFL_PLUGIN_ABI, sizeof(struct ifl_source_plugin), IFL_PLUGIN_SOURCE, "flaky", ""},
    .schemes = flaky_schemes,
    .open = flaky_open,
    .read = flaky_read,
    .info = flaky_info,
    .interrupt = flaky_interrupt,
    .close = flaky_close,
    .live = flaky_live,
    .keys_only = flaky_keys_only,
};

static void set_up_flaky(struct bench *bench, int frames_each)
{
    flaky.opened = flaky.closed = 0;
    flaky.interrupted = flaky.refuse = flaky.block = flaky.lose = flaky.locked = flaky.jump = false;
    flaky.slow = false;
    flaky.untimed_ns = 0;
    flaky.last = 0;
    flaky.frames_each = frames_each;
    (void)bench;
}

static void wait_opened(int times)
{
    pthread_mutex_lock(&flaky.lock);
    while (flaky.opened < times)
        pthread_cond_wait(&flaky.changed, &flaky.lock);
    pthread_mutex_unlock(&flaky.lock);
}

static void reconnects_and_goes_on_counting(void **state)
{
    (void)state;
    struct bench bench;
    set_up_flaky(&bench, 3);
    flaky.last = 2;
    set_up(&bench, (struct ifl_ingest_config){.plugin = &flaky_source, .source.uri = "flaky:"},
           IFL_POLICY_BLOCK);
    int64_t last_pts = -1;
    for (uint64_t i = 0; i < 6; i++) {
        void *packet;
        assert_int_equal(ifl_edge_pop(bench.out, &packet, INT64_MAX), IFL_OK);
        struct ifl_frame *frame = packet;
        assert_int_equal(frame->sequence, i + i / 3); // what was lost shows as a gap
        assert_int_equal(frame->media_index, frame->sequence);
        assert_true(frame->pts_ns > last_pts);
        last_pts = frame->pts_ns;
        ifl_frame_unref(frame);
        ifl_edge_pass(bench.out);
    }
    struct ifl_ingest_status status;
    ifl_ingest_status(bench.ingest, &status);
    assert_int_equal(status.reconnects, 1);
    assert_int_equal(status.frames, 6);
    tear_down(&bench);
    assert_int_equal(flaky.opened, flaky.closed);
}

static void stops_while_it_backs_off(void **state)
{
    (void)state;
    struct bench bench;
    set_up_flaky(&bench, 0);
    flaky.refuse = true;
    set_up(&bench, (struct ifl_ingest_config){.plugin = &flaky_source, .source.uri = "flaky:"},
           IFL_POLICY_BLOCK);
    wait_opened(2);
    struct ifl_ingest_status status;
    ifl_ingest_status(bench.ingest, &status);
    assert_int_equal(status.last_error.result, IFL_ERR_IO);
    assert_string_equal(status.last_error.text, "the camera is off");
    assert_false(status.finished);
    tear_down(&bench);
    assert_int_equal(flaky.closed, 0);
}

static void interrupts_a_read(void **state)
{
    (void)state;
    struct bench bench;
    set_up_flaky(&bench, 1);
    flaky.block = true;
    set_up(&bench, (struct ifl_ingest_config){.plugin = &flaky_source, .source.uri = "flaky:"},
           IFL_POLICY_BLOCK);
    assert_int_equal(drain(&bench, 1), 1);
    tear_down(&bench);
    assert_int_equal(flaky.closed, 1);
}

static void counts_what_the_decoder_lost(void **state)
{
    (void)state;
    struct bench bench;
    set_up_flaky(&bench, 9);
    flaky.lose = flaky.block = true;
    set_up(&bench, (struct ifl_ingest_config){.plugin = &flaky_source, .source.uri = "flaky:"},
           IFL_POLICY_BLOCK);
    assert_int_equal(drain(&bench, 6), 6);
    tear_down(&bench);
}

// Pictures left out are counted, and the wish holds for the next connection, too.
static void leaves_out_all_but_key_frames(void **state)
{
    (void)state;
    struct bench bench;
    set_up_flaky(&bench, 9);
    set_up(&bench, (struct ifl_ingest_config){.plugin = &flaky_source, .source.uri = "flaky:"},
           IFL_POLICY_BLOCK);
    ifl_ingest_keys_only(bench.ingest, true);
    assert_int_equal(drain(&bench, 15), 15); // nine may have come before
    struct ifl_edge_counts counts;
    ifl_edge_count(bench.in, &counts);
    assert_true(counts.dropped[IFL_DROP_LOAD] >= 8);
    tear_down(&bench);
}

// ---- states ----

static void becomes(struct bench *bench, enum ifl_source_state state)
{
    struct ifl_ingest_status status;
    int64_t limit = now() + 20 * IFL_SECOND_NS;
    do {
        usleep(2000);
        ifl_ingest_look(bench->ingest);
        ifl_ingest_status(bench->ingest, &status);
        if (now() > limit)
            fail_msg("it is %s, not %s", ifl_source_state_name(status.state),
                     ifl_source_state_name(state));
    } while (status.state != state);
}

static void tells_each_state(void **state)
{
    (void)state;
    struct bench bench;
    struct ifl_journal *journal = ifl_journal_create(ifl_clock_real());
    set_up_flaky(&bench, 3);
    flaky.block = true;
    set_up(&bench,
           (struct ifl_ingest_config){
               .plugin = &flaky_source,
               .source = {.uri = "flaky:", .read_deadline_ns = IFL_SECOND_NS / 4},
               .clock = &slow_clock,
               .journal = journal},
           IFL_POLICY_DROP_OLDEST);
    becomes(&bench, IFL_SOURCE_LIVE);
    assert_false(ifl_journal_lasts(journal, "s", IFL_INCIDENT_OFFLINE));
    atomic_fetch_add(&slow_now_ns, IFL_SECOND_NS / 4);
    becomes(&bench, IFL_SOURCE_STALLED); // while its thread waits in `read`
    assert_true(ifl_journal_lasts(journal, "s", IFL_INCIDENT_OFFLINE));
    struct ifl_ingest_status status;
    ifl_ingest_status(bench.ingest, &status);
    assert_non_null(strstr(status.last_error.text, "no good picture for"));
    assert_true(slow_now_ns - status.last_frame_ns >= IFL_SECOND_NS / 4);
    assert_true(status.state_since_ns > status.last_frame_ns);
    tear_down(&bench);
    assert_false(ifl_journal_lasts(journal, "s", IFL_INCIDENT_OFFLINE));
    ifl_journal_destroy(journal);
}

static void a_refused_source_waits_for_another_secret(void **state)
{
    (void)state;
    struct bench bench;
    struct ifl_journal *journal = ifl_journal_create(ifl_clock_real());
    set_up_flaky(&bench, 3);
    flaky.refuse = flaky.locked = flaky.block = true;
    setenv("IFL_TEST_WORD", "one", 1);
    set_up(&bench,
           (struct ifl_ingest_config){.plugin = &flaky_source,
                                      .source = {.uri = "flaky:${IFL_TEST_WORD}"},
                                      .journal = journal},
           IFL_POLICY_DROP_OLDEST);
    becomes(&bench, IFL_SOURCE_UNAUTHORIZED);
    struct ifl_ingest_status status;
    ifl_ingest_status(bench.ingest, &status);
    assert_true(status.next_attempt_ns - now() > 299 * IFL_SECOND_NS - 10 * IFL_SECOND_NS);
    assert_true(ifl_journal_lasts(journal, "s", IFL_INCIDENT_UNAUTHORIZED));
    assert_int_equal(flaky.opened, 1);
    ifl_ingest_retry(bench.ingest); // somebody asks for it
    wait_opened(2);
    becomes(&bench, IFL_SOURCE_UNAUTHORIZED);
    flaky.refuse = false;
    setenv("IFL_TEST_WORD", "two", 1);
    becomes(&bench, IFL_SOURCE_LIVE);
    assert_false(ifl_journal_lasts(journal, "s", IFL_INCIDENT_UNAUTHORIZED));
    tear_down(&bench);
    unsetenv("IFL_TEST_WORD");
    ifl_journal_destroy(journal);
}

static void a_clock_that_jumps_is_not_followed(void **state)
{
    (void)state;
    struct bench bench;
    set_up_flaky(&bench, 6);
    flaky.block = flaky.jump = true;
    set_up(&bench, (struct ifl_ingest_config){.plugin = &flaky_source, .source.uri = "flaky:"},
           IFL_POLICY_BLOCK);
    int64_t last_pts = -1;
    for (int i = 0; i < 6; i++) {
        void *packet;
        assert_int_equal(ifl_edge_pop(bench.out, &packet, INT64_MAX), IFL_OK);
        struct ifl_frame *frame = packet;
        assert_true(frame->pts_ns >= last_pts);
        assert_true(frame->pts_ns < 60 * IFL_SECOND_NS); // not an hour and more
        last_pts = frame->pts_ns;
        ifl_frame_unref(frame);
        ifl_edge_pass(bench.out);
    }
    tear_down(&bench);
}

// It is told from timestamps and from the time that reads did not wait, and begins anew with each
// connection, although timestamps go on.
static void a_slow_decoder_is_told(void **state)
{
    (void)state;
    struct bench bench;
    set_up_flaky(&bench, 40);
    flaky.slow = true;
    flaky.last = 3;
    set_up(&bench,
           (struct ifl_ingest_config){
               .plugin = &flaky_source, .source.uri = "flaky:", .clock = &slow_clock},
           IFL_POLICY_BLOCK);
    assert_int_equal(drain(&bench, 120), 120);
    struct ifl_ingest_status status;
    struct ifl_lag lag;
    ifl_ingest_status(bench.ingest, &status);
    ifl_ingest_lag(bench.ingest, &lag);
    check_near(status.lag_seconds, 39 * 0.05, 0.01); // 39 steps of 50 ms, of this connection
    check_near(status.busy_share, 0.98, 0.001);
    check_near(ifl_lag_behind(&lag), status.lag_seconds, 1e-9);
    tear_down(&bench);
}

// The time of the stream is then that of the clock, also over a reconnect, and how late pictures
// are is not known.
static void pictures_without_timestamps_have_the_time_of_their_arrival(void **state)
{
    (void)state;
    struct bench bench;
    set_up_flaky(&bench, 40);
    flaky.untimed_ns = 100 * IFL_MILLISECOND_NS;
    flaky.last = 2;
    int64_t start_ns = slow_now_ns, first_ns = start_ns + flaky.untimed_ns;
    set_up(&bench,
           (struct ifl_ingest_config){
               .plugin = &flaky_source, .source.uri = "flaky:", .clock = &slow_clock},
           IFL_POLICY_BLOCK);
    for (int i = 0; i < 80; i++) {
        void *packet;
        assert_int_equal(ifl_edge_pop(bench.out, &packet, INT64_MAX), IFL_OK);
        struct ifl_frame *frame = packet;
        assert_int_equal(frame->pts_ns, frame->capture_ns - first_ns);
        if (i < 40)
            assert_int_equal(frame->pts_ns, i * flaky.untimed_ns);
        else // the wait between the connections counts
            assert_true(frame->pts_ns > i * flaky.untimed_ns);
        ifl_frame_unref(frame);
        ifl_edge_pass(bench.out);
    }
    struct ifl_ingest_status status;
    ifl_ingest_status(bench.ingest, &status);
    assert_true(isnan(status.lag_seconds));
    tear_down(&bench);
}

static void refuses_bad_rates(void **state)
{
    (void)state;
    static const double bad[] = {-1, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        struct ifl_ingest_config config = {.plugin = &ifl_source_pattern,
                                           .source = {.name = "s", .uri = "pattern"},
                                           .rate_max = bad[i]};
        struct ifl_ingest *ingest;
        struct ifl_error error;
        assert_int_equal(ifl_ingest_create(&config, &ingest, &error), IFL_ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_all_of_a_file),
        cmocka_unit_test(drops_the_oldest_and_counts),
        cmocka_unit_test(thins_by_timestamps),
        cmocka_unit_test(paces_like_a_camera),
        cmocka_unit_test(stops_while_it_paces),
        cmocka_unit_test(stops_while_the_next_stage_is_full),
        cmocka_unit_test(says_why_a_file_cannot_be_opened),
        cmocka_unit_test(stops_while_a_server_hangs),
        cmocka_unit_test(a_connection_without_pictures_is_told_and_tried_again),
        cmocka_unit_test(a_motion_jpeg_camera_s_time_is_ours),
        cmocka_unit_test(reconnects_and_goes_on_counting),
        cmocka_unit_test(stops_while_it_backs_off),
        cmocka_unit_test(interrupts_a_read),
        cmocka_unit_test(counts_what_the_decoder_lost),
        cmocka_unit_test(leaves_out_all_but_key_frames),
        cmocka_unit_test(tells_each_state),
        cmocka_unit_test(a_refused_source_waits_for_another_secret),
        cmocka_unit_test(a_clock_that_jumps_is_not_followed),
        cmocka_unit_test(a_slow_decoder_is_told),
        cmocka_unit_test(pictures_without_timestamps_have_the_time_of_their_arrival),
        cmocka_unit_test(refuses_bad_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
