// SPDX-License-Identifier: Apache-2.0
// Each frame is looked at for symptoms; a symptom that lasts becomes an incident, one that is gone
// for a while ends it. symptoms[] says for how long. What explains another goes first: a black
// picture is not called blurred.
#include "ingest/health.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "ingest/view.h"
#include "kernels/features_parts.h"
#include "kernels/picture.h"

// Thresholds; docs/camera-truth.md says where they come from.
static const double black_p95 = 16, white_p05 = 239;
static const double frozen_s = 2, frozen_share = 0.1, frozen_noise = 0.2, frozen_exact = 0.02;
static const double frozen_change = 0.15;
static const double twitch_s = 0.15, twitch_gap_s = 0.75; // of key frames
static const double twitch_most = 4, twitch_noise = 0.05;
static const double repeats_most = 0.3, repeats_memory_s = 60;
static const double frozen_most_s = 10; // of a camera that repeats pictures by itself
static const double lost_most = 0.85, unlike = 0.65, blurred = 0.25, covered_detail = 0.5;
static const double flat_entropy = 2, flat_energy = 4; // until a baseline exists
static const double level_jump = 0.3, level_steady = 0.08, steady_s = 1.5, clipped_most = 0.5;
static const double grey_saturation = 0.03, grey_colorfulness = 4, colour_saturation = 0.06;
static const double moved_share = 0.03, moved_peak = 0.3, peak_certain = 0.1;
static const double check_s = 0.5, fixed_peak = 0.12;
static const double accept_s = 10, restless_s = 60; // a view has stayed; none does
static const double passing_s = 5;                  // something before a view that stays
static const double hidden_s = 60;                  // so long something may stand before the lens
static const double former_s = 600;                 // so long the usual one may come back
static const double shifted_kept = 0.25, shifted_found = 0.1, gone_kept = 0.04;
static const double torn_grey = 0.2, torn_window_s = 3;
static const double gap_s = 5; // of stream time, after which nothing lasts that was only suspected
static const double sample_s = 2;        // between two good pictures that are kept to be shown
static const double memory_change_s = 2; // at most so much time counts for one picture

enum { TORN_LEAST = 3, PICTURES_LEAST = 2, FROZEN_PICTURES = 4, LOOKS_BACK = 6, PARTLY_LEAST = 2 };

enum symptom {
    TORN,
    BLACK,
    WHITE,
    COVERED,
    FROZEN,
    INFRARED,
    EXPOSURE,
    DEFOCUSED,
    MOVED,
    SYMPTOMS
};

static const struct row {
    enum ifl_incident_kind kind;
    double confirm_s, clear_s, gap_s; // gap: without it that a suspicion outlives
    bool holds;                       // its frames are kept out of the profile while it lasts
    unsigned hides;                   // what it explains
    const char *to_do;
} symptoms[SYMPTOMS] = {
#define BIT(symptom) (1u << (symptom))
#define PICTURE_GONE                                                                               \
    (BIT(COVERED) | BIT(FROZEN) | BIT(INFRARED) | BIT(EXPOSURE) | BIT(DEFOCUSED) | BIT(MOVED))
    [TORN] = {IFL_INCIDENT_TORN, 0, 3, 3, true, PICTURE_GONE,
              "look at the network and the camera's bit rate"},
    [BLACK] = {IFL_INCIDENT_BLACK, 1, 1, 0, true, PICTURE_GONE,
               "look for a cap, a dead sensor or no light at all"},
    [WHITE] = {IFL_INCIDENT_WHITE, 1, 1, 0, true, PICTURE_GONE,
               "look for a lamp into the lens or a wrong exposure"},
    [COVERED] = {IFL_INCIDENT_COVERED, 1.5, 1, 0, true, PICTURE_GONE & ~BIT(COVERED),
                 "look at the lens"},
    [FROZEN] = {IFL_INCIDENT_FROZEN, 0, 0.5, 0, true, 0, "restart the camera or its encoder"},
    [INFRARED] = {IFL_INCIDENT_INFRARED, 1, 1, 0, false, BIT(EXPOSURE),
                  "it learns the infrared pictures apart from the others"},
    [EXPOSURE] = {IFL_INCIDENT_EXPOSURE, 0.3, 1, 0, true, BIT(DEFOCUSED) | BIT(MOVED),
                  "it goes on when the brightness is steady again"},
    [DEFOCUSED] = {IFL_INCIDENT_DEFOCUSED, 1.5, 1, 0, true, BIT(MOVED),
                   "clean the lens or focus it anew"},
    [MOVED] =
        {IFL_INCIDENT_MOVED, 3, 1, 1.5, true, 0,
         "turn it back: what was learned is kept for 10 minutes. What it shows now is learned "
         "apart once it has stayed for 10 s"},
};

struct course {                 // of one symptom
    bool shown, present, lasts; // by this frame; suspected; an incident
    double since_s, gone_s;     // stream time; of the first and last frame that showed it
    uint64_t pictures, first_sequence;
    int64_t first_wall_ns;
};

struct candidate {                   // a view that may become the usual one
    double first_s, since_s, seen_s; // stream time: no view has stayed since; of its first picture
                                     // and its last
    struct ifl_view view;            // no pictures: there is none
};

struct former {      // what was usual until the camera looked elsewhere
    uint64_t number; // 0: none
    double left_s;   // stream time
    int there;       // looks in a row that have found it
    struct ifl_view views[2];
};

struct sample {              // a good picture, small
    struct ifl_image *image; // NULL: none
    int64_t wall_ns;
    double at_s; // stream time
};

struct ifl_health {
    char source[IFL_SOURCE_NAME_MAX];
    struct ifl_journal *journal;
    struct ifl_spectrum *spectrum;
    struct ifl_sight sight;
    struct sample samples[2];                             // the newer one first
    uint8_t planes[IFL_EXEMPLAR_BYTES];                   // scratch
    uint8_t whole_edges[IFL_SIGHT_SIDE * IFL_SIGHT_SIDE]; // of the last picture without a tear
    struct course course[SYMPTOMS];
    struct ifl_view views[2];  // by colour, in infrared
    int mode;                  // which of them
    uint64_t number, greatest; // of the view, and of all so far
    struct candidate candidate;
    struct former former;

    bool started;
    int64_t last_ns;      // the frame's own time
    double now_s, step_s; // stream time so far, and since the frame before
    double still_s;       // how long nothing has changed
    double twitched_s;    // when a key frame last did so in stillness
    uint64_t still_pictures, still_sequence;
    int64_t still_wall_ns;
    double still_longest_s;           // that ended by itself
    double repeated, repeated_over_s; // share of pictures that were still, of so many seconds
    double steady_from_s, steady_least, steady_greatest;
    double checked_s;
    bool was_lit; // since it began, or switched: its level is known from pictures with light
    bool moved, shifted;
    bool stood, hidden; // the usual view did last, or in part; something has come before it
    int partly;         // looks in a row in which part of it stood
    double hidden_from_s;
    double torn_s[TORN_LEAST]; // when the last torn frames came
    unsigned torn_count;
    char cause[SYMPTOMS][32];

    pthread_mutex_t lock; // over what follows
    struct ifl_health_status status;
};

struct look { // one frame
    const struct ifl_frame *frame;
    const struct ifl_features *features;
    struct ifl_view *view;
    double lost, sharpness; // against the usual
    bool strange;           // its light is spread over it in another way
    bool dark;              // as good as black
    bool known;
};

struct ifl_health *ifl_health_create(const char *source, struct ifl_journal *journal)
{
    struct ifl_health *health = calloc(1, sizeof *health);
    if (!health)
        return NULL;
    health->spectrum = ifl_spectrum_create();
    if (!health->spectrum) {
        free(health);
        return NULL;
    }
    snprintf(health->source, sizeof health->source, "%s", source);
    health->journal = journal;
    health->number = health->greatest = 1;
    for (int i = 0; i < TORN_LEAST; i++)
        health->torn_s[i] = -1e9;
    pthread_mutex_init(&health->lock, NULL);
    return health;
}

void ifl_health_destroy(struct ifl_health *health)
{
    if (!health)
        return;
    pthread_mutex_destroy(&health->lock);
    ifl_health_forget(health, INT64_MAX);
    ifl_spectrum_destroy(health->spectrum);
    free(health);
}

// ---- symptoms of one frame ----

static double quantile(const uint32_t histogram[256], double share)
{
    uint64_t all = 0, sum = 0;
    for (int i = 0; i < 256; i++)
        all += histogram[i];
    for (int i = 0; i < 256; i++)
        if ((double)(sum += histogram[i]) >= share * (double)all)
            return i;
    return 255;
}

// So dark as it has become bit by bit is night, and the world's.
static bool is_black(const struct ifl_health *health, const struct look *look)
{
    double jump = fabs(ifl_view_level(look->features) - look->view->level);
    return look->dark && !(look->known && health->was_lit && jump < level_jump);
}

static bool is_torn(struct ifl_health *health, const struct look *look)
{
    const char *cause = NULL;
    double usual_grey = (double)look->view->grey_share;
    if (look->frame->decoder_errors)
        cause = "decoder";
    else if (health->sight.grey_share >= torn_grey && usual_grey < torn_grey / 2)
        cause = "grey";
    else if (look->known &&
             ifl_sight_tear(&health->sight, look->view->edges, health->whole_edges) >= 0)
        cause = "offset";
    if (!cause)
        return false;
    snprintf(health->cause[TORN], sizeof *health->cause, "%s", cause);
    health->torn_s[health->torn_count++ % TORN_LEAST] = health->now_s;
    return true;
}

// A single torn picture is held; so many in a short time are an incident.
static bool tears_often(const struct ifl_health *health)
{
    double oldest_s = health->torn_s[health->torn_count % TORN_LEAST];
    return health->now_s - oldest_s <= torn_window_s;
}

// Its edges stand, so that they can be missed.
static bool is_fixed(const struct look *look)
{
    return look->known && look->view->peak >= fixed_peak;
}

// And no blur took them, nor darkness: something stands before them.
static bool has_no_edges_left(const struct ifl_health *health, const struct look *look)
{
    double jump = ifl_view_level(look->features) - look->view->level;
    return is_fixed(look) && look->sharpness >= blurred && jump > -level_jump &&
           ifl_view_kept(look->view, &health->sight, 0, 0) < gone_kept;
}

static bool is_covered(struct ifl_health *health, const struct look *look)
{
    const struct ifl_features *features = look->features;
    double energy = health->sight.energy_mean, entropy = features->value[IFL_FEATURE_entropy];
    const char *cause = NULL;
    if (!look->known) {
        if (entropy < flat_entropy && energy < flat_energy)
            cause = "flat";
    } else if (look->lost >= lost_most &&
               energy < covered_detail * ifl_baseline_quantile(&look->view->energy, 0.05) &&
               (look->strange || has_no_edges_left(health, look))) {
        cause = "structure lost";
    }
    if (cause)
        snprintf(health->cause[COVERED], sizeof *health->cause, "%s", cause);
    return cause;
}

// What noise alone would change, where there is any.
static bool has_noise(const struct look *look)
{
    return look->known && look->view->change >= frozen_noise;
}

// Nothing at all changes, or far less than noise alone would.
static bool is_still(const struct look *look)
{
    double median, most;
    if (!look->features->has_previous)
        return false;
    ifl_view_change(look->features, &median, &most);
    if (has_noise(look))
        return median < fmin(frozen_share * look->view->change, frozen_change);
    return most < frozen_exact;
}

static void end_stillness(struct ifl_health *health)
{
    if (!health->course[FROZEN].lasts && health->still_s > health->still_longest_s)
        health->still_longest_s = fmin(health->still_s, frozen_most_s / 2);
    health->still_s = 0;
    health->still_pictures = 0;
}

// How often a camera repeats pictures by itself. Frozen ones tell nothing of that.
static void learn_repeats(struct ifl_health *health, bool still)
{
    if (health->course[FROZEN].lasts || health->step_s <= 0)
        return;
    health->repeated_over_s = fmin(health->repeated_over_s + health->step_s, repeats_memory_s);
    health->repeated += health->step_s / health->repeated_over_s * (still - health->repeated);
}

// An encoder's key frame makes even a frozen picture twitch, slightly, all over and now and then.
// A clock in the picture changes one place. What comes between pictures which are repeated by
// themselves is the next of them.
static bool is_twitch(struct ifl_health *health, const struct look *look)
{
    double median, most, since_s = health->now_s - health->twitched_s;
    ifl_view_change(look->features, &median, &most);
    if (!look->known || look->view->change < twitch_noise || health->repeated > repeats_most ||
        most > twitch_most || median < frozen_exact || health->still_pictures == 0)
        return false;
    if (since_s >= twitch_gap_s)
        health->twitched_s = health->now_s;
    return since_s >= twitch_gap_s || since_s <= twitch_s;
}

static bool is_frozen(struct ifl_health *health, const struct look *look)
{
    bool still = is_still(look);
    learn_repeats(health, still);
    if (!still && !is_twitch(health, look)) {
        end_stillness(health);
        return false;
    }
    if (health->still_pictures++ == 0) {
        health->still_sequence = look->frame->sequence;
        health->still_wall_ns = look->frame->capture_wall_ns;
    }
    health->still_s += health->step_s;
    double patience_s = fmax(frozen_s, 2 * health->still_longest_s);
    return health->still_s >= patience_s && health->still_pictures >= FROZEN_PICTURES;
}

static bool is_grey(const struct look *look)
{
    const double *value = look->features->value;
    return value[IFL_FEATURE_saturation_mean] < grey_saturation &&
           value[IFL_FEATURE_colorfulness] < grey_colorfulness;
}

// A camera that never had colour has not switched.
static bool is_infrared(const struct ifl_health *health, const struct look *look)
{
    const struct ifl_view *colour = &health->views[0];
    return is_grey(look) && (health->course[INFRARED].lasts ||
                             (ifl_view_is_known(colour) && colour->saturation > colour_saturation));
}

static void begin_steady(struct ifl_health *health, double level)
{
    health->steady_from_s = health->now_s;
    health->steady_least = health->steady_greatest = level;
}

static bool is_steady(struct ifl_health *health, double level, double clipped)
{
    double least = fmin(health->steady_least, level), most = fmax(health->steady_greatest, level);
    if (most - least > level_steady || clipped > clipped_most)
        begin_steady(health, level);
    else
        health->steady_least = least, health->steady_greatest = most;
    return health->now_s - health->steady_from_s >= steady_s;
}

// A new brightness of the same scene, until it is steady: then that is how bright it is.
static bool is_exposure(struct ifl_health *health, const struct look *look)
{
    double level = ifl_view_level(look->features), jump = level - look->view->level;
    double clipped = ifl_view_clipped(look->features);
    // A bright picture has no room to become brighter by much.
    bool jumps = fabs(jump) >= level_jump || clipped - look->view->clipped >= clipped_most;
    if (!look->known || !jumps || (look->strange && clipped < clipped_most)) {
        begin_steady(health, level);
        return false;
    }
    snprintf(health->cause[EXPOSURE], sizeof *health->cause, jump > 0 ? "brighter" : "darker");
    if (!is_steady(health, level, clipped))
        return true;
    look->view->level = level;
    return false;
}

static bool is_defocused(struct ifl_health *health, const struct look *look)
{
    snprintf(health->cause[DEFOCUSED], sizeof *health->cause, "sharpness lost");
    return look->known && !look->strange && look->sharpness < blurred;
}

// ---- another view ----

static struct ifl_shift shift_against(struct ifl_health *health, const float *edges)
{
    struct ifl_small small = {.width = IFL_SIGHT_SIDE, .height = IFL_SIGHT_SIDE};
    struct ifl_shift shift;
    for (int i = 0; i < IFL_SIGHT_SIDE * IFL_SIGHT_SIDE; i++)
        small.pixel[i] = (uint8_t)(edges[i] + 0.5f);
    ifl_spectrum_reset(health->spectrum);
    ifl_spectrum_shift(health->spectrum, &small, &shift);
    memcpy(small.pixel, health->sight.edges, sizeof health->sight.edges);
    ifl_spectrum_shift(health->spectrum, &small, &shift);
    return shift;
}

// A camera that turns takes all of the view away at once; what comes before it, bit by bit, while
// the rest stands where it was.
static bool is_hidden(struct ifl_health *health, double kept, double usual, bool gone)
{
    bool stands = kept >= usual / 2, partly = !stands && kept >= gone_kept;
    if (gone && health->stood && health->partly >= PARTLY_LEAST) {
        health->hidden = true;
        health->hidden_from_s = health->now_s;
    }
    if (stands)
        health->hidden = false;
    health->stood = !health->shifted && (stands || (health->stood && partly));
    health->partly = health->stood && partly ? health->partly + 1 : 0;
    return health->hidden && health->now_s - health->hidden_from_s < hidden_s;
}

// What it saw between two glimpses of another view is not what is usual.
static bool may_have_moved(const struct ifl_health *health)
{
    return health->course[MOVED].present && !health->former.number;
}

// Whether the camera looks elsewhere. One that never looks the same way for long cannot have moved.
static void check_view(struct ifl_health *health, const struct look *look)
{
    struct ifl_shift shift = shift_against(health, look->view->edges);
    double usual = look->view->peak;
    bool far = hypot(shift.x, shift.y) > moved_share, fixed = is_fixed(look);
    double kept = ifl_view_kept(look->view, &health->sight, 0, 0);
    health->shifted = fixed && far && shift.peak > peak_certain && kept < shifted_kept &&
                      ifl_view_kept(look->view, &health->sight, shift.x, shift.y) >= shifted_found;
    // Where a part of the view stands as ever, something stands before the rest.
    bool gone = fixed && (far || shift.peak < moved_peak * usual) && kept < gone_kept;
    bool hidden = is_hidden(health, kept, look->view->kept, gone);
    health->moved = health->shifted || (gone && !hidden);
    if (!health->moved && !health->hidden && !may_have_moved(health)) {
        look->view->peak += 0.05 * ((far ? 0 : shift.peak) - usual);
        look->view->kept += 0.05 * (kept - look->view->kept);
    }
    snprintf(health->cause[MOVED], sizeof *health->cause,
             health->shifted  ? "shifted"
             : health->hidden ? "hidden bit by bit"
                              : "nothing in common");
}

// Whether what was usual before is there again.
static void check_former(struct ifl_health *health)
{
    const struct ifl_view *view = &health->former.views[health->mode];
    if (!health->former.number || !ifl_view_is_known(view))
        return;
    struct ifl_shift shift = shift_against(health, view->edges);
    bool there = hypot(shift.x, shift.y) <= moved_share && shift.peak > peak_certain &&
                 shift.peak >= moved_peak * view->peak &&
                 ifl_view_kept(view, &health->sight, 0, 0) >= shifted_kept;
    health->former.there = there ? health->former.there + 1 : 0;
}

static bool is_moved(struct ifl_health *health, const struct look *look)
{
    if (health->course[TORN].lasts && !health->course[MOVED].lasts)
        return false; // a picture whose tear isn't seen looks moved
    if (health->now_s - health->checked_s >= check_s && look->view->pictures > 0) {
        health->checked_s = health->now_s;
        check_view(health, look);
        check_former(health);
    }
    return health->moved;
}

static void take_view(struct ifl_health *health, const char *why)
{
    health->views[health->mode] = health->candidate.view;
    health->candidate.view.pictures = 0;
    health->moved = health->hidden = health->stood = false;
    ifl_log(IFL_LOG_INFO, "camera.view-learned", health->source, "%s", why);
}

// What is usual by the other light is not known of a new view. Of several that follow each other
// the first is what may come back.
static void settle(struct ifl_health *health)
{
    struct former *former = &health->former;
    if (!former->number) {
        former->number = health->number;
        former->left_s = health->now_s;
        former->there = 0;
        memcpy(former->views, health->views, sizeof former->views);
    }
    memset(&health->views[!health->mode], 0, sizeof health->views[0]);
    health->number = ++health->greatest;
    take_view(health, "a new view has stayed; it is learned apart from the usual one");
}

static void begin_candidate(struct ifl_health *health, bool first)
{
    struct candidate *candidate = &health->candidate;
    double first_s = first ? health->now_s : candidate->first_s;
    memset(candidate, 0, sizeof *candidate);
    candidate->first_s = first_s;
    candidate->since_s = candidate->seen_s = health->now_s;
}

// A new view that stays is learned apart; where none stays, it learns what there is.
static void consider_view(struct ifl_health *health, const struct look *look)
{
    struct candidate *candidate = &health->candidate;
    bool none = candidate->view.pictures == 0;
    if (!health->course[MOVED].shown)
        return;
    bool same = none || ifl_view_likeness(&candidate->view, look->features) >= unlike;
    if (!same && health->now_s - candidate->seen_s <= passing_s)
        return;
    if (none || !same)
        begin_candidate(health, none);
    candidate->seen_s = health->now_s;
    ifl_view_learn(&candidate->view, &health->sight, look->features, health->step_s);
    if (health->now_s - candidate->since_s >= accept_s && ifl_view_is_known(&candidate->view))
        settle(health);
    else if (!same && health->now_s - candidate->first_s >= restless_s)
        take_view(health, "the camera keeps moving; it is learned anew");
}

// ---- pictures to show ----

// What may be frozen already is none. The oldest gives its place, so that nothing is allocated.
static void keep_sample(struct ifl_health *health, const struct ifl_frame *frame)
{
    struct sample *samples = health->samples, oldest = samples[1];
    if (health->still_s > 0 || (samples[0].image && health->now_s - samples[0].at_s < sample_s))
        return;
    samples[1] = samples[0];
    samples[0] = (struct sample){ifl_picture_exemplar(frame, oldest.image, health->planes),
                                 frame->capture_wall_ns, health->now_s};
    ifl_image_unref(oldest.image);
}

// The newest from before the symptom began; a moved view is noticed up to one look late.
static struct ifl_image *sample_before(const struct ifl_health *health, enum symptom symptom)
{
    double begun_s = health->course[symptom].since_s - (symptom == FROZEN ? health->still_s : 0);
    for (int i = 0; i < 2; i++)
        if (health->samples[i].image && health->samples[i].at_s < begun_s - check_s)
            return ifl_image_ref(health->samples[i].image);
    return NULL;
}

void ifl_health_forget(struct ifl_health *health, int64_t before_wall_ns)
{
    for (int i = 0; i < 2; i++)
        if (health->samples[i].wall_ns < before_wall_ns) {
            ifl_image_unref(health->samples[i].image);
            health->samples[i].image = NULL;
        }
}

// ---- from symptoms to incidents ----

static void begin(struct ifl_health *health, enum symptom symptom, const struct look *look)
{
    const struct row *row = &symptoms[symptom];
    struct course *course = &health->course[symptom];
    const struct ifl_incident_row *about = ifl_incident_row(row->kind);
    struct ifl_incident incident = {.kind = row->kind,
                                    .severity = about->severity,
                                    .begun_wall_ns = course->first_wall_ns,
                                    .first_sequence = course->first_sequence};
    snprintf(incident.source, sizeof incident.source, "%s", health->source);
    snprintf(incident.cause, sizeof incident.cause, "%s", health->cause[symptom]);
    snprintf(incident.text, sizeof incident.text, "%s%s%s%s; %s", about->sentence,
             incident.cause[0] ? " (" : "", incident.cause, incident.cause[0] ? ")" : "",
             row->to_do);
    const double *value = look->features->value;
    struct {
        const char *name;
        double before, after;
    } numbers[] = {
        {"brightness_mean", (exp(look->view->level) - 6) / 255, value[IFL_FEATURE_brightness_mean]},
        {"sharpness", ifl_baseline_quantile(&look->view->sharpness, 0.5), health->sight.sharpness},
        {"saturation_mean", health->views[0].saturation, value[IFL_FEATURE_saturation_mean]},
    };
    incident.features = look->known ? IFL_INCIDENT_FEATURES : 0;
    for (int i = 0; i < incident.features; i++) {
        struct ifl_incident_feature *feature = &incident.feature[i];
        snprintf(feature->name, sizeof feature->name, "%s", numbers[i].name);
        feature->before = numbers[i].before;
        feature->after = numbers[i].after;
        feature->score = fabs(log((fabs(feature->after) + 1e-3) / (fabs(feature->before) + 1e-3)));
    }
    course->lasts = true;
    incident.before = sample_before(health, symptom);
    incident.after = ifl_picture_exemplar(look->frame, NULL, health->planes);
    ifl_journal_report(health->journal, &incident);
    ifl_incident_fini(&incident);
}

static void end(struct ifl_health *health, enum symptom symptom)
{
    health->course[symptom].lasts = health->course[symptom].present = false;
    ifl_journal_clear(health->journal, health->source, symptoms[symptom].kind);
}

// While the usual view may come back the camera has moved, whatever is learned meanwhile.
static bool is_elsewhere(const struct ifl_health *health, enum symptom symptom)
{
    return symptom == MOVED && health->former.number;
}

static void follow(struct ifl_health *health, enum symptom symptom, bool shown,
                   const struct look *look)
{
    const struct row *row = &symptoms[symptom];
    struct course *course = &health->course[symptom];
    course->shown = shown;
    if (shown && !course->present) {
        bool still = symptom == FROZEN; // noticed late by nature
        course->present = true;
        course->since_s = health->now_s;
        course->pictures = 0;
        course->first_sequence = still ? health->still_sequence : look->frame->sequence;
        course->first_wall_ns = still ? health->still_wall_ns : look->frame->capture_wall_ns;
    }
    if (shown)
        course->pictures++;
    if (shown || is_elsewhere(health, symptom))
        course->gone_s = health->now_s;
    double away_s = health->now_s - course->gone_s;
    if (course->present && !course->lasts && away_s > 0)
        course->present = away_s <= row->gap_s;
    if (course->lasts && away_s > row->clear_s)
        end(health, symptom);
    double confirm_s = symptom == MOVED && !health->shifted ? 5 : row->confirm_s;
    bool enough = course->pictures >= PICTURES_LEAST || symptom == FROZEN;
    if (shown && !course->lasts && enough && health->now_s - course->since_s >= confirm_s &&
        (symptom != TORN || tears_often(health)))
        begin(health, symptom, look);
}

static bool shows(struct ifl_health *health, enum symptom symptom, const struct look *look)
{
    const uint32_t *histogram = look->features->luma_histogram;
    switch (symptom) {
    case TORN:
        return is_torn(health, look);
    case BLACK:
        return is_black(health, look);
    case WHITE:
        return quantile(histogram, 0.05) > white_p05;
    case COVERED:
        return is_covered(health, look);
    case FROZEN:
        return is_frozen(health, look);
    case INFRARED:
        return is_infrared(health, look);
    case EXPOSURE:
        return is_exposure(health, look);
    case DEFOCUSED:
        return is_defocused(health, look);
    default:
        return is_moved(health, look);
    }
}

// True if the frame may be learned from.
static bool judge(struct ifl_health *health, const struct look *look)
{
    unsigned hidden = 0;
    bool good = true;
    for (int i = 0; i < SYMPTOMS; i++) {
        enum symptom symptom = (enum symptom)i;
        bool shown = !(hidden & BIT(i)) && shows(health, symptom, look);
        follow(health, symptom, shown, look);
        if (shown || (symptom == BLACK && look->dark))
            hidden |= symptoms[i].hides;
        bool lasts = health->course[i].lasts && !is_elsewhere(health, symptom);
        good &= !symptoms[i].holds || (!shown && !lasts);
    }
    return good;
}

// The usual view is there again, as if nothing had been; or it will not come any more.
static void consider_former(struct ifl_health *health)
{
    struct former *former = &health->former;
    bool back = former->there >= LOOKS_BACK;
    if (!former->number || (!back && health->now_s - former->left_s < former_s))
        return;
    if (back) {
        memcpy(health->views, former->views, sizeof health->views);
        health->number = former->number;
    }
    former->number = 0;
    health->candidate.view.pictures = 0;
    health->moved = health->hidden = health->stood = false;
    end(health, MOVED);
    ifl_log(IFL_LOG_INFO, "camera.view-learned", health->source,
            back ? "the usual view is back" : "the new view is the usual one now");
}

static void pass_time(struct ifl_health *health, const struct ifl_frame *frame)
{
    int64_t time_ns = frame->pts_ns >= 0 ? frame->pts_ns : frame->capture_ns;
    double step_s = health->started ? (double)(time_ns - health->last_ns) / IFL_SECOND_NS : 0;
    if (step_s < 0 || step_s > gap_s) { // another connection, or the media begins anew
        for (int i = 0; i < SYMPTOMS; i++)
            health->course[i].present = health->course[i].lasts;
        health->still_s = 0;
        health->still_pictures = 0;
        step_s = 0;
    }
    health->started = true;
    health->last_ns = time_ns;
    health->now_s += step_s;
    health->step_s = fmin(step_s, memory_change_s);
}

// Nights differ: what is usual there is found again, but not how bright it is.
static void choose_view(struct ifl_health *health)
{
    int mode = health->course[INFRARED].lasts;
    if (mode != health->mode) {
        health->mode = mode;
        health->moved = health->hidden = health->stood = false;
        health->views[mode].level = 0;
        health->was_lit = false;
    }
}

// Of what is usual at the least.
static double share_of(double value, const struct ifl_baseline *usual)
{
    double least = ifl_baseline_quantile(usual, 0.05);
    return least > 0 ? value / least : 1;
}

enum ifl_verdict ifl_health_take(struct ifl_health *health, const struct ifl_frame *frame,
                                 const struct ifl_features *features,
                                 const struct ifl_extractor *extractor)
{
    struct ifl_plane plane;
    ifl_extractor_plane(extractor, &plane);
    pass_time(health, frame);
    ifl_sight_take(&health->sight, &plane);
    choose_view(health);
    struct ifl_view *view = &health->views[health->mode];
    if (view->level <= 0) {
        view->level = ifl_view_level(features);
        view->clipped = ifl_view_clipped(features);
    }
    struct look look = {.frame = frame, .features = features, .view = view};
    look.known = ifl_view_is_known(view);
    look.dark = quantile(features->luma_histogram, 0.95) < black_p95;
    look.strange = ifl_view_likeness(view, features) < unlike * view->likeness;
    look.lost = ifl_view_lost(view, &health->sight);
    look.sharpness = fmin(share_of(health->sight.sharpness, &view->sharpness),
                          share_of(ifl_view_detail(features), &view->detail));
    bool good = judge(health, &look);
    good &= health->course[INFRARED].shown == health->mode; // switching makes odd pictures
    if (!health->course[MOVED].lasts)
        health->candidate.view.pictures = 0;
    else
        consider_view(health, &look);
    consider_former(health);
    health->was_lit |= good && !look.dark;
    if (!health->course[TORN].shown)
        memcpy(health->whole_edges, health->sight.edges, sizeof health->whole_edges);
    if (good)
        keep_sample(health, frame);
    if (good && !health->hidden && !may_have_moved(health))
        ifl_view_learn(view, &health->sight, features, health->step_s);
    pthread_mutex_lock(&health->lock);
    for (int i = 0; i < SYMPTOMS; i++)
        health->status.lasts[symptoms[i].kind] = health->course[i].lasts;
    health->status.known = look.known;
    health->status.held += !good;
    pthread_mutex_unlock(&health->lock);
    return good ? IFL_VERDICT_GOOD : IFL_VERDICT_HELD;
}

void ifl_health_status(struct ifl_health *health, struct ifl_health_status *status)
{
    pthread_mutex_lock(&health->lock);
    *status = health->status;
    pthread_mutex_unlock(&health->lock);
}

// ---- across a restart ----

struct kept {
    char magic[8]; // and version
    uint64_t bytes, hash;
    struct ifl_view views[2];
};
static const char magic[8] = "IFLVIEW3";

void ifl_health_views(const struct ifl_health *health, struct ifl_health_views *views)
{
    *views = (struct ifl_health_views){.now = health->number, .former = health->former.number};
}

void ifl_health_reset(struct ifl_health *health)
{
    memset(health->views, 0, sizeof health->views);
    memset(&health->candidate, 0, sizeof health->candidate);
    health->former.number = 0;
    ifl_health_forget(health, INT64_MAX);
    health->moved = health->shifted = health->hidden = health->stood = false;
}

enum ifl_result ifl_health_save(const struct ifl_health *health, const char *path,
                                struct ifl_error *error)
{
    struct kept *kept = calloc(1, sizeof *kept);
    if (!kept)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "ingest", "no memory to keep the camera's view");
    memcpy(kept->magic, magic, sizeof magic);
    kept->bytes = sizeof *kept;
    memcpy(kept->views, health->former.number ? health->former.views : health->views,
           sizeof kept->views);
    kept->hash = ifl_hash_bytes(kept->views, sizeof kept->views, 0);
    enum ifl_result result = ifl_write_file(path, kept, sizeof *kept, 0600, error);
    free(kept);
    return result;
}

enum ifl_result ifl_health_load(struct ifl_health *health, const char *path,
                                struct ifl_error *error)
{
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_read_file(path, sizeof(struct kept), &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    const struct kept *kept = (const void *)bytes; // from malloc: aligned
    if (count != sizeof *kept || memcmp(kept->magic, magic, sizeof magic) != 0 ||
        kept->bytes != sizeof *kept ||
        kept->hash != ifl_hash_bytes(kept->views, sizeof kept->views, 0)) {
        result = ifl_fail(error, IFL_ERR_CORRUPT, "ingest",
                          "%s is not what this version keeps of a camera's view", path);
    } else {
        memcpy(health->views, kept->views, sizeof health->views);
        for (int i = 0; i < 2; i++)
            health->views[i].level = 0;
    }
    free(bytes);
    return result;
}
