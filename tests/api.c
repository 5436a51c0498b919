/* The public functions as programs call them: each is declared here a second time, so that a change to
   one of them does not compile until it is made here too, knowingly, with a line in CHANGELOG.md.
   tests/header.sh compiles this as C99 and as C++17 and looks whether all are here. */
#define SEGFUSE_IMPLEMENTATION
#include "../segfuse.h"

#ifdef __cplusplus
extern "C" {
#endif
extern const char *sgf_version(void);
extern const char *sgf_status_text(sgf_status status);
extern sgf_str sgf_text(const char *text);
extern const char *sgf_role_name(sgf_role role);
extern void sgf_layout_init(sgf_layout *layout, const sgf_allocator *mem);
extern void sgf_layout_free(sgf_layout *layout);
extern void sgf_layout_clear(sgf_layout *layout);
extern sgf_status sgf_layout_segment(sgf_layout *layout, sgf_role role, int32_t group,
                                     int32_t *segment, sgf_error *err);
extern sgf_status sgf_layout_add(sgf_layout *layout, int32_t segment, const int32_t *ids, size_t n,
                                 sgf_error *err);
extern int sgf_visible(const sgf_layout *layout, int32_t query, int32_t key);
extern void sgf_visible_set(sgf_layout *layout, int32_t query, int32_t key, int visible);
extern void sgf_layout_place(sgf_layout *layout, sgf_positions positions);
extern const char *sgf_mask_name(sgf_mask mask);
extern sgf_status sgf_mask_find(const char *name, sgf_mask *mask, sgf_error *err);
extern void sgf_mask_set(sgf_layout *layout, sgf_mask mask);
extern void sgf_mask_dense(const sgf_layout *layout, uint8_t *out);
extern char *sgf_segment_text(const sgf_layout *layout, int32_t segment, char *out, size_t cap);
extern sgf_status sgf_mask_explain(const sgf_layout *layout, const sgf_tokenizer *tokenizer,
                                   size_t q, size_t k, char *out, size_t cap, sgf_error *err);
extern size_t sgf_mask_compare(const sgf_layout *layout, const uint8_t *dense, size_t *q,
                               size_t *k);
extern int sgf_mask_allows(sgf_mask promise, const sgf_segment *from, const sgf_segment *to);
extern sgf_status sgf_mask_leaks(const sgf_layout *layout, const uint8_t *dense, sgf_mask promise,
                                 size_t layers, sgf_leak *leaks, size_t cap, size_t *count,
                                 sgf_error *err);
extern char *sgf_leak_text(const sgf_layout *layout, const sgf_leak *leak, char *out, size_t cap);
extern sgf_status sgf_layout_weigh(sgf_layout *layout, const double *weights, size_t n,
                                   sgf_error *err);
extern sgf_status sgf_layout_alone(const sgf_layout *layout, int32_t group, sgf_layout *out,
                                   sgf_error *err);
extern const char *sgf_dtype_name(sgf_dtype dtype);
extern sgf_status sgf_config_load(const char *dir, const sgf_allocator *mem, sgf_config *out,
                                  sgf_error *err);
extern int32_t sgf_config_window(const sgf_config *config, int32_t layer);
extern int32_t sgf_config_rope(const sgf_config *config, int32_t layer);
extern uint64_t sgf_config_parameters(const sgf_config *config);
extern uint64_t sgf_config_kv_bytes(const sgf_config *config);
extern sgf_status sgf_model_load(const char *dir, const sgf_allocator *mem, sgf_model **out,
                                 sgf_error *err);
extern void sgf_model_free(sgf_model *model);
extern sgf_status sgf_session_create(const sgf_model *model, const sgf_session_options *options,
                                     sgf_session **out, sgf_error *err);
extern void sgf_session_free(sgf_session *session);
extern sgf_status sgf_sequence_open(sgf_session *session, const sgf_layout *rule, int32_t parent,
                                    int32_t *sequence, sgf_error *err);
extern void sgf_sequence_close(sgf_session *session, int32_t sequence);
extern sgf_status sgf_forward(sgf_session *session, const sgf_row *rows, size_t n, float *logits,
                              float *hidden, sgf_error *err);
extern sgf_status sgf_reference_forward(const sgf_model *model, sgf_arithmetic arithmetic,
                                        const sgf_layout *layout, float *hidden, float *logits,
                                        sgf_error *err);
extern sgf_status sgf_forward_layout(sgf_session *session, const sgf_layout *layout, float *logits,
                                     float *hidden, int32_t *sequence, sgf_error *err);
extern sgf_device sgf_session_device(const sgf_session *session, int *exact);
extern sgf_status sgf_device_describe(sgf_device device, char *out, size_t cap, sgf_error *err);
extern void sgf_session_watch(sgf_session *session, sgf_watch_function *see, void *user);
extern sgf_status sgf_method_find(const char *name, sgf_method *method, sgf_error *err);
extern const char *sgf_method_name(size_t i);
extern const char *sgf_method_separator(const sgf_method *method);
extern sgf_status sgf_prompt_layout(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt,
                                    const sgf_method *method, size_t which, sgf_layout *layout,
                                    sgf_error *err);
extern sgf_status sgf_generate(sgf_session *session, sgf_task *tasks, size_t n,
                               sgf_step_function *on_step, void *user, sgf_error *err);
extern sgf_status sgf_generate_stream(sgf_session *session, const sgf_stream *stream,
                                      sgf_error *err);
extern sgf_status sgf_ask(sgf_session *session, const char *method, const sgf_prompt *prompt,
                          size_t max_new_tokens, char *out, size_t cap, sgf_error *err);
extern sgf_str sgf_prediction_take(sgf_prediction prediction, sgf_str generation);
extern sgf_status sgf_tokenizer_load(const char *dir, const sgf_allocator *mem, sgf_tokenizer **out,
                                     sgf_error *err);
extern void sgf_tokenizer_free(sgf_tokenizer *tokenizer);
extern sgf_status sgf_encode(const sgf_tokenizer *tokenizer, sgf_str text, int special,
                             int32_t *ids, size_t cap, size_t *count, sgf_error *err);
extern size_t sgf_encode_bound(size_t text_len);
extern sgf_status sgf_decode(const sgf_tokenizer *tokenizer, const int32_t *ids, size_t count,
                             int flags, char *out, size_t cap, size_t *len, sgf_error *err);
extern int32_t sgf_token_id(const sgf_tokenizer *tokenizer, sgf_str token);
extern sgf_str sgf_token_text(const sgf_tokenizer *tokenizer, int32_t id);
extern void sgf_tokenizer_describe(const sgf_tokenizer *tokenizer, sgf_tokenizer_info *out);
extern int32_t sgf_tokenizer_added(const sgf_tokenizer *tokenizer, size_t index, sgf_str *text,
                                   int *special);
extern sgf_status sgf_table_write_feather(const sgf_table *table, const char *path,
                                          const sgf_allocator *mem, sgf_error *err);
extern sgf_status sgf_table_write_csv(const sgf_table *table, const char *path,
                                      const sgf_allocator *mem, sgf_error *err);
#ifdef __cplusplus
}
#endif

/* A program as the documentation tells to write it: a mask, with no model. */
int main(void) {
    static const int32_t ids[3] = {1, 2, 3};
    sgf_layout layout;
    sgf_error err;
    int32_t a, b, answer;
    int failed, leaks;
    sgf_layout_init(&layout, NULL);
    failed = sgf_layout_segment(&layout, SGF_ROLE_PARAPHRASE, 0, &a, &err) ||
             sgf_layout_segment(&layout, SGF_ROLE_PARAPHRASE, 1, &b, &err) ||
             sgf_layout_segment(&layout, SGF_ROLE_ANSWER, -1, &answer, &err) ||
             sgf_layout_add(&layout, a, ids, 1, &err) || sgf_layout_add(&layout, b, ids, 2, &err);
    sgf_visible_set(&layout, a, a, 1);
    sgf_visible_set(&layout, b, b, 1);
    sgf_layout_place(&layout, SGF_POSITIONS_SEQUENTIAL);
    leaks = sgf_visible(&layout, b, a);
    failed = failed || leaks || layout.tokens != 3;
    sgf_layout_free(&layout);
    return failed || strcmp(sgf_version(), SGF_VERSION) != 0;
}
