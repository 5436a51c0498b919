/* The first minutes with the program: help, the manual page, completion, check, interactive. */

#include <fcntl.h>

/* Is this tool here? */
static int firstrun_has(const char *tool) {
    char line[256];
    int status;
    snprintf(line, sizeof line, "command -v %s", tool);
    program_run(line, &status);
    return status == 0;
}
/* All verbs, as the overview lists them. */
#define FIRSTRUN_VERBS \
    "$(build/segfuse help | sed -n '/^Environment/q;s/^  \\([a-z_]*\\) .*/\\1/p')"

static void test_help_fits_80_columns(void) {
    program_says("build/segfuse --help | awk 'length > 80 { bad = 1; print } END { exit bad }'", 0,
                 "");
    program_says("for v in " FIRSTRUN_VERBS "; do build/segfuse $v --help || exit 1; done | "
                 "awk 'length > 80 { bad = 1; print } END { exit bad }'",
                 0, "");
    program_says("for v in " FIRSTRUN_VERBS
                 "; do build/segfuse $v --help | head -1 | grep -q \"^usage: segfuse $v\" || echo "
                 "bad; build/segfuse help $v > '%s/1'; build/segfuse $v -h | cmp - '%s/1' || echo "
                 "bad; done | grep -c .",
                 1, "0\n");
    program_says("echo " FIRSTRUN_VERBS, 0, "generate");
    program_says("build/segfuse help > '%s/1'; build/segfuse --help | cmp - '%s/1' && echo same", 0,
                 "same");
    program_says("build/segfuse --version", 0, "segfuse " SGF_VERSION "\n");
}
static void test_wrong_words_get_the_nearest_right_ones(void) {
    program_says("build/segfuse 2>&1 > /dev/null | head -3", 0, "usage: segfuse VERB");
    program_says("build/segfuse genrate", 2, "there is no verb 'genrate'; did you mean generate?");
    program_says("build/segfuse gen", 2, "did you mean generate?");
    program_says("build/segfuse xyzzy", 2, "there is no verb 'xyzzy'; segfuse --help lists");
    program_says("build/segfuse help tokenise", 2, "did you mean tokenize?");
    program_says("build/segfuse ''", 2, "there is no verb ''");
    program_says("build/segfuse generate --modle x", 2, "did you mean --model?");
    program_says("build/segfuse generate --max-sample=3", 2, "did you mean --max_samples?");
    program_says("build/segfuse generate --xyzzy", 2,
                 "there is no option --xyzzy; see segfuse generate --help");
    program_says("build/segfuse generate --mask shard", 2, "did you mean shared?");
    program_says("build/segfuse generate --method avg,fusde", 2, "'fusde' is not known; did you");
    program_says("build/segfuse generate --positions algined", 2, "did you mean aligned?");
    program_says("build/segfuse completion fish", 2, "known: bash, zsh");
}
static void test_options_are_read_strictly(void) {
    program_says("build/segfuse generate --data", 2, "--data needs a value: FILE");
    program_says("build/segfuse generate --data --quiet", 2, "--data needs a value: FILE");
    program_says("build/segfuse generate --data=", 2, "--data has an empty value; it needs FILE");
    program_says("build/segfuse generate --mask ''", 2, "--mask has an empty value");
    program_says("build/segfuse generate --quiet=1", 2, "--quiet takes no value");
    program_says("build/segfuse generate extra", 2, "one argument too many: 'extra'");
    program_says("build/segfuse generate -- --quiet", 2, "one argument too many: '--quiet'");
    program_says("build/segfuse generate ''", 2, "an argument is empty");
    program_says("build/segfuse generate --seed -1", 2, "from 0 to 1000000000, not '-1'");
    program_says("build/segfuse generate --seed ' 1'", 2, "not ' 1'");
    program_says("build/segfuse generate --seed 1e3", 2, "not '1e3'");
    program_says("build/segfuse generate --seed 99999999999999999999", 2, "not '99999");
    /* the last of two counts; - and _ are the same; a value may begin with a dash */
    program_says("build/segfuse inspect --context 5 --context=1024", 0, "for 1,024 tokens");
    program_says("build/segfuse tokenize --no-special-tokens < /dev/null", 0, "");
    program_says("build/segfuse inspect -- --nothing", 1, "--nothing");
    program_says("build/segfuse inspect --model -x", 1, "no model '-x'");
}

/* ---- the manual page ---- */

static void test_manual_page_is_clean_and_whole(void) {
    int checked = 0;
    program_says("build/segfuse man > '%s/segfuse.1'", 0, "");
    if (firstrun_has("mandoc")) {
        program_says("mandoc -T lint '%s/segfuse.1' && echo clean", 0, "clean");
        checked++;
    }
    if (firstrun_has("groff")) {
        program_says("groff -ww -man -T utf8 '%s/segfuse.1' 2>&1 > /dev/null | grep -c .", 1,
                     "0\n");
        checked++;
    }
    /* every verb and option is in it */
    program_says("for v in " FIRSTRUN_VERBS
                 "; do grep -q \"^.SS .segfuse $v\" '%s/segfuse.1' || echo missing $v; "
                 "build/segfuse $v --help | sed -n 's/^  --\\([a-z0-9_]*\\).*/\\1/p' | "
                 "grep -v '^help$' | while read -r o; do "
                 "grep -qF \"fB\\\\-\\\\-$o\\\\fR\" '%s/segfuse.1' || echo missing $v $o; done; "
                 "done | grep -c .",
                 1, "0\n");
    if (!checked) SKIP("neither mandoc nor groff is installed: apt-get install mandoc");
}

/* ---- completion ---- */

static void test_bash_completes(void) {
    static const struct {
        const char *words, *wanted; /* what was typed, the last word open; what is offered */
    } cases[] = {
        {"segfuse ge", "generate\n"},
        {"segfuse --v", "--version\n"},
        {"segfuse generate --num-p", "--num_paraphrases\n"},
        {"segfuse generate --reW --rew", "--rewrite\n"},
        {"segfuse generate --method per", "per_prompt\n"},
        {"segfuse generate --method avg,or", "avg,origin\n"},
        {"segfuse generate --method = avg,or", "avg,origin\n"},
        {"segfuse generate --mask iso", "isolated\n"},
        {"segfuse generate --fusion-start f", "first-answer\n"},
        {"segfuse generate --kernels na", "naive\n"},
        {"segfuse generate --model qwen3_8", "qwen3_8b\n"},
        {"segfuse generate --model model", "models\n"},
        {"segfuse generate --data Makef", "Makefile\n"},
        {"segfuse generate --output Makef", ""},
        {"segfuse generate --seed 1", ""},
        {"segfuse inspect Makef", "Makefile\n"},
        {"segfuse inspect qwen3_8", "qwen3_8b\n"},
        {"segfuse help insp", "inspect\n"},
        {"segfuse completion z", "zsh\n"},
    };
    char line[1024];
    const char *output;
    size_t i;
    int status;
    if (!firstrun_has("bash")) SKIP("bash is not installed: apt-get install bash");
    program_file("complete.bash",
                 "source <(build/segfuse completion bash)\n"
                 "COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n"
                 "[[ $(complete -p segfuse) == *'-F _segfuse'* ]] || echo not registered\n"
                 "_segfuse\n((${#COMPREPLY[@]})) && printf '%s\\n' \"${COMPREPLY[@]}\"\nexit 0\n");
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(line, sizeof line, "bash '%s' %s", temp_path("complete.bash"), cases[i].words);
        output = program_run(line, &status);
        CHECK(status == 0 && !strcmp(output, cases[i].wanted));
        if (strcmp(output, cases[i].wanted)) printf("    %s: %s\n", cases[i].words, output);
    }
}
/* In a zsh of its own behind a pseudo-terminal: what is typed, a tab, what then stands there. */
static void test_zsh_completes(void) {
    static const char script[] =
        "zmodload zsh/zpty || exit 77\n"
        "zpty z zsh -f -i || exit 77\n"
        "zpty -w z \"fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -d $1/dump; "
        "press() { zle complete-word; print -rn -- \\\"<<\\$BUFFER>>\\\" > /dev/tty; BUFFER=; }; zle -N press; "
        "bindkey '^X' press; PS1='> '; echo REA''DY\"\n"
        "zpty -r z out '*READY*> *'\n"
        "t() { zpty -wn z $1$'\\x18'; zpty -r z out '*>>*'; out=${out##*<<}; "
        "print -r -- \"[${out%%>>*}]\" ; }\n"
        "t 'segfuse gene'\n"
        "t 'segfuse generate --num_para'\n"
        "t 'segfuse generate --method avg,or'\n"
        "t 'segfuse generate --method=avg,per'\n"
        "t 'segfuse generate --fusion_start=af'\n"
        "t 'segfuse generate --data Makef'\n"
        "t 'segfuse generate --output mode'\n"
        "t 'segfuse inspect qwen3_8'\n"
        "t 'segfuse completion ba'\n"
        "t 'segfuse help insp'\n"
        "zpty -d z\n";
    static const char wanted[] = "[segfuse generate ]\n"
                                 "[segfuse generate --num_paraphrases=]\n"
                                 "[segfuse generate --method avg,origin,]\n"
                                 "[segfuse generate --method=avg,per_prompt,]\n"
                                 "[segfuse generate --fusion_start=after-first ]\n"
                                 "[segfuse generate --data Makefile ]\n"
                                 "[segfuse generate --output models/]\n"
                                 "[segfuse inspect qwen3_8b ]\n"
                                 "[segfuse completion bash ]\n"
                                 "[segfuse help inspect ]\n";
    char line[1024];
    const char *output;
    int status;
    if (!firstrun_has("zsh") || !firstrun_has("timeout"))
        SKIP("zsh is not installed: apt-get install zsh");
    program_file("complete.zsh", script);
    program_says("mkdir -p '%s/functions' && build/segfuse completion zsh > "
                 "'%s/functions/_segfuse'",
                 0, "");
    snprintf(line, sizeof line, "timeout 60 zsh -f '%s' '%s'", temp_path("complete.zsh"),
             temp_path("functions"));
    output = program_run(line, &status);
    if (status == 77) SKIP("zsh has no pseudo-terminal here");
    CHECK(status == 0 && !strcmp(output, wanted));
    if (strcmp(output, wanted)) printf("    status %d, it gave:\n%s\n", status, output);
}

/* ---- check ---- */

/* Run check in that environment, once; what it said is in the file check.txt. */
static void check_runs(const char *environment, int wanted) {
    char line[1024];
    snprintf(line, sizeof line, "%s build/segfuse check > '%%s/check.txt'", environment);
    program_says(line, wanted, "");
}
/* check.txt holds that line of extended regular expression. */
static void check_said(const char *pattern) {
    char line[1024];
    snprintf(line, sizeof line,
             "grep -qE -- '%s' '%%s/check.txt' || { cat '%%s/check.txt'; false; }", pattern);
    program_says(line, 0, "");
}
static void test_check_finds_all_well(void) {
    check_runs("SEGFUSE_MODELS= HF_HUB_CACHE='%s/nowhere'", 0);
    check_said("^  segfuse-2m   ok          LlamaForCausalLM, 1,967,808 parameters");
    check_said("^  answers      ok          8 of 8 questions answered by fused as recorded$");
    check_said("^  naive        ok          1 of 1: every logit has the recorded bits$");
    check_said("^  others       not found   neither below .SEGFUSE_MODELS .not set. nor");
    check_said("^All is well.$");
    program_says("awk 'length > 80 { print; bad = 1 } END { exit bad }' '%s/check.txt'", 0, "");
    program_says("build/segfuse check --record '%s/r.jsonl' && cmp '%s/r.jsonl' "
                 "models/segfuse-2m/check.jsonl && echo same",
                 0, "same");
}
/* What is wrong is said, with the remedy, and makes the exit status 1. */
static void test_check_finds_what_is_wrong(void) {
    static const char *const folders[] = {"whole", "gemma", "torn"};
    char line[1024];
    size_t i;
    hub_make(hub_qwen);
    hub_make(hub_llama);
    program_says("rm '%s/hub/models--meta-llama--Llama-3.2-1B/blobs/bmodel.safetensors'", 0, "");
    for (i = 0; i < 3; i++) {
        snprintf(line, sizeof line,
                 "mkdir -p '%%s/home/org/%s' && cp models/segfuse-2m/*.json "
                 "models/segfuse-2m/*.safetensors '%%s/home/org/%s'",
                 folders[i], folders[i]);
        program_says(line, 0, "");
    }
    program_file("home/org/gemma/config.json", "{\"architectures\": [\"GemmaForCausalLM\"]}");
    program_file("home/org/torn/config.json", "{");
    check_runs("SEGFUSE_MODELS='%s/home' HF_HUB_CACHE='%s/hub'", 1);
    check_said("^  org/whole    ok          LlamaForCausalLM, 1,967,808 parameters");
    check_said("^  org/gemma    unsupported ");
    check_said("^  org/torn     FAILED      ");
    check_said("^  qwen3_8b     incomplete  ");
    check_said("^  llama3.2_1b  FAILED      ");
    check_said("mends it");
    check_said("^2 things FAILED.$");
    check_runs("SEGFUSE_MODELS='%s/home/nowhere' HF_HUB_CACHE='%s/nowhere'", 1);
    check_said("is not a");
    check_said("^1 thing FAILED.$");
}
/* An installed program finds its models, from any folder; one alone says what to do; a changed
   model is found out. */
static void test_check_of_an_installation(void) {
    program_says("make -s install DESTDIR='%s/root' PREFIX=/usr > /dev/null && "
                 "ls '%s/root/usr/share'",
                 0, "bash-completion\nman\nsegfuse\nzsh\n");
    program_says("cd / && PATH='%s/root/usr/bin':$PATH HF_HUB_CACHE='%s/nowhere' segfuse check", 0,
                 "All is well.");
    program_says("cd / && ln -s '%s/root/usr/bin/segfuse' '%s/link' && \"$OLDPWD\"/build/segfuse "
                 "inspect",
                 0, "verdict");
    program_says("cd / && HF_HUB_CACHE= '%s/link' inspect", 0, "verdict");
    program_says("cd '%s/root/usr/share/segfuse/models/segfuse-2m' && "
                 "printf x | dd of=model.safetensors bs=1 seek=2000000 conv=notrunc 2> /dev/null",
                 0, "");
    program_says("cd / && HF_HUB_CACHE='%s/nowhere' '%s/root/usr/bin/segfuse' check", 1,
                 "logits have other bits than");
    program_says("rm -r '%s/root/usr/share/segfuse'", 0, "");
    program_says("cd / && HF_HUB_CACHE='%s/nowhere' '%s/root/usr/bin/segfuse' check", 1,
                 "FAILED      there is no folder models/segfuse-2m here");
}

/* ---- interactive ---- */

/* Answers from a file, one a line. */
static void test_interactive_reads_lines(void) {
    program_says("printf 'chek\n9\n3\nmaybe\nn\n' | build/segfuse interactive", 0,
                 "There is no 'chek'. Did you mean check; a number from 1 to 7");
    program_says("printf '3\nn\n' | build/segfuse interactive", 0,
                 "build/segfuse check\n\nRun it? [Y/n]: n\nNothing was run.\n");
    program_says("build/segfuse interactive", 1, "the answers ended; nothing was run");
    program_says("printf 'mask\\nshared\\n\\nn\\n' | build/segfuse interactive", 0,
                 "mask --segments shared:4,para:3,sep:1,para:3 --kind shared --generated 2 "
                 "--draw --check\n");
    program_says("printf 'mask\\nshared\\n\\ny\\n' | build/segfuse interactive | grep -c '#' ", 0,
                 "13\n");
    program_says(
        "printf 'lemmatize\\n/nowhere\\ntests\\n\\nREADME.md\\n\\nn\\n' | build/segfuse interactive",
        0, "build/segfuse lemmatize README.md\n");
    program_says("printf 'analyze\\nREADME.md\\n\\nnone\\nn\\n' | build/segfuse interactive", 0,
                 "build/segfuse analyze README.md\n");
    program_says(
        "printf 'ask\\n\\n\\nThe capital of Japan is [MASK].\\n-Jpaan: [MASK]\\n\\ny\\n' | "
        "build/segfuse interactive",
        0, "-- 'The capital of Japan is [MASK].' '-Jpaan: [MASK]'");
    program_says("printf '\n' | build/segfuse interactive", 1, "the answers ended");
    program_says("printf '3\n' | build/segfuse interactive", 1, "the answers ended");
    program_says("printf '2\n1\n\n' | build/segfuse interactive", 0, "verdict         supported");
    program_says("printf '2\nanother\n/nowhere\nqwen3_8b\nmodels/segfuse-2m\n\n' | "
                 "SEGFUSE_MODELS= HF_HUB_CACHE='%s/nowhere' build/segfuse interactive",
                 0, "There is no model 'qwen3_8b'. `hf download Qwen/Qwen3-8B` gets it\n");
    program_says("printf '2\n' | SEGFUSE_MODELS= HF_HUB_CACHE='%s/nowhere' build/segfuse "
                 "interactive",
                 1, "More models: `hf download meta-llama/Llama-3.2-1B-Instruct` puts one");
    program_says("cp models/questions/validation.jsonl \"%s/it's here.jsonl\"", 0, "");
    program_says(
        "printf '\n\nfile\n\n/nowhere\n%s/it'\"'\"'s here.jsonl\n99,avg\n\n21\n3\nall\n\nn\n' | "
        "build/segfuse interactive",
        0, "A whole number from 1 to 20 is needed, not '21'");
    program_says("printf '1\n1\n2\n%s/it'\"'\"'s here.jsonl\n1,fused\n3\n7\n\nn\n' | build/segfuse "
                 "interactive | grep -o 'generate .*'",
                 0, "s here.jsonl' --method origin,fused --num_paraphrases 3 --max_samples 7\n");
    /* what is shown can be pasted into a shell */
    program_says("printf '1\n1\n2\n%s/it'\"'\"'s here.jsonl\n3\n3\n2\n\nn\n' | build/segfuse "
                 "interactive | grep ' generate --model' > '%s/pasted'; echo ' --output %s/p' | "
                 "paste -d '' '%s/pasted' - | sh",
                 0, "2 questions, 3 paraphrases");
}
/* What else the chosen methods take: asked in one line, each value checked as generate does. */
static void test_interactive_asks_options_where_they_apply(void) {
    program_says("printf '1\n1\n1\navg\n3\n2\n\nn\n' | build/segfuse interactive", 0,
                 "Options, with commas (format, beams, by_relation, arithmetic) [none]: none\n");
    program_says("printf '1\n1\n1\nentropy_avg,flex_attention\n3\n2\n\nn\n' | build/segfuse "
                 "interactive",
                 0, "(format, mass, fusion, tau, beams, arithmetic) [none]");
    program_says("printf '1\n1\n1\nfused,hidden\n3\n2\nselct\nselect, beams,mass\n4\n2\n2\n0.5\n"
                 "\nn\n' | build/segfuse interactive 2> /dev/null | grep -o ' --max_samples.*'",
                 0, " --max_samples 2 --select 2 --beams 2 --length_penalty 0.5\n");
    program_says("printf '1\n1\n1\nfused\n3\n2\nselect,hybrid\n4\n\n0.5\nn\n' | build/segfuse "
                 "interactive",
                 0, "--select is a whole number from 1 to 3, the number of paraphrases, not '4'");
    program_says("printf '1\n1\n1\nfused\n3\n2\nselect,hybrid\n4\n\n0.5\nn\n' | build/segfuse "
                 "interactive 2> /dev/null | grep -o ' --max_samples.*'",
                 0, " --max_samples 2 --hybrid 0.5\n");
    program_says("printf '1\n1\n1\navg\n3\n2\narithmetic\nbf17\nbf16\nn\n' | build/segfuse "
                 "interactive",
                 0, "--arithmetic 'bf17' is not known; did you mean bf16? known: f32, bf16");
    program_says("printf '1\n1\n1\navg\n3\n2\narithmetic\nbf17\nbf16\nn\n' | build/segfuse "
                 "interactive 2> /dev/null | grep -o ' --max_samples.*'",
                 0, " --max_samples 2 --arithmetic bf16\n");
    program_says("printf '1\n1\n1\nhidden\n3\n2\nfrom_layer,by_relation\n1\n/nowhere\n\nn\n' | "
                 "build/segfuse interactive",
                 0, "/nowhere");
    program_says("printf '1\n1\n1\nfused\n3\n2\nbeams\n' | build/segfuse interactive", 1,
                 "the answers ended; nothing was run");
}
/* Behind a pseudo-terminal: a program, and what it has said. */
typedef struct {
    int fd;
    pid_t pid;
    char said[65536];
    size_t len;
} terminal;

static int terminal_start(terminal *t) {
    const char *name;
    memset(t, 0, sizeof *t);
    t->fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (t->fd < 0 || grantpt(t->fd) || unlockpt(t->fd) || !(name = ptsname(t->fd))) return 0;
    fflush(stdout);
    t->pid = fork();
    if (t->pid < 0) return 0;
    if (!t->pid) {
        int slave;
        char command[700];
        setsid(); /* the terminal that is opened next becomes the controlling one */
        slave = open(name, O_RDWR);
        snprintf(command, sizeof command,
                 "HF_HUB_CACHE='%s/nowhere' SEGFUSE_MODELS= exec build/segfuse interactive",
                 temp_folder);
        if (slave < 0 || dup2(slave, 0) < 0 || dup2(slave, 1) < 0 || dup2(slave, 2) < 0) _exit(99);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(99);
    }
    return 1;
}
/* Wait until the program has said that (the text is then forgotten) or has ended: 1 or 0. */
static int terminal_wait(terminal *t, const char *text) {
    for (;;) {
        const char *found = strstr(t->said, text);
        ssize_t n;
        if (found) {
            size_t used = (size_t)(found - t->said) + strlen(text);
            memmove(t->said, t->said + used, t->len - used + 1);
            t->len -= used;
            return 1;
        }
        if (t->len + 1 >= sizeof t->said) return 0;
        n = read(t->fd, t->said + t->len, sizeof t->said - 1 - t->len);
        if (n <= 0) return 0;
        t->len += (size_t)n;
        t->said[t->len] = 0;
    }
}
static void terminal_type(terminal *t, const char *text) {
    CHECK(write(t->fd, text, strlen(text)) == (ssize_t)strlen(text));
}
/* The exit status. */
static int terminal_end(terminal *t) {
    char rest[512];
    int status;
    while (read(t->fd, rest, sizeof rest) > 0) {}
    if (waitpid(t->pid, &status, 0) < 0) status = -1;
    close(t->fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
static void test_interactive_in_a_terminal(void) {
    static terminal t;
    temp_path("");
    if (!terminal_start(&t)) SKIP("there is no pseudo-terminal here");
    CHECK(terminal_wait(&t, "What shall be done?"));
    CHECK(terminal_wait(&t, "Number or name [generate]: "));
    terminal_type(&t, "inspekt\n");
    CHECK(terminal_wait(&t, "Did you mean inspect"));
    CHECK(terminal_wait(&t, "Number or name [generate]: "));
    terminal_type(&t, "2\n");
    CHECK(terminal_wait(&t, "Which model?"));
    CHECK(terminal_wait(&t, "Number or name [segfuse-2m]: "));
    terminal_type(&t, "\n");
    CHECK(terminal_wait(&t, "build/segfuse inspect --model segfuse-2m"));
    CHECK(terminal_wait(&t, "Run it? [Y/n]: "));
    terminal_type(&t, "\n");
    CHECK(terminal_wait(&t, "verdict         supported"));
    CHECK(terminal_end(&t) == 0);
}
static void test_interactive_draws_a_mask(void) {
    static terminal t;
    temp_path("");
    if (!terminal_start(&t)) SKIP("there is no pseudo-terminal here");
    CHECK(terminal_wait(&t, "Number or name [generate]: "));
    terminal_type(&t, "mask\n");
    CHECK(terminal_wait(&t, "Number or name [shared]: "));
    terminal_type(&t, "isolated\n");
    CHECK(terminal_wait(&t, "Segments [shared:4"));
    terminal_type(&t, "para:2,sep:1,para:2\n");
    CHECK(terminal_wait(&t, "mask --segments para:2,sep:1,para:2 --kind isolated"));
    terminal_type(&t, "\n");
    CHECK(terminal_end(&t) == 0);
}
static void test_interactive_ends_at_once(void) {
    static terminal t;
    temp_path("");
    if (!terminal_start(&t)) SKIP("there is no pseudo-terminal here");
    CHECK(terminal_wait(&t, "Number or name [generate]: "));
    terminal_type(&t, "\003"); /* Ctrl-C */
    CHECK(terminal_end(&t) == 130);
    if (!terminal_start(&t)) SKIP("there is no pseudo-terminal here");
    CHECK(terminal_wait(&t, "Number or name [generate]: "));
    terminal_type(&t, "1\n");
    CHECK(terminal_wait(&t, "Number or name [segfuse-2m]: "));
    terminal_type(&t, "\004"); /* Ctrl-D */
    CHECK(terminal_wait(&t, "the answers ended; nothing was run"));
    CHECK(terminal_end(&t) == 1);
}

static void tests_firstrun(void) {
    RUN(test_help_fits_80_columns);
    RUN(test_wrong_words_get_the_nearest_right_ones);
    RUN(test_options_are_read_strictly);
    RUN(test_manual_page_is_clean_and_whole);
    RUN(test_bash_completes);
    RUN(test_zsh_completes);
    RUN(test_check_finds_all_well);
    RUN(test_check_finds_what_is_wrong);
    RUN(test_check_of_an_installation);
    RUN(test_interactive_reads_lines);
    RUN(test_interactive_asks_options_where_they_apply);
    RUN(test_interactive_in_a_terminal);
    RUN(test_interactive_draws_a_mask);
    RUN(test_interactive_ends_at_once);
}
