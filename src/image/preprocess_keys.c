/* Preprocessing: its keys, as flags, JSON files and metadata name them. */
#include "image/preprocess_keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- setters ---- */

static int set_integer(int *to, const cx_setting *s, int least, int most)
{
    double value = s->number[0];
    if (s->count != 1 || !(value >= least && value <= most) ||
        value != floor(value))
        return -1;
    *to = (int)value;
    return 0;
}

static int set_word(const char *const *words, int *to, const cx_setting *s)
{
    for (int i = 0; s->text != NULL && words[i] != NULL; i++)
        if (strcasecmp(s->text, words[i]) == 0) {
            *to = i;
            return 0;
        }
    return -1;
}

static int set_channel_numbers(double to[3], const cx_setting *s,
                               int may_be_zero)
{
    if (s->count != 1 && s->count != 3)
        return -1;
    for (int c = 0; c < s->count; c++)
        if (!isfinite(s->number[c]) || (s->number[c] == 0 && !may_be_zero))
            return -1;
    for (int c = 0; c < 3; c++)
        to[c] = s->number[s->count == 3 ? c : 0];
    return 0;
}

static int set_recipe(cxai_preprocess *p, const cx_setting *s)
{
    return cx_apply_recipe(p, s->text);
}

static int set_size(cxai_preprocess *p, const cx_setting *s)
{
    int width, height, end = 0;
    p->photo_size = s->text != NULL && strcasecmp(s->text, "photo") == 0;
    if (p->photo_size)
        return 0;
    if (s->text != NULL &&
        sscanf(s->text, "%5dx%5d%n", &width, &height, &end) == 2 &&
        s->text[end] == '\0') {
        if (width < 1 || width > CX_MAX_SIDE || height < 1 ||
            height > CX_MAX_SIDE)
            return -1;
        p->width = width;
        p->height = height;
        return 0;
    }
    if (set_integer(&p->width, s, 1, CX_MAX_SIDE) != 0)
        return -1;
    p->height = p->width;
    return 0;
}

static int set_rule(cxai_preprocess *p, const cx_setting *s)
{
    int word;
    if (s->text != NULL && strcasecmp(s->text, "none") == 0) {
        p->photo_size = 1;
        return 0;
    }
    if (set_word(cx_resize_rules, &word, s) != 0)
        return -1;
    p->rule = (cxai_resize_rule)word;
    return 0;
}

/* The later one of length and crop counts. */

static int set_length(cxai_preprocess *p, const cx_setting *s)
{
    p->crop = 0;
    return set_integer(&p->length, s, 1, CX_MAX_SIDE);
}

/* A share so small that the length would be absurd is a mistake. */
static int set_crop(cxai_preprocess *p, const cx_setting *s)
{
    if (s->count != 1 || !(s->number[0] >= 0.05 && s->number[0] <= 1))
        return -1;
    p->crop = s->number[0];
    p->length = 0;
    return 0;
}

static int set_filter(cxai_preprocess *p, const cx_setting *s)
{
    int word;
    if (set_word(cx_filters, &word, s) != 0)
        return -1;
    p->filter = (cxai_filter)word;
    return 0;
}

static int set_fill(cxai_preprocess *p, const cx_setting *s)
{
    if (s->count != 1 || !(s->number[0] >= 0 && s->number[0] <= 255))
        return -1;
    p->fill = s->number[0];
    return 0;
}

static int set_channels(cxai_preprocess *p, const cx_setting *s)
{
    int word;
    if (set_word(cx_channel_orders, &word, s) != 0)
        return -1;
    p->channels = (cxai_channel_order)word;
    return 0;
}

static int set_scale(cxai_preprocess *p, const cx_setting *s)
{
    if (s->count != 1 || !isfinite(s->number[0]) || s->number[0] == 0)
        return -1;
    p->scale = s->number[0];
    return 0;
}

static int set_mean(cxai_preprocess *p, const cx_setting *s)
{
    return set_channel_numbers(p->mean, s, 1);
}

static int set_std(cxai_preprocess *p, const cx_setting *s)
{
    return set_channel_numbers(p->std, s, 0);
}

static int set_layout(cxai_preprocess *p, const cx_setting *s)
{
    int word;
    if (set_word(cx_layouts, &word, s) != 0)
        return -1;
    p->layout = (cxai_layout)word;
    return 0;
}

/* A file that came with the model may name files beside it and no others. */
static int set_labels(cxai_preprocess *p, const cx_setting *s)
{
    if (s->text == NULL || s->text[0] == '\0')
        return -1;
    const char *folder = s->folder != NULL ? s->folder : "";
    if (s->folder != NULL && (s->text[0] == '/' || strstr(s->text, "..")))
        return -1;
    const char *slash = folder[0] == '\0' ? "" : "/";
    int length = snprintf(NULL, 0, "%s%s%s", folder, slash, s->text);
    if (length < 0 || (size_t)length >= sizeof p->labels)
        return -1;
    snprintf(p->labels, sizeof p->labels, "%s%s%s", folder, slash, s->text);
    return 0;
}

/* A recipe comes first: the other keys change its details. */
const cx_preprocess_key cx_preprocess_keys[] = {
    { "recipe", "the name of a recipe", 0, 1, set_recipe },
    { "size",
      "a number of pixels from 1 to 16384, \"WIDTHxHEIGHT\" or \"photo\"", 0, 0,
      set_size },
    { "rule", "\"short side\", \"stretch\", \"letterbox\" or \"none\"", 1, 0,
      set_rule },
    { "length", "a number of pixels from 1 to 16384", 1, 0, set_length },
    { "crop", "a number from 0.05 to 1", 1, 0, set_crop },
    { "filter", "\"bilinear\", \"bicubic\", \"nearest\" or \"linear\"", 1, 0,
      set_filter },
    { "fill", "a number from 0 to 255", 0, 0, set_fill },
    { "channels", "\"RGB\", \"BGR\" or \"grey\"", 0, 0, set_channels },
    { "scale", "a number other than 0, or a fraction such as \"1/255\"", 0, 1,
      set_scale },
    { "mean", "one number or three", 0, 1, set_mean },
    { "std", "one number or three, none of them 0", 0, 1, set_std },
    { "layout", "\"NCHW\" or \"NHWC\"", 0, 0, set_layout },
    { "labels", "a file in the folder of the model", 0, 0, set_labels },
};
const size_t cx_preprocess_key_count =
    sizeof cx_preprocess_keys / sizeof *cx_preprocess_keys;
const cx_preprocess_key *const cx_recipe_key = &cx_preprocess_keys[0];

/* ---- keys by name ---- */

const cx_preprocess_key *cx_find_preprocess_key(const char *name)
{
    for (size_t i = 0; i < cx_preprocess_key_count; i++)
        if (strcmp(cx_preprocess_keys[i].name, name) == 0)
            return &cx_preprocess_keys[i];
    return NULL;
}

cxai_status cx_preprocess_apply_key(cxai_preprocess *p,
                                    const cx_preprocess_key *k,
                                    const cx_setting *s, const char *where,
                                    cxai_error *error)
{
    if (k->set(p, s) == 0) {
        p->guessed = p->guessed && !k->says_values;
        return CXAI_OK;
    }
    if (k == cx_recipe_key)
        return cx_refuse_recipe(where, error);
    return cxai_fail(error, CXAI_MALFORMED, "%s: \"%s\" must be %s", where,
                     k->name, k->expected);
}

void cx_setting_read_numbers(cx_setting *s)
{
    const char *at = s->text;
    double number[3];
    int count = 0;
    while (*at != '\0') {
        char *end;
        double value = strtod(at, &end);
        if (end == at || count == 3)
            return;
        if (*end == '/') {
            at = end + 1;
            value /= strtod(at, &end);
            if (end == at)
                return;
        }
        number[count++] = value;
        at = end + strspn(end, ", ");
    }
    memcpy(s->number, number, sizeof number);
    s->count = count;
}

cxai_status cxai_preprocess_set(cxai_preprocess *p, const char *name,
                                const char *text, cxai_error *error)
{
    const cx_preprocess_key *k = cx_find_preprocess_key(name);
    if (k == NULL)
        return cxai_fail(error, CXAI_NOT_FOUND,
                         "preprocessing has no key \"%s\"", name);
    cx_setting s = { .text = text };
    cx_setting_read_numbers(&s);
    cxai_status status =
        cx_preprocess_apply_key(p, k, &s, "preprocessing", error);
    if (status == CXAI_OK && k == cx_recipe_key)
        cx_add_source(p, "recipe %s", text);
    else if (status == CXAI_OK)
        cx_add_source(p, "given %s", name);
    return status == CXAI_MALFORMED ? CXAI_INVALID : status;
}
