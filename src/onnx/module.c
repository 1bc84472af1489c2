/*
 * PyTorch module paths, as the two exporters of PyTorch leave them.
 *
 * torch.export-based: node metadata "pkg.torch.onnx.name_scopes", a Python
 * list of the modules from the root inwards and, last, the operation:
 * "['', 'layer4', 'layer4.1', 'layer4.1.conv2', 'conv2d_19']".
 *
 * TorchScript-based: node names "/layer4/layer4.1/conv2/Conv", a part for each
 * module and, last, the operator. A child of a Sequential repeats the name of
 * its parent ("layer4.1") and so replaces it.
 */
#include <string.h>

#include "onnx/reader.h"

/* The last but one text of a Python list of texts. */
static const char *module_of_scopes(cx_arena *arena, const char *scopes)
{
    const char *text[2] = { "", "" }; /* the two last ones */
    size_t length[2] = { 0, 0 };
    for (const char *at = strpbrk(scopes, "'\""); at != NULL;
         at = strpbrk(at, "'\"")) {
        char quote = *at++;
        const char *end = strchr(at, quote);
        if (end == NULL)
            return "";
        text[0] = text[1];
        length[0] = length[1];
        text[1] = at;
        length[1] = (size_t)(end - at);
        at = end + 1;
    }
    return cx_arena_text(arena, text[0], length[0]);
}

/* 1 when part is parent followed by a dot and more. */
static int continues(const char *part, size_t length, const char *parent,
                     size_t parent_length)
{
    return parent_length > 0 && length > parent_length &&
           part[parent_length] == '.' &&
           memcmp(part, parent, parent_length) == 0;
}

static const char *module_of_name(cx_arena *arena, const char *name)
{
    if (name[0] != '/')
        return "";
    char *module = cx_arena_alloc(arena, strlen(name), 1);
    if (module == NULL)
        return NULL;
    size_t end = 0;    /* of the module so far */
    size_t parent = 0; /* where its last part begins */
    const char *part = name + 1;
    for (const char *slash = strchr(part, '/'); slash != NULL;
         slash = strchr(part, '/')) {
        size_t length = (size_t)(slash - part);
        if (continues(part, length, module + parent, end - parent)) {
            end = parent;
        } else {
            if (end > 0)
                module[end++] = '.';
            parent = end;
        }
        memcpy(module + end, part, length);
        end += length;
        module[end] = '\0';
        part = slash + 1;
    }
    return module;
}

const char *cx_onnx_module(cx_arena *arena, const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *entry = node->metadata_props[i];
        if (strcmp(cx_onnx_text(entry->key), "pkg.torch.onnx.name_scopes") == 0)
            return module_of_scopes(arena, cx_onnx_text(entry->value));
    }
    return module_of_name(arena, cx_onnx_text(node->name));
}
