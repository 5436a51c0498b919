/* The macros of other people's headers that are ordinary words, made worse: here they are junk. `make warn` compiles
   segfuse.h behind this file. A header that defines such macros is included after the system's headers, so they are
   included here before. */
#ifndef SGF_TEST_MACROS_H
#define SGF_TEST_MACROS_H
#ifndef __cplusplus
#define _POSIX_C_SOURCE 200809L
#endif
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h> /* ECHO, B0, CR0, ... as they are */
#include <unistd.h>

#undef linux /* of gcc -std=gnu11 */
#undef unix
#undef i386
#undef assert
#define JUNK ] junk[

/* windows.h, rpcndr.h, objbase.h, winsock2.h, windowsx.h */
#define small                       JUNK
#define near                        JUNK
#define far                         JUNK
#define hyper                       JUNK
#define interface                   JUNK
#define pascal                      JUNK
#define cdecl                       JUNK
#define boolean                     JUNK
#define s_addr                      JUNK
#define s_host                      JUNK
#define s_net                       JUNK
#define s_imp                       JUNK
#define h_addr                      JUNK
#define min(a, b)                   JUNK
#define max(a, b)                   JUNK
#define IN                          JUNK
#define OUT                         JUNK
#define OPTIONAL                    JUNK
#define ERROR                       JUNK
#define DELETE                      JUNK
#define CONST                       JUNK
#define VOID                        JUNK
#define STRICT                      JUNK
#define ABSOLUTE                    JUNK
#define RELATIVE                    JUNK
#define OPAQUE                      JUNK
#define TRANSPARENT                 JUNK
#define THIS                        JUNK
#define CALLBACK                    JUNK
#define GetObject                   JUNK
/* crtdbg.h; a call with another number of arguments is an error */
#define malloc(size)                (malloc)(size)
#define free(p)                     (free)(p)
/* sys/sysmacros.h, sys/param.h, complex.h, altivec.h, assert.h, BSD's ctype.h, compilers */
#define major(device)               JUNK
#define minor(device)               JUNK
#define roundup(a, b)               JUNK
#define howmany(a, b)               JUNK
#define setbit(a, b)                JUNK
#define isset(a, b)                 JUNK
#define MIN(a, b)                   JUNK
#define MAX(a, b)                   JUNK
#define I                           JUNK
#define complex                     JUNK
#define imaginary                   JUNK
#define vector                      JUNK
#define pixel                       JUNK
#define assert(truth)               JUNK
#define _B                          JUNK
#define _C                          JUNK
#define _L                          JUNK
#define _N                          JUNK
#define _P                          JUNK
#define _S                          JUNK
#define _U                          JUNK
#define _X                          JUNK
#define linux                       JUNK
#define unix                        JUNK
#define i386                        JUNK
#define mips                        JUNK
#define sparc                       JUNK
#define sun                         JUNK
/* Qt */
#define slots                       JUNK
#define signals                     JUNK
#define emit                        JUNK
#define foreach(item, items)        JUNK
#define forever                     JUNK
/* X11 */
#define Bool                        JUNK
#define Status                      JUNK
#define None                        JUNK
#define Always                      JUNK
#define Success                     JUNK
#define True                        JUNK
#define False                       JUNK
#define Complex                     JUNK
#define Convex                      JUNK
#define Unsorted                    JUNK
#define Above                       JUNK
#define Below                       JUNK
#define Opposite                    JUNK
#define KeyPress                    JUNK
#define FocusIn                     JUNK
#define FocusOut                    JUNK
#define Expose                      JUNK
#define GrayScale                   JUNK
#define CursorShape                 JUNK
/* AssertMacros.h, and Apple's other headers */
#define check(truth)                JUNK
#define verify(truth)               JUNK
#define require(truth, label)       JUNK
#define check_string(truth, s)      JUNK
#define verify_string(truth, s)     JUNK
#define require_string(truth, l, s) JUNK
#define check_noerr(error)          JUNK
#define require_noerr(error, l)     JUNK
#define require_action(truth, l, a) JUNK
#define nil                         JUNK
#define YES                         JUNK
#define NO                          JUNK
/* Arduino.h */
#define constrain(a, b, c)          JUNK
#define radians(a)                  JUNK
#define degrees(a)                  JUNK
#define sq(a)                       JUNK
#define bit(a)                      JUNK
#define lowByte(a)                  JUNK
#define F(text)                     JUNK
#define PI                          JUNK
#define TWO_PI                      JUNK
#define HIGH                        JUNK
#define LOW                         JUNK
#define INPUT                       JUNK
#define OUTPUT                      JUNK
#define DEFAULT                     JUNK
/* curses.h */
#define clear()                     JUNK
#define erase()                     JUNK
#define move(y, x)                  JUNK
#define refresh()                   JUNK
#define box(a, b, c)                JUNK
#define timeout(a)                  JUNK
/* Rinternals.h, R_ext/Error.h, Rmath.h, which rename these words */
#define error                       JUNK
#define warning                     JUNK
#define length                      JUNK
#define xlength                     JUNK
#define eval                        JUNK
#define cons                        JUNK
#define elt                         JUNK
#define match                       JUNK
#define install                     JUNK
#define inherits                    JUNK
#define duplicate                   JUNK
#define duplicated                  JUNK
#define substitute                  JUNK
#define protect                     JUNK
#define unprotect                   JUNK
#define nrows                       JUNK
#define ncols                       JUNK
#define nlevels                     JUNK
#define conformable                 JUNK
#define topenv                      JUNK
#define list1                       JUNK
#define list2                       JUNK
#define lang1                       JUNK
#define lang2                       JUNK
#define isNull                      JUNK
#define isString                    JUNK
#define beta                        JUNK
#define choose                      JUNK
#define sign                        JUNK
#define prec                        JUNK
#define rround                      JUNK
#define imax2                       JUNK
#define fmax2                       JUNK
#endif
