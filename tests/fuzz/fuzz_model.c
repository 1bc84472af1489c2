/* Fuzzing of the ONNX reader: any bytes are a model or one clear line. A model
   that loads is described and run once, forwards and backwards, at a small
   cost. */
#include "cxai/model.h"
#include "cxai/preprocess.h"
#include "cxai/session.h"
#include "fuzz/target.h"

static const cxai_limits limits = {
    .file_bytes = 1 << 20,
    .tensor_bytes = 1 << 22,
    .memory_bytes = 1 << 26,
    .nodes = 1000,
};

/* The declared shape of the first input, free dimensions being 1. */
static int small_shape(const cxai_model *model, cxai_shape *shape)
{
    *shape = cxai_model_input_shape(model, 0);
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] == 0)
            shape->dim[i] = 1;
    int64_t count = cxai_shape_count(shape);
    return count >= 0 && count <= 4096;
}

static void describe(const cxai_model *model, const cxai_shape *shape)
{
    cxai_error error = { .message = "" };
    int values = cxai_model_value_count(model), value;
    int logits = cxai_model_logits(model);
    int layer = -1;
    cxai_shape *shapes = calloc((size_t)values + 1, sizeof *shapes);
    if (shapes != NULL &&
        cxai_model_shapes(model, shape, shapes, &error) == CXAI_OK)
        (void)cxai_model_cam_layer(model, shapes, &layer, &error);
    free(shapes);
    require(logits >= 0 && logits < values);
    require(layer >= -1 && layer < values);
    require(strlen(cxai_model_sha256(model)) == 64);
    for (int n = 0; n < cxai_model_node_count(model) && n < 20; n++) {
        cxai_node node = cxai_model_node(model, n);
        (void)cxai_model_find(model, node.name, &value, &error);
        (void)cxai_model_find(model, node.module, &value, &error);
        (void)cxai_model_find(model, node.operator_type, &value, &error);
    }
}

static void run(const cxai_model *model, const cxai_shape *shape)
{
    cxai_error error = { .message = "" };
    int target = cxai_model_logits(model), input = cxai_model_input(model, 0);
    cxai_request request = {
        .input_shape = *shape,
        .watch = &target,
        .watch_count = 1,
        .target = target,
        .wrt = &input,
        .wrt_count = 1,
        .threads = 1,
        .max_bytes = 1 << 24,
    };
    cxai_session *session;
    if (cxai_session_create(&session, model, &request, &error) != CXAI_OK) {
        require(error.message[0] != '\0');
        return;
    }
    cxai_shape out;
    cxai_real *seed = NULL;
    if (cxai_session_forward(session, &error) == CXAI_OK &&
        cxai_session_shape(session, target, &out, &error) == CXAI_OK)
        seed = calloc((size_t)cxai_shape_count(&out) + 1, sizeof *seed);
    if (seed != NULL)
        (void)cxai_session_backward(session, seed, &error);
    free(seed);
    cxai_session_free(&session);
}

FUZZ_TARGET(fuzz_model)
{
    cxai_model *model;
    cxai_error error;
    cxai_status status =
        cxai_model_load_memory(&model, bytes, size, NULL, &limits, &error);
    if (status != CXAI_OK) {
        require_error(status, &error);
        require(model == NULL);
        return 0;
    }
    cxai_shape shape;
    cxai_preprocess preprocess;
    if (small_shape(model, &shape)) {
        describe(model, &shape);
        run(model, &shape);
    }
    status = cxai_preprocess_for_model(&preprocess, model, NULL, &error);
    if (status != CXAI_OK)
        require_error(status, &error);
    cxai_model_free(&model);
    return 0;
}
