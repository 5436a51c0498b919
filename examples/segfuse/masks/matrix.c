/* matrix.h: visibility matrices as text. The reader keeps its first error and does nothing after it. */
#include "matrix.h"
#include "layoutfile.h"

#include <stdio.h>
#include <string.h>

typedef struct matrix_label {
    sgf_role role;
    int32_t number; /* from 1; 0: any */
} matrix_label;

struct matrix {
    sgf_allocator mem;
    char file[256];
    matrix_label *row, *column; /* NULL: by segment number */
    size_t rows, columns, row_cap, column_cap;
    char *cell; /* [rows][columns] of # . = */
    size_t cell_cap;
};

/* ---- reading ---- */

typedef struct matrix_reader {
    matrix *m;
    sgf_str text;
    size_t at, line; /* bytes and lines that were read */
    sgf_status status;
    sgf_error *err;
} matrix_reader;

static void matrix_bad(matrix_reader *r, const char *what) {
    if (!r->status)
        r->status = base_fail_at(r->err, SGF_ERR_FORMAT, r->m->file, (int64_t)r->line,
                                 "%s: line %llu: %s", r->m->file, (unsigned long long)r->line,
                                 what);
}
/* The next line that says something, without its comment and surrounding space; length 0 at the
   end. */
static sgf_str matrix_line(matrix_reader *r) {
    sgf_str line = sgf_text("");
    while (r->at < r->text.len && !line.len) {
        size_t i;
        line.ptr = r->text.ptr + r->at;
        while (r->at < r->text.len && r->text.ptr[r->at] != '\n') r->at++, line.len++;
        if (r->at < r->text.len) r->at++;
        r->line++;
        for (i = 0; i + 1 < line.len; i++)
            if (line.ptr[i] == '/' && line.ptr[i + 1] == '/') line.len = i;
        line = base_strip(line);
    }
    return line;
}
/* The word at the start of `line` as a label, which must be new in its list. */
static void matrix_label_read(matrix_reader *r, sgf_str *line, matrix_label **list, size_t *n,
                              size_t *cap) {
    void *grown = *list;
    matrix_label label;
    size_t len = 0, letters, i;
    if (*n == SGF_MAX_SEGMENTS) {
        matrix_bad(r, "more labels than a layout can have segments, 1024");
        return;
    }
    while (len < line->len && !base_is_space(line->ptr[len])) len++;
    for (letters = len; letters && line->ptr[letters - 1] >= '0' && line->ptr[letters - 1] <= '9';)
        letters--;
    label.role = layoutfile_role(base_text_of(line->ptr, letters));
    label.number = 0;
    for (i = letters; i < len && label.number < 100000; i++)
        label.number = label.number * 10 + (line->ptr[i] - '0');
    if (label.role == SGF_ROLE_COUNT || len - letters > 5 || (letters < len && !label.number)) {
        r->status = base_fail_at(
            r->err, SGF_ERR_FORMAT, r->m->file, (int64_t)r->line,
            "%s: line %llu: '%.*s' is not a label: bos, shared, para, manual, auto, "
            "sep, example_q, example_a, answer, or one of them with a number from 1",
            r->m->file, (unsigned long long)r->line, (int)(len < 40 ? len : 40), line->ptr);
        return;
    }
    for (i = 0; i < *n; i++)
        if ((*list)[i].role == label.role && (*list)[i].number == label.number)
            matrix_bad(r, "a label that was there before");
    if (!r->status) r->status = base_grow(&r->m->mem, &grown, cap, *n + 1, sizeof label, r->err);
    if (r->status) return;
    *list = (matrix_label *)grown;
    (*list)[(*n)++] = label;
    *line = base_strip(base_text_of(line->ptr + len, line->len - len));
}
/* The cells of one row. Without labels the first row says how many there are. */
static void matrix_cells(matrix_reader *r, sgf_str line) {
    matrix *m = r->m;
    void *cells = m->cell;
    size_t i, n = 0, at = m->rows * m->columns;
    if (!r->status) r->status = base_grow(&m->mem, &cells, &m->cell_cap, at + line.len, 1, r->err);
    if (r->status) return;
    m->cell = (char *)cells;
    for (i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (base_is_space(c) || c == ',') continue;
        if (!c || !strchr("#1.0=", c) || (c == '=' && !m->column)) {
            matrix_bad(r, m->column ? "a cell is # or 1, . or 0, or ="
                                    : "a cell is # or 1, . or 0; = needs labels");
            return;
        }
        m->cell[at + n++] = c == '1' ? '#' : c == '0' ? '.' : c;
    }
    if (!m->column && !m->rows) m->columns = n;
    if (n != m->columns || n > SGF_MAX_SEGMENTS)
        r->status = base_fail_at(r->err, SGF_ERR_FORMAT, m->file, (int64_t)r->line,
                                 "%s: line %llu has %llu cells; %llu are wanted, at most %d",
                                 m->file, (unsigned long long)r->line, (unsigned long long)n,
                                 (unsigned long long)m->columns, (int)SGF_MAX_SEGMENTS);
    else if (!m->column && m->rows == m->columns)
        matrix_bad(r, "more rows than columns: a matrix is square");
}
static void matrix_read_all(matrix_reader *r) {
    matrix *m = r->m;
    sgf_str line = matrix_line(r);
    if (!line.len) {
        r->status = base_fail_at(r->err, SGF_ERR_FORMAT, m->file, -1,
                                 "%s: the file is empty; a matrix has a row for each segment",
                                 m->file);
        return;
    }
    if (line.ptr[0] >= 'a' && line.ptr[0] <= 'z') {
        while (line.len && !r->status)
            matrix_label_read(r, &line, &m->column, &m->columns, &m->column_cap);
        line = matrix_line(r);
    }
    for (; line.len && !r->status; line = matrix_line(r)) {
        size_t rows = m->rows;
        if (m->column) matrix_label_read(r, &line, &m->row, &rows, &m->row_cap);
        matrix_cells(r, line);
        if (!r->status) m->rows++;
    }
    if (!m->rows) matrix_bad(r, "rows are missing behind the labels");
    if (!m->column && m->rows < m->columns)
        matrix_bad(r, "fewer rows than columns: a matrix is square");
}
void matrix_free(matrix *m) {
    sgf_allocator mem;
    if (!m) return;
    mem = m->mem;
    base_free(&mem, m->row, m->row_cap, sizeof *m->row);
    base_free(&mem, m->column, m->column_cap, sizeof *m->column);
    base_free(&mem, m->cell, m->cell_cap, 1);
    base_free(&mem, m, 1, sizeof *m);
}
sgf_status matrix_parse(sgf_str text, const char *name, const sgf_allocator *mem, matrix **out,
                        sgf_error *err) {
    sgf_allocator standard = base_allocator(mem);
    matrix_reader r;
    memset(&r, 0, sizeof r);
    r.m = (matrix *)base_alloc(&standard, 1, sizeof *r.m, err);
    if (!r.m) return SGF_ERR_MEMORY;
    r.m->mem = standard;
    snprintf(r.m->file, sizeof r.m->file, "%s", name);
    r.text = text;
    r.err = err;
    matrix_read_all(&r);
    if (r.status) matrix_free(r.m);
    else *out = r.m;
    return r.status;
}
sgf_status matrix_read(const char *path, const sgf_allocator *mem, matrix **out, sgf_error *err) {
    base_map map;
    sgf_status status = base_map_file(path, mem, &map, err);
    if (status) return status;
    status = matrix_parse(base_text_of(map.data, map.size), path, mem, out, err);
    base_unmap(&map);
    return status;
}

/* ---- use ---- */

/* The label that fits a segment best, or SIZE_MAX. */
static size_t matrix_find(const matrix_label *list, size_t n, const sgf_segment *s) {
    size_t i, best = SIZE_MAX;
    int most = 0;
    for (i = 0; i < n; i++) {
        int exact = list[i].role == s->role;
        int fits = exact ||
                   (list[i].role == SGF_ROLE_PARAPHRASE && layoutfile_is_paraphrase(s->role));
        int numbered = list[i].number && list[i].number - 1 == s->group;
        int rank = !fits || (list[i].number && !numbered) ? 0 : 1 + exact + 2 * numbered;
        if (rank > most) most = rank, best = i;
    }
    return best;
}
/* Rows and columns for every segment: out[2][S]. */
static sgf_status matrix_fit(const matrix *m, const sgf_layout *layout, size_t *out,
                             sgf_error *err) {
    size_t S = layout->segments, i;
    char name[96];
    if (!m->column && S != m->rows)
        return base_fail_at(err, SGF_ERR_ARG, m->file, -1,
                            "%s is a matrix of %llu segments; the layout has %llu", m->file,
                            (unsigned long long)m->rows, (unsigned long long)S);
    for (i = 0; i < S; i++) {
        const sgf_segment *s = &layout->segment[i];
        out[i] = m->column ? matrix_find(m->row, m->rows, s) : i;
        out[S + i] = m->column ? matrix_find(m->column, m->columns, s) : i;
        if (out[i] == SIZE_MAX || out[S + i] == SIZE_MAX)
            return base_fail_at(err, SGF_ERR_ARG, m->file, -1,
                                "%s has no %s '%s'; the layout has a segment of that role: %s",
                                m->file, out[i] == SIZE_MAX ? "row" : "column",
                                sgf_role_name(s->role),
                                sgf_segment_text(layout, (int32_t)i, name, sizeof name));
    }
    return SGF_OK;
}
sgf_status matrix_set(sgf_layout *layout, const matrix *m, sgf_error *err) {
    size_t S = layout->segments, q, k, *at;
    sgf_status status;
    if (!m) return base_fail(err, SGF_ERR_ARG, "matrix_set: the matrix must not be NULL");
    at = (size_t *)base_alloc(&layout->mem, 2 * S, sizeof *at, err);
    status = at ? matrix_fit(m, layout, at, err) : SGF_ERR_MEMORY;
    for (q = 0; q < S && !status; q++)
        for (k = 0; k < S; k++) {
            const sgf_segment *a = &layout->segment[q], *b = &layout->segment[k];
            char cell = m->cell[at[q] * m->columns + at[S + k]];
            int own = a->role == b->role ? q == k : a->group >= 0 && a->group == b->group;
            sgf_visible_set(layout, (int32_t)q, (int32_t)k, cell == '#' || (cell == '=' && own));
        }
    base_free(&layout->mem, at, 2 * S, sizeof *at);
    return status;
}
