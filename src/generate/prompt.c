// SPDX-License-Identifier: Apache-2.0
// The vocabulary of prompts. Words are runs of letters, digits, apostrophes and bytes beyond ASCII;
// the longest phrase of the table that fits is taken, in any case; hyphens count as spaces. What is
// not in the table is reported, never dropped silently.
#include "generate/builtin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/exact.h"

// phrase; brightness offset; contrast, saturation and colour temperature factors; crowd weight;
// sharpness factor; haze and noise offsets
static const struct ifl_prompt_row rows[] = {
    {"dark", -0.10, 1, 1, 1, 0, 1, 0, 0},
    {"dim", -0.08, 0.95, 1, 1, 0, 1, 0, 0},
    {"dimly lit", -0.10, 0.95, 1, 1, 0, 1, 0, 0},
    {"gloomy", -0.10, 0.9, 0.8, 1, 0, 1, 0, 0},
    {"moody", -0.04, 1.05, 0.85, 1, 0, 1, 0, 0},
    {"low key", -0.08, 1.1, 1, 1, 0, 1, 0, 0},
    {"shadowy", -0.08, 1.1, 1, 1, 0, 1, 0, 0},
    {"bright", 0.08, 1, 1, 1, 0, 1, 0, 0},
    {"sunny", 0.08, 1.15, 1.1, 0.93, 0, 1, 0, 0},
    {"high key", 0.10, 0.9, 1, 1, 0, 1, 0, 0},
    {"light", 0.06, 1, 1, 1, 0, 1, 0, 0},
    {"well lit", 0.06, 1, 1, 1, 0, 1, 0, 0},
    {"overexposed", 0.25, 1, 1, 1, 0, 1, 0, 0},
    {"underexposed", -0.25, 1, 1, 1, 0, 1, 0, 0},
    {"balanced", 0, 1, 1, 1, 0, 1, 0, 0},
    {"balanced lighting", 0, 1, 1, 1, 0, 1, 0, 0},
    {"balanced light", 0, 1, 1, 1, 0, 1, 0, 0},
    {"natural light", 0, 1, 1, 1, 0, 1, 0, 0},
    {"vibrant", 0, 1.05, 1.4, 1, 0, 1, 0, 0},
    {"vivid", 0, 1.05, 1.4, 1, 0, 1, 0, 0},
    {"colorful", 0, 1, 1.5, 1, 0, 1, 0, 0},
    {"colourful", 0, 1, 1.5, 1, 0, 1, 0, 0},
    {"saturated", 0, 1, 1.4, 1, 0, 1, 0, 0},
    {"muted", 0, 0.9, 0.6, 1, 0, 1, 0, 0},
    {"desaturated", 0, 1, 0.4, 1, 0, 1, 0, 0},
    {"faded", 0.04, 0.8, 0.6, 1, 0, 1, 0, 0},
    {"pale", 0.06, 0.85, 0.6, 1, 0, 1, 0, 0},
    {"grey", 0, 1, 0.2, 1, 0, 1, 0, 0},
    {"gray", 0, 1, 0.2, 1, 0, 1, 0, 0},
    {"monochrome", 0, 1, 0, 1, 0, 1, 0, 0},
    {"black and white", 0, 1, 0, 1, 0, 1, 0, 0},
    {"warm", 0, 1, 1, 0.82, 0, 1, 0, 0},
    {"warm tones", 0, 1, 1, 0.82, 0, 1, 0, 0},
    {"warm light", 0, 1, 1, 0.82, 0, 1, 0, 0},
    {"golden hour", 0.02, 1.1, 1.15, 0.72, 0, 1, 0, 0},
    {"cool", 0, 1, 1, 1.2, 0, 1, 0, 0},
    {"cool tones", 0, 1, 1, 1.2, 0, 1, 0, 0},
    {"cold", 0, 1, 0.95, 1.25, 0, 1, 0, 0},
    {"cold tones", 0, 1, 0.95, 1.25, 0, 1, 0, 0},
    {"high contrast", 0, 1.35, 1, 1, 0, 1, 0, 0},
    {"contrasty", 0, 1.35, 1, 1, 0, 1, 0, 0},
    {"dramatic", -0.03, 1.3, 1.05, 1, 0, 1, 0, 0},
    {"low contrast", 0, 0.7, 1, 1, 0, 1, 0, 0},
    {"soft", 0, 0.85, 1, 1, 0, 0.4, 0, 0},
    {"soft light", 0, 0.85, 1, 1, 0, 1, 0, 0},
    {"flat", 0, 0.75, 1, 1, 0, 1, 0, 0},
    {"foggy", 0, 1, 1, 1.05, 0, 1, 0.40, 0},
    {"misty", 0, 1, 1, 1.05, 0, 1, 0.30, 0},
    {"hazy", 0, 1, 1, 1, 0, 1, 0.18, 0},
    {"fog", 0, 1, 1, 1.05, 0, 1, 0.40, 0},
    {"in fog", 0, 1, 1, 1.05, 0, 1, 0.40, 0},
    {"mist", 0, 1, 1, 1.05, 0, 1, 0.30, 0},
    {"haze", 0, 1, 1, 1, 0, 1, 0.18, 0},
    {"smoggy", 0, 1, 1, 0.95, 0, 1, 0.22, 0},
    {"clear air", 0, 1, 1, 1, 0, 1, -0.05, 0},
    {"crisp", 0, 1.05, 1, 1, 0, 1.6, 0, 0},
    {"sharp", 0, 1, 1, 1, 0, 2, 0, 0},
    {"detailed", 0, 1, 1, 1, 0, 1.5, 0, 0},
    {"in focus", 0, 1, 1, 1, 0, 1.5, 0, 0},
    {"soft focus", 0, 1, 1, 1, 0, 0.3, 0, 0},
    {"blurred", 0, 1, 1, 1, 0, 0.1, 0, 0},
    {"blurry", 0, 1, 1, 1, 0, 0.1, 0, 0},
    {"out of focus", 0, 1, 1, 1, 0, 0.04, 0, 0},
    {"grainy", 0, 1, 1, 1, 0, 1, 0, 5},
    {"film grain", 0, 1, 1, 1, 0, 1, 0, 3},
    {"noisy", 0, 1, 1, 1, 0, 1, 0, 8},
    {"clean", 0, 1, 1, 1, 0, 1, 0, -1},
    {"noiseless", 0, 1, 1, 1, 0, 1, 0, -2},
    {"cloudy", -0.02, 0.85, 0.85, 1.06, 0, 1, 0, 0},
    {"overcast", -0.02, 0.8, 0.8, 1.06, 0, 1, 0, 0},
    {"rainy", -0.06, 0.8, 0.75, 1.08, 0, 1, 0, 0},
    {"stormy", -0.12, 0.9, 0.7, 1.1, 0, 1, 0, 0},
    {"snowy", 0.10, 0.85, 0.7, 1.12, 0, 1, 0, 0},
    {"night", -0.25, 0.8, 0.6, 1.25, 0, 1, 0, 0},
    {"at night", -0.25, 0.8, 0.6, 1.25, 0, 1, 0, 0},
    {"evening", -0.10, 0.9, 0.9, 0.85, 0, 1, 0, 0},
    {"dusk", -0.15, 0.85, 0.85, 1.1, 0, 1, 0, 0},
    {"twilight", -0.17, 0.85, 0.85, 1.15, 0, 1, 0, 0},
    {"dawn", -0.08, 0.85, 0.85, 0.95, 0, 1, 0, 0},
    {"sunrise", -0.02, 1, 1.1, 0.75, 0, 1, 0, 0},
    {"sunset", -0.05, 1.05, 1.15, 0.68, 0, 1, 0, 0},
    {"morning", 0.02, 1, 1, 0.95, 0, 1, 0, 0},
    {"noon", 0.06, 1.1, 1, 1, 0, 1, 0, 0},
    {"midday", 0.06, 1.1, 1, 1, 0, 1, 0, 0},
    {"afternoon", 0.02, 1, 1, 0.95, 0, 1, 0, 0},
    {"day", 0.04, 1, 1, 1, 0, 1, 0, 0},
    {"daytime", 0.04, 1, 1, 1, 0, 1, 0, 0},
    {"daylight", 0.04, 1, 1, 1, 0, 1, 0, 0},
    {"crowded", 0, 1, 1, 1, 1, 1, 0, 0},
    {"busy", 0, 1, 1, 1, 1, 1, 0, 0},
    {"many people", 0, 1, 1, 1, 1, 1, 0, 0},
    {"full of people", 0, 1, 1, 1, 1, 1, 0, 0},
    {"quiet", 0, 1, 1, 1, -1, 1, 0, 0},
    {"few people", 0, 1, 1, 1, -1, 1, 0, 0},
    {"empty", 0, 1, 1, 1, -2.5, 1, 0, 0},
    {"deserted", 0, 1, 1, 1, -2.5, 1, 0, 0},
    {"nobody", 0, 1, 1, 1, -2.5, 1, 0, 0},
    {"no people", 0, 1, 1, 1, -2.5, 1, 0, 0},
    {"without people", 0, 1, 1, 1, -2.5, 1, 0, 0},
    // Words that ask nothing: the scene is the stream's own.
    {"a", 0, 1, 1, 1, 0, 1, 0, 0},
    {"an", 0, 1, 1, 1, 0, 1, 0, 0},
    {"the", 0, 1, 1, 1, 0, 1, 0, 0},
    {"and", 0, 1, 1, 1, 0, 1, 0, 0},
    {"with", 0, 1, 1, 1, 0, 1, 0, 0},
    {"in", 0, 1, 1, 1, 0, 1, 0, 0},
    {"at", 0, 1, 1, 1, 0, 1, 0, 0},
    {"on", 0, 1, 1, 1, 0, 1, 0, 0},
    {"of", 0, 1, 1, 1, 0, 1, 0, 0},
    {"this", 0, 1, 1, 1, 0, 1, 0, 0},
    {"scene", 0, 1, 1, 1, 0, 1, 0, 0},
    {"image", 0, 1, 1, 1, 0, 1, 0, 0},
    {"picture", 0, 1, 1, 1, 0, 1, 0, 0},
    {"photo", 0, 1, 1, 1, 0, 1, 0, 0},
    {"view", 0, 1, 1, 1, 0, 1, 0, 0},
    {"frame", 0, 1, 1, 1, 0, 1, 0, 0},
    {"lighting", 0, 1, 1, 1, 0, 1, 0, 0},
    {"tones", 0, 1, 1, 1, 0, 1, 0, 0},
    {"synthesized", 0, 1, 1, 1, 0, 1, 0, 0},
    {"synthetic", 0, 1, 1, 1, 0, 1, 0, 0},
    {"based on", 0, 1, 1, 1, 0, 1, 0, 0},
    {"current environment", 0, 1, 1, 1, 0, 1, 0, 0},
    {"current scene", 0, 1, 1, 1, 0, 1, 0, 0},
};

enum { ROWS = sizeof rows / sizeof rows[0], WORDS_MAX = IFL_PROMPT_MAX / 2 };

const struct ifl_prompt_row *ifl_prompt_rows(int *count)
{
    *count = ROWS;
    return rows;
}

struct word {
    const char *text;
    size_t bytes;
};

static bool in_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '\'' || c >= 0x80;
}

static int split(const char *prompt, struct word *words)
{
    int count = 0;
    for (const char *p = prompt; *p && count < WORDS_MAX;) {
        const char *start = p;
        while (in_word((unsigned char)*p))
            p++;
        if (p > start)
            words[count++] = (struct word){start, (size_t)(p - start)};
        else
            p++;
    }
    return count;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool same_word(const struct word *word, const char *text, size_t bytes)
{
    if (word->bytes != bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (lower(word->text[i]) != text[i])
            return false;
    return true;
}

// Words that the phrase takes from the front of `words`, 0 where it is not there.
static int match(const char *phrase, const struct word *words, int count)
{
    int taken = 0;
    for (;; taken++) {
        size_t bytes = strcspn(phrase, " ");
        if (taken == count || !same_word(&words[taken], phrase, bytes))
            return 0;
        phrase += bytes;
        if (!*phrase)
            return taken + 1;
        phrase++;
    }
}

static const struct ifl_prompt_row *longest(const struct word *words, int count, int *taken)
{
    const struct ifl_prompt_row *best = NULL;
    *taken = 1;
    for (int i = 0; i < ROWS; i++) {
        int n = match(rows[i].phrase, words, count);
        if (n > 0 && (!best || n > *taken)) {
            best = &rows[i];
            *taken = n;
        }
    }
    return best;
}

// Bytes of the UTF-8 character at `text`, 0 where it is none.
static size_t character(const unsigned char *text, size_t bytes)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xc2 ? 0
                    : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3
                    : text[0] < 0xf5 ? 4
                                     : 0;
    if (length > bytes)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    // Overlong forms, surrogates and what lies beyond Unicode.
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90))
        return 0;
    return length;
}

// Appends a word as valid UTF-8; false where it does not fit with room for " ...".
static bool append(char *list, size_t list_bytes, const struct word *word)
{
    size_t used = strlen(list), at = used;
    if (used > 0)
        list[at++] = ' ';
    for (size_t i = 0; i < word->bytes;) {
        const unsigned char *p = (const unsigned char *)word->text + i;
        size_t length = character(p, word->bytes - i);
        if (at + (length ? length : 1) + 5 > list_bytes) {
            list[used] = 0;
            return false;
        }
        if (length)
            memcpy(list + at, p, length);
        else
            list[at] = '?';
        at += length ? length : 1;
        i += length ? length : 1;
    }
    list[at] = 0;
    return true;
}

static bool listed(const char *list, const struct word *word)
{
    for (const char *p = list; *p;) {
        size_t bytes = strcspn(p, " ");
        if (bytes == word->bytes && memcmp(p, word->text, bytes) == 0)
            return true;
        p += bytes + (p[bytes] == ' ');
    }
    return false;
}

static void report(struct ifl_conditioning *out, const struct word *word, bool *full)
{
    if (*full || listed(out->unknown_words, word))
        return;
    if (append(out->unknown_words, sizeof out->unknown_words, word))
        return;
    *full = true;
    strcat(out->unknown_words, out->unknown_words[0] ? " ..." : "...");
}

static double within(double value, double least, double greatest)
{
    return value < least ? least : value > greatest ? greatest : value;
}

void ifl_prompt_parse(const char *prompt, double guidance_scale, struct ifl_conditioning *out)
{
    struct word words[WORDS_MAX];
    int count = split(prompt, words), taken;
    double scale = guidance_scale > 0 ? guidance_scale / 7.5 : 0;
    bool full = false;
    *out = (struct ifl_conditioning){.contrast_factor = 1,
                                     .saturation_factor = 1,
                                     .color_temperature_factor = 1,
                                     .sharpness_factor = 1};
    for (int i = 0; i < count; i += taken) {
        const struct ifl_prompt_row *row = longest(words + i, count - i, &taken);
        if (!row) {
            report(out, &words[i], &full);
            continue;
        }
        out->brightness_offset += row->brightness_offset * scale;
        out->contrast_factor *= ifl_exact_pow(row->contrast_factor, scale);
        out->saturation_factor *= ifl_exact_pow(row->saturation_factor, scale);
        out->color_temperature_factor *= ifl_exact_pow(row->color_temperature_factor, scale);
        out->sharpness_factor *= ifl_exact_pow(row->sharpness_factor, scale);
        out->haze_offset += row->haze_offset * scale;
        out->noise_offset += row->noise_offset * scale;
        out->occupancy_weight += row->occupancy_weight * scale;
    }
    out->brightness_offset = within(out->brightness_offset, -1, 1);
    out->contrast_factor = within(out->contrast_factor, 0, 8);
    out->saturation_factor = within(out->saturation_factor, 0, 8);
    out->color_temperature_factor = within(out->color_temperature_factor, 0.2, 5);
    out->sharpness_factor = within(out->sharpness_factor, 0.001, 64);
    out->haze_offset = within(out->haze_offset, -1, 1);
    out->noise_offset = within(out->noise_offset, -100, 100);
    out->occupancy_weight = within(out->occupancy_weight, -8, 8);
}
