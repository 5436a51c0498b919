/* The lemmas of many texts, each text once, and the cells they make. */
#ifndef SEGFUSE_LEMMA_BOOK_H
#define SEGFUSE_LEMMA_BOOK_H

#include "lemma.h"
#include "../tables/table.h"

typedef struct {
    sgf_str *texts;     /* ascending, each once */
    lemma_list *lemmas; /* of each, as they are written into a column */
    lemma_list *normal; /* of its normal form, where that is another text: to match with */
    size_t count;
} lemma_book;
int answer_text_order(const void *a, const void *b);
/* Sort, and drop what is there twice. Returns how many are left. */
size_t texts_unique(sgf_str *texts, size_t n);
/* The place of a text among `n` ascending ones; n if it is not there. */
size_t texts_find(const sgf_str *texts, size_t n, sgf_str text);
void lemma_book_free(lemma_book *book);
/* Takes `texts` over. */
sgf_status lemma_book_make(lemma_book *book, sgf_str *texts, size_t n, sgf_error *err);
/* A text that was not put in counts as empty. */
const lemma_list *lemma_book_find(const lemma_book *book, sgf_str text);
/* What to match the text by: the lemmas of its normal form, see unicode.h. */
const lemma_list *lemma_book_normal(const lemma_book *book, sgf_str text);
/* A cell with the lemmas of each of n texts. */
sgf_status lemma_book_put(struct table *table, int column, const lemma_book *book,
                          const sgf_str *texts, size_t n, sgf_error *err);
/* Confidence: the share of n samples that match the greedy answer, two-way. */
double lemma_book_share(const lemma_book *book, sgf_str greedy, const sgf_str *samples, size_t n);
/* A cell with the lemmas of one text. */
sgf_status lemma_book_put_one(struct table *table, int column, const lemma_book *book, sgf_str text,
                              sgf_error *err);

#endif
