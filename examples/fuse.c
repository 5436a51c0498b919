/* Five paraphrases of one question, each asked alone, then all of them fused. */
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"

#include <stdio.h>

static const sgf_str instruction = SGF_STR(
    "Based on the context, predict the [MASK] in the sentence in one word.");
static const sgf_example shot = {SGF_STR("The capital of France is [MASK]."), SGF_STR("Paris"),
                                 NULL, 0};
static const sgf_str asked[] = {
    SGF_STR("The capital of Japan is [MASK]."), SGF_STR("Jpaan's capital is [MASK]."),
    SGF_STR("The seat of government of Japan is [MASK]."),
    SGF_STR("In Nippon, the capital city is [MASK]."), SGF_STR("What is Japan's capital? [MASK].")};

int main(void) {
    sgf_prompt prompt = {instruction, &shot, 1, asked, 1, NULL, NULL, NULL, NULL};
    sgf_model *model = NULL;
    sgf_session *session = NULL;
    sgf_error err;
    char answer[64];
    int i, failed = sgf_model_load("models/segfuse-2m", NULL, &model, &err) ||
                    sgf_session_create(model, NULL, &session, &err);
    for (i = 0; i < 6 && !failed; i++) { /* each alone, then all five */
        const char *method = i < 5 ? "origin" : "fused_agreement";
        prompt.paraphrase = &asked[i % 5];
        prompt.paraphrases = i < 5 ? 1 : 5;
        failed = sgf_ask(session, method, &prompt, 0, answer, sizeof answer, &err) != SGF_OK;
        if (!failed) printf("%-45s %s\n", i < 5 ? asked[i].ptr : method, answer);
    }
    if (failed) fprintf(stderr, "%s\n", err.message);
    sgf_session_free(session);
    sgf_model_free(model);
    return failed;
}
