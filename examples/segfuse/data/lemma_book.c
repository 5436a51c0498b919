#include "lemma_book.h"
#include "../base/unicode.h"

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
    for (; book->count; book->count--) {
        lemma_list_free(&book->lemmas[book->count - 1]);
        lemma_list_free(&book->normal[book->count - 1]);
    }
    free(book->lemmas), free(book->normal);
    free(book->texts);
    memset(book, 0, sizeof *book);
}
sgf_status lemma_book_make(lemma_book *book, sgf_str *texts, size_t n, sgf_error *err) {
    base_arena arena;
    sgf_status status = SGF_OK;
    base_arena_init(&arena, NULL);
    memset(book, 0, sizeof *book);
    book->texts = texts;
    n = texts_unique(texts, n);
    book->lemmas = (lemma_list *)calloc(n + 1, sizeof *book->lemmas);
    book->normal = (lemma_list *)calloc(n + 1, sizeof *book->normal);
    if (!book->lemmas || !book->normal)
        status = base_fail(err, SGF_ERR_MEMORY, "out of memory for lemmas");
    while (book->count < n && !status) {
        size_t i = book->count++;
        sgf_str normal;
        status = lemma_list_make(texts[i], NULL, &book->lemmas[i], err);
        if (!status) status = unicode_normal(texts[i], 0, &arena, &normal, err);
        if (!status && normal.ptr != texts[i].ptr)
            status = lemma_list_make(normal, NULL, &book->normal[i], err);
    }
    base_arena_free(&arena);
    if (status) lemma_book_free(book);
    return status;
}
static const lemma_list lemma_none = {NULL, 0, NULL, 0, {NULL, NULL, NULL}};

const lemma_list *lemma_book_find(const lemma_book *book, sgf_str text) {
    size_t at = texts_find(book->texts, book->count, text);
    return at < book->count ? &book->lemmas[at] : &lemma_none;
}
const lemma_list *lemma_book_normal(const lemma_book *book, sgf_str text) {
    size_t at = texts_find(book->texts, book->count, text);
    if (at == book->count) return &lemma_none;
    return book->normal[at].items ? &book->normal[at] : &book->lemmas[at];
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
    const lemma_list *lemmas = lemma_book_normal(book, greedy);
    size_t i, matches = 0;
    for (i = 0; i < n; i++)
        matches += (size_t)lemma_match(lemmas, lemma_book_normal(book, samples[i]), 1);
    return n ? (double)matches / (double)n : 0;
}
sgf_status lemma_book_put_one(struct table *table, int column, const lemma_book *book, sgf_str text,
                              sgf_error *err) {
    const lemma_list *lemmas = lemma_book_find(book, text);
    return table_list(table, column, lemmas->items, lemmas->count, err);
}
