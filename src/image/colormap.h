/*
 * The tables behind the colour maps.
 */
#ifndef CX_IMAGE_COLORMAP_H
#define CX_IMAGE_COLORMAP_H

/* Six hexadecimal digits a colour; 256 colours or, of the last two, 86. */
extern const char cx_colours_viridis[];
extern const char cx_colours_inferno[];
extern const char cx_colours_magma[];
extern const char cx_colours_plasma[];
extern const char cx_colours_cividis[];
extern const char cx_colours_turbo[];

#endif
