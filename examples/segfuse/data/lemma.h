/* Lemmas and matching: is the answer right?

   An answer counts when its words, in their dictionary forms, are the gold answer's: "Rivers" is
   "river", "the U.S." contains "U.S.". The lemmas are those of spaCy's en_core_web_lg,
   [token.lemma_.lower() for token in nlp(text)], approximated by rules and small tables. On short
   answers like MyriadLAMA's more than 99 of 100 texts give spaCy's list exactly. */
#ifndef SEGFUSE_LEMMA_H
#define SEGFUSE_LEMMA_H

#include "../../../segfuse.h"

typedef struct lemma_list {
    sgf_str *items; /* the lemmas in order, punctuation included: lower-case UTF-8 */
    size_t count;
    size_t *borders; /* for lemma_match */
    size_t size;     /* bytes of the one block that holds all of this */
    sgf_allocator mem;
} lemma_list;

/* The lemmas of any text, of any length, in linear time. Bytes that are not UTF-8 stay as they are.
   The empty text has none. `out` is written without being read; its texts are valid until
   lemma_list_free. `mem` may be NULL (malloc). A failed call leaves `out` untouched. */
sgf_status lemma_list_make(sgf_str text, const sgf_allocator *mem, lemma_list *out, sgf_error *err);
/* Lemmas that are known already, such as those of a file's predict_lemma column: a copy of `items` to
   match with. Otherwise as lemma_list_make. */
sgf_status lemma_list_copy(const sgf_str *items, size_t n, const sgf_allocator *mem,
                           lemma_list *out, sgf_error *err);
/* Also takes NULL, a zeroed struct and one that was freed before. */
void lemma_list_free(lemma_list *lemmas);

/* 1 if `gold` is a contiguous slice of `prediction`; two_way: or the reverse. No lemmas match nothing:
   an empty prediction is wrong. Linear time; nothing is allocated. */
int lemma_match(const lemma_list *prediction, const lemma_list *gold, int two_way);
/* Does a prediction match any of n answers (aliases)? By the lemmas of their normal forms (see
   unicode.h), so that a text matches itself however its accents are written. *one_way and *two_way become 0 or 1; either may
   be NULL. */
sgf_status lemma_match_any(sgf_str prediction, const sgf_str *answers, size_t n, int *one_way,
                           int *two_way, sgf_error *err);

#endif
