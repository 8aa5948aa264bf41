// SPDX-License-Identifier: Apache-2.0
// The profile's file and document: whole, the same again, and safe against every damage.
#include "support.h"

#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <zlib.h>

#include "base/file.h"
#include "profile/bytes.h"
#include "profile/identify.h"
#include "scenes.h"

static char folder[] = "/tmp/inferloop-profile-XXXXXX";
static char first[64], second[64];

static struct ifl_profile *make_profile(int frames)
{
    struct ifl_error error = {0};
    struct ifl_profiler_config config;
    struct ifl_profiler *profiler;
    ifl_profiler_config_init(&config);
    config.source = "a \"scene\" \xc3\xa9 \xff";
    config.licence = "CC0";
    config.base_area = 600;
    config.memory_frames = 16;
    check_ok(ifl_profiler_create(&config, &profiler, &error), error);
    for (int i = 0; i < frames; i++) {
        struct object object = {3 * i - 40, 30, 24, 60, {90, 100, 200}};
        struct scene_view view = {.width = 128,
                                  .height = 96,
                                  .object = &object,
                                  .objects = 1,
                                  .noise = 2,
                                  .seed = (uint64_t)i,
                                  .number = (uint64_t)i};
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    ifl_profiler_destroy(profiler);
    return profile;
}

static int set_up(void **state)
{
    struct ifl_error error = {0};
    if (!mkdtemp(folder))
        return -1;
    snprintf(first, sizeof first, "%s/first.iflp", folder);
    snprintf(second, sizeof second, "%s/second.iflp", folder);
    struct ifl_profile *profile = make_profile(50);
    check_ok(ifl_profile_save(profile, first, &error), error);
    *state = profile;
    return 0;
}

static int tear_down(void **state)
{
    ifl_profile_unref(*state);
    unlink(first);
    unlink(second);
    return rmdir(folder);
}

static uint8_t *read_bytes(const char *path, size_t *count)
{
    struct ifl_error error = {0};
    uint8_t *bytes;
    check_ok(ifl_read_file(path, 1 << 24, &bytes, count, &error), error);
    return bytes;
}

static enum ifl_result load_bytes(const void *bytes, size_t count, struct ifl_error *error)
{
    struct ifl_profile *profile = NULL;
    FILE *file = fopen(second, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
    enum ifl_result result = ifl_profile_load(second, &profile, error);
    if (result != IFL_OK)
        assert_null(profile);
    ifl_profile_unref(profile);
    return result;
}

static void check_same_frame(const struct ifl_profile *profile, const struct ifl_memory_frame *a,
                             const struct ifl_memory_frame *b)
{
    assert_true(a->sequence == b->sequence && a->media_index == b->media_index &&
                a->capture_wall_ns == b->capture_wall_ns);
    assert_memory_equal(a->gain, b->gain, sizeof a->gain);
    assert_memory_equal(a->offset, b->offset, sizeof a->offset);
    assert_memory_equal(&a->local, &b->local, sizeof a->local);
    assert_int_equal(a->components, b->components);
    assert_memory_equal(a->component, b->component, (size_t)a->components * sizeof *a->component);
    size_t pixels = 0;
    for (int l = 0; l < profile->levels; l++) {
        pixels = (size_t)(profile->level_width[l] * profile->level_height[l]);
        assert_memory_equal(a->level[l], b->level[l], 3 * pixels);
    }
    assert_memory_equal(a->label, b->label, pixels);
}

static void what_is_loaded_is_what_was_saved(void **state)
{
    const struct ifl_profile *saved = *state;
    struct ifl_profile *loaded;
    struct ifl_error error = {0};
    check_ok(ifl_profile_load(first, &loaded, &error), error);
    assert_string_equal(saved->id, loaded->id);
    assert_string_equal(saved->source, loaded->source);
    assert_string_equal(saved->licence, loaded->licence);
    assert_true(saved->created_wall_ns == loaded->created_wall_ns);
    assert_true(saved->first_wall_ns == loaded->first_wall_ns);
    assert_memory_equal(saved->feature, loaded->feature, sizeof saved->feature);
    assert_memory_equal(saved->tile_mean, loaded->tile_mean, sizeof saved->tile_mean);
    assert_memory_equal(&saved->occupancy, &loaded->occupancy, sizeof saved->occupancy);
    assert_int_equal(saved->levels, loaded->levels);
    assert_int_equal(saved->events, loaded->events);
    assert_true(saved->events > 0);
    assert_memory_equal(saved->event, loaded->event, (size_t)saved->events * sizeof *saved->event);
    assert_int_equal(saved->identities, loaded->identities);
    assert_int_equal(saved->memory_frames, loaded->memory_frames);
    for (int m = 0; m < saved->memory_frames; m++)
        check_same_frame(saved, saved->memory[m], loaded->memory[m]);
    assert_memory_equal(saved->memory_weight, loaded->memory_weight,
                        (size_t)saved->memory_frames * sizeof *saved->memory_weight);
    check_ok(ifl_profile_save(loaded, second, &error), error);
    size_t count, count_again;
    uint8_t *bytes = read_bytes(first, &count), *again = read_bytes(second, &count_again);
    assert_int_equal(count, count_again);
    assert_memory_equal(bytes, again, count);
    free(bytes);
    free(again);
    ifl_profile_unref(loaded);
}

// Files of version 1 had none, nor local light; a profile that has neither is one of them.
static void weights_need_not_be_known(void **state)
{
    struct ifl_profile bare = *(struct ifl_profile *)*state, *loaded;
    struct ifl_error error = {0};
    bare.memory_weight = NULL;
    ifl_identify_profile(&bare, NULL);
    assert_string_not_equal(bare.id, ((struct ifl_profile *)*state)->id);
    check_ok(ifl_profile_save(&bare, second, &error), error);
    check_ok(ifl_profile_load(second, &loaded, &error), error);
    assert_null(loaded->memory_weight);
    assert_string_equal(loaded->id, bare.id);
    size_t count;
    uint8_t *bytes = read_bytes(second, &count);
    assert_int_equal(ifl_get_u32(bytes + 8), 1);
    free(bytes);
    ifl_profile_unref(loaded);
}

static void weights_that_are_none_are_refused(void **state)
{
    static const float bad[] = {-0.1f, 1.5f, NAN, INFINITY, 0.9f};
    struct ifl_profile odd = *(struct ifl_profile *)*state, *loaded;
    float weight[IFL_MEMORY_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ifl_error error = {0};
        memcpy(weight, odd.memory_weight, (size_t)odd.memory_frames * sizeof *weight);
        weight[1] = bad[i];
        struct ifl_profile made = odd;
        made.memory_weight = weight;
        ifl_identify_profile(&made, NULL);
        check_ok(ifl_profile_save(&made, second, &error), error);
        assert_int_equal(ifl_profile_load(second, &loaded, &error), IFL_ERR_CORRUPT);
    }
}

static void the_file_is_for_its_owner_only(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(stat(first, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void every_damaged_byte_is_found(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = read_bytes(first, &count);
    // All of the header and the first sections, then every 31st byte: it is the same code.
    for (size_t i = 0; i < count; i += i < 400 ? 1 : 31) {
        struct ifl_error error = {0};
        bytes[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(load_bytes(bytes, count, &error), IFL_ERR_CORRUPT);
        assert_true(strlen(error.text) > 20);
        bytes[i] ^= (uint8_t)(1u << (i % 8));
    }
    free(bytes);
}

static void every_truncated_file_is_found(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = read_bytes(first, &count);
    for (size_t length = 0; length < count; length += length < 200 ? 1 : 397) {
        struct ifl_error error = {0};
        assert_int_equal(load_bytes(bytes, length, &error), IFL_ERR_CORRUPT);
    }
    free(bytes);
}

// Damage whose check sums are right: what a hostile writer makes. Anything may come out but a
// crash; and a lie about sizes allocates nothing large.
static void lying_contents_do_no_harm(void **state)
{
    (void)state;
    enum { HEADER = 28, SECTION = 16 };
    size_t count;
    uint8_t *bytes = read_bytes(first, &count);
    size_t at = HEADER;
    while (at + SECTION < count) {
        size_t length = (size_t)ifl_get_u64(bytes + at + 8);
        for (size_t i = 0; i < length; i += length < 400 ? 1 : length / 150) {
            uint8_t *byte = bytes + at + SECTION + i, kept = *byte;
            for (int value = 0; value < 3; value++) {
                struct ifl_error error = {0};
                *byte = value == 0 ? 0xff : value == 1 ? 0 : (uint8_t)(kept + 1);
                uLong crc = crc32(0, bytes + at, 4);
                crc = crc32(crc, bytes + at + 8, (uInt)length + 8);
                uint32_t old = ifl_get_u32(bytes + at + 4);
                ifl_put_u32(bytes + at + 4, (uint32_t)crc);
                enum ifl_result result = load_bytes(bytes, count, &error);
                assert_true(result == IFL_ERR_CORRUPT || result == IFL_ERR_VERSION ||
                            result == IFL_OK);
                ifl_put_u32(bytes + at + 4, old);
                *byte = kept;
            }
        }
        at += SECTION + length;
    }
    free(bytes);
}

static void local_light_is_kept(void **state)
{
    struct ifl_error error = {0};
    struct ifl_profile *loaded;
    struct ifl_profiler *profiler = scene_profiler(80 * 60, 16, 100);
    size_t count;
    for (int i = 0; i < 24; i++) {
        struct scene_view view = {.width = 160, .height = 120, .noise = 2, .seed = (uint64_t)i};
        view.number = (uint64_t)i;
        view.part = (struct part_light){i % 2 ? 1.4 : 0, .4, .6};
        scene_feed(profiler, &view);
    }
    struct ifl_profile *saved = scene_snapshot(profiler);
    ifl_profiler_destroy(profiler);
    check_ok(ifl_profile_save(saved, second, &error), error);
    uint8_t *bytes = read_bytes(second, &count);
    assert_int_equal(ifl_get_u32(bytes + 8), 2);
    free(bytes);
    check_ok(ifl_profile_load(second, &loaded, &error), error);
    int lit = 0;
    for (int i = 0; i < saved->memory_frames; i++) {
        check_same_frame(saved, saved->memory[i], loaded->memory[i]);
        lit += loaded->memory[i]->local.cell[5][1][1] > 1000;
    }
    assert_in_range(lit, 4, 12);
    ifl_profile_unref(loaded);
    ifl_profile_unref(saved);
    (void)state;
}

static void other_files_are_told_apart(void **state)
{
    (void)state;
    struct ifl_error error = {0};
    assert_int_equal(load_bytes("", 0, &error), IFL_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "is empty"));
    assert_int_equal(load_bytes("\x89PNG\r\n\x1a\n and so on and on", 24, &error), IFL_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "is no inferloop profile"));
    struct ifl_profile *profile;
    assert_int_equal(ifl_profile_load("/nowhere/at/all", &profile, &error), IFL_ERR_NOT_FOUND);
    size_t count;
    uint8_t *bytes = read_bytes(first, &count);
    ifl_put_u32(bytes + 8, 3);
    ifl_put_u32(bytes + 24, (uint32_t)crc32(0, bytes, 24));
    assert_int_equal(load_bytes(bytes, count, &error), IFL_ERR_VERSION);
    assert_non_null(strstr(error.text, "newer inferloop"));
    free(bytes);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    struct ifl_error error = {0};
    assert_int_equal(ifl_profile_save(*state, "/nowhere/at/all", &error), IFL_ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nowhere/at/all"));
}

// Fails on null and on numbers that are not finite.
static void check_numbers(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t index;
    assert_false(json_is_null(value));
    if (json_is_real(value))
        assert_true(isfinite(json_real_value(value)));
    json_object_foreach((json_t *)value, key, member) check_numbers(member);
    json_array_foreach(value, index, member) check_numbers(member);
}

static json_t *parse(const struct ifl_profile *profile)
{
    char *text = ifl_profile_json(profile);
    assert_non_null(text);
    assert_null(strstr(text, ":nan"));
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    free(text);
    check_numbers(root);
    return root;
}

static void the_document_says_what_the_profile_holds(void **state)
{
    const struct ifl_profile *profile = *state;
    json_t *root = parse(profile);
    const char *schema, *id, *created, *unit;
    int frames, events, window;
    double mean, p50, rate;
    assert_int_equal(json_unpack(root, "{s:s, s:s, s:{s:s}, s:{s:i}, s:{s:i,s:i}, s:{s:f}}",
                                 "schema", &schema, "id", &id, "time", "created", &created,
                                 "frames", "window", &window, "memory", "frames", &frames, "events",
                                 &events, "occupancy", "rate", &rate),
                     0);
    assert_string_equal(schema, "inferloop.profile/1");
    assert_string_equal(id, profile->id);
    assert_int_equal(created[strlen(created) - 1], 'Z');
    assert_int_equal(frames, profile->memory_frames);
    assert_int_equal(events, profile->events);
    assert_int_equal(window, 50);
    check_near(rate, profile->occupancy.rate, 0);
    json_t *features = json_object_get(root, "features");
    assert_int_equal(json_object_size(features), IFL_FEATURE_COUNT);
    assert_int_equal(json_unpack(features, "{s:{s:s, s:f, s:{s:f}}}", "noise_sigma", "unit", &unit,
                                 "mean", &mean, "quantiles", "p50", &p50),
                     0);
    assert_string_equal(unit, "grey");
    check_near(mean, profile->feature[IFL_FEATURE_noise_sigma].mean, 0);
    check_near(p50, profile->feature[IFL_FEATURE_noise_sigma].quantile[16], 0);
    json_decref(root);
}

static void not_a_number_never_appears(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_profile(1); // one frame: no spread, no shape
    json_decref(parse(profile));
    profile->feature[0].skew = NAN;
    profile->feature[1].quantile[3] = INFINITY;
    profile->occupancy.rate = NAN;
    json_decref(parse(profile));
    ifl_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_is_what_was_saved),
        cmocka_unit_test(weights_need_not_be_known),
        cmocka_unit_test(weights_that_are_none_are_refused),
        cmocka_unit_test(the_file_is_for_its_owner_only),
        cmocka_unit_test(every_damaged_byte_is_found),
        cmocka_unit_test(every_truncated_file_is_found),
        cmocka_unit_test(lying_contents_do_no_harm),
        cmocka_unit_test(local_light_is_kept),
        cmocka_unit_test(other_files_are_told_apart),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
        cmocka_unit_test(the_document_says_what_the_profile_holds),
        cmocka_unit_test(not_a_number_never_appears),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
