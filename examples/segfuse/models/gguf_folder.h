/* `segfuse convert MODEL.gguf FOLDER`. */
#ifndef SEGFUSE_GGUF_FOLDER_H
#define SEGFUSE_GGUF_FOLDER_H

/* Write the model to `folder`, whole or not at all. dtype: "f32", "f16", "bf16", or NULL: what holds every
   value. Returns the exit status, after saying why if it is not 0. */
int gguf_convert(const char *file, const char *folder, const char *dtype, int rewrite);
/* Does the file begin as a GGUF file does? */
int gguf_is(const char *path);

#endif
