/* adamw.c - AdamW (Loshchilov and Hutter 2019), gradient clipping, warm-up and cosine. */

typedef struct tr_adamw {
    double beta1, beta2, decay, clip;
    double power1, power2; /* beta1^step, beta2^step */
    float *m, *v;          /* moments, as long as the parameters */
    unsigned char *decays; /* 1: a matrix; norms do not decay */
    tr_net *net;
    double rate, scale; /* of the running step */
    double *square;     /* [chunks] */
} tr_adamw;

enum { TR_CHUNK = 8192 };

static void tr_adamw_create(tr_net *net, tr_adamw *adam) {
    const tr_config *c = &net->config;
    const tr_weights *w = &net->param;
    size_t l;
    memset(adam, 0, sizeof *adam);
    adam->beta1 = 0.9;
    adam->beta2 = 0.98;
    adam->decay = 0.1;
    adam->clip = 1;
    adam->power1 = adam->power2 = 1;
    adam->net = net;
    adam->m = (float *)tr_alloc(w->count, sizeof(float));
    adam->v = (float *)tr_alloc(w->count, sizeof(float));
    adam->decays = (unsigned char *)tr_alloc(w->count, 1);
    adam->square = (double *)tr_alloc(w->count / TR_CHUNK + 1, sizeof(double));
    memset(adam->decays, 1, w->count);
    for (l = 0; l < c->L; l++) {
        memset(adam->decays + (w->layer[l].norm1 - w->flat), 0, c->D);
        memset(adam->decays + (w->layer[l].norm2 - w->flat), 0, c->D);
    }
    memset(adam->decays + (w->norm - w->flat), 0, c->D);
}
static void tr_adamw_free(tr_adamw *adam) {
    free(adam->m), free(adam->v), free(adam->decays), free(adam->square);
}

static void tr_square_part(void *context, size_t chunk, int thread) {
    tr_adamw *adam = (tr_adamw *)context;
    size_t i = chunk * TR_CHUNK, n = adam->net->param.count;
    size_t stop = i + TR_CHUNK < n ? i + TR_CHUNK : n;
    double sum = 0;
    (void)thread;
    for (; i < stop; i++) sum += (double)adam->net->grad.flat[i] * (double)adam->net->grad.flat[i];
    adam->square[chunk] = sum;
}
static void tr_adamw_part(void *context, size_t chunk, int thread) {
    tr_adamw *adam = (tr_adamw *)context;
    float *w = adam->net->param.flat, *grad = adam->net->grad.flat;
    float b1 = (float)adam->beta1, b2 = (float)adam->beta2, scale = (float)adam->scale;
    float step = (float)(adam->rate / (1 - adam->power1)), fix = (float)(1 / (1 - adam->power2));
    float decay = (float)(adam->rate * adam->decay);
    size_t i = chunk * TR_CHUNK, n = adam->net->param.count;
    size_t stop = i + TR_CHUNK < n ? i + TR_CHUNK : n;
    (void)thread;
    for (; i < stop; i++) {
        float g = grad[i] * scale;
        float m = adam->m[i] = b1 * adam->m[i] + (1 - b1) * g;
        float v = adam->v[i] = b2 * adam->v[i] + (1 - b2) * (g * g);
        if (adam->decays[i]) w[i] -= decay * w[i];
        w[i] -= step * m / (sqrtf(v * fix) + 1e-8f);
    }
}
/* One step along net->grad; returns the gradient's norm before clipping. */
static double tr_adamw_step(tr_adamw *adam, double rate) {
    size_t chunks = (adam->net->param.count + TR_CHUNK - 1) / TR_CHUNK, i;
    double norm = 0;
    tr_parallel(adam->net->threads, chunks, tr_square_part, adam);
    for (i = 0; i < chunks; i++) norm += adam->square[i];
    norm = sqrt(norm);
    adam->scale = norm > adam->clip ? adam->clip / norm : 1;
    adam->rate = rate;
    adam->power1 *= adam->beta1;
    adam->power2 *= adam->beta2;
    tr_parallel(adam->net->threads, chunks, tr_adamw_part, adam);
    return norm;
}
/* Linear warm-up, then half a cosine down to a twentieth. */
static double tr_rate(double top, size_t step, size_t warm, size_t steps) {
    double sine, cosine;
    if (step < warm) return top * (double)(step + 1) / (double)warm;
    tr_sincos_double(3.14159265358979312 * (double)(step - warm) /
                         (double)(steps > warm ? steps - warm : 1),
                     &sine, &cosine);
    return top * (0.05 + 0.475 * (1 + cosine));
}
