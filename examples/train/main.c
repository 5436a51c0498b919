/* segfuse-train - make question files from facts, train the bundled model, evaluate it. */
#define _XOPEN_SOURCE 700
#define SGF_STATIC
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"

#include <dirent.h>
#include <time.h>

#include "../segfuse/base/base.c"
#include "../segfuse/base/hash.c"
#include "../segfuse/base/json.c"
#include "../segfuse/base/random.c"

#include "train.h"
#include "bpe.c"
#include "facts.c"
#include "prompt.c"
#include "kernels.c"
#include "net.c"
#include "backward.c"
#include "adamw.c"
#include "save.c"
#include "evaluate.c"
#include "stages.c"

static const char usage[] =
    "segfuse-train questions --facts DIR --output DIR [--seed 1]\n"
    "    writes train.jsonl, validation.jsonl and test.jsonl; a name is an alias or misspelt with these odds:\n"
    "    [--alias 0.2] [--misspelt 0.5] [--second_slip 0.5]\n"
    "segfuse-train train --facts DIR --questions DIR --output DIR [--seed 1] [--threads 2] [--checkpoint FILE]\n"
    "    trains a tokenizer and a model and writes them as a Hugging Face folder, with loss.tsv and loss.svg;\n"
    "    FILE keeps the model after stage 1: where it exists, stage 1 is not done again\n"
    "    size:    [--width 192] [--layers 4] [--vocabulary 2048]\n"
    "    stages:  [--batch 16] [--steps1 N] [--rate1 X] [--steps2 N] [--rate2 X]\n"
    "    stage 1: [--unseen 5] [--rare 5] [--rare_weight 0.1] [--alias1 P] [--misspelt1 P]\n"
    "    stage 2: [--plain P] [--flex P] [--corrupted P] [--other P] [--even_weights P] [--alias2 P] [--misspelt2 P]\n"
    "segfuse-train evaluate --model DIR --questions FILE --train FILE [--threads 2]\n"
    "    teacher-forced accuracy on a question file; few-shot examples come from --train\n";

typedef struct tr_options {
    const char *facts, *output, *questions, *model, *train, *checkpoint;
    int threads;
    tr_care care;
    tr_recipe recipe;
    tr_config config;
} tr_options;

static double option_number(const char *name, const char *text) {
    double value = 0;
    if (!text || base_number_parse(text, strlen(text), &value) != strlen(text))
        tr_die("%s wants a number", name);
    return value;
}
static void options_read(int argc, char **argv, tr_options *o) {
    struct {
        const char *name;
        const char **text;
        double *number;
        size_t *size;
        int *integer;
    } known[] = {{"--facts", &o->facts, NULL, NULL, NULL},
                 {"--output", &o->output, NULL, NULL, NULL},
                 {"--questions", &o->questions, NULL, NULL, NULL},
                 {"--model", &o->model, NULL, NULL, NULL},
                 {"--train", &o->train, NULL, NULL, NULL},
                 {"--checkpoint", &o->checkpoint, NULL, NULL, NULL},
                 {"--threads", NULL, NULL, NULL, &o->threads},
                 {"--seed", NULL, NULL, NULL, &o->recipe.seed},
                 {"--alias", NULL, &o->care.alias, NULL, NULL},
                 {"--misspelt", NULL, &o->care.misspelt, NULL, NULL},
                 {"--second_slip", NULL, &o->care.second_slip, NULL, NULL},
                 {"--alias1", NULL, &o->recipe.care[0].alias, NULL, NULL},
                 {"--misspelt1", NULL, &o->recipe.care[0].misspelt, NULL, NULL},
                 {"--alias2", NULL, &o->recipe.care[1].alias, NULL, NULL},
                 {"--misspelt2", NULL, &o->recipe.care[1].misspelt, NULL, NULL},
                 {"--batch", NULL, NULL, &o->recipe.batch, NULL},
                 {"--steps1", NULL, NULL, &o->recipe.steps1, NULL},
                 {"--steps2", NULL, NULL, &o->recipe.steps2, NULL},
                 {"--rate1", NULL, &o->recipe.rate1, NULL, NULL},
                 {"--rate2", NULL, &o->recipe.rate2, NULL, NULL},
                 {"--unseen", NULL, NULL, &o->recipe.unseen, NULL},
                 {"--rare", NULL, NULL, &o->recipe.rare, NULL},
                 {"--rare_weight", NULL, &o->recipe.rare_weight, NULL, NULL},
                 {"--plain", NULL, &o->recipe.plain, NULL, NULL},
                 {"--flex", NULL, &o->recipe.flex, NULL, NULL},
                 {"--corrupted", NULL, &o->recipe.corrupted, NULL, NULL},
                 {"--other", NULL, &o->recipe.other, NULL, NULL},
                 {"--vocabulary", NULL, NULL, &o->config.V, NULL},
                 {"--even_weights", NULL, &o->recipe.even_weights, NULL, NULL},
                 {"--layers", NULL, NULL, &o->config.L, NULL},
                 {"--width", NULL, NULL, &o->config.D, NULL}};
    size_t k;
    int i;
    for (i = 2; i < argc; i += 2) {
        for (k = 0; k < sizeof known / sizeof known[0]; k++)
            if (!strcmp(argv[i], known[k].name)) break;
        if (k == sizeof known / sizeof known[0]) {
            fprintf(stderr, "unknown option %s\n%s", argv[i], usage);
            exit(2);
        }
        if (i + 1 == argc) tr_die("%s wants a value", argv[i]);
        if (known[k].text) *known[k].text = argv[i + 1];
        else if (known[k].number) *known[k].number = option_number(argv[i], argv[i + 1]);
        else if (known[k].size) *known[k].size = (size_t)option_number(argv[i], argv[i + 1]);
        else *known[k].integer = (int)option_number(argv[i], argv[i + 1]);
    }
}
static const char *wanted(const char *value, const char *name) {
    if (!value) tr_die("%s is wanted\n%s", name, usage);
    return value;
}
static void questions_read(const char *dir, const char *name, tr_questions *out) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    tr_questions_read(path, out);
}

static void run_train(tr_options *o) {
    tr_facts facts;
    tr_bpe bpe;
    tr_net net;
    tr_adamw adam;
    tr_maker maker;
    tr_log log;
    tr_questions files[3];
    const tr_questions *held[2];
    tr_scores scores;
    sgf_tokenizer *tokenizer;
    sgf_error error;
    time_t begun = time(NULL);
    const char *dir = wanted(o->output, "--output"),
               *questions = wanted(o->questions, "--questions");
    tr_bpe_create(&bpe);
    memset(&log, 0, sizeof log);
    tr_facts_read(wanted(o->facts, "--facts"), &facts);
    questions_read(questions, "validation.jsonl", &files[0]);
    questions_read(questions, "test.jsonl", &files[1]);
    questions_read(questions, "train.jsonl", &files[2]);
    tr_corpus_count(&bpe, &facts);
    tr_bpe_train(&bpe, o->config.V);
    tr_bpe_write(&bpe, dir);
    if (sgf_tokenizer_load(dir, NULL, &tokenizer, &error)) tr_die("%s", error.message);
    fprintf(stderr, "%d facts of %d relations; %d words, %d merges; %d s\n", (int)facts.facts,
            (int)facts.relations, (int)bpe.words, (int)bpe.merges, (int)(time(NULL) - begun));
    tr_maker_create(&facts, tokenizer, &o->recipe, &maker);
    held[0] = &files[0];
    held[1] = &files[1];
    tr_hold(&maker, held, 2);
    tr_net_create(&o->config, o->threads, &net);
    tr_net_init(&net, o->recipe.seed);
    tr_adamw_create(&net, &adam);
    fprintf(stderr, "%d parameters, %d misspelt names held out\n", (int)net.param.count,
            (int)maker.helds);
    if (!o->checkpoint || !tr_checkpoint_read(o->checkpoint, &net.param, &log)) {
        tr_stage(&net, &adam, &maker, 1, &log);
        if (o->checkpoint) tr_checkpoint_write(o->checkpoint, &net.param, &log);
    }
    fprintf(stderr, "stage 1: %d s\n", (int)(time(NULL) - begun));
    tr_adamw_free(&adam);
    tr_adamw_create(&net, &adam);
    tr_stage(&net, &adam, &maker, 2, &log);
    tr_weights_round(&net.param);
    tr_evaluate(&net, tokenizer, &files[0], &files[2], &scores);
    fprintf(stderr, "validation: ");
    tr_scores_print(&scores, stderr);
    tr_weights_write(&net.config, &net.param, dir);
    tr_config_write(&net.config, dir);
    tr_log_write(&log, dir);
    tr_picture_write(&log, dir);
    fprintf(stderr, "%s: %d s\n", dir, (int)(time(NULL) - begun));
    tr_adamw_free(&adam);
    tr_net_free(&net);
    tr_maker_free(&maker);
    tr_bpe_free(&bpe);
    sgf_tokenizer_free(tokenizer);
    tr_facts_free(&facts);
}

/* A tensor of the model file into the trainer's place for it. */
static void tensor_copy(const sgf_tensor *from, float *to) {
    const uint16_t *half = (const uint16_t *)from->data;
    size_t n = from->rows * from->cols, i;
    if (from->dtype == SGF_DTYPE_F32) memcpy(to, from->data, n * sizeof *to);
    else
        for (i = 0; i < n; i++)
            to[i] = from->dtype == SGF_DTYPE_BF16 ? tr_bf16_float(half[i]) : tr_f16_float(half[i]);
}
/* Any Llama of a Hugging Face folder whose dimensions suit the trainer. */
static void model_read(const sgf_model *model, tr_net *net) {
    const tr_config *c = &net->config;
    size_t l, heads = c->H * c->C, shared = c->G * c->C;
    tensor_copy(&model->embedding, net->param.embedding);
    tensor_copy(&model->norm, net->param.norm);
    for (l = 0; l < c->L; l++) {
        const sgf_layer *from = &model->layer[l];
        tr_layer *to = &net->param.layer[l];
        tensor_copy(&from->attn_norm, to->norm1);
        tensor_copy(&from->q, to->qkv);
        tensor_copy(&from->k, to->qkv + heads * c->D);
        tensor_copy(&from->v, to->qkv + (heads + shared) * c->D);
        tensor_copy(&from->o, to->o);
        tensor_copy(&from->ffn_norm, to->norm2);
        tensor_copy(&from->gate, to->gu);
        tensor_copy(&from->up, to->gu + c->F * c->D);
        tensor_copy(&from->down, to->down);
    }
}
static void run_evaluate(tr_options *o) {
    sgf_model *model = NULL;
    sgf_error error;
    tr_net net;
    tr_config *c = &o->config;
    tr_questions questions, train;
    tr_scores scores;
    if (sgf_model_load(wanted(o->model, "--model"), NULL, &model, &error))
        tr_die("%s", error.message);
    if (strcmp(model->config.architecture, "LlamaForCausalLM"))
        tr_die("%s: a %s; evaluate takes a LlamaForCausalLM", o->model, model->config.architecture);
    c->D = (size_t)model->config.dim, c->L = (size_t)model->config.layers,
    c->H = (size_t)model->config.heads;
    c->G = (size_t)model->config.kv_heads, c->C = (size_t)model->config.head_dim,
    c->F = (size_t)model->config.ffn_dim;
    c->V = (size_t)model->config.vocab_size, c->context = (size_t)model->config.context;
    c->eps = (double)model->config.rms_eps, c->theta = model->config.rope_theta;
    tr_questions_read(wanted(o->questions, "--questions"), &questions);
    tr_questions_read(wanted(o->train, "--train"), &train);
    tr_net_create(c, o->threads, &net);
    model_read(model, &net);
    tr_evaluate(&net, model->tokenizer, &questions, &train, &scores);
    tr_scores_print(&scores, stdout);
    tr_net_free(&net);
    sgf_model_free(model);
    base_arena_free(&questions.arena);
    base_arena_free(&train.arena);
}

int main(int argc, char **argv) {
    tr_options o;
    memset(&o, 0, sizeof o);
    o.threads = 2;
    o.care.alias = 0.2, o.care.misspelt = 0.5, o.care.second_slip = 0.5;
    o.recipe.seed = 1;
    o.recipe.batch = 16, o.recipe.steps1 = 2000, o.recipe.steps2 = 1400;
    o.recipe.rate1 = 1.5e-3, o.recipe.rate2 = 8e-4;
    o.recipe.unseen = 5, o.recipe.rare = 5, o.recipe.rare_weight = 0.1;
    o.recipe.care[0].alias = 0.1, o.recipe.care[0].misspelt = 0.1,
    o.recipe.care[0].second_slip = 0.3;
    o.recipe.care[1].alias = 0.1, o.recipe.care[1].misspelt = 0.1,
    o.recipe.care[1].second_slip = 0.3;
    o.recipe.plain = 0.1, o.recipe.flex = 0.4, o.recipe.corrupted = 0.5, o.recipe.other = 0.2,
    o.recipe.even_weights = 0.8;
    o.recipe.answer_weight[0] = 2, o.recipe.answer_weight[1] = 5;
    o.config.D = 192, o.config.L = 4, o.config.H = 6, o.config.G = 2, o.config.C = 32,
    o.config.F = 512;
    o.config.V = 2048, o.config.context = 2048, o.config.eps = 1e-5, o.config.theta = 10000;
    if (argc < 2) {
        fputs(usage, stderr);
        return 2;
    }
    options_read(argc, argv, &o);
    if (!strcmp(argv[1], "questions")) {
        tr_facts facts;
        tr_facts_read(wanted(o.facts, "--facts"), &facts);
        tr_questions_write(&facts, wanted(o.output, "--output"), o.recipe.seed, &o.care);
        tr_facts_free(&facts);
    } else if (!strcmp(argv[1], "train")) run_train(&o);
    else if (!strcmp(argv[1], "evaluate")) run_evaluate(&o);
    else {
        fputs(usage, stderr);
        return 2;
    }
    return 0;
}
