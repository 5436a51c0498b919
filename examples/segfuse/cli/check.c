/* segfuse check: what this machine offers, which models are here, and whether the bundled model
   answers with the very bits that are recorded beside it. */
#define _XOPEN_SOURCE 700
#include "../base/hash.h"
#include "hub.h"
#include "model.h"
#include "../runs/methods.h"
#include "inspect.h"
#include "found.h"
#include "verbs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CHECK_FOLDER "models/" BUNDLED_MODEL
enum { CHECK_INDENT = 27, CHECK_QUESTIONS = 8, CHECK_SLOW = 1 /* for the slow kernels */ };

/* "  label         status      text", the text wrapped. Returns 1 if the status is a failure. */
static BASE_PRINTF(3, 4) int check_line(const char *label, const char *status, const char *format,
                                        ...) {
    char text[2048];
    va_list arguments;
    int column;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    column = printf("  %-12s", label);
    if (column > 14) printf("\n%15s", "");
    else printf(" ");
    printf("%-12s", status);
    text_wrap(stdout, text, CHECK_INDENT, CHECK_INDENT);
    printf("\n");
    fflush(stdout);
    return !strcmp(status, "FAILED");
}

/* ---- the machine ---- */

/* The number behind `key` in a file of lines such as "MemTotal:  24683520 kB"; 0 if there is none. */
static double proc_number(const char *path, const char *key) {
    FILE *file = fopen(path, "rb");
    char line[256];
    double value = 0;
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key))) {
            value = strtod(line + strlen(key), NULL);
            break;
        }
    if (file) fclose(file);
    return value;
}
/* What the processor is called: as the kernel says, else its architecture. */
static void processor_name(char *out, size_t cap) {
    FILE *file = fopen("/proc/cpuinfo", "rb");
    char line[256];
    const char *colon;
    struct utsname names;
    out[0] = 0;
    while (file && !out[0] && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (!strncmp(line, "model name", 10) && (colon = strchr(line, ':')) != NULL)
            path_make(out, cap, "%s", colon + 1 + strspn(colon + 1, " "));
    }
    if (file) fclose(file);
    if (!out[0] && uname(&names) >= 0) path_make(out, cap, "%s", names.machine);
}
/* Bytes this process may use, and how many of them are free; 0 where it cannot be found out. A
   container's limit counts. */
static void memory_read(double *total, double *available) {
    double limit = proc_number("/sys/fs/cgroup/memory.max", ""), used;
    *total = 1024 * proc_number("/proc/meminfo", "MemTotal:");
    *available = 1024 * proc_number("/proc/meminfo", "MemAvailable:");
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
    if (!(*total > 0)) *total = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
#endif
    if (!(limit > 0) || limit >= *total) return;
    used = proc_number("/sys/fs/cgroup/memory.current", "");
    *total = limit;
    if (limit - used < *available) *available = limit > used ? limit - used : 0;
}
/* A session takes as many threads, at most 256. */
static int processors_online(void) {
    long n = 1;
#if defined(_SC_NPROCESSORS_ONLN)
    n = sysconf(_SC_NPROCESSORS_ONLN);
#endif
    return n < 1 ? 1 : n < 256 ? (int)n : 256;
}
static void check_machine(const sgf_model *bundled, double total, double available) {
    char name[256], here[256];
    size_t i, n = 0;
    sgf_session_options how;
    sgf_session *session;
    const char *best = NULL;
    int processors = processors_online(), threads = processors;
#ifdef SGF_NO_THREADS
    threads = 1;
#endif
    printf("This machine\n");
    processor_name(name, sizeof name);
    check_line("processor", "ok", "%s", name[0] ? name : "its name is not known");
    here[0] = 0;
    memset(&how, 0, sizeof how);
    for (i = SGF_KERNELS_COUNT; bundled && i-- > SGF_KERNELS_AUTO + 1;) {
        how.kernels = (sgf_kernels)i;
        if (sgf_session_create(bundled, &how, &session, NULL)) continue;
        sgf_session_free(session);
        if (!best) best = kernels_name(i);
        else
            n += (size_t)snprintf(here + n, sizeof here - n, "%s%s",
                                  n ? ", " : "; also here: ", kernels_name(i));
    }
    check_line("cores", "ok", "%d; %d thread%s used", processors, threads,
               threads == 1 ? " is" : "s are");
    if (best) check_line("kernels", "ok", "%s%s (same bits)", best, here);
    if (total > 0)
        check_line("memory", "ok", "%s, %s free", base_bytes(total).text,
                   base_bytes(available).text);
    else check_line("memory", "not found", "its size cannot be found out here");
#ifdef SGF_NO_MMAP
    check_line("mapping", "not found", "this build reads weights into memory (SGF_NO_MMAP)");
#else
    check_line("mapping", "ok", "weights are mapped, not copied");
#endif
    {
        char gpu[256];
        sgf_error err;
        if (!sgf_device_describe(SGF_DEVICE_CUDA, gpu, sizeof gpu, &err))
            check_line("GPU", "ok", "%s", gpu);
        else check_line("GPU", "not found", "%s", err.message);
    }
}

/* ---- the models ---- */

/* One model; 1 if it is broken. */
static int check_model(const found_model *m, double total) {
    char types[256];
    inspected x;
    tensors w;
    uint64_t bytes = 0, tokens;
    double need;
    int bad;
    if (m->err.status) return check_line(m->name, "FAILED", "%s", m->err.message);
    memset(&x, 0, sizeof x);
    x.path = m->path;
    x.has_config = 1;
    x.has_tokenizer = folder_has(m->path, "tokenizer.json");
    x.has_weights = folder_has(m->path, "model.safetensors") ||
                    folder_has(m->path, "model.safetensors.index.json");
    inspect_load(&x);
    if (x.model) {
        if (!tensors_read_folder(m->path, NULL, &w, NULL))
            bytes = weights_sum(&w, types, sizeof types);
        tensors_free(&w);
    }
    tokens = x.config.context < 4096 ? (uint64_t)x.config.context : 4096;
    need = (double)bytes + (double)sgf_config_kv_bytes(&x.config) * (double)tokens;
    if (x.err.status)
        bad = check_line(m->name, x.err.status == SGF_ERR_UNSUPPORTED ? "unsupported" : "FAILED",
                         "%s", x.err.message);
    else if (!x.has_weights)
        bad = check_line(m->name, "incomplete", "%s: there is no model.safetensors", m->path);
    else if (!x.has_tokenizer)
        bad = check_line(m->name, "incomplete", "%s: there is no tokenizer.json", m->path);
    else
        bad = check_line(m->name, total > 0 && need > total ? "too large" : "ok",
                         "%s, %s parameters, %s in %s; with %s tokens it needs %s of memory; "
                         "from: %s",
                         x.config.architecture, base_count(sgf_config_parameters(&x.config)).text,
                         base_bytes((double)bytes).text, types, base_count(tokens).text,
                         base_bytes(need).text, m->where);
    sgf_model_free(x.model);
    sgf_tokenizer_free(x.own);
    return bad;
}
static int check_models(const found_models *found, double total) {
    const char *home = environment("SEGFUSE_MODELS");
    char hub[1024];
    size_t i, downloaded = 0;
    int bad = 0;
    printf("\nModels\n");
    for (i = 0; i < found->count; i++) {
        bad += check_model(&found->items[i], total);
        downloaded += strcmp(found->items[i].where, "bundled") != 0;
    }
    if (home && !is_folder(home))
        bad += check_line("$SEGFUSE_MODELS", "FAILED",
                          "%s is not a folder; set it to the folder "
                          "that holds your model folders, or unset it",
                          home);
    hub_folder(hub, sizeof hub);
    if (!downloaded)
        check_line("others", "not found",
                   "neither below $SEGFUSE_MODELS (%s) nor in %s; `hf download %s` gets one",
                   home ? home : "not set", hub, registry_id("llama3.2_1b_it"));
    return bad;
}

/* ---- the bundled model: its answers and their bits ---- */

/* The logits of every step, as little-endian bytes. */
typedef struct {
    base_buf bytes;
    size_t vocabulary;
} check_bits;

static int check_step(void *user, size_t task, size_t step, const float *logits, int32_t *chosen) {
    check_bits *bits = (check_bits *)user;
    size_t i;
    (void)task, (void)step, (void)chosen;
    for (i = 0; i < bits->vocabulary; i++) {
        unsigned char bytes[4];
        uint32_t word;
        memcpy(&word, &logits[i], 4);
        bytes[0] = (unsigned char)word, bytes[1] = (unsigned char)(word >> 8);
        bytes[2] = (unsigned char)(word >> 16), bytes[3] = (unsigned char)(word >> 24);
        if (base_buf_add(&bits->bytes, bytes, 4, NULL)) return 1;
    }
    return 0;
}
/* Ask one question by `fused`: the answer, and the MD5 of all logits. */
static sgf_status check_ask(sgf_session *session, const sgf_model *model, const sgf_prompt *prompt,
                            char *answer, size_t cap, char digest[33], sgf_error *err) {
    sgf_method method;
    sgf_layout layout;
    sgf_task task;
    check_bits bits;
    int32_t ids[10];
    sgf_str text;
    size_t len = 0;
    sgf_status status = sgf_method_find("fused", &method, err);
    sgf_layout_init(&layout, NULL);
    base_buf_init(&bits.bytes, NULL);
    bits.vocabulary = (size_t)model->config.vocab_size;
    memset(&task, 0, sizeof task);
    task.context = &layout;
    task.contexts = 1;
    task.combine = method.combine;
    task.ids = ids;
    task.max_new_tokens = sizeof ids / sizeof ids[0];
    if (!status) status = sgf_prompt_layout(model->tokenizer, prompt, &method, 0, &layout, err);
    if (!status) status = sgf_generate(session, &task, 1, check_step, &bits, err);
    if (!status)
        status = sgf_decode(model->tokenizer, ids, task.count, SGF_DECODE_SKIP_SPECIAL, answer,
                            cap - 1, &len, err);
    if (!status) {
        text.ptr = answer;
        text.len = len;
        text = sgf_prediction_take(SGF_PREDICTION_FIRST_LINE, text);
        memmove(answer, text.ptr, text.len);
        answer[text.len] = 0;
        text.ptr = bits.bytes.ptr;
        text.len = bits.bytes.len;
        hash_md5_hex(text, digest);
    }
    base_buf_free(&bits.bytes);
    sgf_layout_free(&layout);
    return status;
}

/* What is asked, and what was answered when the model was made. */
typedef struct {
    const sgf_model *model;
    dataset data, fewshot;
    sgf_example examples[5];
    struct table *record; /* columns uuid, answer, logits */
    int uuid, answer, logits;
    sgf_arithmetic arithmetic;
} check_quiz;
/* What was recorded in an arithmetic. */
static const char *check_recorded(const check_quiz *quiz) {
    return quiz->arithmetic == SGF_ARITHMETIC_BF16 ? CHECK_FOLDER "/check-bf16.jsonl"
                                                   : CHECK_FOLDER "/check.jsonl";
}

static sgf_status quiz_columns(check_quiz *quiz, sgf_error *err) {
    static const char *const names[] = {"uuid", "answer", "logits"};
    int *columns[3], i;
    columns[0] = &quiz->uuid, columns[1] = &quiz->answer, columns[2] = &quiz->logits;
    for (i = 0; i < 3; i++) {
        *columns[i] = table_find(quiz->record, names[i]);
        if (*columns[i] < 0 || table_type(quiz->record, *columns[i]) != SGF_COLUMN_UTF8)
            return base_fail(err, SGF_ERR_FORMAT, "%s: there are no texts \"%s\"",
                             check_recorded(quiz), names[i]);
    }
    return SGF_OK;
}
/* The questions, the examples and, unless they are to be recorded, the answers. */
static sgf_status quiz_load(check_quiz *quiz, int record, sgf_error *err) {
    char path[1024];
    size_t spares = 0;
    sgf_status status;
    project_path("models/questions/test.jsonl", path, sizeof path);
    status = dataset_load(path, "test", &quiz->data, err);
    project_path("models/questions/train.jsonl", path, sizeof path);
    if (!status) status = dataset_load(path, "train", &quiz->fewshot, err);
    if (!status) status = dataset_examples(&quiz->fewshot, 42, 5, &spares, quiz->examples, err);
    if (status || record) return status;
    status = table_read(project_path(check_recorded(quiz), path, sizeof path), NULL, &quiz->record,
                        err);
    return status ? status : quiz_columns(quiz, err);
}
static void quiz_free(check_quiz *quiz) {
    dataset_free(&quiz->data);
    dataset_free(&quiz->fewshot);
    table_free(quiz->record);
}
static sgf_status quiz_ask(const check_quiz *quiz, sgf_session *session, const question *q,
                           char *answer, size_t cap, char digest[33], sgf_error *err) {
    sgf_prompt prompt;
    memset(&prompt, 0, sizeof prompt);
    prompt.instruction = sgf_text(
        "Based on the context, predict the [MASK] in the sentence in one word.");
    prompt.example = quiz->examples;
    prompt.examples = 5;
    prompt.paraphrase = q->paraphrases;
    prompt.paraphrases = q->paraphrase_count < 5 ? q->paraphrase_count : 5;
    return check_ask(session, quiz->model, &prompt, answer, cap, digest, err);
}
static const question *quiz_find(const check_quiz *quiz, sgf_str uuid) {
    size_t i;
    for (i = 0; i < quiz->data.count; i++)
        if (text_same(quiz->data.questions[i].uuid, uuid)) return &quiz->data.questions[i];
    return NULL;
}
typedef struct {
    size_t asked, answers, bits; /* so many answers, and logits of so many, are as recorded */
} quiz_result;

/* The recorded questions, `most` of them, on a device or with some kernels. */
static sgf_status quiz_take(const check_quiz *quiz, const sgf_session_options *how, size_t most,
                            quiz_result *result, sgf_error *err) {
    char answer[256], digest[33];
    sgf_session *session = NULL;
    size_t row, rows = table_rows(quiz->record);
    sgf_status status;
    memset(result, 0, sizeof *result);
    status = sgf_session_create(quiz->model, how, &session, err);
    for (row = 0; row < rows && row < most && !status; row++) {
        sgf_str uuid = cell_text(quiz->record, quiz->uuid, row);
        const question *q = quiz_find(quiz, uuid);
        if (!q)
            status = base_fail(err, SGF_ERR_FORMAT,
                               "there is no question %s among the bundled ones",
                               base_show(uuid).text);
        else status = quiz_ask(quiz, session, q, answer, sizeof answer, digest, err);
        if (status) break;
        result->asked++;
        result->answers += (size_t)text_same(sgf_text(answer),
                                             cell_text(quiz->record, quiz->answer, row));
        result->bits += (size_t)text_same(sgf_text(digest),
                                          cell_text(quiz->record, quiz->logits, row));
    }
    sgf_session_free(session);
    return status;
}
/* 1 if these kernels, or this device, give other bits. */
static int check_same_bits(const check_quiz *quiz, const char *name,
                           const sgf_session_options *how) {
    int slow = how->kernels == SGF_KERNELS_REFERENCE || how->kernels == SGF_KERNELS_PORTABLE;
    quiz_result r;
    sgf_error err;
    sgf_status status = quiz_take(quiz, how, slow ? CHECK_SLOW : CHECK_QUESTIONS, &r, &err);
    if (status)
        return check_line(name, status == SGF_ERR_UNSUPPORTED ? "not found" : "FAILED", "%s",
                          err.message);
    if (r.bits == r.asked)
        return check_line(name, "ok", "%llu of %llu: every logit has the recorded bits",
                          (unsigned long long)r.bits, (unsigned long long)r.asked);
    return check_line(name, "FAILED",
                      "%llu of %llu: logits have other bits than recorded; this build or this "
                      "processor computes wrongly, and `make test` in the project says more",
                      (unsigned long long)r.bits, (unsigned long long)r.asked);
}
/* A GPU, if there is one: exact, and fast. */
static int check_gpu(const check_quiz *quiz, sgf_session_options how) {
    quiz_result r;
    sgf_error err;
    int bad;
    how.device = SGF_DEVICE_CUDA;
    how.exact = 1;
    bad = check_same_bits(quiz, "GPU, exact", &how);
    how.exact = 0;
    if (quiz_take(quiz, &how, CHECK_QUESTIONS, &r, &err))
        return bad + check_line("GPU, fast", "FAILED", "%s", err.message);
    return bad + check_line("GPU, fast", r.asked && r.answers == r.asked ? "ok" : "FAILED",
                            "%llu of %llu questions answered as recorded",
                            (unsigned long long)r.answers, (unsigned long long)r.asked);
}
/* 1 for each thing that is wrong. */
static int check_answers(const check_quiz *quiz) {
    sgf_session_options how;
    quiz_result r;
    sgf_error err;
    char gpu[8];
    int k, bad;
    memset(&how, 0, sizeof how);
    how.arithmetic = quiz->arithmetic;
    if (quiz_take(quiz, &how, CHECK_QUESTIONS, &r, &err))
        return check_line("answers", "FAILED", "%s", err.message);
    bad = check_line("answers", r.asked && r.answers == r.asked ? "ok" : "FAILED",
                     "%llu of %llu questions answered by fused as recorded%s",
                     (unsigned long long)r.answers, (unsigned long long)r.asked,
                     r.answers == r.asked ? "" : "; is this the model that came with the program?");
    for (k = SGF_KERNELS_AUTO + 1; k < SGF_KERNELS_COUNT; k++) {
        how.kernels = (sgf_kernels)k;
        bad += check_same_bits(quiz, kernels_name((size_t)k), &how);
    }
    how.kernels = SGF_KERNELS_AUTO;
    if (quiz->arithmetic == SGF_ARITHMETIC_F32 &&
        !sgf_device_describe(SGF_DEVICE_CUDA, gpu, sizeof gpu, &err))
        bad += check_gpu(quiz, how);
    return bad;
}
/* Write what the model answers now, for the folder of the model. */
static int check_record(check_quiz *quiz, const char *path) {
    char answer[256], digest[33];
    sgf_session *session = NULL;
    sgf_error err;
    size_t i;
    int columns[3];
    sgf_session_options how;
    sgf_status status = table_create(NULL, &quiz->record, &err);
    memset(&how, 0, sizeof how);
    how.arithmetic = quiz->arithmetic;
    if (!status) status = table_column(quiz->record, "uuid", SGF_COLUMN_UTF8, &columns[0], &err);
    if (!status) status = table_column(quiz->record, "answer", SGF_COLUMN_UTF8, &columns[1], &err);
    if (!status) status = table_column(quiz->record, "logits", SGF_COLUMN_UTF8, &columns[2], &err);
    if (!status) status = sgf_session_create(quiz->model, &how, &session, &err);
    for (i = 0; i < CHECK_QUESTIONS && !status; i++) {
        const question *q = &quiz->data.questions[i * quiz->data.count / CHECK_QUESTIONS];
        status = quiz_ask(quiz, session, q, answer, sizeof answer, digest, &err);
        if (!status) status = table_text(quiz->record, columns[0], q->uuid, &err);
        if (!status) status = table_text(quiz->record, columns[1], sgf_text(answer), &err);
        if (!status) status = table_text(quiz->record, columns[2], sgf_text(digest), &err);
    }
    if (!status) status = table_write_jsonl(quiz->record, path, &err);
    sgf_session_free(session);
    return status ? failed("check", &err) : 0;
}

/* 1 for each thing that is wrong. */
static int check_bundled(const char *path, check_quiz *quiz, const sgf_error *loading) {
    sgf_error err;
    printf("\nThe bundled model%s\n",
           quiz->arithmetic == SGF_ARITHMETIC_BF16 ? ", in the arithmetic bf16" : "");
    if (!is_folder(path))
        return check_line("model", "FAILED",
                          "there is no folder %s here, nor beside this program; start it in the "
                          "project, or install it with `make install`",
                          path);
    if (!quiz->model) return check_line("model", "FAILED", "%s", loading->message);
    if (quiz_load(quiz, 0, &err)) return check_line("questions", "FAILED", "%s", err.message);
    return check_answers(quiz);
}
static int check_all(const char *path, check_quiz *quiz, const sgf_error *loading) {
    double total, available;
    found_models found = found_make();
    int bad;
    memory_read(&total, &available);
    check_machine(quiz->model, total, available);
    bad = check_models(&found, total);
    bad += check_bundled(path, quiz, loading);
    if (bad) printf("\n%d thing%s FAILED.\n", bad, bad == 1 ? "" : "s");
    else printf("\nAll is well.\n");
    free(found.items);
    return bad != 0;
}
int verb_check(int argc, char **argv) {
    const char *record = NULL, *arithmetic = NULL, *rest[1];
    char path[1024];
    sgf_model *bundled = NULL;
    check_quiz quiz;
    sgf_error err;
    int rests, status;
    option options[] = {{"record", OPTION_TEXT, (void *)&record, "OUT.jsonl",
                         "write what the bundled model answers, to be compared with later"},
                        ROW_ARITHMETIC(arithmetic),
                        ROWS_END};
    status = options_parse(argc, argv, options, "",
                           "What this machine offers, which models are here, and whether the "
                           "bundled model answers as it should, to the last bit. Exit status 1 if "
                           "something FAILED.",
                           rest, &rests, 0);
    if (status >= 0) return status;
    memset(&quiz, 0, sizeof quiz);
    quiz.arithmetic = arithmetic_named(arithmetic);
    if (!sgf_model_load(project_path("models/" BUNDLED_MODEL, path, sizeof path), NULL, &bundled,
                        &err))
        quiz.model = bundled;
    if (!record) status = check_all(path, &quiz, &err);
    else if (!bundled || quiz_load(&quiz, 1, &err)) status = failed("check", &err);
    else status = check_record(&quiz, record);
    quiz_free(&quiz);
    sgf_model_free(bundled);
    return status;
}
