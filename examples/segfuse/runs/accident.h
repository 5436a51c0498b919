/* What the original scripts do by accident, for comparison with their results. No method does one of
   these unless it is asked for. They are for methods whose paraphrases share a context
   (SGF_CONTEXTS_FUSION).

   SHIFTED  Segments are counted on the ids of the parts, without BOS; then the text of these ids is
            tokenised again as a whole, with BOS, and the count is applied to the new ids. With BOS
            every segment begins one token early; where a token crosses a border (".\n\n"), all
            that follow begin one token late. Tokens after the end of the count are fused, so with
            BOS the last prompt token is; when the new ids are fewer than were counted, the first
            generated tokens still belong to what was counted there. fusion_start does not apply.
            (flex_attention_generate.py, the myriadlama_flex scripts)
   SWAPPED  The first two paraphrases change places; what is first now sees nothing and is seen by
            nobody, the answer included. Needs two paraphrases.
            (myriadlama_custom_attention_generate.py)
   NO_CUE   SGF_FORMAT_FEW_SHOT_PARTS ends with the last paraphrase: the final "A:" is lost.
            (generate_myriadlama.py) */
#ifndef SEGFUSE_ACCIDENT_H
#define SEGFUSE_ACCIDENT_H

#include "../base/base.h"

enum { ACCIDENT_SHIFTED = 1, ACCIDENT_SWAPPED = 2, ACCIDENT_NO_CUE = 4, ACCIDENT_ALL = 7 };

/* The i-th name, NULL after the last; its number is 1 << i. */
const char *accident_name(size_t i);
/* The accident of that name into *accident; SGF_ERR_ARG with the list of names otherwise. */
sgf_status accident_find(const char *name, unsigned *accident, sgf_error *err);

/* The layout of all paraphrases, as sgf_prompt_layout builds it, with a sum of accidents. *segment
   becomes sgf_task.segment, [max_new_tokens] in `arena`, or NULL if all generated tokens belong to
   the answer. */
sgf_status accident_layout(const sgf_tokenizer *tokenizer, const sgf_prompt *prompt,
                           const sgf_method *method, unsigned accidents, size_t max_new_tokens,
                           sgf_layout *layout, const int32_t **segment, base_arena *arena,
                           sgf_error *err);
/* SWAPPED, the other half of it, once the mask is set: hide paraphrase 1, which is first, from everybody
   and everybody from it. accident_layout has done it for the method's mask. */
void accident_hide(sgf_layout *layout);

#endif
