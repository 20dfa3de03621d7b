// FreeType, and the two steps that Swift's importer cannot express: constants of casts, and fields of bit width.

#ifndef SCOREKIT_CFREETYPE_H
#define SCOREKIT_CFREETYPE_H

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

// Opens the only face of a font in memory, which stays the caller's. 0 means success, as everywhere in FreeType.
static inline FT_Error cfreetype_open(FT_Library library, const unsigned char *bytes, long count, FT_Face *face) {
  return FT_New_Memory_Face(library, bytes, count, 0, face);
}

// The advance of a glyph in units of the font.
static inline FT_Error cfreetype_advance(FT_Face face, FT_UInt glyph, long *advance) {
  FT_Error error = FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE);
  *advance = error ? 0 : face->glyph->metrics.horiAdvance;
  return error;
}

// The kerning of two glyphs in units of the font.
static inline long cfreetype_kerning(FT_Face face, FT_UInt left, FT_UInt right) {
  FT_Vector kerning = {0, 0};
  return FT_Get_Kerning(face, left, right, FT_KERNING_UNSCALED, &kerning) ? 0 : kerning.x;
}

// Draws a glyph `size` 64ths of a pixel high, moved right by `shift` 64ths of a pixel, into face->glyph->bitmap: the
// part of each pixel that is covered, from 0 to 255. Without hints the shapes do not depend on FreeType's settings.
static inline FT_Error cfreetype_render(FT_Face face, FT_UInt glyph, long size, long shift) {
  FT_Error error = FT_Set_Char_Size(face, 0, size, 72, 72);
  if (!error) error = FT_Load_Glyph(face, glyph, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP | FT_LOAD_NO_AUTOHINT);
  if (error) return error;
  FT_Outline_Translate(&face->glyph->outline, shift, 0);
  return FT_Render_Glyph(face->glyph, FT_RENDER_MODE_NORMAL);
}

#endif
