// SPDX-License-Identifier: Apache-2.0
// Collects the crops: which components of the memory show one whole object, whose they are, and of
// which kind. Of an identity up to CROPS_MAX, spread over its time.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/objects_internal.h"

struct candidate {
    int identity, frame, component;
    int heading; // as in struct ifl_crop
};

static const struct ifl_component *component_of(const struct ifl_objects *objects,
                                                const struct candidate *candidate)
{
    return &objects->profile->memory[candidate->frame]->component[candidate->component];
}

static float aspect_of(const struct ifl_component *c)
{
    return (float)c->width / (float)c->height;
}

static float foot_of(const struct ifl_component *c)
{
    return (float)(c->y + c->height);
}

int ifl_objects_find_identity(const struct ifl_objects *objects, uint32_t event)
{
    const struct ifl_event *row = ifl_profile_event(objects->profile, event);
    int low = 0, high = objects->identities;
    while (row && low < high) {
        int middle = (low + high) / 2;
        if (objects->identity[middle].id < row->identity)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = row && low < objects->identities && objects->identity[low].id == row->identity;
    return found ? low : -1;
}

static int by_identity_id(const void *a, const void *b)
{
    const struct ifl_identity *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void list_identities(struct ifl_objects *objects)
{
    const struct ifl_profile *profile = objects->profile;
    int count = 0, distinct = 0;
    for (int i = 0; i < profile->events && count < IDENTITIES_MAX; i++)
        objects->identity[count++] =
            (struct ifl_identity){.id = profile->event[i].identity, .kind = KIND_NONE};
    qsort(objects->identity, (size_t)count, sizeof *objects->identity, by_identity_id);
    for (int i = 0; i < count; i++) {
        if (i == 0 || objects->identity[i].id != objects->identity[distinct - 1].id)
            objects->identity[distinct++] = objects->identity[i];
    }
    objects->identities = distinct;
}

static bool is_whole(const struct ifl_objects *objects, const struct ifl_component *c)
{
    float fill = (float)c->area / ((float)c->width * (float)c->height);
    return ifl_component_valid(objects, c) && c->edges == 0 && fill >= 0.25f &&
           c->height >= OBJECT_SIDE_MIN && c->width >= 3 && c->height <= OBJECT_SIDE_MAX &&
           c->width <= OBJECT_SIDE_MAX;
}

static int by_identity(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->identity != y->identity)
        return x->identity - y->identity;
    return x->frame != y->frame ? x->frame - y->frame : x->component - y->component;
}

static int list_candidates(const struct ifl_objects *objects, struct candidate *candidate)
{
    int count = 0;
    for (int f = 0; f < objects->profile->memory_frames; f++) {
        const struct ifl_memory_frame *frame = objects->profile->memory[f];
        for (int i = 0; i < frame->components; i++) {
            if (!is_whole(objects, &frame->component[i]))
                continue;
            int identity = ifl_objects_find_identity(objects, frame->component[i].event);
            if (identity >= 0)
                candidate[count++] = (struct candidate){identity, f, i, 0};
        }
    }
    qsort(candidate, (size_t)count, sizeof *candidate, by_identity);
    return count;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float median_aspect(const struct ifl_objects *objects, const struct candidate *candidate,
                           int count, float *buffer)
{
    for (int i = 0; i < count; i++)
        buffer[i] = aspect_of(component_of(objects, &candidate[i]));
    qsort(buffer, (size_t)count, sizeof *buffer, by_value);
    return buffer[count / 2];
}

// Candidates of one identity are neighbours: calls `see` for each run of them.
typedef void see_run_fn(struct ifl_objects *objects, struct candidate *candidate, int count,
                        float *buffer);

static void each_identity(struct ifl_objects *objects, struct candidate *candidate, int count,
                          float *buffer, see_run_fn *see)
{
    for (int from = 0, to; from < count; from = to) {
        for (to = from; to < count && candidate[to].identity == candidate[from].identity;)
            to++;
        see(objects, &candidate[from], to - from, buffer);
    }
}

static void choose_kind(struct ifl_objects *objects, struct candidate *candidate, int count,
                        float *buffer)
{
    float aspect = median_aspect(objects, candidate, count, buffer);
    objects->identity[candidate->identity].kind = aspect < 0.8f ? KIND_UPRIGHT : KIND_WIDE;
}

static void fit_kind(struct ifl_objects *objects, enum ifl_kind_index index,
                     const struct candidate *candidate, int count, float *buffer)
{
    struct ifl_kind *kind = &objects->kind[index];
    float(*point)[2] = (float(*)[2])buffer;
    int points = 0;
    for (int i = 0; i < count; i++) {
        const struct ifl_component *c = component_of(objects, &candidate[i]);
        if (objects->identity[candidate[i].identity].kind != index)
            continue;
        point[points][0] = foot_of(c);
        point[points++][1] = (float)c->height;
    }
    ifl_kind_fit(kind, point, points);
    points = 0;
    for (int i = 0; i < count; i++) {
        if (objects->identity[candidate[i].identity].kind == index)
            buffer[points++] = aspect_of(component_of(objects, &candidate[i]));
    }
    qsort(buffer, (size_t)points, sizeof *buffer, by_value);
    kind->aspect = points > 0 ? buffer[points / 2] : 0.5f;
    kind->fill = 0;
    for (int i = 0; i < count; i++) {
        const struct ifl_component *c = component_of(objects, &candidate[i]);
        if (objects->identity[candidate[i].identity].kind == index)
            kind->fill += (float)c->area / (float)(c->width * c->height) / (float)points;
    }
}

// Not merged with a neighbour, not half hidden: like the others of its identity and its kind.
static bool is_usual(const struct ifl_objects *objects, const struct ifl_component *c, float aspect,
                     enum ifl_kind_index kind)
{
    float relative = (float)c->height / ifl_kind_height(&objects->kind[kind], foot_of(c));
    float wider = aspect_of(c) / aspect;
    float least = kind == KIND_UPRIGHT ? 0.68f : 0.4f, most = kind == KIND_UPRIGHT ? 1.4f : 2.5f;
    bool slim = kind != KIND_UPRIGHT || aspect_of(c) < 1.7f * objects->kind[kind].aspect;
    return relative > least && relative < most && wider > 0.5f && wider < 1.8f && slim;
}

static void mean_palette(struct ifl_objects *objects, struct ifl_identity *identity)
{
    for (int p = 0; p < PARTS; p++) {
        for (int c = 0; c < CHANNELS; c++) {
            float mean = 0, spread = 0;
            for (int i = 0; i < identity->crops; i++) {
                mean += objects->crop[identity->first_crop + i].palette.mean[p][c];
                spread += objects->crop[identity->first_crop + i].palette.spread[p][c];
            }
            identity->palette.mean[p][c] = mean / (float)identity->crops;
            identity->palette.spread[p][c] = spread / (float)identity->crops;
        }
    }
}

// Where somebody walks, from where the same track was just before and will be just after: farther
// away than three of its heights it may have turned in between.
static int find_heading(const struct ifl_objects *objects, const struct candidate *candidate,
                        int count, int at)
{
    const float least = 0.2f, most = 3; // of its height; less is to the camera or away from it
    const struct ifl_component *now = component_of(objects, &candidate[at]);
    float height = (float)now->height, way = 0;
    for (int i = at > 0 ? at - 1 : 0; i <= at + 1 && i < count; i++) {
        const struct ifl_component *other = component_of(objects, &candidate[i]);
        float step = (float)(other->x - now->x) + (float)(other->width - now->width) / 2;
        if (other->event == now->event && fabsf(step) < most * height)
            way += (float)((i > at) - (i < at)) * step;
    }
    return (way > least * height) - (way < -least * height);
}

static void cut_crops(struct ifl_objects *objects, struct candidate *candidate, int count,
                      float *buffer)
{
    struct ifl_identity *identity = &objects->identity[candidate->identity];
    float aspect = median_aspect(objects, candidate, count, buffer);
    int usual = 0;
    for (int i = 0; i < count; i++)
        candidate[i].heading = find_heading(objects, candidate, count, i);
    for (int i = 0; i < count; i++) {
        if (is_usual(objects, component_of(objects, &candidate[i]), aspect, identity->kind))
            candidate[usual++] = candidate[i];
    }
    int share = CROPS_TOTAL_MAX / objects->identities; // at least 4
    int wanted = share < CROPS_MAX ? share : CROPS_MAX;
    wanted = usual < wanted ? usual : wanted;
    identity->first_crop = objects->crops;
    for (int i = 0; i < wanted; i++) {
        const struct candidate *one = &candidate[i * usual / wanted];
        struct ifl_crop *crop = &objects->crop[objects->crops];
        const struct ifl_component *c = component_of(objects, one);
        if (!ifl_crop_cut(objects, objects->profile->memory[one->frame], one->component, crop))
            continue;
        crop->identity = candidate->identity;
        crop->heading = one->heading;
        crop->relative =
            (float)c->height / ifl_kind_height(&objects->kind[identity->kind], foot_of(c));
        objects->crops++;
        identity->crops++;
    }
}

struct usual {
    float area, size;
};

static float median(float *value, int count)
{
    qsort(value, (size_t)count, sizeof *value, by_value);
    return count > 0 ? value[count / 2] : 0;
}

static struct usual find_usual(const struct ifl_objects *objects, enum ifl_kind_index kind,
                               float *buffer)
{
    int count = 0, crops = objects->crops;
    float *size = buffer + crops;
    for (int i = 0; i < crops; i++) {
        if (objects->identity[objects->crop[i].identity].kind != kind)
            continue;
        buffer[count] = (float)objects->crop[i].area;
        size[count++] = objects->crop[i].size;
    }
    struct usual usual = {.area = median(buffer, count)};
    usual.size = median(size, count);
    return usual;
}

// Drops crops that fill far more or less of the box than others of their kind (merged ones and
// fragments that passed for whole), and those too small to have detail.
static void drop_unusual(struct ifl_objects *objects, float *buffer)
{
    struct usual usual[KINDS];
    for (int k = 0; k < KINDS; k++)
        usual[k] = find_usual(objects, (enum ifl_kind_index)k, buffer);
    int kept = 0;
    for (int i = 0; i < objects->identities; i++) {
        struct ifl_identity *identity = &objects->identity[i];
        int from = identity->first_crop, to = from + identity->crops;
        identity->first_crop = kept;
        for (int j = from; j < to; j++) {
            const struct usual *other = &usual[identity->kind];
            float share = (float)objects->crop[j].area / other->area;
            if (share > 0.6f && share < 1.45f && objects->crop[j].size > 0.5f * other->size)
                memmove(&objects->crop[kept++], &objects->crop[j], sizeof *objects->crop);
        }
        identity->crops = kept - identity->first_crop;
        if (identity->crops > 0)
            mean_palette(objects, identity);
    }
    objects->crops = kept;
}

static void count_kinds(struct ifl_objects *objects)
{
    for (int i = 0; i < objects->identities; i++) {
        struct ifl_identity *identity = &objects->identity[i];
        if (identity->crops == 0)
            identity->kind = KIND_NONE;
        if (identity->kind != KIND_NONE)
            objects->kind[identity->kind].identities++;
    }
}

static size_t count_components(const struct ifl_profile *profile)
{
    size_t count = 0;
    for (int f = 0; f < profile->memory_frames; f++)
        count += (size_t)profile->memory[f]->components;
    return count;
}

enum ifl_result ifl_objects_collect(struct ifl_objects *objects, struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    size_t most = count_components(objects->profile) + 1;
    size_t events = objects->profile->events > 0 ? (size_t)objects->profile->events : 1;
    size_t rows = events < IDENTITIES_MAX ? events : IDENTITIES_MAX;
    size_t crops = most < CROPS_TOTAL_MAX ? most : CROPS_TOTAL_MAX;
    struct candidate *candidate = malloc(most * sizeof *candidate);
    float *buffer = malloc(most * 2 * sizeof *buffer);
    objects->identity = malloc(rows * sizeof *objects->identity);
    objects->crop = malloc(crops * sizeof *objects->crop);
    if (!candidate || !buffer || !objects->identity || !objects->crop) {
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "generate",
                          "no memory for the crops of %zu recorded objects", most);
        goto done;
    }
    list_identities(objects);
    int count = list_candidates(objects, candidate);
    each_identity(objects, candidate, count, buffer, choose_kind);
    for (int k = 0; k < KINDS; k++)
        fit_kind(objects, (enum ifl_kind_index)k, candidate, count, buffer);
    each_identity(objects, candidate, count, buffer, cut_crops);
    drop_unusual(objects, buffer);
    count_kinds(objects);
done:
    free(candidate);
    free(buffer);
    return result;
}
