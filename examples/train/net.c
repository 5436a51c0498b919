/* net.c - the network: a Llama (RMSNorm, RoPE, grouped-query attention, SwiGLU, tied embedding).
 *
 * A batch is some sequences, each padded to whole panels of 32 tokens; a panel is [features][32], as
 * kernels.c takes it. Everything but attention treats each token for itself, so a thread takes a
 * whole panel through norm, projections and feed-forward; attention takes one key/value head of one
 * sequence. No two threads ever add into one number: results do not depend on how many there are. */

typedef struct tr_config {
    size_t D, L, H, G, C, F, V, context;
    double eps, theta;
} tr_config;

/* One flat buffer, seen as tensors. Parameters, gradients and transposed copies all use this layout. */
typedef struct tr_layer {
    float *norm1; /* [D] */
    float *qkv;   /* [(H + 2G) C, D]: q, k, v one after another */
    float *o;     /* [D, H C] */
    float *norm2; /* [D] */
    float *gu;    /* [2F, D]: gate, up */
    float *down;  /* [D, F] */
} tr_layer;

typedef struct tr_weights {
    float *flat;
    size_t count;
    float *embedding; /* [V, D]; also the output matrix */
    float *norm;      /* [D] */
    tr_layer layer[TR_MAX_LAYERS];
} tr_weights;

static float *tr_take(tr_weights *weights, size_t n) {
    float *tensor = weights->flat ? weights->flat + weights->count : NULL;
    weights->count += n;
    return tensor;
}
static void tr_weights_carve(const tr_config *c, tr_weights *weights) {
    size_t l, heads = c->H + 2 * c->G;
    weights->count = 0;
    weights->embedding = tr_take(weights, c->V * c->D);
    for (l = 0; l < c->L; l++) {
        tr_layer *layer = &weights->layer[l];
        layer->norm1 = tr_take(weights, c->D);
        layer->qkv = tr_take(weights, heads * c->C * c->D);
        layer->o = tr_take(weights, c->D * c->H * c->C);
        layer->norm2 = tr_take(weights, c->D);
        layer->gu = tr_take(weights, 2 * c->F * c->D);
        layer->down = tr_take(weights, c->D * c->F);
    }
    weights->norm = tr_take(weights, c->D);
}
static void tr_weights_create(const tr_config *config, tr_weights *weights) {
    weights->flat = NULL;
    tr_weights_carve(config, weights);
    weights->flat = (float *)tr_alloc(weights->count, sizeof(float));
    tr_weights_carve(config, weights);
}

/* Whether and how queries of one panel see keys of another. */
typedef struct tr_tile {
    int seen;  /* does any query see any key? */
    long bias; /* where its [32 keys][32 queries] biases begin (-inf: not visible); -1: all 0 */
} tr_tile;

/* What a forward pass leaves for the backward pass, for each panel of the batch. */
typedef struct tr_state {
    float *x;    /* [L + 1][P][D][32]: what goes into each layer; the last: what comes out */
    float *qkv;  /* [L][P][(H + 2G) C][32]: after RoPE */
    float *attn; /* [L][P][H C][32] */
    float *top;  /* [L][P][H][32]: maximum of the scores */
    float *inv;  /* [L][P][H][32]: 1 / softmax denominator; 0 for a row that sees nothing */
    float *mid;  /* [L][P][D][32]: after attention */
    float *gu;   /* [L][P][2F][32] */
    float *rope; /* [P][2][C/2][32]: cosines, sines */
} tr_state;

typedef struct tr_net {
    tr_config config;
    tr_weights param, grad, turned; /* turned: every matrix transposed, made by tr_backward */
    float *cosine, *sine;           /* [context][C/2] */
    int simd, threads;
    float **scratch; /* [threads][scratch_size] */
    size_t scratch_size;
    /* the batch */
    const tr_sequence *const *sequence;
    size_t sequences, panels;
    size_t *first;      /* [sequences + 1] first panel of a sequence */
    size_t *tile_first; /* [sequences] its tiles in `tile`, [n][n], row: query panel */
    tr_tile *tile;
    float *bias;
    tr_state state;
    /* the positions with a loss, gathered: [N/32 panels] */
    size_t losses, loss_panels;
    size_t *loss_at;    /* [losses] panel * 32 + lane */
    int *loss_target;   /* [losses] */
    float *loss_weight; /* [losses] */
    float *loss_x;      /* [P'][D][32] before the last norm */
    float *loss_n;      /* [P'][D][32] after it */
    float *logits;      /* [P'][V][32]; the backward pass turns them into their gradient */
    double *loss_sum;   /* [P'] */
    struct tr_backward_buffers *back;
    /* capacities of the buffers above */
    size_t cap_panels, cap_sequences, cap_tiles, cap_bias, cap_losses;
    /* the work that runs */
    size_t layer;
    void (*work)(struct tr_net *net, size_t item, float *scratch);
} tr_net;

static void tr_net_work(void *context, size_t item, int thread) {
    tr_net *net = (tr_net *)context;
    net->work(net, item, net->scratch[thread]);
}
static void tr_run(tr_net *net, size_t items, void (*work)(tr_net *, size_t, float *)) {
    net->work = work;
    tr_parallel(net->threads, items, tr_net_work, net);
}

/* ---- creation ---- */

static size_t tr_qkv_rows(const tr_config *c) {
    return (c->H + 2 * c->G) * c->C;
}
static void tr_net_create(const tr_config *config, int threads, tr_net *net) {
    size_t p, i, half = config->C / 2;
    int t;
    memset(net, 0, sizeof *net);
    net->config = *config;
    if (config->D % 32 || config->F % 32 || config->H * config->C % 32 || config->C % 8 ||
        config->H % config->G || config->L > TR_MAX_LAYERS)
        tr_die(
            "these dimensions do not suit the kernels: D, F and H*C must be multiples of 32, C of 8");
    tr_weights_create(config, &net->param);
    tr_weights_create(config, &net->grad);
    tr_weights_create(config, &net->turned);
    net->simd = tr_simd_best();
    if (threads < 1 || threads > TR_MAX_THREADS) tr_die("wanted 1 to %d threads", TR_MAX_THREADS);
    net->threads = threads;
    net->scratch_size = 4 * 32 * (config->D + 2 * config->F + tr_qkv_rows(config)) +
                        (4 * config->C + 2 * TR_PANEL) * (TR_MAX_TOKENS + TR_PANEL) + 8 * 1024;
    net->scratch = (float **)tr_alloc((size_t)threads, sizeof(float *));
    for (t = 0; t < threads; t++)
        net->scratch[t] = (float *)tr_alloc(net->scratch_size, sizeof(float));
    net->cosine = (float *)tr_alloc(config->context * half, sizeof(float));
    net->sine = (float *)tr_alloc(config->context * half, sizeof(float));
    for (i = 0; i < half; i++) {
        double step = tr_exp_double(-tr_log_double(config->theta) * (double)(2 * i) /
                                    (double)config->C);
        for (p = 0; p < config->context; p++) {
            double s, c;
            tr_sincos_double((double)p * step, &s, &c);
            net->cosine[p * half + i] = (float)c;
            net->sine[p * half + i] = (float)s;
        }
    }
}

/* Normal numbers (sum of twelve uniform ones, which no libm can change); matrices that write into the
   residual stream are smaller, as in GPT-2. */
static void tr_net_init(tr_net *net, int seed) {
    const tr_config *c = &net->config;
    py_random random;
    double deep = 1 / sqrt(2.0 * (double)c->L);
    size_t i, l;
    tr_random_for(&random, seed, "weights");
    for (i = 0; i < net->param.count; i++) {
        double sum = -6;
        int k;
        for (k = 0; k < 12; k++) sum += py_random_double(&random);
        net->param.flat[i] = (float)(sum * 0.02);
    }
    for (l = 0; l < c->L; l++) {
        tr_layer *layer = &net->param.layer[l];
        double wide = 1 / sqrt((double)c->D) / 0.02, wider = 1 / sqrt((double)c->F) / 0.02;
        for (i = 0; i < tr_qkv_rows(c) * c->D; i++) layer->qkv[i] *= (float)wide;
        for (i = 0; i < 2 * c->F * c->D; i++) layer->gu[i] *= (float)wide;
        for (i = 0; i < c->D * c->H * c->C; i++) layer->o[i] *= (float)(wide * deep);
        for (i = 0; i < c->D * c->F; i++) layer->down[i] *= (float)(wider * deep);
        for (i = 0; i < c->D; i++) layer->norm1[i] = layer->norm2[i] = 1;
    }
    for (i = 0; i < c->D; i++) net->param.norm[i] = 1;
}

/* ---- the batch: panels, tiles of the mask, positions with a loss ---- */

/* Enlarge *buffer to `need` items of `size` bytes if `have` are too few; contents are not kept. */
static void tr_room(void *buffer, size_t have, size_t need, size_t size) {
    void *old, *grown;
    if (need <= have) return;
    memcpy(&old, buffer, sizeof old);
    free(old);
    grown = tr_alloc(need, size);
    memcpy(buffer, &grown, sizeof grown);
}
static void tr_batch_room(tr_net *net, size_t sequences, size_t panels, size_t tiles,
                          size_t losses) {
    const tr_config *c = &net->config;
    size_t f = sizeof(float), want = panels + panels / 8, lp = losses / TR_PANEL + 1;
    tr_state *s = &net->state;
    tr_room(&net->first, net->cap_sequences, sequences + 1, sizeof *net->first);
    tr_room(&net->tile_first, net->cap_sequences, sequences + 1, sizeof *net->tile_first);
    if (sequences + 1 > net->cap_sequences) net->cap_sequences = sequences + 1;
    tr_room(&net->tile, net->cap_tiles, tiles, sizeof *net->tile);
    if (tiles > net->cap_tiles) net->cap_tiles = tiles;
    if (panels > net->cap_panels) {
        tr_room(&s->x, 0, (c->L + 1) * want * c->D * 32, f);
        tr_room(&s->qkv, 0, c->L * want * tr_qkv_rows(c) * 32, f);
        tr_room(&s->attn, 0, c->L * want * c->H * c->C * 32, f);
        tr_room(&s->top, 0, c->L * want * c->H * 32, f);
        tr_room(&s->inv, 0, c->L * want * c->H * 32, f);
        tr_room(&s->mid, 0, c->L * want * c->D * 32, f);
        tr_room(&s->gu, 0, c->L * want * 2 * c->F * 32, f);
        tr_room(&s->rope, 0, want * c->C * 32, f);
        net->cap_panels = want;
    }
    if (losses > net->cap_losses || !net->cap_losses) {
        lp += lp / 4;
        tr_room(&net->loss_at, 0, lp * 32, sizeof *net->loss_at);
        tr_room(&net->loss_target, 0, lp * 32, sizeof *net->loss_target);
        tr_room(&net->loss_weight, 0, lp * 32, f);
        tr_room(&net->loss_x, 0, lp * c->D * 32, f);
        tr_room(&net->loss_n, 0, lp * c->D * 32, f);
        tr_room(&net->logits, 0, lp * c->V * 32, f);
        tr_room(&net->loss_sum, 0, lp, sizeof(double));
        net->cap_losses = lp * 32;
    }
}
/* May query q see key k, and with what bias? Indices past the end see nothing and are seen by nobody. */
static float tr_bias(const tr_sequence *s, size_t q, size_t k) {
    int from, to;
    if (q >= s->tokens || k > q) return -INFINITY;
    from = s->seg[q];
    to = s->seg[k];
    if (!s->visible[from][to]) return -INFINITY;
    return from == s->answer ? s->log_weight[to] : 0.0f;
}
static void tr_batch_tiles(tr_net *net, const tr_sequence *s, size_t n, tr_tile *tile,
                           size_t *used) {
    size_t i, j, q, k;
    for (i = 0; i < n; i++)
        for (j = 0; j < n; j++) {
            tr_tile *t = &tile[i * n + j];
            int plain = 1;
            t->seen = 0;
            t->bias = -1;
            if (j > i) continue;
            if (*used + 1024 > net->cap_bias) { /* grow and keep */
                size_t more = net->cap_bias * 2 + 64 * 1024;
                float *grown = (float *)tr_alloc(more, sizeof(float));
                if (net->bias) memcpy(grown, net->bias, *used * sizeof(float));
                free(net->bias);
                net->bias = grown;
                net->cap_bias = more;
            }
            for (k = 0; k < 32; k++)
                for (q = 0; q < 32; q++) {
                    float bias = tr_bias(s, i * 32 + q, j * 32 + k);
                    net->bias[*used + k * 32 + q] = bias;
                    if (bias > -INFINITY) t->seen = 1;
                    if (bias < 0 || bias > 0) plain = 0;
                }
            if (t->seen && !plain) t->bias = (long)*used, *used += 1024;
        }
}
static void tr_batch_set(tr_net *net, const tr_sequence *const *sequence, size_t sequences) {
    size_t s, t, i, panels = 0, tiles = 0, losses = 0, used = 0, half = net->config.C / 2;
    for (s = 0; s < sequences; s++) {
        size_t n = (sequence[s]->tokens + 31) / 32;
        panels += n;
        tiles += n * n;
        for (t = 0; t < sequence[s]->tokens; t++) losses += sequence[s]->weight[t] > 0;
    }
    tr_batch_room(net, sequences, panels, tiles, losses);
    net->sequence = sequence;
    net->sequences = sequences;
    net->panels = panels;
    net->losses = net->first[0] = 0;
    tiles = 0;
    for (s = 0; s < sequences; s++) {
        const tr_sequence *q = sequence[s];
        size_t n = (q->tokens + 31) / 32;
        net->first[s + 1] = net->first[s] + n;
        net->tile_first[s] = tiles;
        tr_batch_tiles(net, q, n, net->tile + tiles, &used);
        tiles += n * n;
        for (t = 0; t < n * 32; t++) {
            size_t panel = net->first[s] + t / 32, lane = t % 32,
                   pos = t < q->tokens ? (size_t)q->pos[t] : 0;
            float *cosine = net->state.rope + panel * 2 * half * 32, *sine = cosine + half * 32;
            if (pos >= net->config.context)
                tr_die("a sequence runs past the context of %d", (int)net->config.context);
            for (i = 0; i < half; i++) {
                cosine[i * 32 + lane] = net->cosine[pos * half + i];
                sine[i * 32 + lane] = net->sine[pos * half + i];
            }
            if (t < q->tokens && q->weight[t] > 0) {
                net->loss_at[net->losses] = panel * 32 + lane;
                net->loss_target[net->losses] = q->target[t];
                net->loss_weight[net->losses++] = q->weight[t];
            }
        }
    }
    net->loss_panels = (net->losses + 31) / 32;
}

/* ---- forward ---- */

/* out [rows][32] (+)= w [rows, cols] x [cols][32] */
static void tr_linear(const tr_net *net, const float *w, size_t rows, size_t cols, const float *x,
                      float *out, int first) {
    tr_multiply(net->simd, rows, 32, w, cols, x, 32, out, 32, cols, first);
}
static float *tr_panel(float *base, const tr_net *net, size_t layer, size_t rows, size_t panel) {
    return base + (layer * net->panels + panel) * rows * 32;
}

static void tr_embed(tr_net *net, size_t s, float *scratch) {
    const tr_sequence *q = net->sequence[s];
    size_t D = net->config.D, t, d;
    (void)scratch;
    for (t = 0; t < (net->first[s + 1] - net->first[s]) * 32; t++) {
        float *x = tr_panel(net->state.x, net, 0, D, net->first[s] + t / 32) + t % 32;
        const float *row = t < q->tokens ? net->param.embedding + (size_t)q->token[t] * D : NULL;
        for (d = 0; d < D; d++) x[d * 32] = row ? row[d] : 0;
    }
}
/* Norm, the three projections, RoPE. */
static void tr_project(tr_net *net, size_t panel, float *scratch) {
    const tr_config *c = &net->config;
    const tr_layer *w = &net->param.layer[net->layer];
    size_t rows = tr_qkv_rows(c), half = c->C / 2, h;
    float *qkv = tr_panel(net->state.qkv, net, net->layer, rows, panel);
    const float *cosine = net->state.rope + panel * c->C * 32;
    tr_rmsnorm(net->simd, tr_panel(net->state.x, net, net->layer, c->D, panel), w->norm1,
               (float)c->eps, c->D, scratch);
    tr_linear(net, w->qkv, rows, c->D, scratch, qkv, 1);
    for (h = 0; h < c->H + c->G; h++)
        tr_rope(net->simd, qkv + h * c->C * 32, cosine, cosine + half * 32, half);
}

/* scores [tiles][32 keys][32 queries] -> exp(score * scale + bias - top), their sum inverted. */
TR_INLINE void tr_softmax_body(int simd, float *score, size_t tiles, const float *const *bias,
                               float scale, float *top, float *inv) {
    size_t a, k, t;
    for (t = 0; t < 32; t++) top[t] = -INFINITY, inv[t] = 0;
    for (a = 0; a < tiles; a++)
        for (k = 0; k < 32; k++) {
            float *s = score + (a * 32 + k) * 32;
            const float *b = bias[a] ? bias[a] + k * 32 : NULL;
            if (b)
                for (t = 0; t < 32; t++) s[t] = tr_fma(simd, s[t], scale, b[t]);
            else
                for (t = 0; t < 32; t++) s[t] = s[t] * scale;
            for (t = 0; t < 32; t++) top[t] = s[t] > top[t] ? s[t] : top[t];
        }
    for (t = 0; t < 32; t++) top[t] = top[t] > -INFINITY ? top[t] : 0.0f;
    for (k = 0; k < tiles * 32; k++) {
        float *s = score + k * 32;
        for (t = 0; t < 32; t++) s[t] = tr_exp(simd, s[t] - top[t]);
        for (t = 0; t < 32; t++) inv[t] += s[t];
    }
    for (t = 0; t < 32; t++) inv[t] = inv[t] > 0 ? 1.0f / inv[t] : 0.0f;
}
TR_KERNEL(tr_softmax,
          (int simd, float *score, size_t tiles, const float *const *bias, float scale, float *top,
           float *inv),
          (simd, score, tiles, bias, scale, top, inv))

/* out[c][r] = in[r][c], in blocks that stay in the cache. */
static void tr_transpose(const float *in, size_t rows, size_t cols, size_t in_stride,
                         size_t out_stride, float *out) {
    enum { BLOCK = 16 };
    size_t r, c, i, j;
    for (r = 0; r < rows; r += BLOCK)
        for (c = 0; c < cols; c += BLOCK)
            for (j = c; j < cols && j < c + BLOCK; j++)
                for (i = r; i < rows && i < r + BLOCK; i++)
                    out[j * out_stride + i] = in[i * in_stride + j];
}

/* One key/value head of one sequence, with the query heads that share it. */
static void tr_attend(tr_net *net, size_t item, float *scratch) {
    const tr_config *c = &net->config;
    size_t s = item / c->G, g = item % c->G, C = c->C, rows = tr_qkv_rows(c), h, i, j, a, x;
    size_t p0 = net->first[s], n = net->first[s + 1] - p0, group = c->H / c->G;
    const tr_tile *tile = net->tile + net->tile_first[s];
    float *keys = scratch, *score = keys + n * 32 * C, scale = 1.0f / sqrtf((float)C);
    const float *bias[TR_MAX_TOKENS / TR_PANEL];
    size_t at[TR_MAX_TOKENS / TR_PANEL];
    for (j = 0; j < n; j++) /* keys token by token: [32][C] */
        tr_transpose(tr_panel(net->state.qkv, net, net->layer, rows, p0 + j) + (c->H + g) * C * 32,
                     C, 32, 32, C, keys + j * 32 * C);
    for (h = g * group; h < (g + 1) * group; h++)
        for (i = 0; i < n; i++) {
            const float *q = tr_panel(net->state.qkv, net, net->layer, rows, p0 + i) + h * C * 32;
            float *out = tr_panel(net->state.attn, net, net->layer, c->H * C, p0 + i) + h * C * 32;
            float *top = tr_panel(net->state.top, net, net->layer, c->H, p0 + i) + h * 32;
            float *inv = tr_panel(net->state.inv, net, net->layer, c->H, p0 + i) + h * 32;
            size_t tiles = 0;
            for (j = 0; j <= i; j++) {
                const tr_tile *t = &tile[i * n + j];
                if (!t->seen) continue;
                tr_multiply(net->simd, 32, 32, keys + j * 32 * C, C, q, 32, score + tiles * 1024,
                            32, C, 1);
                bias[tiles] = t->bias >= 0 ? net->bias + t->bias : NULL;
                at[tiles++] = j;
            }
            tr_softmax(net->simd, score, tiles, bias, scale, top, inv);
            for (a = 0; a < tiles; a++) {
                const float *v = tr_panel(net->state.qkv, net, net->layer, rows, p0 + at[a]) +
                                 (c->H + c->G + g) * C * 32;
                tr_multiply(net->simd, C, 32, v, 32, score + a * 1024, 32, out, 32, 32, a == 0);
            }
            for (x = 0; x < C * 32; x++) out[x] = tiles ? out[x] * inv[x % 32] : 0.0f;
        }
}
/* Output projection, residual, norm, SwiGLU, residual. */
static void tr_feed(tr_net *net, size_t panel, float *scratch) {
    const tr_config *c = &net->config;
    const tr_layer *w = &net->param.layer[net->layer];
    size_t D = c->D, F = c->F;
    float *mid = tr_panel(net->state.mid, net, net->layer, D, panel);
    float *out = tr_panel(net->state.x, net, net->layer + 1, D, panel);
    float *gu = tr_panel(net->state.gu, net, net->layer, 2 * F, panel), *act = scratch + D * 32;
    memcpy(mid, tr_panel(net->state.x, net, net->layer, D, panel), D * 32 * sizeof(float));
    tr_linear(net, w->o, D, c->H * c->C,
              tr_panel(net->state.attn, net, net->layer, c->H * c->C, panel), mid, 0);
    tr_rmsnorm(net->simd, mid, w->norm2, (float)c->eps, D, scratch);
    tr_linear(net, w->gu, 2 * F, D, scratch, gu, 1);
    memcpy(act, gu, F * 32 * sizeof(float));
    tr_swiglu(net->simd, act, gu + F * 32, F * 32);
    memcpy(out, mid, D * 32 * sizeof(float));
    tr_linear(net, w->down, D, F, act, out, 0);
}
/* Logits of the positions with a loss. */
static void tr_head(tr_net *net, size_t panel, float *scratch) {
    const tr_config *c = &net->config;
    float *x = net->loss_x + panel * c->D * 32, *n = net->loss_n + panel * c->D * 32;
    size_t t, d;
    (void)scratch;
    for (t = 0; t < 32; t++) {
        size_t i = panel * 32 + t, at = i < net->losses ? net->loss_at[i] : 0;
        const float *from = tr_panel(net->state.x, net, c->L, c->D, at / 32) + at % 32;
        for (d = 0; d < c->D; d++) x[d * 32 + t] = i < net->losses ? from[d * 32] : 0;
    }
    tr_rmsnorm(net->simd, x, net->param.norm, (float)c->eps, c->D, n);
    tr_linear(net, net->param.embedding, c->V, c->D, n, net->logits + panel * c->V * 32, 1);
}
/* From the batch to the logits of its loss positions. */
static void tr_forward(tr_net *net) {
    tr_run(net, net->sequences, tr_embed);
    for (net->layer = 0; net->layer < net->config.L; net->layer++) {
        tr_run(net, net->panels, tr_project);
        tr_run(net, net->sequences * net->config.G, tr_attend);
        tr_run(net, net->panels, tr_feed);
    }
    tr_run(net, net->loss_panels, tr_head);
}
