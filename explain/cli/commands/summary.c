/* cxai summary: what a network is made of. */
#include "../common.h"
#include "../explained.h"
#include "../notes.h"

#include <stdio.h>
#include <string.h>

typedef struct settings {
    common_settings common;
    int operators, recipes;
} settings;

typedef struct layer_facts {
    int64_t parameters;
    int64_t macs; /* multiply-accumulates of convolutions and products */
} layer_facts;

/* Parameters are the constants that a node reads. Each output element of a
   Conv takes one filter's worth of products, of a Gemm or MatMul the length
   of the axis that is summed over; 0 where shapes are not known. */
static layer_facts examine(const workbench *bench, const cxai_node *node)
{
    layer_facts facts = { 0, 0 };
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0) {
            cxai_tensor t = cxai_model_constant(bench->model, node->inputs[i]);
            if (t.data != NULL)
                facts.parameters += cxai_shape_count(&t.shape);
        }
    if (node->input_count < 2 || node->inputs[1] < 0)
        return facts;
    const cxai_shape *x = &bench->shapes[node->inputs[0]];
    const cxai_shape *w = &bench->shapes[node->inputs[1]];
    const cxai_shape *y = &bench->shapes[node->outputs[0]];
    if (x->rank < 0 || w->rank < 0 || y->rank < 0)
        return facts;
    int64_t outputs = cxai_shape_count(y);
    if (strcmp(node->operator_type, "Conv") == 0 && w->rank > 0 &&
        w->dim[0] > 0)
        facts.macs = outputs * (cxai_shape_count(w) / w->dim[0]);
    else if (strcmp(node->operator_type, "Gemm") == 0 && w->rank == 2)
        facts.macs = outputs * (cxai_shape_count(w) / y->dim[1]);
    else if (strcmp(node->operator_type, "MatMul") == 0 && x->rank > 0)
        facts.macs = outputs * x->dim[x->rank - 1];
    return facts;
}

/* Each input's shape as the network runs here; what the file leaves free, or
   fixes otherwise, stands behind it. */
static void print_inputs(const workbench *bench)
{
    char text[128], file[128];
    for (int i = 0; i < cxai_model_input_count(bench->model); i++) {
        int v = cxai_model_input(bench->model, i);
        cxai_shape declared = cxai_model_input_shape(bench->model, i);
        printf("input          %s %s", cxai_model_value_name(bench->model, v),
               cxai_shape_text(&bench->shapes[v], text, sizeof text));
        if (!cxai_shape_equal(&declared, &bench->shapes[v]))
            printf(" (in the file %s, 0: any)",
                   cxai_shape_text(&declared, file, sizeof file));
        printf("\n");
    }
}

static void print_head(const workbench *bench)
{
    char text[512];
    const cxai_model *model = bench->model;
    printf("model          %s\n", bench->name);
    printf("sha256         %s\n", cxai_model_sha256(model));
    printf("opset          %d%s%s\n", cxai_model_opset(model),
           *cxai_model_producer_name(model) ? ", written by " : "",
           cxai_model_producer_name(model));
    print_inputs(bench);
    notes_print_outputs(bench);
    printf("preprocessing  %s\n", preprocess_text(bench, text, sizeof text));
    if (bench->no_pictures.status == CXAI_OK)
        printf("               from %s\n", bench->preprocess.source);
    if (cxai_labels_count(bench->labels) > 0)
        printf("labels         %d\n", cxai_labels_count(bench->labels));
    printf("logits         %s: %s\n",
           cxai_model_value_name(model, cxai_model_logits(model)),
           reading_text(bench, text, sizeof text));
}

/* One row of the table; the value's name selects the layer. */
static void print_layer(const workbench *bench, int n, int cam_layer,
                        layer_facts facts)
{
    char shape[128];
    cxai_node node = cxai_model_node(bench->model, n);
    printf(
        "%4d  %-40s %-20s %-16s %10lld %12lld%s%s%s\n", n,
        cxai_model_value_name(bench->model, node.outputs[0]),
        node.operator_type,
        cxai_shape_text(&bench->shapes[node.outputs[0]], shape, sizeof shape),
        (long long)facts.parameters, (long long)facts.macs,
        *node.module ? "  " : "", node.module,
        node.outputs[0] == cam_layer ? "  <- default CAM layer" : "");
}

static void add_layer(json *report, const workbench *bench, int n,
                      layer_facts facts)
{
    cxai_node node = cxai_model_node(bench->model, n);
    const cxai_shape *shape = &bench->shapes[node.outputs[0]];
    json_object(report, NULL);
    json_number(report, "index", n);
    json_text(report, "name",
              cxai_model_value_name(bench->model, node.outputs[0]));
    json_text(report, "node", node.name);
    json_text(report, "module", node.module);
    json_text(report, "operator", node.operator_type);
    json_array(report, "shape");
    for (int d = 0; d < shape->rank; d++)
        json_number(report, NULL, (double)shape->dim[d]);
    json_end(report);
    json_number(report, "parameters", (double)facts.parameters);
    json_number(report, "macs", (double)facts.macs);
    json_end(report);
}

static int report(workbench *bench, int cam_layer)
{
    cxai_error error;
    char text[64];
    json j = { 0 };
    report_begin(&j, "summary", bench, 1);
    notes_report_ends(&j, bench);
    json_text(
        &j, "logits",
        cxai_model_value_name(bench->model, cxai_model_logits(bench->model)));
    json_text(&j, "reading", reading_text(bench, text, sizeof text));
    if (cam_layer >= 0)
        json_text(&j, "cam_layer",
                  cxai_model_value_name(bench->model, cam_layer));
    json_array(&j, "layers");
    for (int n = 0; n < cxai_model_node_count(bench->model); n++) {
        cxai_node node = cxai_model_node(bench->model, n);
        add_layer(&j, bench, n, examine(bench, &node));
    }
    json_end(&j);
    return report_end(&j, bench, 1, &error) == CXAI_OK ? EXIT_DONE
                                                       : complain_error(&error);
}

static void print_table(const workbench *bench, int cam_layer)
{
    layer_facts total = { 0, 0 };
    print_head(bench);
    printf("\n%4s  %-40s %-20s %-16s %10s %12s  %s\n", "#", "layer", "operator",
           "output", "parameters", "MACs", "module");
    for (int n = 0; n < cxai_model_node_count(bench->model); n++) {
        cxai_node node = cxai_model_node(bench->model, n);
        layer_facts facts = examine(bench, &node);
        print_layer(bench, n, cam_layer, facts);
        total.parameters += facts.parameters;
        total.macs += facts.macs;
    }
    printf("\n%lld parameters, %.3g million multiply-accumulates a picture\n",
           (long long)total.parameters, (double)total.macs / 1e6);
}

static int list_operators(void)
{
    cxai_operator op;
    for (int i = 0; (op = cxai_operator_info(i)).name != NULL; i++)
        printf("%-24s %s%s\n", op.name,
               op.not_differentiable ? "forward only: " : "",
               op.not_differentiable ? op.not_differentiable
                                     : "forward and backward");
    return EXIT_DONE;
}

/* Each as it prepares pictures for a network of 224x224. */
static int list_recipes(void)
{
    cxai_recipe recipe;
    for (int i = 0; (recipe = cxai_recipe_info(i)).name != NULL; i++) {
        char text[256];
        cxai_error error;
        cxai_preprocess p;
        if (cxai_preprocess_defaults(&p, NULL, &error) != CXAI_OK ||
            cxai_preprocess_set(&p, "recipe", recipe.name, &error) != CXAI_OK)
            return complain_error(&error);
        printf("%-16s %s%s%s\n%-16s %s\n", recipe.name, recipe.origin,
               recipe.other_name != NULL ? "; also called " : "",
               recipe.other_name != NULL ? recipe.other_name : "", "",
               cxai_preprocess_text(&p, text, sizeof text));
    }
    return EXIT_DONE;
}

static int run(const void *given, const char *const *operands, int count)
{
    (void)operands;
    (void)count;
    const settings *s = given;
    workbench bench;
    if (s->operators)
        return list_operators();
    if (s->recipes)
        return list_recipes();
    int status = workbench_open(&bench, &s->common);
    if (status == EXIT_DONE) {
        int cam_layer; /* -1 where there is none */
        cxai_error error;
        warn_of_guess(&bench);
        if (cxai_model_cam_layer(bench.model, bench.shapes, &cam_layer,
                                 &error) == CXAI_NO_MEMORY)
            status = complain_error(&error);
        else if (s->common.json)
            status = report(&bench, cam_layer);
        else
            print_table(&bench, cam_layer);
    }
    workbench_close(&bench);
    return status;
}

static const option_spec specs[] = {
    { 0, "operators", NULL, OPTION_FLAG, offsetof(settings, operators), 0, 0,
      "list the operators that cxai runs, instead of a network's layers" },
    { 0, "recipes", NULL, OPTION_FLAG, offsetof(settings, recipes), 0, 0,
      "list the recipes of --recipe, as they are for 224x224 pixels" },
};

static const option_list own_options = OPTION_LIST(specs);

const command command_summary = {
    .name = "summary",
    .operands = "",
    .summary = "list a network's layers, shapes, parameters and preprocessing",
    .description =
        "Lists every layer with its number, the name that selects it in other\n"
        "commands, its operator, output shape, parameters and\n"
        "multiply-accumulates; before them what the network takes. Shapes are\n"
        "those for one picture; in a network that takes no pictures, those\n"
        "with 1 for every free dimension.",
    .examples = "  cxai summary\n"
                "  cxai summary -m model.onnx --json\n",
    .options = { &own_options, &model_options, &preprocess_options },
    .settings_size = sizeof(settings),
    .run = run,
};
