/*
 * Which tests of the suite this project means to do without. It runs networks
 * that look at pictures, forwards and backwards, as they answer once trained:
 * tensors of numbers in, tensors of numbers out, every step known when the
 * model is loaded. What lies outside of that is listed here and nowhere else;
 * everything that is not counts in the share that passes.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "support/conformance.h"

#define SEQUENCES "sequences: lists of tensors are no tensors"
#define OPTIONALS "optionals: values that may be absent are no tensors"
#define TEXT "text: strings are no numbers"
#define TRAINING "training: steps of an optimiser change weights"
#define RANDOM "random: answers that are drawn are not explained"
#define LOOPS "loops: their number of rounds may depend on the data"
#define RECURRENT "recurrent: a state is carried on through a sequence"
#define AUDIO "audio: spectra and their windows"
#define DECODING "decoding: pictures are decoded before the network"
#define PREVIEW "preview: the operator's definition is not settled"
#define FOREST "forest: trees and tables of classical machine learning"

/* Operators of any domain, by patterns of "domain.type". */
static const struct {
    const char *operator, * reason;
} beyond[] = {
    { ".Sequence*", SEQUENCES },
    { ".SplitToSequence", SEQUENCES },
    { ".ConcatFromSequence", SEQUENCES },
    { ".Optional*", OPTIONALS },
    { ".String*", TEXT },
    { ".RegexFullMatch", TEXT },
    { ".TfIdfVectorizer", TEXT },
    { ".Bernoulli", RANDOM },
    { ".Multinomial", RANDOM },
    { ".Random*", RANDOM },
    { ".Loop", LOOPS },
    { ".Scan", LOOPS },
    { ".RNN", RECURRENT },
    { ".LSTM", RECURRENT },
    { ".GRU", RECURRENT },
    { ".LinearAttention", RECURRENT },
    { ".CausalConvWithState", RECURRENT },
    { ".STFT", AUDIO },
    { ".DFT", AUDIO },
    { ".MelWeightMatrix", AUDIO },
    { ".BlackmanWindow", AUDIO },
    { ".HammingWindow", AUDIO },
    { ".HannWindow", AUDIO },
    { ".ImageDecoder", DECODING },
    { "ai.onnx.ml.*", FOREST },
    { "ai.onnx.preview.training.*", TRAINING },
    { "ai.onnx.training.*", TRAINING },
    { "ai.onnx.preview.*", PREVIEW },
};

#define BATCH "mode: training computes statistics of the batch"
#define DRAWN "mode: training draws random numbers"
#define BFLOAT "precision: computed numbers keep 24 bits where bfloat16 has 8"

/* Tests by patterns of their names. */
static const struct {
    const char *test;
    conformance_skip skip;
} known[] = {
    { "test_maxpool_2d_uint8*", { "type: pools take real numbers only", 0 } },
    { "test_training_dropout*", { DRAWN, 1 } },
    { "test_batchnorm_epsilon_training_mode*", { BATCH, 1 } },
    { "test_batchnorm_example_training_mode*", { BATCH, 1 } },
    { "test_cast_FLOAT_to_BFLOAT16*", { BFLOAT, 0 } },
    { "test_castlike_FLOAT_to_BFLOAT16*", { BFLOAT, 0 } },
    { "test_attention_*_bf16*", { BFLOAT, 0 } },
    { "test_celu_bfloat16*", { BFLOAT, 0 } },
    { "test_attention_4d_gqa_with_past_and_present_fp16*",
      { "precision: computed numbers keep 24 bits where float16 has 11", 0 } },
    { "test_reduce_max_empty_set_bool",
      { "type: truth values are integers here, whose empty maximum is not 0",
        0 } },
};

conformance_skip conformance_known(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (fnmatch(known[i].test, name, 0) == 0)
            return known[i].skip;
    return (conformance_skip){ NULL, 0 };
}

conformance_skip conformance_scope(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->graph->n_node; i++) {
        const Onnx__NodeProto *node = model->graph->node[i];
        const char *domain = cx_onnx_text(node->domain);
        char name[200];
        snprintf(name, sizeof name, "%s.%s",
                 cx_is_default_domain(domain) ? "" : domain, node->op_type);
        for (size_t k = 0; k < sizeof beyond / sizeof beyond[0]; k++)
            if (fnmatch(beyond[k].operator, name, 0) == 0)
                return (conformance_skip){ beyond[k].reason, 1 };
    }
    return (conformance_skip){ NULL, 0 };
}
