/* Five paraphrases of one question, each asked alone, then all of them fused. */
#define SEGFUSE_IMPLEMENTATION
#include "segfuse.h"

int main(void) {
    const char *texts[5] = {"The capital of Japan is [MASK].", "Jpaan's capital is [MASK].",
                            "The seat of government of Japan is [MASK].",
                            "In Nippon, the capital city is [MASK].",
                            "What is Japan's capital? [MASK]."};
    sgf_str questions[5];
    sgf_example shot = {sgf_text("The capital of France is [MASK]."), sgf_text("Paris"), NULL, 0};
    sgf_prompt prompt = {0};
    sgf_model *model = NULL;
    sgf_session *session = NULL;
    sgf_method alone, fused;
    sgf_error err;
    char answer[64];
    int i, failed = sgf_method_find("origin", &alone, &err) ||
                    sgf_method_find("fused", &fused, &err) ||
                    sgf_model_load("models/segfuse-2m", NULL, &model, &err) ||
                    sgf_session_create(model, NULL, &session, &err);
    prompt.instruction = sgf_text(
        "Based on the context, predict the [MASK] in the sentence in one word.");
    prompt.example = &shot;
    prompt.examples = prompt.paraphrases = 1;
    for (i = 0; i < 5; i++) questions[i] = sgf_text(texts[i]);
    for (i = 0; i < 5 && !failed; i++) {
        prompt.paraphrase = &questions[i];
        failed = sgf_ask(session, &alone, &prompt, 0, answer, sizeof answer, &err) != SGF_OK;
        if (!failed) printf("%-45s %s\n", texts[i], answer);
    }
    prompt.paraphrase = questions;
    prompt.paraphrases = 5;
    if (!failed)
        failed = sgf_ask(session, &fused, &prompt, 0, answer, sizeof answer, &err) != SGF_OK;
    if (failed) fprintf(stderr, "%s\n", err.message);
    else printf("%-45s %s\n", "fused", answer);
    sgf_session_free(session);
    sgf_model_free(model);
    return failed;
}
