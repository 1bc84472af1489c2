/* What describes a preprocessing: defaults, options, JSON texts, a model and
   the file beside it. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "cxai/preprocess.h"

/* ---- reading ---- */

static void test_defaults(void **state)
{
    (void)state;
    cxai_preprocess p;
    cxai_error error;
    char line[256];
    cxai_shape shape = { 4, { 0, 3, 299, 299 } };
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    assert_string_equal(
        cxai_preprocess_text(&p, line, sizeof line),
        "RGB, short side to 342 (bilinear), centre crop 299x299, (p/255 - "
        "(0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225), NCHW");
    shape = (cxai_shape){ 4, { 1, 28, 30, 1 } };
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    assert_string_equal(cxai_preprocess_text(&p, line, sizeof line),
                        "grey, short side to 34 (bilinear), centre crop "
                        "30x28, (p/255 - 0) / 1, NHWC");
    assert_int_equal(cxai_preprocess_shape(&p, 2).dim[3], 1);
    /* nothing is fixed: taken for colours before height and width */
    shape = (cxai_shape){ 4, { 0 } };
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    assert_int_equal(cxai_preprocess_shape(&p, 1).dim[1], 3);
    shape = (cxai_shape){ 4, { 0, 0, 0, 3 } };
    check_ok(cxai_preprocess_defaults(&p, &shape, &error), &error);
    assert_int_equal(p.layout, CXAI_NHWC);
    shape = (cxai_shape){ 4, { 1, 4, 224, 224 } };
    check_error(cxai_preprocess_defaults(&p, &shape, &error), &error,
                CXAI_UNSUPPORTED, "1x4x224x224");
    shape = (cxai_shape){ 2, { 1, 10 } };
    check_error(cxai_preprocess_defaults(&p, &shape, &error), &error,
                CXAI_UNSUPPORTED, "1x10");
}

static void test_set(void **state)
{
    (void)state;
    cxai_preprocess p;
    cxai_error error;
    char line[256];
    static const char *const flags[][2] = {
        { "size", "320x240" },   { "rule", "Stretch" },
        { "filter", "nearest" }, { "mean", "104,117, 123" },
        { "std", "2" },          { "scale", "1/2" },
        { "channels", "bgr" },   { "labels", "../names.txt" },
        { "layout", "NHWC" },    { "length", "300" },
    };
    check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        check_ok(cxai_preprocess_set(&p, flags[i][0], flags[i][1], &error),
                 &error);
    assert_string_equal(
        cxai_preprocess_text(&p, line, sizeof line),
        "BGR, stretched to 320x240 (nearest), (p/2 - (104, 117, 123)) / 2, "
        "NHWC");
    assert_string_equal(p.labels, "../names.txt");
    assert_int_equal(p.length, 300);
    assert_non_null(strstr(p.source, "defaults, given size, given rule"));
    check_error(cxai_preprocess_set(&p, "zoom", "2", &error), &error,
                CXAI_NOT_FOUND, "zoom");
    check_error(cxai_preprocess_set(&p, "size", "0x5", &error), &error,
                CXAI_INVALID, "\"size\" must be");
    check_error(cxai_preprocess_set(&p, "mean", "1,2", &error), &error,
                CXAI_INVALID, "\"mean\" must be");
    check_error(cxai_preprocess_set(&p, "std", "1,0,1", &error), &error,
                CXAI_INVALID, "\"std\" must be");
    check_error(cxai_preprocess_set(&p, "scale", "1/0", &error), &error,
                CXAI_INVALID, "\"scale\" must be");
}

/* Each is refused, names the key, and changes nothing. */
static void test_bad_json(void **state)
{
    (void)state;
    static const struct {
        const char *json, *word;
    } bad[] = {
        { "", "not valid JSON" },
        { "{", "not valid JSON" },
        { "{} x", "not valid JSON" },
        { "[1]", "must hold a JSON object" },
        { "{\"size\": -1}", "\"size\"" },
        { "{\"size\": 1e9}", "\"size\"" },
        { "{\"size\": 2.5}", "\"size\"" },
        { "{\"size\": null}", "\"size\"" },
        { "{\"size\": \"99999x99999\"}", "\"size\"" },
        { "{\"size\": [1, 2, 3, 4]}", "\"size\"" },
        { "{\"size\": {\"size\": 1}}", "\"size\"" },
        { "{\"resize\": 256}", "\"resize\"" },
        { "{\"resize\": {\"rule\": \"crop\"}}", "\"rule\"" },
        { "{\"resize\": {\"length\": \"long\"}}", "\"length\"" },
        { "{\"resize\": {\"size\": 5}}", "unknown key \"size\" in \"resize\"" },
        { "{\"filter\": \"bicubic\"}", "unknown key \"filter\"" },
        { "{\"resize\": {\"filter\": 3}}", "\"filter\"" },
        { "{\"fill\": 256}", "\"fill\"" },
        { "{\"fill\": \"none\"}", "\"fill\"" },
        { "{\"recipe\": \"none\"}", "\"recipe\"" },
        { "{\"recipe\": [1]}", "\"recipe\"" },
        { "{\"resize\": {\"crop\": 1.5}}", "\"crop\"" },
        { "{\"resize\": {\"crop\": 0}}", "\"crop\"" },
        { "{\"resize\": {\"recipe\": \"timm\"}}", "unknown key \"recipe\"" },
        { "{\"channels\": \"CMYK\"}", "\"channels\"" },
        { "{\"scale\": 0}", "\"scale\"" },
        { "{\"scale\": \"nan\"}", "\"scale\"" },
        { "{\"scale\": [1, 1, 1]}", "\"scale\"" },
        { "{\"mean\": [1, 2]}", "\"mean\"" },
        { "{\"mean\": [1, 2, \"3\"]}", "\"mean\"" },
        { "{\"mean\": 1e999}", "\"mean\"" },
        { "{\"std\": [1, 0, 1]}", "\"std\"" },
        { "{\"layout\": \"CHWN\"}", "\"layout\"" },
        { "{\"labels\": \"/etc/passwd\"}", "\"labels\"" },
        { "{\"labels\": \"../../secret\"}", "\"labels\"" },
        { "{\"labels\": 3}", "\"labels\"" },
        { "{\"size\": 100, \"meen\": 3}", "unknown key \"meen\"" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cxai_preprocess p, before;
        cxai_error error;
        check_ok(cxai_preprocess_defaults(&p, NULL, &error), &error);
        before = p;
        check_error(cxai_preprocess_parse(&p, bad[i].json, strlen(bad[i].json),
                                          "m.json", "folder", &error),
                    &error, CXAI_MALFORMED, bad[i].word);
        assert_non_null(strstr(error.message, "m.json"));
        assert_memory_equal(&p, &before, sizeof p);
    }
}

/* ---- with a model ---- */

#define MODEL "data/squeezenet-1.1.int8.onnx"

static cxai_model *load_model(void)
{
    cxai_model *model;
    cxai_error error;
    check_ok(cxai_model_load(&model, MODEL, NULL, &error), &error);
    return model;
}

/* Its metadata alone: channels, mean, std; the size is that of its input. */
static void test_metadata(void **state)
{
    (void)state;
    cxai_model *model = load_model();
    cxai_preprocess p;
    cxai_error error;
    char line[256];
    static const char want[] =
        "BGR, short side to 259 (bilinear), centre crop 227x227, (p - "
        "(103.939, 116.779, 123.68)) / 1, NCHW";
    check_ok(cxai_preprocess_for_model(&p, model, NULL, &error), &error);
    assert_string_equal(cxai_preprocess_text(&p, line, sizeof line), want);
    assert_string_equal(p.source, "defaults, metadata");
    /* a path with no file beside it */
    check_ok(cxai_preprocess_for_model(&p, model, "/nowhere/m.onnx", &error),
             &error);
    assert_string_equal(cxai_preprocess_text(&p, line, sizeof line), want);
    cxai_model_free(&model);
}

static void test_file_beside(void **state)
{
    (void)state;
    cxai_model *model = load_model();
    cxai_preprocess p;
    cxai_error error;
    check_ok(cxai_preprocess_for_model(&p, model, MODEL, &error), &error);
    assert_int_equal(p.rule, CXAI_STRETCH);
    assert_string_equal(p.labels, "data/labels.txt");
    assert_string_equal(p.source,
                        "defaults, metadata, squeezenet-1.1.int8.json");
    cxai_model_free(&model);
}

static void test_check(void **state)
{
    (void)state;
    cxai_model *model = load_model();
    cxai_preprocess p;
    cxai_error error;
    check_ok(cxai_preprocess_for_model(&p, model, MODEL, &error), &error);
    /* another size is for the graph to judge */
    check_ok(cxai_preprocess_set(&p, "size", "224", &error), &error);
    check_ok(cxai_preprocess_check(&p, model, &error), &error);
    check_ok(cxai_preprocess_set(&p, "layout", "NHWC", &error), &error);
    check_error(cxai_preprocess_check(&p, model, &error), &error, CXAI_INVALID,
                "0x224x224x3 (NHWC)");
    check_ok(cxai_preprocess_set(&p, "layout", "NCHW", &error), &error);
    check_ok(cxai_preprocess_set(&p, "size", "227", &error), &error);
    check_ok(cxai_preprocess_set(&p, "channels", "grey", &error), &error);
    check_error(cxai_preprocess_check(&p, model, &error), &error, CXAI_INVALID,
                "0x1x227x227");
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_set),
        cmocka_unit_test(test_bad_json),    cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_file_beside), cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
