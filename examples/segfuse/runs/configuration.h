/* The configuration of a run is a JSON object; results of different ones never mix. Here: in which
   setting do two differ? */
#ifndef SEGFUSE_CONFIGURATION_H
#define SEGFUSE_CONFIGURATION_H

#include "../base/base.h"

/* The first setting that differs, in words. 0 if none does. */
int config_difference(sgf_str there, sgf_str here, char *out, size_t cap);
/* SGF_ERR_ARG with the setting that differs between what stands in `file` and the configuration of
   this run. The number of questions, and whether there are lemmas, may differ: a run adds them. */
sgf_status config_grows(const char *file, sgf_str there, const base_buf *here, sgf_error *err);
/* How many questions a configuration is of, and whether it says that there are lemmas. */
void config_extent(sgf_str config, size_t *samples, int *lemmas);

#endif
