/* Data sets as a user of the program meets them: schemas, formats, folders, splits, and everything
   that can be wrong with them. */

/* All methods that need nothing but questions. */
#define DATASET_METHODS \
    "origin,per_prompt,avg,max,flex_attention,myriadlama_flex,myriadlama,myriadlama_custom,fused"

/* segfuse inspect prints these questions of a temporary file or folder. */
static void dataset_gives(const char *name, const char *options, const char *wanted) {
    char line[1024];
    snprintf(line, sizeof line, "build/segfuse inspect '%%s/%s' --questions 0 %s", name, options);
    program_says(line, 0, wanted);
}
/* segfuse generate refuses this text in a file of this name, and says that. */
static void dataset_refuses(const char *name, const char *text, const char *wanted) {
    char line[512];
    program_file(name, text);
    snprintf(line, sizeof line, "build/segfuse generate --data '%%s/%s' --output '%%s/refused'",
             name);
    program_says(line, 1, wanted);
}
/* Raw MyriadLAMA as CSV: two questions, their rows mixed, the second with `autos` automatic templates
   named a0, a1, ... */
static void dataset_raw(const char *name, int autos) {
    char text[4096] = "uuid,rel_uri,sub_ent,obj_aliases,template,is_manual\n"
                      "b2,P19,Ada,\"['London', \"\"St. James's\"\"]\",[X] came from [Y].,True\n"
                      "7f-\xC3\xA9,P20,Bob [Y],['Rome'],\"[Y], says [X], [X]\",True\n"
                      "b2,P19,Ada,['other'],Where was [X] born? [Y].,False\n"
                      "b2,P19,Eve,['London'],[X] was born in [Y].,True\n";
    int i;
    for (i = 0; i < autos; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "7f-\xC3\xA9,P20,Bob [Y],['Rome'],a%d [X],False\n", i);
    }
    program_file(name, text);
}

/* ---- schemas ---- */

static void test_raw_myriadlama_is_grouped_and_filled(void) {
    dataset_raw("raw.csv", 2);
    /* sorted by uuid; subject, answers and relation of the first row; manual templates first; [X] is
       filled before [Y], as replace().replace() does it */
    dataset_gives(
        "raw.csv", "",
        "{\"uuid\": \"7f-\xC3\xA9\", \"rel\": \"P20\", \"answers\": [\"Rome\"], "
        "\"manual\": 1, \"paraphrases\": [\"[MASK], says Bob [MASK], Bob [MASK]\", "
        "\"a0 Bob [MASK]\", \"a1 Bob [MASK]\"]}\n"
        "{\"uuid\": \"b2\", \"rel\": \"P19\", \"answers\": [\"London\", \"St. James's\"], "
        "\"manual\": 2, \"paraphrases\": [\"Ada came from [MASK].\", "
        "\"Ada was born in [MASK].\", \"Where was Ada born? [MASK].\"]}\n");
    program_says("build/segfuse inspect '%s/raw.csv'", 0,
                 "schema: raw MyriadLAMA\nquestions: 2 of 2 relations\n"
                 "paraphrases: 1 to 2 manual, 1 to 2 automatic a question\n"
                 "answers: 1 to 2 a question\n");
}
/* random.seed('7f-\u00E9'); random.sample(range(16), 15) */
static void test_automatic_paraphrases_are_pythons_sample(void) {
    static const int picks[] = {4, 5, 15, 1, 6, 2, 9, 10, 8, 12, 3, 11, 0, 13, 7};
    char wanted[1024] = "";
    size_t i;
    for (i = 0; i < 15; i++) {
        size_t n = strlen(wanted);
        snprintf(wanted + n, sizeof wanted - n, ", \"a%d Bob [MASK]\"", picks[i]);
    }
    dataset_raw("picked.csv", 16);
    dataset_gives("picked.csv", "", wanted);
    program_file(
        "picked.jsonl",
        "{\"uuid\": \"7f-\xC3\xA9\", \"answers\": [\"x\"], \"manual_paraphrases\": [\"m\"], "
        "\"auto_paraphrases\": [\"a0 Bob [MASK]\", \"a1 Bob [MASK]\", \"a2 Bob [MASK]\", "
        "\"a3 Bob [MASK]\", \"a4 Bob [MASK]\", \"a5 Bob [MASK]\", \"a6 Bob [MASK]\", "
        "\"a7 Bob [MASK]\", \"a8 Bob [MASK]\", \"a9 Bob [MASK]\", \"a10 Bob [MASK]\", "
        "\"a11 Bob [MASK]\", \"a12 Bob [MASK]\", \"a13 Bob [MASK]\", \"a14 Bob [MASK]\", "
        "\"a15 Bob [MASK]\"]}\n");
    dataset_gives("picked.jsonl", "", wanted);
}
/* train_test_split(test_size=2000, seed=42) of 2003 questions whose uuids are 10000, 10001, ... */
static void test_raw_myriadlama_is_split_as_the_original_splits_it(void) {
    FILE *file = fopen(temp_path("many.csv"), "wb");
    int i;
    if (file) fprintf(file, "uuid,sub_ent,obj_aliases,template,is_manual\n");
    for (i = 0; file && i < 2003; i++) fprintf(file, "%d,s,a,[X] is [Y],True\n", 12002 - i);
    if (file) fclose(file);
    program_says("build/segfuse inspect '%s/many.csv' --questions 0 --split train | cut -c11-15 | "
                 "tr '\n' ' '",
                 0, "11985 10973 11672 ");
    program_says("build/segfuse inspect '%s/many.csv' --questions 3 --split test | cut -c11-15 | "
                 "tr '\n' ' '",
                 0, "10734 11263 10365 ");
    program_says("build/segfuse inspect '%s/many.csv'", 0, "questions: 2,003\n");
    program_says("build/segfuse generate --data '%s/many.csv' --method origin --max_samples 1 "
                 "--num_fewshots 3 --output '%s/many'",
                 0, "--fewshot_data: split train");
}
static void test_webqa_schemas(void) {
    static const char faust[] =
        "{\"uuid\": \"eb1aca807984bbe04628f7a87da30376\", \"answers\": [\"Goethe\"], \"manual\": 1, "
        "\"paraphrases\": [\"who wrote \\\"faust\\\"?\"";
    char wanted[512];
    program_file("raw.json", "[{\"url\": \"u\", \"question\": \"who wrote \\\"faust\\\"?\", "
                             "\"answers\": [\"Goethe\"]}]");
    snprintf(wanted, sizeof wanted, "%s]}\n", faust);
    dataset_gives("raw.json", "", wanted);
    program_file("brmson.json", "[{\"qId\": \"w1\", \"qText\": \"who wrote \\\"faust\\\"?\", "
                                "\"answers\": [\"Goethe\"]}]");
    dataset_gives("brmson.json", "", wanted);
    program_file("processed.csv", "answers,paraphrase0,paraphrase1,paraphrase2\n"
                                  "['Goethe'],\"who wrote \"\"faust\"\"?\",faust is by?,\n");
    snprintf(wanted, sizeof wanted, "%s, \"faust is by?\"]}\n", faust);
    dataset_gives("processed.csv", "", wanted);
    program_file("first.csv", "question,answers,paraphrase1\n"
                              "\"who wrote \"\"faust\"\"?\",Goethe,faust is by?\n");
    dataset_gives("first.csv", "", wanted);
    program_file("named.jsonl", "{\"uuid\": 7, \"relation\": 3, \"question\": \"q\", "
                                "\"answers\": [[\"a\", \"b\"], [\"c\"]]}");
    dataset_gives("named.jsonl", "",
                  "{\"uuid\": \"7\", \"rel\": \"3\", \"answers\": [\"a\", \"b\", \"c\"], "
                  "\"manual\": 1, \"paraphrases\": [\"q\"]}\n");
}
static void test_a_byte_order_mark_and_crlf_change_nothing(void) {
    static const char wanted[] = "\"answers\": [\"a\"], \"manual\": 1, \"paraphrases\": [\"q\"]}\n";
    program_file("bom.csv", "\xEF\xBB\xBFquestion,answers\r\nq,['a']\r\n");
    dataset_gives("bom.csv", "", wanted);
    program_file("bom.jsonl", "\xEF\xBB\xBF{\"question\": \"q\", \"answers\": [\"a\"]}\r\n\r\n");
    dataset_gives("bom.jsonl", "", wanted);
    program_file("bom.json",
                 "\xEF\xBB\xBF\r\n[\r\n{\"question\": \"q\", \"answers\": [\"a\"]}\r\n]");
    dataset_gives("bom.json", "", wanted);
}

/* ---- folders ---- */

static void test_folders_of_save_to_disk(void) {
    program_says(
        "cd '%s' && mkdir -p saved/train saved/test && "
        "echo '{\"splits\": [\"train\", \"test\"]}' > saved/dataset_dict.json && "
        "echo '{\"_data_files\": [{\"filename\": \"b.arrow\"}, {\"filename\": \"a.arrow\"}], "
        "\"_split\": \"test\"}' > saved/test/state.json && "
        "echo '{\"_data_files\": [{\"filename\": \"a.arrow\"}]}' > saved/train/state.json",
        0, "");
    program_file("saved/test/b.arrow", "question,answers\nfirst,a\nsecond,b\n");
    program_file("saved/test/a.arrow", "answers,question\nc,third\n");
    program_file("saved/train/a.arrow", "question,answers\ntrained,a\n");
    program_says("build/segfuse inspect '%s/saved/test/' --questions 0 | tr -d '\\n'", 0,
                 "[\"first\"]}{");
    program_says("build/segfuse inspect '%s/saved' --questions 0 | tail -1", 0, "[\"third\"]");
    dataset_gives("saved", "--split train", "[\"trained\"]");
    program_says("build/segfuse convert '%s/saved' '%s/saved.jsonl'", 0, "");
    program_says("grep -c answers '%s/saved.jsonl'", 0, "3\n");
    program_says("build/segfuse inspect '%s/saved'", 0,
                 "saved/train: 1 row, CSV, 1 file of a data set folder");
    program_says("build/segfuse inspect '%s/saved'", 0,
                 "saved/test: 3 rows, CSV, 2 files of a data set folder");
    program_says("build/segfuse generate --data '%s/saved' --num_fewshots 1 --method origin "
                 "--max_samples 1 --output '%s/saved_o'",
                 0, "--fewshot_data: split train");
    program_says("build/segfuse generate --data '%s/saved/test' --method origin --max_samples 1 "
                 "--output '%s/saved_p'",
                 0, "few-shot examples: models/questions/train.jsonl");
    program_says("cat '%s/saved_o/origin.json'", 0, "\"dataset\": \"webqa\"");
    program_says("build/segfuse generate --data '%s/saved' --method origin --output '%s/saved_q'",
                 1, "train has 1 questions; 5 few-shot examples were asked for");
    program_says("build/segfuse inspect models/questions/test.jsonl --split train", 1,
                 "is not divided into splits; leave out --split");
    program_says("build/segfuse inspect models/questions --split validation --questions 1", 0,
                 "\"manual\": 5");
}
/* A folder with this file in it is refused. */
static void folder_refuses(const char *name, const char *text, const char *wanted) {
    char file[256];
    snprintf(file, sizeof file, "folder/%s", name);
    program_file(file, text);
    program_says("build/segfuse generate --data '%s/folder'", 1, wanted);
}
static void test_broken_folders_are_refused(void) {
    program_says("cd '%s' && mkdir -p folder bad/data && echo PAR1.PAR1 > bad/data/x.parquet", 0,
                 "");
    program_says("build/segfuse generate --data '%s/bad'", 1,
                 "data/x.parquet: Parquet is not read");
    program_says("mkdir '%s/bare'; build/segfuse generate --data '%s/bare'", 1,
                 "a folder without data");
    folder_refuses("dataset_dict.json", "{\"splits\": [\"a\", \"b\"]}",
                   "the split \"test\" was wanted; dataset_dict.json names: a, b");
    folder_refuses("dataset_dict.json", "{\"splits\": []}", "dataset_dict.json names: none");
    folder_refuses("dataset_dict.json", "{\"splits\": [\"../x\", \"test\"]}",
                   "test: cannot be opened");
    folder_refuses("dataset_dict.json", "[", "dataset_dict.json: not JSON");
    program_says("rm '%s/folder/dataset_dict.json'", 0, "");
    folder_refuses("state.json", "{}", "state.json: the list _data_files is missing");
    folder_refuses("state.json", "{\"_data_files\": []}", "_data_files is empty");
    folder_refuses("state.json", "{\"_data_files\": [{\"filename\": \"gone\"}]}",
                   "folder/gone: cannot be opened");
    folder_refuses("state.json", "{\"_data_files\": [{\"filename\": \"../state.json\"}]}",
                   "shard 1 of _data_files has no filename in this folder");
    folder_refuses("state.json", "{\"_data_files\": [{\"filename\": ", "state.json: not JSON");
    program_file("folder/a", "question,answers\nq,a\n");
    program_file("folder/b", "question,answer\nr,a\n");
    folder_refuses("state.json",
                   "{\"_data_files\": [{\"filename\": \"a\"}, {\"filename\": \"b\"}]}",
                   "folder/b: does not go with the shards before it");
    folder_refuses("state.json",
                   "{\"_data_files\": [{\"filename\": \"a\"}], "
                   "\"_indices_data_files\": [{\"filename\": \"i\"}]}",
                   "folder').flatten_indices().save_to_disk('out')");
}

/* ---- what is wrong with a file ---- */

/* A long subject in many places would be longer than all memory. */
static void test_a_filled_template_has_a_limit(void) {
    FILE *file = fopen(temp_path("long.csv"), "wb");
    int i;
    CHECK(file != NULL);
    if (!file) return;
    fputs("uuid,sub_ent,obj_aliases,template,is_manual\n1,", file);
    for (i = 0; i < 30000; i++) putc('e', file);
    fputs(",a,", file);
    for (i = 0; i < 10000; i++) fputs("[X]", file);
    fputs(",True\n", file);
    fclose(file);
    program_says(
        "build/segfuse generate --data '%s/long.csv' --output '%s/refused'", 1,
        "long.csv: row 1: its template with every [X] and [Y] filled is longer than 1 MiB");
}

#define FRONT "{\"uuid\": \"1\", \"answers\": [\"a\"], \"manual_paraphrases\": [\"p\"]"

static void test_wrong_data_is_refused_by_row_and_column(void) {
    dataset_refuses("w.jsonl", "", "w.jsonl: is empty");
    dataset_refuses("w.json", "[]", "w.json: is empty");
    dataset_refuses("w.csv", "", "w.csv: not CSV: line 1, column 1: the file is empty");
    dataset_refuses("w.csv", "question,answers\n", "w.csv: there are no rows in it");
    dataset_refuses("w.csv", "a,b\n1,2\n", "no questions: its columns are a (utf8), b (utf8)");
    dataset_refuses("w.csv", "question,answer\nq,a\n",
                    "the column \"answers\" is missing; raw WebQA");
    dataset_refuses("w.csv", "answers,paraphrase0,paraphrase2\na,p,q\n",
                    "the column \"paraphrase1\" is missing");
    dataset_refuses("w.csv", "uuid,sub_ent,template,is_manual\n1,x,y,True\n",
                    "the column \"obj_aliases\" is missing; raw MyriadLAMA needs");
    dataset_refuses("w.csv", "uuid,sub_ent,obj_aliases,template,is_manual\n1,x,a,t,yes\n",
                    "w.csv: column 'is_manual', row 1: not bool: yes");
    dataset_refuses("w.csv",
                    "uuid,sub_ent,obj_aliases,template,is_manual\n1,x,a,t,True\n1,x,a,,0\n",
                    "w.csv: column 'is_manual', row 2");
    dataset_refuses("w.csv",
                    "uuid,sub_ent,obj_aliases,template,is_manual\n1,x,a,t,True\n1,x,a,,True\n",
                    "w.csv: row 2: has no template");
    dataset_refuses("w.csv", "uuid,sub_ent,obj_aliases,template,is_manual\n1,,a,t,True\n",
                    "row 1: has no sub_ent");
    dataset_refuses("w.csv", "uuid,sub_ent,obj_aliases,template,is_manual\n1,x,a,t,\n",
                    "row 1: has no is_manual");
    dataset_refuses("w.csv", "question,answers\nq,['a']\nr,['b'\n",
                    "w.csv: column 'answers', row 2: not a list of texts: ['b' (a list without");
    dataset_refuses("w.csv", "question,answers\nq\n", "line 2 has 1 fields, the header has 2");
    dataset_refuses("w.csv", "question,answers\ncaf\xE9,a\n",
                    "line 2, column 4: a byte that is not");
    dataset_refuses("w.csv", "question,answers\n,a\n", "row 1: has no question");
    dataset_refuses("w.jsonl", FRONT "}\n" FRONT "}\n", "row 2: the uuid \"1\" is that of row 1");
    dataset_refuses("w.jsonl", FRONT "}\n{\"uuid\": \"2\"}\n", "row 2: has no paraphrases");
    dataset_refuses("w.jsonl",
                    "{\"uuid\": null, \"answers\": [\"a\"], \"manual_paraphrases\": [\"p\"]}",
                    "row 1: has no uuid");
    dataset_refuses("w.jsonl", "{\"question\": \"q\", \"answers\": [\"\", null]}",
                    "row 1: has no answers");
    dataset_refuses("w.jsonl", "{\"question\": \"q\", \"answers\": null}", "row 1: has no answers");
    dataset_refuses("w.jsonl", "{\"question\": \"q\", \"answers\": [{\"a\": 1990}]}",
                    "the column \"answers\" holds lists of objects (from record 1 on)");
    dataset_refuses("w.jsonl", "{\"question\": [\"q\"], \"answers\": [\"a\"]}",
                    "the column \"question\" holds list<utf8>; texts are wanted");
    dataset_refuses("w.jsonl", "{\"uuid\": 1.5, \"question\": \"q\", \"answers\": [\"a\"]}",
                    "the column \"uuid\" holds float64");
    dataset_refuses("w.jsonl", FRONT "}\n{\"uuid\": \"2\", ", "w.jsonl, line 2: not JSON");
    dataset_refuses("w.jsonl", "{\"question\": \"\xFF\"}", "line 1: not JSON: invalid UTF-8");
    dataset_refuses("w.json", "{\"question\": {\"0\": \"q\"}, \"answers\": {\"0\": [\"a\"]}}",
                    "orient='records', lines=True");
    dataset_refuses("w.json", "{\"question\": [\"q\", \"r\"], \"answers\": [[\"a\"], [\"b\"]]}",
                    "orient='records', lines=True");
    dataset_refuses("w.json", "[1, 2]", "record 1 is not an object");
    dataset_refuses("w.csv", "\x1B[31m,b\n1,2\n", "its columns are ?[31m (utf8), b (utf8)");
    program_says("build/segfuse inspect '%s/w.csv'", 0, "\n  ?[31m                utf8\n");
    dataset_refuses("w.parquet", "PAR1\x15\xC3..PAR1", "Parquet is not read");
    dataset_refuses("w.gz", "\x1F\x8B....", "gzip");
    program_says("test -e '%s/refused' || echo nothing", 0, "nothing");
}
static void test_raw_questions_are_asked_alone(void) {
    program_file("alone.jsonl", "{\"question\": \"who?\", \"answers\": [\"x\"]}\n");
    program_says("build/segfuse generate --data '%s/alone.jsonl' --output '%s/alone'", 1,
                 "make some with segfuse paraphrase, or ask each question alone: --method origin");
    program_says(
        "build/segfuse generate --data '%s/alone.jsonl' --method origin --output '%s/alone'", 0,
        "segfuse-2m on webqa: 1 question, 1 paraphrase");
}

/* ---- the real ones ---- */

/* Questions with five rewordings of each question, as segfuse paraphrase would file them. */
static void dataset_reword(const char *from, const char *to) {
    static const char *const words[][2] = {{"", ""},
                                           {"tell me, ", ""},
                                           {"", " give the answer."},
                                           {"question: ", ""},
                                           {"i would like to know: ", ""},
                                           {"", " (a short answer)"}};
    struct table *t;
    sgf_error err;
    size_t row, rows, k;
    MUST(table_read(from, NULL, &t, &err), err);
    rows = table_rows(t);
    for (k = 0; k < 6; k++) {
        char name[32], text[1024];
        int column, asked = table_find(t, "qText");
        snprintf(name, sizeof name, "paraphrase%d", (int)k);
        MUST(table_column(t, name, SGF_COLUMN_UTF8, &column, &err), err);
        for (row = 0; row < rows; row++) {
            sgf_str q = cell_text(t, asked, row);
            snprintf(text, sizeof text, "%s%.*s%s", words[k][0], (int)q.len, q.ptr, words[k][1]);
            MUST(table_text(t, column, sgf_text(text), &err), err);
        }
    }
    MUST(table_write_feather(t, to, &err), err);
    table_free(t);
}
/* Every method on questions in the format of WebQuestions (of `test`, reworded, with examples of
   `train`), on MyriadLAMA, and `test` as it is; `questions`: what inspect says. */
static void dataset_end_to_end(const char *test, const char *train, const char *lama,
                               const char *questions) {
    char line[4096], file[1400], wanted[128];
    snprintf(file, sizeof file, "%s", temp_path("webq.feather"));
    dataset_reword(test, file);
    snprintf(wanted, sizeof wanted,
             "schema: WebQA\nquestions: %s\nparaphrases: 1 manual, 5 automatic a question",
             questions);
    program_says("build/segfuse inspect '%s/webq.feather'", 0, wanted);
    snprintf(line, sizeof line,
             "rm -rf '%%s/webq' && build/segfuse generate --method %s --data '%%s/webq.feather' "
             "--fewshot_data '%s' --max_samples 3 --num_fewshots 2 --quiet --output '%%s/webq'",
             DATASET_METHODS, train);
    program_says(line, 0, "on webqa: 3 questions");
    snprintf(line, sizeof line,
             "rm -rf '%%s/lama' && build/segfuse generate --method %s --data '%s' --num_auto 3 "
             "--max_samples 3 --num_fewshots 2 --quiet --output '%%s/lama'",
             DATASET_METHODS, lama);
    program_says(line, 0, "on myriadlama: 3 questions");
    snprintf(line, sizeof line,
             "rm -rf '%%s/webr' && build/segfuse generate --method origin --data '%s' "
             "--max_samples 3 --output '%%s/webr'",
             test);
    program_says(line, 0, "on webqa: 3 questions");
}
static void test_questions_run_from_end_to_end(void) {
    char test[1400], train[1400], text[2048];
    int i, k;
    for (k = 0; k < 2; k++) {
        size_t n = (size_t)snprintf(text, sizeof text, "[\n");
        for (i = 0; i < 8; i++)
            n += (size_t)snprintf(text + n, sizeof text - n,
                                  "%s{\"qId\": \"t%d%d\", \"qText\": \"what is number %d?\", "
                                  "\"answers\": [\"%d\", \"the %dth\"]}",
                                  i ? ",\n" : "", k, i, 8 * k + i, i, i);
        snprintf(text + n, sizeof text - n, "\n]\n");
        program_file(k ? "webq-train.json" : "webq-test.json", text);
    }
    snprintf(test, sizeof test, "%s", temp_path("webq-test.json"));
    snprintf(train, sizeof train, "%s", temp_path("webq-train.json"));
    dataset_end_to_end(test, train, "models/questions/test.jsonl", "8");
}
static void test_webquestions_and_myriadlama_run_from_end_to_end(void) {
    NEED_DATA("webquestions/main", "main of github.com/brmson/dataset-factoid-webquestions");
    NEED_DATA("myriadlama/myriadlama-dev.jsonl",
              "made from github.com/GuoYibo233/self-ensemble (tests/README.md)");
    dataset_end_to_end(data_path("webquestions/main/test.json"),
                       data_path("webquestions/main/trainmodel.json"),
                       data_path("myriadlama/myriadlama-dev.jsonl"), "2,032");
}

static void tests_dataset(void) {
    RUN(test_raw_myriadlama_is_grouped_and_filled);
    RUN(test_automatic_paraphrases_are_pythons_sample);
    RUN(test_raw_myriadlama_is_split_as_the_original_splits_it);
    RUN(test_webqa_schemas);
    RUN(test_a_byte_order_mark_and_crlf_change_nothing);
    RUN(test_folders_of_save_to_disk);
    RUN(test_broken_folders_are_refused);
    RUN(test_a_filled_template_has_a_limit);
    RUN(test_wrong_data_is_refused_by_row_and_column);
    RUN(test_raw_questions_are_asked_alone);
    RUN(test_questions_run_from_end_to_end);
}
static void data_dataset(void) {
    RUN(test_webquestions_and_myriadlama_run_from_end_to_end);
}
