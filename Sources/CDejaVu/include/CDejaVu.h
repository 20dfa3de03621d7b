// DejaVu Sans as a part of every program that draws text, so that a program that was copied elsewhere still draws it.

#ifndef SCOREKIT_CDEJAVU_H
#define SCOREKIT_CDEJAVU_H

// The content of DejaVuSans.ttf.
const unsigned char *cdejavu_bytes(void);

// The number of its bytes.
long cdejavu_count(void);

#endif
