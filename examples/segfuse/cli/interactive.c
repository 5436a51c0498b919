/* segfuse interactive: asks what to do, one thing after the other, shows the command that does it,
   and runs it. Works line by line, so a terminal and a file of answers are the same. */
#define _XOPEN_SOURCE 700
#include "hub.h"
#include "model.h"
#include "../data/dataset.h"
#include "../runs/relations.h"
#include "inspect.h"
#include "found.h"
#include "manual.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char answer[1024];
    int over; /* stdin is at its end */
} dialog;

/* What is run: the words of a command line. */
typedef struct {
    char *argv[32];
    int argc;
    char texts[8192];
    size_t used;
} command_line;

static void command_add(command_line *c, const char *word) {
    size_t n = strlen(word) + 1;
    if (c->argc + 1 >= (int)(sizeof c->argv / sizeof c->argv[0]) || n > sizeof c->texts - c->used)
        return;
    c->argv[c->argc++] = (char *)memcpy(c->texts + c->used, word, n);
    c->argv[c->argc] = NULL;
    c->used += n;
}
static void command_option(command_line *c, const char *name, const char *value) {
    command_add(c, name);
    command_add(c, value);
}
/* ---- asking ---- */

/* Ctrl-C: the shell's prompt begins on a line of its own. */
static void dialog_interrupted(int signal) {
    (void)signal;
    if (write(1, "\n", 1) < 0) _exit(1);
    _exit(130);
}
/* A line without surrounding space, the default for an empty one; 0 at the end of stdin. */
static int dialog_line(dialog *d, const char *prompt, const char *otherwise) {
    size_t n = 0, begin;
    int c = EOF;
    printf("%s%s%s%s: ", prompt, otherwise ? " [" : "", otherwise ? otherwise : "",
           otherwise ? "]" : "");
    fflush(stdout);
    while ((c = getchar()) != EOF && c != '\n')
        if (n + 1 < sizeof d->answer && c) d->answer[n++] = (char)c;
    while (n && strchr(" \t\r", d->answer[n - 1])) n--;
    d->answer[n] = 0;
    begin = strspn(d->answer, " \t");
    memmove(d->answer, d->answer + begin, n - begin + 1);
    if (!d->answer[0] && otherwise) path_make(d->answer, sizeof d->answer, "%s", otherwise);
    if (!isatty(0)) printf("%s\n", d->answer); /* a terminal has shown it already */
    if (c != EOF || n) return 1;
    if (isatty(0)) printf("\n");
    d->over = 1;
    return 0;
}
/* A number within these limits, or `otherwise`; 0 at the end of stdin. */
static int dialog_number(dialog *d, const char *prompt, const char *otherwise, long least,
                         long most) {
    while (dialog_line(d, prompt, otherwise)) {
        char *end;
        long n = strtol(d->answer, &end, 10);
        if (!strcmp(d->answer, otherwise) || (!*end && n >= least && n <= most)) return 1;
        printf("  A whole number from %ld to %ld is needed, not '%s'.\n", least, most, d->answer);
    }
    return 0;
}
/* 1 yes, 0 no or the end of stdin. */
static int dialog_yes(dialog *d, const char *prompt) {
    while (dialog_line(d, prompt, "Y/n")) {
        if (strchr("yY", d->answer[0])) return 1;
        if (strchr("nN", d->answer[0])) return 0;
        printf("  Please answer y or n.\n");
    }
    return 0;
}

/* A menu: names with a description each. */
typedef struct {
    const char *name[64], *text[64];
    size_t count;
} menu;

static void menu_add(menu *m, const char *name, const char *text) {
    if (m->count == sizeof m->name / sizeof m->name[0]) return;
    m->name[m->count] = name;
    m->text[m->count++] = text;
}
static void menu_show(const menu *m, const char *title) {
    size_t i;
    printf("\n%s\n", title);
    for (i = 0; i < m->count; i++) {
        printf("  %2llu  %-18s ", (unsigned long long)i + 1, m->name[i]);
        text_wrap(stdout, m->text[i], 25, 25);
        printf("\n");
    }
}
/* The entry that a number or a name chooses; -1 after saying that there is none. */
static int menu_find(const menu *m, const char *given) {
    name_nearest near = nearest_to(given);
    char *end;
    long n = strtol(given, &end, 10);
    size_t i;
    if (*given && !*end && n >= 1 && n <= (long)m->count) return (int)n - 1;
    for (i = 0; i < m->count; i++) {
        if (!strcmp(m->name[i], given)) return (int)i;
        nearest_try(&near, sgf_text(m->name[i]));
    }
    printf("  There is no '%s'%s%s; a number from 1 to %llu, or a name, is needed.\n", given,
           near.best.ptr ? ". Did you mean " : "", near.best.ptr ? near.best.ptr : "",
           (unsigned long long)m->count);
    return -1;
}
/* The chosen entry; -1 at the end of stdin. */
static int menu_ask(dialog *d, const menu *m, const char *title, const char *otherwise) {
    int i = -1;
    menu_show(m, title);
    while (i < 0 && dialog_line(d, "Number or name", otherwise)) i = menu_find(m, d->answer);
    return d->over ? -1 : i;
}

/* ---- the questions ---- */

static int ask_model(dialog *d, command_line *c) {
    static char texts[64][192];
    static const char other[] = "another";
    found_models found = found_make();
    model_search search;
    char path[1024], hint[320];
    sgf_config config;
    sgf_error err;
    menu m;
    size_t i;
    int chosen, downloaded = 0, done = 0;
    m.count = 0;
    for (i = 0; i < found.count && m.count < 63; i++) {
        const found_model *f = &found.items[i];
        if (f->err.status || sgf_config_load(f->path, NULL, &config, NULL)) continue;
        if (!folder_has(f->path, "tokenizer.json")) continue;
        snprintf(texts[m.count], sizeof texts[0], "%.40s, %s parameters; from: %s",
                 config.architecture, base_count(sgf_config_parameters(&config)).text, f->where);
        menu_add(&m, f->name, texts[m.count]);
        downloaded += strcmp(f->where, "bundled") != 0;
    }
    menu_add(&m, other, "a folder, or a Hugging Face id such as ORG/NAME");
    if (!downloaded) {
        snprintf(hint, sizeof hint,
                 "More models: `hf download %s` puts one into the cache of Hugging Face, where it "
                 "is found; or set $SEGFUSE_MODELS to the folder that holds your model folders.",
                 registry_id("llama3.2_1b_it"));
        printf("\n");
        text_wrap(stdout, hint, 0, 0);
        printf("\n");
    }
    chosen = menu_ask(d, &m, "Which model?", m.count > 1 ? m.name[0] : NULL);
    if (chosen >= 0 && m.name[chosen] != other) {
        command_option(c, "--model", m.name[chosen]);
        done = 1;
    }
    free(found.items);
    search.path = path;
    search.cap = sizeof path;
    while (chosen >= 0 && !done && dialog_line(d, "Folder or id", NULL)) {
        int there = model_search_for(&search, d->answer, &err);
        if (there > 0 && !sgf_config_load(path, NULL, &config, &err)) {
            command_option(c, "--model", d->answer);
            done = 1;
        } else if (there) printf("  %s\n", err.message);
        else {
            printf("  There is no model '%s'. ", d->answer);
            model_advise(stdout, d->answer);
        }
    }
    return done;
}
/* A model with a chat format that --chat knows: shall it be used? 0 at the end of stdin. */
static int ask_chat(dialog *d, command_line *c) {
    char path[1024], prompt[96];
    model_search search;
    chat_format f;
    sgf_error err;
    search.path = path;
    search.cap = sizeof path;
    if (model_search_for(&search, c->argv[c->argc - 1], &err) <= 0 ||
        chat_find(path, NULL, &f, &err) || !f.name)
        return 1;
    snprintf(prompt, sizeof prompt, "The model was tuned for chat (%s). Ask it so?", f.name);
    if (dialog_yes(d, prompt)) command_add(c, "--chat");
    return !d->over;
}
/* The data set; its questions are loaded, so that what is wrong with them is said now. */
static int ask_data(dialog *d, command_line *c, dataset *data) {
    char path[1024];
    menu m;
    sgf_error err;
    m.count = 0;
    memset(data, 0, sizeof *data);
    menu_add(&m, "bundled", "facts such as \"[MASK] is the capital of Japan.\", 20 wordings each");
    menu_add(&m, "file", "questions of your own: JSON lines, CSV, Feather, or a folder of them");
    switch (menu_ask(d, &m, "Which questions?", "bundled")) {
    case 0:
        project_path("models/questions/test.jsonl", path, sizeof path);
        if (!dataset_load(path, "test", data, &err)) return 1;
        printf("  %s\n", err.message);
        return 0;
    case 1: break;
    default: return 0;
    }
    while (dialog_line(d, "File or folder", NULL)) {
        if (d->answer[0] && !dataset_load(d->answer, "test", data, &err)) {
            command_option(c, "--data", d->answer);
            return 1;
        }
        printf("  %s\n", d->answer[0] ? err.message : "A name is needed.");
    }
    return 0;
}
/* One or more methods, by numbers or names with commas. */
static int ask_methods(dialog *d, command_line *c) {
    char list[512];
    const char *name;
    sgf_method methods[64];
    menu m;
    size_t i;
    m.count = 0;
    for (i = 0; i < 64 && (name = sgf_method_name(i)) != NULL; i++)
        if (!sgf_method_find(name, &methods[i], NULL)) menu_add(&m, name, methods[i].about);
    menu_show(&m, "Which methods?");
    while (dialog_line(d, "Numbers or names, with commas", "origin,fused_agreement")) {
        char *word = strtok(d->answer, ", ");
        int chosen = 0;
        size_t n = 0;
        list[0] = 0;
        for (; word && chosen >= 0; word = strtok(NULL, ", ")) {
            chosen = menu_find(&m, word);
            if (chosen >= 0 && n + strlen(m.name[chosen]) + 2 < sizeof list)
                n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? "," : "",
                                      m.name[chosen]);
        }
        if (chosen < 0 || !n) continue;
        command_option(c, "--method", list);
        return 1;
    }
    return 0;
}
/* More options of generate, each for methods of one kind. */
enum { OF_ALL, OF_FUSION, OF_CUE, OF_ENTROPY_AVG, OF_HIDDEN, OF_BEAMS };
static const struct {
    const char *name, *wanted;
    int of;
    size_t at; /* its place in generate_options */
} more_options[] = {
    {"format", "own, line or lines", OF_ALL, offsetof(generate_options, format)},
    {"mass", "1, 1/N, confidence, entropy[:T], agreement[:T] or W,W,...", OF_FUSION,
     offsetof(generate_options, mass)},
    {"fusion", "softmax or mixture", OF_FUSION, offsetof(generate_options, fusion)},
    {"select", "the K surest paraphrases", OF_CUE, offsetof(generate_options, select)},
    {"hybrid", "A, the fusion's share, 0 to 1", OF_CUE, offsetof(generate_options, hybrid)},
    {"tau", "T above 0", OF_ENTROPY_AVG, offsetof(generate_options, tau)},
    {"from_layer", "L, 0: all layers", OF_HIDDEN, offsetof(generate_options, from_layer)},
    {"beams", "B", OF_ALL, offsetof(generate_options, beams)},
    {"length_penalty", "A", OF_BEAMS, offsetof(generate_options, length_penalty)},
    {"by_relation", "a file", OF_ALL, offsetof(generate_options, by_relation)},
    {"arithmetic", "f32 or bf16", OF_ALL, offsetof(generate_options, arithmetic)},
};
enum { MORE_OPTIONS = (int)COUNT_OF(more_options) };

static const char **more_option(generate_options *o, int i) {
    return (const char **)(void *)((char *)o + more_options[i].at);
}
/* Is option i for one of the methods? */
static int more_applies(const generate_run *run, int i) {
    size_t k;
    if (!strcmp(more_options[i].name, "by_relation") &&
        (run->methods != 1 || run->method[0].contexts == SGF_CONTEXTS_SINGLE))
        return 0;
    if (more_options[i].of == OF_BEAMS) return run->o.beams != NULL;
    for (k = 0; k < run->methods; k++) {
        const sgf_method *m = &run->method[k];
        int fuses = m->contexts == SGF_CONTEXTS_FUSION;
        if (more_options[i].of == OF_ALL || (more_options[i].of == OF_FUSION && fuses) ||
            (more_options[i].of == OF_CUE && fuses &&
             (m->format == SGF_FORMAT_SHARED_CUE || m->format == SGF_FORMAT_FEW_SHOT_PARTS)) ||
            (more_options[i].of == OF_ENTROPY_AVG && m->combine == SGF_COMBINE_ENTROPY_AVG) ||
            (more_options[i].of == OF_HIDDEN && m->combine == SGF_COMBINE_HIDDEN))
            return 1;
    }
    return 0;
}
/* Do these options go together? Says why not, as generate would. */
static int more_fits(const generate_options *o, generate_run *run) {
    static const char *const arithmetics[] = {"f32", "bf16", NULL};
    int fits;
    if (o->arithmetic && choice_find(verb_now, "arithmetic", o->arithmetic, arithmetics) < 0)
        return 0;
    memset(run, 0, sizeof *run);
    run->o = *o;
    fits = generate_mass(run) && generate_methods(run) && !relations_read(run);
    relations_free(run);
    free(run->mass);
    return fits;
}
/* Option i, until it is one that generate takes. */
static int ask_more_option(dialog *d, command_line *c, generate_run *run, int i) {
    char prompt[96], flag[40], *text = c->texts + c->used;
    const generate_options before = run->o;
    generate_options o = before;
    snprintf(prompt, sizeof prompt, "%s (%s)", more_options[i].name, more_options[i].wanted);
    snprintf(flag, sizeof flag, "--%s", more_options[i].name);
    while (dialog_line(d, prompt, "as it is")) {
        if (!strcmp(d->answer, "as it is")) return more_fits(&before, run);
        *more_option(&o, i) = d->answer;
        if (!more_fits(&o, run)) continue;
        text += strlen(flag) + 1;
        command_option(c, flag, d->answer);
        *more_option(&o, i) = text; /* where the command has it */
        return more_fits(&o, run);
    }
    return 0;
}
/* One line that names what else these methods can be asked; Enter takes nothing of it. */
static int ask_more(dialog *d, command_line *c, const char *methods, long paraphrases) {
    static generate_run run;
    generate_options o;
    menu m;
    int of[MORE_OPTIONS], chosen[MORE_OPTIONS], n = 0, i, at, ok = 0;
    char prompt[160], *word;
    size_t used;
    memset(&o, 0, sizeof o);
    o.method = methods, o.paraphrases = paraphrases;
    o.manuals = o.autos = -1;
    if (!more_fits(&o, &run)) return 0;
    m.count = 0;
    used = (size_t)snprintf(prompt, sizeof prompt, "Options, with commas (");
    for (i = 0; i < MORE_OPTIONS; i++) {
        if (!more_applies(&run, i)) continue;
        used += (size_t)snprintf(prompt + used, sizeof prompt - used, "%s%s", m.count ? ", " : "",
                                 more_options[i].name);
        of[m.count] = i;
        menu_add(&m, more_options[i].name, "");
    }
    snprintf(prompt + used, sizeof prompt - used, ")");
    while (!ok && dialog_line(d, prompt, "none")) {
        ok = 1, n = 0;
        if (!strcmp(d->answer, "none")) return 1;
        for (word = strtok(d->answer, ", "); word && ok; word = strtok(NULL, ", ")) {
            at = menu_find(&m, word);
            ok = at >= 0;
            for (i = 0; ok && i < n && chosen[i] != of[at]; i++) {}
            if (ok && i == n) chosen[n++] = of[at]; /* each once */
        }
    }
    for (i = 0; i < n && ok; i++) {
        ok = ask_more_option(d, c, &run, chosen[i]);
        if (ok && !strcmp(more_options[chosen[i]].name, "beams") && run.method[0].decoding.beams)
            ok = ask_more_option(d, c, &run, chosen[i] + 1);
    }
    return ok && !d->over;
}
static int ask_generate(dialog *d, command_line *c) {
    char prompt[96], five[32], methods[512];
    long paraphrases = 0;
    dataset data;
    size_t i, least = (size_t)-1;
    int done;
    command_add(c, "generate");
    if (!ask_model(d, c) || !ask_chat(d, c)) return 0;
    done = ask_data(d, c, &data);
    for (i = 0; done && i < data.count; i++)
        if (data.questions[i].paraphrase_count < least) least = data.questions[i].paraphrase_count;
    if (done && least < 1) least = 1;
    done = done && ask_methods(d, c);
    snprintf(methods, sizeof methods, "%s", done ? c->argv[c->argc - 1] : "");
    snprintf(five, sizeof five, "%d", least < 5 ? (int)least : 5);
    snprintf(prompt, sizeof prompt, "Paraphrases of a question, 1 to %llu",
             (unsigned long long)least);
    if (done) printf("\n");
    if (done && (done = dialog_number(d, prompt, five, 1, (long)least)) != 0)
        command_option(c, "--num_paraphrases", d->answer), paraphrases = atol(d->answer);
    snprintf(prompt, sizeof prompt, "Questions, 1 to %llu", (unsigned long long)data.count);
    if (done && (done = dialog_number(d, prompt, "all", 1, (long)data.count)) != 0 &&
        strcmp(d->answer, "all"))
        command_option(c, "--max_samples", d->answer);
    dataset_free(&data);
    return done && ask_more(d, c, methods, paraphrases);
}
static int ask_inspect(dialog *d, command_line *c) {
    command_add(c, "inspect");
    return ask_model(d, c);
}
/* Segments and a mask, to be drawn and checked for what the mask promises. */
static int ask_mask(dialog *d, command_line *c) {
    menu m;
    int i, chosen;
    m.count = 0;
    command_add(c, "mask");
    for (i = 0; i < SGF_MASK_COUNT; i++) menu_add(&m, sgf_mask_name((sgf_mask)i), "");
    chosen = menu_ask(d, &m, "Which mask?", "shared");
    if (chosen < 0) return 0;
    printf("\nSegments: a role and its tokens, with commas. Roles: bos, shared, para, manual,\n"
           "auto, sep, example_q, example_a, cue.\n");
    if (!dialog_line(d, "Segments", "shared:4,para:3,sep:1,para:3")) return 0;
    command_option(c, "--segments", d->answer);
    command_option(c, "--kind", m.name[chosen]);
    command_option(c, "--generated", "2");
    command_add(c, "--draw");
    command_add(c, "--check");
    return 1;
}
/* The folder of results that changed last, of those that segfuse generate makes: ROOT/DATASET/MODEL.
   0 if there is none. */
static int results_newest(char *out, size_t cap) {
    static const char *const roots[] = {"datasets", "results"};
    const struct dirent *data, *model;
    struct stat info;
    char path[1024];
    time_t newest = 0;
    size_t i;
    int found = 0;
    for (i = 0; i < COUNT_OF(roots); i++) {
        DIR *root = opendir(roots[i]);
        while (root && (data = readdir(root)) != NULL) {
            DIR *dir = data->d_name[0] != '.' &&
                               path_make(path, sizeof path, "%s/%s", roots[i], data->d_name)
                           ? opendir(path)
                           : NULL;
            while (dir && (model = readdir(dir)) != NULL) {
                if (model->d_name[0] == '.' ||
                    !path_make(path, sizeof path, "%s/%s/%s", roots[i], data->d_name,
                               model->d_name) ||
                    stat(path, &info) || !S_ISDIR(info.st_mode) ||
                    (found && info.st_mtime <= newest))
                    continue;
                newest = info.st_mtime;
                found = path_make(out, cap, "%s", path);
            }
            if (dir) closedir(dir);
        }
        if (root) closedir(root);
    }
    return found;
}
/* Result files, or folders of them, one after the other. */
static int ask_files(dialog *d, command_line *c, int folders) {
    const char *what = folders ? "File or folder of results" : "File of results";
    char newest[1024];
    int n = 0, known = folders && results_newest(newest, sizeof newest);
    printf("\n");
    while (n < 16 && dialog_line(d, n ? "One more (Enter: no more)" : what,
                                 n       ? "none"
                                 : known ? newest
                                         : NULL)) {
        if (n && !strcmp(d->answer, "none")) return 1;
        if (!d->answer[0]) {
            printf("  A name is needed.\n");
            continue;
        }
        if (access(d->answer, R_OK)) {
            printf("  %s: %s\n", d->answer, strerror(errno));
            continue;
        }
        if (!folders && is_folder(d->answer)) {
            printf("  %s is a folder; a file is needed.\n", d->answer);
            continue;
        }
        command_add(c, d->answer);
        n++;
    }
    return n == 16;
}
static int ask_analyze(dialog *d, command_line *c) {
    command_add(c, "analyze");
    if (!ask_files(d, c, 1)) return 0;
    if (!dialog_line(d, "Write a report to (.html, or none)", "report.html")) return 0;
    if (strcmp(d->answer, "none")) command_option(c, "--report", d->answer);
    return 1;
}
static int ask_lemmatize(dialog *d, command_line *c) {
    command_add(c, "lemmatize");
    return ask_files(d, c, 0);
}
static int ask_question(dialog *d, command_line *c) {
    int n = 0;
    command_add(c, "ask");
    if (!ask_model(d, c) || !ask_chat(d, c)) return 0;
    command_add(c, "--");
    printf("\nA statement with [MASK] is completed, another text is a question.\n");
    while (n < 16 && dialog_line(d, n ? "Another wording (Enter: no more)" : "Question", NULL)) {
        if (n && !d->answer[0]) return 1;
        if (!d->answer[0]) continue;
        command_add(c, d->answer);
        n++;
    }
    return n == 16;
}
static int ask_check(dialog *d, command_line *c) {
    (void)d;
    command_add(c, "check");
    return 1;
}

static const struct {
    const char *name, *text;
    int (*ask)(dialog *d, command_line *c);
} tasks[] = {{"generate", "answer questions, and compare methods", ask_generate},
             {"inspect", "what is in a model, and how much memory does it need", ask_inspect},
             {"check", "does everything work on this machine", ask_check},
             {"mask", "draw a mask: what sees what", ask_mask},
             {"analyze", "analyse results: tables, and a report", ask_analyze},
             {"lemmatize", "add lemmas to result files", ask_lemmatize},
             {"ask", "answer a question of your own", ask_question}};

/* Show the command and, if that is wanted, run it. */
static int command_run(dialog *d, const command_line *c) {
    int i;
    printf("\nThis is the command:\n\n    %s", program_called);
    for (i = 0; i < c->argc; i++) {
        putchar(' ');
        shell_print(c->argv[i]);
    }
    printf("\n\n");
    if (!dialog_yes(d, "Run it?")) {
        if (!d->over) printf("Nothing was run.\n");
        return d->over;
    }
    printf("\n");
    signal(SIGINT, SIG_DFL);
    return verb_find(c->argv[0])->run(c->argc, (char **)c->argv);
}
int verb_interactive(int argc, char **argv) {
    option options[] = {ROWS_END};
    const char *rest[1];
    static command_line command;
    dialog d;
    menu m;
    size_t i;
    int rests, task,
        status = options_parse(argc, argv, options, "",
                               "Asks what to do, step by step, shows the command, and runs it. "
                               "Enter takes what stands in brackets; Ctrl-C leaves.",
                               rest, &rests, 0);
    if (status >= 0) return status;
    signal(SIGINT, dialog_interrupted);
    memset(&d, 0, sizeof d);
    m.count = 0;
    printf("segfuse " SGF_VERSION ": Enter takes what stands in brackets, Ctrl-C leaves.\n");
    for (i = 0; i < COUNT_OF(tasks); i++) menu_add(&m, tasks[i].name, tasks[i].text);
    task = menu_ask(&d, &m, "What shall be done?", tasks[0].name);
    if (task >= 0 && tasks[task].ask(&d, &command)) status = command_run(&d, &command);
    else status = 1;
    if (d.over) fprintf(stderr, "segfuse interactive: the answers ended; nothing was run\n");
    return status;
}
