#include "notes.h"

#include <stdio.h>
#include <string.h>

void notes_print_outputs(const workbench *bench)
{
    char text[128];
    for (int i = 0; i < cxai_model_output_count(bench->model); i++) {
        int v = cxai_model_output(bench->model, i);
        printf("output         %s %s\n", cxai_model_value_name(bench->model, v),
               cxai_shape_text(&bench->shapes[v], text, sizeof text));
    }
}

static void report_end_value(json *report, const workbench *bench, int value)
{
    const cxai_shape *shape = &bench->shapes[value];
    json_object(report, NULL);
    json_text(report, "name", cxai_model_value_name(bench->model, value));
    json_array(report, "shape");
    for (int d = 0; d < shape->rank; d++)
        json_number(report, NULL, (double)shape->dim[d]);
    json_end(report);
    json_end(report);
}

void notes_report_ends(json *report, const workbench *bench)
{
    json_array(report, "inputs");
    for (int i = 0; i < cxai_model_input_count(bench->model); i++)
        report_end_value(report, bench, cxai_model_input(bench->model, i));
    json_end(report);
    json_array(report, "outputs");
    for (int i = 0; i < cxai_model_output_count(bench->model); i++)
        report_end_value(report, bench, cxai_model_output(bench->model, i));
    json_end(report);
}

void notes_report_gradient(json *report, const workbench *bench)
{
    char text[160];
    int count = 0;
    for (int n = 0; n < cxai_model_node_count(bench->model); n++)
        count += strcmp(cxai_model_node(bench->model, n).operator_type,
                        "QuantizeLinear") == 0;
    if (count == 0)
        return;
    snprintf(text, sizeof text,
             "straight-through at %d QuantizeLinear node%s: 1 inside the "
             "range, 0 outside",
             count, count == 1 ? "" : "s");
    json_text(report, "gradient", text);
}
