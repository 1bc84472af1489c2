/* Label files in every form, and finding labels by parts of their names. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "cxai/labels.h"

static cxai_labels *parse(const char *text)
{
    cxai_labels *labels;
    cxai_error error;
    check_ok(cxai_labels_parse(&labels, text, strlen(text), "x", &error),
             &error);
    return labels;
}

/* names are joined by '|' */
static void check_names(const char *text, const char *names)
{
    cxai_labels *labels = parse(text);
    char joined[256] = "";
    for (int i = 0; i < cxai_labels_count(labels); i++) {
        strcat(joined, i > 0 ? "|" : "");
        strcat(joined, cxai_labels_name(labels, i));
    }
    assert_string_equal(joined, names);
    assert_null(cxai_labels_name(labels, cxai_labels_count(labels)));
    assert_null(cxai_labels_name(labels, -1));
    cxai_labels_free(&labels);
    assert_null(labels);
}

static void test_lines(void **state)
{
    (void)state;
    check_names("cat\ndog\n", "cat|dog");
    check_names("cat\ndog", "cat|dog");
    check_names("\xef\xbb\xbf"
                "cat\r\ndog\r\nna\xc3\xafve fish\r\n",
                "cat|dog|na\xc3\xafve fish");
    check_names("  tabby cat \n\tdog\n\n\n \r\n", "tabby cat|dog");
    check_names("cat\n\ndog\n", "cat||dog"); /* a class without a name */
    check_names("one", "one");
}

static void test_json(void **state)
{
    (void)state;
    check_names("[\"cat\", \"dog\"]", "cat|dog");
    check_names(" {\"1\": \"dog\", \"0\": \"cat\"}\n", "cat|dog");
    check_names("{\"0\": [\"n01440764\", \"tench\"], \"1\": [\"n01443537\", "
                "\"goldfish\"]}",
                "tench|goldfish");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " \n\n",
        "[\"cat\"",
        "[\"cat\", 3]",
        "[]",
        "[[]]",
        "{\"0\": \"cat\", \"2\": \"dog\"}",
        "{\"0\": \"cat\", \"0\": \"dog\"}",
        "{\"a\": \"cat\"}",
        "{\"-1\": \"cat\"}",
        "{\"0\": {\"name\": \"cat\"}}",
        "{\"99999999999999999999\": \"cat\"}",
    };
    cxai_labels *labels;
    cxai_error error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_error(
            cxai_labels_parse(&labels, bad[i], strlen(bad[i]), "x.txt", &error),
            &error, CXAI_MALFORMED, "x.txt: not a label file");
        assert_null(labels);
    }
    check_error(cxai_labels_parse(&labels, "cat\0dog\n", 8, "x", &error),
                &error, CXAI_MALFORMED, "not a label file");
    check_error(cxai_labels_load(&labels, "tests/data/missing.txt", &error),
                &error, CXAI_NOT_FOUND, "missing.txt");
    assert_int_equal(cxai_labels_count(NULL), 0);
    assert_null(cxai_labels_name(NULL, 0));
}

static const char animals[] = "tabby cat\n"           /* 0 */
                              "Persian cat\n"         /* 1 */
                              "catamaran\n"           /* 2 */
                              "German Shepherd Dog\n" /* 3 */
                              "red panda\n"           /* 4 */
                              "giant panda\n"         /* 5 */
                              "panda\n"               /* 6 */
                              "Maltese\n"             /* 7 */
                              "maltese\n"             /* 8 */
                              "hen-of-the-woods\n";   /* 9 */

static void check_found(const char *text, int wanted)
{
    cxai_labels *labels = parse(animals);
    cxai_error error;
    int index = -1;
    check_ok(cxai_labels_find(labels, text, &index, &error), &error);
    assert_int_equal(index, wanted);
    cxai_labels_free(&labels);
}

static void test_find(void **state)
{
    (void)state;
    check_found("panda", 6); /* exactly, though it is part of others */
    check_found("Panda", 6);
    check_found("RED PANDA", 4);
    check_found("Maltese", 7);
    check_found("maltese", 8);
    check_found("shepherd", 3); /* a word */
    check_found("tabby", 0);
    check_found("woods", 9);
    check_found("catam", 2); /* any part */
    check_found("herd d", 3);
}

static void check_not_found(const char *text, cxai_status status,
                            const char *message)
{
    cxai_labels *labels = parse(animals);
    cxai_error error;
    int index = -7;
    check_error(cxai_labels_find(labels, text, &index, &error), &error, status,
                message);
    assert_int_equal(index, -7);
    cxai_labels_free(&labels);
}

static void test_not_found(void **state)
{
    (void)state;
    /* whole words before parts: not the catamaran */
    check_not_found("cat", CXAI_INVALID,
                    "fits 2 classes: \"tabby cat\" (0), \"Persian cat\" (1);");
    check_not_found("MALTESE", CXAI_INVALID,
                    "\"Maltese\" (7), \"maltese\" (8)");
    check_not_found("an", CXAI_INVALID, "fits 6 classes");
    /* one letter too few */
    check_not_found("German Shepard", CXAI_NOT_FOUND,
                    "the nearest are: \"German Shepherd Dog\" (3)");
    check_not_found("persain cat", CXAI_NOT_FOUND,
                    "the nearest are: \"Persian cat\" (1)");
    check_not_found("", CXAI_NOT_FOUND, "empty");
    cxai_error error;
    int index;
    check_error(cxai_labels_find(NULL, "cat", &index, &error), &error,
                CXAI_NOT_FOUND, "there are no labels");
}

/* Texts as long as one likes do no harm. */
static void test_long(void **state)
{
    (void)state;
    size_t length = 100000;
    char *text = malloc(length + 1);
    cxai_labels *labels;
    cxai_error error;
    int index;
    assert_non_null(text);
    memset(text, 'x', length);
    text[length] = '\0';
    check_ok(cxai_labels_parse(&labels, text, length, "x", &error), &error);
    check_ok(cxai_labels_find(labels, text, &index, &error), &error);
    text[length - 1] = 'y';
    check_error(cxai_labels_find(labels, text, &index, &error), &error,
                CXAI_NOT_FOUND, "xxx");
    cxai_labels_free(&labels);
    free(text);
}

/* The embedded labels: 1000, all different. */
static void test_embedded(void **state)
{
    (void)state;
    cxai_labels *labels;
    cxai_error error;
    int index;
    check_ok(cxai_labels_load(&labels, "data/labels.txt", &error), &error);
    assert_int_equal(cxai_labels_count(labels), 1000);
    for (int i = 0; i < 1000; i++) {
        check_ok(cxai_labels_find(labels, cxai_labels_name(labels, i), &index,
                                  &error),
                 &error);
        assert_int_equal(index, i);
    }
    assert_string_equal(cxai_labels_name(labels, 281), "tabby cat");
    cxai_labels_free(&labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_json),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_find),
        cmocka_unit_test(test_not_found), cmocka_unit_test(test_long),
        cmocka_unit_test(test_embedded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
