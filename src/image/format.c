/* Recognises what a file is that is no picture that we can read, so that the
   message can name it. Signatures: the formats' own specifications. */
#include "image/decode.h"

#include <string.h>

typedef struct signature {
    size_t offset;
    const char *bytes;
    size_t length;
    const char *name;
} signature;

#define SIGNATURE(offset, bytes, name)                                         \
    {                                                                          \
        offset, bytes, sizeof(bytes) - 1, name                                 \
    }

/* The first match counts. */
static const signature signatures[] = {
    SIGNATURE(0, "GIF87a", "a GIF picture"),
    SIGNATURE(0, "GIF89a", "a GIF picture"),
    SIGNATURE(8, "WEBP", "a WebP picture"),
    SIGNATURE(0, "II*\0", "a TIFF picture"),
    SIGNATURE(0, "MM\0*", "a TIFF picture"),
    SIGNATURE(0, "II+\0", "a BigTIFF picture"),
    SIGNATURE(0, "MM\0+", "a BigTIFF picture"),
    SIGNATURE(0, "BM", "a BMP picture"),
    SIGNATURE(4, "ftypavif", "an AVIF picture"),
    SIGNATURE(4, "ftypavis", "an AVIF picture"),
    SIGNATURE(4, "ftyphei", "a HEIC picture"),
    SIGNATURE(4, "ftyphev", "a HEIC picture"),
    SIGNATURE(4, "ftypmif1", "a HEIF picture"),
    SIGNATURE(4, "ftypmsf1", "a HEIF picture"),
    SIGNATURE(4, "ftyp", "a video or another ISO media file"),
    SIGNATURE(0, "\xff\x0a", "a JPEG XL picture"),
    SIGNATURE(4, "JXL ", "a JPEG XL picture"),
    SIGNATURE(4, "jP  ", "a JPEG 2000 picture"),
    SIGNATURE(0, "\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    SIGNATURE(0, "8BPS", "a Photoshop picture"),
    SIGNATURE(0, "\0\0\1\0", "a Windows icon"),
    SIGNATURE(0, "qoif", "a QOI picture"),
    SIGNATURE(0, "P5\n", "a PGM picture"),
    SIGNATURE(0, "P6\n", "a PPM picture"),
    SIGNATURE(0, "\x8aMNG", "an MNG animation"),
    SIGNATURE(0, "%PDF", "a PDF document"),
    SIGNATURE(0, "<svg", "an SVG drawing"),
    SIGNATURE(0, "<?xml", "an XML document"),
    SIGNATURE(0, "<!DOCTYPE", "an HTML page"),
    SIGNATURE(0, "<!doctype", "an HTML page"),
    SIGNATURE(0, "<html", "an HTML page"),
    SIGNATURE(0, "\x93NUMPY", "a NumPy array"),
    SIGNATURE(0, "PK\3\4", "a ZIP archive"),
    SIGNATURE(0, "version https://git-lfs",
              "a Git LFS pointer, whose picture has not been fetched"),
};

const char *cx_format_guess(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (size >= s->offset + s->length &&
            memcmp(bytes + s->offset, s->bytes, s->length) == 0)
            return s->name;
    }
    return NULL;
}
