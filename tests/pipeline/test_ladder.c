// SPDX-License-Identifier: Apache-2.0
// The ladder on a clock of its own, under a load that comes and goes: a queue of four that drops
// the oldest, and a server whose frames take as long as the test says.
#include "support.h"

#include "base/clock.h"
#include "ingest/lag.h"
#include "pipeline/ladder.h"

struct plant {
    struct ifl_ladder ladder;
    double rate;            // frames/s that come
    double full_s, light_s; // what a frame takes
    int64_t next_ns, free_ns;
    uint64_t received;
    int64_t queue[4];
    int waiting;
    uint64_t lost, done, left_out;
};

static void come(struct plant *plant)
{
    if (plant->waiting == 4) {
        memmove(plant->queue, plant->queue + 1, 3 * sizeof *plant->queue);
        plant->waiting--;
        plant->lost++;
    }
    plant->queue[plant->waiting++] = plant->next_ns;
    plant->received++;
    plant->next_ns += (int64_t)(1e9 / plant->rate);
}

static void serve(struct plant *plant)
{
    int64_t captured_ns = plant->queue[0];
    memmove(plant->queue, plant->queue + 1, 3 * sizeof *plant->queue);
    plant->waiting--;
    int64_t begun_ns = plant->free_ns > captured_ns ? plant->free_ns : captured_ns;
    enum ifl_depth depth = ifl_ladder_depth(&plant->ladder, captured_ns);
    double takes_s = depth == IFL_DEPTH_FULL ? plant->full_s : plant->light_s;
    plant->free_ns = begun_ns + (depth == IFL_DEPTH_NONE ? 10000 : (int64_t)(takes_s * 1e9));
    ifl_ladder_note(&plant->ladder, depth, plant->received, captured_ns, begun_ns, plant->free_ns);
    plant->done += depth != IFL_DEPTH_NONE;
    plant->left_out += depth == IFL_DEPTH_NONE;
}

static void run(struct plant *plant, double seconds)
{
    int64_t end_ns = plant->next_ns + (int64_t)(seconds * 1e9);
    plant->lost = plant->done = plant->left_out = 0;
    while (plant->next_ns < end_ns) {
        while (plant->waiting && plant->free_ns <= plant->next_ns)
            serve(plant);
        come(plant);
    }
}

static void stays_at_the_top_in_time(void **state)
{
    (void)state;
    struct plant plant = {.rate = 30, .full_s = 0.026, .light_s = 0.005, .next_ns = 1};
    run(&plant, 120);
    assert_int_equal(plant.ladder.rung, IFL_RUNG_FULL);
    assert_int_equal(plant.lost, 0);
    check_near(plant.ladder.complete, 1, 0.02);
}

static void goes_down_and_climbs_back(void **state)
{
    (void)state;
    static const struct {
        double full_s, light_s;
        enum ifl_rung rung;
    } loads[] = {{0.060, 0.010, IFL_RUNG_COARSE},
                 {0.120, 0.060, IFL_RUNG_THINNED},
                 {0.700, 0.600, IFL_RUNG_KEY},
                 {2.5, 0.3, IFL_RUNG_HEALTH}};
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        struct plant plant = {.rate = 30, .full_s = 0.010, .light_s = 0.004, .next_ns = 1};
        run(&plant, 20);
        plant.full_s = loads[i].full_s;
        plant.light_s = loads[i].light_s;
        run(&plant, 60);
        bool tries = plant.ladder.rung == IFL_RUNG_KEY && loads[i].rung == IFL_RUNG_HEALTH;
        if (plant.ladder.rung != loads[i].rung && !tries)
            fail_msg("frames of %.3f s: rung %s", loads[i].full_s,
                     ifl_rung_name(plant.ladder.rung));
        run(&plant, 60); // then it keeps up: what is left out is chosen, not lost
        bool fits = loads[i].full_s < 4 / plant.rate; // else the queue fills behind one frame
        if (fits && (double)plant.lost > 0.05 * 60 * plant.rate)
            fail_msg("frames of %.3f s: %d of %d were lost", loads[i].full_s, (int)plant.lost,
                     (int)(60 * plant.rate));
        assert_true(plant.done > 40);
        assert_true(plant.ladder.complete < 0.5);
        plant.full_s = 0.010;
        plant.light_s = 0.004;
        run(&plant, 150);
        assert_int_equal(plant.ladder.rung, IFL_RUNG_FULL);
        run(&plant, 60);
        assert_int_equal(plant.lost, 0);
        check_near(plant.ladder.complete, 1, 0.06);
    }
}

// The rate of thinned frames finds what the machine can do.
static void finds_the_rate(void **state)
{
    (void)state;
    struct plant plant = {.rate = 25, .full_s = 0.1, .light_s = 0.09, .next_ns = 1};
    run(&plant, 120);
    run(&plant, 60);
    double rate = (double)plant.done / 60;
    assert_int_equal(plant.ladder.rung, IFL_RUNG_THINNED);
    assert_true(rate > 5 && rate <= 10);
}

// A load at the edge is not met by going up and down all the time.
static void does_not_swing(void **state)
{
    (void)state;
    struct plant plant = {.rate = 30, .full_s = 0.036, .light_s = 0.008, .next_ns = 1};
    int changes = 0;
    enum ifl_rung last = IFL_RUNG_FULL;
    for (int second = 0; second < 600; second++) {
        run(&plant, 1);
        changes += plant.ladder.rung != last;
        last = plant.ladder.rung;
    }
    if (changes > 30)
        fail_msg("%d changes in ten minutes", changes);
}

// ---- a decoder that can't keep up ----

// A camera with a key frame a second, a buffer in between, and a decoder that takes decode_s a
// picture. The analysis is quick.
struct decoder {
    struct ifl_ladder ladder;
    struct ifl_lag lag;
    double decode_s;
    double skew; // of the camera's clock
    int64_t now_ns, waited_ns;
    uint64_t sent; // the next picture: 25 a second, from zero on
    uint64_t received;
    bool keys;
    enum ifl_rung lowest;
    int changes;
};

enum { RATE = 25 };

static int64_t sent_ns(uint64_t picture)
{
    return (int64_t)(picture * (IFL_SECOND_NS / RATE));
}

static void note(struct decoder *decoder)
{
    enum ifl_rung before = decoder->ladder.rung;
    int64_t now_ns = decoder->now_ns;
    enum ifl_depth depth = ifl_ladder_depth(&decoder->ladder, now_ns);
    ifl_ladder_decoder(&decoder->ladder, ifl_lag_behind(&decoder->lag), decoder->lag.busy);
    ifl_ladder_note(&decoder->ladder, depth, decoder->received, now_ns, now_ns, now_ns + 1000000);
    if (decoder->ladder.rung > decoder->lowest)
        decoder->lowest = decoder->ladder.rung;
    decoder->changes += decoder->ladder.rung != before;
}

static void take(struct decoder *decoder)
{
    int64_t there_ns = sent_ns(decoder->sent);
    bool key = decoder->sent % RATE == 0;
    if (there_ns > decoder->now_ns) {
        decoder->waited_ns += there_ns - decoder->now_ns;
        decoder->now_ns = there_ns;
    }
    if (key) // the source follows at a key frame only
        decoder->keys = decoder->ladder.rung >= IFL_RUNG_KEY;
    bool decodes = key || !decoder->keys;
    decoder->now_ns += decodes ? (int64_t)(decoder->decode_s * 1e9) : 100000;
    decoder->received++;
    int64_t pts_ns = (int64_t)((double)there_ns * (1 - decoder->skew));
    if (decodes)
        ifl_lag_picture(&decoder->lag, pts_ns, decoder->now_ns);
    if (ifl_lag_due(&decoder->lag, decoder->now_ns))
        ifl_lag_look(&decoder->lag, 1 + decoder->waited_ns, decoder->now_ns);
    if (decodes)
        note(decoder);
    decoder->sent++;
}

static void decode(struct decoder *decoder, double seconds)
{
    int64_t end_ns = decoder->now_ns + (int64_t)(seconds * 1e9);
    decoder->lowest = IFL_RUNG_FULL;
    decoder->changes = 0;
    while (decoder->now_ns < end_ns)
        take(decoder);
}

static void a_slow_decoder_ends_with_key_frames_and_comes_back(void **state)
{
    (void)state;
    static const double decode_s[] = {0.045, 0.060, 0.120, 0.400};
    for (size_t i = 0; i < sizeof decode_s / sizeof *decode_s; i++) {
        struct decoder decoder = {.decode_s = 0.010, .now_ns = 1};
        decode(&decoder, 30);
        assert_int_equal(decoder.lowest, IFL_RUNG_FULL);
        decoder.decode_s = decode_s[i];
        decode(&decoder, 40);
        if (decoder.lowest != IFL_RUNG_KEY)
            fail_msg("%.3f s a picture: no lower than %s", decode_s[i],
                     ifl_rung_name(decoder.lowest));
        assert_true(decoder.ladder.fell_behind_s >= 1);
        decode(&decoder, 600); // it tries, but not all the time, and never falls far behind
        assert_int_equal(decoder.lowest, IFL_RUNG_KEY);
        if (decoder.changes > 50)
            fail_msg("%.3f s a picture: %d changes in ten minutes", decode_s[i], decoder.changes);
        decoder.decode_s = 0.010;
        decode(&decoder, 120);
        assert_int_equal(decoder.ladder.rung, IFL_RUNG_FULL);
        decode(&decoder, 120);
        assert_int_equal(decoder.lowest, IFL_RUNG_FULL);
    }
}

static void a_slow_clock_and_a_burst_take_nothing_down(void **state)
{
    (void)state;
    struct decoder decoder = {.decode_s = 0.036, .skew = 100e-6, .now_ns = 3 * IFL_SECOND_NS};
    decode(&decoder, 3 * 3600); // begins with what three seconds have brought
    assert_int_equal(decoder.lowest, IFL_RUNG_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_at_the_top_in_time),
        cmocka_unit_test(goes_down_and_climbs_back),
        cmocka_unit_test(finds_the_rate),
        cmocka_unit_test(does_not_swing),
        cmocka_unit_test(a_slow_decoder_ends_with_key_frames_and_comes_back),
        cmocka_unit_test(a_slow_clock_and_a_burst_take_nothing_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
