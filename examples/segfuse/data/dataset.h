/* Questions: what a data file or folder says, whatever its format and schema, as uuid, answers and
   paraphrases.

   The columns tell the schema; [..] may be missing:

       MyriadLAMA       uuid, answers, manual_paraphrases, auto_paraphrases, [rel]
       raw MyriadLAMA   uuid, sub_ent, obj_aliases, template, is_manual, [rel_uri]: one row a template
       WebQA            [uuid], answers, paraphrase0, paraphrase1, ...
       raw WebQA        [uuid], question or qText, answers */
#ifndef SEGFUSE_DATASET_H
#define SEGFUSE_DATASET_H

#include "source.h"

typedef enum {
    SCHEMA_MYRIADLAMA,
    SCHEMA_MYRIADLAMA_RAW,
    SCHEMA_WEBQA,
    SCHEMA_WEBQA_RAW
} data_schema;
/* What a schema is called, and its columns. */
typedef struct {
    const char *name, *columns;
} schema_text;
extern const schema_text schemas[4];
typedef struct {
    sgf_str uuid;
    sgf_str relation; /* of the column rel, rel_uri or relation; empty if there is none */
    const sgf_str *answers;
    size_t answer_count;
    const sgf_str *paraphrases;
    size_t paraphrase_count;
    size_t manual_count; /* so many of them, the first, people wrote; models made the others */
    size_t row;          /* its first row in the data, from 0 */
} question;
typedef struct {
    data_source source;
    data_schema schema;
    struct table *table;
    base_arena arena; /* texts that are not in the table */
    question *questions;
    size_t count, cap;
    sgf_str *texts; /* answers, then paraphrases, question by question */
    size_t text_count, text_cap;
    char identity[33]; /* MD5 of everything that is asked and expected */
} dataset;
void dataset_free(dataset *d);
/* A row and what it is sorted by. */
typedef struct {
    sgf_str uuid;
    size_t row;
} row_key;
int row_key_order(const void *a, const void *b);
int row_key_same(const row_key *a, const row_key *b);
/* The questions of a file, of a save_to_disk folder, or of the split `wanted` of a folder of splits.
   NULL wants test where there are several, and all of a file that the original would split. */
sgf_status dataset_load(const char *path, const char *wanted, dataset *d, sgf_error *err);
/* One question that nobody has answered, from the command line. The texts must stay. */
sgf_status dataset_ask(dataset *d, const char *const *texts, size_t n, sgf_error *err);
/* Is this text a statement with [MASK], as those of MyriadLAMA are? */
int dataset_masked(sgf_str text);
/* What the model is told to do, for a data set of that kind. */
const char *dataset_instruction(const char *kind);
/* The few-shot examples: Python's random.seed(seed); random.sample(range(n), k). The question is
   paraphrase 0, the answer the first one. *spares others follow, what a sample of more would pick
   next; fewer if there are not so many questions. `examples` has room for all. */
sgf_status dataset_examples(const dataset *d, long seed, size_t k, size_t *spares,
                            sgf_example *examples, sgf_error *err);
/* Has the example one of the question's wordings? It would tell the answer. */
int dataset_example_is(const sgf_example *example, const question *q);

#endif
