/* Spaces before punctuation, which tokenizers of words leave. */
#include "cleanup.h"

#include <string.h>

/* str.replace of Python, in place; `to` is not longer than `from`. */
static size_t cleanup_replace(char *text, size_t len, const char *from, const char *to) {
    size_t n = strlen(from), m = strlen(to), at = 0, end = 0;
    while (at < len) {
        if (at + n <= len && !memcmp(text + at, from, n)) {
            memcpy(text + end, to, m);
            at += n;
            end += m;
        } else text[end++] = text[at++];
    }
    return end;
}
size_t cleanup_spaces(char *text, size_t len) {
    /* clean_up_tokenization of transformers 4; the order matters */
    static const char *const pairs[][2] = {
        {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
        {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    size_t i;
    for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        len = cleanup_replace(text, len, pairs[i][0], pairs[i][1]);
    return len;
}
