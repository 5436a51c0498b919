/* Layouts as JSON files: what `generate --dump_layout` writes and `forward` reads.

     {"tokens": [T ids], "segments": [T], "positions": [T], "visible": [S rows of S 0/1],
      "roles": [S names], "groups": [S], "log_mass": [S logarithms, added to the answer's scores],
      "answer": segment or null, "fusion": "softmax" or "mixture" (sgf_layout.mixture)}

   Without "positions" they are sequential, without "log_mass" all 0 ("mass", its older name, is
   read, too), without "answer" there is none,
   without "fusion" it is by one softmax.
   "roles" and "groups" (see sgf_segment) are needed for masks by name; without them all segments are
   `shared` and in no group. Other keys are ignored. */
#ifndef SEGFUSE_LAYOUTFILE_H
#define SEGFUSE_LAYOUTFILE_H

#include "../base/base.h"

/* The layout must be initialised; it is changed only on success. */
sgf_status layoutfile_read(const char *path, sgf_layout *layout, sgf_error *err);
/* The same from a text in memory; messages call it `name`. */
sgf_status layoutfile_parse(const char *name, sgf_str text, sgf_layout *layout, sgf_error *err);

sgf_status layoutfile_write(const sgf_layout *layout, const char *path, sgf_error *err);
/* The text of such a file is added to `buf`. */
sgf_status layoutfile_text(const sgf_layout *layout, base_buf *buf, sgf_error *err);

/* The role of that name, as sgf_role_name has it; SGF_ROLE_COUNT if there is none. */
sgf_role layoutfile_role(sgf_str name);
/* Is it one of the three roles of paraphrases: para, manual, auto? */
int layoutfile_is_paraphrase(sgf_role role);

#endif
