/*
 * What operators refuse: numbers in a file that are out of range, absurd, or
 * computed where a constant is needed. Each answer names the node and says
 * what is wrong.
 */
#include <string.h>

#include "cxai/session.h"
#include "support/check.h"
#include "support/sample.h"

#define BIG "9223372036854775807"
#define SMALL "-9223372036854775808"

typedef struct refusal {
    const char *type, *inputs, *attributes;
    cxai_status status;
    const char *message;
} refusal;

static const refusal one_output_refusals[] = {
    { "Reshape", "2,3;2=4,2", "", CXAI_MALFORMED, "cannot reshape 2x3 to 4x2" },
    { "Reshape", "2,3;2=-1,-1", "", CXAI_MALFORMED, "-1 twice" },
    { "Reshape", "2,3;2=-2,3", "", CXAI_MALFORMED, "dimension of -2" },
    { "Reshape", "2,3;2=-1,4", "", CXAI_MALFORMED, "-1 cannot be worked out" },
    { "Reshape", "2,3;3=6,1,0", "", CXAI_MALFORMED, "which has 2" },
    { "Reshape", "2,3;2=-1,0", "allowzero=1", CXAI_MALFORMED,
      "-1 cannot be worked out" },
    { "Reshape", "2,3;2=" BIG "," BIG, "", CXAI_MALFORMED, "cannot reshape" },
    { "Reshape", "2,3;9=1,1,1,1,1,1,1,2,3", "", CXAI_UNSUPPORTED,
      "9 dimensions" },
    { "Reshape", "2,3;2", "", CXAI_UNSUPPORTED, "input 1 (shape) is computed" },
    { "Reshape", "2,3;1,2=2,3", "", CXAI_MALFORMED, "not a list" },
    { "Flatten", "2,3", "axis=3", CXAI_MALFORMED, "axis 3 is out of range" },
    { "Flatten", "2,3", "axis=" SMALL, CXAI_MALFORMED, "is out of range" },
    { "Squeeze", "1,3;1=2", "", CXAI_MALFORMED, "axis 2 is out of range" },
    { "Squeeze", "1,3;1=1", "", CXAI_MALFORMED, "axis 1 has 3 elements" },
    { "Squeeze", "1,3;2=0,-2", "", CXAI_MALFORMED, "axis 0 is named twice" },
    { "Unsqueeze", "2,3", "", CXAI_MALFORMED, "it has no axes" },
    { "Unsqueeze", "2,3;2=0,4", "", CXAI_MALFORMED, "axis 4 is out of range" },
    { "Unsqueeze", "2,3;7=0,1,2,3,4,5,6", "", CXAI_UNSUPPORTED,
      "2 and 7 dimensions" },
    { "Dropout", "2,3;1=0;1=1", "", CXAI_UNSUPPORTED, "training mode" },
    { "Transpose", "2,3", "perm=0,0", CXAI_MALFORMED, "named twice" },
    { "Transpose", "2,3", "perm=0,2", CXAI_MALFORMED, "out of range" },
    { "Transpose", "2,3", "perm=0,", CXAI_MALFORMED, "perm has 1 entries" },
    { "Concat", "2,3;2,4", "axis=0", CXAI_MALFORMED,
      "inputs 0 (2x3) and 1 (2x4) do not fit along axis 0" },
    { "Concat", "2,3;2", "axis=0", CXAI_MALFORMED, "do not fit" },
    { "Concat", "2,3;2,3", "axis=2", CXAI_MALFORMED, "axis 2 is out of range" },
    { "Concat", "2;2=1,2", "axis=0", CXAI_MALFORMED, "different types" },
    { "Slice", "4,5;1=0;1=1;1=2", "", CXAI_MALFORMED, "axis 2 is out" },
    { "Slice", "4,5;1=0;1=1;1=0;1=0", "", CXAI_MALFORMED, "a step of 0" },
    { "Slice", "4,5;1=0;2=1,1", "", CXAI_MALFORMED, "differ in length" },
    { "Slice", "4,5;3=0,0,0;3=1,1,1", "", CXAI_MALFORMED, "3 slices of 2" },
    { "Slice", "4,5;2=0,0;2=1,1;2=1,-1", "", CXAI_MALFORMED, "named twice" },
    { "Slice", "4,5", "", CXAI_MALFORMED, "no starts" },
    { "Slice", "4,5;1;1=1", "", CXAI_UNSUPPORTED,
      "input 1 (starts) is computed" },
    { "Gather", "4,3;1=4", "", CXAI_MALFORMED,
      "index 4 is out of range for 4" },
    { "Gather", "4,3;1=-5", "", CXAI_MALFORMED, "index -5 is out of range" },
    { "Gather", "4,3;1=0", "axis=2", CXAI_MALFORMED, "axis 2 is out" },
    { "Gather", "4,3;1", "", CXAI_UNSUPPORTED, "computed from the data" },
    { "Expand", "2,3;2=2,2", "", CXAI_MALFORMED,
      "cannot broadcast 2x3 to 2x2" },
    { "Expand", "2,1;2=2,-1", "", CXAI_MALFORMED, "impossible shape" },
    { "Expand", "1,1;2=" BIG "," BIG, "", CXAI_MALFORMED, "impossible shape" },
    { "Tile", "2,3;1=2", "", CXAI_MALFORMED, "1 repeats for 2 dimensions" },
    { "Tile", "2,3;2=1,-1", "", CXAI_MALFORMED, "repeated -1 times" },
    { "Tile", "2,3;2=1," BIG, "", CXAI_MALFORMED, "cannot be repeated" },
    { "Pad", "2,3;2=1,1", "", CXAI_MALFORMED, "2 pads for 2 axes" },
    { "Pad", "2,3;4=0,-4,0,0", "", CXAI_UNSUPPORTED,
      "axis 1 of 3 elements cannot be padded by -4 and 0" },
    { "Pad", "2,3;4=0,0,0," BIG, "", CXAI_UNSUPPORTED, "cannot be padded" },
    { "Pad", "2,3;4=0," SMALL ",0,0", "", CXAI_UNSUPPORTED,
      "cannot be padded" },
    { "Pad", "2,3;4=0,3,0,0", "mode=reflect", CXAI_UNSUPPORTED,
      "cannot be padded by 3" },
    { "Pad", "2,3;4=0,4,0,0", "mode=wrap", CXAI_UNSUPPORTED, "padded by 4" },
    { "Pad", "2,3;4=0,1,0,0", "mode=mirror", CXAI_UNSUPPORTED,
      "mode \"mirror\"" },
    { "Pad", "2,3;4=0,1,0,0;1=1", "", CXAI_MALFORMED, "constant_value" },
    { "ConstantOfShape", "2=2,-2", "", CXAI_MALFORMED, "impossible shape" },
    { "ConstantOfShape", "2=" BIG "," BIG, "", CXAI_MALFORMED, "impossible" },
    { "ConstantOfShape", "2=1000000000,1000000000", "", CXAI_LIMIT, "limit" },
    { "Range", "1=0;1=5;1=0", "", CXAI_MALFORMED, "its delta is 0" },
    { "Range", "1=0;2=5,5;1=1", "", CXAI_MALFORMED, "not three numbers" },
    { "Range", "1=" SMALL ";1=" BIG ";1=1", "", CXAI_MALFORMED, "impossible" },
    { "Range", "1=0;1=" BIG ";1=1", "", CXAI_MALFORMED, "impossible" },
    { "Cast", "2,3", "to=8", CXAI_UNSUPPORTED, "data type 8" },
    { "DequantizeLinear", "2,2=1,2,3,4;3", "", CXAI_MALFORMED,
      "scales of 3 do not fit to 2x2" },
    { "DequantizeLinear", "2,2=1,2,3,4;2,1", "", CXAI_MALFORMED, "fit" },
    { "DequantizeLinear", "2,3;2,1~1,1", "block_size=2", CXAI_MALFORMED,
      "scales of 2x1 do not fit to 2x3" },
    { "DequantizeLinear", "2,3;2,2~1,1,1,1", "block_size=" SMALL,
      CXAI_MALFORMED, "scales of 2x2" },
    { "DequantizeLinear", "2,3;2,2", "block_size=2", CXAI_UNSUPPORTED,
      "only constants" },
    { "QuantizeLinear", "2,3;2", "", CXAI_MALFORMED, "scales of 2" },
    { "QuantizeLinear", "2,3=1,2,3,4,5,6;1", "", CXAI_MALFORMED, "integers" },
    { "QuantizeLinear", "2,3;1", "output_dtype=7", CXAI_UNSUPPORTED, "type" },
    { "DequantizeLinear", "2,2=1,2,3,4;2", "axis=2", CXAI_MALFORMED, "axis 2" },
    { "DequantizeLinear", "2,2=1,2,3,4;2;1=0", "", CXAI_MALFORMED,
      "zero point" },
    { "DequantizeLinear", "2,2=1,2,3,4;1=1", "", CXAI_MALFORMED,
      "its scale is an integer" },
    { "Where", "2;2;2", "", CXAI_MALFORMED, "no truth value" },
    { "Where", "2=0,1;3;2", "", CXAI_MALFORMED, "2, 3 and 2 cannot be" },
    { "Where", "2=0,1;2;2=1,1", "", CXAI_MALFORMED, "different types" },
};

/* Elements that are picked, placed or resized. */
static const refusal place_refusals[] = {
    { "GatherElements", "2,3;1,2=0,2", "", CXAI_MALFORMED,
      "index 2 is out of range for 2" },
    { "GatherElements", "2,3;1,4=0,0,0,0", "", CXAI_MALFORMED,
      "do not lie within" },
    { "GatherElements", "2,3;2=0,0", "", CXAI_MALFORMED, "do not lie within" },
    { "GatherElements", "2,3;1,2", "", CXAI_UNSUPPORTED, "computed from" },
    { "GatherND", "2,3;1,3=0,0,0", "", CXAI_MALFORMED, "indices of 1x3" },
    { "GatherND", "2,3;1,1=" BIG, "", CXAI_MALFORMED, "index " BIG },
    { "GatherND", "2,3;1,1=0", "batch_dims=1", CXAI_MALFORMED,
      "with batch_dims 1" },
    { "GatherND", "2,3;1,1=0", "batch_dims=-1", CXAI_MALFORMED, "batch_dims" },
    { "Compress", "2,3;4=1,1,1,1", "axis=1", CXAI_MALFORMED,
      "does not fit to 3 elements" },
    { "Compress", "2,3;2", "", CXAI_UNSUPPORTED, "computed from the data" },
    { "ScatterElements", "2,3;1,2=0,0;1,3", "", CXAI_MALFORMED,
      "updates have the shape 1x3, its indices need 1x2" },
    { "ScatterElements", "2,3;1,1=-3;1,1", "", CXAI_MALFORMED, "index -3" },
    { "ScatterElements", "2,3;1,1=0;1,1", "reduction=xor", CXAI_MALFORMED,
      "reduction is \"xor\"" },
    { "ScatterND", "2,3;1,1=2;1,3", "", CXAI_MALFORMED, "index 2" },
    { "ScatterND", "2,3;1,1=1;1,2", "", CXAI_MALFORMED, "its indices need" },
    { "ScatterND", "2,3;1,3=1,1,1;1", "", CXAI_MALFORMED, "3 coordinates" },
    { "ScatterND", "2,3;1,1=1;1,3=1,2,3", "", CXAI_MALFORMED, "another type" },
    { "DepthToSpace", "1,6,2,2", "blocksize=2", CXAI_MALFORMED,
      "1x6x2x2 cannot be divided into blocks of 2" },
    { "DepthToSpace", "1,6,2,2", "blocksize=0", CXAI_MALFORMED, "is 0" },
    { "DepthToSpace", "1,6,2,2", "blocksize=" BIG, CXAI_MALFORMED, "size is" },
    { "SpaceToDepth", "1,1,4,3", "blocksize=2", CXAI_MALFORMED, "1x1x4x3" },
    { "Trilu", "3", "", CXAI_MALFORMED, "no matrix" },
    { "Trilu", "3,3;1", "", CXAI_UNSUPPORTED, "computed from the data" },
    { "CumSum", "3,3;1=2", "", CXAI_MALFORMED, "axis 2 is out of range" },
    { "CumSum", "3,3;1", "", CXAI_UNSUPPORTED, "computed from the data" },
    { "OneHot", "2=0,1;1=-1;2=0,1", "", CXAI_UNSUPPORTED, "-1 values" },
    { "OneHot", "1=0;1=" BIG ";2=0,1", "", CXAI_MALFORMED, "impossible" },
    { "OneHot", "1=0;1=10000000000;2=0,1", "", CXAI_LIMIT, "limit" },
    { "OneHot", "2;1=3;2=0,1", "", CXAI_UNSUPPORTED, "computed from" },
    { "NonZero", "2,3", "", CXAI_UNSUPPORTED, "computed from the data" },
    { "ReverseSequence", "3,2;2=4,1", "", CXAI_MALFORMED, "4 steps long" },
    { "ReverseSequence", "3,2;1=1", "", CXAI_MALFORMED, "1 lengths" },
    { "ArgMax", "2,3", "axis=2", CXAI_MALFORMED, "axis 2 is out of range" },
    { "TopK", "2,3;1=4", "", CXAI_MALFORMED, "first 4 of 3 elements" },
    { "TopK", "2,3;1=-1", "", CXAI_MALFORMED, "first -1 of 3" },
    { "TopK", "2,3;1", "", CXAI_UNSUPPORTED, "computed from the data" },
    { "GridSample", "1,2,4,4;1,3,3,3", "", CXAI_MALFORMED,
      "a grid of 1x3x3x3 does not fit" },
    { "GridSample", "1,2,4,4;2,3,3,2", "", CXAI_MALFORMED, "does not fit" },
    { "GridSample", "1,2,4,4;1,3,3,2", "mode=area", CXAI_UNSUPPORTED,
      "\"area\"" },
    { "AffineGrid", "1,2,3;3=1,1,4", "", CXAI_MALFORMED, "do not fit" },
    { "AffineGrid", "1,2,3;4=1,1,4,-1", "", CXAI_MALFORMED, "impossible" },
    { "CenterCropPad", "2,3;2=1,-1", "", CXAI_MALFORMED, "impossible" },
    { "CenterCropPad", "2,3;1=1", "", CXAI_MALFORMED, "1 sizes" },
    { "Col2Im", "1,8,4;2=3,3;2=2,3", "", CXAI_MALFORMED, "do not fit" },
    { "Col2Im", "1,8,4;2=3,3;2=4,2", "", CXAI_MALFORMED, "larger than" },
    { "Col2Im", "1,8,4;2=" BIG ",3;2=2,2", "", CXAI_MALFORMED, "pixels" },
    { "Col2Im", "1,8,4;2=3,3;2=2,2", "strides=0,1", CXAI_MALFORMED,
      "strides has the impossible value 0" },
    { "Einsum", "2,3;3,4", "equation=ij,jk->il", CXAI_MALFORMED,
      "\"ij,jk->il\" does not fit" },
    { "Einsum", "2,3;4,4", "equation=ij,jk->ik", CXAI_MALFORMED, "not fit" },
    { "Einsum", "2,3", "equation=ij,jk->ik", CXAI_MALFORMED, "not fit" },
    { "Einsum", "2,3;3,4", "equation=ij->ik", CXAI_MALFORMED, "not fit" },
    { "Einsum", "2,3;3,4", "equation=i..j,jk->ik", CXAI_MALFORMED, "not fit" },
    { "Einsum", "2,3", "equation=ij->ii", CXAI_MALFORMED, "not fit" },
    { "Einsum", "2,3", "", CXAI_MALFORMED, "no equation" },
    { "Einsum", "2;2;2", "equation=i,i,i", CXAI_UNSUPPORTED, "3 inputs" },
    { "Resize", "1,1,4,4", "", CXAI_MALFORMED, "0 scales or sizes" },
    { "Resize", "1,1,4,4;-;4~1,1,0,2", "", CXAI_INVALID, "resized to 0" },
    { "Resize", "1,1,4,4;-;4~1,1,-1,2", "", CXAI_INVALID, "resized to -4" },
    { "Resize", "1,1,4,4;-;4~1,1,nan,2", "", CXAI_INVALID, "resized to nan" },
    { "Resize", "1,1,4,4;-;4~1,1,1e30,2", "", CXAI_INVALID,
      "resized to 4e+30" },
    { "Resize", "1,1,4,4;-;4~1,1,0.1,2", "", CXAI_INVALID,
      "shrinks to nothing" },
    { "Resize", "1,1,4,4;-;4~1,2,1,1", "", CXAI_UNSUPPORTED, "(axis 1)" },
    { "Resize", "1,1,4,4;-;-;4=1,1,1000000,1000000", "", CXAI_LIMIT,
      "too large" },
    { "Resize", "1,1,4,4;-;-;4=1,1," BIG ",2", "", CXAI_INVALID, "resized" },
    { "Resize", "1,1,4,4;-;-;3=1,4,4", "", CXAI_MALFORMED, "3 scales" },
    { "Resize", "1,1,4,4;-;-;4=1,1,4,4", "mode=lanczos", CXAI_UNSUPPORTED,
      "mode \"lanczos\"" },
    { "Resize", "4,4;-;-;2=8,8", "", CXAI_UNSUPPORTED, "2 dimensions" },
    { "Resize", "1,1,4,4;-;4", "", CXAI_UNSUPPORTED, "scales are computed" },
    { "Resize", "1,1,4,4;2~0,1;-;4=1,1,4,4",
      "coordinate_transformation_mode=tf_crop_and_resize", CXAI_MALFORMED,
      "roi holds 2 numbers" },
};

/* Opset 13: windows, matrices, channels. */
static const refusal window_refusals[] = {
    { "Conv", "1,2,5;3,2,3,3", "", CXAI_MALFORMED,
      "3 dimensions, its weights 4" },
    { "Conv", "2,3;2,3", "", CXAI_MALFORMED, "need the same 3 or more" },
    { "Conv", "1,1,2,2,2,2;1,1,1,1,1,1", "", CXAI_UNSUPPORTED, "6 dimensions" },
    { "Conv", "1,2,5,5;3,4,3,3", "", CXAI_INVALID,
      "made for 4 channels a group, its input has 2" },
    { "Conv", "1,4,5,5;3,2,3,3", "group=2", CXAI_MALFORMED,
      "3 output channels cannot be divided into 2" },
    { "Conv", "1,3,5,5;4,1,3,3", "group=2", CXAI_MALFORMED,
      "3 input channels cannot be divided into 2" },
    { "Conv", "1,2,5,5;2,2,3,3", "group=0", CXAI_MALFORMED, "into 0 groups" },
    { "Conv", "1,2,5,5;2,2,3,3", "group=" SMALL, CXAI_MALFORMED, "divided" },
    { "Conv", "1,2,5,5;3,2,3,3;2", "", CXAI_MALFORMED,
      "bias has the shape 2; 3 numbers" },
    { "Conv", "1,2,5,5;3,2,3,3;3,1", "", CXAI_MALFORMED, "shape 3x1" },
    { "Conv", "1,2,5,5;3,2,3,3", "strides=0,1", CXAI_MALFORMED,
      "strides has the impossible value 0" },
    { "Conv", "1,2,5,5;3,2,3,3", "strides=1,-1", CXAI_MALFORMED,
      "strides has the impossible value -1" },
    { "Conv", "1,2,5,5;3,2,3,3", "strides=1,1,1", CXAI_MALFORMED,
      "strides has 3 numbers; the input needs 2" },
    { "Conv", "1,2,5,5;3,2,3,3", "strides=1," BIG, CXAI_MALFORMED,
      "impossible value" },
    { "Conv", "1,2,5,5;3,2,3,3", "dilations=0,1", CXAI_MALFORMED,
      "dilations has the impossible value 0" },
    { "Conv", "1,2,5,5;3,2,3,3", "dilations=3,1", CXAI_INVALID,
      "its kernel covers 7 pixels along axis 2, the padded input has only 5" },
    { "Conv", "1,2,5,5;3,2,3,3", "dilations=2000000000,2000000000",
      CXAI_INVALID, "covers 4000000001 pixels" },
    { "Conv", "1,2,5,5;3,2,3,3", "pads=1,1", CXAI_MALFORMED,
      "pads has 2 numbers; the input needs 4" },
    { "Conv", "1,2,5,5;3,2,3,3", "pads=1,1,-1,1", CXAI_MALFORMED,
      "pads has the impossible value -1" },
    { "Conv", "1,2,5,5;3,2,3,3", "pads=1,1,1," BIG, CXAI_MALFORMED,
      "impossible value" },
    { "Conv", "1,2,5,5;3,2,3,3", "pads=200000,200000,200000,200000", CXAI_LIMIT,
      "larger than the limit" },
    { "Conv", "1,2,5,2;3,2,3,3", "", CXAI_INVALID,
      "covers 3 pixels along axis 3, the padded input has only 2" },
    { "Conv", "1,2,5,5;3,2,3,3", "kernel_shape=3,2", CXAI_MALFORMED,
      "kernel_shape says 2 where the weights have 3" },
    { "Conv", "1,2,5,5;3,2,3,3", "auto_pad=SAME", CXAI_MALFORMED,
      "auto_pad is \"SAME\"" },
    { "Conv", "1,2,5,5;3,2,1,1=1,2,3,4,5,6", "", CXAI_UNSUPPORTED,
      "input 1 holds integers" },
    { "MaxPool", "1,2,5,5", "", CXAI_MALFORMED, "kernel_shape is missing" },
    { "MaxPool", "1,2,5,5", "kernel_shape=0,1", CXAI_MALFORMED,
      "kernel_shape has the impossible value 0" },
    { "MaxPool", "1,2,5,5", "kernel_shape=6,1", CXAI_INVALID,
      "covers 6 pixels along axis 2" },
    { "MaxPool", "1,2", "kernel_shape=1,1", CXAI_UNSUPPORTED, "2 dimensions" },
    { "NonMaxSuppression", "1,3,4;1,1,3;1=2", "", CXAI_UNSUPPORTED,
      "depends on the data" },
    { "AveragePool", "1,2,5,5",
      "kernel_shape=2000000000,2000000000 "
      "pads=2000000000,2000000000,2000000000,2000000000",
      CXAI_LIMIT, "its kernel has too many cells" },
    { "AveragePool", "1,2,5,5",
      "kernel_shape=2,2 pads=200000,200000,200000,200000", CXAI_LIMIT,
      "larger than the limit" },
    { "GlobalMaxPool", "1,2", "", CXAI_UNSUPPORTED, "2 dimensions" },
    { "Gemm", "2,3;4,5", "", CXAI_INVALID, "2x3 and 4x5 do not fit" },
    { "Gemm", "2,3;3,5", "transB=1", CXAI_INVALID, "do not fit" },
    { "Gemm", "2,3,1;3,5", "", CXAI_INVALID, "2x3x1 and 3x5 do not fit" },
    { "Gemm", "2,3;3,5;4", "", CXAI_INVALID,
      "input C of 4 cannot be broadcast to the product's 2x5" },
    { "Gemm", "1,3;3,5;2,5", "", CXAI_INVALID, "cannot be broadcast" },
    { "MatMul", "2,3;4,5", "", CXAI_INVALID, "2x3 and 4x5 do not fit" },
    { "MatMul", "2,2,3;3,3,5", "", CXAI_INVALID, "do not fit" },
    { "MatMul", "3;", "", CXAI_INVALID, "do not fit" },
    { "BatchNormalization", "1,3,2,2;3;3;3;2", "", CXAI_INVALID,
      "var has the shape 2; its input has 3 channels" },
    { "BatchNormalization", "1,3,2,2;3,1;3;3;3", "", CXAI_INVALID,
      "scale has the shape 3x1" },
    { "BatchNormalization", "3;3;3;3;3", "", CXAI_UNSUPPORTED, "1 dimensions" },
    { "BatchNormalization", "1,3,2,2;3;3;3;3", "training_mode=1",
      CXAI_UNSUPPORTED, "training mode" },
    { "BatchNormalization", "1,3,2,2;3,2,2;3,2,2;3,2,2;3,2,2", "spatial=0",
      CXAI_UNSUPPORTED, "spatial=0" },
};

/* Opset 13, second outputs that this version does not make. */
static const refusal output_refusals[] = {
    { "BatchNormalization", "1,3,2,2;3;3;3;3", "", CXAI_UNSUPPORTED,
      "output 1" },
};

/* Opset 13, two outputs. */
static const refusal split_refusals[] = {
    { "Split", "2,5", "axis=1", CXAI_MALFORMED, "5 elements in 2 equal parts" },
    { "Split", "2,5;2=2,2", "axis=1", CXAI_MALFORMED, "1 elements are left" },
    { "Split", "2,5;2=2,4", "axis=1", CXAI_MALFORMED, "does not fit" },
    { "Split", "2,5;2=-1,6", "axis=1", CXAI_MALFORMED, "does not fit" },
    { "Split", "2,5;2=" BIG ",6", "axis=1", CXAI_MALFORMED, "does not fit" },
    { "Split", "2,5;3=2,2,1", "axis=1", CXAI_MALFORMED,
      "3 sizes for 2 outputs" },
    { "Split", "2,5", "axis=-3", CXAI_MALFORMED, "axis -3" },
};

/* Opset 18, two outputs. */
static const refusal num_outputs_refusals[] = {
    { "Split", "2,5", "axis=1 num_outputs=3", CXAI_MALFORMED,
      "num_outputs is 3" },
};

/* The error of loading the node as a model and shaping it. */
static cxai_status try_node(const sample_case *s, cxai_error *error)
{
    cxai_session *session = NULL;
    cxai_model *model = sample_build(s, SAMPLE_ALL_FED, NULL, error);
    if (model == NULL)
        return error->status;
    int watch = cxai_model_output(model, 0), feed[SAMPLE_INPUTS];
    int count = cxai_model_input_count(model);
    for (int i = 0; i < count; i++)
        feed[i] = cxai_model_input(model, i);
    cxai_request request = { .feed = feed,
                             .feed_count = count,
                             .watch = &watch,
                             .watch_count = 1,
                             .target = -1 };
    cxai_status status = cxai_session_create(&session, model, &request, error);
    cxai_session_free(&session);
    cxai_model_free(&model);
    return status;
}

static void check_refusals(const refusal *refusals, int count, int opset,
                           int outputs)
{
    for (int i = 0; i < count; i++) {
        const refusal *r = &refusals[i];
        const cx_operator *op = cx_operator_find(r->type);
        assert_non_null(op);
        const cx_sample sample = { .inputs = r->inputs,
                                   .attributes = r->attributes,
                                   .opset = opset,
                                   .outputs = outputs };
        sample_case s = sample_read(op, &sample);
        cxai_error error = { CXAI_OK, "" };
        cxai_status status = try_node(&s, &error);
        if (status == CXAI_OK)
            fail_msg("%s of \"%s\" with \"%s\" was accepted", r->type,
                     r->inputs, r->attributes);
        check_error(status, &error, r->status, r->message);
        check_error(status, &error, r->status, r->type);
        check_error(status, &error, r->status, "node \"y0\"");
        sample_free(&s);
    }
}

static void refusals_name_the_node_and_the_number(void **state)
{
    (void)state;
    check_refusals(one_output_refusals, CX_COUNT(one_output_refusals), 0, 1);
    check_refusals(place_refusals, CX_COUNT(place_refusals), 0, 1);
    check_refusals(window_refusals, CX_COUNT(window_refusals), 13, 1);
    check_refusals(output_refusals, CX_COUNT(output_refusals), 13, 2);
    check_refusals(split_refusals, CX_COUNT(split_refusals), 13, 2);
    check_refusals(num_outputs_refusals, CX_COUNT(num_outputs_refusals), 18, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_name_the_node_and_the_number),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
