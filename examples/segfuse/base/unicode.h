/* The normal form in which texts are compared: the same characters to a reader are the same bytes. */
#ifndef SEGFUSE_UNICODE_H
#define SEGFUSE_UNICODE_H

#include "base.h"

/* Normal form C of `text` (Unicode Standard Annex 15): e and a combining acute accent are one letter.
   With `fold` != 0, typographic characters become plain ones too: curly apostrophes and quotes, dashes
   and hyphens, no-break and other blanks, full-width letters; what has no width is left out, and several
   blanks are one. *out is `text` itself where nothing changes, else a text of the arena. Bytes that are
   not UTF-8 stay as they are. */
sgf_status unicode_normal(sgf_str text, int fold, base_arena *arena, sgf_str *out, sgf_error *err);
/* Nothing but blanks and characters without width: an empty text to a reader. */
int unicode_blank(sgf_str text);

#endif
