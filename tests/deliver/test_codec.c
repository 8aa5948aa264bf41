// SPDX-License-Identifier: Apache-2.0
// The three formats: pixels survive, the mark is inside, damaged and hostile files are refused.
#include "made.h"

#include "base/file.h"
#include "deliver/codec.h"
#include "deliver/mark.h"
#include "deliver/text.h"

static struct ifl_error error;
static char path[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(path, "/tmp/inferloop-test-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static struct ifl_image *decode(const uint8_t *bytes, size_t count)
{
    struct ifl_image *image;
    check_ok(ifl_write_file(path, bytes, count, 0600, &error), error);
    return ifl_image_decode_file(path, &image, &error) == IFL_OK ? image : NULL;
}

static enum ifl_result refusal(const void *bytes, size_t count)
{
    struct ifl_image *image;
    check_ok(ifl_write_file(path, bytes, count, 0600, &error), error);
    enum ifl_result result = ifl_image_decode_file(path, &image, &error);
    if (result == IFL_OK)
        ifl_image_unref(image);
    else
        assert_null(image);
    return result;
}

static double round_trip_rms(enum ifl_image_format format, int quality, int width, int height)
{
    struct ifl_image *image = make_image(width, height, 7);
    uint8_t *bytes;
    size_t count;
    check_ok(ifl_image_encode(image, format, quality, "d", &bytes, &count, &error), error);
    struct ifl_image *back = decode(bytes, count);
    assert_non_null(back);
    assert_int_equal(back->width, width);
    assert_int_equal(back->height, height);
    double sum = 0;
    int samples = width * height * 3;
    for (int i = 0; i < samples; i++)
        sum += (double)(image->rgb[i] - back->rgb[i]) * (image->rgb[i] - back->rgb[i]);
    ifl_image_unref(image);
    ifl_image_unref(back);
    free(bytes);
    return sqrt(sum / samples);
}

static void pixels_survive(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {3, 200}, {255, 17}, {256, 144}};
    for (int i = 0; i < 4; i++) {
        int width = sizes[i][0], height = sizes[i][1];
        check_near(round_trip_rms(IFL_IMAGE_PNG, 1, width, height), 0, 0);
        check_near(round_trip_rms(IFL_IMAGE_WEBP, 100, width, height), 0, 0);
        check_near(round_trip_rms(IFL_IMAGE_JPEG, 95, width, height), 0, 2.5);
        check_near(round_trip_rms(IFL_IMAGE_WEBP, 90, width, height), 0, 6);
    }
}

static bool contains(const uint8_t *bytes, size_t count, const void *part, size_t part_count)
{
    return memmem(bytes, count, part, part_count) != NULL;
}
#define CONTAINS(literal) contains(bytes, count, literal, sizeof(literal) - 1)

static void the_mark_is_inside(void **state)
{
    (void)state;
    struct ifl_image *image = make_image(64, 36, 1);
    for (int format = IFL_IMAGE_PNG; format <= IFL_IMAGE_WEBP; format++) {
        uint8_t *bytes;
        size_t count;
        check_ok(
            ifl_image_encode(image, format, 80, "a <b> & \"c\" \xff\x01", &bytes, &count, &error),
            error);
        assert_true(CONTAINS("Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/"
                             "digitalsourcetype/compositeSynthetic\""));
        assert_true(CONTAINS("a &lt;b&gt; &amp; &quot;c&quot; ? <"));
        if (format == IFL_IMAGE_PNG) {
            assert_true(CONTAINS("iTXtXML:com.adobe.xmp\0\0\0\0\0<?xpacket"));
            assert_true(CONTAINS("tEXtSoftware\0inferloop"));
            assert_true(CONTAINS("tEXtDescription\0Synthetic image"));
        } else if (format == IFL_IMAGE_JPEG) {
            assert_true(CONTAINS("http://ns.adobe.com/xap/1.0/\0<?xpacket"));
        } else {
            assert_true(CONTAINS("VP8X"));
            assert_true(CONTAINS("XMP "));
        }
        free(bytes);
    }
    ifl_image_unref(image);
}

static void the_longest_description_fits(void **state)
{
    (void)state;
    char description[2000];
    memset(description, '"', sizeof description);
    description[sizeof description - 1] = 0;
    struct ifl_mark mark;
    ifl_mark_init(&mark, description);
    assert_int_equal(mark.xmp_count, strlen(mark.xmp));
    assert_true(mark.xmp_count < sizeof mark.xmp);
    assert_non_null(strstr(mark.xmp, "<?xpacket end=\"r\"?>"));
    ifl_mark_init(&mark, NULL);
    assert_string_equal(mark.description, IFL_MARK_SENTENCE);
}

static void text_is_cleaned(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(ifl_text_clean("a\n\xc3\xa4\xc3", 5, out, sizeof out), 5);
    assert_string_equal(out, "a \xc3\xa4?");
    assert_int_equal(ifl_text_clean("\xe2\x82\xac\xe2\x82\xac", 6, out, 6), 3); // not half a euro
    assert_string_equal(out, "\xe2\x82\xac");
    ifl_text_clean("\xc0\xaf\xed\xa0\x80\xf5", 6, out, sizeof out); // overlong, surrogate, beyond
    assert_string_equal(out, "??????");
    assert_int_equal(ifl_text_clean(NULL, 5, out, sizeof out), 0);
    assert_int_equal(ifl_text_clean("abc", 2, out, sizeof out), 2);
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    struct ifl_image *image = make_image(64, 48, 3);
    for (int format = IFL_IMAGE_PNG; format <= IFL_IMAGE_WEBP; format++) {
        uint8_t *bytes;
        size_t count;
        check_ok(ifl_image_encode(image, format, 90, NULL, &bytes, &count, &error), error);
        for (size_t kept = 0; kept < count - 2; kept += 1 + count / 40)
            assert_true(refusal(bytes, kept) < 0);
        assert_true(refusal(bytes, count - 3) < 0);
        assert_true(error.text[0] != 0);
        free(bytes);
    }
    ifl_image_unref(image);
}

// Whatever is flipped: a refusal or an image, never a crash (the sanitizers watch).
static void damaged_files_do_no_harm(void **state)
{
    (void)state;
    struct ifl_image *image = make_image(40, 30, 3);
    struct ifl_rng rng;
    ifl_rng_init(&rng, 11);
    int refused = 0;
    for (int format = IFL_IMAGE_PNG; format <= IFL_IMAGE_WEBP; format++) {
        uint8_t *bytes;
        size_t count;
        check_ok(ifl_image_encode(image, format, 90, NULL, &bytes, &count, &error), error);
        for (int i = 0; i < 150; i++) {
            size_t at = ifl_rng_below(&rng, (uint32_t)count);
            uint8_t before = bytes[at];
            bytes[at] ^= (uint8_t)(1 + ifl_rng_below(&rng, 255));
            refused += refusal(bytes, count) < 0;
            bytes[at] = before;
        }
        free(bytes);
    }
    assert_true(refused > 50);
    ifl_image_unref(image);
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    assert_int_equal(refusal("", 0), IFL_ERR_UNSUPPORTED);
    assert_int_equal(refusal("GIF89a..........", 16), IFL_ERR_UNSUPPORTED);
    assert_int_equal(refusal("\x89PNG\r\n\x1a\n", 8), IFL_ERR_CORRUPT);
    assert_int_equal(refusal("\xff\xd8\xff", 3), IFL_ERR_CORRUPT);
    assert_int_equal(refusal("RIFF\x04\0\0\0WEBPVP8 ", 16), IFL_ERR_CORRUPT);
    struct ifl_image *image;
    assert_int_equal(ifl_image_decode_file("/tmp/inferloop-no-such-file", &image, &error),
                     IFL_ERR_NOT_FOUND);
    assert_int_equal(ifl_image_decode_file("/tmp", &image, &error), IFL_ERR_INVALID);
    assert_int_equal(ifl_image_decode_file("/dev/zero", &image, &error), IFL_ERR_INVALID);
}

static uint32_t crc(const uint8_t *bytes, size_t count)
{
    uint32_t sum = ~0u;
    for (size_t i = 0; i < count; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return ~sum;
}

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static enum ifl_result png_header_refusal(uint32_t width, uint32_t height)
{
    uint8_t bytes[57] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    put32(bytes + 16, width);
    put32(bytes + 20, height);
    bytes[24] = 8;
    bytes[25] = 2;
    put32(bytes + 29, crc(bytes + 12, 17));
    memcpy(bytes + 37, "IDAT", 4);
    put32(bytes + 41, crc(bytes + 37, 4));
    memcpy(bytes + 49, "IEND", 4);
    put32(bytes + 53, crc(bytes + 49, 4));
    return refusal(bytes, sizeof bytes);
}

static void bombs_are_refused_by_their_header(void **state)
{
    (void)state;
    assert_int_equal(png_header_refusal(16385, 16), IFL_ERR_TOO_LARGE);
    assert_int_equal(png_header_refusal(16384, 16384), IFL_ERR_TOO_LARGE);
    assert_int_equal(png_header_refusal(0x7fffffff, 0x7fffffff), IFL_ERR_TOO_LARGE);
    assert_int_equal(png_header_refusal(0, 16), IFL_ERR_CORRUPT);
    assert_int_equal(png_header_refusal(16, 16), IFL_ERR_CORRUPT); // no pixels behind it
    static const uint8_t jpeg[] = "\xff\xd8\xff\xc0\0\x11\x08\xff\xdc\xff\xdc\x03\x01\x11\0\x02"
                                  "\x11\0\x03\x11\0\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0";
    assert_int_equal(refusal(jpeg, sizeof jpeg - 1), IFL_ERR_TOO_LARGE);
    static const uint8_t webp[] = "RIFF\x16\0\0\0WEBPVP8L\x09\0\0\0\x2f\xff\xff\xff\x0f\0\0\0\0\0";
    assert_int_equal(refusal(webp, sizeof webp - 1), IFL_ERR_TOO_LARGE);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    struct ifl_image *image = make_image(16, 16, 1);
    uint8_t *bytes;
    size_t count;
    assert_int_equal(ifl_image_encode(image, 99, 90, NULL, &bytes, &count, &error),
                     IFL_ERR_INVALID);
    assert_int_equal(ifl_image_encode(image, IFL_IMAGE_PNG, 0, NULL, &bytes, &count, &error),
                     IFL_ERR_INVALID);
    assert_int_equal(ifl_image_encode(image, IFL_IMAGE_JPEG, 101, NULL, &bytes, &count, &error),
                     IFL_ERR_INVALID);
    assert_int_equal(ifl_image_encode(NULL, IFL_IMAGE_PNG, 90, NULL, &bytes, &count, &error),
                     IFL_ERR_INVALID);
    assert_null(bytes);
    ifl_image_unref(image);
    image = make_image(16384, 1, 1);
    assert_int_equal(ifl_image_encode(image, IFL_IMAGE_WEBP, 90, NULL, &bytes, &count, &error),
                     IFL_ERR_TOO_LARGE);
    ifl_image_unref(image);
    assert_string_equal(ifl_image_format_name(IFL_IMAGE_WEBP), "webp");
    assert_string_equal(ifl_image_format_mime_type(IFL_IMAGE_JPEG), "image/jpeg");
    assert_string_equal(ifl_image_format_name(77), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_survive),
        cmocka_unit_test(the_mark_is_inside),
        cmocka_unit_test(the_longest_description_fits),
        cmocka_unit_test(text_is_cleaned),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(bombs_are_refused_by_their_header),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
