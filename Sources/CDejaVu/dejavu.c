// The assembler copies the file into the program. It finds the file in the include folder, as the compiler finds headers.

#include "CDejaVu.h"

#ifdef __APPLE__
#define SYMBOL(name) "_" #name
#define SECTION ".section __TEXT,__const\n"
#else
#define SYMBOL(name) #name
#define SECTION ".section .rodata\n"
#endif

__asm__(
    SECTION
    ".balign 16\n"
    ".globl " SYMBOL(cdejavu_start) "\n"
    SYMBOL(cdejavu_start) ":\n"
    ".incbin \"DejaVuSans.ttf\"\n"
    ".globl " SYMBOL(cdejavu_end) "\n"
    SYMBOL(cdejavu_end) ":\n"
    ".byte 0\n"
    ".text\n");

extern const unsigned char cdejavu_start[], cdejavu_end[];

const unsigned char *cdejavu_bytes(void) { return cdejavu_start; }
long cdejavu_count(void) { return cdejavu_end - cdejavu_start; }
