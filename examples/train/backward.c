/* backward.c - the gradient of the loss, written out by hand, layer by layer from the last to the first.
 *
 * Three kinds of products: the gradient of an input is W^T dY (panels again, with the transposed matrix
 * made once a step); the gradient of a weight is dY X^T, one chain over all tokens of the batch in order;
 * attention is recomputed tile by tile from what the forward pass kept (maximum and denominator). */

typedef struct tr_backward_buffers {
    size_t panels;               /* room for so many */
    float *dx;                   /* [P][D][32] gradient of the residual stream, on its way down */
    float *dx_mid;               /* [P][D][32] the same, between attention and feed-forward */
    float *dgu;                  /* [P][2F][32] */
    float *dattn;                /* [P][HC][32] */
    float *dqkv;                 /* [P][(H+2G)C][32] */
    float *n1, *n2, *act, *attn; /* inputs of the matrices, [K/32][P*32 tokens][32] */
    float *dnorm;                /* [2][P][D] gradients of the norms' weights, panel by panel */
    size_t loss_panels;
    float *loss_n;     /* [D/32][P'*32][32] */
    float *dloss;      /* [P'][D][32] */
    float *loss_dnorm; /* [P'][D] */
    /* a weight gradient to be made: dw [rows, cols] = dy x^T */
    size_t count;
    struct tr_product {
        const float *dy, *x;
        float *dw;
        size_t rows, cols, panels, item; /* item: number of its first strip of rows */
    } product[4];
} tr_backward_buffers;

enum {
    TR_STRIP = 48,
    TR_BLOCK = 8
}; /* rows of a weight gradient a thread takes; panels it reads at a time */

static void tr_backward_room(tr_net *net) {
    const tr_config *c = &net->config;
    tr_backward_buffers *b = net->back;
    size_t f = sizeof(float), n = net->cap_panels * 32, l = net->cap_losses;
    if (!b) b = net->back = (tr_backward_buffers *)tr_alloc(1, sizeof *b);
    if (b->panels < net->cap_panels) {
        tr_room(&b->dx, 0, n * c->D, f);
        tr_room(&b->dx_mid, 0, n * c->D, f);
        tr_room(&b->dgu, 0, n * 2 * c->F, f);
        tr_room(&b->dattn, 0, n * c->H * c->C, f);
        tr_room(&b->dqkv, 0, n * tr_qkv_rows(c), f);
        tr_room(&b->n1, 0, n * c->D, f);
        tr_room(&b->n2, 0, n * c->D, f);
        tr_room(&b->act, 0, n * c->F, f);
        tr_room(&b->attn, 0, n * c->H * c->C, f);
        tr_room(&b->dnorm, 0, net->cap_panels * 2 * c->D, f);
        b->panels = net->cap_panels;
    }
    if (b->loss_panels < l / 32) {
        tr_room(&b->loss_n, 0, l * c->D, f);
        tr_room(&b->dloss, 0, l * c->D, f);
        tr_room(&b->loss_dnorm, 0, l / 32 * c->D, f);
        b->loss_panels = l / 32;
    }
}

/* ---- the small pieces ---- */

/* y = x r w with r = 1 / sqrt(mean x^2 + eps). dx (+)= r w dy - x r^3 / D sum(x w dy); dw[d] = sum dy x r. */
TR_INLINE void tr_rmsnorm_back_body(int simd, const float *x, const float *w, const float *dy,
                                    float eps, size_t D, float *dx, float *dw, int first) {
    float square[32], inner[32], r[32], r3[32], part[32];
    size_t d, t;
    for (t = 0; t < 32; t++) square[t] = inner[t] = 0;
    for (d = 0; d < D; d++)
        for (t = 0; t < 32; t++) {
            float a = x[d * 32 + t], b = w[d] * dy[d * 32 + t];
            square[t] = tr_fma(simd, a, a, square[t]);
            inner[t] = tr_fma(simd, a, b, inner[t]);
        }
    for (t = 0; t < 32; t++) {
        r[t] = 1.0f / sqrtf(square[t] / (float)D + eps);
        r3[t] = r[t] * r[t] * r[t] / (float)D * inner[t];
    }
    for (d = 0; d < D; d++) {
        float sum = 0;
        for (t = 0; t < 32; t++) {
            float a = x[d * 32 + t], b = dy[d * 32 + t] * r[t];
            float value = tr_fma(simd, -a, r3[t], b * w[d]);
            dx[d * 32 + t] = first ? value : dx[d * 32 + t] + value;
            part[t] = a * b;
        }
        for (t = 0; t < 32; t++) sum += part[t];
        dw[d] = sum;
    }
}
TR_KERNEL(tr_rmsnorm_back,
          (int simd, const float *x, const float *w, const float *dy, float eps, size_t D,
           float *dx, float *dw, int first),
          (simd, x, w, dy, eps, D, dx, dw, first))

/* act = g s(g) u. In: da; out: dg, du, and act again. */
TR_INLINE void tr_swiglu_back_body(int simd, const float *g, const float *u, const float *da,
                                   size_t n, float *dg, float *du, float *act) {
    size_t i;
    for (i = 0; i < n; i++) {
        float s = 1.0f / (1.0f + tr_exp(simd, -g[i])), gs = g[i] * s;
        act[i] = gs * u[i];
        du[i] = da[i] * gs;
        dg[i] = da[i] * u[i] * tr_fma(simd, gs, 1.0f - s, s);
    }
}
TR_KERNEL(tr_swiglu_back,
          (int simd, const float *g, const float *u, const float *da, size_t n, float *dg,
           float *du, float *act),
          (simd, g, u, da, n, dg, du, act))

/* One tile: score -> probability (in place); dp -> gradient of the score (in place). */
TR_INLINE void tr_softmax_back_body(int simd, float *score, float *dp, const float *bias,
                                    float scale, const float *top, const float *inv,
                                    const float *delta) {
    size_t k, t;
    for (k = 0; k < 32; k++) {
        float *s = score + k * 32, *d = dp + k * 32;
        if (bias)
            for (t = 0; t < 32; t++) s[t] = tr_fma(simd, s[t], scale, bias[k * 32 + t]);
        else
            for (t = 0; t < 32; t++) s[t] = s[t] * scale;
        for (t = 0; t < 32; t++) s[t] = tr_exp(simd, s[t] - top[t]) * inv[t];
        for (t = 0; t < 32; t++) d[t] = s[t] * (d[t] - delta[t]) * scale;
    }
}
TR_KERNEL(tr_softmax_back,
          (int simd, float *score, float *dp, const float *bias, float scale, const float *top,
           const float *inv, const float *delta),
          (simd, score, dp, bias, scale, top, inv, delta))

/* A panel [K][32] as lanes for a weight gradient: x [K/32][tokens][32]. */
static void tr_turn_panel(const float *panel, size_t K, size_t tokens, size_t index, float *x) {
    size_t k;
    for (k = 0; k < K; k += 32)
        tr_transpose(panel + k * 32, 32, 32, 32, 32, x + (k / 32 * tokens + index * 32) * 32);
}

/* ---- weight gradients ---- */

static void tr_product_run(tr_net *net, size_t item, float *scratch) {
    const struct tr_product *m = net->back->product;
    size_t row, rows, k, p, q;
    (void)scratch;
    while (m + 1 < net->back->product + net->back->count && item >= m[1].item) m++;
    row = (item - m->item) * TR_STRIP;
    rows = m->rows - row < TR_STRIP ? m->rows - row : TR_STRIP;
    for (p = 0; p < m->panels; p += TR_BLOCK)
        for (k = 0; k < m->cols; k += 32)
            for (q = p; q < m->panels && q < p + TR_BLOCK; q++)
                tr_multiply(net->simd, rows, 32, m->dy + (q * m->rows + row) * 32, 32,
                            m->x + (k / 32 * m->panels + q) * 1024, 32, m->dw + row * m->cols + k,
                            m->cols, 32, q == 0);
}
static void tr_product_add(tr_net *net, const float *dy, const float *x, float *dw, size_t rows,
                           size_t cols, size_t panels) {
    tr_backward_buffers *b = net->back;
    struct tr_product *m = &b->product[b->count];
    m->dy = dy;
    m->x = x;
    m->dw = dw;
    m->rows = rows;
    m->cols = cols;
    m->panels = panels;
    m->item = b->count ? m[-1].item + (m[-1].rows + TR_STRIP - 1) / TR_STRIP : 0;
    b->count++;
}
static void tr_product_all(tr_net *net) {
    tr_backward_buffers *b = net->back;
    const struct tr_product *last = &b->product[b->count - 1];
    tr_run(net, last->item + (last->rows + TR_STRIP - 1) / TR_STRIP, tr_product_run);
    b->count = 0;
}
static void tr_sum_panels(const float *parts, size_t panels, size_t D, float *out) {
    size_t p, d;
    for (d = 0; d < D; d++) out[d] = 0;
    for (p = 0; p < panels; p++)
        for (d = 0; d < D; d++) out[d] += parts[p * D + d];
}

/* ---- the loss: cross-entropy, a mean with weights ---- */

TR_INLINE void tr_entropy_body(int simd, float *logit, size_t V, const int *target,
                               const float *weight, size_t lanes, double *loss) {
    float top[32], sum[32], of[32];
    size_t v, t;
    for (t = 0; t < 32; t++) top[t] = -INFINITY, sum[t] = 0;
    for (v = 0; v < V; v++)
        for (t = 0; t < 32; t++) top[t] = logit[v * 32 + t] > top[t] ? logit[v * 32 + t] : top[t];
    for (t = 0; t < lanes; t++) of[t] = logit[(size_t)target[t] * 32 + t] - top[t];
    for (v = 0; v < V; v++)
        for (t = 0; t < 32; t++) {
            logit[v * 32 + t] = tr_exp(simd, logit[v * 32 + t] - top[t]);
            sum[t] += logit[v * 32 + t];
        }
    *loss = 0;
    for (t = 0; t < 32; t++) {
        float w = t < lanes ? weight[t] : 0.0f;
        if (t < lanes) *loss += (double)w * (tr_log_double((double)sum[t]) - (double)of[t]);
        sum[t] = w / sum[t];
        top[t] = w;
    }
    for (v = 0; v < V; v++)
        for (t = 0; t < 32; t++) logit[v * 32 + t] = logit[v * 32 + t] * sum[t];
    for (t = 0; t < lanes; t++) logit[(size_t)target[t] * 32 + t] -= top[t];
}
TR_KERNEL(tr_entropy,
          (int simd, float *logit, size_t V, const int *target, const float *weight, size_t lanes,
           double *loss),
          (simd, logit, V, target, weight, lanes, loss))

static void tr_head_back(tr_net *net, size_t panel, float *scratch) {
    const tr_config *c = &net->config;
    tr_backward_buffers *b = net->back;
    size_t D = c->D, left = net->losses - panel * 32;
    float *logit = net->logits + panel * c->V * 32;
    tr_entropy(net->simd, logit, c->V, net->loss_target + panel * 32, net->loss_weight + panel * 32,
               left < 32 ? left : 32, &net->loss_sum[panel]);
    tr_linear(net, net->turned.embedding, D, c->V, logit, scratch, 1);
    tr_rmsnorm_back(net->simd, net->loss_x + panel * D * 32, net->param.norm, scratch,
                    (float)c->eps, D, b->dloss + panel * D * 32, b->loss_dnorm + panel * D, 1);
    tr_turn_panel(net->loss_n + panel * D * 32, D, net->loss_panels * 32, panel, b->loss_n);
}
/* The loss; leaves the gradient of the last layer's output in dx. */
static double tr_loss_back(tr_net *net) {
    const tr_config *c = &net->config;
    tr_backward_buffers *b = net->back;
    size_t i, d, D = c->D;
    double total = 0, loss = 0;
    for (i = 0; i < net->losses; i++) total += (double)net->loss_weight[i];
    for (i = 0; i < net->losses; i++)
        net->loss_weight[i] = (float)((double)net->loss_weight[i] / total);
    tr_run(net, net->loss_panels, tr_head_back);
    for (i = 0; i < net->loss_panels; i++) loss += net->loss_sum[i];
    tr_product_add(net, net->logits, b->loss_n, net->grad.embedding, c->V, D, net->loss_panels);
    tr_product_all(net);
    tr_sum_panels(b->loss_dnorm, net->loss_panels, D, net->grad.norm);
    memset(b->dx, 0, net->panels * D * 32 * sizeof(float));
    for (i = 0; i < net->losses; i++) {
        float *to = b->dx + net->loss_at[i] / 32 * D * 32 + net->loss_at[i] % 32;
        const float *from = b->dloss + i / 32 * D * 32 + i % 32;
        for (d = 0; d < D; d++) to[d * 32] = from[d * 32];
    }
    return loss;
}

/* ---- one layer ---- */

static void tr_feed_back(tr_net *net, size_t panel, float *scratch) {
    const tr_config *c = &net->config;
    tr_backward_buffers *b = net->back;
    const tr_layer *w = &net->param.layer[net->layer], *turned = &net->turned.layer[net->layer];
    size_t D = c->D, F = c->F, tokens = net->panels * 32;
    const float *mid = tr_panel(net->state.mid, net, net->layer, D, panel);
    const float *gu = tr_panel(net->state.gu, net, net->layer, 2 * F, panel);
    float *dx = b->dx + panel * D * 32, *dx_mid = b->dx_mid + panel * D * 32,
          *dgu = b->dgu + panel * 2 * F * 32;
    float *norm = scratch, *dact = norm + D * 32, *act = dact + F * 32, *dnorm = act + F * 32;
    tr_linear(net, turned->down, F, D, dx, dact, 1);
    tr_swiglu_back(net->simd, gu, gu + F * 32, dact, F * 32, dgu, dgu + F * 32, act);
    tr_turn_panel(act, F, tokens, panel, b->act);
    tr_rmsnorm(net->simd, mid, w->norm2, (float)c->eps, D, norm);
    tr_turn_panel(norm, D, tokens, panel, b->n2);
    tr_linear(net, turned->gu, D, 2 * F, dgu, dnorm, 1);
    memcpy(dx_mid, dx, D * 32 * sizeof(float));
    tr_rmsnorm_back(net->simd, mid, w->norm2, dnorm, (float)c->eps, D, dx_mid,
                    b->dnorm + (net->panels + panel) * D, 0);
    tr_linear(net, turned->o, c->H * c->C, D, dx_mid, b->dattn + panel * c->H * c->C * 32, 1);
    tr_turn_panel(tr_panel(net->state.attn, net, net->layer, c->H * c->C, panel), c->H * c->C,
                  tokens, panel, b->attn);
}
/* One query head against one panel of queries: adds to dq, and to the keys' and values' gradients. */
static void tr_attend_back(tr_net *net, size_t item, float *scratch) {
    const tr_config *c = &net->config;
    size_t s = item / c->G, g = item % c->G, C = c->C, rows = tr_qkv_rows(c), h, i, j, d, t;
    size_t p0 = net->first[s], n = net->first[s + 1] - p0, group = c->H / c->G;
    const tr_tile *tile = net->tile + net->tile_first[s];
    float *keys = scratch, *values = keys + n * 32 * C, *dkeys = values + n * 32 * C,
          *dvalues = dkeys + n * 32 * C;
    float *q_turned = dvalues + n * 32 * C, *do_turned = q_turned + 32 * C,
          *score = do_turned + 32 * C;
    float *dp = score + 1024, delta[32], scale = 1.0f / sqrtf((float)C);
    for (j = 0; j < n; j++) {
        const float *k = tr_panel(net->state.qkv, net, net->layer, rows, p0 + j) +
                         (c->H + g) * C * 32;
        tr_transpose(k, C, 32, 32, C, keys + j * 32 * C);
        tr_transpose(k + c->G * C * 32, C, 32, 32, C, values + j * 32 * C);
    }
    memset(dkeys, 0, 2 * n * 32 * C * sizeof(float));
    for (h = g * group; h < (g + 1) * group; h++)
        for (i = 0; i < n; i++) {
            const float *q = tr_panel(net->state.qkv, net, net->layer, rows, p0 + i) + h * C * 32;
            const float *out = tr_panel(net->state.attn, net, net->layer, c->H * C, p0 + i) +
                               h * C * 32;
            const float *dout = net->back->dattn + ((p0 + i) * c->H + h) * C * 32;
            const float *top = tr_panel(net->state.top, net, net->layer, c->H, p0 + i) + h * 32;
            const float *inv = tr_panel(net->state.inv, net, net->layer, c->H, p0 + i) + h * 32;
            float *dq = net->back->dqkv + ((p0 + i) * rows + h * C) * 32;
            memset(delta, 0, sizeof delta);
            for (d = 0; d < C; d++)
                for (t = 0; t < 32; t++) delta[t] += out[d * 32 + t] * dout[d * 32 + t];
            tr_transpose(q, C, 32, 32, C, q_turned);
            tr_transpose(dout, C, 32, 32, C, do_turned);
            memset(dq, 0, C * 32 * sizeof(float));
            for (j = 0; j <= i; j++) {
                const tr_tile *m = &tile[i * n + j];
                if (!m->seen) continue;
                tr_multiply(net->simd, 32, 32, keys + j * 32 * C, C, q, 32, score, 32, C, 1);
                tr_multiply(net->simd, 32, 32, values + j * 32 * C, C, dout, 32, dp, 32, C, 1);
                tr_softmax_back(net->simd, score, dp, m->bias >= 0 ? net->bias + m->bias : NULL,
                                scale, top, inv, delta);
                tr_multiply(net->simd, 32, C, score, 32, do_turned, C, dvalues + j * 32 * C, C, 32,
                            0);
                tr_multiply(net->simd, 32, C, dp, 32, q_turned, C, dkeys + j * 32 * C, C, 32, 0);
                tr_multiply(net->simd, C, 32,
                            tr_panel(net->state.qkv, net, net->layer, rows, p0 + j) +
                                (c->H + g) * C * 32,
                            32, dp, 32, dq, 32, 32, 0);
            }
        }
    for (j = 0; j < n; j++) {
        float *dk = net->back->dqkv + ((p0 + j) * rows + (c->H + g) * C) * 32;
        tr_transpose(dkeys + j * 32 * C, 32, C, C, 32, dk);
        tr_transpose(dvalues + j * 32 * C, 32, C, C, 32, dk + c->G * C * 32);
    }
}
static void tr_project_back(tr_net *net, size_t panel, float *scratch) {
    const tr_config *c = &net->config;
    tr_backward_buffers *b = net->back;
    const tr_layer *w = &net->param.layer[net->layer], *turned = &net->turned.layer[net->layer];
    size_t D = c->D, rows = tr_qkv_rows(c), half = c->C / 2, h, i;
    const float *x = tr_panel(net->state.x, net, net->layer, D, panel);
    const float *cosine = net->state.rope + panel * c->C * 32;
    float *dqkv = b->dqkv + panel * rows * 32, *norm = scratch, *dnorm = norm + D * 32,
          *sine = dnorm + D * 32;
    for (i = 0; i < half * 32; i++)
        sine[i] = -cosine[half * 32 + i]; /* a rotation's transpose turns back */
    for (h = 0; h < c->H + c->G; h++) tr_rope(net->simd, dqkv + h * c->C * 32, cosine, sine, half);
    tr_linear(net, turned->qkv, D, rows, dqkv, dnorm, 1);
    tr_rmsnorm(net->simd, x, w->norm1, (float)c->eps, D, norm);
    tr_turn_panel(norm, D, net->panels * 32, panel, b->n1);
    memcpy(b->dx + panel * D * 32, b->dx_mid + panel * D * 32, D * 32 * sizeof(float));
    tr_rmsnorm_back(net->simd, x, w->norm1, dnorm, (float)c->eps, D, b->dx + panel * D * 32,
                    b->dnorm + panel * D, 0);
}
static void tr_layer_back(tr_net *net) {
    const tr_config *c = &net->config;
    tr_backward_buffers *b = net->back;
    tr_layer *grad = &net->grad.layer[net->layer];
    tr_run(net, net->panels, tr_feed_back);
    tr_product_add(net, b->dx, b->act, grad->down, c->D, c->F, net->panels);
    tr_product_add(net, b->dgu, b->n2, grad->gu, 2 * c->F, c->D, net->panels);
    tr_product_add(net, b->dx_mid, b->attn, grad->o, c->D, c->H * c->C, net->panels);
    tr_product_all(net);
    tr_run(net, net->sequences * c->G, tr_attend_back);
    tr_run(net, net->panels, tr_project_back);
    tr_product_add(net, b->dqkv, b->n1, grad->qkv, tr_qkv_rows(c), c->D, net->panels);
    tr_product_all(net);
    tr_sum_panels(b->dnorm, net->panels, c->D, grad->norm1);
    tr_sum_panels(b->dnorm + net->panels * c->D, net->panels, c->D, grad->norm2);
}

/* ---- the whole ---- */

static void tr_turn_layer(tr_net *net, size_t l, float *scratch) {
    const tr_config *c = &net->config;
    const tr_layer *from = &net->param.layer[l];
    tr_layer *to = &net->turned.layer[l];
    size_t rows = tr_qkv_rows(c);
    (void)scratch;
    if (l == c->L) {
        tr_transpose(net->param.embedding, c->V, c->D, c->D, c->V, net->turned.embedding);
        return;
    }
    tr_transpose(from->qkv, rows, c->D, c->D, rows, to->qkv);
    tr_transpose(from->o, c->D, c->H * c->C, c->H * c->C, c->D, to->o);
    tr_transpose(from->gu, 2 * c->F, c->D, c->D, 2 * c->F, to->gu);
    tr_transpose(from->down, c->D, c->F, c->F, c->D, to->down);
}
/* The embedding's rows also get what arrives at the input; a thread takes some of the columns. */
static void tr_embed_back(tr_net *net, size_t item, float *scratch) {
    size_t s, t, d, D = net->config.D;
    (void)scratch;
    for (s = 0; s < net->sequences; s++)
        for (t = 0; t < net->sequence[s]->tokens; t++) {
            const float *dx = net->back->dx + (net->first[s] + t / 32) * D * 32 + t % 32;
            float *to = net->grad.embedding + (size_t)net->sequence[s]->token[t] * D;
            for (d = item * 16; d < item * 16 + 16; d++) to[d] += dx[d * 32];
        }
}
/* After tr_forward: the mean loss; the gradient of every parameter in net->grad. */
static double tr_backward(tr_net *net) {
    double loss;
    tr_backward_room(net);
    tr_run(net, net->config.L + 1, tr_turn_layer);
    loss = tr_loss_back(net);
    for (net->layer = net->config.L; net->layer-- > 0;) tr_layer_back(net);
    tr_run(net, net->config.D / 16, tr_embed_back);
    return loss;
}
static void tr_net_free(tr_net *net) {
    tr_state *s = &net->state;
    tr_backward_buffers *b = net->back;
    int t;
    for (t = 0; t < net->threads; t++) free(net->scratch[t]);
    free(net->scratch);
    free(net->param.flat), free(net->grad.flat), free(net->turned.flat);
    free(net->cosine), free(net->sine);
    free(net->first), free(net->tile_first), free(net->tile), free(net->bias);
    free(s->x), free(s->qkv), free(s->attn), free(s->top), free(s->inv), free(s->mid), free(s->gu),
        free(s->rope);
    free(net->loss_at), free(net->loss_target), free(net->loss_weight), free(net->loss_x),
        free(net->loss_n);
    free(net->logits), free(net->loss_sum);
    if (b) {
        free(b->dx), free(b->dx_mid), free(b->dgu), free(b->dattn), free(b->dqkv), free(b->n1),
            free(b->n2);
        free(b->act), free(b->attn), free(b->dnorm), free(b->loss_n), free(b->dloss),
            free(b->loss_dnorm);
        free(b);
    }
    memset(net, 0, sizeof *net);
}
