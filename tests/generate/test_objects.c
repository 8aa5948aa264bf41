// SPDX-License-Identifier: Apache-2.0
// Objects are blends of at least k others, nothing of them is verbatim, and they look like the
// stream's in numbers.
#include "objects_scene.h"

#include <pthread.h>

// ---- the promise

static void check_blend(const struct ifl_blend *blend, int k, int slot)
{
    double sum = 0;
    assert_true(blend->count >= k);
    for (int i = 0; i < blend->count; i++) {
        assert_int_not_equal(blend->identity[i], slot);
        assert_true(blend->weight[i] <= 1.0 / k + 1e-9);
        for (int j = 0; j < i; j++)
            assert_int_not_equal(blend->identity[i], blend->identity[j]);
        sum += blend->weight[i];
    }
    check_near(sum, 1, 1e-9);
}

static void every_object_is_a_blend_of_k_others(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(48, 16);
    struct painting *painting = open_painting(profile);
    int objects = 0;
    const int ks[] = {2, 3, 5};
    for (int i = 0; i < 3; i++) {
        for (uint64_t seed = 0; seed < 40; seed++) {
            paint(painting, ks[i], 0, seed);
            for (int o = 0; o < painting->audit.objects; o++) {
                const struct ifl_object_record *record = &painting->record[o];
                check_blend(&record->body, ks[i], record->slot_identity);
                check_blend(&record->palette, ks[i], record->slot_identity);
                // Who was counted as two identities has no more than 1 / k of the shape either.
                assert_int_equal(record->body.count, 2 * ks[i]);
                objects++;
            }
        }
    }
    assert_in_range(objects, 220, 240); // two people a frame
    close_painting(painting, profile);
}

static void a_broken_blend_is_noticed(void **state)
{
    (void)state;
    uint8_t excluded[8] = {0};
    struct ifl_blend blend = {
        .count = 3, .identity = {1, 2, 3}, .weight = {1 / 3., 1 / 3., 1 / 3.}};
    assert_true(ifl_blend_keeps(&blend, 3, excluded));
    assert_false(ifl_blend_keeps(&blend, 4, excluded));
    excluded[2] = 1;
    assert_false(ifl_blend_keeps(&blend, 3, excluded));
    excluded[2] = 0;
    blend.identity[2] = 1;
    assert_false(ifl_blend_keeps(&blend, 3, excluded));
    blend.identity[2] = 3;
    blend.weight[0] += 1e-3;
    blend.weight[1] -= 1e-3;
    assert_false(ifl_blend_keeps(&blend, 3, excluded));
    blend.weight[0] = NAN;
    assert_false(ifl_blend_keeps(&blend, 3, excluded));
}

static void those_hidden_in_a_merged_component_are_excluded(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(48, 16);
    struct ifl_memory_frame *frame = profile->memory[20];
    frame->components = 0;
    memset((void *)frame->label, 0, AREA);
    struct ifl_component *c = open_component(frame, 1);
    draw(frame, c, 60, 90, 28, 1); // events 1 and 2 as one component
    draw(frame, c, 69, 90, 28, 2);
    struct ifl_event *event = (struct ifl_event *)profile->event;
    event[0].last_index = event[1].last_index = 5000;
    for (int e = 2; e < 16; e++)
        event[e].first_index = event[e].last_index = 4000;
    struct painting *painting = open_painting(profile);
    struct ifl_placement placement[PLACEMENTS_MAX];
    struct ifl_rng rng;
    ifl_rng_init(&rng, 1);
    int refused = 0;
    assert_int_equal(ifl_layout_place(painting->objects, 20, &rng, placement, &refused), 2);
    uint8_t excluded[IDENTITIES_MAX];
    assert_int_equal(ifl_layout_exclude(painting->objects, 20, &placement[0], excluded), 0);
    assert_true(excluded[0] && excluded[1]);
    assert_false(excluded[2]);
    close_painting(painting, profile);
}

// A frame in which the lower border cuts event 1, and others stand about. The identities that may
// have stood in its slot.
static void exclude_at_border(struct ifl_profile *profile, enum ifl_shows shows, uint8_t *excluded)
{
    struct painting *painting = open_painting(profile);
    struct ifl_placement placement[PLACEMENTS_MAX];
    struct ifl_rng rng;
    ifl_rng_init(&rng, 1);
    int refused = 0, i = 0;
    int count = ifl_layout_place(painting->objects, 20, &rng, placement, &refused);
    while (i < count && placement[i].component != 0)
        i++;
    assert_in_range(i, 0, count - 1);
    assert_int_equal(placement[i].shows, SHOWS_PART);
    placement[i].shows = shows;
    assert_int_equal(ifl_layout_exclude(painting->objects, 20, &placement[i], excluded), 0);
    ifl_objects_destroy(painting->objects);
    free(painting);
}

static struct ifl_profile *make_border(void)
{
    struct ifl_profile *profile = make_plaza(48, 16);
    for (int f = 20; f < 22; f++) {
        profile->memory[f]->components = 0;
        memset((void *)profile->memory[f]->label, 0, AREA);
    }
    add_person(profile, 20, 1, 50, 128);                                              // cut
    add_person(profile, 20, 2, 110, 80);                                              // far away
    add_person(profile, 20, 3, 66, 100);                                              // beside it
    add_person(profile, 20, 5, 140, 100);                                             // far away,
    add_person(profile, 21, 1, 60, 90);                                               // but they
    add_person(profile, 21, 5, 64, 90);                                               // met
    draw(profile->memory[20], open_component(profile->memory[20], 6), 20, 60, 10, 6); // a piece
    struct ifl_event *event = (struct ifl_event *)profile->event;
    for (int e = 0; e < 16; e++) { // 4 was there at that time and is not seen; from 7 on elsewhen
        event[e].first_index = e < 6 ? 1900 : 4000;
        event[e].last_index = e < 6 ? 2100 : 4000;
    }
    return profile;
}

// Who is seen whole elsewhere in that very picture does not stand in the slot. All others may.
static void who_is_seen_elsewhere_may_take_part(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_border();
    uint8_t excluded[IDENTITIES_MAX];
    exclude_at_border(profile, SHOWS_PART, excluded);
    const uint8_t wanted[7] = {1, 0, 1, 1, 1, 1, 0};
    assert_memory_equal(excluded, wanted, sizeof wanted);
    exclude_at_border(profile, SHOWS_SEVERAL, excluded); // of a crowd nobody knows who is in it
    const uint8_t all[7] = {1, 1, 1, 1, 1, 1, 0};
    assert_memory_equal(excluded, all, sizeof all);
    ifl_profile_unref(profile);
}

// Of two tracks that may be one person one is elsewhere: the other may still be in the slot.
static void who_is_hidden_by_another_track_is_excluded(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_border();
    struct ifl_event *event = (struct ifl_event *)profile->event;
    uint8_t excluded[IDENTITIES_MAX];
    event[15].identity = 2; // as event 2, which is far away
    exclude_at_border(profile, SHOWS_PART, excluded);
    assert_false(excluded[1]);
    event[15].first_index = event[15].last_index = 2005;
    exclude_at_border(profile, SHOWS_PART, excluded);
    assert_true(excluded[1]);
    ifl_profile_unref(profile);
}

// Nobody is made of others who were seen much smaller: their shades would become blotches.
static void nobody_is_made_of_much_smaller_others(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(48, 16);
    struct painting *painting = open_painting(profile);
    const struct ifl_objects *objects = painting->objects;
    uint8_t excluded[IDENTITIES_MAX] = {1};
    struct ifl_placement placement = {.kind = KIND_UPRIGHT};
    float largest = 0;
    int made = 0;
    for (int i = 0; i < objects->crops; i++)
        largest = fmaxf(largest, objects->crop[i].size);
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct ifl_pose pose[IFL_K_MAX];
        struct ifl_blend blend;
        struct ifl_rng rng;
        float stride;
        ifl_rng_init(&rng, seed);
        placement.height = largest * (0.5f + (float)seed / 40); // to 1.975
        bool chosen =
            ifl_shape_choose(objects, &placement, excluded, 3, &rng, pose, &blend, &stride);
        made += chosen;
        for (int i = 0; chosen && i < blend.count; i++)
            assert_true(placement.height <= 1.75f * objects->crop[pose[i].crop].size);
        if (seed == 0)
            assert_true(chosen);
    }
    assert_in_range(made, 20, 51); // above 1.75 times the largest: nobody
    close_painting(painting, profile);
}

// A body on two legs, the feet `stride` apart from outside to outside.
static void make_walker(struct ifl_crop *crop, float stride)
{
    const float hip = FOOT - BODY / 2, leg = 5;
    *crop = (struct ifl_crop){.size = BODY, .line = {FOOT - BODY, 10, hip, FOOT - 3, FOOT}};
    for (int y = 0; y < BOX; y++) {
        float down = greater(((float)y - hip) / (FOOT - hip), 0);
        float half = y < hip ? 5 : 5 + down * (stride / 2 - 5);
        float left = BOX, right = 0;
        for (int x = 0; x < BOX; x++) {
            float aside = fabsf((float)x + 0.5f - BOX / 2);
            bool rows = y >= FOOT - BODY && y < FOOT;
            bool inside = rows && aside < half && (y < hip || aside > half - leg);
            crop->distance[y * BOX + x] = inside ? -DISTANCE_UNIT : DISTANCE_UNIT;
            crop->area += inside;
            left = inside ? lesser(left, (float)x) : left;
            right = inside ? (float)x + 1 : right;
        }
        crop->left[y] = left < right ? left : BOX / 2 - 1;
        crop->right[y] = left < right ? right : BOX / 2 + 1;
    }
}

static int runs_in_row(const struct ifl_figure *figure, int row)
{
    int runs = 0;
    for (int x = 1; x < BOX; x++)
        runs += figure->distance[row * BOX + x] < 0 && figure->distance[row * BOX + x - 1] >= 0;
    return runs;
}

enum { WALKERS = 6 };

// Participants none of whom steps alike, and who all walk the same way.
struct walkers {
    struct ifl_crop crop[WALKERS];
    struct ifl_pose pose[WALKERS];
    struct ifl_blend blend;
    struct ifl_figure figure;
};

static void make_walkers(struct walkers *walkers, int heading, float least, float more)
{
    walkers->blend.count = WALKERS;
    for (int i = 0; i < WALKERS; i++) {
        bool mirrored = i % 2;
        make_walker(&walkers->crop[i], least + more * (float)i);
        walkers->crop[i].heading = mirrored ? -heading : heading;
        walkers->pose[i] = (struct ifl_pose){.crop = i, .mirrored = mirrored};
        walkers->blend.identity[i] = i;
        walkers->blend.weight[i] = 1.0 / WALKERS;
    }
}

static void blend_walkers(struct walkers *walkers, enum ifl_kind_index kind, float height,
                          float stride)
{
    struct ifl_objects objects = {.crop = walkers->crop, .crops = WALKERS};
    struct ifl_placement placement = {.kind = kind, .height = height};
    ifl_shape_blend(&objects, &placement, walkers->pose, &walkers->blend, stride, &walkers->figure);
}

static float width_at(const struct ifl_figure *figure, int row)
{
    return figure->right[row] - figure->left[row];
}

static void a_blend_stands_on_two_legs(void **state)
{
    (void)state;
    static struct walkers walkers;
    make_walkers(&walkers, 0, 11, 4);
    blend_walkers(&walkers, KIND_UPRIGHT, 40, 22);
    assert_int_equal(runs_in_row(&walkers.figure, FOOT - BODY + 12), 1);
    for (int row = FOOT - 6; row < FOOT - 1; row++)
        assert_int_equal(runs_in_row(&walkers.figure, row), 2);
    // Who is asked to step wider does.
    float narrow = width_at(&walkers.figure, FOOT - 2);
    blend_walkers(&walkers, KIND_UPRIGHT, 40, 28);
    assert_true(width_at(&walkers.figure, FOOT - 2) > narrow + 3);
}

// Who comes nearer is seen on both legs, however narrow the model's; of who walks by, one may hide
// the other.
static void legs_hide_each_other_only_from_the_side(void **state)
{
    (void)state;
    static struct walkers walkers;
    make_walkers(&walkers, 0, 7, 1);
    blend_walkers(&walkers, KIND_UPRIGHT, 20, 6);
    assert_int_equal(runs_in_row(&walkers.figure, FOOT - 3), 2);
    make_walkers(&walkers, 1, 7, 1);
    blend_walkers(&walkers, KIND_UPRIGHT, 20, 6);
    assert_int_equal(runs_in_row(&walkers.figure, FOOT - 3), 1);
    // Toes point where it goes; at the ankles there are none.
    float toe = walkers.figure.right[FOOT - 1], ankle = walkers.figure.right[FOOT - 6];
    assert_true(toe > ankle);
    assert_true(walkers.figure.left[FOOT - 1] >= walkers.figure.left[FOOT - 6]);
}

// What is wide is no walker: what it stands on is averaged as all of it.
static void a_wide_blend_has_no_legs(void **state)
{
    (void)state;
    static struct walkers upright, wide;
    make_walkers(&upright, 0, 11, 4);
    make_walkers(&wide, 0, 11, 4);
    blend_walkers(&upright, KIND_UPRIGHT, 40, 40);
    blend_walkers(&wide, KIND_WIDE, 40, 40);
    assert_true(width_at(&upright.figure, FOOT - 2) > width_at(&wide.figure, FOOT - 2));
}

enum { SIDE = 7 };

// Whether two patches differ by less than 2 of 255 (root mean square).
static bool same_patch(const uint8_t *a, const uint8_t *b, bool mirrored)
{
    int sum = 0;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            for (int c = 0; c < 3; c++) {
                int other = mirrored ? SIDE - 1 - x : x;
                int d = a[(y * WIDTH + x) * 3 + c] - b[(y * WIDTH + other) * 3 + c];
                sum += d * d;
            }
        }
        if (sum >= 4 * SIDE * SIDE * 3)
            return false;
    }
    return true;
}

static bool all_foreground(const uint8_t *rgb)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        if (rgb[(i / SIDE * WIDTH + i % SIDE) * 3 + 1] > 130) // the plate is brighter
            return false;
    }
    return true;
}

static bool found_in(const struct ifl_memory_frame *frame, const uint8_t *patch)
{
    for (int i = 0; i < frame->components; i++) {
        const struct ifl_component *c = &frame->component[i];
        for (int y = c->y; y + SIDE <= c->y + c->height; y++) {
            for (int x = c->x; x + SIDE <= c->x + c->width; x++) {
                const uint8_t *other = frame->level[0] + (y * WIDTH + x) * 3;
                if (same_patch(patch, other, false) || same_patch(patch, other, true))
                    return true;
            }
        }
    }
    return false;
}

static int verbatim_patches(const struct ifl_profile *profile, const uint8_t *canvas, int *patches)
{
    int verbatim = 0;
    for (int y = 0; y + SIDE <= HEIGHT; y++) {
        for (int x = 0; x + SIDE <= WIDTH; x++) {
            const uint8_t *patch = canvas + (y * WIDTH + x) * 3;
            if (!all_foreground(patch))
                continue;
            (*patches)++;
            for (int f = 0; f < profile->memory_frames; f++)
                verbatim += found_in(profile->memory[f], patch);
        }
    }
    return verbatim;
}

static void no_patch_is_verbatim(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 12);
    struct painting *painting = open_painting(profile);
    int patches = 0, own = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        paint(painting, 3, 0, seed);
        assert_int_equal(verbatim_patches(profile, painting->canvas, &patches), 0);
    }
    assert_true(patches > 200);
    assert_true(verbatim_patches(profile, profile->memory[3]->level[0], &own) >= own && own > 0);
    close_painting(painting, profile);
}

// ---- how it looks in numbers

static void occupancy_follows_the_memory(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(48, 16);
    struct painting *painting = open_painting(profile);
    double real = 0, made = 0;
    for (int f = 0; f < 48; f++)
        real += changed_pixels(profile->memory[f]->level[0]) / 48.0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        paint(painting, 3, 0, seed);
        made += changed_pixels(painting->canvas) / 100.0;
    }
    assert_true(made > 0.8 * real && made < 1.2 * real);
    close_painting(painting, profile);
}

static void weight_chooses_crowded_or_empty_layouts(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(48, 16);
    for (int f = 0; f < 24; f++)
        profile->memory[f]->components = 0;
    struct painting *painting = open_painting(profile);
    int objects[3] = {0};
    const double weight[3] = {-3, NAN, 3}; // NaN counts as 0
    for (int i = 0; i < 3; i++) {
        for (uint64_t seed = 0; seed < 60; seed++) {
            paint(painting, 2, weight[i], seed);
            objects[i] += painting->audit.objects;
        }
    }
    assert_in_range(objects[0], 0, 12);
    assert_in_range(objects[1], 30, 90);
    assert_in_range(objects[2], 108, 120);
    close_painting(painting, profile);
}

// Frames of nobody stand for nine tenths of the stream, though they are half of the memory.
static void layouts_come_as_often_as_in_the_stream(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(48, 16);
    profile->memory_weight = calloc(48, sizeof *profile->memory_weight);
    for (int f = 0; f < 48; f++) {
        profile->memory_weight[f] = f < 24 ? 0.9f / 24 : 0.1f / 24;
        if (f < 24)
            profile->memory[f]->components = 0;
    }
    struct painting *painting = open_painting(profile);
    int shown = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        paint(painting, 2, 0, seed);
        shown += painting->audit.objects > 0;
    }
    assert_in_range(shown, 8, 32); // 20 +- 3 sigma
    close_painting(painting, profile);
}

static void draw_sign(const uint8_t *rgb)
{
    for (int y = 60; y < 66; y++)
        memset((uint8_t *)rgb + (y * WIDTH + 62) * 3, 250, (size_t)5 * 3);
}

static void what_stands_in_front_stays_in_front(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_profile(48, 16);
    draw_sign(profile->plate[0]);
    for (int f = 0; f < 48; f++) { // people pass behind a sign that none of them ever hides
        add_person(profile, f, (uint32_t)(f % 16) + 1, 60 + f % 9, 80);
        draw_sign(profile->memory[f]->level[0]);
        for (int y = 60; y < 66; y++)
            memset((uint8_t *)profile->memory[f]->label + y * WIDTH + 62, 0, 5);
    }
    struct painting *painting = open_painting(profile);
    for (uint64_t seed = 0; seed < 20; seed++) {
        paint(painting, 3, 0, seed);
        assert_true(changed_pixels(painting->canvas) > 40);
        for (int y = 60; y < 66; y++) {
            for (int x = 62; x < 67; x++)
                assert_int_equal(painting->canvas[(y * WIDTH + x) * 3], 250);
        }
    }
    close_painting(painting, profile);
}

// People are events 1 to 12, vehicles 13 to 24: one of each in a frame.
static struct ifl_profile *make_street(void)
{
    struct ifl_profile *profile = make_profile(48, 24);
    for (int f = 0; f < 48; f++) {
        add_person(profile, f, (uint32_t)(f % 12) + 1, 30 + f % 5 * 6, 60 + f % 7 * 7);
        struct ifl_memory_frame *frame = profile->memory[f];
        struct ifl_component *c = open_component(frame, (uint32_t)(f % 12) + 13);
        int left = 80 + f % 9, top = 50 + f % 5 * 4;
        for (int i = 0; i < 36 * 15; i++)
            add_pixel(frame, c, left + i % 36, top + i / 36, c->event * 8);
    }
    return profile;
}

static void kinds_do_not_mix(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_street();
    struct painting *painting = open_painting(profile);
    int wide = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        paint(painting, 3, 0, seed);
        assert_int_equal(painting->audit.objects, 2);
        for (int o = 0; o < 2; o++) {
            const struct ifl_object_record *record = &painting->record[o];
            bool vehicle = record->slot_identity >= 12;
            for (int i = 0; i < record->body.count; i++)
                assert_int_equal(record->body.identity[i] >= 12, vehicle);
            for (int i = 0; i < 3; i++)
                assert_int_equal(record->palette.identity[i] >= 12, vehicle);
            wide += vehicle;
        }
    }
    assert_int_equal(wide, 40);
    close_painting(painting, profile);
}

static void the_seed_decides_everything(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 12);
    struct painting *one = open_painting(profile);
    struct painting *two = open_painting(ifl_profile_ref(profile));
    paint(one, 3, 0, 5);
    paint(two, 3, 0, 5);
    assert_memory_equal(one->canvas, two->canvas, AREA * 3);
    paint(two, 3, 0, 6);
    assert_memory_not_equal(one->canvas, two->canvas, AREA * 3);
    close_painting(two, profile);
    close_painting(one, profile);
}

struct job {
    const struct ifl_objects *objects;
    uint8_t canvas[8][AREA * 3];
    enum ifl_result result;
};

static void *paint_eight(void *context)
{
    struct job *job = context;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct ifl_rng rng;
        struct ifl_audit audit;
        struct ifl_error error;
        ifl_rng_init(&rng, seed);
        fill_plate(job->canvas[seed]);
        if (ifl_objects_paint(job->objects, 3, 0, &rng, job->canvas[seed], &audit, &error))
            job->result = IFL_ERR_INTERNAL;
    }
    return NULL;
}

static void threads_paint_the_same(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 12);
    struct painting *painting = open_painting(profile);
    struct job *job = calloc(3, sizeof *job);
    pthread_t thread[3];
    for (int i = 0; i < 3; i++) {
        job[i].objects = painting->objects;
        pthread_create(&thread[i], NULL, paint_eight, &job[i]);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(job[i].result, IFL_OK);
        assert_memory_equal(job[i].canvas, job[0].canvas, sizeof job[0].canvas);
    }
    free(job);
    close_painting(painting, profile);
}

struct moments {
    double count, sum, square;
};

static void add_moment(struct moments *m, double value)
{
    m->count++;
    m->sum += value;
    m->square += value * value;
}

static double deviation(const struct moments *m)
{
    double mean = m->sum / m->count;
    return sqrt(m->square / m->count - mean * mean);
}

// Luma and one chroma of each part: of everybody, and of 3000 palettes drawn for blends of k.
static void measure_colors(const struct ifl_objects *objects, int k, struct moments real[PARTS][2],
                           struct moments made[PARTS][2])
{
    static const uint8_t nobody[IDENTITIES_MAX];
    enum { DRAWS = 3000 };
    struct ifl_rng rng;
    ifl_rng_init(&rng, 1);
    for (int i = 0; i < objects->identities + DRAWS; i++) {
        struct ifl_palette palette;
        struct ifl_blend blend;
        bool own = i < objects->identities;
        if (own)
            palette = objects->identity[i].palette;
        else
            assert_true(
                ifl_palette_choose(objects, KIND_UPRIGHT, nobody, k, &rng, &palette, &blend));
        for (int p = 0; p < PARTS; p++)
            for (int c = 0; c < 2; c++)
                add_moment(own ? &real[p][c] : &made[p][c], (double)palette.mean[p][c]);
    }
}

// Means of two thirds of all have a third of it. What they and the bounds take from clothes is
// mostly made up for, and not more than that; heads and shoes keep to what is usual.
static void colors_have_the_spread_of_the_stream(void **state)
{
    (void)state;
    enum { FIRST = 2, LAST = 6 }; // torso and legs
    static const struct {
        int people, k;
        double least;
    } world[] = {{48, 3, 0.82}, {16, 3, 0.95}, {16, 5, 0.84}, {12, 3, 0.95}};
    for (int w = 0; w < 4; w++) {
        struct ifl_profile *profile = make_plaza(96, world[w].people);
        struct painting *painting = open_painting(profile);
        struct moments real[PARTS][2] = {{{0}}}, made[PARTS][2] = {{{0}}};
        measure_colors(painting->objects, world[w].k, real, made);
        double sum = 0;
        for (int i = 0; i < PARTS * 2; i++) {
            const struct moments *own = &real[i / 2][i % 2], *drawn = &made[i / 2][i % 2];
            double ratio = deviation(drawn) / deviation(own);
            assert_true(ratio < 1.15);
            sum += i >= FIRST && i < LAST ? ratio : 0;
        }
        assert_true(sum / (LAST - FIRST) > world[w].least && sum / (LAST - FIRST) < 1.05);
        close_painting(painting, profile);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_object_is_a_blend_of_k_others),
        cmocka_unit_test(a_broken_blend_is_noticed),
        cmocka_unit_test(those_hidden_in_a_merged_component_are_excluded),
        cmocka_unit_test(who_is_seen_elsewhere_may_take_part),
        cmocka_unit_test(who_is_hidden_by_another_track_is_excluded),
        cmocka_unit_test(nobody_is_made_of_much_smaller_others),
        cmocka_unit_test(a_blend_stands_on_two_legs),
        cmocka_unit_test(legs_hide_each_other_only_from_the_side),
        cmocka_unit_test(a_wide_blend_has_no_legs),
        cmocka_unit_test(no_patch_is_verbatim),
        cmocka_unit_test(occupancy_follows_the_memory),
        cmocka_unit_test(weight_chooses_crowded_or_empty_layouts),
        cmocka_unit_test(layouts_come_as_often_as_in_the_stream),
        cmocka_unit_test(what_stands_in_front_stays_in_front),
        cmocka_unit_test(kinds_do_not_mix),
        cmocka_unit_test(the_seed_decides_everything),
        cmocka_unit_test(threads_paint_the_same),
        cmocka_unit_test(colors_have_the_spread_of_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
