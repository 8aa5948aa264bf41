// SPDX-License-Identifier: Apache-2.0
// What drift says to people: incidents with a sentence that names what, since when, and what to do.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kernels/picture.h"
#include "profile/drift_state.h"

// ---- pictures ----

// A picture of the frame in hand; NULL: no frame, no memory.
static struct ifl_image *make_picture(struct ifl_drift *drift, struct ifl_image *reuse)
{
    const struct ifl_frame *frame = drift->input ? drift->input->frame : NULL;
    return frame ? ifl_picture_exemplar(frame, reuse, drift->planes) : NULL;
}

void ifl_drift_take_picture(struct ifl_drift *drift, struct ifl_regime *regime)
{
    struct ifl_image *image = make_picture(drift, regime->picture);
    if (!image)
        return;
    ifl_image_unref(regime->picture);
    regime->picture = image;
    regime->picture_wall_ns = drift->input->wall_ns;
    drift->picture_ns = drift->input->stream_ns;
}

// ---- incidents ----

static void begin(const struct ifl_drift *drift, enum ifl_incident_kind kind,
                  struct ifl_incident *incident)
{
    *incident = (struct ifl_incident){.kind = kind, .severity = ifl_incident_row(kind)->severity};
    memcpy(incident->source, drift->source, sizeof incident->source);
    if (drift->input) {
        incident->begun_wall_ns = drift->input->wall_ns;
        incident->first_sequence = drift->input->sequence;
    }
}

// Gives it away with a picture of before and, of the frame in hand, of after.
static void send(struct ifl_drift *drift, struct ifl_incident *incident, int before)
{
    if (!drift->config.report)
        return;
    incident->before = before >= 0 ? drift->regime[before].picture : NULL;
    incident->after = make_picture(drift, NULL);
    drift->config.report(drift->config.context, incident);
    ifl_image_unref(incident->after);
}

void ifl_drift_clear(struct ifl_drift *drift, enum ifl_incident_kind kind)
{
    if (drift->config.clear)
        drift->config.clear(drift->config.context, kind);
}

static void add_feature(const struct ifl_drift *drift, struct ifl_incident *incident, int channel,
                        double before, double after, double score)
{
    struct ifl_incident_feature *feature = &incident->feature[incident->features++];
    double offset = (double)drift->offset[channel];
    snprintf(feature->name, sizeof feature->name, "%s", ifl_channel_label(channel));
    feature->before = before + offset;
    feature->after = after + offset;
    feature->score = score;
}

static void add_row(const struct ifl_drift *drift, struct ifl_incident *incident, uint64_t index)
{
    if (index < ifl_rows_oldest(&drift->rows) || index >= drift->rows.count)
        return;
    const struct ifl_row *row = ifl_row_at(&drift->rows, index);
    incident->begun_wall_ns = row->wall_ns;
    incident->first_sequence = row->sequence;
}

static const char *way(const struct ifl_change *change)
{
    return change->gradual ? "gradual" : "sudden";
}

void ifl_drift_report_change(struct ifl_drift *drift, const struct ifl_change *change)
{
    struct ifl_incident incident;
    char when[32], slowly[64] = "at once";
    begin(drift, IFL_INCIDENT_DRIFT, &incident);
    incident.begun_wall_ns = change->first_wall_ns;
    incident.first_sequence = change->first_sequence;
    memcpy(incident.region, change->region, sizeof incident.region);
    for (int i = 0; i < change->channels; i++)
        add_feature(drift, &incident, change->channel[i], change->before[i], change->after[i],
                    change->score[i]);
    snprintf(incident.cause, sizeof incident.cause, "%s", way(change));
    ifl_wall_format(incident.begun_wall_ns, when);
    if (change->gradual)
        snprintf(slowly, sizeof slowly, "over %.0f minutes", fmax(1, change->seconds / 60));
    const char *theme = change->relations  ? "how its measures go together"
                        : change->light    ? "light"
                        : change->channels ? ifl_channel_theme(change->channel[0])
                                           : "picture";
    const struct ifl_incident_feature *first = incident.feature;
    char numbers[96] = "";
    if (!change->relations && change->channels)
        snprintf(numbers, sizeof numbers, " (%s from %.4g to %.4g)", first->name, first->before,
                 first->after);
    snprintf(
        incident.text, sizeof incident.text,
        "%.40s changed %.28s%.80s, since %.24s; accept it if it is as it should be, else look at "
        "the camera",
        theme, slowly, numbers, when);
    send(drift, &incident, drift->current);
}

void ifl_drift_report_known(struct ifl_drift *drift, int regime)
{
    struct ifl_incident incident;
    char when[32];
    begin(drift, IFL_INCIDENT_DRIFT, &incident);
    incident.severity = IFL_SEVERITY_INFO;
    snprintf(incident.cause, sizeof incident.cause, "recurring");
    ifl_wall_format(drift->regime[regime].first_wall_ns, when);
    snprintf(incident.text, sizeof incident.text,
             "a state first seen at %s is back; accept it if it is as it should be, and it is not "
             "mentioned again",
             when);
    send(drift, &incident, -1);
}

void ifl_drift_report_warning(struct ifl_drift *drift, int series)
{
    struct ifl_incident incident;
    const struct ifl_cusum *cusum = &drift->cusum[series];
    begin(drift, IFL_INCIDENT_DRIFT_WARNING, &incident);
    bool up = cusum->high >= cusum->low, joint = series >= IFL_CHANNELS;
    uint64_t since = up ? drift->high_since[series] : drift->low_since[series];
    add_row(drift, &incident, since);
    snprintf(incident.cause, sizeof incident.cause, "%s", joint ? "relations" : up ? "up" : "down");
    if (joint) {
        snprintf(incident.text, sizeof incident.text,
                 "how the measures of the picture go together may be changing; wait, or look");
    } else {
        float mean[IFL_CHANNELS];
        uint64_t first =
            since < ifl_rows_oldest(&drift->rows) ? ifl_rows_oldest(&drift->rows) : since;
        ifl_rows_mean(&drift->rows, first, (int)(drift->rows.count - first), mean);
        const struct ifl_channel_model *model = &drift->regime[drift->current].channel[series];
        add_feature(drift, &incident, series, (double)model->mean, (double)mean[series],
                    fabs((double)(mean[series] - model->mean)) / (double)model->unit);
        snprintf(incident.text, sizeof incident.text,
                 "%s may be changing: from %.4g to %.4g; wait, or look", ifl_channel_label(series),
                 incident.feature[0].before, incident.feature[0].after);
    }
    send(drift, &incident, drift->current);
}

// The channels furthest from their mean.
static void add_strangest(const struct ifl_drift *drift, const float x[IFL_CHANNELS],
                          struct ifl_incident *incident)
{
    const struct ifl_model *model = &drift->judge.model;
    bool taken[IFL_CHANNELS] = {false};
    while (incident->features < IFL_INCIDENT_FEATURES) {
        int best = -1;
        double most = 0;
        for (int c = 0; c < IFL_CHANNELS; c++) {
            double score = fabs((double)(x[c] - model->mean[c])) / (double)model->deviation[c];
            if (!taken[c] && (best < 0 || score > most)) {
                best = c;
                most = score;
            }
        }
        taken[best] = true;
        add_feature(drift, incident, best, (double)model->mean[best], (double)x[best], most);
    }
}

void ifl_drift_report_strange(struct ifl_drift *drift, const float x[IFL_CHANNELS],
                              const struct ifl_outlier_view *view)
{
    struct ifl_incident incident;
    const struct ifl_regime *regime = &drift->regime[drift->current];
    const float *tile = &drift->input->features->tile_mean[0][0];
    float score[IFL_TILE_COUNT];
    begin(drift, IFL_INCIDENT_ANOMALY, &incident);
    add_strangest(drift, x, &incident);
    for (int t = 0; t < IFL_TILE_COUNT; t++)
        score[t] = fabsf(tile[t] - regime->tile_mean[t]) / regime->tile_deviation[t];
    ifl_tiles_region(score, incident.region);
    const char *name = incident.feature[0].name;
    int channel = 0;
    while (strcmp(ifl_channel_label(channel), name) != 0)
        channel++;
    snprintf(incident.cause, sizeof incident.cause, "%s", ifl_channel_theme(channel));
    snprintf(incident.text, sizeof incident.text,
             "a picture unlike the others (p %.2g, distance %.1f of %.1f): %s is %.4g, usually "
             "%.4g; look whether somebody should know",
             view->p, sqrt(view->distance2), sqrt(drift->judge.limit), name,
             incident.feature[0].after, incident.feature[0].before);
    send(drift, &incident, drift->current);
}

void ifl_drift_report_held(struct ifl_drift *drift, bool camera)
{
    struct ifl_incident incident;
    begin(drift, IFL_INCIDENT_CONTAMINATED, &incident);
    incident.begun_wall_ns = drift->holding.begun_wall_ns;
    incident.first_sequence = drift->holding.first_sequence;
    snprintf(incident.cause, sizeof incident.cause, "%s", camera ? "camera" : "strange");
    snprintf(incident.text, sizeof incident.text,
             camera ? "the pictures show no scene, so the profile does not learn from them; look "
                      "at the camera's incident"
                    : "the pictures are unlike all before, so the profile does not learn from them "
                      "for up to five minutes; accept the new state to let them in now");
    send(drift, &incident, drift->current);
}
