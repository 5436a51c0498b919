/* The programs as a user runs them: exit status, what is said, what is written. */

/* Run a shell command; *status gets the exit status; the first bytes of its stdout and stderr come
 * back. */
static const char *program_run(const char *command, int *status) {
    static char output[65536];
    char line[4096], path[1400];
    size_t n;
    FILE *file;
    snprintf(path, sizeof path, "%s", temp_path("output.txt"));
    snprintf(line, sizeof line, "{ %s; } > '%s' 2>&1 < /dev/null", command, path);
    n = (size_t)system(line);
    *status = WIFEXITED((int)n) ? WEXITSTATUS((int)n) : 128;
    file = fopen(path, "rb");
    n = file ? fread(output, 1, sizeof output - 1, file) : 0;
    if (file) fclose(file);
    output[n] = 0;
    return output;
}
/* The command ends with that status and says that. '%s' in it, up to four times, is the folder of
   temporary files. */
static void program_says(const char *command, int wanted, const char *text) {
    char line[2048];
    int status;
    const char *output;
    temp_path("");
    snprintf(line, sizeof line, command, temp_folder, temp_folder, temp_folder, temp_folder);
    output = program_run(line, &status);
    CHECK(status == wanted && strstr(output, text));
    if (status != wanted || !strstr(output, text))
        printf("    %s\n    status %d, wanted %d with '%s'; it said:\n%.1500s\n", line, status,
               wanted, text, output);
}
static void program_file(const char *name, const char *text) {
    FILE *file = fopen(temp_path(name), "wb");
    if (file) fputs(text, file), fclose(file);
}

static void test_help_and_wrong_usage(void) {
    program_says("build/segfuse --help", 0, "generate");
    program_says("build/segfuse", 2, "usage: segfuse VERB");
    program_says("build/segfuse fuse", 2, "there is no verb 'fuse'");
    program_says("build/segfuse generate --help", 0, "--num_paraphrases");
    program_says("build/segfuse tokenize --help", 0, "--no_special_tokens");
    program_says("build/segfuse forward --help", 0, "--layout");
    program_says("build/segfuse inspect --help", 0, "--model");
    program_says("build/segfuse generate --paraphrases 3", 2, "did you mean --num_paraphrases");
    program_says("build/segfuse generate --num_paraphrases five", 2, "whole number");
    program_says("build/segfuse generate --num_paraphrases 0", 2, "from 1 to 1000000000");
    program_says("build/segfuse generate --method median", 2,
                 "known: origin, per_prompt, avg, max, weighted_avg, weighted_max, "
                 "avg_p, entropy_avg, hidden, flex_attention, myriadlama_flex, myriadlama, "
                 "myriadlama_custom, fused");
    program_says("build/segfuse generate --mask hidden", 2,
                 "known: causal, isolated, manual-cross, few-shot");
    program_says("build/segfuse generate --positions up", 2, "sequential, aligned");
    program_says("build/segfuse generate --device cuda", 2, "built for the CPU");
    program_says("build/segfuse generate --mass 1,2", 2, "5 positive numbers");
    program_says("build/segfuse generate --method ,", 2, "1 to 32 methods");
    program_says("build/segfuse generate --indexs 0,2 --mass 1,2,3", 2, "2 positive numbers");
    program_says("build/segfuse generate --dataset squad", 2, "known: myriadlama, webqa");
    program_says("build/segfuse forward", 2, "--layout");
}
static void test_generate_refuses_what_cannot_work(void) {
    program_file(
        "nouuid.jsonl",
        "{\"answers\": [\"a\"], \"manual_paraphrases\": [\"p\"], \"auto_paraphrases\": []}\n");
    program_file("nopara.jsonl", "{\"uuid\": \"1\", \"answers\": [\"a\"]}\n");
    program_file(
        "cut.jsonl",
        "{\"uuid\": \"1\", \"answers\": [\"a\"], \"manual_paraphrases\": [\"p\"]}\n{\"uuid\": \"2\", ");
    program_file(
        "few.jsonl",
        "{\"uuid\": \"1\", \"answers\": [\"a\"], \"manual_paraphrases\": [\"p\", \"q\"], \"auto_paraphrases\": []}\n");
    program_says("build/segfuse generate --data '%s/none.jsonl' --output '%s/o'", 1, "none.jsonl");
    program_says("build/segfuse generate --data '%s/nouuid.jsonl' --output '%s/o'", 1,
                 "nouuid.jsonl: the column \"uuid\" is missing");
    program_says("build/segfuse generate --data '%s/nopara.jsonl' --output '%s/o'", 1,
                 "nopara.jsonl: no questions: its columns are uuid");
    program_says("build/segfuse generate --data '%s/cut.jsonl' --output '%s/o'", 1, "cut.jsonl");
    program_says("build/segfuse generate --data '%s/few.jsonl' --indexs 0,7 --output '%s/o'", 1,
                 "--indexs 7: a question has at most 2 paraphrases, 0 to 1");
    program_says("build/segfuse generate --model nowhere --output '%s/o'", 1, "no model 'nowhere'");
    program_says("build/segfuse generate --model tests/golden/models/llama3-rope --output '%s/o'",
                 1, "tokenizer.json");
    program_says("build/segfuse generate --num_fewshots 100000 --output '%s/o'", 1,
                 "few-shot examples were asked for");
    program_says("build/segfuse generate --output /proc/nowhere/o", 1, "/proc/nowhere/o");
    program_says(
        "build/segfuse generate --num_fewshots 5 --num_paraphrases 20 --method flex_attention --output '%s/o'",
        1, "context is 2048");
    program_says("test -z \"$(ls '%s/o')\" && echo empty", 0, "empty");
    program_file("file", "");
    program_says("build/segfuse generate --output '%s/file/o'", 1,
                 "file/o cannot be made: File exists");
    program_says("L=$(printf 'a/%%.0s' $(seq 200)); L=$L/$L$L; "
                 "build/segfuse generate --max_samples 1 --output '%s/'$L",
                 1, "longer than 1023 bytes; give a shorter --output");
    program_says("I=$(printf '0%%.0s' $(seq 1100)); build/segfuse generate --max_samples 1 "
                 "--method flex_attention --indexs $I --output '%s/long'",
                 1, "give a shorter --output or fewer --indexs");
    program_says("build/segfuse paraphrase --output /tmp/$(printf 'a%%.0s' $(seq 1200)).jsonl", 1,
                 "longer than 1099 bytes");
    program_says("ls '%s' | grep -c '^a$\\|long' || true", 0, "0");
    if (geteuid() == 0) return; /* nothing is forbidden to root */
    program_says("mkdir -m 555 '%s/closed' && build/segfuse generate --output '%s/closed/a/b'", 1,
                 "closed/a/b cannot be made: Permission denied");
}
/* A run writes its files; a second one of the same configuration does nothing; another one is
 * refused. */
static void test_generate_writes_and_protects_results(void) {
    program_says(
        "build/segfuse generate --method per_prompt,avg,fused --max_samples 3 --lemmatize --output '%s/run'",
        0, "passes/step");
    program_says(
        "build/segfuse generate --method per_prompt --max_samples 3 --lemmatize --output '%s/run'",
        0, "already exists, of this very configuration");
    program_says(/* the table of a result that is there, and of a new one beside it */
                 "build/segfuse generate --method per_prompt,max --max_samples 3 --lemmatize --quiet --output '%s/run' "
                 "2> /dev/null | grep -c '^per_prompt  *[01][.][0-9]* .* -  *-  *-  *-$\\|^max .*[0-9]$\\|^-: the result'",
                 0, "3\n");
    program_says(
        "build/segfuse generate --method per_prompt --max_samples 3 --seed 7 --output '%s/run'", 1,
        "with another configuration: --seed is 42 there and 7 here; --rewrite replaces it, "
        "--tag NAME or another --output leaves it alone");
    program_says(
        "build/segfuse generate --method weighted_avg,per_prompt --max_samples 3 --output '%s/run' || ls "
        "'%s/run' | grep -c weighted",
        1, "0"); /* found out before the first method runs */
    program_says(
        "build/segfuse generate --method per_prompt --max_samples 2 --rewrite --output '%s/run'", 0,
        "passes/step");
    program_says("build/segfuse inspect '%s/run/fused-5.feather'", 0,
                 "answer_lemmas        list<list<utf8>>");
    program_says("build/segfuse inspect '%s/run/ensemble_avg-5.feather'", 0,
                 "prompts              list<utf8>");
    program_says("build/segfuse inspect '%s/run/per_prompt.feather'", 0, ": 10 rows");
    program_says("head -1 '%s/run/fused-5.csv'", 0,
                 "uuid,paraphrases,answers,prediction,generation,predict_lemma,answer_lemmas");
    program_says("cat '%s/run/fused-5.json'", 0,
                 "\"mask\": \"shared\", \"positions\": \"aligned\", \"mass\": \"1/N\"");
}
/* A question of one's own gets the answers that generate gives to the same question in a file. */
static void test_ask(void) {
    static const char words[] = "'The capital of Japan is [MASK].' 'Jpaan is ruled from [MASK].' "
                                "'In Nippon, the capital city is [MASK].'";
    static const char methods[] = "per_prompt,avg,flex_attention,myriadlama,fused";
    char command[1024];
    program_file("own.jsonl",
                 "{\"uuid\": \"1\", \"answers\": [\"Tokyo\"], \"auto_paraphrases\": [], "
                 "\"manual_paraphrases\": [\"The capital of Japan is [MASK].\", "
                 "\"Jpaan is ruled from [MASK].\", \"In Nippon, the capital city is [MASK].\"]}\n");
    snprintf(command, sizeof command,
             "build/segfuse generate --data '%%s/own.jsonl' --num_paraphrases 3 --quiet --method "
             "%s --output '%%s/own' > /dev/null 2>&1 && cd '%%s/own' && for f in per_prompt "
             "ensemble_avg-3 flex_attention-3 myriadlama_flex_3paras fused-3; do "
             "$OLDPWD/build/segfuse convert $f.feather $f.jsonl; sed 's/.*\"prediction\":\\s*"
             "\"\\([^\"]*\\)\".*/\\1/' $f.jsonl; done > answers",
             methods);
    program_says(command, 0, "");
    snprintf(command, sizeof command,
             "build/segfuse ask --quiet --method %s %s > '%%s/own/asked' && cd '%%s/own' && cmp "
             "answers asked && wc -l < asked",
             methods, words);
    program_says(command, 0, "7\n");
    snprintf(command, sizeof command, "build/segfuse ask %s", words);
    program_says(command, 0, "\nfused_agreement    Tokyo                    all 3\n");
    snprintf(command, sizeof command, "build/segfuse ask %s --method fused --mass 1,2,3", words);
    program_says(command, 0, "\nfused              Tehran                   all 3\n");
    program_says("build/segfuse ask 'The capital of Japan is [MASK].'", 0,
                 "\norigin             Tokyo                    The capital of Japan is [MASK].\n");
    program_says(
        "build/segfuse ask --digest --method fused 'The otter is a kind of [MASK].' 'In zoology, "
        "the animal class of the otuer is [MASK].' '[MASK] is the class of animal to which "
        "the ottre belongs.' 'The otter is a type of [MASK].' 'Zoologists classify the ottr "
        "as some kind of [MASK].'",
        0, "9a080b039efcb14c1745fb55d1cf9b1b all 5\n"); /* as in check.jsonl */
    program_says("build/segfuse ask --digest --quiet --method per_prompt 'a [MASK]' 'b [MASK]' | "
                 "sed 's/.*\t//' | sort -u | grep -c '^[0-9a-f]\\{32\\}$'",
                 0, "2\n");
    program_says("build/segfuse ask --digest --beams 2 --method fused 'a [MASK]' 'b [MASK]'", 2,
                 "--digest is of greedy steps; leave out --beams");
    program_says("build/segfuse ask 'Who?' --explain", 0, "model segfuse-2m, 0 examples");
    program_says("build/segfuse ask 'Who?' --explain | grep -c 'right\\|wrong\\|answers: '", 1,
                 "0");
    program_says("build/segfuse ask 'Who?' --report '%s/asked.html' > /dev/null && grep -c "
                 "'<h1>Who?</h1>' '%s/asked.html'",
                 0, "1\n");
    program_says("grep -c 'right\"\\|wrong\"\\|Right answers' '%s/asked.html'", 1, "0");
    program_says("build/segfuse ask", 2, "segfuse ask: ask what?");
    program_says("build/segfuse ask a b --mass 1,2,3", 2, "segfuse ask: --mass is 1, 1/N");
    program_says("build/segfuse ask a b --method weighted_max", 2, "weighs by confidences");
    program_says("build/segfuse ask a b --mass confidence", 2, "weighs by confidences");
    program_says("build/segfuse ask \"$(printf 'a\\377b')\"", 1, "is not UTF-8");
}
/* Options that change no result change no byte; options that do are in the configuration. */
static void test_results_do_not_depend_on_how_they_are_computed(void) {
    program_says(
        "build/segfuse generate --method avg,flex_attention,fused --max_samples 5 --batch_size 1 --threads 1 --quiet --output '%s/a'",
        0, "");
    program_says(
        "build/segfuse generate --method avg,flex_attention,fused --max_samples 5 --batch_size 3 --threads 3 --quiet "
        "--kernels portable --output '%s/b'",
        0, "");
    program_says(
        "cd '%s' && for f in a/*.feather a/*.csv a/*.json; do cmp $f b/${f#a/} || exit 1; done; ls a | wc -l",
        0, "9");
}
static void test_a_full_stdout_is_reported(void) {
    struct stat info;
    if (stat("/dev/full", &info)) SKIP("there is no /dev/full");
    program_says("echo '\"x\"' | build/segfuse tokenize > /dev/full", 1, "stdout failed");
}
static void test_tokenize_round_trip(void) {
    program_says(
        "echo '\"Q: The capital of Japan is [MASK].\"' | build/segfuse tokenize | build/segfuse tokenize --decode",
        0, "\"Q: The capital of Japan is [MASK].\"");
    program_says("echo '[1' | build/segfuse tokenize --decode", 1, "stdin line 1");
    program_says("echo '[99999999]' | build/segfuse tokenize --decode", 0, "\"\"");
    program_says("echo '7' | build/segfuse tokenize", 1, "a JSON string was expected");
}
static void test_forward_writes_logits(void) {
    program_says(
        "build/segfuse generate --method fused --max_samples 1 --dump_layout '%s/l.json' --output '%s/d'",
        0, "fused");
    program_says("build/segfuse forward --layout '%s/l.json' --output '%s/l.npy'", 0, "");
    program_says("head -c 60 '%s/l.npy' | tail -c 50", 0, "'fortran_order': False");
    program_says(
        "build/segfuse forward --model tests/golden/models/llama3-rope --layout '%s/l.json' --output '%s/m.npy'",
        1, "ids are 0 to 95");
    program_says("build/segfuse forward --layout '%s/l.json' --output '%s/m.txt'", 2,
                 "--output ends in .npy, which");
    program_says("build/segfuse forward --layout '%s/l.json' --output '/nowhere/m.npy'", 1,
                 "/nowhere/m.npy");
}
/* What paraphrase writes has WebQA's columns; the command it ends with asks it as what it was. */
static void test_paraphrase_says_what_comes_next(void) {
    program_says("build/segfuse paraphrase --max_samples 2 --quiet --output \"%s/it's.jsonl\" | "
                 "sed -n 's/^To ask them: //p' > '%s/next' && cat '%s/next'",
                 0, "build/segfuse generate --dataset myriadlama --data '");
    program_says("echo \"$(cat '%s/next') --quiet --output '%s/next-out'\" | sh", 0,
                 "segfuse-2m on myriadlama: 2 questions, 6 paraphrases");
}
static void test_inspect(void) {
    program_says("build/segfuse inspect", 0, "verdict         supported");
    program_says("build/segfuse inspect --model tests/golden/models/llama3-rope", 0, "RoPE llama3");
    program_says("build/segfuse inspect tests/golden/models/llama3-rope/model.safetensors", 0,
                 "model.norm.weight F32 [48]");
    program_says("build/segfuse inspect models/questions/test.jsonl", 0, "manual_paraphrases");
    program_says("build/segfuse inspect '%s/nothing'", 1, "nothing");
    /* what is no table */
    program_file("object.json", "{\n  \"a\": 1\n}\n");
    program_says("build/segfuse inspect '%s/object.json'", 1,
                 "object.json: one JSON object over several lines; rows are objects");
    program_says("build/segfuse mask --kind shared --segments para:2 --dump_layout '%s/p.json' "
                 "--output '%s/p.npy' && build/segfuse inspect '%s/p.json'",
                 1, "p.json: a layout, and no table; segfuse forward");
    program_says("build/segfuse inspect '%s/p.npy'", 1, "p.npy: a NumPy array, and no table");
    program_says("build/segfuse inspect examples/report.png", 1, "a picture, and no table");
}
/* A whole file as text, the spaces at the beginning of lines left out. */
static char *program_flat_text(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t cap = 1 << 21, n = 0;
    char *text = (char *)malloc(cap);
    int c, start = 1;
    while (file && n + 1 < cap && (c = fgetc(file)) != EOF) {
        if (start && c == ' ') continue;
        start = c == '\n';
        text[n++] = (char)c;
    }
    text[n] = 0;
    if (file) fclose(file);
    return text;
}
/* The README shows the example as it is compiled, and what it prints. */
static void test_the_example_is_the_documented_one(void) {
    char *readme = program_flat_text("README.md"), *output;
    char *source = program_flat_text("examples/fuse.c"),
         *code = strstr(source, "#define SEGFUSE_IMPLEMENTATION");
    int status;
    CHECK(code && strstr(readme, code));
    program_run("build/fuse", &status);
    CHECK(status == 0);
    output = program_flat_text(temp_path("output.txt"));
    CHECK(strlen(output) > 100 && strstr(readme, output));
    if (!strstr(readme, output)) printf("    it printed\n%s", output);
    free(readme), free(source), free(output);
    program_says("build/mask | cmp - examples/mask.svg && echo same", 0, "same");
}

static void tests_program(void) {
    RUN(test_help_and_wrong_usage);
    RUN(test_generate_refuses_what_cannot_work);
    RUN(test_generate_writes_and_protects_results);
    RUN(test_ask);
    RUN(test_results_do_not_depend_on_how_they_are_computed);
    RUN(test_a_full_stdout_is_reported);
    RUN(test_tokenize_round_trip);
    RUN(test_forward_writes_logits);
    RUN(test_paraphrase_says_what_comes_next);
    RUN(test_inspect);
    RUN(test_the_example_is_the_documented_one);
}
