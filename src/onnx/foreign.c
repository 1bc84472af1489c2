/* Recognises by their first bytes what users give in place of a model. */
#include <string.h>

#include "onnx/reader.h"

static const char lfs[] = "version https://git-lfs.github.com/spec";

static const struct {
    size_t at, length;
    const char *magic, *name;
} formats[] = {
    { 0, sizeof lfs - 1, lfs,
      "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`" },
    { 0, 8, "\x89PNG\r\n\x1a\n", "a PNG image" },
    { 0, 3, "\xff\xd8\xff", "a JPEG image" },
    { 0, 6, "GIF87a", "a GIF image" },
    { 0, 6, "GIF89a", "a GIF image" },
    { 8, 4, "WEBP", "a WebP image" },
    { 0, 4, "II*\0", "a TIFF image" },
    { 0, 4, "MM\0*", "a TIFF image" },
    { 0, 6, "\x93NUMPY", "a NumPy array" },
    { 0, 8, "\x89HDF\r\n\x1a\n", "an HDF5 file (Keras?); export it to ONNX" },
    { 0, 4, "PK\x03\x04",
      "a ZIP archive (a PyTorch checkpoint?); unpack it or export the network "
      "with torch.onnx.export" },
    { 0, 1, "\x80",
      "a Python pickle; export the network with torch.onnx.export" },
    { 0, 2, "\x1f\x8b", "gzip data; unpack it first" },
    { 8, 2, "{\"",
      "a safetensors file; it holds weights without a network: export the "
      "network to ONNX" },
    { 4, 4, "TFL3", "a TensorFlow Lite model; convert it to ONNX" },
    { 0, 4, "GGUF", "a GGUF model" },
    { 0, 4,
      "\x7f"
      "ELF",
      "a program" },
    { 0, 5, "%PDF-", "a PDF document" },
    { 0, 1, "<", "an HTML or XML page, perhaps a failed download" },
    { 0, 1, "{", "JSON text" },
};

int cx_is_lfs_pointer(const void *bytes, size_t size)
{
    return size >= sizeof lfs - 1 && memcmp(bytes, lfs, sizeof lfs - 1) == 0;
}

/* Nothing but letters, signs and line breaks at the start. */
static int is_text(const unsigned char *bytes, size_t size)
{
    enum { SHORTEST = 4, LOOKED_AT = 64 };
    for (size_t i = 0; i < size && i < LOOKED_AT; i++)
        if ((bytes[i] < ' ' || bytes[i] > '~') && bytes[i] != '\t' &&
            bytes[i] != '\r' && bytes[i] != '\n')
            return 0;
    return size >= SHORTEST;
}

const char *cx_foreign_format(const void *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        size_t at = formats[i].at, length = formats[i].length;
        if (size >= at + length &&
            memcmp((const char *)bytes + at, formats[i].magic, length) == 0)
            return formats[i].name;
    }
    if (is_text(bytes, size))
        return "text, perhaps the message of a failed download";
    return NULL;
}
