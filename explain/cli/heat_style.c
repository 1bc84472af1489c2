#include "heat_style.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(heat_settings, field)

static const double usual_threshold = 0.5;

const option_spec heat_specs[HEAT_OPTIONS] = {
    { 0, "alpha", "A", OPTION_NUMBER, AT(alpha), 0, 1,
      "0 shows the photo, 1 the colours alone\n"
      "(0.5; gradient methods 0.8; multiplied 1)" },
    { 0, "blend", "HOW", OPTION_TEXT, AT(blend), 0, 0,
      "alpha: colours over the photo; multiply: the photo times\n"
      "the colours, with --colormap grey the photo where it is hot" },
    { 0, "colormap", "NAME", OPTION_TEXT, AT(colormap), 0, 0,
      "viridis, inferno, magma, plasma, cividis, turbo, jet, grey,\n"
      "diverging (turbo; for signed maps diverging, 0 its middle)" },
    { 0, "contours", "LEVELS", OPTION_TEXT, AT(contours), 0, 0,
      "lines at these levels of the map, \"0.25,0.5,0.75\", or at\n"
      "this many, \"3\"; with --alpha 0 the lines alone" },
    { 0, "hot", "T", OPTION_NUMBER, AT(hot), 1e-6, 1,
      "a box around the hot region: of the pixels at or above T\n"
      "(of 1), joined by sides or corners, the region with the most\n"
      "heat; its box and area are told in pixels of the photo" },
    { 0, "side-by-side", NULL, OPTION_FLAG, AT(side_by_side), 0, 0,
      "the photo beside the overlay" },
    { 0, "colorbar", NULL, OPTION_FLAG, AT(colorbar), 0, 0,
      "a bar of colours with the numbers that were computed" },
    { 0, "caption", NULL, OPTION_FLAG, AT(caption), 0, 0,
      "a line with method, target and score above the picture" },
    { 0, "map-only", NULL, OPTION_FLAG, AT(map_only), 0, 0,
      "the map without the photo, transparent where it is cold" },
    { 0, "sign", "SIGN", OPTION_TEXT, AT(sign), 0, 0,
      "of gradient methods' pictures: all, positive, absolute (all)" },
};

void heat_defaults(heat_settings *settings)
{
    settings->sign = "all";
    settings->blend = "alpha";
    settings->alpha = -1;
    settings->hot = -1;
}

/* The place of a word among others, or -1. */
static int place_of(const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

static cxai_status bad_levels(const char *text, cxai_error *error)
{
    return cxai_fail(error, CXAI_INVALID,
                     "--contours takes levels between -1 and 1, without 0, as "
                     "\"0.25,0.5\", or how many of them, 1 to %d, not "
                     "\"%.100s\"",
                     MOST_LEVELS / 2, text);
}

/* "3": a quarter, a half, three quarters. */
static cxai_status count_levels(heat_style *style, const char *text,
                                cxai_error *error)
{
    long count = strtol(text, NULL, 10);
    if (count < 1 || count > MOST_LEVELS / 2)
        return bad_levels(text, error);
    style->level_count = (int)count;
    style->both_signs = 1;
    for (int i = 0; i < style->level_count; i++)
        style->levels[i] = (i + 1.0) / (double)(count + 1);
    return CXAI_OK;
}

static cxai_status read_levels(heat_style *style, const char *text,
                               cxai_error *error)
{
    if (text[strspn(text, "0123456789")] == '\0')
        return count_levels(style, text, error);
    for (const char *at = text; at != NULL;) {
        char *end;
        double level = strtod(at, &end);
        int good = end != at && (*end == ',' || *end == '\0') &&
                   fabs(level) < 1 && level != 0;
        if (!good || style->level_count == MOST_LEVELS / 2)
            return bad_levels(text, error);
        style->levels[style->level_count++] = level;
        at = *end == ',' ? end + 1 : NULL;
    }
    return CXAI_OK;
}

cxai_status heat_style_find(heat_style *style, const heat_settings *s,
                            cxai_error *error)
{
    static const char *const signs[] = { "all", "positive", "absolute" };
    static const char *const blends[] = { "alpha", "multiply" };
    int sign = place_of(s->sign, signs, 3);
    int blend = place_of(s->blend, blends, 2);
    *style = (heat_style){
        .alpha = s->alpha,
        .any_colormap = s->colormap == NULL,
        .threshold = s->hot > 0 ? s->hot : usual_threshold,
        .hot = s->hot > 0,
        .side_by_side = s->side_by_side,
        .colorbar = s->colorbar,
        .map_only = s->map_only,
        .caption = s->caption,
    };
    if (sign < 0)
        return cxai_fail(error, CXAI_INVALID,
                         "--sign takes all, positive or absolute, not \"%s\"",
                         s->sign);
    if (blend < 0)
        return cxai_fail(error, CXAI_INVALID,
                         "--blend takes alpha or multiply, not \"%s\"",
                         s->blend);
    style->sign = (cxai_heatmap_sign)sign;
    style->blend = (cxai_blend)blend;
    if (s->colormap != NULL &&
        cxai_colormap_find(s->colormap, &style->colormap, error) != CXAI_OK)
        return error->status;
    return s->contours != NULL ? read_levels(style, s->contours, error)
                               : CXAI_OK;
}

int heat_is_signed(const heat_style *style, const cxai_heatmap *map)
{
    return map->kind != CXAI_HEATMAP_MAP && style->sign == CXAI_SIGN_ALL &&
           map->minimum < 0;
}

heat_style heat_style_of(const heat_style *style, const cxai_heatmap *map)
{
    heat_style own = *style;
    if (own.any_colormap)
        own.colormap = heat_is_signed(style, map) ? CXAI_DIVERGING : CXAI_TURBO;
    /* single pixels need more than soft blobs to be seen */
    if (own.alpha < 0)
        own.alpha = own.blend == CXAI_BLEND_MULTIPLY        ? 1
                    : map->kind == CXAI_HEATMAP_ATTRIBUTION ? 0.8
                                                            : 0.5;
    return own;
}
