#!/bin/sh
# The layers of the code: a file includes only what is below it; explain/
# includes only the public headers and its own module; only alloc.c allocates.
status=0
bad() {
    echo "$1"
    status=1
}
below="base tensor kernels ops graph onnx plan run image"
allowed=""
for layer in $below; do
    allowed="$allowed $layer"
    for file in src/$layer/*.[ch] src/$layer/*/*.[ch]; do
        [ -f "$file" ] || continue
        for include in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
            case $include in
            cxai/* | onnx.pb-c.h) continue ;;
            esac
            case " $allowed " in
            *" ${include%%/*} "*) ;;
            *) bad "$file includes $include, which is not below src/$layer" ;;
            esac
        done
    done
done
for file in $(find explain -name '*.[ch]'); do
    module=$(echo "$file" | cut -d/ -f2)
    for include in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
        case $include in
        cxai/*) continue ;;
        esac
        found=$(find "explain/$module" -name "$(basename "$include")")
        [ -n "$found" ] || bad "$file includes $include: explain/ sees include/ alone"
    done
done
for file in $(grep -lE '(^|[^a-z_])(malloc|calloc|realloc|aligned_alloc) *\(' \
    -r src --include='*.c'); do
    case $file in
    src/base/alloc.c) ;;
    *) bad "$file allocates: use base/alloc.h" ;;
    esac
done
for word in abort exit printf fprintf puts perror; do
    for file in $(grep -lE "(^|[^a-z_])$word *\(" -r src explain \
        --include='*.c' | grep -v '^explain/cli/'); do
        bad "$file calls $word: the library never prints or ends"
    done
done
exit $status
