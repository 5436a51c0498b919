#!/bin/sh
# Which method wins when all are asked alike? fusion_figures.sh PROGRAM OUT [OPTION of generate...]
# Every method is asked in one format (FORMAT, line), 5 paraphrases. What a method leaves open (the T of an entropy, the K of
# --select, ..., the choice by relation) is chosen on the questions CHOOSE; the questions REPORT are answered once, by what was
# chosen. OUT/table.md is the table: accuracy, difference to avg with its paired standard error, passes a step, tokens computed,
# questions a second. Journals are kept, so a stopped run goes on. Other models: sh tests/fusion_figures.sh build/segfuse OUT
# --model DIR --fewshot_data FILE, with CHOOSE and REPORT.
set -eu
program=$1 out=$2
shift 2
: "${CHOOSE:=models/questions/validation.jsonl}" "${REPORT:=models/questions/test.jsonl}" "${FORMAT:=line}" "${SAMPLES:=100}"
mkdir -p "$out"
has() { "$program" generate --help | grep -q -- "$1"; }
data() { [ "$1" = choose ] && echo "$CHOOSE" || echo "$REPORT"; }

# ask SPLIT NAME METHOD [OPTION...]: one result in a folder of its own; what it took goes to cost. Done ones are kept.
ask() {
    split=$1 name=$2 method=$3 folder="$out/$1/$2"
    shift 3
    [ -s "$folder/cost" ] && return
    "$program" generate --method "$method" --data "$(data "$split")" --format "$FORMAT" --quiet --output "$folder" \
        --confidence "$(echo "$out/$split/sure"/*.feather)" "$@" $common > "$folder.log" 2>&1 ||
        { cat "$folder.log" >&2; exit 1; }
    awk '/ to [0-9.]*\) / { print $(NF - 3), $(NF - 2) + $(NF - 1), $NF }' "$folder.log" > "$folder/cost"
}
# The only result of a folder; the accuracy of one (of `vote`: of its paraphrases' vote).
result() { echo "$out/$1/$2"/*.feather; }
accuracy() {
    "$program" analyze "$(result "$1" "$2")" --data "$(data "$1")" --resamples 100 --format csv 2> /dev/null |
        awk -F, -v vote="${3-}" 'NR > 1 && ($1 ~ / vote$/) == (vote != "") { print $10 }'
}
# The best of some names on CHOOSE, the first on ties.
best() {
    for name in "$@"; do echo "$(accuracy choose "$name") $name"; done | sort -s -k1,1nr | head -1 | cut -d' ' -f2
}
# line NAME TEXT [vote]: a row of the table.
line() {
    difference=
    [ "$1" = avg ] || difference=$("$program" analyze "$(result report "$1")" "$(result report avg)" --data "$REPORT" \
        --resamples 100 --format csv --table pairs 2> /dev/null |
        awk -F, -v vote="${3-}" '$2 ~ /^avg|\/avg\// && ($1 ~ / vote$/) == (vote != "") { printf "%+.3f ± %.3f", $4, $NF }')
    cost=$(awk '{ printf "%s | %d | %s", $1, $2, $3 }' "$out/report/$1/cost")
    printf '| %s | %.3f | %s | %s |\n' "$2" "$(accuracy report "$1" "${3-}")" "$difference" "$cost"
}

common=$*
for split in choose report; do
    [ -n "$(ls "$out/$split/sure"/*.feather 2> /dev/null)" ] ||
        "$program" confidence --data "$(data $split)" --format "$FORMAT" --num_paraphrases 5 --num_samples "$SAMPLES" --quiet \
            --output "$out/$split/sure" $common > "$out/$split.log" 2>&1 || { cat "$out/$split.log" >&2; exit 1; }
    for method in per_prompt avg max weighted_avg flex_attention fused; do ask $split $method $method; done
    ask $split mass-1 fused --mass 1
    ask $split confidence fused --mass confidence
    ! has avg_p || ask $split avg_p avg_p
    ! has mixture || ask $split mixture fused --fusion mixture
done
rows="mass-1 fused confidence" by="avg max fused mass-1 confidence"
if has entropy; then
    for t in 0.25 0.5 1 2; do ask choose "entropy-$t" fused --mass "entropy:$t"; done
    chosen=$(best entropy-0.5 entropy-0.25 entropy-1 entropy-2)
    ask report "$chosen" fused --mass "entropy:${chosen#entropy-}"
    rows="$rows $chosen" by="$by $chosen"
    if has mixture; then
        for t in 0.25 0.5 1 2; do ask choose "mixture-$t" fused --fusion mixture --mass "entropy:$t"; done
        chosen=$(best mixture-0.5 mixture-0.25 mixture-1 mixture-2)
        ask report "$chosen" fused --fusion mixture --mass "entropy:${chosen#mixture-}"
        rows="$rows mixture $chosen" by="$by mixture $chosen"
    fi
fi
if has fused_agreement; then
    for split in choose report; do ask $split no-separators fused --separator=; done
    for t in 0.125 0.25 0.5 1; do ask choose "agreement-$t" fused_agreement --mass "agreement:$t"; done
    chosen=$(best agreement-0.25 agreement-0.125 agreement-0.5 agreement-1)
    ask report "$chosen" fused_agreement --mass "agreement:${chosen#agreement-}"
    rows="$rows no-separators $chosen" by="$by $chosen"
fi
if has --tau; then
    for t in 0.5 1 2; do ask choose "entropy_avg-$t" entropy_avg --tau $t; done
    entropy_avg=$(best entropy_avg-1 entropy_avg-0.5 entropy_avg-2)
    ask report "$entropy_avg" entropy_avg --tau "${entropy_avg#entropy_avg-}"
    by="$by $entropy_avg"
fi
if has --from_layer; then
    layers=$("$program" generate --method hidden --from_layer 1024 --output "$out" $common 2>&1 |
        sed -n 's/.* the model has \([0-9]*\) layers.*/\1/p')
    for l in 0 $((layers / 4)) $((layers / 2)) $((layers * 3 / 4)); do ask choose "hidden-$l" hidden --from_layer $l; done
    hidden=$(best hidden-0 "hidden-$((layers / 4))" "hidden-$((layers / 2))" "hidden-$((layers * 3 / 4))")
    ask report "$hidden" hidden --from_layer "${hidden#hidden-}"
    by="$by $hidden"
fi
if has --select; then
    for k in 1 2 3 4; do ask choose "select-$k" fused --select $k; done
    chosen=$(best select-1 select-2 select-3 select-4)
    ask report "$chosen" fused --select "${chosen#select-}"
    rows="$rows $chosen" by="$by $chosen"
fi
if has --hybrid; then
    for a in 0.25 0.5 0.75; do ask choose "hybrid-$a" fused --hybrid $a; done
    chosen=$(best hybrid-0.5 hybrid-0.25 hybrid-0.75)
    ask report "$chosen" fused --hybrid "${chosen#hybrid-}"
    rows="$rows $chosen" by="$by $chosen"
fi
if has --beams; then
    ask report beams-4 fused --beams 4
    rows="$rows beams-4"
fi
# One mask, mass and method for each relation, chosen like the rest.
if "$program" analyze $(for name in $by; do result choose "$name"; done) --data "$CHOOSE" --by_relation "$out/by.json" \
    --resamples 100 --samples 0 > "$out/by.log" 2>&1; then
    ask report by_relation fused --by_relation "$out/by.json"
    rows="$rows by_relation"
fi
{
    echo '| method | accuracy | less `avg` | passes/step | tokens | q/s |'
    echo '|---|---|---|---|---|---|'
    line per_prompt '`per_prompt` (a row each)'
    line per_prompt '... vote' vote
    for name in avg max weighted_avg; do line $name "\`$name\`"; done
    ! has avg_p || line avg_p '`avg_p`'
    ! has --tau || line "$entropy_avg" "\`entropy_avg\`, tau ${entropy_avg#entropy_avg-}"
    ! has --from_layer || line "$hidden" "\`hidden\`, from layer ${hidden#hidden-}"
    line flex_attention '`flex_attention`'
    for name in $rows; do
        case $name in
        fused) line fused '`fused` (mass 1/N)' ;;
        mass-1) line mass-1 '`fused`, mass 1' ;;
        confidence) line confidence '`fused`, mass confidence' ;;
        entropy-*) line "$name" "\`fused\`, mass entropy, T ${name#entropy-}" ;;
        no-separators) line no-separators '`fused`, no separators' ;;
        agreement-*) line "$name" "\`fused_agreement\`, T ${name#agreement-}" ;;
        mixture) line mixture '`fused`, mixture' ;;
        mixture-*) line "$name" "\`fused\`, mixture, mass entropy, T ${name#mixture-}" ;;
        select-*) line "$name" "\`fused\`, the ${name#select-} surest" ;;
        hybrid-*) line "$name" "\`fused\`, hybrid ${name#hybrid-}" ;;
        beams-*) line "$name" "\`fused\`, ${name#beams-} beams" ;;
        by_relation) line by_relation 'by relation' ;;
        esac
    done
} > "$out/table.md.part"
mv "$out/table.md.part" "$out/table.md"
cat "$out/table.md"
