#define _XOPEN_SOURCE 700
#include "options.h"
#include "../runs/accident.h"
#include "hub.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *verb_now = ""; /* whose options were read: what messages begin with */

options_form options_as = FORM_PARSE;

/* ---- comparing texts ---- */

int text_same(sgf_str a, sgf_str b) {
    return a.len == b.len && !memcmp(a.ptr, b.ptr, a.len);
}
int text_order(sgf_str a, sgf_str b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* ---- texts of files on a terminal ---- */

void text_print(sgf_str text, size_t most) {
    size_t n = text.len, i;
    if (n > most)
        for (n = most; n && ((unsigned char)text.ptr[n] & 0xC0) == 0x80;) n--;
    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        int c1 = c == 0xC2 && i + 1 < n && (unsigned char)text.ptr[i + 1] < 0xA0;
        putchar(c < 32 || c == 127 || c1 ? ' ' : c);
        i += (size_t)c1;
    }
    if (n < text.len) printf("...");
}

const char *plural(size_t n) {
    return n == 1 ? "" : "s";
}

/* ---- the nearest name ---- */

enum { NAME_MOST = 40 }; /* longer names are near to nothing */

/* Letters to insert, leave out, replace or swap to make one of the other; '-' is '_'. */
static size_t name_distance(sgf_str a, sgf_str b) {
    size_t row[3][NAME_MOST + 1], i, j;
    for (j = 0; j <= b.len; j++) row[0][j] = j;
    for (i = 1; i <= a.len; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (j = 1; j <= b.len; j++) {
            char x = a.ptr[i - 1] == '-' ? '_' : a.ptr[i - 1], y = b.ptr[j - 1];
            now[j] = last[j - 1] + (x != y);
            if (last[j] + 1 < now[j]) now[j] = last[j] + 1;
            if (now[j - 1] + 1 < now[j]) now[j] = now[j - 1] + 1;
            if (i > 1 && j > 1 && x == b.ptr[j - 2] && a.ptr[i - 2] == y &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return row[a.len % 3][b.len];
}

name_nearest nearest_to(const char *given) {
    name_nearest n;
    n.given = sgf_text(given);
    n.best.ptr = NULL;
    n.best.len = 0;
    n.least = NAME_MOST;
    return n;
}
void nearest_try(name_nearest *n, sgf_str name) {
    size_t longer = n->given.len > name.len ? n->given.len : name.len, d;
    size_t shorter = n->given.len + name.len - longer;
    if (longer > NAME_MOST || shorter < 2) return;
    d = name_distance(n->given, name);
    if (2 * d > longer && (shorter < 3 || memcmp(n->given.ptr, name.ptr, shorter))) return;
    if (d < n->least) n->least = d, n->best = name;
}

/* ---- what a value may be ---- */

/* The i-th verb, headings left out. */
static const char *verb_name(size_t i) {
    size_t at;
    for (at = 0; verb_at(at); at++)
        if (verb_at(at)->name && !i--) return verb_at(at)->name;
    return NULL;
}

const char *kernels_name(size_t i) {
#define KERNELS_TEXT(name, text) text,
    static const char *const names[] = {SGF_KERNELS_LIST(KERNELS_TEXT) NULL};
#undef KERNELS_TEXT
    return i < SGF_KERNELS_COUNT ? names[i] : NULL;
}
/* The methods, and "all", which the original has for the two baselines. */
static const char *method_name(size_t i) {
    const char *name = sgf_method_name(i);
    return name || (i && !sgf_method_name(i - 1)) ? name : "all";
}
static const char *mask_name(size_t i) {
    return i < SGF_MASK_COUNT ? sgf_mask_name((sgf_mask)i) : NULL;
}

/* The words that stand for a name of a list. An open list names the usual values, not all. */
static const struct {
    const char *word;
    const char *(*name)(size_t i); /* NULL behind the last */
    int open;
} value_lists[] = {{"METHOD", method_name, 0},     {"MASK", mask_name, 0},
                   {"ACCIDENT", accident_name, 0}, {"KERNELS", kernels_name, 0},
                   {"VERB", verb_name, 0},         {"MODEL", registry_name, 1}};

static int word_has(sgf_str word, const char *part) {
    size_t i, n = strlen(part);
    for (i = 0; i + n <= word.len; i++)
        if (!memcmp(word.ptr + i, part, n)) return 1;
    return 0;
}
static void value_add(value_words *v, sgf_str word) {
    size_t i;
    for (i = 0; i < v->count; i++)
        if (text_same(v->word[i], word)) return;
    if (v->count < sizeof v->word / sizeof v->word[0]) v->word[v->count++] = word;
}
static void value_word(value_words *v, sgf_str word, int choice) {
    size_t i, k;
    int small = word.len && ((word.ptr[0] >= 'a' && word.ptr[0] <= 'z') ||
                             (word.ptr[0] >= '0' && word.ptr[0] <= '9'));
    for (i = 0; i < sizeof value_lists / sizeof value_lists[0]; i++)
        if (text_same(word, sgf_text(value_lists[i].word))) {
            for (k = 0; value_lists[i].name(k); k++) value_add(v, sgf_text(value_lists[i].name(k)));
            v->open |= value_lists[i].open;
            v->folders |= value_lists[i].open;
            return;
        }
    if (small && choice && !word_has(word, ",")) value_add(v, word);
    else v->open = 1;
    v->files |= word_has(word, "FILE") || word_has(word, "OUT") || word_has(word, "SHARD") ||
                text_same(word, sgf_text("IN"));
    v->folders |= word_has(word, "DIR");
}
void value_read(const char *text, value_words *v) {
    int choice = strchr(text, '|') != NULL;
    memset(v, 0, sizeof *v);
    v->several = strstr(text, "[,") != NULL;
    while (*text) {
        size_t n = strcspn(text, "| []");
        sgf_str word;
        word.ptr = text;
        word.len = n;
        text += n + (text[n] != 0);
        if (word.len >= 3 && !memcmp(word.ptr + word.len - 3, "...", 3)) word.len -= 3;
        if (word.len && word.ptr[0] != ',') value_word(v, word, choice);
    }
}
/* " word, word" or " word word". */
static void value_print(FILE *out, const value_words *v, const char *comma) {
    size_t i;
    for (i = 0; i < v->count; i++)
        fprintf(out, "%s%.*s", i ? comma : "", (int)v->word[i].len, v->word[i].ptr);
}
int value_known(const char *verb, const char *what, const char *given, const value_words *v) {
    name_nearest near = nearest_to(given);
    size_t i;
    for (i = 0; i < v->count; i++) {
        if (text_same(near.given, v->word[i])) return 1;
        nearest_try(&near, v->word[i]);
    }
    fprintf(stderr, "segfuse %s: --%s '%s' is not known", verb, what, given);
    if (near.best.ptr) fprintf(stderr, "; did you mean %.*s?", (int)near.best.len, near.best.ptr);
    fprintf(stderr, "%s known: ", near.best.ptr ? "" : ";");
    value_print(stderr, v, ", ");
    fprintf(stderr, "\n");
    return 0;
}
/* May the option have this value? 0 after saying why not. */
static int value_check(const char *verb, const option *o, const char *value) {
    char part[128];
    value_words v;
    value_read(o->value, &v);
    if (!*value && !strstr(o->value, "TEXT")) {
        fprintf(stderr, "segfuse %s: --%s has an empty value; it needs %s\n", verb, o->name,
                o->value);
        return 0;
    }
    if (v.open || !v.count) return 1;
    if (!v.several) return value_known(verb, o->name, value, &v);
    for (; *value; value += strspn(value, ",")) {
        size_t n = strcspn(value, ",");
        snprintf(part, sizeof part, "%.*s", n < sizeof part ? (int)n : (int)sizeof part - 1, value);
        if (n && !value_known(verb, o->name, part, &v)) return 0;
        value += n;
    }
    return 1;
}

/* ---- help ---- */

enum { HELP_WIDTH = 80, HELP_INDENT = 31 };

int text_wrap(FILE *out, const char *text, int indent, int column) {
    const char *gap = "";
    while (*(text += strspn(text, " \n"))) {
        int n = (int)strcspn(text, " \n");
        if (column > indent && column + (int)strlen(gap) + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
            gap = "";
        }
        column += fprintf(out, "%s%.*s", gap, n, text);
        text += n;
        gap = " ";
    }
    return column;
}
/* The help of an option, with the names of its list behind it. */
static void option_text(const option *o, char *out, size_t cap) {
    value_words v;
    size_t n, i;
    snprintf(out, cap, "%s", o->help);
    if (!o->value || strchr(o->value, '|')) return; /* they stand in the value's text */
    value_read(o->value, &v);
    for (i = 0; i < v.count && !v.open; i++) {
        n = strlen(out);
        snprintf(out + n, cap - n, "%s%.*s", i ? ", " : ": ", (int)v.word[i].len, v.word[i].ptr);
    }
}
static void options_help(const char *verb, const char *rest, const char *what,
                         const option *options) {
    char text[1024];
    printf("usage: segfuse %s%s%s%s\n\n", verb, options->help ? " [options]" : "", *rest ? " " : "",
           rest);
    text_wrap(stdout, what, 0, 0);
    printf("\n\n");
    for (; options->help; options++) {
        int column;
        if (options->kind == OPTION_HEADING) {
            printf("%s\n", options->help);
            continue;
        }
        column = printf("  --%s%s%s", options->name, options->value ? " " : "",
                        options->value ? options->value : "");
        if (column >= HELP_INDENT) column = 0, printf("\n");
        printf("%*s", HELP_INDENT - column, "");
        option_text(options, text, sizeof text);
        text_wrap(stdout, text, HELP_INDENT, HELP_INDENT);
        printf("\n");
    }
    printf("  %-28s %s\n", "--help", "this text");
}

/* ---- the man page ---- */

/* Text as roff, in which some characters are commands. `wrap`: on lines of their own, which end at
   a space before they get long. */
static void man_text(const char *text, int wrap) {
    int column = 0; /* 0: at the begin of a line */
    for (; *text; text++) {
        int word = (int)strcspn(text + 1, " \n"); /* escaped, twice as long at most */
        if (*text == '\\') column += printf("\\e");
        else if (*text == '-') column += printf("\\-");
        else if (*text == '\'') column += printf("\\(aq");
        else if (*text == '`') column += printf("\\(ga");
        else if (*text == '^') column += printf("\\(ha");
        else if (*text == '~') column += printf("\\(ti");
        else if (*text == '.' && !column) column += printf("\\&.");
        else if (*text != ' ' && *text != '\n') column += printf("%c", *text);
        else if (wrap && column && column + 1 + 2 * word > 78) putchar('\n'), column = 0;
        else if (text[1] != ' ') column += printf(" ");
    }
}
void man_line(const char *before, const char *text, const char *after) {
    fputs(before, stdout);
    man_text(text, !*before);
    printf("%s\n", after);
}
static void options_man(const char *verb, const char *rest, const char *what,
                        const option *options) {
    char text[1024];
    printf(".SS \"segfuse %s%s%s", verb, options->help ? " [options]" : "", *rest ? " " : "");
    man_text(rest, 0);
    printf("\"\n");
    man_line("", what, "");
    for (; options->help; options++) {
        if (options->kind == OPTION_HEADING) {
            printf(".PP\n");
            man_line("", options->help, "");
            continue;
        }
        printf(".TP\n\\fB");
        man_line("\\-\\-", options->name, options->value ? "\\fR \\c" : "\\fR");
        if (options->value) man_line("\\fI", options->value, "\\fR");
        option_text(options, text, sizeof text);
        man_line("", text, "");
    }
}

/* ---- completion ---- */

/* Kinds of values for both shells: f files, d folders, a comma for lists. */
static void value_kind(const value_words *v) {
    printf("%s%s%s", v->files ? "f" : "", v->folders ? "d" : "", v->several ? "," : "");
}
/* One branch of `case $verb in`. */
static void options_bash(const char *verb, const char *rest, const option *options) {
    const option *o;
    value_words v;
    printf("    %s)\n        options='--help", verb);
    for (o = options; o->help; o++)
        if (o->name) printf(" --%s", o->name);
    value_read(rest, &v);
    printf("' words='");
    value_print(stdout, &v, " ");
    printf("' kind=%s", v.open && !v.files ? "f" : "");
    value_kind(&v);
    printf("\n        case $option in\n");
    for (o = options; o->help; o++) {
        if (!o->value) continue;
        value_read(o->value, &v);
        printf("        --%s) value=1 kind=", o->name);
        value_kind(&v);
        printf(" words='");
        value_print(stdout, &v, " ");
        printf("' ;;\n");
    }
    printf("        esac ;;\n");
}
void zsh_text(const char *text) {
    for (; *text; text++) {
        if (*text == '\'') printf("'\\''");
        else if (*text == '\n') putchar(' ');
        else if (*text != ' ' || text[1] != ' ') {
            if (strchr("[]:\\", *text)) putchar('\\');
            putchar(*text);
        }
    }
}
static void zsh_value(const char *text, const value_words *v, int files) {
    printf(":");
    zsh_text(text);
    printf(": _segfuse_value \"%s", files ? "f" : "");
    value_kind(v);
    printf("\" ");
    value_print(stdout, v, " ");
}
static void options_zsh(const char *verb, const char *rest, const option *options) {
    char text[1024];
    value_words v;
    printf("    %s)\n        _arguments '--help[this text]'", verb);
    for (; options->help; options++) {
        if (!options->name) continue;
        printf(" \\\n            '--%s%s[", options->name, options->value ? "=" : "");
        option_text(options, text, sizeof text);
        zsh_text(text);
        printf("]");
        if (options->value) value_read(options->value, &v), zsh_value(options->value, &v, 0);
        printf("'");
    }
    if (*rest) {
        value_read(rest, &v);
        printf(" \\\n            '*");
        zsh_value(rest, &v, v.open && !v.files);
        printf("'");
    }
    printf(" ;;\n");
}

/* ---- parsing ---- */

static int option_same(const char *given, const char *name) {
    for (; *given && *given != '=' && *name; given++, name++)
        if ((*given == '-' ? '_' : *given) != *name) return 0;
    return !*name && (!*given || *given == '=');
}
/* The option that a word such as --name or --name=value names; NULL after saying that there is
   none. */
static const option *option_find(const char *verb, const char *word, const option *options) {
    char name[NAME_MOST + 2];
    name_nearest near;
    snprintf(name, sizeof name, "%.*s", (int)(strcspn(word, "=") % 1000), word);
    near = nearest_to(name);
    for (; options->help; options++) {
        if (!options->name) continue;
        if (option_same(word, options->name)) return options;
        nearest_try(&near, sgf_text(options->name));
    }
    fprintf(stderr, "segfuse %s: there is no option --%s", verb, word);
    if (option_same(word, "temperature") || option_same(word, "top_p")) {
        fprintf(stderr,
                "; %s takes the likeliest token at every step; segfuse confidence and segfuse "
                "paraphrase sample\n",
                verb);
        return NULL;
    }
    if (near.best.ptr) fprintf(stderr, "; did you mean --%s?", near.best.ptr);
    fprintf(stderr, "%s see segfuse %s --help\n", near.best.ptr ? "" : ";", verb);
    return NULL;
}
/* A whole number that the option may have? */
static int option_count(const char *verb, const option *o, const char *value) {
    const char *range = strstr(o->value, "..");
    long least = range ? strtol(o->value, NULL, 10) : 0, most = 1000000000, n;
    char *end;
    if (range && strcmp(range, "..N")) most = strtol(range + 2, NULL, 10);
    errno = 0;
    n = strtol(value, &end, 10);
    if (strchr("0123456789", *value) && !*end && n >= least && n <= most && !errno) {
        *(long *)o->target = n;
        return 1;
    }
    fprintf(stderr, "segfuse %s: --%s needs a whole number from %ld to %ld, not '%s'\n", verb,
            o->name, least, most, value);
    return 0;
}
static int option_number(const char *verb, const option *o, const char *value) {
    double x;
    size_t used = base_number_parse(value, strlen(value), &x);
    if (used && !value[used] && x >= 0 && x <= 1e9) {
        *(double *)o->target = x;
        return 1;
    }
    fprintf(stderr, "segfuse %s: --%s needs a number from 0 to 1000000000, not '%s'\n", verb,
            o->name, value);
    return 0;
}
/* -1, or the exit status after saying what is wrong with the value. */
static int option_set(const char *verb, const option *o, const char *value) {
    if (!value_check(verb, o, value)) return 2;
    if (o->kind == OPTION_TEXT) {
        *(const char **)o->target = value;
        return -1;
    }
    if (o->kind == OPTION_NUMBER) return option_number(verb, o, value) ? -1 : 2;
    return option_count(verb, o, value) ? -1 : 2;
}

/* Which option of the table may have been meant for a lone word? As the end of a message, or "". */
static const char *option_for(const option *options, const char *word) {
    sgf_method method;
    for (; options->name || options->kind == OPTION_HEADING; options++) {
        if (!options->name) continue;
        if (!strcmp(options->name, "method") && !sgf_method_find(word, &method, NULL))
            return "; did you mean --method ";
        if (!strcmp(options->name, "data") && !is_free(word)) return "; did you mean --data ";
    }
    return "";
}
int options_parse(int argc, char **argv, const option *options, const char *rest_help,
                  const char *what, const char **rest, int *rests, int most) {
    const char *verb = argv[0];
    int i, status = -1, over = 0;
    verb_now = verb;
    *rests = 0;
    if (options_as == FORM_MAN) options_man(verb, rest_help, what, options);
    if (options_as == FORM_BASH) options_bash(verb, rest_help, options);
    if (options_as == FORM_ZSH) options_zsh(verb, rest_help, options);
    if (options_as != FORM_PARSE) return 0;
    for (i = 1; i < argc && status < 0; i++) {
        const char *word = argv[i], *value;
        const option *o;
        if (!over && (!strcmp(word, "--help") || !strcmp(word, "-h"))) {
            options_help(verb, rest_help, what, options);
            return 0;
        }
        if (!over && !strcmp(word, "--")) {
            over = 1;
            continue;
        }
        if (over || word[0] != '-' || !word[1]) {
            if (!*word) {
                fprintf(stderr, "segfuse %s: an argument is empty; see segfuse %s --help\n", verb,
                        verb);
                return 2;
            }
            if (*rests == most) {
                fprintf(stderr, "segfuse %s: one argument too many: '%s'%s%s\n", verb, word,
                        option_for(options, word), *option_for(options, word) ? word : "");
                return 2;
            }
            rest[(*rests)++] = word;
            continue;
        }
        word += word[1] == '-' ? 2 : 1;
        if (!(o = option_find(verb, word, options))) return 2;
        value = strchr(word, '=');
        if (o->kind == OPTION_FLAG && value) {
            fprintf(stderr, "segfuse %s: --%s takes no value\n", verb, o->name);
            return 2;
        }
        if (o->kind == OPTION_FLAG) {
            *(int *)o->target = 1;
            continue;
        }
        if (value) value++;
        else if (i + 1 < argc && strncmp(argv[i + 1], "--", 2)) value = argv[++i];
        else {
            fprintf(stderr, "segfuse %s: --%s needs a value: %s\n", verb, o->name, o->value);
            return 2;
        }
        status = option_set(verb, o, value);
    }
    return status;
}

int choice_find(const char *verb, const char *what, const char *text, const char *const *names) {
    value_words v;
    int i;
    memset(&v, 0, sizeof v);
    for (i = 0; names[i]; i++) {
        if (!strcmp(text, names[i])) return i;
        value_add(&v, sgf_text(names[i]));
    }
    value_known(verb, what, text, &v);
    return -1;
}
sgf_kernels kernels_named(const char *name) {
    size_t i;
    for (i = 0; name && kernels_name(i); i++)
        if (!strcmp(name, kernels_name(i))) return (sgf_kernels)i;
    return SGF_KERNELS_AUTO;
}

sgf_arithmetic arithmetic_named(const char *name) {
    return name && !strcmp(name, "bf16") ? SGF_ARITHMETIC_BF16 : SGF_ARITHMETIC_F32;
}

int failed(const char *verb, const sgf_error *err) {
    fprintf(stderr, "segfuse %s: %s\n", verb, err->message);
    return 1;
}
int output_ends(const char *name, const char *path, const char *const *endings, const char *known) {
    for (; path && *endings; endings++)
        if (base_ends_with(path, *endings)) return 1;
    if (!path) return 1;
    fprintf(stderr, "segfuse %s: --%s ends in %s, which '%s' does not\n", verb_now, name, known,
            path);
    return 0;
}
