// SPDX-License-Identifier: Apache-2.0
#include "profile/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/profile.h"
#include "profile/pyramid.h"

#define WORTH_LEAST 0.25 // of a frame that fills an empty slot

enum { COUNTED_EVERY = 4 }; // frame of the stream

static const double UNIT_MAX = 1e12;

int ifl_memory_init(struct ifl_memory *memory, int capacity, int window_frames)
{
    *memory = (struct ifl_memory){.capacity = capacity};
    memory->stride_max = window_frames / (capacity / 2);
    if (memory->stride_max < 1)
        memory->stride_max = 1;
    memory->half_life = 2.0 * window_frames;
    memory->window = window_frames;
    memory->slot = calloc((size_t)capacity, sizeof *memory->slot);
    memory->view = calloc((size_t)capacity, sizeof *memory->view);
    if (!memory->slot || !memory->view)
        return -1;
    for (int i = 0; i < capacity; i++)
        memory->slot[i].view = &memory->view[i];
    return 0;
}

static size_t level_bytes(const struct ifl_memory *memory, int level)
{
    return 3 * (size_t)memory->level_width[level] * (size_t)memory->level_height[level];
}

static size_t base_pixels(const struct ifl_memory *memory)
{
    return level_bytes(memory, memory->levels - 1) / 3;
}

// Room for labels, none for pixels.
static struct ifl_memory_frame *bare_create(const struct ifl_memory *memory)
{
    struct ifl_memory_frame *frame = calloc(1, sizeof *frame);
    if (!frame)
        return NULL;
    frame->refs = 1;
    frame->label = malloc(base_pixels(memory));
    frame->component = malloc(IFL_COMPONENTS_MAX * sizeof *frame->component);
    if (frame->label && frame->component)
        return frame;
    ifl_memory_frame_unref(frame);
    return NULL;
}

static struct ifl_memory_frame *frame_create(const struct ifl_memory *memory)
{
    struct ifl_memory_frame *frame = bare_create(memory);
    if (!frame)
        return NULL;
    frame->level_refs = malloc(sizeof *frame->level_refs);
    int whole = frame->level_refs != NULL;
    if (whole)
        *frame->level_refs = 1;
    for (int l = 0; l < memory->levels; l++) {
        frame->level[l] = malloc(level_bytes(memory, l));
        whole = whole && frame->level[l];
    }
    if (whole)
        return frame;
    ifl_memory_frame_unref(frame);
    return NULL;
}

static struct ifl_memory_frame *take_spare(struct ifl_memory *memory)
{
    struct ifl_memory_frame *frame = memory->spare;
    memory->spare = NULL;
    return frame ? frame : frame_create(memory);
}

// Keeps the buffers for the next frame if nobody else has them.
static void give_back(struct ifl_memory *memory, struct ifl_memory_frame *frame)
{
    if (!memory->spare && __atomic_load_n(&frame->refs, __ATOMIC_ACQUIRE) == 1 &&
        __atomic_load_n(frame->level_refs, __ATOMIC_ACQUIRE) == 1)
        memory->spare = frame;
    else
        ifl_memory_frame_unref(frame);
}

void ifl_memory_fini(struct ifl_memory *memory)
{
    for (int i = 0; i < memory->count; i++)
        ifl_memory_frame_unref(memory->slot[i].frame);
    ifl_memory_frame_unref(memory->spare);
    free(memory->slot);
    free(memory->view);
    memory->slot = NULL;
    memory->view = NULL;
}

static int seen_before(const struct ifl_component *component, int c)
{
    for (int i = 0; i < c; i++)
        if (component[i].event == component[c].event)
            return 1;
    return 0;
}

// Counts a frame in (by = 1) or out (by = -1) of its events.
static void count_events(struct ifl_events *events, const struct ifl_component *component,
                         int components, int by)
{
    for (int c = 0; c < components; c++) {
        struct ifl_event_row *row = ifl_events_find(events, component[c].event);
        if (row && !seen_before(component, c))
            row->memory_frames += by;
    }
}

// `inside`: the frame is one of the memory's already.
static double worth(const struct ifl_memory *memory, const struct ifl_events *events,
                    const struct ifl_component *component, int components, int inside,
                    double age_frames)
{
    double sum = 0;
    for (int c = 0; c < components; c++) {
        const struct ifl_event_row *row = ifl_events_find(events, component[c].event);
        if (!row || seen_before(component, c) || row->event.frames < IFL_EVENT_CONFIRMED_FRAMES)
            continue;
        int others = row->memory_frames - inside;
        sum += 1.0 / (1 + (others > 0 ? others : 0));
    }
    return sum / (1 + age_frames / memory->half_life);
}

static double slot_worth(const struct ifl_memory *memory, const struct ifl_events *events, int slot,
                         int64_t now)
{
    const struct ifl_memory_frame *frame = memory->slot[slot].frame;
    return worth(memory, events, frame->component, frame->components, 1,
                 (double)(now - memory->slot[slot].number));
}

// Gives `time` to the slot that is most like the view, `except` not; nobody: it is lost.
static void give_time(struct ifl_memory *memory, const struct ifl_view *view, int except,
                      double time)
{
    float least = INFINITY;
    int nearest = -1;
    for (int i = 0; i < memory->count; i++) {
        float distance = i == except
                             ? INFINITY
                             : ifl_view_distance(view, memory->slot[i].view, memory->window, least);
        if (distance >= least)
            continue;
        least = distance;
        nearest = i;
    }
    if (nearest >= 0)
        memory->slot[nearest].time += time;
}

static void remove_slot(struct ifl_memory *memory, struct ifl_events *events, int slot)
{
    struct ifl_slot *at = &memory->slot[slot], *last = &memory->slot[memory->count - 1];
    struct ifl_view *view = at->view;
    if (at->time > 0)
        give_time(memory, view, slot, at->time);
    count_events(events, at->frame->component, at->frame->components, -1);
    give_back(memory, at->frame);
    *at = *last;
    last->view = view;
    memory->count--;
}

void ifl_memory_reset(struct ifl_memory *memory, struct ifl_events *events, int levels,
                      const int *level_width, const int *level_height)
{
    while (memory->count > 0)
        remove_slot(memory, events, memory->count - 1);
    ifl_memory_frame_unref(memory->spare);
    memory->spare = NULL;
    memory->levels = levels;
    memcpy(memory->level_width, level_width, sizeof memory->level_width);
    memcpy(memory->level_height, level_height, sizeof memory->level_height);
    memory->stride = 1;
    memory->unit = 1;
    memory->next_recent = 0;
    memory->last_diverse = -1;
}

void ifl_memory_forget(struct ifl_memory *memory, struct ifl_events *events, int64_t before_wall_ns)
{
    int before = memory->count;
    for (int i = memory->count - 1; i >= 0; i--)
        if (memory->slot[i].frame->capture_wall_ns < before_wall_ns)
            remove_slot(memory, events, i);
    if (memory->count == before)
        return;
    ifl_memory_frame_unref(memory->spare);
    memory->spare = NULL;
}

static int count_recent(const struct ifl_memory *memory)
{
    int count = 0;
    for (int i = 0; i < memory->count; i++)
        count += memory->slot[i].recent;
    return count;
}

// The diverse slot that is worth least, or -1.
static int weakest(const struct ifl_memory *memory, const struct ifl_events *events, int64_t now,
                   double *least)
{
    int found = -1;
    for (int i = 0; i < memory->count; i++) {
        if (memory->slot[i].recent)
            continue;
        double value = slot_worth(memory, events, i, now);
        if (found >= 0 && value >= *least)
            continue;
        found = i;
        *least = value;
    }
    return found;
}

// The oldest recent slot younger than `after`, or -1.
static int next_recent_slot(const struct ifl_memory *memory, int64_t after)
{
    int found = -1;
    for (int i = 0; i < memory->count; i++)
        if (memory->slot[i].recent && memory->slot[i].number > after &&
            (found < 0 || memory->slot[i].number < memory->slot[found].number))
            found = i;
    return found;
}

// Recent frames always find room: more than half of a full memory is not recent.
static void make_room(struct ifl_memory *memory, struct ifl_events *events, int64_t now)
{
    double least = 0;
    int slot = memory->count < memory->capacity ? -1 : weakest(memory, events, now, &least);
    if (slot >= 0)
        remove_slot(memory, events, slot);
}

// Those that are recent no more stay for what they are worth.
static void thin_recent(struct ifl_memory *memory)
{
    if (count_recent(memory) < memory->capacity / 2)
        return;
    int slot = next_recent_slot(memory, -1);
    if (memory->stride >= memory->stride_max) {
        memory->slot[slot].recent = 0;
        return;
    }
    int64_t twice = memory->stride * 2;
    memory->stride = twice < memory->stride_max ? twice : memory->stride_max;
    for (int keep = 0; slot >= 0; keep ^= 1) {
        memory->slot[slot].recent = keep;
        slot = next_recent_slot(memory, memory->slot[slot].number);
    }
}

static int is_kept(const struct ifl_memory *memory, uint64_t media_index)
{
    for (int i = 0; i < memory->count; i++)
        if (memory->slot[i].frame->media_index == media_index)
            return 1;
    return 0;
}

static void fill(const struct ifl_memory *memory, struct ifl_memory_frame *frame,
                 const struct ifl_memory_input *input)
{
    frame->sequence = input->frame->sequence;
    frame->media_index = input->frame->media_index;
    frame->capture_wall_ns = input->frame->capture_wall_ns;
    for (int c = 0; c < 3; c++) {
        frame->gain[c] = input->gain[c];
        frame->offset[c] = input->offset[c];
    }
    frame->local = *input->local;
    int base = memory->levels - 1;
    memcpy((void *)frame->level[base], input->rgb, level_bytes(memory, base));
    for (int l = base; l > 0; l--)
        ifl_pyramid_halve(frame->level[l], memory->level_width[l], memory->level_height[l],
                          (uint8_t *)frame->level[l - 1]);
    memcpy((void *)frame->label, input->label, base_pixels(memory));
    memcpy((void *)frame->component, input->component,
           (size_t)input->components * sizeof *input->component);
    frame->components = input->components;
}

static enum ifl_result enter(struct ifl_memory *memory, struct ifl_events *events,
                             const struct ifl_memory_input *input, int recent,
                             struct ifl_error *error)
{
    struct ifl_memory_frame *frame = take_spare(memory);
    if (!frame)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "profile",
                        "no memory for another memory frame; choose fewer or a smaller class");
    fill(memory, frame, input);
    struct ifl_view *view = memory->slot[memory->count].view;
    ifl_view_take(view, events, input->component, input->components, input->number);
    memory->slot[memory->count++] =
        (struct ifl_slot){.frame = frame, .number = input->number, .recent = recent, .view = view};
    count_events(events, frame->component, frame->components, 1);
    return IFL_OK;
}

static int wants_diverse(struct ifl_memory *memory, struct ifl_events *events,
                         const struct ifl_memory_input *input)
{
    int64_t gap = memory->stride / 4 > 2 ? memory->stride / 4 : 2;
    if (memory->last_diverse >= 0 && input->number - memory->last_diverse < gap)
        return 0;
    double value = worth(memory, events, input->component, input->components, 0, 0), least = 0;
    if (memory->count < memory->capacity)
        return value >= WORTH_LEAST;
    int slot = weakest(memory, events, input->number, &least);
    if (slot < 0 || value <= 1.1 * least)
        return 0;
    remove_slot(memory, events, slot);
    return 1;
}

enum ifl_result ifl_memory_offer(struct ifl_memory *memory, struct ifl_events *events,
                                 const struct ifl_memory_input *input, struct ifl_error *error)
{
    if (is_kept(memory, input->frame->media_index))
        return IFL_OK;
    if (input->number >= memory->next_recent) {
        thin_recent(memory);
        make_room(memory, events, input->number);
        memory->next_recent = input->number + memory->stride;
        return enter(memory, events, input, 1, error);
    }
    if (!wants_diverse(memory, events, input))
        return IFL_OK;
    memory->last_diverse = input->number;
    return enter(memory, events, input, 0, error);
}

static void rescale(struct ifl_memory *memory)
{
    for (int i = 0; i < memory->count; i++)
        memory->slot[i].time /= memory->unit;
    memory->unit = 1;
}

// Every COUNTED_EVERY-th frame counts as many: they are alike.
void ifl_memory_count(struct ifl_memory *memory, const struct ifl_events *events,
                      const struct ifl_memory_input *input)
{
    if (input->number % COUNTED_EVERY)
        return;
    ifl_view_take(&memory->newest, events, input->component, input->components, input->number);
    give_time(memory, &memory->newest, -1, memory->unit);
    memory->unit *= 1 + COUNTED_EVERY / memory->window;
    if (memory->unit > UNIT_MAX)
        rescale(memory);
}

void ifl_memory_weigh(const struct ifl_memory *memory, double *weight)
{
    double sum = 0;
    for (int i = 0; i < memory->count; i++)
        sum += memory->slot[i].time;
    for (int i = 0; i < memory->count; i++)
        weight[i] = sum > 0 ? memory->slot[i].time / sum : 1.0 / memory->count;
}

// The same pixels, not yet labelled.
static struct ifl_memory_frame *copy_frame(const struct ifl_memory *memory,
                                           const struct ifl_memory_frame *from)
{
    struct ifl_memory_frame *frame = bare_create(memory);
    if (!frame)
        return NULL;
    frame->sequence = from->sequence;
    frame->media_index = from->media_index;
    frame->capture_wall_ns = from->capture_wall_ns;
    memcpy(frame->gain, from->gain, sizeof frame->gain);
    memcpy(frame->offset, from->offset, sizeof frame->offset);
    frame->local = from->local;
    ifl_memory_frame_share_levels(frame, from);
    return frame;
}

int ifl_memory_relabel(struct ifl_memory *memory, struct ifl_events *events, int slot,
                       const uint8_t *label, const struct ifl_component *component, int components)
{
    struct ifl_slot *at = &memory->slot[slot];
    struct ifl_memory_frame *old = at->frame, *frame = old;
    if (old->components == components && memcmp(old->label, label, base_pixels(memory)) == 0 &&
        memcmp(old->component, component, (size_t)components * sizeof *component) == 0)
        return 0;
    if (__atomic_load_n(&old->refs, __ATOMIC_ACQUIRE) > 1 && !(frame = copy_frame(memory, old)))
        return -1;
    count_events(events, old->component, old->components, -1);
    memcpy((void *)frame->label, label, base_pixels(memory));
    memcpy((void *)frame->component, component, (size_t)components * sizeof *component);
    frame->components = components;
    ifl_view_take(at->view, events, component, components, at->number);
    count_events(events, frame->component, components, 1);
    if (frame != old)
        ifl_memory_frame_unref(old);
    at->frame = frame;
    at->hash = 0;
    return 0;
}
