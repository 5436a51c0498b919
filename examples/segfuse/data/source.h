/* Where data lies: a file of any format that table_read reads, a folder that save_to_disk of Hugging
   Face datasets wrote, or a folder of splits. It becomes one table. */
#ifndef SEGFUSE_SOURCE_H
#define SEGFUSE_SOURCE_H

#include "../base/json.h"
#include "../tables/table.h"

typedef struct {
    char path[1024]; /* the file or folder that is read */
    char split[64];  /* of a folder, or of a raw file, that has several; else "" */
    size_t shards;   /* files of a folder; 0 for a file */
} data_source;
int is_saved_splits(const char *path);
int is_data_folder(const char *path);
/* A JSON file of a folder, in memory. Close what was opened, whether that succeeded or not. */
typedef struct {
    char path[1300];
    base_map map;
    base_arena arena;
    json_doc json;
} data_json;
sgf_status data_json_open(data_json *j, const char *folder, const char *name, sgf_error *err);
void data_json_close(data_json *j);
/* The array at member `key`, 0 if there is none. */
uint32_t data_json_array(const data_json *j, const char *key);
/* Is this the name of something in a folder, and of nothing outside of it? Names with control
   characters are none: they would be printed. */
int is_entry(sgf_str name, size_t most);
/* Read a file, a save_to_disk folder, or the split `wanted` (NULL: test) of a folder of splits. `table`
   is to be freed if that succeeds. */
sgf_status data_read(const char *path, const char *wanted, data_source *source,
                     struct table **table, sgf_error *err);

#endif
