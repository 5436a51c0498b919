#include "lemma_book.h"

#include <stdlib.h>
#include <string.h>

int answer_text_order(const void *a, const void *b) {
    sgf_str x = *(const sgf_str *)a, y = *(const sgf_str *)b;
    return x.len && y.len ? base_str_compare(x, y) : (x.len > 0) - (y.len > 0);
}
size_t texts_unique(sgf_str *texts, size_t n) {
    size_t i, kept = 0;
    if (n) qsort(texts, n, sizeof *texts, answer_text_order);
    for (i = 0; i < n; i++)
        if (!kept || answer_text_order(&texts[kept - 1], &texts[i])) texts[kept++] = texts[i];
    return kept;
}
size_t texts_find(const sgf_str *texts, size_t n, sgf_str text) {
    const sgf_str *at = n ? (const sgf_str *)bsearch(&text, texts, n, sizeof text,
                                                     answer_text_order)
                          : NULL;
    return at ? (size_t)(at - texts) : n;
}
void lemma_book_free(lemma_book *book) {
    while (book->count) lemma_list_free(&book->lemmas[--book->count]);
    free(book->lemmas);
    free(book->texts);
    memset(book, 0, sizeof *book);
}
sgf_status lemma_book_make(lemma_book *book, sgf_str *texts, size_t n, sgf_error *err) {
    sgf_status status = SGF_OK;
    memset(book, 0, sizeof *book);
    book->texts = texts;
    n = texts_unique(texts, n);
    book->lemmas = (lemma_list *)calloc(n + 1, sizeof *book->lemmas);
    if (!book->lemmas) status = base_fail(err, SGF_ERR_MEMORY, "out of memory for lemmas");
    for (; book->count < n && !status; book->count++) {
        status = lemma_list_make(texts[book->count], NULL, &book->lemmas[book->count], err);
        if (status) break;
    }
    if (status) lemma_book_free(book);
    return status;
}
const lemma_list *lemma_book_find(const lemma_book *book, sgf_str text) {
    static const lemma_list none = {NULL, 0, NULL, 0, {NULL, NULL, NULL}};
    size_t at = texts_find(book->texts, book->count, text);
    return at < book->count ? &book->lemmas[at] : &none;
}
sgf_status lemma_book_put(struct table *table, int column, const lemma_book *book,
                          const sgf_str *texts, size_t n, sgf_error *err) {
    size_t *counts = (size_t *)calloc(n + 1, sizeof *counts), i, total = 0;
    sgf_str *items;
    sgf_status status;
    for (i = 0; counts && i < n; i++) total += counts[i] = lemma_book_find(book, texts[i])->count;
    items = (sgf_str *)calloc(total + 1, sizeof *items);
    if (!counts || !items) status = base_fail(err, SGF_ERR_MEMORY, "out of memory for lemmas");
    else {
        for (i = total = 0; i < n; total += counts[i++])
            if (counts[i])
                memcpy(items + total, lemma_book_find(book, texts[i])->items,
                       counts[i] * sizeof *items);
        status = table_list_list(table, column, items, counts, n, err);
    }
    free(items);
    free(counts);
    return status;
}
double lemma_book_share(const lemma_book *book, sgf_str greedy, const sgf_str *samples, size_t n) {
    const lemma_list *lemmas = lemma_book_find(book, greedy);
    size_t i, matches = 0;
    for (i = 0; i < n; i++)
        matches += (size_t)lemma_match(lemmas, lemma_book_find(book, samples[i]), 1);
    return n ? (double)matches / (double)n : 0;
}
sgf_status lemma_book_put_one(struct table *table, int column, const lemma_book *book, sgf_str text,
                              sgf_error *err) {
    const lemma_list *lemmas = lemma_book_find(book, text);
    return table_list(table, column, lemmas->items, lemmas->count, err);
}
