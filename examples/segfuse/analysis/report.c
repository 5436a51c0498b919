#include "report.h"
#include "../cli/options.h"
#include "../masks/picture.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void html(report *r, const char *text) {
    if (!r->status) r->status = base_buf_text(&r->buf, text, &r->err);
}
void html_print(report *r, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    html(r, text);
}
void html_text(report *r, sgf_str text) {
    size_t i, start = 0;
    for (i = 0; i < text.len && !r->status; i++) {
        char c = text.ptr[i];
        const char *entity = c == '<'    ? "&lt;"
                             : c == '>'  ? "&gt;"
                             : c == '&'  ? "&amp;"
                             : c == '"'  ? "&quot;"
                             : c == '\'' ? "&#39;"
                                         : NULL;
        if (!entity) continue;
        r->status = base_buf_add(&r->buf, text.ptr + start, i - start, &r->err);
        html(r, entity);
        start = i + 1;
    }
    if (!r->status && start < text.len)
        r->status = base_buf_add(&r->buf, text.ptr + start, text.len - start, &r->err);
}
static void html_name(report *r, size_t file) {
    html_text(r, sgf_text(r->s->file[file].name));
}
void html_open(report *r, const char *id, const char *heading) {
    html_print(r, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">%s</h2>\n", id, id,
               id, heading);
}

static const char *const report_style[] = {
    ":root{color-scheme:light dark;--ink:#1d2430;--soft:#5c6675;--paper:#fdfdfc;--card:#f3f4f2;",
    "--line:#d9dcd8;--accent:#2f6690;--good:#2f7d5b;--bad:#b4432f;--track:#e5e8e4;",
    "--c0:#2f6690;--c1:#b8621b;--c2:#2f7d5b;--c3:#8d4f8f;--c4:#a33b47;--c5:#6b6f1d;--c6:#22808a;"
    "--c7:#6a6a6a}",
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8ea;--soft:#a2abb6;--paper:#15181c;"
    "--card:#1e2328;--line:#343b43;--accent:#7fb2d9;--good:#6cc39a;--bad:#ee8a76;--track:#2a3037;"
    "--c0:#7fb2d9;--c1:#e6a15f;--c2:#6cc39a;--c3:#cf9bd1;--c4:#ec8a94;--c5:#c5c96c;--c6:#67c5cf;"
    "--c7:#b0b0b0}}",
    "*{box-sizing:border-box}",
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"
    "\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif;overflow-wrap:anywhere}",
    "main,header,footer{max-width:62rem;margin:0 auto;padding:0 1rem}",
    "header{padding-top:2.5rem}",
    "h1{font-size:1.75rem;line-height:1.2;margin:0 0 .5rem;letter-spacing:-.01em}",
    "h2{font-size:1.2rem;line-height:1.3;margin:0 0 .4rem}",
    "h3{font-size:1rem;margin:0 0 .3rem}",
    "section{margin:2.75rem 0 0}",
    "p{margin:.4rem 0 .9rem;max-width:44rem}.lead{font-size:1.1rem}",
    ".note{color:var(--soft);font-size:.9rem}",
    "nav{margin:1rem 0 0;font-size:.9rem;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem}",
    "a{color:var(--accent);text-underline-offset:.15em}",
    "a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible,"
    ".scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}",
    ".scroll{overflow-x:auto;max-width:100%}",
    "table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums;"
    "overflow-wrap:normal}",
    "th,td{padding:.42rem .6rem;border-bottom:1px solid var(--line);text-align:right;"
    "white-space:nowrap}",
    "th{font-weight:600}thead th{color:var(--soft);font-size:.82rem;vertical-align:bottom}",
    "th:first-child,td:first-child{text-align:left}",
    "tbody tr:hover{background:var(--card)}",
    ".pin th:first-child{position:sticky;left:0;background:var(--paper)}",
    "svg{display:block;max-width:100%}svg text{fill:var(--ink);font-size:13px}",
    "svg .soft{fill:var(--soft);font-size:12px}",
    ".bars{max-width:44rem}.track{fill:var(--track)}.bar{fill:var(--c0);opacity:.75}",
    ".whisker{stroke:var(--ink);stroke-width:1.5}.zero{stroke:var(--soft);stroke-dasharray:3 3}",
    ".point{fill:var(--c0)}.grid{stroke:var(--line)}",
    ".curve{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}",
    ".legend{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.2rem;padding:0;margin:.5rem "
    "0;font-size:.9rem}",
    ".legend svg{display:inline-block;vertical-align:middle;margin-right:.4rem}",
    ".pair{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,1fr);gap:1.5rem}",
    ".pair ol{margin:0;padding-left:1.6rem;font-size:.92rem}",
    "@media(max-width:40rem){.pair{grid-template-columns:minmax(0,1fr)}}",
    ".cell{fill:var(--accent)}svg .onaccent{fill:var(--paper)}",
    ".heat{background:color-mix(in srgb,var(--bad) calc(var(--miss)*38%),transparent)}",
    ".masks{display:flex;flex-wrap:wrap;gap:1.5rem 2.5rem}.masks figure{margin:0}",
    "figcaption{font-size:.9rem;color:var(--soft);max-width:17rem;margin-top:.4rem}",
    ".m-prefix{fill:var(--c7)}.m-para{fill:var(--c0)}.m-sep{fill:var(--line)}.m-answer{fill:"
    "var(--c1)}.m-ground{fill:var(--card)}",
    ".controls{display:grid;grid-template-columns:2fr 1fr 1fr;gap:.6rem;margin:.6rem 0}",
    "@media(max-width:40rem){.controls{grid-template-columns:1fr 1fr}.controls label:first-child{"
    "grid-column:1/-1}}",
    ".controls label{font-size:.82rem;color:var(--soft);display:block;min-width:0}",
    "input,select,button{font:inherit;color:inherit;background:var(--card);border:1px solid "
    "var(--line);border-radius:.4rem;padding:.45rem .6rem;width:100%;min-height:2.6rem}",
    "button{width:auto;cursor:pointer;padding:.45rem 1.2rem}",
    "#list{list-style:none;margin:0;padding:0}",
    "#list>li{border-top:1px solid var(--line);padding:.8rem 0;break-inside:avoid}",
    ".q{font-weight:600;margin:0}.meta{color:var(--soft);font-size:.85rem;margin:.1rem 0 .4rem}",
    ".got{display:grid;grid-template-columns:minmax(7rem,max-content) minmax(0,1fr);gap:.1rem .9rem;"
    "margin:0;font-size:.92rem}.got dt{color:var(--soft)}.got dd{margin:0}",
    ".right::before{content:\"\\2713\\00a0\";color:var(--good)}.wrong::before{content:"
    "\"\\2717\\00a0\";color:var(--bad)}.got span+span{margin-left:.9rem}",
    ".empty{font-style:italic;color:var(--soft)}",
    "footer{margin-top:3rem;padding-bottom:3rem;color:var(--soft);font-size:.9rem}",
    "dl.terms dt{font-weight:600;color:var(--ink)}dl.terms dd{margin:0 0 .5rem}",
    "@media print{:root{--ink:#000;--paper:#fff;--soft:#444;--card:#f4f4f4;--line:#bbb;--track:"
    "#e5e5e5}body{font-size:10pt}nav,.controls,button{display:none!important}section{break-inside:"
    "auto;margin-top:1.4rem}.bars,figure,table{break-inside:avoid}*{print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}.scroll{overflow:visible}}",
    NULL};

static const char *const report_script[] = {
    "(function(){'use strict';",
    "var data=JSON.parse(document.getElementById('data').textContent),list=document."
    "getElementById('list'),filter=document.getElementById('filter'),wrong=document."
    "getElementById('wrong'),right=document.getElementById('right'),count=document."
    "getElementById('count'),more=document.getElementById('more'),hits=[],shown=0,timer=0,PAGE=50;",
    "function add(parent,tag,cls,text){var e=document.createElement(tag);if(cls)e.className=cls;"
    "if(text!==undefined)e.textContent=text;parent.appendChild(e);return e}",
    "[wrong,right].forEach(function(s){data.methods.forEach(function(m,i){var o=add(s,'option','',m)"
    ";o.value=String(i)})});",
    /* the text a question is found by; made once */
    "function hay(q){if(!q.hay){var t=[q.uuid,q.question||'',q.relation||''].concat(q.answers);"
    "q.got.forEach(function(g){g.forEach(function(p){t.push(p[0])})});q.hay=t.join('\\n')"
    ".toLowerCase()}return q.hay}",
    "function all(q,m,v){var g=q.got[m];return g.length>0&&(v?g.every(function(p){return p[1]}):"
    "g.some(function(p){return!p[1]}))}",
    "function item(q){var li=add(list,'li'),dl;add(li,'p','q',q.question||q.uuid);"
    "add(li,'p','meta','answers: '+q.answers.join(' | ')+(q.relation?'  -  '+q.relation:''));"
    "dl=add(li,'dl','got');q.got.forEach(function(g,m){if(!g.length)return;add(dl,'dt','',"
    "data.methods[m]);var dd=add(dl,'dd');g.forEach(function(p){var s=add(dd,'span',p[1]?'right':"
    "'wrong');add(s,'span',p[0].trim()?'':'empty',p[0].trim()?p[0]:'empty');s.setAttribute("
    "'aria-label',(p[1]?'right: ':'wrong: ')+p[0])})})}",
    "function show(){var end=Math.min(shown+PAGE,hits.length);for(;shown<end;shown++)"
    "item(hits[shown]);more.hidden=shown>=hits.length;count.textContent=hits.length+' of '+"
    "data.questions.length+(data.questions.length==1?' question':' questions')+(shown<hits.length?', the first '+shown+' shown':'')}",
    "function search(){var words=filter.value.toLowerCase().split(/\\s+/).filter(Boolean),"
    "w=wrong.value,r=right.value;hits=data.questions.filter(function(q){return(w===''||all(q,+w,"
    "false))&&(r===''||all(q,+r,true))&&words.every(function(x){return hay(q).indexOf(x)>=0})});"
    "list.textContent='';shown=0;show()}",
    "filter.addEventListener('input',function(){clearTimeout(timer);timer=setTimeout(search,120)});",
    "wrong.addEventListener('change',search);right.addEventListener('change',search);",
    "more.addEventListener('click',function(){var at=list.children.length;show();if(list.children["
    "at]){list.children[at].tabIndex=-1;list.children[at].focus()}});search()})();",
    NULL};

void html_lines(report *r, const char *const *lines) {
    for (; *lines; lines++) html(r, *lines), html(r, "\n");
}

/* ---- the sections ---- */

/* In one sentence: the best method, and how much better than the baseline. */
static void report_lead(report *r) {
    const study *s = r->s;
    size_t i, best = s->files;
    const method_summary *m;
    const method_pair *p;
    int turned;
    for (i = 0; i < s->files && best == s->files; i++)
        if (study_compares(&s->file[r->rank[i]])) best = r->rank[i];
    if (best == s->files) return;
    m = &s->summary[best];
    html(r, "<p class=\"lead\"><strong>");
    html_name(r, best);
    html_print(r, "</strong> answers %.1f%% of the questions right (95%% interval %.1f to %.1f%%)",
               100 * m->rate[s->way], 100 * m->low[s->way], 100 * m->high[s->way]);
    p = r->base < s->files ? study_pair_of(s, best, r->base, &turned) : NULL;
    if (p && p->questions) {
        html_print(r, ", %+.1f points from ", 100 * (turned ? 0 - p->difference : p->difference));
        html_name(r, r->base);
        html_print(r, " (%+.1f to %+.1f)", 100 * (turned ? 0 - p->high : p->low),
                   100 * (turned ? 0 - p->low : p->high));
    }
    html(r, ".</p>\n");
}
static void report_header(report *r) {
    const study *s = r->s;
    size_t i, methods = 0;
    for (i = 0; i < s->files; i++) methods += !s->file[i].aside;
    html(r, "<header>\n<h1>");
    html_text(r, sgf_text(*r->title ? r->title : "Results"));
    html(r, "</h1>\n");
    html_print(
        r, "<p class=\"note\">%llu question%s, %llu method%s; a prediction is right by %s%s.",
        (unsigned long long)s->questions, plural(s->questions), (unsigned long long)methods,
        plural(methods), s->way == TWO_WAY ? "two-way match of lemmas" : "one-way match of lemmas",
        s->fold ? ", with typographic characters folded" : "");
    if (study_foldable(s))
        html_print(r,
                   " %llu wrong prediction%s would match after folding typographic characters "
                   "(--fold).",
                   (unsigned long long)study_foldable(s), plural(study_foldable(s)));
    if (s->common < s->questions)
        html_print(r,
                   " Every method answered %llu of them; two methods are compared on the questions "
                   "that both answered.",
                   (unsigned long long)s->common);
    html(r, "</p>\n");
    report_lead(r);
    html(r, "<nav aria-label=\"Sections\"><a href=\"#methods\">Methods</a><a href=\"#bars\">"
            "Accuracy</a><a href=\"#gains\">Differences</a>");
    if (study_has_series(s)) html(r, "<a href=\"#series\">Number of paraphrases</a>");
    html(r, "<a href=\"#agreement\">Agreement</a>");
    if (s->relations) html(r, "<a href=\"#relations\">Relations</a>");
    html(r, "<a href=\"#questions\">Questions</a></nav>\n</header>\n<main>\n");
}
static void report_methods(report *r) {
    const study *s = r->s;
    size_t i;
    html_open(r, "methods", "Methods");
    html(r,
         "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"h-methods\">"
         "<table class=\"pin\"><thead><tr><th scope=\"col\">method</th><th scope=\"col\">accuracy"
         "</th><th scope=\"col\">95% interval</th>");
    html_print(r, "<th scope=\"col\">%s</th>", s->way == TWO_WAY ? "one-way" : "two-way");
    html(r, "<th scope=\"col\">rows</th><th scope=\"col\">empty</th></tr></thead>\n<tbody>\n");
    for (i = 0; i < s->files; i++) {
        const method_summary *m = &s->summary[r->rank[i]];
        if (s->file[r->rank[i]].aside) continue;
        html(r, "<tr><th scope=\"row\">");
        html_name(r, r->rank[i]);
        html_print(r,
                   "</th><td>%.3f</td><td>%.3f&ndash;%.3f%s</td><td>%.3f</td><td>%llu</td><td>%llu"
                   "</td></tr>\n",
                   m->rate[s->way], m->low[s->way], m->high[s->way], m->clustered ? "*" : "",
                   m->rate[1 - s->way], (unsigned long long)m->rows,
                   (unsigned long long)s->file[r->rank[i]].empty);
    }
    html(r, "</tbody></table></div>\n<p class=\"note\">Empty predictions are wrong. Intervals are "
            "Wilson's; with * there are several rows a question, and the interval is a bootstrap "
            "over questions.</p>\n</section>\n");
}
static void report_bars(report *r) {
    const study *s = r->s;
    size_t i;
    html_open(r, "bars", "Accuracy with 95% intervals");
    html(r, "<div class=\"bars\">\n");
    for (i = 0; i < s->files; i++) {
        const method_summary *m = &s->summary[r->rank[i]];
        double rate = 100 * m->rate[s->way], low = 100 * m->low[s->way],
               high = 100 * m->high[s->way];
        if (s->file[r->rank[i]].aside) continue;
        html(r, "<svg width=\"100%\" height=\"44\" role=\"img\"><title>");
        html_name(r, r->rank[i]);
        html_print(r, ": %.1f%%, interval %.1f to %.1f%%</title><text x=\"0\" y=\"14\">", rate, low,
                   high);
        html_name(r, r->rank[i]);
        html_print(
            r,
            "</text><text x=\"100%%\" y=\"14\" text-anchor=\"end\">%.1f%%</text>"
            "<rect class=\"track\" y=\"21\" width=\"100%%\" height=\"12\"/>"
            "<rect class=\"bar\" y=\"21\" width=\"%.2f%%\" height=\"12\"/>"
            "<line class=\"whisker\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"27\" y2=\"27\"/>"
            "<line class=\"whisker\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"23\" y2=\"31\"/>"
            "<line class=\"whisker\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"23\" y2=\"31\"/></svg>\n",
            rate, rate, low, high, low, low, high, high);
    }
    html(r, "</div>\n</section>\n");
}
/* Differences from the baseline with their intervals, on one scale around 0, and the tests. */
static void report_gains(report *r) {
    const study *s = r->s;
    size_t i;
    double most = 0.01;
    int turned;
    char p_value[16], holm[16];
    if (r->base == s->files) return;
    for (i = 0; i < s->pairs; i++)
        if ((s->pair[i].first == r->base || s->pair[i].second == r->base) && s->pair[i].questions) {
            most = fabs(s->pair[i].low) > most ? fabs(s->pair[i].low) : most;
            most = fabs(s->pair[i].high) > most ? fabs(s->pair[i].high) : most;
        }
    html_open(r, "gains", "Differences");
    html(r, "<p class=\"note\">In percentage points from <strong>");
    html_name(r, r->base);
    html(r,
         "</strong>, on the questions both answered. Intervals: paired bootstrap over questions. "
         "p: McNemar&#39;s exact test, and with Holm&#39;s correction for all pairs.</p>\n"
         "<div class=\"bars\">\n");
    for (i = 0; i < s->files; i++) {
        const method_pair *p = study_pair_of(s, r->rank[i], r->base, &turned);
        double d, low, high;
        if (!p || !p->questions) continue;
        d = turned ? 0 - p->difference : p->difference;
        low = turned ? 0 - p->high : p->low;
        high = turned ? 0 - p->low : p->high;
        html(r, "<svg width=\"100%\" height=\"44\" role=\"img\"><title>");
        html_name(r, r->rank[i]);
        html_print(r, ": %+.1f points, interval %+.1f to %+.1f</title><text x=\"0\" y=\"14\">",
                   100 * d, 100 * low, 100 * high);
        html_name(r, r->rank[i]);
        html_print(r, "</text><text x=\"100%%\" y=\"14\" text-anchor=\"end\">%+.1f", 100 * d);
        if (p->single)
            html_print(r, "<tspan class=\"soft\">&#160; p %s (%s)</tspan>",
                       *p_text(p->p, p_value) == '<' ? "&lt; 0.0001" : p_text(p->p, p_value),
                       *p_text(p->holm, holm) == '<' ? "&lt; 0.0001" : p_text(p->holm, holm));
        html_print(
            r,
            "</text><rect class=\"track\" y=\"21\" width=\"100%%\" height=\"12\"/><line "
            "class=\"zero\" x1=\"50%%\" x2=\"50%%\" y1=\"18\" y2=\"36\"/><line class=\"whisker\""
            " x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"27\" y2=\"27\"/><circle class=\"point\" "
            "cx=\"%.2f%%\" cy=\"27\" r=\"5\"/></svg>\n",
            50 + 48 * low / most, 50 + 48 * high / most, 50 + 48 * d / most);
    }
    html(r, "</div>\n</section>\n");
}
/* The first file of each method that has results for several numbers of paraphrases. */
static int series_begins(const study *s, size_t file) {
    size_t k, others = 0;
    if (!s->file[file].paraphrases) return 0;
    for (k = 0; k < s->files; k++) {
        if (!answer_same_method(&s->file[k], &s->file[file])) continue;
        if (k < file) return 0;
        others += s->file[k].paraphrases != s->file[file].paraphrases;
    }
    return others > 0;
}
static void report_series(report *r) {
    static const char *const dashes[] = {"", "7 4", "2 4", "9 3 2 3"};
    const study *s = r->s;
    size_t i, k, color = 0;
    long least = 1000000, most = 0, n;
    double low = 1, high = 0, step;
    char name[256];
    if (!study_has_series(s)) return;
    for (i = 0; i < s->files; i++) {
        int in = 0;
        for (k = 0; k < s->files; k++)
            in |= series_begins(s, k) && answer_same_method(&s->file[k], &s->file[i]);
        if (!in) continue;
        least = s->file[i].paraphrases < least ? s->file[i].paraphrases : least;
        most = s->file[i].paraphrases > most ? s->file[i].paraphrases : most;
        low = s->summary[i].rate[s->way] < low ? s->summary[i].rate[s->way] : low;
        high = s->summary[i].rate[s->way] > high ? s->summary[i].rate[s->way] : high;
    }
    step = high - low > 0.4 ? 0.2 : high - low > 0.15 ? 0.1 : 0.05;
    low = floor(low / step) * step, high = ceil(high / step) * step;
    if (high - low < step) high = low + step;
    html_open(r, "series", "Accuracy over the number of paraphrases");
    html(r, "<svg width=\"100%\" height=\"270\" role=\"img\" aria-labelledby=\"h-series\">\n");
    for (i = 0; low + (double)i * step < high + step / 2; i++) {
        double y = 20 + 210 * (1 - (double)i * step / (high - low));
        html_print(r,
                   "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/><text "
                   "class=\"soft\" x=\"0\" y=\"%.1f\">%.0f%%</text>\n",
                   y, y, y - 4, 100 * (low + (double)i * step));
    }
    for (n = least; n <= most; n++) {
        int there = 0;
        for (i = 0; i < s->files; i++) there |= s->file[i].paraphrases == n && !s->file[i].derived;
        if (there)
            html_print(r,
                       "<text class=\"soft\" x=\"%.2f%%\" y=\"254\" text-anchor=\"middle\">%ld"
                       "</text>\n",
                       12 + 80 * (double)(n - least) / (double)(most - least), n);
    }
    for (i = 0; i < s->files; i++) {
        if (!series_begins(s, i)) continue;
        html_print(
            r,
            "<svg y=\"20\" width=\"100%%\" height=\"210\" viewBox=\"0 0 100 100\" "
            "preserveAspectRatio=\"none\"><polyline class=\"curve\" style=\"stroke:var(--c%u)\" "
            "stroke-dasharray=\"%s\" points=\"",
            (unsigned)(color % 8), dashes[color / 2 % 4]);
        for (n = least; n <= most; n++)
            for (k = 0; k < s->files; k++)
                if (s->file[k].paraphrases == n && answer_same_method(&s->file[k], &s->file[i]))
                    html_print(r, "%.2f,%.2f ",
                               12 + 80 * (double)(n - least) / (double)(most - least),
                               100 * (1 - (s->summary[k].rate[s->way] - low) / (high - low)));
        html(r, "\"/></svg>\n");
        for (k = 0; k < s->files; k++) {
            if (!answer_same_method(&s->file[k], &s->file[i]) || !s->file[k].paraphrases) continue;
            html_print(
                r, "<circle cx=\"%.2f%%\" cy=\"%.1f\" r=\"4\" style=\"fill:var(--c%u)\"><title>",
                12 + 80 * (double)(s->file[k].paraphrases - least) / (double)(most - least),
                20 + 210 * (1 - (s->summary[k].rate[s->way] - low) / (high - low)),
                (unsigned)(color % 8));
            html_text(r, sgf_text(study_series_name(s, k, name)));
            html_print(r, ", %ld paraphrases: %.1f%%</title></circle>\n", s->file[k].paraphrases,
                       100 * s->summary[k].rate[s->way]);
        }
        color++;
    }
    html(r, "</svg>\n<ul class=\"legend\">");
    for (i = color = 0; i < s->files; i++) {
        if (!series_begins(s, i)) continue;
        html_print(
            r,
            "<li><svg width=\"34\" height=\"10\" aria-hidden=\"true\"><line x1=\"0\" x2=\"34\" "
            "y1=\"5\" y2=\"5\" stroke-width=\"2\" stroke-dasharray=\"%s\" style=\"stroke:"
            "var(--c%u)\"/></svg>",
            dashes[color / 2 % 4], (unsigned)(color % 8));
        html_text(r, sgf_text(study_series_name(s, i, name)));
        html(r, "</li>");
        color++;
    }
    html(r, "</ul>\n</section>\n");
}
/* kappa of every two methods that have one answer a question; numbers stand for their names. */
static void report_agreement(report *r) {
    const study *s = r->s;
    size_t *member = (size_t *)calloc(s->files + 1, sizeof *member), n = 0, i, k;
    double unit;
    int turned;
    if (!member) return;
    for (i = 0; i < s->files; i++)
        if (study_compares(&s->file[r->rank[i]]) && !s->summary[r->rank[i]].clustered)
            member[n++] = r->rank[i];
    if (n > 1) {
        unit = 100 / ((double)n + 0.5);
        html_open(r, "agreement", "Agreement between methods");
        html(r, "<p class=\"note\">Cohen&#39;s kappa of right and wrong: 1 is the same questions "
                "right, 0 no more than by chance. Point at a cell for the counts.</p>\n<div "
                "class=\"pair\">\n");
        html_print(
            r, "<svg width=\"100%%\" height=\"%u\" role=\"img\" aria-labelledby=\"h-agreement\">\n",
            (unsigned)(38 * n + 26));
        for (i = 0; i < n; i++)
            html_print(r,
                       "<text class=\"soft\" x=\"%.2f%%\" y=\"16\" text-anchor=\"middle\">%u</text>"
                       "<text class=\"soft\" x=\"0\" y=\"%u\">%u</text>\n",
                       ((double)i + 1) * unit, (unsigned)i + 1, (unsigned)(38 * i + 49),
                       (unsigned)i + 1);
        for (i = 0; i < n; i++)
            for (k = 0; k < n; k++) {
                const method_pair *p = study_pair_of(s, member[i], member[k], &turned);
                double kappa = i == k ? 1 : p ? p->kappa : NAN, shade = kappa > 0 ? kappa : 0;
                html(r, "<g><title>");
                html_name(r, member[i]), html(r, " and "), html_name(r, member[k]);
                if (p)
                    html_print(r, ": both right %llu, one alone %llu, both wrong %llu",
                               (unsigned long long)p->counts.both,
                               (unsigned long long)(p->counts.first + p->counts.second),
                               (unsigned long long)p->counts.neither);
                html_print(
                    r,
                    "</title><rect class=\"track\" x=\"%.2f%%\" y=\"%u\" width=\"%.2f%%\" "
                    "height=\"36\"/><rect class=\"cell\" x=\"%.2f%%\" y=\"%u\" width=\"%.2f%%\" "
                    "height=\"36\" opacity=\"%.2f\"/>",
                    ((double)k + 0.5) * unit, (unsigned)(38 * i + 26), unit * 0.97,
                    ((double)k + 0.5) * unit, (unsigned)(38 * i + 26), unit * 0.97, shade);
                if (i != k && kappa == kappa)
                    html_print(r,
                               "<text x=\"%.2f%%\" y=\"%u\" text-anchor=\"middle\"%s>%.2f</text>",
                               ((double)k + 1) * unit, (unsigned)(38 * i + 49),
                               shade > 0.7 ? " class=\"onaccent\"" : "", kappa);
                html(r, "</g>\n");
            }
        html(r, "</svg>\n<ol>");
        for (i = 0; i < n; i++) html(r, "<li>"), html_name(r, member[i]), html(r, "</li>");
        html(r, "</ol>\n</div>\n</section>\n");
    }
    free(member);
}
static void report_paraphrases(report *r) {
    const study *s = r->s;
    size_t i, k;
    for (i = 0; i < s->paraphrase_studies; i++) {
        const paraphrase_study *p = &s->paraphrase[i];
        double n = p->questions ? (double)p->questions : 1;
        if (!i) html_open(r, "paraphrases", "One paraphrase at a time");
        html(r, "<p><strong>");
        html_name(r, p->file);
        html_print(
            r,
            "</strong>: on %.1f%% of %llu question%s some paraphrase is answered right (the oracle), "
            "on %.1f%% every one is; on %.1f%% all answers are equal.</p>\n<div class=\"scroll\" "
            "tabindex=\"0\"><table class=\"pin\"><thead><tr><th scope=\"col\">paraphrase</th>",
            100 * (double)p->any / n, (unsigned long long)p->questions, plural(p->questions),
            100 * (double)p->all / n, 100 * (double)p->equal / n);
        for (k = 0; k < p->places && k < 100; k++)
            html_print(r, "<th scope=\"col\">%u</th>", (unsigned)k + 1);
        html(r, "</tr></thead><tbody><tr><th scope=\"row\">accuracy</th>");
        for (k = 0; k < p->places && k < 100; k++)
            html_print(r, "<td>%.3f</td>", (double)p->right[k] / (double)p->rows[k]);
        html(r, "</tr></tbody></table></div>\n");
        if (i + 1 == s->paraphrase_studies) html(r, "</section>\n");
    }
}
static void report_relations(report *r) {
    const study *s = r->s;
    size_t i, k;
    if (!s->relations) return;
    html_open(r, "relations", "By relation");
    html(r, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"h-relations\">"
            "<table class=\"pin\"><thead><tr><th scope=\"col\">relation</th><th scope=\"col\">"
            "questions</th>");
    for (i = 0; i < s->files; i++)
        if (study_compares(&s->file[r->rank[i]]))
            html(r, "<th scope=\"col\">"), html_name(r, r->rank[i]), html(r, "</th>");
    html(r, "</tr></thead>\n<tbody>\n");
    for (k = 0; k < s->relations; k++) {
        html(r, "<tr><th scope=\"row\">");
        html_text(r, s->relation[k]);
        html_print(r, "</th><td>%llu</td>", (unsigned long long)s->relation_questions[k]);
        for (i = 0; i < s->files; i++) {
            size_t at = k * s->files + r->rank[i];
            double rate;
            if (!study_compares(&s->file[r->rank[i]])) continue;
            if (!s->relation_rows[at]) {
                html(r, "<td>&ndash;</td>");
                continue;
            }
            rate = (double)s->relation_right[at] / (double)s->relation_rows[at];
            html_print(r, "<td class=\"heat\" style=\"--miss:%.3f\">%.2f</td>", 1 - rate, rate);
        }
        html(r, "</tr>\n");
    }
    html(r, "</tbody></table></div>\n</section>\n");
}

/* The visibility of a small prompt under the mask of that name: 0 if there is none. */
static int mask_sketch(const char *name, sgf_layout *layout) {
    static const sgf_role isolated[] = {SGF_ROLE_PARAPHRASE, SGF_ROLE_SEPARATOR,
                                        SGF_ROLE_PARAPHRASE, SGF_ROLE_SEPARATOR,
                                        SGF_ROLE_PARAPHRASE, SGF_ROLE_ANSWER};
    static const sgf_role cross[] = {SGF_ROLE_MANUAL,    SGF_ROLE_SEPARATOR, SGF_ROLE_MANUAL,
                                     SGF_ROLE_SEPARATOR, SGF_ROLE_AUTO,      SGF_ROLE_ANSWER};
    static const sgf_role shared[] = {SGF_ROLE_SHARED, SGF_ROLE_PARAPHRASE, SGF_ROLE_PARAPHRASE,
                                      SGF_ROLE_PARAPHRASE, SGF_ROLE_ANSWER};
    static const sgf_role shots[] = {SGF_ROLE_SHARED,    SGF_ROLE_EXAMPLE_Q,  SGF_ROLE_EXAMPLE_Q,
                                     SGF_ROLE_EXAMPLE_A, SGF_ROLE_EXAMPLE_Q,  SGF_ROLE_EXAMPLE_Q,
                                     SGF_ROLE_EXAMPLE_A, SGF_ROLE_PARAPHRASE, SGF_ROLE_PARAPHRASE,
                                     SGF_ROLE_ANSWER};
    static const int32_t shot_groups[] = {-1, 0, 0, 0, 1, 1, 1, 0, 1, -1};
    const int32_t ids[3] = {0, 0, 0};
    const sgf_role *roles = shared;
    size_t n = 5, i;
    int32_t segment, group = 0;
    sgf_mask mask;
    if (sgf_mask_find(name, &mask, NULL)) return 0;
    if (!strcmp(name, "isolated")) roles = isolated, n = 6;
    if (!strcmp(name, "manual-cross")) roles = cross, n = 6;
    if (!strncmp(name, "few-shot", 8)) roles = shots, n = 10;
    for (i = 0; i < n; i++) {
        int32_t own = roles == shots                                               ? shot_groups[i]
                      : roles[i] == SGF_ROLE_SHARED || roles[i] == SGF_ROLE_ANSWER ? -1
                                                                                   : group;
        if (sgf_layout_segment(layout, roles[i], own, &segment, NULL)) return 0;
        if (sgf_layout_add(layout, segment, ids,
                           roles[i] == SGF_ROLE_SEPARATOR ? 1
                           : n > 6                        ? 2
                                                          : 3,
                           NULL))
            return 0;
        if (i + 1 < n && roles[i] != SGF_ROLE_SHARED && roles[i + 1] != SGF_ROLE_SEPARATOR) group++;
    }
    sgf_mask_set(layout, mask);
    return 1;
}
/* Rows are queries, columns keys; runs of visible keys of one segment are one rectangle. */
static void mask_picture(report *r, const sgf_layout *l) {
    size_t q, k, end;
    unsigned cell = (unsigned)(220 / l->tokens), side = cell * (unsigned)l->tokens;
    html_print(r,
               "<svg width=\"%u\" height=\"%u\" role=\"img\"><title>Who may see whom: a row is a "
               "token that looks, a column one that is seen</title><rect class=\"m-ground\" "
               "width=\"100%%\" height=\"100%%\"/>",
               side, side);
    for (q = 0; q < l->tokens; q++)
        for (k = 0; k <= q; k = end) {
            sgf_role role = l->segment[l->seg[k]].role;
            for (end = k + 1; end <= q && l->seg[end] == l->seg[k];) end++;
            if (!sgf_visible(l, l->seg[q], l->seg[k])) continue;
            html_print(r, "<rect class=\"m-%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>",
                       role == SGF_ROLE_SHARED      ? "prefix"
                       : role == SGF_ROLE_SEPARATOR ? "sep"
                       : role == SGF_ROLE_ANSWER    ? "answer"
                                                    : "para",
                       cell * (unsigned)k, cell * (unsigned)q, cell * (unsigned)(end - k) - 1,
                       cell - 1);
        }
    html(r, "</svg>");
}
static void report_masks(report *r) {
    const study *s = r->s;
    size_t i, drawn = 0;
    for (i = 0; i < s->files; i++) {
        const answer_file *f = &s->file[r->rank[i]];
        sgf_layout layout;
        if (answer_kind(f) != KIND_FUSION || !f->mask[0] || f->aside) continue;
        if (!drawn++) {
            html_open(r, "masks", "The masks of the fused methods");
            html(
                r,
                "<p class=\"note\">On a small prompt. Rows look, columns are seen: grey the shared "
                "prefix, the first colour paraphrases, the second the answer.</p>\n"
                "<div class=\"masks\">\n");
        }
        html(r, "<figure><h3>");
        html_name(r, r->rank[i]);
        html(r, "</h3>");
        sgf_layout_init(&layout, NULL);
        if (mask_sketch(f->mask, &layout)) mask_picture(r, &layout);
        sgf_layout_free(&layout);
        html(r, "<figcaption>mask ");
        html_text(r, sgf_text(f->mask));
        if (f->positions[0]) html(r, ", positions "), html_text(r, sgf_text(f->positions));
        if (f->mass[0]) html(r, ", mass of a paraphrase "), html_text(r, sgf_text(f->mass));
        html(r, "</figcaption></figure>\n");
    }
    if (drawn) html(r, "</div>\n</section>\n");
}

/* All questions that some method gets wrong, as JSON in which no '<' is left. */
static void report_question_data(report *r) {
    const study *s = r->s;
    size_t q, i, k, start;
    json_out j;
    memset(&j, 0, sizeof j);
    base_buf_init(&j.buf, NULL);
    json_out_open(&j, "{");
    json_out_key(&j, "methods"), json_out_open(&j, "[");
    for (i = 0; i < s->files; i++)
        if (study_compares(&s->file[r->rank[i]]))
            json_out_text(&j, sgf_text(s->file[r->rank[i]].name));
    json_out_close(&j, "]");
    json_out_key(&j, "questions"), json_out_open(&j, "[");
    for (q = 0; q < s->questions; q++) {
        const asked_question *ask = &s->question[q];
        int missed = 0;
        for (i = 0; i < s->files; i++)
            missed |= study_compares(&s->file[i]) &&
                      right_of(&s->file[i], q, s->way) < rows_of(&s->file[i], q);
        if (!missed) continue;
        json_out_raw(&j, "\n");
        json_out_open(&j, "{");
        json_out_key(&j, "uuid"), json_out_text(&j, ask->uuid);
        if (ask->text.len) json_out_key(&j, "question"), json_out_text(&j, ask->text);
        if (ask->relation.len) json_out_key(&j, "relation"), json_out_text(&j, ask->relation);
        json_out_key(&j, "answers"), json_out_open(&j, "[");
        for (i = 0; i < ask->answer_count; i++) json_out_text(&j, ask->answers[i]);
        json_out_close(&j, "]");
        json_out_key(&j, "got"), json_out_open(&j, "[");
        for (i = 0; i < s->files; i++) {
            const answer_file *f = &s->file[r->rank[i]];
            if (!study_compares(f)) continue;
            json_out_open(&j, "[");
            for (k = f->first[q]; k < f->first[q + 1]; k++) {
                json_out_open(&j, "[");
                json_out_text(&j, f->prediction[f->order[k]]);
                json_out_size(&j, f->right[s->way][f->order[k]]);
                json_out_close(&j, "]");
            }
            json_out_close(&j, "]");
        }
        json_out_close(&j, "]");
        json_out_close(&j, "}");
    }
    json_out_close(&j, "]");
    json_out_close(&j, "}");
    if (j.status) r->status = j.status, r->err = j.err;
    for (i = start = 0; i < j.buf.len && !r->status; i++) {
        if (j.buf.ptr[i] != '<') continue;
        r->status = base_buf_add(&r->buf, j.buf.ptr + start, i - start, &r->err);
        html(r, "\\u003c");
        start = i + 1;
    }
    if (!r->status)
        r->status = base_buf_add(&r->buf, j.buf.ptr + start, j.buf.len - start, &r->err);
    base_buf_free(&j.buf);
}
static void report_questions(report *r) {
    html_open(r, "questions", "Questions that some method gets wrong");
    html(r,
         "<noscript><p>The list needs JavaScript; the same as a table: <code>segfuse analyze "
         "--format csv --table questions</code>.</p></noscript>\n<div class=\"controls\">"
         "<label>Text in question, answer or prediction<input id=\"filter\" type=\"search\" "
         "autocomplete=\"off\" spellcheck=\"false\"></label><label>Wrong by<select id=\"wrong\">"
         "<option value=\"\">any method</option></select></label><label>Right by<select "
         "id=\"right\"><option value=\"\">(no matter)</option></select></label></div>\n"
         "<p id=\"count\" class=\"note\" role=\"status\"></p>\n<ul id=\"list\"></ul>\n<p><button "
         "id=\"more\" type=\"button\" hidden>Show more</button></p>\n<script id=\"data\" "
         "type=\"application/json\">");
    report_question_data(r);
    html(r, "</script>\n<script>");
    html_lines(r, report_script);
    html(r, "</script>\n</section>\n");
}
static void report_footer(report *r) {
    html(r, "</main>\n<footer><dl class=\"terms\"><dt>Accuracy</dt><dd>The share of rows whose "
            "prediction, as lemmas, contains an accepted answer (one-way), or is also contained in "
            "one (two-way).</dd><dt>Vote</dt><dd>The most frequent answer of the paraphrases asked "
            "one at a time.</dd><dt>McNemar</dt><dd>Exact, two-sided, of the questions that one of "
            "two methods alone gets right.</dd></dl>");
    html_print(r,
               "<p>Bootstrap: %llu resamples, seed %lld. Made by segfuse " SGF_VERSION ".</p>"
               "</footer>\n",
               (unsigned long long)r->s->resamples, (long long)r->s->seed);
}

static void (*const report_sections[])(report *r) = {
    report_header, report_methods,   report_bars,        report_gains,
    report_series, report_agreement, report_paraphrases, report_relations,
    report_masks,  report_questions, report_footer};

void html_begin(report *r, const char *title) {
    memset(r, 0, sizeof *r);
    base_buf_init(&r->buf, NULL);
    r->title = title;
    html(r, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
            "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
            "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
            "form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, "
            "initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n<title>");
    html_text(r, sgf_text(*title ? title : "Results"));
    html(r, "</title>\n<style>\n");
    html_lines(r, report_style);
    html(r, "</style>\n</head>\n<body>\n");
}
sgf_status html_end(report *r, const char *path, sgf_error *err) {
    html(r, "</body>\n</html>\n");
    if (r->status && err) *err = r->err;
    if (!r->status) r->status = file_write(path, &r->buf, err);
    base_buf_free(&r->buf);
    return r->status;
}
sgf_status report_write(const study *s, const char *title, size_t base, const char *path,
                        sgf_error *err) {
    report r;
    sgf_status status;
    size_t i, *rank = (size_t *)calloc(s->files + 1, sizeof *rank);
    if (!rank) return study_memory(err);
    study_rank(s, rank);
    html_begin(&r, title);
    r.s = s, r.rank = rank, r.base = base;
    for (i = 0; i < sizeof report_sections / sizeof report_sections[0]; i++) report_sections[i](&r);
    status = html_end(&r, path, err);
    free(rank);
    return status;
}
