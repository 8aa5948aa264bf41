// SPDX-License-Identifier: Apache-2.0
#include "profile/track.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOST_FRAMES = 20,    // after which an unseen track ends
    LEFT_FRAMES = 5,     // where it was at the picture's edge
    MERGED_FRAMES = 150, // after which one that waits inside another ends
};

struct track {
    uint32_t event; // 0: free
    struct ifl_box box;
    float x, y, vx, vy; // centre and its smoothed speed in pixels a frame
    struct ifl_signature look;
    int64_t seen;   // frame it was last seen in
    int64_t merged; // frame it went into another one, or -1
    uint32_t host;  // event of that one
    int age;        // frames it was seen in
    unsigned edges; // of the picture, that it touched
};

struct pair {
    float score;
    int16_t track, component;
};

struct ifl_tracker {
    struct track track[IFL_TRACKS_MAX];
    struct ifl_signature look[IFL_COMPONENTS_MAX];
    int owner[IFL_COMPONENTS_MAX]; // track of each component, or -1
    uint8_t taken[IFL_TRACKS_MAX];
    struct pair *pair;
};

enum { PAIRS_MAX = IFL_TRACKS_MAX * IFL_COMPONENTS_MAX };

struct ifl_tracker *ifl_tracker_create(void)
{
    struct ifl_tracker *tracker = calloc(1, sizeof *tracker);
    if (!tracker)
        return NULL;
    tracker->pair = malloc(PAIRS_MAX * sizeof *tracker->pair);
    if (tracker->pair)
        return tracker;
    free(tracker);
    return NULL;
}

void ifl_tracker_destroy(struct ifl_tracker *tracker)
{
    if (!tracker)
        return;
    free(tracker->pair);
    free(tracker);
}

void ifl_tracker_clear(struct ifl_tracker *tracker)
{
    memset(tracker->track, 0, sizeof tracker->track);
}

static void end_track(struct track *track, struct ifl_events *events)
{
    struct ifl_event_row *row = ifl_events_find(events, track->event);
    if (row)
        row->alive = 0;
    track->event = 0;
}

static void end_stale(struct ifl_tracker *tracker, struct ifl_events *events,
                      const struct ifl_track_input *input)
{
    for (int t = 0; t < IFL_TRACKS_MAX; t++) {
        struct track *track = &tracker->track[t];
        int64_t unseen = input->frame - track->seen;
        int lost = unseen > (track->edges ? LEFT_FRAMES : LOST_FRAMES);
        int hidden = track->merged >= 0 && input->frame - track->merged > MERGED_FRAMES;
        if (track->event && (input->new_medium || lost || hidden))
            end_track(track, events);
    }
}

static struct ifl_box predict(const struct track *track, int64_t frame)
{
    float ahead = (float)(frame - track->seen);
    ahead = ahead < 4 ? ahead : 4; // then it is taken to stand
    struct ifl_box box = track->box;
    box.x = (int16_t)(box.x + lroundf(track->vx * ahead));
    box.y = (int16_t)(box.y + lroundf(track->vy * ahead));
    return box;
}

// How well a component goes on with a track; 0: not at all.
static float fit(const struct track *track, const struct ifl_box *box,
                 const struct ifl_signature *look, int64_t frame)
{
    struct ifl_box there = predict(track, frame);
    float gap = ifl_box_gap(&there, box), unseen = (float)(frame - track->seen - 1);
    float reach = fminf(0.7f + 0.05f * unseen, 1.5f);
    int both = ifl_box_overlap(&there, box);
    if (both == 0 && gap > reach) // most of them
        return 0;
    float unlike = ifl_signature_distance(&track->look, look);
    if (both == 0 && unlike > 0.32f)
        return 0;
    if ((unseen > 2 && unlike > 0.27f) || (track->merged >= 0 && unlike > 0.32f))
        return 0;
    int area = there.width * there.height, other = box->width * box->height;
    float cover = (float)both / (float)(area < other ? area : other);
    float age = fminf((float)track->age, 50) / 50;
    return 0.01f + ifl_box_iou(&there, box) + 0.2f * cover + 0.5f * fmaxf(0, 0.6f - unlike) +
           0.1f * age + 0.1f * fmaxf(0, 1 - gap) - 0.01f * fminf(unseen, 20);
}

static int compare_pairs(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    if (a->track != b->track)
        return a->track - b->track;
    return a->component - b->component;
}

static void follow(struct track *track, const struct ifl_box *box, const struct ifl_signature *look,
                   int64_t frame)
{
    float x = box->x + (float)box->width / 2, y = box->y + (float)box->height / 2;
    float frames = (float)(frame - track->seen);
    if (track->age > 0 && frames > 0) {
        float rate = track->age == 1 ? 1 : 0.3f;
        track->vx += rate * ((x - track->x) / frames - track->vx);
        track->vy += rate * ((y - track->y) / frames - track->vy);
    }
    track->x = x;
    track->y = y;
    track->box = *box;
    if (look)
        ifl_signature_blend(&track->look, look, track->age == 0 ? 1 : 0.1f);
    track->seen = frame;
    track->merged = -1;
    track->age++;
}

static void take_best(struct ifl_tracker *tracker, int pairs)
{
    qsort(tracker->pair, (size_t)pairs, sizeof *tracker->pair, compare_pairs);
    for (int p = 0; p < pairs; p++) {
        const struct pair *pair = &tracker->pair[p];
        if (tracker->taken[pair->track] || tracker->owner[pair->component] >= 0)
            continue;
        tracker->taken[pair->track] = 1;
        tracker->owner[pair->component] = pair->track;
    }
}

// Best pairs first; tracks inside others come second, so that a whole blob stays with its event.
static void match(struct ifl_tracker *tracker, const struct ifl_track_input *input,
                  const struct ifl_component *component, int count, int merged)
{
    int pairs = 0;
    for (int t = 0; t < IFL_TRACKS_MAX; t++) {
        const struct track *track = &tracker->track[t];
        if (!track->event || tracker->taken[t] || (track->merged >= 0) != merged)
            continue;
        for (int c = 0; c < count; c++) {
            struct ifl_box box = ifl_box_of(&component[c]);
            float score =
                tracker->owner[c] >= 0 ? 0 : fit(track, &box, &tracker->look[c], input->frame);
            if (score > 0)
                tracker->pair[pairs++] = (struct pair){score, (int16_t)t, (int16_t)c};
        }
    }
    take_best(tracker, pairs);
}

static int hosts(const struct ifl_tracker *tracker, int host)
{
    int count = 0;
    for (int t = 0; t < IFL_TRACKS_MAX; t++)
        count += tracker->track[t].event && tracker->track[t].merged >= 0 &&
                 tracker->track[t].host == tracker->track[host].event && t != host;
    return count;
}

// A blob that has come apart: host and guests share its parts by their looks, which were not
// changed while they were together. A blob that is still one is left to the match.
static void split(struct ifl_tracker *tracker, const struct ifl_track_input *input,
                  const struct ifl_component *component, int count, int host)
{
    struct ifl_box there = predict(&tracker->track[host], input->frame);
    int parts = 0, pairs = 0;
    for (int c = 0; c < count; c++) {
        struct ifl_box box = ifl_box_of(&component[c]);
        int inside = 3 * ifl_box_overlap(&there, &box) > box.width * box.height;
        if (!inside || tracker->owner[c] >= 0)
            continue;
        parts++;
        for (int t = 0; t < IFL_TRACKS_MAX; t++) {
            const struct track *track = &tracker->track[t];
            int guest = track->merged >= 0 && track->host == tracker->track[host].event;
            if (!track->event || tracker->taken[t] || (t != host && !guest))
                continue;
            float unlike = ifl_signature_distance(&track->look, &tracker->look[c]);
            if (unlike < 0.5f)
                tracker->pair[pairs++] = (struct pair){1 - unlike, (int16_t)t, (int16_t)c};
        }
    }
    if (parts >= 2)
        take_best(tracker, pairs);
}

static void split_all(struct ifl_tracker *tracker, const struct ifl_track_input *input,
                      const struct ifl_component *component, int count)
{
    for (int t = 0; t < IFL_TRACKS_MAX; t++)
        if (tracker->track[t].event && hosts(tracker, t))
            split(tracker, input, component, count, t);
}

// A track without a component waits inside the blob that covers it.
static void merge(struct ifl_tracker *tracker, const struct ifl_track_input *input,
                  const struct ifl_component *component, int count)
{
    for (int t = 0; t < IFL_TRACKS_MAX; t++) {
        struct track *track = &tracker->track[t];
        if (!track->event || tracker->taken[t])
            continue;
        struct ifl_box there = predict(track, input->frame);
        for (int c = 0; c < count; c++) {
            struct ifl_box box = ifl_box_of(&component[c]);
            int host = tracker->owner[c];
            int covered = 2 * ifl_box_overlap(&there, &box) > there.width * there.height;
            if (host < 0 || !covered)
                continue;
            if (track->merged < 0 && input->frame - track->seen > 3)
                continue; // it was lost before the blob came
            track->merged = track->merged < 0 ? input->frame : track->merged;
            track->host = tracker->track[host].event;
            // It goes where the blob goes, at its own size.
            track->box.x = (int16_t)(box.x + (box.width - track->box.width) / 2);
            track->box.y = (int16_t)(box.y + box.height - track->box.height);
            track->vx = track->vy = 0;
            track->x = track->box.x + (float)track->box.width / 2;
            track->y = track->box.y + (float)track->box.height / 2;
            track->seen = input->frame;
            break;
        }
    }
}

static int free_track(const struct ifl_tracker *tracker)
{
    int oldest = 0;
    for (int t = 0; t < IFL_TRACKS_MAX; t++) {
        if (!tracker->track[t].event)
            return t;
        if (tracker->track[t].seen < tracker->track[oldest].seen)
            oldest = t;
    }
    return oldest;
}

static void begin_tracks(struct ifl_tracker *tracker, struct ifl_events *events, int count)
{
    for (int c = 0; c < count; c++) {
        if (tracker->owner[c] >= 0)
            continue;
        int t = free_track(tracker);
        if (tracker->track[t].event)
            end_track(&tracker->track[t], events);
        tracker->track[t] = (struct track){.event = UINT32_MAX, .merged = -1};
        tracker->owner[c] = t;
        tracker->taken[t] = 1;
    }
}

// The event of a component: what the medium had there before, else its track's, else a new one.
static struct ifl_event_row *event_of(struct track *track, struct ifl_events *events,
                                      const struct ifl_visits *visits,
                                      const struct ifl_track_input *input,
                                      const struct ifl_box *box)
{
    uint32_t known = input->looped ? ifl_visits_event(visits, input->media_index, box) : 0;
    if (known)
        track->event = known;
    if (track->event == UINT32_MAX)
        track->event = 0;
    struct ifl_event_row *row = track->event ? ifl_events_find(events, track->event) : NULL;
    if (!row)
        row = ifl_events_add(events, track->event);
    track->event = row->event.id;
    row->alive = row->tracked = 1;
    return row;
}

void ifl_tracker_update(struct ifl_tracker *tracker, struct ifl_events *events,
                        struct ifl_visits *visits, const struct ifl_track_input *input,
                        struct ifl_component *component, int count)
{
    end_stale(tracker, events, input);
    memset(tracker->taken, 0, sizeof tracker->taken);
    for (int c = 0; c < count; c++) {
        tracker->owner[c] = -1;
        ifl_signature_take(&tracker->look[c], input->rgb, input->label, input->width, component, c);
    }
    split_all(tracker, input, component, count);
    match(tracker, input, component, count, 0);
    match(tracker, input, component, count, 1);
    merge(tracker, input, component, count);
    begin_tracks(tracker, events, count);
    for (int c = 0; c < count; c++) {
        struct track *track = &tracker->track[tracker->owner[c]];
        struct ifl_box box = ifl_box_of(&component[c]);
        struct ifl_event_row *row = event_of(track, events, visits, input, &box);
        const struct ifl_signature *look =
            hosts(tracker, tracker->owner[c]) ? NULL : &tracker->look[c];
        follow(track, &box, look, input->frame);
        track->edges = component[c].edges;
        // A later loop shows nothing new of an event.
        if (!input->looped || row->event.frames == 0)
            ifl_event_seen(row, &component[c], input->media_index, input->frame, look);
        component[c].event = row->event.id;
    }
    ifl_visits_record(visits, input->media_index, component, count);
}
