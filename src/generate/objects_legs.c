// SPDX-License-Identifier: Apache-2.0
// Means of distances merge legs into a column, for no two step alike. What is averaged of legs is
// where the outer edges are and how wide one leg is; two legs of that width stand there.
#include <math.h>

#include "generate/objects_internal.h"

// A foot may be that far from where the participants' mean has it, canonical pixels.
static const float STEP_MAX = 5;

// Legs of which one hides the other are together that wide, by the width of one.
static const float HIDDEN = 1.25f;
// Between legs that are seen beside each other, pixels of the picture, and, of small ones who would
// straddle, canonical pixels.
static const float GAP = 2, GAP_MOST = 5;
// From this mean heading on a figure walks aside, its toes that far ahead and that high (canonical
// pixels).
static const float ASIDE = 0.3f, TOE = 2, INSTEP = 4;

// Legs in one row: from where to where they stand, and how wide one is.
struct stance {
    float left, right, width;
};

// In a row without a gap legs stand beside each other, or one hides the other in part.
static struct stance crop_stance(const struct ifl_crop *crop, bool mirrored, int row)
{
    const int8_t *d = &crop->distance[(size_t)row * BOX];
    int inside = 0;
    for (int x = 0; x < BOX; x++)
        inside += d[x] < 0;
    float left = crop->left[row], right = crop->right[row];
    float share = right - left > (float)inside + 0.5f ? 0.5f : 0.6f;
    return (struct stance){mirrored ? BOX - right : left, mirrored ? BOX - left : right,
                           share * (float)inside};
}

static struct stance mean_stance(const struct ifl_objects *objects, const struct ifl_pose *pose,
                                 const struct ifl_blend *blend, int row)
{
    struct stance mean = {0};
    for (int i = 0; i < blend->count; i++) {
        const struct ifl_crop *crop = &objects->crop[pose[i].crop];
        struct stance own = crop_stance(crop, pose[i].mirrored, row);
        float weight = (float)blend->weight[i];
        mean.left += weight * own.left;
        mean.right += weight * own.right;
        mean.width += weight * own.width;
    }
    return mean;
}

static float beyond(float x, float left, float right)
{
    return greater(left - x, x - right);
}

// Where the figure walks, -1 (left) to 1; around 0: to the camera, away from it, or nowhere.
static float mean_heading(const struct ifl_objects *objects, const struct ifl_pose *pose,
                          const struct ifl_blend *blend)
{
    float heading = 0;
    for (int i = 0; i < blend->count; i++)
        heading += (float)blend->weight[i] * (float)objects->crop[pose[i].crop].heading *
                   (pose[i].mirrored ? -1 : 1);
    return heading;
}

// How the legs of a figure stand.
struct gait {
    bool open;   // there is a gap between them
    float apart; // feet, to either side, beyond where the participants' mean has them
    float gap;   // at the feet
    float toe;   // how far toes point to the right
};

// Feet are as far apart as a model's. But a figure in which one leg hides half of the other is a
// column: what hides it more than half is hidden, and else there is a gap between them that shows
// at that size. Legs of who walks to the camera do not hide each other.
static struct gait find_gait(const struct ifl_objects *objects, const struct ifl_pose *pose,
                             const struct ifl_blend *blend, float stride, float height)
{
    const int rows = 8;
    float mean = 0, leg = 0, heading = mean_heading(objects, pose, blend);
    bool aside = fabsf(heading) > ASIDE;
    struct gait gait = {.toe = aside ? copysignf(TOE, heading) : 0};
    gait.gap = lesser(GAP * BODY / height, GAP_MOST);
    for (int y = FOOT - rows; y < FOOT; y++) {
        struct stance stance = mean_stance(objects, pose, blend, y);
        mean += (stance.right - stance.left) / (float)rows;
        leg += stance.width / (float)rows;
    }
    float wide = lesser(greater(stride, mean - 2 * STEP_MAX), mean + 2 * STEP_MAX);
    float hidden = HIDDEN * leg, open = 2 * leg + gait.gap;
    gait.open = !aside || open - wide < wide - hidden;
    wide = gait.open ? greater(wide, open) : lesser(wide, hidden);
    gait.apart = (wide - mean) / 2;
    return gait;
}

// How wide a leg may be for a gap to be seen; thinner than that by a third nobody's is.
static float part_legs(const struct stance *stance, float gap)
{
    float room = (stance->right - stance->left - gap) / 2;
    return lesser(stance->width, greater(room, stance->width * 2 / 3));
}

static void stand_on_legs(const struct ifl_objects *objects, const struct ifl_pose *pose,
                          const struct ifl_blend *blend, const struct gait *gait,
                          struct ifl_figure *figure)
{
    const float hip = figure->line[2] + 1, below = 6; // rows in which the body becomes legs
    for (int y = (int)hip; y < FOOT; y++) {
        struct stance stance = mean_stance(objects, pose, blend, y);
        float share = lesser(greater(((float)y - hip) / below, 0), 1);
        float down = ((float)y + 0.5f - hip) / (FOOT - hip);
        float toe = gait->toe * greater(1 - (FOOT - 0.5f - (float)y) / INSTEP, 0);
        stance.left -= gait->apart * down;
        stance.right += gait->apart * down;
        if (gait->open)
            stance.width = part_legs(&stance, gait->gap * lesser(2 * down, 1));
        for (int x = 0; x < BOX; x++) {
            float middle = (float)x + 0.5f, *d = &figure->distance[y * BOX + x];
            float ahead = greater(toe, 0), behind = lesser(toe, 0);
            float left = beyond(middle, stance.left + behind, stance.left + stance.width + ahead);
            float right =
                beyond(middle, stance.right - stance.width + behind, stance.right + ahead);
            *d += share * (lesser(left, right) - *d);
        }
    }
}

void ifl_legs_stand(const struct ifl_objects *objects, const struct ifl_pose *pose,
                    const struct ifl_blend *blend, float stride, float height,
                    struct ifl_figure *figure)
{
    struct gait gait = find_gait(objects, pose, blend, stride, height);
    stand_on_legs(objects, pose, blend, &gait, figure);
}
