// libpng, and a reader on it whose errors are return values: the jumps that libpng makes on an error stay inside the C
// functions below and never cross a Swift frame.
//
// libpng's simplified reading interface needs no jumps either, but converts gamma, and as patched in Debian 12
// (1.6.39-2+deb12u4) it returns wrong pixels for interlaced files of 16 bits.
#ifndef CPNG_SHIM_H
#define CPNG_SHIM_H

#include <png.h>
#include <stdlib.h>
#include <string.h>

// A PNG file in memory that is being read. Samples come out as bytes: palettes as colours, transparency as alpha.
typedef struct {
  const unsigned char *data;
  size_t size;
  size_t position;
  png_structp png;
  png_infop info;
  size_t width;
  size_t height;
  // The bits of a pixel in the file.
  size_t file_bits;
  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
  size_t channels;
  // The bytes of a row of the result.
  size_t row_bytes;
  int passes;
  char message[96];
} cpng_reader;

static void cpng_on_error(png_structp png, png_const_charp message) {
  cpng_reader *reader = (cpng_reader *)png_get_error_ptr(png);
  strncpy(reader->message, message, sizeof reader->message - 1);
  png_longjmp(png, 1);
}

static void cpng_on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void cpng_read(png_structp png, png_bytep out, size_t count) {
  cpng_reader *reader = (cpng_reader *)png_get_io_ptr(png);
  if (count > reader->size - reader->position) png_error(png, "it ends early");
  memcpy(out, reader->data + reader->position, count);
  reader->position += count;
}

// Frees a reader.
static inline void cpng_close(cpng_reader *reader) {
  png_destroy_read_struct(&reader->png, &reader->info, NULL);
  free(reader);
}

// Makes a reader on a file's bytes, which must stay alive; NULL without memory.
static inline cpng_reader *cpng_open(const unsigned char *data, size_t size) {
  cpng_reader *reader = (cpng_reader *)calloc(1, sizeof(cpng_reader));
  if (!reader) return NULL;
  reader->data = data;
  reader->size = size;
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, cpng_on_error, cpng_on_warning);
  reader->info = reader->png ? png_create_info_struct(reader->png) : NULL;
  if (!reader->info) {
    cpng_close(reader);
    return NULL;
  }
  return reader;
}

// Reads the header, up to the pixels; 0 with a message if it is damaged.
__attribute__((noinline)) static int cpng_read_header(cpng_reader *reader) {
  if (setjmp(png_jmpbuf(reader->png))) return 0;
  png_set_read_fn(reader->png, reader, cpng_read);
  png_read_info(reader->png, reader->info);
  reader->width = png_get_image_width(reader->png, reader->info);
  reader->height = png_get_image_height(reader->png, reader->info);
  reader->file_bits =
      (size_t)png_get_bit_depth(reader->png, reader->info) * png_get_channels(reader->png, reader->info);
  png_set_expand(reader->png);
  png_set_scale_16(reader->png);
  reader->passes = png_set_interlace_handling(reader->png);
  png_read_update_info(reader->png, reader->info);
  reader->channels = png_get_channels(reader->png, reader->info);
  reader->row_bytes = png_get_rowbytes(reader->png, reader->info);
  return 1;
}

// Reads the pixels into height · row_bytes bytes, and the file to its end; 0 with a message if it is damaged.
__attribute__((noinline)) static int cpng_read_pixels(cpng_reader *reader, unsigned char *pixels) {
  if (setjmp(png_jmpbuf(reader->png))) return 0;
  for (int pass = 0; pass < reader->passes; ++pass) {
    for (size_t row = 0; row < reader->height; ++row) {
      png_read_row(reader->png, pixels + row * reader->row_bytes, NULL);
    }
  }
  png_read_end(reader->png, NULL);
  return 1;
}

#endif
