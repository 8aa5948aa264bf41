// SPDX-License-Identifier: Apache-2.0
#include "profile/rates.h"

#include <math.h>
#include <stdbool.h>

enum { BINS = IFL_SIGNATURE_BINS / 3 };

static const float UNLIKE = 30;
static const float TWICE = 0.3f;     // what twice the area costs
static const float LONG_AGO = 0.02f; // what a window between them costs: of equals the nearest

static void take_look(struct ifl_look *look, const struct ifl_events *events,
                      const struct ifl_component *component)
{
    const struct ifl_event_row *row = ifl_events_find(events, component->event);
    *look = (struct ifl_look){.event = component->event, .area = (float)component->area + 1};
    for (int c = 0; row && c < IFL_LOOK_CHANNELS; c++) {
        const float *share = row->look.share[c / 3] + c % 3 * BINS;
        for (int b = 1; b < BINS; b++)
            look->channel[c] += share[b] * (float)b;
    }
}

void ifl_view_take(struct ifl_view *view, const struct ifl_events *events,
                   const struct ifl_component *component, int components, int64_t number)
{
    view->objects = components;
    view->number = number;
    for (int c = 0; c < components && c < IFL_LOOKS_MAX; c++)
        take_look(&view->look[c], events, &component[c]);
}

static float unlike(const struct ifl_look *a, const struct ifl_look *b)
{
    float sum = 0, larger = a->area > b->area ? a->area / b->area : b->area / a->area;
    float cost = TWICE * (larger - 1);
    if (a->event == b->event)
        return cost < 1 ? cost / 2 : 0.5f; // it grew, or met somebody
    for (int c = 0; c < IFL_LOOK_CHANNELS; c++)
        sum += fabsf(a->channel[c] - b->channel[c]);
    cost += sum / UNLIKE;
    return cost < 2 ? cost : 2;
}

static int kept(const struct ifl_view *view)
{
    return view->objects < IFL_LOOKS_MAX ? view->objects : IFL_LOOKS_MAX;
}

// Each object of a takes the one of b that is most like it of those that are left.
static float match(const struct ifl_view *a, const struct ifl_view *b, float most)
{
    bool taken[IFL_LOOKS_MAX] = {false};
    float sum = 0;
    int others = kept(b);
    for (int i = 0; i < kept(a) && sum < most; i++) {
        float least = 2;
        int best = -1;
        for (int j = 0; j < others; j++) {
            float cost = taken[j] ? 2 : unlike(&a->look[i], &b->look[j]);
            if (cost >= least)
                continue;
            least = cost;
            best = j;
        }
        if (best >= 0)
            taken[best] = true;
        sum += least;
    }
    return sum;
}

float ifl_view_distance(const struct ifl_view *a, const struct ifl_view *b, double window,
                        float most)
{
    const struct ifl_view *few = a->objects < b->objects ? a : b, *many = few == a ? b : a;
    float distance = LONG_AGO * (float)(fabs((double)(a->number - b->number)) / window);
    distance += (float)(many->objects - few->objects);
    return distance < most ? distance + match(few, many, most - distance) : distance;
}
