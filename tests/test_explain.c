/* generate --explain: one question seen from inside, as text and as a page. */

/* The text behind the n-th (from 0) place of `mark`, or NULL. */
static const char *explain_after(const char *text, const char *mark, int n) {
    const char *at = text;
    for (; at && n >= 0; n--) {
        at = strstr(at, mark);
        if (at) at += strlen(mark);
    }
    return at;
}
/* The numbers at the end of a line, in order: shares of attention have one decimal. */
static int explain_numbers(const char *line, size_t n, double *out, int most) {
    size_t at = n;
    int count = 0, i;
    while (count < most) {
        size_t end, start;
        for (end = at; end && line[end - 1] == ' '; end--) {}
        for (start = end; start && strchr("0123456789.", line[start - 1]); start--) {}
        if (end - start < 3 || line[end - 2] != '.' || !start || line[start - 1] != ' ') break;
        out[count++] = atof(line + start);
        at = start;
    }
    for (i = 0; i < count / 2; i++) {
        double swap = out[i];
        out[i] = out[count - 1 - i];
        out[count - 1 - i] = swap;
    }
    return count;
}
/* Every column of every table of attention in the text sums to 100, or to 0; how many there were. */
static int explain_tables(const char *text) {
    int tables = 0;
    const char *line = text, *next;
    for (; *line; line = next) {
        double sum[32] = {0}, x[32];
        int columns = 0, rows = 0, i;
        next = line + strcspn(line, "\n");
        next += *next != 0;
        if (strncmp(line, "  layer ", 8) && strncmp(line, "  answer token ", 15)) continue;
        for (;; next += strcspn(next, "\n") + 1, rows++) {
            int n = explain_numbers(next, strcspn(next, "\n"), x, 32);
            if (!n || strncmp(next, "  ", 2)) break;
            CHECK(!rows || n == columns);
            columns = n;
            for (i = 0; i < n; i++) sum[i] += x[i];
        }
        CHECK(columns > 1 && rows > 1);
        for (i = 0; i < columns; i++) CHECK(sum[i] == 0 || fabs(sum[i] - 100) <= 0.06 * rows);
        tables++;
    }
    return tables;
}
/* The lines of candidates: shares descend; where the context chooses alone the first one is taken.
   Returns their number. */
static int explain_candidates(const char *text, int alone) {
    int lines = 0;
    const char *line = explain_after(text, "\nstep\n", 0);
    while (line && *line) {
        const char *at = line, *end = line + strcspn(line, "\n");
        double last = 101;
        int n = 0;
        if (line[0] == '\n') line = explain_after(line, "\nstep\n", 0), end = line;
        else {
            CHECK(end - line <= 100);
            if (alone || strstr(line, "combined") == line + 5)
                CHECK(end - line > 14 && line[14] == '*');
            while ((at = strchr(at, '"')) != NULL && at < end) {
                double share;
                for (at++; *at != '"' || strchr(" .0123456789", at[1]) == NULL; at++) {}
                share = atof(at + 1 + strspn(at + 1, " "));
                CHECK(share <= last && share >= 0);
                last = share;
                at++;
                n++;
            }
            CHECK(n == 5);
            lines++;
            line = end + (*end != 0);
        }
    }
    return lines;
}
static char *explain_output(const char *arguments) {
    char command[1024];
    int status;
    const char *output;
    char *copy;
    snprintf(command, sizeof command, "build/segfuse generate --quiet --explain %s", arguments);
    output = program_run(command, &status);
    CHECK(status == 0);
    if (status) printf("    %s\n%.600s\n", command, output);
    copy = (char *)malloc(strlen(output) + 1);
    return copy ? strcpy(copy, output) : NULL;
}
static void test_explain_shows_a_fused_answer(void) {
    char *text = explain_output("0c62cf38c1b433ac44eebba6b4f7fa6a --method fused");
    static const char *const wanted[] = {"question 0c62cf38c1b433ac44eebba6b4f7fa6a, row 1 of ",
                                         "The otter is a kind of [MASK].",
                                         "answers: mammal | mammals | Mammalia",
                                         "==== fused: ",
                                         "mask shared, positions aligned, mass 1/N",
                                         "Prompt: 201 tokens",
                                         "ids 81 58 514 265 116 823 273 272 727 267 264 260 271\n",
                                         "Mask shared: ",
                                         "Next tokens: ",
                                         "Attention: ",
                                         "The answer looks most at manual ",
                                         "prediction \"mammal\" is right"};
    size_t i;
    if (!text) return;
    for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        CHECK(strstr(text, wanted[i]));
        if (!strstr(text, wanted[i])) printf("    missing: %s\n", wanted[i]);
    }
    CHECK(explain_tables(text) == 2);
    CHECK(explain_candidates(text, 1) >= 2);
    free(text);
}
/* Each method, masks of isolation and the formula's fusion start included; nothing is written. */
static void test_explain_takes_every_method(void) {
    static const char *const methods[] = {"origin",     "flex_attention",    "myriadlama_flex",
                                          "myriadlama", "myriadlama_custom", "fused"};
    char arguments[256], *text;
    size_t i;
    for (i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        snprintf(arguments, sizeof arguments, "2 --num_fewshots 2 --method %s%s", methods[i],
                 i ? " --fusion_start after-first" : "");
        text = explain_output(arguments);
        if (!text) return;
        CHECK(explain_tables(text) >= 1);
        CHECK(explain_candidates(text, 1) >= 1);
        free(text);
    }
    text = explain_output("2 --num_fewshots 2 --num_paraphrases 3 --method avg,max,per_prompt");
    if (!text) return;
    CHECK(explain_tables(text) >= 9);
    CHECK(strstr(text, "(combined: the most that any context gives)"));
    CHECK(strstr(text, "as in para 1"));
    CHECK(strstr(text, "\nper_prompt         para 1") && strstr(text, "para 3"));
    free(text);
    text = explain_output("2 --num_fewshots 1 --num_paraphrases 3 --method avg");
    if (!text) return;
    CHECK(explain_candidates(text, 0) >= 4);
    free(text);
    text = explain_output("2 --num_fewshots 1 --method myriadlama_custom --accidents swapped");
    if (!text) return;
    CHECK(strstr(text, "accidents swapped"));
    CHECK(explain_tables(text) >= 1);
    free(text);
    program_says("ls datasets 2>&1; ls -d results/nowhere 2>&1", 2, "No such file");
}
/* The prediction is that of an ordinary run. */
static void test_explain_answers_as_a_run_does(void) {
    program_says(
        "build/segfuse generate --method fused,avg --max_samples 4 --quiet --output '%s/ex' "
        "&& cd '%s/ex' && cut -d, -f1 fused-5.csv | sed 1d | wc -l",
        0, "4");
    program_says("for f in fused-5 ensemble_avg-5; do build/segfuse convert '%s'/ex/$f.feather "
                 "'%s'/ex/$f.jsonl || exit 1; done; echo done",
                 0, "done");
    program_says(
        "for i in 1 2 3 4; do build/segfuse generate --quiet --explain $i --method fused,avg "
        "| sed -n 's/^prediction \"\\(.*\\)\" is .*/\\1/p'; done > '%s/ex/seen'; cd '%s/ex'; "
        "for i in 1 2 3 4; do for f in fused-5 ensemble_avg-5; do sed -n "
        "\"$i s/.*\\\"prediction\\\": *\\\"\\([^\\\"]*\\)\\\".*/\\1/p\" $f.jsonl; done; done > "
        "ran; wc -l < ran; cmp seen ran && echo same",
        0, "8\nsame");
}
static void test_explain_says_what_is_wrong(void) {
    program_says("build/segfuse generate --explain 0c62cf38c1b433ac44eebba6b4f7fa6b", 1,
                 "did you mean 0c62cf38c1b433ac44eebba6b4f7fa6a?");
    program_says("build/segfuse generate --explain 637", 1, "1 to 636");
    program_says("build/segfuse generate --explain 0", 1, "segfuse convert ");
    program_says("build/segfuse generate --explain 1x", 1, "no question '1x'");
    program_says("build/segfuse generate --explain 99999999999999999999999", 1, "1 to 636");
    program_says("build/segfuse generate --explain 1 --rewrite", 2, "leave out --rewrite");
    program_says("build/segfuse generate --explain 1 --shard 1/2", 2, "leave out --shard");
    program_says("build/segfuse generate --report x.html", 2, "--report belongs to --explain");
    program_says("build/segfuse generate --explain 1 --report /proc/nowhere/x.html", 1,
                 "/proc/nowhere/x.html");
}
/* What stands in a data file cannot become markup or a command to the terminal. */
static void test_explain_escapes_what_it_shows(void) {
    char *text, *page;
    const char *file;
    program_file(
        "evil.jsonl",
        "{\"uuid\": \"</title><script>1\\u001b[2J\", \"answers\": [\"<img src=x>\"], "
        "\"manual_paraphrases\": [\"<script>alert('1')</script> \\u001b]0;x\\u0007 & \\u202e "
        "[MASK].\"], \"auto_paraphrases\": []}\n");
    file = temp_path("evil.jsonl");
    {
        char arguments[1500];
        snprintf(arguments, sizeof arguments, "1 --num_paraphrases 1 --data '%s' 2> /dev/null",
                 file);
        text = explain_output(arguments);
    }
    if (!text) return;
    CHECK(!strchr(text, 27) && !strchr(text, 7) && !strstr(text, "\xE2\x80\xAE"));
    CHECK(strstr(text, "\\u001B") && strstr(text, "\\u202E"));
    free(text);
    program_says(
        "build/segfuse generate --quiet --explain 1 --num_paraphrases 1 --method fused,avg "
        "--data '%s/evil.jsonl' --report '%s/evil.html' 2> /dev/null",
        0, "Report: ");
    page = program_flat_text(temp_path("evil.html"));
    if (!page) return;
    CHECK(strstr(page, "&lt;script&gt;alert(&#39;1&#39;)"));
    CHECK(!strstr(page, "<script>") && !strstr(page, "<img") && !strchr(page, 27));
    free(page);
}
static void test_explain_makes_a_page(void) {
    static const char *const wanted[] = {"<h2 id=\"h-answers\">Answers</h2>",
                                         ">fused</h2>",
                                         ">avg</h2>",
                                         "<h3>Prompt</h3>",
                                         "<h3>Mask</h3>",
                                         "<svg xmlns",
                                         "Next tokens</h3>",
                                         "Attention</h3>",
                                         "every context alone",
                                         "</html>"};
    char *page;
    size_t i;
    program_says(
        "build/segfuse generate --quiet --explain 3 --num_paraphrases 3 --method fused,avg "
        "--report '%s/page.html'",
        0, "Report: ");
    page = program_flat_text(temp_path("page.html"));
    if (!page) return;
    for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        CHECK(strstr(page, wanted[i]));
        if (!strstr(page, wanted[i])) printf("    missing: %s\n", wanted[i]);
    }
    CHECK(!strstr(page, "src=") && !strstr(page, "nan%") && !strstr(page, ">nan"));
    free(page);
}

/* The bundled model's layers over and over again: deep/, a model of so many. */
static void explain_deep(int layers) {
    static const char format[] =
        "%s\"%.*s%d%.*s\":{\"dtype\":\"%s\",\"shape\":[%.*s],\"data_offsets\":[%llu,%llu]}";
    char command[400], shape[64];
    unsigned char length[8];
    base_buf header, data;
    tensors t;
    base_map map;
    sgf_error err;
    FILE *file;
    size_t i;
    int layer, k;
    program_says("rm -rf '%s/deep'; mkdir '%s/deep' && cp models/segfuse-2m/*.json '%s/deep'", 0,
                 "");
    snprintf(
        command, sizeof command,
        "sed -i 's/\"num_hidden_layers\": 4/\"num_hidden_layers\": %d/' '%%s/deep/config.json'",
        layers);
    program_says(command, 0, "");
    MUST(tensors_read_folder("models/segfuse-2m", NULL, &t, &err), err);
    MUST(base_map_file("models/segfuse-2m/model.safetensors", NULL, &map, &err), err);
    base_buf_init(&header, NULL), base_buf_init(&data, NULL);
    for (layer = -1; layer < layers; layer++)
        for (i = 0; i < t.count; i++) {
            const tensors_entry *w = &t.entries[i];
            static const char start[] = "model.layers.";
            size_t n = sizeof start - 1, size = (size_t)(w->end - w->begin), rank;
            int inside = w->name.len > n && !memcmp(w->name.ptr, start, n);
            if (inside ? layer < 0 || w->name.ptr[n] - '0' != layer % 4 : layer >= 0) continue;
            for (rank = 0, k = 0; rank < w->rank; rank++)
                k += snprintf(shape + k, sizeof shape - (size_t)k, "%s%llu", rank ? "," : "",
                              (unsigned long long)w->shape[rank]);
            if (inside)
                snprintf(command, sizeof command, format, ",", (int)n, start, layer,
                         (int)(w->name.len - n - 1), w->name.ptr + n + 1, w->dtype, k, shape,
                         (unsigned long long)data.len, (unsigned long long)(data.len + size));
            else
                snprintf(
                    command, sizeof command,
                    "%s\"%.*s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}",
                    header.len ? "," : "{", (int)w->name.len, w->name.ptr, w->dtype, shape,
                    (unsigned long long)data.len, (unsigned long long)(data.len + size));
            MUST(base_buf_text(&header, command, &err), err);
            MUST(base_buf_add(
                     &data, map.data + 8 + base_load((const unsigned char *)map.data, 8) + w->begin,
                     size, &err),
                 err);
        }
    MUST(base_buf_text(&header, "}", &err), err);
    for (k = 0; k < 8; k++) length[k] = (unsigned char)((uint64_t)header.len >> (8 * k));
    file = fopen(temp_path("deep/model.safetensors"), "wb");
    CHECK(file && fwrite(length, 1, 8, file) == 8 &&
          fwrite(header.ptr, 1, header.len, file) == header.len &&
          fwrite(data.ptr, 1, data.len, file) == data.len && !fclose(file));
    base_buf_free(&header), base_buf_free(&data);
    base_unmap(&map), tensors_free(&t);
}
/* Of more than 24 layers, means of neighbours; the page has every layer, too. Their colours compare within
   a kind. */
static void test_explain_stays_readable_with_many_layers(void) {
    static const int depths[] = {30, 80};
    static const char *const ranges[] = {
        "   0-2   3-5   6-8  9-11 12-14 15-17 18-20 21-23 24-26 27-29\n",
        "   0-6  7-13 14-20 21-27 28-34 35-41 42-48 49-55 56-62 63-69 70-76 77-79\n"};
    char arguments[1500], every[64];
    char *text, *page;
    size_t i;
    for (i = 0; i < 2; i++) {
        const char *line;
        explain_deep(depths[i]);
        snprintf(arguments, sizeof arguments,
                 "1 --num_paraphrases 3 --max_new_tokens 2 --model '%s'", temp_path("deep"));
        text = explain_output(arguments);
        if (!text) return;
        CHECK(strstr(text, ranges[i]) && explain_tables(text) == 2);
        for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
            CHECK(strcspn(line, "\n") <= 132);
        free(text);
        snprintf(
            arguments, sizeof arguments,
            "build/segfuse generate --quiet --explain 1 --num_paraphrases 3 --max_new_tokens 2 --model '%s' --report '%%s/deep.html'",
            temp_path("deep"));
        program_says(arguments, 0, "Report: ");
        page = program_flat_text(temp_path("deep.html"));
        if (!page) return;
        snprintf(every, sizeof every, "<summary>Every layer of %d</summary>", depths[i]);
        CHECK(strstr(page, every) && strstr(page, i ? ">77&ndash;79</th>" : ">27&ndash;29</th>"));
        snprintf(every, sizeof every, "<th scope=\"col\">%d</th>", depths[i] - 1);
        CHECK(strstr(page, every) && strstr(page, "k0\" style=\"--p:100%\"") &&
              strstr(page, "k1\" style=\"--p:100%\"") && strstr(page, "k2\" style=\"--p:100%\""));
        free(page);
    }
}

static void tests_explain(void) {
    RUN(test_explain_stays_readable_with_many_layers);
    RUN(test_explain_shows_a_fused_answer);
    RUN(test_explain_takes_every_method);
    RUN(test_explain_answers_as_a_run_does);
    RUN(test_explain_says_what_is_wrong);
    RUN(test_explain_escapes_what_it_shows);
    RUN(test_explain_makes_a_page);
}
