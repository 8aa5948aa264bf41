// SPDX-License-Identifier: Apache-2.0
#include "validate/copy.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "kernels/pixels.h"

enum { PATCH = IFL_COPY_PATCH, BUCKET_BITS = 16, BUCKETS = 1 << BUCKET_BITS, KEYED = 4 };

static const float cell_size = 48.5f; // twice the reach of RMSE 2: sqrt(3 * 49) * 2 = 24.25

// Divided by the norms of the weights, which are orthogonal to each other.
static void set_features(const int32_t *sum, float feature[IFL_COPY_FEATURES])
{
    int total = sum[0], green = sum[7 * IFL_PIXEL_RUN];
    feature[0] = (float)(total / sqrt(147));
    feature[1] = (float)(sum[IFL_PIXEL_RUN] / sqrt(126));
    feature[2] = (float)(sum[2 * IFL_PIXEL_RUN] / sqrt(126));
    feature[3] = (float)(sum[3 * IFL_PIXEL_RUN] / sqrt(98));
    feature[4] = (float)(sum[4 * IFL_PIXEL_RUN] / sqrt(108));
    feature[5] = (float)(sum[5 * IFL_PIXEL_RUN] / 42.0);
    feature[6] = (float)(sum[6 * IFL_PIXEL_RUN] / 42.0);
    feature[7] = (float)((total - 3 * green) / sqrt(294));
}

void ifl_copy_features(const uint8_t *rgb, int stride, float feature[IFL_COPY_FEATURES])
{
    int32_t sum[IFL_COPY_FEATURES * IFL_PIXEL_RUN];
    ifl_pixel_kernels()->patch_sums(rgb, stride, 1, sum);
    set_features(sum, feature);
}

// Features as the filter has them: in quarters, which their range leaves room for.
static void round_features(const float *feature, int16_t rounded[IFL_COPY_FEATURES])
{
    for (int i = 0; i < IFL_COPY_FEATURES; i++)
        rounded[i] = (int16_t)lrintf(4 * feature[i]);
}

// Two patches whose squares are below `limit` have rounded features that are nearer than this: each
// difference is off by at most one quarter.
static int32_t feature_limit(double limit)
{
    double reach = 4 * sqrt(limit) + sqrt(IFL_COPY_FEATURES) + .1;
    return (int32_t)ceil(reach * reach);
}

static uint32_t bucket_of(const int cell[KEYED])
{
    uint64_t key = 0;
    for (int i = 0; i < KEYED; i++)
        key = key << 16 | (uint16_t)cell[i];
    return (uint32_t)(ifl_hash_mix(key) >> (64 - BUCKET_BITS));
}

static int cell_of(float value)
{
    return (int)floorf(value / cell_size);
}

static uint32_t bucket_of_features(const float *feature)
{
    int cell[KEYED];
    for (int i = 0; i < KEYED; i++)
        cell[i] = cell_of(feature[i]);
    return bucket_of(cell);
}

// The label under the centre of the patch at x, y; 0 where it belongs to no event.
static int identity_at(const struct ifl_view *view, int t, int x, int y)
{
    int label = view->label[t][(y + PATCH / 2) * view->width + x + PATCH / 2];
    return view->roster->identity[t * 256 + label];
}

// The first patch from `x` on in a row of them whose centre has a label.
static int next_patch(const struct ifl_view *view, int t, int x, int y)
{
    const uint8_t *label = view->label[t] + (y + PATCH / 2) * view->width + PATCH / 2;
    return ifl_next_label(label, x, view->width - PATCH + 1);
}

static int count_entries(const struct ifl_view *view, int step)
{
    int64_t count = 0;
    for (int t = 0; t < view->roster->frames; t += step)
        for (int y = 0; y + PATCH <= view->height; y++)
            for (int x = 0; (x = next_patch(view, t, x, y)) + PATCH <= view->width; x++)
                count += identity_at(view, t, x, y) != 0;
    return count > INT32_MAX ? INT32_MAX : (int)count;
}

// Entries as they are found, before they are sorted by bucket.
struct unsorted {
    struct ifl_copy_entry entry;
    uint32_t bucket;
    int16_t feature[IFL_COPY_FEATURES];
};

// The patches of frame t that begin at x of row y, `count` of them.
static struct unsorted *collect_run(const struct ifl_view *view, int t, int x, int y, int count,
                                    struct unsorted *found)
{
    int32_t sum[IFL_COPY_FEATURES * IFL_PIXEL_RUN];
    float feature[IFL_COPY_FEATURES];
    int position = y * view->width + x;
    ifl_pixel_kernels()->patch_sums(view->frame[t] + 3 * position, 3 * view->width, count, sum);
    for (int i = 0; i < count; i++, found++) {
        set_features(sum + i, feature);
        round_features(feature, found->feature);
        found->bucket = bucket_of_features(feature);
        found->entry =
            (struct ifl_copy_entry){.position = (uint32_t)(position + i),
                                    .frame = (uint16_t)t,
                                    .identity = (uint16_t)identity_at(view, t, x + i, y)};
    }
    return found;
}

static void collect(const struct ifl_view *view, int step, struct unsorted *found)
{
    int columns = view->width - PATCH + 1;
    for (int t = 0; t < view->roster->frames; t += step)
        for (int y = 0; y + PATCH <= view->height; y++)
            for (int x = 0, end; (x = next_patch(view, t, x, y)) < columns; x = end) {
                for (end = x; end < columns && end < x + IFL_PIXEL_RUN; end++)
                    if (identity_at(view, t, end, y) == 0)
                        break;
                if (end > x)
                    found = collect_run(view, t, x, y, end - x, found);
                else
                    end++;
            }
}

// Counting sort by bucket; keeps the order within one.
static void sort_entries(struct ifl_copy_index *index, const struct unsorted *from)
{
    uint32_t *start = index->start;
    size_t count = (size_t)index->count;
    for (int p = 0; p < IFL_COPY_FEATURES / 2; p++)
        index->table.pair[p] = (const int16_t(*)[2])(index->feature + (size_t)p * count);
    for (size_t i = 0; i < count; i++)
        start[from[i].bucket + 1]++;
    for (int b = 0; b < BUCKETS; b++)
        start[b + 1] += start[b];
    for (size_t i = 0; i < count; i++) {
        uint32_t at = start[from[i].bucket]++;
        index->entry[at] = from[i].entry;
        for (int p = 0; p < IFL_COPY_FEATURES / 2; p++)
            memcpy(index->feature[(size_t)p * count + at], from[i].feature + 2 * p,
                   sizeof *index->feature);
    }
    memmove(start + 1, start, BUCKETS * sizeof *start); // each has moved on to its end
    start[0] = 0;
}

enum ifl_result ifl_copy_init(struct ifl_copy_index *index, const struct ifl_view *view,
                              const struct ifl_seen *support, struct ifl_error *error)
{
    *index = (struct ifl_copy_index){.view = view, .support = support, .frame_step = 1};
    index->count = count_entries(view, 1);
    while (index->count > IFL_COPY_ENTRIES_MAX)
        index->count = count_entries(view, ++index->frame_step);
    size_t room = (size_t)index->count + 1;
    struct unsorted *unsorted = malloc(room * sizeof *unsorted);
    index->entry = malloc(room * sizeof *index->entry);
    index->feature = malloc(room * IFL_COPY_FEATURES / 2 * sizeof *index->feature);
    index->start = calloc(BUCKETS + 1, sizeof *index->start);
    enum ifl_result result = IFL_OK;
    if (unsorted && index->entry && index->feature && index->start) {
        collect(view, index->frame_step, unsorted);
        sort_entries(index, unsorted);
    } else {
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "validate",
                          "no memory to index %d foreground patches", index->count);
        ifl_copy_fini(index);
    }
    free(unsorted);
    return result;
}

void ifl_copy_fini(struct ifl_copy_index *index)
{
    free(index->entry);
    free(index->feature);
    free(index->start);
    index->entry = NULL;
    index->feature = NULL;
    index->start = NULL;
}

// A match of one image patch: frame 8 bits, offset 2 x 12 bits, row and column 12 bits each, so
// that sorted keys are groups of one frame and offset, by rows.
static uint64_t match_key(int frame, int dx, int dy, int x, int y)
{
    return (uint64_t)frame << 48 | (uint64_t)(dy + 2048) << 36 | (uint64_t)(dx + 2048) << 24 |
           (uint64_t)y << 12 | (uint64_t)x;
}

static uint64_t group_of(uint64_t key)
{
    return key >> 24;
}

// One search: what is looked for, in what, and what was found.
struct search {
    const struct ifl_copy_index *index;
    const uint8_t *canonical;
    double limit;              // sum of squares
    float reach;               // its root
    int32_t near_limit;        // of the rounded features
    const uint8_t *near;       // [frame]: left out, or NULL
    const uint8_t *identities; // [identity]: left out, or NULL
    int common;                // events from which content is nobody's own
    uint64_t *match;
    int matches;
    struct maps *maps;
};

static bool left_out(const struct search *search, const struct ifl_copy_entry *entry)
{
    return (search->near && search->near[entry->frame]) ||
           (search->identities && search->identities[entry->identity]);
}

static int add_identity(uint16_t *seen, int count, uint16_t identity)
{
    for (int i = 0; i < count; i++)
        if (seen[i] == identity)
            return count;
    if (count < IFL_COPY_COMMON)
        seen[count++] = identity;
    return count;
}

// An image patch that is looked for, and what was found of it.
struct query {
    const uint8_t *patch;
    int x, y;
    float feature[IFL_COPY_FEATURES];
    int16_t rounded[IFL_COPY_FEATURES];
    int identities;
    uint16_t seen[IFL_COPY_COMMON];
};

// Adds the entry if it is the same.
static void compare_entry(struct search *search, struct query *query, uint32_t at)
{
    const struct ifl_copy_entry *entry = &search->index->entry[at];
    const struct ifl_view *view = search->index->view;
    int width = view->width;
    if (left_out(search, entry))
        return;
    const uint8_t *other = view->frame[entry->frame] + 3 * entry->position;
    if (ifl_search_squares(query->patch, other, 3 * width) >= search->limit)
        return;
    query->identities = add_identity(query->seen, query->identities, entry->identity);
    if (search->matches < IFL_COPY_MATCHES_MAX)
        search->match[search->matches++] =
            match_key(entry->frame, (int)entry->position % width - query->x,
                      (int)entry->position / width - query->y, query->x, query->y);
}

static bool is_common(const struct search *search, const struct query *query)
{
    return query->identities >= search->common;
}

static void search_bucket(struct search *search, struct query *query, uint32_t bucket)
{
    const struct ifl_copy_index *index = search->index;
    uint32_t hit[IFL_SEARCH_BLOCK], end = index->start[bucket + 1];
    for (uint32_t at = index->start[bucket]; at < end; at += IFL_SEARCH_BLOCK) {
        int count = end - at < IFL_SEARCH_BLOCK ? (int)(end - at) : IFL_SEARCH_BLOCK;
        int hits =
            ifl_search_near(&index->table, at, count, query->rounded, search->near_limit, hit);
        for (int i = 0; i < hits && !is_common(search, query); i++)
            compare_entry(search, query, hit[i]);
    }
}

// Visits every cell that the reach around the feature touches, each bucket once, until the patch
// turns out to be common.
static void search_cells(struct search *search, struct query *query)
{
    int low[KEYED], high[KEYED], cell[KEYED], visited = 0;
    uint32_t buckets[256];
    for (int i = 0; i < KEYED; i++) {
        low[i] = cell[i] = cell_of(query->feature[i] - search->reach - .01f);
        high[i] = cell_of(query->feature[i] + search->reach + .01f);
    }
    for (;;) {
        uint32_t bucket = bucket_of(cell);
        bool known = false;
        for (int i = 0; i < visited && !known; i++)
            known = buckets[i] == bucket;
        if (!known) {
            if (visited < 256)
                buckets[visited++] = bucket;
            search_bucket(search, query, bucket);
        }
        int digit = 0;
        while (digit < KEYED && cell[digit] == high[digit]) {
            cell[digit] = low[digit];
            digit++;
        }
        if (digit == KEYED || is_common(search, query))
            return;
        cell[digit]++;
    }
}

static bool like_plate(const struct ifl_view *view, const uint8_t *canonical, int position)
{
    const double limit = 3 * PATCH * PATCH * IFL_SEEN_RMS * IFL_SEEN_RMS;
    return ifl_search_squares(canonical + 3 * position, view->plate + 3 * position,
                              3 * view->width) <= limit;
}

static bool common_here(const struct search *search, int x, int y)
{
    const struct ifl_view *view = search->index->view;
    x = x + IFL_SEEN_PATCH > view->width ? view->width - IFL_SEEN_PATCH : x;
    y = y + IFL_SEEN_PATCH > view->height ? view->height - IFL_SEEN_PATCH : y;
    if (x < 0 || y < 0)
        return false;
    return ifl_seen_by(search->index->support, search->canonical, x, y, search->common);
}

// Whether it was found.
static bool search_patch(struct search *search, int x, int y)
{
    const struct ifl_view *view = search->index->view;
    int before = search->matches, position = y * view->width + x;
    struct query query = {.patch = search->canonical + 3 * position, .x = x, .y = y};
    ifl_copy_features(query.patch, 3 * view->width, query.feature);
    round_features(query.feature, query.rounded);
    search_cells(search, &query);
    if (is_common(search, &query))
        search->matches = before;
    return search->matches > before;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// Patches that are looked for, joined: no copied region goes beyond one piece.
struct piece {
    int first, count; // of the positions in `order`
    int area;         // pixels: the most that can be copied of it
};

enum { COMMON_UNKNOWN, COMMON_NO, COMMON_YES };

// Working maps, [pixels] each. place: 1 where a patch starts that is to be joined to its
// neighbours. common: what is known of it. waiting: 1 where a patch is still to be looked for.
struct maps {
    int32_t *place, *stack, *again, *painted, *order;
    int paint; // number of the region that is being painted
    struct piece *piece;
    int pieces;
    uint8_t *common, *waiting;
};

static int position_of(uint64_t key, int width)
{
    return (int)(key >> 12 & 0xfff) * width + (int)(key & 0xfff);
}

// Takes the 4-connected region of matches that starts at `start` out of `place`. Leaves their
// positions on the stack and returns how many.
static int take_region(struct maps *maps, int width, int height, int start)
{
    int done = 0, used = 1;
    maps->stack[0] = start;
    maps->place[start] = 0;
    while (done < used) {
        int at = maps->stack[done++], x = at % width, y = at / width;
        const int next[4] = {x > 0 ? at - 1 : -1, x + 1 < width ? at + 1 : -1,
                             y > 0 ? at - width : -1, y + 1 < height ? at + width : -1};
        for (int i = 0; i < 4; i++) {
            if (next[i] < 0 || !maps->place[next[i]])
                continue;
            maps->place[next[i]] = 0;
            maps->stack[used++] = next[i];
        }
    }
    return used;
}

static int paint_region(struct maps *maps, int width, int count)
{
    int area = 0;
    maps->paint++;
    for (int i = 0; i < count; i++) {
        for (int y = 0; y < PATCH; y++) {
            int32_t *row = maps->painted + maps->stack[i] + y * width;
            for (int x = 0; x < PATCH; x++) {
                area += row[x] != maps->paint;
                row[x] = maps->paint;
            }
        }
    }
    return area;
}

static int box_area(const struct maps *maps, int width, int count)
{
    int left = width, right = 0, top = INT32_MAX, bottom = 0;
    for (int i = 0; i < count; i++) {
        int x = maps->stack[i] % width, y = maps->stack[i] / width;
        left = x < left ? x : left;
        right = x > right ? x : right;
        top = y < top ? y : top;
        bottom = y > bottom ? y : bottom;
    }
    return (right - left + PATCH) * (bottom - top + PATCH);
}

// Whether so many events show the patch at its place; asked only where it matters.
static bool common_at(const struct search *search, int position)
{
    int width = search->index->view->width;
    uint8_t *known = &search->maps->common[position];
    if (*known == COMMON_UNKNOWN)
        *known = common_here(search, position % width, position / width) ? COMMON_YES : COMMON_NO;
    return *known == COMMON_YES;
}

// Pixels of the region of `count` patches on the stack, or no more than `most`.
static int region_area(struct maps *maps, int width, int count, int most)
{
    if ((int64_t)count * PATCH * PATCH <= most || box_area(maps, width, count) <= most)
        return most;
    int area = paint_region(maps, width, count);
    return area > most ? area : most;
}

// The largest part of the region on the stack that is left without what is common.
static int largest_own(const struct search *search, int count, int most)
{
    const struct ifl_view *view = search->index->view;
    struct maps *maps = search->maps;
    memcpy(maps->again, maps->stack, (size_t)count * sizeof *maps->again);
    for (int i = 0; i < count; i++)
        maps->place[maps->again[i]] = !common_at(search, maps->again[i]);
    for (int i = 0; i < count; i++) {
        if (!maps->place[maps->again[i]])
            continue;
        int patches = take_region(maps, view->width, view->height, maps->again[i]);
        most = region_area(maps, view->width, patches, most);
    }
    return most;
}

// The largest region among the matches of one frame and offset, if larger than `most`.
static int largest_of_group(const struct search *search, const uint64_t *match, int count, int most)
{
    const struct ifl_view *view = search->index->view;
    struct maps *maps = search->maps;
    if ((int64_t)count * PATCH * PATCH <= most)
        return most;
    for (int i = 0; i < count; i++)
        maps->place[position_of(match[i], view->width)] = 1;
    for (int i = 0; i < count; i++) {
        int start = position_of(match[i], view->width);
        if (!maps->place[start])
            continue;
        int patches = take_region(maps, view->width, view->height, start);
        if (region_area(maps, view->width, patches, most) > most)
            most = largest_own(search, patches, most);
    }
    return most;
}

static int largest_region(const struct search *search, int most)
{
    qsort(search->match, (size_t)search->matches, sizeof *search->match, compare_keys);
    for (int i = 0, end; i < search->matches; i = end) {
        uint64_t group = group_of(search->match[i]);
        for (end = i + 1; end < search->matches && group_of(search->match[end]) == group; end++)
            ;
        most = largest_of_group(search, search->match + i, end - i, most);
    }
    return most;
}

static int compare_areas(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    return x->area != y->area ? (x->area < y->area) - (x->area > y->area)
                              : (x->first > y->first) - (x->first < y->first);
}

// Joins the patches that are looked for: the larger pieces come first.
static void list_pieces(const struct search *search, const uint8_t *mask)
{
    const struct ifl_view *view = search->index->view;
    struct maps *maps = search->maps;
    int width = view->width, used = 0;
    for (int y = 0; y + PATCH <= view->height; y++)
        for (int x = 0; x + PATCH <= width; x++)
            if (mask[(y + PATCH / 2) * width + x + PATCH / 2])
                maps->place[y * width + x] = !like_plate(view, search->canonical, y * width + x);
    for (int start = 0; start < view->pixels; start++) {
        if (!maps->place[start])
            continue;
        struct piece *piece = &maps->piece[maps->pieces++];
        piece->first = used;
        piece->count = take_region(maps, width, view->height, start);
        piece->area = paint_region(maps, width, piece->count);
        memcpy(maps->order + used, maps->stack, (size_t)piece->count * sizeof *maps->order);
        used += piece->count;
    }
    qsort(maps->piece, (size_t)maps->pieces, sizeof *maps->piece, compare_areas);
}

// Between diagonals both ways, so many apart, only diamonds of patches are left that cover no more
// than `most` pixels: 49 the one in the middle, 28 and four more than that for each step outwards.
static int find_spacing(int most)
{
    int steps = 0, area = PATCH * PATCH;
    if (most < area)
        return 1;
    while ((area += 4 * (PATCH + steps)) <= most)
        steps++;
    return 2 * (steps + 1);
}

static int take_waiting(struct maps *maps, int position, int used)
{
    if (maps->waiting[position]) {
        maps->waiting[position] = 0;
        maps->stack[used++] = position;
    }
    return used;
}

// Looks for a patch and, where it is found, for those around it.
static void search_around(struct search *search, int start)
{
    const struct ifl_view *view = search->index->view;
    struct maps *maps = search->maps;
    int width = view->width, used = take_waiting(maps, start, 0);
    while (used > 0) {
        int at = maps->stack[--used], x = at % width, y = at / width;
        if (!search_patch(search, x, y))
            continue;
        if (x > 0)
            used = take_waiting(maps, at - 1, used);
        if (x + 1 < width)
            used = take_waiting(maps, at + 1, used);
        if (y > 0)
            used = take_waiting(maps, at - width, used);
        if (y + 1 < view->height)
            used = take_waiting(maps, at + width, used);
    }
}

// A region of more than `most` pixels lies on one of the diagonals, and is found from there.
static void search_piece(struct search *search, const struct piece *piece, int most)
{
    const struct maps *maps = search->maps;
    const int32_t *order = maps->order + piece->first;
    int width = search->index->view->width, spacing = find_spacing(most);
    search->matches = 0;
    for (int i = 0; i < piece->count; i++)
        maps->waiting[order[i]] = 1;
    for (int i = 0; i < piece->count; i++) {
        int x = order[i] % width, y = order[i] / width;
        if ((x + y) % spacing == 0 || (x - y) % spacing == 0)
            search_around(search, order[i]);
    }
    for (int i = 0; i < piece->count; i++)
        maps->waiting[order[i]] = 0;
}

// A piece is searched only if it can hold more than was found in larger ones.
static int search_pieces(struct search *search, int most, int enough)
{
    const struct maps *maps = search->maps;
    for (int i = 0; i < maps->pieces && maps->piece[i].area > most && most < enough; i++) {
        search_piece(search, &maps->piece[i], most);
        most = largest_region(search, most);
    }
    return most;
}

// Lays the maps out in scratch, after the matches; without it, only counts the bytes.
static size_t lay_maps(struct maps *maps, size_t pixels, uint8_t *scratch)
{
    size_t map = pixels * sizeof *maps->place;
    if (scratch) {
        maps->place = (int32_t *)scratch;
        maps->stack = maps->place + pixels;
        maps->again = maps->stack + pixels;
        maps->painted = maps->again + pixels;
        maps->order = maps->painted + pixels;
        maps->piece = (struct piece *)(maps->order + pixels);
        maps->common = (uint8_t *)(maps->piece + pixels);
        memset(maps->place, 0, map);
        memset(maps->painted, 0, map);
        maps->waiting = maps->common + pixels;
        memset(maps->common, COMMON_UNKNOWN, pixels);
        memset(maps->waiting, 0, pixels);
    }
    return 5 * map + pixels * sizeof *maps->piece + 2 * pixels;
}

size_t ifl_copy_scratch_bytes(const struct ifl_view *view)
{
    struct maps maps;
    return sizeof(uint64_t) * IFL_COPY_MATCHES_MAX + lay_maps(&maps, (size_t)view->pixels, NULL) +
           (size_t)view->roster->identities + 1;
}

static void mark_identities(const struct ifl_roster *roster, int frame, uint8_t *identities)
{
    memset(identities, 0, (size_t)roster->identities + 1);
    for (int label = 1; label < 256; label++)
        identities[roster->identity[frame * 256 + label]] = 1;
}

int ifl_copy_region(const struct ifl_copy_index *index, const uint8_t *canonical,
                    const uint8_t *mask, struct ifl_copy_request request, void *scratch)
{
    const struct ifl_view *view = index->view;
    const struct ifl_roster *roster = view->roster;
    double limit = request.rmse * request.rmse * 3 * PATCH * PATCH;
    struct search search = {.index = index,
                            .canonical = canonical,
                            .limit = limit,
                            .reach = (float)sqrt(limit),
                            .near_limit = feature_limit(limit),
                            .common =
                                request.common < IFL_COPY_COMMON ? request.common : IFL_COPY_COMMON,
                            .match = scratch};
    struct maps maps = {0};
    uint8_t *after = (uint8_t *)(search.match + IFL_COPY_MATCHES_MAX);
    uint8_t *identities = after + lay_maps(&maps, (size_t)view->pixels, after);
    search.maps = &maps;
    if (request.without >= 0) {
        mark_identities(roster, request.without, identities);
        search.identities = identities;
        search.near = roster->near + request.without * roster->frames;
    }
    list_pieces(&search, mask);
    return search_pieces(&search, request.least, request.enough ? request.enough : INT_MAX);
}
