#include "onnx/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cx_scopes_free(cx_reader *reader)
{
    for (cx_scope *s = reader->scopes; s != NULL; s = s->next) {
        cx_names_free(&s->names);
        free(s->target);
    }
    reader->scopes = NULL;
}

static cxai_status no_memory(const cx_reader *reader)
{
    return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
}

const char *cx_scope_join(cx_reader *reader, const char *prefix,
                          const char *name)
{
    void *block;
    size_t length = strlen(prefix) + strlen(name) + 2;
    if (cx_reader_alloc(reader, length, 1, &block) != CXAI_OK)
        return NULL;
    snprintf(block, length, "%s/%s", prefix, name);
    return block;
}

/* What names inside a node begin with: its own name, or its first output's. */
static const char *prefix_of(cx_reader *reader, const cx_scope *outer,
                             const Onnx__NodeProto *call)
{
    const char *name = cx_onnx_text(call->name);
    if (*name == '\0' && call->n_output > 0)
        return cx_scope_find(reader, outer, call->output[0]);
    return outer != NULL ? cx_scope_join(reader, outer->prefix, name) : name;
}

cxai_status cx_scope_open(cx_reader *reader, const cx_scope *outer,
                          const Onnx__NodeProto *call,
                          const Onnx__FunctionProto *function,
                          const char *label, cx_scope **out)
{
    void *block;
    int depth = outer != NULL ? outer->depth + 1 : 1;
    for (const cx_scope *s = outer; function != NULL && s != NULL; s = s->outer)
        if (s->function == function)
            return cxai_fail(reader->error, CXAI_MALFORMED,
                             "%s: the function recurs: it calls itself", label);
    if ((uint64_t)depth > reader->limits->nesting)
        return cxai_fail(reader->error, CXAI_LIMIT,
                         "%s: functions and branches are nested more than %llu "
                         "deep",
                         label, (unsigned long long)reader->limits->nesting);
    cxai_status status = cx_reader_alloc(reader, 1, sizeof(cx_scope), &block);
    if (status != CXAI_OK)
        return status;
    cx_scope *scope = block;
    const char *module = cx_onnx_module(reader->arena, call);
    *scope = (cx_scope){
        .outer = outer,
        .function = function,
        .call = call,
        .prefix = prefix_of(reader, outer, call),
        .module = module != NULL && *module == '\0' && outer != NULL
                      ? outer->module
                      : module,
        .depth = depth,
        .next = reader->scopes,
    };
    reader->scopes = scope;
    *out = scope;
    return scope->prefix != NULL && scope->module != NULL ? CXAI_OK
                                                          : no_memory(reader);
}

cxai_status cx_scope_bind(cx_reader *reader, cx_scope *scope, const char *name,
                          const char *target)
{
    if (target == NULL)
        return no_memory(reader);
    if (*name == '\0' || cx_names_find(&scope->names, name) >= 0)
        return CXAI_OK;
    if (scope->count >= INT32_MAX ||
        cx_grow((void **)&scope->target, &scope->capacity, scope->count + 1,
                sizeof *scope->target) != 0 ||
        cx_names_add(&scope->names, name, (int)scope->count) != 0)
        return no_memory(reader);
    scope->target[scope->count++] = target;
    return CXAI_OK;
}

/* A branch's names stay as they are where nothing else is called so. */
cxai_status cx_scope_define(cx_reader *reader, cx_scope *scope,
                            const char *name)
{
    if (*name == '\0' || cx_names_find(&scope->names, name) >= 0)
        return CXAI_OK;
    const char *target = name;
    if (scope->function != NULL || cx_builder_knows(reader->builder, name))
        target = cx_scope_join(reader, scope->prefix, name);
    return cx_scope_bind(reader, scope, name, target);
}

const char *cx_scope_find(cx_reader *reader, const cx_scope *scope,
                          const char *name)
{
    for (; scope != NULL && *name != '\0'; scope = scope->outer) {
        int number = cx_names_find(&scope->names, name);
        if (number >= 0)
            return scope->target[number];
        if (scope->function != NULL) /* nothing makes it */
            return cx_scope_join(reader, scope->prefix, name);
    }
    return name;
}

static const Onnx__AttributeProto *
find_attribute(Onnx__AttributeProto *const *list, size_t count,
               const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(cx_onnx_text(list[i]->name), name) == 0)
            return list[i];
    return NULL;
}

const Onnx__AttributeProto *
cx_scope_attribute(const cx_scope *scope, const Onnx__AttributeProto *attribute,
                   const cx_scope **where)
{
    *where = scope;
    while (attribute != NULL && *cx_onnx_text(attribute->ref_attr_name)) {
        const char *name = attribute->ref_attr_name;
        while (*where != NULL && (*where)->function == NULL)
            *where = (*where)->outer;
        if (*where == NULL)
            return attribute;
        const cx_scope *inside = *where;
        attribute = find_attribute(inside->call->attribute,
                                   inside->call->n_attribute, name);
        *where = inside->outer;
        if (attribute == NULL)
            attribute =
                find_attribute(inside->function->attribute_proto,
                               inside->function->n_attribute_proto, name);
    }
    return attribute;
}
