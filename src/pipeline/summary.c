// SPDX-License-Identifier: Apache-2.0
#include "pipeline/summary.h"

#include <math.h>

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *edge_json(const struct ifl_flow_row *row)
{
    json_t *dropped = json_object();
    for (int i = 0; i < row->reasons; i++)
        json_object_set_new(dropped, row->dropped[i].reason, count(row->dropped[i].count));
    return json_pack("{ss ss ss so so so so so so}", "source", row->source, "from", row->from, "to",
                     row->to, "received", count(row->received), "passed", count(row->passed),
                     "waiting", count(row->waiting), "busy", count(row->busy), "dropped_total",
                     count(row->dropped_total), "dropped", dropped);
}

static json_t *images_json(const struct ifl_summary *summary)
{
    json_t *reasons = json_object();
    for (int i = 0; i < summary->reasons; i++)
        json_object_set_new(reasons, summary->rejected_by[i].reason,
                            count(summary->rejected_by[i].count));
    return json_pack("{so so so so so so}", "requested", count(summary->requested), "delivered",
                     count(summary->delivered), "rejected", count(summary->rejected), "failed",
                     count(summary->failed), "in_flight", count(summary->in_flight),
                     "attempts_rejected", reasons);
}

json_t *ifl_summary_json(const struct ifl_summary *summary)
{
    json_t *edges = json_array();
    for (int i = 0; i < summary->edges; i++)
        json_array_append_new(edges, edge_json(&summary->edge[i]));
    json_t *likeness = isnan(summary->likeness) ? json_null() : json_real(summary->likeness);
    return json_pack("{so so so}", "edges", edges, "images", images_json(summary), "likeness",
                     likeness);
}
