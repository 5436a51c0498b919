/* Command-line options: a table of names, targets and help lines for each verb. The table is the
   only description there is: it parses (`--num-shots 5`, `--num_shots 5` and `--num_shots=5` are
   the same; the last one counts), and it prints itself as --help, as a section of the man page and
   as a part of the completion for bash and zsh.

   The text that stands for a value says what the value may be:

       auto|cpu               these words alone; small letters and digits make a choice
       1|1/N|W,W,..           these words, or something else
       METHOD[,METHOD...]     names from a list the program knows (see value_list), with commas
       FILE, DIR, OUT.npy     files and folders, OUT is written; MODEL a folder or a name
       N, 1..N, 1..9          for counts: any number, from 1, from 1 to 9
       TEXT, ...              anything else; only a TEXT may be empty */
#ifndef SEGFUSE_OPTIONS_H
#define SEGFUSE_OPTIONS_H

#include "../tables/table.h"

#include <stdio.h>

typedef enum { OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_NUMBER, OPTION_HEADING } option_kind;
typedef struct {
    const char *name; /* without the dashes; with '_' */
    option_kind kind;
    void *target;      /* int * for flags, const char ** for texts, long * for counts, double * for
                          numbers */
    const char *value; /* what stands for the value in the help */
    const char *help;
} option;
typedef struct {
    const char *name; /* NULL: a heading */
    int (*run)(int argc, char **argv);
    const char *help;
} program_verb;
extern const char *verb_now;
/* What options_parse does with a table: read the arguments, or print it in one of these forms. */
typedef enum { FORM_PARSE, FORM_MAN, FORM_BASH, FORM_ZSH } options_form;
extern options_form options_as;
int text_same(sgf_str a, sgf_str b);
/* By bytes; the shorter one first if it is the beginning of the other. */
int text_order(sgf_str a, sgf_str b);
/* Text of a file on one line of a terminal: control characters, which could give it orders, printed
   as spaces, cut behind `most` bytes. */
void text_print(sgf_str text, size_t most);
/* "1 row", "2 rows" */
const char *plural(size_t n);
typedef struct {
    sgf_str given, best; /* best.ptr NULL: none is near */
    size_t least;
} name_nearest;
name_nearest nearest_to(const char *given);
/* Near is: at most half of the letters differ, or one is the beginning of the other. */
void nearest_try(name_nearest *n, sgf_str name);
const char *kernels_name(size_t i);
typedef struct {
    sgf_str word[128]; /* choices and names */
    size_t count;
    int open, files, folders, several; /* several: with commas between them */
} value_words;
/* Read the text that stands for a value, or for the arguments that are no options. */
void value_read(const char *text, value_words *v);
/* Is `given` one of the words? If not, say so. */
int value_known(const char *verb, const char *what, const char *given, const value_words *v);
/* Words of a text, with line breaks in front of those that would pass the width. `column` is where
   the line stands. Returns where it stands then. */
int text_wrap(FILE *out, const char *text, int indent, int column);
void man_line(const char *before, const char *text, const char *after);
/* Text inside of '...' for zsh's _arguments: what would end the brackets gets a backslash. */
void zsh_text(const char *text);
/* Parse argv[1..]. Words that are no options go to rest[0..*rests): all behind a lone `--`, and a
   lone `-`. Returns -1 to go on, else the exit status. */
int options_parse(int argc, char **argv, const option *options, const char *rest_help,
                  const char *what, const char **rest, int *rests, int most);
/* The index of `text` in a list of names ended by NULL, or -1 after saying what is known. */
int choice_find(const char *verb, const char *what, const char *text, const char *const *names);
/* The kernels of a name that options_parse let pass; NULL: the fastest. */
sgf_kernels kernels_named(const char *name);
/* The arithmetic, likewise; NULL: f32. */
sgf_arithmetic arithmetic_named(const char *name);
int failed(const char *verb, const sgf_error *err);
/* The ending says what is written. Is it one of these, of which `known` is the text? NULL is no
   path, and no error. */
int output_ends(const char *name, const char *path, const char *const *endings, const char *known);

/* ---- rows that several verbs have: `o` is the verb's generate_options ---- */

/* clang-format off */
#define ROW_MODEL(target) {"model", OPTION_TEXT, (void *)&(target), "MODEL", \
                           "folder, short name or Hugging Face id (bundled)"}
#define ROW_DATASET(target, help) {"dataset", OPTION_TEXT, (void *)&(target), "myriadlama|webqa", help}
#define ROW_DATA(target) {"data", OPTION_TEXT, (void *)&(target), "FILE", \
                          "questions, or a folder of them (the bundled test split)"}
#define ROW_FEWSHOT_DATA(target) {"fewshot_data", OPTION_TEXT, (void *)&(target), "FILE", \
                                  "few-shot examples, or their folder (the train split)"}
#define ROW_FEWSHOTS(target) {"num_fewshots", OPTION_COUNT, &(target), "N", "examples in a prompt (5)"}
#define ROWS_ANSWER(o) \
    {"max_new_tokens", OPTION_COUNT, &(o)->max_new_tokens, "N", "10; fusion of webqa 20"}, \
    {"seed", OPTION_COUNT, &(o)->seed, "N", "of the few-shot picks, as Python's (42)"}
#define ROWS_METHOD(o, masses, mass_help) \
    {NULL, OPTION_HEADING, NULL, NULL, "What a method leaves open (each has its own default):"}, \
    {"mask", OPTION_TEXT, (void *)&(o)->mask, "MASK|FILE", \
     "what sees what: a name, or a matrix (see segfuse mask)"}, \
    {"positions", OPTION_TEXT, (void *)&(o)->positions, "sequential|aligned", \
     "where a paraphrase begins"}, \
    {"fusion_start", OPTION_TEXT, (void *)&(o)->fusion_start, "first-answer|after-first", \
     "which token is the first to see all"}, \
    {"format", OPTION_TEXT, (void *)&(o)->format, "own|line|lines", \
     "line, lines: Q: and A: on one line or two, the same prompt for all methods"}, \
    {"bos", OPTION_TEXT, (void *)&(o)->bos, "auto|first|each|none", \
     "the token that begins a text (auto: as the tokenizer does)"}, \
    {"separator", OPTION_TEXT, (void *)&(o)->separator, "TEXT", \
     "between the parts of a prompt (fusion)"}, \
    {"mass", OPTION_TEXT, (void *)&(o)->mass, masses, mass_help}, \
    {"fusion", OPTION_TEXT, (void *)&(o)->fusion, "softmax|mixture", \
     "the answer attends by one softmax, or by the mean of one for each paraphrase"}
#define ROWS_CHAT(o) \
    {"chat", OPTION_FLAG, &(o)->chat, NULL, \
     "the prompt in the model's own chat format; the instruction is its system message"}, \
    {"chat_before", OPTION_TEXT, (void *)&(o)->chat_before, "TEXT", \
     "for a format that --chat does not know: what comes before the prompt"}, \
    {"chat_after", OPTION_TEXT, (void *)&(o)->chat_after, "TEXT", \
     "... and after it, up to where the answer begins"}
#define ROWS_DECODING(o) \
    {"select", OPTION_TEXT, (void *)&(o)->select, "K", \
     "only the K paraphrases that are surest alone, mass 1/K each (fused)"}, \
    {"hybrid", OPTION_TEXT, (void *)&(o)->hybrid, "A", \
     "A times its logits, 1 - A times the mean of those of each paraphrase alone (fused)"}, \
    {"tau", OPTION_TEXT, (void *)&(o)->tau, "T", "weights exp(-H / T) (entropy_avg: 1)"}, \
    {"from_layer", OPTION_TEXT, (void *)&(o)->from_layer, "L", \
     "hidden states become their mean after each layer from L on (hidden: 0, all layers)"}, \
    {"beams", OPTION_TEXT, (void *)&(o)->beams, "B", "beam search with B beams (1: greedy)"}, \
    {"length_penalty", OPTION_TEXT, (void *)&(o)->length_penalty, "A", \
     "a beam's score is its sum of log p / length^A (1)"}
#define ROWS_OUTPUT(target) \
    {"output", OPTION_TEXT, (void *)&(target), "DIR", \
     "datasets/{dataset}/{model}; also --output_dir"}, \
    {"output_dir", OPTION_TEXT, (void *)&(target), "DIR", "the original's name for it"}
#define ROW_REWRITE(target) {"rewrite", OPTION_FLAG, &(target), NULL, \
                             "make the file anew if it is there already"}
#define ROWS_MACHINE(threads, device, exact, kernels, arithmetic) \
    {"threads", OPTION_COUNT, &(threads), "N", "0: one per processor; changes no result"}, \
    {"device", OPTION_TEXT, (void *)&(device), "auto|cpu|cuda", \
     "what computes (auto: a GPU if this program can use one)"}, \
    {"exact", OPTION_FLAG, &(exact), NULL, "on a GPU, too: the CPU's bits; slower there"}, \
    {"kernels", OPTION_TEXT, (void *)&(kernels), "KERNELS", "changes no result"}, \
    ROW_ARITHMETIC(arithmetic)
#define ROW_ARITHMETIC(target) {"arithmetic", OPTION_TEXT, (void *)&(target), "f32|bf16", \
                                "of products and attention; on a processor, each with its own exact bits (f32)"}
#define ROW_QUIET(target) {"quiet", OPTION_FLAG, &(target), NULL, "no progress"}
#define ROWS_END {NULL, OPTION_FLAG, NULL, NULL, NULL}
/* clang-format on */

#endif
