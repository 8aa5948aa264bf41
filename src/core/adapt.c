// SPDX-License-Identifier: Apache-2.0
#include "core/adapt.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, RULE_MAX = 400 };

// What a name stands for.
struct quantity {
    const char *name;
    double least, greatest, value;
};

// An expression: `only` is the name that it consists of, where it does.
struct side {
    double value;
    int names, operations;
    struct quantity only;
};

// One pass over a rule. Without a profile it is only checked: values are then not known.
struct scan {
    const char *rule, *at;
    const struct ifl_profile *profile;
    struct ifl_error *error;
    enum ifl_result result; // once it has failed, nothing more is read
    int depth;
};

static void fail(struct scan *scan, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct scan *scan, const char *format, ...)
{
    char what[200];
    va_list list;
    if (scan->result != IFL_OK)
        return;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    scan->result =
        ifl_fail(scan->error, IFL_ERR_INVALID, "config", "adapt: \"%.100s\": %s", scan->rule, what);
}

// ---- words ----

static void skip_space(struct scan *scan)
{
    while (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n')
        scan->at++;
}

static bool take(struct scan *scan, const char *sign)
{
    skip_space(scan);
    size_t length = strlen(sign);
    if (strncmp(scan->at, sign, length) != 0)
        return false;
    scan->at += length;
    return true;
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

// Bytes of the name at the front; `dashes` may be in it, too.
static size_t name_length(const struct scan *scan, bool dashes)
{
    size_t length = 0;
    while (in_name(scan->at[length]) || (dashes && scan->at[length] == '-'))
        length++;
    return length;
}

// '_' for '-' is accepted, as in options.
static bool is_name(const char *name, const char *given, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!name[i] || (name[i] != given[i] && !(name[i] == '_' && given[i] == '-')))
            return false;
    return name[length] == 0;
}

// ---- names ----

static bool find_feature(const struct scan *scan, const char *name, size_t length,
                         struct quantity *quantity)
{
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)f);
        if (!is_name(row->name, name, length))
            continue;
        *quantity = (struct quantity){row->name, row->least, row->greatest,
                                      scan->profile ? scan->profile->recent.mean[f] : NAN};
        return true;
    }
    return false;
}

static bool find_occupancy(const struct scan *scan, const char *name, size_t length,
                           struct quantity *quantity)
{
    static const struct ifl_occupancy none = {NAN, NAN, NAN};
    const struct ifl_occupancy *now = scan->profile ? &scan->profile->occupancy : &none;
    const struct quantity all[] = {{"foreground_share", 0, 1, now->area_mean},
                                   {"occupancy_rate", 0, 1, now->rate},
                                   {"objects", 0, 1e6, now->count_mean}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (is_name(all[i].name, name, length)) {
            *quantity = all[i];
            return true;
        }
    return false;
}

// A target's name stands for what the target is of.
static bool find(const struct scan *scan, const char *name, size_t length,
                 struct quantity *quantity)
{
    for (int t = 0; t < IFL_TARGET_COUNT; t++) {
        const struct ifl_target_row *row = ifl_target_row((enum ifl_target)t);
        if (is_name(row->name, name, length)) {
            name = row->of;
            length = strlen(name);
            break;
        }
    }
    return find_feature(scan, name, length, quantity) ||
           find_occupancy(scan, name, length, quantity);
}

// ---- expressions ----

static struct side read_sum(struct scan *scan);

static struct side read_name(struct scan *scan)
{
    struct side side = {.names = 1};
    size_t length = name_length(scan, false);
    if (!find(scan, scan->at, length, &side.only))
        fail(scan, "there is no \"%.*s\" to read; docs/adaptation.md lists the names",
             (int)(length < 40 ? length : 40), scan->at);
    side.value = side.only.value;
    scan->at += length;
    return side;
}

static struct side read_number(struct scan *scan)
{
    char *end;
    struct side side = {.value = strtod(scan->at, &end)};
    if (end == scan->at || !isfinite(side.value))
        fail(scan, "a number or a name is missing at \"%.20s\"", scan->at);
    scan->at = end;
    return side;
}

static struct side read_factor(struct scan *scan)
{
    struct side side = {0};
    if (scan->depth >= DEPTH_MAX)
        fail(scan, "it is nested deeper than %d times", DEPTH_MAX);
    if (scan->result != IFL_OK)
        return side;
    scan->depth++;
    if (take(scan, "(")) {
        side = read_sum(scan);
        if (!take(scan, ")"))
            fail(scan, "a ) is missing at \"%.20s\"", scan->at);
    } else if (take(scan, "-")) {
        side = read_factor(scan);
        side.value = -side.value;
        side.operations++;
    } else if (isalpha((unsigned char)*scan->at)) {
        side = read_name(scan);
    } else {
        side = read_number(scan);
    }
    scan->depth--;
    return side;
}

static void join(struct side *side, char operation, struct side other)
{
    side->value = operation == '+'   ? side->value + other.value
                  : operation == '-' ? side->value - other.value
                  : operation == '*' ? side->value * other.value
                                     : side->value / other.value;
    side->names += other.names;
    side->operations += other.operations + 1;
}

static struct side read_product(struct scan *scan)
{
    struct side side = read_factor(scan);
    while (scan->result == IFL_OK) {
        if (take(scan, "*"))
            join(&side, '*', read_factor(scan));
        else if (take(scan, "/"))
            join(&side, '/', read_factor(scan));
        else
            break;
    }
    return side;
}

static struct side read_sum(struct scan *scan)
{
    struct side side = read_product(scan);
    while (scan->result == IFL_OK) {
        if (take(scan, "+"))
            join(&side, '+', read_product(scan));
        else if (take(scan, "-"))
            join(&side, '-', read_product(scan));
        else
            break;
    }
    return side;
}

// ---- conditions ----

// A number that the name beside it never has is a mistake: 30 for 0.3.
static void check_reach(struct scan *scan, const struct side *name, const struct side *number)
{
    const struct quantity *of = &name->only;
    if (name->names != 1 || name->operations || number->names)
        return;
    if (!(number->value >= of->least && number->value <= of->greatest))
        fail(scan, "%s is from %g to %g, never %g", of->name, of->least, of->greatest,
             number->value);
}

static bool compare(struct scan *scan)
{
    struct side left = read_sum(scan);
    static const char *const signs[] = {"<=", ">=", "<", ">"};
    int sign = 0;
    while (scan->result == IFL_OK && sign < 4 && !take(scan, signs[sign]))
        sign++;
    if (sign == 4)
        fail(scan, "one of < <= > >= is missing at \"%.20s\"", scan->at);
    struct side right = read_sum(scan);
    check_reach(scan, &left, &right);
    check_reach(scan, &right, &left);
    double a = left.value, b = right.value;
    return sign == 0 ? a <= b : sign == 1 ? a >= b : sign == 2 ? a < b : a > b;
}

static bool is_source(struct scan *scan)
{
    skip_space(scan);
    size_t length = name_length(scan, true);
    if (!length)
        fail(scan, "the name of a source is missing at \"%.20s\"", scan->at);
    bool same = scan->profile && strlen(scan->profile->source) == length &&
                !strncmp(scan->profile->source, scan->at, length);
    scan->at += length;
    return same;
}

static bool read_condition(struct scan *scan)
{
    const char *start = scan->at;
    skip_space(scan);
    bool source = name_length(scan, false) == 6 && !strncmp(scan->at, "source", 6);
    scan->at += source ? 6 : 0;
    if (source && take(scan, "="))
        return is_source(scan);
    scan->at = start;
    return compare(scan);
}

// All are read, whether they hold or not.
static bool read_conditions(struct scan *scan)
{
    bool hold = true;
    do {
        bool holds = read_condition(scan);
        hold = hold && holds;
    } while (scan->result == IFL_OK && take(scan, "and "));
    if (!take(scan, "=>"))
        fail(scan, "\"and\" or => is missing at \"%.20s\"", scan->at);
    return hold;
}

// ---- settings ----

static double tidy(double value, double least, double greatest)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", fmin(fmax(value, least), greatest));
    return strtod(text, NULL);
}

static bool set_number(struct scan *scan, const struct quantity *setting, double *field)
{
    struct side side = read_sum(scan);
    if (!side.names && !(side.value >= setting->least && side.value <= setting->greatest))
        fail(scan, "%s is from %g to %g", setting->name, setting->least, setting->greatest);
    if (scan->result != IFL_OK || !field || !isfinite(side.value))
        return false;
    *field = tidy(side.value, setting->least, setting->greatest);
    return true;
}

static bool add_words(struct scan *scan, struct ifl_request *request)
{
    skip_space(scan);
    size_t length = strcspn(scan->at, ";");
    const char *words = scan->at;
    scan->at += length;
    while (length && isspace((unsigned char)words[length - 1]))
        length--;
    if (!length)
        fail(scan, "the words of the prompt are missing");
    if (scan->result != IFL_OK || !request)
        return false;
    size_t had = strlen(request->prompt), room = sizeof request->prompt - had;
    if (length + 3 > room)
        return false;
    snprintf(request->prompt + had, room, "%s%.*s", had ? ", " : "", (int)length, words);
    return true;
}

static bool read_setting(struct scan *scan, struct ifl_request *request)
{
    static const struct quantity guidance = {"guidance_scale", 0, 20, 0};
    skip_space(scan);
    const char *name = scan->at;
    size_t length = name_length(scan, true);
    scan->at += length;
    if (!take(scan, "="))
        fail(scan, "a setting is NAME = VALUE; = is missing at \"%.20s\"", scan->at);
    if (is_name("prompt", name, length))
        return add_words(scan, request);
    if (is_name(guidance.name, name, length))
        return set_number(scan, &guidance, request ? &request->guidance_scale : NULL);
    for (int t = 0; t < IFL_TARGET_COUNT; t++) {
        const struct ifl_target_row *row = ifl_target_row((enum ifl_target)t);
        struct quantity setting = {row->name, row->least, row->greatest, 0};
        if (is_name(row->name, name, length))
            return set_number(scan, &setting, request ? &request->target[t] : NULL);
    }
    fail(scan, "there is no setting \"%.*s\"; set prompt, guidance-scale or a target",
         (int)(length < 40 ? length : 40), name);
    return false;
}

static bool read_settings(struct scan *scan, struct ifl_request *request)
{
    bool any = false;
    do {
        bool set = read_setting(scan, request);
        any = any || set;
    } while (scan->result == IFL_OK && take(scan, ";"));
    skip_space(scan);
    if (*scan->at)
        fail(scan, "\"%.20s\" is too much", scan->at);
    return any;
}

// ---- rules ----

// `request` NULL: it is only checked. True if it has changed the request.
static bool read_rule(struct scan *scan, struct ifl_request *request)
{
    if (strlen(scan->rule) >= RULE_MAX)
        fail(scan, "it has %zu bytes; at most %d are taken", strlen(scan->rule), RULE_MAX - 1);
    scan->at = scan->rule;
    bool holds = !strstr(scan->rule, "=>") || read_conditions(scan);
    return scan->result == IFL_OK && read_settings(scan, holds ? request : NULL);
}

enum ifl_result ifl_adapt_check(const char *rule, struct ifl_error *error)
{
    struct scan scan = {.rule = rule, .error = error};
    (void)read_rule(&scan, NULL);
    return scan.result;
}

static void note(char adapted[IFL_ADAPTED_MAX], const char *rule)
{
    static const char more[] = " ...";
    size_t had = strlen(adapted), end = IFL_ADAPTED_MAX - sizeof more;
    bool cut = had >= sizeof more - 1 && !strcmp(adapted + had - (sizeof more - 1), more);
    if (cut)
        return;
    if (had + strlen(rule) + 3 <= end)
        snprintf(adapted + had, IFL_ADAPTED_MAX - had, "%s%s", had ? " | " : "", rule);
    else
        snprintf(adapted + had, IFL_ADAPTED_MAX - had, "%s", more);
}

void ifl_adapt(char *const *rules, int count, const struct ifl_profile *profile,
               struct ifl_request *request, char adapted[IFL_ADAPTED_MAX])
{
    adapted[0] = 0;
    for (int i = 0; i < count; i++) {
        struct scan scan = {.rule = rules[i], .profile = profile};
        if (read_rule(&scan, request))
            note(adapted, rules[i]);
    }
}
