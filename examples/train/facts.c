/* facts.c - relations with templates and facts, careless spelling, and the question files.
 *
 * A facts file is a relation: lines `manual: ` and `auto: ` with a template ([X] is the subject, [MASK] the
 * answer), and lines `fact: subject ; alias | answer ; alias`. Lines that start with # are comments. */

typedef struct tr_fact {
    int relation;
    size_t subjects, answers;
    sgf_str subject[TR_MAX_NAMES], answer[TR_MAX_NAMES]; /* the first is the usual name */
} tr_fact;

typedef struct tr_relation {
    char name[64];
    size_t templates, manual;
    sgf_str template[TR_TEMPLATES]; /* manual ones first */
    size_t first, count;            /* its facts */
} tr_relation;

typedef struct tr_facts {
    base_arena arena;
    tr_relation *relation;
    size_t relations, relation_cap;
    tr_fact *fact;
    size_t facts, fact_cap;
} tr_facts;

/* ---- reading ---- */

static sgf_str tr_trim(const char *begin, const char *end) {
    sgf_str s;
    while (begin < end && (*begin == ' ' || *begin == '\t')) begin++;
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
    s.ptr = begin;
    s.len = (size_t)(end - begin);
    return s;
}
/* "a ; b ; c" -> names */
static size_t tr_names(const char *begin, const char *end, sgf_str *names) {
    size_t n = 0;
    while (begin < end) {
        const char *stop = (const char *)memchr(begin, ';', (size_t)(end - begin));
        if (!stop) stop = end;
        names[n] = tr_trim(begin, stop);
        if (names[n].len && n + 1 < TR_MAX_NAMES) n++;
        begin = stop + 1;
    }
    return n;
}
static void tr_fact_read(tr_facts *facts, const char *file, int line, const char *begin,
                         const char *end) {
    const char *bar = (const char *)memchr(begin, '|', (size_t)(end - begin));
    void *grown = facts->fact;
    tr_fact *fact;
    if (base_grow(&facts->arena.mem, &grown, &facts->fact_cap, facts->facts + 1, sizeof *fact,
                  NULL))
        tr_die("out of memory");
    facts->fact = (tr_fact *)grown;
    fact = &facts->fact[facts->facts++];
    memset(fact, 0, sizeof *fact);
    fact->relation = (int)facts->relations - 1;
    if (bar) fact->subjects = tr_names(begin, bar, fact->subject);
    if (bar) fact->answers = tr_names(bar + 1, end, fact->answer);
    if (!fact->subjects || !fact->answers)
        tr_die("%s, line %d: wanted 'fact: subject | answer'", file, line);
    facts->relation[fact->relation].count++;
}
static void tr_relation_read(tr_facts *facts, const char *path, const char *name) {
    base_map map;
    sgf_error error;
    void *grown = facts->relation;
    tr_relation *relation;
    const char *at, *end;
    char *text;
    int line = 0;
    if (base_map_file(path, NULL, &map, &error)) tr_die("%s", error.message);
    text = base_arena_text(&facts->arena, map.data, map.size, NULL);
    if (!text || base_grow(&facts->arena.mem, &grown, &facts->relation_cap, facts->relations + 1,
                           sizeof *relation, NULL))
        tr_die("out of memory");
    facts->relation = (tr_relation *)grown;
    relation = &facts->relation[facts->relations++];
    memset(relation, 0, sizeof *relation);
    snprintf(relation->name, sizeof relation->name, "%.*s", (int)(strlen(name) - 4), name);
    relation->first = facts->facts;
    for (at = text; at < text + map.size; at = end + 1) {
        int manual, automatic;
        line++;
        end = strchr(at, '\n');
        if (!end) end = text + map.size;
        manual = !strncmp(at, "manual: ", 8);
        automatic = !strncmp(at, "auto: ", 6);
        if (manual || automatic) {
            if (relation->templates == TR_TEMPLATES ||
                (manual && relation->manual != relation->templates))
                tr_die("%s, line %d: wanted %d manual templates, then auto ones, %d in all", path,
                       line, TR_MANUAL, TR_TEMPLATES);
            relation->manual += (size_t)manual;
            relation->template[relation->templates++] = tr_trim(at + (manual ? 8 : 6), end);
        } else if (!strncmp(at, "fact: ", 6)) tr_fact_read(facts, path, line, at + 6, end);
        else if (*at != '#' && tr_trim(at, end).len)
            tr_die("%s, line %d: not a template, a fact or a comment", path, line);
    }
    base_unmap(&map);
    if (relation->templates != TR_TEMPLATES || relation->manual != TR_MANUAL)
        tr_die("%s: %d templates, %d of them manual; wanted %d and %d", path,
               (int)relation->templates, (int)relation->manual, TR_TEMPLATES, TR_MANUAL);
}
static int tr_name_compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}
/* Every *.txt of the folder, in the order of their names. */
static void tr_facts_read(const char *dir, tr_facts *facts) {
    DIR *folder = opendir(dir);
    struct dirent *entry;
    char *names[256], path[1024];
    size_t n = 0, i;
    memset(facts, 0, sizeof *facts);
    base_arena_init(&facts->arena, NULL);
    if (!folder) tr_die("%s: cannot be opened: %s", dir, strerror(errno));
    while ((entry = readdir(folder)) != NULL && n < 256) {
        size_t len = strlen(entry->d_name);
        if (len > 4 && !strcmp(entry->d_name + len - 4, ".txt"))
            names[n++] = base_arena_text(&facts->arena, entry->d_name, len, NULL);
    }
    closedir(folder);
    qsort(names, n, sizeof *names, tr_name_compare);
    for (i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        tr_relation_read(facts, path, names[i]);
    }
    if (!facts->facts) tr_die("%s: no facts here (files *.txt with lines 'fact: ...')", dir);
}
static void tr_facts_free(tr_facts *facts) {
    base_free(&facts->arena.mem, facts->relation, facts->relation_cap, sizeof *facts->relation);
    base_free(&facts->arena.mem, facts->fact, facts->fact_cap, sizeof *facts->fact);
    base_arena_free(&facts->arena);
}

/* ---- wording ---- */

enum { TR_TEXT = 512 }; /* room for a rendered question */

/* The template with the subject in place of [X]. */
static void tr_render(sgf_str template, sgf_str subject, char out[TR_TEXT]) {
    size_t i, n = 0;
    for (i = 0; i < template.len && n + subject.len + 1 < TR_TEXT; i++) {
        if (template.len - i >= 3 && !memcmp(template.ptr + i, "[X]", 3)) {
            memcpy(out + n, subject.ptr, subject.len);
            n += subject.len;
            i += 2;
        } else out[n++] = template.ptr[i];
    }
    out[n] = 0;
}
/* One slip of the finger at a letter that is not the first: swap with the next, drop, double, or replace. */
static void tr_slip(py_random *random, char *text) {
    size_t n = strlen(text), at = 0, tries;
    for (tries = 0; tries < 50; tries++) {
        at = 1 + (size_t)py_random_below(random, n > 1 ? n - 1 : 1);
        if (at < n && tr_is_letter(text[at])) break;
    }
    if (at >= n || !tr_is_letter(text[at]) || n + 2 > TR_TEXT / 2) return;
    switch (py_random_below(random, 4)) {
    case 0:
        if (tr_is_letter(text[at + 1])) {
            char c = text[at];
            text[at] = text[at + 1];
            text[at + 1] = c;
        }
        break;
    case 1: memmove(text + at, text + at + 1, n - at); break;
    case 2: memmove(text + at + 1, text + at, n - at + 1); break;
    default: text[at] = (char)('a' + (int)py_random_below(random, 26)); break;
    }
}
/* Is `text` a name of one of the relation's subjects? */
static int tr_is_subject(const tr_facts *facts, int relation, const char *text) {
    const tr_relation *r = &facts->relation[relation];
    size_t f, i;
    for (f = r->first; f < r->first + r->count; f++)
        for (i = 0; i < facts->fact[f].subjects; i++)
            if (base_str_is(facts->fact[f].subject[i], text)) return 1;
    return 0;
}
/* `subject` with that many slips; never the name of a subject. Falls back to the subject itself (a name of
   one letter, a formula). */
static void tr_misspell(py_random *random, const tr_facts *facts, int relation, sgf_str subject,
                        int slips, char out[TR_TEXT]) {
    int tries, i;
    for (tries = 0; tries < 50; tries++) {
        snprintf(out, TR_TEXT, "%.*s", (int)subject.len, subject.ptr);
        for (i = 0; i < slips; i++) tr_slip(random, out);
        if (!tr_is_subject(facts, relation, out)) return;
    }
    snprintf(out, TR_TEXT, "%.*s", (int)subject.len, subject.ptr);
}
/* How careless people are: probabilities. */
typedef struct tr_care {
    double alias, misspelt, second_slip;
} tr_care;

/* A subject as somebody writes it: by one of its names, perhaps misspelt. */
static void tr_subject_write(py_random *random, const tr_facts *facts, const tr_fact *fact,
                             const tr_care *care, char out[TR_TEXT]) {
    double alias = py_random_double(random), slip = py_random_double(random),
           second = py_random_double(random);
    size_t which = alias < care->alias && fact->subjects > 1
                       ? 1 + py_random_below(random, fact->subjects - 1)
                       : 0;
    sgf_str name = fact->subject[which];
    if (slip < care->misspelt && name.len > 2)
        tr_misspell(random, facts, fact->relation, name,
                    second < care->second_slip && name.len > 4 ? 2 : 1, out);
    else snprintf(out, TR_TEXT, "%.*s", (int)name.len, name.ptr);
}

/* ---- question files: the processed MyriadLAMA schema, one JSON object a line ---- */

static void tr_question_write(py_random *random, const tr_facts *facts, const tr_fact *fact,
                              const tr_care *care, base_buf *out) {
    const tr_relation *relation = &facts->relation[fact->relation];
    char text[TR_TEXT], subject[TR_TEXT], uuid[33];
    size_t i;
    base_buf key;
    sgf_str all;
    base_buf_init(&key, NULL);
    base_buf_text(&key, relation->name, NULL);
    base_buf_add(&key, "\n", 1, NULL);
    base_buf_add(&key, fact->subject[0].ptr, fact->subject[0].len, NULL);
    all.ptr = key.ptr;
    all.len = key.len;
    hash_md5_hex(all, uuid);
    base_buf_free(&key);
    base_buf_text(out, "{\"uuid\": \"", NULL);
    base_buf_text(out, uuid, NULL);
    base_buf_text(out, "\", \"rel\": ", NULL);
    json_quote(out, sgf_text(relation->name), NULL);
    base_buf_text(out, ", \"answers\": [", NULL);
    for (i = 0; i < fact->answers; i++) {
        if (i) base_buf_text(out, ", ", NULL);
        json_quote(out, fact->answer[i], NULL);
    }
    base_buf_text(out, "], \"manual_paraphrases\": [", NULL);
    for (i = 0; i < TR_TEMPLATES; i++) {
        if (i == TR_MANUAL) base_buf_text(out, "], \"auto_paraphrases\": [", NULL);
        else if (i) base_buf_text(out, ", ", NULL);
        tr_subject_write(random, facts, fact, care, subject);
        tr_render(relation->template[i], sgf_text(subject), text);
        json_quote(out, sgf_text(text), NULL);
    }
    if (base_buf_text(out, "]}\n", NULL)) tr_die("out of memory");
}
/* Cut every relation's facts into test (a third), validation (14%), train (11%: few-shot examples) and the
   rest, which is in no file. */
static void tr_questions_write(const tr_facts *facts, const char *dir, int seed,
                               const tr_care *care) {
    static const char *const names[] = {"test.jsonl", "validation.jsonl", "train.jsonl"};
    static const double share[] = {1.0 / 3, 0.14, 0.11};
    size_t order[4096], r, i, split;
    base_buf out[3];
    py_random random;
    for (split = 0; split < 3; split++) base_buf_init(&out[split], NULL);
    tr_random_for(&random, seed, "questions");
    for (r = 0; r < facts->relations; r++) {
        const tr_relation *relation = &facts->relation[r];
        size_t next = 0;
        if (relation->count > 4096) tr_die("%s has more than 4096 facts", relation->name);
        for (i = 0; i < relation->count; i++) order[i] = relation->first + i;
        py_random_shuffle(&random, order, relation->count);
        for (split = 0; split < 3; split++) {
            size_t n = (size_t)(share[split] * (double)relation->count + 0.5);
            for (i = 0; i < n && next < relation->count; i++)
                tr_question_write(&random, facts, &facts->fact[order[next++]], care, &out[split]);
        }
    }
    for (split = 0; split < 3; split++) {
        tr_file_write(dir, names[split], out[split].ptr ? out[split].ptr : "", out[split].len);
        base_buf_free(&out[split]);
    }
}

typedef struct tr_question {
    int relation; /* number in tr_facts; -1 if there are none */
    sgf_str rel, answer, paraphrase[TR_TEMPLATES];
} tr_question;

typedef struct tr_questions {
    base_arena arena;
    tr_question *question;
    size_t count;
} tr_questions;

static void tr_strings(const json_doc *row, uint32_t list, size_t most, sgf_str *out,
                       const char *path, int line) {
    uint32_t at = list + 1;
    size_t i;
    if (!list || row->nodes[list].type != JSON_ARRAY || row->nodes[list].count < most)
        tr_die("%s, line %d: not a question with %d manual and %d auto paraphrases and an answer",
               path, line, TR_MANUAL, TR_TEMPLATES - TR_MANUAL);
    for (i = 0; i < most; i++) {
        out[i] = row->nodes[at].text;
        at = row->nodes[at].next;
    }
}
static void tr_questions_read(const char *path, tr_questions *out) {
    base_map map;
    sgf_error error;
    const char *at, *end, *text;
    size_t lines = 1, i;
    int line = 0;
    base_arena_init(&out->arena, NULL);
    if (base_map_file(path, NULL, &map, &error)) tr_die("%s", error.message);
    text = base_arena_text(&out->arena, map.data, map.size, NULL);
    for (i = 0; i < map.size; i++) lines += text[i] == '\n';
    out->question = (tr_question *)base_arena_alloc(&out->arena, lines, sizeof *out->question,
                                                    NULL);
    out->count = 0;
    for (at = text; at < text + map.size; at = end + 1) {
        tr_question *q = &out->question[out->count];
        json_doc row;
        line++;
        end = strchr(at, '\n');
        if (!end) end = text + map.size;
        if (!tr_trim(at, end).len) continue;
        memset(&row, 0, sizeof row);
        if (json_parse(path, at, (size_t)(end - at), &out->arena, &row, &error))
            tr_die("line %d: %s", line, error.message);
        tr_strings(&row, json_get(&row, 0, "answers"), 1, &q->answer, path, line);
        tr_strings(&row, json_get(&row, 0, "manual_paraphrases"), TR_MANUAL, q->paraphrase, path,
                   line);
        tr_strings(&row, json_get(&row, 0, "auto_paraphrases"), TR_TEMPLATES - TR_MANUAL,
                   q->paraphrase + TR_MANUAL, path, line);
        q->rel = row.nodes[json_get(&row, 0, "rel")].text;
        q->relation = -1;
        out->count++;
    }
    base_unmap(&map);
}
