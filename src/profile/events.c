// SPDX-License-Identifier: Apache-2.0
#include "profile/events.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOOKS_SIMILAR 0.28f // of signature distance
// Of mean signatures of whole events. Of one person they differ by at most .13 on the drawn street
// (98 %) and by at most .27 on a plaza of real people (95 % of halves of events); of two persons by
// at least .2 and .1 (99 %). So nobody is counted twice, and some not at all.
#define LOOKS_SAME 0.2f

enum {
    FOLLOWS_FRAMES = 40, // from the end of one event to the begin of the next
    WHOLE_HEIGHT = 12,   // pixels: what is smaller has no looks
};

int ifl_events_init(struct ifl_events *events)
{
    *events = (struct ifl_events){.next_id = 1};
    events->row = calloc(IFL_EVENTS_MAX, sizeof *events->row);
    events->order = calloc(IFL_EVENTS_MAX, sizeof *events->order);
    events->leader = calloc(IFL_EVENTS_MAX, sizeof *events->leader);
    if (events->row && events->order && events->leader)
        return 0;
    ifl_events_fini(events);
    return -1;
}

void ifl_events_fini(struct ifl_events *events)
{
    free(events->row);
    free(events->order);
    free(events->leader);
    events->row = NULL;
    events->order = NULL;
    events->leader = NULL;
}

void ifl_events_clear(struct ifl_events *events)
{
    events->count = 0;
}

static int lower_bound(const struct ifl_events *events, uint32_t id)
{
    int low = 0, high = events->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (events->row[middle].event.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct ifl_event_row *ifl_events_find(const struct ifl_events *events, uint32_t id)
{
    int at = lower_bound(events, id);
    return at < events->count && events->row[at].event.id == id ? &events->row[at] : NULL;
}

// Forgets a quarter of the table: what nobody refers to, oldest first; if that is too little, the
// oldest of all.
static void forget_some(struct ifl_events *events)
{
    for (int pass = 0; pass < 2 && events->count > IFL_EVENTS_MAX * 3 / 4; pass++) {
        int surplus = events->count - IFL_EVENTS_MAX * 3 / 4, kept = 0;
        for (int i = 0; i < events->count; i++) {
            const struct ifl_event_row *row = &events->row[i];
            if (surplus > 0 && !row->alive && (pass || !row->memory_frames))
                surplus--;
            else
                events->row[kept++] = *row;
        }
        events->count = kept;
    }
    if (events->count == IFL_EVENTS_MAX) // all of them alive: cannot be, but the table is bounded
        memmove(events->row, events->row + 1, (size_t)--events->count * sizeof *events->row);
}

struct ifl_event_row *ifl_events_add(struct ifl_events *events, uint32_t id)
{
    if (events->count == IFL_EVENTS_MAX)
        forget_some(events);
    if (id == 0)
        id = events->next_id++;
    int at = lower_bound(events, id);
    memmove(events->row + at + 1, events->row + at,
            (size_t)(events->count - at) * sizeof *events->row);
    events->count++;
    events->row[at] = (struct ifl_event_row){.event = {.id = id, .identity = 1}};
    return &events->row[at];
}

// Shows all of an object, and it alone, as far as one component can tell.
static int is_whole(const struct ifl_component *c)
{
    return c->edges == 0 && c->height >= WHOLE_HEIGHT && 20 * c->area > 7 * c->width * c->height;
}

static void see_whole(struct ifl_event_row *row, const struct ifl_component *c,
                      const struct ifl_signature *look)
{
    float rate = 1 / (float)(row->whole_frames + 1);
    rate = rate > 0.02f ? rate : 0.02f;
    ifl_signature_blend(&row->whole, look, rate);
    row->aspect += rate * ((float)c->width / (float)c->height - row->aspect);
    row->whole_frames++;
}

void ifl_event_seen(struct ifl_event_row *row, const struct ifl_component *component,
                    uint64_t media_index, int64_t frame, const struct ifl_signature *look)
{
    struct ifl_event *event = &row->event;
    struct ifl_box seen = ifl_box_of(component), *box = &seen;
    if (event->frames == 0) {
        event->first_index = event->last_index = media_index;
        row->first = *box;
        row->first_frame = frame;
    }
    if (media_index >= event->last_index || event->frames == 0) {
        event->last_index = media_index;
        row->last = *box;
    }
    if (media_index < event->first_index) {
        event->first_index = media_index;
        row->first = *box;
    }
    row->last_frame = frame > row->last_frame ? frame : row->last_frame;
    event->height_max = box->height > event->height_max ? box->height : event->height_max;
    if (look) {
        float rate = 1 / (float)(event->frames + 1);
        ifl_signature_blend(&row->look, look, rate > 0.02f ? rate : 0.02f);
    }
    if (look && is_whole(component))
        see_whole(row, component, look);
    event->frames++;
}

int ifl_box_overlap(const struct ifl_box *a, const struct ifl_box *b)
{
    int left = a->x > b->x ? a->x : b->x, top = a->y > b->y ? a->y : b->y;
    int right = a->x + a->width < b->x + b->width ? a->x + a->width : b->x + b->width;
    int bottom = a->y + a->height < b->y + b->height ? a->y + a->height : b->y + b->height;
    return right > left && bottom > top ? (right - left) * (bottom - top) : 0;
}

float ifl_box_iou(const struct ifl_box *a, const struct ifl_box *b)
{
    int both = ifl_box_overlap(a, b);
    int all = a->width * a->height + b->width * b->height - both;
    return all > 0 ? (float)both / (float)all : 0;
}

float ifl_box_gap(const struct ifl_box *a, const struct ifl_box *b)
{
    float dx = (float)(2 * a->x + a->width - 2 * b->x - b->width) / 2;
    float dy = (float)(2 * a->y + a->height - 2 * b->y - b->height) / 2;
    float side_a = (float)(a->width + a->height) / 2, side_b = (float)(b->width + b->height) / 2;
    return sqrtf(dx * dx + dy * dy) / fmaxf(fmaxf(side_a, side_b), 1);
}

// ---- identities ----

static int overlap_in_time(const struct ifl_event *a, const struct ifl_event *b)
{
    return a->first_index <= b->last_index && b->first_index <= a->last_index;
}

// `late` begins where and when `early` ended.
static int follows(const struct ifl_event_row *early, const struct ifl_event_row *late)
{
    if (late->event.first_index < early->event.last_index ||
        late->event.first_index - early->event.last_index > FOLLOWS_FRAMES)
        return 0;
    float frames = (float)(late->event.first_index - early->event.last_index);
    return ifl_box_gap(&early->last, &late->first) < 0.8f + 0.04f * frames &&
           ifl_signature_distance(&early->look, &late->look) < LOOKS_SIMILAR;
}

static int inside(const struct ifl_box *part, const struct ifl_box *whole)
{
    struct ifl_box wide = {(int16_t)(whole->x - 2), (int16_t)(whole->y - 4),
                           (int16_t)(whole->width + 4), (int16_t)(whole->height + 8)};
    return 2 * ifl_box_overlap(part, &wide) > part->width * part->height;
}

// A short event that came apart from, or was beside, a longer one.
static int is_part(const struct ifl_event_row *part, const struct ifl_event_row *whole)
{
    return part->event.frames < 8 * IFL_EVENT_CONFIRMED_FRAMES &&
           whole->event.frames > part->event.frames &&
           overlap_in_time(&part->event, &whole->event) &&
           (inside(&part->first, &whole->first) || inside(&part->first, &whole->last) ||
            inside(&part->last, &whole->last));
}

static int related(const struct ifl_event_row *a, const struct ifl_event_row *b)
{
    return follows(a, b) || follows(b, a) || is_part(a, b) || is_part(b, a);
}

// How unlike two events are; people and vehicles have nothing in common.
static float unlike(const struct ifl_event_row *a, const struct ifl_event_row *b)
{
    if (a->whole_frames == 0 || b->whole_frames == 0)
        return ifl_signature_distance(&a->look, &b->look);
    if (a->aspect > 2 * b->aspect || b->aspect > 2 * a->aspect)
        return 1;
    return ifl_signature_distance(&a->whole, &b->whole);
}

static int longer_first(const void *left, const void *right)
{
    const struct ifl_event_row *a = *(struct ifl_event_row *const *)left;
    const struct ifl_event_row *b = *(struct ifl_event_row *const *)right;
    if (a->whole_frames != b->whole_frames)
        return a->whole_frames < b->whole_frames ? 1 : -1;
    return (a->event.id > b->event.id) - (a->event.id < b->event.id);
}

// The identity of row `at`, by those before it; one more than there are: a new one.
static uint32_t identity_of(struct ifl_event_row *const *row, int at, int *leader, int identities)
{
    float best = 2;
    int nearest = 0;
    for (int i = 0; i < at; i++) {
        if (related(row[i], row[at]))
            return row[i]->event.identity;
    }
    for (int i = 0; i < identities; i++) {
        float distance = unlike(row[leader[i]], row[at]);
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    int known =
        identities > 0 && (best < LOOKS_SAME || row[at]->whole_frames < IFL_EVENT_CONFIRMED_FRAMES);
    if (known)
        return (uint32_t)nearest + 1;
    leader[identities] = at;
    return (uint32_t)identities + 1;
}

int ifl_events_identify(struct ifl_events *events)
{
    int count = 0, identities = 0;
    struct ifl_event_row **row = events->order;
    for (int i = 0; i < events->count; i++) {
        if (events->row[i].memory_frames > 0)
            row[count++] = &events->row[i];
    }
    qsort(row, (size_t)count, sizeof *row, longer_first);
    for (int i = 0; i < count; i++) {
        row[i]->event.identity = identity_of(row, i, events->leader, identities);
        int own = (int)row[i]->event.identity;
        identities = own > identities ? own : identities;
    }
    return identities;
}
