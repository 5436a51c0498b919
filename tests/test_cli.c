/* The command line with bad values: every verb, every option and every argument of it, as the tables
   in the program have them. Whatever is wrong, the exit status is 1 (input) or 2 (usage), stderr has
   one line that says what, stdout has nothing, and it does not take long. */

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>

enum { CLI_WORDS = 48, CLI_SECONDS = 120 };
#define CLI_MEMORY ((rlim_t)3 << 30) /* bytes that a run may ask for */

/* ---- the tables, as `segfuse completion zsh` prints them ---- */

/* What a verb takes: an option and what stands for its value in the help ("": a flag), or, with the
   name "*", the arguments that are no options. */
typedef struct {
    char verb[32], name[48], value[96];
} cli_option;

static cli_option cli_options[512];
static size_t cli_count;

/* Text up to `end`, which does not count behind a backslash. Returns what is behind it. */
static const char *cli_until(const char *at, char end, char *out, size_t cap) {
    size_t n = 0;
    for (; *at && *at != end; at++) {
        if (*at == '\\' && at[1]) at++;
        if (n + 1 < cap) out[n++] = *at;
    }
    out[n] = 0;
    return *at ? at + 1 : at;
}
/* '--name=[help]:VALUE: ...', '--name[help]' or '*:VALUE: ...' */
static void cli_option_line(const char *verb, const char *line) {
    char name[96], help[2048];
    const char *at = strchr(line, '\'');
    cli_option *o = &cli_options[cli_count];
    if (!at || cli_count == sizeof cli_options / sizeof cli_options[0]) return;
    memset(o, 0, sizeof *o);
    if (at[1] == '*') at = cli_until(at + 1, ':', name, sizeof name) - 1;
    else at = cli_until(cli_until(at + 3, '[', name, sizeof name), ']', help, sizeof help);
    name[strcspn(name, "=")] = 0;
    snprintf(o->verb, sizeof o->verb, "%.31s", verb);
    snprintf(o->name, sizeof o->name, "%.47s", name);
    if (*at == ':') cli_until(at + 1, ':', o->value, sizeof o->value);
    if (strcmp(name, "help")) cli_count++;
}
/* Every option of every verb; a verb is in the table even if it has none. */
static void cli_tables(void) {
    char line[16384], verb[32] = "";
    FILE *file;
    int cases = 0;
    program_says("build/segfuse completion zsh > '%s/tables'", 0, "");
    file = fopen(temp_path("tables"), "rb");
    cli_count = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (!strcmp(line, "    case $words[1] in\n")) cases = 1;
        else if (!strcmp(line, "    esac\n")) cases = 0;
        else if (cases && !strncmp(line, "    ", 4) && line[4] != ' ')
            snprintf(verb, sizeof verb, "%.*s", (int)strcspn(line + 4, ")"), line + 4);
        else if (cases) cli_option_line(verb, line);
    }
    if (file) fclose(file);
}
/* "model|file" of "[MODEL|FILE]": has the value that part? */
static int cli_is(const cli_option *o, const char *part) {
    return strstr(o->value, part) != NULL;
}
/* Only listed words are allowed: lower case ones, and the names of lists that have an end. */
static int cli_is_closed(const cli_option *o) {
    static const char *const lists[] = {"METHOD", "MASK", "ACCIDENT", "KERNELS", "VERB"};
    const char *at;
    size_t i;
    if (strchr(o->value, '|')) {
        for (at = o->value; *at; at++)
            if ((*at >= 'A' && *at <= 'Z') || *at == ',') return 0;
        return 1;
    }
    for (i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (!strncmp(o->value + (o->value[0] == '['), lists[i], strlen(lists[i]))) return 1;
    return 0;
}

/* ---- running ---- */

typedef struct {
    int status; /* the exit status; 1000 + a signal */
    char out[1024], said[16384];
    size_t out_size, said_size;
} cli_result;

static size_t cli_slurp(const char *path, char *text, size_t cap) {
    struct stat info;
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(text, 1, cap - 1, file) : 0;
    text[n] = 0;
    if (!file) return 0;
    fclose(file);
    return stat(path, &info) ? n : (size_t)info.st_size;
}
/* No shell: words may hold anything. Runs are in a folder of their own, may not ask for much memory, and
   die of SIGALRM when they take too long. */
static void cli_run(char *const *words, cli_result *r) {
    static char program[PATH_MAX];
    char out[1400], said[1400], folder[300];
    struct rlimit memory;
    int status;
    pid_t pid;
    snprintf(folder, sizeof folder, "%s/cli", temp_folder);
    memory.rlim_cur = memory.rlim_max = CLI_MEMORY;
    if (!program[0] && !realpath("build/segfuse", program)) return;
    snprintf(out, sizeof out, "%s", temp_path("cli.out"));
    snprintf(said, sizeof said, "%s", temp_path("cli.said"));
    fflush(stdout);
    pid = fork();
    if (!pid) {
        int null = open("/dev/null", O_RDONLY);
        int one = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int two = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (null < 0 || one < 0 || two < 0 || dup2(null, 0) < 0 || dup2(one, 1) < 0 ||
            dup2(two, 2) < 0)
            _exit(99);
        alarm(CLI_SECONDS);
        if (chdir(folder)) _exit(99);
#ifndef TEST_SANITIZED
        if (setrlimit(RLIMIT_DATA, &memory)) _exit(99);
#endif
        execv(program, words);
        _exit(99);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0) status = 99 << 8;
    r->status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    r->out_size = cli_slurp(out, r->out, sizeof r->out);
    r->said_size = cli_slurp(said, r->said, sizeof r->said);
}

/* Words of a command line; @ at the beginning of a word is the folder of temporary files. */
typedef struct {
    char *word[CLI_WORDS];
    int count;
    char texts[8192];
    size_t used;
} cli_words;

static void cli_add(cli_words *w, const char *word, size_t n) {
    char folder[300] = "";
    size_t more;
    if (n && word[0] == '@') snprintf(folder, sizeof folder, "%s/", temp_folder);
    more = strlen(folder);
    if (w->count + 1 >= CLI_WORDS || w->used + more + n + 1 > sizeof w->texts) {
        CHECK(!"a command line of this length");
        return;
    }
    if (more) word++, n--;
    w->word[w->count++] = w->texts + w->used;
    w->word[w->count] = NULL;
    memcpy(w->texts + w->used, folder, more);
    memcpy(w->texts + w->used + more, word, n);
    w->used += more + n;
    w->texts[w->used++] = 0;
}
static void cli_text(cli_words *w, const char *text) {
    while (*(text += strspn(text, " "))) {
        size_t n = strcspn(text, " ");
        cli_add(w, text, n);
        text += n;
    }
}

/* What the exit status may be, as bits. */
enum { CLI_DONE = 1, CLI_FAILED = 2, CLI_USAGE = 4, CLI_BAD = CLI_FAILED | CLI_USAGE, CLI_ANY = 7 };

/* Verbs whose stdout says what is wrong with what they looked at: status 1 and no line on stderr. */
static int cli_reports(const char *verb) {
    return !strcmp(verb, "inspect") || !strcmp(verb, "check") || !strcmp(verb, "mask");
}
/* One line that names the program and the verb; nothing on stdout, but for the questions of interactive.
 */
static int cli_is_clear(const char *verb, const cli_result *r) {
    char start[64];
    const char *said = r->said, *end = strchr(said, '\n');
    snprintf(start, sizeof start, "segfuse %s: ", verb);
#ifdef TEST_SANITIZED /* the sanitizer says a line of its own about memory that is not there */
    if (end && strstr(said, "Sanitizer failed to allocate"))
        said = end + 1, end = strchr(said, '\n');
#endif
    if (!r->said_size && r->out_size && r->status == 1) return cli_reports(verb);
    if (strncmp(said, start, strlen(start)) && strncmp(said, "segfuse: ", 9)) return 0;
    if (!end || (size_t)(end + 1 - r->said) != r->said_size) return 0;
    return !r->out_size || !strcmp(verb, "interactive");
}
static void cli_wants(const cli_words *w, int allowed) {
    cli_result r;
    int i, good;
    cli_run(w->word, &r);
    good = r.status >= 0 && r.status <= 2 && (allowed >> r.status & 1) &&
           (!r.status || cli_is_clear(w->word[1], &r));
    CHECK(good);
    if (good) return;
    printf("    status %d:", r.status);
    for (i = 0; i < w->count; i++) printf(" '%.200s'", w->word[i]);
    printf("\n    stdout (%llu bytes): %.300s\n    stderr (%llu bytes): %.900s\n",
           (unsigned long long)r.out_size, r.out, (unsigned long long)r.said_size, r.said);
}

/* ---- what else must stand on the command line ---- */

/* A command of each verb that works and is quick; an option is put behind it. A name: for this option,
   which means nothing with the first one. */
static const struct {
    const char *verb, *name, *words;
} cli_bases[] = {
    {"generate", NULL,
     "--data @good.jsonl --fewshot_data @shots.jsonl --num_fewshots 1 --num_paraphrases 2 "
     "--max_samples 1 --quiet --rewrite --output @out"},
    {"generate", "fewshot_data",
     "--num_fewshots 1 --max_samples 1 --quiet --rewrite --output @out"},
    {"generate", "confidence",
     "--data @good.jsonl --fewshot_data @shots.jsonl --num_fewshots 1 --num_paraphrases 2 "
     "--method weighted_avg --max_samples 1 --quiet --rewrite --output @out"},
    {"ask", NULL, "one[MASK] two[MASK] --num_fewshots 0 --max_new_tokens 2"},
    {"ask", "fewshot_data", "one[MASK] --num_fewshots 1 --max_new_tokens 2"},
    {"inspect", NULL, ""},
    {"inspect", "questions", "@good.jsonl"},
    {"inspect", "split", "@good.jsonl"},
    {"mask", NULL, "--kind shared --segments shared:4,para:3,para:2"},
    {"mask", "matrix", "--segments shared:4,para:3,para:2"},
    {"mask", "model", "--kind shared --layout @layout.json --explain 1,0"},
    {"mask", "layout", "--kind shared"},
    {"mask", "dense", ""},
    {"forward", NULL, "--layout @layout.json --output @out.npy"},
    {"confidence", NULL,
     "--data @good.jsonl --fewshot_data @shots.jsonl --num_fewshots 1 --num_paraphrases 2 "
     "--num_samples 2 --max_samples 1 --quiet --rewrite --output @sure"},
    {"paraphrase", NULL,
     "--data @good.jsonl --num_paraphrases 1 --max_new_tokens 2 --max_samples 1 --quiet --rewrite "
     "--output @new.jsonl"},
    {"analyze", NULL, "@out/fused_agreement-2.feather --data @good.jsonl --resamples 100"},
    {"analyze", "dataset", "--model x"},
    {"analyze", "model", "--dataset x"},
    {"lemmatize", NULL, "@out/fused_agreement-2.feather"},
    {"merge", NULL, "@merged.feather @shard.feather --rewrite"},
    {"convert", NULL, "@good.jsonl @converted.csv --rewrite"},
    {"convert", "dtype", "tests/golden/gguf/qwen2.gguf @model --rewrite"},
    {"help", NULL, ""},
    {"tokenize", NULL, ""},
    {"check", NULL, ""},
    {"models", NULL, ""},
    {"man", NULL, ""},
    {"interactive", NULL, ""},
    {"completion", NULL, "bash"},
};
static const char *cli_base(const char *verb, const char *name) {
    const char *words = NULL;
    size_t i;
    for (i = 0; i < sizeof cli_bases / sizeof cli_bases[0]; i++)
        if (!strcmp(cli_bases[i].verb, verb) &&
            (!cli_bases[i].name || !strcmp(cli_bases[i].name, name)))
            words = cli_bases[i].words;
    CHECK(words); /* a new verb: put a command of it into the table */
    if (!words) printf("    %s has no command in cli_bases\n", verb);
    return words ? words : "";
}
/* The verb and its command; behind it --name and a value, or --name=value; value NULL: none. */
static void cli_try(const cli_option *o, const char *value, int equals, int allowed) {
    static cli_words w;
    char option[64];
    memset(&w, 0, sizeof w);
    cli_add(&w, "segfuse", 7);
    cli_text(&w, o->verb);
    cli_text(&w, cli_base(o->verb, o->name));
    snprintf(option, sizeof option, "--%s%s", o->name, equals ? "=" : "");
    cli_add(&w, option, strlen(option));
    if (value && !equals) cli_add(&w, value, strlen(value));
    if (value && equals) { /* behind the =, so that a value may begin with anything */
        w.used--;
        cli_add(&w, value, strlen(value));
        w.word[--w.count] = NULL;
    }
    cli_wants(&w, allowed);
}

/* ---- files that are none ---- */

static void cli_random(const char *name, size_t size) {
    FILE *file = fopen(temp_path(name), "wb");
    uint32_t state = 12345;
    CHECK(file);
    while (file && size--) {
        state = state * 1664525u + 1013904223u;
        fputc((int)(state >> 24), file);
    }
    if (file) fclose(file);
}
static void cli_files(void) {
    int i;
    FILE *file;
    temp_path("");
    file = fopen(temp_path("good.jsonl"), "wb");
    for (i = 0; file && i < 3; i++)
        fprintf(
            file,
            "{\"uuid\": \"%d\", \"answers\": [\"Tokyo\"], \"manual_paraphrases\": [\"The capital "
            "of Japan is [MASK].\", \"[MASK] is the capital of Japan.\"], "
            "\"auto_paraphrases\": [\"Japan has the capital [MASK].\"]}\n",
            i);
    if (file) fclose(file);
    program_file(
        "shots.jsonl",
        "{\"uuid\": \"x\", \"answers\": [\"Rome\"], \"manual_paraphrases\": [\"The capital of "
        "Italy is [MASK].\"], \"auto_paraphrases\": []}\n");
    program_says(
        "mkdir -p '%s/cli' '%s/folder' '%s/broken' && for f in config tokenizer tokenizer_config; do "
        "head -c 3000 models/segfuse-2m/model.safetensors > '%s/broken'/$f.json; done",
        0, "");
    cli_random("broken/model.safetensors", 3000);
    cli_random("random.csv", 3000);
    cli_random("random.feather", 3000);
    cli_random("random.npy", 3000);
    cli_random("random.jsonl", 3000);
    cli_random("random.safetensors", 3000);
    file = fopen(temp_path("unreadable"), "wb");
    if (file) fclose(file);
    chmod(temp_path("unreadable"), 0);
    program_says("build/segfuse generate --max_samples 2 --num_fewshots 1 --shard 1/1 --quiet "
                 "--dump_layout '%s/layout.json' --output '%s/shards' > /dev/null && "
                 "mv '%s/shards/fused_agreement-5.shard-1-of-1.feather' '%s/shard.feather'",
                 0, "");
}

/* ---- the tests ---- */

/* The commands of the table work; otherwise nothing below would say much. */
static void test_the_commands_work(void) {
    size_t i;
    cli_tables();
    cli_files();
    CHECK(cli_count > 60);
    for (i = 0; i < sizeof cli_bases / sizeof cli_bases[0]; i++) {
        static cli_words w;
        const char *name = cli_bases[i].name;
        int usual = !name || !strcmp(name, "questions") || !strcmp(name, "fewshot_data");
        if (!usual || !strcmp(cli_bases[i].verb, "interactive")) continue;
        memset(&w, 0, sizeof w);
        cli_add(&w, "segfuse", 7);
        cli_text(&w, cli_bases[i].verb);
        cli_text(&w, cli_bases[i].words);
        cli_wants(&w, CLI_DONE);
    }
}
static void test_options_without_or_with_needless_values(void) {
    size_t i;
    for (i = 0; i < cli_count; i++) {
        const cli_option *o = &cli_options[i];
        if (o->name[0] == '*') continue;
        if (!o->value[0]) {
            cli_try(o, "1", 1, CLI_USAGE);
            cli_try(o, "", 1, CLI_USAGE);
            continue;
        }
        cli_try(o, NULL, 0, CLI_USAGE);
        cli_try(o, "--x", 0, CLI_USAGE); /* is no value */
        if (!cli_is(o, "TEXT")) cli_try(o, "", 1, CLI_USAGE);
        if (!cli_is(o, "TEXT")) cli_try(o, "", 0, CLI_USAGE);
    }
}
/* Every number is read whole, and any that is not too large can be asked for. */
static void test_numbers(void) {
    static const char *const bad[] = {"-1",         "x",  "1x", "1.5", "1e3",
                                      "0x10",       " 1", "+1", "1 ",  "99999999999999999999",
                                      "1000000001", "nan"};
    size_t i, k;
    for (i = 0; i < cli_count; i++) {
        const cli_option *o = &cli_options[i];
        if (strcmp(o->value, "N") && !strstr(o->value, "..1") && !strstr(o->value, "..N")) continue;
        for (k = 0; k < sizeof bad / sizeof bad[0]; k++) cli_try(o, bad[k], 1, CLI_USAGE);
        cli_try(o, "0", 0, CLI_ANY);
        cli_try(o, "1000000000", 0, CLI_ANY);
    }
}
static void test_choices(void) {
    static const char *const bad[] = {"no-such", "AUTO", "a b", "%s%n", "\377\376", "-", "="};
    size_t i, k;
    for (i = 0; i < cli_count; i++)
        for (k = 0; cli_is_closed(&cli_options[i]) && k < sizeof bad / sizeof bad[0]; k++)
            if (cli_options[i].name[0] != '*') cli_try(&cli_options[i], bad[k], 1, CLI_USAGE);
}
/* Whatever a value is, the program says what it thinks of it. */
static void test_odd_values(void) {
    static const char *const odd[] = {
        ",",    "%s%n%s%n", "\377\376", "-",    "=", "0,0", "1/0", "-1,-1", "99999999999999999999",
        "1,,2", ":",        "a:b:c",    ":1,:2"};
    static char huge[4001];
    size_t i, k;
    memset(huge, 'x', sizeof huge - 1);
    for (i = 0; i < cli_count; i++) {
        const cli_option *o = &cli_options[i];
        if (o->name[0] == '*' || !o->value[0] || cli_is(o, "OUT") || cli_is(o, "DIR")) continue;
        cli_try(o, huge, 0, cli_is_closed(o) ? CLI_USAGE : CLI_ANY);
        for (k = 0; k < sizeof odd / sizeof odd[0]; k++)
            cli_try(o, odd[k], 1, cli_is_closed(o) && !cli_is(o, "[,") ? CLI_USAGE : CLI_ANY);
    }
}
static const char *const cli_no_files[] = {
    "@nothing.jsonl",  "@folder",       "/dev/null", "@random.csv", "@random.jsonl",
    "@random.feather", "@good.jsonl/x", "/",         "@random.npy", "@random.safetensors"};
static void test_files_that_are_none(void) {
    size_t i, k;
    for (i = 0; i < cli_count; i++) {
        const cli_option *o = &cli_options[i];
        if (o->name[0] == '*' || !cli_is(o, "FILE")) continue;
        for (k = 0; k < sizeof cli_no_files / sizeof cli_no_files[0]; k++)
            cli_try(o, cli_no_files[k], 0, CLI_BAD);
        if (geteuid()) cli_try(o, "@unreadable", 0, CLI_BAD);
    }
}
static void test_models_that_are_none(void) {
    static const char *const bad[] = {"no-such-model", "@folder", "@broken", "@good.jsonl",
                                      "/dev/null",     ".",       "a/b/c",   "@good.jsonl/x"};
    size_t i, k;
    for (i = 0; i < cli_count; i++)
        for (k = 0; !strcmp(cli_options[i].value, "MODEL") && k < sizeof bad / sizeof bad[0]; k++)
            cli_try(&cli_options[i], bad[k], 1, CLI_BAD);
}
static void test_places_where_nothing_can_be_written(void) {
    static const char *const bad[] = {"/proc/nowhere/x", "@good.jsonl/x", "/dev/null/x"};
    size_t i, k;
    for (i = 0; i < cli_count; i++) {
        const cli_option *o = &cli_options[i];
        if (o->name[0] == '*' || !(cli_is(o, "OUT") || cli_is(o, "DIR"))) continue;
        for (k = 0; k < sizeof bad / sizeof bad[0]; k++) cli_try(o, bad[k], 0, CLI_BAD);
        cli_try(o, cli_is(o, "OUT") ? "@folder" : "@good.jsonl", 0, CLI_BAD);
    }
}
/* "@" in a line stands for a bad file. */
static void test_arguments(void) {
    static const struct {
        const char *verb, *words;
    } lines[] = {{"inspect", "?"},
                 {"analyze", "?"},
                 {"lemmatize", "?"},
                 {"analyze", "@out/fused_agreement-2.feather ?"},
                 {"inspect", "? --questions 1"},
                 {"convert", "? @c.csv"},
                 {"merge", "@m.feather ?"},
                 {"merge", "@m.feather @shard.feather ?"}};
    static cli_words w;
    size_t i, k;
    for (i = 0; i < sizeof lines / sizeof lines[0]; i++)
        for (k = 0; k < sizeof cli_no_files / sizeof cli_no_files[0]; k++) {
            char line[512];
            const char *at = strchr(lines[i].words, '?');
            memset(&w, 0, sizeof w);
            snprintf(line, sizeof line, "segfuse %s %.*s%s%s", lines[i].verb,
                     (int)(at - lines[i].words), lines[i].words, cli_no_files[k], at + 1);
            cli_text(&w, line);
            cli_wants(&w, CLI_BAD);
        }
}
/* One argument more than a verb takes; an empty one; options there are not. */
static void test_arguments_too_many(void) {
    static cli_words w;
    size_t i, k;
    for (i = 0; i < cli_count; i++) {
        const cli_option *o = &cli_options[i], *rest = NULL;
        size_t most = 0;
        if (i && !strcmp(cli_options[i - 1].verb, o->verb)) continue; /* once for each verb */
        for (k = i; k < cli_count && !strcmp(cli_options[k].verb, o->verb); k++)
            if (cli_options[k].name[0] == '*') rest = &cli_options[k];
        for (k = 0; rest && rest->value[k]; k++) most += rest->value[k] == ' ';
        most += rest != NULL;
        memset(&w, 0, sizeof w);
        cli_add(&w, "segfuse", 7);
        cli_text(&w, o->verb);
        for (k = 0; k <= most; k++) cli_add(&w, "bash", 4);
        if (!rest || !cli_is(rest, "...")) cli_wants(&w, CLI_USAGE);
        w.count = 2;
        cli_add(&w, "", 0);
        cli_wants(&w, CLI_USAGE);
        w.count = 2;
        cli_add(&w, "--no-such-option=1", 18);
        cli_wants(&w, CLI_USAGE);
    }
}

static void tests_cli(void) {
    RUN(test_the_commands_work);
    RUN(test_options_without_or_with_needless_values);
    RUN(test_numbers);
    RUN(test_choices);
    RUN(test_odd_values);
    RUN(test_files_that_are_none);
    RUN(test_models_that_are_none);
    RUN(test_places_where_nothing_can_be_written);
    RUN(test_arguments);
    RUN(test_arguments_too_many);
}
