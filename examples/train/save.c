/* save.c - the model as a Hugging Face folder, the log of the loss and its picture. */

/* ---- model.safetensors ---- */

typedef struct tr_entry { /* a tensor of the file: part of the flat buffer */
    char name[96];
    const float *data;
    size_t rows, cols; /* cols 0: a vector */
} tr_entry;

static void tr_entry_add(tr_entry *entry, size_t *count, const char *name, int layer,
                         const float *data, size_t rows, size_t cols) {
    tr_entry *e = &entry[(*count)++];
    if (layer >= 0) snprintf(e->name, sizeof e->name, "model.layers.%d.%s.weight", layer, name);
    else snprintf(e->name, sizeof e->name, "model.%s.weight", name);
    e->data = data;
    e->rows = rows;
    e->cols = cols;
}
static size_t tr_entries(const tr_config *c, const tr_weights *w, tr_entry *entry) {
    size_t n = 0, l, heads = c->H * c->C, shared = c->G * c->C;
    tr_entry_add(entry, &n, "embed_tokens", -1, w->embedding, c->V, c->D);
    for (l = 0; l < c->L; l++) {
        const tr_layer *t = &w->layer[l];
        int i = (int)l;
        tr_entry_add(entry, &n, "input_layernorm", i, t->norm1, c->D, 0);
        tr_entry_add(entry, &n, "mlp.down_proj", i, t->down, c->D, c->F);
        tr_entry_add(entry, &n, "mlp.gate_proj", i, t->gu, c->F, c->D);
        tr_entry_add(entry, &n, "mlp.up_proj", i, t->gu + c->F * c->D, c->F, c->D);
        tr_entry_add(entry, &n, "post_attention_layernorm", i, t->norm2, c->D, 0);
        tr_entry_add(entry, &n, "self_attn.k_proj", i, t->qkv + heads * c->D, shared, c->D);
        tr_entry_add(entry, &n, "self_attn.o_proj", i, t->o, c->D, heads);
        tr_entry_add(entry, &n, "self_attn.q_proj", i, t->qkv, heads, c->D);
        tr_entry_add(entry, &n, "self_attn.v_proj", i, t->qkv + (heads + shared) * c->D, shared,
                     c->D);
    }
    tr_entry_add(entry, &n, "norm", -1, w->norm, c->D, 0);
    return n;
}
static void tr_weights_write(const tr_config *c, const tr_weights *w, const char *dir) {
    tr_entry entry[2 + 9 * TR_MAX_LAYERS];
    size_t n = tr_entries(c, w, entry), i, k, at = 0;
    char text[256], size[8];
    base_buf file, header;
    base_buf_init(&file, NULL);
    base_buf_init(&header, NULL);
    base_buf_text(&header, "{\"__metadata__\":{\"format\":\"pt\"}", NULL);
    for (i = 0; i < n; i++) {
        size_t count = entry[i].rows * (entry[i].cols ? entry[i].cols : 1);
        if (entry[i].cols)
            snprintf(text, sizeof text, "%d,%d", (int)entry[i].rows, (int)entry[i].cols);
        else snprintf(text, sizeof text, "%d", (int)entry[i].rows);
        base_buf_text(&header, ",\"", NULL);
        base_buf_text(&header, entry[i].name, NULL);
        base_buf_text(&header, "\":{\"dtype\":\"BF16\",\"shape\":[", NULL);
        base_buf_text(&header, text, NULL);
        snprintf(text, sizeof text, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                 (unsigned long long)(at + 2 * count));
        base_buf_text(&header, text, NULL);
        at += 2 * count;
    }
    base_buf_text(&header, "}", NULL);
    while (header.len % 8) base_buf_text(&header, " ", NULL);
    for (i = 0; i < 8; i++) size[i] = (char)(header.len >> 8 * i & 255);
    base_buf_add(&file, size, 8, NULL);
    base_buf_add(&file, header.ptr, header.len, NULL);
    for (i = 0; i < n; i++)
        for (k = 0; k < entry[i].rows * (entry[i].cols ? entry[i].cols : 1); k++) {
            uint16_t half = tr_float_bf16(entry[i].data[k]);
            char bytes[2];
            bytes[0] = (char)(half & 255);
            bytes[1] = (char)(half >> 8);
            if (base_buf_add(&file, bytes, 2, NULL)) tr_die("out of memory");
        }
    tr_file_write(dir, "model.safetensors", file.ptr, file.len);
    base_buf_free(&file);
    base_buf_free(&header);
}
static void tr_config_write(const tr_config *c, const char *dir) {
    char text[2048];
    int eos = (int)c->V - TR_SPECIAL;
    snprintf(
        text, sizeof text,
        "{\n  \"architectures\": [\"LlamaForCausalLM\"],\n  \"attention_bias\": false,\n  \"attention_dropout\": 0.0,\n"
        "  \"bos_token_id\": null,\n  \"eos_token_id\": %d,\n  \"pad_token_id\": %d,\n  \"head_dim\": %d,\n"
        "  \"hidden_act\": \"silu\",\n  \"hidden_size\": %d,\n  \"initializer_range\": 0.02,\n"
        "  \"intermediate_size\": %d,\n  \"max_position_embeddings\": %d,\n  \"mlp_bias\": false,\n"
        "  \"model_type\": \"llama\",\n  \"num_attention_heads\": %d,\n  \"num_hidden_layers\": %d,\n"
        "  \"num_key_value_heads\": %d,\n  \"rms_norm_eps\": 1e-05,\n  \"rope_scaling\": null,\n"
        "  \"rope_theta\": %.1f,\n  \"tie_word_embeddings\": true,\n  \"torch_dtype\": \"bfloat16\",\n"
        "  \"use_cache\": true,\n  \"vocab_size\": %d\n}\n",
        eos, eos + 1, (int)c->C, (int)c->D, (int)c->F, (int)c->context, (int)c->H, (int)c->L,
        (int)c->G, c->theta, (int)c->V);
    tr_file_write(dir, "config.json", text, strlen(text));
    snprintf(text, sizeof text,
             "{\n  \"eos_token_id\": %d,\n  \"pad_token_id\": %d,\n  \"do_sample\": false\n}\n",
             eos, eos + 1);
    tr_file_write(dir, "generation_config.json", text, strlen(text));
}
/* The weights as a reader of the file will see them. */
static void tr_weights_round(tr_weights *w) {
    size_t i;
    for (i = 0; i < w->count; i++) w->flat[i] = tr_bf16_float(tr_float_bf16(w->flat[i]));
}

/* ---- loss.tsv and loss.svg ---- */

typedef struct tr_log {
    struct tr_point {
        int step, stage;
        double rate, loss;
    } * point;
    size_t points, cap;
} tr_log;

static void tr_log_add(tr_log *log, int step, int stage, double rate, double loss) {
    sgf_allocator mem = base_allocator(NULL);
    void *grown = log->point;
    if (base_grow(&mem, &grown, &log->cap, log->points + 1, sizeof *log->point, NULL))
        tr_die("out of memory");
    log->point = (struct tr_point *)grown;
    log->point[log->points].step = step;
    log->point[log->points].stage = stage;
    log->point[log->points].rate = rate;
    log->point[log->points++].loss = loss;
}
/* ---- a checkpoint after stage 1: parameters and log, in this machine's byte order ---- */

static int tr_checkpoint_read(const char *path, tr_weights *w, tr_log *log) {
    FILE *file = fopen(path, "rb");
    struct tr_point point;
    size_t got;
    if (!file) return 0;
    got = fread(w->flat, sizeof(float), w->count, file);
    while (fread(&point, sizeof point, 1, file))
        tr_log_add(log, point.step, point.stage, point.rate, point.loss);
    fclose(file);
    if (got != w->count)
        tr_die("%s: not a checkpoint of this model (%d of %d parameters)", path, (int)got,
               (int)w->count);
    return 1;
}
static void tr_checkpoint_write(const char *path, const tr_weights *w, const tr_log *log) {
    FILE *file = fopen(path, "wb");
    size_t put = file ? fwrite(w->flat, sizeof(float), w->count, file) : 0;
    if (file) put += fwrite(log->point, sizeof *log->point, log->points, file);
    if (!file || fclose(file) || put != w->count + log->points)
        tr_die("%s: cannot be written: %s", path, strerror(errno));
}

static void tr_log_write(const tr_log *log, const char *dir) {
    base_buf out;
    char text[160];
    size_t i;
    base_buf_init(&out, NULL);
    base_buf_text(&out, "step\tstage\tlearning_rate\tloss\n", NULL);
    for (i = 0; i < log->points; i++) {
        const struct tr_point *p = &log->point[i];
        snprintf(text, sizeof text, "%d\t%d\t%.6f\t%.6f\n", p->step, p->stage, p->rate, p->loss);
        base_buf_text(&out, text, NULL);
    }
    tr_file_write(dir, "loss.tsv", out.ptr, out.len);
    base_buf_free(&out);
}
/* The loss over the steps, each point the mean of 1% of them; a logarithmic scale from 0.01 to 10. */
static void tr_picture_write(const tr_log *log, const char *dir) {
    const double left = 60, top = 24, width = 640, height = 300, span = 3; /* decades */
    size_t block = log->points / 100 + 1, i, k, stage;
    char text[256];
    base_buf out;
    base_buf_init(&out, NULL);
    base_buf_text(
        &out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 740 380\" font-family=\"sans-serif\" "
        "font-size=\"12\">\n<rect width=\"740\" height=\"380\" fill=\"white\"/>\n",
        NULL);
    for (i = 0; i <= 3; i++) {
        static const char *const names[] = {"10", "1", "0.1", "0.01"};
        double y = top + height * (double)i / span;
        snprintf(
            text, sizeof text,
            "<path d=\"M%.0f %.1fh%.0f\" stroke=\"#ddd\"/><text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
            left, y, width, left - 6, y + 4, names[i]);
        base_buf_text(&out, text, NULL);
    }
    for (i = 0; i <= 4; i++) {
        snprintf(text, sizeof text,
                 "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%d</text>\n",
                 left + width * (double)i / 4, top + height + 18, (int)(log->points * i / 4));
        base_buf_text(&out, text, NULL);
    }
    for (stage = 1; stage <= 2; stage++) {
        base_buf_text(
            &out,
            stage == 1
                ? "<polyline fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"1.5\" points=\""
                : "<polyline fill=\"none\" stroke=\"#c2501a\" stroke-width=\"1.5\" points=\"",
            NULL);
        for (i = 0; i < log->points; i += block) {
            double sum = 0, y;
            size_t n = 0;
            for (k = i; k < i + block && k < log->points; k++)
                if (log->point[k].stage == (int)stage) sum += log->point[k].loss, n++;
            if (!n) continue;
            y = (1 - tr_log_double(sum / (double)n + 1e-9) / 2.302585092994046) / span;
            y = y < 0 ? 0 : y > 1 ? 1 : y;
            snprintf(text, sizeof text, "%.1f,%.1f ",
                     left + width * ((double)i + (double)block / 2) / (double)log->points,
                     top + height * y);
            base_buf_text(&out, text, NULL);
        }
        base_buf_text(&out, "\"/>\n", NULL);
    }
    base_buf_text(
        &out,
        "<path d=\"M60 24V324H700\" fill=\"none\" stroke=\"black\"/>\n"
        "<text x=\"380\" y=\"366\" text-anchor=\"middle\">step</text>\n"
        "<text x=\"16\" y=\"174\" text-anchor=\"middle\" transform=\"rotate(-90 16 174)\">loss (nats per answer token)</text>\n"
        "<text x=\"600\" y=\"44\" fill=\"#1f5fa8\">stage 1: plain</text>\n"
        "<text x=\"600\" y=\"62\" fill=\"#c2501a\">stage 2: fused</text>\n</svg>\n",
        NULL);
    tr_file_write(dir, "loss.svg", out.ptr, out.len);
    base_buf_free(&out);
}
