/* Puts the files of data/ into the program's read-only memory. The assembler
   does it: a C array of 5 MB would take a compiler minutes and gigabytes. */
#include "builtin.h"

#define INCLUDE_FILE(symbol, file)                                             \
    __asm__(".section .rodata\n"                                               \
            ".balign 64\n"                                                     \
            ".global " #symbol "\n"                                            \
            ".global " #symbol "_end\n" #symbol ":\n"                          \
            ".incbin \"" file "\"\n" #symbol "_end:\n"                         \
            ".byte 0\n"                                                        \
            ".previous\n")

INCLUDE_FILE(builtin_model, "data/efficientnet-lite0.int8.onnx");
INCLUDE_FILE(builtin_preprocess, "data/efficientnet-lite0.int8.json");
INCLUDE_FILE(builtin_labels, "data/labels.txt");
