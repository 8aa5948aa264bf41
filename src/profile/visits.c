// SPDX-License-Identifier: Apache-2.0
#include "profile/visits.h"

#include <stdlib.h>
#include <string.h>

int ifl_visits_init(struct ifl_visits *visits)
{
    visits->row = calloc(IFL_VISITS_ROWS, sizeof *visits->row);
    visits->stride = 1;
    return visits->row ? 0 : -1;
}

void ifl_visits_fini(struct ifl_visits *visits)
{
    free(visits->row);
    visits->row = NULL;
}

// Writes only where something was written: rows not yet used take no memory.
static void forget(struct ifl_visits *visits, int from)
{
    for (int i = from; i < IFL_VISITS_ROWS; i++)
        if (visits->row[i].known)
            visits->row[i].known = false;
}

void ifl_visits_clear(struct ifl_visits *visits)
{
    visits->stride = 1;
    forget(visits, 0);
}

// A live stream has no end: beyond 2^40 pictures nothing is written down any more.
static void make_room(struct ifl_visits *visits, uint64_t media_index)
{
    while (media_index / visits->stride >= IFL_VISITS_ROWS && visits->stride < (1u << 28)) {
        for (int i = 0; i < IFL_VISITS_ROWS / 2; i++)
            visits->row[i] = visits->row[2 * i];
        forget(visits, IFL_VISITS_ROWS / 2);
        visits->stride *= 2;
    }
}

static void put(struct ifl_visit *visit, const struct ifl_box *box, uint32_t event)
{
    for (int b = 0; b < visit->boxes; b++)
        if (visit->event[b] == event || ifl_box_iou(&visit->box[b], box) > 0.5f) {
            visit->box[b] = *box;
            visit->event[b] = event;
            return;
        }
    if (visit->boxes == IFL_VISIT_BOXES)
        return;
    visit->box[visit->boxes] = *box;
    visit->event[visit->boxes++] = event;
}

void ifl_visits_record(struct ifl_visits *visits, uint64_t media_index,
                       const struct ifl_component *component, int count)
{
    make_room(visits, media_index);
    uint64_t at = media_index / visits->stride;
    if (media_index % visits->stride || at >= IFL_VISITS_ROWS)
        return;
    struct ifl_visit *visit = &visits->row[at];
    if (!visit->known)
        *visit = (struct ifl_visit){.media_index = media_index, .known = true};
    for (int c = 0; c < count; c++) {
        struct ifl_box box = ifl_box_of(&component[c]);
        if (component[c].event)
            put(visit, &box, component[c].event);
    }
}

uint32_t ifl_visits_event(const struct ifl_visits *visits, uint64_t media_index,
                          const struct ifl_box *box)
{
    uint64_t at = (media_index + visits->stride / 2) / visits->stride;
    if (at >= IFL_VISITS_ROWS || !visits->row[at].known)
        return 0;
    const struct ifl_visit *visit = &visits->row[at];
    uint32_t event = 0;
    float best = 0.2f;
    for (int b = 0; b < visit->boxes; b++) {
        float iou = ifl_box_iou(&visit->box[b], box);
        // A part of a thing that was whole then, or the whole of what was a part.
        int both = ifl_box_overlap(&visit->box[b], box), area = box->width * box->height;
        int other = visit->box[b].width * visit->box[b].height;
        float cover = (float)both / (float)(area < other ? area : other);
        float score = cover > 0.7f ? (iou > 0.3f ? iou : 0.3f) : iou;
        if (score > best) {
            best = score;
            event = visit->event[b];
        }
    }
    return event;
}
