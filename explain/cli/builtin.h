/* The default model, its preprocessing and labels, inside the program. */
#ifndef CLI_BUILTIN_H
#define CLI_BUILTIN_H

extern const char builtin_model[], builtin_model_end[];
extern const char builtin_preprocess[], builtin_preprocess_end[];
extern const char builtin_labels[], builtin_labels_end[];

#define BUILTIN_NAME "efficientnet-lite0"

#endif
