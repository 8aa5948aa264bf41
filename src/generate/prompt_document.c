// SPDX-License-Identifier: Apache-2.0
// docs/prompts.md, made from the vocabulary.
#include <stdio.h>
#include <stdlib.h>

#include "generate/builtin.h"

static const char head[] =
    "# Prompts\n"
    "\n"
    "<!-- Generated from src/generate/prompt.c by tests/generate/test_prompt.c; do not edit. -->\n"
    "\n"
    "The engine `analytic` understands the words and phrases below, in any case; hyphens and\n"
    "punctuation count as spaces, and the longest phrase that fits is taken. Words that are not\n"
    "listed are reported with the image as `unknown_words`; they change nothing.\n"
    "\n"
    "The amounts hold at `guidance_scale` 7.5. At g they apply g/7.5 times: offsets and weights "
    "are\n"
    "multiplied by it, factors raised to it; 0 switches the prompt off. Amounts of several words\n"
    "add up (factors multiply). Targets given as numbers (`brightness`, `contrast`, `saturation`,\n"
    "`color_temperature`, `sharpness`, `haze`, `noise`, `occupancy`) win over words.\n"
    "\n"
    "* brightness: added to `brightness_mean` (0..1), at most half of the way to black or white\n"
    "* contrast, saturation, temperature: factors of `contrast_mean`, `saturation_mean` and\n"
    "  `color_temperature`; where words change the brightness too, of the contrast that is left "
    "in\n"
    "  the darker or brighter picture\n"
    "* sharpness: factor of `laplacian_variance`; haze: added to `dark_channel` (0..1), a veil "
    "over\n"
    "  all of the picture; noise: added to `noise_sigma` (grey levels), below 0 taken out\n"
    "* crowd: weight w of exp(w z) in the draw of recorded layouts, z = foreground area in "
    "standard\n"
    "  deviations; below 0 prefers empty ones, and an object stays with probability exp(w)\n"
    "\n"
    "| phrase | brightness | contrast | saturation | temperature | crowd | sharpness | haze | "
    "noise "
    "|\n"
    "|---|---|---|---|---|---|---|---|---|\n";

static bool asks_nothing(const struct ifl_prompt_row *row)
{
    return row->brightness_offset == 0 && row->contrast_factor == 1 &&
           row->saturation_factor == 1 && row->color_temperature_factor == 1 &&
           row->occupancy_weight == 0 && row->sharpness_factor == 1 && row->haze_offset == 0 &&
           row->noise_offset == 0;
}

static void write_offset(FILE *out, double offset)
{
    if (offset == 0)
        fputs(" |", out);
    else
        fprintf(out, " %+.2f |", offset);
}

static void write_factor(FILE *out, double factor)
{
    if (factor == 1)
        fputs(" |", out);
    else
        fprintf(out, " x %.2f |", factor);
}

static void write_row(FILE *out, const struct ifl_prompt_row *row)
{
    fprintf(out, "| %s |", row->phrase);
    write_offset(out, row->brightness_offset);
    write_factor(out, row->contrast_factor);
    write_factor(out, row->saturation_factor);
    write_factor(out, row->color_temperature_factor);
    write_offset(out, row->occupancy_weight);
    write_factor(out, row->sharpness_factor);
    write_offset(out, row->haze_offset);
    write_offset(out, row->noise_offset);
    fputc('\n', out);
}

char *ifl_prompt_document(void)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    int count;
    const struct ifl_prompt_row *rows = ifl_prompt_rows(&count);
    fputs(head, out);
    for (int i = 0; i < count; i++)
        if (!asks_nothing(&rows[i]))
            write_row(out, &rows[i]);
    fputs("\nUnderstood, and asking nothing (the scene is the stream's own):", out);
    const char *separator = " ";
    for (int i = 0; i < count; i++)
        if (asks_nothing(&rows[i])) {
            fprintf(out, "%s%s", separator, rows[i].phrase);
            separator = ", ";
        }
    fputs(".\n", out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
