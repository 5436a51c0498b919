#include "manual.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#define MANUAL_DATE "2026-11-20"
#define MANUAL_LINE "one question, many paraphrases, one fused answer"

static const struct {
    const char *name, *text;
} manual_environment[] = {
    {"SEGFUSE_MODELS", "a folder with model folders, which --model then finds by their names"},
    {"HF_HUB_CACHE", "the cache of Hugging Face, if it is not at its usual place; HF_HOME and "
                     "XDG_CACHE_HOME count as well"}};
static const struct {
    const char *status, *text;
} manual_status[] = {{"0", "done"},
                     {"1", "failed on input or environment; one line on stderr says why"},
                     {"2", "wrong usage"}};
static const struct {
    const char *text, *command;
} manual_examples[] = {
    {"Does everything work here?", "segfuse check"},
    {"Step by step:", "segfuse interactive"},
    {"Answer the bundled questions in two ways, and compare:",
     "segfuse generate --method origin,fused"},
    {"With a model from Hugging Face, 100 questions:",
     "segfuse generate --model qwen3_8b --max_samples 100"},
    {"A model in a GGUF file becomes a folder for --model:", "segfuse convert MODEL.gguf FOLDER"},
    {"What is this model, and how much memory does it need?", "segfuse inspect qwen3_8b"}};
static const char manual_usage[] =
    "An option is --name VALUE or --name=VALUE; - and _ in a name are the same. Of an option given "
    "twice the last counts. Behind a lone -- everything is an argument.";

/* ---- verbs by name ---- */

const program_verb *verb_find(const char *name) {
    name_nearest near = nearest_to(name);
    size_t i;
    for (i = 0; verb_at(i); i++) {
        if (!verb_at(i)->name) continue;
        if (!strcmp(verb_at(i)->name, name)) return verb_at(i);
        nearest_try(&near, sgf_text(verb_at(i)->name));
    }
    fprintf(stderr, "segfuse: there is no verb '%s'", name);
    if (near.best.ptr) fprintf(stderr, "; did you mean %s?", near.best.ptr);
    fprintf(stderr, "%s segfuse --help lists the verbs\n", near.best.ptr ? "" : ";");
    return NULL;
}

/* ---- the overview ---- */

void overview(FILE *out) {
    const program_verb *v;
    size_t i;
    fprintf(out, "segfuse " SGF_VERSION ": " MANUAL_LINE "\n\n"
                 "usage: segfuse VERB [options]     segfuse VERB --help\n");
    for (i = 0; (v = verb_at(i)) != NULL; i++) {
        if (!v->name) fprintf(out, "\n%s\n", v->help);
        else {
            fprintf(out, "  %-12s ", v->name);
            text_wrap(out, v->help, 15, 15);
            fprintf(out, "\n");
        }
    }
    fprintf(out, "\nEnvironment:\n");
    for (i = 0; i < COUNT_OF(manual_environment); i++) {
        fprintf(out, "  %-16s ", manual_environment[i].name);
        text_wrap(out, manual_environment[i].text, 19, 19);
        fprintf(out, "\n");
    }
    fprintf(out, "\nExamples:\n");
    for (i = 0; i < COUNT_OF(manual_examples); i++)
        fprintf(out, "  %s\n      %s\n", manual_examples[i].text, manual_examples[i].command);
}
int verb_help(int argc, char **argv) {
    option options[] = {ROWS_END};
    char help[] = "--help", *words[2];
    const char *rest[1];
    const program_verb *v;
    int rests, status = options_parse(argc, argv, options, "[VERB]",
                                      "What there is, or what a verb takes.", rest, &rests, 1);
    if (status >= 0) return status;
    if (!rests) {
        overview(stdout);
        return 0;
    }
    if (!(v = verb_find(rest[0]))) return 2;
    words[0] = (char *)v->name;
    words[1] = help;
    return v->run(2, words);
}

/* ---- every verb's table, printed ---- */

/* Let each verb print its table in that form. */
static void tables_print(options_form form) {
    size_t i;
    char *words[2] = {NULL, NULL};
    options_as = form;
    for (i = 0; verb_at(i); i++) {
        if (!verb_at(i)->name) continue;
        words[0] = (char *)verb_at(i)->name;
        verb_at(i)->run(1, words);
    }
    options_as = FORM_PARSE;
}

/* ---- the manual page ---- */

int verb_man(int argc, char **argv) {
    option options[] = {ROWS_END};
    const char *rest[1];
    size_t i;
    int rests, status = options_parse(argc, argv, options, "",
                                      "The manual page on stdout: segfuse man > segfuse.1", rest,
                                      &rests, 0);
    if (status >= 0) return status;
    printf(".\\\" made by `segfuse man` from the tables that give --help\n"
           ".TH SEGFUSE 1 " MANUAL_DATE " \"segfuse " SGF_VERSION "\"\n.SH NAME\nsegfuse \\- ");
    man_line("", MANUAL_LINE, "");
    printf(".SH SYNOPSIS\n.B segfuse\n.I VERB\n[options]\n.SH DESCRIPTION\n");
    man_line("", manual_usage, "");
    for (i = 0; verb_at(i); i++)
        if (verb_at(i)->name) {
            printf(".TP\n.B ");
            man_line("", verb_at(i)->name, "");
            man_line("", verb_at(i)->help, "");
        }
    printf(".SH VERBS\n");
    tables_print(FORM_MAN);
    printf(".SH EXIT STATUS\n");
    for (i = 0; i < COUNT_OF(manual_status); i++) {
        man_line(".TP\n.B ", manual_status[i].status, "");
        man_line("", manual_status[i].text, "");
    }
    printf(".SH ENVIRONMENT\n");
    for (i = 0; i < COUNT_OF(manual_environment); i++) {
        man_line(".TP\n.B ", manual_environment[i].name, "");
        man_line("", manual_environment[i].text, "");
    }
    printf(".SH EXAMPLES\n");
    for (i = 0; i < COUNT_OF(manual_examples); i++) {
        man_line(".TP\n", manual_examples[i].text, "");
        man_line(".B ", manual_examples[i].command, "");
    }
    return 0;
}

/* ---- completion ---- */

static void completion_verbs(const char *before, const char *after) {
    size_t i;
    for (i = 0; verb_at(i); i++)
        if (verb_at(i)->name) printf("%s%s%s", before, verb_at(i)->name, after);
}
static void completion_bash(void) {
    printf("# bash completion for segfuse, made by `segfuse completion bash`\n"
           "_segfuse() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} line\n"
           "    local options= words= kind= value= head=\n"
           "    COMPREPLY=()\n"
           "    if [[ $cur == '=' ]]; then cur=\n" /* --option=HERE comes as three words */
           "    elif [[ $option == '=' ]]; then option=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
           "    [[ $option == --* ]] && option=${option//-/_} && option=--${option#__}\n"
           "    if ((COMP_CWORD == 1)); then options='--help --version' words='");
    completion_verbs("", " ");
    printf("'; fi\n    case ${COMP_WORDS[1]} in\n");
    tables_print(FORM_BASH);
    printf("    esac\n"
           "    if [[ ! $value && $cur == -* ]]; then\n"
           "        cur=${cur//-/_} words=$options kind=\n"
           "        case $cur in _) cur=- ;; *) cur=--${cur#__} ;; esac\n"
           "    fi\n"
           "    [[ $kind == *,* && $cur == *,* ]] && head=${cur%%,*},\n"
           "    while IFS= read -r line; do COMPREPLY+=(\"$head$line\"); done \\\n"
           "        < <(compgen -W \"$words\" -- \"${cur#\"$head\"}\")\n"
           "    [[ $kind == *,* ]] && compopt -o nospace 2> /dev/null\n"
           "    [[ $kind == *[fd]* ]] || return\n"
           "    compopt -o filenames 2> /dev/null\n"
           "    [[ $kind == *f* ]] && head=-f || head=-d\n"
           "    while IFS= read -r line; do COMPREPLY+=(\"$line\"); done \\\n"
           "        < <(compgen \"$head\" -- \"$cur\")\n"
           "}\n"
           "complete -F _segfuse segfuse\n");
}
static void completion_zsh(void) {
    size_t i;
    printf("#compdef segfuse\n"
           "# zsh completion for segfuse, made by `segfuse completion zsh`\n"
           "_segfuse_value() { # KIND WORD...: f files, d folders, a comma between words\n"
           "    local kind=$1\n"
           "    shift\n"
           "    if [[ $kind == *,* ]]; then\n"
           "        compset -P '*,'\n"
           "        compadd -qS , -- \"$@\"\n"
           "    elif (($#)); then compadd -- \"$@\"; fi\n"
           "    case $kind in *f*) _files ;; *d*) _files -/ ;; esac\n"
           "}\n"
           "_segfuse() {\n"
           "    local -a verbs=(");
    for (i = 0; verb_at(i); i++) {
        if (!verb_at(i)->name) continue;
        printf("\n        '%s:", verb_at(i)->name);
        zsh_text(verb_at(i)->help);
        printf("'");
    }
    printf(")\n"
           "    if ((CURRENT == 2)); then\n"
           "        if [[ $words[2] == -* ]]; then compadd -- --help --version\n"
           "        else _describe verb verbs; fi\n"
           "        return\n"
           "    fi\n"
           "    shift words\n"
           "    ((CURRENT--))\n"
           "    case $words[1] in\n");
    tables_print(FORM_ZSH);
    printf("    esac\n"
           "}\n"
           "if [[ $funcstack[1] == _segfuse ]]; then _segfuse \"$@\"\n"
           "else compdef _segfuse segfuse; fi\n");
}
int verb_completion(int argc, char **argv) {
    static const char *const shells[] = {"bash", "zsh", NULL};
    option options[] = {ROWS_END};
    const char *rest[1];
    int rests, shell,
        status = options_parse(argc, argv, options, "bash|zsh",
                               "Completion for a shell on stdout. bash: source <(segfuse "
                               "completion bash); zsh: segfuse completion zsh > _segfuse in a "
                               "folder of $fpath",
                               rest, &rests, 1);
    if (status >= 0) return status;
    if (!rests) {
        fprintf(stderr, "segfuse completion: which shell? bash or zsh\n");
        return 2;
    }
    if ((shell = choice_find("completion", "shell", rest[0], shells)) < 0) return 2;
    if (shell) completion_zsh();
    else completion_bash();
    return 0;
}
